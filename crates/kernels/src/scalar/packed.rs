//! Products of packed weights, and the quantising of what they are multiplied with.

use super::nearest;
use crate::packed::{
    BlockRow, FloatPanel, InputKind, Panel, Product, SuperRow, TILE_ROWS, Widen, unpack,
    unpack_floats,
};
use crate::quant::half::f16_to_f32;
use crate::quant::{BLOCK, Quant, SUPER_BLOCK};

/// How plain Rust unpacks.
pub(crate) struct Halves;

impl Widen for Halves {
    unsafe fn widen_halves(halves: &[u8; 2 * TILE_ROWS]) -> [f32; TILE_ROWS] {
        std::array::from_fn(|i| f16_to_f32(u16::from_le_bytes([halves[2 * i], halves[2 * i + 1]])))
    }

    unsafe fn look_up(table: &[u8; 16], bytes: &mut [u8; 64]) {
        for byte in bytes {
            *byte = table[usize::from(*byte & 15)];
        }
    }

    unsafe fn times(numbers: &[f32; TILE_ROWS], factor: f32) -> [f32; TILE_ROWS] {
        numbers.map(|number| number * factor)
    }

    unsafe fn times_bytes(numbers: &[f32; TILE_ROWS], bytes: &[u8; TILE_ROWS]) -> [f32; TILE_ROWS] {
        std::array::from_fn(|i| numbers[i] * f32::from(bytes[i] as i8))
    }

    unsafe fn interleave_bytes(
        even: &[u8; TILE_ROWS],
        odd: &[u8; TILE_ROWS],
    ) -> [[i16; 2]; TILE_ROWS] {
        std::array::from_fn(|i| [even[i], odd[i]].map(|byte| i16::from(byte as i8)))
    }
}

pub(crate) fn multiply_packed(mut product: Product<'_, '_>) {
    let shape = product.weights.shape();
    let mut panel = Panel::EMPTY;
    let mut floats = FloatPanel::EMPTY;
    for (index, tile) in product.tiles.clone().enumerate() {
        for row in 0..product.inputs.rows() {
            let out = product.out.row_mut(row, index * TILE_ROWS);
            let len = out.len().min(TILE_ROWS);
            out[..len].fill(0.0);
        }
        for chunk in 0..shape.chunks() {
            let bytes = product.weights.chunk(tile, chunk);
            let columns = shape.chunk_columns(chunk);
            // SAFETY: plain Rust needs no instruction set.
            unsafe {
                match InputKind::of(shape.quant()) {
                    InputKind::Floats => unpack_floats::<Halves>(shape.quant(), bytes, &mut floats),
                    _ => unpack::<Halves>(shape.quant(), bytes, columns, &mut panel),
                }
            }
            for row in 0..product.inputs.rows() {
                let out = product.out.row_mut(row, index * TILE_ROWS).iter_mut();
                for (lane, out) in out.take(TILE_ROWS).enumerate() {
                    *out += match InputKind::of(shape.quant()) {
                        InputKind::Floats => {
                            let row = &product.inputs.float_rows(chunk)[row][..columns];
                            row.iter().zip(&floats.0).map(|(x, w)| x * w[lane]).sum()
                        }
                        InputKind::Blocks => {
                            let row = &product.inputs.block_rows(chunk)[row];
                            block_product(&panel, lane, row, columns)
                        }
                        InputKind::SuperBlocks => {
                            let row = &product.inputs.super_rows(chunk)[row];
                            super_product(shape.quant(), &panel, lane, row)
                        }
                    };
                }
            }
        }
    }
}

/// The sum of `bytes` times the codes of a panel's row, from the column `first` on.
fn dot(panel: &Panel, lane: usize, first: usize, bytes: &[i8]) -> i32 {
    let columns = bytes.iter().enumerate();
    columns
        .map(|(i, byte)| {
            let code = panel.codes[(first + i) / 4][4 * lane + (first + i) % 4];
            i32::from(code) * i32::from(*byte)
        })
        .sum()
}

fn block_product(panel: &Panel, lane: usize, row: &BlockRow, columns: usize) -> f32 {
    let blocks = row.bytes[..columns].chunks(BLOCK).enumerate();
    blocks.fold(0.0, |total, (j, bytes)| {
        let whole = dot(panel, lane, j * BLOCK, bytes) as f32;
        total
            + whole * row.scales[j] * panel.scales[j][lane]
            + panel.minimums[j][lane] * row.sums[j]
    })
}

fn super_product(quant: Quant, panel: &Panel, lane: usize, row: &SuperRow) -> f32 {
    let stretch = quant.scale_columns();
    let sums: &[i16] = if stretch == 16 {
        &row.sums_of_16
    } else {
        &row.sums_of_32
    };
    let (mut total, mut minimum) = (0.0, 0);
    for (j, bytes) in row.bytes.chunks(stretch).enumerate() {
        total += dot(panel, lane, j * stretch, bytes) as f32 * panel.scales[j][lane];
        minimum += i32::from(panel.factors[j / 2][lane][j % 2]) * i32::from(sums[j]);
    }
    (total + minimum as f32 * panel.minimum_scales[lane]) * row.scale
}

/// Quantises up to 256 values with a scale for each 32.
pub(crate) fn quantise_blocks(values: &[f32], row: &mut BlockRow) {
    for (j, values) in values.chunks(BLOCK).enumerate() {
        let bytes = &mut row.bytes[j * BLOCK..][..BLOCK];
        row.scales[j] = quantise_stretch(values, bytes);
        row.sums[j] = row.scales[j] * sum(bytes) as f32;
    }
}

/// Quantises 256 values with one scale.
pub(crate) fn quantise_super(values: &[f32], row: &mut SuperRow) {
    row.scale = quantise_stretch(values, &mut row.bytes);
    for j in 0..SUPER_BLOCK / 16 {
        row.sums_of_16[j] = sum(&row.bytes[j * 16..][..16]);
    }
    for j in 0..SUPER_BLOCK / BLOCK {
        row.sums_of_32[j] = sum(&row.bytes[j * BLOCK..][..BLOCK]);
    }
}

fn sum(bytes: &[i8]) -> i16 {
    bytes.iter().map(|byte| i16::from(*byte)).sum()
}

/// Writes the bytes and returns the scale; zeros and no number where a value is none.
fn quantise_stretch(values: &[f32], bytes: &mut [i8]) -> f32 {
    let largest = values
        .iter()
        .fold(0.0f32, |largest, x| largest.max(x.abs()));
    let finite = values.iter().all(|x| x.is_finite());
    let Some((scale, inverse)) = stretch_scale(largest, finite) else {
        bytes.fill(0);
        return if finite { 0.0 } else { f32::NAN };
    };
    for (byte, x) in bytes.iter_mut().zip(values) {
        *byte = nearest(x * inverse) as i8;
    }
    scale
}

/// The scale of a stretch with this largest magnitude, and the factor that makes it 127. `None`
/// where all is zero, or so near that the factor is not finite, or not finite itself.
pub(crate) fn stretch_scale(largest: f32, finite: bool) -> Option<(f32, f32)> {
    let inverse = 127.0 / largest;
    (finite && inverse.is_finite()).then_some((largest / 127.0, inverse))
}
