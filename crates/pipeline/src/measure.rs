//! From earthworks to measured earthworks: fronts, context, systems, time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use domain::{Capture, Earthwork};
use geo_types::Coord;
use report::{
    ContextLayer, Control, DefenceLine, FrontFile, FrontLine, FrontOptions, Fronts, FrontsIndex, Growth,
    ImagePrecision, MeasuredEarthwork, System, SystemOptions, control, growth, measure_all, put_in_context,
    systems,
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A layer of context: what it is, and its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextFile {
    /// `roads`, `rail`, `settlements`, `water`, or any other word.
    pub kind: String,
    /// The file.
    pub file: PathBuf,
}

/// What earthworks are measured from, and how they are grouped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureOptions {
    /// Front lines: files, or folders of dated files. The first leads.
    pub fronts: Vec<PathBuf>,
    /// How to read them.
    pub front_options: FrontOptions,
    /// Layers of context.
    pub context: Vec<ContextFile>,
    /// What belongs together.
    pub systems: SystemOptions,
}

impl MeasureOptions {
    /// Checks the numbers.
    ///
    /// # Errors
    /// Those of the options it holds.
    pub fn validate(&self) -> Result<()> {
        self.front_options.validate()?;
        Ok(self.systems.validate()?)
    }
}

/// What there is to measure from.
pub(crate) struct Ground {
    pub fronts: Fronts,
    /// What was mended on reading the border and the context; fronts have their own.
    pub notes: Vec<String>,
    context: Vec<ContextLayer>,
}

/// Earthworks with all that is known of where they lie.
pub(crate) struct Measured {
    pub found: Vec<MeasuredEarthwork>,
    /// What only looks like an earthwork: measured, in no sum and no system.
    pub look_alikes: Vec<MeasuredEarthwork>,
    pub systems: Vec<System>,
    pub lines: Vec<DefenceLine>,
    pub growth: Vec<Growth>,
    pub control: Vec<Control>,
}

impl Ground {
    /// Reads the fronts in force on the days of the images, and the context. Works are measured from those of the later
    /// images; those of the earlier tell how areas of control changed. `places` is where the images lie.
    pub(crate) fn read(options: &MeasureOptions, days: &[NaiveDate], places: &[Coord]) -> Result<Self> {
        let how = &options.front_options;
        let border = how.border.as_ref().map(|b| file(b, false)).transpose()?;
        let mut sources = Vec::new();
        for path in &options.fronts {
            let mut of_days: Vec<Vec<FrontLine>> = Vec::new();
            for front in in_force(path, how, days)? {
                of_days.push(front.lines(how, border.as_ref(), places)?);
            }
            sources.push(of_days);
        }
        let fronts = Fronts::new(sources, how.rule)
            .ok_or_else(|| Error::NoFront { path: options.fronts.first().cloned().unwrap_or_default() })?;
        let context = options
            .context
            .iter()
            .map(|c| Ok(ContextLayer::from_geojson(&c.file, &c.kind, &ingest::read_vector(&c.file)?)?))
            .collect::<Result<Vec<_>>>()?;
        let of_border = border.iter().flat_map(|b| b.notes()).map(|n| format!("border: {n}"));
        let notes = of_border.chain(context.iter().flat_map(|c| c.notes.iter().cloned())).collect();
        Ok(Self { fronts, notes, context })
    }

    /// Measures, groups and dates earthworks, each with the precision of its image; the order stays. Look-alikes are set
    /// apart. `index` is of its fronts.
    pub(crate) fn measure(
        &self,
        index: &FrontsIndex<'_>,
        works: Vec<(Earthwork, ImagePrecision)>,
        options: &SystemOptions,
    ) -> Measured {
        let precision: BTreeMap<String, ImagePrecision> =
            works.iter().map(|(w, p)| (w.pair.clone(), p.clone())).collect();
        let unknown = ImagePrecision::of(None, None, None);
        let works: Vec<Earthwork> = works.into_iter().map(|(w, _)| w).collect();
        let of = |w: &Earthwork| precision.get(&w.pair).unwrap_or(&unknown).clone();
        let mut found = measure_all(works, index, of);
        put_in_context(&mut found, &self.context);
        let (mut found, look_alikes): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|f| f.earthwork.class.is_earthwork());
        let (systems, lines) = systems(&mut found, options);
        let growth = growth(&mut found);
        let control = control(&self.fronts, &self.context);
        Measured { found, look_alikes, systems, lines, growth, control }
    }
}

/// A file of lines and areas, whatever its format. GeoJSON in longitude and latitude is read as it is, so that what
/// is wrong in it can be named; the rest goes through GDAL.
fn file(path: &Path, lat_first: bool) -> Result<FrontFile> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let geojson = ending == "geojson" || ending == "json" || !ingest::is_vector(path);
    if geojson {
        let options = FrontOptions { lat_first, ..FrontOptions::default() };
        match FrontFile::read(path, &options) {
            Err(report::Error::ForeignCrs { .. }) => {}
            read => return Ok(read?),
        }
    }
    if !path.exists() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(report::Error::Read { path: path.into(), source }.into());
    }
    Ok(FrontFile::from_geojson(path, ingest::read_vector(path)?, lat_first)?)
}

/// The files of a source that are in force on some of the days: the file itself, or of a folder one for each day.
fn in_force(path: &Path, how: &FrontOptions, wanted: &[NaiveDate]) -> Result<Vec<FrontFile>> {
    if !path.is_dir() {
        return Ok(vec![file(path, how.lat_first)?]);
    }
    let unreadable = |source| report::Error::Read { path: path.into(), source };
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        names.push(entry.map_err(unreadable)?.path());
    }
    names.retain(|p| p.is_file() && ingest::is_vector(p));
    names.sort();
    // Names first: a folder of a year need not be read to find one day.
    let mut dated: Vec<(NaiveDate, PathBuf)> = Vec::new();
    for name in names {
        let day = match report::fronts::day_in_name(&name) {
            Some(day) => Some(day),
            None => file(&name, how.lat_first)?.newest_day(),
        };
        match day {
            Some(day) => dated.push((day, name)),
            None => return Err(report::Error::NoDate { path: name, unread: vec![] }.into()),
        }
    }
    dated.sort();
    let days: Vec<NaiveDate> = dated.iter().map(|d| d.0).collect();
    let mut used: Vec<usize> =
        wanted.iter().filter_map(|day| report::fronts::in_force(&days, *day, how.rule)).collect();
    if used.is_empty() && !days.is_empty() {
        used.push(days.len() - 1);
    }
    used.sort_unstable();
    used.dedup();
    if used.is_empty() {
        return Err(Error::NoFront { path: path.into() });
    }
    used.into_iter().map(|i| file(&dated[i].1, how.lat_first)).collect()
}

/// The precision of the later image of a pair.
pub(crate) fn precision(later: &Capture, residual_px: Option<f64>, pixel_m: f64) -> ImagePrecision {
    ImagePrecision::of(later.platform.as_deref(), later.ce90_m, residual_px.map(|px| px * pixel_m))
}
