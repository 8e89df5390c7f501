//! What the metadata files of a Maxar (DigitalGlobe) view-ready order say: `.IMD`, `.XML` and `.TIL`.

use std::collections::BTreeMap;

use domain::{BandRole, ViewGeometry};
use roxmltree::Document;

use crate::date;
use crate::facts::Facts;

/// Lines of an `.IMD` or `.TIL` that are read: a long one has a few thousand.
const MOST_LINES: usize = 200_000;

/// The keys of an `.IMD` or `.TIL` and their values, without quotes: those of a group as `GROUP.key`.
///
/// The language is that of the Planetary Data System: `key = value;`, `BEGIN_GROUP = NAME`, lists in parentheses over
/// several lines. What is no such line is passed over; of a key that stands twice the first counts.
pub(crate) fn keys(text: &str) -> BTreeMap<String, String> {
    let (mut found, mut groups) = (BTreeMap::new(), Vec::<String>::new());
    let mut lines = text.lines().take(MOST_LINES);
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, mut value) = (key.trim(), value.trim().to_owned());
        match key {
            "BEGIN_GROUP" => groups.push(value.trim_end_matches(';').to_owned()),
            "END_GROUP" => _ = groups.pop(),
            _ => {
                while value.starts_with('(') && !value.ends_with(';') {
                    let Some(more) = lines.next() else { break };
                    value.push_str(more.trim());
                }
                let plain = value.trim_end_matches(';').trim().trim_matches('"').trim().to_owned();
                let name = groups.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
                found.entry(name).or_insert(plain);
            }
        }
    }
    found
}

/// The facts in an `.IMD`.
pub(crate) fn imd(text: &str) -> Facts {
    let keys = keys(text);
    // Of a mosaic of several images the first.
    let image = |key: &str| {
        let inside = ["IMAGE_1", "IMAGE"].iter().find_map(|group| keys.get(&format!("{group}.{key}")));
        inside.or_else(|| keys.get(key)).map(String::as_str)
    };
    let map = |key: &str| keys.get(&format!("MAP_PROJECTED_PRODUCT.{key}")).map(String::as_str);
    facts(
        |key| image(key).or_else(|| map(key)),
        // The groups of the bands, in the order of the text, which the order of the image is.
        text.lines().filter_map(|line| {
            let (key, name) = line.split_once('=')?;
            Some(name.trim().strip_prefix("BAND_")?.trim_end_matches(';'))
                .filter(|_| key.trim() == "BEGIN_GROUP")
        }),
    )
}

/// The facts in the `.XML` of an order; `None` where it is another program's.
pub(crate) fn xml(document: &Document<'_>) -> Option<Facts> {
    let root = document.root_element();
    let imd = root.descendants().find(|n| n.has_tag_name("IMD"))?;
    let image = imd.children().find(|n| n.has_tag_name("IMAGE"));
    let value = |key: &str| {
        let name = key.to_ascii_uppercase();
        let own = image.and_then(|i| i.children().find(|n| n.has_tag_name(name.as_str())));
        let node = own.or_else(|| imd.descendants().find(|n| n.has_tag_name(name.as_str())))?;
        node.text().map(str::trim)
    };
    let bands = imd.children().filter_map(|n| n.tag_name().name().strip_prefix("BAND_"));
    let bands: Vec<&str> = bands.collect();
    Some(facts(value, bands.into_iter()))
}

/// The files of a `.TIL` in its order.
pub(crate) fn til(text: &str) -> Vec<String> {
    let keys = keys(text);
    let mut tiles: Vec<(usize, String)> = keys
        .iter()
        .filter_map(|(key, value)| {
            let number = key.strip_prefix("TILE_")?.strip_suffix(".filename")?.parse().ok()?;
            Some((number, value.clone()))
        })
        .collect();
    tiles.sort();
    tiles.into_iter().map(|t| t.1).collect()
}

/// The files that the `.XML` of an order lists.
pub(crate) fn xml_tiles(document: &Document<'_>) -> Vec<String> {
    let tiles = document.descendants().filter(|n| n.has_tag_name("TIL"));
    let names = tiles.flat_map(|t| t.descendants()).filter(|n| n.has_tag_name("FILENAME"));
    names.filter_map(|n| Some(n.text()?.trim().to_owned())).collect()
}

/// The facts behind the keys of an IMD, wherever they are written.
///
/// `firstLineTime` is when the first line was taken, `TLCTime` when the model of the scan begins; the first that is
/// there counts. −999 stands for unknown; `cloudCover` is a share of 1. The off-nadir angle is the satellite's own.
fn facts<'a>(value: impl Fn(&str) -> Option<&'a str>, bands: impl Iterator<Item = &'a str>) -> Facts {
    let text = |key: &str| value(key).filter(|t| !t.is_empty()).map(str::to_owned);
    let number = |key: &str, range: std::ops::RangeInclusive<f64>| {
        value(key)?.parse::<f64>().ok().filter(|v| range.contains(v))
    };
    let time = |keys: &[&str]| keys.iter().find_map(|key| date::instant(value(key)?));
    let named: Vec<BandRole> = bands.filter_map(letter).collect();
    Facts {
        datetime: time(&["firstLineTime", "TLCTime", "earliestAcqTime"]),
        released: time(&["generationTime"]),
        platform: text("satId"),
        catalogue_id: text("catId"),
        gsd_m: number("meanCollectedGSD", 1e-3..=1e4),
        ce90_m: number("CE90", 0.0..=1e4).filter(|v| *v > 0.0),
        view: ViewGeometry {
            off_nadir_deg: number("meanOffNadirViewAngle", 0.0..=90.0),
            view_azimuth_deg: number("meanSatAz", -360.0..=360.0).map(|a| a.rem_euclid(360.0)),
            sun_azimuth_deg: number("meanSunAz", -360.0..=360.0).map(|a| a.rem_euclid(360.0)),
            sun_elevation_deg: number("meanSunEl", -90.0..=90.0),
        },
        cloud_percent: number("cloudCover", 0.0..=1.0).map(|share| share * 100.0),
        roles: by_band_id(value("bandId").unwrap_or_default()).or((!named.is_empty()).then_some(named)),
        ..Facts::default()
    }
}

/// The bands that a `bandId` stands for, where it says so itself.
fn by_band_id(id: &str) -> Option<Vec<BandRole>> {
    match id {
        "P" => Some(vec![BandRole::Panchromatic]),
        "RGB" | "NRG" | "BGRN" | "RGBN" => id.chars().map(|c| letter(&c.to_string())).collect(),
        _ => None,
    }
}

/// The band behind the letters of an IMD.
fn letter(name: &str) -> Option<BandRole> {
    Some(match name {
        "P" => BandRole::Panchromatic,
        "C" => BandRole::Coastal,
        "B" => BandRole::Blue,
        "G" => BandRole::Green,
        "Y" => BandRole::Yellow,
        "R" => BandRole::Red,
        "RE" => BandRole::RedEdge,
        "N" | "N1" | "N2" => BandRole::NearInfrared,
        _ => return None,
    })
}

/// The part of a file name of an order that all its files share: without the place of the tile (`_R1C1`).
pub(crate) fn without_tile(stem: &str) -> String {
    let bytes = stem.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    for i in 0..bytes.len() {
        let starts = matches!(bytes[i], b'_' | b'-') && matches!(bytes.get(i + 1), Some(b'R' | b'r'));
        if !starts {
            continue;
        }
        let rows = digits(i + 2);
        let c = i + 2 + rows;
        if rows == 0 || !matches!(bytes.get(c), Some(b'C' | b'c')) {
            continue;
        }
        let cols = digits(c + 1);
        let end = c + 1 + cols;
        let ends = matches!(bytes.get(end), None | Some(b'_' | b'-' | b'.'));
        if cols > 0 && ends {
            return format!("{}{}", &stem[..i], &stem[end..]);
        }
    }
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMD: &str = "version = \"R\";\ngenerationTime = 2024-08-13T01:02:03.000000Z;\nbandId = \"Multi\";\n\
        BEGIN_GROUP = BAND_B\n\tULLon = 35.2;\nEND_GROUP = BAND_B\nBEGIN_GROUP = BAND_G\nEND_GROUP = BAND_G\n\
        BEGIN_GROUP = BAND_R\nEND_GROUP = BAND_R\nBEGIN_GROUP = BAND_N\nEND_GROUP = BAND_N\n\
        BEGIN_GROUP = IMAGE_1\n\tsatId = \"WV03\";\n\tcatId = \"104001000A1B2C00\";\n\
        \tTLCTime = 2024-08-12T08:41:05.000000Z;\n\tTLCList = (\n\t(0, 0.0),\n\t(1, 0.1) );\n\
        \tfirstLineTime = 2024-08-12T08:41:07.123456Z;\n\tmeanCollectedGSD = 0.344;\n\tmeanSunAz = 151.5;\n\
        \tmeanSunEl = 49.8;\n\tmeanSatAz = -146.0;\n\tmeanOffNadirViewAngle = 20.8;\n\tcloudCover = 0.013;\n\
        END_GROUP = IMAGE_1\nEND;\n";

    #[test]
    fn an_imd() {
        let facts = imd(IMD);
        assert_eq!(facts.datetime, date::instant("2024-08-12T08:41:07.123456Z"));
        assert_eq!(facts.released, date::instant("2024-08-13T01:02:03Z"));
        assert_eq!(
            (facts.platform.as_deref(), facts.catalogue_id.as_deref()),
            (Some("WV03"), Some("104001000A1B2C00"))
        );
        assert_eq!((facts.gsd_m, facts.cloud_percent), (Some(0.344), Some(1.3)));
        assert_eq!((facts.view.view_azimuth_deg, facts.view.off_nadir_deg), (Some(214.0), Some(20.8)));
        assert_eq!((facts.view.sun_azimuth_deg, facts.view.sun_elevation_deg), (Some(151.5), Some(49.8)));
        use BandRole::{Blue, Green, NearInfrared, Red};
        assert_eq!(facts.roles, Some(vec![Blue, Green, Red, NearInfrared]));
        let later = imd(&IMD.replace("firstLineTime", "x"));
        assert_eq!(later.datetime, date::instant("2024-08-12T08:41:05Z"));
        assert_eq!(imd(&IMD.replace("0.013", "-999.0")).cloud_percent, None);
        assert_eq!(imd("BEGIN_GROUP = (\n= = =\n(((").datetime, None);
    }

    #[test]
    fn the_same_as_xml() {
        let text = "<isd><IMD><BANDID>RGB</BANDID><GENERATIONTIME>2024-08-13T01:02:03Z</GENERATIONTIME>\
            <IMAGE><SATID>WV02</SATID><CATID>103</CATID><FIRSTLINETIME>2024-08-12T08:41:07Z</FIRSTLINETIME>\
            <MEANSUNEL>49.8</MEANSUNEL><CLOUDCOVER>0.5</CLOUDCOVER><MEANCOLLECTEDGSD>0.5</MEANCOLLECTEDGSD></IMAGE></IMD>\
            <TIL><TILE><FILENAME>a_R1C1.TIF</FILENAME></TILE><TILE><FILENAME>a_R1C2.TIF</FILENAME></TILE></TIL></isd>";
        let document = Document::parse(text).unwrap();
        let facts = xml(&document).unwrap();
        assert_eq!(facts.datetime, date::instant("2024-08-12T08:41:07Z"));
        assert_eq!((facts.platform.as_deref(), facts.cloud_percent), (Some("WV02"), Some(50.0)));
        assert_eq!(facts.roles, Some(vec![BandRole::Red, BandRole::Green, BandRole::Blue]));
        assert_eq!(xml_tiles(&document), ["a_R1C1.TIF", "a_R1C2.TIF"]);
        assert_eq!(xml(&Document::parse("<other/>").unwrap()), None);
    }

    #[test]
    fn the_tiles_of_a_til() {
        let text = "bandId = \"P\";\nnumTiles = 2;\nBEGIN_GROUP = TILE_2\n\tfilename = \"b_R1C2.TIF\";\nEND_GROUP = TILE_2\n\
            BEGIN_GROUP = TILE_1\n\tfilename = \"b_R1C1.TIF\";\n\tULColOffset = 0;\nEND_GROUP = TILE_1\nEND;";
        assert_eq!(til(text), ["b_R1C1.TIF", "b_R1C2.TIF"]);
    }

    #[test]
    fn names_without_the_place_of_the_tile() {
        assert_eq!(without_tile("12APR14-P2AS_R1C12-0530_P001"), "12APR14-P2AS-0530_P001");
        assert_eq!(without_tile("IMG_PHR1A_R2C1"), "IMG_PHR1A");
        assert_eq!(without_tile("a_R1Cx"), "a_R1Cx");
        assert_eq!(without_tile("_R"), "_R");
        assert_eq!(without_tile("ü_R1C1"), "ü");
    }
}
