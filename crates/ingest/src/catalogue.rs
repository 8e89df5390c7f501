//! What a folder holds: dated captures, and what could not be used and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::{Capture, Crs};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::entry::CaptureEntry;
use crate::error::{Error, Result};
use crate::job::{Checked, Job, own_names};
use crate::notes::{self, Note};
use crate::order::Order;
use crate::walk::{Found, Listing, walk};
use crate::{group, library, passed};

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

/// What a person says beside the folder.
#[derive(Clone, Debug, Default)]
pub struct CatalogueOptions {
    /// Reference system of images that have none.
    pub crs: Option<Crs>,
    /// The `[[capture]]` list.
    pub entries: Vec<CaptureEntry>,
    /// Folder in which to remember what files say, so that the next time only what changed is read; `None` to remember
    /// nothing.
    pub cache: Option<PathBuf>,
}

/// Everything under `folder`: orders and plain images, at any depth, hidden files aside.
///
/// Images are GeoTIFF, NITF, JPEG 2000, VRT, MBTiles, GeoPackage, Imagine, PNG and JPEG with a world file, and Sentinel-2's
/// `.SAFE`. Of a Maxar ARD order only the `-visual` images are captures, of a SkySat scene its best product; the images
/// of a VRT are part of it, and tiles that a `.TIL`, a DIMAP or their names (`_R1C1`) say belong together are one
/// capture.
///
/// Of each fact the most credible source counts: a `[[capture]]`, a STAC item (`NAME.json`, `NAME.tif.json`, or one of
/// whose assets is the image), the order's own metadata, the image's tags, its file name, or the name of the nearest folder
/// below `folder`; contradictions are [`Capture::conflicts`]. Of what an image shows its valid pixels are asked first, where
/// looking at them costs little ([`Capture::footprint_source`]). A folder without images gives an empty catalogue, that names
/// archives, pictures without a place and images of other kinds.
///
/// # Errors
/// [`Error::FolderMissing`], [`Error::NotAFolder`] and [`Error::FolderUnreadable`]; [`Error::Entry`] and [`Error::Crs`] for
/// the options. Whatever is wrong below `folder` is an entry of [`Catalogue::skipped`].
pub async fn catalogue(folder: &Path, options: &CatalogueOptions) -> Result<Catalogue> {
    library::quiet();
    let said = options.entries.iter().map(CaptureEntry::checked).collect::<Result<Vec<_>>>()?;
    let (root, cache_folder) = (folder.to_owned(), options.cache.clone());
    let walked = tokio::task::spawn_blocking(move || {
        let (listings, skipped) = walk(&root)?;
        let mut cache = Cache::open(cache_folder.as_deref(), &root);
        let notes = read_notes(&listings, &mut cache);
        Ok((listings, skipped, cache, notes))
    });
    let (listings, mut skipped, mut cache, notes) = walked.await.map_err(worker)??;
    let order = Order::new(folder, &listings, &notes);
    let mut jobs = order.jobs(&said, &mut skipped);
    skipped.extend(order.broken(&jobs));
    skipped.extend(order.lost(&jobs));
    for said in said.iter().filter(|s| !jobs.iter().any(|j| s.is_of(&j.path))) {
        let reason = "a [[capture]] names it, and no image is there; correct its file".to_owned();
        skipped.push(Skipped { path: said.file.clone(), reason });
    }
    check(&mut jobs, options.crs.as_ref(), &mut cache).await?;
    let mut captures = Vec::new();
    for job in jobs {
        let (path, key) = (job.path.clone(), job.group.clone());
        match job.capture(folder, &mut skipped) {
            Ok(capture) => captures.push((key, capture)),
            Err(reason) => skipped.push(Skipped { path, reason }),
        }
    }
    let mut captures = group::together(captures);
    if captures.is_empty() {
        skipped.extend(passed::named(&listings));
    }
    make_ids_unique(&mut captures);
    captures.sort_by(|a, b| a.datetime.cmp(&b.datetime).then_with(|| a.id.cmp(&b.id)));
    skipped.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
    skipped.dedup();
    let kept = tokio::task::spawn_blocking(move || cache.keep());
    kept.await.map_err(worker)?;
    Ok(Catalogue { captures, skipped })
}

/// One image, dated as [`catalogue()`] dates it; where it has no date, `date` stands in.
///
/// # Errors
/// [`Error::Unusable`] with the reason that the catalogue would give.
pub async fn single(path: &Path, date: DateTime<Utc>) -> Result<Capture> {
    library::quiet();
    let folder = path.parent().unwrap_or(Path::new(""));
    let owned = path.to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let mut job = Job::new(&owned);
        for name in own_names(&owned) {
            // Absent, or some other program's file.
            let at = owned.with_file_name(&name);
            let Ok(found) = std::fs::metadata(&at) else { continue };
            let file = Found { name, path: at, bytes: found.len(), modified_ns: 0 };
            if let Note::Items(items) = notes::read(&file)
                && let Some(item) = items.into_iter().next()
            {
                job.stated.push((item.source(), item.facts));
                break;
            }
        }
        job.checked = Some(Checked::of(&job, None));
        job
    });
    let mut job = made.await.map_err(worker)?;
    job.fallback_date = Some(date);
    let unusable = |reason| Error::Unusable { path: path.to_owned(), reason };
    job.capture(folder, &mut Vec::new()).map_err(unusable)
}

fn worker(source: tokio::task::JoinError) -> Error {
    Error::Worker { source }
}

/// The metadata files of all folders, by path.
fn read_notes(listings: &[Listing], cache: &mut Cache) -> BTreeMap<PathBuf, Note> {
    let files = listings.iter().flat_map(|l| &l.files).filter(|f| notes::is_note(f));
    files.map(|file| (file.path.clone(), cache.note(file, || notes::read(file)))).collect()
}

/// Opens the images that the cache does not know, some at a time.
async fn check(jobs: &mut Vec<Job>, fallback: Option<&Crs>, cache: &mut Cache) -> Result<()> {
    let slots = Arc::new(Semaphore::new(HEADERS_AT_ONCE));
    let mut opening = Vec::new();
    for mut job in jobs.drain(..) {
        job.stamp.add(&(fallback, &job.crs, &job.masks, job.hints()));
        if let Some(known) = cache.checked(&job.path, job.stamp) {
            job.checked = Some(known);
            opening.push((Some(job), None));
            continue;
        }
        // The semaphore is never closed.
        let permit = Arc::clone(&slots).acquire_owned().await.ok();
        let fallback = fallback.cloned();
        let opened = tokio::task::spawn_blocking(move || {
            job.checked = Some(Checked::of(&job, fallback.as_ref()));
            drop(permit);
            job
        });
        opening.push((None, Some(opened)));
    }
    for (known, opened) in opening {
        if let Some(opened) = opened {
            let job = opened.await.map_err(worker)?;
            if let Some(checked) = &job.checked {
                cache.remember(&job.path, job.stamp, checked);
            }
            jobs.push(job);
        }
        jobs.extend(known);
    }
    Ok(())
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
    // An image may still be called like the tiles of another beside it. In the order of their paths, so that no other order shows.
    let mut order: Vec<usize> = (0..captures.len()).collect();
    order.sort_by(|&a, &b| captures[a].path.cmp(&captures[b].path));
    let mut taken = BTreeSet::new();
    for index in order {
        let id = captures[index].id.clone();
        let mut numbered = (2..).map(|n| format!("{id}-{n}"));
        let mut own = id.clone();
        while !taken.insert(own.clone()) {
            own = numbered.next().unwrap_or_default();
        }
        captures[index].id = own;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date;
    use crate::fixture::tiff;
    use domain::DateSource;
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
        catalogue(folder, &CatalogueOptions::default()).await.unwrap()
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
            &at("e_20240805.tif"),
            (3, 20, 30),
            &[],
            |_, r, _| r as u16,
            |d| {
                // Later than its name: when it was written.
                d.set_metadata_item("TIFFTAG_DATETIME", "2024:08:09 08:00:00", "").unwrap();
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
        // Earlier than its name, which holds the day of the order.
        tiff::<u16>(
            &at("h_20240830.tif"),
            (3, 20, 30),
            &[],
            |_, r, _| r as u16,
            |d| {
                d.set_metadata_item("TIFFTAG_DATETIME", "2024:08:08 08:00:00", "").unwrap();
            },
        );
        plain(&at(".hidden/2024-08-08.tif"));
        plain(&at(".2024-08-08.tif"));
        let found = read(dir.path());
        assert_eq!(found.skipped, []);
        let want = [
            ("b_20240801", DateSource::StacItem),
            ("c_20240801", DateSource::StacItem),
            ("d_20240801", DateSource::StacItem),
            ("e_20240805", DateSource::FileName),
            ("f_20240801", DateSource::ImageTag),
            ("2024-08-07/deep/g", DateSource::FileName),
            ("h_20240830", DateSource::ImageTag),
        ];
        for (day, (capture, (id, source))) in (2..).zip(found.captures.iter().zip(want)) {
            assert_eq!((capture.id.as_str(), capture.date_source), (id, source));
            assert_eq!(capture.datetime.format("%Y-%m-%d").to_string(), format!("2024-08-0{day}"));
        }
        assert_eq!(found.captures.len(), want.len());
        // Both say what they disagree about.
        let days = |id: &str| {
            let capture = found.captures.iter().find(|c| c.id == id).unwrap();
            capture.conflicts.iter().map(|c| format!("{} / {}", c.used, c.other)).collect::<Vec<_>>()
        };
        let told = ["2024-08-05 00:00:00 UTC (file name) / 2024-08-09 08:00:00 UTC (image tag)"];
        assert_eq!(days("e_20240805"), told);
        let told = ["2024-08-08 08:00:00 UTC (image tag) / 2024-08-30 00:00:00 UTC (file name)"];
        assert_eq!(days("h_20240830"), told);
        assert!(days("2024-08-07/deep/g").is_empty());
    }

    #[test]
    fn an_image_called_like_a_group_of_tiles_is_another() {
        let captures = || {
            ["s.tif", "t/s.tif", "s.TIF", "x.tif"].map(|path| {
                let mut capture = crate::fixture::capture(
                    "s",
                    "2024-08-05T08:00:00Z",
                    (655_000.0, 5_727_000.0),
                    (64, 64),
                    0.5,
                );
                capture.path = path.into();
                capture
            })
        };
        let mut one = captures();
        one[3].id = "s.tif".to_owned();
        make_ids_unique(&mut one);
        let ids: BTreeSet<&str> = one.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids.len(), one.len(), "{ids:?}");
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
        assert_eq!(catalogue(dir.path(), &CatalogueOptions::default()).await.unwrap(), Catalogue::default());
        let missing = catalogue(&dir.path().join("missing"), &CatalogueOptions::default()).await;
        assert!(matches!(missing, Err(Error::FolderMissing { .. })));
        let file = dir.path().join("a.txt");
        std::fs::write(&file, "x").unwrap();
        assert!(matches!(
            catalogue(&file, &CatalogueOptions::default()).await,
            Err(Error::NotAFolder { .. })
        ));
    }
}
