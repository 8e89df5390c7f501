//! What was found, as data, where there is no front line to measure from.

use domain::Earthwork;
use serde::Serialize;

use crate::earthworks::{Evidence, rfc3339};
use crate::geojson::{LineGeometry, collection, rounded};

#[derive(Serialize)]
struct Feature<'a> {
    r#type: &'static str,
    id: &'a str,
    properties: Properties<'a>,
    geometry: LineGeometry,
}

#[derive(Serialize)]
struct Properties<'a> {
    id: &'a str,
    class: &'static str,
    confidence: f64,
    length_m: f64,
    width_m: f64,
    earlier: String,
    later: String,
    pair: &'a str,
    evidence: Evidence,
}

/// GeoJSON of what was found, as [`crate::earthworks_geojson`] writes it (same order, same decimals) without what
/// takes a front line.
pub fn proposals_geojson<'a>(found: impl IntoIterator<Item = &'a Earthwork>) -> String {
    collection(found.into_iter().map(|e| Feature {
        r#type: "Feature",
        id: &e.id,
        properties: Properties {
            id: &e.id,
            class: e.class.as_str(),
            confidence: rounded(e.confidence, 3),
            length_m: rounded(e.length_m, 1),
            width_m: rounded(e.width_m, 2),
            earlier: rfc3339(e.earlier),
            later: rfc3339(e.later),
            pair: &e.pair,
            evidence: Evidence::of(&e.evidence),
        },
        geometry: LineGeometry::of(&e.centreline),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Class, Evidence};
    use geo_types::LineString;

    #[test]
    fn a_line_keeps_its_class_and_confidence() {
        let time = chrono::DateTime::UNIX_EPOCH;
        let work = Earthwork {
            id: "FW-1".to_owned(),
            class: Class::AntiVehicleDitch,
            confidence: 0.123_456,
            centreline: LineString::from(vec![(35.123_456_789, 51.0), (35.2, 51.0)]),
            length_m: 12.345,
            width_m: 4.567,
            earlier: time,
            later: time,
            pair: "a..b".to_owned(),
            evidence: Evidence::default(),
        };
        let text = proposals_geojson([&work]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let feature = &value["features"][0];
        assert_eq!(feature["properties"]["class"], "anti_vehicle_ditch");
        assert_eq!(feature["properties"]["confidence"], 0.123);
        assert_eq!(feature["geometry"]["coordinates"][0][0], 35.123_456_8);
    }
}
