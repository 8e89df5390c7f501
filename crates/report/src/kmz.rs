//! What was found for Google Earth: styled, with its dates, pictures in the balloons.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use domain::Class;
use geo_types::LineString;

use crate::earthworks::rfc3339;
use crate::html::{View, escaped};
use crate::summary::{leading, rivals, sentences};
use crate::words::{area, between};
use crate::zip::Zip;
use crate::{Error, Result, Summary, sentence};

/// Most bytes of pictures that an archive takes in: its format counts in 32 bits, and nobody opens more.
const MOST_BYTES: usize = 500_000_000;

/// A KMZ of the earthworks, the fronts and the coverage. Pictures of `views` below `folder` go into the balloons.
///
/// # Errors
/// [`Error::Read`] where a picture cannot be read.
pub fn kmz(summary: &Summary<'_>, views: &BTreeMap<String, View>, folder: &Path) -> Result<Vec<u8>> {
    let mut zip = Zip::default();
    let mut pictures: Vec<(&str, Vec<u8>)> = Vec::new();
    let mut bytes = 0;
    for f in summary.found {
        let Some(view) = views.get(&f.earthwork.id) else { continue };
        for name in [&view.earlier, &view.later] {
            let path = folder.join(name);
            let picture = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
            bytes += picture.len();
            if bytes <= MOST_BYTES {
                pictures.push((name, picture));
            }
        }
    }
    let has = |name: &str| pictures.iter().any(|p| p.0 == name);
    zip.add("doc.kml", kml(summary, views, has).as_bytes());
    for (name, picture) in &pictures {
        zip.add(name, picture);
    }
    Ok(zip.finish())
}

fn kml(s: &Summary<'_>, views: &BTreeMap<String, View>, has: impl Fn(&str) -> bool) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\">\n<Document>\n",
    );
    let told = sentences(s).join(" ");
    let _ = writeln!(out, "<name>{}</name><description>{}</description>", escaped(s.title), escaped(&told));
    // KML's colours are aabbggrr.
    for (id, colour, width) in [
        ("trench", "ff0055ff", 3),
        ("anti_vehicle_ditch", "ffff00aa", 4),
        ("front", "ff2020d0", 3),
        ("other", "ff909090", 2),
    ] {
        let _ = writeln!(
            out,
            "<Style id=\"{id}\"><LineStyle><color>{colour}</color><width>{width}</width></LineStyle></Style>"
        );
    }
    out.push_str(
        "<Style id=\"unseen\"><LineStyle><color>80606060</color></LineStyle><PolyStyle><color>60606060</color></PolyStyle></Style>\n",
    );
    for class in [Class::Trench, Class::AntiVehicleDitch] {
        let works: Vec<_> = s.found.iter().filter(|f| f.earthwork.class == class).collect();
        if works.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<Folder><name>{}</name>", escaped(class.in_words()));
        for f in works {
            let e = &f.earthwork;
            let mut balloon = format!("<p>{}</p>", escaped(&sentence(f, s.fronts)));
            if let Some(view) = views.get(&e.id).filter(|v| has(&v.earlier) && has(&v.later)) {
                for (name, time) in [(&view.earlier, e.earlier), (&view.later, e.later)] {
                    let _ =
                        write!(balloon, "<p>{}<br/><img src=\"{name}\" width=\"400\"/></p>", rfc3339(time));
                }
            }
            let _ = writeln!(
                out,
                "<Placemark id=\"{id}\"><name>{id}</name><description>{}</description>\
                 <TimeSpan><begin>{}</begin></TimeSpan><styleUrl>#{}</styleUrl>{}</Placemark>",
                escaped(&balloon),
                rfc3339(e.later),
                class.as_str(),
                line(&e.centreline),
                id = escaped(&e.id),
            );
        }
        out.push_str("</Folder>\n");
    }
    out.push_str("<Folder><name>Front lines</name>\n");
    let leading = leading(s);
    for (style, fronts) in [("front", leading.clone()), ("other", rivals(s))] {
        for front in fronts.iter().filter(|i| style == "front" || !leading.contains(i)) {
            let f = &s.fronts.lines()[*front];
            let _ = write!(
                out,
                "<Placemark><name>{} ({})</name><TimeStamp><when>{}</when></TimeStamp>\
                 <styleUrl>#{style}</styleUrl><MultiGeometry>",
                escaped(&f.source),
                escaped(&f.class),
                f.date
            );
            f.lines().iter().for_each(|l| out.push_str(&line(l)));
            out.push_str("</MultiGeometry></Placemark>\n");
        }
    }
    out.push_str("</Folder>\n");
    not_assessed(s, &mut out);
    out.push_str("</Document>\n</kml>\n");
    out
}

/// Ground that nothing is known about, of each pair and reason.
fn not_assessed(s: &Summary<'_>, out: &mut String) {
    let unseen: Vec<_> = s.coverage.iter().filter(|c| !c.assessed && !c.geometry.0.is_empty()).collect();
    if unseen.is_empty() {
        return;
    }
    out.push_str("<Folder><name>Not assessed: nothing is known about this ground</name>\n");
    for c in unseen {
        let _ = write!(
            out,
            "<Placemark><name>{}</name><description>{} km², {}</description><styleUrl>#unseen</styleUrl><MultiGeometry>",
            escaped(c.reason.in_words()),
            area(c.area_km2),
            escaped(&between(c.earlier, c.later)),
        );
        for polygon in &c.geometry {
            let rings = std::iter::once(("outer", polygon.exterior()));
            let rings = rings.chain(polygon.interiors().iter().map(|ring| ("inner", ring)));
            out.push_str("<Polygon>");
            for (side, ring) in rings {
                let _ = write!(
                    out,
                    "<{side}BoundaryIs><LinearRing><coordinates>{}</coordinates></LinearRing></{side}BoundaryIs>",
                    coordinates(ring)
                );
            }
            out.push_str("</Polygon>");
        }
        out.push_str("</MultiGeometry></Placemark>\n");
    }
    out.push_str("</Folder>\n");
}

fn line(line: &LineString) -> String {
    format!(
        "<LineString><tessellate>1</tessellate><coordinates>{}</coordinates></LineString>",
        coordinates(line)
    )
}

fn coordinates(line: &LineString) -> String {
    let all: Vec<String> = line.coords().map(|c| format!("{:.7},{:.7}", c.x, c.y)).collect();
    all.join(" ")
}
