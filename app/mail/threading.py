"""Which ticket a message belongs to, and whether its sender may write to it. Never by likeness."""

from __future__ import annotations

import dataclasses as dc
import re
from collections.abc import Iterator

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, or_, select

from app.accounts import customers
from app.accounts.models import Customer
from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.mail import addresses, boxes
from app.mail.addresses import RecipientKind, Token
from app.mail.boxes import Box
from app.mail.models import Delivery
from app.mail.parsing import IncomingMail
from app.settings import desk
from app.tickets.mergeable import HOME
from app.tickets.models import Ticket
from app.tickets.supplied import SupplierContact, TicketSupplier
from app.tickets.thread import Message
from app.tickets.visibility import may_write

MOST_REFERENCES = 40
"""Looked up of one message: a thread longer than that still names its last mails."""


@dc.dataclass(frozen=True)
class Match:
    """`how` is said in the mail log; `token` proves to whom we gave the address. With a supplier, it belongs to what was exchanged with
    them, whoever sent it: no customer reads it."""

    ticket: Ticket
    how: str
    token: Token | None = None
    supplier_id: int | None = None


def find(mail: IncomingMail, recipients: tuple[str, ...], box: Box | None = None) -> Match | None:
    """By our token in an address, by our own Message-ID, by one we stored, by a number from somebody who takes part.

    `box`: the mailbox it came to, where that is known better than by its addresses.
    """
    return next((match for _rule, match in tried(mail, recipients, box) if match is not None), None)


def tried(
    mail: IncomingMail, recipients: tuple[str, ...], box: Box | None = None
) -> Iterator[tuple[str, Match | None]]:
    """Rule after rule, in the order of their worth, with what each finds. Whoever asks stops at the first that does.

    What somebody else wrote under a Message-ID of theirs counts in its own mailbox alone: anybody may write any.
    """
    yield "token", _by_token(mail, recipients)
    yield "ours", _by_our_message_id(mail)
    yield "stored", _by_stored_message_id(mail, box or _box_of(mail, recipients))
    yield "number", _by_number(mail)


def addressed(mail: IncomingMail, recipients: tuple[str, ...]) -> tuple[str, ...]:
    """Where it went, as far as it says: the envelope's first."""
    return (*recipients, *mail.delivered_to, *(person.address for person in (*mail.to, *mail.cc)))


def _by_token(mail: IncomingMail, recipients: tuple[str, ...]) -> Match | None:
    for address in addressed(mail, recipients):
        token = addresses.read_token(address)
        ticket = db.session.get(Ticket, token.ticket_id) if token else None
        if ticket is not None:
            supplier_id = _supplier_of(token.recipient_id) if token and token.kind is RecipientKind.SUPPLIER else None
            return Match(ticket, _("the reply address is ours and names the ticket"), token, supplier_id)
    return None


def named(mail: IncomingMail) -> list[str]:
    """The newest first: In-Reply-To, then References from the end."""
    ids = [mail.in_reply_to, *reversed(mail.references)]
    return list(dict.fromkeys(each for each in ids if each))[:MOST_REFERENCES]


def _by_our_message_id(mail: IncomingMail) -> Match | None:
    for message_id in named(mail):
        delivery_id = addresses.read_message_id(message_id)
        delivery = db.session.get(Delivery, delivery_id) if delivery_id else None
        ticket = db.session.get(Ticket, delivery.ticket_id) if delivery is not None and delivery.ticket_id else None
        if ticket is not None:
            contact_id = delivery.supplier_contact_id if delivery is not None else None
            return Match(
                ticket, _("it answers a mail of ours"), supplier_id=_supplier_of(contact_id) if contact_id else None
            )
    return None


def _by_stored_message_id(mail: IncomingMail, box: Box) -> Match | None:
    ids = named(mail)
    if not ids:
        return None
    wanted = select(HOME, Message.supplier_id).where(Message.message_id.in_(ids)).order_by(Message.id.desc())
    wanted = wanted.join(Ticket, Ticket.id == Message.ticket_id).where(_came_to(box))
    found = db.session.execute(wanted.limit(1)).first()
    ticket = db.session.get(Ticket, found[0]) if found else None
    if found is None or ticket is None:
        return None
    return Match(ticket, _("it refers to a message of the ticket"), supplier_id=found[1])


def _box_of(mail: IncomingMail, recipients: tuple[str, ...]) -> Box:
    ours = boxes.in_force()
    return ours.of(addressed(mail, recipients)) or ours.main


def _came_to(box: Box) -> ColumnElement[bool]:
    """The tickets of this mailbox; the main one has all that came another way."""
    if not box.main:
        return Ticket.mailbox_id == box.id
    others = [other.id for other in boxes.in_force().all if not other.main and other.active]
    return or_(Ticket.mailbox_id.is_(None), Ticket.mailbox_id.not_in(others))


def _by_number(mail: IncomingMail) -> Match | None:
    for number in numbers(mail):
        ticket = db.session.scalar(select(Ticket).where(Ticket.number == number))
        if ticket is not None and (supplier_id := _supplier_who_writes(mail, ticket)) is not None:
            return Match(ticket, _("the subject names its number, and its supplier wrote"), supplier_id=supplier_id)
        sender = customers.find(mail.sender.address) if mail.sender.address else None
        if ticket is not None and sender is not None and takes_part(sender, ticket):
            return Match(ticket, _("the subject names its number, and the sender takes part"))
    return None


def numbers(mail: IncomingMail) -> list[int]:
    """The numbers of tickets that its subject names."""
    shown = re.escape(desk.current().number_pattern).replace(r"\{n\}", "([0-9]{1,15})")
    return [int(one[1] or one[2]) for one in re.finditer(rf"(?i)\[(?:{shown}|#([0-9]{{1,15}}))\]", mail.subject)]


def _supplier_of(contact_id: int) -> int | None:
    contact = db.session.get(SupplierContact, contact_id)
    return contact.supplier_id if contact is not None else None


def _supplier_who_writes(mail: IncomingMail, ticket: Ticket) -> int | None:
    """The supplier of this ticket whose person the sender is."""
    if ticket.supplier_turn is None or not mail.sender.address:
        return None
    theirs = (
        select(SupplierContact.supplier_id)
        .join(TicketSupplier, TicketSupplier.supplier_id == SupplierContact.supplier_id)
        .where(TicketSupplier.ticket_id == ticket.id, SupplierContact.active.is_(True))
        .where(SupplierContact.email_key == mail.sender.address.casefold())
    )
    return db.session.scalar(theirs.order_by(TicketSupplier.id).limit(1))


def takes_part(customer: Customer, ticket: Ticket) -> bool:
    """Requester, a member of their organization, or an accepted CC."""
    return may_write(CustomerActor.of(customer), ticket)


def staff_token(match: Match) -> int | None:
    """The staff user to whom we gave the address this mail came to."""
    token = match.token
    return token.recipient_id if token is not None and token.kind is RecipientKind.STAFF else None
