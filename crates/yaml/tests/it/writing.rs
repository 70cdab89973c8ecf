//! From values to text.

use bellwether_yaml::{MapValue, Value};

#[test]
fn writes_in_the_style_of_go_yaml() {
    let mut inner = MapValue::new();
    inner.set("source_labels", Value::FlowList(vec!["__name__".into(), "a,b".into()]));
    inner.set("regex", "(.*)");
    let mut root = MapValue::new();
    root.set("empty", MapValue::new());
    root.set("none", Value::List(Vec::new()));
    root.set("list", Value::List(vec![inner.into(), Value::List(vec![1_u32.into(), true.into()])]));
    root.set("ratio", 0.5).set("tiny", 1e-7).set("big", f64::INFINITY);
    root.set("text", "multi\nline").set("kept", "a\n");
    root.set_if("zero", 0_u64).set_if("off", false).set_if("unset", "");
    assert_eq!(
        Value::Map(root).to_yaml(),
        "empty: {}\nnone: []\nlist:\n- source_labels: [__name__, 'a,b']\n  regex: (.*)\n- - 1\n  - true\n\
         ratio: 0.5\ntiny: 1e-7\nbig: .inf\ntext: |-\n  multi\n  line\nkept: |\n  a\n"
    );
    assert_eq!(Value::Null.to_yaml(), "null\n");
}

#[test]
fn quotes_only_where_needed() {
    let check =
        |text: &str, want: &str| assert_eq!(Value::str(text).to_yaml(), format!("{want}\n"), "{text:?}");
    check("plain text", "plain text");
    check("", "\"\"");
    check("1", "\"1\"");
    check("yes", "\"yes\"");
    check("null", "\"null\"");
    check("2024-01-01", "\"2024-01-01\"");
    check("a: b", "'a: b'");
    check("a #b", "'a #b'");
    check("- a", "'- a'");
    check("-a", "-a");
    check("*", "'*'");
    check("it's", "it's");
    check("'q'", "'''q'''");
    check("<secret>", "<secret>");
    check("a\tb", "\"a\\tb\"");
    check("localhost:9090", "localhost:9090");
    check("http://x/y?z#w", "http://x/y?z#w");
    check("%d", "'%d'");
    check("測試", "測試");
    // Numbers in base 60 to some readers.
    check("00:00", "\"00:00\"");
    check("-12:30:59.5", "\"-12:30:59.5\"");
    check("12:60", "12:60");
}
