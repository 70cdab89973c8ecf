//! What is legal in rule files and probably not meant.
//!
//! A [`RuleSource`] is a rule file with the places of its parts. [`lint`] looks at several of them together and makes [`Finding`]s; which rules there are is
//! data ([`RULES`]). What was set aside in comments of the files is left out, and a comment that sets nothing aside is a finding itself. A [`Report`] shows
//! findings, those of other checks included, as text, as JSON, as annotations of GitHub and as SARIF.
//!
//! ```
//! use bellwether_lint::{Options, RuleSource, lint};
//!
//! let text = "groups:\n- name: g\n  rules:\n  - alert: Slow\n    expr: rate(queue_bytes[5m]) > 1\n";
//! let source = RuleSource::parse("rules.yml", text.as_bytes()).unwrap();
//! let findings = lint(&[source], &Options::default());
//! let gauge = findings.iter().find(|finding| finding.rule == "rate-of-gauge").unwrap();
//! assert_eq!(gauge.place.to_string(), "rules.yml:5:11");
//! ```
mod board;
mod comment;
mod finding;
mod lint;
mod live;
mod options;
mod place;
mod report;
mod rules;
mod source;

pub use board::Board;
pub use finding::{Finding, Place, Severity, Subject};
pub use lint::lint;
pub use live::{AskError, LiveError, LiveOptions, Server, learn, lint_live};
pub use options::{AlertmanagerFile, Demand, Options};
pub use report::{Format, Report, Verdict, counted};
pub use rules::{RULES, Rule};
pub use source::RuleSource;
