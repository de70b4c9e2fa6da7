//! One block of a GGUF row, taken apart: codes in the order of their columns, and the factors.

use super::half::f16_to_f32;
use super::{BLOCK, Levels, Quant, SUPER_BLOCK, UNEVEN_LEVELS};

/// Scales, and minimums, that a block has at most.
const MOST_SCALES: usize = 16;

/// What a block of any format says: the value in a column is
/// `scale · scales[j] · level(code) + minimum · minimums[j]`, with the minimum taken away rather
/// than added in blocks of 256, and `j` the stretch of [`Quant::scale_columns`] it lies in.
pub(crate) struct Block {
    /// A code for each column; those past the block are zero.
    pub(crate) codes: [u8; SUPER_BLOCK],
    /// Half-precision number, as bits.
    pub(crate) scale: u16,
    /// Half-precision number, as bits; zero where the format has no minimum.
    pub(crate) minimum: u16,
    /// 1 in blocks of 32.
    pub(crate) scales: [i8; MOST_SCALES],
    /// 1 in blocks of 32.
    pub(crate) minimums: [u8; MOST_SCALES],
}

impl Block {
    /// Takes a block apart.
    ///
    /// # Panics
    /// When `bytes` is not one block of that quantised format.
    pub(crate) fn read(quant: Quant, bytes: &[u8]) -> Block {
        assert_eq!(bytes.len(), quant.block_bytes(), "one block");
        let mut block = Block {
            codes: [0; SUPER_BLOCK],
            scale: 0,
            minimum: 0,
            scales: [1; MOST_SCALES],
            minimums: [1; MOST_SCALES],
        };
        match quant {
            Quant::Q4_0 | Quant::Iq4Nl => block.read_4_bits(bytes, 2),
            Quant::Q4_1 => {
                block.minimum = half(bytes, 2);
                block.read_4_bits(bytes, 4);
            }
            Quant::Q5_0 => block.read_5_bits(bytes, 2),
            Quant::Q5_1 => {
                block.minimum = half(bytes, 2);
                block.read_5_bits(bytes, 4);
            }
            Quant::Q8_0 => {
                block.scale = half(bytes, 0);
                for (code, byte) in block.codes.iter_mut().zip(&bytes[2..]) {
                    // From -128..=127 to 0..=255.
                    *code = byte ^ 0x80;
                }
            }
            Quant::Q2K => block.read_q2k(bytes),
            Quant::Q3K => block.read_q3k(bytes),
            Quant::Q4K => block.read_q4k(bytes),
            Quant::Q5K => block.read_q5k(bytes),
            Quant::Q6K => block.read_q6k(bytes),
            Quant::Iq4Xs => block.read_iq4xs(bytes),
            Quant::F32 | Quant::F16 | Quant::Bf16 => unreachable!("floats have no blocks"),
        }
        block
    }

    /// Writes the value of each column.
    pub(crate) fn write_values(&self, quant: Quant, out: &mut [f32]) {
        let scale = f16_to_f32(self.scale);
        let sign = if quant.block_columns() == BLOCK {
            1.0
        } else {
            -1.0
        };
        let minimum = f16_to_f32(self.minimum) * sign;
        let stretch = quant.scale_columns();
        for (j, (codes, out)) in self
            .codes
            .chunks(stretch)
            .zip(out.chunks_mut(stretch))
            .enumerate()
        {
            let scale = scale * f32::from(self.scales[j]);
            let minimum = minimum * f32::from(self.minimums[j]);
            for (code, out) in codes.iter().zip(out) {
                let level = match quant.levels() {
                    Levels::From(offset) => f32::from(*code) - f32::from(offset),
                    Levels::Uneven => f32::from(UNEVEN_LEVELS[usize::from(code & 15)]),
                };
                *out = scale * level;
                if quant.has_minimum() {
                    *out += minimum;
                }
            }
        }
    }

    /// 16 bytes at `at`: their lower halves are the first 16 codes, the upper ones the rest.
    fn read_4_bits(&mut self, bytes: &[u8], at: usize) {
        self.scale = half(bytes, 0);
        split_nibbles(&bytes[at..at + 16], &mut self.codes[..BLOCK]);
    }

    /// 32 bits, the highest of each code, before what [`Block::read_4_bits`] reads.
    fn read_5_bits(&mut self, bytes: &[u8], at: usize) {
        self.read_4_bits(bytes, at + 4);
        for (column, code) in self.codes[..BLOCK].iter_mut().enumerate() {
            *code |= (bytes[at + column / 8] >> (column % 8) & 1) << 4;
        }
    }

    /// Scales and minimums in 16 bytes, 64 bytes of codes, scale, minimum.
    fn read_q2k(&mut self, bytes: &[u8]) {
        let (factors, rest) = bytes.split_at(16);
        for (j, factor) in factors.iter().enumerate() {
            self.scales[j] = (factor & 15) as i8;
            self.minimums[j] = factor >> 4;
        }
        self.read_2_bits(&rest[..64]);
        self.scale = half(rest, 64);
        self.minimum = half(rest, 66);
    }

    /// 32 bytes of third bits, 64 bytes of codes, 12 bytes of scales, scale.
    fn read_q3k(&mut self, bytes: &[u8]) {
        let (thirds, rest) = bytes.split_at(32);
        self.read_2_bits(&rest[..64]);
        for (column, code) in self.codes.iter_mut().enumerate() {
            *code |= (thirds[column % 32] >> (column / 32) & 1) << 2;
        }
        let packed = &rest[64..76];
        for (j, scale) in self.scales.iter_mut().enumerate() {
            let lower = packed[j % 8] >> (4 * (j / 8)) & 15;
            let upper = packed[8 + j % 4] >> (2 * (j / 4)) & 3;
            *scale = (lower | upper << 4) as i8 - 32;
        }
        self.scale = half(rest, 76);
    }

    /// Scale, minimum, 12 bytes of scales and minimums, 128 bytes of codes.
    fn read_q4k(&mut self, bytes: &[u8]) {
        self.read_6_bit_factors(bytes);
        for (bytes, codes) in bytes[16..].chunks(32).zip(self.codes.chunks_mut(64)) {
            split_nibbles(bytes, codes);
        }
    }

    /// As Q4_K, with 32 bytes of fifth bits before the codes.
    fn read_q5k(&mut self, bytes: &[u8]) {
        self.read_6_bit_factors(bytes);
        let (fifths, rest) = bytes[16..].split_at(32);
        for (bytes, codes) in rest.chunks(32).zip(self.codes.chunks_mut(64)) {
            split_nibbles(bytes, codes);
        }
        for (column, code) in self.codes.iter_mut().enumerate() {
            *code |= (fifths[column % 32] >> (column / 32) & 1) << 4;
        }
    }

    /// 128 bytes of lower halves, 64 bytes of upper two bits, 16 scales, scale.
    fn read_q6k(&mut self, bytes: &[u8]) {
        let (lower, rest) = bytes.split_at(128);
        let (upper, rest) = rest.split_at(64);
        let halves = lower.chunks(64).zip(upper.chunks(32));
        for ((lower, upper), codes) in halves.zip(self.codes.chunks_mut(128)) {
            split_nibbles(lower, codes);
            for (column, code) in codes.iter_mut().enumerate() {
                *code |= (upper[column % 32] >> (2 * (column / 32)) & 3) << 4;
            }
        }
        for (scale, byte) in self.scales.iter_mut().zip(rest) {
            *scale = *byte as i8;
        }
        self.scale = half(rest, 16);
    }

    /// Scale, upper bits of the scales, their lower bits, 128 bytes of codes.
    fn read_iq4xs(&mut self, bytes: &[u8]) {
        self.scale = half(bytes, 0);
        let (upper, lower) = (half(bytes, 2), &bytes[4..8]);
        for (j, scale) in self.scales[..8].iter_mut().enumerate() {
            let lower = lower[j / 2] >> (4 * (j % 2)) & 15;
            let upper = (upper >> (2 * j) & 3) as u8;
            *scale = (lower | upper << 4) as i8 - 32;
        }
        for (bytes, codes) in bytes[8..].chunks(16).zip(self.codes.chunks_mut(BLOCK)) {
            split_nibbles(bytes, codes);
        }
    }

    /// Each 32 bytes hold 128 codes: the lowest two bits of all, then the next two of all.
    fn read_2_bits(&mut self, bytes: &[u8]) {
        for (column, code) in self.codes.iter_mut().enumerate() {
            let byte = bytes[column / 128 * 32 + column % 32];
            *code = byte >> (2 * (column % 128 / 32)) & 3;
        }
    }

    /// The scale, the minimum, and eight scales and minimums of 6 bits in the 12 bytes after.
    fn read_6_bit_factors(&mut self, bytes: &[u8]) {
        self.scale = half(bytes, 0);
        self.minimum = half(bytes, 2);
        let packed = &bytes[4..16];
        for j in 0..4 {
            self.scales[j] = (packed[j] & 63) as i8;
            self.minimums[j] = packed[j + 4] & 63;
            self.scales[j + 4] = (packed[j + 8] & 15 | packed[j] >> 6 << 4) as i8;
            self.minimums[j + 4] = packed[j + 8] >> 4 | packed[j + 4] >> 6 << 4;
        }
    }
}

/// The lower halves of the bytes, then the upper ones.
fn split_nibbles(bytes: &[u8], codes: &mut [u8]) {
    let (lower, upper) = codes.split_at_mut(bytes.len());
    for ((byte, lower), upper) in bytes.iter().zip(lower).zip(upper) {
        *lower = byte & 15;
        *upper = byte >> 4;
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}
