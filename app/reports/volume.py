"""How many tickets came and went on each day of a period, and how long customers waited for the first response."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.reports import waits
from app.reports.daily import DailyFigure, DailyWait
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.visibility import sees_whole_departments, visible_to

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
    return of_tickets(visible_to(viewer), last, days)


def of_departments(departments: Collection[int], last: dt.date, days: int) -> Volume:
    """From the kept sums; no departments means all."""
    found = Volume(_days(last, days))
    figure, wait = [DailyFigure.day.between(found.days[0], last)], [DailyWait.day.between(found.days[0], last)]
    if departments:
        figure.append(DailyFigure.department_id.in_(sorted(departments)))
        wait.append(DailyWait.department_id.in_(sorted(departments)))
    sums = select(
        DailyFigure.day,
        func.sum(DailyFigure.opened),
        func.sum(DailyFigure.resolved),
        func.sum(DailyFigure.reopened),
        func.sum(DailyFigure.merged),
    )
    for day, opened, resolved, reopened, merged in db.session.execute(sums.where(*figure).group_by(DailyFigure.day)):
        found.opened[day], found.resolved[day], found.reopened[day] = int(opened), int(resolved), int(reopened)
        found.merged[day] = int(merged)
    spans = select(DailyWait.day, DailyWait.span, func.sum(DailyWait.first_responses))
    for day, span, responses in db.session.execute(spans.where(*wait).group_by(DailyWait.day, DailyWait.span)):
        found.waits[day][span] = int(responses)
    return found


def of_tickets(criterion: ColumnElement[bool], last: dt.date, days: int) -> Volume:
    """From the tickets themselves, the latest active first. One reopened since does not count as resolved."""
    found, zone = Volume(_days(last, days)), _zone()
    begin = dt.datetime.combine(found.days[0], dt.time(), zone).astimezone(dt.UTC)
    wanted = select(Ticket.created_at, Ticket.resolved_at, Ticket.first_response_at, Ticket.opened_by_staff)
    rows = (
        wanted.where(criterion, Ticket.last_activity_at >= begin)
        .order_by(Ticket.last_activity_at.desc())
        .limit(MOST_TICKETS)
    )
    for created_at, resolved_at, responded_at, by_staff in db.session.execute(rows):
        found.opened[created_at.astimezone(zone).date()] += 1
        if resolved_at is not None:
            found.resolved[resolved_at.astimezone(zone).date()] += 1
        if responded_at is not None and not by_staff:
            found.waits[responded_at.astimezone(zone).date()][
                waits.span(int((responded_at - created_at).total_seconds()))
            ] += 1
    return found


def _days(last: dt.date, days: int) -> tuple[dt.date, ...]:
    return tuple(last - dt.timedelta(days=ago) for ago in range(days - 1, -1, -1))


def _zone() -> ZoneInfo:
    return ZoneInfo(desk.current().time_zone)
