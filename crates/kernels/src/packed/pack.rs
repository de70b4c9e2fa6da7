//! From the rows of a file to tiles.

use super::layout::{Codes, Shape, ShapeError, TILE_ROWS};
use crate::quant::{BLOCK, Block, Quant, SUPER_BLOCK};

/// Bytes of an unpacked group: four columns of 16 rows.
const GROUP: usize = 64;

/// Packs a matrix, given as the bytes that a GGUF file has for it, into `packed`.
///
/// A range of rows that starts and ends where tiles do may be packed by itself, with the shape
/// that it has, into its part of the packed bytes: so threads share the work.
///
/// # Errors
/// When one of the slices has another length than the shape says.
pub fn pack(shape: Shape, source: &[u8], packed: &mut [u8]) -> Result<(), ShapeError> {
    let lengths = [
        ("weights", shape.source_bytes(), source.len()),
        ("packed weights", shape.packed_bytes(), packed.len()),
    ];
    for (what, expected, found) in lengths {
        if expected != found {
            return Err(ShapeError::Bytes {
                what,
                expected,
                found,
            });
        }
    }
    let row_bytes = shape.source_row_bytes();
    let tiles = source.chunks(row_bytes * TILE_ROWS);
    for (rows, tile) in tiles.zip(packed.chunks_exact_mut(shape.tile_bytes())) {
        for index in 0..shape.chunks() {
            let (start, len) = shape.chunk_place(index);
            let columns = shape.chunk_columns(index);
            let bytes = columns / shape.quant().block_columns() * shape.quant().block_bytes();
            let before = index * SUPER_BLOCK / shape.quant().block_columns();
            let from = before * shape.quant().block_bytes();
            let rows = rows.chunks(row_bytes).map(|row| &row[from..from + bytes]);
            let chunk = &mut tile[start..start + len];
            match Codes::of(shape.quant()) {
                None => interleave_floats(shape.quant().block_bytes(), rows, chunk),
                Some(codes) => pack_chunk(shape.quant(), codes, rows, columns, chunk),
            }
        }
    }
    Ok(())
}

/// The floats of 16 rows side by side; those of rows that are not there are zero.
fn interleave_floats<'a>(size: usize, rows: impl Iterator<Item = &'a [u8]>, chunk: &mut [u8]) {
    chunk.fill(0);
    for (lane, row) in rows.enumerate() {
        let columns = chunk.chunks_exact_mut(TILE_ROWS * size);
        for (float, to) in row.chunks_exact(size).zip(columns) {
            to[lane * size..][..size].copy_from_slice(float);
        }
    }
}

/// Packs the blocks of up to 16 rows that one chunk covers; rows that are not there are zero.
fn pack_chunk<'a>(
    quant: Quant,
    codes: Codes,
    rows: impl Iterator<Item = &'a [u8]>,
    columns: usize,
    chunk: &mut [u8],
) {
    chunk.fill(0);
    let (planes, factors) = chunk.split_at_mut(columns / BLOCK * codes.bytes());
    let mut groups = [[0; GROUP]; SUPER_BLOCK / 4];
    for (lane, row) in rows.enumerate() {
        for (index, bytes) in row.chunks_exact(quant.block_bytes()).enumerate() {
            let block = Block::read(quant, bytes);
            let first = index * quant.block_columns() / 4;
            let quads = block.codes[..quant.block_columns()].chunks_exact(4);
            for (quad, group) in quads.zip(&mut groups[first..]) {
                group[lane * 4..][..4].copy_from_slice(quad);
            }
            if quant.block_columns() == BLOCK {
                write_halves(&block, lane, index, columns / BLOCK, factors);
            } else {
                write_factors(quant, &block, lane, factors);
            }
        }
    }
    let blocks = groups.as_chunks().0.iter();
    for (groups, planes) in blocks.zip(planes.chunks_exact_mut(codes.bytes())) {
        write_planes(codes, groups, planes);
    }
}

/// The scale of the `index`th of a row's `blocks` blocks of 32, and the minimum where there is
/// room for minimums.
fn write_halves(block: &Block, lane: usize, index: usize, blocks: usize, factors: &mut [u8]) {
    let halves = [block.scale, block.minimum];
    let planes = factors.chunks_exact_mut(blocks * TILE_ROWS * 2);
    for (half, plane) in halves.into_iter().zip(planes) {
        plane[(index * TILE_ROWS + lane) * 2..][..2].copy_from_slice(&half.to_le_bytes());
    }
}

/// The factors of a row's block of 256.
fn write_factors(quant: Quant, block: &Block, lane: usize, factors: &mut [u8]) {
    let count = SUPER_BLOCK / quant.scale_columns();
    let (bytes, halves) = factors.split_at_mut(match quant.has_minimum() && quant != Quant::Q2K {
        true => 2 * count * TILE_ROWS,
        false => count * TILE_ROWS,
    });
    for j in 0..count {
        let scale = block.scales[j] as u8;
        let minimum = block.minimums[j];
        if quant == Quant::Q2K {
            bytes[j * TILE_ROWS + lane] = scale | minimum << 4;
            continue;
        }
        bytes[j * TILE_ROWS + lane] = scale;
        if quant.has_minimum() {
            bytes[(count + j) * TILE_ROWS + lane] = minimum;
        }
    }
    for (half, plane) in [block.scale, block.minimum]
        .into_iter()
        .zip(halves.chunks_exact_mut(TILE_ROWS * 2))
    {
        plane[lane * 2..][..2].copy_from_slice(&half.to_le_bytes());
    }
}

/// The codes of 32 columns, several to a byte.
fn write_planes(codes: Codes, groups: &[[u8; GROUP]; 8], planes: &mut [u8]) {
    match codes {
        Codes::Bytes => planes.copy_from_slice(groups.as_flattened()),
        Codes::Nibbles => write_nibbles(groups, planes),
        Codes::NibblesAndBit => {
            let (nibbles, bits) = planes.split_at_mut(4 * GROUP);
            write_nibbles(groups, nibbles);
            write_bits(groups, 4, bits);
        }
        Codes::NibblesAndPair => {
            let (nibbles, pairs) = planes.split_at_mut(4 * GROUP);
            write_nibbles(groups, nibbles);
            write_pairs(groups, 4, pairs);
        }
        Codes::Pairs => write_pairs(groups, 0, planes),
        Codes::PairsAndBit => {
            let (pairs, bits) = planes.split_at_mut(2 * GROUP);
            write_pairs(groups, 0, pairs);
            write_bits(groups, 2, bits);
        }
    }
}

fn write_nibbles(groups: &[[u8; GROUP]; 8], plane: &mut [u8]) {
    let (lower, upper) = groups.split_at(4);
    for (i, byte) in plane.iter_mut().enumerate() {
        let (lower, upper) = (lower[i / GROUP][i % GROUP], upper[i / GROUP][i % GROUP]);
        *byte = lower & 15 | upper << 4;
    }
}

/// Two bits of each code, from bit `from` on.
fn write_pairs(groups: &[[u8; GROUP]; 8], from: u32, planes: &mut [u8]) {
    for (groups, plane) in groups.chunks(4).zip(planes.chunks_exact_mut(GROUP)) {
        for (i, byte) in plane.iter_mut().enumerate() {
            let pairs = groups.iter().enumerate();
            *byte = pairs.fold(0, |byte, (g, group)| {
                byte | (group[i] >> from & 3) << (2 * g)
            });
        }
    }
}

/// Bit `from` of each code.
fn write_bits(groups: &[[u8; GROUP]; 8], from: u32, plane: &mut [u8]) {
    for (i, byte) in plane.iter_mut().enumerate() {
        let bits = groups.iter().enumerate();
        *byte = bits.fold(0, |byte, (g, group)| byte | (group[i] >> from & 1) << g);
    }
}
