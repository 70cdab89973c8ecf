//! The functions that Alertmanager gives to the templates of notifications.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

use super::duration::GoDuration;
use super::time::{GoTime, Zone};
use super::{Host, humanized_duration, text, texts};
use crate::functions::{FunctionError, Functions};
use crate::json::to_json;
use crate::size::MAX_TEXT_BYTES;
use crate::value::Value;

/// What the functions need from the server beside what those of rules need.
pub trait NotificationHost: Host {
    /// How clocks in the time zone `name` are set at a time, in milliseconds since the Unix epoch; `None` if there is no such zone.
    fn zone(&self, name: &str, ts_ms: i64) -> Option<Zone>;
}

/// Go's own functions and those of Alertmanager, over `host`.
pub fn notification(host: &Arc<dyn NotificationHost>) -> Functions {
    let mut functions = Functions::builtin();
    texts(&mut functions, &(Arc::clone(host) as Arc<dyn Host>));
    // That of rules leaves all other letters as they are.
    functions.add("title", 1, |args| Ok(title(text(args, 0)?).into()));
    encodings(&mut functions);
    collections(&mut functions);
    times(&mut functions, host);
    functions
}

fn encodings(functions: &mut Functions) {
    functions
        .add("trimSpace", 1, |args| Ok(text(args, 0)?.trim().into()))
        .add("urlUnescape", 1, |args| Ok(url_unescape(text(args, 0)?)?.into()))
        // The escaping of URLs inside of HTML knows it by its type.
        .add("safeUrl", 1, |args| Ok(Value::SafeUrl(Arc::from(text(args, 0)?))))
        .add("toJson", 1, |args| Ok(to_json(&args[0])?.into()))
        .add("base64encode", 1, |args| Ok(URL_SAFE.encode(text(args, 0)?).into()))
        .add("base64decode", 1, |args| {
            let bytes =
                URL_SAFE.decode(text(args, 0)?).map_err(|error| FunctionError::new(error.to_string()))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned().into())
        });
}

fn collections(functions: &mut Functions) {
    functions
        .add("join", 2, |args| {
            let texts = match &args[1] {
                Value::List(items) => items.iter().map(Value::as_str).collect::<Option<Vec<&str>>>(),
                _ => None,
            };
            let texts = texts.ok_or_else(|| {
                let got = args[1].type_name();
                FunctionError::new(format!("wrong type for value; expected []string; got {got}"))
            })?;
            let separator = text(args, 0)?;
            let separators = separator.len().saturating_mul(texts.len().saturating_sub(1));
            let bytes = texts.iter().map(|text| text.len()).fold(separators, usize::saturating_add);
            if bytes > MAX_TEXT_BYTES {
                return Err(FunctionError::new(format!(
                    "the text would have more than {MAX_TEXT_BYTES} bytes"
                )));
            }
            Ok(texts.join(separator).into())
        })
        .add_variadic("stringSlice", 0, None, |args| {
            for idx in 0..args.len() {
                text(args, idx)?;
            }
            Ok(Value::list(args.iter().cloned()))
        })
        .add_variadic("list", 0, None, |args| Ok(Value::list(args.iter().cloned())))
        .add_variadic("append", 1, None, |args| match &args[0] {
            Value::List(items) => Ok(Value::list(items.iter().chain(&args[1..]).cloned())),
            Value::Nil => Ok(Value::list(args[1..].iter().cloned())),
            other => Err(FunctionError::new(format!("cannot append to type {}", other.type_name()))),
        })
        .add_variadic("dict", 0, None, |args| {
            if args.len() % 2 == 1 {
                return Err(FunctionError::new("invalid dict call, expected an even number of arguments"));
            }
            let mut entries = BTreeMap::new();
            for (idx, pair) in args.chunks(2).enumerate() {
                entries.insert(text(args, 2 * idx)?.to_owned(), pair[1].clone());
            }
            Ok(Value::map(entries))
        });
}

fn times(functions: &mut Functions, host: &Arc<dyn NotificationHost>) {
    let (clock, since, zones) = (Arc::clone(host), Arc::clone(host), Arc::clone(host));
    functions
        .add("now", 0, move |_| Ok(Arc::new(GoTime::from_ms(clock.now_ms())).into()))
        .add("since", 1, move |args| {
            let elapsed: GoDuration = GoTime::from_ms(since.now_ms()).since(&time(&args[0])?);
            Ok(Arc::new(elapsed).into())
        })
        .add("date", 2, |args| Ok(time(&args[1])?.format(text(args, 0)?).into()))
        .add("tz", 2, move |args| {
            let (name, time) = (text(args, 0)?, time(&args[1])?);
            let zone = zones.zone(name, time.ms());
            let zone = zone.ok_or_else(|| FunctionError::new(format!("unknown time zone {name}")))?;
            Ok(Arc::new(time.in_zone(zone)).into())
        })
        .add("toDate", 2, |args| {
            let time = GoTime::parse(text(args, 0)?, text(args, 1)?);
            Ok(Arc::new(time.unwrap_or_else(|_| GoTime::zero())).into())
        })
        .add("mustToDate", 2, |args| Ok(Arc::new(GoTime::parse(text(args, 0)?, text(args, 1)?)?).into()))
        .add("humanizeDuration", 1, |args| humanized_duration(&args[0]));
}

fn time(value: &Value) -> Result<GoTime, FunctionError> {
    let time = match value {
        Value::Record(record) => record.as_any().downcast_ref::<GoTime>().cloned(),
        _ => None,
    };
    time.ok_or_else(|| {
        FunctionError::new(format!("wrong type for value; expected time.Time; got {}", value.type_name()))
    })
}

/// Words whose first letter is a capital and no other. A point, a colon or an apostrophe within a word is a part of it.
fn title(text: &str) -> String {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut chars = text.chars().peekable();
    let mut out = String::with_capacity(text.len());
    let mut had_letter = false;
    while let Some(c) = chars.next() {
        if !is_of_word(c) {
            let joins = matches!(c, '.' | ':' | '\'' | '’' | '·');
            had_letter = had_letter && joins && chars.peek().is_some_and(|next| is_of_word(*next));
            out.push(c);
        } else if had_letter {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
            had_letter = c.is_alphabetic();
        }
    }
    out
}

/// Go's `url.QueryUnescape`.
fn url_unescape(text: &str) -> Result<String, FunctionError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digit = |idx: usize| char::from(*rest.get(idx)?).to_digit(16);
                let byte = digit(0).zip(digit(1)).map(|(high, low)| (high * 16 + low) as u8);
                let byte = byte.ok_or_else(|| {
                    let shown = String::from_utf8_lossy(&rest[..rest.len().min(2)]).into_owned();
                    FunctionError::new(format!("invalid URL escape \"%{shown}\""))
                })?;
                bytes.push(byte);
                rest = &rest[2..];
            }
            other => bytes.push(*other),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hexadecimal_digits_are_escapes() {
        assert_eq!(url_unescape("a%20b+%C3%a9").as_deref(), Ok("a b é"));
        let refused = |text: &str| url_unescape(text).expect_err(text).to_string();
        assert_eq!(refused("%+1"), "invalid URL escape \"%+1\"");
        assert_eq!(refused("%4"), "invalid URL escape \"%4\"");
    }

    #[test]
    fn words_have_one_capital() {
        assert_eq!(
            title("o'neil MC-fly_x a.b %3Cno 1h30m g0.expr"),
            "O'neil Mc-Fly_x A.b %3Cno 1H30m G0.expr"
        );
    }
}
