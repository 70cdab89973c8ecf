#!/usr/bin/env bash
# Takes the real expositions again that the benches and the counts read: `scripts/capture.sh [node_exporter] [fleet] [python]`, all of them if none is named.
# They go to crates/exposition/benches. What the node exporter and the Python process say depends on the machine, so the counts of the stages that read them are
# to be accepted anew (`make counts-accept`).
set -euo pipefail
cd "$(dirname "$0")/.."

captures=("$@")
[ ${#captures[@]} -gt 0 ] || captures=(node_exporter fleet python)
dir=crates/exposition/benches
# The process that is being asked, ended with this script.
pid=""
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true' EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# fetch URL: what the process answers, as soon as it does.
fetch() { curl --silent --show-error --fail --retry 50 --retry-delay 1 --retry-connrefused "$1"; }

for capture in "${captures[@]}"; do
    echo "==> $capture"
    case "$capture" in
        node_exporter)
            scripts/setup.sh peers
            port=$(free_port)
            prometheus-node-exporter --web.listen-address="127.0.0.1:$port" >/dev/null 2>&1 &
            pid=$!
            fetch "http://127.0.0.1:$port/metrics" >"$dir/node_exporter.txt"
            ;;
        fleet)
            cargo run --quiet --locked -p bellwether-fleet --example capture >"$dir/fleet.txt"
            ;;
        python)
            scripts/setup.sh peers python
            port=$(free_port)
            .venv/bin/python3 tests/apps/fastapi_app.py "$port" >/dev/null 2>&1 &
            pid=$!
            fetch "http://127.0.0.1:$port/orders/1" >/dev/null
            for order in 2 3 4 none; do
                curl --silent "http://127.0.0.1:$port/orders/$order" >/dev/null
            done
            fetch "http://127.0.0.1:$port/metrics/" >"$dir/python.txt"
            ;;
        *)
            echo "unknown capture: $capture" >&2
            exit 2
            ;;
    esac
    if [ -n "$pid" ]; then
        kill "$pid"
        wait "$pid" 2>/dev/null || true
        pid=""
    fi
done
