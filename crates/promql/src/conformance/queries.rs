use std::path::Path;

use serde_json::Value;

use super::{CaseOutcome, ConformanceError, SuiteOutcome, file_name, files, read, read_json};
use crate::syntax::{ParserOptions, parse_expr, parse_series, parse_start_timestamps};

/// The queries of the script tests that are not meant to fail, and the series lines that these scripts load and expect.
pub fn script_queries(dir: &Path) -> Result<Option<SuiteOutcome>, ConformanceError> {
    let paths = files(&dir.join("promqltest"), "test")?;
    let mut cases = Vec::new();
    for path in &paths {
        let text = read(path)?.unwrap_or_default();
        check_script(&file_name(path), &text, &mut cases);
    }
    Ok((!paths.is_empty()).then_some(SuiteOutcome { name: "promqltest-syntax", cases }))
}

/// What a block of a script is about.
enum Block {
    None,
    Load,
    Eval,
}

fn check_script(file: &str, text: &str, cases: &mut Vec<CaseOutcome>) {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let ends_block = |line: &&str| line.is_empty() || line.starts_with('#');
    let mut block = Block::None;
    for (idx, line) in lines.iter().enumerate() {
        if ends_block(line) {
            block = Block::None;
            continue;
        }
        let result = match block {
            Block::None if line.starts_with("load") => {
                block = Block::Load;
                continue;
            }
            Block::None => {
                // `clear` stands alone.
                let Some(query) = eval_query(line) else { continue };
                block = Block::Eval;
                let fails = line.starts_with("eval_fail")
                    || lines[idx..]
                        .iter()
                        .take_while(|line| !ends_block(line))
                        .any(|l| l.starts_with("expect fail"));
                if fails {
                    continue;
                }
                parse_expr(query, &ParserOptions::all_enabled()).map(drop)
            }
            Block::Load => match parse_start_timestamps(line) {
                Some(starts) => starts.map(drop),
                None => parse_series(line).map(drop),
            },
            Block::Eval if line.starts_with("expect") && !line.starts_with("expect{") => continue,
            Block::Eval if line.parse::<f64>().is_ok() || line.starts_with("expected_fail_") => {
                block = Block::None;
                continue;
            }
            Block::Eval => parse_series(line).map(drop),
        };
        cases.push(CaseOutcome {
            id: format!("{file}:{}", idx + 1),
            failure: result.err().map(|e| format!("{line}: {e}")),
        });
    }
}

/// The query of an `eval` line: what stands behind its times.
fn eval_query(line: &str) -> Option<&str> {
    let mut rest = line.strip_prefix("eval")?;
    rest = &rest[rest.find(' ')?..];
    let words_before_query = if rest.trim_start().starts_with("range") { 7 } else { 3 };
    for _ in 0..words_before_query {
        rest = rest.trim_start();
        rest = &rest[rest.find(char::is_whitespace)?..];
    }
    Some(rest.trim())
}

/// The queries of the compliance suite, its templates expanded, that are not meant to fail.
pub fn compliance_queries(dir: &Path) -> Result<Option<SuiteOutcome>, ConformanceError> {
    let Some(cases) = compliance_cases(dir)? else { return Ok(None) };
    let outcome = |case: ComplianceCase| {
        let failure = parse_expr(&case.query, &ParserOptions::default()).err().map(|e| e.to_string());
        CaseOutcome { id: case.query, failure }
    };
    let cases = cases.into_iter().filter(|case| !case.should_fail).map(outcome).collect();
    Ok(Some(SuiteOutcome { name: "promql-compliance-syntax", cases }))
}

/// A query of the compliance suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceCase {
    /// The query, without placeholders.
    pub query: String,
    /// Whether every server has to answer with an error.
    pub should_fail: bool,
}

/// All queries of the compliance suite, its templates expanded.
pub fn compliance_cases(dir: &Path) -> Result<Option<Vec<ComplianceCase>>, ConformanceError> {
    let dir = dir.join("promql-compliance");
    let Some(text) = read(&dir.join("promql-test-queries.yml"))? else { return Ok(None) };
    let variants = read_json(&dir.join("variant-args.json"))?.unwrap_or_default();
    let mut cases = Vec::new();
    for Template { query, variant_args, should_fail } in templates(&text) {
        let queries = expand(&query, &variant_args, &variants["values"]);
        cases.extend(queries.into_iter().map(|query| ComplianceCase { query, should_fail }));
    }
    Ok(Some(cases))
}

struct Template {
    query: String,
    variant_args: Vec<String>,
    should_fail: bool,
}

/// The entries of the query list. Its YAML is plain: one field per line, lists on one line, quotes only where needed.
fn templates(text: &str) -> Vec<Template> {
    let mut templates: Vec<Template> = Vec::new();
    for line in text.lines().map(str::trim) {
        // A comment may stand between the dash and the query.
        if let Some(query) = line.strip_prefix("- query:").or_else(|| line.strip_prefix("query:")) {
            templates.push(Template { query: unquote(query), variant_args: Vec::new(), should_fail: false });
        }
        let Some(template) = templates.last_mut() else { continue };
        if let Some(args) = line.strip_prefix("variant_args:") {
            let args = args.trim().trim_start_matches('[').trim_end_matches(']');
            template.variant_args = args.split(',').map(unquote).collect();
        }
        template.should_fail |= line.starts_with("should_fail: true");
    }
    templates
}

fn unquote(text: &str) -> String {
    let text = text.trim();
    let inside = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    if let Some(text) = inside('\'') {
        return text.replace("''", "'");
    }
    inside('"').map_or_else(|| text.to_owned(), |text| text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// All combinations of the values of the template's arguments.
fn expand(query: &str, args: &[String], values: &Value) -> Vec<String> {
    let mut queries = vec![query.to_owned()];
    for arg in args {
        let placeholder = format!("{{{{.{arg}}}}}");
        let values = values[arg].as_array().map_or(&[][..], Vec::as_slice);
        let replaced = |query: &String| {
            let with = |v: &Value| query.replace(&placeholder, v.as_str().unwrap_or_default());
            values.iter().map(with).collect::<Vec<_>>()
        };
        queries = queries.iter().flat_map(replaced).collect();
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_query_of_a_command() {
        let check = |line: &str, want| assert_eq!(eval_query(line), want, "{line}");
        check("eval instant at 5m  sum(x) by (y)", Some("sum(x) by (y)"));
        check("eval_ordered instant at 50m sort(x)", Some("sort(x)"));
        check("eval range from 0 to 5m step 1m rate(x[1m])", Some("rate(x[1m])"));
        check("clear", None);
    }

    #[test]
    fn expands_templates() {
        let text = "test_cases:\n  - query: '{{.a}} {{.b}} ''x'''\n    variant_args: ['a', 'b']\n  - query: y\n    should_fail: true\n  - # z\n    query: z";
        let values = serde_json::json!({"a": ["1", "2"], "b": ["3", "4"]});
        let templates = templates(text);
        assert_eq!(templates.iter().map(|t| t.should_fail).collect::<Vec<_>>(), [false, true, false]);
        let queries = expand(&templates[0].query, &templates[0].variant_args, &values);
        assert_eq!(queries, ["1 3 'x'", "1 4 'x'", "2 3 'x'", "2 4 'x'"]);
    }
}
