//! The page that a person reads, shows and prints: one file, no network.

mod evidence;
mod map;
mod work;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use domain::Reason;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::summary::{
    Summary, age_in_words, axis_in_words, control_words, from_front, is_blind, leading, once, ordinal,
    rivals, sentences, spread_m,
};
use crate::words::{area, capital, day, distance, front, length};
use crate::{Error, Result, Totals};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// Most bytes of pictures on the page, as text, the surest works first; the others have theirs in the folder. Some 120
/// works, which a phone still opens and a mail still takes.
const MOST_BYTES: usize = 12_000_000;

/// The pictures of a work for the page, and the line on them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Path of the earlier picture below the output folder.
    pub earlier: String,
    /// Path of the later picture, of the same size.
    pub later: String,
    /// Path of the strip, where there is one.
    pub strip: Option<String>,
    /// Width of the pictures, pixels.
    pub width: usize,
    /// Height of the pictures, pixels.
    pub height: usize,
    /// Side of a pixel on the ground, metres.
    pub pixel_size_m: f64,
    /// The line on them, `[x, y]` in pixels.
    pub line: Vec<[f64; 2]>,
}

/// Everything on the page.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// What was found, and from where.
    pub summary: &'a Summary<'a>,
    /// Pictures by id.
    pub views: &'a BTreeMap<String, View>,
    /// The output folder, below which the pictures are.
    pub folder: &'a Path,
    /// The images: objects with `id`, `datetime`, `platform`, `gsd_m`.
    pub images: &'a [Value],
    /// Version of the program.
    pub version: &'a str,
}

/// Text for HTML and XML, in content and in attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML has no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Base64 of RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or_default());
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

impl Page<'_> {
    /// The page.
    ///
    /// # Errors
    /// [`Error::Read`] where a picture cannot be read.
    pub fn html(&self) -> Result<String> {
        let s = self.summary;
        let mut out = String::with_capacity(1 << 20);
        let _ = write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"generator\" content=\"fosse {}\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#found\">To the table</a>\n",
            escaped(self.version),
            escaped(s.title)
        );
        self.header(&mut out);
        out.push_str("<main>\n");
        map::section(s, &mut out);
        work::table(s, &mut out);
        self.works(&mut out)?;
        self.defence(&mut out);
        self.totals(&mut out);
        self.fronts(&mut out);
        self.coverage(&mut out);
        self.methods(&mut out);
        let _ = write!(out, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
        Ok(out)
    }

    fn header(&self, out: &mut String) {
        let s = self.summary;
        let _ = writeln!(out, "<header>\n<h1>{}</h1>\n<p class=\"verdict\">", escaped(s.title));
        for sentence in sentences(s) {
            let _ = writeln!(out, "{} ", escaped(&sentence));
        }
        out.push_str("</p>\n<nav aria-label=\"Sections\">");
        let parts = [
            ("map", "Map"),
            ("found", "Found"),
            ("defence", "Lines"),
            ("totals", "Totals"),
            ("fronts", "Front lines"),
            ("coverage", "Not assessed"),
            ("methods", "Methods and limits"),
        ];
        for (id, words) in parts {
            let _ = write!(out, "<a href=\"#{id}\">{words}</a> ");
        }
        out.push_str("</nav>\n</header>\n");
    }

    fn works(&self, out: &mut String) -> Result<()> {
        let s = self.summary;
        if s.found.is_empty() {
            return Ok(());
        }
        out.push_str("<section id=\"works\" aria-label=\"Each earthwork\">\n<h2>Each earthwork</h2>\n");
        let mut articles = String::new();
        let (mut bytes, mut shown) = (0, 0);
        for (i, f) in s.found.iter().enumerate() {
            let view = self.views.get(&f.earthwork.id).filter(|_| bytes < MOST_BYTES);
            let pictures = view.map(|view| Ok::<_, Error>((view, self.pictures(view)?))).transpose()?;
            if let Some((_, p)) = &pictures {
                bytes += p.bytes();
                // What goes beyond is left out, and so is all that is less sure: no gaps in the order.
                shown += usize::from(bytes <= MOST_BYTES);
            }
            let fits = pictures.as_ref().filter(|_| bytes <= MOST_BYTES);
            work::article(s, i, f, fits.map(|(v, p)| (*v, p)), &mut articles);
        }
        if bytes > MOST_BYTES {
            let _ = writeln!(
                out,
                "<p>This page holds the pictures of {shown} of {} works, the surest first, at most {} MB of them; those of the \
                 others are in the folder of this report.</p>",
                s.found.len(),
                MOST_BYTES / 1_000_000
            );
        }
        out.push_str(&articles);
        out.push_str("</section>\n");
        Ok(())
    }

    fn pictures(&self, view: &View) -> Result<work::Pictures> {
        let read = |name: &str| {
            let path = self.folder.join(name);
            let bytes = std::fs::read(&path).map_err(|source| Error::Read { path, source })?;
            Ok(format!("data:image/jpeg;base64,{}", base64(&bytes)))
        };
        Ok(work::Pictures {
            earlier: read(&view.earlier)?,
            later: read(&view.later)?,
            strip: view.strip.as_deref().map(read).transpose()?,
        })
    }

    fn defence(&self, out: &mut String) {
        let s = self.summary;
        out.push_str("<section id=\"defence\">\n<h2>Lines of defence</h2>\n");
        if s.lines.is_empty() {
            let why = if is_blind(s) { "was assessed" } else { "was found" };
            let _ = writeln!(out, "<p>None: nothing {why}.</p>\n</section>");
            return;
        }
        out.push_str("<p>Works that belong together are a system; systems about as far from the front are a line.</p>\n");
        let runs = |deg: Option<f64>| deg.map_or("–".to_owned(), axis_in_words);
        let faces = |way: Option<crate::Compass>| way.map_or("–", crate::Compass::as_str);
        let columns = ["From the front", "Length", "Trench", "Ditch", "End to end", "Runs", "Faces"];
        open_table("Lines of defence", std::iter::once("Line").chain(columns).chain(["Systems"]), out);
        for l in s.lines {
            let cells = [
                from_front(l),
                length(l.length_m),
                length(l.trench_m),
                length(l.ditch_m),
                length(l.extent_m),
                runs(l.orientation_deg),
                faces(l.faces).to_owned(),
                l.systems.join(", "),
            ];
            table_row(&ordinal(l.number), &cells, out);
        }
        out.push_str("</tbody></table></div>\n<h3>Systems</h3>\n");
        let columns = std::iter::once("System").chain(["Line", "Works"]).chain(columns);
        open_table("Systems of earthworks", columns, out);
        for x in s.systems {
            let cells = [
                ordinal(x.line),
                x.earthworks.len().to_string(),
                length(x.distance_m),
                length(x.trench_m + x.ditch_m),
                length(x.trench_m),
                length(x.ditch_m),
                length(x.extent_m),
                runs(x.orientation_deg),
                faces(x.faces).to_owned(),
            ];
            table_row(&x.id, &cells, out);
        }
        out.push_str("</tbody></table></div>\n");
        let grown: Vec<_> = s.growth.iter().filter(|g| g.lengths.len() > 1).collect();
        if !grown.is_empty() {
            out.push_str("<h3>Over time</h3>\n<ul>\n");
            for g in grown {
                let lengths: Vec<String> = g
                    .lengths
                    .iter()
                    .map(|l| format!("{} on {}", length(l.length_m), &l.date[..10]))
                    .collect();
                let most = g.metres_per_day_most.map_or(String::new(), |m| format!(" to {m:.0}"));
                let _ = writeln!(
                    out,
                    "<li><a href=\"#w-{id}\">{id}</a>: absent on {}, then {}; {:.0}{most} m a day</li>",
                    &g.last_absent[..10],
                    lengths.join(", "),
                    g.metres_per_day_least,
                    id = escaped(&g.id)
                );
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</section>\n");
    }

    fn totals(&self, out: &mut String) {
        let totals = Totals::of(self.summary.found, self.summary.coverage);
        let _ = writeln!(
            out,
            "<section id=\"totals\">\n<h2>Totals</h2>\n<p>{} km² assessed, {} km² not.{}</p>\n<div class=\"charts\">",
            area(totals.assessed_km2),
            area(totals.not_assessed_km2),
            once(self.summary)
        );
        let parts = [
            ("By distance from the front", &totals.by_distance),
            ("By side of the front", &totals.by_side),
            ("By interval", &totals.by_interval),
        ];
        for (title, rows) in parts.iter().filter(|p| !p.1.is_empty()) {
            chart(title, rows, out);
        }
        out.push_str("</div>\n");
        open_table("Totals", ["Of", "Trenches", "Trench, km", "Ditches", "Ditch, km"], out);
        let rows = std::iter::once(&totals.all).chain(parts.iter().flat_map(|p| p.1));
        for r in rows {
            let numbers = [
                r.trenches.to_string(),
                format!("{:.2}", r.trench_km),
                r.ditches.to_string(),
                format!("{:.2}", r.ditch_km),
            ];
            table_row(&r.of, &numbers, out);
        }
        out.push_str("</tbody></table></div>\n</section>\n");
    }

    fn fronts(&self, out: &mut String) {
        let s = self.summary;
        let leading = leading(s);
        out.push_str(
            "<section id=\"fronts\">\n<h2>Front lines</h2>\n<p>A distance without its line is noise. The first is the one that \
             distances are from; the others say how much that choice matters.</p>\n",
        );
        let columns = ["Source", "Class", "Day", "Stated vagueness", "Nearest work", "Farthest"];
        open_table("Front lines", columns, out);
        let others = rivals(s).into_iter().filter(|i| !leading.contains(i));
        for index in leading.iter().copied().chain(others) {
            let f = &s.fronts.lines()[index];
            let from = s.found.iter().filter(|w| w.front == index).map(|w| w.measure.distance_m);
            let rival = s.found.iter().flat_map(|w| &w.others).filter(|o| o.front == index);
            let (least, most) = from
                .chain(rival.map(|o| o.measure.distance_m))
                .filter(|m| m.is_finite())
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), m| (a.min(m), b.max(m)));
            let shown = |m: f64| if m.is_finite() { distance(m) } else { "–".to_owned() };
            let cells = [
                f.class.clone(),
                day(f.date),
                f.uncertainty_m.map_or("not stated".to_owned(), |m| format!("± {m:.0} m")),
                shown(least),
                shown(most),
            ];
            table_row(&f.source, &cells, out);
        }
        out.push_str("</tbody></table></div>\n");
        let widest = s.found.iter().filter_map(spread_m).fold(f64::NEG_INFINITY, f64::max);
        if widest.is_finite() {
            let _ = writeln!(
                out,
                "<p>For one and the same work the lines differ by up to {}.</p>",
                distance(widest)
            );
        }
        let laters: std::collections::BTreeSet<_> = s
            .coverage
            .iter()
            .map(|c| c.later)
            .chain(s.found.iter().map(|f| f.earthwork.later))
            .map(|t: DateTime<Utc>| t.date_naive())
            .collect();
        for later in laters {
            let line = s.fronts.lead(later);
            let (warns, words) = age_in_words(line.date, later);
            let _ = writeln!(
                out,
                "<p{}>{} of {} is {words} the image of {}{}.</p>",
                if warns.is_empty() { "" } else { " class=\"warning\"" },
                escaped(&capital(&front(&line.class))),
                day(line.date),
                day(later),
                if warns.is_empty() { String::new() } else { format!(". Warning: {warns}") }
            );
        }
        if !s.control.is_empty() {
            out.push_str("<h3>Area of control</h3>\n<ul>\n");
            for c in s.control {
                let words = control_words(c);
                let _ = writeln!(
                    out,
                    "<li>{} ({}): {}</li>",
                    escaped(&c.source),
                    escaped(&c.class),
                    escaped(&words)
                );
            }
            out.push_str("</ul>\n");
        }
        let notes: Vec<&String> = s.fronts.lines().iter().flat_map(|f| &f.notes).collect();
        if !notes.is_empty() {
            out.push_str("<h3>Mended or left out on reading</h3>\n<ul>\n");
            let mut said: Vec<&String> = Vec::new();
            for note in notes {
                if !said.contains(&note) {
                    let _ = writeln!(out, "<li>{}</li>", escaped(note));
                    said.push(note);
                }
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</section>\n");
    }

    fn coverage(&self, out: &mut String) {
        let s = self.summary;
        out.push_str("<section id=\"coverage\">\n<h2>What was not assessed</h2>\n");
        out.push_str("<p>“Nothing found” and “not looked at” are different results.</p>\n");
        open_table("Ground by what was done with it", ["Ground", "km²"], out);
        for reason in Reason::ALL {
            let km2: f64 = s.coverage.iter().filter(|c| c.reason == reason).map(|c| c.area_km2).sum();
            if km2 > 0.0 || reason == Reason::Assessed {
                let not = if reason == Reason::Assessed { "" } else { "not assessed: " };
                table_row(&format!("{not}{}", reason.in_words()), &[area(km2)], out);
            }
        }
        out.push_str("</tbody></table></div>\n");
        if !s.notes.is_empty() {
            out.push_str("<h3>Notes</h3>\n<ul>\n");
            for note in s.notes {
                let _ = writeln!(out, "<li>{}</li>", escaped(note));
            }
            out.push_str("</ul>\n");
        }
        out.push_str("</section>\n");
    }

    fn methods(&self, out: &mut String) {
        out.push_str(
            "<section id=\"methods\">\n<h2>Methods, sources, limits</h2>\n<ul>\n\
             <li>Two images are aligned. Beside lines that are darker than their flanks on the later and were not so on \
             the earlier, a small neural network looks at both: it says where the centreline of a new earthwork runs, \
             of which class and width, and how sure it is.</li>\n\
             <li>Lines are proposals of a program, not findings: look at each picture and decide.</li>\n\
             <li>“Dug between” gives the last image without the line and the first with it; the work may have been done \
             at any time between.</li>\n\
             <li>Distances are geodesics on WGS84 (Karney 2013) between the nearest points of work and front; ± is the \
             root of the sum of the squares of the image's geolocation (CE90), the residual of the alignment, and the \
             front's vagueness where its source states one.</li>\n\
             <li>Thick cloud, and ground at either end of an image's scale, count as not assessed; thin cloud, snow and trees hide \
             ground and are looked at like it, unless a mask came with the image.</li>\n</ul>\n",
        );
        if !self.images.is_empty() {
            out.push_str("<h3>Images</h3>\n");
            let columns =
                ["Image", "Taken", "Sensor", "Ground sample distance", "Off nadir", "Sun above horizon"];
            open_table("Images", columns, out);
            for image in self.images {
                let text = |key: &str| image[key].as_str().unwrap_or("–").to_owned();
                let number = |key: &str, decimals: usize, unit: &str| {
                    image[key].as_f64().map_or("–".to_owned(), |v| format!("{v:.decimals$}{unit}"))
                };
                let cells = [
                    text("datetime"),
                    text("platform"),
                    number("gsd_m", 2, " m"),
                    number("off_nadir_deg", 0, "°"),
                    number("sun_elevation_deg", 0, "°"),
                ];
                table_row(&text("id"), &cells, out);
            }
            out.push_str("</tbody></table></div>\n");
        }
        let _ = writeln!(out, "<p>Made by Fosse {}.</p>\n</section>", escaped(self.version));
    }
}

/// Begins a table that scrolls where it is too wide, by keys too.
fn open_table<'a>(title: &str, columns: impl IntoIterator<Item = &'a str>, out: &mut String) {
    let _ = write!(
        out,
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{title}\"><table><caption class=\"unseen\">{title}\
         </caption><thead><tr>"
    );
    columns.into_iter().for_each(|c| _ = write!(out, "<th scope=\"col\">{c}</th>"));
    out.push_str("</tr></thead><tbody>\n");
}

/// A row of such a table.
fn table_row(head: &str, cells: &[String], out: &mut String) {
    let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escaped(head));
    cells.iter().for_each(|c| _ = write!(out, "<td>{}</td>", escaped(c)));
    out.push_str("</tr>\n");
}

/// Bars of trench and ditch, kilometres. The same numbers stand in the table below, which a screen reader reads.
fn chart(title: &str, rows: &[crate::totals::Row], out: &mut String) {
    let most = rows.iter().map(|r| r.trench_km + r.ditch_km).fold(1e-9, f64::max);
    let height = rows.len() * 26 + 4;
    let _ = writeln!(
        out,
        "<figure><figcaption>{title}, km of <span class=\"key trench\">trench</span> and <span class=\"key ditch\">ditch\
         </span></figcaption>\n<svg viewBox=\"0 0 400 {height}\" aria-hidden=\"true\">"
    );
    for (i, row) in rows.iter().enumerate() {
        let y = i * 26 + 4;
        let px = |km: f64| km / most * 176.0;
        let (a, b) = (px(row.trench_km), px(row.ditch_km));
        let of = row.of.replace(" to ", "–");
        let _ = writeln!(
            out,
            "<text x=\"152\" y=\"{}\" text-anchor=\"end\">{}</text><rect class=\"trench\" x=\"158\" y=\"{y}\" width=\"{a:.1}\" \
             height=\"18\"/><rect class=\"ditch\" x=\"{:.1}\" y=\"{y}\" width=\"{b:.1}\" height=\"18\"/>\
             <text x=\"{:.1}\" y=\"{}\">{:.2}</text>",
            y + 13,
            escaped(&of),
            158.0 + a,
            164.0 + a + b,
            y + 13,
            row.trench_km + row.ditch_km
        );
    }
    out.push_str("</svg></figure>\n");
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use domain::{Class, Earthwork, Evidence};
    use geo_types::line_string;

    use super::*;
    use crate::{FrontLine, Fronts, FrontsIndex, ImagePrecision, measure_all};

    #[test]
    fn pictures_beyond_what_a_page_holds_are_left_out_and_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        // 300 kB, of which two a work are 800 kB as text, and a little: 14 works fit.
        std::fs::write(folder.path().join("p.jpg"), vec![7u8; 300_000]).unwrap();
        let view = View {
            earlier: "p.jpg".to_owned(),
            later: "p.jpg".to_owned(),
            strip: None,
            width: 10,
            height: 10,
            pixel_size_m: 0.5,
            line: vec![[1.0, 1.0], [9.0, 9.0]],
        };
        let line = line_string![(x: 35.0, y: 51.0), (x: 36.0, y: 51.0)];
        let fronts = Fronts::one(
            FrontLine::from_lines(vec![line.clone()], NaiveDate::default(), "test", "claimed").unwrap(),
        );
        let page = |count: usize| {
            let work = |i: usize| Earthwork {
                id: format!("f{i}"),
                class: Class::Trench,
                confidence: 0.9,
                centreline: line.clone(),
                length_m: 240.0,
                width_m: 1.5,
                earlier: DateTime::default(),
                later: DateTime::default(),
                pair: String::new(),
                evidence: Evidence::default(),
            };
            let precision = ImagePrecision::of(None, None, None);
            let found = measure_all((0..count).map(work).collect(), &FrontsIndex::new(&fronts), |_| {
                precision.clone()
            });
            let views: BTreeMap<String, View> = (0..count).map(|i| (format!("f{i}"), view.clone())).collect();
            let summary = Summary {
                title: "Fosse",
                found: &found,
                fronts: &fronts,
                systems: &[],
                lines: &[],
                growth: &[],
                control: &[],
                coverage: &[],
                chips: &BTreeMap::new(),
                notes: &[],
            };
            let page =
                Page { summary: &summary, views: &views, folder: folder.path(), images: &[], version: "0" };
            page.html().unwrap()
        };
        let few = page(14);
        assert_eq!((few.matches("class=\"swipe\"").count(), few.contains("This page holds")), (14, false));
        let many = page(40);
        assert_eq!(many.matches("class=\"swipe\"").count(), 14);
        assert!(many.contains("the pictures of 14 of 40 works") && many.len() < MOST_BYTES + 300_000);
        assert_eq!(many.matches("<article").count(), 40);
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, want) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), want);
        }
    }

    #[test]
    fn foreign_text_cannot_become_markup() {
        assert_eq!(escaped("<a href='x'>&\"\u{1}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot; ");
    }
}
