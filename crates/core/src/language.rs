//! Natural languages, as far as indexing tells them apart.

use serde::{Deserialize, Serialize};

/// The languages that documents are told to be in: ISO 639-1, ISO 639-3, the name in English.
const NAMES: [(&str, &str, &str); 70] = [
    ("af", "afr", "afrikaans"),
    ("ak", "aka", "akan"),
    ("am", "amh", "amharic"),
    ("ar", "ara", "arabic"),
    ("az", "aze", "azerbaijani"),
    ("be", "bel", "belarusian"),
    ("bg", "bul", "bulgarian"),
    ("bn", "ben", "bengali"),
    ("ca", "cat", "catalan"),
    ("cs", "ces", "czech"),
    ("cy", "cym", "welsh"),
    ("da", "dan", "danish"),
    ("de", "deu", "german"),
    ("el", "ell", "greek"),
    ("en", "eng", "english"),
    ("eo", "epo", "esperanto"),
    ("es", "spa", "spanish"),
    ("et", "est", "estonian"),
    ("fa", "pes", "persian"),
    ("fi", "fin", "finnish"),
    ("fr", "fra", "french"),
    ("gu", "guj", "gujarati"),
    ("he", "heb", "hebrew"),
    ("hi", "hin", "hindi"),
    ("hr", "hrv", "croatian"),
    ("hu", "hun", "hungarian"),
    ("hy", "hye", "armenian"),
    ("id", "ind", "indonesian"),
    ("it", "ita", "italian"),
    ("ja", "jpn", "japanese"),
    ("jv", "jav", "javanese"),
    ("ka", "kat", "georgian"),
    ("km", "khm", "khmer"),
    ("kn", "kan", "kannada"),
    ("ko", "kor", "korean"),
    ("la", "lat", "latin"),
    ("lt", "lit", "lithuanian"),
    ("lv", "lav", "latvian"),
    ("mk", "mkd", "macedonian"),
    ("ml", "mal", "malayalam"),
    ("mr", "mar", "marathi"),
    ("my", "mya", "burmese"),
    ("ne", "nep", "nepali"),
    ("nl", "nld", "dutch"),
    ("no", "nob", "norwegian"),
    ("or", "ori", "oriya"),
    ("pa", "pan", "punjabi"),
    ("pl", "pol", "polish"),
    ("pt", "por", "portuguese"),
    ("ro", "ron", "romanian"),
    ("ru", "rus", "russian"),
    ("si", "sin", "sinhalese"),
    ("sk", "slk", "slovak"),
    ("sl", "slv", "slovenian"),
    ("sn", "sna", "shona"),
    ("sr", "srp", "serbian"),
    ("sv", "swe", "swedish"),
    ("ta", "tam", "tamil"),
    ("te", "tel", "telugu"),
    ("th", "tha", "thai"),
    ("tk", "tuk", "turkmen"),
    ("tl", "tgl", "tagalog"),
    ("tr", "tur", "turkish"),
    ("uk", "ukr", "ukrainian"),
    ("ur", "urd", "urdu"),
    ("uz", "uzb", "uzbek"),
    ("vi", "vie", "vietnamese"),
    ("yi", "yid", "yiddish"),
    ("zh", "cmn", "chinese"),
    ("zu", "zul", "zulu"),
];

/// A natural language by its ISO 639-3 code (`eng`, `deu`, `cmn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Language([u8; 3]);

impl Language {
    /// English, which most stop words and rules are written for.
    pub const ENGLISH: Language = Language(*b"eng");

    /// The language of an ISO 639-3 code; `None` if it is not three lower-case letters.
    pub fn from_code(code: &str) -> Option<Language> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_lowercase)
            .then_some(Language(bytes))
    }

    /// The language that a person means by its English name or its code, of two letters or three.
    pub fn from_name(name: &str) -> Option<Language> {
        let name = name.trim().to_ascii_lowercase();
        let is_named = |(two, three, english): &&(&str, &str, &str)| {
            name == *two || name == *three || name == *english
        };
        let (_, code, _) = NAMES.iter().find(is_named)?;
        Language::from_code(code)
    }

    /// The ISO 639-3 code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("und")
    }
}

impl Serialize for Language {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Language::from_code(&code)
            .ok_or_else(|| serde::de::Error::custom(format!("no language code: {code:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_by_its_name_and_its_codes() {
        for name in ["de", "deu", "German", " GERMAN "] {
            assert_eq!(Language::from_name(name), Language::from_code("deu"));
        }
        for name in ["", "klingon", "d", "xyz"] {
            assert_eq!(Language::from_name(name), None, "{name}");
        }
        for (two, three, english) in NAMES {
            let language = Language::from_code(three);
            assert!(language.is_some() && two.len() == 2, "{english}");
            assert_eq!(Language::from_name(english), language);
        }
    }
}
