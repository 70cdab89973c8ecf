//! What must hold for every query, tried on many of them.

use proptest::prelude::*;

use super::{
    DurationArg, DurationExpr, Expr, ParserOptions, TextSpan, ValueType, VectorSelector, parse_expr,
    parse_metric_selector, parse_series, parse_start_timestamps, prettify,
};
use crate::conformance::{ByteChoices, QueryGenerator, Vocabulary};

fn generated(bytes: &[u8]) -> Expr {
    let mut choices = ByteChoices::new(bytes);
    let vocabulary = Vocabulary::default();
    let types = [ValueType::Vector, ValueType::Scalar, ValueType::Matrix, ValueType::String];
    let value_type = types[bytes.first().map_or(0, |b| usize::from(*b) % types.len())];
    QueryGenerator::new(&mut choices, &vocabulary).expression(value_type, 4)
}

/// Words and signs of the language in any order, and some that are no tokens.
fn token_soup() -> impl Strategy<Value = String> {
    const TOKENS: &str = "+ - * / % ^ == != < <= > >= </ >/ = =~ !~ ( ) { } [ ] , : @ foo foo:bar rate sum topk by without on \
         ignoring group_left group_right bool and or unless atan2 offset anchored smoothed fill fill_left start end step range \
         min_of 5 5m 1h30m 0 0x1e 1e400 Inf NaN \"str\" 'a' `raw` \"a.b\" \"\" start() foo{a=\"b\"} foo[5m] foo[1h:5m] (foo) \
         sum(foo) by(a) #c\n 5y1hs ö ? ! ' \"abc _ x stale {{ }} {{sum:1}} @st -1mx3";
    let tokens: Vec<&str> = TOKENS.split(' ').filter(|token| !token.is_empty()).collect();
    let separators = prop_oneof![Just(" "), Just("")];
    prop::collection::vec((prop::sample::select(tokens), separators), 0..16)
        .prop_map(|words| words.into_iter().map(|(token, separator)| token.to_owned() + separator).collect())
}

/// Bytes that are text with something cut out or put in.
fn damaged_queries() -> impl Strategy<Value = Vec<u8>> {
    let query = prop::collection::vec(any::<u8>(), 0..64).prop_map(|bytes| generated(&bytes).to_string());
    (query, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
        |(query, cut, put, byte)| {
            let mut bytes = query.into_bytes();
            if !bytes.is_empty() {
                bytes.remove(cut.index(bytes.len()));
            }
            bytes.insert(put.index(bytes.len() + 1), byte);
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let expr = generated(&bytes);
        let text = expr.to_string();
        let parsed = parse_expr(&text, &ParserOptions::all_enabled()).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(parsed.without_spans(), expr, "{}", text);
        prop_assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn what_is_prettified_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let expr = generated(&bytes);
        let text = prettify(&expr);
        let parsed = parse_expr(&text, &ParserOptions::all_enabled()).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(parsed.without_spans(), expr, "{}", text);
    }

    #[test]
    fn spans_nest(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = prettify(&generated(&bytes));
        let expr = parse_expr(&text, &ParserOptions::all_enabled()).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        check_spans(&expr, TextSpan::new(0, text.len()));
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in token_soup()) {
        check_errors(text.as_bytes());
        for line in [text.clone(), format!("m{{a=\"b\"}} {text}"), format!("m@st {text}")] {
            if let Err(errors) = parse_series(&line) {
                prop_assert!(errors.errors().iter().all(|e| e.span.end as usize <= line.len()));
            }
            let _ = parse_start_timestamps(&line);
        }
    }

    #[test]
    fn no_unicode_makes_the_parsers_panic(text in "\\PC{0,40}") {
        check_errors(text.as_bytes());
        let _ = (parse_series(&text), parse_start_timestamps(&text));
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in damaged_queries()) {
        check_errors(&bytes);
    }
}

/// Errors must point into the text.
fn check_errors(query: &[u8]) {
    for options in [ParserOptions::default(), ParserOptions::all_enabled()] {
        let errors = [parse_expr(query, &options).err(), parse_metric_selector(query, &options).err()];
        for error in errors.iter().flatten().flat_map(super::ParseErrors::errors) {
            let TextSpan { start, end } = error.span;
            assert!(start <= end && end as usize <= query.len(), "{error:?} in {query:?}");
            assert!(!error.message.is_empty());
        }
    }
}

fn check_spans(expr: &Expr, parent: TextSpan) {
    let span = expr.span();
    check_inside(span, parent);
    for child in expr.children() {
        check_spans(child, span);
    }
    match expr {
        Expr::Binary(binary) => {
            check_inside(binary.op_span, span);
            assert!(binary.lhs.span().end <= binary.op_span.start);
            assert!(binary.op_span.end <= binary.rhs.span().start);
        }
        Expr::Vector(selector) => check_selector_spans(selector, span),
        Expr::Matrix(matrix) => {
            check_inside(matrix.selector.span, span);
            check_selector_spans(&matrix.selector, span);
            check_duration_spans(&matrix.range, span);
        }
        Expr::Subquery(subquery) => {
            check_duration_spans(&subquery.range, span);
            subquery.step.iter().chain(&subquery.offset).for_each(|arg| check_duration_spans(arg, span));
        }
        _ => {}
    }
}

fn check_selector_spans(selector: &VectorSelector, parent: TextSpan) {
    selector.offset.iter().for_each(|offset| check_duration_spans(offset, parent));
}

fn check_duration_spans(arg: &DurationArg, parent: TextSpan) {
    if let DurationArg::Expr(expr) = arg {
        check_duration_expr_spans(expr, parent);
    }
}

fn check_duration_expr_spans(expr: &DurationExpr, parent: TextSpan) {
    let span = expr.span();
    check_inside(span, parent);
    match expr {
        DurationExpr::Number(_) | DurationExpr::Step(_) | DurationExpr::Range(_) => {}
        DurationExpr::Neg { expr, .. } | DurationExpr::Paren { expr, .. } => {
            check_duration_expr_spans(expr, span);
        }
        DurationExpr::Binary { lhs, rhs, .. } => {
            check_duration_expr_spans(lhs, span);
            check_duration_expr_spans(rhs, span);
        }
    }
}

fn check_inside(span: TextSpan, parent: TextSpan) {
    assert!(
        parent.start <= span.start && span.start < span.end && span.end <= parent.end,
        "{span:?} in {parent:?}"
    );
}
