//! Several fronts: of other days, other classes, other sources; and what each earthwork lies from which.

use std::path::Path;

use chrono::NaiveDate;
use domain::Earthwork;
use serde::{Deserialize, Serialize};

use crate::front_date::date_in_name;
use crate::uncertainty::{ImagePrecision, Uncertainty};
use crate::{FrontIndex, FrontLine, FrontRule, Measure, MeasuredEarthwork};

/// All fronts of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Fronts {
    lines: Vec<FrontLine>,
    /// By source, by day: places in `lines`, the class that leads first.
    sources: Vec<Vec<(NaiveDate, Vec<usize>)>>,
    rule: FrontRule,
}

/// The distance from a front other than the one that leads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rival {
    /// Place of the front in [`Fronts::lines`].
    pub front: usize,
    /// Where the earthwork lies from it.
    pub measure: Measure,
}

impl Fronts {
    /// A single front.
    pub fn one(line: FrontLine) -> Self {
        let day = line.date;
        Self { lines: vec![line], sources: vec![vec![(day, vec![0])]], rule: FrontRule::default() }
    }

    /// Fronts by source, by day, by class; the first source leads, and within a day its first class.
    ///
    /// `None` where the first source has no day with a front.
    pub fn new(sources: Vec<Vec<Vec<FrontLine>>>, rule: FrontRule) -> Option<Self> {
        let mut out = Self { lines: Vec::new(), sources: Vec::new(), rule };
        for days in sources {
            let mut kept: Vec<(NaiveDate, Vec<usize>)> = Vec::new();
            for classes in days {
                let Some(day) = classes.first().map(|l| l.date) else { continue };
                let first = out.lines.len();
                out.lines.extend(classes);
                kept.push((day, (first..out.lines.len()).collect()));
            }
            kept.sort_by_key(|(day, _)| *day);
            out.sources.push(kept);
        }
        out.sources.first().is_some_and(|s| !s.is_empty()).then_some(out)
    }

    /// Every front, in the order in which it was given.
    pub fn lines(&self) -> &[FrontLine] {
        &self.lines
    }

    /// Places of all fronts, each with the number of its source, by source and day.
    pub(crate) fn by_source(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of = |(source, days): (usize, &'_ Vec<(NaiveDate, Vec<usize>)>)| {
            days.iter().flat_map(|d| &d.1).map(|&line| (source, line)).collect::<Vec<_>>()
        };
        self.sources.iter().enumerate().flat_map(of)
    }

    /// The fronts in force on a day: the one that leads first, then its other classes, then the other sources'.
    pub fn in_force(&self, day: NaiveDate) -> Vec<usize> {
        let of = |days: &Vec<(NaiveDate, Vec<usize>)>| {
            let dates: Vec<NaiveDate> = days.iter().map(|d| d.0).collect();
            in_force(&dates, day, self.rule).map(|i| days[i].1.clone()).unwrap_or_default()
        };
        self.sources.iter().flat_map(of).collect()
    }

    /// The front that leads on a day.
    pub fn lead(&self, day: NaiveDate) -> &FrontLine {
        // The first source has a day, so there is a first.
        &self.lines[self.in_force(day).first().copied().unwrap_or_default()]
    }
}

/// Which of some days, ascending, is in force on `day`: by the rule, and where none fits it the nearest. `None`
/// where there is none.
pub fn in_force(days: &[NaiveDate], day: NaiveDate, rule: FrontRule) -> Option<usize> {
    let nearest = || (0..days.len()).min_by_key(|&i| ((days[i] - day).num_days().abs(), i));
    let found = match rule {
        FrontRule::Before => days.iter().rposition(|d| *d <= day),
        FrontRule::After => days.iter().position(|d| *d >= day),
        FrontRule::Nearest => nearest(),
    };
    found.or_else(nearest)
}

/// The day in the name of a file: `2024-08-14…`, `20240814`, unix seconds; `None` where there is none.
pub fn day_in_name(path: &Path) -> Option<NaiveDate> {
    date_in_name(&path.file_name()?.to_string_lossy())
}

/// Fronts, ready to be measured against.
#[derive(Debug)]
pub struct FrontsIndex<'a> {
    fronts: &'a Fronts,
    indexes: Vec<FrontIndex>,
}

impl<'a> FrontsIndex<'a> {
    /// The indexes of all fronts.
    pub fn new(fronts: &'a Fronts) -> Self {
        Self { fronts, indexes: fronts.lines.iter().map(FrontIndex::new).collect() }
    }

    /// Measures an earthwork from every front in force on the day of its later image.
    pub fn measure(&self, earthwork: Earthwork, precision: &ImagePrecision) -> MeasuredEarthwork {
        let day = earthwork.later.date_naive();
        let mut all = self
            .fronts
            .in_force(day)
            .into_iter()
            .map(|front| Rival { front, measure: self.indexes[front].measure(&earthwork.centreline) });
        let lead = all
            .next()
            .unwrap_or_else(|| Rival { front: 0, measure: self.indexes[0].measure(&earthwork.centreline) });
        let others = all.collect();
        let uncertainty = Uncertainty::of(precision, self.fronts.lines[lead.front].uncertainty_m);
        MeasuredEarthwork {
            measure: lead.measure,
            front: lead.front,
            others,
            uncertainty,
            nearby: Vec::new(),
            system: None,
            defence_line: None,
            line: None,
            earthwork,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 8, d).unwrap()
    }

    #[test]
    fn the_rule_says_which_day_is_in_force_and_the_nearest_steps_in() {
        let days = [day(5), day(9), day(14)];
        let at = |d, rule| in_force(&days, day(d), rule).map(|i| days[i]);
        assert_eq!(at(12, FrontRule::Before), Some(day(9)));
        assert_eq!(at(14, FrontRule::Before), Some(day(14)));
        assert_eq!(at(12, FrontRule::Nearest), Some(day(14)));
        assert_eq!(at(7, FrontRule::Nearest), Some(day(5)));
        assert_eq!(at(6, FrontRule::After), Some(day(9)));
        assert_eq!(at(20, FrontRule::After), Some(day(14)));
        assert_eq!(at(1, FrontRule::Before), Some(day(5)));
        assert_eq!(in_force(&[], day(1), FrontRule::Before), None);
    }
}
