//! Objectives: how much of what happens must be good, and the rules that watch it.
//!
//! An [`Objective`] comes from a file ([`read`]: OpenSLO v1, the short form of Sloth, the own form) or from a pack. [`rules`] makes recording and alerting rules of
//! it, which a [`RuleFile`](crate::RuleFile) holds like any others; [`inhibit_rules`] are what an Alertmanager needs beside them. [`status`] and [`budget`] ask
//! the series of these rules how things stand.
//!
//! All windows weigh by events: the rules record every minute how many events, and how many bad ones, there were within five minutes, and longer windows are the sum of
//! these. A quiet night counts as little as it should, and nothing reads the raw series over more than five minutes.
mod alerting;
mod burn;
mod compile;
mod events;
mod indicator;
mod inhibit;
mod live;
mod objective;
mod read;
mod status;

pub use alerting::{AlertChange, Alerting, BurnCondition};
pub use burn::{Burn, BurnAlert, Severity, TIERS, Tier, burn_alerts, camel_case};
pub use compile::{
    ABSENT_SUFFIX, BAD_EVENTS, BurnThreshold, ERROR_RATIO, RuleAlert, SLO_ID, TOTAL_EVENTS, WINDOWS_MS,
    groups, rule_alerts, rule_files, rules, series_labels,
};
pub use events::EventsError;
pub use indicator::Indicator;
pub use inhibit::inhibit_rules;
pub use live::{LiveObjectives, Watched};
pub use objective::{Calendar, Objective, Window};
pub use read::read;
pub use status::{AlertStatus, Budget, SloStatus, budget, status};
