//! An image on its way to be a capture.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveTime, Utc};
use domain::{Capture, Conflict, Crs, Mask, ViewGeometry};
use geo::{Area, BooleanOps, Centroid, ConvexHull};
use geo_types::{Coord, MultiPolygon, Polygon};
use serde::{Deserialize, Serialize};

use crate::bands::Hints;
use crate::cache::Stamp;
use crate::catalogue::Skipped;
use crate::facts::{Facts, Merged, Source, merge};
use crate::header::{self, Header};
use crate::layout::{self, Product};
use crate::{date, masks, planet, sun};

/// An image on its way to be a capture.
pub(crate) struct Job {
    pub path: PathBuf,
    pub stated: Vec<(Source, Facts)>,
    /// Reference system that a person names for it.
    pub crs: Option<Crs>,
    pub masks: Vec<Mask>,
    /// Key of the image that it is a tile of.
    pub group: Option<String>,
    /// Tells this state of its files from another.
    pub stamp: Stamp,
    pub checked: Option<Checked>,
    pub fallback_date: Option<DateTime<Utc>>,
}

/// What opening an image and its masks showed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Checked {
    pub header: Result<Header, String>,
    /// Masks that cannot be used, and why.
    pub bad_masks: Vec<(PathBuf, String)>,
}

impl Checked {
    pub fn of(job: &Job, fallback: Option<&Crs>) -> Self {
        let header = header::read(&job.path, &job.hints(), fallback, job.crs.as_ref());
        let bad = |grid| {
            job.masks.iter().filter_map(|m| Some((m.path.clone(), masks::objection(m, grid)?))).collect()
        };
        let bad_masks = header.as_ref().map_or_else(|_| Vec::new(), |h| bad(&h.grid));
        Self { header, bad_masks }
    }
}

impl Job {
    pub fn new(path: &Path) -> Self {
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
    pub fn hints(&self) -> Hints {
        let mut stated: Vec<&(Source, Facts)> = self.stated.iter().collect();
        stated.sort_by_key(|s| s.0);
        Hints {
            stated: stated.iter().find_map(|(_, f)| f.roles.clone()),
            platform: stated.iter().find_map(|(_, f)| f.platform.clone()),
        }
    }

    /// The capture, or why it cannot be one.
    pub fn capture(self, folder: &Path, skipped: &mut Vec<Skipped>) -> Result<Capture, String> {
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
        let Merged { mut facts, date_source } = merge(stated);
        let footprint = match &facts.outline {
            Some(told) => shown(&header.footprint, told, &mut facts.conflicts),
            None => header.footprint,
        };
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
            footprint,
            bands: header.bands,
            data_type: header.data_type,
            roles: header.roles,
            masks,
            conflicts: facts.conflicts,
        })
    }
}

/// The part of an image's outline that its item says it shows, as a convex ring: the rest of it is no data. All of the outline
/// where the item says nearly the same, and where it lies elsewhere, which is a conflict.
pub(crate) fn shown(outline: &Polygon, told: &MultiPolygon, conflicts: &mut Vec<Conflict>) -> Polygon {
    const ALL: f64 = 0.99;
    const NONE: f64 = 1e-3;
    // Rings across the antimeridian are written in several ways.
    let beyond = |p: &Polygon| p.exterior().coords().any(|c| c.x.abs() > 179.0);
    if beyond(outline) || told.iter().any(beyond) {
        return outline.clone();
    }
    let common = outline.intersection(told);
    let share = common.unsigned_area() / outline.unsigned_area();
    if share < NONE || !share.is_finite() {
        conflicts.push(Conflict {
            fact: "footprint".to_owned(),
            used: "the outline of the image".to_owned(),
            other: "the geometry of its STAC item, which lies elsewhere".to_owned(),
        });
    }
    if (NONE..ALL).contains(&share) { common.convex_hull() } else { outline.clone() }
}

/// A file's folders below `folder` and its name without extension.
pub(crate) fn id_parts(folder: &Path, path: &Path) -> Vec<String> {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    below.iter().map(|part| part.to_string_lossy().into_owned()).collect()
}

/// The names of the JSON files that belong to an image alone, the likeliest first.
pub(crate) fn own_names(image: &Path) -> Vec<String> {
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
