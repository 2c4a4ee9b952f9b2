"""Jobs on promises."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from sqlalchemy import select

from app.core.extensions import db
from app.core.outbox import Outbox
from app.sla import acting, breaches, clocks, rebuilding
from app.tickets.models import Ticket

log = logging.getLogger(__name__)

PAGE = 100


def enforce() -> None:
    """Until nothing is due; each batch is a transaction of its own, so that a kill loses and doubles nothing."""
    while breaches.enforce():
        db.session.commit()


def act(clock_id: int, act: str, rank: int = 0, since: str = "") -> None:
    """What a level wants done to the ticket. `since`: when it was reached."""
    acting.act(clock_id, act, rank, dt.datetime.fromisoformat(since) if since else None)


def check(after_ticket: int = 0, rebuild_id: int = 0, customer_id: int = 0) -> None:
    """Replay the events of every ticket with something promised, and heal what differs. A page at a time, the next by a job of its own.

    `rebuild_id`: after a change of the policies, whose progress is read. `customer_id`: whose organization changed; of them alone.
    """
    wanted = select(Ticket).where(Ticket.id.in_(rebuilding.concerned()), Ticket.id > after_ticket)
    if customer_id:
        wanted = wanted.where(Ticket.requester_id == customer_id)
    tickets = db.session.scalars(wanted.order_by(Ticket.id).limit(PAGE).with_for_update(of=Ticket)).all()
    run = (
        rebuilding.going_on(rebuild_id) if rebuild_id else None
    )  # asked with the tickets held: a later run has to wait for them
    if rebuild_id and run is None:
        return
    wrong = [ticket.number for ticket in tickets if clocks.rebuild(ticket)]
    if wrong and not rebuild_id and not customer_id:
        log.warning(
            "the clocks of %s tickets differed from their events and are right now, %s among them", len(wrong), wrong[0]
        )
    if run is not None:
        rebuilding.note(run, len(tickets), len(wrong), last=len(tickets) < PAGE)
    if len(tickets) == PAGE:
        ids: dict[str, Any] = {
            name: value for name, value in (("rebuild_id", rebuild_id), ("customer_id", customer_id)) if value
        }
        Outbox.put("sla.check", queue="bulk", after_ticket=tickets[-1].id, **ids)
