//! Pixels with their validity.

use ndarray::{Array2, Array3};

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

/// Several bands of pixels of a window, valid together.
///
/// `planes` is `(bands, rows, cols)`, `valid` `(rows, cols)`; for the rest as [`Raster`].
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    /// Which pixels of the grid these are.
    pub window: Window,
    /// Brightness in the file's own linear unit, band by band.
    pub planes: Array3<f32>,
    /// True where the pixel may be used.
    pub valid: Array2<bool>,
}

impl Bands {
    /// So many bands of `window` in which nothing is valid.
    pub fn invalid(window: Window, bands: usize) -> Self {
        let (rows, cols) = (window.rows, window.cols);
        let valid = Array2::from_elem((rows, cols), false);
        Self { window, planes: Array3::zeros((bands, rows, cols)), valid }
    }
}

impl From<Raster> for Bands {
    fn from(raster: Raster) -> Self {
        let Raster { window, pixels, valid } = raster;
        Self { window, planes: pixels.insert_axis(ndarray::Axis(0)), valid }
    }
}
