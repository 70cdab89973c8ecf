//! How long a scrape spends on one sample: over what a node exporter wrote on a small machine (`captured`), over what the processes of the demo fleet (`fleet`) and a
//! Python process (`python`) wrote, over a body like that of a large node exporter (`node_exporter`), and over the corpus of real expositions. `scripts/capture.sh` took
//! the first three.
//!
//! `scan` reads every line and checks its labels; `expecting` is the steady state of a scrape, in which each series was seen before at the same
//! position; `labels` decodes every label, as for new series. Throughput is in samples per second.
use std::hint::black_box;

use bellwether_exposition::testkit::{Bucket, Histogram, Metric, MetricFamily, MetricValue, Side};
use bellwether_exposition::{
    CreatedHandling, Event, EventReader, LabelBuf, MetricType, NativeHistograms, ProtobufReader, Reader,
    TypeAndUnitLabels,
};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

/// A body as the node exporter writes it: about 115 bytes a line, mostly labelled, integers and short decimals.
fn node_exporter() -> Vec<u8> {
    let mut body = String::new();
    let mut line = |text: String| {
        body.push_str(&text);
        body.push('\n');
    };
    line("# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.".to_owned());
    line("# TYPE node_cpu_seconds_total counter".to_owned());
    for cpu in 0..64 {
        for (idx, mode) in
            ["idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"].iter().enumerate()
        {
            let value = f64::from(cpu * 8_191 + 100) * (idx as f64 + 0.37);
            line(format!("node_cpu_seconds_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {value:.2}"));
        }
    }
    for name in ["avail_bytes", "free_bytes", "size_bytes", "files", "files_free", "readonly"] {
        line(format!("# HELP node_filesystem_{name} Filesystem {name}."));
        line(format!("# TYPE node_filesystem_{name} gauge"));
        for disk in 0..24 {
            let value = f64::from(disk) * 1.283_457_024e9 + 4096.0;
            line(format!(
                "node_filesystem_{name}{{device=\"/dev/mapper/vg0-lv{disk}\",fstype=\"ext4\",\
                 mountpoint=\"/var/lib/containers/storage/overlay/{disk}\"}} {value:e}"
            ));
        }
    }
    for name in ["receive_bytes_total", "transmit_bytes_total", "receive_packets_total", "receive_errs_total"]
    {
        line(format!("# HELP node_network_{name} Network device statistic {name}."));
        line(format!("# TYPE node_network_{name} counter"));
        for interface in 0..48 {
            line(format!(
                "node_network_{name}{{device=\"veth{interface:07x}\"}} {}",
                interface * 982_451_653_i64
            ));
        }
    }
    for unit in 0..300 {
        for state in ["activating", "active", "deactivating", "failed", "inactive"] {
            line(format!(
                "node_systemd_unit_state{{name=\"container-workload-{unit}.service\",state=\"{state}\",type=\"notify\"}} {}",
                i32::from(state == "active")
            ));
        }
    }
    body.into_bytes()
}

/// The largest real exposition of the conformance corpus, if it is there.
fn corpus() -> Option<Vec<u8>> {
    let root = std::env::var("CONFORMANCE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/conformance").to_owned());
    std::fs::read(format!("{root}/textformat/corpus/alltypes.237mfs.prom.txt")).ok()
}

fn body(name: &str) -> Vec<u8> {
    match name {
        "captured" => include_bytes!("node_exporter.txt").to_vec(),
        "fleet" => include_bytes!("fleet.txt").to_vec(),
        "python" => include_bytes!("python.txt").to_vec(),
        "corpus" => corpus().unwrap_or_else(node_exporter),
        _ => node_exporter(),
    }
}

fn known_series(body: &[u8]) -> Vec<Vec<u8>> {
    Reader::text(body)
        .filter_map(|event| match event {
            Ok(Event::Series(series)) => Some(series.raw().to_vec()),
            _ => None,
        })
        .collect()
}

#[divan::bench(args = ["captured", "fleet", "python", "node_exporter", "corpus"])]
fn scan(bencher: Bencher<'_, '_>, name: &str) {
    let body = body(name);
    bencher.counter(ItemsCount::new(known_series(&body).len())).bench(|| {
        let mut sum = 0.0;
        for event in Reader::text(black_box(&body)) {
            if let Ok(Event::Series(series)) = event {
                sum += series.value;
            }
        }
        sum
    });
}

#[divan::bench(args = ["captured", "fleet", "python", "node_exporter", "corpus"])]
fn expecting(bencher: Bencher<'_, '_>, name: &str) {
    let body = body(name);
    let known = known_series(&body);
    bencher.counter(ItemsCount::new(known.len())).bench(|| {
        let mut reader = Reader::text(black_box(&body));
        let (mut sum, mut position) = (0.0, 0);
        let expected = |position| known.get(position).map_or(&[][..], Vec::as_slice);
        loop {
            while let Some(value) = reader.take_value(expected(position)) {
                sum += value;
                position += 1;
            }
            let Some(event) = reader.next_expecting(expected(position)) else { break };
            if let Ok(Event::Series(series)) = event {
                assert!(series.is_expected());
                sum += series.value;
                position += 1;
            }
        }
        sum
    });
}

#[divan::bench(args = ["captured", "fleet", "python", "node_exporter", "corpus"])]
fn labels(bencher: Bencher<'_, '_>, name: &str) {
    let body = body(name);
    bencher.counter(ItemsCount::new(known_series(&body).len())).bench(|| {
        let mut reader = Reader::text(black_box(&body));
        let mut labels = LabelBuf::new();
        let mut n_labels = 0;
        while let Some(event) = reader.next() {
            if let Ok(Event::Series(series)) = event {
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                n_labels += labels.len();
            }
        }
        n_labels
    });
}

#[divan::bench]
fn openmetrics(bencher: Bencher<'_, '_>) {
    bench_openmetrics(bencher, CreatedHandling::Series);
}

#[divan::bench]
fn openmetrics_start_timestamps(bencher: Bencher<'_, '_>) {
    bench_openmetrics(bencher, CreatedHandling::StartTimestamp);
}

fn bench_openmetrics(bencher: Bencher<'_, '_>, created: CreatedHandling) {
    let mut body = "# TYPE rpc_seconds histogram\n".to_owned().into_bytes();
    for method in 0..100 {
        for bound in 0..12 {
            let line = format!(
                "rpc_seconds_bucket{{method=\"m{method}\",le=\"{bound}.0\"}} {bound} # {{trace_id=\"4bf92f3577b34da6\"}} 0.25 1520879607.789\n"
            );
            body.extend_from_slice(line.as_bytes());
        }
        body.extend_from_slice(
            format!("rpc_seconds_created{{method=\"m{method}\"}} 1520872607.123\n").as_bytes(),
        );
    }
    body.extend_from_slice(b"# EOF\n");
    bencher.counter(ItemsCount::new(1200_usize)).bench(|| {
        let mut n_series = 0;
        for event in Reader::openmetrics(black_box(&body), created) {
            n_series += usize::from(matches!(event, Ok(Event::Series(_))));
        }
        n_series
    });
}

/// The counters, gauges and untyped metrics of a text exposition, as protobuf.
fn as_protobuf(text: &[u8]) -> Vec<u8> {
    let (mut families, mut reader, mut labels) =
        (Vec::<MetricFamily>::new(), Reader::text(text), LabelBuf::new());
    while let Some(event) = reader.next() {
        match event.expect("a valid exposition") {
            Event::Type { family, metric_type } => families.push(MetricFamily {
                name: family.as_written().to_owned(),
                metric_type,
                ..MetricFamily::default()
            }),
            Event::Series(series) => {
                let Some(family) = families.last_mut().filter(|family| series.name().means(&family.name))
                else {
                    continue;
                };
                if matches!(family.metric_type, MetricType::Summary | MetricType::Histogram) {
                    continue;
                }
                reader.read_labels(&series, TypeAndUnitLabels::Omit, &mut labels);
                let labels = labels.iter().skip(1).map(|(name, value)| (name.to_owned(), value.to_owned()));
                let value = MetricValue::Number { value: series.value, exemplar: None, created: None };
                family.metrics.push(Metric { labels: labels.collect(), timestamp_ms: 0, value });
            }
            _ => {}
        }
    }
    delimited(&families)
}

fn delimited(families: &[MetricFamily]) -> Vec<u8> {
    let mut body = Vec::new();
    for family in families {
        family.push_delimited(&mut body);
    }
    body
}

/// A histogram of a hundred methods: twelve classic buckets, and forty native ones in four runs.
fn histograms() -> Vec<u8> {
    let metric = |method: i64| {
        let buckets =
            (0..12).map(|n| Bucket { count: n, upper_bound: 0.005 * f64::from(1 << n), ..Bucket::default() });
        let deltas: Vec<i64> = (0..40).map(|n| (method * 7 + n * 13) % 11 - 5).collect();
        let spans = vec![(-8, 10), (2, 10), (1, 10), (5, 10)];
        let histogram = Histogram {
            count: 11,
            sum: 12.5,
            buckets: buckets.collect(),
            schema: 3,
            zero_threshold: 1e-9,
            zero_count: 1,
            positive: Side { spans, deltas, counts: Vec::new() },
            ..Histogram::default()
        };
        let labels =
            vec![("method".to_owned(), format!("m{method}")), ("service".to_owned(), "shop".to_owned())];
        Metric { labels, timestamp_ms: 0, value: MetricValue::Histogram(histogram) }
    };
    delimited(&[MetricFamily {
        name: "rpc_seconds".to_owned(),
        metric_type: MetricType::Histogram,
        metrics: (0..100).map(metric).collect(),
        ..MetricFamily::default()
    }])
}

fn protobuf_reader(body: &[u8], native: NativeHistograms) -> ProtobufReader<'_> {
    ProtobufReader::new(body, native, CreatedHandling::Series)
}

/// Reads a body whose series are expected in the order of `known`. Returns how many came.
fn read_protobuf(
    mut reader: ProtobufReader<'_>,
    known: &[Vec<u8>],
    mut visit: impl FnMut(&Event<'_>),
) -> usize {
    let mut position = 0;
    while let Some(event) = reader.next_expecting(known.get(position).map_or(&[], Vec::as_slice)) {
        let event = event.expect("a valid exposition");
        if let Event::Series(_) | Event::Histogram { .. } = event {
            position += 1;
            visit(&event);
        }
    }
    position
}

/// The steady state of a scrape, as `expecting` for text.
fn bench_protobuf(bencher: Bencher<'_, '_>, body: &[u8], native: NativeHistograms) {
    let mut known = Vec::new();
    let mut key = Vec::new();
    let n_series = read_protobuf(protobuf_reader(body, native), &[], |event| {
        if let Event::Series(series) | Event::Histogram { series, .. } = event {
            known.push(series.key(&mut key).to_vec());
        }
    });
    bencher.counter(ItemsCount::new(n_series)).bench(|| {
        let mut sum = 0.0;
        read_protobuf(protobuf_reader(black_box(body), native), &known, |event| match event {
            Event::Series(series) => sum += series.value,
            Event::Histogram { histogram, .. } => histogram.each_part(|_, part| {
                black_box(part);
            }),
            _ => {}
        });
        sum
    });
}

#[divan::bench(args = ["captured", "node_exporter"])]
fn protobuf_expecting(bencher: Bencher<'_, '_>, name: &str) {
    bench_protobuf(bencher, &as_protobuf(&body(name)), NativeHistograms::Ignore);
}

/// Per series of the classic form.
#[divan::bench]
fn protobuf_classic_histograms(bencher: Bencher<'_, '_>) {
    bench_protobuf(bencher, &histograms(), NativeHistograms::Ignore);
}

/// Per native histogram of forty buckets.
#[divan::bench]
fn protobuf_native_histograms(bencher: Bencher<'_, '_>) {
    bench_protobuf(bencher, &histograms(), NativeHistograms::Instead);
}
