//! Low-rank adapters: small matrices that change what a model's large ones say, without another
//! copy of those.
//!
//! Where an adapter has `a` of `rank` rows and `b` of `rank` columns for some weights, a product
//! becomes `x · weightsᵀ + scale · (x · aᵀ) · bᵀ`. LoRA: Hu et al. 2021,
//! <https://arxiv.org/abs/2106.09685>.

use std::collections::HashMap;

use docent_kernels::aligned::Aligned;
use docent_kernels::packed::{ColumnsMut, Inputs, Scratch, multiply};
use docent_kernels::{Isa, packed::InputKind};

use crate::gguf::{Gguf, GgufError, Value};
use crate::source::Source;

use super::packed::{Matrix, Plan};
use super::prepared::Prepared;
use super::store::Resident;

/// Endings of the names under which an adapter's matrices stand behind the tensor they change.
const DOWN: &str = ".lora_a";
const UP: &str = ".lora_b";

/// An adapter that is loaded for one network.
pub(super) struct Adapter {
    weights: Resident,
    scale: f32,
    /// The two matrices of each changed matrix of the network.
    pairs: HashMap<Matrix, Pair>,
}

#[derive(Clone, Copy)]
struct Pair {
    down: Matrix,
    up: Matrix,
}

/// Room for the products of an adapter.
#[derive(Default)]
pub(super) struct AdapterRoom {
    inner: Aligned<f32>,
    inputs: Inputs,
    outer: Aligned<f32>,
}

impl Adapter {
    /// Reads an adapter from its file, for the network whose matrices are in `network`.
    pub(super) fn load(
        source: &Source,
        scale: f32,
        architecture: &str,
        network: &Plan,
    ) -> Result<Adapter, GgufError> {
        let gguf = Gguf::read(&mut source.reader())?;
        check(&gguf, architecture)?;
        let mut plan = Plan::default();
        let mut pairs = HashMap::new();
        let mut rank = 1;
        for name in gguf.tensors.keys() {
            let Some(base) = name.strip_suffix(DOWN) else {
                match name.ends_with(UP) {
                    true => continue,
                    false => return Err(foreign(name)),
                }
            };
            let (down, up) = (
                &gguf.tensors[name],
                gguf.tensors.get(&format!("{base}{UP}")),
            );
            let up = up.ok_or_else(|| damaged(format!("{base}{UP} is missing")))?;
            let parts: Vec<_> = network.parts_of(base).collect();
            if parts.is_empty() || base == "token_embd.weight" {
                return Err(foreign(base));
            }
            rank = down.rows();
            for (matrix, first) in parts {
                let fits = down.shape == [rank, matrix.inputs]
                    && up.shape.len() == 2
                    && up.width() == rank
                    && first + matrix.outputs <= up.rows();
                if !fits {
                    let (down, up) = (&down.shape, &up.shape);
                    let problem = format!("{base}: its matrices of {down:?} and {up:?} do not fit");
                    return Err(damaged(problem));
                }
                let pair = Pair {
                    down: plan.add(name, &gguf, down, 0, rank)?,
                    up: plan.add(base, &gguf, up, first, matrix.outputs)?,
                };
                pairs.insert(matrix, pair);
            }
        }
        let alpha = match gguf.metadata.get("adapter.lora.alpha") {
            Some(Value::Float(alpha)) if *alpha != 0.0 => *alpha as f32 / rank as f32,
            _ => 1.0,
        };
        Ok(Adapter {
            weights: Resident::open(plan, source, None)?,
            scale: scale * alpha,
            pairs,
        })
    }

    /// Puts the rows that a matrix is multiplied with into the form that the adapter wants.
    pub(super) fn prepare(&self, isa: Isa, matrix: &Matrix, values: &[f32], inputs: &mut Prepared) {
        if let Some(pair) = self.pairs.get(matrix) {
            let quant = self.weights.plan().quant(&pair.down);
            inputs.add(isa, quant, values, matrix.inputs);
        }
    }

    /// Adds to `out`, the product of all rows with a matrix, what the adapter changes of it.
    pub(super) fn add(
        &self,
        isa: Isa,
        matrix: &Matrix,
        inputs: &Prepared,
        out: &mut [f32],
        room: &mut AdapterRoom,
        scratch: &mut Scratch,
    ) {
        let Some(pair) = self.pairs.get(matrix) else {
            return;
        };
        let weights = self.weights.hold();
        let (down, up) = (weights.weights(&pair.down), weights.weights(&pair.up));
        let (rows, rank) = (inputs.rows(), pair.down.outputs);
        room.inner.resize(rows * rank);
        let tiles = 0..down.shape().tiles();
        let inner = ColumnsMut::new(&mut room.inner, rank);
        multiply(
            isa,
            &down,
            tiles,
            inputs.of(down.shape().quant()),
            inner,
            scratch,
        );
        let kind = InputKind::of(up.shape().quant());
        room.inputs.set(isa, kind, &room.inner, rank);
        room.outer.resize(out.len());
        let outer = ColumnsMut::new(&mut room.outer, matrix.outputs);
        let tiles = 0..up.shape().tiles();
        multiply(isa, &up, tiles, &room.inputs, outer, scratch);
        for (out, change) in out.iter_mut().zip(room.outer.iter()) {
            *out += self.scale * change;
        }
    }
}

/// Refuses a file that is no adapter, or one of another architecture.
fn check(gguf: &Gguf, architecture: &str) -> Result<(), GgufError> {
    let remedy = "name a LoRA adapter in a GGUF file that was made for this model";
    let kinds = (gguf.text("general.type"), gguf.text("adapter.type"));
    if kinds != (Some("adapter"), Some("lora")) {
        return Err(GgufError::Unsupported(
            "it is no adapter".into(),
            remedy.into(),
        ));
    }
    match gguf.text("general.architecture") {
        Some(name) if name == architecture => Ok(()),
        name => Err(GgufError::Unsupported(
            format!(
                "it is an adapter for the architecture {}, and the model's is {architecture}",
                name.unwrap_or("of no name")
            ),
            remedy.into(),
        )),
    }
}

fn damaged(problem: String) -> GgufError {
    GgufError::Damaged(problem)
}

fn foreign(name: &str) -> GgufError {
    GgufError::Unsupported(
        format!("it changes {name}, which docent cannot change in this model"),
        "take an adapter of the attention and feed-forward matrices".into(),
    )
}
