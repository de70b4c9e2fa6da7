//! What a summary is made of, as plain values.

use docent_core::answer::{Sentence, one_line};
use docent_core::citation::Citation;
use serde::Serialize;

/// What is summarised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SummaryRequest {
    /// A file or a folder of the collection: its path below a root, or on disk. The whole
    /// collection without it.
    pub path: Option<String>,
    /// How much is told.
    pub length: Length,
}

/// How much a summary tells, in sentences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Length {
    /// What it is about: 5.
    Short,
    /// What it says: 12.
    #[default]
    Medium,
    /// What its parts say: 30.
    Long,
    /// So many.
    Sentences(usize),
}

impl Length {
    /// The number of sentences, at least one.
    pub fn sentences(self) -> usize {
        match self {
            Length::Short => 5,
            Length::Medium => 12,
            Length::Long => 30,
            Length::Sentences(count) => count.clamp(1, 500),
        }
    }
}

/// What a summary is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// One document.
    #[default]
    Document,
    /// Documents of a folder or a collection.
    Folder,
    /// Source code with its documents.
    Codebase,
}

/// A summary. Everything in it stands in the documents word for word, was counted, or is marked
/// as the model's.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    /// What it is of.
    pub subject: Subject,
    /// The document's title, or the folder's name.
    pub title: String,
    /// What holds for the whole.
    pub lines: Vec<Line>,
    /// What holds for each part, in order.
    pub parts: Vec<Part>,
    /// Everything that the lines point to; each was found in its document.
    pub citations: Vec<Citation>,
    /// Sentences that a model wrote and that are not here: no quote supports them.
    pub left_out: usize,
    /// What was read for it, and what was not.
    pub coverage: Coverage,
}

/// A part of a summary.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Part {
    /// A section's heading, a document's title, a folder, a topic.
    pub heading: String,
    /// What is said of it.
    pub lines: Vec<Line>,
}

/// A line of a summary.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// A document's own words.
    Quote {
        /// The words on one line, without marks of comments.
        text: String,
        /// [`Citation::number`].
        citation: usize,
    },
    /// What docent counted or found, and where it can be seen.
    Fact {
        /// In words.
        text: String,
        /// [`Citation::number`]s.
        citations: Vec<usize>,
    },
    /// What the model wrote from the quotes above; only what they support is there.
    Written {
        /// The checked sentence.
        sentence: Sentence,
    },
}

impl Line {
    /// A fact that points nowhere: a count.
    pub(super) fn count(text: impl Into<String>) -> Line {
        Line::Fact {
            text: text.into(),
            citations: Vec::new(),
        }
    }

    /// The line as text, with `[n]` for what it points to.
    pub fn to_text(&self) -> String {
        match self {
            Line::Quote { text, citation } => format!("“{text}” [{citation}]"),
            Line::Fact { text, citations } => {
                let marks: String = citations.iter().map(|n| format!(" [{n}]")).collect();
                format!("{text}{marks}")
            }
            Line::Written { sentence } => sentence.to_text(),
        }
    }
}

/// What was read for a summary.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Coverage {
    /// Documents that were read.
    pub documents: usize,
    /// Documents that there are, those that could not be read included.
    pub documents_total: usize,
    /// Sections of text that were read. All of each document that was read.
    pub sections: usize,
    /// Files, and pages of files, that were not read: where, and why.
    pub not_read: Vec<NotRead>,
}

/// A file, or pages of one, that were not read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotRead {
    /// The path, and the pages where only some are meant.
    pub place: String,
    /// Why.
    pub reason: String,
}

impl Coverage {
    /// In words: `read 412 sections of 38 of 40 documents; 2 not read: …`.
    pub fn to_text(&self, named: usize) -> String {
        let plural = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            many => format!("{many} {word}s"),
        };
        let sections = match self.sections {
            0 => String::new(),
            count => format!("all {} of ", plural(count, "section")),
        };
        let total = plural(self.documents_total, "document");
        let mut text = format!("read {sections}{} of {total}", self.documents);
        if !self.not_read.is_empty() {
            let first: Vec<String> = self
                .not_read
                .iter()
                .take(named)
                .map(|gap| format!("{} ({})", gap.place, one_line(&gap.reason)))
                .collect();
            text += &format!("; {} not read: {}", self.not_read.len(), first.join("; "));
            if self.not_read.len() > named {
                text += "; …";
            }
        }
        text
    }
}

/// What comes while a summary is made.
#[derive(Debug, Clone, PartialEq)]
pub enum SummaryEvent {
    /// Where reading stands.
    Reading {
        /// Documents that are done.
        documents: usize,
        /// All that are read.
        documents_total: usize,
        /// Sections that are done.
        sections: usize,
        /// All that are read, where that is known: of a single document.
        sections_total: Option<usize>,
        /// The path of the last document.
        path: String,
    },
    /// The model writes: told again and again, so that the person can stop it.
    Writing,
}

impl Summary {
    /// The summary as plain text, without the list of places.
    pub fn to_text(&self) -> String {
        let mut text = vec![self.title.clone()];
        text.extend(self.lines.iter().map(Line::to_text));
        for part in &self.parts {
            text.push(format!("\n{}", part.heading));
            text.extend(part.lines.iter().map(Line::to_text));
        }
        text.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_names_what_is_missing() {
        let gap = |place: &str| NotRead {
            place: place.into(),
            reason: "it is encrypted".into(),
        };
        let coverage = Coverage {
            documents: 38,
            documents_total: 40,
            sections: 412,
            not_read: vec![gap("a.pdf"), gap("b.pdf")],
        };
        assert_eq!(
            coverage.to_text(1),
            "read all 412 sections of 38 of 40 documents; 2 not read: a.pdf (it is encrypted); …"
        );
    }

    #[test]
    fn a_summary_is_text_with_marks() {
        let summary = Summary {
            title: "Lease".into(),
            lines: vec![Line::Quote {
                text: "Rent is due.".into(),
                citation: 1,
            }],
            parts: vec![Part {
                heading: "Term".into(),
                lines: vec![Line::count("2 pages")],
            }],
            ..Summary::default()
        };
        assert_eq!(
            summary.to_text(),
            "Lease\n“Rent is due.” [1]\n\nTerm\n2 pages"
        );
    }
}
