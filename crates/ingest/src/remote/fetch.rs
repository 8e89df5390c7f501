//! Bytes from an address into a file: in pieces, several at once, each tried again where it fails, gone on with where it was
//! cut.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use super::Patience;
use super::state::{State, hidden};
use super::store::{Stores, Trouble, trouble};
use super::tiff;

/// Requests at once: enough to fill a line of some hundred Mbit/s over an ocean, few enough for any server.
const AT_ONCE: usize = 12;
/// Of them for one file.
const PER_FILE: usize = 4;
/// A piece of a file, which is what an interruption may cost.
const PIECE: u64 = 4 << 20;
/// What is asked of an image for its header at first: a cloud-optimised tile of 17,408 px has 60 KB.
const HEAD: u64 = 96 << 10;
/// What is asked of a JPEG 2000 at its end, where its mark is.
const TAIL: u64 = 64;
/// Rounds of asking for what the directories of a TIFF point to.
const ROUNDS: usize = 16;
/// Requests in a row that fail for good before nothing more is asked of anybody.
const FAILURES: u32 = 24;

/// Says whether somebody asked to stop.
pub(crate) type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// What came over the network.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub bytes: AtomicU64,
    pub retries: AtomicU64,
}

/// What asks.
#[derive(Debug)]
pub(crate) struct Line {
    pub stores: Stores,
    pub patience: Patience,
    permits: Semaphore,
    failures: AtomicU32,
}

/// Takes bytes at a place; fails where they cannot be kept.
type Sink<'a> = &'a mut (dyn FnMut(u64, &[u8]) -> std::io::Result<()> + Send);

/// What is asked for.
#[derive(Clone, Debug, Default)]
struct Ask {
    /// `None` for all of it, from a server that knows no ranges or of an object of unknown length.
    range: Option<Range<u64>>,
    /// The object must still be this.
    is: Option<State>,
    /// It must no longer be this.
    is_not: Option<String>,
}

impl Line {
    pub fn new(patience: Patience) -> Self {
        Self {
            stores: Stores::default(),
            patience,
            permits: Semaphore::new(AT_ONCE),
            failures: AtomicU32::new(0),
        }
    }

    /// A document, whole.
    ///
    /// # Errors
    /// Cause and remedy, also for one of more than `limit` bytes.
    pub async fn document(&self, url: &Url, limit: u64, stop: Stop<'_>) -> Result<Vec<u8>, Trouble> {
        let mut out = Vec::new();
        let mut keep = |at: u64, bytes: &[u8]| {
            out.truncate(at as usize);
            if out.len() + bytes.len() > limit as usize {
                return Err(std::io::Error::other(format!("it has more than {limit} bytes")));
            }
            out.extend_from_slice(bytes);
            Ok(())
        };
        self.ask(url, Ask::default(), &mut keep, &Tally::default(), stop).await?;
        Ok(out)
    }

    /// The header of an image, in a file of its full length with holes; what has no header apart comes whole. `before` is
    /// what is there already.
    ///
    /// # Errors
    /// Cause and remedy.
    pub async fn head(
        &self,
        url: &Url,
        from: &str,
        before: Option<&State>,
        target: &Path,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<State, Trouble> {
        let mut first = Vec::new();
        let mut keep = |at: u64, bytes: &[u8]| {
            first.truncate(at as usize);
            first.extend_from_slice(bytes);
            Ok(())
        };
        let is_not = before.and_then(|b| b.etag.clone());
        let ask = Ask { range: Some(0..HEAD), is_not, ..Ask::default() };
        let told = match self.ask(url, ask, &mut keep, tally, stop).await {
            Ok(told) => told,
            Err(Trouble::Same) => return before.cloned().ok_or(Trouble::Same),
            Err(Trouble::NoRanges) => return self.all_at_once(url, from, target, tally, stop).await,
            Err(other) => return Err(other),
        };
        let mut state = State { from: from.to_owned(), whole: told.bytes <= first.len() as u64, ..told };
        if let Some(before) = before.filter(|b| b.is_of(&state)) {
            return Ok(before.clone());
        }
        let new = hidden(target, "new");
        let mut file = create(&new, state.bytes)?;
        put(&mut file, 0, &first)?;
        let mut have: Vec<Range<u64>> = std::iter::once(0..first.len() as u64).collect();
        let ending = target.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if ending.starts_with('j') && state.bytes > TAIL {
            self.put_range(url, &state, state.bytes - TAIL..state.bytes, &mut file, tally, stop).await?;
        }
        for _ in 0..ROUNDS {
            let lacking = tiff::lacking(&mut Held { file: &mut file, have: &have }, state.bytes);
            if state.whole || lacking.is_empty() {
                break;
            }
            for range in lacking {
                self.put_range(url, &state, range.clone(), &mut file, tally, stop).await?;
                have.push(range);
            }
        }
        if let Some(time) = state.time() {
            let _ = file.set_modified(time);
        }
        drop(file);
        if state.whole {
            fs::rename(&new, target).map_err(|e| unkept(&e))?;
        } else {
            // First: a header is never taken for the whole.
            state.write(&hidden(target, "fosse")).map_err(|e| unkept(&e))?;
            fs::rename(&new, target).map_err(|e| unkept(&e))?;
        }
        state.pieces.clear();
        state.write(&hidden(target, "fosse")).map_err(|e| unkept(&e))?;
        Ok(state)
    }

    /// All of an object that is known to be `is`, in pieces, from where an earlier try was cut.
    ///
    /// # Errors
    /// Cause and remedy. The pieces that came are kept for the next try, unless the object changed.
    pub async fn whole(
        &self,
        url: &Url,
        is: &State,
        target: &Path,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<State, Trouble> {
        let (part, notes) = (hidden(target, "part"), hidden(target, "part.fosse"));
        let count = is.bytes.div_ceil(PIECE) as usize;
        let before = State::read(&notes).filter(|s| s.is_of(is) && s.pieces.len() == count);
        let there = fs::metadata(&part).is_ok_and(|m| m.len() == is.bytes);
        let begun = match before.filter(|_| there) {
            Some(before) => before,
            None => {
                create(&part, is.bytes)?;
                State { pieces: vec![false; count], whole: false, ..is.clone() }
            }
        };
        let missing: Vec<u64> = (0..count).filter(|&i| !begun.pieces[i]).map(|i| i as u64).collect();
        let begun = Mutex::new(begun);
        let piece = |i: u64| {
            let (part, notes, begun) = (&part, &notes, &begun);
            async move {
                let range = i * PIECE..((i + 1) * PIECE).min(is.bytes);
                let mut file = OpenOptions::new().write(true).open(part).map_err(|e| unkept(&e))?;
                self.put_range(url, is, range, &mut file, tally, stop).await?;
                // Before it is said to be there, it must be.
                file.sync_data().map_err(|e| unkept(&e))?;
                let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
                begun.pieces[i as usize] = true;
                begun.write(notes).map_err(|e| unkept(&e))
            }
        };
        let pieces: Vec<_> = missing.into_iter().map(piece).collect();
        match stream::iter(pieces).buffer_unordered(PER_FILE).try_collect::<()>().await {
            Ok(()) => {}
            Err(Trouble::NoRanges) => return self.all_at_once(url, &is.from, target, tally, stop).await,
            Err(Trouble::Changed) => {
                let _ = fs::remove_file(&notes);
                let _ = fs::remove_file(&part);
                return Err(Trouble::Changed);
            }
            Err(other) => return Err(other),
        }
        let state = State { whole: true, pieces: Vec::new(), ..is.clone() };
        finish(&part, target, &state)?;
        let _ = fs::remove_file(&notes);
        Ok(state)
    }

    /// The same from a server that knows no ranges, which cannot be gone on with.
    async fn all_at_once(
        &self,
        url: &Url,
        from: &str,
        target: &Path,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<State, Trouble> {
        let part = hidden(target, "part");
        let mut file = create(&part, 0)?;
        let mut keep = |at: u64, bytes: &[u8]| {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(bytes)
        };
        let told = self.ask(url, Ask::default(), &mut keep, tally, stop).await?;
        let length = file.metadata().map_err(|e| unkept(&e))?.len();
        if length != told.bytes {
            return Err(Trouble::Final(format!("{length} bytes came of {}; upload it anew", told.bytes)));
        }
        let state = State { from: from.to_owned(), whole: true, ..told };
        finish(&part, target, &state)?;
        Ok(state)
    }

    /// A range of an object into its place in a file.
    async fn put_range(
        &self,
        url: &Url,
        is: &State,
        range: Range<u64>,
        file: &mut File,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<(), Trouble> {
        let mut keep = |at: u64, bytes: &[u8]| {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(bytes)
        };
        let ask = Ask { range: Some(range), is: Some(is.clone()), ..Ask::default() };
        self.ask(url, ask, &mut keep, tally, stop).await.map(|_| ())
    }

    /// Asks until all has come, or [`Patience::tries`] in a row brought nothing.
    async fn ask(
        &self,
        url: &Url,
        ask: Ask,
        sink: Sink<'_>,
        tally: &Tally,
        stop: Stop<'_>,
    ) -> Result<State, Trouble> {
        let start = ask.range.as_ref().map_or(0, |r| r.start);
        let (mut at, mut tries) = (start, 0);
        loop {
            if stop() {
                return Err(Trouble::Stopped);
            }
            if self.failures.load(Ordering::Relaxed) >= FAILURES {
                return Err(Trouble::Final(
                    "it was not asked for, because too many others failed; run again to go on".to_owned(),
                ));
            }
            let before = at;
            let said = match self.once(url, &ask, &mut at, &mut *sink, stop).await {
                Err(Trouble::Passing(said)) => said,
                Ok(told) => {
                    self.failures.store(0, Ordering::Relaxed);
                    tally.bytes.fetch_add(at - before, Ordering::Relaxed);
                    return Ok(told);
                }
                Err(other) => return Err(other),
            };
            tally.bytes.fetch_add(at - before, Ordering::Relaxed);
            tries = if at - before >= self.patience.least_bytes { 0 } else { tries + 1 };
            if ask.range.is_none() {
                at = 0;
            }
            if tries >= self.patience.tries {
                self.failures.fetch_add(1, Ordering::Relaxed);
                return Err(Trouble::Final(format!(
                    "{said}, {tries} times in a row; run again to go on where it stopped"
                )));
            }
            tally.retries.fetch_add(1, Ordering::Relaxed);
            self.pause(tries, stop).await;
        }
    }

    async fn pause(&self, tries: u32, stop: Stop<'_>) {
        let pause = self
            .patience
            .first_pause
            .saturating_mul(1 << tries.saturating_sub(1).min(16))
            .min(self.patience.longest_pause);
        let end = Instant::now() + pause;
        while Instant::now() < end && !stop() {
            sleep(Duration::from_millis(100).min(pause)).await;
        }
    }

    /// One try. `at` is where it begins, and afterwards how far it came.
    async fn once(
        &self,
        url: &Url,
        ask: &Ask,
        at: &mut u64,
        sink: Sink<'_>,
        stop: Stop<'_>,
    ) -> Result<State, Trouble> {
        let (store, path) = self.stores.of(url).map_err(Trouble::Final)?;
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await.ok();
        let silent = || {
            Trouble::Passing(format!(
                "less than {} KiB came in {} s",
                self.patience.least_bytes >> 10,
                self.patience.idle.as_secs()
            ))
        };
        // A weak tag never matches, by the rules of HTTP.
        let quoted = |e: String| (!e.starts_with("W/")).then(|| format!("\"{e}\""));
        let options = GetOptions {
            range: ask.range.as_ref().map(|r| GetRange::Bounded(*at..r.end)),
            if_match: ask.is.as_ref().and_then(|s| quoted(s.etag.clone()?)),
            if_none_match: ask.is_not.clone().and_then(quoted),
            ..GetOptions::default()
        };
        let mut due = Instant::now() + self.patience.idle;
        let answer = timeout_at(due, store.get_opts(&path, options)).await.map_err(|_| silent())?;
        let answer = answer.map_err(|e| trouble(&e, url.scheme()))?;
        let told = told(&answer.meta);
        if let Some(is) = &ask.is {
            let tags = is.etag.as_ref().zip(told.etag.as_ref());
            if told.bytes != is.bytes || tags.is_some_and(|(a, b)| a != b) {
                return Err(Trouble::Changed);
            }
        }
        let end = answer.range.end;
        let (mut body, mut since) = (answer.into_stream(), 0);
        while let Some(next) = timeout_at(due, body.next()).await.map_err(|_| silent())? {
            let bytes = next.map_err(|e| match trouble(&e, url.scheme()) {
                // Whatever ended a body that had begun, the next try may get further.
                Trouble::Final(said) => Trouble::Passing(said),
                other => other,
            })?;
            if *at + bytes.len() as u64 > end {
                return Err(Trouble::Passing("more bytes came than the server had said".to_owned()));
            }
            sink(*at, &bytes).map_err(|e| unkept(&e))?;
            *at += bytes.len() as u64;
            since += bytes.len() as u64;
            if since >= self.patience.least_bytes {
                (since, due) = (0, Instant::now() + self.patience.idle);
            }
            if stop() {
                return Err(Trouble::Stopped);
            }
        }
        if *at < end {
            return Err(Trouble::Passing(format!(
                "the connection was cut {} bytes before the end",
                end - *at
            )));
        }
        Ok(told)
    }

    /// What a store holds below a place, at most `most` objects.
    ///
    /// # Errors
    /// Cause and remedy.
    pub async fn list(&self, url: &Url, most: usize, stop: Stop<'_>) -> Result<Vec<ObjectMeta>, Trouble> {
        let (store, path) = self.stores.of(url).map_err(Trouble::Final)?;
        let prefix = (!path.as_ref().is_empty()).then_some(&path);
        let mut tries = 0;
        loop {
            let (mut listed, mut out, mut failed) = (store.list(prefix), Vec::new(), None);
            loop {
                match timeout(self.patience.idle, listed.next()).await {
                    Ok(Some(Ok(meta))) => out.push(meta),
                    Ok(Some(Err(e))) => break failed = Some(trouble(&e, url.scheme())),
                    Ok(None) => break,
                    Err(_) => break failed = Some(Trouble::Passing("no answer came".to_owned())),
                }
                if stop() {
                    return Err(Trouble::Stopped);
                }
                if out.len() > most {
                    return Err(Trouble::Final(format!(
                        "it holds more than {most} files; name a folder of images alone"
                    )));
                }
            }
            match failed {
                None => return Ok(out),
                Some(Trouble::Passing(_)) if tries + 1 < self.patience.tries && !stop() => {
                    tries += 1;
                    self.pause(tries, stop).await;
                }
                Some(Trouble::Passing(said)) => {
                    return Err(Trouble::Final(format!(
                        "{said}, {} times in a row; try again later",
                        tries + 1
                    )));
                }
                Some(other) => return Err(other),
            }
        }
    }
}

/// What a store tells of an object.
pub(crate) fn told(meta: &ObjectMeta) -> State {
    // A store that tells no time says 1970.
    let modified = u64::try_from(meta.last_modified.timestamp()).ok().filter(|&t| t > 0);
    // Azure quotes it in one place and not in another.
    let etag = meta
        .e_tag
        .as_ref()
        .map(|e| if e.starts_with("W/") { e.clone() } else { e.trim_matches('"').to_owned() });
    State { bytes: meta.size, etag, modified, ..State::default() }
}

/// A file of a length, with nothing in it.
fn create(path: &Path, bytes: u64) -> Result<File, Trouble> {
    let make = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        file.set_len(bytes)?;
        Ok(file)
    };
    make().map_err(|e| unkept(&e))
}

fn put(file: &mut File, at: u64, bytes: &[u8]) -> Result<(), Trouble> {
    file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(bytes)).map_err(|e| unkept(&e))
}

/// Puts a file that is whole in its place.
fn finish(part: &Path, target: &Path, state: &State) -> Result<(), Trouble> {
    let end = || {
        let file = OpenOptions::new().write(true).open(part)?;
        if let Some(time) = state.time() {
            let _ = file.set_modified(time);
        }
        file.sync_data()?;
        fs::rename(part, target)?;
        // Last: what is said to be whole is.
        state.write(&hidden(target, "fosse"))
    };
    end().map_err(|e: std::io::Error| unkept(&e))
}

fn unkept(e: &std::io::Error) -> Trouble {
    Trouble::Final(format!(
        "it cannot be kept: {e}; make room in the cache folder, or name another by FOSSE_CACHE"
    ))
}

/// A file of which some is here.
struct Held<'a> {
    file: &'a mut File,
    have: &'a [Range<u64>],
}

impl tiff::Bytes for Held<'_> {
    fn at(&mut self, range: Range<u64>) -> Option<Vec<u8>> {
        if !self.have.iter().any(|h| h.start <= range.start && range.end <= h.end) {
            return None;
        }
        let mut out = vec![0; usize::try_from(range.end - range.start).ok()?];
        self.file.seek(SeekFrom::Start(range.start)).ok()?;
        self.file.read_exact(&mut out).ok()?;
        Some(out)
    }
}
