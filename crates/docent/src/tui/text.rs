//! Text as a terminal draws it: what may be sent, how wide it is, where lines break.
//!
//! Documents are not trusted: control characters and what turns the direction of writing never
//! reach the terminal, whatever a file holds. Offsets are always bytes of the original text.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// Blanks that a tab takes.
const TAB: &str = "    ";

/// What a piece of text is, so that the theme can give it a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Running text.
    Plain,
    /// What the person asked.
    Question,
    /// A quote from a document.
    Quote,
    /// `[n]`: a pin to the source of that number.
    Pin(usize),
    /// A sentence without support, opened by `?`.
    Unsupported,
    /// What docent says about what it did.
    Meta,
    /// Something went wrong.
    Failure,
    /// Names and headings.
    Strong,
    /// The passage that is pointed to.
    Passage,
    /// A word that was searched for.
    Term,
    /// A key that can be pressed.
    Key,
}

/// One row of a pane, ready to be drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// Pieces from left to right; safe for a terminal.
    pub(crate) pieces: Vec<(String, Tone)>,
}

impl Row {
    /// A row of one tone.
    pub(crate) fn new(text: &str, tone: Tone) -> Row {
        let mut prose = Prose::default();
        prose.push(text, tone);
        prose.row(0..prose.text.len())
    }

    /// Columns that it takes.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(text, _)| width(text)).sum()
    }

    /// The tone at a column.
    pub(crate) fn tone_at(&self, column: usize) -> Option<Tone> {
        let mut end = 0;
        self.pieces.iter().find_map(|(text, tone)| {
            end += width(text);
            (column < end).then_some(*tone)
        })
    }

    /// Puts a piece in front.
    pub(crate) fn indented(mut self, text: &str, tone: Tone) -> Row {
        self.pieces.insert(0, (text.to_owned(), tone));
        self
    }

    /// Moves the row to the right edge of `columns`.
    pub(crate) fn right_aligned(self, columns: usize) -> Row {
        let blanks = columns.saturating_sub(self.width());
        self.indented(&" ".repeat(blanks), Tone::Plain)
    }
}

/// Text whose stretches have tones; it becomes rows once the width is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prose {
    text: String,
    tones: Vec<(usize, Tone)>,
}

impl Prose {
    /// Appends a stretch.
    pub(crate) fn push(&mut self, text: &str, tone: Tone) {
        self.text.push_str(text);
        self.tones.push((self.text.len(), tone));
    }

    /// Appends a blank, unless nothing stands there or white space does.
    pub(crate) fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(char::is_whitespace) {
            self.push(" ", Tone::Plain);
        }
    }

    /// Whether nothing was pushed.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text broken into rows of at most `columns`.
    pub(crate) fn rows(&self, columns: usize) -> Vec<Row> {
        wrap(&self.text, columns)
            .into_iter()
            .map(|range| self.row(range))
            .collect()
    }

    /// All of it on one row, cut at `columns` with an ellipsis.
    pub(crate) fn one_row(&self, columns: usize) -> Row {
        let all = self.row(0..self.text.len());
        if all.width() <= columns {
            return all;
        }
        let mut left = columns.saturating_sub(1);
        let mut pieces = Vec::new();
        for (text, tone) in all.pieces {
            let kept = prefix(&text, left).to_owned();
            left -= width(&kept);
            let whole = kept.len() == text.len();
            pieces.push((kept, tone));
            if !whole {
                break;
            }
        }
        if columns > 0 {
            pieces.push(("…".to_owned(), Tone::Meta));
        }
        Row { pieces }
    }

    fn row(&self, range: Range<usize>) -> Row {
        toned_row(&self.text, range, |at| {
            let place = self.tones.partition_point(|(end, _)| *end <= at);
            self.tones.get(place).map_or(Tone::Plain, |(_, tone)| *tone)
        })
    }
}

/// The stretch `range` of `text` as a row; `tone` is asked for the byte at which a character
/// begins.
pub(crate) fn toned_row(text: &str, range: Range<usize>, tone: impl Fn(usize) -> Tone) -> Row {
    let mut pieces: Vec<(String, Tone)> = Vec::new();
    for (at, grapheme) in text[range.clone()].grapheme_indices(true) {
        let (shown, _) = cell(grapheme);
        let tone = tone(range.start + at);
        match pieces.last_mut() {
            Some((piece, last)) if *last == tone => piece.push_str(&shown),
            _ => pieces.push((shown.into_owned(), tone)),
        }
    }
    Row { pieces }
}

/// What is drawn for a character as people see it, and the columns that it takes.
fn cell(grapheme: &str) -> (Cow<'_, str>, usize) {
    let mut chars = grapheme.chars();
    match (chars.next(), chars.next()) {
        (Some('\t'), None) => (Cow::Borrowed(TAB), TAB.len()),
        (Some('\n' | '\r'), _) => (Cow::Borrowed(""), 0),
        (Some('\u{2028}' | '\u{2029}'), None) => (Cow::Borrowed(" "), 1),
        (Some(c), None) if c.is_control() => (Cow::Borrowed("\u{fffd}"), 1),
        (Some(c), None) if turns_direction(c) => (Cow::Borrowed(""), 0),
        (Some(c), None) if c.is_ascii() => (Cow::Borrowed(grapheme), 1),
        (Some(first), Some(_)) if grapheme.contains(joins) && !first.is_alphabetic() => {
            sized(first.to_string())
        }
        (Some(first), Some(second)) if region(first).is_some() => {
            sized(region(first).into_iter().chain(region(second)).collect())
        }
        _ if grapheme.contains(|c: char| c.is_control() || turns_direction(c)) => sized(
            grapheme
                .chars()
                .filter(|c| !c.is_control() && !turns_direction(*c))
                .collect(),
        ),
        _ => (Cow::Borrowed(grapheme), usize::from(grapheme.cell_width())),
    }
}

fn sized(text: String) -> (Cow<'static, str>, usize) {
    let columns = usize::from(text.cell_width());
    (Cow::Owned(text), columns)
}

/// What makes one picture of several characters, or a wide one of a narrow one. Terminals
/// disagree on the columns that such pictures take, so only their first character is drawn.
fn joins(c: char) -> bool {
    matches!(
        c,
        '\u{200d}' | '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}'
    )
}

/// The letter of a regional indicator: two of them are a flag, which is drawn as letters for
/// the same reason.
fn region(c: char) -> Option<char> {
    let place = u32::from(c)
        .checked_sub(0x1f1e6)
        .filter(|place| *place < 26)?;
    char::from_u32(u32::from('A') + place)
}

/// Bidirectional marks, embeddings, overrides and isolates.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text as it may be sent to a terminal, on one line.
pub(crate) fn safe(text: &str) -> String {
    text.graphemes(true)
        .map(|grapheme| match grapheme {
            "\n" | "\r\n" | "\r" | "\t" => Cow::Borrowed(" "),
            other => cell(other).0,
        })
        .collect()
}

/// Columns that a text takes on one line.
pub(crate) fn width(text: &str) -> usize {
    text.graphemes(true).map(|g| cell(g).1).sum()
}

/// The longest beginning of `text` that fits into `columns`.
fn prefix(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += cell(grapheme).1;
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// `text` made safe and cut at the end to `columns`, with an ellipsis.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let text = safe(text);
    if width(&text) <= columns {
        return text;
    }
    match columns {
        0 => String::new(),
        _ => format!("{}…", prefix(&text, columns - 1)),
    }
}

/// `path` made safe and cut to `columns`: folders go first, then the beginning of the name.
pub(crate) fn fit_path(path: &str, columns: usize) -> String {
    let path = safe(path);
    if width(&path) <= columns {
        return path;
    }
    let ends = path.match_indices('/').map(|(at, _)| &path[at..]);
    match ends.into_iter().find(|end| width(end) < columns) {
        Some(end) => format!("…{end}"),
        None => fit_end(&path, columns),
    }
}

/// `text` made safe and cut at the beginning to `columns`, with an ellipsis: for paths, whose
/// end says most.
pub(crate) fn fit_end(text: &str, columns: usize) -> String {
    let text = safe(text);
    if width(&text) <= columns {
        return text;
    }
    let mut used = 1;
    let mut from = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += cell(grapheme).1;
        if used > columns {
            break;
        }
        from = at;
    }
    match columns {
        0 => String::new(),
        _ => format!("…{}", &text[from..]),
    }
}

/// Where `text` breaks into rows of at most `columns`: at line feeds, after blanks, around wide
/// characters, and inside a word only where it is wider than a row. There is at least one row.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<Range<usize>> {
    let columns = columns.max(1);
    let mut rows = Vec::new();
    let mut start = 0;
    let mut used = 0;
    // After this byte the row may end; so many columns stand before it.
    let mut chance: Option<(usize, usize)> = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        let end = at + grapheme.len();
        if matches!(grapheme, "\n" | "\r\n") {
            rows.push(start..at);
            (start, used, chance) = (end, 0, None);
            continue;
        }
        let columns_here = cell(grapheme).1;
        let blank = matches!(grapheme, " " | "\t");
        if used + columns_here > columns && used > 0 {
            if blank {
                rows.push(start..at);
                (start, used, chance) = (end, 0, None);
                continue;
            }
            let (from, before) = chance.take().unwrap_or((at, used));
            rows.push(start..from);
            start = from;
            used -= before;
        }
        used += columns_here;
        if blank || columns_here > 1 || matches!(grapheme, "/" | "-") {
            chance = Some((end, used));
        }
    }
    rows.push(start..text.len());
    rows
}

/// A number with its thousands apart: `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 file`, `3 files`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A size for people: `3.4 MB`.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if size < 1000 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// A time for people: `22 s`, `3 min`, `1 h 05 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..=99 => format!("{whole} s"),
        100..=3599 => format!("{} min", (whole + 30) / 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A rate for people: `41/s`, `0.7/s`.
pub(crate) fn rate(per_second: f64) -> String {
    if per_second < 10.0 {
        format!("{per_second:.1}/s")
    } else {
        format!("{}/s", count(per_second.round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, columns: usize) -> Vec<&str> {
        wrap(text, columns).into_iter().map(|r| &text[r]).collect()
    }

    #[test]
    fn lines_break_after_blanks() {
        assert_eq!(wrapped("one two three", 8), ["one two ", "three"]);
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
    }

    #[test]
    fn words_wider_than_a_row_are_split() {
        assert_eq!(wrapped("a abcdefgh", 4), ["a ", "abcd", "efgh"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("a\n\nb", 0), ["a", "", "b"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(wrapped("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(width("👩‍⚕️é"), 3);
        assert_eq!(safe("👩‍⚕️é 👍🏽 🇩🇪 1️⃣ ⚕️"), "👩é 👍 DE 1 ⚕");
        assert_eq!(fit("漢字漢字", 6), "漢字…");
        assert_eq!(fit_end("漢字漢字", 6), "…漢字");
        assert_eq!(fit_path("a/long/folder/name.txt", 14), "…/name.txt");
        assert_eq!(fit_path("a/name-of-a-file.txt", 9), "…file.txt");
    }

    #[test]
    fn rows_cover_the_text_and_fit() {
        let text = "naïve  text — with\ttabs, 漢字, a/long/path/name-with-hyphens and\r\nlines";
        for columns in 1..40 {
            let rows = wrap(text, columns);
            assert!(rows.windows(2).all(|w| w[0].end <= w[1].start));
            for row in rows {
                assert!(width(&text[row]) <= columns.max(TAB.len()));
            }
        }
    }

    #[test]
    fn nothing_in_a_document_commands_the_terminal() {
        let row = Row::new("a\u{1b}[2J\u{9b}1m\u{202e}b\r\n\u{7f}", Tone::Plain);
        assert_eq!(row.pieces[0].0, "a\u{fffd}[2J\u{fffd}1mb\u{fffd}");
        assert_eq!(safe("a\u{1b}\nb"), "a\u{fffd} b");
    }

    #[test]
    fn tones_follow_their_stretches_over_rows() {
        let mut prose = Prose::default();
        prose.push("ab cd", Tone::Quote);
        prose.push(" [1]", Tone::Pin(1));
        let rows = prose.rows(6);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].pieces, [("[1]".to_owned(), Tone::Pin(1))]);
        assert_eq!(rows[1].tone_at(2), Some(Tone::Pin(1)));
        assert_eq!(prose.one_row(4).width(), 4);
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1_204_000), "1,204,000");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(bytes(3_449_000), "3.4 MB");
        assert_eq!(bytes(999_900), "1.0 MB");
        assert_eq!(duration(21.6), "22 s");
        assert_eq!(duration(3_900.0), "1 h 05 min");
        assert_eq!(rate(0.66), "0.7/s");
    }
}
