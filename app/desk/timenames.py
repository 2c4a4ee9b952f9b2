"""What the rows of the report of time are called, and where each leads; what its reader may not see has no name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from babel.dates import format_date
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import case, select

from app.accounts.models import Customer, Organization
from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.core.shipped import shown
from app.core.words import language
from app.desk.timereport import Row
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.timeentries import ActivityType
from app.tickets.timefigures import NOBODY
from app.tickets.visibility import visible_to

MOST = 500
"""Asked for at once."""


class Named(NamedTuple):
    words: str
    href: str | None = None


def names(by: str, rows: Sequence[Row], viewer: Viewer) -> dict[object, Named]:
    """One statement for a page of them."""
    if by in ("day", "week", "month"):
        return {row.key: Named(_of_day(by, row.key)) for row in rows}
    ids = [row.key for row in rows if row.key != NOBODY]
    found: dict[object, Named] = {}
    for start in range(0, len(ids), MOST):
        found |= READERS[by](ids[start : start + MOST], viewer)
    nobody = {"organization": _("No organization"), "activity": _("No activity"), "agent": _("Somebody who left")}
    unknown = Named(_("A ticket that is not yours to see") if by == "ticket" else _("Not there any more"))
    return {row.key: found.get(row.key, unknown if row.key else Named(nobody.get(by, "–"))) for row in rows}


def _of_day(by: str, written: str) -> str:
    return _said_of(by, written, language())


@lru_cache(10_000)
def _said_of(by: str, written: str, language: str) -> str:
    """Kept: a page says dozens of days, and Babel takes its time for each."""
    if by == "month":
        return str(format_date(dt.date.fromisoformat(f"{written}-01"), "MMMM yyyy", locale=language))
    said = str(format_date(dt.date.fromisoformat(written), _("d MMM yyyy"), locale=language))
    return _("Week from %(day)s", day=said) if by == "week" else said


def _agents(ids: Sequence[int], viewer: Viewer) -> dict[object, Named]:
    rows = db.session.execute(select(User.id, User.first_name, User.last_name).where(User.id.in_(ids)))
    return {row.id: Named(f"{row.first_name} {row.last_name}".strip()) for row in rows}


def _customers(ids: Sequence[int], viewer: Viewer) -> dict[object, Named]:
    if not viewer.can("list", "Customer"):
        return {each: Named(_("A customer")) for each in ids}
    name = case((Customer.name != "", Customer.name), else_=Customer.email)
    rows = db.session.execute(select(Customer.id, name).where(Customer.id.in_(ids)))
    return {row[0]: Named(row[1], f"/admin/tickets/?view=everything&customer={row[0]}") for row in rows}


def _organizations(ids: Sequence[int], viewer: Viewer) -> dict[object, Named]:
    if not viewer.can("list", "Organization"):
        return {each: Named(_("An organization")) for each in ids}
    rows = db.session.execute(select(Organization.id, Organization.name).where(Organization.id.in_(ids)))
    return {row.id: Named(row.name) for row in rows}


def _tickets(ids: Sequence[int], viewer: Viewer) -> dict[object, Named]:
    wanted = select(Ticket.id, Ticket.number, Ticket.subject).where(Ticket.id.in_(ids), visible_to(viewer))
    rows = db.session.execute(wanted)
    display = desk.current().display
    return {row.id: Named(f"{display(row.number)} {row.subject}", f"/admin/tickets/{row.number}") for row in rows}


def _activities(ids: Sequence[int], viewer: Viewer) -> dict[object, Named]:
    rows = db.session.execute(select(ActivityType.id, ActivityType.name).where(ActivityType.id.in_(ids)))
    return {row.id: Named(shown(row.name)) for row in rows}


READERS: dict[str, Callable[[Sequence[int], Viewer], dict[object, Named]]] = {
    "agent": _agents, "customer": _customers, "organization": _organizations, "ticket": _tickets, "activity": _activities,
}  # fmt: skip
