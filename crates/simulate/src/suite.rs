//! The standard suite: scenes defined by seeds, the same on every machine, to train, tune and judge a detector.
//!
//! The three splits have no seed in common, so no scene. Within a split sun, pixel size and soil are spread
//! evenly, not drawn, so that even twenty scenes span them; the rest is drawn.

use std::fmt;

use chrono::{DateTime, Duration, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::ground::Soil;
use crate::light::sun_at;
use crate::noise::unit;
use crate::scene::LON_LAT_DEG;

/// What a scene is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// To train on.
    Train,
    /// To choose thresholds and models by.
    Validation,
    /// To judge by, once.
    Test,
}

/// One scene of the suite.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteScene {
    /// Unique in the suite: `train-07`, `test-21-quiet`.
    pub name: String,
    /// The scene.
    pub options: Options,
}

/// One scene of the suite on a real image, of which it takes a part.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteCrop {
    /// Unique in the suite: `train-bg-07`.
    pub name: String,
    /// Everything random follows from it.
    pub seed: u64,
    /// Nothing is dug.
    pub quiet: bool,
    /// Side of the part, pixels, where the image is large enough.
    pub size_px: usize,
    /// 0–1: which of the images, and where in it (row, column).
    pub draw: [f64; 3],
}

impl Split {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The word in names and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// Scenes with earthworks, scenes without, and the first seed.
    fn extent(self) -> (usize, usize, u64) {
        match self {
            Self::Train => (40, 4, 10_000),
            Self::Validation => (20, 3, 20_000),
            Self::Test => (20, 3, 30_000),
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scenes of a split: 40 to train, 20 each to validate and to test, and ten quiet ones over all splits.
pub fn scenes(split: Split) -> Vec<SuiteScene> {
    let (dug, quiet, first) = split.extent();
    (0..dug + quiet)
        .map(|k| {
            let seed = first + k as u64;
            let spread = |step: f64| (0.5 + k as f64 * step).fract();
            // Irrational steps fill 0–1 evenly and in no common rhythm (Weyl).
            let gsd_m = ((0.3 + 0.5 * spread(0.618_033_988_75)) * 1000.0).round() / 1000.0;
            let elevation_deg = 25.0 + 35.0 * spread(0.414_213_562_37);
            let side_m = 620.0 + 260.0 * spread(0.732_050_807_57);
            let size_px = ((side_m / gsd_m).clamp(1024.0, 2048.0) / 64.0).round() as usize * 64;
            let options = Options {
                size_px,
                gsd_m,
                start: Some(start(seed, elevation_deg)),
                soil: Some(Soil::ALL[k % Soil::ALL.len()]),
                quiet: k >= dug,
                ..Options::varied(seed)
            };
            SuiteScene { name: name(split, "", k, k >= dug), options }
        })
        .collect()
}

/// The parts of real images of a split: as many as it has scenes.
pub fn crops(split: Split) -> Vec<SuiteCrop> {
    let (dug, quiet, first) = split.extent();
    (0..dug + quiet)
        .map(|k| {
            let seed = first + 5_000 + k as u64;
            let draw = [0, 1, 2].map(|i| f64::from(unit(seed as u32, 71, i)));
            let size_px = 1024 + 256 * (k % 5);
            SuiteCrop { name: name(split, "bg-", k, k >= dug), seed, quiet: k >= dug, size_px, draw }
        })
        .collect()
}

fn name(split: Split, middle: &str, k: usize, quiet: bool) -> String {
    format!("{split}-{middle}{k:02}{}", if quiet { "-quiet" } else { "" })
}

/// A time of the season in which the sun over Lgov stands as high as asked, in the morning.
fn start(seed: u64, elevation_deg: f64) -> DateTime<Utc> {
    let spring = Utc.with_ymd_and_hms(2024, 3, 20, 0, 0, 0).single().unwrap_or_default();
    let drawn = (unit(seed as u32, 72, 0) * 205.0) as i64;
    // From the drawn day toward midsummer until the sun climbs high enough.
    let midsummer = 92_i64;
    let toward = (midsummer - drawn).signum();
    let mut day = drawn;
    loop {
        let sun = |minute: i64| {
            sun_at(&(spring + Duration::days(day) + Duration::minutes(minute)), LON_LAT_DEG.0, LON_LAT_DEG.1)
                .1
        };
        // Noon at Lgov is at 9:42 UTC or so.
        if let Some(minute) = (150..=590).find(|&m| sun(m) >= elevation_deg) {
            return spring + Duration::days(day) + Duration::minutes(minute);
        }
        if day == midsummer {
            return spring + Duration::days(day) + Duration::minutes(590);
        }
        day += toward;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_suite_has_its_size_and_its_splits_share_nothing() {
        let all: Vec<_> = Split::ALL.into_iter().flat_map(scenes).collect();
        let dug = |split: Split| scenes(split).iter().filter(|s| !s.options.quiet).count();
        assert_eq!(Split::ALL.map(dug), [40, 20, 20]);
        assert_eq!(all.iter().filter(|s| s.options.quiet).count(), 10);
        let seeds: BTreeSet<u64> = all.iter().map(|s| s.options.seed).collect();
        let crops: BTreeSet<u64> = Split::ALL.into_iter().flat_map(crops).map(|c| c.seed).collect();
        assert_eq!((seeds.len(), crops.len()), (90, 90));
        assert!(seeds.is_disjoint(&crops));
        assert_eq!(all.iter().map(|s| s.name.clone()).collect::<BTreeSet<_>>().len(), 90);
        assert!(all.iter().all(|s| s.options.validate().is_ok()));
    }

    #[test]
    fn every_split_spans_sun_pixel_size_and_soil() {
        for split in Split::ALL {
            let scenes = scenes(split);
            let span = |values: Vec<f64>| {
                (values.iter().copied().fold(f64::INFINITY, f64::min), values.into_iter().fold(0.0, f64::max))
            };
            let (least, most) = span(
                scenes
                    .iter()
                    .filter_map(|s| s.options.start)
                    .map(|t| sun_at(&t, LON_LAT_DEG.0, LON_LAT_DEG.1).1)
                    .collect(),
            );
            assert!((24.9..29.0).contains(&least) && (56.0..60.5).contains(&most), "{split}: {least} {most}");
            let (least, most) = span(scenes.iter().map(|s| s.options.gsd_m).collect());
            assert!((0.3..0.34).contains(&least) && (0.76..=0.8).contains(&most), "{split}: {least} {most}");
            assert!(scenes.iter().all(|s| (1024..=2048).contains(&s.options.size_px)));
            let soils: BTreeSet<_> = scenes.iter().map(|s| format!("{:?}", s.options.soil)).collect();
            assert_eq!(soils.len(), Soil::ALL.len());
        }
    }
}
