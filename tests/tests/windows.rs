//! The size of the windows changes no bit of what `diff` finds, whatever the pixel size and wherever pixels are
//! missing: the documents of `end_to_end` are rounded and would not show it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use diff::net::Model;
use diff::{Options, Silent, compare};
use domain::Pixel;
use fosse_tests::memory::{InMemory, raster};
use fosse_tests::scene::Image;
use ndarray::Array2;

const SHAPE: (usize, usize) = (400, 520);

fn pixels(image: &Image) -> Array2<f32> {
    image.pixels().index_axis(ndarray::Axis(0), 0).mapv(f32::from)
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
    let earlier = raster(pixels(&Image::of(SHAPE)), |r, c| r > c + 300);
    let later = raster(pixels(&dug), |r, c| r + c < 150);
    let mut pair = InMemory::new(earlier, later, 0.5);
    let model = Model::built_in().unwrap();
    // Blocks of the clutter are 27, 20, 16 and 11 px wide: what is not a power of two rounds.
    for pixel_m in [0.305, 0.4, 0.5, 0.7] {
        pair.pixel_m = pixel_m;
        let [whole, cut, fine] = [1024, 200, 128].map(|window_px| {
            // Whatever the network thinks of lines drawn with a ruler: every one of them must be the same.
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
