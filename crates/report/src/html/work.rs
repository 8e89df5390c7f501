//! The table of works, and each of them with its pictures.

use std::fmt::Write as _;

use super::{View, escaped, evidence};
use crate::MeasuredEarthwork;
use crate::distance::{Compass, Side};
use crate::summary::{Summary, is_blind, nearby, ordinal, place};
use crate::words::{between, capital, day, distance, front, length};

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
        out.push_str(match is_blind(s) {
            true => "<p>Nothing was assessed: whether anything was dug there is not known.</p>\n</section>\n",
            false => "<p>No new trench or anti-vehicle ditch was found where the ground was assessed.</p>\n</section>\n",
        });
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
    // Roles are said, as a narrow screen shows rows as blocks, which some browsers then take for no table.
    out.push_str(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Table of works\"><table id=\"works-table\" \
         role=\"table\"><caption class=\"unseen\">Works, the surest first; the buttons in the header sort</caption>\
         <thead role=\"rowgroup\"><tr role=\"row\">",
    );
    for (column, (key, words)) in COLUMNS.iter().enumerate() {
        let sort = if column == 0 { "ascending" } else { "none" };
        let _ = write!(
            out,
            "<th scope=\"col\" role=\"columnheader\" aria-sort=\"{sort}\"><button type=\"button\" data-sort=\"{key}\">{words}\
             </button></th>"
        );
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">\n");
    for (i, f) in s.found.iter().enumerate() {
        row(i, f, out);
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

/// Columns of the table: the word to sort by, and the heading.
const COLUMNS: [(&str, &str); 10] = [
    ("rank", "#"),
    ("id", "Id"),
    ("class", "Class"),
    ("confidence", "Confidence"),
    ("length", "Length, m"),
    ("distance", "Distance, km"),
    ("uncertainty", "± m"),
    ("direction", "Direction"),
    ("side", "Side"),
    ("seen", "First seen"),
];

fn row(index: usize, f: &MeasuredEarthwork, out: &mut String) {
    let (e, m) = (&f.earthwork, &f.measure);
    let id = escaped(&e.id);
    let km = if m.distance_m.is_finite() { format!("{:.3}", m.distance_m / 1000.0) } else { String::new() };
    let shown_km = if km.is_empty() { "–".to_owned() } else { format!("{:.1}", m.distance_m / 1000.0) };
    let near: String = f.nearby.iter().filter_map(|n| n.name.as_deref()).collect::<Vec<_>>().join(" ");
    let rank = (index + 1).to_string();
    let side = m.side.map_or("–", Side::as_str);
    // What is sorted by, and what is shown.
    let cells: [(String, String); COLUMNS.len()] = [
        (rank.clone(), rank),
        (id.clone(), format!("<a href=\"#w-{id}\">{id}</a>")),
        (e.class.as_str().to_owned(), e.class.in_words().to_owned()),
        (format!("{:.4}", e.confidence), format!("{:.2}", e.confidence)),
        (format!("{:.1}", e.length_m), format!("{:.0}", e.length_m)),
        (km.clone(), shown_km),
        (format!("{:.1}", f.uncertainty.total_m), format!("{:.0}", f.uncertainty.total_m)),
        (
            m.bearing_deg.map_or(String::new(), |b| format!("{b:.2}")),
            m.direction.map_or("–", Compass::as_str).to_owned(),
        ),
        (side.to_owned(), side.to_owned()),
        (e.later.to_rfc3339(), e.later.format("%Y-%m-%d").to_string()),
    ];
    let _ = write!(
        out,
        "<tr role=\"row\" data-id=\"{id}\" data-class=\"{}\" data-confidence=\"{:.3}\" data-km=\"{km}\" data-text=\"{}\">",
        e.class.as_str(),
        e.confidence,
        escaped(&near),
    );
    for ((key, words), (sort, shown)) in COLUMNS.iter().zip(cells) {
        let (tag, role) = if *key == "id" { ("th scope=\"row\"", "rowheader") } else { ("td", "cell") };
        let _ = write!(
            out,
            "<{tag} role=\"{role}\" data-label=\"{words}\" data-v=\"{sort}\">{shown}</{}>",
            &tag[..2]
        );
    }
    out.push_str("</tr>\n");
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
        "<article id=\"w-{id}\" data-id=\"{id}\" aria-labelledby=\"h-{id}\"><h3 id=\"h-{id}\">{}. {}, {} \
         <small>{id}</small></h3>\n<p>{}, dug {}.</p>\n<div class=\"parts\"><div class=\"pictures\">",
        index + 1,
        capital(e.class.in_words()),
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
    out.push_str("</div>\n<div class=\"facts\"><dl>");
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
    if let Some(number) = f.defence_line {
        item("Line of defence", &ordinal(number));
    }
    out.push_str("</dl>\n<h4>What speaks for it</h4>\n<ul>");
    for sentence in evidence::in_words(e) {
        let _ = write!(out, "<li>{}</li>", escaped(&sentence));
    }
    out.push_str("</ul></div></div>\n</article>\n");
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
         <figcaption><label class=\"slide\"><span>{}</span><input type=\"range\" min=\"0\" max=\"100\" value=\"50\" \
         aria-label=\"Share of the later picture, {id}\" aria-valuetext=\"50 %\"><span>{}</span></label>\
         <label class=\"toggle\"><input type=\"checkbox\" checked> Show the line</label></figcaption></figure>",
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
