//! Pixels that were decoded once, kept in a file.
//!
//! Every step of a comparison reads most of both images again, and decompression is dearer than what most steps
//! do with the pixels. So a tile that was read is written, plain, to a scratch file, and read from there the next
//! time: the operating system keeps as much of it in memory as there is, and drops it when others need the
//! room. Nothing of it counts as memory of the process.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::{Infrared, Raster, Window};
use multiversion::multiversion;
use ndarray::{Array2, Array3, s};

use crate::{Result, image};

/// Side of a kept tile, pixels: what imagery is mostly blocked in, or a multiple of it.
const TILE_PX: usize = 512;
/// Cells of infrared in a tile.
const TILE_CELLS: usize = (TILE_PX / Infrared::CELL_PX) * (TILE_PX / Infrared::CELL_PX);
/// Stands for an invalid pixel among whole numbers.
const INVALID: u16 = u16::MAX;

/// Not yet read.
const UNREAD: u8 = 0;
/// Kept as bytes: whole numbers up to 255, all valid.
const BYTES: u8 = 1;
/// Kept as whole numbers of two bytes, [`INVALID`] where invalid.
const WHOLE: u8 = 2;
/// Kept as floats, NaN where invalid.
const FLOAT: u8 = 3;

/// Visible bands, `(bands, rows, cols)`, and which pixels are valid; the others are 0.
pub type Bands = (Array3<f32>, Array2<bool>);

/// What a file holds over a window.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// Visible bands, `(bands, rows, cols)`, as the file has them, all valid: nothing becomes a float only to be kept as a byte.
    Bytes(Array3<u8>),
    /// Any; where infrared is kept, one more plane of it behind the visible bands.
    Floats(Bands),
}

/// The visible bands of one image, tile by tile as they were asked for, and cells of its green and infrared light. Shared between
/// threads.
#[derive(Debug)]
pub struct Kept {
    file: File,
    /// `(rows, cols)` of the image.
    shape: (usize, usize),
    /// Number of visible bands.
    bands: usize,
    /// The place of green among them, where infrared is kept too.
    green: Option<usize>,
    /// What is known of each tile, row by row.
    states: Vec<AtomicU8>,
    /// True once a tile could not be written: from then on nothing more is kept.
    full: AtomicBool,
    /// Buffers that no thread uses now.
    idle: Mutex<Vec<Vec<u8>>>,
}

/// A stretch of a row of one band.
struct Stretch<'a> {
    band: usize,
    /// Row and first column, from the corner of the window.
    at: (usize, usize),
    values: Values<'a>,
}

/// Pixels of a stretch.
#[derive(Clone, Copy)]
enum Values<'a> {
    /// Whole numbers, all valid.
    Bytes(&'a [u8]),
    /// Any, and which of them are valid.
    Floats(&'a [f32], &'a [bool]),
}

impl Values<'_> {
    /// Notes which are valid.
    fn validate(self, valid: &mut [bool]) {
        match self {
            Self::Bytes(_) => valid.fill(true),
            Self::Floats(_, own) => valid.copy_from_slice(own),
        }
    }
}

impl Stretch<'_> {
    /// Columns from the corner of the window.
    fn cols(&self) -> std::ops::Range<usize> {
        let n = match self.values {
            Values::Bytes(bytes) => bytes.len(),
            Values::Floats(values, _) => values.len(),
        };
        self.at.1..self.at.1 + n
    }
}

impl Kept {
    /// Nothing kept yet, of an image of `shape` with so many visible `bands`, in `file`, which must be empty and open
    /// for reading and writing.
    ///
    /// Where `green` names one of the bands, cells of it and of near infrared are kept beside them, half a byte a pixel; what
    /// decodes then hands out near infrared as one more plane.
    pub fn new(file: File, shape: (usize, usize), bands: usize, green: Option<usize>) -> Self {
        let tiles = shape.0.div_ceil(TILE_PX) * shape.1.div_ceil(TILE_PX);
        Self {
            file,
            shape,
            bands,
            green,
            states: (0..tiles).map(|_| AtomicU8::new(UNREAD)).collect(),
            full: AtomicBool::new(false),
            idle: Mutex::default(),
        }
    }

    /// The visible bands over `window`, `(bands, rows, cols)`, from what is kept; what is not yet is read by `decode` and
    /// kept.
    ///
    /// A disk that is full costs time and nothing else: then `decode` is asked for every tile again.
    ///
    /// # Errors
    /// Those of `decode`, which gets windows of whole tiles inside the image, or `window` itself.
    pub fn bands(&self, window: Window, decode: impl FnMut(Window) -> Result<Decoded>) -> Result<Bands> {
        let mut planes = Array3::zeros((self.bands, window.rows, window.cols));
        let mut valid = Array2::from_elem((window.rows, window.cols), false);
        self.each(window, decode, |s| {
            let (row, cols) = (s.at.0, s.cols());
            // Rows of a fresh array lie together.
            let (mut plane, mut valid) =
                (planes.slice_mut(s![s.band, row, cols.clone()]), valid.slice_mut(s![row, cols]));
            let (Some(plane), Some(valid)) = (plane.as_slice_mut(), valid.as_slice_mut()) else { return };
            match s.values {
                Values::Bytes(bytes) => widen(plane, bytes),
                Values::Floats(values, _) => plane.copy_from_slice(values),
            }
            if s.band == 0 {
                s.values.validate(valid);
            }
        })?;
        Ok((planes, valid))
    }

    /// Brightness over `window`, the mean of the visible bands, as [`Kept::bands`].
    ///
    /// # Errors
    /// As [`Kept::bands`].
    pub fn gray(&self, window: Window, decode: impl FnMut(Window) -> Result<Decoded>) -> Result<Raster> {
        let mut out = Raster::invalid(window);
        let (share, last) = (1.0 / self.bands as f32, self.bands.saturating_sub(1));
        self.each(window, decode, |s| {
            let range = s![s.at.0, s.cols()];
            let (mut sums, mut valid) = (out.pixels.slice_mut(range), out.valid.slice_mut(range));
            let (Some(sums), Some(valid)) = (sums.as_slice_mut(), valid.as_slice_mut()) else { return };
            // The sum first, which is whole for whole numbers.
            let share = if s.band == last { share } else { 1.0 };
            match s.values {
                Values::Bytes(bytes) => add_bytes(sums, bytes, share),
                Values::Floats(values, _) => {
                    sums.iter_mut().zip(values).for_each(|(sum, v)| *sum = (*sum + v) * share);
                }
            }
            if s.band == 0 {
                s.values.validate(valid);
            }
        })?;
        Ok(out)
    }

    /// Green light and near infrared over `cells`, as [`Kept::bands`]; unknown where none is kept.
    ///
    /// # Errors
    /// As [`Kept::bands`].
    pub fn infrared(
        &self,
        cells: Window,
        mut decode: impl FnMut(Window) -> Result<Decoded>,
    ) -> Result<Infrared> {
        let mut out = Infrared::unknown(cells);
        let (Some(green), window) = (self.green, Infrared::pixels_of(cells, self.shape)) else {
            return Ok(out);
        };
        let mut buffer = self.idle().pop().unwrap_or_default();
        let across = self.shape.1.div_ceil(TILE_PX);
        for i in window.row / TILE_PX..window.row_end().div_ceil(TILE_PX) {
            for j in window.col / TILE_PX..window.col_end().div_ceil(TILE_PX) {
                let (index, tile) = (i * across + j, self.tile(i, j));
                let known = self.states[index].load(Ordering::Acquire) != UNREAD;
                let kept = known.then(|| self.fetch_infrared(index, tile, &mut buffer).ok()).flatten();
                let part = match kept {
                    Some(part) => part,
                    None => {
                        let decoded = decode(tile)?;
                        self.keep(index, &decoded, &mut buffer);
                        decoded.infrared(tile, green)
                    }
                };
                let shared = part.cells.intersection(cells);
                let of = |w: Window| {
                    let (row, col) = (shared.row - w.row, shared.col - w.col);
                    s![row..row + shared.rows, col..col + shared.cols]
                };
                out.green.slice_mut(of(cells)).assign(&part.green.slice(of(part.cells)));
                out.near_infrared.slice_mut(of(cells)).assign(&part.near_infrared.slice(of(part.cells)));
            }
        }
        self.idle().push(buffer);
        Ok(out)
    }

    /// Hands out what lies in `window`, band by band of each row of each tile.
    fn each(
        &self,
        window: Window,
        mut decode: impl FnMut(Window) -> Result<Decoded>,
        mut put: impl FnMut(Stretch<'_>),
    ) -> Result<()> {
        if window.row_end() > self.shape.0 || window.col_end() > self.shape.1 {
            decode(window)?.hand(self.bands, window, window, &mut put);
            return Ok(());
        }
        let mut buffer = self.idle().pop().unwrap_or_default();
        let across = self.shape.1.div_ceil(TILE_PX);
        for i in window.row / TILE_PX..window.row_end().div_ceil(TILE_PX) {
            for j in window.col / TILE_PX..window.col_end().div_ceil(TILE_PX) {
                let tile = self.tile(i, j);
                let (index, state) = (i * across + j, &self.states[i * across + j]);
                let kind = state.load(Ordering::Acquire);
                if kind != UNREAD && self.fetch((index, kind), tile, window, &mut put, &mut buffer).is_ok() {
                    continue;
                }
                let decoded = decode(tile)?;
                self.keep(index, &decoded, &mut buffer);
                decoded.hand(self.bands, tile, window, &mut put);
            }
        }
        self.idle().push(buffer);
        Ok(())
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The window of the tile in row `i` and column `j` of tiles.
    fn tile(&self, i: usize, j: usize) -> Window {
        let (row, col) = (i * TILE_PX, j * TILE_PX);
        Window::new(row, col, TILE_PX.min(self.shape.0 - row), TILE_PX.min(self.shape.1 - col))
    }

    /// Where a band of a tile begins in the file: every tile has room for floats, and a hole where it needs less.
    fn offset(&self, index: usize, band: usize, kind: u8) -> u64 {
        let all = TILE_PX * TILE_PX;
        (index * self.bands * all * size_of::<f32>() + band * all * size(kind)) as u64
    }

    /// Writes a tile, unless the disk is full.
    fn keep(&self, index: usize, decoded: &Decoded, buffer: &mut Vec<u8>) {
        if self.full.load(Ordering::Relaxed) {
            return;
        }
        let stored = match decoded {
            // Beside bytes there is no infrared.
            Decoded::Bytes(planes) => self.store_bytes(index, planes),
            Decoded::Floats((planes, valid)) => self
                .store_infrared(index, planes, valid, buffer)
                .and_then(|()| self.store(index, planes, valid, buffer)),
        };
        match stored {
            Ok(kind) => self.states[index].store(kind, Ordering::Release),
            Err(_) => self.full.store(true, Ordering::Relaxed),
        }
    }

    /// Writes the visible bands of a tile of bytes.
    fn store_bytes(&self, index: usize, planes: &Array3<u8>) -> std::io::Result<u8> {
        if self.green.is_some() {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        for (band, plane) in planes.outer_iter().take(self.bands).enumerate() {
            let bytes = plane.to_slice().ok_or(std::io::ErrorKind::InvalidInput)?;
            self.file.write_all_at(bytes, self.offset(index, band, BYTES))?;
        }
        Ok(BYTES)
    }

    /// Where the cells of a tile begin in the file: behind all tiles.
    fn infrared_offset(&self, index: usize) -> u64 {
        let tiles = self.states.len() * self.bands * TILE_PX * TILE_PX;
        ((tiles + index * 2 * TILE_CELLS) * size_of::<f32>()) as u64
    }

    /// Writes the cells of a tile, where there are any.
    fn store_infrared(
        &self,
        index: usize,
        planes: &Array3<f32>,
        valid: &Array2<bool>,
        buffer: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let Some(green) = self.green else { return Ok(()) };
        let (rows, cols) = valid.dim();
        let cells = image::infrared(Window::new(0, 0, rows, cols), planes, valid, green);
        buffer.clear();
        let values = cells.green.iter().chain(&cells.near_infrared);
        values.for_each(|v| buffer.extend_from_slice(&v.to_ne_bytes()));
        self.file.write_all_at(buffer, self.infrared_offset(index))
    }

    /// Reads the cells of a kept tile.
    fn fetch_infrared(&self, index: usize, tile: Window, buffer: &mut Vec<u8>) -> std::io::Result<Infrared> {
        let mut out = Infrared::unknown(Infrared::cells_of(tile));
        let count = out.green.len();
        buffer.resize(2 * count * size_of::<f32>(), 0);
        self.file.read_exact_at(buffer, self.infrared_offset(index))?;
        let values = buffer.as_chunks().0.iter().map(|b| f32::from_ne_bytes(*b));
        out.green.iter_mut().chain(&mut out.near_infrared).zip(values).for_each(|(to, v)| *to = v);
        Ok(out)
    }

    /// Writes the visible bands of a tile and returns how.
    fn store(
        &self,
        index: usize,
        planes: &Array3<f32>,
        valid: &Array2<bool>,
        buffer: &mut Vec<u8>,
    ) -> std::io::Result<u8> {
        let (Some(pixels), Some(valid)) = (planes.as_slice(), valid.as_slice()) else {
            return Err(std::io::ErrorKind::InvalidInput.into());
        };
        let pixels = &pixels[..pixels.len().min(self.bands * valid.len())];
        let kind = kind_of(pixels, valid);
        buffer.resize(size(kind) * valid.len(), 0);
        for (band, plane) in pixels.chunks_exact(valid.len()).enumerate() {
            let places = plane.iter().zip(valid);
            match kind {
                BYTES => narrow(buffer, plane),
                WHOLE => buffer.as_chunks_mut().0.iter_mut().zip(places).for_each(|(to, (&p, &ok))| {
                    *to = (if ok { (p + WHOLE_FROM).to_bits() as u16 } else { INVALID }).to_ne_bytes();
                }),
                _ => buffer.as_chunks_mut().0.iter_mut().zip(places).for_each(|(to, (&p, &ok))| {
                    *to = (if ok { p } else { f32::NAN }).to_ne_bytes();
                }),
            }
            self.file.write_all_at(buffer, self.offset(index, band, kind))?;
        }
        Ok(kind)
    }

    /// Reads what `window` needs of a kept tile.
    fn fetch(
        &self,
        (index, kind): (usize, u8),
        tile: Window,
        window: Window,
        put: &mut impl FnMut(Stretch<'_>),
        buffer: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let shared = tile.intersection(window);
        let line = tile.cols * size(kind);
        let rows = shared.rows * line;
        // All bands before any is handed out: a failure must leave nothing half done.
        buffer.resize(self.bands * rows, 0);
        for (band, part) in buffer.chunks_exact_mut(rows).enumerate() {
            let above = ((shared.row - tile.row) * line) as u64;
            self.file.read_exact_at(part, self.offset(index, band, kind) + above)?;
        }
        let from = (shared.col - tile.col) * size(kind);
        let (mut values, mut valid) = ([0.0f32; TILE_PX], [true; TILE_PX]);
        let (values, valid) = (&mut values[..shared.cols], &mut valid[..shared.cols]);
        for r in 0..shared.rows {
            let at = (shared.row - window.row + r, shared.col - window.col);
            for (band, part) in buffer.chunks_exact(rows).enumerate() {
                let line = &part[r * line + from..][..shared.cols * size(kind)];
                let places = values.iter_mut().zip(valid.iter_mut());
                match kind {
                    BYTES => {
                        put(Stretch { band, at, values: Values::Bytes(line) });
                        continue;
                    }
                    WHOLE => places.zip(line.as_chunks().0).for_each(|((v, ok), b)| {
                        let n = u16::from_ne_bytes(*b);
                        *ok = n != INVALID;
                        *v = if *ok { f32::from(n) } else { 0.0 };
                    }),
                    _ => places.zip(line.as_chunks().0).for_each(|((v, ok), b)| {
                        let n = f32::from_ne_bytes(*b);
                        *ok = !n.is_nan();
                        *v = if *ok { n } else { 0.0 };
                    }),
                }
                put(Stretch { band, at, values: Values::Floats(values, valid) });
            }
        }
        Ok(())
    }
}

/// Floats from 2²³ on are whole, and their last bits are the number: no conversion, which would be one at a time.
const WHOLE_FROM: f32 = 8_388_608.0;

/// The shortest way to keep pixels that loses nothing of them.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn kind_of(pixels: &[f32], valid: &[bool]) -> u8 {
    let (mut whole, mut bytes) = (true, valid.iter().fold(true, |all, &ok| all & ok));
    for &p in pixels {
        whole &= ((p + WHOLE_FROM) - WHOLE_FROM == p) & (0.0..65535.0).contains(&p);
        bytes &= p < 256.0;
    }
    match (whole, bytes) {
        (true, true) => BYTES,
        (true, false) => WHOLE,
        (false, _) => FLOAT,
    }
}

/// Whole numbers below 256 as bytes.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn narrow(to: &mut [u8], pixels: &[f32]) {
    to.iter_mut().zip(pixels).for_each(|(to, p)| *to = (p + WHOLE_FROM).to_bits() as u8);
}

/// And back.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn widen(to: &mut [f32], bytes: &[u8]) {
    to.iter_mut().zip(bytes).for_each(|(to, b)| *to = f32::from(*b));
}

/// Adds to sums, of which a share is kept.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn add_bytes(sums: &mut [f32], bytes: &[u8], share: f32) {
    sums.iter_mut().zip(bytes).for_each(|(sum, b)| *sum = (*sum + f32::from(*b)) * share);
}

/// Bytes of a number that is kept in such a way.
fn size(kind: u8) -> usize {
    match kind {
        BYTES => 1,
        WHOLE => 2,
        _ => 4,
    }
}

impl Decoded {
    /// Hands out what lies in `window` of the first `bands` over `of`, which it is of.
    fn hand(&self, bands: usize, of: Window, window: Window, put: &mut impl FnMut(Stretch<'_>)) {
        let shared = of.intersection(window);
        let cols = shared.col - of.col..shared.col - of.col + shared.cols;
        for band in 0..bands {
            for r in 0..shared.rows {
                let row = shared.row - of.row + r;
                let values = match self {
                    Self::Bytes(planes) => {
                        planes.slice(s![band, row, ..]).to_slice().map(|v| Values::Bytes(&v[cols.clone()]))
                    }
                    Self::Floats((planes, valid)) => {
                        let (values, valid) = (planes.slice(s![band, row, ..]), valid.row(row));
                        let both = values.to_slice().zip(valid.to_slice());
                        both.map(|(v, ok)| Values::Floats(&v[cols.clone()], &ok[cols.clone()]))
                    }
                };
                let at = (shared.row - window.row + r, shared.col - window.col);
                let Some(values) = values else { continue };
                put(Stretch { band, at, values });
            }
        }
    }

    /// The cells of `window`, which it is of.
    fn infrared(&self, window: Window, green: usize) -> Infrared {
        match self {
            Self::Bytes(_) => Infrared::unknown(Infrared::cells_of(window)),
            Self::Floats((planes, valid)) => image::infrared(window, planes, valid, green),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: (usize, usize) = (1100, 700);

    fn tile(window: Window, value: impl Fn(usize, usize, usize) -> f32) -> Bands {
        let ok = |r: usize| (window.row + r) % 97 != 3;
        let planes = Array3::from_shape_fn((3, window.rows, window.cols), |(b, r, c)| {
            if ok(r) { value(b, window.row + r, window.col + c) } else { 0.0 }
        });
        (planes, Array2::from_shape_fn((window.rows, window.cols), |(r, _)| ok(r)))
    }

    fn kept() -> Kept {
        Kept::new(tempfile::tempfile().unwrap(), SHAPE, 3, None)
    }

    #[test]
    fn what_is_kept_is_what_was_decoded_and_is_decoded_once() {
        let values: [fn(usize, usize, usize) -> f32; 3] = [
            |b, r, c| ((r * 31 + c * 17 + b) % 256) as f32,
            |b, r, c| ((r * 3100 + c * 1700 + b) % 65535) as f32,
            |b, r, c| (r as f32).sqrt() - 0.1 * (c + b) as f32,
        ];
        for value in values {
            let (kept, decoded) = (kept(), AtomicU8::new(0));
            let decode = |w| {
                decoded.fetch_add(1, Ordering::Relaxed);
                Ok(Decoded::Floats(tile(w, value)))
            };
            for window in [
                Window::new(500, 100, 40, 600),
                Window::new(0, 0, 1100, 700),
                Window::new(1099, 699, 1, 1),
                Window::new(3, 511, 700, 2),
                Window::new(10, 20, 30, 40), // all valid
            ] {
                let (planes, valid) = tile(window, value);
                let gray = kept.gray(window, decode).unwrap();
                let sum = |r: usize, c: usize| planes[(0, r, c)] + planes[(1, r, c)] + planes[(2, r, c)];
                assert!(gray.pixels.indexed_iter().all(|((r, c), &v)| v == sum(r, c) * (1.0 / 3.0)));
                assert_eq!(gray.valid, valid);
                assert_eq!(kept.bands(window, decode).unwrap(), (planes, valid));
            }
            assert_eq!(decoded.into_inner(), 6, "six tiles, each once");
        }
    }

    #[test]
    fn bytes_are_what_they_are_as_floats() {
        let value = |b: usize, r: usize, c: usize| ((r * 31 + c * 17 + b) % 256) as u8;
        let bytes = |w: Window| {
            Array3::from_shape_fn((3, w.rows, w.cols), |(b, r, c)| value(b, w.row + r, w.col + c))
        };
        let floats = |w: Window| (bytes(w).mapv(f32::from), Array2::from_elem((w.rows, w.cols), true));
        // Of a disk, and of one that is full.
        let full = tempfile::NamedTempFile::new().unwrap();
        for (file, most) in [(tempfile::tempfile().unwrap(), 6), (File::open(full.path()).unwrap(), u8::MAX)]
        {
            let (as_bytes, as_floats) = (Kept::new(file, SHAPE, 3, None), kept());
            let decoded = AtomicU8::new(0);
            let decode = |w| {
                decoded.fetch_add(1, Ordering::Relaxed);
                Ok(Decoded::Bytes(bytes(w)))
            };
            let same = |w| Ok(Decoded::Floats(floats(w)));
            for window in [
                Window::new(500, 100, 40, 600),
                Window::new(0, 0, 1100, 700),
                Window::new(1099, 699, 1, 1),
                Window::new(1099, 699, 2, 2), // beyond the image: as `decode` has it
            ] {
                assert_eq!(as_bytes.bands(window, decode).unwrap(), floats(window));
                assert_eq!(as_bytes.gray(window, decode).unwrap(), as_floats.gray(window, same).unwrap());
            }
            assert!(decoded.into_inner() <= most.saturating_add(2), "six tiles, each once, and two windows");
        }
    }

    #[test]
    fn cells_of_infrared_are_decoded_with_the_bands_and_once() {
        let whole = Window::new(0, 0, SHAPE.0, SHAPE.1);
        let four = |w: Window| {
            let (visible, valid) = tile(w, |b, r, c| ((r * 31 + c * 17 + b) % 256) as f32);
            let mut planes = Array3::from_elem((4, w.rows, w.cols), f32::NAN);
            planes.slice_mut(s![..3, .., ..]).assign(&visible);
            let infrared =
                Array2::from_shape_fn((w.rows, w.cols), |(r, c)| 0.5 * (w.row + r + w.col + c) as f32);
            planes.index_axis_mut(ndarray::Axis(0), 3).assign(&infrared);
            (planes, valid)
        };
        // Of a disk, and of one that is full.
        let full = tempfile::NamedTempFile::new().unwrap();
        for (file, most) in [(tempfile::tempfile().unwrap(), 6), (File::open(full.path()).unwrap(), u8::MAX)]
        {
            let (kept, decoded) = (Kept::new(file, SHAPE, 3, Some(1)), AtomicU8::new(0));
            let decode = |w| {
                decoded.fetch_add(1, Ordering::Relaxed);
                Ok(Decoded::Floats(four(w)))
            };
            let (planes, valid) = four(whole);
            let want = image::infrared(whole, &planes, &valid, 1);
            assert_eq!((want.green.dim(), want.green.iter().any(|v| v.is_nan())), ((275, 175), true));
            for cells in
                [Window::new(120, 100, 30, 75), Window::new(0, 0, 275, 175), Window::new(274, 174, 1, 1)]
            {
                let got = kept.infrared(cells, decode).unwrap();
                assert_eq!(got.cells, cells);
                let cut = s![cells.row..cells.row_end(), cells.col..cells.col_end()];
                let same = |a: &f32, b: &f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                assert!(got.green.iter().zip(&want.green.slice(cut)).all(|(a, b)| same(a, b)));
                assert!(
                    got.near_infrared.iter().zip(&want.near_infrared.slice(cut)).all(|(a, b)| same(a, b))
                );
            }
            let (visible, ok) = kept.bands(whole, decode).unwrap();
            assert!(visible == planes.slice(s![..3, .., ..]) && ok == valid);
            assert!(decoded.into_inner() <= most, "six tiles, each once");
        }
        let none = kept().infrared(Window::new(0, 0, 2, 2), |_| panic!("there is none")).unwrap();
        assert!(none.green.iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_full_disk_costs_time_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Open for reading alone: every write fails.
        let kept = Kept::new(File::open(file.path()).unwrap(), SHAPE, 3, None);
        let window = Window::new(500, 100, 40, 600);
        let value = |b: usize, r: usize, c: usize| (b + r + c) as f32;
        for _ in 0..2 {
            assert_eq!(
                kept.bands(window, |w| Ok(Decoded::Floats(tile(w, value)))).unwrap(),
                tile(window, value)
            );
        }
    }

    #[test]
    fn a_failure_to_decode_is_passed_on() {
        let failed = || crate::Error::FolderMissing { folder: "x".into() };
        assert!(kept().gray(Window::new(0, 0, 10, 10), |_| Err(failed())).is_err());
    }
}
