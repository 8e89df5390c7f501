//! What an image says about itself before a pixel is read, and whether it can be used.

use std::io::ErrorKind;
use std::path::Path;

use chrono::{DateTime, Utc};
use domain::{Affine, BandRole, Crs, Grid};
use gdal::errors::GdalError;
use gdal::raster::{ColorInterpretation, GdalDataType, RasterBand};
use gdal::{Dataset, Metadata};
use geo_types::Polygon;
use serde::{Deserialize, Serialize};

use crate::bands::{self, Hints};
use crate::error::GdalMessage;
use crate::format::{self, Format, open};
use crate::valid::Data;
use crate::{crs, date, project, vrt, whole};

/// Tiles of an image whose place in the file is looked up at most; beyond, every n-th and the last. A whole ARD
/// tile has 1,156, a large untiled strip image 20,000.
const MOST_BLOCKS: usize = 20_000;
/// Pixels of an image at most: 60 km at 0.3 m. The lattice of such a pair takes 160 MB.
pub(crate) const MOST_PIXELS: u64 = 40_000_000_000;
/// Bands at most: hyperspectral cubes have 250.
const MOST_BANDS: usize = 400;
/// Bytes of a tile that must be decoded at once, at most.
const LARGEST_BLOCK: usize = 64 << 20;

/// The time in the header of a NITF that GDAL made up.
const GDAL_IDATIM: &str = "20021216151629";

/// Share of an image's tiles that must be in its file: a mosaic may have large holes, and still has more.
const LEAST_TILES: f64 = 1e-3;

/// An image that can be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub grid: Grid,
    /// All of it.
    pub footprint: Polygon,
    /// Where it holds data, as far as was looked.
    pub data: Data,
    pub bands: usize,
    pub data_type: String,
    pub roles: Vec<BandRole>,
    /// From the tags.
    pub datetime: Option<DateTime<Utc>>,
    /// False where a tag says when the image was taken; else the date is the TIFF tag DateTime, which says as often when the file was
    /// written, or there is none.
    pub stamped: bool,
    /// From the tags.
    pub copyright: Option<String>,
}

/// The header of an image, or a sentence on why it cannot be used and what to do about it. `fallback` is the
/// reference system of images that have none; `forced`, of the image whatever it says.
pub(crate) fn read(
    path: &Path,
    hints: &Hints,
    fallback: Option<&Crs>,
    forced: Option<&Crs>,
) -> Result<Header, String> {
    opened(path, hints, fallback, forced).map(|(header, _)| header)
}

/// The same with the file, open.
pub(crate) fn opened(
    path: &Path,
    hints: &Hints,
    fallback: Option<&Crs>,
    forced: Option<&Crs>,
) -> Result<(Header, Dataset), String> {
    if path.to_str().is_none() {
        return Err("the name is not valid UTF-8; rename the file".to_owned());
    }
    // GDAL says nothing of permissions.
    let length = std::fs::File::open(path)
        .and_then(|file| file.metadata())
        .map_err(|e| match e.kind() {
            ErrorKind::PermissionDenied => format!("the file cannot be read: {e}; check its permissions"),
            _ => format!("the file cannot be read: {e}; copy it anew"),
        })?
        .len();
    if length == 0 {
        return Err("the file is empty; download it again".to_owned());
    }
    let format = Format::of(path).ok_or("its name is that of no image")?;
    if let Some(reason) = whole::lacks(path, format) {
        return Err(reason);
    }
    if format == Format::Vrt {
        vrt::sources(path)?;
    }
    let dataset = open(path).map_err(|e| {
        let (name, said) = (format.name(), GdalMessage::from(e));
        format!(
            "the file is not a readable {name} ({said}); download it again or convert it with gdal_translate"
        )
    })?;
    let data_type = check_bands(&dataset)?;
    check_size(&dataset)?;
    let grid = grid(&dataset, path, fallback, forced)?;
    let footprint = project::footprint(&grid).map_err(|e| {
        format!("{}; repair the coordinate reference system with gdal_edit.py -a_srs", with_cause(&e))
    })?;
    let failed = |e| format!("the tiles cannot be located: {}", GdalMessage::from(e));
    let reach = reach(&dataset).map_err(failed)?;
    if format == Format::Tiff && reach > length {
        return Err(format!(
            "the file is truncated: {length} bytes, its tiles reach to {reach}; download it again"
        ));
    }
    if format == Format::Tiff {
        let (there, asked) = tiles_there(&dataset).map_err(failed)?;
        if (there as f64) < LEAST_TILES * asked as f64 {
            return Err(format!("of {asked} tiles, {there} are in the file; download it again"));
        }
    }
    let roles = bands::roles(&dataset, hints).map_err(failed)?;
    let copyright = dataset.metadata_item("TIFFTAG_COPYRIGHT", "").filter(|c| !c.trim().is_empty());
    let taken = tagged_date(&dataset);
    let header = Header {
        grid,
        footprint,
        data: Data::Unknown,
        bands: roles.len(),
        data_type,
        roles,
        datetime: taken.or_else(|| tag(&dataset, "TIFFTAG_DATETIME", "")),
        stamped: taken.is_none(),
        copyright,
    };
    Ok((header, dataset))
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
    let signed = band.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE").is_some_and(|t| t == "SIGNEDBYTE");
    if signed {
        return Err("the pixels are signed bytes, which GDAL reads as unsigned; convert them with gdal_translate -ot Int16, \
                    and -scale where they mean brightness from -128 on"
            .to_owned());
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

/// Refuses what would take more memory than a machine has.
fn check_size(dataset: &Dataset) -> Result<(), String> {
    let (cols, rows) = dataset.raster_size();
    if rows as u64 * cols as u64 > MOST_PIXELS {
        return Err(format!(
            "{rows} x {cols} px are more than can be compared at once ({MOST_PIXELS}); cut it with gdal_translate -projwin"
        ));
    }
    let bands = dataset.raster_count();
    if bands > MOST_BANDS {
        return Err(format!(
            "{bands} bands are more than {MOST_BANDS}; take those of colour with gdal_translate -b"
        ));
    }
    for index in 1..=bands {
        let band =
            dataset.rasterband(index).map_err(|e| format!("band {index}: {}", GdalMessage::from(e)))?;
        let (width, height) = band.block_size();
        let bytes = block_bytes(&band);
        if bytes > LARGEST_BLOCK {
            return Err(format!(
                "the pixels are in pieces of {width} x {height}, {} MB each, which must be decoded whole; tile it with \
                 gdal_translate -co TILED=YES",
                bytes >> 20
            ));
        }
    }
    Ok(())
}

/// Bytes of one tile of a band.
fn block_bytes(band: &RasterBand<'_>) -> usize {
    let (width, height) = band.block_size();
    width.saturating_mul(height).saturating_mul(usize::from(band.band_type().bits()).div_ceil(8))
}

/// True where a tile of a band is small enough to be decoded.
pub(crate) fn is_in_pieces(band: &RasterBand<'_>) -> bool {
    block_bytes(band) <= LARGEST_BLOCK
}

/// Shape, affine and CRS.
fn grid(
    dataset: &Dataset,
    path: &Path,
    fallback: Option<&Crs>,
    forced: Option<&Crs>,
) -> Result<Grid, String> {
    const IDENTITY: [f64; 6] = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let affine = match dataset.geo_transform() {
        Ok(numbers) if numbers != IDENTITY && !is_rough(dataset) => Affine::from_gdal(numbers),
        _ if dataset.metadata_domain("RPC").is_some_and(|d| !d.is_empty()) => {
            return Err(format!(
                "the file is not orthorectified: it has RPCs and no grid; orthorectify it: {}",
                orthorectify(dataset, path)
            ));
        }
        _ if !dataset.gcps().is_empty() => {
            return Err(
                "the file is placed by ground control points only; put it on a grid with gdalwarp".to_owned()
            );
        }
        _ => {
            return Err("the file has no geotransform, so its place is unknown; georeference it with \
                        gdal_edit.py or deliver its world file beside it"
                .to_owned());
        }
    };
    let own = || dataset.spatial_ref().ok().and_then(crs::of).or_else(|| crs::of_prj(path));
    let crs = forced.cloned().or_else(own).or_else(|| fallback.cloned());
    let crs = crs.ok_or_else(|| {
        "the file has no coordinate reference system, so its place is unknown; name it with gdal_edit.py -a_srs \
         EPSG:n, deliver its .prj beside it, or let survey and inspect take --crs EPSG:n for it"
            .to_owned()
    })?;
    let (cols, rows) = dataset.raster_size();
    Grid::new(rows, cols, affine, crs).map_err(|e| format!("{e}; georeference the file anew"))
}

/// True for a NITF that is not orthorectified, whose place GDAL takes from the corners in its header: to the second of arc,
/// 30 m, and as if the ground were flat.
fn is_rough(dataset: &Dataset) -> bool {
    let in_degrees = dataset.metadata_item("NITF_ICORDS", "").is_some_and(|c| c == "G" || c == "D");
    in_degrees && dataset.metadata_domain("RPC").is_some_and(|d| !d.is_empty())
}

/// The command that puts an image with RPCs onto a grid: UTM of its place.
fn orthorectify(dataset: &Dataset, path: &Path) -> String {
    let number = |key: &str| -> Option<f64> {
        // The unit may follow, as in an RPC text file: "35.24 degrees".
        dataset.metadata_item(key, "RPC")?.split_whitespace().next()?.parse().ok()
    };
    let code = number("LONG_OFF").zip(number("LAT_OFF")).map(|(lon, lat)| project::utm_code(lon, lat));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    format!(
        "gdalwarp -rpc -to RPC_DEM=elevation.tif -t_srs {} -r cubic -co TILED=YES -co COMPRESS=DEFLATE '{name}' '{stem}_ortho.tif'",
        code.map_or_else(|| "EPSG:n".to_owned(), |n| format!("EPSG:{n}"))
    )
}

/// When the image was taken, from its tags. A plain acquisition date goes before `TIFFTAG_DATETIME`, which some
/// programs set to the time of processing. NITF has the time of its image (`IDATIM`) as fourteen digits, of which dashes
/// stand for those that are unknown; GDAL writes the same moment of 2002 into every one that it is not told the time of.
fn tagged_date(dataset: &Dataset) -> Option<DateTime<Utc>> {
    ["ACQUISITION_DATE", "ACQUISITION_DATETIME", "ACQUISITIONDATETIME"]
        .iter()
        .find_map(|key| tag(dataset, key, ""))
        .or_else(|| tag(dataset, "ACQUISITIONDATETIME", "IMAGERY"))
        .or_else(|| {
            let stated = dataset.metadata_item("NITF_IDATIM", "").filter(|t| t != GDAL_IDATIM);
            date::in_digits(&stated?)
        })
}

fn tag(dataset: &Dataset, key: &str, domain: &str) -> Option<DateTime<Utc>> {
    dataset.metadata_item(key, domain).and_then(|v| date::instant(&v))
}

/// The byte up to which the tiles of an image and of its overviews reach in its file; 0 where its format does not tell.
///
/// GDAL opens a TIFF whose end is missing without a word and fails on its last tiles, hours into a run.
pub(crate) fn reach(dataset: &Dataset) -> Result<u64, GdalError> {
    let interleaved = dataset.metadata_item("INTERLEAVE", "IMAGE_STRUCTURE").as_deref() == Some("PIXEL");
    let bands = if interleaved { 1 } else { dataset.raster_count() };
    let each = MOST_BLOCKS / bands.max(1);
    let mut most = 0;
    for index in 1..=bands {
        let band = dataset.rasterband(index)?;
        most = most.max(reach_of_band(&band, each));
        for overview in 0..band.overview_count()?.max(0) {
            most = most.max(reach_of_band(&band.overview(overview as usize)?, each));
        }
    }
    Ok(most)
}

/// How many of an image's tiles that were looked up are in its file, and how many were.
fn tiles_there(dataset: &Dataset) -> Result<(usize, usize), GdalError> {
    let band = dataset.rasterband(1)?;
    let all = sampled(&band, MOST_BLOCKS);
    Ok(all.fold((0, 0), |(there, asked), tile| (there + usize::from(tile.is_some()), asked + 1)))
}

/// True where a TIFF leaves out tiles.
pub(crate) fn is_sparse(dataset: &Dataset) -> bool {
    tiles_there(dataset).is_ok_and(|(there, asked)| there > 0 && there < asked)
}

/// True where overviews lack tiles that the image has: their making was cut short, and they show holes where there is data.
pub(crate) fn has_partial_overviews(dataset: &Dataset, path: &Path) -> bool {
    let of = |dataset: &Dataset| -> Option<bool> {
        let band = dataset.rasterband(1).ok()?;
        if sampled(&band, MOST_BLOCKS).any(|b| b.is_none()) {
            // Holes of the image's own.
            return None;
        }
        let count = band.overview_count().ok()?.max(0);
        let mut overviews = (0..count).filter_map(|i| band.overview(i as usize).ok());
        Some(overviews.any(|o| sampled(&o, MOST_BLOCKS).any(|b| b.is_none())))
    };
    let external = format::beside(path, "ovr");
    if external.is_file() {
        // Its tiles are told by the file of its own alone.
        let Ok(own) = format::open_tiff(&external) else { return true };
        let Ok(band) = own.rasterband(1) else { return true };
        let mut overviews =
            (0..band.overview_count().unwrap_or(0).max(0)).filter_map(|i| band.overview(i as usize).ok());
        let holes = |b: &RasterBand<'_>| sampled(b, MOST_BLOCKS).any(|b| b.is_none());
        return holes(&band) || overviews.any(|o| holes(&o));
    }
    of(dataset).unwrap_or(false)
}

/// The same of one band, of which `most` tiles are looked up.
fn reach_of_band(band: &RasterBand<'_>, most: usize) -> u64 {
    sampled(band, most).flatten().max().unwrap_or(0)
}

/// Where tiles of a band end in the file, of `most` of them spread over it; `None` for one that is not there.
fn sampled<'a>(band: &'a RasterBand<'_>, most: usize) -> impl Iterator<Item = Option<u64>> + 'a {
    let ((width, height), (block_width, block_height)) = (band.size(), band.block_size());
    let (across, down) = (width.div_ceil(block_width.max(1)), height.div_ceil(block_height.max(1)));
    let blocks = across * down;
    let step = blocks.div_ceil(most.max(1)).max(1);
    (0..blocks).step_by(step).chain(blocks.checked_sub(1)).map(move |block| {
        let (x, y) = (block % across, block / across);
        // Neither item exists for a tile that a sparse file leaves out, nor for an external overview.
        let number = |key: &str| band.metadata_item(&format!("{key}_{x}_{y}"), "TIFF")?.parse::<u64>().ok();
        // Before the end of the header there are no pixels: a list of places that could not be read is all 0.
        let offset = number("BLOCK_OFFSET").filter(|&at| at >= 8)?;
        offset.checked_add(number("BLOCK_SIZE")?)
    })
}
