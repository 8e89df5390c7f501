//! An alignment of 8192 × 8192 px from memory: what it costs beside reading.
#![allow(missing_docs)] // criterion_group! makes public functions

use std::convert::Infallible;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::align::{Options, register};
use diff::{PairSource, Silent};
use domain::{Pixel, PixelMap, Raster, Window};
use fosse_benches::{PIXEL_M, earlier, later, part};

const SIDE: usize = 8192;
/// The ground repeats after so many pixels: more than an alignment looks at, at a time.
const PERIOD: usize = 2048;
const SHIFT_PX: (f64, f64) = (3.3, -5.6);

/// Ground that repeats.
struct Tiles {
    earlier: Raster,
    later: Raster,
    map: PixelMap,
}

impl Tiles {
    fn new() -> Self {
        // Windows may begin anywhere in a period.
        let shape = (PERIOD + 1024, PERIOD + 1024);
        let Ok(map) = PixelMap::from_fn((SIDE, SIDE), |nodes: &[Pixel]| Ok::<_, Infallible>(nodes.to_vec()));
        Self { earlier: earlier(shape), later: later(shape, SHIFT_PX), map }
    }
}

fn tile(of: &Raster, window: Window) -> Raster {
    let inside = Window { row: window.row % PERIOD, col: window.col % PERIOD, ..window };
    Raster { window, ..part(of, inside) }
}

impl PairSource for Tiles {
    type Error = Infallible;

    fn shape(&self) -> (usize, usize) {
        (SIDE, SIDE)
    }

    fn pixel_m(&self) -> f64 {
        PIXEL_M
    }

    fn earlier(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(tile(&self.earlier, window))
    }

    fn later_shape(&self) -> (usize, usize) {
        (SIDE, SIDE)
    }

    fn later_map(&self) -> &PixelMap {
        &self.map
    }

    fn later(&self, window: Window) -> Result<Raster, Infallible> {
        Ok(tile(&self.later, window))
    }
}

fn bench(c: &mut Criterion) {
    let pair = Tiles::new();
    let align = || register(&pair, &Options::default(), &Silent).map(|f| f.summary);
    let Ok(summary) = align() else { return };
    let off = (summary.d_row_px - SHIFT_PX.0).hypot(summary.d_col_px - SHIFT_PX.1);
    assert!(off < 0.05, "{summary:?}");
    let mut group = c.benchmark_group("align");
    group.sample_size(10).throughput(Throughput::Elements((SIDE * SIDE) as u64));
    group.bench_function("8192 x 8192 px", |b| b.iter(align));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
