//! Earthworks and a dated front line in, measurements and documents out.
//!
//! * [`front`] reads a [`FrontLine`]: dated, sourced, with a class, and without the edges that run along a border.
//! * [`distance`] measures each line against it: WGS84 geodesics, both end points, bearing, side.
//! * [`earthworks`], [`coverage`] and [`summary`] write what was found and what was looked at: GeoJSON, CSV,
//!   Markdown.
//! * [`stretch`] and [`chip`] draw the evidence, [`quiver`] an alignment.
//! * [`output`] puts it all on disk, whole files only.
//!
//! No GDAL, no threads, no clock: equal input gives equal bytes.

mod areas;
mod border;
pub mod chip;
mod classes;
pub mod compare;
pub mod context;
pub mod control;
pub mod coverage;
pub mod distance;
mod draw;
mod earth;
pub mod earthworks;
mod enlarge;
mod error;
pub mod front;
mod front_date;
pub mod fronts;
mod gap;
mod geojson;
mod geoparquet;
pub mod growth;
pub mod html;
mod kmz;
mod layers;
mod looked;
pub mod output;
mod proposals;
pub mod quiver;
mod rings;
mod stac;
pub mod stretch;
pub mod styles;
pub mod summary;
pub mod systems;
pub mod totals;
pub mod uncertainty;
pub mod views;
mod words;
mod zip;

pub use chip::{Chip, render_png};
pub use compare::{Compared, Comparison, Listed, compare};
pub use context::{ContextLayer, Nearby, put_in_context};
pub use control::{Control, control};
pub use coverage::{CoverageArea, CoverageFeature, coverage_geojson, dissolve, read_coverage};
pub use distance::{Compass, FrontIndex, Measure, Side};
pub use earthworks::{MeasuredEarthwork, earthworks_csv, earthworks_geojson, measure_all, read_earthworks};
pub use error::{Error, Result};
pub use front::{FrontFile, FrontLine, FrontOptions, FrontRule};
pub use fronts::{Fronts, FrontsIndex, Rival};
pub use geoparquet::parquet;
pub use growth::{Growth, growth};
pub use kmz::kmz;
pub use layers::{defence_lines_geojson, front_geojson, summary_json, systems_geojson};
pub use output::OutputDir;
pub use proposals::proposals_geojson;
pub use stac::stac_item;
pub use stretch::Stretch;
pub use summary::{Summary, front_warnings, report_md, sentence};
pub use systems::{DefenceLine, System, SystemOptions, systems};
pub use totals::Totals;
pub use uncertainty::{ImagePrecision, Uncertainty};
pub use words::area;
