//! Open water is told by near infrared, and nothing else is: from reflectances to coverage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Pair, SIDE, hash, noise};
use diff::Comparison;
use domain::Reason;
use ndarray::Array2;

/// Pixels by which the later image lies further down and right than its georeference says.
const SHIFT: (i64, i64) = (3, -5);

/// Row, column and sides, pixels.
type Part = [i64; 4];
/// A ditch 6 m wide full of water, and one that leads from it to the lake.
const DITCHES: [Part; 2] = [[20, 300, 600, 12], [144, 230, 12, 80]];
/// A channel of 15 m, which holds whole blocks.
const CHANNEL: Part = [20, 598, 500, 30];
const ASPHALT: Part = [400, 40, 120, 120];
const BURNT: Part = [400, 360, 130, 130];
/// The shadow of a cloud on the later date, over harrowed soil that is as smooth as water.
const SHADE: Part = [60, 420, 140, 160];
/// Water that came between the dates over such soil.
const FLOOD: Part = [540, 480, 80, 120];
/// Middle and radii of the lake.
const LAKE: [f64; 4] = [150.0, 140.0, 100.0, 110.0];

fn within([row, col, rows, cols]: Part, r: i64, c: i64) -> bool {
    (row..row + rows).contains(&r) && (col..col + cols).contains(&c)
}

fn in_lake(r: i64, c: i64) -> bool {
    ((r as f64 - LAKE[0]) / LAKE[2]).hypot((c as f64 - LAKE[1]) / LAKE[3]) < 1.0
}

/// What the sensor sees of a place, green and near infrared: reflectance at the top of the atmosphere.
///
/// Reflectances at the ground, in the order of the ECOSTRESS library's spectra: clear lake 0.05 and 0.01; winter wheat 0.09 and
/// 0.42; dry loam 0.16 and 0.28; asphalt 0.10 and 0.12; fresh char 0.045 and 0.07. Air adds 0.035 and 0.012 (Rayleigh and a thin
/// aerosol). In the shadow of a cloud the light of the sky is left, 0.25 of green and 0.12 of infrared.
fn seen(r: i64, c: i64, later: bool) -> [f32; 2] {
    let ditch = DITCHES.iter().chain([&CHANNEL]).any(|d| within(*d, r, c));
    let lake = in_lake(r, c) || ditch || (later && within(FLOOD, r, c));
    let (ground, rough) = if lake {
        ([0.05, 0.01], 0.0)
    } else if within(ASPHALT, r, c) {
        ([0.10, 0.12], 0.0)
    } else if within(BURNT, r, c) {
        ([0.045, 0.07], 0.0)
    } else if within(SHADE, r, c) || within(FLOOD, r, c) {
        ([0.16, 0.28], 0.0)
    } else if hash(r / 140, c / 150, 5) < 0.5 {
        ([0.09, 0.42], 0.5)
    } else {
        ([0.16, 0.28], 0.5)
    };
    let (y, x) = (r as f64, c as f64);
    let texture = 1.0 + rough * (noise(y, x, 9.0, 1) + 0.7 * noise(y, x, 4.0, 2) - 0.85);
    let sky = if later && within(SHADE, r, c) { [0.25, 0.12] } else { [1.0, 1.0] };
    [0, 1].map(|band| ground[band] * texture * sky[band] + [0.035, 0.012][band])
}

#[derive(Clone, Copy)]
struct Sensor {
    /// Steps of the file for a reflectance of 1, green and near infrared.
    gain: [f32; 2],
    top: f32,
}

/// Eight bits, and eleven with the gains of WorldView-3's green and first near infrared (its absolute calibration, 2016).
const BYTE: Sensor = Sensor { gain: [510.0, 510.0], top: 255.0 };
const WORLD_VIEW: Sensor = Sensor { gain: [2480.0, 3550.0], top: 2047.0 };

/// Green and near infrared of a date.
fn bands(sensor: Sensor, later: bool) -> [Array2<f32>; 2] {
    let (dr, dc) = if later { SHIFT } else { (0, 0) };
    [0, 1].map(|k| {
        Array2::from_shape_fn((SIDE, SIDE), |(r, c)| {
            let (row, col) = (r as i64 - dr, c as i64 - dc);
            let grain = 2.0 * hash(row, col, 70 + 2 * k as u32 + u32::from(later)) - 1.0;
            (sensor.gain[k] * seen(row, col, later)[k] + grain).round().clamp(1.0, sensor.top)
        })
    })
}

fn pair(sensor: Sensor, has_infrared: [bool; 2]) -> Pair {
    let [[first, first_infrared], [second, second_infrared]] =
        [false, true].map(|later| bands(sensor, later));
    let infrared = [has_infrared[0].then_some(first_infrared), has_infrared[1].then_some(second_infrared)];
    Pair::new([first, second], infrared)
}

/// Blocks of water, of those that lie whole in the lake; none may lie elsewhere.
#[track_caller]
fn share_of_lake(found: &Comparison) -> f64 {
    let px = found.coverage.block_px as i64;
    let (mut told, mut whole) = (0, 0);
    for ((i, j), reason) in found.coverage.blocks.indexed_iter() {
        let mut pixels = (0..px).flat_map(|r| (0..px).map(move |c| (i as i64 * px + r, j as i64 * px + c)));
        let lake = pixels.all(|(r, c)| in_lake(r, c));
        let water = *reason == Reason::Water;
        assert!(lake || !water, "block {i}, {j} is no part of the lake");
        told += i32::from(water);
        whole += i32::from(lake);
    }
    f64::from(told) / f64::from(whole)
}

#[test]
fn a_lake_is_told_whatever_the_windows_and_nothing_else_is() {
    let pair = pair(BYTE, [true, true]);
    let found = pair.compared(1536, 2);
    assert!(found.alignment.consensus);
    let share = share_of_lake(&found);
    assert!(share > 0.75, "{share}");
    assert_eq!(found.coverage.pixels.iter().sum::<u64>(), (SIDE * SIDE) as u64);
    let again = pair.compared(160, 1);
    assert_eq!(again.coverage.blocks, found.coverage.blocks);
    assert_eq!(again.coverage.pixels, found.coverage.pixels);
    assert_eq!(again.found, found.found);
}

#[test]
fn one_date_with_near_infrared_is_enough_in_any_unit() {
    for has_infrared in [[true, false], [false, true]] {
        let share = share_of_lake(&pair(WORLD_VIEW, has_infrared).compared(1536, 2));
        assert!(share > 0.75, "{share}");
    }
    // Without near infrared water is looked at.
    let none = pair(WORLD_VIEW, [false, false]).compared(1536, 2);
    assert_eq!(share_of_lake(&none), 0.0);
}
