//! A buffer that starts on a cache line, so that no vector load straddles two.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

mod sealed {
    /// Number types without padding for which every bit pattern, zero too, is a value.
    ///
    /// # Safety
    /// Size and alignment must divide those of a cache line.
    pub unsafe trait Plain: Copy {}
    // SAFETY: one byte, every pattern is a value.
    unsafe impl Plain for u8 {}
    // SAFETY: as above.
    unsafe impl Plain for i8 {}
    // SAFETY: four bytes aligned to four, every pattern is a value.
    unsafe impl Plain for f32 {}
}
use sealed::Plain;

/// A slice of numbers on the heap whose first element lies on a cache line.
pub struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Plain> Aligned<T> {
    /// An empty buffer.
    pub fn new() -> Self {
        Aligned {
            lines: Vec::new(),
            len: 0,
            element: PhantomData,
        }
    }

    /// A buffer of `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let mut buffer = Self::new();
        buffer.resize(len);
        buffer
    }

    /// Makes the buffer `len` elements long. What it held stays, new elements are zero or what
    /// they were when the buffer was that long before. Memory is never given back.
    pub fn resize(&mut self, len: usize) {
        let lines = (len * size_of::<T>()).div_ceil(LINE);
        if lines > self.lines.len() {
            self.lines.resize(lines, Line([0; LINE]));
        }
        self.len = len;
    }
}

impl<T: Plain> Default for Aligned<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Plain> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `resize` keeps at least `len` elements' worth of initialised lines, which are
        // aligned for every `Plain` type, and any bytes are a value of such a type.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_cache_line_and_keeps_what_it_held() {
        let mut buffer: Aligned<f32> = Aligned::zeroed(3);
        buffer.copy_from_slice(&[1.0, 2.0, 3.0]);
        buffer.resize(1000);
        assert_eq!(buffer.as_ptr().addr() % LINE, 0);
        assert_eq!(buffer[..4], [1.0, 2.0, 3.0, 0.0]);
        assert_eq!(buffer.len(), 1000);
        assert!(Aligned::<u8>::new().is_empty());
    }
}
