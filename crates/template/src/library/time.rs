use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use bellwether_model::go_quote;

use crate::functions::FunctionError;
use crate::library::duration::GoDuration;
use crate::value::{Record, Value};

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// The time that Go has where none was set: the first day of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;
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
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
/// As Go writes a time into JSON.
const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// Go's `time.Time`: nanoseconds since the Unix epoch, and where the clock hangs from which they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoTime {
    nanos: i128,
    /// `None` is UTC.
    zone: Option<Zone>,
}

/// How a clock is set somewhere at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// How much it is before UTC, in seconds.
    pub offset_s: i32,
    /// What that is called, such as `CET`.
    pub abbreviation: Arc<str>,
}

/// A date and a time of day.
struct Civil<'z> {
    year: i64,
    month: i64,
    day: i64,
    weekday: usize,
    year_day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    offset_s: i32,
    zone: &'z str,
}

impl GoTime {
    /// So many seconds after the Unix epoch, whole milliseconds as in Prometheus, or the error that its functions give for a time that does not fit.
    pub fn from_seconds(seconds: f64) -> Result<Self, FunctionError> {
        let nanos = seconds * 1e9;
        if !(i64::MIN as f64..i64::MAX as f64).contains(&nanos) {
            let shown = crate::format::float_general(seconds, None);
            return Err(FunctionError::new(format!(
                "{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"
            )));
        }
        Ok(Self::from_ms((nanos as i64) / 1_000_000))
    }

    /// So many milliseconds after the Unix epoch.
    pub fn from_ms(ms: i64) -> Self {
        Self { nanos: i128::from(ms) * 1_000_000, zone: None }
    }

    /// The time that stands for none.
    pub fn zero() -> Self {
        Self { nanos: i128::from(ZERO_SECONDS) * NANOS_PER_SECOND, zone: None }
    }

    /// Milliseconds since the Unix epoch.
    pub fn ms(&self) -> i64 {
        self.nanos.div_euclid(1_000_000) as i64
    }

    /// The same time as a clock elsewhere shows it.
    #[must_use]
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self { nanos: self.nanos, zone: Some(zone) }
    }

    /// Days since the epoch to a date: the algorithm of "chrono-Compatible Low-Level Date Algorithms" (Hinnant).
    fn civil(&self) -> Civil<'_> {
        let (offset_s, zone) = self.zone.as_ref().map_or((0, "UTC"), |it| (it.offset_s, &it.abbreviation));
        let seconds = self.nanos.div_euclid(NANOS_PER_SECOND) as i64 + i64::from(offset_s);
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month as usize - 1];
        Civil {
            year,
            month,
            day,
            weekday: (days + 4).rem_euclid(7) as usize,
            year_day: before + day + i64::from(is_leap(year) && month > 2),
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanos: self.nanos.rem_euclid(NANOS_PER_SECOND) as i64,
            offset_s,
            zone,
        }
    }

    /// Formats with a layout in terms of Go's reference time, Mon Jan 2 15:04:05 MST 2006.
    pub fn format(&self, layout: &str) -> String {
        let civil = self.civil();
        let mut out = String::new();
        let mut rest = layout;
        while !rest.is_empty() {
            if let Some((element, len)) = Element::at_start_of(rest) {
                element.write(&mut out, &civil);
                rest = &rest[len..];
            } else {
                let len = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..len]);
                rest = &rest[len..];
            }
        }
        out
    }

    /// Reads a time that was written with a layout; what the layout lacks is that of the zero time, in UTC.
    pub fn parse(layout: &str, text: &str) -> Result<Self, FunctionError> {
        let mut fields = Fields::default();
        fields.read(layout, text).and_then(|()| fields.time()).ok_or_else(|| {
            let message = format!("parsing time {} as {}: it does not fit", go_quote(text), go_quote(layout));
            FunctionError::new(message)
        })
    }
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// A part of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Month,
    ShortMonth,
    MonthNumber {
        width: usize,
    },
    Weekday,
    ShortWeekday,
    Day {
        width: usize,
        fill: char,
    },
    YearDay {
        fill: char,
    },
    Year,
    ShortYear,
    Hour,
    Hour12 {
        width: usize,
    },
    Minute {
        width: usize,
    },
    Second {
        width: usize,
    },
    /// `.000` writes all digits, `.999` leaves out trailing zeroes.
    Fraction {
        point: char,
        digits: usize,
        trim: bool,
    },
    Noon {
        upper: bool,
    },
    Zone,
    /// How many of hours, minutes and seconds, whether with colons, and whether UTC is `Z`.
    Offset {
        parts: usize,
        colons: bool,
        z: bool,
    },
}

/// The elements that are written in one way only. Longer ones come before those that they start with.
const ELEMENTS: [(&str, Element); 32] = [
    ("January", Element::Month),
    ("Jan", Element::ShortMonth),
    ("Monday", Element::Weekday),
    ("Mon", Element::ShortWeekday),
    ("MST", Element::Zone),
    ("2006", Element::Year),
    ("002", Element::YearDay { fill: '0' }),
    ("01", Element::MonthNumber { width: 2 }),
    ("02", Element::Day { width: 2, fill: '0' }),
    ("03", Element::Hour12 { width: 2 }),
    ("04", Element::Minute { width: 2 }),
    ("05", Element::Second { width: 2 }),
    ("06", Element::ShortYear),
    ("15", Element::Hour),
    ("__2", Element::YearDay { fill: ' ' }),
    ("_2", Element::Day { width: 2, fill: ' ' }),
    ("Z07:00:00", Element::Offset { parts: 3, colons: true, z: true }),
    ("Z07:00", Element::Offset { parts: 2, colons: true, z: true }),
    ("Z0700", Element::Offset { parts: 2, colons: false, z: true }),
    ("Z07", Element::Offset { parts: 1, colons: false, z: true }),
    ("-07:00:00", Element::Offset { parts: 3, colons: true, z: false }),
    ("-07:00", Element::Offset { parts: 2, colons: true, z: false }),
    ("-070000", Element::Offset { parts: 3, colons: false, z: false }),
    ("-0700", Element::Offset { parts: 2, colons: false, z: false }),
    ("-07", Element::Offset { parts: 1, colons: false, z: false }),
    ("PM", Element::Noon { upper: true }),
    ("pm", Element::Noon { upper: false }),
    ("1", Element::MonthNumber { width: 1 }),
    ("2", Element::Day { width: 1, fill: '0' }),
    ("3", Element::Hour12 { width: 1 }),
    ("4", Element::Minute { width: 1 }),
    ("5", Element::Second { width: 1 }),
];

impl Element {
    /// The element with which `layout` starts, and its length.
    fn at_start_of(layout: &str) -> Option<(Self, usize)> {
        let fixed = ELEMENTS.iter().find(|(text, _)| layout.starts_with(text));
        fixed.map(|(text, element)| (*element, text.len())).or_else(|| Self::fraction(layout))
    }

    fn fraction(layout: &str) -> Option<(Self, usize)> {
        let point = layout.chars().next().filter(|c| matches!(c, '.' | ','))?;
        let digits = &layout[1..];
        let kind = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let len = digits.chars().take_while(|c| *c == kind).count();
        if digits[len..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        Some((Self::Fraction { point, digits: len, trim: kind == '9' }, 1 + len))
    }

    fn write(self, out: &mut String, civil: &Civil<'_>) {
        let mut number = |value: i64, width: usize, fill: char| {
            let digits = value.to_string();
            out.extend(std::iter::repeat_n(fill, width.saturating_sub(digits.len())));
            out.push_str(&digits);
        };
        match self {
            Self::MonthNumber { width } => number(civil.month, width, '0'),
            Self::Day { width, fill } => number(civil.day, width, fill),
            Self::YearDay { fill } => number(civil.year_day, 3, fill),
            Self::Year => number(civil.year, 4, '0'),
            Self::ShortYear => number(civil.year.rem_euclid(100), 2, '0'),
            Self::Hour => number(civil.hour, 2, '0'),
            Self::Hour12 { width } => number((civil.hour + 11) % 12 + 1, width, '0'),
            Self::Minute { width } => number(civil.minute, width, '0'),
            Self::Second { width } => number(civil.second, width, '0'),
            Self::Month => out.push_str(MONTHS[civil.month as usize - 1]),
            Self::ShortMonth => out.push_str(&MONTHS[civil.month as usize - 1][..3]),
            Self::Weekday => out.push_str(DAYS[civil.weekday]),
            Self::ShortWeekday => out.push_str(&DAYS[civil.weekday][..3]),
            Self::Noon { upper } => out.push_str(match (civil.hour < 12, upper) {
                (true, true) => "AM",
                (true, false) => "am",
                (false, true) => "PM",
                (false, false) => "pm",
            }),
            Self::Zone => out.push_str(civil.zone),
            Self::Offset { z: true, .. } if civil.offset_s == 0 => out.push('Z'),
            Self::Offset { parts, colons, .. } => write_offset(out, civil.offset_s, parts, colons),
            Self::Fraction { point, digits, trim } => {
                let all = format!("{:09}", civil.nanos);
                let mut shown = &all[..digits.min(9)];
                if trim {
                    shown = shown.trim_end_matches('0');
                }
                if !shown.is_empty() {
                    out.push(point);
                    out.push_str(shown);
                }
            }
        }
    }
}

fn write_offset(out: &mut String, offset_s: i32, parts: usize, colons: bool) {
    out.push(if offset_s < 0 { '-' } else { '+' });
    let seconds = offset_s.unsigned_abs();
    let values = [seconds / 3600, seconds / 60 % 60, seconds % 60];
    for (idx, value) in values.into_iter().take(parts).enumerate() {
        let colon = if colons && idx > 0 { ":" } else { "" };
        write!(out, "{colon}{value:02}").expect("BUG: writing to a string cannot fail");
    }
}

/// What was read of a time.
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
    /// Whether it is after noon, if that was said.
    afternoon: Option<bool>,
    offset_s: i64,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            year: 1,
            month: 1,
            day: 1,
            year_day: None,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            afternoon: None,
            offset_s: 0,
        }
    }
}

impl Fields {
    /// `None` if the text does not follow the layout.
    fn read(&mut self, mut layout: &str, mut text: &str) -> Option<()> {
        while !layout.is_empty() {
            if let Some((element, len)) = Element::at_start_of(layout) {
                layout = &layout[len..];
                text = self.element(element, text)?;
                let fraction_follows =
                    matches!(Element::at_start_of(layout), Some((Element::Fraction { .. }, _)));
                if matches!(element, Element::Second { .. }) && !fraction_follows {
                    text = self.unannounced_fraction(text);
                }
            } else {
                let c = layout.chars().next()?;
                layout = &layout[c.len_utf8()..];
                text = text.strip_prefix(c)?;
            }
        }
        text.is_empty().then_some(())
    }

    fn element<'t>(&mut self, element: Element, text: &'t str) -> Option<&'t str> {
        let (value, rest) = match element {
            Element::Month => return named(text, &MONTHS, 9).map(|(idx, rest)| self.set_month(idx, rest)),
            Element::ShortMonth => {
                return named(text, &MONTHS, 3).map(|(idx, rest)| self.set_month(idx, rest));
            }
            Element::Weekday => return named(text, &DAYS, 9).map(|(_, rest)| rest),
            Element::ShortWeekday => return named(text, &DAYS, 3).map(|(_, rest)| rest),
            Element::Zone => {
                let len = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
                return (len >= 3).then(|| &text[len..]);
            }
            Element::Noon { .. } => {
                let afternoon = [("AM", false), ("am", false), ("PM", true), ("pm", true)];
                let (rest, is_afternoon) =
                    afternoon.into_iter().find_map(|(name, is)| Some((text.strip_prefix(name)?, is)))?;
                self.afternoon = Some(is_afternoon);
                return Some(rest);
            }
            Element::Offset { parts, colons, z } => return self.offset(text, parts, colons, z),
            Element::Fraction { .. } => {
                let point = text.chars().next()?;
                return matches!(point, '.' | ',').then(|| self.fraction(&text[1..]));
            }
            Element::Year => digits(text, 4, 4)?,
            Element::YearDay { .. } => digits(text.trim_start(), 1, 3)?,
            Element::MonthNumber { width: 2 }
            | Element::Hour
            | Element::ShortYear
            | Element::Hour12 { width: 2 }
            | Element::Minute { width: 2 }
            | Element::Second { width: 2 } => digits(text, 2, 2)?,
            Element::Day { .. } => digits(text.trim_start(), 1, 2)?,
            Element::MonthNumber { .. }
            | Element::Hour12 { .. }
            | Element::Minute { .. }
            | Element::Second { .. } => digits(text, 1, 2)?,
        };
        match element {
            Element::Year => self.year = value,
            Element::ShortYear => self.year = value + if value >= 69 { 1900 } else { 2000 },
            Element::YearDay { .. } => self.year_day = Some(value),
            Element::MonthNumber { .. } => self.month = value,
            Element::Day { .. } => self.day = value,
            Element::Hour | Element::Hour12 { .. } => self.hour = value,
            Element::Minute { .. } => self.minute = value,
            Element::Second { .. } => self.second = value,
            _ => {}
        }
        Some(rest)
    }

    fn set_month<'t>(&mut self, idx: usize, rest: &'t str) -> &'t str {
        self.month = idx as i64 + 1;
        rest
    }

    /// A fraction behind seconds is read also if the layout has none, as Go does it.
    fn unannounced_fraction<'t>(&mut self, text: &'t str) -> &'t str {
        match text.strip_prefix(['.', ',']) {
            Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => self.fraction(digits),
            _ => text,
        }
    }

    /// The digits behind the point; those beyond nanoseconds count for nothing.
    fn fraction<'t>(&mut self, text: &'t str) -> &'t str {
        let len = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let nine: String = text[..len].chars().chain(std::iter::repeat('0')).take(9).collect();
        self.nanos = nine.parse().unwrap_or(0);
        &text[len..]
    }

    fn offset<'t>(&mut self, text: &'t str, parts: usize, colons: bool, z: bool) -> Option<&'t str> {
        if z && let Some(rest) = text.strip_prefix('Z') {
            return Some(rest);
        }
        let (sign, mut rest) = match text.chars().next()? {
            '+' => (1, &text[1..]),
            '-' => (-1, &text[1..]),
            _ => return None,
        };
        let mut seconds = 0;
        for (idx, unit) in [3600, 60, 1].into_iter().take(parts).enumerate() {
            if colons && idx > 0 {
                rest = rest.strip_prefix(':')?;
            }
            let (value, after) = digits(rest, 2, 2)?;
            seconds += value * unit;
            rest = after;
        }
        self.offset_s = sign * seconds;
        Some(rest)
    }

    /// `None` if there is no such time.
    fn time(&self) -> Option<GoTime> {
        let hour = match (self.afternoon, self.hour) {
            (Some(true), hour @ 0..12) => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        let lengths = [31, if is_leap(self.year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let (month, day) = match self.year_day {
            None => (self.month, self.day),
            Some(year_day) => {
                let mut left = year_day;
                let month = lengths.iter().position(|len| {
                    let here = left <= *len;
                    left -= if here { 0 } else { *len };
                    here
                })?;
                (month as i64 + 1, left)
            }
        };
        let length = usize::try_from(month - 1).ok().and_then(|idx| lengths.get(idx))?;
        let exists = (1..=*length).contains(&day) && hour < 24 && self.minute < 60 && self.second < 60;
        if !exists {
            return None;
        }
        let seconds = days_from_civil(self.year, month, day) * SECONDS_PER_DAY
            + hour * 3600
            + self.minute * 60
            + self.second
            - self.offset_s;
        Some(GoTime { nanos: i128::from(seconds) * NANOS_PER_SECOND + i128::from(self.nanos), zone: None })
    }
}

/// The inverse of what [`GoTime::civil`] does with days, from the same source.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * 146_097 + day_of_era - 719_468
}

/// From `min` to `max` digits at the start of `text`, and what follows.
fn digits(text: &str, min: usize, max: usize) -> Option<(i64, &str)> {
    let len = text.bytes().take(max).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(len);
    (len >= min).then(|| number.parse().ok()).flatten().map(|number| (number, rest))
}

/// Which of the names, cut to some letters, `text` starts with, in capitals or not.
fn named<'t>(text: &'t str, names: &[&str], letters: usize) -> Option<(usize, &'t str)> {
    names.iter().enumerate().find_map(|(idx, name)| {
        let name = &name[..letters.min(name.len())];
        let start = text.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| (idx, &text[name.len()..]))
    })
}

/// As Go prints a time: `2015-06-23 13:19:44.128 +0000 UTC`.
impl fmt::Display for GoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

impl Record for GoTime {
    fn type_name(&self) -> &'static str {
        "*time.Time"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FunctionError>> {
        let c = self.civil();
        let wrong = || FunctionError::new(format!("wrong number or type of args for {name}"));
        let other = |value: &Value| match value {
            Value::Record(record) => (**record).as_any().downcast_ref::<Self>().cloned(),
            _ => None,
        };
        Some(Ok(match (name, args) {
            ("Format", [layout]) => match layout.as_str() {
                Some(layout) => self.format(layout).into(),
                None => return Some(Err(wrong())),
            },
            ("Add", [Value::Record(duration)]) => match duration.call("Nanoseconds", &[]) {
                Some(Ok(Value::Int(nanos))) => {
                    Arc::new(Self { nanos: self.nanos + i128::from(nanos), zone: self.zone.clone() }).into()
                }
                _ => return Some(Err(wrong())),
            },
            ("Sub", [time]) => match other(time) {
                Some(time) => Arc::new(self.since(&time)).into(),
                None => return Some(Err(wrong())),
            },
            ("Equal", [time]) => match other(time) {
                Some(time) => (self.nanos == time.nanos).into(),
                None => return Some(Err(wrong())),
            },
            ("Before", [time]) => match other(time) {
                Some(time) => (self.nanos < time.nanos).into(),
                None => return Some(Err(wrong())),
            },
            ("After", [time]) => match other(time) {
                Some(time) => (self.nanos > time.nanos).into(),
                None => return Some(Err(wrong())),
            },
            ("UTC", []) => Arc::new(Self { nanos: self.nanos, zone: None }).into(),
            ("IsZero", []) => (*self == Self::zero()).into(),
            ("String", []) => self.to_string().into(),
            ("Unix", []) => (self.nanos.div_euclid(NANOS_PER_SECOND) as i64).into(),
            ("UnixMilli", []) => self.ms().into(),
            ("UnixNano", []) => (self.nanos as i64).into(),
            ("Year", []) => c.year.into(),
            ("Month", []) => MONTHS[c.month as usize - 1].into(),
            ("Day", []) => c.day.into(),
            ("Weekday", []) => DAYS[c.weekday].into(),
            ("YearDay", []) => c.year_day.into(),
            ("Hour", []) => c.hour.into(),
            ("Minute", []) => c.minute.into(),
            ("Second", []) => c.second.into(),
            (
                "Format" | "Add" | "Sub" | "Equal" | "Before" | "After" | "UTC" | "IsZero" | "String"
                | "Unix" | "UnixMilli" | "UnixNano" | "Year" | "Month" | "Day" | "Weekday" | "YearDay"
                | "Hour" | "Minute" | "Second",
                _,
            ) => return Some(Err(wrong())),
            _ => return None,
        }))
    }

    fn print(&self) -> String {
        self.to_string()
    }

    fn json(&self) -> Cow<'_, str> {
        format!("\"{}\"", self.format(RFC3339_NANO)).into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl GoTime {
    /// The time from `earlier` to this one, as far as it fits.
    pub fn since(&self, earlier: &Self) -> GoDuration {
        let nanos = (self.nanos - earlier.nanos).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        GoDuration { nanos: nanos as i64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> GoTime {
        GoTime::from_seconds(seconds).expect("fits")
    }

    #[test]
    fn prints_as_go() {
        assert_eq!(at(0.0).to_string(), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(at(-1.0).to_string(), "1969-12-31 23:59:59 +0000 UTC");
        assert_eq!(at(1_435_065_584.128).to_string(), "2015-06-23 13:19:44.128 +0000 UTC");
        assert_eq!(at(951_782_400.0).format("2006-01-02 002 Mon"), "2000-02-29 060 Tue");
    }

    #[test]
    fn reads_what_it_writes() {
        let parse = |layout: &str, text: &str| GoTime::parse(layout, text).map(|time| time.to_string());
        assert_eq!(parse("2006-01-02", "2024-02-29").expect("a leap day"), "2024-02-29 00:00:00 +0000 UTC");
        assert!(parse("2006-01-02", "2023-02-29").is_err() && parse("2006-01-02", "2024-1-02").is_err());
        let odd = "Mon, 02 Jan 06 03:04:05.000 pm -0700";
        let time = GoTime::from_ms(1_353_798_852_250)
            .in_zone(Zone { offset_s: -18_000, abbreviation: "EST".into() });
        assert_eq!(time.format(odd), "Sat, 24 Nov 12 06:14:12.250 pm -0500");
        assert_eq!(GoTime::parse(odd, &time.format(odd)).expect("its own layout").nanos, time.nanos);
        assert_eq!(
            parse("002 2006", "060 2000").expect("a day of the year"),
            "2000-02-29 00:00:00 +0000 UTC"
        );
        assert_eq!(parse("15:04:05", "01:02:03.5").expect("a fraction"), "0001-01-01 01:02:03.5 +0000 UTC");
        assert_eq!(GoTime::zero().to_string(), "0001-01-01 00:00:00 +0000 UTC");
        assert_eq!(GoTime::zero().json(), "\"0001-01-01T00:00:00Z\"");
    }

    #[test]
    fn formats_layouts() {
        let t = at(1_353_755_652.0);
        assert_eq!(t.format("Mon Jan 2 15:04:05 2006"), "Sat Nov 24 11:14:12 2012");
        assert_eq!(t.format("3:04PM Monday, 02-Jan-06 Z07:00"), "11:14AM Saturday, 24-Nov-12 Z");
        assert_eq!(at(1.5).format("05.000 05.999 05,0"), "01.500 01.5 01,5");
        assert_eq!(t.format("é 2006"), "é 2012");
    }
}
