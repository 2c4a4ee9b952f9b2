"""Promises met and missed a day, counted from the clocks of the SLA: hourly for the last days, nightly for the last weeks."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, literal, select, union_all

from app.core.extensions import db
from app.reports import recount, spans
from app.reports.recount import Rows
from app.reports.sums import By, DailyPromise
from app.settings import desk
from app.sla.fold import ClockState
from app.sla.models import SlaClock
from app.tickets.models import Ticket
from app.tickets.tally import NOBODY


def count(first: dt.date, last: dt.date) -> int:
    """Replace the sums of these days and return how many rows were wrong. Does not commit.

    Filed as the ticket stands now: who has it answers for its promises.
    """
    rows: Rows = defaultdict(dict)
    zone = ZoneInfo(desk.current().time_zone)
    for row in db.session.execute(_judged(*recount.instants(first, last)).execution_options(yield_per=2_000)):
        for key in _keys(row, row.at.astimezone(zone).date()):
            column = "missed" if row.missed else "met"
            rows[key][column] = rows[key].get(column, 0) + 1
    wrong = recount.replace(DailyPromise, rows, first, last)
    if wrong:
        spans.forget(first, last)
    return wrong


def _keys(row: Any, day: dt.date) -> Iterator[tuple[Any, ...]]:
    values = {
        By.CATEGORY: row.category_id or NOBODY,
        By.PRIORITY: row.priority_rank,
        By.PERSON: row.assignee_id or NOBODY,
    }
    for by, value in values.items():
        yield int(by), day, row.department_id, value, row.metric.value


def _judged(begin: dt.datetime, end: dt.datetime) -> Select[Any]:
    """A promise is judged once: missed when its time was over, met when it was kept before."""
    clock = SlaClock
    met = select(clock.ticket_id, clock.metric, clock.ended_at.label("at"), literal(0).label("missed")).where(
        clock.ended_at >= begin,
        clock.ended_at < end,
        clock.state == ClockState.FULFILLED,
        clock.breached_at.is_(None),
    )
    missed = select(clock.ticket_id, clock.metric, clock.breached_at.label("at"), literal(1).label("missed")).where(
        clock.breached_at >= begin, clock.breached_at < end
    )
    judged = union_all(met, missed).subquery()
    of_ticket = (Ticket.department_id, Ticket.category_id, Ticket.priority_rank, Ticket.assignee_id)
    return select(judged.c.metric, judged.c.at, judged.c.missed, *of_ticket).join(
        Ticket, Ticket.id == judged.c.ticket_id
    )
