//! What a person says of captures in a config file: `[[capture]]`.

use std::fmt;
use std::path::{Path, PathBuf};

use domain::{BandRole, Crs, Mask, MaskKind, ViewGeometry};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::crs::named_crs;
use crate::date;
use crate::error::{Error, Result};
use crate::facts::Facts;

/// A `[[capture]]`: facts of one image, or of every image below a folder. What it says goes before everything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CaptureEntry {
    /// The image, or a folder of images.
    pub file: PathBuf,
    /// When it was taken, UTC.
    #[serde(deserialize_with = "time")]
    pub datetime: Option<String>,
    /// When it was published.
    #[serde(deserialize_with = "time")]
    pub released: Option<String>,
    /// Sensor or platform.
    pub platform: Option<String>,
    /// Name of the strip in its owner's catalogue.
    pub catalogue_id: Option<String>,
    /// True ground sample distance.
    pub gsd_m: Option<f64>,
    /// Radius that holds 90 % of the points.
    pub ce90_m: Option<f64>,
    /// Angle between the line of sight and the vertical at the satellite.
    pub off_nadir_deg: Option<f64>,
    /// Azimuth of the line of sight.
    pub view_azimuth_deg: Option<f64>,
    /// Azimuth of the sun.
    pub sun_azimuth_deg: Option<f64>,
    /// Height of the sun.
    pub sun_elevation_deg: Option<f64>,
    /// Share of cloud.
    pub cloud_percent: Option<f64>,
    /// Licence or copyright line.
    pub licence: Option<String>,
    /// Reference system, whatever the image says: `EPSG:32636`, WKT or a PROJ string.
    pub crs: Option<String>,
    /// What its bands show, in the order of the file, alpha left out; a band that the file calls alpha too, where it holds near
    /// infrared.
    pub bands: Option<Vec<BandRole>>,
    /// Masks that belong to it.
    pub masks: Vec<MaskEntry>,
}

/// A mask of a [`CaptureEntry`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskEntry {
    /// Polygons or an image.
    pub file: PathBuf,
    /// What it takes out.
    pub kind: MaskKind,
    /// Band of an image, from 1.
    #[serde(default = "first")]
    pub band: usize,
    /// True where what the mask holds is what stays.
    #[serde(default)]
    pub keeps: bool,
}

/// A time as text, or as a type of its own, as TOML has: that comes as a map of one text.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Time;
    impl<'de> Visitor<'de> for Time {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time like 2024-08-12T08:41:07Z")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(text.to_owned()))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            Ok(map.next_entry::<String, String>()?.map(|(_, text)| text))
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Time)
}

fn first() -> usize {
    1
}

/// A checked [`CaptureEntry`].
pub(crate) struct Said {
    pub file: PathBuf,
    pub facts: Facts,
    pub crs: Option<Crs>,
    pub masks: Vec<Mask>,
}

impl CaptureEntry {
    /// Checks what it says.
    ///
    /// # Errors
    /// [`Error::Entry`] for a date or number that cannot be; [`Error::Crs`].
    pub(crate) fn checked(&self) -> Result<Said> {
        let wrong = |what: &str, value: String, expected: &'static str| Error::Entry {
            file: self.file.clone(),
            what: what.to_owned(),
            value,
            expected,
        };
        let time = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => date::instant(text)
                .map(Some)
                .ok_or_else(|| wrong(name, text.clone(), "a time like 2024-08-12T08:41:07Z")),
        };
        let number =
            |name: &str, value: Option<f64>, range: std::ops::RangeInclusive<f64>, expected| match value {
                Some(v) if !range.contains(&v) => Err(wrong(name, v.to_string(), expected)),
                other => Ok(other),
            };
        let turn = |name: &str, value: Option<f64>| {
            Ok::<_, Error>(number(name, value, -360.0..=360.0, "-360 to 360")?.map(|a| a.rem_euclid(360.0)))
        };
        let facts = Facts {
            datetime: time("datetime", &self.datetime)?,
            released: time("released", &self.released)?,
            platform: self.platform.clone(),
            catalogue_id: self.catalogue_id.clone(),
            gsd_m: number("gsd_m", self.gsd_m, 1e-3..=1e4, "0.001 to 10000")?,
            ce90_m: number("ce90_m", self.ce90_m, 0.0..=1e4, "0 to 10000")?,
            view: ViewGeometry {
                off_nadir_deg: number("off_nadir_deg", self.off_nadir_deg, 0.0..=90.0, "0 to 90")?,
                view_azimuth_deg: turn("view_azimuth_deg", self.view_azimuth_deg)?,
                sun_azimuth_deg: turn("sun_azimuth_deg", self.sun_azimuth_deg)?,
                sun_elevation_deg: number(
                    "sun_elevation_deg",
                    self.sun_elevation_deg,
                    -90.0..=90.0,
                    "-90 to 90",
                )?,
            },
            cloud_percent: number("cloud_percent", self.cloud_percent, 0.0..=100.0, "0 to 100")?,
            licence: self.licence.clone(),
            outline: None,
            roles: self.bands.clone(),
            conflicts: Vec::new(),
        };
        let mask = |m: &MaskEntry| Mask { path: m.file.clone(), kind: m.kind, band: m.band, keeps: m.keeps };
        Ok(Said {
            file: self.file.clone(),
            facts,
            crs: self.crs.as_deref().map(named_crs).transpose()?,
            masks: self.masks.iter().map(mask).collect(),
        })
    }
}

impl Said {
    /// True where it speaks of an image.
    pub fn is_of(&self, image: &Path) -> bool {
        image == self.file || image.starts_with(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_named() {
        let wrong = CaptureEntry { file: "a.tif".into(), gsd_m: Some(-1.0), ..Default::default() };
        let Err(error) = wrong.checked() else { panic!() };
        assert_eq!(error.to_string(), "[[capture]] a.tif: gsd_m is -1, must be 0.001 to 10000");
        let wrong = CaptureEntry { datetime: Some("August".into()), ..Default::default() };
        assert!(wrong.checked().is_err());
        let wrong = CaptureEntry { crs: Some("mars".into()), ..Default::default() };
        assert!(wrong.checked().is_err());
    }
}
