//! What the network looks at: both dates in colour, on pixels of one size.

use std::collections::BTreeMap;

use domain::{Bands, Pixel, Window};
use ndarray::{Array2, Array3, s};

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

    /// `(rows, cols)` without the rim.
    pub(crate) fn inner(&self) -> (usize, usize) {
        (self.shape.0 - 2 * net::HALO_PX, self.shape.1 - 2 * net::HALO_PX)
    }

    /// From a position on this grid without its rim to one on the shared grid.
    pub(crate) fn inner_to_shared(&self, p: Pixel) -> Pixel {
        Pixel { row: p.row * self.scale, col: p.col * self.scale }
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
    /// What has to be added to the brightness of either, so that dark ground is as dark as usual.
    pub offsets: [f32; 2],
}

/// Least side of a window that the network is asked about, pixels.
const LEAST_PX: usize = 64;

/// Both dates over `window` of `grid`.
pub(crate) fn look<S: PairSource>(
    view: &View<'_, S>,
    grid: &LookGrid,
    window: Window,
    offsets: [f32; 2],
) -> Result<Look, CompareError<S::Error>> {
    let source = view.source;
    let to_shared = |p: Pixel| grid.to_shared(p);
    let need = resample::source_window(window, source.shape(), grid.scale, to_shared);
    let read = |need: Window, read: &dyn Fn(Window) -> Result<Bands, S::Error>| {
        if need.is_empty() { Ok(Bands::invalid(need, 1)) } else { read(need).map_err(CompareError::Read) }
    };
    let earlier = read(need, &|need| source.earlier_bands(need))?;
    let earlier = coloured(resample::onto_bands(&earlier, window, grid.scale, to_shared));
    let to_later = |p: Pixel| source.later_map().at(view.field.displaced(grid.to_shared(p)));
    let scale = source.later_map().scale() * grid.scale;
    let need = resample::source_window(window, source.later_shape(), scale, to_later);
    let later = read(need, &|need| source.later_bands(need))?;
    let later = coloured(resample::onto_bands(&later, window, scale, to_later));
    let mut valid = earlier.valid;
    ndarray::Zip::from(&mut valid).and(&later.valid).for_each(|v, &other| *v &= other);
    Ok(Look { window, earlier: earlier.planes, later: later.planes, valid, offsets })
}

/// With three bands: the first three, or the one repeated.
fn coloured(bands: Bands) -> Bands {
    let planes = match bands.planes.dim().0 {
        3 => return bands,
        0..3 => {
            let (_, rows, cols) = bands.planes.dim();
            let first = bands.planes.slice(s![..1, .., ..]);
            first.broadcast((3, rows, cols)).map_or(Array3::zeros((3, rows, cols)), |all| all.to_owned())
        }
        _ => bands.planes.slice(s![..3, .., ..]).to_owned(),
    };
    Bands { planes, ..bands }
}

/// Side of the blocks that are marked, pixels.
const BLOCK_PX: usize = 16;
/// Side of the cells within which marked blocks are looked at together, blocks; at most the bits of [`Row`]. The network
/// measures brightness against the mean of its window: in larger ones than these it is less often right, and smaller ones have
/// more halo.
const CELL_BLOCKS: usize = 20;
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
    /// Of every block, row by row, whether it was looked at.
    seen: Vec<bool>,
}

impl Plan {
    /// Of a grid over pixels of `pixel_m`, where so much ground is looked at to either side of a line.
    pub(crate) fn new(grid: &LookGrid, pixel_m: f64, beside_m: f64) -> Self {
        let shape = (grid.shape.0 - net::HALO_PX, grid.shape.1 - net::HALO_PX);
        let ends = (shape.0.div_ceil(BLOCK_PX), shape.1.div_ceil(BLOCK_PX));
        let beside_px = beside_m / (pixel_m * grid.scale);
        Self { ends, shape, beside_px, seen: vec![false; ends.0 * ends.1] }
    }

    /// The windows to look at so that all ground beside `places` (pixels of the look) is seen, in order of cells. They lie
    /// within cells that are anchored at the grid, and do not overlap.
    pub(crate) fn windows(&self, places: impl Iterator<Item = Pixel>) -> Vec<Window> {
        // Blocks begin at the rim's inner edge.
        let first = net::HALO_PX / BLOCK_PX;
        let block =
            |v: f64, end: usize| ((v.max(0.0) as usize) / BLOCK_PX).clamp(first, end.saturating_sub(1));
        let mut cells = BTreeMap::<Block, [Row; CELL_BLOCKS]>::new();
        let mut last = None;
        for p in places {
            let rows =
                block(p.row - self.beside_px, self.ends.0)..=block(p.row + self.beside_px, self.ends.0);
            let cols =
                block(p.col - self.beside_px, self.ends.1)..=block(p.col + self.beside_px, self.ends.1);
            // The next vertex of a line mostly lies in the same block.
            if last.replace((rows.clone(), cols.clone())) == Some((rows.clone(), cols.clone())) {
                continue;
            }
            for at in rows.flat_map(|r| cols.clone().map(move |c| (r, c))).filter(|&at| !self.was_seen(at)) {
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
    pub(crate) fn is_new(&self, (row, col): (u32, u32)) -> bool {
        !self.was_seen((row as usize / BLOCK_PX, col as usize / BLOCK_PX))
    }

    fn was_seen(&self, (row, col): Block) -> bool {
        col < self.ends.1 && self.seen.get(row * self.ends.1 + col).is_some_and(|&seen| seen)
    }

    /// Notes that these windows were looked at.
    pub(crate) fn note(&mut self, windows: &[Window]) {
        for w in windows {
            for r in w.row / BLOCK_PX..w.row_end().div_ceil(BLOCK_PX) {
                let first = r * self.ends.1;
                self.seen[first + w.col / BLOCK_PX..first + w.col_end().div_ceil(BLOCK_PX)].fill(true);
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
                assert!(plan.is_new((r as u32, c as u32)));
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
        assert!(places.iter().all(|p| !plan.is_new((p.row as u32, p.col as u32))));
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
