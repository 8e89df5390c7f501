//! What Airbus's DIMAP v2 says of a product (`DIM_*.XML`): Pléiades, Pléiades Neo, SPOT 6 and 7.

use domain::{BandRole, Conflict, ViewGeometry};
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use crate::bands;
use crate::date;
use crate::facts::{Facts, Source, conflict};
use crate::xml::{number, text};

/// How far two azimuths may be from each other to be one, degrees.
const SAME_AZIMUTH_DEG: f64 = 1.0;

/// A DIMAP file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dimap {
    pub facts: Facts,
    /// Its images: Pléiades Neo delivers the visible bands in one and the others in a second of the same ground.
    pub groups: Vec<Group>,
}

/// The files that make one image of a product, and what its bands show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Names of the tiles, in its order.
    pub files: Vec<String>,
    /// The bands, where the product names them or its sensor has an order.
    pub roles: Option<Vec<BandRole>>,
}

impl Group {
    /// How much of what a person sees it shows: red, green and blue before a panchromatic band before anything else.
    pub fn visible(&self) -> usize {
        let roles = self.roles.as_deref().unwrap_or_default();
        let has = |role| roles.contains(&role);
        let colours =
            [BandRole::Red, BandRole::Green, BandRole::Blue].into_iter().filter(|c| has(*c)).count();
        2 * colours + usize::from(has(BandRole::Panchromatic))
    }
}

/// What a DIMAP file says; `None` where it is another's, or has no image.
///
/// The angles are those in the middle of the product. `VIEWING_ANGLE` is at the satellite (off-nadir) and
/// `INCIDENCE_ANGLE` at the ground, larger by the curvature of the Earth; where the first is missing the second
/// stands in. For the azimuth of the line of sight see [`view_azimuth`].
pub(crate) fn read(document: &Document<'_>) -> Option<Dimap> {
    let root = document.root_element();
    if !root.has_tag_name("Dimap_Document") {
        return None;
    }
    let strip = root.descendants().find(|n| n.has_tag_name("Strip_Source"));
    let strip = strip.unwrap_or(root);
    let platform = text(strip, "MISSION").map(|m| {
        let index = text(strip, "MISSION_INDEX").unwrap_or_default();
        // PHR and 1A, as the names of the files have it; SPOT and 7.
        format!("{m}{index}").replace(' ', "")
    });
    let groups = groups(root, platform.as_deref());
    if groups.is_empty() {
        return None;
    }
    let centre = centre(root).unwrap_or(root);
    let angle =
        |name: &str, range: std::ops::RangeInclusive<f64>| number(centre, name).filter(|v| range.contains(v));
    let time = text(strip, "IMAGING_DATE").zip(text(strip, "IMAGING_TIME"));
    let gsd = [number(centre, "GSD_ACROSS_TRACK"), number(centre, "GSD_ALONG_TRACK")];
    let gsd_m = match gsd {
        [Some(a), Some(b)] if a > 0.0 && b > 0.0 => Some((a * b).sqrt()),
        _ => None,
    };
    let (view_azimuth_deg, other_azimuth) = view_azimuth(centre);
    Some(Dimap {
        facts: Facts {
            datetime: time.and_then(|(day, clock)| date::instant(&format!("{day}T{clock}"))),
            released: text(root, "PRODUCTION_DATE").and_then(date::instant),
            roles: match &groups[..] {
                [only] => only.roles.clone(),
                _ => None,
            },
            platform,
            catalogue_id: text(strip, "SOURCE_ID").or_else(|| text(root, "SOURCE_ID")).map(str::to_owned),
            gsd_m,
            ce90_m: root
                .descendants()
                .find(|n| n.has_tag_name("Planimetric_Accuracy_Measurement"))
                .and_then(|n| number(n, "QUALITY_VALUE").or_else(|| number(n, "CE90")))
                .filter(|v| (1e-3..=1e4).contains(v)),
            view: ViewGeometry {
                off_nadir_deg: angle("VIEWING_ANGLE", -90.0..=90.0)
                    .or_else(|| angle("INCIDENCE_ANGLE", -90.0..=90.0))
                    .map(f64::abs),
                view_azimuth_deg,
                sun_azimuth_deg: angle("SUN_AZIMUTH", -360.0..=360.0).map(|a| a.rem_euclid(360.0)),
                sun_elevation_deg: angle("SUN_ELEVATION", -90.0..=90.0),
            },
            cloud_percent: number(root, "CLOUD_COVERAGE").filter(|v| (0.0..=100.0).contains(v)),
            licence: text(root, "COPYRIGHT").map(str::to_owned),
            conflicts: other_azimuth.into_iter().collect(),
            ..Facts::default()
        },
        groups,
    })
}

/// The images of a product. A `Data_Files` each, with a `Raster_Index` for each band; older products have one, and say of
/// its bands how many there are.
fn groups(root: Node<'_, '_>, platform: Option<&str>) -> Vec<Group> {
    let files = |node: Node<'_, '_>| -> Vec<String> {
        node.descendants()
            .filter(|n| n.has_tag_name("DATA_FILE_PATH"))
            .filter_map(|n| n.attribute("href")?.rsplit(['/', '\\']).next())
            .map(str::to_owned)
            .collect()
    };
    let named: Vec<Node<'_, '_>> = root.descendants().filter(|n| n.has_tag_name("Data_Files")).collect();
    let nodes = if named.is_empty() { vec![root] } else { named };
    let alone = nodes.len() == 1;
    let all = nodes.into_iter().map(|node| {
        let by_sensor = || {
            let bands = root.descendants().filter(|n| n.has_tag_name("BAND_ID")).count();
            let count = number(root, "NBANDS").map_or(bands, |n| n as usize);
            platform.filter(|_| alone).and_then(|p| bands::of_sensor(p, count)).map(<[_]>::to_vec)
        };
        Group { files: files(node), roles: indexed(node).or_else(by_sensor) }
    });
    all.filter(|g| !g.files.is_empty()).collect()
}

/// What the bands of an image show, by its `Raster_Index`, in the order of the file; `None` where they are not numbered
/// from 1 without a gap, or none has a name that is known.
fn indexed(files: Node<'_, '_>) -> Option<Vec<BandRole>> {
    let index = |n: Node<'_, '_>| Some((number(n, "BAND_INDEX")? as usize, band(text(n, "BAND_ID")?)));
    let mut found: Vec<(usize, BandRole)> =
        files.descendants().filter(|n| n.has_tag_name("Raster_Index")).map(index).collect::<Option<_>>()?;
    found.sort_by_key(|f| f.0);
    let whole = found.iter().enumerate().all(|(i, f)| f.0 == i + 1);
    let known = found.iter().any(|f| f.1 != BandRole::Unknown);
    (whole && known).then(|| found.into_iter().map(|f| f.1).collect())
}

/// The band behind a `BAND_ID`: `B0` to `B3` of Pléiades and SPOT, letters of Pléiades Neo.
fn band(id: &str) -> BandRole {
    match id {
        "P" | "PAN" => BandRole::Panchromatic,
        "B0" | "B" => BandRole::Blue,
        "B1" | "G" => BandRole::Green,
        "B2" | "R" => BandRole::Red,
        "B3" | "N" | "NIR" => BandRole::NearInfrared,
        "RE" => BandRole::RedEdge,
        "DB" => BandRole::Coastal,
        _ => BandRole::Unknown,
    }
}

/// Azimuth of the line of sight, from the ground to the satellite, and the one that the product seems to name where that is
/// another.
///
/// `AZIMUTH_ANGLE` is how the scan lies on the ground. Across and along it the incidences tell where the satellite stood:
/// `azimuth − atan2(tan across, tan along)`, as the Orfeo Toolbox and ACOLITE have it. Where the azimuth is what these
/// incidences give in an image that lies north-up, it is the satellite's already. Without incidences it stands in.
fn view_azimuth(centre: Node<'_, '_>) -> (Option<f64>, Option<Conflict>) {
    let within = |name: &str, most: f64| number(centre, name).filter(|v| v.abs() <= most);
    let Some(azimuth) = within("AZIMUTH_ANGLE", 360.0).map(|a| a.rem_euclid(360.0)) else {
        return (None, None);
    };
    let across = within("INCIDENCE_ANGLE_ACROSS_TRACK", 89.0);
    let along = within("INCIDENCE_ANGLE_ALONG_TRACK", 89.0);
    let Some((across, along)) = across.zip(along) else { return (Some(azimuth), None) };
    let turn = across.to_radians().tan().atan2(along.to_radians().tan()).to_degrees();
    let off = |a: f64, b: f64| ((a - b + 180.0).rem_euclid(360.0) - 180.0).abs();
    if off(azimuth, 180.0 - turn) <= SAME_AZIMUTH_DEG {
        return (Some(azimuth), None);
    }
    let view = (azimuth - turn).rem_euclid(360.0);
    let shown = (view * 10.0).round() / 10.0;
    let other = format!("AZIMUTH_ANGLE {azimuth}, which is how the scan lies");
    let kept = conflict("view_azimuth_deg", (&shown, Source::Dimap), (&other, Source::Dimap));
    (Some(view), (off(view, azimuth) > 5.0).then_some(kept))
}

/// The angles in the middle of the product.
fn centre<'a, 'i>(root: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    let mut all = root.descendants().filter(|n| n.has_tag_name("Located_Geometric_Values"));
    let first = all.clone().next();
    all.find(|n| text(*n, "LOCATION_TYPE").is_some_and(|t| t.eq_ignore_ascii_case("center"))).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::BandRole;

    const DIM: &str = r#"<Dimap_Document><Metadata_Identification><METADATA_FORMAT version="2.15">DIMAP</METADATA_FORMAT>
        </Metadata_Identification><Dataset_Content><CLOUD_COVERAGE unit="percent">2.5</CLOUD_COVERAGE></Dataset_Content>
        <Product_Information><PRODUCTION_DATE>2024-08-13T10:00:00.000Z</PRODUCTION_DATE><COPYRIGHT>© CNES 2024</COPYRIGHT>
        </Product_Information><Raster_Data><Data_Access><Data_Files><Data_File tile_R="1" tile_C="1">
        <DATA_FILE_PATH href="IMG_PHR1A_PMS_R1C1.TIF"/></Data_File><Data_File tile_R="1" tile_C="2">
        <DATA_FILE_PATH href="IMG_PHR1A_PMS_R1C2.TIF"/></Data_File></Data_Files></Data_Access>
        <Raster_Dimensions><NBANDS>4</NBANDS></Raster_Dimensions></Raster_Data>
        <Geometric_Data><Use_Area><Located_Geometric_Values><LOCATION_TYPE>Top Center</LOCATION_TYPE><Acquisition_Angles>
        <VIEWING_ANGLE>9</VIEWING_ANGLE></Acquisition_Angles></Located_Geometric_Values>
        <Located_Geometric_Values><LOCATION_TYPE>Center</LOCATION_TYPE><Acquisition_Angles><AZIMUTH_ANGLE>190.5</AZIMUTH_ANGLE>
        <VIEWING_ANGLE>18.2</VIEWING_ANGLE><INCIDENCE_ANGLE>20.4</INCIDENCE_ANGLE></Acquisition_Angles><Solar_Incidences>
        <SUN_AZIMUTH>150.1</SUN_AZIMUTH><SUN_ELEVATION>48.7</SUN_ELEVATION></Solar_Incidences><Ground_Sample_Distance>
        <GSD_ACROSS_TRACK>0.74</GSD_ACROSS_TRACK><GSD_ALONG_TRACK>0.72</GSD_ALONG_TRACK></Ground_Sample_Distance>
        </Located_Geometric_Values></Use_Area></Geometric_Data><Dataset_Sources><Source_Identification>
        <SOURCE_ID>DS_PHR1A_202408120841</SOURCE_ID><Strip_Source><MISSION>PHR</MISSION><MISSION_INDEX>1A</MISSION_INDEX>
        <IMAGING_DATE>2024-08-12</IMAGING_DATE><IMAGING_TIME>08:41:07.5Z</IMAGING_TIME></Strip_Source></Source_Identification>
        </Dataset_Sources></Dimap_Document>"#;

    #[test]
    fn a_pleiades_product() {
        let Dimap { facts, groups } = read(&Document::parse(DIM).unwrap()).unwrap();
        assert_eq!(groups[0].files, ["IMG_PHR1A_PMS_R1C1.TIF", "IMG_PHR1A_PMS_R1C2.TIF"]);
        assert_eq!(facts.datetime, date::instant("2024-08-12T08:41:07.5Z"));
        assert_eq!((facts.platform.as_deref(), facts.cloud_percent), (Some("PHR1A"), Some(2.5)));
        assert!((facts.gsd_m.unwrap() - 0.73).abs() < 1e-3);
        assert_eq!((facts.view.off_nadir_deg, facts.view.view_azimuth_deg), (Some(18.2), Some(190.5)));
        assert_eq!((facts.view.sun_azimuth_deg, facts.view.sun_elevation_deg), (Some(150.1), Some(48.7)));
        assert_eq!(facts.roles.unwrap()[0], BandRole::Red);
        assert_eq!(facts.licence.as_deref(), Some("© CNES 2024"));
    }

    #[test]
    fn without_a_viewing_angle_the_incidence_stands_in() {
        let text = DIM.replace("VIEWING_ANGLE", "X");
        assert_eq!(read(&Document::parse(&text).unwrap()).unwrap().facts.view.off_nadir_deg, Some(20.4));
        assert_eq!(read(&Document::parse("<isd/>").unwrap()), None);
    }

    #[test]
    fn the_azimuth_is_that_of_the_satellite() {
        let of = |azimuth: f64, across: f64, along: f64| {
            let angles = format!(
                "<AZIMUTH_ANGLE>{azimuth}</AZIMUTH_ANGLE><INCIDENCE_ANGLE_ALONG_TRACK>{along}</INCIDENCE_ANGLE_ALONG_TRACK>\
                 <INCIDENCE_ANGLE_ACROSS_TRACK>{across}</INCIDENCE_ANGLE_ACROSS_TRACK>"
            );
            let text = DIM.replace("<AZIMUTH_ANGLE>190.5</AZIMUTH_ANGLE>", &angles);
            let facts = read(&Document::parse(&text).unwrap()).unwrap().facts;
            (facts.view.view_azimuth_deg.unwrap(), facts.conflicts.len())
        };
        let close = |got: (f64, usize), want: (f64, usize)| {
            assert!((got.0 - want.0).abs() < 1e-6 && got.1 == want.1, "{got:?} {want:?}");
        };
        // A scan southwards that looks straight ahead, to its right, and back to its left.
        close(of(190.0, 0.0, 12.0), (190.0, 0));
        close(of(190.0, 12.0, 0.0), (100.0, 1));
        close(of(190.0, -12.0, -12.0), (325.0, 1));
        // The satellite's own, where the incidences are those of an image that lies north-up.
        close(of(100.0, 10.0, 1.7657), (100.0, 0));
    }

    #[test]
    fn two_images_of_one_product() {
        let group = |name: &str, bands: [&str; 3]| {
            let index = |(i, b): (usize, &&str)| {
                format!(
                    "<Raster_Index><BAND_ID>{b}</BAND_ID><BAND_INDEX>{}</BAND_INDEX></Raster_Index>",
                    i + 1
                )
            };
            let list: String = bands.iter().enumerate().map(index).collect();
            format!(
                "<Data_Files><Data_File><DATA_FILE_PATH href=\"{name}\"/></Data_File><Raster_Display><Raster_Index_List>{list}\
                 </Raster_Index_List></Raster_Display></Data_Files>"
            )
        };
        let text = format!(
            "<Dimap_Document><Data_Access>{}{}</Data_Access><NBANDS>6</NBANDS></Dimap_Document>",
            group("a_NED_R1C1.TIF", ["NIR", "RE", "DB"]),
            group("a_RGB_R1C1.TIF", ["R", "G", "B"])
        );
        let found = read(&Document::parse(&text).unwrap()).unwrap();
        use BandRole::{Blue, Coastal, Green, NearInfrared, Red, RedEdge};
        assert_eq!(found.groups[0].roles, Some(vec![NearInfrared, RedEdge, Coastal]));
        assert_eq!(found.groups[1].roles, Some(vec![Red, Green, Blue]));
        assert_eq!((found.groups[0].visible(), found.groups[1].visible()), (0, 6));
        assert_eq!(found.facts.roles, None);
        let odd = text.replace("<BAND_INDEX>2</BAND_INDEX>", "<BAND_INDEX>7</BAND_INDEX>");
        assert_eq!(read(&Document::parse(&odd).unwrap()).unwrap().groups[1].roles, None);
    }
}
