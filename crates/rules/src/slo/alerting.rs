//! What the author of an objective wants of its alerts.

use std::collections::BTreeMap;

use super::burn::{Burn, Severity};

/// Who is told when the budget burns, and how. The default is all alerts under their usual names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alerting {
    /// The name of the alerts on the budget; made of that of the objective if not given.
    pub name: Option<String>,
    /// Labels of all alerts.
    pub labels: BTreeMap<String, String>,
    /// Annotations of all alerts; they take the place of those that are made up.
    pub annotations: BTreeMap<String, String>,
    /// What is different for alerts that page.
    pub page: AlertChange,
    /// What is different for alerts that open a ticket.
    pub ticket: AlertChange,
    /// What is different for single alerts.
    pub tiers: BTreeMap<Burn, AlertChange>,
    /// What is different for the alert that nothing has been measured for a quarter of an hour.
    pub absent: AlertChange,
    /// Conditions that take the place of the usual pairs of windows, if there are any.
    pub conditions: Vec<BurnCondition>,
}

/// What is different for some alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertChange {
    /// Whether they are left out.
    pub disabled: bool,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Further annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A condition of its own on one window.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnCondition {
    /// The name of the alert.
    pub name: String,
    /// Whom it concerns.
    pub severity: String,
    /// The window, one of [`WINDOWS_MS`](super::WINDOWS_MS).
    pub window_ms: i64,
    /// The comparison, for instance `>=`.
    pub op: &'static str,
    /// As many times as fast as the budget would last just so.
    pub factor: f64,
    /// How long that must hold, in milliseconds.
    pub for_ms: i64,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Further annotations.
    pub annotations: BTreeMap<String, String>,
}

impl Alerting {
    /// What is different for the alerts of a severity.
    pub(super) fn of_severity(&self, severity: Severity) -> &AlertChange {
        match severity {
            Severity::Page => &self.page,
            Severity::Ticket => &self.ticket,
        }
    }

    /// Whether a tier is left out.
    pub(super) fn is_disabled(&self, burn: Burn, severity: Severity) -> bool {
        self.of_severity(severity).disabled || self.tiers.get(&burn).is_some_and(|change| change.disabled)
    }
}
