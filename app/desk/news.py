"""What an open list asks now and then: whether tickets of it were active since. Most of the time one look at an index answers."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select

from app.accounts.viewer import Viewer
from app.core.rows import plain_rows
from app.desk.listing import Listing
from app.tickets.models import Ticket

MOST = 99
LATEST = select(func.max(Ticket.last_activity_at))


def of(listing: Listing, viewer: Viewer, since: str) -> int:
    """How many of the list's tickets were active after `since`; nothing for what is no instant."""
    try:
        at = dt.datetime.fromisoformat(since)
        if at.tzinfo is None:
            return 0
        at = at.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return 0
    latest = plain_rows(LATEST)[0][0]
    if latest is None or latest <= at:
        return 0
    active = listing.query(viewer).where(Ticket.last_activity_at > at).statement
    some = active.with_only_columns(Ticket.id).order_by(None).limit(MOST).subquery()
    return int(plain_rows(select(func.count()).select_from(some))[0][0])
