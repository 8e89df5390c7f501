//! Smoothing that keeps invalid pixels out.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::line_gain::gaussian::smooth;
use ndarray::Array2;

const SIDE: usize = 1024;

fn bench(c: &mut Criterion) {
    let ground = fosse_benches::earlier((SIDE, SIDE));
    let plain = Array2::from_elem((SIDE, SIDE), 7.0f32);
    let mut group = c.benchmark_group("gaussian");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    for sigma_px in [0.8f32, 3.0] {
        // A plain stays plain up to its rim; noise gets quieter and keeps its mean.
        assert!(smooth(&plain, &ground.valid, sigma_px).iter().all(|v| (v - 7.0).abs() < 1e-4));
        let smoothed = smooth(&ground.pixels, &ground.valid, sigma_px);
        assert!(smoothed.std(0.0) < ground.pixels.std(0.0));
        let mean = |a: &Array2<f32>| a.iter().map(|&v| f64::from(v)).sum::<f64>() / a.len() as f64;
        assert!((mean(&smoothed) - mean(&ground.pixels)).abs() < 0.1);
        group.bench_function(format!("sigma {sigma_px} px"), |b| {
            b.iter(|| smooth(&ground.pixels, &ground.valid, sigma_px));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
