//! Many scenes in one table.

use std::fmt::Write as _;

use serde::Serialize;

use crate::bootstrap::{Estimate, estimate};
use crate::breakdown::{Breakdown, Part, breakdown};
use crate::curves::{FrocPoint, ReliabilityBin, froc, reliability};
use crate::{Matched, Options, Score, score};

/// A scene that was looked at, or why it was not.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub outcome: Result<Looked, String>,
}

/// What came of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// Truth and detections.
    pub matched: Matched,
    /// Ground that was assessed.
    pub assessed_km2: f64,
    /// Ground that was not.
    pub not_assessed_km2: f64,
    /// Images and pairs of the scene that were skipped, with the reason.
    pub skipped: Vec<String>,
}

/// The table of a suite. Scenes with truth and scenes without are told apart: on the latter every detection is a false
/// alarm.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suite {
    /// Distance within which two lines count as one, metres.
    pub buffer_m: f64,
    /// Confidence from which a detection counts.
    pub min_confidence: f64,
    /// Scenes with truth, by name.
    pub dug: Vec<Row>,
    /// Means over them.
    pub dug_mean: Means,
    /// Scenes without truth, by name.
    pub quiet: Vec<Row>,
    /// Mean over them.
    pub quiet_false_alarms_per_km2: Option<Estimate>,
    /// Scenes that were not looked at, by name.
    pub failed: Vec<Failed>,
    /// Parts of the truth of all scenes together.
    pub breakdown: Breakdown,
    /// False alarms against completeness, all scenes together.
    pub froc: Vec<FrocPoint>,
    /// Confidence against truth, all scenes together.
    pub reliability: Vec<ReliabilityBin>,
}

/// A scene that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name.
    pub scene: String,
    /// Ground that was assessed.
    pub assessed_km2: f64,
    /// Ground that was not.
    pub not_assessed_km2: f64,
    /// What of it was skipped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// Its figures.
    pub score: Score,
}

/// A scene that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its name.
    pub scene: String,
    /// Cause and remedy.
    pub reason: String,
}

/// Means over scenes with truth; `None` where no scene has the figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[allow(missing_docs)] // the figures are those of [`Score`]
pub struct Means {
    pub completeness: Option<Estimate>,
    pub correctness: Option<Estimate>,
    pub quality: Option<Estimate>,
    pub f1: Option<Estimate>,
    pub false_alarms_per_km2: Option<Estimate>,
    pub recall_trench: Option<Estimate>,
    pub recall_anti_vehicle_ditch: Option<Estimate>,
    pub class_accuracy: Option<Estimate>,
    pub width_error_median_m: Option<Estimate>,
    pub width_bias_m: Option<Estimate>,
    pub position_rmse_m: Option<Estimate>,
    pub average_precision: Option<Estimate>,
    pub calibration_error: Option<Estimate>,
}

impl Suite {
    /// The table of `scenes`, which were matched with `options`.
    pub fn new(scenes: &[Scene], options: &Options) -> Self {
        let mut scenes: Vec<&Scene> = scenes.iter().collect();
        scenes.sort_by(|a, b| a.name.cmp(&b.name));
        let (mut dug, mut quiet, mut failed, mut matched) = (vec![], vec![], vec![], vec![]);
        for scene in scenes {
            let name = scene.name.clone();
            match &scene.outcome {
                Err(reason) => failed.push(Failed { scene: name, reason: reason.clone() }),
                Ok(looked) => {
                    matched.push(&looked.matched);
                    let rows = if looked.matched.truth.is_empty() { &mut quiet } else { &mut dug };
                    rows.push(Row {
                        scene: name,
                        assessed_km2: looked.assessed_km2,
                        not_assessed_km2: looked.not_assessed_km2,
                        skipped: looked.skipped.clone(),
                        score: score(&looked.matched, options),
                    });
                }
            }
        }
        Self {
            buffer_m: options.buffer_m,
            min_confidence: options.min_confidence,
            dug_mean: Means::of(&dug),
            quiet_false_alarms_per_km2: over(&quiet, |s| s.false_alarms_per_km2),
            dug,
            quiet,
            failed,
            breakdown: breakdown(&matched, options.min_confidence),
            froc: froc(&matched),
            reliability: reliability(&matched),
        }
    }

    /// The table for a person. `by` says which program made the detections.
    pub fn markdown(&self, by: &str) -> String {
        let mut out =
            format!("# Detections against {} scenes with known truth\n\n", self.dug.len() + self.quiet.len());
        let _ = writeln!(
            out,
            "{by}. Detections of confidence {} and up; lines within {} m of each other count as one (buffer method, \
             Wiedemann et al. 1998). In brackets: 95 % interval of the mean, by bootstrap over scenes.",
            self.min_confidence, self.buffer_m
        );
        self.dug_table(&mut out);
        self.quiet_table(&mut out);
        self.parts_table(&mut out);
        if !self.failed.is_empty() {
            out.push_str("\n## Not looked at\n\n| scene | reason |\n| --- | --- |\n");
            for f in &self.failed {
                let _ = writeln!(out, "| {} | {} |", cell(&f.scene), cell(&f.reason));
            }
        }
        let partly =
            || self.dug.iter().chain(&self.quiet).flat_map(|r| r.skipped.iter().map(move |s| (r, s)));
        if partly().next().is_some() {
            out.push_str("\n## Looked at in part\n\n| scene | skipped |\n| --- | --- |\n");
            for (row, skipped) in partly() {
                let _ = writeln!(out, "| {} | {} |", cell(&row.scene), cell(skipped));
            }
        }
        out
    }

    fn dug_table(&self, out: &mut String) {
        if self.dug.is_empty() {
            return;
        }
        out.push_str(
            "\n## Scenes with earthworks\n\n\
             | scene | truth m | assessed km² | completeness | correctness | quality | F1 | false alarms / km² \
             | average precision | calibration error | class accuracy | width error m | position error m |\n\
             | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n",
        );
        for row in &self.dug {
            let s = &row.score;
            let _ = write!(out, "| {} | {:.0} | {:.2} |", cell(&row.scene), s.truth_m, row.assessed_km2);
            let short = [s.completeness, s.correctness, s.quality, s.f1];
            short.iter().for_each(|v| push(out, *v, 2));
            push(out, s.false_alarms_per_km2, 1);
            let short = [s.average_precision, s.calibration_error, s.class_accuracy];
            short.iter().for_each(|v| push(out, *v, 2));
            [s.width_error_median_m, s.position_rmse_m].iter().for_each(|v| push(out, *v, 2));
            out.push('\n');
        }
        let m = &self.dug_mean;
        let _ = write!(out, "| **mean of {}** | | |", self.dug.len());
        [m.completeness, m.correctness, m.quality, m.f1].iter().for_each(|v| push_mean(out, *v, 2));
        push_mean(out, m.false_alarms_per_km2, 1);
        let short = [m.average_precision, m.calibration_error, m.class_accuracy];
        short.iter().for_each(|v| push_mean(out, *v, 2));
        [m.width_error_median_m, m.position_rmse_m].iter().for_each(|v| push_mean(out, *v, 2));
        out.push('\n');
    }

    fn quiet_table(&self, out: &mut String) {
        if self.quiet.is_empty() {
            return;
        }
        out.push_str(
            "\n## Quiet scenes: every detection is a false alarm\n\n\
             | scene | assessed km² | false alarms | m | false alarms / km² |\n| --- | --: | --: | --: | --: |\n",
        );
        for row in &self.quiet {
            let s = &row.score;
            let (alarms, m) = (s.false_alarms, s.false_alarm_m);
            let _ = write!(out, "| {} | {:.2} | {alarms} | {m:.0} |", cell(&row.scene), row.assessed_km2);
            push(out, s.false_alarms_per_km2, 1);
            out.push('\n');
        }
        let _ = write!(out, "| **mean of {}** | | | |", self.quiet.len());
        push_mean(out, self.quiet_false_alarms_per_km2, 1);
        out.push('\n');
    }

    fn parts_table(&self, out: &mut String) {
        let parts = self.breakdown.parts();
        if !parts.is_empty() {
            out.push_str(
                "\n## Parts of the truth, all scenes together\n\n\
                 | | lines | m | completeness | half or more found |\n| --- | --: | --: | --: | --: |\n",
            );
        }
        for (what, Part { truth_objects, truth_m, completeness, completeness_95, recall }) in parts {
            let _ = write!(out, "| {what} | {truth_objects} | {truth_m:.0} |");
            match (completeness, completeness_95) {
                (Some(share), Some((low, high))) => {
                    let _ = write!(out, " {share:.2} ({low:.2}–{high:.2}) |");
                }
                _ => push(out, *completeness, 2),
            }
            push(out, *recall, 2);
            out.push('\n');
        }
        let kinds = &self.breakdown.false_alarms;
        if kinds.keys().any(|kind| kind != "none") {
            out.push_str("\n## False alarms by what they follow\n\n| | false alarms |\n| --- | --: |\n");
            for (kind, alarms) in kinds {
                let _ = writeln!(out, "| {} | {alarms} |", cell(kind));
            }
        }
    }
}

impl Means {
    fn of(rows: &[Row]) -> Self {
        Self {
            completeness: over(rows, |s| s.completeness),
            correctness: over(rows, |s| s.correctness),
            quality: over(rows, |s| s.quality),
            f1: over(rows, |s| s.f1),
            false_alarms_per_km2: over(rows, |s| s.false_alarms_per_km2),
            recall_trench: over(rows, |s| s.recall_trench),
            recall_anti_vehicle_ditch: over(rows, |s| s.recall_anti_vehicle_ditch),
            class_accuracy: over(rows, |s| s.class_accuracy),
            width_error_median_m: over(rows, |s| s.width_error_median_m),
            width_bias_m: over(rows, |s| s.width_bias_m),
            position_rmse_m: over(rows, |s| s.position_rmse_m),
            average_precision: over(rows, |s| s.average_precision),
            calibration_error: over(rows, |s| s.calibration_error),
        }
    }
}

fn over(rows: &[Row], figure: fn(&Score) -> Option<f64>) -> Option<Estimate> {
    estimate(&rows.iter().filter_map(|r| figure(&r.score)).collect::<Vec<_>>())
}

/// ` 0.48 |`, or a dash.
fn push(out: &mut String, value: Option<f64>, decimals: usize) {
    let _ = match value {
        Some(v) => write!(out, " {v:.decimals$} |"),
        None => write!(out, " – |"),
    };
}

/// ` **0.48** (0.31–0.62) |`, or a dash.
fn push_mean(out: &mut String, value: Option<Estimate>, decimals: usize) {
    let _ = match value {
        Some(Estimate { mean, low: Some(low), high: Some(high), .. }) => {
            write!(out, " **{mean:.decimals$}** ({low:.decimals$}–{high:.decimals$}) |")
        }
        Some(Estimate { mean, .. }) => write!(out, " **{mean:.decimals$}** |"),
        None => write!(out, " – |"),
    };
}

/// Text that cannot break a row.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::{Covered, MatchedDetection, MatchedTruth};

    fn scene(name: &str, truth_m: f64, found_m: f64) -> Scene {
        let truth = MatchedTruth {
            class: "trench".to_owned(),
            length_m: truth_m,
            width_m: Some(1.5),
            contrast: None,
            covered: vec![Covered { length_m: found_m, by: vec![0] }],
        };
        let found = MatchedDetection {
            class: Some("trench".to_owned()),
            confidence: 0.9,
            length_m: 50.0,
            share: if truth_m > 0.0 { 1.0 } else { 0.0 },
            width_m: None,
            follows: (truth_m > 0.0).then_some(0),
            offsets_m2: vec![],
            along: None,
        };
        let truth = if truth_m > 0.0 { vec![truth] } else { vec![] };
        let matched = Matched { area_km2: Some(0.5), truth, found: vec![found], ignored: 0 };
        let looked = Looked { matched, assessed_km2: 0.5, not_assessed_km2: 0.0, skipped: vec![] };
        Scene { name: name.to_owned(), outcome: Ok(looked) }
    }

    #[test]
    fn scenes_are_sorted_and_quiet_ones_stand_apart() {
        let failed = Scene { name: "c".to_owned(), outcome: Err("a|b\nc".to_owned()) };
        let scenes = [scene("d", 100.0, 20.0), failed, scene("q", 0.0, 0.0), scene("b", 100.0, 60.0)];
        let suite = Suite::new(&scenes, &Options::default());
        let names: Vec<_> = suite.dug.iter().map(|r| r.scene.as_str()).collect();
        assert_eq!(names, ["b", "d"]);
        let mean = suite.dug_mean.completeness.unwrap();
        assert!((mean.mean - 0.4).abs() < 1e-12);
        assert_eq!((mean.low, mean.high), (Some(0.2), Some(0.6)));
        assert_eq!(suite.quiet_false_alarms_per_km2.unwrap().mean, 2.0);
        let text = suite.markdown("A test");
        assert!(text.contains("| b | 100 | 0.50 | 0.60 | 1.00 |"), "{text}");
        assert!(text.contains("| **mean of 2** | | | **0.40** (0.20–0.60) |"), "{text}");
        assert!(text.contains("| q | 0.50 | 1 | 50 | 2.0 |"), "{text}");
        assert!(text.contains("| trench | 2 | 200 | 0.40 (0.20–0.60) |"), "{text}");
        assert!(text.contains("| c | a\\|b c |"), "{text}");
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_head() {
        let scenes = [scene("d", 100.0, 20.0), scene("q", 0.0, 0.0)];
        let text = Suite::new(&scenes, &Options::default()).markdown("A test");
        let cells = |line: &str| line.matches('|').count();
        for table in text.split("\n\n").filter(|t| t.starts_with('|')) {
            let head = table.lines().next().map(cells);
            assert!(table.lines().all(|l| Some(cells(l)) == head), "{table}");
        }
    }
}
