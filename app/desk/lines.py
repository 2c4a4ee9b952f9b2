"""The lines of the list: 25 tickets in two statements of plain columns."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, bindparam, case, literal, select, union_all

from app.accounts.models import Customer, Organization
from app.core.extensions import db
from app.desk.supplierlines import named_arms
from app.tickets.choices import State, Status, Tag, ticket_tag
from app.tickets.fieldkinds import Values
from app.tickets.fieldmodels import CustomValue
from app.tickets.models import Ticket, TicketKind
from app.tickets.supplied import Turn
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
    follow_up_at: dt.datetime | None
    action_required_at: dt.datetime | None
    snoozed_until: dt.datetime | None
    department_id: int
    category_id: int | None
    priority_id: int
    assignee_id: int | None
    channel: Channel
    documents_wanted: int
    documents_here: int
    time_spent_minutes: int
    budget_minutes: int | None
    environment_id: int | None
    supplier_turn: Turn | None
    rating: int | None
    status_id: int
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
VALUES_ARMS = (
    TAGS.order_by(None).add_columns(literal(0).label("field_id"), literal(0).label("place")),
    select(CustomValue.ticket_id, CustomValue.text, CustomValue.field_id, CustomValue.place).where(
        CustomValue.ticket_id.in_(bindparam("ids", expanding=True)),
        CustomValue.field_id.in_(bindparam("fields", expanding=True)),
    ),
)
VALUES = union_all(*VALUES_ARMS).order_by("field_id", "place", "name")
"""Tags, and the values of fields. Built once: composing them costs more than running them."""
SUPPLIERS, FURTHER = -1, -2
"""In place of a field: the names of a ticket's suppliers, and of the staff and departments that were added to it."""
NAMED: CompoundSelect[Any] = union_all(*VALUES_ARMS, *named_arms(SUPPLIERS, FURTHER)).order_by(
    "field_id", "place", "name"
)


Besides = tuple[Mapping[int, list[str]], Mapping[int, dict[int, Values]]]
"""Ticket → names of its tags; ticket → field → values."""


def lines_of(ids: list[int], fields: Sequence[int] = ()) -> tuple[list[Line], Besides]:
    """The lines of these ids in their order, with the tags of each and what it holds in these of the desk's own fields."""
    if not ids:
        return [], ({}, {})
    lines = {row[0]: Line(*row) for row in db.session.execute(LINES, {"ids": ids})}
    return [lines[ticket_id] for ticket_id in ids if ticket_id in lines], _besides(ids, fields)


def _besides(ids: list[int], fields: Sequence[int]) -> Besides:
    """In one statement, with fields or without."""
    tags: defaultdict[int, list[str]] = defaultdict(list)
    values: defaultdict[int, dict[int, Values]] = defaultdict(dict)
    wanted = (
        db.session.execute(NAMED if min(fields) < 0 else VALUES, {"ids": ids, "fields": fields})
        if fields
        else db.session.execute(TAGS, {"ids": ids})
    )
    for ticket_id, text, *field in wanted:
        if field and field[0]:
            values[ticket_id][field[0]] = (*values[ticket_id].get(field[0], ()), text)
        else:
            tags[ticket_id].append(text)
    return tags, values
