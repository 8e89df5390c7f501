//! Random numbers that depend on the place alone, so that a window can be rendered by itself.

/// 32 well mixed bits of a seed and two whole numbers (the finaliser of MurmurHash3).
#[inline]
pub(crate) fn hash(seed: u32, i: i32, j: i32) -> u32 {
    let mut h =
        seed ^ (i as u32).wrapping_mul(0x9e37_79b1) ^ (j as u32).wrapping_mul(0x85eb_ca77).rotate_left(13);
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

/// Even in 0–1.
#[inline]
pub(crate) fn unit(seed: u32, i: i32, j: i32) -> f32 {
    (hash(seed, i, j) >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Even in −1–1.
#[inline]
fn signed(seed: u32, i: i32, j: i32) -> f32 {
    (hash(seed, i, j) >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}

/// Nearly normal, mean 0, standard deviation 1: the sum of four even numbers of a byte and a half each.
#[inline]
pub(crate) fn normal(seed: u32, i: i32, j: i32) -> f32 {
    let (a, b) = (hash(seed, i, j), hash(seed ^ 0x68bc_21eb, i, j));
    let sum = (a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16);
    (sum as f32 / 65_535.0 - 2.0) * 1.732_05
}

/// The whole number at or below `x`. `f64::floor` is a call on processors without SSE 4.1; this is not.
#[inline]
pub(crate) fn floor(x: f64) -> i32 {
    let i = x as i32;
    i - i32::from(x < f64::from(i))
}

/// Smooth noise in −1–1 over a lattice of unit cells, with continuous slope.
#[inline]
pub(crate) fn value(seed: u32, x: f64, y: f64) -> f32 {
    let (i, j) = (floor(x), floor(y));
    let (u, v) = ((x - f64::from(i)) as f32, (y - f64::from(j)) as f32);
    let (u, v) = (u * u * (3.0 - 2.0 * u), v * v * (3.0 - 2.0 * v));
    let (a, b) = (signed(seed, i, j), signed(seed, i.wrapping_add(1), j));
    let (c, d) = (signed(seed, i, j.wrapping_add(1)), signed(seed, i.wrapping_add(1), j.wrapping_add(1)));
    let (top, bottom) = (a + (b - a) * u, c + (d - c) * u);
    top + (bottom - top) * v
}

/// Smooth noise in −1–1 along a line.
#[inline]
pub(crate) fn value_1d(seed: u32, x: f64) -> f32 {
    let i = floor(x);
    let u = (x - f64::from(i)) as f32;
    let u = u * u * (3.0 - 2.0 * u);
    let (a, b) = (signed(seed, i, 0), signed(seed, i.wrapping_add(1), 0));
    a + (b - a) * u
}

/// 0 below `from`, 1 above `to`, smooth between; runs down where `from > to`.
#[inline]
pub(crate) fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_has_mean_0_and_deviation_1() {
        let n = 200;
        let all: Vec<f32> = (0..n * n).map(|k| normal(7, k / n, k % n)).collect();
        let mean = all.iter().sum::<f32>() / all.len() as f32;
        let deviation = (all.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / all.len() as f32).sqrt();
        assert!(mean.abs() < 0.02 && (deviation - 1.0).abs() < 0.02, "{mean} {deviation}");
    }

    #[test]
    fn value_is_continuous_across_cells_and_0() {
        for k in -5..5 {
            let at = f64::from(k);
            let step = value(3, at + 1e-6, 0.3 - at) - value(3, at - 1e-6, 0.3 - at);
            assert!(step.abs() < 1e-4);
        }
    }
}
