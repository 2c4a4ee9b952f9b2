"""What a mail to a supplier says: what was written to them, what its writer sent along, and nothing else of the ticket."""

from __future__ import annotations

import datetime as dt
from typing import TypeAlias

from flask_babel import gettext as _
from sqlalchemy import Select, select

from app.core.extensions import db
from app.mail.models import Delivery
from app.tickets import suppliers
from app.tickets.supplied import SupplierContact
from app.tickets.thread import Attachment, Message, MessageKind

Ids: TypeAlias = "Select[str | None, dt.datetime]"


def subject_of(delivery: Delivery) -> str:
    return delivery.values.get("about") or _("A question")


def name_of(delivery: Delivery) -> str:
    contact = _contact(delivery)
    return contact.name if contact is not None else ""


def language_of(delivery: Delivery) -> str | None:
    contact = _contact(delivery)
    return contact.supplier.language if contact is not None else None


def files_along(delivery: Delivery) -> list[Attachment]:
    """Of other messages, in the order in which they came. Asked anew when the mail leaves: what was moved away meanwhile stays here."""
    ids = _ids(delivery, "files")
    if not ids or delivery.ticket is None:
        return []
    found = db.session.scalars(select(Attachment).where(Attachment.id.in_(ids)).order_by(Attachment.id)).all()
    allowed = {message.id for message in _sendable(delivery, [file.message_id or 0 for file in found])}
    return [file for file in found if file.message_id in allowed]


def own_thread(delivery: Delivery, got: Ids) -> tuple[Ids, Ids]:
    """The mails of this thread: what this person got as a supplier's, and what their company wrote."""
    contact = _contact(delivery)
    wrote = select(Message.message_id, Message.created_at).where(
        Message.kind == MessageKind.SUPPLIER,
        Message.supplier_id == (contact.supplier_id if contact is not None else 0),
        Message.ticket_id == (delivery.ticket.place().id if delivery.ticket is not None else 0),
        Message.message_id.is_not(None),
    )
    return got.where(Delivery.supplier_contact_id.is_not(None)), wrote


def along(delivery: Delivery) -> list[Message]:
    """The newest first, as a reply repeats what went before."""
    return _sendable(delivery, _ids(delivery, "along"))[::-1]


def _sendable(delivery: Delivery, ids: list[int]) -> list[Message]:
    contact = _contact(delivery)
    if contact is None or delivery.ticket is None:
        return []
    return suppliers.sendable(delivery.ticket.place(), ids, contact.supplier_id)


def _ids(delivery: Delivery, name: str) -> list[int]:
    return [int(word) for word in str(delivery.values.get(name) or "").split()]


def _contact(delivery: Delivery) -> SupplierContact | None:
    return db.session.get(SupplierContact, delivery.supplier_contact_id or 0)
