use crate::syntax::{ParserLimits, ParserOptions, parse_expr, parse_metric_selector};

/// The messages about a query, with the text that each is about.
fn errors(query: &str, options: &ParserOptions) -> Vec<(String, String)> {
    match parse_expr(query, options) {
        Ok(expr) => panic!("{query} is accepted as {expr}"),
        Err(errors) => {
            let place = |e: &crate::syntax::ParseError| (e.message.clone(), e.span.text(query).to_owned());
            errors.errors().iter().map(place).collect()
        }
    }
}

fn check(query: &str, want: &[(&str, &str)]) {
    let got = errors(query, &ParserOptions::all_enabled());
    let got: Vec<_> = got.iter().map(|(message, place)| (message.as_str(), place.as_str())).collect();
    assert_eq!(got, want, "{query}");
}

fn prints(query: &str, want: &str) {
    let expr = parse_expr(query, &ParserOptions::all_enabled()).unwrap_or_else(|e| panic!("{query}: {e}"));
    assert_eq!(expr.to_string(), want, "{query}");
}

#[test]
fn goes_on_after_an_error_where_prometheus_does() {
    check(
        "sum(1 + * 2)",
        &[
            ("unexpected <op:*> in aggregation", "*"),
            ("no arguments for aggregate expression provided", "sum(1"),
            ("unexpected \")\"", ")"),
        ],
    );
    check(
        "foo{a,b}",
        &[
            ("unexpected \",\" in label matching, expected label matching operator", ","),
            ("unexpected \"}\" in label matching, expected label matching operator", "}"),
        ],
    );
    check(
        "sum by (a b c) (x) by",
        &[
            ("unexpected identifier \"b\" in grouping opts, expected \",\" or \")\"", "b"),
            ("unexpected <by>", "by"),
        ],
    );
    check("a + on", &[("unexpected end of input in grouping opts, expected \"(\"", "")]);
    check(
        "x offset y z",
        &[("unexpected identifier \"y\" in offset, expected number, duration, step(), or range()", "y")],
    );
    check("foo @ bar @ baz", &[("unexpected identifier \"bar\" in @, expected timestamp", "bar")]);
    check("foo[1m:2m 3m]", &[("unexpected duration \"3m\" in subquery selector, expected \"]\"", "3m")]);
    check("foo[1m:)", &[("unexpected right parenthesis ')'", "")]);
    check("* ö", &[("unexpected <op:*>", "*"), ("unexpected character: 'ö'", "ö")]);
}

#[test]
fn operators_behind_an_offset() {
    prints("a offset 5m + 3", "a offset 5m + 3");
    prints("a offset -5m ^ 2", "a offset -5m ^ 2");
    prints("a offset step() * 2", "a offset step() * 2");
    prints("a offset -(5m) + 3", "a offset -(5m) + 3");
    // Plain parentheses leave the duration open, as in Prometheus' grammar.
    prints("a offset (5m) + 3", "a offset (5m) + 3");
    check(
        "a offset (5m) + b",
        &[("unexpected identifier \"b\" in offset, expected number, duration, step(), or range()", "b")],
    );
    prints("(a offset (5m)) + b", "(a offset (5m)) + b");
}

#[test]
fn signs_and_powers() {
    prints("-1^2", "-1 ^ 2");
    prints("2^3^2", "2 ^ 3 ^ 2");
    prints("+1 - -2", "1 - -2");
    prints("--a", "--a");
    prints("a atan2 b * c", "a atan2 b * c");
    prints("h </ 5 == 3 >/ 1", "h </ 5 == 3 >/ 1");
}

#[test]
fn keywords_are_names_where_they_can_be() {
    prints("sum + by + offset{start=\"x\"} or and", "sum + by + offset{start=\"x\"} or and");
    prints("start() - start", "start() - start");
    prints("fill + fill (1) fill", "fill + fill (1) fill");
    prints("sum by (bool, on, \"without\", \"inf\") (x)", "sum by (bool, on, \"without\", \"inf\") (x)");
    check("bool", &[("unexpected <bool>", "bool")]);
    check("by(x)", &[("unexpected \"(\"", "(")]);
}

#[test]
fn features_that_are_off_say_so() {
    let server = ParserOptions::default();
    let check = |query: &str, want: &str, place: &str| {
        assert_eq!(errors(query, &server), [(want.to_owned(), place.to_owned())], "{query}");
    };
    check("info(a)", "function \"info\" is not enabled", "info");
    check(
        "limitk(2, a)",
        "limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
        "limitk(2, a)",
    );
    check("a[5m] anchored", "anchored modifier is experimental and not enabled", "a[5m]");
    check("a smoothed", "smoothed modifier is experimental and not enabled", "a");
    check("a + fill(0) b", "binop fill modifiers are experimental and not enabled", "a + fill(0) b");
    let plain = ParserOptions { duration_expressions: false, ..server };
    for (query, place) in
        [("a[5m+1m]", "5m"), ("a[step()]", "step()"), ("a[(5m)]", "5m"), ("a offset -range()", "range()")]
    {
        let want = "experimental duration expression is not enabled";
        assert_eq!(errors(query, &plain), [(want.to_owned(), place.to_owned())], "{query}");
    }
    assert!(parse_expr("a[5m] offset -1m", &plain).is_ok());
}

#[test]
fn legacy_names() {
    let legacy =
        ParserOptions { names: bellwether_model::ValidationScheme::Legacy, ..ParserOptions::default() };
    let check = |query: &str, want: &str| assert_eq!(errors(query, &legacy)[0].0, want);
    check("sum by (\"a.b\") (x)", "invalid label name for grouping: \"a.b\"");
    check("{\"a.b\"=\"c\", x=\"y\"}", "invalid label name for matching: \"a.b\"");
    assert!(parse_expr("sum by (\"a\") (x)", &legacy).is_ok());
}

#[test]
fn range_modes_exclude_each_other() {
    check("a[5m] anchored smoothed", &[("anchored and smoothed modifiers cannot be used together", "a[5m]")]);
    check("a[5m:] anchored", &[("anchored modifier is not supported for subqueries", "a[5m:]")]);
    check("(a) smoothed", &[("smoothed modifier not implemented", "(a)")]);
    check("a offset 5m offset 5m", &[("offset may not be set multiple times", "a offset 5m")]);
    check("a @ 1 @ 2", &[("@ <timestamp> may not be set multiple times", "a @ 1")]);
    check("a @ nan", &[("timestamp out of bounds for @ modifier: NaN", "a")]);
}

#[test]
fn nesting_is_limited() {
    let nested = |n: usize| [&"(".repeat(n), "1", &")".repeat(n)].concat();
    let options = ParserOptions::default();
    let max = options.limits.max_nesting;
    assert!(parse_expr(nested(max - 1), &options).is_ok());
    let too_deep = "query is nested too deeply: at most 250 levels are allowed";
    for query in [
        nested(max),
        "-".repeat(60_000),
        "(".repeat(60_000),
        "a[".to_owned() + &"(".repeat(60_000),
        "abs(".repeat(15_000),
        "sum by (a) (".repeat(5000),
        "1^".repeat(30_000),
        "a[1".to_owned() + &"^1".repeat(30_000),
    ] {
        assert_eq!(errors(&query, &options)[0].0, too_deep, "{}...", &query[..20]);
    }
}

/// Chains nest nothing, but the tree grows by one level per operator, and everything that walks it recurses.
#[test]
fn chains_are_limited() {
    let options = ParserOptions::default();
    let chain = |link: &str, n: usize| "a".to_owned() + &link.repeat(n);
    let max = options.limits.max_height;
    let highest = chain(" or a", max - 1);
    let expr = parse_expr(&highest, &options).expect("is just low enough");
    assert_eq!(expr.to_string(), highest);
    assert!(expr.eq_ignoring_spans(&expr.clone()));
    assert_eq!(expr.selectors().len(), max);
    let too_complex = "query is too complex: at most 500 operations may depend on each other";
    for query in [chain(" or a", max), chain("[1m:]", 10_000), "a[1".to_owned() + &"+1".repeat(10_000) + "]"]
    {
        assert_eq!(errors(&query, &options)[0].0, too_complex, "{}...", &query[..20]);
    }
}

#[test]
fn length_is_limited() {
    let limits = ParserLimits { max_bytes: 10, ..ParserLimits::default() };
    let options = ParserOptions { limits, ..ParserOptions::default() };
    assert!(parse_expr("abcdefghij", &options).is_ok());
    let want = "query is too long: 11 bytes, at most 10 are allowed";
    assert_eq!(errors("abcdefghijk", &options), [(want.to_owned(), "k".to_owned())]);
}

#[test]
fn regular_expressions_are_limited_together() {
    let options = ParserOptions::default();
    let query = |n: usize| format!("{{{}}}", vec![r#"a=~".{1000}|(.{0,900}x)""#; n].join(","));
    assert!(parse_expr(query(2), &options).is_ok());
    let want = "regular expressions are too large: together they take more than the 16777216 bytes allowed";
    let found = errors(&query(2_000), &options);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, want);
    // Those that are compared as strings take next to nothing.
    assert!(parse_expr(format!("{{a=~\"{}\"}}", vec!["b"; 10_000].join("|")), &options).is_ok());
}

#[test]
fn selectors_of_the_api() {
    let options = ParserOptions::default();
    let matchers = |selector: &str| -> Vec<String> {
        let matchers =
            parse_metric_selector(selector, &options).unwrap_or_else(|e| panic!("{selector}: {e}"));
        matchers.iter().map(ToString::to_string).collect()
    };
    assert_eq!(matchers("up"), ["__name__=\"up\""]);
    assert_eq!(matchers(" up { job =~ 'a.*', x!=\"\" } "), ["job=~\"a.*\"", "x!=\"\"", "__name__=\"up\""]);
    assert_eq!(matchers("{\"a.b\"}"), ["__name__=\"a.b\""]);
    // Whether everything may be selected is for the caller to say.
    assert_eq!(matchers("{}"), [""; 0]);
    let refused = |selector: &str, want: &str| {
        assert_eq!(
            parse_metric_selector(selector, &options).map_err(|e| e.to_string()),
            Err(want.to_owned())
        );
    };
    refused("up[5m]", "1:3: parse error: unexpected \"[\"");
    refused("sum(up)", "1:4: parse error: unexpected \"(\"");
    refused("1", "1:1: parse error: unexpected number \"1\"");
    refused("", "unknown position: parse error: unexpected end of input");
    refused("{a=~\"(\"}", "1:2: parse error: error parsing regexp: missing closing ): `(`");
}
