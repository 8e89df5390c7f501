//! What is passed over in silence beside images, and is worth a word where there is none.

use std::collections::BTreeMap;
use std::path::Path;

use crate::catalogue::Skipped;
use crate::format::Format;
use crate::walk::Listing;

/// Endings of archives.
const ARCHIVES: [&str; 9] = ["zip", "tar", "tgz", "gz", "7z", "rar", "bz2", "xz", "zst"];
/// Endings of pictures, which are images where something says their place.
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];
/// Endings of images that are not read.
const OTHERS: [&str; 12] =
    ["ecw", "sid", "hdf", "h5", "nc", "bil", "bip", "bsq", "bmp", "webp", "pix", "kea"];

/// The first file of each kind in each folder that might have been meant as an image, with the remedy.
pub(crate) fn named(listings: &[Listing]) -> Vec<Skipped> {
    let mut found = BTreeMap::<(&Path, &str), (&Path, usize)>::new();
    for (listing, file) in listings.iter().flat_map(|l| l.files.iter().map(move |f| (l, f))) {
        let ending = file.ending();
        let is = |known: &[&str]| known.contains(&ending.as_str());
        let remedy = if is(&ARCHIVES) {
            "archives are not looked into; unpack it"
        } else if is(&PICTURES) && Format::of(&file.path).is_none() {
            "nothing says where the picture lies; deliver its world file and its .prj beside it"
        } else if is(&OTHERS) {
            "images of this kind are not read; convert it with gdal_translate -of GTiff"
        } else {
            continue;
        };
        let seen = found.entry((listing.folder.as_path(), remedy)).or_insert((file.path.as_path(), 0));
        seen.1 += 1;
    }
    let say = |((_, remedy), (path, count)): ((&Path, &str), (&Path, usize))| Skipped {
        path: path.to_owned(),
        reason: match count {
            1 => remedy.to_owned(),
            n => format!("{remedy}; the same of {} more in its folder", n - 1),
        },
    };
    found.into_iter().map(say).collect()
}
