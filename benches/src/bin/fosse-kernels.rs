//! Runs one kernel a number of times, for valgrind to count: `fosse-kernels NAME TIMES`, or `fosse-kernels --list`.
//!
//! The kernels are those that are timed by the benches of this package, on the same ground, smaller. What prepares a
//! kernel runs once however often it is asked for, so the difference of two counts is the kernel's own.

use std::hint::black_box;
use std::process::ExitCode;

use diff::align::Correlator;
use diff::centreline::{Of, centrelines, crests};
use diff::line_gain::{Buffers, Options, Point, Scale, gaussian, points};
use diff::look::{Look, LookGrid};
use diff::net::{Model, RIM_PX, Workspace};
use diff::proposal::{self, Dates};
use diff::resample::{decimate, onto, onto_bands};
use diff::trace::{self, Least, Reach};
use domain::{Bands, Pixel, Window};
use fosse_benches::PIXEL_M;
use ndarray::{Array2, Array3};

/// Side of the ground, pixels: small, since valgrind takes fifty times as long.
const SIDE: usize = 256;
/// Side of a window for a tie, and how far it is sought, pixels.
const WINDOW_PX: usize = 256;
const REACH_PX: usize = 12;

/// A kernel: runs as often as it is told.
type Kernel = fn(usize);

const KERNELS: [(&str, Kernel); 11] = [
    ("gaussian", |times| {
        let ground = fosse_benches::earlier((SIDE, SIDE));
        (0..times).for_each(|_| _ = black_box(gaussian::smooth(&ground.pixels, &ground.valid, 0.8)));
    }),
    ("resample", |times| {
        let (ground, window) = (fosse_benches::earlier((SIDE, SIDE)), inner());
        (0..times).for_each(|_| _ = black_box(onto(&ground, window, 1.0, shifted)));
    }),
    ("resample-bands", |times| {
        let (ground, window) = (fosse_benches::earlier((SIDE, SIDE)), inner());
        let plane = ground.pixels.view();
        let planes = ndarray::stack![ndarray::Axis(0), plane, plane, plane];
        let bands = Bands { window: ground.window, planes, valid: ground.valid };
        (0..times).for_each(|_| _ = black_box(onto_bands(&bands, window, 1.0, shifted)));
    }),
    ("decimate", |times| {
        let ground = fosse_benches::earlier((SIDE, SIDE));
        (0..times).for_each(|_| _ = black_box(decimate(&ground, 4)));
    }),
    ("gain-narrow", |times| gain(Scale::Narrow, times)),
    ("gain-wide", |times| gain(Scale::Wide, times)),
    ("propose", |times| {
        let shape = (WINDOW_PX, WINDOW_PX);
        let (a, b) = (fosse_benches::earlier(shape), fosse_benches::later(shape, (0.0, 0.0)));
        let Ok(model) = Model::built_in() else { return };
        let mut workspace = proposal::Workspace::default();
        let dates =
            Dates { pixels: [a.pixels.view(), b.pixels.view()], valid: [a.valid.view(), b.valid.view()] };
        (0..times).for_each(|_| _ = black_box(proposal::odds(dates, &model.proposer, &mut workspace)));
    }),
    ("tie", |times| {
        let shape = (WINDOW_PX, WINDOW_PX);
        let (a, b) = (fosse_benches::earlier(shape), fosse_benches::later(shape, (2.3, -1.6)));
        let correlator = Correlator::new(WINDOW_PX, 0.7);
        let tie = || correlator.surface((&a.pixels, &a.valid), (&b.pixels, &b.valid), REACH_PX);
        (0..times).for_each(|_| _ = black_box(tie()));
    }),
    ("trace", |times| {
        let reach = Reach { step_px: 1.0, gap_px: 10.0, twin_px: 3.0 };
        let least = Least { seed_gain: 1.5, length_m: 14.0 };
        let points: Vec<Point> = (0..40_000u16)
            .map(|i| Point {
                row: f32::from(i / 200) * 9.0 + 20.5,
                col: f32::from(i % 200) + 20.5,
                gain: if i % 3 == 0 { 3.0 } else { 1.0 },
                direction: 0,
            })
            .collect();
        let lines = || trace::lines(&points, reach, PIXEL_M, least);
        (0..times).for_each(|_| _ = black_box(lines()));
    }),
    ("centreline", |times| {
        let (answer, grid) = (fosse_benches::answer(SIDE), LookGrid::over((SIDE, SIDE), PIXEL_M));
        let lines = || {
            let crests = crests(&answer, Of::Dug, (0, 0), (0, 0, SIDE, SIDE));
            centrelines(crests, &grid, PIXEL_M, 12.0)
        };
        (0..times).for_each(|_| _ = black_box(lines()));
    }),
    ("network", |times| {
        let Ok(model) = Model::built_in() else { return };
        let side = 128;
        let value = |(b, r, c): (usize, usize, usize)| 100.0 + ((r * 7 + c * 13 + b * 5) % 31) as f32;
        let rgb = Array3::from_shape_fn((3, side, side), value);
        let look = Look {
            window: Window::new(0, 0, side, side),
            earlier: rgb.clone(),
            later: rgb,
            valid: Array2::from_elem((side, side), true),
            offsets: [0.0; 2],
        };
        let mut workspace = Workspace::default();
        (0..times).for_each(|_| _ = black_box(model.network.ask(&look, RIM_PX, &mut workspace)));
    }),
];

fn inner() -> Window {
    Window::new(8, 8, SIDE - 32, SIDE - 32)
}

fn shifted(p: Pixel) -> Pixel {
    Pixel { row: p.row + 2.25, col: p.col - 1.5 }
}

fn gain(scale: Scale, times: usize) {
    let shape = (SIDE, SIDE);
    let (earlier, later) = (fosse_benches::earlier(shape), fosse_benches::later(shape, (0.0, 0.0)));
    let core = Window::new(0, 0, SIDE, SIDE);
    let found = || {
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
    (0..times).for_each(|_| _ = black_box(found()));
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| KERNELS.iter().find(|(n, _)| *n == name);
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--list"] => KERNELS.iter().for_each(|(name, _)| println!("{name}")),
        [name, times] => match (named(name), times.parse()) {
            (Some((_, kernel)), Ok(times)) => kernel(times),
            _ => {
                eprintln!("error: fosse-kernels {name} {times}: no such kernel, or no number");
                return ExitCode::from(2);
            }
        },
        _ => {
            eprintln!("usage: fosse-kernels NAME TIMES | --list");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
