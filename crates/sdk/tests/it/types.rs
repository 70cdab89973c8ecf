//! The types beside counters, gauges and histograms.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bellwether_sdk::{LabelValue, Labels, Offer, Opts, OutputFormat, RegisterError, Registry};

#[derive(Clone, Copy, LabelValue)]
enum Breaker {
    Closed,
    Open,
    HalfOpen,
}

#[derive(Labels)]
struct Build<'a> {
    version: &'a str,
}

#[derive(Labels)]
struct Upstream<'a> {
    upstream: &'a str,
}

fn openmetrics(registry: &Registry) -> String {
    let accept = "application/openmetrics-text; version=1.0.0";
    let mut out = String::new();
    registry.encode(&mut out, OutputFormat::negotiate(accept, Offer::TextAndOpenMetrics));
    bellwether_exposition::validate_openmetrics(out.as_bytes()).expect("it is valid");
    out
}

#[test]
fn a_state_set_has_a_series_for_each_state() {
    let registry = Registry::new();
    let breaker = registry
        .state_set::<Breaker, Upstream<'static>>(Opts::new("breaker", "State of the breaker."))
        .expect("is right");
    breaker.with(Upstream { upstream: "a" });
    breaker.with(Upstream { upstream: "b" }).set(Breaker::Open);
    breaker.with(Upstream { upstream: "b" }).set(Breaker::HalfOpen);
    assert_eq!(
        openmetrics(&registry),
        r#"# HELP breaker State of the breaker.
# TYPE breaker stateset
breaker{upstream="a",breaker="closed"} 0
breaker{upstream="a",breaker="open"} 0
breaker{upstream="a",breaker="half_open"} 0
breaker{upstream="b",breaker="closed"} 0
breaker{upstream="b",breaker="open"} 0
breaker{upstream="b",breaker="half_open"} 1
# EOF
"#
    );
    let plain = registry.state_set::<Breaker, ()>(Opts::new("plain", "P.")).expect("is right");
    plain.set(Breaker::Closed);
    assert!(registry.text().contains("# TYPE plain gauge\nplain{plain=\"closed\"} 1\n"));
    let clash = registry.state_set::<Breaker, Upstream<'static>>(Opts::new("upstream", "U.")).err();
    assert_eq!(clash, Some(RegisterError::Label { family: "upstream", label: "upstream" }));
    let other = registry.state_set::<bool, ()>(Opts::new("plain", "P.")).err();
    assert_eq!(other, Some(RegisterError::Differs { family: "plain", what: "other states" }));
}

#[test]
fn an_info_says_what_holds_now() {
    let registry = Registry::new();
    let build = registry.info::<Build<'static>>(Opts::new("build_info", "The build.")).expect("is right");
    assert_eq!(registry.text(), "", "nothing was said yet");
    for version in ["1", "2", "3", "2"] {
        build.set(Build { version });
    }
    assert_eq!(
        openmetrics(&registry),
        "# HELP build The build.\n# TYPE build info\nbuild_info{version=\"2\"} 1\n# EOF\n"
    );
}

#[test]
fn a_total_that_is_kept_elsewhere_may_begin_again() {
    let registry = Registry::new();
    let opts = Opts::new("net_bytes", "Bytes.").unit("bytes");
    let bytes = registry.observed_counter::<()>(opts).expect("is right");
    for total in [100.0, 150.0, 150.0, f64::NAN, -1.0, f64::INFINITY, 20.0, 25.0] {
        bytes.observe(total);
    }
    assert!(registry.text().contains("net_bytes_total 175\n"), "{}", registry.text());
    let plain = registry.counter::<()>(opts).err();
    assert_eq!(plain, Some(RegisterError::Differs { family: "net_bytes", what: "another way of counting" }));
}

#[test]
fn a_collector_refreshes_off_the_scrape_and_survives_everything() {
    let registry = Registry::new();
    let size = registry.gauge::<()>(Opts::new("pool_size", "Size.")).expect("is right");
    let (attempted, attempts) = mpsc::sync_channel(0);
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let n = Arc::new(AtomicU32::new(0));
    let refresh = move || match n.fetch_add(1, Ordering::Relaxed) {
        0 => {
            size.set(7.0);
            attempted.send(()).map_err(|_| ())
        }
        1 => panic!("on purpose"),
        2 => Err(()),
        _ => {
            attempted.send(()).map_err(|_| ())?;
            // Hangs until the test is done with it.
            let _ = may_go_on.recv();
            Ok(())
        }
    };
    let collector = registry.collector("pool", Duration::from_millis(1), refresh).expect("there are threads");
    attempts.recv().expect("it is called at once");
    attempts.recv().expect("a panic and an error are not its end");
    let text = registry.text();
    assert!(text.contains("pool_size 7\n"), "{text}");
    assert!(text.contains("bellwether_collector_failures_total{collector=\"pool\"} 2\n"), "{text}");
    assert!(text.contains("bellwether_collector_age_seconds{collector=\"pool\"} "), "{text}");
    openmetrics(&registry);
    drop(collector);
    assert!(!registry.text().contains("bellwether_collector"), "it is gone");
    drop(go_on);
}
