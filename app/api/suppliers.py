"""The API on suppliers and environments: which there are, those of a ticket, and a question to one of their people."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.environments import Environment
from app.api import reading, shapes
from app.api.doorman import caller
from app.api.fields import Fields, text
from app.api.fields import number as whole_number
from app.api.repeats import Answer
from app.api.tickets import seen
from app.core.errors import NotThere
from app.core.extensions import db
from app.tickets import suppliers
from app.tickets.models import Ticket
from app.tickets.supplied import Supplier, SupplierContact, TicketSupplier
from app.tickets.suppliers import MOST_ALONG, Question

LONGEST_SUBJECT = 1000
LONGEST_ADDRESS = 254


def list_environments() -> Answer:
    """In the admin's order, switched-off ones too."""
    Fields.of_query().done()
    rows = db.session.scalars(select(Environment).order_by(Environment.position, Environment.id))
    items = [{"id": row.id, "name": row.name, "colour": row.colour, "active": row.active} for row in rows]
    return {"items": items, "next": None}, 200


def list_suppliers() -> Answer:
    """With those of their people who may be written to."""
    Fields.of_query().done()
    wanted = select(Supplier).options(
        selectinload(Supplier.contacts), selectinload(Supplier.categories), joinedload(Supplier.department)
    )
    rows = db.session.scalars(wanted.order_by(Supplier.name, Supplier.id))
    return {"items": [_supplier(row) for row in rows], "next": None}, 200


def list_ticket_suppliers(number: int) -> Answer:
    """Of this ticket, with whose turn it is."""
    return _of(seen(number)), 200


def add_supplier(number: int) -> Answer:
    """By its name. Adding one that is there changes nothing."""
    ticket, fields = seen(number), Fields.of_body()
    supplier: Supplier | None = fields.take("supplier", _named)
    if supplier is None and "supplier" not in fields.wrong:
        fields.refuse("supplier", _("Please name a supplier."))
    fields.done()
    assert supplier is not None
    suppliers.add(ticket, supplier, by=caller())
    db.session.flush()
    return _of(ticket), 201


def remove_supplier(number: int, supplier_id: int) -> Answer:
    """What was written stays."""
    ticket = seen(number)
    supplier = db.session.get(Supplier, reading.path_id(supplier_id))
    if supplier is None or suppliers.of(ticket, supplier.id) is None:
        raise NotThere(_("This ticket has no such supplier."))
    suppliers.remove(ticket, supplier, by=caller())
    db.session.flush()
    return _of(ticket), 200


def ask_supplier(number: int) -> Answer:
    """A mail to one of a supplier's people, found by the address. No customer ever reads it. `along` are ids of messages that go
    with it, `file_ids` files of such messages."""
    ticket, fields = seen(number), Fields.of_body()
    words = reading.message(fields, caller())
    contact: SupplierContact | None = fields.take("to", _contact)
    if contact is None and "to" not in fields.wrong:
        fields.refuse("to", _("Please say to which of a supplier's people it goes."))
    subject = fields.text("subject", LONGEST_SUBJECT, required=True)
    along: tuple[int, ...] = fields.take("along", _ids, ())
    files: tuple[int, ...] = fields.take("file_ids", _ids, ())
    fields.done()
    assert contact is not None
    message = suppliers.ask(ticket, Question(contact, subject, words, along, files), by=caller())
    db.session.flush()
    return shapes.message(message), 201


def _of(ticket: Ticket) -> dict[str, Any]:
    rows = db.session.scalars(
        select(TicketSupplier)
        .where(TicketSupplier.ticket_id.in_(ticket.family()))
        .options(joinedload(TicketSupplier.supplier))
        .order_by(TicketSupplier.id)
    )
    items = [
        {
            "id": row.supplier_id, "name": row.supplier.name, "turn": row.turn.value, "subject": row.subject,
            "asked_at": shapes.instant(row.asked_at), "answered_at": shapes.instant(row.answered_at),
        }
        for row in rows
    ]  # fmt: skip
    return {"items": items, "next": None}


def _supplier(row: Supplier) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "department": row.department.name if row.department else None, "categories": [each.name for each in row.categories],
        "active": row.active, "people": [{"name": one.name, "email": one.email} for one in row.contacts if one.active],
    }  # fmt: skip


def _named(given: Any) -> Supplier:
    wanted = text(given, 255).strip().casefold()
    for row in db.session.scalars(select(Supplier).where(Supplier.active.is_(True)).order_by(Supplier.id)):
        if row.name.casefold() == wanted:
            return row
    raise ValueError(_("There is no active supplier of this name."))


def _contact(given: Any) -> SupplierContact:
    wanted = text(given, LONGEST_ADDRESS).strip().casefold()
    found = db.session.scalar(
        select(SupplierContact)
        .join(Supplier, Supplier.id == SupplierContact.supplier_id)
        .where(func.lower(SupplierContact.email_key) == wanted, SupplierContact.active.is_(True), Supplier.active.is_(True))
        .order_by(SupplierContact.id)
        .limit(1)
    )  # fmt: skip
    if found is None:
        raise ValueError(_("No supplier has an active person with this address."))
    return found


def _ids(given: Any) -> tuple[int, ...]:
    if not isinstance(given, list) or len(given) > MOST_ALONG:
        raise ValueError(_("This is a list of ids."))
    return tuple(whole_number(each) for each in given)
