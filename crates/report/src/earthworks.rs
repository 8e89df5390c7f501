//! What was found, as data: GeoJSON and CSV.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::Earthwork;
use geo_types::{Coord, LineString};
use serde::Serialize;

use crate::distance::{Compass, Side};
use crate::earth::metres;
use crate::geojson::{collection, position, rounded};
use crate::{FrontIndex, FrontLine, Measure};

/// An earthwork and where it lies from the front.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredEarthwork {
    /// What was proposed.
    pub earthwork: Earthwork,
    /// Where it lies from the front of the day.
    pub measure: Measure,
}

/// Measures every earthwork, in the order given.
pub fn measure_all(earthworks: Vec<Earthwork>, front: &FrontIndex) -> Vec<MeasuredEarthwork> {
    earthworks
        .into_iter()
        .map(|earthwork| MeasuredEarthwork { measure: front.measure(&earthwork.centreline), earthwork })
        .collect()
}

/// A time in RFC 3339, whole seconds, `Z`.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[derive(Serialize)]
struct Feature<'a> {
    r#type: &'static str,
    id: &'a str,
    properties: Properties<'a>,
    geometry: Geometry,
}

#[derive(Serialize)]
struct Geometry {
    r#type: &'static str,
    coordinates: Vec<[f64; 2]>,
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
    distance_m: f64,
    bearing_deg: Option<f64>,
    direction: Option<&'static str>,
    front_source: &'a str,
    front_date: String,
    front_class: &'a str,
    side: Option<&'static str>,
    nearest_on_front: [f64; 2],
    nearest_on_work: [f64; 2],
    pair: &'a str,
    evidence: Evidence,
}

#[derive(Serialize)]
struct Evidence {
    gain: f64,
    contrast_later: f64,
    contrast_earlier: f64,
    continuity: f64,
}

impl<'a> Properties<'a> {
    fn of(found: &'a MeasuredEarthwork, front: &'a FrontLine) -> Self {
        let (e, m) = (&found.earthwork, &found.measure);
        Self {
            id: &e.id,
            class: e.class.as_str(),
            confidence: rounded(e.confidence, 3),
            length_m: rounded(e.length_m, 1),
            width_m: rounded(e.width_m, 2),
            earlier: rfc3339(e.earlier),
            later: rfc3339(e.later),
            distance_m: rounded(m.distance_m, 1),
            bearing_deg: m.bearing_deg.map(bearing),
            direction: m.direction.map(Compass::as_str),
            front_source: &front.source,
            front_date: front.date.to_string(),
            front_class: &front.class,
            side: m.side.map(Side::as_str),
            nearest_on_front: position(m.nearest_on_front),
            nearest_on_work: position(m.nearest_on_work),
            pair: &e.pair,
            evidence: Evidence {
                gain: rounded(e.evidence.gain, 3),
                contrast_later: rounded(e.evidence.contrast_later, 4),
                contrast_earlier: rounded(e.evidence.contrast_earlier, 4),
                continuity: rounded(e.evidence.continuity, 3),
            },
        }
    }
}

/// A bearing of two decimals in 0..360: 359.996 is 0, not 360.
fn bearing(deg: f64) -> f64 {
    rounded(deg, 2) % 360.0
}

/// GeoJSON (RFC 7946) of what was found: a LineString each, in the order given, one feature to a line of text.
///
/// Coordinates have 7 decimals (1 cm). A measure that does not exist (no bearing at distance 0, no side of a
/// line, NaN) is `null`.
pub fn earthworks_geojson(found: &[MeasuredEarthwork], front: &FrontLine) -> String {
    collection(found.iter().map(|f| Feature {
        r#type: "Feature",
        id: &f.earthwork.id,
        properties: Properties::of(f, front),
        geometry: Geometry {
            r#type: "LineString",
            coordinates: f.earthwork.centreline.coords().map(|&c| position(c)).collect(),
        },
    }))
}

/// CSV (RFC 4180) of what was found: the properties of [`earthworks_geojson`] and `lon`, `lat` of the middle of
/// each line, one row each, in the order given. A measure that does not exist is empty.
pub fn earthworks_csv(found: &[MeasuredEarthwork], front: &FrontLine) -> String {
    let header = [
        "id",
        "class",
        "confidence",
        "lon",
        "lat",
        "length_m",
        "width_m",
        "earlier",
        "later",
        "distance_m",
        "bearing_deg",
        "direction",
        "front_source",
        "front_date",
        "front_class",
        "side",
        "nearest_on_front_lon",
        "nearest_on_front_lat",
        "nearest_on_work_lon",
        "nearest_on_work_lat",
        "pair",
        "gain",
        "contrast_later",
        "contrast_earlier",
        "continuity",
    ];
    let mut out = header.join(",") + "\r\n";
    for f in found {
        let p = Properties::of(f, front);
        let [lon, lat] = middle(&f.earthwork.centreline).map_or([f64::NAN; 2], position);
        let fields = [
            p.id.to_owned(),
            p.class.to_owned(),
            number(p.confidence, 3),
            number(lon, 7),
            number(lat, 7),
            number(p.length_m, 1),
            number(p.width_m, 2),
            p.earlier,
            p.later,
            number(p.distance_m, 1),
            p.bearing_deg.map(|b| number(b, 2)).unwrap_or_default(),
            p.direction.unwrap_or_default().to_owned(),
            p.front_source.to_owned(),
            p.front_date,
            p.front_class.to_owned(),
            p.side.unwrap_or_default().to_owned(),
            number(p.nearest_on_front[0], 7),
            number(p.nearest_on_front[1], 7),
            number(p.nearest_on_work[0], 7),
            number(p.nearest_on_work[1], 7),
            p.pair.to_owned(),
            number(p.evidence.gain, 3),
            number(p.evidence.contrast_later, 4),
            number(p.evidence.contrast_earlier, 4),
            number(p.evidence.continuity, 3),
        ];
        out.push_str(&fields.map(|f| quoted(&f)).join(","));
        out.push_str("\r\n");
    }
    out
}

fn number(value: f64, decimals: usize) -> String {
    if value.is_finite() { format!("{value:.decimals$}") } else { String::new() }
}

/// A field of RFC 4180: quoted where it must be.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// The point halfway along a line, degrees; `None` for an empty line.
fn middle(line: &LineString) -> Option<Coord> {
    let length = |a: Coord, b: Coord| {
        let (east, north) = metres((a.y + b.y) / 2.0, b - a);
        east.hypot(north)
    };
    let mut rest = line.lines().map(|e| length(e.start, e.end)).sum::<f64>() / 2.0;
    for e in line.lines() {
        let here = length(e.start, e.end);
        if here > 0.0 && rest <= here {
            return Some(e.start + (e.end - e.start) * (rest / here));
        }
        rest -= here;
    }
    line.coords().last().copied()
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};
    use domain::{Class, Evidence as Proof};
    use geo_types::line_string;

    use super::*;

    fn found(id: &str, line: LineString) -> (Vec<MeasuredEarthwork>, FrontLine) {
        let day = NaiveDate::from_ymd_opt(2024, 8, 14).unwrap();
        let front = FrontLine::from_lines(
            vec![line_string![(x: 35.0, y: 51.0), (x: 36.0, y: 51.0)]],
            day,
            "press, \"map\"",
            "claimed",
        )
        .unwrap();
        let work = Earthwork {
            id: id.to_owned(),
            class: Class::Trench,
            confidence: 0.91249,
            centreline: line,
            length_m: 240.04,
            width_m: 1.518,
            earlier: Utc.with_ymd_and_hms(2024, 8, 5, 8, 31, 0).unwrap(),
            later: Utc.with_ymd_and_hms(2024, 8, 12, 8, 40, 5).unwrap(),
            pair: "a..b".to_owned(),
            evidence: Proof { gain: 5.5, contrast_later: 0.2, contrast_earlier: -0.00001, continuity: 0.9 },
        };
        (measure_all(vec![work], &FrontIndex::new(&front)), front)
    }

    #[test]
    fn one_feature_to_a_line_with_properties_in_order() {
        let (f, front) = found("f1", line_string![(x: 35.5, y: 51.123456789), (x: 35.5, y: 51.2)]);
        let text = earthworks_geojson(&f, &front);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            lines[1],
            "{\"type\":\"Feature\",\"id\":\"f1\",\"properties\":{\"id\":\"f1\",\"class\":\"trench\",\
             \"confidence\":0.912,\"length_m\":240.0,\"width_m\":1.52,\"earlier\":\"2024-08-05T08:31:00Z\",\
             \"later\":\"2024-08-12T08:40:05Z\",\"distance_m\":13734.5,\"bearing_deg\":0.0,\"direction\":\"N\",\
             \"front_source\":\"press, \\\"map\\\"\",\"front_date\":\"2024-08-14\",\"front_class\":\"claimed\",\
             \"side\":null,\"nearest_on_front\":[35.5,51.0],\"nearest_on_work\":[35.5,51.1234568],\
             \"pair\":\"a..b\",\"evidence\":{\"gain\":5.5,\"contrast_later\":0.2,\"contrast_earlier\":0.0,\
             \"continuity\":0.9}},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[35.5,51.1234568],\
             [35.5,51.2]]}}"
        );
    }

    #[test]
    fn nothing_found_is_an_empty_collection() {
        let (_, front) = found("x", line_string![(x: 35.5, y: 51.1), (x: 35.5, y: 51.2)]);
        let text = earthworks_geojson(&[], &front);
        assert_eq!(text, "{\"type\":\"FeatureCollection\",\"features\":[\n]}\n");
        assert_eq!(earthworks_csv(&[], &front).lines().count(), 1);
    }

    #[test]
    fn csv_quotes_what_must_be_and_leaves_what_is_not_known_empty() {
        let (f, front) = found("a,\"b\"", line_string![(x: 35.5, y: 50.9), (x: 35.5, y: 51.1)]);
        let text = earthworks_csv(&f, &front);
        let row = text.lines().nth(1).unwrap();
        assert!(row.starts_with("\"a,\"\"b\"\"\",trench,0.912,35.5000000,51.0000000,240.0,1.52,"), "{row}");
        assert!(row.contains(",0.0,,,\"press, \"\"map\"\"\",2024-08-14,claimed,,"), "{row}");
    }

    #[test]
    fn a_bearing_never_prints_as_360() {
        assert_eq!(bearing(359.996), 0.0);
        assert_eq!(bearing(359.99), 359.99);
    }
}
