//! Memory that is used again from window to window.
//!
//! The planes of a window are so large that an allocator gives them back to the system, which clears every page before it
//! lends it anew: a twentieth of a whole run.

use ndarray::Array2;

/// Planes that nobody uses now.
#[derive(Debug, Default)]
pub struct Buffers {
    idle: Vec<Vec<f32>>,
}

impl Buffers {
    /// So many numbers, whatever they are.
    pub(crate) fn take(&mut self, len: usize) -> Vec<f32> {
        let mut plane = self.idle.pop().unwrap_or_default();
        plane.resize(len, 0.0);
        plane
    }

    /// A plane of this shape; its numbers are whatever they are.
    pub(crate) fn plane(&mut self, shape: (usize, usize)) -> Array2<f32> {
        // The length fits by construction.
        Array2::from_shape_vec(shape, self.take(shape.0 * shape.1)).unwrap_or_default()
    }

    /// Takes a plane back.
    pub(crate) fn give(&mut self, plane: Array2<f32>) {
        self.idle.push(plane.into_raw_vec_and_offset().0);
    }

    /// The same of numbers.
    pub(crate) fn give_numbers(&mut self, numbers: Vec<f32>) {
        self.idle.push(numbers);
    }
}
