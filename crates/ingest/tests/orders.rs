//! Orders as they are delivered: which files make a capture, what is known of it, and which ground its masks take out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;

use common::{listed, listed_with, tiff, tiff_of, value};
use domain::{BandRole, Capture, DateSource, FootprintSource, MaskKind, Window};
use geo::{Area, Contains};
use ingest::{CaptureEntry, Catalogue, CatalogueOptions, Image, MaskEntry, PairRule, to_lon_lat};
use ndarray::Array2;
use serde_json::{Value, json};

#[track_caller]
fn only(found: &Catalogue) -> &Capture {
    assert_eq!(found.skipped, [], "nothing skipped");
    let ids: Vec<&str> = found.captures.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(found.captures.len(), 1, "{ids:?}");
    &found.captures[0]
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn note(path: &Path, json: &Value) {
    write(path, &json.to_string());
}

/// A rectangle of pixels of the ground as a GeoJSON polygon.
fn polygon(capture: &Capture, rows: (f64, f64), cols: (f64, f64)) -> Value {
    let corner = |row, col| domain::Pixel { row, col };
    let ring = [
        corner(rows.0, cols.0),
        corner(rows.0, cols.1),
        corner(rows.1, cols.1),
        corner(rows.1, cols.0),
        corner(rows.0, cols.0),
    ];
    let ring: Vec<[f64; 2]> = to_lon_lat(&capture.grid, &ring).unwrap().iter().map(|p| [p.x, p.y]).collect();
    json!({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    ]})
}

fn imd(time: &str, gsd: f64, sun: (f64, f64), bands: &str) -> String {
    format!(
        "version = \"R\";\ngenerationTime = 2024-08-13T00:00:00Z;\nbandId = \"{bands}\";\nBEGIN_GROUP = IMAGE_1\n\tsatId = \"WV03\";\n\
         \tcatId = \"104001000A1B2C00\";\n\tfirstLineTime = {time};\n\tmeanCollectedGSD = {gsd};\n\tmeanSunAz = {};\n\
         \tmeanSunEl = {};\n\tmeanSatAz = 210.0;\n\tmeanOffNadirViewAngle = 18.5;\n\tcloudCover = 0.02;\nEND_GROUP = IMAGE_1\nEND;\n",
        sun.0, sun.1
    )
}

/// The sun at the corner at 08:41:07 UTC on 12 August 2024 by the formulas of NOAA's solar calculator: 155.4°, 51.0°.
const SUN: (f64, f64) = (155.4, 51.0);

/// Four tiles of a view-ready order: one image, no seam, facts of its IMD, and what its XML contradicts.
#[test]
fn a_view_ready_order_of_tiles() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("053940_01/053940_01_P001_PSH").join(name);
    let base = "24AUG12084107-S2AS";
    let mut list = String::from("bandId = \"RGB\";\nnumTiles = 4;\n");
    for (n, (r, c)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
        let name = format!("{base}_R{}C{}-053940_01_P001.TIF", r + 1, c + 1);
        tiff(&at(&name), (r * 70, c * 90), (70 - 10 * r, 90 - 30 * c), 3);
        list += &format!("BEGIN_GROUP = TILE_{0}\n\tfilename = \"{name}\";\nEND_GROUP = TILE_{0}\n", n + 1);
    }
    write(&at(&format!("{base}-053940_01_P001.TIL")), &(list + "END;\n"));
    write(&at(&format!("{base}-053940_01_P001.IMD")), &imd("2024-08-12T08:41:07Z", 0.34, SUN, "RGB"));
    let xml = "<isd><IMD><BANDID>RGB</BANDID><IMAGE><SATID>WV03</SATID><CATID>104001000A1B2C00</CATID>\
        <FIRSTLINETIME>2024-08-12T08:41:09Z</FIRSTLINETIME><MEANCOLLECTEDGSD>0.41</MEANCOLLECTEDGSD></IMAGE></IMD></isd>";
    write(&at(&format!("{base}-053940_01_P001.XML")), xml);
    // Browse pictures are no images.
    write(&at(&format!("{base}-053940_01_P001-BROWSE.JPG")), "JFIF");
    let found = listed(dir.path());
    let capture = only(&found);
    assert_eq!(capture.id, format!("053940_01/053940_01_P001_PSH/{base}-053940_01_P001"));
    assert_eq!((capture.grid.shape(), capture.tiles.len()), ((130, 150), 4));
    assert_eq!((capture.platform.as_deref(), capture.date_source), (Some("WV03"), DateSource::Order));
    assert_eq!(capture.catalogue_id.as_deref(), Some("104001000A1B2C00"));
    assert_eq!(
        (capture.gsd_m, capture.view.off_nadir_deg, capture.cloud_percent),
        (Some(0.34), Some(18.5), Some(2.0))
    );
    assert!(capture.released.is_some() && !capture.sun_computed);
    assert_eq!(capture.roles, [BandRole::Red, BandRole::Green, BandRole::Blue]);
    let said: Vec<&str> = capture.conflicts.iter().map(|c| c.fact.as_str()).collect();
    assert_eq!(said, ["gsd_m"], "{:?}", capture.conflicts);
    assert_eq!(
        (capture.conflicts[0].used.as_str(), capture.conflicts[0].other.as_str()),
        ("0.34 (IMD)", "0.41 (XML)")
    );
    // The same pixels as from one image, wherever a window lies.
    let whole = dir.path().join("one/a_20240812.tif");
    tiff(&whole, (0, 0), (130, 150), 3);
    let one = listed(whole.parent().unwrap()).captures.remove(0);
    let (mut tiles, mut one) = (Image::open(capture).unwrap(), Image::open(&one).unwrap());
    for window in [
        Window::new(0, 0, 130, 90),
        Window::new(60, 80, 20, 20),
        Window::new(69, 0, 2, 150),
        Window::new(5, 5, 9, 9),
    ] {
        assert!(tiles.read_gray(window).unwrap().valid.iter().all(|ok| *ok));
        assert_eq!(tiles.read_visible_bands(window).unwrap(), one.read_visible_bands(window).unwrap());
    }
    assert!(tiles.read_infrared(Window::new(0, 0, 2, 2)).unwrap().is_none(), "three bands hold none");
    let half = tiles.read_rgb(Window::new(0, 0, 130, 150), (65, 75)).unwrap();
    let known = half.1.iter().filter(|v| **v).count();
    assert_eq!(known, 65 * 75);
    let outside = tiles.read_gray(Window::new(100, 100, 31, 10));
    assert!(matches!(outside, Err(ingest::Error::WindowOutside { .. })));
}

#[test]
fn a_tile_that_is_missing_is_named_and_leaves_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    tiff(&dir.path().join("b_R1C1.TIF"), (0, 0), (64, 64), 1);
    tiff(&dir.path().join("b_R2C2.TIF"), (64, 64), (64, 64), 1);
    let list = ["b_R1C1.TIF", "b_R1C2.TIF", "b_R2C2.TIF"];
    let list: String = list
        .iter()
        .enumerate()
        .map(|(n, f)| format!("BEGIN_GROUP = TILE_{0}\nfilename = \"{f}\";\nEND_GROUP = TILE_{0}\n", n + 1))
        .collect();
    write(&dir.path().join("b.TIL"), &list);
    write(&dir.path().join("b.IMD"), &imd("2024-08-12T08:41:07Z", 0.5, SUN, "P"));
    let found = listed(dir.path());
    assert_eq!((found.captures.len(), found.skipped.len()), (1, 1));
    assert!(found.skipped[0].reason.contains("b_R1C2.TIF"), "{:?}", found.skipped);
    let raster = Image::open(&found.captures[0]).unwrap().read_gray(Window::new(0, 0, 128, 128)).unwrap();
    assert!(raster.valid.indexed_iter().all(|((r, c), ok)| *ok == ((r < 64) == (c < 64))));
    assert_eq!(raster.pixels[(100, 90)], f32::from(value(0, 100, 90)));
}

#[test]
fn an_ard_order_with_its_masks() {
    let dir = tempfile::tempdir().unwrap();
    let at =
        |name: &str| dir.path().join("36/102220011331/2024-08-12").join(format!("10300100F2A3B400{name}"));
    tiff(&at("-visual.tif"), (0, 0), (100, 120), 3);
    tiff(&at("-ms.tif"), (0, 0), (25, 30), 8);
    let item = json!({"type": "Feature", "properties": {
        "datetime": "2024-08-12 08:41:07Z", "gsd": 0.37, "platform": "WV03", "view:off_nadir": 20.0,
        "view:incidence_angle": 68.1, "view:azimuth": 210.0, "view:sun_azimuth": SUN.0, "view:sun_elevation": SUN.1,
        "tile:clouds_percent": 3, "catalog_id": "10300100F2A3B400", "license": "proprietary"
    }, "assets": {"visual": {"href": "./10300100F2A3B400-visual.tif"}, "pan": {"href": "./10300100F2A3B400-pan.tif"}}});
    note(&at(".json"), &item);
    let plain = only(&listed(dir.path())).clone();
    assert_eq!((plain.licence.as_deref(), plain.masks.len()), (Some("proprietary"), 0));
    assert!(plain.conflicts[0].other.contains("holds the satellite's elevation"), "{:?}", plain.conflicts);
    note(&at("-cloud-mask.geojson"), &polygon(&plain, (10.0, 20.0), (30.0, 60.0)));
    note(&at("-cloud-shadow-mask.geojson"), &polygon(&plain, (15.0, 40.0), (30.0, 60.0)));
    // As an image of two-metre pixels: water in the lowest rows.
    let mask = at("-water-mask-raster.tif");
    let water = |_: usize, row: usize, _: usize| u16::from(row >= 90);
    tiff_of(&mask, (0, 0), (100, 120), 1, water);
    tiff_of(&at("-data-mask.tif"), (0, 0), (100, 120), 1, |_, _, col| u16::from(col < 110));
    write(&at("-pan-flare-mask.gpkg"), "");
    let found = listed(dir.path());
    let capture = only(&found);
    let kinds: Vec<MaskKind> = capture.masks.iter().map(|m| m.kind).collect();
    assert_eq!(kinds, [MaskKind::Nodata, MaskKind::Cloud, MaskKind::Shadow, MaskKind::Water]);
    let expected = |r: usize, c: usize| match (r, c) {
        (_, 110..) => Some(MaskKind::Nodata),
        (10..20, 30..60) => Some(MaskKind::Cloud),
        (20..40, 30..60) => Some(MaskKind::Shadow),
        (90.., _) => Some(MaskKind::Water),
        _ => None,
    };
    let mut image = Image::open(capture).unwrap();
    for window in [Window::new(0, 0, 100, 120), Window::new(12, 40, 77, 80)] {
        let want = Array2::from_shape_fn((window.rows, window.cols), |(r, c)| {
            expected(window.row + r, window.col + c)
        });
        assert_eq!(image.read_masks(window).unwrap(), want);
        let raster = image.read_gray(window).unwrap();
        assert_eq!(raster.valid, want.mapv(|m| m.is_none()));
        assert!(raster.pixels.iter().zip(&raster.valid).all(|(p, ok)| (*p > 0.0) == *ok));
    }
    // Pictures show what is there.
    assert!(image.read_rgb(Window::new(0, 0, 100, 120), (50, 60)).unwrap().1.iter().all(|v| *v));
    // A mask that cannot be read is named, and the image used without it.
    write(&at("-cloud-mask.geojson"), "{\"type\": \"FeatureColl");
    let found = listed(dir.path());
    assert_eq!((found.captures.len(), found.captures[0].masks.len()), (1, 3));
    assert!(found.skipped[0].reason.contains("used without it"), "{:?}", found.skipped);
}

#[test]
fn a_skysat_order() {
    let dir = tempfile::tempdir().unwrap();
    let id = "20240812_084107_ssc11_u0001";
    let at = |name: &str| dir.path().join("files").join(format!("{id}_{name}"));
    for (product, bands) in [("panchromatic.tif", 1), ("analytic.tif", 4), ("pansharpened.tif", 4)] {
        tiff(&at(product), (0, 0), (64, 64), bands);
    }
    // Clear, snow, shadow, light haze, heavy haze, cloud, confidence, unusable.
    tiff_of(&at("pansharpened_udm2.tif"), (0, 0), (64, 64), 8, |band, row, col| match band {
        2 => u16::from(row < 8),
        3 => 1,
        5 => u16::from(col < 5),
        _ => 0,
    });
    let metadata = json!({"id": id, "properties": {
        "acquired": "2024-08-12T08:41:07Z", "published": "2024-08-12T13:00:00Z", "satellite_id": "SSC11", "gsd": 0.57,
        "item_type": "SkySatCollect", "cloud_cover": 0.01, "view_angle": 12.5, "satellite_azimuth": 95.0}});
    note(&at("metadata.json"), &metadata);
    let found = listed(dir.path());
    let capture = only(&found);
    assert!(capture.id.ends_with("pansharpened"));
    use BandRole::{Blue, Green, NearInfrared, Red};
    assert_eq!(capture.roles, [Blue, Green, Red, NearInfrared]);
    assert_eq!((capture.platform.as_deref(), capture.gsd_m), (Some("SSC11"), Some(0.57)));
    // Planet's frames tell no sun here: computed, and marked.
    assert!(
        capture.sun_computed && (capture.view.sun_elevation_deg.unwrap() - SUN.1).abs() < 0.3,
        "{:?}",
        capture.view
    );
    let masked = Image::open(capture).unwrap().read_masks(Window::new(0, 0, 64, 64)).unwrap();
    assert_eq!(
        (masked[(3, 3)], masked[(3, 9)], masked[(20, 20)]),
        (Some(MaskKind::Cloud), Some(MaskKind::Shadow), None)
    );
    // Without metadata its name tells when, by which satellite, and so what its bands show.
    std::fs::remove_file(at("metadata.json")).unwrap();
    let bare = listed(dir.path());
    let bare = only(&bare);
    assert_eq!(bare.datetime.to_rfc3339(), "2024-08-12T08:41:07+00:00");
    assert_eq!((bare.platform.as_deref(), bare.date_source), (Some("SSC11"), DateSource::FileName));
    assert_eq!(bare.roles, capture.roles);
}

#[test]
fn an_airbus_order() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("IMG_PHR1A_PMS_001").join(name);
    for c in 0..2 {
        tiff(&at(&format!("IMG_PHR1A_PMS_ORT_R1C{}.TIF", c + 1)), (0, 80 * c), (60, 80), 4);
    }
    let files: String = (1..3).map(|c| format!("<Data_File tile_R=\"1\" tile_C=\"{c}\"><DATA_FILE_PATH href=\"IMG_PHR1A_PMS_ORT_R1C{c}.TIF\"/></Data_File>")).collect();
    let dim = format!(
        "<Dimap_Document><Dataset_Content><CLOUD_COVERAGE>1.5</CLOUD_COVERAGE></Dataset_Content><Raster_Data><Data_Access><Data_Files>{files}\
         </Data_Files></Data_Access><Raster_Dimensions><NBANDS>4</NBANDS></Raster_Dimensions></Raster_Data><Geometric_Data><Use_Area>\
         <Located_Geometric_Values><LOCATION_TYPE>Center</LOCATION_TYPE><VIEWING_ANGLE>15</VIEWING_ANGLE><AZIMUTH_ANGLE>190</AZIMUTH_ANGLE>\
         <SUN_AZIMUTH>155.4</SUN_AZIMUTH><SUN_ELEVATION>51.0</SUN_ELEVATION><GSD_ACROSS_TRACK>0.7</GSD_ACROSS_TRACK>\
         <GSD_ALONG_TRACK>0.7</GSD_ALONG_TRACK></Located_Geometric_Values></Use_Area></Geometric_Data><Dataset_Sources>\
         <Source_Identification><SOURCE_ID>DS_PHR1A</SOURCE_ID><Strip_Source><MISSION>PHR</MISSION><MISSION_INDEX>1A</MISSION_INDEX>\
         <IMAGING_DATE>2024-08-12</IMAGING_DATE><IMAGING_TIME>08:41:07.0Z</IMAGING_TIME></Strip_Source></Source_Identification>\
         </Dataset_Sources></Dimap_Document>"
    );
    write(&at("DIM_PHR1A_PMS_ORT.XML"), &dim);
    let gml = "<?xml version=\"1.0\"?><ogr:FeatureCollection xmlns:ogr=\"http://ogr.maptools.org/\" xmlns:gml=\"http://www.opengis.net/gml\">\
        <gml:featureMember><ogr:MASK fid=\"m.0\"><ogr:geometryProperty><gml:Polygon srsName=\"EPSG:32636\"><gml:outerBoundaryIs><gml:LinearRing>\
        <gml:coordinates>655030,5726990 655050,5726990 655050,5726980 655030,5726980 655030,5726990</gml:coordinates>\
        </gml:LinearRing></gml:outerBoundaryIs></gml:Polygon></ogr:geometryProperty></ogr:MASK></gml:featureMember></ogr:FeatureCollection>";
    write(&at("MASKS/CLD_PHR1A_PMS_MSK.GML"), gml);
    let found = listed(dir.path());
    let capture = only(&found);
    assert_eq!((capture.grid.shape(), capture.tiles.len()), ((60, 160), 2));
    assert_eq!(std::fs::read_dir(at("MASKS")).unwrap().count(), 1, "nothing is written into an order");
    assert_eq!(
        (capture.platform.as_deref(), capture.gsd_m.map(|g| (g * 10.0).round())),
        (Some("PHR1A"), Some(7.0))
    );
    assert_eq!((capture.roles[0], capture.conflicts.len()), (BandRole::Red, 0));
    let masked = Image::open(capture).unwrap().read_masks(Window::new(0, 0, 60, 160)).unwrap();
    let want =
        |r: usize, c: usize| ((20..40).contains(&r) && (60..100).contains(&c)).then_some(MaskKind::Cloud);
    assert_eq!(masked, Array2::from_shape_fn((60, 160), |(r, c)| want(r, c)));
}

/// Pléiades Neo brings red, green and blue in one image and what the eye does not see in another of the same ground, whose
/// name comes first.
#[test]
fn an_airbus_order_of_two_images() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join("IMG_01_PNEO3_PMS-FS").join(name);
    let mut groups = String::new();
    for (kind, bands) in [("RGB", ["R", "G", "B"]), ("NED", ["NIR", "RE", "DB"])] {
        let (mut files, mut list) = (String::new(), String::new());
        for c in 0..2 {
            let name = format!("IMG_PNEO3_ORT_{kind}_R1C{}.TIF", c + 1);
            let turn = if kind == "RGB" { 0 } else { 500 };
            tiff_of(&at(&name), (0, 80 * c), (60, 80), 3, |b, row, col| value(b, row, col) + turn);
            files += &format!(
                "<Data_File tile_R=\"1\" tile_C=\"{}\"><DATA_FILE_PATH href=\"{name}\"/></Data_File>",
                c + 1
            );
        }
        for (i, band) in bands.iter().enumerate() {
            list += &format!(
                "<Raster_Index><BAND_ID>{band}</BAND_ID><BAND_INDEX>{}</BAND_INDEX></Raster_Index>",
                i + 1
            );
        }
        groups += &format!(
            "<Data_Files>{files}<Raster_Display><Raster_Index_List>{list}</Raster_Index_List></Raster_Display></Data_Files>"
        );
    }
    let dim = format!(
        "<Dimap_Document><Raster_Data><Data_Access>{groups}</Data_Access><Raster_Dimensions><NBANDS>6</NBANDS></Raster_Dimensions>\
         </Raster_Data><Dataset_Sources><Source_Identification><Strip_Source><MISSION>PNEO</MISSION><MISSION_INDEX>3</MISSION_INDEX>\
         <IMAGING_DATE>2024-08-12</IMAGING_DATE><IMAGING_TIME>08:41:07.0Z</IMAGING_TIME></Strip_Source></Source_Identification>\
         </Dataset_Sources></Dimap_Document>"
    );
    write(&at("DIM_PNEO3_ORT.XML"), &dim);
    let names = |found: &Catalogue| -> Vec<String> {
        let tiles = only(found).tiles.iter();
        tiles.map(|t| t.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    let found = listed(dir.path());
    assert_eq!(names(&found), ["IMG_PNEO3_ORT_RGB_R1C1.TIF", "IMG_PNEO3_ORT_RGB_R1C2.TIF"]);
    assert_eq!(only(&found).roles, [BandRole::Red, BandRole::Green, BandRole::Blue]);
    // Its near infrared is read from the other image, tile by tile.
    let planes = |found: &Catalogue| {
        let mut image = Image::open(only(found)).unwrap();
        assert_eq!((image.green(), image.band_counts()), (Some(1), (3, 0)));
        image.read_visible_and_infrared(Window::new(10, 70, 20, 20)).unwrap().0
    };
    assert!(only(&found).has_infrared() && only(&found).files().count() == 5);
    let want = |b: usize, r: usize, c: usize| match b {
        3 => f32::from(value(0, 10 + r, 70 + c) + 500),
        _ => f32::from(value(b, 10 + r, 70 + c)),
    };
    assert_eq!(planes(&found), ndarray::Array3::from_shape_fn((4, 20, 20), |(b, r, c)| want(b, r, c)));
    let cells = Image::open(only(&found)).unwrap().read_infrared(Window::new(0, 0, 4, 4)).unwrap();
    assert!(cells.is_some());
    // No data in it is not known, and not water.
    let ned = at("IMG_PNEO3_ORT_NED_R1C2.TIF");
    let other = f64::from(value(0, 12, 83) + 500);
    update(&ned).rasterband(1).unwrap().set_no_data_value(Some(other)).unwrap();
    let holed = planes(&listed(dir.path()));
    assert!(
        holed[(3, 2, 13)].is_nan()
            && holed[(3, 2, 12)] == want(3, 2, 12)
            && holed[(0, 2, 13)] == want(0, 2, 13)
    );
    // Nor what a mask of that file takes out.
    let handle = update(&ned);
    let mut band = handle.rasterband(1).unwrap();
    band.create_mask_band(true).unwrap();
    let kept = (0..60 * 80).map(|i| if i % 80 == 5 { 0_u8 } else { 255 }).collect();
    let mut mask = band.open_mask_band().unwrap();
    mask.write((0, 0), (80, 60), &mut gdal::raster::Buffer::new((80, 60), kept)).unwrap();
    drop(handle);
    let holed = planes(&listed(dir.path()));
    assert!(
        holed[(3, 4, 15)].is_nan()
            && holed[(3, 4, 16)] == want(3, 4, 16)
            && holed[(0, 4, 15)] == want(0, 4, 15)
    );
    // One that lies elsewhere, or is broken, is named, and the image used without it.
    // Copied, because to create it over another would delete the metadata that GDAL knows to belong to it.
    let apart = tempfile::tempdir().unwrap();
    tiff(&apart.path().join("a.tif"), (3, 80), (60, 80), 3);
    std::fs::copy(apart.path().join("a.tif"), &ned).unwrap();
    for said in ["do not lie on those", "not a readable TIFF"] {
        let found = listed(dir.path());
        assert_eq!((found.captures.len(), found.skipped.len()), (1, 1), "{:?}", found.skipped);
        assert!(
            found.skipped[0].path == ned && found.skipped[0].reason.contains(said),
            "{:?}",
            found.skipped
        );
        let plane =
            Image::open(&found.captures[0]).unwrap().read_visible_and_infrared(Window::new(10, 70, 20, 20));
        let (plane, valid) = plane.unwrap();
        let known = |c: usize| !plane[(3, 5, c)].is_nan() && valid[(5, c)];
        assert!(known(9) && !known(10) && valid[(5, 10)]);
        write(&ned, "II*");
    }
    // It need not be there, and an image that is compared need.
    std::fs::remove_file(&ned).unwrap();
    assert_eq!(names(&listed(dir.path())).len(), 2);
    std::fs::remove_file(at("IMG_PNEO3_ORT_RGB_R1C2.TIF")).unwrap();
    let holed = listed(dir.path());
    assert_eq!((holed.captures.len(), holed.skipped.len()), (1, 1));
    assert!(holed.skipped[0].reason.contains("IMG_PNEO3_ORT_RGB_R1C2.TIF"), "{:?}", holed.skipped);
    // Infrared alone is better than nothing.
    std::fs::remove_file(at("IMG_PNEO3_ORT_RGB_R1C1.TIF")).unwrap();
    let alone = listed(dir.path());
    assert_eq!(alone.captures[0].roles[0], BandRole::NearInfrared);
}

/// A Sentinel-2 product in its folder: one capture of the four bands of 10 m, and no image beside it.
#[test]
fn a_sentinel_2_product() {
    let Ok(driver) = gdal::DriverManager::get_driver_by_name("JP2OpenJPEG") else {
        return eprintln!("SKIPPED: this GDAL has no JP2OpenJPEG");
    };
    let dir = tempfile::tempdir().unwrap();
    let product = "S2A_MSIL1C_20240812T084107_N0511_R064_T36UXB_20240812T101010.SAFE";
    let granule = "GRANULE/L1C_T36UXB_A047000_20240812T084107";
    let at = |name: &str| dir.path().join(product).join(name);
    let mut files = String::new();
    for (k, band) in ["B02", "B03", "B04", "B08"].into_iter().enumerate() {
        let name = format!("{granule}/IMG_DATA/T36UXB_20240812T084107_{band}");
        let source = dir.path().join("s.tif");
        tiff_of(&source, (0, 0), (64, 64), 1, |_, row, col| (1000 * k + 10 * row + col) as u16);
        std::fs::create_dir_all(at(&name).parent().unwrap()).unwrap();
        let list = gdal::raster::RasterCreationOptions::from_iter(
            ["QUALITY=100", "REVERSIBLE=YES"].map(String::from),
        );
        let copy =
            gdal::Dataset::open(&source).unwrap().create_copy(&driver, at(&format!("{name}.jp2")), &list);
        copy.unwrap().close().unwrap();
        std::fs::remove_file(&source).unwrap();
        files += &format!("<IMAGE_FILE>{name}</IMAGE_FILE>");
    }
    write(
        &at("MTD_MSIL1C.xml"),
        &format!(
            "<?xml version=\"1.0\"?><n1:Level-1C_User_Product xmlns:n1=\"https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd\">\
             <n1:General_Info><Product_Info><PRODUCT_START_TIME>2024-08-12T08:41:07.024Z</PRODUCT_START_TIME><PRODUCT_URI>{product}\
             </PRODUCT_URI><Datatake><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME></Datatake><Query_Options completeSingleTile=\"true\">\
             <PRODUCT_FORMAT>SAFE_COMPACT</PRODUCT_FORMAT></Query_Options><Product_Organisation><Granule_List>\
             <Granule granuleIdentifier=\"L1C_T36UXB\" imageFormat=\"JPEG2000\">{files}</Granule></Granule_List></Product_Organisation>\
             </Product_Info></n1:General_Info><n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>3.5</Cloud_Coverage_Assessment>\
             </n1:Quality_Indicators_Info></n1:Level-1C_User_Product>"
        ),
    );
    let place = "<?xml version=\"1.0\"?><n1:Level-1C_Tile_ID xmlns:n1=\"https://psd-14.sentinel2.eo.esa.int/PSD/\
        S2_PDI_Level-1C_Tile_Metadata.xsd\"><n1:Geometric_Info><Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32636</HORIZONTAL_CS_CODE>\
        <Size resolution=\"10\"><NROWS>64</NROWS><NCOLS>64</NCOLS></Size><Geoposition resolution=\"10\"><ULX>655000</ULX>\
        <ULY>5727000</ULY><XDIM>10</XDIM><YDIM>-10</YDIM></Geoposition></Tile_Geocoding></n1:Geometric_Info></n1:Level-1C_Tile_ID>";
    write(&at(&format!("{granule}/MTD_TL.xml")), place);
    let found = listed(dir.path());
    let capture = only(&found);
    assert_eq!(
        (capture.platform.as_deref(), capture.gsd_m, capture.cloud_percent),
        (Some("Sentinel-2A"), Some(10.0), Some(3.5))
    );
    assert_eq!((capture.date_source, capture.sun_computed), (DateSource::Order, true));
    use BandRole::{Blue, Green, NearInfrared, Red};
    assert_eq!(capture.roles, [Red, Green, Blue, NearInfrared]);
    assert_eq!(
        (capture.grid.shape(), capture.grid.affine.x0, capture.grid.pixel_size()),
        ((64, 64), 655_000.0, 10.0)
    );
    let (rgb, valid) = Image::open(capture).unwrap().read_visible_bands(Window::new(3, 5, 1, 1)).unwrap();
    assert!(valid[(0, 0)]);
    assert_eq!([rgb[(0, 0, 0)], rgb[(1, 0, 0)], rgb[(2, 0, 0)]], [2035.0, 1035.0, 35.0]);
}

#[test]
fn a_static_catalogue_and_an_item_collection() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let item = |day: u32, href: &str| {
        json!({"type": "Feature", "stac_version": "1.0.0", "id": format!("i{day}"),
            "properties": {"datetime": format!("2024-08-{day:02}T08:41:07Z"), "gsd": 0.5},
            "assets": {"data": {"href": href}}})
    };
    note(
        &at("catalog.json"),
        &json!({"type": "Catalog", "id": "c", "links": [{"rel": "item", "href": "./items/i1.json"}]}),
    );
    tiff(&at("images/one.tif"), (0, 0), (64, 64), 1);
    tiff(&at("images/two words.tif"), (0, 0), (64, 64), 1);
    tiff(&at("images/three.tif"), (0, 0), (64, 64), 1);
    note(&at("items/i1.json"), &item(1, "../images/one.tif"));
    note(
        &at("all.json"),
        &json!({"type": "FeatureCollection", "features": [item(2, "images/two%20words.tif"), item(3, "./images/three.tif")]}),
    );
    let found = listed(dir.path());
    assert_eq!(found.skipped, []);
    let days: Vec<String> = found.captures.iter().map(|c| c.datetime.format("%d").to_string()).collect();
    assert_eq!(days, ["01", "02", "03"]);
    assert!(found.captures.iter().all(|c| c.date_source == DateSource::StacItem && c.gsd_m == Some(0.5)));
    // What is not there, what is elsewhere, and what leads out.
    note(&at("items/i4.json"), &item(4, "../images/four.tif"));
    note(&at("items/i5.json"), &item(5, "https://example.org/five.tif?sig=secret"));
    note(&at("items/i6.json"), &item(6, "../../../../etc/six.tif"));
    let found = listed(dir.path());
    let reasons: Vec<&str> = found.skipped.iter().map(|s| s.reason.as_str()).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons[0].contains("four.tif") && reasons[0].contains("missing"));
    assert!(reasons[1].contains("https://example.org/five.tif") && !reasons[1].contains("secret"));
    assert!(reasons[2].contains("leads out of the folder"));
}

#[test]
fn an_item_says_what_part_of_the_image_it_shows() {
    let dir = tempfile::tempdir().unwrap();
    tiff(&dir.path().join("a.tif"), (0, 0), (100, 100), 1);
    let with = |geometry: Option<Value>| {
        let item = json!({"type": "Feature", "stac_version": "1.0.0", "geometry": geometry,
            "properties": {"datetime": "2024-08-12T08:41:07Z"}});
        note(&dir.path().join("a.json"), &item);
        listed(dir.path()).captures.remove(0)
    };
    let all = with(None);
    let share = |c: &Capture| c.footprint.unsigned_area() / all.footprint.unsigned_area();
    let part = |rows, cols| Some(polygon(&all, rows, cols)["features"][0]["geometry"].clone());
    let half = with(part((0.0, 100.0), (50.0, 250.0)));
    assert!((share(&half) - 0.5).abs() < 1e-3 && half.conflicts.is_empty(), "{}", share(&half));
    assert_eq!(half.grid, all.grid);
    assert_eq!(with(part((0.1, 100.0), (0.0, 99.9))).footprint, all.footprint);
    let elsewhere = with(part((300.0, 400.0), (0.0, 100.0)));
    assert_eq!(elsewhere.footprint, all.footprint);
    assert_eq!(elsewhere.conflicts[0].fact, "footprint");
    // Rings that cross themselves, and that enclose nothing.
    let corners = all.footprint.exterior().0.clone();
    let at = |i: usize| json!([corners[i].x, corners[i].y]);
    for ring in [[at(0), at(16), at(8), at(24), at(0)], [at(0), at(8), at(0), at(8), at(0)]] {
        assert!(share(&with(Some(json!({"type": "Polygon", "coordinates": [ring]})))) > 0.4);
    }
}

#[test]
fn what_a_person_says_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("scene 7.tif");
    tiff(&image, (0, 0), (64, 64), 4);
    note(&dir.path().join("scene 7.json"), &json!({"datetime": "2024-08-11T08:00:00Z", "gsd": 0.5}));
    let mask = dir.path().join("fog.tif");
    tiff_of(&mask, (0, 0), (64, 64), 1, |_, row, _| u16::from(row < 9));
    let entry = CaptureEntry {
        file: image.clone(),
        datetime: Some("2024-08-12T08:41:07Z".to_owned()),
        platform: Some("drone".to_owned()),
        bands: Some(vec![BandRole::NearInfrared, BandRole::Red, BandRole::Green, BandRole::Blue]),
        masks: vec![MaskEntry { file: mask, kind: MaskKind::Cloud, band: 1, keeps: false }],
        ..CaptureEntry::default()
    };
    let nowhere = CaptureEntry { file: dir.path().join("nowhere.tif"), ..CaptureEntry::default() };
    let options = CatalogueOptions { entries: vec![entry, nowhere], ..Default::default() };
    let found = listed_with(dir.path(), &options);
    let capture = &found.captures[0];
    assert_eq!((capture.date_source, capture.platform.as_deref()), (DateSource::Config, Some("drone")));
    assert_eq!((capture.roles[0], capture.gsd_m), (BandRole::NearInfrared, Some(0.5)));
    assert_eq!(capture.conflicts.iter().map(|c| c.fact.as_str()).collect::<Vec<_>>(), ["datetime"]);
    let masked = Image::open(capture).unwrap().read_masks(Window::new(0, 0, 64, 64)).unwrap();
    assert_eq!((masked[(8, 0)], masked[(9, 0)]), (Some(MaskKind::Cloud), None));
    assert!(found.skipped.iter().any(|s| s.path.ends_with("nowhere.tif")), "{:?}", found.skipped);
}

/// The second time nothing is opened: a file that was broken meanwhile, with its length and time kept, is still known.
#[test]
fn a_folder_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let (order, cache) = (dir.path().join("order"), dir.path().join("cache"));
    for n in 0..120 {
        tiff(&order.join(format!("t{n:03}_20240812.tif")), (0, 64 * n), (32, 32), 1);
    }
    note(&order.join("t000_20240812.json"), &json!({"datetime": "2024-08-12T08:41:07Z", "gsd": 0.5}));
    let options = CatalogueOptions { cache: Some(cache.clone()), ..Default::default() };
    let first = listed_with(&order, &options);
    assert_eq!(first.captures.len(), 120);
    let victim = order.join("t007_20240812.tif");
    let (bytes, time) =
        (std::fs::read(&victim).unwrap(), std::fs::metadata(&victim).unwrap().modified().unwrap());
    let rewrite = |bytes: &[u8], time| {
        std::fs::write(&victim, bytes).unwrap();
        std::fs::File::options().append(true).open(&victim).unwrap().set_modified(time).unwrap();
    };
    rewrite(&vec![0; bytes.len()], time);
    assert!(listed_with(&order, &options) == first, "nothing was opened");
    // What changed is opened.
    rewrite(&vec![0; bytes.len()], time + std::time::Duration::from_secs(1));
    let changed = listed_with(&order, &options);
    assert_eq!((changed.captures.len(), changed.skipped.len()), (119, 1));
    rewrite(&bytes, time);
    // So is what a mask leaves of an image, whatever the mask is called.
    let visual = order.join("1030010000A0B0C0-visual.tif");
    let item = order.join("1030010000A0B0C0-visual.json");
    tiff(&visual, (64, 0), (32, 32), 1);
    note(&item, &json!({"datetime": "2024-08-12T08:41:07Z", "gsd": 0.5}));
    let shown = || {
        let found = listed_with(&order, &options);
        found.captures.into_iter().find(|c| c.path == visual).unwrap()
    };
    let whole = shown();
    let mask = order.join("1030010000A0B0C0-data-mask.geojson");
    note(&mask, &polygon(&whole, (0.0, 32.0), (0.0, 30.0)));
    let most = shown().footprint;
    note(&mask, &polygon(&whole, (0.0, 32.0), (0.0, 8.0)));
    let least = shown().footprint;
    assert!(least.unsigned_area() < 0.5 * most.unsigned_area() && most != whole.footprint);
    for file in [&visual, &item, &mask] {
        std::fs::remove_file(file).unwrap();
    }
    // Another question is another answer; a broken memory is none.
    let crs = Some(ingest::named_crs("EPSG:32637").unwrap());
    assert_eq!(listed_with(&order, &CatalogueOptions { crs, ..options.clone() }).captures.len(), 120);
    for file in std::fs::read_dir(cache.join("catalogue")).unwrap() {
        std::fs::write(file.unwrap().path(), "{").unwrap();
    }
    assert!(listed_with(&order, &options) == first);
}

/// An image of which only the pixels that `valid` names hold data: 0 is none.
fn strip(path: &Path, (rows, cols): (usize, usize), valid: impl Fn(usize, usize) -> bool) {
    tiff_of(path, (0, 0), (rows, cols), 1, |_, r, c| if valid(r, c) { 900 } else { 0 });
    update(path).rasterband(1).unwrap().set_no_data_value(Some(0.0)).unwrap();
}

fn update(path: &Path) -> gdal::Dataset {
    let flags = gdal::GdalOpenFlags::GDAL_OF_RASTER | gdal::GdalOpenFlags::GDAL_OF_UPDATE;
    gdal::Dataset::open_ex(path, gdal::DatasetOptions { open_flags: flags, ..Default::default() }).unwrap()
}

/// Share of an image's pixels that lie in its footprint, and true where all valid ones do, of every `step`th.
fn shown(capture: &Capture, step: usize, valid: impl Fn(usize, usize) -> bool) -> (f64, bool) {
    let (rows, cols) = capture.grid.shape();
    let places: Vec<(usize, usize)> =
        (0..rows).step_by(step).flat_map(|r| (0..cols).step_by(step).map(move |c| (r, c))).collect();
    let middle = |&(r, c): &(usize, usize)| domain::Pixel { row: r as f64 + 0.5, col: c as f64 + 0.5 };
    let ground = to_lon_lat(&capture.grid, &places.iter().map(middle).collect::<Vec<_>>()).unwrap();
    let inside: Vec<bool> = ground.iter().map(|p| capture.footprint.contains(p)).collect();
    let all = places.iter().zip(&inside).all(|(&(r, c), inside)| *inside || !valid(r, c));
    (inside.iter().filter(|i| **i).count() as f64 / inside.len() as f64, all)
}

/// A strip that lies aslant over its image.
fn aslant(row: usize, col: usize) -> bool {
    let across = col as f64 - 0.3 * row as f64;
    (300.0..900.0).contains(&across)
}

#[test]
fn a_footprint_is_that_of_the_valid_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a_20240812.tif");
    // Too large to be looked at without an overview.
    let shape = (1400, 1300);
    strip(&path, shape, aslant);
    let large = listed(dir.path());
    let large = only(&large);
    assert_eq!((large.footprint_source, shown(large, 60, aslant)), (FootprintSource::Outline, (1.0, true)));
    for method in ["NEAREST", "AVERAGE"] {
        // Without levels they are removed.
        update(&path).build_overviews(method, &[], &[]).unwrap();
        update(&path).build_overviews(method, &[2, 4, 8], &[]).unwrap();
        let found = listed(dir.path());
        let capture = only(&found);
        assert_eq!((capture.footprint_source, capture.conflicts.len()), (FootprintSource::ValidData, 0));
        let (share, all) = shown(capture, 11, aslant);
        let want = (0..1400).map(|r| (0..1300).filter(|c| aslant(r, *c)).count()).sum::<usize>() as f64;
        let want = want / (1400.0 * 1300.0);
        assert!(all && (want..want + 0.03).contains(&share), "{method}: {share} for {want}, {all}");
        assert!(capture.footprint.exterior().0.len() < 40, "{}", capture.footprint.exterior().0.len());
        assert_eq!((capture.footprint.interiors().len(), &capture.grid), (0, &large.grid));
    }
    // Where all but a rim is valid the footprint is the outline, corner for corner.
    let inner = |r: usize, c: usize| r > 2 && c > 2;
    strip(&path, (700, 650), inner);
    let nearly = listed(dir.path());
    let nearly = only(&nearly);
    assert_eq!(
        (nearly.footprint_source, nearly.footprint.exterior().0.len()),
        (FootprintSource::ValidData, 33)
    );
    // An image of which nothing is valid is not hidden: it is all there, and nothing in it will be assessed.
    strip(&path, (64, 64), |_, _| false);
    assert_eq!(only(&listed(dir.path())).footprint_source, FootprintSource::Outline);
}

/// A large image's own pixels are not read: what counts are those of its overview, here that of another image.
#[test]
fn of_a_large_image_an_overview_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let (left, right) = (|_: usize, c: usize| c < 500, |_: usize, c: usize| c >= 700);
    strip(&at("a_20240812.tif"), (1200, 1400), left);
    strip(&at("b_20240812.tif"), (1200, 1400), right);
    for name in ["a_20240812.tif", "b_20240812.tif"] {
        gdal::Dataset::open(at(name)).unwrap().build_overviews("NEAREST", &[4, 8], &[]).unwrap();
    }
    let half = |found: &Catalogue| found.captures.iter().map(|c| shown(c, 40, right).0).collect::<Vec<_>>();
    let found = half(&listed(dir.path()));
    assert!(found[0] < 0.4 && (0.48..0.52).contains(&found[1]), "{found:?}");
    std::fs::copy(at("b_20240812.tif.ovr"), at("a_20240812.tif.ovr")).unwrap();
    let found = half(&listed(dir.path()));
    assert!(found[0] == found[1] && found[0] > 0.48, "{found:?}");
    // One that cannot be read says nothing, and the image is used as it is.
    let damaged = std::fs::read(at("a_20240812.tif.ovr")).unwrap();
    std::fs::write(at("a_20240812.tif.ovr"), &damaged[..damaged.len() / 2]).unwrap();
    let found = listed(dir.path());
    assert_eq!((found.captures.len(), found.captures[0].footprint_source), (2, FootprintSource::Outline));
}

#[test]
fn pixels_are_believed_before_an_item_and_data_masks_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tif");
    let half = |_: usize, c: usize| c < 100;
    strip(&path, (200, 200), half);
    let with = |geometry: Option<Value>| {
        let item = json!({"type": "Feature", "stac_version": "1.0.0", "geometry": geometry,
            "properties": {"datetime": "2024-08-12T08:41:07Z"}});
        note(&dir.path().join("a.json"), &item);
        only(&listed(dir.path())).clone()
    };
    let alone = with(None);
    assert!((0.5..0.53).contains(&shown(&alone, 5, half).0), "{:?}", alone.footprint);
    let part = |rows, cols| Some(polygon(&alone, rows, cols)["features"][0]["geometry"].clone());
    // An item that says the same is no conflict; one of all of the image, or less of it, is one.
    let same = with(part((0.0, 200.0), (0.0, 102.0)));
    assert_eq!((&same.footprint, same.conflicts.len()), (&alone.footprint, 0));
    for (cols, said) in [((0.0, 200.0), "0.01 km²"), ((0.0, 50.0), "0 km²"), ((500.0, 600.0), "elsewhere")]
    {
        let other = with(part((0.0, 200.0), cols));
        assert_eq!(
            (&other.footprint, other.footprint_source),
            (&alone.footprint, FootprintSource::ValidData)
        );
        assert_eq!((other.conflicts.len(), other.conflicts[0].fact.as_str()), (1, "footprint"));
        assert!(other.conflicts[0].used.contains("valid pixels"), "{:?}", other.conflicts);
        assert!(other.conflicts[0].other.contains(said), "{:?}", other.conflicts);
    }
    // A data mask takes out what the pixels do not mark.
    with(None);
    note(&dir.path().join("a-data-mask.geojson"), &polygon(&alone, (0.0, 100.0), (0.0, 200.0)));
    let masked = only(&listed(dir.path())).clone();
    let (share, all) = shown(&masked, 5, |r, c| r < 100 && c < 100);
    assert!(all && (0.25..0.28).contains(&share), "{share} {all}");
    tiff(&path, (0, 0), (200, 200), 1);
    let masked = only(&listed(dir.path())).clone();
    assert_eq!(masked.footprint_source, FootprintSource::ValidData);
    assert!((0.49..0.51).contains(&shown(&masked, 5, |r, _| r < 99).0));
}

/// Alpha, and the mask of a file, by what is read of them at full size and of an overview.
#[test]
fn alpha_and_masks_of_a_file_mark_valid_pixels() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a_20240812.tif");
    let left = |_: usize, c: usize| c < 400;
    let check = |what: &str| {
        let found = listed(dir.path());
        let capture = only(&found);
        assert_eq!(capture.footprint_source, FootprintSource::ValidData, "{what}");
        let (share, all) = shown(capture, 20, left);
        assert!(all && share < 400.0 / 1300.0 + 0.03, "{what}: {share} {all}");
    };
    for bands in [2, 4] {
        tiff_of(&path, (0, 0), (1000, 1300), bands, |b, _, c| {
            if b + 1 == bands { 255 * u16::from(c < 400) } else { 0 }
        });
        let dataset = update(&path);
        let alpha = gdal::raster::ColorInterpretation::AlphaBand;
        dataset.rasterband(bands).unwrap().set_color_interpretation(alpha).unwrap();
        drop(dataset);
        update(&path).build_overviews("AVERAGE", &[4, 8], &[]).unwrap();
        check(&format!("{bands} bands with alpha"));
    }
    let internal = ("GDAL_TIFF_INTERNAL_MASK", "YES");
    gdal::config::set_thread_local_config_option(internal.0, internal.1).unwrap();
    tiff(&path, (0, 0), (1000, 1300), 1);
    let dataset = update(&path);
    dataset.rasterband(1).unwrap().create_mask_band(true).unwrap();
    let band = dataset.rasterband(1).unwrap();
    let mut mask = band.open_mask_band().unwrap();
    let values = (0..1000 * 1300).map(|i| 255 * u8::from(i % 1300 < 400)).collect();
    mask.write((0, 0), (1300, 1000), &mut gdal::raster::Buffer::new((1300, 1000), values)).unwrap();
    dataset.close().unwrap();
    assert_eq!(only(&listed(dir.path())).footprint_source, FootprintSource::Outline);
    update(&path).build_overviews("AVERAGE", &[4, 8], &[]).unwrap();
    check("an internal mask");
    gdal::config::clear_thread_local_config_option(internal.0).unwrap();
}

/// An image of half the ground does not stand between two that show all of it.
#[test]
fn what_an_image_between_two_does_not_show_is_compared_without_it() {
    let dir = tempfile::tempdir().unwrap();
    for (day, cols) in [(10, 200), (11, 90), (12, 200)] {
        strip(&dir.path().join(format!("a_202408{day}.tif")), (200, 200), |_, c| c < cols);
    }
    let found = listed(dir.path());
    let pairs = ingest::pairs(&found.captures, &PairRule::Consecutive).unwrap();
    let ids: Vec<String> = pairs.iter().map(|p| p.id()).collect();
    assert_eq!(ids, ["a_20240810..a_20240811", "a_20240810..a_20240812", "a_20240811..a_20240812"]);
    let km2: Vec<f64> = pairs.iter().map(|p| (p.overlap_km2 * 1e5).round()).collect();
    assert!(km2[1] == 1000.0 && (450.0..470.0).contains(&km2[0]), "{km2:?}");
}

/// One view is one view, also where of its two images the one tells what it shows by its pixels and the other by its edges: the
/// panchromatic one is too large to be looked at, or the multispectral one marks no pixel as no data.
#[test]
fn a_bundle_of_half_empty_images_is_compared_once() {
    for overviews in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        for day in [5, 12] {
            let name = |kind: &str| dir.path().join(format!("24AUG{day:02}084107-{kind}2AS_P001.TIF"));
            strip(&name("P"), (1200, 1200), |_, c| c < 500);
            // Pixels of two metres.
            let values = |_: usize, _: usize, c: usize| if c < 125 { 900 } else { 0 };
            tiff_of(&name("M"), (0, 0), (300, 300), 4, values);
            let mut dataset = update(&name("M"));
            let (x, y) = common::CORNER;
            dataset.set_geo_transform(&[x, 2.0, 0.0, y, 0.0, -2.0]).unwrap();
            if overviews {
                gdal::Dataset::open(name("P")).unwrap().build_overviews("NEAREST", &[4], &[]).unwrap();
            } else {
                (1..=4).for_each(|b| dataset.rasterband(b).unwrap().set_no_data_value(Some(0.0)).unwrap());
            }
            dataset.close().unwrap();
            for (kind, bands) in [("P", "P"), ("M", "Multi")] {
                let time = format!("2024-08-{day:02}T08:41:07Z");
                write(
                    &name(kind).with_extension("IMD"),
                    &imd(&time, 0.5, SUN, bands).replace("2C00", &format!("{day:04}")),
                );
            }
        }
        let found = listed(dir.path());
        let sources: Vec<FootprintSource> = found.captures.iter().map(|c| c.footprint_source).collect();
        let (valid, edges) = (FootprintSource::ValidData, FootprintSource::Outline);
        let want = if overviews { [edges, valid, edges, valid] } else { [valid, edges, valid, edges] };
        assert_eq!(sources, want, "{:?}", found.skipped);
        assert_eq!(ingest::views(&found.captures), [0, 0, 2, 2]);
        let pairs = ingest::pairs(&found.captures, &PairRule::Consecutive).unwrap();
        let ids: Vec<String> = pairs.iter().map(|p| p.id()).collect();
        assert_eq!(ids, ["24AUG05084107-P2AS_P001..24AUG12084107-P2AS_P001"]);
    }
}
