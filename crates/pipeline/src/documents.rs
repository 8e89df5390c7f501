//! What a run writes.

use std::collections::BTreeMap;

use ingest::{VectorFormat, VectorLayer, write_vector};
use rayon::prelude::*;
use report::html::{Page, View};
use report::{
    CoverageFeature, Fronts, OutputDir, Summary, coverage_geojson, defence_lines_geojson, earthworks_csv,
    earthworks_geojson, front_geojson, kmz, parquet, report_md, stac_item, styles, summary_json,
    systems_geojson,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::measure::Measured;
use crate::{Result, VERSION};

/// A document that can be left out. `earthworks.geojson`, `coverage.geojson`, `summary.json`, `report.md` and
/// `run.json` are always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `report.html`: everything on one page.
    Html,
    /// `earthworks.csv`.
    Csv,
    /// `earthworks.gpkg`: earthworks, systems, lines of defence, coverage and front with styles.
    Gpkg,
    /// `earthworks.fgb`: FlatGeobuf.
    Fgb,
    /// `earthworks.parquet`: GeoParquet 1.1.
    Parquet,
    /// `earthworks.kmz`: for Google Earth.
    Kmz,
    /// `stac.json`: a STAC item of the results.
    Stac,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Html, Self::Csv, Self::Gpkg, Self::Fgb, Self::Parquet, Self::Kmz, Self::Stac];

    /// The file in the output folder.
    pub fn file(self) -> &'static str {
        match self {
            Self::Html => "report.html",
            Self::Csv => "earthworks.csv",
            Self::Gpkg => "earthworks.gpkg",
            Self::Fgb => "earthworks.fgb",
            Self::Parquet => "earthworks.parquet",
            Self::Kmz => "earthworks.kmz",
            Self::Stac => "stac.json",
        }
    }

    /// The word in options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Gpkg => "gpkg",
            Self::Fgb => "fgb",
            Self::Parquet => "parquet",
            Self::Kmz => "kmz",
            Self::Stac => "stac",
        }
    }
}

/// Everything that the documents tell.
pub(crate) struct Documents<'a> {
    pub measured: &'a Measured,
    pub fronts: &'a Fronts,
    pub coverage: &'a [CoverageFeature],
    /// Picture of an earthwork, by its id.
    pub chips: &'a BTreeMap<String, String>,
    /// Its two views for the page, by its id.
    pub views: &'a BTreeMap<String, View>,
    /// What the reader must know beside what was found.
    pub notes: &'a [String],
    /// The images, as the page lists them.
    pub images: &'a [Value],
    pub formats: &'a [Format],
}

impl Documents<'_> {
    /// Writes all but `run.json`.
    pub(crate) fn write(&self, out: &OutputDir) -> Result<()> {
        let found = &self.measured.found[..];
        let summary = Summary {
            title: "New earthworks",
            found,
            fronts: self.fronts,
            systems: &self.measured.systems,
            lines: &self.measured.lines,
            growth: &self.measured.growth,
            control: &self.measured.control,
            coverage: self.coverage,
            chips: self.chips,
            notes: self.notes,
        };
        // Data hold all that was asked for; what is told in words and pictures is told of earthworks.
        let all = || found.iter().chain(&self.measured.look_alikes);
        let earthworks = earthworks_geojson(all(), self.fronts);
        let coverage = coverage_geojson(self.coverage);
        let texts = [
            ("earthworks.geojson", &earthworks),
            ("coverage.geojson", &coverage),
            ("report.md", &report_md(&summary)),
            ("summary.json", &summary_json(&summary, VERSION)),
        ];
        for (name, text) in texts {
            out.write_atomic(name, text.as_bytes())?;
        }
        let write = |format: &Format| -> Result<()> {
            match format {
                Format::Html => {
                    let page = Page {
                        summary: &summary,
                        views: self.views,
                        folder: out.path(),
                        images: self.images,
                        version: VERSION,
                    };
                    out.write_atomic(format.file(), page.html()?.as_bytes())?;
                }
                Format::Csv => {
                    out.write_atomic(format.file(), earthworks_csv(all(), self.fronts).as_bytes())?;
                }
                Format::Gpkg => self.gpkg(out, &earthworks, &coverage)?,
                Format::Fgb => {
                    let features: Value = serde_json::from_str(&earthworks)?;
                    let layers = [VectorLayer { name: "earthworks", features: &features, style: None }];
                    self.through_gdal(out, format.file(), VectorFormat::FlatGeobuf, &layers)?;
                }
                Format::Parquet => {
                    out.write_atomic(format.file(), &parquet(&earthworks)?)?;
                }
                Format::Kmz => {
                    out.write_atomic(format.file(), &kmz(&summary, self.views, out.path())?)?;
                }
                Format::Stac => {
                    let item = stac_item(&summary, VERSION, &self.files(out));
                    out.write_atomic(format.file(), item.as_bytes())?;
                }
            }
            Ok(())
        };
        // Each once. The STAC item lists the others, which know nothing of each other.
        let wanted = |format: &Format| self.formats.contains(format);
        let others: Vec<Format> =
            Format::ALL.into_iter().filter(|f| *f != Format::Stac && wanted(f)).collect();
        let written: Vec<Result<()>> = others.par_iter().map(write).collect();
        // The first that failed in their order, not in time.
        written.into_iter().collect::<Result<()>>()?;
        if wanted(&Format::Stac) { write(&Format::Stac) } else { Ok(()) }
    }

    /// Documents that are there, for the STAC item.
    fn files(&self, out: &OutputDir) -> Vec<&'static str> {
        let all = report::output::OWN_FILES.iter().copied();
        all.filter(|name| out.path().join(name).is_file() || *name == "run.json").collect()
    }

    fn gpkg(&self, out: &OutputDir, earthworks: &str, coverage: &str) -> Result<()> {
        let parse = |text: &str| serde_json::from_str::<Value>(text);
        let earthworks = parse(earthworks)?;
        let systems = parse(&systems_geojson(&self.measured.systems))?;
        let lines = parse(&defence_lines_geojson(&self.measured.lines))?;
        let coverage = parse(coverage)?;
        let front = parse(&front_geojson(self.fronts))?;
        let layers = [
            VectorLayer { name: "coverage", features: &coverage, style: Some(styles::coverage()) },
            VectorLayer { name: "front", features: &front, style: Some(styles::front()) },
            VectorLayer { name: "lines_of_defence", features: &lines, style: Some(styles::defence_lines()) },
            VectorLayer { name: "systems", features: &systems, style: Some(styles::systems()) },
            VectorLayer { name: "earthworks", features: &earthworks, style: Some(styles::earthworks()) },
        ];
        self.through_gdal(out, Format::Gpkg.file(), VectorFormat::GeoPackage, &layers)
    }

    /// Writes with GDAL beside the file, then takes it in whole.
    fn through_gdal(
        &self,
        out: &OutputDir,
        name: &str,
        format: VectorFormat,
        layers: &[VectorLayer<'_>],
    ) -> Result<()> {
        let part = out.path().join(format!(".part-{name}"));
        if part.exists() {
            std::fs::remove_file(&part).map_err(|source| report::Error::Write {
                action: "remove",
                path: part.clone(),
                source,
            })?;
        }
        let written = write_vector(&part, format, layers);
        let taken = written.map_err(crate::Error::from).and_then(|()| {
            std::fs::rename(&part, out.path().join(name)).map_err(|source| {
                report::Error::Write { action: "rename", path: part.clone(), source }.into()
            })
        });
        if taken.is_err() {
            // The first error is the one to report.
            let _ = std::fs::remove_file(&part);
        }
        taken
    }
}
