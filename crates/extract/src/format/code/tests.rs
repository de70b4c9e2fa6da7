//! What the blocks of source files are, by language.

use docent_core::document::{BlockKind, Document};

use super::read;
use crate::blocks::check;

fn document(name: &str, text: &str) -> Document {
    let document = read(text.into(), name);
    assert_eq!(check(&document), Ok(()), "{name}");
    document
}

/// Each block as its item and its first line.
fn outline(name: &str, text: &str) -> Vec<(String, String)> {
    let document = document(name, text);
    let line = |block: &docent_core::document::Block| {
        let first = document.text[block.span.clone()]
            .lines()
            .next()
            .unwrap_or_default()
            .trim();
        match &block.kind {
            BlockKind::Code { item } => (item.clone().unwrap_or_default(), first.to_owned()),
            other => panic!("{other:?} in code"),
        }
    };
    document.blocks.iter().map(line).collect()
}

/// Asserts the items in order, each with the line its block begins with.
fn assert_outline(name: &str, text: &str, expected: &[(&str, &str)]) {
    let found = outline(name, text);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(found, expected, "{name}");
}

#[test]
fn rust_items_take_their_docs_along() {
    let text = "//! Parses.\n\nuse std::fmt;\n\n/// A parser.\n#[derive(Debug)]\npub struct Parser {\n    at: usize,\n}\n\n\
                impl<'a> fmt::Display for Parser {\n    /// Steps.\n    fn next(&self) {}\n\n    fn done(&self) {}\n}\n\n\
                mod tests {\n    fn works() {}\n}\n";
    assert_outline(
        "a.rs",
        text,
        &[
            ("", "//! Parses."),
            ("Parser", "/// A parser."),
            ("Parser", "impl<'a> fmt::Display for Parser {"),
            ("Parser::next", "/// Steps."),
            ("Parser::done", "fn done(&self) {}"),
            ("tests", "mod tests {"),
            ("tests::works", "fn works() {}"),
        ],
    );
}

#[test]
fn python_classes_and_decorators() {
    let text = "\"\"\"Docs.\"\"\"\nimport os\n\n\n# about f\n@cache\ndef f(x):\n    return x\n\n\n\
                class A(B):\n    size = 1\n\n    def m(self):\n        pass\n\n    @property\n    def p(self):\n        pass\n\n\nf(1)\n";
    assert_outline(
        "a.py",
        text,
        &[
            ("", "\"\"\"Docs.\"\"\""),
            ("f", "# about f"),
            ("A", "class A(B):"),
            ("A.m", "def m(self):"),
            ("A.p", "@property"),
            ("", "f(1)"),
        ],
    );
}

#[test]
fn scripts_with_exports_and_arrows() {
    let text = "import x from 'x';\n\n// Adds.\nexport const add = (a, b) => a + b;\nconst size = 3;\n\n\
                export default class Shop {\n  open() {}\n  static close() {}\n}\n\nexport interface Door { wide: number }\n";
    assert_outline(
        "a.ts",
        text,
        &[
            ("", "import x from 'x';"),
            ("add", "// Adds."),
            ("", "const size = 3;"),
            ("Shop", "export default class Shop {"),
            ("Shop.open", "open() {}"),
            ("Shop.close", "static close() {}"),
            ("Door", "export interface Door { wide: number }"),
        ],
    );
}

#[test]
fn go_methods_name_their_receiver() {
    let text = "package main\n\nimport \"fmt\"\n\n// T is a thing.\ntype T struct{ a int }\n\n// Get gets.\nfunc (t *T) Get() int { return t.a }\n\nfunc main() {\n\tfmt.Println()\n}\n";
    assert_outline(
        "a.go",
        text,
        &[
            ("", "package main"),
            ("T", "// T is a thing."),
            ("T.Get", "// Get gets."),
            ("main", "func main() {"),
        ],
    );
}

#[test]
fn c_family_behind_include_guards() {
    let text = "#ifndef A_H\n#define A_H\n\n#include <x>\n\nnamespace app {\n\n/* A box. */\ntemplate <typename T>\nclass Box {\n public:\n  T get() const { return v; }\n private:\n  T v;\n};\n\n\
                int *Box::find(int a) {\n  return 0;\n}\n\n}  // namespace app\n\n#endif\n";
    let items: Vec<String> = outline("a.hpp", text)
        .into_iter()
        .map(|(item, _)| item)
        .collect();
    for expected in ["app", "app::Box", "app::Box::get", "app::Box::find"] {
        assert!(
            items.iter().any(|item| item == expected),
            "{expected} in {items:?}"
        );
    }
    assert_outline(
        "a.c",
        "#include <x.h>\n\nstruct point { int x; };\n\n/* Adds. */\nstatic int add(int a)\n{\n\treturn a;\n}\n",
        &[
            ("", "#include <x.h>"),
            ("point", "struct point { int x; };"),
            ("add", "/* Adds. */"),
        ],
    );
}

#[test]
fn classes_of_java_csharp_ruby_php_and_bash() {
    let items = |name: &str, text: &str| -> Vec<String> {
        outline(name, text)
            .into_iter()
            .map(|(item, _)| item)
            .filter(|item| !item.is_empty())
            .collect()
    };
    assert_eq!(
        items(
            "A.java",
            "package p;\n\n/** Doc. */\npublic class A {\n  int x;\n  A() {}\n  void run() {}\n}\n"
        ),
        ["A", "A.A", "A.run"]
    );
    assert_eq!(
        items(
            "A.cs",
            "using System;\nnamespace N {\n  class A {\n    int X { get; }\n    void Run() {}\n  }\n}\n"
        ),
        ["N", "N.A", "N.A.Run"]
    );
    assert_eq!(
        items(
            "a.rb",
            "module M\n  class A\n    def run\n    end\n\n    def self.make\n    end\n  end\nend\n"
        ),
        ["M", "M::A", "M::A#run", "M::A.make"]
    );
    assert_eq!(
        items(
            "a.php",
            "<?php\nclass A {\n  function run() {}\n}\nfunction f() {}\n"
        ),
        ["A", "A::run", "f"]
    );
    assert_eq!(
        items(
            "a.sh",
            "#!/bin/sh\nset -e\n# Greets.\ngreet() {\n  echo hi\n}\ngreet\n"
        ),
        ["greet"]
    );
}

#[test]
fn broken_code_is_covered_to_the_last_byte() {
    let text = "fn ok() {}\n\n}}}} struct ((( \n fn also( { \n\n\"never closed\nfn last() {}\n";
    for name in [
        "a.rs", "a.py", "a.ts", "a.tsx", "a.js", "a.go", "a.java", "a.c", "a.cpp", "a.cs", "a.rb",
        "a.php", "a.sh",
    ] {
        document(name, text);
        document(name, &text.repeat(50));
        document(name, &"{ [ ( ".repeat(1_000));
    }
}

#[test]
fn other_code_is_read_by_blank_lines() {
    let found = outline("a.lua", "local x = 1\n\nfunction f()\n  return x\nend\n");
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].1, "function f()");
}

#[test]
fn minified_code_is_not_parsed() {
    let minified = "function f(a){return a}".repeat(1_000);
    assert!(
        outline("a.js", &minified)
            .iter()
            .all(|(item, _)| item.is_empty())
    );
}
