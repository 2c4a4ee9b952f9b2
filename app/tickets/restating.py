"""Gives the tickets of a status to another one, or another meaning to the status they have: asked for once, done by a job."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
import logging

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, func, select, update

from app.accounts.viewer import Actor, Kind
from app.core import clock
from app.core.audit import What, note
from app.core.database import is_postgresql
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.outbox import Outbox
from app.tickets import turns
from app.tickets.choices import State, Status
from app.tickets.models import Ticket
from app.tickets.statuses import demand_rest
from app.tickets.statusmoves import StatusMove, unfinished

log = logging.getLogger(__name__)

A_TURN = 200
"""Tickets a job moves before it lets others have the worker."""
LOOKS = 5
"""How often it looks again, a minute later each time, for what came in while it went through, or refused."""
PAUSE = dt.timedelta(minutes=1)


class AtWork(HelpdeskError):
    """Its tickets are being moved, or some are being moved to it."""

    code = 409

    def __init__(self, status: Status) -> None:
        super().__init__(_("Tickets of the status “%(name)s” are being moved. Wait until that is over.", name=str(status)))  # fmt: skip


@dc.dataclass(frozen=True)
class Change:
    """What an admin wants of a status: its tickets in `target`, or, where that is the status itself, another meaning."""

    status: Status
    target: Status
    state: State

    @classmethod
    def to(cls, status: Status, target: Status) -> Change:
        return cls(status, target, target.state)

    @property
    def meaning(self) -> bool:
        return self.target is self.status


def demand_possible(change: Change) -> None:
    """Raise a sentence where it would be nothing, or would leave the desk without what it needs."""
    status, target = change.status, change.target
    for one in (status, target):
        if unfinished(one) is not None:
            raise AtWork(one)
    if change.meaning:
        _demand_meaning(status, change.state)
    else:
        _demand_move(status, target)


def begin(change: Change, by: Actor, told: bool = False) -> StatusMove:
    """From this moment nobody can choose the old status, or it means what it means from now on; a job does the rest. Does not commit."""
    _take(change)
    demand_possible(change)
    status, target = change.status, change.target
    move = StatusMove(
        status_id=status.id, target_id=target.id, was=status.name, now=target.name, state_was=status.state, state=change.state,
        told=told, staff_id=by.staff_id, staff_name=by.name, total=tickets(status),
    )  # fmt: skip
    db.session.add(move)
    if change.meaning:
        status.state = change.state
    else:
        status.active = False
        note(What.CHANGED, status, tickets=[status.name, target.name])
    db.session.flush()
    Outbox.put("tickets.move_status", queue="bulk", move_id=move.id)
    return move


def again(move: StatusMove) -> None:
    """What was left over is tried once more. Does not commit."""
    if move.finished_at is not None and move.stands and left(move):
        move.finished_at = None
        Outbox.put("tickets.move_status", queue="bulk", move_id=move.id)


def carry_on(move_id: int, beyond: int = 0, look: int = 0) -> None:
    """The next tickets, by their ids. Safe to run twice and to be killed: what is moved is not in the old status any more.
    `look`: how often it went through them all before."""
    move = db.session.get(StatusMove, move_id)
    if move is None or not move.stands or (move.finished_at is not None and not look):
        return
    ids = list(db.session.scalars(select(Ticket.id).where(_waits(move), Ticket.id > beyond).order_by(Ticket.id).limit(A_TURN)))  # fmt: skip
    db.session.commit()
    for ticket_id in ids:
        _one(ticket_id, move_id)
    if len(ids) == A_TURN:
        Outbox.put("tickets.move_status", queue="bulk", move_id=move_id, beyond=ids[-1], look=look)
    else:
        _been_through(db.session.get_one(StatusMove, move_id), look)


def left(move: StatusMove) -> int:
    """Tickets that wait for it still."""
    return db.session.scalar(select(func.count()).select_from(Ticket).where(_waits(move))) or 0


def tickets(status: Status) -> int:
    return db.session.scalar(select(func.count()).select_from(Ticket).where(Ticket.status_id == status.id)) or 0


def _demand_meaning(status: Status, state: State) -> None:
    if status.state is state:
        raise Invalid(_("The status means that already."), {"means": _("Choose another meaning.")})
    if status.initial and status.active and not state.live:
        raise Invalid(
            _("New tickets start in this status, so it cannot mean that they are over."),
            {"means": _("Let new tickets start in another status first.")},
        )
    demand_rest(status, state if status.active else None)


def _demand_move(status: Status, target: Status) -> None:
    if not target.active:
        raise Invalid(
            _("The status “%(name)s” is switched off.", name=str(target)), {"to": _("Choose another status.")}
        )
    if status.initial and status.active:
        raise Invalid(
            _("New tickets start in this status."), {"to": _("Let new tickets start in another status first.")}
        )
    demand_rest(status, None)


def _take(change: Change) -> None:
    """Of two who change a status, the second waits for the first and sees what it is by then."""
    wanted = select(Status).where(Status.id.in_({change.status.id, change.target.id})).order_by(Status.id)
    held = wanted.with_for_update(of=Status, key_share=True) if is_postgresql() else wanted
    db.session.scalars(held.execution_options(populate_existing=True)).all()


def _waits(move: StatusMove) -> ColumnElement[bool]:
    if move.status_id is None or not move.stands:
        return false()
    here = Ticket.status_id == move.status_id
    return and_(here, Ticket.state != move.state) if move.meaning else here


def _one(ticket_id: int, move_id: int) -> None:
    """One ticket, as it is now, and its mark: one transaction. Whoever was here first did it."""
    try:
        move = db.session.get_one(StatusMove, move_id)
        held = select(Ticket).where(Ticket.id == ticket_id, _waits(move)).with_for_update(of=Ticket)
        ticket = db.session.scalar(held.execution_options(populate_existing=True))
        if ticket is not None and move.target is not None:
            turns.ours(ticket)
            ticket.restate(move.target, Actor(Kind.STAFF, move.staff_name, move.staff_id), move.told)
            db.session.execute(update(StatusMove).where(StatusMove.id == move_id).values(moved=StatusMove.moved + 1))
        db.session.commit()
    except Exception:  # one bad ticket must not hold up the thousands behind it
        db.session.rollback()
        log.exception("a ticket was not moved to another status", extra={"ticket": ticket_id, "move": move_id})


def _been_through(move: StatusMove, look: int) -> None:
    """Whoever wrote while the old status could still be chosen comes in late, so it looks again; so it does where one refused."""
    rest = left(move)
    if look < LOOKS and (rest or not look):
        Outbox.put("tickets.move_status", queue="bulk", after=PAUSE, move_id=move.id, look=look + 1)
    if move.finished_at is None and (not rest or look >= LOOKS):
        move.finished_at = clock.now()
