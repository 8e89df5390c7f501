//! The shift between two windows.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::align::Correlator;

const WINDOW_PX: usize = 256;
const REACH_PX: usize = 12;

fn bench(c: &mut Criterion) {
    let shape = (WINDOW_PX, WINDOW_PX);
    let (a, b) = (fosse_benches::earlier(shape), fosse_benches::later(shape, (2.3, -1.6)));
    let correlator = Correlator::new(WINDOW_PX, 0.7);
    let peak =
        || correlator.surface((&a.pixels, &a.valid), (&b.pixels, &b.valid), REACH_PX).and_then(|s| s.peak());
    let found = peak();
    assert!(
        found.is_some_and(|p| (p.d_row_px - 2.3).abs() < 0.2 && (p.d_col_px + 1.6).abs() < 0.2),
        "{found:?}"
    );
    let mut group = c.benchmark_group("correlate");
    group.throughput(Throughput::Elements((WINDOW_PX * WINDOW_PX) as u64));
    group.bench_function("a tie", |bench| bench.iter(peak));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
