//! What each band of an image shows.

use domain::BandRole;
use gdal::Dataset;
use gdal::Metadata;
use gdal::errors::GdalError;
use gdal::raster::ColorInterpretation;

/// What metadata beside an image say about its bands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hints {
    /// The bands, named by the order.
    pub stated: Option<Vec<BandRole>>,
    /// The sensor, whose order of bands is known.
    pub platform: Option<String>,
}

/// Roles of the bands of an image, in the order of the file.
///
/// The first of these that knows: the descriptions of the bands; what the order states, where it states as many;
/// the colours that the file names; the order in which the sensor's owner delivers four or eight bands; one band
/// alone, beside alpha, is panchromatic. Else [`BandRole::Unknown`].
///
/// What a file calls alpha is alpha, unless its description or a statement that names as many bands as the file has calls it near
/// infrared: four bands of a byte are red, green, blue and alpha to GDAL's TIFF driver wherever nobody tells it otherwise.
pub(crate) fn roles(dataset: &Dataset, hints: &Hints) -> Result<Vec<BandRole>, GdalError> {
    use BandRole as R;
    let (mut coloured, mut described) = (Vec::new(), Vec::new());
    for index in 1..=dataset.raster_count() {
        let band = dataset.rasterband(index)?;
        coloured.push(match band.color_interpretation() {
            ColorInterpretation::RedBand => R::Red,
            ColorInterpretation::GreenBand => R::Green,
            ColorInterpretation::BlueBand => R::Blue,
            ColorInterpretation::AlphaBand => R::Alpha,
            _ => R::Unknown,
        });
        described.push(band.description().map_or(R::Unknown, |text| in_words(&text)));
    }
    let pixels = coloured.iter().filter(|r| **r != R::Alpha).count();
    let known = |roles: &[R]| roles.iter().any(|r| !matches!(r, R::Unknown | R::Alpha));
    // Alpha is the file's own word, whoever names the rest.
    let fill = |named: &[R]| -> Vec<R> {
        let mut named = named.iter().copied();
        coloured.iter().map(|&c| if c == R::Alpha { c } else { named.next().unwrap_or(R::Unknown) }).collect()
    };
    let unless_infrared = |(&named, &coloured): (&R, &R)| match (named, coloured) {
        (R::NearInfrared, _) => named,
        (_, R::Alpha) => coloured,
        _ => named,
    };
    if known(&described) {
        return Ok(described.iter().zip(&coloured).map(unless_infrared).collect());
    }
    let names_all = |s: &&Vec<R>| {
        let infrared = s.iter().zip(&coloured).any(|(&s, &c)| c == R::Alpha && s == R::NearInfrared);
        s.len() == coloured.len() && infrared
    };
    if let Some(stated) = hints.stated.as_ref().filter(names_all) {
        return Ok(stated.iter().zip(&coloured).map(unless_infrared).collect());
    }
    if let Some(stated) = hints.stated.as_ref().filter(|s| s.len() == pixels) {
        return Ok(fill(stated));
    }
    if known(&coloured) {
        return Ok(coloured);
    }
    if let Some(order) = hints.platform.as_deref().and_then(|p| of_sensor(p, pixels)) {
        return Ok(fill(order));
    }
    Ok(if pixels == 1 { fill(&[R::Panchromatic]) } else { coloured })
}

/// The role that the description of a band names.
fn in_words(text: &str) -> BandRole {
    use BandRole as R;
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let has = |names: &[&str]| words.iter().any(|w| names.contains(w));
    let joined = words.concat();
    if joined.contains("rededge") || has(&["re", "edge"]) {
        R::RedEdge
    } else if joined.contains("infrared") || has(&["nir", "nir1", "nir2", "n", "n2", "near"]) {
        R::NearInfrared
    } else if has(&["coastal", "c"]) {
        R::Coastal
    } else if has(&["blue", "b"]) {
        R::Blue
    } else if has(&["green", "g"]) {
        R::Green
    } else if has(&["yellow", "y"]) {
        R::Yellow
    } else if has(&["red", "r"]) {
        R::Red
    } else if has(&["pan", "panchromatic", "p"]) {
        R::Panchromatic
    } else if has(&["alpha"]) {
        R::Alpha
    } else {
        R::Unknown
    }
}

/// The order in which bands of a sensor are delivered. Maxar and Planet: from short waves to long; Airbus: as seen.
pub(crate) fn of_sensor(platform: &str, bands: usize) -> Option<&'static [BandRole]> {
    use BandRole as R;
    const FOUR: [R; 4] = [R::Blue, R::Green, R::Red, R::NearInfrared];
    const EIGHT: [R; 8] =
        [R::Coastal, R::Blue, R::Green, R::Yellow, R::Red, R::RedEdge, R::NearInfrared, R::NearInfrared];
    const AIRBUS: [R; 4] = [R::Red, R::Green, R::Blue, R::NearInfrared];
    let name = platform.to_ascii_lowercase();
    let one_of = |names: &[&str]| names.iter().any(|n| name.starts_with(n));
    if is_maxar(&name) || one_of(&["skysat", "ssc"]) || (name.len() < 4 && name.starts_with('s')) {
        match bands {
            4 => Some(&FOUR),
            8 => Some(&EIGHT),
            _ => None,
        }
    } else if one_of(&["phr", "pneo", "pleiades", "spot"]) && bands == 4 {
        Some(&AIRBUS)
    } else {
        None
    }
}

/// True for the names under which Maxar's satellites go.
pub(crate) fn is_maxar(platform: &str) -> bool {
    let name = platform.to_ascii_lowercase();
    ["wv0", "worldview", "ge01", "geoeye", "qb0", "quickbird", "lg0", "legion"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use BandRole as R;

    #[test]
    fn descriptions_in_many_words() {
        for (text, role) in [
            ("Red", R::Red),
            ("B4 - Red (665 nm)", R::Red),
            ("Red Edge", R::RedEdge),
            ("rededge", R::RedEdge),
            ("NIR1", R::NearInfrared),
            ("BAND_N2", R::NearInfrared),
            ("BAND_C", R::Coastal),
            ("near infrared", R::NearInfrared),
            ("Panchromatic", R::Panchromatic),
            ("", R::Unknown),
            ("band 1", R::Unknown),
            ("reflectance", R::Unknown),
        ] {
            assert_eq!(in_words(text), role, "{text}");
        }
    }

    #[test]
    fn sensors_have_their_order() {
        assert_eq!(of_sensor("WV03", 8).unwrap()[4], R::Red);
        assert_eq!(of_sensor("GE01", 4).unwrap()[0], R::Blue);
        assert_eq!(of_sensor("SSC11", 4).unwrap()[2], R::Red);
        assert_eq!(of_sensor("PHR1A", 4).unwrap()[0], R::Red);
        assert_eq!(of_sensor("WV03", 3), None);
        assert_eq!(of_sensor("Landsat", 4), None);
    }
}
