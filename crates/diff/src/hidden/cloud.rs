//! Thick cloud, block by block.

use ndarray::{Array2, s};

use super::light::Light;
use super::usual::{GROUND, Usual};
use super::{area, quantile};

/// Most detail of a block that shows none, beside what ground usually has on its date: noise of the sensor is a fifth to a third
/// of that. Of ground under thinner cloud more is left.
const SMOOTH: f32 = 0.35;
/// How much brighter than the brightest ground of the other date a cloud is, each beside the usual light of its date. The brightest
/// fields of NAIP's years reach 1.15, and are rough; simulated clouds 1.4.
const BRIGHTER: f32 = 1.15;
/// How much brighter it is than its own ground on the other date.
const RISEN: f32 = 1.3;
/// Least part of a cloud's light that its surroundings lack.
const CONTRAST: f32 = 0.3;
/// Steepest edge: the greatest detail across it, in the median along it, beside the difference in light. Simulated clouds have 0.07
/// to 0.09, fields of chalk with the optics' edges 0.17 to 0.18.
const SOFT: f32 = 0.12;
/// Blocks across which an edge may pass, on either side of the rim.
const EDGE: usize = 2;
/// Blocks from a cloud within which its surroundings lie.
const SURROUNDINGS: usize = 6;
/// Fewest blocks of rim and of surroundings by which a cloud is judged.
const LEAST: usize = 8;

/// The clouds of a date: areas in which a square of `side` blocks fits. `other` is the other date.
pub(super) fn clouds(own: &Array2<Light>, other: &Array2<Light>, side: usize) -> Vec<Vec<(usize, usize)>> {
    let (Some(usual), Some(others)) = (Usual::of(own), Usual::of(other)) else { return vec![] };
    let candidates = ndarray::Zip::from(own).and(other).map_collect(|l, o| {
        let (light, before) = (l.mean / usual.light, o.mean / others.light);
        // False for what is not known.
        light >= BRIGHTER * others.brightest && light >= RISEN * before && l.detail <= SMOOTH * usual.detail
    });
    let core = area::opened(&candidates, side);
    let mut found = area::parts(&candidates, &core);
    found.retain(|blocks| hides_ground(blocks, other, &others) && has_soft_edges(blocks, own));
    found
}

/// Whether there is something to be seen on the other date.
fn hides_ground(blocks: &[(usize, usize)], other: &Array2<Light>, others: &Usual) -> bool {
    let mut textures: Vec<f32> = blocks.iter().map(|&at| other[at].texture()).collect();
    quantile(&mut textures, 0.5).is_some_and(|t| t >= GROUND * others.texture)
}

fn has_soft_edges(blocks: &[(usize, usize)], own: &Array2<Light>) -> bool {
    // The part of the grid around.
    let bound = |get: fn(&(usize, usize)) -> usize, n: usize| {
        let (low, high) = blocks.iter().map(get).fold((usize::MAX, 0), |(a, b), v| (a.min(v), b.max(v)));
        (low.saturating_sub(SURROUNDINGS).min(n), (high + SURROUNDINGS + 1).min(n))
    };
    let ((top, bottom), (left, right)) = (bound(|b| b.0, own.nrows()), bound(|b| b.1, own.ncols()));
    let lights = own.slice(s![top..bottom, left..right]);
    let mut cloud = Array2::from_elem(lights.dim(), false);
    blocks.iter().for_each(|&(i, j)| cloud[(i - top, j - left)] = true);
    let (edge, around) = (area::grown(&cloud, EDGE), area::grown(&cloud, SURROUNDINGS));
    let pick = |of: &dyn Fn((usize, usize)) -> bool| -> Vec<f32> {
        lights.indexed_iter().filter(|(at, l)| l.is_known() && of(*at)).map(|(_, l)| l.mean).collect()
    };
    let mut inside = pick(&|at| cloud[at]);
    let mut outside = pick(&|at| around[at] && !edge[at]);
    // Of each block on the rim, the steepest of those that the edge may pass through.
    let on_rim = |&(i, j): &(usize, usize)| {
        [(i.wrapping_sub(1), j), (i + 1, j), (i, j.wrapping_sub(1)), (i, j + 1)]
            .into_iter()
            .any(|at| cloud.get(at) == Some(&false))
    };
    let steepest = |(i, j): (usize, usize)| {
        let span = |at: usize, n: usize| at.saturating_sub(EDGE)..(at + EDGE + 1).min(n);
        let near = lights.slice(s![span(i, lights.nrows()), span(j, lights.ncols())]);
        near.iter().map(|l| l.detail).filter(|d| d.is_finite()).fold(0.0f32, f32::max)
    };
    let rim = blocks.iter().map(|&(i, j)| (i - top, j - left)).filter(on_rim);
    let mut slopes: Vec<f32> = rim.map(steepest).collect();
    if outside.len() < LEAST || slopes.len() < LEAST {
        return false;
    }
    let (Some(inside), Some(outside), Some(slope)) =
        (quantile(&mut inside, 0.5), quantile(&mut outside, 0.5), quantile(&mut slopes, 0.5))
    else {
        return false;
    };
    let difference = inside - outside;
    difference >= CONTRAST * inside && slope <= SOFT * difference
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 8;

    fn ground(i: usize, j: usize) -> Light {
        // Fields that differ.
        let mean = 90.0 + 10.0 * ((i / 9 + 2 * (j / 11)) % 4) as f32;
        Light::new(mean, (mean - 30.0, mean + 30.0), 0.05 * mean)
    }

    fn dates(cloud: impl Fn(f64) -> Light) -> [Array2<Light>; 2] {
        let away = |i: usize, j: usize| (i as f64 - 20.0).hypot(j as f64 - 25.0);
        let shape = (44, 52);
        let other = Array2::from_shape_fn(shape, |(i, j)| ground(i, j));
        let own =
            Array2::from_shape_fn(
                shape,
                |(i, j)| if away(i, j) < 12.0 { cloud(away(i, j)) } else { ground(i, j) },
            );
        [own, other]
    }

    fn white(mean: f32, detail: f32) -> Light {
        Light::new(mean, (mean - 2.0, mean + 2.0), detail)
    }

    #[test]
    fn a_cloud_with_soft_edges_is_found_and_one_with_hard_edges_is_a_field() {
        let [own, other] = dates(|away| white(220.0, if away > 10.0 { 6.0 } else { 1.5 }));
        let found = clouds(&own, &other, SIDE);
        assert_eq!(found.len(), 1);
        assert!(found[0].len() > 300, "{} blocks", found[0].len());
        // A field of chalk: its edge is as sharp as the optics.
        let [own, other] = dates(|away| white(220.0, if away > 10.0 { 30.0 } else { 1.5 }));
        assert!(clouds(&own, &other, SIDE).is_empty());
    }

    #[test]
    fn where_a_line_shows_nothing_is_hidden() {
        let [mut own, other] = dates(|_| white(220.0, 1.5));
        (10..30).for_each(|i| own[(i, 25)].detail = 8.0);
        let found = clouds(&own, &other, SIDE);
        assert!(!found.is_empty());
        assert!(found.iter().flatten().all(|&(i, j)| j != 25 || !(10..30).contains(&i)));
    }

    #[test]
    fn small_dim_or_rough_spots_are_no_clouds_and_neither_is_what_hides_nothing() {
        let cloud = |_| white(220.0, 1.5);
        let [own, other] = dates(cloud);
        assert!(clouds(&own, &other, 20).is_empty());
        let [dim, _] = dates(|_| white(130.0, 1.5));
        assert!(clouds(&dim, &other, SIDE).is_empty());
        let [rough, _] = dates(|_| white(220.0, 9.0));
        assert!(clouds(&rough, &other, SIDE).is_empty());
        // Water that glints.
        let [_, mut water] = dates(cloud);
        water.indexed_iter_mut().for_each(|((i, j), l)| {
            if (i as f64 - 20.0).hypot(j as f64 - 25.0) < 14.0 {
                *l = white(50.0, 0.4);
            }
        });
        assert!(clouds(&own, &water, SIDE).is_empty());
    }
}
