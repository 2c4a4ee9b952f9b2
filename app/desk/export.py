"""The list as CSV: exactly its tickets in its order, batch by batch, so that neither their number nor the memory is a limit."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.desk.listing import Listing
from app.desk.listpage import rows_of
from app.settings import desk
from app.tickets.models import Ticket

BATCH = 500
DANGEROUS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", ";", "|")
"""A cell that begins like this, wide signs among them, may be a formula to a spreadsheet; ' before it makes it text again."""


def lines(listing: Listing, viewer: Viewer) -> Iterator[str]:
    """The header, then one line a ticket. The byte order mark tells spreadsheets that this is UTF-8."""
    yield "\ufeff" + _line(_header())
    zone = ZoneInfo(desk.current().time_zone)
    ids = list(db.session.scalars(listing.ids(viewer)))
    for start in range(0, len(ids), BATCH):
        yield "".join(_line(_cells(ticket, zone)) for ticket in rows_of(ids[start : start + BATCH]))
        db.session.expunge_all()


def file_name() -> str:
    return f"tickets-{clock.now():%Y-%m-%d}.csv"


def safe(cell: object) -> str:
    """What a spreadsheet shows and never runs."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def _header() -> list[str]:
    return [
        _("Number"), _("Subject"), _("Customer"), _("Email"), _("Organization"), _("Department"), _("Category"), _("Status"), _("State"), _("Priority"), _("Assignee"), _("Tags"),
        _("Channel"), _("Created"), _("Last update"), _("First response"), _("First response due"), _("Resolution due"), _("Resolved"), _("Closed"),
    ]  # fmt: skip


def _cells(ticket: Ticket, zone: ZoneInfo) -> list[object]:
    requester = ticket.requester
    instants = (
        ticket.created_at, ticket.last_activity_at, ticket.first_response_at, ticket.first_response_due_at, ticket.resolution_due_at, ticket.resolved_at, ticket.closed_at,
    )  # fmt: skip
    return [
        ticket.number, ticket.subject, requester.name, requester.email, requester.organization, ticket.department.name, ticket.category.name if ticket.category else None, ticket.status.name, ticket.state.value, ticket.priority.name,
        ticket.assignee.get_full_name() if ticket.assignee else None, ", ".join(tag.name for tag in ticket.tags), ticket.channel.value, *(_instant(at, zone) for at in instants),
    ]  # fmt: skip


def _instant(at: dt.datetime | None, zone: ZoneInfo) -> str | None:
    """Absolute, in the zone of the desk, which is named."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if at else None


def _line(cells: list[object] | list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe(cell) for cell in cells])
    return buffer.getvalue()
