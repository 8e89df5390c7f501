//! Things that are dear to make, lent to one thread at a time.

use std::sync::{Mutex, PoisonError};

/// What no thread uses now. There are never more than there were users at once.
///
/// Work is then shared out item by item and not in runs: the last runs of a step would keep one thread, while the
/// others wait.
#[derive(Debug, Default)]
pub(crate) struct Pool<T> {
    idle: Mutex<Vec<T>>,
}

impl<T: Default> Pool<T> {
    /// Lends one, new where none is idle.
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // A panic elsewhere leaves whole things behind.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut lent = taken.unwrap_or_default();
        let out = work(&mut lent);
        idle().push(lent);
        out
    }
}
