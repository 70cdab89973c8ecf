//! Recognising series by their bytes changes nothing but the time it takes.
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::SimFs;
use bellwether_model::{
    Appender, ColumnBuffer, Exemplar, FloatHistogram, Labels, ManualClock, Matcher, QueryContext, Queryable,
    SelectHints, SelectSpec, Tenant, TimeRange,
};
use bellwether_tsdb::{Options, SeriesLimits, SyncPolicy, Tsdb};
use bellwether_wire::{
    HistogramSample, Sample, WireHistogram, WriteError, WriteLimits, WriteReceiver, WriteRefusal,
    WriteRequestWriter, WriteSeries, compress_write_request, describe_rejections, receive_write,
};
use proptest::prelude::*;

const NOW: i64 = 1_748_736_000_000;

fn limits() -> WriteLimits {
    WriteLimits { max_labels_per_series: 5, max_value_bytes: 200, max_entries: 40, ..WriteLimits::default() }
}

/// A store on a simulated disk.
struct Store {
    tsdb: Tsdb,
    clock: Arc<ManualClock>,
}

impl Store {
    fn new(options: &Options) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let options = Options {
            sync: SyncPolicy::Segment,
            segment_bytes: 1 << 16,
            min_free_bytes: Some(0),
            ..options.clone()
        };
        let (tsdb, _) = Tsdb::open(Path::new("data"), options, Arc::new(SimFs::new()), clock.clone())
            .expect("a new store");
        Self { tsdb, clock }
    }

    /// Moves everything out of memory, and forgets the series there.
    fn forget_series(&self) {
        self.tsdb.compact_all().expect("no faults");
        self.clock.advance_ms(3_600_000);
        self.tsdb.maintain().expect("no faults");
    }

    /// All series with their samples.
    fn dump(&self) -> Vec<String> {
        let querier = self.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("open");
        let spec = SelectSpec {
            matchers: Vec::<Matcher>::new(),
            range: TimeRange::ALL,
            sorted: true,
            hints: SelectHints::default(),
        };
        let cx = QueryContext::unbounded();
        let series = querier.select(&spec, &cx).expect("selects");
        let mut buf = ColumnBuffer::default();
        let line = |(idx, labels): (usize, &Labels)| {
            series.read(idx, &mut buf).expect("readable");
            format!(
                "{labels} {:?} {:?} {:?}",
                buf.ts,
                buf.vals.iter().map(|v| v.to_bits()).collect::<Vec<_>>(),
                buf.hists
            )
        };
        let mut lines: Vec<String> = series.labels().iter().enumerate().map(line).collect();

        lines.push(format!("{:?}", querier.exemplars(&[Vec::new()], &cx).expect("readable")));
        lines
    }
}

/// The outcome of a request for its sender.
fn outcome(result: Result<Option<WriteRefusal>, WriteError>) -> String {
    match result {
        Ok(refused) => refused.map(|refused| refused.message).unwrap_or_default(),
        Err(error) => format!("failed: {error}"),
    }
}

fn without_memory(store: &Store, body: &[u8]) -> String {
    let decoded = match receive_write(body, &limits(), &mut Vec::new()) {
        Ok(decoded) => decoded,
        Err(error) => return outcome(Err(error.into())),
    };
    let report = store.tsdb.append(&Tenant::default(), &decoded.batch);
    outcome(
        report.map_err(WriteError::from).map(|r| describe_rejections(&decoded.rejected, &decoded.batch, &r)),
    )
}

/// One series of a request.
#[derive(Debug, Clone)]
struct Sent {
    series: u8,
    /// How its labels are written down: in another order, twice, too many, with empty or long values.
    form: u8,
    /// Seconds from the start, and value, of each sample.
    samples: Vec<(i8, i8)>,
    exemplar: bool,
    histogram: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Request(Vec<Sent>),
    /// With a byte of the message changed.
    Damaged(Vec<Sent>, u16, u8),
    ForgetSeries,
}

fn sent() -> impl Strategy<Value = Sent> {
    let samples = prop::collection::vec((-5..30_i8, 0..3_i8), 0..4);
    (0..6_u8, 0..12_u8, samples, prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(
        |(series, form, samples, exemplar, histogram)| Sent { series, form, samples, exemplar, histogram },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let request = || prop::collection::vec(sent(), 0..6);
    prop_oneof![
        10 => request().prop_map(Step::Request),
        2 => (request(), any::<u16>(), any::<u8>()).prop_map(|(sent, at, byte)| Step::Damaged(sent, at, byte)),
        1 => Just(Step::ForgetSeries),
    ]
}

fn push_label(out: &mut Vec<u8>, name: &str, value: &str) {
    let mut label = vec![0x0a, name.len() as u8];
    label.extend(name.as_bytes());
    label.push(0x12);
    push_len(&mut label, value.len());
    label.extend(value.as_bytes());
    out.push(0x0a);
    push_len(out, label.len());
    out.extend(label);
}

fn push_len(out: &mut Vec<u8>, mut len: usize) {
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
}

/// The message of a request: what the writer makes of the samples, behind labels that no honest writer makes.
fn message(sent: &[Sent]) -> Vec<u8> {
    let mut out = Vec::new();
    for one in sent {
        let samples: Vec<Sample> = one
            .samples
            .iter()
            .map(|(s, value)| Sample { ts_ms: NOW + i64::from(*s) * 1000, value: f64::from(*value) })
            .collect();
        let exemplar = Exemplar {
            labels: Labels::from_pairs([("trace", "t")]),
            value: 1.0,
            ts_ms: NOW + i64::from(one.series),
        };
        let histogram = FloatHistogram { count: 1.0, ..FloatHistogram::default() };
        let histogram = HistogramSample { ts_ms: NOW + 50_000, histogram: WireHistogram::Float(&histogram) };
        let mut whole = Vec::new();
        WriteRequestWriter::new(&mut whole).series(&WriteSeries {
            labels: &Labels::empty(),
            samples: &samples,
            exemplars: if one.exemplar { std::slice::from_ref(&exemplar) } else { &[] },
            histograms: if one.histogram { std::slice::from_ref(&histogram) } else { &[] },
        });
        // Without the key and the length of the series.
        let rest = &whole[1 + whole[1..].iter().take_while(|b| **b >= 0x80).count() + 1..];
        let instance = format!("i{}", one.series);
        let mut labels = vec![("__name__", "up"), ("instance", &instance), ("job", "node")];
        let long = "x".repeat(150 + usize::from(one.form) * 10);
        match one.form {
            0 => labels.reverse(),
            1 => labels.push(("job", "node")),
            2 => labels.push(("zone", "")),
            3 => labels.extend([("a", "1"), ("b", "2"), ("c", "3")]),
            4 | 5 => labels.push(("zone", &long)),
            6 => labels.push(("", "x")),
            7 => drop(labels.remove(0)),
            _ => {}
        }
        let mut series = Vec::new();
        let n_first = if one.form == 8 { 2 } else { labels.len() };
        labels[..n_first].iter().for_each(|(name, value)| push_label(&mut series, name, value));
        series.extend(rest);
        // One label stands behind the samples.
        labels[n_first..].iter().for_each(|(name, value)| push_label(&mut series, name, value));
        out.push(0x0a);
        push_len(&mut out, series.len());
        out.extend(series);
    }
    out
}

fn compressed(message: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    compress_write_request(message, &mut body).expect("compressible");
    body
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_memory_changes_nothing(
        steps in prop::collection::vec(step(), 1..25),
        max_known in prop::sample::select(vec![0, 1, 3, 1000]),
        window_ms in prop::sample::select(vec![0, 20_000]),
        max_series in prop::sample::select(vec![5, 1000]),
    ) {
        let limits_of_store = SeriesLimits { max_active_series: max_series, ..SeriesLimits::default() };
        let options =
            Options { out_of_order_window_ms: window_ms, tenants: limits_of_store.into(), ..Options::default() };
        let (with, without) = (Store::new(&options), Store::new(&options));
        let receiver = WriteReceiver::with_memory(limits(), max_known);
        for step in &steps {
            let mut message = match step {
                Step::Request(sent) | Step::Damaged(sent, ..) => message(sent),
                Step::ForgetSeries => {
                    with.forget_series();
                    without.forget_series();
                    continue;
                }
            };
            if let Step::Damaged(_, at, byte) = step && !message.is_empty() {
                let at = usize::from(*at) % message.len();
                message[at] = *byte;
            }
            let body = compressed(&message);
            let answer = outcome(receiver.receive(&with.tsdb, &Tenant::default(), &body));
            prop_assert_eq!(answer, without_memory(&without, &body), "{:?}", step);
        }
        prop_assert_eq!(with.dump(), without.dump());
        prop_assert_eq!(with.tsdb.active_series(), without.tsdb.active_series());
    }
}

/// Counts the samples that come by their handles.
struct Counting<'s> {
    store: &'s Tsdb,
    by_handle: std::sync::atomic::AtomicUsize,
}

impl Appender for Counting<'_> {
    fn append(
        &self,
        tenant: &Tenant,
        batch: &bellwether_model::AppendBatch,
    ) -> Result<bellwether_model::AppendReport, bellwether_model::AppendError> {
        self.by_handle.fetch_add(batch.known.len(), std::sync::atomic::Ordering::Relaxed);
        self.store.append(tenant, batch)
    }
}

#[test]
fn labels_are_read_once() {
    let store = Store::new(&Options::default());
    let counting = Counting { store: &store.tsdb, by_handle: 0.into() };
    let receiver = WriteReceiver::new(limits());
    let request = |s: i8, tenant: &Tenant| {
        let sent = (0..6)
            .map(|series| Sent { series, form: 9, samples: vec![(s, 1)], exemplar: false, histogram: false })
            .collect::<Vec<_>>();
        let answer = receiver.receive(&counting, tenant, &compressed(&message(&sent)));
        assert_eq!(answer.expect("taken"), None);
        counting.by_handle.swap(0, std::sync::atomic::Ordering::Relaxed)
    };
    let (default, other) = (Tenant::default(), Tenant::new("other"));
    assert_eq!((request(0, &default), request(1, &default), request(2, &default)), (0, 6, 6));
    assert_eq!((request(2, &other), request(3, &other)), (0, 6), "tenants know different series");
    store.forget_series();
    assert_eq!(request(4, &default), 6, "given by handles, and then with labels");
    assert_eq!(request(5, &default), 6);
    assert_eq!(store.tsdb.active_series(), 6);
}

#[test]
fn refusals_name_series_that_came_by_their_handles() {
    let store = Store::new(&Options::default());
    let receiver = WriteReceiver::new(limits());
    let request = |s| {
        let sent = [0, 1].map(|series| Sent {
            series,
            form: 9,
            samples: vec![(s, 1)],
            exemplar: false,
            histogram: false,
        });
        let refusal = receiver.receive(&store.tsdb, &Tenant::default(), &compressed(&message(&sent)));
        refusal.expect("taken").map(|refusal| refusal.message)
    };
    assert_eq!(request(5), None);
    assert_eq!(
        request(4).as_deref(),
        Some(
            "out of order sample for series up{instance=\"i0\", job=\"node\"}\n\
             out of order sample for series up{instance=\"i1\", job=\"node\"}"
        )
    );
}
