use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::METRIC_NAME;

use super::data::Data;

/// What a metric counts or measures, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Gauge,
    Counter,
    Buckets,
}

/// A metric that queries can ask for.
#[derive(Debug, Clone)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The labels with their values; the label that tells most series apart comes first.
    pub(crate) labels: Vec<(String, Vec<String>)>,
    pub(crate) n_series: usize,
}

/// Metrics that are about the same thing, so that it makes sense to combine them.
pub(crate) type Group = Vec<Metric>;

/// The words that queries are made of: the metrics of the data, a group per job.
///
/// What the node exporter says depends on the machine, so only what every Linux machine has is listed, by hand. Thus a seed stands for the
/// same queries everywhere.
pub(crate) fn groups(data: &Data) -> Vec<Group> {
    #[derive(Default)]
    struct Seen<'a> {
        labels: BTreeMap<&'a str, BTreeSet<&'a str>>,
        n_series: usize,
    }
    let mut seen: BTreeMap<&str, BTreeMap<&str, Seen<'_>>> = BTreeMap::new();
    for labels in data.series.keys() {
        let job = labels.get("job").unwrap_or_default();
        if job == "node" {
            continue;
        }
        let metric = seen.entry(job).or_default().entry(labels.metric_name()).or_default();
        metric.n_series += 1;
        for label in labels.iter().filter(|label| label.name != METRIC_NAME) {
            metric.labels.entry(label.name).or_default().insert(label.value);
        }
    }
    let owned = |(name, seen): (&str, Seen<'_>)| {
        let mut labels: Vec<(String, Vec<String>)> = seen
            .labels
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect()))
            .collect();
        labels.sort_by_key(|(_, values)| std::cmp::Reverse(values.len()));
        Metric { name: name.to_owned(), kind: kind(name), labels, n_series: seen.n_series }
    };
    let mut groups: Vec<Group> =
        seen.into_values().map(|metrics| metrics.into_iter().map(owned).collect()).collect();
    groups.push(node());
    groups
}

fn kind(name: &str) -> Kind {
    if name.ends_with("_bucket") {
        Kind::Buckets
    } else if ["_total", "_count", "_sum"].iter().any(|suffix| name.ends_with(suffix)) {
        Kind::Counter
    } else {
        Kind::Gauge
    }
}

fn node() -> Group {
    let metric = |name: &str, labels: &[(&str, &[&str])], n_series| Metric {
        name: name.to_owned(),
        kind: kind(name),
        labels: labels
            .iter()
            .chain(&[("job", &["node"][..]), ("instance", &["localhost:9100"])])
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
            .collect(),
        n_series,
    };
    let modes: &[&str] = &["idle", "user", "system", "iowait", "nice"];
    vec![
        metric("node_cpu_seconds_total", &[("mode", modes), ("cpu", &["0", "1"])], 16),
        metric("node_cpu_guest_seconds_total", &[("mode", &["user", "nice"]), ("cpu", &["0", "1"])], 4),
        metric("node_memory_MemFree_bytes", &[], 1),
        metric("node_memory_MemTotal_bytes", &[], 1),
        metric("node_memory_MemAvailable_bytes", &[], 1),
        metric("node_load1", &[], 1),
        metric("node_load5", &[], 1),
        metric("node_context_switches_total", &[], 1),
        metric("node_intr_total", &[], 1),
        metric("node_forks_total", &[], 1),
        metric("node_time_seconds", &[], 1),
        metric("node_boot_time_seconds", &[], 1),
        metric("node_network_receive_bytes_total", &[("device", &["lo", "eth0"])], 2),
        metric("node_network_transmit_packets_total", &[("device", &["lo", "eth0"])], 2),
        metric(
            "node_scrape_collector_success",
            &[("collector", &["cpu", "meminfo", "loadavg", "filesystem", "netdev"])],
            40,
        ),
        metric("go_gc_duration_seconds", &[("quantile", &["0", "0.25", "0.5", "0.75", "1"])], 5),
        metric("go_goroutines", &[], 1),
        metric("process_cpu_seconds_total", &[], 1),
        metric("process_resident_memory_bytes", &[], 1),
        metric("promhttp_metric_handler_requests_total", &[("code", &["200", "500", "503"])], 3),
        metric("node_filefd_allocated", &[], 1),
        metric("node_sockstat_TCP_inuse", &[], 1),
    ]
}
