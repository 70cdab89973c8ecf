"""Alerting beside the peers, in turns on this machine: the router beside Debian's Alertmanager, the rules beside Debian's Prometheus.

No figure counts unless the results are the same. `docs/benchmarks.md` tells what is measured.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import report
import router
import rules
from server import Server


def bellwether(binary: str, folder: Path, alertmanager: Path, config: str) -> Server:
    (folder / "bellwether.yml").write_text(config)
    flags = ["--config.file=bellwether.yml", f"--alertmanager.config.file={alertmanager}", "--storage.tsdb.path=data"]
    return Server("bellwether", [binary, "serve", *flags, "--log.level=warn", "--web.listen-address=127.0.0.1:{port}"], folder)


def alertmanager(file: Path, folder: Path) -> Server:
    flags = [f"--config.file={file}", "--storage.path=alertmanager", "--cluster.listen-address=", "--log.level=warn"]
    return Server("alertmanager", ["prometheus-alertmanager", *flags, "--web.listen-address=127.0.0.1:{port}"], folder)


def prometheus_and_alertmanager(folder: Path) -> list[Server]:
    router_of_it = alertmanager(folder / "alertmanager.yml", folder / "alertmanager")
    alerting = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{router_of_it.port}"]}]}]}
    (folder / "prometheus.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "alerting": alerting}))
    flags = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.enable-remote-write-receiver", "--log.level=warn"]
    prometheus = Server("prometheus", ["prometheus", *flags, "--web.listen-address=127.0.0.1:{port}"], folder)
    return [prometheus, router_of_it]


def bellwether_alone(binary: str, folder: Path) -> list[Server]:
    config = json.dumps({"rule_files": ["rules.yml"], "rules": {"builtin_alerts": False}})
    return [bellwether(binary, folder, folder / "alertmanager.yml", config)]


def compare(
    part: str, peer: str, theirs: Callable, ours: Callable, repeats: int, folder: Path
) -> tuple[dict[str, dict], list[str]]:
    """Runs both in turns. Returns the medians by server, and in what they differ."""
    runs, differences = {peer: [], "bellwether": []}, []
    for turn in range(repeats):
        same = {}
        for name, run in ((peer, theirs), ("bellwether", ours)):
            print(f"==> {part}: {name}, turn {turn + 1} of {repeats}", file=sys.stderr, flush=True)
            figures, same[name] = run(folder / f"{part}-{name}-{turn}")
            runs[name].append(figures)
        differences += report.differences(peer, same[peer], same["bellwether"])
    return {name: report.median(figures) for name, figures in runs.items()}, differences


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binary", help="the binary of bellwether")
    parser.add_argument("--profile", choices=router.PROFILES, default="small")
    parser.add_argument("--parts", choices=("router", "rules", "all"), default="all")
    parser.add_argument("--repeats", type=int, default=1, help="turns of each; the medians count")
    parser.add_argument("--json", type=Path, help="where the figures go")
    args = parser.parse_args()
    binary = str(Path(args.binary).resolve())
    no_config = json.dumps({"rules": {"builtin_alerts": False}})
    parts = {
        "router": (
            "alertmanager",
            lambda folder: router.run(alertmanager, router.PROFILES[args.profile], folder),
            lambda folder: router.run(
                lambda file, folder: bellwether(binary, folder, file, no_config), router.PROFILES[args.profile], folder
            ),
        ),
        "rules": (
            "prometheus",
            lambda folder: rules.run(prometheus_and_alertmanager, rules.PROFILES[args.profile], folder),
            lambda folder: rules.run(lambda folder: bellwether_alone(binary, folder), rules.PROFILES[args.profile], folder),
        ),
    }
    found, differences = {}, []
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-alerting-") as folder:
        for part, (peer, theirs, ours) in parts.items():
            if args.parts in (part, "all"):
                found[part], differ = compare(part, peer, theirs, ours, args.repeats, Path(folder))
                differences += [f"{part}: {it}" for it in differ]
                print(f"\n### {part}, profile `{args.profile}`: {getattr(sys.modules[part], 'PROFILES')[args.profile]}\n")
                print("\n".join(report.table(peer, found[part][peer], found[part]["bellwether"])))
    if args.json:
        args.json.write_text(json.dumps({"profile": args.profile, "figures": found, "differences": differences}, indent=2))
    print("\n" + ("\n".join(f"DIFFERENT {it}" for it in differences) or "results are the same"))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
