use std::path::Path;

use serde_json::Value;

use super::{ConformanceError, SuiteOutcome, run_cases};
use crate::syntax::{Expr, ParseError, ParserOptions, parse_expr, prettify};

/// Queries that must parse, with the kind of their root, and queries that must not, with all messages and byte ranges.
pub fn parse(dir: &Path) -> Result<Option<SuiteOutcome>, ConformanceError> {
    let options = ParserOptions { fill_modifiers: false, ..ParserOptions::all_enabled() };
    run_cases("promql-parse", &dir.join("promql-parse/parse.json"), |case| {
        let query = bytes(&case["query"]).ok_or("the query is neither text nor base64")?;
        let expect = &case["expect"];
        match (parse_expr(&query, &options), expect["ok"].as_bool()) {
            (Ok(expr), Some(true)) => compare("root", expect["root"].as_str(), root(&expr)),
            (Ok(expr), _) => Err(format!("accepted as {expr}")),
            (Err(errors), Some(true)) => Err(format!("refused: {errors}")),
            (Err(errors), _) => compare_errors(errors.errors(), &expect["errors"]),
        }
    })
}

/// Queries and their canonical forms, on one line and, where given, laid out over several.
pub fn print(dir: &Path) -> Result<Option<SuiteOutcome>, ConformanceError> {
    run_cases("promql-print", &dir.join("promql-parse/print.json"), |case| {
        let query = case["query"].as_str().ok_or("the query is no text")?;
        let expr = parse_expr(query, &ParserOptions::all_enabled()).map_err(|e| e.to_string())?;
        let expect = &case["expect"];
        compare("string", expect["string"].as_str(), &expr.to_string())?;
        let pretty = expect["pretty"].as_str().or(expect["prettified"].as_str());
        compare("pretty", pretty, &prettify(&expr))
    })
}

/// A difference to `want`, if something is wanted.
fn compare(what: &str, want: Option<&str>, got: &str) -> Result<(), String> {
    match want {
        Some(want) if want != got => Err(format!("{what}: got {got:?}, want {want:?}")),
        _ => Ok(()),
    }
}

/// Every listed message must be there, in order and at its place. A case without a list wants any error.
fn compare_errors(got: &[ParseError], want: &Value) -> Result<(), String> {
    let Some(want) = want.as_array() else { return Ok(()) };
    let same = |got: &ParseError, want: &Value| {
        let at = |key: &str, got: u32| want[key].as_u64().is_none_or(|want| want == u64::from(got));
        want["message"].as_str() == Some(&got.message)
            && at("start", got.span.start)
            && at("end", got.span.end)
    };
    if got.len() == want.len() && got.iter().zip(want).all(|(got, want)| same(got, want)) {
        return Ok(());
    }
    let got: Vec<String> =
        got.iter().map(|e| format!("{} at {}..{}", e.message, e.span.start, e.span.end)).collect();
    Err(format!("errors: got {got:?}, want {}", Value::from(want.clone())))
}

/// The name of the outermost node in the case files.
fn root(expr: &Expr) -> &'static str {
    match expr {
        Expr::Number(_) => "number",
        Expr::String(_) => "string",
        Expr::Unary(_) => "unary",
        Expr::Binary(_) => "binary",
        Expr::Aggregate(_) => "aggregation",
        Expr::Call(_) => "call",
        Expr::Vector(_) => "vector selector",
        Expr::Matrix(_) => "range selector",
        Expr::Subquery(_) => "subquery",
        Expr::Paren(_) => "paren",
    }
}

/// A string, or an object `{"base64": "..."}` for one that is not UTF-8.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value.as_str() {
        Some(text) => Some(text.as_bytes().to_vec()),
        None => decode_base64(value["base64"].as_str()?),
    }
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| {
        Some(u32::from(match b {
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let mut out = Vec::new();
    for group in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut bits = 0;
        for idx in 0..4 {
            bits = bits << 6 | group.get(idx).map_or(Some(0), |b| digit(*b))?;
        }
        // Four digits are three bytes, and each missing digit is one byte less.
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64() {
        let check =
            |text: &str, want: Option<&[u8]>| assert_eq!(decode_base64(text).as_deref(), want, "{text}");
        check("", Some(b""));
        check("YQ==", Some(b"a"));
        check("YWI=", Some(b"ab"));
        check("YWJj/w==", Some(b"abc\xff"));
        check("Y?==", None);
    }
}
