use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Appender as _, Labels, Tenant, ValidationScheme};
use bellwether_relabel::{Rules, read_specs};
use bellwether_yaml::{Dialect, Document, Errors, MapReader};
use proptest::prelude::*;

mod native;

use super::*;
use crate::test_store::TestStore;

const TEXT: &str = "text/plain; version=0.0.4";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

fn settings() -> IngestSettings {
    IngestSettings {
        labels: SampleLabels {
            target: Labels::from_pairs([("job", "j")]),
            honor_labels: false,
            relabel: Rules::default(),
            limits: LabelLimits::default(),
            validation: ValidationScheme::Utf8,
        },
        honor_timestamps: true,
        track_timestamps_staleness: false,
        sample_limit: 0,
        fallback_protocol: None,
        type_and_unit_labels: TypeAndUnitLabels::Omit,
        created: CreatedHandling::Series,
        extra_metrics: false,
        histograms: HistogramSettings::CLASSIC,
    }
}

/// One target and the store that its samples go to.
struct Scrapes {
    ingest: Ingest,
    store: TestStore,
    batch: AppendBatch,
    ts_ms: i64,
}

impl Scrapes {
    fn new(settings: IngestSettings) -> Self {
        let ingest = Ingest::new(Arc::new(settings), Arc::default());
        Self { ingest, store: TestStore::default(), batch: AppendBatch::default(), ts_ms: 0 }
    }

    /// Scrapes once; each scrape is a second after the one before.
    fn scrape(&mut self, body: &str) -> Result<Counts, String> {
        self.scrape_as(TEXT, body)
    }

    fn scrape_as(&mut self, content_type: &str, body: &str) -> Result<Counts, String> {
        self.scrape_bytes(content_type, body.as_bytes())
    }

    fn scrape_bytes(&mut self, content_type: &str, body: &[u8]) -> Result<Counts, String> {
        self.ts_ms += 1000;
        let (counts, result) = self.ingest.read(body, content_type, self.ts_ms, &mut self.batch);
        self.store(counts, result)
    }

    /// A scrape that brings no body.
    fn fail(&mut self) {
        self.ts_ms += 1000;
        self.ingest.read_nothing(&mut self.batch);
        let error = Err(ScrapeError::Deadline);
        let _ = self.store(Counts::default(), error);
    }

    fn store(&mut self, counts: Counts, result: Result<(), ScrapeError>) -> Result<Counts, String> {
        let report = Report {
            up: result.is_ok(),
            samples_scraped: counts.total,
            samples_post_relabel: counts.post_relabel,
            series_added: counts.series_added,
            ..Report::default()
        };
        self.ingest.finish(result.is_ok(), &report, self.ts_ms, &mut self.batch);
        let stored =
            self.ingest.append(&self.store, &Tenant::default(), &mut self.batch).expect("the store takes it");
        self.ingest.stored(&stored, self.ts_ms, &mut self.batch);
        if !self.batch.is_empty() {
            self.store.append(&Tenant::default(), &self.batch).expect("the store takes it");
        }
        assert_eq!(self.store.bad_hints(), 0);
        result.map(|()| counts).map_err(|e| e.to_string())
    }

    fn samples(&self, series: &str) -> Vec<String> {
        self.store.samples(series).into_iter().map(|(ts, value)| format!("{}:{value}", ts / 1000)).collect()
    }
}

fn rules(yaml: &str) -> Rules {
    let document = Document::parse("r.yml", yaml.as_bytes(), Dialect::V2).expect("valid YAML");
    let mut errors = Errors::default();
    let mut map = MapReader::new(document.root(), "r", &mut errors).expect("a map");
    let specs = read_specs(&mut map, "rules", "null");
    map.finish().expect("nothing else");
    specs.check(ValidationScheme::Utf8, &mut errors).expect("valid rules")
}

#[test]
fn series_that_the_store_forgot_are_named_again() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\nb 2\n").expect("valid");
    scrapes.scrape("a 3\nb 4\n").expect("valid");
    assert_eq!(scrapes.store.named(), 0, "the handles say it all");
    for metric in ["b", "scrape_duration_seconds"] {
        scrapes.store.forget(metric);
    }
    scrapes.scrape("a 5\nb 6\n").expect("valid");
    assert_eq!(scrapes.store.named(), 2);
    scrapes.scrape("a 7\nb 8\n").expect("valid");
    assert_eq!(scrapes.store.named(), 0);
    assert_eq!(scrapes.samples("a{job=\"j\"}"), ["1:1", "2:3", "3:5", "4:7"]);
    assert_eq!(scrapes.samples("b{job=\"j\"}"), ["1:2", "2:4", "3:6", "4:8"]);
    assert_eq!(scrapes.samples("up{job=\"j\"}"), ["1:1", "2:1", "3:1", "4:1"]);
    assert_eq!(scrapes.samples("scrape_duration_seconds{job=\"j\"}"), ["1:0", "2:0", "3:0", "4:0"]);
}

#[test]
fn the_end_of_a_target_is_told_to_a_store_that_forgot_the_report_series() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\n").expect("valid");
    scrapes.store.forget("up");
    scrapes.ingest.end(9_000, &mut scrapes.batch);
    scrapes
        .ingest
        .append(&scrapes.store, &Tenant::default(), &mut scrapes.batch)
        .expect("the store takes it");
    for series in ["a{job=\"j\"}", "up{job=\"j\"}", "scrape_duration_seconds{job=\"j\"}"] {
        assert_eq!(scrapes.samples(series).last().map(String::as_str), Some("9:stale"), "{series}");
    }
}

#[test]
fn stores_samples_and_counts_them() {
    let mut scrapes = Scrapes::new(settings());
    let counts = scrapes.scrape("a 1\nb{x=\"y\"} 2\n").expect("valid");
    assert_eq!(counts, Counts { total: 2, post_relabel: 2, series_added: 2, ..Counts::default() });
    let counts = scrapes.scrape("a 3\nb{x=\"y\"} 4\nc 5\n").expect("valid");
    assert_eq!(counts, Counts { total: 3, post_relabel: 3, series_added: 1, ..Counts::default() });
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:3"]);
    assert_eq!(scrapes.samples(r#"b{job="j", x="y"}"#), ["1:2", "2:4"]);
    assert_eq!(scrapes.samples(r#"up{job="j"}"#), ["1:1", "2:1"]);
    assert_eq!(scrapes.samples(r#"scrape_samples_scraped{job="j"}"#), ["1:2", "2:3"]);
    assert_eq!(scrapes.samples(r#"scrape_series_added{job="j"}"#), ["1:2", "2:1"]);
    // A target may be called `up` itself without getting into the report's way.
    assert_eq!(scrapes.samples(r#"scrape_timeout_seconds{job="j"}"#), [""; 0]);
}

#[test]
fn marks_what_is_gone() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\nb 2\n").expect("valid");
    scrapes.scrape("b 2\n").expect("valid");
    scrapes.scrape("a 1\nb 2\n").expect("valid");
    scrapes.scrape("").expect("an empty body is a good one");
    scrapes.scrape("").expect("an empty body is a good one");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:stale", "3:1", "4:stale"]);
    assert_eq!(scrapes.samples(r#"b{job="j"}"#), ["1:2", "2:2", "3:2", "4:stale"]);
    assert_eq!(scrapes.samples(r#"up{job="j"}"#), ["1:1", "2:1", "3:1", "4:1", "5:1"]);
}

#[test]
fn a_bad_body_stores_nothing_but_the_report() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\nb 2\n").expect("valid");
    let error = scrapes.scrape("a 3\nnew 1\nb {\n").expect_err("invalid");
    assert!(error.contains("(line 3, column"), "{error}");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:stale"]);
    assert_eq!(scrapes.samples(r#"b{job="j"}"#), ["1:2", "2:stale"]);
    assert_eq!(scrapes.samples(r#"new{job="j"}"#), [""; 0]);
    assert_eq!(scrapes.samples(r#"up{job="j"}"#), ["1:1", "2:0"]);
    assert_eq!(scrapes.samples(r#"scrape_samples_scraped{job="j"}"#), ["1:2", "2:2"]);
    scrapes.fail();
    scrapes.scrape("a 4\n").expect("valid");
    scrapes.fail();
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:stale", "4:4", "5:stale"]);
}

#[test]
fn timestamps_of_the_target() {
    let body = "timed 1 500000\nnow 2\n";
    let check = |honor, track, timed: &[&str]| {
        let mut scrapes = Scrapes::new(IngestSettings {
            honor_timestamps: honor,
            track_timestamps_staleness: track,
            ..settings()
        });
        scrapes.scrape(body).expect("valid");
        scrapes.scrape("").expect("empty");
        assert_eq!(scrapes.samples(r#"timed{job="j"}"#), timed, "{honor} {track}");
        assert_eq!(scrapes.samples(r#"now{job="j"}"#), ["1:2", "2:stale"]);
    };
    check(true, false, &["500:1"]);
    check(false, false, &["1:1", "2:stale"]);
    // The marker lies before the sample here, so the store refuses it.
    check(true, true, &["500:1"]);

    let mut scrapes = Scrapes::new(IngestSettings { track_timestamps_staleness: true, ..settings() });
    scrapes.scrape("timed 1 1000\n").expect("valid");
    scrapes.scrape("").expect("empty");
    assert_eq!(scrapes.samples(r#"timed{job="j"}"#), ["1:1", "2:stale"]);
}

#[test]
fn timestamps_far_ahead_are_left_to_the_store() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.store.refuse_after(2000);
    let body = format!("near 1 2000\nfar 1 2001\nfurther 1 {}\n", i64::MAX);
    let counts = scrapes.scrape(&body).expect("valid");
    assert_eq!((counts.total, counts.post_relabel), (3, 3));
    assert_eq!(scrapes.store.series(), [r#"near{job="j"}"#]);
}

#[test]
fn duplicates_are_dropped_and_counted() {
    let mut scrapes = Scrapes::new(settings());
    // Two ways of writing the same series count as one.
    let counts =
        scrapes.scrape("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\na{x=\"1\",y=\"2\"} 3\n").expect("valid");
    assert_eq!(counts, Counts { total: 3, post_relabel: 3, series_added: 2, duplicates: 2 });
    assert_eq!(scrapes.samples(r#"a{job="j", x="1", y="2"}"#), ["1:1"]);
    // With timestamps of their own they are different samples.
    let counts = scrapes.scrape("b 1 1000\nb 2 2000\n").expect("valid");
    assert_eq!(counts.duplicates, 0);
    assert_eq!(scrapes.samples(r#"b{job="j"}"#), ["1:1", "2:2"]);
}

#[test]
fn relabelling_drops_samples() {
    let mut settings = settings();
    settings.labels.relabel = rules("rules: [{source_labels: [__name__], regex: go_.*, action: drop}]");
    let mut scrapes = Scrapes::new(settings);
    for expected_new in [1, 0] {
        let counts = scrapes.scrape("go_a 1\nb 1\ngo_b 1\n").expect("valid");
        let want = Counts { total: 3, post_relabel: 1, series_added: expected_new, ..Counts::default() };
        assert_eq!(counts, want);
    }
    assert_eq!(scrapes.store.series(), [r#"b{job="j"}"#]);
}

#[test]
fn the_sample_limit_counts_what_is_left() {
    let mut settings = settings();
    settings.sample_limit = 2;
    settings.labels.relabel = rules("rules: [{source_labels: [__name__], regex: go_.*, action: drop}]");
    let mut scrapes = Scrapes::new(settings);
    scrapes.scrape("a 1\ngo_a 1\nb 1\n").expect("two are left");
    let error = scrapes.scrape("a 1\nb 1\ngo_b 1\nc 1\nd 1\n").expect_err("four are left");
    assert_eq!(error, "sample limit exceeded (samples after relabelling: 4, limit: 2)");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:stale"]);
    assert_eq!(scrapes.samples(r#"scrape_samples_scraped{job="j"}"#), ["1:3", "2:5"]);
    assert_eq!(scrapes.samples(r#"scrape_samples_post_metric_relabeling{job="j"}"#), ["1:2", "2:4"]);
    scrapes.scrape("a 1\nb 1\n").expect("two");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:stale", "3:1"]);
}

#[test]
fn label_limits_and_names_fail_the_scrape() {
    let mut settings = settings();
    settings.labels.limits.labels = 3;
    let mut scrapes = Scrapes::new(settings);
    scrapes.scrape("a{x=\"1\"} 1\n").expect("three labels");
    let error = scrapes.scrape("a{x=\"1\",y=\"2\"} 1\n").expect_err("four labels");
    assert_eq!(error, "label_limit exceeded (metric: a, number of labels: 4, limit: 3)");
    assert_eq!(scrapes.samples(r#"up{job="j"}"#), ["1:1", "2:0"]);
}

#[test]
fn formats_are_selected_by_content_type() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape_as(OPENMETRICS, "a 1\n# EOF\n").expect("valid");
    let error = scrapes.scrape_as(OPENMETRICS, "a 1\n").expect_err("no EOF");
    assert!(error.starts_with("data does not end with # EOF"), "{error}");
    let error = scrapes.scrape_as("", "a 1\n").expect_err("no type");
    assert!(error.contains("blank Content-Type"), "{error}");
    let error = scrapes.scrape_as("application/vnd.google.protobuf", "a 1\n").expect_err("protobuf");
    assert!(error.contains("protobuf"), "{error}");
    let mut scrapes = Scrapes::new(IngestSettings {
        fallback_protocol: Some(ScrapeProtocol::PrometheusText0_0_4),
        ..settings()
    });
    scrapes.scrape_as("text/html", "a 1\n").expect("read as text");
}

#[test]
fn bounds_are_normalised() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\n").expect("valid");
    scrapes.scrape("# TYPE h histogram\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 2\n").expect("valid");
    assert_eq!(scrapes.samples(r#"h_bucket{job="j", le="1.0"}"#), ["1:1", "2:2"]);
}

#[test]
fn exemplars_go_along() {
    let mut scrapes = Scrapes::new(settings());
    let body = "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 0.5 1.5\na_total{b=\"c\"} 1 # {trace_id=\"y\"} 0.7\n# EOF\n";
    scrapes.scrape_as(OPENMETRICS, body).expect("valid");
    assert_eq!(
        scrapes.store.exemplars(),
        [r#"a_total{job="j"} {trace_id="x"} 0.5 1500"#, r#"a_total{b="c", job="j"} {trace_id="y"} 0.7 1000"#]
    );
}

#[test]
fn metadata_goes_along_once() {
    let mut scrapes = Scrapes::new(settings());
    let body =
        "# HELP a_seconds help\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n# EOF\n";
    scrapes.scrape_as(OPENMETRICS, body).expect("valid");
    assert_eq!(scrapes.store.take_metadata(), ["a_seconds gauge \"seconds\" \"help\""]);
    scrapes.scrape_as(OPENMETRICS, body).expect("valid");
    assert!(scrapes.store.take_metadata().is_empty());
    // What a bad scrape said is told with the next good one.
    scrapes.scrape_as(OPENMETRICS, &body.replace("help", "new").replace("# EOF\n", "")).expect_err("cut");
    assert!(scrapes.store.take_metadata().is_empty());
    scrapes.scrape_as(OPENMETRICS, &body.replace("help", "new")).expect("valid");
    assert_eq!(scrapes.store.take_metadata(), ["a_seconds gauge \"seconds\" \"new\""]);
}

#[test]
fn created_lines_can_become_start_timestamps() {
    let body = "# TYPE a counter\na_total 1\na_created 1.5\n# EOF\n";
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape_as(OPENMETRICS, body).expect("valid");
    assert_eq!(scrapes.store.series(), [r#"a_created{job="j"}"#, r#"a_total{job="j"}"#]);
    let mut ingest = Ingest::new(
        Arc::new(IngestSettings { created: CreatedHandling::StartTimestamp, ..settings() }),
        Arc::default(),
    );
    let mut batch = AppendBatch::default();
    let (counts, result) = ingest.read(body.as_bytes(), OPENMETRICS, 5000, &mut batch);
    result.expect("valid");
    assert_eq!((counts.total, batch.samples.len(), batch.samples[0].start_ts_ms), (1, 1, 1500));
}

#[test]
fn types_can_become_labels() {
    let mut scrapes =
        Scrapes::new(IngestSettings { type_and_unit_labels: TypeAndUnitLabels::Add, ..settings() });
    scrapes.scrape("# TYPE a counter\na 1\n").expect("valid");
    assert_eq!(scrapes.store.series(), [r#"a{__type__="counter", job="j"}"#]);
}

#[test]
fn extra_metrics_are_reported_on_demand() {
    let mut scrapes = Scrapes::new(IngestSettings { extra_metrics: true, ..settings() });
    scrapes.scrape("a 1\n").expect("valid");
    assert_eq!(scrapes.samples(r#"scrape_timeout_seconds{job="j"}"#), ["1:0"]);
    assert_eq!(scrapes.samples(r#"scrape_sample_limit{job="j"}"#), ["1:0"]);
    assert_eq!(scrapes.samples(r#"scrape_body_size_bytes{job="j"}"#), ["1:0"]);
}

const HISTOGRAM: &str = "\
# TYPE h histogram
h_bucket{x=\"1\",le=\"1\"} 1
h_bucket{x=\"1\",le=\"2\"} 3
h_bucket{x=\"1\",le=\"+Inf\"} 4
h_sum{x=\"1\"} 7
h_count{x=\"1\"} 4
h_bucket{x=\"2\",le=\"+Inf\"} 9
h_count{x=\"2\"} 9
h_sum{x=\"2\"} 1
# TYPE g gauge
g 1
";

fn converting(classic: ClassicHandling) -> IngestSettings {
    let histograms = HistogramSettings { classic, ..HistogramSettings::CLASSIC };
    IngestSettings { histograms, ..settings() }
}

#[test]
fn classic_histograms_can_become_native_ones() {
    let mut scrapes = Scrapes::new(converting(ClassicHandling::Convert));
    for _ in 0..2 {
        let counts = scrapes.scrape(HISTOGRAM).expect("valid");
        assert_eq!((counts.total, counts.post_relabel), (3, 3));
    }
    scrapes.scrape("").expect("empty");
    assert_eq!(
        scrapes.samples(r#"h{job="j", x="1"}"#),
        ["1:histogram(4)", "2:histogram(4)", "3:stale histogram"]
    );
    assert_eq!(
        scrapes.samples(r#"h{job="j", x="2"}"#),
        ["1:histogram(9)", "2:histogram(9)", "3:stale histogram"]
    );
    assert_eq!(scrapes.store.series(), [r#"g{job="j"}"#, r#"h{job="j", x="1"}"#, r#"h{job="j", x="2"}"#]);

    let mut scrapes = Scrapes::new(converting(ClassicHandling::ConvertAndKeep));
    let counts = scrapes.scrape(HISTOGRAM).expect("valid");
    assert_eq!((counts.total, counts.series_added), (11, 11));
    assert_eq!(scrapes.samples(r#"h_sum{job="j", x="1"}"#), ["1:7"]);
    assert_eq!(scrapes.samples(r#"h{job="j", x="1"}"#), ["1:histogram(4)"]);

    let mut limited = converting(ClassicHandling::Convert);
    limited.histograms.bucket_limit = 2;
    let mut scrapes = Scrapes::new(limited);
    let error = scrapes.scrape(HISTOGRAM).expect_err("three buckets");
    assert_eq!(error, "histogram bucket limit exceeded (limit: 2)");
}

#[test]
fn a_histogram_that_makes_no_sense_is_left_out() {
    let mut scrapes = Scrapes::new(converting(ClassicHandling::Convert));
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 4\nh_count 4\nh_sum 4\nh_created 5\n";
    scrapes.scrape(body).expect("valid");
    assert_eq!(scrapes.store.series(), [r#"h_created{job="j"}"#]);
}

#[test]
fn what_the_store_refuses_ends() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\nb 1\n").expect("valid");
    scrapes.store.refuse(&["a"]);
    scrapes.scrape("a 2\nb 2\n").expect("valid");
    scrapes.scrape("a 3\nb 3\n").expect("valid");
    scrapes.store.refuse(&[]);
    scrapes.scrape("a 4\nb 4\n").expect("valid");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:stale", "4:4"]);
    assert_eq!(scrapes.samples(r#"b{job="j"}"#), ["1:1", "2:2", "3:3", "4:4"]);
}

#[test]
fn new_rules_end_what_they_rename() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\nb 1\n").expect("valid");
    let mut renamed = settings();
    renamed.labels.relabel =
        rules("rules: [{source_labels: [__name__], regex: b, target_label: __name__, replacement: c}]");
    scrapes.ingest.set_settings(Arc::new(renamed));
    scrapes.scrape("a 2\nb 2\n").expect("valid");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "2:2"]);
    assert_eq!(scrapes.samples(r#"b{job="j"}"#), ["1:1", "2:stale"]);
    assert_eq!(scrapes.samples(r#"c{job="j"}"#), ["2:2"]);
}

#[test]
fn an_end_marks_everything() {
    let mut scrapes = Scrapes::new(settings());
    scrapes.scrape("a 1\n").expect("valid");
    scrapes.ingest.end(9000, &mut scrapes.batch);
    scrapes.store.append(&Tenant::default(), &scrapes.batch).expect("taken");
    assert_eq!(scrapes.samples(r#"a{job="j"}"#), ["1:1", "9:stale"]);
    assert_eq!(scrapes.samples(r#"up{job="j"}"#), ["1:1", "9:stale"]);
    assert_eq!(scrapes.samples(r#"scrape_series_added{job="j"}"#), ["1:1", "9:stale"]);
}

/// What a scrape of the property test brings.
#[derive(Debug, Clone)]
enum Body {
    /// Series in this order, by number, with a value each; a number may come twice.
    Series(Vec<(u8, u32)>),
    /// The same, cut off by something that is no exposition.
    Broken(Vec<(u8, u32)>),
    /// No response.
    Nothing,
}

fn any_body() -> impl Strategy<Value = Body> {
    let series = || proptest::collection::vec((0_u8..12, any::<u32>()), 0..14);
    prop_oneof![
        6 => series().prop_map(Body::Series),
        1 => series().prop_map(Body::Broken),
        1 => Just(Body::Nothing),
    ]
}

fn written(series: &[(u8, u32)]) -> String {
    // Even numbers are written in one of two ways, so that the same series comes with different bytes.
    let line = |(number, value): &(u8, u32)| match (number % 2, value % 2) {
        (0, 0) => format!("m{{n=\"{number}\",k=\"v\"}} {value}\n"),
        (0, _) => format!("m{{k=\"v\",n=\"{number}\"}} {value}\n"),
        _ => format!("m{{n=\"{number}\"}} {value}\n"),
    };
    series.iter().map(line).collect()
}

proptest! {
    /// However series come and go, the store has exactly the first sample of each series in each good scrape, and a marker wherever a series
    /// that had a sample in the scrape before has none.
    #[test]
    fn samples_and_markers_are_exact(bodies in proptest::collection::vec(any_body(), 1..20)) {
        let mut scrapes = Scrapes::new(settings());
        let mut expected: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
        let mut live: BTreeSet<String> = BTreeSet::new();
        for body in bodies {
            let good = match &body {
                Body::Series(series) => {
                    scrapes.scrape(&written(series)).expect("valid");
                    series.clone()
                }
                Body::Broken(series) => {
                    scrapes.scrape(&format!("{}m {{\n", written(series))).expect_err("broken");
                    Vec::new()
                }
                Body::Nothing => {
                    scrapes.fail();
                    Vec::new()
                }
            };
            let mut now = BTreeSet::new();
            for (number, value) in good {
                let labels = match number % 2 {
                    0 => format!("m{{job=\"j\", k=\"v\", n=\"{number}\"}}"),
                    _ => format!("m{{job=\"j\", n=\"{number}\"}}"),
                };
                if now.insert(labels.clone()) {
                    expected.entry(labels).or_default().push((scrapes.ts_ms, value.to_string()));
                }
            }
            for gone in live.difference(&now) {
                expected.entry(gone.clone()).or_default().push((scrapes.ts_ms, "stale".to_owned()));
            }
            live = now;
        }
        prop_assert_eq!(scrapes.store.all(), expected);
    }
}
