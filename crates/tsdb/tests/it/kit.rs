//! What the tests share: a store on a simulated disk with a clock that stands still, and short ways to fill and read it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{Fs, SimFs};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendReport, Appender, ColumnBuffer, FloatHistogram, Labels,
    ManualClock, Matcher, QueryContext, Queryable, SelectHints, SelectSpec, Tenant, TimeRange, Value,
};
use bellwether_tsdb::{Options, RecoveryReport, SyncPolicy, Tsdb};

/// Where the store is on the simulated disk.
pub(crate) const DIR: &str = "data";
pub(crate) const HOUR: i64 = 60 * 60 * 1000;
/// The time on the clock at first: 2025-06-01T00:00:00Z, as in the bench.
pub(crate) const NOW: i64 = 1_748_736_000_000;

/// Small segments, synced only when a test says so, no free space kept.
pub(crate) fn options() -> Options {
    Options {
        sync: SyncPolicy::Segment,
        segment_bytes: 1 << 16,
        min_free_bytes: Some(0),
        ..Options::default()
    }
}

/// A store and what it stands on.
pub(crate) struct Kit {
    pub(crate) fs: SimFs,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tsdb: Tsdb,
    pub(crate) report: RecoveryReport,
    pub(crate) options: Options,
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(options())
    }

    pub(crate) fn with(options: Options) -> Self {
        Self::on(SimFs::new(), options)
    }

    pub(crate) fn on(fs: SimFs, options: Options) -> Self {
        let clock = Arc::new(ManualClock::new(NOW));
        let (tsdb, report) = open(&fs, &options, &clock).expect("the store opens");
        Self { fs, clock, tsdb, report, options }
    }

    /// The process dies and another one opens the store.
    pub(crate) fn kill(&mut self) {
        let fs = self.fs.kill();
        self.reopen(fs);
    }

    /// The plug is pulled and the machine started again.
    pub(crate) fn power_cut(&mut self, seed: u64) {
        let fs = self.fs.power_cut(seed);
        self.reopen(fs);
    }

    /// The store is closed properly and opened again.
    pub(crate) fn restart(&mut self) {
        self.tsdb.close().expect("the store closes");
        let fs = self.fs.kill();
        self.reopen(fs);
    }

    fn reopen(&mut self, fs: SimFs) {
        let (tsdb, report) = open(&fs, &self.options, &self.clock).expect("the store opens again");
        (self.fs, self.tsdb, self.report) = (fs, tsdb, report);
    }

    pub(crate) fn append(&self, samples: Vec<AppendEntry>) -> AppendReport {
        self.try_append(samples).expect("the batch is taken")
    }

    pub(crate) fn append_batch(&self, batch: &AppendBatch) -> AppendReport {
        self.tsdb.append(&Tenant::default(), batch).expect("the batch is taken")
    }

    pub(crate) fn try_append(&self, samples: Vec<AppendEntry>) -> Result<AppendReport, AppendError> {
        self.tsdb.append(&Tenant::default(), &AppendBatch { samples, ..AppendBatch::default() })
    }

    /// One sample per series, all of which are taken: `m{i="0"}`, `m{i="1"}`, ...
    pub(crate) fn row(&self, series: std::ops::Range<i64>, ts_ms: i64) -> AppendReport {
        let n = (series.end - series.start) as usize;
        let report = self.append(row(series, ts_ms));
        assert_eq!(report.stored(), n, "all samples at {ts_ms} are taken: {:?}", report.samples[0]);
        report
    }

    /// Deletes the samples of the series `m{i="..."}` in a range.
    pub(crate) fn delete(&self, series: i64, range: TimeRange) {
        self.try_delete(series, range).expect("the samples are deleted");
    }

    pub(crate) fn try_delete(&self, series: i64, range: TimeRange) -> Result<(), bellwether_tsdb::TsdbError> {
        delete(&self.tsdb, series, range)
    }

    /// Everything that the store returns for all of time.
    pub(crate) fn dump(&self) -> Dump {
        dump(&self.tsdb, &Tenant::default())
    }
}

pub(crate) fn delete(tsdb: &Tsdb, series: i64, range: TimeRange) -> Result<(), bellwether_tsdb::TsdbError> {
    let selector = vec![Matcher::equal("__name__", "m"), Matcher::equal("i", series.to_string())];
    tsdb.delete(&Tenant::default(), &[selector], range, &QueryContext::unbounded())
}

/// One test at a time on the real disk: a child process that is being started holds for a moment what its parent has open, the locks of stores of other tests
/// included.
pub(crate) fn real_disk() -> parking_lot::MutexGuard<'static, ()> {
    static ALONE: parking_lot::Mutex<()> = parking_lot::Mutex::new(());
    ALONE.lock()
}

fn open(
    fs: &SimFs,
    options: &Options,
    clock: &Arc<ManualClock>,
) -> Result<(Tsdb, RecoveryReport), bellwether_tsdb::TsdbError> {
    Tsdb::open(Path::new(DIR), options.clone(), Arc::new(fs.clone()) as Arc<dyn Fs>, clock.clone())
}

pub(crate) fn row(series: std::ops::Range<i64>, ts_ms: i64) -> Vec<AppendEntry> {
    series.map(|i| sample(&name(i), ts_ms, ((ts_ms / 1000) * (i % 7)) as f64)).collect()
}

pub(crate) fn name(i: i64) -> Labels {
    Labels::from_pairs([("__name__", "m".to_owned()), ("i", i.to_string()), ("mod", (i % 3).to_string())])
}

pub(crate) fn sample(labels: &Labels, ts_ms: i64, value: impl Into<Value>) -> AppendEntry {
    AppendEntry { hint: None, labels: labels.clone(), ts_ms, start_ts_ms: 0, value: value.into() }
}

/// A counter that is reset before one with a smaller sum.
pub(crate) fn histogram(sum: f64) -> Value {
    let count = if sum.is_finite() { sum } else { 1.0 };
    Value::Histogram(Arc::new(FloatHistogram { sum, count, ..FloatHistogram::default() }))
}

/// The bits of a value, in a form that can be compared and read.
pub(crate) fn bits(value: &Value) -> String {
    match value {
        Value::Float(v) => format!("{:x}", v.to_bits()),
        Value::Histogram(h) => format!("h{:x}", h.sum.to_bits()),
    }
}

/// Series, then time, then the bits of the value and the start timestamp.
pub(crate) type Dump = BTreeMap<String, BTreeMap<i64, (String, i64)>>;

pub(crate) fn dump(tsdb: &Tsdb, tenant: &Tenant) -> Dump {
    read(tsdb, tenant, &[], TimeRange::ALL)
}

/// What a selection returns. Checks on the way that the answer has the promised form.
pub(crate) fn read(tsdb: &Tsdb, tenant: &Tenant, matchers: &[Matcher], range: TimeRange) -> Dump {
    let querier = tsdb.querier(tenant, range).expect("a querier can be opened");
    read_from(querier.as_ref(), matchers, range)
}

pub(crate) fn read_from(
    querier: &dyn bellwether_model::Querier,
    matchers: &[Matcher],
    range: TimeRange,
) -> Dump {
    let spec = SelectSpec { matchers: matchers.to_vec(), range, sorted: true, hints: SelectHints::default() };
    let series = querier.select(&spec, &QueryContext::unbounded()).expect("the selection works");
    assert!(series.labels().is_sorted(), "series are in label order, each once");
    let mut found = Dump::new();
    let mut buf = ColumnBuffer::default();
    for (idx, labels) in series.labels().iter().enumerate() {
        series.read(idx, &mut buf).expect("the samples can be read");
        assert!(buf.ts.windows(2).all(|w| w[0] < w[1]), "timestamps strictly increase");
        for (row, h) in buf.hists.iter().enumerate().skip(1) {
            if let Some(h) = h {
                let hint = h.stored_reset_hint(buf.hists[row - 1].as_deref());
                assert_eq!(h.counter_reset_hint, hint, "{labels} at {}: reset or not", buf.ts[row]);
            }
        }
        let mut samples = BTreeMap::new();
        for row in 0..buf.len() {
            let value = match buf.hists.get(row) {
                Some(Some(h)) => Value::Histogram(Arc::clone(h)),
                _ => Value::Float(buf.vals[row]),
            };
            samples.insert(buf.ts[row], (bits(&value), buf.start_ts.get(row).copied().unwrap_or(0)));
        }
        if !samples.is_empty() {
            assert!(found.insert(labels.to_string(), samples).is_none(), "{labels} comes twice");
        }
    }
    assert_eq!(series.warnings(), [] as [String; 0]);
    found
}

/// How many samples there are.
pub(crate) fn count(dump: &Dump) -> usize {
    dump.values().map(BTreeMap::len).sum()
}
