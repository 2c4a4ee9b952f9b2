"""The lines of the list: 25 tickets in two statements of plain columns."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, case, select

from app.accounts.models import Customer, Organization
from app.core.extensions import db
from app.tickets.choices import State, Status, Tag, ticket_tag
from app.tickets.models import Ticket, TicketKind
from app.tickets.thread import Channel


class Line(NamedTuple):
    """A ticket as the list shows it: plain columns, as 25 whole tickets with their neighbours would take most of the page's time."""

    id: int
    number: int
    subject: str
    kind: TicketKind
    state: State
    live: bool
    needs_response: bool
    hidden_from_client: bool
    created_at: dt.datetime
    last_activity_at: dt.datetime
    resolved_at: dt.datetime | None
    next_due_at: dt.datetime | None
    first_response_at: dt.datetime | None
    first_response_due_at: dt.datetime | None
    resolution_due_at: dt.datetime | None
    department_id: int
    category_id: int | None
    priority_id: int
    assignee_id: int | None
    channel: Channel
    status: str
    colour: str | None
    customer: str
    organization: str | None


LINES = (
    select(
        *(getattr(Ticket, name) for name in Line._fields[: Line._fields.index("status")]), Status.name, Status.colour,
        case((Customer.name != "", Customer.name), else_=Customer.email), Organization.name,
    )
    .join(Status, Status.id == Ticket.status_id).join(Customer, Customer.id == Ticket.requester_id)
    .outerjoin(Organization, Organization.id == Customer.organization_id)
    .where(Ticket.id.in_(bindparam("ids", expanding=True)))
)  # fmt: skip
TAGS = (
    select(ticket_tag.c.ticket_id, Tag.name)
    .join(Tag, Tag.id == ticket_tag.c.tag_id)
    .where(ticket_tag.c.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(Tag.name)
)
"""Built once: composing them costs more than running them."""


def lines_of(ids: list[int]) -> tuple[list[Line], Mapping[int, list[str]]]:
    """The lines of these ids in their order, and the names of the tags of each."""
    tags: defaultdict[int, list[str]] = defaultdict(list)
    if not ids:
        return [], tags
    lines = {row[0]: Line(*row) for row in db.session.execute(LINES, {"ids": ids})}
    for ticket_id, name in db.session.execute(TAGS, {"ids": ids}):
        tags[ticket_id].append(name)
    return [lines[ticket_id] for ticket_id in ids if ticket_id in lines], tags
