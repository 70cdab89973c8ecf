mod calendar;
mod fields;
mod layout;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bellwether_model::go_quote;

use crate::functions::FunctionError;
use crate::library::duration::GoDuration;
use crate::value::{Record, Value};
use calendar::{Civil, DAYS, MONTHS};
use fields::Fields;
use layout::Element;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// The time that Go has where none was set: the first day of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;
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

    /// The time from `earlier` to this one, as far as it fits.
    pub fn since(&self, earlier: &Self) -> GoDuration {
        let nanos = (self.nanos - earlier.nanos).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        GoDuration { nanos: nanos as i64 }
    }

    /// Formats with a layout in terms of Go's reference time, Mon Jan 2 15:04:05 MST 2006.
    pub fn format(&self, layout: &str) -> String {
        let civil = Civil::at(self.nanos, self.zone.as_ref());
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
        let c = Civil::at(self.nanos, self.zone.as_ref());
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
