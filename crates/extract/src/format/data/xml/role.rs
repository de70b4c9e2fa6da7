//! What the elements of the common vocabularies do to the text: JATS, DocBook, TEI, Word's, feeds.

/// Outermost elements of documents.
pub(super) const DOCUMENT_ROOTS: &[&str] = &[
    "RDF",
    "TEI",
    "TEI.2",
    "article",
    "book",
    "chapter",
    "concept",
    "feed",
    "package",
    "pmc-articleset",
    "reference",
    "rss",
    "section",
    "task",
    "teiCorpus",
    "topic",
    "wordDocument",
];

/// What an element does to the text.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    /// Text of its own.
    Block,
    /// A block of several data, which are told apart by their elements alone.
    Record,
    /// A stretch of text that may begin and end within a word.
    Inline,
    Heading,
    Item,
    Table,
    Row,
    Cell,
    /// A part with a heading.
    Section,
    /// The same thing said in several ways.
    Alternatives,
    /// A formula in MathML: read where LaTeX does not say the same.
    Math,
    /// A formula in LaTeX.
    Formula,
    /// Not read.
    LeftOut,
    /// Only what is in it counts.
    Other,
}

/// What the element of a local name does, whichever vocabulary it is of.
pub(super) fn role(name: &str) -> Role {
    match name {
        "p"
        | "para"
        | "simpara"
        | "abstract"
        | "ab"
        | "l"
        | "lg"
        | "quote"
        | "programlisting"
        | "screen"
        | "literallayout"
        | "code"
        | "preformat"
        | "disp-formula"
        | "disp-quote"
        | "verse-line"
        | "def"
        | "term"
        | "description"
        | "summary"
        | "encoded"
        | "copyright-statement"
        | "kwd" => Role::Block,
        "aff" | "author" | "bibl" | "biblioentry" | "contrib" | "corresp" | "element-citation"
        | "mixed-citation" | "record" | "ref" => Role::Record,
        "title" | "head" | "article-title" | "subtitle" => Role::Heading,
        "list-item" | "listitem" | "li" => Role::Item,
        "table" | "tgroup" => Role::Table,
        "tr" | "row" => Role::Row,
        "td" | "th" | "cell" | "entry" => Role::Cell,
        "ack" | "app" | "appendix" | "boxed-text" | "chapter" | "div" | "div1" | "div2"
        | "div3" | "div4" | "item" | "part" | "ref-list" | "sec" | "sect1" | "sect2" | "sect3"
        | "sect4" | "sect5" | "section" | "topic" => Role::Section,
        "b" | "bold" | "emph" | "emphasis" | "ext-link" | "g" | "hi" | "i" | "italic"
        | "named-content" | "r" | "roman" | "sc" | "seg" | "span" | "strike" | "styled-content"
        | "sub" | "sup" | "t" | "u" | "underline" | "w" | "xref" => Role::Inline,
        "alternatives" => Role::Alternatives,
        "math" => Role::Math,
        "tex-math" => Role::Formula,
        "Fallback" | "binaryData" | "delText" | "instrText" | "object-id" | "script" | "style" => {
            Role::LeftOut
        }
        _ => Role::Other,
    }
}
