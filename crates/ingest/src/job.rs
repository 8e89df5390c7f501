//! An image on its way to be a capture.

use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveTime, Utc};
use domain::{
    Capture, Conflict, Crs, FootprintSource, Grid, InfraredFile, Mask, MaskKind, Tile, ViewGeometry,
};
use geo::{Area, BooleanOps, Centroid, ConvexHull, GeodesicArea};
use geo_types::{Coord, MultiPolygon, Polygon};
use serde::{Deserialize, Serialize};

use crate::bands::Hints;
use crate::cache::Stamp;
use crate::catalogue::Skipped;
use crate::facts::{Facts, Merged, Source, conflict, merge};
use crate::header::{self, Header};
use crate::layout::{self, Product};
use crate::valid::{self, Data};
use crate::{date, masks, planet, sun};

/// Share of an image's outline from which on an item says all of it.
const ALL_SHOWN: f64 = 0.99;
/// Share of the ground of either that pixels and item must have in common to say the same: both are simplified.
const SAME_GROUND: f64 = 0.9;

/// An image on its way to be a capture.
pub(crate) struct Job {
    pub path: PathBuf,
    pub stated: Vec<(Source, Facts)>,
    /// Reference system that a person names for it.
    pub crs: Option<Crs>,
    pub masks: Vec<Mask>,
    /// Near infrared that the order says is in another file.
    pub infrared: Option<InfraredFile>,
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
    /// Masks that cannot be used, and a file of near infrared, and why.
    pub bad: Vec<(PathBuf, String)>,
}

impl Checked {
    pub fn of(job: &Job, fallback: Option<&Crs>) -> Self {
        let mut bad = Vec::new();
        let opened = header::opened(&job.path, &job.hints(), fallback, job.crs.as_ref());
        let header = opened.map(|(mut header, dataset)| {
            let mut shown = valid::hull(dataset, &job.path, &header.roles);
            for mask in &job.masks {
                match masks::check(mask, &header.grid) {
                    Ok(Some(kept)) if mask.keeps && mask.kind == MaskKind::Nodata => {
                        shown = valid::within(shown, &kept, header.grid.shape());
                    }
                    Ok(_) => {}
                    Err(reason) => bad.push((mask.path.clone(), reason)),
                }
            }
            header.data = Data::of(shown, &header.grid);
            let infrared = job.infrared.as_ref();
            bad.extend(infrared.and_then(|i| Some((i.path.clone(), objection(i, &header.grid, fallback)?))));
            header
        });
        Self { header, bad }
    }
}

/// Why a file of near infrared cannot be read with the image of `grid`; `None` where it can.
fn objection(infrared: &InfraredFile, grid: &Grid, fallback: Option<&Crs>) -> Option<String> {
    /// How far a corner may be from that of the image, pixels.
    const SAME_PX: f64 = 0.02;
    let reason = match header::read(&infrared.path, &Hints::default(), fallback, Some(&grid.crs)) {
        Err(reason) => reason,
        Ok(found) => {
            let far = |(a, b): (&Coord, &Coord)| (a.x - b.x).hypot(a.y - b.y) > SAME_PX * grid.pixel_size();
            let corners = (found.grid.corners(), grid.corners());
            if infrared.band > found.bands {
                format!("it has {} bands, and near infrared is number {}", found.bands, infrared.band)
            } else if found.grid.shape() != grid.shape() || corners.0.iter().zip(&corners.1).any(far) {
                "its pixels do not lie on those of the image of visible light".to_owned()
            } else {
                return None;
            }
        }
    };
    Some(format!("its near infrared cannot be used: {reason}; the image is used without it"))
}

impl Job {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            stated: Vec::new(),
            crs: None,
            masks: Vec::new(),
            infrared: None,
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
        let Some(Checked { header, bad }) = self.checked else {
            return Err("it was not opened".to_owned());
        };
        let header = header?;
        let mut masks = self.masks;
        masks.retain(|m| !bad.iter().any(|(path, _)| *path == m.path));
        let infrared = self.infrared.filter(|i| !bad.iter().any(|(path, _)| *path == i.path));
        // With its own file it is an image of one tile.
        let tile = |infrared| Tile {
            path: self.path.clone(),
            row: 0,
            col: 0,
            shape: header.grid.shape(),
            infrared: Some(infrared),
        };
        let tiles: Vec<Tile> = infrared.map(tile).into_iter().collect();
        skipped.extend(bad.into_iter().map(|(path, reason)| Skipped { path, reason }));
        let parts = id_parts(folder, &self.path);
        let mut stated = self.stated;
        let fact = |datetime| Facts { datetime, ..Facts::default() };
        let others_tell = stated.iter().any(|(_, f)| f.datetime.is_some());
        let mut tagged = Facts { licence: header.copyright.clone(), ..fact(header.datetime) };
        // A name is asked where nothing else tells but when the file was written: many hold the day of the order.
        if !others_tell && header.stamped {
            let named = parts.iter().rev().find_map(|part| date::in_name(part));
            // No image is ordered or written before it is taken: of two days the earlier is believed.
            if let Some((name, stamp)) =
                named.zip(tagged.datetime).filter(|(name, stamp)| name.date_naive() < stamp.date_naive())
            {
                tagged.datetime = None;
                tagged.conflicts.push(conflict("datetime", (&name, Source::Name), (&stamp, Source::Tag)));
            }
            stated.push((
                Source::Name,
                fact(named.or(self.fallback_date.filter(|_| header.datetime.is_none()))),
            ));
        }
        stated.push((Source::Tag, tagged));
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
        let told = facts.outline.take();
        let (footprint, footprint_source) =
            footprint(header.footprint, header.data, told.as_ref(), &mut facts.conflicts);
        let (Some(datetime), Some(date_source)) = (facts.datetime, date_source) else {
            return Err("the image has no date; put it into the file name as yyyy-mm-dd, into a NAME.json beside it as \
                        \"datetime\", into a [[capture]] of the config file, or into the TIFF tag DateTime"
                .to_owned());
        };
        Ok(Capture {
            id: parts.join("/"),
            path: self.path,
            tiles,
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
            footprint_source,
            bands: header.bands,
            data_type: header.data_type,
            roles: header.roles,
            masks,
            conflicts: facts.conflicts,
        })
    }
}

/// The ground that an image shows, of its outline, and who says so: its pixels before its STAC item before its edges.
///
/// What pixels say is what the survey compares; an item's geometry counts where nothing marks pixels as no data or there are too
/// many to look at. Of the item counts what lies on the image, as a convex ring: all of the outline where that is nearly the same
/// ([`ALL_SHOWN`]), and where the item lies elsewhere, which is a conflict. So is an item that says other ground than the pixels
/// by more than [`SAME_GROUND`] lets pass.
pub(crate) fn footprint(
    outline: Polygon,
    data: Data,
    told: Option<&MultiPolygon>,
    conflicts: &mut Vec<Conflict>,
) -> (Polygon, FootprintSource) {
    const ELSEWHERE: f64 = 1e-3;
    let (shown, source) = match data {
        Data::Unknown => (outline.clone(), FootprintSource::Outline),
        Data::All => (outline.clone(), FootprintSource::ValidData),
        Data::Within(ring) => (ring, FootprintSource::ValidData),
    };
    // Rings across the antimeridian are written in several ways.
    let beyond = |p: &Polygon| p.exterior().coords().any(|c| c.x.abs() > 179.0);
    let Some(told) = told.filter(|t| !beyond(&outline) && !t.iter().any(beyond)) else {
        return (shown, source);
    };
    let common = outline.intersection(told).convex_hull();
    let share = common.unsigned_area() / outline.unsigned_area();
    if share < ELSEWHERE || !share.is_finite() {
        let used =
            if source == FootprintSource::Outline { "the outline of the image" } else { "its valid pixels" };
        conflicts.push(Conflict {
            fact: "footprint".to_owned(),
            used: used.to_owned(),
            other: "the geometry of its STAC item, which lies elsewhere".to_owned(),
        });
        return (shown, source);
    }
    if source == FootprintSource::Outline {
        let ring = if share < ALL_SHOWN { common } else { outline };
        return (ring, FootprintSource::StacItem);
    }
    let both = common.intersection(&shown).unsigned_area();
    if both < SAME_GROUND * (common.unsigned_area() + shown.unsigned_area() - both) {
        let km2 = |p: &Polygon| (p.geodesic_area_unsigned() / 1e4).round() / 100.0;
        conflicts.push(Conflict {
            fact: "footprint".to_owned(),
            used: format!("{} km² of valid pixels", km2(&shown)),
            other: format!("{} km² of the image (STAC item)", km2(&common)),
        });
    }
    (shown, source)
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
