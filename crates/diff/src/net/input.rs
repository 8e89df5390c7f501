//! What of both dates goes into the network: brightness against the mean of the window, and two hues.

use ndarray::{ArrayView3, Axis};

use super::map::Map;
use crate::look::Look;

/// Numbers of a pixel: three for each date.
pub const CHANNELS: usize = 6;
/// Numbers of a pixel in the map, [`CHANNELS`] and zeros.
const FILLED: usize = 8;

/// Fills `map` from a window: exposure, and the unit of the file, fall out. A pixel that is invalid on one date is 0 on
/// both.
pub fn fill(look: &Look, map: &mut Map) {
    let (rows, cols) = look.valid.dim();
    map.reshape(rows, cols, FILLED);
    for (date, rgb) in [&look.earlier, &look.later].into_iter().enumerate() {
        let mean = mean(rgb.view(), look);
        for r in 0..rows {
            let band = |b: usize| rgb.index_axis(Axis(0), b).row(r).to_owned();
            let (red, green, blue) = (band(0), band(1), band(2));
            let valid = look.valid.row(r);
            for (c, pixel) in map.row_mut(r).chunks_exact_mut(FILLED).enumerate() {
                let own = &mut pixel[3 * date..3 * date + 3];
                if !valid[c] {
                    own.fill(0.0);
                    continue;
                }
                let light = (red[c] + green[c] + blue[c]) / 3.0;
                let base = (light + 0.1 * mean).max(1e-6 * mean);
                own[0] = 2.0 * (light / mean - 1.0).clamp(-1.0, 3.0);
                own[1] = 3.0 * ((red[c] - green[c]) / base).clamp(-1.5, 1.5);
                own[2] = 3.0 * ((blue[c] - green[c]) / base).clamp(-1.5, 1.5);
            }
        }
    }
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
