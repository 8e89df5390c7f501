//! Ground to bench on: the same on every machine, textured like fields, with a line dug into it.

use std::convert::Infallible;

use diff::PairSource;
use diff::net::{Answer, KINDS};
use domain::{Pixel, PixelMap, Raster, Window};
use ndarray::{Array2, Array3, s};

/// Side of a pixel, metres.
pub const PIXEL_M: f64 = 0.5;

/// A number of 0–1 that depends on a place and a seed alone.
fn hash(row: i64, col: i64, seed: u32) -> f32 {
    let mut h = (row as u32).wrapping_mul(0x9e37_79b1) ^ (col as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    ((h ^ (h >> 15)) >> 8) as f32 / (1u32 << 24) as f32
}

/// Noise that varies over `size` pixels, bilinear between its nodes.
fn noise(row: f64, col: f64, size: f64, seed: u32) -> f32 {
    let (y, x) = (row / size, col / size);
    let (i, j) = (y.floor(), x.floor());
    let (u, v) = ((y - i) as f32, (x - j) as f32);
    let (i, j) = (i as i64, j as i64);
    let across = |i| hash(i, j, seed) * (1.0 - v) + hash(i, j + 1, seed) * v;
    across(i) * (1.0 - u) + across(i + 1) * u
}

/// Brightness of the ground at a place, 60–160.
pub fn ground(row: f64, col: f64) -> f32 {
    60.0 + 50.0 * noise(row, col, 41.0, 1) + 30.0 * noise(row, col, 11.0, 2) + 20.0 * noise(row, col, 3.7, 3)
}

/// A raster of `(rows, cols)` that is valid everywhere.
pub fn raster(shape: (usize, usize), value: impl Fn(usize, usize) -> f32) -> Raster {
    let mut raster = Raster::invalid(Window::new(0, 0, shape.0, shape.1));
    raster.pixels = Array2::from_shape_fn(shape, |(r, c)| value(r, c));
    raster.valid.fill(true);
    raster
}

/// The ground of `(rows, cols)` on the earlier date.
pub fn earlier(shape: (usize, usize)) -> Raster {
    raster(shape, |r, c| ground(r as f64, c as f64) + 3.0 * hash(r as i64, c as i64, 7))
}

/// The same on the later date, its content `shift_px` further down and right, with a dark line 3 px wide along
/// the middle row from a quarter to three quarters of the width.
pub fn later(shape: (usize, usize), shift_px: (f64, f64)) -> Raster {
    let (rows, cols) = (shape.0 as f64, shape.1 as f64);
    raster(shape, |r, c| {
        let (y, x) = (r as f64 - shift_px.0, c as f64 - shift_px.1);
        let dug = (y - rows / 2.0).abs() <= 1.5 && x >= cols / 4.0 && x < cols * 0.75;
        let light = if dug { 0.6 } else { 1.0 };
        light * ground(y, x) + 3.0 * hash(r as i64, c as i64, 8)
    })
}

/// The part of a raster that lies in `window`.
pub fn part(of: &Raster, window: Window) -> Raster {
    let cut = s![window.row..window.row_end(), window.col..window.col_end()];
    Raster { window, pixels: of.pixels.slice(cut).to_owned(), valid: of.valid.slice(cut).to_owned() }
}

/// A pair in memory, both images on one grid.
pub struct InMemory {
    earlier: Raster,
    later: Raster,
    map: PixelMap,
}

impl InMemory {
    /// The ground of `shape` on both dates, see [`later`].
    pub fn new(shape: (usize, usize), shift_px: (f64, f64)) -> Self {
        let Ok(map) = PixelMap::from_fn(shape, |nodes: &[Pixel]| Ok::<_, Infallible>(nodes.to_vec()));
        Self { earlier: earlier(shape), later: later(shape, shift_px), map }
    }
}

impl PairSource for InMemory {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        self.earlier.pixels.dim()
    }

    fn pixel_m(&self) -> f64 {
        PIXEL_M
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(part(&self.earlier, window))
    }

    fn later_shape(&self) -> (usize, usize) {
        self.later.pixels.dim()
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(part(&self.later, window))
    }
}

/// What a network could say of a window of `side` pixels: one winding trench from left to right, faint noise around.
pub fn answer(side: usize) -> Answer {
    let middle = side as f64 / 2.0;
    let line = Array2::from_shape_fn((side, side), |(r, c)| {
        let sway = 12.0 * (c as f64 / 9.0).sin();
        let off_px = r as f64 + 0.5 - middle - sway;
        (0.9 * (-off_px * off_px / 8.0).exp()) as f32 + 0.04 * hash(r as i64, c as i64, 5)
    });
    let half = side / 2;
    Answer {
        line,
        other: Array2::from_shape_fn((side, side), |(r, c)| 0.1 * hash(r as i64, c as i64, 6)),
        ditch: Array2::from_elem((half, half), -2.0),
        log_width: Array2::from_elem((half, half), 0.4),
        kinds: Array3::from_shape_fn((half, half, KINDS), |(r, c, k)| hash(r as i64, c as i64, k as u32)),
    }
}
