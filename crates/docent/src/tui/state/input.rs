//! A place where text is typed, with the history of what was typed before.

use crossterm::event::KeyEvent;
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use crate::tui::text;

/// So many earlier entries are kept.
const HISTORY_LENGTH: usize = 500;

/// Text being typed.
#[derive(Debug)]
pub(crate) struct Input {
    /// The editor.
    pub(crate) area: TextArea<'static>,
    multiline: bool,
    past: Vec<String>,
    /// The entry of `past` that is shown, while one walks through it.
    at: Option<usize>,
    /// What was being typed before the walk began.
    draft: String,
}

impl Default for Input {
    fn default() -> Self {
        Input::new(false, "")
    }
}

impl Input {
    /// An empty input; only a multiline one takes line feeds.
    pub(crate) fn new(multiline: bool, placeholder: &str) -> Input {
        let mut area = TextArea::default();
        area.set_placeholder_text(placeholder);
        Input {
            area: plain(area, multiline),
            multiline,
            past: Vec::new(),
            at: None,
            draft: String::new(),
        }
    }

    /// What is typed.
    pub(crate) fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether nothing is typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Replaces what is typed; the cursor stands at the end.
    pub(crate) fn set(&mut self, text: &str) {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.set_placeholder_text(self.area.placeholder_text());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        self.area = plain(area, self.multiline);
    }

    /// Takes a key; whether the text changed.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        self.area.input(key)
    }

    /// Deletes from the cursor back to the beginning of the line.
    pub(crate) fn clear_line(&mut self) -> bool {
        self.area.delete_line_by_head()
    }

    /// Takes pasted text, without control characters; in one line where only one fits.
    pub(crate) fn paste(&mut self, pasted: &str) {
        let pasted = pasted.replace("\r\n", "\n").replace(['\r', '\t'], " ");
        let clean: String = pasted
            .chars()
            .map(|c| if c == '\n' && !self.multiline { ' ' } else { c })
            .filter(|c| *c == '\n' || !c.is_control())
            .collect();
        self.area.insert_str(clean);
    }

    /// Inserts a line feed.
    pub(crate) fn new_line(&mut self) {
        if self.multiline {
            self.area.insert_newline();
        }
    }

    /// Takes what is typed, and remembers it.
    pub(crate) fn submit(&mut self) -> String {
        let text = self.text();
        self.remember(&text);
        self.set("");
        text
    }

    /// Remembers an entry for [`Input::older`].
    pub(crate) fn remember(&mut self, text: &str) {
        self.at = None;
        self.draft.clear();
        if !text.trim().is_empty() && self.past.last().map(String::as_str) != Some(text) {
            self.past.push(text.to_owned());
        }
        let surplus = self.past.len().saturating_sub(HISTORY_LENGTH);
        self.past.drain(..surplus);
    }

    /// Shows the entry before; what was being typed is kept. False when there is none.
    pub(crate) fn older(&mut self) -> bool {
        let Some(at) = self.at.unwrap_or(self.past.len()).checked_sub(1) else {
            return false;
        };
        if self.at.is_none() {
            self.draft = self.text();
        }
        self.show(Some(at));
        true
    }

    /// Shows the entry after, at last what was being typed. False when there is none.
    pub(crate) fn newer(&mut self) -> bool {
        let Some(at) = self.at else {
            return false;
        };
        self.show((at + 1 < self.past.len()).then_some(at + 1));
        true
    }

    /// Whether the cursor stands in the first row, where up leaves the text.
    pub(crate) fn at_first_row(&self) -> bool {
        self.area.cursor().0 == 0
    }

    /// Whether the cursor stands in the last row, where down leaves the text.
    pub(crate) fn at_last_row(&self) -> bool {
        self.area.cursor().0 + 1 >= self.area.lines().len()
    }

    /// Rows that the text takes at a width.
    pub(crate) fn rows(&self, columns: usize) -> usize {
        let rows = |line: &String| text::wrap(line, columns.max(1)).len();
        self.area.lines().iter().map(rows).sum::<usize>().max(1)
    }

    fn show(&mut self, at: Option<usize>) {
        self.at = at;
        let text = match at.and_then(|at| self.past.get(at)) {
            Some(entry) => entry.clone(),
            None => std::mem::take(&mut self.draft),
        };
        self.set(&text);
    }
}

fn plain(mut area: TextArea<'static>, multiline: bool) -> TextArea<'static> {
    let wrap = if multiline {
        WrapMode::WordOrGlyph
    } else {
        WrapMode::None
    };
    area.set_wrap_mode(wrap);
    area.set_cursor_line_style(Style::default());
    // The terminal's own cursor is shown instead: input methods and screen readers follow it.
    area.set_cursor_style(Style::default());
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draft_survives_a_walk_through_the_history() {
        let mut input = Input::new(true, "");
        for text in ["first", "second", "second"] {
            input.set(text);
            input.submit();
        }
        input.set("draft\nof two lines");
        assert!(input.older());
        assert_eq!(input.text(), "second");
        assert!(input.older());
        assert_eq!(input.text(), "first");
        assert!(!input.older());
        assert!(input.newer() && input.newer());
        assert_eq!(input.text(), "draft\nof two lines");
        assert!(!input.newer());
    }

    #[test]
    fn pasted_text_is_cleaned() {
        let mut line = Input::new(false, "");
        line.paste("a\r\nb\u{1b}[31m\tc");
        assert_eq!(line.text(), "a b[31m c");
        let mut area = Input::new(true, "");
        area.paste("a\r\nb");
        assert_eq!(area.text(), "a\nb");
    }
}
