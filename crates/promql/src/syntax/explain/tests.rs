use proptest::prelude::*;

use super::*;
use crate::conformance::{ByteChoices, QueryGenerator, Vocabulary};
use crate::syntax::{AggregateOp, BinaryOp, FUNCTIONS, ParserOptions, ValueType, parse_expr};

fn explained(query: &str) -> Explanation {
    explain(&parse_expr(query, &ParserOptions::all_enabled()).unwrap_or_else(|e| panic!("{query}: {e}")))
}

/// The sentence of the outermost node.
fn check(query: &str, want: &str) {
    assert_eq!(explained(query).sentence, want, "{query}");
}

#[test]
fn numbers_strings_and_signs() {
    check("0.9", "The number 0.9.");
    check("-Inf", "The number -Inf.");
    check("1h30m", "1 hour 30 minutes as a number of seconds: 5400.");
    check("\"a\\\"b\"", "The text \"a\\\"b\".");
    check("-(1)", "The number with its sign changed.");
    check("-a", "Changes the sign of each sample.");
    check("+a", "Leaves what follows as it is.");
    check("(a)", "What stands in the parentheses, taken as one.");
}

#[test]
fn selectors() {
    check("up", "The newest sample of each series of the metric up.");
    check(
        "up{job=\"node\",env!=\"dev\",zone=~\"a|b\",host!~\"x.*\",rack=\"\",os!=\"\"}",
        "The newest sample of each series of the metric up whose job is \"node\", whose env is not \"dev\", whose zone matches \
         the regular expression \"a|b\", whose host does not match the regular expression \"x.*\", that have no label rack and that \
         have the label os.",
    );
    check("{\"my.metric\"}", "The newest sample of each series of the metric my.metric.");
    check(
        "{__name__=~\"a.*\"}",
        "The newest sample of each series whose name matches the regular expression \"a.*\".",
    );
    check("a offset 1d", "The newest sample of each series of the metric a, looked up 1 day in the past.");
    check(
        "a offset -90s",
        "The newest sample of each series of the metric a, looked up 1 minute 30 seconds in the future.",
    );
    check(
        "a @ start()",
        "The newest sample of each series of the metric a, looked up at the start of the query.",
    );
    check(
        "a @ 1603774568.5 offset 5m",
        "The newest sample of each series of the metric a, looked up 5 minutes before 2020-10-27T04:56:08.500Z.",
    );
    check(
        "a @ end() offset -1s",
        "The newest sample of each series of the metric a, looked up 1 second after the end of the query.",
    );
    check(
        "a offset (step() * 2 - 5m)",
        "The newest sample of each series of the metric a, looked up (the step of the query times 2 minus 5 minutes) in the past.",
    );
    check(
        "a smoothed",
        "The value, interpolated between the samples before and after, of each series of the metric a.",
    );
}

#[test]
fn windows() {
    check("a[5m]", "The samples of the last 5 minutes of each series of the metric a.");
    check(
        "a[1h] offset 1d",
        "The samples of a window of 1 hour that ends 1 day in the past of each series of the metric a.",
    );
    check(
        "a[1h] @ end()",
        "The samples of a window of 1 hour that ends at the end of the query of each series of the metric a.",
    );
    check(
        "a[5m] anchored",
        "The samples of the last 5 minutes of each series of the metric a; the last sample before the window stands at its left edge.",
    );
    check(
        "a[5m] smoothed",
        "The samples of the last 5 minutes of each series of the metric a; the values at both edges are interpolated from the \
         samples around them.",
    );
    check(
        "a[max_of(step(), range() / 4)]",
        "The samples of the last the greater of the step of the query and the range of the query divided by 4 of each series of \
         the metric a.",
    );
    check(
        "a[1h:5m]",
        "Evaluates what is inside every 5 minutes over the last 1 hour and takes the results as samples.",
    );
    check(
        "(a + b)[1d:] @ start() offset 1h",
        "Evaluates what is inside at the default interval over a window of 1 day that ends 1 hour before the start of the query and \
         takes the results as samples.",
    );
}

#[test]
fn aggregations() {
    check("sum(a)", "The sum of the samples of each group; all series are one group.");
    check(
        "avg by (job, env) (a)",
        "The mean of the samples of each group; series with the same job and env are one group, which keeps no other label.",
    );
    check(
        "max without (host) (a)",
        "The greatest sample of each group; series that agree on all labels but host are one group, which loses host.",
    );
    check(
        "count without () (a)",
        "How many samples each group has; series that agree on all labels are one group.",
    );
    check(
        "topk by (job) (3, a)",
        "The k greatest samples of each group, with their own labels; series with the same job are one group.",
    );
}

#[test]
fn operators() {
    check("1 + 2", "Adds the right to the left side.");
    check("a / 2", "Divides the left by the right side, for each series.");
    check(
        "a - b",
        "Subtracts the right from the left side, for each pair of series that agree on all labels.",
    );
    check(
        "a * on (job, env) b",
        "Multiplies both sides, for each pair of series that have the same job and env.",
    );
    check("a * on () b", "Multiplies both sides, for each pair of series, whatever their labels.");
    check(
        "a * ignoring (host) group_left (owner, team) b",
        "Multiplies both sides, for each pair of series that agree on all labels but host; several series on the left may share \
         one on the right, from which owner and team are copied.",
    );
    check(
        "a + on (job) group_right b",
        "Adds the right to the left side, for each pair of series that have the same job; several series on the right may share \
         one on the left.",
    );
    check(
        "a + fill (0) b",
        "Adds the right to the left side, for each pair of series that agree on all labels; a series that is missing on either \
         side counts as 0.",
    );
    check(
        "a + fill_right (1) b",
        "Adds the right to the left side, for each pair of series that agree on all labels; a series that is missing on the right \
         counts as 1.",
    );
    check("a > 5", "Keeps the samples on the left that are greater than the number on the right.");
    check(
        "5 >= a",
        "Keeps the samples on the right for which the number on the left is greater than or equal to the sample.",
    );
    check(
        "a != b",
        "Keeps the samples on the left that are different from those on the right, for each pair of series that agree on all labels.",
    );
    check("a == bool 1", "1 where the left side is equal to the right side, otherwise 0, for each series.");
    check("1 < bool 2", "1 where the left side is smaller than the right side, otherwise 0.");
    check("a </ 0.5", "Removes the observations above a value from native histograms, for each series.");
    check(
        "a and b",
        "Keeps series on the left that have a partner on the right; partners agree on all labels.",
    );
    check(
        "a unless on (job) b",
        "Keeps series on the left that have no partner on the right; partners have the same job.",
    );
    check(
        "a or on () b",
        "All series on the left, and those on the right that have no partner on the left; any series is a partner.",
    );
}

/// Each node's text, kind and role, parents first.
fn collect<'q>(node: &Explanation, query: &'q str, seen: &mut Vec<(&'q str, &'static str, &'static str)>) {
    seen.push((node.span.text(query), node.kind.as_str(), node.role.as_str()));
    node.children.iter().for_each(|child| collect(child, query, seen));
}

#[test]
fn nodes_know_their_place() {
    let query = "topk(3, rate(a[5m])) > (b)";
    let mut seen = Vec::new();
    collect(&explained(query), query, &mut seen);
    let want = [
        (query, "binaryExpr", "query"),
        ("topk(3, rate(a[5m]))", "aggregation", "left"),
        ("3", "numberLiteral", "parameter"),
        ("rate(a[5m])", "call", "operand"),
        ("a[5m]", "matrixSelector", "argument"),
        ("(b)", "parenExpr", "right"),
        ("b", "vectorSelector", "operand"),
    ];
    assert_eq!(seen, want);
}

#[test]
fn every_function_says_what_it_does() {
    for function in FUNCTIONS {
        let args: Vec<&str> = (0..function.min_args())
            .map(|idx| match function.arg_type(idx) {
                Some(ValueType::Scalar) => "0.5",
                Some(ValueType::String) => "\"label\"",
                Some(ValueType::Matrix) => "a[5m]",
                Some(ValueType::Vector) | None => "a",
            })
            .collect();
        let node = explained(&format!("{}({})", function.name, args.join(", ")));
        assert_eq!(node.sentence, function.doc);
        assert!(node.sentence.len() > 10, "{}", function.name);
        assert_eq!(node.children.len(), args.len());
    }
}

#[test]
fn every_operator_and_aggregation_has_words() {
    for op in BinaryOp::ALL {
        check_form(&explained(&format!("a {} b", op.as_str())));
        if !op.is_set() {
            check_form(&explained(&format!("a {} 1", op.as_str())));
            check_form(&explained(&format!(
                "1 {} {} a",
                op.as_str(),
                if op.is_comparison() { "bool" } else { "" }
            )));
        }
    }
    for op in AggregateOp::ALL {
        let param = match op.param_type() {
            None => "",
            Some(ValueType::String) => "\"label\", ",
            Some(_) => "0.5, ",
        };
        check_form(&explained(&format!("{} by (job) ({param}a)", op.as_str())));
    }
}

/// One sentence, with nothing left over from putting it together.
fn check_form(node: &Explanation) {
    let sentence = &node.sentence;
    assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{sentence}");
    assert!(!sentence.contains("  ") && !sentence.contains(" ,") && !sentence.contains(".;"), "{sentence}");
    node.children.iter().for_each(check_form);
}

fn count(node: &Explanation) -> usize {
    1 + node.children.iter().map(count).sum::<usize>()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_node_is_explained(bytes in prop::collection::vec(any::<u8>(), 1..200)) {
        let (mut choices, vocabulary) = (ByteChoices::new(&bytes), Vocabulary::default());
        let expr = QueryGenerator::new(&mut choices, &vocabulary).expression(ValueType::Vector, 4);
        let mut nodes = 0;
        expr.walk(&mut |_, _| nodes += 1);
        prop_assert_eq!(count(&explain(&expr)), nodes);
    }
}
