//! `docent ask`: an answer with citations, quoted evidence first.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use docent_core::answer::{Answer, Sentence, Survey};
use docent_core::citation::Citation;
use docent_core::document::Locator;
use docent_core::evidence::Bearing;
use docent_core::model::Generator;
use docent_core::query::Filters;
use docent_core::question::Kind;
use docent_engine::ask::Question;
use docent_engine::collection::Collection;
use docent_engine::embedding::Vectors;
use docent_engine::event::{AskEvent, PassageView, PromptBudget, Searched, SearchedTerm, Timings};
use serde::Serialize;
use serde_json::Value;

use super::export::{self, RedactFlag};
use super::filters::FilterArgs;
use super::queries::{Query, QueryArgs};
use super::{Status, WalkFlags};
use crate::app::App;
use crate::failure::{Failure, Result};
use crate::interrupt;
use crate::live::LiveText;
use crate::output::{Style, counted};
use crate::printable::{printable, printable_line};
use crate::progress::ProgressLine;
use crate::refresh::refresh;
use crate::report;

/// Passages shown when nothing was found that bears on the question.
const NEAREST_SHOWN: usize = 3;

/// Ask a question; get quotes, an answer, and where each comes from.
///
/// Quoted sentences come first and stand in the documents word for word. What the model adds
/// is checked against them: a sentence without support begins with `?`. "Which contracts …" and
/// "how many documents …" look at every document and tell how many that were; "timeline of …"
/// and "difference between … and …" are answered in their own form. The question may narrow
/// the documents as a search does (type:pdf, after:2024-03, from:smith; see `docent help search`).
#[derive(Debug, Args)]
pub(crate) struct Ask {
    #[command(flatten)]
    query: QueryArgs,
    /// Where to look: a collection's name or a folder.
    #[arg(long = "in", value_name = "WHERE")]
    place: Option<String>,
    /// Answer by quotes alone, without a model.
    #[arg(long)]
    no_model: bool,
    /// The kind of answer, where the question's words do not tell it.
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<AnswerKind>,
    /// Ask what is indexed, without looking for changes first.
    #[arg(long)]
    no_index: bool,
    /// Write the answers into this new file, too, with footnotes: Markdown, or HTML where its
    /// name ends in .html.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    #[command(flatten)]
    redact: RedactFlag,
    #[command(flatten)]
    walk: WalkFlags,
    // Last, because its heading would stand over what follows.
    #[command(flatten)]
    filters: FilterArgs,
}

/// A kind of answer, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AnswerKind {
    /// What the best passages say.
    LookUp,
    /// Whether something is so.
    YesNo,
    /// Which documents it holds for; looks at every one.
    List,
    /// How many documents it holds for; looks at every one.
    Count,
    /// Two things side by side.
    Compare,
    /// What the documents say as a whole.
    Summary,
    /// What happened, in order of time.
    Timeline,
    /// Where something is defined in code.
    Definition,
}

impl From<AnswerKind> for Kind {
    fn from(kind: AnswerKind) -> Kind {
        match kind {
            AnswerKind::LookUp => Kind::LookUp,
            AnswerKind::YesNo => Kind::YesNo,
            AnswerKind::List => Kind::List,
            AnswerKind::Count => Kind::Count,
            AnswerKind::Compare => Kind::Compare,
            AnswerKind::Summary => Kind::Summary,
            AnswerKind::Timeline => Kind::Timeline,
            AnswerKind::Definition => Kind::Definition,
        }
    }
}

/// A line of `docent ask --json`.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    id: &'a Value,
    kind: Kind,
    answer: String,
    /// What docent says of it itself, by a rule.
    finding: Option<&'a str>,
    citations: Vec<Cited<'a>>,
    /// What the model wrote, each sentence with its standing.
    sentences: &'a [Sentence],
    abstained: bool,
    /// What was decided for each document.
    survey: Option<&'a Survey>,
    searched: Scope<'a>,
    passages: &'a [PassageView],
    timings: Timings,
}

/// What was searched.
#[derive(Debug, Serialize)]
struct Scope<'a> {
    query: &'a str,
    terms: &'a [SearchedTerm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    notes: &'a [String],
    documents: u64,
    bearing: Bearing,
}

/// A citation in it. `[n]` in the answer is the n-th of these.
#[derive(Debug, Serialize)]
struct Cited<'a> {
    path: &'a str,
    locator: &'a Locator,
    quote: &'a str,
    start: usize,
    end: usize,
    /// What it stands for: a date, a side, a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
}

impl<'a> Cited<'a> {
    fn of(answer: &'a Answer, citation: &'a Citation) -> Cited<'a> {
        Cited {
            label: answer.labels.get(&citation.number).map(String::as_str),
            path: &citation.path,
            locator: &citation.locator,
            quote: &citation.quote,
            start: citation.start,
            end: citation.end,
        }
    }
}

pub(super) fn run(app: &App, args: &Ask) -> Result<Status> {
    let queries = args.query.read()?;
    let filters = args.filters.read()?;
    if args.redact.is_set() && args.export.is_none() {
        return Err(
            Failure::user("--redact is about a file that leaves; none is named")
                .hint("Name it with --export FILE."),
        );
    }
    let library = args.walk.library(app)?;
    let collection = app.place(&library, args.place.as_deref())?;
    let loading = (!args.no_model).then(|| app.load_generator());
    if !args.no_index {
        refresh(app, &collection, Vectors::Searched);
    }
    let generator = loading.map(|loading| loading.wait_and_tell(app));
    let generator = generator.transpose()?;
    let mut answered = false;
    let mut failed = false;
    let mut told = Vec::new();
    for query in &queries {
        if interrupt::asked() {
            failed = true;
            break;
        }
        if args.query.is_batch() && !app.output.json {
            let heading = printable_line(&query.text);
            app.output.line(app.output.styled(Style::Bold, heading))?;
        }
        let kind = args.kind.map(Kind::from);
        match one(app, &collection, generator.as_ref(), &filters, query, kind)? {
            Some(answer) => {
                answered |= !answer.abstained;
                failed |= answer.stopped;
                told.push((query.text.as_str(), answer));
            }
            None => failed = true,
        }
    }
    if let Some(file) = &args.export {
        let report = report::of_exchanges(told.iter().map(|(asked, answer)| (*asked, answer)));
        let report = args.redact.apply(app, report);
        export::save(app, file, &report.to_text(report::layout_of(file)))?;
    }
    Ok(Status::look_at_if(failed || !answered))
}

/// Answers one question and tells the answer. `None` where that failed, which is told.
fn one(
    app: &App,
    collection: &Collection,
    generator: Option<&Arc<dyn Generator>>,
    filters: &Filters,
    query: &Query,
    kind: Option<Kind>,
) -> Result<Option<Answer>> {
    for bad in docent_core::query::Query::parse(&query.text).unknown {
        app.output
            .note(printable_line(&format!("{bad}. Searched for as a word.")));
    }
    let question = Question {
        text: query.text.clone(),
        filters: filters.clone(),
        kind,
        ..Question::default()
    };
    let mut telling = Telling::new(app);
    collection.ask(
        generator.map(|generator| generator.as_ref()),
        &question,
        &mut |event| telling.hear(event),
    );
    telling.finish(query)
}

/// What has been heard of an answer, and told of it.
struct Telling<'a> {
    app: &'a App,
    searched: Searched,
    budget: PromptBudget,
    reading: Option<ProgressLine>,
    began_to_write: bool,
    told_quotes: bool,
    live: Option<LiveText>,
    finished: Option<(Answer, Timings)>,
    failure: Option<Failure>,
}

impl<'a> Telling<'a> {
    fn new(app: &'a App) -> Telling<'a> {
        Telling {
            app,
            searched: Searched::default(),
            budget: PromptBudget::default(),
            reading: None,
            began_to_write: false,
            told_quotes: false,
            live: None,
            finished: None,
            failure: None,
        }
    }

    /// Takes an event; breaks when a person has had enough or nobody reads any more.
    fn hear(&mut self, event: AskEvent) -> ControlFlow<()> {
        match self.take(event) {
            Err(failure) => {
                self.failure = Some(failure);
                ControlFlow::Break(())
            }
            Ok(()) if interrupt::asked() => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
        }
    }

    fn take(&mut self, event: AskEvent) -> Result<()> {
        let is_live = self.app.output.is_live();
        match event {
            AskEvent::Searched(searched) => self.searched = searched,
            AskEvent::Looking { done, total } => {
                let line = || ProgressLine::new(&self.app.output, "documents");
                let line = self.reading.get_or_insert_with(line);
                line.show_part("looking at documents", done, total);
            }
            // Where a model writes below them, the quotes are shown while it reads.
            AskEvent::Evidence(quotes) if is_live && self.searched.is_phrased() => {
                self.told_quotes = true;
                self.tell_quotes(quotes.iter(), &BTreeMap::new())?;
            }
            AskEvent::Evidence(_) => self.reading = None,
            AskEvent::Prompt(budget) => self.budget = budget,
            // The prompt is read before the first word; later there is nothing to wait for.
            AskEvent::Reading { .. } if self.began_to_write => {}
            AskEvent::Reading { done, total } => {
                let line = || ProgressLine::new(&self.app.output, "model");
                let line = self.reading.get_or_insert_with(line);
                line.show_part("reading, tokens", done, total);
            }
            AskEvent::Token(text) => {
                self.began_to_write = true;
                self.reading = None;
                if !is_live {
                    return Ok(());
                }
                let live = self.live.get_or_insert_with(LiveText::begin);
                let shown = live.add(&printable(&text));
                self.app.output.piece(shown)?;
            }
            AskEvent::Finished(answer, timings) => {
                self.reading = None;
                self.finished = Some((*answer, timings));
            }
            AskEvent::Failed(why) => self.failure = Some(Failure::user(why)),
        }
        Ok(())
    }

    /// Tells what has not been told yet.
    fn finish(self, query: &Query) -> Result<Option<Answer>> {
        if let Some(failure) = self.failure {
            if failure.status() == 0 || query.id.is_null() {
                return Err(failure);
            }
            self.app
                .output
                .warning(format_args!("question {}: {failure}", query.id));
            return Ok(None);
        }
        let Some((answer, timings)) = &self.finished else {
            return Err(Failure::internal("the answer has no end"));
        };
        if self.app.output.json {
            self.app.output.json(&Answered {
                id: &query.id,
                kind: self.searched.kind,
                answer: answer.to_text(),
                finding: answer.finding.as_deref(),
                citations: (answer.citations.iter())
                    .map(|citation| Cited::of(answer, citation))
                    .collect(),
                sentences: &answer.sentences,
                abstained: answer.abstained,
                survey: answer.survey.as_ref(),
                searched: Scope {
                    query: &self.searched.query,
                    terms: &self.searched.terms,
                    notes: &self.searched.notes,
                    documents: self.searched.documents,
                    bearing: self.searched.bearing,
                },
                passages: &self.searched.passages,
                timings: *timings,
            })?;
        } else {
            self.tell_answer(answer)?;
            self.tell_sources(answer)?;
            self.tell_cost(timings);
        }
        Ok(self.finished.map(|(answer, _)| answer))
    }

    /// The quotes and the model's words, as checked. On a terminal the quotes are there
    /// already, and the checked words take the place of those that streamed.
    fn tell_answer(&self, answer: &Answer) -> Result<()> {
        let output = &self.app.output;
        if let Some(live) = self.live.as_ref().filter(|_| output.is_live()) {
            output.piece(live.take_back())?;
        }
        if let Some(finding) = &answer.finding {
            for line in finding.lines() {
                output.line(output.styled(Style::Bold, printable_line(line)))?;
            }
        }
        if let Some(survey) = &answer.survey {
            self.tell_survey(survey, answer)?;
        } else if !self.told_quotes {
            self.tell_quotes(answer.quotes(), &answer.labels)?;
        }
        let words: Vec<String> = answer.sentences.iter().map(|s| s.to_text()).collect();
        if !words.is_empty() {
            let text = printable(&words.join(" ")).into_owned();
            let mut settled = LiveText::begin();
            match output.is_live() {
                true => output.line(settled.add(&text))?,
                false => output.line(text)?,
            }
        }
        if answer.stopped {
            output.note("Stopped; this is what had come.");
        }
        if answer.abstained {
            self.tell_nothing_found()?;
        }
        Ok(())
    }

    /// The documents that match, each with the quote that decided; then the number of others.
    fn tell_survey(&self, survey: &Survey, answer: &Answer) -> Result<()> {
        let output = &self.app.output;
        for row in survey.rows.iter().filter(|row| row.matches) {
            output.line(output.styled(Style::Place, printable_line(&row.path)))?;
            let number = |c: &&Citation| Some(c.number) == row.citation;
            if let Some(citation) = answer.citations.iter().find(number) {
                output.line(format_args!("  {}", quoted(self.app, citation)))?;
            }
        }
        Ok(output.line("")?)
    }

    /// The quotes, each with what it stands for, and a blank line below them.
    fn tell_quotes<'q>(
        &self,
        quotes: impl Iterator<Item = &'q Citation>,
        labels: &BTreeMap<usize, String>,
    ) -> Result<()> {
        let mut any = false;
        for quote in quotes {
            any = true;
            let label = labels.get(&quote.number);
            let label = label.map(|label| format!("{}: ", printable_line(label)));
            let text = quoted(self.app, quote);
            self.app.output.line(label.unwrap_or_default() + &text)?;
        }
        if any {
            self.app.output.line("")?;
        }
        Ok(())
    }

    /// What was searched, and what came nearest.
    fn tell_nothing_found(&self) -> Result<()> {
        let output = &self.app.output;
        output.line(format_args!(
            "Nothing that bears on this was found in {}.",
            counted(self.searched.documents, "document")
        ))?;
        let query = printable_line(&self.searched.query);
        output.line(output.styled(Style::Dim, format_args!("Searched for: {query}")))?;
        let terms = self.searched.terms.iter().map(|term| {
            let passages = counted(term.passages as u64, "passage");
            format!("{} in {passages}", printable_line(&term.term))
        });
        let terms: Vec<String> = terms.collect();
        if !terms.is_empty() {
            let text = format!("By its words: {}", terms.join(", "));
            output.line(output.styled(Style::Dim, text))?;
        }
        if !self.searched.passages.is_empty() {
            output.line("Nearest:")?;
        }
        for passage in self.searched.passages.iter().take(NEAREST_SHOWN) {
            let place = format!("{}, {}", printable_line(&passage.path), passage.locator);
            output.line(format_args!("  {}", output.styled(Style::Place, place)))?;
            let text: String = printable_line(&passage.text).chars().take(200).collect();
            output.line(format_args!("    {text}"))?;
        }
        Ok(())
    }

    /// `[1] lease.pdf, page 2`, for each citation.
    fn tell_sources(&self, answer: &Answer) -> Result<()> {
        let output = &self.app.output;
        if !answer.citations.is_empty() && !answer.sentences.is_empty() {
            output.line("")?;
        }
        Ok(output.sources(&answer.citations)?)
    }

    /// What was searched and read, on stderr.
    fn tell_cost(&self, timings: &Timings) {
        let budget = &self.budget;
        let mut text = format!(
            "searched {}, {} ms",
            counted(self.searched.documents, "document"),
            timings.retrieve_ms
        );
        if budget.context_tokens > 0 {
            text += &format!(
                "; the model read {} in {} of {} tokens",
                counted(budget.passages_used as u64, "passage"),
                budget.prompt_tokens,
                budget.context_tokens
            );
        }
        if budget.passages_left_out > 0 {
            text += &format!(", {} did not fit", budget.passages_left_out);
        }
        if let Some(first) = timings.first_token_ms {
            text += &format!("; first word after {first} ms");
        }
        text += &format!("; {:.1} s in all", timings.total_ms as f64 / 1000.0);
        if !self.searched.vectors_complete {
            text += "; not every passage has its vector yet";
        }
        for note in &self.searched.notes {
            self.app.output.note(printable_line(note));
        }
        let text = self.app.output.styled_note(Style::Dim, text);
        self.app.output.note(text);
    }
}

/// A quote with its number: `“…” [1]`.
fn quoted(app: &App, citation: &Citation) -> String {
    format!(
        "“{}” {}",
        printable_line(&citation.quote),
        app.output
            .styled(Style::Place, format_args!("[{}]", citation.number))
    )
}
