//! The pixels of a pair, from two files.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use diff::{Masked, PairSource, resample};
use domain::{Bands, Capture, Grid, Infrared, MaskKind, Pair, Pixel, PixelMap, Raster, Reason, Window};
use ingest::{Decoded, Image, Kept, Outlines};
use ndarray::{Array2, Array3};

/// Open handles of one image: a thread takes one, or opens one more, and puts it back.
pub(crate) struct Handles {
    capture: Capture,
    idle: Mutex<Vec<Image>>,
    /// What was read before; `None` where there is no place to keep it.
    kept: Option<Kept>,
    /// Polygons of its masks, which every handle shares.
    outlines: Arc<Outlines>,
    has_masks: bool,
    /// Whether its visible bands are red, green and blue, and nothing else.
    is_rgb: bool,
    /// Whether it tells green light and near infrared.
    has_infrared: bool,
}

impl Handles {
    /// Opens the image once, so that one that cannot be opened is known before anything is computed.
    ///
    /// What is decoded is kept in a file without a name in the folder `scratch`.
    pub(crate) fn open(capture: &Capture, scratch: Option<&Path>) -> ingest::Result<Self> {
        let first = Image::open(capture)?;
        // Without the file every step decodes again: slower, and the same result.
        let file = scratch.and_then(|folder| tempfile::tempfile_in(folder).ok());
        let kept = file.map(|f| Kept::new(f, capture.grid.shape(), first.band_counts().0, first.green()));
        Ok(Self {
            capture: capture.clone(),
            outlines: first.outlines(),
            has_masks: first.has_masks(),
            is_rgb: first.band_counts().0 == 3,
            has_infrared: first.green().is_some(),
            idle: Mutex::new(vec![first]),
            kept,
        })
    }

    /// What its masks take out of `window`; `None` where it has none.
    fn masked(&self, window: Window) -> ingest::Result<Option<Array2<Option<MaskKind>>>> {
        if self.has_masks { self.read(|image| image.read_masks(window)).map(Some) } else { Ok(None) }
    }

    /// Brightness over `window`.
    fn gray(&self, window: Window) -> ingest::Result<Raster> {
        match &self.kept {
            Some(kept) => kept.gray(window, |w| self.decode(w)),
            None => self.read(|image| image.read_gray(window)),
        }
    }

    /// Red, green and blue over `window`, or the one band there is.
    fn bands(&self, window: Window) -> ingest::Result<Bands> {
        let (planes, valid) = match &self.kept {
            Some(kept) => kept.bands(window, |w| self.decode(w))?,
            None => self.read(|image| image.read_visible_bands(window))?,
        };
        Ok(Bands { window, planes, valid })
    }

    /// Red, green and blue over `window` in the shape of a picture, whatever masks say.
    fn rgb(&self, window: Window, out_shape: (usize, usize)) -> ingest::Result<(Array3<f32>, Array2<bool>)> {
        match &self.kept {
            // The same three bands, decoded already.
            Some(kept) if self.is_rgb && !self.has_masks && out_shape == (window.rows, window.cols) => {
                kept.bands(window, |w| self.decode(w))
            }
            _ => self.read(|image| image.read_rgb(window, out_shape)),
        }
    }

    /// Green light and near infrared over `cells`; `None` where the image lacks either.
    fn infrared(&self, cells: Window) -> ingest::Result<Option<Infrared>> {
        if !self.has_infrared {
            return Ok(None);
        }
        match &self.kept {
            Some(kept) => kept.infrared(cells, |w| self.decode(w)).map(Some),
            None => self.read(|image| image.read_infrared(cells)),
        }
    }

    /// What is kept of `window`.
    fn decode(&self, window: Window) -> ingest::Result<Decoded> {
        self.read(|image| image.read_to_keep(window))
    }

    /// Reads with a handle that no other thread uses meanwhile. A handle that failed is not used again.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut Image) -> ingest::Result<T>) -> ingest::Result<T> {
        // A panic elsewhere leaves whole handles behind.
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let mut image = match taken {
            Some(image) => image,
            None => Image::open_with(&self.capture, Arc::clone(&self.outlines))?,
        };
        let out = read(&mut image)?;
        idle().push(image);
        Ok(out)
    }
}

/// The two images of a pair, open, read by window from any thread: at most one handle of each a thread.
pub struct PairReader {
    grid: Grid,
    pixel_m: f64,
    earlier: Handles,
    /// From the shared grid to the earlier image, where that is not the shared grid.
    earlier_map: Option<PixelMap>,
    later: Handles,
    later_map: PixelMap,
}

impl PairReader {
    /// Opens both images and lays the shared grid. What several steps of a comparison read is kept decoded in the folder
    /// `scratch`, up to four bytes a pixel and band of either image, and half a byte a pixel of near infrared, until the reader is dropped.
    ///
    /// # Errors
    /// [`ingest::Error`] where an image cannot be opened or placed.
    pub fn open(pair: &Pair, scratch: Option<&Path>) -> ingest::Result<Self> {
        let grid = ingest::shared_grid(&pair.earlier)?;
        let earlier_map = if grid == pair.earlier.grid {
            None
        } else {
            Some(ingest::pixel_map(&grid, &pair.earlier.grid)?)
        };
        Ok(Self {
            pixel_m: ingest::pixel_size_m(&grid)?,
            earlier: Handles::open(&pair.earlier, scratch)?,
            earlier_map,
            later: Handles::open(&pair.later, scratch)?,
            later_map: ingest::pixel_map(&grid, &pair.later.grid)?,
            grid,
        })
    }

    /// The shared grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// From the shared grid to the earlier image; `None` where they are one.
    pub(crate) fn earlier_map(&self) -> Option<&PixelMap> {
        self.earlier_map.as_ref()
    }

    /// Shape of the earlier image as delivered.
    pub(crate) fn earlier_shape(&self) -> (usize, usize) {
        self.earlier.capture.grid.shape()
    }

    /// Red, green and blue of the earlier image as delivered, for pictures.
    pub(crate) fn earlier_rgb(
        &self,
        window: Window,
        out_shape: (usize, usize),
    ) -> ingest::Result<(Array3<f32>, Array2<bool>)> {
        self.earlier.rgb(window, out_shape)
    }

    /// Red, green and blue of the later image as delivered, for pictures.
    pub(crate) fn later_rgb(
        &self,
        window: Window,
        out_shape: (usize, usize),
    ) -> ingest::Result<(Array3<f32>, Array2<bool>)> {
        self.later.rgb(window, out_shape)
    }
}

impl PairReader {
    /// All bands of the later image but alpha over `window` of its own grid.
    pub(crate) fn later_all_bands(&self, window: Window) -> ingest::Result<Vec<Raster>> {
        let (planes, valid) = self.later.read(|image| image.read_bands(window))?;
        let raster = |pixels: ndarray::ArrayView2<'_, f32>| Raster {
            window,
            pixels: pixels.to_owned(),
            valid: valid.clone(),
        };
        Ok(planes.outer_iter().map(raster).collect())
    }

    /// How many these are, and the value that means no data among them.
    pub(crate) fn later_bands_and_nodata(&self) -> ingest::Result<(usize, Option<f32>)> {
        self.later.read(|image| {
            let (visible, others) = image.band_counts();
            Ok((visible + others, image.nodata()))
        })
    }
}

impl PairSource for PairReader {
    type Error = ingest::Error;

    fn shape(&self) -> (usize, usize) {
        self.grid.shape()
    }

    fn pixel_m(&self) -> f64 {
        self.pixel_m
    }

    fn earlier(&self, window: Window) -> ingest::Result<Raster> {
        let Some(map) = &self.earlier_map else {
            return self.earlier.gray(window);
        };
        let (to, scale) = (|p| map.at(p), map.scale());
        let needed = resample::source_window(window, self.earlier_shape(), scale, to);
        if needed.is_empty() {
            return Ok(Raster::invalid(window));
        }
        let source = self.earlier.gray(needed)?;
        Ok(resample::onto(&source, window, scale, to))
    }

    fn earlier_bands(&self, window: Window) -> ingest::Result<Bands> {
        let Some(map) = &self.earlier_map else {
            return self.earlier.bands(window);
        };
        let (to, scale) = (|p| map.at(p), map.scale());
        let needed = resample::source_window(window, self.earlier_shape(), scale, to);
        if needed.is_empty() {
            return Ok(Bands::invalid(window, 1));
        }
        Ok(resample::onto_bands(&self.earlier.bands(needed)?, window, scale, to))
    }

    fn earlier_masked(&self, window: Window) -> ingest::Result<Option<Masked>> {
        let Some(map) = &self.earlier_map else {
            return Ok(self.earlier.masked(window)?.map(|m| m.mapv(reason)));
        };
        let to = |p| map.at(p);
        let needed = resample::source_window(window, self.earlier_shape(), map.scale(), to);
        let Some(masked) = (if needed.is_empty() { None } else { self.earlier.masked(needed)? }) else {
            return Ok(None);
        };
        Ok(Some(Array2::from_shape_fn((window.rows, window.cols), |(r, c)| {
            let p = to(Pixel { row: (window.row + r) as f64 + 0.5, col: (window.col + c) as f64 + 0.5 });
            let index =
                |v: f64, first: usize| usize::try_from((v.floor() as i64).saturating_sub(first as i64)).ok();
            let at = (index(p.row, needed.row)?, index(p.col, needed.col)?);
            reason(masked.get(at).copied().flatten())
        })))
    }

    fn earlier_infrared(&self, cells: Window) -> ingest::Result<Option<Infrared>> {
        let Some(map) = &self.earlier_map else {
            return self.earlier.infrared(cells);
        };
        if !self.earlier.has_infrared {
            return Ok(None);
        }
        let to = |p| map.at(p);
        let mut out = Infrared::unknown(cells);
        let window = Infrared::pixels_of(cells, self.shape());
        let needed = resample::source_window(window, self.earlier_shape(), map.scale(), to);
        let own = if needed.is_empty() { None } else { self.earlier.infrared(Infrared::cells_of(needed))? };
        let Some(own) = own else { return Ok(Some(out)) };
        // The cell of the image in which the middle of each lies.
        let middle = |cell: usize| ((cell as f64) + 0.5) * Infrared::CELL_PX as f64;
        let lights = out.green.iter_mut().zip(&mut out.near_infrared);
        for (k, (green, near_infrared)) in lights.enumerate() {
            let (row, col) = (cells.row + k / cells.cols, cells.col + k % cells.cols);
            let p = to(Pixel { row: middle(row), col: middle(col) });
            let index = |v: f64, first: usize| {
                let cell = (v / Infrared::CELL_PX as f64).floor() as i64;
                usize::try_from(cell.saturating_sub(first as i64)).ok()
            };
            let (Some(i), Some(j)) = (index(p.row, own.cells.row), index(p.col, own.cells.col)) else {
                continue;
            };
            if let (Some(g), Some(n)) = (own.green.get((i, j)), own.near_infrared.get((i, j))) {
                (*green, *near_infrared) = (*g, *n);
            }
        }
        Ok(Some(out))
    }

    fn later_infrared(&self, cells: Window) -> ingest::Result<Option<Infrared>> {
        self.later.infrared(cells)
    }

    fn later_masked(&self, window: Window) -> ingest::Result<Option<Masked>> {
        Ok(self.later.masked(window)?.map(|m| m.mapv(reason)))
    }

    fn later_shape(&self) -> (usize, usize) {
        self.later.capture.grid.shape()
    }

    fn later_sun_azimuth_deg(&self) -> Option<f64> {
        // A projected grid's up is within a few degrees of north: nothing beside the width of a shadow's sector.
        self.later.capture.view.sun_azimuth_deg
    }

    fn later_map(&self) -> &PixelMap {
        &self.later_map
    }

    fn later(&self, window: Window) -> ingest::Result<Raster> {
        self.later.gray(window)
    }

    fn later_bands(&self, window: Window) -> ingest::Result<Bands> {
        self.later.bands(window)
    }
}

/// What coverage calls it. What a data mask leaves out is no data like any other.
fn reason(mask: Option<MaskKind>) -> Option<Reason> {
    match mask? {
        MaskKind::Nodata => None,
        MaskKind::Cloud => Some(Reason::Cloud),
        MaskKind::Shadow => Some(Reason::Shadow),
        MaskKind::Water => Some(Reason::Water),
        MaskKind::Snow => Some(Reason::Snow),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Affine, BandRole, Crs};
    use ingest::write::{GeoTiffOptions, GeoTiffWriter, PixelType};
    use ingest::{CaptureEntry, CatalogueOptions, PairRule};

    use super::*;

    const SHAPE: (usize, usize) = (600, 700);

    /// Writes red, green, blue and near infrared: green is half the column, near infrared half the row, of its own grid.
    fn write(path: &Path, corner: (f64, f64), side: f64, epsg: u32) -> CaptureEntry {
        let affine = Affine::north_up(corner.0, corner.1, side);
        let grid = Grid::new(SHAPE.0, SHAPE.1, affine, Crs { wkt: String::new(), epsg: Some(epsg) }).unwrap();
        let mut writer =
            GeoTiffWriter::create(path, &grid, 4, PixelType::U16, &GeoTiffOptions::default()).unwrap();
        let value = |(band, r, c): (usize, usize, usize)| [1000, c as u16 / 2, 1000, r as u16 / 2][band];
        let pixels = Array3::from_shape_fn((4, SHAPE.0, SHAPE.1), value);
        writer.write_window(Window::new(0, 0, SHAPE.0, SHAPE.1), pixels.view()).unwrap();
        writer.finish().unwrap();
        use BandRole::{Blue, Green, NearInfrared, Red};
        let bands = Some(vec![Red, Green, Blue, NearInfrared]);
        CaptureEntry { file: path.to_owned(), bands, ..CaptureEntry::default() }
    }

    #[tokio::test]
    async fn infrared_lies_where_the_ground_does_whatever_the_grid_and_the_windows() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        // Degrees: the shared grid is another.
        let entries = vec![
            write(&file("2024-08-05.tif"), (35.27, 51.67), 5e-6, 4326),
            write(&file("2024-08-12.tif"), (657_000.0, 5_727_000.0), 0.5, 32636),
        ];
        let options = CatalogueOptions { entries, ..Default::default() };
        let found = ingest::catalogue(dir.path(), &options).await.unwrap();
        let pair = ingest::pairs(&found.captures, &PairRule::All).unwrap().remove(0);
        assert!(pair.earlier.has_infrared() && pair.later.has_infrared(), "{found:?}");
        let kept = PairReader::open(&pair, Some(dir.path())).unwrap();
        let decoded = PairReader::open(&pair, None).unwrap();
        let map = kept.earlier_map().expect("a grid in degrees is not shared");
        let whole = Infrared::cells_of(Window::new(0, 0, kept.shape().0, kept.shape().1));
        let earlier = kept.earlier_infrared(whole).unwrap().unwrap();
        let mut known = 0;
        for (at, green) in earlier.green.indexed_iter().filter(|(_, v)| v.is_finite()) {
            let middle = |cell: usize| (cell as f64 + 0.5) * Infrared::CELL_PX as f64;
            let p = map.at(Pixel { row: middle(at.0), col: middle(at.1) });
            // The middle of its cell lies within two pixels.
            let near = |v: f32, of: f64| (f64::from(v) - of / 2.0).abs() < 1.6;
            assert!(near(*green, p.col) && near(earlier.near_infrared[at], p.row), "{at:?}: {green} {p:?}");
            known += 1;
        }
        assert!(known > 2000, "{known} of {}", earlier.green.len());
        for (window, shape) in
            [(Window::new(10, 20, 70, 50), (70, 50)), (Window::new(0, 0, 600, 700), (60, 70))]
        {
            let picture = |reader: &PairReader| reader.later_rgb(window, shape).unwrap();
            assert_eq!(picture(&kept), picture(&decoded), "{window:?}");
        }
        for reader in [&kept, &decoded] {
            let cells = Window::new(31, 20, 50, 60);
            let cut = ndarray::s![cells.row..cells.row_end(), cells.col..cells.col_end()];
            let part = reader.earlier_infrared(cells).unwrap().unwrap();
            let bits = |a: ndarray::ArrayView2<'_, f32>| a.mapv(f32::to_bits);
            assert_eq!(bits(part.green.view()), bits(earlier.green.slice(cut)));
            assert_eq!(bits(part.near_infrared.view()), bits(earlier.near_infrared.slice(cut)));
            let later = reader.later_infrared(cells).unwrap().unwrap();
            // Halves are cut: rows 0 to 3 are 0, 0, 1 and 1.
            assert_eq!(
                (later.green[(0, 0)], later.near_infrared[(2, 5)]),
                (2.0 * 20.0 + 0.5, 2.0 * 33.0 + 0.5)
            );
        }
    }
}
