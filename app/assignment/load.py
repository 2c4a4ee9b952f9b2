"""How much each agent holds, read from the tally and not counted."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from app.core.extensions import db
from app.tickets.choices import State, Status
from app.tickets.tally import NOBODY, Cell, Tally

WEIGHS = (State.NEW, State.OPEN)
"""It is our turn. What waits for the customer or a third party weighs nothing."""


def open_tickets() -> Counter[int]:
    """Staff id -> tickets on which it is their turn."""
    db.session.flush()
    sums = (
        select(Tally.assignee_id, func.sum(Tally.tickets))
        .join(Status, Status.id == Tally.status_id)
        .where(Tally.assignee_id != NOBODY, Status.state.in_(WEIGHS))
        .group_by(Tally.assignee_id)
    )
    loads = Counter({row[0]: int(row[1]) for row in db.session.execute(sums)})
    for cell, tickets in _not_yet_booked().items():
        status = db.session.get(Status, cell.status_id)
        if cell.assignee_id != NOBODY and status is not None and status.state in WEIGHS:
            loads[cell.assignee_id] += tickets
    return loads


def _not_yet_booked() -> Counter[Cell]:
    """What this transaction moved; the tally books it when it commits."""
    moved: Counter[Cell] = db.session.info.get("tally", Counter())
    return moved
