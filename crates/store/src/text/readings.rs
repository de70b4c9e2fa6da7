//! Numbers as people write them, brought to one form: dates, references to sections and articles,
//! doses, numbers with separators.
//!
//! `12 March 2024`, `March 12, 2024`, `12.03.2024` and `2024-03-12` all get the token
//! `2024-03-12`, and `2024-03` for the month; `§ 12(b)`, `Section 12(b)` and `Sec. 12(b)` get
//! `§12` and `§12(b)`; `10 mg` gets `10mg`, `1 000` gets `1000`. `12/03/2024` is the twelfth of
//! March in one country and the third of December in another, and gets both. The tokens stand
//! beside the words, which are found as they are written.

use docent_core::date::Day;

use super::analysis::fold;

/// What is looked at around a number, in bytes.
const REACH: usize = 40;

/// Names of months, folded, each in the place of its number less one. Names in several languages
/// stand beside each other; `marts` and the like are left to their own languages.
const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "janner", "janvier", "enero", "gennaio", "januari",
    ],
    &[
        "february", "feb", "februar", "fevrier", "febrero", "febbraio", "februari",
    ],
    &["march", "mar", "marz", "maerz", "mars", "marzo", "maart"],
    &["april", "apr", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maggio", "mei"],
    &["june", "jun", "juni", "juin", "junio", "giugno"],
    &["july", "jul", "juli", "juillet", "julio", "luglio"],
    &["august", "aug", "aout", "agosto", "augustus"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "settembre",
    ],
    &[
        "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre",
    ],
    &["november", "nov", "novembre", "noviembre"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "decembre",
        "diciembre",
        "dicembre",
    ],
];

/// What announces a reference, folded, and how its token begins.
const REFERENCES: [(&[&str], &str); 4] = [
    (
        &["section", "sections", "sec", "secs", "sect", "abschnitt"],
        "§",
    ),
    (
        &[
            "article", "articles", "art", "arts", "artikel", "articolo", "articulo",
        ],
        "art.",
    ),
    (
        &["clause", "clauses", "cl", "klausel", "ziffer", "ziff"],
        "cl.",
    ),
    (
        &["paragraph", "paragraphs", "para", "paras", "absatz", "abs"],
        "para.",
    ),
];

/// Units that are written apart from their number or not.
const UNITS: [&str; 24] = [
    "mg", "g", "kg", "mcg", "\u{3bc}g", "ug", "ng", "ml", "dl", "l", "iu", "mmol", "mm", "cm", "m",
    "km", "kb", "mb", "gb", "tb", "kw", "kwh", "mhz", "ghz",
];

/// The readings of every number in a text, each once.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let mut readings = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let begins = c.is_ascii_digit() && !before.is_some_and(char::is_alphanumeric);
        if begins {
            of_number(text, at, &mut readings);
        }
        before = Some(c);
    }
    readings.sort();
    readings.dedup();
    readings
}

/// Adds the readings of the number that begins at byte `at` of a text.
pub(super) fn of_number(text: &str, at: usize, readings: &mut Vec<String>) {
    let (before, after) = (&text[..at], &text[at..]);
    let digits = leading_digits(after);
    if digits == 0 || digits > 9 {
        return;
    }
    let is_inner = before.ends_with(['/', '.', '-', ',', '\'', '’']) && {
        let mut last = before
            .bytes()
            .rev()
            .skip_while(|byte| !byte.is_ascii_alphanumeric());
        before.len() >= 2 && last.next().is_some_and(|byte| byte.is_ascii_digit())
    };
    if is_inner {
        return;
    }
    numeric_date(after, readings);
    let word = Preceding::of(before);
    match word.folded.as_str() {
        "" => {}
        name => match month_named(name) {
            Some(month) => after_month(month, after, digits, readings),
            None => reference(&word, after, readings),
        },
    }
    if word.is_sign {
        push_reference("§", after, readings);
    }
    day_before_month(after, digits, readings);
    grouped(before, after, digits, readings);
    dose(after, digits, readings);
}

/// The word before a number, with nothing but blanks and one dot between.
struct Preceding {
    folded: String,
    /// Whether it is `§` instead of a word.
    is_sign: bool,
    /// Whether a dot stands behind it.
    has_dot: bool,
}

impl Preceding {
    fn of(before: &str) -> Preceding {
        let trimmed = before.trim_end_matches([' ', '\u{a0}', '\u{202f}']);
        // The first line of a paragraph may end between a sign and its number; more than that is
        // another place.
        let is_near = before.len() - trimmed.len() <= 4;
        let undotted = trimmed.strip_suffix('.').unwrap_or(trimmed);
        let from = undotted
            .char_indices()
            .rev()
            .take(REACH / 3)
            .take_while(|(_, c)| c.is_alphabetic())
            .last()
            .map_or(undotted.len(), |(at, _)| at);
        let mut folded = String::new();
        if is_near && from < undotted.len() {
            fold(&undotted[from..], &mut folded);
        }
        Preceding {
            folded,
            is_sign: is_near && trimmed.ends_with('§'),
            has_dot: undotted.len() < trimmed.len(),
        }
    }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The number at the beginning of a text, of at most four digits, and the rest.
fn short_number(text: &str) -> Option<(u32, usize, &str)> {
    let digits = leading_digits(text);
    let number = text[..digits].parse().ok().filter(|_| digits <= 4)?;
    Some((number, digits, &text[digits..]))
}

/// `2024-03-12`, `12.03.2024`, `12/03/2024`, `3/12/24`.
fn numeric_date(text: &str, readings: &mut Vec<String>) {
    let parsed = || {
        let (first, first_digits, rest) = short_number(text)?;
        let separator = rest
            .chars()
            .next()
            .filter(|c| matches!(c, '.' | '/' | '-'))?;
        let (second, second_digits, rest) = short_number(&rest[1..])?;
        let (third, third_digits, rest) = short_number(rest.strip_prefix(separator)?)?;
        let goes_on = rest.starts_with(|c: char| c.is_alphanumeric())
            || rest.starts_with(separator) && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if goes_on || second_digits > 2 || first_digits == 3 || third_digits == 3 {
            return None;
        }
        Some(match (first_digits, third_digits, separator) {
            (4, 1..=2, _) => [Some((first, second, third)), None],
            (4, ..) => return None,
            (_, 1, _) | (_, 2, '-') => return None,
            (_, _, '.') => [Some((full_year(third, third_digits), second, first)), None],
            _ => {
                let year = full_year(third, third_digits);
                let swapped = (first != second).then_some((year, first, second));
                [Some((year, second, first)), swapped]
            }
        })
    };
    for (year, month, day) in parsed().into_iter().flatten().flatten() {
        push_date(year, month, day, true, readings);
    }
}

/// A year of two digits is of the last century from 70 on.
fn full_year(year: u32, digits: usize) -> u32 {
    match (digits, year) {
        (2, 70..) => 1900 + year,
        (2, _) => 2000 + year,
        _ => year,
    }
}

fn push_date(year: u32, month: u32, day: u32, with_month: bool, readings: &mut Vec<String>) {
    if year < 1000 || Day::from_ymd(year as i32, month, day).is_none() {
        return;
    }
    readings.push(format!("{year}-{month:02}-{day:02}"));
    if with_month {
        readings.push(format!("{year}-{month:02}"));
    }
}

fn month_named(folded: &str) -> Option<u32> {
    let place = MONTHS.iter().position(|names| names.contains(&folded))?;
    Some(place as u32 + 1)
}

/// What follows a month's name: `March 2024`, `March 12, 2024`, `March 12th, 2024`.
fn after_month(month: u32, text: &str, digits: usize, readings: &mut Vec<String>) {
    let Some((number, _, rest)) = short_number(text) else {
        return;
    };
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric());
    if digits == 4 {
        if (1000..=2999).contains(&number) && ends(rest) {
            readings.push(format!("{number}-{month:02}"));
        }
    } else if let Some(rest) = ordinal(rest)
        && let Some(rest) = blanks(rest.strip_prefix(',').unwrap_or(rest))
        && let Some((year, 4, rest)) = short_number(rest)
        && ends(rest)
    {
        push_date(year, month, number, true, readings);
    }
}

/// A day before its month: `12 March 2024`, `12. März 2024`, `12th of March, 2024`,
/// `12 de marzo de 2024`. The year tells of the month by itself.
fn day_before_month(text: &str, digits: usize, readings: &mut Vec<String>) {
    if digits > 2 {
        return;
    }
    let parsed = || {
        let (day, _, rest) = short_number(text)?;
        let rest = ordinal(rest)?;
        let rest = blanks(rest.strip_prefix('.').unwrap_or(rest))?;
        let rest = particle(rest);
        let (name, rest) = leading_word(rest)?;
        let month = month_named(&name)?;
        let rest = rest.strip_prefix(['.', ',']).unwrap_or(rest);
        let (year, year_digits, _) = short_number(particle(blanks(rest)?))?;
        (year_digits == 4).then_some((year, month, day))
    };
    if let Some((year, month, day)) = parsed() {
        push_date(year, month, day, true, readings);
    }
}

/// What is behind the ending of an ordinal number, if there is one; `None` if the number is part
/// of something else.
fn ordinal(text: &str) -> Option<&str> {
    let endings = ["st", "nd", "rd", "th", "er", "º", "°"];
    let stripped = endings.iter().find_map(|ending| text.strip_prefix(ending));
    let rest = stripped.unwrap_or(text);
    (!rest.starts_with(|c: char| c.is_alphanumeric())).then_some(rest)
}

/// What is behind one or two blanks or a line break; `None` if there are none.
fn blanks(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches([' ', '\u{a0}', '\u{202f}', '\n']);
    let skipped = text.len() - rest.len();
    (1..=4).contains(&skipped).then_some(rest)
}

/// What is behind a preposition between the parts of a date.
fn particle(text: &str) -> &str {
    let particles = ["of ", "de ", "del ", "di "];
    let rest = particles.iter().find_map(|word| text.strip_prefix(word));
    rest.unwrap_or(text)
}

/// The word at the beginning of a text, folded, and the rest.
fn leading_word(text: &str) -> Option<(String, &str)> {
    let end = text
        .char_indices()
        .take(REACH / 3)
        .find(|(_, c)| !c.is_alphabetic())
        .map_or(text.len().min(REACH), |(at, _)| at);
    let word = text.get(..end).filter(|word| !word.is_empty())?;
    let mut folded = String::new();
    fold(word, &mut folded);
    Some((folded, &text[end..]))
}

/// `Section 12(b)`, `Art. 5`: what is announced by a word.
fn reference(word: &Preceding, text: &str, readings: &mut Vec<String>) {
    let announced = REFERENCES
        .iter()
        .find(|(names, _)| names.contains(&word.folded.as_str()));
    let Some((_, prefix)) = announced else {
        return;
    };
    // A dot behind a whole word ends a sentence.
    if !word.has_dot || word.folded.len() <= 4 {
        push_reference(prefix, text, readings);
    }
}

/// Adds the reference to a number and to what is below it, level by level: `12`, `12.3`,
/// `12.3(b)`; a letter belongs to its number: `12a`.
fn push_reference(prefix: &str, text: &str, readings: &mut Vec<String>) {
    let mut end = leading_digits(text);
    let letter = text[end..]
        .bytes()
        .take_while(u8::is_ascii_lowercase)
        .count();
    if letter == 1 {
        end += 1;
    } else if letter > 1 {
        return;
    }
    loop {
        readings.push(format!("{prefix}{}", text[..end].to_ascii_lowercase()));
        let rest = &text[end..];
        let below = rest.strip_prefix('.').map_or(0, leading_digits);
        let inside = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        match inside {
            Some((inside, _)) if is_item(inside) => end += inside.len() + 2,
            _ if below > 0 && below <= 3 => end += below + 1,
            _ => break,
        }
        if end > REACH {
            break;
        }
    }
}

/// Whether it is what stands in the brackets of `12(b)(ii)(3)`.
fn is_item(inside: &str) -> bool {
    (1..=4).contains(&inside.len()) && inside.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `1 000 000`, `1'000`, `1.000`; the scanner does commas.
fn grouped(before: &str, text: &str, digits: usize, readings: &mut Vec<String>) {
    let goes_on_before = before.ends_with([' ', '\u{a0}', '\u{202f}'])
        && before.trim_end().ends_with(|c: char| c.is_ascii_digit());
    if digits > 3 || goes_on_before {
        return;
    }
    let separators = [' ', '\u{a0}', '\u{202f}', '\'', '’', '.'];
    let Some(separator) = text[digits..]
        .chars()
        .next()
        .filter(|c| separators.contains(c))
    else {
        return;
    };
    let mut number = text[..digits].to_owned();
    let mut rest = &text[digits..];
    while let Some(group) = rest.strip_prefix(separator)
        && leading_digits(group) == 3
        && number.len() < 15
    {
        number.push_str(&group[..3]);
        rest = &group[3..];
    }
    let ends = !rest.starts_with(|c: char| c.is_alphanumeric());
    if number.len() > digits && ends {
        readings.push(number);
    }
}

/// `10 mg`, `2.5 mg`; written together, the scanner does it.
fn dose(text: &str, digits: usize, readings: &mut Vec<String>) {
    let mut end = digits;
    if let Some(decimals) = text[end..].strip_prefix('.') {
        end += match leading_digits(decimals) {
            0 => 0,
            more => more + 1,
        };
    }
    let Some(rest) = text[end..].strip_prefix([' ', '\u{a0}', '\u{202f}']) else {
        return;
    };
    if let Some((unit, _)) = leading_word(rest)
        && UNITS.contains(&unit.as_str())
    {
        readings.push(format!("{}{unit}", &text[..end]));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        assert_eq!(of_text(text), expect, "{text:?}");
    }

    #[test]
    fn a_date_is_the_same_however_it_is_written() {
        let day = ["2024-03", "2024-03-12"];
        for text in [
            "2024-03-12",
            "2024/3/12",
            "12.03.2024",
            "12.3.24",
            "12 March 2024",
            "on 12 Mar. 2024,",
            "12. März 2024",
            "12th of March, 2024",
            "the 12th March 2024",
            "March 12, 2024",
            "March 12th, 2024",
            "12 de marzo de 2024",
            "le 12 mars 2024",
        ] {
            check(text, &day);
        }
        check("March 2024", &["2024-03"]);
        check("May 2024 and June 2025", &["2024-05", "2025-06"]);
    }

    #[test]
    fn day_and_month_in_doubt_give_both_readings() {
        check(
            "12/03/2024",
            &["2024-03", "2024-03-12", "2024-12", "2024-12-03"],
        );
        check("25/03/2024", &["2024-03", "2024-03-25"]);
        check("03-25-2024", &["2024-03", "2024-03-25"]);
        check("03/03/24", &["2024-03", "2024-03-03"]);
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for text in [
            "31.02.2024",
            "1.2.3",
            "192.168.10.20",
            "12/03",
            "1-2-3",
            "99/99/2024",
            "10 - 12",
            "March",
            "5/2024",
            "1/2/3/2024",
        ] {
            let dates: Vec<_> = of_text(text)
                .into_iter()
                .filter(|r| r.contains('-'))
                .collect();
            assert!(dates.is_empty(), "{text}: {dates:?}");
        }
    }

    #[test]
    fn references_are_the_same_however_they_are_announced() {
        for text in [
            "§ 12(b)",
            "§12(b)",
            "§§ 12(b) and 13",
            "Section 12(b)",
            "SECTION\u{a0}12(b)",
            "Sec. 12(b)",
            "section 12(B)",
        ] {
            check(text, &["§12", "§12(b)"]);
        }
        for text in ["Art. 5", "Article 5", "Artikel 5", "art 5."] {
            check(text, &["art.5"]);
        }
        check("§ 573 Abs. 2", &["para.2", "§573"]);
        check(
            "Section 12.3(a)(ii)",
            &["§12", "§12.3", "§12.3(a)", "§12.3(a)(ii)"],
        );
        check("§ 15a", &["§15a"]);
        check("Clause 7.", &["cl.7"]);
    }

    #[test]
    fn a_sentence_that_ends_in_a_section_announces_nothing() {
        check("in this section. 12 people", &[]);
        check("the party 12", &[]);
    }

    #[test]
    fn numbers_meet_with_and_without_their_separators_and_units() {
        check("1 000", &["1000"]);
        check("1.000.000", &["1000000"]);
        check("10'000 francs", &["10000"]);
        check("10 mg", &["10mg"]);
        check("2.5 ml", &["2.5ml"]);
        check("in 2024 100 people", &[]);
        check("5 men", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
            of_text(&text);
        }

        #[test]
        fn what_resembles_numbers_is_read_without_panic(
            text in "(§|Art\\.|Section|March|mg|[0-9]{1,4}|[ .,/()-]|é|\u{a0}|[a-z]){0,24}"
        ) {
            for reading in of_text(&text) {
                prop_assert!(reading.len() <= 2 * REACH);
            }
        }
    }
}
