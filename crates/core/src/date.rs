//! Days of the calendar, as documents bear them and people type them. No clock: whoever asks for
//! "30 days ago" says which day today is.

use serde::{Deserialize, Serialize};

/// Days of the longest month before each month, in a year that is no leap year.
const DAYS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A day of the Gregorian calendar, counted from 1970-01-01, which is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub i32);

impl Day {
    /// The day of a year (0 to 9999), a month and a day that exist.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Day> {
        if !(0..=9999).contains(&year) || day == 0 || day > days_in(year, month)? {
            return None;
        }
        // The year begins in March, so that the leap day is its last (Hinnant, "chrono-compatible
        // low-level date algorithms", days_from_civil).
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month_from_march = (month as i32 + 9) % 12;
        let of_year = (153 * month_from_march + 2) / 5 + day as i32 - 1;
        let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        Some(Day(era * 146_097 + day_of_era - 719_468))
    }

    /// The day at the beginning of a time as RFC 3339 writes it: `2024-03-01`, or
    /// `2024-03-01T08:30:00+01:00`, which is the first of March wherever that was.
    pub fn from_rfc3339(time: &str) -> Option<Day> {
        let date = time.trim().get(..10)?;
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = number(parts.next()?, 2)?;
        let day = number(parts.next()?, 2)?;
        Day::from_ymd(year as i32, month, day)
    }

    /// Year, month and day.
    pub fn ymd(self) -> (i32, u32, u32) {
        // Hinnant, civil_from_days.
        let days = i64::from(self.0) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2) % 12 + 1;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year as i32, month as u32, day as u32)
    }

    /// The same day of an earlier month, or the last day of that month.
    fn months_before(self, months: u32) -> Day {
        let (year, month, day) = self.ymd();
        let index = i64::from(year) * 12 + i64::from(month) - 1 - i64::from(months);
        let year = index.div_euclid(12).clamp(0, 9999) as i32;
        let month = index.rem_euclid(12) as u32 + 1;
        let day = day.min(days_in(year, month).unwrap_or(28));
        Day::from_ymd(year, month, day).unwrap_or(self)
    }
}

/// Number of days of a month; `None` if there is no such month.
fn days_in(year: i32, month: u32) -> Option<u32> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = *DAYS.get((month as usize).checked_sub(1)?)?;
    Some(u32::from(days) + u32::from(month == 2 && is_leap))
}

/// A number of digits alone, `digits` of them at most.
fn number(text: &str, digits: usize) -> Option<u32> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text.len() <= digits)
        .then(|| text.parse().ok())
        .flatten()
}

/// Days in a row, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
}

impl Period {
    /// Whether the day is in it.
    pub fn contains(&self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }

    /// A year (`2024`), a month (`2024-03`) or a day (`2024-03-01`, `2024/3/1`, `01.03.2024`).
    fn parse(text: &str) -> Option<Period> {
        let separator = text.chars().find(|c| matches!(c, '-' | '/' | '.'));
        let parts: Vec<&str> = text.split(separator.unwrap_or('-')).collect();
        let year = |text: &str| number(text, 4).filter(|_| text.len() == 4);
        let (first, last) = match (parts.as_slice(), separator) {
            ([y], None) => ((year(y)?, 1, 1), (year(y)?, 12, 31)),
            ([m, y], Some('.')) | ([y, m], _) => {
                let (year, month) = (year(y)?, number(m, 2)?);
                let last = days_in(year as i32, month)?;
                ((year, month, 1), (year, month, last))
            }
            ([d, m, y], Some('.')) | ([y, m, d], _) => {
                let day = (year(y)?, number(m, 2)?, number(d, 2)?);
                (day, day)
            }
            _ => return None,
        };
        let day = |(year, month, day)| Day::from_ymd(year as i32, month, day);
        Some(Period {
            first: day(first)?,
            last: day(last)?,
        })
    }
}

/// A time as a person types it: on the calendar, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// A year, a month or a day.
    Calendar(Period),
    /// So many days before today.
    DaysAgo(u32),
    /// So many months before today.
    MonthsAgo(u32),
}

impl When {
    /// The forms of [`When`] that are understood, for messages.
    pub const FORMS: &str =
        "2024, 2024-03, 2024-03-01, 01.03.2024, today, yesterday, or 30d, 2w, 6m, 1y ago";

    /// Understands what was typed: `2024`, `2024-03`, `2024-03-01`, `01.03.2024`, `today`,
    /// `yesterday`, or so many days, weeks, months or years ago: `30d`, `2w`, `6m`, `1y`.
    pub fn parse(typed: &str) -> Option<When> {
        let typed = typed.trim().to_ascii_lowercase();
        match typed.as_str() {
            "today" => return Some(When::DaysAgo(0)),
            "yesterday" => return Some(When::DaysAgo(1)),
            _ => {}
        }
        let digits = typed.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = typed.split_at(digits);
        let ago = || number(count, 4);
        match unit {
            "d" => Some(When::DaysAgo(ago()?)),
            "w" => Some(When::DaysAgo(7 * ago()?)),
            "m" => Some(When::MonthsAgo(ago()?)),
            "y" => Some(When::MonthsAgo(12 * ago()?)),
            _ => Period::parse(&typed).map(When::Calendar),
        }
    }

    /// The days meant, if today is `today`.
    pub fn period(self, today: Day) -> Period {
        let one = |day| Period {
            first: day,
            last: day,
        };
        match self {
            When::Calendar(period) => period,
            When::DaysAgo(days) => one(Day(today.0.saturating_sub_unsigned(days))),
            When::MonthsAgo(months) => one(today.months_before(months)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(year: i32, month: u32, day: u32) -> Day {
        Day::from_ymd(year, month, day).unwrap()
    }

    #[track_caller]
    fn check(typed: &str, first: (i32, u32, u32), last: (i32, u32, u32)) {
        let period = When::parse(typed).unwrap().period(day(2024, 3, 31));
        assert_eq!((period.first.ymd(), period.last.ymd()), (first, last));
    }

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(day(1970, 1, 1), Day(0));
        assert_eq!(day(2000, 2, 29), Day(11_016));
        assert_eq!(day(1969, 12, 31), Day(-1));
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 13, 1), (2024, 4, 31)] {
            assert_eq!(Day::from_ymd(year, month, day), None);
        }
        assert_eq!(Day::from_ymd(2024, 0, 1), None);
        assert_eq!(Day::from_ymd(2024, 1, 0), None);
    }

    #[test]
    fn dates_are_understood_as_people_type_them() {
        check("2024", (2024, 1, 1), (2024, 12, 31));
        check("2024-02", (2024, 2, 1), (2024, 2, 29));
        check("02.2024", (2024, 2, 1), (2024, 2, 29));
        for typed in ["2024-03-01", "2024/3/1", "01.03.2024", "1.3.2024"] {
            check(typed, (2024, 3, 1), (2024, 3, 1));
        }
    }

    #[test]
    fn times_are_counted_back_from_today() {
        check("today", (2024, 3, 31), (2024, 3, 31));
        check("30d", (2024, 3, 1), (2024, 3, 1));
        check("2W", (2024, 3, 17), (2024, 3, 17));
        check("1m", (2024, 2, 29), (2024, 2, 29));
        check("4m", (2023, 11, 30), (2023, 11, 30));
        check("1y", (2023, 3, 31), (2023, 3, 31));
    }

    #[test]
    fn nonsense_is_no_date() {
        for typed in [
            "",
            "soon",
            "24",
            "2024-13",
            "2024-02-30",
            "30",
            "d",
            "99999d",
            "1.2.3.4",
            "２０２４",
            "-",
        ] {
            assert_eq!(When::parse(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_time_begins_with_its_day() {
        let time = "2024-03-01T23:30:00-08:00";
        assert_eq!(Day::from_rfc3339(time), Some(day(2024, 3, 1)));
        assert_eq!(Day::from_rfc3339("Fri, 1 Mar 2024"), None);
        assert_eq!(Day::from_rfc3339("2024"), None);
    }

    proptest! {
        #[test]
        fn a_day_is_its_year_month_and_day(days in -719_000i32..2_900_000) {
            let (year, month, day) = Day(days).ymd();
            prop_assert_eq!(Day::from_ymd(year, month, day), Some(Day(days)));
        }

        #[test]
        fn anything_typed_is_a_time_or_not(typed in "\\PC{0,12}", today in any::<i32>()) {
            if let Some(when) = When::parse(&typed) {
                let period = when.period(Day(today));
                prop_assert!(period.first <= period.last);
            }
        }
    }
}
