//! Ground that an image shows nothing of, told from the pixels alone: where a sensor's scale ends, under thick cloud, and under
//! water.
//!
//! It is worse to hide a trench than to look at a cloud, so each rule takes out only what no trench could show in. All are rules
//! about blocks of the coverage, of which a few numbers are kept; what a block shows does not depend on the window in which
//! it was read.
//!
//! - *Saturated*, *deep shadow*: areas at least [`PLATEAU_M`] wide both ways in which every pixel has the one highest value of
//!   the image, or next to no light at all. Spoil and the shade of a ditch are narrower.
//! - *Cloud*: areas at least [`CLOUD_M`] wide both ways, far brighter than any ground of either date, smooth where the other date
//!   shows detail, white, and with soft edges ([`cloud`]). A block in which a line can be seen is not smooth and never part of one.
//! - *Water*, where a date has near infrared: areas at least [`WATER_M`] wide both ways that are water on both ([`water`]).

mod area;
mod cloud;
mod light;
mod usual;
pub(crate) mod water;

use domain::{Pixel, Reason, Window};
use ndarray::Array2;

use crate::compare::Outcome;
use crate::view::View;
use crate::{CompareError, PairSource, resample};

pub(crate) use light::Light;
pub(crate) use water::Wetness;

/// Side of a block, pixels: those of the coverage.
pub(crate) const BLOCK_PX: usize = 16;
/// Least width of an area at an end of the scale, metres: spoil beside a ditch is 5 to 8 m wide.
const PLATEAU_M: f64 = 15.0;
/// Blocks are as bright as the brightest within this share.
const HIGHEST: f32 = 1e-3;
/// Share of the highest value by which a block may lie above it where it was resampled.
const SWING: f32 = 0.05;
/// Light that is none, beside that of the brightest hundredth of the blocks: a tenth of it, which is what a trench takes
/// away where it is faint, is less than a third of a step of 8 bits.
const DARK: f32 = 0.015;
/// Least width of a cloud that is taken out, metres.
const CLOUD_M: f64 = 60.0;
/// Least width of open water that is taken out, metres: ditches are up to 8 m wide, canals of 20 m and more hold no trench.
const WATER_M: f64 = 20.0;
/// Largest difference of the bands of a cloud, beside their mean.
const WHITE: f64 = 0.25;
/// Blocks whose colour is asked for, at most.
const COLOUR_BLOCKS: usize = 32;

/// Why nothing can be seen of each block, on either date.
pub(crate) fn reasons<S: PairSource>(
    view: &View<'_, S>,
    lights: [&Array2<Light>; 2],
    wet: [Option<&Array2<Wetness>>; 2],
) -> Outcome<S, Array2<Option<Reason>>> {
    let block_m = BLOCK_PX as f64 * view.source.pixel_m();
    let mut out = Array2::from_elem(lights[0].dim(), None);
    if !view.field.summary.consensus {
        // Which ground lies where is not known.
        return Ok(out);
    }
    let mut take = |blocks: &mut dyn Iterator<Item = (usize, usize)>, reason: Reason| {
        blocks.for_each(|at| out[at] = out[at].or(Some(reason)));
    };
    let told = |date: usize| {
        let (own, side) = (lights[date], across(PLATEAU_M, block_m));
        let clouds = cloud::clouds(own, lights[1 - date], across(CLOUD_M, block_m));
        (clouds, [saturated(own), unlit(own)].map(|set| area::opened(&set, side)))
    };
    let (earlier, later) = rayon::join(|| told(0), || told(1));
    let (clouds, plateaus): (Vec<_>, Vec<_>) = [earlier, later].into_iter().unzip();
    for (date, clouds) in clouds.into_iter().enumerate() {
        for cloud in clouds {
            if is_white(view, date, &cloud)? {
                take(&mut cloud.into_iter(), Reason::Cloud);
            }
        }
    }
    for own in plateaus {
        for (kept, reason) in own.iter().zip([Reason::Saturated, Reason::DeepShadow]) {
            take(&mut kept.indexed_iter().filter(|(_, kept)| **kept).map(|(at, _)| at), reason);
        }
    }
    let open = water::open_water(wet, lights, &out, across(WATER_M, block_m));
    for (water, reason) in open.iter().zip(&mut out) {
        *reason = reason.or(water.then_some(Reason::Water));
    }
    Ok(out)
}

/// Blocks across a width.
fn across(width_m: f64, block_m: f64) -> usize {
    (width_m / block_m).ceil() as usize
}

/// Blocks of which every pixel has the highest value of the image.
fn saturated(lights: &Array2<Light>) -> Array2<bool> {
    let highest = |some: &dyn Fn(&&Light) -> bool| {
        lights.iter().filter(some).map(|l| l.mean).fold(f32::NEG_INFINITY, f32::max)
    };
    let (top, plateau) = (highest(&|_| true), highest(&|l| l.is_one_value()));
    // Beside a step down resampling swings up, beyond the highest value.
    let is_top = plateau >= top * (1.0 - SWING);
    lights.mapv(|l| is_top && l.is_one_value() && l.mean >= plateau * (1.0 - HIGHEST))
}

/// Blocks without light.
fn unlit(lights: &Array2<Light>) -> Array2<bool> {
    let mut means: Vec<f32> = lights.iter().filter(|l| l.is_known()).map(|l| l.mean).collect();
    let bright = quantile(&mut means, 0.99).unwrap_or(f32::NAN);
    lights.mapv(|l| l.high() <= DARK * bright)
}

/// The value below which a share of `values` lies; `None` of none. Reorders `values`.
fn quantile(values: &mut [f32], share: f64) -> Option<f32> {
    let n = values.len();
    let at = ((n as f64 * share) as usize).min(n.saturating_sub(1));
    (n > 0).then(|| *values.select_nth_unstable_by(at, f32::total_cmp).1)
}

/// Whether blocks have no colour on a date; those of an image of one band have none.
fn is_white<S: PairSource>(view: &View<'_, S>, date: usize, blocks: &[(usize, usize)]) -> Outcome<S, bool> {
    let map = view.source.later_map();
    let (mut sums, mut count) = ([0.0f64; 3], 0usize);
    for &(i, j) in blocks.iter().step_by(blocks.len().div_ceil(COLOUR_BLOCKS).max(1)) {
        let block = Window::new(i * BLOCK_PX, j * BLOCK_PX, BLOCK_PX, BLOCK_PX);
        let bands = if date == 0 {
            view.source.earlier_bands(block)
        } else {
            let to_later = |p: Pixel| map.at(view.field.displaced(p));
            let need = resample::source_window(block, view.source.later_shape(), map.scale(), to_later);
            if need.is_empty() {
                continue;
            }
            view.source.later_bands(need)
        };
        let bands = bands.map_err(CompareError::Read)?;
        if bands.planes.dim().0 != sums.len() {
            return Ok(true);
        }
        for ((r, c), _) in bands.valid.indexed_iter().filter(|(_, ok)| **ok) {
            for (band, sum) in sums.iter_mut().enumerate() {
                *sum += f64::from(bands.planes[(band, r, c)]);
            }
            count += 1;
        }
    }
    let (low, high) =
        (sums.iter().copied().fold(f64::INFINITY, f64::min), sums.iter().copied().fold(0.0, f64::max));
    Ok(count > 0 && (high - low) * 3.0 <= WHITE * sums.iter().sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUND: Light = Light::new(100.0, (70.0, 140.0), 4.0);

    fn grid(of: impl Fn(usize, usize) -> Light) -> Array2<Light> {
        Array2::from_shape_fn((30, 40), |(i, j)| of(i, j))
    }

    #[test]
    fn only_what_has_the_highest_value_throughout_is_saturated() {
        let full = Light::new(255.0, (255.0, 255.0), 0.0);
        let nearly = Light::new(254.9, (250.0, 255.0), 0.4);
        let lower = Light::new(200.0, (200.0, 200.0), 0.0);
        let lights = grid(|i, j| match (i, j) {
            (3, 4..9) => full,
            (5, 4..9) => nearly,
            (7, 4..9) => lower,
            (9, 4..9) => Light::UNKNOWN,
            _ => GROUND,
        });
        let set = saturated(&lights);
        assert_eq!(set.iter().filter(|v| **v).count(), 5);
        assert!((4..9).all(|j| set[(3, j)]));
        assert!(saturated(&grid(|_, _| Light::UNKNOWN)).iter().all(|v| !v));
        // Resampled at the edge of it; and a pale roof in an image that has brighter ground.
        let with = |beside: Light| {
            saturated(&grid(|i, j| match (i, j) {
                (3, 4..9) => full,
                (3, 9) => beside,
                _ => GROUND,
            }))
        };
        let count = |set: &Array2<bool>| set.iter().filter(|v| **v).count();
        assert_eq!(count(&with(Light::new(258.0, (240.0, 270.0), 3.0))), 5);
        assert_eq!(count(&with(Light::new(400.0, (300.0, 500.0), 30.0))), 0);
    }

    #[test]
    fn water_is_no_deep_shadow() {
        let black = Light::new(1.0, (1.0, 1.0), 0.0);
        let water = Light::new(20.0, (18.0, 22.0), 0.3);
        let lights = grid(|i, j| match (i, j) {
            (0..4, 0..4) => black,
            (10..20, _) => water,
            _ => GROUND,
        });
        assert_eq!(unlit(&lights).iter().filter(|v| **v).count(), 16);
    }

    #[test]
    fn widths_are_at_least_those_asked_for() {
        assert_eq!((across(15.0, 8.0), across(15.0, 16.0 * 0.305), across(60.0, 8.0)), (2, 4, 8));
    }
}
