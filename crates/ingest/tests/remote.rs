//! Images at addresses, from a server that fails as real ones do.

#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "common/server.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::tiff;
use domain::{Capture, FootprintSource, Window};
use gdal::raster::RasterCreationOptions;
use gdal::{Dataset, DriverManager};
use ingest::{CatalogueOptions, Image, Mirror, Patience, RemoteOptions, Search, catalogue};
use server::{Asked, Fault, Server};

fn options(cache: &Path) -> RemoteOptions {
    let patience = Patience {
        tries: 4,
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        // Long enough for a machine that is busy with other things.
        idle: Duration::from_secs(20),
        least_bytes: 64 << 10,
    };
    RemoteOptions { cache: Some(cache.to_owned()), cache_bytes: 1 << 40, search: None, patience }
}

/// The same for a server that drips.
fn impatient(cache: &Path) -> RemoteOptions {
    let options = options(cache);
    RemoteOptions { patience: Patience { idle: Duration::from_secs(3), ..options.patience }, ..options }
}

/// A plain TIFF whose directory lies at its end, of some megabytes that compress badly.
fn large(side: usize) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.tif");
    tiff(&path, (0, 0), (side, side), 3);
    fs::read(&path).unwrap()
}

/// A cloud-optimised one of the same pixels.
fn cog(side: usize) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("a.tif"), dir.path().join("b.tif"));
    fs::write(&from, large(side)).unwrap();
    let driver = DriverManager::get_driver_by_name("COG").unwrap();
    let list = RasterCreationOptions::from_iter(["BLOCKSIZE=256", "COMPRESS=NONE"].map(String::from));
    Dataset::open(&from).unwrap().create_copy(&driver, &to, &list).unwrap().close().unwrap();
    fs::read(&to).unwrap()
}

/// A STAC item of an image beside it.
fn item(image: &str, datetime: &str) -> serde_json::Value {
    serde_json::json!({
        "type": "Feature", "stac_version": "1.0.0", "id": image, "geometry": null, "links": [],
        "properties": {"datetime": datetime, "gsd": 0.5, "platform": "WV03"},
        "assets": {"visual": {"href": format!("./{image}"), "roles": ["visual"]}, "thumbnail": {"href": "./t.tif", "roles": ["thumbnail"]}}
    })
}

fn catalog(children: &[&str], items: &[&str]) -> Vec<u8> {
    let link = |rel: &str, href: &&str| serde_json::json!({"rel": rel, "href": href});
    let links: Vec<_> =
        children.iter().map(|c| link("child", c)).chain(items.iter().map(|i| link("item", i))).collect();
    serde_json::json!({"type": "Catalog", "stac_version": "1.0.0", "id": "c", "description": "", "links": links}).to_string().into_bytes()
}

/// A catalogue with two images in a collection below it.
fn event(image: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let text = |v: serde_json::Value| v.to_string().into_bytes();
    vec![
        ("/e/catalog.json".to_owned(), catalog(&["./c/collection.json"], &[])),
        ("/e/c/collection.json".to_owned(), catalog(&["../catalog.json"], &["./a.json", "b.json"])),
        ("/e/c/a.json".to_owned(), text(item("a.tif", "2024-08-05T08:41:07Z"))),
        ("/e/c/b.json".to_owned(), text(item("b.tif", "2024-08-12T08:41:07Z"))),
        ("/e/c/a.tif".to_owned(), image.clone()),
        ("/e/c/b.tif".to_owned(), image),
    ]
}

async fn captures(mirror: &Mirror) -> Vec<Capture> {
    let found = catalogue(mirror.folder(), &CatalogueOptions::default()).await.unwrap();
    assert_eq!(found.skipped, []);
    found.captures
}

/// Every pixel of an image, as bytes.
fn pixels(capture: &Capture) -> Vec<f32> {
    let (rows, cols) = capture.grid.shape();
    let mut image = Image::open(capture).unwrap();
    image.read_bands(Window::new(0, 0, rows, cols)).unwrap().0.into_raw_vec_and_offset().0
}

const GO_ON: &(dyn Fn() -> bool + Sync) = &|| false;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_alone_are_fetched_to_inspect_and_the_pixels_are_those_of_the_file() {
    for (what, image) in [("COG", cog(1200)), ("plain", large(1200))] {
        let length = image.len();
        let server = Server::sound(event(image.clone()));
        let dir = tempfile::tempdir().unwrap();
        let mirror = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
        assert_eq!(mirror.skipped(), []);
        let found = captures(&mirror).await;
        assert_eq!(found.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["c/a", "c/b"], "{what}");
        assert_eq!(found[0].gsd_m, Some(0.5));
        assert!(
            server.sent() < length / 10,
            "{what}: {} bytes were sent to inspect two files of {length}",
            server.sent()
        );
        assert_eq!(mirror.shown(&found[0].path), PathBuf::from(server.url("/e/c/a.tif")));

        let got = mirror.fetch(&[&found[0]], GO_ON).await.unwrap();
        assert_eq!((got.files, got.kept, got.bytes), (1, 0, length as u64), "{what}");
        assert_eq!(fs::read(&found[0].path).unwrap(), image);
        let local = dir.path().join("2024-08-05.tif");
        fs::write(&local, &image).unwrap();
        let own = ingest::single(&local, found[0].datetime).await.unwrap();
        assert_eq!(own.grid, found[0].grid);
        assert_eq!(pixels(&own), pixels(&found[0]));

        // The second time nothing is sent but answers that nothing changed.
        drop(mirror);
        let before = server.sent();
        let mirror = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
        assert_eq!(captures(&mirror).await, found);
        assert_eq!(mirror.fetch(&[&found[0]], GO_ON).await.unwrap().bytes, 0);
        assert!(server.sent() - before < 4096, "{} bytes were sent again", server.sent() - before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_that_pass_are_got_over() {
    let image = large(1400);
    let is_image = |a: &Asked| a.path.ends_with(".tif");
    type Faults = Box<dyn Fn(&Asked) -> Fault + Send + Sync>;
    let cases: Vec<(&str, Faults)> = vec![
        (
            "three requests have 503",
            Box::new(move |a| if is_image(a) && a.before < 3 { Fault::Status(503) } else { Fault::None }),
        ),
        (
            "429, which asks for patience",
            Box::new(move |a| if is_image(a) && a.before < 2 { Fault::Status(429) } else { Fault::None }),
        ),
        (
            "every connection is cut after 150 kB",
            Box::new(move |a| if is_image(a) { Fault::Cut(150_000) } else { Fault::None }),
        ),
        (
            "the first tries drip",
            Box::new(move |a| {
                if is_image(a) && a.before < 2 {
                    Fault::Drip(100, Duration::from_millis(50))
                } else {
                    Fault::None
                }
            }),
        ),
        (
            "other bytes than were asked for",
            Box::new(move |a| {
                if is_image(a) && (a.before == 1 || a.before == 3) { Fault::WrongRange } else { Fault::None }
            }),
        ),
        ("no ranges", Box::new(move |a| if is_image(a) { Fault::NoRanges } else { Fault::None })),
    ];
    for (what, faults) in cases {
        let server = Server::new(event(image.clone()), faults);
        let dir = tempfile::tempdir().unwrap();
        let how = if what.contains("drip") { impatient(dir.path()) } else { options(dir.path()) };
        let mirror = Mirror::open(&server.url("/e/catalog.json"), &how).await.unwrap();
        assert_eq!(mirror.skipped(), [], "{what}");
        let found = captures(&mirror).await;
        let got =
            mirror.fetch(&[&found[0], &found[1]], GO_ON).await.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(got.files + got.kept, 2, "{what}");
        for capture in &found {
            assert!(fs::read(&capture.path).unwrap() == image, "{what}: other bytes");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_that_stay_are_named_with_address_and_remedy_in_time() {
    type Faults = Box<dyn Fn(&Asked) -> Fault + Send + Sync>;
    let b = |a: &Asked| a.path.ends_with("/b.tif");
    let cases: Vec<(&str, Faults)> = vec![
        (
            "the server answers 503 Denied, 4 times in a row; run again",
            Box::new(move |a| if b(a) { Fault::Status(503) } else { Fault::None }),
        ),
        (
            "access is denied (403 Denied); renew a signed address",
            Box::new(move |a| if b(a) { Fault::Status(403) } else { Fault::None }),
        ),
        (
            "it is not there (404); check the address",
            Box::new(move |a| if b(a) { Fault::Status(404) } else { Fault::None }),
        ),
        (
            "less than 64 KiB came in 3 s, 4 times in a row",
            Box::new(move |a| if b(a) { Fault::Drip(10, Duration::from_millis(50)) } else { Fault::None }),
        ),
        ("4 times in a row", Box::new(move |a| if b(a) { Fault::Cut(1000) } else { Fault::None })),
    ];
    for (words, faults) in cases {
        let server = Server::new(event(large(400)), faults);
        let dir = tempfile::tempdir().unwrap();
        let clock = Instant::now();
        let mirror = Mirror::open(&server.url("/e/catalog.json"), &impatient(dir.path())).await.unwrap();
        assert!(clock.elapsed() < Duration::from_secs(60), "{words}: {:?}", clock.elapsed());
        let [skipped] = mirror.skipped() else { panic!("{words}: {:?}", mirror.skipped()) };
        assert_eq!(skipped.path, PathBuf::from(server.url("/e/c/b.tif")));
        assert!(skipped.reason.contains(words), "{words:?} is not in {}", skipped.reason);
        // The other image is not lost by it.
        assert_eq!(captures(&mirror).await.len(), 1);
    }
    // A file that is shorter than its server says: it cannot be had whole.
    let length = |a: &Asked| if a.path.ends_with("/b.tif") { Fault::WrongLength(5000) } else { Fault::None };
    let server = Server::new(event(large(1200)), length);
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(&server.url("/e/catalog.json"), &impatient(dir.path())).await.unwrap();
    let found = captures(&mirror).await;
    let error = mirror.fetch(&[&found[1]], GO_ON).await.unwrap_err().to_string();
    assert!(error.starts_with(&server.url("/e/c/b.tif")), "{error}");
    mirror.fetch(&[&found[0]], GO_ON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_costs_a_piece_at_the_most() {
    let image = large(2000);
    let length = image.len();
    assert!(length > 20 << 20);
    // As it is after an hour: slow enough to be interrupted.
    let slow = |a: &Asked| {
        if a.range.is_some_and(|(f, l)| l - f > 1 << 20) {
            Fault::Drip(1 << 19, Duration::from_millis(15))
        } else {
            Fault::None
        }
    };
    let server = Server::new(event(image.clone()), slow);
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
    let found = captures(&mirror).await;
    let before = server.sent();
    let stop = || server.sent() - before > length * 4 / 5;
    let error = mirror.fetch(&[&found[0]], &stop).await.unwrap_err().to_string();
    assert!(error.contains("interrupted; run again to go on"), "{error}");
    // What is there is still no image to compute with, and is known to be none.
    drop(mirror);
    let mirror = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
    let got = mirror.fetch(&[&found[0]], GO_ON).await.unwrap();
    assert!(
        got.bytes < (length * 9 / 10) as u64 && got.bytes > 0,
        "{} of {length} bytes came again",
        got.bytes
    );
    assert!(fs::read(&found[0].path).unwrap() == image);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_meanwhile_is_not_mixed() {
    let (old, new) = (large(1400), cog(1400));
    let server = Server::sound(event(old));
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
    let found = captures(&mirror).await;
    server.put("/e/c/a.tif", new.clone());
    mirror.fetch(&[&found[0]], GO_ON).await.unwrap();
    assert!(fs::read(&found[0].path).unwrap() == new);
    // One that changes without end is given up.
    let restless = |a: &Asked| if a.path.ends_with("/b.tif") { Fault::OtherTag } else { Fault::None };
    let server = Server::new(event(large(1400)), restless);
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
    let found = captures(&mirror).await;
    let error = mirror.fetch(&[&found[1]], GO_ON).await.unwrap_err().to_string();
    assert!(error.contains("it changed while it was fetched"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cache_keeps_to_its_limit_and_what_is_in_use() {
    let image = large(900);
    let length = image.len() as u64;
    let server = Server::sound(event(image));
    let dir = tempfile::tempdir().unwrap();
    let small = RemoteOptions { cache_bytes: length * 3 / 2, ..options(dir.path()) };
    let mirror = Mirror::open(&server.url("/e/catalog.json"), &small).await.unwrap();
    let found = captures(&mirror).await;
    // More than the limit, and all of it in use.
    mirror.fetch(&[&found[0], &found[1]], GO_ON).await.unwrap();
    assert!(found.iter().all(|c| c.path.is_file()));
    mirror.release(&[&found[0]]);
    assert!(!found[0].path.exists() && found[1].path.is_file());
    mirror.fetch(&[&found[0]], GO_ON).await.unwrap();
    assert!(found[0].path.is_file());
    // Another address makes room too, but not in what somebody reads.
    let other = Server::sound(event(large(900)));
    let second = Mirror::open(&other.url("/e/catalog.json"), &small).await.unwrap();
    assert!(found.iter().all(|c| c.path.is_file()), "another process's images were taken away");
    drop((mirror, second));
    let none = RemoteOptions { cache_bytes: 0, ..options(dir.path()) };
    drop(Mirror::open(&other.url("/e/catalog.json"), &none).await.unwrap());
    assert!(found.iter().all(|c| !c.path.exists()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_is_read_by_one_process_at_a_time() {
    let server = Server::sound(event(large(64)));
    let dir = tempfile::tempdir().unwrap();
    let first = Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
    let error =
        Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap_err().to_string();
    assert!(error.contains("another fosse reads it") && error.contains("FOSSE_CACHE"), "{error}");
    drop(first);
    Mirror::open(&server.url("/e/catalog.json"), &options(dir.path())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_from_the_address_goes_from_the_mirror() {
    let mut files = event(large(64));
    files.push(("/list.txt".to_owned(), b"# two images\ne/c/2024-08-05.tif\n/e/c/2024-08-12.tif\n".to_vec()));
    files.push(("/e/c/2024-08-05.tif".to_owned(), large(64)));
    files.push(("/e/c/2024-08-12.tif".to_owned(), large(64)));
    let server = Server::sound(files);
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(&server.url("/list.txt"), &options(dir.path())).await.unwrap();
    assert_eq!(captures(&mirror).await.len(), 2);
    drop(mirror);
    server.put("/list.txt", b"e/c/2024-08-05.tif\n".to_vec());
    let mirror = Mirror::open(&server.url("/list.txt"), &options(dir.path())).await.unwrap();
    assert_eq!(captures(&mirror).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stac_api_is_asked_page_by_page() {
    let server = Server::sound([]);
    let mut files = Vec::new();
    let page = |names: [&str; 2], next: serde_json::Value, server: &Server| {
        let features: Vec<_> = names
            .iter()
            .map(|n| {
                let mut item = item(&format!("{n}.tif"), &format!("{n}T08:41:07Z"));
                item["assets"]["visual"]["href"] =
                    serde_json::json!(server.url(&format!("/data/{n}.tif?sig=SECRET")));
                item
            })
            .collect();
        serde_json::json!({"type": "FeatureCollection", "features": features, "links": [next]})
            .to_string()
            .into_bytes()
    };
    let landing = serde_json::json!({"type": "Catalog", "stac_version": "1.0.0", "links": [{"rel": "search", "href": "./find", "method": "POST"}]});
    files.push(("/stac/".to_owned(), landing.to_string().into_bytes()));
    let next = serde_json::json!({"rel": "next", "method": "POST", "href": "/stac/more", "merge": true, "body": {"token": "2"}});
    files.push(("POST /stac/find".to_owned(), page(["2024-08-05", "2024-08-12"], next, &server)));
    files.push((
        "POST /stac/more".to_owned(),
        page(["2024-08-19", "2024-08-26"], serde_json::json!({"rel": "self"}), &server),
    ));
    for n in ["2024-08-05", "2024-08-12", "2024-08-19", "2024-08-26"] {
        files.push((format!("/data/{n}.tif?sig=SECRET"), large(64)));
    }
    files.into_iter().for_each(|(path, bytes)| server.put(&path, bytes));
    let dir = tempfile::tempdir().unwrap();
    let asked = Search {
        api: server.url("/stac/"),
        bbox: [35.0, 51.0, 36.0, 52.0],
        datetime: Some("2024-08-01T00:00:00Z/..".into()),
        collections: vec!["a".into()],
    };
    let with = RemoteOptions { search: Some(asked.clone()), ..options(dir.path()) };
    let mirror = Mirror::open(&asked.api, &with).await.unwrap();
    assert_eq!(mirror.skipped(), []);
    let found = captures(&mirror).await;
    assert_eq!(found.len(), 4);
    let bodies: Vec<serde_json::Value> = server
        .log()
        .iter()
        .filter(|(a, _)| a.method == "POST")
        .map(|(a, _)| serde_json::from_slice(&a.body).unwrap())
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(
        (&bodies[0]["bbox"][0], &bodies[0]["collections"][0], &bodies[1]["token"]),
        (&35.0.into(), &"a".into(), &"2".into())
    );
    assert_eq!(bodies[1]["bbox"], bodies[0]["bbox"], "the next page is of the same question");
    mirror.fetch(&[&found[0]], GO_ON).await.unwrap();
    // The signature is for the server alone.
    assert!(!mirror.shown(&found[0].path).to_string_lossy().contains("SECRET"));
    assert!(!everything_below(dir.path()).contains("SECRET"));
}

/// The names and texts of all files below a folder.
fn everything_below(folder: &Path) -> String {
    let mut out = String::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        out.push_str(&entry.path().to_string_lossy());
        if entry.path().is_dir() {
            out.push_str(&everything_below(&entry.path()));
        } else {
            out.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
        }
    }
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_address_of_images_says_what_would_be() {
    let server = Server::sound([
        ("/a.json".to_owned(), b"[1, 2]".to_vec()),
        ("/b.json".to_owned(), b"<html>".to_vec()),
    ]);
    let dir = tempfile::tempdir().unwrap();
    for (path, words) in [
        ("/a.json", "no STAC document"),
        ("/b.json", "no JSON"),
        ("/none.json", "not there (404)"),
        ("/folder/", "the server does not list it"),
    ] {
        let error = Mirror::open(&server.url(path), &options(dir.path())).await.unwrap_err().to_string();
        assert!(error.starts_with(&server.url(path)) && error.contains(words), "{path}: {error}");
    }
    let nobody =
        Mirror::open("http://127.0.0.1:9/catalog.json", &options(dir.path())).await.unwrap_err().to_string();
    assert!(nobody.contains("4 times in a row"), "{nobody}");
    let secret = Mirror::open("http://me:pw@127.0.0.1:9/catalog.json?key=KEY", &options(dir.path()))
        .await
        .unwrap_err()
        .to_string();
    assert!(!secret.contains("pw") && !secret.contains("KEY"), "{secret}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_password_go_to_their_server() {
    static SEEN: AtomicBool = AtomicBool::new(false);
    let locked = |a: &Asked| match a.headers.get("authorization").map(String::as_str) {
        // me:pw
        Some("Basic bWU6cHc=") => {
            SEEN.store(true, Ordering::Relaxed);
            Fault::None
        }
        _ => Fault::Status(401),
    };
    let server = Server::new(event(large(64)), locked);
    let dir = tempfile::tempdir().unwrap();
    let address = server.url("/e/catalog.json").replace("http://", "http://me:pw@");
    let mirror = Mirror::open(&address, &options(dir.path())).await.unwrap();
    assert!(SEEN.load(Ordering::Relaxed));
    assert_eq!(captures(&mirror).await.len(), 2);
    assert!(!everything_below(dir.path()).contains("pw@"));
    assert!(
        Mirror::open(&server.url("/e/c/collection.json"), &options(dir.path()))
            .await
            .unwrap_err()
            .to_string()
            .contains("access is denied (401 Denied)")
    );
}

/// Of an image at an address the header alone is here: its pixels, which would be read as no data, are not looked at, neither before
/// they are fetched nor after, so that a pair stays the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pixels_that_are_not_here_tell_no_footprint() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("a_20240812.tif");
    common::tiff_of(&path, (0, 0), (300, 400), 1, |_, _, col| u16::from(col < 100));
    let flags = gdal::GdalOpenFlags::GDAL_OF_RASTER | gdal::GdalOpenFlags::GDAL_OF_UPDATE;
    let open = gdal::DatasetOptions { open_flags: flags, ..Default::default() };
    Dataset::open_ex(&path, open).unwrap().rasterband(1).unwrap().set_no_data_value(Some(0.0)).unwrap();
    let here = catalogue(scratch.path(), &CatalogueOptions::default()).await.unwrap();
    assert_eq!(here.captures[0].footprint_source, FootprintSource::ValidData);
    let list = "a_20240812.tif\n".to_owned().into_bytes();
    let server = Server::sound([
        ("/l.txt".to_owned(), list),
        ("/a_20240812.tif".to_owned(), fs::read(&path).unwrap()),
    ]);
    let dir = tempfile::tempdir().unwrap();
    let mirror = Mirror::open(&server.url("/l.txt"), &options(dir.path())).await.unwrap();
    let before = captures(&mirror).await;
    assert_eq!((before.len(), before[0].footprint_source), (1, FootprintSource::Outline));
    mirror.fetch(&[&before[0]], GO_ON).await.unwrap();
    assert_eq!(captures(&mirror).await, before);
}
