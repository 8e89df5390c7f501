//! The network that judges pixels: a small U-Net (Ronneberger, Fischer & Brox 2015, MICCAI) on both dates at once.
//!
//! It looks at pixels of half a metre, [`crate::look::PIXEL_M`], and says of each how near it lies to the centreline of
//! a new earthwork and to that of another new line, whether that is a ditch, how wide it is, and which kind the other
//! line is of. 2 × 2 pixels go in as one of four times the numbers and come out so (Shi et al. 2016, CVPR, 1874–1883);
//! what is computed from finer and coarser pixels is added, not joined. 467,000 weights, 10,300 products a pixel.
//!
//! | file | idea |
//! | --- | --- |
//! | `input` | what of both dates goes in |
//! | `map`, `conv`, `head` | feature maps; convolution; the last layer |
//! | `dot` | integer arithmetic |
//! | `proposer` | a far smaller network, that says where to ask |
//! | `turn` | the same ground turned |
//! | `model` | weights, calibration, where they came from |

mod conv;
mod dot;
mod head;
mod input;
mod map;
mod model;
mod proposer;
mod turn;

pub use model::{Calibration, FIGURES, FORMAT, Logistic, MOST_BYTES, Model, ModelError};
pub use proposer::{CELL_PX, HALO_PX as PROPOSER_HALO_PX, Proposer, ProposerMaps};

use conv::{Conv, MOST};
use domain::Class;
use head::Head;
use input::CHANNELS;
pub(crate) use input::STEPS;
pub(crate) use map::{Map, Region};
use ndarray::{Array2, Array3, Zip, s};
pub(crate) use proposer::CHANNELS as PROPOSER_CHANNELS;

use crate::look::Look;

/// Sides of what goes in are multiples of this: four times the pixels are taken two by two.
pub const STEP_PX: usize = 16;
/// Pixels along the rim of a window whose answers lack context.
pub const HALO_PX: usize = 32;
/// Pixels along the rim of a window that nobody needs to know about: a crest within the halo is found from four of it.
pub const RIM_PX: usize = HALO_PX - 4;
/// Inputs and outputs of the convolutions, in their order: down to a sixteenth of the pixels and up again.
const LAYERS: [(usize, usize); 14] = [
    (CHANNELS, 24),
    (24, 24),
    (24, 40),
    (40, 40),
    (40, 72),
    (72, 72),
    (72, 112),
    (112, 112),
    (112, 72),
    (72, 72),
    (72, 40),
    (40, 40),
    (40, 24),
    (24, 24),
];
/// Convolutions whose outputs are added, the finer first: they have the same steps.
const ADDED: [(usize, usize); 3] = [(5, 8), (3, 10), (1, 12)];
/// Inputs and outputs of the last layer, which takes one pixel at a time.
const HEAD: (usize, usize) = (24, 4 + 4 + 1 + 1 + KINDS);
/// The largest number of a model: weights and steps are multiplied in 32-bit floats, and nothing may become endless.
const MOST_NUMBER: f32 = 1e9;
/// Log-odds of a nearness that is as good as none: 0.0003.
const LEAST_ODDS: f32 = -8.0;
/// Kinds of other lines, in the order of [`Class::LOOK_ALIKES`].
pub const KINDS: usize = Class::LOOK_ALIKES.len();

/// What the network says of each pixel of a window without its rim.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Nearness to the centreline of a new earthwork, 0–1, `(rows, cols)` of what was asked about: 1 on a sure one, 0.6 a metre
    /// beside it. 0 where a date is invalid.
    pub line: Array2<f32>,
    /// The same of a new line that is no earthwork.
    pub other: Array2<f32>,
    /// Log-odds that an earthwork here is an anti-vehicle ditch, of 2 × 2 pixels.
    pub ditch: Array2<f32>,
    /// Logarithm of the width of its cut, metres, of 2 × 2 pixels.
    pub log_width: Array2<f32>,
    /// Of each kind, the logarithm of how likely it is that of another line, but for a constant: `(rows / 2, cols / 2,`
    /// [`KINDS`]`)`.
    pub kinds: Array3<f32>,
}

/// What the proposing network says of a square of [`CELL_PX`]: log-odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proposed {
    /// That a new earthwork runs through it.
    pub work: f32,
    /// That another new line does.
    pub other: f32,
}

/// Layers ready to be applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    first: Conv<i16>,
    /// The others.
    layers: Vec<Conv<u8>>,
    head: Head,
}

/// Feature maps that are used again and again.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    /// What goes in, as it lies.
    straight: Map<i16>,
    /// The same, turned.
    input: Map<i16>,
    pooled: [Map<u8>; 3],
    half: [Map<u8>; 2],
    quarter: [Map<u8>; 4],
    eighth: [Map<u8>; 4],
    sixteenth: [Map<u8>; 3],
}

/// What a network's numbers say, layer by layer.
struct Layers<'a> {
    /// Weights and biases of the convolutions.
    convolutions: Vec<(&'a [f32], &'a [f32])>,
    /// Those of the last layer.
    head: (&'a [f32], &'a [f32]),
    /// What a step of each output of each convolution is worth.
    steps: Vec<Vec<f64>>,
}

impl<'a> Layers<'a> {
    /// How many numbers there are of convolutions with so many inputs and outputs, and of the layer after them.
    fn len(shapes: &[(usize, usize)], head: (usize, usize)) -> usize {
        let of = |&(i, o): &(usize, usize)| 9 * i * o + o + o;
        shapes.iter().map(of).sum::<usize>() + head.0 * head.1 + head.1
    }

    /// Weights, each `(outputs, inputs, rows, columns)` and then its biases, and after all of them the largest value that each
    /// output is to tell; `None` where they are not so many numbers within ±[`MOST_NUMBER`], those largest values above its
    /// reciprocal.
    fn of(numbers: &'a [f32], shapes: &[(usize, usize)], head: (usize, usize)) -> Option<Self> {
        if numbers.len() != Self::len(shapes, head) || !numbers.iter().all(|v| v.abs() <= MOST_NUMBER) {
            return None;
        }
        let mut rest = numbers;
        let mut take = |n: usize| {
            let (taken, left) = rest.split_at(n);
            rest = left;
            taken
        };
        let convolutions = shapes.iter().map(|&(i, o)| (take(9 * i * o), take(o))).collect();
        let head = (take(head.0 * head.1), take(head.1));
        let largest: Vec<&[f32]> = shapes.iter().map(|&(_, o)| take(o)).collect();
        let told = largest.iter().all(|own| own.iter().all(|&most| most > 1.0 / MOST_NUMBER));
        let step = |most: &f32| f64::from(*most) / f64::from(MOST);
        let steps = largest.iter().map(|own| own.iter().map(step).collect()).collect();
        told.then_some(Self { convolutions, head, steps })
    }

    /// The first convolution, of `inputs` figures.
    fn first(&self, inputs: usize) -> Conv<i16> {
        let (weights, bias) = self.convolutions[0];
        Conv::new(weights, bias, &vec![input::STEP; inputs], &self.steps[0])
    }

    /// Those after it.
    fn others(&self) -> Vec<Conv<u8>> {
        let pairs = self.steps.iter().zip(&self.steps[1..]).zip(&self.convolutions[1..]);
        pairs.map(|((before, own), (weights, bias))| Conv::new(weights, bias, before, own)).collect()
    }
}

impl Network {
    /// How many numbers make one: weights, biases, and the largest value of each channel.
    pub fn len() -> usize {
        Layers::len(&LAYERS, HEAD)
    }

    /// From its numbers: of each layer the weights, `(outputs, inputs, rows, columns)`, and then the biases; after all of them
    /// the largest value that each output of each convolution is to tell. `None` where they are not [`Network::len`] numbers of
    /// at most a billion, those largest values above 0.
    pub fn new(numbers: &[f32]) -> Option<Self> {
        let mut layers = Layers::of(numbers, &LAYERS, HEAD)?;
        for (fine, coarse) in ADDED {
            let larger = |(a, b): (&f64, &f64)| a.max(*b);
            let both: Vec<f64> = layers.steps[fine].iter().zip(&layers.steps[coarse]).map(larger).collect();
            (layers.steps[fine], layers.steps[coarse]) = (both.clone(), both);
        }
        let head = Head::new(layers.head.0, layers.head.1, &layers.steps[LAYERS.len() - 1]);
        Some(Self { first: layers.first(CHANNELS), layers: layers.others(), head })
    }

    /// What it says of a window, whose sides are multiples of [`STEP_PX`], but for `rim_px` along its rim, an even number.
    pub fn ask(&self, look: &Look, rim_px: usize, workspace: &mut Workspace) -> Answer {
        input::fill(look, &mut workspace.input);
        self.told(rim_px, workspace).settled(1, look, rim_px)
    }

    /// What it says in the mean over the four ways that the window can be turned: surer, at four times the work.
    pub fn ask_turned(&self, look: &Look, rim_px: usize, workspace: &mut Workspace) -> Answer {
        input::fill(look, &mut workspace.straight);
        let (rows, cols) = look.valid.dim();
        let side = |px: usize| px.saturating_sub(2 * rim_px);
        let mut sum = Answer::zeros(side(rows), side(cols));
        for turn in turn::ALL {
            turn.input(&workspace.straight, &mut workspace.input);
            let told = self.told(rim_px, workspace);
            let pairs = [
                (&told.line, &mut sum.line),
                (&told.other, &mut sum.other),
                (&told.ditch, &mut sum.ditch),
                (&told.log_width, &mut sum.log_width),
            ];
            pairs.into_iter().for_each(|(told, sum)| turn.add(told, sum));
            turn.add(&told.kinds, &mut sum.kinds);
        }
        sum.settled(turn::ALL.len(), look, rim_px)
    }

    /// What the last layer says of the window that went in, the nearness as log-odds.
    fn told(&self, rim_px: usize, workspace: &mut Workspace) -> Answer {
        let Workspace { straight: _, input, pooled, half, quarter, eighth, sixteenth } = workspace;
        // Where each map on the way up is needed: all of it is known there, though nothing else.
        let (rows, cols) = input.shape();
        let rim = rim_px / 2;
        let half_13 = Region { rows: rim..rows.saturating_sub(rim), cols: rim..cols.saturating_sub(rim) };
        let half_sum = half_13.grown((rows, cols));
        let quarter_12 = half_sum.halved();
        let quarter_11 = quarter_12.grown((rows / 2, cols / 2));
        let quarter_sum = quarter_11.grown((rows / 2, cols / 2));
        let eighth_10 = quarter_sum.halved();
        let eighth_9 = eighth_10.grown((rows / 4, cols / 4));
        let eighth_sum = eighth_9.grown((rows / 4, cols / 4));
        let sixteenth_8 = eighth_sum.halved();
        // Down: the second map of each level is kept for the way up.
        let layer = |k: usize, from: &Map<u8>, to: &mut Map<u8>, within: &Region| {
            self.layers[k - 1].run(from, to, within);
        };
        let two = |from: &Map<u8>, maps: &mut [Map<u8>], k: usize| {
            if let [a, b, ..] = maps {
                layer(k, from, a, &from.whole());
                layer(k + 1, a, b, &from.whole());
            }
        };
        let [a, b] = half;
        self.first.run(input, a, &input.whole());
        layer(1, a, b, &input.whole());
        pooled[0].pool(&half[1]);
        two(&pooled[0], quarter, 2);
        pooled[1].pool(&quarter[1]);
        two(&pooled[1], eighth, 4);
        pooled[2].pool(&eighth[1]);
        two(&pooled[2], sixteenth, 6);
        let [_, b, c] = sixteenth;
        layer(8, b, c, &sixteenth_8);
        // And up.
        let mut above = &*c;
        let up = [
            (eighth, 9, eighth_sum, eighth_9, eighth_10),
            (quarter, 11, quarter_sum, quarter_11, quarter_12),
        ];
        for (maps, k, sum, first, second) in up {
            let [_, b, c, d] = maps;
            b.add_enlarged(above, &sum);
            layer(k, b, c, &first);
            layer(k + 1, c, d, &second);
            above = d;
        }
        let [a, b] = half;
        b.add_enlarged(above, &half_sum);
        layer(13, b, a, &half_13);
        self.head(a, &half_13)
    }

    fn head(&self, from: &Map<u8>, within: &Region) -> Answer {
        let (rows, cols) = (within.rows.len(), within.cols.len());
        let mut out = Answer::zeros(2 * rows, 2 * cols);
        let mut told = vec![[0.0; head::WIDTH]; cols];
        let n = from.channels();
        for r in 0..rows {
            let row = &from.row(within.rows.start + r)[within.cols.start * n..within.cols.end * n];
            self.head.run(row, &mut told);
            for (c, told) in told.iter().enumerate() {
                for k in 0..4 {
                    let at = (2 * r + k / 2, 2 * c + k % 2);
                    (out.line[at], out.other[at]) = (told[k], told[4 + k]);
                }
                out.ditch[(r, c)] = told[8];
                out.log_width[(r, c)] = told[9];
                for k in 0..KINDS {
                    out.kinds[(r, c, k)] = told[10 + k];
                }
            }
        }
        out
    }
}

impl Answer {
    /// From the sums of so many log-odds, logarithms and kinds to their means, and to nearness that is 0 where a date is
    /// invalid.
    fn settled(mut self, ways: usize, look: &Look, rim_px: usize) -> Self {
        let share = 1.0 / ways as f32;
        let (rows, cols) = self.line.dim();
        let valid = look.valid.slice(s![rim_px..rim_px + rows, rim_px..rim_px + cols]);
        for near in [&mut self.line, &mut self.other] {
            Zip::from(near).and(&valid).for_each(|near, &valid| {
                // Most pixels are far from any line, and exponentials dear.
                let odds = *near * share;
                *near = if valid && odds > LEAST_ODDS { 1.0 / (1.0 + (-odds).exp()) } else { 0.0 };
            });
        }
        if ways > 1 {
            self.ditch *= share;
            self.log_width *= share;
            self.kinds *= share;
        }
        self
    }

    /// Zeros for a window of `rows × cols`.
    fn zeros(rows: usize, cols: usize) -> Self {
        let fine = || Array2::zeros((rows, cols));
        let coarse = || Array2::zeros((rows / 2, cols / 2));
        let kinds = Array3::zeros((rows / 2, cols / 2, KINDS));
        Self { line: fine(), other: fine(), ditch: coarse(), log_width: coarse(), kinds }
    }
}
