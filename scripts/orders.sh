#!/usr/bin/env bash
# Tries every order of steps that the lock-free files of the SDK can run in: half a minute to compile, half a minute to run.
set -euo pipefail
cd "$(dirname "$0")/../crates/sdk/loom"
cargo run --quiet --locked --release
