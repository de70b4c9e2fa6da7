//! What is recognised by its form: addresses of mail and of houses, telephone numbers, dates of
//! birth, numbers of accounts and papers, organisations.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{Found, Kind, words};

/// A pattern that is compiled once. All patterns are literals of this file, and a test compiles
/// each of them.
macro_rules! pattern {
    ($name:ident, $($part:expr),+ $(,)?) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(concat!($($part),+)).ok());
    };
}

macro_rules! months {
    () => {
        "(?:January|February|March|April|May|June|July|August|September|October|November|December|\
         Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Januar|Februar|März|Mai|Juni|Juli|Oktober|\
         Dezember)\\.?"
    };
}
macro_rules! date {
    () => {
        concat!(
            r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|",
            r"\d{1,2}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?",
            months!(),
            r",?\s+\d{4}|",
            months!(),
            r"\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{4}年\d{1,2}月\d{1,2}日)"
        )
    };
}
macro_rules! cap {
    () => {
        r"\p{Lu}[\p{L}'’-]*"
    };
}
macro_rules! town {
    () => {
        r"\p{Lu}\p{Ll}[\p{L}'’-]*"
    };
}

pattern!(EMAIL, r"[\p{L}\d._%+-]+@[\p{L}\d-]+(?:\.[\p{L}\d-]+)+");
pattern!(PHONE, r"(?:\+|\()?\d[\d ()/.–-]{5,}\d");
pattern!(
    PHONE_CUE,
    r"(?i)(?:tel|phone|telephone|mobile|cell|fax|call|ring|telefon|tel\.|mobil|handy|fon|电话|手机)\W*(?:(?:no|nr|number|us|me|on|at|is)\b\W*)*$"
);
pattern!(
    NORTH_AMERICAN,
    r"^(?:\+?1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}$"
);
pattern!(DATE, date!());
pattern!(
    BORN,
    r"(?i:\bborn(?:\s+on)?|\bdate\s+of\s+birth|\bd\.?o\.?b\b\.?|\bbirthday(?:\s+(?:is|on))?|\bgeboren(?:\s+am)?|\bgeb\.(?:\s*am)?|\bgeburtsdatum|\bgeburtstag|\bdate\s+de\s+naissance|\bnée?\s+le|出生日期|出生于|生于|出生)[\s:：,(*|]*(",
    date!(),
    ")"
);
pattern!(BORN_BEHIND, "(", date!(), ")出生");
pattern!(
    NUMBERED,
    r"(?i:\b(?:\p{L}+nummer|\p{L}+\s+number|serial|account|acct|a/c|iban|policy|customer|client|patient|insurance|nhs|ssn|social\s+security|passport|licen[cs]e|tax|vat|case|docket|claim|file|matter|reference|ref|invoice|membership|member|employee|registration|sort|card|mrn|medical|id|identity|hospital|konto|kunden|versicherten|versicherungs?|patienten|aktenzeichen|az|steuer|ausweis|personalausweis|rechnungs?|vertrags?|personal|mitglieds|geschäftszeichen)(?:nummer|nr|-?id|-?nr)?(?:[\s-]+(?:security|record|account|policy|number|code|card|id|identification|nummer|nr|no|insurance))*\.?\s*[:：#]?\s*(?:is\s+)?)([A-Z0-9][A-Z0-9./-]*(?:\s?[A-Z0-9./-]*\d[A-Z0-9./-]*|\s[A-Z]{1,3}\s\d[\d./-]*)*)"
);
pattern!(
    NUMBERED_HAN,
    r"(?:身份证|账号|账户|病历号|护照|卡号)[号码]*[:：]?\s*([A-Z0-9][A-Z0-9 -]{4,}[A-Z0-9])"
);
pattern!(
    STANDING_ALONE,
    r"\b(?:[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?|\d{3}-\d{2}-\d{4}|\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]|[A-Z]{1,3}-?\d{6,}|\d{7,}[Xx]?|[A-Z]{2}\d{2} [A-Z]{3}|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{1,4})\b"
);
pattern!(
    STREET,
    r"\b(?:(?:Flat|Apartment|Apt\.?|Unit|Suite)\s+\w{1,5},?\s+)?\d{1,5}[A-Za-z]?(?:[-–]\d{1,5})?,?\s+(?:",
    cap!(),
    r"\s+){1,4}(?:Street|Str?|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq|Boulevard|Blvd|Terrace|Close|Crescent|Gardens|Grove|Row|Hill|Mews|Highway|Parkway|Walk|Quay|Wharf)\b\.?"
);
pattern!(
    STRASSE,
    r"\b(?:\p{Lu}[\p{L}-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|ufer|damm|chaussee|steig)|(?:\p{Lu}[\p{L}-]+\s+)+(?:Straße|Strasse|Str\.|Allee|Platz|Weg|Gasse|Ring))\s+\d{1,4}(?:\s?[a-z]\b)?"
);
pattern!(
    AT_PLACE,
    r"\b(?:Am|An der|Im|In der|Zum|Zur|Auf dem|Unter den)\s+\p{Lu}[\p{L}-]+\s+\d{1,4}(?:\s?[a-z])?(?:,\s*|\s+)(?:D-)?\d{5}\s+\p{Lu}[\p{L}-]+"
);
pattern!(
    RUE,
    r"\b\d{1,4}(?:\s?bis)?,?\s+(?:rue|avenue|boulevard|place|quai|chemin|impasse)\s+(?:de la |de l'|des |du |de |la )?(?:",
    cap!(),
    r"(?:\s|-)?){1,3}"
);
pattern!(
    ROAD_HAN,
    r"\p{Han}{2,}(?:路|街|巷|道)\d+号(?:\p{Han}{0,3}\d+(?:室|楼|单元|栋|号))*"
);
pattern!(
    TOWN,
    r"^(?:,\s*(?:Flat|Apartment|Apt\.?|Unit|Suite|Floor)\s*#?\w{1,5})?(?:(?:,|\n|,\n)\s*(?:D-)?(?:\d{5}\s+",
    town!(),
    "|",
    town!(),
    r"(?:\s",
    town!(),
    r")?(?:(?:,\s*|\s+)(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]{2}\s\d{5}(?:-\d{4})?))?))"
);
pattern!(
    POSTCODE_BEHIND,
    r"^(?:,\s*|\s+)(?:[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}|[A-Z]{2}\s\d{5}(?:-\d{4})?|(?:D-)?\d{5}\s+\p{Lu}[\p{L}-]+)\b"
);
pattern!(POSTCODE, r"\b[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}\b");
pattern!(
    POST_BOX,
    r"\b(?i:p\.?\s?o\.?\s?box|postfach)\s+\d+(?: \d+)*"
);
pattern!(
    ORGANISATION,
    r"\b(?:",
    cap!(),
    r"|&|and|und|of|for|für)(?:[ ,]+(?:",
    cap!(),
    r"|&|and|und|of|for|für))*?,?\s+(?:Ltd|Limited|Inc|LLC|LLP|PLC|plc|Corp|Corporation|GmbH(?:\s*&\s*Co\.?\s*KG)?|AG|KG|OHG|UG|SE|e\.\s?V\.|S\.A\.|SARL|B\.V\.|N\.V\.|Pty)\b\.?"
);
pattern!(
    INSTITUTION,
    r"\b",
    cap!(),
    r"(?: (?:&|and|und|",
    cap!(),
    r"))*? (?:Hospital|Infirmary|Clinic|Surgery|Pharmacy|University|College|School|Solicitors|Klinik|Klinikum|Krankenhaus|Apotheke|Universität|Versicherung|Hausverwaltung)\b"
);

/// All that is recognised by its form. `known` are numbers, as written, and dates of birth, by
/// their day, that were recognised elsewhere.
pub(super) fn find(text: &str, known: &Known) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |kind, span: Range<usize>, key: String| found.push(Found { kind, span, key });
    for span in spans(&EMAIL, text) {
        add(Kind::Email, span.clone(), text[span].to_lowercase());
    }
    for span in births(text).into_iter().chain(dates(text, &known.births)) {
        add(Kind::Birth, span.clone(), day(&text[span]));
    }
    for span in addresses(text) {
        add(Kind::Address, span.clone(), street(&text[span]));
    }
    for span in numbers(text)
        .into_iter()
        .chain(literals(text, &known.numbers))
    {
        add(Kind::Number, span.clone(), bare(&text[span]));
    }
    for span in phones(text) {
        add(Kind::Phone, span.clone(), digits(&text[span]));
    }
    for span in organisations(text) {
        add(Kind::Organisation, span.clone(), bare(&text[span]));
    }
    found
}

/// What was recognised by a cue and is then recognised without one.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Days of birth.
    births: HashSet<String>,
    /// Numbers of accounts and papers, as written.
    numbers: HashSet<String>,
}

impl Known {
    /// Learns from a text.
    pub(super) fn learn(&mut self, text: &str) {
        self.births
            .extend(births(text).into_iter().map(|span| day(&text[span])));
        let numbers = numbers(text).into_iter().map(|span| text[span].to_owned());
        self.numbers.extend(numbers);
    }
}

fn spans(pattern: &LazyLock<Option<Regex>>, text: &str) -> Vec<Range<usize>> {
    let matches = pattern.iter().flat_map(|pattern| pattern.find_iter(text));
    matches.map(|found| found.range()).collect()
}

/// The spans of the first group.
fn groups(pattern: &LazyLock<Option<Regex>>, text: &str) -> Vec<Range<usize>> {
    let group = |found: Captures<'_>| found.get(1).map(|group| group.range());
    let matches = pattern
        .iter()
        .flat_map(|pattern| pattern.captures_iter(text));
    matches.filter_map(group).collect()
}

fn fits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text))
}

fn births(text: &str) -> Vec<Range<usize>> {
    let mut births = groups(&BORN, text);
    births.extend(groups(&BORN_BEHIND, text));
    births
}

/// Dates that are known days of birth.
fn dates(text: &str, births: &HashSet<String>) -> Vec<Range<usize>> {
    if births.is_empty() {
        return Vec::new();
    }
    let mut dates = spans(&DATE, text);
    dates.retain(|span| births.contains(&day(&text[span.clone()])));
    dates
}

/// The day of a date, however it is written: `1961-3-12`. A day that could be a month is taken
/// as a day, as in most of the world.
fn day(date: &str) -> String {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let lower = date.to_lowercase();
    let lower = lower.replace("märz", "mar").replace("mai", "may");
    let lower = lower.replace("okt", "oct").replace("dez", "dec");
    let numbers: Vec<u32> = lower
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    let month = (1..).zip(MONTHS).find(|(_, name)| lower.contains(name));
    match (numbers.as_slice(), month) {
        ([day, year], Some((month, _))) => format!("{year}-{month}-{day}"),
        ([year, month, day], None) if *year > 99 => format!("{year}-{month}-{day}"),
        ([month, day, year], None) if *day > 12 => format!("{year}-{month}-{day}"),
        ([day, month, year], None) => format!("{year}-{month}-{day}"),
        _ => lower,
    }
}

fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for pattern in [&STREET, &STRASSE, &RUE] {
        for span in spans(pattern, text) {
            let end = span.end + town(&text[span.end..]);
            found.push(span.start..end);
        }
    }
    for pattern in [&AT_PLACE, &ROAD_HAN, &POSTCODE, &POST_BOX] {
        found.extend(spans(pattern, text));
    }
    found
}

/// Bytes of the town behind a street.
fn town(rest: &str) -> usize {
    let town = TOWN.as_ref().and_then(|pattern| pattern.find(rest));
    let end = town.map_or(0, |town| {
        let mut words = town.as_str().split(|c: char| !c.is_alphanumeric());
        let is_sentence = words.any(words::is_no_name);
        if is_sentence { 0 } else { town.end() }
    });
    let postcode = POSTCODE_BEHIND
        .as_ref()
        .and_then(|pattern| pattern.find(&rest[end..]));
    end + postcode.map_or(0, |postcode| postcode.end())
}

/// The street and number of an address: what stands before the town.
fn street(address: &str) -> String {
    let street = address.split([',', '\n']).next().unwrap_or(address);
    bare(street)
}

fn numbers(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = groups(&NUMBERED, text)
        .into_iter()
        .chain(groups(&NUMBERED_HAN, text))
        .map(|span| trimmed(text, span))
        .filter(|span| is_number(&text[span.clone()]))
        .collect();
    let alone = spans(&STANDING_ALONE, text);
    found.extend(
        alone
            .into_iter()
            .filter(|span| !is_money(text, span) && !is_compact_date(&text[span.clone()])),
    );
    found
}

/// Without a full stop or a dash at the end.
fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let kept = text[span.clone()].trim_end_matches(['.', '-', '/', ' ', '\n']);
    span.start..span.start + kept.len()
}

/// Whether what stands behind a cue is the number of something, and no year, date or count.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().any(|c| c.is_ascii_alphabetic());
    let is_date = DATE
        .as_ref()
        .and_then(|pattern| pattern.find(text))
        .is_some_and(|date| date.len() == text.len());
    let is_year = text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    (digits >= 4 || (digits >= 3 && letters)) && !is_date && !is_year
}

/// Whether digits are a date: `20210312`.
pub(super) fn is_compact_date(digits: &str) -> bool {
    let part = |range: Range<usize>| digits.get(range).and_then(|part| part.parse::<u32>().ok());
    let century = part(0..2).is_some_and(|century| century == 19 || century == 20);
    let month = part(4..6).is_some_and(|month| (1..=12).contains(&month));
    let day = part(6..8).is_some_and(|day| (1..=31).contains(&day));
    digits.len() == 8 && century && month && day
}

fn is_money(text: &str, span: &Range<usize>) -> bool {
    let before = text[..span.start].trim_end();
    let after = text[span.end..].trim_start();
    before.ends_with(['£', '$', '€', '¥'])
        || [
            "£", "$", "€", "¥", "元", "USD", "EUR", "GBP", "Euro", "euro", "dollar", "pound",
        ]
        .iter()
        .any(|unit| after.starts_with(unit))
}

/// Every place where one of these strings stands by itself.
fn literals(text: &str, strings: &HashSet<String>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for string in strings {
        for (at, _) in text.match_indices(string.as_str()) {
            let end = at + string.len();
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            if !joins(text[..at].chars().next_back()) && !joins(text[end..].chars().next()) {
                found.push(at..end);
            }
        }
    }
    found
}

fn phones(text: &str) -> Vec<Range<usize>> {
    let mut found = spans(&PHONE, text);
    found.retain(|span| {
        let number = &text[span.clone()];
        let count = digits(number).len();
        let is_decimal = number.matches('.').count() == 1 && !number.contains([' ', '-', '/']);
        let is_date = DATE
            .as_ref()
            .is_some_and(|pattern| pattern.find(number).is_some_and(|date| date.start() == 0));
        let cued = fits(&PHONE_CUE, head(&text[..span.start]));
        let international = number.starts_with('+') || number.starts_with("00");
        let national = number.starts_with('0') || number.starts_with("(0");
        (7..=15).contains(&count)
            && !is_decimal
            && !is_date
            && (cued || international || national || fits(&NORTH_AMERICAN, number))
    });
    found
}

/// The last characters before something, where a cue would stand.
fn head(before: &str) -> &str {
    let start = before.char_indices().rev().nth(24).map_or(0, |(at, _)| at);
    let start = before[start..]
        .rfind('\n')
        .map_or(start, |at| start + at + 1);
    &before[start..]
}

fn organisations(text: &str) -> Vec<Range<usize>> {
    let mut found = spans(&ORGANISATION, text);
    found.extend(spans(&INSTITUTION, text));
    let begin = |span: Range<usize>| -> Option<Range<usize>> {
        // What only opens the sentence, or joins, is no part of the name.
        let mut start = span.start;
        loop {
            let name = &text[start..span.end];
            let first = name.split([' ', ',']).next()?;
            let opens = words::is_no_name(first) || first.starts_with(|c: char| !c.is_uppercase());
            if !opens {
                break;
            }
            start += first.len();
            start += text[start..span.end].find(|c: char| c != ' ' && c != ',')?;
        }
        let is_name = text[start..span.end].split_whitespace().count() >= 2;
        is_name.then_some(start..span.end)
    };
    found.into_iter().filter_map(begin).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Letters and digits in lower case.
fn bare(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in [
            &EMAIL,
            &PHONE,
            &PHONE_CUE,
            &NORTH_AMERICAN,
            &DATE,
            &BORN,
            &BORN_BEHIND,
            &NUMBERED,
            &NUMBERED_HAN,
            &STANDING_ALONE,
            &STREET,
            &STRASSE,
            &AT_PLACE,
            &RUE,
            &ROAD_HAN,
            &TOWN,
            &POSTCODE_BEHIND,
            &POSTCODE,
            &POST_BOX,
            &ORGANISATION,
            &INSTITUTION,
        ] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn a_day_is_the_same_however_it_is_written() {
        for date in [
            "12/03/1961",
            "12.03.1961",
            "1961-03-12",
            "12 March 1961",
            "March 12th, 1961",
            "12. März 1961",
            "1961年3月12日",
        ] {
            assert_eq!(day(date), "1961-3-12", "{date}");
        }
    }

    #[test]
    fn sums_sections_and_years_are_no_numbers_of_papers() {
        for text in [
            "a claim of 25000 euros",
            "policy 2021",
            "section 12.4.1",
            "reference 12/03/2024",
            "1,250,000 pounds",
            "case 12",
            "the account shows 90 days",
        ] {
            assert!(numbers(text).is_empty(), "{text}");
        }
    }
}
