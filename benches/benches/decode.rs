//! Decoding of a tiled GeoTIFF of three bands of bytes, window by window, as a survey does.
#![allow(missing_docs)] // criterion_group! makes public functions

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::{Affine, Crs, Grid, Window};
use fosse_benches::ground;
use ingest::Image;
use ingest::write::{GeoTiffOptions, GeoTiffWriter, PixelType};
use ndarray::Array3;

const SIDE: usize = 2048;
/// Side of a window, pixels: a tile that is kept.
const WINDOW: usize = 512;

/// Writes a picture and opens it.
fn opened(path: &Path) -> Result<Image, Box<dyn std::error::Error>> {
    let affine = Affine::north_up(655_000.0, 5_727_000.0, 0.5);
    let grid = Grid::new(SIDE, SIDE, affine, Crs { wkt: String::new(), epsg: Some(32636) })?;
    let mut out = GeoTiffWriter::create(path, &grid, 3, PixelType::U8, &GeoTiffOptions::default())?;
    let value = |(b, r, c): (usize, usize, usize)| (ground(r as f64, c as f64) + 7.0 * b as f32) as u8;
    let pixels = Array3::from_shape_fn((3, SIDE, SIDE), value);
    out.write_window(Window::new(0, 0, SIDE, SIDE), pixels.view())?;
    out.finish()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(Image::open(&runtime.block_on(ingest::single(path, chrono::DateTime::default()))?)?)
}

fn bench(c: &mut Criterion) {
    let Ok(dir) = tempfile::tempdir() else { return };
    let opened = opened(&dir.path().join("2024-08-05.tif"));
    assert!(opened.is_ok(), "{:?}", opened.err());
    let Ok(mut image) = opened else { return };
    let windows = Window::tiling((SIDE, SIDE), WINDOW);
    let mut whole = || {
        let read =
            |w: &Window| image.read_visible_bands(*w).map_or(f32::NAN, |(pixels, _)| pixels[(1, 7, 9)]);
        windows.iter().map(read).sum::<f32>()
    };
    let want: f32 =
        windows.iter().map(|w| (ground((w.row + 7) as f64, (w.col + 9) as f64) + 7.0).floor()).sum();
    assert!((whole() - want).abs() < 1e-3, "{} for {want}", whole());

    let mut group = c.benchmark_group("decode");
    group.sample_size(20).throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("three bands, DEFLATE, 2048 x 2048 px", |b| b.iter(&mut whole));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
