//! What may be asked of a scene.

use chrono::{DateTime, TimeZone, Utc};
use serde::{Deserialize, Serialize};

use crate::ard::TILE_SIDE_M;
use crate::ground::Soil;
use crate::noise::unit;
use crate::{Error, Result};

/// Most works, or look-alikes, of one kind.
const MOST: usize = 500;
/// Ground on which the numbers of works of the defaults stand, km².
const COUNTED_KM2: f64 = 0.5;

/// What may be asked of a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Everything random follows from it. The default draws every kind of earthwork and distractor.
    pub seed: u64,
    /// Side of the image, pixels: 128 to 17,408 (a whole ARD tile).
    pub size_px: usize,
    /// Number of dates, 2 to 12.
    pub dates: usize,
    /// Pixel size, metres, 0.3 to 1. The default is that of Maxar's ARD.
    pub gsd_m: f64,
    /// Bits of a grey level, 8 or 11.
    pub bits: u32,
    /// Time of the first date; drawn from the seed, between March and October, where absent. The sun follows
    /// from it. The default is the week before the press showed the works at Lgov.
    pub start: Option<DateTime<Utc>>,
    /// Days from one date to the next, 1 to 366.
    pub interval_days: u32,
    /// No earthworks, old or new: only what looks alike.
    pub quiet: bool,
    /// New trenches over all dates, up to 500.
    pub trenches: usize,
    /// New anti-vehicle ditches over all dates, up to 500.
    pub ditches: usize,
    /// Earthworks that are there from the first date on, and so are no truth, up to 500.
    pub old_works: usize,
    /// New lines that are no earthworks (wheel tracks, pipelines, paths), up to 500.
    pub distractors: usize,
    /// Share of the fields that are harvested, ploughed or sown from one date to the next, 0 to 1.
    pub field_change: f64,
    /// Bare soil; drawn from the seed where absent, dark ones more often.
    pub soil: Option<Soil>,
    /// Share of the works that lie in a band of turned soil of its own colour, from chernozem to chalk, and of the
    /// pipelines and roads among the look-alikes that do, 0 to 1.
    pub turned_share: f64,
    /// Share of the trench systems whose trunk runs as straight as a surveyed line, 0 to 1; of digitised trenches 0.03 do.
    pub straight_share: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 261,
            size_px: 1536,
            dates: 2,
            gsd_m: 0.305,
            bits: 8,
            start: Utc.with_ymd_and_hms(2024, 8, 5, 8, 41, 12).single(),
            interval_days: 7,
            quiet: false,
            trenches: 5,
            ditches: 2,
            old_works: 1,
            distractors: 6,
            field_change: 0.35,
            soil: None,
            turned_share: 0.0,
            straight_share: 0.0,
        }
    }
}

impl Options {
    /// Options that vary with `seed` in everything the defaults hold fixed: season and so the sun (about 25° to
    /// 60° high), time between the dates, numbers of lines. For calibrating a detector.
    pub fn varied(seed: u64) -> Self {
        let u = |k: i32| f64::from(unit((seed ^ (seed >> 32)) as u32 ^ 0x0b71_0e55, k, 0));
        Self {
            seed,
            start: None,
            interval_days: 3 + (u(1) * u(1) * 60.0) as u32,
            trenches: 4 + (u(2) * 5.0) as usize,
            ditches: 1 + (u(3) * 3.0) as usize,
            old_works: (u(4) * 3.0) as usize,
            distractors: 3 + (u(5) * 8.0) as usize,
            field_change: 0.1 + 0.6 * u(6),
            ..Self::default()
        }
    }

    /// These options for a scene of `size_px` pixels of `gsd_m`: beyond half a square kilometre, works and look-alikes
    /// grow in number with the area, old works with them.
    pub fn sized(self, size_px: usize, gsd_m: f64) -> Self {
        let area_km2 = (size_px as f64 * gsd_m / 1000.0).powi(2);
        let times = (area_km2 / COUNTED_KM2).max(1.0);
        let number = |n: usize, most: usize| ((n as f64 * times).round() as usize).min(most);
        Self {
            size_px,
            gsd_m,
            trenches: number(self.trenches, MOST),
            ditches: number(self.ditches, MOST),
            old_works: number(self.old_works, MOST),
            distractors: number(self.distractors, MOST),
            ..self
        }
    }

    /// Side of the scene, metres.
    pub fn side_m(&self) -> f64 {
        self.size_px as f64 * self.gsd_m
    }

    /// Nothing where every option lies in its range.
    ///
    /// # Errors
    /// [`Error::Option`] with the range, [`Error::TooWide`] where the scene is wider than an ARD tile.
    pub fn validate(&self) -> Result<()> {
        let check = |option, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                Ok(())
            } else {
                Err(Error::Option { option, value, least, most })
            }
        };
        check("size_px", self.size_px as f64, 128.0, 17_408.0)?;
        check("dates", self.dates as f64, 2.0, 12.0)?;
        check("gsd_m", self.gsd_m, 0.3, 1.0)?;
        if !matches!(self.bits, 8 | 11) {
            return Err(Error::Bits { bits: self.bits });
        }
        check("interval_days", f64::from(self.interval_days), 1.0, 366.0)?;
        check("trenches", self.trenches as f64, 0.0, MOST as f64)?;
        check("ditches", self.ditches as f64, 0.0, MOST as f64)?;
        check("old_works", self.old_works as f64, 0.0, MOST as f64)?;
        check("distractors", self.distractors as f64, 0.0, MOST as f64)?;
        check("field_change", self.field_change, 0.0, 1.0)?;
        check("turned_share", self.turned_share, 0.0, 1.0)?;
        check("straight_share", self.straight_share, 0.0, 1.0)?;
        if self.side_m() > TILE_SIDE_M {
            return Err(Error::TooWide { side_m: self.side_m(), limit_m: TILE_SIDE_M });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_grow_in_number_with_the_area() {
        let count = |o: &Options| [o.trenches, o.ditches, o.old_works, o.distractors];
        let small = Options::default().sized(1536, 0.305);
        assert_eq!(small, Options::default());
        // 0.5 m: 1 km², twice the ground of the defaults.
        assert_eq!(count(&Options::default().sized(2000, 0.5)), [10, 4, 2, 12]);
        let tile = Options::default().sized(17_408, 0.305);
        assert_eq!(count(&tile), [282, 113, 56, 338]);
        assert!(tile.validate().is_ok());
    }

    #[test]
    fn unknown_options_and_wrong_ranges_are_refused() {
        assert!(serde_json::from_str::<Options>(r#"{"sede": 4}"#).is_err());
        let few: Options = serde_json::from_str(r#"{"seed": 4}"#).unwrap();
        assert_eq!(few.size_px, 1536);
        assert!(matches!(
            Options { gsd_m: 2.0, ..few.clone() }.validate(),
            Err(Error::Option { option: "gsd_m", .. })
        ));
        assert!(matches!(
            Options { size_px: 17_408, gsd_m: 0.5, ..few.clone() }.validate(),
            Err(Error::TooWide { .. })
        ));
        assert!(matches!(Options { bits: 12, ..few.clone() }.validate(), Err(Error::Bits { bits: 12 })));
        assert!(few.validate().is_ok() && Options::varied(9).validate().is_ok());
    }
}
