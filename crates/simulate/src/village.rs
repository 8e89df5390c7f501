//! A village: houses along a road, each with its plot of yard, beds and orchard behind a fence.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::crop::drifted;
use crate::ground::mix;
use crate::light::Sun;
use crate::noise::{smoothstep, value};
use crate::place::Place;
use crate::sensor::Rgb;

/// A house: a gable roof.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub at: Place,
    /// Cosine and sine of the ridge.
    ridge: (f64, f64),
    /// Half the length along the ridge and half the width across, metres.
    pub half_m: (f64, f64),
    pub height_m: f64,
    roof: Rgb,
    /// The first date on which it stands.
    pub since: usize,
}

/// What grows between two depths of a plot.
#[derive(Clone, Copy, Debug)]
struct Bed {
    /// Where it ends, metres from the front.
    to_m: f64,
    canopy: Rgb,
    /// Share of the soil that it hides.
    cover: f32,
    /// Spacing of its rows, metres, and how much of the cover they leave out.
    row_m: f64,
    gaps: f32,
    /// Rows run from the front to the back, not from side to side.
    lengthwise: bool,
    /// The date from which on it is dug over and bare; never where there is no such date.
    dug: usize,
}

/// The land of a house.
#[derive(Clone, Debug)]
pub(crate) struct Plot {
    /// Middle of its front.
    at: Place,
    /// Unit vector from the front to the back.
    inward: (f64, f64),
    half_m: f64,
    depth_m: f64,
    beds: Vec<Bed>,
    soil: Rgb,
    /// Brightness of the fence and what grows on it, against the ground.
    fence: f32,
    seed: u32,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Village {
    pub houses: Vec<House>,
    pub plots: Vec<Plot>,
    /// Fruit trees: where, and the radius of the crown, metres.
    pub orchard: Vec<(Place, f64)>,
}

impl House {
    pub(crate) fn draw(rng: &mut ChaCha8Rng, at: Place, angle: f64) -> Self {
        const ROOFS: [Rgb; 6] = [
            [150.0, 148.0, 144.0],
            [128.0, 84.0, 68.0],
            [104.0, 112.0, 108.0],
            [172.0, 166.0, 150.0],
            [92.0, 60.0, 50.0],
            [84.0, 104.0, 92.0],
        ];
        let angle = angle + rng.random_range(-0.06..0.06);
        let roof = ROOFS[rng.random_range(0..ROOFS.len())];
        Self {
            at,
            ridge: (angle.cos(), angle.sin()),
            half_m: (rng.random_range(4.0..8.0), rng.random_range(2.5..4.5)),
            height_m: rng.random_range(3.5..6.5),
            roof: drifted(rng, roof, 0.12),
            since: 0,
        }
    }

    /// The outline of the roof.
    pub(crate) fn outline(&self) -> Vec<Place> {
        let (c, s) = self.ridge;
        let (l, w) = self.half_m;
        [(-l, -w), (l, -w), (l, w), (-l, w), (-l, -w)]
            .map(|(u, v)| self.at.plus((u * c - v * s, u * s + v * c)))
            .into()
    }

    pub(crate) fn is_near(&self, p: Place, away_m: f64) -> bool {
        self.at.distance(p) < self.half_m.0 + away_m
    }

    pub(crate) fn over(&self, sun: &Sun, p: Place, ground: Rgb) -> Rgb {
        let (c, s) = self.ridge;
        let local = |q: Place| {
            let (dx, dy) = (q.x - self.at.x, q.y - self.at.y);
            (c * dx + s * dy, c * dy - s * dx)
        };
        let (u, v) = local(p);
        if u.abs() < self.half_m.0 && v.abs() < self.half_m.1 {
            // The pitch falls away from the ridge.
            let light = sun.lambert(-0.6 * v.signum(), sun.along((-s, c)));
            let light = (1.0 - sun.sky) * light + sun.sky;
            let tiles = 1.0 + 0.05 * value(81, p.x / 0.8, p.y / 0.8);
            return self.roof.map(|w| w * light as f32 * tiles);
        }
        // What the eaves and the ridge keep from the sun.
        let (tx, ty) = sun.toward();
        let reach = sun.shadow_length_m(self.height_m);
        let shaded = (1..=6).any(|k| {
            let t = reach * f64::from(k) / 6.0;
            let (u, v) = local(p.plus((tx * t, ty * t)));
            u.abs() < self.half_m.0 && v.abs() < self.half_m.1
        });
        if shaded {
            let sky = (sun.sky + 0.1) as f32;
            return [0, 1, 2].map(|b| ground[b] * (sky * [1.0, 1.08, 1.25][b]).min(0.8));
        }
        ground
    }
}

impl Bed {
    fn draw(rng: &mut ChaCha8Rng, to_m: f64, dates: usize) -> Self {
        let (canopy, cover, row_m, gaps): (Rgb, f32, f64, f32) = match rng.random_range(0..10) {
            // Potatoes and beets in rows, vegetables, grass, what is dug already.
            0..=2 => ([74.0, 98.0, 52.0], 0.85, rng.random_range(0.7..0.9), 0.35),
            3..=4 => ([104.0, 126.0, 66.0], 0.7, rng.random_range(0.9..1.6), 0.4),
            5..=7 => ([106.0, 118.0, 70.0], 0.95, 1.0, 0.0),
            _ => ([150.0, 140.0, 104.0], 0.15, rng.random_range(0.7..1.2), 0.3),
        };
        Self {
            to_m,
            canopy: drifted(rng, canopy, 0.16),
            cover,
            row_m,
            gaps,
            lengthwise: rng.random(),
            dug: if rng.random::<f64>() < 0.2 { rng.random_range(1..dates.max(2)) } else { usize::MAX },
        }
    }
}

impl Plot {
    /// Metres from the middle to the side (positive to one hand) and from the front to the back.
    fn local(&self, p: Place) -> (f64, f64) {
        let (dx, dy) = (p.x - self.at.x, p.y - self.at.y);
        let (c, s) = self.inward;
        (c * dy - s * dx, c * dx + s * dy)
    }

    fn place(&self, u: f64, v: f64) -> Place {
        let (c, s) = self.inward;
        self.at.plus((c * v - s * u, s * v + c * u))
    }

    /// The middle of it, and how far it reaches from there, metres.
    pub(crate) fn extent(&self) -> (Place, f64) {
        (self.place(0.0, 0.5 * self.depth_m), self.half_m.hypot(0.5 * self.depth_m) + 1.0)
    }

    pub(crate) fn is_near(&self, p: Place, away_m: f64) -> bool {
        let (u, v) = self.local(p);
        u.abs() < self.half_m + away_m && (-away_m..self.depth_m + away_m).contains(&v)
    }

    /// Beds that are dug over between the first date and this one: the outline of each, and since when.
    pub(crate) fn dug(&self) -> Vec<(Vec<Place>, usize)> {
        let from = std::iter::once(0.0).chain(self.beds.iter().map(|b| b.to_m));
        let h = self.half_m;
        self.beds
            .iter()
            .zip(from)
            .filter(|(bed, _)| bed.dug != usize::MAX)
            .map(|(bed, from)| {
                let corners = [(-h, from), (h, from), (h, bed.to_m), (-h, bed.to_m), (-h, from)];
                (corners.map(|(u, v)| self.place(u, v)).into(), bed.dug)
            })
            .collect()
    }

    pub(crate) fn over(&self, date: usize, p: Place, ground: Rgb) -> Rgb {
        let (u, v) = self.local(p);
        let ragged = 0.25 * f64::from(value(self.seed, p.x / 1.9, p.y / 1.9));
        let inside = (self.half_m - u.abs()).min(v).min(self.depth_m - v) + ragged;
        if inside < -0.6 {
            return ground;
        }
        let v_ragged = v + ragged;
        let Some(bed) = self.beds.iter().find(|b| v_ragged < b.to_m).or(self.beds.last()) else {
            return ground;
        };
        let tuft = value(self.seed ^ 1, p.x / 0.7, p.y / 0.7);
        let patch = value(self.seed ^ 2, p.x / 3.7, p.y / 3.7);
        let mut cover = if date >= bed.dug { 0.04 } else { bed.cover };
        if bed.gaps > 0.0 && date < bed.dug {
            let across = if bed.lengthwise { u } else { v };
            let row = (across * std::f64::consts::TAU / bed.row_m).sin() as f32;
            cover -= bed.gaps * (0.5 + 0.5 * row);
        }
        cover += 0.12 * patch;
        let soil = self.soil.map(|c| c * (1.0 + 0.07 * patch));
        let colour = mix(soil, bed.canopy, cover.clamp(0.0, 1.0)).map(|c| c * (1.0 + 0.08 * tuft));
        let colour = mix(ground, colour, smoothstep(-0.3, 0.3, inside as f32));
        // Weeds, boards and their shade.
        let fence = smoothstep(0.45, 0.15, (inside - ragged).abs() as f32);
        colour.map(|c| c * (1.0 + (self.fence - 1.0) * fence))
    }
}

impl Village {
    /// Houses along a road, on a soil; none where the road does not come into the scene.
    pub(crate) fn draw(rng: &mut ChaCha8Rng, side_m: f64, dates: usize, road: &[Place], soil: Rgb) -> Self {
        let within = |p: &&Place| (0.0..side_m).contains(&p.x) && (0.0..side_m).contains(&p.y);
        let mut street: Vec<Place> = road.iter().filter(within).copied().collect();
        if street.len() < 3 {
            return Self::default();
        }
        // Not so near its end that there is no room.
        street.drain(..rng.random_range(0..2 * street.len() / 3));
        let plot_m: f64 = rng.random_range(18.0..34.0);
        let mut village = Self::default();
        for k in 0..rng.random_range(4..16) {
            let along = f64::from(k) * plot_m;
            // Follows the street as it bends.
            let Some((front, angle)) = follow(&street, along) else { break };
            for side in [-1.0, 1.0] {
                if rng.random::<f64>() < 0.15 {
                    continue;
                }
                let inward = angle + side * std::f64::consts::FRAC_PI_2;
                village.settle(rng, front.ahead(inward, 7.5), inward, plot_m, soil, dates);
            }
        }
        village
    }

    /// One house with its shed, plot and fruit trees.
    fn settle(
        &mut self,
        rng: &mut ChaCha8Rng,
        front: Place,
        inward: f64,
        plot_m: f64,
        soil: Rgb,
        dates: usize,
    ) {
        let depth_m: f64 = rng.random_range(32.0..75.0);
        let yard_m: f64 = rng.random_range(16.0..26.0);
        // The yard is trodden grass and earth.
        let trodden: Rgb = [128.0, 124.0, 88.0];
        let yard = Bed {
            to_m: yard_m,
            canopy: drifted(rng, trodden, 0.12),
            cover: rng.random_range(0.5..0.9),
            row_m: 1.0,
            gaps: 0.0,
            lengthwise: false,
            dug: usize::MAX,
        };
        let mut beds = vec![yard];
        let mut to_m = yard_m;
        while to_m < depth_m {
            to_m += rng.random_range(6.0..24.0);
            beds.push(Bed::draw(rng, to_m.min(depth_m), dates));
        }
        let plot = Plot {
            at: front,
            inward: (inward.cos(), inward.sin()),
            half_m: 0.5 * plot_m - 0.1,
            depth_m,
            beds,
            soil: drifted(rng, soil, 0.1),
            fence: rng.random_range(0.55..1.15),
            seed: rng.random(),
        };
        let place = plot.place(rng.random_range(-0.2..0.2) * plot_m, rng.random_range(6.0..10.0));
        let turned = if rng.random() { 0.0 } else { std::f64::consts::FRAC_PI_2 };
        self.houses.push(House::draw(rng, place, inward + turned));
        if rng.random::<f64>() < 0.75 {
            let at = plot.place(0.33 * plot_m * if rng.random() { 1.0 } else { -1.0 }, yard_m - 3.0);
            let mut shed = House::draw(rng, at, inward);
            shed.half_m = (rng.random_range(1.5..4.0), rng.random_range(1.2..2.2));
            shed.height_m = 2.5;
            self.houses.push(shed);
        }
        // Fruit trees here and there, or in rows.
        let (planted, apart): (f64, f64) = (rng.random_range(0.0..0.6), rng.random_range(4.0..6.0));
        let mut v = yard_m;
        while v < depth_m - 2.0 {
            let mut u = 2.0 - 0.5 * plot_m;
            while u < 0.5 * plot_m - 2.0 {
                // More of them near the house.
                if rng.random::<f64>() < planted * (1.0 - 0.8 * (v - yard_m) / depth_m).powi(2) {
                    let at = plot.place(u + rng.random_range(-0.6..0.6), v + rng.random_range(-0.6..0.6));
                    self.orchard.push((at, rng.random_range(0.9..2.3)));
                }
                u += apart;
            }
            v += apart;
        }
        self.plots.push(plot);
    }
}

/// The place on a street so far from its start, and which way it heads there, radians.
fn follow(street: &[Place], along_m: f64) -> Option<(Place, f64)> {
    let mut gone = 0.0;
    for w in street.windows(2) {
        let d = w[0].distance(w[1]);
        if gone + d > along_m {
            let angle = (w[1].y - w[0].y).atan2(w[1].x - w[0].x);
            return Some((w[0].ahead(angle, along_m - gone), angle));
        }
        gone += d;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::luminance;
    use rand::SeedableRng;

    #[test]
    fn the_pitch_that_faces_the_sun_is_brighter_and_the_shadow_lies_behind() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut house = House::draw(&mut rng, Place::new(0.0, 0.0), 0.0);
        house.ridge = (1.0, 0.0);
        let sun = Sun::new(180.0, 40.0, 0.2);
        let ground = [100.0; 3];
        let south = house.over(&sun, Place::new(0.0, 1.0), ground);
        let north = house.over(&sun, Place::new(0.0, -1.0), ground);
        assert!(luminance(south) > 1.5 * luminance(north));
        assert!(luminance(house.over(&sun, Place::new(0.0, -house.half_m.1 - 1.0), ground)) < 50.0);
        assert_eq!(house.over(&sun, Place::new(0.0, house.half_m.1 + 1.0), ground), ground);
    }

    #[test]
    fn plots_lie_behind_their_houses_and_a_bed_that_is_dug_changes() {
        let street: Vec<Place> = (0..60).map(|k| Place::new(f64::from(k) * 10.0, 300.0)).collect();
        let ground = [110.0; 3];
        let (mut plots, mut changed) = (0, 0);
        for seed in 0..6 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let village = Village::draw(&mut rng, 600.0, 2, &street, [80.0, 70.0, 60.0]);
            for house in &village.houses {
                assert!(village.plots.iter().any(|p| p.is_near(house.at, 0.0)), "{house:?}");
            }
            for plot in &village.plots {
                assert!((plot.at.y - 300.0).abs() > 7.0, "not on the street");
                assert_eq!(plot.over(1, plot.place(0.0, -5.0), ground), ground);
                plots += 1;
                for (outline, since) in plot.dug() {
                    let middle = |of: fn(&Place) -> f64| 0.25 * outline[..4].iter().map(of).sum::<f64>();
                    let at = Place::new(middle(|p| p.x), middle(|p| p.y));
                    let change =
                        luminance(plot.over(since, at, ground)) - luminance(plot.over(0, at, ground));
                    changed += usize::from(change.abs() > 3.0);
                }
            }
        }
        assert!(plots > 30 && changed > 5, "{plots} {changed}");
    }
}
