#!/usr/bin/env bash
# Counts the instructions that each step from a scrape to the disk takes per sample: `scripts/counts.sh check` compares them with crates/counts/expected.txt,
# `scripts/counts.sh accept` writes that anew. The program is built as the product is, for any processor, whatever flags the environment has.
set -euo pipefail
cd "$(dirname "$0")/.."

env -u RUSTFLAGS cargo build --release --locked --quiet -p bellwether-counts
exec "${CARGO_TARGET_DIR:-target}/release/bellwether-counts" "$@"
