use std::path::PathBuf;

use bellwether_model::{
    EscapingScheme, ValidationScheme, format_duration_ms, format_size, parse_duration_ms,
};
use bellwether_yaml::{MapReader, MapValue, Value};

use super::error::{Scope, ScrapeConfigError};
use super::protocol::{ProtocolName, ScrapeProtocol, check_protocols};
use super::spec::{read_escaping_scheme, read_size, read_validation_scheme};

/// What the `global` section says about scraping: the defaults of all jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct ScrapeDefaults {
    /// How often targets are scraped.
    pub interval_ms: i64,
    /// How long a scrape may take; at most the interval.
    pub timeout_ms: i64,
    /// Which formats are asked for, most wanted first; `None` if it depends on native histograms.
    pub protocols: Option<Vec<ScrapeProtocol>>,
    /// Where failed scrapes are logged; empty for nowhere.
    pub failure_log_file: PathBuf,
    /// How much a target may answer.
    pub limits: Limits,
    /// Which names are legal.
    pub validation_scheme: ValidationScheme,
    /// How targets are asked to write names that are not; `None` if it follows from `validation_scheme`.
    pub escaping_scheme: Option<EscapingScheme>,
    /// Whether native histograms are scraped.
    pub native_histograms: bool,
    /// Whether classic histograms become native ones with custom buckets.
    pub convert_classic_histograms: bool,
    /// Whether a classic histogram is kept beside the native one.
    pub always_scrape_classic_histograms: bool,
    /// Whether timeout, sample limit and body size of each scrape are stored as series.
    pub extra_scrape_metrics: bool,
}

/// How much a target may answer. Zero means that there is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// Bytes of an uncompressed answer.
    pub body_size_bytes: u64,
    /// Samples of one scrape after relabelling.
    pub samples: usize,
    /// Targets of one job after relabelling.
    pub targets: usize,
    /// Labels of one sample after relabelling.
    pub labels: usize,
    /// Bytes of a label name.
    pub label_name_bytes: usize,
    /// Bytes of a label value.
    pub label_value_bytes: usize,
    /// Dropped targets that are remembered for the user interface.
    pub keep_dropped_targets: usize,
}

impl Default for ScrapeDefaults {
    fn default() -> Self {
        Self {
            interval_ms: 60_000,
            timeout_ms: 10_000,
            protocols: None,
            failure_log_file: PathBuf::new(),
            limits: Limits::default(),
            validation_scheme: ValidationScheme::Utf8,
            escaping_scheme: Some(EscapingScheme::AllowUtf8),
            native_histograms: false,
            convert_classic_histograms: false,
            always_scrape_classic_histograms: false,
            extra_scrape_metrics: false,
        }
    }
}

impl ScrapeDefaults {
    /// Reads the fields from the `global` section, which has further ones. What is absent or zero has its default.
    pub fn read_fields(map: &mut MapReader<'_, '_>) -> Self {
        let defaults = Self::default();
        let interval = map.parse_or("scrape_interval", 0, parse_duration_ms);
        let timeout = map.parse_or("scrape_timeout", 0, parse_duration_ms);
        let interval_ms = if interval == 0 { defaults.interval_ms } else { interval };
        if timeout > interval_ms {
            map.reject(map.place("scrape_timeout"), ScrapeConfigError::GlobalTimeoutAboveInterval);
        }
        let protocols: Option<Vec<ProtocolName>> = map.optional("scrape_protocols");
        let protocols = protocols.and_then(|names| {
            let checked = check_protocols(&names, &Scope::Global);
            checked.map_err(|error| map.reject(map.place("scrape_protocols"), error)).ok()
        });
        Self {
            interval_ms,
            timeout_ms: if timeout == 0 { defaults.timeout_ms.min(interval_ms) } else { timeout },
            protocols,
            failure_log_file: map.or_default("scrape_failure_log_file"),
            limits: Limits::read_fields(map),
            validation_scheme: read_validation_scheme(map).unwrap_or_default(),
            // Upstream's default for a section that exists is "not set", which follows the validation scheme.
            escaping_scheme: read_escaping_scheme(map, "global"),
            native_histograms: map.or_default("scrape_native_histograms"),
            convert_classic_histograms: map.or_default("convert_classic_histograms_to_nhcb"),
            always_scrape_classic_histograms: map.or_default("always_scrape_classic_histograms"),
            extra_scrape_metrics: map.or_default("extra_scrape_metrics"),
        }
    }

    /// How targets are asked to write names that are not legal, in jobs that say nothing about names.
    pub fn effective_escaping_scheme(&self) -> EscapingScheme {
        self.escaping_scheme.unwrap_or_else(|| escaping_for(self.validation_scheme))
    }

    /// Writes the fields that come before those of rule evaluation.
    pub fn write_first_fields(&self, map: &mut MapValue) {
        map.set("scrape_interval", format_duration_ms(self.interval_ms));
        map.set("scrape_timeout", format_duration_ms(self.timeout_ms));
        if let Some(protocols) = &self.protocols {
            map.set("scrape_protocols", Value::strings(protocols.iter().map(|p| p.as_str())));
        }
    }

    /// Writes the other fields.
    pub fn write_last_fields(&self, map: &mut MapValue) {
        self.limits.write_fields(map);
        map.set("metric_name_validation_scheme", self.validation_scheme.as_str());
        map.set_if("metric_name_escaping_scheme", self.escaping_scheme.map_or("", EscapingScheme::as_str));
        map.set("scrape_native_histograms", self.native_histograms);
        map.set_if("convert_classic_histograms_to_nhcb", self.convert_classic_histograms);
        map.set_if("always_scrape_classic_histograms", self.always_scrape_classic_histograms);
        map.set_if("extra_scrape_metrics", self.extra_scrape_metrics);
    }
}

/// What is asked of targets when only the validation scheme is configured.
pub(super) fn escaping_for(scheme: ValidationScheme) -> EscapingScheme {
    match scheme {
        ValidationScheme::Utf8 => EscapingScheme::AllowUtf8,
        ValidationScheme::Legacy => EscapingScheme::Underscores,
    }
}

impl Limits {
    pub(super) fn read_fields(map: &mut MapReader<'_, '_>) -> Self {
        Self {
            body_size_bytes: read_size(map, "body_size_limit"),
            samples: map.or_default("sample_limit"),
            targets: map.or_default("target_limit"),
            labels: map.or_default("label_limit"),
            label_name_bytes: map.or_default("label_name_length_limit"),
            label_value_bytes: map.or_default("label_value_length_limit"),
            keep_dropped_targets: map.or_default("keep_dropped_targets"),
        }
    }

    /// These limits, with those of `global` where there is none.
    pub(super) fn or(self, global: &Self) -> Self {
        let or = |own: usize, global: usize| if own == 0 { global } else { own };
        Self {
            body_size_bytes: if self.body_size_bytes == 0 {
                global.body_size_bytes
            } else {
                self.body_size_bytes
            },
            samples: or(self.samples, global.samples),
            targets: or(self.targets, global.targets),
            labels: or(self.labels, global.labels),
            label_name_bytes: or(self.label_name_bytes, global.label_name_bytes),
            label_value_bytes: or(self.label_value_bytes, global.label_value_bytes),
            keep_dropped_targets: or(self.keep_dropped_targets, global.keep_dropped_targets),
        }
    }

    pub(super) fn write_fields(&self, map: &mut MapValue) {
        if self.body_size_bytes > 0 {
            map.set("body_size_limit", format_size(self.body_size_bytes));
        }
        map.set_if("sample_limit", self.samples);
        map.set_if("target_limit", self.targets);
        map.set_if("label_limit", self.labels);
        map.set_if("label_name_length_limit", self.label_name_bytes);
        map.set_if("label_value_length_limit", self.label_value_bytes);
        map.set_if("keep_dropped_targets", self.keep_dropped_targets);
    }
}
