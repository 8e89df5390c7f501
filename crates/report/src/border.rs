//! What of an outline runs along a border, and so is not front.

use std::path::Path;

use geo_types::Coord;

use crate::distance::PieceTree;
use crate::earth::{PIECE_M, metres, pieces};
use crate::geojson::Contents;
use crate::{Error, Result};

/// Spacing at which an edge near the border is tested against it, metres.
const STEP_M: f64 = 20.0;
/// An edge that lies only partly within the tolerance follows the border where it runs within this angle of it.
const ALONG_COS: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// An edge of an outline, degrees.
pub(crate) type Edge = (Coord, Coord);

/// The edges, or parts of them, that do not run along the border.
pub(crate) fn less_border(
    edges: &[Edge],
    (border, contents): (&Path, &Contents),
    tolerance_m: f64,
    notes: &mut Vec<String>,
) -> Result<Vec<Edge>> {
    let mut cut = Vec::new();
    let near = Reach::of(edges, tolerance_m);
    let rings = contents.shapes.iter().flat_map(|s| s.polygons.iter().flatten().map(Vec::as_slice));
    let lines = contents.shapes.iter().flat_map(|s| s.lines.iter().map(|l| l.0.as_slice()));
    let mut any = false;
    for vertices in rings.chain(lines) {
        any = true;
        for w in vertices.windows(2).filter(|w| near.meets(w[0], w[1])) {
            pieces(w[0], w[1], PIECE_M, &mut cut);
        }
    }
    if !any {
        let empty = contents.empty + contents.degenerate;
        return Err(Error::NoLines { path: border.into(), points: contents.points, empty });
    }
    if cut.is_empty() {
        notes.push(format!("the border {} is nowhere near the front", border.display()));
        return Ok(edges.to_vec());
    }
    let tree = PieceTree::new(cut);
    let mut kept = Vec::new();
    let mut removed_m = 0.0;
    for edge in edges {
        removed_m += off_border(*edge, &tree, tolerance_m, &mut kept);
    }
    if removed_m > 0.0 {
        notes.push(format!(
            "{:.1} km of outline along the border {} are not front",
            removed_m / 1000.0,
            border.display()
        ));
    } else {
        notes.push(format!("no edge runs along the border {}", border.display()));
    }
    Ok(kept)
}

/// The part of the world that edges lie in, with a margin.
struct Reach {
    low: Coord,
    high: Coord,
}

impl Reach {
    fn of(edges: &[Edge], margin_m: f64) -> Self {
        let mut low = Coord { x: f64::INFINITY, y: f64::INFINITY };
        let mut high = Coord { x: f64::NEG_INFINITY, y: f64::NEG_INFINITY };
        for p in edges.iter().flat_map(|e| [e.0, e.1]) {
            low = Coord { x: low.x.min(p.x), y: low.y.min(p.y) };
            high = Coord { x: high.x.max(p.x), y: high.y.max(p.y) };
        }
        let dy = margin_m / 110_000.0 + 0.01;
        // Near the poles a metre spans any longitude.
        let steepest = (low.y.abs().max(high.y.abs()) + dy).min(90.0);
        let dx = if steepest > 89.0 { 720.0 } else { dy / steepest.to_radians().cos() };
        Self { low: Coord { x: low.x - dx, y: low.y - dy }, high: Coord { x: high.x + dx, y: high.y + dy } }
    }

    fn meets(&self, a: Coord, b: Coord) -> bool {
        let (west, east) = (a.x.min(b.x), a.x.max(b.x));
        a.y.max(b.y) >= self.low.y
            && a.y.min(b.y) <= self.high.y
            && (east - west > 180.0
                || [-360.0, 0.0, 360.0]
                    .iter()
                    .any(|turn| east + turn >= self.low.x && west + turn <= self.high.x))
    }
}

/// Adds what is front of an edge to `kept`; returns how many metres were not.
fn off_border(edge: Edge, tree: &PieceTree, tolerance_m: f64, kept: &mut Vec<Edge>) -> f64 {
    // Coarse first: an edge whose pieces all lie far from the border is kept whole, however long it is.
    let mut coarse = Vec::new();
    pieces(edge.0, edge.1, PIECE_M, &mut coarse);
    let far =
        |p: &crate::earth::Piece| tree.nearest_to(p.at(0.5)).is_none_or(|(d, _)| d > tolerance_m + PIECE_M);
    if coarse.iter().all(far) {
        kept.push(edge);
        return 0.0;
    }
    let mut fine = Vec::new();
    for piece in &coarse {
        if far(piece) { fine.push(*piece) } else { pieces(piece.a, piece.b, STEP_M, &mut fine) }
    }
    let within = |p: Coord| tree.nearest_to(p).is_some_and(|(d, _)| d <= tolerance_m);
    let near: Vec<bool> = fine.iter().map(|p| within(p.a) && within(p.at(0.5)) && within(p.b)).collect();
    let whole = near.iter().all(|&n| n);
    // The whole edge near: it follows the border, however it wavers. A part of it near: only where it also runs
    // the border's way, so that a front which meets the border squarely keeps its end.
    let gone: Vec<bool> =
        fine.iter().zip(&near).map(|(p, &n)| n && (whole || runs_along(p.a, p.b, tree))).collect();
    let mut removed_m = 0.0;
    let mut start: Option<Coord> = None;
    for (i, piece) in fine.iter().enumerate() {
        if gone[i] {
            removed_m += crate::earth::distance2(piece.pa, piece.pb).sqrt();
            if let Some(from) = start.take() {
                kept.push((from, piece.a));
            }
        } else if start.is_none() {
            start = Some(piece.a);
        }
    }
    if let Some(from) = start {
        // An edge kept whole keeps its own vertices, so that runs of edges can be chained again.
        kept.push(if removed_m == 0.0 { edge } else { (from, edge.1) });
    }
    removed_m
}

/// True where a short edge and the border beside it run the same way, or the opposite way.
fn runs_along(a: Coord, b: Coord, tree: &PieceTree) -> bool {
    let mid = (a + b) / 2.0;
    let Some((_, border)) = tree.nearest_to(mid) else { return false };
    let (e1, n1) = metres(mid.y, b - a);
    let (e2, n2) = metres(mid.y, border.b - border.a);
    let lengths = e1.hypot(n1) * e2.hypot(n2);
    lengths > 0.0 && ((e1 * e2 + n1 * n2) / lengths).abs() >= ALONG_COS
}
