"""When a mail may leave: the next digest, and the end of a quiet time, on the clocks of whoever gets it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Protocol
from zoneinfo import ZoneInfo

from app.notifications.models import Rhythm

DAY = dt.timedelta(days=1)
EVER = dt.datetime.min.replace(tzinfo=dt.UTC)
MOST_QUIET_TIMES = 20
"""One after the other without a gap: after so many there is none, and no mail would ever leave."""


class Plan(Protocol):
    """As much of a NoticePlan as says when."""

    @property
    def rhythm(self) -> Rhythm: ...
    @property
    def digest_minute(self) -> int: ...
    @property
    def digest_weekday(self) -> int: ...
    @property
    def quiet_days(self) -> str: ...
    @property
    def quiet_from(self) -> int: ...
    @property
    def quiet_to(self) -> int: ...
    @property
    def quiet_whole_days(self) -> str: ...
    @property
    def undisturbed_until(self) -> dt.datetime | None: ...


def next_digest(plan: Plan, zone: str, after: dt.datetime) -> dt.datetime:
    """The first moment of the rhythm later than `after`."""
    there = after.astimezone(ZoneInfo(zone))
    if plan.rhythm is Rhythm.HOURLY:
        return after + dt.timedelta(hours=1) - dt.timedelta(minutes=there.minute, seconds=there.second, microseconds=there.microsecond)  # fmt: skip
    day = there.date()
    while True:
        at = instant(day, plan.digest_minute, zone)
        if at > after and (plan.rhythm is Rhythm.DAILY or day.weekday() == plan.digest_weekday):
            return at
        day += DAY


def quiet_until(plan: Plan, zone: str, at: dt.datetime) -> dt.datetime | None:
    """When the quiet time that holds at `at` ends: times that touch are one. None when it is not quiet then, or never ends."""
    end = _end(plan, zone, at)
    return end if end is not None and end > at else None


def endless(plan: Plan, zone: str, at: dt.datetime) -> bool:
    """Whether its quiet times follow one another without a gap."""
    return _end(plan, zone, at) is None


def _end(plan: Plan, zone: str, at: dt.datetime) -> dt.datetime | None:
    end = at
    for _step in range(MOST_QUIET_TIMES):
        ends = [stop for start, stop in _spans(plan, zone, end) if start <= end < stop]
        if not ends:
            return end
        end = max(ends)
    return None


def instant(day: dt.date, minute: int, zone: str) -> dt.datetime:
    """That time of that day there. A time the clocks skip is the moment at which they do; of one that comes twice, the first."""
    naive = dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=minute)
    return naive.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


def _spans(plan: Plan, zone: str, at: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Quiet times that may hold at `at`: what was said for once, and those of that day there and of the evening before."""
    if plan.undisturbed_until is not None:
        yield EVER, plan.undisturbed_until
    today = at.astimezone(ZoneInfo(zone)).date()
    for day in (today - DAY, today):
        if str(day.weekday()) in plan.quiet_whole_days:
            yield instant(day, 0, zone), instant(day + DAY, 0, zone)
        if str(day.weekday()) in plan.quiet_days:
            ends = day if plan.quiet_to > plan.quiet_from else day + DAY
            yield instant(day, plan.quiet_from, zone), instant(ends, plan.quiet_to, zone)
