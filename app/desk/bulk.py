"""Carries out one deed on many tickets, each in a transaction of its own: a few at once, thousands as a job that can be left and looked at."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.accounts import rights
from app.accounts.viewer import Viewer
from app.core import clock
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.core.outbox import Outbox
from app.core.words import said as _
from app.desk import pickers
from app.desk.deeds import DEEDS, Asked
from app.tickets.bulk import BulkChange, BulkStep, Outcome
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Tickets changed while the person waits; more become a job."""
A_TURN = 200
"""Tickets a job changes before it lets others have the worker."""
MOST = 50_000
CHUNK = 1_000


def begin(deed: str, asked: Asked, ids: Sequence[int], by: Viewer, by_worker: bool = False) -> BulkChange:
    """Note what is wanted, and do it now or hand it to a worker, who goes on with it whoever is killed. Commits."""
    change = BulkChange(staff_id=by.id, deed=deed, value=asked.value, words=asked.words[:255], total=len(ids))
    db.session.add(change)
    db.session.flush()
    for start in range(0, len(ids), CHUNK):
        _note(change.id, ids[start : start + CHUNK], by)
    return _carry_on(change, by, by_worker)


def undo(change: BulkChange, by: Viewer) -> BulkChange:
    """Give back what was before to those that are still as the change left them. Commits."""
    change.undoing, change.finished_at = True, None
    return _carry_on(change, by)


def undoable(change: BulkChange) -> bool:
    """What left at once is not among it."""
    known = change.finished_at and not change.undoing and change.deed in DEEDS
    return bool(known and DEEDS[change.deed].give_back and not change.value.get("at_once"))


def work(change: BulkChange, by: Viewer | None, most: int) -> bool:
    """The next tickets of it; False when none is left. Safe to run twice: a ticket and its mark are one transaction."""
    change_id = change.id
    ids = _next(change, most)
    for step_id in ids:
        _one(step_id, change_id, by)
    change = db.session.get_one(BulkChange, change_id)
    if len(ids) < most and change.finished_at is None:
        change.finished_at = clock.now()
        db.session.commit()
    return len(ids) == most


def absence(change: BulkChange, by: Viewer) -> str:
    """Whom these tickets were given to, if they are not there: the choice stands."""
    given = change.value.get("id") if change.deed == "assign" else None
    return pickers.absence(db.session.get(User, given) if given else None, by)


def outcomes(change: BulkChange) -> dict[Outcome, int]:
    """How many tickets stand where, in one statement."""
    counted = select(BulkStep.outcome, func.count()).where(BulkStep.change_id == change.id).group_by(BulkStep.outcome)
    return {row[0]: row[1] for row in db.session.execute(counted)}


def _carry_on(change: BulkChange, by: Viewer, by_worker: bool = False) -> BulkChange:
    if by_worker or change.total > AT_ONCE:
        Outbox.put("desk.change_many", queue="bulk", change_id=change.id)
        db.session.commit()
        return change
    db.session.commit()
    change_id = change.id
    work(change, by, AT_ONCE + 1)
    return db.session.get_one(BulkChange, change_id)


def _note(change_id: int, ids: Sequence[int], by: Viewer) -> None:
    """In the order in which they were chosen; only those that are there and theirs to see."""
    seen = TicketQuery.seen_by(by).where(Ticket.id.in_(ids)).statement.with_only_columns(Ticket.id, Ticket.number)
    numbers = {row[0]: row[1] for row in db.session.execute(seen)}
    steps = [
        {"change_id": change_id, "ticket_id": one, "number": numbers[one], "outcome": Outcome.WAITING}
        for one in ids
        if one in numbers
    ]
    if steps:
        db.session.execute(insert(BulkStep), steps)


def _next(change: BulkChange, most: int) -> list[int]:
    wanted = Outcome.DONE if change.undoing else Outcome.WAITING
    found = select(BulkStep.id).where(BulkStep.change_id == change.id, BulkStep.outcome == wanted)
    return list(db.session.scalars(found.order_by(BulkStep.id).limit(most)))


def _one(step_id: int, change_id: int, by: Viewer | None) -> None:
    """One ticket, as it is now. What it refuses leaves the others done, and is kept with its reason."""
    change = db.session.get_one(BulkChange, change_id)
    undoing = change.undoing
    held = select(BulkStep).where(BulkStep.id == step_id).with_for_update().execution_options(populate_existing=True)
    step = db.session.scalar(held)
    if step is None or step.outcome is not (Outcome.DONE if undoing else Outcome.WAITING):
        db.session.rollback()  # another worker was here first
        return
    try:
        settled = _given_back(change, step, by) if undoing else _done(change, step, by)
        db.session.flush()
    except Exception as refusal:  # one bad ticket must not hold up the thousands behind it
        db.session.rollback()
        settled = {"outcome": Outcome.KEPT if undoing else Outcome.REFUSED, "reason": _sentence(refusal, step_id)}
    db.session.execute(update(BulkStep).where(BulkStep.id == step_id).values(**settled))
    db.session.commit()


def _sentence(refusal: Exception, step_id: int) -> str:
    if isinstance(refusal, HelpdeskError):
        return str(refusal)
    if isinstance(refusal, IntegrityError):
        return _("something else still needs it.")
    log.exception("a bulk change failed", extra={"step": step_id})
    return _("it failed for a reason nobody foresaw; the log has it.")


def _done(change: BulkChange, step: BulkStep, by: Viewer | None) -> dict[str, Any]:
    deed, value = DEEDS[change.deed], change.value
    ticket = _ticket(step, by)
    if ticket is None or by is None:
        return {"outcome": Outcome.GONE}
    rights.demand(by, deed.right, ticket)
    before = deed.kept(ticket, value) if deed.kept else None
    deed.do(ticket, value, by)
    if deed.kept is None:
        return {"outcome": Outcome.DONE}
    after = deed.kept(ticket, value)
    return {"outcome": Outcome.SAME if after == before else Outcome.DONE, "before": {"was": before, "now": after}}


def _given_back(change: BulkChange, step: BulkStep, by: Viewer | None) -> dict[str, Any]:
    deed, value, kept = DEEDS[change.deed], change.value, step.before or {}
    ticket = _ticket(step, by)
    if ticket is None or by is None or deed.kept is None or deed.give_back is None:
        return {"outcome": Outcome.KEPT, "reason": _("It is not there any more.")}
    rights.demand(by, deed.right, ticket)
    if deed.kept(ticket, value) != kept.get("now"):
        return {"outcome": Outcome.KEPT, "reason": _("Somebody changed it since.")}
    deed.give_back(ticket, kept.get("was"), value, by)
    return {"outcome": Outcome.UNDONE, "reason": None}


def _ticket(step: BulkStep, by: Viewer | None) -> Ticket | None:
    return pickers.locked(Ticket.id == step.ticket_id, by) if by is not None else None


def refusals(change: BulkChange, most: int) -> list[BulkStep]:
    """The first tickets that said no, with their sentences."""
    said_no = (Outcome.REFUSED, Outcome.KEPT)
    wanted = select(BulkStep).where(BulkStep.change_id == change.id, BulkStep.outcome.in_(said_no))
    return list(db.session.scalars(wanted.order_by(BulkStep.id).limit(most)))


def sums(found: Mapping[Outcome, int]) -> tuple[int, int]:
    """(came through, still to come)."""
    waiting = found.get(Outcome.WAITING, 0)
    return sum(found.values()) - waiting, waiting
