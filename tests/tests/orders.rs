//! What comes with images, through the program: masks, tiles, pairs, and the ways to show it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use fosse_tests::program::{fosse, json, survey};
use fosse_tests::scene::{Image, PIXEL_M, SMALL, Scene};
use ndarray::{Array3, Axis, concatenate};
use serde_json::{Value, json};

/// Writes a mask of rows of an image, as a GeoJSON polygon.
fn mask(path: &Path, image: &Image, rows: std::ops::Range<usize>) {
    let corner = |row: usize, col: usize| domain::Pixel { row: row as f64, col: col as f64 };
    let end = image.shape.1;
    let ring = [
        corner(rows.start, 0),
        corner(rows.start, end),
        corner(rows.end, end),
        corner(rows.end, 0),
        corner(rows.start, 0),
    ];
    let grid = image.grid();
    let ring: Vec<[f64; 2]> = ingest::to_lon_lat(&grid, &ring).unwrap().iter().map(|p| [p.x, p.y]).collect();
    let feature =
        json!({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}});
    std::fs::write(path, json!({"type": "FeatureCollection", "features": [feature]}).to_string()).unwrap();
}

#[test]
fn masks_take_ground_out_with_their_reason() {
    let scene = Scene::dug(SMALL);
    let image = Image::of(SMALL);
    // Cloud over the later image, water in the earlier: apart from each other and from the line.
    mask(&scene.folder.join("2024-08-12-cloud-mask.geojson"), &image, 0..40);
    mask(&scene.folder.join("2024-08-05-water-mask.geojson"), &image, 240..280);
    survey(&scene.folder, &scene.front, &scene.out, &[]).expect(0);
    let run = json(&scene.out.join("run.json"));
    let km2 = |reason: &str| run["pairs"][0]["km2"][reason].as_f64().unwrap_or(0.0);
    let strip = 40.0 * SMALL.1 as f64 * PIXEL_M * PIXEL_M / 1e6;
    // The later image lies 1.25 px further down; kernels add a rim of one or two.
    assert!((km2("cloud") / strip - 1.0).abs() < 0.1, "{} of {strip}", km2("cloud"));
    assert!((km2("water") / strip - 1.0).abs() < 0.02, "{} of {strip}", km2("water"));
    assert_eq!(run["captures"][1]["masks"][0]["kind"], "cloud");
    let coverage = json(&scene.out.join("coverage.geojson"));
    let reasons: Vec<&str> = coverage["features"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|f| f["properties"]["reason"].as_str())
        .collect();
    assert!(reasons.contains(&"cloud") && reasons.contains(&"water"), "{reasons:?}");
    assert!(
        std::fs::read_to_string(scene.out.join("report.md")).unwrap().contains("cloud in one of the images")
    );
}

/// Whether a place lies in a lake of 45 by 60 m, beside the line; pixels.
fn in_lake(row: f64, col: f64) -> bool {
    ((row - 215.0) / 45.0).hypot((col - 90.0) / 60.0) < 1.0
}

#[test]
fn near_infrared_tells_water_and_changes_no_line() {
    let scene = Scene::dug(SMALL);
    for (date, image) in [("2024-08-05", Image::of(SMALL)), ("2024-08-12", scene.later())] {
        let mut gray = image.pixels();
        let mut infrared = gray.mapv(|v| (1.4 * f64::from(v)) as u8);
        for ((_, r, c), v) in gray.indexed_iter_mut() {
            if in_lake(r as f64 - image.shift_px.0, c as f64 - image.shift_px.1) {
                (*v, infrared[(0, r, c)]) = (48 + (r * 7 + c * 3) as u8 % 3, 8);
            }
        }
        let bands: Array3<u8> = concatenate![Axis(0), gray, gray, gray, infrared];
        fosse_tests::scene::write(&scene.image(date), &image.grid(), &bands);
    }
    let run = |out: &Path, more: &[&str]| survey(&scene.folder, &scene.front, out, more).expect(0);
    // Nobody names the bands: the fourth may be anything.
    let unnamed = scene.beside("unnamed");
    run(&unnamed, &[]);
    let config = scene.beside("survey.toml");
    let capture = |date: &str| {
        let bands = "['red', 'green', 'blue', 'near_infrared']";
        format!("[[capture]]\nfile = '{}'\nbands = {bands}\n", scene.image(date).display())
    };
    std::fs::write(&config, capture("2024-08-05") + &capture("2024-08-12")).unwrap();
    let config = config.to_string_lossy().into_owned();
    run(&scene.out, &["--config", &config]);

    let km2 = |out: &Path| json(&out.join("run.json"))["pairs"][0]["km2"]["water"].as_f64().unwrap_or(0.0);
    let lake = std::f64::consts::PI * 45.0 * 60.0 * PIXEL_M * PIXEL_M / 1e6;
    // No block of the shore, and so a third of so small a lake.
    let told = km2(&scene.out) / lake;
    assert!((0.3..0.6).contains(&told), "{told}");
    assert_eq!(km2(&unnamed), 0.0);
    let coverage = std::fs::read_to_string(scene.out.join("coverage.geojson")).unwrap();
    assert!(coverage.contains("\"water\""));
    let report = std::fs::read_to_string(scene.out.join("report.md")).unwrap();
    assert!(report.contains("not assessed: water in one of the images"), "{report}");
    let lines = |out: &Path| json(&out.join("earthworks.geojson"))["features"].clone();
    assert!(lines(&scene.out).as_array().is_some_and(|f| !f.is_empty()));
    assert_eq!(lines(&scene.out), lines(&unnamed));
    let folder = scene.folder.to_string_lossy().into_owned();
    let told = fosse(["inspect", &folder, "--config", &config]).expect(0).stdout;
    assert!(told.contains("4 Byte + NIR"), "{told}");
}

/// Tiles of an image give the same results as the image, to the byte, though the line runs across their edges.
#[test]
fn tiles_show_no_seam() {
    let scene = Scene::dug(SMALL);
    let whole = scene.beside("whole");
    survey(&scene.folder, &scene.front, &whole, &[]).expect(0);
    let later = scene.later();
    std::fs::remove_file(scene.image("2024-08-12")).unwrap();
    let pixels = later.pixels();
    for (n, cols) in [0..150, 150..SMALL.1].into_iter().enumerate() {
        let part = pixels.slice(ndarray::s![.., .., cols.clone()]).to_owned();
        let tile = Image {
            shape: (SMALL.0, cols.len()),
            corner: (later.corner.0 + cols.start as f64 * PIXEL_M, later.corner.1),
            ..later.clone()
        };
        fosse_tests::scene::write(
            &scene.folder.join(format!("2024-08-12_R1C{}.tif", n + 1)),
            &tile.grid(),
            &part,
        );
    }
    survey(&scene.folder, &scene.front, &scene.out, &[]).expect(0);
    for file in ["earthworks.geojson", "coverage.geojson"] {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(read(&whole) == read(&scene.out), "{file}");
    }
    assert!(
        json(&scene.out.join("earthworks.geojson"))["features"].as_array().is_some_and(|f| !f.is_empty())
    );
    assert_eq!(json(&scene.out.join("run.json"))["captures"][1]["tiles"].as_array().unwrap().len(), 2);
}

#[test]
fn pairs_and_formats_of_inspect() {
    let scene = Scene::dug(SMALL);
    Image { grain: 9, ..scene.later() }.write(&scene.image("2024-08-19"));
    let folder = scene.folder.to_string_lossy().into_owned();
    let pairs = |rule: &str| -> Vec<String> {
        let told = fosse(["inspect", &folder, "--format", "json", "--pairs", rule]).expect(0).stdout;
        let told: Value = serde_json::from_str(&told).unwrap();
        let pairs = told["pairs"].as_array().unwrap().iter();
        pairs
            .map(|p| {
                format!(
                    "{}..{}",
                    &p["earlier"]["id"].as_str().unwrap()[8..],
                    &p["later"]["id"].as_str().unwrap()[8..]
                )
            })
            .collect()
    };
    assert_eq!(pairs("consecutive"), ["05..12", "12..19"]);
    assert_eq!(pairs("steps"), pairs("consecutive"));
    assert_eq!(pairs("first"), ["05..12", "05..19"]);
    assert_eq!(pairs("all"), ["05..12", "05..19", "12..19"]);
    let list = scene.beside("pairs.txt");
    std::fs::write(&list, "2024-08-19, 2024-08-05 # the whole fortnight\n").unwrap();
    assert_eq!(pairs(&list.to_string_lossy()), ["05..19"]);
    std::fs::write(&list, "2024-08-19 2024-08-06\n").unwrap();
    let wrong = fosse(["inspect", &folder, "--pairs", &list.to_string_lossy()]).expect(2).stderr;
    assert!(wrong.contains("2024-08-06"), "{wrong}");
    let wrong = fosse(["inspect", &folder, "--pairs", "some"]).expect(2).stderr;
    assert!(wrong.contains("must be consecutive, steps, first, all"), "{wrong}");

    let geojson: Value =
        serde_json::from_str(&fosse(["inspect", &folder, "--format", "geojson"]).expect(0).stdout).unwrap();
    assert_eq!(geojson["features"].as_array().unwrap().len(), 3);
    let page = fosse(["inspect", &folder, "--format", "html"]).expect(0).stdout;
    assert_eq!(page.matches("<polygon").count(), 3);
    // A capture as the config file tells it.
    let config = scene.beside("survey.toml");
    let text = "folder = 'images'\npairs = 'first'\n[[capture]]\nfile = '2024-08-12.tif'\ndatetime = '2024-08-12T08:41:07Z'\n\
        platform = 'drone'\n";
    std::fs::write(&config, text).unwrap();
    let told = fosse(["inspect", "--config", &config.to_string_lossy()]).expect(0).stdout;
    assert!(told.contains("2024-08-12 08:41  config    drone") && told.contains("51°*"), "{told}");
    std::fs::write(&config, text.replace("platform", "plattform")).unwrap();
    assert!(fosse(["inspect", "--config", &config.to_string_lossy()]).expect(2).stderr.contains("plattform"));
}
