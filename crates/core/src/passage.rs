//! Passages: what is shown to the model, widened from the chunks that were found.

use std::ops::Range;

/// A chunk that was found, as far as widening needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its document.
    pub document: i64,
    /// Its bytes in the document.
    pub span: Range<usize>,
    /// Its score; higher is better.
    pub score: f32,
}

/// A stretch of one document to be shown to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The document.
    pub document: i64,
    /// The bytes in the document.
    pub span: Range<usize>,
    /// The best score of its chunks.
    pub score: f32,
}

/// Chunks that lie further apart than a blank line are not read as one passage: what stands
/// between them may be hidden text.
const MAX_GAP_BYTES: usize = 4;

/// Joins chunks of one document that follow on each other, and keeps the order of the best
/// chunk of each passage. At most `limit` passages, none longer than `max_bytes` by joining.
pub fn join(found: &[Found], limit: usize, max_bytes: usize) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for chunk in found {
        let neighbour = passages.iter_mut().find(|passage| {
            let joined = union(&passage.span, &chunk.span);
            passage.document == chunk.document
                && adjacent(&passage.span, &chunk.span)
                && joined.len() <= max_bytes
        });
        if let Some(passage) = neighbour {
            passage.span = union(&passage.span, &chunk.span);
        } else if passages.len() < limit {
            passages.push(Passage {
                document: chunk.document,
                span: chunk.span.clone(),
                score: chunk.score,
            });
        }
    }
    passages
}

fn union(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.min(b.start)..a.end.max(b.end)
}

fn adjacent(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start <= b.end + MAX_GAP_BYTES && b.start <= a.end + MAX_GAP_BYTES
}

/// How many passages, taken whole and in order, fit into a number of tokens. What does not fit
/// is left out whole, and the first that does not fit ends it: a passage is never cut, and a
/// worse one never takes the place of a better one.
pub fn fitting(costs: &[usize], budget: usize) -> usize {
    let mut spent = 0;
    costs
        .iter()
        .take_while(|&&cost| {
            spent += cost;
            spent <= budget
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: i64, span: Range<usize>, score: f32) -> Found {
        Found {
            document,
            span,
            score,
        }
    }

    #[test]
    fn neighbours_become_one_passage_at_the_better_place() {
        let passages = join(
            &[
                found(1, 100..200, 0.9),
                found(2, 0..50, 0.8),
                found(1, 202..300, 0.7),
            ],
            8,
            1_000,
        );
        assert_eq!(passages.len(), 2);
        assert_eq!(passages[0].span, 100..300);
        assert_eq!(passages[0].score, 0.9);
    }

    #[test]
    fn chunks_of_other_documents_or_far_apart_stay_apart() {
        let passages = join(
            &[
                found(1, 0..10, 0.9),
                found(1, 500..510, 0.8),
                found(2, 10..20, 0.7),
            ],
            8,
            1_000,
        );
        assert_eq!(passages.len(), 3);
    }

    #[test]
    fn joining_stops_at_the_limit_of_length() {
        assert_eq!(
            join(&[found(1, 0..60, 0.9), found(1, 61..120, 0.8)], 8, 100).len(),
            2
        );
    }

    #[test]
    fn passages_fit_whole_or_not_at_all() {
        assert_eq!(fitting(&[40, 50, 20, 5], 100), 2);
        assert_eq!(fitting(&[400], 100), 0);
    }
}
