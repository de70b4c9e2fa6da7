//! AsciiDoc: titles, blocks and tables of the file as it is written.

use super::{Context, Seen, is_item, lines_through};

pub(super) fn look(_: &mut Context, lines: &[&str]) -> Seen {
    let first = lines[0].trim_end();
    if let Some(heading) = heading(first) {
        return heading;
    }
    if first == "|===" || first == ",===" || first == "!===" {
        let lines = lines_through(lines, |line| line == first);
        return Seen::Table { lines };
    }
    let is_fence = first.len() >= 4
        && ["----", "....", "````", "////", "++++"]
            .iter()
            .any(|fence| first.starts_with(fence))
        && first.bytes().all(|byte| byte == first.as_bytes()[0]);
    if is_fence || first.starts_with("```") {
        let close = if is_fence { first } else { "```" };
        let lines = lines_through(lines, |line| line == close);
        return Seen::Verbatim { lines };
    }
    if is_item(first, &['*', '-', '.']) {
        return Seen::Item;
    }
    Seen::Plain
}

/// `= Title`, `== Section`.
fn heading(line: &str) -> Option<Seen> {
    let title = line.trim_start_matches('=');
    let level = line.len() - title.len();
    let is_heading = (1..=6).contains(&level) && title.starts_with(' ') && !title.trim().is_empty();
    is_heading.then(|| Seen::Heading {
        level: level as u8,
        lines: 1,
        title: title.trim().to_owned(),
    })
}
