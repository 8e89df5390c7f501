//! Where works lie: along or across a road, in systems and lines of defence, inside or outside around a pole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use fosse_tests::program::{fosse, json};
use fosse_tests::run::FinishedRun;
use serde_json::{Value, json};

fn report(run: &FinishedRun, front: &Path, more: &[&str]) {
    let mut line = vec!["report".to_owned(), run.folder().display().to_string()];
    line.extend(["--front".to_owned(), front.display().to_string()]);
    line.extend(more.iter().map(|m| (*m).to_owned()));
    fosse(line).expect(0);
}

fn text(run: &FinishedRun, name: &str) -> String {
    std::fs::read_to_string(run.folder().join(name)).unwrap()
}

fn properties(run: &FinishedRun, id: &str) -> Value {
    let root = json(&run.folder().join("earthworks.geojson"));
    let found = root["features"].as_array().unwrap().iter().find(|f| f["id"] == id).unwrap();
    found["properties"].clone()
}

/// A front along a parallel, of the day of the later image.
fn front(run: &FinishedRun) -> std::path::PathBuf {
    let line = json!({"type": "Feature", "properties": {"class": "claimed", "source": "test"},
        "geometry": {"type": "LineString", "coordinates": [[34.9, 51.5], [35.6, 51.5]]}});
    run.beside("front_2024-08-12.geojson", line.to_string())
}

#[test]
fn a_work_runs_along_or_across_the_nearest_road_which_is_named() {
    // A road due east, one without a name due north; a hundredth of a degree is 693 m east and 1,113 m north here.
    let run = FinishedRun::of(&[
        ("along", vec![[35.200, 51.619], [35.203, 51.6192]]),
        ("across", vec![[35.210, 51.619], [35.2102, 51.621]]),
        ("aslant", vec![[35.220, 51.6185], [35.222, 51.6195]]),
        ("far", vec![[35.200, 51.65], [35.203, 51.65]]),
        ("lane", vec![[35.3002, 51.630], [35.3002, 51.632]]),
    ]);
    let road = |name: Value, line: Value| {
        json!({"type": "Feature", "properties": {"ref": name},
            "geometry": {"type": "LineString", "coordinates": line}})
    };
    let roads = json!({"type": "FeatureCollection", "features": [
        road(json!("E38"), json!([[35.0, 51.62], [35.5, 51.62]])),
        road(Value::Null, json!([[35.3, 51.625], [35.3, 51.64]]))]});
    let roads = run.beside("roads.geojson", roads.to_string());
    report(&run, &front(&run), &["--context", &format!("roads={}", roads.display())]);
    let near = |id: &str| properties(&run, id)["nearby"].clone();
    let along = near("along");
    assert_eq!(
        (&along[0]["kind"], &along[0]["name"], &along[0]["runs"]),
        (&json!("roads"), &json!("E38"), &json!("along"))
    );
    // 0.0008 degrees of latitude at 51.6° N: 89.0 m (GeographicLib).
    assert!(
        (along[0]["distance_m"].as_f64().unwrap() - 89.0).abs() < 0.2 && along[0]["direction"] == "S",
        "{along}"
    );
    let across = near("across");
    assert_eq!((&across[0]["runs"], &across[0]["distance_m"]), (&json!("across"), &json!(0.0)));
    assert_eq!(near("aslant")[0]["runs"], "at an angle to");
    assert_eq!((&near("far")[0]["name"], &near("far")[0]["runs"]), (&json!("E38"), &Value::Null));
    // The lane is nearer, but a lane without a name cannot be quoted: the road that has one is told as well.
    let lane = near("lane");
    assert_eq!(
        (&lane[0]["name"], &lane[0]["runs"], &lane[1]["name"]),
        (&Value::Null, &json!("along"), &json!("E38"))
    );
    let said = text(&run, "report.md");
    assert!(said.contains("    - roads: 89 m (292 ft) S of E38, runs along it\n"), "{said}");
    assert!(said.contains("    - roads: meets E38, runs across it\n"), "{said}");
    let page = text(&run, "report.html");
    assert!(page.contains("<dt>Roads</dt><dd>89 m (292 ft) S of E38, runs along it</dd>"));
}

#[test]
fn each_line_of_defence_has_its_length_orientation_face_and_extent_in_every_document() {
    let line = |west: f64, east: f64, lat: f64| vec![[west, lat], [east, lat]];
    // 13 km behind the front a ditch with a gap at a road of 210 m and a trench behind it; 6 km farther a trench.
    let run = FinishedRun::of_classes(&[
        ("d1", "anti_vehicle_ditch", line(35.200, 35.205, 51.620)),
        ("d2", "anti_vehicle_ditch", line(35.208, 35.213, 51.620)),
        ("beside", "anti_vehicle_ditch", line(35.200, 35.205, 51.6275)),
        ("t1", "trench", line(35.206, 35.209, 51.623)),
        ("t2", "trench", line(35.200, 35.204, 51.680)),
    ]);
    report(&run, &front(&run), &[]);
    let lines = json(&run.folder().join("summary.json"))["lines_of_defence"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 2, "{lines}");
    let first = &lines[0];
    assert_eq!(
        (&first["faces"], &first["direction"], &first["number"]),
        (&json!("S"), &json!("N"), &json!(1))
    );
    assert_eq!(first["orientation_deg"], json!(90.0));
    // 0.013 degrees of longitude at 51.62° N are 900 m.
    assert!((first["extent_m"].as_f64().unwrap() - 900.0).abs() < 40.0, "{first}");
    assert_eq!(
        (&first["length_m"], &first["ditch_m"], &first["trench_m"]),
        (&json!(960.0), &json!(720.0), &json!(240.0))
    );
    assert_eq!(first["bbox"], json!([35.2, 51.62, 35.213, 51.6275]));
    assert_eq!(
        (properties(&run, "t1")["defence_line"].as_u64(), properties(&run, "t2")["defence_line"].as_u64()),
        (Some(1), Some(2))
    );
    let system = |id: &str| properties(&run, id)["system"].clone();
    assert_eq!(system("d1"), system("d2"));
    let said = text(&run, "report.md");
    assert!(
        said.contains("1. First line, 13.4 km N of the front: 240 m of trench and 720 m of ditch, 900 m from end to end, E–W, faces S, 1 system\n"),
        "{said}"
    );
    assert!(said.contains("2. Second line, 20.0 km N of the front: 240 m of trench, 277 m from end to end, E–W, faces S, 1 system\n"), "{said}");
    let page = text(&run, "report.html");
    assert!(
        page.contains("<th scope=\"row\">second</th><td>20.0 km N of the front</td><td>240 m</td>"),
        "no second line"
    );
    let csv = text(&run, "earthworks.csv");
    let column = csv.lines().next().unwrap().split(',').position(|c| c == "defence_line").unwrap();
    let row = csv.lines().find(|l| l.starts_with("t2,")).unwrap();
    assert_eq!(row.split(',').nth(column), Some("2"));
}

#[test]
fn an_area_of_control_is_told_with_what_changed_between_the_dates_of_the_images() {
    let run = FinishedRun::of(&[("w", vec![[35.25, 51.62], [35.253, 51.62]])]);
    let area = |north: f64| {
        let ring = [[35.0, 51.2], [35.5, 51.2], [35.5, north], [35.0, north], [35.0, 51.2]];
        json!({"type": "Feature", "properties": {"class": "claimed", "source": "test"},
            "geometry": {"type": "Polygon", "coordinates": [ring]}})
        .to_string()
    };
    // The images are of 5 and 12 August; the area of the 8th is of no image, and has no say.
    for (day, north) in [("2024-08-04", 51.3), ("2024-08-08", 51.7), ("2024-08-11", 51.4)] {
        run.beside(&format!("fronts/{day}.geojson"), area(north));
    }
    let town = |name: &str, lat: f64| {
        json!({"type": "Feature", "properties": {"name": name},
            "geometry": {"type": "Point", "coordinates": [35.25, lat]}})
    };
    let towns = json!({"type": "FeatureCollection", "features": [town("Aye", 51.25), town("Bee", 51.35), town("Cee", 51.6)]});
    let towns = run.beside("towns.geojson", towns.to_string());
    report(
        &run,
        &run.folder().with_file_name("fronts"),
        &["--context", &format!("settlements={}", towns.display())],
    );
    let control = json(&run.folder().join("summary.json"))["control"].clone();
    let days: Vec<&str> = control.as_array().unwrap().iter().map(|c| c["date"].as_str().unwrap()).collect();
    assert_eq!(days, ["2024-08-04", "2024-08-11"]);
    assert_eq!((&control[0]["settlements"], &control[1]["gained"]), (&json!(["Aye"]), &json!(["Bee"])));
    // pyproj 3.7.2, Geod.polygon_area_perimeter: 388.3811 and 775.9258 km2.
    for (value, km2) in
        [(&control[0]["km2"], 388.381), (&control[1]["km2"], 775.926), (&control[1]["change_km2"], 387.545)]
    {
        assert!((value.as_f64().unwrap() - km2).abs() < 0.02, "{km2}: {control}");
    }
    // The work is measured from the line of its later image.
    assert_eq!(properties(&run, "w")["front_date"], "2024-08-11");
    for name in ["report.md", "report.html"] {
        let said = text(&run, name);
        assert!(
            said.contains("km² more than on 4 August 2024; settlements in it: Aye, Bee; came in: Bee"),
            "{said}"
        );
    }
}
