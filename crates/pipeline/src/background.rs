//! Real images as the ground of simulated works.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeZone, Utc};
use domain::{Affine, Capture, Crs, Grid, Pixel, PixelMap, Window};
use geo_types::Coord;
use ingest::Image;
use ingest::write::PixelType;
use simulate::ard;
use simulate::background::{
    Background, BackgroundImage, BackgroundOptions, BackgroundPixels, BackgroundScene, LONGEST_PX,
    MOST_BANDS, Usable,
};

use crate::source::Handles;
use crate::{Error, Result};

/// Side to which an image is shrunk to learn how bright it is, pixels.
const SAMPLE_PX: usize = 256;
/// Brightness of ordinary ground, grey levels: the median of an image is taken to be it.
const ORDINARY_LEVEL: f32 = 105.0;
/// Pixels by which a part of the later image is cut wider than that of the earlier.
const SLACK_PX: f64 = 16.0;

/// Real ground, ready to be dug.
pub(crate) struct Ground {
    files: Files,
    pub scene: BackgroundScene,
    /// Grid and pixels of each image.
    pub outs: Vec<Out>,
    /// The common frame, in which truth is.
    pub frame: Grid,
}

/// How a date's image is written.
#[derive(Clone, Debug)]
pub(crate) struct Out {
    pub grid: Grid,
    pub bands: usize,
    pub kind: PixelType,
    pub nodata: Option<f32>,
}

/// The images by window, each cut to a part.
struct Files {
    images: Vec<(Handles, Window)>,
}

impl Background for Files {
    type Error = ingest::Error;

    fn read(&self, image: usize, window: Window) -> ingest::Result<BackgroundPixels> {
        let (handles, part) = &self.images[image.min(self.images.len() - 1)];
        let within = Window { row: part.row + window.row, col: part.col + window.col, ..window };
        let (values, valid) = handles.read(|image| image.read_bands(within))?;
        Ok(BackgroundPixels { values, valid })
    }
}

/// The images named, the earlier first, and dated where their metadata or names tell; else by the days on which
/// the default scene is.
pub(crate) async fn captures(paths: &[PathBuf]) -> Result<Vec<Capture>> {
    let mut out = Vec::new();
    for (k, path) in paths.iter().enumerate() {
        let stand_in =
            Utc.with_ymd_and_hms(2024, 8, 5 + 7 * k as u32, 8, 41, 12).single().unwrap_or_default();
        out.push(ingest::single(path, stand_in).await?);
    }
    if let [earlier, later] = out.as_slice()
        && day(earlier.datetime) >= day(later.datetime)
    {
        return Err(Error::Background {
            path: later.path.clone(),
            reason: format!(
                "it is of {}, which is not after {} of {}: name the earlier image first",
                day(later.datetime),
                day(earlier.datetime),
                earlier.path.display()
            ),
        });
    }
    Ok(out)
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

impl Ground {
    /// Opens one image or two, cut to `part` of the first, and lays out the works. `gsd_m` takes the pixels to be
    /// that wide and puts them near Lgov. The current rayon pool reads.
    pub(crate) fn open(
        captures: &[Capture],
        part: Option<Window>,
        gsd_m: Option<f64>,
        options: &BackgroundOptions,
    ) -> Result<Self> {
        let first = &captures[0];
        let mut grids: Vec<Grid> = captures.iter().map(|c| c.grid.clone()).collect();
        if let Some(gsd_m) = gsd_m {
            grids = grids.iter().map(|g| repixelled(g, &captures[0], gsd_m)).collect::<Result<_>>()?;
        }
        let mut parts: Vec<Window> = grids.iter().map(|g| Window::new(0, 0, g.rows, g.cols)).collect();
        if let Some(part) = part {
            parts[0] = part;
            if let Some(later) = grids.get(1) {
                parts[1] = same_ground(&ingest::pixel_map(&grids[0], later)?, part, later.shape());
            }
            for (grid, part) in grids.iter_mut().zip(&parts) {
                *grid = cut(grid, *part);
            }
        }
        for ((capture, grid), part) in captures.iter().zip(&grids).zip(&parts) {
            let refused = |reason: String| Error::Background { path: capture.path.clone(), reason };
            if part.is_empty() {
                return Err(refused(format!("it does not show the ground of {}", first.path.display())));
            }
            let longest_px = grid.rows.max(grid.cols);
            if longest_px > LONGEST_PX {
                return Err(simulate::Error::ImageTooLong { longest_px, limit_px: LONGEST_PX }.into());
            }
        }
        let frame = ingest::shared_grid(&Capture { grid: grids[0].clone(), ..first.clone() })?;
        let frame_m = ingest::pixel_size_m(&frame)?;
        let (mut images, mut outs, mut infos) = (Vec::new(), Vec::new(), Vec::new());
        for ((capture, grid), part) in captures.iter().zip(&grids).zip(&parts) {
            let handles = Handles::open(capture, None)?;
            let (out, info) = handles.read(|image| Ok(describe(image, capture, grid, *part, &frame)))??;
            images.push((handles, *part));
            outs.push(out);
            infos.push(info);
        }
        let files = Files { images };
        let usable = infos
            .iter()
            .enumerate()
            .map(|(k, info)| Usable::survey(&files, k, info))
            .collect::<ingest::Result<Vec<_>>>()?;
        let middle = Pixel { row: frame.rows as f64 / 2.0, col: frame.cols as f64 / 2.0 };
        let lon_lat =
            ingest::to_lon_lat(&frame, &[middle])?.first().copied().unwrap_or(Coord { x: 0.0, y: 0.0 });
        let options = BackgroundOptions { lon_lat_deg: (lon_lat.x, lon_lat.y), ..options.clone() };
        let scene = BackgroundScene::new(&options, infos, &usable, (frame.shape(), frame_m))?;
        Ok(Self { files, scene, outs, frame })
    }

    /// Writing instructions of a date.
    pub(crate) fn out(&self, date: usize) -> &Out {
        &self.outs[self.scene.image_of(date)]
    }

    /// The pixels of a window of a date as they go into the file: whole numbers, `nodata` where invalid and
    /// nowhere else.
    pub(crate) fn pixels(&self, date: usize, window: Window) -> ingest::Result<ndarray::Array3<u16>> {
        let out = self.out(date);
        let most = if out.kind == PixelType::U8 { 255.0 } else { 65_535.0 };
        let nodata = out.nodata.unwrap_or(0.0).clamp(0.0, most) as u16;
        let rendered = self.scene.render(&self.files, date, window)?;
        let mut pixels = rendered.values.mapv(|v| v.round().clamp(0.0, most) as u16);
        let bands = pixels.dim().0;
        for ((r, c), &valid) in rendered.valid.indexed_iter() {
            if !valid {
                (0..bands).for_each(|b| pixels[(b, r, c)] = nodata);
            } else if (0..bands.min(3)).all(|b| pixels[(b, r, c)] == nodata) {
                pixels[(0, r, c)] = if nodata == 0 { 1 } else { nodata - 1 };
            }
        }
        Ok(pixels)
    }
}

/// How an image is written, and what the simulation must know of it.
fn describe(
    image: &mut Image,
    capture: &Capture,
    grid: &Grid,
    part: Window,
    frame: &Grid,
) -> Result<(Out, BackgroundImage)> {
    let refused = |reason: String| Error::Background { path: capture.path.clone(), reason };
    let (visible, others) = image.band_counts();
    let bands = visible + others;
    if bands > MOST_BANDS {
        return Err(refused(format!(
            "it has {bands} bands; take at most {MOST_BANDS} (red, green, blue, infrared) with gdal_translate -b"
        )));
    }
    let kind = match capture.data_type.as_str() {
        "Byte" => PixelType::U8,
        "UInt16" => PixelType::U16,
        other => {
            return Err(refused(format!(
                "its pixels are {other}; convert them to Byte or UInt16 with gdal_translate -ot"
            )));
        }
    };
    let per_level = per_level(image, part)?;
    let sun = capture.view;
    let info = BackgroundImage {
        shape: grid.shape(),
        pixel_m: ingest::pixel_size_m(grid)?,
        to_frame: ingest::pixel_map(grid, frame)?,
        from_frame: ingest::pixel_map(frame, grid)?,
        visible,
        infrared: (visible == 3 && others == 1).then_some(3),
        per_level,
        datetime: capture.datetime,
        sun_deg: sun.sun_azimuth_deg.zip(sun.sun_elevation_deg),
    };
    // Alpha and masks are not copied: what they hide becomes nodata.
    let nodata = image.nodata().or(Some(0.0));
    Ok((Out { grid: grid.clone(), bands, kind, nodata }, info))
}

/// What pixels are divided by so that ordinary ground is as bright as in the drawn scenes.
fn per_level(image: &mut Image, part: Window) -> Result<f32> {
    let shape = (part.rows.min(SAMPLE_PX), part.cols.min(SAMPLE_PX));
    let (rgb, valid) = image.read_rgb(part, shape)?;
    let mut all: Vec<f32> =
        valid.indexed_iter().filter(|(_, ok)| **ok).map(|((r, c), _)| rgb[(1, r, c)]).collect();
    all.sort_by(f32::total_cmp);
    let median = all.get(all.len() / 2).copied().unwrap_or(ORDINARY_LEVEL);
    Ok((median / ORDINARY_LEVEL).max(1e-3))
}

/// The grid with pixels of `gsd_m`, moved to Lgov with everything that lies beside `first`.
fn repixelled(grid: &Grid, first: &Capture, gsd_m: f64) -> Result<Grid> {
    let from = &first.grid;
    if grid.crs != from.crs {
        let reason = "pixels of another size need both images in one coordinate reference system".to_owned();
        return Err(Error::Background { path: first.path.clone(), reason });
    }
    let crs = Crs { wkt: String::new(), epsg: Some(ard::EPSG) };
    let there = ard::grid(from.shape(), gsd_m, crs.clone()).affine;
    let (k, a) = (gsd_m / from.pixel_size(), grid.affine);
    let affine = Affine {
        x0: there.x0 + k * (a.x0 - from.affine.x0),
        x_per_col: k * a.x_per_col,
        x_per_row: k * a.x_per_row,
        y0: there.y0 + k * (a.y0 - from.affine.y0),
        y_per_col: k * a.y_per_col,
        y_per_row: k * a.y_per_row,
    };
    Grid::new(grid.rows, grid.cols, affine, crs)
        .map_err(|e| Error::Background { path: first.path.clone(), reason: e.to_string() })
}

/// The part of a grid.
fn cut(grid: &Grid, part: Window) -> Grid {
    let corner = grid.affine.ground(Pixel { row: part.row as f64, col: part.col as f64 });
    let affine = Affine { x0: corner.x, y0: corner.y, ..grid.affine };
    Grid { rows: part.rows, cols: part.cols, affine, crs: grid.crs.clone() }
}

/// The part of another image, of `(rows, cols)`, that shows the ground of `part`, a little wider; empty where it
/// does not.
fn same_ground(map: &PixelMap, part: Window, (rows, cols): (usize, usize)) -> Window {
    let corners = [
        (part.row, part.col),
        (part.row, part.col_end()),
        (part.row_end(), part.col),
        (part.row_end(), part.col_end()),
    ]
    .map(|(row, col)| map.at(Pixel { row: row as f64, col: col as f64 }));
    let span = |of: fn(&Pixel) -> f64, n: usize| {
        let least = corners.iter().map(of).fold(f64::INFINITY, f64::min) - SLACK_PX;
        let most = corners.iter().map(of).fold(f64::NEG_INFINITY, f64::max) + SLACK_PX;
        (least.clamp(0.0, n as f64).floor() as usize, most.clamp(0.0, n as f64).ceil() as usize)
    };
    let ((top, bottom), (left, right)) = (span(|p| p.row, rows), span(|p| p.col, cols));
    Window::new(top, left, bottom - top, right - left)
}

/// Pairs of images of different dates that show the same ground, of the images in a folder.
pub(crate) async fn pairs(folder: &Path) -> Result<Vec<(Capture, Capture)>> {
    let found = ingest::catalogue(folder, &ingest::CatalogueOptions::default()).await?;
    let captures = found.captures;
    let mut out = Vec::new();
    for (k, earlier) in captures.iter().enumerate() {
        for later in &captures[k + 1..] {
            let centre = Pixel { row: earlier.grid.rows as f64 / 2.0, col: earlier.grid.cols as f64 / 2.0 };
            let at = ingest::pixel_map(&earlier.grid, &later.grid)?.at(centre);
            let inside = (0.0..later.grid.rows as f64).contains(&at.row)
                && (0.0..later.grid.cols as f64).contains(&at.col);
            if inside && day(earlier.datetime) < day(later.datetime) {
                out.push((earlier.clone(), later.clone()));
            }
        }
    }
    if out.is_empty() {
        return Err(Error::Background {
            path: folder.to_owned(),
            reason: "it holds no two images of the same ground and different dates".to_owned(),
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_another_image_is_found_and_cut_at_its_edge() {
        let to = |p: &Pixel| Pixel { row: p.row / 2.0 - 10.0, col: p.col / 2.0 + 5.0 };
        let map = PixelMap::from_fn((400, 400), |ps| Ok::<_, ()>(ps.iter().map(to).collect())).unwrap();
        let found = same_ground(&map, Window::new(100, 100, 200, 200), (150, 1000));
        assert_eq!(found, Window::new(24, 39, 126, 132));
        assert!(same_ground(&map, Window::new(350, 0, 40, 40), (100, 1000)).is_empty());
    }

    #[test]
    fn a_part_lies_where_it_lay() {
        let crs = Crs { wkt: String::new(), epsg: Some(32636) };
        let grid = Grid { rows: 90, cols: 80, affine: Affine::north_up(1000.0, 2000.0, 0.5), crs };
        let part = cut(&grid, Window::new(10, 20, 30, 40));
        assert_eq!(part.shape(), (30, 40));
        assert_eq!(
            part.affine.ground(Pixel { row: 1.0, col: 2.0 }),
            grid.affine.ground(Pixel { row: 11.0, col: 22.0 })
        );
    }
}
