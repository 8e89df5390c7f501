//! What may be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::front_args::FrontArgs;
use crate::report::{CompareArgs, ReportArgs};

/// Finds new trenches and anti-vehicle ditches between two dated satellite images, and says how far each lies
/// from the front line of that day.
#[derive(Debug, Parser)]
#[command(name = "fosse", version, about, after_help = EXAMPLES, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  fosse inspect imagery/
  fosse survey imagery/ --front front/2024-08-14.geojson --out out/
  fosse simulate --out sample/ && fosse survey sample/ --front sample/front.geojson --out out/

Exit codes:
  0    done
  1    a fault of the program
  2    nothing done: the message says what to change
  3    done, but some images were skipped: run.json lists them
  130  interrupted: run again with --resume";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare all images in a folder and report new earthworks
    Survey(SurveyArgs),
    /// List the images in a folder and the pairs that would be compared, without computing anything
    Inspect(InspectArgs),
    /// Measure a finished run anew, from another front line, without touching the images
    Report(ReportArgs),
    /// Say what is new, gone and longer in the second of two finished runs
    Compare(CompareArgs),
    /// Write simulated images with known earthworks, to try the program on
    Simulate(SimulateArgs),
}

const SURVEY_EXAMPLES: &str = "\
Examples:
  Everything in imagery/, measured from the line of 14 August:
    fosse survey imagery/ --front front/2024-08-14.geojson --out out/

  Only the assessed line of a file that holds several, and not where it runs along the state border:
    fosse survey imagery/ --front control.geojson --front-class assessed --border border.geojson --out out/

  Go on after Ctrl-C or a power cut:
    fosse survey imagery/ --front front.geojson --out out/ --resume

  With the options in a file:
    fosse survey --config survey.toml

Config file: what is typed overrides the file, and the file overrides the defaults. Paths in it are relative to it. Keys:
  folder, out, threads, window_px, cache_mb, chips, max_chips, formats,
  [front]       file, others, date, source, class, rule, lat_first, border, border_tolerance_m
  [front.classes]    class = [names and fill colours], e.g. assessed = [\"Russian control*\", \"#d32f2f\"]
  [context]     kind = file, e.g. roads = \"roads.gpkg\"
  [systems]     trench_gap_m, ditch_gap_m, ditch_to_trench_m, line_gap_m
  [align], [line_gain], [trace], [classify]    as run.json lists them under options.diff; --min-confidence is
                classify.min_confidence

Images: GeoTIFFs with a CRS and a date, from a STAC item beside them, from their tags or from their name
(2024-08-12, 20240812, 12AUG2024), or an order of Maxar ARD tiles as it was delivered.

Front line: lines or polygons of control as GeoJSON, KML, KMZ, GeoPackage, Shapefile or FlatGeobuf in any reference
system, with its date in a property `date`, in the file name, or by --front-date; or a folder of such files, of which
the newest that is not after an image is in force for it (--front-rule).";

/// `fosse survey`.
#[derive(Debug, Default, ClapArgs)]
#[command(after_help = SURVEY_EXAMPLES)]
pub struct SurveyArgs {
    /// Folder of dated images, searched at any depth
    #[arg(required_unless_present = "config")]
    pub folder: Option<PathBuf>,
    /// Front line to measure from: a file, or a folder of dated files; more than one give the spread
    #[arg(long, value_name = "FILE", required_unless_present = "config")]
    pub front: Vec<PathBuf>,
    /// Folder for the results; made if missing
    #[arg(short, long, value_name = "DIR", required_unless_present = "config")]
    pub out: Option<PathBuf>,
    /// Options in a TOML file; what is typed here overrides it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// How to read it, and what to write.
    #[command(flatten)]
    pub how: FrontArgs,

    /// Leave out what is below this confidence, 0 to 1 [default: 0.25]
    #[arg(long, value_name = "P", help_heading = "Results")]
    pub min_confidence: Option<f64>,
    /// Draw no pictures
    #[arg(long, help_heading = "Results")]
    pub no_chips: bool,
    /// Draw at most this many pictures, the highest confidence first [default: 500]
    #[arg(long, value_name = "N", help_heading = "Results")]
    pub max_chips: Option<usize>,
    /// Replace what an earlier run wrote to the output folder
    #[arg(long, help_heading = "Results", conflicts_with = "resume")]
    pub overwrite: bool,
    /// Go on with an interrupted run; pairs whose images or options changed are computed again
    #[arg(long, help_heading = "Results")]
    pub resume: bool,

    /// Computing threads; 0 takes one for each processor [default: 0]
    #[arg(long, value_name = "N", help_heading = "Computing")]
    pub threads: Option<usize>,
    /// Side of the windows that are worked on at a time, 128 to 8192 pixels: more memory for a little speed, the
    /// same result [default: 1536]
    #[arg(long, value_name = "PX", help_heading = "Computing")]
    pub window: Option<usize>,
    /// Memory for decoded image tiles, megabytes [default: 192]
    #[arg(long, value_name = "MB", help_heading = "Computing")]
    pub cache_mb: Option<usize>,
    /// Show no progress
    #[arg(short, long, help_heading = "Computing")]
    pub quiet: bool,
}

/// `fosse inspect`.
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// Folder of dated images, searched at any depth
    pub folder: PathBuf,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  fosse simulate --out sample/
  fosse simulate --out big/ --size 8192 --dates 3 --seed 7
  fosse simulate --out small/ --size 1024 --jpeg 85

Writes an order in the shape of Maxar's ARD (36/102220011331/{date}/{id}-visual.tif with its STAC item), truth.geojson,
and front.geojson, 17 km to the south. Nothing in it is a photograph.";

/// `fosse simulate`.
#[derive(Debug, ClapArgs)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub struct SimulateArgs {
    /// Folder for the images; must be empty or missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Everything random follows from it
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Side of the images, pixels
    #[arg(long, value_name = "PX")]
    pub size: Option<usize>,
    /// Number of dates
    #[arg(long, value_name = "N")]
    pub dates: Option<usize>,
    /// Size of a pixel, metres
    #[arg(long, value_name = "M")]
    pub gsd: Option<f64>,
    /// Dig nothing: every line found is a false alarm
    #[arg(long)]
    pub no_works: bool,
    /// Draw season, interval and number of works from the seed as well
    #[arg(long)]
    pub varied: bool,
    /// Compress as JPEG of this quality, 1 to 100, instead of without loss
    #[arg(long, value_name = "QUALITY", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub jpeg: Option<u8>,
    /// Computing threads; 0 takes one for each processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn resume_and_overwrite_exclude_each_other() {
        let line = "fosse survey a --front b --out c --resume --overwrite";
        assert!(Args::try_parse_from(line.split(' ')).is_err());
        assert!(Args::try_parse_from("fosse survey --config a.toml".split(' ')).is_ok());
    }
}
