//! Products of pairs of 16-bit integers, several sums at a time: the arithmetic of a convolution.
//!
//! A pair of values meets a pair of weights for each sum, and both products are added to it: one instruction where the
//! processor has it (`vpdpwssd`, `vpmaddwd`), and twice the products of 32-bit floats everywhere. Integers add up to the same
//! on every processor and in every order.

/// Two values, or two weights of one sum, that follow each other.
pub type Pair = [i16; 2];

/// `W` sums of 32 bits.
pub trait Dot<const W: usize>: Copy {
    /// The sums, in registers.
    type Sums: Copy;
    /// Weights of each sum, in registers.
    type Weights: Copy;

    fn sums(self, from: &[i32; W]) -> Self::Sums;
    fn weights(self, from: &[Pair; W]) -> Self::Weights;
    /// `sums[o] + values[0] · weights[o][0] + values[1] · weights[o][1]`, which must fit.
    fn add(self, sums: Self::Sums, values: Pair, weights: Self::Weights) -> Self::Sums;
    fn told(self, sums: Self::Sums) -> [i32; W];
}

/// Every processor.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<const W: usize> Dot<W> for Plain {
    type Sums = [i32; W];
    type Weights = [Pair; W];

    #[inline(always)]
    fn sums(self, from: &[i32; W]) -> [i32; W] {
        *from
    }

    #[inline(always)]
    fn weights(self, from: &[Pair; W]) -> [Pair; W] {
        *from
    }

    #[inline(always)]
    fn add(self, mut sums: [i32; W], values: Pair, weights: [Pair; W]) -> [i32; W] {
        let [a, b] = values.map(i32::from);
        for (sum, w) in sums.iter_mut().zip(weights) {
            *sum += a * i32::from(w[0]) + b * i32::from(w[1]);
        }
        sums
    }

    #[inline(always)]
    fn told(self, sums: [i32; W]) -> [i32; W] {
        sums
    }
}

#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Vnni};

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(missing_docs)] // the macro makes public functions

    use std::arch::x86_64::{__m256i, __m512i};

    use super::{Dot, Pair};

    pulp::simd_type! {
        /// Processors of 2019 and later with 512-bit vectors.
        pub struct Vnni {
            pub avx: "avx",
            pub avx2: "avx2",
            pub avx512f: "avx512f",
            pub avx512bw: "avx512bw",
            pub avx512vl: "avx512vl",
            pub avx512vnni: "avx512vnni",
        }

        /// Processors of 2013 and later.
        pub struct Avx2 {
            pub avx: "avx",
            pub avx2: "avx2",
        }
    }

    impl Dot<16> for Vnni {
        type Sums = __m512i;
        type Weights = __m512i;

        #[inline(always)]
        fn sums(self, from: &[i32; 16]) -> __m512i {
            pulp::cast(*from)
        }

        #[inline(always)]
        fn weights(self, from: &[Pair; 16]) -> __m512i {
            pulp::cast(*from)
        }

        #[inline(always)]
        fn add(self, sums: __m512i, values: Pair, weights: __m512i) -> __m512i {
            let values = self.avx512f._mm512_set1_epi32(pulp::cast(values));
            self.avx512f._mm512_add_epi32(sums, self.avx512bw._mm512_madd_epi16(values, weights))
        }

        #[inline(always)]
        fn told(self, sums: __m512i) -> [i32; 16] {
            pulp::cast(sums)
        }
    }

    /// Eight sums in one register of 256 bits, sixteen in two.
    macro_rules! halves {
        ($lanes:ty, $width:literal, $registers:literal) => {
            impl Dot<$width> for $lanes {
                type Sums = [__m256i; $registers];
                type Weights = [__m256i; $registers];

                #[inline(always)]
                fn sums(self, from: &[i32; $width]) -> Self::Sums {
                    pulp::cast(*from)
                }

                #[inline(always)]
                fn weights(self, from: &[Pair; $width]) -> Self::Weights {
                    pulp::cast(*from)
                }

                #[inline(always)]
                fn add(self, mut sums: Self::Sums, values: Pair, weights: Self::Weights) -> Self::Sums {
                    let values = self.avx._mm256_set1_epi32(pulp::cast(values));
                    for (sum, w) in sums.iter_mut().zip(weights) {
                        *sum = self.avx2._mm256_add_epi32(*sum, self.avx2._mm256_madd_epi16(values, w));
                    }
                    sums
                }

                #[inline(always)]
                fn told(self, sums: Self::Sums) -> [i32; $width] {
                    pulp::cast(sums)
                }
            }
        };
    }

    halves!(Vnni, 8, 1);
    halves!(Avx2, 8, 1);
    halves!(Avx2, 16, 2);
}
