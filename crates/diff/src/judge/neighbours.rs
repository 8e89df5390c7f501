//! What other lines run near: a furrow is never alone, a rut has its twin.

use std::collections::BTreeMap;

use crate::trace::Line;

/// How far is looked, metres.
const REACH_M: f64 = 40.0;
/// Between two places of a line that are kept, metres.
const STEP_M: f64 = 4.0;
/// Lines closer than this may be the same thing seen at two scales, metres.
const APART_M: f64 = 4.0;
/// How far along a parallel place may lie, metres.
const BESIDE_M: f64 = 8.0;

/// A place on a line and its heading there.
type Place = ((f64, f64), (f64, f64), usize);

/// Places of all lines of a pair, by cell.
pub(crate) struct Neighbours {
    cell_px: f64,
    pixel_m: f64,
    cells: BTreeMap<(i64, i64), Vec<Place>>,
}

impl Neighbours {
    /// The places of `lines` on a grid of `pixel_m`; a line is known by its index.
    pub(crate) fn of(lines: &[Line], pixel_m: f64) -> Self {
        let mut all = Self { cell_px: REACH_M / pixel_m, pixel_m, cells: BTreeMap::new() };
        // Vertices are about a metre apart.
        let step = STEP_M as usize;
        for (index, line) in lines.iter().enumerate() {
            let v = &line.vertices;
            for i in (0..v.len()).step_by(step) {
                let (a, b) = (v[i.saturating_sub(step)], v[(i + step).min(v.len() - 1)]);
                let d = (b.0 - a.0).hypot(b.1 - a.1).max(1e-9);
                let heading = ((b.0 - a.0) / d, (b.1 - a.1) / d);
                all.cells.entry(all.cell(v[i])).or_default().push((v[i], heading, index));
            }
        }
        all
    }

    fn cell(&self, p: (f64, f64)) -> (i64, i64) {
        ((p.0 / self.cell_px).floor() as i64, (p.1 / self.cell_px).floor() as i64)
    }

    /// Places of lines other than `own` that run parallel beside a place, and all within [`REACH_M`].
    pub(crate) fn count(&self, at: (f64, f64), heading: (f64, f64), own: usize) -> (u32, u32) {
        let (row, col) = self.cell(at);
        let (mut parallel, mut near) = (0, 0);
        let around = (-1..=1).flat_map(|i| (-1..=1).map(move |j| (row + i, col + j)));
        for &(p, h, _) in around.filter_map(|c| self.cells.get(&c)).flatten().filter(|p| p.2 != own) {
            let d = ((p.0 - at.0) * self.pixel_m, (p.1 - at.1) * self.pixel_m);
            if d.0.hypot(d.1) > REACH_M {
                continue;
            }
            near += 1;
            let along = (d.0 * heading.0 + d.1 * heading.1).abs();
            let across = (d.0 * heading.1 - d.1 * heading.0).abs();
            let cosine = (h.0 * heading.0 + h.1 * heading.1).abs();
            parallel += u32::from(cosine > 0.94 && along < BESIDE_M && across > APART_M);
        }
        (parallel, near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line_gain::Scale;

    #[test]
    fn a_parallel_line_counts_and_ones_own_does_not() {
        let line = |row: f64| Line {
            scale: Scale::Narrow,
            vertices: (0..80).map(|i| (row, 100.0 + f64::from(i))).collect(),
            gain: 5.0,
        };
        let all = Neighbours::of(&[line(100.0), line(110.0), line(400.0)], 1.0);
        let (parallel, near) = all.count((100.0, 140.0), (0.0, 1.0), 0);
        assert!((3..=4).contains(&parallel), "{parallel}");
        assert!((18..=20).contains(&near), "{near}");
        assert_eq!(all.count((400.0, 140.0), (0.0, 1.0), 2), (0, 0));
    }
}
