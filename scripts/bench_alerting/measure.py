"""Small things that all parts of the benchmark need."""

import time
from collections.abc import Callable


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def wait_for(what: str, is_so: Callable[[], bool], within_s: float, every_s: float = 0.1) -> float:
    """Waits until something is so. Returns after how many seconds it was."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > within_s:
            raise SystemExit(f"{what}: not within {within_s:.0f} s")
        time.sleep(every_s)
    return time.monotonic() - began
