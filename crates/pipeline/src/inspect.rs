//! What a folder holds, without computing anything.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::NaiveDate;
use domain::{Capture, Pair};
use geo_types::Coord;
use ingest::PairRule;
use serde::Serialize;

use crate::error::{Error, Skips};
use crate::{Gate, ImageOptions, Result};

/// What a folder holds and what would be compared.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Usable captures, by date.
    pub captures: Vec<Capture>,
    /// Pairs to compare, by the later date.
    pub pairs: Vec<Pair>,
    /// What to expect of each of them, in their order.
    pub gates: Vec<Gate>,
    /// Files that cannot be used, and captures that nothing can be compared with.
    pub skipped: Vec<ingest::Skipped>,
}

/// What `folder` holds and which captures would be compared.
///
/// # Errors
/// [`Error::Images`] where the folder cannot be read, or the options name what cannot be. One without images is an empty
/// inspection.
pub async fn inspect(folder: &Path, options: &ImageOptions) -> Result<Inspection> {
    let asked = ingest::CatalogueOptions {
        crs: options.crs.as_deref().map(ingest::named_crs).transpose()?,
        entries: options.capture.clone(),
        cache: options.cache.clone(),
    };
    let ingest::Catalogue { captures, mut skipped } = ingest::catalogue(folder, &asked).await?;
    let pairs = ingest::pairs(&captures, &options.pairs)?;
    let in_pairs: BTreeSet<&str> = pairs.iter().flat_map(|p| [p.earlier.id.as_str(), &p.later.id]).collect();
    // Who lists the pairs knows what is in none.
    let listed = matches!(options.pairs, PairRule::Listed(_));
    for capture in &captures {
        if !listed && !in_pairs.contains(capture.id.as_str()) {
            let reason = "no image of another date overlaps it; add one of the same place".to_owned();
            skipped.push(ingest::Skipped { path: capture.path.clone(), reason });
        }
    }
    skipped.sort_by(|a, b| a.path.cmp(&b.path));
    let gates = pairs.iter().map(Gate::of).collect();
    Ok(Inspection { captures, pairs, gates, skipped })
}

impl Inspection {
    /// The days of the images that are compared, each once.
    pub(crate) fn days(&self) -> Vec<NaiveDate> {
        let of = |p: &Pair| [&p.earlier, &p.later].map(|c| c.datetime.date_naive());
        let mut days: Vec<NaiveDate> = self.pairs.iter().flat_map(of).collect();
        days.sort_unstable();
        days.dedup();
        days
    }

    /// Where the images lie: the first corner of the first that is compared, longitude and latitude.
    pub(crate) fn place(&self) -> Option<Coord> {
        self.pairs.first()?.later.footprint.exterior().coords().next().copied()
    }

    /// Why there is nothing to compare; `None` where there is a pair.
    pub fn objection(&self, folder: &Path) -> Option<Error> {
        if !self.pairs.is_empty() {
            return None;
        }
        let folder = folder.to_owned();
        let usable = |s: &&ingest::Skipped| !self.captures.iter().any(|c| c.path == s.path);
        let skipped = Skips(self.skipped.iter().filter(usable).cloned().collect());
        let day = |c: &Capture| c.datetime.date_naive();
        Some(match &self.captures[..] {
            [] => Error::NoImages { folder, skipped },
            [only] => {
                Error::OneImage { folder, image: only.path.clone(), date: day(only).to_string(), skipped }
            }
            [first, .., last] if day(first) == day(last) => {
                Error::OneDate { folder, images: self.captures.len(), date: day(first).to_string(), skipped }
            }
            [first, .., last] => Error::NoOverlap {
                folder,
                images: self.captures.len(),
                earlier: first.path.clone(),
                later: last.path.clone(),
                skipped,
            },
        })
    }
}
