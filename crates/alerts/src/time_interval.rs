//! Recurring times, at which notifications are wanted or not (`time_intervals`). The syntax and the meaning are those of Alertmanager.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTES_PER_HOUR: u16 = 60;
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// The length of the longest months, which is that of the month for which days from its end are checked.
const DAYS_MAX: i32 = 31;

/// Times that satisfy all of the conditions. A list without ranges is no condition.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeInterval {
    /// Times of the day.
    pub times: Vec<TimeRange>,
    /// Days of the week, 0 is Sunday.
    pub weekdays: Vec<RangeInclusive<i32>>,
    /// Days of the month, the first is 1. Negative ones count from its end, the last is -1.
    pub days_of_month: Vec<RangeInclusive<i32>>,
    /// Months, January is 1.
    pub months: Vec<RangeInclusive<i32>>,
    /// Years.
    pub years: Vec<RangeInclusive<i32>>,
    /// Where the clock hangs that all of this is read from.
    pub location: TimeZone,
}

/// Times at which something holds, as they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrence {
    written: String,
    times: Vec<TimeInterval>,
}

/// Why text says no times.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecurrenceError {
    /// It is not what a list of time intervals looks like.
    #[error("{0}")]
    Text(Errors),
    /// It would never hold.
    #[error("at least one time interval required")]
    Empty,
}

impl Recurrence {
    /// Reads a list of time intervals as below `time_intervals`, in YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, RecurrenceError> {
        let document = Document::parse("times", text.as_bytes(), Dialect::V2)
            .map_err(|error| RecurrenceError::Text(error.into()))?;
        let mut errors = Errors::new();
        match Vec::<TimeInterval>::decode(document.root(), &mut errors) {
            Ok(times) if times.is_empty() => Err(RecurrenceError::Empty),
            Ok(times) if errors.is_empty() => Ok(Self { written: text.to_owned(), times }),
            _ => Err(RecurrenceError::Text(errors)),
        }
    }

    /// What was read.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether it holds at a time in milliseconds since the Unix epoch.
    pub fn contains(&self, ts_ms: i64) -> bool {
        self.times.iter().any(|times| times.contains(ts_ms))
    }
}

/// A part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The minute of the day with which it begins.
    pub start_minute: u16,
    /// The first minute that does not belong to it any more; 1440 for the end of the day.
    pub end_minute: u16,
}

/// Why a recurring time is refused. The sentences are those of Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeIntervalError {
    /// Neither `HH:MM` nor `24:00`.
    #[error("couldn't parse timestamp {0}, invalid format")]
    Clock(String),
    /// A range without one of its ends.
    #[error("both start and end times must be provided")]
    HalfTimeRange,
    /// A range that ends before it starts; over midnight there are two.
    #[error("start time cannot be equal or greater than end time")]
    TimeOrder,
    /// Not the name of a day.
    #[error("{0} is not a valid weekday")]
    Weekday(String),
    /// The week begins with Sunday.
    #[error("start day cannot be before end day")]
    WeekdayOrder,
    /// No number.
    #[error("{0} is not a valid day of the month")]
    Day(String),
    /// No month has it.
    #[error("{0} is not a valid day of the month: out of range")]
    DayRange(i32),
    /// Where it ends would depend on the month.
    #[error("end day must be negative if start day is negative")]
    DaySigns,
    /// No month has a day in it.
    #[error("end day {end} is always before start day {start}")]
    DayOrder {
        /// Its first day.
        start: i32,
        /// Its last day.
        end: i32,
    },
    /// Not the name or the number of a month.
    #[error("{0} is not a valid month")]
    Month(String),
    /// A range that ends before it starts.
    #[error("end month {end} is before start month {start}")]
    MonthOrder {
        /// The first month as written.
        start: String,
        /// The last month as written.
        end: String,
    },
    /// No number.
    #[error("{0} is not a valid year")]
    Year(String),
    /// A range that ends before it starts.
    #[error("end year {end} is before start year {start}")]
    YearOrder {
        /// The first year.
        start: i32,
        /// The last year.
        end: i32,
    },
    /// Not in the time zone database.
    #[error("unknown time zone {0}")]
    Location(String),
}

impl TimeInterval {
    /// Whether the time, in milliseconds since the Unix epoch, satisfies all conditions.
    pub fn contains(&self, ts_ms: i64) -> bool {
        // Beyond the year 9999 nothing recurs.
        let Ok(timestamp) = Timestamp::from_millisecond(ts_ms) else { return false };
        let there = timestamp.to_zoned(self.location.clone());
        let minute = there.hour() as u16 * MINUTES_PER_HOUR + there.minute() as u16;
        let last_day = i32::from(there.days_in_month());
        holds(&self.times, |range| (range.start_minute..range.end_minute).contains(&minute))
            && holds(&self.days_of_month, |days| {
                let from_start = |day: i32| if day < 0 { last_day + day + 1 } else { day };
                (from_start(*days.start())..=from_start(*days.end())).contains(&i32::from(there.day()))
            })
            && holds(&self.months, |months| months.contains(&i32::from(there.month())))
            && holds(&self.weekdays, |days| {
                days.contains(&i32::from(there.weekday().to_sunday_zero_offset()))
            })
            && holds(&self.years, |years| years.contains(&i32::from(there.year())))
    }
}

fn holds<T>(ranges: &[T], contains: impl FnMut(&T) -> bool) -> bool {
    ranges.is_empty() || ranges.iter().any(contains)
}

impl Decode<'_> for TimeInterval {
    fn type_name() -> Cow<'static, str> {
        "timeinterval.TimeInterval".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "timeinterval.TimeInterval", errors)?;
        let interval = Self {
            times: map.or_default("times"),
            weekdays: ranges(&mut map, "weekdays", weekdays),
            days_of_month: ranges(&mut map, "days_of_month", days_of_month),
            months: ranges(&mut map, "months", months),
            years: ranges(&mut map, "years", years),
            location: map.parse_optional("location", location).unwrap_or(TimeZone::UTC),
        };
        map.finish()?;
        Ok(interval)
    }
}

/// The field `name`: ranges as text.
fn ranges(
    map: &mut MapReader<'_, '_>,
    name: &'static str,
    parse: fn(&str) -> Result<RangeInclusive<i32>, TimeIntervalError>,
) -> Vec<RangeInclusive<i32>> {
    let written: Vec<Node<'_>> = map.or_default(name);
    let mut ranges = Vec::with_capacity(written.len());
    for node in written {
        match node.decode_text("string", map.errors()) {
            Ok(text) => match parse(&text) {
                Ok(range) => ranges.push(range),
                Err(error) => map.reject(node, error),
            },
            Err(reported) => map.fail(reported),
        }
    }
    ranges
}

impl Decode<'_> for TimeRange {
    fn type_name() -> Cow<'static, str> {
        "timeinterval.TimeRange".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "timeinterval.TimeRange", errors)?;
        let start = map.parse_optional("start_time", minute_of_day);
        let end = map.parse_optional("end_time", minute_of_day);
        let failed = map.has_failed();
        map.finish()?;
        match (start, end) {
            (Some(start_minute), Some(end_minute)) if start_minute < end_minute => {
                Ok(Self { start_minute, end_minute })
            }
            (Some(_), Some(_)) => Err(errors.reject(node, TimeIntervalError::TimeOrder)),
            _ => {
                debug_assert!(!failed, "BUG: finish has told of it");
                Err(errors.reject(node, TimeIntervalError::HalfTimeRange))
            }
        }
    }
}

/// `HH:MM`, up to `24:00`.
fn minute_of_day(text: &str) -> Result<u16, TimeIntervalError> {
    let refused = || TimeIntervalError::Clock(text.to_owned());
    let two_digits = |part: &str| {
        let ok = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        ok.then(|| part.parse::<u16>().ok()).flatten().ok_or_else(refused)
    };
    let (hour, minute) = text.split_once(':').ok_or_else(refused)?;
    match (two_digits(hour)?, two_digits(minute)?) {
        (hour @ ..24, minute @ ..60) => Ok(hour * MINUTES_PER_HOUR + minute),
        (24, 0) => Ok(24 * MINUTES_PER_HOUR),
        _ => Err(refused()),
    }
}

/// `start:end`, or one value that is both.
fn ends(text: &str) -> (&str, &str) {
    text.split_once(':').unwrap_or((text, text))
}

fn weekdays(text: &str) -> Result<RangeInclusive<i32>, TimeIntervalError> {
    let number = |name: &str| {
        let lower = name.to_lowercase();
        let idx = WEEKDAYS.iter().position(|day| *day == lower);
        idx.map(|idx| idx as i32).ok_or_else(|| TimeIntervalError::Weekday(name.to_owned()))
    };
    let (start, end) = ends(text);
    let days = number(start)?..=number(end)?;
    if days.is_empty() { Err(TimeIntervalError::WeekdayOrder) } else { Ok(days) }
}

fn days_of_month(text: &str) -> Result<RangeInclusive<i32>, TimeIntervalError> {
    let number = |text: &str| {
        let day: i32 = text.parse().map_err(|_| TimeIntervalError::Day(text.to_owned()))?;
        let exists = day != 0 && (-DAYS_MAX..=DAYS_MAX).contains(&day);
        if exists { Ok(day) } else { Err(TimeIntervalError::DayRange(day)) }
    };
    let (start, end) = ends(text);
    let (start, end) = (number(start)?, number(end)?);
    // The whole of every month is clear; all else would depend on its length.
    let whole_month = (start, end) == (-DAYS_MAX, DAYS_MAX);
    if whole_month {
        return Ok(start..=end);
    }
    if start < 0 && end > 0 {
        return Err(TimeIntervalError::DaySigns);
    }
    let in_longest_month = |day: i32| if day < 0 { DAYS_MAX + day } else { day };
    if in_longest_month(start) > in_longest_month(end) {
        return Err(TimeIntervalError::DayOrder { start, end });
    }
    Ok(start..=end)
}

fn months(text: &str) -> Result<RangeInclusive<i32>, TimeIntervalError> {
    let number = |name: &str| {
        let lower = name.to_lowercase();
        let named = MONTHS.iter().position(|month| *month == lower).map(|idx| idx as i32 + 1);
        let number = named.or_else(|| name.parse().ok()).filter(|month| (1..=12).contains(month));
        number.ok_or_else(|| TimeIntervalError::Month(name.to_owned()))
    };
    let (start, end) = ends(text);
    let months = number(start)?..=number(end)?;
    if months.is_empty() {
        return Err(TimeIntervalError::MonthOrder { start: start.to_owned(), end: end.to_owned() });
    }
    Ok(months)
}

fn years(text: &str) -> Result<RangeInclusive<i32>, TimeIntervalError> {
    let number = |text: &str| text.parse::<i32>().map_err(|_| TimeIntervalError::Year(text.to_owned()));
    let (start, end) = ends(text);
    let (start, end) = (number(start)?, number(end)?);
    if start > end { Err(TimeIntervalError::YearOrder { start, end }) } else { Ok(start..=end) }
}

/// A time zone of the database, `UTC`, or `Local` for the one of the machine.
fn location(name: &str) -> Result<TimeZone, TimeIntervalError> {
    match name {
        "" | "UTC" => Ok(TimeZone::UTC),
        "Local" => Ok(TimeZone::system()),
        _ => TimeZone::get(name).map_err(|_| TimeIntervalError::Location(name.to_owned())),
    }
}
