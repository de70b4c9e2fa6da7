//! Pages, Numbers and Keynote of iWork '09: one XML index in a zip archive.

use std::collections::HashMap;

use docent_core::document::{BlockKind, Format, Locator};

use super::flow::{push_about, table_text};
use super::package::Package;
use super::sheet::number_format::civil;
use super::sheet::{Grid, cells_place};
use super::title;
use super::xml::{Content, Element, Tree};
use crate::compose::Composer;
use crate::job::{Job, Reading, Refusal};

/// What is anchored in a text may have a text in which something is anchored: so many times.
const MAX_ANCHORED: u32 = 8;

/// Days from the beginning of 1970 to that of 2001, from which dates are counted.
const DAYS_TO_2001: i64 = 11_323;

/// The index of a document of iWork '09, if the package is one.
pub(super) fn index(package: &Package<'_>) -> Option<&'static str> {
    let keynote = ["index.apxl", "index.apxl.gz"];
    let other = ["index.xml", "index.xml.gz"];
    let is_other = package.has("buildVersionHistory.plist");
    let found = keynote.into_iter().find(|name| package.has(name));
    found.or_else(|| other.into_iter().find(|name| is_other && package.has(name)))
}

/// Reads the document in `index`. Places are paragraphs, cells or slides.
pub(super) fn read(package: &Package<'_>, index: &str) -> Result<Reading, Refusal> {
    let tree = parsed(package, index)?;
    let Some(root) = tree.root() else {
        return Err(format!("damaged: nothing in {index}").into());
    };
    let attachments = root.descendants().filter(|e| e.name() == "attachment");
    let slides = root.child("slide-list");
    let sheets = root.child("workspace-array");
    let format = match (slides, sheets) {
        (Some(_), _) => Format::Slides,
        (_, Some(_)) => Format::Sheet,
        _ => Format::Word,
    };
    let mut walk = Walk {
        composer: Composer::new(format),
        job: package.job,
        attachments: attachments
            .filter_map(|e| Some((e.attr("ID")?, e)))
            .collect(),
        place: Place::Paragraph,
        layer: Layer::Shown,
        label: "",
        anchored: 0,
        paragraph: 0,
        cells: 0,
        fault: None,
    };
    match (slides, sheets) {
        (Some(slides), _) => walk.slides(root, slides),
        (_, Some(sheets)) => walk.sheets(sheets),
        _ => walk.text_document(root),
    }
    walk.about(root);
    let fault = walk.fault.or(tree.fault.clone());
    walk.composer.document().incomplete = fault.map(|fault| format!("not read: {fault}").into());
    Ok(walk.composer.finish().into())
}

fn parsed(package: &Package<'_>, index: &str) -> Result<Tree, Refusal> {
    let Some(bytes) = package.part(index) else {
        let gap = package.gap().map(|gap| gap.reason);
        return Err(gap.unwrap_or_else(|| format!("damaged: {index}")).into());
    };
    if !index.ends_with(".gz") {
        return Ok(Tree::parse(&bytes));
    }
    let unpacked = package.job.unpack(
        flate2::read::GzDecoder::new(bytes.as_slice()),
        bytes.len() as u64,
    );
    let unpacked = unpacked.map_err(|error| format!("{index}: {error}"))?;
    Ok(Tree::parse(&unpacked))
}

/// Where the text that is being read stands.
enum Place {
    Paragraph,
    Slide(u32),
    Sheet(String),
}

/// What the text that is being read is to a reader.
#[derive(Clone, Copy)]
enum Layer {
    Shown,
    Hidden,
    Furniture,
}

struct Walk<'t, 'j> {
    composer: Composer,
    job: &'j Job<'j>,
    /// What is anchored in a text and not yet read, by its identifier.
    attachments: HashMap<&'t str, Element<'t>>,
    place: Place,
    layer: Layer,
    /// What the next paragraph begins with.
    label: &'static str,
    /// How many attachments hold what is being read.
    anchored: u32,
    /// Paragraphs so far.
    paragraph: u32,
    /// Cells so far.
    cells: usize,
    /// Why something is missing, if it is.
    fault: Option<String>,
}

impl<'t> Walk<'t, '_> {
    fn text_document(&mut self, root: Element<'t>) {
        for name in ["text-storage", "drawables", "annotations"] {
            root.children()
                .filter(|child| child.name() == name)
                .for_each(|child| self.walk(child));
        }
        self.layer = Layer::Furniture;
        for name in ["headers", "footers"] {
            if let Some(heads) = root.child(name) {
                self.walk(heads);
            }
        }
    }

    fn slides(&mut self, root: Element<'t>, slides: Element<'t>) {
        let slides = slides.children().filter(|child| child.name() == "slide");
        for (number, slide) in (1..).zip(slides) {
            if number as usize > self.job.limits.max_pages {
                let most = self.job.limits.max_pages;
                self.fault = Some(format!(
                    "the slides behind the first {most} (setting max_pages)"
                ));
                break;
            }
            self.place = Place::Slide(number);
            self.layer = match slide.attr("hidden") {
                Some("true" | "1") => Layer::Hidden,
                _ => Layer::Shown,
            };
            self.walk(slide);
        }
        self.place = Place::Slide(1);
        self.layer = Layer::Furniture;
        let masters = root.descendants().filter(|e| e.name() == "master-slide");
        masters
            .filter_map(|master| master.child("page"))
            .for_each(|page| self.walk(page));
    }

    fn sheets(&mut self, sheets: Element<'t>) {
        for sheet in sheets
            .children()
            .filter(|child| child.name() == "workspace")
        {
            let name = sheet.attr("workspace-name").unwrap_or_default().to_owned();
            self.place = Place::Sheet(name.clone());
            self.push(BlockKind::Heading { level: 1 }, &name);
            self.walk(sheet);
        }
    }

    /// Reads everything in an element; the first paragraph begins with `label`.
    fn labelled(&mut self, element: Element<'t>, label: &'static str) {
        self.label = label;
        self.walk(element);
        self.label = "";
    }

    /// Reads everything in an element.
    fn walk(&mut self, element: Element<'t>) {
        for child in element.children() {
            if self.job.is_late() {
                self.fault = Some("the rest, because the time was over".into());
                return;
            }
            match child.name() {
                "p" => self.paragraph(child, BlockKind::Paragraph),
                "tabular-model" => self.table(child),
                "title-placeholder" => {
                    for line in child.descendants().filter(|e| e.name() == "p") {
                        self.paragraph(line, BlockKind::Heading { level: 1 });
                    }
                }
                "annotation" | "sticky-note" => self.labelled(child, "Comment: "),
                "notes" => self.labelled(child, "Notes: "),
                "stylesheet" | "attachments" | "metadata" => {}
                _ => self.walk(child),
            }
        }
    }

    fn paragraph(&mut self, paragraph: Element<'t>, kind: BlockKind) {
        let mut line = Line::default();
        line.add(paragraph);
        if !line.text.trim().is_empty() {
            let label = std::mem::take(&mut self.label);
            self.push(kind, &format!("{label}{}", line.text));
        }
        for id in line.anchored {
            if self.anchored >= MAX_ANCHORED {
                self.fault = Some("what is anchored too deep".into());
            } else if let Some(attachment) = self.attachments.remove(id) {
                self.anchored += 1;
                self.walk(attachment);
                self.anchored -= 1;
            }
        }
        line.notes.into_iter().for_each(|note| self.walk(note));
    }

    /// Adds a table. Each cell says how far it lies behind the one before, 256 to a row.
    fn table(&mut self, model: Element<'t>) {
        const ROW: i64 = 256;
        let Some(source) = model.find("datasource") else {
            return;
        };
        let mut grid = Grid::default();
        let mut at: i64 = -1;
        for cell in source.children() {
            self.cells += 1;
            if self.cells > self.job.limits.max_cells {
                let most = self.job.limits.max_cells;
                self.fault = Some(format!(
                    "the cells behind the first {most} (setting max_cells)"
                ));
                break;
            }
            let step = cell.attr("ct").and_then(|step| step.parse::<i32>().ok());
            let first = if at < 0 { 0 } else { at };
            at = first + i64::from(step.unwrap_or(if at < 0 { 0 } else { 1 }));
            let place = (u32::try_from(at / ROW), u32::try_from(at % ROW));
            if let (Ok(row), Ok(column)) = place {
                grid.set(row, column, value(cell));
            }
        }
        let name = model.attr("name").unwrap_or_default();
        match &self.place {
            Place::Sheet(sheet) => {
                let table = format!("{sheet} :: {name}");
                grid.compose(&table, false, &mut self.composer);
            }
            _ => {
                let table = BlockKind::Table { continues: false };
                self.push(table, &table_text(&grid.into_rows()));
            }
        }
    }

    /// Adds a block; the lines of a table are counted as paragraphs.
    fn push(&mut self, kind: BlockKind, text: &str) {
        let first = self.paragraph.saturating_add(1);
        let lines = match kind {
            BlockKind::Table { .. } => text.lines().count().max(1),
            _ => 1,
        };
        self.paragraph = self
            .paragraph
            .saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        let place = match &self.place {
            Place::Paragraph => Locator::Paragraphs {
                first,
                last: self.paragraph,
            },
            Place::Slide(number) => Locator::Slides {
                first: *number,
                last: *number,
            },
            Place::Sheet(sheet) => cells_place(sheet, (0, 0), (0, 0)),
        };
        match self.layer {
            Layer::Shown => self.composer.push(kind, text, place),
            Layer::Hidden => self.composer.push_hidden(kind, text, place),
            Layer::Furniture if self.composer.has_furniture(text) => {}
            Layer::Furniture => self.composer.push_furniture(text, place),
        }
    }

    /// Tells what the document says of itself.
    fn about(&mut self, root: Element<'t>) {
        let Some(metadata) = root.child("metadata") else {
            return;
        };
        let text = |name: &str| {
            let strings = metadata
                .child(name)
                .into_iter()
                .flat_map(Element::descendants);
            let strings: Vec<&str> = strings.filter_map(|string| string.attr("string")).collect();
            strings.join("; ")
        };
        self.composer.property("author", &text("authors"));
        self.composer.document().title = title(&text("title"));
        let place = match &self.place {
            Place::Paragraph => Locator::Paragraphs { first: 1, last: 1 },
            Place::Slide(_) => Locator::Slides { first: 1, last: 1 },
            Place::Sheet(sheet) => cells_place(sheet, (0, 0), (0, 0)),
        };
        push_about(
            &mut self.composer,
            &[
                ("Title", &text("title")),
                ("Authors", &text("authors")),
                ("Keywords", &text("keywords")),
                ("Comment", &text("comment")),
            ],
            place,
        );
    }
}

/// A paragraph's own text, and what hangs on it.
#[derive(Default)]
struct Line<'t> {
    text: String,
    /// Identifiers of attachments.
    anchored: Vec<&'t str>,
    /// Texts in the text: footnotes.
    notes: Vec<Element<'t>>,
}

impl<'t> Line<'t> {
    fn add(&mut self, element: Element<'t>) {
        for content in element.content() {
            let child = match content {
                Content::Text(words) => {
                    self.text.push_str(words);
                    continue;
                }
                Content::Element(child) => child,
            };
            match child.name() {
                "br" | "lnbr" | "crbr" | "contbr" => self.text.push('\n'),
                "tab" => self.text.push('\t'),
                // What a template shows until somebody writes there.
                "ghost-text" => {}
                "attachment-ref" => self.anchored.extend(child.attr("IDREF")),
                "text-storage" => self.notes.push(child),
                _ => self.add(child),
            }
        }
    }
}

/// What a cell shows, of a formula its result, of a menu what is chosen. Numbers are given as
/// they are kept.
fn value(cell: Element<'_>) -> String {
    let result = cell.child("r").and_then(|result| result.children().next());
    let shown = result.or_else(|| chosen(cell)).unwrap_or(cell);
    if let Some(text) = shown.child("ct") {
        return text.attr("s").map_or_else(|| lines(text), str::to_owned);
    }
    if let Some(date) = shown.attr("cell-date") {
        return day(date).unwrap_or_else(|| date.to_owned());
    }
    let value = shown.attr("v").unwrap_or_default();
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => value.to_owned(),
    }
}

/// The cell that is chosen in a menu of cells.
fn chosen(menu: Element<'_>) -> Option<Element<'_>> {
    let id = menu.child("proxied-cell-ref")?.attr("IDREF")?;
    let mut choices = menu.child("menu-choices")?.children();
    choices.find(|choice| choice.attr("ID") == Some(id))
}

/// The paragraphs of a cell's text.
fn lines(text: Element<'_>) -> String {
    let lines = text.descendants().filter(|e| e.name() == "p");
    lines.map(Element::text).collect::<Vec<_>>().join(" ")
}

/// A number of seconds since 2001 as a day.
fn day(seconds: &str) -> Option<String> {
    const FURTHEST: f64 = 1e12;
    let seconds: f64 = seconds.parse().ok()?;
    if seconds.is_nan() || seconds.abs() > FURTHEST {
        return None;
    }
    let (year, month, day) = civil((seconds as i64).div_euclid(86_400) + DAYS_TO_2001);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::super::package::testing::{document_of, zip};
    use super::*;
    use crate::{Limits, Outcome, check, extract_bytes};

    const TABLE: &str = "<sf:tabular-model sf:name='T'><sf:grid><sf:datasource>\
        <sf:t sf:s='x' sf:ct='0'><sf:ct sfa:s='a'/></sf:t><sf:n sf:v='-872.39999999999998'/>\
        <sf:f sf:ct='255'><sf:fo sf:fs='=B1'/><sf:r><sf:rn sf:v='7'/></sf:r></sf:f>\
        <sf:d sf:cell-date='278726400'/></sf:datasource></sf:grid></sf:tabular-model>";

    fn pages(body: &str) -> Vec<u8> {
        let index = format!("<sl:document>{body}</sl:document>");
        zip(&[("index.xml", &index), ("buildVersionHistory.plist", "x")])
    }

    #[test]
    fn pages_have_their_tables_where_they_are_anchored() {
        let body = format!(
            "<sf:metadata><sf:title><sf:string sfa:string='Mill'/></sf:title></sf:metadata>\
             <sf:headers><sf:header><sf:p>Head</sf:p></sf:header></sf:headers>\
             <sf:annotations><sf:annotation><sf:style/><sf:p>Why?</sf:p></sf:annotation></sf:annotations>\
             <sf:text-storage><sf:attachments><sf:attachment sfa:ID='A'>{TABLE}</sf:attachment></sf:attachments>\
             <sf:text-body><sf:p>One<sf:br/><sf:ghost-text>Lorem</sf:ghost-text></sf:p>\
             <sf:p><sf:attachment-ref sfa:IDREF='A'/></sf:p><sf:p>T<sf:span>w</sf:span>o</sf:p>\
             </sf:text-body></sf:text-storage>"
        );
        let document = document_of(&pages(&body), "a.pages");
        assert_eq!(
            document.text,
            "One\n\na | -872.4\n7 | 2009-11-01\n\nTwo\n\nComment: Why?\n\nTitle: Mill\n\nHead"
        );
        assert_eq!(document.title.as_deref(), Some("Mill"));
        assert_eq!(
            document.blocks[1].locator,
            Locator::Paragraphs { first: 2, last: 3 }
        );
    }

    #[test]
    fn slides_have_titles_and_notes() {
        let index = "<key:presentation><key:slide-list><key:slide><key:title-placeholder><sf:p>Hi</sf:p>\
            </key:title-placeholder><key:notes><sf:p>Say it</sf:p></key:notes></key:slide>\
            <key:slide key:hidden='true'><sf:p>Gone</sf:p></key:slide></key:slide-list></key:presentation>";
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        packer.write_all(index.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file("index.apxl.gz", options).unwrap();
        writer.write_all(&packed).unwrap();
        let bytes = writer.finish().unwrap().into_inner();
        for bytes in [bytes, zip(&[("index.apxl", index)])] {
            let document = document_of(&bytes, "a.key");
            assert_eq!(document.text, "Hi\n\nNotes: Say it\n\nGone");
            assert_eq!(document.blocks[2].locator.to_string(), "slide 2");
            assert!(document.blocks[2].hidden);
        }
    }

    #[test]
    fn a_menu_shows_what_is_chosen() {
        let menu = "<pm><menu-choices><t ID='1'><ct s='Home'/></t><t ID='2'><ct><p>Fo</p><p>od</p></ct></t>\
            </menu-choices><proxied-cell-ref IDREF='2'/></pm>";
        let tree = Tree::parse(menu.as_bytes());
        assert_eq!(tree.root().map(value).as_deref(), Some("Fo od"));
    }

    #[test]
    fn tables_of_a_sheet_know_their_cells() {
        let body = format!(
            "<ls:workspace-array><ls:workspace ls:workspace-name='S'>{TABLE}</ls:workspace></ls:workspace-array>"
        );
        let document = document_of(&pages(&body), "a.numbers");
        assert_eq!(document.text, "S\n\nS :: T\n\na | -872.4\n7 | 2009-11-01");
        let end = document.text.len();
        let place = document.locate(end - 4..end).unwrap();
        assert_eq!(place, cells_place("S :: T", (1, 0), (1, 1)));
    }

    #[test]
    fn attachments_in_attachments_are_bounded() {
        let one = |at: u32| {
            let next = at + 1;
            format!(
                "<attachment ID='{at}'><p>x{at}<attachment-ref IDREF='{next}'/></p></attachment>"
            )
        };
        let all: String = (0..20_000).map(one).collect();
        let body = format!(
            "<text-storage><attachments>{all}</attachments><p><attachment-ref IDREF='0'/></p></text-storage>"
        );
        let document = document_of(&pages(&body), "a.pages");
        assert!(document.text.ends_with("x7") && document.incomplete.is_some());
    }

    proptest! {
        #[test]
        fn any_elements_are_sound(pieces in prop::collection::vec(prop::sample::select(vec![
            "<text-storage>", "</text-storage>", "<p>", "</p>", "x", "<datasource>", "</datasource>",
            "<tabular-model>", "</tabular-model>", "<t ct='-9'><ct s='a'/></t>", "<n v='1e308' ct='2147483647'/>",
            "<d cell-date='-1e300'/>", "<attachment ID='A'>", "</attachment>", "<attachment-ref IDREF='A'/>",
            "<workspace-array>", "<workspace workspace-name='S'>", "<slide-list>", "<slide>", "<notes>",
        ]), 0..40)) {
            let bytes = pages(&pieces.concat());
            if let Outcome::Read(document) = extract_bytes(&bytes, "a.pages", &Limits::default()).outcome {
                prop_assert_eq!(check(&document), Ok(()));
            }
        }
    }
}
