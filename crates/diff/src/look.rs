//! What the network looks at: both dates in colour, on pixels of one size.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Pixel, Raster, Window};
use ndarray::{Array2, Array3, Axis};

use crate::{CompareError, PairSource, net, resample, view::View};

/// Side of the pixels that are looked at, metres. A trench is two to four of them wide.
pub const PIXEL_M: f64 = 0.5;
/// A shared grid whose pixels differ by less than this share from [`PIXEL_M`] is taken as it is.
const NEAR_ENOUGH: f64 = 0.03;

/// The grid that is looked at: the shared grid with other pixels, and a rim of ground beyond it, so that the network has
/// its halo everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LookGrid {
    /// Pixels of the shared grid in one of this.
    pub scale: f64,
    /// `(rows, cols)`, with the rim of [`net::HALO_PX`] on every side.
    pub shape: (usize, usize),
}

/// Width of the rim.
const RIM_PX: f64 = net::HALO_PX as f64;

impl LookGrid {
    /// Over a shared grid of `shape` whose pixels are `pixel_m` wide.
    pub fn over(shape: (usize, usize), pixel_m: f64) -> Self {
        let scale = PIXEL_M / pixel_m;
        let scale = if (scale - 1.0).abs() <= NEAR_ENOUGH { 1.0 } else { scale };
        let side = |n: usize| (n as f64 / scale).floor().max(1.0) as usize + 2 * net::HALO_PX;
        Self { scale, shape: (side(shape.0), side(shape.1)) }
    }

    /// From a position on this grid to one on the shared grid.
    pub fn to_shared(&self, p: Pixel) -> Pixel {
        Pixel { row: (p.row - RIM_PX) * self.scale, col: (p.col - RIM_PX) * self.scale }
    }

    /// From a position on the shared grid to one on this.
    pub fn from_shared(&self, p: Pixel) -> Pixel {
        Pixel { row: p.row / self.scale + RIM_PX, col: p.col / self.scale + RIM_PX }
    }
}

/// A window of both dates.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Which pixels of the [`LookGrid`] these are.
    pub window: Window,
    /// Red, green and blue of the earlier date, `(3, rows, cols)`, in the unit of its file; an image without colour
    /// repeats its band.
    pub earlier: Array3<f32>,
    /// Of the later date.
    pub later: Array3<f32>,
    /// True where both dates are.
    pub valid: Array2<bool>,
}

/// Least side of a window that the network is asked about, pixels.
const LEAST_PX: usize = 64;

/// Both dates over `window` of `grid`.
pub(crate) fn look<S: PairSource>(
    view: &View<'_, S>,
    grid: &LookGrid,
    window: Window,
) -> Result<Look, CompareError<S::Error>> {
    let source = view.source;
    let to_shared = |p: Pixel| grid.to_shared(p);
    let need = resample::source_window(window, source.shape(), grid.scale, to_shared);
    let earlier =
        if need.is_empty() { vec![] } else { source.earlier_bands(need).map_err(CompareError::Read)? };
    let earlier = sampled(earlier, window, grid.scale, to_shared);
    let to_later = |p: Pixel| source.later_map().at(view.field.displaced(grid.to_shared(p)));
    let scale = source.later_map().scale() * grid.scale;
    let need = resample::source_window(window, source.later_shape(), scale, to_later);
    let later =
        if need.is_empty() { vec![] } else { source.later_bands(need).map_err(CompareError::Read)? };
    let later = sampled(later, window, scale, to_later);
    let mut valid = earlier.1;
    ndarray::Zip::from(&mut valid).and(&later.1).for_each(|v, &other| *v &= other);
    Ok(Look { window, earlier: earlier.0, later: later.0, valid })
}

/// The bands of one date on `window`; nothing is valid where there are none.
fn sampled(
    bands: Vec<Raster>,
    window: Window,
    scale: f64,
    to_source: impl Fn(Pixel) -> Pixel,
) -> (Array3<f32>, Array2<bool>) {
    let shape = (window.rows, window.cols);
    let mut out = Array3::zeros((3, shape.0, shape.1));
    let mut on_grid = resample::onto_bands(&bands[..bands.len().min(3)], window, scale, to_source);
    for (b, band) in on_grid.iter().enumerate() {
        let planes = if on_grid.len() == 1 { 0..3 } else { b..b + 1 };
        for plane in planes {
            out.index_axis_mut(Axis(0), plane).assign(&band.pixels);
        }
    }
    (out, on_grid.pop().map_or_else(|| Array2::from_elem(shape, false), |band| band.valid))
}

/// Side of the blocks that are marked, pixels.
const BLOCK_PX: usize = 16;
/// Side of the cells within which marked blocks are looked at together, blocks; at most the bits of [`Row`]. The network
/// measures brightness against the mean of its window: in larger ones it is less often right.
const CELL_BLOCKS: usize = 12;
/// A row of blocks of a cell, one bit each: whether it is marked.
type Row = u32;
/// A block: its row and column in a lattice of [`BLOCK_PX`].
type Block = (usize, usize);

/// Which ground is looked at, round by round: what lies beside some places and was not looked at before.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Blocks of the grid within its rim, one past the last.
    ends: Block,
    shape: (usize, usize),
    beside_px: f64,
    seen: BTreeSet<Block>,
}

impl Plan {
    /// Of a grid over pixels of `pixel_m`, where so much ground is looked at to either side of a line.
    pub(crate) fn new(grid: &LookGrid, pixel_m: f64, beside_m: f64) -> Self {
        let shape = (grid.shape.0 - net::HALO_PX, grid.shape.1 - net::HALO_PX);
        Self {
            ends: (shape.0.div_ceil(BLOCK_PX), shape.1.div_ceil(BLOCK_PX)),
            shape,
            beside_px: beside_m / (pixel_m * grid.scale),
            seen: BTreeSet::new(),
        }
    }

    /// The windows to look at so that all ground beside `places` (pixels of the look) is seen, in order of cells. They lie
    /// within cells that are anchored at the grid, and do not overlap.
    pub(crate) fn windows(&self, places: impl Iterator<Item = Pixel>) -> Vec<Window> {
        // Blocks begin at the rim's inner edge.
        let first = net::HALO_PX / BLOCK_PX;
        let block =
            |v: f64, end: usize| ((v.max(0.0) as usize) / BLOCK_PX).clamp(first, end.saturating_sub(1));
        let mut cells = BTreeMap::<Block, [Row; CELL_BLOCKS]>::new();
        for p in places {
            let rows =
                block(p.row - self.beside_px, self.ends.0)..=block(p.row + self.beside_px, self.ends.0);
            let cols =
                block(p.col - self.beside_px, self.ends.1)..=block(p.col + self.beside_px, self.ends.1);
            for at in
                rows.flat_map(|r| cols.clone().map(move |c| (r, c))).filter(|at| !self.seen.contains(at))
            {
                let cell = cells.entry((at.0 / CELL_BLOCKS, at.1 / CELL_BLOCKS)).or_default();
                cell[at.0 % CELL_BLOCKS] |= 1 << (at.1 % CELL_BLOCKS);
            }
        }
        let mut out = vec![];
        for ((i, j), marked) in &cells {
            let mut boxes = vec![];
            let whole = Boxed { top: 0, bottom: CELL_BLOCKS, left: 0, right: CELL_BLOCKS };
            cut(marked, whole, &mut boxes);
            out.extend(boxes.into_iter().map(|b| {
                let (row, col) =
                    ((i * CELL_BLOCKS + b.top) * BLOCK_PX, (j * CELL_BLOCKS + b.left) * BLOCK_PX);
                let row_end = ((i * CELL_BLOCKS + b.bottom) * BLOCK_PX).min(self.shape.0);
                let col_end = ((j * CELL_BLOCKS + b.right) * BLOCK_PX).min(self.shape.1);
                Window::new(row, col, row_end.saturating_sub(row), col_end.saturating_sub(col))
            }));
        }
        out
    }

    /// Whether a pixel was not looked at before.
    pub(crate) fn is_new(&self, (row, col): (usize, usize)) -> bool {
        !self.seen.contains(&(row / BLOCK_PX, col / BLOCK_PX))
    }

    /// Notes that these windows were looked at.
    pub(crate) fn note(&mut self, windows: &[Window]) {
        for w in windows {
            for r in w.row / BLOCK_PX..w.row_end().div_ceil(BLOCK_PX) {
                self.seen.extend((w.col / BLOCK_PX..w.col_end().div_ceil(BLOCK_PX)).map(|c| (r, c)));
            }
        }
    }
}

/// Blocks of a cell, one past the last row and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Boxed {
    top: usize,
    bottom: usize,
    left: usize,
    right: usize,
}

impl Boxed {
    /// The least box around what is marked in this one; `None` where nothing is.
    fn shrunk(self, marked: &[Row; CELL_BLOCKS]) -> Option<Self> {
        let within =
            (1 as Row).checked_shl(self.right as u32).map_or(Row::MAX, |v| v - 1) >> self.left << self.left;
        let (mut all, mut top, mut bottom) = (0, None, 0);
        for (r, row) in marked.iter().enumerate().take(self.bottom).skip(self.top) {
            let row = row & within;
            if row != 0 {
                (all, top, bottom) = (all | row, top.or(Some(r)), r + 1);
            }
        }
        let (left, right) = (all.trailing_zeros() as usize, (Row::BITS - all.leading_zeros()) as usize);
        Some(Self { top: top?, bottom, left, right })
    }

    /// Pixels that the network is asked about for this box, its halo among them.
    fn cost_px(self) -> usize {
        let side = |n: usize| n * BLOCK_PX + 2 * net::HALO_PX;
        side(self.bottom - self.top) * side(self.right - self.left)
    }

    /// This box in two, at each row and then at each column.
    fn halves(self) -> impl Iterator<Item = (Self, Self)> {
        let rows =
            (self.top + 1..self.bottom).map(move |r| (Self { bottom: r, ..self }, Self { top: r, ..self }));
        let cols =
            (self.left + 1..self.right).map(move |c| (Self { right: c, ..self }, Self { left: c, ..self }));
        rows.chain(cols)
    }
}

/// Boxes around all that is marked in `within`, cut in two as long as that saves pixels: halos cost, and so does ground
/// that nobody asked for.
fn cut(marked: &[Row; CELL_BLOCKS], within: Boxed, out: &mut Vec<Boxed>) {
    let Some(whole) = within.shrunk(marked) else { return };
    let cost = |(a, b): &(Boxed, Boxed)| {
        let of = |half: &Boxed| half.shrunk(marked).map_or(0, Boxed::cost_px);
        of(a) + of(b)
    };
    match whole.halves().min_by_key(cost) {
        Some(best) if cost(&best) < whole.cost_px() => {
            cut(marked, best.0, out);
            cut(marked, best.1, out);
        }
        _ => out.push(whole),
    }
}

/// What the network must see to answer for `core`: a halo around it, and sides that it takes.
pub(crate) fn around(core: Window) -> Window {
    let side = |from: usize, n: usize| {
        let first = from.saturating_sub(net::HALO_PX);
        (first, (from + n + net::HALO_PX - first).next_multiple_of(net::STEP_PX).max(LEAST_PX))
    };
    let ((row, rows), (col, cols)) = (side(core.row, core.rows), side(core.col, core.cols));
    Window::new(row, col, rows, cols)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ground_beside_places_is_looked_at_and_no_pixel_twice() {
        const HALO: usize = net::HALO_PX;
        let grid = LookGrid::over((700, 900), 0.5);
        let mut plan = Plan::new(&grid, 0.5, 12.0);
        let at = |row: f64, col: f64| grid.from_shared(Pixel { row, col });
        let mut places: Vec<Pixel> =
            (0..300).map(|i| at(3.0 + f64::from(i), 150.0 + 2.0 * f64::from(i))).collect();
        places.push(at(699.0, 899.0));
        let windows = plan.windows(places.iter().copied());
        let seen = |windows: &[Window], r: usize, c: usize| {
            let holds = |w: &&Window| (w.row..w.row_end()).contains(&r) && (w.col..w.col_end()).contains(&c);
            windows.iter().filter(holds).count()
        };
        for p in &places {
            for (dr, dc) in [(0.0, 0.0), (20.0, 0.0), (0.0, -20.0)] {
                let (r, c) = ((p.row + dr) as usize, (p.col + dc) as usize);
                assert!(r >= 700 + HALO || seen(&windows, r, c) == 1, "{r} {c}");
                assert!(plan.is_new((r, c)));
            }
        }
        assert_eq!(seen(&windows, 500, 100), 0);
        for w in &windows {
            let a = around(*w);
            assert!(a.rows.is_multiple_of(net::STEP_PX) && a.cols.is_multiple_of(net::STEP_PX));
            assert!(a.row + HALO == w.row && a.col + HALO == w.col);
            assert!(a.row_end() >= w.row_end() + HALO && a.col_end() >= w.col_end() + HALO);
        }
        // Looked at once, it is not looked at again; what lies farther on is.
        plan.note(&windows);
        assert!(plan.windows(places.iter().copied()).is_empty());
        assert!(places.iter().all(|p| !plan.is_new((p.row as usize, p.col as usize))));
        let more = plan.windows([at(330.0, 760.0)].into_iter());
        assert!(!more.is_empty() && more.iter().all(|w| w.row_end() <= 700 + HALO));
    }

    #[test]
    fn nearly_the_right_pixels_are_taken_as_they_are() {
        assert_eq!(LookGrid::over((10, 20), 0.501), LookGrid { scale: 1.0, shape: (74, 84) });
        let fine = LookGrid::over((100, 200), 0.25);
        assert_eq!((fine.scale, fine.shape), (2.0, (114, 164)));
        let there = fine.to_shared(fine.from_shared(Pixel { row: 3.0, col: 7.0 }));
        assert_eq!(there, Pixel { row: 3.0, col: 7.0 });
    }
}
