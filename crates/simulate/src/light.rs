//! The sun, Lambert's law and cast shadows across a profile.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// Where the light comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sun {
    pub azimuth_deg: f64,
    pub elevation_deg: f64,
    /// Share of the light on flat ground that comes from the sky.
    pub sky: f64,
    toward: (f64, f64),
    tan_elevation: f64,
}

impl Sun {
    pub(crate) fn new(azimuth_deg: f64, elevation_deg: f64, sky: f64) -> Self {
        let (s, c) = azimuth_deg.to_radians().sin_cos();
        Self {
            azimuth_deg,
            elevation_deg,
            sky,
            toward: (s, -c),
            tan_elevation: elevation_deg.to_radians().tan(),
        }
    }

    /// The horizontal direction to the sun, `(east, south)`, a unit vector.
    pub(crate) fn toward(&self) -> (f64, f64) {
        self.toward
    }

    /// Cosine of the angle between a horizontal unit vector and the direction to the sun.
    pub(crate) fn along(&self, (x, y): (f64, f64)) -> f64 {
        x * self.toward.0 + y * self.toward.1
    }

    /// Length of the shadow of something `height_m` high on flat ground, metres.
    pub(crate) fn shadow_length_m(&self, height_m: f64) -> f64 {
        height_m / self.tan_elevation
    }

    /// Direct light on a slope, as a share of that on flat ground, by Lambert's law.
    ///
    /// `slope` is the rise per metre in a direction at whose cosine to the sun is `along`. Never negative.
    pub(crate) fn lambert(&self, slope: f64, along: f64) -> f64 {
        ((1.0 - slope * along / self.tan_elevation) / (1.0 + slope * slope).sqrt()).max(0.0)
    }

    /// Whether the sun reaches height `h` at `t` of a profile (`(t, height)`, `t` rising), given the cosine
    /// `along` of the direction in which `t` grows.
    ///
    /// Exact for a profile of straight pieces: only its corners can stand in the light.
    pub(crate) fn reaches(&self, profile: &[(f64, f64)], t: f64, h: f64, along: f64) -> bool {
        if along.abs() < 1e-6 {
            return true;
        }
        let rise = self.tan_elevation / along.abs();
        profile.iter().all(|&(corner, height)| {
            let ahead = (corner - t) * along.signum();
            ahead <= 1e-9 || height <= h + ahead * rise + 1e-9
        })
    }
}

/// Azimuth and elevation of the sun, degrees, at longitude and latitude. Errs by less than half a degree
/// (Spencer's series for declination and the equation of time, as in Iqbal 1983).
pub(crate) fn sun_at(when: &DateTime<Utc>, lon_deg: f64, lat_deg: f64) -> (f64, f64) {
    let hours = f64::from(when.hour()) + f64::from(when.minute()) / 60.0 + f64::from(when.second()) / 3600.0;
    let g = std::f64::consts::TAU * (f64::from(when.ordinal0()) + hours / 24.0) / 365.0;
    let declination = 0.006918 - 0.399912 * g.cos() + 0.070257 * g.sin() - 0.006758 * (2.0 * g).cos()
        + 0.000907 * (2.0 * g).sin();
    let equation_min = 229.18
        * (0.000075 + 0.001868 * g.cos()
            - 0.032077 * g.sin()
            - 0.014615 * (2.0 * g).cos()
            - 0.040849 * (2.0 * g).sin());
    let solar_hours = hours + lon_deg / 15.0 + equation_min / 60.0;
    let hour_angle = ((solar_hours - 12.0) * 15.0).to_radians();
    let lat = lat_deg.to_radians();
    let sin_el = lat.sin() * declination.sin() + lat.cos() * declination.cos() * hour_angle.cos();
    let east = -declination.cos() * hour_angle.sin();
    let north = declination.sin() * lat.cos() - declination.cos() * lat.sin() * hour_angle.cos();
    (east.atan2(north).to_degrees().rem_euclid(360.0), sin_el.asin().to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn a_slope_facing_the_sun_is_brighter_by_lambert() {
        let sun = Sun::new(180.0, 40.0, 0.2);
        // 20 degrees toward the sun: the light falls at 60 degrees to the slope instead of 40.
        let slope = -(20_f64.to_radians().tan());
        let want = 60_f64.to_radians().sin() / 40_f64.to_radians().sin();
        assert!((sun.lambert(slope, 1.0) - want).abs() < 1e-12);
        assert!(sun.lambert(-slope, 1.0) < 1.0);
        assert_eq!(sun.lambert(3.0, 1.0), 0.0);
        assert!((sun.along((0.0, 1.0)) - 1.0).abs() < 1e-12, "the southern sun lies down the image");
    }

    #[test]
    fn a_shadow_is_as_long_as_depth_over_tan_elevation() {
        let profile = [(-10.0, 0.0), (-5.0, 0.0), (-5.0, -1.5), (5.0, -1.5), (5.0, 0.0), (10.0, 0.0)];
        for elevation in [25.0, 40.0, 50.0, 60.0] {
            for azimuth in [90.0, 120.0, 250.0] {
                let sun = Sun::new(azimuth, elevation, 0.2);
                let along = sun.along((1.0, 0.0));
                let dark = (0..10_000)
                    .map(|k| -4.9995 + f64::from(k) * 0.001)
                    .filter(|&t| !sun.reaches(&profile, t, -1.5, along))
                    .count() as f64
                    * 0.001;
                let want = sun.shadow_length_m(1.5) * along.abs();
                assert!((dark / want - 1.0).abs() < 0.05, "{elevation} {azimuth}: {dark} {want}");
            }
        }
    }

    #[test]
    fn the_sun_over_lgov() {
        // pvlib 0.16.1 (NREL SPA), 35.27 E, 51.66 N.
        let when = Utc.with_ymd_and_hms(2024, 8, 5, 8, 41, 0).unwrap();
        let (azimuth, elevation) = sun_at(&when, 35.27, 51.66);
        assert!((azimuth - 154.102).abs() < 0.5 && (elevation - 52.894).abs() < 0.5, "{azimuth} {elevation}");
    }
}
