//! Two runs side by side: what is new, what is gone, what grew, and of what neither can be said.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use domain::Earthwork;
use geo_types::LineString;
use serde::Serialize;

use crate::CoverageFeature;
use crate::distance::PieceTree;
use crate::earth::{PIECE_M, Piece, distance2, pieces};
use crate::earthworks::rfc3339;
use crate::geojson::rounded;
use crate::looked::{Interval, Look, Looked, ground, times};
use crate::words;

/// A point of one run's line this near to a line of the other's is on it, metres: wider than two traces of one
/// trench ever differ, narrower than the gap between two trenches.
const NEAR_M: f64 = 5.0;
/// Spacing of the points that are looked at, metres.
const STEP_M: f64 = 2.0;
/// A line of which less than this share is in the other run is not in it.
const SHARE: f64 = 0.3;
/// A line that is longer by less than this is as long, metres.
const MORE_M: f64 = 10.0;
/// A line of which the other run assessed less than this share was not looked at by it.
const LOOKED: f64 = 0.5;
/// Assessed areas that differ by less than this share of the larger are told as the same: blocks at the edges of images.
const SAME_GROUND: f64 = 0.01;

/// A finished run, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listed<'a> {
    /// What it lists.
    pub works: &'a [Earthwork],
    /// What it looked at; `None` where that is not known.
    pub coverage: Option<&'a [CoverageFeature]>,
}

/// An earthwork of one run against the other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// Its id.
    pub id: String,
    /// `trench`, `anti_vehicle_ditch`.
    pub class: &'static str,
    /// Length, metres.
    pub length_m: f64,
    /// How much of that the other run has too, metres.
    pub shared_m: f64,
    /// How much of that the other run has not and could not have, metres: it did not assess the ground, or not at these dates, or
    /// what it assessed is not known.
    pub unsaid_m: f64,
    /// The last image without it.
    pub earlier: String,
    /// The first image with it.
    pub later: String,
    /// The same in words: `between 5 and 12 August 2024`.
    pub dug: String,
}

/// Two runs side by side.
///
/// Each work of the second run is in one of `new`, `longer`, `same`, `not_looked_at_before`, `stood_before` and
/// `not_listed_before`; each of the first that the second does not list in one of `gone`, `not_looked_at_again`, `other_dates` and
/// `not_listed_again`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// In the second run only, where the first assessed at least half of the line, on images from before it was dug.
    pub new: Vec<Compared>,
    /// In the first only, where the second assessed at least half of the line by pairs whose dates overlap with its own.
    pub gone: Vec<Compared>,
    /// In both, in the second with at least 10 m that the first has not though it assessed that ground, or may have.
    pub longer: Vec<Compared>,
    /// In both, about the same.
    pub same: Vec<Compared>,
    /// In the second only, on ground that the first did not assess: it may be old.
    pub not_looked_at_before: Vec<Compared>,
    /// In the first only, on ground that the second did not assess: it may be there still.
    pub not_looked_at_again: Vec<Compared>,
    /// In the second only, and dug before the first image that the first run has of that ground: it stood there on all of them.
    pub stood_before: Vec<Compared>,
    /// In the first only, on ground that the second assessed only by pairs of other dates: it was no news to them.
    pub other_dates: Vec<Compared>,
    /// In the second only, where nobody knows what the first looked at.
    pub not_listed_before: Vec<Compared>,
    /// In the first only, where nobody knows what the second looked at.
    pub not_listed_again: Vec<Compared>,
    /// Length of what is new and of what is longer, on ground that the first run assessed, metres.
    pub added_m: f64,
    /// Length of the first run that the second has not though it assessed that ground at those dates, metres.
    pub lost_m: f64,
    /// Length of the second run that the first has not, and of which the first says nothing, metres.
    pub unsaid_added_m: f64,
    /// Length of the first run that the second has not, and of which the second says nothing, metres.
    pub unsaid_lost_m: f64,
    /// In what the runs differ, in words, one sentence each: dates, ground, what is not known.
    pub notes: Vec<String>,
}

/// What the second of two runs has more and less than the first.
///
/// Lines are compared by place, not by name: the share of a line that lies within 5 m of any line of the other run. What a run
/// does not list is said to be new or gone only where the other run could have listed it: it assessed the ground, by a pair whose
/// dates can show it; the last 15 m before ground that was not assessed do not count. A pair shows as new what was dug between its images, so that of two runs over the same ground, one after the other,
/// the second lists nothing of the first.
pub fn compare(first: Listed<'_>, second: Listed<'_>) -> Comparison {
    let (in_first, in_second) = (Other::of(first), Other::of(second));
    let mut out = Comparison { notes: notes(first, second), ..Comparison::default() };
    let mut sums = [0.0; 4];
    let [added_m, unsaid_added_m, lost_m, unsaid_lost_m] = &mut sums;
    for work in second.works {
        // Dug after the last image of the first run it is new as well.
        let along = in_first.along(work, Interval::begins_before_end_of);
        let known = in_first.looked.is_some();
        let more_m = if known { along.missing_m } else { along.unsaid_m };
        *unsaid_added_m += along.unsaid_m;
        let list = match along.verdict() {
            Verdict::Listed if more_m >= MORE_M => {
                *added_m += along.missing_m;
                &mut out.longer
            }
            Verdict::Listed => &mut out.same,
            Verdict::Missing => {
                *added_m += along.missing_m;
                &mut out.new
            }
            Verdict::AtOtherTimes => &mut out.stood_before,
            Verdict::NotLookedAt => &mut out.not_looked_at_before,
            Verdict::NotKnown => &mut out.not_listed_before,
        };
        list.push(compared(work, &along));
    }
    for work in first.works {
        let along = in_second.along(work, Interval::overlaps);
        *unsaid_lost_m += along.unsaid_m;
        let list = match along.verdict() {
            Verdict::Listed => {
                *lost_m += along.missing_m;
                continue;
            }
            Verdict::Missing => {
                *lost_m += along.missing_m;
                &mut out.gone
            }
            Verdict::AtOtherTimes => &mut out.other_dates,
            Verdict::NotLookedAt => &mut out.not_looked_at_again,
            Verdict::NotKnown => &mut out.not_listed_again,
        };
        list.push(compared(work, &along));
    }
    [out.added_m, out.unsaid_added_m, out.lost_m, out.unsaid_lost_m] = sums.map(|m| rounded(m, 1));
    out
}

fn compared(work: &Earthwork, along: &Along) -> Compared {
    Compared {
        id: work.id.clone(),
        class: work.class.as_str(),
        length_m: rounded(work.length_m, 1),
        shared_m: rounded(along.shared_m, 1),
        unsaid_m: rounded(along.unsaid_m, 1),
        earlier: rfc3339(work.earlier),
        later: rfc3339(work.later),
        dug: words::between(work.earlier, work.later),
    }
}

/// What one run makes of a work of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It lists it.
    Listed,
    /// It does not, though it looked.
    Missing,
    /// It looked at the ground at other times.
    AtOtherTimes,
    /// It did not look at the ground.
    NotLookedAt,
    /// What it looked at is not known.
    NotKnown,
}

/// A work of one run along its length, against the other. Metres of the work's length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Along {
    /// All of it.
    length_m: f64,
    /// Listed by the other run.
    shared_m: f64,
    /// Not listed, on ground that was assessed at the time.
    missing_m: f64,
    /// Not listed, and not to be.
    unsaid_m: f64,
    /// On ground that the other run assessed at the time, listed or not.
    then_m: f64,
    /// On ground that the other run assessed, at any time.
    ever_m: f64,
    /// Is it known what the other run assessed?
    known: bool,
}

impl Along {
    fn verdict(&self) -> Verdict {
        let half_m = LOOKED * self.length_m;
        if self.shared_m > 0.0 && self.shared_m >= SHARE * self.length_m {
            Verdict::Listed
        } else if !self.known {
            Verdict::NotKnown
        } else if self.then_m >= half_m {
            Verdict::Missing
        } else if self.ever_m >= half_m {
            Verdict::AtOtherTimes
        } else {
            Verdict::NotLookedAt
        }
    }
}

/// The run that a work is held against.
struct Other {
    lines: PieceTree,
    looked: Option<Looked>,
}

impl Other {
    fn of(run: Listed<'_>) -> Self {
        Self {
            lines: PieceTree::new(cut(run.works.iter().map(|w| &w.centreline))),
            looked: run.coverage.map(Looked::of),
        }
    }

    /// A work point by point; `then` says of a pair's interval, and the work's, whether the pair could show it as new.
    fn along(&self, work: &Earthwork, then: fn(Interval, Interval) -> bool) -> Along {
        let dug = Interval { earlier: work.earlier, later: work.later };
        let mut along = Along { known: self.looked.is_some(), ..Along::default() };
        for piece in cut(std::iter::once(&work.centreline)) {
            let piece_m = distance2(piece.pa, piece.pb).sqrt();
            let steps = (piece_m / STEP_M).ceil().max(1.0);
            let step_m = piece_m / steps;
            for step in 0..steps as usize {
                let p = piece.at((step as f64 + 0.5) / steps);
                let look = self.looked.as_ref().map_or(Look::Never, |l| l.at(p, |pair| then(pair, dug)));
                let shared = self.lines.nearest_to(p).is_some_and(|(d, _)| d <= NEAR_M);
                along.length_m += step_m;
                for (sum, counts) in [
                    (&mut along.shared_m, shared),
                    (&mut along.missing_m, !shared && look == Look::Then),
                    (&mut along.unsaid_m, !shared && look != Look::Then),
                    (&mut along.then_m, look == Look::Then),
                    (&mut along.ever_m, look != Look::Never),
                ] {
                    *sum += if counts { step_m } else { 0.0 };
                }
            }
        }
        along.scaled_to(work.length_m)
    }
}

impl Along {
    /// The same of a line of this length: lengths as the run told them.
    fn scaled_to(self, length_m: f64) -> Self {
        let scale = if self.length_m > 0.0 { length_m / self.length_m } else { 0.0 };
        Self {
            length_m,
            shared_m: scale * self.shared_m,
            missing_m: scale * self.missing_m,
            unsaid_m: scale * self.unsaid_m,
            then_m: scale * self.then_m,
            ever_m: scale * self.ever_m,
            known: self.known,
        }
    }
}

fn cut<'a>(lines: impl Iterator<Item = &'a LineString>) -> Vec<Piece> {
    let mut out = Vec::new();
    lines.flat_map(LineString::lines).for_each(|e| pieces(e.start, e.end, PIECE_M, &mut out));
    out
}

/// In what two runs differ, but for their works.
fn notes(first: Listed<'_>, second: Listed<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for (run, word, other) in [(first, "earlier", "new"), (second, "later", "gone")] {
        if run.coverage.is_none() {
            out.push(format!(
                "What the {word} run looked at is not known (no coverage.geojson): what it does not list may not be {other}."
            ));
        }
    }
    let (at_first, at_second) = (taken(first), taken(second));
    if days(&at_first) != days(&at_second) || (days(&at_first).len() == 1 && at_first != at_second) {
        let (a, b) = (images(&at_first), images(&at_second));
        // The same words twice would say nothing.
        let (a, b) = if a == b { (counted(a, &at_first), counted(b, &at_second)) } else { (a, b) };
        out.push(format!("The earlier run compares {a}, the later run {b}."));
    }
    if let (Some(a), Some(b)) = (first.coverage, second.coverage) {
        let g = ground(a, b);
        let (lacks_km2, adds_km2) = (g.first_km2 - g.both_km2, g.second_km2 - g.both_km2);
        let least_km2 = SAME_GROUND * g.first_km2.max(g.second_km2);
        let mut parts = Vec::new();
        if lacks_km2 > least_km2 {
            parts.push(format!(
                "{} of the {} km² that the earlier did",
                words::area(g.both_km2),
                words::area(g.first_km2)
            ));
        }
        if adds_km2 > least_km2 {
            parts.push(format!("{} km² that the earlier did not", words::area(adds_km2)));
        }
        if !parts.is_empty() {
            out.push(format!("The later run assessed {}.", words::and(&parts)));
        }
    }
    out
}

/// When the images of a run were taken, as far as it tells.
fn taken(run: Listed<'_>) -> BTreeSet<DateTime<Utc>> {
    match run.coverage {
        Some(coverage) => times(coverage),
        None => run.works.iter().flat_map(|w| [w.earlier, w.later]).collect(),
    }
}

fn days(taken: &BTreeSet<DateTime<Utc>>) -> BTreeSet<NaiveDate> {
    taken.iter().map(DateTime::date_naive).collect()
}

/// `images taken between 5 and 12 August 2024`.
fn images(taken: &BTreeSet<DateTime<Utc>>) -> String {
    match (taken.first(), taken.last()) {
        (Some(&a), Some(&b)) => format!("images taken {}", words::between(a, b)),
        _ => "none".to_owned(),
    }
}

/// With the number of days, or of times within a day: `images taken between 5 and 19 August 2024 (3 days)`.
fn counted(images: String, taken: &BTreeSet<DateTime<Utc>>) -> String {
    let count = match days(taken).len() {
        0 | 1 => words::count(taken.len() as u64, "time", "times"),
        n => words::count(n as u64, "day", "days"),
    };
    format!("{images} ({count})")
}

#[cfg(test)]
mod tests {
    use domain::{Class, Evidence, Reason};
    use geo_types::line_string;

    use super::*;
    use crate::looked::tests::{covered, day};

    /// All ground of the works below.
    const ALL: [f64; 4] = [34.9, 50.9, 35.1, 51.1];
    /// West of 35.001: half of a work from 35.0 to 35.002.
    const WEST: [f64; 4] = [34.9, 50.9, 35.001, 51.1];
    const NONE: &[CoverageFeature] = &[];

    /// A line along a parallel at 51° N, dug between the 5th and the 12th; a thousandth of a degree is 70 m.
    fn work(id: &str, from: f64, to: f64, lat: f64) -> Earthwork {
        Earthwork {
            id: id.to_owned(),
            class: Class::Trench,
            confidence: 0.9,
            centreline: line_string![(x: from, y: lat), (x: to, y: lat)],
            length_m: (to - from) * 70_197.0,
            width_m: 1.5,
            earlier: day(5),
            later: day(12),
            pair: String::new(),
            evidence: Evidence::default(),
        }
    }

    /// The same, dug between two other days.
    fn dug(days: [u32; 2], work: Earthwork) -> Earthwork {
        Earthwork { earlier: day(days[0]), later: day(days[1]), ..work }
    }

    fn assessed(days: [u32; 2], place: [f64; 4]) -> Vec<CoverageFeature> {
        vec![covered(days, Reason::Assessed, place)]
    }

    fn run<'a>(works: &'a [Earthwork], coverage: &'a [CoverageFeature]) -> Listed<'a> {
        Listed { works, coverage: Some(coverage) }
    }

    /// The lists that hold something, by name, with the ids in them.
    fn lists(c: &Comparison) -> Vec<(String, Vec<String>)> {
        let value = serde_json::to_value(c).unwrap();
        let lists = value.as_object().unwrap().iter().filter(|(name, _)| *name != "notes");
        let ids = |list: &serde_json::Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|w| w["id"].as_str().unwrap().to_owned()).collect()
        };
        lists.map(|(name, list)| (name.clone(), ids(list))).filter(|(_, ids)| !ids.is_empty()).collect()
    }

    fn told(lists: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let mut out: Vec<_> = lists
            .iter()
            .map(|(n, ids)| ((*n).to_owned(), ids.iter().map(|i| (*i).to_owned()).collect()))
            .collect();
        out.sort();
        out
    }

    #[track_caller]
    fn expect(c: &Comparison, wanted: &[(&str, &[&str])]) {
        let mut found = lists(c);
        found.sort();
        assert_eq!(found, told(wanted), "{c:#?}");
    }

    #[test]
    fn new_gone_longer_and_same_are_told_apart_by_place() {
        let first =
            [work("a", 35.0, 35.002, 51.0), work("b", 35.0, 35.002, 51.01), work("c", 35.0, 35.001, 51.02)];
        // A metre and a half to the north, under other names; one grew by 70 m, one is gone, one is new.
        let second = [
            work("d", 35.0, 35.002, 51.000_013),
            work("e", 35.0, 35.003, 51.010_013),
            work("f", 35.0, 35.001, 51.03),
        ];
        let all = assessed([5, 12], ALL);
        let c = compare(run(&first, &all), run(&second, &all));
        expect(&c, &[("new", &["f"]), ("gone", &["c"]), ("longer", &["e"]), ("same", &["d"])]);
        assert!((c.added_m - 140.0).abs() < 8.0 && (c.lost_m - 70.0).abs() < 1.0, "{c:?}");
        assert_eq!((c.unsaid_added_m, c.unsaid_lost_m, c.notes.len()), (0.0, 0.0, 0));
        assert_eq!(c.new[0].dug, "between 5 and 12 August 2024");
        assert_eq!(compare(run(&[], NONE), run(&[], NONE)), Comparison::default());
    }

    #[test]
    fn a_run_that_assessed_nothing_says_of_nothing_that_it_is_gone() {
        let works = [work("a", 35.0, 35.002, 51.0)];
        let (all, cloud) = (assessed([5, 12], ALL), [covered([5, 12], Reason::Cloud, ALL)]);
        for blind in [&cloud[..], NONE] {
            let c = compare(run(&works, &all), run(&[], blind));
            expect(&c, &[("not_looked_at_again", &["a"])]);
            assert_eq!((c.lost_m, c.unsaid_lost_m), (0.0, 140.4));
            let ground = c.notes.last().unwrap();
            assert!(
                ground.starts_with("The later run assessed 0 of the 312.4 km² that the earlier did."),
                "{ground}"
            );
            let c = compare(run(&[], blind), run(&works, &all));
            expect(&c, &[("not_looked_at_before", &["a"])]);
            assert_eq!((c.added_m, c.unsaid_added_m), (0.0, 140.4));
        }
    }

    #[test]
    fn half_of_a_line_must_have_been_looked_at() {
        let (all, west) = (assessed([5, 12], ALL), assessed([5, 12], WEST));
        // 60, 40 and 0 per cent of them west of the edge.
        let works = [
            work("most", 34.9994, 35.0004 + 0.0012, 51.0),
            work("some", 35.0002, 35.0022, 51.01),
            work("none", 35.002, 35.004, 51.02),
        ];
        let c = compare(run(&works, &all), run(&[], &west));
        expect(&c, &[("gone", &["most"]), ("not_looked_at_again", &["some", "none"])]);
        // Of what is gone only those metres count that were looked at.
        assert!(
            (c.lost_m - c.gone[0].length_m + c.gone[0].unsaid_m).abs() < 0.2 && c.gone[0].unsaid_m > 30.0,
            "{c:?}"
        );
        let c = compare(run(&[], &west), run(&works, &all));
        expect(&c, &[("new", &["most"]), ("not_looked_at_before", &["some", "none"])]);
        assert!((c.added_m - c.new[0].length_m + c.new[0].unsaid_m).abs() < 0.2, "{c:?}");
    }

    #[test]
    fn growth_counts_on_ground_that_was_looked_at_before() {
        let (all, west) = (assessed([5, 12], ALL), assessed([5, 12], WEST));
        // Known up to the edge of what was looked at; 70 m go on beyond it.
        let (short, long) = ([work("a", 35.0, 35.001, 51.0)], [work("b", 35.0, 35.002, 51.0)]);
        let c = compare(run(&short, &west), run(&long, &all));
        expect(&c, &[("same", &["b"])]);
        assert!(c.added_m == 0.0 && (c.unsaid_added_m - 70.2).abs() < 6.0, "{c:?}");
        expect(&compare(run(&short, &all), run(&long, &all)), &[("longer", &["b"])]);
        // And the other way round: what is missing beyond the edge is not lost.
        let c = compare(run(&long, &all), run(&short, &west));
        expect(&c, &[("same", &["a"])]);
        assert!(c.lost_m == 0.0 && (c.unsaid_lost_m - 70.2).abs() < 6.0, "{c:?}");
        assert!(compare(run(&long, &all), run(&short, &all)).lost_m > 60.0);
    }

    #[test]
    fn runs_one_after_the_other_over_the_same_ground_lose_nothing() {
        let first = [work("a", 35.0, 35.002, 51.0)];
        let second = [dug([12, 19], work("b", 35.0, 35.002, 51.01))];
        let (early, late) = (assessed([5, 12], ALL), assessed([12, 19], ALL));
        let c = compare(run(&first, &early), run(&second, &late));
        expect(&c, &[("new", &["b"]), ("other_dates", &["a"])]);
        assert_eq!((c.added_m, c.lost_m, c.unsaid_lost_m), (140.4, 0.0, 140.4));
        assert_eq!(
            c.notes,
            [
                "The earlier run compares images taken between 5 and 12 August 2024, the later run images taken between 12 and 19 \
              August 2024."
            ]
        );
        // Held the other way round nothing is new: what was dug first stood on all images of the other.
        let c = compare(run(&second, &late), run(&first, &early));
        expect(&c, &[("stood_before", &["a"]), ("other_dates", &["b"])]);
        assert_eq!((c.added_m, c.lost_m), (0.0, 0.0));
        // A pair of the later run that reaches back over the work's dates could have shown it.
        let both = assessed([1, 19], ALL);
        expect(&compare(run(&first, &early), run(&[], &both)), &[("gone", &["a"])]);
    }

    #[test]
    fn only_the_pair_of_the_work_s_dates_can_miss_it() {
        // Cloud in the pair that would show it, clear sky in the next.
        let first = [work("a", 35.0, 35.002, 51.0)];
        let early = assessed([5, 12], ALL);
        let later = [covered([5, 12], Reason::Cloud, ALL), covered([12, 19], Reason::Assessed, ALL)];
        let c = compare(run(&first, &early), run(&[], &later));
        expect(&c, &[("other_dates", &["a"])]);
        // Two tiles of the pair assess a half of it each.
        let tiles = [
            covered([5, 12], Reason::Assessed, WEST),
            covered([5, 12], Reason::Assessed, [35.001, 50.9, 35.1, 51.1]),
        ];
        let c = compare(run(&first, &early), run(&[], &tiles));
        expect(&c, &[("gone", &["a"])]);
        assert_eq!((c.lost_m, c.notes.len()), (140.4, 0));
    }

    #[test]
    fn where_it_is_not_known_what_was_looked_at_nothing_is_gone_or_new() {
        let unknown = |works| Listed { works, coverage: None };
        let first = [work("a", 35.0, 35.002, 51.0), work("b", 35.0, 35.002, 51.01)];
        let second = [work("c", 35.0, 35.003, 51.0), work("d", 35.0, 35.002, 51.02)];
        let c = compare(unknown(&first), unknown(&second));
        expect(&c, &[("not_listed_again", &["b"]), ("longer", &["c"]), ("not_listed_before", &["d"])]);
        assert_eq!((c.added_m, c.lost_m), (0.0, 0.0));
        assert!(c.unsaid_added_m > 190.0 && c.unsaid_lost_m > 130.0, "{c:?}");
        assert!(c.notes[0].starts_with("What the earlier run looked at is not known"), "{c:?}");
        assert!(c.notes[1].starts_with("What the later run looked at is not known"), "{c:?}");
        // One of the two known.
        let all = assessed([5, 12], ALL);
        let c = compare(run(&first, &all), unknown(&second));
        expect(&c, &[("not_listed_again", &["b"]), ("longer", &["c"]), ("new", &["d"])]);
    }

    #[test]
    fn ground_and_dates_that_differ_are_told() {
        let part = compare(run(&[], &assessed([5, 12], ALL)), run(&[], &assessed([5, 12], WEST))).notes;
        assert_eq!(part, ["The later run assessed 157.7 of the 312.4 km² that the earlier did."]);
        let more = compare(run(&[], &assessed([5, 12], WEST)), run(&[], &assessed([5, 12], ALL))).notes;
        assert_eq!(more, ["The later run assessed 154.6 km² that the earlier did not."]);
        let three = [covered([5, 12], Reason::Assessed, ALL), covered([12, 19], Reason::Assessed, ALL)];
        let dates = compare(run(&[], &assessed([5, 19], ALL)), run(&[], &three)).notes;
        assert_eq!(
            dates,
            [
                "The earlier run compares images taken between 5 and 19 August 2024 (2 days), the later run images taken \
                 between 5 and 19 August 2024 (3 days)."
            ]
        );
    }
}
