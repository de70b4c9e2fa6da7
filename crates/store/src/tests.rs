//! Behaviour of the whole store: what is committed is found, what dies is gone, and nothing that
//! is interrupted shows.

mod crash;
mod lifecycle;
mod retrieval;
mod sets;

use std::path::Path;

use docent_core::chunk::Chunk;
use docent_core::document::{Block, BlockKind, Document, Format, Locator};
use docent_core::language::Language;
use docent_core::query::{Condition, Group, Query};
use docent_core::source::{ContentHash, Gap, Stamp};

use crate::{
    Change, ChunkId, EmbedderIdentity, Inner, Outcome, PendingChunk, Reader, RootId, Scored, Set,
    StateFilter, Writer, open_writer,
};

/// Length of the tests' vectors.
const DIMENSION: usize = 8;

fn embedder() -> EmbedderIdentity {
    EmbedderIdentity {
        fingerprint: "test-embedder".into(),
        dimension: DIMENSION,
        origin: "in the tests".into(),
    }
}

/// A vector that depends on the text alone.
fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.1; DIMENSION];
    for (at, byte) in text.bytes().enumerate() {
        vector[(usize::from(byte) + at % 3) % DIMENSION] += 1.0;
    }
    vector
}

/// A document whose paragraphs, parted by empty lines, are its chunks.
fn document(title: &str, text: &str) -> (Document, Vec<Chunk>) {
    let mut blocks = Vec::new();
    let mut at = 0;
    for paragraph in text.split("\n\n") {
        let line = text[..at].lines().count() as u32 + 1;
        blocks.push(Block {
            span: at..at + paragraph.len(),
            kind: BlockKind::Paragraph,
            locator: Locator::Lines {
                first: line,
                last: line,
            },
            hidden: false,
        });
        at += paragraph.len() + 2;
    }
    let chunks = blocks.iter().map(|block| Chunk {
        span: block.span.clone(),
        locator: block.locator.clone(),
        heading_path: vec![],
        hidden: false,
    });
    let document = Document {
        title: Some(title.into()),
        language: Some(Language::ENGLISH),
        blocks: blocks.clone(),
        warnings: vec!["a word was replaced".into()],
        properties: vec![("author".into(), "A. Writer".into())],
        ..Document::of(Format::Markdown, text.into())
    };
    (document, chunks.collect())
}

fn stamp(number: u64) -> Stamp {
    Stamp {
        size: number,
        modified_ns: number as i64,
        device: 1,
        inode: number,
    }
}

fn put(root: RootId, path: &str, text: &str) -> Change {
    let title = path.rsplit('/').next().unwrap_or(path);
    let (document, chunks) = document(title, text);
    Change::Put {
        root,
        path: path.into(),
        stamp: stamp(text.len() as u64),
        hash: Some(ContentHash([text.len() as u8; 32])),
        outcome: Outcome::Indexed { document, chunks },
        inner: Vec::new(),
    }
}

/// A mail with an attachment.
fn put_mail(root: RootId, path: &str, attachment: &str, text: &str) -> Change {
    let mut change = put(root, path, "the mail itself");
    if let Change::Put { inner, .. } = &mut change {
        let (document, chunks) = document(attachment, text);
        inner.push(Inner {
            path: attachment.into(),
            size: text.len() as u64,
            hash: None,
            outcome: Outcome::Indexed { document, chunks },
        });
    }
    change
}

fn writer(home: &Path) -> (Writer, RootId) {
    let mut writer = open_writer(home, &embedder()).unwrap();
    let root = writer.add_root(Path::new("/files")).unwrap();
    (writer, root)
}

/// Embeds everything that waits for it; the number of chunks that did.
fn embed_all(writer: &mut Writer) -> usize {
    let mut embedded = 0;
    loop {
        let pending = writer.pending_vectors(Set::First, 3).unwrap();
        if pending.is_empty() {
            return embedded;
        }
        let vector = |chunk: &PendingChunk| (chunk.id, embed(&chunk.text));
        embedded += writer
            .commit_vectors(Set::First, pending.iter().map(vector).collect())
            .unwrap();
    }
}

fn query(words: &str) -> Query {
    Query {
        text: Group {
            should: words
                .split_whitespace()
                .map(|word| Condition::Word(word.into()))
                .collect(),
            ..Group::default()
        },
        plain: words.into(),
        ..Query::default()
    }
}

fn ids(hits: &[Scored]) -> Vec<ChunkId> {
    hits.iter().map(|hit| hit.chunk).collect()
}

/// The nearest chunks to a vector of [`embedder`], the best first.
fn nearest(reader: &Reader, vector: &[f32], query: &Query, limit: usize) -> Vec<Scored> {
    let found = reader.dense(&embedder().fingerprint, vector, query, limit);
    found.unwrap().expect("its vectors are searched")
}

/// The texts of the chunks found by words, the best first.
fn found(reader: &Reader, query: &Query) -> Vec<String> {
    let hits = reader.lexical(query, 50).unwrap();
    texts(reader, &hits)
}

fn texts(reader: &Reader, hits: &[Scored]) -> Vec<String> {
    let chunks = reader.chunks(&ids(hits)).unwrap();
    chunks.into_iter().map(|chunk| chunk.text).collect()
}

/// Everything of a collection that a person could tell, without ids: sources, states and texts,
/// and what both retrievers find of them.
fn contents(reader: &Reader) -> Vec<String> {
    let mut all = Vec::new();
    for source in reader.sources_with(StateFilter::All, usize::MAX).unwrap() {
        all.push(format!(
            "{} {:?} {}",
            source.path, source.state, source.chunks
        ));
        let Some(document) = source.document else {
            continue;
        };
        let stored = reader.document(document).unwrap().unwrap();
        all.push(stored.document.text);
        for chunk in reader.chunks_of(document).unwrap() {
            let by_words = found(reader, &query(&chunk.text));
            let nearest = nearest(reader, &embed(&chunk.text), &Query::default(), 100);
            all.push(format!(
                "{}: words {by_words:?}, vectors {}, itself {}",
                chunk.text,
                nearest.len(),
                nearest.iter().filter(|hit| hit.chunk == chunk.id).count(),
            ));
        }
    }
    all
}
