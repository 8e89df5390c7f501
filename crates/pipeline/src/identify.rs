//! Names of earthworks that stay when the program runs again.

use domain::{Capture, Grid, Pixel};

/// FNV-1a, 64 bits (Fowler, Noll, Vo), with a final mix so that every digit depends on every byte. Written out
/// because the standard library's hasher may change between releases, and names must not.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut h = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    h ^= h >> 33;
    h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
    h ^ (h >> 33)
}

/// The name of a line first seen in `later`: `FW-` and ten hexadecimal digits.
///
/// It follows from the later capture and the ground under the ends and the middle of the line, to the metre; not
/// from its class or confidence, nor from what else was found, nor from the direction in which it was traced.
pub(crate) fn id(later: &Capture, grid: &Grid, centreline: &[Pixel]) -> String {
    let metre = |p: Pixel| {
        let g = grid.affine.ground(p);
        (g.x.round() as i64, g.y.round() as i64)
    };
    let mut text = format!("{}|{}", later.id, later.datetime.timestamp());
    if let (Some(&first), Some(&last)) = (centreline.first(), centreline.last()) {
        let (a, b) = (metre(first), metre(last));
        let middle = metre(middle(centreline));
        for (x, y) in [a.min(b), middle, a.max(b)] {
            text.push_str(&format!("|{x},{y}"));
        }
    }
    format!("FW-{:010x}", hash(text.as_bytes()) >> 24)
}

/// The point halfway along a line that is not empty, else the origin.
fn middle(line: &[Pixel]) -> Pixel {
    let length = |w: &[Pixel]| (w[1].row - w[0].row).hypot(w[1].col - w[0].col);
    let mut rest = line.windows(2).map(length).sum::<f64>() / 2.0;
    for w in line.windows(2) {
        let here = length(w);
        if here > 0.0 && rest <= here {
            let t = rest / here;
            return Pixel {
                row: w[0].row + t * (w[1].row - w[0].row),
                col: w[0].col + t * (w[1].col - w[0].col),
            };
        }
        rest -= here;
    }
    line.last().copied().unwrap_or_default()
}

/// Makes names unique: the second bearer of one becomes `FW-…-2`. The order of `ids` decides who is second.
pub(crate) fn make_unique<'a>(ids: impl Iterator<Item = &'a mut String>) {
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for id in ids {
        let count = seen.entry(id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            *id = format!("{id}-{count}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_halfway_along() {
        let line = [(0.0, 0.0), (0.0, 6.0), (2.0, 6.0)].map(|(row, col)| Pixel { row, col });
        assert_eq!(middle(&line), Pixel { row: 0.0, col: 4.0 });
        assert_eq!(middle(&line[..1]), line[0]);
    }

    #[test]
    fn names_become_unique() {
        let mut ids = ["a", "b", "a", "a"].map(str::to_owned);
        make_unique(ids.iter_mut());
        assert_eq!(ids, ["a", "b", "a-2", "a-3"]);
    }

    #[test]
    fn the_hash_is_the_published_one_but_for_the_final_mix() {
        // FNV-1a of nothing is its offset basis; one byte changes it all.
        assert_ne!(hash(b""), hash(b"a"));
        assert_eq!(hash(b"a"), hash(b"a"));
    }
}
