//! The lines on the ground of a scene, earthworks among them, and what they make of its colour.

use crate::earthwork::{Dug, Earthwork};
use crate::index::Index;
use crate::light::Sun;
use crate::linework::{Kind, Line};
use crate::place::{Foot, Place, foot};
use crate::sensor::Rgb;
use crate::truth::{Style, TruthLine};

/// Most segments of lines that are looked at for one pixel.
pub(crate) const NEAREST: usize = 64;

/// How far from a place roads, railways and streams are known, metres.
pub(crate) const WAYS_M: f64 = 32.0;

/// Earthworks of which less is dug are not there yet, metres.
const LEAST_M: f64 = 3.0;

/// Segments near a place: number of the line, number of the segment.
pub(crate) type Near = [(u32, u32); NEAREST];

/// All lines of a scene.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub lines: Vec<Line>,
    pub works: Vec<Earthwork>,
    distractors: Vec<(usize, Style)>,
    index: Index<(u32, u32)>,
    ways: Index<(u32, u32)>,
}

impl Layer {
    pub(crate) fn new() -> Self {
        Self {
            lines: Vec::new(),
            works: Vec::new(),
            distractors: Vec::new(),
            index: Index::new(1.0, 0.0, &[]),
            ways: Index::new(1.0, 0.0, &[]),
        }
    }

    /// Adds a line that is no earthwork. One of fewer than two points is left out.
    pub(crate) fn add(&mut self, line: Line) {
        if line.points.len() > 1 {
            self.lines.push(line);
        }
    }

    /// Adds a line that looks like an earthwork and is none.
    pub(crate) fn add_distractor(&mut self, line: Line, style: Style) {
        if line.points.len() > 1 {
            self.distractors.push((self.lines.len(), style));
            self.lines.push(line);
        }
    }

    /// Adds an earthwork along a line whose kind is [`Kind::Work`] of the number of works so far.
    pub(crate) fn add_work(&mut self, line: Line, work: Earthwork) {
        self.works.push(work);
        self.lines.push(line);
    }

    /// Enters all lines into the index: the square from `-margin_m` to `side_m + margin_m`.
    pub(crate) fn seal(&mut self, side_m: f64, margin_m: f64) {
        let entries = |reach_m: &dyn Fn(&Line) -> Option<f64>| -> Vec<_> {
            let lines = self.lines.iter().enumerate();
            lines
                .filter_map(|(k, line)| reach_m(line).map(|reach| (k, line, reach)))
                .flat_map(|(k, line, reach)| {
                    line.points.windows(2).enumerate().map(move |(segment, w)| {
                        let least = Place::new(w[0].x.min(w[1].x) - reach, w[0].y.min(w[1].y) - reach);
                        let most = Place::new(w[0].x.max(w[1].x) + reach, w[0].y.max(w[1].y) + reach);
                        (least, most, (k as u32, segment as u32))
                    })
                })
                .collect()
        };
        let shown = entries(&|line| Some(line.reach_m + 1.5));
        let ways = entries(&|line| {
            matches!(line.kind, Kind::Road { .. } | Kind::Railway | Kind::Stream { .. }).then_some(WAYS_M)
        });
        self.index = Index::new(side_m, margin_m, &shown);
        self.ways = Index::new(side_m, margin_m, &ways);
    }

    /// Roads, railways and streams within [`WAYS_M`] of a place, with the distance to their middle, metres; one may
    /// come more than once. None before [`Layer::seal`].
    pub(crate) fn ways(&self, p: Place) -> impl Iterator<Item = (&Line, f64)> {
        self.ways.near(p).iter().map(move |&(k, segment)| {
            let line = &self.lines[k as usize];
            let (a, b) = (line.points[segment as usize], line.points[segment as usize + 1]);
            (line, foot(p, a, b).t.abs())
        })
    }

    /// Whether a road, a railway or a stream takes the ground within `away_m` of a place, see [`Layer::ways`].
    pub(crate) fn on_way(&self, p: Place, away_m: f64) -> bool {
        self.ways(p).any(|(line, distance_m)| {
            let half_m = match line.kind {
                Kind::Road { half_m, .. } => half_m,
                Kind::Stream { half_m, swing_m } => half_m + swing_m,
                Kind::Railway => 3.0,
                _ => return false,
            };
            distance_m < half_m + away_m
        })
    }

    /// Puts the segments that show within `rim_m` of a place on a date into `out`, each line's together, and
    /// returns their number.
    pub(crate) fn near(&self, date: usize, p: Place, rim_m: f64, out: &mut Near) -> usize {
        let mut n = 0;
        for &(k, segment) in self.index.near(p) {
            let line = &self.lines[k as usize];
            let (a, b) = (line.points[segment as usize], line.points[segment as usize + 1]);
            if line.since <= date && foot(p, a, b).t.abs() < line.reach_m + rim_m && n < NEAREST {
                out[n] = (k, segment);
                n += 1;
            }
        }
        n
    }

    /// What the lines make of the ground at a place; `near` holds the segments of each line together.
    pub(crate) fn over(&self, date: usize, sun: &Sun, near: &[(u32, u32)], p: Place, ground: Rgb) -> Rgb {
        let mut colour = ground;
        let mut dug: Option<Dug> = None;
        let mut rest = near;
        while let Some(&(k, _)) = rest.first() {
            let n = rest.iter().take_while(|s| s.0 == k).count();
            let (own, others) = rest.split_at(n);
            rest = others;
            let line = &self.lines[k as usize];
            let mut best: Option<(Foot, f64)> = None;
            for &(_, segment) in own {
                let segment = segment as usize;
                let f = foot(p, line.points[segment], line.points[segment + 1]);
                if best.is_none_or(|(b, _)| f.t.abs() < b.t.abs()) {
                    best = Some((f, line.gone[segment] + f.along));
                }
            }
            if let Some((f, s)) = best.filter(|(f, _)| f.t.abs() < line.reach_m) {
                match line.kind {
                    Kind::Work(w) => {
                        let this =
                            self.works[w].over(&f, s, (line.shown_m(date), line.joined), p, sun, colour);
                        dug = Some(dug.map_or(this, |other| other.with(this, colour)));
                    }
                    _ => colour = line.over(date, &f, s, p, sun, colour),
                }
            }
        }
        dug.map_or(colour, |d| d.colour)
    }

    /// The earthworks that are there on a date and were not on the first, in pixels of `pixel_m`, as far as they
    /// were dug.
    pub(crate) fn truth(&self, date: usize, pixel_m: f64) -> Vec<TruthLine> {
        self.lines
            .iter()
            .filter(|l| l.since > 0 && l.since <= date && l.shown_m(date) >= LEAST_M)
            .filter_map(|line| match line.kind {
                Kind::Work(k) => {
                    let work = &self.works[k];
                    Some(TruthLine {
                        class: work.class,
                        width_m: work.width_m,
                        depth_m: work.depth_m,
                        contrast: Some(work.contrast),
                        ..truth_line(line, work.style, date, pixel_m)
                    })
                }
                _ => None,
            })
            .collect()
    }

    /// The new lines of a date that are no earthworks.
    pub(crate) fn distractors(&self, date: usize, pixel_m: f64) -> Vec<TruthLine> {
        self.distractors
            .iter()
            .map(|&(k, style)| (&self.lines[k], style))
            .filter(|(line, _)| line.since <= date)
            .map(|(line, style)| TruthLine {
                width_m: line.width_m(),
                ..truth_line(line, style, date, pixel_m)
            })
            .collect()
    }
}

/// A line as truth: a distractor of no width, to be completed.
fn truth_line(line: &Line, style: Style, date: usize, pixel_m: f64) -> TruthLine {
    TruthLine::change(style, &line.points_on(date), 0.0, line.since, pixel_m)
}
