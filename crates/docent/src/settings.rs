//! The settings: documented defaults, and the person's own file over them.

use std::path::{Path, PathBuf};

use docent_core::fusion::Fusion;
use docent_engine::settings as engine;
use docent_model::{CachePrecision, Precision};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// All settings, each documented in `assets/settings/default.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) index: Index,
    pub(crate) models: Models,
    pub(crate) output: Output,
    walk: engine::WalkSettings,
    extract: engine::ExtractSettings,
    chunk: docent_core::chunk::ChunkLimits,
    search: engine::SearchSettings,
    answer: engine::AnswerSettings,
}

/// Where collections are kept.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Index {
    pub(crate) home: Option<PathBuf>,
}

/// The models.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Models {
    pub(crate) generator: Option<PathBuf>,
    pub(crate) embedder: Option<PathBuf>,
    pub(crate) reranker: Option<PathBuf>,
    pub(crate) context_tokens: usize,
    pub(crate) threads: usize,
    pub(crate) kv: KeysAndValues,
    pub(crate) lora: Vec<String>,
    pub(crate) precision: Arithmetic,
    pub(crate) dimensions: usize,
    pub(crate) query_prompt: Option<String>,
    pub(crate) document_prompt: Option<String>,
    pub(crate) packed_bytes: u64,
    pub(crate) prefix_bytes: u64,
}

/// How the embedder computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Arithmetic {
    /// With bytes where they give nearly the vectors of floats, else with floats.
    #[default]
    Auto,
    /// With bytes.
    Int8,
    /// With floats.
    F32,
}

impl Arithmetic {
    /// The precision, where it does not depend on the model.
    pub(crate) fn precision(self) -> Option<Precision> {
        match self {
            Arithmetic::Auto => None,
            Arithmetic::Int8 => Some(Precision::Int8),
            Arithmetic::F32 => Some(Precision::F32),
        }
    }
}

/// How the generator keeps what it has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeysAndValues {
    /// As half-precision floats.
    #[default]
    F16,
    /// As bytes, in half the memory.
    Int8,
}

impl From<KeysAndValues> for CachePrecision {
    fn from(kept: KeysAndValues) -> CachePrecision {
        match kept {
            KeysAndValues::F16 => CachePrecision::F16,
            KeysAndValues::Int8 => CachePrecision::Int8,
        }
    }
}

impl Default for Models {
    fn default() -> Self {
        Models {
            generator: None,
            embedder: None,
            reranker: None,
            context_tokens: 0,
            threads: 0,
            kv: KeysAndValues::F16,
            lora: Vec::new(),
            precision: Arithmetic::Auto,
            dimensions: 0,
            query_prompt: None,
            document_prompt: None,
            packed_bytes: 32 << 30,
            prefix_bytes: 2 << 30,
        }
    }
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Output {
    pub(crate) hits: usize,
}

impl Default for Output {
    fn default() -> Self {
        Output { hits: 10 }
    }
}

impl Settings {
    /// The settings of the file at `path`, or the defaults. A file that is not there is no
    /// error unless it was `asked_for` by name.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or names a setting that does not exist.
    pub(crate) fn load(path: Option<&Path>, asked_for: bool) -> Result<Settings> {
        let Some(path) = path else {
            return Ok(Settings::default());
        };
        match std::fs::read_to_string(path) {
            Ok(text) => Settings::from_toml(&text).map_err(|what| wrong(path, &what)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked_for => {
                Ok(Settings::default())
            }
            Err(error) => Err(Failure::config(format_args!(
                "the settings {} cannot be read: {error}",
                path.display()
            ))
            .hint("Make the file readable, or name another with --settings.")),
        }
    }

    fn from_toml(text: &str) -> std::result::Result<Settings, String> {
        let settings: Settings =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        settings.check()?;
        Ok(settings)
    }

    /// What the types cannot say about values.
    fn check(&self) -> std::result::Result<(), String> {
        let sampling = &self.answer.sampling;
        let (chunk, walk, extract) = (&self.chunk, &self.walk, &self.extract);
        let fusion = match self.search.fusion {
            Fusion::Convex { dense_weight } => (0.0..=1.0).contains(&dense_weight),
            Fusion::ReciprocalRank { k } => k.is_finite() && k >= 0.0,
        };
        let rules = [
            (self.output.hits > 0, "output.hits is at least 1"),
            (walk.max_file_bytes > 0, "walk.max_file_bytes is at least 1"),
            (
                extract.timeout_seconds > 0,
                "extract.timeout_seconds is at least 1",
            ),
            (
                extract.max_depth <= 100 && extract.max_entries > 0,
                "extract.max_depth is at most 100, extract.max_entries at least 1",
            ),
            (
                extract.ocr.timeout_seconds > 0 && extract.ocr.max_pages > 0,
                "extract.ocr.timeout_seconds and extract.ocr.max_pages are at least 1",
            ),
            (
                extract.max_pages > 0 && extract.max_cells > 0,
                "extract.max_pages and extract.max_cells are at least 1",
            ),
            (
                extract.memory_bytes >= 256 << 20,
                "extract.memory_bytes is at least 268_435_456",
            ),
            (
                0 < chunk.min && chunk.min <= chunk.target && chunk.target <= chunk.max,
                "chunk.min, chunk.target and chunk.max ascend and are at least 1",
            ),
            (
                fusion,
                "search.fusion: dense_weight lies between 0 and 1, k is not negative",
            ),
            (
                self.search.candidates > 0,
                "search.candidates is at least 1",
            ),
            (self.answer.passages > 0, "answer.passages is at least 1"),
            (
                self.answer.answer_tokens > 0,
                "answer.answer_tokens is at least 1",
            ),
            (
                sampling.temperature >= 0.0,
                "answer.sampling.temperature is not negative",
            ),
            (
                sampling.top_p > 0.0 && sampling.top_p <= 1.0,
                "answer.sampling.top_p lies above 0 and is at most 1",
            ),
            (
                sampling.repetition_penalty > 0.0,
                "answer.sampling.repetition_penalty lies above 0",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err((*rule).to_owned()),
            None => Ok(()),
        }
    }

    /// The part that the engine works by.
    pub(crate) fn engine(&self) -> engine::Settings {
        let mut extract = self.extract.clone();
        extract.ocr.program = extract.ocr.program.or_else(docent_extract::find_tesseract);
        engine::Settings {
            walk: self.walk.clone(),
            extract,
            chunk: self.chunk,
            search: self.search.clone(),
            answer: self.answer.clone(),
        }
    }
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::config(format_args!(
        "the settings {} are wrong: {what}",
        path.display()
    ))
    .hint("Mend or remove that line, or name another file with --settings.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        let documented = include_str!("../../../assets/settings/default.toml");
        assert_eq!(Settings::from_toml(documented), Ok(Settings::default()));
    }

    #[test]
    fn the_documentation_names_every_setting() {
        let documented = include_str!("../../../assets/settings/default.toml");
        // A comment in front of a setting that has no default value is taken away.
        let complete = ["# home =", "# generator =", "# embedder ="]
            .iter()
            .fold(documented.to_owned(), |text, line| {
                text.replace(line, &line[2..])
            });
        let table: toml::Table = complete.parse().unwrap();
        let engine = toml::Table::try_from(engine::Settings::default()).unwrap();
        for (section, values) in engine {
            for key in values.as_table().unwrap().keys() {
                let named = table[&section].as_table().unwrap();
                assert!(named.contains_key(key), "{section}.{key} is not documented");
            }
        }
        let settings = Settings::from_toml(&complete).unwrap();
        assert!(settings.index.home.is_some() && settings.models.embedder.is_some());
    }

    #[test]
    fn a_persons_own_values_win() {
        let own = "[walk]\nhidden = true\n[models]\ngenerator = \"/m.gguf\"\n\
                   [answer.sampling]\nseed = 7\n";
        let settings = Settings::from_toml(own).unwrap();
        assert!(settings.walk.hidden);
        assert!(settings.walk.ignore_files);
        assert_eq!(settings.models.generator, Some("/m.gguf".into()));
        assert_eq!(settings.answer.sampling.seed, 7);
        assert_eq!(settings.answer.sampling.repetition_penalty, 1.1);
    }

    #[test]
    fn an_unknown_setting_is_named_with_its_line() {
        let text = Settings::from_toml("[walk]\nhiden = true\n").unwrap_err();
        assert!(text.contains("line 2") && text.contains("hiden"), "{text}");
        let text = Settings::from_toml("[wlak]\nhidden = true\n").unwrap_err();
        assert!(text.contains("wlak"), "{text}");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let text = Settings::from_toml("[walk]\nhidden = 3\n").unwrap_err();
        assert!(
            text.contains("line 2") && text.contains("boolean"),
            "{text}"
        );
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let own = "[search]\nfusion = { kind = \"convex\", dense_weight = 1.5 }\n";
        let text = Settings::from_toml(own).unwrap_err();
        assert!(text.contains("dense_weight"), "{text}");
    }
}
