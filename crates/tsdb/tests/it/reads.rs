//! Selections, label names and values, series: compared with looking at every series.

use std::collections::BTreeSet;

use bellwether_model::{
    AppendEntry, Labels, MatchOp, Matcher, QueryContext, Queryable, SelectHints, SelectSpec, StorageError,
    Tenant, TimeRange,
};
use bellwether_tsdb::{Options, ReadMode};
use proptest::prelude::*;

use crate::kit::{self, HOUR, Kit, NOW, count, name, read, row, sample};

fn some_matcher() -> impl Strategy<Value = Matcher> {
    let op = prop_oneof![Just(MatchOp::Eq), Just(MatchOp::Ne), Just(MatchOp::Re), Just(MatchOp::Nre)];
    let label = prop_oneof![Just("x"), Just("y"), Just("__name__"), Just("absent")];
    let value = prop_oneof![
        Just(""),
        Just("a"),
        Just("ab"),
        Just(".*"),
        Just(".+"),
        Just("a|b|"),
        Just("a|ab"),
        Just("a.*"),
        Just("ab.*"),
        Just(".*b"),
        Just("[ab]+"),
        Just("(?i:A)"),
        Just("b?"),
        Just("zz"),
        Just("m1|m2")
    ];
    (op, label, value).prop_map(|(op, label, value)| Matcher::new(op, label, value).expect("compiles"))
}

fn matches(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|m| m.matches(labels.get(m.name()).unwrap_or("")))
}

/// Where the samples are: only in the head, only in parts, or some here and some there, twice too.
#[derive(Debug, Clone, Copy)]
enum Layout {
    Head,
    Parts,
    Mixed,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn selection_is_what_looking_at_each_series_gives(
        series in proptest::collection::btree_set(("m[12]", "(|a|b|ab|abc|ba)", "(|a|b|ab|zz)"), 1..25),
        matchers in proptest::collection::vec(some_matcher(), 0..4),
        layout in prop_oneof![Just(Layout::Head), Just(Layout::Parts), Just(Layout::Mixed)],
        limit in 0_usize..5,
    ) {
        let kit = Kit::new();
        let all: Vec<Labels> =
            series.iter().map(|(m, x, y)| Labels::from_pairs([("__name__", m), ("x", x), ("y", y)])).collect();
        let batch = |n: usize, ts| all.iter().take(n).map(|l| sample(l, ts, 1.0)).collect::<Vec<AppendEntry>>();
        match layout {
            Layout::Head => drop(kit.append(batch(all.len(), NOW))),
            Layout::Parts => {
                kit.append(batch(all.len(), NOW));
                kit.tsdb.compact_all().expect("compacts");
            }
            Layout::Mixed => {
                kit.append(batch(all.len() / 2 + 1, NOW - 24 * HOUR));
                kit.tsdb.compact_all().expect("compacts");
                kit.append(batch(all.len() / 2, NOW - HOUR));
                kit.tsdb.compact_all().expect("compacts");
                kit.append(batch(all.len(), NOW));
            }
        }
        let wanted: BTreeSet<&Labels> = all.iter().filter(|l| matches(l, &matchers)).collect();
        let found = read(&kit.tsdb, &Tenant::default(), &matchers, TimeRange::ALL);
        let want: BTreeSet<String> = wanted.iter().map(ToString::to_string).collect();
        prop_assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), want);

        let cx = QueryContext::unbounded();
        let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        let cut = |all: Vec<String>| if limit > 0 { all.into_iter().take(limit).collect() } else { all };
        let names: BTreeSet<String> = wanted.iter().flat_map(|l| l.iter().map(|l| l.name.to_owned())).collect();
        prop_assert_eq!(
            querier.label_names(&matchers, limit, &cx).expect("works"),
            cut(names.into_iter().collect())
        );
        for name in ["x", "y", "__name__", "absent"] {
            let values: BTreeSet<String> = wanted.iter().filter_map(|l| l.get(name).map(str::to_owned)).collect();
            prop_assert_eq!(
                querier.label_values(name, &matchers, limit, &cx).expect("works"),
                cut(values.into_iter().collect())
            );
        }
        let mut sorted: Vec<Labels> = wanted.into_iter().cloned().collect();
        sorted.sort();
        if limit > 0 {
            sorted.truncate(limit);
        }
        prop_assert_eq!(querier.series(&matchers, limit, &cx).expect("works"), sorted);
    }
}

#[test]
fn ranges_select_samples_and_series() {
    let kit = Kit::new();
    // Ten hours, one series per hour.
    for i in 0..10 {
        for minute in 0..60 {
            kit.append(vec![sample(&name(i), NOW - 10 * HOUR + i * HOUR + minute * 60_000, minute as f64)]);
        }
    }
    for round in 0..2 {
        let hours = |from: i64, to: i64| {
            TimeRange::new(NOW - 10 * HOUR + from * HOUR, NOW - 10 * HOUR + to * HOUR - 1)
        };
        let found = read(&kit.tsdb, &Tenant::default(), &[Matcher::equal("__name__", "m")], hours(3, 5));
        assert_eq!((found.len(), count(&found)), (2, 120), "round {round}");
        let one = TimeRange::new(NOW - 10 * HOUR + 60_000, NOW - 10 * HOUR + 60_000);
        assert_eq!(count(&read(&kit.tsdb, &Tenant::default(), &[Matcher::equal("__name__", "m")], one)), 1);
        let querier = kit.tsdb.querier(&Tenant::default(), hours(3, 5)).expect("opens");
        let series = querier.series(&[], 0, &QueryContext::unbounded()).expect("works");
        assert_eq!(series, [name(3), name(4)], "round {round}");
        let nothing = kit.tsdb.querier(&Tenant::default(), TimeRange::new(0, 1000)).expect("opens");
        assert!(nothing.series(&[], 0, &QueryContext::unbounded()).expect("works").is_empty());
        drop((querier, nothing));
        kit.tsdb.compact_all().expect("compacts");
    }
}

/// Samples of all kinds in head and parts, with parts that overlap: both ways to read give the same, in any range, with any cache.
#[test]
fn mapping_and_reading_give_the_same() {
    let mut kit = Kit::new();
    for round in 0..4 {
        for n in 0..150 {
            let ts = NOW - 10 * HOUR + round * 2 * HOUR + n * 60_000;
            let entry = |i: i64| {
                let value = match i % 4 {
                    0 => kit::histogram((n + i) as f64),
                    1 => (n as f64).sqrt().into(),
                    2 => (i as f64).into(),
                    _ => ((n * i) as f64 / 10.0).into(),
                };
                AppendEntry {
                    start_ts_ms: if i % 3 == 0 { ts - 5 } else { 0 },
                    ..sample(&name(i), ts, value)
                }
            };
            // What is refused because it came before does not matter here.
            kit.append((0..40).filter(|i| (i + round) % 5 != 0).map(entry).collect());
        }
        if round < 3 {
            kit.tsdb.compact_all().expect("compacts");
        }
    }
    let ranges: Vec<TimeRange> = (0..12)
        .map(|i| TimeRange::new(NOW - (11 - i) * HOUR, NOW - (11 - i) * HOUR + i * 31 * 60_000))
        .chain([TimeRange::ALL])
        .collect();
    let read_all = |kit: &Kit| -> Vec<kit::Dump> {
        ranges.iter().map(|range| read(&kit.tsdb, &Tenant::default(), &[], *range)).collect()
    };
    let want = read_all(&kit);
    for read_mode in [ReadMode::Read, ReadMode::Map] {
        for part_cache_bytes in [0, 5000, 1 << 20] {
            kit.options = Options { read_mode, part_cache_bytes, ..kit::options() };
            kit.kill();
            for pass in ["cold", "warm"] {
                assert!(read_all(&kit) == want, "{read_mode:?}, {part_cache_bytes} bytes, {pass}");
            }
        }
    }
    let all = count(&want[12]);
    for (range, found) in ranges.iter().zip(&want) {
        let inside = want[12].values().flat_map(|s| s.keys()).filter(|ts| range.contains(**ts)).count();
        assert_eq!(count(found), inside, "{range:?} of {all}");
    }
}

#[test]
fn start_timestamps_and_histograms_come_back() {
    let mut kit = Kit::new();
    let entry =
        |i: i64, ts_ms, start_ts_ms, value| AppendEntry { start_ts_ms, ..sample(&name(i), ts_ms, value) };
    for n in 0..200 {
        let ts = NOW - 4 * HOUR + n * 60_000;
        kit.append(vec![
            entry(0, ts, if n < 100 { 0 } else { ts - 7 }, (n as f64).into()),
            entry(1, ts, ts - n, kit::histogram(n as f64)),
            entry(2, ts, 0, if n % 50 < 25 { kit::histogram(0.5) } else { 0.5.into() }),
        ]);
    }
    let before = kit.dump();
    assert_eq!(count(&before), 600);
    let starts: Vec<i64> = before[&name(1).to_string()].iter().map(|(ts, (_, start))| ts - start).collect();
    assert_eq!(starts, (0..200).collect::<Vec<_>>());
    kit.kill();
    assert_eq!(kit.dump(), before, "from the log");
    kit.restart();
    assert_eq!(kit.dump(), before, "from a checkpoint");
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(kit.dump(), before, "from parts");
    kit.kill();
    assert_eq!(kit.dump(), before, "from parts, opened");
}

#[test]
fn queries_stop_and_stay_in_their_budget() {
    let kit = Kit::new();
    kit.row(0..500, NOW);
    let spec = |limit| SelectSpec {
        matchers: vec![Matcher::equal("__name__", "m")],
        range: TimeRange::ALL,
        sorted: false,
        hints: SelectHints { limit, ..SelectHints::default() },
    };
    for _ in 0..2 {
        let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        let cx = QueryContext::new(None, 10_000);
        let err = querier.select(&spec(0), &cx).err().expect("too much");
        assert!(matches!(err, StorageError::Interrupted(_)), "{err}");
        assert_eq!(cx.reserved_bytes(), 0, "given back");
        let cx = QueryContext::unbounded();
        let set = querier.select(&spec(7), &cx).expect("works");
        assert_eq!(set.labels().len(), 7);
        assert!(cx.reserved_bytes() > 0);
        drop(set);
        assert_eq!(cx.reserved_bytes(), 0, "given back");
        cx.cancel();
        assert!(querier.select(&spec(0), &cx).is_err());
        assert!(querier.series(&[], 0, &cx).is_err());
        assert!(querier.label_values("i", &[Matcher::equal("__name__", "m")], 0, &cx).is_err());
        drop(querier);
        kit.tsdb.compact_all().expect("compacts");
    }
}

#[test]
fn one_series_set_serves_several_threads() {
    let kit = Kit::new();
    for n in 0..50 {
        kit.row(0..64, NOW - HOUR + n * 1000);
    }
    kit.tsdb.compact_all().expect("compacts");
    kit.append(row(0..64, NOW));
    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    let spec = SelectSpec {
        matchers: vec![Matcher::equal("__name__", "m")],
        range: TimeRange::ALL,
        sorted: true,
        hints: SelectHints::default(),
    };
    let set = querier.select(&spec, &QueryContext::unbounded()).expect("works");
    let set = set.as_ref();
    std::thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                let mut buf = bellwether_model::ColumnBuffer::default();
                for idx in (part..64).step_by(4) {
                    set.read(idx, &mut buf).expect("reads");
                    assert_eq!(buf.len(), 51);
                }
            });
        }
    });
}
