//! Dated images and pairs of them.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use geo_types::Polygon;
use serde::{Deserialize, Serialize};

use crate::Grid;

/// Where the date of a capture was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateSource {
    /// The `datetime` of a STAC item beside the image.
    StacItem,
    /// A tag in the image (`TIFFTAG_DATETIME`, `ACQUISITION_DATE`).
    ImageTag,
    /// The file or folder name.
    FileName,
    /// The metadata files of an order: Maxar's `.IMD` or `.XML`, Airbus's `DIM_*.XML`, Planet's JSON, Sentinel-2's.
    Order,
    /// A `[[capture]]` of the config file.
    Config,
}

/// What a footprint was taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FootprintSource {
    /// The pixels that hold data, as a small overview of the image shows them.
    ValidData,
    /// The geometry of its STAC item.
    StacItem,
    /// The edges of the image: nothing in it marks pixels as no data, or to look at them would cost too much.
    #[default]
    Outline,
}

/// What a band of an image shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BandRole {
    /// All visible light, and often some near infrared.
    Panchromatic,
    /// Violet, 400–450 nm.
    Coastal,
    /// Blue.
    Blue,
    /// Green.
    Green,
    /// Yellow, 585–625 nm.
    Yellow,
    /// Red.
    Red,
    /// Between red and near infrared, 705–745 nm.
    RedEdge,
    /// Near infrared, 770 nm and beyond.
    NearInfrared,
    /// Transparency.
    Alpha,
    /// Nobody says.
    Unknown,
}

/// Why a mask takes pixels out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskKind {
    /// Outside the data.
    Nodata,
    /// Cloud or haze.
    Cloud,
    /// Shadow of a cloud or of terrain.
    Shadow,
    /// Water.
    Water,
    /// Snow or ice.
    Snow,
}

/// A mask that came with an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    /// The file: polygons or an image.
    pub path: PathBuf,
    /// What it takes out.
    pub kind: MaskKind,
    /// Band of an image in which everything but 0 counts, from 1.
    pub band: usize,
    /// True where the polygons, or the pixels that are not 0, are what stays.
    pub keeps: bool,
}

/// A band of near infrared that came in a file of its own, on the same pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InfraredFile {
    /// The file.
    pub path: PathBuf,
    /// Its band, from 1.
    pub band: usize,
}

/// One file of an image that was delivered in several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// The file.
    pub path: PathBuf,
    /// Row of its first pixel on the grid of the whole.
    pub row: usize,
    /// Column of its first pixel on the grid of the whole.
    pub col: usize,
    /// Shape, `(rows, cols)`.
    pub shape: (usize, usize),
    /// Near infrared, where it came in another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infrared: Option<InfraredFile>,
}

/// Two sources that do not say the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// What they speak of: the name of a field of [`Capture`] or [`ViewGeometry`].
    pub fact: String,
    /// What is used, with its source: `"0.37 (STAC item)"`.
    pub used: String,
    /// What is not.
    pub other: String,
}

/// How the sensor saw the ground, as far as the metadata tell. Degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ViewGeometry {
    /// Angle between the line of sight and the vertical at the satellite.
    pub off_nadir_deg: Option<f64>,
    /// Azimuth of the line of sight, clockwise from north.
    pub view_azimuth_deg: Option<f64>,
    /// Azimuth of the sun, clockwise from north.
    pub sun_azimuth_deg: Option<f64>,
    /// Height of the sun above the horizon.
    pub sun_elevation_deg: Option<f64>,
}

/// One acquisition, or the tile of it that a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    /// Unique within a catalogue: the path of the image below the folder, without its extension.
    pub id: String,
    /// The image; of several tiles the file that lists them, or the first.
    pub path: PathBuf,
    /// The files it is made of, where they are several, or near infrared is in another. Neighbours may overlap: the first that is valid counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiles: Vec<Tile>,
    /// When it was taken.
    pub datetime: DateTime<Utc>,
    /// Where that was read.
    pub date_source: DateSource,
    /// When it was published, where the metadata say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<DateTime<Utc>>,
    /// Name of the strip in its owner's catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue_id: Option<String>,
    /// Licence or copyright line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Sensor or platform, where the metadata name it.
    pub platform: Option<String>,
    /// True ground sample distance from the metadata; the pixel size may be finer.
    pub gsd_m: Option<f64>,
    /// Radius that holds 90 % of its points (CE90), metres, where the metadata say so.
    #[serde(default)]
    pub ce90_m: Option<f64>,
    /// Line of sight and sun.
    pub view: ViewGeometry,
    /// True where the place of the sun was computed from time and place, because no metadata tell it.
    #[serde(default)]
    pub sun_computed: bool,
    /// Share of cloud from the metadata, per cent.
    pub cloud_percent: Option<f64>,
    /// Where the pixels lie.
    pub grid: Grid,
    /// The ground that it shows in longitude and latitude (WGS84, degrees), beyond 180° where it lies across the antimeridian: a
    /// ring, convex on the image's grid, that holds every valid pixel, or as many as its STAC item says; else all of the image.
    pub footprint: Polygon,
    /// What the footprint was taken from.
    #[serde(default)]
    pub footprint_source: FootprintSource,
    /// Number of bands, alpha included.
    pub bands: usize,
    /// Data type of the pixels, as GDAL names it: `Byte`, `UInt16`, `Float32`.
    pub data_type: String,
    /// What each band shows, in the order of the file.
    #[serde(default)]
    pub roles: Vec<BandRole>,
    /// Masks that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masks: Vec<Mask>,
    /// Where its sources disagree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
}

impl Capture {
    /// True where its bands tell water from ground: green light and near infrared, by name.
    pub fn has_infrared(&self) -> bool {
        let beside = || self.tiles.iter().any(|t| t.infrared.is_some());
        self.roles.contains(&BandRole::Green) && (self.roles.contains(&BandRole::NearInfrared) || beside())
    }

    /// The files that its pixels and masks are read from, and the one that lists its tiles.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let tiles = self.tiles.iter().flat_map(|t| [Some(&t.path), t.infrared.as_ref().map(|i| &i.path)]);
        [&self.path].into_iter().chain(tiles.flatten()).chain(self.masks.iter().map(|m| &m.path))
    }
}

/// Two captures to compare, the earlier first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The capture on whose grid the pair is compared.
    pub earlier: Capture,
    /// The capture in which new works are sought.
    pub later: Capture,
    /// Area that both cover, from the footprints.
    pub overlap_km2: f64,
}

impl Pair {
    /// A name for the pair, unique within a catalogue.
    pub fn id(&self) -> String {
        format!("{}..{}", self.earlier.id, self.later.id)
    }
}
