//! What lies over the panes: keys, palette, conversations, a question to confirm, a line to type.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::ask::typing_area;
use super::layout::Layout;
use super::{Screen, bordered, put_rows};
use crate::tui::keys::{TABLE, keys_of};
use crate::tui::state::input::Input;
use crate::tui::state::overlay::{Confirm, Conversations, Overlay, Palette, Prompt};
use crate::tui::text::{self, Prose, Row, Tone};
use crate::tui::update::palette_entries;

/// How to search, as the page of keys explains it.
const SEARCH_HELP: [(&str, &str); 9] = [
    ("lease notice", "what matches most comes first"),
    ("\"exact words\"", "these words, one after the other"),
    ("lease AND notice", "both must be there"),
    ("lease OR rent", "either will do"),
    ("lease -draft", "without that word; NOT draft is the same"),
    ("path:letters", "only files whose path contains it"),
    ("type:pdf title:lease", "only such files, only such titles"),
    (
        "after:2024 lang:german",
        "only from then on, only in that language",
    ),
    ("from:smith to:doe", "only mails from one to the other"),
];

/// Columns of the keys on their page.
const KEY_COLUMNS: usize = 22;

/// What lies over the panes of a screen.
#[derive(Debug)]
pub(super) struct Over<'a> {
    screen: &'a Screen<'a>,
    layout: &'a Layout,
}

impl<'a> Over<'a> {
    /// What lies over a screen.
    pub(super) fn new(screen: &'a Screen<'a>, layout: &'a Layout) -> Self {
        Over { screen, layout }
    }

    /// Draws an empty bordered box; gives its inside.
    fn boxed(&self, area: Rect, title: &str, buf: &mut Buffer) -> Rect {
        Clear.render(area, buf);
        bordered(area, title, "", true, self.screen.theme, buf);
        area.inner(ratatui::layout::Margin::new(1, 1))
    }

    fn help(&self, top: usize, buf: &mut Buffer) {
        let area = self.boxed(self.layout.body, "keys", buf);
        let rows = help_rows(usize::from(area.width));
        let last = rows.len().saturating_sub(usize::from(area.height));
        put_rows(&rows[top.min(last)..], area, self.screen.theme, buf);
    }

    fn palette(&self, palette: &Palette, buf: &mut Buffer) {
        let entries = palette_entries(self.screen.state, &palette.input.text());
        let area = self.boxed(box_area(self.layout), "commands", buf);
        let (input, list) = split(area);
        super::ask::prompt_sign(input, self.screen, buf);
        (&palette.input.area).render(typing_area(input), buf);
        let rows: Vec<Row> = entries
            .iter()
            .map(|binding| {
                let mut row = Prose::default();
                row.push(&format!("{:<18} ", binding.name), Tone::Strong);
                row.push(&format!("{:<8} ", binding.key()), Tone::Key);
                row.push(binding.help, Tone::Meta);
                row.one_row(usize::from(list.width).saturating_sub(2))
            })
            .collect();
        self.choices(&rows, palette.picker, "No command of that name.", list, buf);
    }

    fn conversations(&self, list: &Conversations, buf: &mut Buffer) {
        let area = self.boxed(box_area(self.layout), "conversations", buf);
        let rows: Vec<Row> = list
            .cards
            .iter()
            .flatten()
            .map(|card| {
                let day = date(card.updated);
                let room = usize::from(area.width).saturating_sub(2 + day.len() + 1);
                let title = text::fit(&card.title, room);
                let gap = room.saturating_sub(text::width(&title)) + 1;
                let mut row = Prose::default();
                row.push(&title, Tone::Plain);
                row.push(&format!("{}{day}", " ".repeat(gap)), Tone::Meta);
                row.one_row(usize::from(area.width))
            })
            .collect();
        let empty = match (&list.failure, &list.cards) {
            (Some(reason), _) => format!("✗ {reason}"),
            (None, None) => "The conversations are being listed.".to_owned(),
            (None, Some(_)) => "No conversation is kept yet.".to_owned(),
        };
        self.choices(&rows, list.picker, &empty, area, buf);
    }

    /// A list with its chosen entry.
    fn choices(
        &self,
        rows: &[Row],
        picker: crate::tui::state::Picker,
        empty: &str,
        area: Rect,
        buf: &mut Buffer,
    ) {
        if rows.is_empty() {
            put_rows([&Row::new(empty, Tone::Meta)], area, self.screen.theme, buf);
            return;
        }
        let shown = usize::from(area.height);
        let top = picker.top(rows.len(), shown);
        let selected = picker.selected.min(rows.len() - 1);
        for (place, row) in rows.iter().enumerate().skip(top).take(shown) {
            let mark = if place == selected { "› " } else { "  " };
            let row = row.clone().indented(mark, Tone::Strong);
            let line = Rect::new(area.x, area.y + (place - top) as u16, area.width, 1);
            put_rows([&row], line, self.screen.theme, buf);
            if place == selected {
                buf.set_style(line, self.screen.theme.chosen(true));
            }
        }
    }

    fn confirm(&self, confirm: &Confirm, buf: &mut Buffer) {
        let columns = usize::from(self.layout.body.width.saturating_sub(2));
        let mut rows: Vec<Row> = text::wrap(&confirm.question, columns)
            .into_iter()
            .map(|range| Row::new(&confirm.question[range], Tone::Plain))
            .collect();
        let mut keys = Prose::default();
        for (text, tone) in [
            ("y", Tone::Key),
            (" yes   ", Tone::Plain),
            ("n", Tone::Key),
            (" no", Tone::Plain),
        ] {
            keys.push(text, tone);
        }
        rows.push(keys.one_row(columns));
        let area = bottom_strip(self.layout, rows.len());
        let inner = self.boxed(area, "sure?", buf);
        put_rows(&rows, inner, self.screen.theme, buf);
    }

    fn prompt(&self, prompt: &Prompt, buf: &mut Buffer) {
        let inner = self.boxed(bottom_strip(self.layout, 1), &prompt.label(), buf);
        super::ask::prompt_sign(inner, self.screen, buf);
        (&prompt.input.area).render(typing_area(inner), buf);
    }
}

impl Widget for Over<'_> {
    fn render(self, _: Rect, buf: &mut Buffer) {
        match &self.screen.state.overlay {
            None => {}
            Some(Overlay::Help(top)) => self.help(*top, buf),
            Some(Overlay::Palette(palette)) => self.palette(palette, buf),
            Some(Overlay::Conversations(list)) => self.conversations(list, buf),
            Some(Overlay::Confirm(confirm)) => self.confirm(confirm, buf),
            Some(Overlay::Prompt(prompt)) => self.prompt(prompt, buf),
        }
    }
}

/// The input of an overlay with its area, where it has one.
pub(super) fn input_of<'o>(overlay: &'o Overlay, layout: &Layout) -> Option<(Rect, &'o Input)> {
    let inside = |area: Rect| area.inner(ratatui::layout::Margin::new(1, 1));
    match overlay {
        Overlay::Palette(palette) => {
            let (input, _) = split(inside(box_area(layout)));
            Some((typing_area(input), &palette.input))
        }
        Overlay::Prompt(prompt) => {
            let area = inside(bottom_strip(layout, 1));
            Some((typing_area(area), &prompt.input))
        }
        _ => None,
    }
}

/// Rows of a list in the box that palette and conversations share.
pub(crate) fn list_rows(layout: &Layout, has_input: bool) -> usize {
    let rows = box_area(layout).height.saturating_sub(2);
    usize::from(rows.saturating_sub(u16::from(has_input)))
}

/// The row of a list in that box at a place on the screen.
pub(crate) fn list_row_at(layout: &Layout, has_input: bool, x: u16, y: u16) -> Option<usize> {
    let inner = box_area(layout).inner(ratatui::layout::Margin::new(1, 1));
    let inside = inner.contains(ratatui::layout::Position::new(x, y));
    let row = y.checked_sub(inner.y + u16::from(has_input))?;
    inside.then_some(usize::from(row))
}

/// The left part of the body, so that the source beside it stays in sight.
fn box_area(layout: &Layout) -> Rect {
    let body = layout.body;
    let width = if body.width < super::layout::NARROW_COLUMNS {
        body.width
    } else {
        body.width * 11 / 20
    };
    Rect::new(body.x, body.y, width, body.height)
}

/// The last rows of the body, for so many rows and a border.
fn bottom_strip(layout: &Layout, rows: usize) -> Rect {
    let body = layout.body;
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(body.height);
    Rect::new(body.x, body.bottom() - height, body.width, height)
}

fn split(area: Rect) -> (Rect, Rect) {
    let first = area.height.min(1);
    (
        Rect::new(area.x, area.y, area.width, first),
        Rect::new(area.x, area.y + first, area.width, area.height - first),
    )
}

/// The page of keys.
pub(crate) fn help_rows(columns: usize) -> Vec<Row> {
    let note =
        "While a text is typed, letters are letters: there, use the keys with ctrl, alt or F.";
    let mut rows: Vec<Row> = text::wrap(note, columns)
        .into_iter()
        .map(|range| Row::new(&note[range], Tone::Meta))
        .collect();
    let mut line = |left: &str, right: &str| {
        let mut prose = Prose::default();
        let gap = KEY_COLUMNS.saturating_sub(text::width(left)).max(1);
        prose.push(left, Tone::Key);
        prose.push(&" ".repeat(gap), Tone::Plain);
        prose.push(right, Tone::Plain);
        rows.push(prose.one_row(columns));
    };
    for binding in TABLE {
        let keys = keys_of(binding.action);
        if !binding.help.is_empty() && !keys.is_empty() {
            line(&keys, binding.help);
        }
    }
    line(
        "↑ ↓ in a question",
        "earlier questions; in a search, the hits",
    );
    line(
        "mouse",
        "click, scroll, choose tabs; click [n] for its source",
    );
    line("", "");
    for (query, meaning) in SEARCH_HELP {
        line(query, meaning);
    }
    line("", "");
    line(
        "?sentence",
        "a sentence of the model that no source supports",
    );
    line(
        "[n]",
        "the number of a source; its quote was found in the file",
    );
    rows
}

/// A day as `2026-11-20`, from seconds since 1970, in UTC.
fn date(seconds: i64) -> String {
    // Days to a civil date: Howard Hinnant, "chrono-compatible low-level date algorithms".
    let days = seconds.div_euclid(86_400) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_795_132_799), "2026-11-19");
        assert_eq!(date(-1), "1969-12-31");
    }
}
