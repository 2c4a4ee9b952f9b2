"""What tests of merging and moving look at: every row of the desk, every sum, the words of a thread."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.accounts.viewer import CustomerActor
from app.core.extensions import db
from app.core.model import Base
from app.reports import recount as figures
from app.reports import volume
from app.tickets import tally
from app.tickets.models import Ticket
from app.tickets.thread import Channel, Message, Words

TOLD = {"ticket_event", "merge", "outbox", "delivery", "notification", "tally", "daily_figure", "ticket_number"}
"""Tables that tell of what happened, or hold sums that are asserted by themselves."""


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the desk, but when its ticket was last written."""
    db.session.commit()
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name in TOLD or table.name.startswith(("ab_", "alembic")):
            continue
        columns = [column for column in table.columns if (table.name, column.name) != ("ticket", "updated_at")]
        found[table.name] = sorted((tuple(row) for row in db.session.execute(select(*columns))), key=repr)
    return found


def sums_are_right() -> None:
    db.session.commit()
    assert tally.recount() == 0
    assert figures.recount(volume.today(), volume.today()) == 0


def write(ticket: Ticket, text: str) -> Message:
    return ticket.receive(Words(text, via=Channel.PORTAL), CustomerActor.of(ticket.requester))


def texts(criterion: Any) -> list[str]:
    return list(db.session.scalars(select(Message.text).where(criterion).order_by(Message.created_at, Message.id)))
