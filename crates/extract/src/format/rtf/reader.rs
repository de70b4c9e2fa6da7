//! The state of reading an RTF file, token by token.

use std::collections::HashMap;

use docent_core::document::BlockKind;
use encoding_rs::Encoding;

use super::destination::Destination;
use super::fonts::{Fonts, by_code_page};
use super::table::Table;
use super::token::Token;
use crate::format::flow::{Flow, comment_label};

/// Groups that lie deeper are not opened; no program nests so deep.
const MAX_DEPTH: usize = 500;

/// A run of so many half points or fewer is not seen.
const UNSEEN_HALF_POINTS: i32 = 2;

/// What a file says of itself, and what stands beside its text.
#[derive(Debug, Default)]
pub(super) struct About {
    pub(super) title: String,
    pub(super) author: String,
    pub(super) subject: String,
    pub(super) keywords: String,
    pub(super) comment: String,
    /// Running heads and feet.
    pub(super) heads: Vec<String>,
    /// The first heading.
    pub(super) heading: Option<String>,
    pub(super) deletions: usize,
}

/// What holds in a group and ends with it.
#[derive(Debug, Clone, Copy)]
struct State {
    destination: Destination,
    font: i32,
    /// How many characters stand for the Unicode character before them.
    fallback: usize,
    hidden: bool,
    deleted: bool,
    /// Whether the group has begun something that is read apart.
    began: bool,
}

/// What holds for a paragraph.
#[derive(Debug, Clone, Copy, Default)]
struct Paragraph {
    in_table: bool,
    style: i32,
    outline: Option<i32>,
    is_item: bool,
}

pub(super) struct Reader {
    fonts: Fonts,
    state: State,
    stack: Vec<State>,
    too_deep: usize,
    /// The group has just been opened, or only `\*` stands in it.
    at_start: bool,
    /// The group may be left out by those who do not know it.
    optional: bool,
    /// Bytes that are not decoded yet, all in one code page.
    bytes: Vec<u8>,
    page: &'static Encoding,
    /// The first half of a character beyond the sixteen bits.
    surrogate: Option<u16>,
    skip: usize,
    paragraph: Paragraph,
    text: String,
    hidden: String,
    /// What is read apart at the moment, the innermost last.
    apart: Vec<String>,
    /// What comes to stand behind the paragraph.
    after: Vec<(BlockKind, String)>,
    table: Table,
    flow: Flow,
    notes: u32,
    author: String,
    /// Levels of headings by the number of their style.
    headings: HashMap<i32, u8>,
    style: i32,
    about: About,
}

impl Reader {
    pub(super) fn new() -> Reader {
        let fonts = Fonts::new();
        Reader {
            page: fonts.default,
            fonts,
            state: State {
                destination: Destination::Body,
                font: 0,
                fallback: 1,
                hidden: false,
                deleted: false,
                began: false,
            },
            stack: Vec::new(),
            too_deep: 0,
            at_start: false,
            optional: false,
            bytes: Vec::new(),
            surrogate: None,
            skip: 0,
            paragraph: Paragraph::default(),
            text: String::new(),
            hidden: String::new(),
            apart: Vec::new(),
            after: Vec::new(),
            table: Table::default(),
            flow: Flow::default(),
            notes: 0,
            author: String::new(),
            headings: HashMap::new(),
            style: 0,
            about: About::default(),
        }
    }

    pub(super) fn token(&mut self, token: Token<'_>) {
        match token {
            Token::Open => self.open(),
            Token::Close => self.close(),
            Token::Word(word, number) => self.word(word, number),
            Token::Byte(byte) => self.text(&[byte]),
            Token::Text(text) => self.text(text),
        }
    }

    fn open(&mut self) {
        self.flush();
        self.skip = 0;
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep += 1;
            return;
        }
        self.stack.push(self.state);
        self.state.began = false;
        self.at_start = true;
        self.optional = false;
    }

    fn close(&mut self) {
        self.flush();
        self.skip = 0;
        self.at_start = false;
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        if self.state.began
            && let Some(text) = self.apart.pop()
        {
            self.put(self.state.destination, text);
        }
        if let Some(state) = self.stack.pop() {
            self.state = state;
        }
    }

    /// Puts what was read apart where it belongs.
    fn put(&mut self, destination: Destination, text: String) {
        let text = text.trim();
        match destination {
            Destination::Title => self.about.title = text.to_owned(),
            Destination::Author => self.about.author = text.to_owned(),
            Destination::Subject => self.about.subject = text.to_owned(),
            Destination::Keywords => self.about.keywords = text.to_owned(),
            Destination::Description => self.about.comment = text.to_owned(),
            Destination::CommentAuthor => self.author = text.to_owned(),
            Destination::Head if !text.is_empty() => self.about.heads.push(text.to_owned()),
            Destination::Footnote => {
                let text = format!("[{}] {text}", self.notes);
                self.after.push((BlockKind::Paragraph, text));
            }
            Destination::Comment => {
                let label = comment_label(&std::mem::take(&mut self.author), "");
                self.after
                    .push((BlockKind::Paragraph, format!("{label}{text}")));
            }
            Destination::TextBox => {
                let lines = text
                    .lines()
                    .map(|line| (BlockKind::Paragraph, line.to_owned()));
                self.after.extend(lines);
            }
            Destination::Field if text.contains("://") => {
                self.hidden.push_str(text);
                self.hidden.push('\n');
            }
            Destination::Label if !text.is_empty() => {
                let is_bullet = text.chars().all(|c| !c.is_alphanumeric());
                self.paragraph.is_item = true;
                let label = if is_bullet { "-" } else { text };
                self.push(&format!("{label} "));
            }
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>) {
        let (at_start, optional) = (self.at_start, self.optional);
        if word == "*" {
            self.optional = true;
            return;
        }
        self.at_start = false;
        self.optional = false;
        // Whatever stands for a Unicode character is left out.
        if self.skip > 0 && self.destination_of(word, at_start, optional).is_none() {
            self.skip -= 1;
            return;
        }
        if let Some(destination) = self.destination_of(word, at_start, optional) {
            self.begin(destination);
            return;
        }
        match self.state.destination {
            Destination::FontTable => self.fonts.word(word, number),
            Destination::StyleSheet if word == "s" => self.style = number.unwrap_or(0),
            Destination::Skip => return,
            _ => {}
        }
        if !self.character(word, number) && !self.formatting(word, number) {
            self.structure(word, number);
        }
    }

    /// Where the group goes that a word is the first of. A group that may be left out and is not
    /// known goes nowhere.
    fn destination_of(&self, word: &str, at_start: bool, optional: bool) -> Option<Destination> {
        if !at_start {
            return None;
        }
        match Destination::of(word) {
            Some(Destination::Body) if self.state.destination == Destination::Skip => None,
            None if optional => Some(Destination::Skip),
            known => known,
        }
    }

    fn begin(&mut self, destination: Destination) {
        self.flush();
        let outer = self.state.destination;
        if outer == Destination::Skip {
            // A file's own data about itself stands in a group that is not text.
            let is_about = matches!(
                destination,
                Destination::Title
                    | Destination::Author
                    | Destination::Subject
                    | Destination::Keywords
                    | Destination::Description
            );
            if !is_about {
                return;
            }
        }
        if destination == Destination::Body {
            // Within something that is read apart, it stays there.
            if outer == Destination::Both {
                self.state.destination = Destination::Body;
            }
            return;
        }
        self.state.destination = destination;
        if destination.is_apart() {
            self.state.began = true;
            self.apart.push(String::new());
        }
        if destination == Destination::Footnote {
            self.notes += 1;
            let mark = format!("[{}]", self.notes);
            self.text.push_str(&mark);
        }
    }

    /// Words that stand for a character.
    fn character(&mut self, word: &str, number: Option<i32>) -> bool {
        let text = match word {
            "u" => {
                self.unicode(number.unwrap_or(0));
                return true;
            }
            "tab" => "\t",
            "line" | "softline" => "\n",
            "emdash" => "—",
            "endash" => "–",
            "lquote" => "‘",
            "rquote" => "’",
            "ldblquote" => "“",
            "rdblquote" => "”",
            "bullet" => "•",
            "~" => "\u{a0}",
            "-" => "\u{ad}",
            "_" => "\u{2011}",
            "emspace" | "enspace" | "qmspace" => " ",
            "nestcell" => " ",
            _ => return false,
        };
        self.flush();
        self.push(text);
        true
    }

    fn unicode(&mut self, number: i32) {
        self.flush();
        self.skip = self.state.fallback;
        let unit = number as u16;
        let character = match (self.surrogate.take(), unit) {
            (_, 0xd800..=0xdbff) => {
                self.surrogate = Some(unit);
                return;
            }
            (Some(high), 0xdc00..=0xdfff) => {
                char::decode_utf16([high, unit]).next().and_then(Result::ok)
            }
            // Letters of symbol fonts lie in a private area.
            (_, 0xf0b7 | 0xf0a7) => Some('•'),
            (_, 0xf020..=0xf0ff) => None,
            (_, unit) => char::from_u32(u32::from(unit)),
        };
        if let Some(character) = character.filter(|character| *character != '\0') {
            self.push(character.encode_utf8(&mut [0; 4]));
        }
    }

    /// Words that change how what follows is read.
    fn formatting(&mut self, word: &str, number: Option<i32>) -> bool {
        let is_on = number != Some(0);
        match word {
            "ansicpg" => {
                if let Some(page) = number.and_then(by_code_page) {
                    self.fonts.default = page;
                }
            }
            "mac" => self.fonts.default = encoding_rs::MACINTOSH,
            "f" | "deff" => {
                self.flush();
                self.state.font = number.unwrap_or(0);
            }
            "uc" => self.state.fallback = number.unwrap_or(1).clamp(0, 16) as usize,
            "v" => {
                self.flush();
                self.state.hidden = is_on;
            }
            "fs" => {
                self.flush();
                let unseen = number.is_some_and(|size| size <= UNSEEN_HALF_POINTS);
                self.state.hidden = unseen || (self.state.hidden && number.is_none());
            }
            "deleted" => {
                self.flush();
                self.about.deletions += usize::from(is_on && !self.state.deleted);
                self.state.deleted = is_on;
            }
            "plain" => {
                self.flush();
                self.state.hidden = false;
                self.state.deleted = false;
            }
            _ => return false,
        }
        true
    }

    /// Words that end or describe paragraphs, cells and rows.
    fn structure(&mut self, word: &str, number: Option<i32>) {
        self.flush();
        let in_body = self.state.destination == Destination::Body && self.apart.is_empty();
        match word {
            "par" | "sect" | "page" | "column" if !in_body => self.push("\n"),
            "cell" if !in_body => self.push(" "),
            "row" if !in_body => self.push("\n"),
            "par" if self.paragraph.in_table => self.text.push('\n'),
            "par" | "sect" | "page" | "column" => self.end_paragraph(),
            "cell" => {
                let text = std::mem::take(&mut self.text);
                self.table.end_cell(text);
            }
            "row" => self.table.end_row(),
            "pard" if in_body => {
                let is_item = self.paragraph.is_item && !self.text.is_empty();
                self.paragraph = Paragraph {
                    is_item,
                    ..Paragraph::default()
                };
            }
            "intbl" => self.paragraph.in_table = true,
            "s" => self.paragraph.style = number.unwrap_or(0),
            "outlinelevel" => {
                if self.state.destination == Destination::StyleSheet {
                    let level = number.filter(|level| (0..9).contains(level));
                    self.headings
                        .extend(level.map(|level| (self.style, level as u8 + 1)));
                } else {
                    self.paragraph.outline = number;
                }
            }
            word => self.table.word(word),
        }
    }

    fn end_paragraph(&mut self) {
        let rows = self.table.take();
        self.flow.push_table(&rows);
        let text = std::mem::take(&mut self.text);
        let outline = self
            .paragraph
            .outline
            .filter(|level| (0..9).contains(level));
        let level = outline
            .map(|level| level as u8 + 1)
            .or_else(|| self.headings.get(&self.paragraph.style).copied());
        let kind = match level {
            Some(level) => BlockKind::Heading { level },
            None if self.paragraph.is_item => BlockKind::ListItem,
            None => BlockKind::Paragraph,
        };
        if level.is_some() && self.about.heading.is_none() {
            self.about.heading = crate::format::title(&text);
        }
        self.paragraph.is_item = false;
        self.flow.push(kind, text);
        self.flow.push_hidden(std::mem::take(&mut self.hidden));
        for (kind, text) in std::mem::take(&mut self.after) {
            self.flow.push(kind, text);
        }
    }

    fn text(&mut self, mut text: &[u8]) {
        self.at_start = false;
        self.optional = false;
        if self.skip > 0 {
            let skipped = self.skip.min(text.len());
            self.skip -= skipped;
            text = &text[skipped..];
        }
        if matches!(
            self.state.destination,
            Destination::Skip | Destination::Both
        ) {
            return;
        }
        let page = match self.state.destination {
            Destination::Body => self.fonts.of(self.state.font),
            _ if self.apart.is_empty() => self.fonts.of(self.state.font),
            Destination::Title
            | Destination::Author
            | Destination::Subject
            | Destination::Keywords => self.fonts.default,
            _ => self.fonts.of(self.state.font),
        };
        if page != self.page {
            self.flush();
            self.page = page;
        }
        self.bytes.extend_from_slice(text);
    }

    /// Decodes the bytes that have come together.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let (text, _) = self.page.decode_without_bom_handling(&bytes);
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        if self.state.deleted
            || matches!(
                self.state.destination,
                Destination::Skip | Destination::Both
            )
        {
            return;
        }
        if self.state.destination == Destination::StyleSheet {
            self.name_style(text);
        }
        // A label goes to the text that it is the label of.
        let apart = match self.apart.last_mut() {
            Some(apart) => apart,
            None if self.state.hidden => &mut self.hidden,
            None => &mut self.text,
        };
        apart.push_str(text);
    }

    /// Notes the level of a style that is named as Word names headings.
    fn name_style(&mut self, name: &str) {
        let name = name.trim().trim_end_matches(';').to_lowercase();
        let level = name
            .strip_prefix("heading ")
            .and_then(|level| level.parse().ok());
        if let Some(level) = level.filter(|level| (1..=9).contains(level)) {
            self.headings.insert(self.style, level);
        } else if name == "title" {
            self.headings.insert(self.style, 1);
        }
    }

    pub(super) fn finish(mut self) -> (Flow, About) {
        self.flush();
        while let Some(text) = self.apart.pop() {
            self.put(Destination::TextBox, text);
        }
        self.end_paragraph();
        (self.flow, self.about)
    }
}
