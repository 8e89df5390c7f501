//! Dated tiles in: catalogue, metadata, pairing, windowed reading; the only crate that links GDAL.
//!
//! [`catalogue()`] walks a folder and dates what it finds, [`pairs`] says which captures to compare,
//! [`shared_grid`] and [`pixel_map`] where, and [`Image`] reads their pixels window by window. What cannot be
//! used is an entry of [`Catalogue::skipped`], never silence. [`write`](mod@write) is the way back: GeoTIFFs out.
//! [`read_vector`] and [`write_vector`] do the same for lines and areas, in any format that is asked for.
//!
//! GDAL's state is per process: call [`configure`] once, before anything else.

mod archive;
mod bands;
mod cache;
pub mod catalogue;
mod crs;
mod date;
mod dimap;
mod entry;
mod error;
mod facts;
#[cfg(test)]
mod fixture;
mod format;
#[doc(hidden)]
pub mod fuzz;
mod group;
mod header;
mod image;
mod job;
mod kept;
mod layout;
mod library;
mod lost;
mod masks;
mod maxar;
mod notes;
mod order;
mod pairing;
mod passed;
mod planet;
mod project;
pub mod remote;
mod sentinel2;
mod stac;
mod sun;
mod valid;
mod vector;
mod vector_write;
mod vrt;
mod walk;
mod whole;
pub mod write;
mod xml;

pub use catalogue::{Catalogue, CatalogueOptions, Skipped, catalogue, single};
pub use crs::named_crs;
pub use entry::{CaptureEntry, MaskEntry};
pub use error::{Error, GdalMessage, Result};
pub use image::Image;
pub use kept::{Decoded, Kept};
pub use library::configure;
pub use masks::Outlines;
pub use pairing::{PairRule, pairs, views};
pub use project::{FINEST_PIXEL_M, pixel_map, pixel_size_m, shared_grid, to_lon_lat};
pub use remote::{Fetched, Mirror, Patience, RemoteOptions, Search, is_address, shown_address};
pub use vector::{VECTOR_ENDINGS, is_vector, read_vector};
pub use vector_write::{VectorFormat, VectorLayer, write_vector};
