//! One chunk of a tile, unpacked: a byte for each code, a float for each factor.
//!
//! The loops run over arrays of a cache line and are compiled for each instruction set, which
//! turns them into a few instructions each. What plain Rust cannot say is in [`Widen`].

use super::layout::{Codes, TILE_ROWS};
use crate::quant::{BLOCK, Levels, Quant, SUPER_BLOCK, UNEVEN_LEVELS};
use crate::scalar;

/// The codes of four columns of 16 rows, or their bits.
type Group = [u8; 64];
/// A half-precision number for each row, as bytes.
type Halves = [u8; 2 * TILE_ROWS];

/// What an instruction set does while unpacking.
///
/// # Safety
/// The methods may be called only where the processor has the instruction set.
pub(crate) trait Widen {
    /// The values of 16 half-precision numbers, least byte first.
    unsafe fn widen_halves(halves: &Halves) -> [f32; TILE_ROWS];
    /// Replaces each byte, which is below 16, by that entry of the table.
    unsafe fn look_up(table: &[u8; 16], bytes: &mut Group);
}

/// An unpacked chunk of a quantised tile.
#[repr(C, align(64))]
pub(crate) struct Panel {
    /// Groups of four columns: the bytes of each row's four codes side by side.
    pub(crate) codes: [Group; SUPER_BLOCK / 4],
    /// For each stretch of columns that shares one, the scale of each row.
    pub(crate) scales: [[f32; TILE_ROWS]; SUPER_BLOCK / 16],
    /// In formats with blocks of 32: for each, what is added to the value of each row's codes.
    pub(crate) minimums: [[f32; TILE_ROWS]; SUPER_BLOCK / BLOCK],
    /// In formats with blocks of 256: for each two stretches, their two minimums of each row.
    pub(crate) factors: [[[i16; 2]; TILE_ROWS]; SUPER_BLOCK / BLOCK],
    /// What those are multiplied by and then added, of each row.
    pub(crate) minimum_scales: [f32; TILE_ROWS],
}

impl Panel {
    pub(crate) const EMPTY: Panel = Panel {
        codes: [[0; 64]; SUPER_BLOCK / 4],
        scales: [[0.0; TILE_ROWS]; SUPER_BLOCK / 16],
        minimums: [[0.0; TILE_ROWS]; SUPER_BLOCK / BLOCK],
        factors: [[[0; 2]; TILE_ROWS]; SUPER_BLOCK / BLOCK],
        minimum_scales: [0.0; TILE_ROWS],
    };
}

/// An unpacked chunk of a tile of floats: 16 rows for each column.
#[repr(C, align(64))]
pub(crate) struct FloatPanel(pub(crate) [[f32; TILE_ROWS]; SUPER_BLOCK]);

impl FloatPanel {
    pub(crate) const EMPTY: FloatPanel = FloatPanel([[0.0; TILE_ROWS]; SUPER_BLOCK]);
}

/// Unpacks a chunk of a quantised tile.
///
/// # Safety
/// As for [`Widen`].
#[inline(always)]
pub(crate) unsafe fn unpack<W: Widen>(
    quant: Quant,
    chunk: &[u8],
    columns: usize,
    panel: &mut Panel,
) {
    let Some(codes) = Codes::of(quant) else {
        return;
    };
    let (planes, factors) = chunk.split_at(columns / BLOCK * codes.bytes());
    // SAFETY: the caller's promise.
    unsafe {
        match codes {
            Codes::Nibbles => each_block(planes, panel, |planes, groups| {
                unpack_nibbles(planes, groups);
            }),
            Codes::NibblesAndBit => each_block(planes, panel, |planes: &[Group; 5], groups| {
                let [nibbles @ .., bits] = planes;
                unpack_nibbles(nibbles, groups);
                add_bits(bits, 4, groups);
            }),
            Codes::NibblesAndPair => each_block(planes, panel, |planes: &[Group; 6], groups| {
                let [nibbles @ .., lower, upper] = planes;
                unpack_nibbles(nibbles, groups);
                add_pairs(lower, 4, &mut groups[..4]);
                add_pairs(upper, 4, &mut groups[4..]);
            }),
            Codes::Pairs => each_block(planes, panel, unpack_pairs),
            Codes::PairsAndBit => each_block(planes, panel, |planes: &[Group; 3], groups| {
                let [pairs @ .., bits] = planes;
                unpack_pairs(pairs, groups);
                add_bits(bits, 2, groups);
            }),
            Codes::Bytes => each_block(planes, panel, |planes: &[Group; 8], groups| {
                *groups = *planes;
            }),
        }
        if quant.levels() == Levels::Uneven {
            for group in &mut panel.codes[..columns / 4] {
                W::look_up(&UNEVEN_CODES, group);
            }
        }
        if quant.block_columns() == BLOCK {
            unpack_halves::<W>(quant, factors, columns / BLOCK, panel);
        } else {
            unpack_factors::<W>(quant, factors, panel);
        }
    }
}

/// What is taken from codes so that they are levels; the uneven ones are moved up to be bytes.
#[inline(always)]
fn offset(quant: Quant) -> u8 {
    match quant.levels() {
        Levels::From(offset) => offset,
        Levels::Uneven => 128,
    }
}

/// [`UNEVEN_LEVELS`] plus 128.
const UNEVEN_CODES: [u8; 16] = {
    let mut codes = [0; 16];
    let mut i = 0;
    while i < 16 {
        codes[i] = (UNEVEN_LEVELS[i] as u8) ^ 0x80;
        i += 1;
    }
    codes
};

/// Unpacks the `N` planes of each 32 columns into their eight groups.
#[inline(always)]
fn each_block<const N: usize>(
    planes: &[u8],
    panel: &mut Panel,
    one: impl Fn(&[Group; N], &mut [Group; 8]),
) {
    let blocks = planes.as_chunks().0.as_chunks().0;
    let (groups, _) = panel.codes.as_chunks_mut();
    for (planes, groups) in blocks.iter().zip(groups) {
        one(planes, groups);
    }
}

#[inline(always)]
fn unpack_nibbles(planes: &[Group; 4], groups: &mut [Group; 8]) {
    let (lower, upper) = groups.split_at_mut(4);
    for ((plane, lower), upper) in planes.iter().zip(lower).zip(upper) {
        for ((byte, lower), upper) in plane.iter().zip(lower).zip(upper) {
            *lower = byte & 15;
            *upper = byte >> 4;
        }
    }
}

#[inline(always)]
fn unpack_pairs(planes: &[Group; 2], groups: &mut [Group; 8]) {
    for (plane, groups) in planes.iter().zip(groups.chunks_exact_mut(4)) {
        groups.as_flattened_mut().fill(0);
        add_pairs(plane, 0, groups);
    }
}

/// Adds two bits of each code of four groups, as the bits from `to` on.
#[inline(always)]
fn add_pairs(plane: &Group, to: u32, groups: &mut [Group]) {
    for (g, group) in groups.iter_mut().enumerate() {
        for (byte, code) in plane.iter().zip(group) {
            *code |= (byte >> (2 * g) & 3) << to;
        }
    }
}

/// Adds one bit of each code of eight groups, as bit `to`.
#[inline(always)]
fn add_bits(plane: &Group, to: u32, groups: &mut [Group; 8]) {
    for (g, group) in groups.iter_mut().enumerate() {
        for (byte, code) in plane.iter().zip(group) {
            *code |= (byte >> g & 1) << to;
        }
    }
}

/// Scales of blocks of 32, and minimums: those that are stored, or what the offset comes to.
///
/// # Safety
/// As for [`Widen`].
#[inline(always)]
unsafe fn unpack_halves<W: Widen>(quant: Quant, factors: &[u8], blocks: usize, panel: &mut Panel) {
    let rows = factors.as_chunks().0;
    let (scales, minimums) = rows.split_at(blocks.min(rows.len()));
    for (halves, to) in scales.iter().zip(&mut panel.scales) {
        // SAFETY: the caller's promise.
        *to = unsafe { W::widen_halves(halves) };
    }
    if quant.has_minimum() {
        for (halves, to) in minimums.iter().zip(&mut panel.minimums) {
            // SAFETY: the caller's promise.
            *to = unsafe { W::widen_halves(halves) };
        }
    } else {
        let offset = f32::from(offset(quant));
        for (scales, to) in panel.scales[..blocks].iter().zip(&mut panel.minimums) {
            *to = scales.map(|scale| -offset * scale);
        }
    }
}

/// Factors of blocks of 256.
///
/// # Safety
/// As for [`Widen`].
#[inline(always)]
unsafe fn unpack_factors<W: Widen>(quant: Quant, factors: &[u8], panel: &mut Panel) {
    let count = SUPER_BLOCK / quant.scale_columns();
    let own_minimums = quant.has_minimum() && quant != Quant::Q2K;
    let bytes = count * (1 + usize::from(own_minimums)) * TILE_ROWS;
    let (bytes, halves) = factors.split_at(bytes.min(factors.len()));
    let rows: &[[u8; TILE_ROWS]] = bytes.as_chunks().0;
    let halves: &[Halves] = halves.as_chunks().0;
    // SAFETY: the caller's promise.
    let (scale, minimum) = unsafe {
        let scale = W::widen_halves(&halves[0]);
        match halves.get(1) {
            Some(minimum) => (scale, W::widen_halves(minimum)),
            None => (scale, scale),
        }
    };
    panel.minimum_scales = minimum.map(|minimum| -minimum);
    let (scales, minimums) = rows.split_at(count.min(rows.len()));
    for (bytes, to) in scales.iter().zip(&mut panel.scales) {
        for lane in 0..TILE_ROWS {
            let whole = match quant {
                Quant::Q2K => (bytes[lane] & 15) as i8,
                _ => bytes[lane] as i8,
            };
            to[lane] = scale[lane] * f32::from(whole);
        }
    }
    let offset = i16::from(offset(quant));
    for j in 0..count {
        for (lane, pair) in panel.factors[j / 2].iter_mut().enumerate() {
            pair[j % 2] = match quant {
                Quant::Q2K => i16::from(scales[j][lane] >> 4),
                _ if own_minimums => i16::from(minimums[j][lane]),
                _ => offset * i16::from(scales[j][lane] as i8),
            };
        }
    }
}

/// Unpacks a chunk of a tile of floats.
///
/// # Safety
/// As for [`Widen`].
#[inline(always)]
pub(crate) unsafe fn unpack_floats<W: Widen>(quant: Quant, chunk: &[u8], panel: &mut FloatPanel) {
    if quant == Quant::F32 {
        let columns: &[[[u8; 4]; TILE_ROWS]] = chunk.as_chunks().0.as_chunks().0;
        for (from, to) in columns.iter().zip(&mut panel.0) {
            *to = from.map(f32::from_le_bytes);
        }
    } else if quant == Quant::F16 {
        for (from, to) in chunk.as_chunks().0.iter().zip(&mut panel.0) {
            // SAFETY: the caller's promise.
            *to = unsafe { W::widen_halves(from) };
        }
    } else {
        let columns: &[[[u8; 2]; TILE_ROWS]] = chunk.as_chunks().0.as_chunks().0;
        for (from, to) in columns.iter().zip(&mut panel.0) {
            *to = from.map(|half| f32::from_bits(u32::from(u16::from_le_bytes(half)) << 16));
        }
    }
}

/// Writes the values of one row of a chunk.
pub(crate) fn dequantise_lane(quant: Quant, chunk: &[u8], lane: usize, out: &mut [f32]) {
    if Codes::of(quant).is_none() {
        let size = quant.block_bytes();
        let floats = chunk.chunks_exact(size).skip(lane).step_by(TILE_ROWS);
        for (float, out) in floats.zip(out) {
            quant.dequantise(float, std::slice::from_mut(out));
        }
        return;
    }
    let mut panel = Panel::EMPTY;
    // SAFETY: plain Rust needs no instruction set.
    unsafe { unpack::<scalar::Halves>(quant, chunk, out.len(), &mut panel) };
    let offset = offset(quant);
    for (column, out) in out.iter_mut().enumerate() {
        let code = panel.codes[column / 4][lane * 4 + column % 4];
        let j = column / quant.scale_columns();
        let scale = panel.scales[j][lane];
        *out = if !quant.has_minimum() {
            scale * (f32::from(code) - f32::from(offset))
        } else if quant.block_columns() == BLOCK {
            scale * f32::from(code) + panel.minimums[j][lane]
        } else {
            let factor = f32::from(panel.factors[j / 2][lane][j % 2]);
            scale * f32::from(code) + panel.minimum_scales[lane] * factor
        };
    }
}
