//! How large the values in the network get: what the steps of its integers are made for.
//!
//! The layers are applied in floats, plainly, to made-up ground with a trench and a ditch that are new and as strong as they
//! can be, and to noise. On a rendered season of 8192 x 8192 px no layer gave more than is allowed for here, and most less than
//! half as much.

use super::{LAYERS, input::CHANNELS, proposer};

/// Side of the made-up ground, pixels of the first map.
const SIDE: usize = 32;
/// A layer should be able to give so many times what it gives there, or the geometric mean of all of them.
const MARGIN: f64 = 4.0;
/// The same of what it gives for noise as strong as there can be.
const NOISE_MARGIN: f64 = 1.0;

/// Weights `(outputs, inputs, 3, 3)` and biases of a layer.
pub type Layer<'a> = (&'a [f32], &'a [f32]);

/// A square map, `(side, side, channels)`.
#[derive(Clone)]
struct Plain {
    side: usize,
    channels: usize,
    data: Vec<f32>,
}

/// Of each layer the largest value that it should be able to give.
pub fn ranges(layers: &[Layer<'_>]) -> Vec<f64> {
    with_room(largest(layers, made_up(CHANNELS, works)), largest(layers, made_up(CHANNELS, anything)))
}

/// The same of the proposing network, whose pixels stand out by 6 at most.
pub fn of_proposer(layers: &[Layer<'_>]) -> Vec<f64> {
    let of = |value: fn(Place) -> f32| largest_of_proposer(layers, made_up(proposer::CHANNELS, value));
    with_room(of(|at| (3.0 * works(at)).clamp(-6.0, 6.0)), of(|at| 12.0 * at.noise))
}

/// From what layers give for works and for noise.
fn with_room(works: Vec<f64>, noise: Vec<f64>) -> Vec<f64> {
    let mean = (works.iter().map(|v| v.ln()).sum::<f64>() / works.len() as f64).exp();
    works.iter().zip(noise).map(|(&own, noise)| (MARGIN * own.max(mean)).max(NOISE_MARGIN * noise)).collect()
}

/// The largest value of a map. Of weights that let values grow beyond all floats nothing can be made.
fn most(map: &Plain) -> f64 {
    let most = map.data.iter().fold(0.0f32, |m, &v| if v > m { v } else { m });
    f64::from(most.clamp(1e-6, 1e30))
}

/// Of each layer of the proposing network the largest value that it gives on some ground.
fn largest_of_proposer(layers: &[Layer<'_>], ground: Plain) -> Vec<f64> {
    let mut at = ground;
    let mut out = vec![];
    for (k, (&shape, &layer)) in proposer::LAYERS.iter().zip(layers).enumerate() {
        at = convolved(&at, shape, layer);
        out.push(most(&at));
        if k == 0 || k == 2 {
            at = pooled(&at);
        }
    }
    out
}

/// Of each layer the largest value that it gives on some ground.
fn largest(layers: &[Layer<'_>], ground: Plain) -> Vec<f64> {
    let mut out = vec![0.0; layers.len()];
    let mut run = |k: usize, from: &Plain| {
        let map = convolved(from, LAYERS[k], layers[k]);
        out[k] = most(&map);
        map
    };
    let (mut kept, mut at) = (vec![], ground);
    for k in [0, 2, 4] {
        let fine = run(k, &at);
        let fine = run(k + 1, &fine);
        at = pooled(&fine);
        kept.push(fine);
    }
    let deep = run(6, &at);
    let deep = run(7, &deep);
    at = run(8, &deep);
    for k in [9, 11] {
        if let Some(fine) = kept.pop() {
            let sum = run(k, &added(fine, &at));
            at = run(k + 1, &sum);
        }
    }
    if let Some(fine) = kept.pop() {
        run(13, &added(fine, &at));
    }
    out
}

/// A figure of the made-up ground, of a pixel of the window.
struct Place {
    row: f32,
    col: f32,
    date: usize,
    figure: usize,
    /// From −½ to ½, another one for each.
    noise: f32,
}

/// Maps of `channels` numbers a pixel: the figures of each date, of 2 × 2 pixels of the window.
fn made_up(channels: usize, value: impl Fn(Place) -> f32) -> Plain {
    let noise = |k: usize| {
        let h = (k as u32).wrapping_mul(2_654_435_761);
        ((h ^ (h >> 15)).wrapping_mul(2_246_822_519) >> 8) as f32 / (1u32 << 24) as f32 - 0.5
    };
    let of = |k: usize| {
        let (pixel, quarter, own) = (k / channels, k % 4, k % channels);
        value(Place {
            row: (2 * (pixel / SIDE) + quarter / 2) as f32,
            col: (2 * (pixel % SIDE) + quarter % 2) as f32,
            date: own / (channels / 2),
            figure: own % (channels / 2) / 4,
            noise: noise(k),
        })
    };
    Plain { side: SIDE, channels, data: (0..SIDE * SIDE * channels).map(of).collect() }
}

/// Even ground with a little noise; on the later date a slanting trench, a straight ditch, and the spoil of both.
fn works(at: Place) -> f32 {
    // Dark by 1 in the middle, bright beside it.
    let across = |d: f32, width: f32| {
        let bell = |d: f32| (-0.5 * (d / width).powi(2)).exp();
        0.8 * bell(d.abs() - 2.2 * width) - bell(d)
    };
    let (trench, ditch) = (0.9 * (at.col + 0.5 * at.row - 24.0), at.col - 48.0);
    let dug = if at.date == 1 { 1.0 } else { 0.0 };
    let fresh = if trench.abs() < 4.5 || ditch.abs() < 18.0 { dug } else { 0.0 };
    match at.figure {
        0 => 2.0 * (0.1 * at.noise + dug * (across(trench, 1.5) + across(ditch, 6.0))).clamp(-1.0, 3.0),
        1 => 0.5 * fresh - 0.3,
        _ => -0.3 * fresh - 0.3,
    }
}

/// Every pixel anything that a figure can be.
fn anything(at: Place) -> f32 {
    if at.figure == 0 { 8.0 * at.noise + 2.0 } else { 9.0 * at.noise }
}

fn convolved(from: &Plain, (inputs, outputs): (usize, usize), (weights, bias): Layer<'_>) -> Plain {
    let side = from.side;
    let mut out = Plain { side, channels: outputs, data: Vec::with_capacity(side * side * outputs) };
    // Outputs side by side: a vector of them for each input.
    let by_input: Vec<Vec<f32>> = (0..9 * inputs)
        .map(|j| (0..outputs).map(|o| weights[(o * inputs + j % inputs) * 9 + j / inputs]).collect())
        .collect();
    for (r, c) in (0..side).flat_map(|r| (0..side).map(move |c| (r, c))) {
        let mut sums = bias.to_vec();
        for k in 0..9 {
            let (y, x) = ((r + k / 3).wrapping_sub(1), (c + k % 3).wrapping_sub(1));
            if y < side && x < side {
                let pixel = &from.data[(y * side + x) * inputs..][..inputs];
                for (v, weights) in pixel.iter().zip(&by_input[k * inputs..]) {
                    sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += v * w);
                }
            }
        }
        out.data.extend(sums.iter().map(|&v| if v > 0.0 { v } else { 0.0 }));
    }
    out
}

fn pooled(of: &Plain) -> Plain {
    let (side, n) = (of.side / 2, of.channels);
    let at = |r: usize, c: usize, k: usize| of.data[(r * of.side + c) * n + k];
    let highest = |i: usize| {
        let (r, c, k) = (i / n / side, i / n % side, i % n);
        let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(a, b)| at(2 * r + a, 2 * c + b, k));
        four.into_iter().fold(0.0, |m: f32, v| if v > m { v } else { m })
    };
    Plain { side, channels: n, data: (0..side * side * n).map(highest).collect() }
}

fn added(mut fine: Plain, coarse: &Plain) -> Plain {
    let (side, n) = (fine.side, fine.channels);
    for (i, v) in fine.data.iter_mut().enumerate() {
        let (r, c, k) = (i / n / side, i / n % side, i % n);
        *v += coarse.data[(r / 2 * coarse.side + c / 2) * n + k];
    }
    fine
}
