//! The proposing network against torch, on a window and weights that both make up: `proposer.py` beside this file prints the
//! figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use diff::net::Proposer;
use diff::proposal::{Dates, Workspace, odds};
use ndarray::Array2;

const SHAPE: (usize, usize) = (96, 112);
/// Channels from what goes in to what the last layer takes, and its figures.
const CHANNELS: [usize; 7] = [8, 16, 32, 24, 40, 40, 2];

/// Weights and biases so small that a map is about as large as the one that it is made of.
fn made_up() -> Vec<f32> {
    let mut weights = vec![];
    for (layer, between) in CHANNELS.windows(2).enumerate() {
        let products = if layer < 5 { 9 * between[0] } else { between[0] };
        let most = (6.0 / products as f64).sqrt();
        let first = weights.len();
        let made_up = |k: usize| (((k * 7919 + 13) % 1000) as f64 / 500.0 - 1.0) * most;
        weights.extend((first..first + (products + 1) * between[1]).map(|k| made_up(k) as f32));
    }
    weights
}

#[test]
fn it_says_what_torch_says() {
    let date = |k: usize| {
        Array2::from_shape_fn(SHAPE, |(r, c)| (400 + (r * (3 + k) + c * 5 + (r * c) % 17) % 97) as f32)
    };
    let (earlier, later) = (date(0), date(4));
    let hole = |r: usize, c: usize| (40..52).contains(&r) && (60..80).contains(&c);
    let (whole, holed) = (Array2::from_elem(SHAPE, true), Array2::from_shape_fn(SHAPE, |(r, c)| !hole(r, c)));
    let proposer = Proposer::new(&made_up()).unwrap();
    let mut workspace = Workspace::default();
    // Invalid on one date is invalid on both.
    for valid in [[whole.view(), holed.view()], [holed.view(), whole.view()], [holed.view(), holed.view()]] {
        let told = odds(Dates { pixels: [earlier.view(), later.view()], valid }, &proposer, &mut workspace);
        let expected = [
            ((0, 0), [0.0541, -0.1486]),
            ((3, 5), [-0.0895, -0.1936]),
            ((5, 8), [0.0376, -0.1614]),
            ((6, 7), [0.0546, -0.3391]),
            ((11, 13), [0.0741, -0.1311]),
            ((9, 2), [-0.0029, 0.1408]),
        ];
        for (at, [work, other]) in expected {
            let off = (told[at].work - work).abs().max((told[at].other - other).abs());
            // In integers. Other places say something else by 0.1.
            assert!(off < 5e-3, "{at:?}: {:?}", told[at]);
        }
    }
}
