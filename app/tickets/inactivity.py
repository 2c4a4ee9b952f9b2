"""Time passes: a waiting customer is reminded, then the ticket closes; what is resolved is closed after some days.

All count from the instant at which the status was entered, so that a reply, or "keep it open", begins anew.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, false, or_, select

from app.accounts.viewer import SYSTEM
from app.core import clock, web
from app.core.extensions import db
from app.settings import desk
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.timeline import Did

log = logging.getLogger(__name__)

BATCH = 200


def remind_waiting() -> int:
    """Once per stay in the status. What is due to close already is not reminded as well."""
    settings = desk.current()
    due = and_(
        _stayed(State.WAITING, settings.waiting_reminder_days),
        Ticket.reminded_at.is_(None),
        ~_stayed(State.WAITING, settings.waiting_close_days),
    )
    return _each(due, _remind)


def close_waiting() -> int:
    return _each(_stayed(State.WAITING, desk.current().waiting_close_days), lambda ticket: ticket.close(by=SYSTEM))


def close_resolved() -> int:
    return _each(_stayed(State.RESOLVED, desk.current().resolved_close_days), lambda ticket: ticket.close(by=SYSTEM))


def _remind(ticket: Ticket) -> None:
    closes = closes_at(ticket)
    ticket.reminded_at = clock.now()
    ticket.record(Did.REMINDED, SYSTEM, closes_at=closes.isoformat() if closes else None)


def _stayed(state: State, days: int) -> ColumnElement[bool]:
    """In this state for so many days, and the customer wrote nothing since. 0 days is never."""
    if not days:
        return false()
    quiet = or_(Ticket.last_customer_at.is_(None), Ticket.last_customer_at <= Ticket.status_since)
    long = Ticket.status_since <= clock.now() - dt.timedelta(days=days)
    return and_(Ticket.state == state, long, quiet, _due_long_ago(days))


def _due_long_ago(days: int) -> ColumnElement[bool]:
    """Documents that were asked for may come until their day: silence counts from its end."""
    last = web.desk_day(clock.now()) - dt.timedelta(days=days)
    return or_(Ticket.documents_due_on.is_(None), Ticket.documents_due_on < last)


def closes_at(ticket: Ticket) -> dt.datetime | None:
    """When the desk closes it by itself, as the settings stand."""
    settings = desk.current()
    days = {State.WAITING: settings.waiting_close_days, State.RESOLVED: settings.resolved_close_days}.get(
        ticket.state, 0
    )
    if not days:
        return None
    since = ticket.status_since
    if ticket.documents_due_on is not None:
        day_after = dt.datetime.combine(
            ticket.documents_due_on + dt.timedelta(days=1), dt.time(), ZoneInfo(settings.time_zone)
        )
        since = max(since, day_after.astimezone(dt.UTC))
    return since + dt.timedelta(days=days)


def _each(due: ColumnElement[bool], deed: Callable[[Ticket], None]) -> int:
    """Up to a batch of tickets, each in a transaction of its own and looked at again there: two runs at once do it once."""
    ids = db.session.scalars(select(Ticket.id).where(due).order_by(Ticket.status_since, Ticket.id).limit(BATCH)).all()
    db.session.commit()
    for ticket_id in ids:
        still = select(Ticket).where(Ticket.id == ticket_id, due).with_for_update(skip_locked=True, of=Ticket)
        ticket = db.session.scalar(still.execution_options(populate_existing=True))
        try:
            if ticket is not None:
                deed(ticket)
            db.session.commit()
        except Exception:  # one ticket does not keep the others waiting
            db.session.rollback()
            log.exception("ticket with id %s was not moved along", ticket_id)
    return len(ids)
