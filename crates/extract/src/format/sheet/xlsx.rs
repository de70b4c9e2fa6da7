//! Workbooks of the Office Open XML kind: XLSX, XLSM, XLTX.
//!
//! A sheet's cells are read as a stream, because they are what makes workbooks large.

use docent_core::document::{BlockKind, Format};
use quick_xml::events::Event;

use super::super::flow::comment_label;
use super::super::ooxml::{self, chart};
use super::super::package::{Package, Relation};
use super::super::word::no_text;
use super::super::xml::{self, Element, Tree};
use super::number_format::NumberFormat;
use super::{Grid, cell_of, cells_place};
use crate::charset::plural;
use crate::compose::Composer;
use crate::job::{Reading, Refusal};

/// What cells refer to.
pub(super) struct Book {
    strings: Vec<String>,
    /// The number format of each cell style.
    styles: Vec<NumberFormat>,
    from_1904: bool,
    /// Cells that may still be read.
    pub(super) cells_left: usize,
}

/// Reads a workbook whose main part is `main`. Places are cells.
pub(in super::super) fn read(package: &Package<'_>, main: &str) -> Result<Reading, Refusal> {
    let tree = package.tree(main);
    let Some(root) = tree.as_ref().and_then(Tree::root) else {
        return Err(no_text(package, main));
    };
    let relations = package.relations(main);
    let mut book = Book::read(package, root, &relations);
    let mut composer = Composer::new(Format::Sheet);
    let mut all = relations.clone();
    let mut hidden = 0;
    let sheets = root.child("sheets").into_iter().flat_map(Element::children);
    let mut last_name = String::new();
    for sheet in sheets.take(package.job.limits.max_pages) {
        let name = sheet.attr("name").unwrap_or_default();
        let is_hidden = sheet.attr("state").is_some_and(|state| state != "visible");
        hidden += usize::from(is_hidden);
        let id = sheet.prefixed_attr("id");
        let Some(relation) = relations.iter().find(|relation| Some(&*relation.id) == id) else {
            continue;
        };
        if package.job.is_late() {
            package.fault(format!(
                "the sheets from “{name}” on, because the time was over"
            ));
            break;
        }
        let own = package.relations(&relation.target);
        read_sheet(
            package,
            &mut book,
            &relation.target,
            (name, is_hidden),
            &mut composer,
        );
        read_extras(package, &own, name, is_hidden, &mut composer);
        all.extend(own);
        last_name = name.to_owned();
    }
    let place = cells_place(&last_name, (0, 0), (0, 0));
    ooxml::read_properties(package, &mut composer, place.clone());
    ooxml::push_references(&mut composer, &all, place);
    let inner = ooxml::embedded(package, &all);
    let document = composer.document();
    if hidden > 0 {
        document
            .warnings
            .push(plural(hidden, "hidden sheet").into_owned());
    }
    document.incomplete = package.gap();
    Ok(Reading {
        document: composer.finish(),
        inner,
    })
}

impl Book {
    fn read(package: &Package<'_>, root: Element<'_>, relations: &[Relation]) -> Book {
        let part = |kind: &str| relations.iter().find(|relation| relation.kind == kind);
        let properties = root
            .child("workbookPr")
            .and_then(|about| about.attr("date1904"));
        let strings = part("sharedStrings").and_then(|part| package.part(&part.target));
        let styles = part("styles").and_then(|part| package.tree(&part.target));
        Book {
            strings: strings
                .map(|bytes| shared_strings(&bytes))
                .unwrap_or_default(),
            styles: styles
                .as_ref()
                .and_then(Tree::root)
                .map(styles_of)
                .unwrap_or_default(),
            from_1904: matches!(properties, Some("1" | "true")),
            cells_left: package.job.limits.max_cells,
        }
    }

    /// What a cell shows.
    fn shown(&self, kind: &str, style: usize, value: &str) -> String {
        match kind {
            "s" => {
                let at = value.trim().parse::<usize>().ok();
                at.and_then(|at| self.strings.get(at))
                    .cloned()
                    .unwrap_or_default()
            }
            "b" => if value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "str" | "inlineStr" | "e" => value.to_owned(),
            "d" => value.trim_end_matches("T00:00:00").to_owned(),
            _ => match value.trim().parse::<f64>() {
                Ok(number) => {
                    let format = self.styles.get(style).unwrap_or(&NumberFormat::General);
                    format.show(number, self.from_1904)
                }
                Err(_) => value.to_owned(),
            },
        }
    }
}

/// The strings that cells refer to by number. How a string is said (`rPh`) comes behind it.
fn shared_strings(bytes: &[u8]) -> Vec<String> {
    let text = xml::text_of(bytes);
    let mut reader = xml::reader(&text);
    let mut strings = Vec::new();
    let (mut string, mut reading) = (String::new(), String::new());
    let (mut in_text, mut aloud) = (false, false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => match element.local_name().into_inner() {
                "si" => string.clear(),
                "t" => in_text = true,
                "rPh" => aloud = true,
                _ => {}
            },
            Ok(Event::Empty(element)) if element.local_name().into_inner() == "si" => {
                strings.push(String::new());
            }
            Ok(Event::End(element)) => match element.local_name().into_inner() {
                "si" => {
                    if !reading.is_empty() {
                        string.push(' ');
                        string.push_str(&std::mem::take(&mut reading));
                    }
                    strings.push(escaped(&std::mem::take(&mut string)));
                }
                "t" => in_text = false,
                "rPh" => aloud = false,
                _ => {}
            },
            Ok(Event::Eof) | Err(_) => return strings,
            Ok(event) if in_text => {
                push_text(if aloud { &mut reading } else { &mut string }, &event);
            }
            Ok(_) => {}
        }
    }
}

/// Adds what an event says to a text.
fn push_text(text: &mut String, event: &Event<'_>) {
    match event {
        Event::Text(words) => text.push_str(&words.xml10_content()),
        Event::CData(words) => text.push_str(&words.xml10_content()),
        Event::GeneralRef(reference) => text.extend(xml::reference(reference)),
        _ => {}
    }
}

/// Control characters are written as `_x000D_`.
fn escaped(text: &str) -> String {
    match text.contains("_x") {
        true => text
            .replace("_x000D_", "")
            .replace("_x000A_", "\n")
            .replace("_x0009_", "\t"),
        false => text.to_owned(),
    }
}

fn styles_of(root: Element<'_>) -> Vec<NumberFormat> {
    let mut own = std::collections::HashMap::new();
    let formats = root
        .child("numFmts")
        .into_iter()
        .flat_map(Element::children);
    for format in formats {
        if let (Some(id), Some(code)) = (format.attr("numFmtId"), format.attr("formatCode")) {
            own.insert(id, NumberFormat::code(code));
        }
    }
    let styles = root
        .child("cellXfs")
        .into_iter()
        .flat_map(Element::children);
    let format = |style: Element<'_>| {
        let id = style.attr("numFmtId").unwrap_or("0");
        let builtin = || NumberFormat::builtin(id.parse().unwrap_or(0));
        own.get(id).cloned().unwrap_or_else(builtin)
    };
    styles.map(format).collect()
}

/// A cell whose events are still coming.
#[derive(Default)]
struct OpenCell {
    row: u32,
    column: u32,
    kind: String,
    style: usize,
    value: String,
}

fn read_sheet(
    package: &Package<'_>,
    book: &mut Book,
    part: &str,
    (name, is_hidden): (&str, bool),
    composer: &mut Composer,
) {
    let Some(bytes) = package.part(part) else {
        return;
    };
    let text = xml::text_of(&bytes);
    let mut sheet = SheetReader {
        book,
        grid: Grid::default(),
        cell: OpenCell::default(),
        next: (0, 0),
        in_value: false,
        in_head: false,
        heads: Vec::new(),
        cut: false,
    };
    let mut reader = xml::reader(&text);
    let mut events = 0usize;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => sheet.event(&event),
            Err(error) => {
                package.fault(format!(
                    "the rest of the sheet “{name}”: malformed XML: {error}"
                ));
                break;
            }
        }
        events += 1;
        if sheet.cut {
            let limit = package.job.limits.max_cells;
            package.fault(format!(
                "the sheet “{name}” from cell {limit} on (setting max_cells)"
            ));
            break;
        }
        if events.is_multiple_of(65_536) && package.job.is_late() {
            package.fault(format!(
                "the rest of the sheet “{name}”, because the time was over"
            ));
            break;
        }
    }
    let heads = std::mem::take(&mut sheet.heads);
    sheet.grid.compose(name, is_hidden, composer);
    for head in heads {
        let text = head_text(&head);
        if !text.trim().is_empty() && !composer.has_furniture(&text) {
            composer.push_furniture(&text, cells_place(name, (0, 0), (0, 0)));
        }
    }
}

struct SheetReader<'b> {
    book: &'b mut Book,
    grid: Grid,
    cell: OpenCell,
    /// Where a cell stands that does not say so.
    next: (u32, u32),
    in_value: bool,
    in_head: bool,
    /// Running heads and feet, with their codes.
    heads: Vec<String>,
    cut: bool,
}

impl SheetReader<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(element) => self.open(element),
            Event::Empty(element) => {
                self.open(element);
                self.close(element.local_name().into_inner());
            }
            Event::End(element) => self.close(element.local_name().into_inner()),
            event if self.in_value => push_text(&mut self.cell.value, event),
            event if self.in_head => {
                if let Some(head) = self.heads.last_mut() {
                    push_text(head, event);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, element: &quick_xml::events::BytesStart<'_>) {
        let value = |name: &str| xml::attribute(element, name);
        let number = |name: &str| value(name).and_then(|number| number.parse::<u32>().ok());
        let is_on = |name: &str| value(name).is_some_and(|on| matches!(&*on, "1" | "true"));
        match element.local_name().into_inner() {
            "row" => {
                let row = number("r").and_then(|row| row.checked_sub(1));
                self.next = (row.unwrap_or(self.next.0), 0);
                if is_on("hidden") {
                    self.grid.hide_rows(self.next.0, self.next.0);
                }
            }
            "c" => {
                let place = value("r").and_then(|reference| cell_of(&reference));
                let (row, column) = place.unwrap_or(self.next);
                self.next = (row, column.saturating_add(1));
                self.cell = OpenCell {
                    row,
                    column,
                    kind: value("t").unwrap_or_default().into_owned(),
                    style: number("s").unwrap_or(0) as usize,
                    value: String::new(),
                };
            }
            "v" | "t" => self.in_value = true,
            "col" if is_on("hidden") => {
                let (first, last) = (number("min"), number("max"));
                if let (Some(first), Some(last)) = (first, last) {
                    self.grid
                        .hide_columns(first.saturating_sub(1), last.saturating_sub(1));
                }
            }
            "mergeCell" => self.merge(&value("ref").unwrap_or_default()),
            "oddHeader" | "oddFooter" | "firstHeader" | "firstFooter" | "evenHeader"
            | "evenFooter" => {
                self.heads.push(String::new());
                self.in_head = true;
            }
            _ => {}
        }
    }

    fn merge(&mut self, area: &str) {
        let corners = area
            .split_once(':')
            .and_then(|(from, to)| Some((cell_of(from)?, cell_of(to)?)));
        if let Some(((top, left), (bottom, right))) = corners {
            self.grid.merge([top, left, bottom, right]);
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "v" | "t" => self.in_value = false,
            "row" => self.next = (self.next.0.saturating_add(1), 0),
            "c" => {
                let cell = std::mem::take(&mut self.cell);
                if cell.value.is_empty() {
                    return;
                }
                let Some(left) = self.book.cells_left.checked_sub(1) else {
                    self.cut = true;
                    return;
                };
                self.book.cells_left = left;
                let text = self.book.shown(&cell.kind, cell.style, &cell.value);
                self.grid.set(cell.row, cell.column, text);
            }
            _ => self.in_head = false,
        }
    }
}

/// A running head without its codes: `&LLeft&CPage &P` is `Left Page`.
pub(in super::super) fn head_text(head: &str) -> String {
    let mut text = String::new();
    let mut rest = head.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '&' {
            text.push(character);
            continue;
        }
        match rest.next() {
            Some('&') => text.push('&'),
            Some('"') => while rest.next().is_some_and(|c| c != '"') {},
            Some('K') => (0..6).for_each(|_| {
                rest.next();
            }),
            Some('L' | 'C' | 'R') => text.push('\n'),
            Some(digit) if digit.is_ascii_digit() => {
                while rest.next_if(char::is_ascii_digit).is_some() {}
            }
            _ => {}
        }
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// What stands on a sheet beside its cells: comments, text boxes, charts, diagrams.
fn read_extras(
    package: &Package<'_>,
    relations: &[Relation],
    sheet: &str,
    is_hidden: bool,
    composer: &mut Composer,
) {
    let mut push = |kind: BlockKind, text: &str, (row, column): (u32, u32)| {
        let place = cells_place(sheet, (row, column), (row, column));
        match is_hidden {
            true => composer.push_hidden(kind, text, place),
            false => composer.push(kind, text, place),
        }
    };
    for relation in relations.iter().filter(|relation| !relation.external) {
        let is_drawing = relation.kind == "drawing";
        if !is_drawing && relation.kind != "comments" {
            continue;
        }
        let tree = package.tree(&relation.target);
        let Some(root) = tree.as_ref().and_then(Tree::root) else {
            continue;
        };
        if !is_drawing {
            for (place, text) in comments(root) {
                push(BlockKind::Paragraph, &text, place);
            }
            continue;
        }
        let own = package.relations(&relation.target);
        let target = |id: Option<&str>| own.iter().find(|relation| Some(&*relation.id) == id);
        for anchor in root.children() {
            let place = anchor_place(anchor);
            for element in anchor.descendants() {
                match element.name() {
                    "txBody" => {
                        push(
                            BlockKind::Paragraph,
                            &ooxml::paragraphs(element).join("\n"),
                            place,
                        );
                    }
                    "chart" => {
                        if let Some(part) = target(element.prefixed_attr("id")) {
                            let chart = chart::read(package, &part.target);
                            push(BlockKind::Paragraph, &chart.titles.join("\n"), place);
                        }
                    }
                    "relIds" => {
                        if let Some(part) = target(element.attr("dm")) {
                            let text = ooxml::diagram(package, &part.target);
                            push(BlockKind::Paragraph, &text, place);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The cell under the upper left corner of a drawing.
fn anchor_place(anchor: Element<'_>) -> (u32, u32) {
    let from = anchor.child("from");
    let number = |name| from.and_then(|from| from.child(name)?.text().trim().parse().ok());
    (number("row").unwrap_or(0), number("col").unwrap_or(0))
}

fn comments(root: Element<'_>) -> Vec<((u32, u32), String)> {
    let authors: Vec<String> = root
        .child("authors")
        .into_iter()
        .flat_map(Element::children)
        .map(Element::text)
        .collect();
    let comments = root
        .child("commentList")
        .into_iter()
        .flat_map(Element::children);
    let comment = |comment: Element<'_>| {
        let author = comment
            .attr("authorId")
            .and_then(|id| id.parse::<usize>().ok());
        let author = author
            .and_then(|at| authors.get(at))
            .map_or("", String::as_str);
        let reference = comment.attr("ref").unwrap_or_default();
        let words: String = comment
            .descendants()
            .filter(|element| element.name() == "t")
            .map(Element::text)
            .collect();
        let label = comment_label(author, "");
        (
            cell_of(reference).unwrap_or_default(),
            format!("{reference}: {label}{words}"),
        )
    };
    comments.map(comment).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::package::testing::{document_of, zip};

    const WORKBOOK: &str = "<workbook><sheets><sheet name='Costs' r:id='r1'/><sheet name='Old' state='hidden' r:id='r2'/>\
                            </sheets></workbook>";
    const RELATIONS: &str = "<Relationships><Relationship Id='r1' Type='x/worksheet' Target='a.xml'/>\
        <Relationship Id='r2' Type='x/worksheet' Target='b.xml'/><Relationship Id='r3' Type='x/styles' Target='s.xml'/>\
        <Relationship Id='r4' Type='x/sharedStrings' Target='t.xml'/></Relationships>";

    fn xlsx(sheet: &str) -> Vec<u8> {
        zip(&[
            ("xl/workbook.xml", WORKBOOK),
            ("xl/_rels/workbook.xml.rels", RELATIONS),
            ("xl/a.xml", sheet),
            (
                "xl/b.xml",
                "<worksheet><sheetData><row><c t='str'><v>gone</v></c></row></sheetData></worksheet>",
            ),
            (
                "xl/s.xml",
                "<styleSheet><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>",
            ),
            (
                "xl/t.xml",
                "<sst><si><t>Due</t></si><si/><si><r><t>Fl</t></r><r><t>our &amp; oil</t></r><rPh><t>oi</t></rPh></si></sst>",
            ),
        ])
    }

    #[test]
    fn cells_show_what_the_sheet_shows() {
        let document = document_of(
            &xlsx(
                "<worksheet><sheetData><row r='2'><c r='B2' t='s'><v>0</v></c><c r='C2' t='s'><v>2</v></c></row>\
                 <row r='3'><c r='B3' s='1'><v>44197</v></c><c r='C3'><f>1+1</f><v>2</v></c></row></sheetData>\
                 <headerFooter><oddHeader>&amp;LTop &amp;P</oddHeader></headerFooter></worksheet>",
            ),
            "a.xlsx",
        );
        assert_eq!(
            document.text,
            "Costs\n\nDue | Flour & oil oi\n2021-01-01 | 2\n\nOld\n\ngone\n\nTop"
        );
        assert_eq!(
            document.blocks[1].locator.to_string(),
            "sheet “Costs”, B2:C3"
        );
        assert!(document.blocks[3].hidden);
        assert_eq!(document.warnings, ["1 hidden sheet"]);
    }

    #[test]
    fn cells_without_places_follow_each_other_and_damage_is_told() {
        let document = document_of(
            &xlsx(
                "<worksheet><sheetData><row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c><",
            ),
            "a.xlsx",
        );
        assert!(document.text.starts_with("Costs\n\n1 | 2\n3"));
        assert!(document.incomplete.is_some());
    }
}
