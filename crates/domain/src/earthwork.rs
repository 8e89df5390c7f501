//! What the program proposes.

use chrono::{DateTime, Utc};
use geo_types::LineString;
use serde::{Deserialize, Serialize};

/// What kind of earthwork a line is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A trench for people: 0.9–2 m wide, winding.
    Trench,
    /// A ditch against vehicles: 3.5–7 m wide, in long straight legs.
    AntiVehicleDitch,
}

impl Class {
    /// The word in data: `trench`, `anti_vehicle_ditch`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trench => "trench",
            Self::AntiVehicleDitch => "anti_vehicle_ditch",
        }
    }

    /// The words in prose: "trench", "anti-vehicle ditch".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Trench => "trench",
            Self::AntiVehicleDitch => "anti-vehicle ditch",
        }
    }
}

/// What speaks for a line, measured on its strip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Line gain along the line, in multiples of the local clutter: the median.
    pub gain: f64,
    /// How much darker the core is than the ground beside it on the later date, as a share of that ground.
    pub contrast_later: f64,
    /// The same on the earlier date, at the same place.
    pub contrast_earlier: f64,
    /// Share of the line along which the core stands out from its flanks, 0–1.
    pub continuity: f64,
}

/// A line that the program proposes as newly dug. A proposal, not a finding: a person decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Earthwork {
    /// Stable: from the pair and the place, never from the order of processing.
    pub id: String,
    /// Proposed class.
    pub class: Class,
    /// 0–1.
    pub confidence: f64,
    /// Centreline, longitude and latitude (WGS84, degrees).
    pub centreline: LineString,
    /// Geodesic length, metres.
    pub length_m: f64,
    /// Width of the cut, metres.
    pub width_m: f64,
    /// Last date on which it was absent.
    pub earlier: DateTime<Utc>,
    /// First date on which it was seen.
    pub later: DateTime<Utc>,
    /// Name of the pair it was found in ([`crate::Pair::id`]).
    pub pair: String,
    /// What speaks for it.
    pub evidence: Evidence,
}
