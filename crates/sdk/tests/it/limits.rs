use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_sdk::{Field, Labels, OpenValues, Opts, Overflow, RegisterError, Registry, Values};

#[derive(Labels)]
struct Call<'a> {
    #[label(max = 3, max_len = 5)]
    tool: &'a str,
    cached: bool,
}

fn call(tool: &str) -> Call<'_> {
    Call { tool, cached: false }
}

#[test]
fn values_beyond_a_limit_are_counted_together() {
    let registry = Registry::new();
    let calls = registry.counter::<Call<'static>>(Opts::new("calls", "Calls.")).expect("is right");
    for tool in ["a", "b", "c", "d", "e", "d", "a"] {
        calls.with(call(tool)).inc();
    }
    calls.with(Call { tool: "f", cached: true }).inc();
    assert_eq!(
        registry.text(),
        r#"# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{tool="a",cached="false"} 2
calls_total{tool="b",cached="false"} 1
calls_total{tool="c",cached="false"} 1
calls_total{tool="_overflow",cached="false"} 3
calls_total{tool="_overflow",cached="true"} 1
# HELP bellwether_sdk_overflow_total Values that went to the overflow series of a family because of a limit.
# TYPE bellwether_sdk_overflow_total counter
bellwether_sdk_overflow_total{family="calls"} 4
"#
    );
}

#[test]
fn a_family_has_a_limit_of_series() {
    #[derive(Labels)]
    struct Any<'a> {
        any: &'a str,
    }
    let registry = Registry::new();
    let family = registry.gauge::<Any<'static>>(Opts::new("g", "G.").max_series(2)).expect("is right");
    let at = |any: &str| family.with(Any { any }).inc();
    ["a", "b", "c", "d"].into_iter().for_each(at);
    assert!(
        family.remove(Any { any: "a" })
            && !family.remove(Any { any: "a" })
            && !family.remove(Any { any: "x" })
    );
    at("c");
    let text = registry.text();
    assert!(!text.contains("any=\"a\""), "{text}");
    assert!(
        text.contains("g{any=\"_overflow\"} 3\n"),
        "the overflow series counts too, so there is no room: {text}"
    );
}

#[test]
fn a_handle_outlives_its_series() {
    #[derive(Labels)]
    struct Cached {
        cached: bool,
    }
    let registry = Registry::new();
    let calls = registry.counter::<Call<'static>>(Opts::new("calls", "Calls.")).expect("is right");
    let closed = registry.counter::<Cached>(Opts::new("closed", "Closed.")).expect("is right");
    let old = (calls.with(call("a")), closed.with(Cached { cached: true }));
    for _ in 0..100_000 {
        old.0.inc();
        old.1.inc();
        assert!(calls.remove(call("a")) && closed.remove(Cached { cached: true }));
        old.0.inc();
        old.1.inc();
        let text = registry.text();
        assert_eq!(text, "", "what is removed is not exposed");
        calls.with(call("a")).inc_by(2);
        closed.with(Cached { cached: true }).inc_by(3);
    }
    old.0.inc();
    let text = registry.text();
    assert!(text.contains("calls_total{tool=\"a\",cached=\"false\"} 3\n"), "{text}");
    assert!(text.contains("closed_total{cached=\"true\"} 3\n") && !text.contains("_overflow"), "{text}");
}

#[test]
fn values_are_cut_and_normalised() {
    fn digits(value: &str) -> Cow<'_, str> {
        if value.contains(|c: char| c.is_ascii_digit()) {
            Cow::Owned(value.replace(|c: char| c.is_ascii_digit(), "#"))
        } else {
            Cow::Borrowed(value)
        }
    }
    #[derive(Labels)]
    struct Route<'a> {
        #[label(normalise = digits, max_len = 9)]
        route: &'a str,
    }
    let registry = Registry::new();
    let family = registry.counter::<Route<'static>>(Opts::new("r", "R.")).expect("is right");
    let long = registry.counter::<Call<'static>>(Opts::new("l", "L.")).expect("is right");
    for route in ["/runs/17", "/runs/23", "/runs/23456", "/"] {
        family.with(Route { route }).inc();
    }
    assert!(family.remove(Route { route: "/" }) && !family.remove(Route { route: "/runs" }));
    for tool in ["abcdefgh", "abcdéf"] {
        long.with(call(tool)).inc();
    }
    let text = registry.text();
    assert!(text.contains("r_total{route=\"/runs/##\"} 2\nr_total{route=\"/runs/###\"} 1\n"), "{text}");
    assert!(text.contains("l_total{tool=\"abcde\",cached=\"false\"} 1\n"), "{text}");
    assert!(text.contains("l_total{tool=\"abcd\",cached=\"false\"} 1\n"), "{text}");
}

#[test]
fn no_count_is_lost_between_threads() {
    let registry = Registry::new();
    let calls = registry.counter::<Call<'static>>(Opts::new("calls", "Calls.")).expect("is right");
    let names: Vec<String> = (0..500).map(|i| i.to_string()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let names = &names;
            scope.spawn(move || {
                for i in 0..20_000 {
                    calls.with(Call { tool: &names[(i * 7 + thread) % 500], cached: i % 2 == 0 }).inc();
                }
            });
        }
        scope.spawn(|| (0..20).for_each(|_| drop(registry.text())));
    });
    let counted: u64 = registry
        .text()
        .lines()
        .filter(|line| line.starts_with("calls_total{"))
        .map(|line| line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("a count"))
        .sum();
    assert_eq!(counted, 80_000);
}

#[test]
fn ids_are_taken_out_of_values_or_refused() {
    #[derive(Labels)]
    struct Step<'a> {
        #[label(normalise)]
        path: &'a str,
        #[label(deny)]
        workflow: &'a str,
    }
    let registry = Registry::new();
    let steps = registry.counter::<Step<'static>>(Opts::new("steps", "S.")).expect("is right");
    for (path, workflow) in [("/a/1", "w"), ("/a/22", "w"), ("/b", "w-7"), ("/b", "w-8"), ("/b", "_overflow")]
    {
        steps.with(Step { path, workflow }).inc();
    }
    assert_eq!(
        registry.text(),
        r#"# HELP steps_total S.
# TYPE steps_total counter
steps_total{path="/a/{id}",workflow="w"} 2
steps_total{path="/b",workflow="_overflow"} 3
# HELP bellwether_sdk_overflow_total Values that went to the overflow series of a family because of a limit.
# TYPE bellwether_sdk_overflow_total counter
bellwether_sdk_overflow_total{family="steps"} 2
"#
    );
}

#[test]
fn names_of_what_is_unique_are_refused() {
    struct ByHand;
    impl Labels for ByHand {
        const FIELDS: &'static [Field] =
            &[Field { name: "user_id", values: Values::Open(OpenValues::DEFAULT) }];
        type At<'a> = ByHand;
        type Open<'s> = [&'s str; 1];

        fn closed_index(&self) -> u32 {
            0
        }

        fn open_values(&self) -> [&str; 1] {
            [""]
        }
    }
    #[derive(Labels)]
    struct Few<'a> {
        #[label(unbounded = "there are three users")]
        user_id: &'a str,
    }
    let registry = Registry::new();
    let refused = registry.counter::<ByHand>(Opts::new("x", "X.")).err();
    assert_eq!(refused, Some(RegisterError::UniqueLabel { family: "x", label: "user_id" }));
    let few = registry.counter::<Few<'static>>(Opts::new("x", "X.")).expect("it is said why");
    few.with(Few { user_id: "a" }).inc();
}

#[test]
fn overflow_is_told_once_a_minute() {
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let clock = Arc::clone(&seconds);
    let registry = Registry::with_clock(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
    let calls =
        registry.counter::<Call<'static>>(Opts::new("calls", "Calls.").max_series(1)).expect("is right");
    let told = Arc::new(Mutex::new(Vec::new()));
    let (listener, exposed) = (Arc::clone(&told), registry.clone());
    assert!(registry.on_overflow(move |overflow| {
        // It may do what it likes.
        assert!(exposed.text().contains("bellwether_sdk_overflow_total"));
        listener.lock().expect("nobody panics").push(overflow);
    }));
    assert!(!registry.on_overflow(|_| ()), "one is told");
    for (tool, after) in [("a", 0), ("b", 0), ("c", 59), ("d", 1), ("e", 1)] {
        seconds.fetch_add(after, Ordering::Relaxed);
        calls.with(call(tool)).inc();
    }
    let told = told.lock().expect("nobody panics");
    assert_eq!(*told, [Overflow { family: "calls", total: 1 }, Overflow { family: "calls", total: 3 }]);
    assert!(told[0].to_string().starts_with("calls: 1 values went to its overflow series; "));
}
