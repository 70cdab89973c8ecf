//! Recording and alerting rules: their files, their evaluation, and the unit tests that people write for them.
//!
//! A [`RuleFile`] is read and checked as Prometheus does. A [`Group`] evaluates the rules of one of its groups at a time that the caller chooses, over any
//! [`QueryEngine`](bellwether_promql::engine::QueryEngine), and stores the results through any [`Appender`](bellwether_model::Appender); [`Alerts`] is the life
//! of the alerts of one rule. [`run_unit_tests`] does the same over series made up in a test file, as `promtool test rules` does.
//!
//! A [`Manager`] evaluates the groups of a server, each at the slots of its schedule, through reloads and restarts. [`slo`] makes rules of objectives.
mod alert;
#[cfg(feature = "conformance")]
pub mod conformance;
mod dependency;
mod error;
mod evaluation;
mod expand;
mod file;
mod group;
mod manager;
mod permits;
mod sending;
pub mod slo;
mod unit_test;
mod written;

pub use alert::{ActiveAlert, AlertCandidate, AlertState, AlertTimes, Alerts};
pub use error::{EvalError, RuleFileError};
pub use expand::rule_template;
pub use file::{Rule, RuleFile, RuleFileOptions, RuleGroup, RuleKind};
pub use group::{Environment, Group, RuleHealth, RuleOutcome};
pub use manager::{
    AlertEvent, GroupDefaults, GroupSource, GroupStats, GroupView, History, HistoryPlace, HistoryQuery,
    Manager, ManagerOptions, RuleName, RuleView,
};
pub use sending::AlertSink;
pub use unit_test::{
    AlertTest, ExpectedAlert, ExpectedSample, ExprTest, InputSeries, Mismatch, RouteTest, RoutedTo, Routing,
    RuleCoverage, TestFailure, TestGroup, TestOutcome, UnitTestError, UnitTestFile, UnitTestOptions,
    UnitTestReport, run_unit_tests,
};
