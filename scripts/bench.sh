#!/usr/bin/env bash
# Measures Bellwether beside Debian's Prometheus and VictoriaMetrics, one after the other on this machine, and prints one table with ratios.
# Usage: scripts/bench.sh [small|medium|large] [further arguments of the harness]
set -euo pipefail
cd "$(dirname "$0")/.."

bench="${BENCH_DIR:-../shared/bench}"
if [ ! -d "$bench" ]; then
    echo "the benchmark ($bench) is not here; name its folder with BENCH_DIR" >&2
    exit 1
fi
profile=${1:-small}
[ $# -eq 0 ] || shift
# The servers' names are their order; the first one's results are what the others' are compared with.
exec .venv/bin/python3 "$bench/compare.py" prometheus victoriametrics bellwether \
    --bin bellwether="$(realpath "${CARGO_TARGET_DIR:-target}/release/bellwether")" --profile "$profile" "$@"
