"""What a ticket keeps of its thread, counted anew: for when entries come or go at once."""

from __future__ import annotations

from sqlalchemy import func, select

from app.core.extensions import db
from app.tickets.conversation import EXCERPT
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind, speaks_for_customer
from app.tickets.timeline import Did, TicketEvent

ENTERED = (Did.STATUS_CHANGED, Did.RESOLVED, Did.CLOSED, Did.REOPENED)


def recount(ticket: Ticket) -> None:
    """As the verbs would have left it, had they put there what stands there now. It is no activity of its own."""
    columns = (Message.id, Message.kind, Message.created_at, Message.customer_id, Message.staff_id, Message.via)
    wanted = select(*columns).where(Message.ticket_id == ticket.id).order_by(Message.created_at, Message.id)
    rows = db.session.execute(wanted).all()
    written = [row for row in rows if row.kind is MessageKind.REPLY]
    public = [row for row in written if row.staff_id is not None or speaks_for_customer(row.kind, row.staff_id, row.customer_id, row.via)]  # fmt: skip
    by_staff = [place for place, row in enumerate(public) if row.customer_id is None and row.staff_id is not None]
    answered = by_staff[-1] + 1 if by_staff else 0
    theirs = [row.created_at for place, row in enumerate(public) if place not in set(by_staff)]
    ticket.message_count = len(rows)
    ticket.last_staff_at = public[by_staff[-1]].created_at if by_staff else None
    ticket.last_customer_at = theirs[-1] if theirs else None
    ticket.needs_response = answered < len(public)
    ticket.awaiting_since = public[answered].created_at if ticket.needs_response else None
    ticket.excerpt = _excerpt(written[-1].id) if written else ""
    ticket.last_activity_at = max(ticket.created_at, *(row.created_at for row in rows), *_entered(ticket))


def _excerpt(message_id: int) -> str:
    written = db.session.scalar(select(Message.text).where(Message.id == message_id))
    return " ".join((written or "").split())[:EXCERPT]


def _entered(ticket: Ticket) -> list[object]:
    """When it got the status it has, if ever another than its first."""
    latest = select(func.max(TicketEvent.at)).where(
        TicketEvent.ticket_id == ticket.id, TicketEvent.what.in_(sorted(ENTERED))
    )
    found = db.session.scalar(latest)
    return [found] if found else []
