//! How well two images can be compared, from what their metadata say alone.

use chrono::Datelike;
use domain::{Capture, Pair};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What to expect of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Nothing stands against it.
    Good,
    /// More will be missed, or be a false alarm, than need be.
    Fair,
    /// Another pair of the same ground would be better.
    Poor,
}

/// A pair by its metadata. Angles in degrees; absent is what the metadata do not tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gate {
    /// The worst of what is known.
    pub expected: Expected,
    /// What stands against it, the worst first.
    pub reasons: Vec<String>,
    /// Angle between the lines of sight: what is high leans apart by its height times the tangent.
    pub convergence_deg: Option<f64>,
    /// Difference of the sun's azimuths: shadows turn by it.
    pub sun_azimuth_deg: Option<f64>,
    /// Difference of the sun's heights.
    pub sun_elevation_deg: Option<f64>,
    /// The larger true ground sample distance over the smaller.
    pub gsd_ratio: Option<f64>,
    /// Days between the two.
    pub days: f64,
    /// Days between the two within a year, 0 to 183.
    pub season_days: u32,
    /// The larger share of cloud, per cent.
    pub cloud_percent: Option<f64>,
    /// Side of the coarser one's pixels, metres.
    pub pixel_m: Option<f64>,
}

/// Up to which value a difference is good, and up to which fair.
///
/// Over 21,756 pairs of Maxar's open data lines of sight differ by 32° in the median, the sun by 14°, the true pixels by a
/// factor of 1.26: fair is what is common, good what is better than that.
const CONVERGENCE_DEG: (f64, f64) = (15.0, 35.0);
const SUN_AZIMUTH_DEG: (f64, f64) = (15.0, 40.0);
const SUN_ELEVATION_DEG: (f64, f64) = (10.0, 20.0);
const GSD_RATIO: (f64, f64) = (1.3, 1.6);
const SEASON_DAYS: (f64, f64) = (30.0, 90.0);
const CLOUD_PERCENT: (f64, f64) = (10.0, 40.0);

impl Gate {
    /// What the metadata say of a pair.
    pub fn of(pair: &Pair) -> Self {
        let (a, b) = (&pair.earlier, &pair.later);
        let both = |get: fn(&Capture) -> Option<f64>| get(a).zip(get(b));
        let turn = |(x, y): (f64, f64)| {
            let apart = (x - y).rem_euclid(360.0);
            apart.min(360.0 - apart)
        };
        let convergence_deg = both(|c| c.view.off_nadir_deg)
            .zip(both(|c| c.view.view_azimuth_deg))
            .map(|((a, b), azimuths)| convergence((a, b), turn(azimuths)));
        let sun_azimuth_deg = both(|c| c.view.sun_azimuth_deg).map(turn);
        let sun_elevation_deg = both(|c| c.view.sun_elevation_deg).map(|(a, b)| (a - b).abs());
        let gsd_ratio =
            both(|c| c.gsd_m).filter(|(a, b)| *a > 0.0 && *b > 0.0).map(|(a, b)| a.max(b) / a.min(b));
        let days = (b.datetime - a.datetime).num_seconds() as f64 / 86_400.0;
        let apart = a.datetime.ordinal().abs_diff(b.datetime.ordinal());
        let season_days = apart.min(365_u32.saturating_sub(apart));
        let cloud_percent = [a.cloud_percent, b.cloud_percent].into_iter().flatten().reduce(f64::max);
        let pixel_m = both(|c| ingest::pixel_size_m(&c.grid).ok()).map(|(a, b)| a.max(b));
        let mut found: Vec<(Expected, String)> = Vec::new();
        let mut weigh = |value: Option<f64>, (good, fair): (f64, f64), say: &dyn Fn(f64) -> String| {
            let Some(v) = value.filter(|v| *v > good) else { return };
            found.push((if v > fair { Expected::Poor } else { Expected::Fair }, say(v)));
        };
        let most = diff::MAX_PIXEL_M;
        weigh(pixel_m, (most, most), &|v| format!("pixels of {v:.1} m, and over {most} m show no trench"));
        weigh(convergence_deg, CONVERGENCE_DEG, &|v| format!("lines of sight {v:.0}° apart"));
        weigh(sun_azimuth_deg, SUN_AZIMUTH_DEG, &|v| format!("sun {v:.0}° round"));
        weigh(sun_elevation_deg, SUN_ELEVATION_DEG, &|v| format!("sun {v:.0}° higher or lower"));
        weigh(gsd_ratio, GSD_RATIO, &|v| format!("pixels {v:.1} times as large"));
        weigh(Some(f64::from(season_days)), SEASON_DAYS, &|v| format!("{v:.0} days of season apart"));
        weigh(cloud_percent, CLOUD_PERCENT, &|v| format!("{v:.0} % cloud"));
        // Stable: between equals, in the order above.
        found.sort_by_key(|f| std::cmp::Reverse(f.0));
        Self {
            expected: found.first().map_or(Expected::Good, |f| f.0),
            reasons: found.into_iter().map(|f| f.1).collect(),
            convergence_deg,
            sun_azimuth_deg,
            sun_elevation_deg,
            gsd_ratio,
            days,
            season_days,
            cloud_percent,
            pixel_m,
        }
    }

    /// `good`, or `fair: sun 20° round, 12 % cloud`.
    pub fn in_words(&self) -> String {
        let word = self.expected.in_words();
        if self.reasons.is_empty() { word.to_owned() } else { format!("{word}: {}", self.reasons.join(", ")) }
    }
}

/// Pairs that a survey refuses by their metadata, each limit in the unit of the [`Gate`]'s value of that name. What the
/// metadata do not tell is within every limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateLimits {
    /// Refuses what is expected to be worse.
    pub worst: Option<Expected>,
    /// Largest angle between the lines of sight, degrees.
    pub max_convergence_deg: Option<f64>,
    /// Largest difference of the sun's azimuths, degrees.
    pub max_sun_azimuth_deg: Option<f64>,
    /// Largest difference of the sun's heights, degrees.
    pub max_sun_elevation_deg: Option<f64>,
    /// Largest ratio of the true ground sample distances.
    pub max_gsd_ratio: Option<f64>,
    /// Most days of season between the two.
    pub max_season_days: Option<f64>,
    /// Largest share of cloud, per cent.
    pub max_cloud_percent: Option<f64>,
}

impl GateLimits {
    /// # Errors
    /// [`Error::Option`] for the first limit that no pair, or every pair, would keep.
    pub fn validate(&self) -> Result<()> {
        let limits = [
            ("gate.max_convergence_deg", self.max_convergence_deg, 0.0..=180.0, "0 to 180"),
            ("gate.max_sun_azimuth_deg", self.max_sun_azimuth_deg, 0.0..=180.0, "0 to 180"),
            ("gate.max_sun_elevation_deg", self.max_sun_elevation_deg, 0.0..=90.0, "0 to 90"),
            ("gate.max_gsd_ratio", self.max_gsd_ratio, 1.0..=100.0, "1 to 100"),
            ("gate.max_season_days", self.max_season_days, 0.0..=183.0, "0 to 183"),
            ("gate.max_cloud_percent", self.max_cloud_percent, 0.0..=100.0, "0 to 100"),
        ];
        for (name, value, range, expected) in limits {
            if let Some(value) = value.filter(|v| !range.contains(v)) {
                return Err(Error::Option { name, value, expected });
            }
        }
        Ok(())
    }

    /// Which limits a pair does not keep, in words; `None` where it keeps all.
    pub fn objection(&self, gate: &Gate) -> Option<String> {
        let over = |value: Option<f64>, limit: Option<f64>| value.zip(limit).filter(|(v, most)| v > most);
        let worst = self.worst.filter(|worst| gate.expected > *worst).map(|worst| {
            format!("the pair is {}, worse than {} (--worst-pair)", gate.in_words(), worst.in_words())
        });
        let angle = |value, limit, what: &str, option: &str| {
            over(value, limit).map(|(v, most)| format!("{what} {v:.0}°, more than {most}° ({option})"))
        };
        let season = over(Some(f64::from(gate.season_days)), self.max_season_days);
        let found: Vec<String> = [
            worst,
            angle(
                gate.convergence_deg,
                self.max_convergence_deg,
                "lines of sight apart by",
                "--max-convergence",
            ),
            angle(gate.sun_azimuth_deg, self.max_sun_azimuth_deg, "sun round by", "--max-sun-azimuth"),
            angle(
                gate.sun_elevation_deg,
                self.max_sun_elevation_deg,
                "sun higher or lower by",
                "--max-sun-elevation",
            ),
            over(gate.gsd_ratio, self.max_gsd_ratio)
                .map(|(v, most)| format!("pixels {v:.2} times as large, more than {most} (--max-gsd-ratio)")),
            season.map(|(v, most)| format!("{v:.0} days of season apart, more than {most} (--max-season)")),
            over(gate.cloud_percent, self.max_cloud_percent)
                .map(|(v, most)| format!("{v:.0} % cloud, more than {most} % (--max-cloud)")),
        ]
        .into_iter()
        .flatten()
        .collect();
        (!found.is_empty()).then(|| format!("refused: {}", found.join("; ")))
    }
}

impl Expected {
    /// `good`, `fair` or `poor`.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
        }
    }
}

/// Angle between two lines of sight so far off the vertical, their azimuths `turn_deg` apart, degrees.
fn convergence((a_deg, b_deg): (f64, f64), turn_deg: f64) -> f64 {
    let ((sa, ca), (sb, cb)) = (a_deg.to_radians().sin_cos(), b_deg.to_radians().sin_cos());
    (ca * cb + sa * sb * turn_deg.to_radians().cos()).clamp(-1.0, 1.0).acos().to_degrees()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sight_meet_at_the_angle_of_the_sphere() {
        assert!((convergence((20.0, 15.0), 180.0) - 35.0).abs() < 1e-9);
        assert!((convergence((20.0, 15.0), 0.0) - 5.0).abs() < 1e-6);
        assert!(convergence((0.0, 0.0), 77.0).abs() < 1e-6);
        // Two sides of 30° at a right angle: cos c = cos² 30°.
        assert!((convergence((30.0, 30.0), 90.0) - 41.409_622).abs() < 1e-5);
    }

    fn gate() -> Gate {
        Gate {
            expected: Expected::Poor,
            reasons: vec!["lines of sight 41° apart".to_owned()],
            convergence_deg: Some(41.2),
            sun_azimuth_deg: Some(12.0),
            sun_elevation_deg: None,
            gsd_ratio: Some(1.2),
            days: 14.0,
            season_days: 14,
            cloud_percent: Some(30.0),
            pixel_m: Some(0.5),
        }
    }

    #[test]
    fn a_pair_is_refused_by_the_limits_it_does_not_keep_and_by_no_other() {
        let none = GateLimits::default();
        assert_eq!(none.objection(&gate()), None);
        // What the metadata do not tell is within every limit, and a limit itself is within it.
        let kept = GateLimits {
            max_sun_elevation_deg: Some(0.0),
            max_sun_azimuth_deg: Some(12.0),
            max_season_days: Some(14.0),
            ..none
        };
        assert_eq!(kept.objection(&gate()), None);
        let two = GateLimits { max_convergence_deg: Some(35.0), max_cloud_percent: Some(20.0), ..none };
        let said = two.objection(&gate()).unwrap();
        assert!(said.contains("41°") && said.contains("--max-convergence"), "{said}");
        assert!(said.contains("30 %") && !said.contains("sun"), "{said}");
        let worst = GateLimits { worst: Some(Expected::Fair), ..none };
        assert!(worst.objection(&gate()).unwrap().contains("poor"));
        assert_eq!(GateLimits { worst: Some(Expected::Poor), ..none }.objection(&gate()), None);
    }

    #[test]
    fn limits_that_no_pair_could_break_or_keep_are_errors() {
        for limits in [
            GateLimits { max_convergence_deg: Some(-1.0), ..GateLimits::default() },
            GateLimits { max_gsd_ratio: Some(0.9), ..GateLimits::default() },
            GateLimits { max_cloud_percent: Some(f64::NAN), ..GateLimits::default() },
        ] {
            assert!(limits.validate().is_err(), "{limits:?}");
        }
        assert!(GateLimits::default().validate().is_ok());
    }
}
