//! What changed between the dates and is no earthwork, each as a line of its kind.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::Scene;
use crate::crop::Crop;
use crate::ground::Ground;
use crate::linework::Kind;
use crate::partition::EdgeKind;
use crate::place::{Place, length_m, resampled};
use crate::truth::{Style, TruthLine};
use crate::village::Plot;

/// Furrows named for one field and for a scene at most.
const FURROWS: (usize, usize) = (24, 400);
/// Lines that are shorter are not named, metres.
const LEAST_M: f64 = 15.0;
/// Share of the belts that are felled between two dates.
const FELLED: f64 = 0.06;

/// A look-alike.
#[derive(Clone, Debug)]
pub(super) struct Change {
    style: Style,
    line: Vec<Place>,
    width_m: f64,
    pub since: usize,
}

impl Change {
    pub(super) fn truth(&self, pixel_m: f64) -> TruthLine {
        TruthLine::change(self.style, &self.line, self.width_m, self.since, pixel_m)
    }
}

/// Belts that are felled: number of the edge, first date without it.
pub(super) fn felled(rng: &mut ChaCha8Rng, ground: &Ground, dates: usize) -> Vec<(u32, usize)> {
    let mut out = Vec::new();
    for (k, edge) in ground.partition.edges.iter().enumerate() {
        if edge.kind == EdgeKind::Belt && rng.random::<f64>() < FELLED * (dates - 1) as f64 {
            out.push((k as u32, rng.random_range(1..dates)));
        }
    }
    out
}

impl Scene {
    /// Names what changed against the first date.
    pub(super) fn note_changes(&mut self, felled: &[(u32, usize)]) {
        let mut all = Vec::new();
        for since in 1..self.dates.len() {
            self.field_edges(since, &mut all);
            self.furrows(since, &mut all);
            self.wheel_lines(since, &mut all);
            self.tree_shadows(since, felled, &mut all);
            for line in &self.layer.lines {
                let by = line.level_m(since) - line.level_m(0);
                // Where the level or a bank moved by more than half a metre.
                if matches!(line.kind, Kind::Stream { .. }) && (by.abs() > 0.5 || line.drifts_m() > 0.5) {
                    all.extend(line.banks(since).map(|line| Change {
                        style: Style::Shoreline,
                        line,
                        width_m: 2.0,
                        since,
                    }));
                }
            }
            for pond in self.spots.ponds.iter().filter(|p| p.moves(0, since)) {
                all.push(Change { style: Style::Shoreline, line: pond.outline(since), width_m: 2.0, since });
            }
            if let Some(cloud) = &self.looks[since].cloud {
                all.push(Change { style: Style::CloudShadow, line: cloud.outline(), width_m: 4.0, since });
            }
        }
        for &(k, since) in felled {
            let edge = &self.ground.partition.edges[k as usize];
            let line = self.on_ground(edge.ends);
            all.push(Change { style: Style::ClearedBelt, line, width_m: 2.0 * edge.margin_m, since });
        }
        for house in self.spots.houses.iter().filter(|h| h.since > 0) {
            all.push(Change {
                style: Style::Building,
                line: house.outline(),
                width_m: 1.0,
                since: house.since,
            });
        }
        for (line, since) in self.spots.plots.iter().flat_map(Plot::dug) {
            all.push(Change { style: Style::FieldEdge, line: resampled(&line, 2.0), width_m: 1.0, since });
        }
        let side_m = self.options.side_m();
        let inside = |p: &Place| (0.0..side_m).contains(&p.x) && (0.0..side_m).contains(&p.y);
        for change in all {
            let mut run = Vec::new();
            for p in change.line.iter().copied().chain([Place::new(-1.0, -1.0)]) {
                if inside(&p) {
                    run.push(p);
                    continue;
                }
                let line = std::mem::take(&mut run);
                if length_m(&line) >= LEAST_M {
                    self.changes.push(Change { line, ..change.clone() });
                }
            }
        }
    }

    /// A straight line of the partition as it winds on the ground.
    fn on_ground(&self, (from, to): (Place, Place)) -> Vec<Place> {
        resampled(&[from, to], 10.0).into_iter().map(|p| self.ground.unbent(p)).collect()
    }

    /// Edges on either side of which a field was worked between the date before and this one.
    fn field_edges(&self, since: usize, all: &mut Vec<Change>) {
        for edge in &self.ground.partition.edges {
            let mut run: Vec<Place> = Vec::new();
            let across = (-edge.along.1, edge.along.0);
            for q in resampled(&[edge.ends.0, edge.ends.1], 10.0) {
                let worked = [-1.0, 1.0].iter().any(|side| {
                    let d = side * (edge.margin_m + 2.0);
                    let beside = q.plus((d * across.0, d * across.1));
                    self.ground.worked(self.ground.partition.at(beside).field, since)
                });
                if worked {
                    run.push(self.ground.unbent(q));
                } else if run.len() > 1 {
                    let line = std::mem::take(&mut run);
                    all.push(Change { style: Style::FieldEdge, line, width_m: 2.0 * edge.margin_m, since });
                } else {
                    run.clear();
                }
            }
            if run.len() > 1 {
                all.push(Change { style: Style::FieldEdge, line: run, width_m: 2.0 * edge.margin_m, since });
            }
        }
    }

    /// Lines between the passes of the machine on fields that were worked, and where the work came to a stand.
    fn furrows(&self, since: usize, all: &mut Vec<Change>) {
        let mut left = FURROWS.1;
        for (field, extent) in self.extents(since, &|crop| crop.direction).into_iter().enumerate() {
            let (Some((ends, (b0, b1))), Some(crop)) = (extent, self.ground.crop(field, since)) else {
                continue;
            };
            if !self.ground.worked(field, since) {
                continue;
            }
            if let Some(until_m) = crop.until_m {
                let line = self.within(field, crop.direction, until_m, ends, 0.0);
                all.extend(line.map(|line| Change { style: Style::FieldEdge, line, width_m: 1.0, since }));
            }
            if crop.pass_line.abs() + crop.pass_tone < 0.04 {
                continue;
            }
            let (first, last) = ((b0 / crop.pass_m).ceil() as i32, (b1 / crop.pass_m).floor() as i32);
            let step = ((last - first).max(0) as usize / FURROWS.0.min(left.max(1)) + 1) as i32;
            for k in (first..=last).step_by(step.max(1) as usize) {
                let b = f64::from(k) * crop.pass_m + 0.5 * crop.pass_m;
                if left == 0 || crop.until_m.is_some_and(|until_m| b > until_m) {
                    break;
                }
                if let Some(line) = self.within(field, crop.direction, b, ends, crop.headland_m) {
                    left -= 1;
                    all.push(Change { style: Style::Furrow, line, width_m: 0.8, since });
                }
            }
        }
    }

    /// Wheel lines that were driven over standing crops.
    fn wheel_lines(&self, since: usize, all: &mut Vec<Change>) {
        let mut left = FURROWS.1;
        for (field, extent) in self.extents(since, &|crop| crop.tram_direction).into_iter().enumerate() {
            let (Some((ends, (b0, b1))), Some(crop)) = (extent, self.ground.crop(field, since)) else {
                continue;
            };
            if !self.ground.crop(field, since - 1).is_some_and(|before| crop.driven_since(before)) {
                continue;
            }
            let (first, last) = ((b0 / crop.tram_m).ceil() as i32, (b1 / crop.tram_m).floor() as i32);
            for k in (first..=last).take(FURROWS.0.min(left)) {
                let b = (f64::from(k) + 0.5) * crop.tram_m;
                if let Some(line) = self.within(field, crop.tram_direction, b, ends, crop.headland_m) {
                    left = left.saturating_sub(1);
                    all.push(Change { style: Style::WheelTrack, line, width_m: 2.4, since });
                }
            }
        }
    }

    /// Where each field lies: its extent along and across a direction of what grows on it, metres.
    #[expect(clippy::type_complexity, reason = "two spans")]
    fn extents(
        &self,
        date: usize,
        direction: &dyn Fn(&Crop) -> (f64, f64),
    ) -> Vec<Option<((f64, f64), (f64, f64))>> {
        let mut extents = vec![None; self.ground.partition.fields];
        let steps = (self.options.side_m() / 8.0) as i32;
        for i in 0..=steps {
            for j in 0..=steps {
                let p = Place::new(f64::from(j) * 8.0, f64::from(i) * 8.0);
                let field = self.ground.partition.at(self.ground.bent(p)).field;
                let Some(crop) = self.ground.crop(field, date) else { continue };
                let (c, s) = direction(crop);
                let (a, b) = (c * p.x + s * p.y, c * p.y - s * p.x);
                let e = extents[field].get_or_insert(((a, a), (b, b)));
                *e = ((e.0.0.min(a), e.0.1.max(a)), (e.1.0.min(b), e.1.1.max(b)));
            }
        }
        extents
    }

    /// The part of a straight line that lies in a field and not within `rim_m` of its edge: the line runs in the
    /// direction `(c, s)`, `b` metres aside, from one to the other of `ends`.
    fn within(
        &self,
        field: usize,
        (c, s): (f64, f64),
        b: f64,
        ends: (f64, f64),
        rim_m: f64,
    ) -> Option<Vec<Place>> {
        let mut run: Option<(Place, Place)> = None;
        let mut a = ends.0;
        while a <= ends.1 {
            let p = Place::new(c * a - s * b, s * a + c * b);
            let near = self.ground.partition.at(self.ground.bent(p));
            if near.field == field && near.distance_m > rim_m {
                run = Some((run.map_or(p, |r| r.0), p));
            }
            a += 12.0;
        }
        run.filter(|(from, to)| from.distance(*to) > 20.0).map(|(from, to)| vec![from, to])
    }

    /// The shadows of the belts that stand and of the copses, along their middle.
    fn tree_shadows(&self, since: usize, felled: &[(u32, usize)], all: &mut Vec<Change>) {
        let sun = &self.looks[since].sun;
        let (tx, ty) = sun.toward();
        for copse in &self.copses {
            let reach = sun.shadow_length_m(copse.height_m);
            let line = copse.shadow((tx, ty), reach);
            all.push(Change { style: Style::TreeShadow, line, width_m: reach.min(12.0), since });
        }
        for (k, edge) in self.ground.partition.edges.iter().enumerate() {
            let gone = felled.iter().any(|f| f.0 as usize == k && f.1 <= since);
            if edge.kind != EdgeKind::Belt || gone {
                continue;
            }
            let heights: Vec<f64> =
                self.trees.iter().filter(|t| t.edge as usize == k).map(|t| t.height_m).collect();
            if heights.is_empty() {
                continue;
            }
            let height = heights.iter().sum::<f64>() / heights.len() as f64;
            let reach = sun.shadow_length_m(height);
            let across = (-edge.along.1, edge.along.0);
            let beside = -(across.0 * tx + across.1 * ty).signum();
            // From the rim of the belt half the shadow's reach beyond it.
            let rim = edge.margin_m * 0.8 * beside;
            let by = (rim * across.0 - 0.5 * reach * tx, rim * across.1 - 0.5 * reach * ty);
            let line = self.on_ground(edge.ends).into_iter().map(|p| p.plus(by)).collect();
            all.push(Change { style: Style::TreeShadow, line, width_m: reach.min(12.0), since });
        }
    }
}
