//! What the confidence is worth: precision over recall, false alarms over completeness, confidence over truth.

use serde::Serialize;

use crate::Matched;
use crate::score::{decimetres, ratio};

/// Bins of the confidence.
const BINS: usize = 10;

/// Where a minimum confidence leads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FrocPoint {
    /// The minimum confidence.
    pub confidence: f64,
    /// Share of the truth's length found; `None` where there is no truth.
    pub completeness: Option<f64>,
    /// Detections of which less than half is true.
    pub false_alarms: usize,
    /// The same over the area; `None` where that is not known.
    pub false_alarms_per_km2: Option<f64>,
}

/// Detections of about one confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The bin holds confidences from here …
    pub from: f64,
    /// … to below this; the last holds 1 as well.
    pub to: f64,
    /// How many detections it holds.
    pub detections: usize,
    /// Their length.
    pub length_m: f64,
    /// Mean confidence, weighted by length.
    pub confidence: Option<f64>,
    /// Share of the length that is within the buffer of truth.
    pub share: Option<f64>,
}

/// Average precision: precision by length, summed over the truth's length that each detection is the first to find,
/// the surest detection first, equals in the order of the file. `None` without truth or detections.
pub fn average_precision(matched: &Matched) -> Option<f64> {
    let truth_m: f64 = matched.truth.iter().map(|t| t.length_m).sum();
    if matched.found.is_empty() || truth_m <= 0.0 {
        return None;
    }
    let mut order: Vec<usize> = (0..matched.found.len()).collect();
    order.sort_by(|&a, &b| matched.found[b].confidence.total_cmp(&matched.found[a].confidence));
    let mut rank = vec![0; order.len()];
    for (at, &i) in order.iter().enumerate() {
        rank[i] = at;
    }
    let mut newly_m = vec![0.0; order.len()];
    for covered in matched.truth.iter().flat_map(|t| &t.covered) {
        if let Some(first) = covered.by.iter().map(|&i| rank[i]).min() {
            newly_m[first] += covered.length_m;
        }
    }
    let (mut true_m, mut false_m, mut sum) = (0.0, 0.0, 0.0);
    for (&i, newly_m) in order.iter().zip(newly_m) {
        let detection = &matched.found[i];
        true_m += detection.share * detection.length_m;
        false_m += (1.0 - detection.share) * detection.length_m;
        sum += newly_m / truth_m * true_m / (true_m + false_m).max(1e-9);
    }
    Some(sum)
}

/// Expected calibration error over ten bins of confidence, weighted by length; `None` without truth or detections.
///
/// The bounds are those of the independent scorer this agrees with, sums of 0.1 in floating point: a confidence of
/// exactly 0.6 falls between two of them and adds no error. [`reliability`] has no such gap.
pub fn calibration_error(matched: &Matched) -> Option<f64> {
    let truth_m: f64 = matched.truth.iter().map(|t| t.length_m).sum();
    let all_m: f64 = matched.found.iter().map(|d| d.length_m).sum();
    if truth_m <= 0.0 || all_m <= 0.0 {
        return None;
    }
    let bins = bins(&[matched], |i| (i as f64 * 0.1, i as f64 * 0.1 + 0.1));
    Some(bins.iter().filter_map(|b| Some(b.length_m / all_m * (b.confidence? - b.share?).abs())).sum())
}

/// Confidence against truth in ten bins, over all scenes given.
pub fn reliability(scenes: &[&Matched]) -> Vec<ReliabilityBin> {
    let tenths = bins(scenes, |i| (i as f64 / 10.0, (i + 1) as f64 / 10.0)).into_iter();
    tenths.map(|b| ReliabilityBin { length_m: decimetres(b.length_m), ..b }).collect()
}

/// Bins between bounds, the last without an upper one.
fn bins(scenes: &[&Matched], bounds: fn(usize) -> (f64, f64)) -> Vec<ReliabilityBin> {
    (0..BINS)
        .map(|bin| {
            let (from, to) = bounds(bin);
            let last = bin + 1 == BINS;
            let held = |c: f64| c >= from && (c < to || last);
            let held = scenes.iter().flat_map(|s| &s.found).filter(|d| held(d.confidence));
            let length_m: f64 = held.clone().map(|d| d.length_m).sum();
            ReliabilityBin {
                from,
                to,
                detections: held.clone().count(),
                length_m,
                confidence: ratio(held.clone().map(|d| d.confidence * d.length_m).sum(), length_m),
                share: ratio(held.map(|d| d.share * d.length_m).sum(), length_m),
            }
        })
        .collect()
}

/// Completeness against false alarms as the minimum confidence falls through every confidence there is, over all
/// scenes given. The area counts where every scene knows its own.
pub fn froc(scenes: &[&Matched]) -> Vec<FrocPoint> {
    let truth_m: f64 = scenes.iter().flat_map(|s| &s.truth).map(|t| t.length_m).sum();
    let area_km2: Option<f64> = scenes.iter().map(|s| s.area_km2).sum();
    // What each confidence brings: metres found, false alarms.
    let mut steps: Vec<(f64, f64, usize)> = Vec::new();
    for scene in scenes {
        for covered in scene.truth.iter().flat_map(|t| &t.covered) {
            let surest = covered.by.iter().map(|&i| scene.found[i].confidence).fold(0.0, f64::max);
            steps.push((surest, covered.length_m, 0));
        }
        steps.extend(scene.found.iter().map(|d| (d.confidence, 0.0, usize::from(d.is_false()))));
    }
    steps.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut found_m, mut false_alarms) = (0.0, 0);
    steps
        .chunk_by(|a, b| a.0 == b.0)
        .map(|step| {
            found_m += step.iter().map(|s| s.1).sum::<f64>();
            false_alarms += step.iter().map(|s| s.2).sum::<usize>();
            FrocPoint {
                confidence: step[0].0,
                completeness: ratio(found_m, truth_m),
                false_alarms,
                false_alarms_per_km2: area_km2.and_then(|area| ratio(false_alarms as f64, area)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Covered, MatchedDetection, MatchedTruth};

    /// 100 m of truth: the first 40 m found at 0.9, 20 m of them again at 0.65, 30 m more at 0.65; a false alarm at 0.75.
    pub(crate) fn scene() -> Matched {
        let found = |confidence, length_m, share| MatchedDetection {
            class: None,
            confidence,
            length_m,
            share,
            width_m: None,
            follows: None,
            offsets_m2: vec![],
            along: None,
        };
        let covered = |length_m, by: &[usize]| Covered { length_m, by: by.to_vec() };
        Matched {
            area_km2: Some(0.5),
            truth: vec![MatchedTruth {
                class: "trench".to_owned(),
                length_m: 100.0,
                width_m: None,
                contrast: None,
                covered: vec![covered(20.0, &[0]), covered(20.0, &[0, 2]), covered(30.0, &[2])],
            }],
            found: vec![found(0.9, 40.0, 1.0), found(0.75, 10.0, 0.0), found(0.65, 50.0, 1.0)],
            ignored: 0,
        }
    }

    #[test]
    fn average_precision_worked_out_by_hand() {
        let wanted = 0.4 * 1.0 + 0.3 * 90.0 / 100.0;
        assert!((average_precision(&scene()).unwrap() - wanted).abs() < 1e-12);
    }

    #[test]
    fn calibration_error_worked_out_by_hand() {
        let wanted = 0.4 * 0.1 + 0.1 * 0.75 + 0.5 * 0.35;
        assert!((calibration_error(&scene()).unwrap() - wanted).abs() < 1e-12);
    }

    #[test]
    fn the_curve_falls_through_every_confidence() {
        let points = froc(&[&scene(), &scene()]);
        let got: Vec<_> =
            points.iter().map(|p| (p.confidence, p.completeness.unwrap(), p.false_alarms)).collect();
        assert_eq!(got, [(0.9, 0.4, 0), (0.75, 0.4, 2), (0.65, 0.7, 2)]);
        assert_eq!(points[1].false_alarms_per_km2, Some(2.0));
    }

    #[test]
    fn bins_hold_every_detection_once() {
        let bins = reliability(&[&scene()]);
        assert_eq!(bins.iter().map(|b| b.detections).sum::<usize>(), 3);
        assert_eq!((bins[9].from, bins[9].to, bins[9].share), (0.9, 1.0, Some(1.0)));
        assert_eq!(bins[0].confidence, None);
    }
}
