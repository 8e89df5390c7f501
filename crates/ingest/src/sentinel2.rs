//! What the metadata of a Sentinel-2 product (`MTD_MSIL*.xml`) say.

use domain::BandRole;
use roxmltree::Document;

use crate::date;
use crate::facts::Facts;
use crate::xml::{number, text};

/// The facts of a product; `None` where it is another's.
///
/// Where the sun stood is told for each granule apart, and computed here instead.
pub(crate) fn read(document: &Document<'_>) -> Option<Facts> {
    let root = document.root_element();
    let datatake = root.descendants().find(|n| n.has_tag_name("Datatake"))?;
    Some(Facts {
        datetime: ["PRODUCT_START_TIME", "DATATAKE_SENSING_START"]
            .iter()
            .find_map(|n| date::instant(text(root, n)?)),
        released: text(root, "GENERATION_TIME").and_then(date::instant),
        platform: text(datatake, "SPACECRAFT_NAME").map(str::to_owned),
        catalogue_id: text(root, "PRODUCT_URI").map(|uri| uri.trim_end_matches(".SAFE").to_owned()),
        gsd_m: Some(10.0),
        cloud_percent: number(root, "Cloud_Coverage_Assessment").filter(|v| (0.0..=100.0).contains(v)),
        // Of the bands of 10 m, in the order in which GDAL has them.
        roles: Some(vec![BandRole::Red, BandRole::Green, BandRole::Blue, BandRole::NearInfrared]),
        licence: Some("Copernicus Sentinel data".to_owned()),
        ..Facts::default()
    })
}
