//! The distances that the project was given: lines near Lgov from two fronts of 14 August 2024.

#![allow(clippy::unwrap_used)] // helpers of tests, which clippy.toml does not reach

use std::path::PathBuf;

use geo_types::LineString;
use report::{FrontIndex, FrontLine, FrontOptions, Side};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/frontline"));
    if folder.join("expected_distances.json").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there; no distance was compared", folder.display());
    None
}

fn point(v: &Value) -> Option<(f64, f64)> {
    Some((v.get(0)?.as_f64()?, v.get(1)?.as_f64()?))
}

#[test]
fn distances_bearings_and_sides_are_as_expected() {
    let Some(folder) = shared() else { return };
    let text = std::fs::read_to_string(folder.join("expected_distances.json")).unwrap();
    let root: Value = serde_json::from_str(&text).unwrap();
    let expected = root["expected"].as_array().unwrap();
    assert!(!expected.is_empty());
    for case in expected {
        let (day, class) = case["front"].as_str().unwrap().split_once(' ').unwrap();
        let options = FrontOptions {
            class: Some(class.to_owned()),
            border: Some(folder.join("state_border.geojson")),
            ..FrontOptions::default()
        };
        let front = FrontLine::read(&folder.join(format!("{day}_control.geojson")), &options).unwrap();
        assert_eq!((front.date.to_string().as_str(), front.class.as_str()), (day, class));
        let line: LineString =
            case["line"].as_array().unwrap().iter().filter_map(point).collect::<Vec<_>>().into();
        let m = FrontIndex::new(&front).measure(&line);
        let name = format!("{} / {day} {class}", case["work"]);
        let want = case["distance_m"].as_f64().unwrap();
        eprintln!("{name:44} {:10.3} m, expected {want:10.1} m", m.distance_m);
        // The figures have one decimal and the nearest pair was searched at 1 m.
        assert!((m.distance_m - want).abs() < 0.1, "{name}: {} m, not {want} m", m.distance_m);
        assert_eq!(m.side == Some(Side::Inside), case["inside"].as_bool().unwrap(), "{name}");
        match case["bearing_from_front_deg"].as_f64() {
            Some(bearing) => {
                let got = m.bearing_deg.unwrap();
                assert!((got - bearing).abs() < 0.01, "{name}: {got}°, not {bearing}°");
            }
            None => assert_eq!((m.bearing_deg, m.side), (None, Some(Side::Across)), "{name}"),
        }
        for (key, got) in [("nearest_on_work", m.nearest_on_work), ("nearest_on_front", m.nearest_on_front)] {
            if let Some((lon, lat)) = point(&case[key]) {
                assert!((got.x - lon).abs() < 2e-5 && (got.y - lat).abs() < 2e-5, "{name} {key}: {got:?}");
            }
        }
    }
}

/// The default takes the class that reaches furthest, so that no distance is overstated.
#[test]
fn without_a_class_the_claimed_limit_is_measured_from() {
    let Some(folder) = shared() else { return };
    let front =
        FrontLine::read(&folder.join("2024-08-14_control.geojson"), &FrontOptions::default()).unwrap();
    assert_eq!(front.class, "claimed");
    assert_eq!(front.source, "drawn for tests: furthest claimed limit");
    assert!(front.notes.iter().any(|n| n.contains("only claimed")), "{:?}", front.notes);
}

/// The same limit two days earlier, as a line: 5.6 km further south, and without an inside.
#[test]
fn a_line_has_no_inside() {
    let Some(folder) = shared() else { return };
    let path = folder.join("2024-08-12_claimed_line.geojson");
    let front = FrontLine::read(&path, &FrontOptions::default()).unwrap();
    let line = LineString::from(vec![(35.27, 51.625), (35.2712, 51.6252)]);
    let m = FrontIndex::new(&front).measure(&line);
    assert!((m.distance_m - 22_600.0).abs() < 300.0, "{}", m.distance_m);
    assert_eq!(m.side, None);
}
