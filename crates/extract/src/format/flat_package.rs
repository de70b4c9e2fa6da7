//! Office XML in one file: a `pkg:package` with every part of a package in it.

use quick_xml::events::Event;

use super::xml::{attribute, reader, text_of};

/// Whether bytes begin as such a file.
pub(crate) fn is_flat_package(bytes: &[u8]) -> bool {
    let first = &bytes[..bytes.len().min(4096)];
    let first = String::from_utf8_lossy(first);
    first.contains("<pkg:package") && first.contains("<?xml")
}

/// The XML parts by name; pictures and other binary parts are left out.
pub(super) fn parts(bytes: &[u8]) -> Vec<(String, String)> {
    let text = text_of(bytes);
    let mut reader = reader(&text);
    let mut found = Vec::new();
    let mut name = None;
    let mut start = None;
    loop {
        let before = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Start(element)) => match element.local_name().into_inner() {
                "part" => {
                    name = attribute(&element, "name")
                        .map(|name| name.trim_start_matches('/').to_owned());
                }
                "xmlData" => start = Some(reader.buffer_position() as usize),
                _ => {}
            },
            Ok(Event::End(element)) if element.local_name().into_inner() == "xmlData" => {
                if let (Some(name), Some(start)) = (name.take(), start.take())
                    && let Some(part) = text.get(start..before)
                {
                    found.push((name, part.to_owned()));
                }
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_out_whole() {
        let file = b"<?xml version='1.0'?><pkg:package xmlns:pkg='x'>\
                     <pkg:part pkg:name='/word/document.xml'><pkg:xmlData><w:a>one</w:a></pkg:xmlData></pkg:part>\
                     <pkg:part pkg:name='/i.png'><pkg:binaryData>AA==</pkg:binaryData></pkg:part></pkg:package>";
        assert!(is_flat_package(file));
        assert_eq!(
            parts(file),
            [("word/document.xml".to_owned(), "<w:a>one</w:a>".to_owned())]
        );
    }
}
