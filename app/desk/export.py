"""The list as CSV or XLSX: exactly its tickets in its order, batch by batch, so that neither their number nor the memory is a limit."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tempfile
from collections.abc import Iterator
from typing import IO
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.accounts.viewer import Viewer
from app.core import clock
from app.core.extensions import db
from app.desk import fieldfilters
from app.desk.listing import Listing
from app.desk.listpage import rows_of
from app.settings import desk
from app.tickets import fields
from app.tickets.models import Ticket

BATCH = 500
DANGEROUS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", ";", "|")
"""A cell that begins like this, wide signs among them, may be a formula to a spreadsheet; ' before it makes it text again."""
SHEET_ROWS = 1_000_000
"""A sheet ends at 1,048,576 rows; the tickets go on in the next."""
LONGEST_CELL = 32_767
PIECE = 256 * 1024
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What no cell of a workbook may hold."""


def lines(listing: Listing, viewer: Viewer) -> Iterator[str]:
    """The header, then one line a ticket. The byte order mark tells spreadsheets that this is UTF-8."""
    yield "\ufeff" + line(_header())
    for batch in _batches(listing, viewer):
        yield "".join(line(cells) for cells in batch)


def xlsx(listing: Listing, viewer: Viewer) -> Iterator[bytes]:
    """Written row by row into a file that is gone with the download. Every cell is text or a number, none a formula."""
    with tempfile.TemporaryFile() as file:
        _write(file, listing, viewer)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _write(file: IO[bytes], listing: Listing, viewer: Viewer) -> None:
    from openpyxl import Workbook  # takes a tenth of the desk's start, which no start needs

    book, rows = Workbook(write_only=True), 0
    sheet = book.create_sheet(_("Tickets"))
    sheet.append(_header())
    for batch in _batches(listing, viewer):
        for cells in batch:
            if rows == SHEET_ROWS:
                sheet, rows = book.create_sheet(), 0
                sheet.append(_header())
            sheet.append([storable(cell) for cell in cells])
            rows += 1
    book.save(file)


def file_name(ending: str = "csv") -> str:
    return f"tickets-{clock.now():%Y-%m-%d}.{ending}"


def safe(cell: object) -> str:
    """What a spreadsheet shows and never runs."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def storable(cell: object) -> object:
    """A workbook takes no control characters and no endless cell; a leading = would be a formula."""
    return cell if isinstance(cell, int | float) or cell is None else UNSTORABLE.sub("", safe(cell))[:LONGEST_CELL]


def _batches(listing: Listing, viewer: Viewer) -> Iterator[list[list[object]]]:
    """All ids first, as the list is at this moment; then their rows, a batch at a time."""
    zone = ZoneInfo(desk.current().time_zone)
    ids = list(db.session.scalars(listing.ids(viewer)))
    for start in range(0, len(ids), BATCH):
        own = fields.values_of(ids[start : start + BATCH], fields.active())
        yield [
            [*_cells(ticket, zone), *fieldfilters.row(own.get(ticket.id, {}))]
            for ticket in rows_of(ids[start : start + BATCH])
        ]
        db.session.expunge_all()


def _header() -> list[str]:
    return [
        _("Number"), _("Subject"), _("Customer"), _("Email"), _("Organization"), _("Department"), _("Category"), _("Status"), _("State"), _("Priority"), _("Assignee"), _("Tags"),
        _("Channel"), _("Created"), _("Last update"), _("First response"), _("First response due"), _("Resolution due"), _("Resolved"), _("Closed"), _("Minutes spent"), _("Budget in minutes"), _("Rating"),
        *(field.name for field in fields.active()),
    ]  # fmt: skip


def _cells(ticket: Ticket, zone: ZoneInfo) -> list[object]:
    requester = ticket.requester
    instants = (
        ticket.created_at, ticket.last_activity_at, ticket.first_response_at, ticket.first_response_due_at, ticket.resolution_due_at, ticket.resolved_at, ticket.closed_at,
    )  # fmt: skip
    return [
        ticket.number, ticket.subject, requester.name, requester.email, requester.organization, ticket.department.name, ticket.category.name if ticket.category else None, ticket.status.name, ticket.state.value, ticket.priority.name,
        ticket.assignee.get_full_name() if ticket.assignee else None, ", ".join(tag.name for tag in ticket.tags), ticket.channel.value, *(_instant(at, zone) for at in instants), ticket.time_spent_minutes, ticket.budget_minutes, ticket.rating,
    ]  # fmt: skip


def _instant(at: dt.datetime | None, zone: ZoneInfo) -> str | None:
    """Absolute, in the zone of the desk, which is named."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if at else None


def line(cells: list[object] | list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([safe(cell) for cell in cells])
    return buffer.getvalue()
