//! What must hold of every scene.

use domain::{Crs, Pixel, Window};
use ndarray::{Array3, s};
use simulate::{Options, Scene, Style, TruthClass};

fn small(seed: u64) -> Options {
    Options { size_px: 300, ..Options::varied(seed) }
}

fn whole(scene: &Scene, date: usize) -> Array3<u16> {
    let n = scene.options().size_px;
    scene.render(date, Window::new(0, 0, n, n))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let a = whole(&Scene::new(&small(1)).unwrap(), 1);
    assert_eq!(a, whole(&Scene::new(&small(1)).unwrap(), 1));
    assert_ne!(a, whole(&Scene::new(&small(2)).unwrap(), 1));
}

#[test]
fn eleven_bits_tell_more_of_the_same_picture() {
    let eight = whole(&Scene::new(&small(1)).unwrap(), 1);
    let eleven = whole(&Scene::new(&Options { bits: 11, ..small(1) }).unwrap(), 1);
    assert!(eleven.iter().any(|v| *v > 255) && eleven.iter().all(|v| (1..=2047).contains(v)));
    for (few, many) in eight.iter().zip(&eleven).filter(|(few, _)| (2..255).contains(*few)) {
        assert!((f64::from(*few) - f64::from(*many) / 8.0).abs() <= 0.6, "{few} {many}");
    }
}

#[test]
fn windows_equal_the_whole_on_any_number_of_threads() {
    let scene = Scene::new(&small(3)).unwrap();
    let all = whole(&scene, 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for w in Window::tiling((300, 300), 117) {
        let part = pool.install(|| scene.render(1, w));
        assert_eq!(part, all.slice(s![.., w.row..w.row_end(), w.col..w.col_end()]), "{w:?}");
    }
}

#[test]
fn a_quiet_scene_has_distractors_and_no_truth() {
    let scene = Scene::new(&Options { quiet: true, ..small(4) }).unwrap();
    assert!(scene.truth(1).is_empty() && !scene.distractors(1).is_empty());
    assert!(scene.distractors(0).is_empty());
}

#[test]
fn every_kind_of_look_alike_is_told_as_a_distractor() {
    let mut told = std::collections::BTreeMap::new();
    for seed in 0..24 {
        let options =
            Options { size_px: 1536, quiet: true, dates: 3, distractors: 20, ..Options::varied(700 + seed) };
        for line in Scene::new(&options).unwrap().distractors(2) {
            assert!(line.class == TruthClass::Distractor && (1..3).contains(&line.since), "{line:?}");
            *told.entry(line.style.as_str()).or_insert(0) += 1;
        }
    }
    println!("{told:?}");
    for style in [
        "building",
        "cleared_belt",
        "cloud_shadow",
        "dragons_teeth",
        "drain",
        "fence",
        "field_edge",
        "furrow",
        "mown_strip",
        "new_road",
        "path",
        "pipeline",
        "ploughed_strip",
        "shoreline",
        "tree_shadow",
        "wheel_track",
    ] {
        assert!(told.contains_key(style), "no {style} in {told:?}");
    }
}

#[test]
fn truth_grows_from_date_to_date_and_lies_in_the_scene() {
    let options = Options { dates: 3, size_px: 1200, trenches: 6, ditches: 2, ..Options::varied(5) };
    let scene = Scene::new(&options).unwrap();
    assert!(scene.truth(0).is_empty());
    let (second, third) = (scene.truth(1), scene.truth(2));
    assert!(!second.is_empty() && second.len() < third.len());
    // What was begun goes on from where it began.
    for line in &second {
        let later = third.iter().find(|l| l.centreline[0] == line.centreline[0] && l.width_m == line.width_m);
        assert!(later.is_some_and(|l| l.length_m >= line.length_m && l.since == line.since));
    }
    for line in &third {
        assert!(
            line.centreline.iter().all(|p| (0.0..1200.0).contains(&p.row) && (0.0..1200.0).contains(&p.col))
        );
        let (width, depth) = match line.class {
            TruthClass::Trench => (0.9..2.0, 1.1..2.0),
            _ => (3.5..7.0, 1.8..3.0),
        };
        assert!(width.contains(&line.width_m) && depth.contains(&line.depth_m));
    }
    let steps: Vec<f64> =
        scene.dates().windows(2).map(|d| (d[1].datetime - d[0].datetime).num_minutes() as f64).collect();
    assert!(steps.iter().all(|m| *m > 0.0));
    let grid = scene.grid(Crs { wkt: String::new(), epsg: Some(simulate::ard::EPSG) });
    assert_eq!(grid.shape(), (1200, 1200));
}

#[test]
fn trenches_run_straight_where_that_is_asked_for() {
    // Corners of more than 9 degrees on the trunks of trench systems.
    let bent = |straight_share: f64| {
        let (mut corners, mut bent, mut styles) = (0, 0, Vec::new());
        for seed in 0..4 {
            let options =
                Options { size_px: 900, trenches: 4, ditches: 0, straight_share, ..Options::varied(seed) };
            for line in Scene::new(&options).unwrap().truth(1) {
                if matches!(line.style, Style::Sap | Style::Communication) {
                    continue;
                }
                styles.push(line.style);
                for p in line.centreline.windows(3) {
                    let heading = |a: Pixel, b: Pixel| (b.row - a.row).atan2(b.col - a.col).to_degrees();
                    let turn = heading(p[1], p[2]) - heading(p[0], p[1]);
                    corners += 1;
                    bent += usize::from(((turn + 540.0).rem_euclid(360.0) - 180.0).abs() > 9.01);
                }
            }
        }
        (corners, bent, styles)
    };
    let (_, curved, styles) = bent(1.0);
    assert!(styles.len() > 8 && styles.iter().all(|s| *s == Style::Straight), "{styles:?}");
    assert_eq!(curved, 0);
    let (corners, curved, styles) = bent(0.0);
    assert!(styles.contains(&Style::Zigzag) && 10 * curved > corners, "{curved} of {corners}");
}

#[test]
fn the_content_is_displaced_by_the_shift() {
    let scene = Scene::new(&small(6)).unwrap();
    let p = Pixel { row: 100.5, col: 100.5 };
    assert_eq!(scene.seen_at(0, p), p);
    let (date, seen) = (&scene.dates()[1], scene.seen_at(1, p));
    let gsd = scene.options().gsd_m;
    let off = ((seen.col - p.col) * gsd - date.shift_m.0).hypot((seen.row - p.row) * gsd - date.shift_m.1);
    assert!(off <= date.parallax_m + 1e-9 && date.parallax_m <= gsd);
}

/// Brightness across a line at steps of a quarter of a pixel from −`SPAN` to `SPAN` pixels: the median along it.
struct Profile(Vec<f64>);

const SPAN_PX: i32 = 28;

fn profile(scene: &Scene, image: &Array3<u16>, line: &[Pixel]) -> Option<Profile> {
    let at = |row: f64, col: f64| -> Option<f64> {
        let (r, c) = ((row - 0.5).floor(), (col - 0.5).floor());
        let (u, v) = (row - 0.5 - r, col - 0.5 - c);
        let (_, rows, cols) = image.dim();
        if r < 0.0 || c < 0.0 || r as usize + 1 >= rows || c as usize + 1 >= cols {
            return None;
        }
        let (r, c) = (r as usize, c as usize);
        let mean = |r, c| (0..3).map(|b| f64::from(image[(b, r, c)])).sum::<f64>() / 3.0;
        Some(
            (mean(r, c) * (1.0 - v) + mean(r, c + 1) * v) * (1.0 - u)
                + (mean(r + 1, c) * (1.0 - v) + mean(r + 1, c + 1) * v) * u,
        )
    };
    let mut columns: Vec<Vec<f64>> = vec![vec![]; (8 * SPAN_PX + 1) as usize];
    for w in line.windows(2) {
        let length = (w[1].row - w[0].row).hypot(w[1].col - w[0].col);
        let (dr, dc) = ((w[1].row - w[0].row) / length, (w[1].col - w[0].col) / length);
        let mut along = 2.0;
        while along < length - 2.0 {
            let foot = Pixel { row: w[0].row + along * dr, col: w[0].col + along * dc };
            let seen = scene.seen_at(1, foot);
            for (k, column) in columns.iter_mut().enumerate() {
                let t = f64::from(k as i32 - 4 * SPAN_PX) / 4.0;
                column.extend(at(seen.row + t * dc, seen.col - t * dr));
            }
            along += 3.0;
        }
    }
    if columns[0].len() < 20 {
        return None;
    }
    Some(Profile(
        columns
            .into_iter()
            .map(|mut c| {
                c.sort_by(f64::total_cmp);
                c[c.len() / 2]
            })
            .collect(),
    ))
}

impl Profile {
    fn mean(&self, from_px: f64, to_px: f64) -> f64 {
        let values: Vec<f64> = (0..self.0.len())
            .filter(|k| {
                let t = f64::from(*k as i32 - 4 * SPAN_PX) / 4.0;
                (from_px..=to_px).contains(&t.abs())
            })
            .map(|k| self.0[k])
            .collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// Where it is darkest near the middle, pixels, and how dark.
    fn core(&self) -> (f64, f64) {
        let mut best = (0.0, f64::INFINITY);
        for (k, v) in self.0.iter().enumerate() {
            let t = f64::from(k as i32 - 4 * SPAN_PX) / 4.0;
            if t.abs() <= 4.0 && *v < best.1 {
                best = (t, *v);
            }
        }
        best
    }
}

#[test]
fn trenches_are_as_faint_as_real_ones_and_truth_lies_on_them() {
    let (mut contrast, mut told, mut off, mut lift) = (vec![], vec![], vec![], vec![]);
    for seed in 0..16 {
        let options = Options {
            size_px: 700,
            trenches: 7,
            ditches: 0,
            old_works: 0,
            distractors: 0,
            ..Options::varied(1000 + seed)
        };
        let scene = Scene::new(&options).unwrap();
        let image = whole(&scene, 1);
        // The same date with nothing dug: what the ground itself does beside a line is no spoil.
        let undug = whole(&Scene::new(&Options { quiet: true, ..options.clone() }).unwrap(), 1);
        for line in scene.truth(1) {
            let Some(profile) = profile(&scene, &image, &line.centreline) else { continue };
            let Some(before) = self::profile(&scene, &undug, &line.centreline) else { continue };
            let ground = profile.mean(16.0, 26.0);
            let (t, core) = profile.core();
            contrast.push(1.0 - core / ground);
            told.push(line.contrast.unwrap());
            off.push(t.abs());
            lift.push(profile.mean(6.0, 9.0) - before.mean(6.0, 9.0));
        }
    }
    let quantile = |values: &mut Vec<f64>, q: f64| {
        values.sort_by(f64::total_cmp);
        values[((values.len() - 1) as f64 * q).round() as usize]
    };
    let [c10, c50, c90] = [0.1, 0.5, 0.9].map(|q| quantile(&mut contrast, q));
    let [t10, t50, t90] = [0.1, 0.5, 0.9].map(|q| quantile(&mut told, q));
    let [o50, o90] = [0.5, 0.9].map(|q| quantile(&mut off, q));
    let [l05, l95] = [0.05, 0.95].map(|q| quantile(&mut lift, q));
    println!(
        "{} trenches: contrast {c10:.3} {c50:.3} {c90:.3} (told {t10:.3} {t50:.3} {t90:.3}), off {o50} {o90} px, spoil {l05:.1} {l95:.1}",
        contrast.len()
    );
    assert!(contrast.len() > 80);
    assert!((0.2..0.35).contains(&c50), "median contrast {c50}");
    assert!((0.06..0.16).contains(&c10) && (0.34..0.46).contains(&c90), "{c10} {c90}");
    // What the truth says, without the ground's own texture, is that of the real ones: 12, 27 and 40 %.
    for (got, want) in [(t10, 0.12), (t50, 0.27), (t90, 0.40)] {
        assert!((got / want - 1.0).abs() < 0.15, "{got} {want}");
    }
    assert!(o50 <= 1.0 && o90 <= 2.0, "darkest {o50}, {o90} px from the line");
    assert!(l05 > -8.0 && l95 < 8.0, "spoil {l05} to {l95} levels");
}

#[test]
fn wheel_tracks_run_beside_works_and_not_through_them() {
    let (mut beside, mut through) = (0, 0);
    for seed in 0..6 {
        let options =
            Options { size_px: 1200, trenches: 6, ditches: 3, distractors: 1, ..Options::varied(600 + seed) };
        let scene = Scene::new(&options).unwrap();
        let gsd = options.gsd_m;
        let works = scene.truth(1);
        let from_work = |p: &Pixel| {
            works
                .iter()
                .flat_map(|w| w.centreline.windows(2))
                .map(|w| {
                    let (dr, dc) = (w[1].row - w[0].row, w[1].col - w[0].col);
                    let (pr, pc) = (p.row - w[0].row, p.col - w[0].col);
                    let f = ((pr * dr + pc * dc) / (dr * dr + dc * dc)).clamp(0.0, 1.0);
                    (pr - f * dr).hypot(pc - f * dc) * gsd
                })
                .fold(f64::INFINITY, f64::min)
        };
        for track in scene.distractors(1).iter().filter(|d| d.style == simulate::Style::WheelTrack) {
            let distances: Vec<f64> = track.centreline.iter().map(from_work).collect();
            let share = |is: fn(&f64) -> bool| {
                distances.iter().filter(|d| is(d)).count() as f64 / distances.len() as f64
            };
            if share(|d| *d < 25.0) > 0.7 {
                beside += 1;
                through += usize::from(share(|d| *d < 3.0) > 0.1);
            }
        }
    }
    println!("{beside} tracks beside works, {through} of them through others");
    assert!(beside >= 12 && 5 * through <= beside, "{beside} {through}");
}
