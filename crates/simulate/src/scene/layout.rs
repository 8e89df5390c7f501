//! What is laid out on the ground: ways, distractors, earthworks.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{MARGIN_M, Scene, SceneDate, stream};
use crate::centreline::path;
use crate::contrast::Seen;
use crate::crop::drifted;
use crate::ground::mix;
use crate::linework::{Kind, Line};
use crate::lookalike::{self, Land};
use crate::partition::EdgeKind;
use crate::place::{Place, resampled};
use crate::sensor::Rgb;
use crate::siting::{Count, DRIVEN, Site, dig};

/// Brightness of ordinary ground before haze, grey levels.
const ORDINARY_LEVEL: f64 = 115.0;

impl Scene {
    /// Field tracks, a road and perhaps a stream: there on all dates.
    pub(super) fn lay_ways(&mut self) {
        let mut rng = stream(self.options.seed, 5);
        let side_m = self.options.side_m();
        let across = side_m + 2.0 * MARGIN_M;
        let middle = |rng: &mut ChaCha8Rng| {
            Place::new(rng.random_range(0.1..0.9) * side_m, rng.random_range(0.1..0.9) * side_m)
        };
        // One chance for each of these every few kilometres.
        let chances = 1 + (side_m / 1800.0) as usize;
        for _ in 0..chances {
            if rng.random::<f64>() > 0.4 {
                continue;
            }
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let points = moved(path(&mut rng, 3.0 * across, axis, 0.45), middle(&mut rng));
            let half_m: f64 = rng.random_range(0.8..3.2);
            let swing_m = half_m * rng.random_range(0.1..0.7);
            let reach_m = 5.0 * half_m + 11.0 + 2.0 * swing_m;
            self.add(points, Kind::Stream { half_m, swing_m }, reach_m, 0, &mut rng);
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
        for _ in 0..chances {
            if rng.random::<f64>() > 0.7 {
                continue;
            }
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let points = moved(path(&mut rng, 3.0 * across, axis, 0.03), middle(&mut rng));
            let half_m = rng.random_range(2.4..3.6);
            let grey: Rgb = [134.0, 132.0, 128.0];
            let gravel: Rgb = [184.0, 174.0, 152.0];
            let surface = drifted(&mut rng, if half_m > 2.9 { grey } else { gravel }, 0.08);
            self.add(points, Kind::Road { half_m, surface }, half_m + 5.0, 0, &mut rng);
        }
        self.lay_railway();
    }

    /// A railway, now and then.
    fn lay_railway(&mut self) {
        let mut rng = stream(self.options.seed, 10);
        let side_m = self.options.side_m();
        if rng.random::<f64>() < 0.15 {
            let axis = rng.random_range(0.0..std::f64::consts::TAU);
            let at = Place::new(rng.random_range(0.1..0.9) * side_m, rng.random_range(0.1..0.9) * side_m);
            let points = moved(path(&mut rng, 3.0 * (side_m + 2.0 * MARGIN_M), axis, 0.008), at);
            self.add(points, Kind::Railway, 9.0, 0, &mut rng);
        }
    }

    /// New wheel tracks, pipelines and paths.
    pub(super) fn lay_distractors(&mut self) {
        let side_m = self.options.side_m();
        let soils = (self.ground.soil, self.ground.subsoil);
        let (n, dates) = (self.options.distractors, self.options.dates);
        let (seed, turned) = (self.options.seed, self.options.turned_share);
        let ground = &self.ground;
        let edges: Vec<Vec<Place>> = ground
            .partition
            .edges
            .iter()
            .filter(|e| e.kind != EdgeKind::Belt)
            .map(|e| resampled(&[e.ends.0, e.ends.1], 8.0).into_iter().map(|p| ground.unbent(p)).collect())
            .collect();
        let spots = &self.spots;
        let ways = self.layer.clone();
        let land = Land {
            size_m: (side_m, side_m),
            soils: &|_| soils,
            open: &|p| !spots.is_closed(p, 1.0),
            way: &|p| ways.on_way(p, 2.0),
            edges: &edges,
            turned_share: turned,
        };
        lookalike::lay(&mut self.layer, seed, n, dates, &land);
    }

    /// Trenches and ditches, old and new.
    pub(super) fn dig(&mut self) {
        let options = self.options.clone();
        let ground = self.ground.clone();
        let spots = self.spots.clone();
        let copses = self.copses.clone();
        let hedged = self.hedged.clone();
        let closed = |p: Place, clear_m: f64| {
            if spots.is_closed(p, clear_m) || copses.iter().any(|c| c.offset(p) < clear_m) {
                return true;
            }
            let near = ground.partition.at(ground.bent(p));
            let wooded = hedged.get(near.edge).copied().unwrap_or(false);
            let edge = &ground.partition.edges.get(near.edge);
            edge.is_some_and(|e| (e.kind == EdgeKind::Belt || wooded) && near.distance_m < e.margin_m + 4.0)
        };
        let soils = |_: Place| (ground.soil, ground.subsoil);
        // Of a few places, since one may be a tuft or a clod.
        let seen = |p: Place, date: usize| {
            (0..9)
                .map(|k| ground.at(date, p.plus((1.7 * f64::from(k % 3 - 1), 1.7 * f64::from(k / 3 - 1)))))
                .fold([0.0; 3], |sum: Rgb, c| [0, 1, 2].map(|b| sum[b] + c[b] / 9.0))
        };
        let looks = self
            .looks
            .iter()
            .map(|look| {
                let (spread, gsd) = (look.sensor.spread_m, options.gsd_m);
                // The square of the pixel, and the interpolation of whoever looks at it.
                let blur_m = (spread * spread + gsd * gsd / 6.0).sqrt();
                let haze = f64::from(look.sensor.haze[1]);
                let light = f64::from(look.sensor.gain[1]) * ORDINARY_LEVEL;
                Seen { sun: look.sun, blur_m, haze: haze / (haze + light) }
            })
            .collect();
        let side_m = options.side_m();
        let days = days(&self.dates);
        let site = Site {
            size_m: (side_m, side_m),
            closed: &closed,
            soils: &soils,
            ground: &seen,
            looks,
            days,
            attempts: 80,
            fresh_share: 0.0,
            turned_share: options.turned_share,
            straight_share: options.straight_share,
            driven_shares: if options.distractors > 0 { DRIVEN } else { (0.0, 0.0) },
            most_blocked: 0.12,
        };
        let count = Count {
            trenches: options.trenches,
            ditches: options.ditches,
            old: options.old_works,
            dates: options.dates,
        };
        dig(&mut self.layer, options.seed, count, &site);
    }

    fn add(&mut self, points: Vec<Place>, kind: Kind, reach_m: f64, since: usize, rng: &mut ChaCha8Rng) {
        if points.len() > 1 {
            self.layer.add(Line::new(points, kind, reach_m, since, rng.random()));
        }
    }
}

/// Days from the first date to each.
fn days(dates: &[SceneDate]) -> Vec<f64> {
    let first = dates[0].datetime;
    dates.iter().map(|d| (d.datetime - first).num_seconds() as f64 / 86_400.0).collect()
}

fn moved(line: Vec<Place>, to: Place) -> Vec<Place> {
    line.into_iter().map(|p| p.plus((to.x, to.y))).collect()
}
