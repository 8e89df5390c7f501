//! What was found for Google Earth: styled, with its dates, pictures in the balloons.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use domain::Class;
use geo_types::LineString;

use crate::earthworks::rfc3339;
use crate::html::{View, escaped};
use crate::summary::{leading, rivals};
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
    let _ = writeln!(out, "<name>{}</name>", escaped(s.title));
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
    out.push_str("</Folder>\n</Document>\n</kml>\n");
    out
}

fn line(line: &LineString) -> String {
    let mut out = String::from("<LineString><tessellate>1</tessellate><coordinates>");
    for (i, c) in line.coords().enumerate() {
        let _ = write!(out, "{}{:.7},{:.7}", if i > 0 { " " } else { "" }, c.x, c.y);
    }
    out + "</coordinates></LineString>"
}
