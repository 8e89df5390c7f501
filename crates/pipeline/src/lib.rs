//! The order of the steps: the one API that every front end calls.
//!
//! * [`inspect()`] says what a folder holds and which captures would be compared.
//! * [`survey()`] does the whole job: catalogue, pairs, comparison, measurement, documents.
//! * [`simulate()`] writes images whose truth is known: an order of tiles, works on real images, the suite.
//! * [`align()`] lays one image onto another and says how well it fits where.
//! * [`detect()`] compares what a folder holds and stops there: no front line, no documents.
//! * [`evaluate()`] scores detections against truth; [`evaluate_suite()`] the detector over a folder of scenes.
//! * [`report()`] measures a finished run anew; [`compare_runs`] sets two side by side.
//!
//! tokio where waiting happens, rayon where computing happens; they meet in [`survey()`], and in [`report()`], which writes
//! documents on as many threads as there are processors, and nowhere else. What a
//! step has to say on its way goes to [`Events`]; [`Stop`] ends it early and loses nothing, because the result of
//! every pair is on disk before the next begins.

mod ahead;
mod align;
mod background;
mod bridge;
mod chips;
mod covered;
mod detect;
mod documents;
mod error;
mod evaluation;
mod events;
mod footprints;
mod gate;
mod identify;
mod inspect;
mod journal;
mod measure;
mod model;
mod once;
mod options;
mod outline;
mod pair;
mod place;
mod record;
mod remeasure;
mod simulation;
mod source;
mod suite;
mod survey;
mod training;
mod view;

// What options are made of, so that a front end needs no other crate.
pub use ::evaluate as scoring;
pub use ::report::{Compared, Comparison, FrontOptions, FrontRule, SystemOptions};
pub use diff;
pub use simulate::Options as SceneOptions;
pub use simulate::background::BackgroundOptions;
pub use simulate::suite::Split;

pub use ahead::{FetchRecord, Span};
pub use align::{AlignOptions, Aligned, align};
pub use detect::{DetectOptions, Detected, detect};
pub use documents::Format;
pub use error::{Error, Result, Skips, chain};
pub use evaluation::{EvaluateOptions, evaluate};
pub use events::{Event, Events, Quiet, Stop};
pub use gate::{Expected, Gate, GateLimits};
pub use ingest::{CaptureEntry, PairRule, Search, is_address, shown_address};
pub use inspect::{Inspection, inspect};
pub use measure::{ContextFile, MeasureOptions};
pub use options::{ChipOptions, ImageOptions, SurveyOptions};
pub use pair::{PairResult, PairSeconds};
pub use record::{PairRecord, PairStatus, SkippedRecord};
pub use remeasure::{ReportOptions, ReportOutcome, compare_runs, report};
pub use simulation::{SimulateOptions, Simulated, Subject, simulate};
pub use source::PairReader;
pub use suite::{SuiteOptions, SuiteOutcome, evaluate_suite};
pub use survey::{SurveyOutcome, survey};
pub use training::{LookOptions, looks};

/// Version of the program, as results name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
