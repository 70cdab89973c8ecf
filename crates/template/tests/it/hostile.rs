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
