//! What a STAC item, or a plain JSON file beside an image, says about it.

use std::ops::RangeInclusive;

use domain::{Conflict, ViewGeometry};
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bands::is_maxar;
use crate::date;
use crate::facts::{Facts, Source, conflict};

/// Features of an ItemCollection, at most.
const MOST_ITEMS: usize = 20_000;
/// Points of a ring, rings of a polygon and polygons of an item, at most.
const MOST_POINTS: usize = 2_000;
/// Height of Maxar's satellites, 617 km, and the radius of the Earth.
const ORBIT_OVER_RADIUS: f64 = (6371.0 + 617.0) / 6371.0;

/// A STAC item, or another JSON object, that may describe images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// [`Source::Stac`], or Planet's own metadata.
    pub planet: bool,
    pub facts: Facts,
    /// Addresses of its assets, in the order of the item.
    pub assets: Vec<String>,
}

impl Item {
    /// The items in a JSON file: one, or those of an ItemCollection.
    pub fn all(json: &Value) -> Vec<Self> {
        match json.get("features").and_then(Value::as_array) {
            Some(features) => features.iter().take(MOST_ITEMS).map(Self::read).collect(),
            None => vec![Self::read(json)],
        }
    }

    /// Who speaks.
    pub fn source(&self) -> Source {
        if self.planet { Source::Planet } else { Source::Stac }
    }

    /// The item that `json` holds.
    ///
    /// Fields may stand in `properties`, as in STAC, or at the top, as in a hand-made sidecar. What is missing
    /// or out of range is `None`. Planet's names (`acquired`, `view_angle`, `cloud_cover` as a share of 1) are known too.
    ///
    /// `view:incidence_angle` is at the ground by its definition, and holds the satellite's elevation above the horizon
    /// in Maxar's items. Where `view:off_nadir` is missing it stands in, for Maxar's by its complement, which is larger
    /// than the off-nadir angle by the curvature of the Earth, 2° at 25°. Where both are there, off-nadir counts, and an
    /// incidence that fits it only as an elevation is a conflict.
    pub fn read(json: &Value) -> Self {
        let fields = Fields(json);
        let planet = fields.get("satellite_id").is_some() || fields.get("item_type").is_some();
        let facts = if planet { of_planet(&fields) } else { of_stac(&fields) };
        let assets =
            json.get("assets").and_then(Value::as_object).into_iter().flat_map(|assets| assets.values());
        let assets = assets.filter_map(|asset| asset.get("href")?.as_str()).map(str::to_owned).collect();
        Self { planet, facts, assets }
    }
}

/// The fields of an object, in `properties` or at the top.
struct Fields<'a>(&'a Value);

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        let inside = self.0.get("properties").and_then(|p| p.get(name));
        inside.or_else(|| self.0.get(name)).filter(|v| !v.is_null())
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
    }

    fn number(&self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let value = self.get(name)?;
        let value = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
        range.contains(&value).then_some(value)
    }

    fn azimuth(&self, name: &str) -> Option<f64> {
        self.number(name, -360.0..=360.0).map(|a| a.rem_euclid(360.0))
    }
}

fn of_stac(fields: &Fields<'_>) -> Facts {
    let maxar = fields.get("tile:clouds_percent").is_some()
        || fields.get("ard_metadata_version").is_some()
        || fields.text("platform").is_some_and(is_maxar);
    let incidence = fields.number("view:incidence_angle", 0.0..=90.0);
    let off_nadir = fields.number("view:off_nadir", 0.0..=90.0);
    let time = |names: &[&str]| names.iter().find_map(|n| date::instant(fields.text(n)?));
    Facts {
        datetime: time(&["datetime", "start_datetime"]),
        released: time(&["published", "released", "release_date"]),
        platform: fields.text("platform").or_else(|| fields.text("constellation")).map(str::to_owned),
        catalogue_id: ["catalog_id", "catalogue_id", "catid", "image_id", "vehicle_catalog_id"]
            .iter()
            .find_map(|n| fields.text(n))
            .map(str::to_owned),
        gsd_m: fields.number("gsd", 1e-3..=1e4),
        // STAC's accuracy extension gives the radial RMSE; of a normal error 90 % lie within 1.5175 times that.
        ce90_m: fields
            .number("ce90", 0.0..=1e4)
            .or_else(|| fields.number("accuracy:geometric_rmse", 0.0..=1e4).map(|rmse| 1.5175 * rmse)),
        view: ViewGeometry {
            off_nadir_deg: off_nadir.or(incidence.map(|a| if maxar { 90.0 - a } else { a })),
            view_azimuth_deg: fields.azimuth("view:azimuth"),
            sun_azimuth_deg: fields.azimuth("view:sun_azimuth"),
            sun_elevation_deg: fields.number("view:sun_elevation", -90.0..=90.0),
        },
        // Maxar rounds up to 101.
        cloud_percent: fields
            .number("tile:clouds_percent", 0.0..=101.0)
            .or_else(|| fields.number("eo:cloud_cover", 0.0..=101.0))
            .map(|p| p.min(100.0)),
        licence: fields.text("license").or_else(|| fields.text("licence")).map(str::to_owned),
        // Any GeoJSON has a geometry; that of an item is what it shows.
        outline: fields.0.get("stac_version").and_then(|_| outline(fields.0.get("geometry")?)),
        roles: None,
        conflicts: off_nadir.zip(incidence).and_then(|(o, i)| misnamed(o, i)).into_iter().collect(),
    }
}

/// The polygons of a GeoJSON geometry; `None` for others, and where a ring is none.
fn outline(geometry: &Value) -> Option<MultiPolygon> {
    let list = |v: &'_ Value| v.as_array().filter(|a| a.len() <= MOST_POINTS).cloned();
    let ring = |v: &Value| -> Option<LineString> {
        let points = list(v)?.into_iter().map(|p| {
            let (x, y) = (p.get(0)?.as_f64()?, p.get(1)?.as_f64()?);
            (x.abs() <= 360.0 && y.abs() <= 90.0).then_some(Coord { x, y })
        });
        points.collect::<Option<Vec<_>>>().filter(|ring| ring.len() >= 4).map(LineString::new)
    };
    let polygon = |v: &Value| -> Option<Polygon> {
        let mut rings = list(v)?.iter().map(ring).collect::<Option<Vec<_>>>()?.into_iter();
        Some(Polygon::new(rings.next()?, rings.collect()))
    };
    let places = geometry.get("coordinates")?;
    match geometry.get("type")?.as_str()? {
        "Polygon" => Some(MultiPolygon::new(vec![polygon(places)?])),
        "MultiPolygon" => {
            list(places)?.iter().map(polygon).collect::<Option<Vec<_>>>().map(MultiPolygon::new)
        }
        _ => None,
    }
}

/// The contradiction of an incidence angle that fits the off-nadir angle not at all, or as the elevation of the
/// satellite alone.
fn misnamed(off_nadir_deg: f64, incidence_deg: f64) -> Option<Conflict> {
    const FITS_DEG: f64 = 5.0;
    let at_ground = (ORBIT_OVER_RADIUS * off_nadir_deg.to_radians().sin()).min(1.0).asin().to_degrees();
    if (incidence_deg - at_ground).abs() <= FITS_DEG {
        return None;
    }
    let other = if (90.0 - incidence_deg - at_ground).abs() <= FITS_DEG {
        format!("view:incidence_angle {incidence_deg}, which holds the satellite's elevation")
    } else {
        format!("view:incidence_angle {incidence_deg}")
    };
    let used = format!("view:off_nadir {off_nadir_deg}");
    Some(conflict("off_nadir_deg", (&used, Source::Stac), (&other, Source::Stac)))
}

/// Planet's own metadata, as its orders bring them.
fn of_planet(fields: &Fields<'_>) -> Facts {
    let platform = fields.text("satellite_id").map(str::to_owned);
    Facts {
        datetime: ["acquired", "datetime"].iter().find_map(|n| date::instant(fields.text(n)?)),
        released: fields.text("published").and_then(date::instant),
        catalogue_id: fields.text("strip_id").or_else(|| fields.0.get("id")?.as_str()).map(str::to_owned),
        gsd_m: fields.number("gsd", 1e-3..=1e4),
        view: ViewGeometry {
            off_nadir_deg: fields.number("view_angle", -90.0..=90.0).map(f64::abs),
            view_azimuth_deg: fields.azimuth("satellite_azimuth"),
            sun_azimuth_deg: fields.azimuth("sun_azimuth"),
            sun_elevation_deg: fields.number("sun_elevation", -90.0..=90.0),
        },
        cloud_percent: fields
            .number("cloud_percent", 0.0..=100.0)
            .or_else(|| fields.number("cloud_cover", 0.0..=1.0).map(|share| share * 100.0)),
        licence: fields.text("license").map(str::to_owned),
        platform,
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_maxar_item() {
        let item = Item::read(&json!({
            "type": "Feature", "stac_version": "1.0.0",
            "properties": {
                "datetime": "2024-08-12 08:41:07Z", "platform": "WV03", "gsd": 0.37,
                "view:incidence_angle": 61.2, "view:azimuth": 214.0, "view:sun_azimuth": 151.5,
                "view:sun_elevation": 49.8, "tile:clouds_percent": 101, "proj:epsg": 32636
            },
            "assets": { "visual": { "href": "./10300100F2A3B400-visual.tif" } }
        }));
        assert_eq!(item.facts.datetime, date::instant("2024-08-12T08:41:07Z"));
        assert_eq!((item.facts.gsd_m, item.facts.cloud_percent), (Some(0.37), Some(100.0)));
        assert!((item.facts.view.off_nadir_deg.unwrap() - 28.8).abs() < 1e-9);
        assert_eq!(item.assets, ["./10300100F2A3B400-visual.tif"]);
    }

    #[test]
    fn the_ce90_is_read_or_worked_out() {
        let item = |p: serde_json::Value| Item::read(&json!({"properties": p})).facts.ce90_m;
        assert_eq!(item(json!({"ce90": 3.5, "accuracy:geometric_rmse": 9})), Some(3.5));
        assert!((item(json!({"accuracy:geometric_rmse": 2.0})).unwrap() - 3.035).abs() < 1e-9);
        assert_eq!((item(json!({})), item(json!({"ce90": -1}))), (None, None));
    }

    #[test]
    fn off_nadir_wins_over_incidence_and_incidence_of_others_is_no_elevation() {
        let both = json!({"properties": {"view:off_nadir": 20.0, "view:incidence_angle": 67.0}});
        assert_eq!(Item::read(&both).facts.view.off_nadir_deg, Some(20.0));
        let other = json!({"properties": {"platform": "pleiades-neo", "view:incidence_angle": 12.0}});
        assert_eq!(Item::read(&other).facts.view.off_nadir_deg, Some(12.0));
    }

    #[test]
    fn a_sidecar_with_fields_at_the_top_and_nonsense_in_them() {
        let item = Item::read(
            &json!({"datetime": "2024-08-12", "gsd": "0.5", "eo:cloud_cover": -3, "view:sun_elevation": "high"}),
        );
        assert_eq!(
            (item.facts.gsd_m, item.facts.cloud_percent, item.facts.view.sun_elevation_deg),
            (Some(0.5), None, None)
        );
        assert!(item.facts.datetime.is_some() && item.assets.is_empty());
    }

    #[test]
    fn a_composite_without_datetime_takes_its_start() {
        let item =
            Item::read(&json!({"properties": {"datetime": null, "start_datetime": "2024-08-12T08:00:00Z"}}));
        assert_eq!(item.facts.datetime, date::instant("2024-08-12T08:00:00Z"));
        assert_eq!(Item::read(&json!([1, 2])).facts.datetime, None);
    }

    #[test]
    fn an_incidence_that_is_an_elevation_is_kept_as_a_conflict() {
        let item = |o: f64, i: f64| {
            let json =
                json!({"properties": {"platform": "WV03", "view:off_nadir": o, "view:incidence_angle": i}});
            Item::read(&json).facts
        };
        assert_eq!(item(20.0, 22.0).conflicts, []);
        let facts = item(20.0, 68.0);
        assert_eq!(facts.view.off_nadir_deg, Some(20.0));
        assert!(
            facts.conflicts[0].other.contains("holds the satellite's elevation"),
            "{:?}",
            facts.conflicts
        );
        assert_eq!(item(20.0, 45.0).conflicts[0].other, "view:incidence_angle 45 (STAC item)");
    }

    #[test]
    fn planet_says_it_in_its_own_words() {
        let item = Item::read(&json!({"id": "20240812_084107_ssc11_u0001", "properties": {
            "acquired": "2024-08-12T08:41:07Z", "published": "2024-08-12T12:00:00Z", "satellite_id": "SSC11",
            "item_type": "SkySatCollect", "gsd": 0.57, "cloud_cover": 0.02, "view_angle": -12.5,
            "satellite_azimuth": 95.0, "sun_azimuth": 150.0, "sun_elevation": 49.0}}));
        let f = &item.facts;
        assert_eq!(
            (f.platform.as_deref(), f.cloud_percent, f.view.off_nadir_deg),
            (Some("SSC11"), Some(2.0), Some(12.5))
        );
        assert!(item.planet && f.released.is_some() && f.datetime.is_some());
    }

    #[test]
    fn an_item_tells_what_it_shows_and_other_geojson_does_not() {
        let ring = json!([[35.0, 51.0], [35.1, 51.0], [35.1, 51.1], [35.0, 51.0]]);
        let of = |kind: &str, places: serde_json::Value| {
            let json = json!({"type": "Feature", "stac_version": "1.0.0", "geometry": {"type": kind, "coordinates": places}});
            Item::read(&json).facts.outline.map(|o| o.0.len())
        };
        assert_eq!(of("Polygon", json!([ring])), Some(1));
        assert_eq!(of("MultiPolygon", json!([[ring], [ring]])), Some(2));
        for (kind, places) in [
            ("Point", json!([35.0, 51.0])),
            ("Polygon", json!([])),
            ("Polygon", json!([[[35.0, 51.0]]])),
            ("Polygon", json!([[[35.0, 51.0], [35.1, "51"], [35.1, 51.1], [35.0, 51.0]]])),
            ("Polygon", json!([[[35.0, 5.1e6], [35.1, 51.0], [35.1, 51.1], [35.0, 51.0]]])),
            ("Polygon", json!([vec![[35.0, 51.0]; MOST_POINTS + 1]])),
            ("MultiPolygon", json!([ring])),
        ] {
            assert_eq!(of(kind, places.clone()), None, "{kind} {places}");
        }
        let front = json!({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}});
        assert_eq!(Item::read(&front), Item::default());
    }

    #[test]
    fn an_item_collection_holds_many() {
        let item =
            json!({"type": "Feature", "properties": {"datetime": "2024-08-12T08:41:07Z"}, "assets": {}});
        assert_eq!(Item::all(&json!({"type": "FeatureCollection", "features": [item, item]})).len(), 2);
    }
}
