//! Which documents pass a query's filters.
//!
//! What filters look at is kept for all live documents of a revision, in lower case, and so is
//! the set that passed last: both retrievers ask for it, and so does each key that is typed.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Local};
use docent_core::date::{Day, Period, When};
use docent_core::document::Format;
use docent_core::language::Language;
use docent_core::query::Filters;
use memchr::memmem::Finder;
use roaring::RoaringTreemap;
use rusqlite::{Connection, Row};

use crate::catalog::{Failure, documents, schema};
use crate::error::StoreError;
use crate::id::{DocumentId, Revision};
use crate::reader::Reader;
use crate::text::AllowedDocuments;

/// What filters look at, of one live document. Texts are in lower case.
#[derive(Debug, Clone)]
struct DocumentFacts {
    document: i64,
    path: String,
    title: String,
    format: Format,
    language: Option<Language>,
    /// The mail's date, else what the document says of its last change or its making, else the
    /// file's last change.
    date: Day,
    /// Of a mail, or of the mail that the document came with.
    correspondents: Option<Box<Correspondents>>,
}

/// Who wrote to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Correspondents {
    sender: String,
    recipients: String,
}

/// What is known of the last revision that was filtered.
#[derive(Default)]
pub(crate) struct FilterCache {
    facts: Option<(Revision, Arc<[DocumentFacts]>)>,
    /// The filters asked for last, the day they were asked on, and what passed.
    passed: Option<(Filters, Day, AllowedDocuments)>,
}

impl Reader {
    /// The live documents that pass the filters, by id.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn documents(&self, filters: &Filters) -> Result<Vec<DocumentId>, StoreError> {
        self.shared.catalog.read(|catalog| {
            let revision = schema::state(catalog)?.revision;
            let allowed = self.allowed(catalog, revision, filters)?;
            let mut live = catalog.prepare_cached(
                "SELECT document FROM sources WHERE document IS NOT NULL ORDER BY document",
            )?;
            let live = live.query_map([], |row| row.get::<_, i64>(0))?;
            let live = live.collect::<rusqlite::Result<Vec<i64>>>()?.into_iter();
            let passes = |id: &i64| allowed.as_ref().is_none_or(|ids| ids.contains(*id as u64));
            Ok(live.filter(passes).map(DocumentId).collect())
        })
    }

    /// The documents that pass the filters; `None` when all do.
    pub(crate) fn allowed(
        &self,
        catalog: &Connection,
        revision: Revision,
        filters: &Filters,
    ) -> Result<Option<AllowedDocuments>, Failure> {
        if filters.is_empty() {
            return Ok(None);
        }
        let mut named: RoaringTreemap = filters.documents.iter().map(|id| *id as u64).collect();
        let of_facts = Filters {
            documents: Vec::new(),
            ..filters.clone()
        };
        if of_facts.is_empty() {
            return Ok(Some(Arc::new(named)));
        }
        let passing = self.passing(catalog, revision, of_facts, today())?;
        if named.is_empty() {
            return Ok(Some(passing));
        }
        named &= &*passing;
        Ok(Some(Arc::new(named)))
    }

    /// The live documents whose facts pass.
    fn passing(
        &self,
        catalog: &Connection,
        revision: Revision,
        filters: Filters,
        today: Day,
    ) -> Result<AllowedDocuments, Failure> {
        let mut cache = self
            .shared
            .filters
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = cache.facts.as_ref().filter(|(known, _)| *known == revision);
        let facts = match known {
            Some((_, facts)) => Arc::clone(facts),
            None => {
                let facts: Arc<[DocumentFacts]> = facts(catalog)?.into();
                *cache = FilterCache {
                    facts: Some((revision, Arc::clone(&facts))),
                    passed: None,
                };
                facts
            }
        };
        if let Some((known, day, passed)) = &cache.passed
            && (known, day) == (&filters, &today)
        {
            return Ok(Arc::clone(passed));
        }
        let sieve = Sieve::new(&filters, today);
        let passing = facts.iter().filter(|facts| sieve.passes(facts));
        let passing: RoaringTreemap = passing.map(|facts| facts.document as u64).collect();
        let passing = Arc::new(passing);
        cache.passed = Some((filters, today, Arc::clone(&passing)));
        Ok(passing)
    }
}

/// Today where the program runs.
fn today() -> Day {
    day_of(Local::now())
}

fn day_of(time: DateTime<Local>) -> Day {
    // Counted from 0001-01-01, which is day 1; 1970-01-01 is day 719,163 so.
    Day(time.num_days_from_ce() - 719_163)
}

/// The day on which a file was changed, in nanoseconds since 1970.
fn changed_on(modified_ns: i64) -> Day {
    day_of(DateTime::from_timestamp_nanos(modified_ns).with_timezone(&Local))
}

/// Reads what filters look at of every live document.
fn facts(catalog: &Connection) -> Result<Vec<DocumentFacts>, Failure> {
    let mut statement = catalog.prepare_cached(
        "SELECT d.id, s.path, d.title, d.format, d.language, s.modified_ns, d.properties,
             holder.format, holder.properties
         FROM sources s JOIN documents d ON d.id = s.document
             LEFT JOIN sources container ON container.id = s.container
             LEFT JOIN documents holder ON holder.id = container.document
         ORDER BY d.id",
    )?;
    let facts = statement.query_map([], |row| {
        let title: Option<String> = row.get(2)?;
        let format = documents::format(row, 3)?;
        let own = documents::properties(row, 6)?;
        // What came with a mail is from its sender, to its recipients, and as old as it.
        let holder = match row.get_ref(7)?.as_str_or_null()? {
            Some(word) if word == Format::Mail.word() => documents::properties(row, 8)?,
            _ => Vec::new(),
        };
        let mail = if format == Format::Mail {
            &own
        } else {
            &holder
        };
        let date = own_date(format, &own).or_else(|| own_date(Format::Mail, &holder));
        Ok(DocumentFacts {
            document: row.get(0)?,
            path: text(row, 1)?.to_lowercase(),
            title: title.map(|title| title.to_lowercase()).unwrap_or_default(),
            format,
            language: documents::language(row, 4)?,
            date: match date {
                Some(date) => date,
                None => changed_on(row.get(5)?),
            },
            correspondents: correspondents(mail),
        })
    })?;
    Ok(facts.collect::<rusqlite::Result<Vec<_>>>()?)
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(column)?.as_str()?)
}

/// What a document says of its date.
fn own_date(format: Format, properties: &[(String, String)]) -> Option<Day> {
    let names: &[&str] = match format {
        Format::Mail => &["date"],
        _ => &["modified", "created"],
    };
    names.iter().find_map(|name| {
        let (_, value) = properties.iter().find(|(known, _)| known == name)?;
        Day::from_rfc3339(value)
    })
}

fn correspondents(properties: &[(String, String)]) -> Option<Box<Correspondents>> {
    let mut found = Correspondents::default();
    for (name, value) in properties {
        let list = match name.as_str() {
            "from" => &mut found.sender,
            "to" | "cc" | "bcc" => &mut found.recipients,
            _ => continue,
        };
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&value.to_lowercase());
    }
    (found != Correspondents::default()).then(|| Box::new(found))
}

/// Filters as they are asked of many documents.
struct Sieve<'f> {
    filters: &'f Filters,
    paths: Patterns,
    not_paths: Patterns,
    titles: Patterns,
    not_titles: Patterns,
    senders: Patterns,
    not_senders: Patterns,
    recipients: Patterns,
    not_recipients: Patterns,
    /// The first day that passes, and the last.
    span: Period,
    dates: Vec<Period>,
    not_dates: Vec<Period>,
}

impl<'f> Sieve<'f> {
    fn new(filters: &'f Filters, today: Day) -> Sieve<'f> {
        let periods = |whens: &[When]| whens.iter().map(|when| when.period(today)).collect();
        let after: Vec<Period> = periods(&filters.after);
        let before: Vec<Period> = periods(&filters.before);
        let first = after.iter().map(|period| period.first).max();
        let last = before.iter().map(|period| Day(period.first.0 - 1)).min();
        Sieve {
            filters,
            paths: Patterns::new(&filters.paths),
            not_paths: Patterns::new(&filters.not_paths),
            titles: Patterns::new(&filters.titles),
            not_titles: Patterns::new(&filters.not_titles),
            senders: Patterns::new(&filters.senders),
            not_senders: Patterns::new(&filters.not_senders),
            recipients: Patterns::new(&filters.recipients),
            not_recipients: Patterns::new(&filters.not_recipients),
            span: Period {
                first: first.unwrap_or(Day(i32::MIN)),
                last: last.unwrap_or(Day(i32::MAX)),
            },
            dates: periods(&filters.dates),
            not_dates: periods(&filters.not_dates),
        }
    }

    fn passes(&self, facts: &DocumentFacts) -> bool {
        let filters = self.filters;
        let within = |periods: &[Period]| periods.iter().any(|period| period.contains(facts.date));
        let speaks = |languages: &[Language]| {
            facts
                .language
                .is_some_and(|language| languages.contains(&language))
        };
        let (sender, recipients) = match &facts.correspondents {
            Some(known) => (known.sender.as_str(), known.recipients.as_str()),
            None => ("", ""),
        };
        (filters.formats.is_empty() || filters.formats.contains(&facts.format))
            && !filters.not_formats.contains(&facts.format)
            && (filters.languages.is_empty() || speaks(&filters.languages))
            && !speaks(&filters.not_languages)
            && self.span.contains(facts.date)
            && (self.dates.is_empty() || within(&self.dates))
            && !within(&self.not_dates)
            && self.paths.pass(&facts.path)
            && !self.not_paths.any(&facts.path)
            && self.titles.pass(&facts.title)
            && !self.not_titles.any(&facts.title)
            && self.senders.pass(sender)
            && !self.not_senders.any(sender)
            && self.recipients.pass(recipients)
            && !self.not_recipients.any(recipients)
    }
}

/// Patterns, of which one has to be in a text; in each `*` stands for any characters.
struct Patterns(Vec<Vec<Finder<'static>>>);

impl Patterns {
    fn new(patterns: &[String]) -> Patterns {
        let pieces = |pattern: &String| {
            let pattern = pattern.to_lowercase();
            let pieces = pattern.split('*').filter(|piece| !piece.is_empty());
            pieces
                .map(|piece| Finder::new(piece.as_bytes()).into_owned())
                .collect()
        };
        Patterns(patterns.iter().map(pieces).collect())
    }

    /// Whether one of them is in the text; `true` where there are none.
    fn pass(&self, text: &str) -> bool {
        self.0.is_empty() || self.any(text)
    }

    /// Whether one of them is in the text.
    fn any(&self, text: &str) -> bool {
        self.0.iter().any(|pieces| {
            let mut rest = text.as_bytes();
            pieces.iter().all(|piece| {
                let Some(at) = piece.find(rest) else {
                    return false;
                };
                rest = &rest[at + piece.needle().len()..];
                true
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> DocumentFacts {
        DocumentFacts {
            document: 1,
            path: "mail/2024/offer.eml".into(),
            title: "the offer".into(),
            format: Format::Mail,
            language: Language::from_code("deu"),
            date: Day::from_ymd(2024, 3, 1).unwrap(),
            correspondents: correspondents(&[
                ("from".into(), "Ann Smith <ann@example.com>".into()),
                ("to".into(), "Jane Doe <jane@example.org>".into()),
                ("cc".into(), "Bob".into()),
            ]),
        }
    }

    #[track_caller]
    fn check(typed: &str, passes: bool) {
        let query = docent_core::query::Query::parse(typed);
        assert!(query.unknown.is_empty(), "{typed}");
        let sieve = Sieve::new(&query.filters, Day::from_ymd(2024, 3, 31).unwrap());
        assert_eq!(sieve.passes(&facts()), passes, "{typed}");
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let contains = |text: &str, pattern: &str| Patterns::new(&[pattern.into()]).any(text);
        assert!(contains("legal/2024/lease.pdf", "2024*.pdf"));
        assert!(contains("legal/2024/lease.pdf", "LEASE"));
        assert!(contains("legal/2024/lease.pdf", "*lease*"));
        assert!(contains("legal/2024/lease.pdf", ""));
        assert!(!contains("legal/2024/lease.pdf", "lease*2024"));
    }

    #[test]
    fn dates_bound_on_the_first_day_of_what_was_typed() {
        check("after:2024-03-01", true);
        check("after:2024", true);
        check("after:2024-03-02", false);
        check("before:2024-03-01", false);
        check("before:2024-03-02", true);
        check("before:2024", false);
        check("after:2024 before:2025", true);
        check("after:2024 after:2025", false);
        check("date:2024-03", true);
        check("date:2023 date:2024", true);
        check("date:2023", false);
        check("-date:2024", false);
        check("-after:2024", false);
        check("-before:2024", true);
        check("after:30d", true);
        check("after:29d", false);
        check("before:2w", true);
    }

    #[test]
    fn mails_pass_by_who_wrote_to_whom() {
        check("from:smith", true);
        check("from:\"ANN S\"", true);
        check("from:jane", false);
        check("-from:smith", false);
        check("to:jane", true);
        check("to:bob", true);
        check("to:smith", false);
        check("-to:bob", false);
        check("from:smith from:jones", true);
    }

    #[test]
    fn languages_pass_by_any_of_their_names() {
        check("lang:de", true);
        check("lang:german lang:en", true);
        check("lang:en", false);
        check("-lang:de", false);
        check("-lang:en", true);
    }

    #[test]
    fn a_documents_date_is_what_it_says_or_that_of_its_file() {
        let properties = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
            pairs.iter().map(owned).collect()
        };
        let both = properties(&[
            ("created", "2020-01-02"),
            ("modified", "2021-03-04T10:00:00Z"),
        ]);
        let date = |format, properties: &[(String, String)]| {
            own_date(format, properties).map(|day| day.ymd())
        };
        assert_eq!(date(Format::Word, &both), Some((2021, 3, 4)));
        assert_eq!(date(Format::Word, &both[..1]), Some((2020, 1, 2)));
        assert_eq!(date(Format::Mail, &both), None);
        let mail = properties(&[("date", "2019-05-06T23:00:00-08:00")]);
        assert_eq!(date(Format::Mail, &mail), Some((2019, 5, 6)));
        let noon = DateTime::from_timestamp_nanos(86_400_000_000_000 / 2);
        assert!(changed_on(noon.timestamp_nanos_opt().unwrap()).0.abs() <= 1);
    }
}
