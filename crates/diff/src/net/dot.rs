//! Products of small integers, several sums at a time: the arithmetic of a convolution.
//!
//! A group of values meets a group of weights for each sum, 32 bits of either, and all products are added to it: one instruction
//! where the processor has it (`vpdpbusd`, `vpdpwssd`, `vpmaddwd`). Integers add up to the same on every processor and in every
//! order.

use std::fmt::Debug;

/// What goes into a convolution: numbers of one size, the weights they meet, and how many of them fill 32 bits.
pub trait Number: Copy + Default + Into<i32> {
    /// Values that follow each other.
    type Group: Copy + IntoIterator<Item = Self>;
    /// Their weights in one sum.
    type Weights: Copy + Default + Debug + PartialEq + IntoIterator<Item: Into<i32>>;

    /// Values of a group.
    const GROUP: usize;
    /// The largest amount of a value.
    const MOST: f64;
    /// Whether there are values below 0.
    const SIGNED: bool;
    /// The largest amount of a weight.
    const MOST_WEIGHT: f64;

    /// The groups of a line of whole ones.
    fn groups(line: &[Self]) -> &[Self::Group];
    /// Sets the weight at a place below [`Number::GROUP`] to the nearest there is.
    fn set(weights: &mut Self::Weights, at: usize, to: f64);
}

macro_rules! number {
    ($(#[$what:meta])* $number:ty, $weight:ty, $group:literal, $most:expr, $signed:literal) => {
        $(#[$what])*
        impl Number for $number {
            type Group = [$number; $group];
            type Weights = [$weight; $group];

            const GROUP: usize = $group;
            const MOST: f64 = $most;
            const SIGNED: bool = $signed;
            const MOST_WEIGHT: f64 = <$weight>::MAX as f64;

            #[inline(always)]
            fn groups(line: &[$number]) -> &[[$number; $group]] {
                line.as_chunks().0
            }

            fn set(weights: &mut [$weight; $group], at: usize, to: f64) {
                weights[at] = to.round() as $weight;
            }
        }
    };
}

number!(
    /// What goes into a network: a figure is 6 at most, of 1024 steps each.
    i16, i16, 2, 6.0 * super::input::STEPS as f64, true
);
number!(
    /// What a layer gives.
    u8, i8, 4, u8::MAX as f64, false
);

/// `W` sums of 32 bits.
pub trait Dot<N: Number, const W: usize>: Copy {
    /// The sums, in registers.
    type Sums: Copy;
    /// Weights of each sum, in registers.
    type Weights: Copy;

    /// Sums to begin with, into registers.
    fn sums(self, from: &[i32; W]) -> Self::Sums;
    /// The weights of a group in each sum, into registers.
    fn weights(self, from: &[N::Weights; W]) -> Self::Weights;
    /// To each sum the products of the values and its weights, which must fit.
    fn add(self, sums: Self::Sums, values: N::Group, weights: Self::Weights) -> Self::Sums;
    /// Out of registers.
    fn told(self, sums: Self::Sums) -> [i32; W];
}

/// Every processor.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl<N: Number, const W: usize> Dot<N, W> for Plain {
    type Sums = [i32; W];
    type Weights = [N::Weights; W];

    #[inline(always)]
    fn sums(self, from: &[i32; W]) -> [i32; W] {
        *from
    }

    #[inline(always)]
    fn weights(self, from: &[N::Weights; W]) -> [N::Weights; W] {
        *from
    }

    #[inline(always)]
    fn add(self, mut sums: [i32; W], values: N::Group, weights: [N::Weights; W]) -> [i32; W] {
        for (sum, weights) in sums.iter_mut().zip(weights) {
            for (value, weight) in values.into_iter().zip(weights) {
                *sum += value.into() * weight.into();
            }
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

    use std::arch::x86_64::{__m256i, __m512i, _mm256_dpbusd_epi32, _mm512_dpbusd_epi32};

    use super::Dot;

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

    /// `W` sums in registers of the type `$register`, `$registers` of them: what does not depend on how they are added to.
    macro_rules! dot {
        (
            $lanes:ty, $number:ty, $width:literal, $register:ty, $weights:ty,
            |$own:ident, $from:ident| $loaded:expr,
            |$adds:ident, $sums:ident, $values:ident, $w:ident| $added:expr
        ) => {
            impl Dot<$number, $width> for $lanes {
                type Sums = $register;
                type Weights = $weights;

                #[inline(always)]
                fn sums(self, from: &[i32; $width]) -> $register {
                    pulp::cast(*from)
                }

                #[inline(always)]
                fn weights(self, from: &[<$number as super::Number>::Weights; $width]) -> $weights {
                    let ($own, $from) = (self, *from);
                    $loaded
                }

                #[inline(always)]
                fn add(
                    self,
                    $sums: $register,
                    $values: <$number as super::Number>::Group,
                    $w: $weights,
                ) -> $register {
                    let $adds = self;
                    $added
                }

                #[inline(always)]
                fn told(self, sums: $register) -> [i32; $width] {
                    pulp::cast(sums)
                }
            }
        };
    }

    dot!(Vnni, i16, 16, __m512i, __m512i, |_own, from| pulp::cast(from), |own, sums, values, w| {
        let values = own.avx512f._mm512_set1_epi32(pulp::cast(values));
        own.avx512f._mm512_add_epi32(sums, own.avx512bw._mm512_madd_epi16(values, w))
    });
    dot!(Vnni, u8, 16, __m512i, __m512i, |_own, from| pulp::cast(from), |own, sums, values, w| {
        let values = own.avx512f._mm512_set1_epi32(pulp::cast(values));
        // SAFETY: `own.avx512vnni` is there only on a processor that has the instruction.
        #[allow(unsafe_code)]
        unsafe {
            _mm512_dpbusd_epi32(sums, values, w)
        }
    });
    dot!(Vnni, u8, 8, __m256i, __m256i, |_own, from| pulp::cast(from), |own, sums, values, w| {
        let values = own.avx._mm256_set1_epi32(pulp::cast(values));
        // SAFETY: `own.avx512vnni` and `own.avx512vl` are there only on a processor that has the instruction.
        #[allow(unsafe_code)]
        unsafe {
            _mm256_dpbusd_epi32(sums, values, w)
        }
    });

    /// Eight sums in one register of 256 bits, sixteen in two.
    macro_rules! halves {
        ($lanes:ty, $width:literal, $registers:literal) => {
            dot!(
                $lanes,
                i16,
                $width,
                [__m256i; $registers],
                [__m256i; $registers],
                |_own, from| pulp::cast(from),
                |own, sums, values, w| {
                    let values = own.avx._mm256_set1_epi32(pulp::cast(values));
                    let mut sums = sums;
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = own.avx2._mm256_add_epi32(*sum, own.avx2._mm256_madd_epi16(values, w));
                    }
                    sums
                }
            );
        };
    }

    halves!(Vnni, 8, 1);
    halves!(Avx2, 8, 1);
    halves!(Avx2, 16, 2);

    /// The same of bytes: those of even and those of odd places apart, widened to 16 bits. The one instruction for bytes that there
    /// is cuts sums off.
    macro_rules! bytes {
        ($width:literal, $registers:literal) => {
            dot!(
                Avx2,
                u8,
                $width,
                [__m256i; $registers],
                [[__m256i; 2]; $registers],
                |own, from| {
                    let both: [__m256i; $registers] = pulp::cast(from);
                    let mut apart = [[both[0]; 2]; $registers];
                    for (apart, w) in apart.iter_mut().zip(both) {
                        let even = own.avx2._mm256_slli_epi16::<8>(w);
                        *apart = [own.avx2._mm256_srai_epi16::<8>(even), own.avx2._mm256_srai_epi16::<8>(w)];
                    }
                    apart
                },
                |own, sums, values, w| {
                    let values = own.avx._mm256_set1_epi32(pulp::cast(values));
                    let even = own.avx2._mm256_and_si256(values, own.avx._mm256_set1_epi16(0xFF));
                    let odd = own.avx2._mm256_srli_epi16::<8>(values);
                    let mut sums = sums;
                    for (sum, [even_w, odd_w]) in sums.iter_mut().zip(w) {
                        let products = own.avx2._mm256_add_epi32(
                            own.avx2._mm256_madd_epi16(even, even_w),
                            own.avx2._mm256_madd_epi16(odd, odd_w),
                        );
                        *sum = own.avx2._mm256_add_epi32(*sum, products);
                    }
                    sums
                }
            );
        };
    }

    bytes!(8, 1);
    bytes!(16, 2);
}
