//! Cuts, merges, retention and what the store says about itself.

use std::path::Path;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use bellwether_disk::Fs;
use bellwether_model::{Clock, Labels, ManualClock, Rejection, Tenant, TimeRange};
use bellwether_tsdb::{Limits, Options, Tsdb, TsdbError};

use crate::kit::{self, HOUR, Kit, NOW, count, name, options, row, sample};

const DAY: i64 = 24 * HOUR;
/// A multiple of a day, and so of the two hours at which parts are cut.
const MIDNIGHT: i64 = NOW - NOW % DAY;

fn bytes_below(kit: &Kit, dir: &str) -> u64 {
    let files = kit.fs.files();
    files.iter().filter(|p| p.starts_with(dir)).map(|p| kit.fs.metadata(p).expect("there").len).sum()
}

#[test]
fn complete_ranges_leave_the_head() {
    let mut kit = Kit::new();
    let start = MIDNIGHT - 6 * HOUR;
    for minute in 0..180 {
        kit.row(0..10, start + minute * 60_000);
        kit.clock.advance_ms(1000);
    }
    assert_eq!(
        kit.tsdb.maintain().expect("works").parts_cut,
        0,
        "the range is over, but for less than an hour"
    );
    kit.row(0..10, start + 3 * HOUR);
    kit.clock.advance_ms(HOUR / 2);
    let report = kit.tsdb.maintain().expect("works");
    assert_eq!((report.parts_cut, report.samples_cut, report.has_checkpoint), (1, 1200, true));
    let [part] = kit.tsdb.parts().try_into().expect("one part");
    assert_eq!(
        (part.range, part.series, part.level),
        (TimeRange::new(start, start + 2 * HOUR - 60_000), 10, 0)
    );
    assert_eq!(count(&kit.dump()), 1810);
    assert_eq!(kit.tsdb.maintain().expect("works").parts_cut, 0);
    kit.kill();
    assert_eq!((kit.report.samples, kit.report.samples_known), (610, 0), "only what is not in the part");
    assert_eq!(count(&kit.dump()), 1810);
}

#[test]
fn compaction_leaves_parts_and_nothing_else() {
    let mut kit = Kit::new();
    for n in 0..480 {
        kit.row(0..50, MIDNIGHT - DAY + n * 15_000);
    }
    let before = kit.dump();
    let log = bytes_below(&kit, "data/log");
    assert!(log > 100_000, "{log}");
    let report = kit.tsdb.compact_all().expect("compacts");
    assert_eq!((report.parts_cut, report.samples_cut, report.has_checkpoint), (1, 24_000, true));
    assert_eq!(kit.dump(), before);
    assert_eq!(bytes_below(&kit, "data/log"), 0);
    assert_eq!(bytes_below(&kit, "data/quarantine"), 0);
    let rest = kit.fs.used() - bytes_below(&kit, "data/parts");
    assert!(rest < 2000, "{rest} bytes beside the parts: {:?}", kit.fs.files());
    let parts = bytes_below(&kit, "data/parts");
    assert!(parts < 24_000, "{parts} bytes for 24,000 samples of 50 series");
    // Later samples of the same series are defined anew.
    kit.row(0..50, MIDNIGHT - DAY / 2);
    kit.kill();
    assert!(kit.report.is_clean(), "{:?}", kit.report);
    assert_eq!(count(&kit.dump()), 24_050);
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(kit.tsdb.parts().len(), 1, "both of the same day");
    assert_eq!(kit.tsdb.parts()[0].level, 1);
    let empty = kit.tsdb.compact_all().expect("nothing to do");
    assert_eq!((empty.parts_cut, empty.parts_merged), (0, 0));
    assert_eq!(count(&kit.dump()), 24_050);
}

#[test]
fn days_are_merged_when_they_are_over() {
    let kit = Kit::new();
    let start = MIDNIGHT - 2 * DAY;
    let mut n = 0;
    for minute in 0..(27 * 60) {
        kit.row(0..3, start + minute * 60_000);
        kit.clock.advance_ms(60_000);
        n += 3;
        if minute % 15 == 0 {
            kit.tsdb.maintain().expect("works");
        }
    }
    let parts = kit.tsdb.parts();
    assert_eq!(parts.iter().map(|p| (p.level, p.sources.len())).collect::<Vec<_>>(), [(1, 12)]);
    assert_eq!(count(&kit.dump()), n);
    assert!(kit.tsdb.counters().cuts >= 12);
    let on_disk = kit.fs.list(Path::new("data/parts")).expect("there").len();
    assert_eq!(on_disk, 1, "the merged ones are gone");
}

#[test]
fn imports_of_old_data_make_few_parts() {
    let kit = Kit::new();
    // A year of one sample a day, newest day first for every other series.
    for i in 0..10 {
        for day in 0..365 {
            kit.append(vec![sample(&name(i), MIDNIGHT - 400 * DAY + day * DAY + i, day as f64)]);
        }
    }
    kit.row(0..10, NOW);
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(kit.tsdb.parts().len(), 1);
    assert_eq!(count(&kit.dump()), 3660);
}

#[test]
fn retention_by_time_drops_whole_parts() {
    let kit = Kit::with(Options { retention_ms: Some(3 * DAY), ..options() });
    // The server's clock is months ahead of the data: they count from the newest sample.
    kit.clock.advance_ms(100 * DAY);
    for day in 0..6 {
        kit.row(0..1000, MIDNIGHT - 10 * DAY + day * DAY);
        for n in 1..12 {
            kit.row(0..1000, MIDNIGHT - 10 * DAY + day * DAY + n);
        }
        kit.tsdb.compact_all().expect("compacts");
    }
    assert_eq!(kit.tsdb.parts().len(), 6);
    let report = kit.tsdb.maintain().expect("works");
    assert_eq!((report.parts_retired, kit.tsdb.parts().len()), (2, 4));
    assert_eq!(count(&kit.dump()), 4 * 12_000);
    // A clock that jumps ahead does not cost anything.
    kit.clock.jump_to_ms(NOW + 1000 * DAY);
    assert_eq!(kit.tsdb.maintain().expect("works").parts_retired, 0);
    // Nor do samples from beyond a clock that was set back.
    kit.clock.jump_to_ms(MIDNIGHT - 20 * DAY);
    assert_eq!(kit.tsdb.maintain().expect("works").parts_retired, 0);
}

#[test]
fn what_the_retention_would_drop_is_not_taken() {
    let kit =
        Kit::with(Options { retention_ms: Some(3 * DAY), out_of_order_window_ms: 100 * DAY, ..options() });
    // Old data goes into an empty store, as far as it belongs together.
    kit.row(0..5, NOW - 50 * DAY);
    kit.row(0..5, NOW - 53 * DAY);
    kit.row(0..5, NOW);
    let verdicts = kit.append(vec![
        sample(&name(1), NOW - 3 * DAY - 1, 1.0),
        sample(&name(9), NOW - 3 * DAY - 1, 1.0),
        sample(&name(1), NOW - 3 * DAY, 1.0),
        sample(&name(9), NOW - 3 * DAY, 1.0),
    ]);
    let errors: Vec<_> = verdicts.samples.iter().map(|v| v.clone().err()).collect();
    assert_eq!(errors, [Some(Rejection::OutOfBounds), Some(Rejection::OutOfBounds), None, None]);
    assert_eq!(kit.tsdb.counters().samples_out_of_bounds, 2);
    // Limits can change while the store is open.
    kit.tsdb.set_limits(Limits {
        retention_ms: Some(10 * DAY),
        out_of_order_window_ms: 0,
        ..kit.options.limits()
    });
    let verdicts =
        kit.append(vec![sample(&name(1), NOW - 9 * DAY, 1.0), sample(&name(10), NOW - 9 * DAY, 1.0)]);
    let errors: Vec<_> = verdicts.samples.iter().map(|v| v.clone().err()).collect();
    assert_eq!(errors, [Some(Rejection::OutOfOrder), None], "no window any more");
    kit.tsdb.compact_all().expect("compacts");
    let before = kit.tsdb.parts().len();
    kit.tsdb.set_limits(Limits { retention_ms: None, retention_bytes: Some(1), ..kit.options.limits() });
    assert_eq!(kit.tsdb.maintain().expect("works").parts_retired, before);
}

#[test]
fn retention_by_size_drops_the_oldest() {
    let mut kit = Kit::new();
    for day in 0..5 {
        for n in 0..20 {
            kit.row(0..1000, MIDNIGHT - 10 * DAY + day * DAY + n * 7001);
        }
        kit.tsdb.compact_all().expect("compacts");
    }
    let sizes: Vec<u64> = kit.tsdb.parts().iter().map(|p| p.bytes).collect();
    kit.options.retention_bytes = Some(sizes[3] + sizes[4] + 1000);
    kit.restart();
    kit.tsdb.maintain().expect("works");
    let left: Vec<i64> = kit.tsdb.parts().iter().map(|p| (MIDNIGHT - p.range.mint) / DAY).collect();
    assert_eq!(left, [7, 6]);
    kit.kill();
    assert_eq!(kit.tsdb.parts().len(), 2);
    assert!(kit.report.is_clean(), "{:?}", kit.report);
    // The log counts as well, and so does a checkpoint.
    for n in 0..60 {
        kit.row(0..1000, MIDNIGHT - 5 * DAY + n * 7001);
    }
    assert!(kit.tsdb.storage_status().log.bytes > sizes[3]);
    assert_eq!(kit.tsdb.maintain().expect("works").parts_retired, 2);
    kit.options.retention_bytes = None;
    kit.restart();
    kit.tsdb.compact_all().expect("compacts");
    let size = kit.tsdb.parts()[0].bytes;
    kit.row(0..1000, MIDNIGHT - 4 * DAY);
    kit.restart();
    assert_eq!(kit.tsdb.storage_status().log.bytes, 0, "it is in the checkpoint");
    kit.tsdb.set_limits(Limits { retention_bytes: Some(size + 10_000), ..kit.options.limits() });
    assert_eq!(kit.tsdb.maintain().expect("works").parts_retired, 1);
}

#[test]
fn idle_series_leave_the_head() {
    let mut kit = Kit::new();
    kit.clock.advance_ms(5000);
    kit.row(0..1000, NOW);
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(kit.tsdb.maintain().expect("works").series_removed, 0, "they may go on in a moment");
    kit.clock.advance_ms(9 * 60_000);
    kit.row(0..10, NOW + 1000);
    kit.clock.advance_ms(5 * 60_000);
    assert_eq!(kit.tsdb.maintain().expect("works").series_removed, 990);
    assert_eq!((kit.tsdb.active_series(), kit.tsdb.head_status(0).series), (10, 10));
    assert_eq!(kit.tsdb.head_status(0).label_pairs, 10 + 3 + 1);
    // They come back at other places, and nothing is mixed up.
    kit.row(990..1500, NOW + 2000);
    kit.row(0..990, NOW + 2000);
    assert_eq!(kit.tsdb.active_series(), 1500);
    let found = kit.dump();
    assert_eq!((found.len(), count(&found)), (1500, 1000 + 10 + 1500));
    for i in 0..1500 {
        let samples = &found[&name(i).to_string()];
        let want = row(i..i + 1, NOW + 2000).remove(0).value;
        assert_eq!(samples[&(NOW + 2000)].0, kit::bits(&want), "series {i}");
    }
    kit.kill();
    assert_eq!(kit.dump(), found);
}

#[test]
fn a_querier_never_finds_another_series_in_the_place_of_one_that_left() {
    let kit = Kit::new();
    kit.row(0..100, NOW);
    kit.tsdb.compact_all().expect("compacts");
    kit.clock.advance_ms(20 * 60_000);
    let querier =
        bellwether_model::Queryable::querier(&kit.tsdb, &Tenant::default(), TimeRange::ALL).expect("opens");
    kit.tsdb.maintain().expect("works");
    assert_eq!(kit.tsdb.active_series(), 0);
    kit.row(500..600, NOW + 1);
    let old = [bellwether_model::Matcher::equal("i", "5")];
    let found = kit::read_from(querier.as_ref(), &old, TimeRange::ALL);
    assert_eq!(found.keys().collect::<Vec<_>>(), [&name(5).to_string()]);
}

#[test]
fn the_status_counts_what_is_there() {
    let kit = Kit::new();
    kit.row(0..30, NOW);
    for n in 1..100 {
        kit.row(0..10, NOW + n);
    }
    let status = kit.tsdb.head_status(2);
    assert_eq!((status.series, status.label_pairs), (30, 1 + 30 + 3));
    assert_eq!(
        status.chunks,
        20 + 10 * 4,
        "open ones, and three sealed ones of 32 samples for those with 100"
    );
    assert_eq!(status.range, Some(TimeRange::new(NOW, NOW + 99)));
    let pairs = |list: &[bellwether_tsdb::NameCount]| {
        list.iter().map(|e| format!("{} {}", e.name, e.count)).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&status.series_by_metric), ["m 30"]);
    assert_eq!(pairs(&status.values_by_label), ["i 30", "mod 3"]);
    assert_eq!(pairs(&status.bytes_by_label), ["i 50", "__name__ 30"]);
    assert_eq!(pairs(&status.series_by_pair), ["__name__=m 30", "mod=0 10"]);
    assert!(status.memory_bytes > 30 * 100);
    let storage = kit.tsdb.storage_status();
    assert_eq!((storage.parts, storage.log.segments, storage.refuses_writes), (0, 1, None));
    assert_eq!(storage.log.last_seq, 100);
    let empty = Kit::new();
    assert_eq!(empty.tsdb.head_status(5).range, None);
}

/// A program that was started in November 2026 is fed an hour of June 2025 at full speed.
#[test]
fn the_cardinality_names_what_is_large_and_what_is_new() {
    let mut kit = Kit::new();
    let window = Duration::from_mins(5);
    kit.row(0..30, NOW);
    kit.clock.advance_ms(6 * 60 * 1000);
    let new = |i: i64| Labels::from_pairs([("__name__", "new"), ("pod", format!("p{i:02}").as_str())]);
    kit.append((0..20).map(|i| sample(&new(i), NOW, 1.0)).collect());
    let found = kit.tsdb.cardinality(2, window);
    assert_eq!((found.total.series, found.total.created, found.n_metrics), (50, 20, 2));
    let metrics = |list: &[bellwether_tsdb::MetricCost]| {
        list.iter().map(|m| (m.name.clone(), m.series, m.created)).collect::<Vec<_>>()
    };
    assert_eq!(metrics(&found.by_series), [("m".to_owned(), 30, 0), ("new".to_owned(), 20, 20)]);
    assert_eq!(
        metrics(&found.by_created),
        [("new".to_owned(), 20, 20)],
        "those without new series are left out"
    );
    assert_eq!(found.by_memory[0].name, "m");
    let of_metrics: u64 = found.by_series.iter().map(|m| m.memory_bytes).sum();
    assert_eq!(of_metrics, found.total.memory_bytes);
    let labels = |list: &[bellwether_tsdb::LabelCost]| {
        list.iter().map(|l| (l.name.clone(), l.values, l.series)).collect::<Vec<_>>()
    };
    assert_eq!(labels(&found.labels_by_values), [("i".to_owned(), 30, 30), ("pod".to_owned(), 20, 20)]);
    assert_eq!(found.labels_by_memory[0].name, "i");
    assert_eq!(
        (found.pairs[0].name.as_str(), found.pairs[0].value.as_str(), found.pairs[0].series),
        ("mod", "0", 10)
    );
    assert_eq!(kit.tsdb.cardinality(2, Duration::from_mins(10)).total.created, 50, "a longer window");
    kit.kill();
    let after = kit.tsdb.cardinality(2, Duration::from_hours(1));
    assert_eq!((after.total.series, after.total.created), (50, 0), "nobody knows when these began");
}

#[test]
fn a_breakdown_tells_which_label_can_go() {
    let kit = Kit::new();
    kit.row(0..30, NOW);
    let hour = Duration::from_hours(1);
    let found = kit.tsdb.breakdown("__name__", Some("m"), 3, hour).expect("there are series");
    assert_eq!((found.total.series, found.examined), (30, 30));
    assert_eq!(found.metrics, [bellwether_tsdb::NameCount { name: "m".to_owned(), count: 30 }]);
    let labels: Vec<_> = found
        .labels
        .iter()
        .map(|l| (l.cost.name.as_str(), l.cost.values, l.distinct_without, l.top_values.len()))
        .collect();
    assert_eq!(labels, [("i", 30, 3, 3), ("mod", 3, 30, 3)], "`mod` follows from `i`, so it can go");
    let pair = kit.tsdb.breakdown("mod", Some("1"), 3, hour).expect("there are series");
    assert_eq!((pair.total.series, pair.labels.len()), (10, 2));
    assert_eq!((pair.labels[1].cost.name.as_str(), pair.labels[1].distinct_without), ("mod", 10));
    // Of a label with any value only that label matters.
    let label = kit.tsdb.breakdown("mod", None, 1, hour).expect("there are series");
    assert_eq!((label.total.series, label.labels.len()), (30, 1));
    assert_eq!(label.labels[0].top_values, [bellwether_tsdb::NameCount { name: "0".to_owned(), count: 10 }]);
    assert_eq!(kit.tsdb.breakdown("nope", None, 3, hour), None);
    assert_eq!(kit.tsdb.breakdown("mod", Some("7"), 3, hour), None);
}

#[test]
fn old_data_at_full_speed_is_kept_in_one_piece() {
    const CENTURY: i64 = 100 * 365 * DAY;
    let mut kit = Kit::with(Options { retention_ms: Some(CENTURY), ..options() });
    kit.clock.jump_to_ms(NOW + 542 * DAY);
    let own = |kit: &Kit| {
        let up = bellwether_model::Labels::from_pairs([("__name__", "up")]);
        let now_ms = bellwether_model::Clock::now_ms(kit.clock.as_ref());
        assert_eq!(kit.append(vec![sample(&up, now_ms, 1.0)]).stored(), 1);
    };
    own(&kit);
    // 240 scrapes of 400 series, and upkeep every 15 seconds of the clock while they come in.
    for n in 0..240 {
        kit.row(0..400, NOW + n * 15_000);
        kit.clock.advance_ms(100);
        if n % 150 == 0 {
            own(&kit);
            let report = kit.tsdb.maintain().expect("works");
            assert_eq!((report.parts_cut, report.parts_retired, report.series_removed), (0, 0, 0));
        }
    }
    let before = kit.dump();
    assert_eq!(count(&before), 240 * 400 + 3);
    assert_eq!(kit.tsdb.compact_all().expect("compacts").parts_retired, 0);
    let old: Vec<_> = kit.tsdb.parts().into_iter().filter(|p| p.range.mint < NOW + DAY).collect();
    assert_eq!(old.iter().map(|p| p.samples).collect::<Vec<_>>(), [240 * 400]);
    assert!(kit.tsdb.parts().len() <= 2);
    assert_eq!(kit.dump(), before);
    // A day of upkeep later, with the series gone from the head, all is as it was, and the same samples sent again change nothing.
    for _ in 0..24 {
        kit.clock.advance_ms(HOUR);
        own(&kit);
        kit.tsdb.maintain().expect("works");
    }
    assert_eq!((kit.tsdb.active_series(), kit.tsdb.counters().parts_retired), (1, 0));
    for n in (0..240).step_by(12) {
        assert_eq!(kit.row(0..400, NOW + n * 15_000).stored(), 400);
    }
    assert_eq!(kit.tsdb.counters().samples_repeated, 20 * 400);
    kit.tsdb.compact_all().expect("compacts");
    kit.kill();
    assert!(kit.report.is_clean(), "{:?}", kit.report);
    let mut found = kit.dump();
    assert_eq!(found.remove("up").map(|s| s.len()), Some(3 + 24));
    assert_eq!(count(&found), 240 * 400);
}

#[test]
fn senders_of_different_ranges_do_not_keep_each_other_out() {
    let mut kit = Kit::new();
    // Each sender brings a day of its own, newest first, and what came before may be in parts already.
    for (round, days_back) in [0, 3, 1, 400, 2].into_iter().enumerate() {
        let first = round as i64 * 10;
        for n in 0..200 {
            kit.row(first..first + 10, NOW - days_back * DAY - 200 * 60_000 + n * 60_000);
        }
        if round % 2 == 1 {
            kit.tsdb.compact_all().expect("compacts");
        }
    }
    // A new series in a range that is in a part already.
    for n in 0..200 {
        kit.row(50..60, NOW - 3 * DAY - 200 * 60_000 + n * 60_000);
    }
    let before = kit.dump();
    assert_eq!((before.len(), count(&before)), (60, 60 * 200));
    kit.kill();
    assert_eq!(kit.dump(), before);
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(kit.dump(), before);
    assert_eq!(kit.tsdb.parts().iter().map(|p| p.samples).sum::<u64>(), 60 * 200, "nothing is there twice");
}

#[test]
fn a_series_that_comes_back_older_doubles_nothing() {
    let mut kit = Kit::new();
    kit.clock.advance_ms(HOUR);
    for n in 0..50 {
        kit.row(0..4, NOW + n * 1000);
    }
    kit.tsdb.compact_all().expect("compacts");
    // Once while the head knows the series, once after it forgot them, once after a restart.
    for round in 0..3 {
        match round {
            0 => assert_eq!(kit.tsdb.active_series(), 4),
            1 => {
                kit.clock.advance_ms(HOUR);
                kit.tsdb.maintain().expect("works");
                assert_eq!(kit.tsdb.active_series(), 0);
            }
            _ => kit.kill(),
        }
        let at = |i: i64, ts_ms: i64| row(i..i + 1, ts_ms).remove(0);
        let verdicts = kit.append(vec![
            at(0, NOW + 20_000),
            sample(&name(1), NOW + 20_000, -1.0),
            at(2, NOW + 20_500),
            at(3, NOW - 1000),
        ]);
        assert_eq!(
            verdicts.samples.iter().map(|v| v.clone().err()).collect::<Vec<_>>(),
            [
                None,
                Some(Rejection::DuplicateTimestamp),
                Some(Rejection::OutOfOrder),
                Some(Rejection::OutOfOrder)
            ],
            "round {round}"
        );
        assert_eq!(count(&kit.dump()), 200, "round {round}");
        kit.tsdb.compact_all().expect("compacts");
        assert_eq!(kit.tsdb.parts().iter().map(|p| p.samples).sum::<u64>(), 200, "round {round}");
    }
}

#[test]
fn old_samples_that_trickle_in_make_few_parts() {
    let kit = Kit::new();
    kit.row(0..3, NOW);
    // One every two minutes, for a day, from a sender whose clock is a month behind.
    for n in 0..720 {
        kit.clock.advance_ms(120_000);
        kit.row(5..8, NOW - 30 * DAY + n * 120_000);
        kit.tsdb.maintain().expect("works");
    }
    let counters = kit.tsdb.counters();
    assert!(counters.cuts <= 24, "{} cuts", counters.cuts);
    assert!(kit.tsdb.parts().len() <= 13, "{} parts", kit.tsdb.parts().len());
    assert_eq!(count(&kit.dump()), 3 + 3 * 720);
}

#[test]
fn parts_of_which_much_was_deleted_are_rewritten() {
    for (deleted, rewritten) in [(2, 0), (3, 1)] {
        let kit = Kit::new();
        for n in 0..60 {
            kit.row(0..50, MIDNIGHT - 2 * DAY + n * 60_000);
        }
        kit.tsdb.compact_all().expect("compacts");
        (0..deleted).for_each(|series| kit.delete(series, TimeRange::ALL));
        let left = kit.dump();
        assert_eq!(kit.tsdb.maintain().expect("works").parts_rewritten, 0, "more may come for the day");
        kit.row(60..61, MIDNIGHT - DAY + 2 * HOUR);
        assert_eq!(kit.tsdb.maintain().expect("works").parts_rewritten, rewritten, "{deleted} of 50");
        let part = kit.tsdb.parts().remove(0);
        assert_eq!(part.deleted_intervals == 0, rewritten > 0);
        assert_eq!(count(&kit.dump()), count(&left) + 1);
        assert_eq!(kit.tsdb.maintain().expect("works").parts_rewritten, 0, "once is enough");
    }
}

/// A clock on which all work takes long, and a rest as long as it takes the store to be told to close.
struct CallItADay {
    clock: ManualClock,
    store: Arc<OnceLock<Tsdb>>,
    is_resting: mpsc::SyncSender<()>,
}

impl Clock for CallItADay {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn monotonic(&self) -> Duration {
        self.clock.advance_ms(20);
        self.clock.monotonic()
    }

    fn rest(&self, _: Duration) {
        let store = self.store.get().expect("it is open before it rests");
        self.is_resting.send(()).expect("the test waits");
        while store.storage_status().refuses_writes.is_none() {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_merge_is_given_up_when_the_store_closes() {
    let mut kit = Kit::new();
    for hour in [0, 3, 6, 27] {
        kit.row(0..50, MIDNIGHT - DAY + hour * HOUR);
        kit.clock.advance_ms(HOUR);
        if hour < 27 {
            kit.tsdb.maintain().expect("works");
        }
    }
    let (all, ids) = (kit.dump(), |tsdb: &Tsdb| tsdb.parts().iter().map(|p| p.id).collect::<Vec<_>>());
    let before = ids(&kit.tsdb);
    assert!(before.len() > 1, "a day that is not merged yet");
    let (is_resting, rests) = mpsc::sync_channel(1);
    let store = Arc::new(OnceLock::new());
    let clock = CallItADay { clock: ManualClock::new(NOW), store: Arc::clone(&store), is_resting };
    let fs = kit.fs.kill();
    let opened = Tsdb::open(Path::new(kit::DIR), options(), Arc::new(fs.clone()), Arc::new(clock));
    let tsdb = store.get_or_init(|| opened.expect("the store opens").0);
    std::thread::scope(|s| {
        let upkeep = s.spawn(|| tsdb.maintain());
        rests.recv().expect("the merge takes a rest");
        tsdb.close().expect("the store closes");
        let outcome = upkeep.join().expect("no panic");
        assert!(matches!(outcome, Err(TsdbError::Closed)), "{outcome:?}");
    });
    assert_eq!((ids(tsdb), tsdb.counters().maintenance_failures), (before.clone(), 0));
    assert!(fs.files().iter().all(|p| !p.to_string_lossy().contains(".tmp")), "{:?}", fs.files());
    kit.fs = fs;
    kit.kill();
    assert_eq!((kit.dump(), ids(&kit.tsdb)), (all.clone(), before));
    assert!(kit.tsdb.maintain().expect("works").parts_merged > 1);
    assert_eq!(kit.dump(), all);
}
