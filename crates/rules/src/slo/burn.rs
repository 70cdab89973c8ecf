//! How fast a budget may burn, over two windows each.
//!
//! The pairs of windows and the shares of the budget are those of the SRE Workbook: it pages when 2 % of the budget of thirty days are gone within an hour or 5 % within six, and
//! opens a ticket at 10 % within one or three days.

use std::collections::BTreeMap;

use super::objective::{Objective, rounded};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// How soon somebody must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Now.
    Page,
    /// Within days.
    Ticket,
}

impl Severity {
    /// The value of the label `slo_severity`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// The speed that an alert is about, the fastest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Burn {
    /// Within an hour.
    Fast,
    /// Within six hours.
    Medium,
    /// Within a day.
    Slow,
    /// Within three days.
    Long,
}

impl Burn {
    /// The value of the label `burn`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
            Self::Long => "long",
        }
    }
}

/// Two windows that must both burn, and how fast that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    /// Which one it is.
    pub burn: Burn,
    /// How soon somebody must act.
    pub severity: Severity,
    /// The long window, in milliseconds.
    pub long_ms: i64,
    /// The short window, which is over soon after an incident is, in milliseconds.
    pub short_ms: i64,
    /// The share of the budget that is gone after the long window.
    pub budget_share: f64,
}

/// The pairs of windows, the fastest first.
pub const TIERS: [Tier; 4] = [
    tier(Burn::Fast, Severity::Page, HOUR_MS, 5 * MINUTE_MS, 0.02),
    tier(Burn::Medium, Severity::Page, 6 * HOUR_MS, 30 * MINUTE_MS, 0.05),
    tier(Burn::Slow, Severity::Ticket, 24 * HOUR_MS, 2 * HOUR_MS, 0.1),
    tier(Burn::Long, Severity::Ticket, 72 * HOUR_MS, 6 * HOUR_MS, 0.1),
];

const fn tier(burn: Burn, severity: Severity, long_ms: i64, short_ms: i64, budget_share: f64) -> Tier {
    Tier { burn, severity, long_ms, short_ms, budget_share }
}

/// An alert on the speed at which the budget of an objective burns.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnAlert {
    /// The windows.
    pub tier: Tier,
    /// The name.
    pub name: String,
    /// As many times as fast as the budget would last just so.
    pub factor: f64,
    /// The share of what is bad that both windows must exceed, below 1.
    pub limit: f64,
    /// The labels that it has beside those of the series.
    pub labels: BTreeMap<String, String>,
    /// The annotations that its author wrote.
    pub annotations: BTreeMap<String, String>,
}

/// The alerts of an objective on pairs of windows. What can never fire is left out: a limit that nothing can exceed (the budget of an objective of 90 % never burns 14.4 times as
/// fast as it may), and a long window that is longer than the objective's.
pub fn burn_alerts(objective: &Objective) -> impl Iterator<Item = BurnAlert> + '_ {
    let alerting = &objective.alerting;
    let tiers = if alerting.conditions.is_empty() { &TIERS[..] } else { &[] };
    let period_ms = objective.window.nominal_ms();
    tiers.iter().filter_map(move |&tier| {
        let factor = rounded(tier.budget_share * period_ms as f64 / tier.long_ms as f64);
        let limit = rounded(factor * objective.budget());
        let is_left_out = alerting.is_disabled(tier.burn, tier.severity);
        if is_left_out || limit >= 1.0 || tier.long_ms > period_ms {
            return None;
        }
        let mut labels = alerting.labels.clone();
        let mut annotations = alerting.annotations.clone();
        labels.insert("slo_severity".to_owned(), tier.severity.as_str().to_owned());
        labels.insert("burn".to_owned(), tier.burn.as_str().to_owned());
        for change in [Some(alerting.of_severity(tier.severity)), alerting.tiers.get(&tier.burn)] {
            let Some(change) = change else { continue };
            labels.extend(change.labels.clone());
            annotations.extend(change.annotations.clone());
        }
        let name = alerting.name.clone().unwrap_or_else(|| usual_name(&objective.name, tier.severity));
        Some(BurnAlert { tier, name, factor, limit, labels, annotations })
    })
}

fn usual_name(objective: &str, severity: Severity) -> String {
    let how = match severity {
        Severity::Page => "Fast",
        Severity::Ticket => "Slowly",
    };
    format!("{}BudgetBurns{how}", camel_case(objective))
}

/// Words as one in which each begins with a capital letter: how alerts are called.
pub fn camel_case(text: &str) -> String {
    let mut out = String::new();
    let mut begins = true;
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() {
            begins = true;
        } else if begins {
            out.push(c.to_ascii_uppercase());
            begins = false;
        } else {
            out.push(c);
        }
    }
    out
}
