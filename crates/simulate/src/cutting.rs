//! Soil opened or turned along a line that is no fortification: drains, cables, pipelines, ploughed strips.
//!
//! They run straight or nearly so and look most like earthworks of all that is new in a field, so they come in
//! many kinds: wet and dark or dry and pale, with soil on one side, on both or on none, of the day or overgrown.

use rand::Rng;

use crate::crop::drifted;
use crate::ground::{luminance, mix};
use crate::light::Sun;
use crate::noise::{smoothstep, value, value_1d};
use crate::place::{Foot, Place};
use crate::sensor::Rgb;

/// Standing water, before the sky's light on it.
const WATER: Rgb = [44.0, 50.0, 47.0];
/// Reeds and nettles in a drain that nobody clears.
const REEDS: Rgb = [82.0, 94.0, 54.0];

/// A cut or its filling, and the soil beside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cutting {
    /// Half the width of the cut or of its filling, metres.
    pub half_m: f64,
    /// Depth, metres; 0 where it is filled.
    depth_m: f64,
    /// What one sees in it, and how much of the ground it hides, 0–1.
    floor: Rgb,
    floor_share: f32,
    /// Soil to the left and to the right: width, metres, 0 where there is none.
    banks_m: [f64; 2],
    /// Height of that soil, metres.
    heap_m: f64,
    bank: Rgb,
    bank_share: f32,
    /// Share of it that grass has taken back, 0–1.
    overgrown: f32,
}

/// Soil that was turned out: mostly that of the field, damp or dry, sometimes any from chernozem to chalk.
pub(crate) fn turned_out(rng: &mut impl Rng, soil: Rgb, subsoil: Rgb) -> Rgb {
    let colour = match rng.random_range(0..10) {
        // Damp top soil: dark on most crops, and on black earth hardly to be told from a furrow.
        0..=3 => soil.map(|v| v * 0.82),
        4..=6 => mix(soil, subsoil, rng.random_range(0.1..1.0)),
        _ => {
            let level = luminance(mix(soil, subsoil, 0.5)) * rng.random_range(-0.7_f32..0.6).exp();
            let warm: f32 = rng.random_range(-0.02..0.22);
            [1.0 + warm, 1.0, 1.0 - 1.5 * warm].map(|v| v * level.clamp(24.0, 232.0))
        }
    };
    drifted(rng, colour, 0.12)
}

impl Cutting {
    /// A drain: from a spit wide to a small canal, always narrower than a ditch against vehicles.
    pub(crate) fn drain(rng: &mut impl Rng, soil: Rgb, subsoil: Rgb) -> Self {
        let half_m = 0.3 + 1.2 * rng.random::<f64>().powi(2);
        let (floor, floor_share) = match rng.random_range(0..10) {
            0..=3 => (WATER, rng.random_range(0.6..0.95)),
            4..=6 => {
                (mix(subsoil, [182.0, 170.0, 144.0], rng.random_range(0.0..0.6)), rng.random_range(0.3..0.9))
            }
            _ => (REEDS, rng.random_range(0.3..0.85)),
        };
        Self {
            half_m,
            depth_m: half_m * rng.random_range(0.5..1.3),
            floor: drifted(rng, floor, 0.1),
            floor_share,
            banks_m: banks(rng, (0.3, 0.7), (0.8, 3.2)),
            heap_m: rng.random_range(0.0..0.5),
            bank: turned_out(rng, soil, subsoil),
            bank_share: rng.random_range(0.2..0.9),
            overgrown: rng.random::<f32>().powi(2),
        }
    }

    /// A pipeline or cable: filled, with the strip that the machines laid bare, or still open.
    pub(crate) fn pipe(rng: &mut impl Rng, soil: Rgb, subsoil: Rgb) -> Self {
        let bank = turned_out(rng, soil, subsoil);
        let (half, depth_m, banks_m, heap_m) = match rng.random_range(0..10) {
            // A cable: a line and little beside it.
            0..=3 => (0.25..0.9, 0.0, banks(rng, (0.5, 0.8), (0.6, 2.0)), 0.1),
            // A pipeline: a wide strip, its crown paler or damper.
            4..=7 => (0.6..1.8, 0.0, banks(rng, (0.0, 0.3), (2.0, 7.0)), 0.2),
            // Dug and not filled yet.
            _ => (
                0.4..0.9,
                rng.random_range(0.8..1.6),
                banks(rng, (0.0, 0.8), (1.2, 3.0)),
                rng.random_range(0.4..0.9),
            ),
        };
        Self {
            half_m: rng.random_range(half),
            depth_m,
            // What was below lies on top, or has sunk and is damp.
            floor: drifted(rng, bank, 0.08).map(|v| v * rng.random_range(0.99..1.01)),
            floor_share: rng.random_range(0.25..0.9),
            banks_m,
            heap_m,
            bank,
            bank_share: rng.random_range(0.15..0.8),
            overgrown: 0.9 * rng.random::<f32>().powi(2),
        }
        .toned(rng.random_range(0.72..1.3))
    }

    /// A strip ploughed against fire, or around a field: a few dark furrows, no cut.
    pub(crate) fn ploughed(rng: &mut impl Rng, soil: Rgb) -> Self {
        Self {
            half_m: rng.random_range(0.7..2.8),
            depth_m: 0.0,
            floor: drifted(rng, soil, 0.1).map(|v| v * 0.85),
            floor_share: rng.random_range(0.4..0.95),
            banks_m: [0.0; 2],
            heap_m: 0.0,
            bank: soil,
            bank_share: 0.0,
            overgrown: 0.6 * rng.random::<f32>(),
        }
    }

    /// A fence: the line of grass that no machine reaches, trodden or shaded.
    pub(crate) fn fence(rng: &mut impl Rng) -> Self {
        let dry: f32 = rng.random();
        Self {
            half_m: rng.random_range(0.15..0.45),
            depth_m: 0.0,
            floor: mix([62.0, 74.0, 44.0], [158.0, 148.0, 112.0], dry),
            floor_share: rng.random_range(0.25..0.7),
            banks_m: [0.0; 2],
            heap_m: 0.0,
            bank: [0.0; 3],
            bank_share: 0.0,
            overgrown: 0.4 * rng.random::<f32>(),
        }
    }

    /// This cutting with its floor brighter or darker.
    fn toned(mut self, factor: f32) -> Self {
        self.floor = self.floor.map(|v| (v * factor).clamp(20.0, 235.0));
        self
    }

    /// Width of all that it changes, metres.
    pub(crate) fn width_m(&self) -> f64 {
        2.0 * self.half_m + self.banks_m[0] + self.banks_m[1]
    }

    /// How far from its line it shows, metres.
    pub(crate) fn reach_m(&self) -> f64 {
        1.3 * self.half_m + 1.3 * self.banks_m[0].max(self.banks_m[1]) + 1.5
    }

    /// The colour at a place, given that of the ground; `s` is metres along the line, `ends` how much of it is there.
    pub(crate) fn over(
        &self,
        foot: &Foot,
        (s, ends): (f64, f32),
        p: Place,
        sun: &Sun,
        ground: Rgb,
        seed: u32,
    ) -> Rgb {
        let along = sun.along(foot.across);
        let t = foot.t + 0.07 * f64::from(value(seed ^ 3, p.x / 0.9, p.y / 0.9));
        let half = self.half_m * (1.0 + 0.18 * f64::from(value_1d(seed, s / 9.0)));
        let side = usize::from(t > 0.0);
        // Grass comes back in tufts and stretches.
        let bald = value_1d(seed ^ 1, s / 19.0) + 0.5 * value(seed ^ 2, p.x / 2.4, p.y / 2.4);
        let kept = ends * (1.0 - self.overgrown * smoothstep(0.3, -0.5, bald)).max(0.0);
        let clods =
            1.0 + 0.09 * value(seed ^ 4, p.x / 0.8, p.y / 0.8) + 0.06 * value(seed ^ 5, p.x / 2.6, p.y / 2.6);
        let mut colour = ground;
        let width = self.banks_m[side];
        if width > 0.0 {
            let ragged = 0.18 * f64::from(value_1d(seed ^ (6 + side as u32), s / 7.0))
                + 0.2 * f64::from(value(seed ^ 8, p.x / 2.0, p.y / 2.0));
            let into = (t.abs() - half) / width + ragged;
            let body = smoothstep(-0.1, 0.12, into as f32) * smoothstep(1.1, 0.75, into as f32) * kept;
            let share = (self.bank_share * body * (0.85 + 0.3 * value(seed ^ 9, p.x / 4.0, p.y / 4.0)))
                .clamp(0.0, 1.0);
            // Rises to its middle and falls again.
            let slope = if into < 0.5 { 1.0 } else { -1.0 } * 2.0 * self.heap_m / width * t.signum();
            let light = (1.0 - sun.sky) * sun.lambert(slope, along) + sun.sky;
            let lit = 1.0 + 0.8 * body * (light as f32 - 1.0);
            colour = mix(ground, self.bank.map(|v| v * clods), share).map(|v| v * lit);
        }
        let within = smoothstep((half + 0.12) as f32, (half - 0.12) as f32, t.abs() as f32) * kept;
        if within <= 0.0 {
            return colour;
        }
        colour = mix(colour, self.floor.map(|v| v * clods), (self.floor_share * within).clamp(0.0, 1.0));
        if self.depth_m > 0.0 {
            let shade = self.light(sun, t, half, along) as f32;
            colour = colour.map(|v| v * (1.0 + within * (shade - 1.0)));
        }
        colour
    }

    /// Light in the open cut as a share of that on flat ground.
    fn light(&self, sun: &Sun, t: f64, half: f64, along: f64) -> f64 {
        let depth = self.depth_m;
        let profile = [(-half, 0.0), (-0.35 * half, -depth), (0.35 * half, -depth), (half, 0.0)];
        let t = t.clamp(-half, half);
        let wall = (half - t.abs()) / (0.65 * half);
        let (h, slope) =
            if wall >= 1.0 { (-depth, 0.0) } else { (-depth * wall, t.signum() * depth / (0.65 * half)) };
        let direct = if sun.reaches(&profile, t, h, along) { sun.lambert(slope, along) } else { 0.0 };
        (1.0 - sun.sky) * direct + sun.sky * half / (half * half + h * h).sqrt()
    }
}

/// Widths of the soil left and right, metres: on no side with the first probability, on one up to the second, on
/// both beyond it.
fn banks(rng: &mut impl Rng, (none, one): (f64, f64), (least, most): (f64, f64)) -> [f64; 2] {
    let drawn: f64 = rng.random();
    let mut sides = [rng.random_range(least..most), rng.random_range(least..most)];
    if drawn < none {
        return [0.0; 2];
    }
    if drawn < one {
        sides[usize::from(rng.random::<bool>())] = 0.0;
    }
    sides
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const SOILS: (Rgb, Rgb) = ([80.0, 70.0, 60.0], [170.0, 150.0, 120.0]);

    fn seen(cutting: &Cutting, t: f64, sun: &Sun) -> f32 {
        let foot = Foot { t, across: (1.0, 0.0), along: 50.0 };
        luminance(cutting.over(&foot, (50.0, 1.0), Place::new(t, 50.0), sun, [110.0; 3], 5))
    }

    #[test]
    fn drains_are_dark_and_pale_with_soil_on_no_side_on_one_and_on_both() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let sun = Sun::new(180.0, 45.0, 0.2);
        let all: Vec<Cutting> = (0..400).map(|_| Cutting::drain(&mut rng, SOILS.0, SOILS.1)).collect();
        let share = |is: &dyn Fn(&Cutting) -> bool| all.iter().filter(|c| is(c)).count() as f64 / 400.0;
        let sides = |c: &Cutting| c.banks_m.iter().filter(|b| **b > 0.0).count();
        for n in 0..3 {
            assert!((0.2..0.5).contains(&share(&|c| sides(c) == n)), "{n} sides");
        }
        assert!(share(&|c| seen(c, 0.0, &sun) < 85.0) > 0.3, "dark");
        assert!(share(&|c| seen(c, 0.0, &sun) > 100.0) > 0.1, "as bright as the ground or brighter");
        // A ditch against vehicles is 3.5 m wide and more.
        assert!(all.iter().all(|c| 2.0 * c.half_m <= 3.0));
    }

    #[test]
    fn an_open_cut_is_dark_on_the_side_of_the_sun_and_a_filled_one_flat() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut cut = Cutting::drain(&mut rng, SOILS.0, SOILS.1);
        (cut.half_m, cut.depth_m, cut.overgrown, cut.banks_m) = (1.0, 1.2, 0.0, [0.0; 2]);
        (cut.floor, cut.floor_share) = ([110.0; 3], 1.0);
        let east = Sun::new(90.0, 35.0, 0.2);
        assert!(
            seen(&cut, 0.6, &east) < 0.6 * seen(&cut, -0.6, &east),
            "the wall below the sun lies in shade"
        );
        cut.depth_m = 0.0;
        assert!((seen(&cut, 0.6, &east) / seen(&cut, -0.6, &east) - 1.0).abs() < 0.35);
        assert!((seen(&cut, cut.reach_m() + 1.0, &east) - 110.0).abs() < 0.01);
    }
}
