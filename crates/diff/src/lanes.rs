//! Sums over rows of pixels, wide enough for the lanes of a vector register.
//!
//! Each function knows how many rows there are when it is compiled: then one loop over the pixels holds all terms in
//! registers, and a result is written once, not once for every term. The order of the terms is the same for every element
//! and every instruction set.

use multiversion::multiversion;

/// Rows that are summed at a time.
const AT_A_TIME: usize = 12;

/// Calls a function for the number of items in a slice, each of which an arm names; the last arm is for all others.
macro_rules! by_length {
    ($slice:expr, [$($n:literal)*], $known:ident => $call:expr, $other:expr) => {
        match $slice.len() {
            $($n => if let Some($known) = $slice.first_chunk::<$n>() { $call },)*
            _ => $other,
        }
    };
}

/// `out = Σ rows`, element by element. Rows may be longer than `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn sum(out: &mut [f32], rows: &[&[f32]]) {
    let mut first = true;
    for rows in rows.chunks(AT_A_TIME) {
        by_length!(rows, [1 2 3 4 5 6 7 8 9 10 11 12], rows => sum_of(out, rows, first), ());
        first = false;
    }
    if first {
        out.fill(0.0);
    }
}

/// The same of `N` rows, added to `out` where they are not the first.
#[inline(always)]
fn sum_of<const N: usize>(out: &mut [f32], rows: &[&[f32]; N], first: bool) {
    let n = out.len();
    let rows = rows.map(|row| &row[..n]);
    if first {
        for (i, out) in out.iter_mut().enumerate() {
            *out = rows.iter().fold(0.0, |sum, row| sum + row[i]);
        }
    } else {
        for (i, out) in out.iter_mut().enumerate() {
            *out = rows.iter().fold(*out, |sum, row| sum + row[i]);
        }
    }
}

/// `out = weights[0] · centre + Σ weights[k] · (pairs[k − 1].0 + pairs[k − 1].1)`, element by element.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn symmetric(out: &mut [f32], centre: &[f32], pairs: &[(&[f32], &[f32])], weights: &[f32]) {
    by_length!(pairs, [1 2 3 4 5 6], pairs => symmetric_of(out, centre, pairs, weights), {
        for (i, out) in out.iter_mut().enumerate() {
            let terms = pairs.iter().zip(&weights[1..]);
            *out = terms.fold(weights[0] * centre[i], |sum, ((a, b), w)| sum + w * (a[i] + b[i]));
        }
    });
}

#[inline(always)]
fn symmetric_of<const N: usize>(
    out: &mut [f32],
    centre: &[f32],
    pairs: &[(&[f32], &[f32]); N],
    weights: &[f32],
) {
    let n = out.len();
    let Some((first, weights)) = weights.split_first() else { return };
    let Some(weights) = weights.first_chunk::<N>() else { return };
    let (centre, pairs) = (&centre[..n], pairs.map(|(a, b)| (&a[..n], &b[..n])));
    for (i, out) in out.iter_mut().enumerate() {
        let terms = pairs.iter().zip(weights);
        *out = terms.fold(first * centre[i], |sum, ((a, b), w)| sum + w * (a[i] + b[i]));
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
    by_length!(flanks, [1 2 3 4], flanks => keep_stronger_of(strength, winner, k, core, flanks), {
        for i in 0..strength.len() {
            let new = best(flanks, i) - core[i];
            if new > strength[i] {
                (strength[i], winner[i]) = (new, k);
            }
        }
    });
}

#[inline(always)]
fn keep_stronger_of<const N: usize>(
    strength: &mut [f32],
    winner: &mut [u32],
    k: u32,
    core: &[f32],
    flanks: &[(&[f32], &[f32]); N],
) {
    let n = strength.len();
    let (winner, core, flanks) = (&mut winner[..n], &core[..n], flanks.map(|(l, r)| (&l[..n], &r[..n])));
    for (i, strength) in strength.iter_mut().enumerate() {
        let new = best(&flanks, i) - core[i];
        winner[i] = if new > *strength { k } else { winner[i] };
        *strength = if new > *strength { new } else { *strength };
    }
}

/// The highest of what is the lower of two sides.
#[inline(always)]
fn best(flanks: &[(&[f32], &[f32])], i: usize) -> f32 {
    let lower = |a: f32, b: f32| if a < b { a } else { b };
    let higher = |a: f32, b: f32| if a > b { a } else { b };
    flanks.iter().fold(f32::MIN, |most, (l, r)| higher(lower(l[i], r[i]), most))
}

/// Raises each element of `out` to that of `row` where that is higher. Neither may hold NaN.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn raise(out: &mut [f32], row: &[f32]) {
    for (o, &v) in out.iter_mut().zip(row) {
        *o = if v > *o { v } else { *o };
    }
}

/// Divides each element of `row` by that of `by`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn quotient(row: &mut [f32], by: &[f32]) {
    for (v, by) in row.iter_mut().zip(by) {
        *v /= by;
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
    fn any_number_of_rows_agrees_with_the_plain_sum() {
        let (a, b, c) = (row(1), row(2), row(3));
        let mut out = vec![9.0; 71];
        sum(&mut out, &[&a, &b, &c]);
        assert!((0..71).all(|i| out[i] == a[i] + b[i] + c[i]));
        symmetric(&mut out, &a, &[(&b, &c)], &[0.5, 0.25]);
        assert!((0..71).all(|i| out[i] == 0.5 * a[i] + 0.25 * (b[i] + c[i])));
        let many: Vec<Vec<f32>> = (0..30).map(row).collect();
        for n in 0..30 {
            let rows: Vec<&[f32]> = many[..n].iter().map(Vec::as_slice).collect();
            sum(&mut out, &rows);
            assert!((0..71).all(|i| out[i] == rows.iter().fold(0.0, |sum, row| sum + row[i])), "{n}");
            let (pairs, weights) = (vec![(&many[0][..], &many[1][..]); n], vec![0.5; n + 1]);
            symmetric(&mut out, &a, &pairs, &weights);
            let plain = |i: usize| (0..n).fold(0.5 * a[i], |sum, _| sum + 0.5 * (many[0][i] + many[1][i]));
            assert!((0..71).all(|i| out[i] == plain(i)), "{n}");
        }
    }

    #[test]
    fn the_stronger_direction_stays() {
        let (core, left, right) = (row(1), row(2), row(3));
        for more in [1, 2, 3, 9] {
            let (mut strength, mut winner) = (vec![1.0; 71], vec![7; 71]);
            let mut flanks = vec![(&left[..], &right[..])];
            flanks.extend(vec![(&right[..], &right[..]); more]);
            keep_stronger(&mut strength, &mut winner, 4, &core, &flanks);
            for i in 0..71 {
                let new = right[i] - core[i];
                let expected = if new > 1.0 { (new, 4) } else { (1.0, 7) };
                assert_eq!((strength[i], winner[i]), expected);
            }
        }
    }
}
