//! One document's summary: the sentences that say most of the whole, then one or more for each
//! of its parts.

use std::ops::Range;

use docent_core::answer::one_line;
use docent_core::codebase;
use docent_core::document::{BlockKind, Document};
use docent_core::summary::central::{self, Weighed};
use docent_core::summary::telling;

use super::Citing;
use super::cache::Pick;
use super::digest::Digest;
use super::report::{Coverage, Line, Part, Subject, Summary};
use crate::error::EngineError;

/// What the very first words of a document gain, as that is where it says what it is…
const LEAD: f32 = 0.35;
/// …and how many bytes later most of that is gone.
const LEAD_BYTES: f32 = 1_500.0;
/// Sentences about the whole, beside those about its parts.
const OVERVIEW: std::ops::RangeInclusive<usize> = 2..=8;
/// Lines shown of a document without sentences.
const BARE_LINES: usize = 5;
/// Sentences that are looked up in other documents, at least.
const FORM_LOOKS: usize = 16;
/// A longer line of such a document is cut.
const BARE_LINE_BYTES: usize = 240;

/// Tells whether a sentence stands in other documents, too.
pub(super) type IsForm<'a> = &'a mut dyn FnMut(&str) -> Result<bool, EngineError>;

/// A sentence of a document as the whole sees it.
#[derive(Clone)]
pub(super) struct Ranked {
    /// The index of its part.
    pub(super) part: usize,
    /// Its bytes in the document's text.
    pub(super) span: Range<usize>,
    /// How much of the document it says.
    pub(super) score: f32,
    pub(super) vector: Vec<f32>,
}

impl Ranked {
    pub(super) fn weighed(&self) -> Weighed<'_> {
        Weighed {
            score: self.score,
            vector: &self.vector,
        }
    }
}

/// All sentences of a document that may be quoted, in order. Parts that summaries pass over
/// count only where nothing else is there.
pub(super) fn ranked(digest: &Digest) -> Vec<Ranked> {
    let told = |index: usize| {
        let heading = digest.parts[index].heading.as_deref();
        !heading.is_some_and(telling::is_passed_over)
    };
    let any =
        (0..digest.parts.len()).any(|index| told(index) && !digest.parts[index].picks.is_empty());
    let of_part = |index: usize| {
        digest.parts[index].picks.iter().map(move |pick| Ranked {
            part: index,
            span: pick.span.clone(),
            score: score(pick, digest.vector.as_deref()),
            vector: pick.vector.clone(),
        })
    };
    let parts = (0..digest.parts.len()).filter(|&index| told(index) || !any);
    let mut ranked: Vec<Ranked> = parts.flat_map(of_part).collect();
    ranked.sort_by_key(|sentence| sentence.span.start);
    ranked
}

fn score(pick: &Pick, centre: Option<&[f32]>) -> f32 {
    let central = centre.map_or(0.0, |centre| central::dot(&pick.vector, centre).max(0.0));
    let lead = LEAD * (-(pick.span.start as f32) / LEAD_BYTES).exp();
    // The sentence that says who and what is often a long one.
    let lead = lead * pick.fitness.sqrt();
    0.5 * pick.score + pick.fitness * 0.5 * central + lead
}

/// The summary of a document in so many sentences.
///
/// `is_form` tells of a sentence whether other documents hold it word for word, too: then it says
/// nothing of this one.
pub(super) fn summarize(
    document: &Document,
    path: &str,
    digest: &Digest,
    budget: usize,
    is_form: IsForm<'_>,
) -> Result<Summary, EngineError> {
    let mut citing = Citing::default();
    let mut ranked = ranked(digest);
    drop_forms(document, &mut ranked, budget, is_form)?;
    let shares = shares(digest, &ranked, budget);
    let overview = budget - shares.iter().map(|(_, count)| count).sum::<usize>();
    let chosen = choose(&ranked, &[], overview);
    let mut lines = vec![Line::count(facts(document))];
    lines.extend(quotes(&mut citing, document, path, &chosen));
    if ranked.is_empty() {
        lines.extend(bare(&mut citing, document, path));
    }
    let mut told: Vec<Ranked> = chosen;
    let mut parts = Vec::new();
    for (index, count) in shares {
        let own: Vec<Ranked> = ranked
            .iter()
            .filter(|sentence| sentence.part == index)
            .cloned()
            .collect();
        let known: Vec<&[f32]> = told
            .iter()
            .map(|sentence| sentence.vector.as_slice())
            .collect();
        let chosen = choose(&own, &known, count);
        let part = Part {
            heading: digest.parts[index].heading.clone().unwrap_or_default(),
            lines: quotes(&mut citing, document, path, &chosen),
        };
        if !part.lines.is_empty() {
            parts.push(part);
        }
        told.extend(chosen);
    }
    let title = document
        .title
        .as_deref()
        .filter(|title| !title.trim().is_empty());
    Ok(Summary {
        subject: Subject::Document,
        title: title.unwrap_or(codebase::name(path)).to_owned(),
        lines,
        parts,
        citations: citing.citations,
        coverage: Coverage {
            documents: 1,
            sections: digest.sections,
            ..Coverage::default()
        },
        ..Summary::default()
    })
}

/// Drops the sentences that are a form's from among those that would be told.
fn drop_forms(
    document: &Document,
    ranked: &mut Vec<Ranked>,
    budget: usize,
    is_form: IsForm<'_>,
) -> Result<(), EngineError> {
    let mut best: Vec<usize> = (0..ranked.len()).collect();
    best.sort_by(|&a, &b| ranked[b].score.total_cmp(&ranked[a].score));
    best.truncate(FORM_LOOKS.max(3 * budget));
    let mut forms = Vec::new();
    let looked_up = best.len();
    for index in best {
        let text = document.text.get(ranked[index].span.clone());
        if is_form(&one_line(text.unwrap_or_default()))? {
            forms.push(index);
        }
    }
    // Copies and versions of one document hold each other's sentences: that makes them no form.
    if forms.len() * 2 > looked_up {
        return Ok(());
    }
    let mut index = 0;
    ranked.retain(|_| {
        index += 1;
        !forms.contains(&(index - 1))
    });
    Ok(())
}

/// The best sentences that do not repeat each other or what is told, in the document's order.
fn choose(ranked: &[Ranked], told: &[&[f32]], count: usize) -> Vec<Ranked> {
    let weighed: Vec<Weighed<'_>> = ranked.iter().map(Ranked::weighed).collect();
    let mut chosen = central::diverse(&weighed, told, count);
    chosen.sort_unstable();
    chosen
        .into_iter()
        .map(|index| ranked[index].clone())
        .collect()
}

/// How many sentences each part gets, the parts in order. Large parts come first where there are
/// not enough for all; where the document has no parts, none get any.
fn shares(digest: &Digest, ranked: &[Ranked], budget: usize) -> Vec<(usize, usize)> {
    let sentences = |index: usize| {
        ranked
            .iter()
            .filter(|sentence| sentence.part == index)
            .count()
    };
    let mut parts: Vec<usize> = (0..digest.parts.len())
        .filter(|&index| digest.parts[index].heading.is_some() && sentences(index) > 0)
        .collect();
    let overview = (budget / 3).clamp(*OVERVIEW.start(), *OVERVIEW.end());
    let left = budget.saturating_sub(overview);
    if parts.len() < 2 || left < 2 {
        return Vec::new();
    }
    parts.sort_by_key(|&index| (std::cmp::Reverse(digest.parts[index].bytes), index));
    parts.truncate(left);
    let bytes: usize = parts.iter().map(|&index| digest.parts[index].bytes).sum();
    let extra = left - parts.len();
    let mut shares: Vec<(usize, usize)> = parts
        .iter()
        .map(|&index| {
            let more = extra * digest.parts[index].bytes / bytes.max(1);
            (index, (1 + more).min(sentences(index)))
        })
        .collect();
    shares.sort_unstable();
    shares
}

fn quotes(citing: &mut Citing, document: &Document, path: &str, chosen: &[Ranked]) -> Vec<Line> {
    let spans = chosen.iter().map(|sentence| sentence.span.clone());
    spans
        .filter_map(|span| citing.quote(document, path, span))
        .collect()
}

/// The first lines of a document that has no sentences: a table's header, a list, a drawing.
fn bare(citing: &mut Citing, document: &Document, path: &str) -> Vec<Line> {
    let readable = document
        .blocks
        .iter()
        .filter(|block| !block.hidden && block.kind != BlockKind::Furniture);
    let first_line = |span: Range<usize>| {
        let text = document.text.get(span.clone())?;
        let line = text
            .lines()
            .find(|line| line.chars().any(char::is_alphanumeric))?;
        let start = span.start + text.find(line)?;
        let mut end = start + line.len().min(BARE_LINE_BYTES);
        while !document.text.is_char_boundary(end) {
            end -= 1;
        }
        Some(docent_core::sentence::trimmed(&document.text, start..end))
    };
    let spans = readable
        .filter_map(|block| first_line(block.span.clone()))
        .take(BARE_LINES);
    spans
        .collect::<Vec<_>>()
        .into_iter()
        .filter_map(|span| citing.quote(document, path, span))
        .collect()
}

/// What the document is: kind, pages, what it says of itself, tables.
fn facts(document: &Document) -> String {
    let mut facts = vec![document.format.word().to_owned()];
    let named = |name: &str| {
        let found = document.properties.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| one_line(value))
            .filter(|value| !value.is_empty())
    };
    facts.extend(named("from").map(|from| format!("from {from}")));
    facts.extend(named("to").map(|to| format!("to {to}")));
    facts.extend(named("author").map(|author| format!("by {author}")));
    facts.extend(named("date").map(|date| date.chars().take(10).collect()));
    let count = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        many => Some(format!("{many} {word}s")),
    };
    facts.extend(count(document.pages.len(), "page"));
    let tables = document
        .blocks
        .iter()
        .filter(|block| block.kind == (BlockKind::Table { continues: false }));
    facts.extend(count(tables.count(), "table"));
    let words = document.text.split_whitespace().count();
    facts.extend(count(words, "word"));
    facts.join(" · ")
}
