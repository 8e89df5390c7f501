//! Line gain: how much more a place looks like a dark line on the later date than on the earlier.
//!
//! Along each of twelve directions the image is averaged over a few metres; the strength of a line is the
//! lower of its two flanks less its core. A step from field to field has one flank only and scores nothing,
//! which a second derivative does not give. Strength is divided by the local clutter of its own date, so that
//! one line in a quiet field stands out and one furrow among a hundred does not; the gain is what the later
//! date has over the strongest earlier line within the residual of the alignment.
//!
//! Two-sided minimum after the fused line detector of Tupin, Maître, Mangin, Nicolas & Pechersky (1998), IEEE
//! TGRS 36(2); we take differences of means, not ratios, and average along the line first. The clutter rule is
//! that of constant-false-alarm-rate detectors.

mod buffers;
pub mod gaussian;
mod response;

pub use buffers::Buffers;
pub use response::{DIRECTIONS, Response, direction, respond};

use domain::{Pixel, Raster, Window};
use ndarray::{Array2, Zip, s};
use serde::{Deserialize, Serialize};

use crate::align::CELL_PX;
use crate::{error::OptionError, lanes, resample};

/// What counts as gain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Gain from which on a point counts, in multiples of the local clutter. Default 0.8, chosen on rendered works on real
    /// fields; 0.2–20.
    pub min_gain: f64,
    /// Added to the clutter, as a share of the local brightness: below it a line is noise of the sensor.
    /// Default 0.003; 0–0.1.
    pub noise_share: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_gain: 0.8, noise_share: 0.003 }
    }
}

impl Options {
    /// # Errors
    /// [`OptionError`] for the first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        OptionError::check("line_gain.min_gain", self.min_gain, 0.2..=20.0, "0.2 to 20")?;
        OptionError::check("line_gain.noise_share", self.noise_share, 0.0..=0.1, "0 to 0.1")
    }
}

/// A family of line widths, filtered together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scale {
    /// Trenches: cores of 0.9–2 m.
    Narrow,
    /// Anti-vehicle ditches: cuts of 3.5–7 m between their berms.
    Wide,
}

/// Lengths of the filter of a [`Scale`], metres.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Sigma of the smoothing before.
    pub smoothing_m: f64,
    /// Length of the average along the line.
    pub length_m: f64,
    /// Distances of the flanks from the core; the best counts.
    pub flanks_m: &'static [f64],
}

impl Scale {
    /// Both, in the order in which they are filtered.
    pub const ALL: [Self; 2] = [Self::Narrow, Self::Wide];

    /// Lengths of the filter.
    ///
    /// The average along must not be longer than the legs of what it follows: a trench turns every 8.4 m in
    /// the median, a ditch every 70 m. A trench's spoil ends 2–4 m from its core, a ditch's berms crest at
    /// 3–6 m.
    pub fn profile(self) -> Profile {
        match self {
            Self::Narrow => Profile { smoothing_m: 0.4, length_m: 6.0, flanks_m: &[1.4, 2.2] },
            Self::Wide => Profile { smoothing_m: 0.8, length_m: 16.0, flanks_m: &[3.0, 4.5, 6.0] },
        }
    }

    /// Pixels averaged into one before filtering, for a grid of `pixel_m`: the filter is made for about five
    /// pixels across its flanks.
    pub fn decimation(self, pixel_m: f64) -> usize {
        let wanted_m = match self {
            Self::Narrow => 0.35,
            Self::Wide => 2.0,
        };
        ((wanted_m / pixel_m).round() as usize).clamp(1, 8)
    }
}

/// A point at which the gain peaks across a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Row in the shared grid, pixels (centre of the first pixel at 0.5).
    pub row: f32,
    /// Column in the shared grid.
    pub col: f32,
    /// Gain, in multiples of the clutter.
    pub gain: f32,
    /// Index of the direction of the line, see [`direction`].
    pub direction: u8,
}

/// How a grid is cut for filtering: everything that must not depend on the size of the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Side of a clutter block, pixels; windows are grown to multiples of it.
    pub block_px: usize,
    /// Context the filters need on every side, pixels.
    pub halo_px: usize,
}

/// Pixels that the images may be off against each other, at most.
const MOST_OFF_PX: f32 = 4.0;
/// Reach of the clutter average, blocks on either side.
const CLUTTER_BLOCKS: usize = 2;
/// Side of a clutter block: small against a field, large against a line.
const BLOCK_M: f64 = 8.0;

impl Layout {
    /// The layout for a grid of `pixel_m`.
    pub fn of(pixel_m: f64) -> Self {
        // A multiple of both decimations, so that decimated pixels never straddle a window.
        let unit = Scale::ALL.map(|s| s.decimation(pixel_m)).iter().product::<usize>();
        let block_px = unit * ((BLOCK_M / pixel_m / unit as f64).round() as usize).max(1);
        let reach_m = Scale::ALL.map(|s| response::reach_m(s.profile())).into_iter().fold(0.0, f64::max);
        let reach_px = (reach_m / pixel_m).ceil() as usize + 4 * unit;
        Self { block_px, halo_px: reach_px + (CLUTTER_BLOCKS + 1) * block_px }
    }
}

/// Points where lines of `scale` gained, within `core`, in order of rows and columns.
///
/// `earlier` and `later` are on the same window of the shared grid: `core` grown by [`Layout::halo_px`], snapped
/// to [`Layout::block_px`]. `residual_px` tells how far they may be off against each other at a place, the same all over a
/// square of [`CELL_PX`].
pub fn points(
    [earlier, later]: [&Raster; 2],
    core: Window,
    scale: Scale,
    pixel_m: f64,
    residual_px: impl Fn(Pixel) -> f32,
    options: &Options,
    buffers: &mut Buffers,
) -> Vec<Point> {
    let factor = scale.decimation(pixel_m);
    let layout = Layout::of(pixel_m);
    let block = layout.block_px / factor;
    let pixel_m = pixel_m * factor as f64;
    let share = options.noise_share as f32;
    let of = |raster: &Raster, buffers: &mut Buffers| {
        if factor == 1 {
            return normalised(&raster.pixels, &raster.valid, scale, pixel_m, block, share, buffers);
        }
        let (pixels, valid) = resample::decimate(raster, factor);
        normalised(&pixels, &valid, scale, pixel_m, block, share, buffers)
    };
    let past = of(earlier, buffers).strength;
    let after = of(later, buffers);
    let mut gain = after.strength;
    let cells = Cells::of(earlier.window, gain.dim(), factor, residual_px);
    cells.subtract(&mut gain, past, buffers);

    let (rows, cols) = gain.dim();
    let window = earlier.window;
    let min_gain = options.min_gain as f32;
    let mut out = vec![];
    for r in 1..rows.saturating_sub(1) {
        for c in 1..cols - 1 {
            let g = gain[(r, c)];
            if g < min_gain {
                continue;
            }
            // Centre of the (decimated) pixel on the shared grid.
            let row = (window.row as f32) + (r as f32 + 0.5) * factor as f32;
            let col = (window.col as f32) + (c as f32 + 0.5) * factor as f32;
            let inside = |v: f32, low: usize, high: usize| v >= low as f32 && v < high as f32;
            if !inside(row, core.row, core.row_end()) || !inside(col, core.col, core.col_end()) {
                continue;
            }
            let k = after.direction[(r, c)];
            let (dr, dc) = direction(k);
            // Across the line, to the nearest pixel.
            let (nr, nc) = (dc.round() as i32, (-dr).round() as i32);
            let at = |s: i32| gain[((r as i32 + s * nr) as usize, (c as i32 + s * nc) as usize)];
            let (left, right) = (at(-1), at(1));
            if g < left || g <= right {
                continue;
            }
            let bend = left - 2.0 * g + right;
            let shift = if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) } else { 0.0 };
            out.push(Point {
                row: row + shift * (nr * factor as i32) as f32,
                col: col + shift * (nc * factor as i32) as f32,
                gain: g,
                direction: k,
            });
        }
    }
    buffers.give(gain);
    out
}

/// The response of one date, in multiples of its local clutter.
fn normalised(
    image: &Array2<f32>,
    valid: &Array2<bool>,
    scale: Scale,
    pixel_m: f64,
    block: usize,
    noise_share: f32,
    buffers: &mut Buffers,
) -> Response {
    let mut response = respond(image, valid, pixel_m, scale.profile(), buffers);
    let clutter = clutter(&response.strength, image, valid, block, noise_share);
    let (rows, cols) = response.strength.dim();
    // Bilinear between the centres of the blocks: the two blocks and the share of the second. The share comes from
    // the place within the block, so that it is the same to the last bit wherever the window starts.
    let between = |n: usize, blocks: usize| -> Vec<(usize, usize, f32)> {
        (0..n)
            .map(|i| {
                let (j, t) = (i / block, ((i % block) as f32 + 0.5) / block as f32 - 0.5);
                match t < 0.0 {
                    true if j == 0 => (0, 0, 0.0),
                    true => (j - 1, j, t + 1.0),
                    false => (j, (j + 1).min(blocks - 1), t),
                }
            })
            .collect()
    };
    let (down, along) = (between(rows, clutter.nrows()), between(cols, clutter.ncols()));
    // Along each row of blocks first: then every row of pixels is a sum of two.
    let wide: Vec<Vec<f32>> = clutter
        .rows()
        .into_iter()
        .map(|c| along.iter().map(|&(j, j2, v)| c[j] * (1.0 - v) + c[j2] * v).collect())
        .collect();
    for (mut line, &(i, i2, u)) in response.strength.rows_mut().into_iter().zip(&down) {
        if let Some(line) = line.as_slice_mut() {
            lanes::divide(line, &wide[i], &wide[i2], u);
        }
    }
    response
}

/// Typical strength around each block: the square of the mean root, which one strong line hardly moves, plus
/// the noise floor. Never 0.
fn clutter(
    strength: &Array2<f32>,
    image: &Array2<f32>,
    valid: &Array2<bool>,
    block: usize,
    noise_share: f32,
) -> Array2<f32> {
    let (rows, cols) = strength.dim();
    let shape = (rows.div_ceil(block).max(1), cols.div_ceil(block).max(1));
    // Sums in blocks anchored at the grid, in a fixed order: the same whatever the window. Down the columns first.
    let (mut root, mut light, mut count) =
        (Array2::<f64>::zeros(shape), Array2::<f64>::zeros(shape), Array2::<f64>::zeros(shape));
    let mut columns = [vec![0.0f32; cols], vec![0.0f32; cols], vec![0.0f32; cols]];
    for top in (0..rows).step_by(block) {
        columns.iter_mut().for_each(|c| c.fill(0.0));
        for r in top..(top + block).min(rows) {
            let (strength, image, valid) = (strength.row(r), image.row(r), valid.row(r));
            if let (Some(s), Some(i), Some(v)) = (strength.to_slice(), image.to_slice(), valid.to_slice()) {
                lanes::add_known(&mut columns, s, i, v);
            }
        }
        for (sums, columns) in [&mut root, &mut light, &mut count].into_iter().zip(&columns) {
            for (sum, part) in sums.row_mut(top / block).iter_mut().zip(columns.chunks(block)) {
                *sum = part.iter().map(|&v| f64::from(v)).sum();
            }
        }
    }
    Array2::from_shape_fn(shape, |(i, j)| {
        let (mut s, mut l, mut n) = (0.0, 0.0, 0.0);
        for a in i.saturating_sub(CLUTTER_BLOCKS)..(i + CLUTTER_BLOCKS + 1).min(shape.0) {
            for b in j.saturating_sub(CLUTTER_BLOCKS)..(j + CLUTTER_BLOCKS + 1).min(shape.1) {
                s += root[(a, b)];
                l += light[(a, b)];
                n += count[(a, b)];
            }
        }
        if n < 1.0 { 1.0 } else { ((s / n).powi(2) + f64::from(noise_share) * (l / n)).max(1e-6) as f32 }
    })
}

/// Within how many pixels an earlier line counts, cell by cell of the alignment.
struct Cells {
    /// By cell.
    reach_px: Array2<usize>,
    /// Where cells begin, in rows and columns of a (decimated) window, and where the last ends.
    starts: [Vec<usize>; 2],
}

impl Cells {
    /// Those that a window of the shared grid lies in, of which every pixel of `(rows, cols)` is `factor` wide.
    fn of(
        window: Window,
        (rows, cols): (usize, usize),
        factor: usize,
        residual_px: impl Fn(Pixel) -> f32,
    ) -> Self {
        let starts = |first: usize, n: usize| -> Vec<usize> {
            let later = (first / CELL_PX + 1..).map(|k| (k * CELL_PX - first).div_ceil(factor));
            [0].into_iter().chain(later.take_while(|&at| at < n)).chain([n]).collect()
        };
        let starts = [starts(window.row, rows), starts(window.col, cols)];
        let middle = |first: usize, k: usize| ((first / CELL_PX + k) * CELL_PX + CELL_PX / 2) as f64;
        let reach_px = Array2::from_shape_fn((starts[0].len() - 1, starts[1].len() - 1), |(i, j)| {
            let residual_px = residual_px(Pixel { row: middle(window.row, i), col: middle(window.col, j) });
            // One pixel for the difference of two samplings, and the residual.
            1 + (residual_px / factor as f32).ceil().clamp(0.0, MOST_OFF_PX) as usize
        });
        Self { reach_px, starts }
    }

    /// Takes the strongest line of `past` within reach from every pixel of `gain`.
    fn subtract(&self, gain: &mut Array2<f32>, mut past: Array2<f32>, buffers: &mut Buffers) {
        let mut reaches: Vec<usize> = self.reach_px.iter().copied().collect();
        reaches.sort_unstable();
        reaches.dedup();
        let mut within = 0;
        for reach in reaches {
            past = dilated(past, reach - within, buffers);
            within = reach;
            for ((i, j), _) in self.reach_px.indexed_iter().filter(|(_, of)| **of == reach) {
                let (rows, cols) =
                    (self.starts[0][i]..self.starts[0][i + 1], self.starts[1][j]..self.starts[1][j + 1]);
                let cell = s![rows, cols];
                Zip::from(gain.slice_mut(cell)).and(past.slice(cell)).for_each(|g, p| *g -= p);
            }
        }
        buffers.give(past);
    }
}

/// The highest value within `reach` pixels, in a square.
fn dilated(image: Array2<f32>, reach: usize, buffers: &mut Buffers) -> Array2<f32> {
    let (rows, cols) = image.dim();
    let mut across = buffers.plane((rows, cols));
    across.assign(&image);
    for (mut out, line) in across.rows_mut().into_iter().zip(image.rows()) {
        if let (Some(out), Some(line)) = (out.as_slice_mut(), line.as_slice()) {
            for k in 1..=reach.min(cols.saturating_sub(1)) {
                lanes::raise(&mut out[k..], &line[..cols - k]);
                lanes::raise(&mut out[..cols - k], &line[k..]);
            }
        }
    }
    let mut both = image;
    both.assign(&across);
    for r in 0..rows {
        for other in (r.saturating_sub(reach)..(r + reach + 1).min(rows)).filter(|&o| o != r) {
            if let (Some(out), Some(line)) = (both.row_mut(r).as_slice_mut(), across.row(other).as_slice()) {
                lanes::raise(out, line);
            }
        }
    }
    buffers.give(across);
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(rows: usize, cols: usize, seed: u32) -> Raster {
        let mut r = Raster::invalid(Window::new(0, 0, rows, cols));
        r.valid.fill(true);
        r.pixels = Array2::from_shape_fn((rows, cols), |(i, j)| {
            let h = (i as u32).wrapping_mul(2_654_435_761) ^ (j as u32).wrapping_mul(2_246_822_519) ^ seed;
            100.0 + (h.wrapping_mul(3_266_489_917) >> 24) as f32 / 32.0
        });
        r
    }

    fn with_line(mut r: Raster, dark: f32) -> Raster {
        for i in 30..130 {
            for j in 70..73 {
                r.pixels[(i, j)] -= dark;
            }
        }
        r
    }

    fn gains(earlier: &Raster, later: &Raster) -> Vec<Point> {
        points(
            [earlier, later],
            later.window,
            Scale::Narrow,
            0.5,
            |_| 0.3,
            &Options { min_gain: 3.0, ..Options::default() },
            &mut Buffers::default(),
        )
    }

    #[test]
    fn a_new_line_gains_and_an_old_one_does_not() {
        let (empty, old) = (field(160, 144, 1), with_line(field(160, 144, 2), 20.0));
        let new = gains(&empty, &old);
        let on_line =
            new.iter().filter(|p| (p.col - 71.5).abs() < 1.0 && p.row > 34.0 && p.row < 126.0).count();
        assert!(on_line > 80, "{on_line}");
        let both = gains(&with_line(field(160, 144, 1), 20.0), &old);
        assert!(both.iter().all(|p| (p.col - 71.5).abs() > 1.0 || p.row < 30.0 || p.row > 130.0));
        assert!(gains(&old, &old).is_empty());
    }

    #[test]
    fn an_old_line_counts_as_far_away_as_the_images_may_be_off_there() {
        let lines = |seed: u32, cols: [usize; 2]| {
            let mut r = field(160, 256, seed);
            let wide = |at: usize| (30..130).flat_map(move |i| (at..at + 3).map(move |j| (i, j)));
            cols.into_iter().flat_map(wide).for_each(|at| r.pixels[at] -= 20.0);
            r
        };
        let (earlier, later) = (lines(1, [70, 180]), lines(2, [75, 185]));
        let near = |residual_px: fn(Pixel) -> f32| {
            let options = Options { min_gain: 3.0, ..Options::default() };
            let pair = [&earlier, &later];
            let all = points(
                pair,
                later.window,
                Scale::Narrow,
                0.5,
                residual_px,
                &options,
                &mut Buffers::default(),
            );
            [76.5, 186.5].map(|col| {
                all.iter().filter(|p| (p.col - col).abs() < 1.0 && p.row > 34.0 && p.row < 126.0).count()
            })
        };
        assert!(near(|_| 0.3).iter().all(|&n| n > 80), "{:?}", near(|_| 0.3));
        assert_eq!(near(|_| 4.0), [0, 0]);
        let [left, right] = near(|p| if p.col < 128.0 { 0.3 } else { 4.0 });
        assert!(left > 80 && right == 0, "{left} {right}");
    }

    #[test]
    fn a_step_is_not_a_line() {
        let mut step = field(160, 144, 3);
        step.pixels.slice_mut(ndarray::s![.., 72..]).mapv_inplace(|v| v + 60.0);
        assert!(gains(&field(160, 144, 1), &step).is_empty());
    }

    #[test]
    fn a_gain_of_brightness_changes_no_point() {
        let (a, mut b) = (field(160, 144, 1), with_line(field(160, 144, 2), 20.0));
        let first = gains(&a, &b);
        b.pixels.mapv_inplace(|v| v * 4.0);
        assert_eq!(first.len(), gains(&a, &b).len());
    }
}
