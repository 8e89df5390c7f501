//! What a folder holds: dated captures, and what could not be used and why.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{Capture, DateSource, ViewGeometry};
use serde::Serialize;
use tokio::fs;
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::header::{self, Header};
use crate::layout::{self, Product};
use crate::stac::Item;
use crate::{date, library};

/// JSON files larger than this describe no single image.
const LARGEST_JSON: u64 = 4 << 20;

/// Image headers read at once: enough to hide a slow disk, few enough not to swamp it.
const HEADERS_AT_ONCE: usize = 8;

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Catalogue {
    /// Images that can be used, by date, then id.
    pub captures: Vec<Capture>,
    /// Files that cannot, by path.
    pub skipped: Vec<Skipped>,
}

/// A file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The image, folder or metadata file.
    pub path: PathBuf,
    /// Cause and remedy, a sentence without a full stop.
    pub reason: String,
}

/// Everything under `folder`: ARD orders and plain GeoTIFFs, at any depth, hidden files aside.
///
/// Of an ARD order only the `-visual` images are captures. An image is dated by its STAC item or sidecar
/// (`NAME.json`, `NAME.tif.json`, or an item in the same folder one of whose assets is the image), else by its
/// tags, else by its file name, else by the name of the nearest folder below `folder`. A folder without
/// images gives an empty catalogue.
///
/// # Errors
/// [`Error::FolderMissing`], [`Error::NotAFolder`] and [`Error::FolderUnreadable`]. Whatever is wrong below
/// `folder` is an entry of [`Catalogue::skipped`].
pub async fn catalogue(folder: &Path) -> Result<Catalogue> {
    library::quiet();
    let (folders, mut skipped) = walk(folder).await?;
    let slots = Arc::new(Semaphore::new(HEADERS_AT_ONCE));
    let mut opening = Vec::new();
    for listing in folders {
        let (notes, unreadable) = notes(&listing).await;
        skipped.extend(unreadable);
        for image in listing.images {
            match role(&image, &listing.names) {
                Role::Capture => {}
                Role::Ignored => continue,
                Role::Skipped(reason) => {
                    skipped.push(Skipped { path: image, reason });
                    continue;
                }
            }
            let item = item_of(&image, &notes);
            // The semaphore is never closed.
            let permit = Arc::clone(&slots).acquire_owned().await.ok();
            let path = image.clone();
            let header = tokio::task::spawn_blocking(move || {
                let header = header::read(&path);
                drop(permit);
                header
            });
            opening.push((image, item, header));
        }
    }
    let mut captures = Vec::new();
    for (path, item, header) in opening {
        let header = header.await.map_err(|source| Error::Worker { source })?;
        match header.and_then(|header| capture(folder, &path, item, header)) {
            Ok(capture) => captures.push(capture),
            Err(reason) => skipped.push(Skipped { path, reason }),
        }
    }
    make_ids_unique(&mut captures);
    captures.sort_by(|a, b| a.datetime.cmp(&b.datetime).then_with(|| a.id.cmp(&b.id)));
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Catalogue { captures, skipped })
}

/// One image, dated as [`catalogue()`] dates it; where it has no date, `date` stands in.
///
/// # Errors
/// [`Error::Unusable`] with the reason that the catalogue would give.
pub async fn single(path: &Path, date: DateTime<Utc>) -> Result<Capture> {
    library::quiet();
    let unusable = |reason| Error::Unusable { path: path.to_owned(), reason };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut notes = BTreeMap::new();
    for name in own_names(path) {
        // Absent, or some other program's file.
        let Ok(bytes) = fs::read(folder.join(&name)).await else { continue };
        if let Ok(json) = serde_json::from_slice(&bytes) {
            notes.insert(name, Item::read(&json));
        }
    }
    let item = item_of(path, &notes);
    let owned = path.to_owned();
    let header = tokio::task::spawn_blocking(move || header::read(&owned)).await;
    let mut header = header.map_err(|source| Error::Worker { source })?.map_err(unusable)?;
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let dated = dated(item.as_ref(), header.datetime, &[stem]).is_some();
    if !dated {
        header.datetime = Some(date);
    }
    capture(folder, path, item, header).map_err(unusable)
}

/// What is of interest in one folder, sorted.
#[derive(Default)]
struct Listing {
    images: Vec<PathBuf>,
    jsons: Vec<PathBuf>,
    /// File names without extension of all images.
    names: HashSet<String>,
}

/// Every folder from `root` down, each once whatever links lead to it, and what could not be listed.
async fn walk(root: &Path) -> Result<(Vec<Listing>, Vec<Skipped>)> {
    let unreadable = |source| Error::FolderUnreadable { folder: root.to_owned(), source };
    match fs::metadata(root).await {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(Error::NotAFolder { folder: root.to_owned() }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::FolderMissing { folder: root.to_owned() });
        }
        Err(e) => return Err(unreadable(e)),
    }
    let top = fs::canonicalize(root).await.map_err(unreadable)?;
    let (mut listings, mut skipped) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        let listed = match fs::canonicalize(&folder).await {
            // A link back to a folder above would list the whole disk.
            Ok(real) if folder != root && top.starts_with(&real) => continue,
            Ok(real) => match seen.insert(real) {
                true => list(&folder).await,
                false => continue,
            },
            Err(e) => Err(e),
        };
        match listed {
            Ok((listing, below, broken)) => {
                listings.push(listing);
                skipped.extend(broken);
                // The stack gives back the last first.
                waiting.extend(below.into_iter().rev());
            }
            Err(e) if folder == root => return Err(unreadable(e)),
            Err(e) => {
                let reason = format!("the folder cannot be read: {e}; check its permissions");
                skipped.push(Skipped { path: folder, reason });
            }
        }
    }
    Ok((listings, skipped))
}

/// One folder: its files, the folders in it, and links that lead nowhere.
async fn list(folder: &Path) -> std::io::Result<(Listing, Vec<PathBuf>, Vec<Skipped>)> {
    let (mut listing, mut below, mut broken) = (Listing::default(), Vec::new(), Vec::new());
    let mut entries = fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let is_image = matches!(extension.as_deref(), Some("tif" | "tiff"));
        match fs::metadata(&path).await {
            Ok(found) if found.is_dir() => below.push(path),
            Ok(found) if !found.is_file() => {}
            Ok(_) if is_image => {
                listing.names.extend(path.file_stem().map(|s| s.to_string_lossy().into_owned()));
                listing.images.push(path);
            }
            Ok(found) if extension.as_deref() == Some("json") && found.len() <= LARGEST_JSON => {
                listing.jsons.push(path);
            }
            Ok(_) => {}
            Err(e) if is_image => {
                let reason = format!("the file cannot be reached: {e}; is it a broken link?");
                broken.push(Skipped { path, reason });
            }
            Err(_) => {}
        }
    }
    listing.images.sort();
    listing.jsons.sort();
    below.sort();
    Ok((listing, below, broken))
}

/// The JSON files of a folder by name, and those beside an image that cannot be read.
async fn notes(listing: &Listing) -> (BTreeMap<String, Item>, Vec<Skipped>) {
    let (mut notes, mut unreadable) = (BTreeMap::new(), Vec::new());
    if listing.images.is_empty() {
        return (notes, unreadable);
    }
    for path in &listing.jsons {
        let parsed = match fs::read(path).await {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| e.to_string()),
            Err(e) => Err(e.to_string()),
        };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        match parsed {
            Ok(json) => _ = notes.insert(name, Item::read(&json)),
            Err(said) if listing.images.iter().any(|image| own_names(image).contains(&name)) => {
                let reason = format!(
                    "the metadata cannot be read ({said}), so the image is used without them; deliver them anew"
                );
                unreadable.push(Skipped { path: path.clone(), reason });
            }
            // Some other program's file.
            Err(_) => {}
        }
    }
    (notes, unreadable)
}

/// The names of the JSON files that belong to an image alone, the likeliest first.
fn own_names(image: &Path) -> Vec<String> {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, name) = (text(image.file_stem()), text(image.file_name()));
    let mut names = Vec::new();
    if let Some(Product::Visual { catalogue_id }) = layout::product(&stem) {
        names.push(format!("{catalogue_id}.json"));
    }
    names.extend([format!("{stem}.json"), format!("{name}.json")]);
    names
}

/// What the JSON files of its folder say about an image.
fn item_of(image: &Path, notes: &BTreeMap<String, Item>) -> Option<Item> {
    let own = own_names(image).into_iter().find_map(|name| notes.get(&name));
    let name = image.file_name()?.to_string_lossy();
    own.or_else(|| notes.values().find(|item| item.files.iter().any(|file| *file == name))).cloned()
}

/// What to do with an image.
enum Role {
    Capture,
    /// Part of an ARD order whose visual image is used instead.
    Ignored,
    Skipped(String),
}

/// The role of an image among the names (without extension) in its folder.
fn role(image: &Path, names: &HashSet<String>) -> Role {
    let stem = image.file_stem().map(|s| s.to_string_lossy()).unwrap_or_default();
    match layout::product(&stem) {
        Some(Product::Other { catalogue_id, image: true })
            if !names.contains(&format!("{catalogue_id}-visual")) =>
        {
            Role::Skipped(format!(
                "only visual images are compared and {catalogue_id}-visual.tif is missing; order it, or \
                 rename this image to have it treated as a plain GeoTIFF"
            ))
        }
        Some(Product::Other { .. }) => Role::Ignored,
        _ => Role::Capture,
    }
}

/// The capture of an image, or why it has no date.
fn capture(folder: &Path, path: &Path, item: Option<Item>, header: Header) -> Result<Capture, String> {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let (datetime, date_source) = dated(item.as_ref(), header.datetime, &parts).ok_or_else(|| {
        "the image has no date; put it into the file name as yyyy-mm-dd, into a NAME.json beside it as \
         \"datetime\", or into the TIFF tag DateTime"
            .to_owned()
    })?;
    let (platform, gsd_m, ce90_m, view, cloud_percent) = match item {
        Some(item) => (item.platform, item.gsd_m, item.ce90_m, item.view, item.cloud_percent),
        None => (None, None, None, ViewGeometry::default(), None),
    };
    Ok(Capture {
        id: parts.join("/"),
        path: path.to_owned(),
        datetime,
        date_source,
        platform,
        gsd_m,
        ce90_m,
        view,
        cloud_percent,
        grid: header.grid,
        footprint: header.footprint,
        bands: header.bands,
        data_type: header.data_type,
    })
}

/// When an image was taken: by its item, its tags, then its names from the file up.
fn dated(
    item: Option<&Item>,
    tagged: Option<DateTime<Utc>>,
    parts: &[String],
) -> Option<(DateTime<Utc>, DateSource)> {
    let from_item = item.and_then(|i| i.datetime).map(|d| (d, DateSource::StacItem));
    let from_name = || parts.iter().rev().find_map(|part| date::in_name(part));
    from_item
        .or_else(|| tagged.map(|d| (d, DateSource::ImageTag)))
        .or_else(|| from_name().map(|d| (d, DateSource::FileName)))
}

/// Gives `a.tif` and `a.tiff` beside it their extensions back.
fn make_ids_unique(captures: &mut [Capture]) {
    let mut uses = BTreeMap::<String, usize>::new();
    for capture in captures.iter() {
        *uses.entry(capture.id.clone()).or_default() += 1;
    }
    for capture in captures.iter_mut().filter(|c| uses.get(&c.id).is_some_and(|&n| n > 1)) {
        let extension = capture.path.extension().map(|e| e.to_string_lossy().into_owned());
        capture.id = format!("{}.{}", capture.id, extension.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::tiff;
    use gdal::Metadata;
    use gdal::raster::{ColorEntry, ColorTable, PaletteInterpretation};
    use serde_json::json;

    #[tokio::test]
    async fn a_single_image_is_dated_or_gets_the_date_given() {
        let dir = tempfile::tempdir().unwrap();
        let stand_in = date::instant("2024-08-05T08:41:00Z").unwrap();
        let named = dir.path().join("field_2012-07-31.tif");
        plain(&named);
        assert_eq!(
            single(&named, stand_in).await.unwrap().datetime,
            date::instant("2012-07-31T00:00:00Z").unwrap()
        );
        note(&dir.path().join("field_2012-07-31.json"), &json!({"datetime": "2013-01-02T03:04:05Z"}));
        let noted = single(&named, stand_in).await.unwrap().datetime;
        assert_eq!(noted, date::instant("2013-01-02T03:04:05Z").unwrap());
        let bare = dir.path().join("field.tif");
        plain(&bare);
        assert_eq!(single(&bare, stand_in).await.unwrap().datetime, stand_in);
        let missing = single(&dir.path().join("none.tif"), stand_in).await;
        assert!(matches!(missing, Err(Error::Unusable { .. })));
    }

    fn plain(path: &Path) {
        tiff::<u8>(path, (1, 40, 30), &[], |_, r, c| (r + c) as u8, |_| {});
    }

    fn note(path: &Path, json: &serde_json::Value) {
        std::fs::write(path, json.to_string()).unwrap();
    }

    #[tokio::main(flavor = "current_thread")]
    async fn read(folder: &Path) -> Catalogue {
        catalogue(folder).await.unwrap()
    }

    fn ids(catalogue: &Catalogue) -> Vec<&str> {
        catalogue.captures.iter().map(|c| c.id.as_str()).collect()
    }

    /// The reason for which the one file that could not be used was skipped.
    fn reason(catalogue: &Catalogue) -> &str {
        assert_eq!(catalogue.skipped.len(), 1, "{:?}", catalogue.skipped);
        &catalogue.skipped[0].reason
    }

    #[test]
    fn an_ard_order() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("36/102220011331/2024-08-12");
        for product in ["visual", "pan", "ms"] {
            plain(&folder.join(format!("10300100F2A3B400-{product}.tif")));
        }
        plain(&folder.join("10300100F2A3B400-data-mask.tif"));
        let properties = json!({
            "datetime": "2024-08-12 08:41:07.5Z", "gsd": 0.37, "platform": "WV03", "view:off_nadir": 24.0,
            "view:azimuth": 210.0, "view:sun_azimuth": 150.0, "view:sun_elevation": 50.0, "tile:clouds_percent": 3
        });
        note(&folder.join("10300100F2A3B400.json"), &json!({"type": "Feature", "properties": properties}));
        let found = read(dir.path());
        assert_eq!(ids(&found), ["36/102220011331/2024-08-12/10300100F2A3B400-visual"]);
        assert!(found.skipped.is_empty(), "{:?}", found.skipped);
        let capture = &found.captures[0];
        assert_eq!(capture.datetime, date::instant("2024-08-12T08:41:07.5Z").unwrap());
        assert_eq!(capture.date_source, DateSource::StacItem);
        assert_eq!((capture.gsd_m, capture.cloud_percent), (Some(0.37), Some(3.0)));
        assert_eq!(capture.platform.as_deref(), Some("WV03"));
        assert_eq!((capture.grid.shape(), capture.bands, capture.data_type.as_str()), ((40, 30), 1, "Byte"));
        assert_eq!(capture.grid.crs.epsg, Some(32636));
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["captures"][0]["date_source"], "stac_item");
    }

    #[test]
    fn an_order_without_its_visual_image_is_named() {
        let dir = tempfile::tempdir().unwrap();
        plain(&dir.path().join("2024-08-12/10300100F2A3B400-ms.tif"));
        assert!(reason(&read(dir.path())).contains("10300100F2A3B400-visual.tif is missing"));
    }

    #[test]
    fn plain_images_are_dated_by_the_best_source() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        plain(&at("b_20240801.TIF"));
        note(&at("b_20240801.json"), &json!({"datetime": "2024-08-02T08:00:00Z"}));
        plain(&at("c_20240801.tiff"));
        note(&at("c_20240801.tiff.json"), &json!({"properties": {"datetime": "2024-08-03T08:00:00Z"}}));
        plain(&at("d_20240801.tif"));
        note(
            &at("an item.json"),
            &json!({
                "properties": {"datetime": "2024-08-04T08:00:00Z"},
                "assets": {"image": {"href": "https://example.org/x/d_20240801.tif"}}
            }),
        );
        tiff::<u16>(
            &at("e_20240801.tif"),
            (3, 20, 30),
            &[],
            |_, r, _| r as u16,
            |d| {
                d.set_metadata_item("TIFFTAG_DATETIME", "2024:08:05 08:00:00", "").unwrap();
            },
        );
        tiff::<u16>(
            &at("f_20240801.tif"),
            (3, 20, 30),
            &[],
            |_, r, _| r as u16,
            |d| {
                d.set_metadata_item("TIFFTAG_DATETIME", "2024:09:09 08:00:00", "").unwrap();
                d.set_metadata_item("ACQUISITION_DATE", "2024-08-06", "").unwrap();
            },
        );
        plain(&at("2024-08-07/deep/g.tif"));
        plain(&at(".hidden/2024-08-08.tif"));
        plain(&at(".2024-08-08.tif"));
        let found = read(dir.path());
        assert_eq!(found.skipped, []);
        let want = [
            ("b_20240801", DateSource::StacItem),
            ("c_20240801", DateSource::StacItem),
            ("d_20240801", DateSource::StacItem),
            ("e_20240801", DateSource::ImageTag),
            ("f_20240801", DateSource::ImageTag),
            ("2024-08-07/deep/g", DateSource::FileName),
        ];
        for (day, (capture, (id, source))) in (2..).zip(found.captures.iter().zip(want)) {
            assert_eq!((capture.id.as_str(), capture.date_source), (id, source));
            assert_eq!(capture.datetime.format("%Y-%m-%d").to_string(), format!("2024-08-0{day}"));
        }
        assert_eq!(found.captures.len(), want.len());
    }

    #[test]
    fn same_name_two_extensions() {
        let dir = tempfile::tempdir().unwrap();
        plain(&dir.path().join("a_20240801.tif"));
        plain(&dir.path().join("a_20240801.tiff"));
        assert_eq!(ids(&read(dir.path())), ["a_20240801.tif", "a_20240801.tiff"]);
    }

    #[test]
    fn an_undated_image_is_skipped_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        plain(&dir.path().join("lgov.tif"));
        let found = read(dir.path());
        assert!(found.captures.is_empty());
        assert!(reason(&found).contains("has no date; put it into the file name"));
    }

    #[test]
    fn unreadable_metadata_are_named_and_the_image_used() {
        let dir = tempfile::tempdir().unwrap();
        plain(&dir.path().join("a_20240801.tif"));
        std::fs::write(dir.path().join("a_20240801.json"), "{\"datetime\": ").unwrap();
        std::fs::write(dir.path().join("other.json"), "not ours").unwrap();
        let found = read(dir.path());
        assert_eq!(ids(&found), ["a_20240801"]);
        assert!(reason(&found).contains("the image is used without them"));
    }

    #[test]
    fn a_truncated_image_is_skipped_before_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        for (name, options) in [
            ("tiled_20240801.tif", &["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32", "INTERLEAVE=PIXEL"][..]),
            ("strips_20240801.tif", &["INTERLEAVE=BAND", "BLOCKYSIZE=7"]),
        ] {
            let path = dir.path().join(name);
            tiff::<u8>(&path, (3, 200, 150), options, |b, r, c| (b * r + c) as u8, |_| {});
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() - 5000]).unwrap();
            let found = read(dir.path());
            assert!(found.captures.is_empty());
            let cut = format!("truncated: {} bytes, its tiles reach to ", bytes.len() - 5000);
            assert!(reason(&found).contains(&cut), "{}", reason(&found));
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn images_that_cannot_be_used_say_why() {
        let bare = |options: &[&str], finish: &dyn Fn(&mut gdal::Dataset)| {
            let dir = tempfile::tempdir().unwrap();
            tiff::<u8>(&dir.path().join("a_20240801.tif"), (1, 40, 30), options, |_, _, _| 1, finish);
            // What the TIFF may not hold, GDAL writes beside it.
            let _ = std::fs::remove_file(dir.path().join("a_20240801.tif.aux.xml"));
            reason(&read(dir.path())).to_owned()
        };
        let no_crs = bare(&["PROFILE=BASELINE", "TFW=YES"], &|_| {});
        assert!(no_crs.contains("no coordinate reference system"), "{no_crs}");
        let nowhere = bare(&["PROFILE=BASELINE"], &|_| {});
        assert!(nowhere.contains("no geotransform"), "{nowhere}");
        let palette = bare(&[], &|d| {
            let mut colours = ColorTable::new(PaletteInterpretation::Rgba);
            colours.set_color_entry(1, &ColorEntry::rgba(90, 80, 70, 255));
            d.rasterband(1).unwrap().set_color_table(&colours);
        });
        assert!(palette.contains("colours of a palette"), "{palette}");
        let singular = bare(&[], &|d| d.set_geo_transform(&[1.0, 2.0, 2.0, 1.0, 3.0, 3.0]).unwrap());
        assert!(singular.contains("cannot be inverted"), "{singular}");
        let away = bare(&[], &|d| d.set_geo_transform(&[1e30, 0.5, 0.0, 1e30, 0.0, -0.5]).unwrap());
        assert!(away.contains("cannot be turned"), "{away}");
    }

    #[test]
    fn points_instead_of_a_grid_are_not_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a_20240801.tif");
        tiff::<u8>(
            &path,
            (1, 40, 30),
            &[],
            |_, _, _| 1,
            |d| {
                d.set_geo_transform(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]).unwrap();
                let gcp = |pixel: f64, line: f64| gdal::Gcp {
                    id: String::new(),
                    info: String::new(),
                    pixel,
                    line,
                    x: 35.2 + pixel / 1e5,
                    y: 51.6 - line / 1e5,
                    z: 0.0,
                };
                let srs = gdal::spatial_ref::SpatialRef::from_epsg(4326).unwrap();
                d.set_gcps(vec![gcp(0.0, 0.0), gcp(30.0, 0.0), gcp(0.0, 40.0)], &srs).unwrap();
            },
        );
        assert!(reason(&read(dir.path())).contains("ground control points only"));
    }

    #[test]
    fn files_that_are_no_tiff_say_so() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a_20240801.tif"), "<html>404</html>").unwrap();
        std::fs::write(dir.path().join("b_20240801.tif"), "").unwrap();
        std::fs::write(dir.path().join("c_20240801.tif"), b"II*\0\x08\0\0\0").unwrap();
        std::fs::write(dir.path().join("readme.txt"), "no image").unwrap();
        let found = read(dir.path());
        let reasons: Vec<&str> = found.skipped.iter().map(|s| s.reason.as_str()).collect();
        assert_eq!(reasons.len(), 3);
        assert!(reasons[0].contains("not a readable TIFF") && reasons[2].contains("not a readable TIFF"));
        assert!(reasons[1].contains("is empty"));
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_circle_and_links_to_nowhere() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("order");
        plain(&root.join("deep/a_20240801.tif"));
        plain(&dir.path().join("beside/b_20240801.tif"));
        std::os::unix::fs::symlink(&root, root.join("deep/again")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
        std::os::unix::fs::symlink("missing.tif", root.join("lost_20240801.tif")).unwrap();
        let found = read(&root);
        assert_eq!(ids(&found), ["deep/a_20240801"]);
        assert!(reason(&found).contains("broken link"));
    }

    #[tokio::test]
    async fn what_is_no_folder_is_an_error_and_an_empty_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(catalogue(dir.path()).await.unwrap(), Catalogue::default());
        let missing = catalogue(&dir.path().join("missing")).await;
        assert!(matches!(missing, Err(Error::FolderMissing { .. })));
        let file = dir.path().join("a.txt");
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(catalogue(&file).await, Err(Error::NotAFolder { .. })));
    }
}
