//! Convolution with 3 × 3 pixels, in integers.
//!
//! Values and weights are whole multiples of steps, 16 bits each, and their products are summed in 32 bits: twice as many in
//! one instruction as of floats, and to the same bits on every processor. Steps are such that no sum overflows, whatever
//! the values (Jacob et al. 2018, CVPR, 2704–2713, with twice their bits).
//!
//! A block of output channels of a few neighbouring pixels is summed in registers while the input is read once
//! (register blocking as in Goto & van de Geijn 2008, ACM TOMS 34(3), applied directly, without unfolding the image).

use super::dot::{Dot, Pair, Plain};
use super::map::{Map, Region};

/// Pixels that are summed at a time.
const PIXELS: usize = 6;
/// The largest value that a convolution gives, in steps: two of them added fit in what goes into the next.
pub const MOST: i16 = 16_383;
/// The largest sum, with room for weights that were rounded up.
const MOST_SUM: f64 = 2_130_706_432.0;

/// What goes into a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Values {
    /// What one step is worth.
    pub step: f64,
    /// The largest amount, in steps.
    pub most: i16,
    /// Whether there are values below 0.
    pub signed: bool,
}

/// Weights of a convolution, in the order in which they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    inputs: usize,
    outputs: usize,
    wide: Vec<Block<16>>,
    narrow: Vec<Block<8>>,
}

/// Some output channels.
#[derive(Clone, Debug, PartialEq)]
struct Block<const W: usize> {
    first: usize,
    /// `(3 rows, 3 columns × pairs of inputs)`.
    weights: Vec<[Pair; W]>,
    bias: [i32; W],
    /// From a sum to steps of the output.
    factor: [f32; W],
}

impl Conv {
    /// From weights `(outputs, inputs, 3, 3)` and one bias for each output. `inputs` are even, `outputs` a multiple of 8.
    /// An output that exceeds [`MOST`] times `step` is cut off.
    pub fn new(
        (inputs, outputs): (usize, usize),
        weights: &[f32],
        bias: &[f32],
        values: Values,
        step: f64,
    ) -> Self {
        let (mut wide, mut narrow) = (vec![], vec![]);
        let mut first = 0;
        while first < outputs {
            if outputs - first >= 16 {
                wide.push(Block::new(first, inputs, weights, bias, values, step));
                first += 16;
            } else {
                narrow.push(Block::new(first, inputs, weights, bias, values, step));
                first += 8;
            }
        }
        Self { inputs, outputs, wide, narrow }
    }

    /// `out = max(0, self ∗ input + bias)` within a region, zeros beyond the rim. The rest of `out` is left as it was.
    pub fn run(&self, input: &Map, out: &mut Map, within: &Region) {
        let (rows, cols) = input.shape();
        out.reshape(rows, cols, self.outputs);
        debug_assert_eq!(input.channels(), self.inputs);
        let cols = within.cols.clone();
        for r in within.rows.clone() {
            // With the pixel before and the pixel after.
            let three =
                input.three(r).map(|line| &line[cols.start * self.inputs..(cols.end + 2) * self.inputs]);
            let out = &mut out.row_mut(r)[cols.start * self.outputs..cols.end * self.outputs];
            self.wide.iter().for_each(|block| row(three, out, self.inputs, self.outputs, block));
            self.narrow.iter().for_each(|block| row(three, out, self.inputs, self.outputs, block));
        }
    }
}

impl<const W: usize> Block<W> {
    fn new(first: usize, inputs: usize, weights: &[f32], bias: &[f32], values: Values, step: f64) -> Self {
        let of = |o: usize, i: usize, k: usize| f64::from(weights[((first + o) * inputs + i) * 9 + k]);
        let every = || (0..inputs).flat_map(|i| (0..9).map(move |k| (i, k)));
        let mut out =
            Self { first, weights: vec![[[0; 2]; W]; 9 * inputs / 2], bias: [0; W], factor: [0.0; W] };
        for o in 0..W {
            let (mut above, mut below, mut largest) = (0.0f64, 0.0f64, 0.0f64);
            for (i, k) in every() {
                let w = of(o, i, k);
                above += w.max(0.0);
                below -= w.min(0.0);
                largest = largest.max(w.abs());
            }
            let sum = if values.signed { above + below } else { above.max(below) };
            let bias = f64::from(bias[first + o]) / values.step;
            // No sum overflows, and no weight.
            let weight_step = ((sum * f64::from(values.most) + bias.abs()) / MOST_SUM)
                .max(largest / f64::from(i16::MAX))
                .max(f64::MIN_POSITIVE);
            for (i, k) in every() {
                out.weights[(k * inputs + i) / 2][o][i % 2] = (of(o, i, k) / weight_step).round() as i16;
            }
            out.bias[o] = (bias / weight_step).round() as i32;
            out.factor[o] = (values.step * weight_step / step) as f32;
        }
        out
    }
}

/// One row of output, for one block of channels. `three` has a pixel more at either end.
fn row<const W: usize>(three: [&[i16]; 3], out: &mut [i16], inputs: usize, outputs: usize, block: &Block<W>)
where
    Each: Lanes<W>,
{
    <Each as Lanes<W>>::row(three, out, inputs, outputs, block);
}

/// The sets of instructions, from the best to the plainest.
struct Each;

/// What [`row`] does for blocks of `W` channels.
trait Lanes<const W: usize> {
    fn row(three: [&[i16]; 3], out: &mut [i16], inputs: usize, outputs: usize, block: &Block<W>);
}

macro_rules! lanes {
    ($width:literal) => {
        impl Lanes<$width> for Each {
            fn row(
                three: [&[i16]; 3],
                out: &mut [i16],
                inputs: usize,
                outputs: usize,
                block: &Block<$width>,
            ) {
                #[cfg(target_arch = "x86_64")]
                {
                    use super::dot::{Avx2, Vnni};
                    if let Some(dot) = Vnni::try_new() {
                        return dot.vectorize(Row { dot, three, out, inputs, outputs, block });
                    }
                    if let Some(dot) = Avx2::try_new() {
                        return dot.vectorize(Row { dot, three, out, inputs, outputs, block });
                    }
                }
                pixels(Plain, three, out, inputs, outputs, block);
            }
        }
    };
}

lanes!(8);
lanes!(16);

/// One row, to be computed with a set of instructions. No closure: the compiler would put one in a function of its own, which does
/// not know of the instructions, and call each of them.
#[cfg(target_arch = "x86_64")]
struct Row<'a, const W: usize, D> {
    dot: D,
    three: [&'a [i16]; 3],
    out: &'a mut [i16],
    inputs: usize,
    outputs: usize,
    block: &'a Block<W>,
}

#[cfg(target_arch = "x86_64")]
impl<const W: usize, D: Dot<W>> pulp::NullaryFnOnce for Row<'_, W, D> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        pixels(self.dot, self.three, self.out, self.inputs, self.outputs, self.block);
    }
}

/// `W` channels of all pixels, [`PIXELS`] at a time; the last ones are computed twice where they do not come out even.
#[inline(always)]
fn pixels<const W: usize, D: Dot<W>>(
    dot: D,
    three: [&[i16]; 3],
    out: &mut [i16],
    inputs: usize,
    outputs: usize,
    block: &Block<W>,
) {
    let cols = out.len() / outputs;
    let pairs = 3 * inputs / 2;
    let bias = dot.sums(&block.bias);
    let mut col = 0;
    while col < cols {
        let at = if col + PIXELS <= cols { col } else { cols.saturating_sub(PIXELS) };
        // Sums of their own, not an array of them: only so do they stay in registers.
        let (mut s0, mut s1, mut s2, mut s3, mut s4, mut s5) = (bias, bias, bias, bias, bias, bias);
        for (line, weights) in three.iter().zip(block.weights.chunks_exact(pairs)) {
            let across = |p: usize| {
                let from = (at + p).min(cols - 1) * inputs;
                &line[from..from + 3 * inputs].as_chunks::<2>().0[..pairs]
            };
            let (x0, x1, x2, x3, x4, x5) = (across(0), across(1), across(2), across(3), across(4), across(5));
            for j in 0..pairs {
                let w = dot.weights(&weights[j]);
                s0 = dot.add(s0, x0[j], w);
                s1 = dot.add(s1, x1[j], w);
                s2 = dot.add(s2, x2[j], w);
                s3 = dot.add(s3, x3[j], w);
                s4 = dot.add(s4, x4[j], w);
                s5 = dot.add(s5, x5[j], w);
            }
        }
        for (p, sums) in [s0, s1, s2, s3, s4, s5].into_iter().enumerate().take(cols - at) {
            let to = (at + p) * outputs + block.first;
            let sums = dot.told(sums);
            for ((out, sum), factor) in out[to..to + W].iter_mut().zip(sums).zip(block.factor) {
                *out = cut(sum as f32 * factor);
            }
        }
        col += PIXELS;
    }
}

/// The nearest whole number from 0 to [`MOST`], the even one of two; 0 for NaN.
#[inline(always)]
fn cut(v: f32) -> i16 {
    let v = if v > 0.0 { v } else { 0.0 };
    let v = if v < f32::from(MOST) { v } else { f32::from(MOST) };
    // Floats from 2²³ on are whole: the last bits are the number.
    (v + 8_388_608.0).to_bits() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values = Values { step: 0.01, most: 2 * MOST, signed: false };

    fn input(rows: usize, cols: usize, channels: usize) -> Map {
        let mut map = Map::default();
        map.reshape(rows, cols, channels);
        for r in 0..rows {
            for (k, v) in map.row_mut(r).iter_mut().enumerate() {
                *v = ((k * 7919 + r * 104_729) % 32_767) as i16;
            }
        }
        map
    }

    fn made_up(n: usize) -> Vec<f32> {
        (0..n).map(|k| ((k * 37 + 11) % 23) as f32 / 23.0 - 0.5).collect()
    }

    #[test]
    fn it_is_the_sum_written_out() {
        let (rows, cols) = (5, 13);
        for (inputs, outputs) in [(6, 8), (8, 16), (16, 24), (24, 40), (8, 56)] {
            let (weights, bias) = (made_up(outputs * inputs * 9), made_up(outputs));
            let input = input(rows, cols, inputs);
            let step = 0.2;
            let mut out = Map::default();
            let conv = Conv::new((inputs, outputs), &weights, &bias, VALUES, step);
            conv.run(&input, &mut out, &input.whole());
            for (r, c, o) in
                (0..rows * cols * outputs).map(|k| (k / outputs / cols, k / outputs % cols, k % outputs))
            {
                let (mut sum, mut amount) = (f64::from(bias[o]), 0.0);
                for (ky, kx) in (0..9).map(|k| (k / 3, k % 3)) {
                    let (y, x) = ((r + ky).wrapping_sub(1), (c + kx).wrapping_sub(1));
                    if y < rows && x < cols {
                        for i in 0..inputs {
                            let product = f64::from(weights[(o * inputs + i) * 9 + ky * 3 + kx])
                                * f64::from(input.row(y)[x * inputs + i])
                                * VALUES.step;
                            (sum, amount) = (sum + product, amount + product.abs());
                        }
                    }
                }
                let got = f64::from(out.row(r)[c * outputs + o]) * step;
                let expected = sum.clamp(0.0, f64::from(MOST) * step);
                assert!(
                    (got - expected).abs() < step + 3e-4 * amount,
                    "{inputs}->{outputs} {r} {c} {o}: {got} {sum}"
                );
            }
        }
    }

    #[test]
    fn every_processor_gives_the_same_and_so_does_a_part() {
        let (inputs, outputs, cols) = (16, 24, 29);
        let (weights, bias) = (made_up(outputs * inputs * 9), made_up(outputs));
        let conv = Conv::new((inputs, outputs), &weights, &bias, VALUES, 0.2);
        let input = input(4, cols, inputs);
        let (mut whole, mut part) = (Map::default(), Map::default());
        conv.run(&input, &mut whole, &input.whole());
        let mut plain = vec![0; cols * outputs];
        for r in 0..4 {
            pixels(Plain, input.three(r), &mut plain, inputs, outputs, &conv.wide[0]);
            pixels(Plain, input.three(r), &mut plain, inputs, outputs, &conv.narrow[0]);
            assert_eq!(plain, whole.row(r));
        }
        for cols in [3..4, 5..20, 0..29] {
            let (from, to) = (cols.start * outputs, cols.end * outputs);
            conv.run(&input, &mut part, &Region { rows: 1..3, cols });
            (1..3).for_each(|r| assert_eq!(part.row(r)[from..to], whole.row(r)[from..to]));
        }
    }

    #[test]
    fn no_sum_overflows_and_a_map_narrower_than_a_block_is_whole() {
        let mut input = Map::default();
        input.reshape(1, 1, 8);
        input.row_mut(0).fill(2 * MOST);
        let mut out = Map::default();
        for (weight, expected) in [(1.0, MOST), (-1.0, 0)] {
            Conv::new((8, 8), &[weight; 8 * 8 * 9], &[weight; 8], VALUES, 0.01).run(
                &input,
                &mut out,
                &input.whole(),
            );
            assert_eq!(out.row(0), [expected; 8]);
        }
        input.row_mut(0).fill(100);
        Conv::new((8, 8), &[1.0; 8 * 8 * 9], &[0.5; 8], VALUES, 0.01).run(&input, &mut out, &input.whole());
        assert_eq!(out.row(0), [850; 8]);
    }

    #[test]
    fn a_number_is_cut_to_what_there_is() {
        assert_eq!([f32::NAN, -3.0, 0.4, 0.6, 16_382.6, 1e20].map(cut), [0, 0, 0, 1, MOST, MOST]);
    }
}
