//! A set of questions with known answers, as it lies on disk.
//!
//! ```text
//! SET/corpus/…        the documents
//! SET/queries.jsonl   {"id", "text", "answerable"?}
//! SET/qrels.tsv       a header; then query, document below corpus/, relevance (0, 1, 2 …)
//! SET/answers.jsonl   {"id", "answers"?, "doc"?, "evidence"?, "answerable"?}
//! ```
//!
//! Either of the last two may be missing: where no line of `qrels.tsv` is about a query, the
//! `doc` of its answer is the relevant document. `answers` and `evidence` are a text or a list.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use docent_core::quality::{Proof, holds_words};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A file of a set is not larger, in bytes.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Longer answers, in letters and digits, are essays: no passage holds them word for word.
const MAX_ANSWER_CHARACTERS: usize = 400;
/// Answers that are judgements; no sentence is found by them.
const VERDICTS: [&str; 5] = ["yes", "no", "maybe", "true", "false"];

/// Why a set, or a run that was saved, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A file or folder is not there, or cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A line says nothing that makes sense.
    #[error("{}, line {line}: {reason}", path.display())]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Everything can be read, and yet nothing can be measured.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
}

/// A question, and what is known about its answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The query's own id.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// Whether the documents answer it.
    pub answerable: bool,
    /// Relevant documents by their path below the corpus. Gain grows with the number.
    pub relevance: BTreeMap<String, u32>,
    /// The words that a passage must hold; empty where none are known.
    pub evidence: Proof,
    /// Words of which a sentence that answers holds one; empty where none are known.
    pub answers: Vec<String>,
}

impl Known {
    /// Whether a document answers the question.
    pub fn is_gold(&self, path: &str) -> bool {
        self.relevance
            .get(path)
            .is_some_and(|relevance| *relevance > 0)
    }
}

/// A set of questions.
#[derive(Debug, Clone, PartialEq)]
pub struct EvalSet {
    /// Its folder's name.
    pub name: String,
    /// The folder of its documents.
    pub corpus: PathBuf,
    /// Its questions, in the file's order.
    pub questions: Vec<Known>,
}

#[derive(Deserialize)]
struct QueryLine {
    id: Value,
    text: String,
    answerable: Option<bool>,
}

#[derive(Deserialize)]
struct AnswerLine {
    id: Value,
    #[serde(default)]
    answers: Texts,
    doc: Option<String>,
    #[serde(default)]
    evidence: Texts,
    answerable: Option<bool>,
}

/// A text, or a list of which only the texts count.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Texts {
    #[default]
    None,
    One(String),
    Many(Vec<Value>),
}

impl Texts {
    fn into_vec(self) -> Vec<String> {
        match self {
            Texts::None => Vec::new(),
            Texts::One(text) => vec![text],
            Texts::Many(texts) => texts
                .into_iter()
                .filter_map(|text| match text {
                    Value::String(text) => Some(text),
                    _ => None,
                })
                .collect(),
        }
    }
}

impl EvalSet {
    /// Reads a set, all of it, before the first question is asked.
    ///
    /// # Errors
    /// When a file is missing or cannot be read, a line is broken, a document is not in the
    /// corpus, or there is nothing to measure.
    pub fn load(folder: &Path) -> Result<EvalSet, SetError> {
        let corpus = folder.join("corpus");
        if !corpus.is_dir() {
            return Err(SetError::Unreadable {
                path: corpus,
                reason: "a set has its documents there".into(),
            });
        }
        let queries: Vec<QueryLine> = json_lines(&folder.join("queries.jsonl"))?;
        let mut relevance = qrels(&folder.join("qrels.tsv"), &corpus)?;
        let mut answers = answers(&folder.join("answers.jsonl"))?;
        let mut questions = Vec::with_capacity(queries.len());
        for query in queries {
            let id = plain(&query.id);
            let mut known = Known {
                text: query.text,
                answerable: query.answerable.unwrap_or(true),
                relevance: relevance.remove(&id).unwrap_or_default(),
                id,
                ..Known::default()
            };
            if let Some((line, answer)) = answers.remove(&known.id) {
                let file = folder.join("answers.jsonl");
                take_answer(&mut known, answer, query.answerable, |document| {
                    check_document(&corpus, document, &file, line)
                })?;
            }
            questions.push(known);
        }
        if !questions
            .iter()
            .any(|known| known.relevance.values().any(|r| *r > 0))
        {
            return Err(SetError::Unusable {
                path: folder.to_owned(),
                reason: "no query has a relevant document: neither qrels.tsv nor a \"doc\" of \
                         answers.jsonl names one"
                    .into(),
            });
        }
        let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Ok(EvalSet {
            name: full
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            corpus,
            questions,
        })
    }
}

/// Adds what is known of the answer.
fn take_answer(
    known: &mut Known,
    answer: AnswerLine,
    said_of_query: Option<bool>,
    check: impl Fn(&str) -> Result<(), SetError>,
) -> Result<(), SetError> {
    known.answerable = said_of_query.or(answer.answerable).unwrap_or(true);
    if let Some(document) = answer.doc.filter(|_| known.relevance.is_empty()) {
        check(&document)?;
        known.relevance.insert(document, 1);
    }
    if !known.answerable {
        return Ok(());
    }
    let evidence = answer.evidence.into_vec();
    let answers = answer.answers.into_vec();
    let is_short = |texts: &Proof| texts.longest() < MAX_ANSWER_CHARACTERS;
    let in_answers = Proof::of(answers.iter().map(String::as_str));
    known.answers = answers
        .into_iter()
        .filter(|answer| !VERDICTS.contains(&answer.trim().to_lowercase().as_str()))
        .collect();
    // An answer that its evidence does not hold is the words of somebody else.
    let stands = |answer: &String| evidence.iter().any(|text| holds_words(text, answer));
    let is_quotable = match evidence.is_empty() {
        true => is_short(&in_answers),
        false => known.answers.iter().any(stands),
    };
    if !is_quotable {
        known.answers.clear();
    }
    let in_evidence = Proof::of(evidence.iter().map(String::as_str));
    if !in_evidence.is_empty() {
        known.evidence = in_evidence;
    } else if evidence.is_empty() && is_short(&in_answers) {
        known.evidence = in_answers;
    }
    Ok(())
}

/// An id as text, whatever its type.
fn plain(id: &Value) -> String {
    match id {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

fn answers(file: &Path) -> Result<HashMap<String, (usize, AnswerLine)>, SetError> {
    if !file.exists() {
        return Ok(HashMap::new());
    }
    let lines = numbered_json_lines::<AnswerLine>(file)?.into_iter();
    Ok(lines
        .map(|(at, answer)| (plain(&answer.id), (at, answer)))
        .collect())
}

/// The relevance of documents by query.
fn qrels(file: &Path, corpus: &Path) -> Result<HashMap<String, BTreeMap<String, u32>>, SetError> {
    let mut relevance: HashMap<String, BTreeMap<String, u32>> = HashMap::new();
    if !file.exists() {
        return Ok(relevance);
    }
    let text = read(file)?;
    let rows = text.lines().zip(1..).skip(1);
    for (row, line) in rows.filter(|(row, _)| !row.trim().is_empty()) {
        let bad = |reason: &str| SetError::BadLine {
            path: file.to_owned(),
            line,
            reason: reason.to_owned(),
        };
        let columns: Vec<&str> = row.trim_end_matches('\r').split('\t').collect();
        let [query, document, degree] = columns[..] else {
            return Err(bad(
                "a query, a document and its relevance, with tabs between them",
            ));
        };
        let degree: i64 = degree
            .trim()
            .parse()
            .map_err(|_| bad("the relevance is a whole number"))?;
        check_document(corpus, document, file, line)?;
        // Some sets mark spam by a number below zero.
        let degree = degree.clamp(0, 31) as u32;
        let of_query = relevance.entry(query.to_owned()).or_default();
        of_query.insert(document.to_owned(), degree);
    }
    Ok(relevance)
}

/// Whether a document, or the file that holds it, is in the corpus.
fn check_document(corpus: &Path, document: &str, file: &Path, line: usize) -> Result<(), SetError> {
    let path = Path::new(document);
    let is_below = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let mut around = path.ancestors().filter(|path| !path.as_os_str().is_empty());
    if is_below && around.any(|path| corpus.join(path).is_file()) {
        return Ok(());
    }
    Err(SetError::BadLine {
        path: file.to_owned(),
        line,
        reason: format!("the document {document:?} is not in {}", corpus.display()),
    })
}

/// Each line of a file of JSON lines, without its number.
fn json_lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, SetError> {
    let lines = numbered_json_lines(file)?.into_iter();
    Ok(lines.map(|(_, line)| line).collect())
}

/// Each line of a file of JSON lines, with its number from 1; empty lines are passed over.
///
/// # Errors
/// When the file cannot be read or a line is broken.
pub(crate) fn numbered_json_lines<T: DeserializeOwned>(
    file: &Path,
) -> Result<Vec<(usize, T)>, SetError> {
    let text = read(file)?;
    let lines = text.lines().zip(1..);
    lines
        .filter(|(line, _)| !line.trim().is_empty())
        .map(|(line, number)| {
            let parsed = serde_json::from_str(line).map_err(|error| SetError::BadLine {
                path: file.to_owned(),
                line: number,
                reason: error.to_string(),
            })?;
            Ok((number, parsed))
        })
        .collect()
}

fn read(file: &Path) -> Result<String, SetError> {
    let unreadable = |reason: String| SetError::Unreadable {
        path: file.to_owned(),
        reason,
    };
    let opened = std::fs::File::open(file).map_err(|error| unreadable(error.to_string()))?;
    let mut text = String::new();
    opened
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let limit = MAX_FILE_BYTES >> 20;
        return Err(unreadable(format!("it is larger than {limit} MiB")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[(&str, &str)]) -> Folder {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("corpus")).unwrap();
            for (path, text) in files {
                std::fs::write(folder.path().join(path), text).unwrap();
            }
            Folder(folder)
        }

        fn load(&self) -> Result<EvalSet, SetError> {
            EvalSet::load(self.0.path())
        }

        fn complaint(&self) -> String {
            self.load().unwrap_err().to_string()
        }
    }

    const QUERIES: (&str, &str) = (
        "queries.jsonl",
        "{\"id\": 7, \"text\": \"How long?\"}\n{\"id\": \"b\", \"text\": \"Pets?\", \"answerable\": false}\n",
    );
    const LEASE: (&str, &str) = ("corpus/lease.txt", "Notice is ninety days.");

    #[test]
    fn answers_alone_make_a_set() {
        let answers = "{\"id\": 7, \"answers\": [\"ninety days\"], \"doc\": \"lease.txt\", \
                       \"evidence\": \"Notice is ninety days.\"}\n";
        let set = Folder::with(&[QUERIES, LEASE, ("answers.jsonl", answers)]);
        let set = set.load().unwrap();
        assert_eq!(set.questions.len(), 2);
        let first = &set.questions[0];
        assert_eq!(first.id, "7");
        assert!(first.is_gold("lease.txt") && first.answerable);
        assert!(first.evidence.is_in("… notice is\nninety days. …"));
        assert_eq!(first.answers, ["ninety days"]);
        assert!(!set.questions[1].answerable);
    }

    #[test]
    fn verdicts_and_essays_are_no_words_to_find() {
        let answers = format!(
            "{{\"id\": 7, \"answers\": [\"Yes\"], \"doc\": \"lease.txt\", \"evidence\": [\"Notice is ninety days.\"]}}\n\
             {{\"id\": \"b\", \"answers\": [\"{}\"], \"doc\": \"lease.txt\", \"answerable\": true}}\n",
            "long ".repeat(200)
        );
        let queries = (
            "queries.jsonl",
            "{\"id\": 7, \"text\": \"a\"}\n{\"id\": \"b\", \"text\": \"c\"}\n",
        );
        let set = Folder::with(&[queries, LEASE, ("answers.jsonl", &answers)]);
        let set = set.load().unwrap();
        assert!(set.questions.iter().all(|known| known.answers.is_empty()));
        assert!(set.questions[1].evidence.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named_with_file_and_line() {
        let set = Folder::with(&[
            LEASE,
            (
                "queries.jsonl",
                "{\"id\": 1, \"text\": \"a\"}\n{\"id\": 2}\n",
            ),
        ]);
        assert!(
            set.complaint().contains("queries.jsonl, line 2"),
            "{}",
            set.complaint()
        );
        let set = Folder::with(&[
            QUERIES,
            LEASE,
            ("qrels.tsv", "query\tdoc\trelevance\n7\tleese.txt\t1\n"),
        ]);
        let complaint = set.complaint();
        assert!(complaint.contains("qrels.tsv, line 2"), "{complaint}");
        assert!(complaint.contains("leese.txt"), "{complaint}");
        let set = Folder::with(&[
            QUERIES,
            LEASE,
            ("qrels.tsv", "query\tdoc\trelevance\n7 lease.txt 1\n"),
        ]);
        assert!(set.complaint().contains("tabs"), "{}", set.complaint());
        let set = Folder::with(&[
            QUERIES,
            LEASE,
            ("qrels.tsv", "h\th\th\n7\t../corpus/lease.txt\t1\n"),
        ]);
        assert!(set.complaint().contains("is not in"), "{}", set.complaint());
        let set = Folder::with(&[QUERIES, LEASE]);
        assert!(
            set.complaint().contains("no query has a relevant"),
            "{}",
            set.complaint()
        );
        let set = Folder::with(&[LEASE]);
        assert!(
            set.complaint().contains("queries.jsonl cannot be read"),
            "{}",
            set.complaint()
        );
    }
}
