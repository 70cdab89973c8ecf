//! Families that are there before anything is counted in them.

use bellwether_sdk::{
    Counter, Gauge, Histogram, Info, LabelValue, Labels, MetricSet, Opts, RegisterError, Registry, Summary,
};

#[derive(Clone, Copy, LabelValue)]
enum Outcome {
    Approved,
    Rejected,
}

#[derive(Labels)]
struct Approval {
    outcome: Outcome,
    urgent: bool,
}

#[derive(MetricSet)]
struct Metrics {
    /// Approvals.
    #[metric(init)]
    approvals: Counter<Approval>,
    /// Requests.
    requests: Counter<Approval>,
    /// Timeouts.
    timeouts: Counter,
}

#[test]
fn all_combinations_are_zero_from_the_beginning() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).expect("the names are right");
    let zeros = r#"# HELP approvals_total Approvals.
# TYPE approvals_total counter
approvals_total{outcome="approved",urgent="false"} 0
approvals_total{outcome="rejected",urgent="false"} 0
approvals_total{outcome="approved",urgent="true"} 0
approvals_total{outcome="rejected",urgent="true"} 0
# HELP timeouts_total Timeouts.
# TYPE timeouts_total counter
timeouts_total 0
"#;
    assert_eq!(registry.text(), zeros);
    metrics.approvals.with(Approval { outcome: Outcome::Rejected, urgent: true }).inc();
    assert_eq!(metrics.timeouts.with(()).get(), 0.0);
    // Registered again it is the same, and keeps what was counted.
    let again = Metrics::register(&registry).expect("it is the same");
    again.requests.with(Approval { outcome: Outcome::Approved, urgent: false }).inc();
    let text = registry.text();
    assert!(text.contains("approvals_total{outcome=\"rejected\",urgent=\"true\"} 1\n"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("requests_total")).count(), 1, "{text}");
}

#[test]
fn only_closed_sets_can_be_there_from_the_beginning() {
    #[derive(Labels)]
    struct Any<'a> {
        any: &'a str,
    }
    let registry = Registry::new();
    let init = |name| Opts::new(name, "What it is.").init();
    let check =
        |error: Option<RegisterError>, family| assert_eq!(error, Some(RegisterError::Init { family }));
    check(registry.counter::<Any<'static>>(init("a")).err(), "a");
    check(registry.counter::<Approval>(init("b").max_series(3)).err(), "b");
    check(registry.info::<()>(init("c")).err(), "c");
    registry.counter::<Approval>(init("d").max_series(4)).expect("there are four");
}

#[test]
fn without_labels_everything_but_infos_is_there() {
    let registry = Registry::new();
    let _: Gauge = registry.gauge(Opts::new("g", "G.")).expect("is right");
    let _: Histogram = registry.histogram(Opts::new("h", "H.")).expect("is right");
    let _: Summary = registry.summary(Opts::new("s", "S.")).expect("is right");
    let _: Info<()> = registry.info(Opts::new("i", "I.")).expect("is right");
    let text = registry.text();
    for line in ["g 0", "h_count 0", "s_count 0"] {
        assert!(text.contains(&format!("\n{line}\n")), "{text}");
    }
    assert!(!text.contains("i_info"), "{text}");
}

#[test]
fn many_combinations_are_found_as_well() {
    // Each label has two values: 2^6 combinations lie side by side, 2^12 do not.
    macro_rules! check {
        ($($label:ident)*) => {{
            #[derive(Clone, Copy, Labels)]
            struct Flags { $($label: bool),* }
            let registry = Registry::new();
            let family = registry.counter::<Flags>(Opts::new("flags", "Flags.")).expect("is right");
            let none = Flags { $($label: false),* };
            let all = Flags { $($label: true),* };
            for _ in 0..2 {
                family.with(all).inc();
                family.with(none).inc_by(2);
                assert_eq!((family.with(all).get(), family.with(none).get()), (1.0, 2.0));
                assert_eq!(registry.text().lines().count(), 4);
                // What comes back begins from zero.
                assert!(family.remove(all) && !family.remove(all));
                assert_eq!(registry.text().lines().count(), 3);
                assert!(family.remove(none));
                assert_eq!(registry.text(), "");
            }
        }};
    }
    check!(a b c d e f);
    check!(a b c d e f g h i j k l);
}
