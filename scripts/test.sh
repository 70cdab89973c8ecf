#!/usr/bin/env bash
# Runs every check and test, or only the named groups: lint rust ui conformance e2e bench counts.
# Each group goes on after a failure of another; the last lines count what ran, and the last of them is
# "N passed, N failed" for programs that read it.
set -uo pipefail
cd "$(dirname "$0")/.."

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(lint rust ui conformance e2e bench counts)

target="${CARGO_TARGET_DIR:-target}"
logs="$target/test-logs"
mkdir -p "$logs"
tools="${XDG_CACHE_HOME:-$HOME/.cache}/bellwether/tools"
export PATH="$tools/bin:$PATH"
export CARGO_TERM_COLOR=never NO_COLOR=1
# The tests find the Python packages here.
export BELLWETHER_PYTHON="$PWD/.venv/bin/python3"

passed=0
failed=0
skipped=0
summary=()

say() { echo "==> $*"; }

# run NAME COMMAND...: shows the output, keeps it, and counts the tests that it reports; a command without tests counts as one check, and one that ends
# with status 77 was skipped because something that it needs is not on this machine.
run() {
    local name=$1 log="$logs/${1// /-}.log" status ok bad
    shift
    say "$name"
    local started=$SECONDS
    "$@" 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    if [ "$status" -eq 77 ]; then
        skipped=$((skipped + 1))
        summary+=("$(printf '%-28s skipped: %s' "$name" "$(tail -n 1 "$log")")")
        return
    fi
    ok=$(sed -nE 's/^test result: .* ([0-9]+) passed; .*/\1/p; s/^ *Tests .* ([0-9]+) passed.*/\1/p; s/^ *Tests +([0-9]+) passed.*/\1/p; s/^([a-z0-9-]+: )?([0-9]+) passed, [0-9]+ failed.*/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
    bad=$(sed -nE 's/^test result: .* ([0-9]+) failed; .*/\1/p; s/^ *Tests +([0-9]+) failed.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    if [ "$ok" -eq 0 ] && [ "$bad" -eq 0 ]; then
        if [ "$status" -eq 0 ]; then ok=1; else bad=1; fi
    elif [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    summary+=("$(printf '%-28s %5d passed %3d failed %5ds' "$name" "$ok" "$bad" $((SECONDS - started)))")
}

conformance() {
    if [ -z "${CONFORMANCE_DIR:-}" ] && [ ! -d ../shared/conformance ]; then
        echo "../shared/conformance is not here; set CONFORMANCE_DIR to run it"
        return 77
    fi
    cargo run --quiet --locked -p xtask -- conformance
}

for group in "${groups[@]}"; do
    case "$group" in
        lint)
            run "set-up of lint" scripts/setup.sh build node deny
            run "Rust formatting" cargo fmt --all --check
            run "Rust lints" cargo clippy --workspace --all-targets --all-features --locked --quiet -- -D warnings
            run "dependencies" cargo deny --log-level error check licenses bans sources
            run "UI packages" make --no-print-directory ui/node_modules/.installed
            run "UI formatting and types" npm --prefix ui run --silent check
            ;;
        rust)
            run "set-up of the peers" scripts/setup.sh build peers python
            run "UI build" make --no-print-directory ui
            run "Rust tests" cargo test --workspace --locked --quiet --no-fail-fast
            run "orders of steps" scripts/orders.sh
            ;;
        ui)
            run "UI unit tests" npm --prefix ui test --silent
            ;;
        conformance)
            run "conformance" conformance
            ;;
        e2e)
            run "set-up of the browser" scripts/setup.sh build node peers python
            run "release build" make --no-print-directory build
            run "browser tests" scripts/e2e.sh
            ;;
        bench)
            run "set-up of the benchmark" scripts/setup.sh build peers python
            run "release build" make --no-print-directory build
            run "benchmark, tiny profile" scripts/bench-check.sh
            ;;
        counts)
            run "set-up of the counts" scripts/setup.sh build counts
            run "instruction counts" scripts/counts.sh check
            ;;
        *)
            echo "unknown group: $group" >&2
            exit 2
            ;;
    esac
done

echo
printf '%s\n' "${summary[@]}"
echo
if [ "$skipped" -eq 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" -eq 0 ]
