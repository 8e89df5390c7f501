//! The map of the page: fronts, footprints, what was not assessed, works by class.

use std::fmt::Write as _;

use geo_types::{Coord, LineString};

use super::escaped;
use crate::earth::metres;
use crate::summary::{Summary, leading, rivals};

/// Width of the map, units of its own.
const WIDTH: f64 = 1000.0;
/// Height and width differ by no more than this.
const SQUAREST: f64 = 0.45;
/// Vertices of a front nearer than this to the last that was drawn are left out, units of the map.
const STEP: f64 = 1.0;

/// A plane around the middle of what is shown: east and north metres to units.
struct Frame {
    origin: Coord,
    west_m: f64,
    north_m: f64,
    units_a_metre: f64,
    height: f64,
}

impl Frame {
    fn around(points: &[Coord]) -> Option<Self> {
        let origin = *points.first()?;
        let local = |c: &Coord| east_north(origin, *c);
        let mut low = (f64::INFINITY, f64::INFINITY);
        let mut high = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (e, n) in points.iter().map(local) {
            low = (low.0.min(e), low.1.min(n));
            high = (high.0.max(e), high.1.max(n));
        }
        let mut wide = (high.0 - low.0).max(200.0) * 1.08;
        let mut tall = (high.1 - low.1).max(200.0) * 1.08;
        tall = tall.max(wide * SQUAREST);
        wide = wide.max(tall * 0.9);
        let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
        let units_a_metre = WIDTH / wide;
        Some(Self {
            origin,
            west_m: middle.0 - wide / 2.0,
            north_m: middle.1 + tall / 2.0,
            units_a_metre,
            height: tall * units_a_metre,
        })
    }

    fn at(&self, c: Coord) -> (f64, f64) {
        let (east, north) = east_north(self.origin, c);
        ((east - self.west_m) * self.units_a_metre, (self.north_m - north) * self.units_a_metre)
    }

    /// A path, with vertices that no eye would miss left out and those far outside too.
    fn path(&self, line: &LineString, step: f64) -> String {
        let mut out = String::new();
        let mut last: Option<(f64, f64)> = None;
        let count = line.0.len();
        for (i, c) in line.coords().enumerate() {
            let p = self.at(*c);
            let near = last.is_some_and(|l| (p.0 - l.0).hypot(p.1 - l.1) < step);
            if near && i + 1 < count {
                continue;
            }
            let _ = write!(out, "{}{:.1} {:.1}", if last.is_some() { "L" } else { "M" }, p.0, p.1);
            last = Some(p);
        }
        out
    }
}

fn east_north(origin: Coord, c: Coord) -> (f64, f64) {
    let dx = (c.x - origin.x + 540.0).rem_euclid(360.0) - 180.0;
    metres(origin.y, Coord { x: dx, y: c.y - origin.y })
}

/// Writes the section: the works and the images large, and small how they lie from the front.
pub(super) fn section(s: &Summary<'_>, out: &mut String) {
    out.push_str("<section id=\"map\">\n<h2>Map</h2>\n");
    let mut points: Vec<Coord> = s
        .coverage
        .iter()
        .flat_map(|c| c.geometry.iter())
        .flat_map(|p| p.exterior().coords().copied())
        .collect();
    points.extend(s.found.iter().flat_map(|f| f.earthwork.centreline.coords().copied()));
    points.retain(|c| c.x.is_finite() && c.y.is_finite());
    let Some(near) = Frame::around(&points) else {
        out.push_str("<p>There is nothing to show.</p>\n</section>\n");
        return;
    };
    // As much of the front as the nearest points need, where they are not out of all proportion.
    let of_front =
        s.found.iter().filter(|f| f.measure.distance_m < 100_000.0).map(|f| f.measure.nearest_on_front);
    points.extend(of_front.filter(|c| c.x.is_finite() && c.y.is_finite()));
    let _ = writeln!(
        out,
        "<div class=\"maps\"><div class=\"mapbox\"><svg id=\"mapsvg\" class=\"mapart\" viewBox=\"0 0 {WIDTH:.0} {:.0}\" \
         role=\"img\" tabindex=\"0\" aria-label=\"Map of the works and the images. Plus and minus zoom, arrows move, 0 shows \
         all.\">",
        near.height
    );
    draw(s, &near, true, out);
    out.push_str(
        "</svg>\n<div class=\"zoom\"><button type=\"button\" data-zoom=\"in\" aria-label=\"Zoom in\">+</button>\
         <button type=\"button\" data-zoom=\"out\" aria-label=\"Zoom out\">−</button>\
         <button type=\"button\" data-zoom=\"all\" aria-label=\"Show all\">⤢</button></div></div>\n",
    );
    if let Some(far) = Frame::around(&points) {
        let _ = writeln!(
            out,
            "<figure class=\"overview\"><svg class=\"mapart\" viewBox=\"0 0 {WIDTH:.0} {:.0}\" role=\"img\" aria-label=\"Where \
             the works lie from the front\">",
            far.height
        );
        draw(s, &far, false, out);
        out.push_str("</svg><figcaption>Works, images and front, with the shortest ways between them</figcaption></figure>");
    }
    out.push_str(
        "</div>\n<ul class=\"legend\"><li><span class=\"key trench\">trench</span></li><li><span class=\"key ditch\">anti-vehicle \
         ditch</span></li><li><span class=\"key front\">front measured from</span></li><li><span class=\"key rival\">other \
         fronts</span></li><li><span class=\"key assessed\">assessed</span></li><li><span class=\"key unassessed\">not \
         assessed</span></li></ul>\n</section>\n",
    );
}

/// Draws everything; with links to the works where `linked`, else with the ways to the front.
fn draw(s: &Summary<'_>, frame: &Frame, linked: bool, out: &mut String) {
    for c in s.coverage {
        let class = if c.assessed { "assessed" } else { "unassessed" };
        let mut d = String::new();
        for p in &c.geometry {
            for ring in std::iter::once(p.exterior()).chain(p.interiors()) {
                d.push_str(&frame.path(ring, 0.0));
                d.push('Z');
            }
        }
        let _ = writeln!(out, "<path class=\"{class}\" fill-rule=\"evenodd\" d=\"{d}\"/>");
    }
    let leading = leading(s);
    for (class, index) in rivals(s)
        .into_iter()
        .filter(|i| !leading.contains(i))
        .map(|i| ("rival", i))
        .chain(leading.iter().map(|&i| ("front", i)))
    {
        let f = &s.fronts.lines()[index];
        let d: String = f.lines().iter().map(|l| frame.path(l, STEP)).collect();
        let title = format!("{}, {}, {}", f.source, f.class, f.date);
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{d}\"><title>{}</title></path>", escaped(&title));
    }
    for f in s.found {
        let (e, m) = (&f.earthwork, &f.measure);
        let d = frame.path(&e.centreline, 0.0);
        let (id, class) = (escaped(&e.id), e.class.as_str());
        if linked {
            let _ = writeln!(
                out,
                "<a href=\"#w-{id}\" data-id=\"{id}\" tabindex=\"-1\"><path class=\"hit\" d=\"{d}\"/><path class=\"{class}\" \
                 d=\"{d}\"/><title>{id}</title></a>"
            );
            continue;
        }
        if m.distance_m.is_finite() && m.distance_m > 0.0 {
            let (a, b) = (frame.at(m.nearest_on_front), frame.at(m.nearest_on_work));
            let _ = writeln!(
                out,
                "<path class=\"reach\" data-id=\"{id}\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
                a.0, a.1, b.0, b.1
            );
        }
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{d}\"/>");
    }
    scale(frame, out);
}

/// A bar of a round length, and north.
fn scale(frame: &Frame, out: &mut String) {
    let most_m = WIDTH / frame.units_a_metre / 4.0;
    let power = 10f64.powf(most_m.log10().floor());
    let round_m = [5.0, 2.0, 1.0].into_iter().map(|n| n * power).find(|m| *m <= most_m).unwrap_or(power);
    let words = if round_m >= 1000.0 { format!("{} km", round_m / 1000.0) } else { format!("{round_m} m") };
    let y = frame.height - 16.0;
    let _ = writeln!(
        out,
        "<g class=\"scale\"><path d=\"M20 {y:.0}h{:.1}\"/><text x=\"20\" y=\"{:.0}\">{words}</text>\
         <path d=\"M{x:.0} {:.0}l-9 26 9 -7 9 7z\"/><text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\" \
         dominant-baseline=\"hanging\">N</text></g>",
        round_m * frame.units_a_metre,
        y - 8.0,
        18.0,
        48.0,
        x = WIDTH - 30.0
    );
}
