//! Truth and detections as GeoJSON tells them.

use std::collections::BTreeSet;

use geo_types::{Coord, LineString, MultiLineString};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// What is known to be there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Imaged area; without it there are no false alarms per km2.
    pub area_km2: Option<f64>,
    /// Lines of earthworks.
    pub lines: Vec<TruthLine>,
    /// Lines of class `ignore`: no one can decide; what runs along them counts neither way.
    pub ignored: Vec<MultiLineString>,
    /// Lines of class `distractor`, which are no earthworks: what runs along them is a false alarm.
    pub distractors: Vec<Distractor>,
}

/// A line of truth.
#[derive(Clone, Debug, PartialEq)]
pub struct TruthLine {
    /// `trench`, `anti_vehicle_ditch`, or another word.
    pub class: String,
    /// Longitude and latitude, degrees.
    pub line: MultiLineString,
    /// Width of the cut, metres.
    pub width_m: Option<f64>,
    /// How much darker the core is than the ground beside it, as a share of that ground.
    pub contrast: Option<f64>,
}

/// A line that looks like an earthwork and is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Distractor {
    /// Its kind (`wheel_track`, …), from `style` or `kind`; `distractor` where neither says.
    pub kind: String,
    /// Longitude and latitude, degrees.
    pub line: MultiLineString,
}

/// A line that is proposed.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// Proposed class.
    pub class: Option<String>,
    /// 0–1; 1 where the file says nothing.
    pub confidence: f64,
    /// Longitude and latitude, degrees.
    pub line: MultiLineString,
    /// Width of the cut, metres.
    pub width_m: Option<f64>,
}

impl Truth {
    /// Truth from a GeoJSON `FeatureCollection` of lines with `class`, `width_m` and perhaps `contrast`, and
    /// `area_km2` beside `features`. Empty geometries are skipped.
    ///
    /// # Errors
    /// [`Error::NotJson`], [`Error::NotLines`], [`Error::Property`], [`Error::OutOfRange`].
    pub fn parse(text: &[u8]) -> Result<Self> {
        let root = root(text)?;
        let area_km2 = match root.get("area_km2") {
            None | Some(Value::Null) => None,
            Some(v) => Some(v.as_f64().filter(|a| *a > 0.0 && a.is_finite()).ok_or_else(|| {
                Error::NotLines { what: format!("`area_km2` is {v}, not a number above 0") }
            })?),
        };
        let mut truth = Self { area_km2, ..Self::default() };
        for (i, feature) in features(&root)?.iter().enumerate() {
            let Some(geometry) = feature.get("geometry").filter(|g| !g.is_null()) else { continue };
            let Some(line) = line(i, geometry)? else {
                let kind = geometry.get("type").unwrap_or(&Value::Null);
                return Err(Error::NotLines { what: format!("feature {i} is a {kind}, and truth is lines") });
            };
            if line.0.is_empty() {
                continue;
            }
            let properties = properties(feature);
            let Some(class) = text_of(&properties, "class") else {
                let value = properties.get("class").unwrap_or(&Value::Null).to_string();
                return Err(Error::Property { feature: i, name: "class", value, must_be: "a word" });
            };
            match class.as_str() {
                "ignore" => truth.ignored.push(line),
                "distractor" => {
                    let kind = ["style", "kind"].iter().find_map(|name| text_of(&properties, name));
                    truth.distractors.push(Distractor { kind: kind.unwrap_or(class), line });
                }
                _ => truth.lines.push(TruthLine {
                    class,
                    line,
                    width_m: number(i, &properties, "width_m", f64::INFINITY, "a number of metres")?,
                    contrast: number(i, &properties, "contrast", f64::INFINITY, "a share")?,
                }),
            }
        }
        Ok(truth)
    }
}

impl Detection {
    /// Detections from a GeoJSON `FeatureCollection`: its LineStrings and MultiLineStrings, with `class`,
    /// `confidence` and `width_m`. Other geometries are skipped, unless there are no lines beside them.
    ///
    /// # Errors
    /// As [`Truth::parse`].
    pub fn parse(text: &[u8]) -> Result<Vec<Self>> {
        let root = root(text)?;
        let (mut found, mut others) = (Vec::new(), BTreeSet::new());
        for (i, feature) in features(&root)?.iter().enumerate() {
            let Some(geometry) = feature.get("geometry").filter(|g| !g.is_null()) else { continue };
            let Some(line) = line(i, geometry)? else {
                others.insert(geometry.get("type").and_then(Value::as_str).unwrap_or("shape").to_owned());
                continue;
            };
            if line.0.is_empty() {
                continue;
            }
            let properties = properties(feature);
            found.push(Self {
                class: text_of(&properties, "class"),
                confidence: number(i, &properties, "confidence", 1.0, "a number from 0 to 1")?.unwrap_or(1.0),
                line,
                width_m: number(i, &properties, "width_m", f64::INFINITY, "a number of metres")?,
            });
        }
        if found.is_empty() && !others.is_empty() {
            let kinds = others.into_iter().collect::<Vec<_>>().join(", ");
            let what = format!(
                "it holds no line, only {kinds}, and detections are lines: is it earthworks.geojson of a run?"
            );
            return Err(Error::NotLines { what });
        }
        Ok(found)
    }
}

fn root(text: &[u8]) -> Result<Map<String, Value>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    match serde_json::from_slice(text).map_err(|source| Error::NotJson { source })? {
        Value::Object(root) => Ok(root),
        _ => Err(Error::NotLines { what: "its root is not an object".to_owned() }),
    }
}

fn features(root: &Map<String, Value>) -> Result<&[Value]> {
    let features = root.get("features").and_then(Value::as_array);
    let what = "it has no array `features`".to_owned();
    features.map(Vec::as_slice).ok_or(Error::NotLines { what })
}

fn properties(feature: &Value) -> Map<String, Value> {
    feature.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn text_of(properties: &Map<String, Value>, name: &str) -> Option<String> {
    properties.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A number from 0 to `most`; `None` where there is none.
fn number(
    feature: usize,
    properties: &Map<String, Value>,
    name: &'static str,
    most: f64,
    must_be: &'static str,
) -> Result<Option<f64>> {
    match properties.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64().filter(|v| v.is_finite() && (0.0..=most).contains(v)) {
            Some(v) => Ok(Some(v)),
            None => Err(Error::Property { feature, name, value: value.to_string(), must_be }),
        },
    }
}

/// The parts of a LineString or MultiLineString, without empty ones; `None` for any other geometry.
fn line(feature: usize, geometry: &Value) -> Result<Option<MultiLineString>> {
    let coordinates = geometry.get("coordinates").unwrap_or(&Value::Null);
    let bad = || Error::NotLines { what: format!("feature {feature} has no usable `coordinates`") };
    let part = |v: &Value| -> Result<LineString> {
        let points = v.as_array().ok_or_else(bad)?;
        let point = |p: &Value| -> Result<Coord> {
            let at = |i: usize| p.get(i).and_then(Value::as_f64).ok_or_else(bad);
            let (x, y) = (at(0)?, at(1)?);
            if x.abs() > 360.0 || y.abs() > 90.0 {
                return Err(Error::OutOfRange { feature, x, y });
            }
            Ok(Coord { x, y })
        };
        let points: Vec<Coord> = points.iter().map(point).collect::<Result<_>>()?;
        if points.len() == 1 {
            return Err(Error::NotLines { what: format!("feature {feature} has a line of one position") });
        }
        Ok(LineString(points))
    };
    let parts = match geometry.get("type").and_then(Value::as_str) {
        Some("LineString") => vec![part(coordinates)?],
        Some("MultiLineString") => {
            coordinates.as_array().ok_or_else(bad)?.iter().map(part).collect::<Result<_>>()?
        }
        _ => return Ok(None),
    };
    Ok(Some(MultiLineString(parts.into_iter().filter(|l| !l.0.is_empty()).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn collection(features: &[Value]) -> Vec<u8> {
        json!({ "type": "FeatureCollection", "area_km2": 0.5, "features": features }).to_string().into_bytes()
    }

    fn feature(properties: Value, kind: &str, coordinates: Value) -> Value {
        json!({ "properties": properties, "geometry": { "type": kind, "coordinates": coordinates } })
    }

    #[test]
    fn truth_is_sorted_by_what_it_counts_for() {
        let line = || json!([[35.0, 51.0], [35.001, 51.0, 180.0]]);
        let truth = Truth::parse(&collection(&[
            feature(json!({ "class": "trench", "width_m": 1.2, "contrast": 0.2 }), "LineString", line()),
            feature(json!({ "class": "ignore" }), "LineString", line()),
            feature(json!({ "class": "distractor", "style": "path" }), "MultiLineString", json!([line()])),
        ]))
        .unwrap();
        assert_eq!((truth.lines.len(), truth.ignored.len()), (1, 1));
        assert_eq!((truth.lines[0].width_m, truth.lines[0].contrast), (Some(1.2), Some(0.2)));
        assert_eq!(truth.distractors[0].kind, "path");
        assert_eq!(truth.area_km2, Some(0.5));
    }

    #[test]
    fn detections_are_lines_and_the_rest_is_skipped() {
        let found = Detection::parse(&collection(&[
            feature(json!({}), "Point", json!([35.0, 51.0])),
            feature(json!({ "class": "trench" }), "LineString", json!([[35.0, 51.0], [35.0, 51.1]])),
            json!({ "properties": {}, "geometry": null }),
        ]))
        .unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].confidence, 1.0);
        let point = feature(json!({}), "Point", json!([35.0, 51.0]));
        let said = Detection::parse(&collection(&[point])).unwrap_err().to_string();
        assert!(said.contains("only Point") && said.contains("earthworks.geojson"), "{said}");
        assert_eq!(Detection::parse(&collection(&[])).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let said = |text: &[u8]| Truth::parse(text).unwrap_err().to_string();
        assert!(said(b"{").contains("not JSON"));
        assert!(said(b"[]").contains("root is not an object"));
        assert!(said(b"{}").contains("features"));
        let point = feature(json!({ "class": "trench" }), "Point", json!([35.0, 51.0]));
        assert!(said(&collection(&[point])).contains("feature 0 is a \"Point\""));
        let far = feature(json!({ "class": "trench" }), "LineString", json!([[655_000.0, 1.0], [0.0, 1.0]]));
        assert!(said(&collection(&[far])).contains("EPSG:4326"));
        let wide = json!({ "class": "trench", "width_m": "wide" });
        let wide = feature(wide, "LineString", json!([[35.0, 51.0], [35.0, 51.1]]));
        assert!(said(&collection(&[wide])).contains("feature 0: `width_m` is \"wide\""));
    }
}
