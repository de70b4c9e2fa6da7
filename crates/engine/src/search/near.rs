//! Hits that say the same: versions and copies stand together, the newest first.

use docent_core::similar::{self, Shingles};

use super::rank::Candidate;

/// For each candidate the index of the first one before it that says the same, if there is one.
/// Where several say the same, the newest takes the best of their places.
pub(super) fn group(candidates: &mut [Candidate]) -> Vec<Option<usize>> {
    let texts = candidates.iter().map(|c| Shingles::of(&c.chunk.text));
    let texts: Vec<Shingles> = texts.collect();
    let names = candidates
        .iter()
        .map(|c| similar::version_name(&c.chunk.path));
    let names: Vec<String> = names.collect();
    let are_versions = |a: usize, b: usize| !names[a].is_empty() && names[a] == names[b];
    let is_same = |a: usize, b: usize| {
        texts[a].is_copy(&texts[b]) || (are_versions(a, b) && texts[a].is_like(&texts[b]))
    };
    let mut similar_to: Vec<Option<usize>> = Vec::with_capacity(candidates.len());
    for at in 0..candidates.len() {
        let is_first_of_its_kind = |other: &usize| similar_to[*other].is_none();
        let mut firsts = (0..at).filter(is_first_of_its_kind);
        similar_to.push(firsts.find(|other| is_same(*other, at)));
    }
    for first in 0..candidates.len() {
        let copies = (first + 1..candidates.len()).filter(|at| similar_to[*at] == Some(first));
        let age = |at: &usize| (candidates[*at].chunk.modified_ns, usize::MAX - at);
        if let Some(newest) = copies.chain([first]).max_by_key(age)
            && newest != first
        {
            swap_contents(candidates, first, newest);
        }
    }
    similar_to
}

/// Lets two candidates change places, the scores staying in order.
fn swap_contents(candidates: &mut [Candidate], first: usize, later: usize) {
    candidates.swap(first, later);
    let (head, tail) = candidates.split_at_mut(later);
    std::mem::swap(&mut head[first].reasons, &mut tail[0].reasons);
}
