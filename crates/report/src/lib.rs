//! Earthworks and a dated front line in, measurements and documents out.
