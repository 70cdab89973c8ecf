use std::sync::Arc;

use bellwether_exposition::{CreatedHandling, TypeAndUnitLabels};
use bellwether_model::Labels;
use bellwether_outbound::{Destination, HttpClient};

use crate::config::{Limits, ScrapeConfig};
use crate::failure_log::FailureLog;
use crate::fetch::{Fetch, HttpFetch, request_headers, to_exposition};
use crate::ingest::{HistogramSettings, IngestSettings, LabelLimits, SampleLabels};
use crate::options::ScrapeOptions;
use crate::run::LoopConfig;
use crate::target::TargetSpec;

/// A job, ready to scrape targets.
pub(crate) struct Job {
    pub(crate) config: Arc<ScrapeConfig>,
    name: Arc<str>,
    fetcher: Fetcher,
    failure_log: Option<Arc<FailureLog>>,
    settings: JobSettings,
}

/// Gets targets; the seam for tests.
pub(crate) type Fetcher = Arc<dyn Fn(&TargetSpec, Destination) -> Arc<dyn Fetch> + Send + Sync>;

/// What a job takes from the options of the server.
#[derive(Debug, Clone)]
pub(crate) struct JobSettings {
    limits: Limits,
    type_and_unit_labels: TypeAndUnitLabels,
    created: CreatedHandling,
    extra_metrics: bool,
}

impl JobSettings {
    pub(crate) fn new(config: &ScrapeConfig, options: &ScrapeOptions) -> Self {
        let or = |own: usize, default: usize| if own == 0 { default } else { own };
        let (own, default) = (&config.limits, &options.limits);
        Self {
            limits: Limits {
                body_size_bytes: or(own.body_size_bytes as usize, default.body_size_bytes as usize) as u64,
                samples: or(own.samples, default.samples),
                targets: or(own.targets, default.targets),
                labels: or(own.labels, default.labels),
                label_name_bytes: or(own.label_name_bytes, default.label_name_bytes),
                label_value_bytes: or(own.label_value_bytes, default.label_value_bytes),
                keep_dropped_targets: or(own.keep_dropped_targets, default.keep_dropped_targets),
            },
            type_and_unit_labels: if options.type_and_unit_labels {
                TypeAndUnitLabels::Add
            } else {
                TypeAndUnitLabels::Omit
            },
            created: if options.start_timestamps {
                CreatedHandling::StartTimestamp
            } else {
                CreatedHandling::Series
            },
            extra_metrics: config.extra_scrape_metrics || options.extra_scrape_metrics,
        }
    }

    /// How the samples of a target with `labels` are stored.
    pub(crate) fn ingest(&self, config: &ScrapeConfig, labels: &Labels) -> IngestSettings {
        IngestSettings {
            labels: SampleLabels {
                target: labels.clone(),
                honor_labels: config.honor_labels,
                relabel: config.metric_relabel.clone(),
                limits: LabelLimits {
                    labels: self.limits.labels,
                    name_bytes: self.limits.label_name_bytes,
                    value_bytes: self.limits.label_value_bytes,
                },
                validation: config.validation_scheme,
            },
            honor_timestamps: config.honor_timestamps,
            track_timestamps_staleness: config.track_timestamps_staleness,
            sample_limit: self.limits.samples,
            fallback_protocol: config.fallback_protocol.map(to_exposition),
            type_and_unit_labels: self.type_and_unit_labels,
            created: self.created,
            extra_metrics: self.extra_metrics,
            histograms: HistogramSettings::new(config),
        }
    }
}

impl Job {
    /// A job whose targets are got by `fetcher`.
    pub(crate) fn new(
        config: Arc<ScrapeConfig>,
        fetcher: Fetcher,
        failure_log: Option<Arc<FailureLog>>,
        settings: JobSettings,
    ) -> Self {
        let name = config.job_name.as_str().into();
        Self { config, name, fetcher, failure_log, settings }
    }

    /// Gets the targets of a job by HTTP.
    pub(crate) fn http_fetcher(
        config: Arc<ScrapeConfig>,
        client: HttpClient,
        settings: &JobSettings,
    ) -> Fetcher {
        let body_limit = match settings.limits.body_size_bytes {
            0 => usize::MAX,
            limit => usize::try_from(limit).unwrap_or(usize::MAX),
        };
        Arc::new(move |spec: &TargetSpec, destination| -> Arc<dyn Fetch> {
            let headers = request_headers(&config, spec.timeout);
            let url = spec.url.url().clone();
            Arc::new(HttpFetch::new(client.clone(), url, headers, destination, body_limit))
        })
    }

    /// How a target of this job is scraped.
    pub(super) fn loop_config(
        &self,
        spec: &TargetSpec,
        destination: Destination,
        target_limit_exceeded: Option<(usize, usize)>,
    ) -> LoopConfig {
        LoopConfig {
            fetch: (self.fetcher)(spec, destination),
            ingest: Arc::new(self.settings.ingest(&self.config, &spec.labels)),
            interval: spec.interval,
            timeout: spec.timeout,
            job: Arc::clone(&self.name),
            failure_log: self.failure_log.clone(),
            target_limit_exceeded,
        }
    }

    /// How many targets the job may have; 0 for any number.
    pub(super) fn target_limit(&self) -> usize {
        self.settings.limits.targets
    }

    /// How many dropped targets are remembered; 0 for all.
    pub(super) fn keep_dropped(&self) -> usize {
        self.settings.limits.keep_dropped_targets
    }
}
