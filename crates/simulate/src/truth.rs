//! What was dug, as lines and as GeoJSON.

use domain::Pixel;
use geo_types::Coord;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::place::{Place, length_m};

/// What a line of the scene is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthClass {
    /// A trench for people.
    Trench,
    /// A ditch against vehicles.
    AntiVehicleDitch,
    /// No earthwork: [`Style`] tells which kind of line.
    Distractor,
}

impl TruthClass {
    /// The word in data: `trench`, `anti_vehicle_ditch`, `distractor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trench => domain::Class::Trench.as_str(),
            Self::AntiVehicleDitch => domain::Class::AntiVehicleDitch.as_str(),
            Self::Distractor => "distractor",
        }
    }
}

/// How an earthwork runs, or which kind of line a distractor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Uneven legs that turn to and fro.
    Zigzag,
    /// Bays and traverses at right angles.
    Crenellated,
    /// Bends without corners.
    Wavy,
    /// Long legs, slight bends.
    Straight,
    /// A short blind arm, or a cell for one or two.
    Sap,
    /// From line to line, or to the rear.
    Communication,
    /// Two ruts, no relief.
    WheelTrack,
    /// A filled trench: a pale strip, no relief.
    Pipeline,
    /// A narrow path trodden by people or beasts.
    Path,
    /// Rows of concrete pyramids.
    DragonsTeeth,
    /// A gravel road that was not there.
    NewRoad,
    /// A drain, wet or dry, with its spoil or without.
    Drain,
    /// A few furrows along a field, against fire.
    PloughedStrip,
    /// Grass or crop that was mown in a strip.
    MownStrip,
    /// A fence.
    Fence,
    /// A line between two passes of a machine on a field that was worked.
    Furrow,
    /// Where a field that changed meets its neighbour.
    FieldEdge,
    /// Where water stands that moved.
    Shoreline,
    /// The shadow of a belt of trees.
    TreeShadow,
    /// Where a belt of trees was felled.
    ClearedBelt,
    /// The edge of a cloud's shadow.
    CloudShadow,
    /// A building that was not there.
    Building,
}

impl Style {
    /// The word in data: `zigzag`, `wheel_track`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zigzag => "zigzag",
            Self::Crenellated => "crenellated",
            Self::Wavy => "wavy",
            Self::Straight => "straight",
            Self::Sap => "sap",
            Self::Communication => "communication",
            Self::WheelTrack => "wheel_track",
            Self::Pipeline => "pipeline",
            Self::Path => "path",
            Self::DragonsTeeth => "dragons_teeth",
            Self::NewRoad => "new_road",
            Self::Drain => "drain",
            Self::PloughedStrip => "ploughed_strip",
            Self::MownStrip => "mown_strip",
            Self::Fence => "fence",
            Self::Furrow => "furrow",
            Self::FieldEdge => "field_edge",
            Self::Shoreline => "shoreline",
            Self::TreeShadow => "tree_shadow",
            Self::ClearedBelt => "cleared_belt",
            Self::CloudShadow => "cloud_shadow",
            Self::Building => "building",
        }
    }

    /// The kind of look-alike, the word that a classifier is trained on: `track`, `road`, `furrow`, `field_edge`,
    /// `shoreline`, `tree_shadow`, `pipeline_or_drain` or `other`, which is all that an earthwork gets.
    pub fn kind(self) -> &'static str {
        match self {
            Self::WheelTrack | Self::Path => "track",
            Self::Pipeline | Self::Drain => "pipeline_or_drain",
            Self::NewRoad => "road",
            Self::Furrow | Self::PloughedStrip => "furrow",
            Self::FieldEdge | Self::MownStrip => "field_edge",
            Self::Shoreline => "shoreline",
            Self::TreeShadow => "tree_shadow",
            Self::ClearedBelt
            | Self::Fence
            | Self::CloudShadow
            | Self::Building
            | Self::DragonsTeeth
            | Self::Zigzag
            | Self::Crenellated
            | Self::Wavy
            | Self::Straight
            | Self::Sap
            | Self::Communication => "other",
        }
    }
}

/// A line that is there on a date and was not on the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TruthLine {
    /// What it is.
    pub class: TruthClass,
    /// How it runs; for a distractor, its kind.
    pub style: Style,
    /// Centreline in pixels of date 0's frame (the centre of the first pixel is `(0.5, 0.5)`).
    pub centreline: Vec<Pixel>,
    /// Width of the cut, metres; of the whole strip for a distractor.
    pub width_m: f64,
    /// Depth of the cut, metres; 0 for a distractor.
    pub depth_m: f64,
    /// Length along the centreline, metres.
    pub length_m: f64,
    /// How much darker the core is than the ground beside it, 0–1, as the sensor of its first date sees it;
    /// measured on the rendered work, without the ground's own texture. `None` for a distractor.
    pub contrast: Option<f64>,
    /// The first date on which it is there, an index into [`crate::Scene::dates`].
    pub since: usize,
}

impl TruthLine {
    /// A change that is no earthwork, in pixels of `pixel_m`.
    pub(crate) fn change(style: Style, line: &[Place], width_m: f64, since: usize, pixel_m: f64) -> Self {
        Self {
            class: TruthClass::Distractor,
            style,
            centreline: line.iter().map(|p| Pixel { row: p.y / pixel_m, col: p.x / pixel_m }).collect(),
            width_m,
            depth_m: 0.0,
            length_m: length_m(line),
            contrast: None,
            since,
        }
    }
}

/// Truth as RFC 7946 GeoJSON: a `FeatureCollection` with `area_km2`, one line a feature, with `class`, `style`,
/// `width_m`, `depth_m`, `length_m`, `contrast` (0–1, how much darker the core is than the flanks).
///
/// Every feature is truth to a scorer, so distractors are left out; see [`distractors_geojson`]. `to_lon_lat`
/// returns longitude and latitude (WGS84, degrees) of positions in date 0's frame.
pub fn truth_geojson(
    lines: &[TruthLine],
    to_lon_lat: &dyn Fn(&[Pixel]) -> Vec<Coord>,
    area_km2: f64,
) -> String {
    collection(lines.iter().filter(|l| l.class != TruthClass::Distractor), to_lon_lat, area_km2)
}

/// The distractors among `lines` as GeoJSON of the same shape as [`truth_geojson`], with the class `distractor`
/// and the `kind` ([`Style::kind`]) in place of the contrast.
pub fn distractors_geojson(
    lines: &[TruthLine],
    to_lon_lat: &dyn Fn(&[Pixel]) -> Vec<Coord>,
    area_km2: f64,
) -> String {
    collection(lines.iter().filter(|l| l.class == TruthClass::Distractor), to_lon_lat, area_km2)
}

fn collection<'a>(
    lines: impl Iterator<Item = &'a TruthLine>,
    to_lon_lat: &dyn Fn(&[Pixel]) -> Vec<Coord>,
    area_km2: f64,
) -> String {
    // 1e-8 degrees is a millimetre.
    let degrees = |v: f64| (v * 1e8).round() / 1e8;
    let metres = |v: f64| (v * 100.0).round() / 100.0;
    let features: Vec<Value> = lines
        .map(|line| {
            let coordinates: Vec<Value> =
                to_lon_lat(&line.centreline).iter().map(|c| json!([degrees(c.x), degrees(c.y)])).collect();
            let mut properties = json!({
                "class": line.class.as_str(),
                "style": line.style.as_str(),
                "width_m": metres(line.width_m),
                "depth_m": metres(line.depth_m),
                "length_m": metres(line.length_m),
                "since": line.since,
            });
            match line.contrast {
                Some(contrast) => properties["contrast"] = json!((contrast * 1e3).round() / 1e3),
                None => properties["kind"] = json!(line.style.kind()),
            }
            json!({
                "type": "Feature",
                "properties": properties,
                "geometry": { "type": "LineString", "coordinates": coordinates },
            })
        })
        .collect();
    let all = json!({
        "type": "FeatureCollection",
        "area_km2": (area_km2 * 1e6).round() / 1e6,
        "fosse:simulated": true,
        "features": features,
    });
    format!("{all}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distractors_are_kept_apart_from_truth() {
        let line = |class, style| TruthLine {
            class,
            style,
            centreline: vec![Pixel { row: 1.0, col: 2.0 }, Pixel { row: 3.0, col: 2.5 }],
            width_m: 1.234,
            depth_m: 1.5,
            length_m: 2.06,
            contrast: (class == TruthClass::Trench).then_some(0.2718),
            since: 1,
        };
        let lines =
            [line(TruthClass::Trench, Style::Zigzag), line(TruthClass::Distractor, Style::WheelTrack)];
        let to = |ps: &[Pixel]| ps.iter().map(|p| Coord { x: p.col, y: p.row }).collect();
        let truth: Value = serde_json::from_str(&truth_geojson(&lines, &to, 0.25)).unwrap();
        assert_eq!(truth["features"].as_array().unwrap().len(), 1);
        assert_eq!(truth["features"][0]["properties"]["class"], "trench");
        assert_eq!(truth["features"][0]["properties"]["width_m"], 1.23);
        assert_eq!(truth["features"][0]["geometry"]["coordinates"][1], json!([2.5, 3.0]));
        assert_eq!(truth["features"][0]["properties"]["contrast"], 0.272);
        assert_eq!(truth["area_km2"], 0.25);
        let other: Value = serde_json::from_str(&distractors_geojson(&lines, &to, 0.25)).unwrap();
        assert_eq!(other["features"][0]["properties"]["style"], "wheel_track");
        assert_eq!(other["features"][0]["properties"]["kind"], "track");
        assert!(other["features"][0]["properties"].get("contrast").is_none());
    }
}
