//! Brightness that was decoded once, kept in a file.
//!
//! Every step of a comparison reads most of both images again, and decompression is dearer than what most steps
//! do with the pixels. So a tile that was read is written, plain, to a scratch file, and read from there the next
//! time: the operating system keeps as much of it in memory as there is, and drops it when others need the
//! room. Nothing of it counts as memory of the process.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::{Raster, Window};

use crate::Result;

/// Side of a kept tile, pixels: what imagery is mostly blocked in, or a multiple of it.
const TILE_PX: usize = 512;
/// Stands for an invalid pixel among whole numbers.
const INVALID: u16 = u16::MAX;

/// Not yet read.
const UNREAD: u8 = 0;
/// Kept as whole sums of the bands: exact for 8 and 11 bits, at half the room.
const WHOLE: u8 = 1;
/// Kept as floats, NaN where invalid.
const FLOAT: u8 = 2;

/// The brightness of one image, tile by tile as it was asked for. Shared between threads.
#[derive(Debug)]
pub struct Kept {
    file: File,
    /// `(rows, cols)` of the image.
    shape: (usize, usize),
    /// Share of a band in the brightness, see [`crate::Image::band_share`].
    share: f32,
    /// What is known of each tile, row by row.
    states: Vec<AtomicU8>,
    /// True once a tile could not be written: from then on nothing more is kept.
    full: AtomicBool,
    /// Buffers that no thread uses now.
    idle: Mutex<Vec<Vec<u8>>>,
}

impl Kept {
    /// Nothing kept yet, of an image of `shape` whose bands each make up `share` of the brightness, in `file`,
    /// which must be empty and open for reading and writing.
    pub fn new(file: File, shape: (usize, usize), share: f32) -> Self {
        let tiles = shape.0.div_ceil(TILE_PX) * shape.1.div_ceil(TILE_PX);
        Self {
            file,
            shape,
            share,
            states: (0..tiles).map(|_| AtomicU8::new(UNREAD)).collect(),
            full: AtomicBool::new(false),
            idle: Mutex::default(),
        }
    }

    /// Brightness over `window`, from what is kept; what is not yet is read by `decode` and kept.
    ///
    /// A disk that is full costs time and nothing else: then `decode` is asked for every window.
    ///
    /// # Errors
    /// Those of `decode`, which gets windows of whole tiles inside the image, or `window` itself.
    pub fn read(&self, window: Window, mut decode: impl FnMut(Window) -> Result<Raster>) -> Result<Raster> {
        if window.is_empty() || window.row_end() > self.shape.0 || window.col_end() > self.shape.1 {
            return decode(window);
        }
        let mut out = Raster::invalid(window);
        let mut buffer = self.idle().pop().unwrap_or_default();
        let across = self.shape.1.div_ceil(TILE_PX);
        for i in window.row / TILE_PX..window.row_end().div_ceil(TILE_PX) {
            for j in window.col / TILE_PX..window.col_end().div_ceil(TILE_PX) {
                let tile = self.tile(i, j);
                let (index, state) = (i * across + j, &self.states[i * across + j]);
                let known = state.load(Ordering::Acquire);
                if known != UNREAD && self.fetch(index, known, tile, &mut out, &mut buffer).is_ok() {
                    continue;
                }
                let raster = decode(tile)?;
                if !self.full.load(Ordering::Relaxed) {
                    match self.store(index, &raster, &mut buffer) {
                        Ok(kind) => state.store(kind, Ordering::Release),
                        Err(_) => self.full.store(true, Ordering::Relaxed),
                    }
                }
                copy(&raster, &mut out);
            }
        }
        self.idle().push(buffer);
        Ok(out)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The window of the tile in row `i` and column `j` of tiles.
    fn tile(&self, i: usize, j: usize) -> Window {
        let (row, col) = (i * TILE_PX, j * TILE_PX);
        Window::new(row, col, TILE_PX.min(self.shape.0 - row), TILE_PX.min(self.shape.1 - col))
    }

    /// Where a tile begins in the file: every tile has room for floats, and a hole where it needs less.
    fn offset(index: usize) -> u64 {
        (index * TILE_PX * TILE_PX * size_of::<f32>()) as u64
    }

    /// Writes a tile and returns how.
    fn store(&self, index: usize, raster: &Raster, buffer: &mut Vec<u8>) -> std::io::Result<u8> {
        let (Some(pixels), Some(valid)) = (raster.pixels.as_slice(), raster.valid.as_slice()) else {
            return Err(std::io::ErrorKind::InvalidInput.into());
        };
        let (mut exact, per_share) = (true, 1.0 / self.share);
        buffer.resize(size_of_val(pixels), 0);
        let places = pixels.iter().zip(valid);
        for (to, (&p, &ok)) in buffer.as_chunks_mut().0.iter_mut().zip(places.clone()) {
            // Half of the next whole number is cut off: no rounding function, which would be a call.
            let sum = (p * per_share + 0.5) as u16;
            exact &= !ok | ((sum != INVALID) & (f32::from(sum) * self.share == p));
            *to = (if ok { sum } else { INVALID }).to_ne_bytes();
        }
        if exact {
            buffer.truncate(size_of::<u16>() * pixels.len());
        } else {
            for (to, (&p, &ok)) in buffer.as_chunks_mut().0.iter_mut().zip(places) {
                *to = (if ok { p } else { f32::NAN }).to_ne_bytes();
            }
        }
        self.file.write_all_at(buffer, Self::offset(index))?;
        Ok(if exact { WHOLE } else { FLOAT })
    }

    /// Reads what `out` needs of a kept tile.
    fn fetch(
        &self,
        index: usize,
        kind: u8,
        tile: Window,
        out: &mut Raster,
        buffer: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let size = if kind == WHOLE { size_of::<u16>() } else { size_of::<f32>() };
        let shared = tile.intersection(out.window);
        buffer.resize(shared.rows * tile.cols * size, 0);
        let above = (shared.row - tile.row) * tile.cols * size;
        self.file.read_exact_at(buffer, Self::offset(index) + above as u64)?;
        let (from, to) = (shared.col - tile.col, shared.col - out.window.col);
        for (r, line) in buffer.chunks_exact(tile.cols * size).enumerate() {
            let line = &line[from * size..(from + shared.cols) * size];
            let row = shared.row - out.window.row + r;
            let range = ndarray::s![row, to..to + shared.cols];
            let (mut pixels, mut valid) = (out.pixels.slice_mut(range), out.valid.slice_mut(range));
            let (Some(pixels), Some(valid)) = (pixels.as_slice_mut(), valid.as_slice_mut()) else { continue };
            let places = pixels.iter_mut().zip(valid);
            if kind == WHOLE {
                for ((p, ok), b) in places.zip(line.as_chunks().0) {
                    let sum = u16::from_ne_bytes(*b);
                    *ok = sum != INVALID;
                    *p = if *ok { f32::from(sum) * self.share } else { 0.0 };
                }
            } else {
                for ((p, ok), b) in places.zip(line.as_chunks().0) {
                    let v = f32::from_ne_bytes(*b);
                    *ok = !v.is_nan();
                    *p = if *ok { v } else { 0.0 };
                }
            }
        }
        Ok(())
    }
}

/// Copies what two rasters share.
fn copy(from: &Raster, to: &mut Raster) {
    let shared = from.window.intersection(to.window);
    let part = |w: Window| {
        let (r, c) = (shared.row - w.row, shared.col - w.col);
        ndarray::s![r..r + shared.rows, c..c + shared.cols]
    };
    let (a, b) = (part(from.window), part(to.window));
    to.pixels.slice_mut(b).assign(&from.pixels.slice(a));
    to.valid.slice_mut(b).assign(&from.valid.slice(a));
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    const SHAPE: (usize, usize) = (1100, 700);

    fn raster(window: Window, value: impl Fn(usize, usize) -> f32) -> Raster {
        Raster {
            window,
            pixels: Array2::from_shape_fn((window.rows, window.cols), |(r, c)| {
                let at = (window.row + r, window.col + c);
                if at.0 % 97 == 3 { 0.0 } else { value(at.0, at.1) }
            }),
            valid: Array2::from_shape_fn((window.rows, window.cols), |(r, _)| (window.row + r) % 97 != 3),
        }
    }

    fn kept() -> Kept {
        Kept::new(tempfile::tempfile().unwrap(), SHAPE, 1.0 / 3.0)
    }

    #[test]
    fn what_is_kept_is_what_was_decoded_and_is_decoded_once() {
        let values: [fn(usize, usize) -> f32; 2] = [
            |r, c| ((r * 31 + c * 17) % 766) as f32 * (1.0 / 3.0),
            |r, c| (r as f32).sqrt() - 0.1 * c as f32,
        ];
        for value in values {
            let (kept, decoded) = (kept(), AtomicU8::new(0));
            for window in [
                Window::new(500, 100, 40, 600),
                Window::new(0, 0, 1100, 700),
                Window::new(1099, 699, 1, 1),
                Window::new(3, 511, 700, 2),
            ] {
                let read = kept
                    .read(window, |w| {
                        decoded.fetch_add(1, Ordering::Relaxed);
                        Ok(raster(w, value))
                    })
                    .unwrap();
                assert_eq!(read, raster(window, value));
            }
            assert_eq!(decoded.into_inner(), 6, "six tiles, each once");
        }
    }

    #[test]
    fn a_full_disk_costs_time_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Open for reading alone: every write fails.
        let kept = Kept::new(File::open(file.path()).unwrap(), SHAPE, 1.0);
        let window = Window::new(500, 100, 40, 600);
        for _ in 0..2 {
            let read = kept.read(window, |w| Ok(raster(w, |r, c| (r + c) as f32))).unwrap();
            assert_eq!(read, raster(window, |r, c| (r + c) as f32));
        }
    }

    #[test]
    fn a_failure_to_decode_is_passed_on() {
        let failed = || crate::Error::FolderMissing { folder: "x".into() };
        assert!(kept().read(Window::new(0, 0, 10, 10), |_| Err(failed())).is_err());
    }
}
