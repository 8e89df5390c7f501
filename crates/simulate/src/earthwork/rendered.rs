//! What must hold of a work from the height field to the pixels: where its dark lies, and how much light it takes.
//!
//! Single straight works on even ground, through the same layer, supersampling and sensor as a scene.

use ndarray::Array3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Earthwork, Trampled};
use crate::contrast::{Seen, wanted};
use crate::ground::luminance;
use crate::layer::{Layer, NEAREST};
use crate::light::Sun;
use crate::linework::{Kind, Line};
use crate::place::Place;
use crate::sensor::{Radiance, Rgb, Sensor};
use crate::truth::{Style, TruthClass};

const GROUND: Rgb = [112.0; 3];
const GSD_M: f64 = 0.5;
/// Side of an image, pixels.
const SIDE: usize = 128;
/// Standard deviation of the point spread as scenes have it, shares of the pixel.
const SPREAD: f64 = 0.85;
/// Half the length of a line, metres.
const HALF_M: f64 = 27.0;
/// Steps across a line in a pixel.
const STEPS: f64 = 16.0;

/// A work in the middle of an image, heading in the direction of `axis`, radians clockwise from east.
struct Strip {
    layer: Layer,
    image: Array3<u16>,
    axis: f64,
    sun: Sun,
}

impl Strip {
    /// With a contrast, weathered as scenes have it; without, the bare cut and half of its darkness.
    fn new(rng: &mut ChaCha8Rng, class: TruthClass, sun: Sun, axis: f64, contrast: Option<f64>) -> Self {
        let middle = 0.5 * SIDE as f64 * GSD_M;
        let (c, s) = (axis.cos(), axis.sin());
        let end = |sign: f64| Place::new(middle + sign * HALF_M * c, middle + sign * HALF_M * s);
        let mut work = Earthwork::new(rng, class, Style::Straight, ([90.0; 3], [150.0; 3]));
        let mut line = Line::new(vec![end(-1.0), end(1.0)], Kind::Work(0), work.reach_m, 0, rng.random());
        match contrast {
            Some(contrast) => {
                let seen = Seen { sun, blur_m: SPREAD * GSD_M, haze: 0.0 };
                work = work.faint(&line, &seen, contrast);
            }
            None => {
                // Nothing but the cut, half of its darkness, which is never cut off.
                work.openness = 0.5;
                work.berms = [None; 2];
                work.trampled = [Trampled { width_m: 1.0, tint: 0.0, levels: 0.0 }; 2];
                work.crispness = 0.0;
                work.profile.retain(|corner| corner.0.abs() <= 0.5 * work.width_m || corner.0.abs() >= 40.0);
            }
        }
        line.joined = [true; 2];
        let mut layer = Layer::new();
        layer.add_work(line, work);
        layer.seal(SIDE as f64 * GSD_M, 16.0);
        let image = rendered(&layer, &sun);
        Self { layer, image, axis, sun }
    }

    fn work(&self) -> &Earthwork {
        &self.layer.works[0]
    }

    /// Unit vector to the right of the line.
    fn across(&self) -> (f64, f64) {
        (-self.axis.sin(), self.axis.cos())
    }

    /// Medians along the line of the brightness, `STEPS` to a pixel, from `-reach_px` to `reach_px` to its right.
    fn across_px(&self, reach_px: f64) -> Vec<(f64, f64)> {
        let (dx, dy) = self.across();
        let middle = 0.5 * SIDE as f64;
        let n = (reach_px * STEPS) as i32;
        (-n..=n)
            .map(|k| {
                let t = f64::from(k) / STEPS;
                let mut along: Vec<f64> = (-40..=40)
                    .map(|j| {
                        let s = f64::from(j) / 40.0 * 0.8 * HALF_M / GSD_M;
                        let (x, y) =
                            (middle + s * self.axis.cos() + t * dx, middle + s * self.axis.sin() + t * dy);
                        self.between(x - 0.5, y - 0.5)
                    })
                    .collect();
                along.sort_by(f64::total_cmp);
                (t, along[along.len() / 2])
            })
            .collect()
    }

    fn at(&self, row: usize, col: usize) -> f64 {
        f64::from(luminance([0, 1, 2].map(|band| f32::from(self.image[(band, row, col)]))))
    }

    /// Brightness between pixels (Catmull and Rom 1974): straight lines between them would draw every minimum to a pixel.
    fn between(&self, x: f64, y: f64) -> f64 {
        let weights = |f: f64| {
            [
                ((-0.5 * f + 1.0) * f - 0.5) * f,
                (1.5 * f - 2.5) * f * f + 1.0,
                ((-1.5 * f + 2.0) * f + 0.5) * f,
                (0.5 * f - 0.5) * f * f,
            ]
        };
        let (u, v) = (weights(x - x.floor()), weights(y - y.floor()));
        let (col, row) = (x.floor() as usize - 1, y.floor() as usize - 1);
        (0..4)
            .flat_map(|i| (0..4).map(move |j| (i, j)))
            .map(|(i, j)| u[j] * v[i] * self.at(row + i, col + j))
            .sum()
    }

    /// Where the height field under this sun is darkest after the blur, metres right of the line.
    fn darkest_m(&self) -> f64 {
        let (work, along) = (self.work(), self.sun.along(self.across()));
        let step = 0.02;
        // The point spread and the square of the pixel.
        let sigma = GSD_M * (SPREAD * SPREAD + 1.0 / 12.0_f64).sqrt();
        let half = 0.5 * work.width_m;
        let dark = |t: f64| {
            if t.abs() < half { 1.0 - Earthwork::core(work.light(&self.sun, t, along).0) } else { 0.0 }
        };
        let blurred = |at: f64| -> f64 {
            (-250..=250)
                .map(|k| {
                    let t = f64::from(k) * step;
                    (-0.5 * ((t - at) / sigma).powi(2)).exp() * dark(t)
                })
                .sum()
        };
        let places = (-150..=150).map(|k| f64::from(k) * step);
        places.max_by(|a, b| blurred(*a).total_cmp(&blurred(*b))).unwrap_or(0.0)
    }
}

/// The image of a layer on even ground, without haze and noise, of eleven bits.
fn rendered(layer: &Layer, sun: &Sun) -> Array3<u16> {
    let sensor = Sensor {
        seed: 1,
        spread_m: SPREAD * GSD_M,
        gsd_m: GSD_M,
        gain: [1.0; 3],
        haze: [0.0; 3],
        noise: 0.0,
        top: 2047,
    };
    let rim = sensor.rim_px();
    let side = SIDE + 2 * rim;
    let n = (GSD_M / 0.11_f64).ceil() as i32;
    let at = |k: i32| ((f64::from(k) + 0.5) / f64::from(n) - 0.5) * GSD_M;
    let centre = |k: usize| (k as f64 - rim as f64 + 0.5) * GSD_M;
    let pixel = |k: usize| {
        let p = Place::new(centre(k % side), centre(k / side));
        let mut near = [(0, 0); NEAREST];
        let found = layer.near(0, p, 0.75 * GSD_M, &mut near);
        let mut sum = [0.0_f32; 3];
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let colour = layer.over(0, sun, &near[..found], p.plus((at(j), at(i))), GROUND);
            sum = [0, 1, 2].map(|band| sum[band] + colour[band]);
        }
        sum.map(|v| v / (n * n) as f32)
    };
    let pixels = (0..side * side).map(pixel).collect();
    sensor.expose(&Radiance { rows: side, cols: side, pixels }, 0, 0)
}

/// Where a profile is least, to a fraction of its step.
fn least_at(profile: &[(f64, f64)]) -> f64 {
    let k = (1..profile.len() - 1).min_by(|a, b| profile[*a].1.total_cmp(&profile[*b].1)).unwrap_or(1);
    let [a, b, c] = [profile[k - 1].1, profile[k].1, profile[k + 1].1];
    let bend = a - 2.0 * b + c;
    profile[k].0 + if bend > 0.0 { 0.5 * (a - c) / bend / STEPS } else { 0.0 }
}

/// The middle of the darker half of a dip: two walls in the shade make two minima.
fn middle_of_dark(profile: &[(f64, f64)]) -> f64 {
    let most = profile.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let least = profile.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let dark = |v: f64| (0.5 * (most + least) - v).max(0.0);
    profile.iter().map(|p| dark(p.1) * p.0).sum::<f64>() / profile.iter().map(|p| dark(p.1)).sum::<f64>()
}

/// How much darker than the ground a stretch of `length_m` in the middle of a strip is, square metres of full darkness a
/// metre of the line.
fn taken_m(strip: &Strip, length_m: f64) -> f64 {
    let level = 8.0 * f64::from(luminance(GROUND));
    let middle = 0.5 * SIDE as f64;
    let (c, s) = (strip.axis.cos(), strip.axis.sin());
    let mut sum = 0.0;
    for (row, col) in (0..SIDE).flat_map(|row| (0..SIDE).map(move |col| (row, col))) {
        let along = (col as f64 + 0.5 - middle) * c + (row as f64 + 0.5 - middle) * s;
        if along.abs() * GSD_M < 0.5 * length_m {
            sum += 1.0 - strip.at(row, col) / level;
        }
    }
    sum * GSD_M * GSD_M / length_m
}

/// How far the darkest of twenty trenches lies from the darkest of their height fields, pixels, sorted.
fn off_the_height_field_px(seed: u64, weathered: bool) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut off: Vec<f64> = (0..20)
        .map(|_| {
            let axis: f64 = rng.random_range(0.0..std::f64::consts::TAU);
            let contrast = wanted(&mut rng, TruthClass::Trench);
            // Azimuths run from north, angles of the image from east, both clockwise. A sun that shines along a trench
            // lights its floor, and then what was trodden beside it may be the darker.
            let azimuth = axis.to_degrees() + 90.0 + rng.random_range(20.0..160.0);
            let sun = Sun::new(azimuth, rng.random_range(25.0..60.0), 0.22);
            let strip = Strip::new(&mut rng, TruthClass::Trench, sun, axis, weathered.then_some(contrast));
            (least_at(&strip.across_px(3.0)) - strip.darkest_m() / GSD_M).abs()
        })
        .collect();
    off.sort_by(f64::total_cmp);
    off
}

#[test]
fn every_cut_is_darkest_where_its_height_field_is() {
    let off = off_the_height_field_px(11, false);
    println!("bare cuts {off:.2?} px");
    // A wide and shallow one has two walls in the shade, nearly as dark.
    assert!(off[18] < 0.2 && off[19] < 0.3, "{off:.2?} px");
    // Spoil and trodden ground pull on the faintest.
    let off = off_the_height_field_px(11, true);
    println!("weathered {off:.2?} px");
    assert!(off[10] < 0.12 && off[17] <= 0.25, "{off:.2?} px");
}

#[test]
fn every_truth_lies_in_the_middle_of_the_dark_without_the_suns_side() {
    let off: Vec<f64> = (0..20)
        .map(|seed| {
            // The same cut twice, the sun on one side and, as high and as much askew, on the other.
            let [one, other] = [90.0, -90.0].map(|side: f64| {
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                let axis: f64 = rng.random_range(0.0..std::f64::consts::TAU);
                let askew = side.signum() * rng.random_range(-70.0..70.0);
                let sun =
                    Sun::new(axis.to_degrees() + 90.0 + side + askew, rng.random_range(25.0..60.0), 0.22);
                Strip::new(&mut rng, TruthClass::Trench, sun, axis, None).across_px(4.0)
            });
            let both: Vec<(f64, f64)> = one.iter().zip(&other).map(|(a, b)| (a.0, a.1 + b.1)).collect();
            middle_of_dark(&both)
        })
        .collect();
    println!("{off:.2?} px");
    assert!(off.iter().all(|px| px.abs() <= 0.1), "{off:.2?} px");
}

#[test]
fn rendered_works_take_as_much_light_as_their_height_fields() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for class in [TruthClass::Trench, TruthClass::AntiVehicleDitch] {
        let (mut taken, mut analytic) = (0.0, 0.0);
        for _ in 0..24 {
            let axis: f64 = rng.random_range(0.0..std::f64::consts::TAU);
            let sun = Sun::new(rng.random_range(0.0..360.0), rng.random_range(25.0..60.0), 0.22);
            let strip = Strip::new(&mut rng, class, sun, axis, None);
            let (work, along) = (strip.work(), sun.along(strip.across()));
            let step = 0.005;
            let n = (0.5 * work.width_m / step) as i32;
            let dark = |k: i32| 1.0 - Earthwork::core(work.light(&sun, f64::from(k) * step, along).0);
            analytic += f64::from(work.openness) * step * (-n..=n).map(dark).sum::<f64>();
            taken += taken_m(&strip, 44.0);
        }
        println!("{class:?}: {taken:.2} of {analytic:.2}");
        assert!((taken / analytic - 1.0).abs() < 0.03, "{class:?}: {taken} {analytic}");
    }
}
