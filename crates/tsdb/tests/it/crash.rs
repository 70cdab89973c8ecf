//! Faults and crashes at every single operation.

use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{Fault, Injection, SimFs};
use bellwether_model::{AppendBatch, Appender, Clock, ManualClock, Tenant, TimeRange};
use bellwether_tsdb::{Options, RecoveryReport, SyncPolicy, Tsdb, TsdbError};

use crate::kit::{self, Dump, HOUR, NOW, bits, name, options, row};

/// What was acknowledged, by series and time.
#[derive(Default)]
struct Ledger(Dump);

impl Ledger {
    /// Forgets what was deleted, or what may be.
    fn delete(&mut self, series: i64, range: TimeRange) {
        self.0.entry(name(series).to_string()).or_default().retain(|ts, _| !range.contains(*ts));
    }

    fn note(&mut self, samples: &[bellwether_model::AppendEntry]) {
        for s in samples {
            self.0.entry(s.labels.to_string()).or_default().insert(s.ts_ms, (bits(&s.value), 0));
        }
    }
}

/// A short life of a store: appends, a cut, more appends, some of them late, deletions, compactions, a checkpoint. Faults may end any step; only acknowledged samples are noted, and
/// only acknowledged deletions are relied on.
fn live(tsdb: &Tsdb, ledger: &mut Ledger, attempted: &mut Ledger) {
    let delete = |series: i64, range: TimeRange, ledger: &mut Ledger, attempted: &mut Ledger| {
        ledger.delete(series, range);
        if kit::delete(tsdb, series, range).is_ok() {
            attempted.delete(series, range);
        }
    };
    let append = |ts: i64, ledger: &mut Ledger, attempted: &mut Ledger| {
        let samples = row(0..12, ts);
        attempted.note(&samples);
        let batch = AppendBatch { samples, ..AppendBatch::default() };
        if tsdb.append(&Tenant::default(), &batch).is_ok_and(|r| r.stored() == 12) {
            ledger.note(&batch.samples);
        }
    };
    for n in 0..8 {
        append(NOW - 26 * HOUR + n * 60_000, ledger, attempted);
    }
    let _ = tsdb.compact_all();
    for n in 0..6 {
        append(NOW - 25 * HOUR + n * 60_000, ledger, attempted);
        append(NOW - 26 * HOUR + n * 60_000 + 30_000, ledger, attempted);
    }
    // From parts, from memory, in order and late.
    delete(3, TimeRange::ALL, ledger, attempted);
    delete(4, TimeRange::new(NOW - 26 * HOUR + 90_000, NOW - 25 * HOUR + 120_000), ledger, attempted);
    let _ = tsdb.compact_all();
    delete(5, TimeRange::new(NOW - 25 * HOUR, NOW), ledger, attempted);
    for n in 0..6 {
        append(NOW - HOUR + n * 60_000, ledger, attempted);
        append(NOW - 25 * HOUR - n * 60_000, ledger, attempted);
    }
    let _ = tsdb.maintain();
    delete(6, TimeRange::new(NOW - 26 * HOUR, NOW - HOUR), ledger, attempted);
    let _ = tsdb.clean_tombstones();
    delete(7, TimeRange::ALL, ledger, attempted);
    let _ = tsdb.close();
}

fn store_options(sync: SyncPolicy) -> Options {
    Options { sync, segment_bytes: 1 << 14, out_of_order_window_ms: 100 * HOUR, ..options() }
}

fn open(fs: &SimFs, options: &Options) -> Result<Tsdb, TsdbError> {
    try_open(fs, options).map(|(tsdb, _)| tsdb)
}

fn try_open(fs: &SimFs, options: &Options) -> Result<(Tsdb, RecoveryReport), TsdbError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    Tsdb::open(Path::new(kit::DIR), options.clone(), Arc::new(fs.clone()), clock)
}

/// All that was acknowledged is there, and nothing that was never sent.
fn check(fs: &SimFs, options: &Options, ledger: &Ledger, attempted: &Ledger, context: &str) {
    let (tsdb, report) =
        try_open(fs, options).unwrap_or_else(|e| panic!("{context}: the store does not open: {e}"));
    let found = kit::dump(&tsdb, &Tenant::default());
    for (series, samples) in &ledger.0 {
        for (ts, value) in samples {
            let got = found.get(series).and_then(|s| s.get(ts));
            assert_eq!(got, Some(value), "{context}: {series} at {ts} was acknowledged");
        }
    }
    for (series, samples) in &found {
        for (ts, value) in samples {
            assert_eq!(
                attempted.0[series].get(ts),
                Some(value),
                "{context}: {series} at {ts} was never sent"
            );
        }
    }
    // It goes on.
    let batch = AppendBatch { samples: row(0..12, NOW), ..AppendBatch::default() };
    assert_eq!(tsdb.append(&Tenant::default(), &batch).expect("healthy again").stored(), 12, "{context}");
    drop(tsdb);
    let (_, again) =
        try_open(&fs.kill(), options).unwrap_or_else(|e| panic!("{context}: not a second time: {e}"));
    assert!(again.frames_missing <= report.frames_missing, "{context}: {report:?}, then {again:?}");
}

fn operations(options: &Options) -> u64 {
    let fs = SimFs::new();
    let (mut ledger, mut attempted) = (Ledger::default(), Ledger::default());
    live(&open(&fs, options).expect("no faults"), &mut ledger, &mut attempted);
    assert_eq!(ledger.0, attempted.0, "without faults everything is acknowledged");
    fs.ops()
}

/// A process that just ends leaves nothing that has to be told as damage.
#[test]
fn a_killed_process_leaves_no_damage() {
    let options = store_options(SyncPolicy::Segment);
    every_operation(&options, &[Fault::Unplug], |fs, _, _, context| {
        let (_, report) = try_open(&fs.kill(), &options).unwrap_or_else(|e| panic!("{context}: {e}"));
        assert!(report.is_clean(), "{context}: {report:?}");
    });
}

fn every_operation(
    options: &Options,
    faults: &[Fault],
    mut after: impl FnMut(&SimFs, &Ledger, &Ledger, &str),
) {
    let total = operations(options);
    assert!(total > 100, "{total}");
    for fault in faults {
        for op in 0..total {
            let fs = SimFs::new();
            fs.inject(Injection { op, times: 1, fault: *fault });
            let (mut ledger, mut attempted) = (Ledger::default(), Ledger::default());
            if let Ok(tsdb) = open(&fs, options) {
                live(&tsdb, &mut ledger, &mut attempted);
            }
            after(&fs, &ledger, &attempted, &format!("{fault:?} at operation {op} of {total}"));
        }
    }
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() {
    let options = store_options(SyncPolicy::Segment);
    let faults = [Fault::Unplug, Fault::Io, Fault::NoSpace, Fault::TornWrite, Fault::ShortWrite];
    every_operation(&options, &faults, |fs, ledger, attempted, context| {
        check(&fs.kill(), &options, ledger, attempted, context);
    });
}

#[test]
fn a_power_cut_loses_nothing_that_was_synced() {
    let options = store_options(SyncPolicy::Always);
    let faults = [Fault::Unplug, Fault::FailedSync, Fault::TornWrite, Fault::NoSpace];
    every_operation(&options, &faults, |fs, ledger, attempted, context| {
        for seed in 0..2 {
            check(&fs.power_cut(seed), &options, ledger, attempted, &format!("{context}, seed {seed}"));
        }
    });
}

/// A bit that is read wrong once, at every read of a life: nothing of it reaches the disk.
#[test]
fn a_bit_that_is_read_wrong_is_not_written() {
    let options = store_options(SyncPolicy::Segment);
    let life = |fs: &SimFs| {
        let (mut ledger, mut attempted) = (Ledger::default(), Ledger::default());
        if let Ok(tsdb) = open(fs, &options) {
            live(&tsdb, &mut ledger, &mut attempted);
        }
        (ledger, attempted)
    };
    let whole = SimFs::new();
    life(&whole);
    let total = whole.reads();
    assert!(total > 100, "{total}");
    for op in 0..total {
        let fs = SimFs::new();
        fs.inject_read(Injection { op, times: 1, fault: Fault::FlippedBit });
        let (ledger, attempted) = life(&fs);
        check(&fs.kill(), &options, &ledger, &attempted, &format!("bit flipped at read {op} of {total}"));
    }
}

/// Without a sync a power cut may lose samples, but what is found was sent, and the store starts.
#[test]
fn a_power_cut_without_sync_never_invents_anything() {
    let options = store_options(SyncPolicy::Segment);
    every_operation(&options, &[Fault::Unplug], |fs, _, attempted, context| {
        for seed in 0..3 {
            check(
                &fs.power_cut(seed),
                &options,
                &Ledger::default(),
                attempted,
                &format!("{context}, seed {seed}"),
            );
        }
    });
}

/// Faults while a store is being opened: it opens or says why not, and a later start finds everything.
#[test]
fn faults_during_recovery_cost_nothing() {
    let options = store_options(SyncPolicy::Always);
    let fs = SimFs::new();
    let (mut ledger, mut attempted) = (Ledger::default(), Ledger::default());
    let tsdb = open(&fs, &options).expect("no faults");
    for n in 0..30 {
        let batch = AppendBatch { samples: row(0..12, NOW - HOUR + n * 1000), ..AppendBatch::default() };
        tsdb.append(&Tenant::default(), &batch).expect("no faults");
        ledger.note(&batch.samples);
        if n == 10 {
            tsdb.compact_all().expect("no faults");
        }
    }
    attempted.note(&row(0..12, NOW));
    for (series, samples) in &ledger.0 {
        attempted.0.entry(series.clone()).or_default().extend(samples.clone());
    }
    drop(tsdb);
    let crashed = fs.power_cut(4);
    let reads = {
        let fs = crashed.kill();
        open(&fs, &options).expect("no faults");
        fs.reads()
    };
    for op in 0..reads {
        let fs = crashed.kill();
        fs.heal();
        fs.inject_read(Injection { op, times: 1, fault: Fault::Io });
        // One unreadable page may cost what is on it, and that is reported; but nothing is invented, and nothing panics.
        if let Ok(tsdb) = open(&fs, &options) {
            let found = kit::dump(&tsdb, &Tenant::default());
            for (series, samples) in &found {
                assert!(samples.iter().all(|(ts, v)| attempted.0[series].get(ts) == Some(v)), "read {op}");
            }
        }
    }
    // A bit that is read wrong may cost what it is in, and that is reported; no value is wrong for it.
    for op in 0..reads {
        let fs = crashed.kill();
        fs.heal();
        fs.inject_read(Injection { op, times: 1, fault: Fault::FlippedBit });
        let Ok((tsdb, report)) = try_open(&fs, &options) else { continue };
        let found = kit::dump(&tsdb, &Tenant::default());
        for (series, samples) in &found {
            assert!(
                samples.iter().all(|(ts, v)| attempted.0[series].get(ts) == Some(v)),
                "flip at read {op}"
            );
        }
        let is_whole = ledger.0.iter().all(|(series, samples)| {
            samples.keys().all(|ts| found.get(series).is_some_and(|found| found.contains_key(ts)))
        });
        assert!(is_whole || !report.problems.is_empty(), "flip at read {op}: a loss was not reported");
    }
    for op in 0..20 {
        for fault in [Fault::Io, Fault::NoSpace, Fault::Unplug] {
            let fs = crashed.kill();
            fs.heal();
            fs.inject(Injection { op, times: 3, fault });
            drop(open(&fs, &options));
            check(
                &fs.power_cut(op),
                &options,
                &ledger,
                &attempted,
                &format!("{fault:?} at {op} of recovery"),
            );
        }
    }
}
