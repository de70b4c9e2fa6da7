//! Org: headlines, blocks and tables of the file as it is written.

use super::{Context, Seen, is_item, lines_through, lines_while};

pub(super) fn look(_: &mut Context, lines: &[&str]) -> Seen {
    let first = lines[0].trim_end();
    if let Some(heading) = heading(first) {
        return heading;
    }
    let lower = first.trim_start().to_ascii_lowercase();
    if lower.starts_with("#+begin_src") || lower.starts_with("#+begin_example") {
        let lines = lines_through(lines, |line| {
            line.trim_start().to_ascii_lowercase().starts_with("#+end_")
        });
        return Seen::Verbatim { lines };
    }
    if lower.starts_with('|') {
        let lines = lines_while(lines, |line| line.starts_with('|'));
        return Seen::Table { lines };
    }
    if is_item(first, &['-', '+']) {
        return Seen::Item;
    }
    Seen::Plain
}

/// `* Heading`, `** TODO Heading :tag:`, `#+TITLE: Heading`.
fn heading(line: &str) -> Option<Seen> {
    let is_title = line
        .get(..8)
        .is_some_and(|key| key.eq_ignore_ascii_case("#+title:"));
    let (level, title) = match is_title {
        true => (1, &line[8..]),
        false => {
            let title = line.trim_start_matches('*');
            (line.len() - title.len(), title.strip_prefix(' ')?)
        }
    };
    (level > 0 && !title.trim().is_empty()).then(|| Seen::Heading {
        level: level.min(6) as u8,
        lines: 1,
        title: title.trim().to_owned(),
    })
}
