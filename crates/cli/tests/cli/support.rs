//! A folder of small images, and the built binary to try on them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Side of the images, pixels.
pub const SIDE: u32 = 160;

/// How a small TIFF is to be.
#[derive(Clone, Copy)]
pub struct Tiff {
    /// Easting of its left edge, metres; it lies at Lgov in UTM 36N, in pixels of 0.5 m.
    pub east: f64,
    /// Has it a geotransform?
    pub placed: bool,
    /// Has it a CRS?
    pub crs: bool,
    /// Has it any pixel but nodata?
    pub blank: bool,
    /// A dark line across it.
    pub dug: bool,
}

impl Default for Tiff {
    fn default() -> Self {
        Self { east: 655_000.0, placed: true, crs: true, blank: false, dug: false }
    }
}

impl Tiff {
    /// The bytes of the file: one uncompressed band of 8 bits in one strip, nodata 0.
    pub fn bytes(&self) -> Vec<u8> {
        let mut entries: Vec<(u16, u16, Vec<u8>)> = vec![
            (256, 4, SIDE.to_le_bytes().into()),
            (257, 4, SIDE.to_le_bytes().into()),
            (258, 3, 8_u16.to_le_bytes().into()),
            (259, 3, 1_u16.to_le_bytes().into()),
            (262, 3, 1_u16.to_le_bytes().into()),
            (273, 4, 8_u32.to_le_bytes().into()),
            (277, 3, 1_u16.to_le_bytes().into()),
            (278, 4, SIDE.to_le_bytes().into()),
            (279, 4, (SIDE * SIDE).to_le_bytes().into()),
        ];
        let doubles = |v: &[f64]| v.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        if self.placed {
            entries.push((33550, 12, doubles(&[0.5, 0.5, 0.0])));
            entries.push((33922, 12, doubles(&[0.0, 0.0, 0.0, self.east, 5_727_000.0, 0.0])));
        }
        if self.crs {
            // Projected, pixels are areas, EPSG:32636.
            let keys: [u16; 16] = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32636];
            entries.push((34735, 3, keys.iter().flat_map(|v| v.to_le_bytes()).collect()));
        }
        entries.push((42113, 2, b"0\0".to_vec()));
        let mut out = b"II*\0".to_vec();
        out.extend((8 + SIDE * SIDE).to_le_bytes());
        out.extend((0..SIDE * SIDE).map(|i| self.pixel(i / SIDE, i % SIDE)));
        let mut far = out.len() as u32 + 2 + 12 * entries.len() as u32 + 4;
        let (mut directory, mut data) = ((entries.len() as u16).to_le_bytes().to_vec(), Vec::new());
        for (tag, kind, value) in entries {
            let size = match kind {
                2 => 1,
                3 => 2,
                4 => 4,
                _ => 8,
            };
            directory.extend(tag.to_le_bytes());
            directory.extend(kind.to_le_bytes());
            directory.extend((value.len() as u32 / size).to_le_bytes());
            if value.len() <= 4 {
                directory.extend(value.iter().copied().chain([0; 4]).take(4));
            } else {
                directory.extend(far.to_le_bytes());
                far += value.len() as u32;
                data.extend(value);
            }
        }
        out.extend(directory);
        out.extend([0; 4]);
        out.extend(data);
        out
    }

    /// Clods of earth, the same on every date.
    fn pixel(&self, row: u32, col: u32) -> u8 {
        if self.blank {
            return 0;
        }
        let clod = |n: u32| {
            let h = (row / n).wrapping_mul(0x9e37_79b1) ^ (col / n).wrapping_mul(0x85eb_ca77);
            let h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
            (h ^ (h >> 13)) % 12
        };
        let ground = 110 + clod(3) + clod(7) + clod(19);
        // Legs of 8 m, three to one: what runs straight as a ruler is a drain.
        let leg = (col + 8) % 32;
        let middle = 76 + if leg < 16 { 6 * leg / 16 } else { 6 * (32 - leg) / 16 };
        let trench = self.dug && (middle - 1..middle + 2).contains(&row) && (20..140).contains(&col);
        (if trench { ground - 50 } else { ground }) as u8
    }
}

/// A folder that goes when the test ends.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with a pair of images in `images` and a front line in `front.geojson`.
    pub fn with_pair() -> Self {
        let folder = Self::new();
        folder.image("2024-08-05", Tiff::default());
        folder.image("2024-08-12", Tiff { dug: true, ..Tiff::default() });
        folder.write(
            "front.geojson",
            r#"{"type": "Feature", "properties": {"date": "2024-08-12", "class": "claimed", "source": "a test"},
                "geometry": {"type": "LineString", "coordinates": [[35.0, 51.5], [35.5, 51.5]]}}"#,
        );
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes `images/{name}.tif`.
    pub fn image(&self, name: &str, tiff: Tiff) {
        self.write(&format!("images/{name}.tif"), tiff.bytes());
    }

    /// Runs `fosse` in the folder.
    pub fn fosse(&self, args: &[&str]) -> Ended {
        let output = Command::new(fosse()).args(args).current_dir(self.0.path()).output().unwrap();
        Ended::of(&output)
    }

    /// `fosse survey images --front front.geojson --out out` and what is added.
    pub fn survey(&self, more: &[&str]) -> Ended {
        let args = ["survey", "images", "--front", "front.geojson", "--out", "out", "--threads", "1"];
        self.fosse(&[&args[..], more].concat())
    }

    /// `out/run.json`.
    pub fn run(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path("out/run.json")).unwrap()).unwrap()
    }
}

/// The built binary.
pub fn fosse() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_fosse"))
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Nothing was done, and the only line that says `error` holds all of `words`.
    pub fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:?}");
        let errors: Vec<&str> = self.stderr.lines().filter(|l| l.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{self:?}");
        assert_eq!(self.stderr.lines().last(), errors.first().copied(), "{self:?}");
        for word in words {
            assert!(errors[0].contains(word), "{word:?} is not in {}", errors[0]);
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}
