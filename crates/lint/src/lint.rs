use std::collections::HashMap;

use crate::comment::{BAD_DISABLE, UNUSED_DISABLE, set_aside};
use crate::finding::Finding;
use crate::options::Options;
use crate::rules::{Origin, RULES, Scene};
use crate::source::{RuleSource, all_rules};

/// Everything that is found in rule files which belong together, by file and place.
///
/// Files that a server refuses have no [`RuleSource`]; their problems come from [`RuleSource::parse`].
pub fn lint(sources: &[RuleSource], options: &Options) -> Vec<Finding> {
    let scene = Scene::new(all_rules(sources), options);
    let findings = static_findings(&scene);
    let is_judged = |id: &str| {
        ![BAD_DISABLE, UNUSED_DISABLE].contains(&id)
            && RULES.iter().any(|rule| rule.id == id && !rule.is_live())
    };
    let mut findings = set_aside(findings, sources, options, is_judged);
    sort(&mut findings, sources);
    findings
}

/// What the rules find that need no server, with nothing set aside.
pub(crate) fn static_findings(scene: &Scene<'_>) -> Vec<Finding> {
    let found = RULES.iter().filter_map(|rule| match rule.origin {
        Origin::Rules(check) => Some(check(scene).into_iter().map(move |found| found.of(rule))),
        Origin::Reading | Origin::Server => None,
    });
    found.flatten().collect()
}

/// By the order of the files, then by place.
pub(crate) fn sort(findings: &mut [Finding], sources: &[RuleSource]) {
    let ranks: HashMap<&str, usize> =
        sources.iter().enumerate().map(|(rank, source)| (source.name.as_str(), rank)).collect();
    let rank = |finding: &Finding| ranks.get(finding.place.file.as_str()).copied().unwrap_or(usize::MAX);
    findings.sort_by(|a, b| {
        (rank(a), &a.place.file, a.place.start, a.rule).cmp(&(rank(b), &b.place.file, b.place.start, b.rule))
    });
}
