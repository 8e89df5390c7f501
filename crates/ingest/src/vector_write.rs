//! Lines and areas out, in the formats that GDAL writes.

use std::path::Path;

use gdal::spatial_ref::SpatialRef;
use gdal::vector::{
    Feature, FieldDefn, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType,
};
use gdal::{Dataset, DriverManager};
use serde_json::Value;

use crate::error::{Error, GdalMessage, Result};
use crate::library;

/// Longitude and latitude on WGS84.
const WGS84: &str = "GEOGCS[\"WGS 84\",DATUM[\"WGS_1984\",SPHEROID[\"WGS 84\",6378137,298.257223563,\
     AUTHORITY[\"EPSG\",\"7030\"]],AUTHORITY[\"EPSG\",\"6326\"]],PRIMEM[\"Greenwich\",0,AUTHORITY[\"EPSG\",\"8901\"]],\
     UNIT[\"degree\",0.0174532925199433,AUTHORITY[\"EPSG\",\"9122\"]],AUTHORITY[\"EPSG\",\"4326\"]]";

/// Which vector file to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorFormat {
    /// GeoPackage, any number of layers, with their styles.
    GeoPackage,
    /// FlatGeobuf, one layer.
    FlatGeobuf,
}

/// A layer to write.
#[derive(Clone, Debug)]
pub struct VectorLayer<'a> {
    /// Its name.
    pub name: &'a str,
    /// A GeoJSON FeatureCollection in longitude and latitude.
    pub features: &'a Value,
    /// How QGIS is to draw it, QML; a GeoPackage keeps it as the default style.
    pub style: Option<String>,
}

/// Writes layers to a new file. Properties become fields: those that are objects or lists as JSON text.
///
/// # Errors
/// [`Error::Vector`] where GDAL cannot write the file.
pub fn write_vector(path: &Path, format: VectorFormat, layers: &[VectorLayer<'_>]) -> Result<()> {
    library::quiet();
    library::forget_failures();
    // A GeoPackage says when it was written; equal layers are to give equal bytes. Fails only for a NUL in a string.
    let _ = gdal::config::set_config_option("OGR_CURRENT_DATE", "1970-01-01T00:00:00.000Z");
    let failed = |e: String| Error::Vector { path: path.into(), source: e.into() };
    let driver = match format {
        VectorFormat::GeoPackage => "GPKG",
        VectorFormat::FlatGeobuf => "FlatGeobuf",
    };
    let written = DriverManager::get_driver_by_name(driver).and_then(|driver| {
        let mut dataset = driver.create_vector_only(path)?;
        for layer in layers {
            write_layer(&mut dataset, layer)?;
        }
        if format == VectorFormat::GeoPackage {
            write_styles(&mut dataset, layers)?;
        }
        dataset.flush_cache()?;
        dataset.close()
    });
    written.map_err(|e| failed(GdalMessage::from(e).0))?;
    match library::first_failure() {
        Some(said) => Err(failed(said)),
        None => Ok(()),
    }
}

/// Name and type of every field, in the order in which they first occur.
fn fields(features: &[Value]) -> Vec<(String, OGRFieldType::Type)> {
    let mut fields: Vec<(String, Option<OGRFieldType::Type>)> = Vec::new();
    for (name, value) in features.iter().filter_map(|f| f["properties"].as_object()).flatten() {
        let kind = match value {
            Value::Null => None,
            Value::Bool(_) => Some(OGRFieldType::OFTInteger),
            Value::Number(_) => Some(OGRFieldType::OFTReal),
            _ => Some(OGRFieldType::OFTString),
        };
        match fields.iter_mut().find(|f| f.0 == *name) {
            Some(field) if field.1.is_none() => field.1 = kind,
            Some(field) if kind.is_some() && field.1 != kind => field.1 = Some(OGRFieldType::OFTString),
            Some(_) => {}
            None => fields.push((name.clone(), kind)),
        }
    }
    fields.into_iter().map(|(name, kind)| (name, kind.unwrap_or(OGRFieldType::OFTString))).collect()
}

fn write_layer(dataset: &mut Dataset, layer: &VectorLayer<'_>) -> gdal::errors::Result<()> {
    // By its code GDAL gives WGS 84 now with, now without the members of its ensemble, depending on its cache.
    let srs = SpatialRef::from_wkt(WGS84)?;
    let empty = Vec::new();
    let features = layer.features["features"].as_array().unwrap_or(&empty);
    let kinds: Vec<&str> = features.iter().filter_map(|f| f["geometry"]["type"].as_str()).collect();
    let only = |kind: &str| !kinds.is_empty() && kinds.iter().all(|k| *k == kind);
    let ty = match () {
        () if only("LineString") => OGRwkbGeometryType::wkbLineString,
        () if only("MultiLineString") => OGRwkbGeometryType::wkbMultiLineString,
        () if only("MultiPolygon") => OGRwkbGeometryType::wkbMultiPolygon,
        () => OGRwkbGeometryType::wkbUnknown,
    };
    let out = dataset.create_layer(LayerOptions { name: layer.name, srs: Some(&srs), ty, options: None })?;
    let fields = fields(features);
    for (name, kind) in &fields {
        // GeoPackage has its own `fid`; a field `id` of the user's is no trouble.
        FieldDefn::new(name, *kind)?.add_to_layer(&out)?;
    }
    for row in features {
        let mut feature = Feature::new(out.defn())?;
        if !row["geometry"].is_null() {
            feature.set_geometry(Geometry::from_geojson(&row["geometry"].to_string())?)?;
        }
        for (index, (name, kind)) in fields.iter().enumerate() {
            match &row["properties"][name] {
                Value::Null => {}
                value if *kind == OGRFieldType::OFTReal => {
                    feature.set_field_double(index, value.as_f64().unwrap_or(f64::NAN))?;
                }
                Value::Bool(b) if *kind == OGRFieldType::OFTInteger => {
                    feature.set_field_integer(index, i32::from(*b))?;
                }
                Value::String(text) => feature.set_field_string(index, text)?,
                other => feature.set_field_string(index, &other.to_string())?,
            }
        }
        feature.create(&out)?;
    }
    Ok(())
}

/// The table in which QGIS looks for the styles of a GeoPackage.
fn write_styles(dataset: &mut Dataset, layers: &[VectorLayer<'_>]) -> gdal::errors::Result<()> {
    if layers.iter().all(|l| l.style.is_none()) {
        return Ok(());
    }
    let none = OGRwkbGeometryType::wkbNone;
    let out =
        dataset.create_layer(LayerOptions { name: "layer_styles", srs: None, ty: none, options: None })?;
    let texts = ["f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName"];
    let texts = texts.into_iter().chain(["styleQML", "styleSLD", "description", "owner"]);
    for name in texts {
        FieldDefn::new(name, OGRFieldType::OFTString)?.add_to_layer(&out)?;
    }
    FieldDefn::new("useAsDefault", OGRFieldType::OFTInteger)?.add_to_layer(&out)?;
    for layer in layers {
        let Some(style) = &layer.style else { continue };
        let mut feature = Feature::new(out.defn())?;
        for (name, value) in [
            ("f_table_catalog", ""),
            ("f_table_schema", ""),
            ("f_table_name", layer.name),
            ("f_geometry_column", "geom"),
            ("styleName", layer.name),
            ("styleQML", style),
            ("styleSLD", ""),
            ("description", "Fosse"),
            ("owner", ""),
        ] {
            feature.set_field_string(feature.field_index(name)?, value)?;
        }
        feature.set_field_integer(feature.field_index("useAsDefault")?, 1)?;
        feature.create(&out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::read_vector;

    fn lines() -> Value {
        json!({"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"id": "a", "length_m": 12.5, "side": null, "new": true,
                "nearest": [35.0, 51.0]},
             "geometry": {"type": "LineString", "coordinates": [[35.0, 51.0], [35.1, 51.1]]}},
            {"type": "Feature", "properties": {"id": "b", "length_m": 3.0, "side": "inside", "new": false,
                "nearest": null},
             "geometry": {"type": "LineString", "coordinates": [[35.0, 51.0], [35.1, 51.2]]}}]})
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let lines = lines();
        let style = Some("<qgis/>".to_owned());
        let layers = [VectorLayer { name: "earthworks", features: &lines, style }];
        for (name, format) in [("a.gpkg", VectorFormat::GeoPackage), ("a.fgb", VectorFormat::FlatGeobuf)] {
            let path = dir.path().join(name);
            write_vector(&path, format, &layers).unwrap();
            let back = read_vector(&path).unwrap();
            let features = back["features"].as_array().unwrap();
            assert_eq!(features.len(), 2, "{name}");
            let a = features.iter().find(|f| f["properties"]["id"] == "a").unwrap();
            assert_eq!(a["properties"]["length_m"], 12.5);
            assert_eq!(a["properties"]["new"], 1);
            assert!(a["properties"].get("side").is_none());
            assert_eq!(a["properties"]["nearest"], "[35.0,51.0]");
            assert_eq!(a["geometry"]["coordinates"][1][1], 51.1);
        }
    }

    #[test]
    fn an_empty_layer_can_be_written_and_a_bad_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let none = json!({"type": "FeatureCollection", "features": []});
        let layers = [VectorLayer { name: "earthworks", features: &none, style: None }];
        let path = dir.path().join("a.gpkg");
        write_vector(&path, VectorFormat::GeoPackage, &layers).unwrap();
        assert_eq!(read_vector(&path).unwrap()["features"].as_array().unwrap().len(), 0);
        let nowhere = dir.path().join("no/such/a.gpkg");
        let refused = write_vector(&nowhere, VectorFormat::GeoPackage, &layers);
        assert!(matches!(refused, Err(Error::Vector { .. })));
    }
}
