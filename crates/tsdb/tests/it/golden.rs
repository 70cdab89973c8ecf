//! A data folder that version 1 of the formats wrote, and that every later program must read.
//!
//! `tests/golden/v1` is never written again. A new version of a format gets a folder of its own, made by running the tests with
//! `BELLWETHER_TSDB_GOLDEN` set to the path of the folder that is to be created.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::{Crc32c, Fs as _, RealFs, SimFs, StoreId};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendExemplar, AppendMetadata, Appender, ColumnBuffer, CounterResetHint,
    Exemplar, FloatHistogram, Labels, ManualClock, Matcher, MetadataRequest, MetricMetadata, MetricType,
    QueryContext, Queryable, SelectHints, SelectSpec, Span, Tenant, TimeRange, Value, stale_nan,
};
use bellwether_tsdb::{Options, ProblemKind, RecoveryReport, Tsdb, TsdbError};

use crate::kit::{self, HOUR, NOW, sample};

const WRITE_TO: &str = "BELLWETHER_TSDB_GOLDEN";
const ROWS: i64 = 40;

/// Where a row of samples is in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Part,
    Checkpoint,
    Log,
}

const PLACES: [Place; 3] = [Place::Part, Place::Checkpoint, Place::Log];

impl Place {
    fn rows(self) -> std::ops::Range<i64> {
        match self {
            Self::Part => 0..ROWS,
            Self::Checkpoint => ROWS..ROWS + 5,
            Self::Log => ROWS + 5..ROWS + 8,
        }
    }
}

/// One row: every form of value that the formats treat in their own way.
fn row(n: i64) -> Vec<AppendEntry> {
    let ts_ms = NOW - 20 * HOUR + n * 15_000;
    let named = |name: &str| Labels::from_pairs([("__name__", name), ("job", "golden")]);
    let float = |name: &str, v: f64| sample(&named(name), ts_ms, v);
    let noise = f64::from_bits((n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2);
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, stale_nan()];
    let exponential = FloatHistogram {
        counter_reset_hint: if n == 0 { CounterResetHint::Unknown } else { CounterResetHint::NotReset },
        schema: 3,
        zero_threshold: 1e-9,
        zero_count: 2.0,
        count: (12 + 3 * n) as f64,
        sum: n as f64 * 1.5,
        positive_spans: vec![Span { offset: -2, length: 2 }, Span { offset: 3, length: 1 }],
        negative_spans: vec![Span { offset: 0, length: 1 }],
        positive_buckets: vec![4.0, (1 + n) as f64, (3 + 2 * n) as f64],
        negative_buckets: vec![2.0],
        custom_values: None,
    };
    let custom = FloatHistogram {
        counter_reset_hint: CounterResetHint::Gauge,
        schema: -53,
        count: 3.5,
        sum: 0.25,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_buckets: vec![1.0, 2.5],
        custom_values: Some(Arc::from([0.1, 0.5].as_slice())),
        ..FloatHistogram::default()
    };
    let stale_histogram = FloatHistogram { sum: stale_nan(), ..FloatHistogram::default() };
    let histogram = |h: FloatHistogram| Value::Histogram(Arc::new(h));
    vec![
        float("requests_total", (n * 7) as f64),
        float("temperature_celsius", 20.0 + (n % 9) as f64 / 10.0),
        float("constant", 1.0),
        float("noise", noise),
        float("special", special[(n % 7) as usize]),
        AppendEntry { start_ts_ms: NOW - 21 * HOUR + n / 10, ..float("started_total", (n % 10) as f64) },
        sample(&named("latency_seconds"), ts_ms, histogram(exponential)),
        sample(&named("sizes"), ts_ms, histogram(custom)),
        sample(
            &named("mixed"),
            ts_ms,
            if n % 8 < 4 { Value::Float(0.5) } else { histogram(stale_histogram) },
        ),
    ]
}

/// A sample in full, every bit of it.
fn text(value: &Value) -> String {
    match value {
        Value::Float(v) => format!("{:016x}", v.to_bits()),
        Value::Histogram(h) => {
            let bits = |v: &[f64]| v.iter().map(|v| format!("{:016x}", v.to_bits())).collect::<Vec<_>>();
            let spans = |s: &[Span]| s.iter().map(|s| (s.offset, s.length)).collect::<Vec<_>>();
            format!(
                "{:?} {} {:?} +{:?}{:?} -{:?}{:?} custom {:?}",
                h.counter_reset_hint,
                h.schema,
                bits(&[h.zero_threshold, h.zero_count, h.count, h.sum]),
                spans(&h.positive_spans),
                bits(&h.positive_buckets),
                spans(&h.negative_spans),
                bits(&h.negative_buckets),
                h.custom_values.as_deref().map(bits),
            )
        }
    }
}

/// Series, then time, then the sample and its start timestamp.
type Content = BTreeMap<String, BTreeMap<i64, (String, i64)>>;

fn expected() -> Content {
    let mut content = Content::new();
    for entry in PLACES.into_iter().flat_map(Place::rows).flat_map(row) {
        let samples = content.entry(entry.labels.to_string()).or_default();
        samples.insert(entry.ts_ms, (text(&entry.value), entry.start_ts_ms));
    }
    content
}

/// What a store returns, and its warnings.
fn content(tsdb: &Tsdb) -> (Content, Vec<String>) {
    let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let spec = SelectSpec {
        matchers: vec![Matcher::equal("job", "golden")],
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let series = querier.select(&spec, &QueryContext::unbounded()).expect("works");
    let mut found = Content::new();
    let mut buf = ColumnBuffer::default();
    for (idx, labels) in series.labels().iter().enumerate() {
        series.read(idx, &mut buf).expect("lenient");
        let samples = found.entry(labels.to_string()).or_default();
        for i in 0..buf.len() {
            let value = match buf.hists.get(i) {
                Some(Some(h)) => Value::Histogram(Arc::clone(h)),
                _ => Value::Float(buf.vals[i]),
            };
            samples.insert(buf.ts[i], (text(&value), buf.start_ts.get(i).copied().unwrap_or(0)));
        }
    }
    found.retain(|_, samples| !samples.is_empty());
    (found, series.warnings())
}

fn exemplar() -> AppendExemplar {
    AppendExemplar {
        labels: row(0)[0].labels.clone(),
        exemplar: Exemplar {
            labels: Labels::from_pairs([("trace_id", "4bf92f35")]),
            value: 0.75,
            ts_ms: NOW - 19 * HOUR,
        },
        is_timed: true,
    }
}

fn metadata() -> AppendMetadata {
    AppendMetadata {
        family: "requests".to_owned(),
        metadata: MetricMetadata {
            metric_type: MetricType::Counter,
            unit: "requests".to_owned(),
            help: "How many.".to_owned(),
        },
    }
}

fn options() -> Options {
    Options { segment_bytes: 1 << 12, ..kit::options() }
}

fn open_real(dir: &Path) -> (Tsdb, RecoveryReport) {
    Tsdb::open(dir, options(), Arc::new(RealFs::new()), Arc::new(ManualClock::new(NOW))).expect("opens")
}

fn open_sim(fs: &SimFs) -> Result<(Tsdb, RecoveryReport), TsdbError> {
    let clock = Arc::new(ManualClock::new(NOW));
    Tsdb::open(Path::new(kit::DIR), options(), Arc::new(fs.clone()), clock)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

/// All files below a folder, relative to it.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(sub) = dirs.pop() {
        for entry in std::fs::read_dir(dir.join(&sub)).expect("a folder") {
            let entry = entry.expect("listed");
            let path = sub.join(entry.file_name());
            if entry.file_type().expect("known").is_dir() { dirs.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files_below(from) {
        let target = to.join(&file);
        std::fs::create_dir_all(target.parent().expect("in a folder")).expect("created");
        std::fs::copy(from.join(&file), target).expect("copied");
    }
}

/// The folder on a simulated disk.
fn simulated() -> SimFs {
    let fs = SimFs::new();
    for file in files_below(&folder()) {
        let target = Path::new(kit::DIR).join(&file);
        fs.create_dir_all(target.parent().expect("in a folder")).expect("no faults");
        let bytes = std::fs::read(folder().join(&file)).expect("readable");
        let file = fs.create(&target).expect("no faults");
        bellwether_disk::write_all_at(file.as_ref(), &bytes, 0).expect("no faults");
    }
    fs
}

/// Writes the folder anew. Does nothing when it is run as a test.
#[test]
fn write_when_asked() {
    let Some(target) = std::env::var_os(WRITE_TO) else { return };
    let scratch = tempfile::tempdir().expect("a place for temporary files");
    for place in PLACES {
        let (tsdb, _) = open_real(scratch.path());
        for n in place.rows() {
            let mut batch = AppendBatch { samples: row(n), ..AppendBatch::default() };
            if place == Place::Log && n == place.rows().start {
                batch.exemplars.push(exemplar());
                batch.metadata.push(metadata());
            }
            let report = tsdb.append(&Tenant::default(), &batch).expect("taken");
            assert_eq!(report.stored(), batch.samples.len());
        }
        match place {
            Place::Part => drop(tsdb.compact_all().expect("compacts")),
            Place::Checkpoint => tsdb.close().expect("closes"),
            Place::Log => {}
        }
    }
    std::fs::remove_file(scratch.path().join("LOCK")).expect("there");
    copy(scratch.path(), Path::new(&target));
}

#[test]
fn version_1_is_read() {
    let _alone = kit::real_disk();
    let dir = tempfile::tempdir().expect("a place for temporary files");
    copy(&folder(), dir.path());
    let (tsdb, report) = open_real(dir.path());
    assert!(report.problems.is_empty() && report.is_clean(), "{report:?}");
    let per_row = row(0).len() as u64;
    assert!(report.checkpoint.is_some());
    assert_eq!((report.log_frames, report.samples), (3, 8 * per_row), "{report:?}");
    let [part] = tsdb.parts().try_into().expect("one part");
    assert_eq!((part.samples, part.series), (ROWS as u64 * per_row, per_row));
    assert_eq!(content(&tsdb), (expected(), Vec::new()));
    let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let cx = QueryContext::unbounded();
    let found = querier.exemplars(&[vec![Matcher::equal("job", "golden")]], &cx).expect("works");
    assert_eq!((found.len(), found[0].exemplars[0].clone()), (1, exemplar().exemplar));
    let found = querier.metadata(&MetadataRequest::default(), &cx).expect("works");
    assert_eq!(found, [(metadata().family, vec![metadata().metadata])]);
    drop(querier);
    // And it goes on from there.
    let next = AppendBatch { samples: row(ROWS + 8), ..AppendBatch::default() };
    assert_eq!(tsdb.append(&Tenant::default(), &next).expect("taken").stored() as u64, per_row);
    tsdb.compact_all().expect("compacts");
    let mut more = expected();
    for entry in &next.samples {
        let samples = more.get_mut(&entry.labels.to_string()).expect("known");
        samples.insert(entry.ts_ms, (text(&entry.value), entry.start_ts_ms));
    }
    assert_eq!(content(&tsdb), (more.clone(), Vec::new()));
    drop(tsdb);
    let (tsdb, report) = open_real(dir.path());
    assert!(report.is_clean() && report.samples == 0, "{report:?}");
    assert_eq!(content(&tsdb), (more, Vec::new()));
}

fn find(fs: &SimFs, end: &str) -> PathBuf {
    let is_it = |p: &PathBuf| p.to_str().is_some_and(|p| p.ends_with(end));
    fs.files().into_iter().find(is_it).unwrap_or_else(|| panic!("no {end}"))
}

fn store_id(fs: &SimFs) -> StoreId {
    let manifest = bellwether_disk::read_file(fs, &find(fs, "MANIFEST"), 1 << 20).expect("there");
    let text = String::from_utf8(manifest).expect("text");
    let id = text.split_once("\"id\":\"").expect("the identity").1;
    StoreId::parse(&id[..32]).expect("32 digits")
}

/// Puts `version` at `at` and makes the checksum right, which stands at `crc_at` and covers what is before it.
fn reversion(bytes: &mut [u8], at: usize, version: u16, crc_at: usize) {
    bytes[at..at + 2].copy_from_slice(&version.to_le_bytes());
    let crc = Crc32c::of(&bytes[..crc_at]);
    bytes[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Changes the first frame behind the header of a file of frames and makes its checksum right.
fn reframe(bytes: &mut [u8], store_id: StoreId, change: impl Fn(&mut [u8])) {
    const AT: usize = 64;
    let number: [u8; 8] = bytes[32..40].try_into().expect("8 bytes");
    let len = u32::from_le_bytes(bytes[AT + 4..AT + 8].try_into().expect("4 bytes")) as usize;
    change(&mut bytes[AT..AT + 24 + len]);
    let frame = &bytes[AT..AT + 24 + len];
    let mut covered = store_id.0.to_vec();
    covered.extend_from_slice(&number);
    covered.extend_from_slice(&frame[4..8]);
    covered.extend_from_slice(&frame[12..]);
    let crc = Crc32c::of(&covered);
    bytes[AT + 8..AT + 12].copy_from_slice(&crc.to_le_bytes());
}

/// The checksum in a line of MANIFEST, made right.
fn relist(text: &str) -> Vec<u8> {
    let line = |line: &str| format!("{:08x} {}\n", Crc32c::of(&line.as_bytes()[9..]), &line[9..]);
    text.lines().map(line).collect::<String>().into_bytes()
}

#[test]
fn newer_versions_are_refused_and_stay_as_they_are() {
    let original = simulated();
    let id = store_id(&original);
    let check = |end: &str, change: &dyn Fn(&mut Vec<u8>), want: &str| {
        let fs = original.kill();
        fs.tamper(&find(&fs, end), |bytes| change(bytes)).expect("there");
        let state = |fs: &SimFs| -> Vec<(PathBuf, Vec<u8>)> {
            let files = fs.files().into_iter().filter(|p| !p.ends_with("LOCK"));
            files.map(|p| (p.clone(), bellwether_disk::read_file(fs, &p, 1 << 30).expect("there"))).collect()
        };
        let before = state(&fs);
        let message = open_sim(&fs).expect_err(end).to_string();
        assert!(
            message.contains(want) && message.contains("use the program that wrote it"),
            "{end}: {message}"
        );
        assert!(message.contains(end), "{end}: {message}");
        assert!(state(&fs) == before, "{end}: something was changed");
    };
    let newer = "format version 2 is newer than 1, the newest this program reads";
    check("00000005.log", &|bytes| reversion(bytes, 8, 2, 60), newer);
    check(".ckpt", &|bytes| reversion(bytes, 8, 2, 60), newer);
    for file in ["ts.bin", "val.bin", "hist.bin", "dir.bin", "index.bin"] {
        check(file, &|bytes| reversion(bytes, 8, 2, 28), newer);
    }
    check(
        "MANIFEST",
        &|bytes| {
            let text = String::from_utf8(bytes.clone()).expect("text");
            *bytes = relist(&text.replacen("\"version\":1", "\"version\":2", 1));
        },
        "format version 2 is not 1",
    );
    check(
        "MANIFEST",
        &|bytes| {
            bytes.extend_from_slice(&relist("00000000 {\"shard\":{\"of\":4}}"));
        },
        "unknown variant `shard`",
    );
    // A frame of a newer version, and a record of an unknown kind in one of this version.
    check(
        "00000005.log",
        &|bytes| reframe(bytes, id, |frame| frame[12] = 2),
        "offset 64: frame of a newer version",
    );
    check(".ckpt", &|bytes| reframe(bytes, id, |frame| frame[12] = 2), "frame of a newer version");
    check("00000005.log", &|bytes| reframe(bytes, id, |frame| frame[24] = 77), "unknown kind of record 77");
    check(".ckpt", &|bytes| reframe(bytes, id, |frame| frame[24] = 77), "unknown kind of record 77");
}

/// Which kinds of problem may be reported for damage to a file.
fn kinds_of(path: &Path) -> &'static [ProblemKind] {
    match path.extension().and_then(|e| e.to_str()) {
        Some("log") => &[ProblemKind::Log, ProblemKind::TornTail],
        Some("ckpt") => &[ProblemKind::Checkpoint],
        Some("bin" | "json") => &[ProblemKind::Part],
        // Cut at the end of a line, it does not look damaged; a part that it does not list is put aside.
        _ => &[ProblemKind::Manifest, ProblemKind::UnlistedPart],
    }
}

/// Opens a damaged folder: no panic, the right kind of problem, nothing wrong in the answers, and no silent loss.
fn check_damaged(fs: &SimFs, path: &Path, want: &Content, context: &str) {
    let (tsdb, report) = open_sim(fs).unwrap_or_else(|e| panic!("{context}: {e}"));
    let (found, warnings) = content(&tsdb);
    for problem in &report.problems {
        assert!(kinds_of(path).contains(&problem.kind), "{context}: {problem:?}");
    }
    for (series, samples) in &found {
        for (ts, value) in samples {
            let known = want.get(series).and_then(|s| s.get(ts));
            assert_eq!(known, Some(value), "{context}: {series} at {ts}");
        }
    }
    if found != *want {
        assert!(!report.problems.is_empty() || !warnings.is_empty(), "{context}: silent loss");
    }
}

#[test]
fn flipped_bits_are_noticed() {
    let original = simulated();
    let want = expected();
    for path in original.files() {
        let len = bellwether_disk::read_file(&original.kill(), &path, 1 << 20).expect("there").len();
        // Every header byte by byte, the rest here and there.
        for at in (0..len).filter(|at| *at < 32 || at % 23 == 0) {
            let fs = original.kill();
            fs.tamper(&path, |bytes| bytes[at] ^= 1 << (at % 8)).expect("there");
            check_damaged(&fs, &path, &want, &format!("bit {} of byte {at} of {}", at % 8, path.display()));
        }
    }
}

#[test]
fn truncated_files_are_noticed() {
    let original = simulated();
    let want = expected();
    for path in original.files() {
        let len = bellwether_disk::read_file(&original.kill(), &path, 1 << 20).expect("there").len();
        // The end of the log is where a crash cuts; cutting off whole frames there cannot be told from one.
        let is_log = path.extension().is_some_and(|e| e == "log");
        for keep in (0..len).filter(|keep| *keep < 32 || keep % 37 == 0 || *keep == len - 1) {
            let fs = original.kill();
            fs.tamper(&path, |bytes| bytes.truncate(keep)).expect("there");
            let context = format!("{keep} bytes of {}", path.display());
            if is_log {
                let (tsdb, report) = open_sim(&fs).unwrap_or_else(|e| panic!("{context}: {e}"));
                let known = |p: &bellwether_tsdb::Problem| kinds_of(&path).contains(&p.kind);
                assert!(report.problems.iter().all(known), "{context}: {report:?}");
                assert!(
                    content(&tsdb)
                        .0
                        .iter()
                        .all(|(s, found)| found.iter().all(|f| want[s].get(f.0) == Some(f.1)))
                );
            } else {
                check_damaged(&fs, &path, &want, &context);
            }
        }
    }
}
