//! The built program on small scenes: from a folder of dated images to measured earthworks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::Pixel;
use fosse_tests::lines::{self, Plane, features, length, length_within};
use fosse_tests::program::{files, fosse, json, survey};
use fosse_tests::scene::{Image, PIXEL_M, SMALL, Scene};
use geo_types::{Coord, LineString};
use serde_json::{Value, json};

/// What must not depend on how the work was done: all results but `run.json`, which tells how.
fn results(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = files(out);
    files.remove("run.json").expect("a run tells what it did");
    files
}

#[track_caller]
fn same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in a {
        assert!(bytes == &b[name], "{name} differs");
    }
}

/// Length of the proposals within 3 m of the line that was dug, metres.
fn along_truth(scene: &Scene, document: &Value) -> f64 {
    let truth = scene.truth();
    let plane = Plane::at(truth.0[0]);
    let truth = [plane.line(&truth)];
    features(document).iter().map(|(line, _)| length_within(&plane.line(line), &truth, 3.0)).sum()
}

/// How far the southern end of an earthwork lies from 51.5° N along its meridian, metres.
fn north_of_front_m(feature: &Value) -> f64 {
    let points = feature["geometry"]["coordinates"].as_array().unwrap();
    let south = points.iter().map(|p| p[1].as_f64().unwrap()).fold(90.0, f64::min);
    let x = points[0][0].as_f64().unwrap();
    // The plane is true to scale in its middle.
    let plane = Plane::at(Coord { x, y: (south + 51.5) / 2.0 });
    length(&plane.line(&LineString(vec![Coord { x, y: 51.5 }, Coord { x, y: south }])))
}

#[test]
fn a_pair_gives_the_line_its_measures_and_every_document() {
    let scene = Scene::dug(SMALL);
    let ran = survey(&scene.folder, &scene.front, &scene.out, &["--window", "640"]).expect(0);
    assert!(ran.stderr.is_empty(), "--quiet: {}", ran.stderr);
    assert!(ran.stdout.contains("1 pair") && ran.stdout.contains("report.md"), "{}", ran.stdout);

    let found = json(&scene.out.join("earthworks.geojson"));
    assert_eq!(found["type"], "FeatureCollection");
    assert!(found.get("crs").is_none(), "RFC 7946 has no crs");
    let score = lines::score(&[(scene.truth(), json!({ "class": "trench" }))], &features(&found), 0.25);
    assert!(score.completeness > 0.8 && score.correctness > 0.6, "{score:?}");

    let list = found["features"].as_array().unwrap();
    let needed = [
        "id",
        "class",
        "confidence",
        "length_m",
        "width_m",
        "earlier",
        "later",
        "distance_m",
        "bearing_deg",
        "direction",
        "front_source",
        "front_date",
    ];
    let mut ids = BTreeSet::new();
    for feature in list {
        assert_eq!(
            (&feature["type"], &feature["geometry"]["type"]),
            (&json!("Feature"), &json!("LineString"))
        );
        let p = &feature["properties"];
        for key in needed {
            assert!(!p[key].is_null(), "{key} is missing: {p}");
        }
        assert!(["trench", "anti_vehicle_ditch"].contains(&p["class"].as_str().unwrap()));
        assert!((0.0..=1.0).contains(&p["confidence"].as_f64().unwrap()));
        assert_eq!(p["earlier"], "2024-08-05T00:00:00Z");
        assert_eq!(p["later"], "2024-08-12T00:00:00Z");
        // The front runs along a parallel, so the nearest point of it lies due south.
        let distance = p["distance_m"].as_f64().unwrap();
        assert!((distance - north_of_front_m(feature)).abs() < 5.0, "{distance}");
        let bearing = p["bearing_deg"].as_f64().unwrap();
        assert!(!(2.0..=358.0).contains(&bearing) && p["direction"] == "N", "{bearing}");
        assert_eq!((&p["front_source"], &p["front_date"]), (&json!("a test"), &json!("2024-08-14")));
        assert!(ids.insert(p["id"].as_str().unwrap().to_owned()), "two of one id");
        assert!(scene.out.join("chips").join(format!("{}.png", p["id"].as_str().unwrap())).is_file());
    }
    let best = &list[0]["properties"];
    let truth_m = length(&scene.line.map(|p| Coord { x: p.col * PIXEL_M, y: p.row * PIXEL_M }));
    assert!((best["length_m"].as_f64().unwrap() / truth_m - 1.0).abs() < 0.25, "{best}");
    assert_eq!(best["class"], "trench");

    let csv = std::fs::read_to_string(scene.out.join("earthworks.csv")).unwrap();
    let header: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    assert!(needed.iter().all(|key| header.contains(key)), "{header:?}");
    assert_eq!(csv.lines().count(), list.len() + 1);

    let report = std::fs::read_to_string(scene.out.join("report.md")).unwrap();
    assert!(report.contains("N of the claimed limit of 14 August 2024"), "{report}");
    assert!(report.contains("dug between 5 and 12 August"), "{report}");

    for (name, bytes) in files(&scene.out.join("chips")) {
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{name} is no PNG");
    }

    let run = json(&scene.out.join("run.json"));
    assert_eq!(run["version"], json!(env!("CARGO_PKG_VERSION")));
    let captures = run["captures"].as_array().unwrap();
    assert_eq!(captures.len(), 2);
    assert_eq!(captures[0]["date_source"], "file_name");
    assert_eq!(run["options"]["diff"]["window_px"], 640);
    assert_eq!(run["skipped"], json!([]));
    assert!(run["seconds"]["total"].as_f64().unwrap() > 0.0);
    let alignment = &run["pairs"][0]["alignment"];
    let shift = [&alignment["d_row_px"], &alignment["d_col_px"]].map(|v| v.as_f64().unwrap());
    assert!((shift[0] - 1.25).abs() < 0.3 && (shift[1] + 2.5).abs() < 0.3, "{shift:?}");
}

#[test]
fn every_square_metre_is_assessed_or_not() {
    let scene = Scene::dug(SMALL);
    // The later image reaches 30 px further west and so ends 30 px before the earlier one does.
    let mut moved = scene.later();
    moved.corner.0 -= 30.0 * PIXEL_M;
    moved.write(&scene.image("2024-08-12"));
    survey(&scene.folder, &scene.front, &scene.out, &["--no-chips"]).expect(0);
    let coverage = json(&scene.out.join("coverage.geojson"));
    let list = coverage["features"].as_array().unwrap();
    let area = |assessed: bool| -> f64 {
        let areas = list.iter().filter(|f| f["properties"]["assessed"] == assessed);
        areas.map(|f| f["properties"]["area_km2"].as_f64().unwrap()).sum()
    };
    let grid = (SMALL.0 * SMALL.1) as f64 * PIXEL_M * PIXEL_M / 1e6;
    let (seen, unseen) = (area(true), area(false));
    assert!((seen + unseen - grid).abs() < 1e-3 * grid, "{seen} + {unseen} is not {grid}");
    assert!(seen > 0.5 * grid && unseen > 0.05 * grid, "{seen}, {unseen} of {grid}");
    for feature in list {
        let reason = feature["properties"]["reason"].as_str().expect("a reason");
        assert_eq!(reason == "assessed", feature["properties"]["assessed"] == true);
        assert!(["Polygon", "MultiPolygon"].contains(&feature["geometry"]["type"].as_str().unwrap()));
    }
    assert!(!scene.out.join("chips").exists(), "--no-chips");
}

#[test]
fn threads_and_windows_change_no_byte() {
    let scene = Scene::dug((700, 1200));
    let outs = [["1", "128"], ["1", "512"], ["2", "1024"]].map(|[threads, window]| {
        let out = scene.beside(&format!("out-{threads}-{window}"));
        survey(&scene.folder, &scene.front, &out, &["--threads", threads, "--window", window]).expect(0);
        results(&out)
    });
    assert!(outs[0].keys().any(|name| name.ends_with(".png")), "something was found");
    same(&outs[0], &outs[1]);
    same(&outs[0], &outs[2]);
}

#[test]
fn what_is_gone_is_not_new() {
    let scene = Scene::dug(SMALL);
    let (a, b, c) = (scene.image("2024-08-05"), scene.image("2024-08-12"), scene.beside("c.tif"));
    std::fs::rename(&a, &c).unwrap();
    std::fs::rename(&b, &a).unwrap();
    std::fs::rename(&c, &b).unwrap();
    survey(&scene.folder, &scene.front, &scene.out, &["--min-confidence", "0"]).expect(0);
    let on_line = along_truth(&scene, &json(&scene.out.join("earthworks.geojson")));
    assert!(on_line < 5.0, "{on_line} m of the line that vanished");
}

#[test]
fn the_same_image_twice_yields_nothing() {
    let scene = Scene::dug(SMALL);
    std::fs::copy(scene.image("2024-08-12"), scene.image("2024-08-05")).unwrap();
    let ran = survey(&scene.folder, &scene.front, &scene.out, &[]).expect(0);
    assert!(ran.stdout.contains("no new earthwork"), "{}", ran.stdout);
    assert_eq!(json(&scene.out.join("earthworks.geojson"))["features"], json!([]));
    let coverage = json(&scene.out.join("coverage.geojson")).to_string();
    assert!(coverage.contains("\"assessed\""), "nothing found is not the same as not looked at");
}

#[test]
fn a_config_file_says_what_the_command_line_says() {
    let scene = Scene::dug(SMALL);
    let typed = scene.beside("typed");
    let options = ["--threads", "1", "--window", "256", "--min-confidence", "0.4", "--max-chips", "1"];
    survey(&scene.folder, &scene.front, &typed, &options).expect(0);

    let config = scene.beside("survey.toml");
    std::fs::write(
        &config,
        "folder = 'images'\nout = 'configured'\nthreads = 1\nwindow_px = 256\nmax_chips = 1\n\
         [front]\nfile = 'front.geojson'\n[classify]\nmin_confidence = 0.4\n",
    )
    .unwrap();
    fosse(["survey", "--quiet", "--config", &config.to_string_lossy()]).expect(0);
    let configured = scene.beside("configured");
    same(&results(&typed), &results(&configured));
    let options = |out: &Path| {
        let mut options = json(&out.join("run.json"))["options"].clone();
        for path in ["folder", "front", "out"] {
            options[path] = Value::Null;
        }
        options
    };
    assert_eq!(options(&typed), options(&configured));
}

#[test]
fn inspect_tells_and_computes_nothing() {
    let scene = Scene::dug(SMALL);
    let bad = scene.image("2024-08-19");
    std::fs::write(&bad, b"no TIFF").unwrap();
    let before = files(scene.dir.path());
    let ran = fosse(["inspect".as_ref(), scene.folder.as_os_str(), "--json".as_ref()]).expect(0);
    let told: Value = serde_json::from_str(&ran.stdout).expect("JSON and nothing else on standard output");
    assert_eq!(told["captures"].as_array().unwrap().len(), 2);
    assert_eq!(told["pairs"].as_array().unwrap().len(), 1);
    assert_eq!(told["skipped"][0]["path"], json!(bad));
    let table = fosse(["inspect".as_ref(), scene.folder.as_os_str()]).expect(0).stdout;
    assert!(["2024-08-05", "2024-08-12", "EPSG:32636"].iter().all(|w| table.contains(w)), "{table}");
    assert!(before == files(scene.dir.path()), "inspect writes nothing");
}

#[test]
fn three_dates_make_two_pairs() {
    let scene = Scene::dug(SMALL);
    Image { grain: 9, ..scene.later() }.write(&scene.image("2024-08-19"));
    survey(&scene.folder, &scene.front, &scene.out, &[]).expect(0);
    let run = json(&scene.out.join("run.json"));
    let pairs: Vec<&str> =
        run["pairs"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert_eq!(pairs, ["2024-08-05..2024-08-12", "2024-08-12..2024-08-19"]);
    // Dug before the 12th: not new a week later.
    let found = json(&scene.out.join("earthworks.geojson"));
    let late = features(&found).into_iter().filter(|(_, p)| p["later"] == "2024-08-19T00:00:00Z").count();
    assert_eq!(late, 0);
}

#[test]
fn look_alikes_are_in_the_data_alone() {
    let scene = Scene::empty();
    let imagery = fosse_tests::root().join("imagery");
    let (plain, all) = (scene.beside("plain"), scene.beside("all"));
    survey(&imagery, &scene.front, &plain, &[]).expect(0);
    survey(&imagery, &scene.front, &all, &["--all-lines"]).expect(0);
    let classes = |out: &Path| -> Vec<String> {
        let found = json(&out.join("earthworks.geojson"));
        features(&found).into_iter().map(|(_, p)| p["class"].as_str().unwrap().to_owned()).collect()
    };
    let work = |class: &String| class == "trench" || class == "anti_vehicle_ditch";
    assert!(classes(&plain).iter().all(work));
    assert_eq!(classes(&all).iter().filter(|c| work(c)).count(), classes(&plain).len());
    assert!(classes(&all).iter().any(|c| c == "field_edge"), "{:?}", classes(&all));
    let text = |out: &Path| std::fs::read_to_string(out.join("report.md")).unwrap();
    assert_eq!(text(&plain), text(&all));
    let told = fosse(["compare".as_ref(), plain.as_os_str(), all.as_os_str()]).expect(0).stdout;
    assert!(told.contains("0 new, 0 longer, 0 gone"), "{told}");
}

/// Half of a line dug by the second date, the rest by the third: one line that grew, under one name.
#[test]
fn a_line_that_grows_over_three_dates_keeps_its_name() {
    let scene = Scene::dug((400, 640));
    let [a, b] = scene.line;
    let at = |t: f64| Pixel { row: a.row + t * (b.row - a.row), col: a.col + t * (b.col - a.col) };
    Image { dug: Some([a, at(0.55)]), ..scene.later() }.write(&scene.image("2024-08-12"));
    Image { grain: 9, ..scene.later() }.write(&scene.image("2024-08-19"));
    survey(&scene.folder, &scene.front, &scene.out, &[]).expect(0);
    let metres = |line: [Pixel; 2]| PIXEL_M * (line[1].row - line[0].row).hypot(line[1].col - line[0].col);
    let (half_m, whole_m) = (metres([a, at(0.55)]), metres([a, b]));

    let summary = json(&scene.out.join("summary.json"));
    let growth = summary["growth"].as_array().unwrap();
    let grown: Vec<&Value> = growth.iter().filter(|g| g["lengths"].as_array().unwrap().len() > 1).collect();
    assert_eq!(grown.len(), 1, "{growth:?}");
    let g = grown[0];
    assert_eq!(
        (&g["last_absent"], &g["first_seen"]),
        (&json!("2024-08-05T00:00:00Z"), &json!("2024-08-12T00:00:00Z"))
    );
    let lengths: Vec<f64> =
        g["lengths"].as_array().unwrap().iter().map(|l| l["length_m"].as_f64().unwrap()).collect();
    assert_eq!(lengths.len(), 2);
    assert!(
        (lengths[0] / half_m - 1.0).abs() < 0.2 && (lengths[1] / whole_m - 1.0).abs() < 0.2,
        "{lengths:?}"
    );
    // Dug in 14 days at the slowest and 7 at the fastest.
    let rate = |key: &str| g[key].as_f64().unwrap();
    assert!((rate("metres_per_day_least") - lengths[1] / 14.0).abs() < 0.1, "{g}");
    assert!((rate("metres_per_day_most") - lengths[1] / 7.0).abs() < 0.1, "{g}");
    let found = json(&scene.out.join("earthworks.geojson"));
    let parts: Vec<&str> = g["parts"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    for feature in found["features"].as_array().unwrap() {
        let p = &feature["properties"];
        if parts.contains(&p["id"].as_str().unwrap()) {
            assert_eq!(p["line"], g["id"], "{p}");
        }
    }
    assert!(std::fs::read_to_string(scene.out.join("report.html")).unwrap().contains("Over time"));
}

#[test]
fn a_simulated_order_is_read_back() {
    let scene = Scene::empty();
    let order = scene.beside("order");
    let at = order.to_string_lossy();
    fosse(["simulate", "--out", &at, "--size", "512", "--seed", "7", "--jpeg", "85", "--quiet"]).expect(0);
    let told = fosse(["inspect", &at, "--json"]).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((told["captures"].as_array().unwrap().len(), told["pairs"].as_array().unwrap().len()), (2, 1));
    assert_eq!(told["captures"][0]["date_source"], "stac_item");
    assert!(told["captures"][0]["path"].as_str().unwrap().contains("36/102220011331/2024-08-05/"));
    let ran = survey(&order, &order.join("front.geojson"), &scene.out, &[]).expect(0);
    assert!(ran.stdout.contains("assessed"), "{}", ran.stdout);
}

/// Three dates in 11 bits: the truth of each date, works as far as they were dug.
#[test]
fn a_simulated_order_of_three_dates_tells_the_truth_of_each() {
    let scene = Scene::empty();
    let order = scene.beside("order");
    let at = order.to_string_lossy();
    let size = ["--size", "640", "--dates", "3", "--bits", "11", "--varied"];
    fosse(["simulate", "--out", &at, "--seed", "7", "--quiet"].into_iter().chain(size)).expect(0);
    let told = fosse(["inspect", &at, "--json"]).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["captures"].as_array().unwrap().len(), 3);
    let dug = |path: &std::path::Path| -> (usize, f64) {
        let truth: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let works = truth["features"].as_array().unwrap();
        (works.len(), works.iter().map(|w| w["properties"]["length_m"].as_f64().unwrap()).sum())
    };
    let mut days: Vec<_> = std::fs::read_dir(order.join("truth"))
        .unwrap()
        .map(|e| e.unwrap().path().join("truth.geojson"))
        .collect();
    days.sort();
    let by_day: Vec<(usize, f64)> = days.iter().map(|day| dug(day)).collect();
    assert_eq!(by_day.len(), 2);
    assert!(by_day[0].0 > 0 && by_day[0].0 < by_day[1].0 && by_day[0].1 < by_day[1].1, "{by_day:?}");
    assert_eq!(by_day[1], dug(&order.join("truth.geojson")));
}

/// Ctrl-C after the first pair of four; then on.
#[cfg(unix)]
#[test]
fn interrupted_and_resumed_equals_uninterrupted() {
    use fosse_tests::program::{Ran, command, survey_line};
    use std::io::{BufRead, BufReader, Read};
    use std::process::Command;

    let shape = (500, 640);
    let scene = Scene::dug(shape);
    for (i, day) in ["2024-08-19", "2024-08-26", "2024-09-02"].into_iter().enumerate() {
        Image { grain: 10 + i as u32, ..scene.later() }.write(&scene.image(day));
    }
    let whole = scene.beside("whole");
    survey(&scene.folder, &scene.front, &whole, &["--threads", "1"]).expect(0);

    let mut interrupted = false;
    for _ in 0..5 {
        let _ = std::fs::remove_dir_all(&scene.out);
        let line = survey_line(&scene.folder, &scene.front, &scene.out, &["--threads", "1"]);
        let mut child = command(line).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains("pair 1 of") && said.read_line(&mut text).unwrap() > 0 {}
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        said.read_to_string(&mut text).unwrap();
        let mut ran = Ran::of(&child.wait_with_output().unwrap());
        ran.stderr = text;
        // On a fast machine it may have been done before the signal came.
        if ran.code != 0 {
            assert!(ran.expect(130).stderr.contains("--resume"));
            interrupted = true;
            break;
        }
    }
    assert!(interrupted, "five runs ended before they could be interrupted");
    assert!(!scene.out.join("run.json").exists());
    assert!(survey(&scene.folder, &scene.front, &scene.out, &[]).expect(2).stderr.contains("--resume"));
    survey(&scene.folder, &scene.front, &scene.out, &["--threads", "1", "--resume"]).expect(0);
    same(&results(&whole), &results(&scene.out));
    let status = json(&scene.out.join("run.json"))["pairs"][0]["status"].clone();
    assert_eq!(status, "resumed");
}

/// A survey of three dates between whose last two a line was dug, from a fifth of the width to four. The western half of the image in
/// the middle has one value throughout.
fn series_with_middle(value: u8) -> (Scene, Value) {
    let scene = Scene::dug((400, 640));
    let middle = Image { grain: 5, ..Image::of((400, 640)) };
    Image { grain: 9, ..scene.later() }.write(&scene.image("2024-08-19"));
    let mut pixels = middle.pixels();
    pixels.slice_mut(ndarray::s![.., .., ..320]).fill(value);
    fosse_tests::scene::write(&scene.image("2024-08-12"), &middle.grid(), &pixels);
    survey(&scene.folder, &scene.front, &scene.out, &[]).expect(0);
    let run = json(&scene.out.join("run.json"));
    (scene, run)
}

/// What the image in the middle hides, its neighbours are compared for; what it shows, they are not.
#[test]
fn ground_that_the_middle_of_a_series_hides_is_compared_over_it() {
    let (scene, run) = series_with_middle(255);
    let pairs = run["pairs"].as_array().unwrap();
    let ids: Vec<&str> = pairs.iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2024-08-05..2024-08-12", "2024-08-12..2024-08-19", "2024-08-05..2024-08-19"]);
    assert_eq!(pairs[2]["over"], json!(["2024-08-12"]));
    assert!(pairs[0].get("over").is_none());
    // Half of the ground, whatever blocks make of its rim.
    let (whole_km2, over_km2) = (400.0 * 640.0 * 0.25e-6, pairs[2]["km2"]["assessed"].as_f64().unwrap());
    assert!((over_km2 / whole_km2 - 0.5).abs() < 0.1, "{over_km2} of {whole_km2}");
    // The eastern half twice, the western once, and nothing as left out but for rims.
    let counts = &run["counts"];
    let (assessed, not) =
        (counts["assessed_km2"].as_f64().unwrap(), counts["not_assessed_km2"].as_f64().unwrap());
    assert!(
        (assessed / whole_km2 - 1.5).abs() < 0.15 && not / whole_km2 < 0.1,
        "{assessed} {not} {whole_km2}"
    );

    let totals = json(&scene.out.join("summary.json"))["totals"].clone();
    let ground = |key: &str| totals[key].as_f64().unwrap() / whole_km2;
    assert!((ground("ground_km2") - 1.0).abs() < 0.02 && ground("ground_assessed_km2") > 0.9, "{totals}");

    let found = json(&scene.out.join("earthworks.geojson"));
    let length = |earlier: &str| -> f64 {
        let of = features(&found).into_iter().filter(|(_, p)| p["earlier"] == format!("{earlier}T00:00:00Z"));
        of.map(|(_, p)| p["length_m"].as_f64().unwrap()).sum()
    };
    // The east from the last step, which dates it better, the west from over the middle, together once.
    let [a, b] = scene.line;
    let all_m = PIXEL_M * (b.row - a.row).hypot(b.col - a.col);
    let (east_m, west_m) = (length("2024-08-12"), length("2024-08-05"));
    assert!(
        (east_m / all_m - 0.5).abs() < 0.12 && (west_m / all_m - 0.5).abs() < 0.12,
        "{east_m} {west_m} {all_m}"
    );
    assert!(along_truth(&scene, &found) > 0.9 * all_m);
    let text = std::fs::read_to_string(scene.out.join("report.md")).unwrap();
    assert!(text.contains("the steps over 2024-08-12 tell nothing: 0.03 km² of it were assessed"), "{text}");

    // Steps alone, or pairs with the first, are what was asked for.
    let out = scene.beside("first");
    for rule in ["first", "steps"] {
        survey(&scene.folder, &scene.front, &out, &["--pairs", rule, "--overwrite"]).expect(0);
        assert_eq!(json(&out.join("run.json"))["pairs"].as_array().unwrap().len(), 2, "{rule}");
    }
}

/// An image in the middle that shows a part only: what it shows is told by the steps over it, and once.
#[test]
fn ground_that_a_smaller_image_between_shows_counts_with_its_steps() {
    let (scene, run) = series_with_middle(0);
    let pairs: Vec<&Value> = run["pairs"].as_array().unwrap().iter().collect();
    let ids: Vec<&str> = pairs.iter().map(|p| p["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2024-08-05..2024-08-12", "2024-08-05..2024-08-19", "2024-08-12..2024-08-19"]);
    let km2 = |p: &Value| p["km2"]["assessed"].as_f64().unwrap();
    assert!((km2(pairs[1]) / (400.0 * 640.0 * 0.25e-6) - 0.5).abs() < 0.1, "{}", pairs[1]["km2"]);
    let [a, b] = scene.line;
    let all_m = PIXEL_M * (b.row - a.row).hypot(b.col - a.col);
    let found = json(&scene.out.join("earthworks.geojson"));
    let told_m = along_truth(&scene, &found);
    assert!((told_m / all_m - 1.0).abs() < 0.12, "{told_m} of {all_m}");
}

/// An image that cannot be read takes two steps with it, and none of the ground.
#[test]
fn an_unreadable_image_in_the_middle_is_compared_over() {
    let scene = Scene::dug(SMALL);
    let (middle, last) = (scene.image("2024-08-12"), scene.image("2024-08-19"));
    std::fs::rename(&middle, &last).unwrap();
    Image { grain: 5, ..Image::of(SMALL) }.write(&middle);
    // Its header is whole, its pixels are not.
    let bytes = std::fs::read(&middle).unwrap();
    let mut broken = bytes.clone();
    for b in &mut broken[bytes.len() / 3..bytes.len() / 2] {
        *b ^= 0x5a;
    }
    std::fs::write(&middle, &broken).unwrap();
    let ran = survey(&scene.folder, &scene.front, &scene.out, &[]).expect(3);
    assert!(ran.stdout.contains("2024-08-12.tif") || ran.stderr.contains("2024-08-12.tif"));
    let run = json(&scene.out.join("run.json"));
    let ends: Vec<(&str, &str)> = run["pairs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["id"].as_str().unwrap(), p["status"].as_str().unwrap()))
        .collect();
    let wanted = [
        ("2024-08-05..2024-08-12", "skipped"),
        ("2024-08-12..2024-08-19", "skipped"),
        ("2024-08-05..2024-08-19", "done"),
    ];
    assert_eq!(ends, wanted);
    let [a, b] = scene.line;
    let all_m = PIXEL_M * (b.row - a.row).hypot(b.col - a.col);
    assert!(along_truth(&scene, &json(&scene.out.join("earthworks.geojson"))) > 0.9 * all_m);
}
