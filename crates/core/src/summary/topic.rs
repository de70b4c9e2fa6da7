//! Topics: documents that belong together by what they say, each topic with its words.

use std::collections::HashMap;

use unicode_segmentation::UnicodeSegmentation;

use super::central::{centroid, dot};
use crate::evidence;

/// More topics than this are no overview.
const MAX_TOPICS: usize = 8;
/// Rounds until documents have settled, at most.
const ROUNDS: usize = 20;

/// Groups documents by their vectors: the indices of each group, the largest group first.
/// Spherical k-means from the farthest points, so that the same documents always give the same
/// groups. Without enough documents, one group.
pub fn group(vectors: &[&[f32]]) -> Vec<Vec<usize>> {
    let count = ((vectors.len() as f32 / 2.0).sqrt() as usize).min(MAX_TOPICS);
    if count < 2 {
        return vec![(0..vectors.len()).collect()];
    }
    let mut centres = farthest(vectors, count);
    let mut of: Vec<usize> = Vec::new();
    for _ in 0..ROUNDS {
        let nearest: Vec<usize> = vectors.iter().map(|v| nearest(v, &centres)).collect();
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
    let mut groups: Vec<Vec<usize>> = (0..centres.len()).map(members).collect();
    groups.retain(|group| !group.is_empty());
    groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
    groups
}

/// The vector nearest to the mean of all, then each time the one farthest from those chosen.
fn farthest(vectors: &[&[f32]], count: usize) -> Vec<Vec<f32>> {
    let Some(mean) = centroid(vectors.iter().map(|vector| (*vector, 1.0))) else {
        return Vec::new();
    };
    let most = |score: &dyn Fn(usize) -> f32| {
        (0..vectors.len()).max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a)))
    };
    let mut chosen: Vec<Vec<f32>> = Vec::new();
    let mut likeness = vec![0.0_f32; vectors.len()];
    while chosen.len() < count {
        let next = if chosen.is_empty() {
            most(&|i| dot(vectors[i], &mean))
        } else {
            most(&|i| -likeness[i])
        };
        let Some(next) = next else { break };
        for (known, vector) in likeness.iter_mut().zip(vectors) {
            let like = dot(vector, vectors[next]);
            *known = if chosen.is_empty() {
                like
            } else {
                known.max(like)
            };
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
            // How much more of the group's documents have the word than of all, weighed by how many.
            let telling = |term: &str, uses: f32| {
                let here = uses / group.len().max(1) as f32;
                here * (here / (everywhere(term) / texts)).ln().max(0.01)
            };
            let mut terms: Vec<(&String, f32)> = uses
                .iter()
                .filter(|(term, uses)| {
                    written.contains_key(*term) && (**uses > 1.0 || group.len() < 3)
                })
                .map(|(term, uses)| (term, telling(term, *uses)))
                .collect();
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

/// Whether a word may stand in a label: it has letters, and more than a few.
fn says_something(word: &str) -> bool {
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
        assert_eq!(group(&vectors), [vec![1, 2, 3, 5, 6, 7], vec![0, 4]]);
        assert_eq!(group(&vectors[..3]), [vec![0, 1, 2]]);
        assert_eq!(group(&[]), [Vec::<usize>::new()]);
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
