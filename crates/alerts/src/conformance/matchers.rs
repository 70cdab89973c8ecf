//! Cases of matchers.

use std::path::Path;

use serde_json::Value as Json;

use super::{judge, op, same, text};
use crate::matcher::{Matcher, MatcherSyntax};

pub(super) fn matchers(_: &Path, case: &Json) -> Result<(), String> {
    let syntax = match text(case, "parser") {
        "utf8" => MatcherSyntax::Utf8,
        "classic" => MatcherSyntax::Classic,
        _ => MatcherSyntax::Fallback,
    };
    let input = text(case, "input");
    let got =
        if case["one"] == true { syntax.parse_one(input).map(|one| vec![one]) } else { syntax.parse(input) };
    // Where a pattern is wrong is shown in what was written, not in what it is wrapped in.
    let got = got.map_err(|error| error.to_string().replace("`[regexp`", "`[regexp)$`"));
    judge(&got, &case["expect"])?;
    let Ok(got) = got else { return Ok(()) };
    let got: Vec<_> = got.iter().map(|it| (it.name(), it.op().as_str(), it.value())).collect();
    let want = case["expect"]["matchers"].as_array().into_iter().flatten();
    let want: Vec<_> = want.map(|it| (text(it, "name"), text(it, "op"), text(it, "value"))).collect();
    same(&got, &want)
}

pub(super) fn matcher_semantics(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    if let Some(name) = case["label_name"].as_str() {
        let syntax = if case["scheme"] == "classic" { MatcherSyntax::Classic } else { MatcherSyntax::Utf8 };
        return same(&Some(syntax.is_label_name(name)), &expect["valid"].as_bool());
    }
    let new = |json: &Json, name: &str, value: &str| {
        Matcher::new(op(text(json, "op"))?, name, value).map_err(|error| error.to_string())
    };
    if case["print"].is_object() {
        let print = &case["print"];
        let matcher = new(print, text(print, "name"), text(print, "value"))?;
        return same(&matcher.to_string().as_str(), &text(expect, "string"));
    }
    let matcher = new(case, "name", text(case, "pattern"))?;
    same(&Some(matcher.matches(text(case, "value"))), &expect["match"].as_bool())
}
