//! A server of files on this machine, with ranges, tags, S3's lists and a STAC API, that fails when it is told to.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: String,
    /// Without what follows `?`.
    pub path: String,
    pub query: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// How often this path was asked for before.
    pub before: usize,
    /// First and last byte.
    pub range: Option<(usize, usize)>,
}

/// What goes wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Fault {
    #[default]
    None,
    /// This status, with the headers that were sent in its body.
    Status(u16),
    /// The connection ends after as many bytes of the body.
    Cut(usize),
    /// As many bytes at a time, and a pause.
    Drip(usize, Duration),
    /// It says that it sends other bytes than were asked for.
    WrongRange,
    /// It says that the file is longer than it is, by as many bytes.
    WrongLength(usize),
    /// All of the file, whatever was asked for.
    NoRanges,
    /// Another tag than the last time.
    OtherTag,
}

type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;
type Faults = Arc<dyn Fn(&Asked) -> Fault + Send + Sync>;

/// A server, as long as the process lives.
pub struct Server {
    pub port: u16,
    files: Files,
    log: Arc<Mutex<Vec<(Asked, Instant)>>>,
    sent: Arc<AtomicUsize>,
}

impl Server {
    /// Serves files by their paths, which begin with `/`.
    pub fn new(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        faults: impl Fn(&Asked) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let files: Files = Arc::new(Mutex::new(files.into_iter().collect()));
        let (log, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let faults: Faults = Arc::new(faults);
        let shared = (Arc::clone(&files), Arc::clone(&log), Arc::clone(&sent));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, log, sent, faults) = (
                    Arc::clone(&shared.0),
                    Arc::clone(&shared.1),
                    Arc::clone(&shared.2),
                    Arc::clone(&faults),
                );
                thread::spawn(move || {
                    let _ = serve(&stream, &files, &log, &sent, &faults);
                });
            }
        });
        Self { port, files, log, sent }
    }

    /// Without faults.
    pub fn sound(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self::new(files, |_| Fault::None)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes);
    }

    /// What was asked for so far, and when.
    pub fn log(&self) -> Vec<(Asked, Instant)> {
        self.log.lock().unwrap().clone()
    }

    /// Bytes of bodies sent so far.
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

fn serve(
    stream: &TcpStream,
    files: &Files,
    log: &Mutex<Vec<(Asked, Instant)>>,
    sent: &AtomicUsize,
    faults: &Faults,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut out = stream.try_clone()?;
    loop {
        let Some(mut asked) = read(&mut reader)? else { return Ok(()) };
        {
            let mut log = log.lock().unwrap();
            asked.before =
                log.iter().filter(|(a, _)| a.path == asked.path && a.method == asked.method).count();
            log.push((asked.clone(), Instant::now()));
        }
        let fault = faults(&asked);
        let (status, mut headers, body) = answer(&asked, files, &fault);
        let reason = if (200..300).contains(&status) { "OK" } else { "Trouble" };
        let mut head = format!("HTTP/1.1 {status} {reason}\r\n");
        headers.push(("Content-Length".to_owned(), body.len().to_string()));
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        out.write_all(format!("{head}\r\n").as_bytes())?;
        match fault {
            Fault::Cut(bytes) if bytes < body.len() => {
                sent.fetch_add(bytes, Ordering::Relaxed);
                out.write_all(&body[..bytes])?;
                out.flush()?;
                return stream.shutdown(std::net::Shutdown::Both);
            }
            Fault::Drip(bytes, pause) => {
                for part in body.chunks(bytes) {
                    sent.fetch_add(part.len(), Ordering::Relaxed);
                    out.write_all(part)?;
                    out.flush()?;
                    thread::sleep(pause);
                }
            }
            _ => {
                sent.fetch_add(body.len(), Ordering::Relaxed);
                out.write_all(&body)?;
            }
        }
        out.flush()?;
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) =
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut asked = Asked { method, path: decoded(path), query: query.to_owned(), ..Asked::default() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        asked.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = asked.headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    asked.body = vec![0; length];
    reader.read_exact(&mut asked.body)?;
    asked.range = asked.headers.get("range").and_then(|r| {
        let (first, last) = r.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    });
    Ok(Some(asked))
}

/// A path as it is meant: a key is one part of it to Google, `order%2F2024%2D08%2D05%2Etif`.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.unwrap_or(b'%'));
        out.extend(&part.as_bytes()[if byte.is_some() { 2 } else { 0 }..]);
    }
    String::from_utf8_lossy(&out).into_owned()
}

type Answer = (u16, Vec<(String, String)>, Vec<u8>);

fn answer(asked: &Asked, files: &Files, fault: &Fault) -> Answer {
    if let Fault::Status(status) = fault {
        // As S3 does, which repeats what it was sent.
        let echo: Vec<&String> = asked.headers.values().collect();
        return (
            *status,
            Vec::new(),
            format!("<Error><Code>Denied</Code><Sent>{echo:?}</Sent></Error>").into_bytes(),
        );
    }
    let files = files.lock().unwrap();
    if asked.query.contains("list-type=2") {
        let headers = vec![("Content-Type".to_owned(), "application/xml".to_owned())];
        return match listed(asked, &files) {
            Some(page) => (200, headers, page),
            None => (400, headers, b"<Error><Code>InvalidArgument</Code></Error>".to_vec()),
        };
    }
    let key = if asked.method == "POST" { format!("POST {}", asked.path) } else { asked.path.clone() };
    let with_query = format!("{}?{}", asked.path, asked.query);
    let Some(file) = files.get(&with_query).or_else(|| files.get(&key)) else {
        return (404, Vec::new(), Vec::new());
    };
    let tag = format!(
        "\"{:x}{}\"",
        sum(file),
        if *fault == Fault::OtherTag { format!("-{}", asked.before) } else { String::new() }
    );
    let mut headers = vec![
        ("ETag".to_owned(), tag.clone()),
        ("Last-Modified".to_owned(), "Wed, 14 Aug 2024 08:00:00 GMT".to_owned()),
    ];
    if asked.headers.get("if-none-match") == Some(&tag) {
        return (304, headers, Vec::new());
    }
    if asked.headers.get("if-match").is_some_and(|t| *t != tag) {
        return (412, headers, Vec::new());
    }
    match asked.range.filter(|_| *fault != Fault::NoRanges) {
        Some((first, _)) if first >= file.len() => (416, headers, Vec::new()),
        Some((first, last)) => {
            let last = last.min(file.len() - 1);
            let shift = usize::from(*fault == Fault::WrongRange);
            let length = file.len() + if let Fault::WrongLength(more) = fault { *more } else { 0 };
            headers.push((
                "Content-Range".to_owned(),
                format!("bytes {}-{}/{length}", first + shift, last + shift),
            ));
            (206, headers, file[first..=last].to_vec())
        }
        None => (200, headers, file.clone()),
    }
}

/// Keys on one page of a bucket's list.
pub const PAGE: usize = 2;

/// A page of a bucket's list, as S3 and Google write it: the bucket is the first part of the path. `None` for a page that no
/// page before it named.
fn listed(asked: &Asked, files: &BTreeMap<String, Vec<u8>>) -> Option<Vec<u8>> {
    let value = |name: &str| {
        asked
            .query
            .split('&')
            .find_map(|p| p.strip_prefix(&format!("{name}=")))
            .unwrap_or_default()
            .replace("%2F", "/")
    };
    let bucket = asked.path.trim_matches('/');
    let top = format!("/{bucket}/");
    let keys: Vec<(&str, &Vec<u8>)> = files
        .iter()
        .filter_map(|(path, bytes)| Some((path.strip_prefix(&top)?, bytes)))
        .filter(|(key, _)| key.starts_with(&value("prefix")))
        .collect();
    let first = match value("continuation-token") {
        token if token.is_empty() => 0,
        token => {
            token.strip_prefix("from-")?.parse::<usize>().ok().filter(|n| n % PAGE == 0 && *n < keys.len())?
        }
    };
    let end = (first + PAGE).min(keys.len());
    let more = end < keys.len();
    let mut out = format!(
        "<?xml version=\"1.0\"?><ListBucketResult><Name>{bucket}</Name><IsTruncated>{more}</IsTruncated>"
    );
    if more {
        let _ = write!(out, "<NextContinuationToken>from-{end}</NextContinuationToken>");
    }
    for (key, bytes) in &keys[first..end] {
        let _ = write!(
            out,
            "<Contents><Key>{key}</Key><LastModified>2024-08-14T08:00:00.000Z</LastModified><ETag>&quot;{:x}&quot;</ETag><Size>{}</Size></Contents>",
            sum(bytes),
            bytes.len()
        );
    }
    out.push_str("</ListBucketResult>");
    Some(out.into_bytes())
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |sum, &b| sum.wrapping_mul(31).wrapping_add(u64::from(b)))
}
