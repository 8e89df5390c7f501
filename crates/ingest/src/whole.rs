//! Whether a file is all there, as far as its container says how long it is.
//!
//! GDAL opens many a file whose end a download lost, and reads zeros from it or fails hours into a run.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::format::Format;

/// Boxes of a JPEG 2000 file that are looked at.
const MOST_BOXES: usize = 1000;

/// Why a file is not whole, a sentence without a full stop; `None` where nothing speaks against it.
pub(crate) fn lacks(path: &Path, format: Format) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let needed = match format {
        Format::Nitf => nitf(&mut file),
        Format::MbTiles | Format::GeoPackage => sqlite(&mut file),
        Format::Jp2 => jp2(&mut file, length),
        Format::Png => ends_with(&mut file, length, 12, b"IEND"),
        Format::Jpeg => ends_with(&mut file, length, 4096, &[0xff, 0xd9]),
        _ => None,
    }?;
    (needed > length)
        .then(|| format!("the file is truncated: {length} bytes of {needed} or more; download it again"))
}

/// `N` bytes at a place.
fn bytes<const N: usize>(file: &mut File, at: u64) -> Option<[u8; N]> {
    let mut buffer = [0; N];
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(&mut buffer).ok()?;
    Some(buffer)
}

/// The length that a NITF 2.1 header states; 0 where it is left open.
fn nitf(file: &mut File) -> Option<u64> {
    let head: [u8; 9] = bytes(file, 0)?;
    if &head != b"NITF02.10" && &head != b"NSIF01.00" {
        return None;
    }
    let stated: u64 = std::str::from_utf8(&bytes::<12>(file, 342)?).ok()?.parse().ok()?;
    (stated < 999_999_999_999).then_some(stated)
}

/// Pages of an SQLite database.
fn sqlite(file: &mut File) -> Option<u64> {
    let head: [u8; 32] = bytes(file, 0)?;
    if !head.starts_with(b"SQLite format 3\0") {
        return None;
    }
    let page = match u64::from(u16::from_be_bytes([head[16], head[17]])) {
        1 => 65_536,
        n => n,
    };
    Some(page * u64::from(u32::from_be_bytes([head[28], head[29], head[30], head[31]])))
}

/// The end of the codestream of a JPEG 2000 file: of its box, or of the marker that must close it.
fn jp2(file: &mut File, length: u64) -> Option<u64> {
    if bytes::<4>(file, 0)? == [0xff, 0x4f, 0xff, 0x51] {
        return closed(file, length);
    }
    let mut at = 0;
    for _ in 0..MOST_BOXES {
        let head: [u8; 8] = bytes(file, at)?;
        let size = match u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]])) {
            1 => u64::from_be_bytes(bytes(file, at + 8)?),
            n => n,
        };
        if &head[4..] == b"jp2c" {
            let end = if size == 0 { length } else { at.checked_add(size)? };
            return if end > length { Some(end) } else { closed(file, end) };
        }
        if size < 8 {
            return None;
        }
        at = at.checked_add(size)?;
        if at >= length {
            // The codestream should follow.
            return Some(length + 1);
        }
    }
    None
}

/// `end` where the marker "end of codestream" stands before it, one more where it does not.
fn closed(file: &mut File, end: u64) -> Option<u64> {
    let last: [u8; 2] = bytes(file, end.checked_sub(2)?)?;
    Some(if last == [0xff, 0xd9] { end } else { end + 1 })
}

/// `length` where `mark` stands in the last bytes, one more where it does not.
fn ends_with(file: &mut File, length: u64, last: u64, mark: &[u8]) -> Option<u64> {
    file.seek(SeekFrom::Start(length.saturating_sub(last))).ok()?;
    let mut end = Vec::new();
    file.take(last).read_to_end(&mut end).ok()?;
    Some(if end.windows(mark.len()).any(|w| w == mark) { length } else { length + 1 })
}
