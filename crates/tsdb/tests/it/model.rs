//! The store against a map, under everything that can happen to it in any order.

use std::collections::BTreeMap;

use bellwether_model::{AppendEntry, Rejection, Tenant, TimeRange, Value, stale_nan};
use bellwether_tsdb::{Options, ReadMode, SyncPolicy};
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
    Sync,
    Wait(i64),
    Kill,
    Restart,
    PowerCut(u64),
    /// Read a range and compare.
    Read(i64, i64),
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
        1 => Just(Step::Sync),
        1 => (1_i64..4 * HOUR).prop_map(Step::Wait),
        2 => Just(Step::Kill),
        1 => Just(Step::Restart),
        1 => any::<u64>().prop_map(Step::PowerCut),
        3 => (-60_i64..60, 0_i64..60).prop_map(|(from, hours)| Step::Read(from, hours)),
    ]
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
        _ => f64::from(byte).into(),
    }
}

/// Which late samples are taken.
#[derive(Debug, Clone, Copy)]
struct Window {
    ms: i64,
    /// The newest sample before the batch.
    newest: i64,
}

/// What the store should hold.
#[derive(Default)]
struct Model {
    samples: BTreeMap<i64, BTreeMap<i64, (Value, i64)>>,
}

impl Model {
    /// What the store should answer, and what it should hold then. `in_batch` are the samples of this batch so far.
    fn append(
        &mut self,
        series: i64,
        entry: &AppendEntry,
        in_batch: &mut Vec<(i64, i64)>,
        window: Window,
    ) -> Result<(), Rejection> {
        let held = self.samples.entry(series).or_default();
        let newest = held.last_key_value().map(|(ts, _)| *ts);
        if newest.is_some_and(|newest| newest >= entry.ts_ms) {
            // Without a window only the newest sample is compared within a batch.
            let is_hidden =
                window.ms == 0 && Some(entry.ts_ms) != newest && in_batch.contains(&(series, entry.ts_ms));
            return match held.get(&entry.ts_ms).filter(|_| !is_hidden) {
                Some((value, _)) if bits(value) == bits(&entry.value) => Ok(()),
                Some(_) => Err(Rejection::DuplicateTimestamp),
                None if window.ms == 0 || entry.value.is_stale() => Err(Rejection::OutOfOrder),
                None if entry.ts_ms < window.newest - window.ms => Err(Rejection::TooOld),
                None => {
                    held.insert(entry.ts_ms, (entry.value.clone(), entry.start_ts_ms));
                    Ok(())
                }
            };
        }
        held.insert(entry.ts_ms, (entry.value.clone(), entry.start_ts_ms));
        in_batch.push((series, entry.ts_ms));
        Ok(())
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

    fn newest(&self, series: i64) -> i64 {
        let newest = self.samples.get(&series).and_then(|s| s.last_key_value());
        newest.map_or(NOW - 60 * HOUR, |(ts, _)| *ts)
    }
}

fn run(steps: &[Step], sync: SyncPolicy, reading: (ReadMode, usize), window_ms: i64) {
    let (read_mode, part_cache_bytes) = reading;
    let options = Options {
        sync,
        max_future_ms: None,
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
    let window = Window { ms: kit.options.out_of_order_window_ms, newest: model.newest_of_all() };
    let want: Vec<Result<(), Rejection>> =
        batch.iter().map(|(series, entry)| model.append(*series, entry, &mut in_batch, window)).collect();
    let report = kit.append(batch.iter().map(|(_, entry)| entry.clone()).collect());
    let got: Vec<Result<(), Rejection>> = report.samples.iter().map(|r| r.clone().map(|_| ())).collect();
    assert_eq!(got, want, "step {at}");
}

/// How parts are read, and how much of them may be kept: nothing, something, everything.
fn some_reading() -> impl Strategy<Value = (ReadMode, usize)> {
    (
        prop_oneof![Just(ReadMode::Map), Just(ReadMode::Read)],
        prop_oneof![Just(0_usize), 500_usize..10_000, Just(1 << 20)],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

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
