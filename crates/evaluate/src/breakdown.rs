//! Where the figures come from: by class, by width, by contrast, by what was mistaken for a work.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bootstrap::share_interval;
use crate::score::{decimetres, ratio};
use crate::{Matched, MatchedDetection, MatchedTruth};

/// Bounds of the bands of width, metres: hand-dug trenches are 0.9–2 m wide, machine-dug ditches 3.5–7 m.
pub const WIDTHS_M: [f64; 5] = [1.2, 1.6, 2.0, 3.5, 5.0];
/// Bounds of the bands of contrast: real trenches lie between 0.10 and 0.43, half of them below 0.27.
pub const CONTRASTS: [f64; 4] = [0.1, 0.2, 0.3, 0.4];

/// Figures of parts of the truth and of the detections.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Breakdown {
    /// By class.
    pub class: BTreeMap<String, ClassPart>,
    /// By the width of the truth.
    pub width_m: Vec<Band>,
    /// By the contrast of the truth, where it is told.
    pub contrast: Vec<Band>,
    /// False alarms by the kind of distractor along which they run; `none` for the others.
    pub false_alarms: BTreeMap<String, usize>,
}

/// Truth of a class, and the detections that claim it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClassPart {
    /// What was found of the truth, whatever it was taken for.
    #[serde(flatten)]
    pub truth: Part,
    /// Detections of at least the minimum confidence that claim this class.
    pub detections: usize,
    /// Their length.
    pub detected_m: f64,
    /// Share of it within the buffer of truth, whatever its class.
    pub correctness: Option<f64>,
    /// Those of which less than half is true.
    pub false_alarms: usize,
}

/// Truth between two bounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// From here; `None` from the least.
    pub from: Option<f64>,
    /// To below this; `None` to the most.
    pub to: Option<f64>,
    /// What was found of it.
    #[serde(flatten)]
    pub part: Part,
}

/// What was found of a part of the truth.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    /// Lines of truth.
    pub truth_objects: usize,
    /// Their length.
    pub truth_m: f64,
    /// Share of the length that was found.
    pub completeness: Option<f64>,
    /// Its 95 % interval by bootstrap over the scenes that have such truth; none where fewer than two have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completeness_95: Option<(f64, f64)>,
    /// Share of the lines of which half or more was found.
    pub recall: Option<f64>,
}

/// The parts over all scenes given, for detections of at least `min_confidence`. Bands without truth are left out.
pub fn breakdown(scenes: &[&Matched], min_confidence: f64) -> Breakdown {
    let sure = || scenes.iter().flat_map(|s| &s.found).filter(|d| d.confidence >= min_confidence);
    let part = |of: &dyn Fn(&MatchedTruth) -> bool| part(scenes, of, min_confidence);
    let dug = scenes.iter().flat_map(|s| &s.truth);
    let classes = dug.map(|t| t.class.clone()).chain(sure().filter_map(|d| d.class.clone()));
    let mut out = Breakdown::default();
    for class in classes {
        if out.class.contains_key(&class) {
            continue;
        }
        let claims = || sure().filter(|d| d.class.as_ref() == Some(&class));
        let detected_m: f64 = claims().map(|d| d.length_m).sum();
        let part = ClassPart {
            truth: part(&|t| t.class == class),
            detections: claims().count(),
            detected_m: decimetres(detected_m),
            correctness: ratio(claims().map(|d| d.share * d.length_m).sum(), detected_m),
            false_alarms: claims().filter(|d| d.is_false()).count(),
        };
        out.class.insert(class, part);
    }
    let bands = |bounds: &[f64], of: fn(&MatchedTruth) -> Option<f64>| -> Vec<Band> {
        (0..=bounds.len())
            .map(|i| {
                let (from, to) = (i.checked_sub(1).map(|i| bounds[i]), bounds.get(i).copied());
                let held = |v: f64| from.is_none_or(|from| v >= from) && to.is_none_or(|to| v < to);
                Band { from, to, part: part(&|t| of(t).is_some_and(held)) }
            })
            .filter(|band| band.part.truth_objects > 0)
            .collect()
    };
    out.width_m = bands(&WIDTHS_M, |t| t.width_m);
    out.contrast = bands(&CONTRASTS, |t| t.contrast);
    for alarm in sure().filter(|d| d.is_false()) {
        *out.false_alarms.entry(alarm.along.clone().unwrap_or_else(|| "none".to_owned())).or_default() += 1;
    }
    out
}

impl Breakdown {
    /// The parts of the truth with their names: `trench`, `width 1.2–1.6 m`, `contrast 0.4 and up`.
    pub fn parts(&self) -> Vec<(String, &Part)> {
        let classes = self.class.iter().filter(|(_, p)| p.truth.truth_objects > 0);
        let widths = self.width_m.iter().map(|b| (b.in_words("width", " m"), &b.part));
        let contrasts = self.contrast.iter().map(|b| (b.in_words("contrast", ""), &b.part));
        classes.map(|(class, p)| (class.replace('_', " "), &p.truth)).chain(widths).chain(contrasts).collect()
    }
}

impl Band {
    fn in_words(&self, what: &str, unit: &str) -> String {
        match (self.from, self.to) {
            (Some(from), Some(to)) => format!("{what} {from}–{to}{unit}"),
            (None, Some(to)) => format!("{what} below {to}{unit}"),
            (Some(from), None) => format!("{what} {from}{unit} and up"),
            (None, None) => what.to_owned(),
        }
    }
}

/// True where half or more of a line of truth was found.
pub(crate) fn half_found(truth: &MatchedTruth, found: &[MatchedDetection], min_confidence: f64) -> bool {
    truth.length_m > 0.0 && truth.found_m(found, min_confidence) / truth.length_m >= 0.5
}

fn part(scenes: &[&Matched], of: &dyn Fn(&MatchedTruth) -> bool, min_confidence: f64) -> Part {
    let (mut lines, mut half) = (0, 0);
    // Found and dug, by scene.
    let mut lengths_m: Vec<(f64, f64)> = Vec::new();
    for scene in scenes {
        let (mut found_m, mut truth_m) = (0.0, 0.0);
        for truth in scene.truth.iter().filter(|t| of(t)) {
            lines += 1;
            half += usize::from(half_found(truth, &scene.found, min_confidence));
            found_m += truth.found_m(&scene.found, min_confidence);
            truth_m += truth.length_m;
        }
        if truth_m > 0.0 {
            lengths_m.push((found_m, truth_m));
        }
    }
    let (found_m, truth_m) = lengths_m.iter().fold((0.0, 0.0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
    Part {
        truth_objects: lines,
        truth_m: decimetres(truth_m),
        completeness: ratio(found_m, truth_m),
        completeness_95: share_interval(&lengths_m),
        recall: ratio(half as f64, lines as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Covered;

    #[test]
    fn every_line_falls_into_one_band() {
        let line = |width_m, found: f64| MatchedTruth {
            class: "trench".to_owned(),
            length_m: 10.0,
            width_m: Some(width_m),
            contrast: None,
            covered: vec![Covered { length_m: found, by: vec![0] }],
        };
        let sure = MatchedDetection {
            class: Some("trench".to_owned()),
            confidence: 0.5,
            length_m: 8.0,
            share: 0.25,
            width_m: None,
            follows: Some(0),
            offsets_m2: vec![],
            along: Some("path".to_owned()),
        };
        let scene = Matched {
            area_km2: None,
            truth: vec![line(1.0, 10.0), line(1.2, 4.0), line(1.59, 5.0), line(9.0, 0.0)],
            found: vec![sure],
            ignored: 0,
        };
        let parts = breakdown(&[&scene], 0.5);
        let bands: Vec<_> =
            parts.width_m.iter().map(|b| (b.from, b.to, b.part.truth_objects, b.part.recall)).collect();
        assert_eq!(
            bands,
            [
                (None, Some(1.2), 1, Some(1.0)),
                (Some(1.2), Some(1.6), 2, Some(0.5)),
                (Some(5.0), None, 1, Some(0.0))
            ]
        );
        assert!(parts.contrast.is_empty());
        let names: Vec<_> = parts.parts().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["trench", "width below 1.2 m", "width 1.2–1.6 m", "width 5 m and up"]);
        let trench = &parts.class["trench"];
        assert_eq!((trench.truth.truth_objects, trench.detections, trench.false_alarms), (4, 1, 1));
        assert_eq!(trench.correctness, Some(0.25));
        assert_eq!(parts.false_alarms, BTreeMap::from([("path".to_owned(), 1)]));
    }
}
