//! TIFFs that lack what GDAL would put into them, byte by byte: one band of 8 bits, one strip, not packed.

use std::path::Path;

/// What the file says about its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Corner and pixel size, and EPSG:32636.
    Full,
    /// Corner and pixel size without a CRS.
    WithoutCrs,
    /// EPSG:32636 without corner and pixel size.
    WithoutGeotransform,
}

/// Writes ground of `(rows, cols)`.
pub fn write(path: &Path, (rows, cols): (usize, usize), place: Place) {
    // Tag, type (3: u16, 4: u32, 12: f64), values.
    let mut entries: Vec<(u16, u16, Vec<u8>)> = vec![];
    let shorts = |v: &[u16]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let doubles = |v: &[f64]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let long = |v: usize| (v as u32).to_le_bytes().to_vec();
    entries.push((256, 4, long(cols)));
    entries.push((257, 4, long(rows)));
    entries.push((258, 3, shorts(&[8])));
    entries.push((259, 3, shorts(&[1])));
    entries.push((262, 3, shorts(&[1])));
    entries.push((273, 4, long(8)));
    entries.push((277, 3, shorts(&[1])));
    entries.push((278, 4, long(rows)));
    entries.push((279, 4, long(rows * cols)));
    if place != Place::WithoutGeotransform {
        entries.push((33550, 12, doubles(&[0.5, 0.5, 0.0])));
        entries.push((33922, 12, doubles(&[0.0, 0.0, 0.0, 657_000.0, 5_727_000.0, 0.0])));
    }
    if place != Place::WithoutCrs {
        // GeoTIFF keys: projected, pixel is area, EPSG:32636.
        entries.push((34735, 3, shorts(&[1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32636])));
    }

    let mut out: Vec<u8> = b"II*\0".to_vec();
    let pixels_end = 8 + (rows * cols).next_multiple_of(2);
    out.extend((pixels_end as u32).to_le_bytes());
    out.extend((0..rows * cols).map(|i| 60 + (i * 7919 % 101) as u8));
    out.resize(pixels_end, 0);
    let mut values_at = pixels_end + 2 + 12 * entries.len() + 4;
    let mut values: Vec<u8> = vec![];
    out.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, value) in &entries {
        let size = match kind {
            3 => 2,
            4 => 4,
            _ => 8,
        };
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(((value.len() / size) as u32).to_le_bytes());
        if value.len() <= 4 {
            let mut inline = value.clone();
            inline.resize(4, 0);
            out.extend(inline);
        } else {
            out.extend((values_at as u32).to_le_bytes());
            values_at += value.len();
            values.extend(value);
        }
    }
    out.extend([0; 4]);
    out.extend(values);
    std::fs::write(path, out).unwrap();
}
