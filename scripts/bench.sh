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
binary=$(realpath "${CARGO_TARGET_DIR:-target}/release/bellwether")
if [ "$profile" = large ]; then
    # A million series within seconds are more than the default limits allow, which the other servers do not have.
    work=$(mktemp -d -t bellwether-bench.XXXXXX)
    trap 'rm -rf "$work"' EXIT
    cat >"$work/bellwether" <<END
#!/bin/sh
for argument; do
    case \$argument in
    --config.file=*)
        file=\${argument#*=}
        grep -q '^limits:' "\$file" || echo 'limits: {max_new_series_per_minute: 0, max_series_per_metric: 0}' >>"\$file"
        ;;
    esac
done
exec "$binary" "\$@"
END
    chmod +x "$work/bellwether"
    binary=$work/bellwether
fi
# The servers' names are their order; the first one's results are what the others' are compared with.
.venv/bin/python3 "$bench/compare.py" prometheus victoriametrics bellwether \
    --bin bellwether="$binary" --profile "$profile" "$@"
