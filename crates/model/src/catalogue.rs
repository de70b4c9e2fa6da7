//! Which models there are on this machine, and what each would be like to run.
//!
//! Nothing is loaded: a model's header says all that is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::decoder;
use crate::error::LoadError;
use crate::files;
use crate::generator::explain;
use crate::gguf::Gguf;
use crate::source::Source;

/// Folders are looked through so deep: LM Studio keeps models two folders down, Hugging Face's
/// cache four.
const MOST_DEPTH: usize = 6;
/// Entries that are looked at below one folder; more are somebody's whole disk.
const MOST_ENTRIES: usize = 100_000;
/// A manifest of Ollama's is a few kilobytes.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;

/// A model's file, as its header describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCard {
    /// The file.
    pub path: PathBuf,
    /// What its makers call it, if they say.
    pub name: Option<String>,
    /// `general.architecture`.
    pub architecture: String,
    /// What would run it; `None` if nothing does.
    pub runner: Option<Runner>,
    /// The format of most of its weights, "Q4_K" for example.
    pub quantisation: String,
    /// Bytes of weights in each format.
    pub formats: BTreeMap<&'static str, u64>,
    /// Length of the file.
    pub file_bytes: u64,
    /// Numbers in all tensors.
    pub parameters: u64,
    /// Tokens that it was trained to see at once; 0 if it does not say.
    pub context_tokens: usize,
    /// Layers; 0 if it does not say.
    pub layers: usize,
    /// Bytes of weights that are read to write one token.
    pub token_bytes: u64,
    /// Bytes that keys and values of one token take in half precision; 0 if it does not say.
    pub cache_bytes_per_token: u64,
}

/// What runs a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    /// docent's own decoder.
    Docent,
    /// candle, more slowly.
    Candle,
}

/// Whether a model fits into the memory that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Weights and a context of [`ModelCard::fit`]'s length fit.
    Memory,
    /// They do not: weights would come from the disk for each token, which is slow.
    Storage,
    /// The system does not tell how much memory is free.
    Unknown,
}

impl ModelCard {
    /// Whether it fits into the memory that is free now, with room for `context` tokens.
    #[must_use]
    pub fn fit(&self, context: usize) -> Fit {
        self.fit_within(context, decoder::free_bytes())
    }

    fn fit_within(&self, context: usize, free: Option<u64>) -> Fit {
        let cache = self.cache_bytes_per_token.saturating_mul(context as u64);
        match free {
            None => Fit::Unknown,
            Some(free) if self.file_bytes.saturating_add(cache) <= free => Fit::Memory,
            Some(_) => Fit::Storage,
        }
    }

    /// Tokens that could be written per second at most, after `depth` others, on a machine that
    /// reads so many bytes per second from memory ([`crate::bench::memory_bytes_per_second`]).
    #[must_use]
    pub fn most_tokens_per_second(&self, memory_bytes_per_second: f64, depth: usize) -> f64 {
        let cache = self.cache_bytes_per_token as f64 * depth as f64;
        memory_bytes_per_second / (self.token_bytes as f64 + cache).max(1.0)
    }
}

/// Reads what a model's file says about itself.
///
/// # Errors
/// When there is no such file, it cannot be read, or it is no GGUF.
pub fn inspect(path: &Path) -> Result<ModelCard, LoadError> {
    let remedy = "name a GGUF file";
    let file = files::open(path, remedy)?;
    let source = Source::file(file).map_err(|error| LoadError::io(path, error, remedy))?;
    let gguf = Gguf::read(&mut source.reader()).map_err(|error| explain(path, error))?;
    Ok(describe(path, &gguf, source.length()))
}

fn describe(path: &Path, gguf: &Gguf, file_bytes: u64) -> ModelCard {
    let architecture = gguf.text("general.architecture").unwrap_or("unknown");
    let number = |key: &str| gguf.number(&format!("{architecture}.{key}")).unwrap_or(0);
    let mut formats = BTreeMap::new();
    for entry in gguf.tensors.values() {
        *formats.entry(entry.kind.name()).or_default() += entry.bytes as u64;
    }
    let most = formats.iter().max_by_key(|(_, bytes)| **bytes);
    let heads = number("attention.head_count").max(1);
    let key_heads = match number("attention.head_count_kv") {
        0 => heads,
        key_heads => key_heads,
    };
    let head = match number("attention.key_length") {
        0 => number("embedding_length") / heads,
        head => head,
    };
    let layers = number("block_count");
    let numbers = [2, layers, key_heads, head].map(|number| number as u64);
    let per_token = numbers.into_iter().reduce(u64::saturating_mul);
    ModelCard {
        path: path.to_owned(),
        name: gguf.text("general.name").map(str::to_owned),
        architecture: architecture.to_owned(),
        runner: decoder::runner(architecture),
        quantisation: most.map_or("none", |(name, _)| name).to_owned(),
        formats: formats.clone(),
        file_bytes,
        parameters: gguf
            .tensors
            .values()
            .map(|entry| entry.elements() as u64)
            .sum(),
        context_tokens: number("context_length"),
        layers,
        token_bytes: token_bytes(gguf, number("expert_count"), number("expert_used_count")),
        cache_bytes_per_token: per_token.unwrap_or(0).saturating_mul(2),
    }
}

/// Bytes of weights that are read to write one token: all but the vectors of other tokens, and
/// of experts only the used ones.
fn token_bytes(gguf: &Gguf, experts: usize, used: usize) -> u64 {
    let tied = !gguf.tensors.contains_key("output.weight");
    let bytes = gguf.tensors.iter().map(|(name, entry)| {
        let bytes = entry.bytes as u64;
        let part = name.split('.').nth(2).unwrap_or_default();
        let single = name
            .split('.')
            .nth(3)
            .is_some_and(|last| last.parse::<usize>().is_ok());
        match name.as_str() {
            "token_embd.weight" if !tied => 0,
            _ if experts > 1 && (part.ends_with("_exps") || single) => {
                bytes / experts as u64 * used.min(experts) as u64
            }
            _ => bytes,
        }
    });
    bytes.sum()
}

/// The GGUF files in `folders` and below, in order, each once. What cannot be read is left out.
#[must_use]
pub fn find(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        let mut left = MOST_ENTRIES;
        look(folder, MOST_DEPTH, &mut left, &mut found);
    }
    found.sort();
    found.dedup();
    found
}

fn look(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = entry.path();
        // Hugging Face's cache links to its files; links to folders are not followed, so that
        // there are no circles.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && depth > 0 {
            look(&path, depth - 1, left, found);
        } else if path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("gguf"))
            && fs::metadata(&path).is_ok_and(|metadata| metadata.is_file())
        {
            found.push(path);
        }
    }
}

/// Where other programs keep GGUF files below a person's home folder: LM Studio, GPT4All,
/// llama.cpp and Hugging Face, on Linux, macOS and Windows. Ollama's have names of their own: see
/// [`find_ollama`].
#[must_use]
pub fn usual_folders(home: &Path) -> Vec<PathBuf> {
    [
        ".lmstudio/models",
        ".cache/lm-studio/models",
        ".local/share/nomic.ai/GPT4All",
        "Library/Application Support/nomic.ai/GPT4All",
        "AppData/Local/nomic.ai/GPT4All",
        ".cache/llama.cpp",
        "Library/Caches/llama.cpp",
        "AppData/Local/llama.cpp",
        ".cache/huggingface/hub",
    ]
    .map(|folder| home.join(folder))
    .into()
}

/// The models that Ollama keeps below a person's home folder, each with the name that Ollama has
/// for it ("qwen3:8b") and its file. Manifests that make no sense are left out.
#[must_use]
pub fn find_ollama(home: &Path) -> Vec<(String, PathBuf)> {
    let models = home.join(".ollama/models");
    let manifests = models.join("manifests");
    let mut found = Vec::new();
    let mut left = MOST_ENTRIES;
    look_for_manifests(&manifests, MOST_DEPTH, &mut left, &mut |path| {
        let name = ollama_name(&manifests, path);
        if let (Some(name), Some(digest)) = (name, model_digest(path)) {
            let blob = models.join("blobs").join(digest.replace(':', "-"));
            if blob.is_file() {
                found.push((name, blob));
            }
        }
    });
    found.sort();
    found
}

fn look_for_manifests(folder: &Path, depth: usize, left: &mut usize, take: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                look_for_manifests(&entry.path(), depth - 1, left, take);
            }
            Ok(kind) if kind.is_file() => take(&entry.path()),
            _ => {}
        }
    }
}

/// `registry.ollama.ai/library/qwen3/8b` is `qwen3:8b`, and with another owner `owner/qwen3:8b`.
fn ollama_name(manifests: &Path, path: &Path) -> Option<String> {
    let parts: Vec<&str> = path
        .strip_prefix(manifests)
        .ok()?
        .iter()
        .map(|part| part.to_str())
        .collect::<Option<_>>()?;
    match parts.as_slice() {
        [_, "library", model, tag] => Some(format!("{model}:{tag}")),
        [_, owner, model, tag] => Some(format!("{owner}/{model}:{tag}")),
        _ => None,
    }
}

/// The content hash of the model that a manifest names, "sha256:" and 64 digits.
fn model_digest(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Manifest {
        layers: Vec<Layer>,
    }
    #[derive(Deserialize)]
    struct Layer {
        #[serde(rename = "mediaType")]
        media_type: String,
        digest: String,
    }
    if fs::metadata(path).ok()?.len() > MOST_MANIFEST_BYTES {
        return None;
    }
    let manifest: Manifest = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let layer = manifest
        .layers
        .into_iter()
        .find(|layer| layer.media_type == "application/vnd.ollama.image.model")?;
    let digits = layer.digest.strip_prefix("sha256:")?;
    let sound = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    sound.then_some(layer.digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Tiny, starter_bytes, tiny_gguf, tiny_model};

    fn card(bytes: &[u8]) -> ModelCard {
        let gguf = Gguf::read(&mut std::io::Cursor::new(bytes)).unwrap();
        describe(Path::new("model.gguf"), &gguf, bytes.len() as u64)
    }

    #[test]
    fn a_card_says_what_a_header_says() {
        let card = card(starter_bytes());
        assert_eq!(card.architecture, "llama");
        assert_eq!(card.runner, Some(Runner::Docent));
        assert_eq!(card.quantisation, "Q4_1");
        assert_eq!((card.layers, card.context_tokens), (30, 8192));
        assert!((134_000_000..136_000_000).contains(&card.parameters));
        // Keys and values of 30 layers, 3 heads, 64 numbers, two bytes each.
        assert_eq!(card.cache_bytes_per_token, 2 * 30 * 3 * 64 * 2);
        assert!(card.token_bytes > card.file_bytes * 9 / 10);
        assert_eq!(card.fit_within(1000, Some(200_000_000)), Fit::Memory);
        assert_eq!(card.fit_within(1000, Some(100_000_000)), Fit::Storage);
        assert_eq!(card.fit_within(1000, None), Fit::Unknown);
        let speed = card.most_tokens_per_second(39e9, 0);
        assert!((380.0..420.0).contains(&speed), "{speed}");
    }

    #[test]
    fn experts_that_are_not_used_are_not_read() {
        let dense = card(&tiny_gguf("qwen3"));
        let mut tiny = Tiny::of("qwen3moe");
        let mixture = card(&tiny_model(&tiny));
        tiny.experts = Some(crate::fixture::Experts::Single);
        let single = card(&tiny_model(&tiny));
        // Two of four experts of two layers of three matrices of 64 by 96 floats, two routers.
        let one = 2 * 3 * 64 * 96 * 4;
        assert_eq!(
            mixture.token_bytes,
            dense.token_bytes + one + 2 * 4 * 64 * 4
        );
        assert_eq!(single.token_bytes, mixture.token_bytes);
        assert!(mixture.file_bytes > dense.file_bytes + 2 * one);
    }

    #[test]
    fn what_docent_does_not_run_has_a_card_as_well() {
        assert_eq!(card(&tiny_gguf("mamba")).runner, None);
        assert_eq!(card(&tiny_gguf("glm4")).runner, Some(Runner::Candle));
    }

    #[test]
    fn files_are_found_below_folders() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".lmstudio/models/maker/model");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b.gguf"), tiny_gguf("llama")).unwrap();
        fs::write(folder.join("a.GGUF"), "no model").unwrap();
        fs::write(folder.join("readme.md"), "words").unwrap();
        let found = find(&usual_folders(home.path()));
        assert_eq!(found, [folder.join("a.GGUF"), folder.join("b.gguf")]);
        assert!(inspect(&found[0]).is_err());
        assert_eq!(inspect(&found[1]).unwrap().architecture, "llama");
    }

    #[test]
    fn ollamas_models_are_found_by_their_manifests() {
        let home = tempfile::tempdir().unwrap();
        let models = home.path().join(".ollama/models");
        let digest = "sha256-".to_owned() + &"ab".repeat(32);
        let manifest = |name: &str, digest: &str| {
            let path = models.join("manifests/registry.ollama.ai").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let layer = r#"{"mediaType": "application/vnd.ollama.image.model", "digest": "D"}"#;
            let text = format!(r#"{{"layers": [{}]}}"#, layer.replace('D', digest));
            fs::write(path, text).unwrap();
        };
        fs::create_dir_all(models.join("blobs")).unwrap();
        fs::write(models.join("blobs").join(&digest), tiny_gguf("llama")).unwrap();
        manifest("library/qwen3/8b", &digest.replace('-', ":"));
        manifest("maker/model/latest", &digest.replace('-', ":"));
        manifest("library/bad/1", "sha256:../../../etc/passwd");
        manifest("library/gone/1", &("sha256:".to_owned() + &"cd".repeat(32)));
        let blob = models.join("blobs").join(&digest);
        assert_eq!(
            find_ollama(home.path()),
            [
                ("maker/model:latest".to_owned(), blob.clone()),
                ("qwen3:8b".to_owned(), blob)
            ]
        );
    }
}
