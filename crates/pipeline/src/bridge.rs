//! Ground that one image of a series hides is compared over it.
//!
//! Steps from date to date see nothing where the image between is clouded, lacks data, or cannot be read: its ground is lost to the
//! step to it and to the step from it, and what was dug there in between with both. Its neighbours may both show it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::{Capture, Pair, Reason};
use geo::{BooleanOps, BoundingRect, Intersects};
use geo_types::{MultiPolygon, Rect};
use ingest::PairRule;

use crate::covered::{km2, without_crumbs};
use crate::place::Area;

/// Share of the ground of a pair that must be hidden from the steps between, for it to be compared: less is not worth the time.
const LEAST_HIDDEN: f64 = 0.05;
/// Images between two dates beyond which nobody looks from the one to the other.
const MOST_BETWEEN: usize = 8;

/// A pair that was tried, and what it looked at; nothing where it failed.
pub(crate) struct Step<'a> {
    pub pair: &'a Pair,
    pub areas: &'a [Area],
}

/// A pair to compare beside the steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bridge {
    pub pair: Pair,
    /// Where: longitude and latitude.
    pub ground: MultiPolygon,
    /// The images between that hide it, by their ids.
    pub over: Vec<String>,
}

/// The pairs over images that hid ground in every step to them and from them, the closest dates first. Ground that an image
/// between did show, or that one of the two hides itself, is none of theirs; each piece of ground is given to one pair.
///
/// # Errors
/// As [`ingest::pairs`].
pub(crate) fn bridges(steps: &[Step<'_>]) -> ingest::Result<Vec<Bridge>> {
    let both = steps.iter().flat_map(|s| [&s.pair.earlier, &s.pair.later]);
    let images: BTreeMap<&str, &Capture> = both.map(|c| (c.id.as_str(), c)).collect();
    let mut views: Vec<View> = images.values().map(|capture| View::of(capture, steps)).collect();
    views.sort_by_key(|v| (v.capture.datetime, v.capture.id.as_str()));
    let hiding: Vec<&View> = views.iter().filter(|v| !v.hidden.0.is_empty()).collect();
    if hiding.is_empty() {
        return Ok(Vec::new());
    }
    let known: BTreeSet<(&str, &str)> = steps.iter().map(|s| ids(s.pair)).collect();
    let captures: Vec<Capture> = views.iter().map(|v| v.capture.clone()).collect();
    let mut candidates = ingest::pairs(&captures, &PairRule::All)?;
    candidates.retain(|p| !known.contains(&ids(p)));
    // Stable: between equals their order by date decides.
    candidates.sort_by_key(length);
    let mut found: Vec<Bridge> = Vec::new();
    for pair in candidates {
        let within = |c: &Capture| pair.earlier.datetime < c.datetime && c.datetime < pair.later.datetime;
        let Some(bounds) = pair.later.footprint.bounding_rect() else { continue };
        let is_between = |v: &&View| within(v.capture) && v.bounds.is_some_and(|r| r.intersects(&bounds));
        let hiding: Vec<&View> = hiding.iter().copied().filter(is_between).collect();
        if hiding.is_empty() {
            continue;
        }
        let between: Vec<&View> = views.iter().filter(is_between).collect();
        if between.len() > MOST_BETWEEN {
            continue;
        }
        let common = common(&pair);
        let least_km2 = LEAST_HIDDEN * km2(&common);
        let mut ground = union(hiding.iter().map(|v| v.hidden.clone())).intersection(&common);
        let (earlier, later) = ids(&pair);
        let ends = views.iter().filter(|v| [earlier, later].contains(&v.capture.id.as_str()));
        let inner = found.iter().filter(|b| spans(&pair, &b.pair));
        for other in
            between.iter().map(|v| &v.shown).chain(ends.map(|v| &v.hidden)).chain(inner.map(|b| &b.ground))
        {
            if km2(&ground) < least_km2 {
                break;
            }
            ground = ground.difference(other);
        }
        let ground = without_crumbs(ground);
        if ground.0.is_empty() || km2(&ground) < least_km2 {
            continue;
        }
        let hides = |v: &&&View| !without_crumbs(v.hidden.intersection(&ground)).0.is_empty();
        let over = hiding.iter().filter(hides).map(|v| v.capture.id.clone()).collect();
        found.push(Bridge { pair, ground, over });
    }
    Ok(found)
}

/// Of each step the ground that counts with others: what is told date by date, over an image between that shows a part of it only,
/// counts with those steps, which date it better; and what its dates hide from it counts with the pair that is compared over it.
pub(crate) fn told_by_others(steps: &[Step<'_>], bridges: &[&Bridge]) -> Vec<MultiPolygon> {
    let bounds: Vec<Option<Rect>> = steps.iter().map(|s| s.pair.later.footprint.bounding_rect()).collect();
    let of = |(i, step): (usize, &Step<'_>)| {
        let meets = |rect: Option<Rect>| rect.zip(bounds[i]).is_some_and(|(a, b)| a.intersects(&b));
        let shorter = |pair: &Pair| spans(step.pair, pair) && length(pair) < length(step.pair);
        let inner = steps.iter().zip(&bounds).filter(|(s, rect)| shorter(s.pair) && meets(**rect));
        let inner: Vec<&Step<'_>> = inner.map(|(s, _)| s).collect();
        let mut told = Vec::new();
        for to in &inner {
            for from in inner.iter().filter(|s| s.pair.earlier.id == to.pair.later.id) {
                told.push(assessed(to).intersection(&assessed(from)));
            }
        }
        let over = bridges.iter().filter(|b| spans(&b.pair, step.pair) && meets(b.ground.bounding_rect()));
        told.extend(over.map(|b| b.ground.clone()));
        without_crumbs(union(told.into_iter()))
    };
    steps.iter().enumerate().map(of).collect()
}

/// True where the dates of the one pair lie within those of the other.
fn spans(outer: &Pair, inner: &Pair) -> bool {
    outer.earlier.datetime <= inner.earlier.datetime && inner.later.datetime <= outer.later.datetime
}

/// What a pair assessed.
fn assessed(step: &Step<'_>) -> MultiPolygon {
    union(step.areas.iter().filter(|a| a.reason == Reason::Assessed).map(|a| a.outline.clone()))
}

fn ids(pair: &Pair) -> (&str, &str) {
    (&pair.earlier.id, &pair.later.id)
}

fn length(pair: &Pair) -> TimeDelta {
    pair.later.datetime - pair.earlier.datetime
}

/// The ground of both images of a pair.
fn common(pair: &Pair) -> MultiPolygon {
    pair.earlier.footprint.intersection(&pair.later.footprint)
}

/// What an image came to in the steps to it and from it.
struct View<'a> {
    capture: &'a Capture,
    bounds: Option<Rect>,
    /// What any of them assessed.
    shown: MultiPolygon,
    /// What was looked at both to it and from it, and never assessed.
    hidden: MultiPolygon,
}

impl<'a> View<'a> {
    fn of(capture: &'a Capture, steps: &[Step<'_>]) -> Self {
        let to = || steps.iter().filter(|s| s.pair.later.id == capture.id);
        let from = || steps.iter().filter(|s| s.pair.earlier.id == capture.id);
        let shown = union(to().chain(from()).map(assessed));
        let before = union(to().map(|s| common(s.pair)));
        let after = union(from().map(|s| common(s.pair)));
        let hidden = without_crumbs(before.intersection(&after).difference(&shown));
        Self { capture, bounds: capture.footprint.bounding_rect(), shown, hidden }
    }
}

fn union(outlines: impl Iterator<Item = MultiPolygon>) -> MultiPolygon {
    outlines.reduce(|all, one| all.union(&one)).unwrap_or(MultiPolygon(Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::once::tests::{capture, rectangle};

    const WIDE: (f64, f64) = (0.0, 5000.0);

    fn pair(earlier: u32, later: u32) -> Pair {
        Pair { earlier: capture("x", earlier, WIDE), later: capture("x", later, WIDE), overlap_km2: 25.0 }
    }

    /// What was assessed of a pair: all that lies east of so many metres.
    fn east_of(x: f64) -> Vec<Area> {
        let area = |reason, x: (f64, f64)| Area {
            reason,
            area_km2: (x.1 - x.0) * 5e-3,
            residual_px: None,
            outline: rectangle(x, WIDE),
        };
        vec![area(Reason::Assessed, (x, 5000.0)), area(Reason::Cloud, (0.0, x))]
    }

    /// The days of the pairs, the share of the ground that is theirs, and over how many images.
    fn told(steps: &[(Pair, Vec<Area>)]) -> Vec<(String, f64, usize)> {
        let steps: Vec<Step<'_>> = steps.iter().map(|(pair, areas)| Step { pair, areas }).collect();
        let days = |p: &Pair| format!("{}-{}", p.earlier.id, p.later.id).replace("x/", "");
        let found = bridges(&steps).unwrap();
        found
            .iter()
            .map(|b| {
                (
                    days(&b.pair),
                    (km2(&b.ground) / km2(&common(&b.pair)) * 100.0).round() / 100.0,
                    b.over.len(),
                )
            })
            .collect()
    }

    #[test]
    fn a_cloud_in_the_middle_is_looked_over_where_it_lies() {
        let steps = [(pair(1, 5), east_of(2000.0)), (pair(5, 9), east_of(1500.0))];
        assert_eq!(told(&steps), [("1-9".to_owned(), 0.3, 1)]);
    }

    #[test]
    fn an_image_that_cannot_be_read_is_looked_over_whole() {
        let steps = [(pair(1, 5), vec![]), (pair(5, 9), vec![]), (pair(9, 12), east_of(0.0))];
        assert_eq!(told(&steps), [("1-9".to_owned(), 1.0, 1)]);
    }

    #[test]
    fn two_in_a_row_are_looked_over_once() {
        let steps =
            [(pair(1, 5), east_of(2000.0)), (pair(5, 9), east_of(2000.0)), (pair(9, 12), east_of(2000.0))];
        assert_eq!(told(&steps), [("1-12".to_owned(), 0.4, 2)]);
    }

    #[test]
    fn a_larger_cloud_on_the_next_day_is_looked_over_in_parts() {
        let steps =
            [(pair(1, 5), east_of(1000.0)), (pair(5, 9), east_of(2000.0)), (pair(9, 12), east_of(2000.0))];
        // Of the first kilometre both in the middle tell nothing, of the second the second alone.
        let wanted = [("5-12".to_owned(), 0.2, 1), ("1-12".to_owned(), 0.2, 2)];
        assert_eq!(told(&steps), wanted);
    }

    #[test]
    fn what_the_first_or_the_last_hides_is_nobody_s() {
        // The first image hides the west: the step from it tells nothing, the one after it all.
        let steps = [(pair(1, 5), east_of(2000.0)), (pair(5, 9), east_of(0.0))];
        assert_eq!(told(&steps), []);
        let steps = [(pair(1, 5), east_of(0.0)), (pair(5, 9), east_of(2000.0))];
        assert_eq!(told(&steps), []);
    }

    #[test]
    fn a_little_cloud_is_let_be_and_so_is_a_clear_series() {
        let steps = [(pair(1, 5), east_of(200.0)), (pair(5, 9), east_of(200.0))];
        assert_eq!(told(&steps), []);
        let steps = [(pair(1, 5), east_of(0.0)), (pair(5, 9), east_of(0.0))];
        assert_eq!(told(&steps), []);
    }

    #[test]
    fn what_steps_tell_is_theirs() {
        // On the 5th an image of the east was taken, of which the first kilometre is clouded on the 9th.
        let east = |day| capture("east", day, (2000.0, 5000.0));
        let steps = [
            (Pair { later: east(5), ..pair(1, 5) }, east_of(0.0)),
            (Pair { earlier: east(5), ..pair(5, 9) }, east_of(3000.0)),
            (pair(1, 9), east_of(0.0)),
        ];
        let steps: Vec<Step<'_>> = steps.iter().map(|(pair, areas)| Step { pair, areas }).collect();
        let told: Vec<f64> = told_by_others(&steps, &[]).iter().map(km2).collect();
        assert_eq!(told[..2], [0.0, 0.0]);
        assert!((told[2] - 10.0).abs() < 0.02, "{told:?}");
    }

    #[test]
    fn what_is_compared_over_its_dates_is_no_step_s() {
        let steps =
            [(pair(1, 5), east_of(2000.0)), (pair(5, 9), east_of(1500.0)), (pair(9, 12), east_of(0.0))];
        let steps: Vec<Step<'_>> = steps.iter().map(|(pair, areas)| Step { pair, areas }).collect();
        let bridges = bridges(&steps).unwrap();
        let told = told_by_others(&steps, &bridges.iter().collect::<Vec<_>>());
        let told: Vec<f64> = told.iter().map(|g| (km2(g) * 10.0).round() / 10.0).collect();
        assert_eq!(told, [7.5, 7.5, 0.0]);
    }

    #[test]
    fn the_order_of_the_steps_is_nothing() {
        let mut steps = vec![
            (pair(1, 5), east_of(1000.0)),
            (pair(5, 9), east_of(2000.0)),
            (pair(9, 12), east_of(2000.0)),
        ];
        let straight = told(&steps);
        steps.reverse();
        assert_eq!(told(&steps), straight);
    }
}
