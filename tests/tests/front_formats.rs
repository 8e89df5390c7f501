//! Front lines as they are: every format, and the flaws of real files, mended or refused.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use fosse_tests::program::{Ran, fosse, json};
use fosse_tests::run::FinishedRun;
use serde_json::{Value, json};

/// One work 13.7 km north of the line below.
fn run() -> FinishedRun {
    FinishedRun::of(&[("w1", vec![[35.25, 51.625], [35.252, 51.626]])])
}

fn again(run: &FinishedRun, front: &std::path::Path, more: &[&str]) -> Ran {
    let folder = run.folder();
    let mut line = vec!["report".to_owned(), folder.display().to_string()];
    line.extend([
        "--front".to_owned(),
        front.display().to_string(),
        "--formats".to_owned(),
        "none".to_owned(),
    ]);
    line.extend(more.iter().map(|m| (*m).to_owned()));
    fosse(line)
}

fn properties(run: &FinishedRun) -> Value {
    json(&run.folder().join("earthworks.geojson"))["features"][0]["properties"].clone()
}

const RING: &str = "[[35,51.3],[35.5,51.3],[35.5,51.5],[35,51.5],[35,51.3]]";

fn features(list: &[&str]) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, list.join(","))
}

fn feature(geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{{"class":"claimed"}},"geometry":{geometry}}}"#)
}

fn polygon(rings: &str) -> String {
    feature(&format!(r#"{{"type":"Polygon","coordinates":[{rings}]}}"#))
}

fn line(points: &str) -> String {
    feature(&format!(r#"{{"type":"LineString","coordinates":{points}}}"#))
}

fn kml(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>{body}</Document></kml>"
    )
}

/// What becomes of a file.
enum Fate {
    /// Measured from, with this in the notes of the report.
    Mended(&'static str),
    /// Refused, with these in the message.
    Refused(&'static [&'static str]),
}

#[test]
fn thirty_malformed_files_are_mended_and_noted_or_refused_by_name() {
    use Fate::{Mended, Refused};
    let good = polygon(RING);
    let crossed = polygon("[[35,51.3],[35.5,51.5],[35.5,51.3],[35,51.5],[35,51.3]]");
    let crs = r#""crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32636"}}"#;
    let utm = "[[645000,5695000],[665000,5696000]]";
    let cases: Vec<(&str, String, Fate)> = vec![
        (
            "null.geojson",
            features(&[&feature("null"), &good]),
            Mended("1 null or empty geometry was skipped (feature 0)"),
        ),
        (
            "z.geojson",
            features(&[&polygon("[[35,51.3,9],[35.5,51.3,9],[35.5,51.5,9],[35,51.3,9]]")]),
            Mended("had heights"),
        ),
        (
            "open.geojson",
            features(&[&polygon("[[35,51.3],[35.5,51.3],[35.5,51.5],[35,51.5]]")]),
            Mended("not closed"),
        ),
        (
            "clockwise.geojson",
            features(&[&polygon("[[35,51.3],[35,51.5],[35.5,51.5],[35.5,51.3],[35,51.3]]")]),
            Mended(
                "1 ring ran the wrong way round (outlines run counter-clockwise, holes clockwise) and was turned (feature 0)",
            ),
        ),
        (
            "hole.geojson",
            features(&[&polygon(&format!(
                "{RING},[[35.2,51.35],[35.3,51.35],[35.3,51.4],[35.2,51.4],[35.2,51.35]]"
            ))]),
            Mended("1 ring ran the wrong way round"),
        ),
        (
            "beyond.geojson",
            features(&[&good, &line("[[-325,51.5],[-324.5,51.5]]")]),
            Mended("2 positions had longitudes beyond 180° and were taken round the Earth (feature 1)"),
        ),
        (
            "bowtie.geojson",
            features(&[&good, &crossed]),
            Mended("1 ring crossed itself and was cut into its parts (feature 1)"),
        ),
        (
            "collection.geojson",
            features(&[&feature(&format!(
                r#"{{"type":"GeometryCollection","geometries":[{{"type":"Polygon","coordinates":[{RING}]}}]}}"#
            ))]),
            Mended("1 GeometryCollection was taken apart (feature 0)"),
        ),
        (
            "points.geojson",
            features(&[&feature(r#"{"type":"Point","coordinates":[35,51]}"#), &good]),
            Mended("1 point was skipped"),
        ),
        (
            "twice.geojson",
            features(&[&line("[[35,51.5],[35,51.5],[35.5,51.5]]")]),
            Mended("repeated the one before"),
        ),
        (
            "short.geojson",
            features(&[&line("[[35,51.5],[35,51.5]]"), &good]),
            Mended("too few distinct vertices"),
        ),
        ("same.geojson", features(&[&good, &good]), Mended("repeats another")),
        (
            "far.geojson",
            features(&[&good, &line("[[-70,10],[-71,11]]")]),
            Mended("1 lines or areas over 1000 km"),
        ),
        (
            "bom.geojson",
            format!("\u{feff}{}", features(&[&good])),
            Mended("begins with a byte order mark, which was skipped"),
        ),
        (
            "utm.geojson",
            format!(r#"{{"type":"FeatureCollection",{crs},"features":[{}]}}"#, line(utm)),
            Mended("EPSG:32636"),
        ),
        (
            "zigzag.kml",
            kml(
                "<Placemark><name>x</name><LineString><coordinates>35,51.5,7 35.5,51.5,7</coordinates></LineString></Placemark>",
            ),
            Mended("had heights"),
        ),
        (
            "point.kml",
            kml(
                "<Placemark><Point><coordinates>35,51</coordinates></Point></Placemark><Placemark><LineString><coordinates>35,51.5 35.5,51.5</coordinates></LineString></Placemark>",
            ),
            Mended("1 point was skipped"),
        ),
        (
            "latfirst.geojson",
            features(&[&line("[[51.5,35],[51.5,35.5]]")]),
            Refused(&["latfirst.geojson", "--lat-first"]),
        ),
        (
            "projected.geojson",
            features(&[&good, &line(utm)]),
            Refused(&["projected.geojson", "feature 1", "EPSG:4326"]),
        ),
        (
            "nan.geojson",
            features(&[&line("[[35,null],[35.5,51.5]]")]),
            Refused(&["nan.geojson", "feature 0", "position"]),
        ),
        (
            "text.geojson",
            features(&[&good, &line(r#"[["35","51"],[36,51]]"#)]),
            Refused(&["text.geojson", "feature 1"]),
        ),
        (
            "flat.geojson",
            features(&[&line("[35,51.5,35.5,51.5]")]),
            Refused(&["flat.geojson", "feature 0", "nested"]),
        ),
        ("cut.geojson", features(&[&good])[..90].to_owned(), Refused(&["cut.geojson", "not JSON"])),
        ("empty.geojson", String::new(), Refused(&["empty.geojson", "not JSON"])),
        ("none.geojson", features(&[]), Refused(&["none.geojson", "no line and no polygon"])),
        (
            "onlypoints.geojson",
            features(&[&feature(r#"{"type":"MultiPoint","coordinates":[[35,51],[36,51]]}"#)]),
            Refused(&["onlypoints.geojson", "2 points"]),
        ),
        (
            "arc.geojson",
            features(&[&feature(r#"{"type":"Arc","coordinates":[[35,51],[36,51]]}"#)]),
            Refused(&["arc.geojson", "Arc"]),
        ),
        (
            "cut.kml",
            kml("<Placemark><LineString><coordinates>35,51 36,51</coordinates></LineStr")[..150].to_owned(),
            Refused(&["cut.kml"]),
        ),
        ("empty.gpkg", "SQLite format 3\0 and no more".to_owned(), Refused(&["empty.gpkg"])),
        ("text.shp", "not a shapefile".to_owned(), Refused(&["text.shp"])),
    ];
    assert!(cases.len() >= 30);
    // A file without a flaw has no note, so that a note tells of one.
    let sound = run();
    let path = sound.beside("sound.geojson", features(&[&good]));
    again(&sound, &path, &["--front-date", "2024-08-12"]).expect(0);
    let report = std::fs::read_to_string(sound.folder().join("report.md")).unwrap();
    assert!(!report.contains("Note"), "{report}");
    let run = run();
    for (name, content, fate) in cases {
        let path = run.beside(&format!("fronts/{name}"), content);
        let ran = again(&run, &path, &["--front-date", "2024-08-12"]);
        match fate {
            Mended(note) => {
                assert!(!note.is_empty(), "{name}: a repair without a note");
                let ran = ran.expect(0);
                assert!(ran.stderr.is_empty(), "{name}: {}", ran.stderr);
                let report = std::fs::read_to_string(run.folder().join("report.md")).unwrap();
                assert!(report.replace('\\', "").contains(note), "{name}: no {note:?} in\n{report}");
                let p = properties(&run);
                let m = p["distance_m"].as_f64().unwrap();
                // The nearest point lies somewhere on the ring or line, 13 to 38 km to the south.
                assert!((13_000.0..38_000.0).contains(&m) && p["front_date"] == "2024-08-12", "{name}: {p}");
            }
            Refused(words) => {
                let ran = ran.expect(2);
                assert!(words.iter().all(|w| ran.stderr.contains(w)), "{name}: {}", ran.stderr);
                assert_eq!(ran.stderr.lines().count(), 1, "{name}: {}", ran.stderr);
            }
        }
    }
    let path = run.beside("latfirst.geojson", features(&[&line("[[51.5,35],[51.5,35.5]]")]));
    again(&run, &path, &["--front-date", "2024-08-12", "--lat-first"]).expect(0);
    assert!((properties(&run)["distance_m"].as_f64().unwrap() - 13_908.0).abs() < 10.0);
}

#[test]
fn every_format_gives_the_same_distance() {
    if Command::new("ogr2ogr").arg("--version").output().is_err() {
        eprintln!("SKIPPED: ogr2ogr is not there; no format was compared");
        return;
    }
    let run = run();
    let source = run.beside("front_2024-08-10.geojson", features(&[&polygon(RING)]));
    again(&run, &source, &[]).expect(0);
    let want = properties(&run);
    assert_eq!((&want["front_date"], &want["side"]), (&json!("2024-08-10"), &json!("outside")));
    let formats = [
        ("KML", "kml"),
        ("LIBKML", "kmz"),
        ("GPKG", "gpkg"),
        ("ESRI Shapefile", "shp"),
        ("FlatGeobuf", "fgb"),
    ];
    for (driver, ending) in formats {
        for epsg in ["EPSG:4326", "EPSG:3857"] {
            if epsg == "EPSG:3857" && driver.contains("KML") {
                continue; // KML knows no other
            }
            let path =
                run.folder().with_file_name(format!("front_2024-08-10_{}.{ending}", epsg.replace(':', "")));
            let made = Command::new("ogr2ogr")
                .args(["-f", driver, "-t_srs", epsg])
                .args([&path, &source])
                .output()
                .expect("ogr2ogr runs");
            assert!(made.status.success(), "{driver}: {}", String::from_utf8_lossy(&made.stderr));
            again(&run, &path, &[]).expect(0);
            let got = properties(&run);
            let off = got["distance_m"].as_f64().unwrap() - want["distance_m"].as_f64().unwrap();
            assert!(off.abs() <= 0.1, "{driver} {epsg}: off by {off} m");
            assert_eq!((&got["front_date"], &got["side"]), (&want["front_date"], &want["side"]), "{driver}");
        }
    }
}

#[test]
fn of_a_folder_the_front_of_the_day_leads_and_the_rule_decides() {
    let run = run();
    let at = |lat: f64| features(&[&line(&format!("[[35,{lat}],[35.5,{lat}]]"))]);
    // 14 August by unix seconds; the later image is of 12 August.
    for (name, lat) in
        [("f_2024-08-05.geojson", 51.2), ("f_20240811.geojson", 51.4), ("f_1723593600.geojson", 51.5)]
    {
        run.beside(&format!("days/{name}"), at(lat));
    }
    run.beside("days/readme.txt", "no front");
    let folder = run.folder().with_file_name("days");
    for (rule, date, age) in
        [("before", "2024-08-11", 1), ("after", "2024-08-14", -2), ("nearest", "2024-08-11", 1)]
    {
        again(&run, &folder, &["--front-rule", rule]).expect(0);
        let p = properties(&run);
        assert_eq!((&p["front_date"], &p["front_age_days"]), (&json!(date), &json!(age)), "{rule}");
    }
    std::fs::remove_file(folder.join("f_20240811.geojson")).unwrap();
    again(&run, &folder, &[]).expect(0);
    let report = std::fs::read_to_string(run.folder().join("report.md")).unwrap();
    assert!(report.contains("7 days older than the later image") && report.contains("**Warning"), "{report}");
}

#[test]
fn colours_and_names_make_classes_and_sources_differ() {
    let run = run();
    let placemark = |name: &str, colour: &str, lat: f64| {
        format!(
            "<Placemark><name>{name}</name><Style><LineStyle><color>{colour}</color></LineStyle></Style><LineString>\
             <coordinates>35,{lat} 35.5,{lat}</coordinates></LineString></Placemark>"
        )
    };
    // KML's colours are aabbggrr: 2f2fd3 is red.
    let text =
        kml(&(placemark("a", "ff2f2fd3", 51.3) + &placemark("Claimed limit, see text", "ff000000", 51.5)));
    let path = run.beside("map 2024-08-12.kml", text);
    let other = run.beside("other 2024-08-12.geojson", features(&[&line("[[35,51.55],[35.5,51.55]]")]));
    let config = run.beside(
        "report.toml",
        "[front]\n[front.classes]\nassessed = ['#d32f2f']\nclaimed = ['claimed limit*']\n",
    );
    again(&run, &path, &["--config", &config.to_string_lossy(), "--front", &other.to_string_lossy()])
        .expect(0);
    let p = properties(&run);
    assert_eq!(p["front_class"], "claimed");
    let others = p["other_fronts"].as_array().unwrap();
    assert_eq!(others.len(), 2, "{p}");
    assert_eq!(others[0]["class"], "assessed");
    let km = |v: &Value| (v.as_f64().unwrap() / 1000.0).round();
    assert_eq!(
        [km(&p["distance_m"]), km(&others[0]["distance_m"]), km(&others[1]["distance_m"])],
        [14.0, 36.0, 8.0]
    );
    let report = std::fs::read_to_string(run.folder().join("report.md")).unwrap();
    assert!(report.contains("## From other lines") && report.contains("The lines differ most"), "{report}");
}
