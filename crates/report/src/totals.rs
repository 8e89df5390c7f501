//! Sums over what was found.

use chrono::{DateTime, Utc};
use domain::Class;
use serde::{Deserialize, Serialize};

use crate::distance::Side;
use crate::earthworks::rfc3339;
use crate::geojson::rounded;
use crate::looked::once_km2;
use crate::{CoverageFeature, MeasuredEarthwork};

/// Upper ends of the bands of distance, metres; the last is open.
const BANDS_M: [f64; 3] = [5_000.0, 10_000.0, 20_000.0];

/// Number and length of earthworks of a kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Of what: a band of distance, a side, an interval.
    pub of: String,
    /// Trenches.
    pub trenches: usize,
    /// Their length, kilometres.
    pub trench_km: f64,
    /// Ditches.
    pub ditches: usize,
    /// Their length, kilometres.
    pub ditch_km: f64,
}

/// Sums over what was found and looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Everything.
    pub all: Row,
    /// By distance from the front: `0–5 km`, `5–10 km`, `10–20 km`, `over 20 km`, `unknown`.
    pub by_distance: Vec<Row>,
    /// By side of the front: `inside`, `outside`, `across`, `no side`.
    pub by_side: Vec<Row>,
    /// By interval between two images, by date.
    pub by_interval: Vec<Row>,
    /// Ground that was assessed, summed over the pairs, km2.
    pub assessed_km2: f64,
    /// Ground that was not.
    pub not_assessed_km2: f64,
    /// Ground that any pair assessed, each piece once, km2.
    #[serde(default)]
    pub ground_assessed_km2: f64,
    /// Ground that any pair shows, each piece once, km2.
    #[serde(default)]
    pub ground_km2: f64,
}

fn row<'a>(of: &str, works: impl Iterator<Item = &'a MeasuredEarthwork>) -> Row {
    let mut out = Row { of: of.to_owned(), ..Row::default() };
    let (mut trench_m, mut ditch_m) = (0.0, 0.0);
    for w in works {
        match w.earthwork.class {
            Class::Trench => {
                out.trenches += 1;
                trench_m += w.earthwork.length_m;
            }
            Class::AntiVehicleDitch => {
                out.ditches += 1;
                ditch_m += w.earthwork.length_m;
            }
            _ => {}
        }
    }
    (out.trench_km, out.ditch_km) = (rounded(trench_m / 1000.0, 3), rounded(ditch_m / 1000.0, 3));
    out
}

fn band(distance_m: f64) -> usize {
    if distance_m.is_nan() {
        return BANDS_M.len() + 1;
    }
    BANDS_M.iter().position(|end| distance_m < *end).unwrap_or(BANDS_M.len())
}

impl Totals {
    /// The sums.
    pub fn of(found: &[MeasuredEarthwork], coverage: &[CoverageFeature]) -> Self {
        let by_distance = ["0–5 km", "5–10 km", "10–20 km", "over 20 km", "unknown"];
        let by_distance = by_distance
            .iter()
            .enumerate()
            .map(|(i, of)| row(of, found.iter().filter(|f| band(f.measure.distance_m) == i)))
            .filter(|r| r.of != "unknown" || r.trenches + r.ditches > 0)
            .collect();
        let sides = [Some(Side::Inside), Some(Side::Outside), Some(Side::Across), None];
        let by_side = sides
            .into_iter()
            .map(|side| {
                row(side.map_or("no side", Side::as_str), found.iter().filter(|f| f.measure.side == side))
            })
            .filter(|r| r.trenches + r.ditches > 0)
            .collect();
        let mut intervals: Vec<(DateTime<Utc>, DateTime<Utc>)> = coverage
            .iter()
            .map(|c| (c.earlier, c.later))
            .chain(found.iter().map(|f| (f.earthwork.earlier, f.earthwork.later)))
            .collect();
        intervals.sort_by_key(|i| (i.1, i.0));
        intervals.dedup();
        let by_interval = intervals
            .into_iter()
            .map(|i| {
                let days = (i.0.date_naive(), i.1.date_naive());
                let of = match days.0 == days.1 {
                    true => format!("{} to {}", rfc3339(i.0), rfc3339(i.1)),
                    false => format!("{} to {}", days.0, days.1),
                };
                row(&of, found.iter().filter(|f| (f.earthwork.earlier, f.earthwork.later) == i))
            })
            .collect();
        let km2 = |assessed: bool| {
            let of = coverage.iter().filter(|c| c.assessed == assessed).map(|c| c.area_km2);
            rounded(of.sum::<f64>(), 6)
        };
        let (ground_assessed_km2, ground_km2) = once_km2(coverage);
        Self {
            all: row("all", found.iter()),
            by_distance,
            by_side,
            by_interval,
            assessed_km2: km2(true),
            not_assessed_km2: km2(false),
            ground_assessed_km2: rounded(ground_assessed_km2, 6),
            ground_km2: rounded(ground_km2, 6),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_open_above_and_a_distance_on_an_edge_is_in_the_upper() {
        let bands = [0.0, 4_999.9, 5_000.0, 19_999.0, 20_000.0, f64::INFINITY, f64::NAN];
        assert_eq!(bands.map(band), [0, 0, 1, 2, 3, 3, 4]);
    }
}
