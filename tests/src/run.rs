//! A finished run without images: the documents that `fosse report` reads, for works of our own.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a finished run in it.
pub struct FinishedRun {
    dir: TempDir,
}

impl FinishedRun {
    /// Trenches by id, in longitude and latitude; the images of 5 and 12 August 2024.
    pub fn of(works: &[(&str, Vec<[f64; 2]>)]) -> Self {
        let trenches: Vec<_> = works.iter().map(|(id, line)| (*id, "trench", line.clone())).collect();
        Self::of_classes(&trenches)
    }

    /// Works by id and class.
    pub fn of_classes(works: &[(&str, &str, Vec<[f64; 2]>)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let run = Self { dir };
        std::fs::create_dir(run.folder()).expect("a folder in it");
        let earthwork = |(id, class, line): &(&str, &str, Vec<[f64; 2]>)| {
            json!({"type": "Feature", "id": id, "geometry": {"type": "LineString", "coordinates": line}, "properties": {
                "id": id, "class": class, "confidence": 0.9, "length_m": 240.0, "width_m": 1.5,
                "earlier": "2024-08-05T08:31:00Z", "later": "2024-08-12T08:40:00Z", "pair": "a..b",
                "evidence": {"gain": 5.0, "contrast_later": 0.2, "contrast_earlier": 0.0, "continuity": 0.9},
                "uncertainty": {"geolocation_m": 5.0, "geolocation_from": "default for WorldView", "alignment_m": 0.25}}})
        };
        let square = [[35.1, 51.6], [35.4, 51.6], [35.4, 51.7], [35.1, 51.7], [35.1, 51.6]];
        let coverage = json!({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {
            "pair": "a..b", "earlier": "2024-08-05T08:31:00Z", "later": "2024-08-12T08:40:00Z", "reason": "assessed",
            "assessed": true, "area_km2": 230.0, "residual_px": 0.2},
            "geometry": {"type": "MultiPolygon", "coordinates": [[square]]}}]});
        let features: Vec<Value> = works.iter().map(earthwork).collect();
        run.write(
            "earthworks.geojson",
            &json!({"type": "FeatureCollection", "features": features}).to_string(),
        );
        run.write("coverage.geojson", &coverage.to_string());
        run.write("run.json", &json!({"program": "fosse", "captures": [], "skipped": []}).to_string());
        run
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).expect("a file can be written");
    }

    /// The folder of the run.
    pub fn folder(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// A file beside the run.
    pub fn beside(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder can be made");
        std::fs::write(&path, content).expect("a file can be written");
        path
    }
}
