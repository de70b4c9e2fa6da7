//! The text of a paragraph, run by run.

use super::super::xml::Element;
use super::walk::{Walk, chosen};
use super::{math, styles};

/// A run of so many half points or fewer is not seen.
const UNSEEN_HALF_POINTS: u32 = 2;

/// A paragraph in the making.
pub(super) struct Inline<'t> {
    pub(super) text: String,
    /// What no reader of the original sees.
    pub(super) hidden: String,
    /// What comes to stand behind the paragraph.
    pub(super) after: Vec<After<'t>>,
    /// Whether the run at hand is seen.
    run_hidden: bool,
    /// What holds of runs that say nothing of it.
    hidden_by_style: bool,
    shaded: bool,
}

/// What hangs on a paragraph.
pub(super) enum After<'t> {
    Footnote(u32, &'t str),
    Endnote(u32, &'t str),
    Comment(&'t str),
    TextBox(Element<'t>),
    Text(String),
    /// By the relation's id.
    Chart(&'t str),
    Diagram(&'t str),
}

impl<'t> Inline<'t> {
    pub(super) fn new(hidden_by_style: bool, shaded: bool) -> Self {
        Inline {
            text: String::new(),
            hidden: String::new(),
            after: Vec::new(),
            run_hidden: hidden_by_style,
            hidden_by_style,
            shaded,
        }
    }

    fn push(&mut self, text: &str) {
        match self.run_hidden {
            true => self.hidden.push_str(text),
            false => self.text.push_str(text),
        }
    }
}

impl<'t> Walk<'t, '_> {
    /// Adds what stands in an element to a paragraph.
    pub(super) fn inline(&mut self, parent: Element<'t>, out: &mut Inline<'t>) {
        for child in parent.children() {
            self.inline_one(child, out);
        }
    }

    fn inline_one(&mut self, element: Element<'t>, out: &mut Inline<'t>) {
        match element.name() {
            "r" => {
                out.run_hidden = self.is_hidden(element, out);
                self.inline(element, out);
                out.run_hidden = out.hidden_by_style;
            }
            "del" | "moveFrom" => self.deletions += 1,
            "pPr" | "rPr" | "sdtPr" | "sdtEndPr" | "delText" | "delInstrText" => {}
            "instrText" => {
                let code = element.text();
                if code.contains("://") {
                    out.hidden.push_str(&code);
                }
            }
            "fldChar" => self.field(element.attr("fldCharType").unwrap_or_default()),
            "AlternateContent" => {
                if let Some(chosen) = chosen(element) {
                    self.inline(chosen, out);
                }
            }
            "oMathPara" => {
                for equation in element.children().filter(|child| child.name() == "oMath") {
                    if !out.text.is_empty() {
                        out.text.push('\n');
                    }
                    out.push(&math::linear(equation));
                }
            }
            _ if self.fields.iter().any(|has_result| !has_result) => self.inline(element, out),
            name => match glyph(element, name) {
                Some(text) => out.push(&text),
                None => self.object(element, out),
            },
        }
    }

    /// What is not text by itself.
    fn object(&mut self, element: Element<'t>, out: &mut Inline<'t>) {
        let id = element.attr("id").unwrap_or_default();
        match element.name() {
            "t" => out.push(&element.text().replace(['\r', '\n'], " ")),
            "oMath" => {
                if out.text.ends_with(|last: char| !last.is_whitespace()) {
                    out.push(" ");
                }
                out.push(&math::linear(element));
                out.push(" ");
            }
            "footnoteReference" | "endnoteReference" => {
                self.notes += 1;
                out.push(&format!("[{}]", self.notes));
                out.after.push(match element.name() {
                    "footnoteReference" => After::Footnote(self.notes, id),
                    _ => After::Endnote(self.notes, id),
                });
            }
            "commentReference" => out.after.push(After::Comment(id)),
            "txbxContent" => out.after.push(After::TextBox(element)),
            "chart" => out.after.push(After::Chart(
                element.prefixed_attr("id").unwrap_or_default(),
            )),
            "relIds" => out
                .after
                .push(After::Diagram(element.attr("dm").unwrap_or_default())),
            "docPr" => out.after.extend(described(element).map(After::Text)),
            "textpath" => {
                let words = element.attr("string").unwrap_or_default();
                out.after.push(After::Text(words.to_owned()));
            }
            "ruby" => {
                if let Some(base) = element.child("rubyBase") {
                    self.inline(base, out);
                }
            }
            _ => self.inline(element, out),
        }
    }

    fn field(&mut self, step: &str) {
        match step {
            "begin" if self.fields.len() < 100 => self.fields.push(false),
            "separate" => {
                if let Some(last) = self.fields.last_mut() {
                    *last = true;
                }
            }
            "end" => {
                self.fields.pop();
            }
            _ => {}
        }
    }

    /// Whether a run is not seen: hidden, all but without size, or white where the ground is.
    fn is_hidden(&self, run: Element<'t>, out: &Inline<'t>) -> bool {
        let Some(properties) = run.child("rPr") else {
            return out.hidden_by_style;
        };
        let value = |name: &str| properties.child(name).and_then(|child| child.attr("val"));
        let by_style = || value("rStyle").and_then(|style| self.parts.styles.hides(style));
        if let Some(hidden) = styles::vanishes(properties).or_else(by_style) {
            return hidden;
        }
        let size = value("sz").and_then(|size| size.parse::<u32>().ok());
        if size.is_some_and(|size| size <= UNSEEN_HALF_POINTS) {
            return true;
        }
        let white = value("color").is_some_and(|color| color.eq_ignore_ascii_case("FFFFFF"));
        let ground = properties.child("shd").is_some() || properties.child("highlight").is_some();
        let outside = self.frames == 0 && !out.shaded && !ground;
        (white && outside) || out.hidden_by_style
    }
}

/// The text of a mark that stands for some.
fn glyph(element: Element<'_>, name: &str) -> Option<String> {
    Some(match name {
        "tab" | "ptab" => "\t".into(),
        "br" | "cr" => "\n".into(),
        "noBreakHyphen" => "\u{2011}".into(),
        "softHyphen" => "\u{ad}".into(),
        "sym" => symbol(element.attr("char").unwrap_or_default()).into(),
        _ => return None,
    })
}

/// The character of a symbol font that has an equal in Unicode; the others have none.
fn symbol(code: &str) -> &'static str {
    match u32::from_str_radix(code, 16).map(|code| code & 0xff) {
        Ok(0xb7 | 0xa7 | 0x6c) => "•",
        Ok(0xfc) => "✓",
        Ok(0xfb) => "✗",
        Ok(0xfe | 0x52) => "☑",
        Ok(0xfd | 0x78 | 0x51) => "☒",
        Ok(0xa8 | 0x6f) => "☐",
        Ok(0xe0) => "→",
        Ok(0xdf) => "←",
        _ => "",
    }
}

/// What an author says of a picture, unless it is a file's name.
fn described(element: Element<'_>) -> Option<String> {
    let text = element.attr("descr").unwrap_or_default().trim();
    let is_path = text.contains(['/', '\\']) || !text.contains(' ');
    (!text.is_empty() && !is_path).then(|| text.to_owned())
}
