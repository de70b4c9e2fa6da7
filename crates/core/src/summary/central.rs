//! Centrality: how much of the whole a sentence says.
//!
//! By words: the mean weight of its terms, each weighing as often as the text uses it (SumBasic,
//! Nenkova and Vanderwende 2005, with a logarithm against repetition). By meaning: the cosine
//! with the mean of all vectors (the centroid of Radev et al. 2004). Of the best, those that
//! repeat each other are told apart by maximal marginal relevance (Carbonell and Goldstein 1998).

use std::collections::HashMap;

use crate::evidence;

/// What the largest likeness with a sentence that is chosen already costs.
const REPETITION: f32 = 0.7;
/// From this cosine on, two sentences say the same: one of them is enough.
const SAME: f32 = 0.88;

/// How central each sentence is by its words, 0 to 1; the most central has 1. `topic` are words
/// that count double: a title, a heading.
pub fn by_words(sentences: &[&str], topic: &str) -> Vec<f32> {
    let terms: Vec<Vec<String>> = sentences.iter().map(|text| evidence::terms(text)).collect();
    let mut uses: HashMap<&str, f32> = HashMap::new();
    for term in terms.iter().flatten() {
        *uses.entry(term).or_default() += 1.0;
    }
    let titled = evidence::terms(topic);
    let weight = |term: &String| {
        let often = uses.get(term.as_str()).copied().unwrap_or(0.0);
        let double = if titled.contains(term) { 2.0 } else { 1.0 };
        double * (1.0 + often).ln()
    };
    let mean = |terms: &Vec<String>| {
        // A few common words alone say little.
        let count = terms.len().max(6) as f32;
        terms.iter().map(weight).sum::<f32>() / count
    };
    let means: Vec<f32> = terms.iter().map(mean).collect();
    let most = means.iter().copied().fold(0.0, f32::max);
    let share = |mean: f32| if most > 0.0 { mean / most } else { 0.0 };
    means.into_iter().map(share).collect()
}

/// The unit vector of the weighted mean of unit vectors; `None` where there is none.
pub fn centroid<'a>(vectors: impl IntoIterator<Item = (&'a [f32], f32)>) -> Option<Vec<f32>> {
    let mut sum: Vec<f32> = Vec::new();
    for (vector, weight) in vectors {
        sum.resize(vector.len().max(sum.len()), 0.0);
        for (total, value) in sum.iter_mut().zip(vector) {
            *total += weight * value;
        }
    }
    let length = dot(&sum, &sum).sqrt();
    (length > 0.0).then(|| sum.iter().map(|value| value / length).collect())
}

/// The product of two vectors; of unit vectors, their cosine.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A sentence that may be chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighed<'a> {
    /// How much it deserves it.
    pub score: f32,
    /// Its unit vector.
    pub vector: &'a [f32],
}

/// The indices of at most `count` sentences, the best first: each as good as it can be without
/// repeating those before it, or those that are `told` already.
pub fn diverse(sentences: &[Weighed<'_>], told: &[&[f32]], count: usize) -> Vec<usize> {
    let nearest = |vector: &[f32]| {
        told.iter()
            .map(|known| dot(vector, known))
            .fold(0.0, f32::max)
    };
    let mut likeness: Vec<f32> = sentences.iter().map(|s| nearest(s.vector)).collect();
    let mut chosen: Vec<usize> = Vec::new();
    while chosen.len() < count {
        let worth = |i: usize| {
            sentences[i].score - REPETITION * likeness[i].max(0.0) * sentences[i].score.abs()
        };
        let open = (0..sentences.len()).filter(|i| !chosen.contains(i) && likeness[*i] < SAME);
        let Some(best) = open.max_by(|&a, &b| worth(a).total_cmp(&worth(b)).then(b.cmp(&a))) else {
            break;
        };
        for (known, sentence) in likeness.iter_mut().zip(sentences) {
            *known = known.max(dot(sentence.vector, sentences[best].vector));
        }
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_with_the_texts_own_words_is_central() {
        let sentences = [
            "The tenant pays rent for the flat.",
            "Rent of the flat is paid by the tenant monthly.",
            "Birds sing in the garden early.",
        ];
        let central = by_words(&sentences, "");
        assert!(
            central[1] > central[2] && central[0] > central[2],
            "{central:?}"
        );
        assert!(by_words(&sentences, "birds garden")[2] > central[2]);
    }

    #[test]
    fn a_repetition_is_chosen_last_or_not_at_all() {
        let (a, b) = ([1.0, 0.0], [0.0, 1.0]);
        let near = [0.8, 0.6];
        let weighed = |score, vector| Weighed { score, vector };
        let sentences = [
            weighed(0.9, a.as_slice()),
            weighed(0.85, a.as_slice()),
            weighed(0.6, near.as_slice()),
            weighed(0.5, b.as_slice()),
        ];
        assert_eq!(diverse(&sentences, &[], 4), [0, 3, 2]);
        assert_eq!(diverse(&sentences, &[a.as_slice()], 1), [3]);
    }

    #[test]
    fn the_centroid_is_of_unit_length() {
        let mean = centroid([([1.0, 0.0].as_slice(), 1.0), ([0.0, 1.0].as_slice(), 1.0)]).unwrap();
        assert!((dot(&mean, &mean) - 1.0).abs() < 1e-6);
        assert_eq!(centroid([]), None);
    }
}
