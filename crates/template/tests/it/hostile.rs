//! Whatever somebody writes into a template ends, soon and with little memory.

use bellwether_template::{ExecError, Functions, Template, Value};
use proptest::prelude::*;

fn run(text: &str) -> Result<String, ExecError> {
    Template::parse("t", text, &Functions::builtin()).expect("parses").execute(&Value::Nil)
}

#[test]
fn loops_and_recursion_end() {
    let limit_of = |text: &str| match run(text) {
        Err(ExecError::Limit { what, .. }) => what,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(limit_of("{{define \"a\"}}{{template \"a\"}}{{end}}{{template \"a\"}}"), "depth of templates");
    assert_eq!(limit_of("{{range 1000000000}}x{{end}}"), "number of steps");
    assert_eq!(limit_of("{{range 9000}}{{printf \"%1000d\" 1}}{{end}}"), "output in bytes");
    assert_eq!(limit_of("{{range 999}}{{range 999}}{{end}}{{end}}"), "number of steps");
}

/// What limits a template that may call the functions of notifications as well.
fn limit_with_collections(text: &str) -> &'static str {
    let mut functions = Functions::builtin();
    functions.add_variadic("list", 0, None, |args| Ok(Value::list(args.iter().cloned())));
    let template = Template::parse("t", text, &functions).expect("parses");
    match template.execute(&Value::Nil) {
        Err(ExecError::Limit { what, .. }) => what,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn values_do_not_grow_without_end() {
    let grow = |first: &str, step: &str| {
        format!("{{{{$x := {first}}}}}{{{{range 9000}}}}{{{{$x = {step}}}}}{{{{end}}}}")
    };
    let limit = |first: &str, step: &str| limit_with_collections(&grow(first, step));
    assert_eq!(limit("`a`", "printf `%s%s` $x $x"), "length of a value in bytes");
    assert_eq!(limit("`a`", "print $x $x"), "length of a value in bytes");
    assert_eq!(limit("`<`", "html $x"), "size of values in bytes");
    assert_eq!(limit("1", "list $x $x"), "size of values in bytes");
    assert_eq!(limit("1", "list $x"), "depth of a value");
}

#[test]
fn a_list_that_repeats_a_long_text_is_not_written_out() {
    let long = "{{$x := printf `%1000d` 1}}{{range 9}}{{$x = print $x $x}}{{end}}";
    let many = "{{$l := list $x}}{{range 16}}{{$l = list $l $l}}{{end}}";
    for use_of_it in ["{{print $l}}", "{{printf `%q` $l}}", "{{printf `a` $l $l}}"] {
        let text = format!("{long}{many}{use_of_it}");
        assert_eq!(limit_with_collections(&text), "length of a value in bytes", "{use_of_it}");
    }
    assert_eq!(limit_with_collections(&format!("{long}{many}{{{{$l}}}}")), "output in bytes");
}

#[test]
fn blocks_and_parentheses_of_templates_that_call_themselves_fit_the_stack() {
    let blocks = format!("{}{{{{template \"a\"}}}}{}", "{{if 1}}".repeat(90), "{{end}}".repeat(90));
    let parens = format!("{{{{template \"a\" {}1{}}}}}", "(".repeat(90), ")".repeat(90));
    let tmpl = format!("{{{{{}tmpl \"a\" 1{}}}}}", "(".repeat(90), ")".repeat(90));
    for (body, what) in [
        (blocks, "depth of templates, blocks and parentheses"),
        (parens, "depth of templates"),
        (tmpl, "depth of templates, blocks and parentheses"),
    ] {
        let text = format!("{{{{define \"a\"}}}}{body}{{{{end}}}}{{{{template \"a\"}}}}");
        assert_eq!(limit_with_collections(&text), what);
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, close) in [("{{if 1}}", "{{end}}"), ("{{(", ")}}")] {
        let text = if open == "{{(" {
            format!("{{{{{}1{}}}}}", "(".repeat(5000), ")".repeat(5000))
        } else {
            open.repeat(5000) + &close.repeat(5000)
        };
        let error = Template::parse("t", &text, &Functions::builtin()).expect_err("too deep");
        assert!(error.to_string().contains("nested deeper"), "{error}");
    }
}

proptest! {
    #[test]
    fn arbitrary_texts_never_panic(text in "(\\{\\{|\\}\\}|[-. |$\"`'(),:=a-c0-9]|if|range|end|else|define|with|template|printf|index|x){0,40}") {
        if let Ok(template) = Template::parse("t", &text, &Functions::builtin()) {
            let _ = template.execute(&Value::map([("a", Value::list([1_i64.into(), 2_i64.into()]))]));
        }
    }

    #[test]
    fn text_outside_of_actions_is_kept(text in "[^{]{0,80}") {
        prop_assert_eq!(run(&text).expect("runs"), text);
    }
}
