//! Sums over rows of pixels, wide enough for the lanes of a vector register.
//!
//! Each function goes through its rows in blocks that stay in registers, so that a result is written once, not once
//! for every term. The order of the terms is the same for every element and every instruction set.

use multiversion::multiversion;

/// Elements that are summed at a time.
const BLOCK: usize = 32;

/// The block of `row` at `at`; `None` at its end.
#[inline(always)]
fn block(row: &[f32], at: usize) -> Option<&[f32; BLOCK]> {
    row.get(at..).and_then(<[f32]>::first_chunk)
}

/// `out = Σ rows`, element by element. Rows may be longer than `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn sum(out: &mut [f32], rows: &[&[f32]]) {
    let whole = out.len() / BLOCK * BLOCK;
    for at in (0..whole).step_by(BLOCK) {
        let mut acc = [0.0f32; BLOCK];
        for row in rows {
            let Some(row) = block(row, at) else { return };
            for (a, v) in acc.iter_mut().zip(row) {
                *a += v;
            }
        }
        out[at..at + BLOCK].copy_from_slice(&acc);
    }
    for (i, out) in out.iter_mut().enumerate().skip(whole) {
        let mut acc = 0.0;
        for row in rows {
            acc += row[i];
        }
        *out = acc;
    }
}

/// `out = weights[0] · centre + Σ weights[k] · (pairs[k − 1].0 + pairs[k − 1].1)`, element by element.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn symmetric(out: &mut [f32], centre: &[f32], pairs: &[(&[f32], &[f32])], weights: &[f32]) {
    let whole = out.len() / BLOCK * BLOCK;
    for at in (0..whole).step_by(BLOCK) {
        let Some(centre) = block(centre, at) else { return };
        let mut acc = centre.map(|v| weights[0] * v);
        for ((a, b), w) in pairs.iter().zip(&weights[1..]) {
            let (Some(a), Some(b)) = (block(a, at), block(b, at)) else { return };
            for ((acc, a), b) in acc.iter_mut().zip(a).zip(b) {
                *acc += w * (a + b);
            }
        }
        out[at..at + BLOCK].copy_from_slice(&acc);
    }
    for i in whole..out.len() {
        let mut acc = weights[0] * centre[i];
        for ((a, b), w) in pairs.iter().zip(&weights[1..]) {
            acc += w * (a[i] + b[i]);
        }
        out[i] = acc;
    }
}

/// Where the best of `flanks`, each the lower of its two sides, less `core` beats `strength`, it and `k` replace
/// what was there.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn keep_stronger(
    strength: &mut [f32],
    winner: &mut [u32],
    k: u32,
    core: &[f32],
    flanks: &[(&[f32], &[f32])],
) {
    let lower = |a: f32, b: f32| if a < b { a } else { b };
    let higher = |a: f32, b: f32| if a > b { a } else { b };
    let whole = strength.len() / BLOCK * BLOCK;
    for at in (0..whole).step_by(BLOCK) {
        let mut best = [f32::MIN; BLOCK];
        for (left, right) in flanks {
            let (Some(left), Some(right)) = (block(left, at), block(right, at)) else { return };
            for ((best, &l), &r) in best.iter_mut().zip(left).zip(right) {
                *best = higher(lower(l, r), *best);
            }
        }
        let Some(core) = block(core, at) else { return };
        let (strength, winner) = (&mut strength[at..at + BLOCK], &mut winner[at..at + BLOCK]);
        for (((s, w), &f), &c) in strength.iter_mut().zip(winner).zip(&best).zip(core) {
            let new = f - c;
            *w = if new > *s { k } else { *w };
            *s = if new > *s { new } else { *s };
        }
    }
    for i in whole..strength.len() {
        let best = flanks.iter().fold(f32::MIN, |m, (l, r)| higher(lower(l[i], r[i]), m));
        let new = best - core[i];
        if new > strength[i] {
            (strength[i], winner[i]) = (new, k);
        }
    }
}

/// Raises each element of `out` to that of `row` where that is higher. Neither may hold NaN.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn raise(out: &mut [f32], row: &[f32]) {
    for (o, &v) in out.iter_mut().zip(row) {
        *o = if v > *o { v } else { *o };
    }
}

/// Divides each element of `row` by `(1 − share) · first + share · second`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn divide(row: &mut [f32], first: &[f32], second: &[f32], share: f32) {
    for ((v, a), b) in row.iter_mut().zip(first).zip(second) {
        *v /= a * (1.0 - share) + b * share;
    }
}

/// Adds the roots of `strength`, the amounts of `image`, and ones to the three rows of `sums`, where `valid`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn add_known(sums: &mut [Vec<f32>; 3], strength: &[f32], image: &[f32], valid: &[bool]) {
    let [root, light, count] = sums;
    let values = strength.iter().zip(image).zip(valid);
    for (((root, light), count), ((s, i), &ok)) in root.iter_mut().zip(light).zip(count).zip(values) {
        let known = f32::from(u8::from(ok));
        *root += if ok { s.sqrt() } else { 0.0 };
        *light += if ok { i.abs() } else { 0.0 };
        *count += known;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seed: usize) -> Vec<f32> {
        (0..71).map(|i| ((i * 37 + seed * 101) % 53) as f32 * 0.37).collect()
    }

    #[test]
    fn blocks_and_rest_agree_with_the_plain_sum() {
        let (a, b, c) = (row(1), row(2), row(3));
        let mut out = vec![9.0; 71];
        sum(&mut out, &[&a, &b, &c]);
        assert!((0..71).all(|i| out[i] == a[i] + b[i] + c[i]));
        symmetric(&mut out, &a, &[(&b, &c)], &[0.5, 0.25]);
        assert!((0..71).all(|i| out[i] == 0.5 * a[i] + 0.25 * (b[i] + c[i])));
    }

    #[test]
    fn the_stronger_direction_stays() {
        let (core, left, right) = (row(1), row(2), row(3));
        let (mut strength, mut winner) = (vec![1.0; 71], vec![7; 71]);
        keep_stronger(&mut strength, &mut winner, 4, &core, &[(&left, &right), (&right, &right)]);
        for i in 0..71 {
            let new = right[i] - core[i];
            let expected = if new > 1.0 { (new, 4) } else { (1.0, 7) };
            assert_eq!((strength[i], winner[i]), expected);
        }
    }
}
