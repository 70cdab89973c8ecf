//! Relabelling rules: reading, checking and applying them.
//!
//! A [`RuleSpec`] is a rule as the user wrote it, decoded from YAML with upstream's defaults. [`Rule::new`] checks it under a
//! scheme for label names and gives the rule that runs. [`Rules`] applies a list of them to the labels of a target, a
//! sample or an alert: [`Rules::apply`] on the hot path, [`Rules::apply_traced`] for people who want to see what
//! each rule did. Scraping, remote write and alerting share these rules; behaviour and messages are those of Prometheus'
//! `model/relabel`.
//!
//! ```
//! use bellwether_model::{Labels, ValidationScheme};
//! use bellwether_relabel::{Action, Rule, RuleSpec, Rules};
//!
//! let spec = RuleSpec {
//!     source_labels: Some(vec!["__meta_service".into(), "__meta_port".into()]),
//!     separator: ":".into(),
//!     target_label: "instance".into(),
//!     ..RuleSpec::default()
//! };
//! let rules = Rules::new(vec![Rule::new(spec, ValidationScheme::Utf8).unwrap()]);
//! let mut labels = Labels::from_pairs([("__meta_service", "api"), ("__meta_port", "80")]).to_builder();
//! assert!(rules.apply(&mut labels));
//! assert_eq!(labels.get("instance"), Some("api:80"));
//! ```
mod action;
mod apply;
mod case;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod decode;
mod error;
mod md5;
mod rule;
mod rules;
mod target;
mod trace;

pub use action::Action;
pub use decode::{SpecList, read_specs};
pub use error::RuleError;
pub use rule::{Rule, RuleSpec};
pub use rules::{Rules, Scratch};
pub use target::is_legacy_target;
pub use trace::{Change, Step, Trace};

#[cfg(test)]
mod tests;
