//! Questions and answers: turns, the rows that they become, and the sources they rest on.

use std::time::Duration;

use docent_core::answer::{Answer, Sentence, Support, one_line};
use docent_core::citation::Citation;
use docent_core::document::Locator;
use docent_engine::ask::{Earlier, Exchange as Said, Question};
use docent_engine::event::{PassageView, PromptBudget, Searched, Timings};

use super::Picker;
use super::input::Input;
use super::viewer::Viewer;
use crate::tui::message::{Exchange, Target, Ticket};
use crate::tui::text::{self, Prose, Row, Tone};

/// Nearest passages that are listed when nothing was found.
const NEAREST_SHOWN: usize = 3;

/// How far an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Passages are searched.
    Searching,
    /// Every document is looked at.
    Looking {
        /// Documents that were looked at.
        done: usize,
        /// Documents in the scope.
        total: usize,
    },
    /// The model reads the prompt.
    Reading {
        /// Tokens read.
        done: usize,
        /// Tokens of the prompt.
        total: usize,
    },
    /// The model writes.
    Writing,
    /// It is there.
    Done,
    /// It could not be answered: why, and what to do.
    Failed(String),
}

/// A question with what has come for it.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    /// Events of this number are for it.
    pub(crate) ticket: Ticket,
    /// What was asked.
    pub(crate) question: String,
    /// When, since the start.
    pub(crate) asked: Duration,
    /// How far it is.
    pub(crate) stage: Stage,
    /// Whether it was asked to stop.
    pub(crate) stopping: bool,
    /// What was searched and found.
    pub(crate) searched: Option<Searched>,
    /// Checked quotes, before the answer is there.
    pub(crate) evidence: Vec<Citation>,
    /// How the prompt's tokens are spent.
    pub(crate) budget: Option<PromptBudget>,
    /// What the model has written so far.
    pub(crate) written: String,
    /// Pieces in which it came.
    pub(crate) tokens: u64,
    /// The checked answer.
    pub(crate) answer: Option<Answer>,
    /// What it cost.
    pub(crate) timings: Option<Timings>,
    /// Documents by passage number, for turns that were loaded.
    pub(crate) documents: Vec<(usize, i64)>,
    /// Its rows at the width of the last layout.
    pub(crate) rows: Vec<Row>,
}

/// Something that an answer rests on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SourceLine {
    /// The number of `[n]`.
    pub(crate) number: usize,
    /// Path of the file below its root.
    pub(crate) path: String,
    /// Where in it.
    pub(crate) locator: Locator,
    /// Its words.
    pub(crate) quote: String,
    /// Where to look.
    pub(crate) target: Option<Target>,
}

impl Turn {
    /// A question that was just asked.
    pub(crate) fn new(ticket: Ticket, question: String, asked: Duration) -> Turn {
        Turn {
            ticket,
            question,
            asked,
            stage: Stage::Searching,
            stopping: false,
            searched: None,
            evidence: Vec::new(),
            budget: None,
            written: String::new(),
            tokens: 0,
            answer: None,
            timings: None,
            documents: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// A turn of a conversation that was kept.
    pub(crate) fn stored(ticket: Ticket, exchange: Exchange) -> Turn {
        Turn {
            stage: Stage::Done,
            answer: Some(exchange.answer),
            documents: exchange.documents,
            ..Turn::new(ticket, exchange.question, Duration::ZERO)
        }
    }

    /// Whether something still comes for it.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.stage, Stage::Done | Stage::Failed(_))
    }

    /// Passages that were found.
    fn passages(&self) -> &[PassageView] {
        self.searched.as_ref().map_or(&[], |s| &s.passages)
    }

    /// The document of a passage.
    fn document_of(&self, passage: usize) -> Option<i64> {
        let found = self.passages().iter().find(|p| p.number == passage);
        found.map(|p| p.document).or_else(|| {
            let kept = self.documents.iter().find(|(number, _)| *number == passage);
            kept.map(|(_, document)| *document)
        })
    }

    fn citations(&self) -> &[Citation] {
        match &self.answer {
            Some(answer) => &answer.citations,
            None => &self.evidence,
        }
    }

    /// What the answer rests on: its citations; where it has none, the passages nearest to the
    /// question.
    pub(crate) fn sources(&self) -> Vec<SourceLine> {
        let cited: Vec<SourceLine> = self
            .citations()
            .iter()
            .map(|citation| SourceLine {
                number: citation.number,
                path: citation.path.clone(),
                locator: citation.locator.clone(),
                quote: citation.quote.clone(),
                target: self.document_of(citation.passage).map(|document| Target {
                    document,
                    path: citation.path.clone(),
                    quote: citation.quote.clone(),
                    passage: citation.start..citation.end,
                    terms: Vec::new(),
                }),
            })
            .collect();
        if !cited.is_empty() {
            return cited;
        }
        let nearest = self.passages().iter().map(|passage| SourceLine {
            number: passage.number,
            path: passage.path.clone(),
            locator: passage.locator.clone(),
            quote: passage.text.clone(),
            target: Some(Target {
                document: passage.document,
                path: passage.path.clone(),
                quote: passage.text.clone(),
                passage: passage.start..passage.end,
                terms: Vec::new(),
            }),
        });
        nearest.collect()
    }

    /// The exchange as it is kept, once the answer is there.
    pub(crate) fn exchange(&self) -> Option<Exchange> {
        let passages = self.passages().iter();
        Some(Exchange {
            question: self.question.clone(),
            answer: self.answer.clone()?,
            documents: passages.map(|p| (p.number, p.document)).collect(),
        })
    }

    /// Makes the rows again.
    pub(crate) fn lay_out(&mut self, columns: usize) {
        let mut rows = Vec::new();
        for row in text::wrap(&self.question, columns.saturating_sub(2)) {
            let row = Row::new(&self.question[row], Tone::Question);
            rows.push(row.indented("▌ ", Tone::Question));
        }
        rows.push(Row::default());
        if let Some(finding) = self
            .answer
            .as_ref()
            .and_then(|answer| answer.finding.as_ref())
        {
            let mut prose = Prose::default();
            prose.push(finding, Tone::Strong);
            rows.extend(prose.rows(columns));
        }
        for citation in self.quoted() {
            rows.extend(quote(citation, self.label(citation)).rows(columns));
        }
        let wording = self.wording();
        if !wording.is_empty() {
            rows.extend(wording.rows(columns));
        }
        rows.extend(self.standing(columns));
        rows.push(Row::default());
        self.rows = rows;
    }

    /// The quotes that lead the answer.
    fn quoted(&self) -> Vec<&Citation> {
        match &self.answer {
            None => self.evidence.iter().collect(),
            Some(answer) => answer.quotes().collect(),
        }
    }

    /// What a quote stands for: its date, its document, its side.
    fn label(&self, citation: &Citation) -> Option<&str> {
        let labels = &self.answer.as_ref()?.labels;
        labels.get(&citation.number).map(String::as_str)
    }

    /// The model's words: as they come, then checked.
    fn wording(&self) -> Prose {
        let mut prose = Prose::default();
        match &self.answer {
            None => prose.push(self.written.trim_start(), Tone::Plain),
            Some(answer) => {
                for sentence in &answer.sentences {
                    prose.space();
                    push_sentence(&mut prose, sentence);
                }
            }
        }
        prose
    }

    /// What was searched, how far it is, what it cost.
    fn standing(&self, columns: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(answer) = &self.answer {
            if answer.abstained {
                rows.extend(self.nothing_found(columns));
            }
            if answer.stopped {
                rows.push(Row::new("stopped: this is what had come", Tone::Meta));
            }
        }
        if let Stage::Failed(reason) = &self.stage {
            let mut prose = Prose::default();
            prose.push("✗ ", Tone::Failure);
            prose.push(reason, Tone::Failure);
            rows.extend(prose.rows(columns));
        }
        for note in self.searched.iter().flat_map(|searched| &searched.notes) {
            let mut prose = Prose::default();
            prose.push(note, Tone::Meta);
            rows.extend(prose.rows(columns));
        }
        let mut meta = Prose::default();
        meta.push(&self.meta(), Tone::Meta);
        if !meta.is_empty() {
            let lines = meta.rows(columns).into_iter();
            rows.extend(lines.map(|row| row.right_aligned(columns)));
        }
        rows
    }

    fn nothing_found(&self, columns: usize) -> Vec<Row> {
        let mut prose = Prose::default();
        let documents = self.searched.as_ref().map_or(0, |s| s.documents);
        let searched = text::counted(documents, "file");
        prose.push(
            &format!("Nothing was found that bears on this ({searched} searched)."),
            Tone::Strong,
        );
        let terms = self.searched.iter().flat_map(|searched| &searched.terms);
        let terms: Vec<String> = terms
            .map(|term| {
                let passages = text::counted(term.passages as u64, "passage");
                format!("{} in {passages}", term.term)
            })
            .collect();
        if !terms.is_empty() {
            prose.push(&format!("\nSearched for {}.", terms.join(", ")), Tone::Meta);
        }
        let nearest = &self.passages()[..self.passages().len().min(NEAREST_SHOWN)];
        if !nearest.is_empty() {
            prose.push("\nNearest:", Tone::Plain);
        }
        for passage in nearest {
            prose.push("\n", Tone::Plain);
            prose.push(&format!("[{}]", passage.number), Tone::Pin(passage.number));
            let place = format!(" {} {}", passage.path, passage.locator);
            prose.push(&place, Tone::Plain);
        }
        prose.rows(columns)
    }

    /// One line on what was done: counts, tokens, time.
    fn meta(&self) -> String {
        let mut parts = Vec::new();
        if let Some(searched) = &self.searched {
            let files = text::counted(searched.documents, "file");
            parts.push(format!("searched {files}"));
            if !searched.vectors_complete {
                parts.push("by meaning in part only: indexing goes on".to_owned());
            }
        }
        if let Some(budget) = &self.budget {
            parts.push(format!("{} read", budget.passages_used));
            if budget.passages_left_out > 0 {
                parts.push(format!("{} did not fit", budget.passages_left_out));
            }
            let used = text::count(budget.prompt_tokens as u64);
            let context = text::count(budget.context_tokens as u64);
            parts.push(format!("{used} of {context} tokens"));
        }
        if self.is_running() && self.stopping {
            parts.push("stopping".to_owned());
        }
        if let Some(timings) = &self.timings {
            parts.push(format!("{:.1} s", timings.total_ms as f64 / 1000.0));
        }
        parts.join(" · ")
    }

    /// What is done for it at this moment, and for how long; `None` once it is answered.
    pub(crate) fn doing(&self, now: Duration) -> Option<String> {
        let waited = text::duration(now.saturating_sub(self.asked).as_secs_f64());
        match &self.stage {
            Stage::Searching => Some(format!("searching · {waited}")),
            Stage::Looking { done, total } => {
                let (done, total) = (text::count(*done as u64), text::count(*total as u64));
                Some(format!("looked at {done} of {total} documents · {waited}"))
            }
            Stage::Reading { done, total } => {
                let (done, total) = (text::count(*done as u64), text::count(*total as u64));
                Some(format!("read {done} of {total} tokens · {waited}"))
            }
            Stage::Writing => Some(format!("writing · {waited}")),
            Stage::Done | Stage::Failed(_) => None,
        }
    }

    /// Tokens per second that the model wrote, once it is done.
    pub(crate) fn speed(&self) -> Option<f64> {
        let timings = self.timings?;
        let millis = timings.total_ms.saturating_sub(timings.first_token_ms?);
        (self.tokens > 1 && millis > 0).then(|| self.tokens as f64 * 1000.0 / millis as f64)
    }
}

fn quote(citation: &Citation, label: Option<&str>) -> Prose {
    let mut prose = Prose::default();
    if let Some(label) = label {
        prose.push(&format!("{label}: "), Tone::Meta);
    }
    let words = format!("“{}”", one_line(&citation.quote));
    prose.push(&words, Tone::Quote);
    prose.push(" ", Tone::Plain);
    prose.push(
        &format!("[{}]", citation.number),
        Tone::Pin(citation.number),
    );
    prose
}

/// The sentence with its marks: pins before the full stop, `?` in front without support.
fn push_sentence(prose: &mut Prose, sentence: &Sentence) {
    match &sentence.support {
        Support::NoClaim => prose.push(&sentence.text, Tone::Plain),
        Support::Unsupported => prose.push(&sentence.to_text(), Tone::Unsupported),
        Support::Cited { citations } => {
            let stops = ['.', '!', '?', '。', '！', '？'];
            let body = sentence.text.trim_end_matches(stops);
            prose.push(body, Tone::Plain);
            for number in citations {
                prose.push(" ", Tone::Plain);
                prose.push(&format!("[{number}]"), Tone::Pin(*number));
            }
            prose.push(&sentence.text[body.len()..], Tone::Plain);
        }
    }
}

/// The conversation and what stands beside it.
#[derive(Debug)]
pub(crate) struct AskPane {
    /// What is being asked.
    pub(crate) input: Input,
    /// What the conversation is called before the store has a number for it.
    pub(crate) conversation: Ticket,
    /// The conversation in the store, once something of it is kept.
    pub(crate) stored: Option<i64>,
    /// The request for another conversation that is on its way.
    pub(crate) loading: Option<Ticket>,
    /// From first to last.
    pub(crate) turns: Vec<Turn>,
    /// The first row of the conversation that is shown.
    pub(crate) top: usize,
    /// Whether the end is shown and stays shown as it grows.
    pub(crate) follows: bool,
    /// The turn whose beginning is never scrolled out by what follows: its question and its
    /// quotes matter more than the model's words below them.
    pinned: Option<usize>,
    /// The turn whose sources are listed; the last one unless a person chose another.
    pub(crate) turn: Option<usize>,
    /// The chosen source.
    pub(crate) picker: Picker,
    /// Whether a person chose what the viewer shows, so that nothing else may.
    pub(crate) looked: bool,
    /// The viewer.
    pub(crate) viewer: Viewer,
    /// Tokens per second of the last answer.
    pub(crate) speed: Option<f64>,
}

impl Default for AskPane {
    fn default() -> Self {
        AskPane {
            input: Input::new(true, "ask about your files"),
            conversation: Ticket::default(),
            stored: None,
            loading: None,
            turns: Vec::new(),
            top: 0,
            follows: true,
            pinned: None,
            turn: None,
            picker: Picker::default(),
            looked: false,
            viewer: Viewer::default(),
            speed: None,
        }
    }
}

impl AskPane {
    /// The turn for which something still comes.
    pub(crate) fn running(&self) -> Option<&Turn> {
        self.turns.iter().rev().find(|turn| turn.is_running())
    }

    /// The turn of a ticket, with its place.
    pub(crate) fn turn_of(&mut self, ticket: Ticket) -> Option<(usize, &mut Turn)> {
        let mut turns = self.turns.iter_mut().enumerate();
        turns.find(|(_, turn)| turn.ticket == ticket)
    }

    /// The place of the turn whose sources are listed.
    pub(crate) fn listed(&self) -> Option<usize> {
        let last = self.turns.len().checked_sub(1)?;
        Some(self.turn.unwrap_or(last).min(last))
    }

    /// The sources that are listed.
    pub(crate) fn sources(&self) -> Vec<SourceLine> {
        let listed = self.listed().and_then(|place| self.turns.get(place));
        listed.map(Turn::sources).unwrap_or_default()
    }

    /// Rows of the whole conversation.
    pub(crate) fn height(&self) -> usize {
        self.turns.iter().map(|turn| turn.rows.len()).sum()
    }

    /// The first row to show in a pane of `rows`.
    pub(crate) fn top_row(&self, rows: usize) -> usize {
        let last = self.height().saturating_sub(rows);
        match self.pinned {
            _ if !self.follows => self.top.min(last),
            Some(turn) => last.min(self.start_of(turn)),
            None => last,
        }
    }

    /// The first row of a turn.
    pub(crate) fn start_of(&self, turn: usize) -> usize {
        self.turns.iter().take(turn).map(|t| t.rows.len()).sum()
    }

    /// Shows the last turn from its beginning on, and what follows as far as there is room.
    pub(crate) fn follow_last(&mut self) {
        self.follows = true;
        self.pinned = self.turns.len().checked_sub(1);
    }

    /// Moves by rows; at the end it follows what comes.
    pub(crate) fn scroll(&mut self, by: isize, rows: usize) {
        let last = self.height().saturating_sub(rows);
        self.top = self.top_row(rows).saturating_add_signed(by).min(last);
        self.follows = self.top == last;
        self.pinned = None;
    }

    /// The turn, and the row in it, at a row of the conversation.
    pub(crate) fn place_of(&self, mut row: usize) -> Option<(usize, usize)> {
        for (place, turn) in self.turns.iter().enumerate() {
            if row < turn.rows.len() {
                return Some((place, row));
            }
            row -= turn.rows.len();
        }
        None
    }

    /// The rows from `top` on.
    pub(crate) fn rows_from(&self, top: usize) -> impl Iterator<Item = &Row> {
        self.turns.iter().flat_map(|turn| &turn.rows).skip(top)
    }

    /// The question with what was said before, for the engine.
    pub(crate) fn asked(&self, text: String) -> Question {
        let before = self.turns.iter().filter_map(|turn| {
            let answer = turn.answer.as_ref()?;
            let evidence = answer.quotes().filter_map(|quote| {
                Some(Earlier {
                    document: turn.document_of(quote.passage)?,
                    start: quote.start,
                    end: quote.end,
                })
            });
            Some(Said {
                question: turn.question.clone(),
                answer: answer.to_text(),
                evidence: evidence.collect(),
                told: answer.told.clone(),
            })
        });
        Question {
            history: before.collect(),
            text,
            ..Question::default()
        }
    }

    /// Begins a new conversation; what is being typed stays, and so does the viewer.
    pub(crate) fn clear(&mut self, conversation: Ticket) {
        self.conversation = conversation;
        self.stored = None;
        self.loading = None;
        self.turns.clear();
        self.top = 0;
        self.follows = true;
        self.pinned = None;
        self.turn = None;
        self.picker = Picker::default();
        self.looked = false;
    }
}
