"""Counts the sums of past days anew from the timeline, so that an error heals, and a changed time zone is followed."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, func, insert, select

from app.core.extensions import db
from app.core.model import Base
from app.reports import spans
from app.reports.daily import COUNTED, TABLES, Figure, deed_of, figures
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.tally import NOBODY
from app.tickets.timeline import Did, TicketEvent

FILED_ANEW = {
    Did.DEPARTMENT_CHANGED: (0, "was_id"),
    Did.CATEGORY_CHANGED: (1, "was_id"),
    Did.PRIORITY_CHANGED: (2, "rank_was"),
}
"""Deed -> its place in (department, category, rank), and what said the value before."""
Rows = dict[tuple[Any, ...], dict[str, int]]


class Change(NamedTuple):
    event_id: int
    place: int
    before: int


def recount(first: dt.date, last: dt.date) -> int:
    """Replace the sums of these days and return how many rows were wrong. Does not commit.

    Days that are over: on the present one somebody may just be writing.
    """
    counted = _counted(first, last)
    wrong = sum(replace(table, counted[name], first, last) for name, table in TABLES.items())
    if wrong:
        spans.forget(first, last)
    return wrong


def first_day() -> dt.date | None:
    """Of the oldest event."""
    oldest = db.session.scalar(select(func.min(TicketEvent.at)))
    return oldest.astimezone(ZoneInfo(desk.current().time_zone)).date() if oldest else None


def instants(first: dt.date, last: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """When the first of these days begins and the last one is over, in the desk's time zone."""
    zone = ZoneInfo(desk.current().time_zone)
    begin, end = (
        dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC) for day in (first, last + dt.timedelta(days=1))
    )
    return begin, end


def _counted(first: dt.date, last: dt.date) -> dict[str, Rows]:
    zone = ZoneInfo(desk.current().time_zone)
    begin, end = instants(first, last)
    changes = _changes_since(begin)
    sums: Counter[Figure] = Counter()
    for row in db.session.execute(_events(begin, end).execution_options(yield_per=2_000)):
        deed = deed_of(row, _filed(row, changes[row.ticket_id]), row.created_at, row.opened_by_staff)
        sums.update(dict(figures(deed, zone)))
    rows: dict[str, Rows] = {name: defaultdict(dict) for name in TABLES}
    for figure, amount in sums.items():
        if amount:
            rows[figure.table][figure.key][figure.column] = amount
    return rows


def _events(begin: dt.datetime, end: dt.datetime) -> Select[Any]:
    of_event = (
        TicketEvent.id,
        TicketEvent.ticket_id,
        TicketEvent.what,
        TicketEvent.at,
        TicketEvent.staff_id,
        TicketEvent.particulars,
    )
    of_ticket = (
        Ticket.created_at,
        Ticket.opened_by_staff,
        Ticket.department_id,
        Ticket.category_id,
        Ticket.priority_rank,
    )
    joined = select(*of_event, *of_ticket).join(Ticket, Ticket.id == TicketEvent.ticket_id)
    return joined.where(TicketEvent.at >= begin, TicketEvent.at < end, TicketEvent.what.in_(sorted(COUNTED)))


def _changes_since(begin: dt.datetime) -> defaultdict[int, list[Change]]:
    """Ticket -> where it was filed before, in the order of the changes."""
    changes: defaultdict[int, list[Change]] = defaultdict(list)
    wanted = select(TicketEvent.id, TicketEvent.ticket_id, TicketEvent.what, TicketEvent.particulars)
    wanted = wanted.where(TicketEvent.at >= begin, TicketEvent.what.in_(sorted(FILED_ANEW))).order_by(TicketEvent.id)
    for row in db.session.execute(wanted.execution_options(yield_per=2_000)):
        place, name = FILED_ANEW[row.what]
        changes[row.ticket_id].append(Change(row.id, place, row.particulars.get(name) or NOBODY))
    return changes


def _filed(row: Any, changes: list[Change]) -> tuple[int, int, int]:
    """Department, category and rank at the time of the event: what the first change after it changed, else what is so today."""
    filed = [row.department_id, row.category_id or NOBODY, row.priority_rank]
    for change in reversed(changes):
        if change.event_id > row.id:
            filed[change.place] = change.before
    return filed[0], filed[1], filed[2]


def replace(table: type[Base], counted: Rows, first: dt.date, last: dt.date) -> int:
    """Make the rows of these days as they were counted and return how many were wrong."""
    columns = table.__table__.columns
    keys = [column.name for column in columns if column.primary_key]
    sums = [column.name for column in columns if not column.primary_key]
    within = columns["day"].between(first, last)
    kept = {
        tuple(row[: len(keys)]): {name: amount for name, amount in zip(sums, row[len(keys) :], strict=True) if amount}
        for row in db.session.execute(select(*columns).where(within))
    }
    wrong = {key for key in kept.keys() | counted.keys() if kept.get(key, {}) != counted.get(key, {})}
    if wrong:
        db.session.execute(delete(table).where(within))
        if counted:
            db.session.execute(
                insert(table),
                [
                    {**dict(zip(keys, key, strict=True)), **dict.fromkeys(sums, 0), **amounts}
                    for key, amounts in counted.items()
                ],
            )
    return len(wrong)
