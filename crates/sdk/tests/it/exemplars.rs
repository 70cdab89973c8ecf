//! Exemplars of counters and classic histograms, in the formats that have them.

use bellwether_exposition::NativeHistograms;
use bellwether_sdk::{Offer, Opts, OutputFormat, Registry, TraceContext};

use crate::protobuf::read;

fn trace(trace_id: u128) -> TraceContext {
    TraceContext { trace_id, span_id: 0x1f }
}

/// The lines of OpenMetrics with an exemplar, without its time.
fn with_exemplar(registry: &Registry) -> Vec<String> {
    let accept = "application/openmetrics-text; version=1.0.0";
    let mut out = String::new();
    registry.encode(&mut out, OutputFormat::negotiate(accept, Offer::TextAndOpenMetrics));
    bellwether_exposition::validate_openmetrics(out.as_bytes()).expect("it is valid");
    let lines = out.lines().filter(|line| line.contains(" # {"));
    lines.map(|line| line.rsplit_once(' ').expect("a time is the last").0.to_owned()).collect()
}

#[test]
fn the_last_trace_of_each_bucket_is_kept() {
    let registry = Registry::new();
    let failures = registry.counter::<()>(Opts::new("failures", "F.").exemplars()).expect("is right");
    let opts = Opts::new("time", "T.").buckets(&[1.0, 2.0]).exemplars();
    let time = registry.histogram::<()>(opts).expect("is right");
    let plain = registry.counter::<()>(Opts::new("plain", "P.")).expect("is right");
    assert!(with_exemplar(&registry).is_empty());
    failures.with(()).inc();
    failures.with(()).inc_traced(trace(1));
    failures.with(()).inc_traced(trace(2));
    time.with(()).observe_traced(0.5, trace(3));
    time.with(()).observe_traced(0.75, trace(4));
    time.with(()).observe(0.9);
    time.with(()).observe_traced(9.0, trace(5));
    plain.with(()).inc_traced(trace(6));
    let ids = |n: u32| format!("{{trace_id=\"{n:032x}\",span_id=\"000000000000001f\"}}");
    assert_eq!(
        with_exemplar(&registry),
        [
            format!("failures_total 3 # {} 1.0", ids(2)),
            format!("time_bucket{{le=\"1.0\"}} 3 # {} 0.75", ids(4)),
            format!("time_bucket{{le=\"+Inf\"}} 4 # {} 9.0", ids(5)),
        ]
    );
    assert!(registry.text().contains("plain_total 1\n") && !registry.text().contains(" # "));
    let ids = |n: u32| format!("trace_id={n:032x},span_id=000000000000001f");
    assert_eq!(
        read(&registry, NativeHistograms::Instead).exemplars,
        [
            format!("__name__=failures_total {} 1", ids(2)),
            format!("__name__=time_bucket,le=1.0 {} 0.75", ids(4)),
            format!("__name__=time_bucket,le=+Inf {} 9", ids(5)),
        ]
    );
}

#[test]
fn a_registry_that_starts_anew_has_forgotten_its_exemplars() {
    let registry = Registry::new();
    let opts = Opts::new("time_seconds", "Time.").buckets(&[1.0]).exemplars();
    let time = registry.histogram::<()>(opts).expect("is right");
    let trace = TraceContext { trace_id: 0xab, span_id: 0xcd };
    let handle = time.with(());
    handle.observe_traced_at(0.5, trace, std::time::Duration::from_millis(1_700_000_000_250));
    let format =
        OutputFormat::negotiate("application/openmetrics-text; version=1.0.0", Offer::TextAndOpenMetrics);
    let mut text = String::new();
    registry.encode(&mut text, format);
    let exemplar =
        "# {trace_id=\"000000000000000000000000000000ab\",span_id=\"00000000000000cd\"} 0.5 1700000000.250\n";
    assert!(text.contains(exemplar), "the event was then: {text}");
    registry.remove_all_series();
    assert!(!registry.text().contains("time_seconds_count"));
    time.with(());
    handle.observe(0.25);
    let mut text = String::new();
    registry.encode(&mut text, format);
    assert!(text.contains("time_seconds_count 1\n") && !text.contains("trace_id"), "{text}");
}
