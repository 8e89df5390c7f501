//! Green light and near infrared, cell by cell.

use ndarray::{Array2, ArrayView2};

use crate::Window;

/// Green light and near infrared of an image, each the mean over cells of [`Infrared::CELL_PX`] pixels on a side.
///
/// What is asked of them is where open water lies, which takes no more detail.
#[derive(Clone, Debug, PartialEq)]
pub struct Infrared {
    /// Which cells of the image: its first pixel is the first of cell `(0, 0)`.
    pub cells: Window,
    /// Green light, `(rows, cols)` of cells, in the unit of the file. NaN where a pixel of the cell is not known.
    pub green: Array2<f32>,
    /// Near infrared, the same.
    pub near_infrared: Array2<f32>,
}

impl Infrared {
    /// Side of a cell, pixels. Those at the right and the lower end of an image may hold less.
    pub const CELL_PX: usize = 4;

    /// The cells that share a pixel with `window`.
    pub fn cells_of(window: Window) -> Window {
        let first = (window.row / Self::CELL_PX, window.col / Self::CELL_PX);
        let end = (window.row_end().div_ceil(Self::CELL_PX), window.col_end().div_ceil(Self::CELL_PX));
        Window::new(first.0, first.1, end.0 - first.0, end.1 - first.1)
    }

    /// The pixels of `cells` of an image of `(rows, cols)`.
    pub fn pixels_of(cells: Window, (rows, cols): (usize, usize)) -> Window {
        let side = Self::CELL_PX;
        let (row, col) = ((cells.row * side).min(rows), (cells.col * side).min(cols));
        let (row_end, col_end) = ((cells.row_end() * side).min(rows), (cells.col_end() * side).min(cols));
        Window::new(row, col, row_end - row, col_end - col)
    }

    /// No cell of `cells` known.
    pub fn unknown(cells: Window) -> Self {
        let nothing = Array2::from_elem((cells.rows, cells.cols), f32::NAN);
        Self { cells, green: nothing.clone(), near_infrared: nothing }
    }

    /// The cells of `window`, which begins with a cell, from its pixels; all arrays have its shape.
    pub fn of(
        window: Window,
        green: ArrayView2<'_, f32>,
        near_infrared: ArrayView2<'_, f32>,
        valid: ArrayView2<'_, bool>,
    ) -> Self {
        let cells = Self::cells_of(window);
        let mean = |plane: ArrayView2<'_, f32>| {
            let mut sums = Array2::<f32>::zeros((cells.rows, cells.cols));
            // Rows that lie together, whatever the view.
            for (r, line) in plane.as_standard_layout().outer_iter().enumerate() {
                let (parts, rest) = line.as_slice().unwrap_or_default().as_chunks::<{ Self::CELL_PX }>();
                let mut sums = sums.row_mut(r / Self::CELL_PX);
                sums.iter_mut().zip(parts).for_each(|(sum, p)| *sum += (p[0] + p[1]) + (p[2] + p[3]));
                if let Some(last) = sums.last_mut() {
                    *last += rest.iter().sum::<f32>();
                }
            }
            for ((i, j), sum) in sums.indexed_iter_mut() {
                let within = |at: usize, n: usize| Self::CELL_PX.min(n - at * Self::CELL_PX);
                *sum /= (within(i, window.rows) * within(j, window.cols)) as f32;
            }
            sums
        };
        let mut out = Self { cells, green: mean(green), near_infrared: mean(near_infrared) };
        for (r, line) in valid.outer_iter().enumerate() {
            if line.iter().all(|&ok| ok) {
                continue;
            }
            for (c, _) in line.indexed_iter().filter(|(_, ok)| !**ok) {
                let at = (r / Self::CELL_PX, c / Self::CELL_PX);
                out.green[at] = f32::NAN;
                out.near_infrared[at] = f32::NAN;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_the_mean_of_its_pixels_and_unknown_where_one_is() {
        let window = Window::new(8, 4, 6, 9);
        let green = Array2::from_shape_fn((6, 9), |(r, c)| (10 * r + c) as f32);
        let mut valid = Array2::from_elem((6, 9), true);
        let cells = Infrared::of(window, green.view(), (&green * 2.0).view(), valid.view());
        assert_eq!(cells.cells, Window::new(2, 1, 2, 3));
        // Rows 0 to 3 and columns 4 to 7; rows 4 and 5 of column 8.
        assert_eq!((cells.green[(0, 1)], cells.near_infrared[(1, 2)]), (15.0 + 5.5, 2.0 * (45.0 + 8.0)));
        valid[(3, 7)] = false;
        let holed = Infrared::of(window, green.view(), green.view(), valid.view());
        assert!(holed.green[(0, 1)].is_nan() && holed.near_infrared[(0, 1)].is_nan());
        assert_eq!(holed.green.iter().filter(|v| v.is_nan()).count(), 1);
    }

    #[test]
    fn cells_and_pixels_hold_each_other() {
        let window = Window::new(5, 8, 7, 4);
        assert_eq!(Infrared::cells_of(window), Window::new(1, 2, 2, 1));
        assert_eq!(Infrared::pixels_of(Window::new(1, 2, 2, 1), (100, 100)), Window::new(4, 8, 8, 4));
        assert_eq!(Infrared::pixels_of(Window::new(1, 2, 2, 1), (11, 9)), Window::new(4, 8, 7, 1));
    }
}
