//! Ground of which an image shows nothing is told apart from ground that shows nothing new, from files to coverage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Pair, SIDE, hash, noise};
use diff::Comparison;
use domain::Reason;
use ndarray::Array2;

/// Corner and sides of what is white without a shade on the later date, pixels.
const FULL: [usize; 4] = [440, 60, 90, 100];
/// A strip as white, as wide as much spoil.
const SPOIL: [usize; 4] = [570, 40, 14, 500];
/// Without any light on the earlier date.
const BLACK: [usize; 4] = [60, 460, 80, 80];
/// Middle and radius of the cloud, pixels.
const CLOUD: (f64, f64, f64) = (210.0, 220.0, 150.0);

fn ground(row: usize, col: usize, seed: u32) -> f32 {
    let (r, c) = (row as f64, col as f64);
    let field = hash((r / 140.0) as i64, (c / 150.0) as i64, 5);
    60.0 + 40.0 * field
        + 30.0 * noise(r, c, 9.0, 1)
        + 20.0 * noise(r, c, 4.0, 2)
        + 3.0 * hash(row as i64, col as i64, seed)
}

fn within([row, col, rows, cols]: [usize; 4], r: usize, c: usize) -> bool {
    (row..row + rows).contains(&r) && (col..col + cols).contains(&c)
}

/// White where it is `full`, and under a cloud whose edge is `soft_px` wide.
fn pair(soft_px: f64, full: f32) -> Pair {
    let earlier = |(r, c)| if within(BLACK, r, c) { 1.0 } else { ground(r, c, 7) };
    let later = |(r, c)| {
        let away = (r as f64 - CLOUD.0).hypot(c as f64 - CLOUD.1);
        let thick = (((CLOUD.2 - away) / soft_px).clamp(0.0, 1.0)) as f32;
        let cloudy = ground(r, c, 8) * (1.0 - thick) + (215.0 + hash(r as i64, c as i64, 9)) * thick;
        if within(FULL, r, c) || within(SPOIL, r, c) { full } else { cloudy }
    };
    let shape = (SIDE, SIDE);
    Pair::new([Array2::from_shape_fn(shape, earlier), Array2::from_shape_fn(shape, later)], [None, None])
}

fn count(of: &Comparison, reason: Reason) -> usize {
    of.coverage.blocks.iter().filter(|&&r| r == reason).count()
}

#[test]
fn cloud_white_and_black_are_not_assessed_whatever_the_windows() {
    let pair = pair(50.0, 255.0);
    let found = pair.compared(1536, 2);
    let blocks = &found.coverage.blocks;
    // Inside the thick part of the cloud, the white field and the black one; and ground beside them.
    assert_eq!(blocks[(13, 13)], Reason::Cloud);
    assert_eq!(blocks[(30, 6)], Reason::Saturated);
    assert_eq!(blocks[(5, 31)], Reason::DeepShadow);
    assert_eq!(blocks[(30, 20)], Reason::Assessed);
    // The thick part has a radius of 100 px.
    let cloudy = count(&found, Reason::Cloud) as f64 * 256.0;
    let thick = std::f64::consts::PI * 100.0f64.powi(2);
    assert!(cloudy > 0.8 * thick && cloudy < 1.4 * thick, "{cloudy} of {thick} px");
    assert!((20..=31).contains(&count(&found, Reason::Saturated)), "{blocks:?}");
    assert!((9..=25).contains(&count(&found, Reason::DeepShadow)));
    // Every pixel has one reason.
    assert_eq!(found.coverage.pixels.iter().sum::<u64>(), (SIDE * SIDE) as u64);
    let again = pair.compared(160, 1);
    assert_eq!(again.coverage.blocks, *blocks);
    assert_eq!(again.coverage.pixels, found.coverage.pixels);
    assert_eq!(again.found, found.found);
}

#[test]
fn a_white_field_with_hard_edges_is_looked_at() {
    let found = pair(1.5, 254.0).compared(1536, 2);
    assert_eq!(count(&found, Reason::Cloud), 0);
}
