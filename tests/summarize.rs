//! `docent summarize`: quotes that are there, coverage that is said, codebases by their code.

use serde_json::Value;

use crate::sandbox::Sandbox;

const LETTERS: &str = "
//- letters/mill.md
# The mill

The mill delivers two tons of rye flour to the bakery every Monday morning.

## Price

The price of the flour is fixed at three hundred euros a ton until December.
//- letters/oven.md
# The oven

The oven of the bakery was built in 1921 and is heated with beech wood.
//- secret.pdf
%PDF-1.7 and nothing else
";

const CODE: &str = "
//- pyproject.toml
[project]
name = \"bakery\"
description = \"Plans the baking of a small bakery.\"

[project.scripts]
bake = \"bakery.cli:main\"
//- README.md
# bakery

bakery plans which bread is baked when, and how much flour that takes.
//- src/bakery/__init__.py
\"\"\"Planning of a bakery's day.\"\"\"
from .plan import Plan
//- src/bakery/cli.py
\"\"\"The command line.\"\"\"
from .plan import Plan

def main():
    Plan().show()

if __name__ == \"__main__\":
    main()
//- src/bakery/plan.py
\"\"\"Which bread is baked when.\"\"\"
from .flour import Flour

class Plan:
    def show(self):
        print(Flour())
//- src/bakery/flour.py
\"\"\"How much flour there is.\"\"\"

class Flour:
    pass
//- tests/test_plan.py
from bakery.plan import Plan
";

/// The summary as JSON, whose citations have all been compared with the files.
fn summary(sandbox: &Sandbox, args: &[&str]) -> Value {
    let all = ["summarize", "--json"].iter().chain(args);
    let run = sandbox.run(all).with_status(0);
    let summary = run.json_lines().remove(0);
    for citation in summary["citations"].as_array().expect("citations") {
        let path = citation["path"].as_str().expect("a path");
        let text = std::fs::read_to_string(sandbox.file(path)).expect("a text");
        let at = |name: &str| citation[name].as_u64().expect("an offset") as usize;
        assert_eq!(citation["quote"], text[at("start")..at("end")]);
    }
    summary
}

fn text(summary: &Value) -> &str {
    summary["text"].as_str().expect("a text")
}

#[test]
fn a_folder_is_told_by_its_documents_and_says_what_was_not_read() {
    let sandbox = Sandbox::with(LETTERS);
    let summary = summary(&sandbox, &["files"]);
    assert_eq!(summary["subject"], "folder");
    assert!(text(&summary).contains("rye flour") && text(&summary).contains("beech wood"));
    let coverage = &summary["coverage"];
    assert_eq!(
        (&coverage["documents"], &coverage["documents_total"]),
        (&2.into(), &3.into())
    );
    assert_eq!(coverage["not_read"][0]["place"], "secret.pdf");
    let run = sandbox.run(["summarize", "files"]).with_status(0);
    assert!(
        run.stdout
            .contains("2 of 3 documents; 1 not read: secret.pdf"),
        "{run:?}"
    );
}

#[test]
fn a_document_is_told_in_a_collection_or_outside() {
    let sandbox = Sandbox::with(LETTERS);
    // One of the files cannot be read.
    sandbox.run(["index", "files"]).with_status(1);
    let one = summary(&sandbox, &["files/letters/mill.md"]);
    assert_eq!(
        (&one["subject"], &one["title"]),
        (&"document".into(), &"The mill".into())
    );
    assert!(text(&one).contains("three hundred euros"));
    let named = summary(&sandbox, &["--in", "files", "mill.md", "--sentences", "1"]);
    assert_eq!(named["citations"].as_array().map(Vec::len), Some(1));
    let outside = sandbox.root().join("lone.txt");
    std::fs::write(&outside, "The harbour of the town freezes over in January.").expect("a file");
    let run = sandbox.run(["summarize", "lone.txt"]).with_status(0);
    assert!(
        run.stdout
            .contains("“The harbour of the town freezes over in January.” [1]"),
        "{run:?}"
    );
    assert_eq!(sandbox.status()["seen"], 3, "nothing was indexed for it");
}

#[test]
fn a_codebase_is_told_by_purpose_entry_points_modules_and_imports() {
    let sandbox = Sandbox::with(CODE);
    let summary = summary(&sandbox, &["files"]);
    assert_eq!(summary["subject"], "codebase");
    let text = text(&summary);
    for told in [
        "“Plans the baking of a small bakery.”",
        "“bakery plans which bread is baked when",
        "`bake` in pyproject.toml",
        "`__main__` in src/bakery/cli.py",
        "“Which bread is baked when.”",
        "plan.py uses flour.py (1)",
        "cli.py uses plan.py (1)",
    ] {
        assert!(text.contains(told), "{told:?} in {text}");
    }
}

#[test]
fn what_is_not_there_cannot_be_summarised() {
    let sandbox = Sandbox::with(LETTERS);
    // One of the files cannot be read.
    sandbox.run(["index", "files"]).with_status(1);
    sandbox
        .run(["summarize", "--in", "files", "nowhere.md"])
        .with_status(2)
        .telling("nowhere.md");
    sandbox
        .run(["summarize", "--sentences", "0"])
        .with_status(2);
}
