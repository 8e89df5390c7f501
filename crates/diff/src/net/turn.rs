//! A window turned: four ways to look at the same ground.
//!
//! A network that was shown every orientation still answers a little differently for each. The mean of its log-odds over
//! four is surer than any one (Krizhevsky et al. 2012, NeurIPS, section 4.1, of crops and mirror images), and turns with
//! the ground exactly.

use ndarray::{Array, ArrayView, Axis, Dimension, Zip};

use crate::look::Look;

/// A quarter turn, or some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Rows become columns, before the rest.
    transposed: bool,
    rows_back: bool,
    cols_back: bool,
}

/// As it is.
pub const AS_IT_IS: [Turn; 1] = [turn(false, false, false)];

/// All four, those that keep the sides of a window first.
pub const ALL: [Turn; 4] =
    [AS_IT_IS[0], turn(false, true, true), turn(true, true, false), turn(true, false, true)];

const fn turn(transposed: bool, rows_back: bool, cols_back: bool) -> Turn {
    Turn { transposed, rows_back, cols_back }
}

impl Turn {
    /// A view with these rows and columns; `rows` is the axis of the rows, the next that of the columns.
    fn there<'a, T, D: Dimension>(self, mut view: ArrayView<'a, T, D>, rows: usize) -> ArrayView<'a, T, D> {
        if self.transposed {
            view.swap_axes(rows, rows + 1);
        }
        if self.rows_back {
            view.invert_axis(Axis(rows));
        }
        if self.cols_back {
            view.invert_axis(Axis(rows + 1));
        }
        view
    }

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

    /// The same ground, turned.
    pub fn look(self, look: &Look) -> Look {
        fn copy<T: Clone, D: Dimension>(view: ArrayView<'_, T, D>) -> Array<T, D> {
            view.as_standard_layout().into_owned()
        }
        Look {
            window: look.window,
            earlier: copy(self.there(look.earlier.view(), 1)),
            later: copy(self.there(look.later.view(), 1)),
            valid: copy(self.there(look.valid.view(), 0)),
        }
    }

    /// Adds what was said of the turned ground, whose first two axes are rows and columns, to `sum`.
    pub fn add<D: Dimension>(self, told: &Array<f32, D>, sum: &mut Array<f32, D>) {
        Zip::from(sum).and(self.back(told.view(), 0)).for_each(|sum, &v| *sum += v);
    }
}

#[cfg(test)]
mod tests {
    use domain::Window;
    use ndarray::{Array2, Array3};

    use super::*;

    #[test]
    fn four_ways_and_each_comes_back() {
        let look = Look {
            window: Window::new(0, 0, 2, 3),
            earlier: Array3::from_shape_fn((3, 2, 3), |(b, r, c)| (100 * b + 10 * r + c) as f32),
            later: Array3::zeros((3, 2, 3)),
            valid: Array2::from_shape_fn((2, 3), |(r, _)| r == 0),
        };
        let mut seen = vec![];
        for turn in ALL {
            let turned = turn.look(&look);
            let red = turned.earlier.index_axis(Axis(0), 0).to_owned();
            let mut back = Array2::<f32>::zeros((2, 3));
            turn.add(&red, &mut back);
            assert_eq!(back, look.earlier.index_axis(Axis(0), 0));
            assert_eq!(turned.valid.dim(), red.dim());
            assert!(turned.valid.iter().zip(&red).all(|(ok, v)| *ok == (*v < 10.0)));
            assert!(!seen.contains(&red));
            seen.push(red);
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
        assert_eq!(AS_IT_IS[0].look(&look), look);
    }
}
