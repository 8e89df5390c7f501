//! What speaks for a line, measured on its strip: figures for a person to read, which the verdict does not rest on.

use domain::Evidence;
use ndarray::{Array2, ArrayView1};

use crate::{
    strip::{ACROSS, STEP_M, Strip, smoothed_along},
    trace::Index,
};

/// Samples either way over which a strip is averaged along: 1.5 m, shorter than a leg.
const ALONG: usize = 3;
/// How far the core may lie beside the line, samples: half a metre.
const OFF: usize = 1;
/// How much darker than both flanks a core must be to stand out, share of the ground beside.
const STANDS_OUT: f32 = 0.02;
/// How far from the line its gain is looked for, metres.
const GAIN_M: f64 = 3.0;

/// Figures of a strip whose work is `width_m` wide; `gain` is the line gain along it.
pub(crate) fn evidence(strip: &Strip, width_m: f64, gain: f64) -> Evidence {
    // Spoil must still fit into the strip.
    let half = (0.5 * width_m / STEP_M).round().clamp(1.0, (ACROSS / 2 - 3) as f64) as usize;
    let depths = |date: &Array2<f32>| -> Vec<f32> {
        smoothed_along(date, ALONG).rows().into_iter().filter_map(|row| depth(row, half)).collect()
    };
    let (later, earlier) = (depths(&strip.later), depths(&strip.earlier));
    let mean = |v: &[f32]| v.iter().map(|&d| f64::from(d)).sum::<f64>() / v.len().max(1) as f64;
    let out = later.iter().filter(|&&d| d > STANDS_OUT).count();
    Evidence {
        gain,
        contrast_later: mean(&later),
        contrast_earlier: mean(&earlier),
        continuity: out as f64 / strip.later.nrows().max(1) as f64,
    }
}

/// How much darker the core of a row is than its lower flank, as a share of that; `None` where too little is valid.
fn depth(row: ArrayView1<'_, f32>, half: usize) -> Option<f32> {
    let middle = ACROSS / 2;
    let lowest = |range: std::ops::RangeInclusive<usize>| {
        row.slice(ndarray::s![range]).iter().filter(|v| !v.is_nan()).copied().reduce(f32::min)
    };
    let highest = |range: std::ops::Range<usize>| {
        row.slice(ndarray::s![range]).iter().filter(|v| !v.is_nan()).copied().reduce(f32::max)
    };
    let core = lowest(middle - OFF..=middle + OFF)?;
    // Spoil crests within 3 m of the rim.
    let (from, to) = (half + 1, (half + 7).min(middle));
    let (left, right) = (highest(middle - to..middle - from + 1)?, highest(middle + from..middle + to + 1)?);
    let beside = left.min(right);
    (beside > 0.0).then(|| 1.0 - core / beside)
}

/// The median along `vertices` (pixels of the shared grid) of the highest gain near each; 0 where there is none.
pub(crate) fn gain_along(vertices: &[(f64, f64)], indices: &[Index<'_>], pixel_m: f64) -> f64 {
    let reach = (GAIN_M / pixel_m) as f32;
    let mut gains: Vec<f32> = vertices
        .iter()
        .map(|&(row, col)| {
            let near = indices.iter().flat_map(|i| i.gains_near(row as f32, col as f32, reach));
            near.fold(0.0, |most: f32, g| if g > most { g } else { most })
        })
        .collect();
    gains.sort_unstable_by(f32::total_cmp);
    gains.get(gains.len() / 2).map_or(0.0, |&g| f64::from(g))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_core_on_the_later_date_alone_is_what_is_told() {
        let ground = Array2::from_elem((40, ACROSS), 100.0);
        let mut later = ground.clone();
        later.slice_mut(ndarray::s![.., ACROSS / 2 - 1..=ACROSS / 2 + 1]).fill(70.0);
        let e = evidence(&Strip { earlier: ground.clone(), later }, 1.5, 4.0);
        assert!((e.contrast_later - 0.3).abs() < 1e-6 && e.contrast_earlier.abs() < 1e-6, "{e:?}");
        assert_eq!((e.continuity, e.gain), (1.0, 4.0));
        let nothing = Array2::from_elem((40, ACROSS), f32::NAN);
        let e = evidence(&Strip { earlier: nothing.clone(), later: nothing }, 1.5, 0.0);
        assert_eq!((e.contrast_later, e.continuity), (0.0, 0.0));
        // Wider than the strip.
        let e = evidence(&Strip { earlier: ground.clone(), later: ground }, 148.0, 0.0);
        assert!(e.contrast_later.abs() < 1e-6);
    }
}
