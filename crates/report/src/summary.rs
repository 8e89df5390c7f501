//! The report that a person reads: Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use domain::{Class, Reason};

use crate::distance::{Compass, Side};
use crate::looked::once_km2;
use crate::words::{and, area, between, capital, count, day, distance, front, length, plain};
use crate::{
    Control, CoverageFeature, DefenceLine, Fronts, Growth, MeasuredEarthwork, Nearby, System, Totals,
};

/// A front older than this against the later image is warned about, days: fronts of manoeuvre move kilometres in
/// a day (5.6 km in two days in the case that began this).
const STALE_DAYS: i64 = 3;
/// A front further away than this is warned about, metres: more often latitude and longitude are swapped.
const FAR_M: f64 = 300_000.0;

/// Everything that the report tells.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a> {
    /// First heading.
    pub title: &'a str,
    /// What was found, in the order in which it is to be listed.
    pub found: &'a [MeasuredEarthwork],
    /// What it was measured from.
    pub fronts: &'a Fronts,
    /// Earthworks that belong together.
    pub systems: &'a [System],
    /// Lines of defence that the systems make.
    pub lines: &'a [DefenceLine],
    /// Works over time.
    pub growth: &'a [Growth],
    /// Areas of control among the fronts.
    pub control: &'a [Control],
    /// What was looked at and what was not, of every pair.
    pub coverage: &'a [CoverageFeature],
    /// Picture of an earthwork, by its id: path relative to the report.
    pub chips: &'a BTreeMap<String, String>,
    /// What else the reader must know: skipped tiles, odd metadata.
    pub notes: &'a [String],
}

/// The report in Markdown, one paragraph or item to a line.
pub fn report_md(summary: &Summary<'_>) -> String {
    let mut out = format!("# {}\n\n{}\n", plain(summary.title), verdict(summary));
    out.push_str(&found(summary));
    out.push_str(&lines_of_defence(summary));
    out.push_str(&over_time(summary));
    out.push_str(&totals(summary));
    for &front in &leading(summary) {
        out.push_str(&front_section(summary, front));
    }
    out.push_str(&spread(summary));
    out.push_str(&control(summary));
    out.push_str(&coverage(summary));
    let notes: Vec<&String> = summary.notes.iter().collect();
    if !notes.is_empty() {
        out.push_str("\n## Notes\n\n");
        for note in notes {
            let _ = writeln!(out, "- {}", plain(note));
        }
    }
    out.push_str(LIMITS);
    out
}

const LIMITS: &str = "\n## Limits\n\n\
    - Lines are proposals of a program, not findings: look at each picture and decide.\n\
    - Confidence is the share of lines of that score that were true where the program was calibrated; other ground, \
    light and seasons may differ.\n\
    - \"Dug between\" gives the last image without the line and the first with it; the work may have been done at \
    any time between.\n\
    - Distances are WGS84 geodesics between nearest points. They are as good as the front line they are measured \
    from: another source gives another distance.\n";

/// Kilometres square by reason.
fn km2(features: &[CoverageFeature], fits: impl Fn(&CoverageFeature) -> bool) -> f64 {
    // The sum of nothing is -0.
    features.iter().filter(|f| fits(f)).map(|f| f.area_km2).sum::<f64>() + 0.0
}

/// True where no ground at all was assessed: nothing found means nothing.
pub(crate) fn is_blind(s: &Summary<'_>) -> bool {
    km2(s.coverage, |f| f.assessed) <= 0.0
}

/// Where what was assessed is counted once for each of several pairs, that it is.
fn summed(s: &Summary<'_>) -> String {
    match pairs(s.coverage).len() {
        0 | 1 => String::new(),
        pairs => format!(", summed over {pairs} pairs of images"),
    }
}

/// Of several pairs: how much of the ground, each piece counted once, was assessed by any.
pub(crate) fn once(s: &Summary<'_>) -> String {
    let days: BTreeSet<_> =
        s.coverage.iter().map(|c| (c.earlier.date_naive(), c.later.date_naive())).collect();
    // Of tiles of the same two days all ground counts once as it is.
    if days.len() < 2 || is_blind(s) {
        return String::new();
    }
    let (assessed, whole) = once_km2(s.coverage);
    let assessed = if whole - assessed > 1e-6 { assessed } else { whole };
    format!(
        " Of the {} km² of ground shown, each piece counted once however many pairs show it, {} ({}) were assessed at \
         least once.",
        area(whole),
        area(assessed),
        percent(assessed, whole)
    )
}

fn percent(part: f64, whole: f64) -> String {
    let p = if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
    match p {
        p if p > 99.5 && part < whole => "over 99 %".to_owned(),
        p if p > 0.0 && p < 0.5 => "under 1 %".to_owned(),
        p => format!("{p:.0} %"),
    }
}

fn verdict(s: &Summary<'_>) -> String {
    let whole = km2(s.coverage, |_| true);
    let assessed = km2(s.coverage, |f| f.assessed);
    let dates = s
        .coverage
        .iter()
        .map(|f| (f.earlier, f.later))
        .chain(s.found.iter().map(|f| (f.earthwork.earlier, f.earthwork.later)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let when = dates.map(|(a, b)| format!(" {}", between(a, b))).unwrap_or_default();
    let over = summed(s);
    let kinds: Vec<String> = [(Class::Trench, "trenches"), (Class::AntiVehicleDitch, "anti-vehicle ditches")]
        .into_iter()
        .filter_map(|(class, many)| {
            let of = || s.found.iter().filter(|f| f.earthwork.class == class);
            let n = of().count() as u64;
            let metres: f64 = of().map(|f| f.earthwork.length_m).sum();
            let all = if n == 1 { "" } else { " in all" };
            (n > 0).then(|| format!("{} ({}{all})", count(n, class.in_words(), many), length(metres)))
        })
        .collect();
    let mut out = String::new();
    if assessed <= 0.0 && kinds.is_empty() {
        let _ = write!(
            out,
            "**Nothing was assessed**{when}: none of {} km² could be compared, for the reasons told below. \
             Whether anything was dug there is not known.",
            area(whole)
        );
        return out;
    }
    if kinds.is_empty() {
        let _ = write!(
            out,
            "**No new trench or anti-vehicle ditch was found** in the {} km² that were assessed{over}, dug{when}.",
            area(assessed)
        );
    } else {
        let _ = write!(out, "**Proposed as newly dug{when}: {}.**", and(&kinds));
        let nearest = s
            .found
            .iter()
            .filter(|f| f.measure.distance_m.is_finite())
            .min_by(|a, b| a.measure.distance_m.total_cmp(&b.measure.distance_m));
        if let Some(nearest) = nearest {
            let lies = if s.found.len() == 1 { "It lies" } else { "The nearest lies" };
            let _ = write!(out, " {lies} {}.", place(nearest, s.fronts));
        }
        let _ = write!(
            out,
            " {} of {} km² were assessed ({}){over}.",
            area(assessed),
            area(whole),
            percent(assessed, whole)
        );
    }
    let missed = whole - assessed;
    if missed > 1e-6 {
        let _ = write!(
            out,
            " A further {} km² ({}) **were not looked at**, for the reasons told below: nothing is known about them.",
            area(missed),
            percent(missed, whole)
        );
    }
    out + &once(s)
}

/// The verdict in three sentences of plain text: what, where, and how much of the ground that speaks for.
pub(crate) fn sentences(s: &Summary<'_>) -> Vec<String> {
    let text = verdict(s).replace("**", "");
    let whole = km2(s.coverage, |_| true);
    let assessed = km2(s.coverage, |f| f.assessed);
    let nearest = s
        .found
        .iter()
        .filter(|f| f.measure.distance_m.is_finite())
        .min_by(|a, b| a.measure.distance_m.total_cmp(&b.measure.distance_m));
    let Some(nearest) = nearest else { return vec![text] };
    let first = text.split(". ").next().unwrap_or_default().to_owned();
    let lies = if s.found.len() == 1 { "It lies" } else { "The nearest lies" };
    let off = nearest.uncertainty.total_m;
    let rest = if whole - assessed > 1e-6 {
        "the rest was not looked at, and nothing is known about it"
    } else {
        "all that the images share"
    };
    vec![
        format!("{}.", first.trim_end_matches('.')),
        format!("{lies} {}, give or take {off:.0} m.", place(nearest, s.fronts)),
        format!(
            "{} of {} km² were assessed ({}){}: {rest}.{}",
            area(assessed),
            area(whole),
            percent(assessed, whole),
            summed(s),
            once(s)
        ),
    ]
}

/// `17.0 km (10.6 mi) N of the claimed limit of 14 August 2024`.
pub(crate) fn place(f: &MeasuredEarthwork, fronts: &Fronts) -> String {
    let line = &fronts.lines()[f.front];
    let of = format!("{} of {}", front(&line.class), day(line.date));
    match f.measure.direction {
        _ if !f.measure.distance_m.is_finite() => format!("at an unknown distance from {of}"),
        None => format!("on {of}"),
        Some(direction) => {
            let inside = if f.measure.side == Some(Side::Inside) { ", inside it" } else { "" };
            format!("{} {} of {of}{inside}", distance(f.measure.distance_m), direction.as_str())
        }
    }
}

/// One earthwork in a line of plain text, for the report and the caption of its picture:
/// `trench, 240 m, 17.0 km (10.6 mi) N of the claimed limit of 14 August 2024, dug between 5 and 12 August 2024;
/// confidence 0.87`.
pub fn sentence(found: &MeasuredEarthwork, fronts: &Fronts) -> String {
    format!("{}, {}", found.earthwork.class.in_words(), details(found, fronts))
}

fn details(found: &MeasuredEarthwork, fronts: &Fronts) -> String {
    let e = &found.earthwork;
    let (long, place, when) = (length(e.length_m), place(found, fronts), between(e.earlier, e.later));
    format!("{long}, {place}, dug {when}; confidence {:.2}", e.confidence)
}

/// `400 m (0.2 mi) S of E38, runs along it`.
pub(crate) fn nearby(n: &Nearby) -> String {
    let name = n.name.as_deref().unwrap_or("one without a name");
    let runs = n.runs.as_deref().map_or(String::new(), |r| format!(", runs {r} it"));
    match n.direction {
        _ if n.inside => format!("inside {name}{runs}"),
        Some(way) => format!("{} {} of {name}{runs}", distance(n.distance_m), way.as_str()),
        None => format!("meets {name}{runs}"),
    }
}

fn found(s: &Summary<'_>) -> String {
    if s.found.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## Found\n\n");
    for (i, f) in s.found.iter().enumerate() {
        let e = &f.earthwork;
        let class = match s.chips.get(&e.id) {
            Some(chip) => format!("[{}](<{}>)", e.class.in_words(), chip.replace(['<', '>', '\n'], "")),
            None => e.class.in_words().to_owned(),
        };
        let _ = writeln!(out, "{}. {class}, {}; `{}`", i + 1, details(f, s.fronts), e.id.replace('`', "'"));
        for n in &f.nearby {
            let _ = writeln!(out, "    - {}: {}", plain(&n.kind), plain(&nearby(n)));
        }
    }
    out
}

/// The fronts that lead for some image, in the order given; the first at the least.
pub(crate) fn leading(s: &Summary<'_>) -> Vec<usize> {
    let laters = s.coverage.iter().map(|c| c.later).chain(s.found.iter().map(|f| f.earthwork.later));
    let mut used: Vec<usize> =
        laters.filter_map(|t| s.fronts.in_force(t.date_naive()).first().copied()).collect();
    used.sort_unstable();
    used.dedup();
    if used.is_empty() { vec![0] } else { used }
}

/// The other fronts that something was measured from.
pub(crate) fn rivals(s: &Summary<'_>) -> Vec<usize> {
    let mut used: Vec<usize> = s.found.iter().flat_map(|f| f.others.iter().map(|o| o.front)).collect();
    used.sort_unstable();
    used.dedup();
    used
}

fn spread(s: &Summary<'_>) -> String {
    let rivals = rivals(s);
    if rivals.is_empty() {
        return String::new();
    }
    let mut out =
        String::from("\n## From other lines\n\nThe same works, measured from other classes and sources:\n\n");
    out.push_str("| front | of | nearest | farthest |\n| --- | --- | ---: | ---: |\n");
    for front in rivals.iter().copied() {
        let line = &s.fronts.lines()[front];
        let from = s.found.iter().flat_map(|f| &f.others).filter(|o| o.front == front);
        let metres: Vec<f64> = from.map(|o| o.measure.distance_m).filter(|m| m.is_finite()).collect();
        let least = metres.iter().copied().fold(f64::INFINITY, f64::min);
        let most = metres.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let _ = writeln!(
            out,
            "| {} ({}) | {} | {} | {} |",
            plain(&line.source),
            plain(&line.class),
            day(line.date),
            distance(least),
            distance(most)
        );
    }
    let said: BTreeSet<&String> = leading(s).iter().flat_map(|&i| &s.fronts.lines()[i].notes).collect();
    let mut more: Vec<(&str, &String)> = Vec::new();
    for line in rivals.into_iter().map(|i| &s.fronts.lines()[i]) {
        for note in line.notes.iter().filter(|n| !said.contains(n)) {
            if !more.contains(&(&line.source, note)) {
                more.push((&line.source, note));
            }
        }
    }
    if !more.is_empty() {
        out.push('\n');
        more.iter().for_each(|(source, note)| {
            let _ = writeln!(out, "- Note on {}: {}", plain(source), plain(note));
        });
    }
    let widest = s.found.iter().filter_map(|f| Some((f, spread_m(f)?))).max_by(|a, b| a.1.total_cmp(&b.1));
    if let Some((f, m)) = widest {
        let id = f.earthwork.id.replace('`', "'");
        let _ = writeln!(out, "\nThe lines differ most for `{id}`: by {}.", distance(m));
    }
    out
}

/// One area of control in words: `1,240.5 km² on 14 August 2024, 12.1 km² more than on 10 August 2024; came in: A`.
pub(crate) fn control_words(c: &Control) -> String {
    let mut out = format!("{} km² on {}", area(c.km2), day(c.date));
    if let (Some(since), Some(change)) = (c.since, c.change_km2) {
        let way = if change < 0.0 { "less" } else { "more" };
        let _ = write!(out, ", {} km² {way} than on {}", area(change.abs()), day(since));
    }
    for (what, names) in
        [("settlements in it", &c.settlements), ("came in", &c.gained), ("went out", &c.lost)]
    {
        if !names.is_empty() {
            let _ = write!(out, "; {what}: {}", names.join(", "));
        }
    }
    out
}

fn control(s: &Summary<'_>) -> String {
    if s.control.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## Area of control\n\n");
    for c in s.control {
        let _ = writeln!(out, "- {} ({}): {}", plain(&c.source), plain(&c.class), plain(&control_words(c)));
    }
    out
}

/// Farthest less nearest distance of a work over all fronts, metres; `None` where it was measured from one only.
pub(crate) fn spread_m(f: &MeasuredEarthwork) -> Option<f64> {
    let all = f.others.iter().map(|o| o.measure.distance_m).chain([f.measure.distance_m]);
    let (least, most) = all
        .filter(|m| m.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), m| (a.min(m), b.max(m)));
    (!f.others.is_empty() && most >= least).then_some(most - least)
}

fn lines_of_defence(s: &Summary<'_>) -> String {
    if s.lines.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## Lines of defence\n\n");
    for line in s.lines {
        let _ = writeln!(
            out,
            "{}. {} line, {}: {}, {}{}, {}",
            line.number,
            capital(&ordinal(line.number)),
            from_front(line),
            kinds(line.trench_m, line.ditch_m),
            stretch(line.extent_m, line.orientation_deg),
            line.faces.map(|c| format!(", faces {}", c.as_str())).unwrap_or_default(),
            count(line.systems.len() as u64, "system", "systems"),
        );
        for system in s.systems.iter().filter(|x| x.line == line.number) {
            let _ = writeln!(
                out,
                "    - {}: {}, {}{}, {} from the front",
                system.id,
                kinds(system.trench_m, system.ditch_m),
                stretch(system.extent_m, system.orientation_deg),
                system.faces.map(|c| format!(", faces {}", c.as_str())).unwrap_or_default(),
                length(system.distance_m)
            );
        }
    }
    out
}

/// `21.0 km N of the front`, `on the front`.
pub(crate) fn from_front(line: &DefenceLine) -> String {
    match line.direction {
        _ if !line.distance_m[0].is_finite() => "at an unknown distance".to_owned(),
        Some(way) => format!("{} {} of the front", range(line.distance_m), way.as_str()),
        None if line.distance_m[1] > 0.0 => {
            format!("on the front and up to {} from it", length(line.distance_m[1]))
        }
        None => "on the front".to_owned(),
    }
}

/// `1.2 km of trench and 400 m of ditch`.
fn kinds(trench_m: f64, ditch_m: f64) -> String {
    let kinds = [(trench_m, "of trench"), (ditch_m, "of ditch")];
    let kinds: Vec<String> =
        kinds.iter().filter(|k| k.0 > 0.0).map(|k| format!("{} {}", length(k.0), k.1)).collect();
    and(&kinds)
}

/// `2.1 km from end to end, ENE–WSW`.
fn stretch(extent_m: f64, orientation_deg: Option<f64>) -> String {
    let runs = orientation_deg.map(|d| format!(", {}", axis_in_words(d))).unwrap_or_default();
    format!("{} from end to end{runs}", length(extent_m))
}

/// `ENE–WSW`: the way in which something runs, from degrees from north, 0–180.
pub(crate) fn axis_in_words(orientation_deg: f64) -> String {
    let wind = |deg| Compass::from_bearing_deg(deg).as_str();
    format!("{}–{}", wind(orientation_deg), wind(orientation_deg + 180.0))
}

/// `21.0 km`, `17.0 to 18.2 km`.
pub(crate) fn range([least, most]: [f64; 2]) -> String {
    let (a, b) = (length(least), length(most));
    if a == b { a } else { format!("{a} to {b}") }
}

pub(crate) fn ordinal(n: usize) -> String {
    const WORDS: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];
    let ending = match (n % 10, n % 100) {
        (1, to) if to != 11 => "st",
        (2, to) if to != 12 => "nd",
        (3, to) if to != 13 => "rd",
        _ => "th",
    };
    WORDS.get(n.wrapping_sub(1)).map_or_else(|| format!("{n}{ending}"), |w| (*w).to_owned())
}

fn over_time(s: &Summary<'_>) -> String {
    let grown: Vec<&Growth> = s.growth.iter().filter(|g| g.lengths.len() > 1).collect();
    if grown.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n## Over time\n\n");
    for g in grown {
        let lengths: Vec<String> =
            g.lengths.iter().map(|l| format!("{} on {}", length(l.length_m), &l.date[..10])).collect();
        let most = g.metres_per_day_most.map_or(String::new(), |m| format!(" to {m:.0}"));
        let _ = writeln!(
            out,
            "- `{}`: absent on {}, {}; {:.0}{most} m a day",
            g.id,
            &g.last_absent[..10],
            and(&lengths),
            g.metres_per_day_least
        );
    }
    out
}

fn totals(s: &Summary<'_>) -> String {
    if s.found.is_empty() {
        return String::new();
    }
    let totals = Totals::of(s.found, s.coverage);
    let mut out = String::from(
        "\n## Totals\n\n| | trenches | km | ditches | km |\n| --- | ---: | ---: | ---: | ---: |\n",
    );
    let mut row = |r: &crate::totals::Row, what: &str| {
        let _ = writeln!(
            out,
            "| {what}{} | {} | {:.2} | {} | {:.2} |",
            r.of, r.trenches, r.trench_km, r.ditches, r.ditch_km
        );
    };
    row(&totals.all, "");
    totals.by_distance.iter().for_each(|r| row(r, ""));
    totals.by_side.iter().for_each(|r| row(r, ""));
    if totals.by_interval.len() > 1 {
        totals.by_interval.iter().for_each(|r| row(r, ""));
    }
    out
}

fn front_section(s: &Summary<'_>, front_index: usize) -> String {
    let f = &s.fronts.lines()[front_index];
    let mut out = String::from("\n## Front line\n\n");
    let _ = writeln!(out, "- Source: {}", plain(&f.source));
    let _ = writeln!(out, "- Class: {} ({})", plain(&f.class), front(&f.class));
    let _ = writeln!(out, "- Date: {}", day(f.date));
    let off = f.uncertainty_m.map_or("not stated by the source".to_owned(), |u| format!("{u:.0} m"));
    let _ = writeln!(out, "- Uncertainty: {off}");
    for note in &f.notes {
        let _ = writeln!(out, "- Note: {}", plain(note));
    }
    let laters: BTreeSet<chrono::NaiveDate> = s
        .coverage
        .iter()
        .map(|c| c.later)
        .chain(s.found.iter().map(|f| f.earthwork.later))
        .map(|t| t.date_naive())
        .filter(|d| s.fronts.in_force(*d).first().is_none_or(|i| *i == front_index))
        .collect();
    for later in laters {
        let (warns, words) = age_in_words(f.date, later);
        let _ = write!(out, "- Age: {words} the later image of {}", day(later));
        out.push_str(&if warns.is_empty() { "\n".to_owned() } else { format!(". **Warning: {warns}.**\n") });
    }
    if let Some(far) = far_away(s.found) {
        let _ = writeln!(out, "- **Warning: {far}**");
    }
    out
}

/// What is to be warned about in the fronts that distances are measured from, one sentence each: that they are days from the day of
/// the later image, or far away.
pub fn front_warnings(
    found: &[MeasuredEarthwork],
    fronts: &Fronts,
    coverage: &[CoverageFeature],
) -> Vec<String> {
    let laters = coverage.iter().map(|c| c.later).chain(found.iter().map(|f| f.earthwork.later));
    let laters: BTreeSet<chrono::NaiveDate> = laters.map(|t| t.date_naive()).collect();
    let aged = laters.into_iter().filter_map(|later| {
        let line = &fronts.lines()[*fronts.in_force(later).first()?];
        let (warns, words) = age_in_words(line.date, later);
        let which = format!("the front line of {} ({})", day(line.date), line.source);
        let old = (later - line.date).num_days().abs() > STALE_DAYS;
        (old && !warns.is_empty())
            .then(|| format!("{which} is {words} the later image of {}: {warns}", day(later)))
    });
    let mut out: Vec<String> = aged.collect();
    out.extend(far_away(found));
    out
}

/// What is to be said of a front that is far from everything.
fn far_away(found: &[MeasuredEarthwork]) -> Option<String> {
    let nearest = found.iter().map(|f| f.measure.distance_m).fold(f64::INFINITY, f64::min);
    (nearest.is_finite() && nearest > FAR_M).then(|| {
        format!(
            "the front is {} away from everything found. Is it the right file, longitude before latitude?",
            length(nearest)
        )
    })
}

/// What is to be warned about in the age of a front against an image, or nothing; and its age, before "the image".
pub(crate) fn age_in_words(front: chrono::NaiveDate, image: chrono::NaiveDate) -> (&'static str, String) {
    let age = (image - front).num_days();
    let days = count(age.unsigned_abs(), "day", "days");
    match age {
        0 => ("", "of the same day as".to_owned()),
        a if a > STALE_DAYS => (
            "the front may have moved since; give a line of the day of the image",
            format!("{days} older than"),
        ),
        1.. => ("", format!("{days} older than")),
        _ => (
            "this is where the front came to stand, not where it stood on the day of the image",
            format!("{days} later than"),
        ),
    }
}

fn pairs(features: &[CoverageFeature]) -> Vec<(&str, DateTime<Utc>, DateTime<Utc>)> {
    let mut out: Vec<(&str, DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for f in features {
        if !out.iter().any(|p| p.0 == f.pair) {
            out.push((&f.pair, f.earlier, f.later));
        }
    }
    out
}

fn coverage(s: &Summary<'_>) -> String {
    let mut out = String::from("\n## Coverage\n\n");
    if s.coverage.is_empty() {
        out.push_str("No pair of images was compared.\n");
        return out;
    }
    let whole = km2(s.coverage, |_| true);
    out.push_str("| | km² | share |\n| --- | ---: | ---: |\n");
    for reason in Reason::ALL {
        let here = km2(s.coverage, |f| f.reason == reason);
        if here > 0.0 || reason == Reason::Assessed {
            let not = if reason == Reason::Assessed { "" } else { "not assessed: " };
            let _ =
                writeln!(out, "| {not}{} | {} | {} |", reason.in_words(), area(here), percent(here, whole));
        }
    }
    let _ = writeln!(out, "| all | {} | |", area(whole));
    let pairs = pairs(s.coverage);
    if pairs.len() > 1 {
        out.push_str("\n| pair | earlier | later | km² | assessed, km² | share |\n");
        out.push_str("| --- | --- | --- | ---: | ---: | ---: |\n");
        for &(pair, earlier, later) in &pairs {
            let whole = km2(s.coverage, |f| f.pair == pair);
            let assessed = km2(s.coverage, |f| f.pair == pair && f.assessed);
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} |",
                plain(pair),
                day(earlier.date_naive()),
                day(later.date_naive()),
                area(whole),
                area(assessed),
                percent(assessed, whole)
            );
        }
        let days = |at: usize| (pairs[at].1.date_naive(), pairs[at].2.date_naive());
        if (1..pairs.len()).any(|i| (0..i).any(|j| days(i) == days(j))) {
            out.push_str("\nGround that several pairs of the same two days show counts with one of them.\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};
    use domain::{Earthwork, Evidence};
    use geo_types::{LineString, MultiPolygon, line_string};

    use super::*;
    use crate::{FrontLine, FrontsIndex, ImagePrecision, measure_all};

    fn line(day: u32) -> Fronts {
        let date = NaiveDate::from_ymd_opt(2024, 8, day).unwrap();
        let lines = vec![line_string![(x: 35.0, y: 51.0), (x: 36.0, y: 51.0)]];
        Fronts::one(FrontLine::from_lines(lines, date, "press", "claimed").unwrap())
    }

    fn cover(reason: Reason, area_km2: f64) -> CoverageFeature {
        CoverageFeature {
            pair: "a..b".to_owned(),
            earlier: Utc.with_ymd_and_hms(2024, 8, 5, 8, 0, 0).unwrap(),
            later: Utc.with_ymd_and_hms(2024, 8, 12, 8, 0, 0).unwrap(),
            reason,
            assessed: reason == Reason::Assessed,
            area_km2,
            residual_px: None,
            geometry: MultiPolygon(vec![]),
        }
    }

    #[test]
    fn tiles_of_the_same_days_are_said_to_count_common_ground_once() {
        let first = cover(Reason::Assessed, 4.0);
        let mut second = CoverageFeature { pair: "c..d".to_owned(), ..first.clone() };
        let told = |second: &CoverageFeature| {
            report(&[], &line(12), &[first.clone(), second.clone()]).contains("counts with one of them")
        };
        assert!(told(&second));
        second.later += chrono::Duration::days(7);
        assert!(!told(&second));
    }

    fn works(lines: Vec<LineString>, front: &Fronts) -> Vec<MeasuredEarthwork> {
        let work = |(i, centreline): (usize, LineString)| Earthwork {
            id: format!("f{i}"),
            class: Class::Trench,
            confidence: 0.874,
            centreline,
            length_m: 240.0,
            width_m: 1.5,
            earlier: Utc.with_ymd_and_hms(2024, 8, 5, 8, 0, 0).unwrap(),
            later: Utc.with_ymd_and_hms(2024, 8, 12, 8, 0, 0).unwrap(),
            pair: "a..b".to_owned(),
            evidence: Evidence::default(),
        };
        let precision = ImagePrecision::of(None, None, None);
        measure_all(lines.into_iter().enumerate().map(work).collect(), &FrontsIndex::new(front), |_| {
            precision.clone()
        })
    }

    fn report(found: &[MeasuredEarthwork], fronts: &Fronts, coverage: &[CoverageFeature]) -> String {
        let chips = BTreeMap::from([("f0".to_owned(), "chips/f0.png".to_owned())]);
        report_md(&Summary {
            title: "Fosse",
            found,
            fronts,
            systems: &[],
            lines: &[],
            growth: &[],
            control: &[],
            coverage,
            chips: &chips,
            notes: &[],
        })
    }

    #[test]
    fn a_line_reads_as_the_press_wrote_it() {
        let front = line(14);
        let found = works(
            vec![
                line_string![(x: 35.5, y: 51.1528), (x: 35.503, y: 51.153)],
                line_string![(x: 35.5, y: 50.99), (x: 35.5, y: 51.01)],
            ],
            &front,
        );
        let text = report(&found, &front, &[cover(Reason::Assessed, 24.1), cover(Reason::NoTies, 4.1)]);
        assert!(
            text.contains(
                "1. [trench](<chips/f0.png>), 240 m, 17.0 km (10.6 mi) N of the claimed limit of 14 August 2024, \
                 dug between 5 and 12 August 2024; confidence 0.87; `f0`\n"
            ),
            "{text}"
        );
        assert!(text.contains("2. trench, 240 m, on the claimed limit of 14 August 2024, dug"), "{text}");
        assert!(text.contains(
            "**Proposed as newly dug between 5 and 12 August 2024: 2 trenches (480 m in all).** The nearest lies on \
             the claimed limit of 14 August 2024. 24.1 of 28.2 km² were assessed (85 %). A further 4.10 km² (15 %) \
             **were not looked at**"
        ), "{text}");
        assert!(
            text.contains("- Age: 2 days later than the later image of 12 August 2024. **Warning"),
            "{text}"
        );
    }

    #[test]
    fn nothing_found_and_nothing_looked_at_read_differently() {
        let front = line(12);
        let text = report(&[], &front, &[cover(Reason::Assessed, 24.1)]);
        assert!(text.contains("**No new trench or anti-vehicle ditch was found** in the 24.1 km²"), "{text}");
        assert!(!text.contains("not looked at"), "{text}");
        assert!(text.contains("of the same day as the later image"), "{text}");
        let text = report(&[], &front, &[cover(Reason::Assessed, 0.0), cover(Reason::Misaligned, 24.1)]);
        assert!(text.contains("**Nothing was assessed** between 5 and 12 August 2024"), "{text}");
        assert!(!text.contains("was found"), "{text}");
        assert!(report(&[], &front, &[]).contains("No pair of images was compared."));
    }

    #[test]
    fn an_old_front_is_warned_about() {
        let cover = [cover(Reason::Assessed, 1.0)];
        assert!(!report(&[], &line(9), &cover).contains("Warning"));
        assert!(
            report(&[], &line(8), &cover)
                .contains("4 days older than the later image of 12 August 2024. **W")
        );
    }
}
