//! Packs as text: what is taken, what is refused and how, and that the list of keys is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bellwether_packs::lint::RULES;
use bellwether_packs::schema::fields::{SECTIONS, Type};
use bellwether_packs::schema::{Pack, json_schema, markdown_table};
use bellwether_yaml::{Dialect, Document, Kind, Node};

const EVERYTHING: &str = include_str!("everything.yaml");

#[test]
fn every_key_is_taken() {
    let pack = Pack::parse("everything.yaml", EVERYTHING.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(pack.metrics.len(), 7);
    assert_eq!(pack.named.len(), 6);
    assert_eq!(pack.dashboards.len(), 2, "panels at the top are a dashboard");
    assert_eq!(pack.bounds(&pack.metrics[2]), Some([0.01, 0.1, 1.0].as_slice()));
    assert_eq!(pack.scrape[0].addresses(), ["app:8003"]);
}

/// Collects the keys that the nodes of each section have.
fn keys<'d>(node: Node<'d>, ty: Type, found: &mut BTreeMap<&'static str, BTreeSet<&'d str>>) {
    match ty {
        Type::Section(name) => {
            let section = SECTIONS.iter().find(|section| section.name == name).expect("a known section");
            if !matches!(node.kind(), Kind::Mapping) {
                return;
            }
            for entry in node.entries() {
                let key = entry.key.scalar().expect("a word").text;
                found.entry(section.name).or_default().insert(key);
                let field = section.fields.iter().find(|field| field.name == key);
                keys(entry.value, field.unwrap_or_else(|| panic!("{name} has no {key}")).ty, found);
            }
        }
        Type::List(of) => node.items().for_each(|item| keys(item, *of, found)),
        Type::OneOrMore(of) if matches!(node.kind(), Kind::Sequence) => {
            node.items().for_each(|item| keys(item, *of, found));
        }
        Type::OneOrMore(of) => keys(node, *of, found),
        Type::Map(of) => node.entries().for_each(|entry| keys(entry.value, *of, found)),
        _ => {}
    }
}

#[test]
fn the_list_of_keys_is_that_of_the_decoder() {
    let document = Document::parse("everything.yaml", EVERYTHING.as_bytes(), Dialect::V3).expect("YAML");
    let mut found = BTreeMap::new();
    keys(document.root(), Type::Section("pack"), &mut found);
    for section in SECTIONS {
        let listed: BTreeSet<&str> = section.fields.iter().map(|field| field.name).collect();
        // The example has every key of the list, and the decoder takes the example.
        assert_eq!(found.get(section.name), Some(&listed), "keys of {}", section.name);
    }
}

/// Every key that a decoder asks a mapping for, whatever the section: the words in quotes behind calls that read a field.
fn keys_of_decoders() -> BTreeSet<String> {
    /// What calls end with before the word.
    const CALLS: [&str; 3] = ["(map, \"", "(&mut map, \"", "cases(\""];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema");
    let mut keys = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("there") {
        let path = entry.expect("readable").path();
        if path.ends_with("fields.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("text");
        // A chain of calls can go over several lines.
        let source: String = source.lines().map(str::trim).collect();
        for (at, _) in source.match_indices("(\"") {
            // `map.optional::<Labels>("labels")`
            let function = |c: char| c.is_alphanumeric() || "_<>:".contains(c);
            let reads = source[..at].trim_end_matches(function).ends_with("map.");
            keys.extend(reads.then(|| word(&source[at + 2..])));
        }
        for call in CALLS {
            keys.extend(source.match_indices(call).map(|(at, _)| word(&source[at + call.len()..])));
        }
    }
    keys
}

/// The text up to the end of the quotes.
fn word(text: &str) -> String {
    text.split_once('"').expect("a word ends").0.to_owned()
}

/// Text in which an entry of the section `name` has the key `key`.
fn with_key(name: &str, key: &str) -> String {
    fn holds(ty: Type, name: &str, inner: &str) -> Option<String> {
        match ty {
            Type::Section(section) => (section == name).then(|| inner.to_owned()),
            Type::List(of) | Type::OneOrMore(of) => holds(*of, name, inner).map(|inner| format!("[{inner}]")),
            Type::Map(of) => holds(*of, name, inner).map(|inner| format!("{{m: {inner}}}")),
            _ => None,
        }
    }
    let mut text = format!("{{{key}: 1}}");
    let mut name = name;
    while name != SECTIONS[0].name {
        let parents =
            SECTIONS.iter().flat_map(|section| section.fields.iter().map(move |field| (section, field)));
        let mut held =
            parents.filter_map(|(section, field)| Some((section, field, holds(field.ty, name, &text)?)));
        let (section, field, inner) = held.next().expect("every section is part of another one");
        text = format!("{{{}: {inner}}}", field.name);
        name = section.name;
    }
    text
}

#[test]
fn the_decoder_takes_no_key_that_is_not_listed() {
    let keys = keys_of_decoders();
    for known in
        ["pack", "metrics", "ratios", "num", "under", "window", "by", "fires", "smarthost", "min_traffic"]
    {
        assert_eq!(keys.contains(known), known != "smarthost", "{known}: {keys:?}");
    }
    let listed: BTreeSet<&str> =
        SECTIONS.iter().flat_map(|section| section.fields).map(|field| field.name).collect();
    let more: Vec<&String> = keys.iter().filter(|key| !listed.contains(key.as_str())).collect();
    assert_eq!(more, [""; 0], "keys that no section lists");
    let unread: Vec<&&str> = listed.iter().filter(|key| !keys.contains(**key)).collect();
    assert_eq!(unread, [&""; 0], "keys that no decoder reads, or that this test does not find");
    for section in SECTIONS {
        for key in keys.iter().filter(|key| section.fields.iter().all(|field| field.name != **key)) {
            let text = with_key(section.name, key);
            let errors = Pack::parse("x.yaml", text.as_bytes()).expect_err("refused").to_string();
            assert!(errors.contains(&format!("field {key} not found in type")), "{text} is taken: {errors}");
        }
    }
}

#[test]
fn the_committed_json_schema_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packs/pack.schema.json");
    let now = format!("{:#}\n", json_schema());
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == now,
        "packs/pack.schema.json is old; `bellwether pack schema > packs/pack.schema.json`"
    );
}

#[test]
fn refusals_name_place_and_remedy() {
    let check = |text: &str, want: &str| {
        let text = format!("pack: x\nversion: 1.0.0\n{text}");
        let errors = Pack::parse("x.yaml", text.as_bytes()).expect_err("refused").to_string();
        assert!(errors.contains(want), "{errors}\nlacks {want}");
    };
    check(
        "metrcs: []",
        "x.yaml:3:1: yaml: unmarshal errors: field metrcs not found in type pack; did you mean \"metrics\"?",
    );
    check(
        "metrics: [{name: a, type: countr, help: x}]",
        "x.yaml:3:27: there is no type of metric \"countr\"; did you mean \"counter\"?",
    );
    check("metrics: [{name: a, help: x}]", "field type is missing");
    check("metrics: [{name: a-b, type: gauge, help: x}]", "3:18: \"a-b\" is not the name of a metric");
    check(
        "metrics: [{name: a, type: gauge, help: x, labels: {a-b: [x]}}]",
        "\"a-b\" is not the name of a label",
    );
    check(
        "metrics: [{name: a, type: gauge, help: x, labels: {l: {enum: [x, x]}}}]",
        "value \"x\" is there twice",
    );
    check(
        "metrics: [{name: a, type: gauge, help: x, labels: {l: {enum: [x], max: 3}}}]",
        "`max`, `max_len`, `normalise` and `deny` are for open labels",
    );
    check(
        "metrics: [{name: a, type: gauge, help: x, labels: {l: {max: 3, normalise: [uuid], deny: true}}}]",
        "a value is either normalised or denied",
    );
    check(
        "metrics: [{name: a, type: gauge, help: x, labels: {l: {max: 3}}, init: true}]",
        "only a metric whose labels are all `enum` can begin with all of its series",
    );
    check("buckets: {b: [1, 1]}", "each is greater than the one before");
    check("ratios: [{name: r, of: a}]", "either `num` or, over a histogram, `under`");
    check("ratios: [{name: r, num: 'x=\"1\"', of: 'x=\"1\"'}]", "`of` needs the name of a metric");
    check("ratios: [{name: r, num: 'rate(x[5m])', of: a}]", "is more than a metric with conditions");
    check("quantiles: [{name: q, q: 95, of: a}]", "the 95th percentile is 0.95");
    check(
        "expressions: [{name: e, expr: 'sum(a'}]",
        "is not PromQL: 1:6: parse error: unclosed left parenthesis",
    );
    check("alerts: [{name: A, when: a > 1, min_traffic: often}]", "not a frequency such as 0.01/s");
    check("alerts: [{name: A, when: a > 1, severity: urgent}]", "there are critical, warning, info");
    check("slos: [{name: s, objective: 100, sli: r}]", "between 0 and 100");
    check("dashboards: [{title: D, panels: [{title: P, show: a, width: 25}]}]", "24 columns");
    check("scrape: [{job: j, targets: [host]}]", "host has no port");
    check("receivers: [{name: m, type: email, to: a@b.example}]", "3:13: mail needs `via`, the server");
    check("receivers: [{name: w, type: webhook, to: 'http://x/', from: a@b.example}]", "only mail has `via`");
    check(
        "receivers: [{name: s, type: slack, to: 'http://x/', token_file: t}]",
        "only webhooks have a `token_file`",
    );
    check("---\npack: y", "a file holds one pack");
    let errors = Pack::parse("x.yaml", b"pack: Big\nversion: 1\n").expect_err("refused").to_string();
    assert!(
        errors.contains("x.yaml:1:7: \"Big\" is not a word") && errors.contains("is not a version"),
        "{errors}"
    );
}

/// The documentation with the tables of keys that belong into it.
fn with_tables(document: &str) -> String {
    let mut out = String::new();
    let mut in_table = false;
    for line in document.lines() {
        in_table &= line.starts_with('|') || line.is_empty();
        if in_table {
            continue;
        }
        out.extend([line, "\n"]);
        if let Some(name) = line.strip_prefix("<!-- keys: ").and_then(|rest| rest.strip_suffix(" -->")) {
            let section = SECTIONS.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no {name}"));
            out.extend(["\n", &markdown_table(section), "\n"]);
            in_table = true;
        } else if line == "<!-- rules -->" {
            out.push_str("\n| Rule | What it demands | Prevents |\n|---|---|---|\n");
            for rule in RULES {
                writeln!(out, "| `{}` | {} | {} |", rule.id, rule.demands, rule.defects.join(", "))
                    .expect("written");
            }
            out.push('\n');
            in_table = true;
        }
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

#[test]
fn the_documentation_lists_every_key() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/packs.md");
    let written = std::fs::read_to_string(path).expect("there");
    let want = with_tables(&written);
    // Written anew on demand; version control shows what changed.
    if std::env::var_os("BELLWETHER_ACCEPT").is_some() {
        std::fs::write(path, &want).expect("written");
    }
    assert!(written == want, "a table of docs/packs.md is old; run this test with BELLWETHER_ACCEPT=1");
    for section in SECTIONS {
        assert!(
            written.contains(&format!("<!-- keys: {} -->", section.name)),
            "no table of {}",
            section.name
        );
    }
}
