//! What Airbus's DIMAP v2 says of a product (`DIM_*.XML`): Pléiades, Pléiades Neo, SPOT 6 and 7.

use domain::ViewGeometry;
use roxmltree::{Document, Node};

use crate::bands;
use crate::date;
use crate::facts::Facts;
use crate::xml::{number, text};

/// A DIMAP file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dimap {
    pub facts: Facts,
    /// File names of the images, in its order.
    pub files: Vec<String>,
}

/// What a DIMAP file says; `None` where it is another's, or has no image.
///
/// The angles are those in the middle of the product. `VIEWING_ANGLE` is at the satellite (off-nadir) and
/// `INCIDENCE_ANGLE` at the ground, larger by the curvature of the Earth; where the first is missing the second
/// stands in.
pub(crate) fn read(document: &Document<'_>) -> Option<Dimap> {
    let root = document.root_element();
    if !root.has_tag_name("Dimap_Document") {
        return None;
    }
    let files: Vec<String> = root
        .descendants()
        .filter(|n| n.has_tag_name("DATA_FILE_PATH"))
        .filter_map(|n| n.attribute("href")?.rsplit(['/', '\\']).next())
        .map(str::to_owned)
        .collect();
    if files.is_empty() {
        return None;
    }
    let strip = root.descendants().find(|n| n.has_tag_name("Strip_Source"));
    let strip = strip.unwrap_or(root);
    let centre = centre(root).unwrap_or(root);
    let angle =
        |name: &str, range: std::ops::RangeInclusive<f64>| number(centre, name).filter(|v| range.contains(v));
    let azimuth = |name: &str| angle(name, -360.0..=360.0).map(|a| a.rem_euclid(360.0));
    let time = text(strip, "IMAGING_DATE").zip(text(strip, "IMAGING_TIME"));
    let platform = text(strip, "MISSION").map(|m| {
        let index = text(strip, "MISSION_INDEX").unwrap_or_default();
        // PHR and 1A, as the names of the files have it; SPOT and 7.
        format!("{m}{index}").replace(' ', "")
    });
    let gsd = [number(centre, "GSD_ACROSS_TRACK"), number(centre, "GSD_ALONG_TRACK")];
    let gsd_m = match gsd {
        [Some(a), Some(b)] if a > 0.0 && b > 0.0 => Some((a * b).sqrt()),
        _ => None,
    };
    let bands = root.descendants().filter(|n| n.has_tag_name("BAND_ID")).count();
    let count = number(root, "NBANDS").map_or(bands, |n| n as usize);
    Some(Dimap {
        facts: Facts {
            datetime: time.and_then(|(day, clock)| date::instant(&format!("{day}T{clock}"))),
            released: text(root, "PRODUCTION_DATE").and_then(date::instant),
            roles: platform.as_deref().and_then(|p| bands::of_sensor(p, count)).map(<[_]>::to_vec),
            platform,
            catalogue_id: text(strip, "SOURCE_ID").map(str::to_owned),
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
                view_azimuth_deg: azimuth("AZIMUTH_ANGLE"),
                sun_azimuth_deg: azimuth("SUN_AZIMUTH"),
                sun_elevation_deg: angle("SUN_ELEVATION", -90.0..=90.0),
            },
            cloud_percent: number(root, "CLOUD_COVERAGE").filter(|v| (0.0..=100.0).contains(v)),
            licence: text(root, "COPYRIGHT").map(str::to_owned),
            conflicts: Vec::new(),
        },
        files,
    })
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
        let Dimap { facts, files } = read(&Document::parse(DIM).unwrap()).unwrap();
        assert_eq!(files, ["IMG_PHR1A_PMS_R1C1.TIF", "IMG_PHR1A_PMS_R1C2.TIF"]);
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
}
