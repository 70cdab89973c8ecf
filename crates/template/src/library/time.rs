use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::functions::FunctionError;
use crate::library::duration::GoDuration;
use crate::value::{Record, Value};

const NANOS_PER_DAY: i64 = 86_400_000_000_000;
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

/// Go's `time.Time` in UTC: nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoTime {
    /// The nanoseconds.
    pub nanos: i64,
}

/// A date and a time of day.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    weekday: usize,
    year_day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: i64,
}

impl GoTime {
    /// So many seconds after the Unix epoch, or the error that Prometheus' functions give for a time that does not fit.
    pub fn from_seconds(seconds: f64) -> Result<Self, FunctionError> {
        let nanos = seconds * 1e9;
        if !(i64::MIN as f64..i64::MAX as f64).contains(&nanos) {
            let shown = crate::format::float_general(seconds, None);
            return Err(FunctionError::new(format!(
                "{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"
            )));
        }
        Ok(Self { nanos: nanos as i64 })
    }

    /// Days since the epoch to a date: the algorithm of "chrono-Compatible Low-Level Date Algorithms" (Hinnant).
    fn civil(self) -> Civil {
        let days = self.nanos.div_euclid(NANOS_PER_DAY);
        let of_day = self.nanos.rem_euclid(NANOS_PER_DAY);
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month as usize - 1];
        let seconds = of_day / 1_000_000_000;
        Civil {
            year,
            month,
            day,
            weekday: (days + 4).rem_euclid(7) as usize,
            year_day: before + day + i64::from(leap && month > 2),
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            nanos: of_day % 1_000_000_000,
        }
    }

    /// Formats with a layout in terms of Go's reference time, Mon Jan 2 15:04:05 MST 2006.
    pub fn format(self, layout: &str) -> String {
        let c = self.civil();
        let mut out = String::new();
        let mut rest = layout;
        while !rest.is_empty() {
            let taken = write_layout_element(&mut out, rest, &c);
            if taken == 0 {
                let len = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..len]);
                rest = &rest[len..];
            } else {
                rest = &rest[taken..];
            }
        }
        out
    }
}

/// Writes the element with which `layout` starts, and returns its length; 0 if it starts with none.
fn write_layout_element(out: &mut String, layout: &str, c: &Civil) -> usize {
    let month = MONTHS[c.month as usize - 1];
    let day = DAYS[c.weekday];
    let hour12 = if c.hour % 12 == 0 { 12 } else { c.hour % 12 };
    let noon = if c.hour < 12 { ["AM", "am"] } else { ["PM", "pm"] };
    // Longer elements come before the ones that they start with.
    let elements: [(&str, String); 31] = [
        ("January", month.to_owned()),
        ("Jan", month[..3].to_owned()),
        ("Monday", day.to_owned()),
        ("Mon", day[..3].to_owned()),
        ("MST", "UTC".to_owned()),
        ("2006", format!("{:04}", c.year)),
        ("002", format!("{:03}", c.year_day)),
        ("01", format!("{:02}", c.month)),
        ("02", format!("{:02}", c.day)),
        ("03", format!("{hour12:02}")),
        ("04", format!("{:02}", c.minute)),
        ("05", format!("{:02}", c.second)),
        ("06", format!("{:02}", c.year.rem_euclid(100))),
        ("15", format!("{:02}", c.hour)),
        ("__2", format!("{:>3}", c.year_day)),
        ("_2", format!("{:>2}", c.day)),
        ("Z07:00", "Z".to_owned()),
        ("Z0700", "Z".to_owned()),
        ("Z07", "Z".to_owned()),
        ("-07:00:00", "+00:00:00".to_owned()),
        ("-07:00", "+00:00".to_owned()),
        ("-070000", "+000000".to_owned()),
        ("-0700", "+0000".to_owned()),
        ("-07", "+00".to_owned()),
        ("PM", noon[0].to_owned()),
        ("pm", noon[1].to_owned()),
        ("1", c.month.to_string()),
        ("2", c.day.to_string()),
        ("3", hour12.to_string()),
        ("4", c.minute.to_string()),
        ("5", c.second.to_string()),
    ];
    for (element, text) in elements {
        if layout.starts_with(element) {
            out.push_str(&text);
            return element.len();
        }
    }
    fraction(out, layout, c)
}

/// `.000` writes all digits, `.999` leaves out trailing zeroes.
fn fraction(out: &mut String, layout: &str, c: &Civil) -> usize {
    let Some(digits) = layout.strip_prefix(['.', ',']) else { return 0 };
    let Some(kind) = digits.chars().next().filter(|c| matches!(c, '0' | '9')) else { return 0 };
    let len = digits.chars().take_while(|c| *c == kind).count();
    if digits[len..].starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    let all = format!("{:09}", c.nanos);
    let mut shown = &all[..len.min(9)];
    if kind == '9' {
        shown = shown.trim_end_matches('0');
    }
    if !shown.is_empty() {
        out.push_str(&layout[..1]);
        out.push_str(shown);
    }
    1 + len
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
        Some(Ok(match (name, args) {
            ("Format", [layout]) => match layout.as_str() {
                Some(layout) => self.format(layout).into(),
                None => return Some(Err(wrong())),
            },
            ("Add", [Value::Record(duration)]) => match duration.call("Nanoseconds", &[]) {
                Some(Ok(Value::Int(nanos))) => {
                    Arc::new(Self { nanos: self.nanos.saturating_add(nanos) }).into()
                }
                _ => return Some(Err(wrong())),
            },
            ("Sub", [Value::Record(other)]) => match other.call("UnixNano", &[]) {
                Some(Ok(Value::Int(nanos))) => {
                    Arc::new(GoDuration { nanos: self.nanos.saturating_sub(nanos) }).into()
                }
                _ => return Some(Err(wrong())),
            },
            ("UTC", []) => Arc::new(*self).into(),
            ("String", []) => self.to_string().into(),
            ("Unix", []) => self.nanos.div_euclid(1_000_000_000).into(),
            ("UnixMilli", []) => self.nanos.div_euclid(1_000_000).into(),
            ("UnixNano", []) => self.nanos.into(),
            ("Year", []) => c.year.into(),
            ("Month", []) => MONTHS[c.month as usize - 1].into(),
            ("Day", []) => c.day.into(),
            ("Weekday", []) => DAYS[c.weekday].into(),
            ("YearDay", []) => c.year_day.into(),
            ("Hour", []) => c.hour.into(),
            ("Minute", []) => c.minute.into(),
            ("Second", []) => c.second.into(),
            (
                "Format" | "Add" | "Sub" | "UTC" | "String" | "Unix" | "UnixMilli" | "UnixNano" | "Year"
                | "Month" | "Day" | "Weekday" | "YearDay" | "Hour" | "Minute" | "Second",
                _,
            ) => return Some(Err(wrong())),
            _ => return None,
        }))
    }

    fn print(&self) -> String {
        let mut out = String::new();
        write!(out, "{self}").expect("BUG: writing to a string cannot fail");
        out
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
    fn formats_layouts() {
        let t = at(1_353_755_652.0);
        assert_eq!(t.format("Mon Jan 2 15:04:05 2006"), "Sat Nov 24 11:14:12 2012");
        assert_eq!(t.format("3:04PM Monday, 02-Jan-06 Z07:00"), "11:14AM Saturday, 24-Nov-12 Z");
        assert_eq!(at(1.5).format("05.000 05.999 05,0"), "01.500 01.5 01,5");
        assert_eq!(t.format("é 2006"), "é 2012");
    }
}
