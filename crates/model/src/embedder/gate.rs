//! Whether a model computes with bytes: where its vectors then stay near those of floats.
//!
//! Most do, and compute several times as fast. A model some of whose values are far greater than
//! all others may not; it computes with floats. Both are tried once, on a few texts, and what came
//! out is remembered under the hash of the model's files.

use std::fs;
use std::path::Path;

use tokenizers::Tokenizer;

use super::checkpoint::Checkpoint;
use super::tokens::{encode, prepare};
use crate::encoder::{Encoder, Precision};
use crate::error::LoadError;
use crate::starter;

/// The least cosine of a text's two vectors.
const LEAST_COSINE: f32 = 0.99;

/// Texts of several kinds and languages.
const TEXTS: [&str; 10] = [
    "how long is the notice period of a tenant",
    "The tenant may terminate this lease on ninety (90) days' written notice to the landlord, \
     provided that all rent due up to the date of termination has been paid in full.",
    "In no event shall either party's aggregate liability under this Agreement exceed the fees \
     paid in the twelve (12) months before the event that gave rise to the claim.",
    "Amoxicillin 500 mg three times a day for seven days. Allergies: penicillin (rash, 2019). \
     Blood pressure 128/82, pulse 71. Follow-up in two weeks, earlier if the fever returns.",
    "def parse_invoice(text: str) -> Invoice:\n    \"\"\"Reads number, date and total.\"\"\"\n    \
     fields = dict(line.split(\": \", 1) for line in text.splitlines())\n    return Invoice(**fields)",
    "| quarter | revenue | margin |\n|---|---|---|\n| Q1 | 1,204,330 | 12.4 % |\n| Q2 | 986,100 | 9.8 % |",
    "Minutes of 3 May: we agreed to move the launch to the second week of June. Anna asks the \
     printer for a new offer; Tom writes to the three customers who wait for their parts.",
    "Der Mieter kann das Mietverhältnis mit einer Frist von drei Monaten zum Ende eines \
     Kalendermonats schriftlich kündigen.",
    "La glace fond plus vite qu'on ne le pensait, disent les chercheurs dans leur rapport.",
    "承租人可以提前三个月书面通知解除合同，押金应在四周内退还。",
];

/// What a model computes with: bytes where they are near enough. `remembered` is a folder for what
/// was found out; without one, it is found out each time.
///
/// # Errors
/// When the weights cannot be read, or the tokenizer fails.
pub(super) fn precision(
    checkpoint: &mut Checkpoint<'_>,
    remembered: Option<&Path>,
) -> Result<Precision, LoadError> {
    if checkpoint.hash == starter::EMBEDDER_HASH {
        return Ok(Precision::Int8);
    }
    let file = remembered.map(|folder| folder.join(format!("{}.precision", checkpoint.hash)));
    let known = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
    for precision in [Precision::Int8, Precision::F32] {
        if known.as_deref().map(str::trim) == Some(precision.name()) {
            return Ok(precision);
        }
    }
    let precision = match is_near(checkpoint)? {
        true => Precision::Int8,
        false => Precision::F32,
    };
    if let (Some(folder), Some(file)) = (remembered, file) {
        // Where it cannot be remembered, it is found out again.
        let _ = fs::create_dir_all(folder).and_then(|()| fs::write(file, precision.name()));
    }
    Ok(precision)
}

fn is_near(checkpoint: &mut Checkpoint<'_>) -> Result<bool, LoadError> {
    let damaged = |problem: String| LoadError::damaged(&checkpoint.path, problem);
    prepare(&mut checkpoint.tokenizer).map_err(damaged)?;
    let most = checkpoint.max_tokens();
    let sequences = sequences(&checkpoint.tokenizer, most)
        .map_err(|problem| LoadError::damaged(&checkpoint.path, problem))?;
    let sequences: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
    let vectors = |precision| -> Result<Vec<Vec<f32>>, LoadError> {
        let encoder: Encoder = checkpoint.build(precision, false)?;
        let vectors = encoder.encode(&sequences);
        vectors.map_err(|error| LoadError::damaged(&checkpoint.path, error.to_string()))
    };
    // One after the other, so that only one of them is in memory.
    let (floats, bytes) = (vectors(Precision::F32)?, vectors(Precision::Int8)?);
    Ok(cosines(&floats, &bytes).all(|cosine| cosine >= LEAST_COSINE))
}

fn sequences(tokenizer: &Tokenizer, most: usize) -> Result<Vec<Vec<u32>>, String> {
    let sequence = |text: &&str| -> Result<Vec<u32>, String> {
        let mut tokens = encode(tokenizer, *text, true)?.get_ids().to_vec();
        tokens.truncate(most);
        Ok(tokens)
    };
    TEXTS.iter().map(sequence).collect()
}

/// The cosine of each two vectors of length 1.
pub(super) fn cosines(a: &[Vec<f32>], b: &[Vec<f32>]) -> impl Iterator<Item = f32> {
    let product = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    a.iter().zip(b).map(product)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedder::fixture::folder;
    use crate::encoder::fixture::{INNER, Tiny};

    fn of(tiny: &Tiny, remembered: Option<&Path>) -> Precision {
        let folder = folder(tiny);
        precision(&mut Checkpoint::open(folder.path()).unwrap(), remembered).unwrap()
    }

    /// A model whose feed-forward blocks have a value inside that is a thousand times greater than
    /// all others, and that nothing comes of.
    fn with_outlier() -> Tiny {
        let mut tiny = Tiny::bert();
        for (name, (_, values)) in &mut tiny.tensors {
            if name.ends_with("intermediate.dense.bias") {
                values[0] = 1000.0;
            }
            if name.ends_with("output.dense.weight") && !name.contains("attention") {
                values.iter_mut().step_by(INNER).for_each(|w| *w = 0.0);
            }
        }
        tiny
    }

    #[test]
    fn bytes_are_taken_where_they_are_near() {
        for tiny in Tiny::all() {
            assert_eq!(of(&tiny, None), Precision::Int8, "{}", tiny.kind);
        }
    }

    #[test]
    fn a_model_with_outliers_computes_with_floats() {
        assert_eq!(of(&with_outlier(), None), Precision::F32);
    }

    #[test]
    fn what_came_out_is_remembered() {
        let cache = tempfile::tempdir().unwrap();
        let remembered = cache.path().join("made on demand");
        assert_eq!(of(&Tiny::bert(), Some(&remembered)), Precision::Int8);
        let files: Vec<_> = fs::read_dir(&remembered).unwrap().flatten().collect();
        let [file] = &files[..] else {
            panic!("{files:?}");
        };
        fs::write(file.path(), "f32\n").unwrap();
        assert_eq!(of(&Tiny::bert(), Some(&remembered)), Precision::F32);
        fs::write(file.path(), "nonsense").unwrap();
        assert_eq!(of(&Tiny::bert(), Some(&remembered)), Precision::Int8);
        // A place that cannot be written costs time and nothing else.
        assert_eq!(of(&Tiny::bert(), Some(&file.path())), Precision::Int8);
    }
}
