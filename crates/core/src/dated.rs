//! Dates in running text, as people write them, to be put in order.

use unicode_segmentation::UnicodeSegmentation;

/// A day, a month or a year; what is not told is 0, so that a year comes before its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year.
    pub year: u16,
    /// The month from 1, or 0.
    pub month: u8,
    /// The day from 1, or 0.
    pub day: u8,
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.month, self.day) {
            (0, _) => write!(f, "{}", self.year),
            (month, 0) => write!(f, "{}-{month:02}", self.year),
            (month, day) => write!(f, "{}-{month:02}-{day:02}", self.year),
        }
    }
}

/// Names of months in English, German, French and Spanish, by their beginnings.
const MONTHS: [&[&str]; 12] = [
    &["jan", "enero", "ene"],
    &["feb", "fév"],
    &["mar", "mär"],
    &["apr", "avr", "abr"],
    &["may", "mai"],
    &["jun", "juin"],
    &["jul", "juil"],
    &["aug", "aoû", "ago"],
    &["sep"],
    &["oct", "okt"],
    &["nov"],
    &["dec", "dez", "déc", "dic"],
];

/// Years that are taken for such without a month beside them.
const YEARS: std::ops::RangeInclusive<u16> = 1400..=2199;

/// The first date in a text.
///
/// "12/03/2024" is read with the month first, as in English, unless that makes no month; with
/// full stops ("12.03.2024") the day is first, as in German.
pub fn first(text: &str) -> Option<Date> {
    let pieces: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | ';' | '"' | '“' | '”'))
        .map(|piece| piece.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|piece| !piece.is_empty())
        .collect();
    (0..pieces.len()).find_map(|at| at_piece(&pieces, at))
}

fn at_piece(pieces: &[&str], at: usize) -> Option<Date> {
    let piece = pieces[at];
    if let Some(date) = numeric(piece) {
        return Some(date);
    }
    let next = |steps: usize| pieces.get(at + steps).copied().unwrap_or("");
    if let Some(month) = month(piece) {
        // March 3, 2024; March 2024
        if let (Some(day), Some(year)) = (day(next(1)), year(next(2))) {
            return Some(Date { year, month, day });
        }
        return year(next(1)).map(|year| Date {
            year,
            month,
            day: 0,
        });
    }
    if let Some(day) = day(piece) {
        // 3 March 2024; 3rd of March, 2024; 3 de marzo de 2024
        let fill = |word: &str| matches!(word, "of" | "de" | "day");
        let skip = (1..=3).find(|&steps| !fill(next(steps))).unwrap_or(1);
        if let Some(month) = month(next(skip)) {
            let behind = if fill(next(skip + 1)) {
                skip + 2
            } else {
                skip + 1
            };
            if let Some(year) = year(next(behind)) {
                return Some(Date { year, month, day });
            }
        }
    }
    let year = year(piece).filter(|year| piece.len() == 4 && YEARS.contains(year))?;
    Some(Date {
        year,
        month: 0,
        day: 0,
    })
}

/// 2024-03-01, 12/03/2024, 12.03.2024.
fn numeric(piece: &str) -> Option<Date> {
    let mark = ['-', '/', '.']
        .into_iter()
        .find(|mark| piece.matches(*mark).count() == 2)?;
    let parts: Vec<u16> = piece
        .split(mark)
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let &[a, b, c] = parts.as_slice() else {
        return None;
    };
    let (year, month, day) = if YEARS.contains(&a) {
        (a, b, c)
    } else {
        let year = match c {
            0..=99 if mark == '/' => c + if c < 50 { 2000 } else { 1900 },
            c => c,
        };
        match mark {
            '/' if a <= 12 => (year, a, b),
            _ => (year, b, a),
        }
    };
    let valid = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then_some(Date {
        year,
        month: month as u8,
        day: day as u8,
    })
}

fn month(word: &str) -> Option<u8> {
    let lower = word.to_lowercase();
    // "may" and "mar" are words of their own: a month is written with a capital, or in full.
    if lower.chars().count() < 3 || !word.starts_with(char::is_uppercase) && lower == "may" {
        return None;
    }
    let letters = lower.unicode_words().next()? == lower;
    let at = MONTHS.iter().position(|names| {
        let known = |name: &&str| {
            lower.starts_with(*name) && lower.chars().count() <= 10 && is_month(&lower, name)
        };
        letters && names.iter().any(known)
    })?;
    Some(at as u8 + 1)
}

/// Whether a word that begins like a month is one: short, or one of the full names.
fn is_month(word: &str, beginning: &str) -> bool {
    const FULL: &str = " january february march april june july august september october november \
        december sept januar februar märz mai juni juli oktober dezember janvier février mars avril \
        juin juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio \
        julio agosto septiembre octubre noviembre diciembre may ";
    word == beginning || FULL.contains(&format!(" {word} "))
}

fn day(word: &str) -> Option<u8> {
    let digits = word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.');
    if word.len() > digits.len() + 2 {
        return None;
    }
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn year(word: &str) -> Option<u16> {
    word.parse().ok().filter(|year| YEARS.contains(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        for (text, expected) in [
            ("On March 3, 2024, it rained.", "2024-03-03"),
            ("on the 3rd of March, 2024", "2024-03-03"),
            ("am 3. März 2024", "2024-03-03"),
            ("el 3 de marzo de 2024", "2024-03-03"),
            ("signed 2024-03-03.", "2024-03-03"),
            ("03/14/2024", "2024-03-14"),
            ("14/03/2024", "2024-03-14"),
            ("14.03.2024", "2024-03-14"),
            ("2/28/04", "2004-02-28"),
            ("in March 2024 and later", "2024-03"),
            ("built in 1911", "1911"),
        ] {
            assert_eq!(
                first(text).map(|date| date.to_string()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn other_numbers_are_no_dates() {
        for text in [
            "the tenant may pay 500",
            "1.2.3",
            "section 12",
            "99/99/9999",
            "",
            "market 3",
        ] {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_comes_before_its_days() {
        let date = |text| first(text).unwrap();
        assert!(date("1911") < date("March 1911"));
        assert!(date("March 1911") < date("March 2, 1911"));
    }
}
