//! The kinds of file that have a reader.

use docent_core::document::Format;

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Markdown,
    RestructuredText,
    AsciiDoc,
    Org,
    Latex,
    Code,
    Html,
    /// A web page with its parts as one mail.
    Mhtml,
    Pdf,
    /// A zip archive: an Office or OpenDocument file, a book, or an archive; its entries tell.
    Zip,
    /// An OLE compound file: an old Office file or an Outlook message; its streams tell.
    Compound,
    Rtf,
    /// FictionBook.
    Fb2,
    Eml,
    Mbox,
    /// winmail.dat.
    Tnef,
    Csv,
    Json,
    JsonLines,
    Xml,
    Yaml,
    Toml,
    Notebook,
    /// A section of OneNote.
    OneNote,
    /// VTT and SRT.
    Subtitles,
    Calendar,
    Contacts,
    Image,
    Tar,
    /// One file that is compressed: GZIP, BZIP2, XZ, Zstandard.
    Compressed,
    SevenZip,
    /// A file in a signed envelope: `.p7m`.
    Signed,
}

impl Kind {
    /// The format that people call it, as far as the kind tells: a zip archive may hold more.
    pub(crate) fn format(self) -> Format {
        match self {
            Kind::Text => Format::Text,
            Kind::Markdown => Format::Markdown,
            Kind::RestructuredText | Kind::AsciiDoc | Kind::Org | Kind::Latex => Format::Markup,
            Kind::Code => Format::Code,
            Kind::Html | Kind::Mhtml => Format::Html,
            Kind::Pdf => Format::Pdf,
            Kind::Zip | Kind::Tar | Kind::Compressed | Kind::SevenZip | Kind::Signed => {
                Format::Archive
            }
            Kind::Compound | Kind::Rtf => Format::Word,
            Kind::Fb2 => Format::Book,
            Kind::Eml | Kind::Mbox | Kind::Tnef => Format::Mail,
            Kind::Csv => Format::Sheet,
            Kind::Json | Kind::JsonLines | Kind::Xml | Kind::Yaml | Kind::Toml => Format::Data,
            Kind::Notebook | Kind::OneNote => Format::Notebook,
            Kind::Subtitles => Format::Transcript,
            Kind::Calendar => Format::Calendar,
            Kind::Contacts => Format::Contacts,
            Kind::Image => Format::Image,
        }
    }
}
