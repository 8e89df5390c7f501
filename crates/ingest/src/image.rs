//! Pixels of a capture, window by window.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::{BandRole, Capture, Infrared, InfraredFile, MaskKind, Raster, Tile, Window};
use gdal::Dataset;
use gdal::errors::GdalError;
use gdal::raster::{GdalDataType, GdalType, RasterBand, ResampleAlg};
use ndarray::{Array2, Array3, ArrayView2, Axis, Zip};

use crate::bands::{self, Hints};
use crate::error::{Error, Result};
use crate::kept::Decoded;
use crate::masks::{Masks, Outlines};
use crate::{format, header};

/// Files of one image that a handle holds open at most.
const MOST_OPEN: usize = 16;

/// One open image, of one file or of several that lie beside each other.
///
/// Not to be shared between threads: each opens its own. Keeps its buffers from window to window, because the
/// first touch of fresh memory is slower than the decoding.
///
/// Of several files ([`Capture::tiles`]) a window takes from each what lies in it, so that their edges show nowhere; where
/// they overlap, the first whose pixel is valid counts.
pub struct Image {
    capture: Capture,
    /// Its files.
    parts: Vec<File>,
    /// Those that are open, by their place in `parts`, the last used at the end.
    open: Vec<(usize, Part)>,
    /// Number of visible bands, and of others that are not alpha.
    counts: (usize, usize),
    nodata: Option<f32>,
    /// The place of green among the visible bands, where there is near infrared beside it.
    green: Option<usize>,
    masks: Masks,
}

impl Image {
    /// The image of a capture, open.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Changed`] where the file is no longer the one that was catalogued,
    /// [`Error::NoVisibleBand`]; [`Error::Vector`] and others for masks that cannot be read.
    pub fn open(capture: &Capture) -> Result<Self> {
        Self::open_with(capture, Outlines::of(capture)?)
    }

    /// One more handle of an image, that shares the polygons of its masks with another.
    ///
    /// # Errors
    /// As [`Image::open`].
    pub fn open_with(capture: &Capture, outlines: Arc<Outlines>) -> Result<Self> {
        let whole = || File {
            window: Window::new(0, 0, capture.grid.rows, capture.grid.cols),
            path: capture.path.clone(),
            infrared: None,
        };
        let tile = |t: &Tile| File {
            window: Window::new(t.row, t.col, t.shape.0, t.shape.1),
            path: t.path.clone(),
            infrared: t.infrared.clone(),
        };
        let parts: Vec<_> = match capture.tiles.is_empty() {
            true => vec![whole()],
            false => capture.tiles.iter().map(tile).collect(),
        };
        let first = Part::open(&parts[0], capture)?;
        let beside = parts.iter().any(|p| p.infrared.is_some());
        Ok(Self {
            counts: (first.bands.visible.len(), first.bands.others.len()),
            nodata: first.bands.visible.first().and_then(|v| v.1),
            green: first.bands.green.filter(|_| first.bands.near_infrared.is_some() || beside),
            open: vec![(0, first)],
            parts,
            masks: Masks::open(capture, outlines)?,
            capture: capture.clone(),
        })
    }

    /// The polygons of its masks, for [`Image::open_with`].
    pub fn outlines(&self) -> Arc<Outlines> {
        self.masks.outlines()
    }

    /// True where masks came with it.
    pub fn has_masks(&self) -> bool {
        !self.masks.is_empty()
    }

    /// What the masks take out of `window`, and why.
    ///
    /// # Errors
    /// [`Error::Read`] for a mask that cannot be read.
    pub fn read_masks(&self, window: Window) -> Result<Array2<Option<MaskKind>>> {
        self.masks.read(window)
    }

    /// Brightness over `window`: the mean of the visible bands, in the unit of the file.
    ///
    /// Visible are the red, green and blue band where the file or its metadata name them; else the panchromatic; else the
    /// first three of three or more; else the first. A pixel is invalid where all of these hold their nodata value, one is
    /// not finite, alpha is 0, the file's mask says so, or one of the masks that came with it takes it out; its value is 0.
    ///
    /// # Errors
    /// [`Error::WindowOutside`]; [`Error::Read`] for damaged tiles.
    pub fn read_gray(&mut self, window: Window) -> Result<Raster> {
        let (planes, valid) = self.read_visible_bands(window)?;
        let mut pixels = Array2::<f32>::zeros((window.rows, window.cols));
        let share = 1.0 / self.counts.0.max(1) as f32;
        // The sum first, which is whole for whole numbers.
        planes.outer_iter().for_each(|band| pixels += &band);
        pixels *= share;
        Ok(Raster { window, pixels, valid })
    }

    /// The visible bands over `window`, `(bands, rows, cols)`, three or one, and which pixels are valid; the others are 0.
    /// The unit is the file's own.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_visible_bands(&mut self, window: Window) -> Result<(Array3<f32>, Array2<bool>)> {
        let shape = (window.rows, window.cols);
        let read = self.gather(window, shape, self.counts.0, Part::visible_bands)?;
        self.masked(window, read)
    }

    /// Red, green and blue over `window`, `(3, rows, cols)` of `out_shape`, and which pixels are valid, for pictures: masks
    /// that came with the image take nothing out.
    ///
    /// An image of one band repeats it. Where `out_shape` is smaller than the window, pixels are averaged, from
    /// the file's overviews where it has them. The unit is the file's own. Invalid pixels
    /// are 0.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_rgb(
        &mut self,
        window: Window,
        out_shape: (usize, usize),
    ) -> Result<(Array3<f32>, Array2<bool>)> {
        self.gather(window, out_shape, 3, Part::rgb)
    }

    /// All bands but alpha over `window`, `(bands, rows, cols)`, in the unit of the file, and which pixels are
    /// valid: the visible ones first, in the order red, green, blue where the file says so, then the others in
    /// the order of the file. [`Image::band_counts`] tells how many of each. Invalid pixels are 0.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_bands(&mut self, window: Window) -> Result<(Array3<f32>, Array2<bool>)> {
        let shape = (window.rows, window.cols);
        let read = self
            .gather(window, shape, self.counts.0 + self.counts.1, |part, window, _| part.all_bands(window))?;
        self.masked(window, read)
    }

    /// The place of green among the visible bands, where there is near infrared beside it.
    pub fn green(&self) -> Option<usize> {
        self.green
    }

    /// What [`Image::read_visible_bands`] gives, and near infrared as one more plane at the end.
    ///
    /// Without near infrared, or green to set it beside, that plane is NaN.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_visible_and_infrared(&mut self, window: Window) -> Result<(Array3<f32>, Array2<bool>)> {
        let (shape, green) = ((window.rows, window.cols), self.green);
        let read = self.gather(window, shape, self.counts.0 + 1, |part, window, shape| {
            part.visible_and_infrared(window, shape, green)
        })?;
        self.masked(window, read)
    }

    /// What is kept of `window`: the bytes of a file that holds nothing but bytes, all valid; else the visible bands, and behind them near
    /// infrared where there is any.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_to_keep(&mut self, window: Window) -> Result<Decoded> {
        if self.green.is_some() {
            return self.read_visible_and_infrared(window).map(Decoded::Floats);
        }
        let (rows, cols) = self.capture.grid.shape();
        if self.parts.len() == 1
            && !self.has_masks()
            && window.row_end() <= rows
            && window.col_end() <= cols
            && let Some(bytes) = self.part(0)?.bytes(window)?
        {
            return Ok(Decoded::Bytes(bytes));
        }
        self.read_visible_bands(window).map(Decoded::Floats)
    }

    /// Green light and near infrared over `cells` of the image; `None` where it lacks either, or nobody names them.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_infrared(&mut self, cells: Window) -> Result<Option<Infrared>> {
        let Some(green) = self.green else { return Ok(None) };
        let window = Infrared::pixels_of(cells, self.capture.grid.shape());
        let (planes, valid) = self.read_visible_and_infrared(window)?;
        Ok(Some(infrared(window, &planes, &valid, green)))
    }

    /// Number of visible bands, and of others that are not alpha.
    pub fn band_counts(&self) -> (usize, usize) {
        self.counts
    }

    /// The value that means no data in the first visible band, where the file names one.
    pub fn nodata(&self) -> Option<f32> {
        self.nodata
    }

    /// What was read, less what the masks take out.
    fn masked(
        &self,
        window: Window,
        read: (Array3<f32>, Array2<bool>),
    ) -> Result<(Array3<f32>, Array2<bool>)> {
        let (mut planes, mut valid) = read;
        if self.has_masks() {
            let masked = self.masks.read(window)?;
            Zip::from(&mut valid).and(&masked).for_each(|ok, mask| *ok &= mask.is_none());
            blank(&mut planes, &valid);
        }
        Ok((planes, valid))
    }

    /// `bands` planes over `window` in `shape` from the files that hold it.
    fn gather(
        &mut self,
        window: Window,
        shape: (usize, usize),
        bands: usize,
        mut read: impl FnMut(&mut Part, Window, (usize, usize)) -> Result<(Array3<f32>, Array2<bool>)>,
    ) -> Result<(Array3<f32>, Array2<bool>)> {
        let whole = self.capture.grid.shape();
        if window.row_end() > whole.0 || window.col_end() > whole.1 {
            return Err(Error::WindowOutside { path: self.capture.path.clone(), window, shape: whole });
        }
        let holds = |part: &File| part.window.intersection(window) == window;
        if let [only] = &self.parts[..]
            && holds(only)
        {
            return read(self.part(0)?, window, shape);
        }
        let mut planes = Array3::<f32>::zeros((bands, shape.0, shape.1));
        let mut valid = Array2::from_elem(shape, false);
        if window.is_empty() {
            return Ok((planes, valid));
        }
        let scale = (shape.0 as f64 / window.rows as f64, shape.1 as f64 / window.cols as f64);
        for index in 0..self.parts.len() {
            let part = self.parts[index].window;
            let common = part.intersection(window);
            let at = |n: usize, scale: f64| (n as f64 * scale).round() as usize;
            let rows = at(common.row - window.row.min(common.row), scale.0)
                ..at((common.row + common.rows) - window.row.min(common.row), scale.0);
            let cols = at(common.col - window.col.min(common.col), scale.1)
                ..at((common.col + common.cols) - window.col.min(common.col), scale.1);
            if common.is_empty() || rows.is_empty() || cols.is_empty() {
                continue;
            }
            let own = Window::new(common.row - part.row, common.col - part.col, common.rows, common.cols);
            let (values, known) = read(self.part(index)?, own, (rows.len(), cols.len()))?;
            for (r, row) in rows.clone().enumerate() {
                for (c, col) in cols.clone().enumerate() {
                    if known[(r, c)] && !valid[(row, col)] {
                        valid[(row, col)] = true;
                        for band in 0..bands {
                            planes[(band, row, col)] = values[(band, r, c)];
                        }
                    }
                }
            }
        }
        Ok((planes, valid))
    }

    /// One of the files, open.
    fn part(&mut self, index: usize) -> Result<&mut Part> {
        match self.open.iter().position(|(i, _)| *i == index) {
            Some(at) => {
                let found = self.open.remove(at);
                self.open.push(found);
            }
            None => {
                if self.open.len() >= MOST_OPEN {
                    self.open.remove(0);
                }
                let file = &self.parts[index];
                let part = Part::open(file, &self.capture)?;
                if (part.bands.visible.len(), part.bands.others.len()) != self.counts {
                    return Err(Error::Unusable {
                        path: file.path.clone(),
                        reason: "its bands are not those of the other tiles".to_owned(),
                    });
                }
                self.open.push((index, part));
            }
        }
        let last = self.open.len() - 1;
        Ok(&mut self.open[last].1)
    }
}

/// The cells of `window` from its visible bands and the plane of near infrared behind them.
pub(crate) fn infrared(window: Window, planes: &Array3<f32>, valid: &Array2<bool>, green: usize) -> Infrared {
    let plane = |index: usize| planes.index_axis(Axis(0), index);
    Infrared::of(window, plane(green), plane(planes.dim().0 - 1), valid.view())
}

/// Sets what is not valid to 0.
fn blank(planes: &mut Array3<f32>, valid: &Array2<bool>) {
    for mut plane in planes.outer_iter_mut() {
        Zip::from(&mut plane).and(valid).for_each(|p, &ok| *p = if ok { *p } else { 0.0 });
    }
}

/// One file of an image, as its capture has it.
struct File {
    /// Which pixels it holds.
    window: Window,
    path: PathBuf,
    /// Near infrared of the same pixels in another file.
    infrared: Option<InfraredFile>,
}

/// One file of an image.
pub(crate) struct Part {
    dataset: Dataset,
    path: PathBuf,
    bands: Bands,
    /// Near infrared in another file.
    infrared: Option<Beside>,
    /// Rows and columns of what the file decodes at once.
    block: (usize, usize),
    /// One band of one window, as it comes from GDAL.
    scratch: Vec<f32>,
    /// What is known of each pixel of one window while its bands are read.
    states: Vec<State>,
}

/// Which bands hold what, from 1.
#[derive(Clone, Debug, PartialEq)]
struct Bands {
    /// At most three of visible light, in the order red, green, blue where the file says so, with their nodata
    /// values.
    visible: Vec<(usize, Option<f32>)>,
    /// What is neither visible nor alpha, in the order of the file.
    others: Vec<usize>,
    /// The place of green among the visible.
    green: Option<usize>,
    /// The first of near infrared.
    near_infrared: Option<usize>,
    /// Transparency: 0 is no data.
    alpha: Option<usize>,
    /// True where the file has a mask of its own, beside nodata values and alpha.
    mask: bool,
    /// True where every visible band holds whole numbers: none that is not finite.
    whole_numbers: bool,
    /// True where every visible band holds bytes.
    bytes: bool,
}

/// What is known of a pixel.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Every band so far holds its nodata value.
    Blank,
    /// Some band holds a value.
    Data,
    /// Not finite, transparent or masked.
    Out,
}

impl Part {
    /// A file of a capture.
    fn open(file: &File, capture: &Capture) -> Result<Self> {
        let (path, shape) = (file.path.as_path(), (file.window.rows, file.window.cols));
        let failed = |e: GdalError| Error::Open { path: path.to_owned(), source: e.into() };
        let mut dataset = format::open(path).map_err(failed)?;
        if header::has_partial_overviews(&dataset, path) {
            dataset = format::open_with(path, &["OVERVIEW_LEVEL=NONE"]).map_err(failed)?;
        }
        let (cols, rows) = dataset.raster_size();
        if (rows, cols) != shape {
            return Err(Error::Changed { path: path.to_owned(), expected: shape, found: (rows, cols) });
        }
        let roles = if capture.roles.len() == dataset.raster_count() {
            capture.roles.clone()
        } else {
            bands::roles(&dataset, &Hints::default()).map_err(failed)?
        };
        let mut part = Self::of(dataset, path, &roles)?;
        if let Some(InfraredFile { path, band }) = &file.infrared {
            let dataset =
                format::open(path).map_err(|e| Error::Open { path: path.clone(), source: e.into() })?;
            let (cols, rows) = dataset.raster_size();
            if (rows, cols) != shape {
                return Err(Error::Changed { path: path.clone(), expected: shape, found: (rows, cols) });
            }
            part.infrared = Some(Beside { hole: header::is_sparse(&dataset), dataset, band: *band });
        }
        Ok(part)
    }

    /// A file that is open.
    pub(crate) fn of(dataset: Dataset, path: &Path, roles: &[BandRole]) -> Result<Self> {
        let failed = |e: GdalError| Error::Open { path: path.to_owned(), source: e.into() };
        let bands = Bands::of(&dataset, roles).map_err(failed)?;
        if bands.visible.is_empty() {
            return Err(Error::NoVisibleBand { path: path.to_owned() });
        }
        let first = dataset.rasterband(bands.visible[0].0).map_err(failed)?;
        let block = first.block_size();
        let block = (block.1.max(1), block.0.max(1));
        Ok(Self {
            dataset,
            path: path.to_owned(),
            bands,
            infrared: None,
            block,
            scratch: Vec::new(),
            states: Vec::new(),
        })
    }

    /// The shapes in which every band that tells which pixels are valid is at hand: its own and those of overviews. None where
    /// nothing marks any.
    pub(crate) fn shapes_at_hand(&self) -> Result<Vec<(usize, usize)>, GdalError> {
        let bands = &self.bands;
        if bands.all_valid() {
            return Ok(Vec::new());
        }
        let (cols, rows) = self.size();
        let mut shapes = vec![(rows, cols)];
        let first = self.dataset.rasterband(bands.visible[0].0)?;
        shapes.extend(overviews(&first));
        for index in bands.visible.iter().map(|v| v.0).chain(bands.alpha) {
            let have = overviews(&self.dataset.rasterband(index)?);
            shapes.retain(|s| *s == (rows, cols) || have.contains(s));
        }
        if bands.mask {
            let have = overviews(&first.open_mask_band()?);
            shapes.retain(|s| *s == (rows, cols) || have.contains(s));
        }
        Ok(shapes)
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        self.dataset.raster_size()
    }

    /// True where its overviews show holes where there is data.
    pub(crate) fn has_partial_overviews(&self) -> bool {
        header::has_partial_overviews(&self.dataset, &self.path)
    }

    /// Which pixels are valid of the whole image in another shape: that of an overview, or its own.
    pub(crate) fn valid(&mut self, shape: (usize, usize)) -> Result<Array2<bool>> {
        let (cols, rows) = self.dataset.raster_size();
        self.read_visible(Window::new(0, 0, rows, cols), shape, |_, _| {})
    }

    fn visible_bands(
        &mut self,
        window: Window,
        shape: (usize, usize),
    ) -> Result<(Array3<f32>, Array2<bool>)> {
        let planes = self.bands.visible.len();
        let read = self.visible_among(window, shape, planes)?;
        self.forget(window);
        Ok(read)
    }

    /// The visible bands where all of them are bytes and all pixels valid, as the file has them.
    fn bytes(&mut self, window: Window) -> Result<Option<Array3<u8>>> {
        if !self.bands.bytes || !self.bands.all_valid() || window.is_empty() {
            return Ok(None);
        }
        let mut all = Array3::<u8>::zeros((self.bands.visible.len(), window.rows, window.cols));
        self.all_of_it(window, (window.rows, window.cols), &mut all)?;
        self.forget(window);
        Ok(Some(all))
    }

    /// The visible bands, and near infrared behind them; that is NaN where there is none, or green is not band `green` of
    /// the visible.
    fn visible_and_infrared(
        &mut self,
        window: Window,
        shape: (usize, usize),
        green: Option<usize>,
    ) -> Result<(Array3<f32>, Array2<bool>)> {
        let visible = self.bands.visible.len();
        let (mut all, valid) = self.visible_among(window, shape, visible + 1)?;
        let mut plane = all.index_axis_mut(Axis(0), visible);
        let known = green.is_some() && self.bands.green == green && !window.is_empty();
        let failed = |e: GdalError| Error::Read { path: self.path.clone(), window, source: e.into() };
        match (self.bands.near_infrared, &self.infrared, plane.as_slice_mut()) {
            (Some(index), _, Some(plane)) if known => {
                let band = self.dataset.rasterband(index).map_err(failed)?;
                read_onto(&band, window, shape, plane).map_err(failed)?;
            }
            (None, Some(beside), Some(plane)) if known => {
                beside.read(window, shape, plane).map_err(failed)?
            }
            _ => plane.fill(f32::NAN),
        }
        self.forget(window);
        Ok((all, valid))
    }

    /// Gives GDAL's decoded blocks back where `window`, which was read, holds all of each: no other window needs them, and as many as
    /// its cache holds would lie about until the end.
    fn forget(&mut self, window: Window) {
        let whole = |first: usize, end: usize, block: usize, n: usize| {
            first.is_multiple_of(block) && (end.is_multiple_of(block) || end == n)
        };
        let ((cols, rows), block) = (self.dataset.raster_size(), self.block);
        if whole(window.row, window.row_end(), block.0, rows)
            && whole(window.col, window.col_end(), block.1, cols)
        {
            // Nothing is written: it cannot fail.
            let _ = self.dataset.flush_cache();
            self.infrared.iter_mut().for_each(|beside| _ = beside.dataset.flush_cache());
        }
    }

    /// The visible bands in the first of so many `planes`; the others are 0.
    fn visible_among(
        &mut self,
        window: Window,
        shape: (usize, usize),
        planes: usize,
    ) -> Result<(Array3<f32>, Array2<bool>)> {
        let mut all = Array3::<f32>::zeros((planes, shape.0, shape.1));
        if self.bands.all_valid() && !window.is_empty() {
            self.all_of_it(window, shape, &mut all)?;
            return Ok((all, Array2::from_elem(shape, true)));
        }
        let valid =
            self.read_visible(window, shape, |i, band| all.index_axis_mut(Axis(0), i).assign(&band))?;
        blank(&mut all, &valid);
        Ok((all, valid))
    }

    /// The visible bands of an image that has no invalid pixel: straight to where they stay.
    fn all_of_it<T: Copy + GdalType>(
        &self,
        window: Window,
        shape: (usize, usize),
        all: &mut Array3<T>,
    ) -> Result<()> {
        let failed = |e: GdalError| Error::Read { path: self.path.clone(), window, source: e.into() };
        for (mut plane, &(index, _)) in all.outer_iter_mut().zip(&self.bands.visible) {
            let band = self.dataset.rasterband(index).map_err(failed)?;
            if let Some(plane) = plane.as_slice_mut() {
                read_onto(&band, window, shape, plane).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn rgb(&mut self, window: Window, shape: (usize, usize)) -> Result<(Array3<f32>, Array2<bool>)> {
        let mut rgb = Array3::<f32>::zeros((3, shape.0, shape.1));
        // The last band read also fills the planes that no band of its own will.
        let last = self.bands.visible.len().saturating_sub(1);
        let valid = self.read_visible(window, shape, |i, band| {
            let planes = if i == last { 3 } else { 1 };
            rgb.outer_iter_mut().skip(i).take(planes).for_each(|mut plane| plane.assign(&band));
        })?;
        blank(&mut rgb, &valid);
        Ok((rgb, valid))
    }

    fn all_bands(&mut self, window: Window) -> Result<(Array3<f32>, Array2<bool>)> {
        let shape = (window.rows, window.cols);
        let visible = self.bands.visible.len();
        let mut all = Array3::<f32>::zeros((visible + self.bands.others.len(), shape.0, shape.1));
        let valid =
            self.read_visible(window, shape, |i, band| all.index_axis_mut(Axis(0), i).assign(&band))?;
        let others = if window.is_empty() { 0 } else { self.bands.others.len() };
        for i in 0..others {
            let pixels = self.plain(self.bands.others[i], window)?;
            all.index_axis_mut(Axis(0), visible + i).assign(&pixels);
        }
        blank(&mut all, &valid);
        Ok((all, valid))
    }

    /// One band over `window`, whatever is valid.
    fn plain(&mut self, index: usize, window: Window) -> Result<ArrayView2<'_, f32>> {
        let Self { dataset, path, scratch, .. } = self;
        let failed = |e: GdalError| Error::Read { path: path.clone(), window, source: e.into() };
        let band = dataset.rasterband(index).map_err(failed)?;
        read_band(&band, window, (window.rows, window.cols), scratch).map_err(failed)
    }

    /// Hands each visible band over `window`, resampled to `shape`, to `take` with its index, and returns which
    /// pixels are valid.
    fn read_visible(
        &mut self,
        window: Window,
        shape: (usize, usize),
        mut take: impl FnMut(usize, ArrayView2<'_, f32>),
    ) -> Result<Array2<bool>> {
        if window.is_empty() || shape.0 == 0 || shape.1 == 0 {
            return Ok(Array2::from_elem(shape, false));
        }
        let Self { dataset, path, bands, scratch, states, .. } = self;
        let failed = |e: GdalError| Error::Read { path: path.clone(), window, source: e.into() };
        states.clear();
        states.resize(shape.0 * shape.1, State::Blank);
        for (i, &(index, nodata)) in bands.visible.iter().enumerate() {
            let band = dataset.rasterband(index).map_err(failed)?;
            take(i, read_band(&band, window, shape, scratch).map_err(failed)?);
            if nodata.is_none() && bands.whole_numbers {
                if i == 0 {
                    states.fill(State::Data);
                }
                continue;
            }
            for (state, &value) in states.iter_mut().zip(scratch.iter()) {
                if !value.is_finite() {
                    *state = State::Out;
                } else if *state == State::Blank && nodata != Some(value) {
                    *state = State::Data;
                }
            }
        }
        if let Some(index) = bands.alpha {
            let band = dataset.rasterband(index).map_err(failed)?;
            read_band(&band, window, shape, scratch).map_err(failed)?;
            drop_where_zero(states, scratch);
        }
        if bands.mask {
            let band = dataset.rasterband(bands.visible[0].0).map_err(failed)?;
            read_band(&band.open_mask_band().map_err(failed)?, window, shape, scratch).map_err(failed)?;
            drop_where_zero(states, scratch);
        }
        Ok(Array2::from_shape_fn(shape, |(row, col)| states[row * shape.1 + col] == State::Data))
    }
}

/// A band of near infrared in another file.
struct Beside {
    dataset: Dataset,
    band: usize,
    /// Whether tiles are left out of the file, which are read as 0.
    hole: bool,
}

impl Beside {
    /// The band over `window`, resampled to `shape`; NaN where that file has no data, whatever the image has there.
    fn read(&self, window: Window, shape: (usize, usize), to: &mut [f32]) -> Result<(), GdalError> {
        let band = self.dataset.rasterband(self.band)?;
        read_onto(&band, window, shape, to)?;
        let mut mask = vec![0.0; to.len()];
        read_onto(&band.open_mask_band()?, window, shape, &mut mask)?;
        for (v, mask) in to.iter_mut().zip(mask) {
            if mask == 0.0 || (self.hole && *v == 0.0) {
                *v = f32::NAN;
            }
        }
        Ok(())
    }
}

/// The shapes of a band's overviews that can be decoded piece by piece.
fn overviews(band: &RasterBand<'_>) -> Vec<(usize, usize)> {
    let levels = 0..band.overview_count().unwrap_or(0).max(0) as usize;
    let all = levels.filter_map(|level| band.overview(level).ok());
    all.filter(header::is_in_pieces).map(|o| (o.size().1, o.size().0)).collect()
}

/// One band over `window`, resampled to `shape`, in `scratch`.
fn read_band<'a>(
    band: &RasterBand<'_>,
    window: Window,
    shape: (usize, usize),
    scratch: &'a mut Vec<f32>,
) -> Result<ArrayView2<'a, f32>, GdalError> {
    scratch.resize(shape.0 * shape.1, 0.0);
    read_onto(band, window, shape, scratch)?;
    ArrayView2::from_shape(shape, scratch).map_err(|e| GdalError::BadArgument(e.to_string()))
}

/// One band over `window`, resampled to `shape`, row by row.
///
/// The one place where `(rows, cols)` becomes GDAL's `(cols, rows)`.
fn read_onto<T: Copy + GdalType>(
    band: &RasterBand<'_>,
    window: Window,
    shape: (usize, usize),
    to: &mut [T],
) -> Result<(), GdalError> {
    let resampling = (shape != (window.rows, window.cols)).then_some(ResampleAlg::Average);
    let corner = (isize::try_from(window.col)?, isize::try_from(window.row)?);
    band.read_into_slice(corner, (window.cols, window.rows), (shape.1, shape.0), to, resampling)
}

/// Takes out the pixels whose alpha or mask is 0.
fn drop_where_zero(states: &mut [State], alpha: &[f32]) {
    for (state, &a) in states.iter_mut().zip(alpha) {
        if a <= 0.0 {
            *state = State::Out;
        }
    }
}

impl Bands {
    /// Whether every pixel is valid, whatever the file holds.
    fn all_valid(&self) -> bool {
        let unmarked = self.alpha.is_none() && !self.mask && self.visible.iter().all(|v| v.1.is_none());
        unmarked && self.whole_numbers
    }

    /// The bands of an image by what they show.
    ///
    /// Visible are red, green and blue where there are any of them; else the panchromatic band; else, of bands that
    /// nobody names, the first three of three or more, or the first.
    fn of(dataset: &Dataset, roles: &[BandRole]) -> Result<Self, GdalError> {
        let band_of = |role: BandRole| roles.iter().position(|r| *r == role).map(|i| i + 1);
        let alpha = band_of(BandRole::Alpha);
        let colours = [BandRole::Red, BandRole::Green, BandRole::Blue].map(band_of);
        let mut indices: Vec<usize> = colours.into_iter().flatten().collect();
        if indices.is_empty() {
            indices.extend(band_of(BandRole::Panchromatic));
        }
        if indices.is_empty() {
            let pixels: Vec<usize> = (1..=roles.len()).filter(|i| roles[i - 1] != BandRole::Alpha).collect();
            indices.extend(pixels.iter().take(if pixels.len() >= 3 { 3 } else { 1 }));
        }
        let others =
            (1..=roles.len()).filter(|i| !indices.contains(i) && roles[i - 1] != BandRole::Alpha).collect();
        let near_infrared = band_of(BandRole::NearInfrared);
        let green = colours[1].and_then(|band| indices.iter().position(|i| *i == band));
        // Tiles that a file leaves out are read as 0, and are no data whatever the file says.
        let hole = (header::is_sparse(dataset) && alpha.is_none()).then_some(0.0);
        let (mut visible, mut mask, mut whole_numbers, mut bytes) = (Vec::new(), false, true, true);
        for index in indices {
            let band = dataset.rasterband(index)?;
            whole_numbers &= band.band_type().is_integer();
            bytes &= band.band_type() == GdalDataType::UInt8;
            // Clamped as GDAL clamps the pixels when it hands them out as f32.
            let nodata = band.no_data_value().map(|v| v.clamp(f32::MIN.into(), f32::MAX.into()) as f32);
            if visible.is_empty() {
                let flags = band.mask_flags()?;
                let own = !flags.is_nodata() || flags.is_per_dataset();
                mask = own && !flags.is_all_valid() && !flags.is_alpha();
            }
            visible.push((index, nodata.or(hole)));
        }
        Ok(Self { visible, others, green, near_infrared, alpha, mask, whole_numbers, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{capture_of, tiff};
    use gdal::Metadata;
    use ndarray::{arr2, s};

    const SHAPE: (usize, usize) = (70, 50);

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn gray(path: &Path, window: Window) -> Raster {
        Image::open(&capture_of(path)).unwrap().read_gray(window).unwrap()
    }

    #[test]
    fn a_file_of_bytes_is_kept_as_bytes_and_no_other() {
        let dir = dir();
        let value = |b: usize, r: usize, c: usize| ((r * 7 + c * 3 + b) % 256) as u8;
        let opened = |name: &str, nodata: Option<f64>, words: bool| {
            let path = dir.path().join(name);
            let finish = |d: &mut Dataset| d.rasterband(1).unwrap().set_no_data_value(nodata).unwrap();
            if words {
                tiff::<u16>(&path, (3, 70, 50), &[], |b, r, c| u16::from(value(b, r, c)), finish);
            } else {
                tiff::<u8>(&path, (3, 70, 50), &["INTERLEAVE=PIXEL", "TILED=YES"], value, finish);
            }
            Image::open(&capture_of(&path)).unwrap()
        };
        let window = Window::new(3, 5, 60, 30);
        let (mut bytes, mut words, mut holes) = (
            opened("bytes.tif", None, false),
            opened("words.tif", None, true),
            opened("holes.tif", Some(0.0), false),
        );
        let (planes, valid) = bytes.read_visible_bands(window).unwrap();
        assert_eq!(bytes.read_to_keep(window).unwrap(), Decoded::Bytes(planes.mapv(|v| v as u8)));
        assert_eq!(words.read_to_keep(window).unwrap(), Decoded::Floats((planes, valid)));
        let with_holes = holes.read_visible_bands(window).unwrap();
        assert_eq!(holes.read_to_keep(window).unwrap(), Decoded::Floats(with_holes));
        let beyond = bytes.read_to_keep(Window::new(60, 0, 11, 5));
        assert!(matches!(beyond, Err(Error::WindowOutside { shape: SHAPE, .. })));
    }

    #[test]
    fn a_window_is_the_part_of_the_image_that_it_says() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        tiff::<u16>(
            &path,
            (1, 70, 50),
            &["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=32"],
            |_, r, c| (100 * r + c) as u16,
            |_| {},
        );
        let window = Window::new(30, 11, 5, 20);
        let raster = gray(&path, window);
        assert_eq!(raster.window, window);
        assert_eq!(raster.pixels, Array2::from_shape_fn((5, 20), |(r, c)| (100 * (30 + r) + 11 + c) as f32));
        assert!(raster.valid.iter().all(|&v| v));
        // The buffers of a larger window do not leak into a smaller one.
        let mut image = Image::open(&capture_of(&path)).unwrap();
        image.read_gray(Window::new(0, 0, 70, 50)).unwrap();
        assert_eq!(image.read_gray(window).unwrap(), raster);
        assert_eq!(image.read_gray(Window::new(70, 50, 0, 0)).unwrap().pixels.dim(), (0, 0));
    }

    #[test]
    fn a_window_beyond_the_edge_is_refused() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        tiff::<u8>(&path, (1, 70, 50), &[], |_, _, _| 1, |_| {});
        let mut image = Image::open(&capture_of(&path)).unwrap();
        let beyond = image.read_gray(Window::new(60, 0, 11, 5));
        assert!(matches!(beyond, Err(Error::WindowOutside { shape: SHAPE, .. })));
        assert!(image.read_rgb(Window::new(0, 46, 5, 5), (2, 2)).is_err());
    }

    #[test]
    fn brightness_is_the_mean_of_the_visible_bands() {
        let dir = dir();
        let value = |b: usize, _: usize, _: usize| [10_u8, 20, 60, 200][b];
        let mean_of = |name: &str, bands: usize, options: &[&str]| {
            let path = dir.path().join(name);
            tiff::<u8>(&path, (bands, 70, 50), options, value, |_| {});
            gray(&path, Window::new(1, 2, 3, 4)).pixels[(2, 3)]
        };
        assert_eq!(mean_of("gray.tif", 1, &[]), 10.0);
        assert_eq!(mean_of("gray_alpha.tif", 2, &["ALPHA=YES"]), 10.0);
        assert_eq!(mean_of("two.tif", 2, &["PHOTOMETRIC=MINISBLACK"]), 10.0);
        assert_eq!(mean_of("rgb.tif", 3, &["PHOTOMETRIC=RGB"]), 30.0);
        assert_eq!(mean_of("rgba.tif", 4, &["PHOTOMETRIC=RGB", "ALPHA=YES"]), 30.0);
        assert_eq!(mean_of("rgb_nir.tif", 4, &["PHOTOMETRIC=RGB", "ALPHA=NO"]), 30.0);
        assert_eq!(mean_of("unnamed.tif", 4, &["PHOTOMETRIC=MINISBLACK", "ALPHA=NO"]), 30.0);
    }

    #[test]
    fn colours_are_found_in_any_order() {
        let dir = dir();
        let path = dir.path().join("bgrn.tif");
        tiff::<u16>(
            &path,
            (4, 70, 50),
            &["PHOTOMETRIC=MINISBLACK"],
            |b, _, _| [30, 20, 10, 999][b],
            |d| {
                use gdal::raster::ColorInterpretation as C;
                for (band, colour) in
                    [C::BlueBand, C::GreenBand, C::RedBand, C::Undefined].into_iter().enumerate()
                {
                    d.rasterband(band + 1).unwrap().set_color_interpretation(colour).unwrap();
                }
            },
        );
        let (rgb, _) =
            Image::open(&capture_of(&path)).unwrap().read_rgb(Window::new(0, 0, 2, 3), (2, 3)).unwrap();
        assert_eq!(rgb.slice(s![.., 0, 0]).to_vec(), [10.0, 20.0, 30.0]);
        assert_eq!(gray(&path, Window::new(0, 0, 2, 3)).pixels[(0, 0)], 20.0);
    }

    #[test]
    fn all_bands_come_with_the_visible_ones_first() {
        let dir = dir();
        let path = dir.path().join("rgbn.tif");
        let value = |b: usize, r: usize, _: usize| if r == 0 { 0_u16 } else { [10, 20, 60, 200][b] };
        tiff(&path, (4, 70, 50), &["PHOTOMETRIC=RGB", "ALPHA=NO"], value, |d| {
            for band in 1..=4 {
                d.rasterband(band).unwrap().set_no_data_value(Some(0.0)).unwrap();
            }
        });
        let mut image = Image::open(&capture_of(&path)).unwrap();
        assert_eq!((image.band_counts(), image.nodata()), ((3, 1), Some(0.0)));
        let (all, valid) = image.read_bands(Window::new(0, 4, 2, 3)).unwrap();
        assert_eq!(all.slice(s![.., 1, 2]).to_vec(), [10.0, 20.0, 60.0, 200.0]);
        assert_eq!(valid, arr2(&[[false; 3], [true; 3]]));
        let gray = dir.path().join("gray_alpha.tif");
        tiff::<u8>(&gray, (2, 70, 50), &["ALPHA=YES"], |b, _, _| [9, 255][b], |_| {});
        let mut image = Image::open(&capture_of(&gray)).unwrap();
        assert_eq!(image.band_counts(), (1, 0));
        assert_eq!(image.read_bands(Window::new(0, 0, 1, 1)).unwrap().0.dim(), (1, 1, 1));
    }

    #[test]
    fn infrared_comes_in_cells_from_all_tiles_and_is_unknown_where_a_pixel_is() {
        let dir = dir();
        let names = |d: &mut gdal::Dataset| {
            for (i, name) in ["NIR", "red", "green", "blue"].into_iter().enumerate() {
                let mut band = d.rasterband(i + 1).unwrap();
                band.set_description(name).unwrap();
                band.set_no_data_value(Some(0.0)).unwrap();
            }
        };
        let tile = |name: &str, first: usize| {
            let path = dir.path().join(name);
            // Near infrared is the column of the whole, green the row; nothing in row 9.
            let value = |b: usize, r: usize, c: usize| match (r, b) {
                (9, _) => 0_u16,
                (_, 0) => (1 + first + c) as u16,
                (_, 2) => (1 + r) as u16,
                _ => 500,
            };
            tiff(&path, (4, 70, 50), &["PHOTOMETRIC=MINISBLACK", "ALPHA=NO"], value, names);
            path
        };
        let mut capture = capture_of(&tile("a.tif", 0));
        capture.grid.cols = 100;
        capture.tiles = [("a.tif", 0), ("b.tif", 50)]
            .map(|(name, col)| Tile { path: tile(name, col), row: 0, col, shape: (70, 50), infrared: None })
            .to_vec();
        let mut image = Image::open(&capture).unwrap();
        // The cells that both tiles share, and those of row 9.
        let cells = Window::new(1, 11, 3, 3);
        let read = image.read_infrared(cells).unwrap().unwrap();
        assert_eq!(read.cells, cells);
        assert_eq!(read.near_infrared.row(0).to_vec(), [46.5, 50.5, 54.5]);
        assert_eq!(read.green.row(0).to_vec(), [6.5; 3]);
        assert!(read.green.row(1).iter().chain(read.near_infrared.row(1)).all(|v| v.is_nan()));
        assert_eq!(read.green.row(2).to_vec(), [14.5; 3]);
        // The last row of cells has two rows of pixels.
        assert_eq!(image.read_infrared(Window::new(17, 0, 1, 1)).unwrap().unwrap().green[(0, 0)], 69.5);
        let gray = dir.path().join("gray.tif");
        tiff::<u8>(&gray, (1, 70, 50), &[], |_, _, _| 1, |_| {});
        assert!(Image::open(&capture_of(&gray)).unwrap().read_infrared(cells).unwrap().is_none());
    }

    #[test]
    fn nodata_needs_every_band() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        // (0, 0) is black in all bands, (0, 1) in one, (1, 0) in two.
        let value = |b: usize, r: usize, c: usize| match (b, r, c) {
            (_, 0, 0) | (0, 0, 1) | (0 | 2, 1, 0) => 0_u8,
            _ => 9,
        };
        tiff(&path, (3, 70, 50), &["PHOTOMETRIC=RGB"], value, |d| {
            for band in 1..=3 {
                d.rasterband(band).unwrap().set_no_data_value(Some(0.0)).unwrap();
            }
        });
        let raster = gray(&path, Window::new(0, 0, 2, 3));
        assert_eq!(raster.valid, arr2(&[[false, true, true], [true, true, true]]));
        assert_eq!(raster.pixels, arr2(&[[0.0, 6.0, 9.0], [3.0, 9.0, 9.0]]));
        let unset = dir.path().join("b.tif");
        tiff(&unset, (3, 70, 50), &["PHOTOMETRIC=RGB"], value, |_| {});
        assert!(gray(&unset, Window::new(0, 0, 2, 3)).valid.iter().all(|&v| v));
    }

    #[test]
    fn transparent_pixels_are_invalid() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        let value = |b: usize, r: usize, c: usize| if b == 3 { (r + c) as u8 } else { 50 };
        tiff(&path, (4, 70, 50), &["PHOTOMETRIC=RGB", "ALPHA=YES"], value, |_| {});
        assert_eq!(gray(&path, Window::new(0, 0, 2, 2)).valid, arr2(&[[false, true], [true, true]]));
    }

    #[test]
    fn a_mask_of_the_file_counts() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        tiff::<u8>(
            &path,
            (3, 70, 50),
            &["PHOTOMETRIC=RGB"],
            |_, _, _| 50,
            |d| {
                let mut band = d.rasterband(1).unwrap();
                band.create_mask_band(true).unwrap();
                let data = (0..70 * 50).map(|i| if i % 50 < 2 { 0_u8 } else { 255 }).collect();
                let mut mask = band.open_mask_band().unwrap();
                mask.write((0, 0), (50, 70), &mut gdal::raster::Buffer::new((50, 70), data)).unwrap();
            },
        );
        assert_eq!(gray(&path, Window::new(3, 0, 1, 4)).valid, arr2(&[[false, false, true, true]]));
    }

    #[test]
    fn numbers_that_are_not_finite_are_invalid() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        let value = |b: usize, r: usize, c: usize| match (b, r, c) {
            (1, 0, 0) => f32::NAN,
            (0, 0, 1) => f32::INFINITY,
            (_, 1, 0) => -9999.0,
            _ => 0.25 * (b + 1) as f32,
        };
        tiff(&path, (3, 70, 50), &["PHOTOMETRIC=RGB"], value, |d| {
            d.rasterband(1).unwrap().set_no_data_value(Some(-9999.0)).unwrap();
        });
        let raster = gray(&path, Window::new(0, 0, 2, 2));
        assert_eq!(raster.valid, arr2(&[[false, false], [false, true]]));
        assert_eq!(raster.pixels, arr2(&[[0.0, 0.0], [0.0, 0.5]]));
    }

    #[test]
    fn pictures_are_averaged_and_gray_is_repeated() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        tiff::<u8>(&path, (1, 70, 50), &[], |_, r, c| (r / 2 + c / 2) as u8, |_| {});
        let (rgb, valid) =
            Image::open(&capture_of(&path)).unwrap().read_rgb(Window::new(10, 4, 40, 20), (20, 10)).unwrap();
        assert_eq!((rgb.dim(), valid.dim()), ((3, 20, 10), (20, 10)));
        for plane in rgb.outer_iter() {
            assert_eq!(plane, Array2::from_shape_fn((20, 10), |(r, c)| (5 + r + 2 + c) as f32));
        }
    }

    #[test]
    fn a_damaged_tile_is_an_error_with_its_place() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        let options = ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "COMPRESS=DEFLATE"];
        let noise = |_: usize, r: usize, c: usize| (r * 7919 + c * 104_729 + r * c * 31) as u8;
        tiff(&path, (1, 70, 50), &options, noise, |_| {});
        let mut bytes = std::fs::read(&path).unwrap();
        let (from, to) = (bytes.len() * 9 / 10, bytes.len() * 95 / 100);
        bytes[from..to].fill(0xff);
        std::fs::write(&path, bytes).unwrap();
        let mut image = Image::open(&capture_of(&path)).unwrap();
        assert!(image.read_gray(Window::new(0, 0, 16, 50)).is_ok());
        let error = image.read_gray(Window::new(40, 0, 30, 50)).unwrap_err();
        assert!(matches!(error, Error::Read { .. }));
        assert!(error.to_string().contains("rows 40..70, columns 0..50"), "{error}");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_file_that_changed_is_not_read() {
        let dir = dir();
        let path = dir.path().join("a.tif");
        tiff::<u8>(&path, (1, 70, 50), &[], |_, _, _| 1, |_| {});
        let capture = capture_of(&path);
        tiff::<u8>(&path, (1, 50, 70), &[], |_, _, _| 1, |_| {});
        assert!(matches!(Image::open(&capture), Err(Error::Changed { found: (50, 70), .. })));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Image::open(&capture), Err(Error::Open { .. })));
    }
}
