//! How far a distance may be off.

use serde::{Deserialize, Serialize};

/// How well a later image is placed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImagePrecision {
    /// Radius that holds 90 % of its points (CE90), metres.
    pub geolocation_m: f64,
    /// Where that is from: `metadata`, or the sensor whose default it is.
    pub geolocation_from: String,
    /// Residual of the alignment of the pair, metres, where it is known.
    pub alignment_m: Option<f64>,
}

/// CE90 by what the platform's name begins with, without imagery-specific metadata. Makers' figures for products
/// that were not tied to ground control.
const DEFAULTS: [(&str, &str, f64); 10] = [
    // Maxar: accuracy of WorldView and GeoEye products, 5 m CE90.
    ("wv", "WorldView", 5.0),
    ("worldview", "WorldView", 5.0),
    ("legion", "WorldView Legion", 5.0),
    ("ge", "GeoEye-1", 5.0),
    ("qb", "QuickBird", 23.0),
    ("quickbird", "QuickBird", 23.0),
    // Airbus: 8.5 m CE90 (Pléiades), 10 m (SPOT 6/7), 5 m (Pléiades Neo).
    ("pneo", "Pléiades Neo", 5.0),
    ("phr", "Pléiades", 8.5),
    ("pleiades", "Pléiades", 8.5),
    // Planet: SkySat ortho, 10 m RMSE.
    ("skysat", "SkySat", 15.2),
];
/// For a sensor that is not listed or not known, metres: worse than any listed but QuickBird.
const UNKNOWN_M: f64 = 20.0;

impl ImagePrecision {
    /// The precision of an image of `platform`, whose metadata may give its CE90.
    pub fn of(platform: Option<&str>, ce90_m: Option<f64>, alignment_m: Option<f64>) -> Self {
        let alignment_m = alignment_m.filter(|m| m.is_finite());
        if let Some(geolocation_m) = ce90_m.filter(|m| m.is_finite() && *m >= 0.0) {
            return Self { geolocation_m, geolocation_from: "metadata".to_owned(), alignment_m };
        }
        let name = platform.unwrap_or_default().to_lowercase();
        let known = DEFAULTS.iter().find(|(start, _, _)| name.starts_with(start));
        let (from, geolocation_m) = match known {
            Some((_, sensor, metres)) => (format!("default for {sensor}"), *metres),
            None => ("default for an unknown sensor".to_owned(), UNKNOWN_M),
        };
        Self { geolocation_m, geolocation_from: from, alignment_m }
    }
}

/// The parts of the uncertainty of a distance, metres, and their whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Where the image is placed, and how well its pair fits.
    #[serde(flatten)]
    pub image: ImagePrecision,
    /// How vague the front is, where its source says so.
    pub front_m: Option<f64>,
    /// The root of the sum of the squares of what is known.
    pub total_m: f64,
}

impl Uncertainty {
    /// The uncertainty of distances from a front of `front_m` to what an image shows.
    pub fn of(image: &ImagePrecision, front_m: Option<f64>) -> Self {
        let parts = [Some(image.geolocation_m), image.alignment_m, front_m];
        let total_m = parts.into_iter().flatten().map(|m| m * m).sum::<f64>().sqrt();
        Self { image: image.clone(), front_m, total_m }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_in_squares_and_the_metadata_go_before_the_default() {
        let image = ImagePrecision::of(Some("WV03"), Some(3.0), Some(4.0));
        assert_eq!((image.geolocation_m, image.geolocation_from.as_str()), (3.0, "metadata"));
        assert_eq!(Uncertainty::of(&image, None).total_m, 5.0);
        assert_eq!(Uncertainty::of(&image, Some(12.0)).total_m, 13.0);
        let legion = ImagePrecision::of(Some("GE01"), None, Some(f64::NAN));
        assert_eq!((legion.geolocation_m, legion.alignment_m), (5.0, None));
        assert_eq!(ImagePrecision::of(None, None, None).geolocation_m, UNKNOWN_M);
    }
}
