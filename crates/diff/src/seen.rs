//! What can be seen of a pair, block by block, and what its coverage says of that.

use domain::{Coverage, Pixel, Raster, Reason, Window};
use ndarray::{Array2, s};

use crate::PairSource;
use crate::align::Verdict;
use crate::compare::{Outcome, too_coarse};
use crate::hidden::{self, Light, Wetness, water};
use crate::resample;
use crate::tone::{self, Tone};
use crate::view::View;

/// Side of a block, pixels.
pub(crate) const COVERAGE_PX: usize = hidden::BLOCK_PX;
/// Sides of windows are multiples of this: whole cells.
pub(crate) const CELL_PX: usize = tone::CELL_BLOCKS * COVERAGE_PX;

/// A block, small: a tile has a million.
#[derive(Clone, Copy)]
struct Block {
    /// What holds of the pixels that are valid on both dates, and how many they are.
    seen: (Reason, u16),
    /// What holds of most others, and of how many.
    invalid: (Reason, u16),
}

/// The blocks of a window, or of a pair.
pub(crate) struct Seen {
    /// `(block rows, block cols)`.
    blocks: Array2<Block>,
    /// What each block looks like on either date.
    lights: [Array2<Light>; 2],
    /// What green and near infrared say of each, of a date that has them.
    wet: [Option<Array2<Wetness>>; 2],
    /// How bright either date is where both are valid.
    tones: [Tone; 2],
    /// Invalid pixels by reason, in the order of [`Reason::ALL`].
    invalid: [u64; Reason::ALL.len()],
}

/// The place of a reason among all.
fn index(reason: Reason) -> usize {
    Reason::ALL.iter().position(|&r| r == reason).unwrap_or(0)
}

impl Seen {
    /// Of so many blocks nothing.
    pub(crate) fn nothing(shape: (usize, usize)) -> Self {
        let nothing = Block { seen: (Reason::OffLater, 0), invalid: (Reason::OffLater, 0) };
        Self {
            blocks: Array2::from_elem(shape, nothing),
            lights: [(); 2].map(|()| Array2::from_elem(shape, Light::UNKNOWN)),
            wet: [None, None],
            tones: Default::default(),
            invalid: [0; Reason::ALL.len()],
        }
    }

    /// The blocks of `core`, which begins with a cell of [`CELL_PX`], from both dates around it.
    pub(crate) fn of<S: PairSource>(
        view: &View<'_, S>,
        earlier: &Raster,
        later: &Raster,
        core: Window,
    ) -> Outcome<S, Self> {
        let masks = view.masks(core)?;
        let (region, coarse) = (earlier.window, too_coarse(view.source));
        let (later_rows, later_cols) = view.source.later_shape();
        let shape = (core.rows.div_ceil(COVERAGE_PX), core.cols.div_ceil(COVERAGE_PX));
        let mut out = Self { wet: water::measured(view, core)?, ..Self::nothing(shape) };
        let mut looks = [(); 2].map(|()| Array2::from_elem(shape, (Light::UNKNOWN, f32::NAN)));
        for row in (core.row..core.row_end()).step_by(COVERAGE_PX) {
            for col in (core.col..core.col_end()).step_by(COVERAGE_PX) {
                let block = Window::new(
                    row,
                    col,
                    COVERAGE_PX.min(core.row_end() - row),
                    COVERAGE_PX.min(core.col_end() - col),
                );
                let middle =
                    Pixel { row: (row + COVERAGE_PX / 2) as f64, col: (col + COVERAGE_PX / 2) as f64 };
                let there = view.source.later_map().at(view.field.displaced(middle));
                let off = there.row < 0.0
                    || there.col < 0.0
                    || there.row > later_rows as f64
                    || there.col > later_cols as f64;
                let fit = match view.field.verdict(middle).0 {
                    _ if coarse => Reason::TooCoarse,
                    Verdict::Aligned => Reason::Assessed,
                    Verdict::Misaligned => Reason::Misaligned,
                    Verdict::NoTies => Reason::NoTies,
                };
                let (mut seen_px, mut counts) = (0, [0u16; Reason::ALL.len()]);
                for r in block.row - region.row..block.row_end() - region.row {
                    let cols = block.col - region.col..block.col_end() - region.col;
                    let own = [earlier, later].map(|date| date.valid.slice(s![r, cols.clone()]));
                    if own.iter().all(|valid| valid.as_slice().is_some_and(resample::all)) {
                        seen_px += cols.len() as u16;
                        continue;
                    }
                    for c in cols {
                        let (row, col) = (region.row + r, region.col + c);
                        let reason = match (earlier.valid[(r, c)], later.valid[(r, c)]) {
                            (true, true) => {
                                seen_px += 1;
                                continue;
                            }
                            (false, _) => masks.earlier(row, col).unwrap_or(Reason::NodataEarlier),
                            (_, false) if off => Reason::OffLater,
                            (_, false) => masks.later(row, col).unwrap_or(Reason::NodataLater),
                        };
                        counts[index(reason)] += 1;
                    }
                }
                out.invalid.iter_mut().zip(counts).for_each(|(sum, n)| *sum += u64::from(n));
                let most = (0..counts.len()).rev().max_by_key(|&i| counts[i]).unwrap_or(0);
                let at = ((row - core.row) / COVERAGE_PX, (col - core.col) / COVERAGE_PX);
                out.blocks[at] = Block { seen: (fit, seen_px), invalid: (Reason::ALL[most], counts[most]) };
                for (looks, date) in looks.iter_mut().zip([earlier, later]) {
                    looks[at] = Light::of(date, block);
                }
            }
        }
        out.tones = Tone::both(&looks);
        out.lights = looks.map(|date| date.mapv(|(light, _)| light));
        Ok(out)
    }

    /// Puts what `own` says of the window `core` in its place: windows share no block, and come in any order.
    pub(crate) fn put(&mut self, core: Window, own: &Self) {
        let (row, col) = (core.row / COVERAGE_PX, core.col / COVERAGE_PX);
        let (rows, cols) = own.blocks.dim();
        let at = s![row..row + rows, col..col + cols];
        self.blocks.slice_mut(at).assign(&own.blocks);
        self.lights.iter_mut().zip(&own.lights).for_each(|(all, own)| all.slice_mut(at).assign(own));
        let shape = self.blocks.dim();
        for (all, own) in self.wet.iter_mut().zip(&own.wet) {
            if let Some(own) = own {
                let all = all.get_or_insert_with(|| Array2::from_elem(shape, Wetness::UNKNOWN));
                all.slice_mut(at).assign(own);
            }
        }
        self.tones.iter_mut().zip(&own.tones).for_each(|(all, own)| all.join(own));
        self.invalid.iter_mut().zip(own.invalid).for_each(|(sum, n)| *sum += n);
    }

    /// What has to be added to the brightness of either date, in the units of their files: see [`Tone::offset`].
    pub(crate) fn offsets(&self) -> [f32; 2] {
        self.tones.clone().map(Tone::offset)
    }

    /// The coverage of the pair of all these blocks, and what of the valid ground is hidden.
    pub(crate) fn coverage<S: PairSource>(self, view: &View<'_, S>) -> Outcome<S, (Coverage, Hidden)> {
        let Self { blocks, lights, wet, invalid, .. } = self;
        let hidden = hidden::reasons(view, [&lights[0], &lights[1]], [wet[0].as_ref(), wet[1].as_ref()])?;
        drop((lights, wet));
        let mut pixels = invalid;
        let told = ndarray::Zip::from(&blocks).and(&hidden).map_collect(|block, hidden| {
            let (seen, seen_px) = (hidden.unwrap_or(block.seen.0), block.seen.1);
            pixels[index(seen)] += u64::from(seen_px);
            let (invalid, invalid_px) = block.invalid;
            let order = seen_px.cmp(&invalid_px).then(index(invalid).cmp(&index(seen)));
            if order.is_lt() { invalid } else { seen }
        });
        let middle = |block: usize| (block * COVERAGE_PX + COVERAGE_PX / 2) as f64;
        let residual = |(i, j)| view.field.verdict(Pixel { row: middle(i), col: middle(j) }).1;
        let coverage = Coverage {
            block_px: COVERAGE_PX,
            shape: view.source.shape(),
            residual_px: Array2::from_shape_fn(blocks.dim(), residual),
            blocks: told,
            pixels,
        };
        Ok((coverage, Hidden(hidden)))
    }
}

/// Why nothing can be seen of blocks of the shared grid though their pixels are valid.
pub(crate) struct Hidden(Array2<Option<Reason>>);

impl Hidden {
    /// True where the block around a place is hidden.
    pub(crate) fn holds(&self, at: Pixel) -> bool {
        let block = |v: f64, n: usize| (v.max(0.0) as usize / COVERAGE_PX).min(n.saturating_sub(1));
        let (rows, cols) = self.0.dim();
        self.0.get((block(at.row, rows), block(at.col, cols))).is_some_and(Option::is_some)
    }
}
