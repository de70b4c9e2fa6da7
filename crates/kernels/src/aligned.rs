//! A buffer that starts on a cache line, so that no vector load straddles two.

use std::alloc::{Layout, alloc_zeroed};
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

    /// A buffer of `len` zeros, or `None` where there is no memory for it. The system gives the
    /// memory itself when it is first written to.
    pub fn try_zeroed(len: usize) -> Option<Self> {
        let count = len.checked_mul(size_of::<T>())?.div_ceil(LINE);
        let layout = Layout::array::<Line>(count).ok()?;
        let lines = match count {
            0 => Vec::new(),
            _ => {
                // SAFETY: the layout has a size, since there is at least one line.
                let lines: *mut Line = unsafe { alloc_zeroed(layout) }.cast();
                if lines.is_null() {
                    return None;
                }
                // SAFETY: the global allocator has just given this memory, for so many lines in
                // the layout of an array of them, and a line of zeros is a line.
                unsafe { Vec::from_raw_parts(lines, count, count) }
            }
        };
        Some(Aligned {
            lines,
            len,
            element: PhantomData,
        })
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

    #[test]
    fn more_than_there_is_memory_for_is_no_buffer() {
        for len in [0, 1, 64, 1_000_000] {
            let buffer: Aligned<u8> = Aligned::try_zeroed(len).unwrap();
            assert_eq!(buffer.as_ptr().addr() % LINE, 0);
            assert!(buffer.len() == len && buffer.iter().all(|byte| *byte == 0));
        }
        assert!(Aligned::<u8>::try_zeroed(isize::MAX as usize - LINE).is_none());
        assert!(Aligned::<f32>::try_zeroed(usize::MAX).is_none());
    }
}
