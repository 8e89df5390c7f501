//! Open water, told by near infrared.
//!
//! Water takes near infrared in, and gives back less of it than of green light: the index (green − near infrared) / (green + near
//! infrared) is above 0 (McFeeters 1996, International Journal of Remote Sensing 17(7)). Files hold numbers of no unit, in which
//! ground may reach 0.4 and water under haze fall to 0, so the index is not enough. Water is where all of these hold:
//!
//! - In every cell of a block and around it near infrared is at most [`DARK`] of what ground gives back, and the index at least
//!   [`INDEX`].
//! - On both dates. What is water on one alone was covered or uncovered meanwhile, and uncovered ground is to be looked at; or it is
//!   the shadow of a cloud, which is as dark, and as blue, as water. Of a date that has no near infrared it is asked that the
//!   block is as dark as on the other ([`BRIGHTER`]).
//! - No line can be seen in it: its detail is at most [`SMOOTH`] of what ground usually has, on both dates.
//! - It lies in an area at least [`super::WATER_M`] wide both ways.

use domain::{Infrared, Pixel, Reason, Window};
use ndarray::Array2;

use super::light::Light;
use super::usual::Usual;
use super::{BLOCK_PX, area, quantile};
use crate::compare::Outcome;
use crate::view::View;
use crate::{CompareError, PairSource};

/// Most near infrared of water, beside that of [`GROUND_INFRARED`]. Of lakes in ten years of NAIP's uncalibrated bytes it is 0.00 to
/// 0.19 in the median of nine years (0.38 in one that was stretched pale); dry ground nowhere has less than 0.42 in 999 of 1,000
/// pixels. Ash and asphalt have 0.2 to 0.4 of what fields give back.
const DARK: f32 = 0.2;
/// The share of blocks that have less near infrared than what stands for ground. Where more than that is water, none is told.
const GROUND_INFRARED: f64 = 0.75;
/// Least index: near infrared at most two thirds of green. Asphalt, ash and coal give back as much of one as of the other.
const INDEX: f32 = 0.2;
/// Most detail of a block, beside what ground usually has on its date: where there is more, ground shows. Lakes of NAIP's years have
/// less in 81 to 100 of 100 blocks, in 55 where wind glints.
const SMOOTH: f32 = 0.5;
/// How much brighter than on the date that tells water it may be on one that has no near infrared, each beside the usual light of
/// its date: a shadow of a cloud takes away a half and more.
const BRIGHTER: f32 = 1.5;

/// Green light and near infrared of a block of one date, with a rim of one cell; NaN where not all of it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wetness {
    /// Mean near infrared, in the unit of the file.
    infrared: f32,
    /// Highest of a cell.
    highest: f32,
    /// Lowest index of a cell.
    index: f32,
}

impl Wetness {
    pub(crate) const UNKNOWN: Self = Self { infrared: f32::NAN, highest: f32::NAN, index: f32::NAN };

    /// That of `cells`.
    fn of(lights: &Infrared, cells: Window) -> Self {
        if cells.is_empty() || cells.intersection(lights.cells) != cells {
            return Self::UNKNOWN;
        }
        let (row, col) = (cells.row - lights.cells.row, cells.col - lights.cells.col);
        let (mut sum, mut highest, mut lowest) = (0.0f32, f32::NEG_INFINITY, f32::INFINITY);
        for i in row..row + cells.rows {
            for j in col..col + cells.cols {
                let (green, infrared) = (lights.green[(i, j)], lights.near_infrared[(i, j)]);
                let index = (green - infrared) / (green + infrared);
                // Also where there is no light at all.
                if !index.is_finite() {
                    return Self::UNKNOWN;
                }
                sum += infrared;
                highest = if infrared > highest { infrared } else { highest };
                lowest = if index < lowest { index } else { lowest };
            }
        }
        Self { infrared: sum / (cells.rows * cells.cols) as f32, highest, index: lowest }
    }
}

/// What each block of `core` gives back, on either date; `None` for a date without near infrared.
pub(crate) fn measured<S: PairSource>(
    view: &View<'_, S>,
    core: Window,
) -> Outcome<S, [Option<Array2<Wetness>>; 2]> {
    let (shape, later_shape) = (view.source.shape(), view.source.later_shape());
    let with_rim = |block: Window| block.grown(Infrared::CELL_PX, shape);
    let to_later = |block: Window| {
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        let w = with_rim(block);
        for (row, col) in
            [(w.row, w.col), (w.row, w.col_end()), (w.row_end(), w.col), (w.row_end(), w.col_end())]
        {
            let grid = Pixel { row: row as f64, col: col as f64 };
            let p = view.source.later_map().at(view.field.displaced(grid));
            low = (low.0.min(p.row), low.1.min(p.col));
            high = (high.0.max(p.row), high.1.max(p.col));
        }
        let within = |v: f64, end: usize| v.clamp(0.0, end as f64) as usize;
        let (row, col) = (within(low.0.floor(), later_shape.0), within(low.1.floor(), later_shape.1));
        let end = (within(high.0.ceil(), later_shape.0), within(high.1.ceil(), later_shape.1));
        Window::new(row, col, end.0.saturating_sub(row), end.1.saturating_sub(col))
    };
    let earlier = of_blocks(core, with_rim, |cells| view.source.earlier_infrared(cells));
    let later = of_blocks(core, to_later, |cells| view.source.later_infrared(cells));
    Ok([earlier.map_err(CompareError::Read)?, later.map_err(CompareError::Read)?])
}

/// The same of one image, of which `place` gives the pixels of a block and `read` cells.
fn of_blocks<E>(
    core: Window,
    place: impl Fn(Window) -> Window,
    read: impl FnOnce(Window) -> Result<Option<Infrared>, E>,
) -> Result<Option<Array2<Wetness>>, E> {
    let shape = (core.rows.div_ceil(BLOCK_PX), core.cols.div_ceil(BLOCK_PX));
    let places = Array2::from_shape_fn(shape, |(i, j)| {
        let (row, col) = (core.row + i * BLOCK_PX, core.col + j * BLOCK_PX);
        let (rows, cols) = (BLOCK_PX.min(core.row_end() - row), BLOCK_PX.min(core.col_end() - col));
        Infrared::cells_of(place(Window::new(row, col, rows, cols)))
    });
    // What all of them need, read at once.
    let known = || places.iter().filter(|w| !w.is_empty());
    let (row, col) = (known().map(|w| w.row).min(), known().map(|w| w.col).min());
    let (Some(row), Some(col)) = (row, col) else { return Ok(None) };
    let rows = known().map(Window::row_end).max().unwrap_or(row) - row;
    let cols = known().map(Window::col_end).max().unwrap_or(col) - col;
    let Some(lights) = read(Window::new(row, col, rows, cols))? else { return Ok(None) };
    Ok(Some(places.mapv(|cells| Wetness::of(&lights, cells))))
}

/// The blocks of open water, in areas in which a square of `side` blocks fits. `taken` are those that are hidden by something else.
pub(super) fn open_water(
    wet: [Option<&Array2<Wetness>>; 2],
    lights: [&Array2<Light>; 2],
    taken: &Array2<Option<Reason>>,
    side: usize,
) -> Array2<bool> {
    let mut set = Array2::from_elem(taken.dim(), false);
    let usual = [Usual::of(lights[0]), Usual::of(lights[1])];
    let (Some(earlier), Some(later), true) = (&usual[0], &usual[1], wet.iter().any(Option::is_some)) else {
        return set;
    };
    let usual = [earlier, later];
    let most_infrared = wet.map(|wet| {
        let known = wet?.iter().zip(taken).filter(|(w, taken)| w.infrared.is_finite() && taken.is_none());
        Some(DARK * quantile(&mut known.map(|(w, _)| w.infrared).collect::<Vec<_>>(), GROUND_INFRARED)?)
    });
    for (at, set) in set.indexed_iter_mut() {
        // `None` where the date does not tell. False for what is not known.
        let told = [0, 1].map(|date| {
            let (wet, most) = (wet[date]?[at], most_infrared[date]?);
            Some(wet.highest <= most && wet.index >= INDEX)
        });
        let smooth = (0..2).all(|date| lights[date][at].detail <= SMOOTH * usual[date].detail);
        let light = |date: usize| lights[date][at].mean / usual[date].light;
        *set = smooth
            && match told {
                [Some(earlier), Some(later)] => earlier && later,
                [Some(earlier), None] => earlier && light(1) <= BRIGHTER * light(0),
                [None, Some(later)] => later && light(0) <= BRIGHTER * light(1),
                [None, None] => false,
            };
    }
    area::opened(&set, side)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAND: Wetness = Wetness { infrared: 120.0, highest: 140.0, index: -0.3 };
    const WATER: Wetness = Wetness { infrared: 12.0, highest: 15.0, index: 0.5 };
    const FIELD: Light = Light::new(100.0, (70.0, 140.0), 5.0);
    const CALM: Light = Light::new(60.0, (55.0, 66.0), 1.0);
    const LAKE: [std::ops::Range<usize>; 2] = [5..15, 8..20];

    fn grid<T: Clone>(land: T, lake: T) -> Array2<T> {
        let inside = |i, j| LAKE[0].contains(&i) && LAKE[1].contains(&j);
        Array2::from_shape_fn((30, 40), |(i, j)| if inside(i, j) { lake.clone() } else { land.clone() })
    }

    /// Blocks of water of a pair that has one lake, of such looks on either date.
    fn told(wet: [Option<Wetness>; 2], lake: [Light; 2], side: usize) -> usize {
        let wet = wet.map(|w| w.map(|w| grid(LAND, w)));
        let lights = lake.map(|l| grid(FIELD, l));
        let taken = grid(None, None);
        let found = open_water([wet[0].as_ref(), wet[1].as_ref()], [&lights[0], &lights[1]], &taken, side);
        found.iter().filter(|w| **w).count()
    }

    #[test]
    fn a_lake_is_told_by_both_dates_or_by_one_that_has_near_infrared() {
        assert_eq!(told([Some(WATER), Some(WATER)], [CALM; 2], 3), 120);
        assert_eq!(told([Some(WATER), None], [CALM; 2], 3), 120);
        assert_eq!(told([None, Some(WATER)], [CALM; 2], 3), 120);
        assert_eq!(told([None, None], [CALM; 2], 3), 0);
        // In a channel of ten blocks no square of eleven fits.
        assert_eq!(told([Some(WATER), Some(WATER)], [CALM; 2], 11), 0);
    }

    #[test]
    fn what_came_or_went_is_looked_at_and_so_is_what_one_date_sees_lit() {
        assert_eq!(told([Some(WATER), Some(LAND)], [CALM; 2], 3), 0);
        assert_eq!(told([Some(LAND), Some(WATER)], [CALM; 2], 3), 0);
        let shaded = Light::new(45.0, (55.0, 66.0), 1.0);
        let lit = Light::new(90.0, (55.0, 66.0), 1.0);
        assert_eq!(told([None, Some(WATER)], [lit, shaded], 3), 0);
    }

    #[test]
    fn what_is_rough_bright_in_infrared_or_grey_is_no_water() {
        let rough = Light::new(60.0, (55.0, 66.0), 3.0);
        assert_eq!(told([Some(WATER), Some(WATER)], [CALM, rough], 3), 0);
        assert_eq!(told([Some(WATER), Some(WATER)], [CALM, Light::UNKNOWN], 3), 0);
        for other in [Wetness { highest: 40.0, ..WATER }, Wetness { index: 0.1, ..WATER }, Wetness::UNKNOWN] {
            assert_eq!(told([Some(other), Some(other)], [CALM; 2], 3), 0, "{other:?}");
        }
    }

    #[test]
    fn cloud_does_not_stand_for_ground() {
        let cloud = Wetness { infrared: 600.0, highest: 600.0, index: 0.0 };
        let burnt = Wetness { infrared: 40.0, highest: 45.0, index: 0.25 };
        // More than a quarter of the blocks, all of them known to be cloud, or none.
        let mut wet = grid(LAND, burnt);
        let mut taken = grid(None, None);
        for (at, taken) in taken.indexed_iter_mut().filter(|(at, _)| at.1 >= 28) {
            wet[at] = cloud;
            *taken = Some(Reason::Cloud);
        }
        let lights = grid(FIELD, CALM);
        let told = |taken| open_water([Some(&wet); 2], [&lights; 2], taken, 3).iter().any(|w| *w);
        assert!(!told(&taken));
        assert!(told(&grid(None, None)), "else the test shows nothing");
    }

    #[test]
    fn a_block_is_known_where_all_its_cells_are() {
        let cells = Window::new(2, 3, 4, 5);
        let mut lights = Infrared::unknown(cells);
        lights.green.fill(60.0);
        lights.near_infrared.fill(20.0);
        lights.near_infrared[(1, 1)] = 30.0;
        let wet = Wetness::of(&lights, Window::new(2, 3, 2, 2));
        assert_eq!(wet, Wetness { infrared: 22.5, highest: 30.0, index: 30.0 / 90.0 });
        assert!(Wetness::of(&lights, Window::new(2, 3, 4, 6)).infrared.is_nan());
        assert!(Wetness::of(&lights, Window::new(2, 3, 0, 6)).infrared.is_nan());
        lights.near_infrared[(1, 1)] = f32::NAN;
        assert!(Wetness::of(&lights, Window::new(2, 3, 2, 2)).highest.is_nan());
        // No light at all.
        lights.green[(3, 3)] = 0.0;
        lights.near_infrared[(3, 3)] = 0.0;
        assert!(Wetness::of(&lights, Window::new(5, 6, 1, 1)).infrared.is_nan());
    }
}
