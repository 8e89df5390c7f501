//! Systems and fronts as GeoJSON, and all of a run in one JSON.

use geo_types::LineString;
use serde_json::{Value, json};

use crate::geojson::{collection, position, rounded};
use crate::summary::{Summary, leading, rivals, sentences};
use crate::{DefenceLine, Fronts, System, Totals};

fn coordinates(lines: &[LineString]) -> Vec<Vec<[f64; 2]>> {
    lines.iter().map(|l| l.coords().map(|&c| position(c)).collect()).collect()
}

/// GeoJSON of systems: a MultiLineString each, with its figures.
pub fn systems_geojson(systems: &[System]) -> String {
    collection(systems.iter().map(|s| {
        let mut properties = json!(s);
        properties["distance_m"] = json!(rounded(s.distance_m, 1));
        let geometry = json!({"type": "MultiLineString", "coordinates": coordinates(&s.geometry)});
        json!({"type": "Feature", "id": s.id, "properties": properties, "geometry": geometry})
    }))
}

/// GeoJSON of lines of defence: a MultiLineString each, with its figures.
pub fn defence_lines_geojson(lines: &[DefenceLine]) -> String {
    collection(lines.iter().map(|l| {
        let mut properties = json!(l);
        properties["distance_m"] = json!(l.distance_m.map(|m| rounded(m, 1)));
        let geometry = json!({"type": "MultiLineString", "coordinates": coordinates(&l.geometry)});
        json!({"type": "Feature", "properties": properties, "geometry": geometry})
    }))
}

/// GeoJSON of all fronts: a MultiLineString each.
pub fn front_geojson(fronts: &Fronts) -> String {
    collection(fronts.lines().iter().map(|f| {
        let properties = json!({"source": f.source, "class": f.class, "date": f.date.to_string(),
            "uncertainty_m": f.uncertainty_m});
        let geometry = json!({"type": "MultiLineString", "coordinates": coordinates(f.lines())});
        json!({"type": "Feature", "properties": properties, "geometry": geometry})
    }))
}

/// `summary.json`: the verdict, totals, lines of defence, systems, growth and fronts, for other programs.
pub fn summary_json(s: &Summary<'_>, version: &str) -> String {
    let round = |m: f64| if m.is_finite() { json!(rounded(m, 1)) } else { Value::Null };
    let mut systems = json!(s.systems);
    for (json, system) in systems.as_array_mut().into_iter().flatten().zip(s.systems) {
        json["distance_m"] = round(system.distance_m);
    }
    let mut lines = json!(s.lines);
    for (json, line) in lines.as_array_mut().into_iter().flatten().zip(s.lines) {
        json["distance_m"] = json!(line.distance_m.map(round));
    }
    let leading = leading(s);
    let fronts: Vec<Value> = leading
        .iter()
        .copied()
        .chain(rivals(s).into_iter().filter(|i| !leading.contains(i)))
        .map(|i| {
            let f = &s.fronts.lines()[i];
            json!({"source": f.source, "class": f.class, "date": f.date.to_string(), "leads": leading.contains(&i),
                "uncertainty_m": f.uncertainty_m, "notes": f.notes})
        })
        .collect();
    let summary = json!({
        "program": "fosse",
        "version": version,
        "verdict": sentences(s),
        "totals": Totals::of(s.found, s.coverage),
        "lines_of_defence": lines,
        "systems": systems,
        "growth": s.growth,
        "fronts": fronts,
        "control": s.control,
        "notes": s.notes,
    });
    format!("{summary:#}\n")
}
