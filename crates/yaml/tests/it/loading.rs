//! From text to nodes: merge keys, aliases, bounds, syntax errors.

use bellwether_yaml::{Dialect, Document, Kind, Node};

/// The document in one line, with the position of each node.
fn dump(node: Node<'_>) -> String {
    match node.kind() {
        Kind::Scalar(scalar) => format!("{}@{}", scalar.text, node.position()),
        Kind::Sequence => format!("[{}]", node.items().map(dump).collect::<Vec<_>>().join(" ")),
        Kind::Mapping => {
            let entries: Vec<String> =
                node.entries().map(|e| format!("{}={}", dump(e.key), dump(e.value))).collect();
            format!("{{{}}}", entries.join(" "))
        }
    }
}

fn load(text: &str) -> Result<Document, String> {
    Document::parse("f.yml", text.as_bytes(), Dialect::V2).map_err(|e| e.to_string())
}

#[test]
fn reads_nodes_with_positions() {
    let check = |text: &str, want: &str| {
        let document = load(text).expect(text);
        assert_eq!(dump(document.root()), want, "{text:?}");
    };
    check("", "@1:1");
    check("# nothing\n", "@1:1");
    check("a: 1\nb: [x, 'y']\n", "{a@1:1=1@1:4 b@2:1=[x@2:5 y@2:8]}");
    check("é: ü", "{é@1:1=ü@1:4}");
    check("a:\nb: |\n  x\n  y\n", "{a@1:1=@1:2 b@2:1=x\ny\n@3:3}");
    check("\u{feff}a: 1", "{a@1:1=1@1:4}");
    check("x: &n [1]\ny: *n", "{x@1:1=[1@1:8] y@2:1=[1@1:8]}");
    check("%YAML 1.1\n---\na: 1\n...\n", "{a@3:1=1@3:4}");
    check("{a: 1, b: }", "{a@1:2=1@1:5 b@1:8=@1:9}");
}

#[test]
fn merges_mappings() {
    let check = |text: &str, want: &[(&str, &str)]| {
        let document = load(text).expect(text);
        let target = document.root().entries().last().expect("has entries").value;
        let got: Vec<(&str, &str)> = target
            .entries()
            .map(|e| (e.key.scalar().expect("scalar").text, e.value.scalar().expect("scalar").text))
            .collect();
        assert_eq!(got, want, "{text:?}");
    };
    check("d: &d {a: 1, b: 2}\nt: {<<: *d, a: 3}", &[("a", "3"), ("b", "2")]);
    check("d: &d {a: 1, b: 2}\nt: {a: 3, <<: *d}", &[("a", "3"), ("b", "2")]);
    check("d: &d {a: 1}\ne: &e {a: 2, b: 2}\nt: {<<: [*d, *e]}", &[("a", "1"), ("b", "2")]);
    check("d: &d {a: 1}\ne: &e {<<: *d, b: 2}\nt: {<<: *e}", &[("b", "2"), ("a", "1")]);
    check("d: &d {a: 1}\nt: {'<<': x}", &[("<<", "x")]);
}

#[test]
fn says_where_the_text_is_wrong() {
    let check = |text: &str, want: &str| assert_eq!(load(text).map(|_| ()), Err(want.to_owned()), "{text:?}");
    check("a: b: c", "f.yml:1:5: yaml: mapping values are not allowed in this context");
    let tab = |place: &str| {
        format!("f.yml:{place}: yaml: found a tab character that violates indentation; indent with spaces")
    };
    check("a:\n\tb: 1", &tab("2:1"));
    check("a:\n  - b: c\n\n  \td: 1\n", &tab("4:3"));
    check("a: |\n\tb\n", &tab("2:1"));
    check("a: *x", "f.yml:1:4: yaml: while parsing node, found unknown anchor");
    check("&a [*a]", "f.yml:1:5: yaml: anchor value contains itself");
    check("a: {<<: 1}", "f.yml:1:5: yaml: map merge requires map or sequence of maps as the value");
    check("a: [1, 2", "f.yml:2:1: yaml: while parsing a flow sequence, expected ',' or ']'");
    check("{a: 1} b", "f.yml:1:8: yaml: did not find expected <document start>");
    check("\"a\"\n\"b\"", "f.yml:2:1: yaml: did not find expected <document start>");
    let not_utf8 = Document::parse("f.yml", b"a: 1\nb: \xff", Dialect::V2).expect_err("not UTF-8");
    assert_eq!(not_utf8.to_string(), "f.yml:2:4: yaml: invalid UTF-8");
}

#[test]
fn nesting_and_aliases_are_bounded() {
    let check = |text: &str, want: &str| {
        let got = load(text).map(|_| ()).expect_err("too much");
        assert!(got.contains(want), "{got}");
    };
    check(&"[".repeat(100_000), "recursion limit exceeded");
    check(&format!("{}1{}", "[".repeat(101), "]".repeat(101)), "nested deeper than 100 levels");
    check(&"- ".repeat(5_000), "nested deeper than 100 levels");
    // Each level looks shallow; together they are deep.
    let deep = crate::repeat(1..120, |n| format!("a{n}: &a{n} [*a{}]\n", n - 1));
    check(&format!("a0: &a0 [1]\n{deep}"), "nested deeper than 100 levels");
    let bomb =
        crate::repeat(1..30, |n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 8].join(", ")));
    check(&format!("a0: &a0 [lol]\n{bomb}"), "excessive aliasing");
    // Merging a large mapping many times.
    let keys = crate::repeat(0..2_000, |k| format!("  k{k}: v\n"));
    let uses = crate::repeat(0..2_000, |u| format!("- <<: *d\n  u: {u}\n"));
    check(&format!("- &d\n{keys}{uses}"), "excessive aliasing");
    assert!(load(&format!("{}1{}", "[".repeat(100), "]".repeat(100))).is_ok());
}

#[test]
fn only_the_first_document_is_read() {
    let document = load("a: 1\n---\nb: 2\n").expect("parses");
    assert_eq!(dump(document.root()), "{a@1:1=1@1:4}");
    assert!(document.has_more());
    assert!(!load("a: 1\n...\n").expect("parses").has_more());
    assert!(!load("---\na: 1\n").expect("parses").has_more());
}

#[test]
fn knows_the_way_to_a_node() {
    let document = load("a:\n- b: {x.y: [1, z]}\n").expect("parses");
    let list = document.root().entries().next().expect("a").value;
    let inner = list.items().next().expect("item").entries().next().expect("b").value;
    let last = inner.entries().next().expect("x.y").value.items().last().expect("z");
    assert_eq!(document.root().path(), "");
    assert_eq!(inner.path(), "a[0].b");
    assert_eq!(last.path(), r#"a[0].b["x.y"][1]"#);
    assert_eq!(format!("{last:?}"), r#"Node(f.yml:2:16 a[0].b["x.y"][1])"#);
}

/// A text in the wrong format has many problems, and each of them may not cost a walk over all others.
#[test]
fn many_problems_cost_no_more_than_many_nodes() {
    let text = crate::repeat(0..100_000, |n| format!("- unknown_key_{n}: [x]\n"));
    let document = load(&text).expect("parses");
    let mut errors = bellwether_yaml::Errors::new();
    for item in document.root().items() {
        let mut map = bellwether_yaml::MapReader::new(item, "config.plain", &mut errors).expect("a mapping");
        let _: u64 = map.or_default("known_key");
        assert!(map.finish().is_err());
    }
    assert_eq!(errors.len(), 100_000);
    assert_eq!(errors.iter().last().map(bellwether_yaml::Error::path), Some("[99].unknown_key_99"));
}

#[test]
fn all_documents_of_a_file_are_read() {
    let all = |text: &str| Document::parse_all("f.yml", text.as_bytes(), Dialect::V3);
    let dumps = |text: &str| -> Vec<String> {
        all(text).expect(text).iter().map(|document| dump(document.root())).collect()
    };
    assert_eq!(dumps(""), ["@1:1"]);
    assert_eq!(dumps("a: 1\n"), ["{a@1:1=1@1:4}"]);
    assert_eq!(dumps("a: &n [1]\n---\nb: 2\n...\n---\nc\n"), ["{a@1:1=[1@1:8]}", "{b@3:1=2@3:4}", "c@6:1"]);
    assert!(all("a\n---\nb\n").expect("parses")[0].has_more());
    // An anchor belongs to its document.
    let error = all("a: &n [1]\n---\nb: *n\n").expect_err("no anchor").to_string();
    assert!(error.starts_with("f.yml:3:"), "{error}");
    assert!(all("a: 1\n---\nb: [\n").is_err());
    let many = crate::repeat(0..10_001, |_| "---\na\n".to_owned());
    let error = all(&many).expect_err("too many").to_string();
    assert!(error.contains("more than 10000 documents"), "{error}");
}
