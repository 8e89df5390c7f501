//! Pixels of a capture, window by window.

use std::path::PathBuf;

use domain::{Capture, Raster, Window};
use gdal::Dataset;
use gdal::errors::GdalError;
use gdal::raster::{ColorInterpretation, RasterBand, ResampleAlg};
use ndarray::{Array2, Array3, ArrayView2, Axis, Zip};

use crate::error::{Error, Result};
use crate::header;

/// One open image.
///
/// Not to be shared between threads: each opens its own. Keeps its buffers from window to window, because the
/// first touch of fresh memory is slower than the decoding.
pub struct Image {
    dataset: Dataset,
    path: PathBuf,
    /// `(rows, cols)`.
    shape: (usize, usize),
    bands: Bands,
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
    /// Transparency: 0 is no data.
    alpha: Option<usize>,
    /// True where the file has a mask of its own, beside nodata values and alpha.
    mask: bool,
    /// True where every visible band holds whole numbers: none that is not finite.
    whole_numbers: bool,
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

impl Image {
    /// The image of a capture, open.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::Changed`] where the file is no longer the one that was catalogued,
    /// [`Error::NoVisibleBand`].
    pub fn open(capture: &Capture) -> Result<Self> {
        let path = capture.path.clone();
        let failed = |e: GdalError| Error::Open { path: capture.path.clone(), source: e.into() };
        let dataset = header::open(&path).map_err(failed)?;
        let (cols, rows) = dataset.raster_size();
        if (rows, cols) != capture.grid.shape() {
            return Err(Error::Changed { path, expected: capture.grid.shape(), found: (rows, cols) });
        }
        let bands = Bands::of(&dataset).map_err(failed)?;
        if bands.visible.is_empty() {
            return Err(Error::NoVisibleBand { path });
        }
        Ok(Self { dataset, path, shape: (rows, cols), bands, scratch: Vec::new(), states: Vec::new() })
    }

    /// Brightness over `window`: the mean of the visible bands, in the unit of the file.
    ///
    /// Visible are the red, green and blue band where the file names them; else the first three of three or more;
    /// else the first. A pixel is invalid where all of these hold their nodata value, one is not finite, alpha
    /// is 0 or the file's mask says so; its value is 0.
    ///
    /// # Errors
    /// [`Error::WindowOutside`]; [`Error::Read`] for damaged tiles.
    pub fn read_gray(&mut self, window: Window) -> Result<Raster> {
        let mut pixels = Array2::<f32>::zeros((window.rows, window.cols));
        let share = self.band_share();
        // The sum first, which is whole for whole numbers.
        let valid = self.read_visible(window, pixels.dim(), |_, band| pixels += &band)?;
        Zip::from(&mut pixels).and(&valid).for_each(|p, &ok| *p = if ok { *p * share } else { 0.0 });
        Ok(Raster { window, pixels, valid })
    }

    /// Share of each visible band in the brightness.
    fn band_share(&self) -> f32 {
        1.0 / self.bands.visible.len().max(1) as f32
    }

    /// The visible bands over `window`, `(bands, rows, cols)`, three or one, and which pixels are valid; the others are 0.
    /// The unit is the file's own.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_visible_bands(&mut self, window: Window) -> Result<(Array3<f32>, Array2<bool>)> {
        let shape = (window.rows, window.cols);
        let mut all = Array3::<f32>::zeros((self.bands.visible.len(), shape.0, shape.1));
        let valid =
            self.read_visible(window, shape, |i, band| all.index_axis_mut(Axis(0), i).assign(&band))?;
        for mut plane in all.outer_iter_mut() {
            Zip::from(&mut plane).and(&valid).for_each(|p, &ok| *p = if ok { *p } else { 0.0 });
        }
        Ok((all, valid))
    }

    /// Red, green and blue over `window`, `(3, rows, cols)` of `out_shape`, and which pixels are valid.
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
        let mut rgb = Array3::<f32>::zeros((3, out_shape.0, out_shape.1));
        // The last band read also fills the planes that no band of its own will.
        let last = self.bands.visible.len().saturating_sub(1);
        let valid = self.read_visible(window, out_shape, |i, band| {
            let planes = if i == last { 3 } else { 1 };
            rgb.outer_iter_mut().skip(i).take(planes).for_each(|mut plane| plane.assign(&band));
        })?;
        for mut plane in rgb.outer_iter_mut() {
            Zip::from(&mut plane).and(&valid).for_each(|p, &ok| *p = if ok { *p } else { 0.0 });
        }
        Ok((rgb, valid))
    }

    /// All bands but alpha over `window`, `(bands, rows, cols)`, in the unit of the file, and which pixels are
    /// valid: the visible ones first, in the order red, green, blue where the file says so, then the others in
    /// the order of the file. [`Image::band_counts`] tells how many of each. Invalid pixels are 0.
    ///
    /// # Errors
    /// As [`Image::read_gray`].
    pub fn read_bands(&mut self, window: Window) -> Result<(Array3<f32>, Array2<bool>)> {
        let (visible, others) = self.band_counts();
        let shape = (window.rows, window.cols);
        let mut all = Array3::<f32>::zeros((visible + others, window.rows, window.cols));
        let valid =
            self.read_visible(window, shape, |i, band| all.index_axis_mut(Axis(0), i).assign(&band))?;
        let Self { dataset, path, bands, scratch, .. } = self;
        let failed = |e: GdalError| Error::Read { path: path.clone(), window, source: e.into() };
        for (i, &index) in bands.others.iter().enumerate().filter(|_| !window.is_empty()) {
            let band = dataset.rasterband(index).map_err(failed)?;
            let pixels = read_band(&band, window, shape, scratch).map_err(failed)?;
            all.index_axis_mut(Axis(0), visible + i).assign(&pixels);
        }
        for mut plane in all.outer_iter_mut() {
            Zip::from(&mut plane).and(&valid).for_each(|p, &ok| *p = if ok { *p } else { 0.0 });
        }
        Ok((all, valid))
    }

    /// Number of visible bands, and of others that are not alpha.
    pub fn band_counts(&self) -> (usize, usize) {
        (self.bands.visible.len(), self.bands.others.len())
    }

    /// The value that means no data in the first visible band, where the file names one.
    pub fn nodata(&self) -> Option<f32> {
        self.bands.visible.first().and_then(|v| v.1)
    }

    /// Hands each visible band over `window`, resampled to `shape`, to `take` with its index, and returns which
    /// pixels are valid.
    fn read_visible(
        &mut self,
        window: Window,
        shape: (usize, usize),
        mut take: impl FnMut(usize, ArrayView2<'_, f32>),
    ) -> Result<Array2<bool>> {
        if window.row_end() > self.shape.0 || window.col_end() > self.shape.1 {
            return Err(Error::WindowOutside { path: self.path.clone(), window, shape: self.shape });
        }
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

/// One band over `window`, resampled to `shape`, in `scratch`.
///
/// The one place where `(rows, cols)` becomes GDAL's `(cols, rows)`.
fn read_band<'a>(
    band: &RasterBand<'_>,
    window: Window,
    shape: (usize, usize),
    scratch: &'a mut Vec<f32>,
) -> Result<ArrayView2<'a, f32>, GdalError> {
    scratch.resize(shape.0 * shape.1, 0.0);
    let resampling = (shape != (window.rows, window.cols)).then_some(ResampleAlg::Average);
    let corner = (isize::try_from(window.col)?, isize::try_from(window.row)?);
    band.read_into_slice(corner, (window.cols, window.rows), (shape.1, shape.0), scratch, resampling)?;
    ArrayView2::from_shape(shape, scratch).map_err(|e| GdalError::BadArgument(e.to_string()))
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
    /// The bands of an image by what they hold.
    fn of(dataset: &Dataset) -> Result<Self, GdalError> {
        let (mut colours, mut others, mut alpha) = ([None; 3], Vec::new(), None);
        for index in 1..=dataset.raster_count() {
            match dataset.rasterband(index)?.color_interpretation() {
                ColorInterpretation::RedBand => _ = colours[0].get_or_insert(index),
                ColorInterpretation::GreenBand => _ = colours[1].get_or_insert(index),
                ColorInterpretation::BlueBand => _ = colours[2].get_or_insert(index),
                ColorInterpretation::AlphaBand => _ = alpha.get_or_insert(index),
                _ => others.push(index),
            }
        }
        let mut indices: Vec<usize> = colours.into_iter().flatten().collect();
        if indices.is_empty() {
            let count = if others.len() >= 3 { 3 } else { 1 };
            let rest = others.split_off(count.min(others.len()));
            indices = std::mem::replace(&mut others, rest);
        }
        let (mut visible, mut mask, mut whole_numbers) = (Vec::new(), false, true);
        for index in indices {
            let band = dataset.rasterband(index)?;
            whole_numbers &= band.band_type().is_integer();
            // Clamped as GDAL clamps the pixels when it hands them out as f32.
            let nodata = band.no_data_value().map(|v| v.clamp(f32::MIN.into(), f32::MAX.into()) as f32);
            if visible.is_empty() {
                let flags = band.mask_flags()?;
                let own = !flags.is_nodata() || flags.is_per_dataset();
                mask = own && !flags.is_all_valid() && !flags.is_alpha();
            }
            visible.push((index, nodata));
        }
        Ok(Self { visible, others, alpha, mask, whole_numbers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{capture_of, tiff};
    use ndarray::{arr2, s};
    use std::path::Path;

    const SHAPE: (usize, usize) = (70, 50);

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn gray(path: &Path, window: Window) -> Raster {
        Image::open(&capture_of(path)).unwrap().read_gray(window).unwrap()
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
                use ColorInterpretation as C;
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
