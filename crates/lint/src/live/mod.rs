//! What only a server can tell: which series there are, and what rules would have done and do cost.
mod alerts;
mod selectors;
mod server;
mod sides;

use crate::comment::set_aside;
use crate::finding::Finding;
use crate::lint::{sort, static_findings};
use crate::options::Options;
use crate::rules::{Found, RULES, Scene};
use crate::source::{RuleSource, all_rules};

use server::History;
pub use server::{AskError, Server, learn};

/// How far back a server is asked, and what is too much.
#[derive(Debug, Clone)]
pub struct LiveOptions {
    /// How far back series are looked for, in milliseconds.
    pub lookback_ms: i64,
    /// As often as this an alert may have fired in that time.
    pub max_firings: usize,
    /// So many samples an evaluation may read.
    pub max_samples: u64,
    /// Whether links are followed that are URLs.
    pub check_links: bool,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self { lookback_ms: 7 * 24 * 3_600_000, max_firings: 10, max_samples: 10_000_000, check_links: false }
    }
}

/// Why a server could not be asked. What it refuses to evaluate is a finding instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server cannot be asked: {0}")]
pub struct LiveError(pub String);

/// As [`lint`](crate::lint), with what the server tells. `options` are best [learnt](learn) from it before.
pub fn lint_live(
    sources: &[RuleSource],
    options: &Options,
    server: &dyn Server,
    live: &LiveOptions,
) -> Result<Vec<Finding>, LiveError> {
    let scene = Scene::new(all_rules(sources), options);
    let mut findings = static_findings(&scene);
    let history = History::new(server, options.now_ms, live);
    for (id, found) in [
        selectors::missing(&scene, &history)?,
        alerts::noise(&scene, &history)?,
        alerts::cost(&scene, &history)?,
        sides::never_match(&scene, &history)?,
        alerts::links(&scene, &history),
    ]
    .into_iter()
    .flatten()
    {
        let rule = RULES.iter().find(|rule| rule.id == id).expect("BUG: a finding has a rule");
        findings.push(found.of(rule));
    }
    let mut findings = set_aside(findings, sources, options, |_| true);
    sort(&mut findings, sources);
    Ok(findings)
}

/// What was found, with the id of the rule.
type LiveFindings = Result<Vec<(&'static str, Found)>, LiveError>;
