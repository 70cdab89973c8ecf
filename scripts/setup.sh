#!/usr/bin/env bash
# Installs what one task needs and is not there yet: `scripts/setup.sh TASK...`, where a task is
#   build   a C compiler for the few dependencies written in C
#   node    checks Node.js
#   peers   the programs that tests talk to: Prometheus, promtool, amtool, Pushgateway, node exporter, Chromium, PostgreSQL
#   rivals  the servers that benchmarks compare with: Prometheus, VictoriaMetrics
#   python  the Python packages of the tests, in .venv
#   counts  valgrind, which counts instructions
#   deny    cargo-deny, in the user's cache
# Debian packages are installed when run as root; otherwise the missing ones are named.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="${XDG_CACHE_HOME:-$HOME/.cache}/bellwether/tools"

say() { echo "==> $*"; }

# need_packages COMMAND:PACKAGE... installs each package whose command is missing.
need_packages() {
    local missing=()
    local pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        echo "These Debian packages are missing: ${missing[*]}" >&2
        echo "Install them with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    # The packages must not start services of their own: the tests start the programs on loopback themselves.
    local policy=/usr/sbin/policy-rc.d
    local made_policy=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        made_policy=1
    fi
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    [ -z "$made_policy" ] || rm -f "$policy"
}

setup_build() {
    need_packages cc:gcc make:make
    command -v cargo >/dev/null 2>&1 || {
        echo "Rust is missing: install Rust 1.95 or later with rustup." >&2
        exit 1
    }
}

setup_node() {
    command -v node >/dev/null 2>&1 || {
        echo "Node.js is missing: install Node.js 20.19 or later." >&2
        exit 1
    }
}

setup_peers() {
    need_packages prometheus:prometheus promtool:prometheus prometheus-node-exporter:prometheus-node-exporter \
        amtool:prometheus-alertmanager prometheus-pushgateway:prometheus-pushgateway chromium:chromium curl:curl \
        /usr/lib/postgresql/15/bin/postgres:postgresql-15
}

setup_rivals() {
    need_packages prometheus:prometheus victoria-metrics:victoria-metrics
}

setup_counts() {
    need_packages valgrind:valgrind
}

setup_python() {
    local stamp=.venv/.installed
    if [ ! -e "$stamp" ] || [ tests/requirements.txt -nt "$stamp" ]; then
        say "installing the Python packages of the tests"
        python3 -m venv .venv 2>/dev/null || { need_packages python3-venv-missing:python3-venv; python3 -m venv .venv; }
        .venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
        touch "$stamp"
    fi
}

setup_deny() {
    local version=0.20.2
    if [ "$("$tools/bin/cargo-deny" --version 2>/dev/null)" != "cargo-deny $version" ]; then
        say "building cargo-deny $version (once, about a minute)"
        # The advisory database is not used here, so its git client need not be built; nor need it be fast.
        cargo install cargo-deny --version "$version" --locked --no-default-features --debug --quiet --root "$tools"
    fi
}

for task in "$@"; do
    case "$task" in
        build | node | peers | rivals | python | counts | deny) "setup_$task" ;;
        *) echo "unknown task: $task" >&2; exit 2 ;;
    esac
done
