//! What an image says about itself before a pixel is read, and whether it can be used.

use std::path::Path;

use chrono::{DateTime, Utc};
use domain::{Affine, Crs, Grid};
use gdal::errors::GdalError;
use gdal::raster::{ColorInterpretation, GdalDataType, RasterBand};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::{Dataset, DatasetOptions, Metadata};
use geo_types::Polygon;

use crate::error::GdalMessage;
use crate::{date, library, project};

/// Tiles of a band whose place in the file is looked up at most; beyond, every n-th and the last. A whole ARD
/// tile has 1,156, a large untiled strip image 20,000.
const MOST_BLOCKS: usize = 20_000;

/// An image that can be used.
pub(crate) struct Header {
    pub grid: Grid,
    pub footprint: Polygon,
    pub bands: usize,
    pub data_type: String,
    /// From the tags.
    pub datetime: Option<DateTime<Utc>>,
}

/// A TIFF, opened. Nothing but GDAL's TIFF driver is tried.
pub(crate) fn open(path: &Path) -> Result<Dataset, GdalError> {
    library::quiet();
    Dataset::open_ex(path, DatasetOptions { allowed_drivers: Some(&["GTiff"]), ..Default::default() })
}

/// The header of an image, or a sentence on why it cannot be used and what to do about it.
pub(crate) fn read(path: &Path) -> Result<Header, String> {
    if path.to_str().is_none() {
        return Err("the name is not valid UTF-8; rename the file".to_owned());
    }
    let length = std::fs::metadata(path).map_err(|e| format!("the file cannot be read: {e}"))?.len();
    if length == 0 {
        return Err("the file is empty; download it again".to_owned());
    }
    let dataset = open(path).map_err(|e| {
        let said = GdalMessage::from(e);
        format!(
            "the file is not a readable TIFF ({said}); download it again or convert it with gdal_translate"
        )
    })?;
    let data_type = check_bands(&dataset)?;
    let grid = grid(&dataset)?;
    let footprint = project::footprint(&grid).map_err(|e| {
        format!("{}; repair the coordinate reference system with gdal_edit.py -a_srs", with_cause(&e))
    })?;
    let reach =
        reach(&dataset).map_err(|e| format!("the tiles cannot be located: {}", GdalMessage::from(e)))?;
    if reach > length {
        return Err(format!(
            "the file is truncated: {length} bytes, its tiles reach to {reach}; download it again"
        ));
    }
    Ok(Header { grid, footprint, bands: dataset.raster_count(), data_type, datetime: tagged_date(&dataset) })
}

/// An error and its cause in one line.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}

/// The data type of the pixels, as GDAL names it; refuses what holds no brightness.
fn check_bands(dataset: &Dataset) -> Result<String, String> {
    if dataset.raster_count() == 0 {
        return Err("the file has no bands; is it an image?".to_owned());
    }
    let band = dataset
        .rasterband(1)
        .map_err(|e| format!("the first band cannot be read: {}", GdalMessage::from(e)))?;
    if band.band_type() == GdalDataType::Unknown {
        return Err(
            "the pixels are complex numbers or of an unknown type; convert them to UInt16 or Float32 \
                    with gdal_translate -ot"
                .to_owned(),
        );
    }
    match band.color_interpretation() {
        ColorInterpretation::PaletteIndex => Err(
            "the pixels are colours of a palette, not brightness; convert with gdal_translate -expand rgb"
                .to_owned(),
        ),
        ColorInterpretation::AlphaBand if dataset.raster_count() == 1 => {
            Err("the only band is a mask; name the image that it belongs to".to_owned())
        }
        _ => Ok(band.band_type().name()),
    }
}

/// Shape, affine and CRS.
fn grid(dataset: &Dataset) -> Result<Grid, String> {
    const IDENTITY: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let affine = match dataset.geo_transform() {
        Ok(numbers) if numbers != IDENTITY => Affine::from_gdal(numbers),
        _ if !dataset.gcps().is_empty() => {
            return Err(
                "the file is placed by ground control points only; put it on a grid with gdalwarp".to_owned()
            );
        }
        _ if dataset.metadata_domain("RPC").is_some() => {
            return Err("the file is not orthorectified: it has RPCs and no grid; orthorectify it with \
                        gdalwarp -rpc and an elevation model"
                .to_owned());
        }
        _ => {
            return Err("the file has no geotransform, so its place is unknown; georeference it with \
                        gdal_edit.py or deliver its world file beside it"
                .to_owned());
        }
    };
    let unknown = || {
        "the file has no coordinate reference system, so its place is unknown; name it with gdal_edit.py -a_srs EPSG:n"
            .to_owned()
    };
    let srs = dataset.spatial_ref().map_err(|_| unknown())?;
    if srs.is_local() {
        return Err(unknown());
    }
    let crs = crs(srs).ok_or_else(unknown)?;
    let (cols, rows) = dataset.raster_size();
    Grid::new(rows, cols, affine, crs).map_err(|e| format!("{e}; georeference the file anew"))
}

/// Text and code of a CRS.
fn crs(mut srs: SpatialRef) -> Option<Crs> {
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    if srs.auth_name().is_none() {
        // Finds the code of a UTM CRS written without one; where it does not, there is none.
        let _ = srs.auto_identify_epsg();
    }
    let wkt = srs.to_wkt().ok().filter(|wkt| !wkt.is_empty())?;
    let is_epsg = srs.auth_name().is_some_and(|name| name.eq_ignore_ascii_case("EPSG"));
    let epsg = srs.auth_code().ok().filter(|_| is_epsg).and_then(|code| u32::try_from(code).ok());
    Some(Crs { wkt, epsg })
}

/// When the image was taken, from its tags. A plain acquisition date goes before `TIFFTAG_DATETIME`, which some
/// programs set to the time of processing.
fn tagged_date(dataset: &Dataset) -> Option<DateTime<Utc>> {
    let tag = |key: &str, domain: &str| dataset.metadata_item(key, domain).and_then(|v| date::instant(&v));
    ["ACQUISITION_DATE", "ACQUISITION_DATETIME", "ACQUISITIONDATETIME"]
        .iter()
        .find_map(|key| tag(key, ""))
        .or_else(|| tag("ACQUISITIONDATETIME", "IMAGERY"))
        .or_else(|| tag("TIFFTAG_DATETIME", ""))
}

/// The byte up to which the tiles of an image and of its overviews reach in its file.
///
/// GDAL opens a TIFF whose end is missing without a word and fails on its last tiles, hours into a run.
pub(crate) fn reach(dataset: &Dataset) -> Result<u64, GdalError> {
    let interleaved = dataset.metadata_item("INTERLEAVE", "IMAGE_STRUCTURE").as_deref() == Some("PIXEL");
    let bands = if interleaved { 1 } else { dataset.raster_count() };
    let mut most = 0;
    for index in 1..=bands {
        let band = dataset.rasterband(index)?;
        most = most.max(reach_of_band(&band));
        for overview in 0..band.overview_count()?.max(0) {
            most = most.max(reach_of_band(&band.overview(overview as usize)?));
        }
    }
    Ok(most)
}

/// The same of one band.
fn reach_of_band(band: &RasterBand<'_>) -> u64 {
    let ((width, height), (block_width, block_height)) = (band.size(), band.block_size());
    let (across, down) = (width.div_ceil(block_width.max(1)), height.div_ceil(block_height.max(1)));
    let blocks = across * down;
    let step = blocks.div_ceil(MOST_BLOCKS).max(1);
    (0..blocks)
        .step_by(step)
        .chain(blocks.checked_sub(1))
        .filter_map(|block| {
            let (x, y) = (block % across, block / across);
            // Neither item exists for a tile that a sparse file leaves out, nor for an external overview.
            let number =
                |key: &str| band.metadata_item(&format!("{key}_{x}_{y}"), "TIFF")?.parse::<u64>().ok();
            Some(number("BLOCK_OFFSET")? + number("BLOCK_SIZE")?)
        })
        .max()
        .unwrap_or(0)
}
