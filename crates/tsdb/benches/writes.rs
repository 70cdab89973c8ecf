//! How long samples take from a batch into the log and memory, from there into parts, and from the log back into memory; and the steps on the way alone: making frames
//! for the log (`log_encode`), sealing chunks (`seal`), and making one part of two (`merge`).
//!
//! `cargo bench -p bellwether-tsdb --bench writes`. Items per second are samples. Appending includes the log, on a real file that nobody syncs, and the sealing of full chunks.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{Fs, RealFs, SimFs};
use bellwether_model::{
    AppendBatch, AppendEntry, Appender, KnownSample, Labels, ManualClock, SeriesRef, Tenant,
};
use bellwether_tsdb::bench::{BatchEncoder, Sealer};
use bellwether_tsdb::{Options, SeriesLimits, SyncPolicy, Tsdb};
use divan::Bencher;
use divan::counter::ItemsCount;

fn main() {
    divan::main();
}

const START: i64 = 1_748_736_000_000;
const INTERVAL_MS: i64 = 15_000;
const SERIES: usize = 20_000;
/// Series of one source, and samples of one batch, as senders of remote write make them.
const SOURCE: usize = 500;
const BATCH: usize = 2000;

fn labels(i: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "http_requests_total"),
        ("endpoint", &format!("/v1/things/{}", i % SOURCE / 10)),
        ("instance", &format!("gateway-{}:9090", i / SOURCE)),
        ("job", "gateway"),
        ("method", ["GET", "POST"][i % 2]),
        ("region", "eu-west-1"),
        ("status", ["200", "400", "404", "500", "503"][i % 10 / 2]),
    ])
}

fn value(i: usize, row: i64) -> f64 {
    let random = ((i as i64 * 1000 + row) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match i % 4 {
        0 => i as f64,
        1 | 2 => (row * (i as i64 % 50 + 1) * 10) as f64 + (random % 9) as f64,
        _ => (random % 1000) as f64 / 10.0,
    }
}

fn open(dir: &Path, fs: Arc<dyn Fs>) -> Tsdb {
    open_at(dir, fs, Arc::new(ManualClock::new(START)))
}

fn open_at(dir: &Path, fs: Arc<dyn Fs>, clock: Arc<ManualClock>) -> Tsdb {
    let options = Options {
        sync: SyncPolicy::Segment,
        min_free_bytes: Some(0),
        tenants: SeriesLimits::NONE.into(),
        ..Options::default()
    };
    Tsdb::open(dir, options, fs, clock).expect("opens").0
}

/// A row of samples for the series, in batches. Handles stand for the labels if there are any.
fn batches(series: &[usize], row: i64, handles: &[SeriesRef]) -> Vec<AppendBatch> {
    let ts_ms = START + row * INTERVAL_MS;
    let known = |i: &usize| KnownSample { series: handles[*i], ts_ms, start_ts_ms: 0, value: value(*i, row) };
    let named = |i: &usize| AppendEntry {
        hint: None,
        labels: labels(*i),
        ts_ms,
        start_ts_ms: 0,
        value: value(*i, row).into(),
    };
    let batch = |series: &[usize]| match handles {
        [] => AppendBatch { samples: series.iter().map(named).collect(), ..AppendBatch::default() },
        _ => AppendBatch { known: series.iter().map(known).collect(), ..AppendBatch::default() },
    };
    series.chunks(BATCH).map(batch).collect()
}

fn append_row(tsdb: &Tsdb, series: &[usize], row: i64, handles: &[SeriesRef]) -> Vec<SeriesRef> {
    let stored = |batch: AppendBatch| tsdb.append(&Tenant::default(), &batch).expect("taken").samples;
    batches(series, row, handles).into_iter().flat_map(stored).map(|handle| handle.expect("stored")).collect()
}

fn fill(tsdb: &Tsdb, n_series: usize, rows: std::ops::Range<i64>) {
    let series: Vec<usize> = (0..n_series).collect();
    let handles = append_row(tsdb, &series, rows.start, &[]);
    (rows.start + 1..rows.end).for_each(|row| drop(append_row(tsdb, &series, row, &handles)));
}

#[divan::bench(args = ["handles in order", "handles in random order", "labels in order"])]
fn append(bencher: Bencher<'_, '_>, how: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let tsdb = open(dir.path(), Arc::new(RealFs::new()));
    let mut series: Vec<usize> = (0..SERIES).collect();
    let handles = append_row(&tsdb, &series, 0, &[]);
    if how == "handles in random order" {
        series.sort_by_key(|i| (*i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let handles = if how == "labels in order" { &[][..] } else { &handles };
    let mut all = batches(&series, 1, handles);
    let (mut row, mut next) = (1, 0);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        let batch = &mut all[next];
        for (sample, i) in batch.samples.iter_mut().zip(&series[next * BATCH..]) {
            sample.ts_ms = START + row * INTERVAL_MS;
            sample.value = value(*i, row).into();
        }
        next = (next + 1) % (SERIES / BATCH);
        row += i64::from(next == 0);
        tsdb.append(&Tenant::default(), batch).expect("taken").stored()
    });
}

/// The frames of a batch of known series, without writing them.
#[divan::bench]
fn log_encode(bencher: Bencher<'_, '_>) {
    let (mut encoder, mut row) = (BatchEncoder::default(), 0);
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        row += 1;
        encoder.encode((0..BATCH).map(|i| (i as u64, START + row * INTERVAL_MS, value(i, row))))
    });
}

/// The chunks of 120 samples that a batch of known series fills at last.
#[divan::bench]
fn seal(bencher: Bencher<'_, '_>) {
    const ROWS: i64 = 120;
    let times: Vec<i64> = (0..ROWS).map(|row| START + row * INTERVAL_MS).collect();
    let columns: Vec<Vec<f64>> = (0..BATCH).map(|i| (0..ROWS).map(|row| value(i, row)).collect()).collect();
    let mut sealer = Sealer::default();
    bencher.counter(ItemsCount::new(BATCH * times.len())).bench_local(|| {
        for values in &columns {
            black_box(sealer.seal(&times, values));
        }
    });
}

/// One part of two that have two hours each.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn merge(bencher: Bencher<'_, '_>) {
    const ROWS: i64 = 480;
    let with_parts = || {
        let clock = Arc::new(ManualClock::new(START));
        let tsdb = open_at(Path::new("data"), Arc::new(SimFs::new()), Arc::clone(&clock));
        // Two hours are cut when there are samples an hour behind them and no more come.
        fill(&tsdb, BATCH, 0..ROWS * 3 / 2 + 1);
        clock.advance_ms(3_600_000);
        assert_eq!(tsdb.maintain().expect("no faults").parts_cut, 1);
        fill(&tsdb, BATCH, ROWS * 3 / 2 + 1..2 * ROWS);
        fill(&tsdb, 1, ROWS * 5 / 2..ROWS * 5 / 2 + 1);
        clock.advance_ms(3_600_000);
        assert_eq!(tsdb.maintain().expect("no faults").parts_cut, 1);
        tsdb
    };
    bencher
        .counter(ItemsCount::new(BATCH * 2 * ROWS as usize))
        .with_inputs(with_parts)
        .bench_local_refs(|tsdb| assert_eq!(tsdb.compact_all().expect("no faults").parts_merged, 3));
}

/// From memory into a part, and that together with one as large that is there already.
#[divan::bench(args = ["cut", "cut and merge"], sample_count = 10, sample_size = 1)]
fn compact(bencher: Bencher<'_, '_>, what: &str) {
    const ROWS: i64 = 120;
    let with_head = || {
        let tsdb = open(Path::new("data"), Arc::new(SimFs::new()));
        if what == "cut and merge" {
            fill(&tsdb, BATCH, 0..ROWS);
            tsdb.compact_all().expect("no faults");
        }
        fill(&tsdb, BATCH, ROWS..2 * ROWS);
        tsdb
    };
    bencher
        .counter(ItemsCount::new(BATCH * ROWS as usize))
        .with_inputs(with_head)
        .bench_local_refs(|tsdb| tsdb.compact_all().expect("no faults"));
}

/// Opening a store whose samples are all in the log; on all cores.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn replay(bencher: Bencher<'_, '_>) {
    const ROWS: i64 = 100;
    let dir = tempfile::tempdir().expect("a folder");
    fill(&open(dir.path(), Arc::new(RealFs::new())), SERIES, 0..ROWS);
    bencher
        .counter(ItemsCount::new(SERIES * ROWS as usize))
        .bench_local(|| open(dir.path(), Arc::new(RealFs::new())).active_series());
}
