//! A package of parts: what Office Open XML, OpenDocument, EPUB and XPS files are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Cursor;

use docent_core::source::Gap;
use zip::ZipArchive;

use super::flat_package;
use super::xml::Tree;
use crate::job::{Job, Refusal};

/// A zip archive, or one XML file that holds the parts of one, with its parts by name.
pub(crate) struct Package<'a> {
    store: Store<'a>,
    /// Parts by their names in lower case, because programs do not agree on case.
    index: HashMap<String, usize>,
    /// Names as they are, in the order of the archive.
    names: Vec<String>,
    pub(crate) job: &'a Job<'a>,
    /// What could not be read of it.
    faults: RefCell<Vec<String>>,
}

enum Store<'a> {
    Zip(Box<RefCell<ZipArchive<Cursor<&'a [u8]>>>>),
    Flat(Vec<String>),
}

/// One relation of a part to another, or to something outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) id: String,
    /// The last step of the relation's type: `footnotes`, `image`, `hyperlink`.
    pub(crate) kind: String,
    /// The part's name, or an address outside.
    pub(crate) target: String,
    pub(crate) external: bool,
}

impl<'a> Package<'a> {
    /// Opens a zip archive.
    pub(crate) fn open(bytes: &'a [u8], job: &'a Job<'a>) -> Result<Package<'a>, Refusal> {
        let archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| format!("damaged ZIP archive: {error}"))?;
        let count = archive.len().min(job.limits.max_entries.max(1_000) * 4);
        let names: Vec<String> = (0..count)
            .map(|at| match archive.name_for_index(at) {
                Some(Ok(name)) => name.replace('\\', "/"),
                _ => String::new(),
            })
            .collect();
        Ok(Package::of(
            Store::Zip(Box::new(RefCell::new(archive))),
            names,
            job,
        ))
    }

    /// Opens Office XML in one file (`pkg:package`).
    pub(crate) fn open_flat(bytes: &[u8], job: &'a Job<'a>) -> Package<'a> {
        let (names, parts) = flat_package::parts(bytes).into_iter().unzip();
        Package::of(Store::Flat(parts), names, job)
    }

    fn of(store: Store<'a>, names: Vec<String>, job: &'a Job<'a>) -> Package<'a> {
        let mut index = HashMap::new();
        for (at, name) in names.iter().enumerate() {
            index.entry(name.to_lowercase()).or_insert(at);
        }
        Package {
            store,
            index,
            names,
            job,
            faults: RefCell::new(Vec::new()),
        }
    }

    /// The names of all parts, in the order in which they are stored.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it has a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<usize> {
        let name = name.trim_start_matches('/').to_lowercase();
        self.index.get(&name).copied()
    }

    /// The bytes of a part; `None` if there is none, or if it cannot be read, which is noted.
    pub(crate) fn part(&self, name: &str) -> Option<Vec<u8>> {
        let at = self.find(name)?;
        let read = match &self.store {
            Store::Flat(parts) => Ok(parts.get(at)?.clone().into_bytes()),
            Store::Zip(archive) => {
                let mut archive = archive.borrow_mut();
                let entry = archive.by_index(at);
                entry.map_err(|error| error.to_string()).and_then(|entry| {
                    let packed = entry.compressed_size();
                    self.job
                        .unpack(entry, packed)
                        .map_err(|error| error.to_string())
                })
            }
        };
        read.map_err(|error| self.fault(format!("{name}: {error}")))
            .ok()
    }

    /// A part as XML; `None` as for [`Package::part`].
    pub(crate) fn tree(&self, name: &str) -> Option<Tree> {
        let tree = Tree::parse(&self.part(name)?);
        if let Some(fault) = &tree.fault {
            self.fault(format!("{name}: {fault}"));
        }
        Some(tree)
    }

    /// Notes something that could not be read.
    pub(crate) fn fault(&self, fault: String) {
        let mut faults = self.faults.borrow_mut();
        if faults.len() < 20 && !faults.contains(&fault) {
            faults.push(fault);
        }
    }

    /// What could not be read, as what the document lacks.
    pub(crate) fn gap(&self) -> Option<Gap> {
        let faults = self.faults.borrow();
        let first = faults.first()?;
        Some(Gap::new(match faults.len() - 1 {
            0 => format!("not read: {first}"),
            more => format!("not read: {first}, and {more} more"),
        }))
    }

    /// The relations of a part, in the order in which they are listed; those of the package for
    /// the empty name.
    pub(crate) fn relations(&self, part: &str) -> Vec<Relation> {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let name = match folder {
            "" => format!("_rels/{file}.rels"),
            _ => format!("{folder}/_rels/{file}.rels"),
        };
        let Some(tree) = self.tree(&name) else {
            return Vec::new();
        };
        let Some(root) = tree.root() else {
            return Vec::new();
        };
        root.children()
            .filter_map(|relation| {
                let kind = relation.attr("Type")?;
                let external = relation.attr("TargetMode") == Some("External");
                let target = relation.attr("Target")?;
                Some(Relation {
                    id: relation.attr("Id").unwrap_or_default().to_owned(),
                    kind: kind.rsplit('/').next().unwrap_or(kind).to_owned(),
                    target: match external {
                        true => target.to_owned(),
                        false => resolve(part, target),
                    },
                    external,
                })
            })
            .collect()
    }
}

/// The name of the part that `target` means, as seen from `part`.
pub(crate) fn resolve(part: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or(target);
    let target = target.replace('\\', "/");
    let target = percent_encoding::percent_decode_str(&target).decode_utf8_lossy();
    let mut steps: Vec<&str> = Vec::new();
    if !target.starts_with('/') {
        steps.extend(part.split('/'));
        steps.pop();
    }
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// Small packages for tests.
#[cfg(test)]
pub(in crate::format) mod testing {
    use std::io::Write;

    use docent_core::document::Document;

    use crate::{Limits, Outcome, check, extract_bytes};

    /// A zip archive of text files.
    pub(in crate::format) fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, text) in parts {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    /// The sound document that a file makes.
    pub(in crate::format) fn document_of(bytes: &[u8], name: &str) -> Document {
        match extract_bytes(bytes, name, &Limits::default()).outcome {
            Outcome::Read(document) => {
                assert_eq!(check(&document), Ok(()));
                document
            }
            other => panic!("{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_seen_from_the_part() {
        assert_eq!(
            resolve("word/document.xml", "footnotes.xml"),
            "word/footnotes.xml"
        );
        assert_eq!(
            resolve("ppt/slides/slide1.xml", "../media/a%20b.png"),
            "ppt/media/a b.png"
        );
        assert_eq!(resolve("a/b.xml", "/word/c.xml"), "word/c.xml");
        assert_eq!(resolve("b.xml", "../../c.xml#x"), "c.xml");
        assert_eq!(resolve("", "word/document.xml"), "word/document.xml");
    }
}
