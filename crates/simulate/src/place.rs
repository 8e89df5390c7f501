//! Places in the scene, and polylines of them.

/// A place in the scene, metres east (`x`) and south (`y`) of its top left corner, in the frame of date 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Place {
    pub x: f64,
    pub y: f64,
}

impl Place {
    pub(crate) fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// This place moved by `along` metres in the direction of `angle`, radians clockwise from east.
    pub(crate) fn ahead(self, angle: f64, along: f64) -> Self {
        Self::new(self.x + along * angle.cos(), self.y + along * angle.sin())
    }

    pub(crate) fn plus(self, (dx, dy): (f64, f64)) -> Self {
        Self::new(self.x + dx, self.y + dy)
    }

    pub(crate) fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// The nearest point of a segment to a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foot {
    /// Metres from the place to the segment, positive to the right of the direction of travel (as seen on the
    /// image, where y runs down).
    pub t: f64,
    /// Unit vector in which `t` grows.
    pub across: (f64, f64),
    /// Metres along the segment from its start.
    pub along: f64,
}

/// The foot of `p` on the segment from `a` to `b`.
#[inline]
pub(crate) fn foot(p: Place, a: Place, b: Place) -> Foot {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let (px, py) = (p.x - a.x, p.y - a.y);
    let length_2 = dx * dx + dy * dy;
    let s = if length_2 > 0.0 { ((px * dx + py * dy) / length_2).clamp(0.0, 1.0) } else { 0.0 };
    let (ex, ey) = (px - s * dx, py - s * dy);
    let distance = (ex * ex + ey * ey).sqrt();
    let side = if dx * py - dy * px >= 0.0 { 1.0 } else { -1.0 };
    let length = length_2.sqrt();
    let across = if distance > 1e-9 {
        (side * ex / distance, side * ey / distance)
    } else {
        (-dy / length.max(1e-9), dx / length.max(1e-9))
    };
    Foot { t: side * distance, across, along: s * length }
}

/// Length of a polyline, metres.
pub(crate) fn length_m(line: &[Place]) -> f64 {
    line.windows(2).map(|w| w[0].distance(w[1])).sum()
}

/// Places every `step_m` along a polyline, its ends included.
pub(crate) fn resampled(line: &[Place], step_m: f64) -> Vec<Place> {
    let mut out = Vec::new();
    let mut left = 0.0;
    for w in line.windows(2) {
        let d = w[0].distance(w[1]);
        let mut s = left;
        while s < d {
            let f = s / d;
            out.push(Place::new(w[0].x + f * (w[1].x - w[0].x), w[0].y + f * (w[1].y - w[0].y)));
            s += step_m;
        }
        left = s - d;
    }
    out.extend(line.last().copied());
    out
}

/// The polyline with its corners cut twice (Chaikin), ends kept.
pub(crate) fn rounded(line: &[Place]) -> Vec<Place> {
    let mut points = line.to_vec();
    for _ in 0..2 {
        let mut next = Vec::with_capacity(2 * points.len());
        next.extend(points.first().copied());
        for w in points.windows(2) {
            let mix = |f: f64| Place::new(w[0].x + f * (w[1].x - w[0].x), w[0].y + f * (w[1].y - w[0].y));
            next.push(mix(0.25));
            next.push(mix(0.75));
        }
        next.extend(points.last().copied());
        points = next;
    }
    points
}

/// A line beside another, `by_m` to its right.
pub(crate) fn shifted(line: &[Place], by_m: f64) -> Vec<Place> {
    let n = line.len();
    (0..n)
        .map(|k| {
            let (a, b) = (line[k.saturating_sub(1)], line[(k + 1).min(n - 1)]);
            let length = a.distance(b).max(1e-9);
            line[k].plus((-by_m * (b.y - a.y) / length, by_m * (b.x - a.x) / length))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foot_is_signed_to_the_right_of_travel() {
        let (a, b) = (Place::new(0.0, 0.0), Place::new(10.0, 0.0));
        let below = foot(Place::new(4.0, 3.0), a, b);
        assert_eq!((below.t, below.across, below.along), (3.0, (0.0, 1.0), 4.0));
        let above = foot(Place::new(4.0, -3.0), a, b);
        assert_eq!((above.t, above.across), (-3.0, (0.0, 1.0)));
        assert_eq!(foot(Place::new(13.0, 4.0), a, b).t, 5.0);
    }

    #[test]
    fn resampling_keeps_the_spacing_over_corners() {
        let line = [Place::new(0.0, 0.0), Place::new(2.5, 0.0), Place::new(2.5, 2.5)];
        let out = resampled(&line, 1.0);
        assert_eq!(out.len(), 6);
        assert!((out[3].y - 0.5).abs() < 1e-12 && (length_m(&out) - 5.0).abs() < 0.5);
    }

    #[test]
    fn a_line_beside_another_keeps_its_distance() {
        let line = [Place::new(0.0, 0.0), Place::new(50.0, 0.0), Place::new(100.0, 0.0)];
        assert_eq!(shifted(&line, 8.0), [0.0, 50.0, 100.0].map(|x| Place::new(x, 8.0)));
    }
}
