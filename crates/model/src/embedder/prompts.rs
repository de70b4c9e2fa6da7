//! What a model wants to read before a text: what its own files say, or else what is known of the
//! family that it is named after.

use std::collections::HashMap;

use docent_core::model::Prompts;
use serde::Deserialize;

/// What models call the prompt of a query, the likeliest name first.
const QUERY_NAMES: [&str; 4] = ["query", "search_query", "retrieval.query", "s2p_query"];
/// What they call that of a document.
const DOCUMENT_NAMES: [&str; 5] = [
    "document",
    "passage",
    "search_document",
    "retrieval.passage",
    "corpus",
];

/// `config_sentence_transformers.json`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PromptsFile {
    prompts: HashMap<String, Option<String>>,
}

impl PromptsFile {
    /// The file's prompts; `None` where it names none of the kinds that are used here.
    pub(super) fn prompts(&self) -> Option<Prompts> {
        let first = |names: &[&str]| {
            let mut given = names.iter();
            given.find_map(|name| self.prompts.get(*name)?.clone())
        };
        let (query, document) = (first(&QUERY_NAMES), first(&DOCUMENT_NAMES));
        (query.is_some() || document.is_some()).then(|| Prompts {
            query: query.unwrap_or_default(),
            document: document.unwrap_or_default(),
        })
    }
}

/// The instruction that several families put before a question.
const SEARCH: &str = "Represent this sentence for searching relevant passages: ";

/// Families whose makers ask for prompts on the model's page and often not in its files, with the
/// words that a name has one after another: the longer name first.
const FAMILIES: [(&[&str], &str, &str); 10] = [
    (
        &["nomic", "embed", "text"],
        "search_query: ",
        "search_document: ",
    ),
    (
        &["modernbert", "embed"],
        "search_query: ",
        "search_document: ",
    ),
    (&["arctic", "embed", "m", "v2"], "query: ", ""),
    (&["arctic", "embed", "l", "v2"], "query: ", ""),
    (&["arctic", "embed"], SEARCH, ""),
    (&["mxbai", "embed"], SEARCH, ""),
    (&["bge", "small", "en"], SEARCH, ""),
    (&["bge", "base", "en"], SEARCH, ""),
    (&["bge", "large", "en"], SEARCH, ""),
    (&["e5"], "query: ", "passage: "),
];

/// The prompts of the family that a model is named after; none for any other name.
pub(super) fn of_family(name: &str) -> Prompts {
    let name = name.to_lowercase();
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    // An instruction of its own for each task, which nobody but the person knows.
    if words.contains(&"instruct") {
        return Prompts::default();
    }
    let family = FAMILIES
        .iter()
        .find(|(family, ..)| words.windows(family.len()).any(|part| part == *family));
    family.map_or_else(Prompts::default, |(_, query, document)| Prompts {
        query: (*query).into(),
        document: (*document).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(json: &str) -> Option<Prompts> {
        serde_json::from_str::<PromptsFile>(json).unwrap().prompts()
    }

    #[test]
    fn prompts_are_read_under_any_name() {
        for file in [
            r#"{"prompts": {"query": "query: ", "passage": "passage: "}}"#,
            r#"{"prompts": {"search_query": "query: ", "search_document": "passage: ", "x": ""}}"#,
        ] {
            let prompts = of_file(file).unwrap();
            assert_eq!(
                (&*prompts.query, &*prompts.document),
                ("query: ", "passage: ")
            );
        }
        let one = of_file(r#"{"prompts": {"query": "ask: ", "document": null}}"#).unwrap();
        assert_eq!((&*one.query, &*one.document), ("ask: ", ""));
        assert_eq!(of_file("{\"__version__\": {}}"), None);
        assert_eq!(of_file(r#"{"prompts": {"clustering": "x"}}"#), None);
    }

    #[test]
    fn families_are_known_by_their_names() {
        let of = |name: &str| {
            let Prompts { query, document } = of_family(name);
            (query, document)
        };
        let e5 = ("query: ".to_owned(), "passage: ".to_owned());
        for name in ["e5-small-v2", "multilingual-e5-base", "E5_large.Q8_0"] {
            assert_eq!(of(name), e5, "{name}");
        }
        assert_eq!(of("nomic-embed-text-v1.5.f16").1, "search_document: ");
        assert_eq!(of("modernbert-embed-base").0, "search_query: ");
        assert_eq!(of("bge-small-en-v1.5"), (SEARCH.into(), String::new()));
        assert_eq!(of("snowflake-arctic-embed-m-v1.5").0, SEARCH);
        assert_eq!(of("snowflake-arctic-embed-l-v2.0").0, "query: ");
        let none = (String::new(), String::new());
        for name in [
            "all-MiniLM-L6-v2",
            "bge-m3",
            "gte-small",
            "multilingual-e5-large-instruct",
            "me5ting-notes",
            "",
        ] {
            assert_eq!(of(name), none, "{name}");
        }
    }
}
