//! Pixels with their validity.

use ndarray::Array2;

use crate::Window;

/// One band of pixels of a window, and which of them may be used.
///
/// `pixels` and `valid` have the window's shape `(rows, cols)`. A pixel with `valid == false` has an
/// undefined value and never enters a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Raster {
    /// Which pixels of the grid these are.
    pub window: Window,
    /// Brightness in the file's own linear unit.
    pub pixels: Array2<f32>,
    /// True where the pixel may be used.
    pub valid: Array2<bool>,
}

impl Raster {
    /// A raster of `window` in which nothing is valid.
    pub fn invalid(window: Window) -> Self {
        let shape = (window.rows, window.cols);
        Self { window, pixels: Array2::zeros(shape), valid: Array2::from_elem(shape, false) }
    }
}
