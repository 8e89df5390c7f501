//! Two images on one grid in, earthworks out: align, propose, look, trace, classify.
//!
//! Pure: no paths, no clock, no GDAL. Pixels come through [`PairSource`], window by window, so that no step
//! holds a whole image. Results depend neither on the number of threads nor on the size of the windows: every
//! statistic is anchored at the shared grid, every line is traced over the whole grid at once.

pub mod align;
mod arms;
mod asked;
pub mod centreline;
pub mod classify;
pub mod compare;
pub mod crest;
pub mod error;
mod evidence;
mod gained;
mod gathered;
mod hidden;
mod lanes;
pub mod line_gain;
pub mod look;
pub mod net;
mod pool;
pub mod proposal;
pub mod resample;
mod seen;
pub mod source;
pub mod strip;
mod strokes;
mod tone;
pub mod trace;
mod view;

pub use compare::{Comparison, Found, MAX_PIXEL_M, Options, aligned, compare};
pub use error::{CompareError, OptionError};
pub use source::{Masked, PairSource, Progress, Silent, Stage};
