//! What stands or lies on the ground in one spot: ponds whose level moves, old craters, houses.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::crop::drifted;
use crate::ground::{luminance, mix};
use crate::index::Index;
use crate::light::Sun;
use crate::noise::{smoothstep, value};
use crate::place::{Place, foot};
use crate::sensor::Rgb;

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

/// A house: a gable roof.
#[derive(Clone, Debug)]
pub(crate) struct House {
    at: Place,
    /// Cosine and sine of the ridge.
    ridge: (f64, f64),
    /// Half the length along the ridge and half the width across, metres.
    half_m: (f64, f64),
    height_m: f64,
    roof: Rgb,
    /// The first date on which it stands.
    pub since: usize,
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
    craters: Vec<Crater>,
    index: Index<Spot>,
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

impl House {
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
}

impl Spots {
    /// Nothing.
    pub(crate) fn none() -> Self {
        let index = Index::new(1.0, 0.0, &[]);
        Self { ponds: Vec::new(), houses: Vec::new(), craters: Vec::new(), index }
    }

    /// Draws ponds, craters and houses; a village stands along the road where there is one.
    pub(crate) fn draw(rng: &mut ChaCha8Rng, side_m: f64, dates: usize, road: Option<&[Place]>) -> Self {
        let somewhere = |rng: &mut ChaCha8Rng| {
            Place::new(rng.random_range(0.03..0.97) * side_m, rng.random_range(0.03..0.97) * side_m)
        };
        let km2 = (side_m / 1000.0).powi(2);
        let number = |rng: &mut ChaCha8Rng, per_km2: f64| {
            (per_km2 * km2 * rng.random_range(0.0..2.0) + rng.random::<f64>()) as usize
        };
        let n = number(rng, 1.6).min(60);
        let mut ponds: Vec<Pond> = (0..n).map(|_| Pond::draw(rng, somewhere, dates)).collect();
        let off_road = |p: Place, away_m: f64| {
            road.is_none_or(|r| r.windows(2).all(|w| foot(p, w[0], w[1]).t.abs() > away_m))
        };
        ponds.retain(|pond| off_road(pond.at, 1.5 * pond.radius_m + 12.0));
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
        let mut houses = Vec::new();
        if rng.random::<f64>() < 0.55 {
            houses = village(rng, side_m, dates, road, somewhere);
        }
        if rng.random::<f64>() < 0.4 {
            // A barn that was not there.
            let at = somewhere(rng);
            let mut barn = House::draw(rng, at, 0.0, dates);
            barn.half_m = (rng.random_range(8.0..24.0), rng.random_range(5.0..9.0));
            barn.since = rng.random_range(1..dates.max(2));
            houses.push(barn);
        }
        houses.retain(|h: &House| {
            off_road(h.at, h.half_m.0 + 5.0) && !ponds.iter().any(|o| o.is_near(h.at, h.half_m.0 + 3.0))
        });
        let mut spots = Self { ponds, houses, craters, index: Index::new(1.0, 0.0, &[]) };
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
    }

    /// Whether something may be near a place.
    #[inline]
    pub(crate) fn any_near(&self, p: Place) -> bool {
        !self.index.near(p).is_empty()
    }

    /// Whether works must keep off a place.
    pub(crate) fn is_closed(&self, p: Place, clear_m: f64) -> bool {
        self.ponds.iter().any(|o| o.is_near(p, clear_m)) || self.houses.iter().any(|h| h.is_near(p, clear_m))
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

impl House {
    fn draw(rng: &mut ChaCha8Rng, at: Place, angle: f64, _dates: usize) -> Self {
        const ROOFS: [Rgb; 4] =
            [[150.0, 148.0, 144.0], [128.0, 84.0, 68.0], [104.0, 112.0, 108.0], [172.0, 166.0, 150.0]];
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

    fn over(&self, sun: &Sun, p: Place, ground: Rgb) -> Rgb {
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

/// Houses along a road, or around a place, each with its plot.
fn village(
    rng: &mut ChaCha8Rng,
    side_m: f64,
    dates: usize,
    road: Option<&[Place]>,
    somewhere: impl Fn(&mut ChaCha8Rng) -> Place,
) -> Vec<House> {
    let (mut at, mut angle) = (somewhere(rng), rng.random_range(0.0..std::f64::consts::TAU));
    if let Some(road) = road {
        let within = |p: &&Place| (0.0..side_m).contains(&p.x) && (0.0..side_m).contains(&p.y);
        let inner: Vec<&Place> = road.iter().filter(within).collect();
        if inner.len() > 2 {
            let k = rng.random_range(0..inner.len() - 1);
            at = *inner[k];
            angle = (inner[k + 1].y - at.y).atan2(inner[k + 1].x - at.x);
        }
    }
    let plot: f64 = rng.random_range(20.0..34.0);
    let mut houses = Vec::new();
    for k in 0..rng.random_range(3..11) {
        for side in [-1.0, 1.0] {
            if rng.random::<f64>() < 0.25 {
                continue;
            }
            let along = f64::from(k) * plot + rng.random_range(-3.0..3.0);
            let back: f64 = side * rng.random_range(13.0..20.0);
            let place = at.ahead(angle, along).ahead(angle + std::f64::consts::FRAC_PI_2, back);
            let turned = if rng.random() { 0.0 } else { std::f64::consts::FRAC_PI_2 };
            houses.push(House::draw(rng, place, angle + turned, dates));
            if rng.random::<f64>() < 0.7 {
                let shed =
                    place.ahead(angle + std::f64::consts::FRAC_PI_2, side * rng.random_range(11.0..18.0));
                let mut shed = House::draw(rng, shed, angle, dates);
                shed.half_m = (rng.random_range(1.5..4.0), rng.random_range(1.2..2.2));
                shed.height_m = 2.5;
                houses.push(shed);
            }
        }
    }
    houses
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
    fn the_pitch_that_faces_the_sun_is_brighter_and_the_shadow_lies_behind() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut house = House::draw(&mut rng, Place::new(0.0, 0.0), 0.0, 2);
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
