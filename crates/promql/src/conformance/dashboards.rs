use std::path::Path;

use serde_json::Value;

use super::{CaseOutcome, ConformanceError, SuiteOutcome, file_name, files, read_json};
use crate::syntax::{ParserOptions, parse_expr};

/// Queries that are wrong as published, and why Prometheus refuses them, too.
const WRONG: &[(&str, &str)] = &[(
    "sum(pyrra_requests:rate5m{slo=\"$slo\"}[$__rate_interval])",
    "1:5: parse error: expected type instant vector in aggregation expression, got range vector",
)];

/// The PromQL queries of the dashboards, with something sensible for each Grafana variable.
pub fn dashboard_queries(dir: &Path) -> Result<Option<SuiteOutcome>, ConformanceError> {
    let paths = files(&dir.join("dashboards"), "json")?;
    let mut cases = Vec::new();
    for path in &paths {
        let Some(dashboard) = read_json(path)? else { continue };
        let mut queries = Vec::new();
        collect_queries(&dashboard, &mut queries);
        for (idx, query) in queries.into_iter().enumerate() {
            let refusal = WRONG.iter().find(|(wrong, _)| *wrong == query).map(|(_, refusal)| *refusal);
            let query = substitute_variables(query);
            let error = parse_expr(&query, &ParserOptions::default()).err().map(|e| e.to_string());
            let failure = (error.as_deref() != refusal)
                .then(|| format!("{query}: {}", error.as_deref().unwrap_or("accepted")));
            cases.push(CaseOutcome { id: format!("{}#{}", file_name(path), idx + 1), failure });
        }
    }
    Ok((!paths.is_empty()).then_some(SuiteOutcome { name: "dashboard-syntax", cases }))
}

/// All fields `expr` that are not empty: only targets of Prometheus panels have them.
fn collect_queries<'a>(value: &'a Value, queries: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            let expr = fields.get("expr").and_then(Value::as_str);
            queries.extend(expr.filter(|expr| !expr.trim().is_empty()));
            fields.values().for_each(|field| collect_queries(field, queries));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_queries(item, queries)),
        _ => {}
    }
}

/// Replaces `$name`, `${name}`, `${name:format}` and `[[name]]`: by a word inside strings, by a duration elsewhere.
fn substitute_variables(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let (mut rest, mut quote) = (query, None);
    while let Some(c) = rest.chars().next() {
        if let Some(len) = variable_len(rest) {
            out.push_str(if quote.is_some() { "x" } else { "5m" });
            rest = &rest[len..];
            continue;
        }
        match (quote, c) {
            (None, '"' | '\'' | '`') => quote = Some(c),
            (Some(open), _) if open == c && !out.ends_with('\\') => quote = None,
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// The number of bytes of the variable at the start of `text`, if there is one.
fn variable_len(text: &str) -> Option<usize> {
    if text.starts_with("[[") {
        return text.find("]]").map(|idx| idx + 2);
    }
    let name = text.strip_prefix('$')?;
    if name.starts_with('{') {
        return name.find('}').map(|idx| idx + 2);
    }
    let len = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    // `$1` in a replacement is no variable of Grafana.
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    is_name.then_some(len + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutes_variables() {
        let check = |query: &str, want: &str| assert_eq!(substitute_variables(query), want);
        check(r#"rate(a{b="$c",d=~"[[e]]|${f:regex}"}[$__rate_interval])"#, r#"rate(a{b="x",d=~"x|x"}[5m])"#);
        check(r#"label_replace(a, "b", "$1-\"$c", 'd', "")"#, r#"label_replace(a, "b", "$1-\"x", 'd', "")"#);
    }
}
