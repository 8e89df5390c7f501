//! The one resampling.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::resample::{decimate, onto};
use domain::{Pixel, Window};

const SIDE: usize = 1024;

fn bench(c: &mut Criterion) {
    let window = Window::new(8, 8, SIDE - 32, SIDE - 32);
    let plane = fosse_benches::raster((SIDE, SIDE), |r, c| 3.0 * r as f32 - 2.0 * c as f32);
    let mut group = c.benchmark_group("resample");
    group.throughput(Throughput::Elements((window.rows * window.cols) as u64));

    let shifted = |p: Pixel| Pixel { row: p.row + 2.25, col: p.col - 1.5 };
    // Cubic convolution is exact on a plane.
    let out = onto(&plane, window, 1.0, shifted);
    assert!(out.valid.iter().all(|&v| v));
    let want = |r: usize, c: usize| 3.0 * ((r + 8) as f32 + 2.25) - 2.0 * ((c + 8) as f32 - 1.5);
    assert!(out.pixels.indexed_iter().all(|((r, c), v)| (v - want(r, c)).abs() < 0.01));
    let ground = fosse_benches::earlier((SIDE, SIDE));
    group.bench_function("shift", |b| b.iter(|| onto(&ground, window, 1.0, shifted)));

    // From 0.4 m to 0.5 m: smoothed first.
    let half = Window::new(8, 8, SIDE * 4 / 5 - 32, SIDE * 4 / 5 - 32);
    let coarser = |p: Pixel| Pixel { row: p.row * 1.25, col: p.col * 1.25 };
    let out = onto(&plane, half, 1.25, coarser);
    assert!(out.valid.iter().all(|&v| v));
    group.throughput(Throughput::Elements((half.rows * half.cols) as u64));
    group.bench_function("0.4 m to 0.5 m", |b| b.iter(|| onto(&ground, half, 1.25, coarser)));

    let (mean, valid) = decimate(&plane, 2);
    assert!(valid.iter().all(|&v| v) && (mean[(10, 20)] - (3.0 * 20.5 - 2.0 * 40.5)).abs() < 1e-3);
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("decimate by 2", |b| b.iter(|| decimate(&ground, 2)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
