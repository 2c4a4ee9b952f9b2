"""A mail that reached nobody: said in its ticket, and announced to whoever has the ticket."""

from __future__ import annotations

import enum

from app.accounts.viewer import SYSTEM
from app.core.events import publish
from app.core.extensions import db
from app.mail import outgoing
from app.mail.models import Delivery
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Words


class Went(enum.StrEnum):
    FAILED = "mail_failed"


def note(delivery: Delivery, sentence: str) -> None:
    """An internal note in the mail's ticket. When a person's words to a customer were in it, their colleague is told, too."""
    ticket = db.session.get(Ticket, delivery.ticket_id) if delivery.ticket_id else None
    if ticket is None:
        return
    ticket.note(Words(sentence, via=Channel.MAIL), by=SYSTEM)
    if outgoing.to_customer(delivery) and not delivery.automatic:
        publish(Went.FAILED, delivery)
