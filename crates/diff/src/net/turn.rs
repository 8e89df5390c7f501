//! A window turned: four ways to look at the same ground.
//!
//! A network that was shown every orientation still answers a little differently for each. The mean of its log-odds over
//! four is surer than any one (Krizhevsky et al. 2012, NeurIPS, section 4.1, of crops and mirror images), and turns with
//! the ground exactly.

use ndarray::{Array, ArrayView, Axis, Dimension, Zip};

use super::{input::CHANNELS, map::Map};

/// A quarter turn, or some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Rows become columns, before the rest.
    transposed: bool,
    rows_back: bool,
    cols_back: bool,
}

/// All four, those that keep the sides of a window first.
pub const ALL: [Turn; 4] =
    [turn(false, false, false), turn(false, true, true), turn(true, true, false), turn(true, false, true)];

const fn turn(transposed: bool, rows_back: bool, cols_back: bool) -> Turn {
    Turn { transposed, rows_back, cols_back }
}

impl Turn {
    /// The way back: `turned` as it lay before.
    fn back<T, D: Dimension>(self, mut turned: ArrayView<'_, T, D>, rows: usize) -> ArrayView<'_, T, D> {
        if self.rows_back {
            turned.invert_axis(Axis(rows));
        }
        if self.cols_back {
            turned.invert_axis(Axis(rows + 1));
        }
        if self.transposed {
            turned.swap_axes(rows, rows + 1);
        }
        turned
    }

    /// Fills `to` with what goes into the network, turned: pixels of `from`, each of 2 × 2 of the window, and those within
    /// them.
    pub fn input(self, from: &Map<i16>, to: &mut Map<i16>) {
        let before = from.shape();
        let (rows, cols) = if self.transposed { (before.1, before.0) } else { before };
        to.reshape(rows, cols, CHANNELS);
        // Where a place of `rows × cols` lies in what was not turned.
        let place = |(r, c): (usize, usize), (rows, cols): (usize, usize)| {
            let r = if self.rows_back { rows - 1 - r } else { r };
            let c = if self.cols_back { cols - 1 - c } else { c };
            if self.transposed { (c, r) } else { (r, c) }
        };
        let within = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|at| {
            let (r, c) = place(at, (2, 2));
            2 * r + c
        });
        for r in 0..rows {
            for (c, to) in to.row_mut(r).as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
                let (row, col) = place((r, c), (rows, cols));
                let from = &from.row(row).as_chunks::<CHANNELS>().0[col];
                for (to, from) in to.as_chunks_mut::<4>().0.iter_mut().zip(from.as_chunks::<4>().0) {
                    *to = within.map(|k| from[k]);
                }
            }
        }
    }

    /// Adds what was said of the turned ground, whose first two axes are rows and columns, to `sum`.
    pub fn add<D: Dimension>(self, told: &Array<f32, D>, sum: &mut Array<f32, D>) {
        Zip::from(sum).and(self.back(told.view(), 0)).for_each(|sum, &v| *sum += v);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn four_ways_and_each_comes_back() {
        // Every figure of a pixel is its place in the window.
        let (rows, cols) = (2, 3);
        let mut input = Map::default();
        input.reshape(rows, cols, CHANNELS);
        for r in 0..rows {
            for (c, cell) in input.row_mut(r).as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
                for (k, v) in cell.iter_mut().enumerate() {
                    *v = (100 * (2 * r + k % 4 / 2) + 2 * c + k % 2) as i16;
                }
            }
        }
        // The first figure of all pixels of the window.
        let pixels = |map: &Map<i16>| {
            let (rows, cols) = map.shape();
            Array2::from_shape_fn((2 * rows, 2 * cols), |(r, c)| {
                let cell = &map.row(r / 2).as_chunks::<CHANNELS>().0[c / 2];
                let figures = cell.as_chunks::<4>().0;
                let own = 2 * (r % 2) + c % 2;
                assert!(figures.iter().all(|f| f[own] == figures[0][own]));
                f32::from(figures[0][own])
            })
        };
        let before = pixels(&input);
        let mut seen = vec![];
        for turn in ALL {
            let mut turned = Map::default();
            turn.input(&input, &mut turned);
            let turned = pixels(&turned);
            let mut back = Array2::<f32>::zeros((2 * rows, 2 * cols));
            turn.add(&turned, &mut back);
            assert_eq!(back, before);
            assert!(!seen.contains(&turned));
            seen.push(turned);
        }
        // Turned, none mirrored: on from the upper left corner the top row's next pixel lies clockwise.
        let corners: Vec<[f32; 4]> = seen
            .iter()
            .map(|r| {
                let (h, w) = r.dim();
                [r[(0, 0)], r[(0, w - 1)], r[(h - 1, w - 1)], r[(h - 1, 0)]]
            })
            .collect();
        for corner in &corners {
            let first = corners[0].iter().position(|v| *v == corner[0]).unwrap();
            assert!((0..4).all(|k| corner[k] == corners[0][(first + k) % 4]), "{corner:?}");
        }
        assert_eq!(seen[0], before);
    }
}
