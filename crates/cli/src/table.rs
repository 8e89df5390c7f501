//! What `inspect` shows to a person.

use std::fmt::Write as _;

use domain::{Capture, DateSource};
use pipeline::Inspection;

/// Contradictions shown one by one; more are counted.
const CONFLICTS: usize = 20;

/// Captures, pairs and skipped files as text.
pub fn inspection(found: &Inspection) -> String {
    let mut out = String::new();
    let head = [
        "taken (UTC)",
        "dated by",
        "sensor",
        "GSD m",
        "off-nadir",
        "sun",
        "cloud",
        "masks",
        "pixels",
        "bands",
        "CRS",
        "image",
    ];
    let rows: Vec<[String; 12]> = found.captures.iter().map(capture).collect();
    let _ = writeln!(out, "{}", count(found.captures.len(), "usable image"));
    if !rows.is_empty() {
        out.push_str(&columns(head, &rows));
    }
    if found.captures.iter().any(|c| c.sun_computed) {
        out.push_str("  * computed from time and place\n");
    }
    let warned: usize = found.captures.iter().map(|c| c.conflicts.len()).sum();
    if warned > 0 {
        let _ = writeln!(out, "\n{}: the first value is used", count(warned, "contradiction"));
        let all =
            found.captures.iter().flat_map(|capture| capture.conflicts.iter().map(move |c| (capture, c)));
        for (capture, c) in all.take(CONFLICTS) {
            let _ = writeln!(out, "  {}: {} is {}, but {}", capture.id, c.fact, c.used, c.other);
        }
        if let Some(more) = warned.checked_sub(CONFLICTS).filter(|n| *n > 0) {
            let _ = writeln!(out, "  and {more} more; --format json lists them");
        }
    }
    let _ = writeln!(out, "\n{} to compare", count(found.pairs.len(), "pair"));
    let rows: Vec<[String; 6]> = found
        .pairs
        .iter()
        .zip(&found.gates)
        .map(|(p, gate)| {
            let days = (p.later.datetime - p.earlier.datetime).num_seconds() as f64 / 86_400.0;
            [
                p.earlier.datetime.date_naive().to_string(),
                p.later.datetime.date_naive().to_string(),
                format!("{days:.0}"),
                format!("{:.3}", p.overlap_km2),
                gate.in_words(),
                format!("{} → {}", p.earlier.id, p.later.id),
            ]
        })
        .collect();
    if !rows.is_empty() {
        out.push_str(&columns(["earlier", "later", "days", "common km²", "expect", "images"], &rows));
    }
    for (word, files) in [("skipped", &found.skipped), ("left out", &found.left_out)] {
        if !files.is_empty() {
            let _ = writeln!(out, "\n{} {word}", files.len());
        }
        for s in files {
            let _ = writeln!(out, "  {}: {}", s.path.display(), s.reason);
        }
    }
    out
}

/// `1 pair`, `2 pairs`.
fn count(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

/// The cells of a capture.
fn capture(c: &Capture) -> [String; 12] {
    let number = |v: Option<f64>, decimals: usize, unit: &str| {
        v.map_or_else(|| "–".to_owned(), |v| format!("{v:.decimals$}{unit}"))
    };
    let dated = match c.date_source {
        DateSource::StacItem => "STAC",
        DateSource::ImageTag => "tag",
        DateSource::FileName => "name",
        DateSource::Order => "order",
        DateSource::Config => "config",
    };
    [
        c.datetime.format("%Y-%m-%d %H:%M").to_string(),
        dated.to_owned(),
        c.platform.clone().unwrap_or_else(|| "–".to_owned()),
        number(c.gsd_m, 2, ""),
        number(c.view.off_nadir_deg, 0, "°"),
        number(c.view.sun_elevation_deg, 0, if c.sun_computed { "°*" } else { "°" }),
        number(c.cloud_percent, 0, " %"),
        if c.masks.is_empty() { "–".to_owned() } else { c.masks.len().to_string() },
        format!("{} x {}", c.grid.rows, c.grid.cols),
        format!("{} {}{}", c.bands, c.data_type, if c.has_infrared() { " + NIR" } else { "" }),
        c.grid.crs.epsg.map_or_else(|| "custom".to_owned(), |code| format!("EPSG:{code}")),
        if c.tiles.len() < 2 { c.id.clone() } else { format!("{} ({} tiles)", c.id, c.tiles.len()) },
    ]
}

/// A table, two spaces before each column.
fn columns<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let width = |i: usize| {
        let cells = rows.iter().map(|r| r[i].chars().count());
        cells.chain([head[i].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    let mut line = |cells: [&str; N]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "  {cell:<width$}");
        }
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(head);
    for row in rows {
        line(row.each_ref().map(String::as_str));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a".to_owned(), "x".to_owned()], ["long".to_owned(), "y".to_owned()]];
        assert_eq!(columns(["h", "k"], &rows), "  h     k\n  a     x\n  long  y\n");
    }

    #[test]
    fn nothing_is_a_table_too() {
        assert_eq!(inspection(&Inspection::default()), "0 usable images\n\n0 pairs to compare\n");
    }
}
