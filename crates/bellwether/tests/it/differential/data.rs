//! The samples that both servers get: the same ones, at the same fixed times.
//!
//! No sample is at a whole second or [`QUERY_MS`] after one. Queries are asked at [`QUERY_MS`], subqueries step at whole seconds, and
//! ranges and offsets are whole seconds, so no sample ever lies on the edge of a window, where releases before 3.0 differ.

use std::collections::BTreeMap;

use bellwether_exposition::{Event, LabelBuf, OutputFormat, Reader, TypeAndUnitLabels};
use bellwether_fleet::{History, HistoryRange, Platform};
use bellwether_model::{Labels, METRIC_NAME, stale_nan};
use bellwether_promql::conformance::Choices as _;
use bellwether_wire::Sample;

use super::random::Random;
use crate::support::{node_exporter, request};

/// The milliseconds of all query times.
pub(crate) const QUERY_MS: i64 = 777;
/// When the data begins.
pub(crate) const BEGIN_MS: i64 = 1_767_225_600_000;
/// When the data ends.
pub(crate) const END_MS: i64 = BEGIN_MS + 84 * MINUTE_MS;
pub(crate) const MINUTE_MS: i64 = 60_000;
/// When the hour of the fleet and of the node exporter begins.
const HOUR_MS: i64 = END_MS - 60 * MINUTE_MS;

/// Series with their samples in the order of time.
#[derive(Debug, Default)]
pub(crate) struct Data {
    pub(crate) series: BTreeMap<Labels, Vec<Sample>>,
}

impl Data {
    /// All of it. The node exporter's part is what this machine says now.
    pub(crate) fn collect() -> Self {
        let mut data = Self::reproducible();
        data.add_node_exporter();
        data
    }

    /// What is always the same.
    pub(crate) fn reproducible() -> Self {
        let mut data = Self::default();
        data.add_fleet();
        data.add_demo_service();
        data.add_edge_cases();
        data
    }

    /// The samples from `from_ms` on and before `to_ms`, series by series.
    pub(crate) fn between(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = (&Labels, &[Sample])> {
        self.series.iter().filter_map(move |(labels, samples)| {
            let from = samples.partition_point(|s| s.ts_ms < from_ms);
            let to = samples.partition_point(|s| s.ts_ms < to_ms);
            (from < to).then(|| (labels, &samples[from..to]))
        })
    }

    pub(crate) fn samples(&self) -> usize {
        self.series.values().map(Vec::len).sum()
    }

    fn push(&mut self, labels: Labels, ts_ms: i64, value: f64) {
        self.series.entry(labels).or_default().push(Sample { ts_ms, value });
    }

    fn push_pairs(&mut self, labels: &[(&str, &str)], ts_ms: i64, value: f64) {
        self.push(Labels::from_pairs(labels.iter().copied()), ts_ms, value);
    }

    /// Adds what a scrape of `body` would store, with the labels of the target.
    fn add_scrape(&mut self, body: &str, ts_ms: i64, target: &[(&str, &str)]) {
        let mut reader = Reader::text(body.as_bytes());
        let mut buf = LabelBuf::new();
        while let Some(event) = reader.next() {
            let Event::Series(series) = event.expect("the exposition is correct") else { continue };
            reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut buf);
            let labels = Labels::from_pairs(buf.iter().chain(target.iter().copied()));
            self.push(labels, ts_ms, series.value);
        }
    }

    /// An hour of all platforms. What a process exposed no longer ends with a staleness marker, as after a scrape.
    fn add_fleet(&mut self) {
        const STEP_MS: i64 = 15_000;
        let range = HistoryRange { from_ms: HOUR_MS + 137, to_ms: END_MS, step_ms: STEP_MS };
        let mut fleet = Self::default();
        for snapshot in History::new(1, BEGIN_MS + 137, &Platform::ALL, range, OutputFormat::FALLBACK) {
            let target = [("job", snapshot.job), ("instance", snapshot.instance)];
            let up = [(METRIC_NAME, "up"), target[0], target[1]];
            fleet.push_pairs(&up, snapshot.ts_ms, f64::from(u8::from(snapshot.exposition.is_some())));
            if let Some(body) = snapshot.exposition {
                fleet.add_scrape(&body, snapshot.ts_ms, &target);
            }
        }
        for (labels, samples) in fleet.series {
            let mut with_markers: Vec<Sample> = Vec::with_capacity(samples.len());
            for (idx, sample) in samples.iter().enumerate() {
                with_markers.push(*sample);
                let expected_ms = sample.ts_ms + STEP_MS;
                let next_ms = samples.get(idx + 1).map_or(END_MS, |next| next.ts_ms);
                if expected_ms < next_ms {
                    with_markers.push(Sample { ts_ms: expected_ms, value: stale_nan() });
                }
            }
            self.series.insert(labels, with_markers);
        }
    }

    /// Real scrapes of the node exporter in a row, told as if half a minute had been between them.
    fn add_node_exporter(&mut self) {
        let (_exporter, port) = node_exporter();
        let mut ts_ms = HOUR_MS + 291;
        while ts_ms < END_MS {
            let (status, body) = request("GET", &format!("http://127.0.0.1:{port}/metrics"), &[], &[]);
            assert_eq!(status, 200, "{body}");
            self.add_scrape(&body, ts_ms, &[("job", "node"), ("instance", "localhost:9100")]);
            ts_ms += 30_000;
        }
    }

    /// What the demo service of the compliance queries exposes: the same names and labels, every 5 s, from three instances.
    fn add_demo_service(&mut self) {
        const STEP_MS: i64 = 5_000;
        for (idx, instance) in
            ["demo.promlabs.com:10000", "demo.promlabs.com:10001", "demo.promlabs.com:10002"]
                .into_iter()
                .enumerate()
        {
            let mut random = Random::new(100 + idx as u64);
            let mut counters: BTreeMap<String, f64> = BTreeMap::new();
            let mut last_batch = BEGIN_MS as f64 / 1000.0;
            let mut disk = 4e10 + 1e9 * idx as f64;
            let mut ts_ms = BEGIN_MS + 1_123 + 1_211 * idx as i64;
            while ts_ms < END_MS {
                let step = (ts_ms - BEGIN_MS) / STEP_MS;
                // Each instance restarts once, at another time.
                if step == 400 + 150 * idx as i64 {
                    counters.clear();
                }
                let target = [("job", "demo"), ("instance", instance)];
                let with = |name: &str, more: &[(&str, &str)]| {
                    let own = [(METRIC_NAME, name)];
                    Labels::from_pairs(own.iter().chain(&target).chain(more).copied())
                };
                self.push(with("up", &[]), ts_ms, 1.0);
                self.push(with("demo_num_cpus", &[]), ts_ms, 4.0);
                for mode in ["user", "system", "idle"] {
                    let total = counters.entry(format!("cpu {mode}")).or_default();
                    *total += random.unit() * 5.0;
                    self.push(with("demo_cpu_usage_seconds_total", &[("mode", mode)]), ts_ms, *total);
                }
                for memory in ["used", "free", "buffers", "cached"] {
                    let bytes = (4e9 * random.unit()).floor();
                    self.push(with("demo_memory_usage_bytes", &[("type", memory)]), ts_ms, bytes);
                }
                disk += (2e6 * random.unit()).floor();
                self.push(with("demo_disk_usage_bytes", &[]), ts_ms, disk);
                self.push(with("demo_disk_total_bytes", &[]), ts_ms, 1e11);
                if step % 24 == 0 {
                    last_batch = ts_ms as f64 / 1000.0;
                }
                self.push(with("demo_batch_last_success_timestamp_seconds", &[]), ts_ms, last_batch);
                // Two minutes there, then gone, for one instance without notice.
                match step % 48 {
                    0..24 => self.push(with("demo_intermittent_metric", &[]), ts_ms, step as f64),
                    24 if idx < 2 => self.push(with("demo_intermittent_metric", &[]), ts_ms, stale_nan()),
                    _ => {}
                }
                self.add_demo_requests(&mut random, &mut counters, &target, ts_ms);
                ts_ms += STEP_MS;
            }
        }
    }

    fn add_demo_requests(
        &mut self,
        random: &mut Random,
        counters: &mut BTreeMap<String, f64>,
        target: &[(&str, &str)],
        ts_ms: i64,
    ) {
        const NAME: &str = "demo_api_request_duration_seconds";
        const BOUNDS: [f64; 8] = [0.0001, 0.00025, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5];
        for (path, method, status) in
            [("/api/foo", "GET", "200"), ("/api/foo", "POST", "500"), ("/api/bar", "GET", "200")]
        {
            let labels = |suffix: &str, le: Option<&str>| {
                let name = format!("{NAME}{suffix}");
                let own =
                    [(METRIC_NAME, name.as_str()), ("path", path), ("method", method), ("status", status)];
                Labels::from_pairs(
                    own.iter().chain(target).copied().chain(le.map(|le| ("le", le)).as_slice().to_vec()),
                )
            };
            let requests: Vec<f64> =
                (0..random.below(6)).map(|_| 3.0 * random.unit() * random.unit().powi(4)).collect();
            let mut add = |suffix: &str, le: Option<&str>, by: f64| {
                let total = counters.entry(format!("{path}{method}{status}{suffix}{le:?}")).or_default();
                *total += by;
                self.push(labels(suffix, le), ts_ms, *total);
            };
            for bound in BOUNDS {
                let within = requests.iter().filter(|seconds| **seconds <= bound).count();
                add("_bucket", Some(&bound.to_string()), within as f64);
            }
            add("_bucket", Some("+Inf"), requests.len() as f64);
            add("_count", None, requests.len() as f64);
            add("_sum", None, requests.iter().sum());
        }
    }

    /// Everything that is special about samples: gaps, markers, resets, values that are not finite, very small and very large ones,
    /// histograms that are not quite right.
    fn add_edge_cases(&mut self) {
        const STEP_MS: i64 = 15_000;
        let mut random = Random::new(7);
        let mut total = BTreeMap::<&str, f64>::new();
        for step in 0..((END_MS - BEGIN_MS) / STEP_MS) {
            let ts_ms = BEGIN_MS + 411 + step * STEP_MS;
            let x = step as f64;
            let gauges = [
                ("linear", Some(3.0 * x - 200.123)),
                ("constant", Some(42.5)),
                ("noise", Some(random.unit() * 20.0 - 10.0)),
                ("whole", Some(random.below(7) as f64 + 1.0)),
                ("gaps", (step % 37 < 20).then_some(x + 0.25)),
                ("stale", Some(if step % 31 == 30 { stale_nan() } else { 1000.0 - x })),
                ("nan", Some(if step % 11 == 5 { f64::NAN } else { x })),
                ("inf", Some([1.0, f64::INFINITY, 2.0, 3.0, f64::NEG_INFINITY, 4.0, 5.0][step as usize % 7])),
                ("small", Some(1e-9 * (1.0 + random.unit()))),
                ("large", Some(1e18 * (1.0 + random.unit()))),
                ("sparse", (step % 16 == 3).then_some(x / 8.0)),
            ];
            for (idx, (case, value)) in gauges.into_iter().enumerate() {
                let Some(value) = value else { continue };
                let zone = ["a", "b"][idx % 2];
                let labels = [(METRIC_NAME, "edge_gauge"), ("job", "edge"), ("case", case), ("zone", zone)];
                self.push_pairs(&labels, ts_ms, value);
            }
            let steps = [
                ("steady", 5.0, 10_000),
                ("slow", f64::from(u8::from(step % 9 == 0)), 10_000),
                ("resets", random.unit() * 10.0, 13),
                ("idle", 0.0, 10_000),
                ("jumps", [0.0, 0.0, 1000.0, 0.0][step as usize % 4], 50),
                ("gaps", 2.0, 60),
                ("stale", 3.0, 40),
            ];
            for (case, by, reset) in steps {
                let total = total.entry(case).or_default();
                *total = if step % reset == reset - 1 { by } else { *total + by };
                let value = match case {
                    "gaps" if step % 29 > 12 => continue,
                    "stale" if step % 40 == 39 => stale_nan(),
                    _ => *total,
                };
                let labels = [(METRIC_NAME, "edge_total"), ("job", "edge"), ("case", case)];
                self.push_pairs(&labels, ts_ms, value);
            }
            for (case, version) in [("linear", "1"), ("noise", "2"), ("whole", "2"), ("gaps", "1")] {
                let labels =
                    [(METRIC_NAME, "edge_info"), ("job", "edge"), ("case", case), ("version", version)];
                self.push_pairs(&labels, ts_ms, 1.0);
            }
            let buckets: [(&str, &[(&str, f64)]); 5] = [
                ("plain", &[("0.5", x), ("1", 2.0 * x), ("2", 3.0 * x), ("+Inf", 4.0 * x)]),
                ("falling", &[("0.5", 3.0 * x), ("1", 2.0 * x), ("2", 5.0 * x), ("+Inf", 4.0 * x)]),
                ("open", &[("0.5", x), ("1", 2.0 * x)]),
                ("negative", &[("-1", x), ("0", 2.0 * x), ("1", 2.0 * x), ("+Inf", 2.0 * x)]),
                ("one", &[("+Inf", x)]),
            ];
            for (case, buckets) in buckets {
                for (le, value) in buckets {
                    let labels = [(METRIC_NAME, "edge_bucket"), ("job", "edge"), ("case", case), ("le", *le)];
                    self.push_pairs(&labels, ts_ms, *value);
                }
            }
        }
    }
}
