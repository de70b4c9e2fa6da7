//! `docent ask`: an answer with citations, quoted evidence first.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use docent_core::answer::Answer;
use docent_core::citation::Citation;
use docent_core::document::Locator;
use docent_core::model::Generator;
use docent_core::query::Filters;
use docent_engine::ask::Question;
use docent_engine::collection::Collection;
use docent_engine::event::{AskEvent, PassageView, PromptBudget, Searched, Timings};
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
/// is checked against them: a sentence without support begins with `?`. The question may narrow
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

/// A line of `docent ask --json`.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    id: &'a Value,
    answer: String,
    citations: Vec<Cited<'a>>,
    abstained: bool,
    passages: &'a [PassageView],
    timings: Timings,
}

/// A citation in it. `[n]` in the answer is the n-th of these.
#[derive(Debug, Serialize)]
struct Cited<'a> {
    path: &'a str,
    locator: &'a Locator,
    quote: &'a str,
    start: usize,
    end: usize,
}

impl<'a> From<&'a Citation> for Cited<'a> {
    fn from(citation: &'a Citation) -> Cited<'a> {
        Cited {
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
        refresh(app, &collection, true);
    }
    let generator = loading.map(|loading| loading.wait()).transpose()?;
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
        match one(app, &collection, generator.as_ref(), &filters, query)? {
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
) -> Result<Option<Answer>> {
    for bad in docent_core::query::Query::parse(&query.text).unknown {
        app.output
            .note(printable_line(&format!("{bad}. Searched for as a word.")));
    }
    let question = Question {
        text: query.text.clone(),
        history: Vec::new(),
        filters: filters.clone(),
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
            AskEvent::Evidence(quotes) if is_live => {
                self.tell_quotes(quotes.iter())?;
            }
            AskEvent::Evidence(_) => {}
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
                answer: answer.to_text(),
                citations: answer.citations.iter().map(Cited::from).collect(),
                abstained: answer.abstained,
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
        if output.is_live() {
            if let Some(live) = &self.live {
                output.piece(live.take_back())?;
            }
        } else {
            let numbered = |number| answer.citations.iter().find(|c| c.number == number);
            self.tell_quotes(
                answer
                    .evidence
                    .iter()
                    .filter_map(|&number| numbered(number)),
            )?;
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

    /// The quotes, and a blank line below them.
    fn tell_quotes<'q>(&self, quotes: impl Iterator<Item = &'q Citation>) -> Result<()> {
        let mut any = false;
        for quote in quotes {
            any = true;
            self.app.output.line(quoted(self.app, quote))?;
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
        for citation in &answer.citations {
            let place = format!("{}, {}", printable_line(&citation.path), citation.locator);
            output.line(format_args!(
                "[{}] {}",
                citation.number,
                output.styled(Style::Place, place)
            ))?;
        }
        Ok(())
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
