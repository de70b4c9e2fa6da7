//! Natural languages, as far as indexing tells them apart.

use serde::{Deserialize, Serialize};

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
