#!/usr/bin/env bash
# Runs the browser tests against the real binary: the demo fleet, Debian's node exporter and a FastAPI application are scraped,
# once at the root and once below a path prefix.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(realpath "${CARGO_TARGET_DIR:-target}/release/bellwether")
work=$(mktemp -d)
pids=()
stop() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_for URL: until it answers with success.
wait_for() {
    local _
    for _ in $(seq 600); do
        curl --silent --fail --output /dev/null "$1" && return
        sleep 0.1
    done
    echo "gave up waiting for $1" >&2
    tail -n 30 "$work"/*.log >&2 || true
    exit 1
}

node_port=$(free_port)
shop_port=$(free_port)
port=$(free_port)
prefix_port=$(free_port)

prometheus-node-exporter --web.listen-address="127.0.0.1:$node_port" >"$work/node.log" 2>&1 &
pids+=($!)
.venv/bin/python3 tests/apps/fastapi_app.py "$shop_port" >"$work/shop.log" 2>&1 &
pids+=($!)
cat >"$work/extra.yml" <<YML
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
"$binary" demo --web.listen-address="127.0.0.1:$port" --storage.tsdb.path="$work/demo" --config.file="$work/extra.yml" \
    >"$work/demo.log" 2>&1 &
pids+=($!)
mkdir "$work/empty"
(cd "$work/empty" && exec "$binary" serve --web.listen-address="127.0.0.1:$prefix_port" --web.external-url=http://127.0.0.1/obs/bw/) \
    >"$work/prefix.log" 2>&1 &
pids+=($!)

wait_for "http://127.0.0.1:$shop_port/orders/1"
for id in $(seq 2 30); do curl --silent --output /dev/null "http://127.0.0.1:$shop_port/orders/$id"; done
wait_for "http://127.0.0.1:$port/-/ready"
wait_for "http://127.0.0.1:$prefix_port/obs/bw/-/ready"
# Pages are photographed, so let every source have a few points first.
for _ in $(seq 600); do
    enough=$(curl --silent --get "http://127.0.0.1:$port/api/v1/query" \
        --data-urlencode 'query=count(count_over_time(up{job=~"node|shop"}[1m]) >= 4)' | grep -c '"2"' || true)
    [ "$enough" = 1 ] && break
    sleep 0.1
done

export BELLWETHER_URL="http://127.0.0.1:$port"
export BELLWETHER_PREFIX_URL="http://127.0.0.1:$prefix_port/obs/bw"
export CHROMIUM_PATH="${CHROMIUM_PATH:-/usr/bin/chromium}"
export SCREENSHOT_DIR="${SCREENSHOT_DIR:-$work/screenshots}"
mkdir -p "$SCREENSHOT_DIR"
npm --prefix ui run --silent e2e
