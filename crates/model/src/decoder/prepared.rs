//! Rows of activations in the forms that matrices of different formats want them in.

use docent_kernels::Isa;
use docent_kernels::packed::{InputKind, Inputs};
use docent_kernels::quant::Quant;

/// The same rows in each form that some matrix wants them in.
#[derive(Default)]
pub(super) struct Prepared {
    forms: Vec<(InputKind, Inputs)>,
    /// Which forms hold the present rows; the others hold earlier ones, and their memory.
    present: Vec<InputKind>,
}

impl Prepared {
    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        self.present.clear();
    }

    /// Holds the rows of `values` for products with weights stored as `quant`.
    pub(super) fn add(&mut self, isa: Isa, quant: Quant, values: &[f32], width: usize) {
        let kind = InputKind::of(quant);
        if self.present.contains(&kind) {
            return;
        }
        self.present.push(kind);
        let known = self.forms.iter().position(|(form, _)| *form == kind);
        let index = known.unwrap_or_else(|| {
            self.forms.push((kind, Inputs::new()));
            self.forms.len() - 1
        });
        self.forms[index].1.set(isa, kind, values, width);
    }

    /// The rows for products with weights stored as `quant`.
    pub(super) fn of(&self, quant: Quant) -> &Inputs {
        let kind = InputKind::of(quant);
        let form = self.forms.iter().find(|(form, _)| *form == kind);
        &form.expect("added before a product").1
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        let first = self.present.first();
        let form = self.forms.iter().find(|(form, _)| Some(form) == first);
        form.map_or(0, |(_, inputs)| inputs.rows())
    }
}
