//! `parse_query`, `format_query` and `explain`: the language without the data.

use axum::extract::State;
use axum::response::Response;
use bellwether_model::{Matcher, format_float};
use bellwether_promql::syntax::{
    AtModifier, DurationArg, Explanation, Expr, RangeMode, ValueType, VectorMatching, VectorSelector,
    explain, parse_expr, prettify,
};
use serde_json::{Map, Value, json};

use crate::envelope;
use crate::error::ApiError;
use crate::params::Params;
use crate::state::AppState;

pub(crate) async fn parse_query(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let expr = parse(&state, &params)?;
    Ok(envelope::success(&translate(&expr)))
}

pub(crate) async fn format_query(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = parse(&state, &params)?;
    Ok(envelope::success(&Value::from(prettify(&expr))))
}

/// Says what the query and each part of it does. Places are bytes of the query: the first one, and the one behind the last.
pub(crate) async fn explain_query(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let expr = parse(&state, &params)?;
    Ok(envelope::success(&explanation(&explain(&expr))))
}

fn explanation(node: &Explanation) -> Value {
    json!({
        "span": [node.span.start, node.span.end],
        "kind": node.kind.as_str(),
        "role": node.role.as_str(),
        "sentence": node.sentence,
        "children": node.children.iter().map(explanation).collect::<Vec<_>>(),
    })
}

fn parse(state: &AppState, params: &Params) -> Result<Expr, ApiError> {
    let query = params.get("query").unwrap_or("");
    parse_expr(query, &state.settings.parser).map_err(|e| ApiError::bad_parameter("query", e))
}

/// The tree in the form that Prometheus' UI reads.
fn translate(expr: &Expr) -> Value {
    match expr {
        Expr::Number(e) => json!({"type": "numberLiteral", "val": format_float(e.value)}),
        Expr::String(e) => json!({"type": "stringLiteral", "val": e.value}),
        Expr::Paren(e) => json!({"type": "parenExpr", "expr": translate(&e.expr)}),
        Expr::Unary(e) => json!({"type": "unaryExpr", "op": e.op.as_str(), "expr": translate(&e.expr)}),
        Expr::Binary(e) => json!({
            "type": "binaryExpr",
            "op": e.op.as_str(),
            "lhs": translate(&e.lhs),
            "rhs": translate(&e.rhs),
            "matching": e.matching.as_ref().map(translate_matching),
            "bool": e.return_bool,
        }),
        Expr::Aggregate(e) => json!({
            "type": "aggregation",
            "op": e.op.as_str(),
            "expr": translate(&e.expr),
            "param": e.param.as_ref().map(translate),
            "grouping": e.grouping,
            "without": e.without,
        }),
        Expr::Call(e) => json!({
            "type": "call",
            "func": {
                "name": e.func.name,
                "argTypes": e.func.arg_types.iter().map(|t| ValueType::as_str(*t)).collect::<Vec<_>>(),
                "variadic": e.func.variadic,
                "returnType": e.func.return_type.as_str(),
            },
            "args": e.args.iter().map(translate).collect::<Vec<_>>(),
        }),
        Expr::Vector(e) => Value::Object(translate_selector("vectorSelector", e)),
        Expr::Matrix(e) => {
            let mut node = translate_selector("matrixSelector", &e.selector);
            node.insert("range".to_owned(), translate_duration(Some(&e.range)));
            Value::Object(node)
        }
        Expr::Subquery(e) => json!({
            "type": "subquery",
            "expr": translate(&e.expr),
            "range": translate_duration(Some(&e.range)),
            "offset": translate_duration(e.offset.as_ref()),
            "step": translate_duration(e.step.as_ref()),
            "timestamp": timestamp(e.at),
            "startOrEnd": start_or_end(e.at),
        }),
    }
}

fn translate_selector(node_type: &str, e: &VectorSelector) -> Map<String, Value> {
    let node = json!({
        "type": node_type,
        "name": e.name.as_deref().unwrap_or(""),
        "offset": translate_duration(e.offset.as_ref()),
        "matchers": e.matchers.iter().map(translate_matcher).collect::<Vec<_>>(),
        "timestamp": timestamp(e.at),
        "startOrEnd": start_or_end(e.at),
        "anchored": e.mode == RangeMode::Anchored,
        "smoothed": e.mode == RangeMode::Smoothed,
    });
    match node {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn translate_matcher(m: &Matcher) -> Value {
    json!({"name": m.name(), "value": m.value(), "type": m.op().as_str()})
}

fn translate_matching(m: &VectorMatching) -> Value {
    json!({
        "card": m.card.as_str(),
        "labels": m.labels,
        "on": m.on,
        "include": m.include,
        "fillValues": {"lhs": m.fill.lhs, "rhs": m.fill.rhs},
    })
}

/// Milliseconds; a duration that depends on the query (`step()`) has no value yet and shows as 0, as in Prometheus.
fn translate_duration(d: Option<&DurationArg>) -> Value {
    match d {
        Some(DurationArg::Literal(ms)) => Value::from(*ms),
        Some(DurationArg::Expr(_)) | None => Value::from(0),
    }
}

fn timestamp(at: Option<AtModifier>) -> Value {
    match at {
        Some(AtModifier::Timestamp(ts_ms)) => Value::from(ts_ms),
        _ => Value::Null,
    }
}

fn start_or_end(at: Option<AtModifier>) -> Value {
    match at {
        Some(AtModifier::Start) => Value::from("start"),
        Some(AtModifier::End) => Value::from("end"),
        _ => Value::Null,
    }
}
