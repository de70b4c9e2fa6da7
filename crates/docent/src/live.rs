//! Text that streams onto a terminal and can be taken back, to be replaced by its checked form.

use crossterm::terminal;
use unicode_width::UnicodeWidthChar;

/// Columns assumed where the terminal does not tell.
const COLUMNS_ASSUMED: u16 = 80;
/// Rows assumed where the terminal does not tell.
const ROWS_ASSUMED: u16 = 24;

/// What has been written of a text. It breaks lines itself, so that it knows how many rows
/// the text takes.
#[derive(Debug)]
pub(crate) struct LiveText {
    columns: usize,
    rows: usize,
    column: usize,
    rows_written: usize,
    word: String,
}

impl LiveText {
    /// Nothing yet, at the beginning of a row of this terminal.
    pub(crate) fn begin() -> LiveText {
        let (columns, rows) = terminal::size().unwrap_or((COLUMNS_ASSUMED, ROWS_ASSUMED));
        LiveText::sized(columns.max(2), rows.max(2))
    }

    fn sized(columns: u16, rows: u16) -> LiveText {
        LiveText {
            columns: usize::from(columns),
            rows: usize::from(rows),
            column: 0,
            rows_written: 0,
            word: String::new(),
        }
    }

    /// What to write for the next piece of text: words stay whole where they fit in a row.
    pub(crate) fn add(&mut self, piece: &str) -> String {
        let mut out = String::new();
        for c in piece.chars() {
            if c == '\n' {
                self.end_word();
                out.push('\n');
                self.new_row();
                continue;
            }
            let c = if c == '\t' { ' ' } else { c };
            self.place(c, &mut out);
        }
        out
    }

    /// Writes one character, and moves the word that it belongs to when the row is full.
    fn place(&mut self, c: char, out: &mut String) {
        let width = c.width().unwrap_or(0);
        if self.column + width >= self.columns {
            let carried = self.word_width();
            if c == ' ' {
                self.end_word();
                out.push('\n');
                self.new_row();
                return;
            }
            if carried > 0 && carried + width < self.columns {
                out.push_str(&format!("\u{1b}[{carried}D\u{1b}[K\n{}", self.word));
                self.new_row();
                self.column = carried;
            } else {
                self.end_word();
                out.push('\n');
                self.new_row();
            }
        }
        out.push(c);
        self.column += width;
        match c.is_whitespace() {
            true => self.end_word(),
            false => self.word.push(c),
        }
    }

    /// What to write to take the text away again, so that the cursor stands where it began.
    /// Text that has scrolled out of the terminal stays, and what follows begins below it.
    pub(crate) fn take_back(&self) -> String {
        if self.rows_written + 1 >= self.rows {
            return "\n\n".to_owned();
        }
        match self.rows_written {
            0 => "\r\u{1b}[J".to_owned(),
            rows => format!("\r\u{1b}[{rows}A\u{1b}[J"),
        }
    }

    fn word_width(&self) -> usize {
        self.word.chars().map(|c| c.width().unwrap_or(0)).sum()
    }

    fn end_word(&mut self) {
        self.word.clear();
    }

    fn new_row(&mut self) {
        self.rows_written += 1;
        self.column = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The screen of a terminal after it was sent `bytes`, without blanks at the ends of rows.
    fn screen(columns: u16, rows: u16, bytes: &str) -> String {
        let size = |cells: u16| cells.try_into().expect("not zero");
        let mut terminal = vt100::Parser::new(size(rows), size(columns), 0);
        terminal.process(bytes.replace('\n', "\r\n").as_bytes());
        let shown = terminal.screen().contents();
        let rows: Vec<&str> = shown.lines().map(str::trim_end).collect();
        rows.join("\n")
    }

    #[test]
    fn words_stay_whole_however_they_arrive() {
        let mut live = LiveText::sized(12, 10);
        let pieces = ["The ten", "ant pa", "ys two mon", "ths' rent."];
        let sent: String = pieces.iter().map(|piece| live.add(piece)).collect();
        assert_eq!(
            screen(12, 10, &sent),
            "The tenant\npays two\nmonths'\nrent."
        );
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut live = LiveText::sized(12, 10);
        let mut sent = "kept\n".to_owned();
        sent += &live.add("The tenant pays two months' rent.");
        sent += &live.take_back();
        sent += "checked";
        assert_eq!(screen(12, 10, &sent), "kept\nchecked");
    }

    #[test]
    fn words_wider_than_the_terminal_are_broken() {
        let mut live = LiveText::sized(8, 10);
        let sent = live.add("abcdefghijkl 漢字漢字漢字");
        let shown = screen(8, 10, &sent).replace('\n', "");
        assert_eq!(shown.replace(' ', ""), "abcdefghijkl漢字漢字漢字");
    }

    #[test]
    fn text_past_the_top_is_not_taken_back() {
        let mut live = LiveText::sized(10, 3);
        live.add("one\ntwo\nthree\nfour");
        assert_eq!(live.take_back(), "\n\n");
    }
}
