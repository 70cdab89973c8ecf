//! `eq`, `ne`, `lt`, `le`, `gt`, `ge`, with Go's rules: kinds must agree, signed and unsigned integers are compared as numbers.

use std::cmp::Ordering;

use crate::functions::FunctionError;
use crate::value::Value;

fn incompatible() -> FunctionError {
    FunctionError::new("incompatible types for comparison")
}

/// Whether two values of basic kinds are equal.
pub(crate) fn equal(a: &Value, b: &Value) -> Result<bool, FunctionError> {
    Ok(match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Nil, _) | (_, Value::Nil) => false,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Int(a), Value::Uint(b)) | (Value::Uint(b), Value::Int(a)) => u64::try_from(*a) == Ok(*b),
        (Value::Float(a), Value::Float(b)) => a == b,
        (
            Value::Str(_) | Value::SafeHtml(_) | Value::SafeUrl(_),
            Value::Str(_) | Value::SafeHtml(_) | Value::SafeUrl(_),
        ) => a.as_str() == b.as_str(),
        (Value::List(_) | Value::Map(_), _) | (_, Value::List(_) | Value::Map(_)) => {
            return Err(FunctionError::new(format!("non-comparable type {}", a.type_name())));
        }
        _ => return Err(incompatible()),
    })
}

/// How two values of an ordered kind compare; `None` if one is not a number.
pub(crate) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, FunctionError> {
    Ok(match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Uint(a), Value::Uint(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Uint(a), Value::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (
            Value::Str(_) | Value::SafeHtml(_) | Value::SafeUrl(_),
            Value::Str(_) | Value::SafeHtml(_) | Value::SafeUrl(_),
        ) => Some(a.as_str().cmp(&b.as_str())),
        (Value::Bool(_), Value::Bool(_))
        | (Value::Nil | Value::List(_) | Value::Map(_) | Value::Record(_), _) => {
            return Err(FunctionError::new("invalid type for comparison"));
        }
        _ => return Err(incompatible()),
    })
}
