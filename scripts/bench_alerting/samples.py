"""Samples of static gauges and steady counters, sent by remote write, so that all servers hold the same ones."""

import struct
import threading
import time
from typing import Self

from connection import Connection, HttpError, post_head

METRICS = 100
SERIES_PER_METRIC = 20
STEP_S = 15
# So many steps are there when the rules begin.
STEPS_BEFORE = 8
HEADERS = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n"


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, payload: bytes) -> bytes:
    """A protobuf field with a length."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def snappy(data: bytes) -> bytes:
    """`data` in the block format of snappy, as literals only."""
    out = [varint(len(data))]
    for at in range(0, len(data), 1 << 16):
        part = data[at : at + (1 << 16)]
        out += [bytes([61 << 2]), struct.pack("<H", len(part) - 1), part]
    return b"".join(out)


def series() -> list[tuple[bytes, int, bool]]:
    """All series: their labels as fields, what distinguishes their values, and whether they are counters."""
    found = []
    for metric in range(METRICS):
        for n in range(SERIES_PER_METRIC):
            for kind in ("gauge", "counter"):
                labels = {
                    "__name__": f"bench_{kind}_{metric}",
                    "instance": f"host-{n}.eu-west.example:9100",
                    "job": "bench",
                    "region": f"region-{n % 4}",
                    "shard": str(n % 7),
                }
                fields = (field(1, name.encode()) + field(2, value.encode()) for name, value in labels.items())
                found.append((b"".join(field(1, it) for it in fields), metric * SERIES_PER_METRIC + n + 1, kind == "counter"))
    return found


class Feeder:
    """Sends a sample of each series for every step, one step ahead, so that no rule waits for one."""

    def __init__(self, port: int, after: Self | None = None):
        """Goes on where the one before, `after`, was stopped."""
        self.port, self.series, self.stopped, self.failure = port, series(), threading.Event(), None
        self.step = after.step if after else int(time.time()) // STEP_S - STEPS_BEFORE
        self.feed()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def feed(self) -> None:
        """Sends what is due."""
        with Connection(self.port) as connection:
            while self.step <= time.time() // STEP_S + 1:
                at_s = self.step * STEP_S
                parts = []
                for labels, n, is_counter in self.series:
                    value = float(n * at_s if is_counter else n)
                    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + varint(at_s * 1000)
                    parts.append(field(1, labels + field(2, sample)))
                body = snappy(b"".join(parts))
                status, answer = connection.exchange(post_head("/api/v1/write", len(body), HEADERS) + body)
                if status // 100 != 2:
                    raise HttpError(f"remote write: {status} {answer[:300]!r}")
                self.step += 1

    def _run(self) -> None:
        while not self.stopped.wait(1):
            try:
                self.feed()
            except (OSError, HttpError) as error:
                self.failure = error
                return

    def stop(self) -> None:
        """Ends it. Raises what went wrong."""
        self.stopped.set()
        self.thread.join()
        if self.failure:
            raise self.failure
