use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use crate::functions::FunctionError;
use crate::value::{Record, Value};

/// Go's `time.Duration`: a signed number of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoDuration {
    /// The nanoseconds.
    pub nanos: i64,
}

impl GoDuration {
    /// So many seconds; what does not fit is cut to the longest duration.
    pub fn from_seconds(seconds: f64) -> Self {
        Self { nanos: (seconds * 1e9) as i64 }
    }
}

/// `1h0m0.5s`, `1.5ms`, `0s`, as Go writes durations.
impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.nanos.unsigned_abs();
        if self.nanos < 0 {
            f.write_str("-")?;
        }
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (unit, size) = match nanos {
                0..1_000 => ("ns", 1),
                1_000..1_000_000 => ("µs", 1_000),
                _ => ("ms", 1_000_000),
            };
            return write!(f, "{}{unit}", nanos as f64 / f64::from(size));
        }
        let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        let rest = nanos % 60_000_000_000;
        let fraction = format!("{:09}", rest % 1_000_000_000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{}{point}{fraction}s", rest / 1_000_000_000)
    }
}

impl Record for GoDuration {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, name: &str, _: &[Value]) -> Option<Result<Value, FunctionError>> {
        let seconds = self.nanos as f64 / 1e9;
        Some(Ok(match name {
            "String" => self.to_string().into(),
            "Seconds" => seconds.into(),
            "Minutes" => (seconds / 60.0).into(),
            "Hours" => (seconds / 3600.0).into(),
            "Milliseconds" => (self.nanos / 1_000_000).into(),
            "Microseconds" => (self.nanos / 1_000).into(),
            "Nanoseconds" => self.nanos.into(),
            // So that a time can take it in `Add`, which sees records only through their methods.
            _ => return None,
        }))
    }

    /// A number of nanoseconds, as Go writes it.
    fn json(&self) -> Cow<'_, str> {
        self.nanos.to_string().into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go_writes_them() {
        let check =
            |seconds: f64, want: &str| assert_eq!(GoDuration::from_seconds(seconds).to_string(), want);
        check(1800.0, "30m0s");
        check(0.0, "0s");
        check(3600.5, "1h0m0.5s");
        check(0.0015, "1.5ms");
        check(-90.0, "-1m30s");
    }
}
