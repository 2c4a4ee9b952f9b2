"""Everything the desk knows of one customer as files: what they may ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Select, or_, select

from app.accounts.customernotes import CustomerNote
from app.accounts.customers import find
from app.accounts.models import Customer
from app.core import storage
from app.core.audit import What, note
from app.core.errors import NotThere
from app.core.extensions import db
from app.mail.models import Delivery, RawMail
from app.satisfaction import reading
from app.satisfaction.models import Rating
from app.tickets import fields
from app.tickets.fieldmodels import Readers
from app.tickets.files import safe_name
from app.tickets.mergeable import HOME, entries_of
from app.tickets.models import Participant, Ticket
from app.tickets.thread import Message, MessageKind

PUBLIC = (Readers.READ, Readers.FILL)
"""Fields that customers read."""


class Exported(NamedTuple):
    tickets: int
    files: int


def export(address: str, folder: Path) -> Exported:
    """customer.json and files/ in a new folder, for its owner alone. Without a ticket's internal notes: those are the team's words.
    What staff noted about the person is theirs to know. Commits."""
    customer = find(address)
    if customer is None:
        raise NotThere(f"There is no customer with the address {address}.")
    (folder / "files").mkdir(mode=0o700, parents=True)
    folder.chmod(0o700)
    tickets = db.session.scalars(select(Ticket).where(_takes_part(customer)).order_by(Ticket.id)).all()
    files: dict[str, str] = {}
    told = {
        "customer": _person(customer),
        "notes_about_you": [_note(each) for each in _notes(customer)],
        "tickets": [_ticket(ticket, customer, files) for ticket in tickets],
        "mails_to_you": [_mail(each) for each in _mails(customer)],
        "mails_from_you": [
            {"received_at": mail.received_at, "subject": mail.subject, "became": mail.verdict}
            for mail in _received(customer)
        ],
    }
    (folder / "customer.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False, default=_plain), encoding="utf-8"
    )
    for name, key in files.items():
        (folder / "files" / name).write_bytes(storage.load(key))
    note(What.EXPORTED, f"customer {customer.id}", tickets=len(tickets), files=len(files))
    db.session.commit()
    return Exported(len(tickets), len(files))


def _takes_part(customer: Customer) -> Any:
    written = select(HOME).where(Message.customer_id == customer.id)
    added = select(Participant.ticket_id).where(Participant.customer_id == customer.id)
    return or_(Ticket.requester_id == customer.id, Ticket.id.in_(written), Ticket.id.in_(added))


def _person(customer: Customer) -> dict[str, Any]:
    names = ("name", "email", "phone", "notes", "language", "active", "address_works", "verified_at", "created_at")
    organization = customer.organization.name if customer.organization else None
    return {**{name: getattr(customer, name) for name in names}, "organization": organization}


def _notes(customer: Customer) -> list[CustomerNote]:
    """Removed ones are kept, and so told."""
    wanted = select(CustomerNote).where(CustomerNote.customer_id == customer.id).order_by(CustomerNote.id)
    return list(db.session.scalars(wanted))


def _note(note: CustomerNote) -> dict[str, Any]:
    """By whom is the team's own affair."""
    earlier = [{"until": wording.until, "text": wording.text} for wording in note.wordings]
    return {
        "at": note.created_at,
        "about": note.purpose.value,
        "text": note.text,
        "removed_at": note.removed_at,
        "earlier": earlier,
    }


def _ticket(ticket: Ticket, customer: Customer, files: dict[str, str]) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.name,
        "created_at": ticket.created_at,
        "fields": {one.field.name: one.field.plain(one.values) for one in fields.held(ticket, PUBLIC) if one.values},
        "ratings": [_rating(rating) for rating in reading.of_ticket(ticket) if rating.customer_id == customer.id],
        "messages": [_message(message, files) for message in db.session.scalars(_public(ticket))],
    }


def _rating(rating: Rating) -> dict[str, Any]:
    """What they said of how we did."""
    return {"at": rating.given_at, "answer": rating.called, "score": rating.score, "comment": rating.comment}


def _public(ticket: Ticket) -> Select[Message]:
    """Of tickets that are one, what people of this one read."""
    readable = entries_of(ticket)
    return select(Message).where(readable, Message.kind == MessageKind.REPLY).order_by(Message.created_at, Message.id)


def _message(message: Message, files: dict[str, str]) -> dict[str, Any]:
    names = []
    for file in message.attachments:
        name = f"{file.id}-{safe_name(file.name)}"
        files[name] = file.storage_key
        names.append(f"files/{name}")
    text = message.full_text or message.text
    return {"at": message.created_at, "author": message.author_name, "text": text, "files": names}


def _mails(customer: Customer) -> list[Delivery]:
    to_them = or_(Delivery.customer_id == customer.id, Delivery.address == customer.email_key)
    return list(db.session.scalars(select(Delivery).where(to_them).order_by(Delivery.id)))


def _mail(delivery: Delivery) -> dict[str, Any]:
    return {"at": delivery.created_at, "kind": delivery.kind, "subject": delivery.subject, "state": delivery.state.value, "reason": delivery.reason}  # fmt: skip


def _received(customer: Customer) -> list[RawMail]:
    entries = select(Message.id).where(Message.customer_id == customer.id)
    theirs = or_(RawMail.entry_id.in_(entries), RawMail.sender == customer.email, RawMail.sender == customer.email_key)
    return list(db.session.scalars(select(RawMail).where(theirs).order_by(RawMail.id)))


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
