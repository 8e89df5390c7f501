//! The two looks at an earthwork and the ground along it, as pictures for a page.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use ndarray::Array3;

use crate::{Chip, Error, Result};

/// Quality of the JPEGs, 1–100: at 82 the grain of a field stays and a picture of 100 m is some 30 kB.
const QUALITY: u8 = 82;
/// Ground shown to either side of the line in its strip, metres: a ditch with both berms.
const HALF_M: f64 = 12.0;
/// Longest strip, pixels; longer lines are shown coarser along.
const LONGEST_PX: usize = 800;

/// A picture, `(rows, cols, 3)`, as JPEG.
///
/// # Errors
/// [`Error::Jpeg`], which names the size, where it cannot be encoded: empty, not of three bands, or over 65,535 px.
pub fn jpeg(pixels: &Array3<u8>) -> Result<Vec<u8>> {
    let (height, width, bands) = pixels.dim();
    // A size that is too large is refused like one of nothing.
    let side = |n: usize| u16::try_from(n).unwrap_or_default();
    let bytes = pixels.as_standard_layout();
    let bytes = if bands == 3 { bytes.as_slice().unwrap_or_default() } else { &[] };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(bytes, side(width), side(height), ColorType::Rgb).map_err(|source| Error::Jpeg {
        width,
        height,
        source,
    })?;
    Ok(out)
}

/// The ground along a line, straightened: earlier above, later below, a line between them; from the line's beginning
/// at the left to its end at the right, 12 m to either side. `None` for a line without length or pixels without a
/// size.
pub fn strip(chip: &Chip) -> Option<Array3<u8>> {
    let line = &chip.line_px;
    let length = |w: &[(f64, f64)]| (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1);
    let whole: f64 = line.windows(2).map(length).sum();
    let half = (HALF_M / chip.pixel_size_m).round();
    if !(whole.is_finite() && whole >= 1.0 && (1.0..=500.0).contains(&half)) {
        return None;
    }
    let cols = (whole.ceil() as usize).min(LONGEST_PX);
    let across = 2 * half as usize + 1;
    let mut out = Array3::from_elem((2 * across + 2, cols, 3), 235);
    let (rows_in, cols_in, _) = chip.earlier.dim();
    let mut edges = line.windows(2).filter(|w| length(w) > 0.0);
    let (mut edge, mut before) = (edges.next()?, 0.0);
    for col in 0..cols {
        let at = (col as f64 + 0.5) / cols as f64 * whole;
        while at - before > length(edge) {
            let Some(next) = edges.next() else { break };
            before += length(edge);
            edge = next;
        }
        let (down, right) = ((edge[1].0 - edge[0].0) / length(edge), (edge[1].1 - edge[0].1) / length(edge));
        let along = (at - before).min(length(edge));
        let (row, column) = (edge[0].0 + along * down, edge[0].1 + along * right);
        for n in 0..across {
            // Left of the line as it runs is above.
            let off = n as f64 - half;
            let (r, c) = (row + off * right, column - off * down);
            if r < 0.0 || c < 0.0 || r >= rows_in as f64 || c >= cols_in as f64 {
                continue;
            }
            for b in 0..3 {
                let at = (r as usize, c as usize, b);
                out[(n, col, b)] = chip.earlier[at];
                out[(across + 2 + n, col, b)] = chip.later[at];
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_shows_the_line_in_its_middle_on_the_later_date_only() {
        // A dark diagonal, 1 m a pixel.
        let dug = Array3::from_shape_fn((100, 100, 3), |(r, c, _)| if r.abs_diff(c) < 2 { 10 } else { 200 });
        let chip = Chip {
            earlier: Array3::from_elem((100, 100, 3), 200),
            later: dug,
            line_px: vec![(20.5, 20.5), (50.5, 50.5), (80.5, 80.5)],
            pixel_size_m: 1.0,
            caption: String::new(),
            earlier_label: String::new(),
            later_label: String::new(),
        };
        let strip = strip(&chip).unwrap();
        assert_eq!(strip.dim(), (52, 85, 3));
        for col in 0..85 {
            assert_eq!((strip[(12, col, 0)], strip[(27 + 12, col, 0)]), (200, 10), "{col}");
            assert_eq!(strip[(27 + 2, col, 0)], 200, "{col}");
        }
        let bytes = jpeg(&strip).unwrap();
        let read = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(read.dimensions(), (85, 52));
        // The line and the ground beside it, as near as the quality has it.
        let grey = |x: u32, y: u32| i32::from(read.get_pixel(x, y).0[1]);
        assert!((grey(40, 27 + 12) - 10).abs() < 12 && (grey(40, 12) - 200).abs() < 12);
        assert!(super::strip(&Chip { line_px: vec![(1.0, 1.0)], ..chip }).is_none());
        for shape in [(0, 0, 3), (4, 4, 1), (70_000, 1, 3)] {
            let refused = jpeg(&Array3::zeros(shape));
            assert!(
                matches!(refused, Err(crate::Error::Jpeg { height, .. }) if height == shape.0),
                "{shape:?}"
            );
        }
    }
}
