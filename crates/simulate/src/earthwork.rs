//! What a trench or a ditch looks like across: a height profile under the sun, weathered until it is as faint
//! as real ones.
//!
//! On 17 real trenches (Donbas 2014, 0.4–0.7 m) the core is 10–43 % darker than the ground beside it, 27 % in
//! the median, and the spoil at most 8 grey levels brighter.

use rand::Rng;

use crate::contrast::{self, Seen};
use crate::crop::drifted;
use crate::ground::{luminance, mix};
use crate::light::Sun;
use crate::linework::Line;
use crate::noise::{smoothstep, value, value_1d};
use crate::place::{Foot, Place};
use crate::sensor::Rgb;
use crate::truth::{Style, TruthClass};

/// What a work makes of the ground at a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dug {
    pub colour: Rgb,
    /// Within the cut.
    core: bool,
}

impl Dug {
    /// Where two works meet: a cut goes before a heap, the darker cut and the brighter heap before the other.
    pub(crate) fn with(self, other: Self, ground: Rgb) -> Self {
        let (a, b) = (luminance(self.colour), luminance(other.colour));
        let level = luminance(ground);
        match (self.core, other.core) {
            (true, false) => self,
            (false, true) => other,
            (true, true) if a <= b => self,
            (true, true) => other,
            (false, false) if (a - level).abs() >= (b - level).abs() => self,
            (false, false) => other,
        }
    }
}

/// A heap of spoil along one side. Metres.
#[derive(Clone, Copy, Debug)]
struct Berm {
    gap_m: f64,
    width_m: f64,
    height_m: f64,
}

/// Ground along one side that was driven over, trodden, or strewn with spoil too thin to stand out: a wide band of
/// another tint, along most of a trench that was dug by machine or is walked every day.
#[derive(Clone, Copy, Debug)]
struct Trampled {
    /// From the rim of the cut, metres.
    width_m: f64,
    /// Share of the soil's hue, 0–1.
    tint: f32,
    /// Grey levels by which it is brighter, or darker, than the ground.
    levels: f32,
}

impl Trampled {
    fn new(rng: &mut impl Rng) -> Self {
        // Half are narrow and faint, some nearly bare earth.
        let heavy = rng.random::<f32>().powi(2);
        Self {
            width_m: rng.random_range(0.8..2.5) + 5.5 * f64::from(heavy) * rng.random::<f64>(),
            tint: 0.08 + 0.6 * heavy * rng.random::<f32>(),
            levels: heavy * rng.random_range(-10.0..2.0),
        }
    }
}

/// Soil that was turned out and spread, so that the work lies in a band of another colour than the fields it crosses.
#[derive(Clone, Copy, Debug)]
struct Mantle {
    /// From the rim of the cut, left and right, metres.
    widths_m: [f64; 2],
    /// Share of the ground that it hides, 0–1.
    cover: f32,
    colour: Rgb,
    /// Unevenness of its clods, share of its brightness.
    clods: f32,
}

impl Mantle {
    /// On ground of brightness `level`: one in six nearly as bright as it, one in six as `elsewhere` (sods, weeds), two in
    /// six of the soil that lies there (dark on most crops, on a green one of another hue more than of another
    /// brightness), the rest from chernozem to chalk.
    fn new(
        rng: &mut impl Rng,
        trench: bool,
        (soil, subsoil): (Rgb, Rgb),
        elsewhere: Rgb,
        level: f32,
    ) -> Self {
        // Reds and browns among them, chalk and clay without a hue.
        let warm: f32 = rng.random_range(-0.02_f32..0.3) * rng.random_range(0.3..1.0);
        let tinted = |light: f32| [1.0 + warm, 1.0, 1.0 - 1.5 * warm].map(|v| v * light.clamp(22.0, 235.0));
        let colour = match rng.random_range(0..6) {
            0 => tinted(level * rng.random_range(0.9..1.12)),
            1 | 2 => {
                let damp: f32 = rng.random_range(0.75..1.05);
                let deep = rng.random_range(0.0_f32..1.0).powi(2);
                let there = mix(soil, subsoil, deep);
                drifted(rng, there, 0.08).map(|v| (v * damp).clamp(20.0, 235.0))
            }
            3 => elsewhere.map(|v| (v * rng.random_range(0.8..1.1)).clamp(20.0, 235.0)),
            _ => tinted(level * rng.random_range(-0.75_f32..0.7).exp()),
        };
        let wide: f64 = if trench { rng.random_range(1.0..5.0) } else { rng.random_range(4.0..10.0) };
        let other: f64 = match (rng.random_range(0..4), trench) {
            (0, _) => rng.random_range(0.1..0.3),
            (1, false) => rng.random_range(0.2..0.6),
            _ => rng.random_range(0.6..1.0),
        };
        let mut widths_m = [wide, wide * other];
        if rng.random() {
            widths_m.reverse();
        }
        Self {
            widths_m,
            cover: rng.random_range(0.25_f32..1.0).max(rng.random_range(0.2..0.9)),
            colour,
            clods: rng.random_range(0.02..0.14),
        }
    }
}

/// An earthwork across its line.
#[derive(Clone, Debug)]
pub(crate) struct Earthwork {
    pub class: TruthClass,
    pub style: Style,
    pub width_m: f64,
    pub depth_m: f64,
    /// Heights at the corners of the cross-section, `(metres right of the line, metres above the field)`.
    profile: Vec<(f64, f64)>,
    berms: [Option<Berm>; 2],
    /// Share of the physical darkness of the cut that shows; the rest is slumped and overgrown.
    openness: f32,
    /// Share of the light and shade on the spoil that shows.
    crispness: f32,
    soil: Rgb,
    /// Share of the spoil's own colour.
    spoil: f32,
    /// Most grey levels by which the spoil may be brighter or darker than the ground.
    spoil_levels: f32,
    trampled: [Trampled; 2],
    mantle: Option<Mantle>,
    seed: u32,
    pub reach_m: f64,
    /// How much darker the core is than the ground beside it, 0–1, on its first date.
    pub contrast: f64,
}

impl Earthwork {
    /// A trench or ditch, freshly dug and so as dark as light makes it: see [`Earthwork::faint`].
    pub(crate) fn new(
        rng: &mut impl Rng,
        class: TruthClass,
        style: Style,
        (soil, subsoil): (Rgb, Rgb),
    ) -> Self {
        let trench = class == TruthClass::Trench;
        let (width_m, depth_m): (f64, f64) = if trench {
            (rng.random_range(0.9..2.0), rng.random_range(1.1..2.0))
        } else {
            (rng.random_range(3.5..7.0), rng.random_range(1.8..3.0))
        };
        let (first, second) = (Some(Self::berm(rng, trench)), Some(Self::berm(rng, trench)));
        // Ditches mostly have their spoil on one side.
        let both = rng.random::<f64>() < if trench { 0.5 } else { 0.2 };
        let berms = match (both, rng.random::<bool>()) {
            (true, _) => [first, second],
            (false, true) => [first, None],
            (false, false) => [None, first],
        };
        let half = 0.5 * width_m;
        let floor = half * if trench { rng.random_range(0.6..0.85) } else { rng.random_range(0.15..0.5) };
        let mut profile = vec![(-half, 0.0), (-floor, -depth_m), (floor, -depth_m), (half, 0.0)];
        for (berm, side) in berms.iter().zip([-1.0, 1.0]) {
            if let Some(b) = berm {
                let at = |share: f64| side * (half + b.gap_m + share * b.width_m);
                profile.extend([
                    (at(0.0), 0.0),
                    (at(0.35), b.height_m),
                    (at(0.6), b.height_m),
                    (at(1.0), 0.0),
                ]);
            }
        }
        profile.extend([(-40.0, 0.0), (40.0, 0.0)]);
        profile.sort_by(|a, b| a.0.total_cmp(&b.0));
        // One in five has the colour of the field.
        let plain = rng.random::<f64>() < 0.2;
        let dug =
            mix(soil, subsoil, if trench { rng.random_range(0.1..0.8) } else { rng.random_range(0.3..1.0) });
        let spoil = match (plain, trench) {
            (true, _) => 0.05,
            (false, true) => rng.random_range(0.2..0.6),
            (false, false) => rng.random_range(0.35..0.9),
        };
        let one = Trampled::new(rng);
        let trampled = if rng.random::<bool>() { [one; 2] } else { [one, Trampled::new(rng)] };
        let heaps = berms.iter().flatten().map(|b| half + b.gap_m + b.width_m);
        let bands = trampled.iter().map(|t| half + t.width_m);
        let reach_m = heaps.chain(bands).fold(half, f64::max) * 1.2 + 4.0;
        Self {
            class,
            style,
            width_m,
            depth_m,
            profile,
            berms,
            openness: 1.0,
            crispness: if trench { rng.random_range(0.1..0.4) } else { rng.random_range(0.45..1.0) },
            soil: drifted(rng, dug, 0.06),
            spoil,
            spoil_levels: if trench { rng.random_range(1.0..8.0) } else { rng.random_range(15.0..60.0) },
            trampled,
            mantle: None,
            seed: rng.random(),
            reach_m,
            contrast: 0.0,
        }
    }

    /// This trench with spoil of the day: bright, crisp and thick.
    pub(crate) fn fresh(mut self, rng: &mut impl Rng) -> Self {
        self.spoil = rng.random_range(0.35..0.9);
        self.spoil_levels = rng.random_range(8.0..32.0);
        self.crispness = rng.random_range(0.3..0.9);
        self
    }

    /// This work in a band of turned soil, on top soil and subsoil that look from above as bright as `level`; `elsewhere`
    /// is the colour of other ground around.
    pub(crate) fn turned(
        mut self,
        rng: &mut impl Rng,
        soils: (Rgb, Rgb),
        elsewhere: Rgb,
        level: f32,
    ) -> Self {
        let mantle = Mantle::new(rng, self.class == TruthClass::Trench, soils, elsewhere, level);
        self.crispness = rng.random_range(0.1..0.9);
        let widest = mantle.widths_m[0].max(mantle.widths_m[1]);
        self.reach_m = self.reach_m.max(0.5 * self.width_m + 1.3 * widest + 3.0);
        self.mantle = Some(mantle);
        self
    }

    /// What lies beside the cut, where that is not the ground.
    pub(crate) fn beside(&self) -> Option<Rgb> {
        self.mantle.map(|m| m.colour)
    }

    /// This work, as faint along `line` as is `wanted` (0–1) where light and blur allow it, with its contrast
    /// measured.
    pub(crate) fn faint(mut self, line: &Line, seen: &Seen, wanted: f64) -> Self {
        self.contrast = contrast::measured(line, &self, seen);
        // Darkness grows nearly in proportion with what shows of the cut.
        for _ in 0..4 {
            if (self.contrast - wanted).abs() < 0.004 {
                break;
            }
            let next = (f64::from(self.openness) * wanted / self.contrast.max(0.02)).clamp(0.02, 1.0) as f32;
            if next == self.openness {
                break;
            }
            self.openness = next;
            self.contrast = contrast::measured(line, &self, seen);
        }
        self
    }

    fn berm(rng: &mut impl Rng, trench: bool) -> Berm {
        if trench {
            Berm {
                gap_m: rng.random_range(0.1..0.5),
                width_m: rng.random_range(1.0..3.0),
                height_m: rng.random_range(0.2..0.5),
            }
        } else {
            Berm {
                gap_m: rng.random_range(0.3..1.5),
                width_m: rng.random_range(2.5..5.0),
                height_m: rng.random_range(0.5..1.3),
            }
        }
    }

    /// Light at `t` metres right of the line as a share of that on flat ground; `along` is the cosine between
    /// the direction in which `t` grows and the sun. The second number is the depth, metres.
    fn light(&self, sun: &Sun, t: f64, along: f64) -> (f64, f64) {
        let k = self.profile.partition_point(|c| c.0 <= t).clamp(1, self.profile.len() - 1);
        let ((t0, h0), (t1, h1)) = (self.profile[k - 1], self.profile[k]);
        let slope = if t1 > t0 { (h1 - h0) / (t1 - t0) } else { 0.0 };
        let h = h0 + slope * (t - t0);
        let direct = if sun.reaches(&self.profile, t, h, along) { sun.lambert(slope, along) } else { 0.0 };
        let depth = (-h).max(0.0);
        let half = 0.5 * self.width_m;
        let open = half / (half * half + depth * depth).sqrt();
        ((1.0 - sun.sky) * direct + sun.sky * open, depth)
    }

    /// Light on the core less what fresh, damp soil swallows.
    fn core(light: f64) -> f64 {
        0.92 * light
    }

    /// What it makes of a place, given the colour of the ground; `s` is metres along the line, `last` how far it
    /// is dug, `joined` whether it goes on into another at its ends.
    pub(crate) fn over(
        &self,
        foot: &Foot,
        s: f64,
        (last, joined): (f64, [bool; 2]),
        p: Place,
        sun: &Sun,
        ground: Rgb,
    ) -> Dug {
        let seed = self.seed;
        let along = sun.along(foot.across);
        // Hand and bucket do not dig to the centimetre.
        let wide = 1.0 + 0.14 * f64::from(value_1d(seed, s / 6.0));
        let t = foot.t / wide + 0.1 * f64::from(value(seed ^ 1, p.x / 0.9, p.y / 0.9));
        let half = 0.5 * self.width_m;
        // Better kept here, fallen in there, shallow toward the ends.
        let from = if joined[0] { f64::INFINITY } else { s };
        let to = if joined[1] { f64::INFINITY } else { last - s };
        let beyond = if from <= 0.0 || to <= 0.0 { -foot.t.abs() } else { 0.0 };
        let end = smoothstep(-0.2, 2.5, (from.min(to) + beyond) as f32);
        let kept = (1.0 + 0.32 * value_1d(seed ^ 2, s / 13.0) + 0.12 * value_1d(seed ^ 3, s / 3.0)).max(0.2);
        let (light, _) = self.light(sun, t, along);
        let level = luminance(ground);
        let own = level / luminance(self.soil).max(1.0);
        // The soil's hue at the ground's brightness.
        let hue = self.soil.map(|v| v * own);
        if let Some(mantle) = &self.mantle {
            let side = usize::from(t > 0.0);
            let ragged = 1.0 + 0.22 * f64::from(value_1d(seed ^ 11, s / 11.0) + value_1d(seed ^ 13, s / 3.1));
            let rim = (half + mantle.widths_m[side] * ragged) as f32;
            let at = foot.t.abs() as f32 + 0.7 * value(seed ^ 4, p.x / 2.0, p.y / 2.0);
            let patchy = 1.0 + 0.2 * value(seed ^ 12, p.x / 4.3, p.y / 4.3);
            let share = (mantle.cover * patchy).min(1.0) * smoothstep(rim + 0.7, rim - 0.7, at) * end;
            let clods = value(seed ^ 9, p.x / 0.9, p.y / 0.9) + 0.6 * value(seed ^ 10, p.x / 2.7, p.y / 2.7);
            let soil = mantle.colour.map(|v| v * (1.0 + mantle.clods * clods));
            let colour = mix(ground, soil, share);
            let core = t.abs() < half;
            let shade = if core {
                1.0 + (self.openness * kept * end).min(1.0) * (Self::core(light) as f32 - 1.0)
            } else {
                (1.0 + self.crispness * end * (light as f32 - 1.0)).clamp(0.4, 1.6)
            };
            return Dug { colour: colour.map(|v| v * shade), core };
        }
        if t.abs() < half {
            let shade = 1.0 + (self.openness * kept * end).min(1.0) * (Self::core(light) as f32 - 1.0);
            let colour = mix(ground, hue, 0.45 * end);
            return Dug { colour: colour.map(|v| v * shade), core: true };
        }
        let mut colour = ground;
        // Trodden and driven over, up to a ragged rim.
        let band = &self.trampled[usize::from(t > 0.0)];
        let rim = (half + band.width_m * (1.0 + 0.35 * f64::from(value_1d(seed ^ 11, s / 9.0)))) as f32;
        let at = foot.t.abs() as f32 + 0.6 * value(seed ^ 4, p.x / 2.6, p.y / 2.6);
        let trodden = smoothstep(rim + 0.8, rim - 0.8, at) * end;
        let patchy = 1.0 + 0.4 * value(seed ^ 12, p.x / 4.3, p.y / 4.3);
        let share = (band.tint * patchy * trodden).clamp(0.0, 1.0);
        let lift = 1.0 + band.levels * patchy * trodden / level.max(1.0);
        colour = mix(colour, hue, share).map(|v| v * lift);
        if let Some(b) = self.berms[usize::from(t > 0.0)] {
            let into = (t.abs() - half - b.gap_m) / b.width_m;
            let ragged = into
                + 0.16 * f64::from(value(seed ^ 5, p.x / 1.9, p.y / 1.9))
                + 0.15 * f64::from(value_1d(seed ^ 8, s / 7.0));
            let heap = smoothstep(-0.08, 0.2, ragged as f32) * smoothstep(1.1, 0.7, ragged as f32);
            if heap > 0.0 {
                let patchy =
                    0.8 + 0.3 * value(seed ^ 6, p.x / 3.1, p.y / 3.1) + 0.3 * value_1d(seed ^ 7, s / 17.0);
                let share = (self.spoil * heap * patchy * end).clamp(0.0, 1.0);
                let limit = self.spoil_levels * heap * end;
                let spoil = self.soil;
                let shift = ((luminance(spoil) - level) * share).clamp(-0.6 * limit, limit);
                let tinted = mix(colour, hue, share);
                // Heaped load by load.
                let lumps =
                    0.22 * value(seed ^ 9, p.x / 1.3, p.y / 1.3) + 0.12 * value_1d(seed ^ 10, s / 2.6);
                let lit = (light as f32 - 1.0 + lumps) * self.crispness * end * heap.max(0.4);
                let lit = (lit * level).clamp(-1.4 * limit - 4.0, 0.8 * limit + 2.0);
                // Real spoil beside trenches is at most 8 levels brighter, whatever makes it so.
                let lift = 1.0 + (shift + lit).min(limit) / level.max(1.0);
                colour = tinted.map(|v| v * lift);
            }
        } else if light < 1.0 {
            // The far berm's shadow on bare ground.
            colour = colour.map(|v| v * (1.0 + 0.5 * self.crispness * end * (light as f32 - 1.0)));
        }
        Dug { colour, core: false }
    }
}

#[cfg(test)]
mod rendered;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_wall_that_faces_the_sun_is_bright_and_the_other_dark() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let sun = Sun::new(90.0, 40.0, 0.2);
        let soils = ([90.0; 3], [150.0; 3]);
        let ditch = Earthwork::new(&mut rng, TruthClass::AntiVehicleDitch, Style::Straight, soils);
        // The sun stands in the east, `t` grows to the west: the west wall faces it.
        let along = -1.0;
        let half = 0.5 * ditch.width_m;
        assert!(ditch.light(&sun, half - 0.05, along).0 > ditch.light(&sun, 39.0, along).0);
        assert!(ditch.light(&sun, -half + 0.3, along).0 < 0.3);
        assert!((ditch.light(&sun, 39.0, along).0 - 1.0).abs() < 1e-9);
    }

    fn works(seed: u64) -> Vec<Earthwork> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let soils = ([90.0; 3], [150.0; 3]);
        [TruthClass::Trench, TruthClass::AntiVehicleDitch]
            .into_iter()
            .flat_map(|class| vec![class; 10])
            .map(|class| Earthwork::new(&mut rng, class, Style::Straight, soils))
            .collect()
    }

    #[test]
    fn the_width_in_the_truth_is_that_of_the_height_field() {
        let sun = Sun::new(90.0, 40.0, 0.2);
        for work in works(6) {
            let step = 0.002;
            let cut =
                (-10_000..10_000).filter(|k| work.light(&sun, f64::from(*k) * step, 0.3).1 > 0.0).count();
            assert!(
                (cut as f64 * step - work.width_m).abs() < 0.01,
                "{} {}",
                cut as f64 * step,
                work.width_m
            );
            let deepest = work.light(&sun, 0.0, 0.3).1;
            assert!((deepest - work.depth_m).abs() < 1e-9);
        }
    }

    #[test]
    fn sunlight_is_neither_lost_nor_made() {
        // What a wall takes from the sun, the ground behind it lacks: over level ground to either side, the light
        // that falls on a profile is that on flat ground, however it is heaped. On a slope it is spread over a
        // longer surface, so it is counted per metre of surface.
        for work in works(7) {
            for (elevation, along) in [(30.0, 1.0), (45.0, -0.8), (60.0, 0.4)] {
                let sun = Sun::new(90.0, elevation, 0.0);
                let (step, span) = (0.002, 39.0);
                let mut sum = 0.0;
                for k in 0..(2.0 * span / step) as i32 {
                    let t = -span + (f64::from(k) + 0.5) * step;
                    let i = work.profile.partition_point(|c| c.0 <= t).clamp(1, work.profile.len() - 1);
                    let ((t0, h0), (t1, h1)) = (work.profile[i - 1], work.profile[i]);
                    let slope = if t1 > t0 { (h1 - h0) / (t1 - t0) } else { 0.0 };
                    sum += work.light(&sun, t, along).0 * (1.0 + slope * slope).sqrt() * step;
                }
                let mean = sum / (2.0 * span);
                assert!((mean - 1.0).abs() < 0.002, "{elevation} {along}: {mean}");
            }
        }
    }
}
