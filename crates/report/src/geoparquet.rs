//! What was found as GeoParquet 1.1.

use std::sync::Arc;

use geo_types::Coord;
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::{Value, json};

use crate::geojson::bbox;
use crate::{Error, Result};

/// The earthworks of a document of [`crate::earthworks_geojson`] as GeoParquet 1.1: geometry in WKB, a `bbox` in the
/// metadata, numbers as doubles, everything else as text, lists and objects as JSON.
///
/// # Errors
/// [`Error::Parquet`], which does not come up for documents of this program.
pub fn parquet(earthworks: &str) -> Result<Vec<u8>> {
    let root: Value = serde_json::from_str(earthworks).map_err(|e| Error::Parquet(e.to_string()))?;
    let empty = Vec::new();
    let features = root["features"].as_array().unwrap_or(&empty);
    write(features).map_err(|e| Error::Parquet(e.to_string()))
}

/// Columns of text and of numbers, by name, in the order of the properties.
fn columns(features: &[Value]) -> Vec<(String, bool)> {
    let mut columns: Vec<(String, bool)> = Vec::new();
    for (name, value) in features.iter().filter_map(|f| f["properties"].as_object()).flatten() {
        let number = value.is_number();
        match columns.iter_mut().find(|c| c.0 == *name) {
            Some(column) if value.is_null() => _ = column,
            Some(column) => column.1 |= number,
            None => columns.push((name.clone(), number)),
        }
    }
    columns
}

fn write(features: &[Value]) -> std::result::Result<Vec<u8>, ParquetError> {
    let columns = columns(features);
    let mut fields = Vec::new();
    for (name, number) in &columns {
        let (physical, logical, converted) = if *number {
            (Physical::DOUBLE, None, ConvertedType::NONE)
        } else {
            (Physical::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8)
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .with_converted_type(converted);
        fields.push(Arc::new(field.build()?));
    }
    let geometry = Type::primitive_type_builder("geometry", Physical::BYTE_ARRAY);
    fields.push(Arc::new(geometry.with_repetition(Repetition::REQUIRED).build()?));
    let schema = Arc::new(Type::group_type_builder("earthworks").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_created_by("fosse".to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new("geo".to_owned(), metadata(features).to_string())]));
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties.build()))?;
    let mut group = file.next_row_group()?;
    for (name, number) in &columns {
        let Some(mut column) = group.next_column()? else { break };
        let values = features.iter().map(|f| &f["properties"][name]);
        let set: Vec<i16> = values.clone().map(|v| i16::from(!v.is_null())).collect();
        if *number {
            let values: Vec<f64> = values.filter_map(Value::as_f64).collect();
            column.typed::<DoubleType>().write_batch(&values, Some(&set), None)?;
        } else {
            let text = |v: &Value| match v {
                Value::String(text) => ByteArray::from(text.as_str()),
                other => ByteArray::from(other.to_string().into_bytes()),
            };
            let values: Vec<ByteArray> = values.filter(|v| !v.is_null()).map(text).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&set), None)?;
        }
        column.close()?;
    }
    if let Some(mut column) = group.next_column()? {
        let lines: Vec<ByteArray> = features.iter().map(|f| ByteArray::from(wkb(&f["geometry"]))).collect();
        column.typed::<ByteArrayType>().write_batch(&lines, None, None)?;
        column.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

fn positions(geometry: &Value) -> Vec<[f64; 2]> {
    let list = geometry["coordinates"].as_array();
    let position = |p: &Value| Some([p.get(0)?.as_f64()?, p.get(1)?.as_f64()?]);
    list.map(|l| l.iter().filter_map(position).collect()).unwrap_or_default()
}

/// A LineString in little-endian WKB.
fn wkb(geometry: &Value) -> Vec<u8> {
    let positions = positions(geometry);
    let mut out = vec![1];
    out.extend(2u32.to_le_bytes());
    out.extend((positions.len() as u32).to_le_bytes());
    out.extend(positions.iter().flatten().flat_map(|v| v.to_le_bytes()));
    out
}

/// The value of the key `geo`. No `crs` means longitude and latitude on WGS84 (OGC:CRS84).
fn metadata(features: &[Value]) -> Value {
    let points = features.iter().flat_map(|f| positions(&f["geometry"]));
    let mut column = json!({"encoding": "WKB", "geometry_types": ["LineString"]});
    if let Some(bbox) = bbox(points.map(|[x, y]| Coord { x, y })) {
        column["bbox"] = json!(bbox);
    }
    json!({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})
}
