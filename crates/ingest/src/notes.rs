//! The metadata files beside images: what each of them is, and what it says.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::stac::Item;
use crate::walk::Found;
use crate::{dimap, maxar, sentinel2, xml};

/// JSON files larger than this are not read: 4 MB of numbers take 60 MB of memory.
const LARGEST_JSON: u64 = 4 << 20;
/// The same for an `.IMD` or `.TIL`.
const LARGEST_TEXT: u64 = 4 << 20;

/// A metadata file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Note {
    /// STAC items, Planet's metadata, or a sidecar by hand.
    Items(Vec<Item>),
    /// Maxar's `.IMD`.
    Imd(Facts),
    /// Maxar's `.XML`, with the files it lists.
    Maxar(Facts, Vec<String>),
    /// The files in a `.TIL`.
    Til(Vec<String>),
    /// Airbus's `DIM_*.XML`, with the images it lists.
    Dimap(Facts, Vec<dimap::Group>),
    /// Sentinel-2's `MTD_MSIL*.xml`.
    Sentinel2(Facts),
    /// Cannot be read, for this reason.
    Broken(String),
    /// Some other program's.
    Foreign,
}

/// True for what may be a metadata file, by its name.
pub(crate) fn is_note(file: &Found) -> bool {
    matches!(file.ending().as_str(), "json" | "imd" | "til" | "xml") && !file.name.ends_with(".aux.xml")
}

/// What a metadata file says.
pub(crate) fn read(file: &Found) -> Note {
    let read = |limit: u64| -> Result<Vec<u8>, String> {
        if file.bytes > limit {
            return Err(format!("{} bytes are more than metadata have ({limit})", file.bytes));
        }
        std::fs::read(&file.path).map_err(|e| e.to_string())
    };
    let text = || read(LARGEST_TEXT).map(|b| String::from_utf8_lossy(&b).into_owned());
    let found = match file.ending().as_str() {
        "json" => read(LARGEST_JSON).and_then(|bytes| {
            let json = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
            let says = |i: &Item| !i.assets.is_empty() || i.facts != Facts::default();
            let items: Vec<Item> = Item::all(&json).into_iter().filter(says).collect();
            Ok(if items.is_empty() { Note::Foreign } else { Note::Items(items) })
        }),
        "imd" => text().and_then(|t| match maxar::imd(&t) {
            facts if facts == Facts::default() => Err("it holds none of the keys of an IMD".to_owned()),
            facts => Ok(Note::Imd(facts)),
        }),
        "til" => text().and_then(|t| match maxar::til(&t) {
            files if files.is_empty() => Err("it lists no tiles".to_owned()),
            files => Ok(Note::Til(files)),
        }),
        _ => of_xml(&file.path),
    };
    found.unwrap_or_else(Note::Broken)
}

fn of_xml(path: &Path) -> Result<Note, String> {
    let text = xml::read(path)?;
    let document = xml::parse(&text)?;
    if let Some(dimap) = dimap::read(&document) {
        return Ok(Note::Dimap(dimap.facts, dimap.groups));
    }
    if let Some(facts) = maxar::xml(&document) {
        return Ok(Note::Maxar(facts, maxar::xml_tiles(&document)));
    }
    Ok(sentinel2::read(&document).map_or(Note::Foreign, Note::Sentinel2))
}

/// Where an address in an item leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// To a file below the folder of images.
    Inside(PathBuf),
    /// To a place on this machine that is not below it.
    Outside,
    /// To another machine.
    Remote,
}

/// Where `href` of an item in the folder `from` leads, `root` being the folder of images.
///
/// Decided by the text alone: nothing outside of `root` is touched.
pub(crate) fn address(href: &str, from: &Path, root: &Path) -> Address {
    let href = percent_decoded(href.trim()).replace('\\', "/");
    if href.starts_with("/vsi") || href.contains('\0') {
        return Address::Outside;
    }
    let (scheme, path) = match href.split_once("://") {
        Some((scheme, path)) => (scheme, path),
        None => ("", href.as_str()),
    };
    if !scheme.is_empty() && !scheme.eq_ignore_ascii_case("file") {
        return Address::Remote;
    }
    let below = if Path::new(path).is_absolute() {
        let top = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        normal(Path::new(path)).and_then(|p| Some(p.strip_prefix(normal(&top)?).ok()?.to_owned()))
    } else {
        from.strip_prefix(root).ok().and_then(|inside| normal(&inside.join(path)))
    };
    // Spelled as the walk spells it.
    below.map_or(Address::Outside, |below| Address::Inside(root.join(below)))
}

/// A path without `.` and `..`; `None` where it leads above its beginning.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            other => out.push(other),
        }
    }
    Some(out)
}

/// `%20` as a space, and so on.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |i: usize| char::from(*bytes.get(i)?).to_digit(16);
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while i < bytes.len() {
        let pair = digit(i + 1).zip(digit(i + 2)).filter(|_| bytes[i] == b'%');
        out.push(pair.map_or(bytes[i], |(high, low)| (high * 16 + low) as u8));
        i += if pair.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_assets() {
        let (root, from) = (Path::new("/data/order"), Path::new("/data/order/items"));
        let inside = |p: &str| Address::Inside(PathBuf::from(p));
        assert_eq!(address("./a.tif", from, root), inside("/data/order/items/a.tif"));
        assert_eq!(address("../tiles/a%20b.tif", from, root), inside("/data/order/tiles/a b.tif"));
        assert_eq!(address("file:///data/order/a.tif", from, root), inside("/data/order/a.tif"));
        assert_eq!(address("https://example.org/a.tif", from, root), Address::Remote);
        for out in [
            "../../a.tif",
            "../../../../../../etc/passwd",
            "/etc/passwd",
            "..%2f..%2fa.tif",
            "..\\..\\a.tif",
            "/vsicurl/http://x/a.tif",
            "file:///etc/shadow",
            "a/../../../order2/x.tif",
        ] {
            assert_eq!(address(out, from, root), Address::Outside, "{out}");
        }
        let relative = Path::new("order");
        assert_eq!(address("a.tif", &relative.join("x"), relative), inside("order/x/a.tif"));
        assert_eq!(address("../../b.tif", &relative.join("x"), relative), Address::Outside);
        let above = Path::new("../order");
        assert_eq!(address("a.tif", &above.join("x"), above), inside("../order/x/a.tif"));
        assert_eq!(percent_decoded("%4"), "%4");
        assert_eq!(percent_decoded("100%zz"), "100%zz");
    }
}
