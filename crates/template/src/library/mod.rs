//! The functions that Prometheus gives to templates.
//!
//! What needs a server is behind [`Host`], so this crate knows no query engine, no regular expressions and no clock.

mod case;
mod duration;
mod humanize;
mod network;
mod notification;
mod record;
mod time;

use std::sync::Arc;

use bellwether_model::{go_quote, parse_float};

pub use duration::GoDuration;
pub use notification::{NotificationHost, notification};
pub use record::{RuleData, Sample, SampleValue};
pub use time::{GoTime, Zone};

use crate::escape::escape_query;
use crate::functions::{FunctionError, Functions};
use crate::value::Value;

/// What the functions need from the server.
pub trait Host: Send + Sync {
    /// Evaluates a PromQL expression at the time of the evaluation.
    fn query(&self, expr: &str) -> Result<Vec<Sample>, String>;

    /// The time of the evaluation, in milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// The URL under which users reach the server, without a trailing slash.
    fn external_url(&self) -> String;

    /// Whether a regular expression in Go's syntax matches somewhere in `text`.
    fn regex_matches(&self, pattern: &str, text: &str) -> Result<bool, String>;

    /// `text` with all matches of the regular expression replaced, `$1` and its like expanded.
    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String>;

    /// The milliseconds of a Prometheus duration without a sign.
    fn parse_duration_ms(&self, text: &str) -> Result<i64, String>;
}

/// Go's own functions and those of Prometheus, over `host`.
pub fn prometheus(host: &Arc<dyn Host>) -> Functions {
    let mut functions = Functions::builtin();
    texts(&mut functions, host);
    samples(&mut functions, host);
    numbers(&mut functions);
    times(&mut functions, host);
    links(&mut functions, host);
    functions
}

/// What is HTML or an address already is no text to Go's functions.
fn text(args: &[Value], idx: usize) -> Result<&str, FunctionError> {
    match &args[idx] {
        Value::Str(text) => Ok(text),
        value => {
            let got = value.type_name();
            Err(FunctionError::new(format!("wrong type for value; expected string; got {got}")))
        }
    }
}

fn texts(functions: &mut Functions, host: &Arc<dyn Host>) {
    let (matcher, replacer) = (Arc::clone(host), Arc::clone(host));
    functions
        .add("toUpper", 1, |args| Ok(case::to_upper(text(args, 0)?).into()))
        .add("toLower", 1, |args| Ok(case::to_lower(text(args, 0)?).into()))
        .add("title", 1, |args| Ok(case::to_title(text(args, 0)?).into()))
        .add("safeHtml", 1, |args| Ok(Value::SafeHtml(Arc::from(text(args, 0)?))))
        .add("urlQueryEscape", 1, |args| Ok(escape_query(text(args, 0)?).into()))
        .add("stripPort", 1, |args| Ok(network::strip_port(text(args, 0)?).into()))
        .add("stripDomain", 1, |args| Ok(network::strip_domain(text(args, 0)?).into()))
        .add("match", 2, move |args| {
            matcher.regex_matches(text(args, 0)?, text(args, 1)?).map(Value::from).map_err(FunctionError)
        })
        .add("reReplaceAll", 3, move |args| {
            let replaced = replacer.regex_replace_all(text(args, 0)?, text(args, 2)?, text(args, 1)?);
            replaced.map(Value::from).map_err(FunctionError)
        })
        .add_variadic("args", 0, None, |args| {
            Ok(Value::map(args.iter().enumerate().map(|(i, v)| (format!("arg{i}"), v.clone()))))
        });
}

fn samples(functions: &mut Functions, host: &Arc<dyn Host>) {
    let asked = Arc::clone(host);
    functions
        .add("query", 1, move |args| {
            let found = asked.query(text(args, 0)?).map_err(FunctionError)?;
            Ok(Value::list(found.into_iter().map(|s| Value::from(Arc::new(s)))))
        })
        .add("first", 1, |args| match &args[0] {
            Value::List(items) => items
                .first()
                .cloned()
                .ok_or_else(|| FunctionError::new("first() called on vector with no elements")),
            v => Err(FunctionError::new(format!(
                "wrong type for value; expected template.queryResult; got {}",
                v.type_name()
            ))),
        })
        .add("label", 2, |args| label(&args[1], text(args, 0)?))
        .add("strvalue", 1, |args| label(&args[0], "__value__"))
        .add("value", 1, |args| record_field(&args[0], "Value"))
        .add("sortByLabel", 2, |args| {
            let Value::List(items) = &args[1] else {
                return Err(FunctionError::new("wrong type for value; expected template.queryResult"));
            };
            let name = text(args, 0)?;
            let mut keyed = Vec::with_capacity(items.len());
            for item in items.iter() {
                keyed.push((label(item, name)?.as_str().unwrap_or("").to_owned(), item.clone()));
            }
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(Value::list(keyed.into_iter().map(|(_, item)| item)))
        });
}

fn record_field(value: &Value, name: &str) -> Result<Value, FunctionError> {
    match value {
        Value::Record(record) => record.field(name),
        _ => None,
    }
    .ok_or_else(|| {
        FunctionError::new(format!(
            "wrong type for value; expected *template.sample; got {}",
            value.type_name()
        ))
    })
}

fn label(sample: &Value, name: &str) -> Result<Value, FunctionError> {
    match record_field(sample, "Labels")? {
        Value::Map(labels) => Ok(labels.entries.get(name).cloned().unwrap_or_else(|| "".into())),
        _ => Ok("".into()),
    }
}

/// The number that a value stands for, strings included.
fn number(value: &Value) -> Result<f64, FunctionError> {
    match value {
        Value::Float(v) => Ok(*v),
        Value::Int(n) => Ok(*n as f64),
        Value::Uint(n) => Ok(*n as f64),
        Value::Str(s) => parse_float(s).ok_or_else(|| {
            let what = if s.parse::<f64>().is_ok() { "value out of range" } else { "invalid syntax" };
            FunctionError::new(format!("strconv.ParseFloat: parsing {}: {what}", go_quote(s)))
        }),
        v => Err(FunctionError::new(format!("can't convert {} to float", v.type_name()))),
    }
}

/// Writes a number for people.
type Format = fn(f64) -> String;

fn numbers(functions: &mut Functions) {
    let formats: [(&str, Format); 3] = [
        ("humanize", humanize::decimal),
        ("humanize1024", humanize::binary),
        ("humanizePercentage", humanize::percentage),
    ];
    for (name, format) in formats {
        functions.add(name, 1, move |args| Ok(format(number(&args[0])?).into()));
    }
    functions.add("humanizeDuration", 1, |args| humanized_duration(&args[0]));
}

/// Seconds, or a duration of Go, for people.
fn humanized_duration(value: &Value) -> Result<Value, FunctionError> {
    let seconds = match value {
        Value::Record(record) => {
            record.as_any().downcast_ref::<GoDuration>().map(|duration| duration.nanos as f64 / 1e9)
        }
        _ => None,
    };
    let seconds = seconds.map_or_else(|| number(value), Ok)?;
    Ok(humanize::duration(seconds).into())
}

fn times(functions: &mut Functions, host: &Arc<dyn Host>) {
    let (clock, durations) = (Arc::clone(host), Arc::clone(host));
    functions
        .add("now", 0, move |_| Ok(Value::Float(clock.now_ms() as f64 / 1000.0)))
        .add("toTime", 1, |args| Ok(Arc::new(GoTime::from_seconds(number(&args[0])?)?).into()))
        .add("toDuration", 1, |args| Ok(Arc::new(GoDuration::from_seconds(number(&args[0])?)).into()))
        .add("humanizeTimestamp", 1, |args| {
            let seconds = number(&args[0])?;
            if !seconds.is_finite() {
                return Ok(humanize::significant(seconds).into());
            }
            Ok(GoTime::from_seconds(seconds)?.to_string().into())
        })
        .add("parseDuration", 1, move |args| {
            let written = text(args, 0)?;
            let (sign, rest) = written.strip_prefix('-').map_or((1.0, written), |rest| (-1.0, rest));
            let ms = durations.parse_duration_ms(rest).map_err(FunctionError)?;
            Ok(Value::Float(sign * ms as f64 / 1000.0))
        });
}

fn links(functions: &mut Functions, host: &Arc<dyn Host>) {
    let (whole, path) = (Arc::clone(host), Arc::clone(host));
    functions
        .add("externalURL", 0, move |_| Ok(whole.external_url().into()))
        .add("pathPrefix", 0, move |_| Ok(url_path(&path.external_url()).to_owned().into()))
        .add("graphLink", 1, |args| Ok(graph_link(text(args, 0)?, 0).into()))
        .add("tableLink", 1, |args| Ok(graph_link(text(args, 0)?, 1).into()));
}

/// Where Prometheus shows an expression, below its URL: tab 0 is the graph, tab 1 the table.
pub fn graph_link(expr: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", escape_query(expr))
}

/// The path of a URL without query and fragment.
fn url_path(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
    path.split(['?', '#']).next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_no_number() {
        assert_eq!(number(&"1.5".into()).ok(), Some(1.5));
        assert_eq!(number(&"0x1p-2".into()).ok(), Some(0.25));
        let refused = |text: &str| number(&text.into()).expect_err(text).to_string();
        assert_eq!(refused("1e400"), "strconv.ParseFloat: parsing \"1e400\": value out of range");
        assert_eq!(refused("a"), "strconv.ParseFloat: parsing \"a\": invalid syntax");
        assert!(number(&Value::SafeHtml("1.5".into())).is_err());
    }

    #[test]
    fn only_text_is_text() {
        assert_eq!(text(&["a".into()], 0).ok(), Some("a"));
        let html = [Value::SafeHtml("a".into())];
        let error = text(&html, 0).map_err(|error| error.to_string());
        assert_eq!(error, Err("wrong type for value; expected string; got template.HTML".to_owned()));
    }
}
