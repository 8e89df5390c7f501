//! What stands or lies on the ground in one spot: ponds whose level moves, old craters, houses and their plots.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::ground::{luminance, mix};
use crate::index::Index;
use crate::light::Sun;
use crate::noise::{smoothstep, value};
use crate::place::Place;
use crate::sensor::Rgb;
use crate::village::{House, Plot, Village};

/// A pond: a radius that varies around it.
#[derive(Clone, Debug)]
pub(crate) struct Pond {
    at: Place,
    radius_m: f64,
    /// Strength and phase of two, three, … lobes.
    lobes: [(f64, f64); 4],
    /// How much farther the water reaches than at the mean level, metres, by date.
    level_m: Vec<f64>,
    water: Rgb,
}

/// A crater with a rim.
#[derive(Clone, Copy, Debug)]
struct Crater {
    at: Place,
    radius_m: f64,
    /// Share of the light and shade that shows.
    fresh: f32,
}

#[derive(Clone, Copy, Debug)]
enum Spot {
    Pond(u32),
    Crater(u32),
    House(u32),
}

/// All of them.
#[derive(Clone, Debug)]
pub(crate) struct Spots {
    pub ponds: Vec<Pond>,
    pub houses: Vec<House>,
    pub plots: Vec<Plot>,
    /// Fruit trees: where, and the radius of the crown, metres.
    pub orchard: Vec<(Place, f64)>,
    craters: Vec<Crater>,
    index: Index<Spot>,
    gardens: Index<u32>,
}

impl Pond {
    /// Metres from the shore on a date, negative in the water.
    fn offset(&self, date: usize, p: Place) -> f64 {
        let (dx, dy) = (p.x - self.at.x, p.y - self.at.y);
        (dx * dx + dy * dy).sqrt() - self.shore(dy.atan2(dx)) - self.level_m.get(date).copied().unwrap_or(0.0)
    }

    fn shore(&self, angle: f64) -> f64 {
        let lobes: f64 =
            self.lobes.iter().zip(2..).map(|((a, phase), n)| a * (f64::from(n) * angle + phase).cos()).sum();
        self.radius_m * (1.0 + lobes)
    }

    /// The line of the shore on a date.
    pub(crate) fn outline(&self, date: usize) -> Vec<Place> {
        (0..=48)
            .map(|k| {
                let angle = f64::from(k % 48) / 48.0 * std::f64::consts::TAU;
                self.at.ahead(angle, self.shore(angle) + self.level_m.get(date).copied().unwrap_or(0.0))
            })
            .collect()
    }

    /// Whether the water moves by more than a metre between two dates.
    pub(crate) fn moves(&self, from: usize, to: usize) -> bool {
        let level = |k: usize| self.level_m.get(k).copied().unwrap_or(0.0);
        (level(to) - level(from)).abs() > 1.0
    }

    pub(crate) fn is_near(&self, p: Place, away_m: f64) -> bool {
        self.offset(usize::MAX, p) < away_m + 6.0
    }
}

impl Spots {
    /// Nothing.
    pub(crate) fn none() -> Self {
        Self {
            ponds: Vec::new(),
            houses: Vec::new(),
            plots: Vec::new(),
            orchard: Vec::new(),
            craters: Vec::new(),
            index: Index::new(1.0, 0.0, &[]),
            gardens: Index::new(1.0, 0.0, &[]),
        }
    }

    /// Draws ponds, craters and houses; villages stand along roads, its beds dug in `soil`.
    /// `on_way` tells whether a road, a railway or a stream takes the ground so near a place, metres.
    pub(crate) fn draw(
        rng: &mut ChaCha8Rng,
        side_m: f64,
        dates: usize,
        (roads, soil): (&[&[Place]], Rgb),
        on_way: &dyn Fn(Place, f64) -> bool,
    ) -> Self {
        let somewhere = |rng: &mut ChaCha8Rng| {
            Place::new(rng.random_range(0.03..0.97) * side_m, rng.random_range(0.03..0.97) * side_m)
        };
        let km2 = (side_m / 1000.0).powi(2);
        let number = |rng: &mut ChaCha8Rng, per_km2: f64| {
            (per_km2 * km2 * rng.random_range(0.0..2.0) + rng.random::<f64>()) as usize
        };
        let n = number(rng, 1.6).min(60);
        let mut ponds: Vec<Pond> = (0..n).map(|_| Pond::draw(rng, somewhere, dates)).collect();
        ponds.retain(|pond| !on_way(pond.at, 1.5 * pond.radius_m + 12.0));
        let mut craters = Vec::new();
        if rng.random::<f64>() < 0.3 {
            let (middle, spread) = (somewhere(rng), rng.random_range(30.0..120.0));
            for _ in 0..rng.random_range(2..14) {
                craters.push(Crater {
                    at: middle
                        .plus((spread * rng.random_range(-1.0..1.0), spread * rng.random_range(-1.0..1.0))),
                    radius_m: rng.random_range(1.2..4.5),
                    fresh: rng.random_range(0.15..0.6),
                });
            }
        }
        // One in a few square kilometres.
        let mut village = Village::default();
        for _ in 0..(1 + (0.2 * km2) as usize) {
            if !roads.is_empty() && rng.random::<f64>() < 0.7 {
                let road = roads[rng.random_range(0..roads.len())];
                let next = Village::draw(rng, side_m, dates, road, soil);
                let apart = next.plots.iter().all(|p| {
                    let (at, reach_m) = p.extent();
                    !village.plots.iter().any(|q| q.is_near(at, reach_m))
                });
                if apart {
                    village.houses.extend(next.houses);
                    village.plots.extend(next.plots);
                    village.orchard.extend(next.orchard);
                }
            }
        }
        let Village { mut houses, mut plots, mut orchard } = village;
        if rng.random::<f64>() < 0.4 {
            // A barn that was not there.
            let at = somewhere(rng);
            let mut barn = House::draw(rng, at, 0.0);
            barn.half_m = (rng.random_range(8.0..24.0), rng.random_range(5.0..9.0));
            barn.since = rng.random_range(1..dates.max(2));
            houses.push(barn);
        }
        let dry = |p: Place, away_m: f64| !ponds.iter().any(|o| o.is_near(p, away_m));
        plots.retain(|p| {
            let (at, reach_m) = p.extent();
            dry(at, reach_m) && !on_way(at, 0.5 * reach_m)
        });
        houses.retain(|h: &House| {
            !on_way(h.at, h.half_m.0 + 3.0)
                && dry(h.at, h.half_m.0 + 3.0)
                && (h.since > 0 || plots.iter().any(|p| p.is_near(h.at, 0.0)))
        });
        orchard.retain(|(at, _)| plots.iter().any(|p| p.is_near(*at, 0.0)));
        let mut spots = Self { ponds, houses, plots, orchard, craters, ..Self::none() };
        spots.seal(side_m);
        spots
    }

    fn seal(&mut self, side_m: f64) {
        let around = |at: Place, r: f64, spot: Spot| (at.plus((-r, -r)), at.plus((r, r)), spot);
        let mut entries = Vec::new();
        for (k, pond) in self.ponds.iter().enumerate() {
            entries.push(around(pond.at, 1.9 * pond.radius_m + 14.0, Spot::Pond(k as u32)));
        }
        for (k, crater) in self.craters.iter().enumerate() {
            entries.push(around(crater.at, 2.0 * crater.radius_m, Spot::Crater(k as u32)));
        }
        for (k, house) in self.houses.iter().enumerate() {
            entries.push(around(house.at, house.half_m.0 + 5.0 * house.height_m, Spot::House(k as u32)));
        }
        self.index = Index::new(side_m, 64.0, &entries);
        let gardens: Vec<_> = self
            .plots
            .iter()
            .enumerate()
            .map(|(k, plot)| {
                let (at, r) = plot.extent();
                (at.plus((-r, -r)), at.plus((r, r)), k as u32)
            })
            .collect();
        self.gardens = Index::new(side_m, 64.0, &gardens);
    }

    /// Whether something may be near a place.
    #[inline]
    pub(crate) fn any_near(&self, p: Place) -> bool {
        !self.index.near(p).is_empty()
    }

    /// Whether a house stands, or water, within `away_m` of a place.
    pub(crate) fn is_built(&self, p: Place, away_m: f64) -> bool {
        self.index.near(p).iter().any(|spot| match *spot {
            Spot::House(k) => self.houses[k as usize].is_near(p, away_m),
            Spot::Pond(k) => self.ponds[k as usize].offset(usize::MAX, p) < away_m,
            Spot::Crater(_) => false,
        })
    }

    /// Whether works must keep off a place.
    pub(crate) fn is_closed(&self, p: Place, clear_m: f64) -> bool {
        self.ponds.iter().any(|o| o.is_near(p, clear_m))
            || self.houses.iter().any(|h| h.is_near(p, clear_m))
            || self.plots.iter().any(|o| o.is_near(p, clear_m))
    }

    /// The ground at a place on a date with the plots on it, given that of the fields.
    pub(crate) fn ground(&self, date: usize, p: Place, field: Rgb) -> Rgb {
        self.gardens.near(p).iter().fold(field, |colour, k| self.plots[*k as usize].over(date, p, colour))
    }

    /// The colour at a place on a date, given that of the ground.
    pub(crate) fn over(&self, date: usize, sun: &Sun, p: Place, ground: Rgb) -> Rgb {
        let mut colour = ground;
        for spot in self.index.near(p) {
            colour = match *spot {
                Spot::Pond(k) => self.ponds[k as usize].over(date, p, colour),
                Spot::Crater(k) => self.craters[k as usize].over(sun, p, colour),
                Spot::House(k) if self.houses[k as usize].since <= date => {
                    self.houses[k as usize].over(sun, p, colour)
                }
                Spot::House(_) => colour,
            };
        }
        colour
    }
}

impl Pond {
    fn draw(rng: &mut ChaCha8Rng, at: impl Fn(&mut ChaCha8Rng) -> Place, dates: usize) -> Self {
        let lobes = [0.22, 0.14, 0.09, 0.06]
            .map(|a: f64| (a * rng.random_range(0.2..1.0), rng.random_range(0.0..std::f64::consts::TAU)));
        let swing: f64 = rng.random_range(0.2..4.0);
        let green: f32 = rng.random();
        Self {
            at: at(rng),
            radius_m: rng.random_range(8.0..45.0),
            lobes,
            level_m: (0..dates).map(|_| swing * rng.random_range(-1.0..1.0)).collect(),
            water: mix([46.0, 54.0, 50.0], [70.0, 86.0, 52.0], green),
        }
    }

    fn over(&self, date: usize, p: Place, ground: Rgb) -> Rgb {
        let grain = value(77, p.x / 2.1, p.y / 2.1);
        let d =
            self.offset(date, p) + 0.5 * f64::from(grain) + 0.8 * f64::from(value(78, p.x / 7.0, p.y / 7.0));
        // Reeds where the mean shore is, mud that the water left.
        let mean = d + self.level_m.get(date).copied().unwrap_or(0.0);
        let reeds = [84.0, 92.0, 56.0].map(|v: f32| v * (1.0 + 0.16 * grain));
        let mud = [138.0, 128.0, 106.0].map(|v: f32| v * (1.0 + 0.07 * grain));
        let mut colour = mix(ground, reeds, 0.75 * smoothstep(6.5, 2.5, (mean - 1.5).abs() as f32));
        colour = mix(colour, mud, 0.75 * smoothstep(2.4, 0.6, d as f32));
        mix(colour, self.water.map(|v| v + 1.5 * grain), smoothstep(0.5, -0.5, d as f32))
    }
}

impl Crater {
    fn over(&self, sun: &Sun, p: Place, ground: Rgb) -> Rgb {
        let (dx, dy) = (p.x - self.at.x, p.y - self.at.y);
        let r = (dx * dx + dy * dy).sqrt() / self.radius_m;
        if !(1e-6..=1.8).contains(&r) {
            return ground;
        }
        // A bowl within, a low rim without: the slope along the radius, rising outward.
        let slope = if r < 1.0 { 0.9 * r } else { -0.35 * (1.8 - r) };
        let along = sun.along((dx, dy)) / (r * self.radius_m);
        let light = (1.0 - sun.sky) * sun.lambert(slope, along) + sun.sky;
        ground.map(|v| v * (1.0 + self.fresh * (light as f32 - 1.0)))
    }
}

/// A cloud's shadow over a part of the scene, and perhaps the cloud.
#[derive(Clone, Debug)]
pub(crate) struct Cloud {
    at: Place,
    radius_m: f64,
    seed: u32,
    /// What is left of the light in the shadow.
    light: f32,
    /// From the shadow to the cloud, metres.
    offset: (f64, f64),
}

impl Cloud {
    pub(crate) fn draw(rng: &mut ChaCha8Rng, side_m: f64, sun: &Sun) -> Self {
        let height: f64 = rng.random_range(300.0..1500.0);
        let away = sun.shadow_length_m(height);
        let (tx, ty) = sun.toward();
        Self {
            at: Place::new(rng.random_range(0.0..1.0) * side_m, rng.random_range(0.0..1.0) * side_m),
            radius_m: rng.random_range(40.0..160.0),
            seed: rng.random(),
            light: rng.random_range(0.45..0.75),
            offset: (away * tx, away * ty),
        }
    }

    /// How deep in the shadow a place is, 0–1.
    fn depth(&self, p: Place) -> f32 {
        let d = p.distance(self.at) / self.radius_m;
        if d > 2.0 {
            return 0.0;
        }
        let ragged = 0.45 * value(self.seed, p.x / 47.0, p.y / 47.0)
            + 0.25 * value(self.seed ^ 1, p.x / 17.0, p.y / 17.0);
        smoothstep(-0.06, 0.1, 1.0 - d as f32 + ragged)
    }

    /// What is left of the light at a place.
    pub(crate) fn light(&self, p: Place) -> f32 {
        1.0 - self.depth(p) * (1.0 - self.light)
    }

    pub(crate) fn over(&self, p: Place, colour: Rgb) -> Rgb {
        let shade = self.depth(p);
        let cloud = self.depth(p.plus((-self.offset.0, -self.offset.1)));
        let shaded = colour.map(|v| v * (1.0 - shade * (1.0 - self.light)));
        let white = (235.0 - 20.0 * (1.0 - cloud)).max(luminance(colour));
        mix(shaded, [white; 3], 0.95 * cloud)
    }

    /// The edge of the shadow.
    pub(crate) fn outline(&self) -> Vec<Place> {
        (0..=64)
            .map(|k| {
                let angle = f64::from(k % 64) / 64.0 * std::f64::consts::TAU;
                let mut r = 2.0 * self.radius_m;
                while r > 2.0 && self.depth(self.at.ahead(angle, r)) < 0.5 {
                    r -= 2.0;
                }
                self.at.ahead(angle, r)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn water_lies_within_the_shore_and_moves() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut pond = Pond::draw(&mut rng, |_| Place::new(0.0, 0.0), 2);
        pond.level_m = vec![-3.0, 3.0];
        assert!(pond.moves(0, 1));
        for (a, b) in pond.outline(0).iter().zip(pond.outline(1)) {
            assert!((a.distance(b) - 6.0).abs() < 1e-9);
        }
        let inside = pond.over(0, Place::new(0.0, 0.0), [120.0; 3]);
        assert!(luminance(inside) < 95.0);
        assert_eq!(pond.over(0, Place::new(200.0, 0.0), [120.0; 3]), [120.0; 3]);
    }
}
