//! Broken and malicious files: each is named with a reason, or used and then read without harm. No panic, no hang, no
//! memory that grows with what a file claims.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{listed, tiff};
use domain::Window;
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags};
use ingest::Image;
use tempfile::TempDir;

/// Longest time that one file may take.
const LONGEST: Duration = Duration::from_secs(5);
/// Most memory that all of them may take beyond what the process had, megabytes.
const MOST_MB: u64 = 200;

/// A hostile file in a folder of its own.
struct Case {
    what: String,
    /// The name that the failure list must hold; none where the file may be used.
    named: Option<&'static str>,
    make: Box<dyn Fn(&Path)>,
}

fn case(what: impl Into<String>, named: Option<&'static str>, make: impl Fn(&Path) + 'static) -> Case {
    Case { what: what.into(), named, make: Box::new(make) }
}

const IMAGE: &str = "a_20240812.tif";

/// A sound image, tiled by 32 px.
fn sound() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(IMAGE);
    tiff(&path, (0, 0), (64, 64), 1);
    fs::read(&path).unwrap()
}

/// The same in another container.
fn sound_in(driver: &str, name: &str, options: &[&str]) -> Option<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("s.tif");
    let byte = |band: usize, row: usize, col: usize| common::value(band, row, col) % 250;
    common::tiff_of(&source, (0, 0), (64, 64), 1, byte);
    let driver = DriverManager::get_driver_by_name(driver).ok()?;
    let list = gdal::raster::RasterCreationOptions::from_iter(options.iter().map(|o| o.to_string()));
    let path = dir.path().join(name);
    // As bytes, which all of them hold.
    let mem = DriverManager::get_driver_by_name("MEM").unwrap();
    let mut bytes = mem.create_with_band_type::<u8, _>("", 64, 64, 1).unwrap();
    let read = Dataset::open(&source).unwrap();
    bytes.set_geo_transform(&read.geo_transform().unwrap()).unwrap();
    bytes.set_spatial_ref(&read.spatial_ref().unwrap()).unwrap();
    let mut pixels = read.rasterband(1).unwrap().read_band_as::<u8>().unwrap();
    bytes.rasterband(1).unwrap().write((0, 0), (64, 64), &mut pixels).unwrap();
    bytes.create_copy(&driver, &path, &list).unwrap().close().unwrap();
    fs::read(&path).ok()
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
}

/// Where the entry of a tag stands in the first directory of a little-endian TIFF.
fn entry(bytes: &[u8], tag: usize) -> usize {
    let first = u32_at(bytes, 4);
    let count = u16_at(bytes, first);
    let found = (0..count).map(|i| first + 2 + 12 * i).find(|&at| u16_at(bytes, at) == tag);
    found.unwrap_or_else(|| panic!("no tag {tag}"))
}

/// A sound image in which a tag has another type, count and value.
fn patched(sound: &[u8], tag: usize, kind: Option<u16>, count: Option<u32>, value: Option<u32>) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    let at = entry(&bytes, tag);
    if let Some(kind) = kind {
        bytes[at + 2..at + 4].copy_from_slice(&kind.to_le_bytes());
    }
    if let Some(count) = count {
        bytes[at + 4..at + 8].copy_from_slice(&count.to_le_bytes());
    }
    if let Some(value) = value {
        bytes[at + 8..at + 12].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(folder.join(name), bytes).unwrap();
}

/// Headers cut off.
fn cut() -> Vec<Case> {
    let mut cases = Vec::new();
    let bytes = sound();
    let first = u32_at(&bytes, 4);
    let entries = u16_at(&bytes, first);
    let mut ends = vec![0, 1, 2, 3, 4, 7, 8, first, first + 1, first + 2];
    ends.extend((0..=entries).map(|i| first + 2 + 12 * i));
    ends.extend(
        (1..12).map(|i| first + 2 + 12 * entries + 4 + i * (bytes.len() - first - 12 * entries - 6) / 12),
    );
    ends.push(bytes.len() - 1);
    ends.retain(|&end| end < bytes.len());
    for end in ends {
        let part = bytes[..end].to_vec();
        cases.push(case(format!("TIFF cut at {end}"), Some(IMAGE), move |f| put(f, IMAGE, &part)));
    }
    let others = [
        ("COG", IMAGE, &["BLOCKSIZE=128"][..]),
        ("NITF", "a_20240812.ntf", &["ICORDS=N"]),
        ("JP2OpenJPEG", "a_20240812.jp2", &[]),
        ("GPKG", "a_20240812.gpkg", &[]),
        ("HFA", "a_20240812.img", &[]),
        ("PNG", "a_20240812.png", &[]),
        ("JPEG", "a_20240812.jpg", &[]),
    ];
    for (driver, name, options) in others {
        let Some(bytes) = sound_in(driver, name, options) else { continue };
        for share in [1, 5, 20, 50, 80, 99] {
            let part = bytes[..bytes.len() * share / 100].to_vec();
            // What lost its end may still be used where nothing of it is missing; HFA's tree comes first.
            let named = (share < 99 && driver != "HFA").then_some(name);
            cases.push(case(format!("{driver} cut at {share} %"), named, move |f| {
                put(f, name, &part);
                put(f, "a_20240812.wld", "0.5\n0\n0\n-0.5\n655000.25\n5726999.75\n");
                put(
                    f,
                    "a_20240812.prj",
                    gdal::spatial_ref::SpatialRef::from_epsg(32636).unwrap().to_wkt().unwrap(),
                );
            }));
        }
    }
    cases
}

/// Sizes, counts and places that cannot be.
fn absurd() -> Vec<Case> {
    let sound = sound();
    let (width, height, bits, compression, samples) = (256, 257, 258, 259, 277);
    let (tile_width, tile_height, offsets, counts, format) = (322, 323, 324, 325, 339);
    let big = u32::MAX;
    let mut cases = Vec::new();
    let mut add = |what: &str, named: bool, bytes: Vec<u8>| {
        cases.push(case(what, named.then_some(IMAGE), move |f| put(f, IMAGE, &bytes)));
    };
    let value = |tag: usize, v: u32| patched(&sound, tag, Some(4), None, Some(v));
    add("width 0", true, value(width, 0));
    add("width 2^31", true, value(width, 1 << 31));
    add("width 2^32-1", true, value(width, big));
    add("height 0", true, value(height, 0));
    add("height 2^31-1", true, value(height, i32::MAX as u32));
    let both = patched(&value(width, i32::MAX as u32), height, Some(4), None, Some(i32::MAX as u32));
    add("a square of 2^31", true, both);
    add("8 million rows", true, value(height, 8_000_000));
    add("bits 0", true, patched(&sound, bits, None, None, Some(0)));
    add("bits 255", true, patched(&sound, bits, None, None, Some(255)));
    add("65535 bands", true, patched(&sound, samples, None, None, Some(65_535)));
    add("0 bands", true, patched(&sound, samples, None, None, Some(0)));
    add("tiles 0 wide", true, value(tile_width, 0));
    add("tiles 2^32-1 wide", true, value(tile_width, big));
    add("tiles of 2^30 rows", true, value(tile_height, 1 << 30));
    add(
        "tiles of 2^16 a side",
        true,
        patched(&value(tile_width, 1 << 16), tile_height, Some(4), None, Some(1 << 16)),
    );
    add("2^32-1 offsets", false, patched(&sound, offsets, None, Some(big), None));
    add("no offsets", true, patched(&sound, offsets, None, Some(0), None));
    add("one offset", false, patched(&sound, offsets, None, Some(1), None));
    add("offsets beyond the end", true, patched(&sound, offsets, None, None, Some(big - 8)));
    add("lengths beyond the end", false, patched(&sound, counts, None, None, Some(big - 8)));
    add("2^32-1 lengths", false, patched(&sound, counts, None, Some(big), None));
    add("compression nobody knows", true, patched(&sound, compression, None, None, Some(65_000)));
    for (name, code) in [
        ("LZW", 5),
        ("JPEG", 7),
        ("deflate", 8),
        ("packbits", 32_773),
        ("LZMA", 34_925),
        ("ZSTD", 50_000),
        ("WebP", 50_001),
        ("LERC", 34_887),
    ] {
        add(
            &format!("pixels that are no {name}"),
            false,
            patched(&sound, compression, None, None, Some(code)),
        );
    }
    add("samples of type 77", false, patched(&sound, format, None, None, Some(77)));
    add(
        "complex samples",
        true,
        patched(&patched(&sound, format, None, None, Some(6)), bits, None, None, Some(64)),
    );
    add("every tag of type 0", true, {
        let mut bytes = sound.clone();
        let first = u32_at(&bytes, 4);
        (0..u16_at(&bytes, first)).for_each(|i| bytes[first + 4 + 12 * i] = 0);
        bytes
    });
    add("65535 tags", true, {
        let mut bytes = sound.clone();
        let first = u32_at(&bytes, 4);
        bytes[first..first + 2].fill(0xff);
        bytes
    });
    add("the directory in itself", false, {
        let mut bytes = sound.clone();
        let first = u32_at(&bytes, 4);
        let next = first + 2 + 12 * u16_at(&bytes, first);
        bytes[next..next + 4].copy_from_slice(&(first as u32).to_le_bytes());
        bytes
    });
    add("two directories in a circle", false, {
        let mut bytes = sound.clone();
        let (first, copy) = (u32_at(&bytes, 4), bytes.len());
        let length = 2 + 12 * u16_at(&bytes, first) + 4;
        let directory = bytes[first..first + length].to_vec();
        bytes.extend(&directory);
        let next = first + length - 4;
        bytes[next..next + 4].copy_from_slice(&(copy as u32).to_le_bytes());
        let last = bytes.len() - 4;
        bytes[last..].copy_from_slice(&(first as u32).to_le_bytes());
        bytes
    });
    add("the first directory beyond the end", true, {
        let mut bytes = sound.clone();
        bytes[4..8].copy_from_slice(&big.to_le_bytes());
        bytes
    });
    // Pixel size and tie point: 8-byte floats behind the offset in the entry.
    for (what, numbers) in
        [("NaN", f64::NAN), ("infinite", f64::INFINITY), ("0", 0.0), ("1e300", 1e300), ("negative", -0.5)]
    {
        let at = u32_at(&sound, entry(&sound, 33_550) + 8);
        let mut bytes = sound.clone();
        bytes[at..at + 8].copy_from_slice(&numbers.to_le_bytes());
        add(&format!("pixels {what} wide"), numbers != -0.5, bytes);
    }
    for (what, number) in [("NaN", f64::NAN), ("1e300", 1e300)] {
        let at = u32_at(&sound, entry(&sound, 33_922) + 8) + 24;
        let mut bytes = sound.clone();
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        add(&format!("a place at {what}"), true, bytes);
    }
    add("2^32-1 keys of the reference system", true, patched(&sound, 34_735, None, Some(big), None));
    add("reference system cut", true, patched(&sound, 34_735, None, Some(3), None));
    for seed in 1..21_u64 {
        // Bytes of the header changed at random.
        let mut bytes = sound.clone();
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for _ in 0..12 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = 4 + (state as usize >> 8) % 400;
            bytes[at] = state as u8;
        }
        add(&format!("header garbled, {seed}"), false, bytes);
    }
    cases
}

/// Small files that would grow.
fn bombs() -> Vec<Case> {
    let mut cases = Vec::new();
    let laughs = |root: &str| {
        let mut text = String::from("<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY l0 \"haha\">");
        for i in 1..30 {
            text += &format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10));
        }
        text + &format!("]><{root}>&l29;</{root}>")
    };
    let vrt = "a_20240812.vrt";
    let text = laughs("VRTDataset");
    cases.push(case("a VRT of entities", Some(vrt), move |f| put(f, vrt, &text)));
    cases.push(case("a VRT a million deep", Some(vrt), move |f| put(f, vrt, "<a>".repeat(1_000_000))));
    let source = |name: &str| {
        format!(
            "<VRTDataset rasterXSize=\"64\" rasterYSize=\"64\"><SRS>EPSG:32636</SRS><GeoTransform>655000,0.5,0,5727000,0,-0.5\
             </GeoTransform><VRTRasterBand dataType=\"Byte\" band=\"1\"><SimpleSource><SourceFilename relativeToVRT=\"1\">{name}\
             </SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
        )
    };
    for name in [
        "a_20240812.vrt",
        "/vsicurl/http://127.0.0.1:9/a.tif",
        "/etc/passwd",
        "/dev/zero",
        "../../../etc/x.tif",
        "NITF_IM:0:x.ntf",
        "",
        "<VRTDataset/>",
    ] {
        let text = source(&name.replace('<', "&lt;"));
        cases.push(case(format!("a VRT of {name:?}"), Some(vrt), move |f| put(f, vrt, &text)));
    }
    let (one, two) = (source("b.vrt"), source("a_20240812.vrt"));
    cases.push(case("two VRTs in a circle", Some(vrt), move |f| {
        put(f, vrt, &one);
        put(f, "b.vrt", &two);
    }));
    let huge = source("s.tif").replace("\"64\"", "\"2000000000\"");
    cases.push(case("a VRT of 4e18 pixels", Some(vrt), move |f| {
        tiff(&f.join("s.tif"), (0, 0), (64, 64), 1);
        put(f, vrt, &huge);
    }));
    let python = source("s.tif").replace(
        "<VRTRasterBand dataType=\"Byte\" band=\"1\">",
        "<VRTRasterBand dataType=\"Byte\" band=\"1\" subClass=\"VRTDerivedRasterBand\"><PixelFunctionType>f</PixelFunctionType>\
         <PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode>import os; os.system('touch /tmp/owned')\
         </PixelFunctionCode>",
    );
    cases.push(case("a VRT that runs a program", None, move |f| {
        tiff(&f.join("s.tif"), (0, 0), (64, 64), 1);
        put(f, vrt, &python);
    }));
    // Metadata beside a sound image: named, and the image used without them.
    let sidecar = "a_20240812.json";
    let json = |what: &str, text: String| {
        case(format!("JSON: {what}"), Some(sidecar), move |f| {
            tiff(&f.join(IMAGE), (0, 0), (64, 64), 1);
            put(f, sidecar, &text);
        })
    };
    cases.push(json("a million deep", "[".repeat(1_000_000)));
    cases.push(json("objects 200,000 deep", "{\"a\":".repeat(200_000)));
    cases.push(json("8 MB", format!("[{}0]", "0,".repeat(4 << 20))));
    cases.push(json("1e999", "{\"datetime\": 1e999".to_owned()));
    cases.push(json("cut", "{\"properties\": {\"datetime\": \"2024".to_owned()));
    for href in [
        "../../../../etc/passwd.tif",
        "/etc/shadow.tif",
        "file:///etc/shadow.tif",
        "/vsicurl/http://127.0.0.1:9/a.tif",
        "..%2f..%2fx.tif",
        "..\\..\\x.tif",
    ] {
        let text = serde_json::json!({"datetime": "2024-08-12", "assets": {"a": {"href": href}}}).to_string();
        cases.push(json(&format!("an asset at {href}"), text));
    }
    cases.push(case("JSON that is no text", Some(sidecar), |f| {
        tiff(&f.join(IMAGE), (0, 0), (64, 64), 1);
        put(f, sidecar, [0xff, 0xfe, 0, 0]);
    }));
    for (name, text) in [
        ("a_20240812.XML", laughs("isd")),
        ("a_20240812.IMD", "\0".repeat(1000)),
        ("a_20240812.TIL", "BEGIN_GROUP = TILE_1\n".repeat(50_000)),
        ("DIM_A.XML", "<Dimap_Document>".repeat(100_000)),
        (
            "b.TIL",
            "BEGIN_GROUP = TILE_1\nfilename = \"../../../etc/x.TIF\";\nEND_GROUP = TILE_1\n".to_owned(),
        ),
    ] {
        cases.push(case(format!("{name} beside an image"), Some(name), move |f| {
            tiff(&f.join(IMAGE), (0, 0), (64, 64), 1);
            put(f, name, &text);
        }));
    }
    // Masks.
    let cloud = "a_20240812-cloud-mask.gml";
    let text = laughs("FeatureCollection");
    cases.push(case("a mask of entities", Some(cloud), move |f| {
        tiff(&f.join(IMAGE), (0, 0), (64, 64), 1);
        put(f, cloud, &text);
    }));
    for (name, bytes) in [
        ("a_20240812-cloud-mask.gpkg", b"SQLite format 3\0garbage".to_vec()),
        ("a_20240812-cloud-mask.tif", b"II*\0".to_vec()),
        ("a_20240812-cloud-mask.geojson", b"{\"type\":".to_vec()),
        ("a_20240812-cloud-mask.shp", vec![0; 99]),
    ] {
        cases.push(case(format!("the mask {name}"), Some(name), move |f| {
            tiff(&f.join(IMAGE), (0, 0), (64, 64), 1);
            put(f, name, &bytes);
        }));
    }
    let data = "a_20240812-data-mask.geojson";
    cases.push(case("a mask that reaches beyond all numbers", Some(data), move |f| {
        tiff(&f.join(IMAGE), (0, 0), (64, 64), 1);
        let options = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
        let mut image = Dataset::open_ex(f.join(IMAGE), options).unwrap();
        // Degrees on degrees: GDAL hands them through.
        image.set_spatial_ref(&SpatialRef::from_epsg(4326).unwrap()).unwrap();
        image.set_geo_transform(&[35.0, 1e-5, 0.0, 51.0, 0.0, -1e-5]).unwrap();
        let ring = "[[[35,51],[1e149,51],[3e148,2e149],[-1e149,1e148],[35,-1e149],[35,51]]]";
        let mask = format!("{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"properties\":{{}},\"geometry\":{{\"type\":\"Polygon\",\"coordinates\":{ring}}}}}]}}");
        put(f, data, mask);
    }));
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        cases.push(case("a link to itself", Some(IMAGE), |f| symlink(IMAGE, f.join(IMAGE)).unwrap()));
        cases.push(case("two links in a circle", Some(IMAGE), |f| {
            symlink("b.tif", f.join(IMAGE)).unwrap();
            symlink(IMAGE, f.join("b.tif")).unwrap();
        }));
        cases.push(case("folders in a circle", None, |f| {
            fs::create_dir_all(f.join("x/y")).unwrap();
            symlink(f, f.join("x/y/z")).unwrap();
            symlink("..", f.join("x/up")).unwrap();
        }));
        cases.push(case("a link to a device", Some(IMAGE), |f| symlink("/dev/zero", f.join(IMAGE)).unwrap()));
        cases.push(case("a pipe", Some(IMAGE), |f| {
            let made = std::process::Command::new("mkfifo").arg(f.join(IMAGE)).status();
            assert!(made.is_ok_and(|s| s.success()), "mkfifo");
        }));
        cases.push(case("a name that is no text", None, |f| {
            use std::os::unix::ffi::OsStrExt;
            put(f, "x", "");
            fs::rename(f.join("x"), f.join(std::ffi::OsStr::from_bytes(b"a_20240812\xff.tif"))).unwrap();
        }));
    }
    cases
}

/// Peak of the process's memory, megabytes; 0 where the system does not tell.
fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Catalogues a folder and reads what it takes for an image, as the first steps of a comparison would.
fn try_all(folder: &Path) -> Vec<PathBuf> {
    let found = listed(folder);
    for capture in &found.captures {
        let (rows, cols) = capture.grid.shape();
        let Ok(mut image) = Image::open(capture) else { continue };
        for (row, col) in [(0, 0), (rows / 2, cols / 2), (rows.saturating_sub(512), cols.saturating_sub(512))]
        {
            let window = Window::new(row, col, 512.min(rows - row), 512.min(cols - col));
            let _ = image.read_gray(window);
        }
        let _ = image.read_rgb(Window::new(0, 0, rows.min(4096), cols.min(4096)), (64, 64));
    }
    for s in &found.skipped {
        assert!(s.reason.len() > 10 && !s.reason.ends_with('.') && !s.reason.contains('\n'), "{s:?}");
    }
    found.skipped.into_iter().map(|s| s.path).collect()
}

/// One test, so that its memory is its own.
#[test]
fn nothing_hostile_does_harm() {
    tiff(&tempfile::tempdir().unwrap().path().join(IMAGE), (0, 0), (64, 64), 1);
    let cases: Vec<Case> = cut().into_iter().chain(absurd()).chain(bombs()).collect();
    let (root, before) = (tempfile::tempdir().unwrap(), peak_mb());
    let (mut wrong, mut slowest) = (Vec::new(), Duration::ZERO);
    for (n, case) in cases.iter().enumerate() {
        let folder = root.path().join(format!("{n:03}"));
        fs::create_dir(&folder).unwrap();
        (case.make)(&folder);
        let (clock, memory) = (Instant::now(), peak_mb());
        let skipped = try_all(&folder);
        slowest = slowest.max(clock.elapsed());
        if clock.elapsed() > LONGEST {
            wrong.push(format!("{}: took {:?}", case.what, clock.elapsed()));
        }
        if peak_mb() > memory + MOST_MB / 2 {
            wrong.push(format!("{}: took {} MB", case.what, peak_mb() - memory));
        }
        if let Some(name) = case.named
            && !skipped.contains(&folder.join(name))
        {
            wrong.push(format!("{}: {name} is not named, but {skipped:?}", case.what));
        }
    }
    assert!(cases.len() >= 100);
    assert!(!Path::new("/tmp/owned").exists());
    let taken = peak_mb() - before;
    eprintln!("{} files, the slowest {slowest:?}, {taken} MB", cases.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(taken < MOST_MB, "{taken} MB");
    // All together as well: one file stops no other.
    let sound = root.path().join("sound_20240812.tif");
    tiff(&sound, (0, 0), (64, 64), 1);
    let found = listed(root.path());
    assert!(found.captures.iter().any(|c| c.path == sound));
    for (n, name) in cases.iter().enumerate().filter_map(|(n, c)| Some((n, c.named?))) {
        let path = root.path().join(format!("{n:03}")).join(name);
        assert!(found.skipped.iter().any(|s| s.path == path), "{}", path.display());
    }
}

/// A KMZ that unpacks to a gigabyte is refused before it is unpacked.
#[test]
fn an_archive_that_would_grow() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("front.kmz");
    zip_bomb(&path, 1 << 30);
    let clock = Instant::now();
    let error = ingest::read_vector(&path).unwrap_err();
    let said = format!(
        "{error}: {}",
        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
    );
    assert!(said.contains("unpack"), "{said}");
    assert!(clock.elapsed() < LONGEST);
}

/// An archive whose `doc.kml` says it unpacks to so many bytes. What it holds is not looked at.
fn zip_bomb(path: &Path, bytes: u32) {
    let (name, data) = (b"doc.kml", [3_u8, 0]);
    let mut file = fs::File::create(path).unwrap();
    let sizes = [0, data.len() as u32, bytes].map(u32::to_le_bytes).concat();
    let mut head = [0x04034b50_u32.to_le_bytes().to_vec(), vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0]].concat();
    head.extend(&sizes);
    head.extend([name.len() as u8, 0, 0, 0]);
    head.extend(name);
    head.extend(data);
    let mut list =
        [0x02014b50_u32.to_le_bytes().to_vec(), vec![20, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0]].concat();
    list.extend(&sizes);
    list.extend([name.len() as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    list.extend(name);
    let mut end = [0x06054b50_u32.to_le_bytes().to_vec(), vec![0, 0, 0, 0, 1, 0, 1, 0]].concat();
    end.extend((list.len() as u32).to_le_bytes());
    end.extend((head.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    for part in [head, list, end] {
        file.write_all(&part).unwrap();
    }
}
