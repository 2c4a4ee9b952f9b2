"""Missing documents: the customer is reminded before they are due, on the day and after it, each once."""

from __future__ import annotations

import datetime as dt
import logging

from sqlalchemy import ColumnElement, and_, false, or_, select

from app.accounts.viewer import SYSTEM
from app.core import clock, web
from app.core.extensions import db
from app.settings import desk
from app.tickets.choices import State
from app.tickets.models import Ticket
from app.tickets.requests import DocumentRequest, Reminder, RequestState
from app.tickets.timeline import Did

log = logging.getLogger(__name__)

BATCH = 200
EARLIER = {Reminder.BEFORE: (), Reminder.ON: (Reminder.BEFORE,), Reminder.AFTER: (Reminder.BEFORE, Reminder.ON)}
"""What may have gone before each. One that was missed is not made up for: two mails at once would say the same."""


def remind() -> int:
    """Up to a batch of requests, each in a transaction of its own and looked at again there: two runs at once do it once."""
    today = web.desk_day(clock.now())
    ids = db.session.scalars(
        select(DocumentRequest.id)
        .join(Ticket, Ticket.id == DocumentRequest.ticket_id)
        .where(where_due(today))
        .order_by(DocumentRequest.due_on, DocumentRequest.id)
        .limit(BATCH)
    ).all()
    db.session.commit()
    for request_id in ids:
        try:
            _remind(request_id, today)
            db.session.commit()
        except Exception:  # one request does not keep the others waiting
            db.session.rollback()
            log.exception("document request with id %s was not reminded of", request_id)
    return len(ids)


def due(request: DocumentRequest, today: dt.date) -> Reminder | None:
    """The reminder that is to go now, if any."""
    if request.due_on is None:
        return None
    found = None
    for reminder, on in _days(request.due_on):
        if on <= today:
            found = reminder
    fresh = request.reminded is None or (found is not None and request.reminded in EARLIER[found])
    return found if fresh else None


def where_due(today: dt.date) -> ColumnElement[bool]:
    """The SQL twin of `due`, of open requests in tickets that are not closed. A merged one is, but is owed where it goes on."""
    settings = desk.current()
    on = {
        Reminder.BEFORE: today + dt.timedelta(days=settings.document_before_days) if settings.document_before_days else None,
        Reminder.ON: today if settings.document_on_due else None,
        Reminder.AFTER: today - dt.timedelta(days=settings.document_after_days) if settings.document_after_days else None,
    }  # fmt: skip
    arms = [
        and_(DocumentRequest.due_on <= last, or_(DocumentRequest.reminded.is_(None), DocumentRequest.reminded.in_(EARLIER[reminder])))
        for reminder, last in on.items()
        if last is not None
    ]  # fmt: skip
    owed = or_(Ticket.state != State.CLOSED, Ticket.merged_into_id.is_not(None))
    return and_(
        DocumentRequest.state == RequestState.OPEN, Ticket.hidden_from_client.is_(False), owed, or_(false(), *arms)
    )


def _days(due_on: dt.date) -> list[tuple[Reminder, dt.date]]:
    """The reminders that the settings want, each with its day."""
    settings = desk.current()
    wanted = []
    if settings.document_before_days:
        wanted.append((Reminder.BEFORE, due_on - dt.timedelta(days=settings.document_before_days)))
    if settings.document_on_due:
        wanted.append((Reminder.ON, due_on))
    if settings.document_after_days:
        wanted.append((Reminder.AFTER, due_on + dt.timedelta(days=settings.document_after_days)))
    return wanted


def _remind(request_id: int, today: dt.date) -> None:
    request = db.session.get(DocumentRequest, request_id)
    if request is None:
        return
    place = request.ticket.place_in_turn()
    db.session.refresh(request)
    reminder = due(request, today)
    if reminder is None or not request.open:
        return
    request.reminded = reminder
    if request.missing and place.state is not State.CLOSED:
        request.ticket.record(Did.DOCUMENTS_REMINDED, SYSTEM, request_id=request.id, reminder=reminder.value)
