"""Who is told of a document request: the requester with a link of their own, whoever gets copies of it, and the assignee when it is done."""

from __future__ import annotations

from flask import current_app

from app.core.extensions import db
from app.mail import outgoing
from app.notifications.models import Notice
from app.notifications.rules import tell_customers, tell_staff
from app.tickets import uploadlinks
from app.tickets.requests import DocumentRequest
from app.tickets.timeline import TicketEvent


def tell_of_request(event: TicketEvent) -> None:
    """We asked, or looked at what came: our words and the slots. The link goes to the requester alone; all others get the words."""
    request, message_id = _request(event), event.particulars.get("message_id")
    _mail("documents_asked", request, message_id)
    place = request.ticket.place()
    tell_customers(place, "staff_replied", message_id, actor=event, besides={request.ticket.requester.email_key})


def tell_of_missing(event: TicketEvent) -> None:
    """A reminder, or a new link for whoever lost the last one."""
    _mail("documents_reminder", _request(event), None)


def tell_of_end(event: TicketEvent) -> None:
    if event.ticket.place().assignee_id is not None:
        tell_staff(int(event.ticket.place().assignee_id or 0), Notice.DOCUMENTS_DONE, event, mail=False)


def _mail(kind: str, request: DocumentRequest, message_id: int | None) -> None:
    link = f"{current_app.config['PUBLIC_URL']}/portal/upload/{uploadlinks.issue(request)}"
    ticket, values = request.ticket, {"link": link, "request": str(request.id)}
    outgoing.put_notice(
        kind, customer_id=ticket.requester_id, ticket_id=ticket.id, message_id=message_id, values=values
    )


def _request(event: TicketEvent) -> DocumentRequest:
    return db.session.get_one(DocumentRequest, event.particulars["request_id"])
