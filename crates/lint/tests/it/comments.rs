//! Comments set findings aside, and are judged themselves.

use bellwether_lint::Options;

use crate::{file_findings, ids};

/// What is found in a file with two alerts that lack `for`, besides other findings that nobody looks at here.
fn found(before: &str, inside: &str, now_ms: i64) -> Vec<&'static str> {
    let text = format!(
        "{before}groups:\n- name: g\n  rules:\n{inside}  - alert: A\n    expr: up == 0\n  - alert: B\n    expr: up != 1\n"
    );
    let options = Options { labels: Vec::new(), annotations: Vec::new(), now_ms, ..Options::default() };
    ids(&file_findings(&text, &options))
}

#[test]
fn a_comment_holds_for_its_rule_or_for_the_file() {
    assert_eq!(found("", "", 0), ["for-missing", "for-missing"]);
    assert_eq!(found("", "  # lint: disable=for-missing it is meant\n", 0), ["for-missing"]);
    assert_eq!(
        found("# lint: disable-file=for-missing,counter-raw they are meant\n", "", 0),
        [] as [&str; 0]
    );
}

#[test]
fn a_comment_may_stand_in_the_rule_and_behind_something() {
    let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up == 0 # lint: disable=for-missing it is meant\n  - alert: B\n    expr: |\n      up != 1\n    # lint: disable=for-missing this as well\n";
    let options = Options { labels: Vec::new(), annotations: Vec::new(), ..Options::default() };
    assert_eq!(ids(&file_findings(text, &options)), [] as [&str; 0]);
}

#[test]
fn comments_are_judged() {
    let bad = |comment: &str| found("", &format!("  # lint: {comment}\n"), 0);
    assert_eq!(bad("disable=for-missing"), ["bad-disable", "for-missing"], "no reason");
    assert_eq!(
        bad("disable=for-mising reason"),
        ["bad-disable", "for-missing", "for-missing"],
        "no such rule"
    );
    assert_eq!(
        bad("ignore=for-missing reason"),
        ["bad-disable", "for-missing", "for-missing"],
        "no such command"
    );
    assert_eq!(
        bad("disable=counter-raw reason"),
        ["unused-disable", "for-missing", "for-missing"],
        "of no use"
    );
    assert_eq!(
        found("# lint: disable=for-missing reason\n", "", 0),
        ["bad-disable", "for-missing", "for-missing"],
        "before no rule"
    );
}

#[test]
fn comments_of_pint_are_honoured() {
    assert_eq!(found("", "  # pint disable alerts/for\n", 0), ["for-missing"]);
    assert_eq!(found("# pint file/disable rule/for\n", "", 0), [] as [&str; 0]);
    assert_eq!(found("# pint ignore/file\n", "", 0), [] as [&str; 0]);
    assert_eq!(found("", "  # pint disable promql/series(up)\n", 0), ["for-missing", "for-missing"]);
    assert_eq!(found("# pint file/owner shop\n", "", 0), ["for-missing", "for-missing"]);
}

#[test]
fn a_snooze_ends() {
    // 2026-01-10T00:00:00Z
    let end_ms = 1_768_003_200_000;
    let snooze = "  # pint snooze 2026-01-10 alerts/for\n";
    assert_eq!(found("", snooze, end_ms - 1), ["for-missing"]);
    assert_eq!(found("", snooze, end_ms), ["unused-disable", "for-missing", "for-missing"]);
    assert_eq!(found("# pint file/snooze 2026-01-10T00:00:00Z alerts/for\n", "", 0), [] as [&str; 0]);
    assert_eq!(
        found("", "  # pint snooze soon alerts/for\n", 0),
        ["bad-disable", "for-missing", "for-missing"]
    );
}
