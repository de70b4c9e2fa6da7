//! FictionBook: XML with sections in sections, and notes in a body of their own.

use std::collections::HashMap;

use docent_core::document::BlockKind;

use super::super::flow::table_text;
use super::super::title;
use super::super::xml::{Content, Element, Tree};
use super::Book;
use crate::job::{Job, Reading, Refusal};

/// Reads a book.
pub(in super::super) fn read(bytes: &[u8], job: &Job<'_>) -> Result<Reading, Refusal> {
    let tree = Tree::parse(bytes);
    let Some(root) = tree.root().filter(|root| root.name() == "FictionBook") else {
        return Err("damaged: no FictionBook in it".into());
    };
    let bodies = || root.children().filter(|child| child.name() == "body");
    let is_notes = |body: &Element<'_>| body.attr("name").is_some();
    let notes = bodies().filter(is_notes).flat_map(Element::descendants);
    let notes = notes.filter_map(|section| Some((section.attr("id")?, section)));
    let mut walk = Walk {
        book: Book::new(),
        notes: notes
            .filter(|(_, section)| section.name() == "section")
            .collect(),
        job,
    };
    for body in bodies().filter(|body| !is_notes(body)) {
        walk.sections(body, 1);
    }
    if walk.book.number == 0 {
        bodies().for_each(|body| walk.sections(body, 1));
    }
    let mut book = walk.book;
    let about = root.find("title-info");
    let text = |name: &str| about.and_then(|about| about.child(name)).map(Element::text);
    if let Some(author) = about.and_then(|about| about.child("author")) {
        let names: Vec<String> = author.children().map(Element::text).collect();
        book.composer.property("author", &names.join(" "));
    }
    book.composer.document().title = title(&text("book-title").unwrap_or_default());
    book.composer.document().incomplete = tree.fault.clone().map(Into::into);
    Ok(book.composer.finish().into())
}

struct Walk<'t, 'j> {
    book: Book,
    notes: HashMap<&'t str, Element<'t>>,
    job: &'j Job<'j>,
}

impl<'t> Walk<'t, '_> {
    /// Reads what is in a section or body. A section of the outermost level is a chapter.
    fn sections(&mut self, parent: Element<'t>, level: u8) {
        for child in parent.children() {
            if self.job.is_late() {
                let gap = "not read: the rest of the book, because the time was over";
                self.book.composer.document().incomplete = Some(gap.into());
                return;
            }
            match child.name() {
                "section" => {
                    if level <= 1 || self.book.number == 0 {
                        let heading = child.child("title").map(Element::text);
                        self.book.chapter(&heading.unwrap_or_default());
                    }
                    self.sections(child, level.saturating_add(1));
                }
                "title" => {
                    let lines: Vec<String> = child.children().map(Element::text).collect();
                    let level = level.saturating_sub(1).clamp(1, 9);
                    self.book
                        .push(BlockKind::Heading { level }, &lines.join(" "));
                }
                "subtitle" => self.book.push(
                    BlockKind::Heading {
                        level: level.clamp(1, 9),
                    },
                    &child.text(),
                ),
                "p" | "v" | "text-author" | "date" => self.paragraph(child),
                "table" => {
                    let rows = child.children().filter(|row| row.name() == "tr");
                    let cells = |row: Element<'t>| row.children().map(Element::text).collect();
                    let rows: Vec<Vec<String>> = rows.map(cells).collect();
                    self.book
                        .push(BlockKind::Table { continues: false }, &table_text(&rows));
                }
                "image" | "binary" => {}
                _ => self.sections(child, level),
            }
        }
    }

    fn paragraph(&mut self, paragraph: Element<'t>) {
        let mut notes = Vec::new();
        let mut text = String::new();
        for content in paragraph.content() {
            match content {
                Content::Text(words) => text.push_str(words),
                Content::Element(element) => {
                    let words = element.text();
                    if element.attr("type") == Some("note") {
                        let id = element
                            .attr("href")
                            .unwrap_or_default()
                            .trim_start_matches('#');
                        let label = words.trim().trim_matches(['[', ']']);
                        text.push_str(&format!("[{label}]"));
                        notes.extend(self.notes.get(id).map(|note| (label.to_owned(), *note)));
                    } else {
                        text.push_str(&words);
                    }
                }
            }
        }
        self.book.push(BlockKind::Paragraph, &text);
        for (label, note) in notes {
            let lines = note
                .descendants()
                .filter(|element| matches!(element.name(), "p" | "v"));
            let lines: Vec<String> = lines.map(Element::text).collect();
            self.book.push(
                BlockKind::Paragraph,
                &format!("[{label}] {}", lines.join("\n")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::package::testing::document_of;

    #[test]
    fn sections_are_chapters_and_notes_stand_by_their_anchors() {
        let book = "<?xml version='1.0' encoding='windows-1251'?><FictionBook><description><title-info><author>\
            <first-name>Ada</first-name><last-name>L</last-name></author><book-title>Mill</book-title></title-info>\
            </description><body><section><title><p>One</p></title><p>It turns<a l:href='#n1' type='note'>[1]</a>.</p>\
            </section><section><p>д</p></section></body><body name='notes'><section id='n1'><p>Slowly.</p></section>\
            </body></FictionBook>";
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(book);
        let document = document_of(&bytes, "a.fb2");
        assert_eq!(document.text, "One\n\nIt turns[1].\n\n[1] Slowly.\n\nд");
        assert_eq!(document.blocks[1].locator.to_string(), "chapter 1, “One”");
        assert_eq!(document.title.as_deref(), Some("Mill"));
    }
}
