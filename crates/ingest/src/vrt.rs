//! The images that a VRT is made of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::format::Format;
use crate::xml;

/// VRTs in VRTs, at most.
const DEEPEST: usize = 4;
/// Images in a VRT, at most.
const MOST_SOURCES: usize = 100_000;

/// The images that a VRT is made of, those of the VRTs in it included, sorted.
///
/// # Errors
/// A sentence on what is wrong: not XML, an image that is missing or not here, a VRT that holds itself.
pub(crate) fn sources(path: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = BTreeSet::new();
    collect(path, &mut vec![path.to_owned()], &mut found)?;
    if found.is_empty() {
        return Err("the VRT names no image".to_owned());
    }
    Ok(found.into_iter().collect())
}

fn collect(path: &Path, above: &mut Vec<PathBuf>, found: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    let text = xml::read(path)?;
    let document = xml::parse(&text)?;
    if !document.root_element().has_tag_name("VRTDataset") {
        return Err("the file is no VRT".to_owned());
    }
    let named = document
        .descendants()
        .filter(|n| n.has_tag_name("SourceFilename") || n.has_tag_name("SourceDataset"));
    for node in named {
        let name = node.text().unwrap_or_default().trim();
        let relative = node.attribute("relativeToVRT") == Some("1");
        let source = match relative {
            true => path.parent().unwrap_or(Path::new("")).join(name),
            false => PathBuf::from(name),
        };
        if name.starts_with("/vsi") || name.contains("://") || Format::of(&source).is_none() {
            return Err(format!("the VRT names {name:?}, which is no image file on this machine"));
        }
        if !source.is_file() {
            return Err(format!(
                "the VRT needs {}, which is missing; deliver it, or build the VRT anew with gdalbuildvrt",
                source.display()
            ));
        }
        if Format::of(&source) == Some(Format::Vrt) {
            let same = |p: &PathBuf| p.canonicalize().ok() == source.canonicalize().ok();
            if above.len() >= DEEPEST || above.iter().any(same) {
                return Err(
                    "the VRT holds itself, or VRTs too deep to follow; build it from images".to_owned()
                );
            }
            above.push(source.clone());
            collect(&source, above, found)?;
            above.pop();
        }
        found.insert(source);
        if found.len() > MOST_SOURCES {
            return Err(format!("the VRT names more than {MOST_SOURCES} images; split it"));
        }
    }
    Ok(())
}
