//! Any text is parsed or refused, and what was parsed is printed as something that parses to the same.
#![no_main]

use bellwether_promql::syntax::{ParserOptions, explain, parse_expr, prettify};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|text: &str| -> Corpus {
    let options = ParserOptions::all_enabled();
    let Ok(expr) = parse_expr(text, &options) else { return Corpus::Keep };
    let printed = expr.to_string();
    let again = parse_expr(&printed, &options);
    let again = again.unwrap_or_else(|e| panic!("{text:?} is printed as {printed:?}, which is refused: {e}"));
    assert_eq!(again.to_string(), printed, "{text:?} is printed differently the second time");
    let pretty = prettify(&expr);
    if pretty.len() > options.limits.max_bytes {
        // A long chain of operators is indented at every link, and then too long for a query.
        return Corpus::Keep;
    }
    let again = parse_expr(&pretty, &options);
    let again = again.unwrap_or_else(|e| panic!("{text:?} is laid out as {pretty:?}, which is refused: {e}"));
    assert_eq!(again.to_string(), printed, "{text:?} means something else when it is laid out");
    let _ = explain(&expr);
    Corpus::Keep
});
