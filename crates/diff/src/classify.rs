//! From judged stretches to earthworks: what is reported, and one line for one earthwork.

use std::collections::BTreeMap;

use domain::{Class, Evidence};
use serde::{Deserialize, Serialize};

use crate::{
    error::OptionError,
    judge::{self, Model, Neighbours},
    line_gain::Scale,
    strip::{Station, Strip},
    trace::{self, Line},
};

/// What is reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Confidence under which an earthwork is not reported. Default 0.25; 0–1.
    pub min_confidence: f64,
    /// Shortest earthwork that is reported, metres. Default 12: a quarter of all digitised trenches are shorter than
    /// 13 m, and what is shorter than three stretches cannot be judged. 5–1000.
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

/// Chance under which a stretch is cut from its line. Not the confidence of what is reported: that is of the whole.
const CUT: f64 = 0.15;

/// A line, or what was left of it, with its verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which filter proposed it.
    pub scale: Scale,
    /// Vertices `(row, col)` on the shared grid, pixels.
    pub vertices: Vec<(f64, f64)>,
    /// Proposed class.
    pub class: Class,
    /// 0–1.
    pub confidence: f64,
    /// Width of the cut, metres.
    pub width_m: f64,
    /// What speaks for it.
    pub evidence: Evidence,
}

/// The parts of a line that hold, with class, width and confidence. `stations` are the places of the strip's
/// rows, `own` is the line's index among its `neighbours`.
pub(crate) fn judge(
    strip: &Strip,
    line: &Line,
    stations: &[Station],
    pixel_m: f64,
    (neighbours, own): (&Neighbours, usize),
    model: &Model,
    options: &Options,
) -> Vec<Judged> {
    let stretches = judge::stretches(strip, line, stations, pixel_m, neighbours, own);
    judge::parts(&stretches, model, CUT.min(options.min_confidence))
        .into_iter()
        .filter_map(|part| {
            let vertices: Vec<(f64, f64)> = stations[part.from..part.to].iter().map(|s| s.0).collect();
            let long = trace::length_px(&vertices) * pixel_m >= options.min_length_m;
            if !long || part.confidence < options.min_confidence {
                return None;
            }
            let held = &stretches[part.first..part.end];
            let mean = |f: fn(&judge::Stretch) -> f32| {
                held.iter().map(|s| f64::from(f(s))).sum::<f64>() / held.len() as f64
            };
            Some(Judged {
                scale: line.scale,
                vertices,
                class: part.class,
                confidence: part.confidence,
                width_m: part.width_m,
                evidence: Evidence {
                    gain: line.gain,
                    contrast_later: mean(|s| s.contrast.0),
                    contrast_earlier: mean(|s| s.contrast.1),
                    continuity: mean(|s| s.continuity),
                },
            })
        })
        .collect()
}

/// `judged` without what runs along a line of higher confidence: one earthwork, one line. Highest first.
pub fn without_twins(mut judged: Vec<Judged>, pixel_m: f64) -> Vec<Judged> {
    judged.sort_by(|a, b| {
        let rank = |j: &Judged| j.confidence * if j.scale == Scale::Wide { 1.1 } else { 1.0 };
        rank(b).total_cmp(&rank(a)).then_with(|| {
            let first = |j: &Judged| j.vertices.first().copied().unwrap_or_default();
            first(a).0.total_cmp(&first(b).0).then(first(a).1.total_cmp(&first(b).1))
        })
    });
    let cell_px = 8.0 / pixel_m;
    let cell = |p: (f64, f64)| ((p.0 / cell_px).floor() as i64, (p.1 / cell_px).floor() as i64);
    type Places = Vec<((f64, f64), Scale)>;
    let mut taken = BTreeMap::<(i64, i64), Places>::new();
    let mut kept = vec![];
    for line in judged {
        let near = |p: (f64, f64)| {
            let (r, c) = cell(p);
            (-1..=1)
                .flat_map(|i| (-1..=1).map(move |j| (r + i, c + j)))
                .filter_map(|k| taken.get(&k))
                .flatten()
                .any(|&(q, scale)| {
                    let wide = scale == Scale::Wide || line.scale == Scale::Wide;
                    (p.0 - q.0).hypot(p.1 - q.1) * pixel_m <= if wide { 7.0 } else { 3.0 }
                })
        };
        let shadowed = line.vertices.iter().filter(|&&p| near(p)).count();
        if 2 * shadowed > line.vertices.len() {
            continue;
        }
        for &p in &line.vertices {
            taken.entry(cell(p)).or_default().push((p, line.scale));
        }
        kept.push(line);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(row: f64, confidence: f64, scale: Scale) -> Judged {
        Judged {
            scale,
            vertices: (0..60).map(|i| (row, f64::from(i))).collect(),
            class: Class::Trench,
            confidence,
            width_m: 1.5,
            evidence: Evidence::default(),
        }
    }

    #[test]
    fn of_lines_side_by_side_the_surest_stays() {
        let all = vec![
            judged(100.0, 0.5, Scale::Narrow),
            judged(104.0, 0.9, Scale::Narrow),
            judged(140.0, 0.3, Scale::Narrow),
            judged(150.0, 0.8, Scale::Wide),
        ];
        let kept = without_twins(all, 0.5);
        let rows: Vec<f64> = kept.iter().map(|k| k.vertices[0].0).collect();
        assert_eq!(rows, [104.0, 150.0]);
    }
}
