//! Bad input: one clear line that names the file and the remedy, the right exit code, no panic.

use std::fs;

use crate::support::{Ended, Folder, Tiff, fosse};

#[test]
fn an_empty_folder() {
    let folder = Folder::with_pair();
    fs::remove_dir_all(folder.path("images")).unwrap();
    folder.survey(&[]).refused(&["images", "does not exist"]);
    fs::create_dir(folder.path("images")).unwrap();
    folder.survey(&[]).refused(&["images", "needs GeoTIFFs"]);
    folder.fosse(&["inspect", "images"]).refused(&["images", "needs GeoTIFFs"]);
    assert!(!folder.path("out").exists());
}

#[test]
fn one_date_only() {
    let folder = Folder::with_pair();
    fs::remove_file(folder.path("images/2024-08-12.tif")).unwrap();
    folder.survey(&[]).refused(&["images/2024-08-05.tif", "2024-08-05", "another date"]);
    folder.image("west/2024-08-05", Tiff::default());
    folder.survey(&[]).refused(&["one date, 2024-08-05"]);
}

#[test]
fn a_truncated_tiff() {
    let folder = Folder::with_pair();
    let whole = Tiff::default().bytes();
    folder.write("images/2024-08-12.tif", &whole[..whole.len() / 2]);
    folder.survey(&[]).refused(&["images/2024-08-12.tif", "download it again"]);
}

#[test]
fn a_truncated_tiff_beside_a_good_pair() {
    let folder = Folder::with_pair();
    let whole = Tiff::default().bytes();
    folder.write("images/2024-08-20.tif", &whole[..whole.len() / 2]);
    let ended = folder.survey(&[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("warning: skipped images/2024-08-20.tif: "), "{ended:?}");
    let run = folder.run();
    assert_eq!(run["counts"]["pairs_done"], 1);
    assert_eq!(run["skipped"][0]["what"], "images/2024-08-20.tif");
    let report = fs::read_to_string(folder.path("out/report.md")).unwrap();
    assert!(report.contains("images/2024-08-20.tif"));
}

#[test]
fn no_crs_and_no_geotransform() {
    let folder = Folder::with_pair();
    folder.image("2024-08-12", Tiff { crs: false, ..Tiff::default() });
    folder.survey(&[]).refused(&["images/2024-08-12.tif", "no coordinate reference system", "gdal_edit"]);
    folder.image("2024-08-12", Tiff { placed: false, ..Tiff::default() });
    folder.survey(&[]).refused(&["images/2024-08-12.tif", "no geotransform", "world file"]);
}

#[test]
fn images_that_do_not_overlap() {
    let folder = Folder::with_pair();
    folder.image("2024-08-12", Tiff { east: 665_000.0, ..Tiff::default() });
    folder.survey(&[]).refused(&["images/2024-08-05.tif", "images/2024-08-12.tif", "overlap"]);
}

#[test]
fn an_image_apart_beside_a_good_pair() {
    let folder = Folder::with_pair();
    folder.image("2024-08-20", Tiff { east: 665_000.0, ..Tiff::default() });
    let ended = folder.survey(&["--no-chips"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(folder.run()["skipped"][0]["what"], "images/2024-08-20.tif");
}

#[test]
fn an_all_nodata_tile() {
    let folder = Folder::with_pair();
    folder.image("2024-08-12", Tiff { blank: true, ..Tiff::default() });
    let ended = folder.survey(&[]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("images/2024-08-12.tif: no valid pixels"), "{ended:?}");
    let run = folder.run();
    assert_eq!(run["counts"]["assessed_km2"], 0.0);
    assert_eq!(run["skipped"][0]["what"], "images/2024-08-12.tif");
    let coverage = fs::read_to_string(folder.path("out/coverage.geojson")).unwrap();
    assert!(coverage.contains("nodata_later") && !coverage.contains("\"assessed\":true"));
}

#[test]
fn a_front_that_is_none() {
    let folder = Folder::with_pair();
    let points = r#"{"type": "MultiPoint", "coordinates": [[35, 51.5], [36, 51.5]]}"#;
    for (text, word) in [
        ("", "not JSON"),
        ("<kml/>", "not JSON"),
        (r#"{"type": "FeatureCollection", "features": []}"#, "no line and no polygon"),
        (points, "2 points"),
    ] {
        folder.write("front.geojson", text);
        folder.survey(&[]).refused(&["front.geojson", word]);
    }
    fs::remove_file(folder.path("front.geojson")).unwrap();
    folder.survey(&[]).refused(&["front.geojson"]);
    assert!(!folder.path("out").exists(), "the front is read before anything is written");
}

#[test]
fn pairs_that_are_refused_by_their_metadata() {
    let folder = Folder::with_pair();
    folder.survey(&["--max-gsd-ratio", "0.5"]).refused(&["gate.max_gsd_ratio", "1 to 100"]);
    folder.survey(&["--max-season", "0"]).refused(&["days of season", "--max-season"]);
    folder.write("survey.toml", "[gate]\nmax_season_days = 0.0\n");
    folder.survey(&["--config", "survey.toml"]).refused(&["days of season", "--max-season"]);
    // What is typed goes before the file, and a limit that is kept changes nothing.
    assert_eq!(folder.survey(&["--config", "survey.toml", "--max-season", "183"]).code, Some(0));
}

#[test]
fn an_output_folder_that_is_taken() {
    let folder = Folder::with_pair();
    assert_eq!(folder.survey(&[]).code, Some(0));
    folder.survey(&[]).refused(&["out", "--overwrite"]);
    folder.survey(&["--resume"]).refused(&["out", "nothing to resume"]);
    folder.write("out/notes.txt", "mine");
    assert_eq!(folder.survey(&["--overwrite"]).code, Some(0));
    assert_eq!(fs::read_to_string(folder.path("out/notes.txt")).unwrap(), "mine");
    folder.write("file", "");
    let args = ["survey", "images", "--front", "front.geojson", "--out", "file"];
    folder.fosse(&args).refused(&["file is a file"]);
}

/// A process whose files may not grow beyond 1 KiB meets what a full disk is: a short write, then an error.
#[cfg(target_os = "linux")]
#[test]
fn no_space_left() {
    let folder = Folder::with_pair();
    let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" survey images --front front.geojson --out out";
    let output = std::process::Command::new("bash")
        .args(["-c", script])
        .arg(fosse())
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    Ended::of(&output).refused(&["out", "--resume"]);
    // What can be mended is mended, and the run goes on.
    let ended = folder.survey(&["--resume"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!folder.path("out/.journal").exists());
}

#[test]
fn a_config_file_with_a_fault() {
    let folder = Folder::with_pair();
    folder.write("survey.toml", "threads = 1\nwindow = 512\n");
    folder.survey(&["--config", "survey.toml"]).refused(&["survey.toml, line 2", "`window`", "window_px"]);
    folder.write("survey.toml", "window_px = 1\n");
    folder.survey(&["--config", "survey.toml"]).refused(&["window_px", "128 to 8192"]);
    folder.survey(&["--config", "none.toml"]).refused(&["none.toml"]);
}
