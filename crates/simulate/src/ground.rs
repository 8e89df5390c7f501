//! How the fields look from above, apart from everything that stands or runs on them.

use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::crop::{Crop, Kind, drifted};
use crate::noise::{floor, smoothstep, unit, value};
use crate::partition::{EdgeKind, Partition};
use crate::place::Place;
use crate::sensor::Rgb;

/// Bare soil, from the darkest to the palest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Soil {
    /// Black earth.
    Chernozem,
    /// Grey forest soil.
    Grey,
    /// Loam.
    Loam,
    /// Sandy.
    Sand,
    /// Chalk.
    Chalk,
}

impl Soil {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Chernozem, Self::Grey, Self::Loam, Self::Sand, Self::Chalk];

    fn colour(self) -> Rgb {
        match self {
            Self::Chernozem => [78.0, 68.0, 59.0],
            Self::Grey => [98.0, 85.0, 71.0],
            Self::Loam => [130.0, 111.0, 88.0],
            Self::Sand => [156.0, 136.0, 106.0],
            Self::Chalk => [172.0, 162.0, 142.0],
        }
    }

    /// How often it is met.
    fn weight(self) -> u32 {
        match self {
            Self::Chernozem | Self::Grey | Self::Loam => 3,
            Self::Sand | Self::Chalk => 2,
        }
    }
}

/// Sedge and mud of a wet hollow, and what dries pale at its rim.
const WET: Rgb = [72.0, 78.0, 52.0];
const SILT: Rgb = [164.0, 156.0, 132.0];

/// What lies under the top soil and comes up with the spade.
const SUBSOILS: [Rgb; 4] =
    [[166.0, 142.0, 108.0], [190.0, 178.0, 152.0], [150.0, 116.0, 88.0], [120.0, 104.0, 84.0]];

/// The fields of a scene on all dates.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub partition: Partition,
    seed: u32,
    /// By field, by date.
    crops: Vec<Vec<Crop>>,
    /// Grass of the margins by date.
    grass: Vec<Rgb>,
    pub soil: Rgb,
    pub subsoil: Rgb,
    /// Strength of the damp and eroded patches.
    relief: f32,
    /// Strength of the fine texture.
    texture: f32,
    /// How low ground must lie to be a wet hollow, and how high to be a pale crest: shares of the relief.
    hollow: f32,
    crest: f32,
}

#[inline]
pub(crate) fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])]
}

#[inline]
pub(crate) fn luminance(c: Rgb) -> f32 {
    0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]
}

impl Ground {
    /// Ground of the square from `-margin_m` to `side_m + margin_m`. `days` are the days of the year of the
    /// dates; `change` is the share of the fields worked from one to the next; the soil is drawn unless `wanted`.
    pub(crate) fn new(
        rng: &mut impl Rng,
        side_m: f64,
        margin_m: f64,
        days: &[u32],
        change: f64,
        wanted: Option<Soil>,
    ) -> Self {
        let angle = rng.random_range(0.0..std::f64::consts::FRAC_PI_2);
        let partition = Partition::new(rng, side_m, margin_m, angle);
        let mut k = rng.random_range(0..Soil::ALL.iter().map(|s| s.weight()).sum::<u32>());
        let mut drawn = Soil::Chernozem;
        for kind in Soil::ALL {
            drawn = kind;
            if k < kind.weight() {
                break;
            }
            k -= kind.weight();
        }
        let soil = wanted.unwrap_or(drawn).colour();
        let soil = drifted(rng, soil, 0.06);
        let under = SUBSOILS[rng.random_range(0..SUBSOILS.len())];
        let subsoil = drifted(rng, under, 0.08);
        let first = days.first().copied().unwrap_or(200);
        let across = widths(&partition, (side_m, margin_m));
        let crops = (0..partition.fields)
            .map(|field| {
                let quarter = if rng.random() { std::f64::consts::FRAC_PI_2 } else { 0.0 };
                let rows = angle + quarter + 0.04 * (rng.random::<f64>() - 0.5);
                let kind = Kind::likely(rng, first);
                let mut states = vec![Crop::new(rng, kind, soil, rows)];
                for _ in days.iter().skip(1) {
                    let Some(last) = states.last().cloned() else { break };
                    let next = if rng.random::<f64>() < change {
                        // Ploughing may run the other way than drilling, or aslant.
                        let aslant = rng.random_range(-0.8..0.8);
                        let turn = [0.0, 0.0, std::f64::consts::FRAC_PI_2, aslant][rng.random_range(0..4)];
                        let kind = last.kind.worked(rng);
                        let next = Crop::new(rng, kind, soil, rows + turn);
                        let extent = across(field, next.direction);
                        next.unfinished(rng, extent)
                    } else {
                        last.aged(rng)
                    };
                    states.push(next);
                }
                states
            })
            .collect();
        let season: Rgb =
            if (100..=190).contains(&first) { [92.0, 112.0, 64.0] } else { [116.0, 116.0, 76.0] };
        let mut grass = vec![drifted(rng, season, 0.1)];
        for _ in days.iter().skip(1) {
            let last = grass[grass.len() - 1];
            grass.push(drifted(rng, last, 0.06));
        }
        let relief = rng.random_range(0.5..1.4);
        let texture = rng.random_range(0.75..1.7);
        let (hollow, crest) = (rng.random_range(0.42..0.95), rng.random_range(0.4..0.95));
        Self { partition, seed: rng.random(), crops, grass, soil, subsoil, relief, texture, hollow, crest }
    }

    /// What is seen at a place of a field on a date: what grew there before where the work came to a stand.
    fn crop_at(&self, field: usize, date: usize, p: Place) -> Option<&Crop> {
        let states = self.crops.get(field)?;
        let mut date = date;
        while let (Some(crop), true) = (states.get(date), date > 0) {
            let Some(until_m) = crop.until_m else { break };
            let (c, s) = crop.direction;
            let across = c * p.y - s * p.x + 0.5 * f64::from(value(crop.seed ^ 6, p.x / 41.0, p.y / 41.0));
            if across < until_m {
                break;
            }
            date -= 1;
            // What was aged is as old as the date before.
            while date > 0 && states.get(date).map(|c| c.seed) == Some(crop.seed) {
                date -= 1;
            }
        }
        states.get(date)
    }

    /// What grows on a field on a date.
    pub(crate) fn crop(&self, field: usize, date: usize) -> Option<&Crop> {
        self.crops.get(field)?.get(date)
    }

    /// Whether a field was worked between the date before and this one: its seed is drawn anew.
    pub(crate) fn worked(&self, field: usize, date: usize) -> bool {
        let seed = |k: usize| self.crop(field, k).map(|c| c.seed);
        date > 0 && seed(date) != seed(date - 1)
    }

    /// Colour of the ground at a place on a date.
    pub(crate) fn at(&self, date: usize, p: Place) -> Rgb {
        let (x, y) = (p.x, p.y);
        let seed = self.seed;
        let near = self.partition.at(self.bent(p));
        let Some(crop) = self.crop_at(near.field, date, p) else {
            return [0.0; 3];
        };
        let edge = &self.partition.edges[near.edge];
        let d = near.distance_m;

        // Lie of the land, the same on all dates: broad patches of damp and of paler, washed ground.
        let broad = 0.7 * value(seed ^ 1, x / 120.0, y / 120.0)
            + 0.45 * value(seed ^ 2, x / 43.0, y / 43.0)
            + 0.3 * value(seed ^ 3, (x + 0.4 * y) / 15.0, y / 15.0);
        let rill = {
            let v = value(seed ^ 4, x / 52.0 + 0.5 * f64::from(broad), y / 52.0);
            (1.0 - 9.0 * v.abs()).max(0.0)
        };
        let own = crop.seed;
        let fine = value(own, x / 4.1, y / 4.1);
        let finer = value(own ^ 5, x / 1.3, y / 1.3);
        // Clods and tufts.
        let grit = value(own ^ 10, x / 0.52, y / 0.52);

        // Rows: along the field, and along its edge in the headland.
        let headland = d < crop.headland_m;
        let (c, s) = if headland { edge.along } else { crop.direction };
        let along = c * x + s * y;
        let mut across = if headland { d } else { c * y - s * x };
        across += 0.5 * f64::from(value(own ^ 6, x / 41.0, y / 41.0));
        let streak = value(own ^ 8, along / 14.0, across / 0.85);

        // Uneven at every scale, more in some places than in others, the lie of it partly the same on all dates.
        // Bent by what is larger, so that no lattice shows, and drawn out along the rows.
        let bend = |seed: u32| 3.0 * f64::from(value(seed, x / 19.0, y / 19.0));
        let (wx, wy) = (bend(seed ^ 29), bend(seed ^ 31));
        let (ox, oy) = (0.85 * along + 0.3 * across + wx, across - 0.3 * along + wy);
        let octave = |seed: u32, scale: f64| value(seed, ox / scale, oy / scale);
        let uneven = (0.55 + 0.8 * value(seed ^ 20, x / 67.0, y / 67.0)).max(0.1)
            * (1.2 * octave(own ^ 21, 1.5)
                + octave(own ^ 22, 2.9)
                + 0.6 * octave(seed ^ 23, 4.9)
                + 0.6 * octave(own ^ 24, 5.7)
                + 0.5 * octave(seed ^ 25, 11.0));
        let vein = {
            let bend = f64::from(fine) * 0.12;
            let v = value(seed ^ 26, x / 33.0 + bend, y / 33.0) + 0.4 * octave(seed ^ 27, 12.0);
            (1.0 - 7.0 * v.abs()).max(0.0) * (0.5 + 0.7 * value(seed ^ 28, x / 90.0, y / 90.0)).max(0.0)
        };
        // Hollows that stay wet, with a rim, and crests that are washed pale, sharper than the lie of the land.
        let low = broad + 0.16 * octave(seed ^ 30, 7.0) + 0.07 * fine;
        let hollow = smoothstep(-self.hollow + 0.07, -self.hollow - 0.05, low);
        let silted = smoothstep(-0.1, 0.5, value(seed ^ 32, x / 57.0, y / 57.0));
        let rim = silted * hollow * smoothstep(-self.hollow - 0.26, -self.hollow - 0.04, low);
        let crest = smoothstep(self.crest - 0.1, self.crest + 0.16, low + 0.12 * fine);
        let mut bright = 1.0
            + crop.clutter * uneven
            + crop.veins * vein
            + 0.06 * self.relief * broad
            + self.texture * crop.grain * (0.9 * fine + 1.2 * finer + 2.6 * grit + 0.8 * streak);
        let mut cover = crop.cover
            + crop.mottle
                * (0.8 * self.relief * broad + 0.3 * fine + 0.25 * finer + 0.3 * streak + 0.25 * grit)
            - 0.3 * crop.mottle * rill * self.relief
            - 0.4 * hollow * (crop.cover - 0.25).max(0.0)
            - 0.3 * crest * crop.cover;
        if crop.pass_tone > 0.0 {
            let pass = across / crop.pass_m;
            let k = floor(pass);
            bright += crop.pass_tone * (2.0 * unit(own ^ 9, k, i32::from(headland)) - 1.0);
            let from_line = (pass - f64::from(k) - 0.5) * crop.pass_m;
            if from_line.abs() < 1.5 {
                let line = (-(from_line * from_line) as f32 / 0.3).exp();
                bright += crop.pass_line * line * (0.75 + 0.5 * streak);
            }
        }
        if crop.tram_m > 0.0 && !headland {
            let (tc, ts) = crop.tram_direction;
            let beside = if crop.tram_direction == crop.direction { across } else { tc * y - ts * x };
            let v = beside / crop.tram_m;
            let rut = ((v - f64::from(floor(v)) - 0.5) * crop.tram_m).abs() - 0.95;
            if rut.abs() < 0.8 {
                cover -= crop.tram * (-(rut * rut) as f32 / 0.05).exp();
            }
        }
        // Trampled, missed and thin along the edge.
        if d < 6.0 {
            cover -= 0.12 * (1.0 - d as f32 / 6.0) * (1.0 + fine);
        }
        let cover = cover.clamp(0.0, 1.0);
        let damp = 1.0 + 0.16 * self.relief * broad + 0.06 * self.relief * rill;
        // Where the top soil is washed away, what lies under it shows.
        let washed = (smoothstep(0.35, 1.0, broad) * 0.35 * self.relief + 0.45 * crest).min(0.85);
        let soil = mix(crop.soil.map(|v| v * damp), self.subsoil, washed);
        let mut colour = mix(soil, crop.canopy, cover);
        // Sedge and black mud in the hollow, salt or silt around it.
        colour = mix(colour, WET.map(|v| v * (1.0 + 0.16 * finer)), 0.5 * hollow);
        colour = mix(colour, SILT, 0.3 * rim);
        let row = if crop.row_amplitude > 0.0 {
            let phase = across * (std::f64::consts::TAU / crop.row_m);
            crop.row_amplitude * (phase.sin() as f32) * (0.6 + 0.6 * fine)
        } else {
            0.0
        };
        for v in &mut colour {
            *v = *v * bright + row;
        }
        // The last furrow of the headland.
        let v = d - crop.headland_m;
        if crop.headland_m > 0.0 && v.abs() < 1.2 {
            let line = (-(v * v) as f32 / 0.18).exp() * (0.5 + fine);
            colour = mix(colour, soil, 0.22 * line);
        }
        self.margin(date, p, edge.kind, edge.margin_m, d, fine, finer, colour)
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is at hand at the one place that calls it")]
    fn margin(
        &self,
        date: usize,
        p: Place,
        kind: EdgeKind,
        margin_m: f64,
        d: f64,
        fine: f32,
        finer: f32,
        colour: Rgb,
    ) -> Rgb {
        if d > margin_m * 2.0 + 1.5 {
            return colour;
        }
        let wide =
            margin_m as f32 * (1.0 + 0.35 * value(self.seed ^ 11, p.x / 9.0, p.y / 9.0) + 0.15 * finer) + 0.2;
        let share = smoothstep(wide + 0.5, wide - 0.5, d as f32);
        let share = if kind == EdgeKind::Plain { 0.6 * share } else { share };
        if share <= 0.0 {
            return colour;
        }
        let tuft = 1.0 + 0.09 * value(self.seed ^ 12, p.x / 2.3, p.y / 2.3) + 0.06 * finer + 0.05 * fine;
        let grass = self.grass[date.min(self.grass.len() - 1)].map(|v| v * tuft);
        mix(colour, grass, share)
    }

    /// The place where the partition, whose cuts are straight, has what lies at `p`: real edges wander.
    #[inline]
    pub(crate) fn bent(&self, p: Place) -> Place {
        let (a, b) = (self.seed ^ 13, self.seed ^ 14);
        let lie = |seed, scale| f64::from(value(seed, p.x / scale, p.y / scale));
        Place::new(p.x + 3.5 * lie(a, 90.0) + 0.3 * lie(a ^ 64, 9.0), p.y + 3.5 * lie(b, 90.0))
    }

    /// Where a place of the partition lies on the ground: undoes [`Ground::bent`] to within a centimetre or two.
    pub(crate) fn unbent(&self, q: Place) -> Place {
        let mut p = q;
        for _ in 0..4 {
            let r = self.bent(p);
            p = Place::new(p.x + q.x - r.x, p.y + q.y - r.y);
        }
        p
    }
}

/// How far each field reaches across a direction (cosine and sine), metres: found on a lattice.
fn widths(
    partition: &Partition,
    (side_m, margin_m): (f64, f64),
) -> impl Fn(usize, (f64, f64)) -> (f64, f64) + use<> {
    const STEP_M: f64 = 20.0;
    let mut places: Vec<Vec<Place>> = vec![Vec::new(); partition.fields];
    let steps = ((side_m + 2.0 * margin_m) / STEP_M) as i32;
    for i in 0..=steps {
        for j in 0..=steps {
            let p = Place::new(f64::from(j) * STEP_M - margin_m, f64::from(i) * STEP_M - margin_m);
            places[partition.at(p).field].push(p);
        }
    }
    move |field, (c, s)| {
        places[field]
            .iter()
            .map(|p| c * p.y - s * p.x)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn ground(seed: u64, change: f64) -> Ground {
        Ground::new(&mut ChaCha8Rng::seed_from_u64(seed), 700.0, 64.0, &[205, 215], change, None)
    }

    #[test]
    fn work_that_came_to_a_stand_leaves_the_rest_as_it_was() {
        let (mut done, mut left) = (0, 0);
        for seed in 0..12 {
            let ground = ground(seed, 1.0);
            for k in 0..4000 {
                let p = Place::new(f64::from(k % 63) * 11.0, f64::from(k / 63) * 11.0);
                let field = ground.partition.at(ground.bent(p)).field;
                let (Some(before), Some(after)) = (ground.crop(field, 0), ground.crop(field, 1)) else {
                    continue;
                };
                let Some(until_m) = after.until_m else { continue };
                let across = after.direction.0 * p.y - after.direction.1 * p.x;
                let seen = ground.crop_at(field, 1, p).unwrap();
                if across < until_m - 1.0 {
                    assert_eq!(seen.seed, after.seed);
                    done += 1;
                } else if across > until_m + 1.0 {
                    assert_eq!(seen.seed, before.seed);
                    left += 1;
                }
            }
        }
        assert!(done > 500 && left > 500, "{done} {left}");
    }

    #[test]
    fn wheel_lines_appear_also_across_the_rows() {
        let (mut driven, mut aslant) = (0, 0);
        for seed in 0..60 {
            let ground = ground(seed, 0.0);
            for field in 0..ground.partition.fields {
                let (before, after) = (ground.crop(field, 0).unwrap(), ground.crop(field, 1).unwrap());
                if after.driven_since(before) {
                    driven += 1;
                    let turned = (after.direction.0 * after.tram_direction.0
                        + after.direction.1 * after.tram_direction.1)
                        .abs();
                    aslant += usize::from(turned < 0.99);
                }
            }
        }
        assert!(driven > 20 && aslant > 0 && aslant < driven, "{aslant} of {driven}");
    }
}
