//! Trees that stand in no belt: copses, hedges, what grows along streams, orchards.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::ground::Ground;
use crate::layer::Layer;
use crate::linework::Kind;
use crate::noise::{value, value_1d};
use crate::partition::EdgeKind;
use crate::place::{Place, foot, resampled};
use crate::trees::{Tree, beyond};

/// Copses in a square kilometre, in the mean.
const COPSES_PER_KM2: f64 = 2.2;
/// Share of the grass strips and field tracks with a hedge.
const HEDGED: f64 = 0.16;

/// A clump of trees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copse {
    pub at: Place,
    radius_m: f64,
    /// Height of its trees, metres, roughly.
    pub height_m: f64,
    seed: u32,
}

impl Copse {
    /// Metres from its rim, negative inside; nearly.
    pub(crate) fn offset(&self, p: Place) -> f64 {
        let ragged = 0.34 * value(self.seed, p.x / 21.0, p.y / 21.0)
            + 0.14 * value(self.seed ^ 1, p.x / 7.0, p.y / 7.0);
        p.distance(self.at) - self.radius_m * (1.0 + f64::from(ragged))
    }

    /// The middle of the shadow that it casts away from the sun (`toward` is a unit vector), `reach_m` long.
    pub(crate) fn shadow(&self, toward: (f64, f64), reach_m: f64) -> Vec<Place> {
        let away = (-toward.1).atan2(-toward.0);
        (-8..=8)
            .map(|k| {
                let angle = away + f64::from(k) * 0.16;
                let mut r = 1.5 * self.radius_m;
                while r > 1.0 && self.offset(self.at.ahead(angle, r)) > 0.0 {
                    r -= 1.0;
                }
                self.at.ahead(angle, r).ahead(away, 0.5 * reach_m)
            })
            .collect()
    }
}

/// What stands in no belt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Planted {
    pub copses: Vec<Copse>,
    /// Whether a hedge runs along an edge of the partition, by its number.
    pub hedged: Vec<bool>,
    pub trees: Vec<Tree>,
}

/// Copses, most of them at the edge of a field, and the trees of all that is no belt. `keep_off` tells where no tree
/// stands.
pub(crate) fn plant(
    rng: &mut ChaCha8Rng,
    ground: &Ground,
    layer: &Layer,
    orchard: &[(Place, f64)],
    (side_m, day): (f64, u32),
    keep_off: &dyn Fn(Place) -> bool,
) -> Planted {
    let mut trees = Vec::new();
    let mut add = |rng: &mut ChaCha8Rng, at: Place, radius_m: f64| {
        if !beyond(at, side_m) && !keep_off(at) {
            trees.push(Tree::new(rng, at, radius_m, day));
        }
    };
    let km2 = (side_m / 1000.0).powi(2);
    let n = (COPSES_PER_KM2 * km2 * rng.random_range(0.3..1.7) + rng.random::<f64>()) as usize;
    let edges = &ground.partition.edges;
    let mut copses = Vec::new();
    for _ in 0..n.min(200) {
        let anywhere = Place::new(rng.random_range(0.0..side_m), rng.random_range(0.0..side_m));
        let at = if rng.random::<f64>() < 0.7 && !edges.is_empty() {
            let (from, to) = edges[rng.random_range(0..edges.len())].ends;
            let f: f64 = rng.random();
            ground.unbent(Place::new(from.x + f * (to.x - from.x), from.y + f * (to.y - from.y)))
        } else {
            anywhere
        };
        let grown: f64 = rng.random_range(1.3..2.7);
        let copse = Copse {
            at,
            radius_m: 9.0 + 34.0 * rng.random::<f64>().powf(1.6),
            height_m: 3.4 * grown,
            seed: rng.random(),
        };
        let (step, open): (f64, f64) = (grown * rng.random_range(1.1..1.5), rng.random_range(0.03..0.25));
        let steps = (1.5 * copse.radius_m / step) as i32;
        for i in -steps..=steps {
            for j in -steps..=steps {
                let jitter = (rng.random_range(-0.45..0.45), rng.random_range(-0.45..0.45));
                let at = at.plus(((f64::from(j) + jitter.0) * step, (f64::from(i) + jitter.1) * step));
                // Thin at the rim.
                let rim = copse.offset(at) / 6.0;
                let radius_m = grown * rng.random_range(0.5..1.35) * if rim > -0.5 { 0.75 } else { 1.0 };
                if rim < 0.0 && rng.random::<f64>() > open + 0.3 * (1.0 + rim).max(0.0) {
                    add(rng, at, radius_m);
                }
            }
        }
        copses.push(copse);
    }
    let mut hedged = vec![false; edges.len()];
    for (edge, hedged) in edges.iter().zip(&mut hedged) {
        *hedged = matches!(edge.kind, EdgeKind::Grass | EdgeKind::Track) && rng.random::<f64>() < HEDGED;
        if !*hedged {
            continue;
        }
        let (seed, grown): (u32, f64) = (rng.random(), rng.random_range(0.6..1.25));
        let side = if rng.random() { 1.0 } else { -1.0 };
        let (c, s) = edge.along;
        for (k, p) in resampled(&[edge.ends.0, edge.ends.1], 1.5 * grown).into_iter().enumerate() {
            // Grown together here, a bush by itself there.
            if f64::from(value_1d(seed, k as f64 / 14.0)) + rng.random_range(-0.5..0.5) < -0.35 {
                continue;
            }
            let aside = side * (edge.margin_m + 0.3) + rng.random_range(-0.3..0.3);
            let radius_m = grown * rng.random_range(0.7..1.3);
            add(rng, ground.unbent(p.plus((-s * aside, c * aside))), radius_m);
        }
    }
    for line in &layer.lines {
        let Kind::Stream { half_m, .. } = line.kind else { continue };
        let seed: u32 = rng.random();
        for side in [-1.0, 1.0] {
            for w in line.points.windows(2) {
                let along = value(seed, w[0].x / 60.0, w[0].y / 60.0 + side);
                if along < 0.0 || rng.random::<f32>() > 0.25 + along {
                    continue;
                }
                let across = foot(w[0], w[0], w[1]).across;
                let t = side * (1.4 * half_m + rng.random_range(1.0..6.0));
                let at = w[0].plus((t * across.0, t * across.1)).plus((rng.random_range(-1.5..1.5), 0.0));
                let radius_m = rng.random_range(0.7..2.6);
                add(rng, at, radius_m);
            }
        }
    }
    for &(at, radius_m) in orchard {
        add(rng, at, radius_m);
    }
    Planted { copses, hedged, trees }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn trees_of_a_copse_stand_in_it_and_none_where_none_may() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let ground = Ground::new(&mut rng, 900.0, 64.0, &[200, 210], 0.3, None);
        let off = |p: Place| p.x < 300.0;
        let Planted { copses, trees, hedged } =
            plant(&mut rng, &ground, &Layer::new(), &[], (900.0, 200), &off);
        assert!(!copses.is_empty() && trees.len() > 50);
        assert!(trees.iter().all(|t| t.at.x >= 300.0));
        for copse in
            copses.iter().filter(|c| (400.0..800.0).contains(&c.at.x) && (100.0..800.0).contains(&c.at.y))
        {
            assert!(trees.iter().any(|t| copse.offset(t.at) < 0.0));
        }
        assert!(hedged.iter().any(|h| *h) && hedged.iter().any(|h| !*h));
        // The shadow of the southern sun lies to the north.
        let shadow = copses[0].shadow((0.0, 1.0), 10.0);
        assert!(shadow.iter().all(|p| p.y < copses[0].at.y + 5.0));
    }
}
