//! Which lines and trees are near a place, so that any window is cheap.

use crate::place::Place;

/// Side of a bucket, metres.
const BUCKET_M: f64 = 8.0;

/// Items by square buckets, in the order in which they were entered.
#[derive(Clone, Debug)]
pub(crate) struct Index<T> {
    margin_m: f64,
    /// Buckets on a side.
    side: usize,
    starts: Vec<usize>,
    items: Vec<T>,
}

impl<T: Copy> Index<T> {
    /// An index of the square from `-margin_m` to `side_m + margin_m`. Each entry lies in the buckets that its
    /// box (least and greatest corner) touches.
    pub(crate) fn new(side_m: f64, margin_m: f64, entries: &[(Place, Place, T)]) -> Self {
        let side = ((side_m + 2.0 * margin_m) / BUCKET_M).ceil() as usize + 1;
        let bucket = |v: f64| ((v + margin_m) / BUCKET_M).floor().clamp(-1.0, side as f64) as isize;
        let inside = |from: f64, to: f64| bucket(from).max(0)..bucket(to).min(side as isize - 1) + 1;
        let mut placed: Vec<(usize, T)> = Vec::new();
        for (least, most, item) in entries {
            for row in inside(least.y, most.y) {
                for col in inside(least.x, most.x) {
                    placed.push((row as usize * side + col as usize, *item));
                }
            }
        }
        // Stable: entries stay in order within a bucket.
        placed.sort_by_key(|(bucket, _)| *bucket);
        let mut starts = vec![0; side * side + 1];
        for (bucket, _) in &placed {
            starts[bucket + 1] += 1;
        }
        for k in 0..side * side {
            starts[k + 1] += starts[k];
        }
        Self { margin_m, side, starts, items: placed.into_iter().map(|(_, item)| item).collect() }
    }

    /// What may be near `p`.
    #[inline]
    pub(crate) fn near(&self, p: Place) -> &[T] {
        let (row, col) = ((p.y + self.margin_m) / BUCKET_M, (p.x + self.margin_m) / BUCKET_M);
        if row < 0.0 || col < 0.0 || row >= self.side as f64 || col >= self.side as f64 {
            return &[];
        }
        let bucket = row as usize * self.side + col as usize;
        &self.items[self.starts[bucket]..self.starts[bucket + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_box_is_found_in_all_of_it_and_boxes_outside_are_dropped() {
        let at = Place::new;
        let entries = [
            (at(-30.0, -30.0), at(-20.0, -20.0), 'o'),
            (at(1.0, 2.0), at(30.0, 3.0), 'a'),
            (at(7.0, 0.0), at(9.0, 40.0), 'b'),
        ];
        let index = Index::new(50.0, 10.0, &entries);
        assert!(index.near(at(29.0, 2.5)).contains(&'a') && index.near(at(1.5, 2.5)).contains(&'a'));
        assert_eq!(index.near(at(8.0, 2.5)), ['a', 'b']);
        assert!(index.near(at(45.0, 45.0)).is_empty() && index.near(at(-25.0, -25.0)).is_empty());
        assert!(index.near(at(500.0, 0.0)).is_empty());
    }
}
