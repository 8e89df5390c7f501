//! What the names in a Maxar ARD order mean.

use std::path::Path;

use domain::Capture;

use crate::date;

/// What a file of an ARD order holds, from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product<'a> {
    /// `{catalogue id}-visual`.
    Visual {
        /// Catalogue id of the strip.
        catalogue_id: &'a str,
    },
    /// `{catalogue id}-pan`, `-ms`, or a mask: an image that this program does not look at.
    Other {
        /// Catalogue id of the strip.
        catalogue_id: &'a str,
        /// True for pixels, false for a mask.
        image: bool,
    },
}

/// The ARD product that a file name without its extension names, `None` where it is another file.
pub(crate) fn product(stem: &str) -> Option<Product<'_>> {
    let (catalogue_id, kind) = stem.split_once('-')?;
    if catalogue_id.len() != 16 || !catalogue_id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    match kind {
        "visual" => Some(Product::Visual { catalogue_id }),
        "pan" | "ms" => Some(Product::Other { catalogue_id, image: true }),
        mask if mask.ends_with("-mask") || mask.ends_with("-mask-raster") => {
            Some(Product::Other { catalogue_id, image: false })
        }
        _ => None,
    }
}

/// The cell of the ARD grid that a capture fills, as `(zone, quadkey)`; `None` for another image.
///
/// Neighbouring cells overlap by their padding of 156.25 m a side, so captures of different cells must not be
/// taken for a pair. The folders `{quadkey}/{date}` tell the cell; where an order was unpacked into one
/// folder, the size and place of a whole tile do.
pub(crate) fn cell(capture: &Capture) -> Option<(u32, String)> {
    let quadkey = quadkey_of_path(&capture.path).or_else(|| quadkey_of_place(capture))?;
    Some((capture.grid.crs.epsg.unwrap_or(0), quadkey))
}

/// The quadkey in `…/{quadkey}/{date}/{file}`.
fn quadkey_of_path(path: &Path) -> Option<String> {
    let mut parents = path.ancestors().skip(1).filter_map(|p| p.file_name()?.to_str());
    let (date, key) = (parents.next()?, parents.next()?);
    let is_key = key.len() == 12 && key.bytes().all(|b| (b'0'..=b'3').contains(&b));
    (is_key && date::in_name(date).is_some()).then(|| key.to_owned())
}

/// The quadkey of the cell that a grid fills with Maxar's padding: `x = floor((E + 9 740 000) / 5000)`,
/// `y = floor((10 240 000 − N) / 5000)`.
fn quadkey_of_place(capture: &Capture) -> Option<String> {
    const SIDE_M: f64 = 5312.5;
    const CELL_M: f64 = 5000.0;
    let grid = &capture.grid;
    if !matches!(grid.crs.epsg?, 32601..=32660 | 32701..=32760) {
        return None;
    }
    let [first, _, last, _] = grid.corners();
    let exact = ((last.x - first.x) - SIDE_M).abs() < 2.0 && ((first.y - last.y) - SIDE_M).abs() < 2.0;
    let x = ((first.x + last.x) / 2.0 + 9_740_000.0) / CELL_M;
    let y = (10_240_000.0 - (first.y + last.y) / 2.0) / CELL_M;
    let centred = [x, y].iter().all(|v| (v.fract() - 0.5).abs() < 2.0 / CELL_M);
    if !exact || !centred || x < 0.0 || y < 0.0 || x >= 4096.0 || y >= 4096.0 {
        return None;
    }
    let (x, y) = (x as u32, y as u32);
    let digit = |bit: u32| ((x >> bit) & 1) + 2 * ((y >> bit) & 1);
    (0..12).rev().map(|bit| char::from_digit(digit(bit), 4)).collect()
}

/// The catalogue id in the file name of an ARD capture.
pub(crate) fn catalogue_id(path: &Path) -> Option<String> {
    match product(path.file_stem()?.to_str()?)? {
        Product::Visual { catalogue_id } | Product::Other { catalogue_id, .. } => {
            Some(catalogue_id.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn names_of_products() {
        let id = "10300100F2A3B400";
        assert_eq!(product("10300100F2A3B400-visual"), Some(Product::Visual { catalogue_id: id }));
        assert_eq!(product("10300100F2A3B400-pan"), Some(Product::Other { catalogue_id: id, image: true }));
        assert_eq!(
            product("10300100F2A3B400-data-mask"),
            Some(Product::Other { catalogue_id: id, image: false })
        );
        assert_eq!(product("lgov-visual"), None);
        assert_eq!(product("10300100F2A3B400"), None);
    }

    #[test]
    fn the_cell_of_lgov_from_folders_and_from_place() {
        let (x, y) = (655_000.0_f64, 5_727_000.0_f64);
        let (left, top) = ((x / 5000.0).floor() * 5000.0 - 156.25, (y / 5000.0).floor() * 5000.0 + 5156.25);
        let whole =
            fixture::capture("a", "2024-08-12T08:41:00Z", (left, top), (17408, 17408), 5312.5 / 17408.0);
        assert_eq!(cell(&whole), Some((32636, "102220011331".to_owned())));
        let mut cropped =
            fixture::capture("b", "2024-08-12T08:41:00Z", (left + 900.0, top - 300.0), (100, 80), 0.5);
        assert_eq!(cell(&cropped), None);
        cropped.path = "/x/36/102220011331/2024-08-12/10300100F2A3B400-visual.tif".into();
        assert_eq!(cell(&cropped), Some((32636, "102220011331".to_owned())));
    }
}
