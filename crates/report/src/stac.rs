//! A STAC item of the results.

use serde_json::{Value, json};

use crate::earthworks::rfc3339;
use crate::summary::Summary;

/// A STAC 1.1.0 item (RFC 7946 feature) of what was found, whose assets are `files` beside it.
pub fn stac_item(summary: &Summary<'_>, version: &str, files: &[&str]) -> String {
    let coverage = summary.coverage;
    let mut bbox = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    let outlines = coverage.iter().flat_map(|c| c.geometry.iter()).flat_map(|p| p.exterior().coords());
    for c in outlines.chain(summary.found.iter().flat_map(|f| f.earthwork.centreline.coords())) {
        bbox = [bbox[0].min(c.x), bbox[1].min(c.y), bbox[2].max(c.x), bbox[3].max(c.y)];
    }
    let [west, south, east, north] = bbox;
    let times = || {
        let seen = summary.found.iter().map(|f| (f.earthwork.earlier, f.earthwork.later));
        coverage.iter().map(|c| (c.earlier, c.later)).chain(seen)
    };
    let first = times().map(|t| t.0).min().map(rfc3339);
    let last = times().map(|t| t.1).max().map(rfc3339);
    let known = west.is_finite();
    let ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
    let geometry = if known { json!({"type": "Polygon", "coordinates": [ring]}) } else { Value::Null };
    let assets: serde_json::Map<String, Value> = files
        .iter()
        .map(|name| {
            let asset = json!({"href": format!("./{name}"), "type": media(name), "roles": [role(name)]});
            ((*name).to_owned(), asset)
        })
        .collect();
    let id = format!("fosse-{}", last.as_deref().unwrap_or("nothing").replace([':', '-'], "").to_lowercase());
    let mut item = json!({
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": id,
        "geometry": geometry,
        "properties": {
            "title": summary.title,
            // Null, as the standard has it where a range is given.
            "datetime": last.is_none().then_some("1970-01-01T00:00:00Z"),
            "fosse:version": version,
            "fosse:earthworks": summary.found.len(),
        },
        "links": [],
        "assets": assets,
    });
    // The schema has no null for these.
    if let (Some(first), Some(last)) = (first, last) {
        item["properties"]["start_datetime"] = json!(first);
        item["properties"]["end_datetime"] = json!(last);
    }
    if known {
        item["bbox"] = json!(bbox);
    }
    format!("{item:#}\n")
}

fn media(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "geojson" => "application/geo+json",
        "json" => "application/json",
        "csv" => "text/csv",
        "md" => "text/markdown",
        "html" => "text/html",
        "gpkg" => "application/geopackage+sqlite3",
        "fgb" => "application/vnd.flatgeobuf",
        "parquet" => "application/vnd.apache.parquet",
        "kmz" => "application/vnd.google-earth.kmz",
        _ => "application/octet-stream",
    }
}

fn role(name: &str) -> &'static str {
    match name {
        "run.json" | "summary.json" => "metadata",
        "report.html" | "report.md" => "overview",
        _ => "data",
    }
}
