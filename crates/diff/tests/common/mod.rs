//! Ground that is made up, and pairs of it.

use std::convert::Infallible;

use diff::net::Model;
use diff::{Comparison, Options, PairSource, Silent, compare};
use domain::{Infrared, Pixel, PixelMap, Raster, Window};
use ndarray::{Array2, s};

/// Side of a pair, pixels.
pub const SIDE: usize = 640;
/// Side of a pixel, metres.
pub const PIXEL_M: f64 = 0.5;

/// A number of 0–1 that depends on a place and a seed alone.
pub fn hash(row: i64, col: i64, seed: u32) -> f32 {
    let mut h = (row as u32).wrapping_mul(0x9e37_79b1) ^ (col as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    ((h ^ (h >> 15)) >> 8) as f32 / (1u32 << 24) as f32
}

/// Noise that varies over `size` pixels.
pub fn noise(row: f64, col: f64, size: f64, seed: u32) -> f32 {
    let (y, x) = (row / size, col / size);
    let (u, v) = ((y - y.floor()) as f32, (x - x.floor()) as f32);
    let (i, j) = (y.floor() as i64, x.floor() as i64);
    let across = |i| hash(i, j, seed) * (1.0 - v) + hash(i, j + 1, seed) * v;
    across(i) * (1.0 - u) + across(i + 1) * u
}

/// Two dates in memory, of which no georeference is off.
pub struct Pair {
    dates: [Array2<f32>; 2],
    infrared: [Option<Array2<f32>>; 2],
    map: PixelMap,
}

impl Pair {
    /// The light of both dates, which stands for green where there is near infrared.
    pub fn new(dates: [Array2<f32>; 2], infrared: [Option<Array2<f32>>; 2]) -> Self {
        let Ok(map) = PixelMap::from_fn((SIDE, SIDE), |nodes: &[Pixel]| Ok::<_, Infallible>(nodes.to_vec()));
        Self { dates, infrared, map }
    }

    pub fn compared(&self, window_px: usize, threads: usize) -> Comparison {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let options = Options { window_px, ..Options::default() };
        pool.install(|| compare(self, &options, &Model::built_in().unwrap(), &Silent)).unwrap()
    }

    fn light(&self, date: usize, window: Window) -> Raster {
        let pixels =
            self.dates[date].slice(s![window.row..window.row_end(), window.col..window.col_end()]).to_owned();
        Raster { window, valid: Array2::from_elem(pixels.dim(), true), pixels }
    }

    fn infrared(&self, date: usize, cells: Window) -> Option<Infrared> {
        let w = Infrared::pixels_of(cells, (SIDE, SIDE));
        let cut = s![w.row..w.row_end(), w.col..w.col_end()];
        let valid = Array2::from_elem((w.rows, w.cols), true);
        let infrared = self.infrared[date].as_ref()?.slice(cut);
        Some(Infrared::of(w, self.dates[date].slice(cut), infrared, valid.view()))
    }
}

impl PairSource for Pair {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        (SIDE, SIDE)
    }

    fn pixel_m(&self) -> f64 {
        PIXEL_M
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(self.light(0, window))
    }

    fn later_shape(&self) -> (usize, usize) {
        (SIDE, SIDE)
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(self.light(1, window))
    }

    fn earlier_infrared(&self, cells: Window) -> Result<Option<Infrared>, Infallible> {
        Ok(self.infrared(0, cells))
    }

    fn later_infrared(&self, cells: Window) -> Result<Option<Infrared>, Infallible> {
        Ok(self.infrared(1, cells))
    }
}
