//! Separable Gaussian smoothing that keeps invalid pixels out.

use multiversion::multiversion;
use ndarray::Array2;

/// Reach of the kernel on either side, pixels: three sigma.
pub fn radius_px(sigma_px: f32) -> usize {
    (3.0 * sigma_px).ceil() as usize
}

/// `image` smoothed with a Gaussian of `sigma_px`; same shape and unit.
///
/// Invalid pixels and those beyond the edge weigh nothing (normalised convolution, Knutsson & Westin 1993).
/// Where no valid pixel is within reach the result is 0.
pub fn smooth(image: &Array2<f32>, valid: &Array2<bool>, sigma_px: f32) -> Array2<f32> {
    let kernel = kernel(sigma_px);
    if valid.iter().all(|&v| v) {
        // The weights are those of the edges alone: a product of one for the row and one for the column.
        let mut sum = image.clone();
        separable(&mut sum, &kernel);
        let (rows, cols) = sum.dim();
        let (down, along) = (edge_weights(rows, &kernel), edge_weights(cols, &kernel));
        for (mut row, d) in sum.rows_mut().into_iter().zip(&down) {
            row.iter_mut().zip(&along).for_each(|(s, a)| *s *= d * a);
        }
        return sum;
    }
    let mut weight = valid.mapv(|v| f32::from(u8::from(v)));
    let mut sum = Array2::zeros(image.raw_dim());
    ndarray::Zip::from(&mut sum)
        .and(image)
        .and(&weight)
        .for_each(|s, &i, &w| *s = if w > 0.0 { i } else { 0.0 });
    separable(&mut sum, &kernel);
    separable(&mut weight, &kernel);
    ndarray::Zip::from(&mut sum).and(&weight).for_each(|s, &w| *s = if w > 1e-3 { *s / w } else { 0.0 });
    sum
}

/// One over the weight of the kernel that lies within a line of `n`, for each of its places.
fn edge_weights(n: usize, half: &[f32]) -> Vec<f32> {
    let beyond = |room: usize| half.iter().skip(room + 1).sum::<f32>();
    (0..n).map(|i| 1.0 / (1.0 - beyond(i) - beyond(n - 1 - i))).collect()
}

/// Half of a symmetric kernel, the centre first, that sums to 1.
fn kernel(sigma_px: f32) -> Vec<f32> {
    let half: Vec<f32> =
        (0..=radius_px(sigma_px)).map(|i| (-0.5 * (i as f32 / sigma_px).powi(2)).exp()).collect();
    let sum = half[0] + 2.0 * half[1..].iter().sum::<f32>();
    half.iter().map(|k| k / sum).collect()
}

/// Convolves rows and columns in place; beyond the edge is 0.
fn separable(image: &mut Array2<f32>, half: &[f32]) {
    let (rows, cols) = image.dim();
    let radius = half.len() - 1;
    let mut padded = vec![0.0; cols + 2 * radius];
    let source = image.clone();
    let mut line = vec![0.0f32; cols];
    for r in 0..rows {
        line.iter_mut().zip(source.row(r)).for_each(|(l, &v)| *l = v * half[0]);
        for (k, &weight) in half.iter().enumerate().skip(1) {
            if let (true, Some(above)) = (r >= k, source.row(r.wrapping_sub(k).min(rows - 1)).as_slice()) {
                add_scaled(&mut line, above, weight);
            }
            if let (true, Some(below)) = (r + k < rows, source.row((r + k).min(rows - 1)).as_slice()) {
                add_scaled(&mut line, below, weight);
            }
        }
        padded[radius..radius + cols].copy_from_slice(&line);
        line.iter_mut().zip(&padded[radius..]).for_each(|(l, &v)| *l = v * half[0]);
        for (k, &weight) in half.iter().enumerate().skip(1) {
            add_scaled(&mut line, &padded[radius - k..radius - k + cols], weight);
            add_scaled(&mut line, &padded[radius + k..radius + k + cols], weight);
        }
        image.row_mut(r).iter_mut().zip(&line).for_each(|(o, &l)| *o = l);
    }
}

/// `to += weight · from`, element by element.
#[multiversion(targets("x86_64+avx2"))]
fn add_scaled(to: &mut [f32], from: &[f32], weight: f32) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += weight * f;
    }
}

/// `to += from`, element by element.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn add(to: &mut [f32], from: &[f32]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t += f;
    }
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
    fn a_point_spreads_to_the_gaussian() {
        let mut image = Array2::zeros((15, 21));
        image[(7, 9)] = 1.0;
        let out = smooth(&image, &Array2::from_elem((15, 21), true), 1.5);
        let ratio = out[(7, 11)] / out[(7, 9)];
        assert!((ratio - (-0.5f32 * (2.0f32 / 1.5).powi(2)).exp()).abs() < 1e-5);
        assert!((out[(5, 9)] - out[(7, 11)]).abs() < 1e-7);
    }
}
