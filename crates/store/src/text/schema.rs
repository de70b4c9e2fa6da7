//! The fields of the full-text index.

use docent_core::language::Language;
use tantivy::Index;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::Language as StemmerLanguage;

use super::analysis::{StemTokenizer, WordTokenizer};
use super::compounds::EndTokenizer;

/// Counts up whenever fields or analysis change: an index of another version is made again.
pub(crate) const ANALYSIS_VERSION: u32 = 2;

/// Every language that a stemmer exists for: its ISO 639-3 code, the field of its stems.
const STEMMERS: [(&str, &str, StemmerLanguage); 18] = [
    ("ara", "stem_ar", StemmerLanguage::Arabic),
    ("dan", "stem_da", StemmerLanguage::Danish),
    ("nld", "stem_nl", StemmerLanguage::Dutch),
    ("eng", "stem_en", StemmerLanguage::English),
    ("fin", "stem_fi", StemmerLanguage::Finnish),
    ("fra", "stem_fr", StemmerLanguage::French),
    ("deu", "stem_de", StemmerLanguage::German),
    ("ell", "stem_el", StemmerLanguage::Greek),
    ("hun", "stem_hu", StemmerLanguage::Hungarian),
    ("ita", "stem_it", StemmerLanguage::Italian),
    ("nob", "stem_no", StemmerLanguage::Norwegian),
    ("por", "stem_pt", StemmerLanguage::Portuguese),
    ("ron", "stem_ro", StemmerLanguage::Romanian),
    ("rus", "stem_ru", StemmerLanguage::Russian),
    ("spa", "stem_es", StemmerLanguage::Spanish),
    ("swe", "stem_sv", StemmerLanguage::Swedish),
    ("tam", "stem_ta", StemmerLanguage::Tamil),
    ("tur", "stem_tr", StemmerLanguage::Turkish),
];

/// The name of the fast field by which hits are joined to the catalog.
pub(crate) const CHUNK: &str = "chunk";
/// The name of the fast field by which documents are deleted and filtered.
pub(crate) const DOCUMENT: &str = "document";

const WORDS: &str = "words";
const GERMAN_ENDS: &str = "ends_de";

/// The fields, by what they are for.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) chunk: Field,
    pub(crate) document: Field,
    /// The chunk's words, unstemmed, with positions.
    pub(crate) body: Field,
    /// The document's title.
    pub(crate) title: Field,
    /// The headings that the chunk stands under.
    pub(crate) headings: Field,
    /// The path of the file.
    pub(crate) path: Field,
    /// The chunk's stems, in the field of its document's language, English where that is unknown;
    /// a language without a stemmer has none.
    pub(crate) stems: Vec<(Language, Field)>,
    /// The chunk's German words backwards, without their endings: which compounds end in a word.
    pub(crate) german_ends: Field,
}

impl Fields {
    /// The field of a language's stems.
    pub(crate) fn stems_of(&self, language: Language) -> Option<Field> {
        // The two written forms of Norwegian share a stemmer.
        let language = match language.code() {
            "nno" | "nor" => Language::from_code("nob")?,
            _ => language,
        };
        let found = self.stems.iter().find(|(known, _)| *known == language);
        found.map(|(_, field)| *field)
    }

    /// The field of German stems.
    pub(crate) fn german_stems(&self) -> Option<Field> {
        self.stems_of(Language::from_code(GERMAN)?)
    }
}

/// The code of German, the one language whose compounds are taken apart.
const GERMAN: &str = "deu";

/// The schema, with its fields.
pub(crate) fn build() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = |tokenizer: &str, record| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_index_option(record);
        TextOptions::default().set_indexing_options(indexing)
    };
    let words = text(WORDS, IndexRecordOption::WithFreqsAndPositions);
    // A dictionary is all that is wanted of it.
    let ends = TextFieldIndexing::default()
        .set_tokenizer(GERMAN_ENDS)
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let ends = TextOptions::default().set_indexing_options(ends);
    let fields = Fields {
        chunk: schema.add_u64_field(CHUNK, FAST),
        document: schema.add_u64_field(DOCUMENT, FAST | INDEXED),
        body: schema.add_text_field("body", words.clone()),
        title: schema.add_text_field("title", words.clone()),
        headings: schema.add_text_field("headings", words.clone()),
        path: schema.add_text_field("path", words),
        stems: STEMMERS
            .iter()
            .filter_map(|(code, name, _)| {
                let options = text(name, IndexRecordOption::WithFreqs);
                let field = schema.add_text_field(name, options);
                Some((Language::from_code(code)?, field))
            })
            .collect(),
        german_ends: schema.add_text_field(GERMAN_ENDS, ends),
    };
    (schema.build(), fields)
}

/// Makes our tokenizers known to an index.
pub(crate) fn register_tokenizers(index: &Index) {
    let tokenizers = index.tokenizers();
    tokenizers.register(WORDS, WordTokenizer::for_index());
    tokenizers.register(GERMAN_ENDS, EndTokenizer::default());
    for (_, name, language) in STEMMERS {
        tokenizers.register(name, StemTokenizer::new(language));
    }
}
