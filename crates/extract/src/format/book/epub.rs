//! EPUB: the pages of the spine in their order, named by the table of contents.

use std::collections::HashMap;

use docent_core::document::BlockKind;
use docent_core::source::Gap;

use super::super::package::{Package, resolve};
use super::super::word::no_text;
use super::super::xml::{Element, Tree};
use super::super::{html, title};
use super::Book;
use crate::charset::decode;
use crate::job::{Reading, Refusal};

/// Reads a book.
pub(in super::super) fn read(package: &Package<'_>) -> Result<Reading, Refusal> {
    let main = main_part(package)?;
    let tree = package.tree(&main);
    let Some(root) = tree.as_ref().and_then(Tree::root) else {
        return Err(no_text(package, &main));
    };
    let items = Items::read(root, &main);
    let titles = contents(package, &items);
    let locked = encrypted_parts(package);
    let mut book = Book::new();
    let spine: Vec<&str> = root
        .child("spine")
        .into_iter()
        .flat_map(Element::children)
        .filter_map(|item| items.paths.get(item.attr("idref")?).map(String::as_str))
        .collect();
    if !spine.is_empty() && spine.iter().all(|page| locked.contains(&page.to_string())) {
        return Err(Gap::new("encrypted: the book is protected against copying")
            .help("open it in the reader that it was bought for")
            .into());
    }
    for (at, part) in spine.into_iter().enumerate() {
        if at >= package.job.limits.max_pages || package.job.is_late() {
            package.fault(format!(
                "the pages from {} on, because of the limits",
                at + 1
            ));
            break;
        }
        let Some(bytes) = package.part(part) else {
            package.fault(format!("{part} is missing"));
            continue;
        };
        let page = html::read(decode(&bytes, html::declared_charset(&bytes).as_deref()));
        let heading = page
            .blocks
            .iter()
            .find(|block| matches!(block.kind, BlockKind::Heading { .. }));
        let heading = heading.and_then(|block| page.text.get(block.span.clone()));
        let named = titles.get(part).map(String::as_str).or(heading);
        book.chapter(named.unwrap_or_default());
        book.page(&page);
    }
    properties(root, &mut book);
    let document = book.composer.document();
    document.incomplete = package.gap();
    Ok(book.composer.finish().into())
}

/// The name of the part that lists all others.
fn main_part(package: &Package<'_>) -> Result<String, Refusal> {
    let container = package.tree("META-INF/container.xml");
    let root = container.as_ref().and_then(Tree::root);
    let named = root.and_then(|root| root.find("rootfile")?.attr("full-path"));
    let named = named
        .map(|path| resolve("", path))
        .filter(|path| package.has(path));
    let found = || {
        package
            .names()
            .iter()
            .find(|name| name.ends_with(".opf"))
            .cloned()
    };
    named
        .or_else(found)
        .ok_or_else(|| Refusal::Failed("damaged: the book has no list of its parts".into()))
}

/// The parts of a book, by id.
struct Items {
    paths: HashMap<String, String>,
    /// The table of contents: of EPUB 3, and of EPUB 2.
    contents: Vec<String>,
}

impl Items {
    fn read(root: Element<'_>, main: &str) -> Items {
        let mut items = Items {
            paths: HashMap::new(),
            contents: Vec::new(),
        };
        let manifest = root
            .child("manifest")
            .into_iter()
            .flat_map(Element::children);
        for item in manifest {
            let (Some(id), Some(href)) = (item.attr("id"), item.attr("href")) else {
                continue;
            };
            let path = resolve(main, href);
            let properties = item.attr("properties").unwrap_or_default();
            let is_contents = properties.split_whitespace().any(|word| word == "nav")
                || item.attr("media-type") == Some("application/x-dtbncx+xml");
            if is_contents {
                items.contents.push(path.clone());
            }
            items.paths.insert(id.to_owned(), path);
        }
        items
    }
}

/// The titles of pages, by their parts; the first that leads to a page counts.
fn contents(package: &Package<'_>, items: &Items) -> HashMap<String, String> {
    let mut titles = HashMap::new();
    for part in &items.contents {
        let Some(tree) = package.tree(part) else {
            continue;
        };
        let elements = tree.root().into_iter().flat_map(Element::descendants);
        for element in elements {
            let entry = match element.name() {
                "a" => element.attr("href").map(|href| (href, element.text())),
                "navPoint" => element
                    .child("content")
                    .and_then(|content| content.attr("src"))
                    .map(|src| {
                        (
                            src,
                            element
                                .child("navLabel")
                                .map(Element::text)
                                .unwrap_or_default(),
                        )
                    }),
                _ => None,
            };
            if let Some((target, text)) = entry
                && let Some(text) = title(&text)
            {
                titles.entry(resolve(part, target)).or_insert(text);
            }
        }
    }
    titles
}

/// Parts that are encrypted; fonts often are in books that anybody may read.
fn encrypted_parts(package: &Package<'_>) -> Vec<String> {
    let tree = match package.has("META-INF/encryption.xml") {
        true => package.tree("META-INF/encryption.xml"),
        false => None,
    };
    let elements = tree
        .as_ref()
        .and_then(Tree::root)
        .into_iter()
        .flat_map(Element::descendants);
    let parts = elements.filter(|element| element.name() == "CipherReference");
    parts
        .filter_map(|part| Some(resolve("", part.attr("URI")?)))
        .collect()
}

fn properties(root: Element<'_>, book: &mut Book) {
    let metadata = root.child("metadata");
    let values = |name: &str| {
        let values = metadata.into_iter().flat_map(Element::descendants);
        let values = values
            .filter(|child| child.name() == name)
            .map(Element::text);
        values.collect::<Vec<_>>()
    };
    book.composer
        .property("author", &values("creator").join(", "));
    book.composer
        .property("created", values("date").first().map_or("", String::as_str));
    let first = values("title").into_iter().next().unwrap_or_default();
    book.composer.document().title = title(&first);
}

#[cfg(test)]
mod tests {
    use super::super::super::package::testing::{document_of, zip};

    #[test]
    fn pages_follow_the_spine_and_are_named_by_the_contents() {
        let bytes = zip(&[
            ("mimetype", "application/epub+zip"),
            (
                "META-INF/container.xml",
                "<container><rootfiles><rootfile full-path='O/b.opf'/></rootfiles></container>",
            ),
            (
                "O/b.opf",
                "<package><metadata><dc:title>Mill</dc:title><dc:creator>Ada</dc:creator></metadata><manifest>\
                 <item id='b' href='b.xhtml'/><item id='a' href='a%20a.xhtml'/>\
                 <item id='n' href='toc.ncx' media-type='application/x-dtbncx+xml'/></manifest>\
                 <spine><itemref idref='a'/><itemref idref='b'/></spine></package>",
            ),
            (
                "O/toc.ncx",
                "<ncx><navMap><navPoint><navLabel><text>First</text></navLabel><content src='a a.xhtml#x'/></navPoint>\
                 </navMap></ncx>",
            ),
            ("O/a a.xhtml", "<html><body><p>one</p></body></html>"),
            (
                "O/b.xhtml",
                "<html><body><h1>Second</h1><p>two</p></body></html>",
            ),
        ]);
        let document = document_of(&bytes, "a.epub");
        assert_eq!(document.text, "one\n\nSecond\n\ntwo");
        assert_eq!(document.title.as_deref(), Some("Mill"));
        let places: Vec<String> = document
            .blocks
            .iter()
            .map(|block| block.locator.to_string())
            .collect();
        assert_eq!(places[0], "chapter 1, “First”");
        assert_eq!(places[2], "chapter 2, “Second”");
    }
}
