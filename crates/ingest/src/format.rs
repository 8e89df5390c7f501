//! Which files are images, by their names, and which of GDAL's drivers opens them.
//!
//! Only the driver that a name promises is tried: GDAL has a hundred, some of which run commands or fetch
//! addresses that a file names.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use gdal::errors::GdalError;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};

use crate::library;

/// A container of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// GeoTIFF, BigTIFF, COG.
    Tiff,
    /// NITF 2.0 and 2.1, NSIF.
    Nitf,
    /// JPEG 2000.
    Jp2,
    /// A list of other images (GDAL's VRT).
    Vrt,
    /// Tiles in SQLite.
    MbTiles,
    /// Tiles in a GeoPackage, which may also hold vectors alone.
    GeoPackage,
    /// PNG with a world file.
    Png,
    /// JPEG with a world file.
    Jpeg,
    /// Erdas Imagine.
    Imagine,
    /// Sentinel-2, by the metadata of its folder.
    Sentinel2,
}

impl Format {
    /// The format that a name promises, `None` for what is no image.
    ///
    /// A PNG or JPEG without a world file or `.aux.xml` is a picture (browse images of orders), no image.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let found = match ending.as_str() {
            "tif" | "tiff" | "gtif" | "gtiff" => Self::Tiff,
            "ntf" | "nitf" | "nsf" => Self::Nitf,
            "jp2" | "j2k" | "j2c" | "jpx" => Self::Jp2,
            "vrt" => Self::Vrt,
            "mbtiles" => Self::MbTiles,
            "gpkg" => Self::GeoPackage,
            "img" => Self::Imagine,
            "png" if is_placed(path) => Self::Png,
            "jpg" | "jpeg" if is_placed(path) => Self::Jpeg,
            "xml" => {
                let name = path.file_name()?.to_str()?;
                let inside = path.parent()?.extension().is_some_and(|e| e.eq_ignore_ascii_case("SAFE"));
                (inside && name.starts_with("MTD_MSI")).then_some(Self::Sentinel2)?
            }
            _ => return None,
        };
        Some(found)
    }

    /// GDAL's names for it, those that are tried.
    fn drivers(self) -> &'static [&'static str] {
        match self {
            Self::Tiff => &["GTiff"],
            Self::Nitf => &["NITF"],
            Self::Jp2 => &["JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID"],
            Self::Vrt => &["VRT"],
            Self::MbTiles => &["MBTiles"],
            Self::GeoPackage => &["GPKG"],
            Self::Png => &["PNG"],
            Self::Jpeg => &["JPEG"],
            Self::Imagine => &["HFA"],
            Self::Sentinel2 => &["SENTINEL2"],
        }
    }

    /// What to call it in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tiff => "TIFF",
            Self::Nitf => "NITF",
            Self::Jp2 => "JPEG 2000",
            Self::Vrt => "VRT",
            Self::MbTiles => "MBTiles",
            Self::GeoPackage => "GeoPackage",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Imagine => "Erdas Imagine",
            Self::Sentinel2 => "Sentinel-2",
        }
    }
}

/// True where a file of its own says where a picture lies.
fn is_placed(path: &Path) -> bool {
    world_files(path).iter().any(|p| p.is_file()) || beside(path, "aux.xml").is_file()
}

/// Where the world file of an image may lie.
fn world_files(path: &Path) -> Vec<PathBuf> {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let mut short: String = ending.chars().take(1).collect();
    short.extend(ending.chars().last());
    [format!("{short}w"), format!("{ending}w"), "wld".to_owned()]
        .iter()
        .flat_map(|e| [path.with_extension(e), path.with_extension(e.to_ascii_uppercase())])
        .collect()
}

/// `NAME.ENDING.more` beside `NAME.ENDING`.
pub(crate) fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(more);
    path.with_file_name(name)
}

/// An image, opened by the driver that its name promises.
pub(crate) fn open(path: &Path) -> Result<Dataset, GdalError> {
    open_with(path, &[])
}

/// The same with GDAL's open options.
pub(crate) fn open_with(path: &Path, options: &[&str]) -> Result<Dataset, GdalError> {
    library::quiet();
    let format =
        Format::of(path).ok_or_else(|| GdalError::BadArgument("its name is that of no image".to_owned()))?;
    let open = |name: &Path| {
        Dataset::open_ex(
            name,
            DatasetOptions {
                open_flags: GdalOpenFlags::GDAL_OF_RASTER | GdalOpenFlags::GDAL_OF_READONLY,
                allowed_drivers: Some(format.drivers()),
                open_options: (!options.is_empty()).then_some(options),
                ..Default::default()
            },
        )
    };
    if format == Format::Sentinel2 {
        return open(&finest(&open(path)?).unwrap_or_else(|| path.to_owned()));
    }
    open(path)
}

/// A TIFF of any name, opened.
pub(crate) fn open_tiff(path: &Path) -> Result<Dataset, GdalError> {
    library::quiet();
    Dataset::open_ex(
        path,
        DatasetOptions { allowed_drivers: Some(Format::Tiff.drivers()), ..Default::default() },
    )
}

/// The first and finest of the images in a Sentinel-2 product.
fn finest(product: &Dataset) -> Option<PathBuf> {
    use gdal::Metadata;
    product.metadata_item("SUBDATASET_1_NAME", "SUBDATASETS").map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_promise_formats() {
        assert_eq!(Format::of(Path::new("a.TIF")), Some(Format::Tiff));
        assert_eq!(Format::of(Path::new("a.ntf")), Some(Format::Nitf));
        assert_eq!(Format::of(Path::new("nowhere/a.png")), None);
        assert_eq!(Format::of(Path::new("a")), None);
        assert_eq!(Format::of(Path::new("x/MTD_MSIL2A.xml")), None);
        assert_eq!(Format::of(Path::new("x.SAFE/MTD_MSIL2A.xml")), Some(Format::Sentinel2));
    }

    #[test]
    fn a_world_file_makes_a_picture_an_image() {
        let dir = tempfile::tempdir().unwrap();
        for (image, world) in
            [("a.png", "a.pgw"), ("b.jpg", "b.JGW"), ("c.jpeg", "c.wld"), ("d.jpg", "d.jpg.aux.xml")]
        {
            let path = dir.path().join(image);
            assert_eq!(Format::of(&path), None);
            std::fs::write(dir.path().join(world), "").unwrap();
            assert!(Format::of(&path).is_some(), "{image}");
        }
    }
}
