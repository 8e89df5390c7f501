//! Ground that is made up.

/// A number of 0–1 that depends on a place and a seed alone.
pub fn hash(row: i64, col: i64, seed: u32) -> f32 {
    let mut h = (row as u32).wrapping_mul(0x9e37_79b1) ^ (col as u32).wrapping_mul(0x85eb_ca77) ^ seed;
    h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
    ((h ^ (h >> 15)) >> 8) as f32 / (1u32 << 24) as f32
}

/// Noise that varies over `size` pixels.
pub fn noise(row: f64, col: f64, size: f64, seed: u32) -> f32 {
    let (y, x) = (row / size, col / size);
    let (u, v) = ((y - y.floor()) as f32, (x - x.floor()) as f32);
    let (i, j) = (y.floor() as i64, x.floor() as i64);
    let across = |i| hash(i, j, seed) * (1.0 - v) + hash(i, j + 1, seed) * v;
    across(i) * (1.0 - u) + across(i + 1) * u
}
