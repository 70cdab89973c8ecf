//! A batch is seen whole or not at all, and a querier always sees the same.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bellwether_model::{Matcher, Queryable, Tenant, TimeRange};
use bellwether_tsdb::{Options, SyncPolicy};

use crate::kit::{self, HOUR, Kit, NOW, count, options, row};

/// Writers append rows to all series, each row one batch; readers must find every series with the same newest row. Cuts and merges go on meanwhile.
fn check(policy: SyncPolicy, with_upkeep: bool, backwards: bool) {
    const SERIES: i64 = 40;
    const ROWS: i64 = 300;
    let kit = Kit::with(Options { sync: policy, out_of_order_window_ms: 100 * HOUR, ..options() });
    let time_of = |n: i64| if backwards { NOW - n * 60_000 } else { NOW - 10 * HOUR + n * 60_000 };
    let next = AtomicI64::new(0);
    let done = AtomicBool::new(false);
    // The lock is what a sender does to keep its own rows in order.
    let order = parking_lot::Mutex::new(());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let _ordered = order.lock();
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= ROWS {
                        done.store(true, Ordering::SeqCst);
                        break;
                    }
                    assert_eq!(kit.row(0..SERIES, time_of(n)).stored(), SERIES as usize);
                    // What was acknowledged is seen by whoever asks now.
                    let range = TimeRange::new(time_of(n), NOW);
                    let found = kit::read(&kit.tsdb, &Tenant::default(), &[], range);
                    assert_eq!(found.len(), SERIES as usize, "row {n}");
                }
            });
        }
        if with_upkeep {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    kit.tsdb.compact_all().expect("compacts");
                    kit.clock.advance_ms(61_000);
                    kit.tsdb.maintain().expect("works");
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
                    let all = [Matcher::equal("__name__", "m")];
                    let first = kit::read_from(querier.as_ref(), &all, TimeRange::ALL);
                    let rows: Vec<usize> = first.values().map(std::collections::BTreeMap::len).collect();
                    assert!(
                        rows.is_empty() || rows == vec![rows[0]; SERIES as usize],
                        "a torn batch: {rows:?}"
                    );
                    std::thread::yield_now();
                    let again = kit::read_from(querier.as_ref(), &all, TimeRange::ALL);
                    assert!(
                        first == again,
                        "a querier saw {} samples, then {}",
                        count(&first),
                        count(&again)
                    );
                }
            });
        }
    });
    assert_eq!(count(&kit.dump()), (SERIES * ROWS) as usize);
}

#[test]
fn batches_are_seen_whole() {
    check(SyncPolicy::Segment, false, false);
}

#[test]
fn batches_are_seen_whole_while_they_wait_for_a_sync() {
    check(SyncPolicy::Always, false, false);
}

#[test]
fn batches_are_seen_whole_while_samples_move_into_parts() {
    check(SyncPolicy::Segment, true, false);
    check(SyncPolicy::Always, true, false);
}

#[test]
fn batches_that_come_late_are_seen_whole() {
    check(SyncPolicy::Segment, false, true);
    check(SyncPolicy::Always, true, true);
}

#[test]
fn an_old_querier_keeps_finding_what_was_cut() {
    let kit = Kit::new();
    kit.row(0..5, NOW - HOUR);
    let before = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    kit.row(0..5, NOW);
    kit.tsdb.compact_all().expect("compacts");
    kit.tsdb.compact_all().expect("compacts twice");
    let all = [Matcher::equal("__name__", "m")];
    assert_eq!(count(&kit::read_from(before.as_ref(), &all, TimeRange::ALL)), 5);
    assert_eq!(count(&kit.dump()), 10, "a new one finds everything once");
    drop(before);
    kit.tsdb.maintain().expect("works");
    assert_eq!(count(&kit.dump()), 10);
    assert_eq!(kit.tsdb.head_status(1).chunks, 0, "the samples left the head with their last reader");
    assert_eq!(kit.tsdb.parts().iter().map(|p| p.samples).sum::<u64>(), 10, "nothing was written twice");
}

#[test]
fn rows_of_different_writers_do_not_disturb_each_other() {
    let kit = Kit::new();
    std::thread::scope(|scope| {
        for writer in 0..4_i64 {
            let kit = &kit;
            scope.spawn(move || {
                for n in 0..50 {
                    let report = kit.append(row(writer * 100..writer * 100 + 100, NOW - HOUR + n * 1000));
                    assert_eq!(report.stored(), 100);
                }
            });
        }
    });
    assert_eq!(count(&kit.dump()), 4 * 50 * 100);
    assert_eq!(kit.tsdb.active_series(), 400);
}
