"""Judges a benchmark result: nothing lost, nothing refused, every query exact. One line per check, then the count."""

import json
import sys

result = json.load(open(sys.argv[1]))
phases = result["phases"]
checks = [
    ("writes refused", phases["ingest"]["errors"] == 0, phases["ingest"]["error_examples"]),
    (
        "samples stored",
        phases["ingest"]["stored_samples"] == phases["ingest"]["samples"],
        f"{phases['ingest']['stored_samples']} of {phases['ingest']['samples']}",
    ),
    ("errors under load", phases["load"]["errors"] == 0, phases["load"]["error_examples"]),
    (
        "acknowledged samples kept through kill -9",
        phases["restart"]["lost_acked_samples"] == 0,
        phases["restart"]["lost_acked_samples"],
    ),
    ("scrape targets up", phases["scrape"]["targets_up"] == phases["scrape"]["targets"], phases["scrape"]["targets_up"]),
]
checks += [
    (f"query {name}", query.get("verdict") == "exact", query) for name, query in sorted(phases["query"]["queries"].items())
]
failed = 0
for name, ok, detail in checks:
    failed += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {name}" + ("" if ok else f": {detail}"))
print(f"{len(checks) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
