//! Reference systems that stand beside an image, or that a person names.

use std::path::Path;

use domain::Crs;
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};

use crate::error::{Error, Result};
use crate::format::beside;
use crate::library;
use crate::project::utm_code;

/// Larger files hold no reference system.
const LARGEST: u64 = 64 << 10;

/// What is taken for the name of a reference system.
const ACCEPTED: &str = "write a code of EPSG or ESRI as EPSG:32636, WKT, or a PROJ string as \"+proj=utm +zone=36 +datum=WGS84\"";

/// What a person calls a reference system: `EPSG:32636`, WKT, or a PROJ string.
///
/// # Errors
/// [`Error::Crs`] where PROJ does not know it, or it is of no place on a map: what is wrong, and what would be right.
pub fn named_crs(text: &str) -> Result<Crs> {
    library::quiet();
    let plain = text.trim();
    let unknown = |cause: &str| {
        let crs = match plain.is_empty() {
            true => "\"\"".to_owned(),
            false => plain.chars().take(60).collect(),
        };
        Error::Crs { crs, source: format!("{cause}; {ACCEPTED}").into() }
    };
    // Files and addresses, which GDAL would also take, are no names.
    let upper = plain.to_ascii_uppercase();
    let known = [
        "EPSG:",
        "ESRI:",
        "OGC:",
        "+PROJ",
        "PROJCS[",
        "GEOGCS[",
        "PROJCRS[",
        "GEOGCRS[",
        "GEODCRS[",
        "BOUNDCRS[",
        "COMPD_CS[",
        "COMPOUNDCRS[",
    ];
    if !known.iter().any(|k| upper.starts_with(k)) {
        return Err(unknown(&match plain.parse::<u32>() {
            Ok(code) => format!("the name of the list is missing, as in EPSG:{code}"),
            Err(_) => "it is no code, WKT or PROJ string".to_owned(),
        }));
    }
    let srs = SpatialRef::from_definition(plain).map_err(|_| {
        unknown(match upper.as_bytes() {
            [b'+', ..] => "PROJ cannot read the string",
            _ if upper.contains('[') => "the WKT is cut short or broken",
            _ => "PROJ lists no such code",
        })
    })?;
    of(srs).ok_or_else(|| unknown("it is no system of a map: local, vertical or geocentric"))
}

/// The reference system in the `.prj` of an image: `NAME.prj` or `NAME.ENDING.prj`, WKT of any kind, Esri's included.
pub(crate) fn of_prj(image: &Path) -> Option<Crs> {
    let names = [image.with_extension("prj"), image.with_extension("PRJ"), beside(image, "prj")];
    let path = names.into_iter().find(|p| p.is_file())?;
    if std::fs::metadata(&path).ok()?.len() > LARGEST {
        return None;
    }
    let text = std::fs::read_to_string(&path).ok()?;
    let text = text.trim_start_matches('\u{feff}').trim();
    of(SpatialRef::from_esri(text).or_else(|_| SpatialRef::from_wkt(text)).ok()?)
}

/// Text and code of a reference system, x before y; `None` where it is of no place on a map of the Earth: local, vertical
/// or geocentric.
pub(crate) fn of(mut srs: SpatialRef) -> Option<Crs> {
    if srs.is_local() || !(srs.is_projected() || srs.is_geographic()) {
        return None;
    }
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    if srs.auth_name().is_none() {
        // Finds the code of a UTM CRS written without one; where it does not, there is none.
        let _ = srs.auto_identify_epsg();
    }
    if let Some(known) = (srs.auth_name().is_none()).then(|| as_utm(&srs)).flatten() {
        srs = known;
    }
    let wkt = srs.to_wkt().ok().filter(|wkt| !wkt.is_empty())?;
    let is_epsg = srs.auth_name().is_some_and(|name| name.eq_ignore_ascii_case("EPSG"));
    let epsg = srs.auth_code().ok().filter(|_| is_epsg).and_then(|code| u32::try_from(code).ok());
    Some(Crs { wkt, epsg })
}

/// The UTM zone (WGS84) that a reference system without a code is, as Esri's texts are.
fn as_utm(srs: &SpatialRef) -> Option<SpatialRef> {
    let meridian = srs.get_proj_param("central_meridian").ok()??;
    let south = srs.get_proj_param("false_northing").ok()?? > 0.0;
    let mut known = SpatialRef::from_epsg(utm_code(meridian, if south { -1.0 } else { 1.0 })).ok()?;
    known.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    (known == *srs).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_reference_systems() {
        assert_eq!(named_crs("EPSG:32636").unwrap().epsg, Some(32636));
        assert_eq!(named_crs("epsg:3857").unwrap().epsg, Some(3857));
        assert!(named_crs("+proj=utm +zone=36 +datum=WGS84").is_ok());
        assert!(named_crs("EPSG:32636+5773").is_ok(), "with heights");
        for (wrong, cause) in [
            ("", "no code"),
            ("UTM36N", "no code"),
            ("32636", "as in EPSG:32636"),
            ("EPSG:999999", "no such code"),
            ("EPSG:abc", "no such code"),
            ("ESRI:1", "no such code"),
            ("+proj=nothing", "cannot read"),
            ("PROJCS[\"x", "broken"),
            ("EPSG:4978", "geocentric"),
            ("EPSG:5773", "vertical"),
            ("/etc/passwd", "no code"),
            ("http://127.0.0.1/x", "no code"),
            ("LOCAL_CS[\"x\"]", "no code"),
        ] {
            let error = named_crs(wrong).unwrap_err();
            let said = std::error::Error::source(&error).unwrap().to_string();
            assert!(
                said.contains(cause) && said.contains("+proj=utm") && !said.contains("OGR"),
                "{wrong}: {said}"
            );
        }
    }

    #[test]
    fn a_prj_as_esri_writes_it() {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("a.tif");
        assert_eq!(of_prj(&image), None);
        std::fs::write(dir.path().join("a.prj"), "nonsense").unwrap();
        assert_eq!(of_prj(&image), None);
        let esri = r#"PROJCS["WGS_1984_UTM_Zone_36N",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",33.0],PARAMETER["Scale_Factor",0.9996],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#;
        std::fs::write(dir.path().join("a.prj"), esri).unwrap();
        assert_eq!(of_prj(&image).unwrap().epsg, Some(32636));
    }
}
