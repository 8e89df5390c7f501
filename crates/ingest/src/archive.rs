//! How large an archive (KMZ) is when unpacked: as it says, and as it is.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::DeflateDecoder;

/// Bytes that all files of an archive may have unpacked. Fronts of a year have 20 MB.
const MOST_UNPACKED: u64 = 256 << 20;
/// Files in an archive, at most.
const MOST_FILES: usize = 10_000;
/// An archive's list of files ends with a record of 22 bytes and a remark of up to 65,535.
const END: u64 = 22 + 65_535;

/// Refuses an archive that unpacks to more than memory should hold; anything else passes.
///
/// Each file is unpacked, and thrown away, as far as the archive's list says that it reaches: one that goes on is refused, so
/// that no reader depends on what the list says.
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
    (&mut file).take(size).read_to_end(&mut list).map_err(|e| e.to_string())?;
    let (mut at, mut unpacked, mut members) = (0, 0_u64, Vec::new());
    for _ in 0..files {
        let entry = list.get(at..).filter(|l| l.starts_with(b"PK\x01\x02")).ok_or_else(unreadable)?;
        let part = |at: usize, n: usize| number(entry, at, n).ok_or_else(unreadable);
        unpacked = unpacked.saturating_add(part(24, 4)?);
        members.push(Member {
            method: part(10, 2)?,
            packed: part(20, 4)?,
            unpacked: part(24, 4)?,
            at: part(42, 4)?,
        });
        at += 46 + (part(28, 2)? + part(30, 2)? + part(32, 2)?) as usize;
    }
    if unpacked > MOST_UNPACKED {
        return Err(format!(
            "the archive would unpack to {} MB, more than {}; take out what does not belong to it",
            unpacked >> 20,
            MOST_UNPACKED >> 20
        ));
    }
    for member in &members {
        if member
            .goes_on(&mut file)
            .map_err(|e| format!("a file of the archive cannot be unpacked: {e}; pack it anew"))?
        {
            return Err(format!(
                "a file of the archive unpacks to more than the {} bytes that its list says; it is damaged or meant to do harm",
                member.unpacked
            ));
        }
    }
    Ok(())
}

/// A file of an archive, as its list has it.
struct Member {
    method: u64,
    packed: u64,
    unpacked: u64,
    at: u64,
}

impl Member {
    /// True where it unpacks to more than the list says.
    fn goes_on(&self, file: &mut File) -> std::io::Result<bool> {
        const STORED: u64 = 0;
        const DEFLATED: u64 = 8;
        let mut head = [0; 30];
        file.seek(SeekFrom::Start(self.at))?;
        file.read_exact(&mut head)?;
        if !head.starts_with(b"PK\x03\x04") {
            return Err(std::io::Error::other("it is not where the list says"));
        }
        let half = |at: usize| i64::from(u16::from_le_bytes([head[at], head[at + 1]]));
        file.seek(SeekFrom::Current(half(26) + half(28)))?;
        match self.method {
            STORED => Ok(self.packed > self.unpacked),
            DEFLATED => {
                // Whatever the list says of its length here too: the stream knows its end.
                let mut inflated = DeflateDecoder::new(std::io::BufReader::new(file)).take(self.unpacked + 1);
                Ok(std::io::copy(&mut inflated, &mut std::io::sink())? > self.unpacked)
            }
            other => Err(std::io::Error::other(format!("its method {other} is not known"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// An archive of one deflated file of zeros, with what its list and its own head say of it.
    fn archive(bytes: usize, said: u32) -> tempfile::NamedTempFile {
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&vec![b' '; bytes]).unwrap();
        let packed = packed.finish().unwrap();
        let mut common = Vec::new();
        for half in [20_u16, 0, 8, 0, 0] {
            common.extend(half.to_le_bytes());
        }
        for word in [0, packed.len() as u32, said] {
            common.extend(word.to_le_bytes());
        }
        common.extend(7_u16.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        let mut out = b"PK\x03\x04".to_vec();
        out.extend(&common);
        out.extend(b"doc.kml");
        out.extend(&packed);
        let list = out.len() as u32;
        out.extend(b"PK\x01\x02\x14\0");
        out.extend(&common);
        out.extend([0; 14]);
        out.extend(b"doc.kml");
        let size = out.len() as u32 - list;
        out.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        out.extend(size.to_le_bytes());
        out.extend(list.to_le_bytes());
        out.extend([0; 2]);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&out).unwrap();
        file
    }

    #[test]
    fn an_archive_that_lies_about_its_size() {
        assert_eq!(check(archive(50_000, 50_000).path()), Ok(()));
        // Small by its list, and 300 MB when unpacked: read for 101 bytes.
        let bomb = archive(300 << 20, 100);
        assert!(bomb.as_file().metadata().unwrap().len() < 1 << 20);
        let said = check(bomb.path()).unwrap_err();
        assert!(said.contains("more than the 100 bytes that its list says"), "{said}");
        // The list may exaggerate as well: that costs nobody memory but him who believes it.
        assert!(check(archive(10, u32::MAX).path()).unwrap_err().contains("would unpack"));
    }

    #[test]
    fn an_archive_whose_list_leads_nowhere() {
        let file = archive(100, 100);
        let mut bytes = std::fs::read(file.path()).unwrap();
        let at = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap() + 42;
        bytes[at] = 1;
        std::fs::write(file.path(), bytes).unwrap();
        assert!(check(file.path()).unwrap_err().contains("not where the list says"));
    }
}
