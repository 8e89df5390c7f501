//! Windows whose content is matched.

use domain::{Pixel, Raster, Window};
use serde::{Deserialize, Serialize};

use super::{Correlator, Field, Surface};
use crate::resample;

/// What a tie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The field goes by it.
    Fit,
    /// Every fifth, by its place: no step of the fit knows it, so that what it is off by is the error.
    HeldOut,
    /// Agrees neither with the consensus nor with its neighbours.
    Rejected,
}

/// A matched point: the content at `(row_px, col_px)` of the shared grid lies at `+ (d_row_px, d_col_px)` in the
/// later image, in pixels of the shared grid, beyond what the georeferencing says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tie {
    /// Row of the point.
    pub row_px: f64,
    /// Column of the point.
    pub col_px: f64,
    /// Displacement in rows.
    pub d_row_px: f64,
    /// Displacement in columns.
    pub d_col_px: f64,
    /// What noise moves the match by, pixels: standard deviation along the worse direction.
    pub sigma_px: f64,
    /// Height of the match over the next best.
    pub prominence: f64,
    /// `0.01 / (0.1² + sigma_px²)`: 0–1.
    pub weight: f64,
    /// Which of the five parts of the lattice it is of; 0 is held out.
    pub part: usize,
    /// What it is for.
    pub role: Role,
    /// Distance from what the field says without it, pixels; NaN where there is none.
    pub residual_px: f64,
}

/// How the ties lie on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Distance between neighbours, pixels. Windows overlap by nothing on large grids, and on small ones by little more
    /// than their tapers: what a held-out tie says, its neighbours hardly know.
    pub spacing_px: usize,
    /// Side of a window, pixels.
    pub window_px: usize,
    /// Pixels of a side of what is correlated.
    pub decimation: usize,
    /// Farthest match, pixels.
    pub reach_px: usize,
}

impl Layout {
    /// Ties for a grid of `shape`.
    ///
    /// Between ten dates of NAIP, windows of 256 px at full resolution err by 0.17 px in the median, at half by 0.31 px
    /// and for a third of the time, windows of 128 px by 0.32 px. So large grids, which have ties enough, take half.
    /// Small ones take ties close together, or relief would pass between them.
    pub fn of(shape: (usize, usize)) -> Self {
        match (shape.0.min(shape.1), shape.0.max(shape.1)) {
            (..512, _) => Self { spacing_px: 96, window_px: 128, decimation: 1, reach_px: 12 },
            (_, ..2561) => Self { spacing_px: 144, window_px: 256, decimation: 1, reach_px: 12 },
            _ => Self { spacing_px: 256, window_px: 256, decimation: 2, reach_px: 20 },
        }
    }

    /// Smaller windows between these, where ties were matched once already and may be sought nearby; `None` where the windows
    /// are small, or the grid is so large that it would take long.
    ///
    /// In windows of 128 px ties err by half as much again as in those of 256, but they reach nearer to the rim and follow
    /// relief: with both, pairs warped by waves of 2 px were off by 0.16 px (RMS) for 0.27, and no cell by a pixel.
    pub(crate) fn closer(&self) -> Option<Self> {
        (self.window_px == 256 && self.decimation == 1).then_some(Self {
            spacing_px: 80,
            window_px: 128,
            reach_px: 8,
            ..*self
        })
    }

    /// The smallest windows, which are taken in the place of all others where most of them match; `None` as above.
    pub(crate) fn finest(&self) -> Option<Self> {
        self.closer().map(|l| Self { spacing_px: 48, window_px: 64, ..l })
    }

    /// The part of a window by its place alone, so that windows of one place, whatever their size, are of one part.
    pub(crate) fn part_at(&self, window: Window) -> usize {
        let block = |first: usize, n: usize| (first + n / 2) / self.spacing_px;
        (block(window.row, window.rows) + 2 * block(window.col, window.cols) + 3) % 5
    }

    /// The windows, each with its part of the lattice, 0 to 4: a knight's move apart, so that every node has one of each
    /// part among itself and its four neighbours.
    pub fn windows(&self, shape: (usize, usize)) -> Vec<(Window, usize)> {
        let (window, step) = (self.window_px, self.spacing_px);
        // The nodes are spread so that the outermost windows touch the edge.
        let starts = |n: usize| -> Vec<usize> {
            let room = n.saturating_sub(window);
            let count = room.div_ceil(step);
            (0..=count).map(|i| (i * room).checked_div(count).unwrap_or(0) / 2 * 2).collect()
        };
        let (down, along) = (starts(shape.0), starts(shape.1));
        let side = |n: usize| window.min(n);
        let mut out = Vec::with_capacity(down.len() * along.len());
        for (i, &row) in down.iter().enumerate() {
            for (j, &col) in along.iter().enumerate() {
                // The first node is not held out: it may be the only one.
                let part = (i + 2 * j + 3) % 5;
                out.push((Window::new(row, col, side(shape.0), side(shape.1)), part));
            }
        }
        out
    }
}

/// Least height of a match over the next best: of windows of different places on NAIP ground few pass, of windows of the
/// same place in two seasons nearly all do; a wrong one that passes is met by the consensus.
const LEAST_PROMINENCE: f32 = 1.25;
/// Largest error that a match may have by its own account, pixels: beyond it the window shows one edge, or nothing.
const MOST_SIGMA_PX: f64 = 1.0;

/// What came of a window.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Its middle, row and column.
    middle_px: (f64, f64),
    /// The tie; `None` where the two show nothing in common: water, cloud, nodata, other crops.
    tie: Option<Tie>,
    /// Detail of both dates, as gradients; `None` where one shows nothing.
    detail: Option<[f32; 2]>,
}

/// What came of the windows of a pair.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    /// How many were tried.
    pub(crate) windows: usize,
    /// Those that matched.
    pub(crate) ties: Vec<Tie>,
    /// Middles of those that did not, though both dates show as much detail as ground does: other crops, and no cloud or water.
    pub(crate) changed_px: Vec<(f64, f64)>,
}

/// Least detail of ground beside the median of the windows that matched. Cloud and water are smoother than fields by more.
const LEAST_DETAIL: f32 = 0.5;

impl Attempt {
    /// A window of both dates, the later one displaced by `shift_px` when it was read.
    pub(crate) fn make(
        correlator: &Correlator,
        layout: &Layout,
        (earlier, later): (&Raster, &Raster),
        shift_px: (f64, f64),
        part: usize,
    ) -> Self {
        let w = earlier.window;
        let surface = Tie::surface(correlator, layout, earlier, later);
        let detail = surface.as_ref().map(Surface::detail);
        let tie = surface.and_then(|s| Tie::of(&s, layout, w, shift_px, part));
        let middle_px = (w.row as f64 + w.rows as f64 / 2.0, w.col as f64 + w.cols as f64 / 2.0);
        Self { middle_px, tie, detail }
    }

    /// Whether it gave a tie.
    pub(crate) fn matched(&self) -> bool {
        self.tie.is_some()
    }

    /// What was measured in the later image as `field` displaces it: in that image as its georeferencing has it.
    pub(crate) fn seen_through(self, field: &Field) -> Self {
        Self { tie: self.tie.map(|t| t.seen_through(field)), ..self }
    }
}

impl Attempts {
    pub(crate) fn of(tried: &[Attempt]) -> Self {
        let matched = || tried.iter().filter(|a| a.tie.is_some());
        let usual: [f32; 2] = std::array::from_fn(|date| {
            let mut details: Vec<f32> = matched().filter_map(|a| Some(a.detail?[date])).collect();
            details.sort_by(f32::total_cmp);
            details.get(details.len() / 2).copied().unwrap_or(f32::INFINITY)
        });
        let like_ground = |a: &&Attempt| {
            let enough = |d: [f32; 2]| d.iter().zip(usual).all(|(d, usual)| *d >= LEAST_DETAIL * usual);
            a.tie.is_none() && a.detail.is_some_and(enough)
        };
        Self {
            windows: tried.len(),
            ties: tried.iter().filter_map(|a| a.tie).collect(),
            changed_px: tried.iter().filter(like_ground).map(|a| a.middle_px).collect(),
        }
    }
}

impl Tie {
    /// Agreement of a window of both dates for every shift within reach.
    fn surface(
        correlator: &Correlator,
        layout: &Layout,
        earlier: &Raster,
        later: &Raster,
    ) -> Option<Surface> {
        let factor = layout.decimation;
        let reach = layout.reach_px / factor;
        if factor == 1 {
            correlator.surface((&earlier.pixels, &earlier.valid), (&later.pixels, &later.valid), reach)
        } else {
            let (e, l) = (resample::halved(earlier), resample::halved(later));
            correlator.surface((&e.0, &e.1), (&l.0, &l.1), reach)
        }
    }

    /// The tie of a window `w`: where the later image's content lies, beyond `shift_px` by which it was displaced when it
    /// was read. `None` where the two show nothing in common.
    fn of(surface: &Surface, layout: &Layout, w: Window, shift_px: (f64, f64), part: usize) -> Option<Self> {
        let factor = layout.decimation;
        let peak = surface.peak()?;
        let sigma_px = peak.sigma_px * factor as f64;
        if peak.prominence < LEAST_PROMINENCE || sigma_px > MOST_SIGMA_PX {
            return None;
        }
        Some(Self {
            row_px: w.row as f64 + w.rows as f64 / 2.0,
            col_px: w.col as f64 + w.cols as f64 / 2.0,
            d_row_px: shift_px.0 + peak.d_row_px * factor as f64,
            d_col_px: shift_px.1 + peak.d_col_px * factor as f64,
            sigma_px,
            prominence: f64::from(peak.prominence),
            weight: 0.01 / (0.01 + sigma_px * sigma_px),
            part,
            role: if part == 0 { Role::HeldOut } else { Role::Fit },
            residual_px: f64::NAN,
        })
    }

    /// A tie that was measured in the later image as `field` displaces it: in that image as its georeferencing has it.
    fn seen_through(self, field: &Field) -> Self {
        let there = Pixel { row: self.row_px + self.d_row_px, col: self.col_px + self.d_col_px };
        let moved = field.displaced(there);
        Self { d_row_px: moved.row - self.row_px, d_col_px: moved.col - self.col_px, ..self }
    }

    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self {
            row_px: 0.0,
            col_px: 0.0,
            d_row_px: 0.0,
            d_col_px: 0.0,
            sigma_px: 0.1,
            prominence: 3.0,
            weight: 0.5,
            part: 1,
            role: Role::Fit,
            residual_px: f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_grid_and_a_fifth_is_held_out() {
        for shape in [(64, 70), (300, 900), (723, 934), (2048, 2048), (8192, 5000)] {
            let windows = Layout::of(shape).windows(shape);
            let end = windows.iter().map(|(w, _)| (w.row_end(), w.col_end())).max();
            let last = windows.last().map(|(w, _)| (w.row_end(), w.col_end()));
            assert_eq!(end, last);
            assert!(last.is_some_and(|(r, c)| r + 1 >= shape.0 && c + 1 >= shape.1), "{last:?} of {shape:?}");
            let held = windows.iter().filter(|(_, part)| *part == 0).count();
            assert!(
                held * 5 <= windows.len() + 10 && held * 5 + 10 >= windows.len(),
                "{held} of {}",
                windows.len()
            );
        }
    }
}
