use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_model::{EscapingScheme, ValidationScheme, parse_duration_ms, parse_size};
use bellwether_outbound::HttpClientConfig;
use bellwether_relabel::{SpecList, read_specs};
use bellwether_yaml::{At, Decode, Errors, MapReader, Node, Reported};

use super::defaults::{Limits, ScrapeDefaults, escaping_for};
use super::discovery::{Discovery, has_static_url, read_discovery};
use super::error::{Scope, ScrapeConfigError};
use super::job::ScrapeConfig;
use super::protocol::{ProtocolName, ScrapeProtocol, check_protocols};

/// One element of `scrape_configs` as the user wrote it.
#[derive(Debug)]
pub struct ScrapeSpec<'d> {
    node: Node<'d>,
    /// The job name; not empty.
    pub job_name: At<'d, String>,
    honor_labels: bool,
    honor_timestamps: bool,
    track_timestamps_staleness: bool,
    params: BTreeMap<String, Vec<String>>,
    interval_ms: i64,
    timeout_ms: i64,
    protocols: Option<At<'d, Vec<ProtocolName>>>,
    fallback_protocol: Option<At<'d, ProtocolName>>,
    native_histograms: Option<bool>,
    always_scrape_classic_histograms: Option<bool>,
    convert_classic_histograms: Option<bool>,
    failure_log_file: PathBuf,
    metrics_path: String,
    scheme: String,
    enable_compression: bool,
    limits: Limits,
    native_histogram_bucket_limit: usize,
    native_histogram_min_bucket_factor: f64,
    validation_scheme: Option<ValidationScheme>,
    escaping_scheme: Option<EscapingScheme>,
    extra_scrape_metrics: Option<bool>,
    http: HttpClientConfig,
    relabel: SpecList<'d>,
    metric_relabel: SpecList<'d>,
    discovery: Vec<Discovery>,
}

impl<'d> Decode<'d> for ScrapeSpec<'d> {
    fn type_name() -> Cow<'static, str> {
        "config.ScrapeConfig".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.ScrapeConfig", errors)?;
        let job_name = map.optional("job_name").unwrap_or(At { value: String::new(), node });
        let relabel =
            read_specs(&mut map, "relabel_configs", "empty or null target relabeling rule in scrape config");
        let metric_relabel = read_specs(
            &mut map,
            "metric_relabel_configs",
            "empty or null metric relabeling rule in scrape config",
        );
        let spec = Self {
            node,
            job_name,
            honor_labels: map.or_default("honor_labels"),
            honor_timestamps: map.or("honor_timestamps", true),
            track_timestamps_staleness: map.or_default("track_timestamps_staleness"),
            params: map.or_default("params"),
            interval_ms: map.parse_or("scrape_interval", 0, parse_duration_ms),
            timeout_ms: map.parse_or("scrape_timeout", 0, parse_duration_ms),
            protocols: map.optional("scrape_protocols"),
            fallback_protocol: map.optional("fallback_scrape_protocol"),
            native_histograms: map.optional("scrape_native_histograms"),
            always_scrape_classic_histograms: map.optional("always_scrape_classic_histograms"),
            convert_classic_histograms: map.optional("convert_classic_histograms_to_nhcb"),
            failure_log_file: map.or_default("scrape_failure_log_file"),
            metrics_path: map.or("metrics_path", "/metrics".to_owned()),
            scheme: map.or("scheme", "http".to_owned()),
            enable_compression: map.or("enable_compression", true),
            limits: Limits::read_fields(&mut map),
            native_histogram_bucket_limit: map.or_default("native_histogram_bucket_limit"),
            native_histogram_min_bucket_factor: map.or_default("native_histogram_min_bucket_factor"),
            validation_scheme: read_validation_scheme(&mut map),
            escaping_scheme: read_escaping_scheme(&mut map, "scrape config"),
            extra_scrape_metrics: map.optional("extra_scrape_metrics"),
            http: HttpClientConfig::read_fields(&mut map, &HttpClientConfig::default()),
            discovery: read_discovery(&mut map),
            relabel,
            metric_relabel,
        };
        if !map.has_failed() && spec.job_name.value.is_empty() {
            map.reject(map.place("job_name"), ScrapeConfigError::EmptyJobName);
        }
        // With relabelling, what looks like a URL may be a parameter for an exporter such as the black box exporter.
        if spec.relabel.is_empty()
            && let Some(url) = has_static_url(&spec.discovery)
        {
            map.reject(map.place("static_configs"), ScrapeConfigError::NotAHost(url.to_owned()));
        }
        map.finish()?;
        Ok(spec)
    }
}

impl ScrapeSpec<'_> {
    /// Checks the job and fills in what it inherits.
    pub fn resolve(self, global: &ScrapeDefaults, errors: &mut Errors) -> Result<ScrapeConfig, Reported> {
        let job = self.job_name.value;
        let reject = |field: &str, error, errors: &mut Errors| errors.reject(self.node.place(field), error);
        let mut failed = None;

        let interval_ms = if self.interval_ms == 0 { global.interval_ms } else { self.interval_ms };
        if self.timeout_ms > interval_ms {
            let error = ScrapeConfigError::TimeoutAboveInterval(job.clone());
            failed = Some(reject("scrape_timeout", error, errors));
        }
        let timeout_ms =
            if self.timeout_ms == 0 { global.timeout_ms.min(interval_ms) } else { self.timeout_ms };
        let native_histograms = self.native_histograms.unwrap_or(global.native_histograms);
        let protocols = match (&self.protocols, &global.protocols) {
            (Some(names), _) => {
                check_protocols(&names.value, &Scope::Job(job.clone())).unwrap_or_else(|error| {
                    failed = Some(reject("scrape_protocols", error, errors));
                    Vec::new()
                })
            }
            (None, Some(protocols)) => protocols.clone(),
            (None, None) if native_histograms => ScrapeProtocol::DEFAULT_PROTO_FIRST.to_vec(),
            (None, None) => ScrapeProtocol::DEFAULT.to_vec(),
        };
        let fallback_protocol =
            self.fallback_protocol.filter(|name| !name.value.0.is_empty()).and_then(|name| {
                let protocol = ScrapeProtocol::parse(&name.value.0);
                if protocol.is_none() {
                    let error = ScrapeConfigError::UnknownFallback { name: name.value.0, job: job.clone() };
                    failed = Some(reject("fallback_scrape_protocol", error, errors));
                }
                protocol
            });
        let validation_scheme = self.validation_scheme.unwrap_or(global.validation_scheme);
        let escaping_scheme = match (self.escaping_scheme, self.validation_scheme) {
            (Some(escaping), _) => escaping,
            (None, None) => global.effective_escaping_scheme(),
            // A job that only says "legacy" must not inherit the UTF-8 names of the global section.
            (None, Some(scheme)) => escaping_for(scheme),
        };
        if escaping_scheme == EscapingScheme::AllowUtf8 && validation_scheme != ValidationScheme::Utf8 {
            failed = Some(reject("metric_name_escaping_scheme", ScrapeConfigError::EscapingConflict, errors));
        }
        let relabel = self.relabel.check(validation_scheme, errors);
        let metric_relabel = self.metric_relabel.check(validation_scheme, errors);
        let (relabel, metric_relabel) = (relabel?, metric_relabel?);
        if let Some(reported) = failed {
            return Err(reported);
        }
        let or_global =
            |own: PathBuf, global: &PathBuf| if own.as_os_str().is_empty() { global.clone() } else { own };
        Ok(ScrapeConfig {
            job_name: job,
            honor_labels: self.honor_labels,
            honor_timestamps: self.honor_timestamps,
            track_timestamps_staleness: self.track_timestamps_staleness,
            params: self.params,
            interval_ms,
            timeout_ms,
            protocols,
            fallback_protocol,
            native_histograms,
            always_scrape_classic_histograms: self
                .always_scrape_classic_histograms
                .unwrap_or(global.always_scrape_classic_histograms),
            convert_classic_histograms: self
                .convert_classic_histograms
                .unwrap_or(global.convert_classic_histograms),
            failure_log_file: or_global(self.failure_log_file, &global.failure_log_file),
            metrics_path: self.metrics_path,
            scheme: self.scheme,
            enable_compression: self.enable_compression,
            limits: self.limits.or(&global.limits),
            native_histogram_bucket_limit: self.native_histogram_bucket_limit,
            native_histogram_min_bucket_factor: self.native_histogram_min_bucket_factor,
            validation_scheme,
            escaping_scheme,
            extra_scrape_metrics: self.extra_scrape_metrics.unwrap_or(global.extra_scrape_metrics),
            http: self.http,
            relabel,
            metric_relabel,
            discovery: self.discovery,
        })
    }
}

/// Reads `metric_name_validation_scheme`; `None` if it is not set.
pub fn read_validation_scheme(map: &mut MapReader<'_, '_>) -> Option<ValidationScheme> {
    let parse = |name: &str| match name {
        "" => Ok(None),
        "utf8" => Ok(Some(ValidationScheme::Utf8)),
        "legacy" => Ok(Some(ValidationScheme::Legacy)),
        other => Err(ScrapeConfigError::UnknownValidationScheme(other.to_owned())),
    };
    map.parse_or("metric_name_validation_scheme", None, parse)
}

/// Reads `metric_name_escaping_scheme`; `None` if it is not set.
pub(super) fn read_escaping_scheme(
    map: &mut MapReader<'_, '_>,
    level: &'static str,
) -> Option<EscapingScheme> {
    let parse = |name: &str| match EscapingScheme::parse(name) {
        None if !name.is_empty() => {
            Err(ScrapeConfigError::UnknownEscapingScheme { level, name: name.to_owned() })
        }
        scheme => Ok(scheme),
    };
    map.parse_or("metric_name_escaping_scheme", None, parse)
}

/// Reads a size in bytes. Prometheus takes a negative size for no limit.
pub(super) fn read_size(map: &mut MapReader<'_, '_>, field: &'static str) -> u64 {
    map.parse_or(field, 0, |text| match text.strip_prefix('-') {
        Some(magnitude) => parse_size(magnitude).map(|_| 0),
        None => parse_size(text),
    })
}
