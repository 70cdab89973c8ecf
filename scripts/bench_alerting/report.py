"""What came out, as a table and as JSON."""

import json
import statistics
from collections.abc import Iterable

# More of these is better; less is of all others.
MORE_IS_BETTER = ("alerts/s",)


def median(runs: list[dict]) -> dict:
    """The median of each figure over several runs."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def spelled(value: float) -> str:
    """A number with three significant digits."""
    if value == 0 or value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def ratio(name: str, ours: float, theirs: float) -> str:
    """Ours by theirs; `!` marks the wrong side of one."""
    if theirs == 0:
        return "-" if ours == 0 else "!"
    is_worse = ours < theirs if name.endswith(MORE_IS_BETTER) else ours > theirs
    return f"{ours / theirs:.2f}x" + (" !" if is_worse else "")


def table(peer: str, theirs: dict, ours: dict) -> Iterable[str]:
    """Lines of a table in Markdown."""
    yield f"| measure | {peer} | bellwether | bellwether / {peer} |"
    yield "|---|---|---|---|"
    for name, value in theirs.items():
        yield f"| {name} | {spelled(value)} | {spelled(ours[name])} | {ratio(name, ours[name], value)} |"


def differences(peer: str, theirs: dict, ours: dict) -> list[str]:
    """In what the results of both differ that must not."""
    found = []
    for name, value in theirs.items():
        if not is_close(value, ours[name]):
            found.append(f"{name}: {peer} {excerpt(value, ours[name])}, bellwether {excerpt(ours[name], value)}")
    return found


def is_close(a, b) -> bool:
    """Whether both are the same, numbers in objects to 1e-9."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(abs(a[key] - b[key]) <= 1e-9 * abs(a[key]) for key in a)
    return a == b


def excerpt(value, other) -> str:
    """What only `value` has, not all of it."""
    if isinstance(value, list):
        known = {json.dumps(it) for it in other}
        value = [it for it in value if json.dumps(it) not in known]
    elif isinstance(value, dict):
        value = {key: number for key, number in value.items() if key not in other or not is_close({0: number}, {0: other[key]})}
    return json.dumps(value)[:300]
