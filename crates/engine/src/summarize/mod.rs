//! Summarise: what a document, a folder or a codebase says, in its own words.
//!
//! Section by section, then document by document, then folder by folder: every section is read
//! and its most central sentences are found ([`digest`]); a [`document`]'s summary is chosen
//! from those of its sections, a [`folder`]'s from those of its documents. Source code is told
//! by its manifests, comments and imports ([`code`]). All that is told is quoted and cited, or
//! counted. A model may say the best of it in its own words ([`phrase`]), as far as the quotes
//! support them.

use std::collections::{HashMap, HashSet};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use docent_core::answer::one_line;
use docent_core::citation::{self, Citation};
use docent_core::codebase;
use docent_core::document::{Document, Format};
use docent_core::model::Generator;
use docent_core::query::Query;
use docent_store::{DocumentId, SourceReport, StateFilter};

use self::cache::Cache;
use self::digest::{Digest, Digester};
use crate::collection::{Collection, below};
use crate::error::EngineError;
use crate::library::Library;

mod cache;
mod code;
mod digest;
mod document;
mod folder;
mod phrase;
mod report;

pub use report::{
    Coverage, Length, Line, NotRead, Part, Subject, Summary, SummaryEvent, SummaryRequest,
};

/// The file in a collection's home that keeps what was found out about sections.
pub(crate) const CACHE_FILE: &str = "summaries";

/// Documents that hold a sentence word for word, from which on it is a form's…
const FORM_DOCUMENTS: usize = 4;
/// …as far as so many of its first words tell.
const FORM_WORDS: usize = 10;

/// Who hears how far a summary is; breaking stops it.
type OnEvent<'a> = &'a mut dyn FnMut(SummaryEvent) -> ControlFlow<()>;

/// What of a collection is summarised.
struct Scope {
    /// Where its paths begin: a folder's path with `/` at the end, or nothing.
    prefix: String,
    /// The name by which it is told.
    title: String,
    /// Its files, those that were not read among them.
    sources: Vec<SourceReport>,
    /// Whether a single document is meant.
    is_document: bool,
}

impl Scope {
    /// The files that have been read, with their documents.
    fn documents(&self) -> impl Iterator<Item = (&SourceReport, DocumentId)> {
        self.sources
            .iter()
            .filter_map(|source| Some((source, source.document?)))
    }
}

impl Collection {
    /// Summarises what is indexed of a file, a folder or the whole collection. Blocks; what is
    /// found out about each section is kept, so that it goes on where it was stopped.
    ///
    /// `None` when `on_event` stopped it. Without a generator the summary is made of quotes and
    /// counts alone.
    ///
    /// # Errors
    /// When nothing indexed has the path, or the catalog or a model fails.
    pub fn summarize(
        &self,
        generator: Option<&dyn Generator>,
        request: &SummaryRequest,
        on_event: OnEvent<'_>,
    ) -> Result<Option<Summary>, EngineError> {
        let scope = self.scope(request.path.as_deref())?;
        let budget = request.length.sentences();
        let cache = Cache::open(&self.home().join(CACHE_FILE));
        let digester = Digester::new(self.library().embedder().as_ref(), cache);
        let made = if scope.is_document {
            self.one_document(&scope, digester, budget, on_event)?
        } else if is_codebase(&scope) {
            code::summarize(self, &scope, budget, on_event)?
        } else {
            folder::summarize(self, &scope, digester, budget, on_event)?
        };
        let Some(mut summary) = made else {
            return Ok(None);
        };
        summary.title = one_line(&summary.title);
        summary.coverage.documents_total = scope.sources.len();
        summary.coverage.not_read = self.not_read(&scope)?;
        if let Some(generator) = generator {
            let mut read = |citation: &Citation| {
                let known = scope
                    .documents()
                    .find(|(source, _)| source.path == citation.path);
                Ok(match known {
                    Some((_, id)) => self.reader().document(id)?.map(|stored| stored.document),
                    None => None,
                })
            };
            phrase::add(generator, &mut summary, &mut read, on_event)?;
        }
        Ok(Some(summary))
    }

    fn one_document(
        &self,
        scope: &Scope,
        mut digester: Digester<'_>,
        budget: usize,
        on_event: OnEvent<'_>,
    ) -> Result<Option<Summary>, EngineError> {
        let stored = match scope.documents().next() {
            Some((_, id)) => self.reader().document(id)?,
            None => None,
        };
        let Some(stored) = stored else {
            return Ok(Some(Summary {
                title: scope.title.clone(),
                ..Summary::default()
            }));
        };
        let Some(digest) = digest_one(&mut digester, &stored.document, &stored.path, on_event)?
        else {
            return Ok(None);
        };
        let mut is_form = |sentence: &str| self.is_form(sentence);
        let document = &stored.document;
        document::summarize(document, &stored.path, &digest, budget, &mut is_form).map(Some)
    }

    /// Whether several documents hold a sentence word for word.
    fn is_form(&self, sentence: &str) -> Result<bool, EngineError> {
        let words: Vec<&str> = sentence
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(FORM_WORDS)
            .collect();
        let phrase = Query::parse(&format!("\"{}\"", words.join(" ")));
        let found = self.reader().lexical(&phrase, 4 * FORM_DOCUMENTS)?;
        let ids: Vec<_> = found.iter().map(|scored| scored.chunk).collect();
        let chunks = self.reader().chunks(&ids)?;
        let documents: HashSet<DocumentId> = chunks.iter().map(|chunk| chunk.document).collect();
        Ok(documents.len() >= FORM_DOCUMENTS)
    }

    /// The files that a request is about.
    fn scope(&self, path: Option<&str>) -> Result<Scope, EngineError> {
        let all = self.reader().sources_with(StateFilter::All, usize::MAX)?;
        let forgotten = |source: &SourceReport| crate::reconcile::is_forgotten(&source.state);
        let all: Vec<SourceReport> = all
            .into_iter()
            .filter(|source| !forgotten(source))
            .collect();
        let Some(path) = path else {
            return Ok(Scope {
                prefix: String::new(),
                title: self.name().to_owned(),
                sources: all,
                is_document: false,
            });
        };
        let given = path.trim_start_matches("./").trim_end_matches('/');
        let roots = self.reader().roots()?;
        let on_disk = roots
            .iter()
            .find_map(|root| Some((&root.path, below(&root.path, Path::new(path))?)));
        let in_root = |source: &SourceReport| {
            on_disk
                .as_ref()
                .is_none_or(|(root, _)| source.root == **root)
        };
        let wanted = on_disk.as_ref().map_or(given, |(_, below)| below.as_str());
        let prefix = if wanted.is_empty() {
            String::new()
        } else {
            format!("{wanted}/")
        };
        let unknown = || EngineError::UnknownPath {
            collection: self.name().to_owned(),
            path: path.to_owned(),
        };
        let title = |path: &str| match codebase::name(path) {
            "" => self.name().to_owned(),
            name => name.to_owned(),
        };
        let exact = all
            .iter()
            .find(|source| source.path == wanted && in_root(source));
        // An archive is summarised with what is in it.
        let holds_more = all
            .iter()
            .any(|source| source.path.starts_with(&prefix) && in_root(source));
        if let Some(source) = exact.filter(|_| !holds_more || prefix.is_empty()) {
            return Ok(Scope {
                title: title(&source.path),
                prefix: String::new(),
                sources: vec![source.clone()],
                is_document: true,
            });
        }
        let inside = |source: &&SourceReport| {
            in_root(source) && (source.path.starts_with(&prefix) || source.path == wanted)
        };
        let sources: Vec<SourceReport> = all.iter().filter(inside).cloned().collect();
        if !sources.is_empty() {
            return Ok(Scope {
                title: title(wanted),
                prefix,
                sources,
                is_document: false,
            });
        }
        // The end of a path that only one file has.
        let ends = |source: &&SourceReport| {
            source
                .path
                .strip_suffix(given)
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        let mut found = all.iter().filter(ends);
        match (found.next(), found.next()) {
            (Some(source), None) => Ok(Scope {
                title: title(&source.path),
                prefix: String::new(),
                sources: vec![source.clone()],
                is_document: true,
            }),
            _ => Err(unknown()),
        }
    }

    /// Whether a file or a folder that is indexed has this path, or a single file a path that
    /// ends like it.
    pub(crate) fn has_path(&self, path: &str) -> Result<bool, EngineError> {
        match self.scope(Some(path)) {
            Ok(_) => Ok(!path.is_empty()),
            Err(EngineError::UnknownPath { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What of a scope was not read, and why.
    fn not_read(&self, scope: &Scope) -> Result<Vec<NotRead>, EngineError> {
        let known: HashMap<(&Path, &str), ()> = scope
            .sources
            .iter()
            .map(|s| ((s.root.as_path(), s.path.as_str()), ()))
            .collect();
        let lost = |state: &str| matches!(state, "failed" | "partial" | "skipped" | "unreadable");
        let rows = self.coverage()?.into_iter().filter(|row| lost(&row.state));
        Ok(rows
            .filter(|row| known.contains_key(&(row.root.as_path(), row.path.as_str())))
            .map(|row| NotRead {
                place: row.place(),
                reason: row.gap.reason,
            })
            .collect())
    }
}

impl Library {
    /// Summarises a document that is in no collection. Nothing is kept.
    ///
    /// `None` when `on_event` stopped it.
    ///
    /// # Errors
    /// When a model fails.
    pub fn summarize_document(
        &self,
        generator: Option<&dyn Generator>,
        document: &Document,
        path: &str,
        length: Length,
        on_event: OnEvent<'_>,
    ) -> Result<Option<Summary>, EngineError> {
        let mut digester = Digester::new(self.embedder().as_ref(), Cache::default());
        let Some(digest) = digest_one(&mut digester, document, path, on_event)? else {
            return Ok(None);
        };
        let budget = length.sentences();
        let mut summary = document::summarize(document, path, &digest, budget, &mut |_| Ok(false))?;
        summary.coverage.documents_total = 1;
        if let Some(gap) = &document.incomplete {
            summary.coverage.not_read.push(NotRead {
                place: path.to_owned(),
                reason: gap.reason.clone(),
            });
        }
        if let Some(generator) = generator {
            phrase::add(
                generator,
                &mut summary,
                &mut |_| Ok(Some(document.clone())),
                on_event,
            )?;
        }
        Ok(Some(summary))
    }
}

/// The digest of one document; `None` if it was stopped.
fn digest_one(
    digester: &mut Digester<'_>,
    document: &Document,
    path: &str,
    on_event: OnEvent<'_>,
) -> Result<Option<Digest>, EngineError> {
    let draft = digester.begin(document);
    let total = digester.waiting();
    let mut done = 0;
    let flow = digester.work(&mut |sections| {
        done += sections;
        on_event(SummaryEvent::Reading {
            documents: 0,
            documents_total: 1,
            sections: done,
            sections_total: Some(total),
            path: path.to_owned(),
        })
    })?;
    Ok(flow.is_continue().then(|| digester.finish(draft)))
}

/// Whether a scope is a codebase: most of it is source code, or it has a manifest and some code.
fn is_codebase(scope: &Scope) -> bool {
    let is_code = |source: &SourceReport| codebase::is_source(&source.path);
    let read = scope.documents().count();
    let code = scope
        .documents()
        .filter(|(source, _)| is_code(source))
        .count();
    let manifest = scope.documents().any(|(source, _)| {
        codebase::is_manifest(&source.path)
            && !source.path[scope.prefix.len().min(source.path.len())..].contains('/')
    });
    code >= 2 && (code * 2 >= read || (manifest && code * 5 >= read))
}

/// Citations as they are gathered, each place once.
#[derive(Default)]
struct Citing {
    citations: Vec<Citation>,
}

impl Citing {
    /// The number of the citation of a span of a document; `None` where it is not in it.
    fn add(&mut self, document: &Document, path: &str, span: Range<usize>) -> Option<usize> {
        let same = |c: &&Citation| c.path == path && c.start == span.start && c.end == span.end;
        if let Some(known) = self.citations.iter().find(same) {
            return Some(known.number);
        }
        let number = self.citations.len() + 1;
        self.citations
            .push(citation::cite(document, path, span, number, number)?);
        Some(number)
    }

    /// The words of a span as a quote.
    fn quote(&mut self, document: &Document, path: &str, span: Range<usize>) -> Option<Line> {
        let text = document.text.get(span.clone())?;
        let text = match document.format {
            Format::Code => codebase::purpose::without_marks(text),
            _ => one_line(text),
        };
        let citation = self.add(document, path, span)?;
        Some(Line::Quote { text, citation })
    }
}

/// The kinds of some files with how many there are of each: `12 pdf, 3 mail`.
fn kinds<'a>(formats: impl Iterator<Item = &'a str>) -> String {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    formats.for_each(|format| *counts.entry(format).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let words: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    words.join(", ")
}
