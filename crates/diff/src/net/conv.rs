//! Convolution with 3 × 3 pixels, in integers.
//!
//! Values and weights are whole multiples of steps: what a layer gives in 8 bits without a sign, what goes into a network in 16,
//! since faint lines differ by a few steps of those. Products are summed in 32 bits: four times as many in one instruction as of
//! floats, and to the same bits on every processor. Each channel has a step of its own, and each output one of its weights
//! (Jacob et al. 2018, CVPR, 2704–2713; Nagel et al. 2019, ICCV, 1325–1334, of steps by channel).
//!
//! A block of output channels of a few neighbouring pixels is summed in registers while the input is read once
//! (register blocking as in Goto & van de Geijn 2008, ACM TOMS 34(3), applied directly, without unfolding the image).

use super::dot::{Dot, Number, Plain};
use super::map::{Map, Region};

/// Pixels that are summed at a time.
const PIXELS: usize = 6;
/// The largest value that a convolution gives, in steps.
pub const MOST: u8 = u8::MAX;
/// The largest sum, with room for weights that were rounded up.
const MOST_SUM: f64 = 2_130_706_432.0;

/// Weights of a convolution of numbers of type `N`, in the order in which they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv<N: Number> {
    inputs: usize,
    outputs: usize,
    wide: Vec<Block<N, 16>>,
    narrow: Vec<Block<N, 8>>,
}

/// Some output channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<N: Number, const W: usize> {
    first: usize,
    /// `(3 rows, 3 columns × groups of inputs)`.
    weights: Vec<[N::Weights; W]>,
    bias: [i32; W],
    /// From a sum to steps of the output.
    factor: [f32; W],
}

impl<N: Number> Conv<N>
where
    Each: Lanes<N, 8> + Lanes<N, 16>,
{
    /// From weights `(outputs, inputs, 3, 3)` and one bias for each output, and what a step of each input and of each output is
    /// worth. `inputs` are a multiple of [`Number::GROUP`], outputs of 8. An output that exceeds [`MOST`] of its steps is cut off.
    pub fn new(weights: &[f32], bias: &[f32], of_inputs: &[f64], of_outputs: &[f64]) -> Self {
        let (inputs, outputs) = (of_inputs.len(), of_outputs.len());
        let (mut wide, mut narrow) = (vec![], vec![]);
        let mut first = 0;
        while first < outputs {
            if outputs - first >= 16 {
                wide.push(Block::new(first, weights, bias, of_inputs, of_outputs));
                first += 16;
            } else {
                narrow.push(Block::new(first, weights, bias, of_inputs, of_outputs));
                first += 8;
            }
        }
        Self { inputs, outputs, wide, narrow }
    }

    /// `out = max(0, self ∗ input + bias)` within a region, zeros beyond the rim. The rest of `out` is left as it was.
    pub fn run(&self, input: &Map<N>, out: &mut Map<u8>, within: &Region) {
        let (rows, cols) = input.shape();
        out.reshape(rows, cols, self.outputs);
        debug_assert_eq!(input.channels(), self.inputs);
        let cols = within.cols.clone();
        for r in within.rows.clone() {
            // With the pixel before and the pixel after.
            let three =
                input.three(r).map(|line| &line[cols.start * self.inputs..(cols.end + 2) * self.inputs]);
            let out = &mut out.row_mut(r)[cols.start * self.outputs..cols.end * self.outputs];
            let sides = (self.inputs, self.outputs);
            self.wide.iter().for_each(|block| <Each as Lanes<N, 16>>::row(three, out, sides, block));
            self.narrow.iter().for_each(|block| <Each as Lanes<N, 8>>::row(three, out, sides, block));
        }
    }
}

impl<N: Number, const W: usize> Block<N, W> {
    fn new(first: usize, weights: &[f32], bias: &[f32], of_inputs: &[f64], of_outputs: &[f64]) -> Self {
        let inputs = of_inputs.len();
        let of = |o: usize, i: usize, k: usize| {
            f64::from(weights[((first + o) * inputs + i) * 9 + k]) * of_inputs[i]
        };
        let every = || (0..inputs).flat_map(|i| (0..9).map(move |k| (i, k)));
        let mut out = Self {
            first,
            weights: vec![[N::Weights::default(); W]; 9 * inputs / N::GROUP],
            bias: [0; W],
            factor: [0.0; W],
        };
        for o in 0..W {
            let (mut above, mut below, mut largest) = (0.0f64, 0.0f64, 0.0f64);
            for (i, k) in every() {
                let w = of(o, i, k);
                above += w.max(0.0);
                below -= w.min(0.0);
                largest = largest.max(w.abs());
            }
            let sum = if N::SIGNED { above + below } else { above.max(below) };
            let bias = f64::from(bias[first + o]);
            // No sum overflows, and no weight.
            let weight_step = ((sum * N::MOST + bias.abs()) / MOST_SUM)
                .max(largest / N::MOST_WEIGHT)
                .max(f64::MIN_POSITIVE);
            for (i, k) in every() {
                let group = &mut out.weights[(k * inputs + i) / N::GROUP][o];
                N::set(group, i % N::GROUP, of(o, i, k) / weight_step);
            }
            out.bias[o] = (bias / weight_step).round() as i32;
            out.factor[o] = (weight_step / of_outputs[first + o]) as f32;
        }
        out
    }
}

/// The sets of instructions, from the best to the plainest.
pub struct Each;

/// One row of output, for one block of `W` channels.
pub trait Lanes<N: Number, const W: usize> {
    /// `three` has a pixel more at either end; `sides` are the channels of what goes in and of what comes out.
    fn row(three: [&[N]; 3], out: &mut [u8], sides: (usize, usize), block: &Block<N, W>);
}

macro_rules! lanes {
    ($number:ty, $width:literal) => {
        impl Lanes<$number, $width> for Each {
            fn row(
                three: [&[$number]; 3],
                out: &mut [u8],
                sides: (usize, usize),
                block: &Block<$number, $width>,
            ) {
                #[cfg(target_arch = "x86_64")]
                {
                    use super::dot::{Avx2, Vnni};
                    if let Some(dot) = Vnni::try_new() {
                        return dot.vectorize(Row { dot, three, out, sides, block });
                    }
                    if let Some(dot) = Avx2::try_new() {
                        return dot.vectorize(Row { dot, three, out, sides, block });
                    }
                }
                pixels(Plain, three, out, sides, block);
            }
        }
    };
}

lanes!(i16, 8);
lanes!(i16, 16);
lanes!(u8, 8);
lanes!(u8, 16);

/// One row, to be computed with a set of instructions. No closure: the compiler would put one in a function of its own, which does
/// not know of the instructions, and call each of them.
#[cfg(target_arch = "x86_64")]
struct Row<'a, N: Number, const W: usize, D> {
    dot: D,
    three: [&'a [N]; 3],
    out: &'a mut [u8],
    sides: (usize, usize),
    block: &'a Block<N, W>,
}

#[cfg(target_arch = "x86_64")]
impl<N: Number, const W: usize, D: Dot<N, W>> pulp::NullaryFnOnce for Row<'_, N, W, D> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        pixels(self.dot, self.three, self.out, self.sides, self.block);
    }
}

/// `W` channels of all pixels, [`PIXELS`] at a time; the last ones are computed twice where they do not come out even.
#[inline(always)]
fn pixels<N: Number, const W: usize, D: Dot<N, W>>(
    dot: D,
    three: [&[N]; 3],
    out: &mut [u8],
    (inputs, outputs): (usize, usize),
    block: &Block<N, W>,
) {
    let cols = out.len() / outputs;
    let groups = 3 * inputs / N::GROUP;
    let bias = dot.sums(&block.bias);
    let mut col = 0;
    while col < cols {
        let at = if col + PIXELS <= cols { col } else { cols.saturating_sub(PIXELS) };
        // Sums of their own, not an array of them: only so do they stay in registers.
        let (mut s0, mut s1, mut s2, mut s3, mut s4, mut s5) = (bias, bias, bias, bias, bias, bias);
        for (line, weights) in three.iter().zip(block.weights.chunks_exact(groups)) {
            let across = |p: usize| {
                let from = (at + p).min(cols - 1) * inputs;
                &N::groups(&line[from..from + 3 * inputs])[..groups]
            };
            let (x0, x1, x2, x3, x4, x5) = (across(0), across(1), across(2), across(3), across(4), across(5));
            for j in 0..groups {
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
fn cut(v: f32) -> u8 {
    let v = if v > 0.0 { v } else { 0.0 };
    let v = if v < f32::from(MOST) { v } else { f32::from(MOST) };
    // Floats from 2²³ on are whole: the last bits are the number.
    (v + 8_388_608.0).to_bits() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of numbers from the least to the largest that there are.
    fn input<N: Number>(rows: usize, cols: usize, channels: usize, number: fn(usize) -> N) -> Map<N> {
        let mut map = Map::default();
        map.reshape(rows, cols, channels);
        for r in 0..rows {
            for (k, v) in map.row_mut(r).iter_mut().enumerate() {
                *v = number(k * 7919 + r * 104_729);
            }
        }
        map
    }

    fn byte(k: usize) -> u8 {
        (k % 256) as u8
    }

    fn figure(k: usize) -> i16 {
        (k % 12_289) as i16 - 6_144
    }

    fn made_up(n: usize) -> Vec<f32> {
        (0..n).map(|k| ((k * 37 + 11) % 23) as f32 / 23.0 - 0.5).collect()
    }

    /// Steps that differ from channel to channel.
    fn steps(n: usize, mean: f64) -> Vec<f64> {
        (0..n).map(|k| mean * (0.5 + (k % 5) as f64 / 4.0)).collect()
    }

    /// Whether it is the sum written out, but for `off` of all products.
    fn is_the_sum<N: Number>(number: fn(usize) -> N, step: f64, off: f64)
    where
        Each: Lanes<N, 8> + Lanes<N, 16>,
    {
        let (rows, cols) = (5, 13);
        for (inputs, outputs) in [(4, 8), (8, 16), (16, 24), (24, 40), (8, 56)] {
            let (weights, bias) = (made_up(outputs * inputs * 9), made_up(outputs));
            let input = input(rows, cols, inputs, number);
            let (of_inputs, of_outputs) = (steps(inputs, step), steps(outputs, 0.2));
            let mut out = Map::default();
            Conv::new(&weights, &bias, &of_inputs, &of_outputs).run(&input, &mut out, &input.whole());
            for (r, c, o) in
                (0..rows * cols * outputs).map(|k| (k / outputs / cols, k / outputs % cols, k % outputs))
            {
                let (mut sum, mut amount) = (f64::from(bias[o]), 0.0);
                for (ky, kx) in (0..9).map(|k| (k / 3, k % 3)) {
                    let (y, x) = ((r + ky).wrapping_sub(1), (c + kx).wrapping_sub(1));
                    if y < rows && x < cols {
                        for i in 0..inputs {
                            let product = f64::from(weights[(o * inputs + i) * 9 + ky * 3 + kx])
                                * f64::from(input.row(y)[x * inputs + i].into())
                                * of_inputs[i];
                            (sum, amount) = (sum + product, amount + product.abs());
                        }
                    }
                }
                let got = f64::from(out.row(r)[c * outputs + o]) * of_outputs[o];
                let expected = sum.clamp(0.0, f64::from(MOST) * of_outputs[o]);
                assert!(
                    (got - expected).abs() < of_outputs[o] + off * amount,
                    "{inputs}->{outputs} {r} {c} {o}: {got} {sum}"
                );
            }
        }
    }

    #[test]
    fn it_is_the_sum_written_out() {
        is_the_sum(byte, 0.01, 4e-3);
        is_the_sum(figure, 1.0 / 1024.0, 1e-4);
    }

    fn made_up_conv<N: Number>(inputs: usize, outputs: usize) -> Conv<N>
    where
        Each: Lanes<N, 8> + Lanes<N, 16>,
    {
        let (weights, bias) = (made_up(outputs * inputs * 9), made_up(outputs));
        Conv::new(&weights, &bias, &steps(inputs, 0.01), &steps(outputs, 0.3))
    }

    /// Whether these instructions give what those give that this processor is asked for.
    fn is_the_same<N: Number>(number: fn(usize) -> N, row: impl Fn([&[N]; 3], &mut [u8], &Conv<N>))
    where
        Each: Lanes<N, 8> + Lanes<N, 16>,
    {
        let (inputs, outputs, cols) = (16, 24, 29);
        let (input, conv) = (input(4, cols, inputs, number), made_up_conv(inputs, outputs));
        let mut whole = Map::default();
        conv.run(&input, &mut whole, &input.whole());
        let mut own = vec![0; cols * outputs];
        for r in 0..4 {
            row(input.three(r), &mut own, &conv);
            assert_eq!(own, whole.row(r));
        }
        assert!(own.iter().any(|&v| v > 0 && v < MOST));
    }

    #[test]
    fn every_processor_gives_the_same() {
        fn plain<N: Number>(three: [&[N]; 3], out: &mut [u8], conv: &Conv<N>) {
            let sides = (conv.inputs, conv.outputs);
            pixels(Plain, three, out, sides, &conv.wide[0]);
            pixels(Plain, three, out, sides, &conv.narrow[0]);
        }
        is_the_same(byte, plain);
        is_the_same(figure, plain);
    }

    /// Processors with AVX-512 ask for nothing of this otherwise.
    #[cfg(target_arch = "x86_64")]
    #[test]
    fn so_do_those_of_2013() {
        use super::super::dot::Avx2;
        fn row<N: Number>(three: [&[N]; 3], out: &mut [u8], conv: &Conv<N>, dot: Avx2)
        where
            Avx2: Dot<N, 8> + Dot<N, 16>,
        {
            let sides = (conv.inputs, conv.outputs);
            dot.vectorize(Row { dot, three, out, sides, block: &conv.wide[0] });
            dot.vectorize(Row { dot, three, out, sides, block: &conv.narrow[0] });
        }
        if let Some(avx2) = Avx2::try_new() {
            is_the_same(byte, |three, out, conv| row(three, out, conv, avx2));
            is_the_same(figure, |three, out, conv| row(three, out, conv, avx2));
        }
    }

    #[test]
    fn a_part_of_a_map_is_what_the_whole_has_there() {
        let (inputs, outputs, cols) = (16, 24, 29);
        let (input, conv) = (input(4, cols, inputs, byte), made_up_conv(inputs, outputs));
        let (mut whole, mut part) = (Map::default(), Map::default());
        conv.run(&input, &mut whole, &input.whole());
        for cols in [3..4, 5..20, 0..29] {
            let (from, to) = (cols.start * outputs, cols.end * outputs);
            conv.run(&input, &mut part, &Region { rows: 1..3, cols });
            (1..3).for_each(|r| assert_eq!(part.row(r)[from..to], whole.row(r)[from..to]));
        }
    }

    /// The largest amounts that the sums of a convolution can have.
    fn largest_sums<N: Number>(bias: f32) -> Vec<i64>
    where
        Each: Lanes<N, 8> + Lanes<N, 16>,
    {
        let conv = Conv::<N>::new(&made_up(8 * 112 * 9), &[bias; 8], &[0.01; 112], &[0.01; 8]);
        let block = &conv.narrow[0];
        let largest = |o: usize| {
            let weights =
                || block.weights.iter().flat_map(move |group| group[o]).map(|w| i64::from(w.into()));
            let (above, below) =
                (weights().map(|w| w.max(0)).sum::<i64>(), weights().map(|w| -w.min(0)).sum());
            // Of numbers without a sign those above 0 and those below count against each other.
            let most = if N::SIGNED { above + below } else { above.max(below) };
            most * N::MOST as i64 + i64::from(block.bias[o]).abs()
        };
        (0..8).map(largest).collect()
    }

    #[test]
    fn no_sum_overflows() {
        for bias in [0.0, 1e3, -1e3, 1e9, -1e9] {
            let (figures, bytes) = (largest_sums::<i16>(bias), largest_sums::<u8>(bias));
            assert!(figures.iter().chain(&bytes).all(|&sum| sum <= i64::from(i32::MAX)), "{bias}");
            // And what there is is used.
            assert!(figures.iter().all(|&sum| sum > 1 << 30), "{bias}: {figures:?}");
            assert!(bias.abs() < 1e9 || bytes.iter().all(|&sum| sum > 1 << 30), "{bias}: {bytes:?}");
        }
    }

    #[test]
    fn a_map_narrower_than_a_block_is_whole_and_what_is_too_large_is_cut() {
        let mut out = Map::default();
        for (weight, expected) in [(1.0, MOST), (-1.0, 0)] {
            let input = input(1, 1, 112, |_| MOST);
            let conv = Conv::new(&[weight; 8 * 112 * 9], &[weight; 8], &[0.01; 112], &[0.01; 8]);
            conv.run(&input, &mut out, &input.whole());
            assert_eq!(out.row(0), [expected; 8]);
        }
        let input = input(1, 1, 8, |_| 10u8);
        Conv::new(&[1.0; 8 * 8 * 9], &[0.5; 8], &[0.01; 8], &[0.01; 8]).run(&input, &mut out, &input.whole());
        assert_eq!(out.row(0), [130; 8]);
    }

    #[test]
    fn a_number_is_cut_to_what_there_is() {
        assert_eq!([f32::NAN, -3.0, 0.4, 0.6, 254.6, 1e20].map(cut), [0, 0, 0, 1, MOST, MOST]);
    }
}
