//! Series that are not used for long, under a clock that moves when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_sdk::{Labels, Opts, RegisterError, Registry};

#[derive(Labels)]
struct Peer<'a> {
    peer: &'a str,
}

#[derive(Labels)]
struct Cached {
    cached: bool,
}

const A: Peer<'_> = Peer { peer: "a" };
const B: Peer<'_> = Peer { peer: "b" };
const MINUTE: Duration = Duration::from_mins(1);

/// A registry, and what lets seconds pass. A scrape is what looks at the series.
fn registry() -> (Registry, impl Fn(u64) -> String) {
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let clock = Arc::clone(&seconds);
    let registry = Registry::with_clock(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
    let scraped = registry.clone();
    let scrape_after = move |n| {
        seconds.fetch_add(n, Ordering::Relaxed);
        scraped.text()
    };
    (registry, scrape_after)
}

#[test]
fn what_is_set_again_and_again_is_not_idle() {
    let (registry, scrape_after) = registry();
    let depth =
        registry.gauge::<Peer<'static>>(Opts::new("depth", "D.").expire_after(MINUTE)).expect("is right");
    let (a, b) = (depth.with(A), depth.with(B));
    a.set(1.0);
    b.set(2.0);
    assert!(scrape_after(0).contains("depth{peer=\"a\"} 1\ndepth{peer=\"b\"} 2\n"));
    a.set(1.0);
    assert!(scrape_after(59).contains("depth{peer=\"b\"} 2\n"));
    let text = scrape_after(1);
    assert!(text.contains("peer=\"a\"") && !text.contains("peer=\"b\""), "{text}");
    let text = scrape_after(58);
    assert!(text.contains("peer=\"a\""), "{text}");
    assert_eq!(scrape_after(1), "", "all are idle");
    b.add(1.0);
    assert!(scrape_after(0).contains("depth{peer=\"b\"} 3\n"), "who kept a handle is heard");
    depth.with(A).inc();
    assert!(scrape_after(0).contains("depth{peer=\"a\"} 1\n"), "what is made again begins from zero");
    assert!(scrape_after(59).contains("peer=\"a\""));
    assert_eq!(scrape_after(1), "");
}

#[test]
fn counters_expire_only_when_that_is_said_of_them() {
    let (registry, scrape_after) = registry();
    let registry = registry.expire_gauges_after(MINUTE);
    let said = registry.counter::<Cached>(Opts::new("said", "S.").expire_after(MINUTE)).expect("is right");
    let other = registry.counter::<Cached>(Opts::new("other", "O.")).expect("is right");
    let gauge = registry.gauge::<Cached>(Opts::new("gauge", "G.")).expect("is right");
    let kept = said.with(Cached { cached: true });
    kept.inc();
    other.with(Cached { cached: true }).inc();
    gauge.with(Cached { cached: true }).inc();
    scrape_after(0);
    assert_eq!(
        scrape_after(60),
        "# HELP other_total O.\n# TYPE other_total counter\nother_total{cached=\"true\"} 1\n"
    );
    kept.inc();
    assert!(scrape_after(0).contains("said_total{cached=\"true\"} 2\n"), "a total goes on");
    said.with(Cached { cached: true }).inc();
    assert!(scrape_after(0).contains("said_total{cached=\"true\"} 3\n"), "it is found by its labels again");
    assert!(said.remove(Cached { cached: true }));
    kept.inc();
    assert!(!scrape_after(0).contains("said"), "who removes it does not want it back");
    let differs = registry.counter::<Cached>(Opts::new("said", "S.")).err();
    assert_eq!(differs, Some(RegisterError::Differs { family: "said", what: "another time to expire" }));
}

#[test]
fn room_is_made_for_others() {
    let (registry, scrape_after) = registry();
    let opts = Opts::new("conn", "C.").expire_after(MINUTE).max_series(2);
    let conn = registry.histogram::<Peer<'static>>(opts.buckets(&[1.0])).expect("is right");
    conn.with(A).observe(1.0);
    conn.with(B).observe(1.0);
    scrape_after(0);
    scrape_after(60);
    conn.with(Peer { peer: "c" }).observe(1.0);
    let text = scrape_after(0);
    assert!(text.contains("conn_count{peer=\"c\"} 1\n") && !text.contains("_overflow"), "{text}");
}
