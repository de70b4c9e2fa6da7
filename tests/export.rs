//! Reports that leave docent: footnotes, nothing of a document live, nobody named.

use crate::sandbox::Sandbox;

const LETTERS: &str = "
//- clients/hartmann-julia.txt
Dear Ms Hartmann,

Julia Hartmann, born on 4 May 1981, pays the fee of 1,200 euros into account number 77120944 by the end of June.
<script>alert('fee')</script> Details of the fee are at https://evil.example/fee and by phone on +49 30 5550 0199.

Yours sincerely
Otto Lindner
";

#[test]
fn an_answer_is_written_down_with_footnotes_and_without_names() {
    let sandbox = Sandbox::with(LETTERS);
    let ask = [
        "ask",
        "--in",
        "files",
        "--no-model",
        "Into which account does Julia Hartmann pay the fee?",
    ];
    let plain = sandbox.run(ask.into_iter().chain(["--export", "plain.html"]));
    plain.with_status(0).telling("Written: plain.html");
    let read = |name: &str| std::fs::read_to_string(sandbox.file("..").join(name)).expect("a file");
    let html = read("plain.html");
    assert!(
        html.contains("77120944") && html.contains("clients/hartmann-julia.txt"),
        "{html}"
    );
    assert!(html.contains("</span>, line"), "{html}");
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("href=\"http"), "{html}");

    let args = ["--no-index", "--redact", "--export", "redacted.md"];
    let run = sandbox.run(ask.into_iter().chain(args));
    run.with_status(0).telling("Replaced: ").telling("no proof");
    let text = read("redacted.md");
    let lower = text.to_lowercase();
    for secret in ["hartmann", "julia", "77120944", "1981", "lindner", "5550"] {
        assert!(!lower.contains(secret), "{secret}: {text}");
    }
    assert!(
        text.contains("Person A") && text.contains("1,200 euros"),
        "{text}"
    );
    assert!(text.contains("[^1]: clients/Person A.txt, line"), "{text}");

    let again = sandbox.run(
        ask.into_iter()
            .chain(["--no-index", "--export", "redacted.md"]),
    );
    again.with_status(2).telling("none is overwritten");
    assert_eq!(read("redacted.md"), text);
    let alone = sandbox.run(ask.into_iter().chain(["--redact"]));
    alone.with_status(2).telling("--export");
}

#[test]
fn what_is_not_kept_cannot_be_exported() {
    let sandbox = Sandbox::with(LETTERS).indexed();
    let none = sandbox.run(["export", "--in", "files"]);
    none.with_status(1).telling("No conversation is kept");
    let last = sandbox.run(["export", "--in", "files", "--last"]);
    last.with_status(2).telling("no conversation is kept");
    let nine = sandbox.run(["export", "--in", "files", "9"]);
    nine.with_status(2).telling("keeps no conversation 9");
}
