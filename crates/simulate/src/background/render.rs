//! One window of one date: real pixels, retaken where the date is not the image's own, times what was dug.

use domain::{Pixel, Window};
use ndarray::{Array2, Array3};
use rayon::prelude::*;

use super::{Background, BackgroundImage, BackgroundPixels, BackgroundScene, Date, MOST_BANDS, Retake};
use crate::ground::{luminance, mix};
use crate::layer::NEAREST;
use crate::noise::{normal, value};
use crate::place::Place;
use crate::sensor::Rgb;

/// Half the side of the square whose mean is the colour of the ground around a work, pixels.
const AROUND_PX: i32 = 5;
/// What the bands of a pixel are multiplied by: visible light and infrared.
type Factor = [f32; 4];
/// The bands of a pixel; those that the image does not have are 0.
type Bands = [f32; MOST_BANDS];

impl BackgroundScene {
    /// The pixels of a window of a date, in the unit of its image, not rounded, and which are valid. Invalid
    /// pixels are 0.
    ///
    /// # Errors
    /// What `source` says.
    pub fn render<B: Background>(
        &self,
        source: &B,
        date: usize,
        window: Window,
    ) -> Result<BackgroundPixels, B::Error> {
        let date_number = date.min(self.dates.len() - 1);
        let date = &self.dates[date_number];
        let image = &self.images[date.image];
        let spread_px = date.spread_m / image.pixel_m;
        let rim = (3.0 * spread_px).ceil() as usize;
        let moved = date.retake.as_ref().map_or(0.0, |r| {
            let parallax = r.parallax_m.0.hypot(r.parallax_m.1);
            (r.shift_m.0.hypot(r.shift_m.1) + parallax) / image.pixel_m + 3.0 + 3.0 * f64::from(r.blur_px)
        });
        let halo = (moved.ceil() as usize) + rim + AROUND_PX as usize + 1;
        let read = window.grown(halo, image.shape);
        let original = source.read(date.image, read)?;
        let taken =
            self.taken(date, image, &original, read, window.grown(rim + AROUND_PX as usize + 1, image.shape));
        let (seen, seen_at) = taken;
        let factors = self.factors(date_number, date, image, &seen, seen_at, window, rim);
        Ok(self.exposed(date, image, &seen, seen_at, window, factors))
    }

    /// The ground as the date shows it before anything was dug, over `wanted`, without noise.
    fn taken(
        &self,
        date: &Date,
        image: &BackgroundImage,
        original: &BackgroundPixels,
        read: Window,
        wanted: Window,
    ) -> (BackgroundPixels, Window) {
        let Some(retake) = &date.retake else { return (original.clone(), read) };
        let bands = original.values.dim().0;
        let columns: Vec<Vec<Option<Bands>>> = (0..wanted.rows)
            .into_par_iter()
            .map(|r| {
                (0..wanted.cols)
                    .map(|c| {
                        let (row, col) = ((wanted.row + r) as f64 + 0.5, (wanted.col + c) as f64 + 0.5);
                        let (dx, dy) = retake.displacement(self.place(image, Pixel { row, col }));
                        let (row, col) = (row - dy / image.pixel_m, col - dx / image.pixel_m);
                        retake.sample(original, read, row - 0.5, col - 0.5)
                    })
                    .collect()
            })
            .collect();
        let mut values = Array3::zeros((bands, wanted.rows, wanted.cols));
        let mut valid = Array2::from_elem((wanted.rows, wanted.cols), false);
        for (r, line) in columns.into_iter().enumerate() {
            for (c, pixel) in line.into_iter().enumerate() {
                let Some(pixel) = pixel else { continue };
                valid[(r, c)] = true;
                for (band, v) in pixel.into_iter().enumerate().take(bands) {
                    values[(band, r, c)] = v;
                }
            }
        }
        (BackgroundPixels { values, valid }, wanted)
    }

    /// The place of a pixel position of an image.
    fn place(&self, image: &BackgroundImage, p: Pixel) -> Place {
        let q = image.to_frame.at(p);
        Place::new(q.col * self.frame_m, q.row * self.frame_m)
    }

    /// What each pixel of `window` is multiplied by, blurred by the sensor; none where nothing was dug or laid.
    #[expect(clippy::too_many_arguments, reason = "one step of `render`, which holds all of it")]
    fn factors(
        &self,
        date_number: usize,
        date: &Date,
        image: &BackgroundImage,
        seen: &BackgroundPixels,
        seen_at: Window,
        window: Window,
        rim: usize,
    ) -> Option<Vec<(Factor, f32)>> {
        let (rows, cols) = (window.rows + 2 * rim, window.cols + 2 * rim);
        let raw: Vec<Vec<Option<(Factor, f32)>>> = (0..rows)
            .into_par_iter()
            .map(|r| {
                let row = (window.row + r) as f64 - rim as f64;
                (0..cols)
                    .map(|c| {
                        let col = (window.col + c) as f64 - rim as f64;
                        self.factor(date_number, date, image, seen, seen_at, row, col)
                    })
                    .collect()
            })
            .collect();
        if raw.iter().flatten().all(Option::is_none) {
            return None;
        }
        let sigma = date.spread_m / image.pixel_m;
        let weights: Vec<f64> =
            (-(rim as i32)..=rim as i32).map(|k| (-0.5 * (f64::from(k) / sigma).powi(2)).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let kernel: Vec<f32> = weights.iter().map(|w| (w / sum) as f32).collect();
        let across: Vec<Vec<[f32; 5]>> = raw
            .par_iter()
            .map(|line| {
                (0..window.cols)
                    .map(|c| {
                        let mut sum = [0.0; 5];
                        for (k, w) in kernel.iter().enumerate() {
                            // What differs from untouched ground, so that untouched ground stays exact.
                            let Some((f, worked)) = line[c + k] else { continue };
                            for (s, v) in sum.iter_mut().zip([f[0], f[1], f[2], f[3], 1.0 + worked]) {
                                *s += w * (v - 1.0);
                            }
                        }
                        sum
                    })
                    .collect()
            })
            .collect();
        Some(
            (0..window.rows * window.cols)
                .into_par_iter()
                .map(|k| {
                    let (r, c) = (k / window.cols, k % window.cols);
                    let mut sum = [0.0; 5];
                    for (k, w) in kernel.iter().enumerate() {
                        for (s, v) in sum.iter_mut().zip(across[r + k][c]) {
                            *s += w * v;
                        }
                    }
                    ([sum[0], sum[1], sum[2], sum[3]].map(|d| 1.0 + d), sum[4])
                })
                .collect(),
        )
    }

    /// What a pixel is multiplied by before the blur, and the share of it whose texture digging wiped out.
    #[expect(clippy::too_many_arguments, reason = "one step of `factors`, which holds all of it")]
    fn factor(
        &self,
        date_number: usize,
        date: &Date,
        image: &BackgroundImage,
        seen: &BackgroundPixels,
        seen_at: Window,
        row: f64,
        col: f64,
    ) -> Option<(Factor, f32)> {
        let place_of = |row: f64, col: f64| {
            let p = self.place(image, Pixel { row, col });
            match &date.retake {
                Some(retake) => {
                    let (dx, dy) = retake.displacement(p);
                    p.plus((-dx, -dy))
                }
                None => p,
            }
        };
        let centre = place_of(row + 0.5, col + 0.5);
        let mut nearest = [(0_u32, 0_u32); NEAREST];
        let found = self.layer.near(date_number, centre, 0.75 * image.pixel_m, &mut nearest);
        if found == 0 {
            return None;
        }
        let lines = &nearest[..found];
        let ground = mean_around(seen, seen_at, image, row as i32, col as i32)?;
        // The map is smooth: between the corners of one pixel it is linear.
        let (right, down) = (place_of(row + 0.5, col + 1.5), place_of(row + 1.5, col + 0.5));
        let n = (image.pixel_m / 0.11).ceil().clamp(4.0, 8.0) as i32;
        let mut sum = [0.0_f32; 3];
        for i in 0..n {
            for j in 0..n {
                let at = |k: i32| (f64::from(k) + 0.5) / f64::from(n) - 0.5;
                let (u, v) = (at(j), at(i));
                let q = centre.plus((
                    u * (right.x - centre.x) + v * (down.x - centre.x),
                    u * (right.y - centre.y) + v * (down.y - centre.y),
                ));
                let colour = self.layer.over(date_number, &date.sun, lines, q, ground);
                for (s, v) in sum.iter_mut().zip(colour) {
                    *s += v;
                }
            }
        }
        let colour = sum.map(|v| v / (n * n) as f32);
        let mut factor = [1.0; 4];
        for (f, (v, g)) in factor.iter_mut().zip(colour.iter().zip(ground)) {
            *f = (v / g.max(1.0)).clamp(0.05, 4.0);
        }
        let light = luminance(colour) / luminance(ground).max(1.0);
        if image.visible == 1 {
            factor[..3].fill(light);
        }
        // Where plants give way to soil, red gains and infrared loses.
        factor[3] = (light * light / factor[0].max(0.05)).clamp(0.05, 4.0);
        let worked = ((light - 1.0).abs() * 4.0).min(1.0);
        Some((factor, worked))
    }

    /// The window as the file will have it.
    fn exposed(
        &self,
        date: &Date,
        image: &BackgroundImage,
        seen: &BackgroundPixels,
        seen_at: Window,
        window: Window,
        factors: Option<Vec<(Factor, f32)>>,
    ) -> BackgroundPixels {
        let bands = seen.values.dim().0;
        let (top, left) = (window.row - seen_at.row, window.col - seen_at.col);
        let pixels: Vec<Option<Bands>> = (0..window.rows * window.cols)
            .into_par_iter()
            .map(|k| {
                let (r, c) = (k / window.cols, k % window.cols);
                if !seen.valid[(top + r, left + c)] {
                    return None;
                }
                let (row, col) = ((window.row + r) as i32, (window.col + c) as i32);
                let mut pixel: Bands = [0.0; MOST_BANDS];
                for (b, v) in pixel.iter_mut().enumerate().take(bands) {
                    *v = seen.values[(b, top + r, left + c)];
                }
                if let Some((factor, worked)) = factors.as_ref().map(|f| f[k]) {
                    let share = 0.65 * worked;
                    let around = if share > 0.0 { means_around(seen, seen_at, row, col) } else { None };
                    for (b, v) in pixel.iter_mut().enumerate() {
                        let mean = around.as_ref().map_or(*v, |m| m[b]);
                        let own = if image.infrared == Some(b) { 3 } else { b.min(2) };
                        *v = mix([*v; 3], [mean; 3], share)[0] * factor[own];
                    }
                }
                if let Some(cloud) = &date.cloud {
                    let p = self.place(image, Pixel { row: f64::from(row) + 0.5, col: f64::from(col) + 0.5 });
                    let light = cloud.light(p);
                    pixel.iter_mut().for_each(|v| *v *= light);
                }
                if let Some(retake) = &date.retake {
                    retake.expose(&mut pixel, image, row, col);
                }
                Some(pixel)
            })
            .collect();
        let mut values = Array3::zeros((bands, window.rows, window.cols));
        let mut valid = Array2::from_elem((window.rows, window.cols), false);
        for (k, pixel) in pixels.into_iter().enumerate() {
            let (r, c) = (k / window.cols, k % window.cols);
            if let Some(pixel) = pixel {
                valid[(r, c)] = true;
                for (band, v) in pixel.into_iter().enumerate().take(bands) {
                    values[(band, r, c)] = v;
                }
            }
        }
        BackgroundPixels { values, valid }
    }
}

impl Retake {
    /// All bands at a position (pixel centres at whole numbers), by cubic convolution (Keys 1981) with some blur;
    /// none where one of the pixels it takes is invalid, or beyond the image.
    fn sample(&self, original: &BackgroundPixels, read: Window, row: f64, col: f64) -> Option<Bands> {
        let (rows, cols) = original.valid.dim();
        let bands = original.values.dim().0;
        // Fractions of the place, not of the window: they must not depend on how the image is cut.
        let (u, v) = ((row - row.floor()) as f32, (col - col.floor()) as f32);
        let (i, j) = (row.floor() as i64 - read.row as i64, col.floor() as i64 - read.col as i64);
        // A blur of variance s² over a cubic kernel: mix with neighbours two pixels apart.
        let soft = (0.5 * self.blur_px * self.blur_px).min(0.24);
        let weights = |f: f32| -> [f32; 6] {
            let k = [
                0.5 * (-f + 2.0 * f * f - f * f * f),
                0.5 * (2.0 - 5.0 * f * f + 3.0 * f * f * f),
                0.5 * (f + 4.0 * f * f - 3.0 * f * f * f),
                0.5 * (f * f * f - f * f),
            ];
            let mut out = [0.0; 6];
            for (n, w) in k.into_iter().enumerate() {
                out[n] += soft * w;
                out[n + 1] += (1.0 - 2.0 * soft) * w;
                out[n + 2] += soft * w;
            }
            out
        };
        let (down, right) = (weights(u), weights(v));
        if i < -1 || j < -1 || i >= rows as i64 || j >= cols as i64 {
            return None;
        }
        let mut out: Bands = [0.0; MOST_BANDS];
        for (m, wr) in down.into_iter().enumerate() {
            // Beyond the image its last pixel goes on.
            let r = (i - 2 + m as i64).clamp(0, rows as i64 - 1) as usize;
            for (n, wc) in right.into_iter().enumerate() {
                let c = (j - 2 + n as i64).clamp(0, cols as i64 - 1) as usize;
                if !original.valid[(r, c)] {
                    return None;
                }
                for (band, sum) in out.iter_mut().enumerate().take(bands) {
                    *sum += wr * wc * original.values[(band, r, c)];
                }
            }
        }
        Some(out)
    }

    /// Light, haze and noise.
    fn expose(&self, pixel: &mut [f32], image: &BackgroundImage, row: i32, col: i32) {
        let (x, y) = (f64::from(col) * image.pixel_m, f64::from(row) * image.pixel_m);
        let veil = 1.0 + 0.3 * value(self.seed ^ 0x51, x / 310.0, y / 310.0);
        let common = normal(self.seed ^ 0x52, row, col);
        for (band, v) in pixel.iter_mut().enumerate() {
            let own = normal(self.seed ^ (0x53 + band as u32), row, col);
            let noise = self.noise * (0.75 * common + 0.65 * own);
            *v = *v * self.gain[band.min(3)] + image.per_level * (self.haze * veil + noise);
        }
    }
}

/// Means of all bands over the square around a pixel, of what is valid in it; none where nothing is.
fn means_around(seen: &BackgroundPixels, seen_at: Window, row: i32, col: i32) -> Option<Bands> {
    let (rows, cols) = seen.valid.dim();
    let span = |centre: i32, first: usize, n: usize| {
        let from = (centre - AROUND_PX - first as i32).clamp(0, n as i32) as usize;
        let to = (centre + AROUND_PX + 1 - first as i32).clamp(0, n as i32) as usize;
        from..to
    };
    let mut sums: Bands = [0.0; MOST_BANDS];
    let bands = seen.values.dim().0;
    let mut n = 0;
    for r in span(row, seen_at.row, rows) {
        for c in span(col, seen_at.col, cols) {
            if seen.valid[(r, c)] {
                n += 1;
                for (band, sum) in sums.iter_mut().enumerate().take(bands) {
                    *sum += seen.values[(band, r, c)];
                }
            }
        }
    }
    (n > 0).then(|| sums.map(|s| s / n as f32))
}

/// Mean colour around a pixel, 0–255.
fn mean_around(
    seen: &BackgroundPixels,
    seen_at: Window,
    image: &BackgroundImage,
    row: i32,
    col: i32,
) -> Option<Rgb> {
    let means = means_around(seen, seen_at, row, col)?;
    let band = |b: usize| means[if image.visible == 3 { b } else { 0 }] / image.per_level;
    Some([band(0), band(1), band(2)])
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use domain::PixelMap;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::earthwork::Earthwork;
    use crate::layer::Layer;
    use crate::light::Sun;
    use crate::linework::{Kind, Line};
    use crate::truth::{Style, TruthClass};

    const SIDE: usize = 240;
    const PIXEL_M: f64 = 0.5;

    /// Even ground.
    struct Flat;

    impl Background for Flat {
        type Error = Infallible;

        fn read(&self, _: usize, w: Window) -> Result<BackgroundPixels, Infallible> {
            let values = Array3::from_elem((3, w.rows, w.cols), 100.0);
            Ok(BackgroundPixels { values, valid: Array2::from_elem((w.rows, w.cols), true) })
        }
    }

    /// A straight trench through the middle, in the direction of `angle` (radians clockwise from east), under
    /// `sun`.
    fn trench(angle: f64, sun: Sun, seed: u64) -> BackgroundScene {
        let map = PixelMap::from_fn((SIDE, SIDE), |ps: &[Pixel]| Ok::<_, Infallible>(ps.to_vec())).unwrap();
        let image = BackgroundImage {
            shape: (SIDE, SIDE),
            pixel_m: PIXEL_M,
            to_frame: map.clone(),
            from_frame: map,
            visible: 3,
            infrared: None,
            per_level: 1.0,
            datetime: chrono::DateTime::UNIX_EPOCH,
            sun_deg: None,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let work = Earthwork::new(&mut rng, TruthClass::Trench, Style::Straight, ([90.0; 3], [130.0; 3]));
        let middle = Place::new(0.5 * SIDE as f64 * PIXEL_M + 0.13, 0.5 * SIDE as f64 * PIXEL_M - 0.08);
        let points = vec![middle.ahead(angle, -45.0), middle.ahead(angle, 45.0)];
        let mut layer = Layer::new();
        layer.add_work(Line::new(points, Kind::Work(0), work.reach_m, 1, 5), work);
        layer.seal(SIDE as f64 * PIXEL_M, 64.0);
        let date = |image| Date {
            image,
            datetime: chrono::DateTime::UNIX_EPOCH,
            sun,
            spread_m: 0.38,
            retake: None,
            cloud: None,
        };
        BackgroundScene {
            images: vec![image],
            dates: vec![date(0), date(0)],
            layer,
            frame_m: PIXEL_M,
            area_km2: 0.0,
        }
    }

    fn rendered(scene: &BackgroundScene) -> Array3<f32> {
        scene.render(&Flat, 1, Window::new(0, 0, SIDE, SIDE)).unwrap().values
    }

    #[test]
    fn the_light_that_a_work_takes_is_what_its_cross_sections_take() {
        for (angle, seed) in [(0.0, 1), (0.7, 2), (2.1, 3)] {
            let sun = Sun::new(140.0, 42.0, 0.2);
            let scene = trench(angle, sun, seed);
            let image = rendered(&scene);
            let taken: f64 = image
                .index_axis(ndarray::Axis(0), 1)
                .iter()
                .map(|v| (100.0 - f64::from(*v)) * PIXEL_M * PIXEL_M)
                .sum();
            // The same from samples of 5 cm, without pixels and without blur.
            let step = 0.05;
            let n = (SIDE as f64 * PIXEL_M / step) as i32;
            let mut wanted = 0.0;
            for i in 0..n {
                for j in 0..n {
                    let p = Place::new((f64::from(j) + 0.5) * step, (f64::from(i) + 0.5) * step);
                    let mut near = [(0_u32, 0_u32); NEAREST];
                    let found = scene.layer.near(1, p, 0.0, &mut near);
                    let colour = scene.layer.over(1, &sun, &near[..found], p, [100.0; 3]);
                    wanted += (100.0 - f64::from(colour[1])) * step * step;
                }
            }
            assert!((taken / wanted - 1.0).abs() < 0.02, "{angle}: {taken} {wanted}");
        }
    }

    #[test]
    fn the_truth_lies_on_the_darkest_line() {
        // Along the sun no wall shades the cut more than the other.
        for (k, angle) in [0.0, 0.4, 1.1, 1.9, 2.8].into_iter().enumerate() {
            let azimuth = f64::to_degrees(angle) + 90.0;
            let scene = trench(angle, Sun::new(azimuth, 45.0, 0.25), 10 + k as u64);
            let image = rendered(&scene);
            let line = &scene.truth()[0].centreline;
            let (a, b) = (line[0], line[line.len() - 1]);
            let length = (b.row - a.row).hypot(b.col - a.col);
            let (dr, dc) = ((b.row - a.row) / length, (b.col - a.col) / length);
            let at = |row: f64, col: f64| {
                let (r, c) = ((row - 0.5).floor(), (col - 0.5).floor());
                let (u, v) = (row - 0.5 - r, col - 0.5 - c);
                let g = |i: f64, j: f64| f64::from(image[(1, (r + i) as usize, (c + j) as usize)]);
                (g(0.0, 0.0) * (1.0 - v) + g(0.0, 1.0) * v) * (1.0 - u)
                    + (g(1.0, 0.0) * (1.0 - v) + g(1.0, 1.0) * v) * u
            };
            // The centre of what is missing across the line, mean along it.
            let (mut sum, mut weight) = (0.0, 0.0);
            for s in 20..(length as i32 - 20) {
                for i in -12..=12 {
                    let t = f64::from(i) / 8.0;
                    let p = (a.row + f64::from(s) * dr + t * dc, a.col + f64::from(s) * dc - t * dr);
                    let dark = (100.0 - at(p.0, p.1)).max(0.0);
                    sum += dark * dark * t;
                    weight += dark * dark;
                }
            }
            let off = sum / weight;
            assert!(off.abs() < 0.25, "{angle}: {off} px from the truth");
        }
    }
}
