use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use bellwether_scrape::config::{Discovery, ScrapeConfig, matching_files};
use bellwether_wire::config::{OtlpConfig, RemoteReadConfig, RemoteWriteConfig};
use bellwether_yaml::{MapValue, Value};

use super::alerting::AlertingConfig;
use super::alertmanager::{self, AlertmanagerSetup};
use super::global::GlobalConfig;
use super::limits::LimitsConfig;
use super::rules::RulesConfig;
use super::runtime::RuntimeConfig;
use super::storage::StorageConfig;
use super::tracing::TracingConfig;

/// Everything the program runs on. The default is what an empty file gives.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Defaults of the other sections, and what concerns all of them.
    pub global: GlobalConfig,
    /// Read and shown, without effect.
    pub runtime: RuntimeConfig,
    /// Where alerts go.
    pub alerting: AlertingConfig,
    /// The Alertmanager in this program, if anything is said about it. Prometheus does not have this.
    pub alertmanager: Option<AlertmanagerSetup>,
    /// Patterns of files with rules.
    pub rule_files: Vec<PathBuf>,
    /// What the server does with rules of its own accord. Prometheus does not have this.
    pub rules: RulesConfig,
    /// Patterns of files with further jobs, which are part of `scrape_configs` already.
    pub scrape_config_files: Vec<PathBuf>,
    /// What to scrape: the jobs of the file itself, then those of included files. No two have the same name.
    pub scrape_configs: Vec<ScrapeConfig>,
    /// How many of `scrape_configs` come from the file itself.
    pub(super) n_own_scrape_configs: usize,
    /// How samples are stored.
    pub storage: StorageConfig,
    /// What may be brought into the store.
    pub limits: LimitsConfig,
    /// Patterns of files with packs beside those that come with the program. Prometheus does not have this.
    pub packs: Vec<PathBuf>,
    /// Patterns of files with objectives. Prometheus does not have this.
    pub slos: Vec<PathBuf>,
    /// Where the server sends traces of itself, if anywhere.
    pub tracing: Option<TracingConfig>,
    /// Servers to which samples are sent.
    pub remote_write: Vec<RemoteWriteConfig>,
    /// Servers from which samples are read.
    pub remote_read: Vec<RemoteReadConfig>,
    /// How metrics that arrive by OTLP become series.
    pub otlp: OtlpConfig,
}

/// A part of a valid Prometheus configuration that has no effect here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What it belongs to.
    pub owner: Owner,
    /// What has no effect, for instance `consul_sd_configs` or `sigv4`.
    pub feature: String,
    /// Whether the owner does nothing at all because of it: no other discovery finds targets.
    pub leaves_nothing: bool,
}

/// An element of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The job of this name.
    Job(String),
    /// The element of `alertmanagers` with this number.
    Alertmanager(usize),
    /// The element of `remote_write` with this number.
    RemoteWrite(usize),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(name) => write!(f, "job {name:?}"),
            Self::Alertmanager(idx) => write!(f, "alertmanagers[{idx}]"),
            Self::RemoteWrite(idx) => write!(f, "remote_write[{idx}]"),
        }
    }
}

/// The sentence for people.
impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, feature, .. } = self;
        match owner {
            _ if !feature.ends_with("_sd_configs") => {
                write!(f, "{feature} is not supported: requests of {owner} are not signed")
            }
            _ => write!(f, "{feature} is not supported and finds no targets for {owner}"),
        }
    }
}

impl Config {
    /// The rule files that there are, each once even if two patterns find it.
    pub fn rule_file_paths(&self) -> Vec<PathBuf> {
        let mut known = HashSet::new();
        let files = self.rule_files.iter().flat_map(|pattern| matching_files(pattern));
        files.filter(|file| known.insert(file.clone())).collect()
    }

    /// What the program does not do although the configuration asks for it. The server says so when it starts, and on the page of
    /// targets.
    pub fn unsupported(&self) -> Vec<Unsupported> {
        let mut found = Vec::new();
        for job in &self.scrape_configs {
            unsupported_discovery(&job.discovery, &Owner::Job(job.job_name.clone()), &mut found);
        }
        for (idx, alertmanager) in self.alerting.alertmanagers.iter().enumerate() {
            let owner = Owner::Alertmanager(idx);
            unsupported_discovery(&alertmanager.discovery, &owner, &mut found);
            if alertmanager.sigv4.is_some() {
                found.push(Unsupported { owner, feature: "sigv4".to_owned(), leaves_nothing: false });
            }
        }
        for (idx, remote) in self.remote_write.iter().enumerate() {
            if let Some((feature, _)) = remote.cloud_credentials {
                let owner = Owner::RemoteWrite(idx);
                found.push(Unsupported { owner, feature: feature.to_owned(), leaves_nothing: false });
            }
        }
        found
    }

    /// The configuration as YAML, with defaults filled in and secrets hidden, in the order and with the omissions of Prometheus.
    pub fn to_yaml(&self) -> String {
        let mut map = MapValue::new();
        map.set("global", self.global.to_value());
        map.set("runtime", self.runtime.to_value());
        map.set_if("alerting", self.alerting.to_value());
        alertmanager::write(self.alertmanager.as_ref(), &mut map);
        map.set_if("rule_files", paths(&self.rule_files));
        map.set_if("scrape_config_files", paths(&self.scrape_config_files));
        let own = self.scrape_configs.iter().take(self.n_own_scrape_configs);
        map.set_if("scrape_configs", Value::List(own.map(ScrapeConfig::to_value).collect()));
        map.set_if("storage", self.storage.to_value());
        map.set_if("limits", self.limits.to_value());
        map.set_if("rules", self.rules.to_value());
        map.set_if("packs", paths(&self.packs));
        map.set_if("slos", paths(&self.slos));
        if let Some(tracing) = &self.tracing {
            map.set("tracing", tracing.to_value());
        }
        let remote_write = self.remote_write.iter().map(RemoteWriteConfig::to_value);
        map.set_if("remote_write", Value::List(remote_write.collect()));
        let remote_read = self.remote_read.iter().map(RemoteReadConfig::to_value);
        map.set_if("remote_read", Value::List(remote_read.collect()));
        map.set("otlp", self.otlp.to_value());
        Value::Map(map).to_yaml()
    }
}

fn paths(paths: &[PathBuf]) -> Value {
    Value::List(paths.iter().map(|path| path.as_path().into()).collect())
}

fn unsupported_discovery(discovery: &[Discovery], owner: &Owner, found: &mut Vec<Unsupported>) {
    let leaves_nothing = discovery.iter().all(|d| d.unsupported().is_some());
    let mut features: Vec<&str> = discovery.iter().filter_map(Discovery::unsupported).collect();
    features.dedup();
    found.extend(features.into_iter().map(|mechanism| Unsupported {
        owner: owner.clone(),
        feature: format!("{mechanism}_sd_configs"),
        leaves_nothing,
    }));
}
