//! What may be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

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
  fosse align 2024-08-05.tif 2024-08-12.tif --out aligned/
  fosse evaluate sample/truth.geojson out/earthworks.geojson
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
    Survey(Box<SurveyArgs>),
    /// List the images in a folder and the pairs that would be compared, without computing anything
    Inspect(InspectArgs),
    /// Write what the network is trained on, over a folder of scenes; scripts/train calls it
    #[command(hide = true)]
    Looks(LooksArgs),
    /// Measure a finished run anew, from another front line, without touching the images
    Report(ReportArgs),
    /// Say what is new, gone and longer in the second of two finished runs, and what one of them did not look at
    Compare(CompareArgs),
    /// Lay one image onto another, and say how well it fits where
    Align(AlignArgs),
    /// Write simulated images with known earthworks, to try the program on
    Simulate(SimulateArgs),
    /// Score detections against known truth
    Evaluate(EvaluateArgs),
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
  folder, out, model, threads, window_px, cache_mb, keep_gb, chips, max_chips, formats, crs, pairs,
  [[capture]]   file (an image, or a folder of them), datetime, released, platform, catalogue_id, gsd_m, ce90_m,
                off_nadir_deg, view_azimuth_deg, sun_azimuth_deg, sun_elevation_deg, cloud_percent, licence, crs,
                bands = [\"red\", \"near_infrared\", ...], masks = [{ file, kind = \"cloud\", band, keeps }]
  [front]       file, others, date, source, class, rule, lat_first, border, border_tolerance_m
  [front.classes]    class = [names and fill colours], e.g. assessed = [\"Russian control*\", \"#d32f2f\"]
  [context]     kind = file, e.g. roads = \"roads.gpkg\"
  [gate]        worst, max_convergence_deg, max_sun_azimuth_deg, max_sun_elevation_deg, max_gsd_ratio, max_season_days,
                max_cloud_percent
  [systems]     trench_gap_m, ditch_gap_m, ditch_to_trench_m, line_gap_m
  [align], [proposal], [line_gain], [classify]    as run.json lists them under options.diff; --min-confidence is
                classify.min_confidence, --all-lines classify.all_lines

Images: GeoTIFF, NITF, JPEG 2000, VRT, MBTiles, GeoPackage, Imagine, PNG and JPEG with a world file, with a CRS (their own, of a
.prj, or --crs) and a date: from a STAC item beside them, their order's metadata, their tags or their name (2024-08-12,
20240812, 12AUG2024). Orders of Maxar (ARD; IMD, XML, TIL), Airbus (DIMAP), Planet (SkySat) and Sentinel-2 (SAFE) as delivered.
Tiles of one image count as one. Masks that come with an image (NAME-cloud-mask.gpkg, -cloud-shadow-, -water-, -snow-,
-data-mask, udm2, MASKS/CLD_*.GML) take ground out of the comparison, with their reason. So does open water, where green and near
infrared are named: by the order, by the descriptions of the bands, or by `bands` of a [[capture]].

Front line: lines or polygons of control as GeoJSON, KML, KMZ, GeoPackage, Shapefile or FlatGeobuf in any reference
system, with its date in a property `date`, in the file name, or by --front-date; or a folder of such files, of which
the newest that is not after an image is in force for it (--front-rule).";

/// `fosse survey`.
#[derive(Debug, Default, ClapArgs)]
#[command(after_help = SURVEY_EXAMPLES)]
pub struct SurveyArgs {
    /// Folder of dated images, searched at any depth; or an address: s3://, gs://, az://, https://
    #[arg(required_unless_present_any = ["config", "stac"])]
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
    /// What the images are, and which to compare.
    #[command(flatten)]
    pub images: ImageArgs,

    /// Leave out what is below this confidence, 0 to 1 [default: 0.25]
    #[arg(long, value_name = "P", help_heading = "Results")]
    pub min_confidence: Option<f64>,
    /// List look-alikes too in the data: new tracks, drains, field edges ... where the network looked, by their class
    #[arg(long, help_heading = "Results")]
    pub all_lines: bool,
    /// Judge with this model, a file that scripts/train wrote, instead of the built-in one
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub model: Option<PathBuf>,
    /// Which pairs to refuse.
    #[command(flatten)]
    pub gate: GateArgs,
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
    /// Memory for decoded image tiles, megabytes [default: 64]
    #[arg(long, value_name = "MB", help_heading = "Computing")]
    pub cache_mb: Option<usize>,
    /// Show no progress
    #[arg(short, long, help_heading = "Computing")]
    pub quiet: bool,
}

/// Pairs that are refused by their metadata.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct GateArgs {
    /// Refuse pairs that are worse by their metadata (`fosse inspect` says why)
    #[arg(long, value_enum, value_name = "VERDICT", help_heading = "Pairs")]
    pub worst_pair: Option<WorstPair>,
    /// Refuse pairs whose lines of sight differ by more, degrees
    #[arg(long, value_name = "DEG", help_heading = "Pairs")]
    pub max_convergence: Option<f64>,
    /// Refuse pairs whose suns differ by more in azimuth, degrees
    #[arg(long, value_name = "DEG", help_heading = "Pairs")]
    pub max_sun_azimuth: Option<f64>,
    /// Refuse pairs whose suns differ by more in height, degrees
    #[arg(long, value_name = "DEG", help_heading = "Pairs")]
    pub max_sun_elevation: Option<f64>,
    /// Refuse pairs whose true pixels differ by a larger factor
    #[arg(long, value_name = "RATIO", help_heading = "Pairs")]
    pub max_gsd_ratio: Option<f64>,
    /// Refuse pairs with more days of season between them
    #[arg(long, value_name = "DAYS", help_heading = "Pairs")]
    pub max_season: Option<f64>,
    /// Refuse pairs of which an image has more cloud, per cent
    #[arg(long, value_name = "PERCENT", help_heading = "Pairs")]
    pub max_cloud: Option<f64>,
}

/// The worst pair that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorstPair {
    /// Nothing stands against it
    Good,
    /// What is common
    Fair,
}

/// `fosse looks`.
#[derive(Debug, ClapArgs)]
pub struct LooksArgs {
    /// Folder of scenes, as `fosse simulate --suite` writes them
    pub folder: PathBuf,
    /// Folder for looks.json and one file for each pair; must be empty or missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Computing threads; 0 takes one for each processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  fosse inspect imagery/
  fosse inspect imagery/ --format html > imagery.html
  fosse inspect imagery/ --pairs first --crs EPSG:32636
  fosse inspect --config survey.toml --format json
  fosse inspect s3://bucket/order/
  fosse inspect https://example.org/event/catalog.json
  fosse inspect --stac https://example.org/stac --bbox 35.1,51.6,35.3,51.8 --datetime 2024-06-01/2024-08-31

At an address, metadata are fetched and of images their headers; survey fetches the images of the next pairs while it
compares. Credentials are those of the environment (AWS_*, GOOGLE_*, AZURE_*): docs/remote.md.

Of each fact the most credible source counts: a [[capture]] of the config file, the image's STAC item, the order's IMD, XML,
DIMAP or Planet metadata, the image's tags, its file name; of a file name and the TIFF tag DateTime, which may tell when the
file was written, the earlier day. Sources that disagree are listed as warnings, with both values.
A sun that no source tells is computed from time and place, and marked *.";

/// How `inspect` shows what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum InspectFormat {
    /// For a person
    #[default]
    Table,
    /// For a program
    Json,
    /// Footprints for a GIS
    Geojson,
    /// A page with the footprints drawn
    Html,
}

/// What a person says of the images.
#[derive(Clone, Debug, Default, ClapArgs)]
pub struct ImageArgs {
    /// Reference system of images that have none: EPSG:32636, WKT or a PROJ string
    #[arg(long, value_name = "CRS", help_heading = "Images")]
    pub crs: Option<String>,
    /// Which images to compare: consecutive (and over an image that hides ground, those around it), steps (consecutive alone:
    /// less time under clouds), first (each with the first), all, or a FILE with two ids or paths a line
    /// [default: consecutive]
    #[arg(long, value_name = "RULE", help_heading = "Images")]
    pub pairs: Option<String>,
    /// Read every image's header anew instead of what is remembered of unchanged files
    #[arg(long, help_heading = "Images")]
    pub no_cache: bool,
    /// Ask the STAC API at this address for the images, in the place of a folder
    #[arg(long, value_name = "URL", help_heading = "Images", requires = "bbox", conflicts_with = "folder")]
    pub stac: Option<String>,
    /// Where: west,south,east,north in degrees
    #[arg(
        long,
        value_name = "W,S,E,N",
        help_heading = "Images",
        requires = "stac",
        allow_hyphen_values = true
    )]
    pub bbox: Option<String>,
    /// When: 2024-08-01/2024-08-31; .. is open
    #[arg(long, value_name = "A/B", help_heading = "Images", requires = "stac")]
    pub datetime: Option<String>,
    /// Of which collections of the API [default: all]
    #[arg(long, value_name = "NAMES", help_heading = "Images", requires = "stac", value_delimiter = ',')]
    pub collections: Vec<String>,
    /// Gigabytes of images at addresses to keep in the cache folder [default: 40]
    #[arg(long, value_name = "GB", help_heading = "Images")]
    pub keep_gb: Option<u64>,
}

/// `fosse inspect`.
#[derive(Debug, ClapArgs)]
#[command(after_help = INSPECT_EXAMPLES)]
pub struct InspectArgs {
    /// Folder of dated images, searched at any depth; or an address: s3://, gs://, az://, https://
    #[arg(required_unless_present_any = ["config", "stac"])]
    pub folder: Option<PathBuf>,
    /// Options in a TOML file, as for survey; what is typed here overrides it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the images are, and which to compare.
    #[command(flatten)]
    pub images: ImageArgs,
    /// How to show it
    #[arg(long, value_enum, default_value_t)]
    pub format: InspectFormat,
    /// JSON instead of a table
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

const ALIGN_EXAMPLES: &str = "\
Examples:
  fosse align 2024-08-05.tif 2024-08-12.tif --out aligned/
  fosse align a.tif b.tif --out fit/ --no-image --json
  fosse align a.tif b.tif --out aligned/ --max-shift 60

Writes into DIR:
  aligned.tif     the later image, all bands, resampled once onto the grid of the earlier: a cloud-optimised GeoTIFF
  ties.gpkg       layers `ties` and `cells`; the same as ties.geojson and cells.geojson
  quiver.png      the ties as arrows on the earlier image: green fits, red is off by a pixel or more, rings are held out
  align.json      what is told on standard output

A tie is a window of 128 or 256 px whose content was found in the later image: displacement, its own error (sigma_px) and its
distance from what the field says without it (residual_px). A fifth of the ties (role held_out) has no part in the fit; what
they are off by is the error that is told. Every cell of 128 px has a verdict: aligned, misaligned, or no_ties.

Two images that cannot be laid onto each other (other ground, mirrored or turned, too far apart, all cloud) give an error,
exit code 2, and no files.";

/// `fosse align`.
#[derive(Debug, ClapArgs)]
#[command(after_help = ALIGN_EXAMPLES)]
pub struct AlignArgs {
    /// The image that stays, a GeoTIFF with a CRS
    pub earlier: PathBuf,
    /// The image that is laid onto it
    pub later: PathBuf,
    /// Folder for the results; made if missing
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Largest shift that is looked for, 1 to 100 metres
    #[arg(long, value_name = "M", default_value_t = 30.0)]
    pub max_shift: f64,
    /// Largest residual at which a cell is called aligned, 0.1 to 5 pixels
    #[arg(long, value_name = "PX", default_value_t = 0.5)]
    pub max_residual: f64,
    /// Write what is known of the fit, and not the aligned image
    #[arg(long)]
    pub no_image: bool,
    /// Replace what an earlier alignment wrote there
    #[arg(long)]
    pub overwrite: bool,
    /// JSON instead of text
    #[arg(long)]
    pub json: bool,
    /// Computing threads; 0 takes one for each processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Memory for decoded image tiles, megabytes
    #[arg(long, value_name = "MB", default_value_t = 64)]
    pub cache_mb: usize,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  fosse simulate --out sample/
  fosse simulate --out big/ --size 8192 --dates 3 --seed 7
  fosse simulate --out small/ --size 1024 --jpeg 85
  fosse simulate --out mine/ --background 2024-06-01.tif --background 2024-08-20.tif
  fosse simulate --suite train/ --split train --backgrounds my-images/

Without --background or --suite it writes an order in the shape of Maxar's ARD
(36/102220011331/{date}/{id}-visual.tif with its STAC item), truth.geojson, distractors.geojson, and front.geojson,
17 km to the south. Nothing in it is a photograph.

With --background the ground is yours: only earthworks, look-alikes, light and sensor are drawn, on the image's own
grid, away from water and closed tree cover, into {date}.tif.

With --suite it writes the standard scenes, each into a folder of its own.";

/// A split of the standard suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SuiteSplit {
    /// To train on
    Train,
    /// To choose thresholds by
    Validation,
    /// To judge by
    Test,
}

/// `fosse simulate`.
#[derive(Debug, ClapArgs)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub struct SimulateArgs {
    /// Folder for the images; must be empty or missing
    #[arg(short, long, value_name = "DIR", required_unless_present = "suite", conflicts_with = "suite")]
    pub out: Option<PathBuf>,
    /// A real image to dig in, a GeoTIFF; twice for an earlier and a later date
    #[arg(long, value_name = "FILE", conflicts_with_all = ["suite", "size", "dates", "varied"])]
    pub background: Vec<PathBuf>,
    /// Write the standard suite into this folder, which must be empty or missing
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seed", "size", "dates", "varied", "no_works"])]
    pub suite: Option<PathBuf>,
    /// Only this part of the suite
    #[arg(long, requires = "suite")]
    pub split: Option<SuiteSplit>,
    /// As many scenes of the suite again on parts of the images in this folder, of different dates
    #[arg(long, value_name = "FOLDER", requires = "suite")]
    pub backgrounds: Option<PathBuf>,
    /// Everything random follows from it
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Side of the images, pixels; on more than half a square kilometre, works grow in number with the area
    #[arg(long, value_name = "PX")]
    pub size: Option<usize>,
    /// Number of dates
    #[arg(long, value_name = "N")]
    pub dates: Option<usize>,
    /// Size of a pixel, metres; real images are taken to have such pixels, and to lie near Lgov
    #[arg(long, value_name = "M")]
    pub gsd: Option<f64>,
    /// With --background, share of the trenches with bright, fresh spoil, 0 to 1; 0 is as faint as real ones
    #[arg(long, value_name = "SHARE", requires = "background", default_value_t = 0.0)]
    pub fresh: f64,
    /// Share of the works, 0 to 1, that lie in a band of turned soil of its own colour, from chernozem to chalk
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub turned: f64,
    /// Share of the trenches, 0 to 1, that run straight; of real ones 0.03 do
    #[arg(long, value_name = "SHARE", conflicts_with = "suite", default_value_t = 0.0)]
    pub straight: f64,
    /// Dig nothing: every line found is a false alarm
    #[arg(long)]
    pub no_works: bool,
    /// Draw season, interval and number of works from the seed as well
    #[arg(long)]
    pub varied: bool,
    /// Bits of a grey level, 8 or 11; real images keep theirs
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(8..=11), conflicts_with_all = ["background", "jpeg"])]
    pub bits: u32,
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

const EVALUATE_EXAMPLES: &str = "\
Examples:
  What a survey found in a simulated order:
    fosse evaluate sample/truth.geojson out/earthworks.geojson --plots plots/

  Only what is surer than 0.7, for a program to read:
    fosse evaluate sample/truth.geojson out/earthworks.geojson --min-confidence 0.7 --json

  The detector on every scene of a folder, as one table:
    fosse evaluate --suite scenes/ --out scores/

Truth: GeoJSON lines in longitude and latitude with `class` (trench, anti_vehicle_ditch; what runs along `ignore` counts
neither way, what runs along `distractor` is a false alarm), `width_m`, perhaps `contrast`; `area_km2` beside `features`.
Detections: GeoJSON lines with `class`, `confidence` and `width_m`, as `fosse survey` writes them.
Scene: a folder with truth.geojson and images of two dates or more below it, as `fosse simulate` writes them. A scene
that fails is listed with the reason, and the exit code is 3.

Completeness and correctness are shares of length within a buffer (Wiedemann et al. 1998). Plots are SVG: froc.svg,
reliability.svg. A suite's output folder gets suite.md, suite.json and scenes/NAME.geojson.";

/// `fosse evaluate`.
#[derive(Debug, Default, ClapArgs)]
#[command(after_help = EVALUATE_EXAMPLES)]
pub struct EvaluateArgs {
    /// Lines that are there, GeoJSON
    #[arg(required_unless_present = "suite", conflicts_with = "suite")]
    pub truth: Option<PathBuf>,
    /// Lines that are proposed, GeoJSON
    #[arg(required_unless_present = "suite", conflicts_with = "suite")]
    pub detections: Option<PathBuf>,
    /// Count what is of at least this confidence, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    pub min_confidence: f64,
    /// Distance within which two lines count as one, metres
    #[arg(long, value_name = "M", default_value_t = 3.0)]
    pub buffer: f64,
    /// JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Draw false alarms over completeness and confidence over truth into this folder
    #[arg(long, value_name = "DIR")]
    pub plots: Option<PathBuf>,

    /// Detect and score in every scene of this folder
    #[arg(long, value_name = "DIR", help_heading = "Suite")]
    pub suite: Option<PathBuf>,
    /// Folder for the table and the detections; made if missing
    #[arg(short, long, value_name = "DIR", help_heading = "Suite", requires = "suite")]
    pub out: Option<PathBuf>,
    /// Replace what an earlier run wrote there
    #[arg(long, help_heading = "Suite", requires = "out")]
    pub overwrite: bool,
    /// Have the detector report lines from this confidence on, 0 to 1; the curves begin there [default: 0.25]
    #[arg(long, value_name = "P", help_heading = "Suite", requires = "suite")]
    pub floor: Option<f64>,
    /// Judge with this model instead of the built-in one
    #[arg(long, value_name = "FILE", requires = "suite", help_heading = "Suite")]
    pub model: Option<PathBuf>,
    /// Computing threads; 0 takes one for each processor
    #[arg(long, value_name = "N", help_heading = "Suite", default_value_t = 0)]
    pub threads: usize,
    /// Show no progress
    #[arg(short, long, help_heading = "Suite")]
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
