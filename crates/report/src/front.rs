//! The front line: dated, sourced, with a class.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use geo_types::{Coord, LineString, Polygon};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::areas::Areas;
use crate::border::{Edge, less_border};
use crate::classes;
use crate::earth::{metres, xyz};
use crate::front_date::{date_in_name, date_of};
use crate::geojson::{self, Contents, Shapes};
use crate::{Error, Result};

/// A front whose every vertex is further than this from the images, while with its coordinates swapped it would be
/// near, is latitude first. Metres.
const NOWHERE_M: f64 = 600_000.0;
/// Longest lines of a file in all, metres: about all coasts and borders of the earth.
const LONGEST_M: f64 = 1e9;
/// Lines and areas further than this from the images are left out where others are nearer, metres: no distance
/// to them says anything about the works.
const ELSEWHERE_M: f64 = 1_000_000.0;

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
    /// Positions are latitude before longitude.
    pub lat_first: bool,
    /// Class by what a feature is called or how it is filled: `assessed = ["Russian control*", "#d32f2f"]`. A name
    /// may end in `*`; upper and lower case are one. Goes before the property `class`.
    pub classes: BTreeMap<String, Vec<String>>,
    /// Which of several days is in force at an image.
    pub rule: FrontRule,
}

/// Which of several dated fronts is in force on the day of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrontRule {
    /// The newest that is not after the image: what was known when it was taken.
    #[default]
    Before,
    /// The nearest in time; of two as near, the older.
    Nearest,
    /// The oldest that is not before the image.
    After,
}

impl Default for FrontOptions {
    fn default() -> Self {
        Self {
            date: None,
            source: None,
            class: None,
            border: None,
            border_tolerance_m: 50.0,
            lat_first: false,
            classes: BTreeMap::new(),
            rule: FrontRule::default(),
        }
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
    /// antimeridian or at a pole, where RFC 7946 cuts polygons; nor one along `options.border`.
    ///
    /// Date: `options.date`, else the property `date`, `datetime` or `timestamp`, else the file name. Where
    /// features differ, the newest day is kept. Source: `options.source`, else the property `source`, else the
    /// file stem.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::NotJson`], [`Error::NotGeoJson`], [`Error::ForeignCrs`], [`Error::OutOfRange`],
    /// [`Error::NoLines`], [`Error::NoSuchClass`], [`Error::NoDate`], [`Error::AllBorder`], [`Error::BadOption`].
    pub fn read(path: &Path, options: &FrontOptions) -> Result<Self> {
        let file = FrontFile::read(path, options)?;
        let border = options.border.as_ref().map(|b| FrontFile::read_border(b)).transpose()?;
        file.line(options, border.as_ref(), &[])
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

/// A file of fronts, parsed and mended, from which fronts of a class are made.
#[derive(Debug)]
pub struct FrontFile {
    path: PathBuf,
    contents: Contents,
}

impl FrontFile {
    /// A GeoJSON file.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::NotJson`], and those of [`FrontFile::from_geojson`].
    pub fn read(path: &Path, options: &FrontOptions) -> Result<Self> {
        options.validate()?;
        Ok(Self { path: path.into(), contents: geojson::read(path, options.lat_first)? })
    }

    /// A GeoJSON file of a border, longitude first.
    ///
    /// # Errors
    /// As [`FrontFile::read`].
    pub fn read_border(path: &Path) -> Result<Self> {
        Ok(Self { path: path.into(), contents: geojson::read(path, false)? })
    }

    /// GeoJSON at hand, made from a file of any format. Texts in its member `notes` become notes.
    ///
    /// # Errors
    /// [`Error::NotGeoJson`], [`Error::ForeignCrs`], [`Error::OutOfRange`], [`Error::Tangled`]; each names the
    /// feature.
    pub fn from_geojson(path: &Path, root: Value, lat_first: bool) -> Result<Self> {
        Ok(Self { path: path.into(), contents: geojson::parse(path, root, lat_first)? })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was mended on reading.
    pub fn notes(&self) -> Vec<String> {
        self.contents.notes()
    }

    /// The day of the file, newest first where features differ, as [`FrontLine::read`] finds it; `None` for none.
    pub fn newest_day(&self) -> Option<NaiveDate> {
        let mut unread = BTreeSet::new();
        let days = self.contents.shapes.iter().filter_map(|s| date_of(&s.properties, &mut unread));
        days.max().or_else(|| self.path.file_name().and_then(|n| date_in_name(&n.to_string_lossy())))
    }

    /// The fronts of every class in the file: the one to be measured from first, as [`FrontLine::read`] chooses it,
    /// then the others by name.
    ///
    /// `place` is where the images lie, longitude and latitude.
    ///
    /// # Errors
    /// Those of [`FrontLine::read`], and [`Error::LatitudeFirst`].
    pub fn lines(
        &self,
        options: &FrontOptions,
        border: Option<&FrontFile>,
        places: &[Coord],
    ) -> Result<Vec<FrontLine>> {
        let lead = self.line(options, border, places)?;
        // Features of no class, all measured from, are one front already.
        if options.class.is_none() && lead.class == "front" {
            return Ok(vec![lead]);
        }
        // Of the lead's day, or of none: another day's is no rival of this one, though the class may have newer features.
        let dated = |s: &&Shapes| {
            date_of(&s.properties, &mut BTreeSet::new())
                .is_none_or(|d| options.date.is_some() || d == lead.date)
        };
        let of_the_day = self.contents.shapes.iter().filter(dated);
        let mut present: BTreeSet<String> =
            of_the_day.map(|s| classes::class_of(&s.properties, options)).collect();
        present.retain(|c| !c.eq_ignore_ascii_case(&lead.class));
        let day = lead.date;
        let mut out = vec![lead];
        for class in present {
            let one =
                FrontOptions { class: Some(class), date: options.date.or(Some(day)), ..options.clone() };
            match self.line(&one, border, places) {
                Ok(line) if line.date == out[0].date => out.push(line),
                Ok(_) | Err(Error::NoLines { .. } | Error::AllBorder { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(out)
    }

    /// One front: of the class in the options, or the one that reaches furthest.
    fn line(
        &self,
        options: &FrontOptions,
        border: Option<&FrontFile>,
        places: &[Coord],
    ) -> Result<FrontLine> {
        options.validate()?;
        let (path, contents) = (self.path.as_path(), &self.contents);
        let mut notes = contents.notes();
        let (points, empty) = (contents.points, contents.empty + contents.degenerate);
        let mut shapes: Vec<Shapes> = contents.shapes.clone();
        shapes.retain(|s| !s.lines.is_empty() || !s.polygons.is_empty());
        if shapes.is_empty() {
            return Err(Error::NoLines { path: path.into(), points, empty });
        }
        if !places.is_empty() {
            keep_near(path, places, &mut shapes, &mut notes)?;
        }
        check_length(path, &shapes)?;
        if let Some(border) = border {
            check_length(&border.path, &border.contents.shapes)?;
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
                let area = geojson::area_of(rings);
                if areas.contains(&area) {
                    notes.push("a polygon that repeats another was dropped".to_owned());
                } else {
                    areas.push(area);
                }
            }
        }
        let edges = outline(&areas, &mut notes);
        lines.extend(match border {
            Some(border) => {
                let with = (border.path.as_path(), &border.contents);
                let kept = less_border(&edges, with, options.border_tolerance_m, &mut notes)?;
                if kept.is_empty() && lines.is_empty() {
                    return Err(Error::AllBorder {
                        path: path.into(),
                        border: border.path.clone(),
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
        Ok(FrontLine { date, source, class, uncertainty_m, notes, lines, areas })
    }
}

/// Leaves out what lies far from all `places` of images; an error where all of it does, and would not with its coordinates
/// swapped.
fn keep_near(path: &Path, places: &[Coord], shapes: &mut Vec<Shapes>, notes: &mut Vec<String>) -> Result<()> {
    let away = |coords: &mut dyn Iterator<Item = Coord>| {
        let to_any = |c| places.iter().map(move |&p| rough_distance_m(c, p)).fold(f64::INFINITY, f64::min);
        coords.map(to_any).fold(f64::INFINITY, f64::min)
    };
    let ring_away = |rings: &[Vec<Coord>]| {
        let exterior = rings.first().map(Vec::as_slice).unwrap_or_default();
        let area = Areas::new(&[geojson::area_of(vec![exterior.to_vec()])]);
        if places.iter().any(|&p| area.contain(p)) { 0.0 } else { away(&mut exterior.iter().copied()) }
    };
    let of = |s: &Shapes| {
        let lines = s.lines.iter().map(|l| away(&mut l.coords().copied()));
        lines.chain(s.polygons.iter().map(|p| ring_away(p))).fold(f64::INFINITY, f64::min)
    };
    let nearest_m = shapes.iter().map(of).fold(f64::INFINITY, f64::min);
    if nearest_m > NOWHERE_M {
        let swapped = |c: &Coord| Coord { x: c.y, y: c.x };
        let coords = shapes.iter().flat_map(|s| {
            let lines = s.lines.iter().flat_map(LineString::coords);
            lines.chain(s.polygons.iter().flatten().flatten()).map(swapped)
        });
        let swapped_m = away(&mut coords.filter(|c| c.y.abs() <= 90.0));
        if swapped_m < NOWHERE_M / 2.0 {
            return Err(Error::LatitudeFirst {
                path: path.into(),
                away_km: (nearest_m / 1000.0).round(),
                swapped_km: (swapped_m / 1000.0).round(),
            });
        }
    }
    if nearest_m < ELSEWHERE_M {
        let mut far = 0;
        for shape in shapes.iter_mut() {
            let before = shape.lines.len() + shape.polygons.len();
            shape.lines.retain(|l| away(&mut l.coords().copied()) < ELSEWHERE_M);
            shape.polygons.retain(|p| ring_away(p) < ELSEWHERE_M);
            far += before - shape.lines.len() - shape.polygons.len();
        }
        shapes.retain(|s| !s.lines.is_empty() || !s.polygons.is_empty());
        if far > 0 {
            notes.push(format!(
                "{far} lines or areas over {:.0} km from the images were left out",
                ELSEWHERE_M / 1e3
            ));
        }
    }
    Ok(())
}

/// Refuses lines that are longer than any front is: they are cut into pieces of half a kilometre, and a few edges across a hemisphere are
/// as many as a memory holds.
fn check_length(path: &Path, shapes: &[Shapes]) -> Result<()> {
    let along = |coords: &mut dyn Iterator<Item = Coord>| {
        let (mut sum_m, mut last) = (0.0, None);
        for c in coords {
            sum_m += last.map_or(0.0, |last| rough_distance_m(last, c));
            last = Some(c);
        }
        sum_m
    };
    let of = |s: &Shapes| {
        let lines: f64 = s.lines.iter().map(|l| along(&mut l.coords().copied())).sum();
        lines + s.polygons.iter().flatten().map(|ring| along(&mut ring.iter().copied())).sum::<f64>()
    };
    let whole_m: f64 = shapes.iter().map(of).sum();
    if whole_m > LONGEST_M {
        return Err(Error::TooLong {
            path: path.into(),
            km: (whole_m / 1000.0).round(),
            most_km: LONGEST_M / 1000.0,
        });
    }
    Ok(())
}

/// Distance of two points, within some per cent, metres.
fn rough_distance_m(a: Coord, b: Coord) -> f64 {
    let dx = (a.x - b.x + 540.0).rem_euclid(360.0) - 180.0;
    let (east, north) = metres((a.y + b.y) / 2.0, Coord { x: dx, y: a.y - b.y });
    east.hypot(north)
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(crate) fn text<'a>(properties: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    properties.get(name).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty())
}

/// Keeps the features of the class asked for, or of the class that reaches furthest.
fn choose_class(
    path: &Path,
    options: &FrontOptions,
    shapes: &mut Vec<Shapes>,
    notes: &mut Vec<String>,
) -> Result<String> {
    let present: BTreeSet<String> =
        shapes.iter().map(|s| classes::class_of(&s.properties, options)).collect();
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
            shapes.retain(|s| classes::class_of(&s.properties, options) == class);
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
    for value in &unread {
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
    options
        .date
        .or(day)
        .or_else(name)
        .ok_or_else(|| Error::NoDate { path: path.into(), unread: unread.into_iter().collect() })
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
    let cut = |(a, b): &Edge| (a.x == b.x && a.x.abs() == 180.0) || (a.y == b.y && a.y.abs() == 90.0);
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
        notes.push(format!(
            "{at_cut} edges along the antimeridian or at a pole, where areas are cut, are not front"
        ));
    }
    kept
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
