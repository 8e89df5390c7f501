//! Names and STAC items after Maxar's Analysis Ready Data (ARD), plainly marked as simulated.
//!
//! The ARD grid cuts every UTM zone into cells of 5 km, named by a quadkey of twelve digits; a tile is a cell
//! padded to 5,312.5 m.

use chrono::SecondsFormat;
use domain::{Crs, Grid, Pixel};
use geo_types::Polygon;
use serde_json::{Value, json};

use crate::SceneDate;

/// Side of an ARD tile, metres: a cell of 5 km padded by 156.25 m all round.
pub const TILE_SIDE_M: f64 = 5312.5;
/// EPSG code of the simulated scenes: UTM 36 north.
pub const EPSG: u32 = 32636;
/// UTM zone of the simulated scenes.
pub const ZONE: u32 = 36;

const CELL_M: f64 = 5000.0;
const PADDING_M: f64 = 156.25;

/// Column and row of the ARD cell that holds a UTM position (northern hemisphere).
pub fn cell(easting_m: f64, northing_m: f64) -> (u32, u32) {
    let along = |v: f64| (v / CELL_M).floor().clamp(0.0, 4095.0) as u32;
    (along(easting_m + 9_740_000.0), along(10_240_000.0 - northing_m))
}

/// Quadkey of the ARD cell that holds a UTM position: twelve digits.
pub fn quadkey(easting_m: f64, northing_m: f64) -> String {
    let (x, y) = cell(easting_m, northing_m);
    (0..12).rev().map(|bit| char::from(b'0' + (((x >> bit) & 1) + 2 * ((y >> bit) & 1)) as u8)).collect()
}

/// Quadkey of the cell that holds the centre of a grid.
pub fn quadkey_of(grid: &Grid) -> String {
    let middle = Pixel { row: grid.rows as f64 / 2.0, col: grid.cols as f64 / 2.0 };
    let at = grid.affine.ground(middle);
    quadkey(at.x, at.y)
}

/// Name of the colour image of a date: `{catalogue id}-visual.tif`.
pub fn visual_name(date: &SceneDate) -> String {
    format!("{}-visual.tif", date.catalogue_id)
}

/// Folder of a date below the root of an order: `{zone}/{quadkey}/{date}`.
pub fn folder(date: &SceneDate, grid: &Grid) -> String {
    format!("{ZONE}/{}/{}", quadkey_of(grid), date.datetime.format("%Y-%m-%d"))
}

/// Top left corner of a scene `side_m` wide, UTM metres: within the cell of Lgov (`102220011331`), in its
/// south, and growing to the north, so that every size up to the tile fits.
pub(crate) fn origin(side_m: f64) -> (f64, f64) {
    let (cell_west, cell_south) = (655_000.0_f64, 5_725_000.0_f64);
    let (least, most) = (cell_west - PADDING_M, cell_west + CELL_M + PADDING_M - side_m);
    let west = (657_050.0 - side_m / 2.0).clamp(least, most.max(least));
    let south = (cell_south + 50.0).min(cell_south + CELL_M + PADDING_M - side_m);
    (west.round(), (south + side_m).round())
}

/// The STAC 1.0 item of one date, shaped like Maxar ARD's, with `"fosse:simulated": true`.
///
/// `asset_file` is the file name of the colour image beside the item, `footprint` its outline in longitude and
/// latitude (WGS84, degrees). As in Maxar's own items, `view:incidence_angle` holds the elevation of the
/// satellite above the horizon.
pub fn item_json(date: &SceneDate, grid: &Grid, asset_file: &str, footprint: &Polygon) -> Value {
    let key = quadkey_of(grid);
    let id = &date.catalogue_id;
    let corners = grid.corners();
    let (mut x, mut y) = (corners.map(|c| c.x), corners.map(|c| c.y));
    x.sort_by(f64::total_cmp);
    y.sort_by(f64::total_cmp);
    let ring: Vec<Value> = footprint.exterior().coords().map(|c| json!([c.x, c.y])).collect();
    let (mut lon, mut lat): (Vec<f64>, Vec<f64>) = footprint.exterior().coords().map(|c| (c.x, c.y)).unzip();
    lon.sort_by(f64::total_cmp);
    lat.sort_by(f64::total_cmp);
    let bbox: Vec<f64> =
        [lon.first(), lat.first(), lon.last(), lat.last()].into_iter().flatten().copied().collect();
    let tenth = |v: f64| (v * 10.0).round() / 10.0;
    json!({
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v1.0.0/schema.json",
            "https://stac-extensions.github.io/view/v1.0.0/schema.json",
            "https://stac-extensions.github.io/grid/v1.0.0/schema.json"
        ],
        "id": format!("{ZONE}/{key}/{id}"),
        "collection": "fosse-simulated",
        "geometry": { "type": "Polygon", "coordinates": [ring] },
        "bbox": bbox,
        "properties": {
            "title": format!("Simulated scene {id}"),
            "description": "Simulated by Fosse: drawn by a program, not taken by a satellite. The earthworks, \
                            fields and date are invented; the layout follows Maxar ARD so that readers can be \
                            tried on it.",
            "fosse:simulated": true,
            "datetime": date.datetime.to_rfc3339_opts(SecondsFormat::Secs, true),
            "platform": "simulated",
            "gsd": (date.gsd_m * 100.0).round() / 100.0,
            "view:off_nadir": tenth(date.off_nadir_deg),
            "view:azimuth": tenth(date.view_azimuth_deg),
            "view:incidence_angle": tenth(satellite_elevation_deg(date.off_nadir_deg)),
            "view:sun_azimuth": tenth(date.sun_azimuth_deg),
            "view:sun_elevation": tenth(date.sun_elevation_deg),
            "proj:epsg": grid.crs.epsg.unwrap_or(EPSG),
            "proj:bbox": [x[0], y[0], x[3], y[3]],
            "proj:shape": [grid.rows, grid.cols],
            "proj:transform": [
                grid.affine.x_per_col, grid.affine.x_per_row, grid.affine.x0,
                grid.affine.y_per_col, grid.affine.y_per_row, grid.affine.y0
            ],
            "ard_metadata_version": "0.0.1",
            "utm_zone": ZONE,
            "quadkey": key,
            "grid:code": format!("MXRA-Z{ZONE}-{key}"),
            "catalog_id": id,
            "tile:clouds_percent": 0
        },
        "assets": {
            "visual": {
                "title": "Simulated colour image",
                "href": format!("./{asset_file}"),
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "eo:bands": [{ "name": "Red" }, { "name": "Green" }, { "name": "Blue" }]
            }
        },
        "links": []
    })
}

/// Elevation of a satellite at 617 km (WorldView-3) above the horizon, from the angle off nadir.
fn satellite_elevation_deg(off_nadir_deg: f64) -> f64 {
    90.0 - ((6371.0 + 617.0) / 6371.0 * off_nadir_deg.to_radians().sin()).clamp(-1.0, 1.0).asin().to_degrees()
}

/// A grid of `(rows, cols)` pixels of `gsd_m`, where every scene lies.
pub fn grid((rows, cols): (usize, usize), gsd_m: f64, crs: Crs) -> Grid {
    let (west, north) = origin(rows.max(cols) as f64 * gsd_m);
    Grid { rows, cols, affine: domain::Affine::north_up(west, north, gsd_m), crs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgov_has_its_quadkey() {
        // pyproj: 51.66 N, 35.27 E in EPSG:32636.
        assert_eq!(quadkey(657_005.141, 5_725_663.569), "102220011331");
    }

    #[test]
    fn scenes_of_every_size_lie_in_the_tile_of_lgov() {
        for (size, gsd) in [(128, 0.305), (1536, 0.305), (4096, 0.5), (17_408, 0.305_172)] {
            let grid = grid((size, size), gsd, Crs { wkt: String::new(), epsg: Some(EPSG) });
            assert_eq!(quadkey_of(&grid), "102220011331");
            for c in grid.corners() {
                assert!((654_842.0..=660_158.0).contains(&c.x), "{size}: {c:?}");
                assert!((5_724_842.0..=5_730_158.0).contains(&c.y), "{size}: {c:?}");
            }
        }
    }

    #[test]
    fn the_item_says_what_it_is_and_is_shaped_like_maxars() {
        let scene = crate::Scene::new(&crate::Options::default()).unwrap();
        let grid = scene.grid(Crs { wkt: String::new(), epsg: Some(EPSG) });
        let date = &scene.dates()[0];
        let ring = vec![(35.26, 51.65), (35.27, 51.65), (35.27, 51.66), (35.26, 51.65)];
        let footprint = Polygon::new(ring.into(), vec![]);
        let item = item_json(date, &grid, &visual_name(date), &footprint);
        let p = &item["properties"];
        assert_eq!(p["fosse:simulated"], true);
        assert!(p["description"].as_str().unwrap().contains("not taken by a satellite"));
        assert_eq!(p["datetime"], "2024-08-05T08:41:12Z");
        assert_eq!(p["grid:code"], "MXRA-Z36-102220011331");
        assert_eq!(item["id"], format!("36/102220011331/{}", date.catalogue_id));
        assert_eq!(item["assets"]["visual"]["href"], format!("./{}-visual.tif", date.catalogue_id));
        assert_eq!(item["bbox"], json!([35.26, 51.65, 35.27, 51.66]));
        assert_eq!(folder(date, &grid), "36/102220011331/2024-08-05");
        // WorldView-3, 25.9 degrees off nadir: 61.4 degrees above the horizon.
        assert!((satellite_elevation_deg(25.9) - 61.4).abs() < 0.1);
    }
}
