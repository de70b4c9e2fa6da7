//! The ask pane: conversation, question, sources.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::layout::Layout;
use super::source::SourceView;
use super::{Screen, put_rows};
use crate::tui::state::ask::SourceLine;
use crate::tui::state::{Focus, Generator, Opening};
use crate::tui::text::{self, Row, Tone};

/// The ask tab.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    screen: &'a Screen<'a>,
    layout: &'a Layout,
}

impl<'a> Ask<'a> {
    /// The ask tab of a screen.
    pub(super) fn new(screen: &'a Screen<'a>, layout: &'a Layout) -> Self {
        Ask { screen, layout }
    }

    fn conversation(&self, buf: &mut Buffer) {
        let area = self.layout.inner(Focus::Conversation);
        let ask = &self.screen.state.ask;
        let rows = usize::from(area.height);
        let top = ask.top_row(rows);
        let below = ask.height().saturating_sub(top + rows);
        let more = match below {
            0 => String::new(),
            below => format!("↓ {}", text::counted(below as u64, "row")),
        };
        self.screen
            .frame(Focus::Conversation, self.layout, "conversation", &more, buf);
        if ask.turns.is_empty() {
            put_rows(
                &self.welcome(usize::from(area.width)),
                area,
                self.screen.theme,
                buf,
            );
        } else {
            put_rows(ask.rows_from(top), area, self.screen.theme, buf);
        }
    }

    /// What a person sees before the first question.
    fn welcome(&self, columns: usize) -> Vec<Row> {
        let state = self.screen.state;
        let mut lines: Vec<(String, Tone)> = Vec::new();
        match &state.collection {
            Opening::Empty => {
                lines.push(("docent answers questions about your own files, with citations you can check. Nothing leaves this machine.".to_owned(), Tone::Plain));
                lines.push((String::new(), Tone::Plain));
                lines.push((
                    "  1. add a folder: esc, then 3, then c".to_owned(),
                    Tone::Strong,
                ));
                let demo = match &state.demo {
                    Some(_) => "  2. or try the demo: type : and then demo",
                    None => "  2. or from a shell: docent add NAME FOLDER",
                };
                lines.push((demo.to_owned(), Tone::Strong));
                lines.push((format!("  3. {}", self.model()), Tone::Strong));
            }
            Opening::Failed(reason) => {
                lines.push((format!("✗ {reason}"), Tone::Failure));
            }
            Opening::Waiting => {
                lines.push(("The collection is being opened.".to_owned(), Tone::Meta))
            }
            Opening::Open(name) => {
                lines.push((format!("Ask about {name}: type a question and press enter. Answers begin with quotes from the files; [n] is the source."), Tone::Plain));
                lines.push((String::new(), Tone::Plain));
                lines.push((self.model(), Tone::Meta));
            }
        }
        let rows = lines.iter().flat_map(|(line, tone)| {
            let rows = text::wrap(line, columns).into_iter();
            rows.map(|range| Row::new(&line[range], *tone))
        });
        rows.collect()
    }

    fn model(&self) -> String {
        match &self.screen.state.generator {
            Generator::Loading => "the model is being loaded".to_owned(),
            Generator::Ready(card) => match &card.streaming {
                None => format!("model: {}, it is ready", card.name),
                Some(streaming) => format!("model: {}, it is ready; {streaming}", card.name),
            },
            Generator::Failed(reason) => {
                format!("no model ({reason}): answers are quotes only")
            }
        }
    }

    fn question(&self, buf: &mut Buffer) {
        let state = self.screen.state;
        let running = state.ask.running();
        let doing = running.and_then(|turn| turn.doing(state.now));
        let (title, model) = match (&state.generator, doing) {
            (Generator::Loading, Some(doing)) => (format!("{doing} · loading model"), ""),
            (_, Some(doing)) => (doing, ""),
            (Generator::Loading, None) => ("ask · loading model …".to_owned(), ""),
            (Generator::Ready(card), None) => ("ask".to_owned(), card.name.as_str()),
            (Generator::Failed(_), None) => ("ask · no model: quotes only".to_owned(), ""),
        };
        self.screen
            .frame(Focus::Question, self.layout, &title, model, buf);
        let area = self.layout.inner(Focus::Question);
        prompt_sign(area, self.screen, buf);
        (&self.screen.state.ask.input.area).render(typing_area(area), buf);
    }

    fn source(&self, buf: &mut Buffer) {
        SourceView {
            screen: self.screen,
            layout: self.layout,
            focus: Focus::Source,
            viewer: &self.screen.state.ask.viewer,
            empty: "The source of an answer is shown here, with the passage marked.",
        }
        .render(self.layout.pane(Focus::Source), buf);
    }

    fn sources(&self, buf: &mut Buffer) {
        let ask = &self.screen.state.ask;
        let sources = ask.sources();
        let title = match ask.listed() {
            Some(place) if place + 1 < ask.turns.len() => {
                format!("sources of answer {}", place + 1)
            }
            _ => "sources".to_owned(),
        };
        let place = match sources.len() {
            0 => String::new(),
            all => format!("{}/{all}", ask.picker.selected.min(all - 1) + 1),
        };
        self.screen
            .frame(Focus::Sources, self.layout, &title, &place, buf);
        let area = self.layout.inner(Focus::Sources);
        let shown = usize::from(area.height);
        let top = ask.picker.top(sources.len(), shown);
        let theme = self.screen.theme;
        for (offset, source) in sources.iter().skip(top).take(shown).enumerate() {
            let chosen = top + offset == ask.picker.selected;
            let row = source_row(source, chosen, usize::from(area.width));
            let y = area.y + offset as u16;
            buf.set_line(area.x, y, &theme.line(&row), area.width);
            if chosen && self.screen.state.focus == Focus::Sources {
                let line = Rect::new(area.x, y, area.width, 1);
                buf.set_style(line, theme.chosen(true));
            }
        }
    }
}

impl Widget for Ask<'_> {
    fn render(self, _: Rect, buf: &mut Buffer) {
        self.conversation(buf);
        self.source(buf);
        self.sources(buf);
        self.question(buf);
    }
}

fn source_row(source: &SourceLine, chosen: bool, columns: usize) -> Row {
    let mark = if chosen { "›" } else { " " };
    let pin = format!("[{}] ", source.number);
    let place = format!("  {}", source.locator);
    let taken = text::width(mark) + text::width(&pin) + text::width(&place);
    let path = text::fit_path(&source.path, columns.saturating_sub(taken));
    let gap = columns.saturating_sub(taken + text::width(&path));
    Row {
        pieces: vec![
            (mark.to_owned(), Tone::Strong),
            (pin, Tone::Pin(source.number)),
            (path, Tone::Plain),
            (" ".repeat(gap), Tone::Plain),
            (place, Tone::Meta),
        ],
    }
}

/// The part of an input's area in which letters stand: behind the sign.
pub(super) fn typing_area(inner: Rect) -> Rect {
    let sign = inner.width.min(2);
    Rect::new(inner.x + sign, inner.y, inner.width - sign, inner.height)
}

/// Draws the sign in front of what is typed.
pub(super) fn prompt_sign(inner: Rect, screen: &Screen<'_>, buf: &mut Buffer) {
    put_rows([&Row::new("› ", Tone::Strong)], inner, screen.theme, buf);
}
