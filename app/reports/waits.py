"""Waiting times in spans: enough to read a median from, few enough to sum over a year."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

MINUTES = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2160, 2880, 4320, 7200, 10080, 20160, 43200, 86400, 129600, 259200, 525600)  # fmt: skip
ENDS = tuple(minutes * 60 for minutes in MINUTES)
"""The last second of each span; longer waits are in one more."""


def span(seconds: int) -> int:
    return bisect_left(ENDS, seconds)


def median(counts: Mapping[int, int]) -> int | None:
    """Seconds; right within its span, where the waits are taken to lie evenly. None without any."""
    return quantile(counts, 0.5)


def quantile(counts: Mapping[int, int], share: float) -> int | None:
    """Within how many seconds this share of them was; as right as the median."""
    wanted = sum(counts.values()) * share
    below = 0
    for place in sorted(counts):
        if counts[place] and below + counts[place] >= wanted:
            start, end = ENDS[place - 1] if place else 0, ENDS[min(place, len(ENDS) - 1)]
            part = (wanted - below) / counts[place]
            return round(start + (end - start) * part) if end > start else end
        below += counts[place]
    return None
