"""The rules: what a round of evaluations costs, and what a kill leaves of the alerts."""

import json
import math
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connection import Connection
from measure import wait_for
from samples import METRICS, SERIES_PER_METRIC, Feeder
from server import Server

RULES_PER_GROUP = 50
# Every so many alerting rules one has alerts that are pending all the time.
PENDING_EVERY = 10


@dataclass
class Profile:
    """Every other rule is an alerting one, with an alert for each of 20 series. But for `quick`, alerts are sent again once during the rounds."""

    rules: int
    interval_s: int
    rounds: int

    @property
    def alerts(self) -> int:
        return self.rules // 2 * SERIES_PER_METRIC


PROFILES = {
    "quick": Profile(rules=100, interval_s=1, rounds=3),
    "small": Profile(rules=1_000, interval_s=10, rounds=6),
    "large": Profile(rules=10_000, interval_s=30, rounds=2),
}

RECORDED = (
    "sum by (region) (rate(bench_counter_{m}[1m]))",
    "max by (region) (max_over_time(bench_gauge_{m}[1m]))",
    "sum(bench_gauge_{m}) / count(bench_gauge_{m})",
    "quantile by (region) (0.9, bench_gauge_{m})",
    "bench_gauge_{m} * on (instance) group_left () (bench_gauge_0 * 2)",
)


def rule(n: int) -> dict:
    """Rule number `n`."""
    metric = n // 2 % METRICS
    if n % 2 == 0:
        return {"record": f"bench:recorded:{n}", "expr": RECORDED[n // 2 % len(RECORDED)].replace("{m}", str(metric))}
    waits = {"for": "1h"} if n // 2 % PENDING_EVERY == 0 else {}
    return {
        "alert": f"Alert{n}",
        "expr": f"bench_gauge_{metric} > 0",
        **waits,
        "labels": {"severity": "page", "team": "team-{{ $labels.shard }}"},
        "annotations": {"summary": "{{ $labels.instance }} has {{ $value | humanize }}"},
    }


def rule_file(profile: Profile) -> str:
    """The rule file. JSON is YAML."""
    groups = [
        {"name": f"group{at}", "interval": f"{profile.interval_s}s", "rules": [rule(n) for n in range(at, at + RULES_PER_GROUP)]}
        for at in range(0, profile.rules, RULES_PER_GROUP)
    ]
    return json.dumps({"groups": groups}, indent=1)


ROUTES = json.dumps({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]})


def metrics(server: Server) -> list[tuple[str, float]]:
    """What the server tells about its rules on `/metrics`, group by group, without the prefix of its name."""
    with Connection(server.port) as connection:
        text = connection.get("/metrics")[1].decode()
    rows = re.findall(r"^(?:prometheus|bellwether)_(rule_\w+)(?:\{[^\n]*\})? (\S+)$", text, re.M)
    return [(name, float(value)) for name, value in rows if not math.isnan(float(value))]


def least_rounds(server: Server, profile: Profile) -> float:
    """How many rounds each group has had at least since the server was started."""
    rounds = [value for name, value in metrics(server) if name == "rule_group_iterations_total"]
    return min(rounds) if len(rounds) == profile.rules // RULES_PER_GROUP else 0


def counters(server: Server) -> dict[str, float]:
    """The sums over all groups."""
    sums: dict[str, float] = {}
    for name, value in metrics(server):
        sums[name] = sums.get(name, 0) + value
    # Each has a name of its own for how long all evaluations took.
    sums["seconds"] = sums.get("rule_group_duration_seconds_sum", sums.get("rule_group_evaluation_seconds_total", 0))
    return sums


def alerts(server: Server) -> list[dict]:
    return server.get("/api/v1/alerts")["data"]["alerts"]


def started(listed: list[dict]) -> dict[str, float]:
    """Since when alerts are active, in seconds since the Unix epoch, by state and labels."""
    # Python reads no more than six digits of a second.
    at = {it["state"] + json.dumps(it["labels"], sort_keys=True): re.sub(r"(\.\d{6})\d+", r"\1", it["activeAt"]) for it in listed}
    return {key: datetime.fromisoformat(text).timestamp() for key, text in at.items()}


def recorded(server: Server) -> dict[str, float]:
    """What all recording rules have recorded."""
    query = "%7B__name__%3D~%22bench:recorded:.*%22%7D"
    rows = server.get(f"/api/v1/query?query={query}")["data"]["result"]
    return {json.dumps(row["metric"], sort_keys=True): float(row["value"][1]) for row in rows}


def restart(server: Server, profile: Profile, feeder: Feeder, result: dict) -> None:
    """`kill -9`, and whose alerts began anew."""
    before = started(alerts(server))
    server.kill()
    killed_s = time.time()
    result["restart: ready s"] = server.start()
    feeder = Feeder(server.port, feeder)
    # Prometheus looks for the past of its alerts in the second round of each group.
    wait_for("rounds after the restart", lambda: least_rounds(server, profile) >= 3, 10 * profile.interval_s + 60, 1)
    after = started(alerts(server))
    feeder.stop()
    # The time that it was away may count or not.
    lost = [key for key in before if after.get(key, math.inf) > killed_s]
    result["restart: pending alerts that began anew"] = sum(key.startswith("pending") for key in lost)
    result["restart: firing alerts that began anew"] = sum(key.startswith("firing") for key in lost)


def run(make_servers, profile: Profile, folder: Path) -> tuple[dict, dict]:
    """Measures one server, or one beside an Alertmanager of its own. Returns figures, and what must be equal for all."""
    folder.mkdir(parents=True)
    (folder / "rules.yml").write_text(rule_file(profile))
    (folder / "alertmanager.yml").write_text(ROUTES)
    servers: list[Server] = make_servers(folder)
    server = servers[0]
    result = {}
    try:
        for it in reversed(servers):
            it.start()
        feeder = Feeder(server.port)
        patience_s = 6 * profile.interval_s + 60
        wait_for("all alerts active", lambda: len(alerts(server)) == profile.alerts, patience_s, 1)
        # The rounds that raise alerts and make series are over.
        groups = profile.rules / RULES_PER_GROUP
        n = counters(server)["rule_group_iterations_total"] + groups
        wait_for("another round", lambda: counters(server)["rule_group_iterations_total"] >= n, patience_s, 0.2)
        before, before_s = counters(server), [it.cpu_s() for it in servers]
        time.sleep(profile.rounds * profile.interval_s)
        after, after_s = counters(server), [it.cpu_s() for it in servers]
        rounds = (after["rule_group_iterations_total"] - before["rule_group_iterations_total"]) / groups
        took_s = [(b - a) / rounds for a, b in zip(before_s, after_s, strict=True)]
        result["CPU-s per round"] = took_s[0]
        result["CPU-s per round, with the router"] = sum(took_s)
        result["evaluations as it tells them, s per round"] = (after["seconds"] - before["seconds"]) / rounds
        result["missed iterations"] = after["rule_group_iterations_missed_total"]
        result["failures"] = after["rule_evaluation_failures_total"]
        result["peak RSS MiB"] = server.peak_mib()
        result["peak RSS MiB, with the router"] = sum(it.peak_mib() for it in servers)
        feeder.stop()
        same = {"alerts": sorted(started(alerts(server))), "recorded": recorded(server)}
        restart(server, profile, feeder, result)
        return result, same
    finally:
        for it in servers:
            it.remove()
