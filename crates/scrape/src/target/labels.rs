use std::time::Duration;

use bellwether_model::{Labels, LabelsBuilder, ParseDurationError, format_duration_ms, parse_duration_ms};
use bellwether_relabel::{Scratch, Trace};

use super::url::TargetUrl;
use crate::config::{ScrapeConfig, TargetGroup};

pub(crate) const ADDRESS: &str = "__address__";
pub(crate) const SCHEME: &str = "__scheme__";
pub(crate) const METRICS_PATH: &str = "__metrics_path__";
pub(crate) const PARAM_PREFIX: &str = "__param_";
const SCRAPE_INTERVAL: &str = "__scrape_interval__";
const SCRAPE_TIMEOUT: &str = "__scrape_timeout__";
const META_PREFIX: &str = "__meta_";
const RESERVED_PREFIX: &str = "__";
const JOB: &str = "job";
const INSTANCE: &str = "instance";

/// Makes targets from what discovery finds, by the rules of one job.
#[derive(Debug)]
pub(crate) struct TargetLabels<'c> {
    config: &'c ScrapeConfig,
    scratch: Scratch,
}

/// What became of one discovered target.
#[derive(Debug)]
pub(crate) enum Built {
    Active(Box<TargetSpec>),
    /// Relabelling drops it.
    Dropped(Labels),
}

/// A target that is to be scraped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TargetSpec {
    /// The labels before relabelling.
    pub(crate) discovered: Labels,
    /// The labels that its samples get.
    pub(crate) labels: Labels,
    pub(crate) url: TargetUrl,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    /// Tells the target from others of the job; how often it is scraped does not matter.
    pub(crate) identity: u128,
}

/// Why a discovered target cannot be scraped. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Relabelling left no address.
    #[error("no address")]
    NoAddress,
    /// The address is a URL, or otherwise no host.
    #[error("{0:?} is not a valid hostname")]
    Address(String),
    /// The interval is no duration.
    #[error("error parsing scrape interval: {0}")]
    Interval(#[source] ParseDurationError),
    /// The timeout is no duration.
    #[error("error parsing scrape timeout: {0}")]
    Timeout(#[source] ParseDurationError),
    /// The interval is zero.
    #[error("scrape interval cannot be 0")]
    ZeroInterval,
    /// The timeout is zero.
    #[error("scrape timeout cannot be 0")]
    ZeroTimeout,
    /// A scrape could take longer than the time until the next one.
    #[error("scrape timeout cannot be greater than scrape interval ({timeout:?} > {interval:?})")]
    TimeoutAboveInterval {
        /// The timeout as it is written.
        timeout: String,
        /// The interval as it is written.
        interval: String,
    },
}

impl<'c> TargetLabels<'c> {
    pub(crate) fn new(config: &'c ScrapeConfig) -> Self {
        Self { config, scratch: Scratch::default() }
    }

    /// The targets of a group, one result for each.
    pub(crate) fn of_group<'g>(
        &'g mut self,
        group: &'g TargetGroup,
    ) -> impl Iterator<Item = Result<Built, TargetError>> + 'g {
        group.targets.iter().map(|address| self.of_target(address, group))
    }

    fn of_target(&mut self, address: &str, group: &TargetGroup) -> Result<Built, TargetError> {
        let mut labels = self.discovered(address, group);
        let discovered = labels.build();
        if !self.config.relabel.apply_with(&mut labels, &mut self.scratch) {
            return Ok(Built::Dropped(discovered));
        }
        let spec = self.finish(discovered.clone(), labels)?;
        // A target without any visible label is dropped as well: nobody could tell where its samples come from.
        Ok(if spec.labels.is_empty() { Built::Dropped(discovered) } else { Built::Active(Box::new(spec)) })
    }

    /// The labels before relabelling.
    fn discovered(&self, address: &str, group: &TargetGroup) -> LabelsBuilder {
        let config = self.config;
        let mut labels = LabelsBuilder::new();
        for (name, value) in &group.labels {
            labels.set(name, value);
        }
        labels.set(ADDRESS, address);
        let mut default = |name: &str, value: &str| {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        };
        default(JOB, &config.job_name);
        default(SCRAPE_INTERVAL, &format_duration_ms(config.interval_ms));
        default(SCRAPE_TIMEOUT, &format_duration_ms(config.timeout_ms));
        default(METRICS_PATH, &config.metrics_path);
        default(SCHEME, &config.scheme);
        for (name, values) in &config.params {
            if let Some(first) = values.first() {
                default(&format!("{PARAM_PREFIX}{name}"), first);
            }
        }
        labels
    }

    fn finish(&self, discovered: Labels, mut labels: LabelsBuilder) -> Result<TargetSpec, TargetError> {
        let address = labels.get(ADDRESS).ok_or(TargetError::NoAddress)?.to_owned();
        if address.contains('/') {
            return Err(TargetError::Address(address));
        }
        let (interval, timeout) = interval_and_timeout(&labels)?;
        labels.retain(|name, _| !name.starts_with(META_PREFIX));
        if labels.get(INSTANCE).is_none() {
            labels.set(INSTANCE, &address);
        }
        let url = TargetUrl::new(&labels, &self.config.params).ok_or(TargetError::Address(address))?;
        let visible = labels.build().retain(|label| !label.name.starts_with(RESERVED_PREFIX));
        labels.retain(|name, _| !matches!(name, SCRAPE_INTERVAL | SCRAPE_TIMEOUT));
        let identity = labels.build().hash128();
        Ok(TargetSpec { discovered, labels: visible, url, interval, timeout, identity })
    }
}

/// What each relabelling rule of the job does to a target that was discovered with these labels.
pub(crate) fn trace(config: &ScrapeConfig, discovered: &Labels) -> Trace {
    config.relabel.apply_traced(&mut discovered.to_builder())
}

fn interval_and_timeout(labels: &LabelsBuilder) -> Result<(Duration, Duration), TargetError> {
    let written = |name: &str| labels.get(name).unwrap_or_default();
    let interval_ms = parse_duration_ms(written(SCRAPE_INTERVAL)).map_err(TargetError::Interval)?;
    if interval_ms == 0 {
        return Err(TargetError::ZeroInterval);
    }
    let timeout_ms = parse_duration_ms(written(SCRAPE_TIMEOUT)).map_err(TargetError::Timeout)?;
    if timeout_ms == 0 {
        return Err(TargetError::ZeroTimeout);
    }
    if timeout_ms > interval_ms {
        return Err(TargetError::TimeoutAboveInterval {
            timeout: written(SCRAPE_TIMEOUT).to_owned(),
            interval: written(SCRAPE_INTERVAL).to_owned(),
        });
    }
    let duration = |ms: i64| Duration::from_millis(ms.unsigned_abs());
    Ok((duration(interval_ms), duration(timeout_ms)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::test_config::job;

    fn build(yaml: &str, address: &str, labels: &[(&str, &str)]) -> Result<Built, String> {
        let config = job(yaml);
        let labels: BTreeMap<_, _> = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let group = TargetGroup { source: "0".into(), targets: vec![address.to_owned()], labels };
        let mut targets = TargetLabels::new(&config);
        let built = targets.of_group(&group).next().expect("one target");
        built.map_err(|e| e.to_string())
    }

    fn active(yaml: &str, address: &str, labels: &[(&str, &str)]) -> TargetSpec {
        match build(yaml, address, labels) {
            Ok(Built::Active(spec)) => *spec,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn builds_labels_as_prometheus_does() {
        let spec = active(
            "job_name: j\nscrape_interval: 1m\nscrape_timeout: 5s\nparams: {module: [a, b], empty: []}",
            "1.2.3.4:1000",
            &[("env", "prod"), ("__meta_x", "y")],
        );
        assert_eq!(
            spec.discovered.to_string(),
            r#"{__address__="1.2.3.4:1000", __meta_x="y", __metrics_path__="/metrics", __param_module="a", __scheme__="http", __scrape_interval__="1m", __scrape_timeout__="5s", env="prod", job="j"}"#
        );
        assert_eq!(spec.labels.to_string(), r#"{env="prod", instance="1.2.3.4:1000", job="j"}"#);
        assert_eq!(spec.url.shown(), "http://1.2.3.4:1000/metrics?module=a&module=b");
        assert_eq!((spec.interval, spec.timeout), (Duration::from_mins(1), Duration::from_secs(5)));
    }

    #[test]
    fn labels_of_the_target_win_over_the_job() {
        let labels = [
            ("job", "other"),
            ("instance", "named"),
            ("__scheme__", "https"),
            ("__metrics_path__", "/probe"),
            ("__scrape_interval__", "30s"),
            ("__scrape_timeout__", "1s500ms"),
            ("__param_module", "c"),
        ];
        let spec = active("job_name: j\nparams: {module: [a, b]}", "host", &labels);
        assert_eq!(spec.labels.to_string(), r#"{instance="named", job="other"}"#);
        // No port is added: the address stays as it was discovered.
        assert_eq!(spec.url.shown(), "https://host/probe?module=c&module=b");
        assert_eq!((spec.interval, spec.timeout), (Duration::from_secs(30), Duration::from_millis(1500)));
    }

    #[test]
    fn relabelling_drops_and_moves() {
        let drop = "job_name: j\nrelabel_configs: [{source_labels: [env], regex: dev, action: drop}]";
        match build(drop, "a:1", &[("env", "dev")]) {
            Ok(Built::Dropped(discovered)) => assert_eq!(discovered.get("env"), Some("dev")),
            other => panic!("{other:?}"),
        }
        let moved = "job_name: j\nrelabel_configs:\n\
            - {source_labels: [__address__], target_label: __param_target}\n\
            - {source_labels: [__param_target], target_label: instance}\n\
            - {target_label: __address__, replacement: 'exporter:9115'}";
        let spec = active(moved, "https://example.com", &[]);
        assert_eq!(spec.labels.get("instance"), Some("https://example.com"));
        assert_eq!(spec.url.shown(), "http://exporter:9115/metrics?target=https%3A%2F%2Fexample.com");
    }

    #[test]
    fn what_cannot_be_scraped_says_why() {
        let check = |labels: &[(&str, &str)], want: &str| {
            assert_eq!(build("job_name: j", "1.2.3.4:1000", labels).err().as_deref(), Some(want));
        };
        check(
            &[("__scrape_interval__", "2notseconds")],
            "error parsing scrape interval: unknown unit \"notseconds\" in duration \"2notseconds\"",
        );
        check(
            &[("__scrape_timeout__", "2notseconds")],
            "error parsing scrape timeout: unknown unit \"notseconds\" in duration \"2notseconds\"",
        );
        check(&[("__scrape_interval__", "0s")], "scrape interval cannot be 0");
        check(&[("__scrape_timeout__", "0s")], "scrape timeout cannot be 0");
        check(
            &[("__scrape_interval__", "1s"), ("__scrape_timeout__", "2s")],
            "scrape timeout cannot be greater than scrape interval (\"2s\" > \"1s\")",
        );
        let error = build("job_name: j", "http://a", &[]).err();
        assert_eq!(error.as_deref(), Some("\"http://a\" is not a valid hostname"));
        let no_address = "job_name: j\nrelabel_configs: [{regex: __address__, action: labeldrop}]";
        assert_eq!(build(no_address, "a", &[]).err().as_deref(), Some("no address"));
    }

    #[test]
    fn the_interval_is_not_part_of_the_identity() {
        let identity = |labels: &[(&str, &str)]| active("job_name: j", "a:1", labels).identity;
        let plain = identity(&[]);
        assert_eq!(identity(&[("__scrape_interval__", "30s")]), plain);
        assert_eq!(identity(&[("__meta_pod", "p")]), plain);
        assert_ne!(identity(&[("env", "prod")]), plain);
        assert_ne!(identity(&[("__metrics_path__", "/other")]), plain);
        assert_ne!(identity(&[("__param_x", "y")]), plain);
    }

    #[test]
    fn traces_every_rule() {
        let config = job("job_name: j\nrelabel_configs:\n\
            - {source_labels: [__meta_env], target_label: env}\n\
            - {source_labels: [env], regex: dev, action: drop}\n\
            - {target_label: never, replacement: x}");
        let discovered = Labels::from_pairs([("__meta_env", "dev")]);
        let trace = trace(&config, &discovered);
        assert!(!trace.kept);
        assert_eq!(trace.steps.len(), 2);
        assert_eq!(trace.steps[0].changes[0].after.as_deref(), Some("dev"));
        assert!(trace.steps[1].dropped);
    }
}
