//! Simulated scenes, detected and scored: no front line, no documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use pipeline::{
    DetectOptions, Error, LookOptions, Quiet, SceneOptions, SimulateOptions, Stop, Subject, SuiteOptions,
    detect, evaluate_suite, looks, scoring, simulate,
};

/// Writes a scene of 512 px.
async fn scene(out: &Path, seed: u64, quiet: bool) {
    let scene = SceneOptions { seed, quiet, size_px: 512, ..SceneOptions::default() };
    let subject = Subject::Scene(scene);
    let options = SimulateOptions { out: out.to_owned(), subject, jpeg_quality: None, threads: 1 };
    simulate(&options, Arc::new(Quiet), Stop::default()).await.unwrap();
}

fn suite(folder: &Path, threads: usize) -> SuiteOptions {
    SuiteOptions {
        folder: folder.to_owned(),
        score: scoring::Options::default(),
        detect: DetectOptions { threads, ..DetectOptions::default() },
        out: None,
        overwrite: false,
        plots: None,
    }
}

#[tokio::test]
async fn a_folder_is_compared_without_a_front_line() {
    let dir = tempfile::tempdir().unwrap();
    scene(dir.path(), 7, false).await;
    let run = async |threads, stop| {
        let options = DetectOptions { threads, ..DetectOptions::default() };
        detect(dir.path(), &options, Arc::new(Quiet), stop).await
    };
    let found = run(1, Stop::default()).await.unwrap();
    assert!(!found.earthworks.is_empty() && found.skipped.is_empty(), "{found:?}");
    assert_eq!(found.pairs_done, 1);
    let ids: BTreeSet<&str> = found.earthworks.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids.len(), found.earthworks.len());
    assert!(found.earthworks.windows(2).all(|w| w[0].confidence >= w[1].confidence));
    let covered: f64 = found.coverage.iter().map(|c| c.area_km2).sum();
    assert!((covered - found.assessed_km2 - found.not_assessed_km2).abs() < 1e-9, "{covered} km²");
    assert_eq!(run(2, Stop::default()).await.unwrap(), found);

    let stop = Stop::default();
    stop.request();
    assert!(matches!(run(1, stop).await, Err(Error::Stopped { done: 0, total: 1 })));
}

#[tokio::test]
async fn simulated_scenes_make_a_suite() {
    let dir = tempfile::tempdir().unwrap();
    scene(&dir.path().join("dug"), 7, false).await;
    scene(&dir.path().join("quiet"), 8, true).await;
    let one = evaluate_suite(&suite(dir.path(), 1), Arc::new(Quiet), Stop::default()).await.unwrap();
    let (dug, quiet) = (&one.suite.dug[0], &one.suite.quiet[0]);
    assert_eq!((dug.scene.as_str(), quiet.scene.as_str()), ("dug", "quiet"));
    assert!(dug.score.truth_m > 0.0 && dug.score.area_km2.is_some(), "{:?}", dug.score);
    assert!(quiet.score.false_alarms_per_km2.is_some(), "{:?}", quiet.score);
    assert!(!one.is_partial());
    let two = evaluate_suite(&suite(dir.path(), 2), Arc::new(Quiet), Stop::default()).await.unwrap();
    assert_eq!(one, two);
}

#[tokio::test]
async fn what_the_network_is_trained_on_lies_under_its_truth() {
    let dir = tempfile::tempdir().unwrap();
    scene(&dir.path().join("scenes/a"), 7, false).await;
    scene(&dir.path().join("scenes/b"), 8, true).await;
    let options = LookOptions {
        folder: dir.path().join("scenes"),
        out: dir.path().join("out"),
        diff: Default::default(),
        threads: 1,
    };
    assert_eq!(looks(&options, Arc::new(Quiet), Stop::default()).await.unwrap(), 2);
    let head: serde_json::Value =
        serde_json::from_slice(&std::fs::read(options.out.join("looks.json")).unwrap()).unwrap();
    let all = head["looks"].as_array().unwrap();
    let works = |look: &serde_json::Value| -> Vec<serde_json::Value> {
        let dug =
            |l: &&serde_json::Value| ["trench", "anti_vehicle_ditch"].contains(&l["class"].as_str().unwrap());
        look["lines"].as_array().unwrap().iter().filter(dug).cloned().collect()
    };
    assert!(!works(&all[0]).is_empty() && works(&all[1]).is_empty());
    for look in all {
        let side = |key: &str| look[key].as_u64().unwrap() as usize;
        let (rows, cols) = (side("rows"), side("cols"));
        let bytes = std::fs::read(options.out.join(look["file"].as_str().unwrap())).unwrap();
        assert_eq!(bytes.len(), 12 * rows * cols);
        let levels: Vec<u16> = bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
        // On the line it is darker than 3 m beside it, on the later date.
        let later = |row: f64, col: f64| -> Option<f64> {
            let (r, c) = (row as usize, col as usize);
            (r < rows && c < cols).then(|| f64::from(levels[(4 * rows + r) * cols + c])).filter(|v| *v > 0.0)
        };
        let (mut on, mut beside) = (vec![], vec![]);
        for work in works(look) {
            assert!(work["width_m"].as_f64().unwrap() > 0.5);
            let points: Vec<(f64, f64)> = work["points"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| (p[0].as_f64().unwrap(), p[1].as_f64().unwrap()))
                .collect();
            for w in points.windows(2) {
                let (dr, dc) = (w[1].0 - w[0].0, w[1].1 - w[0].1);
                let n = dr.hypot(dc).max(1e-9);
                let at = (0.5 * (w[0].0 + w[1].0), 0.5 * (w[0].1 + w[1].1));
                on.extend(later(at.0, at.1));
                beside.extend(later(at.0 + 6.0 * dc / n, at.1 - 6.0 * dr / n));
            }
        }
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
        assert!(on.is_empty() || mean(&on) < 0.95 * mean(&beside), "{} {}", mean(&on), mean(&beside));
    }
}

#[tokio::test]
async fn a_model_that_is_none_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("model.json");
    std::fs::write(&file, "{}").unwrap();
    let options = DetectOptions { model: Some(file.clone()), ..DetectOptions::default() };
    let error = detect(dir.path(), &options, Arc::new(Quiet), Stop::default()).await.unwrap_err();
    assert!(matches!(&error, Error::Model { path: Some(p), .. } if *p == file), "{error}");
    let missing = DetectOptions { model: Some(dir.path().join("none")), ..DetectOptions::default() };
    let error = detect(dir.path(), &missing, Arc::new(Quiet), Stop::default()).await.unwrap_err();
    assert!(matches!(error, Error::ModelUnreadable { .. }), "{error}");
}
