//! STAC documents at addresses: catalogues and collections that are followed, items and ItemCollections, and lists of
//! addresses.

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};
use url::Url;

use super::fetch::{Line, Stop};
use super::list::{self, Entry};
use super::shown_address;
use super::store::Trouble;
use crate::catalogue::Skipped;
use crate::masks;

/// Bytes of a document, at most: as many as of one in a folder.
pub(crate) const LARGEST: u64 = 8 << 20;
/// Documents that are followed, at most.
const MOST_DOCUMENTS: usize = 50_000;
/// Images, at most.
pub(crate) const MOST_IMAGES: usize = 200_000;
/// Documents that are asked for at once.
const AT_ONCE: usize = 8;

/// What documents led to.
#[derive(Debug, Default)]
pub(crate) struct Crawl {
    pub entries: Vec<Entry>,
    pub skipped: Vec<Skipped>,
}

impl Crawl {
    /// Follows a document to its items.
    ///
    /// # Errors
    /// Cause and remedy where the first document cannot be had, or is none. Others are entries of [`Crawl::skipped`].
    pub async fn follow(line: &Line, root: &Url, stop: Stop<'_>) -> Result<Self, Trouble> {
        let mut out = Self::default();
        let first = document(line, root, stop).await?;
        if !is_stac(&first) {
            return Err(Trouble::Final(
                "it is no STAC document: neither item, ItemCollection, collection nor catalogue".to_owned(),
            ));
        }
        let (mut seen, mut waiting) = (BTreeSet::from([root.to_string()]), VecDeque::new());
        out.read(&first, root, root, &mut waiting);
        loop {
            let mut now = Vec::new();
            while let Some(url) = waiting.pop_front() {
                if seen.insert(url.to_string()) {
                    now.push(url);
                }
            }
            if now.is_empty() {
                return Ok(out);
            }
            if seen.len() > MOST_DOCUMENTS || out.entries.len() > MOST_IMAGES {
                let reason = format!(
                    "it leads to more than {MOST_DOCUMENTS} documents or {MOST_IMAGES} images; name a part of it"
                );
                return Err(Trouble::Final(reason));
            }
            let ask: Vec<_> =
                now.into_iter().map(|url| async move { (document(line, &url, stop).await, url) }).collect();
            // In the order of the links, so that the result is the same every time.
            let mut asked = stream::iter(ask).buffered(AT_ONCE);
            while let Some((got, url)) = asked.next().await {
                match got {
                    Ok(json) => out.read(&json, &url, root, &mut waiting),
                    Err(Trouble::Stopped) => return Err(Trouble::Stopped),
                    Err(trouble) => out.skip(&url, trouble.said()),
                }
            }
        }
    }

    /// The addresses in a text, one a line; what follows a # is a remark.
    pub async fn list(line: &Line, root: &Url, stop: Stop<'_>) -> Result<Self, Trouble> {
        let text = line.document(root, LARGEST, stop).await?;
        let mut out = Self::default();
        for address in String::from_utf8_lossy(&text).lines() {
            let address = address.trim();
            if address.is_empty() || address.starts_with('#') {
                continue;
            }
            match root.join(address) {
                Ok(url) => out.add(url, root, None),
                Err(e) => out.skipped.push(Skipped {
                    path: PathBuf::from(shown_address(address)),
                    reason: format!("it is no address: {e}"),
                }),
            }
        }
        Ok(out)
    }

    /// What a document says: its images, and where else it leads.
    pub fn read(&mut self, json: &Value, here: &Url, root: &Url, waiting: &mut VecDeque<Url>) {
        if let Some(features) = json.get("features").and_then(Value::as_array) {
            features.iter().for_each(|item| self.item(item, here, root));
        } else if json.get("type").and_then(Value::as_str) == Some("Feature") {
            self.item(json, here, root);
        }
        for link in json.get("links").and_then(Value::as_array).into_iter().flatten() {
            let rel = link.get("rel").and_then(Value::as_str).unwrap_or_default();
            let Some(href) = link.get("href").and_then(Value::as_str) else { continue };
            if !matches!(rel, "child" | "item" | "items") {
                continue;
            }
            match resolved(here, href) {
                Ok(url) => waiting.push_back(url),
                Err(reason) => {
                    self.skipped.push(Skipped { path: PathBuf::from(shown_address(href)), reason })
                }
            }
        }
    }

    /// The images and masks of an item.
    fn item(&mut self, item: &Value, here: &Url, root: &Url) {
        let assets: Vec<Asset> =
            item.get("assets").and_then(Value::as_object).map(Asset::all).unwrap_or_default();
        let is_visual = |a: &&Asset| a.key == "visual" || a.roles.contains(&"visual");
        let images: Vec<&Asset> = assets.iter().filter(|a| a.is_image()).collect();
        let visual: Vec<&Asset> = images.iter().copied().filter(is_visual).collect();
        let chosen = if visual.is_empty() { images } else { visual };
        if chosen.is_empty() {
            let name = item.get("id").and_then(Value::as_str).unwrap_or("without id");
            self.skip(here, format!("item {name:?} names no image"));
            return;
        }
        let kept = plain(item);
        let masks = assets.iter().filter(|a| a.is_mask());
        for (asset, item) in
            chosen.into_iter().map(|a| (a, Some(kept.clone()))).chain(masks.map(|m| (m, None)))
        {
            match resolved(here, asset.href) {
                Ok(url) => self.add(url, root, item),
                Err(reason) => {
                    self.skipped.push(Skipped { path: PathBuf::from(shown_address(asset.href)), reason })
                }
            }
        }
    }

    fn add(&mut self, url: Url, root: &Url, item: Option<Value>) {
        match list::local(&list::below(root, &url)) {
            Some(local) => self.entries.push(Entry { local, url, listed: None, item }),
            None => self.skip(&url, "its name cannot be that of a file here".to_owned()),
        }
    }

    fn skip(&mut self, url: &Url, reason: String) {
        self.skipped.push(Skipped { path: PathBuf::from(shown_address(url.as_str())), reason });
    }
}

/// An asset of an item.
struct Asset<'a> {
    key: &'a str,
    href: &'a str,
    kind: &'a str,
    roles: Vec<&'a str>,
}

impl<'a> Asset<'a> {
    fn all(assets: &'a Map<String, Value>) -> Vec<Self> {
        let of = |(key, asset): (&'a String, &'a Value)| {
            let roles = asset.get("roles").and_then(Value::as_array).into_iter().flatten();
            Some(Self {
                key,
                href: asset.get("href")?.as_str()?,
                kind: asset.get("type").and_then(Value::as_str).unwrap_or_default(),
                roles: roles.filter_map(Value::as_str).collect(),
            })
        };
        assets.iter().filter_map(of).collect()
    }

    fn name(&self) -> PathBuf {
        PathBuf::from(shown_address(self.href))
    }

    /// An image of data: no preview, no mask.
    fn is_image(&self) -> bool {
        let named = matches!(
            self.name().extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).as_deref(),
            Some("tif" | "tiff" | "jp2" | "ntf" | "nitf")
        );
        let preview = self
            .roles
            .iter()
            .any(|r| matches!(*r, "thumbnail" | "overview" | "metadata" | "data-mask" | "cloud"));
        // A name must tell the container here, as in a folder.
        named && !preview && !masks::is_mask(&self.name()) && !self.kind.starts_with("application/json")
    }

    fn is_mask(&self) -> bool {
        masks::is_mask(&self.name())
    }
}

/// An item without its links and the addresses of its assets, which lead nowhere in a mirror.
fn plain(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(fields) = item.as_object_mut() {
        fields.remove("links");
        fields.remove("assets");
        fields.remove("geometry");
    }
    item
}

/// Where an address in a document leads.
fn resolved(here: &Url, href: &str) -> Result<Url, String> {
    let url = here.join(href).map_err(|e| format!("it is no address: {e}"))?;
    if !super::is_address(std::path::Path::new(url.as_str())) {
        let reason = "it leads to no address that is read (http, https, s3, gs, az)";
        return Err(match here.scheme() {
            "file" => format!("{reason}; name the folder that holds the images"),
            _ => reason.to_owned(),
        });
    }
    Ok(url)
}

/// A document at an address or, for a local catalogue of what lies elsewhere, in a file.
async fn document(line: &Line, url: &Url, stop: Stop<'_>) -> Result<Value, Trouble> {
    let bytes = line.document(url, LARGEST, stop).await?;
    parse(&bytes)
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Trouble> {
    serde_json::from_slice(bytes).map_err(|e| Trouble::Final(format!("it is no JSON: {e}")))
}

fn is_stac(json: &Value) -> bool {
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, "Feature" | "FeatureCollection" | "Catalog" | "Collection")
        || json.get("stac_version").is_some()
}

/// A document in a file, which may name what lies elsewhere.
pub(crate) fn of_file(path: &std::path::Path) -> Result<Crawl, Trouble> {
    let unreadable = |e: std::io::Error| Trouble::Final(format!("it cannot be read: {e}"));
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(Trouble::Final(format!("it has more than {LARGEST} bytes")));
    }
    let json = parse(&std::fs::read(path).map_err(unreadable)?)?;
    let absolute = std::path::absolute(path).map_err(unreadable)?;
    let here =
        Url::from_file_path(absolute).map_err(|()| Trouble::Final("its path is no address".to_owned()))?;
    let (mut out, mut waiting) = (Crawl::default(), VecDeque::new());
    if !is_stac(&json) {
        return Err(Trouble::Final("it is no STAC document".to_owned()));
    }
    out.read(&json, &here, &here, &mut waiting);
    Ok(out)
}

/// As the fuzz targets call it: what a document at an address leads to.
pub(crate) fn probe(bytes: &[u8]) {
    let (Ok(json), Ok(here)) = (parse(bytes), Url::parse("https://host/a/catalog.json")) else { return };
    let (mut out, mut waiting) = (Crawl::default(), VecDeque::new());
    out.read(&json, &here, &here, &mut waiting);
    for entry in &out.entries {
        let inside = entry.local.components().all(|c| matches!(c, std::path::Component::Normal(_)));
        assert!(inside, "{} leads out of the mirror", entry.local.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(item: Value) -> Crawl {
        let here = Url::parse("https://h/a/items/x.json").unwrap();
        let mut out = Crawl::default();
        out.read(&item, &here, &Url::parse("https://h/a/catalog.json").unwrap(), &mut VecDeque::new());
        out
    }

    #[test]
    fn the_visual_image_and_the_masks_of_an_item() {
        let asset = |href: &str, roles: &[&str]| json!({"href": href, "roles": roles});
        let out = read(
            json!({"type": "Feature", "id": "x", "properties": {"datetime": "2024-08-12T08:41:07Z"}, "assets": {
                "visual": asset("../t/10300100F2A3B400-visual.tif", &["visual"]),
                "pan": asset("../t/10300100F2A3B400-pan.tif", &["data"]),
                "cloud-mask": asset("../t/10300100F2A3B400-cloud-mask.gpkg", &["cloud"]),
                "thumbnail": asset("../t/preview.tif", &["thumbnail"]),
            }}),
        );
        let names: Vec<&str> = out.entries.iter().map(|e| e.local.to_str().unwrap()).collect();
        assert_eq!(names, ["t/10300100F2A3B400-visual.tif", "t/10300100F2A3B400-cloud-mask.gpkg"]);
        assert_eq!(out.entries[0].item.as_ref().unwrap()["properties"]["datetime"], "2024-08-12T08:41:07Z");
        assert!(out.entries[0].item.as_ref().unwrap().get("assets").is_none());
    }

    #[test]
    fn addresses_that_lead_astray_are_named() {
        let asset = |href: &str| json!({"type": "Feature", "assets": {"a": {"href": href}}});
        for href in ["file:///etc/shadow.tif", "ftp://h/a.tif", "https://h/../../.ssh/a.tif"] {
            let out = read(asset(href));
            assert_eq!((out.entries.len(), out.skipped.len()), (0, 1), "{href}");
        }
        let out = read(asset("../../../../../../etc/a.tif"));
        assert_eq!(out.entries[0].local, PathBuf::from("h/etc/a.tif"));
        assert!(read(asset("x.pdf")).skipped[0].reason.contains("names no image"));
    }
}
