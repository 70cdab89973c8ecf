//! Native histograms, beside a list of the values.

use bellwether_exposition::NativeHistograms;
use bellwether_model::histogram::FloatHistogram;
use bellwether_sdk::{Labels, NativeHistogram, Opts, RegisterError, Registry, TraceContext};
use proptest::prelude::*;

use crate::protobuf::read;

fn native(registry: &Registry, opts: Opts) -> NativeHistogram {
    registry.native_histogram::<()>(opts).expect("is right")
}

fn only_histogram(registry: &Registry) -> FloatHistogram {
    let mut read = read(registry, NativeHistograms::Instead);
    assert_eq!(read.histograms.len(), 1);
    read.histograms.remove(0).1
}

/// How many of the values are in each of the buckets, and that no value is in none.
fn check(histogram: &FloatHistogram, values: &[f64]) -> Result<(), TestCaseError> {
    let mut n_seen = 0;
    for bucket in histogram.all_buckets() {
        let is_in = |value: f64| {
            (bucket.lower < value || (bucket.lower_inclusive && bucket.lower == value))
                && (value < bucket.upper || (bucket.upper_inclusive && bucket.upper == value))
        };
        let n = values.iter().filter(|value| is_in(**value)).count();
        prop_assert_eq!(bucket.count, n as f64, "{}", bucket);
        n_seen += n;
    }
    let n_nan = values.iter().filter(|value| value.is_nan()).count();
    prop_assert_eq!(n_seen + n_nan, values.len());
    prop_assert_eq!(histogram.count, values.len() as f64);
    let sum: f64 = values.iter().sum();
    prop_assert!(histogram.sum == sum || (histogram.sum.is_nan() && sum.is_nan()));
    Ok(())
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        8 => 0.0001_f64..100.0,
        2 => -5.0_f64..5.0,
        1 => any::<f64>(),
        1 => prop_oneof![Just(0.0), Just(1.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::NAN)],
    ];
    prop::collection::vec(value, 0..150)
}

proptest! {
    #[test]
    fn each_value_is_in_its_bucket(values in values(), schema in -4_i32..=8, max_buckets in 160_usize..300) {
        let registry = Registry::new();
        let histogram = native(&registry, Opts::new("h", "H.").schema(schema).max_buckets(max_buckets));
        for value in &values {
            histogram.observe(*value);
        }
        let exposed = only_histogram(&registry);
        check(&exposed, &values)?;
        prop_assert!(exposed.schema <= schema);
        let filled = exposed.positive_buckets.iter().chain(&exposed.negative_buckets).filter(|n| **n > 0.0);
        // Those of the infinite values are beside the others.
        prop_assert!(filled.count() <= max_buckets + 2);
    }
}

#[test]
fn resolution_is_halved_instead_of_growing() {
    let registry = Registry::new();
    let histogram = native(&registry, Opts::new("h", "H.").schema(8));
    histogram.observe(1.0);
    histogram.observe(1.4);
    assert_eq!(only_histogram(&registry).schema, 8);
    histogram.observe(2.1);
    assert_eq!(only_histogram(&registry).schema, 7, "more than an octave is more than 160 buckets of 256");
    histogram.observe(1e6);
    assert_eq!(
        only_histogram(&registry).schema,
        2,
        "20 octaves are 160 buckets in schema 3, but not from within one"
    );
}

#[test]
fn threads_lose_nothing_while_the_resolution_changes() {
    const N: i32 = 4_000;
    let registry = Registry::new();
    let histogram = native(&registry, Opts::new("h", "H.").schema(8).buckets(&[1.0]));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for i in 0..N {
                    // Each thread goes another way up and down, over more and more octaves.
                    let exponent = i * (thread + 1) / 400;
                    histogram.observe(2_f64.powi(if i % 2 == 0 { exponent } else { -exponent }));
                }
            });
        }
    });
    let exposed = only_histogram(&registry);
    let in_buckets: f64 = exposed.positive_buckets.iter().sum();
    assert_eq!((exposed.count, in_buckets), (f64::from(4 * N), f64::from(4 * N)));
    let total = format!("h_bucket{{le=\"+Inf\"}} {0}\n", 4 * N);
    assert!(registry.text().contains(&total), "{}", registry.text());
}

#[test]
fn text_has_the_classic_form() {
    let registry = Registry::new();
    let with = native(&registry, Opts::new("with", "With.").buckets(&[0.5, 2.0]));
    let without = native(&registry, Opts::new("without", "Without."));
    for value in [0.5, 1.0, 3.0, f64::NAN] {
        with.observe(value);
        without.observe(value);
    }
    without.timer().discard();
    assert_eq!(
        registry.text(),
        r#"# HELP with With.
# TYPE with histogram
with_bucket{le="0.5"} 1
with_bucket{le="2"} 2
with_bucket{le="+Inf"} 4
with_sum NaN
with_count 4
# HELP without Without.
# TYPE without histogram
without_bucket{le="+Inf"} 4
without_sum NaN
without_count 4
"#
    );
    let classic = read(&registry, NativeHistograms::Ignore).lines;
    assert!(classic.contains(&"__name__=with_bucket,le=2.0 2.0".to_owned()), "{classic:?}");
}

#[test]
fn without_values_it_is_native_all_the_same() {
    let registry = Registry::new();
    native(&registry, Opts::new("h", "H."));
    assert_eq!(only_histogram(&registry).count, 0.0);
}

#[test]
fn removed_and_made_again() {
    #[derive(Labels)]
    struct Any<'a> {
        any: &'a str,
    }
    let registry = Registry::new();
    let family = registry.native_histogram::<Any<'static>>(Opts::new("h", "H.")).expect("is right");
    let handle = family.with(Any { any: "x" });
    handle.observe(1000.0);
    assert!(family.remove(Any { any: "x" }));
    handle.observe(3.0);
    assert_eq!(registry.text(), "");
    family.with(Any { any: "x" }).observe(0.001);
    handle.observe(0.002);
    let exposed = only_histogram(&registry);
    assert_eq!((exposed.count, exposed.sum, exposed.positive_buckets.iter().sum::<f64>()), (2.0, 0.003, 2.0));
}

#[test]
fn what_was_counted_apart_adds_up() {
    #[derive(Labels)]
    struct Any<'a> {
        any: &'a str,
    }
    let registry = Registry::new();
    let opts = Opts::new("h", "H.").schema(8).buckets(&[1.0, 10.0]).exemplars();
    let family = registry.native_histogram::<Any<'static>>(opts).expect("is right");
    let (a, b) = (family.with(Any { any: "a" }), family.with(Any { any: "b" }));
    a.observe(1.0);
    b.observe_traced(100.0, TraceContext { trace_id: 7, span_id: 7 });
    b.observe(f64::NAN);
    b.observe(0.0);
    b.observe(-2.0);
    assert!(a.absorb(b) && family.remove(Any { any: "b" }));
    let read = read(&registry, NativeHistograms::Instead);
    let exposed = &read.histograms[0].1;
    assert_eq!((exposed.count, exposed.zero_count), (5.0, 1.0));
    assert_eq!(
        exposed.positive_buckets().filter(|b| b.count > 0.0).map(|b| b.upper).collect::<Vec<_>>().len(),
        2
    );
    assert_eq!(exposed.negative_buckets().map(|b| b.count).sum::<f64>(), 1.0);
    assert_eq!(read.exemplars.len(), 1);
    assert!(registry.text().contains("h_bucket{any=\"a\",le=\"1\"} 3\nh_bucket{any=\"a\",le=\"10\"} 3\n"));
    let other = native(&registry, Opts::new("other", "O.")).with(());
    assert!(!other.absorb(a), "of another family");
}

#[test]
fn exemplars_lead_to_traces() {
    let registry = Registry::new();
    let histogram = native(&registry, Opts::new("h", "H.").exemplars().buckets(&[1.0, 2.0]));
    let handle = histogram.with(());
    handle.observe_traced(1.5, TraceContext { trace_id: 0xab, span_id: 1 });
    handle.observe_traced(1000.0, TraceContext { trace_id: 0xcd, span_id: 2 });
    let id = |hex: &str| format!("{hex:0>32}");
    let mut exemplars = read(&registry, NativeHistograms::Instead).exemplars;
    exemplars.sort();
    assert_eq!(exemplars, [format!("__name__=h {} 1.5", id("ab")), format!("__name__=h {} 1000", id("cd"))]);
    let classic = read(&registry, NativeHistograms::Ignore).exemplars;
    let span = "span_id=0000000000000001";
    assert_eq!(classic, [format!("__name__=h_bucket,le=2.0 trace_id={},{span} 1.5", id("ab"))]);
}

#[test]
fn mistakes_are_found_at_the_start() {
    let registry = Registry::new();
    let opts = Opts::new("h", "H.");
    for wrong in [
        opts.schema(9),
        opts.schema(-5),
        opts.max_buckets(159),
        opts.max_buckets(5000),
        opts.zero_threshold(0.0),
    ] {
        let refused = registry.native_histogram::<()>(wrong).err();
        assert_eq!(refused, Some(RegisterError::Resolution { family: "h" }));
    }
    let refused = registry.native_histogram::<()>(opts.buckets(&[2.0, 1.0])).err();
    assert_eq!(refused, Some(RegisterError::Buckets { family: "h" }));
    native(&registry, opts);
    let other = registry.native_histogram::<()>(opts.schema(2)).err();
    assert_eq!(other, Some(RegisterError::Differs { family: "h", what: "other buckets" }));
}
