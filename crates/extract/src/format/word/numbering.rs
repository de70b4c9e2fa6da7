//! The labels of numbered paragraphs, as Word counts them.

use std::collections::HashMap;

use super::super::xml::{Element, Tree};

/// Levels of a list.
const LEVELS: usize = 9;

/// How lists are numbered, and how far each has come.
#[derive(Debug, Default)]
pub(in super::super) struct Numbering {
    lists: HashMap<String, [Level; LEVELS]>,
    /// For a list that takes its levels from a style: that style.
    links: HashMap<String, String>,
    /// The lists that style names stand for.
    styles: HashMap<String, String>,
    numbers: HashMap<String, Number>,
    counters: HashMap<String, [Option<u32>; LEVELS]>,
}

/// How one level of a list is numbered.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Level {
    pub(in super::super) start: u32,
    /// One of ST_NumberFormat.
    pub(in super::super) format: String,
    /// The label, with `%1` for the number of the first level.
    pub(in super::super) text: String,
    /// The level whose steps begin this one again; 0 for none.
    pub(in super::super) restart: Option<usize>,
    /// Whether all numbers are decimal.
    pub(in super::super) legal: bool,
    /// Whether the text follows the label without a space.
    pub(in super::super) glued: bool,
}

/// One use of a list, with what it changes of it.
#[derive(Debug, Default)]
struct Number {
    list: String,
    levels: HashMap<usize, Level>,
    starts: HashMap<usize, u32>,
    /// Levels whose own start has been taken.
    begun: [bool; LEVELS],
}

/// The label of a paragraph.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Label {
    /// `1.`, `a)`, `-` for any bullet.
    pub(in super::super) text: String,
    /// Depth, from 0.
    pub(in super::super) level: usize,
}

impl Numbering {
    pub(super) fn read(tree: Option<&Tree>) -> Numbering {
        let mut numbering = Numbering::default();
        let Some(root) = tree.and_then(Tree::root) else {
            return numbering;
        };
        for element in root.children() {
            match element.name() {
                "abstractNum" => numbering.read_list(element),
                "num" => numbering.read_number(element),
                _ => {}
            }
        }
        numbering
    }

    fn read_list(&mut self, element: Element<'_>) {
        let id = element.attr("abstractNumId").unwrap_or_default().to_owned();
        let value = |name: &str| element.child(name).and_then(|child| child.attr("val"));
        if let Some(style) = value("numStyleLink") {
            self.links.insert(id.clone(), style.to_owned());
        }
        if let Some(style) = value("styleLink") {
            self.styles.insert(style.to_owned(), id.clone());
        }
        let mut levels: [Level; LEVELS] = Default::default();
        for level in element.children().filter(|child| child.name() == "lvl") {
            if let Some(slot) = level_of(level).and_then(|at| levels.get_mut(at)) {
                *slot = Level::read(level);
            }
        }
        self.lists.insert(id, levels);
    }

    fn read_number(&mut self, element: Element<'_>) {
        let id = element.attr("numId").unwrap_or_default().to_owned();
        let list = element
            .child("abstractNumId")
            .and_then(|list| list.attr("val"));
        let mut number = Number {
            list: list.unwrap_or_default().to_owned(),
            ..Number::default()
        };
        for change in element
            .children()
            .filter(|child| child.name() == "lvlOverride")
        {
            let Some(at) = level_of(change) else {
                continue;
            };
            if let Some(level) = change.child("lvl") {
                number.levels.insert(at, Level::read(level));
            }
            let start = change
                .child("startOverride")
                .and_then(|start| start.attr("val"));
            if let Some(start) = start.and_then(|start| start.parse().ok()) {
                number.starts.insert(at, start);
            }
        }
        self.numbers.insert(id, number);
    }

    /// Adds a list with its levels.
    pub(in super::super) fn add_list(&mut self, id: String, own: Vec<Level>) {
        let mut levels: [Level; LEVELS] = Default::default();
        for (slot, level) in levels.iter_mut().zip(own) {
            *slot = level;
        }
        self.lists.insert(id, levels);
    }

    /// Adds a use of a list.
    pub(in super::super) fn add_number(&mut self, id: String, list: String) {
        let number = Number {
            list,
            ..Number::default()
        };
        self.numbers.insert(id, number);
    }

    /// Lets a use of a list number a level in its own way.
    pub(in super::super) fn change_level(&mut self, id: &str, at: usize, level: Level) {
        if let Some(number) = self.numbers.get_mut(id).filter(|_| at < LEVELS) {
            number.levels.insert(at, level);
        }
    }

    /// Lets a use of a list begin a level with a number of its own.
    pub(in super::super) fn change_start(&mut self, id: &str, at: usize, start: u32) {
        if let Some(number) = self.numbers.get_mut(id).filter(|_| at < LEVELS) {
            number.starts.insert(at, start);
        }
    }

    /// Counts a paragraph of a list; `None` if it has no label.
    pub(in super::super) fn next(&mut self, id: &str, level: usize) -> Option<Label> {
        let level = level.min(LEVELS - 1);
        let number = self.numbers.get_mut(id)?;
        let mut list = number.list.clone();
        // A list may take its levels from the list of a style.
        if let Some(linked) = self
            .links
            .get(&list)
            .and_then(|style| self.styles.get(style))
        {
            list.clone_from(linked);
        }
        let mut levels = self.lists.get(&list)?.clone();
        for (at, level) in &number.levels {
            levels[*at] = level.clone();
        }
        let counters = self.counters.entry(list).or_default();
        if let Some(start) = number.starts.get(&level).filter(|_| !number.begun[level]) {
            counters[level] = None;
            levels[level].start = *start;
        }
        number.begun[level] = true;
        let step = counters[level].map_or(levels[level].start, |count| count.saturating_add(1));
        counters[level] = Some(step);
        for deeper in level + 1..LEVELS {
            match levels[deeper].restart {
                Some(0) => {}
                Some(by) if level >= by => {}
                _ => counters[deeper] = None,
            }
        }
        let text = label(&levels, level, counters);
        (!text.is_empty()).then_some(Label { text, level })
    }
}

fn level_of(element: Element<'_>) -> Option<usize> {
    let level = element.attr("ilvl")?.parse().ok()?;
    (level < LEVELS).then_some(level)
}

impl Level {
    fn read(element: Element<'_>) -> Level {
        let value = |name: &str| element.child(name).and_then(|child| child.attr("val"));
        Level {
            start: value("start")
                .and_then(|start| start.parse().ok())
                .unwrap_or(0),
            format: value("numFmt").unwrap_or("decimal").to_owned(),
            text: value("lvlText").unwrap_or_default().to_owned(),
            restart: value("lvlRestart").and_then(|restart| restart.parse().ok()),
            legal: element.child("isLgl").is_some(),
            glued: value("suff") == Some("nothing"),
        }
    }
}

/// The label with its `%1`, `%2` … filled in.
fn label(levels: &[Level; LEVELS], level: usize, counters: &[Option<u32>; LEVELS]) -> String {
    let own = &levels[level];
    if own.format == "bullet" {
        return "- ".into();
    }
    let mut text = String::new();
    let mut characters = own.text.chars().peekable();
    while let Some(character) = characters.next() {
        let at = match character {
            '%' => characters.peek().and_then(|digit| digit.to_digit(10)),
            _ => None,
        };
        match at {
            Some(at) if (1..=LEVELS as u32).contains(&at) => {
                characters.next();
                let at = at as usize - 1;
                let count = counters[at].unwrap_or(levels[at].start);
                let format = match own.legal {
                    true => "decimal",
                    false => &levels[at].format,
                };
                text.push_str(&numeral(count, format));
            }
            _ => text.push(character),
        }
    }
    if !text.is_empty() && !own.glued {
        text.push(' ');
    }
    text
}

/// A number in one of the formats of WordprocessingML (ST_NumberFormat).
pub(in super::super) fn numeral(count: u32, format: &str) -> String {
    match format {
        "none" => String::new(),
        "lowerLetter" => letters(count, b'a'),
        "upperLetter" => letters(count, b'A'),
        "lowerRoman" => roman(count).to_lowercase(),
        "upperRoman" => roman(count),
        "decimalZero" => format!("{count:02}"),
        "ordinal" => ordinal(count),
        _ => count.to_string(),
    }
}

/// `a` to `z`, then `aa`, `bb`.
fn letters(count: u32, first: u8) -> String {
    let Some(at) = count.checked_sub(1) else {
        return String::new();
    };
    let letter = char::from(first + (at % 26) as u8);
    std::iter::repeat_n(letter, (at / 26).min(20) as usize + 1).collect()
}

fn roman(count: u32) -> String {
    const NUMERALS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if count == 0 || count > 9_999 {
        return count.to_string();
    }
    let (mut left, mut text) = (count, String::new());
    for (value, numeral) in NUMERALS {
        while left >= value {
            text.push_str(numeral);
            left -= value;
        }
    }
    text
}

fn ordinal(count: u32) -> String {
    let ending = match (count % 100, count % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{count}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: &[u8] = b"<w:numbering><w:abstractNum w:abstractNumId='7'>\
        <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/></w:lvl>\
        <w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='lowerLetter'/><w:lvlText w:val='%1.%2)'/></w:lvl>\
        </w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='7'/></w:num>\
        <w:num w:numId='2'><w:abstractNumId w:val='7'/><w:lvlOverride w:ilvl='0'><w:startOverride w:val='5'/>\
        </w:lvlOverride></w:num></w:numbering>";

    #[test]
    fn paragraphs_are_counted_as_word_counts() {
        let tree = Tree::parse(LISTS);
        let mut numbering = Numbering::read(Some(&tree));
        let mut next = |id: &str, level| numbering.next(id, level).map(|label| label.text);
        assert_eq!(next("1", 0).as_deref(), Some("1. "));
        assert_eq!(next("1", 1).as_deref(), Some("1.a) "));
        assert_eq!(next("1", 1).as_deref(), Some("1.b) "));
        assert_eq!(next("1", 0).as_deref(), Some("2. "));
        assert_eq!(next("1", 1).as_deref(), Some("2.a) "));
        assert_eq!(next("2", 0).as_deref(), Some("5. "));
        assert_eq!(next("2", 0).as_deref(), Some("6. "));
        assert_eq!(next("9", 0), None);
    }

    #[test]
    fn numbers_are_written_in_their_format() {
        assert_eq!(numeral(28, "lowerLetter"), "bb");
        assert_eq!(numeral(1994, "upperRoman"), "MCMXCIV");
        assert_eq!(numeral(22, "ordinal"), "22nd");
        assert_eq!(numeral(7, "decimalZero"), "07");
        assert_eq!(numeral(u32::MAX, "upperRoman"), "4294967295");
    }
}
