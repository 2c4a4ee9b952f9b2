"""The list's filters by supplier and by further people: as an address has them, as SQL, and in words."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from app.accounts.viewer import Viewer
from app.desk.lookups import Lookups
from app.tickets.models import Participant, ParticipantRole, Ticket
from app.tickets.supplied import TicketSupplier, Turn

WORDS = ("any", "none", "waiting", "answered")
FURTHER_WORDS = ("me", "any")
KINDS = ("person", "department")
LONGEST_ID = 9
"""Digits."""


def read(text: str) -> str:
    """Raises ValueError for what is no filter."""
    if text in WORDS or _is_id(text):
        return text
    raise ValueError(text)


def read_further(text: str) -> str:
    kind, _sep, value = text.partition(":")
    if text in FURTHER_WORDS or (kind in KINDS and _is_id(value)):
        return text
    raise ValueError(text)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_ID


def narrow(value: str) -> list[ColumnElement[bool]]:
    if not value:
        return []
    if value == "any":
        return [Ticket.supplier_turn.is_not(None)]
    if value == "none":
        return [Ticket.supplier_turn.is_(None)]
    if value in (Turn.WAITING, Turn.ANSWERED):
        return [Ticket.supplier_turn == Turn(value)]
    theirs = select(TicketSupplier.ticket_id).where(TicketSupplier.supplier_id == int(value))
    return [Ticket.supplier_turn.is_not(None), Ticket.id.in_(theirs)]


def narrow_further(value: str, viewer: Viewer) -> list[ColumnElement[bool]]:
    if not value:
        return []
    if value == "any":
        return [Ticket.further > 0]
    kind, _sep, id = ("person", ":", str(viewer.id)) if value == "me" else value.partition(":")
    by = Participant.staff_id if kind == "person" else Participant.department_id
    role = ParticipantRole.ADDED if kind == "person" else ParticipantRole.DEPARTMENT
    return [Ticket.id.in_(select(Participant.ticket_id).where(by == int(id), Participant.role == role))]


def said(value: str, names: Lookups) -> str | None:
    words = {
        "any": _("With a supplier"), "none": _("Without supplier"), "waiting": _("Waiting for a supplier"), "answered": _("Supplier answered"),
    }  # fmt: skip
    if value in words:
        return words[value]
    return _("Supplier: %(name)s", name=names.name("supplier", int(value)) or _("unknown"))


def said_further(value: str, names: Lookups) -> str | None:
    name = {"me": _("Me"), "any": _("Anybody further")}.get(value) or _named(value, names) or _("unknown")
    return _("Further people: %(name)s", name=name)


def spoken(value: str, names: Lookups) -> str | None:
    """As the search box takes it."""
    return value if not value or value in WORDS else names.name("supplier", int(value))


def spoken_further(value: str, names: Lookups) -> str | None:
    if not value or value in FURTHER_WORDS:
        return value
    kind, _sep, id = value.partition(":")
    row = names.row(kind, int(id))
    if row is None:
        return None
    return row.detail if kind == "person" else row.name


def _named(value: str, names: Lookups) -> str | None:
    kind, _sep, id = value.partition(":")
    return names.name(kind, int(id))
