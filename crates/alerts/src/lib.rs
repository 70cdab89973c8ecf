//! Who is told about an alert, and when: the router of Alertmanager.
//!
//! A [`Config`](config::Config) is an `alertmanager.yml` that has been read and checked. Its [`Route`](route::Route)s say for which receivers an alert is and in
//! which group, an [`Inhibitor`](inhibit::Inhibitor) which alerts are muted by others, a [`TimeInterval`](time_interval::TimeInterval) when.
//!
//! A [`Router`](router::Router) decides who is told what and when, and knows no clock; a [`Runner`](runner::Runner) lets it run and sends what it decides. An
//! [`Alertmanager`](alertmanager::Alertmanager) is one that runs and whose knowledge survives.
//! [`ExternalAlertmanagers`](external::ExternalAlertmanagers) are told the same alerts, and decide for themselves.
pub mod alertmanager;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod dedup;
mod digest;
pub mod external;
pub mod failing;
pub mod inhibit;
pub mod library;
pub mod matcher;
pub mod message;
pub mod notification;
pub mod order;
pub mod route;
pub mod router;
pub mod runner;
pub mod send;
pub mod silence;
pub mod test_message;
pub mod time_interval;
pub mod way_out;
