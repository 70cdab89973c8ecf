//! Families that had other names before.

use bellwether_exposition::{EscapingScheme, OutputFormat, Syntax, validate_openmetrics};
use bellwether_sdk::{
    Alias, Counter, Gauge, Info, LabelValue, Labels, MetricSet, Opts, RegisterError, Registry, Request,
    StateSet, TraceContext,
};

#[derive(Clone, Copy, LabelValue)]
enum Level {
    Low,
    High,
}

#[derive(Labels)]
struct Cache<'a> {
    cache: &'a str,
    level: Level,
}

#[derive(Labels)]
struct Build<'a> {
    version: &'a str,
}

#[derive(MetricSet)]
struct Metrics {
    /// Hits.
    #[metric(name = "hits", aliases = &[
        Alias::new("shop_hits_total").labels(&[("cache", "handler"), ("level", "depth")]),
        Alias::new("hits"),
        Alias::new("shop_hits"),
        Alias::new("shop_finds"),
    ])]
    hits: Counter<Cache<'static>>,
    /// Items.
    #[metric(name = "cache_items", unit = "items", aliases = &[Alias::new("cache_items_count")])]
    items: Gauge,
    /// Mode.
    #[metric(name = "mode", aliases = &[Alias::new("old_mode")])]
    mode: StateSet<Level>,
    /// Build.
    #[metric(name = "build", aliases = &[Alias::new("version")])]
    build: Info<Build<'static>>,
}

fn filled() -> Registry {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).expect("the names are right");
    metrics.hits.with(Cache { cache: "a", level: Level::Low }).inc_by(3);
    metrics.items.set(7.0);
    metrics.mode.set(Level::High);
    metrics.build.set(Build { version: "1.2" });
    registry
}

#[test]
fn old_names_are_exposed_too() {
    assert_eq!(
        filled().text(),
        r#"# HELP build_info Build.
# TYPE build_info gauge
build_info{version="1.2"} 1
# HELP version Build.
# TYPE version gauge
version{version="1.2"} 1
# HELP cache_items Items.
# TYPE cache_items gauge
cache_items 7
# HELP cache_items_count Items.
# TYPE cache_items_count gauge
cache_items_count 7
# HELP hits_total Hits.
# TYPE hits_total counter
hits_total{cache="a",level="low"} 3
# HELP shop_hits_total Hits.
# TYPE shop_hits_total counter
shop_hits_total{handler="a",depth="low"} 3
# HELP hits Hits.
# TYPE hits untyped
hits{cache="a",level="low"} 3
# HELP shop_hits Hits.
# TYPE shop_hits untyped
shop_hits{cache="a",level="low"} 3
# HELP shop_finds Hits.
# TYPE shop_finds untyped
shop_finds{cache="a",level="low"} 3
# HELP mode Mode.
# TYPE mode gauge
mode{mode="low"} 0
mode{mode="high"} 1
# HELP old_mode Mode.
# TYPE old_mode gauge
old_mode{old_mode="low"} 0
old_mode{old_mode="high"} 1
"#
    );
}

#[test]
fn open_metrics_has_no_counter_without_its_suffix() {
    let mut text = String::new();
    let format = OutputFormat { syntax: Syntax::OpenMetrics1_0_0, escaping: EscapingScheme::Underscores };
    filled().encode(&mut text, format);
    validate_openmetrics(text.as_bytes()).expect("it is valid");
    assert!(text.contains("\nshop_hits_total{handler=\"a\",depth=\"low\"} 3\n"), "{text}");
    assert!(text.contains("\nshop_finds{"), "what has the name for itself is there: {text}");
    assert!(!text.contains("\nhits{") && !text.contains("\nshop_hits{"), "{text}");
    assert!(!text.contains("# UNIT cache_items_count"), "{text}");
}

#[test]
fn a_scrape_can_ask_for_an_old_name() {
    let exposition = filled().expose(&Request::new("text/plain", "", "name[]=shop_hits_total"));
    let text = String::from_utf8(exposition.body).expect("it is text");
    assert!(text.contains("shop_hits_total{") && !text.contains("\nhits"), "{text}");
}

#[test]
fn exemplars_stay_with_what_has_a_type() {
    const OLD: &[Alias] = &[Alias::new("was_total"), Alias::new("were")];
    let registry = Registry::new();
    let counter = registry.counter::<()>(Opts::new("now", "Now.").exemplars().aliases(OLD));
    counter.expect("is right").with(()).inc_traced(TraceContext { trace_id: 1, span_id: 2 });
    let mut text = String::new();
    let format = OutputFormat { syntax: Syntax::OpenMetrics1_0_0, escaping: EscapingScheme::Underscores };
    registry.encode(&mut text, format);
    validate_openmetrics(text.as_bytes()).expect("it is valid");
    assert!(text.contains("was_total 1 # {trace_id") && text.contains("\nwere 1\n"), "{text}");
}

#[test]
fn names_are_taken_once() {
    const A: &[Alias] = &[Alias::new("a_total")];
    const TWICE: &[Alias] = &[Alias::new("b"), Alias::new("b")];
    const NO_LABEL: &[Alias] = &[Alias::new("b").labels(&[("x", "y")])];
    const SAME: &[Alias] = &[Alias::new("b").labels(&[("cache", "level")])];
    const BAD: &[Alias] = &[Alias::new("1")];
    let registry = Registry::new();
    registry.counter::<()>(Opts::new("a", "A.")).expect("is right");
    let check = |aliases, want: &str| {
        let error = registry.gauge::<Cache<'static>>(Opts::new("g", "G.").aliases(aliases));
        assert_eq!(error.expect_err(want).to_string(), want);
    };
    check(A, "g: its series a_total is already one of a");
    check(TWICE, "g: its series b is already one of g");
    check(NO_LABEL, "g: the alias b renames the label x, which the family does not have");
    check(SAME, "b: the label level is there twice");
    check(
        BAD,
        r#""1" is no metric name: it needs letters, digits, underscores and colons, and no digit in front"#,
    );
    let own = registry.counter::<()>(Opts::new("c", "C.").aliases(const { &[Alias::new("c_total")] }));
    assert_eq!(own.expect_err("it is the name").to_string(), "c: its series c is already one of c");
    let other = registry.counter::<()>(Opts::new("a", "A.").aliases(TWICE)).expect_err("it has others");
    assert!(matches!(other, RegisterError::Taken { .. }), "{other}");
}
