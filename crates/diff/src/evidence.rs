//! What speaks for a line, measured on its strip: figures for a person to read, which the verdict does not rest on.

use domain::Evidence;
use ndarray::{Array2, ArrayView1};

use crate::strip::{ACROSS, STEP_M, Station, Strip, smoothed_along};

/// Samples either way over which a strip is averaged along: 1.5 m, shorter than a leg.
const ALONG: usize = 3;
/// How far the core may lie beside the line, samples: half a metre.
const OFF: usize = 1;
/// How much darker than both flanks a core must be to stand out, share of the ground beside.
const STANDS_OUT: f32 = 0.02;

/// Figures of a strip whose work is `width_m` wide.
pub(crate) fn evidence(strip: &Strip, width_m: f64) -> Evidence {
    // Spoil must still fit into the strip.
    let half = (0.5 * width_m / STEP_M).round().clamp(1.0, (ACROSS / 2 - 3) as f64) as usize;
    let depths = |date: &Array2<f32>| -> Vec<f32> {
        smoothed_along(date, ALONG).rows().into_iter().filter_map(|row| depth(row, half)).collect()
    };
    let (later, earlier) = (depths(&strip.later), depths(&strip.earlier));
    let mean = |v: &[f32]| v.iter().map(|&d| f64::from(d)).sum::<f64>() / v.len().max(1) as f64;
    let out = later.iter().filter(|&&d| d > STANDS_OUT).count();
    Evidence {
        contrast_later: mean(&later),
        contrast_earlier: mean(&earlier),
        continuity: out as f64 / strip.later.nrows().max(1) as f64,
        ..Evidence::default()
    }
}

/// Least width of a cut whose two sides can be told apart, metres: five samples. Of what is narrower the line follows the
/// darkest part, and what lies beside that is no wall.
const LEAST_WIDTH_M: f64 = 2.5;
/// Least share of the sun's direction across a line, summed over it, at which shade can be told: about 15 degrees.
const LEAST_ACROSS: f64 = 0.25;

/// Whether shade and light within the cut lie as a sun at `azimuth_deg` (clockwise from the top of the grid) casts them,
/// −1 to 1: the wall towards the sun throws its shadow into the cut, the other is lit. The cosine between what is seen
/// at each station, right less left, and how far the sun stands to the left.
pub(crate) fn shadow(strip: &Strip, stations: &[Station], width_m: f64, azimuth_deg: f64) -> Option<f64> {
    if width_m < LEAST_WIDTH_M {
        return None;
    }
    let (sin, cos) = azimuth_deg.to_radians().sin_cos();
    let half = (0.5 * width_m / STEP_M).round().clamp(1.0, (ACROSS / 2 - 3) as f64) as usize;
    let later = smoothed_along(&strip.later, ALONG);
    let mean = |row: ArrayView1<'_, f32>, sign: isize| {
        let side = (1..=half).map(|k| f64::from(row[(ACROSS / 2).wrapping_add_signed(sign * k as isize)]));
        side.sum::<f64>() / half as f64
    };
    let (mut product, mut seen, mut sun, mut n) = (0.0, 0.0, 0.0, 0.0);
    for (row, (_, across)) in later.rows().into_iter().zip(stations) {
        let (right, left) = (mean(row, 1), mean(row, -1));
        let to_right = sin * across.1 - cos * across.0;
        let contrast = (right - left) / (right + left);
        if contrast.is_finite() {
            (product, seen) = (product - contrast * to_right, seen + contrast * contrast);
            (sun, n) = (sun + to_right * to_right, n + 1.0);
        }
    }
    let told = n > 0.0 && (sun / n).sqrt() >= LEAST_ACROSS;
    told.then(|| if seen > 0.0 { product / (seen * sun).sqrt() } else { 0.0 })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_core_on_the_later_date_alone_is_what_is_told() {
        let ground = Array2::from_elem((40, ACROSS), 100.0);
        let mut later = ground.clone();
        later.slice_mut(ndarray::s![.., ACROSS / 2 - 1..=ACROSS / 2 + 1]).fill(70.0);
        let e = evidence(&Strip { earlier: ground.clone(), later }, 1.5);
        assert!((e.contrast_later - 0.3).abs() < 1e-6 && e.contrast_earlier.abs() < 1e-6, "{e:?}");
        assert_eq!(e.continuity, 1.0);
        let nothing = Array2::from_elem((40, ACROSS), f32::NAN);
        let e = evidence(&Strip { earlier: nothing.clone(), later: nothing }, 1.5);
        assert_eq!((e.contrast_later, e.continuity), (0.0, 0.0));
        // Wider than the strip.
        let e = evidence(&Strip { earlier: ground.clone(), later: ground }, 148.0);
        assert!(e.contrast_later.abs() < 1e-6);
    }

    #[test]
    fn shade_towards_the_sun_agrees_with_it_and_shade_away_from_it_does_not() {
        // To the east: right of it is south.
        let stations: Vec<Station> = (0..60).map(|i| ((50.0, f64::from(i)), (1.0, 0.0))).collect();
        let mut later = Array2::from_elem((60, ACROSS), 100.0);
        let middle = ACROSS / 2;
        later.slice_mut(ndarray::s![.., middle + 1..middle + 4]).fill(60.0);
        later.slice_mut(ndarray::s![.., middle - 3..middle]).fill(110.0);
        let strip = Strip { earlier: later.clone(), later };
        let of = |azimuth_deg: f64| shadow(&strip, &stations, 3.0, azimuth_deg);
        assert!(of(180.0).is_some_and(|v| v > 0.99), "{:?}", of(180.0));
        assert!(of(0.0).is_some_and(|v| v < -0.99));
        assert!(of(150.0).is_some_and(|v| v > 0.9));
        assert_eq!(of(90.0), None);
        assert_eq!(shadow(&strip, &stations, 1.5, 180.0), None);
        let nothing = Array2::from_elem((60, ACROSS), f32::NAN);
        let unseen = Strip { earlier: nothing.clone(), later: nothing };
        assert_eq!(shadow(&unseen, &stations, 3.0, 180.0), None);
    }
}
