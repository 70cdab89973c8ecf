//! What the demo costs: simulating the past, and answering the scrapes of the whole fleet.
use std::time::Duration;

use bellwether_exposition::{OutputFormat, Syntax};
use bellwether_fleet::{ArrivalRate, History, HistoryRange, Platform};

const BEGIN_MS: i64 = 1_704_708_000_000;
const HOUR_MS: i64 = 3_600_000;
const FORMAT: OutputFormat = OutputFormat { syntax: Syntax::OpenMetrics1_0_0, ..OutputFormat::FALLBACK };

fn main() {
    divan::main();
}

/// An hour of all platforms, looked at only at its end, with as much work as usually and as there may be.
#[divan::bench(args = [ArrivalRate::USUAL, ArrivalRate::MAX], max_time = Duration::from_secs(10))]
fn simulate_an_hour(rate: ArrivalRate) -> usize {
    let end_ms = BEGIN_MS + HOUR_MS;
    let range = HistoryRange { from_ms: end_ms, to_ms: end_ms, step_ms: 1 };
    History::new(1, BEGIN_MS, &Platform::ALL, range, FORMAT).at_rate(rate).count()
}

/// Ten minutes of all platforms, scraped every five seconds: 120 rounds of 15 targets.
#[divan::bench(max_time = Duration::from_secs(5))]
fn simulate_and_expose_ten_minutes() -> usize {
    let range = HistoryRange { from_ms: BEGIN_MS, to_ms: BEGIN_MS + HOUR_MS / 6 - 1, step_ms: 5_000 };
    let history = History::new(1, BEGIN_MS, &Platform::ALL, range, FORMAT);
    history.filter_map(|it| it.exposition).map(|it| it.len()).sum()
}
