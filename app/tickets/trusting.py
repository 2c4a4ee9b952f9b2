"""A message from somebody who took no part: an agent knows them, and from then on they take part."""

from __future__ import annotations

from flask_babel import gettext as _

from app.accounts.viewer import Actor, CustomerActor
from app.core.errors import HelpdeskError
from app.core.extensions import db
from app.tickets import mergeable
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.recounting import recount
from app.tickets.thread import Message, MessageKind
from app.tickets.timeline import Did
from app.tickets.turns import demand


class NotTheirs(HelpdeskError):
    """This message is not a customer's."""


def accept(message: Message, by: Actor) -> None:
    """Customers read it from now on, it reopens as any reply does, and its sender gets the answers. Accepting it twice does nothing."""
    ticket = message.ticket
    demand(by, "reply", ticket)
    if message.kind is not MessageKind.REPLY or message.customer is None:
        raise NotTheirs(_("This is no customer’s message."))
    if message.trusted:
        return
    message.trusted = True
    sender = CustomerActor.of(message.customer)
    home = db.session.get_one(Ticket, message.home_id)
    if not home.open_to(sender):
        db.session.add(
            Participant(ticket_id=home.id, role=ParticipantRole.CC, customer_id=message.customer_id, approved=True)
        )
    db.session.flush()
    mergeable.share(message, ticket)
    recount(ticket)
    ticket.record(Did.SENDER_ACCEPTED, by, message_id=message.id, now=message.customer.email)
    if not ticket.spam:
        ticket._follow_customer_reply(sender)
