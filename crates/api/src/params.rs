//! Parameters of the Prometheus API: from the query string and, for POST, from the form in the body.

use std::fmt;
use std::str::FromStr;

use axum::extract::{FromRequest, Request};
use bellwether_model::{Clock, TimeRange, parse_duration_ms};
use http::{Method, header};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::active::{Question, Window};
use crate::error::{ApiError, ErrorKind};
use crate::request_body::{BodyError, read_body};
use crate::requester::Requester;

/// Largest form that is read; queries themselves are limited to 64 KiB by the parser.
const MAX_FORM_BYTES: usize = 2 << 20;

/// The decoded parameters in the order in which they came, those of the form first (as Go's `Request.FormValue` prefers them).
#[derive(Debug, Clone)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
    requester: Requester,
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let query = request.uri().query().unwrap_or("").to_owned();
        let is_form = request.method() == Method::POST
            && request
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|v| v.to_str().ok())
                .is_some_and(|v| v.trim_start().starts_with("application/x-www-form-urlencoded"));
        let requester = request.extensions().get().cloned();
        let requester =
            requester.ok_or_else(|| ApiError::internal("BUG: the server did not say who asks"))?;
        let mut pairs = Vec::new();
        if is_form {
            let body = read_body(request, MAX_FORM_BYTES).await.map_err(|error| match error {
                BodyError::TooLarge => {
                    let message =
                        format!("form is larger than the {MAX_FORM_BYTES} bytes allowed (form size)");
                    ApiError { kind: ErrorKind::TooLarge, message }
                }
                BodyError::CutOff => ApiError::bad_data("form was cut off"),
            })?;
            decode_form(&body, &mut pairs)?;
        }
        decode_form(query.as_bytes(), &mut pairs)?;
        Ok(Self { pairs, requester })
    }
}

impl Params {
    /// The first value of `name`; an empty value counts as absent, as in Prometheus.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// What is asked, for the list of running queries.
    pub(crate) fn question(&self, kind: &'static str, text: impl Into<String>) -> Question {
        let window = Window::default();
        Question { kind, text: text.into(), window, requester: self.requester.clone() }
    }

    /// The values of `match[]`, for the same list.
    pub(crate) fn selector_question(&self, kind: &'static str, range: TimeRange) -> Question {
        let window = Window { length_ms: range.maxt.saturating_sub(range.mint), step_ms: 0 };
        let text = self.all("match[]").collect::<Vec<_>>().join(" or ");
        Question { window, ..self.question(kind, text) }
    }

    /// All values of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A time, or `None` if it was not given.
    pub(crate) fn time_ms(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let parse = |v| {
            parse_time_ms(v).map_err(|e| {
                ApiError::bad_parameter(name, format_args!("Invalid time value for '{name}': {e}"))
            })
        };
        self.get(name).map(parse).transpose()
    }

    /// A time that must be given.
    pub(crate) fn required_time_ms(&self, name: &str) -> Result<i64, ApiError> {
        parse_time_ms(self.get(name).unwrap_or("")).map_err(|e| ApiError::bad_parameter(name, e))
    }

    /// A duration in milliseconds, or `None` if it was not given.
    pub(crate) fn duration_ms(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.get(name).map(|v| parse_step_ms(v).map_err(|e| ApiError::bad_parameter(name, e))).transpose()
    }

    /// How many entries of a metadata listing are wanted; any number if it is absent or negative, and zero really means none.
    pub(crate) fn metadata_limit(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let limit: i64 =
            text.parse().map_err(|_| ApiError::bad_data(format_args!("{name} must be a number")))?;
        Ok(usize::try_from(limit).ok())
    }

    /// A switch, off if it is not given, in the spellings of Go.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            Some(other) => {
                Err(ApiError::bad_parameter(name, format_args!("{other:?} is neither true nor false")))
            }
        }
    }

    /// A limit; 0 or absent means no limit.
    pub(crate) fn limit(&self, name: &str) -> Result<usize, ApiError> {
        match self.get(name) {
            None => Ok(0),
            Some(v) => match v.parse::<i64>() {
                Ok(n) => usize::try_from(n)
                    .map_err(|_| ApiError::bad_parameter(name, "limit must be non-negative")),
                Err(_) => Err(ApiError::bad_parameter(name, format_args!("{v:?} is not a whole number"))),
            },
        }
    }

    /// Where a listing goes on: the `nextToken` of the answer before, or `None` at its beginning.
    pub(crate) fn next_token<T: FromStr<Err: fmt::Display>>(&self) -> Result<Option<T>, ApiError> {
        let parse = |text: &str| text.parse().map_err(|e| ApiError::bad_parameter("next_token", e));
        self.get("next_token").map(parse).transpose()
    }

    /// The range from `start` to `end`, all of time where they are absent. It is empty if the end comes first.
    pub(crate) fn range_or_all(&self) -> Result<TimeRange, ApiError> {
        let mint = self.time_ms("start")?.unwrap_or(i64::MIN);
        let maxt = self.time_ms("end")?.unwrap_or(i64::MAX);
        Ok(TimeRange::new(mint, maxt))
    }

    /// The time of an instant query: `time`, or now.
    pub(crate) fn time_or_now_ms(&self, clock: &dyn Clock) -> Result<i64, ApiError> {
        Ok(self.time_ms("time")?.unwrap_or_else(|| clock.now_ms()))
    }
}

fn decode_form(input: &[u8], pairs: &mut Vec<(String, String)>) -> Result<(), ApiError> {
    for part in input.split(|b| *b == b'&').filter(|p| !p.is_empty()) {
        let mut halves = part.splitn(2, |b| *b == b'=');
        let name = decode_component(halves.next().unwrap_or_default())?;
        let value = decode_component(halves.next().unwrap_or_default())?;
        pairs.push((name, value));
    }
    Ok(())
}

fn decode_component(raw: &[u8]) -> Result<String, ApiError> {
    let spaced: Vec<u8> = raw.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    let bad = |what: &str| {
        ApiError::bad_data(format_args!("parameter {:?} is not {what}", String::from_utf8_lossy(raw)))
    };
    for (i, b) in spaced.iter().enumerate() {
        let hex = |at: usize| spaced.get(at).is_some_and(u8::is_ascii_hexdigit);
        if *b == b'%' && !(hex(i + 1) && hex(i + 2)) {
            return Err(bad("percent-encoded: a % must be followed by two hexadecimal digits"));
        }
    }
    percent_encoding::percent_decode(&spaced)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| bad("UTF-8"))
}

/// Reads Unix seconds (with a fraction) or RFC 3339, as the API documents.
pub(crate) fn parse_time_ms(s: &str) -> Result<i64, String> {
    // The bounds that Prometheus' own tools send for "all of time"; those in years are beyond what RFC 3339 can say.
    match s {
        "-9223309901257974.000000" | "-292273086-05-16T16:47:06Z" => return Ok(i64::MIN),
        "9223309901257974.000000" | "292277025-08-18T07:12:54.999999999Z" => return Ok(i64::MAX),
        _ => {}
    }
    if let Some(seconds) = bellwether_model::parse_float(s) {
        let ms = (seconds * 1000.0).round();
        if ms.is_finite() && ms.abs() < i64::MAX as f64 {
            return Ok(ms as i64);
        }
    } else if let Ok(t) = OffsetDateTime::parse(s, &Rfc3339) {
        return Ok((t.unix_timestamp_nanos() / 1_000_000) as i64);
    }
    Err(format!("cannot parse {s:?} to a valid timestamp"))
}

/// Reads seconds (with a fraction) or a Prometheus duration.
pub(crate) fn parse_step_ms(s: &str) -> Result<i64, String> {
    if let Some(seconds) = bellwether_model::parse_float(s) {
        let ms = seconds * 1000.0;
        return if ms.is_finite() && ms.abs() < i64::MAX as f64 / 1e6 {
            Ok(ms as i64)
        } else {
            Err(format!("cannot parse {s:?} to a valid duration. It overflows int64"))
        };
    }
    parse_duration_ms(s).map_err(|_| format!("cannot parse {s:?} to a valid duration"))
}

/// Reads a time as RFC 3339 only.
pub(crate) fn parse_rfc3339_ms(text: &str) -> Result<i64, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339);
    let time = time.map_err(|_| format!("{text:?} is no time such as 2006-01-02T15:04:05Z (RFC 3339)"))?;
    Ok((time.unix_timestamp_nanos().div_euclid(1_000_000)) as i64)
}

/// Writes a time as RFC 3339 with milliseconds, the way status pages show it.
pub(crate) fn format_time_ms(ts_ms: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ts_ms) * 1_000_000)
        .ok()
        .and_then(|t| t.format(&Rfc3339).ok())
        .unwrap_or_else(|| "0001-01-01T00:00:00Z".to_owned())
}

/// Writes a time as RFC 3339, always with three decimals, as Prometheus' query log has it.
pub(crate) fn format_time_with_ms(ts_ms: i64) -> String {
    let seconds = format_time_ms(ts_ms.div_euclid(1000) * 1000);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), ts_ms.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(parse_time_ms("1.5"), Ok(1500));
        assert_eq!(parse_time_ms("1700000000.123"), Ok(1_700_000_000_123));
        assert_eq!(parse_time_ms("2015-06-03T13:21:58.555Z"), Ok(1_433_337_718_555));
        assert_eq!(parse_time_ms("2015-06-03T14:21:58.555+01:00"), Ok(1_433_337_718_555));
        assert_eq!(parse_time_ms("30s"), Err("cannot parse \"30s\" to a valid timestamp".to_owned()));
        assert_eq!(parse_time_ms(""), Err("cannot parse \"\" to a valid timestamp".to_owned()));
        assert!(parse_time_ms("NaN").is_err());
        assert_eq!(parse_time_ms("-292273086-05-16T16:47:06Z"), Ok(i64::MIN));
        assert_eq!(parse_time_ms("292277025-08-18T07:12:54.999999999Z"), Ok(i64::MAX));
        assert_eq!(format_time_ms(1_433_337_718_555), "2015-06-03T13:21:58.555Z");
        assert_eq!(format_time_with_ms(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(format_time_with_ms(1_000), "1970-01-01T00:00:01.000Z");
    }

    #[test]
    fn steps() {
        assert_eq!(parse_step_ms("15"), Ok(15_000));
        assert_eq!(parse_step_ms("0.25"), Ok(250));
        assert_eq!(parse_step_ms("1m30s"), Ok(90_000));
        assert_eq!(parse_step_ms("x"), Err("cannot parse \"x\" to a valid duration".to_owned()));
        assert!(parse_step_ms("1e300").is_err());
    }

    #[test]
    fn forms() {
        let mut pairs = Vec::new();
        decode_form(b"query=up%7Bjob%3D%22a%22%7D+%2B+1&time=&x", &mut pairs).expect("decodes");
        let params = Params {
            pairs,
            requester: Requester {
                peer: ([127, 0, 0, 1], 9).into(),
                method: Method::GET,
                path: "/api/v1/query".to_owned(),
            },
        };
        assert_eq!(params.get("query"), Some("up{job=\"a\"} + 1"));
        assert_eq!(params.get("time"), None);
        assert!(decode_form(b"a=%zz", &mut Vec::new()).is_err());
        assert!(decode_form(b"a=%ff", &mut Vec::new()).is_err());
    }
}
