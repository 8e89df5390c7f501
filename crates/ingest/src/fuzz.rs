//! Every parser of ours by name, fed with bytes, for `fuzz/` and for the test that mutates its seeds. No part of the interface.

use std::io::Write;
use std::path::{Path, PathBuf};

use geo::Area;
use geo_types::Rect;

use crate::format::Format;
use crate::valid::{self, Data};
use crate::walk::Found;
use crate::{archive, date, job, layout, maxar, notes, planet, stac, vrt, whole};

/// What takes any bytes and comes back.
pub type Target = fn(&[u8]);

/// The parsers, by name: each must come back, whatever it is fed with.
pub const TARGETS: &[(&str, Target)] = &[
    ("address", address),
    ("archive", archive_),
    ("container", container),
    ("date", date_),
    ("imd", |bytes| drop(note("a.imd", bytes))),
    ("item", item),
    ("name", name),
    #[cfg(feature = "remote")]
    ("stac", crate::remote::probe_stac),
    ("til", |bytes| drop(note("a.til", bytes))),
    #[cfg(feature = "remote")]
    ("tiff", crate::remote::probe_tiff),
    ("valid", valid::probe),
    ("vrt", vrt_),
    ("xml", |bytes| drop(note("a.xml", bytes))),
];

/// A file of these bytes, of a name that tells what it is, for the time of a call.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Option<Self> {
        let thread = format!("{:?}", std::thread::current().id());
        let digits: String = thread.chars().filter(char::is_ascii_digit).collect();
        let folder = std::env::temp_dir().join(format!("fosse-fuzz-{}-{digits}", std::process::id()));
        std::fs::create_dir_all(&folder).ok()?;
        let path = folder.join(name);
        std::fs::File::create(&path).ok()?.write_all(bytes).ok()?;
        Some(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = self.0.parent().map(std::fs::remove_dir);
    }
}

fn note(name: &str, bytes: &[u8]) -> Option<notes::Note> {
    let file = Scratch::new(name, bytes)?;
    Some(notes::read(&Found {
        name: name.to_owned(),
        path: file.0.clone(),
        bytes: bytes.len() as u64,
        modified_ns: 0,
    }))
}

fn item(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice(bytes) else { return };
    for item in stac::Item::all(&json) {
        let number = item.facts.gsd_m;
        assert!(number.is_none_or(|n| (1e-3..=1e4).contains(&n)), "{number:?} is out of its range");
        if let Some(told) = &item.facts.outline {
            let image = Rect::new((35.0, 51.0), (35.1, 51.1)).to_polygon();
            let half = Rect::new((35.0, 51.0), (35.05, 51.1)).to_polygon();
            for data in [Data::Unknown, Data::All, Data::Within(half)] {
                let (ring, _) = job::footprint(image.clone(), data, Some(told), &mut Vec::new());
                let shown = ring.unsigned_area();
                assert!(shown > 0.0 && shown <= image.unsigned_area() * 1.001, "{shown}");
            }
        }
    }
    drop(note("a.json", bytes));
}

fn address(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let root = Path::new("/data/order");
    if let notes::Address::Inside(path) = notes::address(&text, &root.join("items"), root) {
        assert!(
            path.starts_with(root) && !path.iter().any(|p| p == ".."),
            "{text:?} leads to {}",
            path.display()
        );
    }
    let shown = crate::shown_address(&text);
    assert!(!shown.contains(['?', '#']), "{shown:?}");
}

fn date_(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (date::instant(&text), date::in_name(&text));
}

fn name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = (
        layout::product(&text),
        planet::name(&text),
        maxar::without_tile(&text),
        Format::of(Path::new(&*text)),
    );
}

fn archive_(bytes: &[u8]) {
    if let Some(file) = Scratch::new("a.kmz", bytes) {
        let _ = archive::check(&file.0);
    }
}

fn vrt_(bytes: &[u8]) {
    if let Some(file) = Scratch::new("a.vrt", bytes) {
        let _ = vrt::sources(&file.0);
    }
}

/// Whether a container is whole, by what its first bytes say it is.
fn container(bytes: &[u8]) {
    for (name, format) in [
        ("a.ntf", Format::Nitf),
        ("a.jp2", Format::Jp2),
        ("a.gpkg", Format::GeoPackage),
        ("a.png", Format::Png),
        ("a.jpg", Format::Jpeg),
    ] {
        if let Some(file) = Scratch::new(name, bytes) {
            let _ = whole::lacks(&file.0, format);
        }
    }
}
