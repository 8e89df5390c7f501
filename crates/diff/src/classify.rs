//! From centrelines to earthworks: class, confidence, and what is reported.

use domain::{Class, Pixel};
use serde::{Deserialize, Serialize};

use crate::{centreline::Centreline, error::OptionError, net::Calibration, trace};

/// What is reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Confidence under which an earthwork is not reported. Default 0.25; 0–1.
    pub min_confidence: f64,
    /// Shortest earthwork that is reported, metres. Default 12: a quarter of all digitised trenches are shorter than
    /// 13 m. 5–1000.
    pub min_length_m: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_confidence: 0.25, min_length_m: 12.0 }
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

/// The class of a line.
pub fn class(line: &Centreline) -> Class {
    if line.ditch > 0.0 { Class::AntiVehicleDitch } else { Class::Trench }
}

/// Confidence in a line on a grid of `pixel_m`, 0–1.
pub fn confidence(line: &Centreline, pixel_m: f64, calibration: &Calibration) -> f64 {
    let n = line.nearness.len();
    if n == 0 {
        return 0.0;
    }
    let odds = |p: f64| (p.clamp(1e-3, 0.999) / (1.0 - p.clamp(1e-3, 0.999))).ln();
    let mean = line.nearness.iter().sum::<f64>() / n as f64;
    let length = length_m(&line.vertices, pixel_m).max(1.0).ln();
    let c = calibration;
    1.0 / (1.0 + (-(c.bias + c.mean * odds(mean) + c.length * length)).exp())
}

/// Length of a line on a grid of `pixel_m`, metres.
pub fn length_m(vertices: &[Pixel], pixel_m: f64) -> f64 {
    let places: Vec<(f64, f64)> = vertices.iter().map(|p| (p.row, p.col)).collect();
    trace::length_px(&places) * pixel_m
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_grows_with_nearness_and_length_and_none_is_certain() {
        let c = Calibration { bias: -3.0, mean: 1.0, length: 0.5 };
        let line = |n: usize, p: f64| Centreline {
            vertices: (0..n).map(|i| Pixel { row: 0.0, col: i as f64 }).collect(),
            nearness: vec![p; n],
            ditch: -1.0,
            width_m: 1.5,
        };
        let of = |n, p| confidence(&line(n, p), 1.0, &c);
        assert!(of(30, 0.9) > of(30, 0.5) && of(90, 0.5) > of(30, 0.5));
        assert!(of(1000, 1.0) < 1.0 && of(0, 1.0) == 0.0);
        assert_eq!(class(&line(5, 0.5)), Class::Trench);
    }
}
