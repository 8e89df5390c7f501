//! What many windows find, in one place.

use std::sync::{Mutex, PoisonError};

/// Items that get memory at a time: a list that doubles takes its room twice while it grows.
const CHUNK: usize = 1 << 15;

/// What was found until now, in no order: whoever needs one sorts, by all that tells two findings apart.
#[derive(Debug)]
pub(crate) struct Gathered<T> {
    chunks: Mutex<Vec<Vec<T>>>,
}

impl<T> Gathered<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: Mutex::default() }
    }

    /// Adds what a window found.
    pub(crate) fn add(&self, found: impl IntoIterator<Item = T>) {
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        for item in found {
            match chunks.last_mut() {
                Some(last) if last.len() < CHUNK => last.push(item),
                _ => {
                    let mut next = Vec::with_capacity(CHUNK);
                    next.push(item);
                    chunks.push(next);
                }
            }
        }
    }

    /// Keeps what is worth it.
    pub(crate) fn retain(&mut self, worth: impl Fn(&T) -> bool) {
        let chunks = self.chunks.get_mut().unwrap_or_else(PoisonError::into_inner);
        chunks.iter_mut().for_each(|chunk| chunk.retain(&worth));
    }

    /// All of it.
    pub(crate) fn all(self) -> Vec<T> {
        let chunks = self.chunks.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut all = Vec::with_capacity(chunks.iter().map(Vec::len).sum());
        // Each chunk's memory goes as soon as it is copied.
        chunks.into_iter().for_each(|chunk| all.extend(chunk));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_was_added_is_there() {
        let mut gathered = Gathered::new();
        gathered.add(0..CHUNK - 1);
        gathered.add([]);
        gathered.add(CHUNK - 1..2 * CHUNK + 3);
        gathered.retain(|i| i % 2 == 0);
        gathered.add([1]);
        let mut all = gathered.all();
        all.sort_unstable();
        assert!(all.into_iter().eq([0, 1].into_iter().chain((2..2 * CHUNK + 3).step_by(2))));
        assert!(Gathered::<u8>::new().all().is_empty());
    }
}
