//! The network that judges pixels: a small U-Net (Ronneberger, Fischer & Brox 2015, MICCAI) on both dates at once.
//!
//! It looks at pixels of half a metre, [`crate::look::PIXEL_M`], and says of each how near it lies to the centreline of
//! a new earthwork, whether that is a ditch, and how wide it is. What it computes from finer and coarser pixels is
//! added, not joined, so that it stays small: 138,000 weights, 14,000 products a pixel.
//!
//! | file | idea |
//! | --- | --- |
//! | `input` | what of both dates goes in |
//! | `map`, `conv` | feature maps; convolution |
//! | `model` | weights, calibration, where they came from |

mod conv;
mod input;
mod map;
mod model;

pub use model::{Calibration, FORMAT, MOST_BYTES, Model, ModelError};

use conv::Conv;
use input::CHANNELS;
use map::Map;
use ndarray::Array2;

use crate::look::Look;

/// Sides of what goes in are multiples of this: three times the pixels are pooled by two.
pub const STEP_PX: usize = 8;
/// Pixels along the rim of a window whose answers lack context.
pub const HALO_PX: usize = 16;
/// Inputs and outputs of the convolutions, in their order: down to an eighth of the pixels and up again.
const LAYERS: [(usize, usize); 14] = [
    (CHANNELS, 16),
    (16, 16),
    (16, 24),
    (24, 24),
    (24, 40),
    (40, 40),
    (40, 56),
    (56, 56),
    (56, 40),
    (40, 40),
    (40, 24),
    (24, 24),
    (24, 16),
    (16, 16),
];
/// Inputs and outputs of the last layer, which takes one pixel at a time.
const HEAD: (usize, usize) = (16, 4);

/// What the network says of each pixel of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Nearness to the centreline of a new earthwork, 0–1: 1 on a sure one, 0.6 a metre beside it. 0 where a date is
    /// invalid.
    pub line: Array2<f32>,
    /// Log-odds that an earthwork here is an anti-vehicle ditch.
    pub ditch: Array2<f32>,
    /// Logarithm of the width of its cut, metres.
    pub log_width: Array2<f32>,
}

/// Layers ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    layers: Vec<Conv>,
    /// `(outputs, inputs)`, then one bias for each output.
    head: Vec<f32>,
}

/// Feature maps that are used again and again.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    input: Map,
    pooled: Map,
    levels: [[Map; 2]; 4],
}

impl Network {
    /// Number of weights and biases.
    pub fn len() -> usize {
        LAYERS.iter().map(|(i, o)| 9 * i * o + o).sum::<usize>() + HEAD.0 * HEAD.1 + HEAD.1
    }

    /// From its weights, layer by layer, each `(outputs, inputs, rows, columns)` and then its biases; `None` where they
    /// are not [`Network::len`] finite numbers.
    pub fn new(weights: &[f32]) -> Option<Self> {
        if weights.len() != Self::len() || !weights.iter().all(|w| w.is_finite()) {
            return None;
        }
        let mut rest = weights;
        let mut take = |n: usize| {
            let (taken, left) = rest.split_at(n);
            rest = left;
            taken
        };
        let layers = LAYERS
            .iter()
            .map(|&(i, o)| {
                let (w, b) = (take(9 * i * o), take(o));
                Conv::new(i, o, w, b)
            })
            .collect();
        Some(Self { layers, head: rest.to_vec() })
    }

    /// What it says of a window, whose sides are multiples of [`STEP_PX`].
    pub fn ask(&self, look: &Look, workspace: &mut Workspace) -> Answer {
        let Workspace { input, pooled, levels } = workspace;
        input::fill(look, input);
        let [full, half, quarter, eighth] = levels;
        let l = &self.layers;
        // Down: the second map of each level is kept for the way up.
        let two = |from: &Map, maps: &mut [Map; 2], k: usize| {
            let [a, b] = maps;
            l[k].run(from, a);
            l[k + 1].run(a, b);
        };
        two(input, full, 0);
        pooled.pool(&full[1]);
        two(pooled, half, 2);
        pooled.pool(&half[1]);
        two(pooled, quarter, 4);
        pooled.pool(&quarter[1]);
        two(pooled, eighth, 6);
        let [a, b] = eighth;
        l[8].run(b, a);
        // And up.
        let mut above = &*a;
        for (maps, k) in [(quarter, 9), (half, 11)] {
            let [a, b] = maps;
            b.add_enlarged(above);
            l[k].run(b, a);
            l[k + 1].run(a, b);
            above = b;
        }
        let [a, b] = full;
        b.add_enlarged(above);
        l[13].run(b, a);
        self.head(a, look)
    }

    fn head(&self, from: &Map, look: &Look) -> Answer {
        let shape = from.shape();
        let (weights, bias) = self.head.split_at(HEAD.0 * HEAD.1);
        let mut out = [0, 1, 2].map(|_| Array2::<f32>::zeros(shape));
        for r in 0..shape.0 {
            for (c, pixel) in from.row(r).chunks_exact(HEAD.0).enumerate() {
                for (k, out) in out.iter_mut().enumerate() {
                    let own = &weights[k * HEAD.0..(k + 1) * HEAD.0];
                    let sum = own.iter().zip(pixel).fold(bias[k], |sum, (w, v)| sum + w * v);
                    out[(r, c)] = sum;
                }
            }
        }
        let [mut line, ditch, log_width] = out;
        ndarray::Zip::from(&mut line).and(&look.valid).for_each(|v, &ok| {
            *v = if ok { 1.0 / (1.0 + (-*v).exp()) } else { 0.0 };
        });
        Answer { line, ditch, log_width }
    }
}
