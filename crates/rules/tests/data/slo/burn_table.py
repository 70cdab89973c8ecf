#!/usr/bin/env python3
"""Works out what the rules of an objective must yield, in fractions and without any of the program's code.

    python3 burn_table.py > burn_table.json

A service counts requests, and those that are good, and is scraped every minute. The objective is 99.9 % over 30 days. The rules are evaluated every minute, too.
"""

import json
from fractions import Fraction

MINUTES = 200
OBJECTIVE = Fraction(999, 1000)

# From which minute on how many requests a minute there are, and how many of them are bad.
PHASES = [(0, 1000, 0), (20, 1000, 3), (70, 800, 40), (85, 50, 0), (100, 0, 0), (120, 1200, 1), (150, 900, 900), (153, 2000, 2)]
# The process starts anew in this minute, so that its counters begin at zero.
RESTART = 137


def phase(minute):
    return [p for p in PHASES if p[0] <= minute][-1]


def counters():
    total, good = [5000], [4990]
    for minute in range(1, MINUTES + 1):
        _, requests, bad = phase(minute)
        total_before, good_before = (0, 0) if minute == RESTART else (total[-1], good[-1])
        total.append(total_before + requests)
        good.append(good_before + requests - bad)
    return total, good


def increase(values, minute):
    """The increase within the five minutes that end at a minute, as the documentation of Prometheus has it: the first sample is a minute behind the start of the window, which is no sample's
    distance too much, so that the increase is taken to go on there at the same speed; but not to below zero. None with less than two samples."""
    window = [values[m] for m in range(max(minute - 4, 0), minute + 1)]
    if len(window) < 2:
        return None
    grown = Fraction(0)
    for before, after in zip(window, window[1:]):
        grown += after - before if after >= before else after
    sampled = Fraction(len(window) - 1)
    # Before minute 0 there is nothing, and no sample for more than 1.1 distances: half a distance is added then.
    to_start = Fraction(5) - sampled
    if to_start > Fraction(11, 10):
        to_start = Fraction(1, 2)
    if grown > 0:
        to_start = min(to_start, sampled * window[0] / grown)
    return grown * (sampled + to_start) / sampled


def main():
    total, good = counters()
    all_events, bad_events = {}, {}
    for minute in range(MINUTES + 1):
        n_all, n_good = increase(total, minute), increase(good, minute)
        if n_all is not None:
            all_events[minute] = n_all
            bad_events[minute] = max(n_all - n_good, Fraction(0))

    def within(events, minute, length):
        return sum((events[m] for m in range(minute - length + 1, minute + 1) if m in events), Fraction(0))

    def text(value):
        return None if value is None else f"{value.numerator}/{value.denominator}"

    def ratio(minute, length):
        n_all = within(all_events, minute, length)
        return within(bad_events, minute, length) / n_all if n_all > 0 else None

    rows = []
    for minute in [5, 19, 24, 60, 79, 84, 90, 110, 119, 125, 139, 152, 155, 160, 200]:
        # Each event is in the windows of five minutes.
        n_all, n_bad = within(all_events, minute, MINUTES + 1) / 5, within(bad_events, minute, MINUTES + 1) / 5
        rows.append({
            "minute": minute,
            "ratio_5m": text(ratio(minute, 1)),
            "ratio_1h": text(ratio(minute, 60)),
            "total": text(n_all),
            "bad": text(n_bad),
            "remaining": text(1 - n_bad / n_all / (1 - OBJECTIVE)),
        })
    print(json.dumps({"total": total, "good": good, "rows": rows}, indent=None, separators=(",", ":")).replace('{"minute"', '\n{"minute"'))


main()
