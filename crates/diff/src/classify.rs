//! The judge of a strip: earthwork or not, which, how wide, how sure.
//!
//! Stretch by stretch, figures of the strip that a photo-interpreter would name go into a logistic model. Where
//! the verdict falls, the line is cut. The seat of a learned judge: whatever replaces [`Model`] sees the same
//! [`Features`], or the strip itself.

use std::collections::BTreeMap;

use domain::{Class, Evidence};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::{
    align,
    error::OptionError,
    line_gain::Scale,
    strip::{ACROSS, STEP_M, Station, Strip, smoothed_along},
    trace::{self, Line},
};

/// What is reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Confidence under which a stretch is cut from its line. Default 0.25; 0–1.
    pub min_confidence: f64,
    /// Shortest earthwork that is reported, metres. Default 16; 5–1000.
    pub min_length_m: f64,
    /// Narrowest cut that is called a ditch, metres. Default 2.8, between the widest trench of the design's
    /// survey (2.0) and the narrowest ditch (3.5); 1–10.
    pub min_ditch_width_m: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_confidence: 0.25, min_length_m: 16.0, min_ditch_width_m: 2.8 }
    }
}

impl Options {
    /// # Errors
    /// [`OptionError`] for the first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        OptionError::check("classify.min_confidence", self.min_confidence, 0.0..=1.0, "0 to 1")?;
        OptionError::check("classify.min_length_m", self.min_length_m, 5.0..=1000.0, "5 to 1000")?;
        OptionError::check("classify.min_ditch_width_m", self.min_ditch_width_m, 1.0..=10.0, "1 to 10")
    }
}

/// Names of the [`Features`], in order.
pub const FEATURES: [&str; 12] = [
    "depth_over_clutter",
    "contrast",
    "earlier_over_later",
    "continuity",
    "asymmetry",
    "spoil",
    "change_over_clutter",
    "gain",
    "length",
    "profile_fit",
    "wander",
    "background_change",
];

/// Figures of one stretch, see [`FEATURES`].
pub type Features = [f64; FEATURES.len()];

/// A stretch of a line, about [`STRETCH_M`] long.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// First station.
    pub from: usize,
    /// One past the last.
    pub to: usize,
    /// Its figures.
    pub features: Features,
    /// Contrast of the core on the later and the earlier date, share of the flank.
    pub contrast: (f64, f64),
}

/// Length of a stretch, metres: two legs of a trench.
pub const STRETCH_M: f64 = 12.0;
/// What is measured beside a stretch for its own sake, metres either way.
const CONTEXT_M: f64 = 6.0;

/// Distances across the line within which things are sought, in samples.
struct Reach {
    core: usize,
    flank_near: usize,
    flank_far: usize,
    away: usize,
}

fn reach(scale: Scale) -> Reach {
    let samples = |m: f64| (m / STEP_M).round() as usize;
    match scale {
        Scale::Narrow => Reach {
            core: samples(1.0),
            flank_near: samples(1.0),
            flank_far: samples(3.0),
            away: samples(5.0),
        },
        Scale::Wide => Reach {
            core: samples(2.0),
            flank_near: samples(2.5),
            flank_far: samples(7.0),
            away: samples(8.0),
        },
    }
}

/// Lower of the highest flanks less the core at `k`, with both flanks; `None` where the strip is invalid.
fn two_sided(row: &[f32], k: usize, reach: &Reach) -> Option<(f32, f32, f32)> {
    let side = |range: std::ops::Range<usize>| {
        row[range]
            .iter()
            .filter(|v| !v.is_nan())
            .fold(None, |m: Option<f32>, &v| Some(m.map_or(v, |m| if v > m { v } else { m })))
    };
    if row[k].is_nan() {
        return None;
    }
    let left = side(k.saturating_sub(reach.flank_far)..k.saturating_sub(reach.flank_near) + 1)?;
    let right = side((k + reach.flank_near).min(ACROSS - 1)..(k + reach.flank_far + 1).min(ACROSS))?;
    Some((if left < right { left } else { right } - row[k], left, right))
}

/// The deepest two-sided dip within `half` samples of `centre`.
fn deepest(row: &[f32], centre: usize, half: usize, reach: &Reach) -> Option<(usize, (f32, f32, f32))> {
    (centre.saturating_sub(half)..(centre + half + 1).min(ACROSS))
        .filter_map(|k| two_sided(row, k, reach).map(|d| (k, d)))
        .reduce(|a, b| if b.1.0 > a.1.0 { b } else { a })
}

/// The figures of every stretch of a line.
pub fn stretches(strip: &Strip, line: &Line, pixel_m: f64) -> Vec<Stretch> {
    let reach = reach(line.scale);
    let middle = ACROSS / 2;
    let rows = strip.later.nrows();
    // 1.5 m either way: shorter than a leg, longer than a pixel.
    let later = smoothed_along(&strip.later, 3);
    let earlier = smoothed_along(&strip.earlier, 3);
    let light = |s: &Array2<f32>| {
        let (sum, n) =
            s.iter().filter(|v| !v.is_nan()).fold((0.0f64, 0.0f64), |(s, n), &v| (s + f64::from(v), n + 1.0));
        ((sum / n.max(1.0)) as f32).max(1e-6)
    };
    let (light_later, light_earlier) = (light(&later), light(&earlier));
    let change = &later / light_later - &earlier / light_earlier;
    struct Profile {
        depth: f64,
        flank: f64,
        asymmetry: f64,
        earlier: f64,
        earlier_flank: f64,
        clutter: f64,
        change: f64,
        change_clutter: f64,
        spoil: f64,
        offset: f64,
        away_later: f64,
        away_earlier: f64,
    }
    let profiles: Vec<Option<Profile>> = (0..rows)
        .map(|i| {
            let line = later.row(i).to_vec();
            let before = earlier.row(i).to_vec();
            let differ = change.row(i).to_vec();
            let (k, (depth, left, right)) = deepest(&line, middle, reach.core, &reach)?;
            let (_, old) = deepest(&before, k, 3, &reach)?;
            let (_, (gained, _, _)) = deepest(&differ, k, 1, &reach)?;
            let beside = |row: &[f32]| -> f64 {
                // Third-highest of the dips away from the line: what passes for a line here.
                let mut dips: Vec<f64> = (0..ACROSS)
                    .filter(|&x| {
                        x.abs_diff(k) >= reach.away && x >= reach.flank_near && x + reach.flank_near < ACROSS
                    })
                    .filter_map(|x| two_sided(row, x, &reach))
                    .map(|d| f64::from(d.0.max(0.0)))
                    .collect();
                dips.sort_unstable_by(|a, b| b.total_cmp(a));
                dips.get(2).copied().unwrap_or(0.0)
            };
            let away = |row: &[f32]| {
                let mut v: Vec<f64> = (0..ACROSS)
                    .filter(|&x| x.abs_diff(k) >= reach.away && !row[x].is_nan())
                    .map(|x| f64::from(row[x]))
                    .collect();
                align::median(&mut v).unwrap_or(0.0)
            };
            let away_later = away(&line);
            Some(Profile {
                depth: f64::from(depth),
                flank: f64::from(if left < right { left } else { right }),
                asymmetry: f64::from((left - right).abs()),
                earlier: f64::from(old.0),
                earlier_flank: f64::from(if old.1 < old.2 { old.1 } else { old.2 }),
                clutter: beside(&line),
                change: f64::from(gained),
                change_clutter: beside(&differ),
                spoil: f64::from(if left > right { left } else { right }) - away_later,
                offset: (k as f64 - middle as f64) * STEP_M,
                away_later: away_later / f64::from(light_later),
                away_earlier: away(&before) / f64::from(light_earlier),
            })
        })
        .collect();
    let length_m = line.length_px() * pixel_m;
    let count = ((rows as f64 * STEP_M / STRETCH_M).round() as usize).max(1);
    (0..count)
        .filter_map(|n| {
            let (from, to) = (n * rows / count, (n + 1) * rows / count);
            let context = (CONTEXT_M / STEP_M) as usize;
            let wide: Vec<&Profile> =
                profiles[from.saturating_sub(context)..(to + context).min(rows)].iter().flatten().collect();
            if wide.len() < 4 {
                return None;
            }
            let n = wide.len() as f64;
            let mean = |f: &dyn Fn(&Profile) -> f64| wide.iter().map(|s| f(s)).sum::<f64>() / n;
            let depth = mean(&|s| s.depth);
            let clutter = mean(&|s| s.clutter);
            let flank = mean(&|s| s.flank).abs().max(1e-6);
            let earlier = mean(&|s| s.earlier);
            let earlier_flank = mean(&|s| s.earlier_flank).abs().max(1e-6);
            let noise = 0.004 * flank;
            let contrast = depth / flank;
            let contrast_earlier = earlier / earlier_flank;
            let shares = wide.iter().filter(|s| s.depth > 0.4 * depth && s.depth > noise).count() as f64 / n;
            let offset = mean(&|s| s.offset);
            let wander = (wide.iter().map(|s| (s.offset - offset).powi(2)).sum::<f64>() / n).sqrt();
            let spread = (wide.iter().map(|s| (s.depth - depth).powi(2)).sum::<f64>() / n).sqrt();
            let features = [
                ((depth + noise).max(noise) / (clutter + noise)).ln(),
                (contrast.max(0.0) + 0.01).ln(),
                (contrast_earlier / contrast.max(0.01)).clamp(-1.0, 2.0),
                shares,
                (mean(&|s| s.asymmetry) / depth.max(noise)).min(5.0).ln_1p(),
                (mean(&|s| s.spoil) / flank).clamp(-0.5, 0.5),
                ((mean(&|s| s.change) + 0.004).max(0.004) / (mean(&|s| s.change_clutter) + 0.004)).ln(),
                line.gain.max(0.1).ln(),
                length_m.max(1.0).ln(),
                (spread / depth.max(noise)).min(3.0),
                wander,
                (mean(&|s| s.away_later) - mean(&|s| s.away_earlier)).abs().min(1.0),
            ];
            Some(Stretch { from, to, features, contrast: (contrast, contrast_earlier) })
        })
        .collect()
}

/// Weights of the logistic judge, one set a scale.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Log-odds where every feature is 0.
    pub bias: f64,
    /// Log-odds for a unit of each of the [`FEATURES`].
    pub weights: Features,
}

impl Model {
    /// The judge for a scale.
    pub fn of(scale: Scale) -> Self {
        match scale {
            Scale::Narrow => Self {
                bias: -13.326,
                weights: [
                    0.212, -0.129, -0.678, 3.467, -1.816, -2.682, 0.379, 1.516, 1.829, 0.885, -1.992, -3.931,
                ],
            },
            Scale::Wide => Self {
                bias: -6.899,
                weights: [
                    -0.134, 0.851, -1.590, 2.644, -1.914, -1.927, 0.348, -0.770, 2.086, -1.292, -1.491,
                    -5.533,
                ],
            },
        }
    }

    /// Probability that a stretch is a new earthwork, 0–1.
    pub fn confidence(&self, features: &Features) -> f64 {
        let odds = self.bias + self.weights.iter().zip(features).map(|(w, f)| w * f).sum::<f64>();
        1.0 / (1.0 + (-odds).exp())
    }
}

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
/// rows.
pub fn judge(
    strip: &Strip,
    line: &Line,
    stations: &[Station],
    pixel_m: f64,
    options: &Options,
) -> Vec<Judged> {
    let stretches = stretches(strip, line, pixel_m);
    let model = Model::of(line.scale);
    let raw: Vec<f64> = stretches.iter().map(|s| model.confidence(&s.features)).collect();
    // A stretch leans on its neighbours: 1-2-1.
    let lean = |i: usize| {
        let (a, b) = (raw[i.saturating_sub(1)], raw[(i + 1).min(raw.len() - 1)]);
        0.25 * (a + b) + 0.5 * raw[i]
    };
    let confidence: Vec<f64> = (0..raw.len()).map(lean).collect();
    let mut out = vec![];
    let mut i = 0;
    while i < stretches.len() {
        if confidence[i] < options.min_confidence {
            i += 1;
            continue;
        }
        let start = i;
        while i < stretches.len() && confidence[i] >= options.min_confidence {
            i += 1;
        }
        let part = &stretches[start..i];
        let (from, to) = (part[0].from, part[part.len() - 1].to);
        let places: Vec<(f64, f64)> = stations[from..to].iter().map(|s| s.0).collect();
        if trace::length_px(&places) * pixel_m < options.min_length_m {
            continue;
        }
        let n = part.len() as f64;
        let mean = |f: &dyn Fn(&Stretch) -> f64| part.iter().map(f).sum::<f64>() / n;
        let width_m = width_m(&strip.later, from, to);
        let class =
            if width_m >= options.min_ditch_width_m { Class::AntiVehicleDitch } else { Class::Trench };
        out.push(Judged {
            scale: line.scale,
            vertices: places,
            class,
            confidence: confidence[start..i].iter().sum::<f64>() / n,
            width_m,
            evidence: Evidence {
                gain: line.gain,
                contrast_later: mean(&|s| s.contrast.0),
                contrast_earlier: mean(&|s| s.contrast.1),
                continuity: mean(&|s| s.features[3]),
            },
        });
    }
    out
}

/// Width of the dark core at half its depth on the median profile of stations `from..to`, metres; 0 where there
/// is no core.
fn width_m(strip: &Array2<f32>, from: usize, to: usize) -> f64 {
    let middle = ACROSS / 2;
    let profile: Vec<f64> = (0..ACROSS)
        .map(|k| {
            let mut v: Vec<f64> =
                (from..to).map(|i| f64::from(strip[(i, k)])).filter(|v| !v.is_nan()).collect();
            align::median(&mut v).unwrap_or(f64::NAN)
        })
        .collect();
    let Some(core) = (middle - 4..=middle + 4)
        .filter(|&k| !profile[k].is_nan())
        .reduce(|a, b| if profile[b] < profile[a] { b } else { a })
    else {
        return 0.0;
    };
    let crossing = |step: isize| -> Option<(f64, f64)> {
        // The first crest on this side: where the profile falls again by a fifth of what it rose.
        let (mut crest, mut k) = (profile[core], core);
        loop {
            let next = k.checked_add_signed(step).filter(|&n| n < ACROSS && !profile[n].is_nan())?;
            if profile[next] > crest {
                crest = profile[next];
            } else if crest - profile[next] > 0.2 * (crest - profile[core]).max(1e-9)
                || next.abs_diff(core) > 16
            {
                return Some((crest, step as f64));
            }
            k = next;
            if k == 0 || k + 1 == ACROSS {
                return Some((crest, step as f64));
            }
        }
    };
    let (Some(left), Some(right)) = (crossing(-1), crossing(1)) else { return 0.0 };
    let half = profile[core] + 0.5 * (left.0.min(right.0) - profile[core]);
    let reach = |step: isize| {
        let mut k = core;
        while let Some(next) = k.checked_add_signed(step).filter(|&n| n < ACROSS) {
            if profile[next].is_nan() {
                break;
            }
            if profile[next] >= half {
                let t = (half - profile[k]) / (profile[next] - profile[k]).max(1e-9);
                return (k.abs_diff(core) as f64 + t.clamp(0.0, 1.0)) * STEP_M;
            }
            k = next;
        }
        k.abs_diff(core) as f64 * STEP_M
    };
    reach(-1) + reach(1)
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

    fn strip(width: f64, depth: f32) -> Strip {
        let row = |dark: bool| {
            move |(i, k): (usize, usize)| {
                let x = (k as f64 - (ACROSS / 2) as f64) * STEP_M;
                let ground = 100.0 + ((i * 7 + k * 13) % 5) as f32 * 0.5;
                if dark && x.abs() <= width / 2.0 { ground - depth } else { ground }
            }
        };
        Strip {
            earlier: Array2::from_shape_fn((80, ACROSS), row(false)),
            later: Array2::from_shape_fn((80, ACROSS), row(true)),
        }
    }

    fn line(scale: Scale) -> (Line, Vec<Station>) {
        let vertices: Vec<(f64, f64)> = (0..80).map(|i| (50.0, 10.0 + i as f64)).collect();
        (
            Line { scale, vertices: vertices.clone(), gain: 6.0 },
            vertices.iter().map(|&v| (v, (1.0, 0.0))).collect(),
        )
    }

    #[test]
    fn a_clear_new_line_is_believed_and_its_width_measured() {
        let (l, stations) = line(Scale::Narrow);
        let found = judge(&strip(1.5, 30.0), &l, &stations, 0.5, &Options::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].class, Class::Trench);
        assert!(found[0].confidence > 0.5, "{}", found[0].confidence);
        assert!((found[0].width_m - 2.0).abs() < 0.6, "{}", found[0].width_m);
    }

    #[test]
    fn a_line_that_was_there_before_is_believed_less() {
        let (l, _) = line(Scale::Narrow);
        let new = strip(1.5, 30.0);
        let old = Strip { earlier: new.later.clone(), later: new.later.clone() };
        let (new, old) = (stretches(&new, &l, 0.5), stretches(&old, &l, 0.5));
        let model = Model::of(Scale::Narrow);
        assert!(model.confidence(&old[1].features) < 0.5 * model.confidence(&new[1].features));
    }

    #[test]
    fn invalid_strips_are_not_judged() {
        let (l, stations) = line(Scale::Narrow);
        let nothing = Strip {
            earlier: Array2::from_elem((80, ACROSS), f32::NAN),
            later: Array2::from_elem((80, ACROSS), f32::NAN),
        };
        assert!(judge(&nothing, &l, &stations, 0.5, &Options::default()).is_empty());
    }
}
