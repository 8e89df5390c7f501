//! From centrelines to earthworks: class, confidence, and what is reported.

use domain::{Class, Pixel};
use serde::{Deserialize, Serialize};

use crate::{
    centreline::Centreline,
    error::OptionError,
    net::{Calibration, FIGURES},
    trace,
};

/// What is reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Confidence under which an earthwork is not reported. Default 0.25; 0–1.
    pub min_confidence: f64,
    /// Shortest earthwork that is reported, metres. Default 6: a quarter of all digitised trenches are shorter than
    /// 13 m, and half of what is shorter than 12 m is. 5–1000.
    pub min_length_m: f64,
    /// Whether lines that look like earthworks and are none are reported too, as what they are. Only ground that is
    /// looked at for earthworks shows them. Default false.
    pub all_lines: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_confidence: 0.25, min_length_m: 6.0, all_lines: false }
    }
}

impl Options {
    /// # Errors
    /// [`OptionError`] for the first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        OptionError::check("classify.min_confidence", self.min_confidence, 0.0..=1.0, "0 to 1")?;
        OptionError::check("classify.min_length_m", self.min_length_m, 5.0..=1000.0, "5 to 1000")
    }
}

/// The class of the centreline of an earthwork.
pub fn class(line: &Centreline) -> Class {
    if line.ditch > 0.0 { Class::AntiVehicleDitch } else { Class::Trench }
}

/// The kind of another line that one looks most like.
pub fn look_alike(line: &Centreline) -> Class {
    let all = line.kinds.iter().zip(Class::LOOK_ALIKES);
    all.max_by(|a, b| a.0.total_cmp(b.0)).map_or(Class::Other, |(_, class)| class)
}

/// Turning up to which what was dug may be a drain, and from which on it is an earthwork, degrees each 10 m: drains and
/// pipelines are laid out straight or bent, zigzags and traverses turn by 60 degrees and more every 5 to 15 m.
const WINDING_DEG: (f64, f64) = (12.0, 30.0);
/// How much rarer new drains and pipelines are taken to be, against new earthworks, than in the scenes that the network
/// learned from: those hold many, so that they are learned.
const DRAINS_RARER: f64 = 10.0;

/// Length up to which a line that touches a surer trench counts as its arm in full, metres; what is twice as long counts half.
const ARM_M: f64 = 8.0;

/// What the confidence in the centreline of an earthwork rests on, on a grid of `pixel_m`, in the order of
/// [`Calibration`]'s weights: log-odds of an earthwork where drains are as rare as on the ground (Elkan 2001, IJCAI, theorem 2);
/// of an earthwork where as much of what looks like a drain counts as the line winds; and how far it is the arm of a trench,
/// 0–1, where the surest other trench that it touches is as sure as `touches`.
///
/// Its length counts as an arm's alone: how long works and look-alikes are differs from place to place.
pub fn figures(line: &Centreline, pixel_m: f64, touches: f64) -> [f64; FIGURES] {
    let odds = |p: f64| (p.clamp(0.01, 0.99) / (1.0 - p.clamp(0.01, 0.99))).ln();
    let turning = turning_deg(&line.vertices, pixel_m);
    let winding = ((turning - WINDING_DEG.0) / (WINDING_DEG.1 - WINDING_DEG.0)).clamp(0.0, 1.0);
    let (work, drain) = (line.work, line.drain);
    let dug = work + drain;
    let share = if work > 0.0 { DRAINS_RARER * work / (DRAINS_RARER * work + drain) } else { 0.0 };
    let arm = touches * (ARM_M / length_m(&line.vertices, pixel_m).max(ARM_M));
    [odds(dug.min(1.0) * share), odds(work + winding * drain), arm]
}

/// Confidence in the centreline of an earthwork, 0–1, where it touches a trench as sure as `touches`: 0 for none, and for how
/// sure it is on its own account.
pub fn confidence(line: &Centreline, pixel_m: f64, touches: f64, calibration: &Calibration) -> f64 {
    if line.vertices.is_empty() {
        return 0.0;
    }
    let own = match class(line) {
        Class::AntiVehicleDitch => &calibration.ditch,
        _ => &calibration.trench,
    };
    let sum =
        own.weights.iter().zip(figures(line, pixel_m, touches)).fold(own.bias, |sum, (w, v)| sum + w * v);
    1.0 / (1.0 + (-sum).exp())
}

/// Ground over which a direction is taken, metres: shorter than a trench's legs, longer than what a pixel shakes.
const LEG_M: f64 = 4.0;

/// How much a line on a grid of `pixel_m` changes its direction, degrees each 10 m.
pub fn turning_deg(vertices: &[Pixel], pixel_m: f64) -> f64 {
    let places: Vec<(f64, f64)> = vertices.iter().map(|p| (p.row, p.col)).collect();
    let places = trace::resampled(&places, LEG_M / pixel_m);
    let turns: Vec<f64> = places
        .windows(3)
        .map(|p| {
            let (a, b) = ((p[1].0 - p[0].0, p[1].1 - p[0].1), (p[2].0 - p[1].0, p[2].1 - p[1].1));
            (a.0 * b.1 - a.1 * b.0).atan2(a.0 * b.0 + a.1 * b.1).abs().to_degrees()
        })
        .collect();
    turns.iter().sum::<f64>() / turns.len().max(1) as f64 * 10.0 / LEG_M
}

/// Length of a line on a grid of `pixel_m`, metres.
pub fn length_m(vertices: &[Pixel], pixel_m: f64) -> f64 {
    let places: Vec<(f64, f64)> = vertices.iter().map(|p| (p.row, p.col)).collect();
    trace::length_px(&places) * pixel_m
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Logistic;

    fn straight(n: usize, p: f64) -> Centreline {
        Centreline {
            vertices: (0..n).map(|i| Pixel { row: 0.0, col: i as f64 }).collect(),
            work: p,
            other: 0.1,
            drain: 0.1,
            ditch: -1.0,
            kinds: [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0],
            width_m: 1.5,
        }
    }

    /// The same with turns of 90 degrees every 6 m.
    fn winding(line: &Centreline) -> Centreline {
        let mut vertices = vec![Pixel { row: 0.0, col: 0.0 }];
        for k in 0..line.vertices.len() {
            let last = vertices[k];
            let (down, right) = if k / 6 % 2 == 0 { (1.0, 0.0) } else { (0.0, 1.0) };
            vertices.push(Pixel { row: last.row + down, col: last.col + right });
        }
        Centreline { vertices, ..line.clone() }
    }

    #[test]
    fn confidence_grows_with_nearness_and_none_is_certain() {
        let trench = Logistic { bias: -3.0, weights: [1.0, 1.0, 0.0] };
        let ditch = Logistic { bias: 0.0, weights: [1.0, 1.0, 0.0] };
        let c = Calibration { trench, ditch };
        let of = |n, p| confidence(&straight(n, p), 1.0, 0.0, &c);
        assert!(of(30, 0.9) > of(30, 0.5) && of(90, 0.5) == of(30, 0.5));
        assert!(of(1000, 1.0) < 1.0 && of(0, 1.0) == 0.0);
        let line = straight(30, 0.5);
        assert_eq!((class(&line), look_alike(&line)), (Class::Trench, Class::PipelineOrDrain));
        let rather_a_drain = Centreline { work: 0.1, drain: 0.5, ..line.clone() };
        assert!(confidence(&rather_a_drain, 1.0, 0.0, &c) < confidence(&line, 1.0, 0.0, &c));
        let wide = Centreline { ditch: 1.0, ..line.clone() };
        assert!(confidence(&wide, 1.0, 0.0, &c) > confidence(&line, 1.0, 0.0, &c));
    }

    #[test]
    fn what_winds_is_no_drain() {
        let by_winding = Logistic { bias: 0.0, weights: [0.0, 1.0, 0.0] };
        let c = Calibration { trench: by_winding, ditch: by_winding };
        let drain = Centreline { work: 0.2, drain: 0.7, ..straight(60, 0.5) };
        assert!(confidence(&drain, 1.0, 0.0, &c) < 0.25);
        assert!(confidence(&winding(&drain), 1.0, 0.0, &c) > 0.8);
        // Where nothing looks like a drain, it is all the same.
        let track = Centreline { work: 0.2, drain: 0.0, ..straight(60, 0.5) };
        assert!(
            (confidence(&track, 1.0, 0.0, &c) - confidence(&winding(&track), 1.0, 0.0, &c)).abs() < 1e-12
        );
    }

    #[test]
    fn what_is_short_and_touches_a_trench_is_its_arm() {
        let by_arm = Logistic { bias: -1.0, weights: [0.0, 0.0, 4.0] };
        let c = Calibration { trench: by_arm, ditch: Logistic { weights: [0.0; FIGURES], ..by_arm } };
        let of = |n, touches| confidence(&straight(n, 0.3), 1.0, touches, &c);
        assert!(of(8, 0.9) > 0.9 && of(8, 0.9) == of(6, 0.9));
        assert!(of(8, 0.0) == of(60, 0.0) && of(8, 0.4) < of(8, 0.9));
        assert!(of(17, 0.9) < of(8, 0.9) && of(61, 0.9) < 0.5);
        assert!((figures(&straight(17, 0.3), 1.0, 0.9)[2] - 0.45).abs() < 1e-12);
    }

    #[test]
    fn drains_are_rarer_than_where_it_was_learned() {
        let of = |work, drain| figures(&Centreline { work, drain, ..straight(60, 0.5) }, 1.0, 0.0)[0];
        // Nothing like a drain: the nearness itself.
        assert!((of(0.6, 0.0) - (0.6f64 / 0.4).ln()).abs() < 1e-12);
        // As near to the one as to the other: ten of eleven are works.
        assert!((of(0.5, 0.5) - 10f64.ln()).abs() < 1e-9, "{}", of(0.5, 0.5));
        assert!(of(0.3, 0.7) > of(0.3, 0.0) && of(0.02, 0.9) < 0.0 && of(0.0, 0.9) < -4.0);
    }

    #[test]
    fn a_zigzag_turns_and_a_straight_line_does_not() {
        assert!(turning_deg(&straight(60, 1.0).vertices, 0.5) < 1e-9);
        // Legs of 8 m, 60 degrees at each corner: 75 degrees each 10 m.
        let mut p = vec![Pixel { row: 0.0, col: 0.0 }];
        for k in 0..160 {
            let (angle, last) = (if k / 16 % 2 == 0 { 30f64 } else { -30.0 }, p[k]);
            let (sin, cos) = angle.to_radians().sin_cos();
            p.push(Pixel { row: last.row + sin, col: last.col + cos });
        }
        let turning = turning_deg(&p, 0.5);
        assert!((turning - 75.0).abs() < 15.0, "{turning}");
        assert_eq!(turning_deg(&p[..2], 0.5), 0.0);
    }
}
