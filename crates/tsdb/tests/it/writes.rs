//! What is taken, what is refused, and why.

use std::sync::Arc;

use bellwether_disk::{Fault, Injection, SimFs};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendExemplar, AppendMetadata, AppendReport, Appender,
    ColumnBuffer, CounterResetHint, Exemplar, FloatHistogram, KnownSample, Labels, MetadataRequest,
    MetricMetadata, MetricType, QueryContext, Queryable, Rejection, SelectHints, SelectSpec, SeriesRef, Span,
    Tenant, TimeRange, Value, stale_nan,
};
use bellwether_tsdb::{Options, SeriesLimits, SyncPolicy};

use crate::kit::{self, Kit, NOW, bits, count, histogram, name, options, row, sample};

#[test]
fn verdicts_follow_the_newest_sample() {
    let kit = Kit::new();
    let up = name(0);
    let check = |ts, value: Value, want: Result<(), Rejection>| {
        let report = kit.append(vec![sample(&up, ts, value)]);
        assert_eq!(report.samples[0].clone().map(|_| ()), want, "at {ts}");
    };
    check(NOW, 1.0.into(), Ok(()));
    check(NOW, 1.0.into(), Ok(()));
    check(NOW, 2.0.into(), Err(Rejection::DuplicateTimestamp));
    check(NOW, histogram(1.0), Err(Rejection::DuplicateTimestamp));
    check(NOW - 1, 1.0.into(), Err(Rejection::OutOfOrder));
    check(NOW + 1, stale_nan().into(), Ok(()));
    check(NOW + 1, stale_nan().into(), Ok(()));
    check(NOW + 1, f64::NAN.into(), Err(Rejection::DuplicateTimestamp));
    check(NOW + 2, histogram(f64::NAN), Ok(()));
    check(NOW + 2, histogram(f64::NAN), Ok(()));
    check(NOW + 3, (-0.0).into(), Ok(()));
    check(NOW + 3, 0.0.into(), Err(Rejection::DuplicateTimestamp));
    // A repetition of something older is a repetition too, wherever it is by now.
    check(NOW, 1.0.into(), Ok(()));
    check(NOW, 2.0.into(), Err(Rejection::DuplicateTimestamp));
    kit.tsdb.compact_all().expect("compacts");
    check(NOW, 1.0.into(), Ok(()));
    check(NOW + 2, histogram(1.0), Err(Rejection::DuplicateTimestamp));
    check(NOW - 1, 1.0.into(), Err(Rejection::OutOfOrder));
    assert_eq!(count(&kit.dump()), 4);
    let counters = kit.tsdb.counters();
    assert_eq!((counters.samples_appended, counters.samples_repeated), (4, 5));
    assert_eq!((counters.samples_duplicate, counters.samples_out_of_order), (6, 2));
}

#[test]
fn resets_of_histograms_are_found_when_they_are_stored() {
    use CounterResetHint::{Gauge, NotReset, Reset, Unknown};

    let mut kit = Kit::new();
    let counts = |count: f64, hint| {
        Value::Histogram(Arc::new(FloatHistogram {
            count,
            counter_reset_hint: hint,
            ..FloatHistogram::default()
        }))
    };
    let came = [(5.0, Unknown), (6.0, Reset), (7.0, Unknown), (1.0, NotReset), (2.0, Gauge), (3.0, Unknown)];
    let batch = || (NOW..).zip(came).map(|(ts, (n, hint))| sample(&name(0), ts, counts(n, hint))).collect();
    assert_eq!(kit.append(batch()).stored(), came.len());
    for round in 0..3 {
        let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
        let spec = SelectSpec {
            matchers: Vec::new(),
            range: TimeRange::ALL,
            sorted: true,
            hints: SelectHints::default(),
        };
        let series = querier.select(&spec, &QueryContext::unbounded()).expect("selects");
        let mut samples = ColumnBuffer::default();
        series.read(0, &mut samples).expect("reads");
        let hints: Vec<_> = samples.hists.iter().flatten().map(|h| h.counter_reset_hint).collect();
        assert_eq!(hints, [Unknown, Unknown, NotReset, Unknown, Gauge, Unknown], "round {round}");
        drop(querier);
        // What the source says about resets is no other value.
        assert_eq!(kit.append(batch()).stored(), came.len());
        match round {
            0 => kit.kill(),
            _ => drop(kit.tsdb.compact_all().expect("compacts")),
        }
    }
    assert_eq!(kit.tsdb.counters().samples_duplicate, 0);
}

#[test]
fn late_samples_are_taken_within_the_window() {
    let mut kit = Kit::with(Options { out_of_order_window_ms: 1000, ..options() });
    let check = |kit: &Kit, samples: Vec<(i64, i64, Value)>, want: &[Option<Rejection>]| {
        let batch = samples.into_iter().map(|(series, ts, v)| sample(&name(series), ts, v)).collect();
        let got: Vec<_> = kit.append(batch).samples.into_iter().map(Result::err).collect();
        assert_eq!(got, want);
    };
    let (duplicate, order, old) =
        (Some(Rejection::DuplicateTimestamp), Some(Rejection::OutOfOrder), Some(Rejection::TooOld));
    check(&kit, vec![(0, NOW, 1.0.into()), (1, NOW + 500, 1.0.into())], &[None, None]);
    // The window is counted from the newest sample of all series.
    check(
        &kit,
        vec![
            (0, NOW - 500, 5.0.into()),
            (0, NOW - 501, 5.0.into()),
            (0, NOW - 400, stale_nan().into()),
            (0, NOW - 500, 5.0.into()),
            (0, NOW - 500, 6.0.into()),
            (0, NOW - 300, histogram(2.0)),
        ],
        &[None, old.clone(), order.clone(), None, duplicate.clone(), None],
    );
    for round in 0..3 {
        // In one batch with newer ones, before and after a start, from the log and from parts.
        check(
            &kit,
            vec![(0, NOW - 500, 5.0.into()), (0, NOW - 300, histogram(3.0)), (0, NOW - 502, 1.0.into())],
            &[None, duplicate.clone(), old.clone()],
        );
        let dump = kit.dump();
        let times: Vec<i64> = dump[&name(0).to_string()].keys().map(|ts| ts - NOW).collect();
        assert_eq!(times, [-500, -300, 0], "round {round}");
        match round {
            0 => kit.kill(),
            _ => drop(kit.tsdb.compact_all().expect("compacts")),
        }
    }
    let counters = kit.tsdb.counters();
    assert_eq!((counters.samples_appended_late, counters.samples_repeated), (0, 2), "since the start");
    check(
        &kit,
        vec![
            (2, NOW, 1.0.into()),
            (2, NOW + 2000, 1.0.into()),
            (2, NOW + 100, 7.0.into()),
            (2, NOW, 2.0.into()),
        ],
        &[None, None, None, duplicate],
    );
    assert_eq!(kit.tsdb.counters().samples_appended_late, 1);
}

#[test]
fn late_samples_go_through_checkpoints_into_parts_of_their_own() {
    let mut kit = Kit::with(Options { out_of_order_window_ms: 100 * kit::HOUR, ..options() });
    for i in 0..200 {
        kit.row(0..3, NOW - i * kit::HOUR / 2);
    }
    let all = kit.dump();
    assert_eq!(count(&all), 600);
    kit.restart();
    assert_eq!((kit.report.samples, kit.dump()), (600, all.clone()), "from the checkpoint");
    kit.kill();
    let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::ALL).expect("opens");
    kit.tsdb.compact_all().expect("compacts");
    assert_eq!(kit::read_from(querier.as_ref(), &[], TimeRange::ALL), all, "an old view");
    drop(querier);
    assert_eq!(kit.dump(), all);
    let days = kit.tsdb.parts().iter().map(|p| p.range.mint.div_euclid(24 * kit::HOUR)).collect::<Vec<_>>();
    assert!(days.len() == 6 && days.is_sorted_by(|a, b| a < b), "one part a day: {days:?}");
    assert_eq!(kit.tsdb.parts().iter().map(|p| p.samples).sum::<u64>(), 600);
    kit.tsdb.maintain().expect("works");
    assert_eq!(kit.tsdb.head_status(1).chunks, 0, "nothing stays in memory");
    kit.kill();
    assert_eq!((kit.report.samples, kit.dump()), (0, all));
    assert_eq!(kit.row(0..3, NOW - kit::HOUR / 4).stored(), 3);
}

#[test]
fn the_order_holds_after_a_restart_without_a_log() {
    let mut kit = Kit::new();
    kit.row(0..3, NOW);
    kit.tsdb.compact_all().expect("compacts");
    kit.kill();
    assert_eq!(kit.report.samples, 0, "everything is in parts");
    let report = kit.append(vec![
        sample(&name(0), NOW - 5, 1.0),
        sample(&name(1), NOW, 17.5),
        row(2..3, NOW).remove(0),
        sample(&name(0), NOW + 5, 1.0),
    ]);
    assert_eq!(
        report.samples.iter().map(|r| r.clone().err()).collect::<Vec<_>>(),
        [Some(Rejection::OutOfOrder), Some(Rejection::DuplicateTimestamp), None, None]
    );
    assert_eq!(count(&kit.dump()), 4);
}

#[test]
fn several_samples_of_a_series_in_one_batch() {
    let kit = Kit::new();
    let at = |ts| sample(&name(0), ts, ts as f64);
    let report = kit.append(vec![at(NOW), at(NOW + 5), at(NOW + 5), at(NOW + 3), at(NOW + 9)]);
    let rejected: Vec<usize> = (0..5).filter(|i| report.samples[*i].is_err()).collect();
    assert_eq!(rejected, [3]);
    assert_eq!((report.new_series, report.stored(), count(&kit.dump())), (1, 4, 3));
}

#[test]
fn times_are_compared_with_the_clock_only() {
    let kit = Kit::new();
    let check = |ts: i64, want: Result<(), Rejection>| {
        let labels = Labels::from_pairs([("ts", ts.to_string())]);
        let report = kit.append(vec![sample(&labels, ts, 1.0)]);
        assert_eq!(report.samples[0].clone().map(|_| ()), want, "{ts}");
    };
    let limit_ms = 600_000;
    check(NOW + limit_ms, Ok(()));
    check(NOW + limit_ms + 1, Err(Rejection::TooFarInFuture { ahead_ms: limit_ms + 1, limit_ms }));
    check(i64::MAX, Err(Rejection::TooFarInFuture { ahead_ms: i64::MAX - NOW, limit_ms }));
    // Months and millennia back, after the newest sample there can be: all taken.
    for ts in [NOW - 365 * 24 * kit::HOUR, 0, -1, -(1 << 50), -(1 << 53)] {
        check(ts, Ok(()));
    }
    check(-(1 << 53) - 1, Err(Rejection::OutOfBounds));
    check(i64::MIN, Err(Rejection::OutOfBounds));
    let limits = SeriesLimits { max_future_ms: None, ..SeriesLimits::default() };
    let kit = Kit::with(Options { tenants: limits.into(), ..options() });
    let far = kit.append(vec![sample(&name(0), 1 << 53, 1.0), sample(&name(1), (1 << 53) + 1, 1.0)]);
    assert_eq!((far.samples[0].is_ok(), far.samples[1].clone()), (true, Err(Rejection::OutOfBounds)));
    kit.tsdb.compact_all().expect("even so");
    assert_eq!(count(&kit.dump()), 1);
}

#[test]
fn broken_histograms_are_refused() {
    let kit = Kit::new();
    let broken = FloatHistogram {
        positive_spans: vec![Span { offset: 0, length: 3 }],
        positive_buckets: vec![1.0],
        ..FloatHistogram::default()
    };
    let huge = FloatHistogram {
        positive_spans: vec![Span { offset: 0, length: 20_000 }],
        positive_buckets: vec![1.0; 20_000],
        ..FloatHistogram::default()
    };
    for (h, want) in
        [(broken, "invalid histogram: the spans hold"), (huge, "20000 histogram buckets, more than")]
    {
        let report = kit.append(vec![sample(&name(0), NOW, Value::Histogram(Arc::new(h)))]);
        let text = report.samples[0].clone().expect_err("refused").to_string();
        assert!(text.starts_with(want), "{text}");
    }
}

#[test]
fn hints_are_only_hints() {
    let mut kit = Kit::new();
    let first = kit.row(0..200, NOW);
    let refs: Vec<SeriesRef> = first.samples.iter().map(|r| r.clone().expect("stored")).collect();
    // Right, shifted, and made up.
    let hint = |i: i64, hint| AppendEntry { hint: Some(hint), ..row(i..i + 1, NOW + 1).remove(0) };
    let right = kit.append((0..200).map(|i| hint(i, refs[i as usize])).collect());
    assert_eq!(right.samples, first.samples);
    let shifted = (0..200).map(|i| AppendEntry { ts_ms: NOW + 2, ..hint(i, refs[(i as usize + 1) % 200]) });
    assert_eq!(kit.append(shifted.collect()).samples, first.samples);
    let made_up = (0..200).map(|i| AppendEntry {
        ts_ms: NOW + 3,
        ..hint(i + 100, SeriesRef([0, u64::MAX, 1 << 31, 12_345][i as usize % 4]))
    });
    let report = kit.append(made_up.collect());
    assert_eq!((report.stored(), report.new_series), (200, 100));
    // And after a restart, when all of them are from another life.
    kit.kill();
    let report =
        kit.append((0..200).map(|i| AppendEntry { ts_ms: NOW + 4, ..hint(i, refs[i as usize]) }).collect());
    assert_eq!((report.stored(), report.new_series), (200, 0));
    assert_eq!(count(&kit.dump()), 1000);
    // What is refused or known counts once, however often the batch had to be looked at.
    let before = kit.tsdb.counters();
    for i in 0..200 {
        let late = sample(&name(0), NOW - 1, 1.0);
        let known = row(0..1, NOW + 1).remove(0);
        let lost = AppendEntry {
            ts_ms: NOW + 5,
            ..hint(i, report.samples[(i as usize + 7) % 200].clone().expect("stored"))
        };
        assert_eq!(kit.append(vec![late, known, lost]).stored(), 2);
    }
    let counters = kit.tsdb.counters();
    assert_eq!(counters.samples_out_of_order - before.samples_out_of_order, 200);
    assert_eq!(counters.samples_repeated - before.samples_repeated, 200);
}

#[test]
fn handles_stand_for_labels_until_the_series_is_gone() {
    let mut kit = Kit::new();
    let known =
        |handle: &SeriesRef, ts_ms| KnownSample { series: *handle, ts_ms, start_ts_ms: 0, value: 1.0 };
    let of = |known: Vec<KnownSample>| AppendBatch { known, ..AppendBatch::default() };
    let given = |report: AppendReport| -> Vec<SeriesRef> {
        report.samples.into_iter().map(|handle| handle.expect("stored")).collect()
    };
    let handles = given(kit.row(0..50, NOW));
    let report = kit.append_batch(&of(handles.iter().map(|h| known(h, NOW + 1)).collect()));
    assert_eq!((report.known, report.new_series, report.stored()), (50, 0, 50));
    assert_eq!(kit.append_batch(&of(vec![known(&handles[3], NOW + 1)])).known, 1, "it is there already");
    let mixed = vec![known(&handles[2], NOW + 2), known(&handles[3], NOW - 1), known(&handles[4], NOW + 2)];
    let report = kit.append_batch(&of(mixed));
    assert_eq!((report.known, report.rejected_known), (2, vec![(1, Rejection::OutOfOrder)]));
    let refused = kit.append(vec![sample(&Labels::empty(), NOW + 2, 1.0)]).samples.remove(0);
    assert!(matches!(refused, Err(Rejection::InvalidLabels(_))), "{refused:?}");

    // The series leave memory, and others take their places.
    kit.tsdb.compact_all().expect("no faults");
    kit.clock.advance_ms(3_600_000);
    assert_eq!(kit.tsdb.maintain().expect("no faults").series_removed, 50);
    let others = given(kit.row(100..150, NOW + 2));
    assert!(others.iter().all(|other| !handles.contains(other)), "a handle is never given twice");
    let before = kit.dump();
    let mixed = || others.iter().zip(&handles).flat_map(|(live, old)| [live, old]);
    let mut batch = of(mixed().map(|h| known(h, NOW + 3)).collect());
    batch.samples = row(200..201, NOW + 3);
    let places = match kit.tsdb.append(&Tenant::default(), &batch) {
        Err(AppendError::ForgottenSeries { places }) => places,
        other => panic!("{other:?}"),
    };
    assert_eq!(places, (1..100).step_by(2).collect::<Vec<_>>());
    assert_eq!(kit.dump(), before, "nothing of the batch was stored");
    // What was taken back can be given again, now with labels.
    let taken = batch.take_forgotten(&places);
    assert_eq!(taken.iter().map(|k| k.series).collect::<Vec<_>>(), handles);
    batch.samples.extend(taken.into_iter().zip(0..).map(|(k, i)| k.with_labels(name(i))));
    let report = kit.append_batch(&batch);
    assert_eq!((report.known, report.stored()), (50, 101));
    // Handles of another life are not taken for those of this one.
    kit.kill();
    let lost = kit.tsdb.append(&Tenant::default(), &of(vec![known(&others[0], NOW + 4)]));
    assert_eq!(lost.map_err(|e| e.to_string()).err().as_deref(), Some("1 samples name series that are gone"));
    assert_eq!(count(&kit.dump()), 253);
}

#[test]
fn known_samples_and_others_are_judged_in_the_order_in_which_they_came() {
    let kit = Kit::new();
    let handle = kit.row(0..1, NOW).samples.remove(0).expect("stored");
    let known = |ts_ms| KnownSample { series: handle, ts_ms, start_ts_ms: 0, value: 5.0 };
    let batch = AppendBatch {
        known: vec![known(NOW + 1), known(NOW + 3)],
        samples: vec![sample(&name(0), NOW + 2, 6.0), sample(&name(0), NOW + 2, 7.0)],
        known_before: vec![1, 2],
        ..AppendBatch::default()
    };
    let report = kit.append_batch(&batch);
    assert_eq!((report.known, report.stored()), (2, 3));
    assert_eq!(report.samples[1], Err(Rejection::OutOfOrder), "the newer one came first");
}

#[test]
fn tenants_do_not_see_each_other() {
    let mut kit = Kit::new();
    let (default, a, b) = (Tenant::default(), Tenant::new("a"), Tenant::new("b"));
    for (tenant, value) in [(&default, 1.0), (&a, 2.0), (&b, 3.0)] {
        let mut batch = AppendBatch { samples: vec![sample(&name(0), NOW, value)], ..AppendBatch::default() };
        batch.metadata.push(AppendMetadata {
            family: "m".to_owned(),
            metadata: MetricMetadata { help: tenant.to_string(), ..MetricMetadata::default() },
        });
        batch.samples.push(sample(&Labels::from_pairs([("only", format!("of {tenant}"))]), NOW, value));
        assert_eq!(kit.tsdb.append(tenant, &batch).expect("taken").stored(), 2);
    }
    for round in 0..3 {
        for (tenant, value) in [(&default, 1.0), (&a, 2.0), (&b, 3.0)] {
            let found = kit::dump(&kit.tsdb, tenant);
            let want = bits(&Value::Float(value));
            assert_eq!(found.len(), 2, "{tenant:?} in round {round}");
            assert_eq!(found[r#"m{i="0", mod="0"}"#][&NOW].0, want, "labels come without the tenant");
            let querier = kit.tsdb.querier(tenant, TimeRange::ALL).expect("opens");
            let cx = QueryContext::unbounded();
            assert_eq!(querier.label_names(&[], 0, &cx).expect("works"), ["__name__", "i", "mod", "only"]);
            assert_eq!(querier.label_values("only", &[], 0, &cx).expect("works"), [format!("of {tenant}")]);
            assert_eq!(querier.label_values("__tenant__", &[], 0, &cx).expect("works"), [] as [String; 0]);
            let metadata = querier.metadata(&MetadataRequest::default(), &cx).expect("works");
            assert_eq!(metadata[0].1[0].help, tenant.as_str());
        }
        match round {
            0 => kit.kill(),
            _ => drop(kit.tsdb.compact_all().expect("compacts")),
        }
    }
    assert_eq!(kit.tsdb.head_status(10).label_pairs, 6);
}

#[test]
fn exemplars_and_metadata_survive() {
    let mut kit = Kit::with(Options { max_exemplars: 3, ..options() });
    let exemplar = |series: i64, ts_ms, value| AppendExemplar {
        labels: name(series),
        exemplar: Exemplar { labels: Labels::from_pairs([("trace_id", format!("t{ts_ms}"))]), value, ts_ms },
        is_timed: true,
    };
    let metadata = |help: &str| AppendMetadata {
        family: "m".to_owned(),
        metadata: MetricMetadata {
            metric_type: MetricType::Counter,
            unit: "s".to_owned(),
            help: help.to_owned(),
        },
    };
    let batch = AppendBatch {
        samples: row(0..2, NOW),
        exemplars: vec![
            exemplar(0, 10, 1.0),
            exemplar(0, 9, 1.0),
            exemplar(0, 10, 1.0),
            exemplar(1, 11, 1.0),
            exemplar(99, 12, 1.0),
        ],
        metadata: vec![metadata("one"), metadata("two"), metadata("one")],
        ..AppendBatch::default()
    };
    let report = kit.tsdb.append(&Tenant::default(), &batch).expect("taken");
    assert_eq!(
        report.rejected_exemplars,
        [(1, Rejection::OutOfOrderExemplar), (4, Rejection::ExemplarWithoutSeries)],
        "the third is the first one again, which is no news and no mistake"
    );
    let batch =
        AppendBatch { exemplars: vec![exemplar(1, 20, 2.0), exemplar(1, 21, 3.0)], ..AppendBatch::default() };
    assert_eq!(kit.tsdb.append(&Tenant::default(), &batch).expect("taken").rejected_exemplars, []);
    for round in 0..4 {
        let querier = kit.tsdb.querier(&Tenant::default(), TimeRange::new(0, 20)).expect("opens");
        let cx = QueryContext::unbounded();
        let all = vec![bellwether_model::Matcher::equal("__name__", "m")];
        let found = querier.exemplars(&[all], &cx).expect("works");
        let times: Vec<(String, Vec<i64>)> = found
            .iter()
            .map(|s| {
                (s.labels.get("i").unwrap_or("").to_owned(), s.exemplars.iter().map(|e| e.ts_ms).collect())
            })
            .collect();
        assert_eq!(
            times,
            [("1".to_owned(), vec![11, 20])],
            "the oldest made room, one is outside of the range, round {round}"
        );
        let found = querier.metadata(&MetadataRequest::default(), &cx).expect("works");
        let helps: Vec<&str> = found[0].1.iter().map(|m| m.help.as_str()).collect();
        assert_eq!((found.len(), helps), (1, vec!["two", "one"]));
        let request = MetadataRequest { family: Some("n".to_owned()), ..MetadataRequest::default() };
        assert!(querier.metadata(&request, &cx).expect("works").is_empty());
        drop(querier);
        match round {
            0 => kit.kill(),
            1 => drop(kit.tsdb.compact_all().expect("compacts")),
            _ => kit.restart(),
        }
    }
}

#[test]
fn a_full_disk_refuses_and_resumes() {
    let fs = SimFs::new();
    fs.set_capacity(Some(200_000));
    let mut kit = Kit::on(fs, Options { min_free_bytes: Some(20_000), ..options() });
    let mut rows = 0;
    let refused = loop {
        match kit.try_append(row(0..100, NOW + rows)) {
            Ok(report) => assert_eq!(report.stored(), 100),
            Err(e) => break e,
        }
        rows += 1;
        kit.clock.advance_ms(1000);
    };
    let text = refused.to_string();
    assert!(
        matches!(refused, AppendError::StorageFull(_)) && text.contains("20000 must stay free"),
        "{text}"
    );
    assert!(rows > 10, "{rows}");
    assert_eq!(count(&kit.dump()), 100 * rows as usize, "queries go on");
    assert!(kit.tsdb.storage_status().refuses_writes.is_some_and(|r| r.contains("must stay free")));
    // It dies and starts again on the full disk.
    kit.kill();
    assert!(kit.report.is_clean(), "{:?}", kit.report);
    assert_eq!(count(&kit.dump()), 100 * rows as usize);
    assert!(matches!(kit.try_append(row(0..1, NOW + rows)), Err(AppendError::StorageFull(_))));
    kit.fs.set_capacity(Some(2_000_000));
    assert_eq!(kit.row(0..100, NOW + rows).stored(), 100);
    assert_eq!(kit.tsdb.storage_status().refuses_writes, None);
    assert_eq!(kit.tsdb.counters().batches_refused_full, 1);
}

#[test]
fn a_refused_batch_leaves_no_trace() {
    let kit = Kit::new();
    kit.row(0..5, NOW);
    let before = kit.dump();
    kit.fs.set_capacity(Some(kit.fs.used()));
    // More than what is left of the segment that is allocated.
    let labels = Labels::from_pairs([("big", "x".repeat(4000))]);
    let big: Vec<_> = (0..5)
        .map(|i| sample(&name(i), NOW + 1, 9.0))
        .chain((0..40).map(|i| {
            sample(
                &Labels::from_pairs([(
                    "big",
                    format!("{i}{}", labels.get("big").unwrap_or("")).chars().take(4000).collect::<String>(),
                )]),
                NOW,
                1.0,
            )
        }))
        .collect();
    assert!(matches!(kit.try_append(big.clone()), Err(AppendError::StorageFull(_))));
    assert_eq!(kit.dump(), before);
    // The samples of the refused batch were not taken, so they can come again, with other values too.
    kit.fs.set_capacity(None);
    assert_eq!(kit.append((0..5).map(|i| sample(&name(i), NOW + 1, 8.0)).collect()).stored(), 5);
    let report = kit.append(big);
    assert_eq!(report.samples[0], Err(Rejection::DuplicateTimestamp));
    assert_eq!(report.stored(), 40);
}

#[test]
fn a_broken_disk_makes_the_store_read_only() {
    let mut kit = Kit::with(Options { sync: SyncPolicy::Always, ..options() });
    kit.row(0..10, NOW);
    kit.fs.inject(Injection { op: kit.fs.ops(), times: 1000, fault: Fault::Io });
    assert!(matches!(kit.try_append(row(0..10, NOW + 1)), Err(AppendError::ReadOnly(_))));
    assert!(matches!(kit.try_append(row(0..10, NOW + 2)), Err(AppendError::ReadOnly(_))));
    assert_eq!(count(&kit.dump()), 10, "queries go on, without what was refused");
    assert!(kit.tsdb.compact_all().is_err());
    assert_eq!(count(&kit.dump()), 10);
    assert_eq!(kit.tsdb.counters().batches_refused_read_only, 2);
    kit.kill();
    assert_eq!(count(&kit.dump()), 10);
    assert_eq!(kit.row(0..10, NOW + 1).stored(), 10);
}

#[test]
fn what_could_not_be_synced_is_not_acknowledged_when_it_comes_again() {
    let mut kit = Kit::with(Options { sync: SyncPolicy::Always, ..options() });
    kit.row(0..10, NOW);
    // The write works, the sync and all that comes after it do not.
    kit.fs.inject(Injection { op: kit.fs.ops() + 1, times: 1000, fault: Fault::Io });
    assert!(matches!(kit.try_append(row(0..10, NOW + 1)), Err(AppendError::ReadOnly(_))));
    assert!(matches!(kit.try_append(row(0..10, NOW + 1)), Err(AppendError::ReadOnly(_))));
    kit.power_cut(1);
    assert!(count(&kit.dump()) >= 10);
    assert_eq!(kit.row(0..10, NOW).stored(), 10);
    assert_eq!(kit.row(0..10, NOW + 1).stored(), 10);
    kit.power_cut(2);
    assert_eq!(count(&kit.dump()), 20);
}

#[test]
fn a_closed_store_answers_and_takes_nothing() {
    let kit = Kit::new();
    kit.row(0..10, NOW);
    kit.tsdb.close().expect("closes");
    kit.tsdb.close().expect("twice");
    assert!(matches!(kit.try_append(row(0..1, NOW + 1)), Err(AppendError::Closed)));
    assert!(kit.tsdb.maintain().is_err());
    assert_eq!(count(&kit.dump()), 10);
}
