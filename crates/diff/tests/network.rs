//! Both networks against torch, on windows and weights that both make up: `network.py` beside this file prints the figures.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use diff::look::Look;
use diff::net::{KINDS, Network, Proposer, Workspace};
use diff::proposal::{self, Dates, odds};
use domain::Window;
use ndarray::{Array2, Array3};

const SHAPE: (usize, usize) = (64, 80);

/// Channels from what goes in to what the last layer takes, and its figures.
const CHANNELS: [usize; 16] = [24, 24, 24, 40, 40, 72, 72, 112, 112, 72, 72, 40, 40, 24, 24, 10 + KINDS];

/// The same of the network that proposes.
const OF_PROPOSER: [usize; 7] = [8, 16, 32, 24, 40, 40, 2];

/// The largest value of each layer, as `network.py` prints it, and of the sums that are made of it.
const MOST: [f32; 14] =
    [4.773, 2.744, 2.036, 1.132, 0.528, 0.506, 0.191, 0.162, 0.173, 0.379, 0.23, 0.559, 0.333, 1.73];
const MOST_OF_PROPOSER: [f32; 5] = [4.616, 2.827, 1.486, 0.966, 0.543];

/// Weights and biases so small that a map is about as large as the one that it is made of; the largest value of each of its
/// channels is that of the layer or somewhat more: neighbours have other steps.
fn made_up(channels: &[usize], most: &[f32]) -> Vec<f32> {
    let mut weights = vec![];
    for (layer, between) in channels.windows(2).enumerate() {
        let products = if layer + 2 < channels.len() { 9 * between[0] } else { between[0] };
        let most = (6.0 / products as f64).sqrt();
        let first = weights.len();
        let made_up = |k: usize| (((k * 7919 + 13) % 1000) as f64 / 500.0 - 1.0) * most;
        weights.extend((first..first + (products + 1) * between[1]).map(|k| made_up(k) as f32));
    }
    for (layer, (&most, &outputs)) in most.iter().zip(&channels[1..]).enumerate() {
        weights.extend((0..outputs).map(|k| most * [1.0, 1.2, 1.5][(layer + k) % 3]));
    }
    weights
}

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
        offsets: [0.0; 2],
    };
    let weights = made_up(&CHANNELS, &MOST);
    let network = Network::new(&weights).unwrap();
    let mut workspace = Workspace::default();
    // Twice: the second time in maps that were used.
    network.ask(&look, 0, &mut workspace);
    let answer = network.ask(&look, 0, &mut workspace);
    // Nearness to an earthwork, to another line; ditch, width, the first and the last kind.
    let expected: [((usize, usize), [f32; 6]); 5] = [
        ((0, 0), [0.519324, 0.413307, 0.15822, 0.050173, -0.097227, -0.180792]),
        ((13, 57), [0.330766, 0.54583, 0.362942, -0.085626, 0.093477, -0.006073]),
        ((22, 29), [0.463352, 0.372588, 0.163827, 0.090193, 0.049996, -0.231384]),
        ((40, 8), [0.509583, 0.309117, 0.118538, -0.130608, 0.15267, 0.506428]),
        ((63, 79), [0.430427, 0.56013, 0.086922, 0.082847, 0.078772, -0.200508]),
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
    // In integers of 8 bits. Figures of other places are off by 0.2.
    let off = (squares / 30.0).sqrt();
    assert!(off < 1e-2, "{off}");
    assert_eq!(answer.line[(22, 35)], 0.0, "nothing is said where a date is invalid");

    let inner = network.ask(&look, 20, &mut workspace);
    let within = ndarray::s![20..SHAPE.0 - 20, 20..SHAPE.1 - 20];
    assert_eq!(inner.line, answer.line.slice(within), "the rest is the same without the rim");
    assert_eq!(inner.ditch, answer.ditch.slice(ndarray::s![10..SHAPE.0 / 2 - 10, 10..SHAPE.1 / 2 - 10]));
}

#[test]
fn the_network_that_proposes_says_what_torch_says() {
    const SHAPE: (usize, usize) = (96, 112);
    let date = |k: usize| {
        Array2::from_shape_fn(SHAPE, |(r, c)| (400 + (r * (3 + k) + c * 5 + (r * c) % 17) % 97) as f32)
    };
    let (earlier, later) = (date(0), date(4));
    let hole = |r: usize, c: usize| (40..52).contains(&r) && (60..80).contains(&c);
    let (whole, holed) = (Array2::from_elem(SHAPE, true), Array2::from_shape_fn(SHAPE, |(r, c)| !hole(r, c)));
    let proposer = Proposer::new(&made_up(&OF_PROPOSER, &MOST_OF_PROPOSER)).unwrap();
    let mut workspace = proposal::Workspace::default();
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
            // In integers of 8 bits. Other places say something else by 0.1.
            assert!(off < 2.5e-2, "{at:?}: {:?}", told[at]);
        }
    }
}
