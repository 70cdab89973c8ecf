//! How long it takes to find series and to read their samples, from parts and from the head.
//!
//! `cargo bench -p bellwether-tsdb`. Items per second are series for selections and samples for reads; one core.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bellwether_disk::RealFs;
use bellwether_model::{
    AppendBatch, AppendEntry, Appender, ColumnBuffer, Labels, ManualClock, MatchOp, Matcher, Querier,
    QueryContext, Queryable, SelectHints, SelectSpec, SeriesSet, Tenant, TimeRange,
};
use bellwether_tsdb::{Options, ReadMode, Tsdb};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const START: i64 = 1_748_736_000_000;
const INTERVAL_MS: i64 = 15_000;
const ROWS: i64 = 240;
const METRICS: usize = 20;
const SERIES_PER_METRIC: usize = 500;

/// 20 metrics of 500 series each with an hour of samples, and four metrics of 100 series whose values are of one kind each.
fn fill(tsdb: &Tsdb) {
    let series = |metric: &str, i: usize| {
        Labels::from_pairs([
            ("__name__", metric),
            ("endpoint", &format!("/v1/things/{}", i % 10)),
            ("instance", &format!("gateway-{}:9090", i / 10)),
            ("job", "gateway"),
            ("region", ["eu-west", "us-east"][i % 2]),
            ("status", ["200", "400", "404", "500", "503"][i % 5]),
        ])
    };
    let mut all = Vec::new();
    for metric in 0..METRICS {
        all.extend(
            (0..SERIES_PER_METRIC)
                .map(|i| (series(&format!("requests_{metric:02}_total"), i), Kind::Counter)),
        );
    }
    for kind in KINDS {
        all.extend((0..100).map(|i| (series(kind.name(), i), kind)));
    }
    for row in 0..ROWS {
        let samples = all.iter().zip(0_i64..).map(|((labels, kind), i)| AppendEntry {
            hint: None,
            labels: labels.clone(),
            ts_ms: START + row * INTERVAL_MS,
            start_ts_ms: 0,
            value: kind.value(i, row).into(),
        });
        let batch = AppendBatch { samples: samples.collect(), ..AppendBatch::default() };
        let report = tsdb.append(&Tenant::default(), &batch).expect("taken");
        assert_eq!(report.stored(), all.len());
    }
}

/// What values look like.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Constant,
    Counter,
    Decimal,
    Noise,
}

const KINDS: [Kind; 4] = [Kind::Constant, Kind::Counter, Kind::Decimal, Kind::Noise];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Counter => "counter",
            Self::Decimal => "decimal",
            Self::Noise => "noise",
        }
    }

    fn value(self, series: i64, row: i64) -> f64 {
        let random = ((series * 1000 + row) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        match self {
            Self::Constant => series as f64,
            Self::Counter => (row * (series % 50 + 1) * 10) as f64 + (random % 9) as f64,
            Self::Decimal => (random % 1000) as f64 / 10.0,
            Self::Noise => (random as f64).sqrt(),
        }
    }
}

/// A store whose samples are all in the head, or all in one part.
struct Filled {
    tsdb: Tsdb,
    _dir: tempfile::TempDir,
}

fn store(place: &'static str) -> &'static Filled {
    static HEAD: OnceLock<Filled> = OnceLock::new();
    static MAPPED: OnceLock<Filled> = OnceLock::new();
    static READ: OnceLock<Filled> = OnceLock::new();
    static FORGETFUL: OnceLock<Filled> = OnceLock::new();
    let kept = Options::default().part_cache_bytes;
    let new = |read_mode, part_cache_bytes, is_compacted: bool| {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(ManualClock::new(START + ROWS * INTERVAL_MS));
        let options = Options { read_mode, part_cache_bytes, min_free_bytes: Some(0), ..Options::default() };
        let path: &Path = dir.path();
        let (tsdb, _) = Tsdb::open(path, options, Arc::new(RealFs::new()), clock).expect("opens");
        fill(&tsdb);
        if is_compacted {
            tsdb.compact_all().expect("works");
        }
        Filled { tsdb, _dir: dir }
    };
    match place {
        "head" => HEAD.get_or_init(|| new(ReadMode::Map, kept, false)),
        "part, mapped" => MAPPED.get_or_init(|| new(ReadMode::Map, kept, true)),
        "part, read" => READ.get_or_init(|| new(ReadMode::Read, kept, true)),
        // As in a store with many more series than the cache has room for.
        _ => FORGETFUL.get_or_init(|| new(ReadMode::Map, 0, true)),
    }
}

const PLACES: [&str; 4] = ["head", "part, mapped", "part, read", "part, nothing kept"];
const END: i64 = START + (ROWS - 1) * INTERVAL_MS;
const HOUR: TimeRange = TimeRange { mint: START, maxt: END };
const LAST_MINUTES: TimeRange = TimeRange { mint: END - 5 * 60_000 + 1, maxt: END };

fn select(tsdb: &Tsdb, matchers: &[Matcher], range: TimeRange) -> Box<dyn SeriesSet> {
    let querier = tsdb.querier(&Tenant::default(), range).expect("opens");
    let spec =
        SelectSpec { matchers: matchers.to_vec(), range, sorted: false, hints: SelectHints::default() };
    querier.select(&spec, &QueryContext::unbounded()).expect("works")
}

fn name(op: MatchOp, value: &str) -> Matcher {
    Matcher::new(op, "__name__", value).expect("compiles")
}

#[divan::bench(args = PLACES)]
fn select_one_metric_of_twenty(bencher: Bencher<'_, '_>, place: &'static str) {
    let tsdb = &store(place).tsdb;
    let matchers = [name(MatchOp::Eq, "requests_07_total")];
    bencher
        .counter(ItemsCount::new(SERIES_PER_METRIC))
        .bench(|| assert_eq!(select(tsdb, &matchers, LAST_MINUTES).labels().len(), SERIES_PER_METRIC));
}

#[divan::bench(args = PLACES)]
fn select_everything(bencher: Bencher<'_, '_>, place: &'static str) {
    let tsdb = &store(place).tsdb;
    let matchers = [name(MatchOp::Re, ".+")];
    let n = select(tsdb, &matchers, LAST_MINUTES).labels().len();
    bencher.counter(ItemsCount::new(n)).bench(|| select(tsdb, &matchers, LAST_MINUTES).labels().len());
}

#[divan::bench(args = PLACES)]
fn select_a_tenth_that_is_scattered(bencher: Bencher<'_, '_>, place: &'static str) {
    let tsdb = &store(place).tsdb;
    let matchers = [name(MatchOp::Re, "requests.+"), Matcher::equal("endpoint", "/v1/things/3")];
    let n = METRICS * SERIES_PER_METRIC / 10;
    bencher
        .counter(ItemsCount::new(n))
        .bench(|| assert_eq!(select(tsdb, &matchers, LAST_MINUTES).labels().len(), n));
}

#[divan::bench(args = PLACES)]
fn open_and_select_nothing(bencher: Bencher<'_, '_>, place: &'static str) {
    let tsdb = &store(place).tsdb;
    let matchers = [name(MatchOp::Eq, "absent")];
    bencher.bench(|| select(tsdb, &matchers, LAST_MINUTES).labels().len());
}

#[divan::bench(args = PLACES)]
fn list_label_values(bencher: Bencher<'_, '_>, place: &'static str) {
    let querier: Box<dyn Querier> = store(place).tsdb.querier(&Tenant::default(), HOUR).expect("opens");
    let matchers = [name(MatchOp::Eq, "requests_07_total")];
    bencher.counter(ItemsCount::new(SERIES_PER_METRIC)).bench(|| {
        querier.label_values("instance", &matchers, 0, &QueryContext::unbounded()).expect("works").len()
    });
}

fn read_all(bencher: Bencher<'_, '_>, place: &'static str, metric: &str, range: TimeRange) {
    let set = select(&store(place).tsdb, &[name(MatchOp::Eq, metric)], range);
    let mut buf = ColumnBuffer::default();
    let mut read = || {
        let mut samples = 0;
        for idx in 0..set.labels().len() {
            set.read(idx, &mut buf).expect("whole");
            samples += buf.len();
        }
        samples
    };
    let samples = read();
    bencher.counter(ItemsCount::new(samples)).bench_local(read);
}

#[divan::bench(args = KINDS)]
fn read_an_hour_from_a_part(bencher: Bencher<'_, '_>, kind: Kind) {
    read_all(bencher, "part, mapped", kind.name(), HOUR);
}

#[divan::bench(args = KINDS)]
fn read_an_hour_from_the_head(bencher: Bencher<'_, '_>, kind: Kind) {
    read_all(bencher, "head", kind.name(), HOUR);
}

#[divan::bench(args = PLACES)]
fn read_five_minutes_of_counters(bencher: Bencher<'_, '_>, place: &'static str) {
    read_all(bencher, place, "requests_07_total", LAST_MINUTES);
}

#[divan::bench(args = PLACES)]
fn read_an_hour_of_counters(bencher: Bencher<'_, '_>, place: &'static str) {
    read_all(bencher, place, "requests_07_total", HOUR);
}
