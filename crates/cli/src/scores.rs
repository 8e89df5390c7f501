//! What `evaluate` shows to a person.

use std::fmt::Write as _;

use pipeline::scoring::Score;

/// The figures of a scene as text.
pub fn scene(s: &Score, min_confidence: f64) -> String {
    let mut out = String::new();
    let mut line = |what: &str, value: String| {
        let _ = writeln!(out, "{what:22} {value}");
    };
    line("truth", format!("{} lines, {:.1} m", s.truth_objects, s.truth_m));
    line(
        "detections",
        format!("{} of confidence {min_confidence} and up, {:.1} m", s.detections, s.detected_m),
    );
    line("completeness", number(s.completeness, 4));
    line("correctness", number(s.correctness, 4));
    line("quality", number(s.quality, 4));
    line("F1", number(s.f1, 4));
    let per_km2 = s.false_alarms_per_km2.map_or_else(
        || "; the truth names no area_km2".to_owned(),
        |v| format!(", {v:.1} per km² of {} km²", s.area_km2.unwrap_or_default()),
    );
    line("false alarms", format!("{}, {:.1} m{per_km2}", s.false_alarms, s.false_alarm_m));
    line("average precision", number(s.average_precision, 4));
    line("calibration error", number(s.calibration_error, 4));
    line("class accuracy", format!("{} of {} matched", number(s.class_accuracy, 4), s.matched_detections));
    line(
        "width error",
        format!("{} m, bias {} m (medians)", number(s.width_error_median_m, 2), number(s.width_bias_m, 2)),
    );
    line("position error", format!("{} m (rms)", number(s.position_rmse_m, 2)));
    if s.ignored_detections > 0 {
        line("left out", format!("{} detections along ignored truth", s.ignored_detections));
    }
    let parts = s.breakdown.parts();
    if !parts.is_empty() {
        let _ = writeln!(
            out,
            "\n{:22} {:>5} {:>9} {:>12} {:>6}",
            "of the truth", "lines", "m", "completeness", "recall"
        );
    }
    for (what, p) in parts {
        let _ = writeln!(
            out,
            "{what:22} {:>5} {:>9.1} {:>12} {:>6}",
            p.truth_objects,
            p.truth_m,
            number(p.completeness, 2),
            number(p.recall, 2)
        );
    }
    out
}

/// A figure, or a dash where there is nothing to measure it on.
fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.decimals$}"))
}
