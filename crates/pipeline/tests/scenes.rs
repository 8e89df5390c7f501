//! Simulated scenes, detected and scored: no front line, no documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use pipeline::{
    DetectOptions, Error, Quiet, SceneOptions, SimulateOptions, Stop, Subject, SuiteOptions, detect,
    evaluate_suite, scoring, simulate,
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
