#!/usr/bin/env bash
# Runs the smallest profile of the side-by-side benchmark: Bellwether must lose and refuse nothing, and every query
# result must be exactly that of Debian's Prometheus. It measures nothing: see docs/benchmarks.md for that.
set -euo pipefail
cd "$(dirname "$0")/.."

bench="${BENCH_DIR:-../shared/bench}"
if [ ! -d "$bench" ]; then
    echo "the benchmark ($bench) is not here; set BENCH_DIR to run it"
    exit 77
fi
binary=$(realpath "${CARGO_TARGET_DIR:-target}/release/bellwether")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=.venv/bin/python3
export BENCH_CACHE="$work/cache"

"$python" "$bench/run.py" --server prometheus --profile tiny --phases ingest,query \
    --save-results "$work/reference.json.gz" --json "$work/prometheus.json"
"$python" "$bench/run.py" --server bellwether --bin "$binary" --profile tiny \
    --reference "$work/reference.json.gz" --json "$work/bellwether.json"
"$python" scripts/bench_verdict.py "$work/bellwether.json"
