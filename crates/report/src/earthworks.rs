//! What was found, as data: GeoJSON and CSV.

use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Class, Earthwork};
use geo_types::{Coord, LineString};
use serde::{Deserialize, Serialize};

use crate::context::Nearby;
use crate::distance::{Compass, Side};
use crate::earth::metres;
use crate::fronts::{Fronts, FrontsIndex, Rival};
use crate::geojson::{LineGeometry, collection, position, rounded};
use crate::uncertainty::{ImagePrecision, Uncertainty};
use crate::{Error, Measure, Result, sentence};

/// The international mile.
const METRES_A_MILE: f64 = 1609.344;

/// An earthwork and where it lies from the front.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredEarthwork {
    /// What was proposed.
    pub earthwork: Earthwork,
    /// Where it lies from the front that leads on the day of its later image.
    pub measure: Measure,
    /// Which that is, in [`Fronts::lines`].
    pub front: usize,
    /// Where it lies from the others in force on that day.
    pub others: Vec<Rival>,
    /// How far the distance may be off.
    pub uncertainty: Uncertainty,
    /// What is nearest to it in each layer of context.
    pub nearby: Vec<Nearby>,
    /// The system that it is part of.
    pub system: Option<String>,
    /// Number of the line of defence that it is part of, 1 the nearest to the front.
    pub defence_line: Option<usize>,
    /// The line that it is part of over time: the id of the part that was there first.
    pub line: Option<String>,
}

/// Measures every earthwork, in the order given; `precision` says how well the image of a pair is placed.
pub fn measure_all(
    earthworks: Vec<Earthwork>,
    index: &FrontsIndex<'_>,
    precision: impl Fn(&Earthwork) -> ImagePrecision,
) -> Vec<MeasuredEarthwork> {
    let measured = earthworks.into_iter().map(|e| {
        let precision = precision(&e);
        index.measure(e, &precision)
    });
    measured.collect()
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
    last_absent: String,
    first_seen: String,
    distance_m: f64,
    distance_km: f64,
    distance_mi: f64,
    uncertainty_m: f64,
    bearing_deg: Option<f64>,
    back_bearing_deg: Option<f64>,
    direction: Option<&'static str>,
    front_source: &'a str,
    front_date: String,
    front_class: &'a str,
    front_age_days: i64,
    side: Option<&'static str>,
    nearest_on_front: [f64; 2],
    nearest_on_work: [f64; 2],
    pair: &'a str,
    system: Option<&'a str>,
    defence_line: Option<usize>,
    line: Option<&'a str>,
    sentence: String,
    evidence: Evidence,
    uncertainty: UncertaintyParts<'a>,
    other_fronts: Vec<OtherFront<'a>>,
    nearby: Vec<Near<'a>>,
}

#[derive(Serialize)]
struct UncertaintyParts<'a> {
    geolocation_m: f64,
    geolocation_from: &'a str,
    alignment_m: Option<f64>,
    front_m: Option<f64>,
}

#[derive(Serialize)]
struct OtherFront<'a> {
    source: &'a str,
    class: &'a str,
    date: String,
    distance_m: f64,
    bearing_deg: Option<f64>,
    direction: Option<&'static str>,
    side: Option<&'static str>,
}

#[derive(Serialize)]
struct Near<'a> {
    kind: &'a str,
    name: Option<&'a str>,
    distance_m: f64,
    bearing_deg: Option<f64>,
    direction: Option<&'static str>,
    inside: bool,
    runs: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct Evidence {
    gain: f64,
    contrast_later: f64,
    contrast_earlier: f64,
    continuity: f64,
    nearness: f64,
    drain_nearness: f64,
    look_alike_nearness: f64,
    look_alike: Option<&'static str>,
    shadow: Option<f64>,
    turning_deg: f64,
    touches: f64,
}

impl Evidence {
    pub(crate) fn of(e: &domain::Evidence) -> Self {
        Self {
            gain: rounded(e.gain, 3),
            contrast_later: rounded(e.contrast_later, 4),
            contrast_earlier: rounded(e.contrast_earlier, 4),
            continuity: rounded(e.continuity, 3),
            nearness: rounded(e.nearness, 4),
            drain_nearness: rounded(e.drain_nearness, 4),
            look_alike_nearness: rounded(e.look_alike_nearness, 4),
            look_alike: e.look_alike.map(Class::as_str),
            shadow: e.shadow.map(|v| rounded(v, 3)),
            turning_deg: rounded(e.turning_deg, 1),
            touches: rounded(e.touches, 3),
        }
    }
}

impl<'a> Properties<'a> {
    fn of(found: &'a MeasuredEarthwork, fronts: &'a Fronts) -> Self {
        let (e, m, u) = (&found.earthwork, &found.measure, &found.uncertainty);
        let front = &fronts.lines()[found.front];
        let other = |o: &Rival| {
            let front = &fronts.lines()[o.front];
            OtherFront {
                source: &front.source,
                class: &front.class,
                date: front.date.to_string(),
                distance_m: rounded(o.measure.distance_m, 1),
                bearing_deg: o.measure.bearing_deg.map(bearing),
                direction: o.measure.direction.map(Compass::as_str),
                side: o.measure.side.map(Side::as_str),
            }
        };
        let near = |n: &'a Nearby| Near {
            kind: &n.kind,
            name: n.name.as_deref(),
            distance_m: rounded(n.distance_m, 1),
            bearing_deg: n.bearing_deg.map(bearing),
            direction: n.direction.map(Compass::as_str),
            inside: n.inside,
            runs: n.runs.as_deref(),
        };
        Self {
            id: &e.id,
            class: e.class.as_str(),
            confidence: rounded(e.confidence, 3),
            length_m: rounded(e.length_m, 1),
            width_m: rounded(e.width_m, 2),
            earlier: rfc3339(e.earlier),
            later: rfc3339(e.later),
            last_absent: rfc3339(e.earlier),
            first_seen: rfc3339(e.later),
            distance_m: rounded(m.distance_m, 1),
            distance_km: rounded(m.distance_m / 1000.0, 3),
            distance_mi: rounded(m.distance_m / METRES_A_MILE, 3),
            uncertainty_m: rounded(u.total_m, 1),
            bearing_deg: m.bearing_deg.map(bearing),
            back_bearing_deg: m.back_bearing_deg.map(bearing),
            direction: m.direction.map(Compass::as_str),
            front_source: &front.source,
            front_date: front.date.to_string(),
            front_class: &front.class,
            front_age_days: (e.later.date_naive() - front.date).num_days(),
            side: m.side.map(Side::as_str),
            nearest_on_front: position(m.nearest_on_front),
            nearest_on_work: position(m.nearest_on_work),
            pair: &e.pair,
            system: found.system.as_deref(),
            defence_line: found.defence_line,
            line: found.line.as_deref(),
            sentence: sentence(found, fronts),
            evidence: Evidence::of(&e.evidence),
            uncertainty: UncertaintyParts {
                geolocation_m: rounded(u.image.geolocation_m, 1),
                geolocation_from: &u.image.geolocation_from,
                alignment_m: u.image.alignment_m.map(|m| rounded(m, 2)),
                front_m: u.front_m,
            },
            other_fronts: found.others.iter().map(other).collect(),
            nearby: found.nearby.iter().map(near).collect(),
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
pub fn earthworks_geojson<'a>(
    found: impl IntoIterator<Item = &'a MeasuredEarthwork>,
    fronts: &Fronts,
) -> String {
    collection(found.into_iter().map(|f| Feature {
        r#type: "Feature",
        id: &f.earthwork.id,
        properties: Properties::of(f, fronts),
        geometry: LineGeometry::of(&f.earthwork.centreline),
    }))
}

/// CSV (RFC 4180) of what was found: the properties of [`earthworks_geojson`] and `lon`, `lat` of the middle of
/// each line, one row each, in the order given. A measure that does not exist is empty.
pub fn earthworks_csv<'a>(found: impl IntoIterator<Item = &'a MeasuredEarthwork>, fronts: &Fronts) -> String {
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
        "distance_mi",
        "uncertainty_m",
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
        "system",
        "defence_line",
        "gain",
        "contrast_later",
        "contrast_earlier",
        "continuity",
        "nearness",
        "drain_nearness",
        "look_alike_nearness",
        "look_alike",
        "shadow",
        "turning_deg",
        "touches",
    ];
    let mut out = header.join(",") + "\r\n";
    for f in found {
        let p = Properties::of(f, fronts);
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
            number(p.distance_mi, 3),
            number(p.uncertainty_m, 1),
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
            p.system.unwrap_or_default().to_owned(),
            p.defence_line.map(|n| n.to_string()).unwrap_or_default(),
            number(p.evidence.gain, 3),
            number(p.evidence.contrast_later, 4),
            number(p.evidence.contrast_earlier, 4),
            number(p.evidence.continuity, 3),
            number(p.evidence.nearness, 4),
            number(p.evidence.drain_nearness, 4),
            number(p.evidence.look_alike_nearness, 4),
            p.evidence.look_alike.unwrap_or_default().to_owned(),
            p.evidence.shadow.map(|s| number(s, 3)).unwrap_or_default(),
            number(p.evidence.turning_deg, 1),
            number(p.evidence.touches, 3),
        ];
        out.push_str(&fields.map(|f| quoted(&f)).join(","));
        out.push_str("\r\n");
    }
    out
}

/// The earthworks of a document of [`earthworks_geojson`], each with the precision of its image.
///
/// # Errors
/// [`Error::NotARun`], which names the file and what is missing in it.
pub fn read_earthworks(path: &Path, text: &str) -> Result<Vec<(Earthwork, ImagePrecision)>> {
    #[derive(Deserialize)]
    struct File {
        features: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        properties: Known,
        geometry: Line,
    }
    #[derive(Deserialize)]
    struct Line {
        coordinates: Vec<[f64; 2]>,
    }
    #[derive(Deserialize)]
    struct Known {
        id: String,
        class: Class,
        confidence: f64,
        length_m: f64,
        width_m: f64,
        earlier: DateTime<Utc>,
        later: DateTime<Utc>,
        pair: String,
        evidence: domain::Evidence,
        uncertainty: ImagePrecision,
    }
    let file: File =
        serde_json::from_str(text).map_err(|e| Error::NotARun { path: path.into(), what: e.to_string() })?;
    let work = |Row { properties: p, geometry }: Row| {
        let points = geometry.coordinates.into_iter().map(|[x, y]| Coord { x, y });
        let earthwork = Earthwork {
            id: p.id,
            class: p.class,
            confidence: p.confidence,
            centreline: LineString(points.collect()),
            length_m: p.length_m,
            width_m: p.width_m,
            earlier: p.earlier,
            later: p.later,
            pair: p.pair,
            evidence: p.evidence,
        };
        (earthwork, p.uncertainty)
    };
    Ok(file.features.into_iter().map(work).collect())
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
    use domain::Evidence as Proof;
    use geo_types::line_string;

    use super::*;

    fn found(id: &str, line: LineString) -> (Vec<MeasuredEarthwork>, Fronts) {
        let day = NaiveDate::from_ymd_opt(2024, 8, 14).unwrap();
        let front = crate::FrontLine::from_lines(
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
            evidence: Proof {
                gain: 5.5,
                contrast_later: 0.2,
                contrast_earlier: -0.00001,
                continuity: 0.9,
                nearness: 0.8,
                drain_nearness: 0.2,
                look_alike_nearness: 0.21,
                look_alike: Some(Class::PipelineOrDrain),
                shadow: Some(0.5),
                turning_deg: 31.26,
                touches: 0.98765,
            },
        };
        let fronts = Fronts::one(front);
        let precision = ImagePrecision::of(Some("WV02"), None, Some(0.25));
        (measure_all(vec![work], &FrontsIndex::new(&fronts), |_| precision.clone()), fronts)
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
             \"later\":\"2024-08-12T08:40:05Z\",\"last_absent\":\"2024-08-05T08:31:00Z\",\
             \"first_seen\":\"2024-08-12T08:40:05Z\",\"distance_m\":13734.5,\"distance_km\":13.735,\"distance_mi\":8.534,\
             \"uncertainty_m\":5.0,\"bearing_deg\":0.0,\"back_bearing_deg\":180.0,\"direction\":\"N\",\
             \"front_source\":\"press, \\\"map\\\"\",\"front_date\":\"2024-08-14\",\"front_class\":\"claimed\",\
             \"front_age_days\":-2,\"side\":null,\"nearest_on_front\":[35.5,51.0],\"nearest_on_work\":[35.5,51.1234568],\
             \"pair\":\"a..b\",\"system\":null,\"defence_line\":null,\"line\":null,\"sentence\":\"trench, 240 m, 13.7 km (8.5 mi) N of the claimed limit of 14 August 2024, \
             dug between 5 and 12 August 2024; confidence 0.91\",\"evidence\":{\"gain\":5.5,\"contrast_later\":0.2,\"contrast_earlier\":0.0,\
             \"continuity\":0.9,\"nearness\":0.8,\"drain_nearness\":0.2,\"look_alike_nearness\":0.21,\
             \"look_alike\":\"pipeline_or_drain\",\"shadow\":0.5,\"turning_deg\":31.3,\"touches\":0.988},\"uncertainty\":{\"geolocation_m\":5.0,\
             \"geolocation_from\":\"default for WorldView\",\"alignment_m\":0.25,\"front_m\":null},\
             \"other_fronts\":[],\"nearby\":[]},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[35.5,51.1234568],\
             [35.5,51.2]]}}"
        );
    }

    #[test]
    fn what_was_written_is_read_back() {
        let (f, fronts) = found("f1", line_string![(x: 35.5, y: 51.1), (x: 35.5, y: 51.2)]);
        let text = earthworks_geojson(&f, &fronts);
        let (work, precision) = read_earthworks(Path::new("x"), &text).unwrap().remove(0);
        assert_eq!((work.id.as_str(), work.confidence, work.later), ("f1", 0.912, f[0].earthwork.later));
        let again = earthworks_geojson(
            &measure_all(vec![work], &FrontsIndex::new(&fronts), |_| precision.clone()),
            &fronts,
        );
        assert_eq!(again, text);
        assert!(matches!(read_earthworks(Path::new("x"), "{}"), Err(Error::NotARun { .. })));
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
        assert!(row.contains(",0.0,0.000,5.0,,,\"press, \"\"map\"\"\",2024-08-14,claimed,,"), "{row}");
    }

    #[test]
    fn a_bearing_never_prints_as_360() {
        assert_eq!(bearing(359.996), 0.0);
        assert_eq!(bearing(359.99), 359.99);
    }
}
