//! Lines on a plane of metres, and the buffer method: what `../shared/bench/score.py` does, by sampling.
//!
//! Completeness, correctness after Wiedemann, Heipke, Mayer & Jamet (1998). Lengths within a buffer are counted in
//! steps of 0.25 m, which errs by less than 1 % on lines longer than 25 m.

use geo_types::{Coord, LineString};
use serde_json::Value;

/// Step along lines, metres.
const STEP_M: f64 = 0.25;

/// Distance from a point to a segment, in the unit of the coordinates.
pub fn to_segment(p: Coord, a: Coord, b: Coord) -> f64 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let square = dx * dx + dy * dy;
    let t = if square > 0.0 { (((p.x - a.x) * dx + (p.y - a.y) * dy) / square).clamp(0.0, 1.0) } else { 0.0 };
    (p.x - a.x - t * dx).hypot(p.y - a.y - t * dy)
}

/// Metres east and north of a place, true to scale within a few kilometres of it.
#[derive(Clone, Copy, Debug)]
pub struct Plane {
    origin: Coord,
    east: f64,
    north: f64,
}

impl Plane {
    /// The plane that touches the WGS84 ellipsoid at `origin`, longitude and latitude in degrees.
    pub fn at(origin: Coord) -> Self {
        let (a, e2) = (6_378_137.0_f64, 0.006_694_379_990_14_f64);
        let (sin, cos) = origin.y.to_radians().sin_cos();
        let w = 1.0 - e2 * sin * sin;
        Self {
            origin,
            east: (a / w.sqrt() * cos).to_radians(),
            north: (a * (1.0 - e2) / w.powf(1.5)).to_radians(),
        }
    }

    /// A line on the plane.
    pub fn line(&self, line: &LineString) -> Vec<Coord> {
        line.coords()
            .map(|c| Coord { x: (c.x - self.origin.x) * self.east, y: (c.y - self.origin.y) * self.north })
            .collect()
    }
}

/// Length of a line on a plane.
pub fn length(line: &[Coord]) -> f64 {
    line.windows(2).map(|w| (w[1].x - w[0].x).hypot(w[1].y - w[0].y)).sum()
}

/// Length of the parts of `line` within `buffer` of any of `others`.
pub fn length_within(line: &[Coord], others: &[Vec<Coord>], buffer: f64) -> f64 {
    let near = |p: Coord| others.iter().any(|o| o.windows(2).any(|w| to_segment(p, w[0], w[1]) <= buffer));
    let mut sum = 0.0;
    for w in line.windows(2) {
        let whole = length(w);
        let steps = (whole / STEP_M).ceil().max(1.0);
        for k in 0..steps as usize {
            let t = (k as f64 + 0.5) / steps;
            let p = Coord { x: w[0].x + t * (w[1].x - w[0].x), y: w[0].y + t * (w[1].y - w[0].y) };
            if near(p) {
                sum += whole / steps;
            }
        }
    }
    sum
}

/// A line with its properties.
pub type Feature = (LineString, Value);

/// The LineStrings of a GeoJSON FeatureCollection.
pub fn features(document: &Value) -> Vec<Feature> {
    let list = document["features"].as_array().expect("features are a list");
    list.iter()
        .filter(|f| f["geometry"]["type"] == "LineString")
        .map(|f| {
            let points = f["geometry"]["coordinates"].as_array().expect("coordinates are a list");
            let number = |v: &Value| v.as_f64().expect("a coordinate is a number");
            let line = points.iter().map(|p| Coord { x: number(&p[0]), y: number(&p[1]) }).collect();
            (line, f["properties"].clone())
        })
        .collect()
}

/// How detections fit the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Share of the truth's length within the buffer of a detection; 0 where there is no truth.
    pub completeness: f64,
    /// Share of the detected length within the buffer of the truth; 0 where nothing was detected.
    pub correctness: f64,
    /// Detections of which less than half lies along the truth.
    pub false_alarms: usize,
}

/// Scores detections of a confidence of at least `least` with a buffer of 3 m.
///
/// A detection that runs for the most part along a truth of class `ignore` counts neither way.
pub fn score(truth: &[Feature], found: &[Feature], least: f64) -> Score {
    const BUFFER_M: f64 = 3.0;
    let Some(origin) = truth.iter().chain(found).find_map(|(l, _)| l.0.first().copied()) else {
        return Score { completeness: 0.0, correctness: 0.0, false_alarms: 0 };
    };
    let plane = Plane::at(origin);
    let (ignored, truth): (Vec<_>, Vec<_>) = truth.iter().partition(|(_, p)| p["class"] == "ignore");
    let on_plane = |f: Vec<&Feature>| f.iter().map(|(l, _)| plane.line(l)).collect::<Vec<_>>();
    let (ignored, truth) = (on_plane(ignored), on_plane(truth));
    let sure = found.iter().filter(|(_, p)| p["confidence"].as_f64().is_some_and(|c| c >= least)).collect();
    let mut sure = on_plane(sure);
    sure.retain(|l| length_within(l, &ignored, 2.0 * BUFFER_M) < 0.5 * length(l));
    let total = |lines: &[Vec<Coord>]| lines.iter().map(|l| length(l)).sum::<f64>();
    let share = |lines: &[Vec<Coord>], others: &[Vec<Coord>]| {
        let within: f64 = lines.iter().map(|l| length_within(l, others, BUFFER_M)).sum();
        if lines.is_empty() { 0.0 } else { within / total(lines) }
    };
    Score {
        completeness: share(&truth, &sure),
        correctness: share(&sure, &truth),
        false_alarms: sure.iter().filter(|l| length_within(l, &truth, BUFFER_M) < 0.5 * length(l)).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A line of `length_m` to the east, `north_m` north of 35° E, 51° N.
    fn line(north_m: f64, length_m: f64) -> LineString {
        let plane = Plane::at(Coord { x: 35.0, y: 51.0 });
        let at = |x: f64| Coord { x: 35.0 + x / plane.east, y: 51.0 + north_m / plane.north };
        LineString(vec![at(0.0), at(length_m)])
    }

    #[test]
    fn half_found_and_one_false() {
        let truth = [(line(0.0, 100.0), json!({ "class": "trench" }))];
        let found = [
            (line(2.0, 50.0), json!({ "confidence": 0.9 })),
            (line(40.0, 50.0), json!({ "confidence": 0.5 })),
            (line(80.0, 50.0), json!({ "confidence": 0.4 })),
        ];
        let s = score(&truth, &found, 0.5);
        // The buffer reaches 2.24 m past the end of the detection.
        assert!((s.completeness - 0.5224).abs() < 0.005, "{s:?}");
        assert!((s.correctness - 0.5).abs() < 1e-6 && s.false_alarms == 1, "{s:?}");
    }

    #[test]
    fn what_no_one_can_decide_counts_neither_way() {
        let truth = [(line(0.0, 100.0), json!({ "class": "ignore" }))];
        let found = [(line(4.0, 50.0), json!({ "confidence": 0.9 }))];
        assert_eq!(score(&truth, &found, 0.5).false_alarms, 0);
    }
}
