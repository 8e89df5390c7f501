//! The front line: dated, sourced, with a class.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use geo_types::{Coord, LineString, Polygon};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::distance::PieceTree;
use crate::earth::{PIECE_M, metres, pieces, xyz};
use crate::geojson::{self, Shapes};
use crate::{Error, Result};

/// Spacing at which an edge near the border is tested against it, metres.
const STEP_M: f64 = 20.0;
/// An edge that lies only partly within the tolerance follows the border where it runs within this angle of it.
const ALONG_COS: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// How to read a front line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrontOptions {
    /// The day that the line is of; overrides the file's. Where features bear several dates, those of this day
    /// are kept if there are any.
    pub date: Option<NaiveDate>,
    /// Who drew it; overrides the file's.
    pub source: Option<String>,
    /// Only features of this class. `None`: `claimed` where the file has it, as it reaches furthest and no
    /// distance is then overstated; else every feature.
    pub class: Option<String>,
    /// GeoJSON of lines or polygons that are not front: a state border, a coast.
    pub border: Option<PathBuf>,
    /// Edges of polygons of control that run within this distance of the border are not front, metres. 50 m:
    /// borders of different digitisations differ by tens of metres.
    pub border_tolerance_m: f64,
}

impl Default for FrontOptions {
    fn default() -> Self {
        Self { date: None, source: None, class: None, border: None, border_tolerance_m: 50.0 }
    }
}

impl FrontOptions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::BadOption`] where the tolerance is not between 0 and 10,000 m.
    pub fn validate(&self) -> Result<()> {
        if (0.0..=10_000.0).contains(&self.border_tolerance_m) {
            Ok(())
        } else {
            Err(Error::BadOption {
                name: "border_tolerance_m",
                value: self.border_tolerance_m,
                must_be: "between 0 and 10000",
            })
        }
    }
}

/// A front line of one day, by one source, of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontLine {
    /// The day that it is of.
    pub date: NaiveDate,
    /// Who drew it.
    pub source: String,
    /// `claimed`, `assessed`, `contested`, … as the file says; `front` where it does not.
    pub class: String,
    /// How far the line may be off, metres, where the file says so (property `uncertainty_m`).
    pub uncertainty_m: Option<f64>,
    /// What was mended, dropped or chosen on reading.
    pub notes: Vec<String>,
    lines: Vec<LineString>,
    areas: Vec<Polygon>,
}

impl FrontLine {
    /// Reads a front line from GeoJSON: lines, or polygons of control whose outline is the front.
    ///
    /// Heights, repeated vertices, null geometries, open rings and wrong winding are mended and noted. An edge
    /// that two polygons share from either side lies within the area and is not front; nor is one along the
    /// antimeridian, where RFC 7946 cuts polygons; nor one along `options.border`.
    ///
    /// Date: `options.date`, else the property `date`, `datetime` or `timestamp`, else the file name. Where
    /// features differ, the newest day is kept. Source: `options.source`, else the property `source`, else the
    /// file stem.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::NotJson`], [`Error::NotGeoJson`], [`Error::ForeignCrs`], [`Error::OutOfRange`],
    /// [`Error::NoLines`], [`Error::NoSuchClass`], [`Error::NoDate`], [`Error::AllBorder`], [`Error::BadOption`].
    pub fn read(path: &Path, options: &FrontOptions) -> Result<Self> {
        options.validate()?;
        let contents = geojson::read(path)?;
        let mut notes = contents.notes();
        let (points, empty) = (contents.points, contents.empty + contents.degenerate);
        let mut shapes = contents.shapes;
        shapes.retain(|s| !s.lines.is_empty() || !s.polygons.is_empty());
        if shapes.is_empty() {
            return Err(Error::NoLines { path: path.into(), points, empty });
        }
        let class = choose_class(path, options, &mut shapes, &mut notes)?;
        let date = choose_date(path, options, &mut shapes, &mut notes)?;
        let source = match &options.source {
            Some(source) => source.clone(),
            None => sources(&shapes).unwrap_or_else(|| stem(path)),
        };
        let uncertainty_m = shapes
            .iter()
            .filter_map(|s| s.properties.get("uncertainty_m").and_then(Value::as_f64))
            .filter(|u| u.is_finite() && *u >= 0.0)
            .reduce(f64::max);
        let mut lines = Vec::new();
        let mut areas: Vec<Polygon> = Vec::new();
        for shape in shapes {
            lines.extend(shape.lines);
            for rings in shape.polygons {
                let area = geojson::polygon_of(rings);
                if areas.contains(&area) {
                    notes.push("a polygon that repeats another was dropped".to_owned());
                } else {
                    areas.push(area);
                }
            }
        }
        let edges = outline(&areas, &mut notes);
        lines.extend(match &options.border {
            Some(border) => {
                let kept = less_border(&edges, border, options.border_tolerance_m, &mut notes)?;
                if kept.is_empty() && lines.is_empty() {
                    return Err(Error::AllBorder {
                        path: path.into(),
                        border: border.clone(),
                        edges: edges.len(),
                        tolerance_m: options.border_tolerance_m,
                    });
                }
                chained(&kept)
            }
            None => chained(&edges),
        });
        if lines.is_empty() {
            return Err(Error::NoLines { path: path.into(), points, empty });
        }
        Ok(Self { date, source, class, uncertainty_m, notes, lines, areas })
    }

    /// A front of lines that are already at hand, longitude and latitude in degrees.
    ///
    /// `None` where no line has two vertices or a coordinate is not a longitude or latitude.
    pub fn from_lines(lines: Vec<LineString>, date: NaiveDate, source: &str, class: &str) -> Option<Self> {
        let fit = |c: &Coord| c.x.abs() <= 360.0 && c.y.abs() <= 90.0;
        if !lines.iter().any(|l| l.0.len() > 1) || !lines.iter().flat_map(LineString::coords).all(fit) {
            return None;
        }
        Some(Self {
            date,
            source: source.to_owned(),
            class: class.to_owned(),
            uncertainty_m: None,
            notes: Vec::new(),
            lines,
            areas: Vec::new(),
        })
    }

    /// The lines that are front, longitude and latitude in degrees; never empty.
    pub fn lines(&self) -> &[LineString] {
        &self.lines
    }

    /// The areas of control whose outline is the front, whole, exteriors counter-clockwise; empty for lines.
    pub fn areas(&self) -> &[Polygon] {
        &self.areas
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn text<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
}

fn class_of(shape: &Shapes) -> &str {
    text(&shape.properties, "class").unwrap_or("front")
}

/// Keeps the features of the class asked for, or of the class that reaches furthest.
fn choose_class(
    path: &Path,
    options: &FrontOptions,
    shapes: &mut Vec<Shapes>,
    notes: &mut Vec<String>,
) -> Result<String> {
    let present: BTreeSet<String> = shapes.iter().map(|s| class_of(s).to_owned()).collect();
    let chosen = match &options.class {
        Some(class) => {
            let found = present.iter().find(|p| p.eq_ignore_ascii_case(class)).cloned();
            Some(found.ok_or_else(|| Error::NoSuchClass {
                path: path.into(),
                class: class.clone(),
                present: present.iter().cloned().collect(),
            })?)
        }
        None => present.iter().find(|p| p.eq_ignore_ascii_case("claimed")).cloned(),
    };
    let listed = present.iter().cloned().collect::<Vec<_>>().join(", ");
    match chosen {
        Some(class) => {
            if present.len() > 1 {
                notes.push(format!("of the classes {listed}, only {class} is measured from"));
            }
            shapes.retain(|s| class_of(s) == class);
            Ok(class)
        }
        None if present.len() == 1 => Ok(listed),
        None => {
            notes.push(format!("the classes {listed} are all measured from; choose one with --front-class"));
            Ok("front".to_owned())
        }
    }
}

/// Keeps the features of one day.
fn choose_date(
    path: &Path,
    options: &FrontOptions,
    shapes: &mut Vec<Shapes>,
    notes: &mut Vec<String>,
) -> Result<NaiveDate> {
    let mut unread = BTreeSet::new();
    let dates: Vec<Option<NaiveDate>> = shapes.iter().map(|s| date_of(&s.properties, &mut unread)).collect();
    for value in unread {
        notes.push(format!("{value} could not be read as a date"));
    }
    let present: BTreeSet<NaiveDate> = dates.iter().flatten().copied().collect();
    let day = match options.date {
        Some(asked) if present.contains(&asked) => Some(asked),
        _ => present.last().copied(),
    };
    if let Some(day) = day.filter(|_| present.len() > 1) {
        let before = shapes.len();
        let mut dates = dates.iter();
        shapes.retain(|_| dates.next().is_some_and(|d| d.is_none_or(|d| d == day)));
        notes.push(format!("{} features of other days than {day} were dropped", before - shapes.len()));
    }
    if let (Some(asked), Some(day)) = (options.date, day)
        && asked != day
    {
        notes.push(format!("the file says {day}; {asked} was given and is used"));
    }
    let name = || path.file_name().and_then(|n| date_in_name(&n.to_string_lossy()));
    options.date.or(day).or_else(name).ok_or_else(|| Error::NoDate { path: path.into() })
}

fn date_of(properties: &Map<String, Value>, unread: &mut BTreeSet<String>) -> Option<NaiveDate> {
    for name in ["date", "datetime", "timestamp"] {
        let date = match properties.get(name) {
            Some(Value::String(s)) => date_in_text(s.trim()),
            Some(Value::Number(n)) => n.as_f64().and_then(date_in_number),
            None | Some(Value::Null) => continue,
            Some(_) => None,
        };
        if date.is_some() {
            return date;
        }
        unread.insert(format!("{name} {}", properties[name]));
    }
    None
}

/// `2024-08-14`, `2024-08-14T06:00:00Z`, `2024/08/14`, `20240814`, all at the beginning.
fn date_in_text(s: &str) -> Option<NaiveDate> {
    let digits = s.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 8 {
        return NaiveDate::parse_from_str(s.get(..8)?, "%Y%m%d").ok();
    }
    let head = s.get(..10)?;
    ["%Y-%m-%d", "%Y/%m/%d"].iter().find_map(|format| NaiveDate::parse_from_str(head, format).ok())
}

/// `20240814`, or seconds or milliseconds since 1970.
fn date_in_number(n: f64) -> Option<NaiveDate> {
    let n = n.trunc() as i64;
    if (19_000_101..=21_001_231).contains(&n) {
        return date_in_text(&n.to_string());
    }
    let seconds = if n.abs() >= 100_000_000_000 { n / 1000 } else { n };
    chrono::DateTime::from_timestamp(seconds, 0).map(|t| t.date_naive()).filter(|_| n >= 100_000_000)
}

/// The first date in a file name: `2024-08-14`, `2024_08_14` or `20240814`, not within a longer number.
fn date_in_name(name: &str) -> Option<NaiveDate> {
    let bytes = name.as_bytes();
    (0..bytes.len()).filter(|&i| i == 0 || !bytes[i - 1].is_ascii_digit()).find_map(|i| {
        let ends = |n: usize| !bytes.get(i + n).is_some_and(u8::is_ascii_digit);
        let dashed = || {
            let head = name.get(i..i + 10).filter(|_| ends(10))?;
            ["%Y-%m-%d", "%Y_%m_%d"].iter().find_map(|f| NaiveDate::parse_from_str(head, f).ok())
        };
        let plain = || {
            let head = name.get(i..i + 8).filter(|h| ends(8) && h.bytes().all(|b| b.is_ascii_digit()))?;
            NaiveDate::parse_from_str(head, "%Y%m%d").ok()
        };
        dashed().or_else(plain)
    })
}

fn sources(shapes: &[Shapes]) -> Option<String> {
    let mut seen: Vec<&str> = Vec::new();
    for source in shapes.iter().filter_map(|s| text(&s.properties, "source")) {
        if !seen.contains(&source) {
            seen.push(source);
        }
    }
    (!seen.is_empty()).then(|| seen.join("; "))
}

type Edge = (Coord, Coord);

/// The edges of the areas that bound their union, as far as edges shared vertex by vertex tell.
fn outline(areas: &[Polygon], notes: &mut Vec<String>) -> Vec<Edge> {
    let all: Vec<Edge> = areas
        .iter()
        .flat_map(|a| std::iter::once(a.exterior()).chain(a.interiors()))
        .flat_map(LineString::lines)
        .map(|e| (e.start, e.end))
        .collect();
    let key = |(a, b): &Edge| [a.x + 0.0, a.y + 0.0, b.x + 0.0, b.y + 0.0].map(f64::to_bits);
    let mut count: HashMap<[u64; 4], usize> = HashMap::new();
    for edge in &all {
        *count.entry(key(edge)).or_default() += 1;
    }
    let cut = |(a, b): &Edge| a.x == b.x && a.x.abs() == 180.0;
    let (mut shared, mut at_cut) = (0, 0);
    let kept = all
        .iter()
        .filter(|e| {
            let inner = count.contains_key(&key(&(e.1, e.0)));
            shared += usize::from(inner);
            at_cut += usize::from(!inner && cut(e));
            !inner && !cut(e)
        })
        .copied()
        .collect();
    if shared > 0 {
        notes.push(format!("{} edges between adjoining areas are not front", shared / 2));
    }
    if at_cut > 0 {
        notes.push(format!("{at_cut} edges along the antimeridian, where areas are cut, are not front"));
    }
    kept
}

/// The edges, or parts of them, that do not run along the border.
fn less_border(
    edges: &[Edge],
    border: &Path,
    tolerance_m: f64,
    notes: &mut Vec<String>,
) -> Result<Vec<Edge>> {
    let contents = geojson::read(border)?;
    let mut cut = Vec::new();
    let near = Reach::of(edges, tolerance_m);
    let rings = contents.shapes.iter().flat_map(|s| s.polygons.iter().flatten().map(Vec::as_slice));
    let lines = contents.shapes.iter().flat_map(|s| s.lines.iter().map(|l| l.0.as_slice()));
    let mut any = false;
    for vertices in rings.chain(lines) {
        any = true;
        for w in vertices.windows(2).filter(|w| near.meets(w[0], w[1])) {
            pieces(w[0], w[1], PIECE_M, &mut cut);
        }
    }
    if !any {
        let empty = contents.empty + contents.degenerate;
        return Err(Error::NoLines { path: border.into(), points: contents.points, empty });
    }
    if cut.is_empty() {
        notes.push(format!("the border {} is nowhere near the front", border.display()));
        return Ok(edges.to_vec());
    }
    let tree = PieceTree::new(cut);
    let mut kept = Vec::new();
    let mut removed_m = 0.0;
    for edge in edges {
        removed_m += off_border(*edge, &tree, tolerance_m, &mut kept);
    }
    if removed_m > 0.0 {
        notes.push(format!(
            "{:.1} km of outline along the border {} are not front",
            removed_m / 1000.0,
            border.display()
        ));
    } else {
        notes.push(format!("no edge runs along the border {}", border.display()));
    }
    Ok(kept)
}

/// The part of the world that edges lie in, with a margin.
struct Reach {
    low: Coord,
    high: Coord,
}

impl Reach {
    fn of(edges: &[Edge], margin_m: f64) -> Self {
        let mut low = Coord { x: f64::INFINITY, y: f64::INFINITY };
        let mut high = Coord { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY };
        for p in edges.iter().flat_map(|e| [e.0, e.1]) {
            low = Coord { x: low.x.min(p.x), y: low.y.min(p.y) };
            high = Coord { x: high.x.max(p.x), y: high.y.max(p.y) };
        }
        let dy = margin_m / 110_000.0 + 0.01;
        // Near the poles a metre spans any longitude.
        let steepest = (low.y.abs().max(high.y.abs()) + dy).min(90.0);
        let dx = if steepest > 89.0 { 720.0 } else { dy / steepest.to_radians().cos() };
        Self { low: Coord { x: low.x - dx, y: low.y - dy }, high: Coord { x: high.x + dx, y: high.y + dy } }
    }

    fn meets(&self, a: Coord, b: Coord) -> bool {
        let (west, east) = (a.x.min(b.x), a.x.max(b.x));
        a.y.max(b.y) >= self.low.y
            && a.y.min(b.y) <= self.high.y
            && (east - west > 180.0
                || [-360.0, 0.0, 360.0]
                    .iter()
                    .any(|turn| east + turn >= self.low.x && west + turn <= self.high.x))
    }
}

/// Adds what is front of an edge to `kept`; returns how many metres were not.
fn off_border(edge: Edge, tree: &PieceTree, tolerance_m: f64, kept: &mut Vec<Edge>) -> f64 {
    // Coarse first: an edge whose pieces all lie far from the border is kept whole, however long it is.
    let mut coarse = Vec::new();
    pieces(edge.0, edge.1, PIECE_M, &mut coarse);
    let far =
        |p: &crate::earth::Piece| tree.nearest_to(p.at(0.5)).is_none_or(|(d, _)| d > tolerance_m + PIECE_M);
    if coarse.iter().all(far) {
        kept.push(edge);
        return 0.0;
    }
    let mut fine = Vec::new();
    for piece in &coarse {
        if far(piece) { fine.push(*piece) } else { pieces(piece.a, piece.b, STEP_M, &mut fine) }
    }
    let within = |p: Coord| tree.nearest_to(p).is_some_and(|(d, _)| d <= tolerance_m);
    let near: Vec<bool> = fine.iter().map(|p| within(p.a) && within(p.at(0.5)) && within(p.b)).collect();
    let whole = near.iter().all(|&n| n);
    // The whole edge near: it follows the border, however it wavers. A part of it near: only where it also runs
    // the border's way, so that a front which meets the border squarely keeps its end.
    let gone: Vec<bool> =
        fine.iter().zip(&near).map(|(p, &n)| n && (whole || runs_along(p.a, p.b, tree))).collect();
    let mut removed_m = 0.0;
    let mut start: Option<Coord> = None;
    for (i, piece) in fine.iter().enumerate() {
        if gone[i] {
            removed_m += crate::earth::distance2(piece.pa, piece.pb).sqrt();
            if let Some(from) = start.take() {
                kept.push((from, piece.a));
            }
        } else if start.is_none() {
            start = Some(piece.a);
        }
    }
    if let Some(from) = start {
        // An edge kept whole keeps its own vertices, so that runs of edges can be chained again.
        kept.push(if removed_m == 0.0 { edge } else { (from, edge.1) });
    }
    removed_m
}

/// True where a short edge and the border beside it run the same way, or the opposite way.
fn runs_along(a: Coord, b: Coord, tree: &PieceTree) -> bool {
    let mid = (a + b) / 2.0;
    let Some((_, border)) = tree.nearest_to(mid) else { return false };
    let (e1, n1) = metres(mid.y, b - a);
    let (e2, n2) = metres(mid.y, border.b - border.a);
    let lengths = e1.hypot(n1) * e2.hypot(n2);
    lengths > 0.0 && ((e1 * e2 + n1 * n2) / lengths).abs() >= ALONG_COS
}

/// Joins edges that follow one another into lines.
fn chained(edges: &[Edge]) -> Vec<LineString> {
    let mut lines: Vec<LineString> = Vec::new();
    for &(a, b) in edges {
        match lines.last_mut() {
            Some(line) if line.0.last() == Some(&a) || line.0.last().is_some_and(|&p| xyz(p) == xyz(a)) => {
                line.0.push(b);
            }
            _ => lines.push(LineString(vec![a, b])),
        }
    }
    lines
}
