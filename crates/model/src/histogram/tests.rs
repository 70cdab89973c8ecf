//! Laws of the algebra, on histograms of every kind, and the examples that the laws do not cover.

use proptest::prelude::*;

use super::*;

/// Spans without regard to what they hold.
fn spans(first: std::ops::Range<i32>) -> impl Strategy<Value = Vec<Span>> {
    (first, proptest::collection::vec((0_i32..4, 1_u32..4), 0..4)).prop_map(|(first, rest)| {
        let mut spans: Vec<Span> = rest.into_iter().map(|(offset, length)| Span { offset, length }).collect();
        if let Some(span) = spans.first_mut() {
            span.offset = first;
        }
        spans
    })
}

fn counts(n: usize) -> impl Strategy<Value = Vec<f64>> {
    // Small integers: their sums are exact, so laws hold to the last bit.
    proptest::collection::vec((0_u8..20).prop_map(f64::from), n)
}

fn side(first: std::ops::Range<i32>) -> impl Strategy<Value = (Vec<Span>, Vec<f64>)> {
    spans(first).prop_flat_map(|spans| {
        let n = spans.iter().map(|s| s.length as usize).sum();
        counts(n).prop_map(move |counts| (spans.clone(), counts))
    })
}

prop_compose! {
    fn exponential()(
        schema in -4_i32..=8,
        positive in side(-6..6),
        negative in side(-6..6),
        zero_count in (0_u8..9).prop_map(f64::from),
        zero_threshold in prop::sample::select(vec![0.0, 1e-128, 0.001, 0.3, 1.0, 2.5]),
    ) -> FloatHistogram {
        let mut h = FloatHistogram {
            schema,
            zero_count,
            sum: 0.5,
            positive_spans: positive.0,
            positive_buckets: positive.1,
            negative_spans: negative.0,
            negative_buckets: negative.1,
            ..FloatHistogram::default()
        };
        // A valid histogram has no populated bucket inside the zero bucket.
        h.widen_zero_bucket(zero_threshold);
        h.count = total(&h);
        h
    }
}

prop_compose! {
    fn custom()(
        bounds in proptest::collection::btree_set(-5_i8..15, 0..6),
        counts in counts(7),
    ) -> FloatHistogram {
        let n = bounds.len() + 1;
        let mut h = FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            sum: 1.5,
            positive_spans: vec![Span { offset: 0, length: n as u32 }],
            positive_buckets: counts[..n].to_vec(),
            custom_values: Some(bounds.into_iter().map(f64::from).collect()),
            ..FloatHistogram::default()
        };
        h.count = total(&h);
        h
    }
}

fn pair() -> impl Strategy<Value = (FloatHistogram, FloatHistogram)> {
    prop_oneof![(exponential(), exponential()), (custom(), custom())]
}

fn total(h: &FloatHistogram) -> f64 {
    h.zero_count + h.positive_buckets.iter().sum::<f64>() + h.negative_buckets.iter().sum::<f64>()
}

fn compacted(mut h: FloatHistogram) -> FloatHistogram {
    h.compact(0);
    if h.custom_bounds().is_empty() {
        h.custom_values = None;
    }
    h
}

fn added(a: &FloatHistogram, b: &FloatHistogram) -> FloatHistogram {
    let mut sum = a.clone();
    sum.add(b).expect("same kind");
    sum
}

proptest! {
    #[test]
    fn generated_histograms_are_valid(h in prop_oneof![exponential(), custom()]) {
        prop_assert_eq!(h.validate(), Ok(()));
    }

    #[test]
    fn addition_keeps_all_observations((a, b) in pair()) {
        let sum = added(&a, &b);
        prop_assert_eq!(sum.validate(), Ok(()));
        prop_assert_eq!(sum.count, a.count + b.count);
        prop_assert_eq!(total(&sum), sum.count);
    }

    #[test]
    fn addition_commutes((a, b) in pair()) {
        prop_assert_eq!(compacted(added(&a, &b)), compacted(added(&b, &a)));
    }

    #[test]
    fn addition_associates(
        (mut a, mut b, mut c) in prop_oneof![
            (exponential(), exponential(), exponential()),
            (custom(), custom(), custom()),
        ]
    ) {
        // With different zero buckets it matters whether one was widened before or after the resolution went down.
        for h in [&mut a, &mut b, &mut c] {
            h.zero_threshold = 0.0;
        }
        prop_assert_eq!(
            compacted(added(&added(&a, &b), &c)),
            compacted(added(&a, &added(&b, &c)))
        );
    }

    #[test]
    fn subtraction_undoes_addition((a, b) in pair()) {
        let mut back = added(&a, &b);
        back.sub(&b).expect("same kind");
        // Reconciliation cannot be undone: compare with what is left of `a` after it.
        let mut nothing = b.clone();
        nothing.scale(0.0);
        let mut reconciled = added(&a, &b);
        reconciled.scale(0.0);
        prop_assert_eq!(compacted(back), compacted(added(&added(&a, &nothing), &reconciled)));
    }

    #[test]
    fn compensated_sums_agree_with_plain_ones(list in prop_oneof![
        proptest::collection::vec(exponential(), 1..5),
        proptest::collection::vec(custom(), 1..5),
    ]) {
        let mut sum = HistogramSum::new(list[0].clone());
        let mut plain = list[0].clone();
        for h in &list[1..] {
            let a = sum.add(h).expect("same kind");
            let b = plain.add(h).expect("same kind");
            prop_assert_eq!(a, b);
        }
        prop_assert_eq!(compacted(sum.finish()), compacted(plain));
    }

    #[test]
    fn lower_resolution_keeps_all_observations(h in exponential(), schema in -4_i32..=8) {
        let low = h.at_resolution(schema);
        prop_assert_eq!(low.validate(), Ok(()));
        prop_assert_eq!(low.schema, h.schema.min(schema));
        prop_assert_eq!(total(&low), total(&h));
        // In two steps as in one.
        prop_assert_eq!(h.at_resolution(schema.max(2)).at_resolution(schema), low);
    }

    #[test]
    fn compaction_keeps_populated_buckets(h in exponential(), max_empty in 0_u32..4) {
        let populated = |h: &FloatHistogram| h.all_buckets().filter(|b| b.count != 0.0).collect::<Vec<_>>();
        let mut compact = h.clone();
        compact.compact(max_empty);
        prop_assert_eq!(populated(&compact), populated(&h));
        prop_assert_eq!(compact.validate(), Ok(()));
        let mut again = compact.clone();
        again.compact(max_empty);
        prop_assert_eq!(again, compact);
    }

    #[test]
    fn buckets_ascend_and_turn_around(h in prop_oneof![exponential(), custom()]) {
        let up: Vec<Bucket> = h.all_buckets().collect();
        prop_assert!(up.windows(2).all(|pair| pair[0].upper <= pair[1].lower));
        let mut down: Vec<Bucket> = h.all_buckets().rev().collect();
        down.reverse();
        prop_assert_eq!(up, down);
    }

    #[test]
    fn counting_on_is_no_reset((a, b) in pair()) {
        let same_bounds = a.custom_values == b.custom_values;
        let sum = added(&a, &b);
        // A sum of histograms with other bounds has fewer of them, so buckets may shrink; apart from that, counts only grow.
        if same_bounds && sum.schema <= a.schema {
            prop_assert!(!sum.detect_reset(&a));
        }
        if a.count > 0.0 && b.count > 0.0 {
            prop_assert!(a.detect_reset(&sum));
        }
    }

    #[test]
    fn quantiles_ascend_and_fractions_invert_them(h in prop_oneof![exponential(), custom()], q in 0.05_f64..0.95) {
        prop_assume!(h.count > 0.0);
        let (low, high) = (h.quantile(q), h.quantile((q + 0.05).min(1.0)));
        prop_assert!(low.value <= high.value, "{} {}", low.value, high.value);
        let fraction = h.fraction(f64::NEG_INFINITY, low.value).value;
        // With custom bounds the outer buckets have no width that could be cut.
        if !h.uses_custom_buckets() {
            prop_assert!(fraction <= q + 1e-9, "{} {}", fraction, q);
        }
        prop_assert!((0.0..=1.0).contains(&fraction));
    }

    #[test]
    fn fractions_add_up(h in exponential(), at in -40.0_f64..40.0) {
        prop_assume!(h.count > 0.0);
        let below = h.fraction(f64::NEG_INFINITY, at).value;
        let above = h.fraction(at, f64::INFINITY).value;
        prop_assert!((below + above - 1.0).abs() < 1e-9);
    }

    #[test]
    fn trimming_splits(h in exponential(), at in -40.0_f64..40.0) {
        let (mut below, mut above) = (h.clone(), h.clone());
        below.trim(at, TrimSide::KeepBelow);
        above.trim(at, TrimSide::KeepAbove);
        prop_assert!((below.count + above.count - h.count).abs() < 1e-9 * h.count.max(1.0));
        prop_assert_eq!(below.validate(), Ok(()));
        let mut all = h.clone();
        all.trim(f64::INFINITY, TrimSide::KeepBelow);
        prop_assert_eq!(compacted(all), compacted(h));
    }

    #[test]
    fn integers_lose_resolution_like_floats(h in exponential(), schema in -4_i32..=8) {
        let deltas = |counts: &[f64]| {
            let mut before = 0;
            counts.iter().map(|c| *c as i64 - std::mem::replace(&mut before, *c as i64)).collect::<Vec<_>>()
        };
        let mut int = Histogram {
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            zero_count: h.zero_count as u64,
            count: h.count as u64,
            sum: h.sum,
            positive_spans: h.positive_spans.clone(),
            positive_deltas: deltas(&h.positive_buckets),
            negative_spans: h.negative_spans.clone(),
            negative_deltas: deltas(&h.negative_buckets),
            ..Histogram::default()
        };
        prop_assert_eq!(int.validate(), Ok(()));
        prop_assert!(int.to_float().same_data(&h));
        int.reduce_resolution(schema);
        prop_assert_eq!(int.to_float(), h.at_resolution(schema));
    }
}

fn exp(schema: i32, offset: i32, positive: &[f64]) -> FloatHistogram {
    let mut h = FloatHistogram {
        schema,
        positive_spans: vec![Span { offset, length: positive.len() as u32 }],
        positive_buckets: positive.to_vec(),
        ..FloatHistogram::default()
    };
    h.count = total(&h);
    h
}

fn nhcb(bounds: &[f64], counts: &[f64]) -> FloatHistogram {
    FloatHistogram { custom_values: Some(bounds.into()), ..exp(CUSTOM_BUCKETS_SCHEMA, 0, counts) }
}

#[test]
fn kinds_do_not_mix() {
    let mut a = exp(0, 0, &[1.0]);
    assert_eq!(a.add(&nhcb(&[1.0], &[1.0, 2.0])), Err(HistogramError::IncompatibleSchema));
    assert_eq!(a, exp(0, 0, &[1.0]));
    assert_eq!(
        HistogramSum::new(a).add(&nhcb(&[1.0], &[1.0, 2.0])).map(|_| ()),
        Err(HistogramError::IncompatibleSchema)
    );
}

#[test]
fn custom_bounds_meet_at_those_in_common() {
    let mut a = nhcb(&[1.0, 2.0, 5.0], &[1.0, 2.0, 4.0, 8.0]);
    let outcome = a.add(&nhcb(&[2.0, 3.0, 5.0], &[16.0, 32.0, 64.0, 128.0])).expect("same kind");
    assert!(outcome.bounds_reconciled);
    assert_eq!(a.custom_bounds(), [2.0, 5.0]);
    assert_eq!(a.positive_buckets, [19.0, 100.0, 136.0]);
    let mut nothing_in_common = nhcb(&[1.0], &[1.0, 2.0]);
    nothing_in_common.add(&nhcb(&[2.0], &[4.0, 8.0])).expect("same kind");
    assert_eq!(nothing_in_common.custom_values, None);
    assert_eq!(nothing_in_common.positive_buckets, [15.0]);
}

#[test]
fn hints_combine() {
    use CounterResetHint::{Gauge, NotReset, Reset, Unknown};
    let check = |a, b, want, collision| {
        for (a, b) in [(a, b), (b, a)] {
            let mut h = FloatHistogram { counter_reset_hint: a, ..FloatHistogram::default() };
            let other = FloatHistogram { counter_reset_hint: b, ..FloatHistogram::default() };
            let outcome = h.add(&other).expect("same kind");
            assert_eq!(
                (h.counter_reset_hint, outcome.counter_reset_collision),
                (want, collision),
                "{a:?} {b:?}"
            );
        }
    };
    check(Reset, Reset, Reset, false);
    check(Reset, NotReset, Unknown, true);
    check(Reset, Unknown, Unknown, false);
    check(Gauge, Reset, Gauge, false);
    check(Gauge, Unknown, Gauge, false);
}

#[test]
fn resets() {
    let check = |now: &FloatHistogram, before: &FloatHistogram, want| {
        assert_eq!(now.detect_reset(before), want, "{now} after {before}");
    };
    let h = exp(1, 0, &[1.0, 2.0, 3.0]);
    check(&h, &h, false);
    check(&exp(1, 0, &[1.0, 2.0, 4.0]), &h, false);
    check(&exp(1, 0, &[1.0, 1.0, 9.0]), &h, true);
    check(&exp(1, 1, &[9.0, 9.0]), &h, true);
    check(&exp(0, 0, &[1.0, 9.0]), &h, false);
    check(&exp(2, -1, &[9.0; 9]), &h, true);
    check(&FloatHistogram { counter_reset_hint: CounterResetHint::Reset, ..h.clone() }, &h, true);
    let smaller = FloatHistogram { counter_reset_hint: CounterResetHint::NotReset, ..exp(1, 0, &[1.0]) };
    check(&smaller, &h, false);
    let wide = |zero_threshold, zero_count| FloatHistogram {
        zero_threshold,
        zero_count,
        count: 9.0,
        ..exp(0, 1, &[9.0, 9.0])
    };
    check(&wide(1.0, 4.0), &wide(0.5, 4.0), false);
    check(&wide(0.5, 4.0), &wide(1.0, 4.0), true);
    check(&wide(1.0, 3.0), &wide(1.0, 4.0), true);
    // The zero bucket now cuts the populated bucket (1,2].
    check(&wide(1.5, 99.0), &wide(1.0, 4.0), true);
    check(&nhcb(&[1.0, 3.0], &[5.0, 5.0, 5.0]), &nhcb(&[1.0, 2.0], &[5.0, 4.0, 1.0]), false);
    check(&nhcb(&[1.0, 3.0], &[4.0, 9.0, 9.0]), &nhcb(&[1.0, 2.0], &[5.0, 4.0, 1.0]), true);
    check(&nhcb(&[1.0], &[99.0]), &exp(0, 0, &[1.0]), true);
}

#[test]
fn compensation_saves_small_counts() {
    let mut sum = HistogramSum::new(exp(0, 0, &[1.0, 0.0]));
    for v in [1e100, 1.0, -1e100] {
        sum.add(&exp(0, 0, &[v, 0.0])).expect("same kind");
    }
    assert_eq!(sum.finish().positive_buckets, [2.0, 0.0]);
}

#[test]
fn nan_observations_are_told() {
    let h = FloatHistogram { count: 5.0, sum: f64::NAN, ..exp(0, 0, &[1.0, 2.0, 1.0]) };
    assert_eq!(h.quantile(0.5).nan_observations, NanObservations::Skewed);
    assert_eq!(h.quantile(0.99).nan_observations, NanObservations::Hit);
    assert!(h.quantile(0.99).value.is_nan());
    assert_eq!(h.fraction(0.0, 100.0), Estimate { value: 0.8, nan_observations: NanObservations::Skewed });
    let infinite = FloatHistogram { sum: f64::NAN, ..exp(0, 0, &[1.0, 2.0, 1.0]) };
    assert_eq!(infinite.quantile(0.5).nan_observations, NanObservations::None);
}

#[test]
fn displays_populated_buckets() {
    let mut h = exp(0, 0, &[1.0, 0.0, 2.5]);
    h.zero_count = 3.0;
    h.zero_threshold = 0.001;
    h.negative_spans = vec![Span { offset: 1, length: 1 }];
    h.negative_buckets = vec![4.0];
    assert_eq!(h.to_string(), "{count:3.5, sum:0, [-2,-1):4, [-0.001,0.001]:3, (0.5,1]:1, (2,4]:2.5}");
    assert_eq!(nhcb(&[1.0], &[1.0, 2.0]).to_string(), "{count:3, sum:0, [-Inf,1]:1, (1,+Inf]:2}");
}

#[test]
fn writes_test_expressions() {
    let mut h = exp(1, -2, &[1.0, 0.0, 2.5, 0.0]);
    h.zero_count = 3.0;
    h.zero_threshold = 0.001;
    h.negative_spans = vec![Span { offset: 1, length: 1 }, Span { offset: 1, length: 1 }];
    h.negative_buckets = vec![4.0, 5.0];
    h.counter_reset_hint = CounterResetHint::Gauge;
    assert_eq!(
        h.test_expression(),
        "{{schema:1 count:3.5 z_bucket:3 z_bucket_w:0.001 counter_reset_hint:gauge offset:-2 buckets:[1 0 2.5] n_offset:1 n_buckets:[4 0 5]}}"
    );
    assert_eq!(FloatHistogram::default().test_expression(), "{{}}");
    assert_eq!(
        nhcb(&[1.0, 2.5], &[1.0, 2.0]).test_expression(),
        "{{schema:-53 count:3 custom_values:[1 2.5] buckets:[1 2]}}"
    );
    let far = FloatHistogram {
        positive_spans: vec![
            Span { offset: -1_000_000_000, length: 1 },
            Span { offset: 2_000_000_000, length: 1 },
        ],
        positive_buckets: vec![1.0, 1.0],
        ..FloatHistogram::default()
    };
    assert!(far.test_expression().starts_with("{count:0"));
}

#[test]
fn invalid_histograms_are_refused() {
    let check = |h: FloatHistogram, want: &str| {
        assert_eq!(h.validate().map_err(|e| e.to_string()), Err(want.to_owned()));
    };
    check(
        FloatHistogram { schema: 9, ..FloatHistogram::default() },
        "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema 9",
    );
    check(
        FloatHistogram { positive_buckets: vec![1.0], ..exp(0, 0, &[1.0, 1.0]) },
        "positive side: spans need 2 buckets, have 1 buckets: histogram spans specify different number of buckets than provided",
    );
    check(
        exp(0, 0, &[1.0, -1.0]),
        "positive side: bucket number 2 has observation count of -1: histogram has a bucket whose observation count is negative",
    );
    check(
        nhcb(&[1.0], &[1.0, 2.0, 3.0]),
        "custom buckets: only 1 custom bounds defined which is insufficient to cover total span length of 3: histogram custom bounds are too few",
    );
    check(
        nhcb(&[2.0, 1.0], &[1.0]),
        "custom buckets: previous bound is 2.000000 and current is 1.000000: histogram custom bounds must be in strictly increasing order",
    );
    check(
        nhcb(&[1.0, f64::INFINITY], &[1.0]),
        "custom buckets: last +Inf bound must not be explicitly defined: histogram custom bounds must be finite",
    );
    check(
        FloatHistogram { custom_values: Some([1.0].into()), ..exp(0, 0, &[]) },
        "histogram with exponential schema must not have custom bounds",
    );
    let far = FloatHistogram {
        positive_spans: vec![Span { offset: i32::MAX, length: 2 }],
        positive_buckets: vec![0.0, 0.0],
        ..FloatHistogram::default()
    };
    assert!(matches!(far.validate(), Err(HistogramError::SpansTooFar { .. })));
    let int = Histogram {
        count: 3,
        positive_spans: vec![Span { offset: 0, length: 2 }],
        positive_deltas: vec![2, 0],
        ..Histogram::default()
    };
    assert_eq!(int.validate(), Err(HistogramError::CountMismatch { buckets: 4, count: 3 }));
    let nan = Histogram { sum: f64::NAN, ..int };
    assert_eq!(nan.validate(), Err(HistogramError::CountNotBigEnough { buckets: 4, count: 3 }));
    assert_eq!(Histogram { count: 5, ..nan }.validate(), Ok(()));
}
