//! The functions that every Go template has, except `and` and `or`, which the interpreter evaluates itself.

use std::cmp::Ordering;

use crate::compare::{equal, order};
use crate::escape::{escape_html, escape_js, escape_query};
use crate::format::{is_full, print, print_action};
use crate::functions::{FunctionError, Functions};
use crate::printf::sprintf;
use crate::value::Value;

/// Which orders a comparison accepts.
type Holds = fn(Option<Ordering>) -> bool;

pub(crate) fn register(functions: &mut Functions) {
    functions
        .add("not", 1, |args| Ok((!args[0].is_true()).into()))
        .add("len", 1, |args| len(&args[0]))
        .add_variadic("index", 1, None, index)
        .add_variadic("slice", 1, Some(4), slice)
        .add_variadic("print", 0, None, |args| Ok(sprint(args).into()))
        .add_variadic("println", 0, None, |args| Ok((joined(args, print, |_, _| true) + "\n").into()))
        .add_variadic("printf", 1, None, |args| {
            let format = args[0].as_str().ok_or_else(|| {
                FunctionError::new(format!(
                    "wrong type for value; expected string; got {}",
                    args[0].type_name()
                ))
            })?;
            Ok(sprintf(format, &args[1..]).into())
        })
        .add_variadic("html", 0, None, |args| Ok(escape_html(&shown(args)).into()))
        .add_variadic("js", 0, None, |args| Ok(escape_js(&shown(args)).into()))
        .add_variadic("urlquery", 0, None, |args| Ok(escape_query(&shown(args)).into()))
        .add_variadic("call", 1, None, |args| {
            Err(FunctionError::new(format!("non-function of type {}", args[0].type_name())))
        })
        .add_variadic("eq", 1, None, |args| {
            let Some((first, others)) = args.split_first().filter(|(_, o)| !o.is_empty()) else {
                return Err(FunctionError::new("missing argument for comparison"));
            };
            for other in others {
                if equal(first, other)? {
                    return Ok(true.into());
                }
            }
            Ok(false.into())
        })
        .add("ne", 2, |args| Ok((!equal(&args[0], &args[1])?).into()));
    // In Go `gt` is what is not `le`, and `ge` what is not `lt`, so they hold for what is not a number.
    let orders: [(&str, Holds); 4] = [
        ("lt", |order| order.is_some_and(Ordering::is_lt)),
        ("le", |order| order.is_some_and(Ordering::is_le)),
        ("gt", |order| order.is_none_or(Ordering::is_gt)),
        ("ge", |order| order.is_none_or(Ordering::is_ge)),
    ];
    for (name, holds) in orders {
        functions.add(name, 2, move |args| Ok(holds(order(&args[0], &args[1])?).into()));
    }
}

/// Go's `fmt.Sprint`.
fn sprint(args: &[Value]) -> String {
    joined(args, print, is_apart)
}

/// The same of values as an action writes them.
fn shown(args: &[Value]) -> String {
    joined(args, print_action, is_apart)
}

/// Whether there is a blank between two operands: unless one of them is a string.
fn is_apart(left: &Value, right: &Value) -> bool {
    left.as_str().is_none() && right.as_str().is_none()
}

/// The operands with blanks between those that are apart. It ends soon behind the length that is refused.
fn joined(args: &[Value], print: fn(&Value) -> String, is_apart: fn(&Value, &Value) -> bool) -> String {
    let mut out = String::new();
    for (i, value) in args.iter().enumerate() {
        if i > 0 && is_apart(&args[i - 1], value) {
            out.push(' ');
        }
        out.push_str(&print(value));
        if is_full(&out) {
            break;
        }
    }
    out
}

fn len(value: &Value) -> Result<Value, FunctionError> {
    let n = match &*value.plain() {
        Value::Str(s) | Value::SafeHtml(s) | Value::SafeUrl(s) => s.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.entries.len(),
        Value::Nil => return Err(FunctionError::new("len of nil pointer")),
        v => return Err(FunctionError::new(format!("len of type {}", v.type_name()))),
    };
    Ok(Value::Int(n as i64))
}

fn position(value: &Value, len: usize) -> Result<usize, FunctionError> {
    let n = match value {
        Value::Int(n) => i128::from(*n),
        Value::Uint(n) => i128::from(*n),
        Value::Nil => return Err(FunctionError::new("cannot index slice/array with nil")),
        v => {
            return Err(FunctionError::new(format!("cannot index slice/array with type {}", v.type_name())));
        }
    };
    usize::try_from(n)
        .ok()
        .filter(|n| *n <= len)
        .ok_or_else(|| FunctionError::new(format!("index out of range: {n}")))
}

fn index(args: &[Value]) -> Result<Value, FunctionError> {
    let mut item = args[0].clone();
    for key in &args[1..] {
        item = match &*item.plain() {
            Value::Nil => return Err(FunctionError::new("index of untyped nil")),
            Value::List(items) => {
                let at = position(key, items.len())?;
                items
                    .get(at)
                    .cloned()
                    .ok_or_else(|| FunctionError::new(format!("index out of range: {at}")))?
            }
            Value::Str(s) => {
                let at = position(key, s.len())?;
                let byte = s.as_bytes().get(at);
                Value::Uint(u64::from(
                    *byte.ok_or_else(|| FunctionError::new(format!("index out of range: {at}")))?,
                ))
            }
            Value::Map(map) => {
                let Some(key) = key.as_str() else {
                    return Err(FunctionError::new(format!(
                        "value has type {}; should be string",
                        key.type_name()
                    )));
                };
                map.entries.get(key).cloned().unwrap_or_else(|| map.missing())
            }
            v => return Err(FunctionError::new(format!("can't index item of type {}", v.type_name()))),
        };
    }
    Ok(item)
}

fn slice(args: &[Value]) -> Result<Value, FunctionError> {
    let sliced = args[0].plain();
    let len = match &*sliced {
        Value::List(items) => items.len(),
        Value::Str(s) => s.len(),
        Value::Nil => return Err(FunctionError::new("slice of untyped nil")),
        v => return Err(FunctionError::new(format!("can't slice item of type {}", v.type_name()))),
    };
    let bound = |i: usize, default: usize| args.get(i).map_or(Ok(default), |v| position(v, len));
    let (from, to) = (bound(1, 0)?, bound(2, len)?);
    if from > to {
        return Err(FunctionError::new(format!("invalid slice index: {from} > {to}")));
    }
    Ok(match &*sliced {
        Value::List(items) => Value::list(items[from..to].iter().cloned()),
        Value::Str(s) => String::from_utf8_lossy(&s.as_bytes()[from..to]).into_owned().into(),
        v => v.clone(),
    })
}
