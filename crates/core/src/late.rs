//! Late interaction: a question's tokens compared with a passage's, one by one.
//!
//! Each token of the question takes its best cosine with any token of the passage; the mean of
//! these, rare words weighing more, is the score (MaxSim: Khattab and Zaharia, "ColBERT", 2020).
//! It tells passages apart that are about the same thing as a whole, and it needs no other model
//! than the embedder that is there. Vectors are kept in 8 bits: a tenth of a percent is lost.
//!
//! Passages are compared so, whose token vectors are kept and whose words have a rarity in the
//! collection. The sentences of a few passages are compared among themselves ([`contrast`]).

pub mod contrast;

use crate::model::TokenVector;

/// The vectors of a text's tokens, in 8 bits each value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tokens {
    dimension: usize,
    values: Vec<i8>,
    /// What the values of each token are to be multiplied by.
    scales: Vec<f32>,
}

impl Tokens {
    /// Of vectors one after another, each of `dimension` values; a rest is left out.
    pub fn of(vectors: &[f32], dimension: usize) -> Tokens {
        let mut tokens = Tokens {
            dimension,
            ..Tokens::default()
        };
        for vector in vectors.chunks_exact(dimension.max(1)) {
            tokens.push(vector);
        }
        tokens
    }

    fn push(&mut self, vector: &[f32]) {
        let greatest = vector
            .iter()
            .fold(0.0f32, |most, value| most.max(value.abs()));
        let scale = if greatest > 0.0 {
            greatest / 127.0
        } else {
            1.0
        };
        let rounded = vector.iter().map(|value| (value / scale).round() as i8);
        self.values.extend(rounded);
        self.scales.push(scale);
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        self.values.len() + self.scales.len() * size_of::<f32>()
    }

    fn iter(&self) -> impl Iterator<Item = (&[i8], f32)> {
        let vectors = self.values.chunks_exact(self.dimension.max(1));
        vectors.zip(self.scales.iter().copied())
    }
}

/// A question's tokens, weighed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuestionTokens {
    tokens: Tokens,
    weights: Vec<f32>,
}

impl QuestionTokens {
    /// Of the tokens of `question`; `weight` is the rarity of the word that a token belongs to.
    /// Signs between words weigh nothing.
    pub fn of(
        question: &str,
        tokens: &[TokenVector],
        mut weight: impl FnMut(&str) -> f32,
    ) -> QuestionTokens {
        let dimension = tokens.first().map_or(0, |token| token.vector.len());
        let mut weighed = QuestionTokens {
            tokens: Tokens {
                dimension,
                ..Tokens::default()
            },
            weights: Vec::new(),
        };
        for token in tokens.iter().filter(|t| t.vector.len() == dimension) {
            let word = word_around(question, token.span.start);
            if !word.is_empty() {
                weighed.tokens.push(&token.vector);
                weighed.weights.push(weight(word).max(0.0));
            }
        }
        weighed
    }

    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.weights.iter().all(|weight| *weight == 0.0)
    }

    /// The weighed mean of each token's best cosine with a token of the passage, −1 to 1; 0 for
    /// an empty question or passage, or one of another width.
    pub fn similarity(&self, passage: &Tokens) -> f32 {
        if self.tokens.dimension != passage.dimension || passage.scales.is_empty() {
            return 0.0;
        }
        let (mut sum, mut all) = (0.0, 0.0);
        for ((token, scale), weight) in self.tokens.iter().zip(&self.weights) {
            if *weight == 0.0 {
                continue;
            }
            let cosines = passage
                .iter()
                .map(|(other, factor)| dot(token, other) as f32 * scale * factor);
            sum += weight * cosines.fold(-1.0f32, f32::max);
            all += weight;
        }
        if all > 0.0 { sum / all } else { 0.0 }
    }
}

/// The sum of products; in 16-bit steps, which compilers turn into vector instructions.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| i32::from(i16::from(*a) * i16::from(*b)))
        .sum()
}

/// The run of letters and digits around a byte of a text; empty where there is none.
fn word_around(text: &str, at: usize) -> &str {
    let is_sign = |c: char| !c.is_alphanumeric();
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else {
        return "";
    };
    let end = after.find(is_sign).unwrap_or(after.len());
    if end == 0 {
        return "";
    }
    let start = before.rfind(is_sign).map_or(0, |sign| {
        sign + before[sign..].chars().next().map_or(1, char::len_utf8)
    });
    &text[start..at + end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(x: f32, y: f32) -> Vec<f32> {
        let length = x.hypot(y);
        vec![x / length, y / length]
    }

    fn question(weights: [f32; 2]) -> QuestionTokens {
        let token = |span, vector| TokenVector { span, vector };
        let tokens = [token(0..3, unit(1.0, 0.0)), token(4..7, unit(0.0, 1.0))];
        let weigh = |word: &str| {
            if word == "one" {
                weights[0]
            } else {
                weights[1]
            }
        };
        QuestionTokens::of("one two", &tokens, weigh)
    }

    #[test]
    fn each_token_takes_its_best_and_rare_words_weigh_more() {
        let passage = Tokens::of(&[unit(1.0, 1.0), unit(1.0, 0.0)].concat(), 2);
        let even = question([1.0, 1.0]).similarity(&passage);
        assert!((even - (1.0 + 0.5f32.sqrt()) / 2.0).abs() < 0.01, "{even}");
        let first = question([3.0, 0.0]).similarity(&passage);
        assert!((first - 1.0).abs() < 0.01, "{first}");
    }

    #[test]
    fn what_cannot_be_compared_is_alike_in_nothing() {
        assert_eq!(question([1.0, 1.0]).similarity(&Tokens::default()), 0.0);
        assert_eq!(
            question([1.0, 1.0]).similarity(&Tokens::of(&[1.0; 3], 3)),
            0.0
        );
        assert!(question([0.0, 0.0]).is_empty());
        assert!(QuestionTokens::default().is_empty());
    }

    #[test]
    fn a_token_weighs_as_the_word_that_it_is_part_of() {
        assert_eq!(word_around("the «Kündigung», please", 7), "Kündigung");
        assert_eq!(word_around("the Kündigung", 9), "Kündigung");
        assert_eq!(word_around("a, b", 1), "");
        assert_eq!(word_around("ab", 9), "");
    }

    #[test]
    fn eight_bits_lose_little() {
        let vector: Vec<f32> = (0..384)
            .map(|n| ((n * 37 % 101) as f32 - 50.0) / 50.0)
            .collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let vector: Vec<f32> = vector.iter().map(|x| x / length).collect();
        let tokens = Tokens::of(&vector, 384);
        let itself = TokenVector { span: 0..1, vector };
        let similarity = QuestionTokens::of("x", &[itself], |_| 1.0).similarity(&tokens);
        assert!((similarity - 1.0).abs() < 1e-3, "{similarity}");
        assert_eq!(tokens.bytes(), 388);
    }
}
