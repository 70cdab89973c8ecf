use std::fmt::Write as _;
use std::time::Duration;

use bellwether_sdk::{
    Counter, Gauge, Histogram, LabelValue, Labels, MetricSet, NativeHistogram, Offer, Opts, OutputFormat,
    RegisterError, Registry, Summary,
};

#[derive(Clone, Copy, LabelValue)]
enum Status {
    Success,
    #[label(name = "failed!")]
    Failure,
}

#[derive(Labels)]
struct Run<'a> {
    status: Status,
    #[label(name = "workflow")]
    workflow_name: &'a str,
    retried: bool,
}

#[derive(Labels)]
struct Outcome {
    status: Status,
    retried: bool,
}

#[derive(Debug, MetricSet)]
#[metrics(prefix = "dag")]
struct Dag {
    /// Runs that
    /// finished.
    #[metric(unit = "executions")]
    workflow: Counter<Run<'static>>,
    /// Outcomes.
    outcomes: Gauge<Outcome>,
    /// How long it took.
    #[metric(unit = "seconds", buckets = &[0.5, 2.0])]
    duration: Histogram,
    /// Seconds that were lost.
    #[metric(unit = "seconds")]
    lost: Counter,
}

fn filled() -> Registry {
    let registry = Registry::new();
    let dag = Dag::register(&registry).expect("the names are right");
    let run = |status, workflow_name, retried| Run { status, workflow_name, retried };
    dag.workflow.with(run(Status::Success, "a\"b\\c\nd", true)).inc();
    dag.workflow.with(run(Status::Failure, "", false)).inc_by(4);
    dag.workflow.with(run(Status::Success, "a\"b\\c\nd", true)).inc();
    dag.outcomes.with(Outcome { status: Status::Failure, retried: true }).set(-2.5);
    dag.outcomes.with(Outcome { status: Status::Success, retried: true }).inc();
    for value in [0.25, 0.5, 1.0, 3.0, f64::NAN] {
        dag.duration.observe(value);
    }
    dag.duration.with(()).observe_many(2.0, 3);
    dag.lost.add(1.5);
    dag.lost.inc();
    dag.lost.add(-7.0);
    dag.lost.add(f64::NAN);
    registry
}

#[test]
fn text() {
    assert_eq!(
        filled().text(),
        r#"# HELP dag_duration_seconds How long it took.
# TYPE dag_duration_seconds histogram
dag_duration_seconds_bucket{le="0.5"} 2
dag_duration_seconds_bucket{le="2"} 6
dag_duration_seconds_bucket{le="+Inf"} 8
dag_duration_seconds_sum NaN
dag_duration_seconds_count 8
# HELP dag_lost_seconds_total Seconds that were lost.
# TYPE dag_lost_seconds_total counter
dag_lost_seconds_total 2.5
# HELP dag_outcomes Outcomes.
# TYPE dag_outcomes gauge
dag_outcomes{status="failed!",retried="true"} -2.5
dag_outcomes{status="success",retried="true"} 1
# HELP dag_workflow_executions_total Runs that finished.
# TYPE dag_workflow_executions_total counter
dag_workflow_executions_total{status="success",workflow="a\"b\\c\nd",retried="true"} 2
dag_workflow_executions_total{status="failed!",workflow="",retried="false"} 4
"#
    );
}

#[test]
fn openmetrics() {
    let format =
        OutputFormat::negotiate("application/openmetrics-text; version=1.0.0", Offer::TextAndOpenMetrics);
    let mut out = String::new();
    filled().encode(&mut out, format);
    bellwether_exposition::validate_openmetrics(out.replace("NaN", "1.0").as_bytes()).expect("it is valid");
    assert!(out.contains("# UNIT dag_duration_seconds seconds\n") && out.ends_with("# EOF\n"));
    assert!(out.contains("dag_duration_seconds_bucket{le=\"2.0\"} 6\n"));
}

/// Lines are put together in blocks; this is the same without any.
#[test]
fn many_lines_with_values_of_all_lengths() {
    let registry = Registry::new();
    let opts = Opts::new("runs_with_a_name_longer_than_a_block", "R.").max_series(10_000);
    let runs = registry.counter::<Run<'static>>(opts).expect("is right");
    let mut expected = String::from(
        "# HELP runs_with_a_name_longer_than_a_block_total R.\n# TYPE runs_with_a_name_longer_than_a_block_total counter\n",
    );
    for i in 0..2_000_usize {
        let special = ["", "\"", "\\", "\n", "é", "\u{10348}"][i % 6];
        let value = format!("{}{special}{}{i}", "x".repeat(i % 110), "y".repeat(i % 9));
        let (status, status_name) =
            if i % 2 == 0 { (Status::Success, "success") } else { (Status::Failure, "failed!") };
        let run = runs.with(Run { status, workflow_name: &value, retried: i % 3 == 0 });
        run.inc_by(i as u64);
        let half = if i % 7 == 0 { ".5" } else { "" };
        if i % 7 == 0 {
            run.add(0.5);
        }
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        writeln!(
            expected,
            "runs_with_a_name_longer_than_a_block_total{{status=\"{status_name}\",workflow=\"{value}\",retried=\"{}\"}} {i}{half}",
            i % 3 == 0
        )
        .expect("a string takes everything");
    }
    assert!(registry.text() == expected, "the lines differ");
}

#[test]
fn a_family_is_registered_once() {
    let registry = filled();
    let dag = Dag::register(&registry).expect("it is the same");
    dag.lost.inc();
    assert!(registry.text().contains("dag_lost_seconds_total 3.5\n"));
    let opts = Opts::new("dag_lost_seconds", "Seconds that were lost.").unit("seconds");
    let differs = |what| Some(RegisterError::Differs { family: "dag_lost_seconds", what });
    assert_eq!(registry.gauge::<()>(opts).err(), differs("another type"));
    assert_eq!(registry.counter::<Outcome>(opts).err(), differs("other labels"));
    assert_eq!(registry.counter::<()>(opts.max_series(7)).err(), differs("another limit of series"));
    assert!(registry.counter::<()>(opts).is_ok());
    let taken = registry.counter::<()>(Opts::new("dag_duration_seconds_bucket", "")).err();
    assert!(matches!(taken, Some(RegisterError::Suffix { .. })), "{taken:?}");
}

#[test]
fn mistakes_are_found_at_the_start() {
    #[derive(Labels)]
    struct Le<'a> {
        le: &'a str,
    }
    #[derive(Labels)]
    struct Twice<'a> {
        a: &'a str,
        #[label(name = "a")]
        b: &'a str,
    }
    let registry = Registry::new();
    let message = |e: Option<RegisterError>| e.expect("it is a mistake").to_string();
    assert_eq!(
        message(registry.gauge::<()>(Opts::new("1x", "")).err()),
        "\"1x\" is no metric name: it needs letters, digits, underscores and colons, and no digit in front"
    );
    assert_eq!(
        message(registry.gauge::<()>(Opts::new("x", "").unit("seconds")).err()),
        "x: the name must end in its unit, as in x_seconds"
    );
    assert_eq!(
        message(registry.histogram::<Le<'static>>(Opts::new("x", "")).err()),
        "x: \"le\" cannot be the name of a label of this family"
    );
    assert!(registry.gauge::<Le<'static>>(Opts::new("y", "")).is_ok());
    assert_eq!(
        message(registry.gauge::<Twice<'static>>(Opts::new("x", "")).err()),
        "x: the label a is there twice"
    );
    for buckets in [&[][..], &[1.0, 1.0], &[1.0, f64::INFINITY], &[f64::NAN]] {
        let refused = registry.histogram::<()>(Opts::new("x", "").buckets(buckets)).err();
        assert_eq!(refused, Some(RegisterError::Buckets { family: "x" }));
    }
    assert_eq!(registry.text(), "", "nothing of that is there");
}

#[test]
fn a_set_takes_every_option() {
    #[derive(MetricSet)]
    struct All {
        /// F.
        #[metric(exemplars, expire_after = Duration::from_mins(1))]
        failures: Counter<Outcome>,
        /// T.
        #[metric(unit = "seconds", schema = 8, max_buckets = 200, zero_threshold = 1e-9, buckets = &[1.0])]
        time: NativeHistogram,
        /// W.
        #[metric(quantiles = &[0.25], window = Duration::from_mins(1), exemplars = false)]
        wait: Summary,
    }
    let registry = Registry::new();
    let all = All::register(&registry).expect("is right");
    all.failures.with(Outcome { status: Status::Success, retried: false }).inc();
    all.time.observe(1.0);
    all.wait.observe(0.0);
    let opts =
        Opts::new("time_seconds", "T.").unit("seconds").schema(8).max_buckets(200).zero_threshold(1e-9);
    assert!(registry.native_histogram::<()>(opts.buckets(&[1.0])).is_ok(), "it is the same");
    let opts = Opts::new("failures", "F.").exemplars().expire_after(Duration::from_mins(1));
    assert!(registry.counter::<Outcome>(opts).is_ok(), "it is the same");
    assert!(registry.text().contains("wait{quantile=\"0.25\"} 0\n"));
}

#[test]
fn guards_count_whatever_happens() {
    let registry = Registry::new();
    let in_flight = registry.gauge::<()>(Opts::new("in_flight", "Now.")).expect("is right");
    let time =
        registry.histogram::<()>(Opts::new("time_seconds", "Time.").unit("seconds")).expect("is right");
    let outcome = std::panic::catch_unwind(|| {
        let _one = in_flight.track();
        let _two = in_flight.track();
        let _timer = time.timer();
        time.timer().discard();
        assert_eq!(in_flight.with(()).get(), 2.0);
        panic!("on purpose");
    });
    assert!(outcome.is_err());
    assert_eq!(in_flight.with(()).get(), 0.0);
    assert!(registry.text().contains("time_seconds_count 1\n"));
    in_flight.with(()).set_max(3.0);
    in_flight.with(()).set_max(2.0);
    assert_eq!(in_flight.with(()).get(), 3.0);
}
