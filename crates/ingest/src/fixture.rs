//! Captures and small GeoTIFFs for the tests.

use std::path::{Path, PathBuf};

use domain::{Affine, BandRole, Capture, Crs, DateSource, FootprintSource, Grid, ViewGeometry};
use gdal::cpl::CslStringList;
use gdal::raster::{Buffer, GdalType};
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DriverManager};

use crate::{date, project};

/// A CRS from its code.
pub(crate) fn crs(epsg: u32) -> Crs {
    Crs { wkt: SpatialRef::from_epsg(epsg).unwrap().to_wkt().unwrap(), epsg: Some(epsg) }
}

/// A capture in UTM zone 36 that no file stands behind: corner `(x, y)`, `(rows, cols)`, pixel size.
pub(crate) fn capture(
    id: &str,
    datetime: &str,
    (x, y): (f64, f64),
    (rows, cols): (usize, usize),
    size: f64,
) -> Capture {
    let grid = Grid::new(rows, cols, Affine::north_up(x, y, size), crs(32636)).unwrap();
    Capture {
        id: id.to_owned(),
        path: PathBuf::from(format!("/nowhere/{id}.tif")),
        tiles: vec![],
        released: None,
        catalogue_id: None,
        licence: None,
        sun_computed: false,
        roles: vec![BandRole::Panchromatic],
        masks: vec![],
        conflicts: vec![],
        datetime: date::instant(datetime).unwrap(),
        date_source: DateSource::StacItem,
        platform: None,
        gsd_m: None,
        ce90_m: None,
        view: ViewGeometry::default(),
        cloud_percent: None,
        footprint: project::footprint(&grid).unwrap(),
        footprint_source: FootprintSource::Outline,
        grid,
        bands: 1,
        data_type: "Byte".to_owned(),
    }
}

/// A new GeoTIFF of `(rows, cols)` at Lgov, 0.5 m, whose bands are filled with `value(band, row, col)`.
/// `finish` sets what the test is about.
pub(crate) fn tiff<T: GdalType + Copy>(
    path: &Path,
    (bands, rows, cols): (usize, usize, usize),
    options: &[&str],
    value: impl Fn(usize, usize, usize) -> T,
    finish: impl FnOnce(&mut Dataset),
) {
    crate::library::quiet();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut list = CslStringList::new();
    for option in options {
        list.add_string(option).unwrap();
    }
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut dataset =
        driver.create_with_band_type_with_options::<T, _>(path, cols, rows, bands, &list).unwrap();
    dataset.set_geo_transform(&[655_000.0, 0.5, 0.0, 5_727_000.0, 0.0, -0.5]).unwrap();
    dataset.set_spatial_ref(&SpatialRef::from_epsg(32636).unwrap()).unwrap();
    finish(&mut dataset);
    for band in 0..bands {
        let data = (0..rows * cols).map(|i| value(band, i / cols, i % cols)).collect();
        dataset
            .rasterband(band + 1)
            .unwrap()
            .write((0, 0), (cols, rows), &mut Buffer::new((cols, rows), data))
            .unwrap();
    }
    dataset.close().unwrap();
}

/// The capture of a file that [`tiff`] made.
pub(crate) fn capture_of(path: &Path) -> Capture {
    let header = crate::header::read(path, &Default::default(), None, None).unwrap();
    Capture {
        path: path.to_owned(),
        footprint: header.footprint,
        bands: header.bands,
        data_type: header.data_type,
        roles: header.roles,
        grid: header.grid,
        ..capture("x", "2024-08-12T08:41:00Z", (655_000.0, 5_727_000.0), (3, 2), 0.5)
    }
}
