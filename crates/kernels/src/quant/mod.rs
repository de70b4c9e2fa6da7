//! The ways in which a GGUF file stores a matrix, and how each stands for numbers.
//!
//! A quantised row is a sequence of blocks of 32 or 256 columns. A block has a whole number, its
//! code, for each column, and factors that turn codes into values; blocks of 256 have factors for
//! each 16 or 32 columns in turn, themselves whole numbers.
//!
//! Source of all layouts: the `block_*` structures and `dequantize_row_*` functions of ggml,
//! <https://github.com/ggml-org/ggml>, `src/ggml-common.h` and `src/ggml-quants.c`.

mod block;
pub mod half;

pub(crate) use block::Block;

use half::{bf16_to_f32, f16_to_f32};

/// Columns of the longest block, and of a chunk of packed weights.
pub const SUPER_BLOCK: usize = 256;
/// Columns of the shortest block: it divides every quantised row.
pub const BLOCK: usize = 32;

/// How a matrix is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quant {
    /// Floats of 32 bits.
    F32,
    /// Floats of 16 bits as IEEE has them.
    F16,
    /// The upper halves of 32-bit floats.
    Bf16,
    /// 4 bits, a scale for 32 columns.
    Q4_0,
    /// 4 bits, a scale and a minimum for 32 columns.
    Q4_1,
    /// 5 bits, a scale for 32 columns.
    Q5_0,
    /// 5 bits, a scale and a minimum for 32 columns.
    Q5_1,
    /// 8 bits, a scale for 32 columns.
    Q8_0,
    /// 2 bits, a scale and a minimum of 4 bits for 16 columns.
    Q2K,
    /// 3 bits, a scale of 6 bits for 16 columns.
    Q3K,
    /// 4 bits, a scale and a minimum of 6 bits for 32 columns.
    Q4K,
    /// 5 bits, a scale and a minimum of 6 bits for 32 columns.
    Q5K,
    /// 6 bits, a scale of 8 bits for 16 columns.
    Q6K,
    /// 4 bits that choose one of 16 uneven levels, a scale for 32 columns.
    Iq4Nl,
    /// The same levels, a scale of 6 bits for 32 columns.
    Iq4Xs,
}

impl Quant {
    /// All of them.
    pub const ALL: [Quant; 15] = [
        Quant::F32,
        Quant::F16,
        Quant::Bf16,
        Quant::Q4_0,
        Quant::Q4_1,
        Quant::Q5_0,
        Quant::Q5_1,
        Quant::Q8_0,
        Quant::Q2K,
        Quant::Q3K,
        Quant::Q4K,
        Quant::Q5K,
        Quant::Q6K,
        Quant::Iq4Nl,
        Quant::Iq4Xs,
    ];

    /// The one that a GGUF file means by this type number; `None` for one that is not known here.
    #[must_use]
    pub fn from_ggml(number: u32) -> Option<Quant> {
        Quant::ALL
            .into_iter()
            .find(|quant| quant.ggml_number() == number)
    }

    /// The number that a GGUF file has for it.
    #[must_use]
    pub fn ggml_number(self) -> u32 {
        match self {
            Quant::F32 => 0,
            Quant::F16 => 1,
            Quant::Q4_0 => 2,
            Quant::Q4_1 => 3,
            Quant::Q5_0 => 6,
            Quant::Q5_1 => 7,
            Quant::Q8_0 => 8,
            Quant::Q2K => 10,
            Quant::Q3K => 11,
            Quant::Q4K => 12,
            Quant::Q5K => 13,
            Quant::Q6K => 14,
            Quant::Iq4Nl => 20,
            Quant::Iq4Xs => 23,
            Quant::Bf16 => 30,
        }
    }

    /// The name that people know it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quant::F32 => "F32",
            Quant::F16 => "F16",
            Quant::Bf16 => "BF16",
            Quant::Q4_0 => "Q4_0",
            Quant::Q4_1 => "Q4_1",
            Quant::Q5_0 => "Q5_0",
            Quant::Q5_1 => "Q5_1",
            Quant::Q8_0 => "Q8_0",
            Quant::Q2K => "Q2_K",
            Quant::Q3K => "Q3_K",
            Quant::Q4K => "Q4_K",
            Quant::Q5K => "Q5_K",
            Quant::Q6K => "Q6_K",
            Quant::Iq4Nl => "IQ4_NL",
            Quant::Iq4Xs => "IQ4_XS",
        }
    }

    /// Columns that one block covers: a row is a whole number of blocks.
    #[must_use]
    pub fn block_columns(self) -> usize {
        match self {
            Quant::F32 | Quant::F16 | Quant::Bf16 => 1,
            Quant::Q4_0 | Quant::Q4_1 | Quant::Q5_0 | Quant::Q5_1 | Quant::Q8_0 | Quant::Iq4Nl => {
                BLOCK
            }
            Quant::Q2K | Quant::Q3K | Quant::Q4K | Quant::Q5K | Quant::Q6K | Quant::Iq4Xs => {
                SUPER_BLOCK
            }
        }
    }

    /// Bytes of one block.
    #[must_use]
    pub fn block_bytes(self) -> usize {
        match self {
            Quant::F32 => 4,
            Quant::F16 | Quant::Bf16 => 2,
            Quant::Q4_0 | Quant::Iq4Nl => 18,
            Quant::Q4_1 => 20,
            Quant::Q5_0 => 22,
            Quant::Q5_1 => 24,
            Quant::Q8_0 => 34,
            Quant::Q2K => 84,
            Quant::Q3K => 110,
            Quant::Iq4Xs => 136,
            Quant::Q4K => 144,
            Quant::Q5K => 176,
            Quant::Q6K => 210,
        }
    }

    /// Bytes of a row of that many columns; `None` where blocks do not divide them or the number
    /// is beyond counting.
    #[must_use]
    pub fn row_bytes(self, columns: usize) -> Option<usize> {
        let whole = columns.is_multiple_of(self.block_columns());
        (columns / self.block_columns())
            .checked_mul(self.block_bytes())
            .filter(|_| whole)
    }

    /// Writes the values of a row, or of several, to `out`.
    ///
    /// # Panics
    /// When `bytes` is not the blocks of as many columns as `out` is long.
    pub fn dequantise(self, bytes: &[u8], out: &mut [f32]) {
        let expected = self.row_bytes(out.len());
        assert_eq!(Some(bytes.len()), expected, "the blocks of the row");
        match self {
            Quant::F32 => each(bytes, out, f32::from_le_bytes),
            Quant::F16 => each(bytes, out, |half| f16_to_f32(u16::from_le_bytes(half))),
            Quant::Bf16 => each(bytes, out, |half| bf16_to_f32(u16::from_le_bytes(half))),
            _ => {
                let blocks = bytes.chunks_exact(self.block_bytes());
                for (bytes, out) in blocks.zip(out.chunks_exact_mut(self.block_columns())) {
                    Block::read(self, bytes).write_values(self, out);
                }
            }
        }
    }

    /// The level that a code stands for, before the scale: `code − offset`, or from a table.
    pub(crate) fn levels(self) -> Levels {
        match self {
            Quant::Q4_0 => Levels::From(8),
            Quant::Q5_0 => Levels::From(16),
            Quant::Q8_0 => Levels::From(128),
            Quant::Q3K => Levels::From(4),
            Quant::Q6K => Levels::From(32),
            Quant::Iq4Nl | Quant::Iq4Xs => Levels::Uneven,
            _ => Levels::From(0),
        }
    }

    /// Columns that share a scale.
    pub(crate) fn scale_columns(self) -> usize {
        match self {
            Quant::Q2K | Quant::Q3K | Quant::Q6K => 16,
            _ => BLOCK,
        }
    }

    /// Whether blocks store a minimum beside the scale.
    pub(crate) fn has_minimum(self) -> bool {
        matches!(
            self,
            Quant::Q4_1 | Quant::Q5_1 | Quant::Q2K | Quant::Q4K | Quant::Q5K
        )
    }
}

/// What codes stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Levels {
    /// The code less this much.
    From(u8),
    /// One of [`UNEVEN_LEVELS`].
    Uneven,
}

/// The levels of IQ4, by code.
pub(crate) const UNEVEN_LEVELS: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// Reads each `N` bytes as one number.
fn each<const N: usize>(bytes: &[u8], out: &mut [f32], read: impl Fn([u8; N]) -> f32) {
    for (bytes, out) in bytes.as_chunks().0.iter().zip(out) {
        *out = read(*bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three blocks of bytes that follow a rule, with a scale of 0x2a51 and, at the second
    /// place, a minimum of 0x9f03.
    fn sample(quant: Quant, halves: &[usize]) -> Vec<u8> {
        let size = quant.block_bytes();
        let mut bytes: Vec<u8> = (0..3 * size)
            .map(|i| ((i * i * 7 + i * 37 + 11) % 256) as u8)
            .collect();
        for block in bytes.chunks_mut(size) {
            for (at, half) in halves.iter().zip([0x2a51u16, 0x9f03]) {
                block[*at..*at + 2].copy_from_slice(&half.to_le_bytes());
            }
        }
        bytes
    }

    /// What `gguf.quants.dequantize` of the Python package `gguf`, the formats' reference, makes
    /// of these bytes: columns 0, 21 and the last, and the sum of all, each times its place
    /// modulo 97 plus one.
    type Expected = (Quant, &'static [usize], [f64; 4]);
    #[rustfmt::skip]
    const REFERENCE: [Expected; 12] = [
        (Quant::Q4_0, &[0], [-0.345428466796875, -0.09869384765625, 0.0, 84.38323974609375]),
        (Quant::Q4_1, &[0, 2], [0.7333564758300781, 0.3879280090332031, 0.5853157043457031, 1880.6079711914062]),
        (Quant::Q5_0, &[0], [0.246734619140625, -0.049346923828125, 0.740203857421875, 430.40386962890625]),
        (Quant::Q5_1, &[0, 2], [0.9307441711425781, 1.1774787902832031, 0.8813972473144531, 3946.2702026367188]),
        (Quant::Q8_0, &[0], [5.576202392578125, -2.121917724609375, -5.378814697265625, -2954.4990234375]),
        (Quant::Q2K, &[80, 82], [1.628448486328125, 1.0568275451660156, 0.7607460021972656, 24974.975090026855]),
        (Quant::Q3K, &[108], [3.997100830078125, 3.404937744140625, 1.233673095703125, 6899.6868896484375]),
        (Quant::Q4K, &[0, 2], [8.491458892822266, 2.5698280334472656, 16.090885162353516, 477912.6533584595]),
        (Quant::Q5K, &[0, 2], [20.334720611572266, 14.413089752197266, 13.793537139892578, 1016009.9163093567]),
        (Quant::Q6K, &[208], [-70.61544799804688, 111.57339477539062, -25.216278076171875, -28256.98617553711]),
        (Quant::Iq4Nl, &[0], [-5.132080078125, -1.08563232421875, 0.049346923828125, 1701.7780151367188]),
        (Quant::Iq4Xs, &[0], [3.207550048828125, -0.049346923828125, -22.452850341796875, 43699.76055908203]),
    ];

    #[test]
    fn every_format_means_what_its_reference_makes_of_it() {
        for (quant, halves, [first, later, last, sum]) in REFERENCE {
            let mut values = vec![f32::NAN; 3 * quant.block_columns()];
            quant.dequantise(&sample(quant, halves), &mut values);
            let weighed = values.iter().enumerate();
            let total: f64 = weighed
                .map(|(i, x)| f64::from(*x) * (i % 97 + 1) as f64)
                .sum();
            let got = [
                f64::from(values[0]),
                f64::from(values[21]),
                f64::from(values[values.len() - 1]),
                total,
            ];
            for (got, expected) in got.into_iter().zip([first, later, last, sum]) {
                let error = (got - expected).abs() / expected.abs().max(1.0);
                assert!(error < 1e-6, "{quant:?}: {got}, not {expected}");
            }
        }
    }

    #[test]
    fn floats_are_read_as_they_are() {
        let mut out = [0.0; 2];
        Quant::F32.dequantise(&[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
        Quant::F16.dequantise(&[0, 0x3c, 0, 0xc0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
        Quant::Bf16.dequantise(&[0x80, 0x3f, 0, 0xc0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
    }

    #[test]
    fn rows_that_blocks_do_not_divide_have_no_size() {
        assert_eq!(Quant::Q4K.row_bytes(576), None);
        assert_eq!(Quant::Q4_1.row_bytes(576), Some(360));
        assert_eq!(Quant::F32.row_bytes(usize::MAX), None);
        assert_eq!(Quant::from_ggml(12), Some(Quant::Q4K));
        assert_eq!(Quant::from_ggml(9), None);
    }
}
