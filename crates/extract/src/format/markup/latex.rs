//! LaTeX: sections and environments of the file as it is written.

use super::{Context, Seen, lines_through};

/// Commands that begin a part, by their level.
const HEADINGS: &[(&str, u8)] = &[
    ("title", 1),
    ("part", 1),
    ("chapter", 1),
    ("section", 2),
    ("subsection", 3),
    ("subsubsection", 4),
    ("paragraph", 5),
    ("subparagraph", 6),
];

/// Environments whose content is not text.
const VERBATIM: &[&str] = &["verbatim", "lstlisting", "minted", "alltt", "Verbatim"];

/// Environments of tables.
const TABLES: &[&str] = &["tabular", "tabular*", "tabularx", "longtable", "array"];

pub(super) fn look(_: &mut Context, lines: &[&str]) -> Seen {
    let first = lines[0].trim();
    if let Some(heading) = heading(lines) {
        return heading;
    }
    if let Some(name) = environment(first) {
        let end = format!("\\end{{{name}}}");
        let lines = lines_through(lines, |line| line.contains(&end));
        if VERBATIM.contains(&name) {
            return Seen::Verbatim { lines };
        }
        if TABLES.contains(&name) {
            return Seen::Table { lines };
        }
    }
    if first.starts_with("\\item") {
        return Seen::Item;
    }
    Seen::Plain
}

/// `\section{…}`, `\section*[…]{…}`, over as many lines as its braces.
fn heading(lines: &[&str]) -> Option<Seen> {
    /// A title is not longer.
    const MAX_LINES: usize = 5;
    let command = lines[0].trim_start().strip_prefix('\\')?;
    let letters = command.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, rest) = command.split_at(letters);
    let (_, level) = HEADINGS.iter().find(|(known, _)| *known == name)?;
    if !rest.trim_start_matches('*').starts_with(['{', '[']) {
        return None;
    }
    let (mut depth, mut title) = (0i32, String::new());
    for (at, line) in lines.iter().take(MAX_LINES).enumerate() {
        let line = if at == 0 { rest } else { line };
        for c in line.chars() {
            match c {
                '{' => {
                    depth += 1;
                    title.push(c);
                }
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(Seen::Heading {
                            level: *level,
                            lines: at + 1,
                            title: without_commands(&title),
                        });
                    }
                }
                c if depth > 0 => title.push(c),
                _ => {}
            }
        }
    }
    None
}

/// A title as it is shown: `\emph` and its kin taken out.
fn without_commands(title: &str) -> String {
    let mut pieces = title.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let word = piece.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        plain.push_str(word);
    }
    plain.replace('{', "").trim().to_owned()
}

/// The environment that a line begins.
fn environment(line: &str) -> Option<&str> {
    let name = line.strip_prefix("\\begin{")?;
    name.split('}').next()
}
