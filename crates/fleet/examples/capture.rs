//! What every process of all platforms exposes after an hour, one behind the other: real input for whatever reads expositions. The same on every machine.
//!
//! `cargo run -p bellwether-fleet --example capture`; `scripts/capture.sh` calls it.

use std::io::{self, Write as _};

use bellwether_exposition::OutputFormat;
use bellwether_fleet::{History, HistoryRange, Platform};

/// 2025-06-02T12:00:00Z, a working day: there is load.
const BEGIN_MS: i64 = 1_748_865_600_000;
const HOUR_MS: i64 = 3_600_000;
const SEED: u64 = 1;

fn main() -> io::Result<()> {
    let at_ms = BEGIN_MS + HOUR_MS;
    let range = HistoryRange { from_ms: at_ms, to_ms: at_ms, step_ms: HOUR_MS };
    let mut out = io::stdout().lock();
    for process in History::new(SEED, BEGIN_MS, &Platform::ALL, range, OutputFormat::FALLBACK) {
        out.write_all(process.exposition.unwrap_or_default().as_bytes())?;
    }
    Ok(())
}
