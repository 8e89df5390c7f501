//! The built binary, from truth and detections to figures.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Ended, Folder, Tiff};

/// The trench of [`Tiff`] with `dug`, 60 m of it (EPSG:32636 to longitude and latitude by PROJ).
const TRENCH: [[f64; 2]; 2] = [[35.24175313, 51.67220392], [35.24262014, 51.67218736]];

fn truth(lines: &[Value]) -> String {
    json!({ "type": "FeatureCollection", "area_km2": 0.0064, "features": lines }).to_string()
}

fn line(properties: Value, coordinates: &[[f64; 2]]) -> Value {
    json!({
        "type": "Feature",
        "properties": properties,
        "geometry": { "type": "LineString", "coordinates": coordinates },
    })
}

fn dug() -> Value {
    line(json!({ "class": "trench", "width_m": 1.5, "contrast": 0.4 }), &TRENCH)
}

/// A scene with the trench, a scene where nothing was dug, a folder that is no scene.
fn suite() -> Folder {
    let folder = Folder::new();
    for (scene, dug_there) in [("a", true), ("q", false)] {
        folder.write(&format!("scenes/{scene}/x/2024-08-05.tif"), Tiff::default().bytes());
        let later = Tiff { dug: dug_there, ..Tiff::default() };
        folder.write(&format!("scenes/{scene}/x/2024-08-12.tif"), later.bytes());
        let lines = if dug_there { vec![dug()] } else { vec![] };
        folder.write(&format!("scenes/{scene}/truth.geojson"), truth(&lines));
    }
    folder.write("scenes/notes/readme.txt", "no scene");
    folder
}

fn read(folder: &Folder, name: &str) -> String {
    fs::read_to_string(folder.path(name)).unwrap()
}

fn figures(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn what_a_survey_found_is_scored() {
    let folder = Folder::with_pair();
    assert_eq!(folder.survey(&["--no-chips"]).code, Some(0));
    folder.write("truth.geojson", truth(&[dug()]));
    let files = ["evaluate", "truth.geojson", "out/earthworks.geojson"];
    let ended = folder.fosse(&[&files[..], &["--json", "--plots", "plots"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let score = figures(&ended);
    assert_eq!(score["truth_m"], 60.0);
    for figure in ["completeness", "correctness", "average_precision"] {
        assert!(score[figure].as_f64().unwrap() > 0.9, "{figure}: {ended:?}");
    }
    assert_eq!((&score["false_alarms"], &score["class_accuracy"]), (&json!(0), &json!(1.0)));
    assert_eq!(score["breakdown"]["contrast"][0]["from"], 0.4);
    for plot in ["froc", "reliability"] {
        assert!(read(&folder, &format!("plots/{plot}.svg")).starts_with("<svg"));
    }
    let ended = folder.fosse(&[&files[..], &["--min-confidence", "1"]].concat());
    assert!(ended.stdout.contains("completeness           0.0000"), "{ended:?}");
}

#[test]
fn a_suite_becomes_one_table() {
    let folder = suite();
    let ended = folder.fosse(&["evaluate", "--suite", "scenes", "--out", "out", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, read(&folder, "out/suite.md"));
    assert!(ended.stdout.contains("\n| a | 60 | 0.01 |"), "{ended:?}");
    assert!(ended.stdout.contains("\n| q | 0.01 | 0 |"), "{ended:?}");
    assert!(ended.stdout.contains("Folders without truth.geojson: notes"), "{ended:?}");
    let table: Value = serde_json::from_str(&read(&folder, "out/suite.json")).unwrap();
    assert!(table["dug"][0]["score"]["completeness"].as_f64().unwrap() > 0.9, "{table}");
    assert_eq!(table["quiet_false_alarms_per_km2"]["mean"], 0.0);

    // The figures are those of the detections that were written.
    let files = ["evaluate", "scenes/a/truth.geojson", "out/scenes/a.geojson", "--json"];
    assert_eq!(figures(&folder.fosse(&files)), table["dug"][0]["score"]);

    // Nor does the table depend on threads, and it is replaced only when asked.
    let again = ["evaluate", "--suite", "scenes", "--out", "out", "--threads", "1", "--json"];
    folder.fosse(&again).refused(&["out", "--overwrite"]);
    let ended = folder.fosse(&[&again[..], &["--overwrite"]].concat());
    assert_eq!((ended.code, figures(&ended)), (Some(0), table));
}

#[test]
fn a_scene_that_fails_is_listed_and_the_others_go_on() {
    let folder = suite();
    folder.write("scenes/b/truth.geojson", truth(&[]));
    folder.write("scenes/b/2024-08-05.tif", "no TIFF");
    folder.write("scenes/c/truth.geojson", "{");
    folder.write("scenes/c/2024-08-05.tif", Tiff::default().bytes());
    folder.write("scenes/c/2024-08-12.tif", Tiff::default().bytes());
    let ended = folder.fosse(&["evaluate", "--suite", "scenes", "--quiet"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("scene b has no figures: no usable image in scenes/b"), "{ended:?}");
    assert!(ended.stdout.contains("| c | scenes/c/truth.geojson cannot be used as truth: it is not JSON"));
    assert!(ended.stdout.contains("\n| a | 60 |"), "{ended:?}");
}

#[test]
fn bad_files_are_named() {
    let folder = Folder::new();
    folder.write("empty.geojson", truth(&[]));
    folder
        .write("metres.geojson", truth(&[line(json!({ "class": "trench" }), &[[655e3, 5e6], [655e3, 6e6]])]));
    let refused = |truth: &str, found: &str, words: &[&str]| {
        folder.fosse(&["evaluate", truth, found]).refused(words);
    };
    refused("none.geojson", "empty.geojson", &["cannot read none.geojson", "truth as GeoJSON"]);
    refused("empty.geojson", "none.geojson", &["cannot read none.geojson", "detections as GeoJSON"]);
    refused("metres.geojson", "empty.geojson", &["metres.geojson", "feature 0", "EPSG:4326"]);
    folder
        .fosse(&["evaluate", "empty.geojson", "empty.geojson", "--min-confidence", "2"])
        .refused(&["min_confidence", "0 to 1"]);
    fs::create_dir(folder.path("scenes")).unwrap();
    folder.fosse(&["evaluate", "--suite", "scenes"]).refused(&["no scene in scenes", "truth.geojson"]);
    folder.fosse(&["evaluate", "--suite", "nowhere"]).refused(&["nowhere"]);
    folder.write("scenes/a/truth.geojson", "[]");
    folder.fosse(&["evaluate", "--suite", "scenes"]).refused(&["no scene could be scored", "scenes/a"]);
}
