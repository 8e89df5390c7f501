//! Means along a line, over any window, at the cost of two look-ups.

/// Running sums of one figure along the stations of a line. NaN weighs nothing.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Sum, sum of squares and count of all before each station.
    before: Vec<(f64, f64, u32)>,
}

impl Series {
    /// The series of `values`, one a station.
    pub(super) fn new(values: impl Iterator<Item = f32>) -> Self {
        let (mut sum, mut square, mut count) = (0.0f64, 0.0f64, 0u32);
        let mut before = vec![(0.0, 0.0, 0)];
        before.extend(values.map(|v| {
            if !v.is_nan() {
                let v = f64::from(v);
                (sum, square, count) = (sum + v, square + v * v, count + 1);
            }
            (sum, square, count)
        }));
        Self { before }
    }

    fn window(&self, centre: usize, half: usize) -> Option<(f64, f64)> {
        let end = (centre + half + 1).min(self.before.len() - 1);
        let (a, b) = (self.before[centre.saturating_sub(half).min(end)], self.before[end]);
        let n = f64::from(b.2 - a.2);
        (n > 0.0).then(|| ((b.0 - a.0) / n, (b.1 - a.1) / n))
    }

    /// Mean over `half` stations either way; 0 where nothing is known.
    pub(super) fn mean(&self, centre: usize, half: usize) -> f32 {
        self.window(centre, half).map_or(0.0, |w| w.0 as f32)
    }

    /// Standard deviation over `half` stations either way; 0 where nothing is known.
    pub(super) fn spread(&self, centre: usize, half: usize) -> f32 {
        self.window(centre, half).map_or(0.0, |(m, m2)| (m2 - m * m).max(0.0).sqrt() as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_at_the_ends_and_gaps_weigh_nothing() {
        let s = Series::new([1.0, 3.0, f32::NAN, 5.0].into_iter());
        assert_eq!(s.mean(0, 1), 2.0);
        assert_eq!(s.mean(2, 1), 4.0);
        assert_eq!(s.spread(0, 1), 1.0);
        assert_eq!(s.mean(2, 0), 0.0);
        assert_eq!(s.mean(3, 100), 3.0);
    }
}
