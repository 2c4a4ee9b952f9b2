"""Canned responses as a composer offers them: found by title or /name, with their variables filled."""

from __future__ import annotations

import re

from sqlalchemy import or_, select

from app.accounts.viewer import Actor, Viewer
from app.core.extensions import db
from app.tickets.choices import CannedResponse
from app.tickets.models import Ticket

VARIABLE = re.compile(r"\{\{\s*([a-z_]{1,40})\s*\}\}")
OFFERED = 12
LEAST_TO_RECOGNIZE = 12
"""Characters: a shorter text stands in many replies by chance."""


def offered(ticket: Ticket, viewer: Viewer, words: str = "") -> list[CannedResponse]:
    """What this person may insert here: those for the ticket's category first, then the most used."""
    wanted = words.strip().lstrip("/").casefold()
    found = [
        one
        for one in db.session.scalars(_usable(ticket, viewer))
        if wanted in (one.shortcut or "").casefold() or wanted in one.title.casefold()
    ]
    return sorted(
        found,
        key=lambda one: (
            not (one.shortcut or "").casefold().startswith(wanted),
            one.category_id is None,
            -one.uses,
            one.title.casefold(),
        ),
    )[:OFFERED]


def offered_to_begin(viewer: Viewer, words: str = "") -> list[CannedResponse]:
    """The same where there is no ticket yet: what holds for every department and category."""
    wanted = words.strip().lstrip("/").casefold()
    anywhere = _theirs(viewer).where(CannedResponse.department_id.is_(None), CannedResponse.category_id.is_(None))
    found = [
        one
        for one in db.session.scalars(anywhere)
        if wanted in (one.shortcut or "").casefold() or wanted in one.title.casefold()
    ]
    return sorted(found, key=lambda one: (-one.uses, one.title.casefold()))[:OFFERED]


def usable(viewer: Viewer) -> list[CannedResponse]:
    """All that this person may use on some ticket, by title."""
    return list(db.session.scalars(_theirs(viewer).order_by(CannedResponse.title, CannedResponse.id)))


def filled(text: str, ticket: Ticket, writer: Actor) -> str:
    """The text with its variables' values; a name we do not know stays as it is, so that the writer sees it."""
    values = {
        "customer_name": ticket.requester.name or ticket.requester.email,
        "customer_email": ticket.requester.email,
        "ticket_number": ticket.display,
        "subject": ticket.subject,
        "agent_name": writer.name,
        "department": ticket.department.name,
    }
    return VARIABLE.sub(lambda found: values.get(found[1], found[0]), text)


def count_uses(body: str, ticket: Ticket, viewer: Viewer) -> None:
    """One more use of each response whose text stands in what was sent. Does not commit."""
    said = _folded(body)
    for response in db.session.scalars(_usable(ticket, viewer)):
        text = _folded(filled(response.body, ticket, viewer))
        if len(text) >= LEAST_TO_RECOGNIZE and text in said:
            response.uses = CannedResponse.uses + 1


def _usable(ticket: Ticket, viewer: Viewer):  # type: ignore[no-untyped-def]  # a Select of CannedResponse
    """Everybody's and the viewer's own, for every or for this department and category."""
    return _theirs(viewer).where(
        or_(CannedResponse.department_id.is_(None), CannedResponse.department_id == ticket.department_id),
        or_(CannedResponse.category_id.is_(None), CannedResponse.category_id == ticket.category_id),
    )


def _theirs(viewer: Viewer):  # type: ignore[no-untyped-def]  # a Select of CannedResponse
    return select(CannedResponse).where(
        CannedResponse.active.is_(True), or_(CannedResponse.owner_id.is_(None), CannedResponse.owner_id == viewer.id)
    )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
