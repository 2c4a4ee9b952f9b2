"""What the demo's tickets came to by silence alone: closed when their days were over, and not when the first worker looks."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import or_, select

from app.accounts.viewer import SYSTEM
from app.core import clock
from app.core.extensions import db
from app.tickets import inactivity
from app.tickets.choices import State
from app.tickets.models import Ticket


def make() -> None:
    """After all that people did. Does not commit."""
    for at, ticket in sorted(_over(), key=lambda one: (one[0], one[1].id)):
        with clock.at(at):
            ticket.close(by=SYSTEM)


def _over() -> list[tuple[dt.datetime, Ticket]]:
    quiet = or_(Ticket.last_customer_at.is_(None), Ticket.last_customer_at <= Ticket.status_since)
    still = db.session.scalars(select(Ticket).where(Ticket.state.in_((State.WAITING, State.RESOLVED)), quiet)).all()
    ends = ((inactivity.closes_at(ticket), ticket) for ticket in still)
    return [(at, ticket) for at, ticket in ends if at is not None and at <= clock.now()]
