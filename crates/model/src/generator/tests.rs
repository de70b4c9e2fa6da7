//! Tests of the generator with the starter model, small models of every kind, and bad files.

use std::fs;
use std::io::Cursor;

use docent_core::model::{Finish, ModelError, Role, Sampling};

use super::*;
use crate::decoder::Wanted;
use crate::fixture::{tiny_gguf, tiny_pieces_gguf};

fn ask(content: &str, max_tokens: usize) -> GenerationRequest {
    let message = Message {
        role: Role::User,
        content: content.into(),
    };
    GenerationRequest {
        messages: vec![message],
        max_tokens,
        sampling: Sampling::default(),
        prefixes: None,
    }
}

fn starter() -> Arc<dyn Generator> {
    load_generator(&GeneratorSource::Starter, GeneratorOptions::default()).unwrap()
}

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.gguf");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn load_file(path: &Path) -> Result<Arc<dyn Generator>, LoadError> {
    load_generator(
        &GeneratorSource::File(path.to_owned()),
        GeneratorOptions::default(),
    )
}

fn problem(path: &Path) -> String {
    match load_file(path) {
        Ok(_) => panic!("{} was loaded", path.display()),
        Err(error) => error.to_string(),
    }
}

/// The text, and the last event.
fn collect(events: &Receiver<GenerationEvent>) -> (String, GenerationEvent) {
    let mut text = String::new();
    for event in events {
        match event {
            GenerationEvent::Token(piece) => {
                assert!(!piece.is_empty());
                text.push_str(&piece);
            }
            GenerationEvent::Reading { done, total } => assert!(done < total),
            end => return (text, end),
        }
    }
    panic!("the events ended without an end");
}

#[test]
fn the_starter_answers_the_same_each_time() {
    let generator = starter();
    assert_eq!(generator.name(), "SmolLM2-135M-Instruct");
    assert!(generator.context_tokens() <= 8192);
    let question = "What is the capital of France? Answer in one sentence.";
    let (first, end) = collect(&generator.generate(ask(question, 12)));
    assert!(first.contains("Paris"), "{first}");
    let GenerationEvent::Done(report) = end else {
        panic!("{end:?}")
    };
    let messages = ask(question, 12).messages;
    assert_eq!(
        report.prompt_tokens,
        generator.count_prompt_tokens(&messages)
    );
    assert!(report.new_tokens <= 12);
    // What an answer leaves behind does not change the next one.
    collect(&generator.generate(ask("Count to five.", 6)));
    assert_eq!(collect(&generator.generate(ask(question, 12))).0, first);
}

#[test]
fn an_answer_ends_at_its_limit() {
    let generator = starter();
    let (_, end) = collect(&generator.generate(ask("Tell me a long story.", 3)));
    let GenerationEvent::Done(report) = end else {
        panic!("{end:?}")
    };
    assert_eq!((report.finish, report.new_tokens), (Finish::Length, 3));
    let (text, end) = collect(&generator.generate(ask("Hi", 0)));
    assert!(
        text.is_empty() && matches!(end, GenerationEvent::Done(_)),
        "{text:?} {end:?}"
    );
}

#[test]
fn dropping_the_receiver_frees_the_thread() {
    let (_folder, path) = file(&tiny_gguf("llama"));
    let generator = load_file(&path).unwrap();
    for _ in 0..3 * WAITING_REQUESTS {
        let events = generator.generate(ask("go on for ever", 100_000));
        // The first event shows that the thread has begun; then nobody listens.
        assert!(events.recv().is_ok());
    }
    let (_, end) = collect(&generator.generate(ask("short", 1)));
    assert!(matches!(end, GenerationEvent::Done(_)), "{end:?}");
}

#[test]
fn dropping_the_generator_ends_an_answer() {
    let (_folder, path) = file(&tiny_gguf("llama"));
    let generator = load_file(&path).unwrap();
    let events = generator.generate(ask("go on for ever", 100_000));
    assert!(events.recv().is_ok());
    drop(generator);
    assert!(events.iter().last().is_some());
}

#[test]
fn a_prompt_past_the_context_is_refused_with_its_numbers() {
    let options = GeneratorOptions {
        context_tokens: Some(64),
        ..GeneratorOptions::default()
    };
    let generator = load_generator(&GeneratorSource::Starter, options).unwrap();
    assert_eq!(generator.context_tokens(), 64);
    let long = "word ".repeat(100);
    let (_, end) = collect(&generator.generate(ask(&long, 8)));
    let GenerationEvent::Failed(ModelError::Refused(why)) = end else {
        panic!("{end:?}")
    };
    let tokens = generator.count_prompt_tokens(&ask(&long, 8).messages);
    assert!(
        why.contains(&tokens.to_string()) && why.contains("63"),
        "{why}"
    );
}

#[test]
fn tokens_are_counted_as_they_are_read() {
    let generator = starter();
    assert_eq!(generator.count_tokens(""), 0);
    assert_eq!(generator.count_tokens("Hello world 2027"), 7);
    let one = ask("Hello", 1).messages;
    let ending = ask("Hello<|im_end|>", 1).messages;
    let more = generator.count_prompt_tokens(&ending) - generator.count_prompt_tokens(&one);
    assert!(
        more > 1,
        "a control token in a question counted as one token"
    );
}

#[test]
fn every_kind_of_file_generates() {
    for bytes in [
        tiny_gguf("llama"),
        tiny_gguf("qwen2"),
        tiny_gguf("qwen3"),
        tiny_gguf("phi3"),
        tiny_gguf("gemma3"),
        tiny_gguf("olmo2"),
        tiny_gguf("qwen3moe"),
        tiny_pieces_gguf(),
    ] {
        let (_folder, path) = file(&bytes);
        let generator = load_file(&path).unwrap();
        assert_eq!(generator.name(), "small");
        assert!(generator.fingerprint().starts_with("small@"));
        let (_, end) = collect(&generator.generate(ask("the lease", 5)));
        assert!(matches!(end, GenerationEvent::Done(_)), "{end:?}");
    }
}

#[test]
fn bad_paths_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = problem(&folder.path().join("none.gguf"));
    assert!(
        missing.contains("none.gguf") && missing.contains("no such file"),
        "{missing}"
    );
    let directory = problem(folder.path());
    assert!(
        directory.contains("folder") && directory.contains("GGUF file"),
        "{directory}"
    );
}

#[test]
fn bad_files_are_told() {
    let (_folder, path) = file(b"\0\0not a model at all, only a few words\0\0");
    assert!(problem(&path).contains("no GGUF file"));
    let whole = tiny_gguf("llama");
    for length in [5, 40, 4000, whole.len() - 10] {
        let (_folder, path) = file(&whole[..length]);
        let problem = problem(&path);
        assert!(problem.contains("small.gguf"), "{problem}");
        assert!(problem.contains("fetch the file again"), "{problem}");
    }
}

#[test]
fn a_file_with_any_byte_of_its_header_changed_is_loaded_or_refused() {
    for whole in [tiny_gguf("llama"), tiny_gguf("gemma3"), tiny_pieces_gguf()] {
        let header = Gguf::read(&mut Cursor::new(&whole)).unwrap().weights_at as usize;
        for at in (0..header).step_by(13) {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            let path = Path::new("changed.gguf");
            let options = GeneratorOptions::default();
            let source = Source::Memory(Cow::Owned(changed));
            // Whichever it is, nothing panics out of it and nothing takes memory without end.
            if let Err(error) = load_source(path, source, &options) {
                assert!(error.to_string().starts_with("changed.gguf: "), "{error}");
            }
        }
    }
}

#[test]
fn weights_that_are_no_numbers_fail_the_answer_alone() {
    let mut bytes = tiny_gguf("llama");
    let end = bytes.len();
    // The last tensors of the file, as f32, become not-a-number.
    bytes[end - 8192..].fill(0xff);
    let (_folder, path) = file(&bytes);
    let generator = load_file(&path).unwrap();
    for _ in 0..2 {
        let (_, end) = collect(&generator.generate(ask("the lease", 5)));
        let GenerationEvent::Failed(ModelError::Stopped { model, reason }) = end else {
            panic!("{end:?}");
        };
        assert!(
            model == "small" && reason.contains("no numbers"),
            "{reason}"
        );
    }
}

#[test]
fn the_starter_is_the_file_that_its_fingerprint_names() {
    let bytes = starter::generator().unwrap();
    let source = Source::Memory(Cow::Borrowed(bytes));
    let computed = format!("{}@{}", starter::GENERATOR_NAME, hash::of(&source).unwrap());
    assert_eq!(computed, starter::GENERATOR_FINGERPRINT);
}

#[test]
fn a_file_is_hashed_whole() {
    let whole = tiny_gguf("llama");
    let (_folder, path) = file(&whole);
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    let (_other, other) = file(&changed);
    let fingerprint = |path: &Path| load_file(path).unwrap().fingerprint().to_owned();
    assert_eq!(fingerprint(&path), fingerprint(&path));
    assert_ne!(fingerprint(&path), fingerprint(&other));
}

#[test]
fn a_generator_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<LocalGenerator>();
}

/// A greedy request without a penalty, which on a small random model soon repeats itself.
fn greedy(content: &str, max_tokens: usize) -> GenerationRequest {
    let mut request = ask(content, max_tokens);
    request.sampling.repetition_penalty = 1.0;
    request
}

#[test]
fn guesses_never_change_an_answer() {
    let (_folder, path) = file(&tiny_gguf("llama"));
    let source = GeneratorSource::File(path.clone());
    let words = "the lease ends, the lease ends, the lease ends, the lease";
    let request = greedy(words, 200);
    let mut plain = open(&source, &GeneratorOptions::default()).unwrap();
    let prompt = plain.language.encode_chat(&request.messages);
    plain.decoder.read(&prompt, Wanted::Last).unwrap();
    let tokenizer = &plain.language.tokenizer;
    let mut sampler = crate::sampling::Sampler::new(&request.sampling);
    let mut detokenizer = tokenizer.detokenizer();
    let mut expected = String::new();
    for _ in 0..200 {
        let logits = plain.decoder.logits(0);
        let named = logits.len().min(tokenizer.vocabulary().len());
        let token = sampler.choose(&mut logits[..named]).unwrap();
        if tokenizer.vocabulary().is_end(token) {
            break;
        }
        expected.push_str(&detokenizer.push(&tokenizer.bytes_of(token)));
        plain.decoder.read(&[token], Wanted::Last).unwrap();
    }
    expected.push_str(&detokenizer.finish());
    for threads in [1, 2, 3] {
        let options = GeneratorOptions {
            threads,
            ..GeneratorOptions::default()
        };
        let generator = load_generator(&source, options).unwrap();
        let (text, _) = collect(&generator.generate(request.clone()));
        assert_eq!(text, expected, "{threads} threads");
    }
}

#[test]
fn what_two_prompts_share_is_read_once() {
    let (_folder, path) = file(&tiny_gguf("qwen3"));
    let generator = load_file(&path).unwrap();
    let document = "a long document. ".repeat(30);
    let question = |words: &str| greedy(&format!("{document}{words}"), 5);
    let first_read = |request: GenerationRequest| -> (usize, String) {
        let events = generator.generate(request);
        let Ok(GenerationEvent::Reading { done, .. }) = events.recv() else {
            panic!("no reading");
        };
        (done, collect(&events).0)
    };
    let (done, first) = first_read(question("who?"));
    assert_eq!(done, 0);
    let (done, _) = first_read(question("when?"));
    assert!(done >= document.len(), "{done}");
    let (_, again) = first_read(question("who?"));
    assert_eq!(again, first);
}

#[test]
fn an_answer_ends_before_a_string_to_stop_at() {
    let generator = starter();
    let mut request = ask("What is the capital of France? Answer in one sentence.", 20);
    request.sampling.stop = vec!["Paris".into()];
    let (text, end) = collect(&generator.generate(request));
    assert!(text.contains("France") && !text.contains("Paris"), "{text}");
    let GenerationEvent::Done(report) = end else {
        panic!("{end:?}")
    };
    assert_eq!(report.finish, Finish::End);
}

#[test]
fn questions_asked_at_once_are_answered_one_after_the_other() {
    let (_folder, path) = file(&tiny_gguf("gemma2"));
    let generator = load_file(&path).unwrap();
    let alone: Vec<String> = ["one", "two", "three"]
        .iter()
        .map(|words| collect(&generator.generate(greedy(words, 20))).0)
        .collect();
    let events: Vec<_> = ["one", "two", "three"]
        .iter()
        .map(|words| generator.generate(greedy(words, 20)))
        .collect();
    for (events, alone) in events.iter().zip(&alone) {
        assert_eq!(&collect(events).0, alone);
    }
}

#[test]
fn what_was_read_is_taken_up_by_another_process() {
    let (folder, path) = file(&tiny_gguf("llama"));
    let prefixes = folder.path().join("prefixes");
    let options = |bytes| GeneratorOptions {
        prefixes: PrefixLimits {
            bytes,
            least_time: std::time::Duration::ZERO,
        },
        ..GeneratorOptions::default()
    };
    let document = "a long document. ".repeat(20);
    let request = |words: &str| GenerationRequest {
        prefixes: Some(prefixes.clone()),
        ..greedy(&format!("{document}{words}"), 5)
    };
    // Where reading begins, and the answer, in a process of its own.
    let answer = |bytes, words: &str| -> (usize, String) {
        let source = GeneratorSource::File(path.clone());
        let generator = load_generator(&source, options(bytes)).unwrap();
        let events = generator.generate(request(words));
        let Ok(GenerationEvent::Reading { done, .. }) = events.recv() else {
            panic!("no reading");
        };
        (done, collect(&events).0)
    };
    let kept = || -> Vec<PathBuf> {
        let entries = fs::read_dir(&prefixes).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    // Nothing is kept beyond the limit.
    let (_, expected) = answer(0, "when?");
    answer(1000, "who?");
    assert_eq!((answer(0, "who?").0, kept().len()), (0, 0));
    answer(1 << 24, "who?");
    let first = kept();
    assert_eq!(first.len(), 1);
    let (done, taken_up) = answer(1 << 24, "when?");
    assert!(done >= document.len(), "{done}");
    assert_eq!(taken_up, expected);
    // Neither prompt begins with the other: both are kept, as far as the limit goes.
    assert_eq!(kept().len(), 2);
    let length = fs::metadata(&first[0]).unwrap().len();
    answer(length + length / 2, "why?");
    assert_eq!(kept().len(), 1);
    // A damaged file is no reason to fail, and goes.
    for damage in [60, length as usize - 1] {
        let path = kept().remove(0);
        let mut bytes = fs::read(&path).unwrap();
        bytes[damage] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(answer(1 << 24, "when?").1, expected);
        assert_eq!(answer(1 << 24, "when?").1, expected);
    }
    // Another model takes nothing of it.
    let (_other, path) = file(&tiny_gguf("qwen3"));
    let generator = load_generator(&GeneratorSource::File(path), options(1 << 24)).unwrap();
    let first = generator.generate(request("when?")).recv();
    assert!(matches!(
        first,
        Ok(GenerationEvent::Reading { done: 0, .. })
    ));
}
