//! The network against torch, on a window and weights that both make up: `network.py` beside this file prints the figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use diff::look::Look;
use diff::net::{Network, Workspace};
use domain::Window;
use ndarray::{Array2, Array3};

const SHAPE: (usize, usize) = (64, 72);

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
    network.ask(&look, &mut workspace);
    let answer = network.ask(&look, &mut workspace);
    let expected: [((usize, usize), [f32; 3]); 5] = [
        ((0, 0), [0.506245, -0.280149, 0.022235]),
        ((13, 57), [0.496184, -0.366371, 0.265062]),
        ((22, 29), [0.45397, -0.60427, 0.058268]),
        ((40, 8), [0.499524, -0.687985, 0.605054]),
        ((63, 71), [0.494793, -0.205218, 0.072702]),
    ];
    for (at, [line, ditch, log_width]) in expected {
        let close = |a: f32, b: f32| (a - b).abs() < 1e-3 * (1.0 + b.abs());
        assert!(close(answer.line[at], line), "{at:?}: {} {line}", answer.line[at]);
        assert!(close(answer.ditch[at], ditch), "{at:?}: {} {ditch}", answer.ditch[at]);
        assert!(close(answer.log_width[at], log_width), "{at:?}: {} {log_width}", answer.log_width[at]);
    }
    assert_eq!(answer.line[(22, 35)], 0.0, "nothing is said where a date is invalid");
}
