#!/usr/bin/env bash
# Measures alerting beside Debian's Alertmanager and Prometheus, in turns on this machine, and prints tables with ratios.
# Usage: scripts/bench-alerting.sh [quick|small|large] [further arguments of scripts/bench_alerting]
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${1:-small}
[ $# -eq 0 ] || shift
exec python3 scripts/bench_alerting "${CARGO_TARGET_DIR:-target}/release/bellwether" --profile "$profile" "$@"
