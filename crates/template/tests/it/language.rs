//! The language itself.

use bellwether_template::{Functions, Options, Template, Value};

fn run(text: &str, data: &Value) -> Result<String, String> {
    Template::parse("t", text, &Functions::builtin())
        .map_err(|e| e.to_string())?
        .execute(data)
        .map_err(|e| e.to_string())
}

fn data() -> Value {
    Value::map([
        ("name", "Bob".into()),
        ("n", 3_i64.into()),
        ("empty", "".into()),
        ("list", Value::list(["a".into(), "b".into(), "c".into()])),
        ("labels", Value::string_map([("job", "api"), ("env", "prod")])),
    ])
}

#[test]
fn actions() {
    let check = |text: &str, want: &str| assert_eq!(run(text, &data()).as_deref(), Ok(want), "{text}");
    check("{{.name}} {{ .n }} {{ .labels.job }}", "Bob 3 api");
    check("{{if .empty}}x{{else if eq .n 3}}three{{else}}z{{end}}", "three");
    check("{{with .empty}}x{{else with .name}}[{{.}}]{{end}}", "[Bob]");
    check("{{range $i, $v := .list}}{{if $i}}, {{end}}{{$i}}={{$v}}{{end}}", "0=a, 1=b, 2=c");
    check("{{range .list}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{else}}none{{end}}", "ac");
    check("{{range .list}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a");
    check("{{range $k, $v := .labels}}{{$k}}:{{$v}} {{end}}", "env:prod job:api ");
    check("{{range 3}}{{.}}{{end}}", "012");
    check("{{range .missing}}x{{else}}none{{end}}", "none");
    check("{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}", "2");
    check("{{define \"a\"}}<{{.}}>{{end}}{{template \"a\" .name}}{{template \"a\"}}", "<Bob><<no value>>");
    check("{{block \"b\" .n}}{{.}}!{{end}}", "3!");
    check("a  {{- 1 -}}  b {{/* c */}}d", "a1b d");
    check("{{.name | printf \"%s-%d\" \"x\" | len}}", "17");
    check("{{printf \"%s has %d\" .name .n}}", "Bob has 3");
    check("{{index .list 1}} {{index .labels \"job\"}} {{len .list}} {{slice .name 1 2}}", "b api 3 o");
    check("{{and .name .n}} {{or .empty \"default\"}} {{not .empty}}", "3 default true");
    check("{{if and .empty (index .list 99)}}x{{end}}", "");
    check("{{lt 1 2}} {{ge 2.5 2.5}} {{eq .n 1 2 3}} {{ne \"a\" \"b\"}}", "true true true true");
    check("{{html \"<a>\"}} {{urlquery \"a b&\"}} {{js \"'\"}}", "&lt;a&gt; a+b%26 \\'");
    check("{{\"a\\n\\x41\\u00e9\"}}{{`raw\\n`}}{{'A'}}", "a\nAéraw\\n65");
    check("{{1e3}} {{0x1F}} {{1_000}} {{-1.5}} {{017}}", "1000 31 1000 -1.5 15");
    check("{{print 1 2 \"a\" \"b\" 3}}", "1 2a b3".replace("a b", "ab").as_str());
    check("{{.list}} {{.labels}}", "[a b c] map[env:prod job:api]");
    check("{{(.labels).job}} {{$.name}}", "api Bob");
}

#[test]
fn parse_errors_are_those_of_go() {
    let check =
        |text: &str, want: &str| assert_eq!(run(text, &data()), Err(format!("template: t:{want}")), "{text}");
    check("{{", "1: unclosed action");
    check("a\n{{end}}", "2: unexpected {{end}}");
    check("{{else}}", "1: unexpected {{else}}");
    check("{{if}}x{{end}}", "1: missing value for if");
    check("{{if .x}}", "1: unexpected EOF");
    check("{{nope 1}}", "1: function \"nope\" not defined");
    check("{{$x}}", "1: undefined variable \"$x\"");
    check("{{.a * 100}}", "1: unrecognized character in action: U+002A '*'");
    check("{{.a.b | 5}}", "1: non executable command in pipeline stage 2");
    check("{{break}}", "1: {{break}} outside {{range}}");
    check(
        "{{define \"a\"}}x{{end}}{{define \"a\"}}y{{end}}",
        "1: template: multiple definition of template \"a\"",
    );
    check("{{template x}}", "1: unexpected \"x\" in template clause");
    check("{{\"a\".b}}", "1: unexpected . after term \"\\\"a\\\"\"");
    check("{{range $a, $b, $c := .}}{{end}}", "1: too many declarations in range");
}

#[test]
fn execution_errors_point_at_the_action() {
    let check = |text: &str, want: &str| {
        let got = run(text, &data());
        assert_eq!(got, Err(format!("template: t:{want}")), "{text}");
    };
    check("x\n {{.n.foo}}", "2:3: executing \"t\" at <.n.foo>: can't evaluate field foo in type int");
    check(
        "{{index .list 9}}",
        "1:2: executing \"t\" at <index .list 9>: error calling index: index out of range: 9",
    );
    check(
        "{{lt 1 \"a\"}}",
        "1:2: executing \"t\" at <lt 1 \"a\">: error calling lt: incompatible types for comparison",
    );
    check(
        "{{template \"x\"}}",
        "1:11: executing \"t\" at <template \"x\">: template \"x\" not defined"
            .replace("1:11", "1:2")
            .as_str(),
    );
    check("{{len 1 2}}", "1:2: executing \"t\" at <len 1 2>: wrong number of args for len: want 1 got 2");
    check("{{nil}}", "1:2: executing \"t\" at <nil>: nil is not a command");
    check("{{range .n}}{{.x}}{{end}}", "1:14: executing \"t\" at <.x>: can't evaluate field x in type int");
    check(
        "{{define \"a\"}}{{.x.y}}{{end}}{{template \"a\" 1}}",
        "1:16: executing \"a\" at <.x.y>: can't evaluate field x in type int",
    );
}

#[test]
fn missing_keys_and_html() {
    let template =
        Template::parse("t", "{{.labels.nope}}|{{.nope}}|{{.name}}", &Functions::builtin()).expect("parses");
    assert_eq!(template.execute(&data()).as_deref(), Ok("|<no value>|Bob"));
    let strict = Options { missing_key_is_error: true, ..Options::default() };
    let error = template.execute_with(&data(), &strict).expect_err("missing");
    assert!(error.to_string().ends_with("map has no entry for key \"nope\""), "{error}");
    let html = Options { html: true, ..Options::default() };
    let template = Template::parse("t", "<b>{{.}}</b>", &Functions::builtin()).expect("parses");
    assert_eq!(
        template.execute_with(&"<&\"'>".into(), &html).as_deref(),
        Ok("<b>&lt;&amp;&#34;&#39;&gt;</b>")
    );
    let template = Template::parse("t", "<b title='{{html .}}'>{{. | html}}</b>", &Functions::builtin())
        .expect("parses");
    let escaped = template.execute_with(&"<&+".into(), &html);
    assert_eq!(escaped.as_deref(), Ok("<b title='&lt;&amp;&#43;'>&lt;&amp;+</b>"), "only once");
}
