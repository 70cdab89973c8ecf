use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_model::{EscapingScheme, ValidationScheme, format_duration_ms};
use bellwether_outbound::HttpClientConfig;
use bellwether_relabel::Rules;
use bellwether_yaml::{MapValue, Value};

use super::defaults::Limits;
use super::discovery::{Discovery, write_discovery};
use super::protocol::ScrapeProtocol;

/// One job: what to scrape, how, and how much. Everything is filled in and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeConfig {
    /// The value of the label `job`; not empty, unique in the whole configuration.
    pub job_name: String,
    /// Whether labels of the target win over those that Bellwether attaches.
    pub honor_labels: bool,
    /// Whether timestamps of the target are used.
    pub honor_timestamps: bool,
    /// Whether series with timestamps of the target get staleness markers.
    pub track_timestamps_staleness: bool,
    /// Parameters of the URL, by name.
    pub params: BTreeMap<String, Vec<String>>,
    /// How often targets are scraped.
    pub interval_ms: i64,
    /// How long a scrape may take; at most the interval.
    pub timeout_ms: i64,
    /// Which formats are asked for, most wanted first; not empty, none twice.
    pub protocols: Vec<ScrapeProtocol>,
    /// Which format an answer without a usable `Content-Type` is taken for.
    pub fallback_protocol: Option<ScrapeProtocol>,
    /// Whether native histograms are scraped.
    pub native_histograms: bool,
    /// Whether a classic histogram is kept beside the native one.
    pub always_scrape_classic_histograms: bool,
    /// Whether classic histograms become native ones with custom buckets.
    pub convert_classic_histograms: bool,
    /// Where failed scrapes are logged; empty for nowhere.
    pub failure_log_file: PathBuf,
    /// The path of the URL.
    pub metrics_path: String,
    /// The scheme of the URL, `http` or `https`.
    pub scheme: String,
    /// Whether compressed answers are asked for.
    pub enable_compression: bool,
    /// How much a target may answer.
    pub limits: Limits,
    /// Most buckets of a native histogram before buckets are merged; 0 for no limit.
    pub native_histogram_bucket_limit: usize,
    /// Smallest growth from one bucket of a native histogram to the next before buckets are merged; 0 for no limit.
    pub native_histogram_min_bucket_factor: f64,
    /// Which names are legal.
    pub validation_scheme: ValidationScheme,
    /// How targets are asked to write names that are not.
    pub escaping_scheme: EscapingScheme,
    /// Whether timeout, sample limit and body size of each scrape are stored as series.
    pub extra_scrape_metrics: bool,
    /// How requests are made.
    pub http: HttpClientConfig,
    /// What happens to the labels of targets.
    pub relabel: Rules,
    /// What happens to the labels of samples.
    pub metric_relabel: Rules,
    /// Where targets come from.
    pub discovery: Vec<Discovery>,
}

impl ScrapeConfig {
    /// The discovery mechanisms of this job that Bellwether does not have, by name (`consul`, ...). They find no targets.
    pub fn unsupported_discovery(&self) -> impl Iterator<Item = &'static str> {
        self.discovery.iter().filter_map(Discovery::unsupported)
    }

    /// The job for people to read, in the order and with the omissions of Prometheus; secrets are hidden.
    pub fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("job_name", self.job_name.as_str());
        map.set_if("honor_labels", self.honor_labels);
        map.set("honor_timestamps", self.honor_timestamps);
        map.set("track_timestamps_staleness", self.track_timestamps_staleness);
        let mut params = MapValue::new();
        for (name, values) in &self.params {
            params.set(name.as_str(), Value::strings(values));
        }
        map.set_if("params", params);
        map.set("scrape_interval", format_duration_ms(self.interval_ms));
        map.set("scrape_timeout", format_duration_ms(self.timeout_ms));
        map.set("scrape_protocols", Value::strings(self.protocols.iter().map(|p| p.as_str())));
        map.set_if("fallback_scrape_protocol", self.fallback_protocol.map_or("", ScrapeProtocol::as_str));
        map.set("scrape_native_histograms", self.native_histograms);
        map.set("always_scrape_classic_histograms", self.always_scrape_classic_histograms);
        map.set("convert_classic_histograms_to_nhcb", self.convert_classic_histograms);
        map.set_if("scrape_failure_log_file", self.failure_log_file.as_path());
        map.set_if("metrics_path", self.metrics_path.as_str());
        map.set_if("scheme", self.scheme.as_str());
        map.set("enable_compression", self.enable_compression);
        self.limits.write_fields(&mut map);
        map.set_if("native_histogram_bucket_limit", self.native_histogram_bucket_limit);
        map.set_if("native_histogram_min_bucket_factor", self.native_histogram_min_bucket_factor);
        map.set("metric_name_validation_scheme", self.validation_scheme.as_str());
        map.set("metric_name_escaping_scheme", self.escaping_scheme.as_str());
        map.set("extra_scrape_metrics", self.extra_scrape_metrics);
        self.http.write_fields(&mut map);
        map.set_if("relabel_configs", self.relabel.to_value());
        map.set_if("metric_relabel_configs", self.metric_relabel.to_value());
        write_discovery(&self.discovery, &mut map);
        map.into()
    }
}
