//! The size of the windows changes no bit of what `diff` finds, whatever the pixel size and wherever pixels are
//! missing: the documents of `end_to_end` are rounded and would not show it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;

use diff::judge::Model;
use diff::{Options, PairSource, Silent, compare};
use domain::{Pixel, PixelMap, Raster, Window};
use fosse_tests::scene::Image;
use ndarray::{Array2, s};

const SHAPE: (usize, usize) = (400, 520);

/// A pair in memory.
struct InMemory {
    earlier: Raster,
    later: Raster,
    map: PixelMap,
    pixel_m: f64,
}

fn part(of: &Raster, w: Window) -> Result<Raster, Infallible> {
    let cut = s![w.row..w.row_end(), w.col..w.col_end()];
    Ok(Raster { window: w, pixels: of.pixels.slice(cut).to_owned(), valid: of.valid.slice(cut).to_owned() })
}

impl PairSource for InMemory {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        SHAPE
    }

    fn pixel_m(&self) -> f64 {
        self.pixel_m
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        part(&self.earlier, window)
    }

    fn later_shape(&self) -> (usize, usize) {
        SHAPE
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        part(&self.later, window)
    }
}

/// An image whose pixels are missing where `hole`.
fn raster(image: &Image, hole: impl Fn(usize, usize) -> bool) -> Raster {
    let pixels = image.pixels().index_axis(ndarray::Axis(0), 0).mapv(f32::from);
    let valid = Array2::from_shape_fn(SHAPE, |(r, c)| !hole(r, c));
    Raster { window: Window::new(0, 0, SHAPE.0, SHAPE.1), pixels, valid }
}

#[test]
fn no_bit_depends_on_the_windows() {
    let at = |row: f64, col: f64| Pixel { row, col };
    let dug = Image {
        dug: Some([at(120.0, 110.0), at(250.0, 400.0)]),
        shift_px: (1.25, -2.5),
        grain: 2,
        ..Image::of(SHAPE)
    };
    let Ok(map) = PixelMap::from_fn(SHAPE, |nodes: &[Pixel]| Ok::<_, Infallible>(nodes.to_vec()));
    let mut pair = InMemory {
        earlier: raster(&Image::of(SHAPE), |r, c| r > c + 300),
        later: raster(&dug, |r, c| r + c < 150),
        map,
        pixel_m: 0.5,
    };
    let model = Model::built_in().unwrap();
    // Blocks of the clutter are 27, 20, 16 and 11 px wide: what is not a power of two rounds.
    for pixel_m in [0.305, 0.4, 0.5, 0.7] {
        pair.pixel_m = pixel_m;
        let [whole, cut, fine] = [1024, 200, 128].map(|window_px| {
            // Whatever the judge thinks of lines drawn with a ruler: every one of them must be the same.
            let mut options = Options { window_px, ..Options::default() };
            options.classify.min_confidence = 0.0;
            let found = compare(&pair, &options, &model, &Silent).unwrap();
            (found.found, found.coverage.blocks, found.coverage.pixels)
        });
        assert!(!whole.0.is_empty(), "nothing found at {pixel_m} m");
        assert!(whole == cut, "windows of 1024 and 200 px differ at {pixel_m} m");
        assert!(whole == fine, "windows of 1024 and 128 px differ at {pixel_m} m");
    }
}
