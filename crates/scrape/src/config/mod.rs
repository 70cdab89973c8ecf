//! `scrape_configs` and everything in it: what the user wrote ([`ScrapeSpec`]) and what the program runs on ([`ScrapeConfig`]).
//!
//! The two stages exist because a job inherits from the `global` section ([`ScrapeDefaults`]), which may stand after it in the
//! file. Discovery sections ([`Discovery`]) are shared with the `alertmanagers` of the alerting section. Names, defaults and
//! refusals are those of Prometheus.

mod defaults;
mod discovery;
mod dns;
mod error;
mod file;
mod foreign;
mod glob;
mod http;
mod job;
mod kubernetes;
mod protocol;
mod selector;
mod spec;
mod target_group;

pub use defaults::{Limits, ScrapeDefaults};
pub use discovery::{Discovery, MECHANISMS, has_static_url, read_discovery, write_discovery};
pub use dns::{DnsDiscovery, DnsRecordType};
pub use error::{DiscoveryError, ScrapeConfigError};
pub use file::FileDiscovery;
pub use foreign::ForeignDiscovery;
pub use glob::matching_files;
pub use http::HttpDiscovery;
pub use job::ScrapeConfig;
pub use kubernetes::{KubernetesDiscovery, KubernetesRole, KubernetesSelector};
pub use protocol::ScrapeProtocol;
pub use spec::{ScrapeSpec, read_validation_scheme};
pub use target_group::{TargetGroup, read_target_file, read_target_json};

#[cfg(test)]
mod tests;
