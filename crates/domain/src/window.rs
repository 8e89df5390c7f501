//! Rectangles of whole pixels.

use serde::{Deserialize, Serialize};

/// A rectangle of whole pixels of one grid: first row and column, then the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// First row.
    pub row: usize,
    /// First column.
    pub col: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
}

impl Window {
    /// A window from its first row and column and its shape.
    pub fn new(row: usize, col: usize, rows: usize, cols: usize) -> Self {
        Self { row, col, rows, cols }
    }

    /// One past the last row.
    pub fn row_end(&self) -> usize {
        self.row + self.rows
    }

    /// One past the last column.
    pub fn col_end(&self) -> usize {
        self.col + self.cols
    }

    /// The part that `other` covers too; empty where they do not meet.
    pub fn intersection(&self, other: Self) -> Self {
        let (row, col) = (self.row.max(other.row), self.col.max(other.col));
        let rows = self.row_end().min(other.row_end()).saturating_sub(row);
        let cols = self.col_end().min(other.col_end()).saturating_sub(col);
        Self { row, col, rows, cols }
    }

    /// True where no pixel is inside.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 || self.cols == 0
    }

    /// The window grown by `halo_px` on every side, cut at an image of `(rows, cols)`.
    pub fn grown(&self, halo_px: usize, (rows, cols): (usize, usize)) -> Self {
        let (row, col) = (self.row.saturating_sub(halo_px), self.col.saturating_sub(halo_px));
        let (row_end, col_end) = ((self.row_end() + halo_px).min(rows), (self.col_end() + halo_px).min(cols));
        Self { row, col, rows: row_end.saturating_sub(row), cols: col_end.saturating_sub(col) }
    }

    /// The smallest window around this one whose edges are multiples of `step_px`, cut at an image of
    /// `(rows, cols)`.
    pub fn snapped(&self, step_px: usize, (rows, cols): (usize, usize)) -> Self {
        let (row, col) = (self.row / step_px * step_px, self.col / step_px * step_px);
        let row_end = self.row_end().next_multiple_of(step_px).min(rows);
        let col_end = self.col_end().next_multiple_of(step_px).min(cols);
        Self { row, col, rows: row_end.saturating_sub(row), cols: col_end.saturating_sub(col) }
    }

    /// Windows of at most `size_px` on a side that tile an image of `(rows, cols)`, row by row.
    pub fn tiling((rows, cols): (usize, usize), size_px: usize) -> Vec<Self> {
        let size_px = size_px.max(1);
        (0..rows)
            .step_by(size_px)
            .flat_map(|row| (0..cols).step_by(size_px).map(move |col| (row, col)))
            .map(|(row, col)| Self::new(row, col, size_px.min(rows - row), size_px.min(cols - col)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halo_is_cut_at_the_image() {
        assert_eq!(Window::new(0, 10, 4, 5).grown(3, (20, 16)), Window::new(0, 7, 7, 9));
    }

    #[test]
    fn snapping_grows_to_multiples() {
        assert_eq!(Window::new(5, 17, 4, 20).snapped(8, (40, 36)), Window::new(0, 16, 16, 20));
    }

    #[test]
    fn a_tiling_covers_every_pixel_once() {
        let mut seen = ndarray::Array2::<u8>::zeros((7, 10));
        for w in Window::tiling((7, 10), 4) {
            seen.slice_mut(ndarray::s![w.row..w.row_end(), w.col..w.col_end()]).mapv_inplace(|n| n + 1);
        }
        assert!(seen.iter().all(|&n| n == 1));
    }
}
