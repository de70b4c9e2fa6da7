//! The kinds of document that people tell apart.

use serde::{Deserialize, Serialize};

/// The kind of file that a document was extracted from, as people tell them apart: a `.doc` and
/// an `.odt` are both letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text of any character set.
    Text,
    /// Markdown.
    Markdown,
    /// reStructuredText, AsciiDoc, Org, LaTeX.
    Markup,
    /// Source code.
    Code,
    /// HTML, XHTML, MHTML.
    Html,
    /// PDF and XPS.
    Pdf,
    /// Text processing: DOCX, DOC, ODT, RTF and their kin.
    Word,
    /// Presentations: PPTX, PPT, ODP.
    Slides,
    /// Spreadsheets: XLSX, XLS, ODS, CSV and their kin.
    Sheet,
    /// EPUB, FB2.
    Book,
    /// EML, MBOX, MSG, winmail.dat.
    Mail,
    /// JSON, JSON lines, XML, YAML, TOML.
    Data,
    /// Jupyter notebooks.
    Notebook,
    /// Subtitles and transcripts: VTT, SRT.
    Transcript,
    /// ICS.
    Calendar,
    /// VCF.
    Contacts,
    /// Pictures that are read by OCR.
    Image,
    /// ZIP, TAR, GZ, 7Z: the list of what is inside, which is read file by file.
    Archive,
}

/// Each format with its word, in the order in which they are listed to people.
const WORDS: [(Format, &str); 18] = [
    (Format::Text, "text"),
    (Format::Markdown, "markdown"),
    (Format::Markup, "markup"),
    (Format::Code, "code"),
    (Format::Html, "html"),
    (Format::Pdf, "pdf"),
    (Format::Word, "word"),
    (Format::Slides, "slides"),
    (Format::Sheet, "sheet"),
    (Format::Book, "book"),
    (Format::Mail, "mail"),
    (Format::Data, "data"),
    (Format::Notebook, "notebook"),
    (Format::Transcript, "transcript"),
    (Format::Calendar, "calendar"),
    (Format::Contacts, "contacts"),
    (Format::Image, "image"),
    (Format::Archive, "archive"),
];

impl Format {
    /// Every format, in the order in which they are listed to people.
    pub fn all() -> impl Iterator<Item = Format> {
        WORDS.into_iter().map(|(format, _)| format)
    }

    /// The word for it in output, in queries (`type:pdf`) and in the catalog.
    pub fn word(self) -> &'static str {
        WORDS[self as usize].1
    }

    /// The format that a word of [`Format::word`] names.
    pub fn from_word(word: &str) -> Option<Format> {
        WORDS
            .into_iter()
            .find_map(|(format, known)| (known == word).then_some(format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_formats_name_each_other() {
        for format in Format::all() {
            assert_eq!(Format::from_word(format.word()), Some(format));
        }
        assert_eq!(Format::from_word("docx"), None);
    }
}
