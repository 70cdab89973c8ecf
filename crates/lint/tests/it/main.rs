//! Lint over the examples of its documentation, over the rules of the five platforms' guides, and its comments and reports.
mod comments;
mod defects;
mod documentation;
mod live;
mod places;
mod reports;
mod right;
mod server;

use bellwether_lint::{Finding, Options, RuleSource, lint};

/// The findings about a list of rules, in a file of one group.
fn findings(rules: &str, options: &Options) -> Vec<Finding> {
    file_findings(&in_a_group(rules), options)
}

/// A file with one group.
fn in_a_group(rules: &str) -> String {
    let rules: Vec<&str> = rules.lines().collect();
    format!("groups:\n- name: g\n  rules:\n  {}\n", rules.join("\n  "))
}

/// The findings about a file.
fn file_findings(text: &str, options: &Options) -> Vec<Finding> {
    match RuleSource::parse("rules.yml", text.as_bytes()) {
        Ok(source) => lint(&[source], options),
        Err(findings) => findings,
    }
}

/// The ids of the rules that found something, in order of the places.
fn ids(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}
