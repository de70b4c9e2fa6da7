//! The search pane: what is typed, what is found, the hit in its document.

use docent_engine::search::Hit;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::ask::{prompt_sign, typing_area};
use super::layout::Layout;
use super::source::SourceView;
use super::{Screen, put_rows};
use crate::tui::state::Focus;
use crate::tui::text::{self, Prose, Row, Tone};

/// A pane of at least so many rows has room for two rows a hit.
const ROOMY: usize = 12;
/// So many bytes before the first match are shown.
const LEAD_BYTES: usize = 24;
/// A snippet is cut from so many bytes.
const SNIPPET_BYTES: usize = 600;

/// Rows that a hit takes in a pane of `rows`.
pub(crate) fn hit_rows(rows: usize) -> usize {
    if rows >= ROOMY { 2 } else { 1 }
}

/// The search tab.
#[derive(Debug)]
pub(super) struct Search<'a> {
    screen: &'a Screen<'a>,
    layout: &'a Layout,
}

impl<'a> Search<'a> {
    /// The search tab of a screen.
    pub(super) fn new(screen: &'a Screen<'a>, layout: &'a Layout) -> Self {
        Search { screen, layout }
    }

    fn query(&self, buf: &mut Buffer) {
        let search = &self.screen.state.search;
        let told = match &search.results {
            Some(results) => {
                let hits = text::counted(results.hits.len() as u64, "hit");
                let files = text::counted(results.documents, "file");
                let part = if results.vectors_complete {
                    ""
                } else {
                    " · meaning in part"
                };
                let mut told = format!("{hits} in {files} · {:.0} ms{part}", results.millis);
                for note in results.notes() {
                    told = format!("{note} · {told}");
                }
                told
            }
            None => String::new(),
        };
        let told = if search.waiting.is_some() {
            format!("… {told}")
        } else {
            told
        };
        self.screen
            .frame(Focus::Query, self.layout, "search", &told, buf);
        let area = self.layout.inner(Focus::Query);
        prompt_sign(area, self.screen, buf);
        (&search.input.area).render(typing_area(area), buf);
    }

    fn results(&self, buf: &mut Buffer) {
        let search = &self.screen.state.search;
        let hits = search.hits();
        let place = match hits.len() {
            0 => String::new(),
            all => format!("{}/{all}", search.picker.selected.min(all - 1) + 1),
        };
        self.screen
            .frame(Focus::Results, self.layout, "found", &place, buf);
        let area = self.layout.inner(Focus::Results);
        if let Some((message, tone)) = self.message() {
            let rows: Vec<Row> = text::wrap(&message, usize::from(area.width))
                .into_iter()
                .map(|range| Row::new(&message[range], tone))
                .collect();
            put_rows(&rows, area, self.screen.theme, buf);
            return;
        }
        let each = hit_rows(usize::from(area.height));
        let shown = usize::from(area.height) / each;
        let top = search.picker.top(hits.len(), shown);
        let focused = self.screen.state.focus == Focus::Results;
        for (offset, hit) in hits.iter().skip(top).take(shown).enumerate() {
            let chosen = top + offset == search.picker.selected;
            let rows = hit_lines(hit, chosen, each, usize::from(area.width));
            let y = area.y + (offset * each) as u16;
            let lines = Rect::new(area.x, y, area.width, each as u16).intersection(area);
            put_rows(&rows, lines, self.screen.theme, buf);
            if chosen && focused {
                let first = Rect { height: 1, ..lines };
                buf.set_style(first, self.screen.theme.chosen(true));
            }
        }
    }

    fn message(&self) -> Option<(String, Tone)> {
        let search = &self.screen.state.search;
        if let Some(reason) = &search.failure {
            return Some((format!("✗ {reason}"), Tone::Failure));
        }
        let results = match &search.results {
            Some(results) => results,
            None => {
                let help = "Type to search. Words find what matches most; \"exact words\" must be there; AND, OR, NOT and - combine; type:pdf, path:letters, title:lease, lang:german, after:2024-03, before:30d, from:smith and to:doe narrow it down.";
                return Some((help.to_owned(), Tone::Meta));
            }
        };
        results.hits.is_empty().then(|| {
            let files = text::counted(results.documents, "file");
            let mut told = format!("Nothing found in {files}.");
            for note in results.notes() {
                told = format!("{told} {note}");
            }
            (told, Tone::Strong)
        })
    }
}

impl Widget for Search<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        self.query(buf);
        self.results(buf);
        SourceView {
            screen: self.screen,
            layout: self.layout,
            focus: Focus::Preview,
            viewer: &self.screen.state.search.viewer,
            empty: "The chosen hit is shown here in its document.",
        }
        .render(area, buf);
    }
}

/// A hit in one row (words, then path and place at the right) or two.
fn hit_lines(hit: &Hit, chosen: bool, rows: usize, columns: usize) -> Vec<Row> {
    let mark = if chosen { "› " } else { "  " };
    // It says the same as the one above it.
    let alike = if hit.similar_to.is_some() { "≈ " } else { "" };
    let place = format!("  {alike}{}", hit.locator);
    if rows == 1 {
        let right = format!(
            "{}{place}",
            text::fit_path(
                &hit.path,
                (columns * 2 / 5).saturating_sub(text::width(&place))
            )
        );
        let room = columns.saturating_sub(text::width(&right) + 4);
        let words = snippet(hit).one_row(room);
        return vec![joined(mark, words, &right, columns)];
    }
    let room = columns.saturating_sub(text::width(&place) + 2);
    let above = match hit.heading_path.last().or(hit.title.as_ref()) {
        Some(heading) => {
            let mut prose = Prose::default();
            prose.push(heading, Tone::Strong);
            prose.one_row(room / 2)
        }
        None => Row::default(),
    };
    let path = text::fit_path(&hit.path, room.saturating_sub(above.width() + 1));
    let first = joined(mark, above, &format!("{path}{place}"), columns);
    let second = snippet(hit).one_row(columns.saturating_sub(4));
    vec![first, second.indented("    ", Tone::Plain)]
}

/// Mark and words at the left, the rest right-aligned.
fn joined(mark: &str, words: Row, right: &str, columns: usize) -> Row {
    let used = text::width(mark) + words.width() + text::width(right);
    let gap = columns.saturating_sub(used);
    let mut row = words.indented(mark, Tone::Strong);
    row.pieces.push((" ".repeat(gap), Tone::Plain));
    row.pieces.push((text::safe(right), Tone::Meta));
    row
}

/// The hit's words from a little before the first match on, on one line, matches marked.
fn snippet(hit: &Hit) -> Prose {
    let words = hit.text.as_str();
    let first = hit.matched.first().map_or(0, |range| range.start);
    let from = if first > LEAD_BYTES * 2 {
        words.floor_char_boundary(first - LEAD_BYTES)
    } else {
        0
    };
    let to = words.floor_char_boundary(from.saturating_add(SNIPPET_BYTES));
    let mut prose = Prose::default();
    if from > 0 {
        prose.push("…", Tone::Meta);
    }
    let mut at = from;
    for range in &hit.matched {
        let (start, end) = (range.start.max(at), range.end.min(to));
        let inside = words.is_char_boundary(start) && words.is_char_boundary(end);
        if start >= end || !inside {
            continue;
        }
        push_flat(&mut prose, &words[at..start], Tone::Plain);
        push_flat(&mut prose, &words[start..end], Tone::Term);
        at = end;
    }
    push_flat(&mut prose, &words[at..to], Tone::Plain);
    prose
}

/// Pushes text with each run of white space as one blank.
fn push_flat(prose: &mut Prose, text: &str, tone: Tone) {
    if text.starts_with(char::is_whitespace) {
        prose.space();
    }
    let flat = docent_core::answer::one_line(text);
    prose.push(&flat, tone);
    if !flat.is_empty() && text.ends_with(char::is_whitespace) {
        prose.space();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    #[test]
    fn a_snippet_begins_near_the_match_and_marks_it() {
        let mut hit = samples::hits().remove(0);
        hit.text = format!("{}the notice\nperiod", "filler ".repeat(30));
        let at = hit.text.find("notice").unwrap_or(0);
        hit.matched = std::iter::once(at..at + 6).collect();
        let row = snippet(&hit).one_row(60);
        assert!(row.pieces.contains(&("notice".to_owned(), Tone::Term)));
        let whole: String = row.pieces.iter().map(|(text, _)| text.as_str()).collect();
        assert!(whole.starts_with('…') && whole.ends_with("the notice period"));
    }

    #[test]
    fn matches_that_are_not_in_the_text_are_left_out() {
        let mut hit = samples::hits().remove(0);
        hit.text = "née".into();
        hit.matched = vec![2..3, 40..50, 0..1];
        assert!(snippet(&hit).one_row(20).width() <= 20);
    }
}
