//! What can be set about reading, searching and answering. The binary fills these from its
//! settings file; the defaults here are the ones that it documents.

use std::path::PathBuf;
use std::time::Duration;

use docent_core::chunk::ChunkLimits;
use docent_core::fusion::Fusion;
use docent_core::model::Sampling;
use docent_extract::{Limits, OcrOptions, PoolOptions, WorkerCommand};
use serde::{Deserialize, Serialize};

/// All settings of the engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Which files are read.
    pub walk: WalkSettings,
    /// How files are read.
    pub extract: ExtractSettings,
    /// How large chunks are. Takes effect for files read from then on, or by a rebuild.
    pub chunk: ChunkLimits,
    /// How is searched.
    pub search: SearchSettings,
    /// How is answered.
    pub answer: AnswerSettings,
}

/// Which files are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WalkSettings {
    /// Read files and folders whose name begins with a full stop.
    pub hidden: bool,
    /// Leave out what .gitignore, .ignore and .docentignore name.
    pub ignore_files: bool,
    /// Larger files are skipped.
    pub max_file_bytes: u64,
}

impl Default for WalkSettings {
    fn default() -> Self {
        WalkSettings {
            hidden: false,
            ignore_files: true,
            max_file_bytes: 100 << 20,
        }
    }
}

/// How files are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtractSettings {
    /// Worker processes; 0 is one for each processor core.
    pub workers: usize,
    /// A file that takes longer fails.
    pub timeout_seconds: u64,
    /// A worker that needs more memory fails its file.
    pub memory_bytes: u64,
    /// So many bytes may come out of a file's compressed parts, all together.
    pub max_unpacked_bytes: u64,
    /// A compressed part may grow to so many times its size.
    pub max_ratio: u64,
    /// Files inside files inside files are read so many times.
    pub max_depth: u32,
    /// So many files are read inside one.
    pub max_entries: usize,
    /// So many pages of a document are read.
    pub max_pages: usize,
    /// So many cells of a workbook are read.
    pub max_cells: usize,
    /// Passwords that encrypted files are tried with.
    pub passwords: Vec<String>,
    /// How pictures of text are read.
    pub ocr: OcrSettings,
}

/// How pictures of text are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OcrSettings {
    /// Read them at all.
    pub enabled: bool,
    /// The Tesseract program.
    pub program: Option<PathBuf>,
    /// Tesseract's names of the languages to expect, joined by `+`.
    pub languages: String,
    /// A page that takes longer is given up.
    pub timeout_seconds: u64,
    /// So many pages of one file are recognised.
    pub max_pages: usize,
}

impl Default for OcrSettings {
    fn default() -> Self {
        let ocr = OcrOptions::default();
        OcrSettings {
            enabled: true,
            program: None,
            languages: ocr.languages,
            timeout_seconds: ocr.timeout.as_secs(),
            max_pages: ocr.max_pages,
        }
    }
}

impl Default for ExtractSettings {
    fn default() -> Self {
        let limits = Limits::default();
        ExtractSettings {
            workers: 0,
            timeout_seconds: 60,
            memory_bytes: 2 << 30,
            max_unpacked_bytes: limits.max_unpacked_bytes,
            max_ratio: limits.max_ratio,
            max_depth: limits.max_depth,
            max_entries: limits.max_entries,
            max_pages: limits.max_pages,
            max_cells: limits.max_cells,
            passwords: limits.passwords,
            ocr: OcrSettings::default(),
        }
    }
}

impl Settings {
    /// How the extraction workers that `command` starts are run.
    pub fn workers(&self, command: WorkerCommand) -> PoolOptions {
        let extract = &self.extract;
        let workers = match extract.workers {
            0 => std::thread::available_parallelism().map_or(2, usize::from),
            workers => workers.min(256),
        };
        PoolOptions {
            timeout: Duration::from_secs(extract.timeout_seconds),
            memory_bytes: extract.memory_bytes,
            ocr: OcrOptions {
                program: extract.ocr.program.clone().filter(|_| extract.ocr.enabled),
                languages: extract.ocr.languages.clone(),
                timeout: Duration::from_secs(extract.ocr.timeout_seconds),
                max_pages: extract.ocr.max_pages,
            },
            limits: Limits {
                max_file_bytes: self.walk.max_file_bytes,
                max_unpacked_bytes: extract.max_unpacked_bytes,
                max_ratio: extract.max_ratio,
                max_depth: extract.max_depth,
                max_entries: extract.max_entries,
                max_pages: extract.max_pages,
                max_cells: extract.max_cells,
                passwords: extract.passwords.clone(),
                ..Limits::default()
            },
            ..PoolOptions::new(command, workers)
        }
    }
}

/// How is searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SearchSettings {
    /// How the two rankings become one.
    pub fusion: Fusion,
    /// How many chunks each retriever brings.
    pub candidates: usize,
    /// How many of the best are compared with the query token by token; 0 for none.
    pub token_candidates: usize,
    /// How many of the best a reranker looks at, where one is set.
    pub rerank_candidates: usize,
    /// Time that it may take; after that, the order stays as it is.
    pub rerank_milliseconds: u64,
}

impl Default for SearchSettings {
    fn default() -> Self {
        SearchSettings {
            fusion: Fusion::default(),
            candidates: 100,
            token_candidates: 24,
            rerank_candidates: 30,
            rerank_milliseconds: 500,
        }
    }
}

/// How is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerSettings {
    /// Passages looked at for an answer, at most.
    pub passages: usize,
    /// Tokens of passages that the model is given, at most; the model's context may allow less.
    pub passage_tokens: usize,
    /// Tokens that the model may write.
    pub answer_tokens: usize,
    /// Sentences quoted ahead of the model's words.
    pub evidence: usize,
    /// How the model's words are chosen.
    pub sampling: Sampling,
}

impl Default for AnswerSettings {
    fn default() -> Self {
        AnswerSettings {
            passages: 8,
            passage_tokens: 1_000,
            answer_tokens: 160,
            evidence: 3,
            sampling: Sampling::default(),
        }
    }
}
