//! A local folder that stands for an address.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use domain::Capture;
use futures_util::{StreamExt, stream};
use object_store::path::Path as ObjectPath;
use tokio::sync::Mutex;
use url::Url;

use super::crawl::{self, Crawl, MOST_IMAGES};
use super::fetch::{Line, Stop, Tally, told};
use super::list::{self, Entry, Need};
use super::search::search;
use super::state::{State, hidden};
use super::store::Trouble;
use super::{Fetched, RemoteOptions, is_address, shown_address};
use crate::catalogue::Skipped;
use crate::error::{Error, Result};
use crate::format::{self, Format};
use crate::vrt;

/// Headers that are asked for at once.
const HEADS_AT_ONCE: usize = 12;
/// Files of a pair that are fetched at once; requests are bounded beside.
const FILES_AT_ONCE: usize = 4;

/// A local folder that stands for an address: see the [module](super).
#[derive(Debug)]
pub struct Mirror {
    folder: PathBuf,
    objects: BTreeMap<PathBuf, Object>,
    line: Line,
    skipped: Vec<Skipped>,
    /// Bytes that images may take here, and of them those of other mirrors.
    limit: u64,
    others: u64,
    /// True where all of it goes with this.
    temporary: bool,
    /// Held as long as this lives.
    _lock: File,
}

/// A file at an address.
#[derive(Debug)]
struct Object {
    url: Url,
    shown: String,
    need: Need,
    listed: Option<State>,
    /// True once this process knows that all of it is here, in its present state.
    here: Mutex<bool>,
    /// Pairs that are worked on and need it.
    pins: AtomicUsize,
}

impl Mirror {
    /// Lists what lies at an address and brings metadata whole and of images their headers. What was brought before is used
    /// again where it did not change.
    ///
    /// `address` is a folder of an object store (`s3://bucket/order/`, `gs://…`, `az://…`), of a WebDAV server, a STAC
    /// item, ItemCollection, collection or catalogue (`https://…/catalog.json`), an image, a text file of addresses
    /// (`.txt`), or a local STAC document whose images lie at addresses. With [`RemoteOptions::search`] it is a STAC API.
    /// Credentials come from the environment, as docs/remote.md lists them.
    ///
    /// # Errors
    /// [`Error::Remote`] where the address cannot be read, with cause and remedy; what is wrong with single files is an entry
    /// of [`Mirror::skipped`].
    pub async fn open(address: &str, options: &RemoteOptions) -> Result<Self> {
        let shown = shown_address(address);
        let failed = |reason: String| Error::Remote { address: shown.clone(), reason };
        let mut hasher = DefaultHasher::new();
        let asked =
            options.search.as_ref().map(|s| format!("{:?} {:?} {:?}", s.bbox, s.datetime, s.collections));
        (&shown, asked).hash(&mut hasher);
        let key = format!("{:016x}", hasher.finish());
        let temporary = options.cache.is_none();
        let all = match &options.cache {
            Some(cache) => cache.join("remote"),
            None => std::env::temp_dir().join(format!("fosse-{}", std::process::id())),
        };
        let top = all.join(key);
        let unkept = |e: std::io::Error| {
            failed(format!(
                "nothing can be kept in {}: {e}; name another folder by FOSSE_CACHE",
                top.display()
            ))
        };
        let folder = top.join("files");
        fs::create_dir_all(&folder).map_err(unkept)?;
        let lock = lock(&top).map_err(unkept)?.ok_or_else(|| {
            failed(format!("another fosse reads it; wait for it, or give this one a cache folder of its own by FOSSE_CACHE ({})", top.display()))
        })?;
        let stop = || false;
        let line = Line::new(options.patience);
        let found = find(&line, address, options, &stop).await.map_err(|t| {
            if temporary {
                remove(&folder);
            }
            failed(t.said())
        })?;
        let mut mirror = Self {
            folder,
            objects: BTreeMap::new(),
            line,
            skipped: found.skipped,
            limit: options.cache_bytes,
            others: if temporary { 0 } else { trim_others(&all, &top, options.cache_bytes) },
            temporary,
            _lock: lock,
        };
        mirror.take(found.entries);
        mirror.clear();
        mirror.bring(&stop).await;
        mirror.trim();
        Ok(mirror)
    }

    /// The folder that stands for the address.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What could not be brought, by its address.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The address of a file of the mirror, as it may be shown; any other path as it is.
    pub fn shown(&self, path: &Path) -> PathBuf {
        match self.objects.get(path) {
            Some(object) => PathBuf::from(&object.shown),
            None => path.to_owned(),
        }
    }

    /// A text with addresses in the place of files of the mirror.
    pub fn in_addresses(&self, text: &str) -> String {
        let folder = self.folder.to_string_lossy();
        if !text.contains(folder.as_ref()) {
            return text.to_owned();
        }
        // From behind: a longer path goes before the one that it begins with.
        self.objects.iter().rev().fold(text.to_owned(), |text, (path, object)| {
            let path = path.to_string_lossy();
            if text.contains(path.as_ref()) { text.replace(path.as_ref(), &object.shown) } else { text }
        })
    }

    /// Brings all of the files of some captures, and keeps them until [`Mirror::release`].
    ///
    /// # Errors
    /// [`Error::Remote`] for the first file that cannot be had, with cause and remedy; pieces that came are kept. Where
    /// `stop` says so, the same.
    pub async fn fetch(&self, captures: &[&Capture], stop: &(dyn Fn() -> bool + Sync)) -> Result<Fetched> {
        let (paths, tally) = (self.files(captures), Tally::default());
        for path in &paths {
            if let Some(object) = self.objects.get(path) {
                object.pins.fetch_add(1, Ordering::Relaxed);
            }
        }
        let one = |(path, object)| {
            let (path, object): (&PathBuf, &Object) = (path, object);
            let tally = &tally;
            async move {
                let mut here = object.here.lock().await;
                if *here {
                    return Ok(false);
                }
                let failed = |t: Trouble| Error::Remote { address: object.shown.clone(), reason: t.said() };
                let brought = self.whole(object, path, tally, stop).await.map_err(failed)?;
                *here = true;
                Ok(brought)
            }
        };
        let asked: Vec<_> = paths.iter().filter_map(|p| self.objects.get_key_value(p)).map(one).collect();
        let mut asked = stream::iter(asked).buffered(FILES_AT_ONCE);
        let mut out = Fetched::default();
        let mut error = None;
        while let Some(got) = asked.next().await {
            match got {
                Ok(true) => out.files += 1,
                Ok(false) => out.kept += 1,
                Err(e) => {
                    error = Some(e);
                    break;
                }
            }
        }
        drop(asked);
        if let Some(error) = error {
            self.release(captures);
            return Err(error);
        }
        (out.bytes, out.retries) =
            (tally.bytes.load(Ordering::Relaxed), tally.retries.load(Ordering::Relaxed));
        Ok(out)
    }

    /// Lets the files of some captures go: they may make room for others.
    pub fn release(&self, captures: &[&Capture]) {
        for path in self.files(captures) {
            if let Some(object) = self.objects.get(&path) {
                let _ = object.pins.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            }
        }
        self.trim();
    }

    /// Notes the files of a list by their place.
    fn take(&mut self, entries: Vec<Entry>) {
        let names: BTreeSet<PathBuf> = entries.iter().map(|e| e.local.clone()).collect();
        for entry in entries {
            let mut need = Need::of(&entry.local);
            if list::is_picture(&entry.local)
                && list::placed_by(&entry.local).iter().any(|p| names.contains(p))
            {
                need = Need::Whole;
            }
            let shown = shown_address(entry.url.as_str());
            if need == Need::Nothing || entry.listed.as_ref().is_some_and(|l| !need.allows(l.bytes)) {
                continue;
            }
            let path = self.folder.join(&entry.local);
            if let Some(before) = self.objects.get(&path) {
                if before.shown != shown {
                    let reason = format!("{} has its name here as well; read them apart", before.shown);
                    self.skipped.push(Skipped { path: PathBuf::from(shown), reason });
                }
                continue;
            }
            if let Some(item) = &entry.item {
                let note = format::beside(&path, "json");
                let write = || {
                    fs::create_dir_all(note.parent().unwrap_or(&self.folder))?;
                    let new = serde_json::to_vec(item)?;
                    // Unchanged, it is not read again.
                    if fs::read(&note).is_ok_and(|old| old == new) { Ok(()) } else { fs::write(&note, new) }
                };
                if let Err(e) = write() {
                    self.skipped.push(Skipped {
                        path: PathBuf::from(&shown),
                        reason: format!("its item cannot be kept: {e}"),
                    });
                }
            }
            let object = Object {
                url: entry.url,
                shown: shown.clone(),
                need,
                listed: entry.listed,
                here: Mutex::new(false),
                pins: AtomicUsize::new(0),
            };
            self.objects.insert(path, object);
        }
    }

    /// Removes what is no longer at the address.
    fn clear(&self) {
        each_file(&self.folder, &mut |path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let owner = match name.strip_prefix('.') {
                Some(rest) => {
                    let of = |ending: &str| rest.strip_suffix(ending).map(|n| path.with_file_name(n));
                    of(".part.fosse").or_else(|| of(".fosse")).or_else(|| of(".part")).unwrap_or_default()
                }
                None => path.to_owned(),
            };
            let of_item = |p: &Path| {
                p.extension().is_some_and(|e| e == "json") && self.objects.contains_key(&p.with_extension(""))
            };
            if !self.objects.contains_key(&owner) && !of_item(&owner) {
                // What cannot be removed is listed, and read, as it is.
                let _ = fs::remove_file(path);
            }
        });
    }

    /// Brings what tells what the files are.
    async fn bring(&mut self, stop: Stop<'_>) {
        let tally = Tally::default();
        let this = &*self;
        let one = |(path, object)| {
            let (path, object): (&PathBuf, &Object) = (path, object);
            let tally = &tally;
            async move {
                let got = match object.need {
                    Need::Head => this.head(object, path, tally, stop).await.map(|_| ()),
                    _ => match this.whole(object, path, tally, stop).await {
                        Ok(_) => {
                            *object.here.lock().await = true;
                            Ok(())
                        }
                        Err(trouble) => Err(trouble),
                    },
                };
                got.err().map(|trouble| (path.clone(), trouble.said()))
            }
        };
        let asked: Vec<_> = this.objects.iter().map(one).collect();
        let failed: Vec<Option<(PathBuf, String)>> =
            stream::iter(asked).buffer_unordered(HEADS_AT_ONCE).collect().await;
        for (path, reason) in failed.into_iter().flatten() {
            // What is no longer sure is not used; the pieces of it stay.
            let _ = fs::remove_file(&path);
            if let Some(object) = self.objects.get(&path) {
                self.skipped.push(Skipped { path: PathBuf::from(&object.shown), reason });
            }
        }
        self.skipped.sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
    }

    /// What is here of a file, if it is the present state of it as far as a list tells.
    fn kept(&self, object: &Object, path: &Path) -> Option<State> {
        let state = State::read(&hidden(path, "fosse"))?;
        let length = fs::metadata(path).ok()?.len();
        let same = object.listed.as_ref().is_none_or(|l| l.is_of(&state));
        (length == state.bytes && state.from == object.shown && same).then_some(state)
    }

    /// At least the header of a file.
    async fn head(
        &self,
        object: &Object,
        path: &Path,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<State, Trouble> {
        let kept = self.kept(object, path);
        match kept {
            // A list tells that it is the same.
            Some(state) if object.listed.is_some() => Ok(state),
            kept => self.line.head(&object.url, &object.shown, kept.as_ref(), path, tally, stop).await,
        }
    }

    /// All of a file; false where it was here.
    async fn whole(
        &self,
        object: &Object,
        path: &Path,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<bool, Trouble> {
        let listed = object.listed.clone().filter(|_| object.need != Need::Head);
        for last in [false, true] {
            let known = match (&listed, self.kept(object, path)) {
                (_, Some(kept)) if kept.whole && object.listed.is_some() => kept,
                (Some(listed), _) if listed.bytes > 0 => listed.clone(),
                _ => self.head(object, path, tally, stop).await?,
            };
            if known.whole {
                // The last to have been used is the last to go.
                let _ = known.write(&hidden(path, "fosse"));
                return Ok(false);
            }
            match self.line.whole(&object.url, &known, path, tally, stop).await {
                Err(Trouble::Changed) if !last => {
                    let _ = fs::remove_file(hidden(path, "fosse"));
                }
                other => return other.map(|_| true),
            }
        }
        Err(Trouble::Changed)
    }

    /// The files that opening some captures takes: images, tiles, masks, the images of VRTs, and what lies beside them under
    /// their names.
    fn files(&self, captures: &[&Capture]) -> BTreeSet<PathBuf> {
        let mut out = BTreeSet::new();
        for capture in captures {
            for image in capture.files() {
                out.insert(image.clone());
                if Format::of(image) == Some(Format::Vrt) {
                    out.extend(vrt::sources(image).unwrap_or_default());
                }
                if Format::of(image) == Some(Format::Sentinel2)
                    && let Some(product) = image.parent()
                {
                    out.extend(self.objects.keys().filter(|p| p.starts_with(product)).cloned());
                }
            }
        }
        // Overviews and masks in files of their own; whatever else lies beside an image is here whole.
        let beside: Vec<PathBuf> = out
            .iter()
            .flat_map(|p| ["ovr", "msk"].map(|e| [format::beside(p, e), p.with_extension(e)]))
            .flatten()
            .collect();
        out.extend(beside);
        out.retain(|p| self.objects.contains_key(p));
        out
    }

    /// Removes the images that were used longest ago, until the rest are small enough or needed.
    fn trim(&self) {
        let mut kept: Vec<(SystemTime, u64, &Path)> = Vec::new();
        let mut total = self.others;
        for (path, object) in self.objects.iter().filter(|(_, o)| o.need == Need::Head) {
            let bytes = allocated(path);
            total += bytes;
            let used = fs::metadata(hidden(path, "fosse")).and_then(|m| m.modified());
            if object.pins.load(Ordering::Relaxed) == 0
                && let Ok(used) = used
            {
                kept.push((used, bytes, path));
            }
        }
        if total <= self.limit {
            return;
        }
        kept.sort();
        for (_, bytes, path) in kept {
            if total <= self.limit {
                break;
            }
            // Headers are small, and their loss would be missed by the next pair that is opened.
            if State::read(&hidden(path, "fosse")).is_none_or(|s| !s.whole) {
                continue;
            }
            let Some(object) = self.objects.get(path) else { continue };
            // Somebody fetches it now.
            let Ok(mut here) = object.here.try_lock() else { continue };
            if object.pins.load(Ordering::Relaxed) == 0 {
                *here = false;
                let _ = fs::remove_file(hidden(path, "fosse"));
                if fs::remove_file(path).is_ok() {
                    total = total.saturating_sub(bytes);
                }
            }
        }
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        if self.temporary {
            remove(&self.folder);
        }
    }
}

/// Removes a mirror that was only for the time being.
fn remove(folder: &Path) {
    if let Some(top) = folder.parent() {
        let _ = fs::remove_dir_all(top);
        // Where no other is in it.
        let _ = top.parent().map(fs::remove_dir);
    }
}

/// What lies at an address.
async fn find(line: &Line, address: &str, options: &RemoteOptions, stop: Stop<'_>) -> Result<Crawl, Trouble> {
    if let Some(asked) = &options.search {
        return search(asked, options.patience, stop).await.map(|(_, crawl)| crawl);
    }
    let path = Path::new(address);
    if !is_address(path) {
        return crawl::of_file(path);
    }
    let url = Url::parse(address).map_err(|e| Trouble::Final(format!("it is no address: {e}")))?;
    let name = url.path().rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, e)| e);
    match ending {
        "json" | "geojson" => return Crawl::follow(line, &url, stop).await,
        "txt" => return Crawl::list(line, &url, stop).await,
        _ if Need::of(Path::new(&name)) == Need::Head => {
            let local = list::local(&crate::notes::percent_decoded(
                url.path_segments().and_then(|mut s| s.next_back()).unwrap_or_default(),
            ));
            let local =
                local.ok_or_else(|| Trouble::Final("its name cannot be that of a file here".to_owned()))?;
            return Ok(Crawl {
                entries: vec![Entry { local, url, listed: None, item: None }],
                skipped: Vec::new(),
            });
        }
        _ => {}
    }
    let listed = line.list(&url, MOST_IMAGES, stop).await.map_err(|trouble| match (url.scheme(), trouble) {
        ("http" | "https", Trouble::Final(said) | Trouble::Passing(said)) => Trouble::Final(format!(
            "the server does not list it ({said}); name a STAC document (…/catalog.json), an image, or a text file of addresses (….txt)"
        )),
        (_, other) => other,
    })?;
    if listed.is_empty() {
        let more =
            if matches!(url.scheme(), "http" | "https") { "the server does not list it, or " } else { "" };
        return Err(Trouble::Final(format!("{more}nothing is there; check the address")));
    }
    let base = ObjectPath::from_url_path(url.path()).unwrap_or_default();
    let mut out = Crawl::default();
    for meta in listed {
        let relative = meta
            .location
            .prefix_match(&base)
            .map(|parts| parts.map(|p| p.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
        let mut url = url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(meta.location.parts().map(|p| p.as_ref().to_owned()));
        }
        let relative = crate::notes::percent_decoded(
            &relative
                .filter(|r| !r.is_empty())
                .unwrap_or_else(|| meta.location.filename().unwrap_or_default().to_owned()),
        );
        // Hidden files are none of ours.
        let Some(local) = list::local(&relative) else { continue };
        let listed = State { from: shown_address(url.as_str()), ..told(&meta) };
        out.entries.push(Entry { local, url, listed: Some(listed), item: None });
    }
    out.entries.sort_by(|a, b| a.local.cmp(&b.local));
    Ok(out)
}

/// Takes a mirror for this process; `None` where another has it.
fn lock(top: &Path) -> std::io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(top.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(e)) => Err(e),
    }
}

/// Bytes that other mirrors take, after the images in them that were used longest ago made room.
fn trim_others(all: &Path, own: &Path, limit: u64) -> u64 {
    let mut files: Vec<(SystemTime, u64, PathBuf, PathBuf)> = Vec::new();
    for top in
        fs::read_dir(all).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| p != own && p.is_dir())
    {
        each_file(&top, &mut |path| {
            let used = fs::metadata(hidden(path, "fosse"))
                .and_then(|m| m.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((used, allocated(path), path.to_owned(), top.clone()));
        });
    }
    let mut total = files.iter().map(|f| f.1).sum::<u64>();
    if total <= limit {
        return total;
    }
    files.sort();
    for (_, bytes, path, top) in files {
        if total <= limit {
            break;
        }
        let hide = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        let parts = path.extension().is_some_and(|e| e == "part");
        let whole = State::read(&hidden(&path, "fosse")).is_some_and(|s| s.whole);
        // One that another process works on is not touched.
        if !(parts || (!hide && whole)) || !lock(&top).is_ok_and(|l| l.is_some()) {
            continue;
        }
        let _ = fs::remove_file(hidden(&path, "fosse"));
        if fs::remove_file(&path).is_ok() {
            total = total.saturating_sub(bytes);
        }
    }
    total
}

/// Calls `each` for every file below a folder; links are not followed.
fn each_file(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => each_file(&entry.path(), each),
            Ok(kind) if kind.is_file() => each(&entry.path()),
            _ => {}
        }
    }
}

/// Bytes that a file takes on the disk, holes left out.
fn allocated(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        found.blocks() * 512
    }
    #[cfg(not(unix))]
    found.len()
}
