"""How many live tickets stand in each cell: sums kept with every change, so that counters need no COUNT."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import Index, Integer, bindparam, delete, event, func, insert, inspect, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.extensions import db
from app.core.model import Base, BigId, intpk
from app.tickets.models import Ticket

NOBODY = 0
"""In place of NULL, which would be equal to nothing."""


class Cell(NamedTuple):
    department_id: int
    assignee_id: int
    category_id: int
    status_id: int
    priority_id: int
    needs_response: bool


class Tally(Base):
    """`tickets` live tickets share these columns."""

    __tablename__ = "tally"
    __table_args__ = (
        Index(
            "ux_tally_cell",
            "department_id",
            "assignee_id",
            "category_id",
            "status_id",
            "priority_id",
            "needs_response",
            unique=True,
        ),
    )

    id: Mapped[intpk]
    department_id: Mapped[int] = mapped_column(BigId)
    assignee_id: Mapped[int] = mapped_column(BigId)
    category_id: Mapped[int] = mapped_column(BigId)
    status_id: Mapped[int] = mapped_column(BigId)
    priority_id: Mapped[int] = mapped_column(BigId)
    needs_response: Mapped[bool]
    tickets: Mapped[int] = mapped_column(default=0)


@event.listens_for(Session, "before_flush")
def _keep_tally(session: Session, *_: Any) -> None:
    """Every flush that moves a ticket from one cell to another books the difference, in its transaction."""
    moved: Counter[Cell] = session.info.setdefault("tally", Counter())
    for ticket in session.new:
        if isinstance(ticket, Ticket):
            moved.update(_cells(ticket, +1))
    for ticket in session.dirty:
        if isinstance(ticket, Ticket) and session.is_modified(ticket, include_collections=False):
            moved.update(_cells_before(ticket))
            moved.update(_cells(ticket, +1))
    for ticket in session.deleted:
        if isinstance(ticket, Ticket):
            moved.update(_cells_before(ticket))


def _cells(ticket: Ticket, sign: int) -> dict[Cell, int]:
    if not ticket.live:
        return {}
    cell = Cell(
        ticket.department_id or ticket.department.id, ticket.assignee_id or (ticket.assignee.id if ticket.assignee else NOBODY), ticket.category_id or (ticket.category.id if ticket.category else NOBODY),
        ticket.status_id or ticket.status.id, ticket.priority_id or ticket.priority.id, ticket.needs_response,
    )  # fmt: skip
    return {cell: sign}


def _cells_before(ticket: Ticket) -> dict[Cell, int]:
    def old(name: str) -> Any:
        history = inspect(ticket).attrs[name].history
        if not history.has_changes():
            return getattr(ticket, name)
        return history.deleted[0] if history.deleted else None

    if not old("live"):
        return {}
    return {
        Cell(
            old("department_id"),
            old("assignee_id") or NOBODY,
            old("category_id") or NOBODY,
            old("status_id"),
            old("priority_id"),
            old("needs_response"),
        ): -1
    }


@event.listens_for(Session, "before_commit")
def _book(session: Session) -> None:
    """Hot cells are written last, in one order, so that writers wait for each other as shortly as can be."""
    session.flush()
    moved: Counter[Cell] = session.info.pop("tally", Counter())
    for cell, tickets in sorted(moved.items()):
        if tickets:
            _add(session, cell, tickets)


_CELL = [getattr(Tally, name) == bindparam(f"cell_{name}") for name in Cell._fields]
_MORE = (
    update(Tally)
    .where(*_CELL)
    .values(tickets=Tally.tickets + bindparam("more", type_=Integer))
    .execution_options(synchronize_session=False)
)
"""Built once."""


def _add(session: Session, cell: Cell, tickets: int) -> None:
    place = {f"cell_{name}": value for name, value in cell._asdict().items()}
    found = session.execute(_MORE, {**place, "more": tickets})
    if not found.rowcount:  # type: ignore[attr-defined]
        session.execute(insert(Tally).values(**cell._asdict(), tickets=tickets))


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("tally", None)


def recount() -> int:
    """Count all live tickets anew and return how many cells were wrong. Does not commit."""
    columns = [getattr(Ticket, name) for name in Cell._fields]
    counted = {
        Cell(row[0], row[1] or NOBODY, row[2] or NOBODY, row[3], row[4], row[5]): row[6]
        for row in db.session.execute(select(*columns, func.count()).where(Ticket.live.is_(True)).group_by(*columns))
    }
    kept = {
        Cell(*row[:6]): row[6]
        for row in db.session.execute(select(*(getattr(Tally, name) for name in Cell._fields), Tally.tickets))
        if row[6]
    }
    if counted != kept:
        db.session.execute(delete(Tally))
        if counted:
            db.session.execute(
                insert(Tally), [{**cell._asdict(), "tickets": tickets} for cell, tickets in counted.items()]
            )
    return len(set(counted.items()) ^ set(kept.items()))
