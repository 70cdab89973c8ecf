//! Every kind of file of a store, damaged in every way, by seeds: the store starts, returns nothing that was not written, and says what is lost.
//!
//! `BELLWETHER_DAMAGE_SEEDS` is the number of seeds; `BELLWETHER_DAMAGE_FIRST` the first of them, to repeat one that failed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_disk::{Fs, SimFs, read_file, write_all_at};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendExemplar, AppendMetadata, Appender, ColumnBuffer, Exemplar, Labels,
    ManualClock, MetricMetadata, MetricType, QueryContext, Queryable, SelectHints, SelectSpec, Tenant,
    TimeRange, Value,
};
use bellwether_tsdb::{Options, ProblemKind, ReadMode, RecoveryReport, Tsdb, restore_snapshot, verify_store};

use crate::kit::{self, Dump, HOUR, Kit, NOW, bits, histogram, name, options, sample};

/// How many seeds, unless `BELLWETHER_DAMAGE_SEEDS` says otherwise: each kind of damage to each kind of file once, and a bit more.
const SEEDS: u64 = 250;
const RESTORED: &str = "elsewhere/restored";
const SERIES: i64 = 40;

/// Numbers that look random and are the same for a seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 if there is none.
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// What a file is for the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Manifest,
    Segment,
    LastSegment,
    Checkpoint,
    Times,
    Floats,
    Histograms,
    Directory,
    Index,
    Meta,
    Tombstones,
    Lock,
    Snapshot,
    /// What the store knows nothing about, such as the notes of running queries.
    Foreign,
}

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    FlipBit,
    FlipBits,
    Truncate,
    Empty,
    ZeroPage,
    ZeroTail,
    RepeatTail,
    SwapBlocks,
    Delete,
    /// Another file of the same kind in its place.
    Replace,
    /// The same file under another name of its kind as well.
    Duplicate,
}

const DAMAGES: [Damage; 11] = [
    Damage::FlipBit,
    Damage::FlipBits,
    Damage::Truncate,
    Damage::Empty,
    Damage::ZeroPage,
    Damage::ZeroTail,
    Damage::RepeatTail,
    Damage::SwapBlocks,
    Damage::Delete,
    Damage::Replace,
    Damage::Duplicate,
];

/// A store as a killed process left it.
struct Left {
    fs: SimFs,
    files: Vec<(Kind, PathBuf)>,
    /// What it returns.
    held: Dump,
    /// What was ever written, deleted samples included.
    written: Dump,
    /// What it returned when the snapshot was made.
    in_snapshot: Dump,
    /// What only the log has, but for its last segment.
    in_log: Dump,
    /// What only the last segment of the log has.
    in_last_segment: Dump,
}

/// One row of all series: floats of several kinds, one of histograms, one with start timestamps.
fn row(n: i64, ts_ms: i64) -> Vec<AppendEntry> {
    let value = |i: i64| -> Value {
        match i % 5 {
            0 => (i as f64).into(),
            1 => ((n * (i + 1)) as f64).into(),
            2 => ((n * 7 % 100) as f64 / 10.0).into(),
            3 => {
                f64::from_bits((((i + 1) * 1000 + n) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2).into()
            }
            _ => histogram((n + i) as f64),
        }
    };
    let entry = |i: i64| {
        let start_ts_ms = if i % 7 == 3 { ts_ms - 1000 * (n % 9) } else { 0 };
        AppendEntry { start_ts_ms, ..sample(&name(i), ts_ms, value(i)) }
    };
    (0..SERIES).map(entry).collect()
}

fn note(dump: &mut Dump, samples: &[AppendEntry]) {
    for s in samples {
        dump.entry(s.labels.to_string()).or_default().insert(s.ts_ms, (bits(&s.value), s.start_ts_ms));
    }
}

fn store_options(read_mode: ReadMode) -> Options {
    Options { read_mode, out_of_order_window_ms: 1000 * HOUR, segment_bytes: 1 << 13, ..options() }
}

/// Two parts with deletions, late samples, a snapshot, a checkpoint, and a log of several segments, the last of which has rows of its own.
fn left() -> Left {
    let mut kit = Kit::with(store_options(ReadMode::Map));
    let mut written = Dump::new();
    let mut append = |kit: &Kit, n: i64, ts_ms: i64| {
        let samples = row(n, ts_ms);
        note(&mut written, &samples);
        assert_eq!(kit.append(samples).stored(), SERIES as usize);
    };
    for day in 0..2 {
        for n in 0..150 {
            append(&kit, n, NOW - (120 - 24 * day) * HOUR + n * 60_000);
        }
        kit.tsdb.compact_all().expect("compacts");
    }
    kit.delete(3, TimeRange::new(i64::MIN, NOW - 119 * HOUR));
    kit.delete(14, TimeRange::ALL);
    for n in 0..20 {
        append(&kit, n, NOW - 24 * HOUR + n * 60_000);
        append(&kit, n, NOW - 30 * HOUR + n * 60_000);
    }
    kit.delete(5, TimeRange::new(NOW - 24 * HOUR, NOW));
    let exemplar = Exemplar { labels: Labels::from_pairs([("trace_id", "a")]), value: 1.0, ts_ms: NOW };
    let metadata =
        MetricMetadata { metric_type: MetricType::Gauge, unit: String::new(), help: "a thing".to_owned() };
    let batch = AppendBatch {
        exemplars: vec![AppendExemplar { labels: name(1), exemplar, is_timed: true }],
        metadata: vec![AppendMetadata { family: "m".to_owned(), metadata }],
        ..AppendBatch::default()
    };
    kit.tsdb.append(&Tenant::default(), &batch).expect("taken");
    let in_snapshot = kit.dump();
    kit.tsdb.snapshot("s", true).expect("made");
    kit.restart();
    let mut in_log = Dump::new();
    for n in 20..60 {
        append(&kit, n, NOW - 24 * HOUR + n * 60_000);
        note(&mut in_log, &row(n, NOW - 24 * HOUR + n * 60_000));
    }
    kit.kill();
    let mut in_last_segment = Dump::new();
    for n in 60..63 {
        append(&kit, n, NOW - 24 * HOUR + n * 60_000);
        note(&mut in_last_segment, &row(n, NOW - 24 * HOUR + n * 60_000));
    }
    let held = kit.dump();
    let foreign = kit.fs.create(Path::new("data/queries.active")).expect("no faults");
    write_all_at(foreign.as_ref(), b"BWQUERY\0", 0).expect("no faults");
    let fs = kit.fs.kill();
    let files = kinds(&fs);
    Left { fs, files, held, written, in_snapshot, in_log, in_last_segment }
}

fn kinds(fs: &SimFs) -> Vec<(Kind, PathBuf)> {
    let all = fs.files();
    let last_segment = all.iter().rfind(|p| p.starts_with("data/log")).cloned();
    let kind = |path: &PathBuf| {
        let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        match file {
            _ if path.starts_with("data/snapshots") => Kind::Snapshot,
            "MANIFEST" => Kind::Manifest,
            "LOCK" => Kind::Lock,
            "ts.bin" => Kind::Times,
            "val.bin" => Kind::Floats,
            "hist.bin" => Kind::Histograms,
            "dir.bin" => Kind::Directory,
            "index.bin" => Kind::Index,
            "meta.json" => Kind::Meta,
            "tomb.bin" => Kind::Tombstones,
            _ if path.extension().is_some_and(|e| e == "ckpt") => Kind::Checkpoint,
            _ if Some(path) == last_segment.as_ref() => Kind::LastSegment,
            _ if path.extension().is_some_and(|e| e == "log") => Kind::Segment,
            _ => Kind::Foreign,
        }
    };
    all.iter().map(|path| (kind(path), path.clone())).collect()
}

/// Does it, and says what was done.
fn damage(fs: &SimFs, left: &Left, kind: Kind, damage: Damage, dice: &mut Dice) -> (PathBuf, String) {
    let of_kind: Vec<&PathBuf> =
        left.files.iter().filter(|(k, _)| *k == kind).map(|(_, path)| path).collect();
    let path = of_kind[dice.below(of_kind.len())];
    let bytes = read_file(fs, path, 1 << 30).expect("there");
    let (len, at) = (bytes.len(), dice.below(bytes.len()));
    let other = of_kind[dice.below(of_kind.len())];
    let mut what = format!("{damage:?} at {at} of {len} bytes");
    let change = |change: &dyn Fn(&mut Vec<u8>)| fs.tamper(path, |bytes| change(bytes)).expect("there");
    match damage {
        _ if len == 0 && damage != Damage::Delete => {}
        Damage::FlipBit => change(&|bytes| bytes[at] ^= 1 << (at % 8)),
        Damage::FlipBits => {
            for _ in 0..=dice.below(20) {
                let (at, bit) = (dice.below(len), dice.below(8));
                fs.tamper(path, |bytes| bytes[at] ^= 1 << bit).expect("there");
            }
        }
        Damage::Truncate => change(&|bytes| bytes.truncate(at)),
        Damage::Empty => change(&Vec::clear),
        Damage::ZeroPage => {
            let page = [64, 512, 4096][dice.below(3)];
            let from = at / page * page;
            what = format!("{what}, page of {page}");
            change(&|bytes| bytes[from..(from + page).min(len)].fill(0));
        }
        Damage::ZeroTail => change(&|bytes| bytes[at..].fill(0)),
        Damage::RepeatTail => change(&|bytes| bytes.extend_from_within(at..)),
        Damage::SwapBlocks => {
            let size = (len / 2).min(512);
            let (from, to) = (dice.below(len - 2 * size + 1), len - size);
            change(&|bytes| {
                let first = bytes[from..from + size].to_vec();
                bytes.copy_within(to.., from);
                bytes[to..].copy_from_slice(&first);
            });
        }
        Damage::Delete => fs.remove_file(path).expect("there"),
        Damage::Replace => {
            let content = read_file(fs, other, 1 << 30).expect("there");
            what = format!("{what} with {}", other.display());
            fs.tamper(path, |bytes| *bytes = content).expect("there");
        }
        Damage::Duplicate => {
            let file = path.file_name().and_then(|n| n.to_str()).expect("a name");
            let copy = match kind {
                Kind::Segment | Kind::LastSegment => "data/log/00000077.log".to_owned(),
                Kind::Checkpoint => "data/checkpoint-00000077.ckpt".to_owned(),
                Kind::Manifest | Kind::Lock | Kind::Foreign => format!("data/{file}.bak"),
                Kind::Snapshot => format!("data/snapshots/s/{file}.bak"),
                // Of a part the whole folder, as a careless restore leaves it.
                _ => {
                    let folder = path.parent().expect("in a folder");
                    fs.create_dir_all(Path::new("data/parts/0000000000000077")).expect("no faults");
                    for (_, file) in left.files.iter().filter(|(_, p)| p.parent() == Some(folder)) {
                        let name = file.file_name().expect("a file");
                        copy_file(fs, file, &Path::new("data/parts/0000000000000077").join(name));
                    }
                    return (path.clone(), what);
                }
            };
            copy_file(fs, path, Path::new(&copy));
        }
    }
    (path.clone(), what)
}

fn copy_file(fs: &SimFs, from: &Path, to: &Path) {
    let content = read_file(fs, from, 1 << 30).expect("there");
    let file = fs.create(to).expect("no faults");
    write_all_at(file.as_ref(), &content, 0).expect("no faults");
}

fn open(
    fs: &SimFs,
    dir: &str,
    read_mode: ReadMode,
) -> Result<(Tsdb, RecoveryReport), bellwether_tsdb::TsdbError> {
    let clock = Arc::new(ManualClock::new(NOW));
    Tsdb::open(Path::new(dir), store_options(read_mode), Arc::new(fs.clone()), clock)
}

/// What can be read, and the warnings.
fn content(tsdb: &Tsdb) -> (Dump, Vec<String>) {
    let querier = tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let spec = SelectSpec {
        matchers: Vec::new(),
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let series = querier.select(&spec, &QueryContext::unbounded()).expect("works");
    let (mut found, mut buf) = (Dump::new(), ColumnBuffer::default());
    for (idx, labels) in series.labels().iter().enumerate() {
        series.read(idx, &mut buf).expect("lenient");
        let mut samples = BTreeMap::new();
        for row in 0..buf.len() {
            let value = match buf.hists.get(row) {
                Some(Some(h)) => Value::Histogram(Arc::clone(h)),
                _ => Value::Float(buf.vals[row]),
            };
            samples.insert(buf.ts[row], (bits(&value), buf.start_ts.get(row).copied().unwrap_or(0)));
        }
        if !samples.is_empty() {
            found.insert(labels.to_string(), samples);
        }
    }
    (found, series.warnings())
}

/// The samples that `all` has and `some` has not.
fn without(all: &Dump, some: &Dump) -> Vec<(String, i64)> {
    let missing = |series: &str, ts: &i64| !some.get(series).is_some_and(|samples| samples.contains_key(ts));
    let of_series = |(series, samples): (&String, &BTreeMap<i64, _>)| -> Vec<(String, i64)> {
        samples.keys().filter(|ts| missing(series, ts)).map(|ts| (series.clone(), *ts)).collect()
    };
    all.iter().flat_map(of_series).collect()
}

fn check(left: &Left, seed: u64) {
    let mut dice = Dice(seed);
    let mut all_kinds: Vec<Kind> = left.files.iter().map(|(kind, _)| *kind).collect();
    all_kinds.sort_unstable();
    all_kinds.dedup();
    // Every pair comes once before one comes a second time; then two or three at once.
    let pairs = all_kinds.len() as u64 * DAMAGES.len() as u64;
    let pair = seed % pairs;
    let first =
        (all_kinds[(pair / DAMAGES.len() as u64) as usize], DAMAGES[(pair % DAMAGES.len() as u64) as usize]);
    let mut planned = vec![first];
    for _ in 0..if seed < 2 * pairs { 0 } else { dice.below(3) } {
        planned.push((all_kinds[dice.below(all_kinds.len())], DAMAGES[dice.below(DAMAGES.len())]));
    }
    let fs = left.fs.kill();
    let mut done: Vec<(Kind, Damage, PathBuf)> = Vec::new();
    let mut context = format!("seed {seed}:");
    for (kind, what) in planned {
        if done.iter().any(|(_, damage, _)| matches!(damage, Damage::Delete | Damage::Duplicate)) {
            continue;
        }
        let (path, told) = damage(&fs, left, kind, what, &mut dice);
        context = format!("{context} {} ({told})", path.display());
        done.push((kind, what, path));
    }
    let read_mode = if dice.next() & 1 == 0 { ReadMode::Map } else { ReadMode::Read };
    // A snapshot is whole, or refused, or says what it lost, whatever else is damaged. Values are compared below: the store has the same files.
    if restore_snapshot(&fs, Path::new("data/snapshots/s"), Path::new(RESTORED), NOW).is_ok() {
        let (tsdb, report) = open(&fs, RESTORED, read_mode).unwrap_or_else(|e| panic!("{context}: {e}"));
        let (found, _) = content(&tsdb);
        assert_eq!(without(&found, &left.in_snapshot), [], "{context}: restored");
        let is_told = !report.is_clean() || without(&left.in_snapshot, &found).is_empty();
        assert!(is_told, "{context}: restored with less, {report:?}");
    }
    let verified = verify_store(&fs, Path::new(kit::DIR));
    let (tsdb, report) =
        open(&fs, kit::DIR, read_mode).unwrap_or_else(|e| panic!("{context}: does not start: {e}"));
    let (found, warnings) = content(&tsdb);
    let told = || format!("{context}: {report:?}, warnings {warnings:?}");
    for (series, samples) in &found {
        for (ts, value) in samples {
            let written = left.written.get(series).and_then(|samples| samples.get(ts));
            assert_eq!(written, Some(value), "{}: {series} at {ts} was never written", told());
        }
    }
    // Deleted samples are back, or samples are lost: something says so.
    let (back, lost) = (without(&found, &left.held), without(&left.held, &found));
    let is_told = !report.is_clean() || !warnings.is_empty();
    assert!(back.is_empty() || is_told, "{}: {} deleted samples are back unnoticed", told(), back.len());
    // Where the log ends nothing says how much there was: what its last segment has may go with it, and with that gone what the segment before has.
    let is_in = |dump: &Dump, (series, ts): &(String, i64)| {
        dump.get(series).is_some_and(|samples| samples.contains_key(ts))
    };
    let is_hit = |kind: Kind| done.iter().any(|(hit, ..)| *hit == kind);
    let is_end = |sample: &(String, i64)| {
        is_hit(Kind::LastSegment)
            && (is_in(&left.in_last_segment, sample)
                || (is_hit(Kind::Segment) && is_in(&left.in_log, sample)))
    };
    let unexplained = lost.iter().filter(|sample| !is_end(sample)).count();
    assert!(unexplained == 0 || is_told, "{}: {} samples are lost unnoticed", told(), lost.len());
    // Whoever verifies before is told as well.
    if unexplained > 0 || !back.is_empty() {
        let is_noticed = verified.as_ref().map_or(true, |report| !report.findings.is_empty());
        assert!(is_noticed, "{}: {} samples are lost, and verifying found nothing", told(), lost.len());
    }
    // What is said is about what was damaged. The store and the snapshot share the files of their parts.
    let is_of_part = |path: &Path| path.to_str().is_some_and(|path| path.contains("/parts/"));
    for problem in &report.problems {
        let is_about = |(kind, what, path): &(Kind, Damage, PathBuf)| match problem.kind {
            ProblemKind::TornTail | ProblemKind::Log => {
                matches!(kind, Kind::Segment | Kind::LastSegment | Kind::Checkpoint | Kind::Manifest)
            }
            ProblemKind::Checkpoint => matches!(kind, Kind::Checkpoint | Kind::Segment | Kind::LastSegment),
            ProblemKind::Manifest => *kind == Kind::Manifest,
            ProblemKind::Tombstones => *kind == Kind::Manifest || is_of_part(path),
            _ => *kind == Kind::Manifest || *what == Damage::Duplicate || is_of_part(path),
        };
        assert!(done.iter().any(is_about), "{}: what has {problem:?} to do with it?", told());
    }
    // It goes on, and the next start has what was found and what came.
    let batch = AppendBatch { samples: row(1000, NOW), ..AppendBatch::default() };
    let stored =
        tsdb.append(&Tenant::default(), &batch).unwrap_or_else(|e| panic!("{context}: {e}")).stored();
    assert_eq!(stored, SERIES as usize, "{context}");
    drop(tsdb);
    let (again, _) = open(&fs, kit::DIR, read_mode).unwrap_or_else(|e| panic!("{context}, second time: {e}"));
    let (found_again, _) = content(&again);
    let mut want = found;
    note(&mut want, &batch.samples);
    assert_eq!(without(&want, &found_again), [], "{context}: lost at the second start");
    assert_eq!(without(&found_again, &want), [], "{context}: back at the second start");
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |n| n.parse().expect("a number of seeds"))
}

#[test]
fn a_damaged_store_starts_and_says_what_is_lost() {
    let left = left();
    let kinds: std::collections::BTreeSet<Kind> = left.files.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds.len(), 14, "every kind of file is there: {:?}", left.files);
    let first = number("BELLWETHER_DAMAGE_FIRST", 0);
    for seed in first..first + number("BELLWETHER_DAMAGE_SEEDS", SEEDS) {
        check(&left, seed);
    }
}
