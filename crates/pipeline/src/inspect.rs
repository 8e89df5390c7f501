//! What a folder holds, without computing anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use domain::{Capture, Pair};
use geo_types::Coord;
use ingest::{Mirror, PairRule, RemoteOptions, is_address};
use serde::Serialize;

use crate::error::{Error, Skips};
use crate::{Gate, ImageOptions, Result};

/// What a folder holds and what would be compared.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inspection {
    /// Usable captures, by date.
    pub captures: Vec<Capture>,
    /// Pairs to compare, by the later date.
    pub pairs: Vec<Pair>,
    /// What to expect of each of them, in their order.
    pub gates: Vec<Gate>,
    /// Files that cannot be used, and captures that nothing can be compared with.
    pub skipped: Vec<ingest::Skipped>,
    /// Captures that are not compared because another of the same view is: nothing is lost by it.
    pub left_out: Vec<ingest::Skipped>,
    /// Where the images really are, of a folder at an address.
    #[serde(skip)]
    pub(crate) mirror: Option<Arc<Mirror>>,
}

/// What `folder` holds and which captures would be compared.
///
/// `folder` may be an address, of which headers and metadata are fetched, or a STAC document whose images lie at addresses:
/// see [`Mirror::open`].
///
/// # Errors
/// [`Error::Images`] where the folder cannot be read, or the options name what cannot be. One without images is an empty
/// inspection.
pub async fn inspect(folder: &Path, options: &ImageOptions) -> Result<Inspection> {
    let mut asked = ingest::CatalogueOptions {
        crs: options.crs.as_deref().map(ingest::named_crs).transpose()?,
        entries: options.capture.clone(),
        cache: options.cache.clone(),
    };
    let mirror = mirror(folder, options).await?;
    if let Some(mirror) = &mirror {
        // What is said of files at the address is said of those that stand for them.
        let of = |file: &mut PathBuf| {
            if let Ok(below) = file.strip_prefix(folder).map(Path::to_owned) {
                *file = mirror.folder().join(below);
            }
        };
        for entry in &mut asked.entries {
            of(&mut entry.file);
            entry.masks.iter_mut().for_each(|m| of(&mut m.file));
        }
    }
    let local = mirror.as_ref().map_or(folder, |m| m.folder());
    let ingest::Catalogue { captures, mut skipped } = ingest::catalogue(local, &asked).await?;
    let pairs = ingest::pairs(&captures, &options.pairs)?;
    let in_pairs: BTreeSet<&str> = pairs.iter().flat_map(|p| [p.earlier.id.as_str(), &p.later.id]).collect();
    // Who lists the pairs knows what is in none.
    let listed = matches!(options.pairs, PairRule::Listed(_));
    let alone = |c: &Capture| !listed && !in_pairs.contains(c.id.as_str());
    // Asked where one can be alone because of another that is not.
    let asked = !pairs.is_empty() && captures.iter().any(alone);
    let views = if asked { ingest::views(&captures) } else { Vec::new() };
    let compared: BTreeMap<usize, &Capture> =
        captures.iter().zip(&views).filter(|(c, _)| !alone(c)).map(|(c, view)| (*view, c)).collect();
    let mut left_out = Vec::new();
    for (index, capture) in captures.iter().enumerate().filter(|(_, c)| alone(c)) {
        let path = capture.path.clone();
        match views.get(index).and_then(|view| compared.get(view)) {
            Some(twin) => {
                let reason = format!(
                    "it shows the same view as {}, which is compared in its place; to compare this one, list its pair in a FILE for \
                     --pairs",
                    twin.path.display()
                );
                left_out.push(ingest::Skipped { path, reason });
            }
            None => {
                let reason = "no image of another date overlaps it; add one of the same place".to_owned();
                skipped.push(ingest::Skipped { path, reason });
            }
        }
    }
    if let Some(mirror) = &mirror {
        for s in skipped.iter_mut().chain(&mut left_out) {
            *s = ingest::Skipped { path: mirror.shown(&s.path), reason: mirror.in_addresses(&s.reason) };
        }
        skipped.extend(mirror.skipped().iter().cloned());
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    let gates = pairs.iter().map(Gate::of).collect();
    Ok(Inspection { captures, pairs, gates, skipped, left_out, mirror })
}

/// What stands for the address that was named, where one was.
async fn mirror(folder: &Path, options: &ImageOptions) -> Result<Option<Arc<Mirror>>> {
    let is_document = folder.extension().is_some_and(|e| e == "json" || e == "geojson") && folder.is_file();
    let address = match &options.stac {
        Some(search) => search.api.clone(),
        None if is_address(folder) || is_document => folder.to_string_lossy().into_owned(),
        None => return Ok(None),
    };
    let how = RemoteOptions {
        cache: options.kept.clone(),
        cache_bytes: options.kept_bytes,
        search: options.stac.clone(),
        ..RemoteOptions::default()
    };
    Ok(Some(Arc::new(Mirror::open(&address, &how).await?)))
}

impl Inspection {
    /// The same with addresses in the place of files that stand for them.
    #[must_use]
    pub fn in_addresses(mut self) -> Self {
        if let Some(mirror) = &self.mirror {
            let both = self.pairs.iter_mut().flat_map(|p| [&mut p.earlier, &mut p.later]);
            for capture in self.captures.iter_mut().chain(both) {
                *capture = shown(mirror, capture);
            }
        }
        self
    }

    /// A text with addresses in the place of files that stand for them.
    pub(crate) fn say(&self, text: String) -> String {
        self.mirror.as_ref().map_or(text.clone(), |m| m.in_addresses(&text))
    }

    /// The days of the images that are compared, each once.
    pub(crate) fn days(&self) -> Vec<NaiveDate> {
        let of = |p: &Pair| [&p.earlier, &p.later].map(|c| c.datetime.date_naive());
        let mut days: Vec<NaiveDate> = self.pairs.iter().flat_map(of).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// Where the images lie that are compared, longitude and latitude.
    pub(crate) fn places(&self) -> Vec<Coord> {
        apart(self.pairs.iter().filter_map(|p| p.later.footprint.exterior().coords().next().copied()))
    }

    /// Why there is nothing to compare; `None` where there is a pair.
    pub fn objection(&self, folder: &Path) -> Option<Error> {
        if !self.pairs.is_empty() {
            return None;
        }
        let folder = PathBuf::from(ingest::shown_address(&folder.to_string_lossy()));
        let shown = |c: &Capture| self.mirror.as_ref().map_or_else(|| c.path.clone(), |m| m.shown(&c.path));
        let usable = |s: &&ingest::Skipped| !self.captures.iter().any(|c| shown(c) == s.path);
        let skipped = Skips(self.skipped.iter().filter(usable).cloned().collect());
        let day = |c: &Capture| c.datetime.date_naive();
        Some(match &self.captures[..] {
            [] => Error::NoImages { folder, skipped },
            [only] => Error::OneImage { folder, image: shown(only), date: day(only).to_string(), skipped },
            [first, .., last] if day(first) == day(last) => {
                Error::OneDate { folder, images: self.captures.len(), date: day(first).to_string(), skipped }
            }
            [first, .., last] => Error::NoOverlap {
                folder,
                images: self.captures.len(),
                earlier: shown(first),
                later: shown(last),
                skipped,
            },
        })
    }
}

/// A capture with the addresses of its files.
pub(crate) fn shown(mirror: &Mirror, capture: &Capture) -> Capture {
    let mut out = capture.clone();
    out.path = mirror.shown(&out.path);
    for tile in &mut out.tiles {
        tile.path = mirror.shown(&tile.path);
        tile.infrared.iter_mut().for_each(|i| i.path = mirror.shown(&i.path));
    }
    out.masks.iter_mut().for_each(|m| m.path = mirror.shown(&m.path));
    out
}
/// Of places one for each square of a degree: fronts are told near from far by thousands of kilometres, and tiles are many.
pub(crate) fn apart(places: impl Iterator<Item = Coord>) -> Vec<Coord> {
    let mut squares = BTreeSet::new();
    places.filter(|p| squares.insert((p.x.floor() as i64, p.y.floor() as i64))).collect()
}
