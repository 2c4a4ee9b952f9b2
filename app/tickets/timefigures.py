"""Sums of time spent, kept with each entry: by agent, customer, organization, ticket and activity, a year, a month or a day at a time."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import Index, String, Table, and_, bindparam, case, delete, event, func, insert, literal, select, text
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.database import is_postgresql
from app.core.extensions import db
from app.core.model import Base, BigId
from app.tickets.timeentries import TimeEntry

EVERYWHERE = 0
"""In place of a department: all of them."""
NOBODY = 0
"""In place of an id that an entry does not have."""


class By(enum.StrEnum):
    ALL = "all"
    AGENT = "agent"
    CUSTOMER = "customer"
    ORGANIZATION = "organization"
    TICKET = "ticket"
    ACTIVITY = "activity"


DAILY = (By.ALL, By.AGENT, By.ACTIVITY)
"""Few enough for a sum of each day; the others have one of each month and year."""
COLUMNS: dict[By, Any] = {
    By.ALL: literal(NOBODY),
    By.AGENT: TimeEntry.staff_id,
    By.CUSTOMER: TimeEntry.customer_id,
    By.ORGANIZATION: TimeEntry.organization_id,
    By.TICKET: TimeEntry.ticket_id,
    By.ACTIVITY: TimeEntry.activity_id,
}
AMOUNTS = ("minutes", "billable_minutes", "entries")
Amounts = tuple[int, int, int]


class TimeFigure(Base):
    __tablename__ = "time_figure"
    __table_args__ = (Index("ix_time_figure_largest", "by", "department_id", "period", "minutes", "key_id"),)

    by: Mapped[By] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """Of the ticket; EVERYWHERE: of all."""
    period: Mapped[str] = mapped_column(String(32), primary_key=True)
    """2026, 2026-11 or 2026-11-23."""
    key_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    billable_minutes: Mapped[int] = mapped_column(default=0, server_default="0")
    entries: Mapped[int] = mapped_column(default=0, server_default="0")


class Cell(NamedTuple):
    """The key of a row."""

    by: By
    department_id: int
    period: str
    key_id: int


def book(entry: TimeEntry, times: int = 1) -> None:
    """Add the entry as it is now; with -1 take it away. Written at the end of the transaction, since many write into the same rows."""
    amounts = (entry.minutes, entry.minutes * entry.billable, 1)
    pending = db.session.info.setdefault("time", defaultdict(lambda: [0, 0, 0]))
    for cell in _cells(entry):
        for place, amount in enumerate(amounts):
            pending[cell][place] += times * amount


def forget(ticket_id: int) -> None:
    """Before the ticket is deleted with its entries."""
    for entry in db.session.scalars(select(TimeEntry).where(TimeEntry.ticket_id == ticket_id)):
        book(entry, -1)


def move(event: Any) -> None:
    """A reaction: another department answers for the ticket, and its time counts there. So does that of tickets that go on in it
    when they do so themselves."""
    for entry in db.session.scalars(select(TimeEntry).where(TimeEntry.ticket_id == event.ticket_id)):
        book(entry, -1)
        entry.department_id = event.ticket.department_id
        book(entry)


def spent_by_organization(organization_id: int, month: str) -> int:
    """Minutes, those of this transaction among them."""
    cell = Cell(By.ORGANIZATION, EVERYWHERE, month, organization_id)
    kept = db.session.scalar(select(TimeFigure.minutes).where(_is(cell)))
    return (kept or 0) + int(db.session.info.get("time", {}).get(cell, (0,))[0])


def _lengths(by: By) -> tuple[int, ...]:
    """Of the periods that have sums: years, months, days."""
    return (4, 7, 10) if by in DAILY else (4, 7)


def _is(cell: Cell) -> Any:
    return and_(*(getattr(TimeFigure, name) == value for name, value in cell._asdict().items()))


def _cells(entry: TimeEntry) -> Iterator[Cell]:
    day = entry.spent_on.isoformat()
    for by, column in COLUMNS.items():
        key = NOBODY if by is By.ALL else getattr(entry, column.key) or NOBODY
        for length in _lengths(by):
            for department in (EVERYWHERE, entry.department_id):
                yield Cell(by, department, day[:length], key)


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    """In one order, so that two writers never wait for each other in a circle."""
    if "time" not in session.info:
        return
    session.flush()
    pending = session.info.pop("time")
    rows = [
        {**cell._asdict(), **dict(zip(AMOUNTS, amounts, strict=True))}
        for cell, amounts in sorted(pending.items())
        if any(amounts)
    ]
    if rows:
        session.connection().execute(_adding(is_postgresql()), rows)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("time", None)


@cache
def _adding(on_postgresql: bool) -> Any:
    table = cast(Table, TimeFigure.__table__)
    kind: Any = postgresql.insert if on_postgresql else sqlite.insert
    new = kind(table).values({name: bindparam(name) for name in (*Cell._fields, *AMOUNTS)})
    more = {name: table.c[name] + new.excluded[name] for name in AMOUNTS}
    return new.on_conflict_do_update(index_elements=list(Cell._fields), set_=more)


def recount() -> int:
    """Count all sums anew from the entries and return how many were wrong. Does not commit."""
    if is_postgresql():  # who books meanwhile does so after us
        db.session.execute(text("LOCK TABLE time_figure IN SHARE ROW EXCLUSIVE MODE"))
    return sum(
        _mend(by, length, everywhere) for by in By for length in _lengths(by) for everywhere in (True, False)
    )  # a part at a time: all of them would fill the memory


def _mend(by: By, length: int, everywhere: bool) -> int:
    counted = dict(_counted(by, length, everywhere))
    columns = [getattr(TimeFigure, name) for name in (*Cell._fields, *AMOUNTS)]
    here = (TimeFigure.department_id == EVERYWHERE) == everywhere
    rows = select(*columns).where(TimeFigure.by == by, func.length(TimeFigure.period) == length, here)
    kept = {Cell(*row[:4]): tuple(row[4:]) for row in db.session.execute(rows)}
    nothing = (0, 0, 0)
    wrong = [cell for cell in kept.keys() | counted.keys() if kept.get(cell, nothing) != counted.get(cell, nothing)]
    table = cast(Table, TimeFigure.__table__)
    if wrong:
        gone = delete(table).where(and_(*(table.c[name] == bindparam(f"the_{name}") for name in Cell._fields)))
        keys = [{f"the_{name}": value for name, value in cell._asdict().items()} for cell in wrong]
        db.session.connection().execute(gone, keys)
    right = [{**cell._asdict(), **dict(zip(AMOUNTS, counted[cell], strict=True))} for cell in wrong if cell in counted]
    if right:
        db.session.execute(insert(TimeFigure), right)
    return len(wrong)


def _counted(by: By, length: int, everywhere: bool) -> Iterator[tuple[Cell, Amounts]]:
    billable = func.sum(case((TimeEntry.billable, TimeEntry.minutes), else_=0))
    key = func.coalesce(COLUMNS[by], NOBODY)
    period = func.substr(sql_cast(TimeEntry.spent_on, String), 1, length)
    department: Any = literal(EVERYWHERE) if everywhere else TimeEntry.department_id
    wanted = select(department, period, key, func.sum(TimeEntry.minutes), billable, func.count())
    for row in db.session.execute(wanted.group_by(period, key) if everywhere else wanted.group_by(department, period, key)):  # fmt: skip
        yield Cell(by, row[0], row[1], row[2]), (int(row[3]), int(row[4]), row[5])
