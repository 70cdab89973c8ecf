//! What the build needs beyond cargo.
//!
//! `cargo run -p xtask -- conformance` runs the peers' conformance data and counts.

mod conformance;
#[cfg(test)]
mod layers;

use std::process::ExitCode;

use anyhow::bail;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["conformance"] => conformance::run(false),
        ["conformance", "--verbose"] => conformance::run(true),
        _ => bail!("usage: xtask conformance [--verbose]"),
    }
}
