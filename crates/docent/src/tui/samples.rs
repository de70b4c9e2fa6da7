//! Fixed values that the tests of the terminal UI share.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use docent_core::answer::{Answer, Sentence, Support};
use docent_core::citation::Citation;
use docent_core::document::{Block, BlockKind, Document, Format, Locator};
use docent_engine::collection::{CollectionStatus, DocumentView, Uncovered};
use docent_engine::event::{PassageView, PromptBudget, Searched, Timings};
use docent_engine::search::{Effort, Hit, SearchResults};
use docent_engine::stages::Stages;

use super::message::{ModelCard, Shelf, StatusReport, Target};
use super::state::viewer::Source;

/// The clause that the sample answer quotes.
pub(super) const CLAUSE: &str =
    "The Tenant may end this Lease on ninety (90) days' notice and payment of two months' rent.";

/// A text of one paragraph with line places.
pub(super) fn text_view(id: i64, path: &str, text: &str) -> DocumentView {
    let last = text.lines().count().max(1) as u32;
    DocumentView {
        id,
        root: PathBuf::from("/files"),
        path: path.to_owned(),
        document: Document {
            blocks: vec![Block {
                span: 0..text.len(),
                kind: BlockKind::Paragraph,
                locator: Locator::Lines { first: 1, last },
                hidden: false,
            }],
            ..Document::of(Format::Text, text.to_owned())
        },
    }
}

/// A target without words that were searched for.
pub(super) fn target(document: i64, passage: Range<usize>) -> Target {
    Target {
        document,
        path: String::new(),
        quote: String::new(),
        passage,
        terms: Vec::new(),
    }
}

/// A lease of three pages as PDF; the clause is on the second.
pub(super) fn lease() -> Source {
    let pages = [
        "LEASE AGREEMENT\nbetween Miller Estates and Acme Tools GmbH".to_owned(),
        format!(
            "11. Term and termination\n11.1 The term is five years.\n11.2 {CLAUSE}\n\
             11.3 Holding over needs the landlord's written consent. “Ende der Pacht” — 賃貸借契約 🏠"
        ),
        "12. Signatures".to_owned(),
    ];
    let mut text = String::new();
    let mut blocks = Vec::new();
    for (place, page) in pages.iter().enumerate() {
        if place > 0 {
            text.push_str("\n\n");
        }
        let start = text.len();
        text.push_str(page);
        let number = place as u32 + 1;
        blocks.push(Block {
            span: start..text.len(),
            kind: BlockKind::Paragraph,
            locator: Locator::page(number, 1, page.lines().count() as u32),
            hidden: false,
        });
    }
    let mut view = text_view(7, "contracts/Lease-2019.pdf", &text);
    view.document.format = Format::Pdf;
    view.document.blocks = blocks;
    Source::new(view)
}

/// Where the clause stands in the lease.
pub(super) fn clause_target() -> Target {
    let start = lease().document.text.find(CLAUSE).unwrap_or(0);
    Target {
        quote: CLAUSE.to_owned(),
        path: "contracts/Lease-2019.pdf".to_owned(),
        ..target(7, start..start + CLAUSE.len())
    }
}

fn page(page: u32) -> Locator {
    Locator::page(page, 3, 3)
}

fn citation(number: usize, path: &str, locator: Locator, quote: &str) -> Citation {
    let start = clause_target().passage.start;
    Citation {
        number,
        passage: number,
        path: path.to_owned(),
        locator,
        quote: quote.to_owned(),
        start,
        end: start + quote.len(),
    }
}

/// The quotes of the sample answer.
pub(super) fn evidence() -> Vec<Citation> {
    vec![
        citation(1, "contracts/Lease-2019.pdf", page(2), CLAUSE),
        citation(
            2,
            "letters/2021-03 Kündigung.md",
            Locator::Lines { first: 4, last: 4 },
            "We give notice as of 31 March.",
        ),
    ]
}

/// What was searched for the sample answer.
pub(super) fn searched() -> Searched {
    let passage = |citation: &Citation| PassageView {
        number: citation.passage,
        document: if citation.number == 1 { 7 } else { 8 },
        path: citation.path.clone(),
        title: None,
        format: Format::Pdf,
        locator: citation.locator.clone(),
        heading_path: Vec::new(),
        text: citation.quote.clone(),
        start: citation.start,
        end: citation.end,
        score: 0.9,
    };
    Searched {
        query: "tenant leaves early".to_owned(),
        documents: 1_201,
        vectors_complete: true,
        passages: evidence().iter().map(passage).collect(),
        retrieve_ms: 31,
        ..Searched::default()
    }
}

/// How the sample prompt is laid out.
pub(super) fn budget() -> PromptBudget {
    PromptBudget {
        prompt_tokens: 1_830,
        context_tokens: 2_048,
        answer_tokens: 200,
        passages_used: 8,
        passages_left_out: 0,
    }
}

/// The sample answer.
pub(super) fn answer() -> Answer {
    let sentence = |text: &str, support| Sentence {
        text: text.to_owned(),
        support,
    };
    Answer {
        evidence: vec![1],
        sentences: vec![
            sentence(
                "The tenant pays two months' rent and gives 90 days' notice.",
                Support::Cited { citations: vec![1] },
            ),
            sentence(
                "Notice was given in March.",
                Support::Cited { citations: vec![2] },
            ),
            sentence("The deposit is kept.", Support::Unsupported),
        ],
        citations: evidence(),
        ..Answer::default()
    }
}

/// What the sample answer cost.
pub(super) fn timings() -> Timings {
    Timings {
        retrieve_ms: 31,
        evidence_ms: 12,
        first_token_ms: Some(1_200),
        total_ms: 3_400,
    }
}

/// What a sample search found.
pub(super) fn hits() -> Vec<Hit> {
    let hit = |document, path: &str, title: &str, text: &str, word: &str, locator| {
        let at = text.find(word).unwrap_or(0);
        Hit {
            hidden: false,
            path: path.to_owned(),
            root: PathBuf::from("/files"),
            document,
            title: Some(title.to_owned()),
            format: Format::Pdf,
            locator,
            heading_path: vec![title.to_owned()],
            text: text.to_owned(),
            start: clause_target().passage.start,
            end: clause_target().passage.end,
            score: 0.8,
            dense_rank: Some(1),
            lexical_rank: Some(2),
            reasons: Vec::new(),
            similar_to: None,
            modified_ns: 0,
            matched: std::iter::once(at..at + word.len()).collect(),
        }
    };
    let lines = Locator::Lines {
        first: 12,
        last: 14,
    };
    vec![
        hit(
            7,
            "contracts/Lease-2019.pdf",
            "11. Term and termination",
            CLAUSE,
            "notice",
            page(2),
        ),
        hit(
            8,
            "letters/2021-03 Kündigung.md",
            "Brief",
            "We give notice\nas of 31 March, 契約を解除します。",
            "notice",
            lines.clone(),
        ),
        hit(
            9,
            "notes/very/deep/folder/with/a/long/name/minutes-of-the-meeting.md",
            "Minutes",
            "Notice periods were discussed 👩‍⚖️ at length and without result.",
            "Notice",
            lines,
        ),
    ]
}

/// The results of a sample search.
pub(super) fn results() -> SearchResults {
    SearchResults {
        hits: hits(),
        documents: 1_201,
        vectors_complete: true,
        millis: 23.4,
        stages: Stages::default(),
        effort: Effort::Full,
        ..SearchResults::default()
    }
}

/// How the sample collection stands.
pub(super) fn status(name: &str) -> CollectionStatus {
    CollectionStatus {
        name: name.to_owned(),
        roots: vec![
            PathBuf::from("/home/ann/matters/miller"),
            PathBuf::from("/home/ann/mail/miller"),
        ],
        seen: 1_217,
        indexed: 1_201,
        partial: 1,
        failed: 2,
        skipped: 13,
        chunks: 18_400,
        chunks_embedded: 18_000,
        pending: 400,
        bytes_on_disk: 48_300_000,
        embedder: Some("all-MiniLM-L6-v2 3f1a".to_owned()),
        second_index: None,
        revision: 42,
        updated: Some(1_795_132_799),
    }
}

/// Counts and troubles of the sample collection.
pub(super) fn report() -> StatusReport {
    let problem = |path: &str, state: &str, reason: &str| Uncovered {
        root: PathBuf::from("/home/ann/matters/miller"),
        path: path.to_owned(),
        pages: None,
        state: state.to_owned(),
        gap: reason.into(),
    };
    StatusReport {
        status: status("Miller v. Acme"),
        uncovered: vec![
            problem(
                "scans/old.pdf",
                "failed",
                "it is encrypted: save a copy without a password",
            ),
            problem(
                "mail/broken.html",
                "failed",
                "it ended in the middle of a tag",
            ),
            problem(
                "scans/2018.pdf",
                "partial",
                "pages 3–4 have no text: they are pictures",
            ),
            problem("photos/door.jpg", "skipped", "format not read yet"),
        ],
        memory_bytes: Some(412_000_000),
    }
}

/// The collections of the sample library.
pub(super) fn shelves() -> Vec<Shelf> {
    vec![
        Shelf {
            name: "Miller v. Acme".to_owned(),
            status: Ok(status("Miller v. Acme")),
        },
        Shelf {
            name: "notes".to_owned(),
            status: Ok(status("notes")),
        },
        Shelf {
            name: "old".to_owned(),
            status: Err("it was written by a newer docent: update docent".to_owned()),
        },
    ]
}

/// The model of the samples.
pub(super) fn model() -> ModelCard {
    ModelCard {
        name: "SmolLM2-135M-Instruct".to_owned(),
        context_tokens: 2_048,
        streaming: None,
    }
}

/// The lease, ready to be shown.
pub(super) fn shared_lease() -> Arc<Source> {
    Arc::new(lease())
}
