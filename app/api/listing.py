"""The API's list of tickets and its filters."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy.orm import joinedload, selectinload

from app.api import reading, shapes
from app.api.doorman import caller
from app.api.fields import Fields
from app.api.paging import page
from app.api.repeats import Answer
from app.search.find import matching
from app.tickets.choices import Priority, State
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery

LOADED = (
    joinedload(Ticket.requester), joinedload(Ticket.status), joinedload(Ticket.priority), joinedload(Ticket.department),
    joinedload(Ticket.category), joinedload(Ticket.assignee), selectinload(Ticket.tags),
)  # fmt: skip
BY_ROW: dict[str, tuple[Any, Any]] = {
    "status": (reading.status, Ticket.status_id),
    "category": (reading.category, Ticket.category_id),
    "department": (reading.department, Ticket.department_id),
}
LONGEST_QUESTION = 10_000


def list_tickets() -> Answer:
    """The newest first."""
    fields = Fields.of_query()
    return page(_filtered(fields).statement.options(*LOADED), Ticket, fields, shapes.ticket), 200


def _filtered(fields: Fields) -> TicketQuery:
    query = _by_person(_by_column(TicketQuery.seen_by(caller()), fields), fields)
    if fields.text("tag", 40):
        query = query.tagged(fields.given["tag"])
    words = fields.text("q", LONGEST_QUESTION)
    return query.where(Ticket.id.in_(matching(words, caller()))) if words else query


def _by_column(query: TicketQuery, fields: Fields) -> TicketQuery:
    for name, (read, column) in BY_ROW.items():
        found = fields.take(name, read)
        if found is not None:
            query = query.where(column == found.id)
    state = fields.one_of("state", [state.value for state in State])
    priority: Priority | None = fields.take("priority", reading.priority)
    since: dt.datetime | None = fields.take("updated_since", reading.instant)
    if state is not None:
        query = query.where(Ticket.state == State(state))
    if priority is not None:
        query = query.where(Ticket.priority_id == priority.id)
    return query.where(Ticket.updated_at >= since) if since is not None else query


def _by_person(query: TicketQuery, fields: Fields) -> TicketQuery:
    if "assignee" in fields:
        person: User | None = fields.take("assignee", reading.assignee(caller()))
        query = query.of(person.id if person else None)
    if "customer" in fields:
        query = query.where(Ticket.requester_id.in_(fields.take("customer", reading.customer_ids, [])))
    return query
