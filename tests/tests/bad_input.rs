//! Bad input: one clear line that names the file and the remedy, exit code 2 (nothing done) or 3 (done, some tiles
//! skipped), no panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};

use fosse_tests::program::{Ran, binary, files, fosse, json, survey, survey_line};
use fosse_tests::scene::{Image, SMALL, Scene, write};
use fosse_tests::tiff::{self, Place};

/// The run did nothing: code 2 and one line that names `named` and holds one of `remedies`.
#[track_caller]
fn refused(ran: Ran, named: impl AsRef<Path>, remedies: &[&str]) {
    let ran = ran.expect(2);
    let lines: Vec<&str> = ran.stderr.lines().filter(|l| !l.trim().is_empty()).collect();
    assert_eq!(lines.len(), 1, "one line: {}", ran.stderr);
    says(lines[0], named.as_ref(), remedies);
    assert!(ran.stdout.is_empty(), "{}", ran.stdout);
}

#[track_caller]
fn says(line: &str, named: &Path, remedies: &[&str]) {
    assert!(line.contains(&*named.to_string_lossy()), "{} is not named: {line}", named.display());
    assert!(remedies.iter().any(|r| line.contains(r)), "none of {remedies:?}: {line}");
}

/// The run was done but for `skipped`: code 3, a warning, and an entry in `run.json`.
#[track_caller]
fn done_without(scene: &Scene, ran: Ran, skipped: &Path, remedies: &[&str]) {
    let ran = ran.expect(3);
    let name = skipped.to_string_lossy().into_owned();
    let line = ran.stderr.lines().find(|l| l.contains(&name));
    says(line.unwrap_or_else(|| panic!("{name} is not named: {}", ran.stderr)), skipped, remedies);
    let run = json(&scene.out.join("run.json"));
    let listed = run["skipped"].as_array().expect("run.json lists what was skipped");
    assert!(
        listed
            .iter()
            .any(|s| s.to_string().contains(&name) && s["reason"].as_str().is_some_and(|r| !r.is_empty())),
        "{listed:?}"
    );
    assert!(scene.out.join("earthworks.geojson").is_file());
}

fn survey_of(scene: &Scene) -> Ran {
    survey(&scene.folder, &scene.front, &scene.out, &[])
}

/// Cuts the last third off a file.
fn truncate(path: &Path) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() * 2 / 3).unwrap();
}

#[test]
fn an_image_too_coarse_is_named_whichever_it_is() {
    for date in ["2024-08-05", "2024-08-12"] {
        let scene = Scene::dug(SMALL);
        let fine = Image::of(SMALL);
        let grid = fine.grid();
        let coarse = domain::Grid::new(
            grid.rows / 4,
            grid.cols / 4,
            domain::Affine::north_up(grid.affine.x0, grid.affine.y0, 4.0 * grid.pixel_size()),
            grid.crs.clone(),
        );
        let pixels = fine.pixels().slice(ndarray::s![.., ..;4, ..;4]).to_owned();
        write(&scene.image(date), &coarse.unwrap(), &pixels);
        let ran = survey_of(&scene).expect(3);
        let named = scene.image(date).display().to_string();
        let line =
            ran.stderr.lines().find(|l| l.contains(&named)).unwrap_or_else(|| panic!("{}", ran.stderr));
        assert!(line.contains("pixels of 2.0 m") && line.contains("1.2 m"), "{line}");
        let run = json(&scene.out.join("run.json"));
        assert_eq!((&run["counts"]["earthworks"], &run["counts"]["assessed_km2"]), (&0.into(), &0.0.into()));
    }
}

#[test]
fn a_front_of_another_time_is_warned_about_before_anyone_reads_the_report() {
    let scene = Scene::dug(SMALL);
    for (day, said) in [("2022-03-01", "895 days older"), ("2024-10-01", "50 days later")] {
        let ran =
            survey(&scene.folder, &scene.front, &scene.out, &["--front-date", day, "--overwrite"]).expect(0);
        let line = ran.stderr.lines().find(|l| l.starts_with("warning: the front line of"));
        assert!(line.is_some_and(|l| l.contains(said) && l.contains("12 August 2024")), "{}", ran.stderr);
    }
}

#[test]
fn dates_that_cannot_be_right_are_warned_about() {
    let scene = Scene::dug(SMALL);
    std::fs::rename(scene.image("2024-08-12"), scene.image("2099-08-12")).unwrap();
    let ran = survey_of(&scene).expect(0);
    let line = ran.stderr.lines().find(|l| l.contains("2099-08-12.tif"));
    assert!(line.is_some_and(|l| l.starts_with("warning: ") && l.contains("yet to come")), "{}", ran.stderr);
    let report = std::fs::read_to_string(scene.out.join("report.md")).unwrap();
    assert!(report.contains("which is yet to come"), "{report}");
}

#[test]
fn an_empty_folder() {
    let scene = Scene::empty();
    refused(survey_of(&scene), &scene.folder, &["needs GeoTIFFs"]);
    assert!(!scene.out.exists(), "a run that did nothing leaves nothing");
    refused(
        fosse(["inspect".as_ref(), scene.folder.as_os_str()]).without_stdout(),
        &scene.folder,
        &["needs GeoTIFFs"],
    );
}

#[test]
fn a_missing_folder() {
    let scene = Scene::empty();
    let nowhere = scene.beside("nowhere");
    let ran = survey(&nowhere, &scene.front, &scene.out, &[]);
    refused(ran, &nowhere, &["no such folder", "does not exist", "not there", "check"]);
}

#[test]
fn one_date_only() {
    let scene = Scene::empty();
    Image::of(SMALL).write(&scene.image("2024-08-05"));
    refused(survey_of(&scene), scene.image("2024-08-05"), &["another date"]);
    Image { grain: 5, ..Image::of(SMALL) }.write(&scene.image("again-2024-08-05"));
    refused(survey_of(&scene), &scene.folder, &["another date"]);
    assert!(!scene.out.exists());
}

#[test]
fn an_image_without_a_date() {
    let scene = Scene::dug(SMALL);
    let undated = scene.folder.join("image.tif");
    std::fs::copy(scene.image("2024-08-05"), &undated).unwrap();
    done_without(&scene, survey_of(&scene), &undated, &["yyyy-mm-dd"]);
}

#[test]
fn a_truncated_tiff_beside_a_good_pair() {
    let scene = Scene::dug(SMALL);
    let bad = scene.image("2024-08-19");
    scene.later().write(&bad);
    truncate(&bad);
    done_without(&scene, survey_of(&scene), &bad, &["download it again"]);
}

#[test]
fn a_truncated_tiff_alone() {
    let scene = Scene::empty();
    let bad = scene.image("2024-08-05");
    scene.later().write(&bad);
    truncate(&bad);
    refused(survey_of(&scene), &bad, &["download it again"]);
    std::fs::write(&bad, b"").unwrap();
    refused(survey_of(&scene), &bad, &["download it again"]);
    std::fs::write(&bad, b"no TIFF at all").unwrap();
    refused(survey_of(&scene), &bad, &["download it again"]);
}

/// The pixels of one tile are damaged, which only reading them shows.
#[test]
fn damaged_pixels() {
    let scene = Scene::dug(SMALL);
    let bad = scene.image("2024-08-19");
    scene.later().write(&bad);
    let mut bytes = std::fs::read(&bad).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2000].fill(0x5a);
    std::fs::write(&bad, bytes).unwrap();
    done_without(&scene, survey_of(&scene), &bad, &["damaged", "download"]);
}

#[test]
fn a_tiff_without_crs_or_geotransform() {
    for place in [Place::WithoutCrs, Place::WithoutGeotransform] {
        let scene = Scene::dug(SMALL);
        let bad = scene.image("2024-08-19");
        tiff::write(&bad, SMALL, place);
        done_without(&scene, survey_of(&scene), &bad, &["gdal_edit.py"]);

        let alone = Scene::empty();
        let bad = alone.image("2024-08-05");
        tiff::write(&bad, SMALL, place);
        refused(survey_of(&alone), &bad, &["gdal_edit.py"]);
    }
}

/// The TIFFs of the test above lack nothing else.
#[test]
fn the_same_tiff_with_both_is_an_image() {
    let scene = Scene::empty();
    tiff::write(&scene.image("2024-08-05"), SMALL, Place::Full);
    Image::of(SMALL).write(&scene.image("2024-08-12"));
    fosse(["inspect".as_ref(), scene.folder.as_os_str()]).expect(0);
}

#[test]
fn images_that_do_not_overlap() {
    let scene = Scene::empty();
    Image::of(SMALL).write(&scene.image("2024-08-05"));
    let away = Image { corner: (659_000.0, 5_727_000.0), ..Image::of(SMALL) };
    away.write(&scene.image("2024-08-12"));
    refused(survey_of(&scene), scene.image("2024-08-12"), &["same place"]);
}

#[test]
fn an_all_nodata_tile() {
    let scene = Scene::dug(SMALL);
    let bad = scene.image("2024-08-19");
    write(&bad, &Image::of(SMALL).grid(), &ndarray::Array3::zeros((1, SMALL.0, SMALL.1)));
    done_without(&scene, survey_of(&scene), &bad, &["no valid pixels"]);

    let alone = Scene::empty();
    Image::of(SMALL).write(&alone.image("2024-08-05"));
    let bad = alone.image("2024-08-12");
    write(&bad, &Image::of(SMALL).grid(), &ndarray::Array3::zeros((1, SMALL.0, SMALL.1)));
    let ran = survey_of(&alone);
    assert!(matches!(ran.code, 2 | 3), "{ran:#?}");
    says(&ran.stderr, &bad, &["no valid pixels"]);
}

#[test]
fn a_file_of_roads_that_is_not_there() {
    let scene = Scene::dug(SMALL);
    let missing = scene.beside("roads.geojson");
    let context = format!("roads={}", missing.display());
    let ran = survey(&scene.folder, &scene.front, &scene.out, &["--context", &context]);
    refused(ran, &missing, &["check its name"]);
}

#[test]
fn a_front_that_is_none() {
    let scene = Scene::dug(SMALL);
    let points = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"date":"2024-08-14"},
        "geometry":{"type":"Point","coordinates":[35.2,51.5]}}]}"#;
    let nothing = r#"{"type":"FeatureCollection","features":[]}"#;
    let undated = r#"{"type":"LineString","coordinates":[[35.0,51.5],[35.5,51.5]]}"#;
    let swapped = r#"{"type":"Feature","properties":{"date":"2024-08-14"},
        "geometry":{"type":"LineString","coordinates":[[5727000.0,657000.0],[5727000.0,658000.0]]}}"#;
    for (name, text, remedy) in [
        ("empty.geojson", "", "GeoJSON"),
        ("nothing.geojson", nothing, "LineString"),
        ("points.geojson", points, "LineString"),
        ("prose.geojson", "The front runs along the river.", "GeoJSON"),
        ("undated.geojson", undated, "--front-date"),
        ("metres.geojson", swapped, "EPSG:4326"),
    ] {
        let front = scene.beside(name);
        std::fs::write(&front, text).unwrap();
        refused(survey(&scene.folder, &front, &scene.out, &[]), &front, &[remedy]);
        assert!(!scene.out.exists(), "{name}: a run that did nothing leaves nothing");
    }
    let missing = scene.beside("missing.geojson");
    refused(survey(&scene.folder, &missing, &scene.out, &[]), &missing, &["No such file", "does not exist"]);
}

#[test]
fn an_output_folder_that_is_taken() {
    let scene = Scene::dug(SMALL);
    survey_of(&scene).expect(0);
    let note = scene.out.join("note.txt");
    std::fs::write(&note, "mine").unwrap();
    let before = files(&scene.out);
    refused(survey_of(&scene), &scene.out, &["--overwrite"]);
    assert!(before == files(&scene.out), "a refused run changes nothing");

    survey(&scene.folder, &scene.front, &scene.out, &["--overwrite"]).expect(0);
    let after = files(&scene.out);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert_eq!(before["earthworks.geojson"], after["earthworks.geojson"]);
    assert_eq!(after["note.txt"], b"mine", "a foreign file is left alone");

    let file = scene.beside("file");
    std::fs::write(&file, "").unwrap();
    refused(survey(&scene.folder, &scene.front, &file, &[]), &file, &["folder"]);
}

/// In a file system of 16 KiB where one can be mounted, else in a process whose files may not grow beyond 1 KiB.
#[cfg(target_os = "linux")]
#[test]
fn no_space_left() {
    let scene = Scene::dug(SMALL);
    std::fs::create_dir(&scene.out).unwrap();
    let line = survey_line(&scene.folder, &scene.front, &scene.out, &["--quiet"]);
    let mounted = r#"mount -t tmpfs -o size=16k tmpfs "$0" || exit 99; exec "$@""#;
    let limited = r#"trap '' XFSZ; ulimit -f 1; exec "$@""#;
    let ways: [(&str, &[&str], &str); 3] = [
        ("unshare", &["--mount", "sh", "-c"], mounted),
        ("unshare", &["--user", "--map-root-user", "--mount", "sh", "-c"], mounted),
        ("bash", &["-c"], limited),
    ];
    for (program, options, script) in ways {
        let output = Command::new(program)
            .args(options)
            .arg(script)
            .arg(&scene.out)
            .arg(binary())
            .args(&line)
            .stdin(Stdio::null())
            .output();
        // unshare is missing or not permitted (1), or the mount failed (99): the next way.
        let Ok(output) = output else { continue };
        if matches!(output.status.code(), Some(1 | 99)) && script == mounted {
            continue;
        }
        let remedy: &[&str] = if script == mounted { &["no space left"] } else { &["File too large"] };
        refused(Ran::of(&output), &scene.out, remedy);
        return;
    }
    eprintln!("SKIPPED: no_space_left: neither unshare nor bash runs here");
}

#[test]
fn an_unknown_key_in_the_config() {
    let scene = Scene::dug(SMALL);
    let config = scene.beside("survey.toml");
    for (text, key) in [("windw_px = 512\n", "windw_px"), ("[proposal]\nmin_chanc = 20\n", "min_chanc")] {
        std::fs::write(&config, text).unwrap();
        let ran = survey(&scene.folder, &scene.front, &scene.out, &["--config", &config.to_string_lossy()]);
        refused(ran, &config, &[key]);
    }
    std::fs::write(&config, "this is no TOML").unwrap();
    let ran = survey(&scene.folder, &scene.front, &scene.out, &["--config", &config.to_string_lossy()]);
    refused(ran, &config, &["expected"]);
}

#[test]
fn an_option_out_of_range() {
    let scene = Scene::dug(SMALL);
    refused(
        survey(&scene.folder, &scene.front, &scene.out, &["--window", "3"]),
        "window_px",
        &["128 to 8192"],
    );
    let ran = survey(&scene.folder, &scene.front, &scene.out, &["--window", "many"]).expect(2);
    assert!(ran.stderr.contains("--window"), "{}", ran.stderr);
    let ran = survey(&scene.folder, &scene.front, &scene.out, &["--min-confidence", "1.5"]);
    refused(ran, "min_confidence", &["0 to 1"]);
    assert!(!scene.out.exists());
}

/// A trait of the tests alone: `inspect` lists what it found before it objects.
trait WithoutStdout {
    fn without_stdout(self) -> Self;
}

impl WithoutStdout for Ran {
    fn without_stdout(mut self) -> Self {
        self.stdout.clear();
        self
    }
}
