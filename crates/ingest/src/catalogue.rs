//! What a folder holds: dated captures, and what could not be used and why.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, Utc};
use domain::{Capture, Crs, Mask, ViewGeometry};
use geo::Centroid;
use geo_types::Coord;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::bands::Hints;
use crate::cache::{Cache, Stamp};
use crate::entry::{CaptureEntry, Said};
use crate::error::{Error, Result};
use crate::facts::{Facts, Merged, Source, merge};
use crate::format::Format;
use crate::header::{self, Header};
use crate::layout::{self, Product};
use crate::notes::{self, Address, Note};
use crate::stac::Item;
use crate::walk::{Found, Listing, walk};
use crate::{date, group, library, masks, maxar, planet, sun, vrt};

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
/// below `folder`; contradictions are [`Capture::conflicts`]. A folder without images gives an empty catalogue.
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

/// An image on its way to be a capture.
struct Job {
    path: PathBuf,
    stated: Vec<(Source, Facts)>,
    /// Reference system that a person names for it.
    crs: Option<Crs>,
    masks: Vec<Mask>,
    /// Key of the image that it is a tile of.
    group: Option<String>,
    /// Tells this state of its files from another.
    stamp: Stamp,
    checked: Option<Checked>,
    fallback_date: Option<DateTime<Utc>>,
}

/// What opening an image and its masks showed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Checked {
    pub header: Result<Header, String>,
    /// Masks that cannot be used, and why.
    pub bad_masks: Vec<(PathBuf, String)>,
}

impl Checked {
    fn of(job: &Job, fallback: Option<&Crs>) -> Self {
        let header = header::read(&job.path, &job.hints(), fallback, job.crs.as_ref());
        let bad = |grid| {
            job.masks.iter().filter_map(|m| Some((m.path.clone(), masks::objection(m, grid)?))).collect()
        };
        let bad_masks = header.as_ref().map_or_else(|_| Vec::new(), |h| bad(&h.grid));
        Self { header, bad_masks }
    }
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

/// All files of a folder of images and what their metadata say, by what is asked of them.
struct Order<'a> {
    folder: &'a Path,
    listings: &'a [Listing],
    notes: &'a BTreeMap<PathBuf, Note>,
    /// Items by the image that one of their assets is.
    by_asset: HashMap<PathBuf, &'a Item>,
    /// Images that VRTs are made of.
    in_vrts: BTreeSet<PathBuf>,
    /// Files by the lists that name them: path of the list.
    listed: HashMap<PathBuf, &'a Path>,
}

impl<'a> Order<'a> {
    fn new(folder: &'a Path, listings: &'a [Listing], notes: &'a BTreeMap<PathBuf, Note>) -> Self {
        let (mut by_asset, mut in_vrts, mut listed) = (HashMap::new(), BTreeSet::new(), HashMap::new());
        for (path, note) in notes {
            let here = path.parent().unwrap_or(folder);
            match note {
                Note::Items(items) => {
                    for item in items {
                        for href in &item.assets {
                            if let Address::Inside(image) = notes::address(href, here, folder) {
                                by_asset.entry(image).or_insert(item);
                            }
                        }
                    }
                }
                Note::Til(files) | Note::Dimap(_, files) | Note::Maxar(_, files) => {
                    for file in files {
                        listed.entry(here.join(file)).or_insert(path.as_path());
                    }
                }
                _ => {}
            }
        }
        for file in listings.iter().flat_map(|l| &l.files) {
            if Format::of(&file.path) == Some(Format::Vrt) {
                // What is wrong with it is said where it is opened.
                let sources = vrt::sources(&file.path).unwrap_or_default();
                in_vrts.extend(sources.iter().filter_map(|s| {
                    match notes::address(&s.to_string_lossy(), Path::new(""), folder) {
                        Address::Inside(path) => Some(path),
                        _ => lexical(s),
                    }
                }));
            }
        }
        Self { folder, listings, notes, by_asset, in_vrts, listed }
    }

    /// The images to open.
    fn jobs(&self, said: &[Said], skipped: &mut Vec<Skipped>) -> Vec<Job> {
        let mut jobs = Vec::new();
        for listing in self.listings {
            let stems: BTreeSet<&str> =
                listing.files.iter().filter(|f| Format::of(&f.path).is_some()).map(Found::stem).collect();
            for file in &listing.files {
                let Some(format) = Format::of(&file.path) else { continue };
                match self.role(file, format, &stems) {
                    Role::Capture => {}
                    Role::Ignored => continue,
                    Role::Skipped(reason) => {
                        skipped.push(Skipped { path: file.path.clone(), reason });
                        continue;
                    }
                }
                jobs.push(self.job(file, format, listing, said));
            }
        }
        jobs
    }

    /// What to do with an image, `stems` being the names without extension in its folder.
    fn role(&self, file: &Found, format: Format, stems: &BTreeSet<&str>) -> Role {
        let stem = file.stem();
        if lexical(&file.path).is_some_and(|p| self.in_vrts.contains(&p)) || self.in_vrts.contains(&file.path)
        {
            return Role::Ignored;
        }
        let in_safe = file
            .path
            .ancestors()
            .skip(1)
            .any(|f| f.extension().is_some_and(|e| e.eq_ignore_ascii_case("SAFE")));
        if in_safe && format != Format::Sentinel2 {
            return Role::Ignored;
        }
        match layout::product(stem) {
            Some(Product::Other { catalogue_id, image: true })
                if !stems.contains(format!("{catalogue_id}-visual").as_str()) =>
            {
                return Role::Skipped(format!(
                    "only visual images are compared and {catalogue_id}-visual.tif is missing; order it, or \
                     rename this image to have it treated as a plain GeoTIFF"
                ));
            }
            Some(Product::Other { .. }) => return Role::Ignored,
            Some(Product::Visual { .. }) => return Role::Capture,
            None => {}
        }
        if let Some(name) = planet::name(stem) {
            let others =
                stems.range(name.id..).take_while(|s| s.starts_with(name.id)).filter_map(|s| planet::name(s));
            let best = others.filter(|o| o.id == name.id).map(|o| o.product).min();
            return match best {
                Some(best) if name.product != planet::Product::Mask && name.product == best => Role::Capture,
                _ => Role::Ignored,
            };
        }
        if masks::is_mask(&file.path) {
            // A shorter name that begins like it: an image or an item of an order.
            let of_image = |s: &&str| {
                s.len() < stem.len() && stem.starts_with(*s) && masks::of_name(&file.path, s).is_some()
            };
            return match stems.iter().any(of_image) {
                true => Role::Ignored,
                false => Role::Skipped(
                    "its name is that of a mask, and the image it belongs to is not beside it; deliver it, or rename this \
                     file if it is an image"
                        .to_owned(),
                ),
            };
        }
        if format == Format::GeoPackage
            && crate::format::open(&file.path).is_err()
            && crate::vector::has_layers(&file.path)
        {
            return Role::Ignored;
        }
        Role::Capture
    }

    fn job(&self, file: &Found, format: Format, listing: &Listing, said: &[Said]) -> Job {
        let mut job = Job::new(&file.path);
        let siblings = listing.beginning(file.stem());
        job.stamp.add(&siblings.iter().map(|f| (&f.name, f.bytes, f.modified_ns)).collect::<Vec<_>>());
        if format == Format::Vrt {
            // What it is made of may have changed.
            job.stamp = Stamp::never();
        }
        for said in said.iter().filter(|s| s.is_of(&file.path)) {
            job.stated.push((Source::Config, said.facts.clone()));
            job.crs = job.crs.or_else(|| said.crs.clone());
            job.masks.extend(said.masks.iter().cloned());
        }
        if let Some(item) = self.item_of(file, listing) {
            job.stated.push((item.source(), item.facts.clone()));
        }
        let of_order = self.of_order(file, listing);
        job.stated.extend(of_order);
        job.masks.extend(self.masks_of(file, listing));
        job.masks = masks::without_doubles(std::mem::take(&mut job.masks));
        job.group = self.group_of(file);
        job
    }

    /// The item that speaks of an image: by its name, by an asset that leads to it, or by an asset of its name.
    fn item_of(&self, file: &Found, listing: &Listing) -> Option<&Item> {
        let of = |path: &Path| match self.notes.get(path) {
            Some(Note::Items(items)) => Some(items),
            _ => None,
        };
        let own = own_names(&file.path).into_iter().find_map(|name| of(&listing.folder.join(name))?.first());
        let named = |item: &&Item| {
            item.assets.iter().any(|href| href.rsplit(['/', '\\']).next() == Some(file.name.as_str()))
        };
        let beside = || {
            let jsons = listing.files.iter().filter(|f| f.ending() == "json");
            jsons.filter_map(|f| of(&f.path)).flatten().find(named)
        };
        own.or_else(|| self.by_asset.get(&file.path).copied()).or_else(beside)
    }

    /// What the metadata files of its order say of an image.
    fn of_order(&self, file: &Found, listing: &Listing) -> Vec<(Source, Facts)> {
        let mut out = Vec::new();
        if let Some(Note::Sentinel2(facts)) = self.notes.get(&file.path) {
            out.push((Source::Sentinel2, facts.clone()));
        }
        let list = self.listed.get(&file.path).copied();
        let list_stem = list.and_then(|p| p.file_stem()).map(|s| s.to_string_lossy().into_owned());
        let (stem, whole) = (file.stem(), maxar::without_tile(file.stem()));
        let mut names: Vec<&str> = vec![stem, whole.as_str()];
        names.extend(list_stem.as_deref());
        names.dedup();
        for other in names.iter().flat_map(|n| listing.beginning(n)) {
            if !names.contains(&other.stem()) {
                continue;
            }
            let stated = match self.notes.get(&other.path) {
                Some(Note::Imd(facts)) => (Source::Imd, facts.clone()),
                Some(Note::Maxar(facts, _)) => (Source::MaxarXml, facts.clone()),
                _ => continue,
            };
            if !out.contains(&stated) {
                out.push(stated);
            }
        }
        if let Some(Note::Dimap(facts, _)) = list.and_then(|l| self.notes.get(l)) {
            out.push((Source::Dimap, facts.clone()));
        }
        out
    }

    /// The masks that came with an image.
    fn masks_of(&self, file: &Found, listing: &Listing) -> Vec<Mask> {
        let stem = file.stem();
        let mut found = Vec::new();
        let prefix = match layout::product(stem) {
            Some(Product::Visual { catalogue_id } | Product::Other { catalogue_id, .. }) => catalogue_id,
            None => stem,
        };
        found.extend(listing.beginning(prefix).iter().filter_map(|f| masks::of_name(&f.path, prefix)));
        if let Some(name) = planet::name(stem) {
            let beside = listing.beginning(name.id).iter();
            let udm2 = beside.filter(|f| {
                planet::name(f.stem()).is_some_and(|n| n.id == name.id && n.product == planet::Product::Mask)
            });
            found.extend(udm2.take(1).flat_map(|f| masks::of_udm2(&f.path)));
        }
        let dimap =
            self.listed.get(&file.path).filter(|l| matches!(self.notes.get(**l), Some(Note::Dimap(..))));
        if let Some(product) = dimap.and_then(|l| l.parent()) {
            let inside = self.listings.iter().filter(|l| {
                l.folder.parent() == Some(product)
                    && l.folder.file_name().is_some_and(|n| n.eq_ignore_ascii_case("MASKS"))
            });
            found.extend(inside.flat_map(|l| &l.files).filter_map(|f| masks::of_airbus(&f.path)));
        }
        found
    }

    /// The key of the image that a file is a tile of, as a capture's id: the list that names it, or its name without the
    /// place of the tile.
    fn group_of(&self, file: &Found) -> Option<String> {
        if let Some(list) = self.listed.get(&file.path) {
            return Some(id_parts(self.folder, list).join("/"));
        }
        let whole = maxar::without_tile(file.stem());
        (whole != file.stem()).then(|| {
            let path = file.path.with_file_name(format!("{whole}.tif"));
            id_parts(self.folder, &path).join("/")
        })
    }

    /// Metadata that belong to images and cannot be read.
    fn broken(&self, jobs: &[Job]) -> Vec<Skipped> {
        let mut own = BTreeSet::new();
        for job in jobs {
            own.extend(own_names(&job.path).into_iter().map(|n| job.path.with_file_name(n)));
        }
        let with_images: BTreeSet<&Path> = jobs.iter().filter_map(|j| j.path.parent()).collect();
        let belongs = |path: &Path| {
            let ending =
                path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
            own.contains(path) || (ending != "json" && path.parent().is_some_and(|f| with_images.contains(f)))
        };
        self.notes
            .iter()
            .filter_map(|(path, note)| match note {
                Note::Broken(said) if belongs(path) => Some(Skipped {
                    path: path.clone(),
                    reason: format!(
                        "the metadata cannot be read ({said}), so the image is used without them; deliver them anew"
                    ),
                }),
                _ => None,
            })
            .collect()
    }

    /// Items and lists whose images are not there, and addresses that lead out of the folder.
    fn lost(&self, jobs: &[Job]) -> Vec<Skipped> {
        let all: BTreeSet<&Path> =
            self.listings.iter().flat_map(|l| &l.files).map(|f| f.path.as_path()).collect();
        let used: BTreeSet<&Path> = jobs.iter().map(|j| j.path.as_path()).collect();
        let mut own = BTreeSet::new();
        for path in &used {
            own.extend(own_names(path).into_iter().map(|n| path.with_file_name(n)));
        }
        let mut out = Vec::new();
        for (path, note) in self.notes {
            let mut say = |reason: String| out.push(Skipped { path: path.clone(), reason });
            let here = path.parent().unwrap_or(self.folder);
            match note {
                Note::Items(items) => {
                    for item in items {
                        let addresses: Vec<(&String, Address)> = item
                            .assets
                            .iter()
                            .filter(|href| looks_like_image(href))
                            .map(|href| (href, notes::address(href, here, self.folder)))
                            .collect();
                        for (href, _) in addresses.iter().filter(|(_, a)| *a == Address::Outside) {
                            say(format!(
                                "its asset {href:?} leads out of the folder and is not followed; name the folder that holds both"
                            ));
                        }
                        let name = |href: &str| href.rsplit(['/', '\\']).next().map(|n| here.join(n));
                        let there = |(href, address): &(&String, Address)| match address {
                            Address::Inside(image) => all.contains(image.as_path()),
                            _ => name(href).is_some_and(|p| all.contains(p.as_path())),
                        };
                        let inside = addresses.iter().find(|(_, a)| matches!(a, Address::Inside(_)));
                        if own.contains(path) || addresses.iter().any(there) {
                            continue;
                        }
                        if let Some((href, _)) = inside {
                            say(format!("its image {href:?} is missing; deliver it"));
                        } else if let Some((href, _)) = addresses.iter().find(|(_, a)| *a == Address::Remote)
                        {
                            say(format!(
                                "its image is not in the folder but at {}; download it",
                                shown(href)
                            ));
                        }
                    }
                }
                Note::Til(files) | Note::Dimap(_, files) => {
                    let missing: Vec<&String> =
                        files.iter().filter(|f| !all.contains(here.join(f).as_path())).collect();
                    if let Some(first) = missing.first() {
                        let more = match missing.len() {
                            1 => String::new(),
                            n => format!(" and {} more", n - 1),
                        };
                        say(format!(
                            "its tile {first:?}{more} is missing, so the image has a hole; deliver it"
                        ));
                    }
                }
                _ => {}
            }
        }
        out
    }
}

/// An address without what may be a secret in it.
fn shown(href: &str) -> &str {
    href.split(['?', '#']).next().unwrap_or_default()
}

/// True for an address that ends like an image's.
fn looks_like_image(href: &str) -> bool {
    let ending = shown(href).rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    matches!(ending.as_str(), "tif" | "tiff" | "jp2" | "ntf" | "nitf" | "vrt")
}

/// A path as text alone can compare it: absolute, without `.` and `..`.
fn lexical(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            std::path::Component::ParentDir => _ = out.pop(),
            other => out.push(other),
        }
    }
    Some(out)
}

impl Job {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            stated: Vec::new(),
            crs: None,
            masks: Vec::new(),
            group: None,
            stamp: Stamp::default(),
            checked: None,
            fallback_date: None,
        }
    }

    /// What is known of its bands before it is opened.
    fn hints(&self) -> Hints {
        let mut stated: Vec<&(Source, Facts)> = self.stated.iter().collect();
        stated.sort_by_key(|s| s.0);
        Hints {
            stated: stated.iter().find_map(|(_, f)| f.roles.clone()),
            platform: stated.iter().find_map(|(_, f)| f.platform.clone()),
        }
    }

    /// The capture, or why it cannot be one.
    fn capture(self, folder: &Path, skipped: &mut Vec<Skipped>) -> Result<Capture, String> {
        let Some(Checked { header, bad_masks }) = self.checked else {
            return Err("it was not opened".to_owned());
        };
        let header = header?;
        let mut masks = self.masks;
        masks.retain(|m| !bad_masks.iter().any(|(path, _)| *path == m.path));
        skipped.extend(bad_masks.into_iter().map(|(path, reason)| Skipped { path, reason }));
        let parts = id_parts(folder, &self.path);
        let mut stated = self.stated;
        let fact = |datetime| Facts { datetime, ..Facts::default() };
        stated.push((Source::Tag, Facts { licence: header.copyright.clone(), ..fact(header.datetime) }));
        // A name is asked where nothing else tells: many hold the day of the order.
        if stated.iter().all(|(_, f)| f.datetime.is_none()) {
            let named = parts.iter().rev().find_map(|part| date::in_name(part));
            stated.push((Source::Name, fact(named.or(self.fallback_date))));
        }
        let time = merge(stated.clone()).facts.datetime;
        let place = header.footprint.centroid().map(Coord::from);
        if let Some((azimuth, elevation)) =
            time.zip(place).and_then(|(time, place)| sun::position(time, place))
        {
            let view = ViewGeometry {
                sun_azimuth_deg: Some(azimuth),
                sun_elevation_deg: Some(elevation),
                ..ViewGeometry::default()
            };
            stated.push((Source::Computed, Facts { view, ..Facts::default() }));
        }
        let told = |get: fn(&Facts) -> Option<f64>| {
            stated.iter().any(|(s, f)| *s != Source::Computed && get(f).is_some())
        };
        let sun_told = told(|f| f.view.sun_azimuth_deg) && told(|f| f.view.sun_elevation_deg);
        let Merged { facts, date_source } = merge(stated);
        let (Some(datetime), Some(date_source)) = (facts.datetime, date_source) else {
            return Err("the image has no date; put it into the file name as yyyy-mm-dd, into a NAME.json beside it as \
                        \"datetime\", into a [[capture]] of the config file, or into the TIFF tag DateTime"
                .to_owned());
        };
        Ok(Capture {
            id: parts.join("/"),
            path: self.path,
            tiles: Vec::new(),
            datetime,
            date_source,
            released: facts.released,
            catalogue_id: facts.catalogue_id,
            licence: facts.licence,
            platform: facts.platform,
            gsd_m: facts.gsd_m,
            ce90_m: facts.ce90_m,
            sun_computed: !sun_told && datetime.time() != NaiveTime::MIN,
            view: facts.view,
            cloud_percent: facts.cloud_percent,
            grid: header.grid,
            footprint: header.footprint,
            bands: header.bands,
            data_type: header.data_type,
            roles: header.roles,
            masks,
            conflicts: facts.conflicts,
        })
    }
}

/// A file's folders below `folder` and its name without extension.
fn id_parts(folder: &Path, path: &Path) -> Vec<String> {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    below.iter().map(|part| part.to_string_lossy().into_owned()).collect()
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
    if let Some(scene) = planet::name(&stem) {
        names.push(format!("{}_metadata.json", scene.id));
        names.push(format!("{}.json", scene.id));
    }
    names.extend([format!("{stem}.json"), format!("{name}.json"), format!("{stem}_metadata.json")]);
    names
}

/// What to do with an image.
enum Role {
    Capture,
    /// Part of another that is used.
    Ignored,
    Skipped(String),
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
