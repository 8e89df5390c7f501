//! Which lines go on through a junction.
//!
//! A walk along crests takes the nearest next one, and where an arm leaves a trench it may turn off along the arm. So wherever
//! the end of one line meets another, the two of the three branches that continue each other best become one line, and the third
//! ends there: strokes, after Thomson & Richardson (1999), "The 'good continuation' principle of perceptual organization applied to
//! the generalization of road networks", Proc. 19th International Cartographic Conference.

use crate::trace::{Line, length_px};

/// An end this near to another line meets it, pixels: what runs beside a line within its width is dropped.
const MEETS_PX: f64 = 7.0;
/// Vertices, a metre apart, from which on the direction of a branch is taken, and over how many: the nearness of three branches runs
/// together where they meet.
const FROM: usize = 2;
const OVER: usize = 10;
/// Least vertices of a branch that is gone on along.
const LEAST: usize = 5;
/// Least vertices of a line that takes another's place: at a corner of a right angle a spur of a few metres lies straight ahead.
const LEAST_ENDING: usize = 12;
/// By how much the other pair must be straighter, degrees.
const MARGIN_DEG: f64 = 10.0;
/// Least nearness of the line that takes another's place, as a share of that of the line it meets: what goes on is as clear.
const AS_CLEAR: f64 = 0.7;
/// Rounds, in each of which a line takes part in one exchange.
const ROUNDS: usize = 8;

type Place = (f64, f64);

/// Where the end of one line meets another within its length, and the other branch goes on better along the one.
struct Exchange {
    /// By how much it is straighter, degrees.
    gain_deg: f64,
    /// The line that is met, and its vertex there.
    met: (usize, usize),
    /// The line that ends there, and whether with its first vertex.
    ending: (usize, bool),
    /// Whether it goes on along what lies before the vertex.
    before: bool,
}

/// Exchanges branches until the straightest continue each other.
pub(crate) fn strokes(lines: &mut [Line]) {
    for _ in 0..ROUNDS {
        let mut found = exchanges(lines);
        if found.is_empty() {
            return;
        }
        found.sort_by(|a, b| {
            b.gain_deg.total_cmp(&a.gain_deg).then((a.met, a.ending).cmp(&(b.met, b.ending)))
        });
        let mut touched = vec![false; lines.len()];
        for e in &found {
            if !touched[e.met.0] && !touched[e.ending.0] {
                (touched[e.met.0], touched[e.ending.0]) = (true, true);
                exchange(lines, e);
            }
        }
    }
}

/// Every exchange that would be straighter.
fn exchanges(lines: &[Line]) -> Vec<Exchange> {
    // Vertices by row, to find what is near an end.
    let mut by_row: Vec<(f64, usize, usize)> = lines
        .iter()
        .enumerate()
        .flat_map(|(i, l)| l.vertices.iter().enumerate().map(move |(k, v)| (v.0, i, k)))
        .collect();
    by_row.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut out = vec![];
    for (i, line) in lines.iter().enumerate() {
        if line.vertices.len() < LEAST_ENDING {
            continue;
        }
        for first in [true, false] {
            let Some(&end) = (if first { line.vertices.first() } else { line.vertices.last() }) else {
                continue;
            };
            let from = by_row.partition_point(|v| v.0 < end.0 - MEETS_PX);
            let near = by_row[from..].iter().take_while(|v| v.0 <= end.0 + MEETS_PX).filter(|v| v.1 != i);
            let away = |&(_, j, k): &(f64, usize, usize)| {
                let p = lines[j].vertices[k];
                (p.0 - end.0).hypot(p.1 - end.1)
            };
            let nearest = near.map(|v| (away(v), v.1, v.2)).min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((away_px, j, k)) = nearest
                && away_px <= MEETS_PX
            {
                out.extend(better((j, k), (i, first), lines));
            }
        }
    }
    out
}

/// The exchange at a meeting, where it is straighter.
fn better(met: (usize, usize), ending: (usize, bool), lines: &[Line]) -> Option<Exchange> {
    if lines[ending.0].gain < AS_CLEAR * lines[met.0].gain {
        return None;
    }
    let (through, at) = (&lines[met.0].vertices, met.1);
    let arm = &lines[ending.0].vertices;
    let before = heading(through[..=at].iter().rev())?;
    let after = heading(through[at..].iter())?;
    let arm = if ending.1 { heading(arm.iter())? } else { heading(arm.iter().rev())? };
    let own = deflection_deg(before, after);
    let (with_before, with_after) = (deflection_deg(before, arm), deflection_deg(after, arm));
    let gain_deg = own - with_before.min(with_after);
    (gain_deg > MARGIN_DEG).then_some(Exchange { gain_deg, met, ending, before: with_before < with_after })
}

/// Direction of a branch that leads away from a junction; `None` where it is too short.
fn heading<'a>(mut branch: impl ExactSizeIterator<Item = &'a Place>) -> Option<Place> {
    let n = branch.len();
    if n < LEAST {
        return None;
    }
    let near = *branch.nth(FROM.min(n - 2))?;
    let far = *branch.take(OVER).last()?;
    let d = (far.0 - near.0, far.1 - near.1);
    let length = d.0.hypot(d.1);
    (length > 0.0).then_some((d.0 / length, d.1 / length))
}

/// By how much a line turns that comes along one branch and leaves along another, degrees.
fn deflection_deg(a: Place, b: Place) -> f64 {
    (-(a.0 * b.0 + a.1 * b.1)).clamp(-1.0, 1.0).acos().to_degrees()
}

fn exchange(lines: &mut [Line], e: &Exchange) {
    let mut through = std::mem::take(&mut lines[e.met.0].vertices);
    let mut arm = std::mem::take(&mut lines[e.ending.0].vertices);
    if !e.ending.1 {
        arm.reverse();
    }
    let at = e.met.1;
    // Both keep the vertex where they met.
    let (stroke, rest) = if e.before {
        let rest = through[at..].to_vec();
        through.truncate(at + 1);
        through.extend(arm);
        (through, rest)
    } else {
        let rest = through[..=at].to_vec();
        let mut stroke: Vec<Place> = arm.into_iter().rev().collect();
        stroke.extend_from_slice(&through[at..]);
        (stroke, rest)
    };
    let longer = length_px(&stroke) >= length_px(&rest);
    (lines[e.met.0].vertices, lines[e.ending.0].vertices) =
        if longer { (stroke, rest) } else { (rest, stroke) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vertices a metre apart from one place to the next.
    fn line(corners: &[Place]) -> Line {
        let mut vertices = vec![corners[0]];
        for w in corners.windows(2) {
            let n = (w[1].0 - w[0].0).hypot(w[1].1 - w[0].1).round().max(1.0);
            vertices.extend((1..=n as usize).map(|i| {
                let t = i as f64 / n;
                (w[0].0 + t * (w[1].0 - w[0].0), w[0].1 + t * (w[1].1 - w[0].1))
            }));
        }
        Line { vertices, gain: 1.0 }
    }

    /// First and last vertices, each line with the upper left one first.
    fn ends(lines: &[Line]) -> Vec<(Place, Place)> {
        let mut out: Vec<(Place, Place)> = lines
            .iter()
            .map(|l| (l.vertices[0], l.vertices[l.vertices.len() - 1]))
            .map(|(a, b)| if a <= b { (a, b) } else { (b, a) })
            .collect();
        out.sort_by(|a, b| a.partial_cmp(b).unwrap());
        out
    }

    #[test]
    fn a_trench_goes_on_past_its_arm() {
        // A trench from left to right with an arm downwards; the walk turned off along the arm, from either side.
        let whole = [((20.0, 0.0), (20.0, 80.0)), ((20.0, 42.0), (60.0, 42.0))];
        for (turned, rest) in [
            ([(20.0, 0.0), (20.0, 42.0), (60.0, 42.0)], [(20.0, 45.0), (20.0, 80.0)]),
            ([(60.0, 42.0), (20.0, 42.0), (20.0, 80.0)], [(20.0, 39.0), (20.0, 0.0)]),
        ] {
            for reversed in [false, true] {
                let mut lines = vec![line(&turned), line(&rest)];
                if reversed {
                    lines.iter_mut().for_each(|l| l.vertices.reverse());
                }
                strokes(&mut lines);
                assert_eq!(ends(&lines), whole, "{turned:?} {reversed}");
                assert!(length_px(&lines[0].vertices) > 79.0, "the longer is the first");
            }
        }
    }

    #[test]
    fn what_is_straightest_already_is_left_as_it_is() {
        // A corner of 40 degrees with an arm square to it; an end that comes near no line; one that comes too near an end.
        let lines = vec![
            line(&[(20.0, 0.0), (20.0, 40.0), (45.0, 70.0)]),
            line(&[(16.0, 41.0), (0.0, 45.0)]),
            line(&[(90.0, 0.0), (90.0, 40.0)]),
            line(&[(88.0, 1.0), (70.0, 1.0)]),
        ];
        let mut after = lines.clone();
        strokes(&mut after);
        assert_eq!(after, lines);
    }

    #[test]
    fn a_spur_and_a_fainter_line_take_nobodys_place() {
        // A corner of a right angle: what lies straight ahead of it is 8 m long, or half as clear.
        for (to, clear) in [(54.0, 1.0), (80.0, 0.5)] {
            let mut ahead = line(&[(20.0, 46.0), (20.0, to)]);
            ahead.gain = clear;
            let lines = vec![line(&[(20.0, 0.0), (20.0, 42.0), (60.0, 42.0)]), ahead];
            let mut after = lines.clone();
            strokes(&mut after);
            assert_eq!(after, lines, "{to} {clear}");
        }
    }

    #[test]
    fn several_junctions_of_one_line_are_put_right_and_nothing_is_lost() {
        // Down the first arm and up from the second: the trench lies in three pieces.
        let mut lines = vec![
            line(&[(20.0, 0.0), (20.0, 30.0), (50.0, 30.0)]),
            line(&[(20.0, 33.0), (20.0, 60.0), (50.0, 60.0)]),
            line(&[(20.0, 63.0), (20.0, 90.0)]),
        ];
        let before: f64 = lines.iter().map(|l| length_px(&l.vertices)).sum();
        strokes(&mut lines);
        let want = [((20.0, 0.0), (20.0, 90.0)), ((20.0, 30.0), (50.0, 30.0)), ((20.0, 60.0), (50.0, 60.0))];
        assert_eq!(ends(&lines), want);
        // And the steps across to where the pieces meet.
        let after: f64 = lines.iter().map(|l| length_px(&l.vertices)).sum();
        assert!((before..=before + 6.1).contains(&after), "{before} {after}");
        strokes(&mut []);
        strokes(&mut [Line { vertices: vec![], gain: 0.0 }]);
    }
}
