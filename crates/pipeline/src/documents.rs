//! What a run writes.

use report::{
    CoverageFeature, FrontLine, MeasuredEarthwork, OutputDir, Summary, coverage_geojson, earthworks_csv,
    earthworks_geojson, report_md,
};

use crate::chips::Drawn;
use crate::record::SkippedRecord;
use crate::{Result, SurveyOptions};

/// Everything that the documents tell.
pub(crate) struct Documents<'a> {
    pub options: &'a SurveyOptions,
    pub front: &'a FrontLine,
    /// Ranked.
    pub found: &'a [MeasuredEarthwork],
    pub coverage: &'a [CoverageFeature],
    pub drawn: &'a Drawn,
    pub skipped: &'a [SkippedRecord],
}

impl Documents<'_> {
    /// Writes all but `run.json`.
    pub(crate) fn write(&self, out: &OutputDir) -> Result<()> {
        let notes = self.notes();
        let summary = Summary {
            title: "New earthworks",
            found: self.found,
            front: self.front,
            coverage: self.coverage,
            chips: &self.drawn.files,
            notes: &notes,
        };
        let texts = [
            ("earthworks.geojson", earthworks_geojson(self.found, self.front)),
            ("coverage.geojson", coverage_geojson(self.coverage)),
            ("earthworks.csv", earthworks_csv(self.found, self.front)),
            ("report.md", report_md(&summary)),
        ];
        for (name, text) in texts {
            out.write_atomic(name, text.as_bytes())?;
        }
        Ok(())
    }

    /// Pictures that were not asked for.
    pub(crate) fn chips_left_out(&self) -> usize {
        let wanted = if self.options.chips.draw { self.options.chips.max } else { 0 };
        self.found.len().saturating_sub(wanted)
    }

    /// What the reader must know beside what was found.
    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> =
            self.skipped.iter().map(|s| format!("Skipped: {}: {}", s.what, s.reason)).collect();
        // A reason that names its file already needs no name before it.
        for (note, s) in notes.iter_mut().zip(self.skipped) {
            if s.reason.starts_with(&s.what) {
                *note = format!("Skipped: {}", s.reason);
            }
        }
        let without = self.chips_left_out();
        if without > 0 && self.options.chips.draw {
            let max = self.options.chips.max;
            notes.push(format!(
                "Pictures were drawn of the {max} lines of the highest confidence; {without} have none; --max-chips sets \
                 how many"
            ));
        }
        notes.extend(self.drawn.failed.iter().map(|(id, reason)| format!("No picture of {id}: {reason}")));
        notes
    }
}
