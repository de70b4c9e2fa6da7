//! Steps between matrix products, on the rows of a batch.

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

/// Writes numbers in half precision.
pub(super) fn to_half(numbers: &[f32], out: &mut [u16]) {
    for (number, out) in numbers.iter().zip(out) {
        *out = half::f16::from_f32(*number).to_bits();
    }
}

/// How queries look at keys.
pub(super) struct Attention {
    pub(super) head: usize,
    /// Heads of queries for the one head of keys.
    pub(super) group: usize,
    /// Of the first row.
    pub(super) position: usize,
    pub(super) scale: f32,
    pub(super) cap: Option<f32>,
    pub(super) window: Option<usize>,
}

/// Queries of some rows over the keys and values of one head.
pub(super) fn attend(
    _isa: Isa,
    attention: &Attention,
    queries: &[f32],
    keys: &[u16],
    values: &[u16],
    out: &mut [f32],
) {
    let head = attention.head;
    let float = |bits: &u16| half::f16::from_bits(*bits).to_f32();
    for (index, (query, out)) in queries.chunks(head).zip(out.chunks_mut(head)).enumerate() {
        let position = attention.position + index / attention.group;
        let first = attention
            .window
            .map_or(0, |window| (position + 1).saturating_sub(window));
        let mut scores: Vec<f32> = (first..=position)
            .map(|p| {
                let key = keys[p * head..][..head].iter().map(float);
                let score =
                    query.iter().zip(key).map(|(q, k)| q * k).sum::<f32>() * attention.scale;
                attention
                    .cap
                    .map_or(score, |cap| cap * (score / cap).tanh())
            })
            .collect();
        let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        scores
            .iter_mut()
            .for_each(|score| *score = (*score - greatest).exp());
        let sum: f32 = scores.iter().sum();
        out.fill(0.0);
        for (p, score) in (first..=position).zip(scores) {
            for (out, value) in out.iter_mut().zip(&values[p * head..]) {
                *out += score / sum * float(value);
            }
        }
    }
}
