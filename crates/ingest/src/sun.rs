//! Where the sun stood, for images whose metadata do not tell.

use chrono::{DateTime, NaiveTime, Utc};
use geo_types::Coord;
use solar_positioning::{Location, SolarPositions};

/// Terrestrial less universal time in 2024, seconds. It moves the sun along its year alone: 20 s are 0.0002°.
const DELTA_T_S: f64 = 69.0;

/// Azimuth, clockwise from north, and height above the horizon of the sun over a place, degrees; `None` where the time
/// is no more than a day (midnight), or beyond the years of the formula.
///
/// NREL's solar position algorithm (Reda and Andreas 2004) of the crate `solar-positioning`, ±0.0003°; height without
/// refraction, as metadata give it.
pub(crate) fn position(time: DateTime<Utc>, place: Coord) -> Option<(f64, f64)> {
    if time.time() == NaiveTime::MIN {
        return None;
    }
    let location = Location { latitude: place.y, longitude: place.x };
    let found = SolarPositions::new().at(&time, location, 0.0, DELTA_T_S, None).ok()?;
    Some((found.azimuth(), found.elevation_angle()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date;

    // The noon of the solstice in Greenwich: 90° − 51.4779° + 23.4365°, due south within the equation of time (2 min).
    #[test]
    fn at_noon_of_the_solstice_the_sun_stands_south() {
        let place = Coord { x: 0.0, y: 51.4779 };
        let (azimuth, height) = position(date::instant("2024-06-20T12:02:00Z").unwrap(), place).unwrap();
        assert!((azimuth - 180.0).abs() < 0.5 && (height - 61.9586).abs() < 0.01, "{azimuth} {height}");
        assert_eq!(position(date::instant("2024-06-20").unwrap(), place), None);
    }
}
