//! The stages. Each prepares the same whatever it is asked for, then does its work so many times.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::RealFs;
use bellwether_exposition::{Event, Reader};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendReport, Appender, ColumnBuffer, KnownSample, Labels,
    ManualClock, Matcher, QueryContext, Queryable as _, SelectHints, SelectSpec, SeriesRef, Tenant,
    TimeRange,
};
use bellwether_tsdb::bench::{BatchEncoder, Sealer};
use bellwether_tsdb::{Options, SeriesLimits, SyncPolicy, Tsdb};
use bellwether_wire::{
    Sample, WriteLimits, WriteReceiver, WriteRequestWriter, WriteSeries, compress_write_request,
};
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Something that is counted.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    /// How often it is done in the shorter of the two runs.
    pub(crate) times: usize,
    /// Prepares, does it so many times, and returns how many samples each time has.
    pub(crate) run: fn(usize) -> Result<usize>,
}

pub(crate) const STAGES: &[Stage] = &[
    Stage {
        name: "text-node-exporter",
        times: 40,
        run: |times| text(include_bytes!("../../exposition/benches/node_exporter.txt"), times),
    },
    Stage {
        name: "text-fleet",
        times: 5,
        run: |times| text(include_bytes!("../../exposition/benches/fleet.txt"), times),
    },
    Stage {
        name: "text-python",
        times: 400,
        run: |times| text(include_bytes!("../../exposition/benches/python.txt"), times),
    },
    Stage { name: "remote-write", times: 20, run: remote_write },
    Stage { name: "append", times: ROWS_TO_APPEND / 2, run: append },
    Stage { name: "log-encode", times: 20, run: |times| Ok(log_encode(times)) },
    Stage { name: "seal", times: 1, run: |times| Ok(seal(times)) },
    Stage { name: "decode", times: 10, run: |times| Ok(decode(times)) },
    Stage { name: "cut", times: REWRITES / 2, run: cut },
    Stage { name: "merge", times: REWRITES / 2, run: merge },
    Stage { name: "replay", times: 2, run: replay },
    Stage { name: "read", times: 10, run: read },
];

const START: i64 = 1_748_736_000_000;
const INTERVAL_MS: i64 = 15_000;
const HOUR_MS: i64 = 3_600_000;
const SERIES: usize = 500;
/// How many batches are prepared to be appended: in each half of them every series fills a chunk.
const ROWS_TO_APPEND: usize = 64;
/// How many stores are prepared for a stage that can be done to each only once.
const REWRITES: usize = 4;

/// Reading a body whose series were all seen before.
fn text(body: &[u8], times: usize) -> Result<usize> {
    let mut known: Vec<Vec<u8>> = Vec::new();
    for event in Reader::text(body) {
        if let Event::Series(series) = event? {
            known.push(series.raw().to_vec());
        }
    }
    for _ in 0..times {
        let mut reader = Reader::text(black_box(body));
        let (mut sum, mut position) = (0.0, 0);
        while let Some(event) = reader.next_expecting(known.get(position).map_or(&[], Vec::as_slice)) {
            if let Event::Series(series) = event? {
                sum += series.value;
                position += 1;
            }
        }
        black_box(sum);
    }
    Ok(known.len())
}

/// A store that keeps nothing.
struct Nowhere;

impl Appender for Nowhere {
    fn append(&self, _: &Tenant, batch: &AppendBatch) -> std::result::Result<AppendReport, AppendError> {
        let samples = (0..batch.samples.len() as u64).map(|i| Ok(SeriesRef(i))).collect();
        Ok(AppendReport { known: batch.known.len(), samples, ..AppendReport::default() })
    }
}

fn labels(i: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "http_requests_total"),
        ("endpoint", &format!("/v1/things/{}", i / 10)),
        ("instance", "gateway-1:9090"),
        ("job", "gateway"),
        ("method", ["GET", "POST"][i % 2]),
        ("region", "eu-west-1"),
        ("status", ["200", "400", "404", "500", "503"][i % 10 / 2]),
    ])
}

/// A quarter of the series never change, half of them are counters, the rest decimal gauges.
fn value(i: usize, row: i64) -> f64 {
    let random = ((i as i64 * 1000 + row) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match i % 4 {
        0 => i as f64,
        1 | 2 => (row * (i as i64 % 50 + 1) * 10) as f64 + (random % 9) as f64,
        _ => (random % 1000) as f64 / 10.0,
    }
}

/// From the compressed body of a write request to a batch with the handles of the series, all of which were seen before.
fn remote_write(times: usize) -> Result<usize> {
    let (mut message, mut body) = (Vec::new(), Vec::new());
    let mut writer = WriteRequestWriter::new(&mut message);
    for i in 0..SERIES {
        let sample = Sample { ts_ms: START, value: value(i, 1) };
        writer.series(&WriteSeries {
            labels: &labels(i),
            samples: &[sample],
            exemplars: &[],
            histograms: &[],
        });
    }
    compress_write_request(&message, &mut body)?;
    let receiver = WriteReceiver::new(WriteLimits::default());
    receiver.receive(&Nowhere, &Tenant::default(), &body)?;
    for _ in 0..times {
        receiver.receive(&Nowhere, &Tenant::default(), black_box(&body))?;
    }
    Ok(SERIES)
}

/// A store in a folder that goes with it.
struct Scratch {
    tsdb: Tsdb,
    clock: Arc<ManualClock>,
    handles: Vec<SeriesRef>,
    /// Removed after the store was dropped.
    _dir: TempDir,
}

fn open(dir: &Path, clock: &Arc<ManualClock>) -> Result<Tsdb> {
    let options = Options {
        sync: SyncPolicy::Segment,
        min_free_bytes: Some(0),
        tenants: SeriesLimits::NONE.into(),
        segment_bytes: 4 << 20,
        ..Options::default()
    };
    Ok(Tsdb::open(dir, options, Arc::new(RealFs::new()), Arc::clone(clock) as Arc<_>)?.0)
}

fn batch(row: i64, handles: &[SeriesRef]) -> AppendBatch {
    let ts_ms = START + row * INTERVAL_MS;
    let known = |(i, series): (usize, &SeriesRef)| KnownSample {
        series: *series,
        ts_ms,
        start_ts_ms: 0,
        value: value(i, row),
    };
    let named = |i: usize| AppendEntry {
        hint: None,
        labels: labels(i),
        ts_ms,
        start_ts_ms: 0,
        value: value(i, row).into(),
    };
    match handles {
        [] => AppendBatch { samples: (0..SERIES).map(named).collect(), ..AppendBatch::default() },
        _ => AppendBatch { known: handles.iter().enumerate().map(known).collect(), ..AppendBatch::default() },
    }
}

impl Scratch {
    /// A store that knows the series.
    fn new() -> Result<Self> {
        let (dir, clock) = (tempfile::tempdir()?, Arc::new(ManualClock::new(START)));
        let mut scratch = Self { tsdb: open(dir.path(), &clock)?, clock, handles: Vec::new(), _dir: dir };
        scratch.handles =
            scratch.append(&batch(0, &[]))?.into_iter().collect::<std::result::Result<_, _>>()?;
        Ok(scratch)
    }

    fn append(
        &self,
        batch: &AppendBatch,
    ) -> Result<Vec<std::result::Result<SeriesRef, bellwether_model::Rejection>>> {
        Ok(self.tsdb.append(&Tenant::default(), batch)?.samples)
    }

    fn fill(&self, rows: std::ops::Range<i64>) -> Result<()> {
        rows.into_iter().try_for_each(|row| self.append(&batch(row, &self.handles)).map(drop))
    }
}

/// Appending a batch of known series: log, memory, and the chunks that become full.
fn append(times: usize) -> Result<usize> {
    let scratch = Scratch::new()?;
    let batches: Vec<_> = (1..=ROWS_TO_APPEND as i64).map(|row| batch(row, &scratch.handles)).collect();
    for batch in batches.iter().take(times) {
        scratch.append(black_box(batch))?;
    }
    Ok(SERIES)
}

/// The part of an append that makes the frames of the log.
fn log_encode(times: usize) -> usize {
    let mut encoder = BatchEncoder::default();
    for row in 0..times as i64 {
        let samples = (0..SERIES).map(|i| (i as u64, START + row * INTERVAL_MS, value(i, row)));
        black_box(encoder.encode(samples));
    }
    SERIES
}

/// Columns of 120 samples.
fn columns() -> (Vec<i64>, Vec<Vec<f64>>) {
    let times = (0..120).map(|row| START + row * INTERVAL_MS).collect();
    (times, (0..SERIES).map(|i| (0..120).map(|row| value(i, row)).collect()).collect())
}

/// Making a chunk of 120 samples.
fn seal(times: usize) -> usize {
    let (ts, columns) = columns();
    let mut sealer = Sealer::default();
    for _ in 0..times {
        for values in &columns {
            black_box(sealer.seal(black_box(&ts), values));
        }
    }
    ts.len() * columns.len()
}

/// Reading chunks of 120 samples.
fn decode(times: usize) -> usize {
    let (ts, columns) = columns();
    let mut sealer = Sealer::default();
    let chunks: Vec<_> = columns.iter().map(|values| sealer.seal(&ts, values)).collect();
    let mut out = ColumnBuffer::default();
    for _ in 0..times {
        for chunk in &chunks {
            black_box(chunk).decode(&mut out);
        }
    }
    ts.len() * columns.len()
}

/// Moving two hours from memory into a part.
fn cut(times: usize) -> Result<usize> {
    const ROWS: i64 = 2 * HOUR_MS / INTERVAL_MS;
    let stores = (0..REWRITES).map(|_| Scratch::new()).collect::<Result<Vec<_>>>()?;
    stores.iter().try_for_each(|store| store.fill(1..ROWS))?;
    for store in stores.iter().take(times) {
        store.tsdb.compact_all()?;
    }
    Ok(ROWS as usize * SERIES)
}

/// Making one part of two that have two hours each.
fn merge(times: usize) -> Result<usize> {
    const ROWS: i64 = 2 * HOUR_MS / INTERVAL_MS;
    let prepared = || -> Result<Scratch> {
        let scratch = Scratch::new()?;
        // Two hours are cut when there are samples an hour behind them and no more come.
        let cut = || {
            scratch.clock.advance_ms(HOUR_MS);
            scratch.tsdb.maintain()
        };
        scratch.fill(1..ROWS * 3 / 2 + 1)?;
        assert_eq!(cut()?.parts_cut, 1);
        scratch.fill(ROWS * 3 / 2 + 1..ROWS * 2)?;
        let behind = batch(ROWS * 5 / 2, &scratch.handles).known.split_off(SERIES - 1);
        scratch.append(&AppendBatch { known: behind, ..AppendBatch::default() })?;
        assert_eq!(cut()?.parts_cut, 1);
        Ok(scratch)
    };
    let stores = (0..REWRITES).map(|_| prepared()).collect::<Result<Vec<_>>>()?;
    for store in stores.iter().take(times) {
        let report = store.tsdb.compact_all()?;
        assert_eq!(report.parts_merged, 3, "two parts, and one with the single sample behind them");
    }
    Ok(2 * ROWS as usize * SERIES)
}

/// Opening a store all of whose samples are in the log.
fn replay(times: usize) -> Result<usize> {
    const ROWS: i64 = 100;
    let Scratch { tsdb, clock, handles, _dir: dir } = {
        let scratch = Scratch::new()?;
        scratch.fill(1..ROWS)?;
        scratch
    };
    drop((tsdb, handles));
    for _ in 0..times {
        let tsdb = open(dir.path(), &clock)?;
        assert_eq!(tsdb.active_series(), SERIES);
    }
    Ok(ROWS as usize * SERIES)
}

/// Finding the series of a part and reading all of their samples.
fn read(times: usize) -> Result<usize> {
    const ROWS: i64 = 240;
    let scratch = Scratch::new()?;
    scratch.fill(1..ROWS)?;
    scratch.tsdb.compact_all()?;
    let spec = SelectSpec {
        matchers: vec![Matcher::equal("__name__", "http_requests_total")],
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let mut samples = ColumnBuffer::default();
    for _ in 0..times {
        let querier = scratch.tsdb.querier(&Tenant::default(), TimeRange::ALL)?;
        let series = querier.select(&spec, &QueryContext::unbounded())?;
        assert_eq!(series.labels().len(), SERIES);
        for idx in 0..SERIES {
            series.read(idx, &mut samples)?;
            black_box(&samples);
        }
    }
    Ok(ROWS as usize * SERIES)
}
