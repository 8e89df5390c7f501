//! What an address holds, and which of it is worth having.

use std::path::{Path, PathBuf};

use url::Url;

use super::state::State;

/// Bytes of a file that goes with an image, at most; more are no metadata.
const LARGEST_NOTE: u64 = 64 << 20;

/// A file at an address.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// Where it lies in the mirror.
    pub local: PathBuf,
    pub url: Url,
    /// What a list told of it.
    pub listed: Option<State>,
    /// The STAC item that names it, which is kept beside it.
    pub item: Option<serde_json::Value>,
}

/// What is needed of a file to know what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its header.
    Head,
    /// All of it.
    Whole,
    /// All of it, if it is small.
    Note,
    /// Nothing: it is none of ours.
    Nothing,
}

impl Need {
    /// By its name alone.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let ending = name.rsplit_once('.').map_or("", |(_, e)| e);
        match ending {
            "tif" | "tiff" | "gtif" | "gtiff" | "ovr" | "msk" | "jp2" | "j2k" | "j2c" | "jpx" => Self::Head,
            "ntf" | "nitf" | "nsf" | "mbtiles" | "gpkg" | "img" => Self::Whole,
            "json" | "geojson" | "imd" | "til" | "xml" | "vrt" | "prj" | "gml" | "wld" | "tfw" | "tifw"
            | "tiffw" | "pgw" | "pngw" | "jgw" | "jpgw" | "jpegw" | "jpw" | "j2w" | "jp2w" | "shp"
            | "shx" | "dbf" | "fgb" => Self::Note,
            "png" | "jpg" | "jpeg" => Self::Nothing,
            _ => Self::Nothing,
        }
    }

    /// True for a file of which all is to be had, `bytes` long.
    pub fn allows(self, bytes: u64) -> bool {
        self != Self::Note || bytes <= LARGEST_NOTE
    }
}

/// True for a picture, which is an image where a world file lies beside it.
pub(crate) fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|e| ["png", "jpg", "jpeg"].iter().any(|p| e.eq_ignore_ascii_case(p)))
}

/// The names of what says where a picture lies.
pub(crate) fn placed_by(path: &Path) -> Vec<PathBuf> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let short: String = ending.chars().take(1).chain(ending.chars().last()).collect();
    let mut out = vec![crate::format::beside(path, "aux.xml")];
    out.extend(
        [format!("{short}w"), format!("{ending}w"), "wld".to_owned()].iter().map(|e| path.with_extension(e)),
    );
    out
}

/// Where a file of that path below an address lies in its mirror; `None` for what cannot be the name of a file, and for hidden
/// files.
pub(crate) fn local(path: &str) -> Option<PathBuf> {
    const LONGEST: usize = 200;
    let mut out = PathBuf::new();
    for part in path.split('/').filter(|p| !p.is_empty()) {
        if part.starts_with('.') || part.len() > LONGEST || part.chars().any(char::is_control) {
            return None;
        }
        out.push(part.replace(['\\', ':', '*', '?', '"', '<', '>', '|'], "_"));
    }
    (!out.as_os_str().is_empty() && out.as_os_str().len() <= 1000).then_some(out)
}

/// The last parts of two addresses on one host: the path of `url` below the folder of `base`.
pub(crate) fn below(base: &Url, url: &Url) -> String {
    let decoded = |u: &Url| {
        u.path_segments()
            .into_iter()
            .flatten()
            .map(crate::notes::percent_decoded)
            // A name that holds a slash once it is decoded is no folder.
            .map(|s| s.replace('/', "_"))
            .collect::<Vec<_>>()
    };
    let (mut folder, path) = (decoded(base), decoded(url));
    folder.pop();
    let same =
        base.scheme() == url.scheme() && base.host_str() == url.host_str() && base.port() == url.port();
    if same && path.starts_with(&folder) {
        return path[folder.len()..].join("/");
    }
    let host = url.host_str().unwrap_or("host");
    format!("{host}/{}", path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_mirror() {
        assert_eq!(local("a/b c.tif"), Some(PathBuf::from("a/b c.tif")));
        assert_eq!(local("a//b:1.tif"), Some(PathBuf::from("a/b_1.tif")));
        for bad in ["../a.tif", "a/../../b.tif", ".hidden/a.tif", "", "a/\0.tif", &"x".repeat(300)] {
            assert_eq!(local(bad), None, "{bad}");
        }
    }

    #[test]
    fn places_below_an_address() {
        let url = |t: &str| Url::parse(t).unwrap();
        let base = url("https://h/a/catalog.json");
        assert_eq!(below(&base, &url("https://h/a/b/c%20d.tif?x=1")), "b/c d.tif");
        assert_eq!(below(&base, &url("https://h/z.tif")), "h/z.tif");
        assert_eq!(below(&base, &url("s3://bucket/z.tif")), "bucket/z.tif");
        assert_eq!(local(&below(&base, &url("https://h/a/..%2f..%2fetc/x.tif"))), None);
    }

    #[test]
    fn what_is_needed() {
        assert_eq!(Need::of(Path::new("a.TIF")), Need::Head);
        assert_eq!(Need::of(Path::new("a.tif.aux.xml")), Need::Note);
        assert_eq!(Need::of(Path::new("a-cloud-mask.gpkg")), Need::Whole);
        assert_eq!(Need::of(Path::new("readme.pdf")), Need::Nothing);
        assert!(placed_by(Path::new("a.jpg")).contains(&PathBuf::from("a.jgw")));
    }
}
