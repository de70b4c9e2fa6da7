//! The labels of the items of OpenDocument lists.

use std::collections::HashMap;

use super::super::word::numbering::numeral;
use super::super::xml::Element;
use super::styles::Styles;

/// Lists are nested so deep at most; deeper items count as of the deepest level.
const MAX_LEVELS: usize = 10;

/// How one level of a list is numbered.
#[derive(Debug)]
pub(super) struct Level {
    /// From 1.
    pub(super) number: usize,
    /// Empty for bullets.
    format: String,
    prefix: String,
    suffix: String,
    /// How many levels a label shows.
    shown: usize,
    start: u32,
}

impl Level {
    pub(super) fn read(element: Element<'_>) -> Level {
        let value = |name: &str| element.attr(name).unwrap_or_default().to_owned();
        let number = |name: &str| element.attr(name).and_then(|number| number.parse().ok());
        Level {
            number: number("level").unwrap_or(1),
            format: value("num-format"),
            prefix: value("num-prefix"),
            suffix: value("num-suffix"),
            shown: number("display-levels").unwrap_or(1),
            start: number("start-value").unwrap_or(1) as u32,
        }
    }
}

/// The lists that are open, and how far lists have come.
#[derive(Debug, Default)]
pub(super) struct Lists {
    open: Vec<String>,
    /// Counts by level, for each list style.
    counts: HashMap<String, [u32; MAX_LEVELS]>,
}

impl Lists {
    pub(super) fn open(&mut self, list: Element<'_>) {
        let own = list.attr("style-name").map(str::to_owned);
        let style = own
            .or_else(|| self.open.last().cloned())
            .unwrap_or_default();
        let goes_on =
            list.attr("continue-numbering") == Some("true") || list.attr("continue-list").is_some();
        if self.open.is_empty() && !goes_on {
            self.counts.remove(&style);
        }
        self.open.push(style);
    }

    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    pub(super) fn depth(&self) -> usize {
        self.open.len().saturating_sub(1).min(MAX_LEVELS - 1)
    }

    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Counts an item and gives its label with a space behind it.
    pub(super) fn label(&mut self, item: Element<'_>, styles: &Styles) -> String {
        let depth = self.depth();
        let Some(style) = self.open.last() else {
            return String::new();
        };
        let counts = self.counts.entry(style.clone()).or_default();
        let level = styles.level(style, depth);
        let start = item
            .attr("start-value")
            .and_then(|start| start.parse().ok());
        counts[depth] = match (start, counts[depth]) {
            (Some(start), _) => start,
            (None, 0) => level.map_or(1, |level| level.start),
            (None, count) => count.saturating_add(1),
        };
        counts[depth + 1..].fill(0);
        let Some(level) = level.filter(|level| !level.format.is_empty()) else {
            return "- ".into();
        };
        let first = (depth + 1).saturating_sub(level.shown.max(1));
        let numbers = (first..=depth).filter_map(|at| {
            let format = &styles.level(style, at)?.format;
            (!format.is_empty()).then(|| numeral(counts[at].max(1), word_format(format)))
        });
        let numbers: Vec<String> = numbers.collect();
        format!("{}{}{} ", level.prefix, numbers.join("."), level.suffix)
    }
}

/// The name that Word has for a format of OpenDocument.
fn word_format(format: &str) -> &'static str {
    match format {
        "a" => "lowerLetter",
        "A" => "upperLetter",
        "i" => "lowerRoman",
        "I" => "upperRoman",
        _ => "decimal",
    }
}
