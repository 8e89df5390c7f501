//! A crest of the nearness and what the network says there, small: a tile of 17,408 px has more than a million.

use domain::Pixel;

use crate::{line_gain::Point, net::KINDS};

/// A crest of the nearness, in pixels of the look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crest {
    /// Where it lies, how near, and along which direction it runs.
    pub point: Point,
    /// Rows and columns from the pixel that its point lies in to the one that it was found at.
    aside: (i8, i8),
    work: Share,
    other: Share,
    drain_share: Share,
    ditch: Steps<256>,
    log_width: Steps<4096>,
    /// Of each kind, by how many eighths its logarithm is below that of the likeliest.
    kinds: [u8; KINDS],
}

/// What the network says of a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// Nearness to an earthwork, 0–1.
    pub work: f32,
    /// Nearness to another new line, 0–1.
    pub other: f32,
    /// The share of pipelines and drains in that, 0–1.
    pub drain_share: f32,
    /// Log-odds of a ditch.
    pub ditch: f32,
    /// Logarithm of the width, metres.
    pub log_width: f32,
    /// Of each kind, the logarithm of how likely it is, but for a constant.
    pub kinds: [f32; KINDS],
}

/// Steps in 1 of [`Crest::kinds`].
const KIND_STEPS: f32 = 8.0;

impl Crest {
    /// The crest found at `pixel`, `(row, col)` of the look, which lies at `point`, less than a pixel from there.
    pub fn new(pixel: (usize, usize), point: Point, said: &Said) -> Self {
        let aside = |pixel: usize, at: f32| (pixel as i64 - i64::from(floor(at))) as i8;
        let likeliest = said.kinds.iter().fold(f32::MIN, |m, &v| if v > m { v } else { m });
        Self {
            point,
            aside: (aside(pixel.0, point.row), aside(pixel.1, point.col)),
            work: Share::of(said.work),
            other: Share::of(said.other),
            drain_share: Share::of(said.drain_share),
            ditch: Steps::of(said.ditch),
            log_width: Steps::of(said.log_width),
            kinds: said.kinds.map(|v| ((likeliest - v) * KIND_STEPS).round() as u8),
        }
    }

    /// The pixel that it was found at, `(row, col)` of the look.
    pub fn pixel(&self) -> (u32, u32) {
        let at = |v: f32, aside: i8| floor(v).saturating_add_signed(i32::from(aside));
        (at(self.point.row, self.aside.0), at(self.point.col, self.aside.1))
    }

    /// Where it lies, pixels of the look.
    pub fn place(&self) -> Pixel {
        Pixel { row: f64::from(self.point.row), col: f64::from(self.point.col) }
    }

    /// Nearness to an earthwork at the pixel.
    pub fn work(&self) -> f32 {
        self.work.value()
    }

    /// Nearness to another new line there.
    pub fn other(&self) -> f32 {
        self.other.value()
    }

    /// The part of that which is of pipelines and drains.
    pub fn drain(&self) -> f32 {
        self.other.value() * self.drain_share.value()
    }

    /// Log-odds of a ditch.
    pub fn ditch(&self) -> f32 {
        self.ditch.value()
    }

    /// Logarithm of the width, metres.
    pub fn log_width(&self) -> f32 {
        self.log_width.value()
    }

    /// Of each kind, the logarithm of how likely it is beside the likeliest.
    pub fn kinds(&self) -> [f32; KINDS] {
        self.kinds.map(|below| -f32::from(below) / KIND_STEPS)
    }
}

fn floor(v: f32) -> u32 {
    v.max(0.0) as u32
}

/// 0–1, in 65,535ths.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share(u16);

impl Share {
    fn of(v: f32) -> Self {
        Self((v * f32::from(u16::MAX)).round() as u16)
    }

    fn value(self) -> f32 {
        f32::from(self.0) / f32::from(u16::MAX)
    }
}

/// A number, in `N`ths.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Steps<const N: u16>(i16);

impl<const N: u16> Steps<N> {
    fn of(v: f32) -> Self {
        Self((v * f32::from(N)).round() as i16)
    }

    fn value(self) -> f32 {
        f32::from(self.0) / f32::from(N)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Said {
        let kinds = [-3.0, 0.5, -900.0, 2.25, 0.0, 1.0, -1.5, 2.0];
        Said { work: 0.731, other: 0.2, drain_share: 0.9, ditch: -4.56, log_width: 1.4f32.ln(), kinds }
    }

    #[test]
    fn what_was_said_is_kept() {
        let said = said();
        let crest = Crest::new((7, 9), Point { row: 7.4, col: 9.2, gain: 0.5, direction: 3 }, &said);
        let near = |a: f32, b: f32, within: f32| assert!((a - b).abs() <= within, "{a} for {b}");
        near(crest.work(), said.work, 1e-5);
        near(crest.other(), said.other, 1e-5);
        near(crest.drain(), said.other * said.drain_share, 1e-5);
        near(crest.ditch(), said.ditch, 0.002);
        near(crest.log_width(), said.log_width, 2e-4);
        // Beside the likeliest, and no less than a 32nd power of e below it.
        for (told, is) in crest.kinds().iter().zip(said.kinds) {
            near(*told, (is - 2.25f32).max(-31.875), 0.0625);
        }
    }

    #[test]
    fn values_beyond_their_range_end_at_it() {
        let wild =
            Said { work: 1.5, other: -0.5, drain_share: f32::NAN, ditch: 1e9, log_width: -1e9, ..said() };
        let crest = Crest::new((0, 0), Point { row: 0.0, col: 0.0, gain: 0.5, direction: 0 }, &wild);
        assert_eq!((crest.work(), crest.other(), crest.drain()), (1.0, 0.0, 0.0));
        assert!(crest.ditch() > 127.0 && crest.log_width() < -7.9);
    }

    #[test]
    fn the_pixel_is_the_one_it_was_found_at() {
        for (pixel, row, col) in
            [((5, 8), 5.5, 8.5), ((5, 8), 4.9, 9.1), ((5, 8), 6.1, 7.9), ((0, 1), 0.0, 2.05)]
        {
            let crest = Crest::new(pixel, Point { row, col, gain: 0.5, direction: 0 }, &said());
            assert_eq!(crest.pixel(), (pixel.0 as u32, pixel.1 as u32), "{row}, {col}");
        }
        assert_eq!(size_of::<Crest>(), 36);
    }
}
