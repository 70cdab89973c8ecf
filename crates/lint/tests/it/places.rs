//! Findings point at what is wrong.

use bellwether_lint::Options;

use crate::{file_findings, findings};

/// What is marked in the line, by rule.
fn marked(text: &str, rule: &str) -> String {
    let found = file_findings(text, &Options::default());
    let finding = found.iter().find(|finding| finding.rule == rule);
    let place = &finding.unwrap_or_else(|| panic!("{rule}: {found:#?}")).place;
    let (start, end) = (place.start.expect("a start"), place.end.expect("an end"));
    let line = text.lines().nth(start.line as usize - 1).expect("a line");
    let until = if end.line == start.line { end.column as usize - 1 } else { usize::MAX };
    line.chars().take(until).skip(start.column as usize - 1).collect()
}

#[test]
fn a_part_of_an_expression_is_marked() {
    let file = |expr: &str| format!("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n");
    assert_eq!(marked(&file("sum(rate(free_bytes[5m])) > 1"), "rate-of-gauge"), "rate(free_bytes[5m])");
    assert_eq!(marked(&file("'up{job=~\"api\"} == 0'"), "needless-regex"), "api");
    let block = "|\n      # Bytes.\n      sum(\n        rate(free_bytes[5m])\n      ) > 1";
    assert_eq!(marked(&file(block), "rate-of-gauge"), "rate(free_bytes[5m])");
    assert_eq!(marked(&file("sum(up > 1"), "promql-syntax"), "", "behind the end");
    assert_eq!(marked(&file(">-\n      up ==\n      * 1"), "promql-syntax"), "*");
}

#[test]
fn a_template_and_a_time_are_marked() {
    let text = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(up) < 1\n    for: 10s\n    annotations:\n      summary: \"no {{ $labels.job }}\"\n";
    assert_eq!(marked(text, "label-stripped"), "no {{ $labels.job }}");
    assert_eq!(marked(text, "for-shorter-than-interval"), "10s");
    assert_eq!(marked(text, "label-missing"), "A");
}

#[test]
fn findings_of_several_rules_come_in_order_with_their_subjects() {
    let found =
        findings("- {alert: B, expr: up, for: 1m}\n- {alert: A, expr: up > 5, for: 1m}", &Options::default());
    let said: Vec<(u32, &str, usize)> = found
        .iter()
        .filter_map(|f| Some((f.place.start?.line, f.rule, f.subject.as_ref()?.index)))
        .filter(|(_, rule, _)| !rule.ends_with("-missing") || *rule == "comparison-missing")
        .collect();
    assert_eq!(said, [(4, "comparison-missing", 0), (5, "always-empty", 1)]);
    assert_eq!(found.last().and_then(|f| f.subject.as_ref()).map(|s| s.name.as_str()), Some("A"));
}
