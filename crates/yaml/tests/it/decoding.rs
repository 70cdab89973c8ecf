//! From nodes to values, and what is said when they do not fit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_yaml::{At, Decode, Dialect, Document, Errors, MapReader, Node, Reported, Secret};

fn decode<T: for<'d> Decode<'d>>(text: &str, dialect: Dialect) -> Result<T, String> {
    let document = Document::parse("f.yml", text.as_bytes(), dialect).map_err(|e| e.to_string())?;
    document.decode::<T>().map_err(|e| e.to_string())
}

fn fails<T: for<'d> Decode<'d> + std::fmt::Debug>(text: &str, want: &str) {
    let got = decode::<T>(text, Dialect::V2).expect_err(text);
    assert_eq!(got, format!("f.yml:1:1: {want}"), "{text:?}");
}

#[test]
fn scalars_become_what_the_target_wants() {
    fn check<T: for<'d> Decode<'d> + std::fmt::Debug + PartialEq>(text: &str, want: T) {
        assert_eq!(decode::<T>(text, Dialect::V2), Ok(want), "{text:?}");
    }
    check("1", "1".to_owned());
    check("yes", "yes".to_owned());
    check("0x1F", "0x1F".to_owned());
    check("2024-01-01", "2024-01-01".to_owned());
    check("~", String::new());
    check("!!binary aGk=", "hi".to_owned());
    check("\"a\\nb\"", "a\nb".to_owned());
    check("yes", true);
    check("null", false);
    check("1", 1_u64);
    check("1.9", 1_i64);
    check("-1", -1_i32);
    check("1", 1.0_f64);
    check(".5", 0.5_f64);
    check("[a, 1, null]", vec!["a".to_owned(), "1".to_owned(), String::new()]);
    check("", Vec::<String>::new());
    check("{a: 1}", BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    check("~", None::<u64>);
    check("7", Some(7_u64));
    check("x", Secret::new("x"));
}

#[test]
fn wrong_types_are_named_as_prometheus_names_them() {
    fails::<String>("[a]", "yaml: unmarshal errors: cannot unmarshal !!seq into string");
    fails::<String>("{a: 1}", "yaml: unmarshal errors: cannot unmarshal !!map into string");
    fails::<bool>("'true'", "yaml: unmarshal errors: cannot unmarshal !!str `true` into bool");
    fails::<bool>("1", "yaml: unmarshal errors: cannot unmarshal !!int `1` into bool");
    fails::<i64>("twelve hours", "yaml: unmarshal errors: cannot unmarshal !!str `twelve ...` into int");
    fails::<u64>("-1", "yaml: unmarshal errors: cannot unmarshal !!int `-1` into uint64");
    fails::<f64>("abc", "yaml: unmarshal errors: cannot unmarshal !!str `abc` into float64");
    fails::<Vec<String>>("abc", "yaml: unmarshal errors: cannot unmarshal !!str `abc` into []string");
    fails::<BTreeMap<String, String>>(
        "[]",
        "yaml: unmarshal errors: cannot unmarshal !!seq into map[string]string",
    );
    fails::<String>("!!binary \"/w==$1\"", "yaml: !!binary value contains invalid base64 data");
    fails::<String>("!!binary \"/w==\"", "yaml: !!binary value is not UTF-8 text");
    fails::<String>("!!int x", "yaml: cannot decode !!str `x` as a !!int");
    fails::<Secret>("[hunter2]", "yaml: unmarshal errors: cannot unmarshal !!seq into config.Secret");
}

#[test]
fn repeated_keys_of_a_map_are_refused() {
    let check = |dialect, want: &str| {
        let got = decode::<BTreeMap<String, String>>("a: 1\nb: 2\na: 3\n", dialect);
        assert_eq!(got.expect_err("repeated"), want);
    };
    check(Dialect::V2, r#"f.yml:3:1: yaml: unmarshal errors: key "a" already set in map"#);
    check(Dialect::V3, r#"f.yml:3:1: yaml: unmarshal errors: mapping key "a" already defined at line 1"#);
}

#[derive(Debug, PartialEq, Default)]
struct Section {
    name: String,
    compress: bool,
    limit: u64,
    interval_ms: i64,
    inner: Vec<Inner>,
}

#[derive(Debug, PartialEq, Default)]
struct Inner(u64);

impl Decode<'_> for Inner {
    fn type_name() -> Cow<'static, str> {
        "config.Inner".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.Inner", errors)?;
        let inner = Self(map.or_default("v"));
        map.finish()?;
        Ok(inner)
    }
}

impl Decode<'_> for Section {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let name: At<'_, String> = match map.required("name") {
            Some(name) => name,
            None => At { value: String::new(), node },
        };
        let section = Self {
            name: name.value.clone(),
            compress: map.or("compress", true),
            limit: map.or_default("limit"),
            interval_ms: map.parse_or("interval", 15, |text| {
                text.strip_suffix("ms").and_then(|n| n.parse().ok()).ok_or("not an interval")
            }),
            inner: map.list("inner", "empty or null inner section"),
        };
        map.finish()?;
        if name.value == "x" {
            return Err(errors.reject(name.node, "name must not be x"));
        }
        Ok(section)
    }
}

#[test]
fn sections_have_defaults() {
    let check = |text: &str, dialect, want: Section| assert_eq!(decode(text, dialect), Ok(want), "{text:?}");
    let base = || Section { name: "a".into(), compress: true, interval_ms: 15, ..Section::default() };
    check("name: a", Dialect::V2, base());
    check("{name: a, limit: 3, interval: 7ms}", Dialect::V2, Section { limit: 3, interval_ms: 7, ..base() });
    check(
        "{name: a, inner: [{v: 1}, {}]}",
        Dialect::V2,
        Section { inner: vec![Inner(1), Inner(0)], ..base() },
    );
    check("{name: a, inner: }", Dialect::V2, base());
    // `null` is the zero of the type in version 2 of the Go library and leaves the default in version 3.
    check("{name: a, compress: }", Dialect::V2, Section { compress: false, ..base() });
    check("{name: a, compress: , interval: ~}", Dialect::V3, base());
    check("{name: a, interval: ~}", Dialect::V2, Section { interval_ms: 0, ..base() });
}

#[test]
fn all_problems_of_a_section_are_reported() {
    let check = |text: &str, want: &str| {
        assert_eq!(decode::<Section>(text, Dialect::V2).expect_err(text), want);
    };
    check(
        "name: [a]\ncompres: yes\nlimit: many\ninterval: 5\ninner:\n- v: x\n-\nlimit: 2\n",
        "f.yml:1:7: yaml: unmarshal errors: cannot unmarshal !!seq into string\n\
         f.yml:8:1: yaml: unmarshal errors: field limit already set in type config.plain\n\
         f.yml:3:8: yaml: unmarshal errors: cannot unmarshal !!str `many` into uint64\n\
         f.yml:4:11: not an interval\n\
         f.yml:6:6: yaml: unmarshal errors: cannot unmarshal !!str `x` into uint64\n\
         f.yml:7:2: empty or null inner section\n\
         f.yml:2:1: yaml: unmarshal errors: field compres not found in type config.plain; did you mean \"compress\"?",
    );
    check("compress: no", "f.yml:1:1: field name is missing");
    check("name: x", "f.yml:1:7: name must not be x");
    check("- a", "f.yml:1:1: yaml: unmarshal errors: cannot unmarshal !!seq into config.plain");
    check(
        "{name: a, zzzzzz: 1}",
        "f.yml:1:11: yaml: unmarshal errors: field zzzzzz not found in type config.plain; \
         known fields: name, compress, limit, interval, inner",
    );
    check("{name: a, [1]: 1}", "f.yml:1:11: yaml: unmarshal errors: cannot unmarshal !!seq into string");
    check(
        "{name: a, inner: 1}",
        "f.yml:1:18: yaml: unmarshal errors: cannot unmarshal !!int `1` into []config.Inner",
    );
}

#[test]
fn version_3_words_repeated_fields_differently() {
    assert_eq!(
        decode::<Section>("name: a\nname: b\n", Dialect::V3).expect_err("repeated"),
        r#"f.yml:2:1: yaml: unmarshal errors: mapping key "name" already defined at line 1"#
    );
}

#[test]
fn errors_know_path_and_show_the_line() {
    let text = "name: a\ninner:\n- v: 1\n- w: 2\n";
    let document = Document::parse("f.yml", text.as_bytes(), Dialect::V2).expect("parses");
    let errors = document.decode::<Section>().expect_err("unknown field");
    let error = errors.iter().next().expect("one error");
    assert_eq!(error.path(), "inner[1].w");
    assert_eq!(error.remedy(), Some("known fields: v"));
    assert_eq!(
        error.excerpt(text),
        "f.yml:4:3: yaml: unmarshal errors: field w not found in type config.Inner; known fields: v\n  \
         |\n4 | - w: 2\n  |   ^ inner[1].w"
    );
}

#[test]
fn the_number_of_errors_is_bounded() {
    let text = crate::repeat(0..500, |i| format!("k{i}: 1\n"));
    let got = decode::<Section>(&text, Dialect::V2).expect_err("many");
    assert!(got.ends_with("\n... and 401 more"), "{}", &got[got.len() - 100..]);
}

#[test]
fn secrets_do_not_show() {
    let secret: Secret = decode("hunter2", Dialect::V2).expect("decodes");
    assert_eq!(format!("{secret:?} {:?}", secret.to_value()), r#"<secret> Str("<secret>")"#);
    assert_eq!(secret.reveal(), "hunter2");
    assert_eq!(format!("{:?}", Secret::default()), "<none>");
}
