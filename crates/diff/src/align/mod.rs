//! Where the later image lies against the earlier one, and how far that can be trusted.
//!
//! First one shift for the whole pair, from the sum of the correlation surfaces of windows spread over it, so
//! that no single window has to be right. Then a tie per window of a grid around that shift, and through the
//! ties an affine by consensus with a smooth local rest. Every tie is also predicted from the others alone:
//! what it then differs by is the residual.

mod correlate;
mod field;

pub use correlate::{Correlator, Peak, Surface};

pub use field::{Field, Summary, Tie, Verdict};

use domain::{Raster, Window};
use serde::{Deserialize, Serialize};

use crate::error::OptionError;

/// How the two images are brought onto each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Largest shift that is looked for, metres. Default 30, the worst seen between two orders of one place;
    /// 1–100.
    pub max_shift_m: f64,
    /// Largest residual at which a cell is assessed, pixels. Default 1.5: the line gain forgives the residual
    /// by widening its search of the earlier date, and beyond that it forgives too much. 0.1–5.
    pub max_residual_px: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_shift_m: 30.0, max_residual_px: 1.5 }
    }
}

impl Options {
    /// # Errors
    /// [`OptionError`] for the first option out of its range.
    pub fn validate(&self) -> Result<(), OptionError> {
        OptionError::check("align.max_shift_m", self.max_shift_m, 1.0..=100.0, "1 to 100")?;
        OptionError::check("align.max_residual_px", self.max_residual_px, 0.1..=5.0, "0.1 to 5")
    }
}

/// Side of the windows that are correlated, pixels (after decimation, for the first shift).
pub const WINDOW_PX: usize = 256;
/// Decimation for the first shift: twice the reach at the same cost.
pub const COARSE: usize = 2;
/// Reach of a tie around the first shift, pixels: parallax of terrain and towers.
pub const REACH_PX: usize = 8;
/// Windows for the first shift, at the most.
const COARSE_WINDOWS: usize = 36;

/// Windows for the first shift, spread over a grid of `shape`.
pub fn coarse_windows(shape: (usize, usize)) -> Vec<Window> {
    let size = WINDOW_PX * COARSE;
    let starts = |n: usize| -> Vec<usize> {
        let side = size.min(n) / COARSE * COARSE;
        let count = (n / size).clamp(1, 6);
        (0..count)
            .map(|i| if count == 1 { (n - side) / 2 } else { i * (n - side) / (count - 1) })
            .map(|v| v / COARSE * COARSE)
            .collect()
    };
    let side = |n: usize| size.min(n) / COARSE * COARSE;
    let windows: Vec<Window> = starts(shape.0)
        .iter()
        .flat_map(|&r| starts(shape.1).into_iter().map(move |c| (r, c)))
        .map(|(r, c)| Window::new(r, c, side(shape.0), side(shape.1)))
        .collect();
    debug_assert!(windows.len() <= COARSE_WINDOWS);
    windows
}

/// Spacing of the ties on a grid of `shape`, pixels: dense on small scenes, where there are few. On large ones a
/// tie every 384 px costs 5 CPU seconds less per 8192 x 8192 px than one every 256.
pub fn tie_spacing_px(shape: (usize, usize)) -> usize {
    if shape.0.min(shape.1) < 2048 { 128 } else { 384 }
}

/// Windows of the ties on a grid of `shape`: centred on the nodes of the field, cut at the edge.
pub fn tie_windows(shape: (usize, usize)) -> Vec<Window> {
    let spacing = tie_spacing_px(shape);
    let span = |i: usize, n: usize| {
        let low = (i * spacing).saturating_sub(WINDOW_PX / 2).min(n.saturating_sub(WINDOW_PX));
        (low, WINDOW_PX.min(n - low))
    };
    let nodes = |n: usize| n / spacing + 1;
    (0..nodes(shape.0))
        .flat_map(|i| (0..nodes(shape.1)).map(move |j| (i, j)))
        .map(|(i, j)| {
            let ((row, rows), (col, cols)) = (span(i, shape.0), span(j, shape.1));
            Window::new(row, col, rows, cols)
        })
        .collect()
}

/// The tie of a window: where the later image's content lies, beyond `shift_px` by which it was displaced when
/// it was read. `None` where the window shows nothing in common.
pub fn tie(correlator: &Correlator, earlier: &Raster, later: &Raster, shift_px: (f64, f64)) -> Option<Tie> {
    let surface =
        correlator.surface((&earlier.pixels, &earlier.valid), (&later.pixels, &later.valid), REACH_PX)?;
    let peak = surface.peak()?;
    // 1.25 and 0.02: of windows of different places on NAIP ground 1 % pass, of windows of the same place in
    // two seasons most do; a wrong one that passes is met by the consensus.
    (peak.prominence > 1.25 && peak.height > 0.02).then(|| {
        let w = earlier.window;
        Tie {
            row_px: w.row as f64 + w.rows as f64 / 2.0,
            col_px: w.col as f64 + w.cols as f64 / 2.0,
            d_row_px: shift_px.0 + peak.d_row_px,
            d_col_px: shift_px.1 + peak.d_col_px,
            weight: f64::from(peak.height) * f64::from((peak.prominence - 1.0).min(2.0)),
            residual_px: f64::NAN,
        }
    })
}
