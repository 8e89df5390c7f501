//! What of a strip the judge looks at: figures of a few metres of a line and of what lies around them.
//!
//! Brightness is told as a share of the ground beside the line on the same date, so that exposure, haze and the
//! number of bits fall out. Right and left are told as the lower and the higher of the two, so that the way in which
//! a line was traced falls out.

use ndarray::Array2;

use super::neighbours::Neighbours;
use super::series::Series;
use crate::{
    line_gain::Scale,
    strip::{ACROSS, STEP_M, Station, Strip, smoothed_along},
    trace::Line,
};

/// Stations of a stretch: 4 m, less than a leg of a trench.
const STRETCH: usize = 8;
/// The line's own column of a strip.
const MIDDLE: usize = ACROSS / 2;
/// Distances from the core, in samples, that are averaged on either side: to 1.5, 2.5, 4, 6, 8.5 and 11.5 m.
const BINS: [(usize, usize); 6] = [(2, 3), (4, 5), (6, 8), (9, 12), (13, 17), (18, 23)];
/// The core and both sides of every bin.
const BINNED: usize = 1 + 2 * BINS.len();
/// From here on bins lie beside the line, not on it.
const BESIDE: usize = 7;
/// Columns of a recentred strip.
const CENTRED: usize = 33;
/// Means over 4, 12 and 30 m either way.
const REACHES: [usize; 3] = [8, 24, 60];

/// A stretch of a line with its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// First station.
    pub from: usize,
    /// One past the last.
    pub to: usize,
    /// In the order of [`names`].
    pub features: Vec<f32>,
    /// How much darker the core is than its flanks, share of the ground beside: later, earlier.
    pub contrast: (f32, f32),
    /// Share of the stretch along which the later core is darker than both flanks by 2 %.
    pub continuity: f32,
}

/// Names of the figures, in their order.
pub fn names() -> Vec<String> {
    let strip = Strip { earlier: Array2::ones((1, ACROSS)), later: Array2::ones((1, ACROSS)) };
    let line = Line { scale: Scale::Narrow, vertices: vec![], gain: 1.0 };
    let look = Look::new(&strip, &line, &[((0.0, 0.0), (0.0, 1.0))], 1.0);
    let mut names = vec![];
    look.figures(0, (0, 0), |name, _| names.push(name()));
    names
}

/// The stretches of a line, in its order; none of an empty strip. `own` is the line's index among the neighbours.
pub(crate) fn stretches(
    strip: &Strip,
    line: &Line,
    stations: &[Station],
    pixel_m: f64,
    neighbours: &Neighbours,
    own: usize,
) -> Vec<Stretch> {
    let n = strip.later.nrows().min(stations.len());
    if n == 0 {
        return vec![];
    }
    let look = Look::new(strip, line, stations, pixel_m);
    let first = (STRETCH / 2).min(n / 2);
    (first..n)
        .step_by(STRETCH)
        .map(|centre| {
            let around = neighbours.count(stations[centre].0, look.headings[centre], own);
            let mut features = Vec::with_capacity(160);
            look.figures(centre, around, |_, v| features.push(if v.is_finite() { v } else { 0.0 }));
            let from = centre.saturating_sub(STRETCH / 2);
            Stretch {
                from,
                to: (centre + STRETCH / 2).min(n),
                features,
                contrast: (look.depth[0].mean(centre, REACHES[0]), look.depth[1].mean(centre, REACHES[0])),
                continuity: look.dips[0].mean(centre, REACHES[0]),
            }
        })
        .collect()
}

/// A line as the judge sees it.
struct Look {
    wide: bool,
    gain: f32,
    length_m: f32,
    places: Vec<(f64, f64)>,
    headings: Vec<(f64, f64)>,
    pixel_m: f64,
    /// Later, earlier and their difference: core and bins.
    binned: [Vec<Series>; 3],
    /// Of the same three: the lower side's best bin less the core, and where that is more than 2 %.
    depth: [Series; 3],
    dips: [Series; 3],
    /// Of the same three: how uneven the strip is across.
    texture: [Series; 3],
    /// Light beside the line, later over earlier, and its mean over the line.
    level: Series,
    level_of_line: f32,
    /// How far the core lies off the traced line, samples.
    offset: Series,
    /// How much the line turns over 8 m, radians.
    turn: Series,
    /// Smoothed strips as a share of the light beside the line.
    smooth: [Array2<f32>; 2],
    /// The later strip around the core.
    centred: Vec<Series>,
}

fn mean_of(values: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut n) = (0.0f32, 0.0f32);
    for v in values.filter(|v| !v.is_nan()) {
        (sum, n) = (sum + v, n + 1.0);
    }
    if n > 0.0 { sum / n } else { f32::NAN }
}

fn spread_of(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let mean = mean_of(values.clone());
    mean_of(values.map(|v| (v - mean) * (v - mean))).sqrt()
}

/// The highest; NaN of none.
fn highest(values: impl Iterator<Item = f32>) -> f32 {
    values.filter(|v| !v.is_nan()).fold(f32::NAN, |m, v| if m.is_nan() || v > m { v } else { m })
}

fn lower(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

impl Look {
    fn new(strip: &Strip, line: &Line, stations: &[Station], pixel_m: f64) -> Self {
        let n = strip.later.nrows().min(stations.len());
        let wide = line.scale == Scale::Wide;
        // 1.5 m either way: shorter than a leg, longer than a pixel.
        let (later, earlier) = (smoothed_along(&strip.later, 3), smoothed_along(&strip.earlier, 3));
        let offset = offsets(&later, if wide { 4 } else { 2 });
        let binned = |s: &Array2<f32>, i: usize| -> [f32; BINNED] {
            let row = s.row(i);
            let at = |j: i32| row[(MIDDLE as i32 + offset[i] + j).clamp(0, ACROSS as i32 - 1) as usize];
            let mut out = [0.0; BINNED];
            out[0] = mean_of((-1..=1).map(at));
            for (b, &(low, high)) in BINS.iter().enumerate() {
                let side = |sign: i32| mean_of((low as i32..=high as i32).map(|j| at(sign * j)));
                (out[1 + 2 * b], out[2 + 2 * b]) = (side(-1), side(1));
            }
            out
        };
        let mut rows: [Vec<[f32; BINNED]>; 3] = Default::default();
        let mut light = [vec![], vec![]];
        for i in 0..n {
            let (l, e) = (binned(&strip.later, i), binned(&strip.earlier, i));
            let beside = |b: &[f32; BINNED]| mean_of(b[BESIDE..].iter().copied()).max(1e-6);
            let (ml, me) = (beside(&l), beside(&e));
            let (l, e) = (l.map(|v| v / ml - 1.0), e.map(|v| v / me - 1.0));
            rows[2].push(std::array::from_fn(|k| l[k] - e[k]));
            rows[0].push(l);
            rows[1].push(e);
            light[0].push(ml);
            light[1].push(me);
        }
        let first = if wide { 3 } else { 1 };
        let deep = |b: &[f32; BINNED]| {
            let side = |k: usize| highest([b[k], b[k + 2], b[k + 4]].into_iter());
            lower(side(first), side(first + 1)) - b[0]
        };
        let share = |s: &Array2<f32>, light: &[f32]| {
            Array2::from_shape_fn((n, ACROSS), |(i, k)| s[(i, k)] / light[i])
        };
        let smooth = [share(&later, &light[0]), share(&earlier, &light[1])];
        let uneven = |i: usize, which: usize| {
            let (later, earlier) = (smooth[0].row(i), smooth[1].row(i));
            match which {
                0 => spread_of(later.iter().copied()),
                1 => spread_of(earlier.iter().copied()),
                _ => spread_of(later.iter().zip(&earlier).map(|(l, e)| l - e)),
            }
        };
        let series = |f: &dyn Fn(usize) -> f32| Series::new((0..n).map(f));
        let level: Vec<f32> = light[0].iter().zip(&light[1]).map(|(l, e)| l / e).collect();
        let places: Vec<(f64, f64)> = stations[..n].iter().map(|s| s.0).collect();
        let toward = |i: usize, reach: usize| {
            let (a, b) = (places[i.saturating_sub(reach)], places[(i + reach).min(n - 1)]);
            let d = (b.0 - a.0).hypot(b.1 - a.1).max(1e-9);
            ((b.0 - a.0) / d, (b.1 - a.1) / d)
        };
        let headings: Vec<(f64, f64)> = (0..n).map(|i| toward(i, STRETCH / 2)).collect();
        let turn = |i: usize| {
            let (a, b) = (headings[i.saturating_sub(STRETCH)], headings[(i + STRETCH).min(n - 1)]);
            (a.0 * b.1 - a.1 * b.0).atan2(a.0 * b.0 + a.1 * b.1).abs() as f32
        };
        Self {
            wide,
            gain: line.gain as f32,
            length_m: (n as f64 * STEP_M) as f32,
            pixel_m,
            binned: [0, 1, 2].map(|w| (0..BINNED).map(|k| series(&|i| rows[w][i][k])).collect()),
            depth: [0, 1, 2].map(|w| series(&|i| deep(&rows[w][i]))),
            dips: [0, 1, 2].map(|w| series(&|i| if deep(&rows[w][i]) > 0.02 { 1.0 } else { 0.0 })),
            texture: [0, 1, 2].map(|w| series(&|i| uneven(i, w))),
            level: series(&|i| level[i]),
            level_of_line: mean_of(level.iter().copied()).max(1e-6),
            offset: series(&|i| offset[i] as f32),
            turn: series(&turn),
            centred: (0..CENTRED)
                .map(|k| {
                    series(&|i| {
                        let column = (MIDDLE + k) as i32 + offset[i] - (CENTRED / 2) as i32;
                        strip.later[(i, column.clamp(0, ACROSS as i32 - 1) as usize)] / light[0][i]
                    })
                })
                .collect(),
            smooth,
            places,
            headings,
        }
    }

    /// Hands every figure of the stretch around station `c` to `push`, with its name.
    fn figures(&self, c: usize, around: (u32, u32), mut push: impl FnMut(&dyn Fn() -> String, f32)) {
        let dates = ["later", "earlier", "change"];
        for (date, binned) in dates.iter().zip(&self.binned) {
            for &h in &REACHES[..2] {
                push(&|| format!("{date}_core_{h}"), binned[0].mean(c, h));
                for b in 0..BINS.len() {
                    let (l, r) = (binned[1 + 2 * b].mean(c, h), binned[2 + 2 * b].mean(c, h));
                    push(&|| format!("{date}_bin{b}_low_{h}"), lower(l, r));
                    push(&|| format!("{date}_bin{b}_high_{h}"), if l > r { l } else { r });
                }
            }
        }
        for (w, date) in dates.iter().enumerate() {
            for h in REACHES {
                let (depth, texture) = (self.depth[w].mean(c, h), self.texture[w].mean(c, h));
                push(&|| format!("{date}_depth_{h}"), depth);
                push(&|| format!("{date}_depth_spread_{h}"), self.depth[w].spread(c, h));
                push(&|| format!("{date}_dips_{h}"), self.dips[w].mean(c, h));
                push(&|| format!("{date}_texture_{h}"), texture);
                push(&|| format!("{date}_depth_over_texture_{h}"), depth / texture.max(1e-4));
            }
        }
        push(&|| "level".into(), self.level.mean(c, 24) / self.level_of_line);
        push(&|| "offset_spread".into(), self.offset.spread(c, 24));
        for (date, smooth) in dates.iter().zip(&self.smooth) {
            let (first, fourth) = other_dips(smooth, c);
            push(&|| format!("{date}_other_dip1"), first);
            push(&|| format!("{date}_other_dip4"), fourth);
        }
        for h in [24, 60] {
            let profile: Vec<f32> = self.centred.iter().map(|s| s.mean(c, h)).collect();
            let (width_m, crests) = width(&profile);
            push(&|| format!("width_{h}"), width_m);
            push(&|| format!("crest_low_{h}"), lower(crests.0, crests.1));
            push(&|| format!("crest_high_{h}"), if crests.0 > crests.1 { crests.0 } else { crests.1 });
        }
        let last = self.places.len() - 1;
        for h in [10, 30, 60] {
            let (from, to) = (c.saturating_sub(h), (c + h).min(last));
            let (a, b) = (self.places[from], self.places[to]);
            let chord_m = (b.0 - a.0).hypot(b.1 - a.1) * self.pixel_m;
            push(
                &|| format!("straightness_{h}"),
                (chord_m / ((to - from) as f64 * STEP_M).max(STEP_M)) as f32,
            );
        }
        push(&|| "turn_24".into(), self.turn.mean(c, 24));
        push(&|| "turn_60".into(), self.turn.mean(c, 60));
        push(&|| "gain".into(), self.gain);
        push(&|| "length_m".into(), self.length_m);
        push(&|| "to_end_m".into(), (c.min(last - c) as f64 * STEP_M) as f32);
        push(&|| "wide".into(), if self.wide { 1.0 } else { 0.0 });
        push(&|| "parallel".into(), around.0 as f32);
        push(&|| "near".into(), around.1 as f32);
    }
}

/// How many samples beside its line the core lies: the darkest within `reach`, median over 4 m.
fn offsets(later: &Array2<f32>, reach: usize) -> Vec<i32> {
    let raw: Vec<i32> = later
        .rows()
        .into_iter()
        .map(|row| {
            let dark = |k: &usize| if row[*k].is_nan() { f32::MAX } else { row[*k] };
            (MIDDLE - reach..=MIDDLE + reach)
                .reduce(|a, b| if dark(&b) < dark(&a) { b } else { a })
                .map_or(0, |k| k as i32 - MIDDLE as i32)
        })
        .collect();
    (0..raw.len())
        .map(|i| {
            let mut near = raw[i.saturating_sub(4)..(i + 5).min(raw.len())].to_vec();
            near.sort_unstable();
            near[near.len() / 2]
        })
        .collect()
}

/// The deepest and the fourth-deepest two-sided dip of the mean profile around a station, away from the line.
fn other_dips(smooth: &Array2<f32>, c: usize) -> (f32, f32) {
    let (from, to) = (c.saturating_sub(REACHES[0]), (c + REACHES[0] + 1).min(smooth.nrows()));
    let profile: Vec<f32> = (0..ACROSS)
        .map(|k| mean_of((from..to).map(|i| smooth[(i, k)])))
        .map(|v| if v.is_nan() { 1.0 } else { v })
        .collect();
    let mut dips: Vec<f32> = (6..ACROSS - 6)
        .filter(|x| x.abs_diff(MIDDLE) >= 8)
        .map(|x| {
            let side = |range: std::ops::Range<usize>| highest(profile[range].iter().copied());
            lower(side(x - 6..x - 1), side(x + 2..x + 7)) - profile[x]
        })
        .collect();
    dips.sort_unstable_by(|a, b| b.total_cmp(a));
    (dips[0], dips[3])
}

/// Width of the core at half its depth, metres, and how far both crests rise over the ground beside.
fn width(profile: &[f32]) -> (f32, (f32, f32)) {
    let middle = CENTRED / 2;
    let core = (middle - 2..=middle + 2).reduce(|a, b| if profile[b] < profile[a] { b } else { a });
    let core = core.unwrap_or(middle);
    let left = highest(profile[core.saturating_sub(12)..core].iter().copied());
    let right = highest(profile[core + 1..(core + 13).min(CENTRED)].iter().copied());
    let half = profile[core] + 0.5 * (lower(left, right) - profile[core]);
    let reach = |step: isize| {
        let mut k = core;
        loop {
            let Some(next) = k.checked_add_signed(step).filter(|&n| n < CENTRED) else {
                return k.abs_diff(core) as f32;
            };
            if profile[next] >= half {
                let t = (half - profile[k]) / (profile[next] - profile[k]).max(1e-9);
                return k.abs_diff(core) as f32 + t.clamp(0.0, 1.0);
            }
            k = next;
        }
    };
    ((reach(-1) + reach(1)) * STEP_M as f32, (left - 1.0, right - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(n: usize) -> (Line, Vec<Station>) {
        let vertices: Vec<(f64, f64)> = (0..n / 2).map(|i| (50.0, 10.0 + i as f64)).collect();
        let stations = (0..n).map(|i| ((50.0, 10.0 + 0.5 * i as f64), (1.0, 0.0))).collect();
        (Line { scale: Scale::Narrow, vertices, gain: 6.0 }, stations)
    }

    fn strip(n: usize, factor: f32, width: f64) -> Strip {
        let value = |dark: bool| {
            move |(i, k): (usize, usize)| {
                let x = (k as f64 - MIDDLE as f64) * STEP_M;
                let ground = 100.0 + ((i * 7 + k * 13) % 5) as f32 * 0.5;
                factor * if dark && x.abs() <= width / 2.0 { ground - 30.0 } else { ground }
            }
        };
        Strip {
            earlier: Array2::from_shape_fn((n, ACROSS), value(false)),
            later: Array2::from_shape_fn((n, ACROSS), value(true)),
        }
    }

    fn look(strip: &Strip, n: usize) -> Vec<Stretch> {
        let (line, stations) = line(n);
        stretches(strip, &line, &stations, 1.0, &Neighbours::of(&[], 1.0), 0)
    }

    #[test]
    fn names_and_figures_agree_in_number_and_names_are_unique() {
        let names = names();
        let found = look(&strip(80, 1.0, 1.5), 80);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|s| s.features.len() == names.len()));
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert_eq!((found[0].from, found[9].to), (0, 80));
    }

    #[test]
    fn depth_and_width_are_what_was_drawn() {
        let found = look(&strip(80, 1.0, 3.0), 80);
        let at = |name: &str| names().iter().position(|n| n == name).map(|i| found[5].features[i]).unwrap();
        assert!((at("later_core_8") + 0.3).abs() < 0.03, "{}", at("later_core_8"));
        assert!(at("earlier_depth_8").abs() < 0.03);
        assert!((at("width_24") - 3.5).abs() < 0.5, "{}", at("width_24"));
        assert!(at("later_other_dip1") < 0.05);
    }

    #[test]
    fn exposure_changes_nothing() {
        let (a, b) = (look(&strip(60, 1.0, 1.5), 60), look(&strip(60, 8.0, 1.5), 60));
        for (a, b) in a.iter().zip(&b) {
            assert!(a.features.iter().zip(&b.features).all(|(a, b)| (a - b).abs() < 1e-3));
        }
    }

    #[test]
    fn an_invalid_strip_gives_no_nan() {
        let nothing = Strip {
            earlier: Array2::from_elem((40, ACROSS), f32::NAN),
            later: Array2::from_elem((40, ACROSS), f32::NAN),
        };
        assert!(look(&nothing, 40).iter().all(|s| s.features.iter().all(|v| v.is_finite())));
    }
}
