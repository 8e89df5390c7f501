//! Earthworks and a dated front line in, measurements and documents out.
//!
//! * [`front`] reads a [`FrontLine`]: dated, sourced, with a class, and without the edges that run along a border.
//! * [`distance`] measures each line against it: WGS84 geodesics, both end points, bearing, side.
//! * [`earthworks`], [`coverage`] and [`summary`] write what was found and what was looked at: GeoJSON, CSV,
//!   Markdown.
//! * [`stretch`] and [`chip`] draw the evidence.
//! * [`output`] puts it all on disk, whole files only.
//!
//! No GDAL, no threads, no clock: equal input gives equal bytes.

pub mod chip;
pub mod coverage;
pub mod distance;
mod draw;
mod earth;
pub mod earthworks;
mod enlarge;
mod error;
pub mod front;
mod geojson;
pub mod output;
pub mod stretch;
pub mod summary;
mod words;

pub use chip::{Chip, render_png};
pub use coverage::{CoverageArea, CoverageFeature, coverage_geojson, dissolve};
pub use distance::{Compass, FrontIndex, Measure, Side};
pub use earthworks::{MeasuredEarthwork, earthworks_csv, earthworks_geojson, measure_all};
pub use error::{Error, Result};
pub use front::{FrontLine, FrontOptions};
pub use output::OutputDir;
pub use stretch::Stretch;
pub use summary::{Summary, report_md, sentence};
