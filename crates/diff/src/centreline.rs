//! From what the network says of pixels to centrelines, with what it says along them.
//!
//! A centreline is the crest of the nearness: where its first derivative across vanishes and the second is lowest, to a
//! fraction of a pixel. Steger (1998), IEEE TPAMI 20(2), section 3; linked as [`crate::trace`] links.

use domain::Pixel;
use ndarray::{Array2, Axis, s};
use rayon::prelude::*;

use crate::{
    crest::{Crest, Said},
    line_gain::{DIRECTIONS, Point, gaussian},
    look::LookGrid,
    net::{Answer, KINDS},
    strokes,
    trace::{self, Index, Least, Line, Reach},
};

/// Smoothing before the derivatives, pixels: the nearness itself falls by half over 2.4.
const SMOOTHING_PX: f32 = 1.0;
/// Least nearness of a crest that may carry a line on.
const LEAST: f32 = 0.06;
/// Least nearness to another line that may count as a drain.
const LEAST_DRAIN: f32 = 0.02;
/// Least bend across a crest, as a share of its height, each pixel squared; where the nearness was learned from, 0.2.
const BEND: f32 = 0.04;
/// Least nearness at which a line may start.
const SEED: f64 = 0.25;
/// Nearness to an earthwork from which on the ground around a crest is looked at too.
pub(crate) const FOLLOWED: f32 = 0.3;
/// Longest gap that is crossed, pixels of the look: 5 m.
const GAP_PX: f32 = 10.0;
/// Crests closer than this beside a line are the same line, pixels of the look: 2 m.
const TWIN_PX: f32 = 4.0;
/// How far from a vertex its crest may lie, pixels of the look.
const NEAR_PX: f32 = 2.5;
/// Least and greatest width that is told, metres: what a spade digs, and more than any ditch.
const WIDTHS_M: (f64, f64) = (0.3, 20.0);
/// Least length of a line beside the width of its cut: what is as wide as long is a pit or the stub of another line.
const ELONGATED: f64 = 2.0;
/// Share of a line's own nearness below which it is cut.
const CUT: f64 = 0.5;
/// Vertices, about a metre apart, over which it must stay below to be cut within.
const CUT_VERTICES: usize = 10;
/// Vertices over which the mean is taken before cutting: a corner weakens two or three.
const MEAN_VERTICES: usize = 2;

/// What a crest is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The nearness to whatever was newly dug, an earthwork, a pipeline or a drain. On a stretch of a few metres they look
    /// alike; which of them it is, the whole line tells.
    Dug,
    /// The nearness to another new line, where it is greater than that to an earthwork.
    Other,
}

/// Where the kind that is dug stands among [`domain::Class::LOOK_ALIKES`].
const DRAIN: usize = 6;

/// Share of pipelines and drains in what the logarithms of `kinds` say.
fn drain_share<'a>(kinds: impl Iterator<Item = &'a f32> + Clone) -> f32 {
    let most = kinds.clone().fold(f32::MIN, |m, &v| if v > m { v } else { m });
    let (mut sum, mut drain) = (0.0, 0.0);
    for (k, v) in kinds.enumerate() {
        let share = (v - most).exp();
        sum += share;
        drain = if k == DRAIN { share } else { drain };
    }
    drain / sum
}

/// Nearness to what was newly dug.
fn dug(answer: &Answer) -> Array2<f32> {
    let mut out = answer.line.clone();
    let shares = answer.kinds.lanes(Axis(2));
    for ((mut line, other), kinds) in
        out.exact_chunks_mut((2, 2)).into_iter().zip(answer.other.exact_chunks((2, 2))).zip(shares)
    {
        // The same for all four pixels, and dear.
        if other.iter().all(|v| *v < LEAST_DRAIN) {
            continue;
        }
        let share = drain_share(kinds.iter());
        for (v, &other) in line.iter_mut().zip(&other) {
            if other >= LEAST_DRAIN {
                *v = (*v + other * share).min(1.0);
            }
        }
    }
    out
}

/// A line of crests.
#[derive(Clone, Debug, PartialEq)]
pub struct Centreline {
    /// Vertices in pixels of the shared grid, about a metre apart.
    pub vertices: Vec<Pixel>,
    /// Mean nearness to an earthwork.
    pub work: f64,
    /// Mean nearness to another new line.
    pub other: f64,
    /// The part of that which is of pipelines and drains.
    pub drain: f64,
    /// Mean log-odds of a ditch, weighted by nearness.
    pub ditch: f64,
    /// Mean over the line of each kind's logarithm, weighted by nearness.
    pub kinds: [f64; KINDS],
    /// Median width, metres.
    pub width_m: f64,
}

/// The crests within `core` of an answer whose first pixel is `(row, col)` of the look, in order of rows and columns.
/// `core` is `(first row, first col, rows, cols)` of the answer.
pub fn crests(
    answer: &Answer,
    of: Of,
    (row, col): (usize, usize),
    (r0, c0, rows, cols): (usize, usize, usize, usize),
) -> Vec<Crest> {
    let whole;
    let own = match of {
        Of::Dug => {
            whole = dug(answer);
            &whole
        }
        Of::Other => &answer.other,
    };
    let (height, width) = own.dim();
    let all = Array2::from_elem((height, width), true);
    let p = gaussian::smooth(own, &all, SMOOTHING_PX);
    let mut out = vec![];
    for r in r0.max(1)..(r0 + rows).min(height.saturating_sub(1)) {
        let line = p.row(r);
        for c in c0.max(1)..(c0 + cols).min(width.saturating_sub(1)) {
            let centre = line[c];
            // Most are nothing.
            if centre < LEAST {
                continue;
            }
            let is_this = of == Of::Dug || answer.other[(r, c)] > answer.line[(r, c)];
            if centre.is_nan() || !is_this {
                continue;
            }
            let at = |dr: usize, dc: usize| p[(r + dr - 1, c + dc - 1)];
            let (gr, gc) = (0.5 * (at(2, 1) - at(0, 1)), 0.5 * (at(1, 2) - at(1, 0)));
            let (rr, cc) = (at(2, 1) - 2.0 * centre + at(0, 1), at(1, 2) - 2.0 * centre + at(1, 0));
            let rc = 0.25 * (at(2, 2) + at(0, 0) - at(2, 0) - at(0, 2));
            // The eigenvector of the lower eigenvalue runs across the crest.
            let half = 0.5 * (rr - cc);
            let low = 0.5 * (rr + cc) - half.hypot(rc);
            if low.is_nan() || -low < BEND * centre {
                continue;
            }
            let (nr, nc) =
                if half <= 0.0 { (half - half.hypot(rc), rc) } else { (rc, -half - half.hypot(rc)) };
            let norm = nr.hypot(nc);
            let (nr, nc) = if norm > 0.0 { (nr / norm, nc / norm) } else { (1.0, 0.0) };
            let t = -(gr * nr + gc * nc) / low;
            if (t * nr).abs() > 0.6 || (t * nc).abs() > 0.6 {
                continue;
            }
            // Along: a quarter turn from across.
            let angle = (-nc).atan2(nr);
            let steps = angle.rem_euclid(std::f32::consts::PI) / std::f32::consts::PI * f32::from(DIRECTIONS);
            let direction = (steps.round() as u8) % DIRECTIONS;
            let kinds = answer.kinds.slice(s![r / 2, c / 2, ..]);
            let point = Point {
                row: (row + r) as f32 + 0.5 + t * nr,
                col: (col + c) as f32 + 0.5 + t * nc,
                gain: centre,
                direction,
            };
            let said = Said {
                work: answer.line[(r, c)],
                other: answer.other[(r, c)],
                drain_share: drain_share(kinds.iter()),
                ditch: answer.ditch[(r / 2, c / 2)],
                log_width: answer.log_width[(r / 2, c / 2)],
                kinds: std::array::from_fn(|k| kinds[k]),
            };
            out.push(Crest::new((row + r, col + c), point, &said));
        }
    }
    out
}

/// Lines along all `crests` of a pair, the strongest first, none shorter than `min_length_m` or than twice its width.
pub fn centrelines(
    mut crests: Vec<Crest>,
    grid: &LookGrid,
    pixel_m: f64,
    min_length_m: f64,
) -> Vec<Centreline> {
    crests.par_sort_unstable_by(|a, b| trace::order(&a.point, &b.point).then(a.pixel().cmp(&b.pixel())));
    let points: Vec<Point> = crests.iter().map(|c| c.point).collect();
    let look_m = pixel_m * grid.scale;
    let least = Least { seed_gain: SEED, length_m: 0.7 * min_length_m };
    let reach = Reach { step_px: 1.0, gap_px: GAP_PX, twin_px: TWIN_PX };
    let mut lines = trace::lines(&points, reach, look_m, least);
    strokes::strokes(&mut lines);
    let index = Index::new(&points);
    let parts = |line| parts(line, &crests, &index, grid, look_m, min_length_m);
    lines.par_iter().flat_map_iter(parts).collect()
}

/// What holds of a line, cut where the nearness falls far below the line's own.
fn parts(
    line: &Line,
    crests: &[Crest],
    index: &Index<'_>,
    grid: &LookGrid,
    look_m: f64,
    min_length_m: f64,
) -> Vec<Centreline> {
    let own: Vec<Option<&Crest>> = line
        .vertices
        .iter()
        .map(|&(row, col)| {
            let (row, col) = (row as f32, col as f32);
            let away = |i: usize| (crests[i].point.row - row).hypot(crests[i].point.col - col);
            let near =
                index.near(row, col, NEAR_PX).min_by(|&a, &b| away(a).total_cmp(&away(b)).then(a.cmp(&b)));
            near.map(|i| &crests[i])
        })
        .collect();
    let raw: Vec<f64> = own.iter().map(|c| c.map_or(0.0, |c| f64::from(c.point.gain))).collect();
    let nearness: Vec<f64> = (0..raw.len())
        .map(|i| {
            let near = &raw[i.saturating_sub(MEAN_VERTICES)..(i + MEAN_VERTICES + 1).min(raw.len())];
            near.iter().sum::<f64>() / near.len() as f64
        })
        .collect();
    // The upper quartile: what the line is where it is clear.
    let mut ranked = nearness.clone();
    ranked.sort_unstable_by(f64::total_cmp);
    let Some(&clear) = ranked.get(3 * ranked.len() / 4) else { return vec![] };
    let limit = CUT * clear;
    let mut out = vec![];
    let mut from = 0;
    while let Some(first) = (from..raw.len()).find(|&i| raw[i] >= limit) {
        let (mut end, mut i) = (first + 1, first + 1);
        while i < raw.len() && i - end < CUT_VERTICES {
            if nearness[i] >= limit && raw[i] >= limit {
                end = i + 1;
            }
            i += 1;
        }
        from = end;
        let vertices = &line.vertices[first..end];
        let length_m = trace::length_px(vertices) * look_m;
        if length_m < min_length_m {
            continue;
        }
        let (mut odds, mut weight, mut widths) = (0.0, 0.0, vec![]);
        let (mut work, mut other, mut drain) = (0.0, 0.0, 0.0);
        let mut kinds = [0.0; KINDS];
        for crest in own[first..end].iter().flatten() {
            let w = f64::from(crest.point.gain);
            (odds, weight) = (odds + w * f64::from(crest.ditch()), weight + w);
            kinds.iter_mut().zip(crest.kinds()).for_each(|(sum, v)| *sum += w * f64::from(v));
            work += f64::from(crest.work());
            other += f64::from(crest.other());
            drain += f64::from(crest.drain());
            widths.push(f64::from(crest.log_width()));
        }
        // The crests weigh something, or there are none.
        let mean = |sum: f64| if weight > 0.0 { sum / weight } else { 0.0 };
        widths.sort_unstable_by(f64::total_cmp);
        let width = widths.get(widths.len() / 2).copied().unwrap_or(0.0);
        let width_m = width.exp().clamp(WIDTHS_M.0, WIDTHS_M.1);
        if length_m < ELONGATED * width_m {
            continue;
        }
        out.push(Centreline {
            vertices: vertices.iter().map(|&(row, col)| grid.to_shared(Pixel { row, col })).collect(),
            work: work / (end - first) as f64,
            other: other / (end - first) as f64,
            drain: drain / (end - first) as f64,
            ditch: mean(odds),
            kinds: kinds.map(mean),
            width_m,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use domain::Class;
    use ndarray::Array3;

    use super::*;
    use crate::{classify::length_m, line_gain::direction, net::HALO_PX};

    fn answer(line: impl Fn(usize, usize) -> f32) -> Answer {
        let shape = (80, 100);
        Answer {
            line: Array2::from_shape_fn(shape, |(r, c)| line(r, c)),
            other: Array2::from_elem(shape, 0.1),
            ditch: Array2::from_elem((40, 50), -2.0),
            log_width: Array2::from_elem((40, 50), 1.5f32.ln()),
            kinds: Array3::zeros((40, 50, KINDS)),
        }
    }

    /// Nearness so many pixels from a line.
    fn falls(px: f32) -> f32 {
        (-0.125 * px * px).exp()
    }

    /// Nearness of a line through `(row, col)` along `(dr, dc)`.
    fn near(r: usize, c: usize, (row, col): (f32, f32), (dr, dc): (f32, f32)) -> f32 {
        falls((r as f32 + 0.5 - row) * dc - (c as f32 + 0.5 - col) * dr)
    }

    #[test]
    fn a_crest_lies_on_its_line_and_runs_along_it() {
        for k in 0..DIRECTIONS {
            let d = direction(k);
            let a = answer(|r, c| near(r, c, (40.3, 50.2), d));
            let found = crests(&a, Of::Dug, (100, 200), (16, 16, 48, 68));
            assert!(found.len() > 30, "{k}: {}", found.len());
            for crest in &found {
                let p = crest.point;
                let off = (p.row - 140.3) * d.1 - (p.col - 250.2) * d.0;
                assert!(off.abs() < 0.1, "{k}: {off}");
                assert_eq!(p.direction, k);
            }
        }
    }

    #[test]
    fn a_corner_is_followed_and_what_is_not_there_is_cut() {
        // Down and then to the right, and fainter beyond.
        let a = answer(|r, c| {
            let (y, x) = (r as f32 + 0.5, c as f32 + 0.5);
            let down = (y.clamp(5.0, 40.0) - y).hypot(x - 20.0);
            let right = (x.clamp(20.0, 60.0) - x).hypot(y - 40.0);
            let faint = (x.clamp(60.0, 95.0) - x).hypot(y - 40.0);
            falls(down).max(falls(right)).max(0.2 * falls(faint))
        });
        let grid = LookGrid::over((80, 100), 0.5);
        let lines = centrelines(crests(&a, Of::Dug, (HALO_PX, HALO_PX), (0, 0, 80, 100)), &grid, 0.5, 10.0);
        assert_eq!(lines.len(), 1, "{lines:?}");
        let line = &lines[0];
        let length = 2.0 * length_m(&line.vertices, 0.5);
        assert!((length - 75.0).abs() < 5.0, "{length}");
        assert!((line.width_m - 1.5).abs() < 1e-3 && line.ditch < -1.9 && (line.other - 0.1).abs() < 1e-5);
        // Of another line there is a crest only where it is nearer than an earthwork.
        assert!(crests(&a, Of::Other, (0, 0), (0, 0, 80, 100)).is_empty());
        let corner =
            line.vertices.iter().map(|p| (p.row - 40.0).hypot(p.col - 20.0)).fold(f64::MAX, f64::min);
        assert!(corner < 1.5, "{corner}");
    }

    #[test]
    fn a_short_arm_is_a_line_where_the_least_length_lets_it() {
        // A trench of 40 m, and from its middle an arm of 10 m.
        let a = answer(|r, c| {
            let (y, x) = (r as f32 + 0.5, c as f32 + 0.5);
            let trunk = (x.clamp(10.0, 90.0) - x).hypot(y - 60.0);
            let arm = (y.clamp(40.0, 60.0) - y).hypot(x - 50.0);
            falls(trunk.min(arm))
        });
        let grid = LookGrid::over((80, 100), 0.5);
        let lengths = |least_m: f64, width_m: f32| -> Vec<f64> {
            let a = Answer { log_width: Array2::from_elem((40, 50), width_m.ln()), ..a.clone() };
            let crests = crests(&a, Of::Dug, (HALO_PX, HALO_PX), (0, 0, 80, 100));
            let lines = centrelines(crests, &grid, 0.5, least_m);
            lines.iter().map(|l| length_m(&l.vertices, 0.5)).collect()
        };
        let both = lengths(6.0, 1.5);
        assert!(
            both.len() == 2 && (both[0] - 40.0).abs() < 3.0 && (6.0..=11.0).contains(&both[1]),
            "{both:?}"
        );
        assert_eq!(lengths(12.0, 1.5).len(), 1);
        // Of a ditch it is none: 7 m, and 6 m wide.
        assert_eq!(lengths(6.0, 6.0).len(), 1);
    }

    #[test]
    fn a_work_that_turns_into_a_drain_is_one_line_of_what_was_dug() {
        let mut a = answer(|r, c| if c < 50 { 0.9 * near(r, c, (40.0, 0.0), (0.0, 1.0)) } else { 0.0 });
        a.other = Array2::from_shape_fn((80, 100), |(r, c)| {
            if c < 50 { 0.0 } else { 0.9 * near(r, c, (40.0, 0.0), (0.0, 1.0)) }
        });
        a.kinds.index_axis_mut(ndarray::Axis(2), DRAIN).fill(9.0);
        let grid = LookGrid::over((80, 100), 0.5);
        let lines = centrelines(crests(&a, Of::Dug, (HALO_PX, HALO_PX), (0, 0, 80, 100)), &grid, 0.5, 10.0);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!((lines[0].work - lines[0].drain).abs() < 0.1 && lines[0].work > 0.35, "{:?}", lines[0]);
        assert_eq!(Class::LOOK_ALIKES[DRAIN], Class::PipelineOrDrain);
    }

    #[test]
    fn nothing_near_no_lines() {
        let grid = LookGrid::over((80, 100), 0.5);
        assert!(crests(&answer(|_, _| 0.0), Of::Dug, (0, 0), (0, 0, 80, 100)).is_empty());
        assert!(crests(&answer(|_, _| 1.0), Of::Dug, (0, 0), (0, 0, 80, 100)).is_empty());
        assert!(centrelines(vec![], &grid, 0.5, 10.0).is_empty());
    }
}
