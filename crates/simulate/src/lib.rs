//! Scenes with known truth: ground, earthworks, light, sensor.
//!
//! A [`Scene`] is a piece of farmland near Lgov on two or more dates, drawn from a seed. It renders any window
//! of any date on demand, and the same seed gives the same bytes, however the scene is cut and on however many
//! threads: everything random is either drawn once when the scene is made or hashed from the place itself.
//!
//! Pure: pixels and text come back, the caller writes them. Nothing here is a photograph, and the STAC items
//! say so.
//!
//! | file | idea |
//! | --- | --- |
//! | `options` | what may be asked for |
//! | `scene` | the API: dates, windows, truth; below it `layout`: what is laid out on the ground |
//! | `noise` | random numbers that depend on the place alone |
//! | `place` | metres in the scene; polylines |
//! | `light` | sun, Lambert, cast shadow across a profile |
//! | `partition`, `crop`, `ground` | fields, what grows on them, how the bare ground looks |
//! | `trees`, `copse` | belts, crowns, shadows; copses, hedges, what grows along streams |
//! | `spots`, `village` | ponds, craters, clouds; houses and their plots |
//! | `linework`, `cutting` | roads, streams, field tracks, wheel tracks; drains, cables, pipelines |
//! | `centreline`, `earthwork` | where trenches and ditches run; what they look like across |
//! | `index` | which lines are near a place |
//! | `layer`, `siting` | all lines together; where works find room |
//! | `contrast` | how dark a work is to be, and is |
//! | `lookalike` | new lines that are no earthworks |
//! | [`background`] | works, light and sensor on real images |
//! | `sensor` | haze, blur, noise, eight bits |
//! | [`suite`] | the standard scenes to train and judge on |
//! | `truth`, [`ard`] | truth as GeoJSON; names and STAC items after Maxar's ARD |

pub mod ard;
pub mod background;
mod centreline;
mod contrast;
mod copse;
mod crop;
mod cutting;
mod earthwork;
mod error;
mod ground;
mod index;
mod layer;
mod light;
mod linework;
mod lookalike;
mod network;
mod noise;
mod options;
mod partition;
mod place;
mod scene;
mod sensor;
mod siting;
mod spots;
pub mod suite;
mod trees;
mod truth;
mod village;

pub use error::{Error, Result};
pub use ground::Soil;
pub use options::Options;
pub use scene::{Scene, SceneDate};
pub use truth::{Style, TruthClass, TruthLine, distractors_geojson, truth_geojson};
