//! What a STAC item, or a plain JSON file beside an image, says about it.

use chrono::{DateTime, Utc};
use domain::ViewGeometry;
use serde_json::Value;

use crate::date;

/// A JSON file that may describe images.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// When the image was taken.
    pub datetime: Option<DateTime<Utc>>,
    /// Sensor or platform.
    pub platform: Option<String>,
    /// True ground sample distance.
    pub gsd_m: Option<f64>,
    /// Radius that holds 90 % of the points (CE90), metres.
    pub ce90_m: Option<f64>,
    /// Line of sight and sun.
    pub view: ViewGeometry,
    /// Share of cloud, 0–100.
    pub cloud_percent: Option<f64>,
    /// File names at the ends of the assets' addresses, in the order of the item.
    pub files: Vec<String>,
}

impl Item {
    /// The item that `json` holds.
    ///
    /// Fields may stand in `properties`, as in STAC, or at the top, as in a hand-made sidecar. What is missing
    /// or out of range is `None`. `view:incidence_angle` stands in for a missing `view:off_nadir`: in Maxar's
    /// items it holds the satellite's elevation above the horizon, so its complement is taken, which is larger
    /// than the off-nadir angle by the curvature of the Earth, 2° at 25°.
    pub fn read(json: &Value) -> Self {
        let field = |name: &str| {
            let inside = json.get("properties").and_then(|p| p.get(name));
            inside.or_else(|| json.get(name)).filter(|v| !v.is_null())
        };
        let text = |name: &str| field(name).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty());
        let number = |name: &str, range: std::ops::RangeInclusive<f64>| {
            let value = field(name)?;
            let value = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
            range.contains(&value).then_some(value)
        };
        let maxar = field("tile:clouds_percent").is_some()
            || field("ard_metadata_version").is_some()
            || text("platform").is_some_and(is_maxar);
        let incidence = number("view:incidence_angle", 0.0..=90.0);
        let off_nadir = number("view:off_nadir", 0.0..=90.0);
        Self {
            datetime: ["datetime", "start_datetime"].iter().find_map(|n| date::instant(text(n)?)),
            platform: text("platform").or_else(|| text("constellation")).map(str::to_owned),
            gsd_m: number("gsd", 1e-3..=1e4),
            // STAC's accuracy extension gives the radial RMSE; of a normal error 90 % lie within 1.5175 times that.
            ce90_m: number("ce90", 0.0..=1e4)
                .or_else(|| number("accuracy:geometric_rmse", 0.0..=1e4).map(|rmse| 1.5175 * rmse)),
            view: ViewGeometry {
                off_nadir_deg: off_nadir.or(incidence.map(|a| if maxar { 90.0 - a } else { a })),
                view_azimuth_deg: number("view:azimuth", -360.0..=360.0).map(|a| a.rem_euclid(360.0)),
                sun_azimuth_deg: number("view:sun_azimuth", -360.0..=360.0).map(|a| a.rem_euclid(360.0)),
                sun_elevation_deg: number("view:sun_elevation", -90.0..=90.0),
            },
            // Maxar rounds up to 101.
            cloud_percent: number("tile:clouds_percent", 0.0..=101.0)
                .or_else(|| number("eo:cloud_cover", 0.0..=101.0))
                .map(|p| p.min(100.0)),
            files: json
                .get("assets")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|assets| assets.values())
                .filter_map(|asset| asset.get("href")?.as_str()?.rsplit(['/', '\\']).next())
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// True for the names under which Maxar's satellites go.
fn is_maxar(platform: &str) -> bool {
    let name = platform.to_ascii_lowercase();
    ["wv0", "worldview", "ge01", "geoeye", "qb0", "quickbird", "lg0", "legion"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
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
        assert_eq!(item.datetime, date::instant("2024-08-12T08:41:07Z"));
        assert_eq!((item.gsd_m, item.cloud_percent), (Some(0.37), Some(100.0)));
        assert!((item.view.off_nadir_deg.unwrap() - 28.8).abs() < 1e-9);
        assert_eq!(item.files, ["10300100F2A3B400-visual.tif"]);
    }

    #[test]
    fn the_ce90_is_read_or_worked_out() {
        let item = |p: serde_json::Value| Item::read(&json!({"properties": p})).ce90_m;
        assert_eq!(item(json!({"ce90": 3.5, "accuracy:geometric_rmse": 9})), Some(3.5));
        assert!((item(json!({"accuracy:geometric_rmse": 2.0})).unwrap() - 3.035).abs() < 1e-9);
        assert_eq!((item(json!({})), item(json!({"ce90": -1}))), (None, None));
    }

    #[test]
    fn off_nadir_wins_over_incidence_and_incidence_of_others_is_no_elevation() {
        let both = json!({"properties": {"view:off_nadir": 20.0, "view:incidence_angle": 67.0}});
        assert_eq!(Item::read(&both).view.off_nadir_deg, Some(20.0));
        let other = json!({"properties": {"platform": "pleiades-neo", "view:incidence_angle": 12.0}});
        assert_eq!(Item::read(&other).view.off_nadir_deg, Some(12.0));
    }

    #[test]
    fn a_sidecar_with_fields_at_the_top_and_nonsense_in_them() {
        let item = Item::read(
            &json!({"datetime": "2024-08-12", "gsd": "0.5", "eo:cloud_cover": -3, "view:sun_elevation": "high"}),
        );
        assert_eq!((item.gsd_m, item.cloud_percent, item.view.sun_elevation_deg), (Some(0.5), None, None));
        assert!(item.datetime.is_some() && item.files.is_empty());
    }

    #[test]
    fn a_composite_without_datetime_takes_its_start() {
        let item =
            Item::read(&json!({"properties": {"datetime": null, "start_datetime": "2024-08-12T08:00:00Z"}}));
        assert_eq!(item.datetime, date::instant("2024-08-12T08:00:00Z"));
        assert_eq!(Item::read(&json!([1, 2])).datetime, None);
    }
}
