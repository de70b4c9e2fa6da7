//! Another embedder: searches use the old vectors until the new ones are whole.

use std::fs;
use std::path::{Path, PathBuf};

use crate::contract::fields;
use crate::sandbox::Sandbox;
use crate::tidy::repository;

/// More files, of one chunk each, than a search embeds for a second index.
const FILES: usize = 300;

/// A file for each of some animals' ponds.
fn ponds() -> Sandbox {
    let corpus: String = (0..FILES)
        .map(|n| format!("//- pond{n}.txt\nThe heron stands in pond number {n}.\n"))
        .collect();
    Sandbox::with(&corpus)
}

/// The embedder whose vectors are searched.
fn embedder(sandbox: &Sandbox) -> String {
    let status = sandbox.status();
    let name = status["models"]["embedder"].as_str();
    name.expect("an embedder").to_owned()
}

/// How many files search by meaning finds.
fn found(sandbox: &Sandbox) -> usize {
    sandbox.paths("dense", "heron").len()
}

/// The vector tables on disk.
fn tables(sandbox: &Sandbox) -> Vec<PathBuf> {
    let folder = sandbox.index().join("files/vectors");
    let entries = fs::read_dir(folder).expect("vectors").flatten();
    entries.map(|entry| entry.path()).collect()
}

#[test]
fn searches_use_the_old_vectors_until_the_new_ones_are_whole() {
    let sandbox = ponds().indexed();
    let old = embedder(&sandbox);
    assert!(old.ends_with("/int8"), "{old}");

    // A search does not wait for so many, and says what is to be done.
    let args = ["search", "--in", "files", "--precision", "f32", "--json"];
    let search = sandbox.run(args.iter().chain(&["--limit", "1000", "heron"]));
    let hits = search.json_lines()[0]["hits"].as_array().map(Vec::len);
    assert_eq!(hits, Some(FILES), "{search:?}");
    let told = "0 of 300 chunks; searches use the first until then";
    let search = search.with_status(0).telling(told).telling("docent index");
    assert!(search.stderr.contains("a second index for"), "{search:?}");
    let status = sandbox.status();
    let second = &status["second_index"];
    assert_eq!(
        (&second["chunks_embedded"], &second["pending"]),
        (&0.into(), &300.into())
    );
    let new = second["embedder"].as_str().expect("a name").to_owned();
    assert_eq!(new.strip_suffix("/f32"), old.strip_suffix("/int8"));
    for command in [["status"], ["doctor"]] {
        let run = sandbox.run(command);
        assert!(run.stdout.contains(told), "{run:?}");
    }

    // Killed at some moment, it is searched whole, by the one set or the other.
    let mut running = sandbox.start(["index", "files", "--precision", "f32"]);
    std::thread::sleep(std::time::Duration::from_millis(400));
    running.kill();
    assert_eq!(found(&sandbox), FILES);

    let args = ["index", "files", "--precision", "f32"];
    sandbox.run(args).with_status(0);
    assert_eq!(embedder(&sandbox), new);
    assert!(sandbox.status()["second_index"].is_null());
    assert_eq!(found(&sandbox), FILES);
    assert_eq!(tables(&sandbox).len(), 1, "the old table is gone");
}

#[test]
fn going_back_embeds_nothing_again() {
    let sandbox = ponds().indexed();
    let old = embedder(&sandbox);
    let second = ["search", "--in", "files", "--precision", "f32", "heron"];
    sandbox.run(second).with_status(0).telling("a second index");
    let back = sandbox.run(["index", "files"]).with_status(0);
    assert!(back.stderr.contains("0 embedded now"), "{back:?}");
    assert!(sandbox.status()["second_index"].is_null());
    assert_eq!((embedder(&sandbox), found(&sandbox)), (old, FILES));
}

#[test]
fn an_embedder_whose_folder_is_gone_is_told_once_and_replaced() {
    let sandbox = ponds();
    let model = sandbox.root().join("model");
    copy(&repository().join("assets/models/minilm-l6-v2"), &model);
    let with_model = [
        "index",
        "files",
        "--embedder",
        "model",
        "--precision",
        "f32",
    ];
    sandbox.run(with_model).with_status(0);
    // While it is there, it is found from wherever docent is started.
    let search = sandbox
        .docent([
            "search", "--in", "files", "--json", "--limit", "1000", "heron",
        ])
        .current_dir(sandbox.files())
        .output()
        .expect("docent");
    let told = String::from_utf8_lossy(&search.stderr);
    assert!(told.contains("searches use the first"), "{told}");
    assert_eq!(found(&sandbox), FILES);

    fs::remove_dir_all(&model).expect("a folder");
    let index = sandbox.run(["index", "files"]).with_status(0);
    let warning = "cannot be searched any more";
    assert!(index.stderr.contains(warning), "{index:?}");
    assert!(index.stderr.contains("model"), "{index:?}");
    assert!(embedder(&sandbox).ends_with("/int8"));
    assert_eq!(found(&sandbox), FILES);
    let again = sandbox.run(["index", "files"]).with_status(0);
    assert!(!again.stderr.contains(warning), "{again:?}");
}

#[test]
fn prompts_are_those_of_the_family_or_of_the_settings() {
    let sandbox = Sandbox::with("//- pond.txt\nThe heron stands in the pond.\n");
    let starter = repository().join("assets/models/minilm-l6-v2");
    copy(&starter, &sandbox.root().join("e5-small"));
    sandbox.run(["index", "files"]).with_status(0);
    let plain = embedder(&sandbox);
    let index = ["index", "files", "--embedder", "e5-small"];
    sandbox.run(index).with_status(0);
    let prompted = embedder(&sandbox);
    let (model, prompt) = prompted.rsplit_once('/').expect("a hash");
    assert_eq!(after_name(model), after_name(&plain));
    assert_eq!(prompt.len(), 8, "{prompted}");
    let doctor = sandbox.run(["doctor", "--embedder", "e5-small"]);
    let told = r#"reads "query: " before a question, "passage: " before a text"#;
    assert!(doctor.stdout.contains(told), "{doctor:?}");

    fs::write(
        sandbox.root().join("none.toml"),
        "[models]\ndocument_prompt = \"\"\n",
    )
    .expect("a file");
    let set = [&index[..], &["--settings", "none.toml"]].concat();
    sandbox.run(set).with_status(0);
    assert_eq!(after_name(&embedder(&sandbox)), after_name(&plain));
}

/// A fingerprint without the model's name.
fn after_name(fingerprint: &str) -> &str {
    fingerprint.split_once('@').expect("a name").1
}

#[test]
fn bench_embed_says_what_was_measured() {
    let sandbox = Sandbox::with("//- texts\nA heron.\n\n{\"text\": \"Two herons.\"}\n");
    let bench = ["bench", "embed", "--texts", "files/texts", "--runs", "1"];
    let run = sandbox
        .run([&bench[..], &["--json"]].concat())
        .with_status(0);
    let line = &run.json_lines()[0];
    fields(
        line,
        &[
            "fingerprint",
            "isa",
            "threads",
            "batch_tokens",
            "texts",
            "tokens",
            "run_ms",
            "texts_per_s",
            "tokens_per_s",
            "query_ms",
            "query_while_indexing_ms",
            "query_while_indexing_p95_ms",
            "query_while_indexing_worst_ms",
            "multiply_adds_per_token",
            "limit_multiply_adds_per_s",
            "share_of_limit",
            "cosine_mean",
            "cosine_worst",
            "loaded_memory_bytes",
            "peak_memory_bytes",
        ],
    );
    assert_eq!(line["texts"], 2);
    assert!(line["cosine_worst"].is_null(), "{line}");
    let accuracy = [&bench[..], &["--accuracy"]].concat();
    let shown = sandbox.run(accuracy).with_status(0).stdout;
    for told in ["while texts are embedded", "cosine with floats 0.99"] {
        assert!(shown.contains(told), "{shown}");
    }
    let missing = ["bench", "embed", "--texts", "nothing"];
    sandbox
        .run(missing)
        .with_status(2)
        .telling("nothing cannot be read");
}

#[test]
fn bench_rerank_needs_a_reranker() {
    let sandbox = Sandbox::with("");
    let none = sandbox.run(["bench", "rerank"]).with_status(2);
    none.telling("models.reranker");
    let embedder = repository().join("assets/models/minilm-l6-v2");
    let args = [
        "bench".as_ref(),
        "rerank".as_ref(),
        "--reranker".as_ref(),
        embedder.as_os_str(),
    ];
    sandbox.run(args).with_status(2).telling("no reranker");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).expect("a file")),
        }
    }
}
