//! GeoTIFFs out: what `fosse simulate` writes and [`crate::catalogue()`] reads back.

use std::path::{Path, PathBuf};

use domain::{Grid, Window};
use gdal::cpl::CslStringList;
use gdal::errors::GdalError;
use gdal::raster::Buffer;
pub use gdal::raster::GdalType;
use gdal::{Dataset, DriverManager, Metadata};
use ndarray::ArrayView3;

use crate::error::{Error, GdalMessage, Result};
use crate::{format, header, library, project};

/// How the pixels are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Without loss, with a predictor.
    #[default]
    Deflate,
    /// With loss, as imagery is often delivered: 8 bits, one band or three.
    Jpeg {
        /// 1–100.
        quality: u8,
    },
    /// Not at all.
    None,
}

/// What a number in the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelType {
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// 32 bits, floating point.
    F32,
}

/// How to lay out a GeoTIFF.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoTiffOptions {
    /// How the pixels are packed.
    pub compression: Compression,
    /// Side of a tile, pixels, a multiple of 16. 512 is what Maxar delivers.
    pub tile_px: usize,
    /// The value that means no data.
    pub nodata: Option<f64>,
    /// Whether the fourth of four bands is alpha; else it is a band like others, such as infrared.
    pub alpha: bool,
    /// Tags such as `TIFFTAG_DATETIME`, and items of free name.
    pub metadata: Vec<(String, String)>,
}

impl Default for GeoTiffOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            tile_px: 512,
            nodata: None,
            alpha: true,
            metadata: Vec::new(),
        }
    }
}

impl GeoTiffOptions {
    /// Why an image of `bands` of `kind` cannot be written so, and what would do.
    fn objection(&self, bands: usize, kind: PixelType) -> Option<String> {
        if self.tile_px == 0 || !self.tile_px.is_multiple_of(16) {
            return Some(format!("tiles of {} px are not a multiple of 16; take 256 or 512", self.tile_px));
        }
        if bands == 0 {
            return Some("it would have no bands".to_owned());
        }
        let Compression::Jpeg { quality } = self.compression else { return None };
        if kind != PixelType::U8 || !matches!(bands, 1 | 3) {
            return Some(format!("JPEG holds 1 or 3 bands of 8 bits, not {bands} of {kind:?}; take Deflate"));
        }
        (!(1..=100).contains(&quality)).then(|| format!("a JPEG quality of {quality} is not in 1–100"))
    }

    /// GDAL's creation options.
    fn creation(&self, bands: usize, kind: PixelType) -> Result<CslStringList, GdalError> {
        let mut list = CslStringList::new();
        let tile = self.tile_px.to_string();
        for (name, value) in [
            ("TILED", "YES"),
            ("BLOCKXSIZE", &tile),
            ("BLOCKYSIZE", &tile),
            ("INTERLEAVE", "PIXEL"),
            ("BIGTIFF", "IF_SAFER"),
        ] {
            list.set_name_value(name, value)?;
        }
        match self.compression {
            Compression::Deflate => {
                list.set_name_value("COMPRESS", "DEFLATE")?;
                list.set_name_value("PREDICTOR", if kind == PixelType::F32 { "3" } else { "2" })?;
            }
            Compression::Jpeg { quality } => {
                list.set_name_value("COMPRESS", "JPEG")?;
                list.set_name_value("JPEG_QUALITY", &quality.to_string())?;
            }
            Compression::None => {}
        }
        let photometric = match (bands, self.compression) {
            (3, Compression::Jpeg { .. }) => "YCBCR",
            (3 | 4, _) => "RGB",
            _ => "MINISBLACK",
        };
        list.set_name_value("PHOTOMETRIC", photometric)?;
        if bands == 4 {
            list.set_name_value("ALPHA", if self.alpha { "YES" } else { "NO" })?;
        }
        Ok(list)
    }
}

/// A GeoTIFF in the making.
///
/// It grows under a hidden name beside its own and takes its name in [`GeoTiffWriter::finish`], so that a
/// half-written image is never mistaken for a whole one. Dropped before, it leaves nothing behind.
pub struct GeoTiffWriter {
    /// Closed in `finish`.
    dataset: Option<Dataset>,
    path: PathBuf,
    growing: PathBuf,
    bands: usize,
    /// `(rows, cols)`.
    shape: (usize, usize),
}

impl GeoTiffWriter {
    /// An image of `grid` to write into. Three bands are red, green and blue; a fourth is alpha unless the options
    /// say otherwise.
    ///
    /// # Errors
    /// [`Error::WriteOptions`]; [`Error::Write`] where the file cannot be created; [`Error::Crs`].
    pub fn create(
        path: &Path,
        grid: &Grid,
        bands: usize,
        kind: PixelType,
        options: &GeoTiffOptions,
    ) -> Result<Self> {
        library::quiet();
        let refused = |reason: String| Error::WriteOptions { path: path.to_owned(), reason };
        if let Some(reason) = options.objection(bands, kind) {
            return Err(refused(reason));
        }
        let name = path.file_name().and_then(|n| n.to_str());
        let name = name.ok_or_else(|| refused("its name is missing or not valid UTF-8".to_owned()))?;
        let growing = path.with_file_name(format!(".{name}.part"));
        let failed = |e: GdalError| Error::Write { path: path.to_owned(), source: e.into() };
        let (rows, cols) = grid.shape();
        let creation = options.creation(bands, kind).map_err(failed)?;
        let driver = DriverManager::get_driver_by_name("GTiff").map_err(failed)?;
        let create = match kind {
            PixelType::U8 => gdal::Driver::create_with_band_type_with_options::<u8, _>,
            PixelType::U16 => gdal::Driver::create_with_band_type_with_options::<u16, _>,
            PixelType::F32 => gdal::Driver::create_with_band_type_with_options::<f32, _>,
        };
        let dataset = create(&driver, &growing, cols, rows, bands, &creation).map_err(failed)?;
        let mut writer =
            Self { dataset: Some(dataset), path: path.to_owned(), growing, bands, shape: (rows, cols) };
        let srs = project::spatial_ref(&grid.crs)?;
        writer.place(grid, &srs, options).map_err(failed)?;
        Ok(writer)
    }

    /// Sets what must be set before the first pixel.
    fn place(
        &mut self,
        grid: &Grid,
        srs: &gdal::spatial_ref::SpatialRef,
        options: &GeoTiffOptions,
    ) -> Result<(), GdalError> {
        let Some(dataset) = &mut self.dataset else { return Ok(()) };
        dataset.set_geo_transform(&grid.affine.to_gdal())?;
        dataset.set_spatial_ref(srs)?;
        for (key, value) in &options.metadata {
            dataset.set_metadata_item(key, value, "")?;
        }
        for band in 1..=self.bands {
            if let Some(nodata) = options.nodata {
                dataset.rasterband(band)?.set_no_data_value(Some(nodata))?;
            }
        }
        Ok(())
    }

    /// Writes `pixels`, `(bands, rows, cols)`, at `window`. Numbers of another type than the file's are rounded
    /// and clamped.
    ///
    /// Whole tiles in their order write fastest; a JPEG tile that is written twice loses twice.
    ///
    /// # Errors
    /// [`Error::PixelShape`], [`Error::WindowOutside`], [`Error::Write`].
    pub fn write_window<T: GdalType + Copy>(
        &mut self,
        window: Window,
        pixels: ArrayView3<'_, T>,
    ) -> Result<()> {
        let expected = (self.bands, window.rows, window.cols);
        if pixels.dim() != expected {
            return Err(Error::PixelShape { path: self.path.clone(), expected, found: pixels.dim() });
        }
        if window.row_end() > self.shape.0 || window.col_end() > self.shape.1 {
            return Err(Error::WindowOutside { path: self.path.clone(), window, shape: self.shape });
        }
        let Some(dataset) = self.dataset.as_ref().filter(|_| !window.is_empty()) else { return Ok(()) };
        let path = &self.path;
        let failed = |e: GdalError| Error::Write { path: path.clone(), source: e.into() };
        library::forget_failures();
        let mut scratch = Vec::new();
        for (band, plane) in pixels.outer_iter().enumerate() {
            scratch.clear();
            scratch.extend(plane.iter().copied());
            // GDAL counts columns first.
            let size = (window.cols, window.rows);
            let corner = (window.col as isize, window.row as isize);
            let mut buffer = Buffer::new(size, scratch);
            let mut band = dataset.rasterband(band + 1).map_err(failed)?;
            band.write(corner, size, &mut buffer).map_err(failed)?;
            scratch = buffer.into_shape_and_vec().1;
        }
        // Tiles that leave the cache meanwhile fail without a return value.
        match library::first_failure() {
            Some(said) => Err(self.failed(said)),
            None => Ok(()),
        }
    }

    /// Writes what is still in memory, makes sure that it arrived and gives the file its name, over an older
    /// one.
    ///
    /// # Errors
    /// [`Error::Write`], above all for a full disk.
    pub fn finish(mut self) -> Result<()> {
        library::forget_failures();
        if let Some(mut dataset) = self.dataset.take() {
            dataset.flush_cache().and_then(|()| dataset.close()).map_err(|e| self.failed(e))?;
        }
        // GDAL 3.6 returns nothing from either, so ask its messages, and then the file.
        if let Some(said) = library::first_failure() {
            return Err(self.failed(said));
        }
        let length = std::fs::metadata(&self.growing).map_err(|e| self.failed(e.to_string()))?.len();
        let reach = crate::format::open_tiff(&self.growing)
            .and_then(|d| header::reach(&d))
            .map_err(|e| self.failed(e))?;
        if reach > length {
            return Err(self.failed(format!("{length} of {reach} bytes arrived; is the disk full?")));
        }
        std::fs::rename(&self.growing, &self.path).map_err(|e| self.failed(e.to_string()))
    }

    /// The error of this file with its cause.
    fn failed(&self, cause: impl Into<GdalMessage>) -> Error {
        Error::Write { path: self.path.clone(), source: cause.into() }
    }
}

/// Copies a GeoTIFF to a cloud-optimised one: tiles of 512 px without loss, overviews by averages.
///
/// # Errors
/// [`Error::Write`].
pub fn to_cog(from: &Path, to: &Path) -> Result<()> {
    library::quiet();
    library::forget_failures();
    let failed = |source: GdalMessage| Error::Write { path: to.to_owned(), source };
    let name = to.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let growing = to.with_file_name(format!(".{name}.part"));
    let copied = (|| {
        let dataset = format::open_tiff(from)?;
        let mut options = CslStringList::new();
        for (name, value) in [
            ("COMPRESS", "DEFLATE"),
            ("PREDICTOR", "YES"),
            ("BLOCKSIZE", "512"),
            ("OVERVIEW_RESAMPLING", "AVERAGE"),
            ("BIGTIFF", "IF_SAFER"),
        ] {
            options.set_name_value(name, value)?;
        }
        let mut copy = dataset.create_copy(
            &DriverManager::get_driver_by_name("COG")?,
            &growing,
            &options.into_iter().collect(),
        )?;
        copy.flush_cache()?;
        copy.close()
    })();
    let said =
        copied.map_err(GdalMessage::from).err().or_else(|| library::first_failure().map(GdalMessage::from));
    if let Some(said) = said {
        // The error that led here is the one to report.
        let _ = std::fs::remove_file(&growing);
        return Err(failed(said));
    }
    std::fs::rename(&growing, to).map_err(|e| failed(e.to_string().into()))
}

impl Drop for GeoTiffWriter {
    fn drop(&mut self) {
        // Closed first: GDAL would write the rest of a removed file.
        drop(self.dataset.take());
        // After `finish` there is nothing to remove.
        let _ = std::fs::remove_file(&self.growing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Image;
    use crate::fixture;
    use domain::Affine;
    use ndarray::{Array3, s};

    fn grid() -> Grid {
        Grid::new(70, 50, Affine::north_up(655_000.0, 5_727_000.0, 0.5), fixture::crs(32636)).unwrap()
    }

    fn options() -> GeoTiffOptions {
        GeoTiffOptions { tile_px: 32, ..GeoTiffOptions::default() }
    }

    fn ramp(bands: usize) -> Array3<f32> {
        Array3::from_shape_fn((bands, 70, 50), |(b, r, c)| (40 * b + r + c) as f32)
    }

    fn write<T: GdalType + Copy>(path: &Path, kind: PixelType, options: &GeoTiffOptions, pixels: &Array3<T>) {
        let mut writer = GeoTiffWriter::create(path, &grid(), pixels.dim().0, kind, options).unwrap();
        for w in Window::tiling((70, 50), 32) {
            let part = pixels.slice(s![.., w.row..w.row_end(), w.col..w.col_end()]);
            writer.write_window(w, part).unwrap();
        }
        assert!(!path.exists());
        writer.finish().unwrap();
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let pixels = ramp(3);
        for (kind, compression) in [
            (PixelType::U8, Compression::Deflate),
            (PixelType::U16, Compression::None),
            (PixelType::F32, Compression::Deflate),
        ] {
            let path = dir.path().join(format!("{kind:?}.tif"));
            write(&path, kind, &GeoTiffOptions { compression, ..options() }, &pixels);
            let capture = fixture::capture_of(&path);
            assert_eq!(capture.grid.affine, grid().affine);
            assert_eq!(capture.grid.crs.epsg, Some(32636));
            let whole = Window::new(0, 0, 70, 50);
            let (rgb, valid) = Image::open(&capture).unwrap().read_rgb(whole, (70, 50)).unwrap();
            assert_eq!(rgb, pixels);
            assert!(valid.iter().all(|&v| v));
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "nothing but the images is left");
    }

    #[test]
    fn jpeg_loses_little_and_is_read_as_rgb() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tif");
        let compression = Compression::Jpeg { quality: 90 };
        write(&path, PixelType::U8, &GeoTiffOptions { compression, ..options() }, &ramp(3).mapv(|v| v as u8));
        let capture = fixture::capture_of(&path);
        let window = Window::new(3, 5, 60, 40);
        let (rgb, _) = Image::open(&capture).unwrap().read_rgb(window, (60, 40)).unwrap();
        let want = ramp(3).slice(s![.., 3..63, 5..45]).to_owned();
        assert!((&rgb - &want).iter().all(|d| d.abs() < 8.0));
    }

    #[test]
    fn tags_and_nodata_arrive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tif");
        let metadata = vec![("TIFFTAG_DATETIME".to_owned(), "2024:08:05 08:41:00".to_owned())];
        write(&path, PixelType::U8, &GeoTiffOptions { nodata: Some(0.0), metadata, ..options() }, &ramp(1));
        let header = header::read(&path, &Default::default(), None, None).unwrap();
        assert_eq!(header.datetime, crate::date::instant("2024-08-05T08:41:00Z"));
        let raster =
            Image::open(&fixture::capture_of(&path)).unwrap().read_gray(Window::new(0, 0, 2, 3)).unwrap();
        assert_eq!(raster.valid, ndarray::arr2(&[[false, true, true], [true, true, true]]));
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let create = |path: &Path, bands, kind, options: &GeoTiffOptions| {
            GeoTiffWriter::create(path, &grid(), bands, kind, options).err()
        };
        let path = dir.path().join("a.tif");
        let jpeg = GeoTiffOptions { compression: Compression::Jpeg { quality: 80 }, ..options() };
        assert!(matches!(create(&path, 3, PixelType::U16, &jpeg), Some(Error::WriteOptions { .. })));
        let odd = GeoTiffOptions { tile_px: 100, ..options() };
        assert!(matches!(create(&path, 3, PixelType::U8, &odd), Some(Error::WriteOptions { .. })));
        let nowhere = dir.path().join("missing/a.tif");
        assert!(matches!(create(&nowhere, 3, PixelType::U8, &options()), Some(Error::Write { .. })));
        let mut writer = GeoTiffWriter::create(&path, &grid(), 3, PixelType::U8, &options()).unwrap();
        let small = Array3::<u8>::zeros((3, 2, 2));
        let wrong = writer.write_window(Window::new(0, 0, 2, 3), small.view());
        assert!(matches!(wrong, Err(Error::PixelShape { .. })));
        let outside = writer.write_window(Window::new(69, 0, 2, 2), small.view());
        assert!(matches!(outside, Err(Error::WindowOutside { .. })));
        drop(writer);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "an unfinished image leaves nothing");
    }

    /// Runs the next test in a process whose files may not grow beyond 64 KiB, as if the disk were full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error() {
        let status = std::process::Command::new("bash")
            .args([
                "-c",
                "trap '' XFSZ; ulimit -f 64; exec \"$0\" --ignored --exact write::tests::on_a_full_disk",
            ])
            .arg(std::env::current_exe().unwrap())
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }

    #[test]
    #[ignore = "run by a_full_disk_is_an_error"]
    fn on_a_full_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tif");
        let crs = fixture::crs(32636);
        let grid = Grid::new(600, 500, Affine::north_up(655_000.0, 5_727_000.0, 0.5), crs).unwrap();
        let plain = GeoTiffOptions { compression: Compression::None, ..options() };
        let mut writer = GeoTiffWriter::create(&path, &grid, 1, PixelType::U8, &plain).unwrap();
        let pixels = Array3::from_elem((1, 600, 500), 7_u8);
        let written = writer.write_window(Window::new(0, 0, 600, 500), pixels.view());
        let result = written.and_then(|()| writer.finish());
        assert!(matches!(result, Err(Error::Write { .. })));
        assert!(!path.exists());
    }
}
