"""The router: alerts that come in over HTTP, who is told, what is listed, and what a kill leaves."""

import json
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from connection import Connection, HttpError, post_head
from measure import percentile, wait_for
from receiver import Receiver
from server import Server

ROUTES = 50
RECEIVERS = 5
SILENCES = 100
# Alerts that mute others; they come first, so that nobody is told of what they mute.
SOURCES = 20
ALERTS_PER_GROUP = 50
ALERTS_PER_POST = 64
CONNECTIONS = 4
GROUP_WAIT_S = 1
LISTINGS = 5
TOLD_WITHIN_S = 120
# An end that moves on with each request, as Prometheus sends it, and far enough away for all phases.
FIRES_FOR_S = 600
END = b"2000-01-01T00:00:00.000Z"


@dataclass
class Profile:
    """`distinct` alerts are sent again and again until `posted` were, `fresh` others one by one."""

    distinct: int
    posted: int
    fresh: int


PROFILES = {
    "quick": Profile(distinct=1_000, posted=10_000, fresh=3),
    "small": Profile(distinct=10_000, posted=200_000, fresh=10),
    "large": Profile(distinct=100_000, posted=500_000, fresh=10),
}


def timestamp(at_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s)) + f".{int(at_s * 1000) % 1000:03}Z"


def configuration(port: int) -> str:
    """The `alertmanager.yml` for a webhook on `port`. JSON is YAML."""
    route = {
        "receiver": "r0",
        "group_by": ["alertname", "cluster"],
        "group_wait": f"{GROUP_WAIT_S}s",
        "group_interval": "5s",
        "repeat_interval": "4h",
        "routes": [
            {"matchers": [f'team="team-{n}"'], "receiver": f"r{n % RECEIVERS}"}
            if n % 2
            else {"matchers": [f'team=~"(team|group)-{n}"', 'severity=~"warning|critical"'], "receiver": f"r{n % RECEIVERS}"}
            for n in range(ROUTES)
        ],
    }
    inhibit = [
        {
            "source_matchers": [f'alertname="Down{n}"'],
            "target_matchers": ['severity="warning"', f'service="service-{n}"'],
            "equal": ["cluster"],
        }
        for n in range(5)
    ]
    hooks = [{"name": f"r{n}", "webhook_configs": [{"url": f"http://127.0.0.1:{port}/"}]} for n in range(RECEIVERS)]
    return json.dumps({"route": route, "receivers": hooks, "inhibit_rules": inhibit})


def alert(n: int, profile: Profile, now_s: float) -> dict:
    """Alert number `n`. Its end is a placeholder."""
    clusters = max(1, profile.distinct // ROUTES // ALERTS_PER_GROUP)
    cluster = n // ROUTES % clusters
    name, severity = f"Alert{n % ROUTES}", "critical" if n % 3 == 0 else "warning"
    if n < SOURCES:
        name, severity, cluster = f"Down{n % 5}", "critical", n // 5 % clusters
    return {
        "labels": {
            "alertname": name,
            "cluster": f"cluster-{cluster}",
            "instance": f"host-{n}.eu-west.example:9100",
            "job": "node",
            "n": str(n),
            "service": f"service-{n % 40}",
            "severity": severity,
            "team": f"team-{n % ROUTES}",
        },
        "annotations": {
            "summary": f"host-{n} answers too slowly",
            "description": "The 99th percentile of the last five minutes is above what was promised to those who use it.",
            "runbook_url": f"https://runbooks.example/{name}",
        },
        "startsAt": timestamp(now_s),
        "endsAt": END.decode(),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=latency+%3E+1&g0.tab=1",
    }


def silence(n: int, now_s: float) -> dict:
    """Silence number `n`, over one label set of some alerts."""
    matchers = [("alertname", f"Alert{n % ROUTES}"), ("service", f"service-{n % 40}"), ("cluster", f"cluster-{n % 7}")]
    return {
        "matchers": [{"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in matchers],
        "startsAt": timestamp(now_s),
        "endsAt": timestamp(now_s + 86_400),
        "createdBy": "bench",
        "comment": f"silence {n}",
    }


def told_numbers(alerts: list[dict]) -> set[str]:
    """The numbers of the alerts that are neither silenced nor inhibited."""
    labels = [it["labels"] for it in alerts]
    silenced = {tuple(m["value"] for m in silence(n, 0)["matchers"]) for n in range(SILENCES)}
    sources = {(it["alertname"], it["cluster"]) for it in labels if it["alertname"].startswith("Down")}

    def is_told(it: dict) -> bool:
        down = "Down" + it["service"].removeprefix("service-")
        is_inhibited = it["severity"] == "warning" and (down, it["cluster"]) in sources
        return not is_inhibited and (it["alertname"], it["service"], it["cluster"]) not in silenced

    return {it["n"] for it in labels if is_told(it)}


def make_silence(connection: Connection, n: int) -> str:
    """Makes a silence. Returns its id."""
    status, body = connection.post_json("/api/v2/silences", silence(n, time.time()))
    if status != 200:
        raise HttpError(f"POST silences: {status} {body[:300]!r}")
    return json.loads(body)["silenceID"]


class Poster:
    """Sends the same alerts again and again over some connections, as fast as they are taken."""

    def __init__(self, profile: Profile, now_s: float):
        alerts = [alert(n, profile, now_s) for n in range(profile.distinct)]
        self.told = told_numbers(alerts)
        batches = [alerts[at : at + ALERTS_PER_POST] for at in range(0, len(alerts), ALERTS_PER_POST)]
        self.bodies = [(len(batch), json.dumps(batch).encode()) for batch in batches]

    def post_all(self, port: int, rounds: int) -> tuple[float, list[float]]:
        """Sends all alerts `rounds` times. Returns how many seconds that took, and how many each request did."""
        latencies, failures = [], []

        def work(mine: list[tuple[int, bytes]]) -> None:
            try:
                with Connection(port) as connection:
                    for _ in range(rounds):
                        for _, body in mine:
                            end = timestamp(time.time() + FIRES_FOR_S).encode()
                            request = post_head("/api/v2/alerts", len(body)) + body.replace(END, end)
                            began = time.perf_counter()
                            status, answer = connection.exchange(request)
                            latencies.append(time.perf_counter() - began)
                            if status != 200:
                                raise HttpError(f"POST alerts: {status} {answer[:300]!r}")
            except (OSError, HttpError) as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(self.bodies[n::CONNECTIONS],)) for n in range(CONNECTIONS)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return time.perf_counter() - began, latencies


def numbers(server: Server, query: str) -> set[str]:
    """The numbers of the alerts that are listed."""
    return {it["labels"]["n"] for it in server.get(f"/api/v2/alerts?{query}")}


def listing(server: Server, path: str, result: dict, name: str) -> None:
    """How long a listing takes, to its last byte, and how much processor time."""
    took = []
    before_s = server.cpu_s()
    with Connection(server.port) as connection:
        for _ in range(LISTINGS):
            began = time.perf_counter()
            status, body = connection.get(path)
            took.append(time.perf_counter() - began)
            if status != 200:
                raise HttpError(f"GET {path}: {status} {body[:300]!r}")
    result[f"GET {name}: p50 ms"] = percentile(took, 0.5) * 1000
    result[f"GET {name}: CPU ms"] = (server.cpu_s() - before_s) / LISTINGS * 1000


def fresh_delays(server: Server, receiver: Receiver, profile: Profile) -> list[float]:
    """How long after they were sent alerts of new groups are told, in seconds."""
    sent_s = {}
    with Connection(server.port) as connection:
        for n in range(profile.fresh):
            it = alert(SOURCES + 1, profile, time.time())
            it["labels"] |= {"n": f"fresh{n}", "alertname": f"Fresh{n}", "service": "fresh"}
            it["endsAt"] = timestamp(time.time() + FIRES_FOR_S)
            sent_s[it["labels"]["n"]] = time.time()
            connection.post_json("/api/v2/alerts", [it])
            time.sleep(0.05)
    wait_for("fresh alerts told", lambda: sent_s.keys() <= receiver.told()[1].keys(), TOLD_WITHIN_S)
    told = receiver.told()[1]
    return [told[n] - at_s for n, at_s in sent_s.items()]


def restart(server: Server, receiver: Receiver, poster: Poster, result: dict) -> None:
    """`kill -9` right after silences were acknowledged, and what is still known then."""
    known = len(server.get("/api/v2/alerts"))
    with Connection(server.port) as connection:
        ids = {make_silence(connection, SILENCES + n) for n in range(20)}
    server.kill()
    result["restart: ready s"] = server.start()
    kept = {it["id"] for it in server.get("/api/v2/silences")}
    result["restart: silences lost of 20"] = len(ids - kept)
    result["restart: alerts lost"] = known - len(server.get("/api/v2/alerts"))
    before = receiver.told()[0]
    poster.post_all(server.port, 1)
    time.sleep(GROUP_WAIT_S + 3)
    result["restart: messages told again"] = receiver.told()[0] - before


def run(make_server, profile: Profile, folder: Path) -> tuple[dict, dict]:
    """Measures one server, which `make_server(configuration file, folder)` makes. Returns figures, and what must be equal for all servers."""
    receiver = Receiver()
    folder.mkdir(parents=True)
    file = folder / "alertmanager.yml"
    file.write_text(configuration(receiver.port))
    server = make_server(file, folder)
    result = {}
    try:
        server.start()
        now_s = time.time()
        with Connection(server.port) as connection:
            for n in range(SILENCES):
                make_silence(connection, n)
        poster = Poster(profile, now_s)
        before_s = server.cpu_s()
        rounds = profile.posted // profile.distinct
        took_s, latencies = poster.post_all(server.port, rounds)
        posted = rounds * profile.distinct
        result["POST: alerts/s"] = posted / took_s
        result["POST: p50 ms"] = percentile(latencies, 0.5) * 1000
        result["POST: p99 ms"] = percentile(latencies, 0.99) * 1000
        wait_for("all alerts told", lambda: poster.told <= receiver.told()[1].keys(), TOLD_WITHIN_S)
        result["POST to told: CPU-s per 1M alerts"] = (server.cpu_s() - before_s) / posted * 1e6
        result["POST to told: peak RSS MiB"] = server.peak_mib()
        told = set(receiver.told()[1])
        listing(server, "/api/v2/alerts", result, "alerts")
        listing(server, "/api/v2/alerts/groups", result, "alerts/groups")
        result["GET: peak RSS MiB"] = server.peak_mib()
        delays = fresh_delays(server, receiver, profile)
        result["fresh alert to webhook: p50 ms"] = percentile(delays, 0.5) * 1000
        result["fresh alert to webhook: worst ms"] = max(delays) * 1000
        fresh = {f"fresh{n}" for n in range(profile.fresh)}
        active = numbers(server, "silenced=false&inhibited=false")
        groups = server.get("/api/v2/alerts/groups")
        for what, wrong in (("active", active ^ (poster.told | fresh)), ("told", told ^ poster.told)):
            if wrong:
                raise SystemExit(f"{server.name}: {len(wrong)} alerts are {what} against the configuration, or are not: {sorted(wrong)[:10]}")
        same = {
            "alerts": len(numbers(server, "")),
            "groups": sorted((json.dumps(it["labels"]), it["receiver"]["name"], len(it["alerts"])) for it in groups),
        }
        restart(server, receiver, poster, result)
        return result, same
    finally:
        server.remove()
        receiver.stop()
