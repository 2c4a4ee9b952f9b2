"""What a ticket keeps of its thread, counted anew: for when entries come or go at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from app.core.extensions import db
from app.tickets.conversation import EXCERPT
from app.tickets.models import Ticket
from app.tickets.thread import Message, MessageKind, speaks_for_customer
from app.tickets.timeline import Did, TicketEvent

ENTERED = (Did.STATUS_CHANGED, Did.RESOLVED, Did.CLOSED, Did.REOPENED)


def recount(ticket: Ticket) -> None:
    """As the verbs would have left it, had they put there what stands there now. It is no activity of its own."""
    columns = (
        Message.id, Message.kind, Message.created_at, Message.customer_id, Message.staff_id, Message.via, Message.sent_to, Message.origin_ticket_id, Message.moved_from_id
    )  # fmt: skip
    wanted = select(*columns).where(Message.ticket_id == ticket.id).order_by(Message.created_at, Message.id)
    rows = db.session.execute(wanted).all()
    written = [row for row in rows if row.kind is MessageKind.REPLY]
    public = [row for row in written if row.staff_id is not None or speaks_for_customer(row.kind, row.staff_id, row.customer_id, row.via)]  # fmt: skip
    elsewhere = _elsewhere(ticket, public)
    theirs = [row for row in public if not _ours(row)]
    answers = [place for place, row in enumerate(public) if _ours(row) and row.id not in elsewhere]
    waiting = [row for row in public[answers[-1] if answers else 0 :] if not _ours(row)]
    ticket.message_count = len(rows)
    ticket.last_staff_at = public[answers[-1]].created_at if answers else None
    ticket.last_customer_at = theirs[-1].created_at if theirs else None
    ticket.needs_response = bool(waiting)
    ticket.awaiting_since = waiting[0].created_at if waiting else None
    ticket.excerpt = _excerpt(written[-1].id) if written else ""
    ticket.last_activity_at = max(ticket.created_at, *(row.created_at for row in rows), *_entered(ticket))


def _ours(row: Any) -> bool:
    return row.customer_id is None and row.staff_id is not None


def _elsewhere(ticket: Ticket, public: Sequence[Any]) -> set[int]:
    """Replies that did not reach the requester, as their events say, wherever they were written."""
    addressed = [row for row in public if row.sent_to is not None]
    if not addressed:
        return set()
    places = {ticket.id, *(place for row in addressed for place in (row.origin_ticket_id, row.moved_from_id) if place)}
    told = select(TicketEvent.particulars).where(TicketEvent.ticket_id.in_(places), TicketEvent.what == Did.REPLIED)
    return {given["message_id"] for given in db.session.scalars(told) if given.get("elsewhere")}


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
