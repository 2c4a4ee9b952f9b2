"""Sums of a day in the desk's time zone, booked in the transaction of what they count. `recount.py` counts them anew."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.model import Base, BigId
from app.reports import waits
from app.reports.sums import By, DailyDuration
from app.settings import desk
from app.tickets.choices import State
from app.tickets.tally import NOBODY
from app.tickets.timeline import Did, TicketEvent

LEFT = {Did.MERGED: 1, Did.MARKED_SPAM: 1, Did.UNMERGED: -1, Did.UNMARKED_SPAM: -1}
"""Out of what is open without an answer, and back into it."""
COUNTED = frozenset(
    {
        Did.OPENED,
        Did.REPLIED,
        Did.RESOLVED,
        Did.CLOSED,
        Did.REOPENED,
        Did.RESTATED,
        Did.MERGED,
        Did.UNMERGED,
        Did.MARKED_SPAM,
        Did.UNMARKED_SPAM,
    }
)


class DailyFigure(Base):
    """Of the tickets of a department, category and priority as they were at the time. No agents here: the rows stay few."""

    __tablename__ = "daily_figure"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    category_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    priority_rank: Mapped[int] = mapped_column(primary_key=True)
    opened: Mapped[int] = mapped_column(default=0, server_default="0")
    resolved: Mapped[int] = mapped_column(default=0, server_default="0")
    """Left the live ones, by resolving or by closing at once."""
    closed: Mapped[int] = mapped_column(default=0, server_default="0")
    """Closed, whether or not it was resolved before."""
    reopened: Mapped[int] = mapped_column(default=0, server_default="0")
    resolution_seconds: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    """From opening, summed over the resolved ones."""
    first_responses: Mapped[int] = mapped_column(default=0, server_default="0")
    first_response_seconds: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    merged: Mapped[int] = mapped_column(default=0, server_default="0")
    """Live ones that went on in another, or ended with all of their status, less those that came back so: nobody solved them, and they are open no more."""


class DailyAgentFigure(Base):
    """Of what one person did; nobody stands for customers and the system."""

    __tablename__ = "daily_agent_figure"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    replies: Mapped[int] = mapped_column(default=0, server_default="0")
    resolved: Mapped[int] = mapped_column(default=0, server_default="0")
    resolution_seconds: Mapped[int] = mapped_column(BigId, default=0, server_default="0")
    first_responses: Mapped[int] = mapped_column(default=0, server_default="0")
    first_response_seconds: Mapped[int] = mapped_column(BigId, default=0, server_default="0")


class DailyWait(Base):
    """How many first responses came within which span (waits.py): what a median is read from."""

    __tablename__ = "daily_wait"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    span: Mapped[int] = mapped_column(primary_key=True)
    first_responses: Mapped[int] = mapped_column(default=0, server_default="0")


TABLES: dict[str, type[Base]] = {
    table.__tablename__: table for table in (DailyAgentFigure, DailyDuration, DailyFigure, DailyWait)
}


class Figure(NamedTuple):
    """One sum: of a table, in its row with this key, in this column."""

    table: str
    key: tuple[dt.date | int, ...]
    column: str


class Deed(NamedTuple):
    """What the sums know of an event."""

    what: Did
    at: dt.datetime
    opened_at: dt.datetime
    department_id: int
    category_id: int
    priority_rank: int
    staff_id: int
    first: bool
    """The first response that was owed."""
    was_live: bool
    """Before it was resolved, closed or merged."""
    lives: bool = False
    """After it was restated."""


def count(event: TicketEvent) -> None:
    """A reaction. Booked at the end of the transaction, since many write into the same rows."""
    ticket = event.ticket
    deed = deed_of(
        event,
        (ticket.department_id, ticket.category_id or NOBODY, ticket.priority_rank),
        ticket.created_at,
        ticket.opened_by_staff,
    )
    db.session.info.setdefault("figures", Counter()).update(dict(figures(deed, ZoneInfo(desk.current().time_zone))))


def deed_of(event: Any, filed: tuple[int, int, int], opened_at: dt.datetime, opened_by_staff: bool) -> Deed:
    """`event`: a TicketEvent, or a row with its columns. `filed`: department, category and rank of its ticket at that time."""
    given: Mapping[str, Any] = event.particulars
    was_live = event.what is Did.RESOLVED or State(given.get("state_was", State.CLOSED)).live
    return Deed(
        event.what,
        event.at,
        opened_at,
        *filed,
        event.staff_id or NOBODY,
        bool(given.get("first")) and not opened_by_staff,
        was_live,
        State(given.get("state", State.CLOSED)).live,
    )


def figures(deed: Deed, zone: ZoneInfo) -> Iterator[tuple[Figure, int]]:
    """What a deed adds to which sums."""
    day = deed.at.astimezone(zone).date()
    filed = (day, deed.department_id, deed.category_id, deed.priority_rank)
    if deed.what is Did.OPENED:
        yield Figure("daily_figure", filed, "opened"), 1
    elif deed.what is Did.REOPENED:
        yield Figure("daily_figure", filed, "reopened"), 1
    elif deed.what is Did.RESTATED:
        yield Figure("daily_figure", filed, "merged"), deed.was_live - deed.lives
    elif deed.what in LEFT:
        yield Figure("daily_figure", filed, "merged"), deed.was_live * LEFT[deed.what]
    elif deed.what is Did.REPLIED:
        yield Figure("daily_agent_figure", (day, deed.department_id, deed.staff_id), "replies"), 1
        if deed.first:
            seconds = _since_opening(deed)
            yield Figure("daily_wait", (day, deed.department_id, waits.span(seconds)), "first_responses"), 1
            yield from _timed(deed, day, "first_responses", "first_response_seconds")
    else:
        if deed.what is Did.CLOSED:
            yield Figure("daily_figure", filed, "closed"), 1
        if deed.was_live:
            yield from _timed(deed, day, "resolved", "resolution_seconds")


def _timed(deed: Deed, day: dt.date, column: str, seconds_column: str) -> Iterator[tuple[Figure, int]]:
    """One more, and how long it took since the ticket was opened."""
    seconds, department = _since_opening(deed), deed.department_id
    filed = (day, department, deed.category_id, deed.priority_rank)
    for table, key in (("daily_figure", filed), ("daily_agent_figure", (day, department, deed.staff_id))):
        yield Figure(table, key, column), 1
        yield Figure(table, key, seconds_column), seconds
    for by, value in ((By.ALL, 0), (By.CATEGORY, deed.category_id), (By.PRIORITY, deed.priority_rank)):
        yield Figure("daily_duration", (int(by), day, department, value, waits.span(seconds)), column), 1


def _since_opening(deed: Deed) -> int:
    return max(0, int((deed.at - deed.opened_at).total_seconds()))


def book(session: Session, sums: Mapping[Figure, int]) -> None:
    """Add the sums to their rows, neighbours in one statement, in one order, so that two writers never wait for each other in a circle."""
    rows: dict[tuple[str, tuple[dt.date | int, ...]], dict[str, int]] = defaultdict(dict)
    for figure, amount in sums.items():
        if amount:
            rows[figure.table, figure.key][figure.column] = amount
    alike = groupby(sorted(rows.items()), lambda row: (row[0][0], tuple(sorted(row[1]))))
    for (name, columns), group in alike:
        keys = [column.name for column in TABLES[name].__table__.primary_key]
        values = [{**dict(zip(keys, key, strict=True)), **amounts} for (_name, key), amounts in group]
        session.execute(_adding(TABLES[name], columns, is_postgresql()), values if len(values) > 1 else values[0])


@lru_cache(64)
def _adding(table: type[Base], columns: tuple[str, ...], on_postgresql: bool) -> postgresql.Insert | sqlite.Insert:
    """Built once for each set of columns."""
    plain = cast(Table, table.__table__)
    keys = [column.name for column in plain.primary_key]
    new = (postgresql.insert if on_postgresql else sqlite.insert)(plain).values(
        {name: bindparam(name) for name in (*keys, *columns)}
    )
    more = {name: plain.c[name] + new.excluded[name] for name in columns}
    return new.on_conflict_do_update(index_elements=keys, set_=more)


@event.listens_for(Session, "before_commit")
def _book(session: Session) -> None:
    session.flush()
    book(session, session.info.pop("figures", Counter()))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("figures", None)
