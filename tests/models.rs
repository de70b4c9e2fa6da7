//! Models: finding them, looking at them, trying them, and files that are none.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::cli::sound;
use crate::contract::fields;
use crate::sandbox::{Run, Sandbox};
use crate::tidy::repository;

/// A whole model of a few kilobytes, one of the fuzzer's seeds.
fn tiny(name: &str) -> Vec<u8> {
    fs::read(repository().join("fuzz/corpus/model").join(name)).expect("a seed")
}

/// Has the model in `tiny.gguf` write one token.
const WRITE_A_TOKEN: [&str; 7] = [
    "models",
    "run",
    "tiny.gguf",
    "-p",
    "the",
    "--max-tokens",
    "1",
];

/// A sandbox with a model in `tiny.gguf`.
fn with_model(bytes: &[u8]) -> Sandbox {
    let sandbox = Sandbox::with("");
    sandbox.write("../tiny.gguf", bytes);
    sandbox
}

/// The same bytes with every occurrence of some replaced by as many others.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

/// The fields of `model` in `docent models --json`, and of `docent models inspect --json`.
const MODEL: [&str; 16] = [
    "name",
    "architecture",
    "purpose",
    "runner",
    "problem",
    "quantisation",
    "formats",
    "file_bytes",
    "parameters",
    "context_tokens",
    "layers",
    "tokenizer",
    "plain_chat",
    "token_bytes",
    "weight_bytes",
    "cache_bytes_per_token",
];

#[test]
fn models_lists_the_starter_and_what_other_programs_keep() {
    let sandbox = Sandbox::with("");
    let kept = "../home/.lmstudio/models/maker/model";
    sandbox.write(&format!("{kept}/good.gguf"), tiny("qwen3moe-bytes"));
    sandbox.write(&format!("{kept}/mamba.gguf"), unknown_architecture());
    sandbox.write(&format!("{kept}/none.gguf"), "words");
    let list = |args: &[&str]| {
        let mut lines = sandbox.run(args).with_status(0).json_lines();
        // The machine may have an Ollama of its own, as a service.
        lines.retain(|line| line["owner"] != "ollama");
        lines
    };
    let lines = list(&["models", "--json"]);
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in &lines {
        fields(
            line,
            &[
                "name", "path", "owner", "in_use", "problem", "model", "prospect",
            ],
        );
    }
    let [starter, good, mamba, none] = lines.as_slice() else {
        unreachable!();
    };
    assert_eq!(
        (&starter["in_use"], &starter["path"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        (&good["name"], &good["owner"]),
        (&json!("good"), &json!("lm_studio"))
    );
    fields(&good["model"], &MODEL);
    assert_eq!(good["model"]["quantisation"], "Q4_0");
    fields(
        &good["prospect"],
        &[
            "fit",
            "context_tokens",
            "most_tokens_per_second",
            "resident_bytes",
        ],
    );
    assert_eq!(good["prospect"]["context_tokens"], 256);
    assert_eq!(
        (&good["problem"], &good["in_use"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(mamba["prospect"], Value::Null);
    let problem = |line: &Value| line["problem"].as_str().expect("a problem").to_owned();
    assert!(problem(mamba).contains("architecture is mamba"), "{mamba}");
    assert!(problem(none).contains("no GGUF file"), "{none}");
    let path = good["path"].as_str().expect("a path");
    let lines = list(&["models", "--json", "--model", path]);
    let used = |line: &&Value| line["in_use"] == true;
    let used: Vec<&Value> = lines
        .iter()
        .filter(used)
        .map(|line| &line["name"])
        .collect();
    assert_eq!(used, ["good"]);
    let shown = sandbox.run(["models"]).with_status(0).stdout;
    assert!(
        shown.contains("writes at most") && shown.contains("LM Studio"),
        "{shown}"
    );
}

#[test]
fn bench_generate_says_what_was_measured() {
    let sandbox = with_model(&tiny("qwen3moe-bytes"));
    let args = ["bench", "generate", "--model", "tiny.gguf", "--json"];
    let plan = ["--prompt", "20", "--generate", "3", "--runs", "1"];
    let run = sandbox.run([&args[..], &plan].concat()).with_status(0);
    let line = &run.json_lines()[0];
    fields(
        line,
        &[
            "threads",
            "prefill_tokens_per_second",
            "decode_tokens_per_second",
            "expected_tokens_per_second",
            "bytes_per_token",
            "weight_bytes",
            "resident_bytes",
            "peak_bytes",
            "memory_bytes_per_second",
            "bandwidth_share",
        ],
    );
    assert_eq!(line["expected_tokens_per_second"], Value::Null);
    assert_eq!(line["resident_bytes"], line["weight_bytes"]);
    assert!(line["weight_bytes"].as_u64() > Some(1000));
    let shown = sandbox.run([&args[..4], &plan].concat()).with_status(0);
    assert!(!shown.stdout.contains("storage"), "{shown:?}");
}

/// A sound file of a network that nothing in docent runs.
fn unknown_architecture() -> Vec<u8> {
    replaced(&tiny("qwen3moe-bytes"), "qwen3moe", "mamba2xl")
}

#[test]
fn inspect_tells_what_a_file_says() {
    let sandbox = with_model(&tiny("llama-pieces"));
    let run = sandbox
        .run(["models", "inspect", "tiny.gguf", "--json"])
        .with_status(0);
    let line = &run.json_lines()[0];
    fields(line, &[&MODEL[..], &["prospect"]].concat());
    assert_eq!(
        (&line["name"], &line["runner"]),
        (&json!("A tiny llama"), &json!("docent"))
    );
    let kept = |kv: &str| {
        let args = ["models", "inspect", "tiny.gguf", "--json", "--kv", kv];
        let run = sandbox.run(args).with_status(0);
        run.json_lines()[0]["cache_bytes_per_token"]
            .as_u64()
            .expect("bytes")
    };
    assert!(kept("int8") < kept("f16"));
    let shown = sandbox
        .run(["models", "inspect", "tiny.gguf"])
        .with_status(0)
        .stdout;
    for words in ["A tiny llama", "Q4_0", "trained on 256 tokens", "its own"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let starter = sandbox.run(["models", "inspect"]).with_status(0).stdout;
    assert!(starter.contains("Q4_1"), "{starter}");
}

#[test]
fn an_unknown_architecture_is_named_with_those_that_run() {
    let sandbox = with_model(&unknown_architecture());
    let run = sandbox
        .run(["models", "inspect", "tiny.gguf"])
        .with_status(1);
    assert!(
        run.stdout
            .contains("its architecture is mamba2xl; docent runs llama"),
        "{run:?}"
    );
    sandbox
        .run(["models", "run", "tiny.gguf", "-p", "the"])
        .with_status(2)
        .telling("tiny.gguf: its architecture is mamba2xl; docent runs llama");
}

#[test]
fn run_writes_what_a_model_says() {
    let sandbox = with_model(&tiny("llama-pieces"));
    let args = [
        "models",
        "run",
        "tiny.gguf",
        "-p",
        "the lease",
        "--max-tokens",
        "5",
    ];
    let first = sandbox.run(args).with_status(0).telling("wrote");
    assert_eq!(sandbox.run(args).with_status(0).stdout, first.stdout);
    let json = sandbox
        .run([&args[..], &["--json"]].concat())
        .with_status(0);
    let line = &json.json_lines()[0];
    fields(
        line,
        &["model", "context_tokens", "streaming", "text", "report"],
    );
    assert_eq!(line["streaming"], Value::Null);
    fields(
        &line["report"],
        &[
            "finish",
            "prompt_tokens",
            "new_tokens",
            "prefill_ms",
            "decode_ms",
        ],
    );
    assert!(
        line["model"]
            .as_str()
            .is_some_and(|name| name.starts_with("tiny@"))
    );
    assert!(
        line["report"]["new_tokens"]
            .as_u64()
            .is_some_and(|new| new <= 5)
    );
    let args = [
        "models",
        "run",
        "tiny.gguf",
        "-p",
        "-",
        "--json",
        "--max-tokens",
        "1",
    ];
    let piped = sandbox.run_with_input(&args, "the lease").with_status(0);
    let read = |line: &Value| line["report"]["prompt_tokens"].clone();
    assert_eq!(read(&piped.json_lines()[0]), read(line));
    let wrong = [
        "models",
        "run",
        "tiny.gguf",
        "-p",
        "the",
        "--temperature",
        "-1",
    ];
    sandbox.run(wrong).with_status(2).telling("temperature");
}

#[test]
fn a_prompt_past_the_context_is_refused_with_its_numbers() {
    let sandbox = with_model(&tiny("llama-pieces"));
    let prompt = "the lease ".repeat(100);
    sandbox
        .run(["models", "run", "tiny.gguf", "-p", &prompt])
        .with_status(2)
        .telling("the prompt has")
        .telling("from 1 to 255");
}

#[test]
fn keys_and_values_and_adapters_are_chosen_by_flags() {
    let sandbox = with_model(&tiny("llama-pieces"));
    let run = |args: &[&str]| {
        let base = [
            "models",
            "run",
            "tiny.gguf",
            "-p",
            "the",
            "--max-tokens",
            "2",
        ];
        sandbox.run([&base[..], args].concat())
    };
    run(&["--kv", "int8"]).with_status(0);
    run(&["--kv", "int4"]).with_status(2).telling("f16, int8");
    run(&["--lora", "none.gguf:0.5"])
        .with_status(2)
        .telling("none.gguf: there is no such file");
    run(&["--lora", "tiny.gguf"])
        .with_status(2)
        .telling("tiny.gguf: ");
}

#[test]
fn perplexity_is_measured_on_a_text() {
    let sandbox = with_model(&tiny("qwen3moe-bytes"));
    sandbox.write("../text.txt", "the lease ends; the ".repeat(20));
    sandbox.write("../empty.txt", "");
    let measure = |text: &str| sandbox.run(["models", "perplexity", "tiny.gguf", text, "--json"]);
    let line = &measure("text.txt").with_status(0).json_lines()[0];
    fields(line, &["tokens", "perplexity"]);
    let perplexity = line["perplexity"].as_f64().expect("a number");
    // Weights that are all alike foresee nothing; there are some two dozen tokens.
    assert!((2.0..100.0).contains(&perplexity), "{line}");
    measure("empty.txt")
        .with_status(2)
        .telling("empty.txt has fewer than two tokens");
    measure("none.txt")
        .with_status(2)
        .telling("none.txt cannot be read");
}

#[test]
fn a_template_that_does_not_work_is_told_and_replaced() {
    let broken = replaced(&tiny("llama-pieces"), "{% endfor %}", "{% endfro %}");
    let sandbox = with_model(&broken);
    let run = sandbox
        .run(["models", "inspect", "tiny.gguf"])
        .with_status(0);
    assert!(
        run.stdout
            .contains("plain, as the file's is no Jinja template"),
        "{run:?}"
    );
    sandbox.run(WRITE_A_TOKEN).with_status(0);
}

#[test]
fn files_that_are_no_whole_model_are_told() {
    let whole = tiny("qwen3moe-bytes");
    let cut = |length: usize| whole[..length].to_vec();
    let mut many = whole.clone();
    many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let cases: [(Vec<u8>, &str); 7] = [
        (Vec::new(), "this is no GGUF file: it has 0 bytes"),
        (
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            "a Git LFS pointer",
        ),
        (cut(30), "announces 15 tensors, and 14 bytes follow"),
        (cut(500), "cut short"),
        (cut(whole.len() - 1), "cut short: tensor"),
        (many, "announces 18446744073709551615 tensors"),
        (
            replaced(&whole, "blk.0.attn_norm", "blk.9.attn_norm"),
            "blk.0.attn_norm.weight",
        ),
    ];
    for (bytes, words) in cases {
        let sandbox = with_model(&bytes);
        let run = sandbox
            .run(["models", "run", "tiny.gguf", "-p", "the"])
            .with_status(2);
        assert!(run.stderr.starts_with("docent: tiny.gguf: "), "{run:?}");
        assert!(
            run.stderr
                .contains("fetch the file again or choose another model"),
            "{run:?}"
        );
        run.telling(words);
    }
    let sandbox = Sandbox::with("");
    sandbox
        .run(["models", "inspect", "files"])
        .with_status(2)
        .telling("files: this is a folder, and a file is needed");
}

/// The same bytes with another whole number in the header.
fn with_number(bytes: &[u8], key: &str, number: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes
        .windows(key.len())
        .position(|part| part == key.as_bytes());
    // The value stands behind the key and four bytes that say its type.
    let at = at.expect("the key") + key.len() + 4;
    bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    bytes
}

#[test]
fn headers_that_make_no_network_are_told() {
    let whole = tiny("llama-pieces");
    let cases = [
        ("llama.block_count", 0, "llama.block_count is 0"),
        ("llama.block_count", 5000, "impossible network: 5000 layers"),
        ("llama.block_count", 2, "blk.1.attn_"),
        (
            "llama.embedding_length",
            1 << 21,
            "llama.embedding_length is 2097152",
        ),
        ("llama.embedding_length", 64, "blk.0.attn_"),
        ("llama.attention.head_count_kv", 5, "impossible network"),
        ("llama.feed_forward_length", 64, "blk.0.ffn_"),
    ];
    for (key, number, words) in cases {
        let sandbox = with_model(&with_number(&whole, key, number));
        sandbox
            .run(["models", "run", "tiny.gguf", "-p", "the"])
            .with_status(2)
            .telling("tiny.gguf: ")
            .telling(words);
    }
}

/// The detail of a check of `docent doctor`.
fn check(run: &Run, name: &str) -> String {
    let checks = run.json_lines();
    let check = checks.iter().find(|check| check["check"] == name);
    let check = check.unwrap_or_else(|| panic!("{name}: {}", run.stdout));
    check["detail"].as_str().expect("a detail").to_owned()
}

#[test]
fn the_instruction_set_can_be_forced() {
    let sandbox = with_model(&tiny("llama-pieces"));
    let forced =
        |level: &str, args: &[&str]| Run::of(sandbox.docent(args).env("DOCENT_ISA", level));
    let run = forced("scalar", &["doctor", "--json"]);
    sound(&run);
    assert!(check(&run, "processor").ends_with("with scalar"), "{run:?}");
    let write = [
        "models",
        "run",
        "tiny.gguf",
        "-p",
        "the",
        "--max-tokens",
        "3",
    ];
    forced("scalar", &write).with_status(0);
    for args in [&write[..], &["doctor"], &["list"]] {
        forced("mmx", args)
            .with_status(2)
            .telling("DOCENT_ISA: this processor has no instruction set called \"mmx\"")
            .telling("use one of: scalar");
    }
}

#[test]
fn doctor_shows_and_clears_packed_weights() {
    let sandbox = with_model(&tiny("llama-pieces"));
    let model = sandbox.root().join("tiny.gguf");
    // A file that has only just been written may change again, and is not remembered.
    let file = fs::File::options()
        .append(true)
        .open(&model)
        .expect("a file");
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .expect("a time");
    sandbox.run(WRITE_A_TOKEN).with_status(0);
    let packed = || -> Vec<PathBuf> {
        let folder = sandbox.root().join("home/cache/docent/packed");
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    assert!(
        packed()
            .iter()
            .any(|path| path.extension().is_some_and(|is| is == "packed"))
    );
    let run = sandbox.run(["doctor", "--json"]);
    sound(&run);
    let told = check(&run, "packed weights");
    assert!(
        told.contains("tiny.gguf") && told.contains("of at most 32.0 GiB"),
        "{told}"
    );
    let run = sandbox
        .run(["doctor", "--clear-packed", "--json"])
        .with_status(0);
    assert!(check(&run, "packed weights").contains("freed"), "{run:?}");
    assert!(packed().is_empty());
    sandbox.run(WRITE_A_TOKEN).with_status(0);
    assert!(!packed().is_empty());
}
