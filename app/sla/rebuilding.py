"""After a change of the policies every promise that runs is counted anew, a page of tickets a job; how far that is can be read."""

from __future__ import annotations

from sqlalchemy import Select, func, or_, select

from app.core import clock
from app.core.extensions import db
from app.core.outbox import Outbox
from app.sla.fold import ClockState
from app.sla.models import SlaClock, SlaRebuild
from app.tickets.models import Ticket

KEPT = 20
"""Runs that are remembered."""


def concerned() -> Select[int]:
    """Tickets with something that runs, or that could have."""
    going = select(SlaClock.ticket_id).where(SlaClock.state.in_((ClockState.RUNNING, ClockState.PAUSED)))
    return select(Ticket.id).where(or_(Ticket.live.is_(True), Ticket.id.in_(going)))


def begin() -> SlaRebuild:
    """A run that is going on gives way to this one, which begins at the first ticket."""
    total = db.session.scalar(select(func.count()).select_from(concerned().subquery())) or 0
    run = SlaRebuild(total=total)
    db.session.add(run)
    db.session.flush()
    Outbox.put("sla.check", queue="bulk", rebuild_id=run.id)
    return run


def latest() -> SlaRebuild | None:
    return db.session.scalar(select(SlaRebuild).order_by(SlaRebuild.id.desc()).limit(1))


def going_on(rebuild_id: int) -> SlaRebuild | None:
    """None when a later one counts everything anew."""
    newest = latest()
    return newest if newest is not None and newest.id == rebuild_id else None


def note(run: SlaRebuild, done: int, moved: int, last: bool) -> None:
    run.done, run.moved = run.done + done, run.moved + moved
    if last:
        run.ended_at, run.total = clock.now(), run.done
        old = select(SlaRebuild.id).order_by(SlaRebuild.id.desc()).offset(KEPT)
        for each in db.session.scalars(old).all():
            db.session.delete(db.session.get_one(SlaRebuild, each))
