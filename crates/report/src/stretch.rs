//! Image brightness to what a screen shows.

use ndarray::{Array3, ArrayView2, ArrayView3, Axis, s};

use crate::{Error, Result};

/// Grey levels of the hatch over invalid pixels.
const HATCH: [u8; 2] = [96, 128];
/// About as many pixels say where the percentiles lie: to half a percent of the pixels.
const MOST_PX: f64 = 16_384.0;

/// A linear stretch: `low` becomes 0, `high` 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Brightness shown as black, in the image's own unit.
    pub low: f64,
    /// Brightness shown as white, in the image's own unit.
    pub high: f64,
}

impl Stretch {
    /// The stretch between the 2nd and 98th percentile of the valid pixels, jointly over the first three bands so
    /// that colours stay true.
    ///
    /// `pixels` is `(bands, rows, cols)` of `u8`, `u16` or `f32`; `valid` is `(rows, cols)`. Values that are not
    /// finite do not count; of large images every so many rows and columns do. Where nothing counts, 0..1; where all are equal, the value ± ½, mid-grey.
    ///
    /// # Errors
    /// [`Error::StretchShape`] where the shapes differ or there is no band.
    pub fn of<T: Copy + Into<f64>>(pixels: ArrayView3<'_, T>, valid: ArrayView2<'_, bool>) -> Result<Self> {
        check(pixels, valid)?;
        let step = ((valid.len() as f64 / MOST_PX).sqrt().ceil() as usize).max(1);
        let part = s![..;step, ..;step];
        let valid = valid.slice(part);
        let mut values: Vec<f64> = Vec::with_capacity(3 * valid.len());
        for band in pixels.outer_iter().take(3) {
            let shown = band.slice(part).into_iter().zip(valid).filter(|(_, v)| **v);
            values.extend(shown.map(|(p, _)| (*p).into()).filter(|v| v.is_finite()));
        }
        if values.is_empty() {
            return Ok(Self { low: 0.0, high: 1.0 });
        }
        let rank = |share: f64| (share * (values.len() - 1) as f64).round() as usize;
        let (first, last) = (rank(0.02), rank(0.98));
        let (_, low, above) = values.select_nth_unstable_by(first, f64::total_cmp);
        let low = *low;
        let high = match last.checked_sub(first + 1) {
            Some(k) => *above.select_nth_unstable_by(k, f64::total_cmp).1,
            None => low,
        };
        if high > low { Ok(Self { low, high }) } else { Ok(Self { low: low - 0.5, high: high + 0.5 }) }
    }

    /// The image as `(rows, cols, 3)` for the screen.
    ///
    /// One or two bands are shown in grey (the first), three or more in colour (the first three). Invalid and
    /// non-finite pixels are hatched in grey, so that they are not taken for ground.
    ///
    /// # Errors
    /// [`Error::StretchShape`] where the shapes differ or there is no band.
    pub fn apply<T: Copy + Into<f64>>(
        &self,
        pixels: ArrayView3<'_, T>,
        valid: ArrayView2<'_, bool>,
    ) -> Result<Array3<u8>> {
        check(pixels, valid)?;
        let (bands, rows, cols) = pixels.dim();
        let levels = 255.0 / (self.high - self.low);
        let mut shown = Array3::<u8>::zeros((rows, cols, 3));
        for r in 0..rows {
            let mut out = shown.index_axis_mut(Axis(0), r);
            let bands = [0, 1, 2].map(|b| pixels.slice(s![if bands >= 3 { b } else { 0 }, r, ..]));
            let pixels = bands[0].iter().zip(bands[1]).zip(bands[2]).zip(valid.row(r));
            for (c, (mut out, (((&x, &y), &z), &valid))) in out.outer_iter_mut().zip(pixels).enumerate() {
                let hatch = HATCH[usize::from((r + c) % 8 < 4)];
                for (out, value) in out.iter_mut().zip([x, y, z]) {
                    let v: f64 = value.into();
                    // The cast cuts, so that half a level more rounds; it stops at 0 and 255.
                    let level = ((v - self.low) * levels + 0.5) as u8;
                    *out = if valid && v.is_finite() { level } else { hatch };
                }
            }
        }
        Ok(shown)
    }
}

fn check<T>(pixels: ArrayView3<'_, T>, valid: ArrayView2<'_, bool>) -> Result<()> {
    let (bands, rows, cols) = pixels.dim();
    if bands == 0 || (rows, cols) != valid.dim() {
        return Err(Error::StretchShape { pixels: pixels.dim(), valid: valid.dim() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array3};

    use super::*;

    #[test]
    fn the_percentiles_span_the_screen_and_outliers_do_not() {
        let pixels = Array3::from_shape_fn((3, 10, 101), |(_, _, c)| c as f32);
        let valid = Array2::from_elem((10, 101), true);
        let s = Stretch::of(pixels.view(), valid.view()).unwrap();
        assert_eq!(s, Stretch { low: 2.0, high: 98.0 });
        let shown = s.apply(pixels.view(), valid.view()).unwrap();
        assert_eq!((shown[(0, 0, 0)], shown[(0, 50, 1)], shown[(0, 100, 2)]), (0, 128, 255));
    }

    #[test]
    fn invalid_pixels_do_not_count_and_are_hatched() {
        let mut pixels = Array3::from_shape_fn((1, 4, 50), |(_, _, c)| c as u16);
        let mut valid = Array2::from_elem((4, 50), true);
        pixels[(0, 0, 0)] = 60_000;
        valid[(0, 0)] = false;
        let s = Stretch::of(pixels.view(), valid.view()).unwrap();
        assert!(s.high < 50.0);
        let shown = s.apply(pixels.view(), valid.view()).unwrap();
        assert!(HATCH.contains(&shown[(0, 0, 0)]));
    }

    #[test]
    fn flat_and_empty_images_are_shown_all_the_same() {
        let flat = Array3::from_elem((3, 4, 4), 7u8);
        let (all, none) = (Array2::from_elem((4, 4), true), Array2::from_elem((4, 4), false));
        let s = Stretch::of(flat.view(), all.view()).unwrap();
        assert_eq!(s.apply(flat.view(), all.view()).unwrap()[(0, 0, 0)], 128);
        assert_eq!(Stretch::of(flat.view(), none.view()).unwrap(), Stretch { low: 0.0, high: 1.0 });
        let narrow = Array2::from_elem((4, 3), true);
        assert!(matches!(Stretch::of(flat.view(), narrow.view()), Err(Error::StretchShape { .. })));
    }
}
