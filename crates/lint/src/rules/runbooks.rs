//! Links to runbooks that are files.

use std::path::Path;

use bellwether_rules::RuleKind;

use super::{Found, Scene};

/// The annotations that hold a link.
const LINKS: [&str; 2] = ["runbook_url", "runbook"];

pub(super) fn dead(scene: &Scene<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in scene.alerts() {
        let RuleKind::Alerting { annotations, .. } = &rule.rule.kind else { continue };
        for (name, link) in LINKS.iter().filter_map(|name| Some((name, annotations.get(*name)?))) {
            if let Some((message, remedy)) = problem(scene, &rule.source.name, link.trim()) {
                let place = rule.at_entry("annotations", name);
                found.push(Found::at(place, rule, format!("{name} {message}"), remedy));
            }
        }
    }
    found
}

/// What is wrong with a link that is no URL and no template.
fn problem(scene: &Scene<'_>, rule_file: &str, link: &str) -> Option<(String, &'static str)> {
    if link.is_empty() {
        return Some(("is empty".to_owned(), "give a link, or leave the annotation out"));
    }
    if link.contains("{{") || link.contains("://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = Path::new(rule_file).parent().unwrap_or(Path::new(""));
    // As a link in the file, or from where people work.
    let read = scene.options.read_file;
    let Some(text) = read(&folder.join(path)).or_else(|| read(Path::new(path))) else {
        let message = format!("leads to {path}, which is not there");
        return Some((
            message,
            "write the page, or correct the link; it begins at the folder of the rule file",
        ));
    };
    let has_anchor = anchor.is_empty() || text.lines().any(|line| is_heading(line, anchor));
    (!has_anchor).then(|| {
        (format!("leads to the heading #{anchor}, which {path} does not have"), "correct the anchor")
    })
}

/// Whether a line of Markdown is the heading with this anchor: its text in lower case, blanks as hyphens, without other signs.
fn is_heading(line: &str, anchor: &str) -> bool {
    if line.contains(&format!("id=\"{anchor}\"")) || line.contains(&format!("name=\"{anchor}\"")) {
        return true;
    }
    let Some(heading) = line.strip_prefix('#') else { return false };
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let slug: String = words
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect();
    slug == anchor.to_lowercase()
}
