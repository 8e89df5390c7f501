//! Just enough GeoJSON: a tolerant reader for front lines, a tidy writer for what was found.
//!
//! The reader walks the JSON itself: one broken feature of a hand-drawn file must be named, or mended and noted,
//! and a strict parser would only refuse the whole.

use std::collections::BTreeMap;
use std::path::Path;

use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Error, Result, rings};

/// A feature: its properties and what of its geometry is a line or an area.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes {
    /// Properties; empty for a bare geometry.
    pub properties: Map<String, Value>,
    /// Lines of two or more distinct vertices.
    pub lines: Vec<LineString>,
    /// Rings as drawn, closed, of three or more distinct vertices: exterior first.
    pub polygons: Vec<Vec<Vec<Coord>>>,
    /// Points, which are no front but may be places.
    pub points: Vec<Coord>,
}

/// What a file holds, and how it had to be mended.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub shapes: Vec<Shapes>,
    pub points: usize,
    pub empty: usize,
    pub heights: usize,
    pub unclosed: usize,
    pub repeated: usize,
    pub degenerate: usize,
    /// Rings that crossed themselves.
    pub crossed: usize,
    /// Rings that ran the other way than RFC 7946 asks for.
    pub turned: usize,
    /// Collections of geometries.
    pub collections: usize,
    /// Positions whose longitude is beyond 180 degrees.
    pub beyond: usize,
    /// What was noted on the way to GeoJSON.
    pub said: Vec<String>,
    /// Features that were mended, by how.
    mended: BTreeMap<&'static str, Vec<String>>,
}

impl Contents {
    /// The repairs, in words.
    pub(crate) fn notes(&self) -> Vec<String> {
        let count = |n: usize, flaw: &'static str, one: &str, many: &str| {
            let whose = self.mended.get(flaw).map(|names| names.join(", ")).unwrap_or_default();
            let whose = if whose.is_empty() { whose } else { format!(" ({whose})") };
            match n {
                0 => None,
                1 => Some(format!("1 {one}{whose}")),
                _ => Some(format!("{n} {many}{whose}")),
            }
        };
        let mended = [
            count(
                self.empty,
                EMPTY,
                "null or empty geometry was skipped",
                "null or empty geometries were skipped",
            ),
            count(
                self.points,
                POINT,
                "point was skipped: a front has no points",
                "points were skipped: a front has no points",
            ),
            count(
                self.heights,
                HEIGHT,
                "position had a height, which was dropped",
                "positions had heights, which were dropped",
            ),
            count(
                self.unclosed,
                UNCLOSED,
                "ring was not closed and has been",
                "rings were not closed and have been",
            ),
            count(
                self.repeated,
                REPEATED,
                "vertex repeated the one before and was dropped",
                "vertices repeated the one before and were dropped",
            ),
            count(
                self.degenerate,
                DEGENERATE,
                "line or ring had too few distinct vertices and was skipped",
                "lines or rings had too few distinct vertices and were skipped",
            ),
            count(
                self.crossed,
                CROSSED,
                "ring crossed itself and was cut into its parts",
                "rings crossed themselves and were cut into their parts",
            ),
            count(
                self.turned,
                TURNED,
                "ring ran the wrong way round (outlines run counter-clockwise, holes clockwise) and was turned",
                "rings ran the wrong way round (outlines run counter-clockwise, holes clockwise) and were turned",
            ),
            count(
                self.collections,
                COLLECTION,
                "GeometryCollection was taken apart",
                "GeometryCollections were taken apart",
            ),
            count(
                self.beyond,
                BEYOND,
                "position had a longitude beyond 180° and was taken round the Earth",
                "positions had longitudes beyond 180° and were taken round the Earth",
            ),
        ];
        self.said.iter().cloned().chain(mended.into_iter().flatten()).collect()
    }

    /// Remembers which feature was mended how; the first few are named.
    fn mend(&mut self, flaw: &'static str, name: &str) {
        let names = self.mended.entry(flaw).or_default();
        if names.len() < 3 && !names.iter().any(|n| n == name) {
            names.push(name.to_owned());
        } else if names.len() == 3 && !names.iter().any(|n| n == name) {
            names.push("…".to_owned());
        }
    }
}

const EMPTY: &str = "empty";
const POINT: &str = "point";
const HEIGHT: &str = "height";
const UNCLOSED: &str = "unclosed";
const REPEATED: &str = "repeated";
const DEGENERATE: &str = "degenerate";
const CROSSED: &str = "crossed";
const TURNED: &str = "turned";
const COLLECTION: &str = "collection";
const BEYOND: &str = "beyond";

/// Reads the lines and areas of a GeoJSON file.
pub(crate) fn read(path: &Path, lat_first: bool) -> Result<Contents> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
    let marked = bytes.strip_prefix(b"\xef\xbb\xbf");
    let root: Value = serde_json::from_slice(marked.unwrap_or(&bytes))
        .map_err(|source| Error::NotJson { path: path.into(), source })?;
    let mut contents = parsed(path, root, lat_first, true)?;
    if marked.is_some() {
        contents.said.push("the file begins with a byte order mark, which was skipped".to_owned());
    }
    Ok(contents)
}

/// The lines and areas of GeoJSON that was made of a file in another format, which may have another rule for the way
/// rings run, or none.
pub(crate) fn parse(path: &Path, root: Value, lat_first: bool) -> Result<Contents> {
    parsed(path, root, lat_first, false)
}

fn parsed(path: &Path, root: Value, lat_first: bool, wound: bool) -> Result<Contents> {
    let mut reader = Reader { path, lat_first, wound, contents: Contents::default() };
    if let Some(notes) = root.get("notes").and_then(Value::as_array) {
        reader.contents.said = notes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if lat_first {
        reader.contents.said.push("positions were read as latitude, longitude, as asked".to_owned());
    }
    reader.root(root)?;
    Ok(reader.contents)
}

struct Reader<'a> {
    path: &'a Path,
    lat_first: bool,
    /// Rings should run as RFC 7946 says.
    wound: bool,
    contents: Contents,
}

impl Reader<'_> {
    fn wrong(&self, what: impl Into<String>) -> Error {
        Error::NotGeoJson { path: self.path.into(), what: what.into() }
    }

    fn root(&mut self, root: Value) -> Result<()> {
        let Value::Object(mut root) = root else {
            return Err(self.wrong("its root is not an object"));
        };
        self.crs(root.get("crs"))?;
        match root.get("type").and_then(Value::as_str) {
            Some("FeatureCollection") => {
                let Some(Value::Array(features)) = root.remove("features") else {
                    return Err(self.wrong("the FeatureCollection has no array `features`"));
                };
                for (i, feature) in features.into_iter().enumerate() {
                    let Value::Object(feature) = feature else {
                        return Err(self.wrong(format!("feature {i} is not an object")));
                    };
                    self.feature(feature, &format!("feature {i}"))?;
                }
                Ok(())
            }
            Some("Feature") => self.feature(root, "the feature"),
            Some(_) => {
                let mut shapes = Shapes::default();
                self.geometry(&Value::Object(root), "the geometry", &mut shapes)?;
                self.contents.shapes.push(shapes);
                Ok(())
            }
            None => Err(self.wrong("its root has no `type`")),
        }
    }

    /// The `crs` member of GeoJSON 2008, which RFC 7946 took away.
    fn crs(&self, crs: Option<&Value>) -> Result<()> {
        let Some(crs) = crs.filter(|c| !c.is_null()) else { return Ok(()) };
        let name = crs.pointer("/properties/name").and_then(Value::as_str);
        let known = name.is_some_and(|n| {
            let n = n.to_ascii_uppercase();
            n.ends_with("CRS84") || n.ends_with("CRS84H") || n.ends_with(":4326") || n.ends_with("/4326")
        });
        if known {
            return Ok(());
        }
        let crs = name.map_or_else(|| crs.to_string(), str::to_owned);
        Err(Error::ForeignCrs { path: self.path.into(), crs })
    }

    fn feature(&mut self, mut feature: Map<String, Value>, name: &str) -> Result<()> {
        self.crs(feature.get("crs"))?;
        let properties = match feature.remove("properties") {
            Some(Value::Object(p)) => p,
            _ => Map::new(),
        };
        let mut shapes = Shapes { properties, ..Shapes::default() };
        self.geometry(feature.get("geometry").unwrap_or(&Value::Null), name, &mut shapes)?;
        self.contents.shapes.push(shapes);
        Ok(())
    }

    fn geometry(&mut self, geometry: &Value, name: &str, out: &mut Shapes) -> Result<()> {
        if geometry.is_null() {
            self.contents.empty += 1;
            self.contents.mend(EMPTY, name);
            return Ok(());
        }
        let kind = geometry.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind == "GeometryCollection" {
            let Some(parts) = geometry.get("geometries").and_then(Value::as_array) else {
                return Err(self.wrong(format!("{name}: the GeometryCollection has no array `geometries`")));
            };
            self.contents.empty += usize::from(parts.is_empty());
            self.contents.collections += 1;
            self.contents.mend(COLLECTION, name);
            return parts.iter().try_for_each(|part| self.geometry(part, name, out));
        }
        let coordinates = geometry.get("coordinates").and_then(Value::as_array);
        let Some(coordinates) = coordinates else {
            return Err(self.wrong(format!("{name}: {kind:?} has no array `coordinates`")));
        };
        if coordinates.is_empty() {
            self.contents.empty += 1;
            self.contents.mend(EMPTY, name);
            return Ok(());
        }
        match kind {
            "Point" | "MultiPoint" => {
                let one = [Value::Array(coordinates.clone())];
                let points = if kind == "Point" { &one } else { coordinates.as_slice() };
                for point in points {
                    let point = self.position(point, name)?;
                    out.points.push(point);
                }
                self.contents.points += points.len();
                self.contents.mend(POINT, name);
            }
            "LineString" => self.line(coordinates, name, out)?,
            "MultiLineString" => {
                for line in coordinates {
                    self.line(self.array(line, name)?, name, out)?;
                }
            }
            "Polygon" => self.polygon(coordinates, name, out)?,
            "MultiPolygon" => {
                for polygon in coordinates {
                    self.polygon(self.array(polygon, name)?, name, out)?;
                }
            }
            other => return Err(self.wrong(format!("{name}: {other:?} is not a type of geometry"))),
        }
        Ok(())
    }

    fn array<'v>(&self, value: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
        value
            .as_array()
            .ok_or_else(|| self.wrong(format!("{name}: the coordinates are not nested as they should be")))
    }

    fn line(&mut self, positions: &[Value], name: &str, out: &mut Shapes) -> Result<()> {
        let line = self.positions(positions, name)?;
        if line.len() < 2 {
            self.contents.degenerate += 1;
            self.contents.mend(DEGENERATE, name);
        } else {
            out.lines.push(LineString(line));
        }
        Ok(())
    }

    fn polygon(&mut self, rings: &[Value], name: &str, out: &mut Shapes) -> Result<()> {
        let (mut polygon, mut more) = (Vec::new(), Vec::new());
        for (i, ring) in rings.iter().enumerate() {
            let mut ring = self.positions(self.array(ring, name)?, name)?;
            if let [first, .., last] = &mut ring[..]
                && first.y == last.y
                && (first.x - last.x).abs() == 360.0
            {
                // Once around the Earth is closed.
                *last = *first;
            }
            if ring.len() > 1 && ring.first() != ring.last() {
                self.contents.unclosed += 1;
                self.contents.mend(UNCLOSED, name);
                ring.push(ring[0]);
            }
            if ring.len() < 4 {
                self.contents.degenerate += 1;
                self.contents.mend(DEGENERATE, name);
                if i == 0 {
                    return Ok(()); // no exterior, no polygon
                }
            } else {
                let parts = self.untangled(ring, name)?;
                if let [ring] = &parts[..]
                    && self.wound
                    && (twice_area(&on_plane(ring)) > 0.0) != (i == 0)
                {
                    self.contents.turned += 1;
                    self.contents.mend(TURNED, name);
                }
                let mut parts = parts.into_iter();
                // An exterior that was cut becomes several areas, a hole several holes.
                if i == 0 {
                    polygon.extend(parts.next());
                    more.extend(parts.map(|ring| vec![ring]));
                } else {
                    polygon.extend(parts);
                }
            }
        }
        out.polygons.extend(more);
        if polygon.is_empty() {
            self.contents.empty += 1;
            self.contents.mend(EMPTY, name);
        } else {
            out.polygons.push(polygon);
        }
        Ok(())
    }

    /// The simple rings of a ring that may cross itself.
    fn untangled(&mut self, ring: Vec<Coord>, name: &str) -> Result<Vec<Vec<Coord>>> {
        let Some(parts) = rings::simple(&ring) else {
            return Err(Error::Tangled {
                path: self.path.into(),
                feature: name.to_owned(),
                most: rings::MOST,
            });
        };
        if parts.len() > 1 {
            self.contents.crossed += 1;
            self.contents.mend(CROSSED, name);
        }
        Ok(parts)
    }

    fn positions(&mut self, positions: &[Value], name: &str) -> Result<Vec<Coord>> {
        let mut out: Vec<Coord> = Vec::with_capacity(positions.len());
        for position in positions {
            let p = self.position(position, name)?;
            if out.last() == Some(&p) {
                self.contents.repeated += 1;
                self.contents.mend(REPEATED, name);
            } else {
                out.push(p);
            }
        }
        Ok(out)
    }

    fn position(&mut self, position: &Value, name: &str) -> Result<Coord> {
        let numbers = self.array(position, name)?;
        let (Some(x), Some(y)) =
            (numbers.first().and_then(Value::as_f64), numbers.get(1).and_then(Value::as_f64))
        else {
            return Err(self.wrong(format!("{name}: {position} is not a position [longitude, latitude]")));
        };
        if numbers.len() > 2 {
            self.contents.heights += 1;
            self.contents.mend(HEIGHT, name);
        }
        let (x, y) = if self.lat_first { (y, x) } else { (x, y) };
        if !(y.abs() <= 90.0 && x.abs() <= 360.0) {
            return Err(Error::OutOfRange { path: self.path.into(), feature: name.to_owned(), x, y });
        }
        if x.abs() > 180.0 {
            self.contents.beyond += 1;
            self.contents.mend(BEYOND, name);
        }
        Ok(Coord { x, y })
    }
}

/// A number rounded for print; `null` for NaN.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale + 0.0
}

/// A position of 7 decimals, 1 cm.
pub(crate) fn position(c: Coord) -> [f64; 2] {
    [rounded(c.x, 7), rounded(c.y, 7)]
}

/// West, south, east, north of points in longitude and latitude, degrees; `None` without a finite one. Across the
/// antimeridian west is the greater (RFC 7946, 5.2).
pub(crate) fn bbox(points: impl Iterator<Item = Coord>) -> Option<[f64; 4]> {
    let mut out: Option<(f64, [f64; 4])> = None;
    for c in points.filter(|c| c.x.is_finite() && c.y.is_finite()) {
        let (from, [west, south, east, north]) = out.unwrap_or((c.x, [c.x, c.y, c.x, c.y]));
        // Longitudes run on from the first point, whichever way is shorter.
        let mut x = c.x;
        if (x - from).abs() > 180.0 {
            x = from + (x - from + 540.0).rem_euclid(360.0) - 180.0;
        }
        out = Some((from, [west.min(x), south.min(c.y), east.max(x), north.max(c.y)]));
    }
    let [west, south, east, north] = out?.1;
    if east - west >= 360.0 {
        return Some([-180.0, south, 180.0, north]);
    }
    let wrapped = |x: f64| if x.abs() <= 180.0 { x } else { (x + 180.0).rem_euclid(360.0) - 180.0 };
    Some([wrapped(west), south, wrapped(east), north])
}

/// A line as a GeoJSON geometry.
#[derive(Serialize)]
pub(crate) struct LineGeometry {
    r#type: &'static str,
    coordinates: Vec<[f64; 2]>,
}

impl LineGeometry {
    /// The geometry of a line in longitude and latitude.
    pub(crate) fn of(line: &LineString) -> Self {
        Self { r#type: "LineString", coordinates: line.coords().map(|&c| position(c)).collect() }
    }
}

/// The coordinates of a MultiPolygon, exteriors counter-clockwise and interiors clockwise (RFC 7946, 3.1.6).
pub(crate) fn multipolygon(areas: &MultiPolygon) -> Vec<Vec<Vec<[f64; 2]>>> {
    areas
        .iter()
        .map(|p| {
            let exterior = wound(p.exterior().0.clone(), true);
            let interiors = p.interiors().iter().map(|r| wound(r.0.clone(), false));
            std::iter::once(exterior)
                .chain(interiors)
                .map(|r| r.into_iter().map(position).collect())
                .collect()
        })
        .collect()
}

/// Twice the area of a closed ring, positive where it runs counter-clockwise.
pub(crate) fn twice_area(ring: &[Coord]) -> f64 {
    let Some(o) = ring.first() else { return 0.0 };
    ring.windows(2).map(|w| (w[0].x - o.x) * (w[1].y - o.y) - (w[1].x - o.x) * (w[0].y - o.y)).sum()
}

/// The ring, reversed if it does not run the way it should.
pub(crate) fn wound(mut ring: Vec<Coord>, counter_clockwise: bool) -> Vec<Coord> {
    if (twice_area(&ring) > 0.0) != counter_clockwise {
        ring.reverse();
    }
    ring
}

/// A closed ring in longitude and latitude as a closed ring of the plane: longitudes run on across the antimeridian, and
/// a ring that runs around the Earth is closed over the pole that it is nearer to.
pub(crate) fn on_plane(ring: &[Coord]) -> Vec<Coord> {
    let mut out: Vec<Coord> = Vec::with_capacity(ring.len() + 3);
    let (mut turn, mut before) = (0.0, None);
    for &c in ring {
        let step: f64 = before.map_or(0.0, |x| c.x - x);
        // The shorter way round; a step of a whole turn is one, the edge of a rectangle around the Earth.
        if step.abs() > 180.0 && step.abs() < 360.0 {
            turn -= 360.0 * step.signum();
        }
        before = Some(c.x);
        out.push(Coord { x: c.x + turn, y: c.y });
    }
    if let (Some(&first), Some(&last)) = (out.first(), out.last())
        && (last.x - first.x).abs() > 180.0
    {
        let mean = ring.iter().map(|c| c.y).sum::<f64>() / ring.len() as f64;
        let pole = 90f64.copysign(mean);
        out.extend([Coord { x: last.x, y: pole }, Coord { x: first.x, y: pole }, first]);
    }
    out
}

/// An area of the Earth from rings in longitude and latitude, exterior first: wound as RFC 7946 says, also where they lie
/// across the antimeridian or around a pole.
pub(crate) fn area_of(rings: Vec<Vec<Coord>>) -> Polygon {
    let mut rings = rings.into_iter().enumerate().map(|(i, mut ring)| {
        if (twice_area(&on_plane(&ring)) > 0.0) != (i == 0) {
            ring.reverse();
        }
        LineString(ring)
    });
    let exterior = rings.next().unwrap_or_else(|| LineString(Vec::new()));
    Polygon::new(exterior, rings.collect())
}

/// A polygon of a plane from rings, wound.
pub(crate) fn polygon_of(rings: Vec<Vec<Coord>>) -> Polygon {
    let mut rings = rings.into_iter();
    let exterior = LineString(wound(rings.next().unwrap_or_default(), true));
    Polygon::new(exterior, rings.map(|r| LineString(wound(r, false))).collect())
}

/// A FeatureCollection with one feature to a line of text, so that two runs can be compared with `diff`.
pub(crate) fn collection<T: Serialize>(features: impl Iterator<Item = T>) -> String {
    let mut out = String::from("{\"type\":\"FeatureCollection\",\"features\":[");
    for (i, feature) in features.enumerate() {
        out.push_str(if i == 0 { "\n" } else { ",\n" });
        // Plain structs of strings and numbers: serde_json has no way to fail on them.
        out.push_str(&serde_json::to_string(&feature).unwrap_or_else(|_| "null".to_owned()));
    }
    out.push_str("\n]}\n");
    out
}
