//! What a query may not take.

use super::*;

#[test]
fn nested_replacements_do_not_grow_without_end() {
    let engine = engine(options(), "load 1m\n  m{i=\"abcdefgh\"} 1\n");
    let mut replace = r#"label_replace(m, "z", "$1$1$1$1", "i", "(.*)")"#.to_owned();
    let mut join = r#"label_join(m, "z", "-", "i", "i")"#.to_owned();
    for _ in 0..40 {
        replace = format!(r#"label_replace({replace}, "z", "$1$1$1$1", "z", "(.*)")"#);
        join = format!(r#"label_join({join}, "z", "-", "z", "z", "z", "z")"#);
    }
    for (function, query) in [("label_replace", replace), ("label_join", join)] {
        let error = instant(&engine, &query, 0).expect_err("refused").to_string();
        let want = format!("{function}: the value of label \"z\" would be longer than the 1048576 bytes");
        assert!(error.contains(&want), "{error}");
    }
}

#[test]
fn regular_expressions_of_functions_are_limited_together() {
    let engine = engine(options(), "load 1m\n  m{i=\"1\"} 1\n");
    let nested = |n| {
        (0..n).fold("m".to_owned(), |inner, _| {
            format!(r#"label_replace({inner}, "z", "$1", "i", ".{{1000}}|(.{{0,900}}x)")"#)
        })
    };
    instant(&engine, &nested(2), 0).expect("small enough");
    let error = instant(&engine, &nested(200), 0).expect_err("refused").to_string();
    assert!(error.starts_with("regular expressions of label_replace() are too large"), "{error}");
}

#[test]
fn label_values_that_a_query_makes_count_as_memory() {
    let engine = engine(options(), "load 1m\n  m{i=\"1\"} 1\n  m{i=\"2\"} 1\n");
    let template = "$1".repeat(30_000);
    let query = InstantQuery {
        query: format!(r#"label_replace(m, "z", "{template}", "i", "(.*)")"#),
        ts_ms: 0,
        settings: QuerySettings::default(),
    };
    let ask = |budget| engine.instant(&Tenant::default(), &query, &QueryContext::new(None, budget));
    assert!(ask(100_000).is_ok());
    assert!(matches!(ask(50_000), Err(QueryError::Memory(_))));
}
