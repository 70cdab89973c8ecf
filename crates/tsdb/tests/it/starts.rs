//! A store whose process dies again and again soon after its start.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bellwether_disk::{Fault, Fs, Injection, SimFs};
use bellwether_model::{ManualClock, Tenant, TimeRange};
use bellwether_tsdb::{Options, ReplayProgress, StartStatus, Tsdb};

use crate::kit::{DIR, Dump, Kit, NOW, dump, histogram, name, options, sample};

const MINUTE: i64 = 60_000;

fn starts(kit: &Kit) -> (usize, bool) {
    let StartStatus { failed, is_safe_mode, .. } = kit.tsdb.starts();
    assert_eq!(kit.tsdb.storage_status().starts, kit.tsdb.starts());
    (failed, is_safe_mode)
}

#[test]
fn the_third_bad_start_is_careful_until_it_was_good_for_ten_minutes() {
    let mut kit = Kit::with(Options { count_starts: true, ..options() });
    assert_eq!(starts(&kit), (0, false));
    kit.tsdb.note_ready();
    kit.clock.advance_ms(MINUTE / 2);
    kit.kill();
    assert_eq!(starts(&kit), (1, false));
    kit.clock.advance_ms(MINUTE / 2);
    kit.kill();
    assert_eq!(starts(&kit), (2, true));
    kit.tsdb.note_ready();
    kit.clock.advance_ms(9 * MINUTE);
    kit.tsdb.maintain().expect("works");
    assert_eq!(starts(&kit), (2, true));
    kit.clock.advance_ms(MINUTE);
    kit.tsdb.maintain().expect("works");
    assert_eq!(starts(&kit), (0, false));
    kit.kill();
    assert_eq!(starts(&kit), (0, false));
}

#[test]
fn a_proper_stop_is_a_good_start() {
    let mut kit = Kit::with(Options { count_starts: true, ..options() });
    for _ in 0..5 {
        kit.restart();
        assert_eq!(starts(&kit), (0, false));
    }
    kit.kill();
    kit.kill();
    assert_eq!(starts(&kit), (2, true));
    kit.restart();
    assert_eq!(starts(&kit), (0, false));
}

#[test]
fn starts_are_counted_only_if_somebody_asks() {
    let mut kit = Kit::new();
    for _ in 0..4 {
        kit.kill();
        assert_eq!(starts(&kit), (0, false));
    }
    assert!(!kit.fs.files().iter().any(|path| path.starts_with("data/run")));
}

#[test]
fn the_progress_of_a_replay_ends_with_all_that_is_there() {
    let kit = Kit::new();
    for ts_ms in (NOW - 100 * 15_000..NOW).step_by(15_000) {
        kit.row(0..100, ts_ms);
    }
    let open = |kit: &Kit| {
        let progress = ReplayProgress::default();
        assert_eq!(progress.status().bytes, 0);
        let fs: Arc<dyn Fs> = Arc::new(kit.fs.kill());
        let opened = Tsdb::open_watched(Path::new(DIR), options(), fs, kit.clock.clone(), &progress);
        opened.expect("opens");
        progress.status()
    };
    let status = open(&kit);
    assert!(status.last_segment > status.first_segment, "{status:?}");
    assert_eq!(status.segment, status.last_segment);
    assert!(status.bytes > 50_000, "{status:?}");
    assert_eq!(status.bytes_read, status.bytes);
    // Room in a segment that was never used is nothing to read.
    let segments = kit.tsdb.storage_status().log.segments as u64;
    assert!(status.bytes < segments << 16, "{status:?}");
}

/// Counted starts, and what the log has beside floats in order: late samples, histograms, a checkpoint before it, and a deletion in the middle.
fn eventful() -> (Kit, Dump) {
    let options = Options { count_starts: true, out_of_order_window_ms: 1_000_000, ..options() };
    let mut kit = Kit::with(options);
    kit.row(0..20, NOW - 5_000_000);
    kit.restart();
    let mut late = 0;
    for (n, ts_ms) in (NOW - 4_000_000..NOW).step_by(10_000).enumerate() {
        kit.row(0..100, ts_ms);
        kit.append(vec![sample(&name(1_000), ts_ms, histogram(n as f64))]);
        if n % 20 == 7 {
            late += kit.append(vec![sample(&name(n as i64), ts_ms - 25_000, 7.5)]).stored();
        }
        // Behind frames that would be moved into parts before.
        if n == 200 {
            kit.delete(3, TimeRange::new(NOW - 3_900_000, NOW - 3_700_000));
        }
    }
    assert_eq!(late, 20);
    let before = kit.dump();
    (kit, before)
}

fn open_again(fs: &SimFs, kit: &Kit) -> Result<Tsdb, bellwether_tsdb::TsdbError> {
    let clock: Arc<ManualClock> = kit.clock.clone();
    let fs: Arc<dyn Fs> = Arc::new(fs.clone());
    Tsdb::open(Path::new(DIR), kit.options.clone(), fs, clock).map(|(tsdb, _)| tsdb)
}

#[test]
fn a_careful_start_moves_the_log_into_parts_while_it_reads_it() {
    let (mut kit, before) = eventful();
    kit.kill();
    assert_eq!(kit.tsdb.parts().len(), 0);
    for crash in 0..3 {
        kit.kill();
        assert!(starts(&kit).1, "crash {crash}");
        assert!(kit.report.is_clean(), "{:?}", kit.report.problems);
        let parts = kit.tsdb.parts();
        assert!(parts.len() >= 3, "{} parts", parts.len());
        assert_eq!(kit.dump(), before, "crash {crash}");
        assert!(kit.tsdb.head_status(0).samples < 40_000 / 2, "most samples are in parts");
    }
    // Samples go on behind those in parts, and what is there is known.
    let again = kit.append(vec![sample(&name(5), NOW - 10_000, before_value(&before, 5))]);
    assert!(again.samples.iter().all(Result::is_ok), "{again:?}");
    kit.row(0..100, NOW);
    kit.restart();
    let after = kit.dump();
    let count = |dump: &Dump| dump.values().map(BTreeMap::len).sum::<usize>();
    assert_eq!(count(&after), count(&before) + 100);
    kit.tsdb.compact_all().expect("works");
    assert_eq!(kit.dump(), after);
}

/// The value of `m{i="..."}` ten seconds before now.
fn before_value(before: &Dump, series: i64) -> f64 {
    let (bits, _) = &before[&name(series).to_string()][&(NOW - 10_000)];
    f64::from_bits(u64::from_str_radix(bits, 16).expect("a float"))
}

#[test]
fn a_crash_during_a_careful_start_loses_nothing() {
    let (mut kit, before) = eventful();
    kit.kill();
    let on_disk = kit.fs.kill();
    let ops = {
        let fs = on_disk.kill();
        open_again(&fs, &kit).expect("opens");
        fs.ops()
    };
    assert!(ops > 50, "{ops} operations");
    for op in (0..ops).step_by(3) {
        let fs = on_disk.kill();
        fs.inject(Injection { op, times: 1, fault: Fault::Unplug });
        let _ = open_again(&fs, &kit);
        let fs = fs.kill();
        let tsdb = open_again(&fs, &kit).unwrap_or_else(|e| panic!("after operation {op}: {e}"));
        assert_eq!(dump(&tsdb, &Tenant::default()), before, "after operation {op}");
        // The next start that is not careful.
        tsdb.close().expect("closes");
        let tsdb = open_again(&fs.kill(), &kit).expect("opens");
        assert_eq!(dump(&tsdb, &Tenant::default()), before, "after operation {op}");
    }
}
