//! Which rules of a group may run at the same time.

use std::collections::HashMap;

use bellwether_model::{Labels, METRIC_NAME, MatchOp, Matcher};

use crate::file::{Rule, RuleGroup, RuleKind};
use crate::group::{ALERTS, ALERTS_FOR_STATE};

/// The rules of a group by their numbers, in steps: those of one step do not depend on each other, and of two that do, the one that is first in the file is
/// in an earlier step. Two rules depend on each other if one reads a series that the other may write, whichever is first.
pub(crate) fn steps(group: &RuleGroup) -> Vec<Vec<usize>> {
    let rules = &group.rules;
    if rules.iter().any(|rule| may_query_in_texts(group, rule)) {
        // What a template asks for is known only when it runs.
        return (0..rules.len()).map(|idx| vec![idx]).collect();
    }
    let mut writers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (idx, rule) in rules.iter().enumerate() {
        for name in names_written(rule) {
            writers.entry(name).or_default().push(idx);
        }
    }
    // For each rule the earlier ones that it must not overtake.
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for (reader, rule) in rules.iter().enumerate() {
        for found in rule.expr.selectors() {
            let matchers = &found.selector.matchers;
            let name = matchers.iter().find(|m| m.name() == METRIC_NAME && m.op() == MatchOp::Eq);
            let candidates: Vec<usize> = match name {
                Some(name) => writers.get(name.value()).cloned().unwrap_or_default(),
                None => (0..rules.len()).collect(),
            };
            for writer in candidates {
                if writer != reader && may_write(&rules[writer], matchers) {
                    before[reader.max(writer)].push(reader.min(writer));
                }
            }
        }
    }
    let mut step_of = vec![0_usize; rules.len()];
    let mut steps: Vec<Vec<usize>> = Vec::new();
    for idx in 0..rules.len() {
        let step = before[idx].iter().map(|earlier| step_of[*earlier] + 1).max().unwrap_or(0);
        step_of[idx] = step;
        if step == steps.len() {
            steps.push(Vec::new());
        }
        steps[step].push(idx);
    }
    steps
}

fn names_written(rule: &Rule) -> Vec<&str> {
    match &rule.kind {
        RuleKind::Recording { record } => vec![record],
        RuleKind::Alerting { .. } => vec![ALERTS, ALERTS_FOR_STATE],
    }
}

/// Whether a series that the rule writes may be what these matchers look for. Only the name and, of alerts, `alertname` are known before the rule has run.
fn may_write(rule: &Rule, matchers: &[Matcher]) -> bool {
    let is_found = |known: &Labels| {
        matchers.iter().all(|matcher| known.get(matcher.name()).is_none_or(|value| matcher.matches(value)))
    };
    names_written(rule).into_iter().any(|name| match &rule.kind {
        RuleKind::Recording { .. } => is_found(&Labels::from_pairs([(METRIC_NAME, name)])),
        RuleKind::Alerting { alert, .. } => {
            is_found(&Labels::from_pairs([(METRIC_NAME, name), ("alertname", alert)]))
        }
    })
}

/// Whether a template of the rule may call the function `query`.
fn may_query_in_texts(group: &RuleGroup, rule: &Rule) -> bool {
    let RuleKind::Alerting { annotations, .. } = &rule.kind else { return false };
    let mut texts = group.labels.values().chain(rule.labels.values()).chain(annotations.values());
    texts.any(|text| text.contains("{{") && text.contains("query"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{RuleFile, RuleFileOptions};

    fn steps_of(rules: &str) -> Vec<Vec<usize>> {
        let text = format!("groups:\n- name: g\n  rules:\n{rules}");
        let file =
            RuleFile::parse("test", text.as_bytes(), &RuleFileOptions::default()).expect("a rule file");
        steps(&file.groups[0])
    }

    fn records(rules: &[(&str, &str)]) -> Vec<Vec<usize>> {
        let rule = |(name, expr): &(&str, &str)| format!("  - {{record: '{name}', expr: '{expr}'}}\n");
        steps_of(&rules.iter().map(rule).collect::<String>())
    }

    #[test]
    fn a_rule_waits_for_what_it_reads() {
        assert_eq!(records(&[("a", "x"), ("b", "y")]), [[0, 1]]);
        assert_eq!(
            records(&[("a", "x"), ("b", "sum(a)"), ("c", "y"), ("d", "b + c")]),
            [vec![0, 2], vec![1], vec![3]]
        );
        // The reader sees the samples of the run before, so the writer waits for it.
        assert_eq!(records(&[("b", "a"), ("a", "x")]), [[0], [1]]);
        // A rule that reads its own past waits for nobody.
        assert_eq!(records(&[("a", "a offset 1m"), ("b", "x")]), [[0, 1]]);
    }

    #[test]
    fn a_selector_without_a_name_may_read_everything() {
        assert_eq!(records(&[("a", "x"), ("b", "count({job=\"j\"})"), ("c", "y")]), [[0], [1], [2]]);
        assert_eq!(
            records(&[("a:x", "x"), ("b", "{__name__=~\"a:.*\"}"), ("c", "y")]),
            [vec![0, 2], vec![1]]
        );
    }

    #[test]
    fn alerts_are_read_by_name() {
        let alerts = "  - {alert: A, expr: x}\n  - {alert: B, expr: y}\n";
        let reader = |selector: &str| steps_of(&format!("{alerts}  - {{record: r, expr: '{selector}'}}\n"));
        assert_eq!(reader("ALERTS{alertname=\"B\"}"), [vec![0, 1], vec![2]]);
        assert_eq!(reader("ALERTS{alertname=\"C\"}"), [[0, 1, 2]]);
        assert_eq!(reader("ALERTS_FOR_STATE"), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn a_template_may_query_anything() {
        let texts = "annotations: {text: '{{ query \"x\" | len }}'}";
        assert_eq!(
            steps_of(&format!("  - {{alert: A, expr: x, {texts}}}\n  - {{alert: B, expr: y}}\n")),
            [[0], [1]]
        );
        // Labels of the group are templates of its alerts, too.
        let text = "groups:\n- name: g\n  labels: {n: '{{ query \"x\" | len }}'}\n  rules:\n  - {alert: A, expr: x}\n  - {alert: B, expr: y}\n";
        let file =
            RuleFile::parse("test", text.as_bytes(), &RuleFileOptions::default()).expect("a rule file");
        assert_eq!(steps(&file.groups[0]), [[0], [1]]);
    }
}
