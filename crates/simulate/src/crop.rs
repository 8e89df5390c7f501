//! What grows on a field, and what becomes of it from one date to the next.

use rand::Rng;

use crate::centreline::standard_normal;
use crate::sensor::Rgb;

/// State of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Cereal,
    Stubble,
    Ploughed,
    Disced,
    Maize,
    Sunflower,
    Leafy,
    Sprouts,
    Fallow,
    Grass,
    Mown,
}

/// How a field looks on one date.
#[derive(Clone, Debug)]
pub(crate) struct Crop {
    pub kind: Kind,
    pub seed: u32,
    /// Colour of the closed canopy or residue.
    pub canopy: Rgb,
    /// Colour of the bare soil.
    pub soil: Rgb,
    /// Share of the ground that the canopy hides.
    pub cover: f32,
    /// How much the cover varies from place to place.
    pub mottle: f32,
    /// Fine texture, as a share of the brightness.
    pub grain: f32,
    /// Strength of the unevenness at 1 to 15 m, as a share of the brightness.
    pub clutter: f32,
    /// Strength of winding lines, damp or washed, and of their darkness (negative) or paleness.
    pub veins: f32,
    /// Direction of the rows, cosine and sine.
    pub direction: (f64, f64),
    /// Plant rows or furrows: spacing, metres, and amplitude, grey levels.
    pub row_m: f64,
    pub row_amplitude: f32,
    /// Passes of the machine: width, metres; difference between passes and strength of the line between them.
    pub pass_m: f64,
    pub pass_tone: f32,
    pub pass_line: f32,
    /// Tram lines: spacing, metres (0: none), and strength.
    pub tram_m: f64,
    pub tram: f32,
    /// Direction of the tram lines, cosine and sine: that of the rows but where somebody drove across them.
    pub tram_direction: (f64, f64),
    /// Strip along the edge worked parallel to it, metres.
    pub headland_m: f64,
    /// Where the work came to a stand, metres across the rows: beyond it, the field is as it was before.
    pub until_m: Option<f64>,
}

impl Kind {
    /// A state that is likely on a day of the year.
    pub(crate) fn likely(rng: &mut impl Rng, day: u32) -> Self {
        use Kind::*;
        let table: &[(Kind, u32)] = match day {
            0..=120 => &[(Ploughed, 3), (Disced, 3), (Sprouts, 4), (Stubble, 1), (Fallow, 2), (Grass, 2)],
            121..=180 => &[
                (Leafy, 4),
                (Sprouts, 3),
                (Disced, 2),
                (Ploughed, 1),
                (Fallow, 1),
                (Grass, 2),
                (Mown, 1),
                (Maize, 1),
            ],
            181..=235 => &[
                (Cereal, 3),
                (Stubble, 4),
                (Maize, 2),
                (Sunflower, 3),
                (Leafy, 2),
                (Disced, 2),
                (Ploughed, 1),
                (Sprouts, 1),
                (Mown, 1),
                (Fallow, 1),
                (Grass, 2),
            ],
            236..=270 => &[
                (Stubble, 4),
                (Disced, 3),
                (Ploughed, 2),
                (Maize, 2),
                (Sunflower, 2),
                (Leafy, 1),
                (Fallow, 2),
                (Grass, 2),
            ],
            _ => {
                &[(Ploughed, 4), (Disced, 3), (Sprouts, 3), (Stubble, 2), (Maize, 1), (Fallow, 2), (Grass, 2)]
            }
        };
        let total: u32 = table.iter().map(|(_, n)| n).sum();
        let mut k = rng.random_range(0..total);
        for (kind, n) in table {
            if k < *n {
                return *kind;
            }
            k -= n;
        }
        Grass
    }

    /// What the state turns into when the field is worked.
    pub(crate) fn worked(self, rng: &mut impl Rng) -> Self {
        use Kind::*;
        match self {
            Leafy if rng.random::<f32>() < 0.3 => Mown,
            Cereal | Maize | Leafy => Stubble,
            Sunflower => {
                if rng.random() {
                    Stubble
                } else {
                    Disced
                }
            }
            Stubble => {
                if rng.random() {
                    Disced
                } else {
                    Ploughed
                }
            }
            Ploughed => Disced,
            Disced => {
                if rng.random::<f32>() < 0.6 {
                    Sprouts
                } else {
                    Ploughed
                }
            }
            Sprouts => Leafy,
            Fallow => Disced,
            Grass => Mown,
            Mown => Grass,
        }
    }

    /// Whether the work was done in passes side by side, so that it can come to a stand between two.
    fn is_in_passes(self) -> bool {
        !matches!(self, Self::Fallow | Self::Grass | Self::Sprouts | Self::Leafy)
    }

    fn is_bare(self) -> bool {
        matches!(self, Self::Ploughed | Self::Disced | Self::Sprouts)
    }
}

/// A colour times a factor, with a little drift of each band.
pub(crate) fn drifted(rng: &mut impl Rng, colour: Rgb, share: f32) -> Rgb {
    let common = 1.0 + share * rng.random_range(-1.0_f32..1.0);
    colour.map(|v| v * (common + 0.2 * share * rng.random_range(-1.0_f32..1.0)))
}

impl Crop {
    /// A crop of `kind` on `soil`, with rows in the direction of `angle` (radians).
    pub(crate) fn new(rng: &mut impl Rng, kind: Kind, soil: Rgb, angle: f64) -> Self {
        use Kind::*;
        let (canopy, cover, mottle): (Rgb, f32, f32) = match kind {
            Cereal => ([170.0, 152.0, 108.0], 0.85, 0.22),
            Stubble => ([176.0, 160.0, 122.0], 0.72, 0.25),
            Ploughed => ([120.0, 112.0, 90.0], 0.04, 0.05),
            Disced => ([152.0, 138.0, 108.0], 0.18, 0.16),
            Maize => ([70.0, 92.0, 50.0], 0.9, 0.16),
            Sunflower => ([98.0, 110.0, 62.0], 0.85, 0.2),
            Leafy => ([78.0, 108.0, 54.0], 0.88, 0.2),
            Sprouts => ([88.0, 112.0, 62.0], 0.5, 0.25),
            Fallow => ([124.0, 122.0, 82.0], 0.72, 0.5),
            Grass => ([100.0, 110.0, 68.0], 0.82, 0.4),
            Mown => ([126.0, 130.0, 82.0], 0.8, 0.25),
        };
        // Light from hedge to hedge: chernozem dries paler at the top.
        let soil = drifted(rng, soil, 0.11);
        // What was just turned is damp; some fields are redder than others.
        let damp = if kind == Ploughed { rng.random_range(0.74..1.0) } else { rng.random_range(0.9..1.04) };
        let warm: f32 = rng.random_range(-0.03..0.05);
        let soil = [soil[0] * damp * (1.0 + warm), soil[1] * damp, soil[2] * damp * (1.0 - 1.5 * warm)];
        let (row_m, row_amplitude) = match kind {
            Maize | Sunflower => (rng.random_range(0.68..0.76), rng.random_range(4.0..12.0)),
            Leafy => (rng.random_range(0.45..0.55), rng.random_range(0.0..6.0)),
            Ploughed => (rng.random_range(1.4..3.6), rng.random_range(1.5..6.0)),
            Disced => (rng.random_range(0.9..2.5), rng.random_range(0.5..2.5)),
            Stubble => (rng.random_range(0.7..1.6), rng.random_range(0.5..2.5)),
            _ => (rng.random_range(0.7..1.5), rng.random_range(0.0..1.2)),
        };
        let worked = !matches!(kind, Fallow | Grass);
        let pass_line = match kind {
            Stubble => rng.random_range(0.03..0.22),
            Grass | Fallow => 0.0,
            // Hay in rows, drying pale or still green.
            Mown => rng.random_range(-0.12..0.2),
            _ => rng.random_range(0.0..0.07),
        };
        Self {
            kind,
            seed: rng.random(),
            canopy: drifted(rng, canopy, 0.1),
            soil,
            cover: (cover + rng.random_range(-0.1..0.06)).clamp(0.02, 0.97),
            mottle: mottle * rng.random_range(0.6..1.4),
            grain: rng.random_range(0.03..0.075) * if kind.is_bare() { 1.2 } else { 1.0 },
            clutter: 0.13 * (0.55 * standard_normal(rng)).exp().clamp(0.4, 2.4) as f32,
            veins: 0.16 * standard_normal(rng).clamp(-2.0, 2.0) as f32,
            direction: (angle.cos(), angle.sin()),
            row_m,
            row_amplitude,
            pass_m: if kind == Stubble { rng.random_range(5.5..9.0) } else { rng.random_range(3.0..8.0) },
            pass_tone: match kind {
                Mown => rng.random_range(0.03..0.09),
                _ if worked => rng.random_range(0.01..0.06),
                _ => 0.0,
            },
            pass_line,
            tram_m: match kind {
                Cereal | Leafy | Sprouts if rng.random::<f32>() < 0.75 => rng.random_range(18.0..36.0),
                Stubble | Sunflower if rng.random::<f32>() < 0.4 => rng.random_range(18.0..36.0),
                _ => 0.0,
            },
            tram: rng.random_range(0.2..0.6),
            tram_direction: (angle.cos(), angle.sin()),
            headland_m: if worked { rng.random_range(8.0..20.0) } else { 0.0 },
            until_m: None,
        }
    }

    /// Whether wheel lines were driven between another date of the same field and this one.
    pub(crate) fn driven_since(&self, before: &Self) -> bool {
        self.seed == before.seed && self.tram_m > 0.0 && self.tram_m != before.tram_m
    }

    /// This work come to a stand somewhere between `least_m` and `most_m` across its rows, now and then.
    pub(crate) fn unfinished(mut self, rng: &mut impl Rng, (least_m, most_m): (f64, f64)) -> Self {
        let wide = most_m - least_m;
        if self.kind.is_in_passes() && wide > 40.0 && rng.random::<f64>() < 0.25 {
            let until = least_m + wide * rng.random_range(0.15..0.85);
            self.until_m = Some((until / self.pass_m).round() * self.pass_m);
        }
        self
    }

    /// The same crop somewhat later: drier or greener, trodden or grown.
    pub(crate) fn aged(&self, rng: &mut impl Rng) -> Self {
        let mut later = self.clone();
        // Sprayed, spread or carted over: wheel lines that were not there, one in four across the rows or aslant.
        if !matches!(self.kind, Kind::Grass | Kind::Maize) && rng.random::<f64>() < 0.12 {
            let turn = [0.0, 0.0, 0.0, 1.0][rng.random_range(0..4)] * rng.random_range(0.2..1.57);
            let (s, c) = self.direction.1.atan2(self.direction.0).sin_cos();
            let (ts, tc) = f64::sin_cos(turn);
            later.tram_direction = (c * tc - s * ts, s * tc + c * ts);
            later.tram_m = rng.random_range(12.0..36.0);
            later.tram = rng.random_range(0.15..0.6);
        }
        Self {
            canopy: drifted(rng, self.canopy, 0.06),
            soil: drifted(rng, self.soil, 0.06),
            cover: (self.cover + rng.random_range(-0.06..0.04)).clamp(0.02, 0.97),
            clutter: self.clutter * rng.random_range(0.8..1.25),
            veins: self.veins * rng.random_range(0.5..1.3),
            ..later
        }
    }
}
