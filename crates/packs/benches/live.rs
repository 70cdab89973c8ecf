//! What the check of scraped targets costs, over what all targets of the demo expose after an hour: throughput is in series per second.
//!
//! `not_due` is what every scrape pays, `copies` what a scrape pays every five minutes, and `compares` what the thread of the check does with it meanwhile.

use std::time::Duration;

use bellwether_exposition::{BodyFormat, OutputFormat, Syntax};
use bellwether_fleet::{History, HistoryRange, Platform, Snapshot};
use bellwether_packs::catalogue::Catalogue;
use bellwether_packs::check::{Exposed, applies, check, exposed_metrics};
use bellwether_packs::live::{LiveCheck, Scraped};
use divan::Bencher;
use divan::counter::ItemsCount;

const BEGIN_MS: i64 = 1_704_708_000_000;
const HOUR_MS: i64 = 3_600_000;
const FORMAT: OutputFormat = OutputFormat { syntax: Syntax::OpenMetrics1_0_0, ..OutputFormat::FALLBACK };

fn main() {
    divan::main();
}

/// What each target of the demo exposes after an hour, with its job.
fn bodies() -> Vec<(&'static str, &'static str, String)> {
    let end_ms = BEGIN_MS + HOUR_MS;
    let range = HistoryRange { from_ms: end_ms, to_ms: end_ms, step_ms: 1 };
    let body = |snapshot: Snapshot| Some((snapshot.job, snapshot.instance, snapshot.exposition?));
    History::new(1, BEGIN_MS, &Platform::ALL, range, FORMAT).filter_map(body).collect()
}

fn n_series(bodies: &[(&str, &str, String)]) -> usize {
    let is_series = |line: &&str| !line.starts_with('#');
    bodies.iter().map(|(_, _, body)| body.lines().filter(is_series).count()).sum()
}

/// Reads each body and compares it with all packs that are about it.
#[divan::bench]
fn compares(bencher: Bencher<'_, '_>) {
    let (bodies, catalogue) = (bodies(), Catalogue::built_in());
    bencher.counter(ItemsCount::new(n_series(&bodies))).bench_local(|| {
        let findings = bodies.iter().map(|(job, _, body)| {
            let exposed = Exposed::read(body.as_bytes(), BodyFormat::OpenMetrics).expect("an exposition");
            let packs = catalogue.packs().iter().filter(|pack| applies(pack, job, &exposed));
            packs
                .map(|pack| check(pack, &exposed).len() + exposed_metrics(pack, &exposed).len())
                .sum::<usize>()
        });
        findings.sum::<usize>()
    });
}

/// Copies each body.
#[divan::bench]
fn copies(bencher: Bencher<'_, '_>) {
    let bodies = bodies();
    bencher.counter(ItemsCount::new(n_series(&bodies))).bench_local(|| {
        bodies.iter().map(|(_, _, body)| divan::black_box(body.as_bytes().to_vec()).len()).sum::<usize>()
    });
}

/// Offers each body although its target is not due.
#[divan::bench]
fn not_due(bencher: Bencher<'_, '_>) {
    let bodies = bodies();
    let live = LiveCheck::start(Catalogue::built_in()).expect("a thread");
    let scraped = |body: &'_ (&'static str, &'static str, String)| {
        let (job, url, body) = body;
        let (format, now) = (BodyFormat::OpenMetrics, Duration::from_secs(1));
        live.offer(&Scraped { job, url, format, body: body.as_bytes(), now, now_ms: BEGIN_MS });
    };
    // Only few bodies wait at a time, so each is offered until it was taken.
    for body in &bodies {
        while live.verdict(body.0, body.1).is_none() {
            scraped(body);
            std::thread::yield_now();
        }
    }
    bencher.counter(ItemsCount::new(n_series(&bodies))).bench_local(|| bodies.iter().for_each(scraped));
}
