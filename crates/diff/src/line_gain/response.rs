//! Strength of dark lines on one date.

use std::sync::LazyLock;

use ndarray::Array2;

use super::{Buffers, Profile, gaussian};
use crate::{lanes, resample};

/// Directions that are tried: every 15°. At half of that from its own direction a line leaves the average along
/// it by less than a pixel.
pub const DIRECTIONS: u8 = 12;

/// Rows and columns filtered at a time: what a core's second cache holds, with the means around them.
const TILE: (usize, usize) = (32, 512);

/// Unit vectors of all directions: the C library's functions were a tenth of the time of tracing.
static UNIT_VECTORS: LazyLock<[(f32, f32); DIRECTIONS as usize]> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let angle = std::f32::consts::PI * k as f32 / f32::from(DIRECTIONS);
        (angle.sin(), angle.cos())
    })
});

/// Unit vector `(row, col)` along direction `k`, of which [`DIRECTIONS`] are half a turn.
pub fn direction(k: u8) -> (f32, f32) {
    let (row, col) = UNIT_VECTORS[usize::from(k % DIRECTIONS)];
    if (k / DIRECTIONS).is_multiple_of(2) { (row, col) } else { (-row, -col) }
}

/// Line strength and direction of one date.
#[derive(Clone, Debug)]
pub struct Response {
    /// Lower flank less core, in the unit of the image; 0 where there is no dark line or a pixel under the
    /// filter is invalid. Never NaN.
    pub strength: Array2<f32>,
    /// Index of the strongest direction, see [`direction`].
    pub direction: Array2<u8>,
}

/// Reach of a filter, metres.
pub(super) fn reach_m(profile: Profile) -> f64 {
    let flank_m = profile.flanks_m.iter().copied().fold(0.0, f64::max);
    profile.length_m / 2.0 + flank_m + 3.0 * profile.smoothing_m
}

/// What is taken along a direction, and beside it, in pixels from a place.
struct Offsets {
    /// Of the samples along it.
    along: Vec<(isize, isize)>,
    /// Of the flanks to one side; the others lie opposite.
    flanks: Vec<(isize, isize)>,
    /// Rows that the flanks reach.
    rim: usize,
}

impl Offsets {
    fn of(k: u8, half_px: f32, steps: i32, pixel_m: f64, profile: Profile) -> Self {
        let (dr, dc) = direction(k);
        let along = (-steps..=steps)
            .map(|s| half_px * s as f32 / steps as f32)
            .map(|t| ((t * dr).round() as isize, (t * dc).round() as isize))
            .collect();
        let flanks: Vec<(isize, isize)> = profile
            .flanks_m
            .iter()
            .map(|m| (m / pixel_m) as f32)
            .map(|w| ((w * dc).round() as isize, (-w * dr).round() as isize))
            .collect();
        let rim = flanks.iter().map(|f| f.0.unsigned_abs()).max().unwrap_or(0);
        Self { along, flanks, rim }
    }
}

/// Strength of dark lines of `profile` on `image`, whose pixels are `pixel_m` wide.
pub fn respond(
    image: &Array2<f32>,
    valid: &Array2<bool>,
    pixel_m: f64,
    profile: Profile,
    buffers: &mut Buffers,
) -> Response {
    let (rows, cols) = image.dim();
    let sigma_px = (profile.smoothing_m / pixel_m) as f32;
    let smooth = gaussian::smooth_into(image.view(), valid, sigma_px.max(0.4), buffers);
    let half_px = profile.length_m / pixel_m / 2.0;
    // Samples along the line no farther apart than the smoothing bridges.
    let steps = (half_px / (2.0 * f64::from(sigma_px)).clamp(1.0, 2.0)).ceil().max(1.0) as i32;
    let flank_px = profile.flanks_m.iter().map(|m| m / pixel_m).fold(0.0, f64::max).ceil() as usize + 1;
    let pad = half_px.ceil() as usize + flank_px + 1;

    let width = cols + 2 * pad;
    let mut padded = buffers.take((rows + 2 * pad) * width);
    for (r, to) in padded.chunks_exact_mut(width).enumerate() {
        // The edge is repeated: no line is seen along it.
        let from = smooth.row(r.saturating_sub(pad).min(rows - 1));
        to[..pad].fill(from[0]);
        to[pad + cols..].fill(from[cols - 1]);
        if let Some(from) = from.to_slice() {
            to[pad..pad + cols].copy_from_slice(from);
        }
    }
    buffers.give(smooth);

    let directions: Vec<Offsets> =
        (0..DIRECTIONS).map(|k| Offsets::of(k, half_px as f32, steps, pixel_m, profile)).collect();
    let norm = 1.0 / (2 * steps + 1) as f32;
    let mut strength = buffers.plane((rows, cols));
    let mut best = Array2::<u8>::zeros((rows, cols));
    let mut mean = vec![0.0f32; (TILE.0 + 2 * flank_px) * (TILE.1 + 2 * flank_px)];
    // Directions as wide as the strengths: the lanes of a vector match.
    let mut stronger = vec![0.0f32; TILE.0 * TILE.1];
    let mut winners = vec![0u32; TILE.0 * TILE.1];
    for (top, left) in (0..rows).step_by(TILE.0).flat_map(|r| (0..cols).step_by(TILE.1).map(move |c| (r, c)))
    {
        let (high, wide) = (TILE.0.min(rows - top), TILE.1.min(cols - left));
        let mean_width = wide + 2 * flank_px;
        stronger.fill(0.0);
        winners.fill(0);
        for (k, Offsets { along, flanks, rim }) in (0u32..).zip(&directions) {
            // Rows of the mean that a flank of this direction can reach.
            for m in flank_px - rim..high + flank_px + rim {
                let along: Vec<&[f32]> = along
                    .iter()
                    .map(|&(a, b)| {
                        // Row `top + m − flank_px` of the image, in padded rows.
                        let row = (top + m + pad - flank_px).wrapping_add_signed(a);
                        &padded[(row * width + left + pad - flank_px).wrapping_add_signed(b)..]
                    })
                    .collect();
                lanes::sum(&mut mean[m * mean_width..(m + 1) * mean_width], &along);
            }
            for r in 0..high {
                let at = |dr: isize, dc: isize| {
                    let row = (r + flank_px).wrapping_add_signed(dr);
                    &mean[(row * mean_width + flank_px).wrapping_add_signed(dc)..]
                };
                let sides: Vec<_> = flanks.iter().map(|&(nr, nc)| (at(nr, nc), at(-nr, -nc))).collect();
                let own = r * TILE.1..r * TILE.1 + wide;
                lanes::keep_stronger(&mut stronger[own.clone()], &mut winners[own], k, at(0, 0), &sides);
            }
        }
        for r in 0..high {
            let own = r * TILE.1..r * TILE.1 + wide;
            let to = ndarray::s![top + r, left..left + wide];
            let (mut strength, mut best) = (strength.slice_mut(to), best.slice_mut(to));
            let (Some(strength), Some(best)) = (strength.as_slice_mut(), best.as_slice_mut()) else {
                continue;
            };
            strength.iter_mut().zip(&stronger[own.clone()]).for_each(|(s, v)| *s = v * norm);
            best.iter_mut().zip(&winners[own]).for_each(|(b, &w)| *b = w as u8);
        }
    }
    buffers.give_numbers(padded);
    blank_near_invalid(&mut strength, valid, (reach_m(profile) / pixel_m / 2.0).ceil() as usize);
    Response { strength, direction: best }
}

/// Zeroes `strength` within `reach` pixels (in a square) of an invalid pixel.
fn blank_near_invalid(strength: &mut Array2<f32>, valid: &Array2<bool>, reach: usize) {
    if valid.as_slice().is_some_and(resample::all) {
        return;
    }
    let (rows, cols) = strength.dim();
    let mut blank = Array2::from_elem((rows, cols), false);
    for r in 0..rows {
        let mut until = 0;
        for c in 0..cols + reach {
            if c < cols && !valid[(r, c)] {
                until = c + reach + 1;
                blank.slice_mut(ndarray::s![r, c.saturating_sub(reach)..c]).fill(true);
            }
            if c < cols && c < until {
                blank[(r, c)] = true;
            }
        }
    }
    for c in 0..cols {
        let (mut until, mut last) = (0, None);
        for r in 0..rows {
            if blank[(r, c)] {
                let from = r.saturating_sub(reach).max(last.map_or(0, |l: usize| l + 1));
                (from..r).for_each(|i| strength[(i, c)] = 0.0);
                (until, last) = (r + reach + 1, Some(r));
            }
            if r < until {
                strength[(r, c)] = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_gain::Scale;

    #[test]
    fn a_dark_line_scores_its_depth_along_its_own_direction() {
        let image =
            Array2::from_shape_fn((60, 80), |(_, c)| if (39..42).contains(&c) { 60.0 } else { 100.0 });
        let r = respond(
            &image,
            &Array2::from_elem((60, 80), true),
            0.5,
            Scale::Narrow.profile(),
            &mut Buffers::default(),
        );
        assert_eq!(r.direction[(30, 40)], DIRECTIONS / 2);
        assert!((30.0..=40.0).contains(&r.strength[(30, 40)]), "{}", r.strength[(30, 40)]);
        assert_eq!(r.strength[(30, 20)], 0.0);
    }

    #[test]
    fn a_bright_line_a_step_and_a_slope_score_nothing_at_their_middle() {
        let valid = Array2::from_elem((60, 80), true);
        let at = |f: &dyn Fn(usize, usize) -> f32| {
            respond(
                &Array2::from_shape_fn((60, 80), |(r, c)| f(r, c)),
                &valid,
                0.5,
                Scale::Narrow.profile(),
                &mut Buffers::default(),
            )
            .strength[(30, 40)]
        };
        assert!(at(&|_, c| if (39..42).contains(&c) { 140.0 } else { 100.0 }) < 2.0);
        assert!(at(&|_, c| if c < 40 { 60.0 } else { 100.0 }) < 1.0);
        assert!(at(&|r, c| (3 * r + 2 * c) as f32) < 1e-3);
    }

    #[test]
    fn nothing_is_measured_beside_nodata() {
        let image =
            Array2::from_shape_fn((60, 80), |(_, c)| if (39..42).contains(&c) { 60.0 } else { 100.0 });
        let mut valid = Array2::from_elem((60, 80), true);
        valid[(30, 44)] = false;
        let r = respond(&image, &valid, 0.5, Scale::Narrow.profile(), &mut Buffers::default());
        assert_eq!(r.strength[(30, 40)], 0.0);
        assert_eq!(r.strength[(27, 41)], 0.0);
        assert!(r.strength[(50, 40)] > 10.0);
    }
}
