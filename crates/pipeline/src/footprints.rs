//! What a folder holds as footprints: GeoJSON, and a page on which they are drawn.

use std::fmt::Write as _;

use domain::{Capture, Pair};
use geo::Orient;
use geo::orient::Direction;
use geo_types::{Coord, Polygon};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use serde_json::{Value, json};

use crate::Inspection;

/// Side of the drawing, pixels of the page.
const SIDE: f64 = 720.0;
/// Room around the footprints, share of their extent.
const RIM: f64 = 0.04;
/// Longitude beyond which longitudes begin anew.
const ANTIMERIDIAN: f64 = 180.0;

impl Inspection {
    /// The footprints as GeoJSON, with all that is known of each capture; `pairs`, `skipped` and `left_out` stand beside them.
    ///
    /// Made as it is written: of ten thousand images it has forty megabytes.
    pub fn geojson(&self) -> impl Serialize {
        Footprints(self)
    }

    /// A page that needs no network: the footprints drawn, north up, and tables of captures, pairs, contradictions, and what
    /// was skipped or left out. `title` says of what.
    pub fn html(&self, title: &str) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title>\n<style>{STYLE}</style>\n<h1>{0}</h1>\n",
            escaped(title)
        );
        page.push_str(&self.drawing());
        let captures = self.captures.iter().enumerate().map(|(i, c)| row(i, c, self.captures.len()));
        table(
            &mut page,
            &format!("{} captures", self.captures.len()),
            &[
                "",
                "taken (UTC)",
                "sensor",
                "catalogue id",
                "GSD m",
                "off-nadir",
                "sun",
                "cloud %",
                "CE90 m",
                "masks",
                "image",
            ],
            captures,
        );
        let pairs = self.pairs.iter().map(|p| {
            let days = (p.later.datetime - p.earlier.datetime).num_seconds() as f64 / 86_400.0;
            [
                escaped(&p.earlier.id),
                escaped(&p.later.id),
                format!("{days:.0}"),
                format!("{:.3}", p.overlap_km2),
            ]
        });
        table(
            &mut page,
            &format!("{} pairs to compare", self.pairs.len()),
            &["earlier", "later", "days", "common km²"],
            pairs,
        );
        let conflicts = self.captures.iter().flat_map(|c| {
            c.conflicts
                .iter()
                .map(|x| [escaped(&c.id), escaped(&x.fact), escaped(&x.used), escaped(&x.other)])
        });
        table(&mut page, "Contradictions", &["image", "fact", "used", "not used"], conflicts);
        for (title, files) in [("Skipped", &self.skipped), ("Left out", &self.left_out)] {
            let rows = files.iter().map(|s| [escaped(&s.path.to_string_lossy()), escaped(&s.reason)]);
            table(&mut page, title, &["file", "reason"], rows);
        }
        page.push_str("</html>\n");
        page
    }

    /// The footprints as SVG; nothing where there are none. Where one lies across the antimeridian those in the west are drawn
    /// east of it, beside it.
    fn drawing(&self) -> String {
        let across =
            self.captures.iter().any(|c| c.footprint.exterior().coords().any(|p| p.x > ANTIMERIDIAN));
        let ring = |c: &Capture| -> Vec<Coord> {
            let ring = &c.footprint.exterior().0;
            let turn = if across && ring.iter().all(|p| p.x < 0.0) { 360.0 } else { 0.0 };
            ring.iter().map(|p| Coord { x: p.x + turn, y: p.y }).collect()
        };
        let all = || self.captures.iter().flat_map(ring);
        let Some(first) = all().next() else { return String::new() };
        let (mut min, mut max) = (first, first);
        for p in all() {
            min = Coord { x: min.x.min(p.x), y: min.y.min(p.y) };
            max = Coord { x: max.x.max(p.x), y: max.y.max(p.y) };
        }
        let middle = (min.y + max.y) / 2.0;
        // A degree of longitude is narrower than one of latitude.
        let narrow = middle.to_radians().cos().max(1e-3);
        let extent = ((max.x - min.x) * narrow).max(max.y - min.y).max(1e-9) * (1.0 + 2.0 * RIM);
        let scale = SIDE / extent;
        let rim = RIM * extent;
        let place = |p: Coord| ((p.x - min.x) * narrow + rim, max.y - p.y + rim);
        let (width, height) = place(Coord { x: max.x, y: min.y });
        let (width, height) = ((width + rim) * scale, (height + rim) * scale);
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
             aria-label=\"Footprints of the captures, north up\">\n"
        );
        let n = self.captures.len();
        for (i, c) in self.captures.iter().enumerate() {
            let points: Vec<String> = ring(c)
                .into_iter()
                .map(|p| {
                    let (x, y) = place(p);
                    format!("{:.1},{:.1}", x * scale, y * scale)
                })
                .collect();
            let colour = colour(i, n);
            let _ = writeln!(
                svg,
                "<polygon points=\"{}\" fill=\"{colour}\" stroke=\"{colour}\"><title>{} {}</title></polygon>",
                points.join(" "),
                c.datetime.format("%Y-%m-%d %H:%M"),
                escaped(&c.id)
            );
        }
        // A bar of a round length, about a fifth of the width.
        let metres_per_px = 111_320.0 / scale;
        let rough = width / 5.0 * metres_per_px;
        let step = 10.0_f64.powf(rough.max(1e-3).log10().floor());
        let length = [5.0, 2.0, 1.0].into_iter().map(|f| f * step).find(|l| *l <= rough).unwrap_or(step);
        let text = if length >= 1000.0 { format!("{} km", length / 1000.0) } else { format!("{length} m") };
        let (y, end) = (height - 8.0, 8.0 + length / metres_per_px);
        let _ = writeln!(
            svg,
            "<path d=\"M8 {y:.1}H{end:.1}\" class=\"bar\"/><text x=\"8\" y=\"{:.1}\">{text}</text>\n</svg>\n<p>{:.5} to {:.5} E, \
             {:.5} to {:.5} N. From blue, the earliest, to red, the latest.</p>",
            y - 5.0,
            if min.x > ANTIMERIDIAN { min.x - 360.0 } else { min.x },
            if max.x > ANTIMERIDIAN { max.x - 360.0 } else { max.x },
            min.y,
            max.y
        );
        svg
    }
}

/// [`Inspection::geojson`].
struct Footprints<'a>(&'a Inspection);

impl Serialize for Footprints<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Inspection { captures, pairs, skipped, left_out, .. } = self.0;
        let pair =
            |p: &Pair| json!({"earlier": p.earlier.id, "later": p.later.id, "overlap_km2": p.overlap_km2});
        let mut all = to.serialize_struct("FeatureCollection", 5)?;
        all.serialize_field("type", "FeatureCollection")?;
        all.serialize_field("features", &Each(captures, feature))?;
        all.serialize_field("pairs", &Each(pairs, pair))?;
        all.serialize_field("skipped", skipped)?;
        all.serialize_field("left_out", left_out)?;
        all.end()
    }
}

/// A list, each element made when it is its turn.
struct Each<'a, T, F>(&'a [T], F);

impl<T, F: Fn(&T) -> Value> Serialize for Each<'_, T, F> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(&self.1))
    }
}

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:1.5rem;color:#222}svg{background:#f4f4f0;max-width:100%;\
height:auto}polygon{fill-opacity:.12;stroke-width:1.5}polygon:hover{fill-opacity:.5}.bar{stroke:#222;stroke-width:3}\
table{border-collapse:collapse;margin:.5rem 0 1.5rem}td,th{text-align:left;padding:.15rem .6rem;border-bottom:1px solid #ddd;\
vertical-align:top}.dot{display:inline-block;width:.8em;height:.8em}";

/// A footprint as GeoJSON has it: counter-clockwise, and in two parts where it lies across the antimeridian (RFC 7946, 3.1.6 and
/// 3.1.9).
fn geometry(footprint: &Polygon) -> Value {
    let whole = footprint.orient(Direction::Default);
    let ring = &whole.exterior().0;
    let west = side(ring, |p| ANTIMERIDIAN - p.x);
    let mut east = side(ring, |p| p.x - ANTIMERIDIAN);
    east.iter_mut().for_each(|p| p.x -= 360.0);
    let places = |ring: &[Coord]| -> Vec<[f64; 2]> { ring.iter().map(|p| [p.x, p.y]).collect() };
    match (&west[..], &east[..]) {
        (part, []) | ([], part) => json!({"type": "Polygon", "coordinates": [places(part)]}),
        (west, east) => json!({"type": "MultiPolygon", "coordinates": [[places(west)], [places(east)]]}),
    }
}

/// The part of a ring that lies on one side of a meridian, `beyond` telling how far: closed, and empty where it has no width.
///
/// A footprint crosses a meridian twice at most (Sutherland and Hodgman, 1974).
fn side(ring: &[Coord], beyond: impl Fn(&Coord) -> f64) -> Vec<Coord> {
    if ring.iter().all(|p| beyond(p) >= 0.0) {
        return ring.to_vec();
    }
    if ring.iter().all(|p| beyond(p) <= 0.0) {
        return Vec::new();
    }
    let mut part = Vec::new();
    for edge in ring.windows(2) {
        let (a, b) = (beyond(&edge[0]), beyond(&edge[1]));
        if a >= 0.0 {
            part.push(edge[0]);
        }
        if a * b < 0.0 {
            let t = a / (a - b);
            // On the meridian to the last digit, so that both parts meet.
            part.push(Coord { x: ANTIMERIDIAN, y: edge[0].y + t * (edge[1].y - edge[0].y) });
        }
    }
    part.extend(part.first().copied());
    part
}

/// A footprint with all that is known of its capture.
fn feature(c: &Capture) -> Value {
    let mut properties = serde_json::to_value(c).unwrap_or_default();
    if let Some(all) = properties.as_object_mut() {
        all.remove("footprint");
        all.remove("id");
        // The CRS as text is longer than all else.
        if let Some(grid) = all.remove("grid") {
            all.insert("rows".to_owned(), grid["rows"].clone());
            all.insert("cols".to_owned(), grid["cols"].clone());
            all.insert("epsg".to_owned(), grid["crs"]["epsg"].clone());
        }
    }
    json!({
        "type": "Feature", "id": c.id, "geometry": geometry(&c.footprint), "properties": properties
    })
}

/// The cells of a capture.
fn row(i: usize, c: &Capture, n: usize) -> [String; 11] {
    let number =
        |v: Option<f64>, decimals: usize| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.decimals$}"));
    let text = |v: &Option<String>| v.as_deref().map_or_else(|| "–".to_owned(), escaped);
    let star = if c.sun_computed { "*" } else { "" };
    let tiles = if c.tiles.len() < 2 { String::new() } else { format!(" ({} tiles)", c.tiles.len()) };
    [
        format!("<span class=\"dot\" style=\"background:{}\"></span>", colour(i, n)),
        c.datetime.format("%Y-%m-%d %H:%M").to_string(),
        text(&c.platform),
        text(&c.catalogue_id),
        number(c.gsd_m, 2),
        number(c.view.off_nadir_deg, 0),
        format!("{}°, {}°{star}", number(c.view.sun_azimuth_deg, 0), number(c.view.sun_elevation_deg, 0)),
        number(c.cloud_percent, 0),
        number(c.ce90_m, 1),
        c.masks.len().to_string(),
        format!("{}{tiles}", escaped(&c.id)),
    ]
}

/// From blue to red over `n` captures in the order of their dates.
fn colour(i: usize, n: usize) -> String {
    let share = i as f64 / (n.max(2) - 1) as f64;
    format!("hsl({:.0} 75% 45%)", 230.0 * (1.0 - share))
}

/// A table under a heading; nothing where it has no rows.
fn table<const N: usize>(
    page: &mut String,
    title: &str,
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let rows: Vec<[String; N]> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let _ = write!(page, "<h2>{title}</h2>\n<table><tr>");
    head.iter().for_each(|h| _ = write!(page, "<th>{h}</th>"));
    page.push_str("</tr>\n");
    for row in rows {
        page.push_str("<tr>");
        row.iter().for_each(|cell| _ = write!(page, "<td>{cell}</td>"));
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
}

/// Text that stands for itself in a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::Area;

    #[tokio::test]
    async fn footprints_are_drawn_and_listed() {
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../imagery");
        let found = crate::inspect(sample.as_ref(), &crate::ImageOptions::default()).await.unwrap();
        let json = serde_json::to_value(found.geojson()).unwrap();
        let features = json["features"].as_array().unwrap();
        assert_eq!((features.len(), json["pairs"].as_array().unwrap().len()), (3, 2));
        let corner = &features[0]["geometry"]["coordinates"][0][0];
        assert!((corner[0].as_f64().unwrap() - 35.2).abs() < 0.1, "{corner}");
        assert_eq!(features[0]["properties"]["epsg"], 32636);
        let page = found.html("a <b>");
        assert_eq!(page.matches("<polygon").count(), 3);
        assert!(page.contains("a &lt;b&gt;") && !page.contains("<b>") && page.contains(" m</text>"));
        assert!(!Inspection::default().html("x").contains("<svg"));
    }

    fn rectangle(west: f64, east: f64) -> Polygon {
        // Clockwise, as images have them.
        let ring = [(west, 65.0), (west, 65.2), (east, 65.3), (east, 65.0), (west, 65.0)];
        Polygon::new(ring.to_vec().into(), vec![])
    }

    #[test]
    fn a_footprint_across_the_antimeridian_is_in_two_parts() {
        let all = geometry(&rectangle(179.9, 180.3));
        assert_eq!(all["type"], "MultiPolygon");
        let parts = all["coordinates"].as_array().unwrap();
        let areas: Vec<f64> = parts
            .iter()
            .map(|part| {
                let ring: Vec<[f64; 2]> = serde_json::from_value(part[0].clone()).unwrap();
                assert_eq!(ring.first(), ring.last());
                assert!(ring.iter().all(|p| p[0].abs() <= 180.0), "{ring:?}");
                assert!(ring.iter().filter(|p| p[0].abs() == 180.0).count() >= 2, "{ring:?}");
                let ring: Vec<(f64, f64)> = ring.iter().map(|p| (p[0], p[1])).collect();
                Polygon::new(ring.into(), vec![]).signed_area()
            })
            .collect();
        // A quarter of it in the west, lower by an eighth; both counter-clockwise.
        assert!(
            (areas[0] - 0.1 * 0.2125).abs() < 1e-9 && (areas[1] - 0.3 * 0.2625).abs() < 1e-9,
            "{areas:?}"
        );
        for (west, east) in [(179.0, 180.0), (-180.0, -179.5), (35.0, 35.1)] {
            let one = geometry(&rectangle(west, east));
            assert_eq!(
                (&one["type"], one["coordinates"][0].as_array().map(Vec::len)),
                (&json!("Polygon"), Some(5))
            );
            let ring: Vec<[f64; 2]> = serde_json::from_value(one["coordinates"][0].clone()).unwrap();
            assert!(ring.iter().all(|p| (west..=east).contains(&p[0])));
        }
        let beyond = geometry(&rectangle(180.0, 180.5));
        assert_eq!((&beyond["type"], &beyond["coordinates"][0][0][0]), (&json!("Polygon"), &json!(-180.0)));
    }
}
