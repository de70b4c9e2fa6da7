//! The blocks of a document that has paragraphs and no pages, in the making: what the readers
//! of text processor files share.

use docent_core::document::{BlockKind, Locator};

use crate::compose::Composer;

/// A block without its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: BlockKind,
    pub(super) text: String,
    pub(super) hidden: bool,
    /// How many paragraphs it stands for: a table's rows.
    count: u32,
}

/// Blocks in reading order.
#[derive(Debug, Default)]
pub(super) struct Flow {
    pieces: Vec<Piece>,
}

impl Flow {
    /// Adds a block that a reader of the original sees.
    pub(super) fn push(&mut self, kind: BlockKind, text: impl Into<String>) {
        self.add(kind, text.into(), false, 1);
    }

    /// Adds a paragraph that a reader of the original does not see.
    pub(super) fn push_hidden(&mut self, text: impl Into<String>) {
        self.add(BlockKind::Paragraph, text.into(), true, 1);
    }

    /// Adds a table.
    pub(super) fn push_table(&mut self, rows: &[Vec<String>]) {
        let text = table_text(rows);
        let kind = BlockKind::Table { continues: false };
        self.add(kind, text, false, rows.len() as u32);
    }

    fn add(&mut self, kind: BlockKind, text: String, hidden: bool, count: u32) {
        if !text.trim().is_empty() {
            self.pieces.push(Piece {
                kind,
                text,
                hidden,
                count,
            });
        }
    }

    /// Adds the blocks of another flow behind its own.
    pub(super) fn append(&mut self, mut other: Flow) {
        self.pieces.append(&mut other.pieces);
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What is seen of it as one line.
    pub(super) fn line(&self) -> String {
        let mut line = String::new();
        for piece in self.pieces.iter().filter(|piece| !piece.hidden) {
            for part in piece.text.split_whitespace() {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(part);
            }
        }
        line
    }

    /// What is seen of it, a paragraph to a line.
    pub(super) fn lines(&self) -> String {
        let seen = self.pieces.iter().filter(|piece| !piece.hidden);
        let lines: Vec<&str> = seen.map(|piece| piece.text.trim()).collect();
        lines.join("\n")
    }

    /// The blocks with their places, paragraphs and table rows counted from 1.
    pub(super) fn compose(self, composer: &mut Composer) {
        let mut next = 1u32;
        for piece in self.pieces {
            let last = next.saturating_add(piece.count.max(1) - 1);
            let place = Locator::Paragraphs { first: next, last };
            match piece.hidden {
                true => composer.push_hidden(piece.kind, &piece.text, place),
                false => composer.push(piece.kind, &piece.text, place),
            }
            next = last.saturating_add(1);
        }
    }
}

/// Rows as lines, cells parted by ` | `. Cells that are empty to the end of every row are left
/// out, and so are empty rows.
pub(super) fn table_text(rows: &[Vec<String>]) -> String {
    let is_blank = |cell: &String| cell.trim().is_empty();
    let used = |row: &Vec<String>| {
        row.iter()
            .rposition(|cell| !is_blank(cell))
            .map_or(0, |at| at + 1)
    };
    let width = rows.iter().map(used).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows.iter().filter(|row| used(row) > 0) {
        if !text.is_empty() {
            text.push('\n');
        }
        for at in 0..width {
            if at > 0 {
                text.push_str(" | ");
            }
            let cell = row.get(at).map_or("", String::as_str);
            push_line(&mut text, cell);
        }
        text.truncate(text.trim_end_matches(' ').len());
    }
    text
}

/// Adds a cell's text with its white space collapsed, so that it stays in its line.
fn push_line(line: &mut String, cell: &str) {
    for (at, word) in cell.split_whitespace().enumerate() {
        if at > 0 {
            line.push(' ');
        }
        line.push_str(word);
    }
}

/// What a comment begins with: who said it and when, as far as is known. `date` is RFC 3339.
pub(super) fn comment_label(author: &str, date: &str) -> String {
    let day = date.split('T').next().unwrap_or_default().trim();
    match (author.trim(), day) {
        ("", "") => "Comment: ".into(),
        ("", day) => format!("Comment of {day}: "),
        (author, "") => format!("Comment by {author}: "),
        (author, day) => format!("Comment by {author}, {day}: "),
    }
}

/// Adds what a document says of itself beside its text, as a hidden block, so that it is found.
pub(super) fn push_about(composer: &mut Composer, about: &[(&str, &str)], place: Locator) {
    let mut text = String::new();
    for (name, value) in about {
        let value = value.trim();
        if !value.is_empty() {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    composer.push_hidden(BlockKind::Paragraph, &text, place);
}

#[cfg(test)]
mod tests {
    use docent_core::document::Format;

    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        let row = |row: &&[&str]| row.iter().map(|cell| cell.to_string()).collect();
        rows.iter().map(row).collect()
    }

    #[test]
    fn a_row_is_a_line_whatever_its_cells_hold() {
        let table = rows(&[&["a", "b", ""], &[], &["", "two\nlines", " "]]);
        assert_eq!(table_text(&table), "a | b\n | two lines");
    }

    #[test]
    fn table_rows_count_as_paragraphs() {
        let mut flow = Flow::default();
        flow.push(BlockKind::Paragraph, "one");
        flow.push(BlockKind::Paragraph, "  ");
        flow.push_table(&rows(&[&["a"], &["b"]]));
        flow.push_hidden("secret");
        assert_eq!(flow.line(), "one a b");
        let mut composer = Composer::new(Format::Word);
        flow.compose(&mut composer);
        let document = composer.finish();
        let places: Vec<String> = document
            .blocks
            .iter()
            .map(|block| block.locator.to_string())
            .collect();
        assert_eq!(places, ["paragraph 1", "paragraphs 2–3", "paragraph 4"]);
        assert!(document.blocks[2].hidden);
    }
}
