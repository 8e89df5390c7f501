//! What is added to the brightness of a date, so that its dark ground is as dark as on any other.
//!
//! A picture made to be looked at has its darkest ground taken to 0, and haze lifts it. The network measures brightness against a mean:
//! the same trench would stand out twice as much in the one and half as much in the other. Dark ground is nearly as dark everywhere, so
//! it tells what was taken away or added (Chavez 1988, Remote Sensing of Environment 24, 459–479). It is asked cell by cell, of such
//! ground as a trench is seen against, and the middle cell decides: neither a lake nor a wood does.

use domain::{Raster, Window};
use ndarray::{Array2, ArrayView3, Axis, indices, s};

use crate::hidden::{BLOCK_PX, Light};
use crate::look::Look;

/// Side of a cell, blocks: as much ground as the network saw at a time when it was fitted.
pub(crate) const CELL_BLOCKS: usize = 16;
/// Least blocks that tell what a cell is like.
const LEAST_BLOCKS: usize = 16;
/// Share of the blocks of a cell whose darkest pixel is darker than its dark ground.
const DARK: f64 = 0.1;
/// Brightness of dark ground as a share of that of its cell, on imagery that nothing was added to or taken from: the median of 240
/// images, drawn and real.
const SHARE: f32 = 0.57;
/// Share of the cells whose darkest pixel is darker than the shade, the woods and the water of the date.
const SHADE: f64 = 0.05;
/// Least brightness of those as a share of the usual. Haze lifts them too; where only the fields are even, they are dark enough, and
/// nothing is taken away for it.
const SHADE_SHARE: f32 = 0.25;

/// What a block of one date looks like, and the brightness of its darkest pixel.
pub(crate) type Block = (Light, f32);

/// What is known of the brightness of a date.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tone {
    /// Of each cell, what would have to be added there.
    needs: Vec<f32>,
    /// Of each cell, how bright it is.
    usual: Vec<f32>,
    /// Of each cell, its darkest pixel.
    darkest: Vec<f32>,
}

impl Tone {
    /// Of both dates, where both are known. The first block begins a cell.
    pub(crate) fn both(dates: &[Array2<Block>; 2]) -> [Self; 2] {
        let (rows, cols) = dates[0].dim();
        let mut out = [Self::default(), Self::default()];
        for row in (0..rows).step_by(CELL_BLOCKS) {
            for col in (0..cols).step_by(CELL_BLOCKS) {
                let cell = s![row..(row + CELL_BLOCKS).min(rows), col..(col + CELL_BLOCKS).min(cols)];
                let [earlier, later] = dates.each_ref().map(|date| date.slice(cell));
                let known = || {
                    indices(earlier.dim())
                        .into_iter()
                        .filter(|&at| earlier[at].0.is_known() && later[at].0.is_known())
                };
                for (tone, date) in out.iter_mut().zip([earlier, later]) {
                    let means = known().map(|at| date[at].0.mean).collect();
                    tone.add(means, known().map(|at| date[at].1).collect());
                }
            }
        }
        out
    }

    /// A cell, by the means and the darkest pixels of its blocks.
    fn add(&mut self, mut means: Vec<f32>, mut darkest: Vec<f32>) {
        if means.len() < LEAST_BLOCKS {
            return;
        }
        if let (Some(usual), Some(dark)) = (quantile(&mut means, 0.5), quantile(&mut darkest, DARK)) {
            self.needs.push(lifted(dark, usual, SHARE));
            self.usual.push(usual);
            self.darkest.push(darkest.iter().copied().fold(dark, f32::min));
        }
    }

    /// What another part of the date tells. Parts may come in any order.
    pub(crate) fn join(&mut self, other: &Self) {
        self.needs.extend(&other.needs);
        self.usual.extend(&other.usual);
        self.darkest.extend(&other.darkest);
    }

    /// What has to be added to every pixel, in the unit of the file, so that dark ground has its usual share of the brightness around it;
    /// 0 where nothing is known.
    pub(crate) fn offset(mut self) -> f32 {
        let (need, usual) = (quantile(&mut self.needs, 0.5), quantile(&mut self.usual, 0.5));
        let shade = quantile(&mut self.darkest, SHADE);
        let (Some(need), Some(usual), Some(shade)) = (need, usual, shade) else { return 0.0 };
        need.max(lifted(shade, usual, SHADE_SHARE))
    }
}

/// What has to be added to either date of a whole pair.
pub(crate) fn offsets(look: &Look) -> [f32; 2] {
    Tone::both(&[&look.earlier, &look.later].map(|date| blocks(date.view(), &look.valid))).map(Tone::offset)
}

fn blocks(bands: ArrayView3<'_, f32>, valid: &Array2<bool>) -> Array2<Block> {
    let (rows, cols) = valid.dim();
    let pixels = bands.sum_axis(Axis(0)) / bands.dim().0 as f32;
    let raster = Raster { window: Window::new(0, 0, rows, cols), pixels, valid: valid.clone() };
    Array2::from_shape_fn((rows / BLOCK_PX, cols / BLOCK_PX), |(r, c)| {
        Light::of(&raster, Window::new(r * BLOCK_PX, c * BLOCK_PX, BLOCK_PX, BLOCK_PX))
    })
}

/// What has to be added to `dark` and to `usual` so that the one is so large a share of the other.
fn lifted(dark: f32, usual: f32, share: f32) -> f32 {
    (share * usual - dark) / (1.0 - share)
}

/// The value that a share of all lies below.
fn quantile(values: &mut [f32], share: f64) -> Option<f32> {
    let at = (share * values.len() as f64) as usize;
    (at < values.len()).then(|| *values.select_nth_unstable_by(at, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: (usize, usize) = (4 * CELL_BLOCKS, 4 * CELL_BLOCKS);

    /// Blocks of a brightness around 100, their darkest pixel a fifth to a half below it.
    fn ground((r, c): (usize, usize)) -> Block {
        let mean = 85.0 + ((7 * r + 11 * c) % 31) as f32;
        seen(mean, mean * (0.5 + 0.3 * ((5 * r + 3 * c) % 17) as f32 / 17.0))
    }

    fn seen(mean: f32, darkest: f32) -> Block {
        (Light::new(mean, (darkest, 2.0 * mean - darkest), 5.0), darkest)
    }

    /// Of a date beside plain ground on the other.
    fn offset(date: impl Fn((usize, usize)) -> Block) -> f32 {
        let [earlier, _] =
            Tone::both(&[Array2::from_shape_fn(DATE, date), Array2::from_shape_fn(DATE, ground)]);
        earlier.offset()
    }

    #[test]
    fn what_was_added_is_taken_away_and_what_was_taken_away_is_added() {
        let plain = offset(ground);
        // Means of 85 to 115, and a tenth of the blocks has pixels darker than 52.
        assert!((plain - lifted(52.0, 100.0, SHARE)).abs() < 5.0, "{plain}");
        for by in [-40.0, 25.0, 100.0] {
            let moved = offset(|at| {
                let (light, darkest) = ground(at);
                seen(light.mean + by, darkest + by)
            });
            assert!((moved + by - plain).abs() < 1e-3, "{by}: {moved} for {plain}");
        }
        let doubled = offset(|at| seen(2.0 * ground(at).0.mean, 2.0 * ground(at).1));
        assert!((doubled - 2.0 * plain).abs() < 1e-3);
    }

    #[test]
    fn lakes_and_woods_move_it_little() {
        let plain = offset(ground);
        for (mean, darkest) in [(30.0, 28.0), (50.0, 15.0)] {
            let with = offset(|(r, c)| if c < DATE.1 / 4 { seen(mean, darkest) } else { ground((r, c)) });
            assert!((with - plain).abs() < 6.0, "{mean} {darkest}: {with} for {plain}");
        }
    }

    #[test]
    fn even_fields_are_no_haze_where_shade_is_dark() {
        let even = |at| seen(ground(at).0.mean, 0.9 * ground(at).0.mean);
        let without = offset(even);
        let with = offset(|(r, c)| {
            if (r % CELL_BLOCKS, c % CELL_BLOCKS) == (3, 5) { seen(60.0, 30.0) } else { even((r, c)) }
        });
        assert!(without < -40.0 && with > -15.0, "{without} {with}");
        // Under haze shade is no longer dark.
        let hazy = offset(|(r, c)| {
            let (light, darkest) =
                if (r % CELL_BLOCKS, c % CELL_BLOCKS) == (3, 5) { seen(60.0, 30.0) } else { ground((r, c)) };
            seen(light.mean + 100.0, darkest + 100.0)
        });
        assert!(hazy < -80.0, "{hazy}");
    }

    #[test]
    fn what_is_not_known_on_both_dates_says_nothing() {
        let unknown = (Light::UNKNOWN, f32::NAN);
        let nothing = || Array2::from_elem(DATE, unknown);
        assert_eq!(Tone::both(&[nothing(), Array2::from_shape_fn(DATE, ground)]).map(Tone::offset), [0.0; 2]);
        // A few blocks of a cell are too few.
        let few = |(r, c): (usize, usize)| {
            if r % CELL_BLOCKS == 0 && c % CELL_BLOCKS > 0 { ground((r, c)) } else { unknown }
        };
        assert_eq!(offset(few), 0.0);
    }

    #[test]
    fn parts_come_in_any_order() {
        let [whole, _] = Tone::both(&[(); 2].map(|()| Array2::from_shape_fn(DATE, ground)));
        let mut joined = Tone::default();
        for (row, col) in [(2, 0), (0, 2), (2, 2), (0, 0)] {
            let part = || {
                Array2::from_shape_fn((DATE.0 / 2, DATE.1 / 2), |(r, c)| {
                    ground((r + row * CELL_BLOCKS, c + col * CELL_BLOCKS))
                })
            };
            joined.join(&Tone::both(&[part(), part()])[0]);
        }
        assert_eq!(joined.offset(), whole.offset());
    }
}
