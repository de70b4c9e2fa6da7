//! `docent search`: the passages that fit a query best.

use std::ops::Range;

use clap::{Args, ValueEnum};
use docent_core::document::Locator;
use docent_core::query::{Correction, Filters};
use docent_engine::collection::Collection;
use docent_engine::embedding::Vectors;
use docent_engine::error::EngineError;
use docent_engine::search::{
    Around, Effort, Hit, Mode, Reason, SearchRequest, SearchResults, Surroundings,
};
use serde::Serialize;
use serde_json::Value;

use super::filters::FilterArgs;
use super::queries::{Query, QueryArgs};
use super::{Status, WalkFlags};
use crate::app::App;
use crate::failure::Result;
use crate::output::{Style, counted};
use crate::printable::{printable, printable_line};
use crate::refresh::refresh;

/// How much of a hit is shown to a person, in characters.
const SNIPPET_CHARACTERS: usize = 320;

/// Find the passages that fit best.
///
/// A query is words; "a phrase in quotes" must be there; AND, OR, NOT and - join and forbid.
/// path:letters, type:pdf, title:lease, lang:german, after:2024-03, before:30d, date:2024,
/// from:smith and to:"Jane Doe" narrow the documents, and so do the flags of the same names; a -
/// in front turns one round. A search is always in one collection: --in says which. Words that
/// no document has are also tried in a spelling that some have, and that is told.
#[derive(Debug, Args)]
pub(crate) struct Search {
    #[command(flatten)]
    query: QueryArgs,
    /// Where to look: a collection's name or a folder.
    #[arg(long = "in", value_name = "WHERE")]
    place: Option<String>,
    /// Hits for each query at most.
    #[arg(long, short = 'n', value_name = "K")]
    limit: Option<usize>,
    /// Which retriever to ask.
    #[arg(long, value_enum, default_value = "hybrid")]
    mode: ModeArg,
    /// Search what is indexed, without looking for changes first.
    #[arg(long)]
    no_index: bool,
    /// Tell for each hit why it stands where it stands.
    #[arg(long)]
    explain: bool,
    /// Show each hit with so many passages before it and after it.
    #[arg(long, short = 'C', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    context: Option<u16>,
    /// Show each hit in its section: what stands under its heading, the function or type that it
    /// is a part of, or its page.
    #[arg(long, conflicts_with = "context")]
    section: bool,
    #[command(flatten)]
    walk: WalkFlags,
    // Last, because its heading would stand over what follows.
    #[command(flatten)]
    filters: FilterArgs,
}

/// The retrievers, as flags name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModeArg {
    /// By words and by meaning.
    Hybrid,
    /// By meaning alone.
    Dense,
    /// By words alone.
    Lexical,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Mode {
        match mode {
            ModeArg::Hybrid => Mode::Hybrid,
            ModeArg::Dense => Mode::Dense,
            ModeArg::Lexical => Mode::Lexical,
        }
    }
}

/// A line of `docent search --json`.
#[derive(Debug, Serialize)]
struct Found<'a> {
    id: &'a Value,
    hits: Vec<FoundHit<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    corrections: &'a [Correction],
}

/// A hit in it.
#[derive(Debug, Serialize)]
struct FoundHit<'a> {
    path: &'a str,
    locator: &'a Locator,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    text: &'a str,
    score: f32,
    dense_rank: Option<usize>,
    lexical_rank: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    similar_to: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<&'a [Reason]>,
    /// The larger stretch that holds it, where one is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    around: Option<&'a Surroundings>,
}

impl<'a> FoundHit<'a> {
    fn of(hit: &'a Hit, around: Option<&'a Surroundings>, explain: bool) -> FoundHit<'a> {
        FoundHit {
            path: &hit.path,
            locator: &hit.locator,
            hidden: hit.hidden,
            text: &hit.text,
            score: hit.score,
            dense_rank: hit.dense_rank,
            lexical_rank: hit.lexical_rank,
            similar_to: hit.similar_to,
            reasons: explain.then_some(&hit.reasons),
            around,
        }
    }
}

impl Search {
    /// How much around each hit is wanted.
    fn around(&self) -> Option<Around> {
        let neighbours = self.context.map(|count| Around::Neighbours(count.into()));
        neighbours.or(self.section.then_some(Around::Section))
    }
}

pub(super) fn run(app: &App, args: &Search) -> Result<Status> {
    let queries = args.query.read()?;
    let filters = args.filters.read()?;
    let library = args.walk.library(app)?;
    let collection = app.place(&library, args.place.as_deref())?;
    if !args.no_index {
        let vectors = match args.mode {
            ModeArg::Lexical => Vectors::None,
            ModeArg::Hybrid | ModeArg::Dense => Vectors::Searched,
        };
        refresh(app, &collection, vectors);
    }
    let mut found = false;
    for query in &queries {
        found |= one(app, args, &filters, &collection, query)? > 0;
    }
    Ok(Status::look_at_if(!found))
}

/// Runs one query and tells what it found. Returns the number of hits.
fn one(
    app: &App,
    args: &Search,
    filters: &Filters,
    collection: &Collection,
    query: &Query,
) -> Result<usize> {
    let results = collection.search(&SearchRequest {
        query: query.text.clone(),
        filters: filters.clone(),
        mode: args.mode.into(),
        effort: Effort::Full,
        limit: args.limit.unwrap_or(app.settings.output.hits),
    })?;
    let around = results.hits.iter().map(|hit| match args.around() {
        Some(around) => collection.around(hit, around),
        None => Ok(None),
    });
    let around = around.collect::<std::result::Result<Vec<_>, EngineError>>()?;
    if app.output.json {
        let hits = results.hits.iter().zip(&around);
        app.output.json(&Found {
            id: &query.id,
            hits: hits
                .map(|(hit, around)| FoundHit::of(hit, around.as_ref(), args.explain))
                .collect(),
            corrections: &results.corrections,
        })?;
        // The rest of the notes is part of the object.
        for bad in &results.unknown {
            app.output.note(printable_line(&bad.to_string()));
        }
    } else {
        if args.query.is_batch() {
            let heading = printable_line(&query.text);
            app.output.line(app.output.styled(Style::Bold, heading))?;
        }
        show(app, &results, &around, args.explain)?;
        for note in results.notes() {
            app.output.note(printable_line(&note));
        }
    }
    Ok(results.hits.len())
}

/// Prints hits for a person.
fn show(
    app: &App,
    results: &SearchResults,
    around: &[Option<Surroundings>],
    explain: bool,
) -> Result<()> {
    let firsts = results.hits.iter().enumerate();
    let firsts = firsts.filter(|(_, hit)| hit.similar_to.is_none());
    for (number, (at, hit)) in firsts.enumerate() {
        let place = format!("{}, {}", printable_line(&hit.path), hit.locator);
        let mut heading = app.output.styled(Style::Place, place);
        if !hit.heading_path.is_empty() {
            let headings = printable_line(&hit.heading_path.join(" › "));
            heading += &format!("  {}", app.output.styled(Style::Dim, headings));
        }
        if hit.hidden {
            let mark = app.output.styled(Style::Warning, "hidden in the original");
            heading += &format!("  {mark}");
        }
        app.output
            .line(format_args!("{:>2}  {heading}", number + 1))?;
        match around.get(at).and_then(Option::as_ref) {
            Some(around) => show_around(app, hit, around)?,
            None => show_snippet(app, hit)?,
        }
        if let Some(similar) = similar(&results.hits, at) {
            app.output.line(format_args!(
                "    {}",
                app.output.styled(Style::Dim, similar)
            ))?;
        }
        for reason in hit.reasons.iter().filter(|_| explain) {
            let told = printable_line(&told(reason));
            app.output
                .line(format_args!("    {}", app.output.styled(Style::Dim, told)))?;
        }
    }
    let vectors = match results.vectors_complete {
        true => "",
        false => "; not every passage has its vector yet",
    };
    app.output.note(format_args!(
        "{} in {}, {:.0} ms{vectors}",
        counted(results.hits.len() as u64, "hit"),
        counted(results.documents, "document"),
        results.millis,
    ));
    Ok(())
}

fn show_snippet(app: &App, hit: &Hit) -> Result<()> {
    let snippet: String = snippet(&hit.text, &hit.matched)
        .into_iter()
        .map(|(text, marked)| match marked {
            true => app.output.styled(Style::Bold, text),
            false => text,
        })
        .collect();
    Ok(app.output.line(format_args!("    {snippet}"))?)
}

/// Prints a hit line by line with what stands around it, which is dimmed; a bar marks the hit
/// where there are no colours.
fn show_around(app: &App, hit: &Hit, around: &Surroundings) -> Result<()> {
    let mut start = around.start;
    for line in around.text.split_inclusive('\n') {
        let end = start + line.len();
        let text = printable(line.trim_end());
        let text = match start < hit.end && hit.start < end {
            true => format!("  │ {text}"),
            false => format!("    {}", app.output.styled(Style::Dim, text)),
        };
        app.output.line(text.trim_end())?;
        start = end;
    }
    Ok(())
}

/// The hits that say the same as the one at `first`: "2 similar: a.txt, b.txt".
fn similar(hits: &[Hit], first: usize) -> Option<String> {
    let similar = hits.iter().filter(|hit| hit.similar_to == Some(first));
    let places: Vec<String> = similar
        .map(|hit| format!("{}, {}", printable_line(&hit.path), hit.locator))
        .collect();
    (!places.is_empty()).then(|| format!("{} similar: {}", places.len(), places.join("; ")))
}

/// A reason in a line: what it gives to the score, by which signal, and what was measured.
fn told(reason: &Reason) -> String {
    let about = match &reason.about {
        Some(about) => format!(" by “{about}”"),
        None => String::new(),
    };
    let (share, value) = (reason.share, reason.value);
    format!("{share:+.3}  {}{about} ({value:.3})", reason.signal.name())
}

/// The part of a text around its densest matches, on one line, in stretches that matched or not.
fn snippet(text: &str, matched: &[Range<usize>]) -> Vec<(String, bool)> {
    let first = best_start(matched).min(text.len());
    let lead = SNIPPET_CHARACTERS / 4;
    let begin = word_start(text, back(text, first, lead));
    let end = forward(text, begin, SNIPPET_CHARACTERS);
    let mut parts = Vec::new();
    let mut at = begin;
    if begin > 0 {
        parts.push(("… ".to_owned(), false));
    }
    for range in matched {
        let (start, stop) = (range.start.max(at), range.end.min(end));
        if let (Some(before), Some(marked)) = (text.get(at..start), text.get(start..stop))
            && !marked.is_empty()
        {
            parts.push((flat(before), false));
            parts.push((flat(marked), true));
            at = stop;
        }
    }
    if let Some(rest) = text.get(at..end) {
        parts.push((flat(rest), false));
    }
    if end < text.len() {
        parts.push((" …".to_owned(), false));
    }
    parts
}

/// The beginning of the match from which on most of what matched stands close together.
fn best_start(matched: &[Range<usize>]) -> usize {
    let weight = |first: &Range<usize>| -> usize {
        let near = |range: &&Range<usize>| {
            range.start >= first.start && range.end <= first.start + SNIPPET_CHARACTERS / 2
        };
        matched
            .iter()
            .filter(near)
            .map(ExactSizeIterator::len)
            .sum()
    };
    // Of equals the first.
    let best = matched.iter().rev().max_by_key(|range| weight(range));
    best.map_or(0, |range| range.start)
}

/// Text on one line, with blanks at its ends kept as one.
fn flat(text: &str) -> String {
    let line = printable_line(text);
    let lead = if text.starts_with(char::is_whitespace) {
        " "
    } else {
        ""
    };
    let tail = match text.ends_with(char::is_whitespace) && !line.is_empty() {
        true => " ",
        false => "",
    };
    format!("{lead}{line}{tail}")
}

/// The byte that lies `characters` before byte `at`.
fn back(text: &str, at: usize, characters: usize) -> usize {
    let at = (0..=at)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    let mut before = text[..at].char_indices().rev().take(characters);
    before.by_ref().last().map_or(at, |(at, _)| at)
}

/// The byte that lies `characters` after byte `at`.
fn forward(text: &str, at: usize, characters: usize) -> usize {
    let mut after = text[at..].char_indices().skip(characters);
    after.next().map_or(text.len(), |(offset, _)| at + offset)
}

/// The first beginning of a word at or after byte `at`; `at` where there is none near.
fn word_start(text: &str, at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    let near = text[at..].char_indices().take(20);
    near.skip_while(|(_, c)| !c.is_whitespace())
        .find(|(_, c)| !c.is_whitespace())
        .map_or(at, |(offset, _)| at + offset)
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    #[test]
    fn a_snippet_stands_around_the_first_match() {
        let text = format!("{} needle {}", "hay ".repeat(200), "straw ".repeat(200));
        let at = text.find("needle").unwrap();
        let parts = snippet(&text, from_ref(&(at..at + 6)));
        assert!(parts.contains(&("needle".into(), true)), "{parts:?}");
        let whole: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        assert!(whole.starts_with("… hay"), "{whole}");
        assert!(whole.ends_with(" …"), "{whole}");
        assert!(whole.chars().count() < SNIPPET_CHARACTERS + 8);
    }

    #[test]
    fn a_snippet_stands_where_most_of_the_words_are() {
        let text = format!(
            "a dog. {} the dog in the flat {}",
            "hay ".repeat(200),
            "x ".repeat(200)
        );
        let dog = text.rfind("dog").unwrap();
        let flat = text.find("flat").unwrap();
        assert_eq!(best_start(&[2..5, dog..dog + 3, flat..flat + 4]), dog);
        assert_eq!(best_start(&[]), 0);
    }

    #[test]
    fn short_texts_are_shown_whole() {
        let parts = snippet("one\n two three", from_ref(&(5..8)));
        let expected = [("one ", false), ("two", true), (" three", false)];
        let got: Vec<_> = parts.iter().map(|(t, m)| (t.as_str(), *m)).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn ranges_that_do_not_fit_the_text_are_passed_over() {
        let parts = snippet("äöü", &[1..2, 90..99]);
        let whole: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(whole, "äöü");
    }
}
