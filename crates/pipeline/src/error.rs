//! What ends a run without a result, one variant for each cause that a caller can act on.

use std::fmt;
use std::path::PathBuf;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Files that could not be used, as part of a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skips(pub Vec<ingest::Skipped>);

impl fmt::Display for Skips {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else { return Ok(()) };
        write!(f, "; skipped {}: {}", first.path.display(), first.reason)?;
        match self.0.len() - 1 {
            0 => Ok(()),
            more => write!(f, "; and {more} more, which `fosse inspect` lists"),
        }
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder of images cannot be read.
    #[error(transparent)]
    Images(#[from] ingest::Error),
    /// The folder holds no image that can be used.
    #[error(
        "no usable image in {}: it needs GeoTIFFs (.tif) or other georeferenced images of at least two dates{skipped}",
        folder.display()
    )]
    NoImages {
        /// The folder.
        folder: PathBuf,
        /// What was there instead.
        skipped: Skips,
    },
    /// There is nothing to compare the only image with.
    #[error(
        "only one usable image in {}, {} of {date}: add one of the same place and another date{skipped}",
        folder.display(), image.display()
    )]
    OneImage {
        /// The folder.
        folder: PathBuf,
        /// The image.
        image: PathBuf,
        /// Its date.
        date: String,
        /// What else was there.
        skipped: Skips,
    },
    /// All images were taken on one date.
    #[error(
        "all {images} usable images in {} are of one date, {date}: add images of the same place and another date{skipped}",
        folder.display()
    )]
    OneDate {
        /// The folder.
        folder: PathBuf,
        /// How many images.
        images: usize,
        /// Their date.
        date: String,
        /// What else was there.
        skipped: Skips,
    },
    /// No two images of different dates show the same ground.
    #[error(
        "no two of the {images} usable images in {} overlap: {} and {} lie apart; add images of the same place and \
         another date{skipped}",
        folder.display(), earlier.display(), later.display()
    )]
    NoOverlap {
        /// The folder.
        folder: PathBuf,
        /// How many images.
        images: usize,
        /// The first image by date.
        earlier: PathBuf,
        /// The last image by date.
        later: PathBuf,
        /// What else was there.
        skipped: Skips,
    },
    /// A folder of fronts without one.
    #[error(
        "{} holds no front line: it needs dated files of lines or areas (GeoJSON, KML, KMZ, GeoPackage, Shapefile, \
         FlatGeobuf)",
        path.display()
    )]
    NoFront {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that a run did not write, or not to its end.
    #[error("{} holds no finished run: {what}", run.display())]
    NotARun {
        /// The folder.
        run: PathBuf,
        /// What is missing or wrong.
        what: String,
    },
    /// Two images that are to be laid onto each other share no ground.
    #[error(
        "{} and {} share no ground, as far as their georeferencing tells: give two images of one place",
        earlier.display(), later.display()
    )]
    Apart {
        /// The image that stays.
        earlier: PathBuf,
        /// The other.
        later: PathBuf,
    },
    /// Two images that cannot be laid onto each other.
    #[error("{} and {}: {said}", earlier.display(), later.display())]
    NoConsensus {
        /// The image that stays.
        earlier: PathBuf,
        /// The other.
        later: PathBuf,
        /// Cause and remedy.
        said: String,
    },
    /// The front line cannot be used, or the output folder cannot be written.
    #[error(transparent)]
    Report(#[from] report::Error),
    /// An option of the comparison outside its range.
    #[error(transparent)]
    Compare(#[from] diff::OptionError),
    /// Another option outside its range.
    #[error("option `{name}` is {value}, expected {expected}")]
    Option {
        /// Name of the option, as in the config file.
        name: &'static str,
        /// The value given.
        value: f64,
        /// The range allowed.
        expected: &'static str,
    },
    /// The output folder holds a run that was interrupted.
    #[error(
        "{} holds a run that was interrupted; go on with it by --resume, or start anew by --overwrite",
        out.display()
    )]
    Unfinished {
        /// The output folder.
        out: PathBuf,
    },
    /// The output folder holds a run that was finished.
    #[error(
        "{} holds a finished run, so there is nothing to resume; choose another folder, or replace it by --overwrite",
        out.display()
    )]
    NothingToResume {
        /// The output folder.
        out: PathBuf,
    },
    /// No pair could be compared.
    #[error("nothing could be compared: {first}{}", others(*more))]
    AllFailed {
        /// Which failed first and why.
        first: String,
        /// How many others failed.
        more: usize,
    },
    /// A result could not be written; what was computed is kept.
    #[error(
        "the results could not be written to {} ({done} of {total} pairs are kept there: mend the cause, then run \
         again with --resume)",
        out.display()
    )]
    Unwritten {
        /// The output folder.
        out: PathBuf,
        /// Pairs whose results are kept.
        done: usize,
        /// Pairs in all.
        total: usize,
        /// What went wrong.
        #[source]
        source: report::Error,
    },
    /// [`crate::Stop`] said so.
    #[error("interrupted: {done} of {total} pairs done; run again with --resume")]
    Interrupted {
        /// Pairs whose results are kept.
        done: usize,
        /// Pairs in all.
        total: usize,
    },
    /// [`crate::Stop`] said so, and nothing was kept.
    #[error("interrupted: {done} of {total} pairs done; nothing was written")]
    Stopped {
        /// Pairs compared.
        done: usize,
        /// Pairs in all.
        total: usize,
    },
    /// [`crate::Stop`] said so, and what is there is of no use.
    #[error("interrupted; what is in {} is incomplete: remove it before the next try", out.display())]
    Abandoned {
        /// The output folder.
        out: PathBuf,
    },
    /// A scene that cannot be simulated.
    #[error(transparent)]
    Simulate(#[from] simulate::Error),
    /// An image, or a folder of them, that cannot be the ground of simulated works.
    #[error("{} cannot be a background: {reason}", path.display())]
    Background {
        /// The image or folder.
        path: PathBuf,
        /// Cause and remedy.
        reason: String,
    },
    /// A file of truth or detections cannot be read.
    #[error("cannot read {}; give {what} as GeoJSON", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file of truth or detections is not what it should be.
    #[error("{} cannot be used as {what}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: evaluate::Error,
    },
    /// A folder of scenes without scenes.
    #[error(
        "no scene in {}: each needs a folder of its own with truth.geojson and images of two dates or more below it{}",
        folder.display(),
        without(*folders)
    )]
    NoScenes {
        /// The folder.
        folder: PathBuf,
        /// Folders in it, none of which has a `truth.geojson`.
        folders: usize,
    },
    /// None of the scenes could be scored.
    #[error("no scene could be scored; {first}{}", other_scenes(*more))]
    AllScenesFailed {
        /// Which failed first and why.
        first: String,
        /// How many others failed.
        more: usize,
    },
    /// Truth and detections cannot be scored.
    #[error(transparent)]
    Evaluate(#[from] evaluate::Error),
    /// The file of a judge cannot be read.
    #[error("cannot read the model {}; scripts/train writes one, and without --model the built-in one judges", path.display())]
    ModelUnreadable {
        /// Its file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A judge that cannot be used.
    #[error("{} cannot be used", path.as_ref().map_or_else(|| "the built-in model".to_owned(), |p| format!("the model {}", p.display())))]
    Model {
        /// Its file; `None` for the built-in one.
        path: Option<PathBuf>,
        /// Why, and what to do.
        #[source]
        source: diff::net::ModelError,
    },
    /// The threads that compute cannot be started.
    #[error("the computing threads cannot be started")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A thread that computed died.
    #[error("a computing thread stopped unexpectedly")]
    Worker(#[from] tokio::task::JoinError),
    /// A result cannot be put into JSON.
    #[error("a result cannot be put into JSON")]
    Json(#[from] serde_json::Error),
}

/// `; none of its 3 folders has a truth.geojson`.
fn without(folders: usize) -> String {
    match folders {
        0 => String::new(),
        1 => "; its only folder has no truth.geojson".to_owned(),
        n => format!("; none of its {n} folders has a truth.geojson"),
    }
}

/// `; and 2 more scenes`.
fn other_scenes(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => "; and one more scene failed".to_owned(),
        more => format!("; and {more} more scenes failed"),
    }
}

/// `; and 2 more pairs`.
fn others(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => "; and one more pair".to_owned(),
        more => format!("; and {more} more pairs"),
    }
}

/// The message of an error and of its causes on one line, joined by colons.
///
/// A cause that the message above it already ends with is not repeated.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !line.ends_with(&said) {
            line.push_str(": ");
            line.push_str(&said);
        }
        cause = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_name_the_first_and_count_the_rest() {
        let skip = |name: &str| ingest::Skipped { path: name.into(), reason: "it is empty".to_owned() };
        assert_eq!(Skips::default().to_string(), "");
        assert_eq!(Skips(vec![skip("a.tif")]).to_string(), "; skipped a.tif: it is empty");
        assert!(Skips(vec![skip("a.tif"), skip("b.tif")]).to_string().contains("and 1 more"));
    }

    #[test]
    fn a_chain_is_one_line() {
        let io = std::io::Error::other("no\n space");
        let report = report::Error::Read { path: "front.geojson".into(), source: io };
        assert_eq!(chain(&Error::from(report)), "cannot read front.geojson: no space");
    }
}
