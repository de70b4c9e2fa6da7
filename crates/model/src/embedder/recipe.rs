//! The files of an embedder: a folder as sentence-transformers lays it out.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::tokens::TextTokenizer;
use crate::encoder::{EncoderConfig, EncoderError, Pooling};
use crate::error::LoadError;
use crate::{files, starter};

const REMEDY: &str = "name the folder of a BERT-family embedder as Hugging Face lays it out, with \
    config.json, tokenizer.json and model.safetensors";

/// What it takes to build an embedder.
pub(super) struct Recipe {
    pub(super) name: String,
    pub(super) fingerprint: String,
    pub(super) config: EncoderConfig,
    pub(super) tokenizer: TextTokenizer,
    pub(super) prompts: Prompts,
}

/// What a model wants to read before a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Prompts {
    pub(super) query: String,
    #[serde(alias = "passage")]
    pub(super) document: String,
}

/// `1_Pooling/config.json`. Modes that are not listed are not supported.
#[derive(Deserialize)]
#[serde(default)]
struct PoolingFile {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
    pooling_mode_max_tokens: bool,
    pooling_mode_mean_sqrt_len_tokens: bool,
    pooling_mode_weightedmean_tokens: bool,
    pooling_mode_lasttoken: bool,
}

impl Default for PoolingFile {
    /// The mean, which is what sentence-transformers takes for a model that does not say.
    fn default() -> Self {
        PoolingFile {
            pooling_mode_cls_token: false,
            pooling_mode_mean_tokens: true,
            pooling_mode_max_tokens: false,
            pooling_mode_mean_sqrt_len_tokens: false,
            pooling_mode_weightedmean_tokens: false,
            pooling_mode_lasttoken: false,
        }
    }
}

/// `sentence_bert_config.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceFile {
    max_seq_length: Option<usize>,
}

/// `config_sentence_transformers.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptsFile {
    prompts: Prompts,
}

/// One step in `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
}

/// The files' contents, wherever they come from.
struct Contents<'a> {
    config: &'a [u8],
    tokenizer: &'a [u8],
    pooling: Option<&'a [u8]>,
    sentence: Option<&'a [u8]>,
    prompts: Option<&'a [u8]>,
}

/// The starter's recipe and weights.
pub(super) fn starter() -> Result<(Recipe, &'static [u8]), LoadError> {
    let files = starter::embedder().ok_or(LoadError::NoStarter { option: "embedder" })?;
    let contents = Contents {
        config: files.config,
        tokenizer: files.tokenizer,
        pooling: Some(files.pooling),
        sentence: Some(files.sentence),
        prompts: None,
    };
    let fingerprint = || starter::EMBEDDER_FINGERPRINT.to_owned();
    let name = starter::EMBEDDER_NAME.to_owned();
    let recipe = read(
        Path::new("the starter embedder"),
        &contents,
        name,
        fingerprint,
    )?;
    Ok((recipe, files.weights))
}

/// The recipe and weights in a folder.
pub(super) fn directory(folder: &Path) -> Result<(Recipe, Vec<u8>), LoadError> {
    let metadata = fs::metadata(folder).map_err(|error| LoadError::io(folder, error, REMEDY))?;
    if !metadata.is_dir() {
        return Err(LoadError::Missing {
            path: folder.to_owned(),
            problem: "this is not a folder".into(),
            remedy: REMEDY.into(),
        });
    }
    refuse_further_modules(folder)?;
    let config = files::read(&folder.join("config.json"), REMEDY)?;
    let tokenizer = files::read(&folder.join("tokenizer.json"), REMEDY)?;
    let pooling = files::read_optional(&folder.join("1_Pooling/config.json"))?;
    let sentence = files::read_optional(&folder.join("sentence_bert_config.json"))?;
    let prompts = files::read_optional(&folder.join("config_sentence_transformers.json"))?;
    let weights = weights(folder)?;
    let contents = Contents {
        config: &config,
        tokenizer: &tokenizer,
        pooling: pooling.as_deref(),
        sentence: sentence.as_deref(),
        prompts: prompts.as_deref(),
    };
    let name = files::name_of(folder, "");
    let fingerprint = || fingerprint(&name, &contents, &weights);
    let recipe = read(folder, &contents, name.clone(), fingerprint)?;
    Ok((recipe, weights))
}

/// The bytes of `model.safetensors`, with a word on what other files may be there instead.
fn weights(folder: &Path) -> Result<Vec<u8>, LoadError> {
    let path = folder.join("model.safetensors");
    let instead = |file: &str, remedy: &str| {
        let other = folder.join(file);
        (!path.exists() && other.exists()).then(|| {
            let problem = format!("model.safetensors is missing, and there is {file}");
            LoadError::unsupported(folder, problem, remedy)
        })
    };
    let merge = "save the model again as one model.safetensors";
    instead("model.safetensors.index.json", merge)
        .or_else(|| instead("pytorch_model.bin", "convert it to model.safetensors"))
        .map_or_else(|| files::read(&path, REMEDY), Err)
}

/// Refuses models that do more than pool and normalise: their vectors would come out wrong.
fn refuse_further_modules(folder: &Path) -> Result<(), LoadError> {
    let path = folder.join("modules.json");
    let Some(bytes) = files::read_optional(&path)? else {
        return Ok(());
    };
    for Module { kind } in parse::<Vec<Module>>(&path, &bytes)? {
        if !["Transformer", "Pooling", "Normalize"]
            .iter()
            .any(|known| kind.ends_with(known))
        {
            let problem = format!("its vectors pass through {kind}");
            let remedy = "docent pools and normalises only: choose another embedder";
            return Err(LoadError::unsupported(&path, problem, remedy));
        }
    }
    Ok(())
}

/// Checks the contents against each other and builds the recipe.
fn read(
    folder: &Path,
    contents: &Contents<'_>,
    name: String,
    fingerprint: impl FnOnce() -> String,
) -> Result<Recipe, LoadError> {
    let config = config(folder, contents)?;
    let sentence_path = folder.join("sentence_bert_config.json");
    let sentence: SentenceFile = parse_optional(&sentence_path, contents.sentence)?;
    let prompts_path = folder.join("config_sentence_transformers.json");
    let prompts: PromptsFile = parse_optional(&prompts_path, contents.prompts)?;
    let max_tokens = sentence.max_seq_length.unwrap_or(config.max_positions);
    let tokenizer_path = folder.join("tokenizer.json");
    let tokenizer = TextTokenizer::new(contents.tokenizer, max_tokens.min(config.max_positions))
        .map_err(|problem| LoadError::damaged(&tokenizer_path, problem))?;
    let tokens = tokenizer.vocabulary_size();
    if tokens > config.vocabulary {
        let problem = format!(
            "it has {tokens} tokens, and config.json says {}: they belong to different models",
            config.vocabulary
        );
        return Err(LoadError::damaged(&tokenizer_path, problem));
    }
    Ok(Recipe {
        name,
        fingerprint: fingerprint(),
        config,
        tokenizer,
        prompts: prompts.prompts,
    })
}

/// The encoder's shape with its pooling.
fn config(folder: &Path, contents: &Contents<'_>) -> Result<EncoderConfig, LoadError> {
    let pooling_path = folder.join("1_Pooling/config.json");
    let file: PoolingFile = parse_optional(&pooling_path, contents.pooling)?;
    let other = file.pooling_mode_max_tokens
        || file.pooling_mode_mean_sqrt_len_tokens
        || file.pooling_mode_weightedmean_tokens
        || file.pooling_mode_lasttoken;
    let pooling = match (
        file.pooling_mode_mean_tokens,
        file.pooling_mode_cls_token,
        other,
    ) {
        (true, false, false) => Pooling::Mean,
        (false, true, false) => Pooling::Cls,
        _ => {
            let problem = "it pools by something else than the mean or the first token";
            let remedy = "docent has these two: choose another embedder";
            return Err(LoadError::unsupported(&pooling_path, problem, remedy));
        }
    };
    let path = folder.join("config.json");
    let text = std::str::from_utf8(contents.config)
        .map_err(|error| LoadError::damaged(&path, format!("this is no text: {error}")))?;
    EncoderConfig::from_json(text, pooling, true).map_err(|error| match error {
        EncoderError::Config(problem) => LoadError::unsupported(&path, problem, REMEDY),
        other => LoadError::damaged(&path, other.to_string()),
    })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, bytes: &[u8]) -> Result<T, LoadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| LoadError::damaged(path, format!("this is not as it should be: {error}")))
}

fn parse_optional<T>(path: &Path, bytes: Option<&[u8]>) -> Result<T, LoadError>
where
    T: for<'de> Deserialize<'de> + Default,
{
    bytes.map_or_else(|| Ok(T::default()), |bytes| parse(path, bytes))
}

/// A model's name with the beginning of the BLAKE3 hash of all that its vectors depend on, and
/// how they are computed.
fn fingerprint(name: &str, contents: &Contents<'_>, weights: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    let optional = [contents.pooling, contents.sentence, contents.prompts];
    let optional = optional.map(Option::unwrap_or_default);
    for part in [weights, contents.config, contents.tokenizer]
        .into_iter()
        .chain(optional)
    {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    format!("{name}@{}/int8", &hasher.finalize().to_hex()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_starter_is_what_its_fingerprint_names() {
        let files = starter::embedder().unwrap();
        let contents = Contents {
            config: files.config,
            tokenizer: files.tokenizer,
            pooling: Some(files.pooling),
            sentence: Some(files.sentence),
            prompts: None,
        };
        let computed = fingerprint(starter::EMBEDDER_NAME, &contents, files.weights);
        assert_eq!(computed, starter::EMBEDDER_FINGERPRINT);
    }

    #[test]
    fn prompts_are_read_under_either_name() {
        let file = br#"{"prompts": {"query": "query: ", "passage": "passage: "}}"#;
        let prompts = parse::<PromptsFile>(Path::new("x"), file).unwrap().prompts;
        assert_eq!(
            (&*prompts.query, &*prompts.document),
            ("query: ", "passage: ")
        );
        let none = parse::<PromptsFile>(Path::new("x"), b"{\"__version__\": {}}").unwrap();
        assert_eq!(none.prompts, Prompts::default());
    }
}
