//! Areas of blocks.

use ndarray::Array2;

/// Number of set blocks above and left of each corner.
struct Sums(Array2<u32>);

impl Sums {
    fn of(set: &Array2<bool>) -> Self {
        let (rows, cols) = set.dim();
        let mut sums = Array2::zeros((rows + 1, cols + 1));
        for i in 0..rows {
            let mut line = 0;
            for j in 0..cols {
                line += u32::from(set[(i, j)]);
                sums[(i + 1, j + 1)] = sums[(i, j + 1)] + line;
            }
        }
        Self(sums)
    }

    /// Set blocks of rows `i.0..i.1` and columns `j.0..j.1`.
    fn count(&self, i: (usize, usize), j: (usize, usize)) -> u32 {
        let s = &self.0;
        s[(i.1, j.1)] + s[(i.0, j.0)] - s[(i.0, j.1)] - s[(i.1, j.0)]
    }
}

/// The blocks of `set` that lie in a square of `side` × `side` set blocks: what is narrower in either direction is dropped.
pub(crate) fn opened(set: &Array2<bool>, side: usize) -> Array2<bool> {
    let (rows, cols) = set.dim();
    let mut out = Array2::from_elem((rows, cols), false);
    if side == 0 || side > rows || side > cols {
        return out;
    }
    let sums = Sums::of(set);
    let whole = |i: usize, j: usize| sums.count((i, i + side), (j, j + side)) as usize == side * side;
    let corners = Array2::from_shape_fn((rows - side + 1, cols - side + 1), |(i, j)| whole(i, j));
    // A block is kept where one of the squares that hold it is whole.
    let sums = Sums::of(&corners);
    for ((i, j), kept) in out.indexed_iter_mut() {
        let span = |at: usize, n: usize| ((at + 1).saturating_sub(side).min(n), (at + 1).min(n));
        *kept = sums.count(span(i, rows - side + 1), span(j, cols - side + 1)) > 0;
    }
    out
}

/// The blocks within `reach` blocks of a set one, along rows, columns or both.
pub(crate) fn grown(set: &Array2<bool>, reach: usize) -> Array2<bool> {
    let (rows, cols) = set.dim();
    let sums = Sums::of(set);
    Array2::from_shape_fn((rows, cols), |(i, j)| {
        let span = |at: usize, n: usize| (at.saturating_sub(reach), (at + reach + 1).min(n));
        sums.count(span(i, rows), span(j, cols)) > 0
    })
}

/// The 4-connected parts of `set` that have a block in `core`, in the order of their first block; the blocks of each sorted.
pub(crate) fn parts(set: &Array2<bool>, core: &Array2<bool>) -> Vec<Vec<(usize, usize)>> {
    let (rows, cols) = set.dim();
    let mut seen = Array2::from_elem((rows, cols), false);
    let mut out = vec![];
    for (start, _) in core.indexed_iter().filter(|(_, core)| **core) {
        if !set[start] || seen[start] {
            continue;
        }
        let mut members = vec![start];
        seen[start] = true;
        let mut next = 0;
        while let Some(&(i, j)) = members.get(next) {
            next += 1;
            for at in [(i.wrapping_sub(1), j), (i + 1, j), (i, j.wrapping_sub(1)), (i, j + 1)] {
                if set.get(at) == Some(&true) && !seen[at] {
                    seen[at] = true;
                    members.push(at);
                }
            }
        }
        members.sort_unstable();
        out.push(members);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Array2<bool> {
        let cols = lines[0].len();
        Array2::from_shape_fn((lines.len(), cols), |(i, j)| lines[i].as_bytes()[j] == b'#')
    }

    #[test]
    fn what_is_narrow_is_dropped_and_the_rest_kept_whole() {
        let set = of(&["##..####", "##....#.", "###...##", "......##"]);
        assert_eq!(opened(&set, 2), of(&["##......", "##......", "##....##", "......##"]));
        assert_eq!(opened(&set, 1), set);
        assert!(opened(&set, 3).iter().all(|v| !v));
        assert!(opened(&set, 9).iter().all(|v| !v));
    }

    #[test]
    fn growing_reaches_over_corners() {
        let set = of(&["#....", ".....", "....."]);
        assert_eq!(grown(&set, 1), of(&["##...", "##...", "....."]));
    }

    #[test]
    fn parts_are_those_with_a_core() {
        let (set, core) = (of(&["##..#", ".#..#", "...##"]), of(&["....#", ".....", "....."]));
        assert_eq!(parts(&set, &core), [vec![(0, 4), (1, 4), (2, 3), (2, 4)]]);
        assert_eq!(parts(&set, &set).len(), 2);
    }
}
