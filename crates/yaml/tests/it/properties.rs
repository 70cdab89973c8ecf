//! What holds for every input.

use std::collections::BTreeMap;

use bellwether_yaml::{Decode, Dialect, Document, Errors, Kind, Node, Value};
use proptest::prelude::*;

/// Touches every node in the ways that decoding does.
fn walk(node: Node<'_>, errors: &mut Errors) {
    let _ = (node.path(), node.is_null(), format!("{node:?}"));
    let _ = String::decode(node, errors);
    let _ = u64::decode(node, errors);
    let _ = bool::decode(node, errors);
    match node.kind() {
        Kind::Scalar(_) => {}
        Kind::Sequence => node.items().for_each(|item| walk(item, errors)),
        Kind::Mapping => {
            let _ = BTreeMap::<String, String>::decode(node, errors);
            for entry in node.entries() {
                walk(entry.key, errors);
                walk(entry.value, errors);
            }
        }
    }
}

fn read_anyhow(bytes: &[u8]) {
    let mut errors = Errors::new();
    for dialect in [Dialect::V2, Dialect::V3] {
        match Document::parse("f.yml", bytes, dialect) {
            Ok(document) => walk(document.root(), &mut errors),
            Err(error) => {
                let _ = error.excerpt(&String::from_utf8_lossy(bytes));
            }
        }
    }
    if let Ok(document) = Document::parse_json("f.json", bytes) {
        walk(document.root(), &mut errors);
    }
    let _ = errors.to_string();
}

/// Texts made of the pieces from which YAML is made, which reach further into the parser than random bytes.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        ": ",
        "- ",
        "? ",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\"",
        "'",
        "\\",
        "\\x41",
        "\\u00e9",
        "|",
        ">",
        "|-\n",
        ">2+\n",
        "&x ",
        "*x",
        "!!binary ",
        "!t ",
        "!<",
        "%YAML 1.2\n",
        "%TAG ! x\n",
        "---",
        "---\n",
        "...\n",
        "#",
        " # c\n",
        "<<: ",
        "null",
        "1",
        "0x",
        "~",
        "é",
        "\u{feff}",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\0",
        "@",
        "`",
        "\n\n",
        "-",
        ":",
        "?",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~\n]{0,12}",
        prop::sample::select(vec![
            "yes", "1", "~", "<<", "a: b", "---", "#", "- x", "1e3", "0x1", "=", "a,", "!x"
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), text.prop_map(Value::Str)];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::btree_map("[ -~]{0,8}", inner, 0..5).prop_map(|entries| {
                let mut map = bellwether_yaml::MapValue::new();
                for (key, value) in entries {
                    map.set(key, value);
                }
                Value::Map(map)
            }),
        ]
    })
}

fn check_same(node: Node<'_>, value: &Value, yaml: &str) -> Result<(), TestCaseError> {
    let mut errors = Errors::new();
    match value {
        Value::Null => prop_assert!(node.is_null(), "{}", yaml),
        Value::Bool(b) => prop_assert_eq!(bool::decode(node, &mut errors), Ok(*b), "{}", yaml),
        Value::Str(s) => {
            prop_assert!(!node.is_null(), "{}", yaml);
            prop_assert_eq!(String::decode(node, &mut errors), Ok(s.clone()), "{}", yaml);
        }
        Value::List(items) | Value::FlowList(items) => {
            prop_assert_eq!(node.items().len(), items.len(), "{}", yaml);
            for (node, value) in node.items().zip(items) {
                check_same(node, value, yaml)?;
            }
        }
        Value::Map(map) => {
            prop_assert!(matches!(node.kind(), Kind::Mapping));
            for entry in node.entries() {
                let key = String::decode(entry.key, &mut errors).map_err(|_| TestCaseError::fail("key"))?;
                let want =
                    map.get(&key).ok_or_else(|| TestCaseError::fail(format!("key {key:?} in {yaml}")))?;
                check_same(entry.value, want, yaml)?;
            }
        }
        Value::Int(_) | Value::Float(_) => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_anyhow(&bytes);
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        read_anyhow(text.as_bytes());
    }

    #[test]
    fn yaml_like_text_never_panics(text in yaml_like()) {
        read_anyhow(text.as_bytes());
    }

    #[test]
    fn reads_back_what_it_wrote(value in value()) {
        let yaml = value.to_yaml();
        let document = Document::parse("f.yml", yaml.as_bytes(), Dialect::V2)
            .map_err(|e| TestCaseError::fail(format!("{e}\n{yaml}")))?;
        check_same(document.root(), &value, &yaml)?;
    }
}
