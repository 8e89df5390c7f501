//! All files of a folder of images, by what is asked of them: which are captures, and which metadata and masks belong to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use domain::{BandRole, InfraredFile, Mask};

use crate::cache::Stamp;
use crate::catalogue::Skipped;
use crate::dimap::Group;
use crate::entry::Said;
use crate::facts::{Facts, Source};
use crate::format::Format;
use crate::job::{Job, id_parts, own_names};
use crate::layout::{self, Product};
use crate::notes::{self, Address, Note};
use crate::stac::Item;
use crate::walk::{Found, Listing};
use crate::{masks, maxar, planet, vrt};

/// All files of a folder of images and what their metadata say, by what is asked of them.
pub(crate) struct Order<'a> {
    pub folder: &'a Path,
    pub listings: &'a [Listing],
    pub notes: &'a BTreeMap<PathBuf, Note>,
    /// Items by the image that one of their assets is.
    by_asset: HashMap<PathBuf, &'a Item>,
    /// Items by their folder and the name of a file that one of their assets is, wherever it leads.
    by_name: HashMap<(&'a Path, &'a str), &'a Item>,
    /// Images that VRTs are made of.
    in_vrts: BTreeSet<PathBuf>,
    /// Files by the lists that name them: path of the list.
    listed: HashMap<PathBuf, &'a Path>,
    /// Files of Airbus products by the image that they are tiles of.
    in_group: HashMap<PathBuf, &'a Group>,
}

impl<'a> Order<'a> {
    pub fn new(folder: &'a Path, listings: &'a [Listing], notes: &'a BTreeMap<PathBuf, Note>) -> Self {
        let (mut by_asset, mut in_vrts) = (HashMap::new(), BTreeSet::new());
        let (mut listed, mut in_group) = (HashMap::new(), HashMap::new());
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
                Note::Til(files) | Note::Maxar(_, files) => {
                    for file in files {
                        listed.entry(here.join(file)).or_insert(path.as_path());
                    }
                }
                Note::Dimap(_, groups) => {
                    for (group, file) in groups.iter().flat_map(|g| g.files.iter().map(move |f| (g, f))) {
                        listed.entry(here.join(file)).or_insert(path.as_path());
                        in_group.entry(here.join(file)).or_insert(group);
                    }
                }
                _ => {}
            }
        }
        let mut by_name = HashMap::new();
        for listing in listings {
            for file in listing.files.iter().filter(|f| f.ending() == "json") {
                let Some(Note::Items(items)) = notes.get(&file.path) else { continue };
                for (item, href) in items.iter().flat_map(|i| i.assets.iter().map(move |href| (i, href))) {
                    let name = href.rsplit(['/', '\\']).next().unwrap_or_default();
                    by_name.entry((listing.folder.as_path(), name)).or_insert(item);
                }
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
        Self { folder, listings, notes, by_asset, by_name, in_vrts, listed, in_group }
    }

    /// The image of an Airbus product that is compared, of those of which a file is here: the one that shows most of what
    /// a person sees, the first of equals.
    pub fn shown_of<'g>(&self, product: &Path, groups: &'g [Group]) -> Option<&'g Group> {
        let here = |g: &&Group| {
            g.files.iter().any(|f| {
                let path = product.with_file_name(f);
                self.listings
                    .iter()
                    .find(|l| Some(l.folder.as_path()) == path.parent())
                    .is_some_and(|l| l.files.iter().any(|f| f.path == path))
            })
        };
        // The last of equals is what `max_by_key` gives.
        groups.iter().rev().filter(here).max_by_key(|g| g.visible())
    }

    /// The images to open.
    pub fn jobs(&self, said: &[Said], skipped: &mut Vec<Skipped>) -> Vec<Job> {
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
        if let Some(group) = self.in_group.get(&file.path)
            && let Some(Note::Dimap(_, groups)) = self.listed.get(&file.path).and_then(|l| self.notes.get(*l))
            && groups.len() > 1
            && self.listed.get(&file.path).and_then(|l| self.shown_of(l, groups)) != Some(*group)
        {
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
        if let Some(name) = planet::name(file.stem()) {
            job.stated.push((Source::Name, name.facts()));
        }
        job.masks.extend(self.masks_of(file, listing));
        job.masks = masks::without_doubles(std::mem::take(&mut job.masks));
        // What an image shows depends on them, and their names need not begin like its own.
        let state = |m: &Mask| fs::metadata(&m.path).ok().map(|of| (of.len(), of.modified().ok()));
        job.stamp.add(&job.masks.iter().map(state).collect::<Vec<_>>());
        job.group = self.group_of(file);
        if let Some((infrared, found)) = self.infrared_of(file, listing) {
            job.stamp.add(&(&found.name, found.bytes, found.modified_ns, infrared.band));
            job.infrared = Some(infrared);
        }
        job
    }

    /// Near infrared of an image that has none, in the file of the same tile of another image of its product.
    fn infrared_of<'f>(&self, file: &Found, listing: &'f Listing) -> Option<(InfraredFile, &'f Found)> {
        let own = self.in_group.get(&file.path)?;
        let list = self.listed.get(&file.path)?;
        let Note::Dimap(_, groups) = self.notes.get(*list)? else { return None };
        let band = |g: &Group| g.roles.as_ref()?.iter().position(|r| *r == BandRole::NearInfrared);
        if band(own).is_some() {
            return None;
        }
        let at = own.files.iter().position(|f| *f == file.name)?;
        let (other, band) = groups
            .iter()
            .filter(|g| g.files.len() == own.files.len())
            .find_map(|g| Some((g.files.get(at)?, band(g)?)))?;
        let found = listing.files.iter().find(|f| f.name == *other)?;
        Format::of(&found.path)?;
        Some((InfraredFile { path: found.path.clone(), band: band + 1 }, found))
    }

    /// The item that speaks of an image: by its name, by an asset that leads to it, or by an asset of its name.
    fn item_of(&self, file: &Found, listing: &Listing) -> Option<&Item> {
        let of = |path: &Path| match self.notes.get(path) {
            Some(Note::Items(items)) => Some(items),
            _ => None,
        };
        let own = own_names(&file.path).into_iter().find_map(|name| of(&listing.folder.join(name))?.first());
        let beside = || self.by_name.get(&(listing.folder.as_path(), file.name.as_str())).copied();
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
            let roles = self.in_group.get(&file.path).and_then(|g| g.roles.clone());
            out.push((Source::Dimap, Facts { roles, ..facts.clone() }));
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
}

/// What to do with an image.
enum Role {
    Capture,
    /// Part of another that is used.
    Ignored,
    Skipped(String),
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
