//! The store against a map, under everything that can happen to it in any order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::Fs as _;
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, Appender as _, Clock as _, KnownSample, Rejection, SeriesRef,
    Tenant, TimeRange, Value, stale_nan,
};
use bellwether_tsdb::{
    Limits, Options, ReadMode, SeriesLimits, SyncPolicy, Tsdb, remove_snapshot, restore_snapshot,
};
use proptest::prelude::*;

use crate::kit::{self, Dump, HOUR, Kit, NOW, bits, histogram, name, options, sample};

const SERIES: i64 = 5;

#[derive(Debug, Clone)]
enum Step {
    /// Samples of one batch: series, milliseconds after the newest one of the series (or before), value, start timestamp or not.
    Append(Vec<(i64, i64, u8, bool)>),
    /// Many samples for one series, at this interval.
    Fill(i64, u8, i64),
    Maintain,
    Compact,
    /// Delete of a series, or of all, from this long before its newest sample on, for this long.
    Delete(Option<i64>, i64, i64),
    Clean,
    Sync,
    Wait(i64),
    Kill,
    Restart,
    PowerCut(u64),
    /// Read a range and compare.
    Read(i64, i64),
    /// Drop the parts that are older than this, in hours.
    Retain(i64),
    /// Make a snapshot and a store of it.
    Snapshot,
}

fn some_step() -> impl Strategy<Value = Step> {
    let step_ms = prop_oneof![
        6 => 1_i64..20_000, 2 => Just(0_i64), 3 => -100_000_i64..0, 1 => -30 * HOUR..0, 1 => Just(HOUR), 1 => HOUR..40 * HOUR,
    ];
    let entry = (0..SERIES, step_ms, any::<u8>(), proptest::bool::weighted(0.2));
    prop_oneof![
        12 => proptest::collection::vec(entry, 1..12).prop_map(Step::Append),
        3 => (0..SERIES, any::<u8>(), prop_oneof![Just(15_000_i64), 1_i64..1_000_000])
            .prop_map(|(series, n, interval)| Step::Fill(series, n, interval)),
        2 => Just(Step::Maintain),
        2 => Just(Step::Compact),
        3 => (proptest::option::weighted(0.8, 0..SERIES), some_span(), some_span())
            .prop_map(|(series, back, len)| Step::Delete(series, back, len)),
        1 => Just(Step::Clean),
        1 => Just(Step::Sync),
        1 => (1_i64..4 * HOUR).prop_map(Step::Wait),
        2 => Just(Step::Kill),
        1 => Just(Step::Restart),
        1 => any::<u64>().prop_map(Step::PowerCut),
        3 => (-60_i64..60, 0_i64..60).prop_map(|(from, hours)| Step::Read(from, hours)),
        1 => (0_i64..100).prop_map(Step::Retain),
        1 => Just(Step::Snapshot),
    ]
}

fn some_span() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0_i64..200_000, 1 => 0..60 * HOUR, 1 => Just(10_000 * HOUR)]
}

/// Values of every kind that a store may treat in its own way.
fn value_of(byte: u8) -> Value {
    match byte % 8 {
        0 => stale_nan().into(),
        1 => (-0.0).into(),
        2 => f64::NAN.into(),
        3 => histogram(f64::from(byte)),
        4 => (f64::from(byte) / 10.0).into(),
        5 => f64::from(byte).sqrt().into(),
        7 if byte % 16 == 7 => histogram(stale_nan()),
        _ => f64::from(byte).into(),
    }
}

/// Which late samples are taken.
#[derive(Debug, Clone, Copy)]
struct Window {
    ms: i64,
    /// The newest sample before the batch.
    newest: i64,
    /// The same, if deleted ones count: the store does not forget at once how far it was.
    newest_ever: i64,
}

impl Window {
    /// Whether a late sample may be refused as too old.
    fn may_refuse(self, ts_ms: i64) -> bool {
        ts_ms < self.newest_ever - self.ms
    }

    /// Whether it may be taken.
    fn may_take(self, ts_ms: i64) -> bool {
        ts_ms >= self.newest - self.ms
    }
}

/// What the store should hold.
#[derive(Default)]
struct Model {
    samples: BTreeMap<i64, BTreeMap<i64, (Value, i64)>>,
    /// The newest sample that was deleted of a series. The store goes on behind it as long as it remembers it.
    deleted: BTreeMap<i64, (i64, Value)>,
    /// The newest sample that there ever was.
    newest_ever: i64,
    /// The handles that the store gave, some of them in another life.
    handles: BTreeMap<i64, SeriesRef>,
}

impl Model {
    /// Checks what the store answered, and notes what it should hold then. `in_batch` are the samples of this batch so far; `is_held` says whether the store has a sample at this
    /// time now, after the batch.
    fn append(
        &mut self,
        series: i64,
        entry: &AppendEntry,
        got: Result<(), Rejection>,
        in_batch: &mut Vec<(i64, i64)>,
        window: Window,
        is_held: impl FnOnce() -> bool,
    ) {
        let held = self.samples.entry(series).or_default();
        let newest = held.last_key_value().map(|(ts, _)| *ts);
        let deleted = self.deleted.get(&series).filter(|(ts, _)| newest.is_none_or(|newest| newest < *ts));
        let ts_ms = entry.ts_ms;
        // Without a window only the newest sample is compared within a batch.
        let is_hidden = window.ms == 0 && Some(ts_ms) != newest && in_batch.contains(&(series, ts_ms));
        let mut take = |held: &mut BTreeMap<i64, (Value, i64)>| {
            held.insert(ts_ms, (entry.value.clone(), entry.start_ts_ms));
            in_batch.push((series, ts_ms));
        };
        if newest.is_none_or(|newest| newest < ts_ms) && deleted.is_none_or(|(ts, _)| *ts < ts_ms) {
            assert_eq!(got, Ok(()));
            return take(held);
        }
        if let Some((value, _)) = held.get(&ts_ms).filter(|_| !is_hidden) {
            let is_same = bits(value) == bits(&entry.value);
            assert_eq!(got, if is_same { Ok(()) } else { Err(Rejection::DuplicateTimestamp) });
            return;
        }
        let is_late_allowed = window.ms > 0 && !entry.value.is_stale();
        let at_deleted =
            deleted.filter(|(ts, _)| *ts == ts_ms).map(|(_, value)| bits(value) == bits(&entry.value));
        match got {
            Ok(()) if at_deleted == Some(true) && !is_held() => {}
            Ok(()) => {
                let is_forgotten = newest.is_none_or(|newest| newest < ts_ms);
                assert!(is_forgotten || (is_late_allowed && window.may_take(ts_ms)), "taken: {entry:?}");
                take(held);
            }
            Err(Rejection::DuplicateTimestamp) => assert_eq!(at_deleted, Some(false), "{entry:?}"),
            Err(Rejection::OutOfOrder) => assert!(!is_late_allowed && at_deleted.is_none(), "{entry:?}"),
            Err(Rejection::TooOld) => {
                assert!(is_late_allowed && window.may_refuse(ts_ms) && at_deleted.is_none(), "{entry:?}");
            }
            Err(other) => panic!("{other}: {entry:?}"),
        }
    }

    fn delete(&mut self, series: i64, range: TimeRange) {
        let held = self.samples.entry(series).or_default();
        let Some((newest, (value, _))) = held.last_key_value() else { return };
        if range.contains(*newest) && self.deleted.get(&series).is_none_or(|(ts, _)| ts <= newest) {
            self.deleted.insert(series, (*newest, value.clone()));
        }
        held.retain(|ts, _| !range.contains(*ts));
    }

    /// Takes over that the store has less than it had: nothing newer than `oldest_kept` may be gone, and nothing is other than it was.
    fn retain(&mut self, found: &Dump, oldest_kept: i64) {
        for series in 0..SERIES {
            let found = found.get(&name(series).to_string());
            let held = self.samples.entry(series).or_default();
            let gone: Vec<i64> =
                held.keys().filter(|ts| found.is_none_or(|found| !found.contains_key(ts))).copied().collect();
            assert!(gone.iter().all(|ts| *ts < oldest_kept), "{gone:?} of series {series} are kept");
            for ts in gone {
                self.delete(series, TimeRange::new(ts, ts));
            }
        }
        assert_eq!(*found, self.dump(TimeRange::ALL));
    }

    fn dump(&self, range: TimeRange) -> Dump {
        let series = self.samples.iter().map(|(i, samples)| {
            let samples = samples.iter().filter(|(ts, _)| range.contains(**ts));
            (name(*i).to_string(), samples.map(|(ts, (v, start))| (*ts, (bits(v), *start))).collect())
        });
        series.filter(|(_, s): &(String, BTreeMap<_, _>)| !s.is_empty()).collect()
    }

    /// The newest sample of all series.
    fn newest_of_all(&self) -> i64 {
        let newest = self.samples.values().filter_map(|s| s.last_key_value());
        newest.map(|(ts, _)| *ts).max().unwrap_or(0)
    }

    /// The newest sample of a series, deleted or not.
    fn newest(&self, series: i64) -> i64 {
        let newest = self.samples.get(&series).and_then(|s| s.last_key_value()).map(|(ts, _)| *ts);
        newest.max(self.deleted.get(&series).map(|(ts, _)| *ts)).unwrap_or(NOW - 60 * HOUR)
    }
}

fn run(steps: &[Step], sync: SyncPolicy, reading: (ReadMode, usize), window_ms: i64) {
    let (read_mode, part_cache_bytes) = reading;
    let options = Options {
        sync,
        tenants: SeriesLimits::NONE.into(),
        out_of_order_window_ms: window_ms,
        segment_bytes: 1 << 13,
        read_mode,
        part_cache_bytes,
        ..options()
    };
    let mut kit = Kit::with(options);
    let mut model = Model::default();
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Append(entries) => {
                let mut newest: BTreeMap<i64, i64> = BTreeMap::new();
                let batch: Vec<(i64, AppendEntry)> = entries
                    .iter()
                    .map(|(series, step_ms, byte, has_start)| {
                        let newest = newest.entry(*series).or_insert_with(|| model.newest(*series));
                        let ts_ms = *newest + step_ms;
                        *newest = ts_ms.max(*newest);
                        let start_ts_ms = if *has_start { ts_ms - 500 } else { 0 };
                        (
                            *series,
                            AppendEntry { start_ts_ms, ..sample(&name(*series), ts_ms, value_of(*byte)) },
                        )
                    })
                    .collect();
                append(&kit, &mut model, &batch, at);
            }
            Step::Fill(series, n, interval) => {
                let first = model.newest(*series);
                let entry = |k: i64| sample(&name(*series), first + k * interval, value_of((k % 200) as u8));
                let batch: Vec<_> = (1..=i64::from(*n)).map(|k| (*series, entry(k))).collect();
                append(&kit, &mut model, &batch, at);
            }
            Step::Maintain => drop(kit.tsdb.maintain().expect("works")),
            Step::Compact => drop(kit.tsdb.compact_all().expect("works")),
            Step::Delete(series, back, len) => {
                for series in series.map_or(0..SERIES, |series| series..series + 1) {
                    let from = model.newest(series) - back;
                    let range = TimeRange::new(from, from + len);
                    kit.delete(series, range);
                    model.delete(series, range);
                }
                assert_eq!(kit.dump(), model.dump(TimeRange::ALL), "step {at}: {step:?}");
            }
            Step::Clean => {
                kit.tsdb.clean_tombstones().expect("works");
                let stored: u64 = kit.tsdb.parts().iter().map(|p| p.deleted_intervals as u64).sum();
                assert_eq!(stored, 0, "step {at}");
            }
            Step::Sync => kit.tsdb.sync().expect("works"),
            Step::Wait(ms) => kit.clock.advance_ms(*ms),
            Step::Kill => kit.kill(),
            Step::Restart => kit.restart(),
            Step::PowerCut(seed) => {
                if sync != SyncPolicy::Always {
                    kit.tsdb.sync().expect("works");
                }
                kit.power_cut(*seed);
            }
            Step::Retain(hours) => {
                let limits = kit.options.limits();
                let retention_ms = hours * HOUR;
                kit.tsdb.set_limits(Limits { retention_ms: Some(retention_ms), ..limits });
                // Counted from the newest sample that there is, or was, but never from beyond the clock.
                let newest = model.newest_ever.max(model.newest_of_all()).min(kit.clock.now_ms());
                kit.tsdb.maintain().expect("works");
                kit.tsdb.set_limits(limits);
                model.retain(&kit.dump(), newest - retention_ms);
            }
            Step::Snapshot => {
                let (name, restored) = (format!("s{at}"), format!("restored{at}"));
                let report = kit.tsdb.snapshot(&name, true).expect("made");
                let restored = Path::new(&restored);
                restore_snapshot(&kit.fs, &report.dir, restored, NOW).expect("whole");
                remove_snapshot(&kit.fs, &report.dir).expect("made just now");
                let (tsdb, report) =
                    Tsdb::open(restored, kit.options.clone(), Arc::new(kit.fs.clone()), kit.clock.clone())
                        .expect("opens");
                assert!(report.is_clean(), "step {at}: {report:?}");
                assert_eq!(kit::dump(&tsdb, &Tenant::default()), model.dump(TimeRange::ALL), "step {at}");
                drop(tsdb);
                kit.fs.remove_dir_all(restored).expect("there");
            }
            Step::Read(from, hours) => {
                let range = TimeRange::new(NOW + from * HOUR, NOW + (from + hours) * HOUR);
                let found = kit::read(&kit.tsdb, &Tenant::default(), &[], range);
                assert_eq!(found, model.dump(range), "step {at}: {step:?}");
            }
        }
        assert!(kit.report.is_clean(), "step {at}: {:?}", kit.report);
    }
    assert_eq!(kit.dump(), model.dump(TimeRange::ALL), "at the end");
    kit.tsdb.compact_all().expect("works");
    assert_eq!(kit.dump(), model.dump(TimeRange::ALL), "after a compaction");
    kit.kill();
    assert_eq!(kit.dump(), model.dump(TimeRange::ALL), "after a last start");
}

fn append(kit: &Kit, model: &mut Model, batch: &[(i64, AppendEntry)], at: usize) {
    let mut in_batch = Vec::new();
    let newest = model.newest_of_all();
    let window =
        Window { ms: kit.options.out_of_order_window_ms, newest, newest_ever: newest.max(model.newest_ever) };
    let verdicts = append_by_handles(kit, &mut model.handles, batch);
    for ((series, entry), got) in batch.iter().zip(verdicts) {
        let is_held = || {
            let at = TimeRange::new(entry.ts_ms, entry.ts_ms);
            kit::read(&kit.tsdb, &Tenant::default(), &[], at).contains_key(&name(*series).to_string())
        };
        model.append(*series, entry, got, &mut in_batch, window, is_held);
    }
    model.newest_ever = window.newest_ever.max(model.newest_of_all());
    let found = kit.dump();
    assert_eq!(found, model.dump(TimeRange::ALL), "step {at}");
}

/// Appends a batch; about half of the floats whose series have handles go by these. Returns what became of each sample.
fn append_by_handles(
    kit: &Kit,
    handles: &mut BTreeMap<i64, SeriesRef>,
    samples: &[(i64, AppendEntry)],
) -> Vec<Result<(), Rejection>> {
    let mut batch = AppendBatch::default();
    let mut is_known = Vec::new();
    for (series, entry) in samples {
        let handle = handles.get(series).filter(|_| entry.ts_ms % 2 == 0);
        let known = if let (Some(handle), Value::Float(value)) = (handle, &entry.value) {
            let AppendEntry { ts_ms, start_ts_ms, .. } = *entry;
            Some(KnownSample { series: *handle, ts_ms, start_ts_ms, value: *value })
        } else {
            batch.known_before.push(batch.known.len() as u32);
            batch.samples.push(entry.clone());
            None
        };
        is_known.push(known.is_some());
        batch.known.extend(known);
    }
    let report = match kit.tsdb.append(&Tenant::default(), &batch) {
        Ok(report) => report,
        Err(AppendError::ForgottenSeries { places }) => {
            let forgotten: Vec<_> = places.iter().map(|place| batch.known[*place].series).collect();
            handles.retain(|_, handle| !forgotten.contains(handle));
            return append_by_handles(kit, handles, samples);
        }
        Err(error) => panic!("{error}"),
    };
    let n_stored = report.stored();
    let mut rejected_known = report.rejected_known.into_iter().peekable();
    let (mut others, mut known) = (report.samples.into_iter(), 0..);
    let verdicts: Vec<_> = samples
        .iter()
        .zip(is_known)
        .map(|((series, _), is_known)| {
            if is_known {
                let place = known.next();
                let rejection = rejected_known.next_if(|(rejected, _)| Some(*rejected) == place);
                return rejection.map_or(Ok(()), |(_, rejection)| Err(rejection));
            }
            let handle = others.next().expect("an answer for each sample")?;
            handles.insert(*series, handle);
            Ok(())
        })
        .collect();
    assert_eq!(n_stored, verdicts.iter().filter(|verdict| verdict.is_ok()).count());
    verdicts
}

/// How many rows of steps each test tries: `BELLWETHER_MODEL_CASES`, or few enough for every day.
fn cases() -> u32 {
    std::env::var("BELLWETHER_MODEL_CASES").map_or(250, |n| n.parse().expect("a number of cases"))
}

/// How parts are read, and how much of them may be kept: nothing, something, everything.
fn some_reading() -> impl Strategy<Value = (ReadMode, usize)> {
    (
        prop_oneof![Just(ReadMode::Map), Just(ReadMode::Read)],
        prop_oneof![Just(0_usize), 500_usize..10_000, Just(1 << 20)],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn the_store_is_a_map(
        steps in proptest::collection::vec(some_step(), 1..40),
        reading in some_reading(),
    ) {
        run(&steps, SyncPolicy::Segment, reading, 0);
    }

    #[test]
    fn the_store_is_a_map_that_syncs_always(
        steps in proptest::collection::vec(some_step(), 1..40),
        reading in some_reading(),
    ) {
        run(&steps, SyncPolicy::Always, reading, 0);
    }

    #[test]
    fn the_store_is_a_map_that_takes_late_samples(
        steps in proptest::collection::vec(some_step(), 1..40),
        reading in some_reading(),
        window_ms in prop_oneof![Just(50_000), Just(24 * HOUR), Just(10_000 * HOUR)],
        always: bool,
    ) {
        let sync = if always { SyncPolicy::Always } else { SyncPolicy::Segment };
        run(&steps, sync, reading, window_ms);
    }
}
