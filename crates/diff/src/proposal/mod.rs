//! Where the network that judges looks: squares of ground through which a new line may run.
//!
//! A far smaller network ([`crate::net::Proposer`]) is asked about all ground, on the brightness of both dates on pixels of
//! half a metre. What it thinks possible is put together square by square over the whole grid, so that no window cuts a line.

mod cells;
mod contrast;

pub(crate) use cells::{Cell, linked};

use domain::{Pixel, Raster, Window};
use ndarray::{Array2, s};
use serde::{Deserialize, Serialize};

use crate::{
    error::OptionError,
    look::LookGrid,
    net::{CELL_PX, PROPOSER_HALO_PX, Proposed, Proposer, ProposerMaps, Region},
    resample,
};
use contrast::BLOCK_PX;
pub use contrast::Dates;

/// Which ground is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Least chance of a new line, as the proposing network gives it, from which on a square of 4 m is looked at. Lower finds a
    /// little more and takes longer. Default 0.1; 0.001–0.9.
    pub min_chance: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { min_chance: 0.1 }
    }
}

impl Options {
    /// # Errors
    /// [`OptionError`] for the first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        OptionError::check("proposal.min_chance", self.min_chance, 0.001..=0.9, "0.001 to 0.9")
    }

    /// The same as log-odds.
    fn min_odds(&self) -> f32 {
        (self.min_chance / (1.0 - self.min_chance)).ln() as f32
    }
}

/// Context that squares need, pixels of what is looked at.
const HALO_PX: usize = PROPOSER_HALO_PX + contrast::HALO_PX;

/// What is used again from window to window.
#[derive(Debug, Default)]
pub struct Workspace {
    maps: ProposerMaps,
    contrast: contrast::Buffers,
}

/// The squares whose middle lies in a window of the shared grid, and what must be known to judge them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// In rows and columns of squares.
    cells: Region,
    /// What must be known, in pixels of the look without its rim: whole blocks.
    look: Window,
    /// The same on the shared grid.
    pub(crate) region: Window,
}

impl Asked {
    /// Of `core`.
    pub(crate) fn of(core: Window, grid: &LookGrid, shape: (usize, usize)) -> Self {
        let inner = grid.inner();
        let cells = |n: usize| n.div_ceil(CELL_PX);
        // The first square whose middle lies at `at` or beyond.
        let first = |at: usize, end: usize, n: usize| match at {
            at if at >= end => cells(n),
            at => (((at as f64 / grid.scale - CELL_PX as f64 / 2.0) / CELL_PX as f64).ceil().max(0.0)
                as usize)
                .min(cells(n)),
        };
        let rows = first(core.row, shape.0, inner.0)..first(core.row_end(), shape.0, inner.0);
        let cols = first(core.col, shape.1, inner.1)..first(core.col_end(), shape.1, inner.1);
        let own = Window::new(
            rows.start * CELL_PX,
            cols.start * CELL_PX,
            rows.len() * CELL_PX,
            cols.len() * CELL_PX,
        );
        let look = own.grown(HALO_PX, inner).snapped(BLOCK_PX, inner);
        let need = match grid.scale {
            1.0 => look,
            scale => resample::source_window(look, shape, scale, |p| grid.inner_to_shared(p)),
        };
        Self { cells: Region { rows, cols }, look, region: around(need, core) }
    }
}

/// What the proposing network says of every square of a window that begins with a block, as it lies on pixels of half a metre.
pub fn odds(dates: Dates<'_>, proposer: &Proposer, workspace: &mut Workspace) -> Array2<Proposed> {
    let Workspace { maps, contrast } = workspace;
    contrast::fill(dates, &mut maps.input, contrast);
    let (rows, cols) = dates.pixels[0].dim();
    let cells = Region { rows: 0..rows.div_ceil(CELL_PX), cols: 0..cols.div_ceil(CELL_PX) };
    let mut out = Array2::from_elem((cells.rows.len(), cells.cols.len()), Proposed { work: 0.0, other: 0.0 });
    proposer.ask(maps, &cells, |at, told| out[at] = told);
    out
}

/// The smallest window that holds both.
fn around(a: Window, b: Window) -> Window {
    let (row, col) = (a.row.min(b.row), a.col.min(b.col));
    Window::new(row, col, a.row_end().max(b.row_end()) - row, a.col_end().max(b.col_end()) - col)
}

/// The squares that may hold a new earthwork, of both dates on [`Asked::region`]; and those that may hold any new line, where
/// `others` are asked for.
pub(crate) fn cells(
    [earlier, later]: [&Raster; 2],
    asked: &Asked,
    grid: &LookGrid,
    (proposer, options): (&Proposer, &Options),
    others: bool,
    workspace: &mut Workspace,
) -> [Vec<Cell>; 2] {
    let (look, mut out) = (asked.look, [vec![], vec![]]);
    if asked.cells.rows.is_empty() || asked.cells.cols.is_empty() {
        return out;
    }
    let resampled;
    let (dates, at) = if grid.scale == 1.0 {
        let (row, col) = (look.row - asked.region.row, look.col - asked.region.col);
        ([earlier, later], s![row..row + look.rows, col..col + look.cols])
    } else {
        let onto = |date| resample::onto(date, look, grid.scale, |p| grid.inner_to_shared(p));
        resampled = [onto(earlier), onto(later)];
        (resampled.each_ref(), s![..look.rows, ..look.cols])
    };
    let dates = Dates { pixels: dates.map(|d| d.pixels.slice(at)), valid: dates.map(|d| d.valid.slice(at)) };
    let Workspace { maps, contrast } = workspace;
    contrast::fill(dates, &mut maps.input, contrast);
    let (first_row, first_col) = (look.row / CELL_PX, look.col / CELL_PX);
    let within = |r: &std::ops::Range<usize>, first: usize| r.start - first..r.end - first;
    let cells =
        Region { rows: within(&asked.cells.rows, first_row), cols: within(&asked.cells.cols, first_col) };
    let least = options.min_odds();
    proposer.ask(maps, &cells, |(r, c), told| {
        let cell = Cell { row: (first_row + r) as u32, col: (first_col + c) as u32 };
        let may = [told.work >= least, others && told.work.max(told.other) >= least];
        out.iter_mut().zip(may).filter(|(_, may)| *may).for_each(|(out, _)| out.push(cell));
    });
    out
}

impl Cell {
    /// Its middle, on the shared grid.
    pub(crate) fn middle(self, grid: &LookGrid) -> Pixel {
        let middle = |at: u32| (f64::from(at) + 0.5) * CELL_PX as f64;
        grid.inner_to_shared(Pixel { row: middle(self.row), col: middle(self.col) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_share_out_the_squares_and_read_what_they_need() {
        for (shape, pixel_m) in [((700, 530), 0.5), ((700, 530), 0.3), ((333, 257), 0.8), ((70, 64), 0.501)] {
            let grid = LookGrid::over(shape, pixel_m);
            let squares = (grid.inner().0.div_ceil(CELL_PX), grid.inner().1.div_ceil(CELL_PX));
            for side in [128, 256, 4096] {
                let mut times = ndarray::Array2::<u8>::zeros(squares);
                for core in Window::tiling(shape, side) {
                    let asked = Asked::of(core, &grid, shape);
                    let Region { rows, cols } = asked.cells.clone();
                    times.slice_mut(s![rows, cols]).mapv_inplace(|n| n + 1);
                    assert_eq!(asked.region.intersection(core), core);
                    assert!(asked.region.row_end() <= shape.0 && asked.region.col_end() <= shape.1);
                    if !asked.cells.rows.is_empty() && !asked.cells.cols.is_empty() {
                        assert_eq!((asked.look.row % BLOCK_PX, asked.look.col % BLOCK_PX), (0, 0));
                        let first = asked.cells.rows.start * CELL_PX;
                        assert!(asked.look.row == 0 || asked.look.row + HALO_PX <= first);
                    }
                }
                assert!(times.iter().all(|&n| n == 1), "{shape:?} {pixel_m} {side}");
            }
        }
    }
}
