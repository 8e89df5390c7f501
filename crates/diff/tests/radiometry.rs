//! What light, haze and the type of the pixels do to the line gain: as good as nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use diff::line_gain::{Buffers, Layout, Options, Point, Scale, points};
use domain::{Raster, Window};
use ndarray::Array2;

const PIXEL_M: f64 = 0.5;
const SIDE: usize = 512;

/// Ground with texture, light of 60 to 140, and on the later date a dark line down its middle.
fn ground(dug: bool) -> Array2<f32> {
    Array2::from_shape_fn((SIDE, SIDE), |(r, c)| {
        let mut h = (r as u32).wrapping_mul(0x9e37_79b1) ^ (c as u32).wrapping_mul(0x85eb_ca77);
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        let texture = ((h ^ (h >> 15)) >> 8) as f32 / (1u32 << 24) as f32;
        let slope = 20.0 * (r as f32 / 90.0).sin() * (c as f32 / 70.0).cos();
        let line = if dug && (254..258).contains(&c) && (150..360).contains(&r) { 25.0 } else { 0.0 };
        90.0 + slope + 12.0 * texture - line
    })
}

fn gained(later: impl Fn(f32, usize, usize) -> f32) -> Vec<Point> {
    let window = Window::new(0, 0, SIDE, SIDE);
    let raster =
        |pixels: Array2<f32>| Raster { window, pixels, valid: Array2::from_elem((SIDE, SIDE), true) };
    let mut dug = ground(true);
    dug.indexed_iter_mut().for_each(|((r, c), v)| *v = later(*v, r, c));
    let halo = Layout::of(PIXEL_M).halo_px;
    let core = Window::new(halo, halo, SIDE - 2 * halo, SIDE - 2 * halo);
    points(
        [&raster(ground(false)), &raster(dug)],
        core,
        Scale::Narrow,
        PIXEL_M,
        |_| 0.2,
        &Options::default(),
        &mut Buffers::default(),
    )
}

/// The sum of the gains along the line, and of all others.
fn along(points: &[Point]) -> (f32, f32) {
    let on = |p: &&Point| (p.col - 256.0).abs() < 4.0;
    let sum = |of: Vec<&Point>| of.iter().map(|p| p.gain).sum::<f32>();
    (sum(points.iter().filter(on).collect()), sum(points.iter().filter(|p| !on(p)).collect()))
}

#[test]
fn another_gain_or_type_of_pixels_changes_nothing() {
    let plain = gained(|v, _, _| v);
    assert!(plain.len() > 50, "{} points", plain.len());
    // 11 bits in 16, and reflectance.
    for factor in [16.0, 1.0 / 256.0] {
        let other = gained(|v, _, _| v * factor);
        assert_eq!(plain, other, "times {factor}");
    }
}

#[test]
fn haze_that_lies_unevenly_moves_gains_by_a_few_hundredths() {
    let (plain, others) = along(&gained(|v, _, _| v));
    // Path radiance of a third of the light on one side and none on the other, and contrast that falls by a third with it.
    let hazy = gained(|v, _, c| {
        let haze = c as f32 / SIDE as f32;
        v * (1.0 - 0.33 * haze) + 35.0 * haze
    });
    let (under, beside) = along(&hazy);
    assert!((under / plain - 1.0).abs() < 0.1, "{under} for {plain}");
    assert!(beside <= others + 0.1 * plain, "{beside} beside the line for {others}");
}
