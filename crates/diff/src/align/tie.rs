//! Windows whose content is matched.

use domain::{Pixel, Raster, Window};
use serde::{Deserialize, Serialize};

use super::{Correlator, Field};
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

impl Tie {
    /// The tie of a window: where the later image's content lies, beyond `shift_px` by which it was displaced when it
    /// was read. `None` where the two show nothing in common: water, cloud, nodata, other crops.
    pub fn measure(
        correlator: &Correlator,
        layout: &Layout,
        earlier: &Raster,
        later: &Raster,
        shift_px: (f64, f64),
        part: usize,
    ) -> Option<Self> {
        let factor = layout.decimation;
        let reach = layout.reach_px / factor;
        let surface = if factor == 1 {
            correlator.surface((&earlier.pixels, &earlier.valid), (&later.pixels, &later.valid), reach)
        } else {
            let (e, l) = (resample::halved(earlier), resample::halved(later));
            correlator.surface((&e.0, &e.1), (&l.0, &l.1), reach)
        };
        let peak = surface?.peak()?;
        let sigma_px = peak.sigma_px * factor as f64;
        if peak.prominence < LEAST_PROMINENCE || sigma_px > MOST_SIGMA_PX {
            return None;
        }
        let w = earlier.window;
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
    pub(crate) fn seen_through(self, field: &Field) -> Self {
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
