//! Front lines as they come: every flaw of the real ones, mended and noted or refused with a remedy.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy.toml does not reach

use std::path::PathBuf;

use chrono::NaiveDate;
use geo_types::LineString;
use report::{Error, FrontIndex, FrontLine, FrontOptions, Side};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str, text: &str) -> Result<FrontLine, Error> {
        FrontLine::read(&self.file(name, text), &FrontOptions::default())
    }
}

const LINE: &str = r#"{"type":"LineString","coordinates":[[35,51],[36,51.5]]}"#;

fn feature(properties: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#)
}

fn collection(features: &[String]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","))
}

fn day(d: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 8, d).unwrap()
}

#[test]
fn the_date_is_the_propertys_then_the_names_then_the_options() {
    let f = Folder::new();
    let with = |p: &str| f.read("2024-08-01_x.geojson", &feature(p, LINE)).unwrap().date;
    assert_eq!(with(r#"{"date":"2024-08-14"}"#), day(14));
    assert_eq!(with(r#"{"datetime":"2024-08-13T23:59:00Z"}"#), day(13));
    assert_eq!(with(r#"{"timestamp":1723593600000}"#), day(14));
    assert_eq!(with(r#"{"date":20240812}"#), day(12));
    assert_eq!(with("null"), day(1));
    let front = f.read("2024-08-01_x.geojson", &feature(r#"{"date":"soon"}"#, LINE)).unwrap();
    assert_eq!(front.date, day(1));
    assert!(front.notes.iter().any(|n| n.contains("soon")), "{:?}", front.notes);
    for (name, want) in [("ua_20240805.geojson", 5), ("front_2024_08_06.json", 6), ("2024-08-14.geojson", 14)]
    {
        assert_eq!(f.read(name, LINE).unwrap().date, day(want));
    }
    let undated = f.read("front_12024080512.geojson", LINE);
    assert!(matches!(&undated, Err(e @ Error::NoDate { .. }) if e.to_string().contains("--front-date")));
    let options = FrontOptions { date: Some(day(9)), ..FrontOptions::default() };
    assert_eq!(FrontLine::read(&f.file("front.json", LINE), &options).unwrap().date, day(9));
}

#[test]
fn of_several_days_the_newest_or_the_one_asked_for_is_kept() {
    let f = Folder::new();
    let other = r#"{"type":"LineString","coordinates":[[10,10],[11,11],[12,11]]}"#;
    let path = f.file(
        "front.json",
        &collection(&[feature(r#"{"date":"2024-08-14"}"#, LINE), feature(r#"{"date":"2024-08-10"}"#, other)]),
    );
    let newest = FrontLine::read(&path, &FrontOptions::default()).unwrap();
    assert_eq!((newest.date, newest.lines()[0].0.len()), (day(14), 2));
    assert!(newest.notes.iter().any(|n| n.contains("1 features of other days")), "{:?}", newest.notes);
    let options = FrontOptions { date: Some(day(10)), ..FrontOptions::default() };
    let asked = FrontLine::read(&path, &options).unwrap();
    assert_eq!((asked.date, asked.lines()[0].0.len()), (day(10), 3));
}

#[test]
fn flaws_are_mended_and_noted() {
    let f = Folder::new();
    let text = collection(&[
        feature("{}", "null"),
        feature(
            r#"{"source":"by hand"}"#,
            r#"{"type":"GeometryCollection","geometries":[
                {"type":"Point","coordinates":[35,51]},
                {"type":"Polygon","coordinates":[[[35,51,120],[35,52,0],[35,52,0],[36,52,0],[36,51,0]]]},
                {"type":"MultiLineString","coordinates":[[[40,50],[40,50]],[[40,50],[41,50]]]}]}"#,
        ),
    ]);
    let front = f.read("2024-08-14.json", &format!("\u{feff}{text}")).unwrap();
    assert_eq!((front.source.as_str(), front.class.as_str()), ("by hand", "front"));
    assert_eq!((front.lines().len(), front.areas().len()), (2, 1));
    let notes = front.notes.join("\n");
    for said in
        ["1 null", "1 point", "5 positions had heights", "1 ring was not closed", "2 vertices", "1 line or"]
    {
        assert!(notes.contains(said), "{said}: {notes}");
    }
    // Clockwise as drawn; all the same the inside is inside.
    let m = FrontIndex::new(&front).measure(&LineString::from(vec![(35.5, 51.5), (35.501, 51.5)]));
    assert_eq!(m.side, Some(Side::Inside));
}

#[test]
fn what_cannot_be_a_front_is_refused_with_a_remedy() {
    let f = Folder::new();
    let refused = |text: &str| f.read("2024-08-14.json", text).unwrap_err();
    let e = refused("<kml/>");
    assert!(matches!(e, Error::NotJson { .. }) && e.to_string().contains("ogr2ogr"), "{e}");
    assert!(matches!(refused("[1,2]"), Error::NotGeoJson { .. }));
    assert!(matches!(refused(r#"{"type":"Topology"}"#), Error::NotGeoJson { .. }));
    let e = refused(&collection(&[feature("{}", LINE), feature("{}", r#"{"type":"LineString"}"#)]));
    assert!(matches!(&e, Error::NotGeoJson { what, .. } if what.contains("feature 1")), "{e}");
    let e = refused(r#"{"type":"LineString","coordinates":[[35,"a"],[36,51]]}"#);
    assert!(matches!(e, Error::NotGeoJson { .. }), "{e}");
    let e = refused(r#"{"type":"MultiPoint","coordinates":[[35,51],[36,51]]}"#);
    assert!(matches!(e, Error::NoLines { points: 2, .. }), "{e}");
    assert!(matches!(refused(&collection(&[])), Error::NoLines { .. }));
    let e = refused(r#"{"type":"LineString","coordinates":[[51,135],[51.5,136]]}"#);
    assert!(matches!(e, Error::OutOfRange { .. }) && e.to_string().contains("latitude-first"), "{e}");
    let e = refused(r#"{"type":"LineString","coordinates":[[380000,5720000],[380100,5720000]]}"#);
    assert!(matches!(e, Error::OutOfRange { .. }) && e.to_string().contains("projected"), "{e}");
    let missing = FrontLine::read(&f.0.path().join("none.json"), &FrontOptions::default());
    assert!(matches!(missing, Err(Error::Read { .. })));
}

#[test]
fn lines_longer_than_all_borders_are_refused_before_they_are_cut_into_pieces() {
    let f = Folder::new();
    let zigzag = |edges: usize| {
        let points: Vec<String> =
            (0..=edges).map(|i| format!("[{},{}]", i % 2 * 170, if i % 2 == 0 { 50 } else { -50 })).collect();
        format!(r#"{{"type":"LineString","coordinates":[{}]}}"#, points.join(","))
    };
    let refused = f.read("2024-08-14.json", &zigzag(200));
    assert!(
        matches!(&refused, Err(e @ Error::TooLong { .. }) if e.to_string().contains("cut out")),
        "{refused:?}"
    );
    f.read("2024-08-14.json", &zigzag(2)).unwrap();
}

#[test]
fn a_reference_system_other_than_longitude_latitude_is_refused() {
    let f = Folder::new();
    let with = |crs: &str| {
        let text =
            format!(r#"{{"type":"FeatureCollection","crs":{crs},"features":[{}]}}"#, feature("{}", LINE));
        f.read("2024-08-14.json", &text)
    };
    let named = |n: &str| format!(r#"{{"type":"name","properties":{{"name":"{n}"}}}}"#);
    for fine in ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "EPSG:4326"] {
        assert!(with(&named(fine)).is_ok(), "{fine}");
    }
    assert!(with("null").is_ok());
    let e = with(&named("urn:ogc:def:crs:EPSG::32636")).unwrap_err();
    assert!(matches!(&e, Error::ForeignCrs { crs, .. } if crs.contains("32636")), "{e}");
}

#[test]
fn classes_are_chosen_and_a_missing_one_is_named() {
    let f = Folder::new();
    let c = |class: &str| feature(&format!(r#"{{"class":"{class}"}}"#), LINE);
    let path = f.file("2024-08-14.json", &collection(&[c("Assessed"), c("claimed")]));
    let read = |class: Option<&str>| {
        let options = FrontOptions { class: class.map(str::to_owned), ..FrontOptions::default() };
        FrontLine::read(&path, &options)
    };
    assert_eq!(read(None).unwrap().class, "claimed");
    assert_eq!(read(Some("assessed")).unwrap().class, "Assessed");
    assert!(matches!(
        read(Some("contested")),
        Err(Error::NoSuchClass { present, .. }) if present == ["Assessed", "claimed"]
    ));
    let two = f.read("2024-08-14.json", &collection(&[c("held"), c("grey")])).unwrap();
    assert_eq!((two.class.as_str(), two.lines().len()), ("front", 2));
}

#[test]
fn edges_between_adjoining_areas_are_not_front() {
    let f = Folder::new();
    let text = r#"{"type":"MultiPolygon","coordinates":[
        [[[35,51],[36,51],[36,52],[35,52],[35,51]]],
        [[[36,51],[36,52],[37,52],[37,51],[36,51]]],
        [[[36,51],[36,52],[37,52],[37,51],[36,51]]]]}"#;
    let front = f.read("2024-08-14.json", text).unwrap();
    assert_eq!(front.areas().len(), 2);
    let m = FrontIndex::new(&front).measure(&LineString::from(vec![(35.99, 51.5), (36.01, 51.5)]));
    assert_eq!(m.side, Some(Side::Inside));
    assert!(m.distance_m > 50_000.0, "{}", m.distance_m);
}

#[test]
fn edges_along_the_border_are_cut_away_and_an_edge_that_leaves_it_is_split() {
    let f = Folder::new();
    // The southern edge follows the border 20 m off as far as 35.5, then the border turns away south.
    let square = r#"{"type":"Polygon","coordinates":[[[35,51],[36,51],[36,52],[35,52],[35,51]]]}"#;
    let border = f.file(
        "border.json",
        r#"{"type":"LineString","coordinates":[[34,50.99982],[35.5,50.99982],[35.6,50.5]]}"#,
    );
    let path = f.file("2024-08-14.json", square);
    let options = FrontOptions { border: Some(border.clone()), ..FrontOptions::default() };
    let front = FrontLine::read(&path, &options).unwrap();
    let index = FrontIndex::new(&front);
    let at = |lon: f64, lat: f64| index.measure(&LineString::from(vec![(lon, lat), (lon, lat + 1e-5)]));
    // South of the part that is border: the nearest front is where the border turns away.
    let m = at(35.3, 50.99);
    assert!((m.nearest_on_front.x - 35.5).abs() < 0.002, "{m:?}");
    assert!((m.nearest_on_front.y - 51.0).abs() < 1e-9, "{m:?}");
    // South of the part that is front.
    assert!((at(35.8, 50.99).distance_m - 1112.6).abs() < 2.0);
    // The western edge meets the border squarely and keeps its end.
    let m = at(34.99, 51.0001);
    assert!((m.nearest_on_front.x - 35.0).abs() < 1e-9 && m.distance_m < 703.0, "{m:?}");
    // A point inside stays inside, border or not.
    assert_eq!(at(35.2, 51.01).side, Some(Side::Inside));
    assert!(
        front.notes.iter().any(|n| n.starts_with("35.") && n.contains("are not front")),
        "{:?}",
        front.notes
    );

    let all = f
        .file("all.json", r#"{"type":"LineString","coordinates":[[35,51],[36,51],[36,52],[35,52],[35,51]]}"#);
    let options = FrontOptions { border: Some(all), ..FrontOptions::default() };
    assert!(matches!(FrontLine::read(&path, &options), Err(Error::AllBorder { edges: 4, .. })));
    let options =
        FrontOptions { border: Some(border), border_tolerance_m: f64::NAN, ..FrontOptions::default() };
    assert!(matches!(FrontLine::read(&path, &options), Err(Error::BadOption { .. })));
}

#[test]
fn areas_cut_at_the_antimeridian_are_whole_again() {
    let f = Folder::new();
    let text = r#"{"type":"MultiPolygon","coordinates":[
        [[[179,65],[180,65],[180,66],[179,66],[179,65]]],
        [[[-180,65],[-179,65],[-179,66],[-180,66],[-180,65]]]]}"#;
    let front = f.read("2024-08-14.json", text).unwrap();
    let index = FrontIndex::new(&front);
    let m = index.measure(&LineString::from(vec![(179.99, 65.5), (-179.99, 65.5)]));
    assert_eq!(m.side, Some(Side::Inside));
    assert!(m.distance_m > 40_000.0, "{m:?}");
}

/// Sides and distances around the poles, against GeographicLib (pyproj 3.7.2, `Geod(ellps="WGS84").inv`): the nearest
/// point of a parallel lies on the meridian of the work.
#[test]
fn an_area_around_a_pole_has_an_inside() {
    let f = Folder::new();
    let parallel = |lat: f64, east: bool| {
        let mut points: Vec<String> = (0..=36).map(|i| format!("[{},{lat}]", i * 10 - 180)).collect();
        if !east {
            points.reverse();
        }
        points.join(",")
    };
    let around = |lat, east| format!(r#"{{"type":"Polygon","coordinates":[[{}]]}}"#, parallel(lat, east));
    // As RFC 7946 has it cut: along the antimeridian to the pole, and back.
    let cut = |lat: f64, pole: i32| {
        let points = parallel(lat, true);
        format!(r#"{{"type":"Polygon","coordinates":[[{points},[180,{pole}],[-180,{pole}],[-180,{lat}]]]}}"#)
    };
    for area in [around(80.0, true), around(80.0, false), cut(80.0, 90)] {
        let front = f.read("2024-08-14.json", &area).unwrap();
        let index = FrontIndex::new(&front);
        let at = |lon: f64, lat: f64| index.measure(&LineString::from(vec![(lon, lat), (lon, lat)]));
        let cases = [
            (35.0, 85.0, 558_370.269, 0.0, Side::Inside),
            (35.0, 75.0, 558_202.285, 180.0, Side::Outside),
            (35.0, 89.9, 1_105_656.460, 0.0, Side::Inside),
            (-179.9, 85.0, 558_370.269, 0.0, Side::Inside),
        ];
        for (lon, lat, distance_m, bearing_deg, side) in cases {
            let m = at(lon, lat);
            assert!((m.distance_m - distance_m).abs() < 0.1, "{lon} {lat}: {m:?}");
            let turn = m.bearing_deg.unwrap() - bearing_deg;
            assert!(((turn + 180.0).rem_euclid(360.0) - 180.0).abs() < 0.01, "{lon} {lat}: {m:?}");
            assert_eq!(m.side, Some(side), "{lon} {lat} {area}");
        }
    }
    for area in [around(-80.0, true), around(-80.0, false), cut(-80.0, -90)] {
        let index = FrontIndex::new(&f.read("2024-08-14.json", &area).unwrap());
        let m = index.measure(&LineString::from(vec![(-150.5, -89.9), (-150.5, -89.9)]));
        assert!((m.distance_m - 1_105_656.460).abs() < 0.1 && m.side == Some(Side::Inside), "{m:?}");
        let m = index.measure(&LineString::from(vec![(10.0, 60.0), (10.1, 60.0)]));
        assert_eq!(m.side, Some(Side::Outside));
    }
}

/// Drawn as one ring across the antimeridian, as most programs do, either way round.
#[test]
fn an_area_across_the_antimeridian_in_one_ring_has_an_inside() {
    let f = Folder::new();
    for ring in
        ["[179,65],[-179,65],[-179,66],[179,66],[179,65]", "[179,65],[179,66],[-179,66],[-179,65],[179,65]"]
    {
        let area = format!(r#"{{"type":"Polygon","coordinates":[[{ring}]]}}"#);
        let front = f.read("2024-08-14.json", &area).unwrap();
        assert_eq!(front.lines().len(), 1);
        let index = FrontIndex::new(&front);
        let at = |lon: f64, lat: f64| index.measure(&LineString::from(vec![(lon, lat), (lon, lat)]));
        // GeographicLib: 23,145.8993 m from 179.5° E to the meridian of 179° E, both at 65.5° N; the nearest point of
        // pyproj 3.7.2, the least of 2,000,001 points of the meridian of 179° E.
        let m = at(179.5, 65.5);
        assert!((m.distance_m - 23_145.717).abs() < 0.01 && m.side == Some(Side::Inside), "{m:?}");
        assert_eq!(at(-179.5, 65.5).side, Some(Side::Inside));
        assert_eq!((at(178.5, 65.5).side, at(0.0, 65.5).side), (Some(Side::Outside), Some(Side::Outside)));
    }
}
