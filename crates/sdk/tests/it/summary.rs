//! Summaries, beside a sorted list of the values.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_exposition::NativeHistograms;
use bellwether_sdk::{Labels, Opts, RegisterError, Registry};
use proptest::prelude::*;

use crate::protobuf::read;

/// A registry whose clock stands still until it is told otherwise, in seconds.
fn registry() -> (Registry, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let clock = Arc::clone(&seconds);
    (Registry::with_clock(move || Duration::from_secs(clock.load(Ordering::Relaxed))), seconds)
}

proptest! {
    #[test]
    fn quantiles_are_within_one_and_a_half_per_cent(
        // Both signs together are less than 32 doublings wide, which is what the buckets are enough for.
        values in prop::collection::vec(prop_oneof![1e-3_f64..1e3, -10.0_f64..-1e-2, Just(0.0)], 1..300),
        q in 0.0_f64..=1.0,
    ) {
        let (registry, seconds) = registry();
        let summary = registry.summary::<()>(Opts::new("s", "S.")).expect("is right");
        for (idx, value) in values.iter().enumerate() {
            summary.observe(*value);
            // Over three of five slices.
            if idx % 100 == 99 {
                seconds.fetch_add(120, Ordering::Relaxed);
            }
        }
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = ((q * values.len() as f64).ceil() as usize).max(1);
        let (want, got) = (sorted[rank - 1], summary.with(()).quantile(q));
        prop_assert!((got - want).abs() <= want.abs() * 0.015, "{} instead of {}", got, want);
    }
}

#[test]
fn old_values_are_forgotten_but_counted() {
    let (registry, seconds) = registry();
    let opts = Opts::new("s", "S.").quantiles(&[0.0, 1.0]).window(Duration::from_secs(50));
    let summary = registry.summary::<()>(opts).expect("is right");
    let expect = |quantiles: [&str; 2], count: u32, sum: &str| {
        let [least, greatest] = quantiles;
        let want = format!(
            "# HELP s S.\n# TYPE s summary\ns{{quantile=\"0\"}} {least}\ns{{quantile=\"1\"}} {greatest}\ns_sum {sum}\ns_count {count}\n"
        );
        assert_eq!(registry.text(), want);
    };
    expect(["NaN", "NaN"], 0, "0");
    summary.observe(0.0);
    expect(["0", "0"], 1, "0");
    seconds.fetch_add(40, Ordering::Relaxed);
    summary.observe(f64::INFINITY);
    expect(["0", "+Inf"], 2, "+Inf");
    seconds.fetch_add(10, Ordering::Relaxed);
    expect(["+Inf", "+Inf"], 2, "+Inf");
    // The slice that is used again is empty.
    summary.observe(0.0);
    expect(["0", "+Inf"], 3, "+Inf");
    seconds.fetch_add(1_000_000, Ordering::Relaxed);
    expect(["NaN", "NaN"], 3, "+Inf");
}

#[test]
fn an_outlier_does_no_harm_for_longer_than_the_window() {
    let (registry, seconds) = registry();
    let summary = registry.summary::<()>(Opts::new("s", "S.")).expect("is right");
    summary.observe(1e300);
    summary.observe(0.25);
    let blurred = summary.with(()).quantile(0.5);
    assert!((0.01..10.0).contains(&blurred), "{blurred}");
    seconds.fetch_add(600, Ordering::Relaxed);
    summary.observe(0.25);
    let median = summary.with(()).quantile(0.5);
    assert!((median - 0.25).abs() < 0.25 * 0.015, "{median}");
}

#[test]
fn quantiles_add_up() {
    #[derive(Labels)]
    struct Worker {
        is_second: bool,
    }
    let (registry, seconds) = registry();
    let family = registry.summary::<Worker>(Opts::new("s", "S.")).expect("is right");
    let (first, second) = (family.with(Worker { is_second: false }), family.with(Worker { is_second: true }));
    (1..=50).for_each(|i| first.observe(f64::from(i)));
    seconds.fetch_add(600, Ordering::Relaxed);
    (1..=50).for_each(|i| second.observe(f64::from(i)));
    (51..=75).for_each(|i| first.observe(f64::from(i)));
    seconds.fetch_add(120, Ordering::Relaxed);
    (76..=100).for_each(|i| second.observe(f64::from(i)));
    assert!(first.absorb(second));
    for rank in [1.0, 25.0, 50.0, 90.0, 100.0] {
        let quantile = first.quantile(rank / 100.0);
        assert!((quantile - rank).abs() <= rank * 0.015, "{quantile} instead of {rank}");
    }
    assert!(registry.text().contains("s_sum{is_second=\"false\"} 6325\ns_count{is_second=\"false\"} 150\n"));
}

#[test]
fn protobuf_and_mistakes() {
    let (registry, _) = registry();
    let summary = registry.summary::<()>(Opts::new("s", "S.").quantiles(&[0.5])).expect("is right");
    summary.observe(0.0);
    assert_eq!(
        read(&registry, NativeHistograms::Instead).lines,
        ["s is a summary", "__name__=s_count 1.0", "__name__=s_sum 0.0", "__name__=s,quantile=0.5 0.0"]
    );
    for quantiles in [&[0.5, 0.5][..], &[1.1], &[f64::NAN], &[-0.1]] {
        let refused = registry.summary::<()>(Opts::new("x", "X.").quantiles(quantiles)).err();
        assert_eq!(refused, Some(RegisterError::Quantiles { family: "x" }));
    }
    let other = registry.summary::<()>(Opts::new("s", "S.").quantiles(&[0.5]).window(Duration::from_secs(1)));
    assert!(matches!(other, Err(RegisterError::Differs { .. })));
    assert!(registry.gauge::<()>(Opts::new("s_sum", "")).is_err(), "the name of a series of it");
}

#[test]
fn threads_lose_nothing_while_slices_change() {
    let (registry, seconds) = registry();
    let summary = registry.summary::<()>(Opts::new("s", "S.")).expect("is right");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| (0..3_000).for_each(|i| summary.observe(f64::from(i))));
        }
        scope.spawn(|| {
            (0..300).for_each(|_| {
                seconds.fetch_add(1, Ordering::Relaxed);
                std::thread::yield_now();
            });
        });
    });
    assert!(registry.text().contains("s_count 9000\n"), "{}", registry.text());
}
