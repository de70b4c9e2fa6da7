//! Timelines: dated statements of the documents in scope, in order of time, each with its quote.

use docent_core::dated::{self, Date};
use docent_core::evidence::Candidate;

use super::retrieve::{self, Asked};
use super::{Draft, OnEvent, cite, weigh};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::search::{Effort, Mode};

/// Passages that are read for dates, at most.
const PASSAGES: usize = 24;
/// Entries, at most: those that answer best.
const ENTRIES: usize = 20;
/// A dated sentence belongs when it scores this share of the best.
const RELEVANT_SHARE: f32 = 0.4;

impl Collection {
    /// Tells what happened when.
    pub(super) fn timeline(
        &self,
        asked: &Asked,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<(), EngineError> {
        let results = self.find_hits(
            asked.query.clone(),
            Mode::Hybrid,
            Effort::Full,
            PASSAGES * 2,
        )?;
        let mut searched = self.searched(asked, &results)?;
        let mut hits = results.hits;
        hits.retain(|hit| !hit.hidden);
        let mut read = self.passages(&hits, PASSAGES)?;
        let weighed = self.weigh_all(asked, &mut read, |text| dated::first(text).is_some())?;
        searched.bearing = weighed.bearing;
        searched.passages = retrieve::views(&read);
        let best = weighed.candidates.first().map_or(0.0, Candidate::score);
        let mut dated: Vec<(Date, Candidate)> = weighed
            .candidates
            .into_iter()
            .filter(|candidate| candidate.score() >= RELEVANT_SHARE * best)
            .take(ENTRIES)
            .filter_map(|candidate| {
                Some((dated::first(weigh::text_of(&candidate, &read))?, candidate))
            })
            .collect();
        // Stable: of the same date, what answers better comes first.
        dated.sort_by_key(|(date, _)| *date);
        let sentences: Vec<Candidate> = dated
            .iter()
            .map(|(_, candidate)| candidate.clone())
            .collect();
        draft.quote(cite(&sentences, &read));
        for citation in &draft.answer.citations {
            if let Some(date) = dated::first(&citation.quote) {
                draft
                    .answer
                    .labels
                    .insert(citation.number, date.to_string());
            }
        }
        draft.answer.abstained = draft.answer.citations.is_empty();
        draft.tell(searched, on_event);
        Ok(())
    }
}
