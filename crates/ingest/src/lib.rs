//! Dated tiles in: catalogue, metadata, pairing, windowed reading; the only crate that links GDAL.
