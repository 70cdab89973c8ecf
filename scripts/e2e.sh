#!/usr/bin/env bash
# Runs the browser tests against the real binary: the demo fleet, Debian's node exporter and a FastAPI application are scraped,
# once at the root and once below a path prefix.
#
#   scripts/e2e.sh                            all tests
#   scripts/e2e.sh e2e/targets.e2e.ts         some; the arguments go to vitest
#   SCREENSHOT_DIR=docs/images scripts/e2e.sh all tests, and their pictures into the repository
#
# SCREENSHOT_DIR may be relative to where the script is called; without it the pictures are thrown away. CHROMIUM_PATH names
# another browser, BELLWETHER_BINARY another build of the program than the release, KEEP_LOGS=1 keeps what the programs wrote.
set -euo pipefail
[ -z "${SCREENSHOT_DIR:-}" ] || SCREENSHOT_DIR=$(realpath --canonicalize-missing "$SCREENSHOT_DIR")
cd "$(dirname "$0")/.."

binary=${BELLWETHER_BINARY:-${CARGO_TARGET_DIR:-target}/release/bellwether}
[ -x "$binary" ] || { echo "there is no $binary: call \`make build\` first" >&2; exit 1; }
work=$(mktemp -d -t bellwether-e2e.XXXXXX)
# A build that goes on beside the tests must not exchange the binary under them.
cp "$binary" "$work/bellwether"
binary=$work/bellwether

declare -A pids=()
failed=1
stop() {
    local name code
    for name in "${!pids[@]}"; do
        if ! kill -0 "${pids[$name]}" 2>/dev/null; then
            wait "${pids[$name]}" 2>/dev/null && code=0 || code=$?
            failed=1
            echo "$name ended by itself, with code $code; its last words:" >&2
            tail -n 30 "$work/$name.log" >&2
        fi
    done
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    if [ "${KEEP_LOGS:-}" = 1 ]; then echo "the logs are in $work" >&2; else rm -rf "$work"; fi
    exit "$failed"
}
trap stop EXIT

# start NAME COMMAND...: in the background, its output in a log.
start() {
    "${@:2}" >"$work/$1.log" 2>&1 &
    pids[$1]=$!
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for NAME URL: until it answers with success. The demo simulates hours of history before it is ready, which takes a
# busy machine of two cores its time; a program that died is noticed at once.
wait_for() {
    local deadline=$((SECONDS + 180))
    until curl --silent --fail --max-time 5 --output /dev/null "$2"; do
        kill -0 "${pids[$1]}" 2>/dev/null || exit 1
        [ $SECONDS -lt $deadline ] || { echo "gave up waiting for $2" >&2; tail -n 30 "$work/$1.log" >&2; exit 1; }
        sleep 0.2
    done
}

node_port=$(free_port)
shop_port=$(free_port)
port=$(free_port)
prefix_port=$(free_port)

# Something that fires, something that waits, and something that another alert keeps quiet.
cat >"$work/rules.yml" <<'YML'
groups:
- name: reach
  interval: 5s
  rules:
  - alert: TargetDown
    expr: up == 0
    for: 10s
    labels: {severity: critical}
    annotations:
      summary: '{{ $labels.job }} does not answer'
      description: Nothing is known of {{ $labels.instance }} since then.
  - alert: FewTargets
    expr: count by (job) (up) < 2
    labels: {severity: info}
    annotations: {summary: '{{ $labels.job }} has only one target'}
  - alert: ScrapeTakesLong
    expr: max by (job) (scrape_duration_seconds) > 0.001
    for: 2h
    labels: {severity: warning}
    annotations: {summary: 'A scrape of {{ $labels.job }} took {{ $value | humanizeDuration }}'}
  - alert: PhaseRunsFail
    expr: sum by (phase_name) (increase(dag_node_executions_total{status="failure"}[10m])) > 2
    for: 1m
    labels: {severity: warning, platform: dag}
    annotations:
      summary: '{{ $value | humanize }} runs of {{ $labels.phase_name }} have failed in ten minutes'
      runbook_url: docs/runbooks/dag.md#highworkflowfailurerate
YML
cat >"$work/extra.yml" <<YML
rule_files: [rules.yml]
scrape_configs:
- job_name: node
  scrape_interval: 2s
  static_configs:
  - targets: ['127.0.0.1:$node_port']
- job_name: shop
  scrape_interval: 2s
  metrics_path: /metrics/
  static_configs:
  - targets: ['127.0.0.1:$shop_port']
- job_name: missing
  scrape_interval: 2s
  static_configs:
  - targets: ['127.0.0.1:9']
YML
# Customers of the shop: more and fewer of them, and some who ask for what there is not.
cat >"$work/customers.py" <<'PY'
import itertools, math, sys, time, urllib.error, urllib.request
for i in itertools.count():
    path = "/orders/none" if i % 7 == 3 else "/returns" if i % 11 == 5 else f"/orders/{i}"
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}{path}", timeout=10).read()
    except urllib.error.HTTPError:
        pass
    time.sleep(0.2 + 0.15 * math.sin(time.monotonic() / 12))
PY
mkdir "$work/empty"

start node prometheus-node-exporter --web.listen-address="127.0.0.1:$node_port"
start shop .venv/bin/python3 tests/apps/fastapi_app.py "$shop_port"
# In a folder of its own: the pictures show where it runs.
start demo env --chdir="$work" "$binary" demo --web.listen-address="127.0.0.1:$port" --storage.tsdb.path=demo-data \
    --config.file=extra.yml --web.enable-admin-api
start prefix env --chdir="$work/empty" "$binary" serve --web.listen-address="127.0.0.1:$prefix_port" \
    --web.external-url=http://127.0.0.1/obs/bw/

wait_for shop "http://127.0.0.1:$shop_port/orders/1"
start customers python3 "$work/customers.py" "$shop_port"
wait_for demo "http://127.0.0.1:$port/-/ready"
wait_for prefix "http://127.0.0.1:$prefix_port/obs/bw/-/ready"

# Pages are photographed, so let every source have a few points first.
enough() {
    curl --silent --get --max-time 5 "http://127.0.0.1:$port/api/v1/query" \
        --data-urlencode 'query=count(count_over_time(up{job=~"node|shop"}[1m]) >= 4)' | grep --quiet '"2"'
}
deadline=$((SECONDS + 120))
until enough; do
    [ $SECONDS -lt $deadline ] || { echo "node exporter and shop were not scraped four times within two minutes" >&2; exit 1; }
    sleep 0.5
done

export BELLWETHER_BINARY="$binary"
export BELLWETHER_URL="http://127.0.0.1:$port"
export BELLWETHER_PREFIX_URL="http://127.0.0.1:$prefix_port/obs/bw"
export CHROMIUM_PATH="${CHROMIUM_PATH:-/usr/bin/chromium}"
export SCREENSHOT_DIR="${SCREENSHOT_DIR:-$work/screenshots}"
npm --prefix ui run --silent e2e -- "$@" && failed=0
