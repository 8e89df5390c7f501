//! Truth and detections laid onto each other: every figure is a sum over this.

use geo::{Distance, Euclidean, Length};
use geo_types::{Line, MultiLineString};

use crate::cover::{Cover, Stretch};
use crate::plane::Plane;
use crate::{Detection, Error, Result, Truth};

/// How to score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Distance within which two lines count as one, metres. Default 3, as in the literature for lines of this width.
    pub buffer_m: f64,
    /// Confidence from which a detection counts. Default 0.5: as likely there as not.
    pub min_confidence: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { buffer_m: 3.0, min_confidence: 0.5 }
    }
}

impl Options {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Option`] for the first that is out of its range.
    pub fn validate(&self) -> Result<()> {
        if !(0.01..=1000.0).contains(&self.buffer_m) {
            return Err(Error::Option {
                name: "buffer",
                value: self.buffer_m,
                expected: "0.01 to 1000 metres",
            });
        }
        if !(0.0..=1.0).contains(&self.min_confidence) {
            let value = self.min_confidence;
            return Err(Error::Option { name: "min_confidence", value, expected: "0 to 1" });
        }
        Ok(())
    }
}

/// Truth and detections of one scene, matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// Imaged area.
    pub area_km2: Option<f64>,
    /// The lines of truth, in the order of the file.
    pub truth: Vec<MatchedTruth>,
    /// The detections that count one way or the other, in the order of the file.
    pub found: Vec<MatchedDetection>,
    /// Detections that run along ignored truth for the most part, and are left out.
    pub ignored: usize,
}

/// A line of truth and what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedTruth {
    /// Its class.
    pub class: String,
    /// Metres.
    pub length_m: f64,
    /// Metres.
    pub width_m: Option<f64>,
    /// A share of the ground's brightness.
    pub contrast: Option<f64>,
    /// Its stretches within the buffer of a detection.
    pub covered: Vec<Covered>,
}

/// A stretch of truth that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    /// Metres.
    pub length_m: f64,
    /// The detections whose buffers hold it, ascending indices into [`Matched::found`].
    pub by: Vec<usize>,
}

/// A detection and what of it is true.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedDetection {
    /// Proposed class.
    pub class: Option<String>,
    /// 0–1.
    pub confidence: f64,
    /// Metres.
    pub length_m: f64,
    /// Share of its length within the buffer of truth.
    pub share: f64,
    /// Metres.
    pub width_m: Option<f64>,
    /// The line of truth whose buffer holds most of it, an index into [`Matched::truth`]; none where no buffer holds
    /// any of it.
    pub follows: Option<usize>,
    /// Squared distances from the line it follows, at even steps of about a metre, at most (2 × buffer)², m².
    pub offsets_m2: Vec<f64>,
    /// Kind of the distractor along which half of it or more runs.
    pub along: Option<String>,
}

impl MatchedDetection {
    /// True where less than half of it is within the buffer of truth.
    pub fn is_false(&self) -> bool {
        self.share < 0.5
    }
}

impl MatchedTruth {
    /// Metres within the buffer of a detection of at least `min_confidence`.
    pub fn found_m(&self, found: &[MatchedDetection], min_confidence: f64) -> f64 {
        let sure = |c: &&Covered| c.by.iter().any(|&i| found[i].confidence >= min_confidence);
        self.covered.iter().filter(sure).map(|c| c.length_m).sum()
    }
}

/// Lays detections onto truth.
///
/// Lengths and distances are on the UTM plane of the first line, buffers are polygons of as many chords as GEOS draws;
/// lengths are measured, not sampled.
///
/// # Errors
/// [`Error::Option`], [`Error::Projection`].
pub fn matched(truth: &Truth, found: &[Detection], options: &Options) -> Result<Matched> {
    options.validate()?;
    let buffer = options.buffer_m;
    let mut matched = Matched { area_km2: truth.area_km2, truth: vec![], found: vec![], ignored: 0 };
    let first = truth.lines.iter().map(|t| &t.line).chain(&truth.ignored);
    let Some(first) = first.chain(found.iter().map(|f| &f.line)).next() else { return Ok(matched) };
    let plane = Plane::of(first)?;
    let in_metres = |lines: &mut dyn Iterator<Item = &MultiLineString>| -> Result<Vec<MultiLineString>> {
        lines.map(|line| plane.line(line)).collect()
    };
    let truth_lines = in_metres(&mut truth.lines.iter().map(|t| &t.line))?;
    let ignored = Cover::new(&in_metres(&mut truth.ignored.iter())?, 2.0 * buffer);
    let mut counted = Vec::with_capacity(found.len());
    for detection in found {
        let line = plane.line(&detection.line)?;
        let length_m = Euclidean.length(&line);
        if truth.ignored.is_empty() || held(&ignored.stretches(&line)) < 0.5 * length_m {
            counted.push((detection, line, length_m));
        } else {
            matched.ignored += 1;
        }
    }

    let by_truth = Cover::new(&truth_lines, buffer);
    let by_distractors = Cover::new(&in_metres(&mut truth.distractors.iter().map(|d| &d.line))?, buffer);
    for (detection, line, length_m) in &counted {
        let stretches = by_truth.stretches(line);
        let share = if *length_m > 0.0 { held(&stretches) / length_m } else { 0.0 };
        let follows = longest(&stretches, truth_lines.len());
        let beside = by_distractors.stretches(line);
        let along = longest(&beside, truth.distractors.len()).filter(|_| held(&beside) >= 0.5 * length_m);
        matched.found.push(MatchedDetection {
            class: detection.class.clone(),
            confidence: detection.confidence,
            length_m: *length_m,
            share,
            width_m: detection.width_m,
            follows,
            offsets_m2: follows.map_or_else(Vec::new, |i| offsets_m2(line, &truth_lines[i], 2.0 * buffer)),
            along: along.map(|i| truth.distractors[i].kind.clone()),
        });
    }

    let lines: Vec<MultiLineString> = counted.into_iter().map(|(_, line, _)| line).collect();
    let by_found = Cover::new(&lines, buffer);
    for (told, line) in truth.lines.iter().zip(&truth_lines) {
        let covered = by_found.stretches(line).into_iter();
        matched.truth.push(MatchedTruth {
            class: told.class.clone(),
            length_m: Euclidean.length(line),
            width_m: told.width_m,
            contrast: told.contrast,
            covered: covered.map(|s| Covered { length_m: s.length, by: s.within }).collect(),
        });
    }
    Ok(matched)
}

fn held(stretches: &[Stretch]) -> f64 {
    stretches.iter().map(|s| s.length).sum()
}

/// Of `n` buffers the one that holds most, the first of equals; none where none holds anything.
fn longest(stretches: &[Stretch], n: usize) -> Option<usize> {
    let mut held = vec![0.0_f64; n];
    for stretch in stretches {
        for &i in &stretch.within {
            held[i] += stretch.length;
        }
    }
    let best = held.iter().copied().fold(0.0, f64::max);
    held.iter().position(|&l| l > 0.0 && l >= best)
}

/// Squared distances of a line from another at even steps of about a metre, at most `most`²; none for a line of
/// several parts.
fn offsets_m2(line: &MultiLineString, from: &MultiLineString, most: f64) -> Vec<f64> {
    let [line] = line.0.as_slice() else { return Vec::new() };
    let length = Euclidean.length(line);
    let steps = (length as usize).max(2);
    let segments: Vec<_> = line.0.windows(2).map(|s| (s[0], s[1])).collect();
    let (mut passed, mut i) = (0.0, 0);
    (0..steps)
        .filter_map(|step| {
            let at = length * (step as f64 / (steps - 1) as f64);
            loop {
                let (a, b) = *segments.get(i)?;
                let long = (b.x - a.x).hypot(b.y - a.y);
                if at <= passed + long || i + 1 == segments.len() {
                    let along = if long > 0.0 { ((at - passed) / long).clamp(0.0, 1.0) } else { 0.0 };
                    return Some(a + (b - a) * along);
                }
                passed += long;
                i += 1;
            }
        })
        .map(|p| {
            let others = from.0.iter().flat_map(|part| part.0.windows(2));
            let near = others.map(|s| Euclidean.distance(p, &Line::new(s[0], s[1])));
            near.fold(most, f64::min).powi(2)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo_types::LineString;

    #[test]
    fn offsets_are_taken_from_end_to_end() {
        let line = MultiLineString(vec![LineString::from(vec![(0.0, 0.0), (2.0, 1.0), (4.0, 2.0)])]);
        let from = MultiLineString(vec![LineString::from(vec![(-9.0, 0.0), (9.0, 0.0)])]);
        let got = offsets_m2(&line, &from, 1.5);
        let wanted = [0.0, (2.0_f64 / 3.0).powi(2), (4.0_f64 / 3.0).powi(2), 1.5_f64.powi(2)];
        assert_eq!(got.len(), 4);
        assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
    }

    #[test]
    fn nothing_and_nothing_match() {
        let matched = matched(&Truth::default(), &[], &Options::default()).unwrap();
        assert!(matched.truth.is_empty() && matched.found.is_empty());
    }

    #[test]
    fn options_are_checked() {
        for options in [
            Options { buffer_m: 0.0, ..Options::default() },
            Options { buffer_m: f64::NAN, ..Options::default() },
            Options { min_confidence: 1.5, ..Options::default() },
        ] {
            assert!(matched(&Truth::default(), &[], &options).is_err());
        }
    }
}
