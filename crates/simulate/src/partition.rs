//! How the land is divided: fields cut in two again and again, and what stands on the cuts.
//!
//! A field is the intersection of the half-planes of the cuts above it, so the distance to its edge is the
//! least of the distances to those cuts.

use rand::Rng;

use crate::place::Place;

/// What runs along a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EdgeKind {
    /// Only the crops differ.
    Plain,
    /// A strip of grass.
    Grass,
    /// A field track.
    Track,
    /// A belt of trees.
    Belt,
}

/// A cut.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    at: Place,
    /// Unit vector along the cut.
    pub along: (f64, f64),
    pub kind: EdgeKind,
    /// Half the width of the uncropped strip, metres.
    pub margin_m: f64,
    /// Where the cut lies within the land that it divides, its two ends.
    pub ends: (Place, Place),
}

#[derive(Clone, Copy, Debug)]
enum Child {
    Cut(usize),
    Field(usize),
}

/// The nearest edge of the field around a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearest {
    pub field: usize,
    pub edge: usize,
    /// Metres to the edge, not negative.
    pub distance_m: f64,
}

/// The partition of the land.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    pub edges: Vec<Edge>,
    children: Vec<[Child; 2]>,
    root: Child,
    pub fields: usize,
}

impl Edge {
    /// Metres from the cut, positive on its right.
    #[inline]
    fn offset(&self, p: Place) -> f64 {
        self.along.0 * (p.y - self.at.y) - self.along.1 * (p.x - self.at.x)
    }
}

impl Partition {
    /// A partition of the square from `-margin_m` to `side_m + margin_m` in a frame turned by `angle` (radians).
    pub(crate) fn new(rng: &mut impl Rng, side_m: f64, margin_m: f64, angle: f64) -> Self {
        let (a, b) = (-margin_m, side_m + margin_m);
        let land = vec![Place::new(a, a), Place::new(b, a), Place::new(b, b), Place::new(a, b)];
        let mut partition =
            Self { edges: Vec::new(), children: Vec::new(), root: Child::Field(0), fields: 0 };
        partition.root = partition.split(rng, land, angle, 0);
        partition
    }

    fn split(&mut self, rng: &mut impl Rng, land: Vec<Place>, angle: f64, depth: usize) -> Child {
        let span = |direction: f64| {
            let (s, c) = direction.sin_cos();
            let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
            for p in &land {
                let v = p.x * c + p.y * s;
                (least, most) = (least.min(v), most.max(v));
            }
            (least, most)
        };
        let quarter = std::f64::consts::FRAC_PI_2;
        let (u, v) = (span(angle), span(angle + quarter));
        let long = (u.1 - u.0).max(v.1 - v.0);
        let field = |s: &mut Self| {
            s.fields += 1;
            Child::Field(s.fields - 1)
        };
        if land.len() < 3
            || long < 150.0
            || depth > 16
            || (long < 400.0 && depth > 1 && rng.random::<f64>() < 0.3)
        {
            return field(self);
        }
        // Across the longer side, through a place between its thirds, a little aslant.
        let across = u.1 - u.0 >= v.1 - v.0;
        let share: f64 = rng.random_range(0.32..0.68);
        let mid = |(least, most): (f64, f64), f: f64| least + f * (most - least);
        let (pu, pv) = if across { (mid(u, share), mid(v, 0.5)) } else { (mid(u, 0.5), mid(v, share)) };
        let (s, c) = angle.sin_cos();
        let at = Place::new(pu * c - pv * s, pu * s + pv * c);
        let heading = angle + if across { quarter } else { 0.0 } + rng.random_range(-0.09..0.09);
        let kind = match (depth, rng.random::<f64>()) {
            (0..=4, f) if f < 0.34 => EdgeKind::Belt,
            (_, f) if f < 0.12 => EdgeKind::Belt,
            (_, f) if f < 0.55 => EdgeKind::Track,
            (_, f) if f < 0.85 => EdgeKind::Grass,
            _ => EdgeKind::Plain,
        };
        let margin_m = match kind {
            EdgeKind::Plain => 0.25,
            EdgeKind::Grass => rng.random_range(0.5..2.0),
            EdgeKind::Track => rng.random_range(2.0..3.2),
            EdgeKind::Belt => rng.random_range(5.5..9.0),
        };
        let mut edge = Edge { at, along: (heading.cos(), heading.sin()), kind, margin_m, ends: (at, at) };
        let (right, left, ends) = cut(&land, &edge);
        edge.ends = ends;
        self.edges.push(edge);
        let k = self.children.len();
        self.children.push([Child::Field(0); 2]);
        let below = self.split(rng, right, angle, depth + 1);
        let above = self.split(rng, left, angle, depth + 1);
        self.children[k] = [below, above];
        Child::Cut(k)
    }

    /// The field around a place and its nearest edge.
    #[inline]
    pub(crate) fn at(&self, p: Place) -> Nearest {
        let mut near = Nearest { field: 0, edge: 0, distance_m: f64::INFINITY };
        let mut child = self.root;
        loop {
            match child {
                Child::Field(field) => return Nearest { field, ..near },
                Child::Cut(k) => {
                    let offset = self.edges[k].offset(p);
                    if offset.abs() < near.distance_m {
                        near = Nearest { field: 0, edge: k, distance_m: offset.abs() };
                    }
                    child = self.children[k][usize::from(offset < 0.0)];
                }
            }
        }
    }
}

/// The land right and left of a cut (convex, after Sutherland and Hodgman 1974), and the ends of the cut in it.
fn cut(land: &[Place], edge: &Edge) -> (Vec<Place>, Vec<Place>, (Place, Place)) {
    let (mut right, mut left, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (k, &p) in land.iter().enumerate() {
        let q = land[(k + 1) % land.len()];
        let (a, b) = (edge.offset(p), edge.offset(q));
        if a >= 0.0 {
            right.push(p)
        } else {
            left.push(p)
        }
        if (a >= 0.0) != (b >= 0.0) {
            let f = a / (a - b);
            let x = Place::new(p.x + f * (q.x - p.x), p.y + f * (q.y - p.y));
            right.push(x);
            left.push(x);
            ends.push(x);
        }
    }
    let end = |k: usize| ends.get(k).copied().unwrap_or(edge.at);
    (right, left, (end(0), end(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn the_field_changes_only_across_its_nearest_edge() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let partition = Partition::new(&mut rng, 800.0, 50.0, 0.4);
        assert!(partition.fields > 6 && partition.edges.len() == partition.fields - 1);
        let mut crossings = 0;
        for k in 0..8000 {
            let (a, b) = (Place::new(f64::from(k) * 0.1, 311.0), Place::new(f64::from(k) * 0.1 + 0.1, 311.0));
            let (m, n) = (partition.at(a), partition.at(b));
            if m.field != n.field {
                crossings += 1;
                assert!(m.distance_m <= 0.1 && n.distance_m <= 0.1);
            }
        }
        assert!(crossings > 1);
    }
}
