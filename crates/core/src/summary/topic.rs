//! Topics: documents that belong together by what they say, each topic with its words.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use super::central::{centroid, dot};
use crate::evidence;

/// Documents of a topic, at least…
const MIN_DOCUMENTS: usize = 2;
/// …and this share of all of them.
const MIN_SHARE: f32 = 0.04;
/// The share of a topic's documents that hold a word by which it is named.
const NAMING_SHARE: f32 = 0.25;
/// How many times more often the topic's documents hold it than all do.
const NAMING_RATIO: f32 = 1.3;
/// Rounds until documents have settled, at most.
const ROUNDS: usize = 20;

/// Groups documents by their vectors: the indices of each group, the largest group first, at
/// most `most` of them. Spherical k-means from the farthest points, so that the same documents
/// always give the same groups; what all have in common is taken off first, and too small groups
/// go to their neighbours. Without enough documents, one group.
pub fn group(vectors: &[&[f32]], most: usize) -> Vec<Vec<usize>> {
    let count = ((vectors.len() as f32).sqrt() as usize).min(most);
    if count < 2 {
        return vec![(0..vectors.len()).collect()];
    }
    let own = without_common(vectors);
    let vectors: Vec<&[f32]> = own.iter().map(Vec::as_slice).collect();
    let least = MIN_DOCUMENTS.max((MIN_SHARE * vectors.len() as f32) as usize);
    let mut centres = farthest(&vectors, count);
    loop {
        let groups = settle(&vectors, &mut centres);
        let large: Vec<bool> = groups.iter().map(|group| group.len() >= least).collect();
        if large.iter().all(|large| *large) || !large.contains(&true) {
            let mut groups = groups;
            groups.retain(|group| !group.is_empty());
            groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
            return groups;
        }
        let mut large = large.into_iter();
        centres.retain(|_| large.next().unwrap_or(false));
    }
}

/// The vectors without their mean, of unit length again.
fn without_common(vectors: &[&[f32]]) -> Vec<Vec<f32>> {
    let count = vectors.len().max(1) as f32;
    let mut mean = vec![0.0; vectors.first().map_or(0, |vector| vector.len())];
    for vector in vectors {
        for (total, value) in mean.iter_mut().zip(*vector) {
            *total += value / count;
        }
    }
    let own = |vector: &&[f32]| {
        let rest: Vec<f32> = vector
            .iter()
            .zip(&mean)
            .map(|(value, mean)| value - mean)
            .collect();
        let length = dot(&rest, &rest).sqrt().max(1e-6);
        rest.into_iter().map(|value| value / length).collect()
    };
    vectors.iter().map(own).collect()
}

/// Moves the centres to the middle of what is nearest to them, until nothing moves; the members
/// of each.
fn settle(vectors: &[&[f32]], centres: &mut [Vec<f32>]) -> Vec<Vec<usize>> {
    let mut of: Vec<usize> = Vec::new();
    for _ in 0..ROUNDS {
        let nearest: Vec<usize> = vectors.iter().map(|v| nearest(v, centres)).collect();
        if nearest == of {
            break;
        }
        of = nearest;
        for (index, centre) in centres.iter_mut().enumerate() {
            let members = vectors.iter().zip(&of).filter(|(_, at)| **at == index);
            if let Some(mean) = centroid(members.map(|(vector, _)| (*vector, 1.0))) {
                *centre = mean;
            }
        }
    }
    let members = |index: usize| {
        (0..of.len())
            .filter(|&i| of[i] == index)
            .collect::<Vec<_>>()
    };
    (0..centres.len()).map(members).collect()
}

/// The first vector, then each time the one farthest from those chosen.
fn farthest(vectors: &[&[f32]], count: usize) -> Vec<Vec<f32>> {
    let mut likeness = vec![f32::MIN; vectors.len()];
    let mut chosen: Vec<Vec<f32>> = Vec::new();
    while chosen.len() < count {
        let far = |&a: &usize, &b: &usize| likeness[b].total_cmp(&likeness[a]).then(b.cmp(&a));
        let Some(next) = (0..vectors.len()).max_by(far) else {
            break;
        };
        for (known, vector) in likeness.iter_mut().zip(vectors) {
            *known = known.max(dot(vector, vectors[next]));
        }
        chosen.push(vectors[next].to_vec());
    }
    chosen
}

fn nearest(vector: &[f32], centres: &[Vec<f32>]) -> usize {
    let like = |index: usize| dot(vector, &centres[index]);
    (0..centres.len())
        .max_by(|&a, &b| like(a).total_cmp(&like(b)).then(b.cmp(&a)))
        .unwrap_or(0)
}

/// The words that tell each group from the others, as they are written most often: at most
/// `count`. A text belongs to the group of the same index in `groups`.
pub fn labels(groups: &[Vec<&str>], count: usize) -> Vec<Vec<String>> {
    let mut written: HashMap<String, HashMap<&str, usize>> = HashMap::new();
    let counted: Vec<HashMap<String, f32>> = groups
        .iter()
        .map(|texts| {
            let mut uses: HashMap<String, f32> = HashMap::new();
            for text in texts {
                for word in text.unicode_words().filter(|word| says_something(word)) {
                    if let Some(term) = evidence::terms(word).into_iter().next() {
                        *written
                            .entry(term.clone())
                            .or_default()
                            .entry(word)
                            .or_default() += 1;
                    }
                }
                // A document counts once for a word, however often it uses it.
                for term in evidence::terms(text) {
                    *uses.entry(term).or_default() += 1.0;
                }
            }
            uses
        })
        .collect();
    let texts: f32 = groups.iter().map(|texts| texts.len() as f32).sum();
    let everywhere = |term: &str| -> f32 { counted.iter().filter_map(|uses| uses.get(term)).sum() };
    counted
        .iter()
        .zip(groups)
        .map(|(uses, group)| {
            // How much more of the group's documents have the word than of all, weighed by how
            // many do.
            let telling = |(term, uses): (&String, &f32)| {
                let here = uses / group.len().max(1) as f32;
                let ratio = here / (everywhere(term) / texts);
                let names = here >= NAMING_SHARE && (ratio >= NAMING_RATIO || groups.len() == 1);
                let known = written.get_key_value(term).filter(|_| names);
                known.map(|(term, _)| (term, here * (1.0 + ratio).ln()))
            };
            let mut terms: Vec<(&String, f32)> = uses.iter().filter_map(telling).collect();
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
            let word = |(term, _): &(&String, f32)| {
                let forms = written.get(*term)?;
                let most = forms
                    .iter()
                    .max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)))?;
                Some((*most.0).to_lowercase())
            };
            terms.iter().filter_map(word).take(count).collect()
        })
        .collect()
}

/// Words that say nothing of what a document is about, and that are no stop words of a question.
const GENERIC: &[&str] = &[
    "between",
    "other",
    "used",
    "many",
    "most",
    "more",
    "over",
    "only",
    "part",
    "parts",
    "number",
    "include",
    "including",
    "example",
    "called",
    "known",
    "first",
    "also",
    "often",
    "usually",
    "information",
    "however",
    "within",
    "upon",
    "made",
    "make",
    "through",
    "during",
    "before",
];

/// Whether a word may stand in a label: it has letters, more than a few, and a meaning.
fn says_something(word: &str) -> bool {
    if GENERIC.contains(&word.to_lowercase().as_str()) {
        return false;
    }
    let first = word.chars().next();
    let dense = first.is_some_and(|c| c >= '\u{2e80}');
    word.chars().all(char::is_alphabetic) && (dense || word.chars().count() > 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_one_kind_are_grouped() {
        let rent = [1.0, 0.0, 0.0];
        let bread = [0.0, 1.0, 0.0];
        let vectors: Vec<&[f32]> = (0..8)
            .map(|i| {
                if i % 4 == 0 {
                    bread.as_slice()
                } else {
                    rent.as_slice()
                }
            })
            .collect();
        assert_eq!(group(&vectors, 8), [vec![1, 2, 3, 5, 6, 7], vec![0, 4]]);
        assert_eq!(group(&vectors[..3], 8), [vec![0, 1, 2]]);
        assert_eq!(group(&[], 8), [Vec::<usize>::new()]);
    }

    #[test]
    fn a_label_has_the_words_of_its_group_alone() {
        let groups = [
            vec!["Tenants pay the landlord.", "The landlord asks tenants."],
            vec!["Bakers pay for flour.", "The flour of bakers."],
        ];
        assert_eq!(
            labels(&groups, 2),
            [["landlord", "tenants"], ["bakers", "flour"]]
        );
    }
}
