use serde_json::{Value, json};

use super::{Known, Spoils, compare, only_ours, only_theirs};

const SPOILS: Spoils = Spoils {
    keys: &[
        "groups",
        "name",
        "interval",
        "limit",
        "rules",
        "record",
        "alert",
        "expr",
        "for",
        "keep_firing_for",
        "labels",
        "annotations",
        "Expr",
        "\"\"",
        "1",
        "__name__",
        "alertname",
        "<<",
        "summary",
        "bad-name",
        "ünï",
    ],
    scalars: &[
        "up",
        "'up =='",
        "'sum('",
        "'up > bool 1'",
        "'{{ $value }}'",
        "'{{ $value'",
        "'{{ nope }}'",
        "'{{ $nope }}'",
        "'{{ .Nope }}'",
        "'{{ $labels.x | humanize }}'",
        "'{{ define \"x\" }}'",
        "a:b",
        "'a b'",
        "a-b",
        "__name__",
        "'{__name__=\"up\"}'",
        "1y",
        "1w2d",
        "100000y",
        "9223372036854775808",
        "1ms",
        "\"\\xff\"",
        "'up[5m]'",
        "'\"text\"'",
        "'{}'",
        "'1'",
        "!!str 5",
        "&a up",
        "*a",
        "\"\\u0000\"",
    ],
};

/// A rule file that is taken.
fn valid() -> Value {
    json!({"groups": [
        {"name": "records", "interval": "30s", "limit": 10, "rules": [
            {"record": "job:up:sum", "expr": "sum by (job) (up)", "labels": {"team": "a", "tier": ""}},
            {"record": "up2", "expr": "up * 2"},
        ]},
        {"name": "alerts", "rules": [
            {"alert": "Down", "expr": "up == 0", "for": "5m", "keep_firing_for": "1m",
             "labels": {"severity": "page", "of": "{{ $labels.job }}"},
             "annotations": {"summary": "{{ $labels.instance }} is down since {{ $value | humanizeDuration }}", "link": "http://x/"}},
            {"alert": "Always", "expr": "vector(1)"},
        ]},
    ]})
}

const KNOWN: [Known; 8] = [
    only_ours("empty or null rule", "a group or rule that is nothing"),
    only_ours(" into string", "3.0: names and expressions are read as strings"),
    only_ours("one of 'record' or 'alert' must be set", "3.0: names and expressions are read as strings"),
    only_theirs("invalid recording rule name", "3.0: names of metrics are any UTF-8"),
    only_theirs("invalid label name", "3.0: names of labels are any UTF-8"),
    only_theirs("invalid annotation name", "3.0: names of annotations are any UTF-8"),
    only_theirs("field labels not found in type rulefmt.RuleGroup", "3.0: groups have labels"),
    only_theirs("unexpected duration", "3.0: durations are numbers"),
];

#[test]
fn rule_files_are_refused_as_promtool_does() {
    println!("{}", compare("rules", "promtool check rules --lint=none", &KNOWN, &valid(), &SPOILS));
}
