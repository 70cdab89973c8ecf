//! What the server tells about itself on `/metrics`.

mod alerts;

use std::collections::BTreeMap;

use bellwether_exposition::{Family, MetricType, Number, OutputFormat, Part, Sample, Writer};

use crate::rule_metrics::{alertmanagers, rules};
use crate::state::AppState;
use crate::stats::DURATION_BOUNDS_S;
use crate::storage::StorageDetails;

/// What `/api/v1/status/storage` tells, as far as it is numbers of the store as a whole.
fn storage_as_a_whole(metrics: &mut Metrics<'_>, details: &StorageDetails) {
    let StorageDetails { upkeep, retention, recovery, .. } = details;
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for problem in &recovery.problems {
        *kinds.entry(problem.kind).or_default() += 1;
    }
    // A torn tail is what a crash leaves, and no damage.
    kinds.remove("torn tail");
    let at_start: u64 = kinds.values().sum();
    kinds.insert("read", details.corruptions.saturating_sub(at_start));
    let rows = kinds.into_iter().map(|(kind, n)| (vec![("kind", kind.to_owned())], n as f64));
    metrics.family(
        "bellwether_storage_corruptions_total",
        MetricType::Counter,
        "Damaged places found at the start, by what they are in, or later by reading.",
        &rows.collect(),
    );
    let seconds = |ms: Option<i64>| ms.map_or(0.0, |ms| ms as f64 / 1000.0);
    let bytes = |n: Option<u64>| n.unwrap_or(0) as f64;
    for (name, help, value) in [
        ("used_bytes", "Size of parts, log and checkpoint.", details.used_bytes as f64),
        ("checkpoint_bytes", "Size of the checkpoint.", details.checkpoint_bytes as f64),
        (
            "free_bytes",
            "Bytes that are free on the file system; 0 if that is not known.",
            bytes(details.free_bytes),
        ),
        ("quarantined_files", "Files that are kept of damage.", details.quarantine.files as f64),
        ("quarantined_bytes", "Size of what is kept of damage.", details.quarantine.bytes as f64),
        ("head_samples", "Samples in memory that are not in parts.", details.head.samples as f64),
        (
            "deleted_intervals",
            "Stretches of series that are deleted and still on the disk.",
            details.tombstones.intervals as f64,
        ),
        ("retention_seconds", "How long samples are kept; 0 for no limit.", seconds(retention.time_ms)),
        ("retention_limit_bytes", "How much is kept; 0 for no limit.", bytes(retention.bytes)),
        ("log_unsynced_bytes", "Bytes of the log that are not durable.", details.log.unsynced_bytes as f64),
        (
            "upkeep_last_run_timestamp_seconds",
            "When the last round of upkeep ended, in seconds since the Unix epoch.",
            seconds(upkeep.last_run),
        ),
        ("upkeep_last_duration_seconds", "How long the last round of upkeep took.", upkeep.last_took_seconds),
        (
            "upkeep_last_failed",
            "Whether the last round of upkeep failed.",
            f64::from(u8::from(upkeep.last_error.is_some())),
        ),
        (
            "recovery_clean",
            "Whether nothing was lost when the store was opened.",
            f64::from(u8::from(recovery.clean)),
        ),
    ] {
        metrics.gauge(&format!("bellwether_storage_{name}"), help, value);
    }
    metrics.counter("bellwether_storage_log_syncs_total", "Syncs of the log.", details.log.syncs as f64);
    metrics.counter(
        "bellwether_storage_log_sync_seconds_total",
        "How long syncs of the log took, all together.",
        details.log.sync_seconds,
    );
    metrics.counter(
        "bellwether_storage_log_failures_total",
        "Writes and syncs of the log that failed.",
        details.log.failures as f64,
    );
}

/// Samples of one family: labels and value.
pub(crate) type Rows<'a> = Vec<(Vec<(&'a str, String)>, f64)>;

/// Writes all families.
pub(crate) fn write(state: &AppState, format: OutputFormat) -> String {
    let mut text = String::new();
    let mut metrics = Metrics { writer: Writer::new(&mut text, format) };
    build(&mut metrics, state);
    clock(&mut metrics, state);
    reload(&mut metrics, state);
    query_log(&mut metrics, state);
    pace(&mut metrics, state);
    queries(&mut metrics, state);
    memory(&mut metrics, state);
    writes(&mut metrics, state);
    requests(&mut metrics, state);
    scraping(&mut metrics, state);
    alerts::write(&mut metrics, state);
    storage(&mut metrics, state);
    rules(&mut metrics, state);
    alertmanagers(&mut metrics, state);
    state.host.finish(&mut text, format);
    text
}

/// What is written so far.
pub(crate) struct Metrics<'b> {
    writer: Writer<'b>,
}

impl Metrics<'_> {
    pub(crate) fn family(&mut self, name: &str, metric_type: MetricType, help: &str, rows: &Rows<'_>) {
        self.writer.family(&Family { name, metric_type, help, unit: "" });
        for (labels, value) in rows {
            let sample = Sample::new(Part::Value, Number::Float(*value));
            self.writer.sample(&sample, labels.iter().map(|(n, v)| (*n, v.as_str())));
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, MetricType::Gauge, help, &vec![(Vec::new(), value)]);
    }

    fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.family(name, MetricType::Counter, help, &vec![(Vec::new(), value)]);
    }
}

fn build(metrics: &mut Metrics<'_>, state: &AppState) {
    let labels = state.settings.build.iter().filter(|(name, _)| matches!(*name, "version" | "revision"));
    let labels = labels.map(|(name, value)| (*name, value.clone())).collect();
    metrics.family(
        "bellwether_build_info",
        MetricType::Gauge,
        "Which version runs; the value is always 1.",
        &vec![(labels, 1.0)],
    );
}

fn clock(metrics: &mut Metrics<'_>, state: &AppState) {
    metrics.counter(
        "bellwether_clock_jumps_total",
        "How often the clock of the machine was moved by more than half a minute.",
        state.operations.clock_jumps().count as f64,
    );
}

fn reload(metrics: &mut Metrics<'_>, state: &AppState) {
    let last = state.operations.last_reload();
    metrics.gauge(
        "bellwether_config_last_reload_successful",
        "Whether the last attempt to load the configuration succeeded.",
        f64::from(u8::from(last.failure.is_none())),
    );
    metrics.gauge(
        "bellwether_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was loaded, in seconds since the Unix epoch.",
        last.loaded_at_ms as f64 / 1000.0,
    );
}

fn pace(metrics: &mut Metrics<'_>, state: &AppState) {
    let [at_once, given_up] = state.pace.counts();
    metrics.counter(
        "bellwether_queries_answered_at_once_total",
        "Queries answered without being handed to a thread of their own, because they were quick the last time.",
        at_once as f64,
    );
    metrics.counter(
        "bellwether_queries_given_up_at_once_total",
        "Queries begun that way that took longer than expected and began anew on a thread of their own.",
        given_up as f64,
    );
}

fn query_log(metrics: &mut Metrics<'_>, state: &AppState) {
    metrics.gauge(
        "bellwether_query_log_enabled",
        "Whether queries are logged to a file.",
        f64::from(u8::from(state.query_log.is_enabled())),
    );
    metrics.counter(
        "bellwether_query_log_failures_total",
        "Lines of the query log that could not be written.",
        state.query_log.failures() as f64,
    );
}

fn queries(metrics: &mut Metrics<'_>, state: &AppState) {
    metrics.gauge(
        "bellwether_query_memory_bytes",
        "Memory that queries and answers on their way to clients have set aside.",
        state.query_memory.reserved_bytes() as f64,
    );
}

fn memory(metrics: &mut Metrics<'_>, state: &AppState) {
    let memory = &state.memory;
    let bytes = |n: u64| n as f64;
    metrics.gauge(
        "bellwether_memory_limit_bytes",
        "Memory that the process may use.",
        bytes(memory.limit_bytes()),
    );
    metrics.gauge(
        "bellwether_memory_used_bytes",
        "Resident memory that is not a mapped file, as it was seen last.",
        bytes(memory.used_bytes()),
    );
    let rows = memory.counts().map(|(what, n)| (vec![("what", what.to_owned())], n as f64));
    metrics.family(
        "bellwether_memory_refused_total",
        MetricType::Counter,
        "Queries and writes refused, and running queries cancelled, because the memory of the process ran out.",
        &rows.into(),
    );
}

fn writes(metrics: &mut Metrics<'_>, state: &AppState) {
    metrics.gauge(
        "bellwether_write_body_bytes",
        "Bytes of the bodies of writes that are read and decoded now.",
        state.write_gate.held_bytes() as f64,
    );
    let rows = state.write_gate.refused().map(|(limit, n)| (vec![("limit", limit.to_owned())], n as f64));
    metrics.family(
        "bellwether_writes_refused_total",
        MetricType::Counter,
        "Writes that were told to come again because too much was going on.",
        &rows.into(),
    );
}

fn requests(metrics: &mut Metrics<'_>, state: &AppState) {
    let rows = state.stats.rows();
    let labels = |handler: &str, code: u16| vec![("handler", handler.to_owned()), ("code", code.to_string())];
    let totals = rows
        .iter()
        .map(|((handler, code), row)| (labels(handler, *code), row.buckets.iter().sum::<u64>() as f64));
    metrics.family(
        "bellwether_http_requests_total",
        MetricType::Counter,
        "HTTP requests answered.",
        &totals.collect(),
    );
    metrics.writer.family(&Family {
        name: "bellwether_http_request_duration_seconds",
        metric_type: MetricType::Histogram,
        help: "Time to answer an HTTP request.",
        unit: "seconds",
    });
    for ((handler, code), row) in &rows {
        let labels = labels(handler, *code);
        let pairs = || labels.iter().map(|(n, v)| (*n, v.as_str()));
        let mut count = 0;
        for (bucket, observed) in row.buckets.iter().enumerate() {
            count += observed;
            let mut sample = Sample::new(Part::Bucket, Number::Count(count));
            sample.bound = Some(DURATION_BOUNDS_S.get(bucket).copied().unwrap_or(f64::INFINITY));
            metrics.writer.sample(&sample, pairs());
        }
        metrics.writer.sample(&Sample::new(Part::Sum, Number::Float(row.seconds)), pairs());
        metrics.writer.sample(&Sample::new(Part::Count, Number::Count(count)), pairs());
    }
}

fn scraping(metrics: &mut Metrics<'_>, state: &AppState) {
    let c = state.scrape.counters();
    for (name, help, value) in [
        ("scrapes", "Scrapes, good and bad.", c.scrapes),
        ("scrapes_failed", "Scrapes that failed.", c.scrapes_failed),
        ("scrapes_missed", "Scrapes left out because one before took too long.", c.scrapes_missed),
        ("samples_scraped", "Samples that targets exposed.", c.samples_scraped),
        ("samples_stored", "Samples that the store took.", c.samples_stored),
    ] {
        metrics.counter(&format!("bellwether_scrape_{name}_total"), help, value as f64);
    }
    let discovery = state.scrape.discovery();
    let rows = discovery.iter().map(|d| {
        let labels =
            vec![("job", d.job.clone()), ("mechanism", d.mechanism.to_owned()), ("source", d.source.clone())];
        (labels, f64::from(u8::from(d.last_error.is_some())))
    });
    metrics.family(
        "bellwether_sd_last_refresh_failed",
        MetricType::Gauge,
        "Whether the last attempt of a discovery failed; the targets known before stay.",
        &rows.collect(),
    );
}

fn storage(metrics: &mut Metrics<'_>, state: &AppState) {
    let details = state.storage.details();
    metrics.gauge("bellwether_tsdb_head_series", "Series in memory.", details.head.series as f64);
    metrics.gauge("bellwether_tsdb_head_chunks", "Chunks in memory.", details.head.chunks as f64);
    storage_as_a_whole(metrics, &details);
    let rows = details.refused_by_limit.iter().map(|(l, n)| (vec![("limit", (*l).to_owned())], *n as f64));
    metrics.family(
        "bellwether_ingest_refused_total",
        MetricType::Counter,
        "Samples and exemplars refused because of a limit; a scrape that fails as a whole counts once.",
        &rows.collect(),
    );
    for (name, help, value) in &details.counters {
        metrics.counter(&format!("bellwether_tsdb_{name}_total"), help, *value as f64);
    }
    for (name, help, value) in &details.gauges {
        metrics.gauge(&format!("bellwether_tsdb_{name}"), help, *value);
    }
}
