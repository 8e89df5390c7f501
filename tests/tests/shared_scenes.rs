//! The eight scenes of `../shared/bench/scenes`: real ground, rendered works. What the detector must reach.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use fosse_tests::lines::{features, score};
use fosse_tests::program::{json, survey};
use fosse_tests::{root, scene};

const DUG: [&str; 6] =
    ["d1_same_season", "d2_crop_change", "d3_harvest", "d4_wet_year", "d5_two_vendors", "d6_nodata_haze"];
const QUIET: [&str; 2] = ["q1_quiet", "q2_quiet_crops"];

/// Confidence from which a detection counts, as in `score.py`.
const SURE: f64 = 0.5;

fn scenes() -> Option<PathBuf> {
    let folder = root().parent()?.join("shared/bench/scenes");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there", folder.display());
    None
}

#[test]
fn the_scenes_are_found_and_the_quiet_ones_are_quiet() {
    let Some(scenes) = scenes() else { return };
    let dir = tempfile::tempdir().unwrap();
    let front = dir.path().join("front.geojson");
    scene::write_front(&front);
    let mut table = String::from("scene             completeness correctness false alarms/km2\n");
    let mut scored = |name: &str| {
        let out = dir.path().join(name);
        let ran = survey(&scenes.join(name), &front, &out, &["--no-chips"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        let truth = json(&scenes.join(name).join("truth.geojson"));
        let area_km2 = truth["area_km2"].as_f64().expect("the truth knows its area");
        let s = score(&features(&truth), &features(&json(&out.join("earthworks.geojson"))), SURE);
        let alarms = s.false_alarms as f64 / area_km2;
        table += &format!("{name:17} {:12.2} {:11.2} {alarms:16.1}\n", s.completeness, s.correctness);
        (s, alarms)
    };
    let dug = DUG.map(&mut scored);
    let quiet = QUIET.map(&mut scored);
    eprintln!("{table}");
    let mean = |of: fn(&fosse_tests::lines::Score) -> f64| dug.iter().map(|(s, _)| of(s)).sum::<f64>() / 6.0;
    let (completeness, correctness) = (mean(|s| s.completeness), mean(|s| s.correctness));
    eprintln!("d1–d6, mean       {completeness:12.2} {correctness:11.2}");
    assert!(completeness >= 0.70, "completeness {completeness:.3}\n{table}");
    assert!(correctness >= 0.90, "correctness {correctness:.3}\n{table}");
    for ((_, alarms), name) in quiet.iter().zip(QUIET) {
        assert!(*alarms < 15.0, "{name}: {alarms:.1} false alarms per km2\n{table}");
    }
}
