//! Packed weights times rows.

use std::ops::Range;

use super::{ColumnsMut, FloatPanel, InputKind, Inputs, PackedWeights, Panel, TILE_ROWS};
use crate::aligned::Aligned;
use crate::{Isa, dispatch};

/// Rows that are multiplied with one unpacked chunk: few enough for their part of the inputs and
/// of the sums to stay in the second cache.
pub(crate) const MOST_ROWS: usize = 512;
/// Tiles that are unpacked side by side at most.
pub(crate) const MOST_TILES: usize = 2;

/// Room that one thread works in, kept between products.
pub struct Scratch {
    /// As many as tiles side by side.
    pub(crate) panels: Vec<Panel>,
    /// The same for weights that are floats.
    pub(crate) float_panels: Vec<FloatPanel>,
    /// For each row, the sums of the tiles side by side.
    pub(crate) sums: Aligned<f32>,
}

impl Scratch {
    /// Room for one thread.
    #[must_use]
    pub fn new() -> Self {
        Scratch {
            panels: (0..MOST_TILES).map(|_| Panel::EMPTY).collect(),
            float_panels: (0..MOST_TILES).map(|_| FloatPanel::EMPTY).collect(),
            sums: Aligned::new(),
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// What a kernel is asked for; the sizes have been checked.
pub(crate) struct Product<'a, 'out> {
    pub(crate) weights: &'a PackedWeights<'a>,
    pub(crate) tiles: Range<usize>,
    pub(crate) inputs: &'a Inputs,
    pub(crate) out: ColumnsMut<'out>,
    pub(crate) scratch: &'a mut Scratch,
}

/// Writes, for each row of `inputs`, its product with every row of the weights in `tiles`:
/// `out[r][i] = Σ inputs[r][k] · weights[16 · tiles.start + i][k]`.
///
/// The result has the same bits however the tiles are divided among calls and however many rows
/// there are.
///
/// # Panics
/// When the inputs are of another length or kind than the weights want, `tiles` goes past the
/// last, or `out` has not a row for each of the inputs and a column for each row of the tiles.
pub fn multiply(
    isa: Isa,
    weights: &PackedWeights<'_>,
    tiles: Range<usize>,
    inputs: &Inputs,
    out: ColumnsMut<'_>,
    scratch: &mut Scratch,
) {
    let shape = weights.shape();
    assert!(
        tiles.start <= tiles.end && tiles.end <= shape.tiles(),
        "tiles of the matrix"
    );
    let rows =
        (tiles.end * TILE_ROWS).min(shape.rows()) - (tiles.start * TILE_ROWS).min(shape.rows());
    if tiles.is_empty() || inputs.rows() == 0 {
        return;
    }
    assert_eq!(
        inputs.columns(),
        shape.columns(),
        "inputs as wide as the weights"
    );
    assert_eq!(
        inputs.kind(),
        Some(InputKind::of(shape.quant())),
        "inputs of the kind that the weights want"
    );
    assert_eq!(
        (out.rows(), out.columns()),
        (inputs.rows(), rows),
        "room for the products"
    );
    scratch
        .sums
        .resize(MOST_ROWS.min(inputs.rows()) * MOST_TILES * TILE_ROWS);
    let product = Product {
        weights,
        tiles,
        inputs,
        out,
        scratch,
    };
    dispatch!(isa, multiply_packed(product));
}
