//! Where in an original a stretch of text stands, and how that is cited.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rectangle on a page, in hundredths of a point (1/7200 inch) from the page's top left
/// corner. Written as points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "[f64; 4]", from = "[f64; 4]")]
pub struct Area {
    /// Left edge.
    pub left: i32,
    /// Upper edge.
    pub top: i32,
    /// Right edge.
    pub right: i32,
    /// Lower edge.
    pub bottom: i32,
}

impl Area {
    /// The rectangle of four edges in points: left, top, right, bottom.
    pub fn from_points([left, top, right, bottom]: [f64; 4]) -> Area {
        // A cast of a float saturates, so that nonsense in a file stays a rectangle.
        let hundredths = |points: f64| (points * 100.0).round() as i32;
        Area {
            left: hundredths(left),
            top: hundredths(top),
            right: hundredths(right),
            bottom: hundredths(bottom),
        }
    }

    /// Left, top, right and bottom in points.
    pub fn points(self) -> [f64; 4] {
        [self.left, self.top, self.right, self.bottom].map(|edge| f64::from(edge) / 100.0)
    }

    /// The smallest rectangle around both.
    pub fn around(self, other: Area) -> Area {
        Area {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

impl From<Area> for [f64; 4] {
    fn from(area: Area) -> Self {
        area.points()
    }
}

impl From<[f64; 4]> for Area {
    fn from(points: [f64; 4]) -> Self {
        Area::from_points(points)
    }
}

/// How well a page was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// Its own text.
    #[default]
    Text,
    /// Its own text, by a second engine, because the first read it badly.
    Repaired,
    /// Text that was recognised in its picture.
    Ocr,
    /// It shows something that nothing could read.
    Unreadable,
}

impl Badge {
    /// The word for it: `text`, `repaired`, `ocr` or `unreadable`.
    pub fn word(self) -> &'static str {
        match self {
            Badge::Text => "text",
            Badge::Repaired => "repaired",
            Badge::Ocr => "ocr",
            Badge::Unreadable => "unreadable",
        }
    }

    fn is_text(&self) -> bool {
        *self == Badge::Text
    }
}

/// A cell of a sheet, both numbers counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The row.
    pub row: u32,
    /// The column; 1 is `A`.
    pub column: u32,
}

/// As people name it: `B12`.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut letters, mut left) = (Vec::new(), self.column);
        while left > 0 {
            letters.push(char::from(b'A' + ((left - 1) % 26) as u8));
            left = (left - 1) / 26;
        }
        for letter in letters.iter().rev() {
            write!(f, "{letter}")?;
        }
        write!(f, "{}", self.row)
    }
}

/// Where in the original a stretch of text stands. Everything is counted from 1, both ends
/// included.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Locator {
    /// Lines of a text. For formats that are rendered to text (HTML), lines of the rendered
    /// text, which is what the viewer shows.
    Lines {
        /// First line.
        first: u32,
        /// Last line.
        last: u32,
    },
    /// Lines of a page.
    Page {
        /// The page on which the stretch begins.
        page: u32,
        /// First line on that page.
        first_line: u32,
        /// Last line, on `last_page`.
        last_line: u32,
        /// The page on which the stretch ends.
        last_page: u32,
        /// Where on `page` it stands, as far as the document knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        area: Option<Area>,
        /// How well `page` was read.
        #[serde(default, skip_serializing_if = "Badge::is_text")]
        badge: Badge,
    },
    /// Paragraphs of a document of a text processor, table rows counted as paragraphs.
    Paragraphs {
        /// First paragraph.
        first: u32,
        /// Last paragraph.
        last: u32,
    },
    /// Cells of a sheet.
    Cells {
        /// The sheet's name.
        sheet: String,
        /// Upper left cell.
        first: Cell,
        /// Lower right cell.
        last: Cell,
    },
    /// Slides of a presentation.
    Slides {
        /// First slide.
        first: u32,
        /// Last slide.
        last: u32,
    },
    /// Lines of a chapter of a book.
    Chapter {
        /// The chapter's number in reading order.
        number: u32,
        /// Its title, empty where it has none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        title: String,
        /// First line in the chapter.
        first: u32,
        /// Last line in the chapter.
        last: u32,
    },
    /// Lines of a named part: the header or the body of a mail, a message of a mailbox, a cell
    /// of a notebook.
    Part {
        /// The part's name: `header`, `body`, `message 12, body`, `cell 3`.
        part: String,
        /// First line in the part.
        first: u32,
        /// Last line in the part.
        last: u32,
    },
}

impl Locator {
    /// A whole page, or lines of it, of which nothing more is known.
    pub fn page(page: u32, first_line: u32, last_line: u32) -> Locator {
        Locator::Page {
            page,
            first_line,
            last_line,
            last_page: page,
            area: None,
            badge: Badge::Text,
        }
    }

    /// The first and the last page, slide or chapter of the place, where it has any.
    pub fn leaves(&self) -> Option<(u32, u32)> {
        match self {
            Locator::Page {
                page, last_page, ..
            } => Some((*page, *last_page)),
            Locator::Slides { first, last } => Some((*first, *last)),
            Locator::Chapter { number, .. } => Some((*number, *number)),
            _ => None,
        }
    }

    /// The place that reaches from the beginning of `self` to the end of `end`. Places of
    /// different kinds, sheets, chapters or parts do not join: `self` stays as it is.
    pub fn through(mut self, end: &Locator) -> Locator {
        match (&mut self, end) {
            (Locator::Lines { last, .. }, Locator::Lines { last: to, .. })
            | (Locator::Paragraphs { last, .. }, Locator::Paragraphs { last: to, .. })
            | (Locator::Slides { last, .. }, Locator::Slides { last: to, .. }) => *last = *to,
            (
                Locator::Page {
                    last_line,
                    last_page,
                    ..
                },
                Locator::Page {
                    last_line: to_line,
                    last_page: to_page,
                    ..
                },
            ) => (*last_line, *last_page) = (*to_line, *to_page),
            (
                Locator::Cells { sheet, first, last },
                Locator::Cells {
                    sheet: same,
                    first: from,
                    last: to,
                },
            ) if sheet == same => {
                first.column = first.column.min(from.column);
                last.row = last.row.max(to.row);
                last.column = last.column.max(to.column);
            }
            (
                Locator::Chapter { number, last, .. },
                Locator::Chapter {
                    number: same,
                    last: to,
                    ..
                },
            ) if number == same => *last = *to,
            (
                Locator::Part { part, last, .. },
                Locator::Part {
                    part: same,
                    last: to,
                    ..
                },
            ) if part == same => *last = *to,
            _ => {}
        }
        self
    }

    /// The single line that lies `lines` below the first line of this place. A line of a sheet
    /// is a row; paragraphs and slides are not told apart further.
    pub fn line_below(&self, lines: u32) -> Locator {
        let mut line = self.clone();
        match &mut line {
            Locator::Lines { first, last }
            | Locator::Chapter { first, last, .. }
            | Locator::Part { first, last, .. } => {
                *first = first.saturating_add(lines);
                *last = *first;
            }
            Locator::Page {
                page,
                first_line,
                last_line,
                last_page,
                ..
            } => {
                *first_line = first_line.saturating_add(lines);
                *last_line = *first_line;
                *last_page = *page;
            }
            Locator::Cells { first, last, .. } => {
                first.row = first.row.saturating_add(lines).min(last.row);
                last.row = first.row;
            }
            Locator::Paragraphs { .. } | Locator::Slides { .. } => {}
        }
        line
    }
}

/// `line 3`, `lines 3–7`, `page 4`, `page 4 (ocr)`, `Sheet "Costs" B2:D7`: as people cite.
impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Locator::Lines { first, last } => range(f, "line", *first, *last),
            Locator::Page {
                page,
                last_page,
                badge,
                ..
            } => {
                range(f, "page", *page, *last_page)?;
                match badge {
                    Badge::Text => Ok(()),
                    badge => write!(f, " ({})", badge.word()),
                }
            }
            Locator::Paragraphs { first, last } => range(f, "paragraph", *first, *last),
            Locator::Cells { sheet, first, last } if first == last => {
                write!(f, "sheet “{sheet}”, {first}")
            }
            Locator::Cells { sheet, first, last } => write!(f, "sheet “{sheet}”, {first}:{last}"),
            Locator::Slides { first, last } => range(f, "slide", *first, *last),
            Locator::Chapter { number, title, .. } if title.is_empty() => {
                write!(f, "chapter {number}")
            }
            Locator::Chapter { number, title, .. } => write!(f, "chapter {number}, “{title}”"),
            Locator::Part { part, first, last } => {
                write!(f, "{part}, ")?;
                range(f, "line", *first, *last)
            }
        }
    }
}

/// `page 4` or `pages 4–5`.
fn range(f: &mut fmt::Formatter<'_>, noun: &str, first: u32, last: u32) -> fmt::Result {
    match first == last {
        true => write!(f, "{noun} {first}"),
        false => write!(f, "{noun}s {first}–{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(sheet: &str, first: (u32, u32), last: (u32, u32)) -> Locator {
        let cell = |(row, column)| Cell { row, column };
        Locator::Cells {
            sheet: sheet.into(),
            first: cell(first),
            last: cell(last),
        }
    }

    #[test]
    fn cells_are_named_as_people_name_them() {
        let name = |row, column| Cell { row, column }.to_string();
        assert_eq!(name(12, 2), "B12");
        assert_eq!(name(1, 26), "Z1");
        assert_eq!(name(1, 27), "AA1");
        assert_eq!(name(1_048_576, 16_384), "XFD1048576");
    }

    #[test]
    fn places_join_within_a_sheet_only() {
        let upper = cells("Costs", (2, 2), (2, 4));
        let joined = upper.clone().through(&cells("Costs", (5, 1), (5, 3)));
        assert_eq!(joined.to_string(), "sheet “Costs”, A2:D5");
        assert_eq!(
            upper.clone().through(&cells("Other", (5, 1), (5, 3))),
            upper
        );
    }

    #[test]
    fn a_row_below_stays_in_the_range() {
        let table = cells("Costs", (2, 1), (4, 3));
        assert_eq!(table.line_below(1), cells("Costs", (3, 1), (3, 3)));
        assert_eq!(table.line_below(9), cells("Costs", (4, 1), (4, 3)));
    }

    #[test]
    fn a_badge_is_cited_where_it_matters() {
        let mut place = Locator::page(4, 1, 3);
        assert_eq!(place.to_string(), "page 4");
        if let Locator::Page { badge, .. } = &mut place {
            *badge = Badge::Ocr;
        }
        assert_eq!(place.to_string(), "page 4 (ocr)");
    }

    #[test]
    fn areas_are_written_in_points() {
        let area = Area::from_points([72.0, 100.25, 540.0, 112.0]);
        assert_eq!(
            serde_json::to_string(&area).unwrap(),
            "[72.0,100.25,540.0,112.0]"
        );
        assert_eq!(
            serde_json::from_str::<Area>("[72,100.25,540,112]").unwrap(),
            area
        );
        let nonsense = Area::from_points([f64::NAN, f64::INFINITY, -1e300, 0.0]);
        assert_eq!(nonsense.left, 0);
    }
}
