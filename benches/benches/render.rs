//! Rendering a window of a simulated date.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::Window;
use simulate::{Options, Scene};

const SIDE: usize = 512;

fn bench(c: &mut Criterion) {
    let options = Options { size_px: 2 * SIDE, ..Options::default() };
    let mut group = c.benchmark_group("render");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.sample_size(10);
    let scene = Scene::new(&options);
    assert!(scene.is_ok());
    if let Ok(scene) = scene {
        let window = Window::new(100, 200, SIDE, SIDE);
        // A part is the part of the whole.
        let whole = scene.render(1, Window::new(90, 180, SIDE + 30, SIDE + 40));
        let part = scene.render(1, window);
        assert_eq!(part, whole.slice(ndarray::s![.., 10..10 + SIDE, 20..20 + SIDE]));
        group.bench_function("a later date", |b| b.iter(|| scene.render(1, window)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
