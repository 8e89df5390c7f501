//! Convolution with 3 × 3 pixels.
//!
//! A block of output channels of a few neighbouring pixels is summed in registers while the input is read once
//! (register blocking as in Goto & van de Geijn 2008, ACM TOMS 34(3), applied directly, without unfolding the image).
//! Each product is added by one fused step (`mul_add`: IEEE 754-2008, rounded once), which every instruction set computes
//! to the same bits; a processor without it (x86-64 before 2013) does so in software, slowly.

use multiversion::multiversion;

use super::map::Map;

/// Pixels that are summed at a time.
const PIXELS: usize = 6;

/// Weights of a convolution, in the order in which they are used.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    inputs: usize,
    outputs: usize,
    blocks: Vec<Block>,
}

/// Some output channels.
#[derive(Clone, Debug, PartialEq)]
struct Block {
    first: usize,
    width: usize,
    /// `(3 rows, 3 columns × inputs, width)`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Conv {
    /// From weights `(outputs, inputs, 3, 3)` and one bias for each output. `outputs` is a multiple
    /// of 8.
    pub fn new(inputs: usize, outputs: usize, weights: &[f32], bias: &[f32]) -> Self {
        let mut blocks = vec![];
        let mut first = 0;
        while first < outputs {
            let left = outputs - first;
            let width = left.min(16);
            let mut block = vec![0.0; 9 * inputs * width];
            for ky in 0..3 {
                for kx in 0..3 {
                    for i in 0..inputs {
                        for o in 0..width {
                            block[((ky * 3 + kx) * inputs + i) * width + o] =
                                weights[((first + o) * inputs + i) * 9 + ky * 3 + kx];
                        }
                    }
                }
            }
            blocks.push(Block { first, width, weights: block, bias: bias[first..first + width].to_vec() });
            first += width;
        }
        Self { inputs, outputs, blocks }
    }

    /// `out = max(0, self ∗ input + bias)`, zeros beyond the rim.
    pub fn run(&self, input: &Map, out: &mut Map) {
        let (rows, cols) = input.shape();
        out.reshape(rows, cols, self.outputs);
        debug_assert_eq!(input.channels(), self.inputs);
        for r in 0..rows {
            let three = input.three(r);
            for block in &self.blocks {
                row(three, out.row_mut(r), self.inputs, self.outputs, block);
            }
        }
    }
}

/// One row of output, for one block of channels.
#[multiversion(targets("x86_64+avx512f+avx512vl+fma", "x86_64+avx2+fma"))]
fn row(three: [&[f32]; 3], out: &mut [f32], inputs: usize, outputs: usize, block: &Block) {
    match block.width {
        8 => pixels::<8>(three, out, inputs, outputs, block),
        _ => pixels::<16>(three, out, inputs, outputs, block),
    }
}

/// `WIDTH` channels of all pixels, [`PIXELS`] at a time; the last ones are computed twice where they do not come out even.
#[inline(always)]
fn pixels<const WIDTH: usize>(
    three: [&[f32]; 3],
    out: &mut [f32],
    inputs: usize,
    outputs: usize,
    block: &Block,
) {
    let cols = out.len() / outputs;
    let Some(&bias) = block.bias.first_chunk::<WIDTH>() else { return };
    let mut col = 0;
    loop {
        let at = if col + PIXELS <= cols { col } else { cols.saturating_sub(PIXELS) };
        // Sums of their own, not an array of them: only so do they stay in registers.
        let (mut s0, mut s1, mut s2, mut s3, mut s4, mut s5) = (bias, bias, bias, bias, bias, bias);
        for (line, weights) in three.iter().zip(block.weights.chunks_exact(3 * inputs * WIDTH)) {
            let across = |p: usize| {
                let from = (at + p).min(cols - 1) * inputs;
                &line[from..from + 3 * inputs]
            };
            let (x0, x1, x2, x3, x4, x5) = (across(0), across(1), across(2), across(3), across(4), across(5));
            let weights = &weights.as_chunks::<WIDTH>().0[..3 * inputs];
            for j in 0..3 * inputs {
                let w = &weights[j];
                add(&mut s0, x0[j], w);
                add(&mut s1, x1[j], w);
                add(&mut s2, x2[j], w);
                add(&mut s3, x3[j], w);
                add(&mut s4, x4[j], w);
                add(&mut s5, x5[j], w);
            }
        }
        for (p, sums) in [s0, s1, s2, s3, s4, s5].iter().enumerate().take(cols - at) {
            let to = (at + p) * outputs + block.first;
            for (out, &v) in out[to..to + WIDTH].iter_mut().zip(sums) {
                *out = if v > 0.0 { v } else { 0.0 };
            }
        }
        col += PIXELS;
        if col >= cols {
            return;
        }
    }
}

/// `sums += value · weights`.
#[inline(always)]
fn add<const WIDTH: usize>(sums: &mut [f32; WIDTH], value: f32, weights: &[f32; WIDTH]) {
    for o in 0..WIDTH {
        sums[o] = value.mul_add(weights[o], sums[o]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_written_out() {
        let (rows, cols) = (5, 13);
        for (inputs, outputs) in [(6, 8), (8, 16), (16, 24), (24, 40), (8, 56)] {
            let value = |k: usize| ((k * 37 + 11) % 23) as f32 / 23.0 - 0.5;
            let weights: Vec<f32> = (0..outputs * inputs * 9).map(value).collect();
            let bias: Vec<f32> = (0..outputs).map(value).collect();
            let mut input = Map::default();
            input.reshape(rows, cols, inputs);
            for r in 0..rows {
                for (k, v) in input.row_mut(r).iter_mut().enumerate() {
                    *v = value(k + 100 * r);
                }
            }
            let mut out = Map::default();
            Conv::new(inputs, outputs, &weights, &bias).run(&input, &mut out);
            for r in 0..rows {
                for c in 0..cols {
                    for o in 0..outputs {
                        let mut sum = f64::from(bias[o]);
                        for (ky, kx) in (0..9).map(|k| (k / 3, k % 3)) {
                            let (y, x) = ((r + ky).wrapping_sub(1), (c + kx).wrapping_sub(1));
                            if y < rows && x < cols {
                                for i in 0..inputs {
                                    sum += f64::from(weights[(o * inputs + i) * 9 + ky * 3 + kx])
                                        * f64::from(input.row(y)[x * inputs + i]);
                                }
                            }
                        }
                        let got = f64::from(out.row(r)[c * outputs + o]);
                        assert!((got - sum.max(0.0)).abs() < 1e-4, "{inputs}->{outputs} {r} {c} {o}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_map_narrower_than_a_block_is_whole() {
        let mut input = Map::default();
        input.reshape(1, 1, 8);
        input.row_mut(0).fill(1.0);
        let mut out = Map::default();
        Conv::new(8, 8, &[1.0; 8 * 8 * 9], &[0.5; 8]).run(&input, &mut out);
        assert_eq!(out.row(0), [8.5; 8]);
    }
}
