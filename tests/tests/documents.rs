//! Every document of a run, opened by programs that are not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::Command;

use fosse_tests::program::{files, fosse, json};
use fosse_tests::root;
use fosse_tests::run::FinishedRun;
use fosse_tests::scene::Scene;
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let folder = root().parent()?.join("shared");
    if folder.join("frontline/expected_distances.json").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there; no quotation was compared", folder.display());
    None
}

/// Runs a script of tests/, which ends with 77 where something it needs is missing.
fn script(name: &str, arguments: &[&std::path::Path]) {
    let ran = Command::new("python3").arg(root().join("tests").join(name)).args(arguments).output();
    let Ok(ran) = ran else {
        eprintln!("SKIPPED: python3 is not there; {name} was not run");
        return;
    };
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(77) {
        eprintln!("SKIPPED: {name}: {said}");
        return;
    }
    eprintln!("{said}");
    assert!(ran.status.success(), "{name}: {said}");
}

/// A survey of a small scene, whose page has pictures.
fn surveyed() -> (Scene, PathBuf) {
    let scene = Scene::dug((640, 640));
    fosse_tests::program::survey(&scene.folder, &scene.front, &scene.out, &["--min-confidence", "0.05"])
        .expect(0);
    let out = scene.out.clone();
    (scene, out)
}

#[test]
fn other_programs_open_every_document_and_a_browser_drives_the_page() {
    let (_scene, out) = surveyed();
    for name in fosse_tests_documents() {
        assert!(out.join(name).is_file(), "{name} is missing");
    }
    script("readers/check.py", &[&out]);
    script("browser/page.py", &[&out.join("report.html")]);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for outside in ["http:", "https:", "src=\"/", "@import", "url(h"] {
        assert!(!page.contains(outside), "the page reaches for {outside}");
    }
}

fn fosse_tests_documents() -> [&'static str; 12] {
    [
        "earthworks.geojson",
        "coverage.geojson",
        "earthworks.csv",
        "earthworks.gpkg",
        "earthworks.fgb",
        "earthworks.parquet",
        "earthworks.kmz",
        "report.md",
        "report.html",
        "summary.json",
        "stac.json",
        "run.json",
    ]
}

#[test]
fn a_report_made_again_is_the_same_to_the_byte() {
    let (scene, out) = surveyed();
    let again = || {
        let line = ["report", &out.display().to_string(), "--front", &scene.front.display().to_string()];
        fosse(line.map(str::to_owned)).expect(0);
        files(&out)
    };
    let (first, second) = (again(), again());
    for (name, bytes) in &first {
        assert!(second[name] == *bytes, "{name} differs");
    }
    let formats = [
        "report",
        &out.display().to_string(),
        "--front",
        &scene.front.display().to_string(),
        "--formats",
        "rtf",
    ];
    assert!(fosse(formats.map(str::to_owned)).expect(2).stderr.contains("rtf"));
}

#[test]
fn no_document_goes_on_telling_of_the_front_before() {
    let (scene, out) = surveyed();
    let [run, front] = [&out, &scene.front].map(|p| p.display().to_string());
    let there = || files(&out).into_keys().filter(|n| !n.contains('/')).collect::<Vec<_>>();
    assert_eq!(there().len(), fosse_tests_documents().len());
    fosse(["report", &run, "--front", &front, "--formats", "csv"].map(str::to_owned)).expect(0);
    let left =
        ["coverage.geojson", "earthworks.csv", "earthworks.geojson", "report.md", "run.json", "summary.json"];
    assert_eq!(there(), left);
}

#[test]
fn a_document_asked_for_twice_is_written_once() {
    let (scene, out) = surveyed();
    let config = scene.beside("twice.toml");
    std::fs::write(&config, r#"formats = ["stac", "csv", "csv", "gpkg", "gpkg", "csv"]"#).unwrap();
    let [run, front, config] = [&out, &scene.front, &config].map(|p| p.display().to_string());
    for _ in 0..4 {
        for name in ["earthworks.csv", "earthworks.gpkg", "stac.json"] {
            std::fs::remove_file(out.join(name)).unwrap();
        }
        fosse(["report", &run, "--front", &front, "--config", &config].map(str::to_owned)).expect(0);
        let stac = std::fs::read_to_string(out.join("stac.json")).unwrap();
        assert!(stac.contains("earthworks.csv") && stac.contains("earthworks.gpkg"), "the others are listed");
        assert!(files(&out).keys().all(|name| !name.contains("part")));
    }
}

#[test]
fn the_quotation_reads_as_the_press_wrote_it_and_both_classes_are_given() {
    let Some(shared) = shared() else { return };
    let expected = json(&shared.join("frontline/expected_distances.json"));
    let mut works: Vec<(&str, Vec<[f64; 2]>)> = Vec::new();
    for case in expected["expected"].as_array().unwrap() {
        let name = case["work"].as_str().unwrap();
        let point = |p: &Value| [p[0].as_f64().unwrap(), p[1].as_f64().unwrap()];
        if works.iter().all(|w| w.0 != name) {
            works.push((name, case["line"].as_array().unwrap().iter().map(point).collect()));
        }
    }
    let run = FinishedRun::of(&works);
    let text = |p: PathBuf| p.display().to_string();
    let context = |kind: &str, file: &str| format!("{kind}={}", text(shared.join("context").join(file)));
    let line = [
        "report".to_owned(),
        text(run.folder()),
        "--front".to_owned(),
        text(shared.join("frontline/2024-08-14_control.geojson")),
        "--border".to_owned(),
        text(shared.join("frontline/state_border.geojson")),
        "--context".to_owned(),
        context("settlements", "ne_10m_populated_places_simple_clip33-38E_50-53N.geojson"),
        "--context".to_owned(),
        context("water", "ne_10m_rivers_europe_clip33-38E_50-53N.geojson"),
    ];
    fosse(line).expect(0);
    let report = std::fs::read_to_string(run.folder().join("report.md")).unwrap();
    assert!(report.contains("17.0 km (10.6 mi) N of the claimed limit of 14 August 2024"), "{report}");
    let found = json(&run.folder().join("earthworks.geojson"));
    let properties = |id: &str| {
        let list = found["features"].as_array().unwrap();
        list.iter().map(|f| &f["properties"]).find(|p| p["id"] == id).unwrap().clone()
    };
    for case in expected["expected"].as_array().unwrap() {
        let p = properties(case["work"].as_str().unwrap());
        let class = case["front"].as_str().unwrap().split(' ').nth(1).unwrap();
        let from = if p["front_class"] == class { &p } else { &p["other_fronts"][0] };
        assert!(
            (from["distance_m"].as_f64().unwrap() - case["distance_m"].as_f64().unwrap()).abs() <= 0.1,
            "{case} {from}"
        );
        if let Some(bearing) = case["bearing_from_front_deg"].as_f64() {
            assert!((from["bearing_deg"].as_f64().unwrap() - bearing).abs() < 0.011, "{case} {from}");
        }
    }
    let near = properties("south_of_lgov")["nearby"].clone();
    assert_eq!((&near[0]["kind"], &near[1]["kind"]), (&Value::from("settlements"), &Value::from("water")));
    assert!(near[0]["name"].is_string() && near[0]["distance_m"].as_f64().unwrap() > 0.0, "{near}");
}

#[test]
fn two_runs_are_compared_by_place() {
    let line = |west: f64| vec![[west, 51.62], [west + 0.003, 51.62]];
    let (a, b) =
        (FinishedRun::of(&[("a", line(35.2)), ("b", line(35.25))]), FinishedRun::of(&[("c", line(35.2))]));
    let folders = [a.folder(), b.folder()].map(|f| f.display().to_string());
    let ran = fosse(["compare", &folders[0], &folders[1], "--json"]).expect(0);
    let told: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((told["gone"][0]["id"].as_str(), told["same"][0]["id"].as_str()), (Some("b"), Some("c")));
    assert!(
        fosse(["compare", &folders[0], &folders[1]])
            .expect(0)
            .stdout
            .starts_with("0 new, 0 longer, 1 gone, 1 the same")
    );
    assert!(fosse(["compare", &folders[0], "/nowhere"]).expect(2).stderr.contains("/nowhere"));
    // A run that does not tell what it looked at says of nothing that it is gone.
    std::fs::remove_file(b.folder().join("coverage.geojson")).unwrap();
    let told = fosse(["compare", &folders[0], &folders[1]]).expect(0).stdout;
    assert!(
        told.starts_with("0 new, 0 longer, 0 gone, 1 the same; 1 not listed again; 0 m more, 0 m less"),
        "{told}"
    );
    assert!(told.contains("What the later run looked at is not known"), "{told}");
    // One that assessed other ground neither.
    std::fs::write(b.folder().join("coverage.geojson"), r#"{"type":"FeatureCollection","features":[]}"#)
        .unwrap();
    let told = fosse(["compare", &folders[0], &folders[1]]).expect(0).stdout;
    assert!(told.starts_with("0 new, 0 longer, 0 gone, 1 the same; 1 not looked at again;"), "{told}");
    std::fs::write(b.folder().join("coverage.geojson"), "{").unwrap();
    assert!(fosse(["compare", &folders[0], &folders[1]]).expect(2).stderr.contains("coverage.geojson"));
}
