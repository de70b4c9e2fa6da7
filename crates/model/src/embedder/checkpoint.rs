//! The files of an encoder: a folder as Hugging Face lays it out, or a GGUF file.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use docent_core::model::Prompts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokenizers::Tokenizer;

use super::prompts::PromptsFile;
use super::{tokens, vocabulary};
use crate::encoder::{
    Blob, Encoder, EncoderConfig, EncoderError, Layout, Pooling, Precision, SUPPORTED, Tensors,
};
use crate::error::LoadError;
use crate::gguf::{Gguf, GgufError};
use crate::starter::StarterEmbedder;
use crate::{files, threads};

const REMEDY: &str = "name the folder of a BERT-family model as Hugging Face lays it out, with \
    config.json, tokenizer.json and model.safetensors, or a GGUF file of one";

/// An encoder's files, read and checked except for the weights, which are read when it is built.
pub(crate) struct Checkpoint<'a> {
    /// The folder, the file, or what stands for it in messages.
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) config: EncoderConfig,
    pub(crate) tokenizer: Tokenizer,
    /// The number of scores that a head gives for a pair; `None` without one.
    pub(crate) labels: Option<usize>,
    /// The beginning of the BLAKE3 hash of all files, in hexadecimal.
    pub(crate) hash: String,
    pub(crate) sentence: SentenceSettings,
    tensors: Tensors<'a>,
    layout: Layout,
    /// The file or folder that the weights are in, for messages.
    weights_path: PathBuf,
}

/// What sentence-transformers keeps beside a model.
#[derive(Debug, Clone, Default)]
pub(crate) struct SentenceSettings {
    /// Tokens of a sequence at most.
    pub(crate) max_tokens: Option<usize>,
    /// `None` where the files say nothing of prompts.
    pub(crate) prompts: Option<Prompts>,
}

/// What `config.json` says of what the model was made for.
#[derive(Deserialize)]
struct Purpose {
    #[serde(default)]
    architectures: Vec<String>,
    id2label: Option<serde_json::Map<String, serde_json::Value>>,
    /// How a classifier pools; by the first token unless it says otherwise.
    classifier_pooling: Option<String>,
}

/// A pooling's `config.json`. Modes that are not listed are not supported.
#[derive(Deserialize)]
#[serde(default)]
struct PoolingFile {
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: bool,
    pooling_mode_max_tokens: bool,
    pooling_mode_mean_sqrt_len_tokens: bool,
    pooling_mode_weightedmean_tokens: bool,
    pooling_mode_lasttoken: bool,
    /// How newer files say it.
    pooling_mode: Option<String>,
    include_prompt: bool,
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
            pooling_mode: None,
            include_prompt: true,
        }
    }
}

impl PoolingFile {
    /// The pooling, where it is one that docent has.
    fn pooling(&self) -> Option<Pooling> {
        if let Some(mode) = &self.pooling_mode {
            return match mode.as_str() {
                "mean" => Some(Pooling::Mean),
                "cls" => Some(Pooling::Cls),
                "lasttoken" => Some(Pooling::Last),
                _ => None,
            };
        }
        if self.pooling_mode_max_tokens
            || self.pooling_mode_mean_sqrt_len_tokens
            || self.pooling_mode_weightedmean_tokens
        {
            return None;
        }
        let modes = (
            self.pooling_mode_mean_tokens,
            self.pooling_mode_cls_token,
            self.pooling_mode_lasttoken,
        );
        match modes {
            (true, false, false) => Some(Pooling::Mean),
            (false, true, false) => Some(Pooling::Cls),
            (false, false, true) => Some(Pooling::Last),
            _ => None,
        }
    }
}

/// `sentence_bert_config.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceFile {
    max_seq_length: Option<usize>,
}

/// `tokenizer_config.json`, which says how long a sequence may be where newer files of
/// sentence-transformers do not. Without a limit it says 10³⁰.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenizerFile {
    model_max_length: Option<f64>,
}

/// One step in `modules.json`.
#[derive(Deserialize)]
struct Module {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: String,
}

/// `model.safetensors.index.json`: which part has which tensor.
#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

/// The small files' contents, wherever they come from.
struct Contents<'a> {
    config: &'a [u8],
    tokenizer: &'a [u8],
    pooling: Option<&'a [u8]>,
    sentence: Option<&'a [u8]>,
    prompts: Option<&'a [u8]>,
    tokenizer_config: Option<&'a [u8]>,
}

impl Checkpoint<'static> {
    /// The starter's files, whose hash is known.
    pub(crate) fn starter(files: &StarterEmbedder, hash: &str) -> Result<Self, LoadError> {
        let path = PathBuf::from("the starter embedder");
        let contents = Contents {
            config: files.config,
            tokenizer: files.tokenizer,
            pooling: Some(files.pooling),
            sentence: Some(files.sentence),
            prompts: None,
            tokenizer_config: None,
        };
        let tensors = tensors(vec![Blob::Memory(files.weights)], &path)?;
        let hash = hash.to_owned();
        Checkpoint::read(&path, &path, "1_Pooling", &contents, tensors, hash)
    }

    /// The files in a folder, or a GGUF file.
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let metadata = fs::metadata(path).map_err(|error| LoadError::io(path, error, REMEDY))?;
        match metadata.is_dir() {
            true => Checkpoint::open_folder(path),
            false => Checkpoint::open_gguf(path),
        }
    }

    fn open_folder(folder: &Path) -> Result<Self, LoadError> {
        let pooling_folder = pooling_folder(folder)?;
        let config = files::read(&folder.join("config.json"), REMEDY)?;
        let tokenizer = files::read(&folder.join("tokenizer.json"), REMEDY)?;
        let optional = |name: &str| files::read_optional(&folder.join(name));
        let pooling = optional(&format!("{pooling_folder}/config.json"))?;
        let sentence = optional("sentence_bert_config.json")?;
        let prompts = optional("config_sentence_transformers.json")?;
        let tokenizer_config = optional("tokenizer_config.json")?;
        let contents = Contents {
            config: &config,
            tokenizer: &tokenizer,
            pooling: pooling.as_deref(),
            sentence: sentence.as_deref(),
            prompts: prompts.as_deref(),
            tokenizer_config: tokenizer_config.as_deref(),
        };
        let paths = weights_paths(folder)?;
        let mut hasher = blake3::Hasher::new();
        let mut parts = Vec::with_capacity(paths.len());
        for path in &paths {
            let file = files::open(path, REMEDY)?;
            hash_file(&mut hasher, &file).map_err(|error| LoadError::io(path, error, REMEDY))?;
            parts.push(Blob::File(Mutex::new(file)));
        }
        let weights_path = match paths.as_slice() {
            [only] => only.as_path(),
            _ => folder,
        };
        let tensors = tensors(parts, weights_path)?;
        let hash = contents.hash(hasher);
        Checkpoint::read(
            folder,
            weights_path,
            &pooling_folder,
            &contents,
            tensors,
            hash,
        )
    }

    fn open_gguf(path: &Path) -> Result<Self, LoadError> {
        let file = files::open(path, REMEDY)?;
        let io = |error| LoadError::io(path, error, REMEDY);
        let told_gguf = |error| match error {
            GgufError::Io(error) => io(error),
            GgufError::Damaged(problem) => LoadError::damaged(path, problem),
            GgufError::Unsupported(what, remedy) => LoadError::unsupported(path, what, remedy),
        };
        let gguf = Gguf::read(&mut BufReader::new(&file)).map_err(told_gguf)?;
        let config = EncoderConfig::from_gguf(&gguf).map_err(|error| told(path, error))?;
        let tokenizer = threads::contain(|| vocabulary::tokenizer(&gguf))
            .map_err(|panic| LoadError::damaged(path, panic))?;
        let tokenizer = tokenizer.map_err(told_gguf)?;
        let mut hasher = blake3::Hasher::new();
        hash_file(&mut hasher, &file).map_err(io)?;
        let checkpoint = Checkpoint {
            path: path.to_owned(),
            name: files::name_of(path, ".gguf"),
            labels: gguf.tensors.contains_key("cls.output.weight").then_some(1),
            hash: hasher.finalize().to_hex()[..HASH_DIGITS].to_owned(),
            sentence: SentenceSettings::default(),
            tensors: Tensors::from_gguf(&gguf, Blob::File(Mutex::new(file))),
            layout: Layout::Gguf,
            weights_path: path.to_owned(),
            config,
            tokenizer,
        };
        checkpoint.check_vocabulary(path)?;
        Ok(checkpoint)
    }
}

/// Digits of the hash that a fingerprint has.
const HASH_DIGITS: usize = 16;

impl<'a> Checkpoint<'a> {
    /// Checks the contents against each other.
    fn read(
        folder: &Path,
        weights_path: &Path,
        pooling_folder: &str,
        contents: &Contents<'_>,
        tensors: Tensors<'a>,
        hash: String,
    ) -> Result<Self, LoadError> {
        let config_path = folder.join("config.json");
        let purpose: Purpose = parse(&config_path, contents.config)?;
        let is_classifier = purpose
            .architectures
            .iter()
            .any(|name| name.ends_with("ForSequenceClassification"));
        // Hugging Face means two labels where a classifier does not list them.
        let labels = is_classifier.then(|| purpose.id2label.map_or(2, |labels| labels.len()));
        let mut config = config(folder, pooling_folder, contents)?;
        if is_classifier {
            config.pooling = match purpose.classifier_pooling.as_deref() {
                Some("mean") => Pooling::Mean,
                _ => Pooling::Cls,
            };
        }
        let max_tokens = max_tokens(folder, contents)?;
        let prompts_path = folder.join("config_sentence_transformers.json");
        let prompts: PromptsFile = parse_optional(&prompts_path, contents.prompts)?;
        let tokenizer_path = folder.join("tokenizer.json");
        let tokenizer = threads::contain(|| Tokenizer::from_bytes(contents.tokenizer))
            .map_err(|panic| LoadError::damaged(&tokenizer_path, panic))?
            .map_err(|error| {
                LoadError::damaged(&tokenizer_path, format!("not a tokenizer: {error}"))
            })?;
        let checkpoint = Checkpoint {
            path: folder.to_owned(),
            name: files::name_of(folder, ""),
            config,
            tokenizer,
            labels,
            hash,
            sentence: SentenceSettings {
                max_tokens,
                prompts: prompts.prompts(),
            },
            tensors,
            layout: Layout::HuggingFace,
            weights_path: weights_path.to_owned(),
        };
        checkpoint.check_vocabulary(&tokenizer_path)?;
        Ok(checkpoint)
    }

    /// Refuses a tokenizer that knows tokens which the weights do not.
    fn check_vocabulary(&self, path: &Path) -> Result<(), LoadError> {
        let tokens = tokens::vocabulary_size(&self.tokenizer);
        if tokens <= self.config.vocabulary {
            return Ok(());
        }
        let problem = format!(
            "it has {tokens} tokens, and the encoder {}: they belong to different models",
            self.config.vocabulary
        );
        Err(LoadError::damaged(path, problem))
    }

    /// Tokens of a sequence at most.
    pub(crate) fn max_tokens(&self) -> usize {
        let most = self.config.max_tokens;
        self.sentence
            .max_tokens
            .map_or(most, |asked| asked.min(most))
    }

    /// Reads the weights, with the head of a cross-encoder if that is wanted.
    pub(crate) fn build(&self, precision: Precision, head: bool) -> Result<Encoder, LoadError> {
        let load = match head {
            true => Encoder::load_with_head,
            false => Encoder::load,
        };
        threads::contain(|| load(&self.tensors, self.layout, self.config.clone(), precision))
            .map_err(|panic| LoadError::damaged(&self.weights_path, panic))?
            .map_err(|error| told(&self.weights_path, error))
    }
}

/// Tokens of a sequence at most, where the files beside the model's own say it.
fn max_tokens(folder: &Path, contents: &Contents<'_>) -> Result<Option<usize>, LoadError> {
    let path = folder.join("sentence_bert_config.json");
    let sentence: SentenceFile = parse_optional(&path, contents.sentence)?;
    if sentence.max_seq_length.is_some() {
        return Ok(sentence.max_seq_length);
    }
    let path = folder.join("tokenizer_config.json");
    let tokenizer: TokenizerFile = parse_optional(&path, contents.tokenizer_config)?;
    Ok(tokenizer.model_max_length.map(|most| most as usize))
}

/// An encoder's problem with a file.
fn told(path: &Path, error: EncoderError) -> LoadError {
    match error {
        EncoderError::Config(problem) => {
            LoadError::unsupported(path, problem, format!("docent runs {SUPPORTED}"))
        }
        other => LoadError::damaged(path, other.to_string()),
    }
}

fn tensors<'a>(parts: Vec<Blob<'a>>, path: &Path) -> Result<Tensors<'a>, LoadError> {
    Tensors::from_safetensors(parts).map_err(|error| told(path, error))
}

/// The files of weights in a folder: one, or the parts that an index lists.
fn weights_paths(folder: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let single = folder.join("model.safetensors");
    if single.exists() {
        return Ok(vec![single]);
    }
    let index_path = folder.join("model.safetensors.index.json");
    if let Some(bytes) = files::read_optional(&index_path)? {
        let index: Index = parse(&index_path, &bytes)?;
        let parts: BTreeSet<String> = index.weight_map.into_values().collect();
        let stray = |name: &&String| Path::new(name).components().count() != 1;
        if let Some(name) = parts.iter().find(stray) {
            let problem = format!("it names the part {name:?}, which is not in this folder");
            return Err(LoadError::damaged(&index_path, problem));
        }
        if parts.is_empty() {
            return Err(LoadError::damaged(&index_path, "it lists no parts"));
        }
        return Ok(parts.iter().map(|name| folder.join(name)).collect());
    }
    let pickled = folder.join("pytorch_model.bin");
    if pickled.exists() {
        let problem = "model.safetensors is missing, and there is pytorch_model.bin";
        let remedy = "convert it to model.safetensors";
        return Err(LoadError::unsupported(folder, problem, remedy));
    }
    // What opening it says is what there is to say.
    Ok(vec![single])
}

/// The folder of the pooling's settings. Refuses models that do more than pool and normalise:
/// their vectors would come out wrong.
fn pooling_folder(folder: &Path) -> Result<String, LoadError> {
    let path = folder.join("modules.json");
    let mut pooling = "1_Pooling".to_owned();
    let Some(bytes) = files::read_optional(&path)? else {
        return Ok(pooling);
    };
    for Module { kind, path: place } in parse::<Vec<Module>>(&path, &bytes)? {
        let known = ["Transformer", "Pooling", "Normalize"];
        if !known.iter().any(|known| kind.ends_with(known)) {
            let problem = format!("its vectors pass through {kind}");
            let remedy = "docent pools and normalises only: choose another embedder";
            return Err(LoadError::unsupported(&path, problem, remedy));
        }
        if kind.ends_with("Pooling") && Path::new(&place).components().count() == 1 {
            pooling = place;
        }
    }
    Ok(pooling)
}

/// The encoder's shape with its pooling.
fn config(
    folder: &Path,
    pooling_folder: &str,
    contents: &Contents<'_>,
) -> Result<EncoderConfig, LoadError> {
    let pooling_path = folder.join(pooling_folder).join("config.json");
    let file: PoolingFile = parse_optional(&pooling_path, contents.pooling)?;
    let Some(pooling) = file.pooling().filter(|_| file.include_prompt) else {
        let problem = "it pools by something else than the mean, the first or the last token";
        let remedy = "docent has these three: choose another embedder";
        return Err(LoadError::unsupported(&pooling_path, problem, remedy));
    };
    let path = folder.join("config.json");
    let text = std::str::from_utf8(contents.config)
        .map_err(|error| LoadError::damaged(&path, format!("this is no text: {error}")))?;
    EncoderConfig::from_json(text, pooling, true).map_err(|error| told(&path, error))
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, LoadError> {
    serde_json::from_slice(bytes)
        .map_err(|error| LoadError::damaged(path, format!("this is not as it should be: {error}")))
}

fn parse_optional<T: DeserializeOwned + Default>(
    path: &Path,
    bytes: Option<&[u8]>,
) -> Result<T, LoadError> {
    bytes.map_or_else(|| Ok(T::default()), |bytes| parse(path, bytes))
}

/// Adds a file's length and bytes to a hash.
fn hash_file(hasher: &mut blake3::Hasher, file: &File) -> io::Result<()> {
    hasher.update(&file.metadata()?.len().to_le_bytes());
    let mut reader = file;
    io::Seek::rewind(&mut reader)?;
    hasher.update_reader(reader)?;
    Ok(())
}

impl Contents<'_> {
    /// The hash of all that vectors depend on, once the weights are in it.
    fn hash(&self, mut hasher: blake3::Hasher) -> String {
        let optional = [self.pooling, self.sentence, self.prompts];
        let optional = optional.map(Option::unwrap_or_default);
        let parts = [self.config, self.tokenizer].into_iter().chain(optional);
        for part in parts.chain(self.tokenizer_config) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_hex()[..HASH_DIGITS].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::starter;

    #[test]
    fn the_starter_is_what_its_fingerprint_names() {
        let files = starter::embedder().unwrap();
        let contents = Contents {
            config: files.config,
            tokenizer: files.tokenizer,
            pooling: Some(files.pooling),
            sentence: Some(files.sentence),
            prompts: None,
            tokenizer_config: None,
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(files.weights.len() as u64).to_le_bytes());
        hasher.update(files.weights);
        assert_eq!(contents.hash(hasher), starter::EMBEDDER_HASH);
    }

    #[test]
    fn poolings_are_read_in_either_form() {
        let pooling = |file: &str| serde_json::from_str::<PoolingFile>(file).unwrap().pooling();
        assert_eq!(pooling("{}"), Some(Pooling::Mean));
        assert_eq!(
            pooling(r#"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#),
            Some(Pooling::Cls)
        );
        assert_eq!(
            pooling(r#"{"pooling_mode": "lasttoken"}"#),
            Some(Pooling::Last)
        );
        assert_eq!(pooling(r#"{"pooling_mode": "max"}"#), None);
        assert_eq!(pooling(r#"{"pooling_mode_cls_token": true}"#), None);
    }
}
