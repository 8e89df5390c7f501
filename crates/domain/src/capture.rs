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
    /// The image.
    pub path: PathBuf,
    /// When it was taken.
    pub datetime: DateTime<Utc>,
    /// Where that was read.
    pub date_source: DateSource,
    /// Sensor or platform, where the metadata name it.
    pub platform: Option<String>,
    /// True ground sample distance from the metadata; the pixel size may be finer.
    pub gsd_m: Option<f64>,
    /// Radius that holds 90 % of its points (CE90), metres, where the metadata say so.
    #[serde(default)]
    pub ce90_m: Option<f64>,
    /// Line of sight and sun.
    pub view: ViewGeometry,
    /// Share of cloud from the metadata, per cent.
    pub cloud_percent: Option<f64>,
    /// Where the pixels lie.
    pub grid: Grid,
    /// Outline in longitude and latitude (WGS84, degrees).
    pub footprint: Polygon,
    /// Number of bands, alpha included.
    pub bands: usize,
    /// Data type of the pixels, as GDAL names it: `Byte`, `UInt16`, `Float32`.
    pub data_type: String,
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
