//! Separable Gaussian smoothing that keeps invalid pixels out.

use ndarray::{Array2, ArrayView2};

use super::Buffers;
use crate::{lanes, resample};

/// Reach of the kernel on either side, pixels: three sigma.
pub fn radius_px(sigma_px: f32) -> usize {
    (3.0 * sigma_px).ceil() as usize
}

/// `image` smoothed with a Gaussian of `sigma_px`; same shape and unit.
///
/// Invalid pixels and those beyond the edge weigh nothing (normalised convolution, Knutsson & Westin 1993).
/// Where no valid pixel is within reach the result is 0.
pub fn smooth<'a>(image: impl Into<ArrayView2<'a, f32>>, valid: &Array2<bool>, sigma_px: f32) -> Array2<f32> {
    smooth_into(image.into(), valid, sigma_px, &mut Buffers::default())
}

/// The same, in memory that was used before.
pub(crate) fn smooth_into(
    image: ArrayView2<'_, f32>,
    valid: &Array2<bool>,
    sigma_px: f32,
    buffers: &mut Buffers,
) -> Array2<f32> {
    let kernel = kernel(sigma_px);
    if valid.as_slice().is_some_and(resample::all) {
        let mut sum = buffers.plane(image.dim());
        separable(&mut sum, image, &kernel);
        divide_by_weight_of_whole(&mut sum, &kernel);
        return sum;
    }
    let weight = valid.mapv(|v| f32::from(u8::from(v)));
    let known = ndarray::Zip::from(image).and(valid).map_collect(|&i, &ok| if ok { i } else { 0.0 });
    let mut sum = buffers.plane(image.dim());
    separable(&mut sum, known.view(), &kernel);
    let mut weights = buffers.plane(image.dim());
    separable(&mut weights, weight.view(), &kernel);
    ndarray::Zip::from(&mut sum).and(&weights).for_each(|s, &w| *s = if w > 1e-3 { *s / w } else { 0.0 });
    buffers.give(weights);
    sum
}

/// Divides by the weight of the kernel where every pixel is valid, without convolving an image of ones.
///
/// The weights are summed in the order of [`separable`], so that they are the same to the last bit: a window
/// without nodata must not differ from one with some far away.
fn divide_by_weight_of_whole(sum: &mut Array2<f32>, half: &[f32]) {
    let (rows, cols) = sum.dim();
    let radius = half.len() - 1;
    let (mut last, mut weights) = (f32::NAN, vec![0.0f32; cols]);
    let mut padded = vec![0.0f32; cols + 2 * radius];
    for (r, mut row) in sum.rows_mut().into_iter().enumerate() {
        let mut down = half[0];
        for (k, &weight) in half.iter().enumerate().skip(1) {
            let there = |yes: bool| if yes { 1.0f32 } else { 0.0 };
            down += weight * (there(r >= k) + there(r + k < rows));
        }
        // Only rows near the edge differ from the one before.
        if down.to_bits() != last.to_bits() {
            last = down;
            padded[radius..radius + cols].fill(down);
            across(&mut weights, &padded, half);
        }
        if let Some(row) = row.as_slice_mut() {
            lanes::quotient(row, &weights);
        }
    }
}

/// Half of a symmetric kernel, the centre first, that sums to 1.
fn kernel(sigma_px: f32) -> Vec<f32> {
    let half: Vec<f32> =
        (0..=radius_px(sigma_px)).map(|i| (-0.5 * (i as f32 / sigma_px).powi(2)).exp()).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f32>();
    half.iter().map(|k| k / sum).collect()
}

/// `image` convolved along rows and columns; beyond the edge is 0.
fn separable(out: &mut Array2<f32>, image: ArrayView2<'_, f32>, half: &[f32]) {
    let (rows, cols) = image.dim();
    let radius = half.len() - 1;
    let nothing = vec![0.0; cols];
    let mut padded = vec![0.0; cols + 2 * radius];
    let row =
        |r: Option<usize>| r.filter(|&r| r < rows).and_then(|r| image.row(r).to_slice()).unwrap_or(&nothing);
    for (r, mut line) in out.rows_mut().into_iter().enumerate() {
        let pairs: Vec<_> = (1..=radius).map(|k| (row(r.checked_sub(k)), row(Some(r + k)))).collect();
        lanes::symmetric(&mut padded[radius..radius + cols], row(Some(r)), &pairs, half);
        if let Some(line) = line.as_slice_mut() {
            across(line, &padded, half);
        }
    }
}

/// A row convolved; `padded` is longer than `out` by the radius on either side.
fn across(out: &mut [f32], padded: &[f32], half: &[f32]) {
    let radius = half.len() - 1;
    let pairs: Vec<_> = (1..=radius).map(|k| (&padded[radius - k..], &padded[radius + k..])).collect();
    lanes::symmetric(out, &padded[radius..], &pairs, half);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_even_beside_nodata() {
        let mut image = Array2::from_elem((11, 17), 7.0);
        let mut valid = Array2::from_elem((11, 17), true);
        image[(4, 5)] = 1e6;
        valid[(4, 5)] = false;
        let out = smooth(&image, &valid, 1.3);
        assert!(out.iter().all(|v| (v - 7.0).abs() < 1e-4));
    }

    #[test]
    fn nodata_far_away_changes_no_bit() {
        let image = Array2::from_shape_fn((40, 57), |(r, c)| ((r * 31 + c * 17) % 101) as f32);
        let whole = Array2::from_elem((40, 57), true);
        let mut holed = whole.clone();
        holed[(39, 56)] = false;
        let (a, b) = (smooth(&image, &whole, 1.3), smooth(&image, &holed, 1.3));
        assert_eq!(a.slice(ndarray::s![..35, ..50]), b.slice(ndarray::s![..35, ..50]));
    }

    #[test]
    fn a_point_spreads_to_the_gaussian() {
        let mut image = Array2::zeros((15, 21));
        image[(7, 9)] = 1.0;
        let out = smooth(&image, &Array2::from_elem((15, 21), true), 1.5);
        let ratio = out[(7, 11)] / out[(7, 9)];
        assert!((ratio - (-0.5f32 * (2.0f32 / 1.5).powi(2)).exp()).abs() < 1e-5);
        assert!((out[(5, 9)] - out[(7, 11)]).abs() < 1e-7);
    }
}
