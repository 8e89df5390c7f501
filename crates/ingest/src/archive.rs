//! How large an archive (KMZ) says it is when unpacked.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes that all files of an archive may have unpacked. Fronts of a year have 20 MB.
const MOST_UNPACKED: u64 = 256 << 20;
/// Files in an archive, at most.
const MOST_FILES: usize = 10_000;
/// An archive's list of files ends with a record of 22 bytes and a remark of up to 65,535.
const END: u64 = 22 + 65_535;

/// Refuses an archive that unpacks to more than memory should hold; anything else passes.
///
/// The sizes are those that the archive's list of files states; GDAL unpacks no more of a file than that.
///
/// # Errors
/// A sentence on what is wrong with the archive.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let Ok(mut file) = File::open(path) else { return Ok(()) };
    let mut magic = [0; 4];
    if file.read_exact(&mut magic).is_err() || &magic != b"PK\x03\x04" {
        return Ok(());
    }
    let unreadable = || "the archive's list of files cannot be read; pack it anew".to_owned();
    let length = file.metadata().map_err(|e| e.to_string())?.len();
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(END))).map_err(|e| e.to_string())?;
    file.read_to_end(&mut end).map_err(|e| e.to_string())?;
    let at = end.windows(4).rposition(|w| w == b"PK\x05\x06").ok_or_else(unreadable)?;
    let number = |bytes: &[u8], at: usize, n: usize| -> Option<u64> {
        let part = bytes.get(at..at + n)?;
        Some(part.iter().rev().fold(0, |sum, &b| sum << 8 | u64::from(b)))
    };
    let files = number(&end, at + 10, 2).ok_or_else(unreadable)? as usize;
    let (size, start) = (number(&end, at + 12, 4), number(&end, at + 16, 4));
    let (size, start) = size.zip(start).ok_or_else(unreadable)?;
    if files > MOST_FILES || size > 64 << 20 {
        return Err(format!("the archive holds more than {MOST_FILES} files; take out the one that matters"));
    }
    let mut list = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(|e| e.to_string())?;
    file.take(size).read_to_end(&mut list).map_err(|e| e.to_string())?;
    let (mut at, mut unpacked) = (0, 0_u64);
    for _ in 0..files {
        let entry = list.get(at..).filter(|l| l.starts_with(b"PK\x01\x02")).ok_or_else(unreadable)?;
        let part = |at: usize, n: usize| number(entry, at, n).ok_or_else(unreadable);
        unpacked = unpacked.saturating_add(part(24, 4)?);
        at += 46 + (part(28, 2)? + part(30, 2)? + part(32, 2)?) as usize;
    }
    if unpacked > MOST_UNPACKED {
        return Err(format!(
            "the archive would unpack to {} MB, more than {}; take out what does not belong to it",
            unpacked >> 20,
            MOST_UNPACKED >> 20
        ));
    }
    Ok(())
}
