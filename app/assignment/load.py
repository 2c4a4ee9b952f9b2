"""How much each agent holds, read from the tally and not counted."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from sqlalchemy import func, select

from app.core.extensions import db
from app.tickets.choices import State, Status
from app.tickets.tally import NOBODY, Cell, Tally

WEIGHS = (State.NEW, State.OPEN)
"""It is our turn. What waits for the customer or a third party weighs nothing."""


HELD = (
    select(Tally.assignee_id, func.sum(Tally.tickets).label("tickets"))
    .join(Status, Status.id == Tally.status_id)
    .where(Tally.assignee_id != NOBODY, Status.state.in_(WEIGHS))
    .group_by(Tally.assignee_id)
)
"""Staff id -> Load.open, for statements that join it: the one figure of somebody's load, wherever it is shown or weighed."""


class Load(NamedTuple):
    """Of one person."""

    open: int = 0
    """Tickets on which it is their turn."""
    waiting: int = 0
    """Those that wait for the customer or a third party."""


def open_tickets() -> Counter[int]:
    """Staff id -> tickets on which it is their turn."""
    return Counter({staff_id: load.open for staff_id, load in loads().items()})


def loads() -> dict[int, Load]:
    """By staff id."""
    db.session.flush()
    sums = (
        select(Tally.assignee_id, Status.state, func.sum(Tally.tickets))
        .join(Status, Status.id == Tally.status_id)
        .where(Tally.assignee_id != NOBODY)
        .group_by(Tally.assignee_id, Status.state)
    )
    held: Counter[tuple[int, bool]] = Counter()
    for staff_id, state, tickets in db.session.execute(sums):
        held[staff_id, state in WEIGHS] += int(tickets)
    for cell, tickets in _not_yet_booked().items():
        status = db.session.get(Status, cell.status_id)
        if cell.assignee_id != NOBODY and status is not None:
            held[cell.assignee_id, status.state in WEIGHS] += tickets
    return {staff_id: Load(held[staff_id, True], held[staff_id, False]) for staff_id, _ours in held}


def _not_yet_booked() -> Counter[Cell]:
    """What this transaction moved; the tally books it when it commits."""
    moved: Counter[Cell] = db.session.info.get("tally", Counter())
    return moved
