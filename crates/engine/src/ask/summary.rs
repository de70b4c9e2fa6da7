//! Summaries, where a question asks for one: of the file or folder that it names, or of all.

use std::ops::ControlFlow;

use docent_core::citation::Citation;
use docent_core::question;
use docent_store::DocumentId;

use super::retrieve::{self, Asked};
use super::{Draft, OnEvent, Read};
use crate::collection::Collection;
use crate::error::EngineError;
use crate::event::{AskEvent, PassageView};
use crate::search::SearchResults;
use crate::summarize::{Length, Line, Subject, Summary, SummaryEvent, SummaryRequest};

impl Collection {
    /// Summarises what the question names, in its own sentences. `false` where it names nothing:
    /// then it is answered from the best passages.
    pub(super) fn summary(
        &self,
        asked: &Asked,
        draft: &mut Draft,
        on_event: &mut OnEvent<'_>,
    ) -> Result<bool, EngineError> {
        let Some(request) = self.summary_request(asked)? else {
            return Ok(false);
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
        let documents = summary.coverage.documents as u64;
        match summary.subject {
            Subject::Document => draft.tell_quotes(summary),
            Subject::Folder | Subject::Codebase => draft.tell_report(summary),
        }
        let results = SearchResults {
            documents,
            vectors_complete: true,
            ..SearchResults::default()
        };
        let mut searched = self.searched(asked, &results)?;
        searched.documents = documents;
        searched.passages = self.cited(&draft.answer.citations)?;
        draft.tell(searched, on_event);
        Ok(true)
    }

    /// The quotes as passages, so that each can be looked at where it stands.
    fn cited(&self, citations: &[Citation]) -> Result<Vec<PassageView>, EngineError> {
        let mut read = Vec::new();
        for citation in citations {
            let stored = self.reader().find_document(None, &citation.path)?;
            let span = citation.start..citation.end;
            read.extend(stored.and_then(|stored| Read::at(stored, span, citation.passage)));
        }
        Ok(retrieve::views(&read))
    }

    /// What is to be summarised: everything, a path, or the one document that the words name.
    fn summary_request(&self, asked: &Asked) -> Result<Option<SummaryRequest>, EngineError> {
        let filters = &asked.query.filters;
        let subject = question::summary_subject(&asked.reading.about);
        let is_everything = subject.is_empty() || question::is_everything(&subject);
        if filters.is_empty() && is_everything {
            return Ok(Some(SummaryRequest::default()));
        }
        let bare = subject.trim_matches(|c: char| c.is_whitespace() || "'`?.".contains(c));
        let path = question::in_quotes(&asked.reading.about).unwrap_or(bare);
        if filters.is_empty() && self.has_path(path)? {
            return Ok(Some(SummaryRequest {
                path: Some(path.to_owned()),
                length: Length::Short,
            }));
        }
        let named = match filters.documents.is_empty() {
            true => self.named(&subject, filters)?,
            false => filters.documents.clone(),
        };
        let [document] = named[..] else {
            return Ok(None);
        };
        let stored = self.reader().document(DocumentId(document))?;
        Ok(stored.map(|stored| SummaryRequest {
            path: Some(stored.path),
            length: Length::Short,
        }))
    }
}

impl Draft {
    /// A document's summary: its sentences are the evidence.
    fn tell_quotes(&mut self, summary: Summary) {
        let of_parts = summary.parts.iter().flat_map(|part| &part.lines);
        let quoted = summary.lines.iter().chain(of_parts);
        let quoted = quoted.filter_map(|line| match line {
            Line::Quote { citation, .. } => Some(*citation),
            _ => None,
        });
        let answer = &mut self.answer;
        answer.evidence = quoted.collect();
        answer.finding = Some(format!(
            "What {} says, in its own sentences ({}).",
            summary.title,
            summary.coverage.to_text(0)
        ));
        let citations = summary.citations.into_iter();
        answer.citations = citations
            .filter(|citation| answer.evidence.contains(&citation.number))
            .collect();
        answer.abstained = answer.evidence.is_empty();
    }

    /// A folder's or a codebase's summary: part by part, what was counted beside what is quoted.
    fn tell_report(&mut self, summary: Summary) {
        self.answer.abstained = summary.coverage.documents == 0;
        let (told, coverage) = (summary.to_text(), summary.coverage.to_text(0));
        self.answer.finding = Some(format!("{}\n\n({coverage})", told.trim_end()));
        self.answer.citations = summary.citations;
    }
}
