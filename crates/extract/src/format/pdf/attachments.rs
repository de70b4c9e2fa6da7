//! Files inside a PDF: those of its name tree and those that are pinned to its pages.

use std::collections::HashSet;
use std::io::Read;

use flate2::read::ZlibDecoder;
use hayro_syntax::object::{Array, Dict, Name, ObjRef, Object, Stream};
use hayro_syntax::{Filter, Pdf};

use super::{fields, info};
use crate::Inner;
use crate::job::{Job, left_out, unique_path};

/// Nodes of the tree of names: so many.
const MAX_NODES: usize = 20_000;

/// Extracts the files inside a PDF, within the job's bounds.
pub(super) fn read(pdf: &Pdf, job: &Job<'_>) -> Vec<Inner> {
    let mut inner = Vec::new();
    let mut paths = HashSet::new();
    let mut seen: HashSet<ObjRef> = HashSet::new();
    for specification in specifications(pdf) {
        if inner.len() > job.limits.max_entries || job.is_late() {
            break;
        }
        let Some((name, stream, reference)) = embedded(&specification) else {
            continue;
        };
        if reference.is_some_and(|reference| !seen.insert(reference)) {
            continue;
        }
        let path = unique_path(&name, &mut paths);
        match unpack(&stream, job) {
            Ok(bytes) => inner.extend(job.open(&path, &bytes)),
            Err(reason) => inner.push(left_out(path, reason.into(), 0)),
        }
    }
    inner
}

/// The file specifications of a document, of the tree of names first.
fn specifications(pdf: &Pdf) -> Vec<Dict<'_>> {
    let tree = info::catalog(pdf)
        .and_then(|catalog| catalog.get::<Dict<'_>>("Names"))
        .and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"));
    let mut found = Vec::new();
    let mut open: Vec<Dict<'_>> = tree.into_iter().collect();
    let mut nodes = 0;
    while let Some(node) = open.pop() {
        nodes += 1;
        if nodes > MAX_NODES {
            break;
        }
        if let Some(kids) = node.get::<Array<'_>>("Kids") {
            let kids: Vec<Dict<'_>> = kids.iter::<Dict<'_>>().take(MAX_NODES).collect();
            open.extend(kids.into_iter().rev());
        }
        if let Some(names) = node.get::<Array<'_>>("Names") {
            found.extend(
                names
                    .iter::<Object<'_>>()
                    .take(2 * MAX_NODES)
                    .filter_map(Object::into_dict),
            );
        }
    }
    for page in pdf.pages().iter() {
        let pinned = fields::annotations(page).filter(|annotation| {
            let kind = annotation.get::<Name<'_>>("Subtype");
            kind.is_some_and(|kind| kind.as_str() == "FileAttachment")
        });
        found.extend(pinned.filter_map(|annotation| annotation.get::<Dict<'_>>("FS")));
    }
    found
}

/// The name and the content of an embedded file.
fn embedded<'a>(specification: &Dict<'a>) -> Option<(String, Stream<'a>, Option<ObjRef>)> {
    let files = specification.get::<Dict<'a>>("EF")?;
    let key = ["UF", "F", "Unix", "DOS", "Mac"]
        .into_iter()
        .find(|key| files.contains_key(key))?;
    let name = ["UF", "F", "Unix", "DOS", "Mac"]
        .into_iter()
        .find_map(|key| info::text(specification, key));
    let name = name.unwrap_or_else(|| "attachment".to_owned());
    Some((name, files.get::<Stream<'a>>(key)?, files.get_ref(key)))
}

/// The bytes of a file, within the job's bounds.
fn unpack(stream: &Stream<'_>, job: &Job<'_>) -> Result<Vec<u8>, String> {
    let raw = stream.raw_data();
    let packed = raw.len() as u64;
    let read = |part: &mut dyn Read| job.unpack(part, packed).map_err(|error| error.to_string());
    let plain_parameters = !stream.dict().contains_key("DecodeParms");
    match stream.filters().as_slice() {
        [] => read(&mut &raw[..]),
        [Filter::FlateDecode] if plain_parameters => read(&mut ZlibDecoder::new(&raw[..])),
        _ => {
            let bytes = stream
                .decoded_data()
                .map_err(|_| "its packing could not be undone".to_owned())?;
            read(&mut &bytes[..])
        }
    }
}
