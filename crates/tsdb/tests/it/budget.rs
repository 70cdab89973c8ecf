//! What happens when the head takes more memory than it may.

use bellwether_model::Rejection;
use bellwether_tsdb::{Options, SeriesLimits};

use crate::kit::{HOUR, Kit, NOW, count, name, options, row, sample};

fn with_budget(memory_budget_bytes: usize) -> Kit {
    let tenants = SeriesLimits { max_future_ms: None, ..SeriesLimits::default() }.into();
    Kit::with(Options { memory_budget_bytes: Some(memory_budget_bytes), tenants, ..options() })
}

/// Memory is counted as it changes; looking at every series must say the same.
fn used(kit: &Kit) -> usize {
    let used = kit.tsdb.head_memory().used_bytes;
    assert_eq!(used, kit.tsdb.head_status(0).memory_bytes);
    used
}

/// Writes rows of all series from `first_ts` on until the head takes so much.
fn fill(kit: &Kit, n_series: i64, first_ts: i64, bytes: usize) -> i64 {
    let mut ts_ms = first_ts;
    while used(kit) < bytes {
        // Values that differ in every bit take all their bytes.
        let samples = (0..n_series).map(|i| sample(&name(i), ts_ms, (ts_ms as f64 + i as f64).sqrt()));
        assert_eq!(kit.append(samples.collect()).stored(), n_series as usize);
        ts_ms += 1000;
        assert!(ts_ms < first_ts + 2 * HOUR, "{} bytes after two hours", used(kit));
    }
    ts_ms
}

#[test]
fn samples_move_into_parts_before_anything_is_refused() {
    const BUDGET: usize = 400_000;
    let mut kit = with_budget(BUDGET);
    let start = NOW - NOW % (2 * HOUR);
    let end = fill(&kit, 50, start, BUDGET / 2);
    assert_eq!(kit.tsdb.maintain().expect("works").parts_cut, 0, "half of it may be used");
    fill(&kit, 50, end, BUDGET / 100 * 85);
    let (before, all) = (used(&kit), kit.dump());
    let report = kit.tsdb.maintain().expect("works");
    assert_eq!((report.parts_cut, report.samples_cut), (1, count(&all) as u64), "the range is not over");
    assert_eq!(kit.tsdb.counters().cuts_early, 1);
    assert!(used(&kit) < before / 4, "{} of {before} bytes", used(&kit));
    assert_eq!(kit.dump(), all);
    // What is left are series. A cut would be of no use.
    kit.row(0..50, end + HOUR);
    assert_eq!(kit.tsdb.maintain().expect("works").parts_cut, 0);
    kit.kill();
    assert_eq!(count(&kit.dump()), count(&all) + 50);
    used(&kit);
}

#[test]
fn complete_ranges_go_first() {
    const BUDGET: usize = 400_000;
    let kit = with_budget(BUDGET);
    let start = NOW - NOW % (2 * HOUR) - 2 * HOUR;
    let end = fill(&kit, 50, start, BUDGET / 100 * 80);
    let n = count(&kit.dump());
    assert!(end < start + 2 * HOUR, "the first range has it all");
    kit.row(0..50, start + 2 * HOUR);
    let report = kit.tsdb.maintain().expect("works");
    assert_eq!((report.parts_cut, report.samples_cut), (1, n as u64), "the newest range stays");
    assert_eq!(count(&kit.dump()), n + 50);
}

#[test]
fn new_series_wait_and_known_ones_go_on() {
    const BUDGET: usize = 20_000;
    let kit = with_budget(BUDGET);
    let mut n = 0;
    let refusal = loop {
        let report = kit.append(row(n..n + 1, NOW));
        match &report.samples[0] {
            Ok(_) => n += 1,
            Err(rejection) => break rejection.clone(),
        }
        assert!(n < 1000, "nothing is ever refused");
    };
    assert!(n > 20 && used(&kit) >= BUDGET, "{n} series, {} bytes", used(&kit));
    let Rejection::Limit(over) = refusal else { panic!("{refusal}") };
    let text = over.what;
    for what in ["more than the 20000B allowed", "storage.memory-budget", &format!(r#"m{{i="{n}""#)] {
        assert!(text.contains(what), "{text}");
    }
    // A sample of a new one does not cost those of the others.
    let report = kit.append(row(n - 1..n + 1, NOW + 1000));
    assert!(report.samples[0].is_ok() && report.samples[1].is_err(), "{:?}", report.samples);
    assert_eq!(kit.tsdb.counters().samples_over_limit, 2);
    // When series have left the head, there is room again.
    kit.tsdb.compact_all().expect("compacts");
    kit.clock.advance_ms(HOUR);
    kit.tsdb.maintain().expect("works");
    assert_eq!(kit.tsdb.active_series(), 0);
    kit.row(n..n + 1, NOW + HOUR);
    used(&kit);
}
