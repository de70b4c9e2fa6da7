//! Where other programs on this machine keep models.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Folders are looked through so deep: LM Studio keeps models two folders down, Hugging Face's
/// cache four.
const MOST_DEPTH: usize = 6;
/// Entries that are looked at below one folder; more are somebody's whole disk.
const MOST_ENTRIES: usize = 100_000;
/// A manifest of Ollama's is a few kilobytes.
const MOST_MANIFEST_BYTES: u64 = 1 << 20;

/// Whose a model's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Ollama, whose files have no names of their own.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// GPT4All.
    Gpt4All,
    /// llama.cpp.
    LlamaCpp,
    /// Hugging Face's libraries.
    HuggingFace,
}

impl Owner {
    /// Its name, for a person.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Owner::Ollama => "Ollama",
            Owner::LmStudio => "LM Studio",
            Owner::Gpt4All => "GPT4All",
            Owner::LlamaCpp => "llama.cpp",
            Owner::HuggingFace => "Hugging Face",
        }
    }
}

/// A folder in which a program keeps models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose it is.
    pub owner: Owner,
    /// The folder; it need not be there.
    pub folder: PathBuf,
}

/// A file that may be a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub owner: Owner,
    /// What Ollama calls it ("qwen3:8b"), or the file's name without its extension.
    pub name: String,
    /// The file.
    pub path: PathBuf,
}

/// Where programs keep models, on Linux, macOS and Windows: below a person's home folder, or
/// where `variable` says, which gives the value of a variable of the environment.
#[must_use]
pub fn usual_places(home: &Path, variable: impl Fn(&str) -> Option<PathBuf>) -> Vec<Place> {
    let below = |parent: &str, path: &str| variable(parent).map(|folder| folder.join(path));
    let named = [
        (Owner::Ollama, variable("OLLAMA_MODELS")),
        (Owner::LlamaCpp, variable("LLAMA_CACHE")),
        (Owner::LlamaCpp, below("XDG_CACHE_HOME", "llama.cpp")),
        (Owner::HuggingFace, variable("HF_HUB_CACHE")),
        (Owner::HuggingFace, below("HF_HOME", "hub")),
        (
            Owner::HuggingFace,
            below("XDG_CACHE_HOME", "huggingface/hub"),
        ),
    ];
    let usual = [
        (Owner::Ollama, ".ollama/models"),
        // As a service on Linux it has a home of its own; a path from the root on stays one.
        (Owner::Ollama, "/usr/share/ollama/.ollama/models"),
        (Owner::LmStudio, ".lmstudio/models"),
        (Owner::LmStudio, ".cache/lm-studio/models"),
        (Owner::Gpt4All, ".local/share/nomic.ai/GPT4All"),
        (
            Owner::Gpt4All,
            "Library/Application Support/nomic.ai/GPT4All",
        ),
        (Owner::Gpt4All, "AppData/Local/nomic.ai/GPT4All"),
        (Owner::LlamaCpp, ".cache/llama.cpp"),
        (Owner::LlamaCpp, "Library/Caches/llama.cpp"),
        (Owner::LlamaCpp, "AppData/Local/llama.cpp"),
        (Owner::HuggingFace, ".cache/huggingface/hub"),
    ];
    let named = named
        .into_iter()
        .filter_map(|(owner, folder)| Some((owner, folder?)));
    let usual = usual.map(|(owner, folder)| (owner, home.join(folder)));
    named
        .chain(usual)
        .map(|(owner, folder)| Place { owner, folder })
        .collect()
}

/// The models in these folders and below, by owner and name, each file once. What cannot be read
/// is left out.
#[must_use]
pub fn find(places: &[Place]) -> Vec<Found> {
    let mut found = Vec::new();
    for place in places {
        match place.owner {
            Owner::Ollama => find_ollama(&place.folder, &mut found),
            owner => find_files(owner, &place.folder, &mut found),
        }
    }
    found.sort_by(|a, b| (a.owner, &a.name, &a.path).cmp(&(b.owner, &b.name, &b.path)));
    found.dedup();
    found
}

/// The GGUF files in a folder and below.
fn find_files(owner: Owner, folder: &Path, found: &mut Vec<Found>) {
    walk(folder, &mut |path| {
        let is_gguf = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
        // Hugging Face's cache links to its files.
        if is_gguf && fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            let name = path.file_stem().unwrap_or_default();
            found.push(Found {
                owner,
                name: name.to_string_lossy().into_owned(),
                path: path.to_owned(),
            });
        }
    });
}

/// The models that Ollama keeps in its folder. Manifests that make no sense are left out.
fn find_ollama(models: &Path, found: &mut Vec<Found>) {
    let manifests = models.join("manifests");
    walk(&manifests, &mut |path| {
        let name = ollama_name(&manifests, path);
        if let (Some(name), Some(digest)) = (name, model_digest(path)) {
            let blob = models.join("blobs").join(digest.replace(':', "-"));
            if blob.is_file() {
                found.push(Found {
                    owner: Owner::Ollama,
                    name,
                    path: blob,
                });
            }
        }
    });
}

/// Hands every file below a folder to `take`, and links. Links to folders are not followed, so
/// that there are no circles.
fn walk(folder: &Path, take: &mut impl FnMut(&Path)) {
    look(folder, MOST_DEPTH, &mut { MOST_ENTRIES }, take);
}

fn look(folder: &Path, depth: usize, left: &mut usize, take: &mut impl FnMut(&Path)) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => look(&entry.path(), depth - 1, left, take),
            Ok(kind) if !kind.is_dir() => take(&entry.path()),
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
    use crate::fixture::tiny_gguf;

    fn no_variables(_: &str) -> Option<PathBuf> {
        None
    }

    #[test]
    fn files_are_found_below_folders() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".lmstudio/models/maker/model");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("b.gguf"), tiny_gguf("llama")).unwrap();
        fs::write(folder.join("a.GGUF"), "no model").unwrap();
        fs::write(folder.join("readme.md"), "words").unwrap();
        let mut found = find(&usual_places(home.path(), no_variables));
        found.retain(|found| found.path.starts_with(home.path()));
        let paths: Vec<_> = found.iter().map(|found| found.path.clone()).collect();
        assert_eq!(paths, [folder.join("a.GGUF"), folder.join("b.gguf")]);
        assert!(found.iter().all(|found| found.owner == Owner::LmStudio));
        assert_eq!(found[1].name, "b");
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_followed_and_links_to_folders_are_not() {
        let home = tempfile::tempdir().unwrap();
        let hub = home.path().join("hub");
        let snapshot = hub.join("models--maker--model/snapshots/0123");
        fs::create_dir_all(&snapshot).unwrap();
        let blob = hub.join("models--maker--model/blobs/abc");
        fs::create_dir_all(blob.parent().unwrap()).unwrap();
        fs::write(&blob, tiny_gguf("llama")).unwrap();
        std::os::unix::fs::symlink(&blob, snapshot.join("m.gguf")).unwrap();
        std::os::unix::fs::symlink(&hub, snapshot.join("around.gguf")).unwrap();
        let variable = |name: &str| (name == "HF_HUB_CACHE").then(|| hub.clone());
        let mut found = find(&usual_places(home.path(), variable));
        found.retain(|found| found.path.starts_with(home.path()));
        let expected = Found {
            owner: Owner::HuggingFace,
            name: "m".into(),
            path: snapshot.join("m.gguf"),
        };
        assert_eq!(found, [expected]);
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
        let mut found = find(&usual_places(home.path(), no_variables));
        found.retain(|found| found.path.starts_with(home.path()));
        let expected = ["maker/model:latest", "qwen3:8b"].map(|name| Found {
            owner: Owner::Ollama,
            name: name.into(),
            path: blob.clone(),
        });
        assert_eq!(found, expected);
    }
}
