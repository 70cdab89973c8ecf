//! What an objective is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::format_duration_ms;
use bellwether_yaml::Position;
use time::{Date, Month, OffsetDateTime, Time};

use super::alerting::Alerting;
use super::indicator::Indicator;

const DAY_MS: i64 = 86_400_000;

/// How much of what happens must be good.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What it is about, in a word.
    pub name: String,
    /// The service that it is about; empty if none is named.
    pub service: String,
    /// A sentence about it.
    pub description: String,
    /// The share that must be good, between 0 and 1.
    pub target: f64,
    /// Over how long.
    pub window: Window,
    /// What happens, and which part of it is bad.
    pub indicator: Indicator,
    /// Labels of all series that the rules write.
    pub labels: BTreeMap<String, String>,
    /// Who is told, and how.
    pub alerting: Alerting,
    /// The fewest events within the long window of an alert at which it fires; 0 for any number.
    pub min_events: f64,
    /// The file it stands in.
    pub source: Arc<str>,
    /// Where it stands there.
    pub position: Position,
}

impl Objective {
    /// The name that no other objective has: that of the service, and its own.
    pub fn id(&self) -> String {
        if self.service.is_empty() { self.name.clone() } else { format!("{}-{}", self.service, self.name) }
    }

    /// The share that may be bad.
    pub fn budget(&self) -> f64 {
        rounded(1.0 - self.target)
    }

    /// The share that must be good, as people write it: `99.9 %`.
    pub fn percent(&self) -> String {
        format!("{} %", bellwether_model::format_float(rounded(self.target * 100.0)))
    }
}

/// Without the noise of binary fractions: twelve digits.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

/// The time over which an objective is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The last so many milliseconds.
    Rolling(i64),
    /// From the begin of a period of the calendar on, in UTC.
    Calendar(Calendar),
}

/// A period of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// Periods of equal length, one after the other.
    Every {
        /// The length, in milliseconds.
        length_ms: i64,
        /// When one of them begins, in milliseconds since the Unix epoch.
        start_ms: i64,
    },
    /// From the first of each month.
    Month,
    /// From the first of January, April, July and October.
    Quarter,
    /// From the first of January.
    Year,
}

impl Window {
    /// How long it is, in milliseconds: of months 30 days, of quarters 90, of years 365. Speeds are told against this length, so that they do not jump from month to month.
    pub fn nominal_ms(self) -> i64 {
        match self {
            Self::Rolling(ms) | Self::Calendar(Calendar::Every { length_ms: ms, .. }) => ms,
            Self::Calendar(Calendar::Month) => 30 * DAY_MS,
            Self::Calendar(Calendar::Quarter) => 90 * DAY_MS,
            Self::Calendar(Calendar::Year) => 365 * DAY_MS,
        }
    }

    /// The longest that it can be, in milliseconds.
    pub fn longest_ms(self) -> i64 {
        match self {
            Self::Calendar(Calendar::Month) => 31 * DAY_MS,
            Self::Calendar(Calendar::Quarter) => 92 * DAY_MS,
            Self::Calendar(Calendar::Year) => 366 * DAY_MS,
            other => other.nominal_ms(),
        }
    }

    /// The first and the last moment of the window that `now_ms` is in.
    pub fn around(self, now_ms: i64) -> (i64, i64) {
        let (length_ms, start_ms) = match self {
            Self::Rolling(ms) => return (now_ms.saturating_sub(ms), now_ms),
            Self::Calendar(Calendar::Every { length_ms, start_ms }) => (length_ms, start_ms),
            Self::Calendar(Calendar::Month) => return of_months(now_ms, 1),
            Self::Calendar(Calendar::Quarter) => return of_months(now_ms, 3),
            Self::Calendar(Calendar::Year) => return of_months(now_ms, 12),
        };
        let begin_ms = now_ms - (now_ms - start_ms).rem_euclid(length_ms);
        (begin_ms, begin_ms + length_ms)
    }

    /// A word for names of series and for people: `30d`, `1M`, `each7d`.
    pub fn word(self) -> String {
        match self {
            Self::Rolling(ms) => in_days(ms),
            // Not `1d`, which is a window that rolls, and whose series are others.
            Self::Calendar(Calendar::Every { length_ms, .. }) => format!("each{}", in_days(length_ms)),
            Self::Calendar(Calendar::Month) => "1M".to_owned(),
            Self::Calendar(Calendar::Quarter) => "1Q".to_owned(),
            Self::Calendar(Calendar::Year) => "1Y".to_owned(),
        }
    }

    /// As in a sentence: `30d`, `the calendar month`.
    pub fn phrase(self) -> String {
        match self {
            Self::Rolling(ms) => in_days(ms),
            Self::Calendar(Calendar::Every { length_ms, .. }) => format!("each {}", in_days(length_ms)),
            Self::Calendar(Calendar::Month) => "the calendar month".to_owned(),
            Self::Calendar(Calendar::Quarter) => "the calendar quarter".to_owned(),
            Self::Calendar(Calendar::Year) => "the calendar year".to_owned(),
        }
    }
}

/// Whole days as days: nobody says four weeks and two days for thirty days.
fn in_days(ms: i64) -> String {
    if ms % DAY_MS == 0 { format!("{}d", ms / DAY_MS) } else { format_duration_ms(ms) }
}

/// The period of so many months that `now_ms` is in.
fn of_months(now_ms: i64, months: i32) -> (i64, i64) {
    let now =
        OffsetDateTime::from_unix_timestamp(now_ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month = now.year() * 12 + i32::from(u8::from(now.month())) - 1;
    let first = month - month.rem_euclid(months);
    (begin_of_month_ms(first), begin_of_month_ms(first + months))
}

/// When a month begins that is counted from the year 0 on.
fn begin_of_month_ms(month: i32) -> i64 {
    let number = u8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
    let name = Month::try_from(number).unwrap_or(Month::January);
    // Times of this program lie far within the years that dates can have.
    let day = Date::from_calendar_date(month.div_euclid(12), name, 1).unwrap_or(Date::MAX);
    day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp() * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_of_the_calendar_begin_where_people_expect() {
        // 2024-02-29T12:00:00Z
        let now_ms = 1_709_208_000_000;
        let check = |calendar, want: (i64, i64)| {
            let (begin, end) = Window::Calendar(calendar).around(now_ms);
            assert_eq!((begin / 1000, end / 1000), want, "{calendar:?}");
        };
        check(Calendar::Month, (1_706_745_600, 1_709_251_200));
        check(Calendar::Quarter, (1_704_067_200, 1_711_929_600));
        check(Calendar::Year, (1_704_067_200, 1_735_689_600));
        // Weeks from Monday, 2024-01-01.
        let weeks = Calendar::Every { length_ms: 7 * DAY_MS, start_ms: 1_704_067_200_000 };
        check(weeks, (1_708_905_600, 1_709_510_400));
        let rolling = Window::Rolling(DAY_MS).around(now_ms);
        assert_eq!(rolling, (now_ms - DAY_MS, now_ms));
    }

    #[test]
    fn windows_have_words() {
        assert_eq!(Window::Rolling(30 * DAY_MS).word(), "30d");
        assert_eq!(Window::Rolling(28 * DAY_MS).word(), "28d");
        assert_eq!(Window::Rolling(DAY_MS / 2).word(), "12h");
        assert_eq!(Window::Calendar(Calendar::Month).word(), "1M");
    }
}
