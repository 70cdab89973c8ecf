//! What tenants may bring, and that the store counts right whatever happens to series.

use std::time::Duration;

use bellwether_disk::{Fault, Injection};
use bellwether_model::{
    AppendBatch, AppendEntry, AppendError, AppendExemplar, AppendReport, Appender, Exemplar, KnownSample,
    Labels, Limit, Rejection, Tenant,
};
use bellwether_tsdb::{Offender, Options, SeriesLimits, TenantLimits};

use crate::kit::{HOUR, Kit, NOW, name, options, sample};

fn limits() -> SeriesLimits {
    SeriesLimits { max_new_series_per_minute: usize::MAX, ..SeriesLimits::default() }
}

fn with(limits: SeriesLimits) -> Kit {
    Kit::with(Options { tenants: limits.into(), ..options() })
}

fn of_metric(metric: &str, i: usize) -> Labels {
    Labels::from_pairs([("__name__", metric.to_owned()), ("i", i.to_string())])
}

fn at(labels: &Labels, ts_ms: i64) -> AppendEntry {
    sample(labels, ts_ms, 1.0)
}

fn limit_of(report: &AppendReport, entry: usize) -> Option<Limit> {
    match &report.samples[entry] {
        Err(Rejection::Limit(over)) => Some(over.limit),
        _ => None,
    }
}

/// How many of `n` new series of a metric are taken.
fn taken(kit: &Kit, metric: &str, from: usize, n: usize) -> usize {
    kit.append((from..from + n).map(|i| at(&of_metric(metric, i), NOW)).collect()).stored()
}

#[test]
fn refusals_name_limit_value_and_offender() {
    let kit = with(SeriesLimits {
        max_labels_per_series: 3,
        max_label_name_bytes: 10,
        max_label_value_bytes: 20,
        max_series_per_metric: 2,
        max_active_series: 3,
        ..limits()
    });
    let check = |labels: &Labels, want: &str| {
        let report = kit.append(vec![at(&name(0), NOW), at(labels, NOW)]);
        assert!(report.samples[0].is_ok(), "a bad neighbour costs nothing");
        let text = report.samples[1].clone().expect_err("over the limit").to_string();
        assert_eq!(text, want);
    };
    let pairs = |p: &[(&str, &str)]| Labels::from_pairs(p.iter().copied());
    check(&Labels::empty(), "invalid labels: empty label set");
    check(
        &pairs(&[("__name__", "m"), ("b", "1"), ("c", "1"), ("d", "1")]),
        r#"metric "m" of the default tenant: 4 labels, more than the 3 allowed (max_labels_per_series)"#,
    );
    check(
        &pairs(&[("abcdefghijk", "1")]),
        r#"metric "" of the default tenant: the label name "abcdefghijk" has 11 bytes, more than the 10 allowed (max_label_name_bytes)"#,
    );
    check(
        &pairs(&[("__name__", "m"), ("a", "123456789012345678901")]),
        r#"metric "m" of the default tenant: the value of the label "a" has 21 bytes, more than the 20 allowed (max_label_value_bytes)"#,
    );
    check(
        &pairs(&[("__tenant__", "x")]),
        r#"invalid labels: the label __tenant__ is reserved, at {__tenant__="x"}"#,
    );
    assert!(kit.append(vec![at(&name(1), NOW)]).samples[0].is_ok());
    check(
        &name(2),
        r#"metric "m" of the default tenant: the metric has the 2 series allowed (max_series_per_metric)"#,
    );
    assert!(kit.append(vec![at(&of_metric("other", 0), NOW)]).samples[0].is_ok());
    check(
        &of_metric("another", 0),
        r#"metric "another" of the default tenant: the tenant has the 3 series allowed (max_active_series)"#,
    );
    assert_eq!((kit.tsdb.counters().samples_over_limit, kit.tsdb.active_series()), (5, 3));
}

#[test]
fn a_value_that_fits_nowhere_is_refused_without_any_limit() {
    let kit = with(SeriesLimits::NONE);
    let labels = Labels::from_pairs([("__name__", "m".to_owned()), ("a", "x".repeat(1 << 20))]);
    let report = kit.append(vec![at(&labels, NOW)]);
    assert_eq!(limit_of(&report, 0), Some(Limit::LabelSetBytes));
    let text = report.samples[0].clone().expect_err("refused").to_string();
    assert!(text.len() < 200 && text.contains("more than the 1048576 that can be stored"), "{text}");
}

#[test]
fn known_series_go_on_when_there_is_no_room_for_new_ones() {
    let kit = with(SeriesLimits { max_active_series: 10, ..limits() });
    assert_eq!(taken(&kit, "a", 0, 15), 10);
    let handle = kit.append(vec![at(&of_metric("a", 0), NOW)]).samples[0].clone().expect("known");
    let by_handle = KnownSample { series: handle, ts_ms: NOW + 1, start_ts_ms: 0, value: 1.0 };
    let report = kit.append_batch(&AppendBatch {
        known: vec![by_handle],
        samples: vec![at(&of_metric("a", 9), NOW + 1), at(&of_metric("a", 10), NOW + 1)],
        ..AppendBatch::default()
    });
    assert_eq!((report.known, report.stored()), (1, 2));
    assert_eq!((limit_of(&report, 1), report.retry_after), (Some(Limit::ActiveSeries), None));
}

#[test]
fn counts_are_right_after_cuts_removals_and_restarts() {
    let mut kit = with(SeriesLimits { max_active_series: 30, max_series_per_metric: 20, ..limits() });
    assert_eq!((taken(&kit, "a", 0, 25), taken(&kit, "b", 0, 9), taken(&kit, "b", 0, 12)), (20, 9, 10));
    for restart in [Kit::restart as fn(&mut Kit), Kit::kill] {
        restart(&mut kit);
        assert_eq!(kit.tsdb.active_series(), 30);
        assert_eq!((taken(&kit, "a", 5_000, 5), taken(&kit, "c", 0, 5)), (0, 0));
        assert_eq!(taken(&kit, "b", 0, 12), 10, "series that are there are no new ones");
    }
    // A cut moves samples and leaves the series; those that get none for long leave the head.
    kit.tsdb.compact_all().expect("no faults");
    assert_eq!(taken(&kit, "c", 0, 1), 0);
    kit.clock.advance_ms(HOUR);
    kit.tsdb.maintain().expect("no faults");
    assert_eq!(kit.tsdb.active_series(), 0);
    assert_eq!((taken(&kit, "a", 7_000, 25), taken(&kit, "c", 0, 15)), (20, 10));
    kit.kill();
    assert_eq!((taken(&kit, "a", 9_000, 1), taken(&kit, "d", 0, 1)), (0, 0));
}

#[test]
fn a_batch_that_the_log_refuses_is_not_counted_after_a_restart() {
    let mut kit = with(SeriesLimits { max_series_per_metric: 10, ..limits() });
    assert_eq!(taken(&kit, "a", 0, 5), 5);
    kit.fs.inject(Injection { op: kit.fs.ops(), times: 1000, fault: Fault::Io });
    let refused = kit.try_append((5..10).map(|i| at(&of_metric("a", i), NOW)).collect());
    assert!(matches!(refused, Err(AppendError::ReadOnly(_))), "{refused:?}");
    kit.kill();
    assert_eq!(taken(&kit, "a", 100, 10), 5);
}

#[test]
fn new_series_are_limited_by_the_minute() {
    let kit = with(SeriesLimits { max_new_series_per_minute: 60, ..SeriesLimits::default() });
    let n = 100;
    let report = kit.append((0..n).map(|i| at(&of_metric("a", i), NOW)).collect());
    assert_eq!((report.stored(), limit_of(&report, 60)), (60, Some(Limit::NewSeriesPerMinute)));
    assert_eq!(report.retry_after, Some(Duration::from_secs(40)));
    assert_eq!(
        report.samples[99].clone().expect_err("refused").to_string(),
        r#"metric "a" of the default tenant: the tenant has had the 60 new series per minute allowed (max_new_series_per_minute)"#
    );
    kit.clock.advance_ms(40_000);
    // The sender repeats the whole batch: what is there is acknowledged once more.
    let report = kit.append((0..n).map(|i| at(&of_metric("a", i), NOW)).collect());
    assert_eq!((report.stored(), report.new_series, report.retry_after), (100, 40, None));
}

#[test]
fn tenants_have_limits_and_counts_of_their_own() {
    let small = SeriesLimits { max_active_series: 3, max_future_ms: Some(1000), ..limits() };
    let tenants = TenantLimits { others: limits(), named: [("small".to_owned(), small)].into() };
    let mut kit = Kit::with(Options { tenants, ..options() });
    let append = |kit: &Kit, tenant: &Tenant, metric: &str, n| {
        let samples = (0..n).map(|i| at(&of_metric(metric, i), NOW)).collect();
        kit.tsdb.append(tenant, &AppendBatch { samples, ..AppendBatch::default() }).expect("taken")
    };
    let (small, default) = (Tenant::new("small"), Tenant::default());
    for round in 0..2 {
        assert_eq!(append(&kit, &default, "a", 10).stored(), 10);
        let report = append(&kit, &small, "a", 10);
        assert_eq!(report.stored(), 3, "round {round}");
        let text = report.samples[3].clone().expect_err("refused").to_string();
        assert_eq!(
            text,
            r#"metric "a" of tenant "small": the tenant has the 3 series allowed (max_active_series)"#
        );
        kit.kill();
    }
    let samples = vec![at(&of_metric("a", 0), NOW + 1001)];
    let report = kit.tsdb.append(&small, &AppendBatch { samples, ..AppendBatch::default() }).expect("taken");
    assert_eq!(report.samples[0], Err(Rejection::TooFarInFuture { ahead_ms: 1001, limit_ms: 1000 }));
}

#[test]
fn limits_can_be_changed_while_the_store_is_open() {
    let kit = with(SeriesLimits { max_active_series: 5, ..limits() });
    assert_eq!(taken(&kit, "a", 0, 10), 5);
    kit.tsdb.set_tenant_limits(SeriesLimits { max_active_series: 8, ..limits() }.into());
    assert_eq!(taken(&kit, "a", 0, 10), 8);
    // Fewer than there are: all go on, and none comes.
    kit.tsdb.set_tenant_limits(SeriesLimits { max_active_series: 2, ..limits() }.into());
    assert_eq!(taken(&kit, "a", 0, 10), 8);
    kit.tsdb.set_tenant_limits(SeriesLimits { max_future_ms: None, ..limits() }.into());
    assert!(kit.append(vec![at(&of_metric("a", 0), NOW + 1_000 * HOUR)]).samples[0].is_ok());
}

#[test]
fn an_exemplar_of_the_future_keeps_nobody_out() {
    let kit = Kit::new();
    let exemplar = |ts_ms| AppendExemplar {
        labels: name(0),
        exemplar: Exemplar { labels: Labels::from_pairs([("trace_id", "t")]), value: 1.0, ts_ms },
        is_timed: true,
    };
    let exemplars = vec![exemplar(i64::MAX), exemplar(NOW + 600_001), exemplar(NOW), exemplar(NOW + 600_000)];
    let batch = AppendBatch { samples: vec![at(&name(0), NOW)], exemplars, ..AppendBatch::default() };
    let report = kit.tsdb.append(&Tenant::default(), &batch).expect("taken");
    let refused: Vec<usize> = report.rejected_exemplars.iter().map(|(idx, _)| *idx).collect();
    assert_eq!(refused, [0, 1]);
    assert_eq!(
        report.rejected_exemplars[1].1,
        Rejection::TooFarInFuture { ahead_ms: 600_001, limit_ms: 600_000 }
    );
}

#[test]
fn whose_samples_were_refused_is_remembered() {
    let kit = with(SeriesLimits { max_series_per_metric: 1, max_labels_per_series: 2, ..limits() });
    taken(&kit, "a", 0, 4);
    taken(&kit, "b", 0, 3);
    let wide = Labels::from_pairs([("__name__", "wide"), ("x", "1"), ("y", "1")]);
    kit.append(vec![at(&wide, NOW), at(&of_metric("a", 0), NOW + 24 * HOUR)]);
    let offender = |limit, metric: &str, samples| Offender {
        limit,
        tenant: String::new(),
        metric: metric.to_owned(),
        samples,
    };
    assert_eq!(
        kit.tsdb.offenders(3),
        [
            offender(Limit::SeriesPerMetric, "a", 3),
            offender(Limit::SeriesPerMetric, "b", 2),
            offender(Limit::LabelsPerSeries, "wide", 1),
        ]
    );
    assert_eq!(kit.tsdb.offenders(10)[3], offender(Limit::Future, "a", 1));
    let refused: Vec<_> = kit.tsdb.refused_by_limit().into_iter().filter(|(_, n)| *n > 0).collect();
    assert_eq!(refused, [(Limit::LabelsPerSeries, 1), (Limit::SeriesPerMetric, 5), (Limit::Future, 1)]);
}

#[test]
fn a_batch_can_be_stored_only_as_a_whole() {
    let kit = with(SeriesLimits { max_active_series: 5, max_labels_per_series: 2, ..limits() });
    assert_eq!(taken(&kit, "a", 0, 3), 3);
    let whole = |labels: &[Labels]| {
        let samples = labels.iter().map(|labels| at(labels, NOW + 1)).collect();
        let batch = AppendBatch { samples, stops_at_limit: true, ..AppendBatch::default() };
        kit.tsdb.append(&Tenant::default(), &batch)
    };
    let many: Vec<Labels> = (0..8).map(|i| of_metric("a", i)).collect();
    let Err(AppendError::Limit(over)) = whole(&many) else { panic!("more than there is room for") };
    assert_eq!(over.limit, Limit::ActiveSeries);
    assert_eq!(crate::kit::count(&kit.dump()), 3, "nothing of it is stored");
    assert_eq!(kit.tsdb.offenders(9), [], "it is stored in part later, and the rest is counted then");
    // In order, as if nothing had been tried.
    assert_eq!(kit.append(many.iter().map(|l| at(l, NOW + 1)).collect()).stored(), 5);

    let wide = Labels::from_pairs([("__name__", "wide"), ("x", "1"), ("y", "1")]);
    let Err(AppendError::Limit(over)) = whole(&[of_metric("a", 0), wide]) else { panic!("too many labels") };
    assert_eq!((over.limit, kit.tsdb.offenders(9).len()), (Limit::LabelsPerSeries, 2));
    // Other reasons cost only their sample.
    let known = whole(&[of_metric("a", 0), Labels::empty()]).expect("no limit is in the way");
    assert_eq!(known.stored(), 1);
}
