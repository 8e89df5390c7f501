//! Detections against truth.
//!
//! | file | idea |
//! | --- | --- |
//! | `geojson` | truth and detections as files tell them |
//! | `plane` | degrees to metres |
//! | `cover` | stretches of lines within the buffers of others |
//! | `matching` | truth and detections laid onto each other |
//! | `score` | the figures of a scene |
//! | `breakdown` | the same by class, width, contrast and distractor |
//! | `curves` | average precision, calibration, FROC, reliability |
//! | `bootstrap` | means over scenes with their intervals |
//! | `suite` | many scenes in one table |
//! | `plot` | the curves as pictures |
//!
//! Text and numbers in, numbers and text out: nothing here opens a file.

mod bootstrap;
mod breakdown;
mod cover;
mod curves;
mod error;
mod geojson;
mod matching;
mod plane;
mod plot;
mod score;
mod suite;

pub use bootstrap::{Estimate, estimate};
pub use breakdown::{Band, Breakdown, CONTRASTS, ClassPart, Part, WIDTHS_M, breakdown};
pub use curves::{FrocPoint, ReliabilityBin, average_precision, calibration_error, froc, reliability};
pub use error::{Error, Result};
pub use geojson::{Detection, Distractor, Truth, TruthLine};
pub use matching::{Covered, Matched, MatchedDetection, MatchedTruth, Options, matched};
pub use plot::{froc_svg, reliability_svg};
pub use score::{Score, score};
pub use suite::{Failed, Looked, Means, Row, Scene, Suite};
