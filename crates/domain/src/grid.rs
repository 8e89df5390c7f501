//! Shape, affine and CRS, always together.

use geo_types::Coord;
use serde::{Deserialize, Serialize};

/// A position in an image: row down, column right, in pixels. The centre of the first pixel is `(0.5, 0.5)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pixel {
    /// Rows down from the top edge.
    pub row: f64,
    /// Columns right from the left edge.
    pub col: f64,
}

/// A coordinate reference system, as WKT, with its EPSG code where it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crs {
    /// Well-known text.
    pub wkt: String,
    /// EPSG code, where the authority names one.
    pub epsg: Option<u32>,
}

/// `x = x0 + col·x_per_col + row·x_per_row`, `y = y0 + col·y_per_col + row·y_per_row`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// x of the outer corner of the first pixel.
    pub x0: f64,
    /// Change of x for one column.
    pub x_per_col: f64,
    /// Change of x for one row.
    pub x_per_row: f64,
    /// y of the outer corner of the first pixel.
    pub y0: f64,
    /// Change of y for one column.
    pub y_per_col: f64,
    /// Change of y for one row.
    pub y_per_row: f64,
}

impl Affine {
    /// A north-up affine: the outer corner of the first pixel and the pixel size.
    pub fn north_up(x0: f64, y0: f64, size: f64) -> Self {
        Self { x0, x_per_col: size, x_per_row: 0.0, y0, y_per_col: 0.0, y_per_row: -size }
    }

    /// The affine of GDAL's six numbers.
    pub fn from_gdal(t: [f64; 6]) -> Self {
        Self { x0: t[0], x_per_col: t[1], x_per_row: t[2], y0: t[3], y_per_col: t[4], y_per_row: t[5] }
    }

    /// GDAL's six numbers.
    pub fn to_gdal(&self) -> [f64; 6] {
        [self.x0, self.x_per_col, self.x_per_row, self.y0, self.y_per_col, self.y_per_row]
    }

    /// Ground position of a pixel position.
    pub fn ground(&self, p: Pixel) -> Coord {
        Coord {
            x: self.x0 + p.col * self.x_per_col + p.row * self.x_per_row,
            y: self.y0 + p.col * self.y_per_col + p.row * self.y_per_row,
        }
    }

    /// Determinant: ground area of a pixel, negative for north-up images.
    pub fn determinant(&self) -> f64 {
        self.x_per_col * self.y_per_row - self.x_per_row * self.y_per_col
    }

    /// Pixel position of a ground position.
    ///
    /// The determinant must not be 0; [`Grid::new`] refuses such an affine.
    pub fn pixel(&self, g: Coord) -> Pixel {
        let (dx, dy, det) = (g.x - self.x0, g.y - self.y0, self.determinant());
        Pixel {
            row: (self.x_per_col * dy - self.y_per_col * dx) / det,
            col: (self.y_per_row * dx - self.x_per_row * dy) / det,
        }
    }
}

/// Why a grid cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridError {
    /// The affine maps every pixel to one line or point, or holds a number that is not finite.
    #[error("the geotransform {0:?} cannot be inverted")]
    Singular([f64; 6]),
    /// No pixels.
    #[error("the image is {rows} x {cols} px")]
    Empty {
        /// Rows of the image.
        rows: usize,
        /// Columns of the image.
        cols: usize,
    },
}

/// Where the pixels of an image lie: shape, affine and CRS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Pixel to ground.
    pub affine: Affine,
    /// What the ground coordinates mean.
    pub crs: Crs,
}

impl Grid {
    /// A grid, checked.
    ///
    /// # Errors
    /// [`GridError`] where the affine cannot be inverted or there are no pixels.
    pub fn new(rows: usize, cols: usize, affine: Affine, crs: Crs) -> Result<Self, GridError> {
        let det = affine.determinant();
        if !affine.to_gdal().iter().all(|v| v.is_finite()) || det == 0.0 || !det.is_finite() {
            return Err(GridError::Singular(affine.to_gdal()));
        }
        if rows == 0 || cols == 0 {
            return Err(GridError::Empty { rows, cols });
        }
        Ok(Self { rows, cols, affine, crs })
    }

    /// `(rows, cols)`.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// Side of a pixel in units of the CRS: the square root of its area.
    pub fn pixel_size(&self) -> f64 {
        self.affine.determinant().abs().sqrt()
    }

    /// The four outer corners on the ground, from the first pixel along the first row and around.
    pub fn corners(&self) -> [Coord; 4] {
        let (r, c) = (self.rows as f64, self.cols as f64);
        [(0.0, 0.0), (0.0, c), (r, c), (r, 0.0)].map(|(row, col)| self.affine.ground(Pixel { row, col }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_undoes_ground_on_a_rotated_oblong_grid() {
        let affine = Affine::from_gdal([100.0, 0.5, 0.2, 900.0, 0.1, -0.7]);
        let p = Pixel { row: 12.25, col: 40.5 };
        let back = affine.pixel(affine.ground(p));
        assert!((back.row - p.row).abs() < 1e-9 && (back.col - p.col).abs() < 1e-9);
    }

    #[test]
    fn a_singular_affine_is_refused() {
        let crs = Crs { wkt: String::new(), epsg: None };
        let flat = Affine::from_gdal([0.0, 1.0, 2.0, 0.0, 0.5, 1.0]);
        assert!(matches!(Grid::new(2, 2, flat, crs.clone()), Err(GridError::Singular(_))));
        assert!(matches!(
            Grid::new(0, 2, Affine::north_up(0.0, 0.0, 1.0), crs),
            Err(GridError::Empty { .. })
        ));
    }
}
