"""A ticket's events, told as the moves its ledger follows from."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from app.accounts.viewer import Kind
from app.core import clock
from app.core.extensions import db
from app.hours import calendars
from app.tickets.choices import State
from app.tickets.ledger import Ledger, Move, Moved, spans
from app.tickets.models import Ticket
from app.tickets.timeline import Did, TicketEvent

ENTERS = (Did.STATUS_CHANGED, Did.RESOLVED, Did.CLOSED, Did.REOPENED, Did.RESTATED)
SUPPLIED = {
    Did.SUPPLIER_ASKED: Moved.ASKED,
    Did.SUPPLIER_ANSWERED: Moved.HEARD,
    Did.SUPPLIER_ACCEPTED: Moved.HEARD,
    Did.SUPPLIER_SETTLED: Moved.HEARD,
    Did.SUPPLIER_REMOVED: Moved.HEARD,
}
ASIDE = {
    Did.MERGED: Moved.SET_ASIDE,
    Did.MARKED_SPAM: Moved.SET_ASIDE,
    Did.UNMERGED: Moved.BROUGHT_BACK,
    Did.UNMARKED_SPAM: Moved.BROUGHT_BACK,
}
TOLD = (Did.OPENED, Did.RECEIVED, Did.SENDER_ACCEPTED, Did.REPLIED, *ENTERS, *SUPPLIED, *ASIDE)
COLUMNS = (TicketEvent.ticket_id, TicketEvent.what, TicketEvent.at, TicketEvent.actor_kind, TicketEvent.particulars)


def ledger(ticket: Ticket, until: dt.datetime | None = None) -> Ledger:
    """Up to now, or to an instant."""
    return of_many([ticket], {ticket.id: until or clock.now()})[ticket.id]


def of_many(tickets: Sequence[Ticket], until: Mapping[int, dt.datetime]) -> dict[int, Ledger]:
    """Each up to its instant; all events in one statement."""
    deeds = _deeds([ticket.id for ticket in tickets])
    return {ticket.id: _folded(ticket, deeds[ticket.id], until[ticket.id]) for ticket in tickets}


def _deeds(ids: Sequence[int]) -> Mapping[int, list[Any]]:
    wanted = select(*COLUMNS).where(TicketEvent.ticket_id.in_(ids), TicketEvent.what.in_(TOLD))
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for deed in db.session.execute(wanted.order_by(TicketEvent.id)):
        found[deed.ticket_id].append(deed)
    return found


def _folded(ticket: Ticket, deeds: Sequence[Any], until: dt.datetime) -> Ledger:
    hours = calendars.hours_for(ticket.department_id)
    if not told_here(deeds):
        return Ledger((), hours, known=False)
    moves = [move for deed in deeds[1:] if (move := _move(deed)) is not None]
    return Ledger(spans(ticket.created_at, _first_state(ticket, deeds), moves, until), hours)


def told_here(deeds: Sequence[Any]) -> bool:
    return bool(deeds) and deeds[0].what is Did.OPENED and not deeds[0].particulars.get("imported")


def _first_state(ticket: Ticket, deeds: Iterable[Any]) -> State:
    changes = (deed.particulars.get("state_was") for deed in deeds if deed.what in ENTERS or deed.what in ASIDE)
    return State(next((state for state in changes if state), ticket.state))


def _move(deed: Any) -> Move | None:
    given = deed.particulars
    if deed.what in ENTERS:
        return None if _only_renamed(deed) else Move(deed.at, Moved.ENTERED, State(given["state"]))
    if deed.what in ASIDE:
        return Move(deed.at, ASIDE[deed.what], State(given.get("state_was", State.CLOSED)))
    if deed.what in SUPPLIED:
        heard = given.get("trusted", True) and not given.get("automatic")
        return Move(deed.at, SUPPLIED[deed.what], supplier=given["supplier_id"]) if heard else None
    if deed.what is Did.REPLIED:
        answers = deed.actor_kind is not Kind.SYSTEM and not given.get("elsewhere")
        return Move(deed.at, Moved.WE_WROTE) if answers else None
    proven = deed.what is Did.SENDER_ACCEPTED or given.get("trusted", True)
    return Move(deed.at, Moved.CUSTOMER_WROTE) if proven else None


def _only_renamed(deed: Any) -> bool:
    """Moved with all tickets of its status to another of the same state, or while it was merged or spam: whose turn it is stays."""
    return deed.what is Did.RESTATED and deed.particulars.get("state") == deed.particulars.get("state_was")
