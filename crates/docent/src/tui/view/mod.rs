//! The screen, drawn from the state: a file per pane, and the frame around them.

pub(crate) mod activity;
mod ask;
mod chrome;
pub(crate) mod layout;
pub(crate) mod library;
pub(crate) mod overlay;
mod search;
pub(crate) mod source;

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

pub(crate) use self::chrome::tab_at;
pub(crate) use self::search::hit_rows;

use self::layout::Layout;
use super::state::{Focus, State, Tab};
use super::text::{self, Row};
use super::theme::Theme;

/// The whole screen.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    /// What is shown.
    pub(crate) state: &'a State,
    /// How it looks.
    pub(crate) theme: Theme,
}

impl Widget for &Screen<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        // The terminal changed between the last message and this frame: the message that
        // tells so is on its way, and areas of another size must not be drawn into this one.
        if (area.width, area.height) != self.state.size {
            return;
        }
        let layout = Layout::of(self.state);
        chrome::Chrome::new(self, &layout).render(area, buf);
        match self.state.tab() {
            Tab::Ask => ask::Ask::new(self, &layout).render(area, buf),
            Tab::Search => search::Search::new(self, &layout).render(area, buf),
            Tab::Library => library::Library::new(self, &layout).render(area, buf),
            Tab::Activity => activity::Activity::new(self, &layout).render(area, buf),
        }
        overlay::Over::new(self, &layout).render(area, buf);
    }
}

impl Screen<'_> {
    /// Where the terminal's cursor belongs: into the input that is being typed in. To be asked
    /// after drawing, which scrolls the input.
    pub(crate) fn cursor(&self) -> Option<Position> {
        let layout = Layout::of(self.state);
        let (area, input) = match &self.state.overlay {
            Some(over) => overlay::input_of(over, &layout)?,
            None => match self.state.focus {
                Focus::Question => (
                    ask::typing_area(layout.inner(Focus::Question)),
                    &self.state.ask.input,
                ),
                Focus::Query => (
                    ask::typing_area(layout.inner(Focus::Query)),
                    &self.state.search.input,
                ),
                _ => return None,
            },
        };
        let cursor = input.area.screen_cursor();
        let (row, column) = input.area.scroll_offset();
        let x = area.x + u16::try_from(cursor.col).ok()?.checked_sub(column)?;
        let y = area.y + u16::try_from(cursor.row).ok()?.checked_sub(row)?;
        let place = Position::new(x, y);
        // Behind the last letter of a full row the cursor stands on the border.
        let reach = Rect::new(area.x, area.y, area.width + 1, area.height);
        reach.contains(place).then_some(place)
    }

    /// Draws a pane's border with its title, and what stands at the right of it.
    fn frame(&self, focus: Focus, layout: &Layout, title: &str, right: &str, buf: &mut Buffer) {
        let area = layout.pane(focus);
        if area.is_empty() {
            return;
        }
        let focused = self.state.focus == focus && self.state.overlay.is_none();
        bordered(area, title, right, focused, self.theme, buf);
    }
}

/// Draws a border: thick when focused, so that colour is not needed to see it.
fn bordered(area: Rect, title: &str, right: &str, focused: bool, theme: Theme, buf: &mut Buffer) {
    let room = usize::from(area.width.saturating_sub(4));
    let told = text::width(title).min(room / 2);
    let right = text::fit(right, room.saturating_sub(told + 2));
    let left = room.saturating_sub(text::width(&right) + 2);
    let title = text::fit_path(title, if right.is_empty() { room } else { left });
    let mut block = Block::bordered()
        .border_type(if focused {
            BorderType::Thick
        } else {
            BorderType::Plain
        })
        .border_style(theme.border(focused));
    if !title.is_empty() {
        block = block.title(Line::from(format!(" {title} ")));
    }
    if !right.is_empty() {
        let right = Line::from(format!(" {right} ")).alignment(Alignment::Right);
        block = block.title(right);
    }
    block.render(area, buf);
}

/// Draws rows from the top of an area on; what does not fit is left out.
fn put_rows<'r>(
    rows: impl IntoIterator<Item = &'r Row>,
    area: Rect,
    theme: Theme,
    buf: &mut Buffer,
) {
    for (row, y) in rows.into_iter().zip(area.top()..area.bottom()) {
        buf.set_line(area.x, y, &theme.line(row), area.width);
    }
}
