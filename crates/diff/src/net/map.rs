//! Feature maps: pixels with channels, in a rim of zeros.

use std::ops::Range;

use multiversion::multiversion;

use super::dot::Number;

/// `rows × cols` pixels of `channels` whole numbers each, the channels of a pixel side by side, in a rim of one pixel of
/// zeros.
#[derive(Clone, Debug, Default)]
pub struct Map<N> {
    rows: usize,
    cols: usize,
    channels: usize,
    data: Vec<N>,
}

/// Rows and columns of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// From the first row to one past the last.
    pub rows: Range<usize>,
    /// From the first column to one past the last.
    pub cols: Range<usize>,
}

impl Region {
    /// With one pixel more on every side, within `shape`.
    pub fn grown(&self, shape: (usize, usize)) -> Self {
        let more = |r: &Range<usize>, end: usize| r.start.saturating_sub(1)..(r.end + 1).min(end);
        Self { rows: more(&self.rows, shape.0), cols: more(&self.cols, shape.1) }
    }

    /// The 2 × 2 pixels of each of its own, within `shape`.
    pub fn doubled(&self, shape: (usize, usize)) -> Self {
        let twice = |r: &Range<usize>, end: usize| 2 * r.start..(2 * r.end).min(end);
        Self { rows: twice(&self.rows, shape.0), cols: twice(&self.cols, shape.1) }
    }

    /// The pixels that cover it, each 2 × 2 of these.
    pub fn halved(&self) -> Self {
        let half = |r: &Range<usize>| r.start / 2..r.end.div_ceil(2);
        Self { rows: half(&self.rows), cols: half(&self.cols) }
    }
}

impl<N: Number> Map<N> {
    /// A map of this shape with a rim of zeros. Its pixels are anything: they are there to be written over.
    pub fn reshape(&mut self, rows: usize, cols: usize, channels: usize) {
        if (rows, cols, channels) == (self.rows, self.cols, self.channels) {
            return;
        }
        (self.rows, self.cols, self.channels) = (rows, cols, channels);
        let stride = (cols + 2) * channels;
        let nothing = N::default();
        self.data.resize((rows + 2) * stride, nothing);
        self.data[..stride].fill(nothing);
        self.data[(rows + 1) * stride..].fill(nothing);
        for row in self.data.chunks_exact_mut(stride) {
            row[..channels].fill(nothing);
            row[stride - channels..].fill(nothing);
        }
    }

    /// `(rows, cols)` without the rim.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// All of it, without the rim.
    pub fn whole(&self) -> Region {
        Region { rows: 0..self.rows, cols: 0..self.cols }
    }

    /// Numbers of a pixel.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Row `r` without its rim.
    pub fn row(&self, r: usize) -> &[N] {
        let (stride, at) = self.place(r);
        &self.data[at..at + stride - 2 * self.channels]
    }

    /// Row `r` without its rim, to be written.
    pub fn row_mut(&mut self, r: usize) -> &mut [N] {
        let (stride, at) = self.place(r);
        &mut self.data[at..at + stride - 2 * self.channels]
    }

    /// The rows above, at and below row `r`, each with its rim.
    pub fn three(&self, r: usize) -> [&[N]; 3] {
        let stride = (self.cols + 2) * self.channels;
        [r, r + 1, r + 2].map(|i| &self.data[i * stride..(i + 1) * stride])
    }

    /// Length of a row with its rim, and where row `r` begins.
    fn place(&self, r: usize) -> (usize, usize) {
        let stride = (self.cols + 2) * self.channels;
        (stride, (r + 1) * stride + self.channels)
    }
}

impl Map<u8> {
    /// The highest of each 2 × 2 pixels of `of`.
    pub fn pool(&mut self, of: &Self) {
        let n = of.channels;
        self.reshape(of.rows / 2, of.cols / 2, n);
        for r in 0..self.rows {
            highest(self.row_mut(r), of.row(2 * r), of.row(2 * r + 1), n);
        }
    }

    /// Adds `coarse`, each of whose pixels covers 2 × 2 of this, within a region, up to the largest number there is.
    pub fn add_enlarged(&mut self, coarse: &Self, within: &Region) {
        let n = self.channels;
        for r in within.rows.clone() {
            let own = &mut self.row_mut(r)[within.cols.start * n..within.cols.end * n];
            add_twice(own, coarse.row(r / 2), within.cols.start, n);
        }
    }
}

/// Of each two pixels of both rows the highest, channel by channel.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn highest(out: &mut [u8], above: &[u8], below: &[u8], n: usize) {
    let pairs = above.chunks_exact(2 * n).zip(below.chunks_exact(2 * n));
    for (out, (above, below)) in out.chunks_exact_mut(n).zip(pairs) {
        let ((a, b), (c, d)) = (above.split_at(n), below.split_at(n));
        for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *out = *a.max(b).max(c.max(d));
        }
    }
}

/// Adds the pixels of `coarse`, each twice, to those from column `first` on.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2"))]
fn add_twice(own: &mut [u8], coarse: &[u8], first: usize, n: usize) {
    for (c, own) in own.chunks_exact_mut(n).enumerate() {
        let at = (first + c) / 2 * n;
        own.iter_mut().zip(&coarse[at..at + n]).for_each(|(own, v)| *own = own.saturating_add(*v));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_of_four_stays_and_comes_back_four_times() {
        let mut fine = Map::default();
        fine.reshape(2, 4, 2);
        fine.row_mut(0).copy_from_slice(&[1, 8, 2, 7, 3, 6, 4, 5]);
        fine.row_mut(1).copy_from_slice(&[0, 0, 5, 0, 0, 9, 0, 0]);
        let mut coarse = Map::default();
        coarse.pool(&fine);
        assert_eq!(coarse.row(0), [5, 8, 4, 9]);
        fine.add_enlarged(&coarse, &fine.whole());
        assert_eq!(fine.row(0), [6, 16, 7, 15, 7, 15, 8, 14]);
        coarse.row_mut(0).fill(250);
        fine.add_enlarged(&coarse, &fine.whole());
        assert_eq!(fine.row(0)[..4], [255; 4], "no number turns over");
        assert_eq!(fine.three(0)[0], [0; 12]);
    }

    #[test]
    fn another_shape_has_a_rim_of_zeros_too() {
        let mut map = Map::<i16>::default();
        map.reshape(4, 5, 2);
        (0..4).for_each(|r| map.row_mut(r).fill(7));
        map.reshape(3, 2, 4);
        (0..3).for_each(|r| map.row_mut(r).fill(9));
        let [above, at, _] = map.three(0);
        assert_eq!(above, [0; 16]);
        assert_eq!((&at[..4], &at[4..12], &at[12..]), (&[0; 4][..], &[9; 8][..], &[0; 4][..]));
        assert_eq!(map.three(2)[2], [0; 16]);
    }
}
