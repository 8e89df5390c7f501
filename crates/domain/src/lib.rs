//! The nouns of Fosse: what a capture, a grid, a raster, a pair, an earthwork and a coverage are.
//!
//! No I/O, no threads, no GDAL. Pixels are [`Pixel`] `(row, col)`, ground is [`geo_types::Coord`] `(x, y)`:
//! two types, so that the compiler sees a swap. Units ride in the names.

mod capture;
mod coverage;
mod earthwork;
mod grid;
mod infrared;
mod pixel_map;
mod raster;
mod window;

pub use capture::{
    BandRole, Capture, Conflict, DateSource, FootprintSource, InfraredFile, Mask, MaskKind, Pair, Tile,
    ViewGeometry,
};
pub use coverage::{Coverage, Reason};
pub use earthwork::{Class, Earthwork, Evidence};
pub use grid::{Affine, Crs, Grid, GridError, Pixel};
pub use infrared::Infrared;
pub use pixel_map::PixelMap;
pub use raster::{Bands, Raster};
pub use window::Window;
