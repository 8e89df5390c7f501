//! How far a mean over scenes can be trusted.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Samples drawn: the ends of the interval settle to about a hundredth of its width.
const SAMPLES: usize = 10_000;
/// The samples are the same in every run.
const SEED: u64 = 1998;

/// A mean over scenes with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean; every scene weighs the same.
    pub mean: f64,
    /// Lower end of the interval; `None` for fewer than two scenes.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Scenes that have the figure.
    pub scenes: usize,
}

/// The mean of a figure over scenes and the interval between the 2.5th and 97.5th percentile of the means of scenes
/// drawn with replacement (Efron 1979). `None` without values.
///
/// The interval tells how much other scenes *of the same kind* could move the mean; of other ground it says nothing.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    if n == 1 {
        return Some(Estimate { mean, low: None, high: None, scenes: 1 });
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut means: Vec<f64> = (0..SAMPLES)
        .map(|_| (0..n).map(|_| values[rng.random_range(0..n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((SAMPLES - 1) as f64 * share).round() as usize];
    Some(Estimate { mean, low: Some(at(0.025)), high: Some(at(0.975)), scenes: n })
}

/// The interval between the 2.5th and 97.5th percentile of a share, part over whole, when scenes (each its part and its
/// whole) are drawn with replacement. `None` for fewer than two scenes; samples without a whole are left out.
pub(crate) fn share_interval(scenes: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = scenes.len();
    if n < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut shares: Vec<f64> = (0..SAMPLES)
        .filter_map(|_| {
            let drawn = (0..n).map(|_| scenes[rng.random_range(0..n)]);
            let (part, whole) = drawn.fold((0.0, 0.0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
            (whole > 0.0).then(|| part / whole)
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    let at =
        |share: f64| shares.get((shares.len().saturating_sub(1) as f64 * share).round() as usize).copied();
    at(0.025).zip(at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_normal_law_for_many_values() {
        // Uniform on 0–1: standard deviation 1/√12.
        let values: Vec<f64> = (0..400).map(|i| (f64::from(i) + 0.5) / 400.0).collect();
        let got = estimate(&values).unwrap();
        let half = 1.96 / 12.0_f64.sqrt() / 20.0;
        assert!((got.mean - 0.5).abs() < 1e-12);
        assert!((got.low.unwrap() - (0.5 - half)).abs() < 0.1 * half, "{got:?}");
        assert!((got.high.unwrap() - (0.5 + half)).abs() < 0.1 * half, "{got:?}");
    }

    #[test]
    fn two_equal_values_leave_no_doubt_and_one_no_interval() {
        assert_eq!(estimate(&[]), None);
        assert_eq!(estimate(&[0.25]).unwrap().low, None);
        let same = estimate(&[0.25, 0.25]).unwrap();
        assert_eq!((same.low, same.high), (Some(0.25), Some(0.25)));
    }

    #[test]
    fn a_share_of_equal_wholes_is_a_mean() {
        let values = [0.1, 0.9, 0.4, 0.7];
        let mean = estimate(&values).unwrap();
        let (low, high) = share_interval(&values.map(|v| (20.0 * v, 20.0))).unwrap();
        assert!((low - mean.low.unwrap()).abs() < 1e-12 && (high - mean.high.unwrap()).abs() < 1e-12);
        // A long scene weighs more than a short one.
        let (low, _) = share_interval(&[(900.0, 1000.0), (0.0, 1.0), (0.0, 1.0)]).unwrap();
        assert_eq!(low, 0.0);
        assert_eq!(share_interval(&[(1.0, 2.0)]), None);
        assert_eq!(share_interval(&[(0.0, 0.0), (0.0, 0.0)]), None);
    }

    #[test]
    fn the_same_values_give_the_same_interval() {
        assert_eq!(estimate(&[0.1, 0.9, 0.4]), estimate(&[0.1, 0.9, 0.4]));
    }
}
