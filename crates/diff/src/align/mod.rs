//! Where the later image lies against the earlier one, and how far that can be trusted.
//!
//! First one shift for the whole pair, from the sum of the correlation surfaces of windows spread over it, so
//! that no single window has to be right. Then a tie per window of a lattice around that shift; the affine that most of
//! them agree on, unless as many could by chance; and on it a spline as stiff as the ties allow. A fifth of the ties
//! is kept out of all this: what the field is off from them is its error.

mod consensus;
mod correlate;
mod field;
mod register;
mod spline;
mod tie;

pub use correlate::{Correlator, Peak, Surface};
pub use field::{CELL_PX, Field, Summary, Verdict};
pub use register::register;
pub use tie::{Layout, Role, Tie};

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
