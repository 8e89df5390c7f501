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
    /// What was mended on reading.
    pub notes: Vec<String>,
    names: Vec<Option<String>>,
    lines: Vec<(usize, LineString)>,
    index: FrontIndex,
    /// Those that have a name, where some have none.
    named: Option<FrontIndex>,
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
        let mut contents = geojson::parse(path, root.clone(), false)?;
        contents.points = 0; // places, no flaw
        let notes = contents.notes().into_iter().map(|n| format!("{kind}: {n}")).collect();
        let mut names = Vec::new();
        let mut lines: Vec<(usize, LineString)> = Vec::new();
        let mut areas: Vec<(usize, Polygon)> = Vec::new();
        for Shapes { properties, lines: drawn, polygons, points } in contents.shapes {
            let owner = names.len();
            names.push(classes::name_of(&properties));
            lines.extend(drawn.into_iter().map(|l| (owner, l)));
            lines.extend(points.into_iter().map(|p| (owner, LineString(vec![p, p]))));
            for rings in polygons {
                lines.extend(rings.iter().map(|r| (owner, LineString(r.clone()))));
                areas.push((owner, geojson::area_of(rings)));
            }
        }
        if lines.is_empty() {
            return Err(Error::NoContext { path: path.into() });
        }
        let index = |named: bool| {
            let counts = |owner: usize| !named || names[owner].is_some();
            let areas: Vec<Polygon> =
                areas.iter().filter(|(owner, _)| counts(*owner)).map(|(_, area)| area.clone()).collect();
            FrontIndex::of(lines.iter().filter(|l| counts(l.0)).map(|(owner, l)| (*owner, l)), &areas)
        };
        let some = names.iter().any(Option::is_some) && names.iter().any(Option::is_none);
        let (named, index) = (some.then(|| index(true)), index(false));
        Ok(Self { kind: kind.to_owned(), notes, names, lines, index, named })
    }

    /// The named features, each at the first point of it.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, Coord)> {
        self.names.iter().enumerate().filter_map(|(owner, name)| {
            let line = &self.lines.iter().find(|(o, _)| *o == owner)?.1;
            Some((name.as_deref()?, *line.0.first()?))
        })
    }

    /// The feature nearest to a line, and where that has no name the nearest that has one.
    pub fn nearest(&self, line: &LineString) -> Vec<Nearby> {
        let Some(first) = self.nearest_in(&self.index, line) else { return Vec::new() };
        let more = match (&first.name, &self.named) {
            (None, Some(named)) => self.nearest_in(named, line),
            _ => None,
        };
        std::iter::once(first).chain(more).collect()
    }

    fn nearest_in(&self, index: &FrontIndex, line: &LineString) -> Option<Nearby> {
        let (measure, owner) = index.measure_owner(line)?;
        let inside = measure.side == Some(Side::Inside);
        let runs = (measure.distance_m <= BESIDE_M && !inside)
            .then(|| self.runs(line, owner, measure.nearest_on_front));
        Some(Nearby {
            kind: self.kind.clone(),
            name: self.names.get(owner).cloned().flatten(),
            distance_m: measure.distance_m,
            bearing_deg: measure.bearing_deg,
            direction: measure.direction,
            inside,
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
        f.nearby = layers.iter().flat_map(|l| l.nearest(&f.earthwork.centreline)).collect();
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
        let near = |line: LineString| layer.nearest(&line).remove(0);
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
        let lake = line_string![(x: 35.5, y: 53.5), (x: 35.51, y: 53.5)];
        let inside = near(lake.clone());
        assert!(inside.inside && inside.name.is_none() && inside.runs.is_none());
        // What has no name is no place to be quoted, so the nearest that has one is told too.
        let names: Vec<_> = layer.nearest(&lake).into_iter().map(|n| n.name).collect();
        assert_eq!(names, [None, Some("Lgov".to_owned())]);
        let at_an_angle = near(line_string![(x: 35.5, y: 50.998), (x: 35.502, y: 50.9993)]);
        assert_eq!(at_an_angle.runs.as_deref(), Some("at an angle to"));
    }

    #[test]
    fn what_was_mended_is_noted_and_points_are_places() {
        let root = json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {}, "geometry": null},
            {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [35.5, 52.0]}}]});
        let layer = ContextLayer::from_geojson(Path::new("x"), "settlements", &root).unwrap();
        assert_eq!(layer.notes, ["settlements: 1 null or empty geometry was skipped (feature 0)"]);
    }

    #[test]
    fn an_empty_layer_is_refused() {
        let root = json!({"type": "FeatureCollection", "features": []});
        let refused = ContextLayer::from_geojson(Path::new("roads.gpkg"), "roads", &root);
        assert!(matches!(refused, Err(Error::NoContext { path }) if path.ends_with("roads.gpkg")));
    }
}
