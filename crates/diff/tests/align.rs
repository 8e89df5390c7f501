//! Alignments of ground whose displacement is known, and of pairs that cannot be aligned.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;

use diff::align::{Field, Options, Verdict, register};
use diff::{PairSource, Silent};
use domain::{Pixel, PixelMap, Raster, Window};
use ndarray::{Array2, s};

const SIDE: usize = 640;
const PIXEL_M: f64 = 0.5;

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

/// Brightness of the ground at a place of date 0's frame: fields with straight edges, and texture.
fn ground(row: f64, col: f64, seed: u32) -> f32 {
    // Warped, so that neither the squares of the noise nor the fields repeat.
    let (row, col) = (
        row + f64::from(25.0 * noise(row + 0.4 * col, col - 0.3 * row, 83.0, seed + 3)),
        col + f64::from(25.0 * noise(col - 0.5 * row, row + 0.6 * col, 71.0, seed + 4)),
    );
    let field =
        hash(((row + 0.2 * col) / 90.0).floor() as i64, ((col - 0.2 * row) / 130.0).floor() as i64, seed);
    60.0 + 40.0 * field + 40.0 * noise(row, col, 17.0, seed + 1) + 30.0 * noise(row, col, 6.0, seed + 2)
}

struct Pair {
    earlier: Array2<f32>,
    later: Array2<f32>,
    map: PixelMap,
}

/// Date 0 and a later image, made pixel by pixel; 0 is nodata. `map` leads from the grid to the later image's pixels.
fn pair(later_side: usize, later: impl Fn(f64, f64) -> f32, map: impl Fn(Pixel) -> Pixel) -> Pair {
    let made = |side: usize, value: &dyn Fn(f64, f64) -> f32| {
        Array2::from_shape_fn((side, side), |(r, c)| value(r as f64 + 0.5, c as f64 + 0.5))
    };
    let Ok(map) = PixelMap::from_fn((SIDE, SIDE), |nodes: &[Pixel]| {
        Ok::<_, Infallible>(nodes.iter().map(|&p| map(p)).collect())
    });
    Pair { earlier: made(SIDE, &|r, c| ground(r, c, 1)), later: made(later_side, &later), map }
}

fn part(of: &Array2<f32>, window: Window) -> Raster {
    let pixels = of.slice(s![window.row..window.row_end(), window.col..window.col_end()]).to_owned();
    let valid = pixels.mapv(|v| v != 0.0);
    Raster { window, pixels, valid }
}

impl PairSource for Pair {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        self.earlier.dim()
    }

    fn pixel_m(&self) -> f64 {
        PIXEL_M
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(part(&self.earlier, window))
    }

    fn later_shape(&self) -> (usize, usize) {
        self.later.dim()
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(part(&self.later, window))
    }
}

fn aligned(pair: &Pair) -> Field {
    let options = Options { max_residual_px: 0.5, ..Options::default() };
    match register(pair, &options, &Silent) {
        Ok(field) => field,
        Err(e) => panic!("{e}"),
    }
}

/// Largest distance of the field from the truth over the cells called aligned, and how many those are.
fn worst(field: &Field, truth: impl Fn(f64, f64) -> (f64, f64)) -> (f64, usize) {
    let (mut worst, mut count) = (0.0f64, 0);
    for row in (64..SIDE - 32).step_by(64) {
        for col in (64..SIDE - 32).step_by(64) {
            let p = Pixel { row: row as f64, col: col as f64 };
            if field.verdict(p).0 == Verdict::Aligned {
                let (to, (dr, dc)) = (field.displaced(p), truth(p.row, p.col));
                worst = worst.max((to.row - p.row - dr).hypot(to.col - p.col - dc));
                count += 1;
            }
        }
    }
    (worst, count)
}

fn refused(field: &Field) {
    assert!(!field.summary.consensus, "{:?}", field.summary);
    let p = Pixel { row: 300.0, col: 310.0 };
    assert_eq!(field.displaced(p), p, "no wrong field");
    assert!(field.cells().iter().all(|c| c.0 == Verdict::NoTies));
}

#[test]
fn a_shift_of_nearly_thirty_metres_is_found() {
    let field = aligned(&pair(SIDE, |r, c| ground(r - 41.3, c + 40.8, 1), |p| p));
    let (worst, count) = worst(&field, |_, _| (41.3, -40.8));
    assert!(worst < 0.1 && count > 40, "{worst} px, {count} places, {:?}", field.summary);
}

#[test]
fn pixels_twice_as_large_turned_by_a_degree_are_no_matter() {
    // The georeferencing knows size and turn, and is 6 and 4 px wrong.
    let (sin, cos) = 1.0f64.to_radians().sin_cos();
    let there = move |p: Pixel| Pixel {
        row: (cos * p.row - sin * p.col) / 2.0 + 20.0,
        col: (sin * p.row + cos * p.col) / 2.0 + 20.0,
    };
    let back = move |row: f64, col: f64| {
        let (y, x) = (2.0 * (row - 20.0), 2.0 * (col - 20.0));
        (cos * y + sin * x, cos * x - sin * y)
    };
    let later = move |r: f64, c: f64| {
        let mut sum = 0.0;
        for (i, j) in [(-0.25, -0.25), (-0.25, 0.25), (0.25, -0.25), (0.25, 0.25)] {
            let (y, x) = back(r + i, c + j);
            sum += ground(y - 6.0, x - 4.0, 1) / 4.0;
        }
        sum
    };
    let field = aligned(&pair(380, later, there));
    let (worst, count) = worst(&field, |_, _| (6.0, 4.0));
    assert!(worst < 0.3 && count > 40, "{worst} px, {count} places, {:?}", field.summary);
}

#[test]
fn under_ninety_per_cent_of_cloud_only_what_is_seen_is_aligned() {
    // A fifth of a corner is clear. Clouds have texture too, another on each date.
    let clear = |r: f64, c: f64| r < 300.0 && c < 300.0;
    let cloud = |r: f64, c: f64| 200.0 + 40.0 * noise(r, c, 23.0, 99);
    let later = move |r: f64, c: f64| if clear(r, c) { ground(r - 2.5, c - 1.25, 1) } else { cloud(r, c) };
    let field = aligned(&pair(SIDE, later, |p| p));
    let (worst, _) = worst(&field, |_, _| (2.5, 1.25));
    assert!(worst < 0.5, "{worst} px, {:?}", field.summary);
    let far = Pixel { row: 600.0, col: 600.0 };
    assert_eq!(field.verdict(far).0, Verdict::NoTies);
}

#[test]
fn other_ground_is_refused() {
    refused(&aligned(&pair(SIDE, |r, c| ground(r, c, 77), |p| p)));
}

#[test]
fn mirrored_or_turned_ground_is_refused() {
    let end = SIDE as f64;
    refused(&aligned(&pair(SIDE, |r, c| ground(r, end - c, 1), |p| p)));
    refused(&aligned(&pair(SIDE, |r, c| ground(end - r, c, 1), |p| p)));
    refused(&aligned(&pair(SIDE, |r, c| ground(c, end - r, 1), |p| p)));
    refused(&aligned(&pair(SIDE, |r, c| ground(end - r, end - c, 1), |p| p)));
}

#[test]
fn an_image_of_one_value_is_refused() {
    let field = aligned(&pair(SIDE, |_, _| 80.0, |p| p));
    refused(&field);
    assert_eq!(field.summary.matched, 0);
}

#[test]
fn a_shift_beyond_the_search_is_refused() {
    // 150 px are 75 m.
    refused(&aligned(&pair(SIDE, |r, c| ground(r - 150.0, c + 20.0, 1), |p| p)));
}

#[test]
fn cloud_alone_is_refused() {
    let cloud = |r: f64, c: f64| 200.0 + 40.0 * noise(r, c, 23.0, 99) + 10.0 * noise(r, c, 5.0, 98);
    refused(&aligned(&pair(SIDE, cloud, |p| p)));
}
