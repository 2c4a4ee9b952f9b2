"""What the head of every staff page says of its reader: how many notices wait, and whether they take work. One statement for both."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from flask import g, has_request_context
from sqlalchemy import Select, bindparam, exists, func, select

from app.accounts import availability
from app.accounts.availability import Standing
from app.accounts.models import Availability, StaffProfile
from app.accounts.viewer import Viewer
from app.core import clock
from app.core.model import BigId
from app.core.rows import plain_rows
from app.notifications import inbox
from app.notifications.models import Notification, TicketWatch
from app.settings import desk


class Header(NamedTuple):
    standing: Standing
    unread: int
    watched: str | None = None
    """How they hear of the page's ticket: follow, mute, or None as usual."""
    here: bool = False
    """Notices of the page's ticket are among the unread ones."""


def mine(ticket_id: int = 0) -> Header | None:
    """The signed-in person's; read once a request and only where a page shows it. A ticket's page names its ticket first."""
    if not has_request_context() or not getattr(g.get("user"), "is_authenticated", False):
        return None
    if "header" not in g:
        g.header = of(g.user, ticket_id)
    found: Header = g.header
    return found


def of(viewer: Viewer, ticket_id: int = 0) -> Header:
    rows = plain_rows(_statement(viewer, desk.current().agents_see_departments), {"ticket": ticket_id})
    if not rows:
        return Header(Standing(Availability.OFFLINE), 0)
    state, until, reason, unread, watched, here = rows[0]
    return Header(availability.standing(state, until, reason, clock.now()), int(unread), watched, bool(here))


@lru_cache(512)
def _statement(viewer: Viewer, agents_see_departments: bool) -> Select[Any]:
    """Built once for each viewer. The setting is part of the row rule, and so of the key."""
    some = inbox.unread(viewer).limit(inbox.MOST_COUNTED).subquery()
    count = select(func.count()).select_from(some).scalar_subquery()
    ticket = bindparam("ticket", type_=BigId)
    watched = select(TicketWatch.way).where(TicketWatch.ticket_id == ticket, TicketWatch.staff_id == viewer.id)
    here = exists().where(Notification.ticket_id == ticket, Notification.staff_id == viewer.id, Notification.read_at.is_(None))  # fmt: skip
    profile = (StaffProfile.availability, StaffProfile.away_until, StaffProfile.away_reason)
    return select(*profile, count, watched.scalar_subquery(), here).where(StaffProfile.user_id == viewer.id)
