//! Where on a real image works can be: neither in water nor under closed tree cover nor where there is no data.

use domain::{Pixel, Window};
use ndarray::Array2;
use rayon::prelude::*;

use super::{Background, BackgroundImage, BackgroundPixels};

/// Side of the cells in which the ground is judged, pixels.
pub const CELL_PX: usize = 16;
/// Cells on a side of the windows that are read at a time.
const CELLS_READ: usize = 64;

/// What covers a cell of the ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Can be dug.
    Open,
    /// Dark or infrared-black, and smooth.
    Water,
    /// Dark and rough: crowns and their shadows.
    Trees,
    /// No data, wholly or in part.
    NoData,
    /// Beyond the image.
    Outside,
}

/// What covers an image, cell by cell.
#[derive(Clone, Debug)]
pub struct Usable {
    cells: Array2<Ground>,
    /// Mean colour, 0–255.
    colours: Array2<[f32; 3]>,
    valid: f64,
}

/// Figures of one cell.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    colour: [f32; 3],
    level: f32,
    /// Mean distance of a pixel from its four neighbours, as a share of the brightness.
    rough: f32,
    /// Mean distance between neighbouring squares of four pixels, as a share of the brightness: the noise of the
    /// sensor is averaged out.
    lumpy: f32,
    /// Brightness and roughness of its darkest quarter.
    darkest: (f32, f32),
    /// (green − infrared) / (green + infrared) of its wettest quarter, where there is infrared (McFeeters 1996).
    wetness: Option<f32>,
    valid: f32,
}

impl Usable {
    /// What covers image `number` of `source`, which `image` describes. Reads all of it once, a window a thread
    /// at a time.
    ///
    /// A cell is water where it is smooth against the rest of the image and dark, or drinks infrared; trees
    /// where it is dark and rough. Errs toward calling ground closed: a smooth dark crop is lost to no harm.
    ///
    /// # Errors
    /// What `source` says.
    pub fn survey<B: Background>(source: &B, number: usize, image: &BackgroundImage) -> Result<Self, B::Error>
    where
        B::Error: Send,
    {
        let (rows, cols) = image.shape;
        let shape = (rows.div_ceil(CELL_PX), cols.div_ceil(CELL_PX));
        let parts: Vec<(Window, Vec<Cell>)> = Window::tiling(shape, CELLS_READ)
            .into_par_iter()
            .map(|w| {
                let px = Window::new(w.row * CELL_PX, w.col * CELL_PX, w.rows * CELL_PX, w.cols * CELL_PX)
                    .grown(0, image.shape);
                Ok((w, cells_of(&source.read(number, px)?, w, image)))
            })
            .collect::<Result<_, B::Error>>()?;
        let mut cells = Array2::from_elem(shape, Cell::default());
        for (w, part) in parts {
            for (k, cell) in part.into_iter().enumerate() {
                cells[(w.row + k / w.cols, w.col + k % w.cols)] = cell;
            }
        }
        Ok(Self::judge(&cells))
    }

    fn judge(cells: &Array2<Cell>) -> Self {
        let whole: Vec<&Cell> = cells.iter().filter(|c| c.valid >= 1.0).collect();
        let middle = |of: fn(&Cell) -> f32| {
            let mut all: Vec<f32> = whole.iter().map(|c| of(c)).collect();
            all.sort_by(f32::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or(0.0)
        };
        let (level, rough) = (middle(|c| c.level), middle(|c| c.rough));
        let lumpy = middle(|c| c.lumpy);
        // Where the infrared of an image is faint as a whole, so is that of its land.
        let wet = (middle(|c| c.wetness.unwrap_or(0.0)) + 0.22).clamp(0.0, 0.35);
        let first = cells.mapv(|c| {
            let dark = (c.darkest.0 / level.max(1e-6), c.darkest.1 / rough.max(1e-6));
            let (bright, coarse) = (c.level / level.max(1e-6), c.rough / rough.max(1e-6));
            if c.valid < 1.0 {
                Ground::NoData
            } else if dark.0 < 0.42
                || (dark.0 < 0.7 && dark.1 < 0.7)
                // Infrared tells water from a smooth crop; without it both are left alone.
                || c.wetness.map_or(
                    (coarse < 0.55 && bright < 0.85) || ((coarse < 0.35 || c.lumpy < 0.45 * lumpy) && bright < 1.25),
                    |w| w > wet,
                )
            {
                Ground::Water
            } else if coarse > 1.7 && bright < 0.8 {
                Ground::Trees
            } else {
                Ground::Open
            }
        });
        // Shores and the rims of woods belong to what they bound; a lone cell is a puddle or a bush.
        let (rows, cols) = first.dim();
        let around = |r: usize, c: usize, kind: Ground| {
            let mut n = 0;
            for i in r.saturating_sub(1)..(r + 2).min(rows) {
                for j in c.saturating_sub(1)..(c + 2).min(cols) {
                    n += usize::from(first[(i, j)] == kind);
                }
            }
            n
        };
        let judged = Array2::from_shape_fn((rows, cols), |(r, c)| match first[(r, c)] {
            Ground::Open if around(r, c, Ground::Water) >= 2 => Ground::Water,
            // A lake whose waves are rough here and there.
            Ground::Trees if around(r, c, Ground::Water) >= 4 => Ground::Water,
            Ground::Open if around(r, c, Ground::Trees) >= 3 => Ground::Trees,
            Ground::Trees if around(r, c, Ground::Trees) == 1 => Ground::Open,
            kind => kind,
        });
        let valid = cells.iter().map(|c| f64::from(c.valid)).sum::<f64>() / cells.len().max(1) as f64;
        Self { cells: judged, colours: cells.mapv(|c| c.colour), valid }
    }

    /// What covers a place of the image, and the mean colour around it, 0–255.
    pub fn at(&self, p: Pixel) -> (Ground, [f32; 3]) {
        let (row, col) = ((p.row / CELL_PX as f64).floor(), (p.col / CELL_PX as f64).floor());
        if row < 0.0 || col < 0.0 {
            return (Ground::Outside, [110.0; 3]);
        }
        let at = (row as usize, col as usize);
        match (self.cells.get(at), self.colours.get(at)) {
            (Some(&ground), Some(&colour)) => (ground, colour),
            _ => (Ground::Outside, [110.0; 3]),
        }
    }

    /// Share of the cells that can be dug.
    pub fn open_share(&self) -> f64 {
        self.cells.iter().filter(|g| **g == Ground::Open).count() as f64 / self.cells.len().max(1) as f64
    }

    /// Share of the pixels that hold data.
    pub fn valid_share(&self) -> f64 {
        self.valid
    }
}

/// Figures of the cells `w` (in cells), row by row, from their pixels.
fn cells_of(pixels: &BackgroundPixels, w: Window, image: &BackgroundImage) -> Vec<Cell> {
    let (rows, cols) = pixels.valid.dim();
    let bands = if image.visible == 3 { [0, 1, 2] } else { [0, 0, 0] };
    let gray = |r: usize, c: usize| bands.iter().map(|&b| pixels.values[(b, r, c)]).sum::<f32>() / 3.0;
    let mut out = Vec::with_capacity(w.rows * w.cols);
    // Figures of a rectangle of pixels.
    let block = |top: usize, bottom: usize, left: usize, right: usize| {
        let (mut colour, mut infrared, mut rough, mut edges, mut n) = ([0.0_f32; 3], 0.0, 0.0, 0, 0);
        for r in top..bottom {
            for c in left..right {
                if !pixels.valid[(r, c)] {
                    continue;
                }
                n += 1;
                for (sum, &b) in colour.iter_mut().zip(&bands) {
                    *sum += pixels.values[(b, r, c)];
                }
                infrared += image.infrared.map_or(0.0, |b| pixels.values[(b, r, c)]);
                if r > top && c > left && r + 1 < bottom && c + 1 < right {
                    let around = gray(r - 1, c) + gray(r + 1, c) + gray(r, c - 1) + gray(r, c + 1);
                    rough += (gray(r, c) - 0.25 * around).abs();
                    edges += 1;
                }
            }
        }
        let area = ((bottom - top) * (right - left)).max(1);
        let share = 1.0 / n.max(1) as f32;
        let colour = colour.map(|v| v * share);
        let level = (colour[0] + colour[1] + colour[2]) / 3.0;
        let (green, infrared) = (colour[1], infrared * share);
        let rough = rough / edges.max(1) as f32 / level.max(1e-6);
        Cell {
            colour: colour.map(|v| v / image.per_level),
            level,
            rough,
            lumpy: 0.0,
            darkest: (level, rough),
            wetness: image.infrared.map(|_| (green - infrared) / (green + infrared).max(1e-6)),
            valid: n as f32 / area as f32,
        }
    };
    for k in 0..w.rows * w.cols {
        let (top, left) = (k / w.cols * CELL_PX, k % w.cols * CELL_PX);
        let (bottom, right) = ((top + CELL_PX).min(rows), (left + CELL_PX).min(cols));
        let mut cell = block(top, bottom, left, right);
        // A puddle fills no cell: the darkest and the wettest quarter tell.
        let (middle, centre) = ((top + bottom) / 2, (left + right) / 2);
        for (r0, r1, c0, c1) in [
            (top, middle, left, centre),
            (top, middle, centre, right),
            (middle, bottom, left, centre),
            (middle, bottom, centre, right),
        ] {
            let quarter = block(r0, r1, c0, c1);
            if quarter.level < cell.darkest.0 && quarter.valid > 0.0 {
                cell.darkest = quarter.darkest;
            }
            cell.wetness = match (cell.wetness, quarter.wetness) {
                (Some(a), Some(b)) if quarter.valid > 0.0 => Some(a.max(b)),
                (a, _) => a,
            };
        }
        if cell.valid >= 1.0 {
            cell.lumpy = lumps(&gray, (top, bottom), (left, right)) / cell.level.max(1e-6);
        }
        out.push(cell);
    }
    out
}

/// Mean distance between the means of neighbouring squares of four pixels.
fn lumps(
    gray: &impl Fn(usize, usize) -> f32,
    (top, bottom): (usize, usize),
    (left, right): (usize, usize),
) -> f32 {
    const SQUARE_PX: usize = 4;
    let (rows, cols) = ((bottom - top) / SQUARE_PX, (right - left) / SQUARE_PX);
    let mean = |i: usize, j: usize| {
        let (r, c) = (top + i * SQUARE_PX, left + j * SQUARE_PX);
        let n = SQUARE_PX * SQUARE_PX;
        (0..n).map(|k| gray(r + k / SQUARE_PX, c + k % SQUARE_PX)).sum::<f32>() / n as f32
    };
    let (mut sum, mut n) = (0.0, 0);
    for i in 0..rows {
        for j in 0..cols {
            let here = mean(i, j);
            for (k, l) in [(i + 1, j), (i, j + 1)] {
                if k < rows && l < cols {
                    sum += (here - mean(k, l)).abs();
                    n += 1;
                }
            }
        }
    }
    sum / n.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(level: f32, rough: f32, wetness: Option<f32>) -> Cell {
        Cell { colour: [level; 3], level, rough, lumpy: rough, darkest: (level, rough), wetness, valid: 1.0 }
    }

    #[test]
    fn smooth_and_dark_is_water_rough_and_dark_is_trees() {
        let mut cells = Array2::from_elem((12, 12), cell(100.0, 0.03, None));
        for r in 1..4 {
            for c in 1..4 {
                cells[(r, c)] = cell(60.0, 0.008, None);
                cells[(r + 6, c)] = cell(60.0, 0.08, None);
                cells[(r, c + 6)] = cell(100.0, 0.03, Some(0.6));
            }
        }
        cells[(10, 10)] = Cell { valid: 0.9, ..cell(100.0, 0.03, None) };
        let usable = Usable::judge(&cells);
        let at = |r: f64, c: f64| usable.at(Pixel { row: r * 16.0 + 8.0, col: c * 16.0 + 8.0 }).0;
        assert_eq!(at(2.0, 2.0), Ground::Water);
        assert_eq!(at(8.0, 2.0), Ground::Trees);
        assert_eq!(at(2.0, 8.0), Ground::Water);
        assert_eq!(at(0.0, 2.0), Ground::Water, "the shore");
        assert_eq!(at(5.0, 5.0), Ground::Open);
        assert_eq!(at(10.0, 10.0), Ground::NoData);
        assert_eq!(at(-1.0, 3.0), Ground::Outside);
        assert_eq!(at(12.0, 3.0), Ground::Outside);
    }
}
