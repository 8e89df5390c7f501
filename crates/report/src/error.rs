//! What can go wrong between a front line on disk and a report on disk.

use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A variant for each cause that a caller can act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A front or border file is not JSON.
    #[error("{} is not JSON; give the front line as GeoJSON (ogr2ogr -f GeoJSON converts it)", path.display())]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where it breaks off.
        #[source]
        source: serde_json::Error,
    },
    /// JSON, but not GeoJSON.
    #[error("{} is JSON but not GeoJSON: {what}", path.display())]
    NotGeoJson {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which feature.
        what: String,
    },
    /// Coordinates are not longitude and latitude on WGS84.
    #[error(
        "{} is in the reference system {crs:?}; a front line must be in longitude and latitude \
         (ogr2ogr -t_srs EPSG:4326 converts it)",
        path.display()
    )]
    ForeignCrs {
        /// The file.
        path: PathBuf,
        /// The name that the file gives.
        crs: String,
    },
    /// A position outside longitude ±360 or latitude ±90.
    #[error(
        "{}: {feature}: longitude {x}, latitude {y} is not on the globe; the file looks latitude-first (say \
         --lat-first) or projected (convert it to EPSG:4326)",
        path.display()
    )]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Which feature of it.
        feature: String,
        /// First coordinate, which should be a longitude.
        x: f64,
        /// Second coordinate, which should be a latitude.
        y: f64,
    },
    /// Far from the images as it is, near with longitude and latitude swapped.
    #[error(
        "{} lies {away_km} km from the images, and with longitude and latitude swapped {swapped_km} km: it seems to be \
         latitude first; say --lat-first",
        path.display()
    )]
    LatitudeFirst {
        /// The file.
        path: PathBuf,
        /// Distance as it is, kilometres.
        away_km: f64,
        /// Distance swapped, kilometres.
        swapped_km: f64,
    },
    /// A document of an earlier run cannot be used.
    #[error("{} is no document of a finished run of this program: {what}", path.display())]
    NotARun {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A table cannot be put into Parquet.
    #[error("the earthworks cannot be put into Parquet: {0}")]
    Parquet(String),
    /// A layer of context without a feature.
    #[error("{} holds no line, area or point: there is nothing to be near to", path.display())]
    NoContext {
        /// The file.
        path: PathBuf,
    },
    /// A ring that crosses itself too often.
    #[error(
        "{}: {feature}: a ring crosses itself more than {most} times; draw it anew, or mend it (ogr2ogr -makevalid)",
        path.display()
    )]
    Tangled {
        /// The file.
        path: PathBuf,
        /// Which feature of it.
        feature: String,
        /// Crossings that would be mended.
        most: usize,
    },
    /// No line and no polygon.
    #[error(
        "{} holds no line and no polygon ({points} points, {empty} empty geometries); a front line is a LineString \
         or a Polygon of control",
        path.display()
    )]
    NoLines {
        /// The file.
        path: PathBuf,
        /// How many points it holds.
        points: usize,
        /// How many null or empty geometries it holds.
        empty: usize,
    },
    /// No feature of the class that was asked for.
    #[error(
        "{} has no feature of class {class:?}; it has {}; choose one with --front-class",
        path.display(),
        present.join(", ")
    )]
    NoSuchClass {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        class: String,
        /// The classes in the file.
        present: Vec<String>,
    },
    /// Neither the features nor the file name bear a date.
    #[error(
        "{} bears no date{}, neither as a property `date` nor in its name; a distance from an undated line is noise: \
         give the date with --front-date YYYY-MM-DD",
        path.display(),
        if unread.is_empty() { String::new() } else { format!(" that can be read ({})", unread.join(", ")) }
    )]
    NoDate {
        /// The file.
        path: PathBuf,
        /// What stands where a date should.
        unread: Vec<String>,
    },
    /// Lines that are longer than all borders of the earth.
    #[error(
        "{}: its lines are {km} km long in all, over {most_km} km: are they longitude and latitude? cut out the part that matters",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How long.
        km: f64,
        /// How long they may be.
        most_km: f64,
    },
    /// The border took away every edge of the front.
    #[error(
        "{}: all {edges} edges run within {tolerance_m} m of the border {}; nothing is left to measure from: is it \
         the right border, or the tolerance too wide?",
        path.display(),
        border.display()
    )]
    AllBorder {
        /// The front line.
        path: PathBuf,
        /// The border.
        border: PathBuf,
        /// Edges before.
        edges: usize,
        /// Tolerance, metres.
        tolerance_m: f64,
    },
    /// An option makes no sense.
    #[error("{name} is {value}; it must be {must_be}")]
    BadOption {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it must be.
        must_be: &'static str,
    },
    /// The two pictures of a chip do not match, or one is empty.
    #[error("a chip needs two pictures of one shape with 3 bands, not {earlier:?} and {later:?}")]
    ChipShape {
        /// `(rows, cols, bands)` of the earlier picture.
        earlier: (usize, usize, usize),
        /// The same of the later.
        later: (usize, usize, usize),
    },
    /// Pixels and their mask differ in shape, or there is no band.
    #[error("cannot stretch {pixels:?} (bands, rows, cols) with a mask of {valid:?} (rows, cols)")]
    StretchShape {
        /// `(bands, rows, cols)`.
        pixels: (usize, usize, usize),
        /// `(rows, cols)`.
        valid: (usize, usize),
    },
    /// A picture cannot be encoded.
    #[error("cannot encode a picture of {width} x {height} px as PNG")]
    Png {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// What the encoder said.
        #[source]
        source: image::ImageError,
    },
    /// A picture cannot be encoded.
    #[error("cannot encode a picture of {width} x {height} px as JPEG")]
    Jpeg {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// What the encoder said.
        #[source]
        source: jpeg_encoder::EncodingError,
    },
    /// The output folder is taken.
    #[error(
        "{} already holds {found}; choose another folder, or say --overwrite to replace what Fosse wrote there",
        path.display()
    )]
    OutputTaken {
        /// The folder.
        path: PathBuf,
        /// A file in it.
        found: String,
    },
    /// The output folder must be empty.
    #[error("{} already holds {found}; choose another folder, or empty it", path.display())]
    OutputNotEmpty {
        /// The folder.
        path: PathBuf,
        /// A file in it.
        found: String,
    },
    /// Files that Fosse would replace, where no run of it is.
    #[error(
        "{} holds {found}, and no run of Fosse that it could be of; --overwrite would replace it: move it away, or choose another folder",
        path.display()
    )]
    OutputForeign {
        /// The folder.
        path: PathBuf,
        /// The file.
        found: String,
    },
    /// The output path is a file.
    #[error("{} is a file; give a folder", path.display())]
    OutputIsFile {
        /// The path.
        path: PathBuf,
    },
    /// A name to write that would leave the output folder.
    #[error("{name:?} is not a plain relative name below the output folder")]
    OutputName {
        /// The name.
        name: String,
    },
    /// No space left.
    #[error(
        "no space left to write {} ({bytes} bytes); free some, or choose an output folder on another disk",
        path.display()
    )]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// How much.
        bytes: usize,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file cannot be written, renamed or removed.
    #[error("cannot {action} {}", path.display())]
    Write {
        /// What was tried: `create`, `write`, `rename`, `remove`, `list`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
