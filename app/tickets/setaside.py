"""A ticket that ends without anybody having solved it, merged or spam, and comes back as it was."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core import clock
from app.core.extensions import db
from app.tickets.choices import State, Status
from app.tickets.lifecycle import status_for
from app.tickets.statusmoves import given_away

if TYPE_CHECKING:
    from app.tickets.models import Ticket

KEPT = ("status_since", "reminded_at", "resolved_at", "closed_at")


def before(ticket: Ticket) -> dict[str, Any]:
    """What `resume` needs."""
    kept: dict[str, Any] = {"status_id": ticket.status_id, "state": ticket.state.value}
    for name in KEPT:
        at: dt.datetime | None = getattr(ticket, name)
        kept[name] = at.isoformat() if at else None
    return kept


def end(ticket: Ticket) -> None:
    """Closed, but not as if anybody had solved it: nobody is told, no figure counts it as an answer."""
    now = clock.now()
    _put_in(ticket, status_for(State.CLOSED), now)
    ticket.resolved_at, ticket.closed_at = ticket.resolved_at or now, ticket.closed_at or now
    ticket.needs_response, ticket.awaiting_since = False, None


def resume(ticket: Ticket, kept: Mapping[str, Any], since: dt.datetime) -> str:
    """Its status as it was, with the instants that hang on it. A status that an admin took away meanwhile is another of the same state."""
    state = State(kept["state"])
    status = db.session.get(Status, kept["status_id"])
    kept_status = status is not None and status.state is state and not given_away(status)
    _put_in(ticket, status if status is not None and kept_status else status_for(state), since)
    for name in KEPT:
        at = kept[name]
        setattr(ticket, name, dt.datetime.fromisoformat(at) if at else None)
    return state.value


def _put_in(ticket: Ticket, status: Status, since: dt.datetime) -> None:
    ticket.status, ticket.status_id, ticket.state, ticket.live = status, status.id, status.state, status.state.live
    ticket.status_since, ticket.reminded_at = since, None
