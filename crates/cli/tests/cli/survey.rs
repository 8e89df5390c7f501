//! The built binary, from images to documents.

use std::fs;

use crate::support::{Ended, Folder, Tiff, fosse};

/// Every file of a run but `run.json`, with its bytes.
fn documents(folder: &Folder, out: &str) -> Vec<(String, Vec<u8>)> {
    let list = |path: std::path::PathBuf| {
        fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_file()).collect::<Vec<_>>()
    };
    let mut files = list(folder.path(out));
    files.extend(list(folder.path(out).join("chips")));
    let mut documents: Vec<_> = files
        .into_iter()
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read(p).unwrap()))
        .filter(|(name, _)| name != "run.json")
        .collect();
    documents.sort();
    documents
}

#[test]
fn a_trench_is_found_measured_and_drawn() {
    let folder = Folder::with_pair();
    let ended = folder.survey(&[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("out/report.md"), "{ended:?}");
    let found: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path("out/earthworks.geojson")).unwrap()).unwrap();
    let features = found["features"].as_array().unwrap();
    assert_eq!(features.len(), 1, "{features:?}");
    let p = &features[0]["properties"];
    assert!((p["length_m"].as_f64().unwrap() - 60.0).abs() < 8.0, "{p}");
    // From the middle line of the trench straight south to the front GeographicLib says 19,158.4 m; its corners reach
    // 1.5 m farther.
    assert!((p["distance_m"].as_f64().unwrap() - 19_156.9).abs() < 2.0, "{p}");
    assert_eq!((p["direction"].as_str(), p["front_source"].as_str()), (Some("N"), Some("a test")));
    assert_eq!(p["earlier"], "2024-08-05T00:00:00Z");
    let id = p["id"].as_str().unwrap();
    assert!(folder.path(&format!("out/chips/{id}.png")).is_file());
    let report = fs::read_to_string(folder.path("out/report.md")).unwrap();
    assert!(report.contains("N of the claimed limit of 12 August 2024") && report.contains(id), "{report}");
    let run = folder.run();
    assert_eq!((&run["counts"]["pairs_done"], &run["pairs"][0]["status"]), (&1.into(), &"done".into()));
}

#[test]
fn the_documents_do_not_depend_on_threads_or_windows() {
    let folder = Folder::with_pair();
    for (out, threads, window) in [("a", "1", "1024"), ("b", "2", "128")] {
        let args = ["survey", "images", "--front", "front.geojson", "--out", out];
        let ended = folder.fosse(&[&args[..], &["--threads", threads, "--window", window]].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    assert_eq!(documents(&folder, "a"), documents(&folder, "b"));
}

#[test]
fn options_come_from_the_config_file() {
    let folder = Folder::with_pair();
    folder.write(
        "conf/survey.toml",
        "folder = '../images'\nout = '../out'\nchips = false\n[front]\nfile = '../front.geojson'\nsource = 'the file'\n",
    );
    let ended = folder.fosse(&["survey", "--config", "conf/survey.toml", "--quiet"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(!folder.path("out/chips").exists());
    let run = folder.run();
    assert_eq!(
        (&run["fronts"][0]["source"], &run["options"]["chips"]["draw"]),
        (&"the file".into(), &false.into())
    );
}

#[test]
fn pictures_beyond_the_limit_are_left_out_and_said() {
    let folder = Folder::with_pair();
    assert_eq!(folder.survey(&["--max-chips", "0"]).code, Some(0));
    assert_eq!(folder.run()["chips"]["left_out"], 1);
    assert!(fs::read_to_string(folder.path("out/report.md")).unwrap().contains("--max-chips"));
}

#[test]
fn inspect_lists_without_computing() {
    let folder = Folder::with_pair();
    folder.image("2024-08-20", Tiff { crs: false, ..Tiff::default() });
    let table = folder.fosse(&["inspect", "images"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(
        table.stdout.contains("2 usable images") && table.stdout.contains("1 pair to compare"),
        "{table:?}"
    );
    assert!(table.stdout.contains("2024-08-20.tif"), "{table:?}");
    let json = folder.fosse(&["inspect", "images", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(found["captures"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["pairs"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["skipped"].as_array().map(Vec::len), Some(1));
}

/// Two images of each pass, as a panchromatic and a multispectral one of an order.
#[test]
fn a_view_that_comes_twice_is_compared_once_and_named() {
    let folder = Folder::with_pair();
    for day in ["2024-08-05", "2024-08-12"] {
        let image = std::fs::read(folder.path(&format!("images/{day}.tif"))).unwrap();
        for name in [day.to_owned(), format!("{day}_again")] {
            folder.write(&format!("images/{name}.tif"), &image);
            folder.write(
                &format!("images/{name}.json"),
                format!("{{\"datetime\": \"{day}T08:41:07Z\"}}").as_bytes(),
            );
        }
    }
    let inspected = |rule: &str| -> serde_json::Value {
        let ended = folder.fosse(&["inspect", "images", "--format", "json", "--pairs", rule]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    };
    let found = inspected("consecutive");
    assert_eq!(found["pairs"].as_array().unwrap().len(), 1);
    assert_eq!(found["skipped"].as_array().map(Vec::len), Some(0));
    let left_out = found["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 2);
    for (left_out, day) in left_out.iter().zip(["2024-08-05", "2024-08-12"]) {
        assert!(left_out["path"].as_str().unwrap().ends_with(&format!("{day}_again.tif")));
        let reason = left_out["reason"].as_str().unwrap();
        assert!(reason.contains("same view") && reason.contains(&format!("{day}.tif")), "{reason}");
        assert!(reason.contains("--pairs"), "{reason}");
    }
    let all = inspected("all");
    assert_eq!((all["pairs"].as_array().unwrap().len(), all["left_out"].as_array().unwrap().len()), (4, 0));
    // A survey over it is as fine as the order, and says what it did not look at; so does its report when it is made anew.
    let ended = folder.survey(&[]);
    assert_eq!((ended.code, ended.stderr.contains("skipped")), (Some(0), false), "{ended:?}");
    let run = folder.run();
    assert_eq!((&run["skipped"], &run["counts"]["skipped"]), (&serde_json::json!([]), &0.into()));
    assert!(run["left_out"][1]["what"].as_str().unwrap().ends_with("2024-08-12_again.tif"), "{run}");
    for again in [false, true] {
        let report = std::fs::read_to_string(folder.path("out/report.md")).unwrap();
        for day in ["2024-08-05", "2024-08-12"] {
            assert!(
                report.contains(&format!("images/{day}\\_again.tif: it shows the same view")),
                "{report}"
            );
        }
        if !again {
            let ended = folder.fosse(&["report", "out", "--front", "front.geojson"]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }
}

/// `fosse inspect … | head -1`: the reader goes, the program ends without a word.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_is_no_error() {
    let folder = Folder::with_pair();
    let mut child = std::process::Command::new(fosse())
        .args(["inspect", "images", "--json"])
        .current_dir(folder.path(""))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
}

/// A result that could not be written is not taken for written, in any format.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let folder = Folder::with_pair();
    for format in ["json", "geojson", "html", "table"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ended = std::process::Command::new(fosse())
            .args(["inspect", "images", "--format", format])
            .current_dir(folder.path(""))
            .stdout(full)
            .output()
            .unwrap();
        let ended = Ended::of(&ended);
        assert_eq!(
            (ended.code, ended.stderr.contains("No space left")),
            (Some(1), true),
            "{format}: {ended:?}"
        );
    }
}

/// Ctrl-C loses one pair at the most, and the resumed run writes what an uninterrupted one would have.
#[cfg(unix)]
#[test]
fn an_interrupted_run_is_resumed() {
    let folder = Folder::with_pair();
    for day in 13..28 {
        folder.image(&format!("2024-08-{day}"), Tiff { dug: day % 2 == 1, ..Tiff::default() });
    }
    let args = ["survey", "images", "--front", "front.geojson", "--threads", "1", "--no-chips", "--out"];
    let child = std::process::Command::new(fosse())
        .args(args)
        .arg("out")
        .current_dir(folder.path(""))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The first entry beside `version` is there: some pairs are done, others are not.
    let entries = || fs::read_dir(folder.path("out/.journal")).map_or(0, Iterator::count);
    while entries() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("of 16 pairs done; run again with --resume"), "{ended:?}");
    folder.fosse(&[&args[..], &["out"]].concat()).refused(&["interrupted", "--resume", "--overwrite"]);

    let resumed = folder.fosse(&[&args[..], &["out", "--resume"]].concat());
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let whole = folder.fosse(&[&args[..], &["whole"]].concat());
    assert_eq!(whole.code, Some(0), "{whole:?}");
    for name in ["earthworks.geojson", "coverage.geojson", "earthworks.csv", "report.md"] {
        let read = |out: &str| fs::read(folder.path(out).join(name)).unwrap();
        assert_eq!(read("out"), read("whole"), "{name}");
    }
    assert_eq!(folder.run()["pairs"][0]["status"], "resumed");
}

#[test]
fn a_simulated_order_is_surveyed() {
    let folder = Folder::new();
    let ended = folder.fosse(&["simulate", "--out", "order", "--size", "384", "--jpeg", "85", "--quiet"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(fs::read_to_string(folder.path("order/README.txt")).unwrap().starts_with("SIMULATED"));
    folder.fosse(&["simulate", "--out", "order", "--size", "384"]).refused(&["order"]);
    // The suite takes bits and turned soil, and says what it does not take before it makes a folder.
    folder.fosse(&["simulate", "--suite", "suite", "--bits", "9"]).refused(&["bits", "8 or 11"]);
    folder.fosse(&["simulate", "--suite", "suite", "--turned", "2"]).refused(&["turned_share", "0 to 1"]);
    folder.fosse(&["simulate", "--out", "s", "--straight", "2"]).refused(&["straight_share", "0 to 1"]);
    assert!(!folder.path("suite").exists() && !folder.path("s").exists());
    let args = ["survey", "order", "--front", "order/front.geojson", "--out", "out", "--no-chips"];
    let ended = folder.fosse(&args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let run = folder.run();
    assert_eq!(run["captures"][0]["date_source"], "stac_item");
    assert_eq!(run["fronts"][0]["class"], "claimed");
    assert!(run["counts"]["assessed_km2"].as_f64().unwrap() > 0.01);
    // What is said at the end is what the documents say.
    let covered: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path("out/coverage.geojson")).unwrap()).unwrap();
    for (assessed, count) in [(true, "assessed_km2"), (false, "not_assessed_km2")] {
        let of = covered["features"].as_array().unwrap().iter().map(|f| &f["properties"]);
        let sum: f64 =
            of.filter(|p| p["assessed"] == assessed).map(|p| p["area_km2"].as_f64().unwrap()).sum();
        let told = run["counts"][count].as_f64().unwrap();
        assert!((sum - told).abs() < 1e-3, "{count}: {told}, and {sum} in coverage.geojson");
    }
}

#[test]
fn works_are_dug_in_a_real_image_and_surveyed() {
    let folder = Folder::new();
    // Any image will do: here one that the program drew.
    let ended = folder.fosse(&["simulate", "--out", "order", "--size", "700", "--seed", "9", "--quiet"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let found = |of: &std::path::Path, end: &str| -> Vec<std::path::PathBuf> {
        let mut waiting = vec![of.to_owned()];
        let mut out = Vec::new();
        while let Some(path) = waiting.pop() {
            match fs::read_dir(&path) {
                Ok(entries) => waiting.extend(entries.map(|e| e.unwrap().path())),
                Err(_) => out.extend(path.to_string_lossy().ends_with(end).then_some(path)),
            }
        }
        out.sort();
        out
    };
    let images = found(&folder.path("order"), "-visual.tif");
    let (first, last) = (images[0].to_str().unwrap(), images[1].to_str().unwrap());
    let one = folder.fosse(&["simulate", "--out", "one", "--background", first, "--quiet"]);
    assert_eq!((one.code, one.stderr.as_str()), (Some(0), ""), "{one:?}");
    assert_eq!(found(&folder.path("one"), ".tif").len(), 2);
    assert!(folder.path("one/2024-08-05.tif").exists() && folder.path("one/2024-08-12.tif").exists());
    let truth: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path("one/truth.geojson")).unwrap()).unwrap();
    let works = truth["features"].as_array().unwrap();
    assert!(!works.is_empty());
    assert!(works.iter().all(|w| (0.0..1.0).contains(&w["properties"]["contrast"].as_f64().unwrap())));
    let args = ["simulate", "--out", "two", "--background", first, "--background", last, "--quiet"];
    let two = folder.fosse(&args);
    assert_eq!(two.code, Some(0), "{two:?}");
    // The same ground, the same seed, the same bytes.
    let again =
        folder.fosse(&["simulate", "--out", "again", "--background", first, "--threads", "1", "--quiet"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    for name in ["2024-08-05.tif", "2024-08-12.tif", "truth.geojson", "distractors.geojson"] {
        let read = |out: &str| fs::read(folder.path(out).join(name)).unwrap();
        assert_eq!(read("one"), read("again"), "{name}");
    }
    let wrong = ["simulate", "--out", "wrong", "--background", last, "--background", first, "--quiet"];
    folder.fosse(&wrong).refused(&["is not after", "name the earlier image first"]);
    let args = ["survey", "one", "--front", "one/front.geojson", "--out", "out", "--no-chips"];
    assert_eq!(folder.fosse(&args).code, Some(0));
    assert!(folder.run()["counts"]["assessed_km2"].as_f64().unwrap() > 0.01);
}
