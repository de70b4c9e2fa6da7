//! Some columns of a matrix, to be written while other threads write the others.

use std::marker::PhantomData;

/// Exclusive access to a range of columns of every row of a matrix of floats.
///
/// A matrix is split into ranges that do not overlap, one for each thread.
pub struct ColumnsMut<'a> {
    /// The first row's first column of the range.
    start: *mut f32,
    rows: usize,
    columns: usize,
    /// Floats from one row to the next.
    stride: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is an exclusive borrow of floats, which may go to another thread as one of a slice.
unsafe impl Send for ColumnsMut<'_> {}

impl<'a> ColumnsMut<'a> {
    /// All columns of a matrix with rows of that many.
    ///
    /// # Panics
    /// When `matrix` is not a whole number of rows.
    pub fn new(matrix: &'a mut [f32], columns: usize) -> Self {
        assert!(
            columns > 0 && matrix.len().is_multiple_of(columns),
            "whole rows"
        );
        ColumnsMut {
            start: matrix.as_mut_ptr(),
            rows: matrix.len() / columns,
            columns,
            stride: columns,
            matrix: PhantomData,
        }
    }

    /// The first `columns` columns, and the others.
    ///
    /// # Panics
    /// When there are not so many.
    #[must_use]
    pub fn split_at(self, columns: usize) -> (Self, Self) {
        assert!(columns <= self.columns, "columns of the range");
        let upper = ColumnsMut {
            start: self.start.wrapping_add(columns),
            columns: self.columns - columns,
            ..self
        };
        (ColumnsMut { columns, ..self }, upper)
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// This range's part of a row, from its column `from` on.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn row_mut(&mut self, row: usize, from: usize) -> &mut [f32] {
        assert!(row < self.rows && from <= self.columns, "a row and column");
        // SAFETY: the row lies in the matrix that was borrowed, and no other range has any of
        // these columns.
        unsafe {
            let start = self.start.add(row * self.stride + from);
            std::slice::from_raw_parts_mut(start, self.columns - from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_the_matrix_once() {
        let mut matrix = [0.0; 12];
        let (mut left, right) = ColumnsMut::new(&mut matrix, 4).split_at(1);
        let (mut middle, mut last) = right.split_at(2);
        std::thread::scope(|scope| {
            scope.spawn(|| (0..3).for_each(|row| left.row_mut(row, 0).fill(1.0)));
            scope.spawn(|| (0..3).for_each(|row| middle.row_mut(row, 1).fill(2.0)));
            scope.spawn(|| (0..3).for_each(|row| last.row_mut(row, 0).fill(3.0)));
        });
        assert_eq!(matrix, [1.0, 0.0, 2.0, 3.0].repeat(3)[..]);
    }
}
