//! The one place that writes to the terminal: results on stdout, everything else on stderr.
#![allow(clippy::print_stdout, clippy::print_stderr)] // this is the output code

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use docent_core::citation::Citation;
use serde::Serialize;

use crate::printable::printable_line;

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How something stands out. Sixteen colours and no more, so that they follow the terminal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Words that matched, headings.
    Bold,
    /// What can be passed over.
    Dim,
    /// A place: path, page, line.
    Place,
    /// All is well.
    Good,
    /// Something to look at.
    Warning,
    /// Something is wrong.
    Bad,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Place => "36",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "31",
        }
    }
}

/// Where a command's words go, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// Results are JSON, one object a line.
    pub(crate) json: bool,
    quiet: bool,
    colour_out: bool,
    colour_err: bool,
    terminal_out: bool,
    terminal_err: bool,
}

impl Output {
    /// As the flags and the terminal say.
    pub(crate) fn new(json: bool, quiet: bool, colour: Colour, no_color: bool) -> Output {
        let terminal_out = io::stdout().is_terminal();
        let terminal_err = io::stderr().is_terminal();
        let coloured = |terminal: bool| match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !no_color,
        };
        Output {
            json,
            quiet,
            colour_out: coloured(terminal_out),
            colour_err: coloured(terminal_err),
            terminal_out,
            terminal_err,
        }
    }

    /// Prints where quotes stand: `[1] lease.pdf, page 2`, a line for each.
    pub(crate) fn sources(&self, citations: &[Citation]) -> io::Result<()> {
        for citation in citations {
            let place = format!("{}, {}", printable_line(&citation.path), citation.locator);
            let place = self.styled(Style::Place, place);
            self.line(format_args!("[{}] {place}", citation.number))?;
        }
        Ok(())
    }

    /// Whether a person reads the results as they come, and no script does.
    pub(crate) fn is_live(&self) -> bool {
        self.terminal_out && !self.json
    }

    /// Whether progress may be drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        self.terminal_err && !self.quiet
    }

    /// The text in a style, for stdout.
    pub(crate) fn styled(&self, style: Style, text: impl Display) -> String {
        paint(self.colour_out, style, text)
    }

    /// The text in a style, for stderr.
    pub(crate) fn styled_note(&self, style: Style, text: impl Display) -> String {
        paint(self.colour_err, style, text)
    }

    /// Writes a line of a result.
    pub(crate) fn line(&self, text: impl Display) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{text}")
    }

    /// Writes part of a line of a result, at once.
    pub(crate) fn piece(&self, text: impl Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{text}")?;
        out.flush()
    }

    /// Writes a result as one line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let mut out = io::stdout().lock();
        out.write_all(&line)?;
        out.flush()
    }

    /// Tells what happens, unless `--quiet`.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            // Nobody can be told that stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// Tells what should be looked at, `--quiet` or not.
    pub(crate) fn warning(&self, text: impl Display) {
        let word = paint(self.colour_err, Style::Warning, "warning:");
        let _ = writeln!(io::stderr().lock(), "{word} {text}");
    }

    /// Tells why the command ends without having done its work.
    pub(crate) fn error(&self, text: impl Display) {
        let word = paint(self.colour_err, Style::Bad, "docent:");
        let _ = writeln!(io::stderr().lock(), "{word} {text}");
    }
}

fn paint(coloured: bool, style: Style, text: impl Display) -> String {
    if coloured {
        format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
    } else {
        text.to_string()
    }
}

/// A number with its thousands set apart: `1,204`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 file`, `3 files`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// A number of bytes for people: `3.4 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut amount = number as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{number} {}", UNITS[0]),
        _ => format!("{amount:.1} {}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(1204, "file"), "1,204 files");
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(3 << 19), "1.5 MiB");
    }

    #[test]
    fn colours_are_asked_for_or_absent() {
        assert_eq!(paint(false, Style::Bold, "a"), "a");
        assert_eq!(paint(true, Style::Bold, "a"), "\u{1b}[1ma\u{1b}[0m");
        assert!(!Output::new(false, false, Colour::Auto, true).colour_out);
        assert!(Output::new(false, false, Colour::Always, true).colour_out);
    }
}
