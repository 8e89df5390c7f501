//! What of both dates goes into the network: brightness against the mean of the window, and two hues.

use ndarray::ArrayView3;

use super::map::Map;
use crate::look::Look;

/// Numbers of a pixel of the map: three for each date, of 2 × 2 pixels of the window.
pub const CHANNELS: usize = 4 * 6;

/// Fills `map`, of half the pixels, from a window: exposure, and the unit of the file, fall out. A pixel that is invalid
/// on one date is 0 on both. Each figure comes four times, from the upper left pixel to the lower right.
pub fn fill(look: &Look, map: &mut Map) {
    let (rows, cols) = look.valid.dim();
    map.reshape(rows / 2, cols / 2, CHANNELS);
    for (date, rgb) in [&look.earlier, &look.later].into_iter().enumerate() {
        let mean = mean(rgb.view(), look);
        for r in 0..rows {
            let [red, green, blue] = [0, 1, 2].map(|b| rgb.slice(ndarray::s![b, r, ..]));
            let valid = look.valid.row(r);
            let out = map.row_mut(r / 2);
            for c in 0..cols / 2 * 2 {
                let own = &mut out[c / 2 * CHANNELS + 12 * date + 2 * (r % 2) + c % 2..];
                let figures = if valid[c] { figures([red[c], green[c], blue[c]], mean) } else { [0.0; 3] };
                for (k, v) in figures.into_iter().enumerate() {
                    own[4 * k] = v;
                }
            }
        }
    }
}

/// Brightness and two hues of a pixel, where `mean` is the brightness of the window.
fn figures([red, green, blue]: [f32; 3], mean: f32) -> [f32; 3] {
    let light = (red + green + blue) / 3.0;
    let base = (light + 0.1 * mean).max(1e-6 * mean);
    let hue = |v: f32| 3.0 * ((v - green) / base).clamp(-1.5, 1.5);
    [2.0 * (light / mean - 1.0).clamp(-1.0, 3.0), hue(red), hue(blue)]
}

/// Mean brightness of the valid pixels; 1 where that is nothing to divide by.
fn mean(rgb: ArrayView3<'_, f32>, look: &Look) -> f32 {
    let (mut sum, mut n) = (0.0f64, 0.0f64);
    for band in rgb.outer_iter() {
        for (&v, _) in band.iter().zip(&look.valid).filter(|(_, ok)| **ok) {
            (sum, n) = (sum + f64::from(v), n + 1.0);
        }
    }
    let mean = (sum / n) as f32;
    if mean.is_normal() && mean > 0.0 { mean } else { 1.0 }
}
