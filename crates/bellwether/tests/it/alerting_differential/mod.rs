//! Random rules, routes, alerts and texts, given to Debian's Prometheus and Alertmanager and to us: what they make of them must be the same. What upstream has changed since these
//! releases, and what we do otherwise on purpose, is named beside each comparison; any other difference is a bug.
//!
//! `DIFFERENTIAL_SEED` chooses other cases, `DIFFERENTIAL_TIMES` how many times as many. A failure names the seed of its case.

mod document;
mod notifications;
mod router;
mod routing;
mod rules;
mod templates;
mod text;
mod verdicts;

use crate::differential::from_env;

/// More would only hide the first ones.
const SHOWN: usize = 20;

/// The seeds of the cases of a test that usually has `usually` of them.
fn seeds(usually: u64) -> impl Iterator<Item = u64> {
    let first = from_env("DIFFERENTIAL_SEED", 1) << 32;
    first..first + usually * from_env("DIFFERENTIAL_TIMES", 1)
}

/// Fails with the first differences, if there are any.
fn assert_none(what: &str, differences: &[String]) {
    let n = differences.len();
    assert!(n == 0, "{n} {what}:\n{}", differences[..n.min(SHOWN)].join("\n"));
}
