"""The undo sign beside tags and dates: offered on the page that is drawn after a change, without a script. What it undoes: tickets.takingback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import g, request, session

from app.core.extensions import db
from app.desk.composing import ids
from app.tickets import takingback
from app.tickets.models import Ticket
from app.tickets.timeline import TicketEvent

KEPT = "undo"
"""In the session: what a ticket's page may offer to undo."""
DATES = {"follow_up", "action_required", "snooze"}
MOST = 50
"""Tags that are added in one go."""


def offering(deed: Callable[[Ticket], None]) -> Callable[[Ticket], None]:
    """The deed, and the offer to undo what it did to tags and dates; a property that saves itself is undone by its script."""
    if DATES.isdisjoint(request.form) and not request.path.endswith(("/tags", "/undo")):
        return deed

    def done(ticket: Ticket) -> None:
        last = takingback.last_event(ticket)
        deed(ticket)
        _offer(ticket, takingback.since(ticket, last, g.user))

    return done


def take_back(ticket: Ticket) -> None:
    """What the page offered: each `event` that the form names."""
    takingback.take_back(ticket, ids(request.form.getlist("event"))[:MOST], g.user)


def just_done(number: int) -> Any:
    """What a ticket's page offers to undo, once."""
    done = session.get(KEPT)
    return session.pop(KEPT) if done and done["number"] == number else None


def _offer(ticket: Ticket, events: list[int]) -> None:
    session.pop(KEPT, None)
    if events and len(events) <= MOST:
        what = db.session.get_one(TicketEvent, events[-1]).what
        session[KEPT] = {"number": ticket.number, "property": takingback.BACK_TO[what], "events": events}
