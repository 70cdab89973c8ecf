use std::collections::BTreeMap;
use std::sync::Arc;

use super::stats::GroupStats;
use crate::alert::{ActiveAlert, AlertState};
use crate::file::Rule;
use crate::group::RuleHealth;

/// A group as it is now.
#[derive(Debug, Clone)]
pub struct GroupView {
    /// The file that it comes from.
    pub file: String,
    /// Its name.
    pub name: String,
    /// How often it is evaluated, in milliseconds.
    pub interval_ms: i64,
    /// Most series or alerts of one rule; 0 for no limit.
    pub limit: usize,
    /// What it has done.
    pub stats: GroupStats,
    /// Its rules, in the order of the file.
    pub rules: Vec<RuleView>,
}

/// A rule as it is now.
#[derive(Debug, Clone)]
pub struct RuleView {
    /// The rule.
    pub rule: Arc<Rule>,
    /// The labels that it sets, those of the group included; an empty value takes a label away.
    pub labels: BTreeMap<String, String>,
    /// How its last evaluation went.
    pub health: RuleHealth,
    /// The worst state of its alerts.
    pub state: AlertState,
    /// Its alerts that are pending or firing, in label order; none if they were not asked for.
    pub alerts: Vec<ActiveAlert>,
}
