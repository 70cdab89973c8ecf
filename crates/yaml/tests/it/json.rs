//! JSON through the same reader.

use std::collections::BTreeMap;

use bellwether_yaml::Document;

#[test]
fn reads_json() {
    let check = |text: &str, want: &[(&str, &str)]| {
        let document = Document::parse_json("f.json", text.as_bytes()).expect(text);
        let got = document.decode::<BTreeMap<String, String>>().expect(text);
        let want: BTreeMap<String, String> =
            want.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(got, want, "{text:?}");
    };
    check("{}", &[]);
    check(" {\r\n\t\"a\" :\t\"b\\/\\n\\u00e9\\ud83d\\ude00\" ,\"c\":\"\"} ", &[("a", "b/\né😀"), ("c", "")]);
    check(r#"{"a":"\ud83d!"}"#, &[("a", "\u{fffd}!")]);
    check(r#"{"a":null}"#, &[("a", "")]);
    check(r#"{"a":"1","a":"2"}"#, &[("a", "2")]);
    check(r#"{"<<":"x"}"#, &[("<<", "x")]);
}

#[test]
fn numbers() {
    let check = |text: &str, want: Option<f64>| {
        let got = Document::parse_json("f.json", text.as_bytes()).ok().and_then(|d| d.decode::<f64>().ok());
        assert_eq!(got, want, "{text:?}");
    };
    check("1", Some(1.0));
    check("-1.5e+2", Some(-150.0));
    check("0.5", Some(0.5));
    check("01", None);
    check("1.", None);
    check(".5", None);
    check("+1", None);
    check("0x1", None);
    check("1_0", None);
}

#[test]
fn says_where_json_is_wrong() {
    let check = |text: &str, want: &str| {
        let got = Document::parse_json("f.json", text.as_bytes()).expect_err(text);
        assert_eq!(got.to_string(), format!("f.json:{want}"), "{text:?}");
    };
    check("", "1:1: json: unexpected end of JSON input");
    check("[1,]", "1:4: json: invalid character ']' looking for beginning of value");
    check("{\n  a: 1}", "2:3: json: invalid character 'a' looking for beginning of object key string");
    check("[1] 2", "1:5: json: invalid character '2' after top-level value");
    check("[tru]", "1:2: json: invalid literal \"tru\"");
    check("[\"a\nb\"]", "1:4: json: invalid character '\\n' in string literal");
    check("[\"\\x\"]", "1:4: json: invalid character 'x' in string escape code");
    check("{\"a\" 1}", "1:6: json: invalid character '1' after object key");
    check("- a", "1:1: json: invalid literal \"-\"");
    check(&"[".repeat(101), "1:101: yaml: nested deeper than 100 levels");
}

#[test]
fn a_number_is_no_string() {
    let document = Document::parse_json("f.json", b"[\"a\", 1]").expect("parses");
    assert_eq!(
        document.decode::<Vec<String>>().expect_err("a number").to_string(),
        "f.json:1:7: yaml: unmarshal errors: cannot unmarshal !!int `1` into string"
    );
}
