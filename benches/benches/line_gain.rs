//! Line strength on one date, and what the later date has over the earlier.
#![allow(missing_docs)] // criterion_group! makes public functions

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use diff::line_gain::{Buffers, DIRECTIONS, Options, Scale, points, respond};
use domain::Window;
use fosse_benches::PIXEL_M;

const SIDE: usize = 1024;

fn bench(c: &mut Criterion) {
    let shape = (SIDE, SIDE);
    let (earlier, later) = (fosse_benches::earlier(shape), fosse_benches::later(shape, (0.0, 0.0)));
    let mut group = c.benchmark_group("line_gain");
    group.sample_size(20).throughput(Throughput::Elements((SIDE * SIDE) as u64));

    for scale in Scale::ALL {
        let respond =
            || respond(&later.pixels, &later.valid, PIXEL_M, scale.profile(), &mut Buffers::default());
        let out = respond();
        if scale == Scale::Narrow {
            // A line along a row has the first direction, or one of its neighbours.
            let k = out.direction[(SIDE / 2, SIDE / 2)];
            assert!(k <= 1 || k >= DIRECTIONS - 1, "{k}");
            assert!(out.strength[(SIDE / 2, SIDE / 2)] > 10.0);
        }
        group.bench_function(format!("respond, {scale:?}"), |b| b.iter(respond));
    }

    let core = Window::new(0, 0, SIDE, SIDE);
    for scale in Scale::ALL {
        let points = || {
            points(
                [&earlier, &later],
                core,
                scale,
                PIXEL_M,
                |_| 0.3,
                &Options::default(),
                &mut Buffers::default(),
            )
        };
        if scale == Scale::Narrow {
            let (middle, strong) = ((SIDE / 2) as f32, 2.5);
            let on_line = |p: &&diff::line_gain::Point| (p.row - middle).abs() < 3.0 && p.gain > strong;
            let found = points().iter().filter(on_line).count();
            assert!(found > SIDE * 2 / 5, "{found} points on a line of {} px", SIDE / 2);
        }
        group.bench_function(format!("points, {scale:?}"), |b| b.iter(points));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
