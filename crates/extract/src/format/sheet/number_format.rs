//! Numbers as a sheet shows them: Excel's number formats, as far as they change what is read.

/// A cell's number format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in super::super) enum NumberFormat {
    /// As many digits as there are.
    #[default]
    General,
    /// A code of Excel's: `#,##0.00`, `d. mmm yyyy`.
    Code(String),
}

impl NumberFormat {
    /// The format with one of the numbers that files share (ECMA-376, part 1, 18.8.30).
    pub(in super::super) fn builtin(id: u32) -> NumberFormat {
        let code = match id {
            1 => "0",
            2 => "0.00",
            3 => "#,##0",
            4 => "#,##0.00",
            5 | 6 | 37 | 38 => "#,##0",
            7 | 8 | 39 | 40 => "#,##0.00",
            9 => "0%",
            10 => "0.00%",
            11 => "0.00E+00",
            14 | 27..=31 | 36 | 50..=58 => "yyyy-mm-dd",
            15 => "d-mmm-yy",
            16 => "d-mmm",
            17 => "mmm-yy",
            18 => "h:mm AM/PM",
            19 => "h:mm:ss AM/PM",
            20 | 32 => "h:mm",
            21 | 33 => "h:mm:ss",
            22 => "yyyy-mm-dd h:mm",
            41 | 42 => "#,##0",
            43 | 44 => "#,##0.00",
            45 => "mm:ss",
            46 => "[h]:mm:ss",
            47 => "mm:ss.0",
            48 => "##0.0E+0",
            _ => return NumberFormat::General,
        };
        NumberFormat::Code(code.into())
    }

    pub(in super::super) fn code(code: &str) -> NumberFormat {
        match code.trim() {
            "" | "@" => NumberFormat::General,
            code if code.eq_ignore_ascii_case("general") => NumberFormat::General,
            code => NumberFormat::Code(code.into()),
        }
    }

    /// A number as the cell shows it. Days are counted from 1904 if `from_1904`.
    pub(in super::super) fn show(&self, number: f64, from_1904: bool) -> String {
        let NumberFormat::Code(code) = self else {
            return general(number);
        };
        let (section, signed) = section(code, number);
        if is_date(section) {
            return date(section, number, from_1904).unwrap_or_else(|| general(number));
        }
        numeric(section, if signed { number } else { number.abs() })
            .unwrap_or_else(|| general(number))
    }
}

/// A number with the digits that it has, up to fifteen.
pub(in super::super) fn general(number: f64) -> String {
    if number == 0.0 {
        return "0".into();
    }
    if !number.is_finite() {
        return String::new();
    }
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let exponent = number.abs().log10().floor();
    if !(-10.0..15.0).contains(&exponent) {
        return format!("{number:e}").replace('e', "E");
    }
    let decimals = (14.0 - exponent).clamp(0.0, 20.0) as usize;
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// The part of a code that is for a number, and whether the sign is still to be written.
fn section(code: &str, number: f64) -> (&str, bool) {
    let parts = split(code);
    match (parts.as_slice(), number) {
        ([_, negative, ..], number) if number < 0.0 => (negative, false),
        ([_, _, zero, ..], 0.0) => (zero, true),
        ([first, ..], _) => (first, true),
        ([], _) => (code, true),
    }
}

/// A code cut at its semicolons, those in quotes aside.
fn split(code: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, character) in code.char_indices() {
        match character {
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(&code[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&code[start..]);
    parts
}

/// A step of a code.
#[derive(Debug, PartialEq)]
enum Token {
    Literal(String),
    /// The same letter, so many times: `yyyy`.
    Field(char, usize),
    /// `[h]`: hours that go on past a day.
    Elapsed(char),
    HalfDay,
    /// `0`, `#`, `?`, `.`, `,`, `%`, `E`.
    Digit(char),
}

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = code.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => {
                let literal: String = rest.by_ref().take_while(|c| *c != '"').collect();
                tokens.push(Token::Literal(literal));
            }
            '\\' | '!' => tokens.extend(rest.next().map(|c| Token::Literal(c.into()))),
            '_' => {
                rest.next();
                tokens.push(Token::Literal(" ".into()));
            }
            '*' => {
                rest.next();
            }
            '[' => {
                let inside: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let first = inside.chars().next().map(|c| c.to_ascii_lowercase());
                let same = inside
                    .chars()
                    .all(|c| Some(c.to_ascii_lowercase()) == first);
                match first {
                    Some(unit @ ('h' | 'm' | 's')) if same => tokens.push(Token::Elapsed(unit)),
                    // [$€-407] names a currency.
                    Some('$') => {
                        let sign = inside[1..].split('-').next().unwrap_or_default();
                        tokens.push(Token::Literal(sign.into()));
                    }
                    _ => {}
                }
            }
            'A' | 'a' if half_day(&mut rest) => tokens.push(Token::HalfDay),
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => {
                let mut count = 1;
                while rest
                    .peek()
                    .is_some_and(|c| c.eq_ignore_ascii_case(&character))
                {
                    rest.next();
                    count += 1;
                }
                tokens.push(Token::Field(character.to_ascii_lowercase(), count));
            }
            '0' | '#' | '?' | '.' | ',' | '%' | 'E' | 'e' => tokens.push(Token::Digit(character)),
            other => tokens.push(Token::Literal(other.into())),
        }
    }
    tokens
}

/// Takes the rest of `AM/PM` or `A/P`.
fn half_day(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let ahead: String = rest.clone().take(4).collect::<String>().to_uppercase();
    let length = match ahead.as_str() {
        "M/PM" => 4,
        _ if ahead.starts_with("/P") => 2,
        _ => return false,
    };
    (0..length).for_each(|_| {
        rest.next();
    });
    true
}

fn is_date(section: &str) -> bool {
    let tokens = tokens(section);
    tokens
        .iter()
        .any(|token| matches!(token, Token::Field(..) | Token::Elapsed(_)))
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// A serial number as a date or a time; `None` for one that is none.
fn date(section: &str, serial: f64, from_1904: bool) -> Option<String> {
    let base = if from_1904 { 24_107 } else { 25_569 };
    if !(0.0..2_958_466.0).contains(&serial) {
        return None;
    }
    let seconds = (serial * 86_400.0).round() as i64;
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Excel has a 29 February 1900, so that earlier days are off by one.
    if !from_1904 && days < 60 {
        days += 1;
    }
    let (year, month, day) = civil(days - base);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    let tokens = tokens(section);
    let has_half_day = tokens.contains(&Token::HalfDay);
    let mut text = String::new();
    let mut after_hour = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Literal(literal) => text.push_str(literal),
            Token::HalfDay => text.push_str(if hour < 12 { "AM" } else { "PM" }),
            Token::Elapsed(unit) => {
                let total = match unit {
                    'h' => seconds / 3600,
                    'm' => seconds / 60,
                    _ => seconds,
                };
                text.push_str(&total.to_string());
                after_hour = *unit == 'h';
            }
            Token::Digit('.') => text.push('.'),
            Token::Digit(_) => {}
            Token::Field(unit, count) => {
                let shown_hour = match has_half_day {
                    true => (hour + 11) % 12 + 1,
                    false => hour,
                };
                let before_second = matches!(
                    tokens[at + 1..]
                        .iter()
                        .find(|token| matches!(token, Token::Field(..))),
                    Some(Token::Field('s', _))
                );
                text.push_str(&match (unit, count) {
                    ('m', 1) if after_hour || before_second => minute.to_string(),
                    ('m', 2) if after_hour || before_second => format!("{minute:02}"),
                    ('y', 1 | 2) => format!("{:02}", year % 100),
                    ('y', _) => year.to_string(),
                    ('m', 1) => month.to_string(),
                    ('m', 2) => format!("{month:02}"),
                    ('m', 3) => MONTHS[month as usize - 1][..3].to_owned(),
                    ('m', _) => MONTHS[month as usize - 1].to_owned(),
                    ('d', 1) => day.to_string(),
                    ('d', 2) => format!("{day:02}"),
                    ('d', 3) => DAYS[weekday(days - base)][..3].to_owned(),
                    ('d', _) => DAYS[weekday(days - base)].to_owned(),
                    ('h', 1) => shown_hour.to_string(),
                    ('h', _) => format!("{shown_hour:02}"),
                    ('s', 1) => (second % 60).to_string(),
                    _ => format!("{:02}", second % 60),
                });
                after_hour = *unit == 'h';
            }
        }
    }
    Some(text.trim().trim_end_matches('.').to_owned())
}

/// Year, month and day of a day counted from 1970 (Howard Hinnant, "chrono-compatible low-level
/// date algorithms").
pub(in super::super) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn weekday(days: i64) -> usize {
    (days + 3).rem_euclid(7) as usize
}

/// A number by the digits of a code; `None` for a code without any.
fn numeric(section: &str, number: f64) -> Option<String> {
    let tokens = tokens(section);
    let is_place = |token: &Token| matches!(token, Token::Digit('0' | '#' | '?'));
    let first = tokens.iter().position(is_place)?;
    let last = tokens.iter().rposition(is_place)?;
    let has = |sign: char| tokens.contains(&Token::Digit(sign));
    let middle = &tokens[first..=last];
    if has('E') || has('e') || section.contains('/') {
        return None;
    }
    let point = middle.iter().position(|token| *token == Token::Digit('.'));
    let decimals = point.map_or(&[][..], |at| &middle[at..]);
    let most = decimals
        .iter()
        .filter(|token| is_place(token))
        .count()
        .min(20);
    let least = decimals
        .iter()
        .filter(|token| **token == Token::Digit('0'))
        .count();
    let whole = &middle[..point.unwrap_or(middle.len())];
    let thousands = whole.contains(&Token::Digit(','));
    let zeros = whole
        .iter()
        .filter(|token| **token == Token::Digit('0'))
        .count();
    let commas = tokens[last + 1..]
        .iter()
        .take_while(|token| **token == Token::Digit(','))
        .count();
    let percent = if has('%') { 100.0 } else { 1.0 };
    let scaled = number * percent / 1000f64.powi(commas.min(6) as i32);
    let digits = format!("{:.most$}", scaled.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut fraction = fraction.to_owned();
    while fraction.len() > least && fraction.ends_with('0') {
        fraction.pop();
    }
    let mut text = String::new();
    let is_negative = scaled < 0.0 && digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    if is_negative {
        text.push('-');
    }
    let before = tokens[..first].iter();
    before.for_each(|token| push_literal(&mut text, token));
    let whole = format!("{whole:0>zeros$}");
    for (at, digit) in whole.char_indices() {
        if thousands && at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(&fraction);
    }
    tokens[last + 1..]
        .iter()
        .for_each(|token| push_literal(&mut text, token));
    Some(text.trim().to_owned())
}

fn push_literal(text: &mut String, token: &Token) {
    match token {
        Token::Literal(literal) => text.push_str(literal),
        Token::Digit('%') => text.push('%'),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn show(code: &str, number: f64) -> String {
        NumberFormat::code(code).show(number, false)
    }

    #[test]
    fn general_numbers_have_their_digits() {
        assert_eq!(show("General", 123_456_789_012_345.0), "123456789012345");
        assert_eq!(show("General", 0.1 + 0.2), "0.3");
        assert_eq!(show("General", -2.50), "-2.5");
        assert_eq!(show("General", 1e20), "1E20");
        assert_eq!(show("General", 0.0), "0");
    }

    #[test]
    fn numbers_follow_their_code() {
        assert_eq!(show("#,##0.00", 1234567.891), "1,234,567.89");
        assert_eq!(show("0.0%", 0.1234), "12.3%");
        assert_eq!(
            show("#,##0.00 \"EUR\";-#,##0.00 \"EUR\"", -5.0),
            "-5.00 EUR"
        );
        assert_eq!(show("[$€-407]#,##0", 1000.0), "€1,000");
        assert_eq!(show("(0);(0)", -3.0), "(3)");
        assert_eq!(show("0.##", 2.5), "2.5");
        assert_eq!(show("000", 7.0), "007");
        assert_eq!(show("0.0", -0.01), "0.0");
    }

    #[test]
    fn dates_follow_their_code() {
        assert_eq!(show("yyyy-mm-dd", 44_197.0), "2021-01-01");
        assert_eq!(show("d. mmmm yyyy", 44_197.0), "1. January 2021");
        assert_eq!(show("ddd h:mm AM/PM", 44_197.75), "Fri 6:00 PM");
        assert_eq!(show("hh:mm:ss", 0.5), "12:00:00");
        assert_eq!(show("[h]:mm", 1.5), "36:00");
        assert_eq!(NumberFormat::builtin(14).show(0.0, true), "1904-01-01");
        assert_eq!(show("yyyy", -1.0), "-1");
    }

    proptest! {
        #[test]
        fn any_code_shows_any_number(code in "[a-zA-Z0#?.,;%\"\\[\\]$/ _*\\\\é-]{0,24}", number in any::<f64>()) {
            let _ = show(&code, number);
        }
    }
}
