//! Sentences compared with a question token by token, each token weighing by their contrast.
//!
//! A token that every sentence meets equally well tells nothing, so each weighs as much as its best
//! match stands out from the mean of all sentences. Among sentences about one thing that says more
//! than the rarity of words in the collection does.

/// How well a text's tokens meet the question's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Similarity {
    /// With tokens weighed: orders the texts of one question.
    pub weighed: f32,
    /// The plain mean, which compares between questions.
    pub mean: f32,
}

/// How well each text's tokens meet the question's: one value for each of `texts`. Vectors are
/// those of [`crate::model::Embedder::embed_tokens`]: tokens of length 1, `dimension` values each,
/// one after another.
pub fn similarities(question: &[f32], texts: &[Vec<f32>], dimension: usize) -> Vec<Similarity> {
    if dimension == 0 || question.len() < dimension {
        return vec![Similarity::default(); texts.len()];
    }
    let tokens: Vec<&[f32]> = question.chunks_exact(dimension).collect();
    let matches: Vec<Vec<f32>> = texts
        .iter()
        .map(|text| {
            let best = |token: &&[f32]| best_match(token, text, dimension);
            tokens.iter().map(best).collect()
        })
        .collect();
    let weights = weights(&matches, tokens.len());
    let total: f32 = weights.iter().sum();
    matches
        .iter()
        .map(|of_text| {
            let mean = of_text.iter().sum::<f32>() / tokens.len() as f32;
            let weighed: f32 = of_text
                .iter()
                .zip(&weights)
                .map(|(m, weight)| m * weight)
                .sum();
            Similarity {
                weighed: if total > 0.0 { weighed / total } else { mean },
                mean,
            }
        })
        .collect()
}

fn best_match(token: &[f32], text: &[f32], dimension: usize) -> f32 {
    text.chunks_exact(dimension)
        .map(|other| token.iter().zip(other).map(|(a, b)| a * b).sum::<f32>())
        .fold(0.0, f32::max)
}

/// For each token of the question, by how much its best match over all texts exceeds the mean.
fn weights(matches: &[Vec<f32>], tokens: usize) -> Vec<f32> {
    let count = matches.len().max(1) as f32;
    (0..tokens)
        .map(|token| {
            let of_token = || matches.iter().map(|of_text| of_text[token]);
            let best = of_token().fold(0.0, f32::max);
            best - of_token().sum::<f32>() / count
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_text_holds_counts_most() {
        let (common, rare, other) = ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
        let question = [common, rare].concat();
        let texts = vec![[common, other].concat(), [common, rare].concat()];
        let weighed = similarities(&question, &texts, 3)
            .into_iter()
            .map(|s| s.weighed);
        assert_eq!(weighed.collect::<Vec<_>>(), [0.0, 1.0]);
    }

    #[test]
    fn one_text_alone_is_compared_by_all_tokens() {
        let question = [1.0, 0.0, 0.0, 1.0];
        let mean = |question: &[f32], text: Vec<f32>| similarities(question, &[text], 2)[0].mean;
        assert_eq!(mean(&question, vec![1.0, 0.0]), 0.5);
        assert_eq!(mean(&[], vec![1.0, 0.0]), 0.0);
        assert_eq!(mean(&question, Vec::new()), 0.0);
    }
}
