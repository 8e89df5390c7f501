//! What stands between the ground and the file: haze, blur, noise, eight or eleven bits.

use ndarray::Array3;
use rayon::prelude::*;

use crate::noise::{normal, value};

/// Red, green, blue; 0–255 on the ground before haze.
pub(crate) type Rgb = [f32; 3];

/// One date's path from the ground to the file.
#[derive(Clone, Debug)]
pub(crate) struct Sensor {
    pub seed: u32,
    /// Standard deviation of the point spread, metres.
    pub spread_m: f64,
    /// Pixel size, metres.
    pub gsd_m: f64,
    pub gain: Rgb,
    pub haze: Rgb,
    /// Grey levels of 8 bits.
    pub noise: f32,
    /// Greatest level of the file: 255 for 8 bits, 2047 for 11.
    pub top: u16,
}

/// Ground radiance of a rectangle of pixels with a rim of [`Sensor::rim_px`] on each side.
pub(crate) struct Radiance {
    pub rows: usize,
    pub cols: usize,
    pub pixels: Vec<Rgb>,
}

impl Sensor {
    /// Pixels that the blur needs beyond a window.
    pub(crate) fn rim_px(&self) -> usize {
        (3.0 * self.spread_m / self.gsd_m).ceil() as usize
    }

    fn kernel(&self) -> Vec<f32> {
        let (rim, sigma) = (self.rim_px() as i32, self.spread_m / self.gsd_m);
        let weights: Vec<f64> = (-rim..=rim).map(|k| (-0.5 * (f64::from(k) / sigma).powi(2)).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|w| (w / sum) as f32).collect()
    }

    /// The image `(3, rows, cols)` of the pixels whose first is `(row, col)`. 0 never occurs: it means nodata.
    pub(crate) fn expose(&self, ground: &Radiance, row: i32, col: i32) -> Array3<u16> {
        let kernel = self.kernel();
        let rim = self.rim_px();
        let (rows, cols) = (ground.rows - 2 * rim, ground.cols - 2 * rim);
        if cols == 0 || rows == 0 {
            return Array3::zeros((3, rows, cols));
        }
        // Bands interleaved: a shift by one column is a shift by three numbers.
        let wide = 3 * cols;
        let mut across = vec![0.0_f32; ground.rows * wide];
        across.par_chunks_mut(wide).zip(ground.pixels.par_chunks(ground.cols)).for_each(|(out, line)| {
            let line = line.as_flattened();
            for (k, w) in kernel.iter().enumerate() {
                out.iter_mut().zip(&line[3 * k..]).for_each(|(o, v)| *o += w * v);
            }
        });
        let mut image = vec![[0_u16; 3]; rows * cols];
        image.par_chunks_mut(cols).enumerate().for_each(|(r, out)| {
            let mut sums = vec![0.0_f32; wide];
            for (k, w) in kernel.iter().enumerate() {
                let line = &across[(r + k) * wide..(r + k + 1) * wide];
                sums.iter_mut().zip(line).for_each(|(o, v)| *o += w * v);
            }
            for (c, (pixel, sum)) in out.iter_mut().zip(sums.chunks_exact(3)).enumerate() {
                *pixel = self.digitise([sum[0], sum[1], sum[2]], row + r as i32, col + c as i32);
            }
        });
        Array3::from_shape_fn((3, rows, cols), |(band, r, c)| image[r * cols + c][band])
    }

    fn digitise(&self, ground: Rgb, row: i32, col: i32) -> [u16; 3] {
        // Thin haze lies unevenly.
        let (x, y) = (f64::from(col) * self.gsd_m, f64::from(row) * self.gsd_m);
        let veil = 1.0 + 0.25 * value(self.seed ^ 0x51, x / 310.0, y / 310.0);
        let common = normal(self.seed ^ 0x52, row, col);
        let mut out = [0_u16; 3];
        // 8 bits reach to 255, every further one twice as far.
        let (top, times) = (f32::from(self.top), f32::from((self.top + 1) / 256));
        for (band, v) in out.iter_mut().enumerate() {
            let own = normal(self.seed ^ (0x53 + band as u32), row, col);
            let level = ground[band] * self.gain[band]
                + self.haze[band] * veil
                + self.noise * (0.75 * common + 0.65 * own);
            *v = (level * times + 0.5).clamp(1.0, top) as u16;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blur_keeps_the_brightness_and_has_the_spread_asked_for() {
        let sensor = Sensor {
            seed: 1,
            spread_m: 0.45,
            gsd_m: 0.3,
            gain: [1.0; 3],
            haze: [0.0; 3],
            noise: 0.0,
            top: 255,
        };
        let (rim, n) = (sensor.rim_px(), 21);
        let side = n + 2 * rim;
        let flat = Radiance { rows: side, cols: side, pixels: vec![[100.0, 50.0, 10.0]; side * side] };
        let image = sensor.expose(&flat, 0, 0);
        assert!(image.indexed_iter().all(|((band, ..), v)| *v == [100, 50, 10][band]));
        let mut line = Radiance { rows: side, cols: side, pixels: vec![[0.0; 3]; side * side] };
        for row in 0..side {
            line.pixels[row * side + side / 2] = [900.0; 3];
        }
        let image = sensor.expose(&line, 0, 0);
        let (mut sum, mut square) = (0.0, 0.0);
        for c in 0..n {
            let d = (c as f64 - (n / 2) as f64) * 0.3;
            // 1 is the least level.
            let v = f64::from(image[(0, n / 2, c)]) - 1.0;
            sum += v;
            square += v * d * d;
        }
        assert!(((square / sum).sqrt() - 0.45).abs() < 0.03, "{}", (square / sum).sqrt());
    }
}
