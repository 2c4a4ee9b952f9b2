"""Mails to suppliers, and who hears of their answers; and whoever is added to a ticket."""

from __future__ import annotations

from sqlalchemy import select

from app.core.extensions import db
from app.mail import outgoing
from app.notifications.models import Notice
from app.notifications.rules import tell_staff
from app.tickets.supplied import TicketSupplier
from app.tickets.timeline import Did, TicketEvent


def tell_supplier(event: TicketEvent) -> None:
    """The question leaves to the one person it was written to."""
    said = event.particulars
    outgoing.put_notice(
        "supplier_asked",
        supplier_contact_id=said["contact_id"],
        ticket_id=event.ticket_id,
        message_id=said["message_id"],
        values={
            "about": said["subject"],
            "along": " ".join(map(str, said.get("along") or ())),
            "files": " ".join(map(str, said.get("files") or ())),
        },
    )


def tell_of_answer(event: TicketEvent) -> None:
    """Whoever has the ticket, and whoever asked. In the desk alone: an answer to such a mail would go to the customer."""
    if event.what is Did.SUPPLIER_ANSWERED and event.particulars.get("automatic"):
        return
    ticket = event.ticket
    asked = select(TicketSupplier.asked_by_id).where(
        TicketSupplier.ticket_id.in_(ticket.family()), TicketSupplier.supplier_id == event.particulars["supplier_id"]
    )
    people = {ticket.assignee_id, *db.session.scalars(asked)} - {None}
    for staff_id in sorted(each for each in people if each is not None):
        tell_staff(staff_id, Notice.SUPPLIER_ANSWERED, event, mail=False)


def tell_added(event: TicketEvent) -> None:
    tell_staff(int(event.particulars["now_id"]), Notice.ADDED, event, mail=False)
