//! The shift between two windows by orientation correlation.
//!
//! Each pixel becomes the doubled angle of its gradient, `(gx + i·gy)² / (|g|² + n²)`: light, haze and a crop that
//! turns from darker to brighter than its neighbour leave it alone. The correlation of two such fields peaks at
//! the shift.
//!
//! Orientation correlation after Fitch, Kadyrov, Christmas & Kittler (2002), BMVC; we double the angle, so that
//! a reversed contrast counts as agreement, and weigh weak gradients down. Doubling the angle doubles the bandwidth:
//! what folds back at the highest frequencies pulls peaks towards whole pixels, so they are left out
//! ([`LOW_PASS_PX`]), and the peak is sought on the band-limited surface itself, not on a parabola through three of its
//! points.

use std::borrow::Cow;
use std::sync::Arc;

use multiversion::multiversion;
use ndarray::Array2;
use rustfft::{Fft, FftPlanner, num_complex::Complex32};

use crate::line_gain::gaussian;
use crate::resample;

/// Smoothing of the surface, pixels. Over ten dates of NAIP, 0 in place of 1 makes the error of a known shift fivefold
/// (0.06 px), and the error between years no smaller.
const LOW_PASS_PX: f32 = 1.0;
/// Farther than this from the peak a surface is noise, pixels.
const PEAK_PX: usize = 4;
/// Height from which two windows are so alike that what still folds back errs by more than noise does. Between years few are, an
/// image and itself, displaced, has 0.4 to 0.7.
const ALIKE: f32 = 0.5;
/// Smoothing of the surface about the peak of such windows, pixels: an image and itself err by 0.007 px in the median with it, by
/// 0.013 without; ties between years would err by 0.181 for 0.167.
const BELL_PX: f64 = 0.8;
/// Rows or columns that are exchanged at once: their cache lines stay at hand.
const BLOCK: usize = 16;
/// Neighbours on either side by which a surface is interpolated.
const LOBES: usize = 6;

/// Correlates windows of up to `size` × `size` pixels.
pub struct Correlator {
    size: usize,
    /// Smoothing before the gradient, pixels.
    smoothing_px: f32,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// Low pass by frequency along a side.
    low_pass: Vec<f32>,
    /// Of a whole side: see [`taper`] and [`overlap`].
    taper: Vec<f32>,
    overlap: Vec<f32>,
}

/// Agreement of two windows for shifts of up to `reach` pixels either way.
#[derive(Clone, Debug)]
pub struct Surface {
    /// `values[(reach + LOBES + dr, …)]` is the correlation, −1 to 1, of the first window with the second displaced by
    /// `(dr, dc)`.
    values: Array2<f32>,
    reach: usize,
    /// Root mean square of the gradients of both windows, in their own brightness.
    detail: [f32; 2],
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
    /// Height of the peak over the highest value farther than 4 px from it.
    pub prominence: f32,
    /// What the surface's noise moves the peak by, pixels: standard deviation along the worse direction.
    pub sigma_px: f64,
}

impl Correlator {
    /// For windows of up to `size` pixels on a side, smoothed by a Gaussian of `smoothing_px` before their gradient is
    /// taken: against noise, and against what the doubling would fold back. 0.7 does for images as delivered, and 0.5
    /// where they were made smaller.
    pub fn new(size: usize, smoothing_px: f32) -> Self {
        let mut planner = FftPlanner::new();
        let low_pass = (0..size)
            .map(|k| {
                let turn = k.min(size - k) as f32 / size as f32 * std::f32::consts::TAU;
                (-0.5 * (turn * LOW_PASS_PX).powi(2)).exp()
            })
            .collect();
        Self {
            size,
            smoothing_px,
            forward: planner.plan_fft_forward(size),
            inverse: planner.plan_fft_inverse(size),
            low_pass,
            taper: taper(size),
            overlap: overlap(size, size / 2),
        }
    }

    fn taper(&self, n: usize) -> Cow<'_, [f32]> {
        if n == self.size { self.taper.as_slice().into() } else { taper(n).into() }
    }

    fn overlap(&self, n: usize, most: usize) -> Cow<'_, [f32]> {
        if n == self.size { self.overlap.as_slice().into() } else { overlap(n, most).into() }
    }

    /// The surface of `earlier` against `later`, both of the same shape, for shifts of up to `reach` pixels; `None`
    /// where either shows nothing: fewer than a third of its pixels valid, or no gradient.
    pub fn surface(
        &self,
        earlier: (&Array2<f32>, &Array2<bool>),
        later: (&Array2<f32>, &Array2<bool>),
        reach: usize,
    ) -> Option<Surface> {
        let (mut a, energy_a, detail_a) = self.orientations(earlier.0, earlier.1)?;
        let (mut b, energy_b, detail_b) = self.orientations(later.0, later.1)?;
        // Rows, then columns, which are left lying as rows: the product does not mind.
        for field in [&mut a, &mut b] {
            self.forward.process(field);
            transpose(field, self.size);
            self.forward.process(field);
        }
        let norm = 1.0 / ((self.size * self.size) as f64 * (energy_a * energy_b).sqrt()) as f32;
        for ((a, b), down) in a.chunks_mut(self.size).zip(b.chunks(self.size)).zip(&self.low_pass) {
            for ((a, b), along) in a.iter_mut().zip(b).zip(&self.low_pass) {
                *a = a.conj() * b * (down * along * norm);
            }
        }
        self.inverse.process(&mut a);
        let n = self.size;
        let half = (reach + LOBES).min(n / 2 - 1);
        let reach = half.saturating_sub(LOBES);
        let side = 2 * half + 1;
        let mut values = Array2::zeros((side, side));
        // The tapers overlap most where nothing is shifted, and would pull the peak there.
        let (down, along) = (self.overlap(earlier.0.nrows(), half), self.overlap(earlier.0.ncols(), half));
        // The rows within reach, which lie as columns; the other field has done its part.
        let lines = &mut b[..side * n];
        for (k, from) in a.chunks(BLOCK * n).enumerate() {
            for (i, line) in lines.chunks_mut(n).enumerate() {
                let column = from.iter().skip((i + n - half) % n).step_by(n);
                line[k * BLOCK..].iter_mut().zip(column).for_each(|(to, v)| *to = *v);
            }
        }
        self.inverse.process(lines);
        for (i, line) in lines.chunks(n).enumerate() {
            for j in 0..side {
                let overlap = down[i.abs_diff(half)] * along[j.abs_diff(half)];
                values[(i, j)] = line[(j + n - half) % n].re / overlap;
            }
        }
        Some(Surface { values, reach, detail: [detail_a, detail_b] })
    }

    /// The doubled-angle field, tapered and zero in the mean, in a buffer of `size`², its energy, and the root mean square of
    /// the gradients.
    fn orientations(&self, image: &Array2<f32>, valid: &Array2<bool>) -> Option<(Vec<Complex32>, f64, f32)> {
        let (rows, cols) = image.dim();
        if rows < 16 || cols < 16 || rows > self.size || cols > self.size {
            return None;
        }
        let smooth = gaussian::smooth(image, valid, self.smoothing_px);
        let (pixels, ok) = (smooth.as_slice()?, valid.as_slice()?);
        let inner = cols - 2;
        let all = resample::all(ok);
        // 1 where the gradient is known.
        let usable: Vec<f32> = if all {
            vec![1.0; inner]
        } else {
            let known = |i: usize| ok[i - 1] && ok[i + 1] && ok[i - cols] && ok[i + cols] && ok[i];
            let places = (1..rows - 1).flat_map(|r| r * cols + 1..(r + 1) * cols - 1);
            places.map(|i| f32::from(u8::from(known(i)))).collect()
        };
        let usable = |r: usize| &usable[if all { 0 } else { (r - 1) * inner }..][..inner];
        let known = |r: usize| usable(r).iter().filter(|&&u| u > 0.0).count();
        let count = if all { (rows - 2) * inner } else { (1..rows - 1).map(known).sum() };
        // The rows about one, each from its first column.
        let about = |r: usize| [r - 1, r, r + 1].map(|r| &pixels[r * cols..(r + 1) * cols]);
        let (mut twice, mut cross) = (vec![0.0f32; inner], vec![0.0f32; inner]);
        let mut power = 0.0f64;
        for r in 1..rows - 1 {
            powers(&mut twice, about(r), usable(r));
            power += f64::from(total(&twice));
        }
        // A gradient below a ten-thousandth of the brightness is rounding.
        let light = strongest(pixels);
        let rounding = f64::from(light * 1e-4).powi(2) * count as f64;
        if count * 3 < rows * cols || power <= rounding || !power.is_finite() {
            return None;
        }
        // A quarter of the mean power: strong edges count alike, noise hardly.
        let floor = (0.25 * power / count as f64) as f32;
        let mut out = vec![Complex32::new(0.0, 0.0); self.size * self.size];
        let (mut sum_re, mut sum_im) = (0.0f64, 0.0f64);
        for r in 1..rows - 1 {
            let to = &mut out[r * self.size + 1..][..inner];
            angles(to, (&mut twice, &mut cross), about(r), usable(r), floor);
            sum_re += f64::from(total(&twice));
            sum_im += f64::from(total(&cross));
        }
        let mean = Complex32::new((sum_re / count as f64) as f32, (sum_im / count as f64) as f32);
        let (down, along) = (self.taper(rows), self.taper(cols));
        let mut energy = 0.0f64;
        for r in 1..rows - 1 {
            let to = &mut out[r * self.size + 1..][..inner];
            tapered(to, &mut twice, mean, (down[r], &along[1..=inner]), usable(r));
            energy += f64::from(total(&twice));
        }
        (energy > 0.0).then_some((out, energy, (power / count as f64).sqrt() as f32))
    }
}

/// Lanes of a sum: always the same, whatever the processor.
const LANES: usize = 16;

/// The sum of a row.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn total(row: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (whole, rest) = row.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += v;
        }
    }
    lanes.iter().chain(rest).sum()
}

/// The greatest value, whatever its sign.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn strongest(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = if v.abs() > *lane { v.abs() } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(0.0, |most, v| if v.abs() > most { v.abs() } else { most })
}

/// Squares of the gradients of the middle of three rows, but for its ends, where they are usable.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn powers(out: &mut [f32], [above, here, below]: [&[f32]; 3], usable: &[f32]) {
    let n = out.len();
    let (left, right, up, down) = (&here[..n], &here[2..n + 2], &above[1..=n], &below[1..=n]);
    let usable = &usable[..n];
    for c in 0..n {
        let (gx, gy) = (right[c] - left[c], down[c] - up[c]);
        out[c] = (gx * gx + gy * gy) * usable[c];
    }
}

/// The doubled angles of the same gradients, those well under the root of `floor` short; their parts one by one as well.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn angles(
    out: &mut [Complex32],
    (twice, cross): (&mut [f32], &mut [f32]),
    [above, here, below]: [&[f32]; 3],
    usable: &[f32],
    floor: f32,
) {
    let n = out.len();
    let (left, right, up, down) = (&here[..n], &here[2..n + 2], &above[1..=n], &below[1..=n]);
    let (twice, cross, usable) = (&mut twice[..n], &mut cross[..n], &usable[..n]);
    for c in 0..n {
        let (gx, gy) = (right[c] - left[c], down[c] - up[c]);
        let (xx, yy) = (gx * gx, gy * gy);
        let weight = usable[c] / (xx + yy + floor);
        twice[c] = (xx - yy) * weight;
        cross[c] = 2.0 * gx * gy * weight;
    }
    for c in 0..n {
        out[c] = Complex32::new(twice[c], cross[c]);
    }
}

/// Takes the mean out of a row and tapers it; `energy` gets the squares.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn tapered(
    row: &mut [Complex32],
    energy: &mut [f32],
    mean: Complex32,
    (down, along): (f32, &[f32]),
    usable: &[f32],
) {
    let n = row.len();
    let (energy, along, usable) = (&mut energy[..n], &along[..n], &usable[..n]);
    for c in 0..n {
        let weight = down * along[c] * usable[c];
        let v = Complex32::new((row[c].re - mean.re) * weight, (row[c].im - mean.im) * weight);
        energy[c] = v.re * v.re + v.im * v.im;
        row[c] = v;
    }
}

/// Weights that fall to 0 over a quarter of a line at either end (Tukey).
fn taper(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| {
            let edge = (i.min(n - 1 - i) as f32 + 0.5) / (0.25 * n as f32);
            if edge >= 1.0 { 1.0 } else { 0.5 - 0.5 * (std::f32::consts::PI * edge).cos() }
        })
        .collect()
}

/// Correlation of the taper of a line of `n` with itself, displaced by 0 to `most`; 1 where it is not.
fn overlap(n: usize, most: usize) -> Vec<f32> {
    let taper = taper(n);
    let at = |d: usize| taper.iter().zip(taper.iter().skip(d)).map(|(a, b)| a * b).sum::<f32>();
    let whole = at(0);
    (0..=most).map(|d| (at(d) / whole).max(0.1)).collect()
}

fn transpose(data: &mut [Complex32], n: usize) {
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
    /// The mean of surfaces of equal shape; `None` of none.
    pub fn mean<'a>(surfaces: impl IntoIterator<Item = &'a Surface>) -> Option<Surface> {
        let mut surfaces = surfaces.into_iter();
        let mut mean = surfaces.next()?.clone();
        let mut count = 1.0;
        for surface in surfaces {
            mean.values += &surface.values;
            count += 1.0;
        }
        mean.values /= count;
        Some(mean)
    }

    /// The highest point, to a fraction of a pixel; `None` where it lies on the rim, that is, where the true peak may be
    /// out of reach, and where the surface is no hill there.
    pub fn peak(&self) -> Option<Peak> {
        let n = self.values.nrows();
        let within = |i: usize| (LOBES..n - LOBES).contains(&i);
        let ((r, c), &height) = self
            .values
            .indexed_iter()
            .filter(|((i, j), _)| within(*i) && within(*j))
            .fold(((0, 0), &f32::MIN), |best, v| if v.1 > best.1 { v } else { best });
        let rim = |i: usize| i <= LOBES || i + LOBES + 1 >= n;
        if rim(r) || rim(c) || height <= 0.0 {
            return None;
        }
        let mut top = self.climb((r, c), (r as f64, c as f64), lanczos)?;
        let [_, _, hrr, hcc, hrc] = top.1;
        if height >= ALIKE {
            top = self.climb((r, c), top.0, bell).unwrap_or(top);
        }
        let (y, x) = top.0;
        let far = |(i, j): (usize, usize)| i.abs_diff(r).max(j.abs_diff(c)) > PEAK_PX;
        let noise = self.values.indexed_iter().filter(|&(at, _)| far(at)).map(|(_, &v)| v);
        let (mut second, mut sum, mut squares, mut count) = (1e-6f32, 0.0f64, 0.0f64, 0usize);
        for v in noise {
            second = second.max(v);
            sum += f64::from(v);
            squares += f64::from(v).powi(2);
            count += 1;
        }
        let n = count.max(1) as f64;
        let deviation = (squares / n - (sum / n).powi(2)).max(0.0).sqrt();
        // The flatter of the two directions.
        let flat = -0.5 * (hrr + hcc) - (0.25 * (hrr - hcc).powi(2) + hrc * hrc).sqrt();
        let half = (self.values.nrows() / 2) as f64;
        Some(Peak {
            d_row_px: y - half,
            d_col_px: x - half,
            height,
            prominence: height / second,
            // White noise under the low pass has slopes of its deviation over √2·LOW_PASS_PX.
            sigma_px: deviation / (f64::from(LOW_PASS_PX) * std::f64::consts::SQRT_2) / flat.max(1e-9),
        })
    }

    /// Root mean square of the gradients of both windows, in their own brightness.
    pub fn detail(&self) -> [f32; 2] {
        self.detail
    }

    /// How many pixels a peak may lie from 0.
    pub fn reach(&self) -> usize {
        self.reach
    }

    /// The top of the hill at a point, from a place near it, and its slopes and curvatures; `None` where there is no hill.
    fn climb(
        &self,
        point: (usize, usize),
        from: (f64, f64),
        kernel: Kernel,
    ) -> Option<((f64, f64), [f64; 5])> {
        let (mut y, mut x) = from;
        let mut hill = self.hill(y, x, kernel);
        for _ in 0..8 {
            let [gr, gc, hrr, hcc, hrc] = hill;
            let det = hrr * hcc - hrc * hrc;
            if det <= 0.0 || hrr >= 0.0 {
                return None;
            }
            let step = |v: f64| v.clamp(-0.5, 0.5);
            let (dy, dx) = (step((hrc * gc - hcc * gr) / det), step((hrc * gr - hrr * gc) / det));
            (y, x) = (y + dy, x + dx);
            if (y - point.0 as f64).abs() > 1.0 || (x - point.1 as f64).abs() > 1.0 {
                return None;
            }
            hill = self.hill(y, x, kernel);
            if dy.abs().max(dx.abs()) < 1e-4 {
                break;
            }
        }
        Some(((y, x), hill))
    }

    /// Slope and curvature at a place: along rows, along columns; twice along rows, twice along columns, mixed.
    fn hill(&self, y: f64, x: f64, kernel: Kernel) -> [f64; 5] {
        const STEP: f64 = 0.05;
        let [up, mid, down] = [-STEP, 0.0, STEP].map(|d| Between::points(y + d, kernel));
        let [left, centre, right] = [-STEP, 0.0, STEP].map(|d| Between::points(x + d, kernel));
        let (o, n, s) = (self.at(&mid, &centre), self.at(&up, &centre), self.at(&down, &centre));
        let (w, e) = (self.at(&mid, &left), self.at(&mid, &right));
        let mixed =
            self.at(&down, &right) - self.at(&down, &left) - self.at(&up, &right) + self.at(&up, &left);
        let twice = STEP * STEP;
        [
            (s - n) / (2.0 * STEP),
            (e - w) / (2.0 * STEP),
            (s - 2.0 * o + n) / twice,
            (e - 2.0 * o + w) / twice,
            mixed / (4.0 * twice),
        ]
    }

    /// The surface between its points.
    fn at(&self, y: &Between, x: &Between) -> f64 {
        let mut sum = 0.0;
        for (k, wy) in y.weights.iter().enumerate() {
            for (l, wx) in x.weights.iter().enumerate() {
                let at = ((y.point + k).wrapping_sub(LOBES - 1), (x.point + l).wrapping_sub(LOBES - 1));
                sum += wy * wx * self.values.get(at).copied().map_or(0.0, f64::from);
            }
        }
        sum
    }
}

/// A place between points of a surface.
struct Between {
    /// The point before it.
    point: usize,
    weights: [f64; 2 * LOBES],
}

impl Between {
    fn points(v: f64, kernel: Kernel) -> Self {
        Self { point: v.floor() as usize, weights: kernel(v - v.floor()) }
    }
}

/// Weights of the 2·[`LOBES`] neighbours of a place `t` past the one in the middle, 0–1; they sum to 1.
type Kernel = fn(f64) -> [f64; 2 * LOBES];

/// The weights that interpolate.
fn lanczos(t: f64) -> [f64; 2 * LOBES] {
    let sinc = |v: f64| {
        if v.abs() < 1e-9 { 1.0 } else { (std::f64::consts::PI * v).sin() / (std::f64::consts::PI * v) }
    };
    weights(t, |d| if d.abs() >= LOBES as f64 { 0.0 } else { sinc(d) * sinc(d / LOBES as f64) })
}

/// Those that smooth as well, by [`BELL_PX`].
fn bell(t: f64) -> [f64; 2 * LOBES] {
    weights(t, |d| (-0.5 * (d / BELL_PX).powi(2)).exp())
}

/// What `of` gives for the distances of the neighbours, as shares of their sum.
fn weights(t: f64, of: impl Fn(f64) -> f64) -> [f64; 2 * LOBES] {
    let mut weights = std::array::from_fn(|k| of(t - (k as f64 - (LOBES as f64 - 1.0))));
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= sum);
    weights
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
    fn a_shift_is_found_to_a_thirtieth_of_a_pixel_wherever_it_falls() {
        let valid = Array2::from_elem((100, 120), true);
        let a = texture(100, 120, 0.0, 0.0);
        let correlator = Correlator::new(128, 0.7);
        for (dr, dc) in [(2.3, -1.6), (0.25, 0.5), (-0.1, 0.75), (3.5, -2.9)] {
            let b = texture(100, 120, dr, dc);
            let peak = correlator.surface((&a, &valid), (&b, &valid), 8).unwrap().peak().unwrap();
            assert!((peak.d_row_px - dr).abs() < 0.03 && (peak.d_col_px - dc).abs() < 0.03, "{peak:?}");
        }
    }

    #[test]
    fn reversed_contrast_and_light_change_nothing() {
        let valid = Array2::from_elem((100, 120), true);
        let (a, b) = (texture(100, 120, 0.0, 0.0), texture(100, 120, 2.0, 1.0));
        let c = Correlator::new(128, 0.7);
        let straight = c.surface((&a, &valid), (&b, &valid), 8).unwrap().peak().unwrap();
        let reversed =
            c.surface((&a, &valid), (&b.mapv(|v| 90.0 - 3.0 * v), &valid), 8).unwrap().peak().unwrap();
        assert!((straight.d_row_px - reversed.d_row_px).abs() < 1e-3);
    }

    #[test]
    fn noise_moves_a_peak_by_what_is_said() {
        let valid = Array2::from_elem((128, 128), true);
        let correlator = Correlator::new(128, 0.7);
        let noise = |seed: u32| {
            let mut state = seed;
            move || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state >> 8) / f64::from(1u32 << 24) - 0.5
            }
        };
        let (mut squares, mut said) = (0.0, 0.0);
        for seed in 0..20 {
            let (mut n, mut m) = (noise(seed * 2 + 1), noise(seed * 2 + 2));
            let a = texture(128, 128, 0.0, 0.0).mapv(|v| v + 4.0 * n() as f32);
            let b = texture(128, 128, 0.4, -0.3).mapv(|v| v + 4.0 * m() as f32);
            let peak = correlator.surface((&a, &valid), (&b, &valid), 12).unwrap().peak().unwrap();
            squares += (peak.d_row_px - 0.4).powi(2).max((peak.d_col_px + 0.3).powi(2));
            said += peak.sigma_px;
        }
        let (is, said) = ((squares / 20.0).sqrt(), said / 20.0);
        assert!(said / is > 0.4 && said / is < 2.5, "moved by {is}, said {said}");
    }

    #[test]
    fn plain_ground_has_no_surface() {
        let (plain, valid) = (Array2::from_elem((64, 64), 5.0), Array2::from_elem((64, 64), true));
        assert!(Correlator::new(64, 0.7).surface((&plain, &valid), (&plain, &valid), 8).is_none());
    }
}
