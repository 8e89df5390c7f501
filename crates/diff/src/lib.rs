//! Two rasters on one grid in, earthworks out: align, line gain, trace, classify.
