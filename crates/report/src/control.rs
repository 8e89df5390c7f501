//! How large an area of control is, which settlements lie in it, and what changed from day to day.

use chrono::NaiveDate;
use geo_types::{LineString, Polygon};
use geographiclib_rs::{Geodesic, PolygonArea, Winding};
use serde::Serialize;

use crate::context::ContextLayer;
use crate::geojson::rounded;
use crate::{FrontIndex, Fronts};

/// The kind of context whose features count as settlements.
const SETTLEMENTS: &str = "settlements";

/// An area of control on a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Control {
    /// Who drew it.
    pub source: String,
    /// Its class.
    pub class: String,
    /// The day that it is of.
    pub date: NaiveDate,
    /// Its size on WGS84, km2; where polygons overlap, the overlap counts twice.
    pub km2: f64,
    /// Named settlements in it, where a layer of them is given.
    pub settlements: Vec<String>,
    /// The day that it is compared with: the one before, of the same source and class.
    pub since: Option<NaiveDate>,
    /// How much larger it is than on that day, km2.
    pub change_km2: Option<f64>,
    /// Settlements that came into it since.
    pub gained: Vec<String>,
    /// Settlements that left it.
    pub lost: Vec<String>,
}

/// The areas of control among the fronts, by source, class and day.
pub fn control(fronts: &Fronts, context: &[ContextLayer]) -> Vec<Control> {
    let mut out: Vec<(usize, Control)> = Vec::new();
    for (source, index) in fronts.by_source() {
        let front = &fronts.lines()[index];
        if front.areas().is_empty() {
            continue;
        }
        let inside = FrontIndex::new(front);
        let places = context.iter().filter(|l| l.kind == SETTLEMENTS).flat_map(ContextLayer::places);
        let mut settlements: Vec<String> =
            places.filter(|(_, at)| inside.contains(*at)).map(|(name, _)| name.to_owned()).collect();
        settlements.sort();
        settlements.dedup();
        let km2 = rounded(front.areas().iter().map(area_km2).sum(), 2);
        let before = out.iter().rev().find(|(s, c)| *s == source && c.class == front.class).map(|(_, c)| c);
        let only = |a: &[String], b: &[String]| a.iter().filter(|n| !b.contains(n)).cloned().collect();
        let one = Control {
            source: front.source.clone(),
            class: front.class.clone(),
            date: front.date,
            km2,
            since: before.map(|c| c.date),
            change_km2: before.map(|c| rounded(km2 - c.km2, 2)),
            gained: before.map(|c| only(&settlements, &c.settlements)).unwrap_or_default(),
            lost: before.map(|c| only(&c.settlements, &settlements)).unwrap_or_default(),
            settlements,
        };
        out.push((source, one));
    }
    out.into_iter().map(|(_, c)| c).collect()
}

/// Area of a polygon in longitude and latitude on WGS84, less its holes, km2. Its edges are taken for geodesics, which
/// for edges of some kilometres is the same to a part in a million.
pub(crate) fn area_km2(polygon: &Polygon) -> f64 {
    let earth = Geodesic::wgs84();
    let ring = |r: &LineString| {
        let mut area = PolygonArea::new(&earth, Winding::CounterClockwise);
        // The last vertex repeats the first.
        r.coords().take(r.0.len().saturating_sub(1)).for_each(|c| area.add_point(c.y, c.x));
        area.compute(true).1.abs() / 1e6
    };
    ring(polygon.exterior()) - polygon.interiors().iter().map(ring).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use geo_types::polygon;
    use serde_json::json;

    use super::*;
    use crate::{FrontFile, FrontOptions, FrontRule};

    #[test]
    fn what_came_in_and_what_went_is_told_from_day_to_day() {
        let day = |date: &str, east: f64| {
            let ring = [[35.0, 51.0], [east, 51.0], [east, 51.1], [35.0, 51.1], [35.0, 51.0]];
            let root = json!({"type": "Feature", "properties": {"date": date, "class": "claimed"},
                "geometry": {"type": "Polygon", "coordinates": [ring]}});
            let file = FrontFile::from_geojson(std::path::Path::new("x"), root, false).unwrap();
            file.lines(&FrontOptions::default(), None, &[]).unwrap()
        };
        let days = vec![day("2024-08-14", 35.3), day("2024-08-10", 35.1)];
        let fronts = Fronts::new(vec![days], FrontRule::default()).unwrap();
        let town = |name: &str, x: f64| {
            json!({"type": "Feature", "properties": {"name": name},
            "geometry": {"type": "Point", "coordinates": [x, 51.05]}})
        };
        let towns = json!({"type": "FeatureCollection", "features": [town("A", 35.05), town("B", 35.2), town("C", 36.0)]});
        let towns = ContextLayer::from_geojson(std::path::Path::new("y"), SETTLEMENTS, &towns).unwrap();
        let control = control(&fronts, &[towns]);
        assert_eq!(
            control.iter().map(|c| c.date.to_string()).collect::<Vec<_>>(),
            ["2024-08-10", "2024-08-14"]
        );
        assert_eq!(
            (control[0].settlements.join(" "), control[1].settlements.join(" ")),
            ("A".into(), "A B".into())
        );
        assert_eq!((control[1].gained.join(" "), control[1].lost.len()), ("B".into(), 0));
        // Three times as wide.
        assert!((control[1].change_km2.unwrap() - 2.0 * control[0].km2).abs() < 0.05, "{control:?}");
        assert_eq!(control[0].since, None);
    }

    #[test]
    fn a_degree_at_the_equator_is_as_large_as_geographiclib_says() {
        // Planimeter of GeographicLib 2.0: 12308778361.469 m2 for 0–1 by 0–1 degrees.
        let square = polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 1.0, y: 1.0), (x: 0.0, y: 1.0)];
        assert!((area_km2(&square) - 12_308.778_361).abs() < 1e-3, "{}", area_km2(&square));
    }
}
