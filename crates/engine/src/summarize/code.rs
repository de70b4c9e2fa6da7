//! A codebase's summary: what it is for, where it begins, its modules, and which use which.
//!
//! Nothing of it is weighed or guessed: it is read from manifests, READMEs, comments and imports,
//! and each line is cited.

use std::ops::Range;

use docent_core::answer::one_line;
use docent_core::codebase::entry::{self, Entry};
use docent_core::codebase::imports;
use docent_core::codebase::modules::{self, Module, Package, SourceFile};
use docent_core::codebase::purpose;
use docent_core::codebase::{self, folder, is_aside, name};
use docent_core::document::{BlockKind, Document, Format};
use docent_store::{DocumentId, StoredDocument};

use super::folder::first_sentences;
use super::report::{Coverage, Line, Part, Subject, Summary, SummaryEvent};
use super::{Citing, OnEvent, Scope, kinds};
use crate::collection::Collection;
use crate::error::EngineError;

/// How often progress is told, in documents.
const TELL_EVERY: usize = 64;
/// Names of a module that are told, at most.
const NAMES: usize = 5;
/// Modules that one uses and that are told, at most.
const USES: usize = 6;

/// What is known of the codebase once every file has been read. Paths count from the scope.
#[derive(Default)]
struct Facts {
    sources: Vec<SourceFile>,
    /// The document, the comment at its head, and the number of its lines, for each source.
    heads: Vec<Head>,
    entries: Vec<(DocumentId, String, Entry)>,
    packages: Vec<Package>,
    /// Descriptions in manifests.
    descriptions: Vec<(DocumentId, String, Range<usize>)>,
    readme: Option<(String, DocumentId)>,
    documents: usize,
    formats: Vec<&'static str>,
}

struct Head {
    document: DocumentId,
    comment: Option<Range<usize>>,
    lines: usize,
    items: usize,
}

/// The summary of a codebase; `None` if it was stopped.
pub(super) fn summarize(
    collection: &Collection,
    scope: &Scope,
    budget: usize,
    on_event: OnEvent<'_>,
) -> Result<Option<Summary>, EngineError> {
    let Some(facts) = read(collection, scope, on_event)? else {
        return Ok(None);
    };
    let modules = modules::modules(&facts.sources, &facts.packages);
    let mut telling = Telling {
        collection,
        scope,
        facts: &facts,
        modules: &modules,
        citing: Citing::default(),
        last: None,
    };
    let lines = telling.purpose((budget / 4).clamp(2, 5))?;
    let mut parts = vec![
        Part {
            heading: "Entry points".into(),
            lines: telling.entries((budget / 2).clamp(3, 16))?,
        },
        Part {
            heading: "Modules".into(),
            lines: telling.modules(budget)?,
        },
        Part {
            heading: "Data flow".into(),
            lines: telling.flow(budget)?,
        },
    ];
    parts.retain(|part| !part.lines.is_empty());
    let citations = telling.citing.citations;
    Ok(Some(Summary {
        subject: Subject::Codebase,
        title: scope.title.clone(),
        lines,
        parts,
        citations,
        coverage: Coverage {
            documents: facts.documents,
            ..Coverage::default()
        },
        ..Summary::default()
    }))
}

/// Reads every file of the scope, one at a time.
fn read(
    collection: &Collection,
    scope: &Scope,
    on_event: OnEvent<'_>,
) -> Result<Option<Facts>, EngineError> {
    let documents: Vec<DocumentId> = scope.documents().map(|(_, id)| id).collect();
    let mut facts = Facts::default();
    for (index, id) in documents.iter().enumerate() {
        let Some(stored) = collection.reader().document(*id)? else {
            continue;
        };
        let path = stored
            .path
            .strip_prefix(scope.prefix.as_str())
            .unwrap_or(&stored.path);
        facts.take(*id, path, &stored.document);
        let tells = (index + 1) % TELL_EVERY == 0 || index + 1 == documents.len();
        if tells {
            let event = SummaryEvent::Reading {
                documents: index + 1,
                documents_total: documents.len(),
                sections: 0,
                sections_total: None,
                path: stored.path.clone(),
            };
            if on_event(event).is_break() {
                return Ok(None);
            }
        }
    }
    Ok(Some(facts))
}

impl Facts {
    fn take(&mut self, id: DocumentId, path: &str, document: &Document) {
        self.documents += 1;
        let text = &document.text;
        if codebase::is_manifest(path) {
            let named = entry::of_manifest(path, text).into_iter();
            self.entries
                .extend(named.map(|entry| (id, path.to_owned(), entry)));
            let description = purpose::description(path, text);
            self.descriptions
                .extend(description.map(|span| (id, path.to_owned(), span)));
            if let Some(package) = package(path, text) {
                self.packages.push(package);
            }
        }
        if document.format != Format::Code || !codebase::is_source(path) {
            let is_readme = name(path).to_lowercase().starts_with("readme");
            let nearer = self
                .readme
                .as_ref()
                .is_none_or(|(known, _)| depth(path) < depth(known));
            if is_readme && nearer {
                self.readme = Some((path.to_owned(), id));
            }
            self.formats.push(document.format.word());
            return;
        }
        let items: Vec<(String, Range<usize>)> = document
            .blocks
            .iter()
            .filter_map(|block| match &block.kind {
                BlockKind::Code { item: Some(item) } => Some((item.clone(), block.span.clone())),
                _ => None,
            })
            .collect();
        if !is_aside(path) {
            let begun = entry::of_code(path, text, &items).into_iter();
            self.entries
                .extend(begun.map(|entry| (id, path.to_owned(), entry)));
        }
        self.heads.push(Head {
            document: id,
            comment: purpose::doc_comment(path, text),
            lines: text.lines().count(),
            items: items.len(),
        });
        self.sources.push(SourceFile {
            path: path.to_owned(),
            bytes: text.len(),
            imports: imports::imports(path, text),
        });
    }
}

/// The Rust package of a manifest.
fn package(path: &str, text: &str) -> Option<Package> {
    let package = purpose::project_name(path, text).filter(|_| name(path) == "Cargo.toml")?;
    let sources = match folder(path) {
        "" => "src".to_owned(),
        folder => format!("{folder}/src"),
    };
    Some(Package {
        name: package.replace('-', "_"),
        sources,
    })
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}

/// What is being told of a codebase.
struct Telling<'a> {
    collection: &'a Collection,
    scope: &'a Scope,
    facts: &'a Facts,
    modules: &'a [Module],
    citing: Citing,
    /// The document that was cited last: the next citation is often of the same.
    last: Option<StoredDocument>,
}

impl Telling<'_> {
    fn document(&mut self, id: DocumentId) -> Result<Option<&StoredDocument>, EngineError> {
        if self.last.as_ref().is_none_or(|known| known.id != id) {
            self.last = self.collection.reader().document(id)?;
        }
        Ok(self.last.as_ref())
    }

    fn quote(&mut self, id: DocumentId, span: Range<usize>) -> Result<Option<Line>, EngineError> {
        self.document(id)?;
        let Some(stored) = &self.last else {
            return Ok(None);
        };
        Ok(self.citing.quote(&stored.document, &stored.path, span))
    }

    fn cite(&mut self, id: DocumentId, span: Range<usize>) -> Result<Option<usize>, EngineError> {
        self.document(id)?;
        let Some(stored) = &self.last else {
            return Ok(None);
        };
        Ok(self.citing.add(&stored.document, &stored.path, span))
    }

    /// How large it is, and what it says that it is for.
    fn purpose(&mut self, count: usize) -> Result<Vec<Line>, EngineError> {
        let facts = self.facts;
        let lines: usize = facts.heads.iter().map(|head| head.lines).sum();
        let extensions: Vec<String> = facts
            .sources
            .iter()
            .map(|s| codebase::extension(&s.path))
            .collect();
        let mut size = format!(
            "{}, {lines} lines: {}",
            plural(facts.sources.len(), "source file"),
            kinds(extensions.iter().map(String::as_str)),
        );
        if !facts.formats.is_empty() {
            size += &format!("; beside them {}", kinds(facts.formats.iter().copied()));
        }
        let mut told = vec![Line::count(size)];
        let nearest = facts
            .descriptions
            .iter()
            .filter(|(_, path, _)| !is_aside(path));
        let nearest = nearest
            .min_by_key(|(_, path, _)| depth(path))
            .filter(|(_, path, _)| depth(path) == 0);
        if let Some((id, _, span)) = nearest {
            told.extend(self.quote(*id, span.clone())?);
        }
        let readme = facts.readme.as_ref().filter(|(path, _)| depth(path) == 0);
        if let Some((_, id)) = readme
            && let Some(stored) = self.collection.reader().document(*id)?
        {
            told.extend(first_sentences(&stored, count, &mut self.citing));
        }
        if told.len() == 1 {
            let roots = self.modules.iter().filter(|module| !is_aside(&module.path));
            let comment = roots.filter_map(|module| self.comment(module)).next();
            if let Some((id, span)) = comment {
                told.extend(self.quote(id, span)?);
            }
        }
        Ok(told)
    }

    /// Where it begins to run.
    fn entries(&mut self, count: usize) -> Result<Vec<Line>, EngineError> {
        let facts = self.facts;
        let mut own: Vec<_> = facts
            .entries
            .iter()
            .filter(|(_, path, _)| !is_aside(path))
            .collect();
        // What a manifest names is what people start; then what lies near the top.
        own.sort_by_key(|(_, path, entry)| {
            (
                !codebase::is_manifest(path),
                depth(path),
                path.clone(),
                entry.span.start,
            )
        });
        let mut lines = Vec::new();
        for (id, path, entry) in own.iter().take(count) {
            let citations: Vec<usize> = self.cite(*id, entry.span.clone())?.into_iter().collect();
            lines.push(Line::Fact {
                text: format!("`{}` in {path}", entry.name),
                citations,
            });
        }
        if own.len() > count {
            lines.push(Line::count(format!("{} more", own.len() - count)));
        }
        Ok(lines)
    }

    /// The comment that speaks for a module: that of the file that stands for it, else of the
    /// file nearest to its top.
    fn comment(&self, module: &Module) -> Option<(DocumentId, Range<usize>)> {
        let stands_for = |path: &str| {
            let stem = name(path).split('.').next().unwrap_or_default();
            let own = matches!(
                stem,
                "lib" | "mod" | "__init__" | "index" | "main" | "doc" | "package-info"
            );
            (!own, depth(path))
        };
        let mut files: Vec<usize> = module
            .files
            .iter()
            .copied()
            .filter(|&f| module.files.len() == 1 || !is_aside(&self.facts.sources[f].path))
            .collect();
        files.sort_by_key(|&file| stands_for(&self.facts.sources[file].path));
        files.into_iter().take(3).find_map(|file| {
            let head = &self.facts.heads[file];
            Some((head.document, head.comment.clone()?))
        })
    }

    /// What each module says of itself, how large it is, and who uses what of it.
    fn modules(&mut self, count: usize) -> Result<Vec<Line>, EngineError> {
        let users = |index: usize| {
            let using = self.modules.iter().filter(|module| !is_aside(&module.path));
            using
                .filter(|module| module.uses.contains_key(&index))
                .count()
        };
        let lines_of = |module: &Module| {
            module
                .files
                .iter()
                .map(|&f| self.facts.heads[f].lines)
                .sum::<usize>()
        };
        let weight = |index: usize| {
            (
                is_aside(&self.modules[index].path),
                std::cmp::Reverse(users(index)),
                std::cmp::Reverse(lines_of(&self.modules[index])),
            )
        };
        let mut order: Vec<usize> = (0..self.modules.len())
            .filter(|&i| !self.modules[i].files.is_empty())
            .collect();
        order.sort_by_key(|&index| weight(index));
        let left_out = order.len().saturating_sub(count);
        order.truncate(count);
        order.sort_unstable();
        let mut lines = Vec::new();
        for index in order {
            let module = &self.modules[index];
            let mut text = format!("{}: ", self.label(index));
            if module.files.len() > 1 {
                text += &format!("{} files, ", module.files.len());
            }
            let items: usize = module
                .files
                .iter()
                .map(|&f| self.facts.heads[f].items)
                .sum();
            text += &plural(lines_of(module), "line");
            if items > 0 {
                text += &format!(", {}", plural(items, "item"));
            }
            if users(index) > 0 {
                text += &format!("; used by {}", plural(users(index), "module"));
            }
            let names: Vec<&str> = module
                .wanted
                .iter()
                .filter(|(name, _)| !name.starts_with('_'))
                .take(NAMES)
                .map(|(name, _)| name.as_str())
                .collect();
            if !names.is_empty() {
                text += &format!(" for {}", names.join(", "));
            }
            lines.push(Line::count(text));
            if let Some((id, span)) = self.comment(module) {
                lines.extend(self.quote(id, span)?);
            }
        }
        if left_out > 0 {
            lines.push(Line::count(format!("{} more", plural(left_out, "module"))));
        }
        Ok(lines)
    }

    /// Which modules use which, from those that nothing uses down to those that use nothing.
    fn flow(&mut self, count: usize) -> Result<Vec<Line>, EngineError> {
        let own: Vec<usize> = (0..self.modules.len())
            .filter(|&i| !is_aside(&self.modules[i].path))
            .collect();
        let joined = own
            .iter()
            .any(|&index| !self.modules[index].uses.is_empty());
        if !joined {
            return Ok(Vec::new());
        }
        let mut levels: Vec<(usize, Vec<String>)> = Vec::new();
        for &index in &own {
            let level = self.modules[index].level;
            let label = self.label(index);
            match levels.iter_mut().find(|(known, _)| *known == level) {
                Some((_, labels)) => labels.push(label),
                None => levels.push((level, vec![label])),
            }
        }
        levels.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        let layers: Vec<String> = levels
            .into_iter()
            .map(|(_, labels)| labels.join(", "))
            .collect();
        let mut lines = vec![Line::count(format!(
            "layers, each using those to its right: {}",
            layers.join(" › ")
        ))];
        for &index in own.iter().take(count) {
            let module = &self.modules[index];
            if module.uses.is_empty() {
                continue;
            }
            let mut uses: Vec<_> = module
                .uses
                .iter()
                .filter(|(to, _)| !is_aside(&self.modules[**to].path))
                .collect();
            uses.sort_by_key(|(to, with)| (std::cmp::Reverse(with.count), **to));
            let mut told: Vec<String> = uses
                .iter()
                .take(USES)
                .map(|(to, with)| format!("{} ({})", self.label(**to), with.count))
                .collect();
            if uses.len() > USES {
                told.push(format!("{} more", uses.len() - USES));
            }
            let mut citations = Vec::new();
            for (_, with) in uses.iter().take(2) {
                citations
                    .extend(self.cite(self.facts.heads[with.file].document, with.span.clone())?);
            }
            if !told.is_empty() {
                citations.dedup();
                lines.push(Line::Fact {
                    text: format!("{} uses {}", self.label(index), told.join(", ")),
                    citations,
                });
            }
        }
        Ok(lines)
    }

    /// A module's path without what all have in common, nor the folder that every package has.
    fn label(&self, index: usize) -> String {
        let path = self.modules[index].path.as_str();
        let own = self.modules.iter().filter(|module| !is_aside(&module.path));
        let folders: Vec<&str> = own.map(|module| folder(&module.path)).collect();
        let common = folders.first().copied().unwrap_or_default();
        let shared = !common.is_empty() && folders.iter().all(|folder| *folder == common);
        let short = path
            .strip_prefix(common)
            .filter(|_| shared)
            .map(|rest| rest.trim_start_matches('/'));
        let label = short.unwrap_or(path);
        match label {
            "" => one_line(&self.scope.title),
            label => label.to_owned(),
        }
    }
}

fn plural(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        many => format!("{many} {word}s"),
    }
}
