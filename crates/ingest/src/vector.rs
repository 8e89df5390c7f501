//! Lines and areas in, whatever the format: front lines, borders, roads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::vector::sql::Dialect;
use gdal::vector::{Feature, FieldValue, LayerAccess};
use gdal::vsi::{create_mem_file, unlink_mem_file};
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use serde_json::{Map, Value, json};

use crate::error::{Error, GdalMessage, Result};
use crate::{archive, library};

/// Endings of the vector files that are read, in lower case.
pub const VECTOR_ENDINGS: [&str; 7] = ["geojson", "json", "kml", "kmz", "gpkg", "shp", "fgb"];
/// GDAL's drivers that are tried: none of those that fetch what a file names (WFS, OAPIF, Elasticsearch).
const DRIVERS: [&str; 10] = [
    "GeoJSON",
    "GeoJSONSeq",
    "ESRIJSON",
    "TopoJSON",
    "KML",
    "LIBKML",
    "GPKG",
    "ESRI Shapefile",
    "FlatGeobuf",
    "GML",
];
/// Bytes of a GML file, at most: it is read into memory.
const LARGEST_GML: u64 = 64 << 20;
/// Most vertices of a file: more is no front line, and would take memory that nobody checked.
const MOST_VERTICES: usize = 20_000_000;

/// True where the name of a file says that it can be read.
pub fn is_vector(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|e| VECTOR_ENDINGS.contains(&e.as_str()))
}

/// True where GDAL finds layers of lines or areas in a file.
pub(crate) fn has_layers(path: &Path) -> bool {
    library::quiet();
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR,
        allowed_drivers: Some(&DRIVERS),
        ..Default::default()
    };
    Dataset::open_ex(path, options).is_ok_and(|d| d.layer_count() > 0)
}

/// A vector file as a GeoJSON FeatureCollection in longitude and latitude on WGS84, whatever its format and CRS.
///
/// Fields become properties; the style of a feature (a KML's colours) the property `OGR_STYLE`; its layer, where the
/// file has several, `layer`. A feature without a geometry has `null`. A file without a CRS counts as longitude
/// and latitude. Member `notes`: what had to be done on the way.
///
/// # Errors
/// [`Error::Vector`] where GDAL cannot read the file, or not to its end; [`Error::Transform`] where a position of
/// it has none on WGS84.
pub fn read_vector(path: &Path) -> Result<Value> {
    library::quiet();
    let failed = |e: String| Error::Vector { path: path.into(), source: e.into() };
    if !path.exists() {
        return Err(failed("there is no such file; check its name".to_owned()));
    }
    archive::check(path).map_err(failed)?;
    let memory = InMemory::of(path).map_err(failed)?;
    let opened = memory.as_ref().map_or(path, |m| &m.0);
    let said =
        |e| failed(GdalMessage::from(e).0.replace(&*opened.to_string_lossy(), &path.to_string_lossy()));
    library::forget_failures();
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR,
        allowed_drivers: Some(&DRIVERS),
        ..Default::default()
    };
    let dataset = Dataset::open_ex(opened, options).map_err(said)?;
    let wgs84 = lon_lat().map_err(said)?;
    let (mut features, mut notes, mut vertices) = (Vec::new(), Vec::new(), 0);
    let names: Vec<String> = dataset.layers().map(|l| l.name()).collect();
    for (index, name) in names.iter().enumerate() {
        // GPKG keeps its own tables beside those of the user.
        if name == "layer_styles" {
            continue;
        }
        let layer = dataset.layer(index).map_err(said)?;
        let to = match layer.spatial_ref() {
            Some(mut srs) => {
                srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
                if is_wgs84(&srs) {
                    None
                } else {
                    notes.push(format!(
                        "{} was brought from {} to longitude and latitude",
                        name,
                        title(&srs)
                    ));
                    Some(CoordTransform::new(&srs, &wgs84).map_err(said)?)
                }
            }
            None => {
                notes.push(format!("{name} says no reference system: taken for longitude and latitude"));
                None
            }
        };
        // The style is a field that only SQL shows.
        let quoted = name.replace('"', "\\\"");
        let query = format!("SELECT *, OGR_STYLE FROM \"{quoted}\"");
        let mut rows = dataset.execute_sql(&query, None, Dialect::OGR).map_err(said)?;
        let Some(rows) = rows.as_mut() else { continue };
        for (n, feature) in rows.features().enumerate() {
            let whose = |e: String| failed(format!("layer {name}, feature {n}: {e}"));
            let mut properties = properties(&feature);
            if names.len() > 1 {
                properties.insert("layer".to_owned(), json!(name));
            }
            let geometry = geometry(&feature, to.as_ref()).map_err(whose)?;
            // Each in brackets of its own.
            vertices += geometry.as_ref().map_or(0, |text| text.bytes().filter(|b| *b == b'[').count());
            if vertices > MOST_VERTICES {
                return Err(failed(format!(
                    "it has over {MOST_VERTICES} vertices; cut out the part that matters"
                )));
            }
            let geometry: Value = match geometry {
                Some(text) => serde_json::from_str(&text).map_err(|e| whose(e.to_string()))?,
                None => Value::Null,
            };
            features.push(json!({"type": "Feature", "properties": properties, "geometry": geometry}));
        }
    }
    // A broken file may open, give some features and then end in silence.
    if let Some(broken) = library::first_failure() {
        return Err(failed(broken.replace(&*opened.to_string_lossy(), &path.to_string_lossy())));
    }
    Ok(json!({"type": "FeatureCollection", "features": features, "notes": notes}))
}

/// A copy of a GML file in GDAL's memory, as long as it lives.
///
/// Beside a GML file GDAL writes what it found its fields to be (`.gfs`), and reads that file the next time: into the folder of a
/// stranger, and half written where two threads open the same mask.
struct InMemory(PathBuf);

impl InMemory {
    /// The copy of a file that needs one.
    ///
    /// # Errors
    /// A sentence where it is too large or cannot be read.
    fn of(path: &Path) -> Result<Option<Self>, String> {
        static COPIES: AtomicU64 = AtomicU64::new(0);
        if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gml")) {
            return Ok(None);
        }
        let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
        if length > LARGEST_GML {
            return Err(format!(
                "{length} bytes are more than {LARGEST_GML}; convert it with ogr2ogr -f GPKG"
            ));
        }
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        let copy = PathBuf::from(format!("/vsimem/fosse/{}/a.gml", COPIES.fetch_add(1, Ordering::Relaxed)));
        create_mem_file(&copy, bytes).map_err(|e| GdalMessage::from(e).0)?;
        Ok(Some(Self(copy)))
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        // The second may never have been written.
        let _ = unlink_mem_file(&self.0);
        let _ = unlink_mem_file(self.0.with_extension("gfs"));
    }
}

/// WGS84, longitude first.
fn lon_lat() -> gdal::errors::Result<SpatialRef> {
    let mut srs = SpatialRef::from_epsg(4326)?;
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(srs)
}

fn is_wgs84(srs: &SpatialRef) -> bool {
    let code = srs.auth_code().ok();
    srs.is_geographic() && (code == Some(4326) || srs.name().is_some_and(|n| n.starts_with("WGS 84")))
}

fn title(srs: &SpatialRef) -> String {
    match srs.auth_code() {
        Ok(code) => format!("EPSG:{code}"),
        Err(_) => srs.name().unwrap_or_else(|| "its own reference system".to_owned()),
    }
}

/// The geometry as GeoJSON text, brought to longitude and latitude.
fn geometry(feature: &Feature<'_>, to: Option<&CoordTransform>) -> Result<Option<String>, String> {
    let Some(geometry) = feature.geometry().filter(|g| g.has_gdal_ptr()) else { return Ok(None) };
    let said = |e| GdalMessage::from(e).0;
    match to {
        Some(to) => geometry.transform(to).and_then(|g| g.json()).map(Some).map_err(said),
        None => geometry.json().map(Some).map_err(said),
    }
}

/// The fields of a feature that are set.
fn properties(feature: &Feature<'_>) -> Map<String, Value> {
    let set = feature.fields().filter_map(|(name, value)| Some((name, plain(value?))));
    // SQL gives an empty text for what is not set.
    set.filter(|(_, value)| value.as_str() != Some("")).collect()
}

fn plain(value: FieldValue) -> Value {
    match value {
        FieldValue::IntegerValue(n) => json!(n),
        FieldValue::Integer64Value(n) => json!(n),
        FieldValue::RealValue(n) => json!(n),
        FieldValue::StringValue(s) => json!(s),
        FieldValue::DateValue(d) => json!(d.to_string()),
        FieldValue::DateTimeValue(t) => json!(t.to_rfc3339()),
        FieldValue::IntegerListValue(n) => json!(n),
        FieldValue::Integer64ListValue(n) => json!(n),
        FieldValue::RealListValue(n) => json!(n),
        FieldValue::StringListValue(s) => json!(s),
    }
}
