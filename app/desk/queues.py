"""The quick filters of the ticket list, as words and as queries."""

from __future__ import annotations

import enum
from collections.abc import Callable

from flask_babel import lazy_gettext as _l

from app.accounts.viewer import Viewer
from app.tickets.models import Ticket
from app.tickets.queues import LIVE_STATES, TicketQuery

LIVE_STATE = Ticket.state.in_(LIVE_STATES)
"""Says no more than "live", and lets the index on assignee and state skip somebody's thousands of finished tickets."""


class Queue(enum.StrEnum):
    """The quick filters."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    URGENT = "urgent"
    NEEDS = "needs"
    SNOOZED = "snoozed"
    OPEN = "open"
    EVERYTHING = "everything"


QUEUES = {
    Queue.MINE: _l("My tickets"),
    Queue.UNASSIGNED: _l("Unassigned"),
    Queue.URGENT: _l("Urgent"),
    Queue.NEEDS: _l("Needs response"),
    Queue.SNOOZED: _l("Snoozed"),
    Queue.OPEN: _l("All open"),
    Queue.EVERYTHING: _l("Everything"),
}


def in_queue(queue: Queue, viewer: Viewer) -> TicketQuery:
    """Each quick filter as a sentence; the counts on the tabs say the same in counts.py."""
    seen = TicketQuery.seen_by(viewer)
    if queue is Queue.EVERYTHING:
        return seen.without_spam()
    narrowed: dict[Queue, Callable[[TicketQuery], TicketQuery]] = {
        Queue.MINE: lambda query: query.of(viewer.id).where(LIVE_STATE).awake(),
        Queue.UNASSIGNED: lambda query: query.unassigned().where(LIVE_STATE).awake(),
        Queue.URGENT: lambda query: query.urgent(),
        Queue.NEEDS: lambda query: query.needing_response().awake(),
        Queue.SNOOZED: lambda query: query.asleep(),
        Queue.OPEN: lambda query: query,
    }
    return narrowed[queue](seen.live())
