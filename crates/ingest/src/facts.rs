//! What the sources say about a capture, and which of them is believed.

use std::fmt;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use domain::{BandRole, Conflict, DateSource, ViewGeometry};
use geo_types::MultiPolygon;
use serde::{Deserialize, Serialize};

/// Who says so, the most credible first: where two disagree, the first of this list is used, and the other kept as a
/// [`Conflict`].
///
/// What a person wrote for this survey goes before what came with the image; the item that describes this very file
/// before the metadata of the order that it was cut from; those before the image's tags, which tools rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Source {
    Config,
    Stac,
    Imd,
    MaxarXml,
    Til,
    Dimap,
    Planet,
    Sentinel2,
    Tag,
    Name,
    Computed,
}

impl Source {
    /// As `inspect` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config file",
            Self::Stac => "STAC item",
            Self::Imd => "IMD",
            Self::MaxarXml => "XML",
            Self::Til => "TIL",
            Self::Dimap => "DIMAP",
            Self::Planet => "Planet metadata",
            Self::Sentinel2 => "Sentinel-2 metadata",
            Self::Tag => "image tag",
            Self::Name => "file name",
            Self::Computed => "computed",
        }
    }

    /// What a capture's date is said to come from.
    fn of_date(self) -> DateSource {
        match self {
            Self::Config => DateSource::Config,
            Self::Stac => DateSource::StacItem,
            Self::Tag => DateSource::ImageTag,
            Self::Name | Self::Computed => DateSource::FileName,
            _ => DateSource::Order,
        }
    }
}

/// What one source says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub datetime: Option<DateTime<Utc>>,
    pub released: Option<DateTime<Utc>>,
    pub platform: Option<String>,
    pub catalogue_id: Option<String>,
    pub gsd_m: Option<f64>,
    pub ce90_m: Option<f64>,
    pub view: ViewGeometry,
    pub cloud_percent: Option<f64>,
    pub licence: Option<String>,
    /// The ground that it shows, longitude and latitude.
    pub outline: Option<MultiPolygon>,
    /// The bands, where the source names them.
    pub roles: Option<Vec<BandRole>>,
    /// Contradictions within the source.
    pub conflicts: Vec<Conflict>,
}

/// All that is known of a capture, with its contradictions.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Merged {
    pub facts: Facts,
    pub date_source: Option<DateSource>,
}

/// One truth of many sources: of each fact that of the most credible that has it ([`Source`]); others that differ by
/// more than measuring explains are conflicts.
///
/// Tolerances: time 60 s (first line or middle of a strip), a date without a time counts as the whole day; release,
/// licence and names of bands none; GSD 5 % (a strip's mean or a tile's); CE90 10 %; angles of view 3° (at the satellite
/// or at the ground: 2° at 25°), azimuths 5°, the sun's height 2°, cloud 5 points (strip or tile).
pub(crate) fn merge(mut stated: Vec<(Source, Facts)>) -> Merged {
    stated.sort_by_key(|(source, _)| *source);
    let mut conflicts: Vec<Conflict> = stated.iter().flat_map(|(_, f)| f.conflicts.clone()).collect();
    let mut date_source = None;
    let datetime =
        pick(&stated, "datetime", |f| f.datetime, same_time, &mut conflicts).map(|(source, time)| {
            date_source = Some(source.of_date());
            time
        });
    let mut number = |fact: &'static str, get: fn(&Facts) -> Option<f64>, same: fn(&f64, &f64) -> bool| {
        pick(&stated, fact, |f| get(f).map(Number), |a, b| same(&a.0, &b.0), &mut conflicts).map(|(_, v)| v.0)
    };
    let round = |a: &f64, b: &f64| ((a - b + 180.0).rem_euclid(360.0) - 180.0).abs() <= 5.0;
    let facts = Facts {
        datetime,
        gsd_m: number("gsd_m", |f| f.gsd_m, |a, b| (a / b - 1.0).abs() <= 0.05),
        ce90_m: number("ce90_m", |f| f.ce90_m, |a, b| (a - b).abs() <= 0.1 * a.max(*b)),
        view: ViewGeometry {
            off_nadir_deg: number("off_nadir_deg", |f| f.view.off_nadir_deg, |a, b| (a - b).abs() <= 3.0),
            view_azimuth_deg: number("view_azimuth_deg", |f| f.view.view_azimuth_deg, round),
            sun_azimuth_deg: number("sun_azimuth_deg", |f| f.view.sun_azimuth_deg, round),
            sun_elevation_deg: number(
                "sun_elevation_deg",
                |f| f.view.sun_elevation_deg,
                |a, b| (a - b).abs() <= 2.0,
            ),
        },
        cloud_percent: number("cloud_percent", |f| f.cloud_percent, |a, b| (a - b).abs() <= 5.0),
        released: pick(&stated, "released", |f| f.released, same_time, &mut conflicts).map(|v| v.1),
        platform: pick(&stated, "platform", |f| f.platform.clone(), |a, b| same_sensor(a, b), &mut conflicts)
            .map(|v| v.1),
        catalogue_id: pick(
            &stated,
            "catalogue_id",
            |f| f.catalogue_id.clone(),
            |a, b| a.eq_ignore_ascii_case(b),
            &mut conflicts,
        )
        .map(|v| v.1),
        licence: stated.iter().find_map(|(_, f)| f.licence.clone()),
        outline: stated.iter().find_map(|(_, f)| f.outline.clone()),
        roles: stated.iter().find_map(|(_, f)| f.roles.clone()),
        conflicts: Vec::new(),
    };
    Merged { facts: Facts { conflicts, ..facts }, date_source }
}

/// A number as a person reads it.
#[derive(Clone)]
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", (self.0 * 1000.0).round() / 1000.0)
    }
}

/// The first that has a fact, and the others that disagree.
fn pick<T: fmt::Display>(
    stated: &[(Source, Facts)],
    fact: &str,
    get: impl Fn(&Facts) -> Option<T>,
    same: impl Fn(&T, &T) -> bool,
    conflicts: &mut Vec<Conflict>,
) -> Option<(Source, T)> {
    let mut all = stated.iter().filter_map(|(source, facts)| Some((*source, get(facts)?)));
    let first = all.next()?;
    for (source, value) in all {
        if !same(&first.1, &value) {
            conflicts.push(conflict(fact, (&first.1, first.0), (&value, source)));
        }
    }
    Some(first)
}

/// Two values that disagree, with their sources.
pub(crate) fn conflict(
    fact: &str,
    used: (&dyn fmt::Display, Source),
    other: (&dyn fmt::Display, Source),
) -> Conflict {
    let text = |(value, source): (&dyn fmt::Display, Source)| format!("{value} ({})", source.name());
    Conflict { fact: fact.to_owned(), used: text(used), other: text(other) }
}

fn same_time(a: &DateTime<Utc>, b: &DateTime<Utc>) -> bool {
    if a.time() == NaiveTime::MIN || b.time() == NaiveTime::MIN {
        return a.date_naive() == b.date_naive();
    }
    (*a - *b).abs() <= TimeDelta::seconds(60)
}

/// True where two names may be of one sensor: `WV03`, `WV3`, `WorldView-3`, `Maxar WorldView-3`.
pub(crate) fn same_sensor(a: &str, b: &str) -> bool {
    let plain = |name: &str| {
        let mut text: String =
            name.to_ascii_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        for (long, short) in [
            ("maxar", ""),
            ("digitalglobe", ""),
            ("worldviewlegion", "lg"),
            ("worldview", "wv"),
            ("geoeye", "ge"),
            ("quickbird", "qb"),
            ("legion", "lg"),
            ("pleiadesneo", "pneo"),
            ("pleiades", "phr"),
            ("skysat", ""),
            ("ssc", ""),
            ("sentinel", "s"),
        ] {
            text = text.replace(long, short);
        }
        // WV03 is WV3.
        text.replace('0', "")
    };
    let (a, b) = (plain(a), plain(b));
    // A constellation holds its satellites.
    a.starts_with(&b) || b.starts_with(&a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date;

    fn at(text: &str) -> Facts {
        Facts { datetime: date::instant(text), ..Facts::default() }
    }

    #[test]
    fn the_most_credible_is_used_and_the_other_kept() {
        let stac = Facts { gsd_m: Some(0.37), platform: Some("WV03".into()), ..at("2024-08-12T08:41:07Z") };
        let imd = Facts {
            gsd_m: Some(0.52),
            platform: Some("WorldView-3".into()),
            cloud_percent: Some(4.0),
            ..at("2024-08-12T08:41:20Z")
        };
        let Merged { facts, date_source } = merge(vec![(Source::Imd, imd), (Source::Stac, stac)]);
        assert_eq!((facts.gsd_m, facts.cloud_percent), (Some(0.37), Some(4.0)));
        assert_eq!(date_source, Some(DateSource::StacItem));
        let want =
            Conflict { fact: "gsd_m".into(), used: "0.37 (STAC item)".into(), other: "0.52 (IMD)".into() };
        assert_eq!(facts.conflicts, [want]);
    }

    #[test]
    fn a_day_agrees_with_its_hours_and_azimuths_go_round() {
        let day = merge(vec![(Source::Name, at("2024-08-12")), (Source::Tag, at("2024-08-12T08:41:07Z"))]);
        assert!(day.facts.conflicts.is_empty());
        let other = merge(vec![(Source::Name, at("2024-08-11")), (Source::Tag, at("2024-08-12T08:41:07Z"))]);
        assert_eq!(other.facts.conflicts.len(), 1);
        let sun = |deg| Facts {
            view: ViewGeometry { sun_azimuth_deg: Some(deg), ..ViewGeometry::default() },
            ..Facts::default()
        };
        assert!(merge(vec![(Source::Imd, sun(359.0)), (Source::Til, sun(1.0))]).facts.conflicts.is_empty());
    }

    #[test]
    fn names_of_sensors() {
        for (a, b) in
            [("WV03", "WorldView-3"), ("PHR1A", "Pleiades 1A"), ("SSC11", "skysat-11"), ("LG01", "Legion-1")]
        {
            assert!(same_sensor(a, b), "{a} {b}");
        }
        assert!(!same_sensor("WV02", "WV03") && !same_sensor("GE01", "WV01"));
    }
}
