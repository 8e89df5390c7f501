//! Scenes with known truth: ground, earthworks, light, sensor.
