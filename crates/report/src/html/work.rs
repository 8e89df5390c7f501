//! The table of works, and each of them with its pictures.

use std::fmt::Write as _;

use super::{View, escaped};
use crate::distance::{Compass, Side};
use crate::summary::{Summary, place};
use crate::words::{between, day, distance, front, length};
use crate::{MeasuredEarthwork, Nearby};

/// Pictures as data URLs.
pub(super) struct Pictures {
    pub earlier: String,
    pub later: String,
    pub strip: Option<String>,
}

impl Pictures {
    /// How much of the page they take.
    pub(super) fn bytes(&self) -> usize {
        self.earlier.len() + self.later.len() + self.strip.as_ref().map_or(0, String::len)
    }
}

/// Writes the section with the table and its filters.
pub(super) fn table(s: &Summary<'_>, out: &mut String) {
    out.push_str("<section id=\"found\">\n<h2>Found</h2>\n");
    if s.found.is_empty() {
        out.push_str("<p>No new trench or anti-vehicle ditch was found where the ground was assessed.</p>\n</section>\n");
        return;
    }
    let _ = writeln!(
        out,
        "<form class=\"filters\" onsubmit=\"return false\" aria-label=\"Filter the table\">\
         <label>Search <input type=\"search\" id=\"f-text\" autocomplete=\"off\"></label>\
         <label>Class <select id=\"f-class\"><option value=\"\">all</option><option value=\"trench\">trench</option>\
         <option value=\"anti_vehicle_ditch\">anti-vehicle ditch</option></select></label>\
         <label>Confidence from <input type=\"number\" id=\"f-conf\" min=\"0\" max=\"1\" step=\"0.05\" value=\"0\"></label>\
         <label>Within km <input type=\"number\" id=\"f-km\" min=\"0\" step=\"1\"></label>\
         <output id=\"f-count\" aria-live=\"polite\">{n} of {n}</output></form>",
        n = s.found.len()
    );
    out.push_str("<div class=\"wide\"><table id=\"works-table\"><thead><tr>");
    for (key, words) in [
        ("rank", "#"),
        ("id", "Id"),
        ("class", "Class"),
        ("confidence", "Confidence"),
        ("length", "Length, m"),
        ("distance", "Distance, km"),
        ("uncertainty", "± m"),
        ("direction", "Way"),
        ("side", "Side"),
        ("seen", "First seen"),
    ] {
        let sort = if key == "rank" { "ascending" } else { "none" };
        let _ = write!(
            out,
            "<th scope=\"col\" aria-sort=\"{sort}\"><button type=\"button\" data-sort=\"{key}\">{words}</button></th>"
        );
    }
    out.push_str("</tr></thead><tbody>\n");
    for (i, f) in s.found.iter().enumerate() {
        let (e, m) = (&f.earthwork, &f.measure);
        let km =
            if m.distance_m.is_finite() { format!("{:.3}", m.distance_m / 1000.0) } else { String::new() };
        let near: String = f.nearby.iter().filter_map(|n| n.name.as_deref()).collect::<Vec<_>>().join(" ");
        let _ = writeln!(
            out,
            "<tr data-id=\"{id}\" data-class=\"{class}\" data-confidence=\"{:.3}\" data-km=\"{km}\" data-text=\"{}\">\
             <td data-v=\"{rank}\">{rank}</td><td data-v=\"{id}\"><a href=\"#w-{id}\">{id}</a></td><td data-v=\"{class}\">{}</td>\
             <td data-v=\"{:.4}\">{:.2}</td><td data-v=\"{:.1}\">{:.0}</td><td data-v=\"{km}\">{}</td>\
             <td data-v=\"{:.1}\">{:.0}</td><td data-v=\"{}\">{}</td><td data-v=\"{side}\">{side}</td>\
             <td data-v=\"{}\">{}</td></tr>",
            e.confidence,
            escaped(&near),
            e.class.in_words(),
            e.confidence,
            e.confidence,
            e.length_m,
            e.length_m,
            if km.is_empty() { "–".to_owned() } else { format!("{:.1}", m.distance_m / 1000.0) },
            f.uncertainty.total_m,
            f.uncertainty.total_m,
            m.bearing_deg.map_or(String::new(), |b| format!("{b:.2}")),
            m.direction.map_or("–", Compass::as_str),
            e.later.to_rfc3339(),
            e.later.format("%Y-%m-%d"),
            id = escaped(&e.id),
            class = e.class.as_str(),
            rank = i + 1,
            side = m.side.map_or("–", Side::as_str),
        );
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

/// Writes one work.
pub(super) fn article(
    s: &Summary<'_>,
    index: usize,
    f: &MeasuredEarthwork,
    pictures: Option<(&View, &Pictures)>,
    out: &mut String,
) {
    let (e, m) = (&f.earthwork, &f.measure);
    let id = escaped(&e.id);
    let _ = writeln!(
        out,
        "<article id=\"w-{id}\" data-id=\"{id}\"><h3>{}. {}, {} <small>{id}</small></h3>\n<p>{}, dug {}.</p>",
        index + 1,
        e.class.in_words(),
        length(e.length_m),
        escaped(&capital(&place(f, s.fronts))),
        escaped(&between(e.earlier, e.later)),
    );
    match pictures {
        Some((view, pictures)) => swipe(f, view, pictures, out),
        None => {
            if let Some(chip) = s.chips.get(&e.id) {
                let _ = writeln!(
                    out,
                    "<p><a href=\"{}\">Its picture</a> is in the folder of this report.</p>",
                    escaped(chip)
                );
            }
        }
    }
    out.push_str("<dl>");
    let mut item = |name: &str, value: &str| {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escaped(value));
    };
    let u = &f.uncertainty;
    item("Confidence", &format!("{:.2}", e.confidence));
    item("Width", &format!("{:.1} m", e.width_m));
    item("Distance", &format!("{} ± {:.0} m", distance(m.distance_m), u.total_m));
    if let (Some(b), Some(back)) = (m.bearing_deg, m.back_bearing_deg) {
        item("Bearing", &format!("{b:.1}° from the front, {back:.1}° back"));
    }
    if m.distance_m.is_finite() {
        let point = |c: geo_types::Coord| format!("{:.5}, {:.5}", c.y, c.x);
        item(
            "Nearest points",
            &format!("{} on the front, {} on the work", point(m.nearest_on_front), point(m.nearest_on_work)),
        );
    }
    let front_part = match u.front_m {
        Some(m) => format!("front {m:.0} m"),
        None => "the front's vagueness is not stated and not in it".to_owned(),
    };
    let aligned = u.image.alignment_m.map_or(String::new(), |m| format!(", alignment {m:.1} m"));
    item(
        "± is from",
        &format!(
            "geolocation {:.1} m ({}){aligned}, {front_part}",
            u.image.geolocation_m, u.image.geolocation_from
        ),
    );
    for other in &f.others {
        let line = &s.fronts.lines()[other.front];
        let way = other.measure.direction.map_or("", Compass::as_str);
        item(
            &format!("From {} of {}", escaped(&front(&line.class)), day(line.date)),
            &format!("{} {way} ({})", distance(other.measure.distance_m), line.source),
        );
    }
    for n in &f.nearby {
        item(&capital(&escaped(&n.kind)), &nearby(n));
    }
    if let Some(system) = &f.system {
        item("System", system);
    }
    item(
        "Evidence",
        &format!(
            "line gain {:.1} × clutter; core {:.0} % darker than beside it, earlier {:.0} %; {:.0} % of its length stands out",
            e.evidence.gain,
            100.0 * e.evidence.contrast_later,
            100.0 * e.evidence.contrast_earlier,
            100.0 * e.evidence.continuity
        ),
    );
    out.push_str("</dl>\n</article>\n");
}

/// `0.4 km S of the E38, runs along it`.
fn nearby(n: &Nearby) -> String {
    let name = n.name.as_deref().unwrap_or("one without a name");
    let runs = n.runs.as_deref().map_or(String::new(), |r| format!(", runs {r} it"));
    match n.direction {
        _ if n.inside => format!("inside {name}{runs}"),
        Some(way) => format!("{} {} of {name}{runs}", distance(n.distance_m), way.as_str()),
        None => format!("meets {name}{runs}"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn swipe(f: &MeasuredEarthwork, view: &View, pictures: &Pictures, out: &mut String) {
    let e = &f.earthwork;
    let id = escaped(&e.id);
    let dates = [e.earlier, e.later].map(|t| t.format("%-d %B %Y").to_string());
    let line: Vec<String> = view.line.iter().map(|p| format!("{:.1},{:.1}", p[0], p[1])).collect();
    let wide = 12.0 / view.pixel_size_m;
    let _ = writeln!(
        out,
        "<figure class=\"swipe\" style=\"--w:{w};--h:{h}\"><div class=\"frame\"><img src=\"{}\" width=\"{w}\" height=\"{h}\" \
         loading=\"lazy\" decoding=\"async\" alt=\"The place on {}\"><img class=\"later\" src=\"{}\" width=\"{w}\" height=\"{h}\" loading=\"lazy\" decoding=\"async\" \
         alt=\"The same place on {}, with the proposed line\"><svg class=\"outline\" viewBox=\"0 0 {w} {h}\" \
         aria-hidden=\"true\"><mask id=\"m-{id}\" maskUnits=\"userSpaceOnUse\" x=\"0\" y=\"0\" width=\"{w}\" height=\"{h}\"><rect width=\"{w}\" height=\"{h}\" fill=\"#fff\"/><polyline \
         points=\"{points}\" fill=\"none\" stroke=\"#000\" stroke-width=\"{:.1}\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\"/></mask><polyline points=\"{points}\" mask=\"url(#m-{id})\" \
         stroke-width=\"{:.1}\"/></svg><span class=\"bar\"></span></div>\
         <figcaption><label><span>{}</span><input type=\"range\" min=\"0\" max=\"100\" value=\"50\" aria-label=\"Share of the \
         later picture, {id}\"><span>{}</span></label><label class=\"toggle\"><input type=\"checkbox\" checked> line</label>\
         </figcaption></figure>",
        pictures.earlier,
        dates[0],
        pictures.later,
        dates[1],
        wide,
        wide + 2.6,
        dates[0],
        dates[1],
        w = view.width,
        h = view.height,
        points = line.join(" "),
    );
    if let Some(strip) = &pictures.strip {
        let _ = writeln!(
            out,
            "<figure class=\"strip\"><img src=\"{strip}\" loading=\"lazy\" decoding=\"async\" alt=\"The ground along the line, straightened: \
             earlier above, later below\"><figcaption>Along the line, 12 m to either side: {} above, {} below\
             </figcaption></figure>",
            dates[0], dates[1]
        );
    }
}
