//! Squares that touch, put together.

/// A square of ground, in rows and columns of squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cell {
    pub(crate) row: u32,
    pub(crate) col: u32,
}

/// Those of `cells` that touch, at a side or at a corner, at least `least` together; sorted. No cell comes twice.
pub(crate) fn linked(mut cells: Vec<Cell>, least: usize) -> Vec<Cell> {
    cells.sort_unstable();
    let mut sets = Sets { above: (0..cells.len() as u32).collect() };
    // The first of the row above that is not left of the one at hand.
    let mut up = 0;
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 && cells[i - 1].row == cell.row && cells[i - 1].col + 1 == cell.col {
            sets.join(i - 1, i);
        }
        while up < i && (cells[up].row + 1, cells[up].col + 1) < (cell.row, cell.col) {
            up += 1;
        }
        let touching =
            cells[up..i].iter().take_while(|c| c.row + 1 == cell.row && c.col <= cell.col + 1).count();
        (up..up + touching).for_each(|k| sets.join(k, i));
    }
    let mut sizes = vec![0usize; cells.len()];
    (0..cells.len()).for_each(|i| sizes[sets.first(i)] += 1);
    let mut i = 0;
    cells.retain(|_| {
        i += 1;
        sizes[sets.first(i - 1)] >= least
    });
    cells
}

/// Disjoint sets (Tarjan 1975, J. ACM 22(2)): each item knows one above it, the first of a set itself.
struct Sets {
    above: Vec<u32>,
}

impl Sets {
    fn first(&mut self, mut i: usize) -> usize {
        while self.above[i] as usize != i {
            self.above[i] = self.above[self.above[i] as usize];
            i = self.above[i] as usize;
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.above[a.max(b)] = a.min(b) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(picture: &[&str]) -> Vec<Cell> {
        let of = |(row, line): (usize, &&str)| -> Vec<Cell> {
            let marked = line.char_indices().filter(|(_, c)| *c != '.');
            marked.map(|(col, _)| Cell { row: row as u32, col: col as u32 }).collect()
        };
        picture.iter().enumerate().flat_map(of).collect()
    }

    #[test]
    fn what_touches_counts_together_and_what_stands_alone_is_dropped() {
        let picture = ["a..bb....", ".a....c.d", "..a..c.d.", "......c..", "ee.......", ".e.....ff"];
        let mut cells = drawn(&picture);
        cells.reverse();
        let kept = linked(cells.clone(), 3);
        let expected = drawn(&["a........", ".a....c.d", "..a..c.d.", "......c..", "ee.......", ".e......."]);
        assert_eq!(kept, expected);
        assert_eq!(linked(cells.clone(), 1).len(), 15);
        assert!(linked(cells, 6).is_empty());
        assert!(linked(vec![], 1).is_empty());
    }

    #[test]
    fn two_arms_that_meet_at_the_end_are_one() {
        assert_eq!(linked(drawn(&["a...a", "a...a", "a...a", ".aaa."]), 9).len(), 9);
        assert_eq!(linked(drawn(&["a.a.a.a", ".......", "a.a.a.a"]), 2), []);
    }
}
