//! What an instruction set's module is made of: each kernel, compiled with its features.

/// Defines a module's kernels: those of this module's parent for its vector, compiled with its
/// features, with tiles that fit its registers.
///
/// `int8` and `float` are the rows and vectors of a tile of each kind of product, `attention` the
/// queries at a time; `packed` the rows and vectors of a product of packed weights, and the
/// vectors of one of their tiles.
macro_rules! kernels {
    (
        vector: $vector:ty, features: $features:literal, int8: ($int8_rows:literal, $int8_vectors:literal),
        float: ($float_rows:literal, $float_vectors:literal), attention: $queries:literal,
        packed: ($packed_rows:literal, $packed_vectors:literal, $tile_vectors:literal)
    ) => {
        /// # Safety
        /// The processor has the features; the slices are as [`crate::dot::dot`] checks them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::dot::<$vector>(a, b) }
        }

        /// # Safety
        /// The processor has the features; the slices are equally long.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn quantise_row(
            row: &[f32],
            bytes: &mut [u8],
        ) -> $crate::quantise::RowScale {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::quantise_row::<$vector>(row, bytes) }
        }

        /// # Safety
        /// The processor has the features; all slices are equally long.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn add_layer_norm_row(
            update: &[f32],
            norm: $crate::norm::LayerNorm<'_>,
            row: &mut [f32],
        ) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::add_layer_norm_row::<$vector>(update, norm, row) }
        }

        /// # Safety
        /// The processor has the features; all slices are equally long.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn layer_norm_row(norm: $crate::norm::LayerNorm<'_>, row: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::layer_norm_row::<$vector>(norm, row) }
        }

        /// # Safety
        /// The processor has the features; `row` is twice as long as `out`.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn gate_row(
            row: &[f32],
            tail: Option<&$crate::activation::Tail>,
            out: &mut [f32],
        ) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::gate_row::<$vector>(row, tail, out) }
        }

        /// # Safety
        /// The processor has the features; the slices are as [`crate::rotary::rotate`] checks
        /// them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn rotate_projected(
            projected: &mut [f32],
            heads: $crate::attention::Heads,
            rotary: &$crate::rotary::Rotary,
        ) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::rotate_projected::<$vector>(projected, heads, rotary) }
        }

        /// # Safety
        /// The processor has the features; the slices are as [`crate::matmul::int8`] checks them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn matmul_int8(
            rows: &$crate::quantise::QuantisedRows,
            weights: &$crate::matmul::Int8Weights,
            activation: $crate::activation::Activation,
            out: &mut [f32],
        ) {
            // SAFETY: the caller's promise; the vectors fill an even part of a panel.
            unsafe {
                $crate::vector::matmul_int8::<$vector, $int8_rows, $int8_vectors>(
                    rows, weights, activation, out,
                )
            }
        }

        /// # Safety
        /// The processor has the features; the slices are as [`crate::matmul::float`] checks them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn matmul_float(
            rows: &[f32],
            weights: &$crate::matmul::FloatWeights,
            activation: $crate::activation::Activation,
            out: &mut [f32],
        ) {
            // SAFETY: the caller's promise; the vectors fill an even part of a panel.
            unsafe {
                $crate::vector::matmul_float::<$vector, $float_rows, $float_vectors>(
                    rows, weights, activation, out,
                )
            }
        }

        /// # Safety
        /// The processor has the features; the slices are as [`crate::attention::attend`] checks
        /// them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn attend(
            projected: &[f32],
            heads: $crate::attention::Heads,
            reach: usize,
            context: &mut [f32],
            scratch: &mut [f32],
        ) {
            // SAFETY: the caller's promise; two vectors fill an even part of a block.
            unsafe {
                $crate::vector::attend::<$vector, $queries>(
                    projected, heads, reach, context, scratch,
                )
            }
        }

        /// # Safety
        /// The processor has the features; there are whole blocks of 32, at most 256 values.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn quantise_blocks(values: &[f32], row: &mut $crate::packed::BlockRow) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::quantise_blocks::<$vector>(values, row) }
        }

        /// # Safety
        /// The processor has the features; there are 256 values.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn quantise_super(values: &[f32], row: &mut $crate::packed::SuperRow) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::quantise_super::<$vector>(values, row) }
        }

        /// # Safety
        /// The processor has the features; the sizes are as [`crate::packed::multiply`] checks
        /// them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn multiply_packed(product: $crate::packed::Product<'_, '_>) {
            // SAFETY: the caller's promise; the vectors fill tiles.
            unsafe {
                $crate::vector::multiply_packed::<
                    $vector,
                    $packed_rows,
                    $packed_vectors,
                    $tile_vectors,
                >(product)
            }
        }

        /// # Safety
        /// The processor has the features; the slices are equally long.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn rms_norm_row(
            row: &[f32],
            gain: &[f32],
            epsilon: f32,
            out: &mut [f32],
        ) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::rms_norm_row::<$vector>(row, gain, epsilon, out) }
        }

        /// # Safety
        /// The processor has the features; the slices are equally long.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn gate(
            gate: $crate::activation::Gate,
            values: &mut [f32],
            factors: &[f32],
        ) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::gate::<$vector>(gate, values, factors) }
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn softmax(row: &mut [f32]) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::softmax::<$vector>(row) }
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn rotate(
            turned: &mut [f32],
            pairing: $crate::rope::Pairing,
            cosines: &[f32],
            sines: &[f32],
        ) {
            $crate::scalar::rotate(turned, pairing, cosines, sines);
        }

        /// # Safety
        /// The processor has the features.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn narrow_halves(floats: &[f32; 16]) -> [u8; 32] {
            // SAFETY: the caller's promise.
            unsafe { <$vector as $crate::vector::Vector>::narrow_halves(floats) }
        }

        /// # Safety
        /// The processor has the features; the sizes are as [`crate::cache::attend`] checks them.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn attend_blocks(blocks: $crate::cache::Blocks<'_, '_>) {
            // SAFETY: the caller's promise.
            unsafe { $crate::vector::attend_blocks::<$vector>(blocks) }
        }
    };
}
pub(crate) use kernels;
