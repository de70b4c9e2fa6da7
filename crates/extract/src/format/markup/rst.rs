//! reStructuredText.

use super::{Context, Seen, is_item, lines_while};

pub(super) fn look(context: &mut Context, lines: &[&str]) -> Seen {
    if let Some(heading) = heading(context, lines) {
        return heading;
    }
    let first = lines[0].trim_end();
    let is_rule = |line: &str| line.starts_with("+-") || line.starts_with("+=");
    if is_rule(first) || is_simple_rule(first) {
        let lines = lines_while(lines, |line| !line.is_empty());
        return Seen::Table { lines };
    }
    let opens_code = [
        ".. code",
        ".. sourcecode",
        ".. parsed-literal",
        ".. highlight",
    ];
    if opens_code
        .iter()
        .any(|open| first.trim_start().starts_with(open))
    {
        return Seen::Verbatim {
            lines: indented(lines),
        };
    }
    if is_item(first, &['-', '*', '+', '•']) {
        return Seen::Item;
    }
    Seen::Plain
}

/// A title with an adornment below it, or above and below it, at least as long.
fn heading(context: &mut Context, lines: &[&str]) -> Option<Seen> {
    let line = |at: usize| lines.get(at).map(|line| line.trim_end());
    let (over, title, under) = match adornment(line(0)?) {
        Some(over) => (Some(over), line(1)?, adornment(line(2)?)?),
        None => (None, line(0)?, adornment(line(1)?)?),
    };
    let width = title.trim().chars().count();
    let rule = line(1 + usize::from(over.is_some()))?;
    let fits = width > 0 && rule.chars().count() >= width && adornment(title).is_none();
    if !fits || over.is_some_and(|over| over != under) {
        return None;
    }
    let style = (under, over.is_some());
    let level = match context.adornments.iter().position(|known| *known == style) {
        Some(at) => at,
        None => {
            context.adornments.push(style);
            context.adornments.len() - 1
        }
    };
    Some(Seen::Heading {
        level: level.min(5) as u8 + 1,
        lines: 2 + usize::from(over.is_some()),
        title: title.trim().to_owned(),
    })
}

/// The character that a line consists of, if it is an adornment.
fn adornment(line: &str) -> Option<char> {
    let first = line.chars().next().filter(char::is_ascii_punctuation)?;
    (line.len() >= 2 && line.chars().all(|c| c == first)).then_some(first)
}

/// `====  ====`: the rule of a simple table.
fn is_simple_rule(line: &str) -> bool {
    line.contains(' ') && line.starts_with("==") && line.chars().all(|c| c == '=' || c == ' ')
}

/// The number of lines of a directive: its first, and those below that are indented or blank.
fn indented(lines: &[&str]) -> usize {
    let belongs = |line: &&str| line.trim().is_empty() || line.starts_with([' ', '\t']);
    1 + lines
        .iter()
        .skip(1)
        .take_while(|line| belongs(line))
        .count()
}
