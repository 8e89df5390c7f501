//! What of both dates goes into the network: brightness against the mean of the window, and two hues.

use std::borrow::Cow;

use multiversion::multiversion;
use ndarray::{ArrayView1, ArrayView2, ArrayView3, s};

use super::map::Map;
use crate::look::Look;

/// Numbers of a pixel of the map: three for each date, of 2 × 2 pixels of the window.
pub const CHANNELS: usize = 4 * 6;
/// Steps in a figure of 1, which is 6 at most.
pub const STEPS: f32 = 1024.0;
/// Most of a window's brightness that is taken away: what lies in the dark of a hazy date must not become darker than black.
const MOST_TAKEN: f32 = 0.8;
/// What a step is worth.
pub const STEP: f64 = 1.0 / STEPS as f64;

/// Fills `map`, of half the pixels, from a window: exposure, and the unit of the file, fall out. A pixel that is invalid
/// on one date is 0 on both. Each figure comes four times, from the upper left pixel to the lower right.
pub fn fill(look: &Look, map: &mut Map<i16>) {
    let (rows, cols) = look.valid.dim();
    map.reshape(rows / 2, cols / 2, CHANNELS);
    let mut told = [vec![0i16; cols], vec![0i16; cols], vec![0i16; cols]];
    for (date, rgb) in [&look.earlier, &look.later].into_iter().enumerate() {
        let plain = mean(rgb.view(), look.valid.view());
        let offset = look.offsets[date].max(-MOST_TAKEN * plain);
        let mean = plain + offset;
        for r in 0..rows / 2 * 2 {
            let lines = [0, 1, 2].map(|b| line(rgb.slice(s![b, r, ..])));
            figures(&mut told, lines.each_ref().map(|l| &**l), &line(look.valid.row(r)), (mean, offset));
            let [light, red, blue] = told.each_ref().map(|t| t.as_chunks::<2>().0);
            let at = 12 * date + 2 * (r % 2);
            let out = map.row_mut(r / 2).as_chunks_mut::<CHANNELS>().0;
            for (out, ((light, red), blue)) in out.iter_mut().zip(light.iter().zip(red).zip(blue)) {
                [out[at], out[at + 1]] = *light;
                [out[at + 4], out[at + 5]] = *red;
                [out[at + 8], out[at + 9]] = *blue;
            }
        }
    }
}

/// A row as it lies in memory.
fn line<T: Clone>(row: ArrayView1<'_, T>) -> Cow<'_, [T]> {
    row.to_slice().map_or_else(|| Cow::Owned(row.to_vec()), Cow::Borrowed)
}

/// Brightness and two hues of a row, in steps, where `mean` is the brightness of the window with the `offset`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn figures(told: &mut [Vec<i16>; 3], rgb: [&[f32]; 3], valid: &[bool], (mean, offset): (f32, f32)) {
    let [lights, reds, blues] = told;
    let between = |v: f32, low: f32, high: f32| {
        let v = if v > low { v } else { low };
        if v < high { v } else { high }
    };
    // Floats around 1.5 · 2²³ are whole: the last bits are the number.
    let steps = |v: f32| (v * STEPS + 12_582_912.0).to_bits() as i16;
    let told = lights.iter_mut().zip(reds).zip(blues);
    let pixels = rgb[0].iter().zip(rgb[1]).zip(rgb[2]).zip(valid);
    for (((light, red), blue), (((r, g), b), ok)) in told.zip(pixels) {
        let own = (r + g + b) / 3.0 + offset;
        let base = own + 0.1 * mean;
        let base = if base > 1e-6 * mean { base } else { 1e-6 * mean };
        let hue = |v: f32| 3.0 * between((v - g) / base, -1.5, 1.5);
        let told = [2.0 * between(own / mean - 1.0, -1.0, 3.0), hue(*r), hue(*b)];
        [*light, *red, *blue] = told.map(|v| if *ok { steps(v) } else { 0 });
    }
}

/// Mean brightness of the valid pixels; 1 where that is nothing to divide by.
fn mean(rgb: ArrayView3<'_, f32>, valid: ArrayView2<'_, bool>) -> f32 {
    let known: f64 = valid.rows().into_iter().map(|valid| f64::from(count(&line(valid)))).sum();
    let mut sum = 0.0;
    for band in rgb.outer_iter() {
        let lines = band.rows().into_iter().zip(valid.rows());
        sum += lines.map(|(values, valid)| f64::from(sum_of(&line(values), &line(valid)))).sum::<f64>();
    }
    let mean = (sum / (rgb.dim().0 as f64 * known)) as f32;
    if mean.is_normal() && mean > 0.0 { mean } else { 1.0 }
}

/// How many are true.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn count(valid: &[bool]) -> u32 {
    valid.iter().map(|&ok| u32::from(ok)).sum()
}

/// Sum of the valid values of a row, in a fixed order.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn sum_of(values: &[f32], valid: &[bool]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0f32; LANES];
    let (values, last) = values.as_chunks::<LANES>();
    let (valid, last_valid) = valid.as_chunks::<LANES>();
    for (values, valid) in values.iter().zip(valid) {
        for ((sum, v), ok) in sums.iter_mut().zip(values).zip(valid) {
            *sum += if *ok { *v } else { 0.0 };
        }
    }
    let rest: f32 = last.iter().zip(last_valid).map(|(v, ok)| if *ok { *v } else { 0.0 }).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use domain::Window;
    use ndarray::{Array2, Array3};

    use super::*;

    /// Steps of a window of about 100, of a file in which so much lies over it.
    fn filled(over: f32, offset: f32) -> Vec<i16> {
        let rgb =
            Array3::from_shape_fn((3, 64, 64), |(b, r, c)| 80.0 + ((7 * r + 5 * c + b) % 41) as f32 + over);
        let valid = Array2::from_elem((64, 64), true);
        let window = Window::new(0, 0, 64, 64);
        let look = Look { window, earlier: rgb.clone(), later: rgb, valid, offsets: [offset; 2] };
        let mut map = Map::default();
        fill(&look, &mut map);
        (0..32).flat_map(|r| map.row(r).to_vec()).collect()
    }

    #[test]
    fn what_lies_over_everything_falls_out_and_nothing_becomes_darker_than_black() {
        let plain = filled(0.0, 0.0);
        for over in [-60.0, 64.0, 256.0] {
            assert_eq!(filled(over, -over), plain, "{over}");
        }
        // A window of 100 on a date of which 1000 is taken away: as if it were 80.
        assert_eq!(filled(0.0, -1000.0), filled(0.0, -f32::MAX));
        let dark = filled(0.0, -1000.0);
        let most = dark.chunks(CHANNELS).flat_map(|told| told[..4].to_vec()).max().unwrap_or(0);
        assert!((1500..3000).contains(&i32::from(most)), "{most}");
    }
}
