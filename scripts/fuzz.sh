#!/usr/bin/env bash
# Fuzzes one target for some seconds: `scripts/fuzz.sh promql_parse [600]`. It begins with the inputs of fuzz/seeds/TARGET.tar.xz and adds what it finds
# interesting to fuzz/corpus/TARGET; `cargo fuzz cmin` thins that out and `tar` packs it again. Builds cargo-fuzz into the user's cache if it is not there; the stable compiler is told to allow its flags.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:?which target? $(ls fuzz/fuzz_targets | sed 's/\.rs$//' | tr '\n' ' ')}
seconds=${2:-600}
tools="${XDG_CACHE_HOME:-$HOME/.cache}/bellwether/tools"
[ -x "$tools/bin/cargo-fuzz" ] || cargo install cargo-fuzz --locked --quiet --root "$tools"
if [ ! -d "fuzz/corpus/$target" ]; then
    mkdir -p fuzz/corpus
    tar -C fuzz/corpus -xJf "fuzz/seeds/$target.tar.xz"
fi
export PATH="$tools/bin:$PATH" RUSTC_BOOTSTRAP=1
# Without the address sanitizer: what is fuzzed has no unsafe code, and it would halve the speed.
exec cargo fuzz run --sanitizer none "$target" -- -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096
