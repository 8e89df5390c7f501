//! What may be typed about fronts, context and documents, for every command that measures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args as ClapArgs, ValueEnum};
use pipeline::{ContextFile, Format, FrontOptions, FrontRule, MeasureOptions};

use crate::config::Config;

/// The options.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct FrontArgs {
    /// Day that the front line is of, if the file does not say
    #[arg(long, value_name = "YYYY-MM-DD", help_heading = "Front line")]
    pub front_date: Option<NaiveDate>,
    /// Measure from features of this class first, e.g. claimed or assessed [default: claimed where there is any]
    #[arg(long, value_name = "CLASS", help_heading = "Front line")]
    pub front_class: Option<String>,
    /// Who drew the front line, if the file does not say
    #[arg(long, value_name = "NAME", help_heading = "Front line")]
    pub front_source: Option<String>,
    /// Of several days, which is in force on the day of an image [default: before]
    #[arg(long, value_name = "RULE", help_heading = "Front line")]
    pub front_rule: Option<Rule>,
    /// Positions in the front files are latitude before longitude
    #[arg(long, help_heading = "Front line")]
    pub lat_first: bool,
    /// State border or coast: edges of polygons that run along it are not front
    #[arg(long, value_name = "FILE", help_heading = "Front line")]
    pub border: Option<PathBuf>,
    /// What else to measure from, e.g. roads=roads.gpkg, rail=…, settlements=…, water=…; may be repeated
    #[arg(long, value_name = "KIND=FILE", value_parser = context, help_heading = "Results")]
    pub context: Vec<ContextFile>,
    /// Documents beside the GeoJSON, Markdown and JSON that are always written [default: all of them]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Results")]
    pub formats: Option<Vec<Kind>>,
}

/// The words of [`FrontRule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rule {
    /// The newest not after the image
    Before,
    /// The nearest in time
    Nearest,
    /// The oldest not before the image
    After,
}

/// The words of [`Format`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Kind {
    Html,
    Csv,
    Gpkg,
    Fgb,
    Parquet,
    Kmz,
    Stac,
    /// None of them
    None,
}

fn context(text: &str) -> Result<ContextFile, String> {
    match text.split_once('=') {
        Some((kind, file)) if !kind.is_empty() && !file.is_empty() => {
            Ok(ContextFile { kind: kind.to_owned(), file: file.into() })
        }
        _ => Err("say what it is and where, like roads=roads.gpkg".to_owned()),
    }
}

impl FrontArgs {
    /// How to read fronts: what is typed before the file before the defaults.
    pub fn front_options(&self, config: &Config) -> FrontOptions {
        let (front, base) = (&config.front, FrontOptions::default());
        let typed = self.front_rule.map(|rule| match rule {
            Rule::Before => FrontRule::Before,
            Rule::Nearest => FrontRule::Nearest,
            Rule::After => FrontRule::After,
        });
        FrontOptions {
            date: self.front_date.or(front.date),
            source: self.front_source.clone().or_else(|| front.source.clone()),
            class: self.front_class.clone().or_else(|| front.class.clone()),
            border: self.border.clone().or_else(|| front.border.clone()),
            border_tolerance_m: front.border_tolerance_m.unwrap_or(base.border_tolerance_m),
            lat_first: self.lat_first || front.lat_first.unwrap_or(base.lat_first),
            classes: front.classes.clone(),
            rule: typed.or(front.rule).unwrap_or(base.rule),
        }
    }

    /// The layers of context: those of the file, unless some are typed.
    pub fn context(&self, config: &Config) -> Vec<ContextFile> {
        if !self.context.is_empty() {
            return self.context.clone();
        }
        let layers: &BTreeMap<String, PathBuf> = &config.context;
        layers.iter().map(|(kind, file)| ContextFile { kind: kind.clone(), file: file.clone() }).collect()
    }

    /// The documents.
    pub fn formats(&self, config: &Config) -> Vec<Format> {
        let Some(kinds) = &self.formats else {
            return config.formats.clone().unwrap_or_else(|| Format::ALL.to_vec());
        };
        let typed = |kind: &Kind| match kind {
            Kind::Html => Some(Format::Html),
            Kind::Csv => Some(Format::Csv),
            Kind::Gpkg => Some(Format::Gpkg),
            Kind::Fgb => Some(Format::Fgb),
            Kind::Parquet => Some(Format::Parquet),
            Kind::Kmz => Some(Format::Kmz),
            Kind::Stac => Some(Format::Stac),
            Kind::None => None,
        };
        let wanted: Vec<Format> = kinds.iter().filter_map(typed).collect();
        // In one order, however they were typed; the STAC item last, as it lists the others.
        Format::ALL.into_iter().filter(|f| wanted.contains(f)).collect()
    }

    /// All of it, for fronts at `fronts`.
    pub fn measure(&self, fronts: Vec<PathBuf>, config: &Config) -> MeasureOptions {
        MeasureOptions {
            fronts,
            front_options: self.front_options(config),
            context: self.context(config),
            systems: config.systems,
        }
    }
}
