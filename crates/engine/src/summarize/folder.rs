//! A folder's summary: each document's best sentences, brought together by subfolder, or by
//! topic where there are no subfolders to go by.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::ops::{ControlFlow, Range};

use docent_core::answer::one_line;
use docent_core::codebase;
use docent_core::document::Format;
use docent_core::summary::central::{self, Weighed};
use docent_core::summary::{telling, topic};
use docent_store::{DocumentId, StoredDocument};

use super::digest::{Digester, Draft};
use super::document;
use super::report::{Coverage, Line, Part, Subject, Summary, SummaryEvent};
use super::{Citing, OnEvent, Scope, kinds};
use crate::collection::Collection;
use crate::error::EngineError;

/// Sentences of a document that its folder may quote.
const KEPT: usize = 3;
/// Sentences of a document that stand for its words.
const SAMPLED: usize = 8;
/// A sentence that so many documents hold word for word is a form's, and says nothing of one.
const FORM: usize = 3;
/// Titles of a group's documents that are told.
const TITLES: usize = 6;
/// Documents that are weighed together, at most.
const DRAFTS: usize = 256;
/// Groups that are told one by one, at most.
const MAX_GROUPS: usize = 12;
/// Topics that a folder is divided into, at most.
const MAX_TOPICS: usize = 8;
/// Words that name what a group is about.
const LABEL_WORDS: usize = 4;

/// What is known of a document.
struct Known {
    id: DocumentId,
    path: String,
    title: String,
    format: Format,
    sections: usize,
    /// Its best sentences, each with the hash of its words.
    best: Vec<(document::Ranked, u64)>,
    vector: Option<Vec<f32>>,
    /// Its own title and best sentences, to name topics by.
    words: String,
}

/// Documents that belong together.
struct Group {
    /// The folder; none for a topic.
    folder: Option<String>,
    members: Vec<usize>,
}

/// The summary of a folder in so many sentences; `None` if it was stopped.
pub(super) fn summarize(
    collection: &Collection,
    scope: &Scope,
    digester: Digester<'_>,
    budget: usize,
    on_event: OnEvent<'_>,
) -> Result<Option<Summary>, EngineError> {
    let Some(known) = read(collection, scope, digester, on_event)? else {
        return Ok(None);
    };
    let mut citing = Citing::default();
    let mut lines = vec![Line::count(counted(known.iter()))];
    lines.extend(introduction(collection, scope, &known, &mut citing)?);
    let telling: Vec<usize> = (0..known.len())
        .filter(|&index| !known[index].best.is_empty())
        .collect();
    let parts = if telling.len() <= budget {
        each(collection, &known, &telling, budget, &mut citing)?
    } else {
        let groups = groups(scope, &known, &telling, budget);
        grouped(collection, &known, &groups, budget, &mut citing)?
    };
    Ok(Some(Summary {
        subject: Subject::Folder,
        title: scope.title.clone(),
        lines,
        parts,
        citations: citing.citations,
        coverage: Coverage {
            documents: known.len(),
            sections: known.iter().map(|known| known.sections).sum(),
            ..Coverage::default()
        },
        ..Summary::default()
    }))
}

/// Reads every document of the scope.
fn read(
    collection: &Collection,
    scope: &Scope,
    mut digester: Digester<'_>,
    on_event: OnEvent<'_>,
) -> Result<Option<Vec<Known>>, EngineError> {
    let documents: Vec<DocumentId> = scope.documents().map(|(_, id)| id).collect();
    let mut known: Vec<Known> = Vec::new();
    let mut drafts: Vec<(StoredDocument, Draft)> = Vec::new();
    let mut sections = 0;
    for (index, id) in documents.iter().enumerate() {
        // Deleted since the scope was looked at: it is gone from the summary too.
        let Some(stored) = collection.reader().document(*id)? else {
            continue;
        };
        let draft = digester.begin(&stored.document);
        drafts.push((stored, draft));
        let is_last = index + 1 == documents.len();
        if !is_last && !digester.is_full() && drafts.len() < DRAFTS {
            continue;
        }
        let done = known.len();
        let path = drafts
            .last()
            .map_or(String::new(), |(stored, _)| stored.path.clone());
        let mut tell = |documents_done: usize, sections: usize| {
            on_event(SummaryEvent::Reading {
                documents: documents_done,
                documents_total: documents.len(),
                sections,
                sections_total: None,
                path: path.clone(),
            })
        };
        let flow = digester.work(&mut |more| {
            sections += more;
            tell(done, sections)
        })?;
        if flow.is_break() {
            return Ok(None);
        }
        for (stored, draft) in drafts.drain(..) {
            known.push(finish(&digester, stored, draft));
        }
        digester.clear();
        if tell(known.len(), sections) == ControlFlow::Break(()) {
            return Ok(None);
        }
    }
    drop_forms(&mut known);
    Ok(Some(known))
}

/// Drops sentences that many documents hold word for word, and keeps the best of the others.
fn drop_forms(known: &mut [Known]) {
    let mut holding: HashMap<u64, usize> = HashMap::new();
    let hashes = known.iter().flat_map(|known| &known.best);
    hashes.for_each(|(_, hash)| *holding.entry(*hash).or_default() += 1);
    for known in known {
        let is_form = |hash: &u64| holding.get(hash).is_some_and(|count| *count >= FORM);
        // Copies of one document hold each other's sentences: that makes them no form.
        let forms = known.best.iter().filter(|(_, hash)| is_form(hash)).count();
        if forms * 2 <= known.best.len() {
            known.best.retain(|(_, hash)| !is_form(hash));
        }
        known.best.truncate(KEPT);
    }
}

fn finish(digester: &Digester<'_>, stored: StoredDocument, draft: Draft) -> Known {
    let digest = digester.finish(draft);
    let ranked = document::ranked(&digest);
    let weighed: Vec<Weighed<'_>> = ranked.iter().map(document::Ranked::weighed).collect();
    let document = &stored.document;
    let title = document
        .title
        .clone()
        .filter(|title| !title.trim().is_empty());
    let mut words = title.clone().unwrap_or_default();
    let mut best = Vec::new();
    for index in central::diverse(&weighed, &[], SAMPLED) {
        let sentence = ranked[index].clone();
        let text = document.text.get(sentence.span.clone());
        let text = one_line(text.unwrap_or_default());
        words.push(' ');
        words.push_str(&text);
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        best.push((sentence, hasher.finish()));
    }
    let title = title.unwrap_or_else(|| codebase::name(&stored.path).to_owned());
    let title = one_line(&title);
    Known {
        id: stored.id,
        title,
        format: document.format,
        sections: digest.sections,
        best,
        vector: digest.vector,
        words,
        path: stored.path,
    }
}

fn counted<'k>(known: impl Iterator<Item = &'k Known> + Clone) -> String {
    let count = known.clone().count();
    let kinds = kinds(known.map(|known| known.format.word()));
    match count {
        1 => format!("1 document: {kinds}"),
        many => format!("{many} documents: {kinds}"),
    }
}

/// What a README says of the folder that it lies in: its first sentences.
fn introduction(
    collection: &Collection,
    scope: &Scope,
    known: &[Known],
    citing: &mut Citing,
) -> Result<Vec<Line>, EngineError> {
    let is_readme = |known: &&Known| {
        let rest = known
            .path
            .strip_prefix(scope.prefix.as_str())
            .unwrap_or(&known.path)
            .to_lowercase();
        rest.starts_with("readme") && !rest.contains('/')
    };
    let Some(readme) = known.iter().find(is_readme) else {
        return Ok(Vec::new());
    };
    let Some(stored) = collection.reader().document(readme.id)? else {
        return Ok(Vec::new());
    };
    Ok(first_sentences(&stored, 2, citing))
}

/// The first sentences of a document that can be quoted.
pub(super) fn first_sentences(
    stored: &StoredDocument,
    count: usize,
    citing: &mut Citing,
) -> Vec<Line> {
    let document = &stored.document;
    let parts = docent_core::summary::section::parts(document);
    let sections = parts.iter().flat_map(|part| &part.sections).take(4);
    let spans = sections.flat_map(|section| section.sentences(&document.text));
    let fit = |span: &Range<usize>| {
        let text = one_line(&document.text[span.clone()]);
        telling::fitness(&text).is_some_and(|fitness| fitness >= 0.5)
    };
    let chosen: Vec<Range<usize>> = spans.filter(fit).take(count).collect();
    chosen
        .into_iter()
        .filter_map(|span| citing.quote(document, &stored.path, span))
        .collect()
}

/// A part for each document.
fn each(
    collection: &Collection,
    known: &[Known],
    telling: &[usize],
    budget: usize,
    citing: &mut Citing,
) -> Result<Vec<Part>, EngineError> {
    let count = (budget / telling.len().max(1)).clamp(1, KEPT);
    let mut parts = Vec::new();
    for &index in telling {
        let document = &known[index];
        let mut spans: Vec<Range<usize>> = document
            .best
            .iter()
            .take(count)
            .map(|(best, _)| best.span.clone())
            .collect();
        spans.sort_by_key(|span| span.start);
        let lines = quotes(
            collection,
            &spans
                .into_iter()
                .map(|span| (document, span))
                .collect::<Vec<_>>(),
            citing,
        )?;
        parts.push(Part {
            heading: document.title.clone(),
            lines,
        });
    }
    Ok(parts)
}

fn quotes(
    collection: &Collection,
    chosen: &[(&Known, Range<usize>)],
    citing: &mut Citing,
) -> Result<Vec<Line>, EngineError> {
    let mut lines = Vec::new();
    for (known, span) in chosen {
        if let Some(stored) = collection.reader().document(known.id)? {
            lines.extend(citing.quote(&stored.document, &known.path, span.clone()));
        }
    }
    Ok(lines)
}

/// The documents by the subfolder that they lie in, or by topic where they lie in one folder.
fn groups(scope: &Scope, known: &[Known], telling: &[usize], budget: usize) -> Vec<Group> {
    let mut prefix = scope.prefix.clone();
    loop {
        let mut folders: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for (index, document) in known.iter().enumerate() {
            let rest = document
                .path
                .strip_prefix(prefix.as_str())
                .unwrap_or(&document.path);
            let first = rest.split_once('/').map(|(first, _)| first);
            folders.entry(first).or_default().push(index);
        }
        let loose = folders.get(&None).map_or(0, Vec::len);
        match folders.first_key_value() {
            // One folder in a folder: what counts lies below.
            Some((Some(only), _)) if folders.len() == 1 => prefix = format!("{prefix}{only}/"),
            _ if folders.len() >= 3 || (folders.len() == 2 && loose * 2 < known.len()) => {
                let heading = |folder: Option<&str>| {
                    folder.map_or("(directly in it)".to_owned(), |f| format!("{f}/"))
                };
                let group = |(folder, members): (Option<&str>, Vec<usize>)| Group {
                    folder: Some(heading(folder)),
                    members,
                };
                let mut groups: Vec<Group> = folders.into_iter().map(group).collect();
                groups.sort_by_key(|group| std::cmp::Reverse(group.members.len()));
                return groups;
            }
            _ => return topics(known, telling, budget.min(MAX_TOPICS)),
        }
    }
}

fn topics(known: &[Known], telling: &[usize], most: usize) -> Vec<Group> {
    let vectors: Vec<(usize, &[f32])> = telling
        .iter()
        .filter_map(|&index| Some((index, known[index].vector.as_deref()?)))
        .collect();
    let only: Vec<&[f32]> = vectors.iter().map(|(_, vector)| *vector).collect();
    let group = |members: Vec<usize>| Group {
        folder: None,
        members: members
            .into_iter()
            .map(|member| vectors[member].0)
            .collect(),
    };
    topic::group(&only, most).into_iter().map(group).collect()
}

/// A part for each group, with as many sentences as its share of the documents deserves.
fn grouped(
    collection: &Collection,
    known: &[Known],
    groups: &[Group],
    budget: usize,
    citing: &mut Citing,
) -> Result<Vec<Part>, EngineError> {
    let words = |group: &Group| {
        group
            .members
            .iter()
            .map(|&index| known[index].words.as_str())
            .collect::<Vec<_>>()
    };
    let labels = topic::labels(&groups.iter().map(words).collect::<Vec<_>>(), LABEL_WORDS);
    let shown = groups.len().min(MAX_GROUPS).min(budget);
    let all: usize = groups[..shown]
        .iter()
        .map(|group| group.members.len())
        .sum();
    let mut parts = Vec::new();
    for (group, label) in groups[..shown].iter().zip(labels) {
        let about = label.join(", ");
        let count = 1 + (budget - shown) * group.members.len() / all.max(1);
        let facts = counted(group.members.iter().map(|&index| &known[index]));
        let facts = match about.is_empty() {
            true => facts,
            false => format!("{facts}; often: {about}"),
        };
        let titles = titles(known, group);
        let heading = match (&group.folder, titles.first()) {
            (Some(folder), _) => folder.clone(),
            // A topic has no name of its own: its most typical document stands for it.
            (None, Some(title)) => format!("like {title}"),
            (None, None) => "others".to_owned(),
        };
        let mut lines = vec![Line::count(facts)];
        if titles.len() > 1 {
            let more = if group.members.len() > titles.len() {
                "; …"
            } else {
                ""
            };
            lines.push(Line::count(format!("{}{more}", titles.join("; "))));
        }
        lines.extend(quotes(
            collection,
            &typical(known, &group.members, count),
            citing,
        )?);
        parts.push(Part { heading, lines });
    }
    if shown < groups.len() {
        let rest: Vec<&str> = groups[shown..]
            .iter()
            .filter_map(|group| group.folder.as_deref())
            .collect();
        let documents: usize = groups[shown..]
            .iter()
            .map(|group| group.members.len())
            .sum();
        parts.push(Part {
            heading: format!("{} more", groups.len() - shown),
            lines: vec![Line::count(format!(
                "{documents} documents: {}",
                rest.join(", ")
            ))],
        });
    }
    Ok(parts)
}

/// The titles of the documents that are nearest to what the group is about, the nearest first.
fn titles<'k>(known: &'k [Known], group: &Group) -> Vec<&'k str> {
    let vectors = group
        .members
        .iter()
        .filter_map(|&index| known[index].vector.as_deref());
    let centre = central::centroid(vectors.map(|vector| (vector, 1.0))).unwrap_or_default();
    let near = |index: usize| {
        let vector = known[index].vector.as_deref().unwrap_or_default();
        central::dot(vector, &centre)
    };
    let mut members = group.members.clone();
    members.sort_by(|&a, &b| near(b).total_cmp(&near(a)));
    let titles = members.iter().take(TITLES);
    titles.map(|&index| known[index].title.as_str()).collect()
}

/// The sentences of different documents that are nearest to what the group is about.
fn typical<'k>(
    known: &'k [Known],
    members: &[usize],
    count: usize,
) -> Vec<(&'k Known, Range<usize>)> {
    let vectors = members
        .iter()
        .filter_map(|&index| known[index].vector.as_deref());
    let Some(centre) = central::centroid(vectors.map(|vector| (vector, 1.0))) else {
        return Vec::new();
    };
    let candidates: Vec<(&Known, &document::Ranked)> = members
        .iter()
        .filter_map(|&index| Some((&known[index], &known[index].best.first()?.0)))
        .collect();
    let weighed: Vec<Weighed<'_>> = candidates
        .iter()
        .map(|(_, best)| Weighed {
            score: 0.5 * best.score + 0.5 * central::dot(&best.vector, &centre).max(0.0),
            vector: &best.vector,
        })
        .collect();
    central::diverse(&weighed, &[], count)
        .into_iter()
        .map(|index| (candidates[index].0, candidates[index].1.span.clone()))
        .collect()
}
