//! What a block of one date looks like.

use domain::{Raster, Window};
use multiversion::multiversion;

use super::BLOCK_PX;

/// What pixels of one value may differ by, as a share of it: rounding. One step of 8 bits is 0.4 %.
const ONE_VALUE: f32 = 1e-4;

/// Brightness of a block of one date, in the unit of the file; NaN where not all of its pixels are known. Small: a tile has a million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Light {
    pub(crate) mean: f32,
    /// That of its brightest pixel, 0 or more; below 0, and as far, where all pixels have that one value.
    brightest: f32,
    /// Root mean square of the slope, a pixel.
    pub(crate) detail: f32,
}

impl Light {
    pub(crate) const UNKNOWN: Self = Self { mean: f32::NAN, brightest: f32::NAN, detail: f32::NAN };

    /// Of pixels from `low` to `high`.
    pub(crate) const fn new(mean: f32, (low, high): (f32, f32), detail: f32) -> Self {
        let brightest = match high {
            _ if low > 0.0 && high - low <= ONE_VALUE * high => -high,
            high if high < 0.0 => 0.0,
            high => high,
        };
        Self { mean, brightest, detail }
    }

    /// Brightness of its brightest pixel; 0 where that is less.
    pub(crate) fn high(&self) -> f32 {
        self.brightest.abs()
    }

    /// Whether all its pixels have one value, above 0.
    pub(crate) fn is_one_value(&self) -> bool {
        self.brightest < 0.0
    }

    /// That of `block`, which lies within the raster's window, and the brightness of its darkest pixel; unknown where it is no whole
    /// block.
    pub(crate) fn of(raster: &Raster, block: Window) -> (Self, f32) {
        const UNKNOWN: (Light, f32) = (Light::UNKNOWN, f32::NAN);
        if (block.rows, block.cols) != (BLOCK_PX, BLOCK_PX) {
            return UNKNOWN;
        }
        let cols = raster.window.cols;
        let (Some(pixels), Some(valid)) = (raster.pixels.as_slice(), raster.valid.as_slice()) else {
            return UNKNOWN;
        };
        let mut rows = [[0.0f32; BLOCK_PX]; BLOCK_PX];
        for (r, row) in rows.iter_mut().enumerate() {
            let from = (block.row - raster.window.row + r) * cols + block.col - raster.window.col;
            let (Some(line), Some(known)) =
                (pixels.get(from..from + BLOCK_PX), valid.get(from..from + BLOCK_PX))
            else {
                return UNKNOWN;
            };
            if !known.iter().all(|&v| v) {
                return UNKNOWN;
            }
            row.copy_from_slice(line);
        }
        light(&rows)
    }

    pub(crate) fn is_known(&self) -> bool {
        self.mean.is_finite()
    }

    /// Detail beside brightness; NaN where there is no light.
    pub(crate) fn texture(&self) -> f32 {
        if self.mean > 0.0 { self.detail / self.mean } else { f32::NAN }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn light(rows: &[[f32; BLOCK_PX]; BLOCK_PX]) -> (Light, f32) {
    let (mut low, mut high) = (rows[0], rows[0]);
    let (mut sum, mut slopes) = ([0.0f32; BLOCK_PX], [0.0f32; BLOCK_PX]);
    for row in rows {
        for k in 0..BLOCK_PX {
            low[k] = if row[k] < low[k] { row[k] } else { low[k] };
            high[k] = if row[k] > high[k] { row[k] } else { high[k] };
            sum[k] += row[k];
        }
    }
    for r in 1..BLOCK_PX - 1 {
        for k in 1..BLOCK_PX - 1 {
            let (down, along) = (rows[r + 1][k] - rows[r - 1][k], rows[r][k + 1] - rows[r][k - 1]);
            slopes[k] += down * down + along * along;
        }
    }
    let count = (BLOCK_PX * BLOCK_PX) as f32;
    let inner = ((BLOCK_PX - 2) * (BLOCK_PX - 2)) as f32;
    let low = low.iter().fold(low[0], |a, &v| if v < a { v } else { a });
    let high = high.iter().fold(high[0], |a, &v| if v > a { v } else { a });
    // Twice the slope is what differs two pixels apart.
    let detail = (slopes.iter().sum::<f32>() / inner / 4.0).sqrt();
    (Light::new(sum.iter().sum::<f32>() / count, (low, high), detail), low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_above_nothing_is_told_and_what_is_below_it_is_none() {
        let of = |low: f32, high: f32| Light::new(0.5 * (low + high), (low, high), 0.0);
        assert_eq!((of(255.0, 255.0).high(), of(255.0, 255.0).is_one_value()), (255.0, true));
        assert_eq!((of(254.0, 255.0).high(), of(254.0, 255.0).is_one_value()), (255.0, false));
        // Calibrated values may lie below 0.
        for none in [of(0.0, 0.0), of(-3.0, -3.0), of(-3.0, 0.0)] {
            assert_eq!((none.high(), none.is_one_value()), (0.0, false));
        }
        assert!(Light::UNKNOWN.high().is_nan() && !Light::UNKNOWN.is_one_value());
    }

    #[test]
    fn a_ramp_has_its_slope_and_its_ends() {
        let mut raster = Raster::invalid(Window::new(32, 48, 40, 50));
        raster.pixels.indexed_iter_mut().for_each(|((r, c), v)| *v = 3.0 * r as f32 + 4.0 * c as f32);
        raster.valid.fill(true);
        let (light, low) = Light::of(&raster, Window::new(48, 64, BLOCK_PX, BLOCK_PX));
        let first = 3.0 * 16.0 + 4.0 * 16.0;
        assert_eq!(low, first);
        assert_eq!((light.high(), light.is_one_value()), (first + 7.0 * 15.0, false));
        assert_eq!(size_of::<Light>(), 12);
        assert!((light.mean - first - 52.5).abs() < 1e-3 && (light.detail - 5.0).abs() < 1e-4, "{light:?}");
        raster.valid[(20, 20)] = false;
        assert!(!Light::of(&raster, Window::new(48, 64, BLOCK_PX, BLOCK_PX)).0.is_known());
        assert!(!Light::of(&raster, Window::new(64, 80, 8, BLOCK_PX)).0.is_known());
    }
}
