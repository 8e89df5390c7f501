//! What the program proposes.

use chrono::{DateTime, Utc};
use geo_types::LineString;
use serde::{Deserialize, Serialize};

/// What a new line is taken for: an earthwork, or what looks like one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A trench for people: 0.9–2 m wide, winding.
    Trench,
    /// A ditch against vehicles: 3.5–7 m wide, in long straight legs.
    AntiVehicleDitch,
    /// Wheel marks, a path.
    Track,
    /// A road.
    Road,
    /// Rows of a crop, marks of a plough.
    Furrow,
    /// The edge of a field or of what was mown.
    FieldEdge,
    /// The edge of water.
    Shoreline,
    /// The shadow of trees.
    TreeShadow,
    /// A pipeline's trench, a drain.
    PipelineOrDrain,
    /// Another new line.
    Other,
}

impl Class {
    /// What is reported as an earthwork.
    pub const EARTHWORKS: [Self; 2] = [Self::Trench, Self::AntiVehicleDitch];
    /// What only looks like one.
    pub const LOOK_ALIKES: [Self; 8] = [
        Self::Track,
        Self::Road,
        Self::Furrow,
        Self::FieldEdge,
        Self::Shoreline,
        Self::TreeShadow,
        Self::PipelineOrDrain,
        Self::Other,
    ];

    /// Whether it is an earthwork.
    pub fn is_earthwork(self) -> bool {
        Self::EARTHWORKS.contains(&self)
    }

    /// The word in data: `trench`, `anti_vehicle_ditch`, `pipeline_or_drain`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trench => "trench",
            Self::AntiVehicleDitch => "anti_vehicle_ditch",
            Self::Track => "track",
            Self::Road => "road",
            Self::Furrow => "furrow",
            Self::FieldEdge => "field_edge",
            Self::Shoreline => "shoreline",
            Self::TreeShadow => "tree_shadow",
            Self::PipelineOrDrain => "pipeline_or_drain",
            Self::Other => "other",
        }
    }

    /// The words in prose: "trench", "anti-vehicle ditch", "pipeline or drain".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Trench => "trench",
            Self::AntiVehicleDitch => "anti-vehicle ditch",
            Self::Track => "track",
            Self::Road => "road",
            Self::Furrow => "furrow",
            Self::FieldEdge => "field edge",
            Self::Shoreline => "shoreline",
            Self::TreeShadow => "tree shadow",
            Self::PipelineOrDrain => "pipeline or drain",
            Self::Other => "other line",
        }
    }
}

/// What speaks for a line, measured on its strip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Line gain along the line, in multiples of the local clutter: the median.
    pub gain: f64,
    /// How much darker the core is than the ground beside it on the later date, as a share of that ground.
    pub contrast_later: f64,
    /// The same on the earlier date, at the same place.
    pub contrast_earlier: f64,
    /// Share of the line along which the core stands out from its flanks, 0–1.
    pub continuity: f64,
    /// What the network says of the line: mean nearness to a new earthwork, 0–1.
    pub nearness: f64,
    /// Mean nearness to a new pipeline or drain, 0–1: dug as well, and told apart by the whole line.
    pub drain_nearness: f64,
    /// Mean nearness to any new line that is no earthwork, 0–1.
    pub look_alike_nearness: f64,
    /// What that line would be, where the network says so at all.
    pub look_alike: Option<Class>,
    /// Whether shade and light within the cut lie as the sun of the later date casts them: 1 where they do, −1 where they
    /// lie the other way, near 0 where there is nothing to see. `None` where the sun is not known or shines along the line, and
    /// for cuts under 2.5 m, whose sides cannot be told apart.
    pub shadow: Option<f64>,
    /// How much the line changes its direction, degrees each 10 m: a trench winds, a pipeline does not.
    pub turning_deg: f64,
    /// How sure the surest other trench is that the line touches, 0–1; 0 where it touches none. A short line that touches a trench is
    /// its arm.
    pub touches: f64,
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
