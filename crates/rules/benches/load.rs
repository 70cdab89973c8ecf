//! Whether many rules with many alerts fit into their interval: `cargo bench -p bellwether-rules --bench load`.
//!
//! By default 10,000 rules in 100 groups with an interval of 30 seconds, of which each has 10 alerts that fire. It runs for some intervals with a real store, a real
//! journal and the system's clock, and tells for each interval how long the evaluations took, how much processor time that was, and how much memory there is at most.
//! `LOAD_RULES`, `LOAD_ALERTS_PER_RULE`, `LOAD_INTERVAL_S` and `LOAD_INTERVALS` change the numbers.

#![expect(clippy::print_stdout, reason = "a benchmark tells what it found")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bellwether_disk::RealFs;
use bellwether_model::{
    Alert, AppendBatch, AppendEntry, Appender, Clock, Labels, QueryMemory, SystemClock, Tenant,
};
use bellwether_promql::engine::{Engine, EngineOptions};
use bellwether_rules::{
    AlertSink, Environment, GroupDefaults, GroupSource, Manager, ManagerOptions, RuleFile, RuleFileOptions,
};
use bellwether_state::StateStore;
use bellwether_tsdb::{Options, Tsdb};
use tokio::time::{Instant, sleep};

const RULES_PER_GROUP: usize = 100;
/// The rules share this many metrics.
const METRICS: usize = 100;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[derive(Default)]
struct Counting(AtomicUsize);

impl AlertSink for Counting {
    fn send(&self, alerts: &[Alert]) {
        self.0.fetch_add(alerts.len(), Ordering::Relaxed);
    }
}

/// The text of all rules.
fn groups(n_rules: usize) -> Vec<GroupSource> {
    let rule = |n: usize| {
        format!(
            "  - alert: Alert{n}\n    expr: load{} > 0\n    labels: {{severity: page, team: 'team-{{{{ $labels.shard }}}}'}}\n    \
             annotations: {{summary: '{{{{ $labels.instance }}}} has {{{{ $value | humanize }}}}'}}\n",
            n % METRICS
        )
    };
    let group = |first: usize| {
        let rules: String = (first..n_rules.min(first + RULES_PER_GROUP)).map(rule).collect();
        let text = format!("groups:\n- name: group{first}\n  rules:\n{rules}");
        RuleFile::parse("load.yml", text.as_bytes(), &RuleFileOptions::default()).expect("a rule file").groups
    };
    let all = (0..n_rules).step_by(RULES_PER_GROUP).flat_map(group);
    all.map(|definition| GroupSource { file: "load.yml".to_owned(), definition }).collect()
}

/// A sample of each series now.
fn feed(store: &Tsdb, now_ms: i64, series_per_metric: usize) {
    let series = (0..METRICS).flat_map(|m| (0..series_per_metric).map(move |s| (m, s)));
    let samples = series.map(|(metric, s)| AppendEntry {
        hint: None,
        labels: Labels::from_pairs([
            ("__name__", format!("load{metric}").as_str()),
            ("instance", &format!("host-{s}.example:9100")),
            ("job", "load"),
            ("region", "eu-west"),
            ("shard", &format!("{}", s % 7)),
        ]),
        ts_ms: now_ms,
        start_ts_ms: 0,
        value: 12_345.0.into(),
    });
    let batch = AppendBatch { samples: samples.collect(), ..AppendBatch::default() };
    store.append(&Tenant::default(), &batch).expect("stored");
}

/// Processor time of this process in seconds, and the most memory that it had in MiB.
fn used() -> (f64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(')').next().unwrap_or("").split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|t| t.parse::<u64>().ok()).sum();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
    (ticks as f64 / 100.0, kib / 1024)
}

fn open(dir: &Path, clock: &Arc<dyn Clock>) -> (Tsdb, StateStore) {
    let fs = Arc::new(RealFs::new());
    let (store, _) =
        Tsdb::open(&dir.join("data"), Options::default(), fs, Arc::clone(clock)).expect("opened");
    (store, StateStore::open(dir).expect("opened"))
}

#[tokio::main]
async fn main() {
    let (n_rules, per_rule) = (number("LOAD_RULES", 10_000), number("LOAD_ALERTS_PER_RULE", 10));
    let (interval_s, intervals) = (number("LOAD_INTERVAL_S", 30), number("LOAD_INTERVALS", 4));
    let dir = tempfile::tempdir().expect("a folder");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (store, state) = open(dir.path(), &clock);
    let sink = Arc::new(Counting::default());
    let manager = Manager::new(ManagerOptions {
        environment: Environment {
            engine: Arc::new(Engine::new(EngineOptions::default(), Arc::new(store.clone()))),
            appender: Arc::new(store.clone()),
            tenant: Tenant::default(),
            external_labels: Labels::empty(),
            external_url: "http://bw.example".to_owned(),
        },
        clock: Arc::clone(&clock),
        sink: Arc::<Counting>::clone(&sink),
        state: Some(state),
        store: Some(Arc::new(store.clone())),
        query_timeout: Duration::from_mins(2),
        query_memory: QueryMemory::new(256 << 20, 512 << 20),
        max_concurrent_evals: 4,
        resend_delay_ms: 60_000,
        outage_tolerance_ms: 3_600_000,
        for_grace_period_ms: 600_000,
    });
    let manager = manager.expect("nothing to be read");
    feed(&store, clock.now_ms(), per_rule);
    let defaults = GroupDefaults { interval_ms: interval_s as i64 * 1000, query_offset_ms: 0 };
    manager.apply(groups(n_rules), defaults, Labels::empty());
    println!("{n_rules} rules, {} alerts, every {interval_s} s", n_rules * per_rule);
    let (mut last_cpu_s, mut last_took) = (used().0, Duration::ZERO);
    for interval in 1..=intervals {
        sleep(Duration::from_secs(interval_s as u64)).await;
        feed(&store, clock.now_ms(), per_rule);
        let groups = manager.groups(false);
        let took: Duration = groups.iter().map(|g| g.stats.total_duration).sum();
        let longest = groups.iter().map(|g| g.stats.last_duration).max().unwrap_or_default();
        let missed: u64 = groups.iter().map(|g| g.stats.missed).sum();
        let failures: u64 = groups.iter().map(|g| g.stats.failures).sum();
        let (cpu_s, peak_mib) = used();
        println!(
            "interval {interval}: evaluations took {:.1} s, the longest {:.2} s; processor {:.1} s; {missed} slots missed, {failures} failures; \
             {} told; at most {peak_mib} MiB",
            took.saturating_sub(last_took).as_secs_f64(),
            longest.as_secs_f64(),
            cpu_s - last_cpu_s,
            sink.0.load(Ordering::Relaxed),
        );
        (last_cpu_s, last_took) = (cpu_s, took);
    }
    manager.shutdown(Instant::now() + Duration::from_secs(5)).await;
}
