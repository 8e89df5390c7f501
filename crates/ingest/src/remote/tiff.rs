//! Which bytes of a TIFF tell everything but its pixels: its directories and what they point to.
//!
//! Cloud-optimised files have all of it at their beginning; others anywhere, most at their end.

use std::collections::BTreeSet;
use std::ops::Range;

/// Directories that are followed: image, mask, overviews of both.
const MOST_DIRECTORIES: usize = 200;
/// Bytes of what directories point to, at most: lists of tiles of an image as large as is allowed take 20 MB.
const MOST_BYTES: u64 = 64 << 20;
/// Tags whose values are directories of their own: `SubIFDs`, EXIF.
const DIRECTORIES: [u16; 2] = [330, 34665];

/// What is at hand of a file.
pub(crate) trait Bytes {
    /// Bytes at a place; `None` where they are not at hand, or not in the file.
    fn at(&mut self, range: Range<u64>) -> Option<Vec<u8>>;
}

/// What more is needed of a TIFF of `length` bytes, sorted and joined; empty once all is at hand, and for what is no TIFF.
pub(crate) fn lacking(file: &mut impl Bytes, length: u64) -> Vec<Range<u64>> {
    let mut needed = Vec::new();
    if let Some(reader) = Reader::new(file) {
        reader.walk(file, length, &mut needed);
    }
    joined(needed)
}

#[derive(Clone, Copy)]
struct Reader {
    big_endian: bool,
    /// BigTIFF.
    big: bool,
    first: u64,
}

impl Reader {
    fn new(file: &mut impl Bytes) -> Option<Self> {
        let head = file.at(0..8)?;
        let big_endian = match &head[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return None,
        };
        let mut reader = Self { big_endian, big: false, first: 0 };
        match reader.number(&head[2..4]) {
            42 => reader.first = reader.number(&head[4..8]),
            43 => {
                reader.big = true;
                reader.first = reader.number(&file.at(8..16)?);
            }
            _ => return None,
        }
        Some(reader)
    }

    fn number(self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, b: &u8| sum << 8 | u64::from(*b);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }

    fn walk(self, file: &mut impl Bytes, length: u64, needed: &mut Vec<Range<u64>>) {
        let (count_bytes, entry_bytes, link_bytes) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let (mut waiting, mut seen, mut total) = (vec![self.first], BTreeSet::new(), 0_u64);
        // A range that is at hand, or one more that is needed.
        let mut get = |range: Range<u64>, needed: &mut Vec<Range<u64>>| -> Option<Vec<u8>> {
            total = total.saturating_add(range.end - range.start);
            if range.end > length || total > MOST_BYTES {
                return None;
            }
            let found = file.at(range.clone());
            if found.is_none() {
                needed.push(range);
            }
            found
        };
        while let Some(at) = waiting.pop() {
            if at < 8 || seen.len() >= MOST_DIRECTORIES || !seen.insert(at) {
                continue;
            }
            let Some(count) = at.checked_add(count_bytes).and_then(|end| get(at..end, needed)) else {
                continue;
            };
            let count = self.number(&count);
            if count > 4096 {
                continue;
            }
            let start = at + count_bytes;
            let Some(entries) = get(start..start.saturating_add(count * entry_bytes + link_bytes), needed)
            else {
                continue;
            };
            let (list, link) = entries.split_at((count * entry_bytes) as usize);
            for entry in list.chunks_exact(entry_bytes as usize) {
                let tag = self.number(&entry[..2]) as u16;
                let size = match self.number(&entry[2..4]) {
                    1 | 2 | 6 | 7 => 1,
                    3 | 8 => 2,
                    4 | 9 | 11 | 13 => 4,
                    5 | 10 | 12 | 16 | 17 | 18 => 8,
                    _ => continue,
                };
                let (count, value) =
                    if self.big { (&entry[4..12], &entry[12..]) } else { (&entry[4..8], &entry[8..]) };
                let bytes = self.number(count).saturating_mul(size);
                let inside = bytes <= value.len() as u64;
                let values = if inside {
                    Some(value[..bytes as usize].to_vec())
                } else {
                    let at = self.number(value);
                    at.checked_add(bytes).and_then(|end| get(at..end, needed))
                };
                if DIRECTORIES.contains(&tag)
                    && let Some(values) = values
                {
                    waiting.extend(values.chunks_exact(size as usize).map(|v| self.number(v)));
                }
            }
            waiting.push(self.number(link));
        }
    }
}

/// Ranges sorted, and those that lie within 4 KiB of each other as one: a request costs more than a few bytes.
fn joined(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.retain(|r| !r.is_empty());
    ranges.sort_by_key(|r| (r.start, r.end));
    let mut out: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(4096) => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// As the fuzz targets call it: [`lacking`] of a file of which all is at hand, and of one of which nothing more is.
pub(crate) fn probe(bytes: &[u8], length: u64) -> usize {
    struct All<'a>(&'a [u8]);
    impl Bytes for All<'_> {
        fn at(&mut self, range: Range<u64>) -> Option<Vec<u8>> {
            self.0
                .get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
                .map(<[u8]>::to_vec)
        }
    }
    lacking(&mut All(bytes), length).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Part(Vec<u8>, u64);
    impl Bytes for Part {
        fn at(&mut self, range: Range<u64>) -> Option<Vec<u8>> {
            (range.end <= self.1).then(|| self.0[range.start as usize..range.end as usize].to_vec())
        }
    }

    /// Two directories, the first with a value that lies apart.
    fn file() -> Vec<u8> {
        let mut out = b"II*\0".to_vec();
        out.extend(10_000_u32.to_le_bytes());
        out.resize(10_000, 0);
        // One entry: 600 longs at 20,000; the next directory at 30,000.
        out.extend([1, 0, 0x44, 1, 4, 0]);
        out.extend(600_u32.to_le_bytes());
        out.extend(20_000_u32.to_le_bytes());
        out.extend(30_000_u32.to_le_bytes());
        out.resize(30_000, 0);
        // None, and no next one.
        out.extend([0; 6]);
        out
    }

    #[test]
    fn directories_are_followed_step_by_step() {
        let length = file().len() as u64;
        let ends = |r: Range<u64>| (r.start, r.end);
        let with =
            |n| lacking(&mut Part(file(), n), length).into_iter().map(ends).collect::<Vec<(u64, u64)>>();
        assert_eq!(with(4), []);
        assert_eq!(with(8), [(10_000, 10_002)]);
        assert_eq!(with(10_002), [(10_002, 10_018)]);
        assert_eq!(with(10_018), [(20_000, 22_400), (30_000, 30_002)]);
        assert_eq!(with(length), []);
    }

    #[test]
    fn a_directory_that_leads_to_itself_ends() {
        let mut loops = file();
        loops[10_014..10_018].copy_from_slice(&10_000_u32.to_le_bytes());
        assert_eq!(lacking(&mut Part(loops.clone(), 40_000), loops.len() as u64), []);
        assert_eq!(lacking(&mut Part(b"PK\x03\x04 no TIFF".to_vec(), 12), 12), []);
    }

    #[test]
    fn what_lies_beyond_the_end_is_not_asked_for() {
        assert_eq!(lacking(&mut Part(file(), 10_018), 15_000), []);
    }
}
