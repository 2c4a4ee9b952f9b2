"""Jobs on promises."""

from __future__ import annotations

import logging

from sqlalchemy import or_, select

from app.core.extensions import db
from app.core.outbox import Outbox
from app.sla import breaches, clocks
from app.sla.fold import ClockState
from app.sla.models import SlaClock
from app.tickets.models import Ticket

log = logging.getLogger(__name__)

PAGE = 100


def enforce() -> None:
    """Until nothing is due; each batch is a transaction of its own, so that a kill loses and doubles nothing."""
    while breaches.enforce():
        db.session.commit()


def check(after_ticket: int = 0) -> None:
    """Replay the events of every ticket with something promised, and heal what differs. A page at a time, the next by a job of its own."""
    going = select(SlaClock.ticket_id).where(SlaClock.state.in_((ClockState.RUNNING, ClockState.PAUSED)))
    page = (
        select(Ticket)
        .where(Ticket.id > after_ticket, or_(Ticket.live.is_(True), Ticket.id.in_(going)))
        .order_by(Ticket.id)
        .limit(PAGE)
        .with_for_update()
    )
    tickets = db.session.scalars(page).all()
    wrong = [ticket.number for ticket in tickets if clocks.rebuild(ticket)]
    if wrong:
        log.warning(
            "the clocks of %s tickets differed from their events and are right now, %s among them", len(wrong), wrong[0]
        )
    if len(tickets) == PAGE:
        Outbox.put("sla.check", queue="bulk", after_ticket=tickets[-1].id)
