//! Which rules the tests look at.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bellwether_promql::syntax::{ParserOptions, parse_expr};
use bellwether_yaml::Position;

use super::file::TestGroup;
use crate::file::{Rule, RuleFile, RuleKind};

/// A rule of a tested file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleCoverage {
    /// Its file.
    pub file: PathBuf,
    /// The name of its group.
    pub group: String,
    /// The name of the alert or the recorded series.
    pub name: String,
    /// Where it stands in its file.
    pub position: Position,
    /// Whether a test looks at it: at its alert, at its series, or at something that uses its series.
    pub is_tested: bool,
}

/// The rules of the files with what the tests look at.
pub(super) fn coverage<'t>(
    files: &[(PathBuf, RuleFile)],
    tests: impl Iterator<Item = &'t TestGroup>,
) -> Vec<RuleCoverage> {
    let (mut alerts, mut series) = (BTreeSet::new(), BTreeSet::new());
    for test in tests {
        alerts.extend(test.alert_rule_tests.iter().map(|check| check.alertname.clone()));
        for check in &test.promql_expr_tests {
            if let Ok(expr) = parse_expr(&check.expr, &ParserOptions::all_enabled()) {
                series.extend(
                    expr.selectors().iter().filter_map(|used| Some(used.selector.metric_name()?.to_owned())),
                );
            }
        }
    }
    let rules: Vec<(&PathBuf, &str, &Rule)> = files
        .iter()
        .flat_map(|(path, file)| {
            file.groups
                .iter()
                .flat_map(move |group| group.rules.iter().map(move |rule| (path, &*group.name, &**rule)))
        })
        .collect();
    let is_tested = |rule: &Rule, series: &BTreeSet<String>| match &rule.kind {
        RuleKind::Alerting { alert, .. } => alerts.contains(alert),
        RuleKind::Recording { record } => series.contains(record),
    };
    // What a tested rule uses is tested with it. Each round finds at least one more name, or is the last.
    loop {
        let tested = rules.iter().filter(|(_, _, rule)| is_tested(rule, &series));
        let used = tested.flat_map(|(_, _, rule)| rule.expr.selectors());
        let used: Vec<String> =
            used.filter_map(|used| Some(used.selector.metric_name()?.to_owned())).collect();
        let before = series.len();
        series.extend(used);
        if series.len() == before {
            break;
        }
    }
    let covered = rules.iter().map(|(path, group, rule)| RuleCoverage {
        file: (*path).clone(),
        group: (*group).to_owned(),
        name: rule.name().to_owned(),
        position: rule.position,
        is_tested: is_tested(rule, &series),
    });
    covered.collect()
}
