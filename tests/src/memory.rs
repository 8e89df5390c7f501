//! A pair in memory.

use std::convert::Infallible;

use diff::PairSource;
use domain::{Pixel, PixelMap, Raster, Window};
use ndarray::{Array2, s};

/// Two images of one band on one grid.
pub struct InMemory {
    earlier: Raster,
    later: Raster,
    map: PixelMap,
    /// Side of a pixel, metres.
    pub pixel_m: f64,
}

impl InMemory {
    /// A pair of `earlier` and `later`, which have one shape.
    pub fn new(earlier: Raster, later: Raster, pixel_m: f64) -> Self {
        let same = |nodes: &[Pixel]| Ok::<_, Infallible>(nodes.to_vec());
        let Ok(map) = PixelMap::from_fn(earlier.pixels.dim(), same);
        Self { earlier, later, map, pixel_m }
    }
}

/// A whole image of `pixels` that are valid unless `hole` says otherwise.
pub fn raster(pixels: Array2<f32>, hole: impl Fn(usize, usize) -> bool) -> Raster {
    let (rows, cols) = pixels.dim();
    let valid = Array2::from_shape_fn((rows, cols), |(r, c)| !hole(r, c));
    Raster { window: Window::new(0, 0, rows, cols), pixels, valid }
}

fn part(of: &Raster, w: Window) -> Result<Raster, Infallible> {
    let cut = s![w.row..w.row_end(), w.col..w.col_end()];
    Ok(Raster { window: w, pixels: of.pixels.slice(cut).to_owned(), valid: of.valid.slice(cut).to_owned() })
}

impl PairSource for InMemory {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        self.earlier.pixels.dim()
    }

    fn pixel_m(&self) -> f64 {
        self.pixel_m
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        part(&self.earlier, window)
    }

    fn later_shape(&self) -> (usize, usize) {
        self.later.pixels.dim()
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        part(&self.later, window)
    }
}
