//! What lies near an earthwork: roads, railways, settlements, water.

use std::path::Path;

use geo_types::{Coord, LineString, Polygon};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::classes;
use crate::distance::{Compass, FrontIndex, Side};
use crate::geojson::{self, Shapes};
use crate::systems::axis;
use crate::{Error, MeasuredEarthwork, Result};

/// Nearer than this, it is said whether a work runs along or across, metres.
const BESIDE_M: f64 = 250.0;
/// Within this angle of the feature a work runs along it, degrees; within this angle of its perpendicular, across.
const ALONG_DEG: f64 = 30.0;

/// Features of one kind.
#[derive(Debug)]
pub struct ContextLayer {
    /// What they are: `roads`, `rail`, `settlements`, `water`.
    pub kind: String,
    names: Vec<Option<String>>,
    lines: Vec<(usize, LineString)>,
    index: FrontIndex,
}

/// The feature of a layer that is nearest to an earthwork.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Nearby {
    /// Kind of the layer.
    pub kind: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Geodesic distance, metres; 0 where they cross.
    pub distance_m: f64,
    /// Azimuth at the feature towards the work, degrees. `None` at distance 0.
    pub bearing_deg: Option<f64>,
    /// The same as a compass word.
    pub direction: Option<Compass>,
    /// The work lies in the area of the feature.
    pub inside: bool,
    /// `along`, `across` or `at an angle to` a line within 250 m.
    pub runs: Option<String>,
}

impl ContextLayer {
    /// A layer from GeoJSON that came from `path`. Points count as places.
    ///
    /// # Errors
    /// [`Error::NotGeoJson`], [`Error::OutOfRange`]; [`Error::NoContext`] where it is empty.
    pub fn from_geojson(path: &Path, kind: &str, root: &Value) -> Result<Self> {
        let contents = geojson::parse(path, root.clone(), false)?;
        let mut names = Vec::new();
        let (mut lines, mut areas): (Vec<(usize, LineString)>, Vec<Polygon>) = (Vec::new(), Vec::new());
        for Shapes { properties, lines: drawn, polygons, points } in contents.shapes {
            let owner = names.len();
            names.push(classes::name_of(&properties));
            lines.extend(drawn.into_iter().map(|l| (owner, l)));
            lines.extend(points.into_iter().map(|p| (owner, LineString(vec![p, p]))));
            for rings in polygons {
                lines.extend(rings.iter().map(|r| (owner, LineString(r.clone()))));
                areas.push(geojson::polygon_of(rings));
            }
        }
        if lines.is_empty() {
            return Err(Error::NoContext { path: path.into() });
        }
        let index = FrontIndex::of(lines.iter().map(|(owner, l)| (*owner, l)), &areas);
        Ok(Self { kind: kind.to_owned(), names, lines, index })
    }

    /// The named features, each at the first point of it.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, Coord)> {
        self.names.iter().enumerate().filter_map(|(owner, name)| {
            let line = &self.lines.iter().find(|(o, _)| *o == owner)?.1;
            Some((name.as_deref()?, *line.0.first()?))
        })
    }

    /// The feature nearest to a line.
    pub fn nearest(&self, line: &LineString) -> Option<Nearby> {
        let (measure, owner) = self.index.measure_owner(line)?;
        let runs = (measure.distance_m <= BESIDE_M).then(|| self.runs(line, owner, measure.nearest_on_front));
        Some(Nearby {
            kind: self.kind.clone(),
            name: self.names.get(owner).cloned().flatten(),
            distance_m: measure.distance_m,
            bearing_deg: measure.bearing_deg,
            direction: measure.direction,
            inside: measure.side == Some(Side::Inside),
            runs: runs.flatten().map(str::to_owned),
        })
    }

    /// How a line runs by the feature at the point of it nearest to the line.
    fn runs(&self, line: &LineString, owner: usize, at: Coord) -> Option<&'static str> {
        let edges = self.lines.iter().filter(|(o, _)| *o == owner).flat_map(|(_, l)| l.lines());
        let off = |e: &geo_types::Line| {
            let (ab, ap) = (e.end - e.start, at - e.start);
            let length2 = ab.x * ab.x + ab.y * ab.y;
            let t = if length2 > 0.0 { ((ab.x * ap.x + ab.y * ap.y) / length2).clamp(0.0, 1.0) } else { 0.0 };
            (ap.x - t * ab.x).hypot(ap.y - t * ab.y)
        };
        let edge = edges.filter(|e| e.start != e.end).min_by(|a, b| off(a).total_cmp(&off(b)))?;
        let theirs = axis(&[LineString(vec![edge.start, edge.end])]).0?;
        let ours = axis(std::slice::from_ref(line)).0?;
        let angle = (ours - theirs).rem_euclid(180.0);
        let angle = angle.min(180.0 - angle);
        Some(match angle {
            a if a <= ALONG_DEG => "along",
            a if a >= 90.0 - ALONG_DEG => "across",
            _ => "at an angle to",
        })
    }
}

/// Writes to each earthwork what is nearest to it in each layer.
pub fn put_in_context(found: &mut [MeasuredEarthwork], layers: &[ContextLayer]) {
    for f in found {
        f.nearby = layers.iter().filter_map(|l| l.nearest(&f.earthwork.centreline)).collect();
    }
}

#[cfg(test)]
mod tests {
    use geo_types::line_string;
    use serde_json::json;

    use super::*;

    fn layer() -> ContextLayer {
        let feature = |name: Value, geometry: Value| json!({"type": "Feature", "properties": {"name": name}, "geometry": geometry});
        let root = json!({"type": "FeatureCollection", "features": [
            feature(json!("E38"), json!({"type": "LineString", "coordinates": [[35.0, 51.0], [36.0, 51.0]]})),
            feature(json!("Lgov"), json!({"type": "Point", "coordinates": [35.5, 52.0]})),
            feature(Value::Null, json!({"type": "Polygon",
                "coordinates": [[[35.0, 53.0], [36.0, 53.0], [36.0, 54.0], [35.0, 54.0], [35.0, 53.0]]]})),
        ]});
        ContextLayer::from_geojson(Path::new("x"), "roads", &root).unwrap()
    }

    #[test]
    fn the_nearest_feature_is_named_with_its_way_and_how_the_work_runs() {
        let layer = layer();
        let near = |line: LineString| layer.nearest(&line).unwrap();
        let along = near(line_string![(x: 35.5, y: 50.999), (x: 35.503, y: 50.999)]);
        assert_eq!((along.name.as_deref(), along.direction), (Some("E38"), Some(Compass::S)));
        assert!(
            (along.distance_m - 111.25).abs() < 0.1 && along.runs.as_deref() == Some("along"),
            "{along:?}"
        );
        let across = near(line_string![(x: 35.5, y: 50.999), (x: 35.5, y: 51.001)]);
        assert_eq!(
            (across.distance_m, across.direction, across.runs.as_deref()),
            (0.0, None, Some("across"))
        );
        let town = near(line_string![(x: 35.5, y: 51.9), (x: 35.51, y: 51.9)]);
        assert_eq!((town.name.as_deref(), town.runs), (Some("Lgov"), None));
        let inside = near(line_string![(x: 35.5, y: 53.5), (x: 35.51, y: 53.5)]);
        assert!(inside.inside && inside.name.is_none());
    }

    #[test]
    fn an_empty_layer_is_refused() {
        let root = json!({"type": "FeatureCollection", "features": []});
        let refused = ContextLayer::from_geojson(Path::new("roads.gpkg"), "roads", &root);
        assert!(matches!(refused, Err(Error::NoContext { path }) if path.ends_with("roads.gpkg")));
    }
}
