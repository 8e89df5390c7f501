//! The shift between two windows by orientation correlation.
//!
//! Each pixel becomes the doubled angle of its gradient, `(gx + i·gy)² / (|g|² + n²)`: light, haze and a crop that
//! turns from darker to brighter than its neighbour leave it alone. The correlation of two such fields peaks at
//! the shift.
//!
//! Orientation correlation after Fitch, Kadyrov, Christmas & Kittler (2002), BMVC; we double the angle, so that
//! a reversed contrast counts as agreement, and weigh weak gradients down.

use std::sync::Arc;

use ndarray::Array2;
use rustfft::{Fft, FftPlanner, num_complex::Complex32};

use crate::line_gain::gaussian;

/// Smoothing before the gradient, pixels. Widens the peak to where a parabola fits it.
const SMOOTHING_PX: f32 = 1.0;

/// Correlates windows of up to `size` × `size` pixels.
pub struct Correlator {
    size: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
}

/// Agreement of two windows for shifts of up to `reach` pixels either way.
///
/// `values[(reach + dr, reach + dc)]` is the correlation, −1 to 1, of the first window with the second displaced
/// by `(dr, dc)`.
#[derive(Clone, Debug)]
pub struct Surface {
    /// `(2·reach + 1, 2·reach + 1)`.
    pub values: Array2<f32>,
}

/// Where a surface peaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Rows by which the second window's content lies further down.
    pub d_row_px: f64,
    /// Columns by which it lies further right.
    pub d_col_px: f64,
    /// Height of the peak, −1 to 1.
    pub height: f32,
    /// Height of the peak over the highest value farther than 3 px from it.
    pub prominence: f32,
}

impl Correlator {
    /// For windows of up to `size` pixels on a side.
    pub fn new(size: usize) -> Self {
        let mut planner = FftPlanner::new();
        Self { size, forward: planner.plan_fft_forward(size), inverse: planner.plan_fft_inverse(size) }
    }

    /// The surface of `earlier` against `later`, both of the same shape; `None` where either shows nothing:
    /// fewer than a third of its pixels valid, or no gradient.
    pub fn surface(
        &self,
        earlier: (&Array2<f32>, &Array2<bool>),
        later: (&Array2<f32>, &Array2<bool>),
        reach: usize,
    ) -> Option<Surface> {
        let (mut a, energy_a) = self.orientations(earlier.0, earlier.1)?;
        let (mut b, energy_b) = self.orientations(later.0, later.1)?;
        self.transform(&mut a, &self.forward);
        self.transform(&mut b, &self.forward);
        for (a, b) in a.iter_mut().zip(&b) {
            *a = a.conj() * b;
        }
        self.transform(&mut a, &self.inverse);
        let norm = 1.0 / ((self.size * self.size) as f64 * (energy_a * energy_b).sqrt()) as f32;
        let n = self.size;
        // The transform of a transposed product is transposed: `transform` leaves rows and columns in place.
        let values = Array2::from_shape_fn((2 * reach + 1, 2 * reach + 1), |(i, j)| {
            a[((i + n - reach) % n) * n + (j + n - reach) % n].re * norm
        });
        Some(Surface { values })
    }

    /// The doubled-angle field, tapered and zero in the mean, in a buffer of `size`², and its energy.
    fn orientations(&self, image: &Array2<f32>, valid: &Array2<bool>) -> Option<(Vec<Complex32>, f64)> {
        let (rows, cols) = image.dim();
        if rows < 16 || cols < 16 || rows > self.size || cols > self.size {
            return None;
        }
        let smooth = gaussian::smooth(image, valid, SMOOTHING_PX);
        let (pixels, ok) = (smooth.as_slice()?, valid.as_slice()?);
        let all = ok.iter().all(|&v| v);
        let (mut field, mut power) = (Vec::with_capacity(rows * cols), 0.0f64);
        for r in 1..rows - 1 {
            for c in 1..cols - 1 {
                let i = r * cols + c;
                if all || (ok[i - 1] && ok[i + 1] && ok[i - cols] && ok[i + cols] && ok[i]) {
                    let (gx, gy) = (pixels[i + 1] - pixels[i - 1], pixels[i + cols] - pixels[i - cols]);
                    power += f64::from(gx * gx + gy * gy);
                    field.push((r, c, gx, gy));
                }
            }
        }
        let count = field.len();
        // A gradient below a ten-thousandth of the brightness is rounding.
        let light = smooth.iter().fold(0.0f32, |m, v| if v.abs() > m { v.abs() } else { m });
        let rounding = f64::from(light * 1e-4).powi(2) * count as f64;
        if count * 3 < rows * cols || power <= rounding || !power.is_finite() {
            return None;
        }
        // A quarter of the mean power: strong edges count alike, noise hardly.
        let floor = (0.25 * power / count as f64) as f32;
        let value =
            |gx: f32, gy: f32| Complex32::new(gx * gx - gy * gy, 2.0 * gx * gy) / (gx * gx + gy * gy + floor);
        let mut mean = Complex32::new(0.0, 0.0);
        for &(_, _, gx, gy) in &field {
            mean += value(gx, gy);
        }
        mean /= count as f32;
        let (down, along) = (taper(rows), taper(cols));
        let (mut out, mut energy) = (vec![Complex32::new(0.0, 0.0); self.size * self.size], 0.0f64);
        for &(r, c, gx, gy) in &field {
            let v = (value(gx, gy) - mean) * (down[r] * along[c]);
            energy += f64::from(v.norm_sqr());
            out[r * self.size + c] = v;
        }
        (energy > 0.0).then_some((out, energy))
    }

    /// Two-dimensional transform in place: rows, transpose, rows, transpose.
    fn transform(&self, data: &mut [Complex32], fft: &Arc<dyn Fft<f32>>) {
        for _ in 0..2 {
            fft.process(data);
            transpose(data, self.size);
        }
    }
}

/// Weights that fall to 0 over an eighth of a line at either end (Tukey).
fn taper(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| {
            let edge = (i.min(n - 1 - i) as f32 + 0.5) / (0.125 * n as f32);
            if edge >= 1.0 { 1.0 } else { 0.5 - 0.5 * (std::f32::consts::PI * edge).cos() }
        })
        .collect()
}

fn transpose(data: &mut [Complex32], n: usize) {
    const BLOCK: usize = 16;
    for i in (0..n).step_by(BLOCK) {
        for j in (i..n).step_by(BLOCK) {
            for r in i..(i + BLOCK).min(n) {
                for c in j.max(r + 1)..(j + BLOCK).min(n) {
                    data.swap(r * n + c, c * n + r);
                }
            }
        }
    }
}

impl Surface {
    /// The sum of surfaces of equal shape; `None` of none.
    pub fn sum<'a>(surfaces: impl IntoIterator<Item = &'a Surface>) -> Option<Surface> {
        let mut surfaces = surfaces.into_iter();
        let mut values = surfaces.next()?.values.clone();
        surfaces.for_each(|s| values += &s.values);
        Some(Surface { values })
    }

    /// The highest point, to a fraction of a pixel by a quadratic through its 3 × 3 neighbours; `None` where it
    /// lies on the rim, that is, where the true peak may be out of reach.
    pub fn peak(&self) -> Option<Peak> {
        let (n, _) = self.values.dim();
        let ((r, c), &height) = self
            .values
            .indexed_iter()
            .fold(((0, 0), &f32::MIN), |best, v| if v.1 > best.1 { v } else { best });
        if r == 0 || c == 0 || r + 1 == n || c + 1 == n || height <= 0.0 {
            return None;
        }
        let v =
            |dr: i32, dc: i32| f64::from(self.values[((r as i32 + dr) as usize, (c as i32 + dc) as usize)]);
        // Least-squares quadratic on 3 × 3.
        let row_sum = |dr: i32| v(dr, -1) + v(dr, 0) + v(dr, 1);
        let col_sum = |dc: i32| v(-1, dc) + v(0, dc) + v(1, dc);
        let (gr, gc) = ((row_sum(1) - row_sum(-1)) / 6.0, (col_sum(1) - col_sum(-1)) / 6.0);
        let hrr = (row_sum(1) - 2.0 * row_sum(0) + row_sum(-1)) / 3.0;
        let hcc = (col_sum(1) - 2.0 * col_sum(0) + col_sum(-1)) / 3.0;
        let hrc = (v(1, 1) - v(1, -1) - v(-1, 1) + v(-1, -1)) / 4.0;
        let det = hrr * hcc - hrc * hrc;
        if det <= 0.0 || hrr >= 0.0 {
            return None;
        }
        let (sr, sc) = ((hrc * gc - hcc * gr) / det, (hrc * gr - hrr * gc) / det);
        let second = self
            .values
            .indexed_iter()
            .filter(|&((i, j), _)| i.abs_diff(r).max(j.abs_diff(c)) > 3)
            .fold(1e-6f32, |m, (_, &v)| if v > m { v } else { m });
        let half = (n / 2) as f64;
        Some(Peak {
            d_row_px: r as f64 - half + sr.clamp(-1.0, 1.0),
            d_col_px: c as f64 - half + sc.clamp(-1.0, 1.0),
            height,
            prominence: height / second,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texture(rows: usize, cols: usize, dr: f64, dc: f64) -> Array2<f32> {
        Array2::from_shape_fn((rows, cols), |(r, c)| {
            let (y, x) = (r as f64 - dr, c as f64 - dc);
            ((0.31 * y + 0.13 * x).sin()
                + (0.11 * y - 0.27 * x + 1.0).sin() * 1.3
                + (0.021 * x * (0.05 * y).cos()).sin() * 3.0
                + (0.007 * y * y).sin()
                + (0.005 * x * x).cos()) as f32
        })
    }

    #[test]
    fn a_shift_is_found_to_a_twentieth_of_a_pixel() {
        let valid = Array2::from_elem((100, 120), true);
        let (a, b) = (texture(100, 120, 0.0, 0.0), texture(100, 120, 2.3, -1.6));
        let peak = Correlator::new(128).surface((&a, &valid), (&b, &valid), 8).unwrap().peak().unwrap();
        assert!((peak.d_row_px - 2.3).abs() < 0.05 && (peak.d_col_px + 1.6).abs() < 0.05, "{peak:?}");
    }

    #[test]
    fn reversed_contrast_and_light_change_nothing() {
        let valid = Array2::from_elem((100, 120), true);
        let (a, b) = (texture(100, 120, 0.0, 0.0), texture(100, 120, 2.0, 1.0));
        let c = Correlator::new(128);
        let straight = c.surface((&a, &valid), (&b, &valid), 8).unwrap().peak().unwrap();
        let reversed =
            c.surface((&a, &valid), (&b.mapv(|v| 90.0 - 3.0 * v), &valid), 8).unwrap().peak().unwrap();
        assert!((straight.d_row_px - reversed.d_row_px).abs() < 1e-3);
    }

    #[test]
    fn plain_ground_has_no_surface() {
        let (plain, valid) = (Array2::from_elem((64, 64), 5.0), Array2::from_elem((64, 64), true));
        assert!(Correlator::new(64).surface((&plain, &valid), (&plain, &valid), 8).is_none());
    }
}
