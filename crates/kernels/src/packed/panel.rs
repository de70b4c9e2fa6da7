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
    /// Each number times `factor`.
    unsafe fn times(numbers: &[f32; TILE_ROWS], factor: f32) -> [f32; TILE_ROWS];
    /// Each number times the signed byte in its place.
    unsafe fn times_bytes(numbers: &[f32; TILE_ROWS], bytes: &[u8; TILE_ROWS]) -> [f32; TILE_ROWS];
    /// The signed bytes of both in turn.
    unsafe fn interleave_bytes(
        even: &[u8; TILE_ROWS],
        odd: &[u8; TILE_ROWS],
    ) -> [[i16; 2]; TILE_ROWS];
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
    match codes {
        Codes::Nibbles => each_block(planes, panel, |planes: &[Group; 4], groups| {
            unpack_nibbles(planes, groups, |_, _| 0);
        }),
        Codes::NibblesAndBit => each_block(planes, panel, |planes: &[Group; 5], groups| {
            let [nibbles @ .., bits] = planes;
            unpack_nibbles(nibbles, groups, |g, i| (bits[i] >> g & 1) << 4);
        }),
        Codes::NibblesAndPair => each_block(planes, panel, |planes: &[Group; 6], groups| {
            let [nibbles @ .., lower, upper] = planes;
            unpack_nibbles(nibbles, groups, |g, i| {
                let pairs = if g < 4 { lower } else { upper };
                (pairs[i] >> (2 * (g % 4)) & 3) << 4
            });
        }),
        Codes::Pairs => each_block(planes, panel, |planes: &[Group; 2], groups| {
            unpack_pairs(planes, groups, |_, _| 0);
        }),
        Codes::PairsAndBit => each_block(planes, panel, |planes: &[Group; 3], groups| {
            let [pairs @ .., bits] = planes;
            unpack_pairs(pairs, groups, |g, i| (bits[i] >> g & 1) << 2);
        }),
        Codes::Bytes => each_block(planes, panel, |planes: &[Group; 8], groups| {
            *groups = *planes;
        }),
    }
    // SAFETY: the caller's promise.
    unsafe {
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

/// Codes whose lower four bits are in the planes; `upper` gives the others of group `g`, place `i`.
#[inline(always)]
fn unpack_nibbles(
    planes: &[Group; 4],
    groups: &mut [Group; 8],
    upper: impl Fn(usize, usize) -> u8,
) {
    let (first, second) = groups.split_at_mut(4);
    for (g, plane) in planes.iter().enumerate() {
        for (i, byte) in plane.iter().enumerate() {
            first[g][i] = byte & 15 | upper(g, i);
            second[g][i] = byte >> 4 | upper(g + 4, i);
        }
    }
}

/// Codes whose lower two bits are in the planes; `upper` gives the others of group `g`, place `i`.
#[inline(always)]
fn unpack_pairs(planes: &[Group; 2], groups: &mut [Group; 8], upper: impl Fn(usize, usize) -> u8) {
    for (g, group) in groups.iter_mut().enumerate() {
        for (i, code) in group.iter_mut().enumerate() {
            *code = planes[g / 4][i] >> (2 * (g % 4)) & 3 | upper(g, i);
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
    let offset = f32::from(offset(quant));
    for (j, halves) in scales.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe {
            let scale = W::widen_halves(halves);
            panel.scales[j] = scale;
            panel.minimums[j] = match minimums.get(j) {
                Some(halves) => W::widen_halves(halves),
                None => W::times(&scale, -offset),
            };
        }
    }
}

/// Factors of blocks of 256.
///
/// # Safety
/// As for [`Widen`].
#[inline(always)]
unsafe fn unpack_factors<W: Widen>(quant: Quant, factors: &[u8], panel: &mut Panel) {
    let stretches = SUPER_BLOCK / quant.scale_columns();
    let rows: &[[u8; TILE_ROWS]] = factors.as_chunks().0;
    let (scales, rest) = rows.split_at(stretches.min(rows.len()));
    let minimums = &rest[..stretches.min(rest.len())];
    let own_minimums = quant.has_minimum() && quant != Quant::Q2K;
    let halves = if own_minimums {
        &rest[minimums.len()..]
    } else {
        rest
    };
    let (halves, _) = halves.as_flattened().as_chunks();
    let Some(scale_halves) = halves.first() else {
        return;
    };
    // SAFETY: the caller's promise.
    let scale = unsafe { W::widen_halves(scale_halves) };
    match (quant, halves.get(1)) {
        (Quant::Q2K, Some(minimum)) => {
            let mut split = [[[0; TILE_ROWS]; SUPER_BLOCK / 16]; 2];
            let [lower, upper] = &mut split;
            for (i, byte) in scales.as_flattened().iter().enumerate() {
                lower.as_flattened_mut()[i] = byte & 15;
                upper.as_flattened_mut()[i] = byte >> 4;
            }
            // SAFETY: the caller's promise.
            unsafe {
                let minimum = W::widen_halves(minimum);
                set_factors::<W>((&scale, lower), (&minimum, upper), 1.0, panel);
            }
        }
        // SAFETY: the caller's promise.
        (_, Some(minimum)) => unsafe {
            let minimum = W::widen_halves(minimum);
            set_factors::<W>((&scale, scales), (&minimum, minimums), 1.0, panel);
        },
        // SAFETY: the caller's promise.
        (_, None) => unsafe {
            let offset = f32::from(offset(quant));
            set_factors::<W>((&scale, scales), (&scale, scales), offset, panel);
        },
    }
}

/// Sets the scales, and the factors of what is taken away: each is a number for a row, then bytes
/// for each stretch that multiply it.
///
/// # Safety
/// As for [`Widen`].
#[inline(always)]
unsafe fn set_factors<W: Widen>(
    (scale, scales): (&[f32; TILE_ROWS], &[[u8; TILE_ROWS]]),
    (minimum, minimums): (&[f32; TILE_ROWS], &[[u8; TILE_ROWS]]),
    offset: f32,
    panel: &mut Panel,
) {
    // SAFETY: the caller's promise.
    unsafe {
        for (bytes, to) in scales.iter().zip(&mut panel.scales) {
            *to = W::times_bytes(scale, bytes);
        }
        for ([even, odd], to) in minimums.as_chunks().0.iter().zip(&mut panel.factors) {
            *to = W::interleave_bytes(even, odd);
        }
        panel.minimum_scales = W::times(minimum, -offset);
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
