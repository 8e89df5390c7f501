//! What can be wrong with truth, detections and options.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A variant for each cause that a caller can act on. Whoever read the file names it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not JSON at all.
    #[error("it is not JSON; give GeoJSON (ogr2ogr -f GeoJSON converts it)")]
    NotJson {
        /// Where it breaks off.
        #[source]
        source: serde_json::Error,
    },
    /// JSON, but not a collection of lines.
    #[error("it is JSON but not what is needed: {what}; give a GeoJSON FeatureCollection of lines")]
    NotLines {
        /// What is wrong, and in which feature.
        what: String,
    },
    /// A property that is not what it must be.
    #[error("feature {feature}: `{name}` is {value}; it must be {must_be}")]
    Property {
        /// Which feature, from 0.
        feature: usize,
        /// Name of the property.
        name: &'static str,
        /// What stands there.
        value: String,
        /// What must.
        must_be: &'static str,
    },
    /// A position outside longitude ±360 or latitude ±90.
    #[error(
        "feature {feature}: position [{x}, {y}] is not longitude, latitude; swap the coordinates or convert the file \
         to EPSG:4326"
    )]
    OutOfRange {
        /// Which feature, from 0.
        feature: usize,
        /// First coordinate.
        x: f64,
        /// Second coordinate.
        y: f64,
    },
    /// A position that cannot be laid onto the plane of the others.
    #[error(
        "longitude {lon}, latitude {lat} cannot be projected; truth and detections must lie in one UTM zone or beside it"
    )]
    Projection {
        /// Degrees.
        lon: f64,
        /// Degrees.
        lat: f64,
        /// What the projection said.
        #[source]
        source: proj4rs::errors::Error,
    },
    /// An option outside its range.
    #[error("option `{name}` is {value}, expected {expected}")]
    Option {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A plot cannot be drawn.
    #[error("cannot draw {what}: {reason}")]
    Plot {
        /// Which plot.
        what: &'static str,
        /// What the drawing library said.
        reason: String,
    },
}
