//! The figures of a scene.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::breakdown::{self, Breakdown};
use crate::curves::{self, FrocPoint, ReliabilityBin};
use crate::{Matched, MatchedDetection, Options};

/// What detections are worth, by the buffer method of Wiedemann, Heipke, Mayer & Jamet (1998).
///
/// A figure that has nothing to be measured on (correctness without detections) is `None`. Lengths are rounded to
/// 0.1 m, nothing else is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Lines of truth.
    pub truth_objects: usize,
    /// Detections of at least the minimum confidence.
    pub detections: usize,
    /// Length of truth.
    pub truth_m: f64,
    /// Length of these detections.
    pub detected_m: f64,
    /// Share of the truth's length within the buffer of a detection.
    pub completeness: Option<f64>,
    /// Share of the detected length within the buffer of truth.
    pub correctness: Option<f64>,
    /// Found length over found, missed and false length.
    pub quality: Option<f64>,
    /// Harmonic mean of completeness and correctness.
    pub f1: Option<f64>,
    /// Detections of which less than half is within the buffer of truth.
    pub false_alarms: usize,
    /// Length outside the buffer of truth.
    pub false_alarm_m: f64,
    /// Imaged area.
    pub area_km2: Option<f64>,
    /// False alarms over the area.
    pub false_alarms_per_km2: Option<f64>,
    /// Share of the trenches of which half or more was found.
    pub recall_trench: Option<f64>,
    /// The same of the ditches.
    pub recall_anti_vehicle_ditch: Option<f64>,
    /// Detections that follow a line of truth.
    pub matched_detections: usize,
    /// Share of these whose class is right.
    pub class_accuracy: Option<f64>,
    /// How often a class of truth was taken for a class: `trench->anti_vehicle_ditch`.
    pub confusion: BTreeMap<String, usize>,
    /// Median of the absolute error of the width, metres.
    pub width_error_median_m: Option<f64>,
    /// Median of the error of the width, metres; above 0 where detections are too wide.
    pub width_bias_m: Option<f64>,
    /// Root mean square distance from the line followed, metres.
    pub position_rmse_m: Option<f64>,
    /// Area under precision over recall, by length, over all detections.
    pub average_precision: Option<f64>,
    /// Mean distance between confidence and share of true length, over all detections.
    pub calibration_error: Option<f64>,
    /// Detections left out because they run along ignored truth.
    pub ignored_detections: usize,
    /// By class, width, contrast and kind of distractor.
    pub breakdown: Breakdown,
    /// False alarms against completeness as the minimum confidence falls.
    pub froc: Vec<FrocPoint>,
    /// Confidence against the share that is true.
    pub reliability: Vec<ReliabilityBin>,
}

/// The figures of a scene that was matched with the same options.
pub fn score(matched: &Matched, options: &Options) -> Score {
    let least = options.min_confidence;
    let sure: Vec<&MatchedDetection> = matched.found.iter().filter(|d| d.confidence >= least).collect();
    let truth_m: f64 = matched.truth.iter().map(|t| t.length_m).sum();
    let detected_m: f64 = sure.iter().map(|d| d.length_m).sum();
    let found_m: f64 = matched.truth.iter().map(|t| t.found_m(&matched.found, least)).sum();
    let true_m: f64 = sure.iter().map(|d| d.share * d.length_m).sum();
    let false_m = detected_m - true_m;
    let completeness = ratio(found_m, truth_m);
    let correctness = ratio(true_m, detected_m);
    let f1 = match (completeness, correctness) {
        (Some(a), Some(b)) if a + b > 0.0 => Some(2.0 * a * b / (a + b)),
        (Some(_), _) => Some(0.0),
        (None, _) => None,
    };
    let false_alarms = sure.iter().filter(|d| d.is_false()).count();
    let recall = |class: &str| {
        let lines = matched.truth.iter().filter(|t| t.class == class);
        let half = |t: &&_| breakdown::half_found(t, &matched.found, least);
        ratio(lines.clone().filter(half).count() as f64, lines.count() as f64)
    };
    let followers = followers(matched, &sure);
    let sorted = |mut v: Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v
    };
    Score {
        truth_objects: matched.truth.len(),
        detections: sure.len(),
        truth_m: decimetres(truth_m),
        detected_m: decimetres(detected_m),
        completeness,
        correctness,
        quality: ratio(found_m, truth_m + false_m),
        f1,
        false_alarms,
        false_alarm_m: decimetres(sure.iter().map(|d| d.length_m * (1.0 - d.share)).sum()),
        area_km2: matched.area_km2,
        false_alarms_per_km2: matched.area_km2.map(|area| false_alarms as f64 / area),
        recall_trench: recall(domain::Class::Trench.as_str()),
        recall_anti_vehicle_ditch: recall(domain::Class::AntiVehicleDitch.as_str()),
        matched_detections: followers.seen,
        class_accuracy: ratio(followers.right as f64, followers.seen as f64),
        confusion: followers.confusion,
        width_error_median_m: median(&sorted(followers.widths_m.iter().map(|w| w.abs()).collect())),
        width_bias_m: median(&sorted(followers.widths_m)),
        position_rmse_m: mean(&followers.offsets_m2).map(f64::sqrt),
        average_precision: curves::average_precision(matched),
        calibration_error: curves::calibration_error(matched),
        ignored_detections: matched.ignored,
        breakdown: breakdown::breakdown(&[matched], least),
        froc: curves::froc(&[matched]),
        reliability: curves::reliability(&[matched]),
    }
}

/// What detections that follow a line of truth say of it.
#[derive(Default)]
struct Followers {
    seen: usize,
    right: usize,
    confusion: BTreeMap<String, usize>,
    widths_m: Vec<f64>,
    offsets_m2: Vec<f64>,
}

fn followers(matched: &Matched, sure: &[&MatchedDetection]) -> Followers {
    let mut out = Followers::default();
    for detection in sure.iter().filter(|d| !d.is_false()) {
        let Some(truth) = detection.follows.map(|i| &matched.truth[i]) else { continue };
        out.seen += 1;
        out.right += usize::from(detection.class.as_ref() == Some(&truth.class));
        let taken = detection.class.as_deref().unwrap_or("None");
        *out.confusion.entry(format!("{}->{taken}", truth.class)).or_default() += 1;
        if let (Some(proposed), Some(width)) = (detection.width_m, truth.width_m) {
            out.widths_m.push(proposed - width);
        }
        out.offsets_m2.extend(&detection.offsets_m2);
    }
    out
}

/// `None` where there is nothing to divide by.
pub(crate) fn ratio(part: f64, whole: f64) -> Option<f64> {
    // The sum of nothing is -0.
    (whole > 0.0).then(|| part / whole + 0.0)
}

pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    ratio(values.iter().sum(), values.len() as f64)
}

/// Of values in order.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

pub(crate) fn decimetres(metres: f64) -> f64 {
    (metres * 10.0).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
    }

    #[test]
    fn nothing_dug_and_nothing_found_is_no_fault() {
        let nothing = Matched { area_km2: Some(2.0), truth: vec![], found: vec![], ignored: 0 };
        let score = score(&nothing, &Options::default());
        assert_eq!((score.completeness, score.correctness, score.f1), (None, None, None));
        assert_eq!(score.false_alarms_per_km2, Some(0.0));
    }
}
