//! Conditions on the document that a chunk belongs to: where it lies, what it is, when it was
//! written, in which language, by whom and to whom.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::date::When;
use crate::document::Format;
use crate::language::Language;

/// Conditions on the document. All kinds have to hold; within one list one value suffices, but
/// of `after` and `before`, which all have to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filters {
    /// The path contains this, upper and lower case alike; `*` stands for any characters.
    pub paths: Vec<String>,
    /// The path does not contain this.
    pub not_paths: Vec<String>,
    /// The document is of this format.
    pub formats: Vec<Format>,
    /// The document is not of this format.
    pub not_formats: Vec<Format>,
    /// The title contains this, upper and lower case alike.
    pub titles: Vec<String>,
    /// The title does not contain this.
    pub not_titles: Vec<String>,
    /// The document is in this language.
    pub languages: Vec<Language>,
    /// The document is not in this language.
    pub not_languages: Vec<Language>,
    /// The document is dated on the first day of this or later.
    pub after: Vec<When>,
    /// The document is dated before the first day of this.
    pub before: Vec<When>,
    /// The document is dated within this.
    pub dates: Vec<When>,
    /// The document is not dated within this.
    pub not_dates: Vec<When>,
    /// The mail's sender contains this, name or address, upper and lower case alike.
    pub senders: Vec<String>,
    /// The mail's sender does not contain this.
    pub not_senders: Vec<String>,
    /// One of the mail's recipients contains this.
    pub recipients: Vec<String>,
    /// None of the mail's recipients contains this.
    pub not_recipients: Vec<String>,
    /// The document is one of these, by the store's ids. Set by the program, never typed; empty
    /// is all documents.
    pub documents: Vec<i64>,
}

/// A kind of condition on the document, as it is typed before a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Field {
    /// `path:`
    Path,
    /// `type:`
    Type,
    /// `title:`
    Title,
    /// `lang:`
    Language,
    /// `after:`
    After,
    /// `before:`
    Before,
    /// `date:`
    Date,
    /// `from:`
    From,
    /// `to:`
    To,
}

impl Field {
    /// The field that is typed so; `None` if there is none.
    pub(super) fn from_name(name: &str) -> Option<Field> {
        match name.to_ascii_lowercase().as_str() {
            "path" | "in" => Some(Field::Path),
            "type" => Some(Field::Type),
            "title" => Some(Field::Title),
            "lang" | "language" => Some(Field::Language),
            "after" | "since" => Some(Field::After),
            "before" | "until" => Some(Field::Before),
            "date" => Some(Field::Date),
            "from" => Some(Field::From),
            "to" => Some(Field::To),
            _ => None,
        }
    }
}

/// A value that its field does not know. The message says what would be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadValue {
    /// The field.
    pub field: Field,
    /// What was typed.
    pub value: String,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = &self.value;
        match self.field {
            Field::Type => write!(
                f,
                "“{value}” is no type: write pdf, word, mail, code … or an extension"
            ),
            Field::Language => write!(
                f,
                "“{value}” is no language that is told apart: write its name in English or its code (german, de, deu)"
            ),
            Field::After | Field::Before | Field::Date => {
                write!(f, "“{value}” is no date: write {}", When::FORMS)
            }
            Field::Path | Field::Title | Field::From | Field::To => {
                write!(f, "there is nothing to look for in “{value}”")
            }
        }
    }
}

impl std::error::Error for BadValue {}

impl Filters {
    /// Whether every document passes.
    pub fn is_empty(&self) -> bool {
        *self == Filters::default()
    }

    /// Adds the condition that `field` holds for `value`, or does not.
    ///
    /// # Errors
    /// When the field does not know the value; nothing is added then.
    pub fn add(&mut self, field: Field, value: &str, negated: bool) -> Result<(), BadValue> {
        let bad = || BadValue {
            field,
            value: value.to_owned(),
        };
        let text = || match value.trim() {
            "" => Err(bad()),
            _ => Ok(value.to_owned()),
        };
        let when = || When::parse(value).ok_or_else(bad);
        match (field, negated) {
            (Field::Path, false) => self.paths.push(text()?),
            (Field::Path, true) => self.not_paths.push(text()?),
            (Field::Title, false) => self.titles.push(text()?),
            (Field::Title, true) => self.not_titles.push(text()?),
            (Field::From, false) => self.senders.push(text()?),
            (Field::From, true) => self.not_senders.push(text()?),
            (Field::To, false) => self.recipients.push(text()?),
            (Field::To, true) => self.not_recipients.push(text()?),
            (Field::Type, false) => self.formats.push(format_named(value).ok_or_else(bad)?),
            (Field::Type, true) => self.not_formats.push(format_named(value).ok_or_else(bad)?),
            (Field::Language, _) => {
                let language = Language::from_name(value).ok_or_else(bad)?;
                match negated {
                    false => self.languages.push(language),
                    true => self.not_languages.push(language),
                }
            }
            // Not after a day is before it.
            (Field::After, false) | (Field::Before, true) => self.after.push(when()?),
            (Field::Before, false) | (Field::After, true) => self.before.push(when()?),
            (Field::Date, false) => self.dates.push(when()?),
            (Field::Date, true) => self.not_dates.push(when()?),
        }
        Ok(())
    }

    /// Adds the conditions of others, as if all had been typed together.
    pub fn extend(&mut self, others: &Filters) {
        // Named one by one, so that a new list is not forgotten.
        let Filters {
            paths,
            not_paths,
            formats,
            not_formats,
            titles,
            not_titles,
            languages,
            not_languages,
            after,
            before,
            dates,
            not_dates,
            senders,
            not_senders,
            recipients,
            not_recipients,
            documents,
        } = others;
        self.paths.extend_from_slice(paths);
        self.not_paths.extend_from_slice(not_paths);
        self.formats.extend_from_slice(formats);
        self.not_formats.extend_from_slice(not_formats);
        self.titles.extend_from_slice(titles);
        self.not_titles.extend_from_slice(not_titles);
        self.languages.extend_from_slice(languages);
        self.not_languages.extend_from_slice(not_languages);
        self.after.extend_from_slice(after);
        self.before.extend_from_slice(before);
        self.dates.extend_from_slice(dates);
        self.not_dates.extend_from_slice(not_dates);
        self.senders.extend_from_slice(senders);
        self.not_senders.extend_from_slice(not_senders);
        self.recipients.extend_from_slice(recipients);
        self.not_recipients.extend_from_slice(not_recipients);
        self.documents.extend_from_slice(documents);
    }
}

/// The format that a person means by `type:md`.
fn format_named(word: &str) -> Option<Format> {
    let word = word.trim().trim_start_matches('.').to_ascii_lowercase();
    match word.as_str() {
        "md" => Some(Format::Markdown),
        "txt" => Some(Format::Text),
        "htm" | "xhtml" | "mhtml" | "mht" => Some(Format::Html),
        "source" => Some(Format::Code),
        "docx" | "doc" | "docm" | "odt" | "rtf" => Some(Format::Word),
        "xlsx" | "xls" | "xlsm" | "xlsb" | "ods" | "csv" | "tsv" => Some(Format::Sheet),
        "pptx" | "ppt" | "odp" => Some(Format::Slides),
        "eml" | "mbox" | "msg" | "email" => Some(Format::Mail),
        "epub" | "fb2" => Some(Format::Book),
        "json" | "jsonl" | "xml" | "yaml" | "yml" | "toml" => Some(Format::Data),
        "rst" | "adoc" | "org" | "tex" | "latex" => Some(Format::Markup),
        "ipynb" => Some(Format::Notebook),
        "vtt" | "srt" => Some(Format::Transcript),
        "ics" => Some(Format::Calendar),
        "vcf" => Some(Format::Contacts),
        "png" | "jpg" | "jpeg" | "tiff" | "webp" => Some(Format::Image),
        "zip" | "tar" | "7z" | "gz" => Some(Format::Archive),
        word => Format::from_word(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Day;
    use crate::query::Query;

    #[test]
    fn every_field_has_a_list_and_one_for_what_must_not_be() {
        let query = Query::parse(
            "-path:a -type:pdf -title:b -lang:de -after:2024 -before:30d -date:2023 -from:c \
             -to:\"Jane Doe\" rent",
        );
        let filters = query.filters;
        assert_eq!(filters.not_paths, ["a"]);
        assert_eq!(filters.not_formats, [Format::Pdf]);
        assert_eq!(filters.not_titles, ["b"]);
        assert_eq!(filters.not_languages, [Language::from_code("deu").unwrap()]);
        assert_eq!(filters.before, [When::parse("2024").unwrap()]);
        assert_eq!(filters.after, [When::DaysAgo(30)]);
        assert_eq!(filters.not_dates, [When::parse("2023").unwrap()]);
        assert_eq!(filters.not_senders, ["c"]);
        assert_eq!(filters.not_recipients, ["Jane Doe"]);
        assert_eq!(query.plain, "rent");
    }

    #[test]
    fn dates_and_languages_are_understood() {
        let query = Query::parse("after:2024-03-01 before:2025 date:2024 lang:german LANG:en");
        let first = |when: When| when.period(Day(0)).first.ymd();
        assert_eq!(first(query.filters.after[0]), (2024, 3, 1));
        assert_eq!(first(query.filters.before[0]), (2025, 1, 1));
        assert_eq!(first(query.filters.dates[0]), (2024, 1, 1));
        let codes: Vec<_> = query.filters.languages.iter().map(Language::code).collect();
        assert_eq!(codes, ["deu", "eng"]);
    }

    #[test]
    fn filters_are_joined_as_if_typed_together() {
        let typed = |text: &str| Query::parse(text).filters;
        let all = "path:a -path:b type:pdf -type:md title:c -title:d lang:de -lang:fr after:2024 \
                   before:2025 date:2024 -date:2023 from:e -from:f to:g -to:h";
        let mut joined = typed(all);
        joined.documents = vec![7];
        let mut empty = Filters::default();
        empty.extend(&joined);
        assert_eq!(empty, joined);
        empty.extend(&typed("path:x"));
        assert_eq!(empty.paths, ["a", "x"]);
    }

    #[test]
    fn a_value_without_content_is_refused() {
        let mut filters = Filters::default();
        for (field, value) in [
            (Field::Path, " "),
            (Field::Type, ""),
            (Field::After, "soon"),
            (Field::Language, "klingon"),
        ] {
            assert!(filters.add(field, value, false).is_err(), "{field:?}");
        }
        assert!(filters.is_empty());
    }
}
