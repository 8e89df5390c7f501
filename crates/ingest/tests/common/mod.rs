//! Small images for the tests.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use gdal::DriverManager;
use gdal::cpl::CslStringList;
use gdal::raster::Buffer;
use gdal::spatial_ref::SpatialRef;
use ingest::{Catalogue, CatalogueOptions, catalogue};

/// Corner of every image, UTM 36, whose pixels are half a metre.
pub const CORNER: (f64, f64) = (655_000.0, 5_727_000.0);

/// A value of a pixel of the ground that no other near it has.
pub fn value(band: usize, row: usize, col: usize) -> u16 {
    ((row * 131 + col * 17 + band * 7) % 2039 + 1) as u16
}

/// A GeoTIFF whose first pixel is `(row, col)` of the ground, of `(rows, cols)` and so many bands.
pub fn tiff(path: &Path, (row, col): (usize, usize), (rows, cols): (usize, usize), bands: usize) {
    tiff_of(path, (row, col), (rows, cols), bands, value);
}

/// The same with other values.
pub fn tiff_of(
    path: &Path,
    (row, col): (usize, usize),
    (rows, cols): (usize, usize),
    bands: usize,
    value: impl Fn(usize, usize, usize) -> u16,
) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let options = CslStringList::from_iter(
        ["PHOTOMETRIC=MINISBLACK", "ALPHA=NO", "TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32"]
            .map(String::from),
    );
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut dataset =
        driver.create_with_band_type_with_options::<u16, _>(path, cols, rows, bands, &options).unwrap();
    let place = [CORNER.0 + 0.5 * col as f64, 0.5, 0.0, CORNER.1 - 0.5 * row as f64, 0.0, -0.5];
    dataset.set_geo_transform(&place).unwrap();
    dataset.set_spatial_ref(&SpatialRef::from_epsg(32636).unwrap()).unwrap();
    for band in 0..bands {
        let data = (0..rows * cols).map(|i| value(band, row + i / cols, col + i % cols)).collect();
        let mut buffer = Buffer::new((cols, rows), data);
        dataset.rasterband(band + 1).unwrap().write((0, 0), (cols, rows), &mut buffer).unwrap();
    }
    dataset.close().unwrap();
}

#[tokio::main(flavor = "current_thread")]
pub async fn listed_with(folder: &Path, options: &CatalogueOptions) -> Catalogue {
    catalogue(folder, options).await.unwrap()
}

pub fn listed(folder: &Path) -> Catalogue {
    listed_with(folder, &CatalogueOptions::default())
}
