//! Tree belts: crowns that lean away from the sensor, and their shadows, which turn with the sun.

use rand::Rng;

use crate::crop::drifted;
use crate::ground::{Ground, mix};
use crate::index::Index;
use crate::light::Sun;
use crate::noise::value;
use crate::partition::EdgeKind;
use crate::place::{Place, resampled};
use crate::sensor::Rgb;

/// The edge of a tree that stands in no belt.
const NO_BELT: u32 = u32::MAX;

/// A tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    pub at: Place,
    pub radius_m: f64,
    pub height_m: f64,
    colour: Rgb,
    /// The cut of the land along whose belt it stands; [`NO_BELT`] for all others.
    pub edge: u32,
}

/// All trees as one date's sun and sensor see them.
#[derive(Clone, Debug)]
pub(crate) struct Canopy {
    index: Index<u32>,
    /// Where the crown appears, by tree.
    crowns: Vec<Place>,
    /// Shadow: from its foot by this much, for each metre of height.
    shadow: (f64, f64),
    sun: Sun,
    /// Seasonal tone.
    tone: Rgb,
}

/// The trees of the belts and some that stand alone.
pub(crate) fn plant(rng: &mut impl Rng, ground: &Ground, side_m: f64, day: u32) -> Vec<Tree> {
    let mut trees = Vec::new();
    for (number, edge) in ground.partition.edges.iter().enumerate() {
        let first = trees.len();
        let (from, to) = edge.ends;
        match edge.kind {
            EdgeKind::Belt => {
                let rows = ((edge.margin_m - 1.5) / 2.6).max(1.0) as i32;
                let (grown, gaps) = (rng.random_range(1.5..2.6), rng.random_range(0.04..0.2));
                let gap_seed: u32 = rng.random();
                let (thin, old): (f64, f64) = (rng.random_range(0.1..0.5), rng.random_range(0.6..1.4));
                for (k, p) in resampled(&[from, to], grown * 1.45).into_iter().enumerate() {
                    // Belts have holes.
                    let hole = value(gap_seed, k as f64 / 9.0, 0.0) > 0.62;
                    // And are not equally wide everywhere.
                    let narrow = f64::from(value(gap_seed ^ 1, k as f64 / 6.0, 0.0)) * thin;
                    for row in -rows..=rows {
                        let outside = f64::from(row.abs()) > f64::from(rows) * (1.0 - narrow.abs());
                        if hole || outside || rng.random::<f64>() < gaps {
                            continue;
                        }
                        let aside = f64::from(row) * 2.4 * grown / 2.2 * 0.6 + rng.random_range(-0.7..0.7);
                        let along: f64 = rng.random_range(-0.9..0.9);
                        let (c, s) = edge.along;
                        let at = p.plus((c * along - s * aside, s * along + c * aside));
                        let at = ground.unbent(at);
                        if beyond(at, side_m) {
                            continue;
                        }
                        let radius_m = grown * rng.random_range(0.55..1.45) * old.clamp(0.8, 1.2);
                        trees.push(Tree::new(rng, at, radius_m, day));
                    }
                }
            }
            EdgeKind::Grass | EdgeKind::Track => {
                for p in resampled(&[from, to], 9.0) {
                    if rng.random::<f64>() < 0.05 {
                        let (c, s) = edge.along;
                        let aside: f64 = if rng.random() { 1.0 } else { -1.0 };
                        let at = p.plus((-s * aside * edge.margin_m, c * aside * edge.margin_m));
                        let at = ground.unbent(at);
                        if !beyond(at, side_m) {
                            let radius_m = rng.random_range(0.7..2.4);
                            trees.push(Tree::new(rng, at, radius_m, day));
                        }
                    }
                }
            }
            EdgeKind::Plain => {}
        }
        if edge.kind == EdgeKind::Belt {
            trees[first..].iter_mut().for_each(|t| t.edge = number as u32);
        }
    }
    trees
}

impl Tree {
    /// A tree as green as it is on a day of the year.
    pub(crate) fn new(rng: &mut impl Rng, at: Place, radius_m: f64, day: u32) -> Self {
        let base: Rgb = match day {
            0..=115 => [84.0, 80.0, 62.0],
            116..=265 => [52.0, 70.0, 40.0],
            _ => [96.0, 86.0, 50.0],
        };
        let colour = drifted(rng, base, 0.28);
        Self {
            at,
            radius_m,
            height_m: radius_m * rng.random_range(2.4..4.0)
                + if radius_m > 1.6 { rng.random_range(0.0..4.0) } else { 0.0 },
            colour,
            edge: NO_BELT,
        }
    }
}

/// Whether a place lies so far from the scene that nothing of a tree there shows.
pub(crate) fn beyond(p: Place, side_m: f64) -> bool {
    p.x < -50.0 || p.y < -50.0 || p.x > side_m + 50.0 || p.y > side_m + 50.0
}

impl Canopy {
    /// `lean` is the displacement of something a metre high on the image, metres `(east, south)`; trees along the
    /// edges `felled` are gone.
    pub(crate) fn new(
        trees: &[Tree],
        felled: &[u32],
        side_m: f64,
        sun: Sun,
        lean: (f64, f64),
        tone: Rgb,
    ) -> Self {
        let (sx, sy) = sun.toward();
        let per_metre = sun.shadow_length_m(1.0);
        let shadow = (-sx * per_metre, -sy * per_metre);
        let crowns: Vec<Place> = trees
            .iter()
            .map(|t| t.at.plus((lean.0 * 0.65 * t.height_m, lean.1 * 0.65 * t.height_m)))
            .collect();
        let entries: Vec<_> = trees
            .iter()
            .zip(&crowns)
            .enumerate()
            .filter(|(_, (t, _))| !felled.contains(&t.edge))
            .map(|(k, (t, crown))| {
                let tip = t.at.plus((shadow.0 * t.height_m, shadow.1 * t.height_m));
                let r = 1.3 * t.radius_m + 0.8;
                let least =
                    Place::new(t.at.x.min(tip.x).min(crown.x) - r, t.at.y.min(tip.y).min(crown.y) - r);
                let most = Place::new(t.at.x.max(tip.x).max(crown.x) + r, t.at.y.max(tip.y).max(crown.y) + r);
                (least, most, k as u32)
            })
            .collect();
        Self { index: Index::new(side_m, 64.0, &entries), crowns, shadow, sun, tone }
    }

    /// Whether a tree or its shadow may be near.
    #[inline]
    pub(crate) fn near(&self, p: Place) -> &[u32] {
        self.index.near(p)
    }

    /// The colour at `p`, given that of the ground and the trees that may be near.
    pub(crate) fn over(&self, trees: &[Tree], near: &[u32], p: Place, ground: Rgb) -> Rgb {
        let mut top: Option<(f64, usize, f64, f64)> = None;
        let mut shade = 0.0_f64;
        let ragged = 1.0 + 0.22 * f64::from(value(91, p.x / 1.1, p.y / 1.1));
        for &k in near {
            let k = k as usize;
            let t = &trees[k];
            let r = t.radius_m * ragged;
            let (dx, dy) = (p.x - self.crowns[k].x, p.y - self.crowns[k].y);
            let d2 = dx * dx + dy * dy;
            if d2 < r * r {
                let z = t.height_m - r + (r * r - d2).sqrt();
                if top.is_none_or(|(best, ..)| z > best) {
                    top = Some((z, k, dx / r, dy / r));
                }
            }
            if top.is_none() && shade < 1.0 {
                // The shadow of the crown from its lower edge to near its tip.
                let (a, b) = (0.3 * t.height_m, t.height_m - 0.6 * t.radius_m);
                let (qx, qy) = (p.x - t.at.x, p.y - t.at.y);
                let l2 = self.shadow.0 * self.shadow.0 + self.shadow.1 * self.shadow.1;
                let h = ((qx * self.shadow.0 + qy * self.shadow.1) / l2.max(1e-9)).clamp(a, b.max(a));
                let (ex, ey) = (qx - h * self.shadow.0, qy - h * self.shadow.1);
                let off = (ex * ex + ey * ey).sqrt() / r;
                if off < 1.0 {
                    // Thin at the rim.
                    shade = shade.max((3.0 * (1.0 - off)).min(1.0));
                }
            }
        }
        if let Some((_, k, nx, ny)) = top {
            let t = &trees[k];
            let nz = (1.0 - nx * nx - ny * ny).max(0.0).sqrt();
            let el = self.sun.elevation_deg.to_radians();
            let facing = el.cos() * self.sun.along((nx, ny)) + el.sin() * nz;
            let leaves = value(92, p.x / 0.6, p.y / 0.6);
            let light = 0.42 + 0.75 * facing.max(0.0) as f32 + 0.22 * leaves;
            return [0, 1, 2].map(|b| t.colour[b] * self.tone[b] * light * 1.12);
        }
        if shade > 0.0 {
            let sky = self.sun.sky as f32;
            // The sky lights shadows, bluish, and leaves let some sun through.
            let dark = [1.1, 1.2, 1.45].map(|blue| (sky * blue + 0.1).min(0.8));
            let shaded = [0, 1, 2].map(|b| ground[b] * dark[b]);
            return mix(ground, shaded, 0.95 * shade as f32);
        }
        ground
    }
}
