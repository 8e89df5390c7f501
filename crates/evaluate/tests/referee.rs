//! The figures against those of the independent scorer, on stored examples and, where it is there, on shared scenes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use evaluate::{Detection, Options, Truth, matched, score};
use serde_json::{Value, json};

const TOLERANCE: f64 = 1e-6;

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn scored(truth: &Path, found: &Path) -> Value {
    let truth = Truth::parse(&std::fs::read(truth).unwrap()).unwrap();
    let found = Detection::parse(&std::fs::read(found).unwrap()).unwrap();
    let options = Options::default();
    serde_json::to_value(score(&matched(&truth, &found, &options).unwrap(), &options)).unwrap()
}

/// Every figure of the scorer is there and the same; one that it does not name or calls NaN is null. Returns the
/// largest difference.
#[track_caller]
fn agree(name: &str, ours: &Value, theirs: &Value) -> f64 {
    let mut worst: f64 = 0.0;
    let theirs = theirs.as_object().unwrap();
    for (key, wanted) in theirs {
        let got = ours.get(key).unwrap_or_else(|| panic!("{name}: no `{key}`"));
        match (got.as_f64(), wanted.as_f64()) {
            (Some(got), Some(wanted)) => {
                let off = (got - wanted).abs();
                assert!(off <= TOLERANCE, "{name}: {key} is {got}, the scorer says {wanted}");
                worst = worst.max(off);
            }
            _ => assert_eq!(got, wanted, "{name}: {key}"),
        }
    }
    for key in ["average_precision", "calibration_error", "recall_trench", "recall_anti_vehicle_ditch"] {
        assert!(theirs.contains_key(key) || ours[key].is_null(), "{name}: {key} is {}", ours[key]);
    }
    worst
}

#[test]
fn stored_examples_agree() {
    let folder = here().join("tests/examples");
    for name in ["plain", "knotted", "south", "quiet", "missed"] {
        let file = |what: &str| folder.join(format!("{name}.{what}"));
        let ours = scored(&file("truth.geojson"), &file("found.geojson"));
        let theirs: Value = serde_json::from_slice(&std::fs::read(file("score.json")).unwrap()).unwrap();
        let worst = agree(name, &ours, &theirs);
        eprintln!("{name:10} largest difference {worst:.1e}");
    }
}

/// Every point of the curve is what the figures are at its confidence, and the bins hold all that was detected.
#[test]
fn the_curves_agree_with_the_figures() {
    let folder = here().join("tests/examples");
    for name in ["plain", "knotted", "south", "quiet", "missed"] {
        let read = |what: &str| std::fs::read(folder.join(format!("{name}.{what}"))).unwrap();
        let (truth, found) = (read("truth.geojson"), read("found.geojson"));
        let (truth, found) = (Truth::parse(&truth).unwrap(), Detection::parse(&found).unwrap());
        let at = |min_confidence: f64| {
            let options = Options { min_confidence, ..Options::default() };
            score(&matched(&truth, &found, &options).unwrap(), &options)
        };
        let all = at(0.0);
        for point in &all.froc {
            let there = at(point.confidence);
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-9,
                _ => a == b,
            };
            assert!(near(point.completeness, there.completeness), "{name}: {point:?}");
            assert_eq!(point.false_alarms, there.false_alarms, "{name}: {point:?}");
            assert!(near(point.false_alarms_per_km2, there.false_alarms_per_km2), "{name}: {point:?}");
        }
        let binned: usize = all.reliability.iter().map(|b| b.detections).sum();
        assert_eq!((all.froc.is_empty(), binned), (all.detections == 0, all.detections), "{name}");
        let true_m: f64 = all.reliability.iter().filter_map(|b| Some(b.share? * b.length_m)).sum();
        let wanted = all.correctness.map_or(0.0, |c| c * all.detected_m);
        assert!((true_m - wanted).abs() < 1.0, "{name}: {true_m} {wanted}");
    }
}

/// Detections that follow two of three lines of a truth file, each 1.5 m beside it and in two thirds of its length, and
/// one line that follows nothing. Confidences are distinct: the scorer's order of equals is not defined.
fn detections(truth: &Value) -> Value {
    let lines = truth["features"].as_array().unwrap().iter().enumerate().filter(|(i, _)| i % 3 != 2);
    let mut found: Vec<Value> = lines
        .map(|(i, line)| {
            let points = line["geometry"]["coordinates"].as_array().unwrap();
            let beside = |p: &Value, j: usize| {
                let wave = 1e-5 * (j as f64).sin();
                json!([p[0].as_f64().unwrap() + 2e-5, p[1].as_f64().unwrap() + wave])
            };
            let part = points.iter().enumerate().take((points.len() * 2).div_ceil(3).max(2));
            json!({
                "properties": {
                    "class": "trench", "confidence": 0.31 + 0.613 * (i as f64 * 0.77).fract(), "width_m": 1.5,
                },
                "geometry": {
                    "type": "LineString",
                    "coordinates": part.map(|(j, p)| beside(p, j)).collect::<Vec<_>>(),
                },
            })
        })
        .collect();
    found.push(json!({
        "properties": { "class": "trench", "confidence": 0.777 },
        "geometry": { "type": "LineString", "coordinates": [[35.24, 51.67], [35.2405, 51.6701], [35.241, 51.67]] },
    }));
    json!({ "type": "FeatureCollection", "features": found })
}

#[test]
fn shared_scenes_agree() {
    let Some(shared) = here().ancestors().nth(3).map(|above| above.join("shared/bench")) else { return };
    let (scorer, scenes) = (shared.join("score.py"), shared.join("scenes"));
    if !scorer.is_file() || !scenes.is_dir() {
        eprintln!("SKIPPED: {} is not there", shared.display());
        return;
    }
    let needs = Command::new("python3").args(["-c", "import numpy, pyproj, shapely"]).output();
    if !needs.is_ok_and(|ran| ran.status.success()) {
        eprintln!("SKIPPED: the scorer needs python3 with numpy, pyproj and shapely");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(scenes).unwrap().map(|e| e.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy();
        let truth = folder.join("truth.geojson");
        let told = serde_json::from_slice(&std::fs::read(&truth).unwrap()).unwrap();
        let found = dir.path().join(format!("{name}.geojson"));
        std::fs::write(&found, detections(&told).to_string()).unwrap();
        let ran = Command::new("python3").arg(&scorer).args([&truth, &found]).arg("--json").output().unwrap();
        assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
        // JSON knows no NaN, Python does.
        let said = String::from_utf8(ran.stdout).unwrap().replace("NaN", "null");
        let worst = agree(&name, &scored(&truth, &found), &serde_json::from_str(&said).unwrap());
        eprintln!("{name:16} largest difference {worst:.1e}");
    }
}
