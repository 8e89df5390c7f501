//! A STAC item of the results.

use serde_json::{Value, json};

use crate::earthworks::rfc3339;
use crate::geojson;
use crate::summary::Summary;

/// A STAC 1.1.0 item (RFC 7946 feature) of what was found, whose assets are `files` beside it.
pub fn stac_item(summary: &Summary<'_>, version: &str, files: &[&str]) -> String {
    let coverage = summary.coverage;
    let outlines = coverage.iter().flat_map(|c| c.geometry.iter()).flat_map(|p| p.exterior().coords());
    let lines = summary.found.iter().flat_map(|f| f.earthwork.centreline.coords());
    let bbox = geojson::bbox(outlines.chain(lines).copied());
    let times = || {
        let seen = summary.found.iter().map(|f| (f.earthwork.earlier, f.earthwork.later));
        coverage.iter().map(|c| (c.earlier, c.later)).chain(seen)
    };
    let first = times().map(|t| t.0).min().map(rfc3339);
    let last = times().map(|t| t.1).max().map(rfc3339);
    let geometry = bbox.map_or(Value::Null, rectangle);
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
    if let Some(bbox) = bbox {
        item["bbox"] = json!(bbox);
    }
    format!("{item:#}\n")
}

/// The geometry of a bounding box; cut at the antimeridian where it lies across (RFC 7946, 3.1.9).
fn rectangle([west, south, east, north]: [f64; 4]) -> Value {
    let ring = |w: f64, e: f64| json!([[[w, south], [e, south], [e, north], [w, north], [w, south]]]);
    if west <= east {
        json!({"type": "Polygon", "coordinates": ring(west, east)})
    } else {
        json!({"type": "MultiPolygon", "coordinates": [ring(west, 180.0), ring(-180.0, east)]})
    }
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
