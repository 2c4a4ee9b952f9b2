"""What a rule would have done: looked at on the tickets of the last days, and nothing of it stays."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt

from sqlalchemy import ColumnElement, func, select

from app.accounts.viewer import Actor
from app.automation import conditions, deeds
from app.automation.conditions import Held
from app.automation.deeds import Done
from app.automation.models import Kind
from app.automation.rules import Ready
from app.automation.running import HEARD
from app.automation.timers import came_within
from app.core import clock
from app.core.extensions import db
from app.tickets.because import because
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent
from app.tickets.visibility import visible_to

DAYS = 30
SHOWN = 20
"""Tickets of which each step is shown."""
MOST = 10_000
"""Counted no further."""


@dc.dataclass(frozen=True)
class Would:
    number: int
    display: str
    subject: str
    did: tuple[Done, ...]


@dc.dataclass(frozen=True)
class Trial:
    found: int
    shown: tuple[Would, ...]


def on_the_last_days(rule: Ready, viewer: Actor) -> Trial:
    """On which tickets of the last days that this person sees it would have acted, had they been as they are today. Rolls back."""
    now = clock.now()
    since = now - dt.timedelta(days=DAYS)
    happened = came_within(rule, since, now) if rule.kind is Kind.TIMER else _heard(rule, since)
    condition = conditions.filter_of(rule.condition, now)
    found = select(Ticket.id).where(visible_to(viewer), Ticket.merged_into_id.is_(None), happened, condition)
    count = db.session.scalar(select(func.count()).select_from(found.limit(MOST).subquery())) or 0
    ids = db.session.scalars(found.order_by(Ticket.id.desc()).limit(SHOWN)).all()
    return Trial(count, tuple(_rehearse(rule, ticket_id) for ticket_id in ids))


def on_ticket(rule: Ready, number: int, viewer: Actor) -> tuple[Would, bool, list[Held]] | None:
    """Of one ticket: what would be done, whether it holds, and each condition. None for a ticket this person does not see. Rolls back."""
    ticket = db.session.scalar(select(Ticket).where(Ticket.number == number, visible_to(viewer)))
    if ticket is None:
        return None
    holds, told = conditions.holds(rule.condition, ticket)
    return _rehearse(rule, ticket.id), holds, told


def _heard(rule: Ready, since: dt.datetime) -> ColumnElement[bool]:
    heard = sorted(did for did, on in HEARD.items() if on in rule.listens)
    return Ticket.id.in_(select(TicketEvent.ticket_id).where(TicketEvent.at > since, TicketEvent.what.in_(heard)))


def _rehearse(rule: Ready, ticket_id: int) -> Would:
    ticket = db.session.get_one(Ticket, ticket_id)
    number, display, subject = ticket.number, ticket.display, ticket.subject
    with because(rule=rule.name):
        did = tuple(deeds.do(action, ticket) for action in rule.steps)
    db.session.rollback()
    return Would(number, display, subject, did)
