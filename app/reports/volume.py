"""How many tickets came and went on each day of a period, and how long customers waited for the first response."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, DateTime, Executable, Select, bindparam, func, select, type_coerce, union

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.database import is_postgresql
from app.core.rows import plain_rows
from app.reports import waits
from app.reports.daily import DailyFigure, DailyWait
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.visibility import arms_of, sees_whole_departments, visible_to

MOST_TICKETS = 20_000
"""Read one by one for whoever sees only some; who sees more than that sees whole departments."""


@dc.dataclass(frozen=True)
class Volume:
    """Days without anything are missing, that is 0."""

    days: tuple[dt.date, ...]
    opened: Counter[dt.date] = dc.field(default_factory=Counter)
    resolved: Counter[dt.date] = dc.field(default_factory=Counter)
    reopened: Counter[dt.date] = dc.field(default_factory=Counter)
    merged: Counter[dt.date] = dc.field(default_factory=Counter)
    waits: defaultdict[dt.date, Counter[int]] = dc.field(default_factory=lambda: defaultdict(Counter))

    def median_wait(self, *days: dt.date) -> int | None:
        """Seconds to the first response, over these days."""
        return waits.median(sum((self.waits[day] for day in days), Counter()))

    def growth(self, day: dt.date) -> int:
        """How many more were open at the end of that day than at its beginning."""
        return self.opened[day] + self.reopened[day] - self.resolved[day] - self.merged[day]


def today() -> dt.date:
    """In the desk's time zone."""
    return clock.now().astimezone(_zone()).date()


def volume(viewer: Viewer, last: dt.date, days: int) -> Volume:
    """Of the tickets this person sees, or, for whoever sees whole departments, of those that were theirs at the time."""
    if sees_whole_departments(viewer):
        return of_departments(viewer.departments, last, days)
    return _counted(_seen(viewer, desk.current().agents_see_departments), last, days)


def of_departments(departments: Collection[int], last: dt.date, days: int) -> Volume:
    """From the kept sums; no departments means all."""
    found = Volume(_days(last, days))
    asked = {"first": found.days[0], "last": last, "departments": sorted(departments)}
    for day, opened, resolved, reopened, merged in plain_rows(_sums(bool(departments)), asked):
        found.opened[day], found.resolved[day], found.reopened[day] = int(opened), int(resolved), int(reopened)
        found.merged[day] = int(merged)
    for day, span, responses in plain_rows(_spans(bool(departments)), asked):
        found.waits[day][span] = int(responses)
    return found


@cache
def _sums(some: bool) -> Executable:
    """Statements are built once: composing one costs several times what it costs to run. `some` departments, or all."""
    figure = DailyFigure
    kinds = (figure.opened, figure.resolved, figure.reopened, figure.merged)
    return select(figure.day, *map(func.sum, kinds)).where(*_asked(figure, some)).group_by(figure.day)


@cache
def _spans(some: bool) -> Executable:
    wait = DailyWait
    return (
        select(wait.day, wait.span, func.sum(wait.first_responses))
        .where(*_asked(wait, some))
        .group_by(wait.day, wait.span)
    )


def _asked(table: type[DailyFigure | DailyWait], some: bool) -> list[ColumnElement[bool]]:
    within: list[ColumnElement[bool]] = [table.day.between(bindparam("first"), bindparam("last"))]
    return [*within, table.department_id.in_(bindparam("departments", expanding=True))] if some else within


def of_tickets(criterion: ColumnElement[bool], last: dt.date, days: int) -> Volume:
    """From the tickets themselves, the latest active first. One reopened since does not count as resolved."""
    return _counted(_latest(criterion), last, days)


@lru_cache(512)
def _seen(viewer: Viewer, agents_see_departments: bool) -> Executable:
    """Where the row rule has arms, the tickets of each: an index leads to the latest active of one's own and of nobody's.
    Built once for each viewer; the setting is part of the rule, and so of the key."""
    arms = arms_of(viewer)
    if not arms:
        return _latest(visible_to(viewer))
    found = union(*(select(_latest(arm).subquery()) for arm in arms)).subquery()
    return select(found)


def _latest(criterion: ColumnElement[bool]) -> Select[Any]:
    plain = DateTime(timezone=True)  # as the driver gives it: three instants a ticket are read
    instants = (
        type_coerce(column, plain) for column in (Ticket.created_at, Ticket.resolved_at, Ticket.first_response_at)
    )
    wanted = select(Ticket.id, *instants, Ticket.opened_by_staff).where(
        criterion, Ticket.last_activity_at >= bindparam("begin")
    )
    return wanted.order_by(Ticket.last_activity_at.desc()).limit(MOST_TICKETS)  # type: ignore[return-value]


def _counted(statement: Executable, last: dt.date, days: int) -> Volume:
    found, zone = Volume(_days(last, days)), _zone()
    edges = [
        dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in (*found.days, last + dt.timedelta(1))
    ]
    begin = edges[0]
    if not is_postgresql():
        edges = [edge.replace(tzinfo=None) for edge in edges]
    opened, resolved = [0] * (days + 2), [0] * (days + 2)  # before the first day, each day, after the last
    for _id, created_at, resolved_at, responded_at, by_staff in plain_rows(statement, {"begin": begin}):
        opened[bisect_right(edges, created_at)] += 1
        if resolved_at is not None:
            resolved[bisect_right(edges, resolved_at)] += 1
        if responded_at is not None and not by_staff and edges[0] <= responded_at < edges[-1]:
            day = found.days[bisect_right(edges, responded_at) - 1]
            found.waits[day][waits.span(int((responded_at - created_at).total_seconds()))] += 1
    found.opened.update(dict(zip(found.days, opened[1:], strict=False)))
    found.resolved.update(dict(zip(found.days, resolved[1:], strict=False)))
    return found


def _days(last: dt.date, days: int) -> tuple[dt.date, ...]:
    return tuple(last - dt.timedelta(days=ago) for ago in range(days - 1, -1, -1))


def _zone() -> ZoneInfo:
    return ZoneInfo(desk.current().time_zone)
