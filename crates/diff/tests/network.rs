//! The network against torch, on a window and weights that both make up: `network.py` beside this file prints the figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use diff::look::Look;
use diff::net::{KINDS, Network, Workspace};
use domain::Window;
use ndarray::{Array2, Array3};

const SHAPE: (usize, usize) = (64, 80);

#[test]
fn it_says_what_torch_says() {
    let rgb = |k: usize| {
        Array3::from_shape_fn((3, SHAPE.0, SHAPE.1), |(b, r, c)| {
            (40 + (r * (3 + k) + c * 5 + b * 11 + (r * c) % 17) % 97) as f32
        })
    };
    let hole = |r: usize, c: usize| (20..24).contains(&r) && (30..40).contains(&c);
    let look = Look {
        window: Window::new(0, 0, SHAPE.0, SHAPE.1),
        earlier: rgb(0),
        later: rgb(4),
        valid: Array2::from_shape_fn(SHAPE, |(r, c)| !hole(r, c)),
    };
    let made_up = |k: usize| (((k * 7919 + 13) % 1000) as f64 / 1000.0 - 0.5) * 0.5;
    let weights: Vec<f32> = (0..Network::len()).map(|k| made_up(k) as f32).collect();
    let network = Network::new(&weights).unwrap();
    let mut workspace = Workspace::default();
    // Twice: the second time in maps that were used.
    network.ask(&look, 0, &mut workspace);
    let answer = network.ask(&look, 0, &mut workspace);
    // Nearness to an earthwork, to another line; ditch, width, the first and the last kind.
    let expected: [((usize, usize), [f32; 6]); 5] = [
        ((0, 0), [0.272766, 0.776321, 2.658177, -3.306388, -1.367749, 2.843943]),
        ((13, 57), [0.043687, 0.993758, 0.766254, 3.408674, 2.447773, -2.139996]),
        ((22, 29), [0.985356, 0.999006, 1.801884, -3.760201, -1.315779, 1.336034]),
        ((40, 8), [0.017746, 0.848503, 4.187218, -5.000341, -0.276746, 3.123524]),
        ((63, 79), [0.541542, 0.221913, -0.27376, -0.453079, 0.527716, 1.952213]),
    ];
    let mut squares = 0.0;
    for (at, expected) in expected {
        let half = (at.0 / 2, at.1 / 2);
        let kind = |k: usize| answer.kinds[(half.0, half.1, k)];
        let told = [
            answer.line[at],
            answer.other[at],
            answer.ditch[half],
            answer.log_width[half],
            kind(0),
            kind(KINDS - 1),
        ];
        squares += told.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    }
    // In integers, with the coarse maps of such weights fifty times the fine ones they are added to. Figures of other places,
    // or of other layers, are off by 3.
    let off = (squares / 30.0).sqrt();
    assert!(off < 0.3, "{off}");
    assert_eq!(answer.line[(22, 35)], 0.0, "nothing is said where a date is invalid");

    let inner = network.ask(&look, 20, &mut workspace);
    let within = ndarray::s![20..SHAPE.0 - 20, 20..SHAPE.1 - 20];
    assert_eq!(inner.line, answer.line.slice(within), "the rest is the same without the rim");
    assert_eq!(inner.ditch, answer.ditch.slice(ndarray::s![10..SHAPE.0 / 2 - 10, 10..SHAPE.1 / 2 - 10]));
}
