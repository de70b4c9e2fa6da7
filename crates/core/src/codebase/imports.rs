//! Imports: which other code a source file names, by the line on which it does.

use std::ops::Range;

use super::{extension, lines};

/// A longer statement is cut off.
const MAX_STATEMENT_BYTES: usize = 4_000;

/// From where the parts of an import count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// From wherever the language looks: a package, a crate, an include path.
    Anywhere,
    /// From the root of the project that the file belongs to (`crate::`).
    Project,
    /// From the file's own folder or module, so many levels up.
    Own(usize),
}

/// A name that a file imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The statement's bytes.
    pub span: Range<usize>,
    /// From where `path` counts.
    pub base: Base,
    /// The parts of the name, outermost first.
    pub path: Vec<String>,
}

/// The imports of a source file, in order; the language is told by the path's extension.
pub fn imports(path: &str, text: &str) -> Vec<Import> {
    match extension(path).as_str() {
        "rs" => rust(text),
        "py" | "pyi" => python(text),
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "vue" | "svelte" => script(text),
        "go" => go(text),
        "java" | "kt" | "kts" | "scala" | "groovy" => dotted(text, "import ", '.'),
        "cs" => dotted(text, "using ", '.'),
        "php" => dotted(text, "use ", '\\'),
        "c" | "h" | "cc" | "cpp" | "cxx" | "hpp" | "hh" => include(text),
        "rb" => ruby(text),
        _ => Vec::new(),
    }
}

/// `use a::{b, c::d};`, one import for each name.
fn rust(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, line) in lines(text) {
        let bare = line.trim_start();
        let after_pub = bare.strip_prefix("pub").map_or(bare, |rest| {
            let rest = rest.trim_start();
            rest.strip_prefix('(')
                .and_then(|r| r.split_once(')'))
                .map_or(rest, |(_, rest)| rest)
                .trim_start()
        });
        let Some(rest) = after_pub.strip_prefix("use ") else {
            continue;
        };
        let begin = start + line.len() - bare.len();
        let from = start + line.len() - rest.len();
        let Some(end) = statement_end(text, from, ';') else {
            continue;
        };
        let body: String = text[from..end]
            .chars()
            .filter(|c| !c.is_whitespace())
            .collect();
        for name in braced(&body) {
            let mut parts: Vec<String> = name
                .split("::")
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect();
            if parts
                .last()
                .is_some_and(|last| last == "*" || last == "self")
            {
                parts.pop();
            }
            let ups = parts.iter().take_while(|part| *part == "super").count();
            let (base, skipped) = match parts.first().map(String::as_str) {
                Some("crate") => (Base::Project, 1),
                Some("self") => (Base::Own(0), 1),
                Some("super") => (Base::Own(ups), ups),
                _ => (Base::Anywhere, 0),
            };
            found.push(Import {
                span: begin..end + 1,
                base,
                path: parts.split_off(skipped.min(parts.len())),
            });
        }
    }
    found
}

/// The names of `a::{b,c::{d,e}}`: `a::b`, `a::c::d`, `a::c::e`. Renaming is left out.
fn braced(body: &str) -> Vec<String> {
    fn expand(prefix: &str, body: &str, depth: usize, out: &mut Vec<String>) {
        let Some((head, inner)) = body.split_once('{').filter(|_| depth < 8) else {
            let name = body.trim_end_matches('}');
            // `a as b`, without blanks by now, still names `a` first.
            out.push(format!("{prefix}{name}"));
            return;
        };
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        let prefix = format!("{prefix}{head}");
        let (mut level, mut from) = (0_usize, 0);
        for (at, c) in inner.char_indices() {
            match c {
                '{' => level += 1,
                '}' => level = level.saturating_sub(1),
                ',' if level == 0 => {
                    expand(&prefix, &inner[from..at], depth + 1, out);
                    from = at + 1;
                }
                _ => {}
            }
        }
        if from < inner.len() {
            expand(&prefix, &inner[from..], depth + 1, out);
        }
    }
    let mut out = Vec::new();
    expand("", body, 0, &mut out);
    out
}

/// `import a.b, c` and `from .a import b, c`, one import for each name.
fn python(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    // The indentation of a block that is read by type checkers alone.
    let mut unread: Option<usize> = None;
    for (start, line) in lines(text) {
        let bare = line.trim_start();
        let indentation = line.len() - bare.len();
        let begin = start + indentation;
        if unread
            .is_some_and(|outer| indentation <= outer && !bare.is_empty() && !bare.starts_with(')'))
        {
            unread = None;
        }
        if bare.starts_with("if ") && bare.contains("TYPE_CHECKING:") {
            unread = Some(indentation);
        }
        if unread.is_some() {
            continue;
        }
        if let Some(names) = bare.strip_prefix("import ") {
            for name in names.split(',') {
                let name = name.split_whitespace().next().unwrap_or("");
                push(
                    &mut found,
                    begin..start + line.len(),
                    Base::Anywhere,
                    name.split('.'),
                );
            }
        } else if let Some((module, names)) = bare
            .strip_prefix("from ")
            .and_then(|rest| rest.split_once(" import "))
        {
            let from = begin + bare.len() - names.len();
            let end = match names.trim_start().starts_with('(') {
                true => statement_end(text, from, ')').map_or(start + line.len(), |end| end + 1),
                false => start + line.len(),
            };
            let module = module.trim();
            let rest = module.trim_start_matches('.');
            let dots = module.len() - rest.len();
            let base = if dots > 0 {
                Base::Own(dots - 1)
            } else {
                Base::Anywhere
            };
            for name in text[from..end].split(',') {
                let name =
                    name.trim_matches(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '\\'));
                let name = name.split_whitespace().next().unwrap_or("");
                push(&mut found, begin..end, base, rest.split('.').chain([name]));
            }
        }
    }
    found
}

/// `import x from './a'`, `export … from './a'`, `require('./a')`.
fn script(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, line) in lines(text) {
        let bare = line.trim_start();
        let names = [" from ", "require(", "import(", "import "];
        let at = names
            .iter()
            .find_map(|word| bare.find(word).map(|at| at + word.len()));
        let at = at.or_else(|| {
            bare.strip_prefix("from ")
                .map(|rest| bare.len() - rest.len())
        });
        let Some(quoted) = at.and_then(|at| quoted(&bare[at..])) else {
            continue;
        };
        if bare.starts_with("//") || bare.starts_with('*') {
            continue;
        }
        let ups = quoted.split('/').take_while(|part| *part == "..").count();
        let base = if quoted.starts_with('.') {
            Base::Own(ups)
        } else {
            Base::Anywhere
        };
        let parts = quoted
            .split('/')
            .filter(|part| !matches!(*part, "." | ".."));
        let begin = start + line.len() - bare.len();
        let known = [".tsx", ".ts", ".jsx", ".js", ".mjs", ".vue"];
        let parts = parts.map(|part| {
            known
                .iter()
                .find_map(|e| part.strip_suffix(e))
                .unwrap_or(part)
        });
        push(&mut found, begin..start + line.len(), base, parts);
    }
    found
}

/// `import "a/b"`, alone or in a block.
fn go(text: &str) -> Vec<Import> {
    let (mut found, mut inside) = (Vec::new(), false);
    for (start, line) in lines(text) {
        let bare = line.trim();
        match bare {
            _ if bare.starts_with("import (") => inside = true,
            ")" => inside = false,
            _ if inside || bare.starts_with("import ") => {
                if let Some(path) = quoted(bare) {
                    push(
                        &mut found,
                        start..start + line.len(),
                        Base::Anywhere,
                        path.split('/'),
                    );
                }
            }
            _ if bare.starts_with("func ") => break,
            _ => {}
        }
    }
    found
}

fn dotted(text: &str, keyword: &str, separator: char) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, line) in lines(text) {
        let Some(rest) = line.trim_start().strip_prefix(keyword) else {
            continue;
        };
        let rest = rest.strip_prefix("static ").unwrap_or(rest);
        let name = rest.split([';', ' ', '{', '(']).next().unwrap_or("");
        let parts = name.split(separator).filter(|part| *part != "*");
        push(&mut found, start..start + line.len(), Base::Anywhere, parts);
    }
    found
}

/// `#include "a/b.h"`; those in angle brackets are the system's.
fn include(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, line) in lines(text) {
        let Some(rest) = line.trim_start().strip_prefix('#') else {
            continue;
        };
        let Some(path) = rest.trim_start().strip_prefix("include").and_then(quoted) else {
            continue;
        };
        let bare = path.rsplit_once('.').map_or(path, |(bare, _)| bare);
        let parts = bare.split('/').filter(|part| !matches!(*part, "." | ".."));
        push(&mut found, start..start + line.len(), Base::Anywhere, parts);
    }
    found
}

fn ruby(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (start, line) in lines(text) {
        let bare = line.trim_start();
        let own = bare.strip_prefix("require_relative ");
        let Some(path) = own
            .or_else(|| bare.strip_prefix("require "))
            .and_then(quoted)
        else {
            continue;
        };
        let ups = path.split('/').take_while(|part| *part == "..").count();
        let base = if own.is_some() {
            Base::Own(ups)
        } else {
            Base::Anywhere
        };
        let parts = path.split('/').filter(|part| !matches!(*part, "." | ".."));
        push(&mut found, start..start + line.len(), base, parts);
    }
    found
}

fn push<'a>(
    found: &mut Vec<Import>,
    span: Range<usize>,
    base: Base,
    parts: impl Iterator<Item = &'a str>,
) {
    let path: Vec<String> = parts
        .filter(|part| !part.is_empty() && *part != "*")
        .map(str::to_owned)
        .collect();
    if !path.is_empty() {
        found.push(Import { span, base, path });
    }
}

/// Where the statement that goes on at `from` ends: the byte of its last character.
fn statement_end(text: &str, from: usize, end: char) -> Option<usize> {
    let rest = text.get(from..)?;
    rest.find(end)
        .filter(|length| *length <= MAX_STATEMENT_BYTES)
        .map(|length| from + length)
}

/// What stands in the first quotation marks.
fn quoted(text: &str) -> Option<&str> {
    let open = text.find(['"', '\''])?;
    let mark = text[open..].chars().next()?;
    text[open + 1..].split_once(mark).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> Vec<(Base, String)> {
        imports(path, text)
            .into_iter()
            .map(|i| (i.base, i.path.join("/")))
            .collect()
    }

    #[test]
    fn rust_names_are_taken_out_of_their_braces() {
        let text =
            "use std::fs;\npub(crate) use crate::a::{b, c::{D, self}};\nuse super::super::e::*;\n";
        assert_eq!(
            names("a.rs", text),
            [
                (Base::Anywhere, "std/fs".into()),
                (Base::Project, "a/b".into()),
                (Base::Project, "a/c/D".into()),
                (Base::Project, "a/c".into()),
                (Base::Own(2), "e".into()),
            ]
        );
        let span = imports("a.rs", text)[1].span.clone();
        assert_eq!(&text[span], "pub(crate) use crate::a::{b, c::{D, self}};");
    }

    #[test]
    fn python_names_count_their_dots() {
        let text = "import os, flask.app as app\nfrom ..a import (b,\n    c)\nfrom . import d\n";
        assert_eq!(
            names("a.py", text),
            [
                (Base::Anywhere, "os".into()),
                (Base::Anywhere, "flask/app".into()),
                (Base::Own(1), "a/b".into()),
                (Base::Own(1), "a/c".into()),
                (Base::Own(0), "d".into()),
            ]
        );
    }

    #[test]
    fn what_only_type_checkers_read_is_no_import() {
        let text =
            "import a\nif t.TYPE_CHECKING:\n    from .b import (\n        C,\n    )\nimport d\n";
        assert_eq!(
            names("a.py", text),
            [(Base::Anywhere, "a".into()), (Base::Anywhere, "d".into())]
        );
    }

    #[test]
    fn other_languages_name_paths() {
        let text = "import x from '../a/b.js'\nconst y = require(\"./c\");\n// from './d'\n";
        assert_eq!(
            names("a.ts", text),
            [(Base::Own(1), "a/b".into()), (Base::Own(0), "c".into())]
        );
        let text = "import (\n\t\"fmt\"\n\tx \"example.org/m/p\"\n)\nfunc main() {}\n";
        assert_eq!(
            names("a.go", text),
            [
                (Base::Anywhere, "fmt".into()),
                (Base::Anywhere, "example.org/m/p".into())
            ]
        );
        assert_eq!(
            names("a.c", "#include <stdio.h>\n#include \"p/q.h\"\n"),
            [(Base::Anywhere, "p/q".into())]
        );
        assert_eq!(
            names("A.java", "import static a.b.C;\n"),
            [(Base::Anywhere, "a/b/C".into())]
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[a-z{}(),:;.'\" \n#]{0,120}") {
            for path in ["a.rs", "a.py", "a.ts", "a.go", "a.c", "a.java", "a.rb"] {
                for import in imports(path, &text) {
                    proptest::prop_assert!(text.get(import.span).is_some());
                }
            }
        }
    }
}
