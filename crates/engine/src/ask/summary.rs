//! Summaries, where a question asks for one: of the document that it names.

use std::ops::ControlFlow;

use docent_core::question;
use docent_store::DocumentId;

use super::retrieve::Asked;
use super::{Draft, OnEvent};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::AskEvent;
use crate::search::SearchResults;
use crate::summarize::{Length, Line, SummaryEvent, SummaryRequest};

impl Collection {
    /// Summarises the document that the question names, in its own sentences. `false` where the
    /// question names none: then it is answered from the best passages.
    pub(super) fn summary(
        &self,
        asked: &Asked,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<bool, EngineError> {
        let filters = &asked.query.filters;
        let named = match filters.documents.is_empty() {
            true => self.named(&question::summary_subject(&asked.reading.about), filters)?,
            false => filters.documents.clone(),
        };
        let [document] = named[..] else {
            return Ok(false);
        };
        let Some(stored) = self.reader().document(DocumentId(document))? else {
            return Ok(false);
        };
        let request = SummaryRequest {
            path: Some(stored.path),
            length: Length::Short,
        };
        let summary = self.summarize(None, &request, &mut |event| match event {
            SummaryEvent::Reading {
                documents,
                documents_total,
                ..
            } => on_event(AskEvent::Looking {
                done: documents,
                total: documents_total,
            }),
            _ => ControlFlow::Continue(()),
        })?;
        let Some(summary) = summary else {
            draft.answer.stopped = true;
            return Ok(true);
        };
        let of_parts = summary.parts.iter().flat_map(|part| &part.lines);
        let quoted = summary.lines.iter().chain(of_parts);
        let quoted = quoted.filter_map(|line| match line {
            Line::Quote { citation, .. } => Some(*citation),
            _ => None,
        });
        draft.answer.evidence = quoted.collect();
        let is_quoted = |number: &usize| draft.answer.evidence.contains(number);
        let citations = summary.citations.into_iter();
        draft.answer.citations = citations.filter(|c| is_quoted(&c.number)).collect();
        draft.answer.abstained = draft.answer.evidence.is_empty();
        draft.answer.finding = Some(format!(
            "What {} says, in its own sentences ({}).",
            summary.title,
            summary.coverage.to_text(0)
        ));
        let searched = self.searched(
            asked,
            &SearchResults {
                documents: 1,
                vectors_complete: true,
                ..SearchResults::default()
            },
        )?;
        draft.tell(searched, on_event);
        Ok(true)
    }
}
