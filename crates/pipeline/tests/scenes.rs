//! Simulated scenes, detected and scored: no front line, no documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use pipeline::{
    DetectOptions, Error, FeatureOptions, Quiet, SceneOptions, SimulateOptions, Stop, Subject, SuiteOptions,
    detect, evaluate_suite, features, scoring, simulate,
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
async fn what_a_judge_is_trained_on_is_labelled_by_the_truth() {
    let dir = tempfile::tempdir().unwrap();
    scene(&dir.path().join("scenes/a"), 7, false).await;
    scene(&dir.path().join("scenes/b"), 8, true).await;
    let options = FeatureOptions {
        folder: dir.path().join("scenes"),
        out: dir.path().join("out"),
        diff: Default::default(),
        threads: 1,
    };
    let rows = features(&options, Arc::new(Quiet), Stop::default()).await.unwrap();
    let head: serde_json::Value =
        serde_json::from_slice(&std::fs::read(options.out.join("features.json")).unwrap()).unwrap();
    let width = head["columns"].as_array().unwrap().len();
    let bytes = std::fs::read(options.out.join("features.f32")).unwrap();
    assert!(rows > 20 && head["rows"] == rows && bytes.len() == 4 * rows * width);
    let all: Vec<f32> = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    // Scene and share of each row: works in the first scene, none in the quiet one.
    let dug = |scene: f32| all.chunks(width).filter(|r| r[0] == scene && r[4] > 0.5).count();
    assert!(dug(0.0) > 3 && dug(1.0) == 0, "{} {}", dug(0.0), dug(1.0));
    assert!(all.iter().all(|v| v.is_finite()));
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
