"""Mail that reached nobody: said in its ticket and announced to whoever has the ticket, or to admins when the mail server itself is at fault."""

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
    UNTRUSTED = "mail_untrusted"
    GAVE_UP = "mail_gave_up"


def note(delivery: Delivery, sentence: str) -> None:
    """An internal note in the mail's ticket. When a person's words to a customer or a supplier were in it, their colleague is told, too."""
    ticket = db.session.get(Ticket, delivery.ticket_id) if delivery.ticket_id else None
    if ticket is None:
        return
    ticket.note(Words(sentence, via=Channel.MAIL), by=SYSTEM)
    if (outgoing.to_customer(delivery) or outgoing.to_supplier(delivery)) and not delivery.automatic:
        publish(Went.FAILED, delivery)


def warn_of_server(why: str) -> None:
    """The mails are tried again for days and their senders wait: somebody who can mend it hears of it at the first of them. Commits."""
    publish(Went.UNTRUSTED, why)
    db.session.commit()


def warn_of_end(delivery_id: int) -> None:
    """Days of tries are over for a mail: admins hear of it, whatever it was about. Commits."""
    publish(Went.GAVE_UP, db.session.get_one(Delivery, delivery_id))
    db.session.commit()
