//! Feature maps: pixels with channels, in a rim of zeros.

/// `rows × cols` pixels of `channels` numbers each, the channels of a pixel side by side, in a rim of one pixel of zeros.
#[derive(Clone, Debug, Default)]
pub struct Map {
    rows: usize,
    cols: usize,
    channels: usize,
    data: Vec<f32>,
}

impl Map {
    /// A map of this shape with a rim of zeros. Its pixels are zeros, or what they were where the shape is the same: they
    /// are there to be written over.
    pub fn reshape(&mut self, rows: usize, cols: usize, channels: usize) {
        if (rows, cols, channels) != (self.rows, self.cols, self.channels) {
            (self.rows, self.cols, self.channels) = (rows, cols, channels);
            self.data.clear();
            self.data.resize((rows + 2) * (cols + 2) * channels, 0.0);
        }
    }

    /// `(rows, cols)` without the rim.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// Numbers of a pixel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Row `r` without its rim.
    pub fn row(&self, r: usize) -> &[f32] {
        let (stride, at) = self.place(r);
        &self.data[at..at + stride - 2 * self.channels]
    }

    /// Row `r` without its rim, to be written.
    pub fn row_mut(&mut self, r: usize) -> &mut [f32] {
        let (stride, at) = self.place(r);
        &mut self.data[at..at + stride - 2 * self.channels]
    }

    /// The rows above, at and below row `r`, each with its rim.
    pub fn three(&self, r: usize) -> [&[f32]; 3] {
        let stride = (self.cols + 2) * self.channels;
        [r, r + 1, r + 2].map(|i| &self.data[i * stride..(i + 1) * stride])
    }

    /// Length of a row with its rim, and where row `r` begins.
    fn place(&self, r: usize) -> (usize, usize) {
        let stride = (self.cols + 2) * self.channels;
        (stride, (r + 1) * stride + self.channels)
    }

    /// The highest of each 2 × 2 pixels of `of`.
    pub fn pool(&mut self, of: &Map) {
        let n = of.channels;
        self.reshape(of.rows / 2, of.cols / 2, n);
        for r in 0..self.rows {
            let (above, below) = (of.row(2 * r), of.row(2 * r + 1));
            for (c, out) in self.row_mut(r).chunks_exact_mut(n).enumerate() {
                let at = 2 * c * n;
                for (k, out) in out.iter_mut().enumerate() {
                    let pair = |row: &[f32]| higher(row[at + k], row[at + n + k]);
                    *out = higher(pair(above), pair(below));
                }
            }
        }
    }

    /// Adds `coarse`, each of whose pixels covers 2 × 2 of this.
    pub fn add_enlarged(&mut self, coarse: &Map) {
        let n = self.channels;
        for r in 0..self.rows {
            let from = coarse.row(r / 2);
            for (c, out) in self.row_mut(r).chunks_exact_mut(n).enumerate() {
                let at = c / 2 * n;
                for (out, v) in out.iter_mut().zip(&from[at..at + n]) {
                    *out += v;
                }
            }
        }
    }
}

fn higher(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_four_stays_and_comes_back_four_times() {
        let mut fine = Map::default();
        fine.reshape(2, 4, 2);
        fine.row_mut(0).copy_from_slice(&[1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0]);
        fine.row_mut(1).copy_from_slice(&[0.0, 0.0, 5.0, 0.0, 0.0, 9.0, 0.0, 0.0]);
        let mut coarse = Map::default();
        coarse.pool(&fine);
        assert_eq!(coarse.row(0), [5.0, 8.0, 4.0, 9.0]);
        fine.add_enlarged(&coarse);
        assert_eq!(fine.row(0), [6.0, 16.0, 7.0, 15.0, 7.0, 15.0, 8.0, 14.0]);
        assert_eq!(fine.three(0)[0], [0.0; 12]);
    }
}
