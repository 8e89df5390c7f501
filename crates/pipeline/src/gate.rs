//! How well two images can be compared, from what their metadata say alone.

use chrono::Datelike;
use domain::{Capture, Pair};
use serde::Serialize;

/// What to expect of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
        let mut found: Vec<(Expected, String)> = Vec::new();
        let mut weigh = |value: Option<f64>, (good, fair): (f64, f64), say: &dyn Fn(f64) -> String| {
            let Some(v) = value.filter(|v| *v > good) else { return };
            found.push((if v > fair { Expected::Poor } else { Expected::Fair }, say(v)));
        };
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
        }
    }

    /// `good`, or `fair: sun 20° round, 12 % cloud`.
    pub fn in_words(&self) -> String {
        let word = match self.expected {
            Expected::Good => "good",
            Expected::Fair => "fair",
            Expected::Poor => "poor",
        };
        if self.reasons.is_empty() { word.to_owned() } else { format!("{word}: {}", self.reasons.join(", ")) }
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
}
