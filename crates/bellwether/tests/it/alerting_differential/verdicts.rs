//! Configuration files that are nearly right: what `amtool check-config` and `promtool check rules` refuse, we refuse, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use bellwether_promql::conformance::Choices as _;
use serde_json::{Value, json};

use super::document::{Node, Spoils};
use super::{assert_none, seeds};
use crate::differential::random::Random;
use crate::support::{Bellwether, require};

/// How many files one process reads, so that command lines stay short.
const BATCH: usize = 500;

/// How many files are compared, usually.
const FILES: u64 = 1500;

/// Why a file was refused, or `None`.
pub(super) type Verdicts = BTreeMap<String, Option<String>>;

/// What `bellwether check KIND` says of each file.
pub(super) fn ours(dir: &Path, kind: &str, names: &[String]) -> Verdicts {
    let output = Command::new(Bellwether::binary())
        .args(["check", kind, "--format", "json"])
        .args(names)
        .current_dir(dir)
        .output()
        .expect("it runs");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    let mut verdicts: Verdicts = names.iter().map(|name| (name.clone(), None)).collect();
    for finding in said["findings"].as_array().expect("findings") {
        if finding["severity"] == "error" {
            let file = finding["file"].as_str().expect("a file");
            let message = finding["message"].as_str().expect("a message");
            verdicts.get_mut(file).expect("one of the files").get_or_insert_with(|| message.to_owned());
        }
    }
    verdicts
}

/// What a tool of upstream's says of each file: it writes the name of a file before its verdict. Both streams are read as one. A file at which it panics is one that it does not take, and
/// it goes on with the next.
pub(super) fn theirs(dir: &Path, command: &str, names: &[String]) -> Verdicts {
    let mut verdicts = Verdicts::new();
    while verdicts.len() < names.len() {
        let output = Command::new("sh")
            .args(["-c", &format!("exec {command} \"$@\" 2>&1"), "sh"])
            .args(names.iter().filter(|name| !verdicts.contains_key(*name)))
            .current_dir(dir)
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let before = verdicts.len();
        for part in said.split("Checking ").skip(1) {
            let (name, rest) = part.split_once(|c: char| c.is_whitespace()).expect("a name");
            let (name, panicked) = match name.split_once("'panic:") {
                Some((name, _)) => (name, true),
                None => (name, rest.starts_with("panic:")),
            };
            let refused = rest.split_once("FAILED").map(|(_, why)| why.trim().to_owned());
            let refused = if panicked { Some("panic".to_owned()) } else { refused };
            assert!(refused.is_some() || rest.contains("SUCCESS"), "neither: {part}");
            verdicts.insert(name.trim_matches('\'').to_owned(), refused);
        }
        assert!(verdicts.len() > before, "{command}: {said}");
    }
    verdicts
}

/// What may differ: how a refusal of theirs, or of ours, begins or goes on, and why that is right.
struct Known {
    theirs: &'static str,
    ours: &'static str,
    why: &'static str,
}

/// Says how many files were compared, and which verdicts differ.
fn compare(
    kind: &str,
    command: &str,
    known: &[Known],
    valid: &Value,
    spoils: &Spoils,
) -> (String, Vec<String>) {
    require(command.split(' ').next().expect("a program"));
    let dir = tempfile::tempdir().expect("a folder");
    let (mut differing, mut accepted, mut explained) = (Vec::new(), 0, BTreeMap::<&str, usize>::new());
    let seeds: Vec<u64> = seeds(FILES).collect();
    for batch in seeds.chunks(BATCH) {
        let mut changed = BTreeMap::new();
        for seed in batch {
            let mut random = Random::new(*seed);
            let mut node = Node::from(valid);
            let changes: Vec<String> =
                (0..=random.below(2)).map(|_| node.spoil(&mut random, spoils)).collect();
            let name = format!("{seed}.yml");
            fs::write(dir.path().join(&name), format!("{node}\n")).expect("written");
            changed.insert(name, changes.join("\n  "));
        }
        let names: Vec<String> = changed.keys().cloned().collect();
        let (ours, theirs) = (ours(dir.path(), kind, &names), theirs(dir.path(), command, &names));
        for (name, changes) in &changed {
            let (ours, theirs) =
                (&ours[name], theirs.get(name).unwrap_or_else(|| panic!("{name} is missing")));
            accepted += usize::from(theirs.is_none());
            if ours.is_some() == theirs.is_some() {
                continue;
            }
            let said = |verdict: &Option<String>| verdict.clone().unwrap_or_default();
            let (ours, theirs) = (said(ours), said(theirs));
            let row = known.iter().find(|row| theirs.contains(row.theirs) && ours.contains(row.ours));
            match row {
                Some(row) => *explained.entry(row.why).or_default() += 1,
                None => {
                    differing.push(format!("{name}: {changes}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
                }
            }
        }
        for name in names {
            fs::remove_file(dir.path().join(name)).expect("removed");
        }
    }
    assert!(accepted * 10 > seeds.len() && accepted < seeds.len(), "{accepted} are too few or too many");
    let (n, n_differing) = (seeds.len(), differing.len());
    let report =
        format!("{kind}: {n} files, {accepted} accepted, {n_differing} differ, explained: {explained:?}");
    (report, differing)
}

const RULE_SPOILS: Spoils = Spoils {
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

fn rule_file() -> Value {
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

const RULES_KNOWN: [Known; 8] = [
    Known { theirs: "", ours: "empty or null rule", why: "a group or rule that is nothing" },
    Known { theirs: "", ours: " into string", why: "3.0: names and expressions are read as strings" },
    Known {
        theirs: "",
        ours: "one of 'record' or 'alert' must be set",
        why: "3.0: names and expressions are read as strings",
    },
    Known { theirs: "invalid recording rule name", ours: "", why: "3.0: names of metrics are any UTF-8" },
    Known { theirs: "invalid label name", ours: "", why: "3.0: names of labels are any UTF-8" },
    Known { theirs: "invalid annotation name", ours: "", why: "3.0: names of annotations are any UTF-8" },
    Known {
        theirs: "field labels not found in type rulefmt.RuleGroup",
        ours: "",
        why: "3.0: groups have labels",
    },
    Known { theirs: "unexpected duration", ours: "", why: "3.0: durations are numbers" },
];

#[test]
fn rule_files_are_refused_as_promtool_does() {
    let (report, differing) =
        compare("rules", "promtool check rules --lint=none", &RULES_KNOWN, &rule_file(), &RULE_SPOILS);
    println!("{report}");
    assert_none("verdicts differ", &differing);
}

const CONFIG_SPOILS: Spoils = Spoils {
    keys: &[
        "global",
        "route",
        "routes",
        "receiver",
        "receivers",
        "name",
        "group_by",
        "group_wait",
        "group_interval",
        "repeat_interval",
        "continue",
        "match",
        "match_re",
        "matchers",
        "mute_time_intervals",
        "active_time_intervals",
        "inhibit_rules",
        "source_match",
        "source_match_re",
        "source_matchers",
        "target_match",
        "target_match_re",
        "target_matchers",
        "equal",
        "time_intervals",
        "times",
        "weekdays",
        "days_of_month",
        "months",
        "years",
        "location",
        "templates",
        "webhook_configs",
        "url",
        "send_resolved",
        "http_config",
        "max_alerts",
        "slack_configs",
        "email_configs",
        "pagerduty_configs",
        "opsgenie_configs",
        "telegram_configs",
        "discord_configs",
        "resolve_timeout",
        "smtp_smarthost",
        "smtp_from",
        "slack_api_url",
        "Route",
        "<<",
        "1",
        "bad-name",
        "ünï",
        "\"\"",
    ],
    scalars: &[
        "a",
        "b",
        "team",
        "pager",
        "nobody",
        "'...'",
        "'a=b'",
        "'a=~\"b.*\"'",
        "'a=~\"[\"'",
        "'a!=b,c=d'",
        "'{a=\"b\"}'",
        "'=b'",
        "'a==b'",
        "'a=\"b'",
        "'bad-name=x'",
        "'ünï=\"x\"'",
        "'\"with blank\"=x'",
        "http://h/",
        "h",
        "'ftp://h/'",
        "'http://'",
        "'h:25'",
        "':25'",
        "monday",
        "'monday:friday'",
        "'friday:monday'",
        "'1:31'",
        "'-1'",
        "'0'",
        "'32'",
        "january",
        "'january:13'",
        "'2020:2030'",
        "'2030:2020'",
        "'08:00'",
        "'24:00'",
        "'24:01'",
        "'8:00'",
        "UTC",
        "Europe/Berlin",
        "Mars/Olympus",
        "Local",
        "\"\\xff\"",
        "weekends",
        "'<secret>'",
        "'{{ .x }}'",
        "'{{ nope }}'",
        "'{{'",
        "1y",
        "100000y",
    ],
};

fn config_file() -> Value {
    json!({
        "global": {
            "resolve_timeout": "5m", "smtp_smarthost": "h:25", "smtp_from": "a@h", "slack_api_url": "http://h/slack",
            "http_config": {"follow_redirects": true},
        },
        "templates": [],
        "route": {
            "receiver": "team", "group_by": ["alertname", "job"], "group_wait": "30s", "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [
                {"receiver": "pager", "matchers": ["severity=\"page\"", "job=~\"a|b\""], "continue": true,
                 "mute_time_intervals": ["nights"],
                 "routes": [{"match": {"a": "b"}, "match_re": {"c": "d.*"}, "active_time_intervals": ["days"], "group_by": ["..."]}]},
                {"matchers": ["a!=b"], "group_wait": "0s"},
            ],
        },
        "inhibit_rules": [
            {"source_matchers": ["severity=critical"], "target_matchers": ["severity=~\"warning|info\""], "equal": ["job"]},
            {"source_match": {"a": "b"}, "source_match_re": {"a": "b"}, "target_match": {"c": "d"}, "target_match_re": {"c": "d"}},
        ],
        "time_intervals": [
            {"name": "nights", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "06:00"}], "location": "Europe/Berlin"}]},
            {"name": "days", "time_intervals": [
                {"weekdays": ["monday:friday", "sunday"], "days_of_month": ["1:7", "-1"], "months": ["january:march", "5"], "years": ["2020:2030"]},
            ]},
        ],
        "mute_time_intervals": [{"name": "old", "time_intervals": []}],
        "receivers": [
            {"name": "team", "webhook_configs": [{"url": "http://h/x", "send_resolved": false, "max_alerts": 3}],
             "slack_configs": [{"channel": "#a", "title": "{{ .Status }}", "fields": [{"title": "a", "value": "b", "short": true}],
                "actions": [{"type": "button", "text": "t", "url": "http://h"}]}]},
            {"name": "pager", "pagerduty_configs": [{"routing_key": "k", "links": [{"href": "http://h", "text": "t"}]}],
             "email_configs": [{"to": "b@h", "headers": {"Subject": "s"}}],
             "opsgenie_configs": [{"api_key": "k", "responders": [{"name": "n", "type": "team"}]}],
             "telegram_configs": [{"bot_token": "1:a", "chat_id": 5, "api_url": "http://h", "parse_mode": "HTML"}],
             "discord_configs": [{"webhook_url": "http://h/d"}]},
        ],
    })
}

const CONFIG_KNOWN: [Known; 13] = [
    Known {
        theirs: "",
        ours: "invalid label name \"\" in equal list",
        why: "0.27: an empty name is no name of a label",
    },
    Known { theirs: "in group_by list", ours: "", why: "0.27: names of labels are any UTF-8" },
    Known { theirs: "is not a valid label name", ours: "", why: "0.27: names of labels are any UTF-8" },
    Known { theirs: "invalid label name", ours: "", why: "0.27: names of labels are any UTF-8" },
    Known { theirs: "bad matcher format", ours: "", why: "0.27: names of labels are any UTF-8" },
    Known { theirs: "into int64", ours: "", why: "a chat of Telegram may have a name" },
    Known { theirs: "", ours: "is not a valid month", why: "on purpose: months that never come" },
    Known { theirs: "", ours: " is not a valid year", why: "on purpose: a year that is nothing" },
    Known { theirs: "", ours: " is not a valid weekday", why: "on purpose: a day that is nothing" },
    Known { theirs: "", ours: " is not a valid day of the month", why: "on purpose: a day that is nothing" },
    Known {
        theirs: "",
        ours: "missing name in time interval",
        why: "on purpose: a time interval that is nothing",
    },
    Known { theirs: "unsupported scheme", ours: "", why: "0.29: addresses of webhooks are templates" },
    Known { theirs: "panic", ours: "", why: "it panics" },
];

#[test]
fn alertmanager_files_are_refused_as_amtool_does() {
    let (report, differing) =
        compare("alertmanager", "amtool check-config", &CONFIG_KNOWN, &config_file(), &CONFIG_SPOILS);
    println!("{report}");
    assert_none("verdicts differ", &differing);
}
