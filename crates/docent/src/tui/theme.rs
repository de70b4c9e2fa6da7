//! Styles: 16 colours of the terminal's own palette, or none; nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::text::{Row, Tone};

/// How things look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    /// Whether colours may be used.
    pub(crate) color: bool,
}

impl Theme {
    /// The style of a tone.
    pub(crate) fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => Style::new(),
            Tone::Question | Tone::Strong => Style::new().add_modifier(Modifier::BOLD),
            Tone::Quote => self.colored(Color::Green, Modifier::empty()),
            Tone::Pin(_) => self.colored(Color::Cyan, Modifier::BOLD),
            Tone::Unsupported | Tone::Meta => Style::new().add_modifier(Modifier::DIM),
            Tone::Failure => self.colored(Color::Red, Modifier::BOLD),
            Tone::Passage => self.colored(Color::Yellow, Modifier::empty()),
            Tone::Term => self.colored(Color::Yellow, Modifier::BOLD | Modifier::UNDERLINED),
            Tone::Key => self.colored(Color::Cyan, Modifier::BOLD),
        }
    }

    /// The style of the chosen entry of a list.
    pub(crate) fn chosen(&self, focused: bool) -> Style {
        if focused {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            Style::new().add_modifier(Modifier::BOLD)
        }
    }

    /// The style of a pane's border.
    pub(crate) fn border(&self, focused: bool) -> Style {
        if focused {
            self.colored(Color::Cyan, Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::DIM)
        }
    }

    /// A row with its styles.
    pub(crate) fn line<'a>(&self, row: &'a Row) -> Line<'a> {
        let pieces = row.pieces.iter();
        Line::from_iter(pieces.map(|(text, tone)| Span::styled(text.as_str(), self.tone(*tone))))
    }

    fn colored(&self, color: Color, modifiers: Modifier) -> Style {
        let style = Style::new().add_modifier(modifiers);
        if self.color { style.fg(color) } else { style }
    }
}
