//! What is laid out on the ground: ways, distractors, earthworks.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{MARGIN_M, Scene, stream};
use crate::centreline::{ditch, path, trench};
use crate::crop::drifted;
use crate::earthwork::Earthwork;
use crate::ground::mix;
use crate::linework::{Kind, Line};
use crate::partition::EdgeKind;
use crate::place::{Place, foot, resampled};
use crate::sensor::Rgb;
use crate::truth::{Style, TruthClass};

impl Scene {
    /// Field tracks, a road and perhaps a stream: there on all dates.
    pub(super) fn lay_ways(&mut self) {
        let mut rng = stream(self.options.seed, 5);
        let side_m = self.options.side_m();
        let across = side_m + 2.0 * MARGIN_M;
        let middle = |rng: &mut ChaCha8Rng| {
            Place::new(rng.random_range(0.1..0.9) * side_m, rng.random_range(0.1..0.9) * side_m)
        };
        if rng.random::<f64>() < 0.4 {
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let points = moved(path(&mut rng, 3.0 * across, axis, 0.45), middle(&mut rng));
            let half_m = rng.random_range(0.8..2.2);
            self.add(points, Kind::Stream { half_m }, 3.5 * half_m + 8.0, 0, &mut rng);
        }
        let earth = mix(self.ground.soil.map(|v| v * 1.12), [186.0, 172.0, 142.0], 0.5);
        for edge in self.ground.partition.edges.clone() {
            if edge.kind != EdgeKind::Track {
                continue;
            }
            let points: Vec<Place> = resampled(&[edge.ends.0, edge.ends.1], 5.0)
                .into_iter()
                .map(|p| self.ground.unbent(p))
                .collect();
            let kind = Kind::Ruts {
                gauge_m: rng.random_range(1.6..2.1),
                rut_m: rng.random_range(0.5..0.9),
                colour: drifted(&mut rng, earth, 0.06),
                share: rng.random_range(0.5..0.9),
            };
            self.add(points, kind, 3.0, 0, &mut rng);
        }
        if rng.random::<f64>() < 0.7 {
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let points = moved(path(&mut rng, 3.0 * across, axis, 0.03), middle(&mut rng));
            let half_m = rng.random_range(2.4..3.6);
            let grey: Rgb = [134.0, 132.0, 128.0];
            let gravel: Rgb = [184.0, 174.0, 152.0];
            let surface = drifted(&mut rng, if half_m > 2.9 { grey } else { gravel }, 0.08);
            self.add(points, Kind::Road { half_m, surface }, half_m + 5.0, 0, &mut rng);
        }
    }

    /// New wheel tracks, pipelines and paths.
    pub(super) fn lay_distractors(&mut self) {
        let mut rng = stream(self.options.seed, 6);
        let side_m = self.options.side_m();
        for k in 0..self.options.distractors {
            let since = 1 + k % (self.options.dates - 1);
            let length = side_m * rng.random_range(0.25..0.8);
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let soil = self.ground.soil;
            let (style, kind, sway, reach_m) = match rng.random_range(0..10) {
                0..=6 => {
                    // Ruts in a crop show the soil or flattened, paler straw.
                    let pale = mix(soil, [180.0, 168.0, 132.0], rng.random_range(0.0..0.9));
                    let kind = Kind::Ruts {
                        gauge_m: rng.random_range(1.7..2.4),
                        rut_m: rng.random_range(0.35..0.7),
                        colour: pale,
                        share: rng.random_range(0.3..0.85),
                    };
                    (Style::WheelTrack, kind, 0.12, 3.0)
                }
                7..=8 => {
                    let kind = Kind::Path {
                        half_m: rng.random_range(0.25..0.6),
                        colour: mix(soil, [150.0, 138.0, 108.0], rng.random_range(0.0..1.0)),
                        share: rng.random_range(0.2..0.5),
                    };
                    (Style::Path, kind, 0.2, 2.5)
                }
                _ => {
                    let kind = Kind::Strip {
                        half_m: rng.random_range(2.0..4.5),
                        colour: mix(soil, self.ground.subsoil, rng.random_range(0.2..0.8)),
                        share: rng.random_range(0.25..0.6),
                    };
                    (Style::Pipeline, kind, 0.01, 7.0)
                }
            };
            let at = Place::new(rng.random_range(0.0..1.0) * side_m, rng.random_range(0.0..1.0) * side_m);
            let points = moved(path(&mut rng, length, axis, sway), at);
            self.distractors.push((self.lines.len(), style));
            self.add(points, kind, reach_m, since, &mut rng);
        }
    }

    /// Trenches and ditches, old and new.
    pub(super) fn dig(&mut self) {
        let options = self.options.clone();
        let later = options.dates - 1;
        let mut plan: Vec<(TruthClass, usize)> = Vec::new();
        // Ditches first: they need the room.
        plan.extend((0..options.ditches).map(|k| (TruthClass::AntiVehicleDitch, 1 + k % later)));
        plan.extend(
            (0..options.old_works)
                .map(|k| (if k % 4 == 3 { TruthClass::AntiVehicleDitch } else { TruthClass::Trench }, 0)),
        );
        plan.extend((0..options.trenches).map(|k| (TruthClass::Trench, 1 + k % later)));
        let soils = (self.ground.soil, self.ground.subsoil);
        for (k, (class, since)) in plan.into_iter().enumerate() {
            let mut rng = stream(options.seed, 100 + k as u64);
            let trench = class == TruthClass::Trench;
            let style = match rng.random_range(0..10) {
                _ if !trench => Style::Straight,
                0..=4 => Style::Zigzag,
                5..=6 => Style::Crenellated,
                7..=8 => Style::Wavy,
                _ => Style::Straight,
            };
            let Some(points) = self.place(&mut rng, trench, style) else { continue };
            let look = &self.looks[since];
            let (spread, gsd) = (look.sensor.spread_m, options.gsd_m);
            let blur_m = (spread * spread + gsd * gsd / 12.0).sqrt();
            let work = Earthwork::new(&mut rng, class, style, &points, soils, &look.sun, blur_m);
            let (kind, reach_m) = (Kind::Work(self.works.len()), work.reach_m);
            self.works.push(work);
            self.add(points, kind, reach_m, since, &mut rng);
        }
    }

    /// A centreline that lies in the scene and keeps off trees, water, roads and other works; none where there
    /// is no room.
    fn place(&self, rng: &mut ChaCha8Rng, trench_wanted: bool, style: Style) -> Option<Vec<Place>> {
        let side_m = self.options.side_m();
        let mut best: Option<(f64, Vec<Place>)> = None;
        for attempt in 0..80 {
            let shrink = 0.97_f64.powi(attempt);
            let most = 0.72 * side_m * shrink;
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let line = if trench_wanted {
                let length: f64 = rng.random_range(60.0..250.0);
                trench(rng, style, length.min(most), axis)
            } else {
                let length: f64 = rng.random_range(150.0..400.0);
                ditch(rng, length.min(most), axis)
            };
            let at = Place::new(rng.random_range(0.08..0.92) * side_m, rng.random_range(0.08..0.92) * side_m);
            let line = moved(line, at);
            let rim = 9.0_f64.min(0.05 * side_m);
            let inside = |p: &Place| (rim..side_m - rim).contains(&p.x) && (rim..side_m - rim).contains(&p.y);
            if !line.iter().all(inside) {
                continue;
            }
            let checks = resampled(&line, 4.0);
            let blocked =
                checks.iter().filter(|p| self.blocked(**p, if trench_wanted { 7.0 } else { 12.0 })).count();
            let share = blocked as f64 / checks.len() as f64;
            if share == 0.0 {
                return Some(line);
            }
            if best.as_ref().is_none_or(|(least, _)| share < *least) {
                best = Some((share, line));
            }
        }
        best.filter(|(share, _)| *share < 0.12).map(|(_, line)| line)
    }

    fn blocked(&self, p: Place, clear_m: f64) -> bool {
        let near = self.ground.partition.at(self.ground.bent(p));
        let edge = &self.ground.partition.edges.get(near.edge);
        if edge.is_some_and(|e| e.kind == EdgeKind::Belt && near.distance_m < e.margin_m + 4.0) {
            return true;
        }
        self.lines.iter().any(|line| {
            let away = match line.kind {
                Kind::Road { half_m, .. } => half_m + clear_m,
                Kind::Stream { half_m } => 2.0 * half_m + clear_m,
                Kind::Work(_) => line.reach_m + clear_m,
                _ => return false,
            };
            line.points.windows(2).any(|w| foot(p, w[0], w[1]).t.abs() < away)
        })
    }

    fn add(&mut self, points: Vec<Place>, kind: Kind, reach_m: f64, since: usize, rng: &mut ChaCha8Rng) {
        if points.len() > 1 {
            self.lines.push(Line::new(points, kind, reach_m, since, rng.random()));
        }
    }
}

fn moved(line: Vec<Place>, to: Place) -> Vec<Place> {
    line.into_iter().map(|p| p.plus((to.x, to.y))).collect()
}
