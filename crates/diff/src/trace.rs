//! From points to lines.
//!
//! The points of a whole grid are few, so they are linked at once: a line never knows where a window ended.
//! From each seed, strongest first, the line walks along its direction to the best next point, through corners
//! while points touch and straight on across gaps; then ends that face each other are joined.
//!
//! Linking after Steger (1998), IEEE TPAMI 20(2), section 4; the gap rule is ours.

use std::{cmp::Ordering, collections::VecDeque};

use rayon::prelude::*;

use crate::line_gain::{Point, direction};

/// What becomes a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Least {
    /// Gain at which a line may start.
    pub seed_gain: f64,
    /// Length of a line, metres.
    pub length_m: f64,
}

/// A traced centreline on the shared grid, `(row, col)` in pixels, about a metre between vertices.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Vertices.
    pub vertices: Vec<(f64, f64)>,
    /// Median gain of its points.
    pub gain: f64,
}

impl Line {
    /// Length, pixels.
    pub fn length_px(&self) -> f64 {
        length_px(&self.vertices)
    }
}

/// Distance of two places.
fn apart(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dr, dc) = (b.0 - a.0, b.1 - a.1);
    (dr * dr + dc * dc).sqrt()
}

/// Length of a polyline, in its own unit.
pub fn length_px(vertices: &[(f64, f64)]) -> f64 {
    vertices.windows(2).map(|w| apart(w[0], w[1])).sum()
}

/// Width of the cells of an [`Index`], pixels: a few points each.
const CELL_PX: usize = 128;

/// Points by place: sorted by row and column, with the first of each cell of a row known.
pub(crate) struct Index<'a> {
    points: &'a [Point],
    /// Of each row the first point in each of its cells, or after; one past the last.
    starts: Vec<u32>,
    /// Cells of a row.
    across: usize,
}

impl<'a> Index<'a> {
    /// `points` sorted by whole rows, then columns.
    pub(crate) fn new(points: &'a [Point]) -> Self {
        let rows = points.last().map_or(0, |p| p.row.max(0.0) as usize) + 1;
        let cell = |p: &Point| p.col.max(0.0) as usize / CELL_PX;
        let across = points.iter().map(cell).max().unwrap_or(0) + 1;
        let mut starts = vec![0; rows * across + 1];
        points.iter().for_each(|p| starts[p.row.max(0.0) as usize * across + cell(p) + 1] += 1);
        (1..starts.len()).for_each(|i| starts[i] += starts[i - 1]);
        Self { points, starts, across }
    }

    /// Gains of the points within a square of `reach_px` around a place.
    pub(crate) fn gains_near(&self, row: f32, col: f32, reach_px: f32) -> impl Iterator<Item = f32> + '_ {
        self.near(row, col, reach_px).map(|i| self.points[i].gain)
    }

    /// Indices of the points within a square of `reach_px` around a place, in their order.
    pub(crate) fn near(&self, row: f32, col: f32, reach_px: f32) -> impl Iterator<Item = usize> + '_ {
        let first = (row - reach_px).max(0.0) as usize;
        let last = ((row + reach_px).max(0.0) as usize + 1).min((self.starts.len() - 1) / self.across);
        let cell = ((col - reach_px).max(0.0) as usize / CELL_PX).min(self.across - 1);
        let (mut r, mut at, mut end) = (first, 0, 0);
        // By hand: chained iterators took half of the time of tracing.
        std::iter::from_fn(move || {
            loop {
                while at < end {
                    let (i, p) = (at, self.points[at].col);
                    at += 1;
                    if p > col + reach_px {
                        break;
                    }
                    if p >= col - reach_px {
                        return Some(i);
                    }
                }
                if r >= last {
                    return None;
                }
                at = self.starts[r * self.across + cell] as usize;
                end = self.starts[(r + 1) * self.across] as usize;
                r += 1;
            }
        })
    }
}

/// Orders `points` as [`lines`] needs them: by whole rows, then columns.
pub fn sort(points: &mut [Point]) {
    points.par_sort_unstable_by(order);
}

/// The order of points: none but those that are the same in everything are equal, so that the order in which they were found
/// does not show.
pub(crate) fn order(a: &Point, b: &Point) -> Ordering {
    (a.row.max(0.0) as usize)
        .cmp(&(b.row.max(0.0) as usize))
        .then(a.col.total_cmp(&b.col))
        .then(a.row.total_cmp(&b.row))
        .then(a.gain.total_cmp(&b.gain))
        .then(a.direction.cmp(&b.direction))
}

/// How far points of one line lie from each other, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Between neighbours of an unbroken line.
    pub step_px: f32,
    /// Across a gap.
    pub gap_px: f32,
    /// Beside the line, within its own width.
    pub twin_px: f32,
}

/// Lines through `points`, which are all those of one kind on a grid of `pixel_m`, in the order of [`sort`]. Strongest
/// first.
pub fn lines(points: &[Point], reach: Reach, pixel_m: f64, least: Least) -> Vec<Line> {
    let index = Index::new(points);
    let mut lines: Vec<Line> = chains(&index, reach, least.seed_gain)
        .par_iter()
        .map(|chain| {
            let mut gains: Vec<f32> = chain.iter().map(|&i| points[i].gain).collect();
            let middle = gains.len() / 2;
            let gain = f64::from(*gains.select_nth_unstable_by(middle, f32::total_cmp).1);
            let raw: Vec<(f64, f64)> =
                chain.iter().map(|&i| (f64::from(points[i].row), f64::from(points[i].col))).collect();
            Line { vertices: resampled(&smoothed(&raw), 1.0 / pixel_m), gain }
        })
        .filter(|l| l.length_px() * pixel_m >= 0.4 * least.length_m)
        .collect();
    join(&mut lines, 2.0 * f64::from(reach.gap_px));
    lines.retain(|l| l.length_px() * pixel_m >= least.length_m);
    lines
}

/// Points that follow each other along lines, from the strongest on.
fn chains(index: &Index<'_>, reach: Reach, seed_gain: f64) -> Vec<Vec<usize>> {
    let points = index.points;
    let mut seeds: Vec<usize> =
        (0..points.len()).filter(|&i| f64::from(points[i].gain) >= seed_gain).collect();
    seeds.sort_unstable_by(|&a, &b| points[b].gain.total_cmp(&points[a].gain).then(a.cmp(&b)));
    let mut used = vec![false; points.len()];
    let mut chains: Vec<Vec<usize>> = vec![];
    for seed in seeds {
        if used[seed] {
            continue;
        }
        used[seed] = true;
        let mut chain = VecDeque::from([seed]);
        for forward in [true, false] {
            let (mut at, mut heading) = (seed, direction(points[seed].direction));
            if !forward {
                heading = (-heading.0, -heading.1);
            }
            while let Some(next) = step(index, &used, at, heading, reach.step_px, reach.gap_px) {
                let (a, b) = (&points[at], &points[next]);
                let went = unit((b.row - a.row, b.col - a.col));
                let d = direction(b.direction);
                let d = if d.0 * went.0 + d.1 * went.1 < 0.0 { (-d.0, -d.1) } else { d };
                heading = unit((d.0 + 0.5 * went.0, d.1 + 0.5 * went.1));
                used[next] = true;
                if forward {
                    chain.push_back(next)
                } else {
                    chain.push_front(next)
                }
                at = next;
            }
        }
        // What runs along this line within its width is the same line.
        for &i in &chain {
            let p = points[i];
            let d = direction(p.direction);
            for q in index.near(p.row, p.col, reach.twin_px) {
                let e = direction(points[q].direction);
                used[q] |= (d.0 * e.0 + d.1 * e.1).abs() > 0.7;
            }
        }
        if chain.len() >= 4 {
            chains.push(chain.into());
        }
    }
    chains
}

/// The best unused point to go on to, or `None` where the line ends.
fn step(
    index: &Index<'_>,
    used: &[bool],
    at: usize,
    heading: (f32, f32),
    step_px: f32,
    gap_px: f32,
) -> Option<usize> {
    let a = &index.points[at];
    let touch_px = 2.6 * step_px;
    let mut best: Option<(f32, usize)> = None;
    for q in index.near(a.row, a.col, gap_px.max(touch_px)) {
        if used[q] {
            continue;
        }
        let b = &index.points[q];
        let (dr, dc) = (b.row - a.row, b.col - a.col);
        if dr * heading.0 + dc * heading.1 <= 0.0 {
            continue;
        }
        // `hypot` guards against numbers that pixels never are, and took a seventh of the time of tracing.
        let d = (dr * dr + dc * dc).sqrt();
        if d < 0.3 * step_px || d > gap_px.max(touch_px) {
            continue;
        }
        let ahead = (dr * heading.0 + dc * heading.1) / d;
        let e = direction(b.direction);
        let along = ((dr * e.0 + dc * e.1) / d).abs();
        // Where points touch the line may turn by 72°; across a gap it goes straight on.
        let (least_ahead, least_along) = if d <= touch_px { (0.3, 0.3) } else { (0.85, 0.8) };
        if ahead < least_ahead || along < least_along {
            continue;
        }
        let cost = d * (2.0 - ahead) * (1.5 - 0.5 * along) / (1.0 + 0.1 * b.gain.min(20.0));
        if best.is_none_or(|(c, i)| cost < c || (cost == c && q < i)) {
            best = Some((cost, q));
        }
    }
    best.map(|(_, q)| q)
}

fn unit(v: (f32, f32)) -> (f32, f32) {
    let n = (v.0 * v.0 + v.1 * v.1).sqrt();
    if n > 0.0 { (v.0 / n, v.1 / n) } else { v }
}

/// Mean of each vertex and its neighbours, weights 1-2-1: half a pixel of stairs goes, corners stay.
fn smoothed(v: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out = v.to_vec();
    for _ in 0..2 {
        let last = out.clone();
        for i in 1..last.len().saturating_sub(1) {
            let (a, b, c) = (last[i - 1], last[i], last[i + 1]);
            out[i] = (0.25 * (a.0 + c.0) + 0.5 * b.0, 0.25 * (a.1 + c.1) + 0.5 * b.1);
        }
    }
    out
}

/// The same polyline with vertices `step` apart, both ends kept.
pub fn resampled(v: &[(f64, f64)], step: f64) -> Vec<(f64, f64)> {
    let total = length_px(v);
    if v.len() < 2 || total <= 0.0 || step <= 0.0 {
        return v.to_vec();
    }
    let count = (total / step).round().max(1.0) as usize;
    let (mut out, mut segment, mut before) = (Vec::with_capacity(count + 1), 0, 0.0);
    for k in 0..=count {
        let at = total * k as f64 / count as f64;
        loop {
            let (a, b) = (v[segment], v[segment + 1]);
            let len = apart(a, b);
            if at <= before + len || segment + 2 == v.len() {
                let t = if len > 0.0 { ((at - before) / len).clamp(0.0, 1.0) } else { 0.0 };
                out.push((a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t));
                break;
            }
            before += len;
            segment += 1;
        }
    }
    out
}

/// Joins lines whose ends face each other across at most `gap_px`, nearest first.
fn join(lines: &mut Vec<Line>, gap_px: f64) {
    loop {
        // Ends as (line, at its start), each with the direction that leads out of the line.
        type End = (usize, bool, (f64, f64), (f64, f64));
        let ends: Vec<End> = lines
            .iter()
            .enumerate()
            .flat_map(|(i, l)| {
                [true, false].map(|start| {
                    let n = l.vertices.len();
                    let reach = 6.min(n - 1);
                    let (end, inner) = if start {
                        (l.vertices[0], l.vertices[reach])
                    } else {
                        (l.vertices[n - 1], l.vertices[n - 1 - reach])
                    };
                    let d = (end.0 - inner.0).hypot(end.1 - inner.1).max(1e-9);
                    (i, start, end, ((end.0 - inner.0) / d, (end.1 - inner.1) / d))
                })
            })
            .collect();
        let mut by_row: Vec<usize> = (0..ends.len()).collect();
        by_row.sort_by(|&a, &b| ends[a].2.0.total_cmp(&ends[b].2.0));
        let mut candidates: Vec<(f64, usize, usize)> = vec![];
        for (n, &a) in by_row.iter().enumerate() {
            for &b in &by_row[n + 1..] {
                let (p, q) = (&ends[a], &ends[b]);
                if q.2.0 - p.2.0 > gap_px {
                    break;
                }
                let v = (q.2.0 - p.2.0, q.2.1 - p.2.1);
                let d = v.0.hypot(v.1);
                if p.0 == q.0 || d > gap_px {
                    continue;
                }
                let facing = if d < 1.0 {
                    (1.0, 1.0)
                } else {
                    ((v.0 * p.3.0 + v.1 * p.3.1) / d, -(v.0 * q.3.0 + v.1 * q.3.1) / d)
                };
                let straight = -(p.3.0 * q.3.0 + p.3.1 * q.3.1);
                if facing.0 > 0.7 && facing.1 > 0.7 && straight > 0.2 {
                    candidates.push((d, a.min(b), a.max(b)));
                }
            }
        }
        candidates.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
        let mut touched = vec![false; lines.len()];
        let mut gone = vec![false; lines.len()];
        for (_, a, b) in candidates {
            let (p, q) = (&ends[a], &ends[b]);
            if touched[p.0] || touched[q.0] {
                continue;
            }
            (touched[p.0], touched[q.0], gone[q.0]) = (true, true, true);
            let mut tail = std::mem::take(&mut lines[q.0].vertices);
            let (gain, tail_weight) = (lines[q.0].gain, tail.len() as f64);
            if !q.1 {
                tail.reverse();
            }
            let head = &mut lines[p.0];
            if p.1 {
                head.vertices.reverse();
            }
            let weight = head.vertices.len() as f64;
            head.gain = (head.gain * weight + gain * tail_weight) / (weight + tail_weight);
            head.vertices.extend(tail);
        }
        if !gone.contains(&true) {
            return;
        }
        let mut gone = gone.iter();
        lines.retain(|_| !gone.next().copied().unwrap_or(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of `points` in any order, at half a metre.
    fn traced(mut points: Vec<Point>) -> Vec<Line> {
        sort(&mut points);
        let reach = Reach { step_px: 1.0, gap_px: 10.0, twin_px: 3.0 };
        lines(&points, reach, 0.5, Least { seed_gain: 1.5, length_m: 14.0 })
    }

    fn chain(from: (f32, f32), k: u8, n: usize) -> Vec<Point> {
        let d = direction(k);
        (0..n)
            .map(|i| Point {
                row: from.0 + d.0 * i as f32,
                col: from.1 + d.1 * i as f32,
                gain: 5.0,
                direction: k,
            })
            .collect()
    }

    #[test]
    fn a_gap_is_crossed_and_a_parallel_line_is_another() {
        let mut points = chain((20.5, 10.5), 0, 60);
        points.retain(|p| !(30.0..38.0).contains(&p.col));
        points.extend(chain((60.5, 10.5), 0, 60));
        let lines = traced(points);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|l| (l.length_px() - 59.0).abs() < 1.5), "{lines:?}");
    }

    #[test]
    fn a_zigzag_is_one_line_through_its_corners() {
        let (mut points, mut at) = (vec![], (50.0f32, 10.0f32));
        for leg in 0..6 {
            let k = if leg % 2 == 0 { 2 } else { 10 };
            let mut c = chain(at, k, 17);
            if k == 10 {
                // Directions are lines, not arrows: 10 leads down and left, so walk it the other way.
                let d = direction(k);
                c = (0..17)
                    .map(|i| Point {
                        row: at.0 - d.0 * i as f32,
                        col: at.1 - d.1 * i as f32,
                        gain: 5.0,
                        direction: k,
                    })
                    .collect();
            }
            at = (c[16].row, c[16].col);
            points.extend(c.into_iter().take(16));
        }
        let lines = traced(points);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!((lines[0].length_px() - 95.0).abs() < 6.0, "{}", lines[0].length_px());
    }

    #[test]
    fn order_of_points_changes_nothing() {
        let mut points = chain((20.5, 10.5), 0, 60);
        points.extend(chain((40.5, 10.5), 2, 60));
        let first = traced(points.clone());
        points.reverse();
        assert_eq!(first, traced(points));
    }

    #[test]
    fn no_points_no_lines() {
        assert!(traced(vec![]).is_empty());
    }
}
