"""The API's list of tickets and its filters."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, Integer, Select, bindparam, select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.environments import Environment
from app.accounts.models import Customer, Department
from app.accounts.viewer import Viewer
from app.api import reading, shapes
from app.api.doorman import caller
from app.api.fields import Fields
from app.api.paging import Cut
from app.api.repeats import Answer
from app.api.shapes import Line, Named
from app.core.extensions import db
from app.core.model import BigId
from app.search.engines import rows_of
from app.search.find import matching
from app.settings import desk
from app.tickets import fields as own_fields
from app.tickets.choices import Category, Priority, State, Status, Tag, ticket_tag
from app.tickets.fieldkinds import Values
from app.tickets.models import Ticket
from app.tickets.queues import TicketQuery
from app.tickets.scores import Verdict, where_verdict
from app.tickets.visibility import visible_to

LOADED = (
    joinedload(Ticket.requester), joinedload(Ticket.status), joinedload(Ticket.priority), joinedload(Ticket.department),
    joinedload(Ticket.category), joinedload(Ticket.assignee), joinedload(Ticket.environment), selectinload(Ticket.tags),
)  # fmt: skip
BY_ROW: dict[str, tuple[Any, Any]] = {
    "status": (reading.status, Ticket.status_id),
    "category": (reading.category, Ticket.category_id),
    "department": (reading.department, Ticket.department_id),
    "environment": (reading.environment, Ticket.environment_id),
}
LONGEST_QUESTION = 10_000


def _name(column: Any, owner: Any, key: Any) -> Any:
    return select(column).where(owner == key).scalar_subquery()


COLUMNS: tuple[Any, ...] = (
    *(getattr(Ticket, name) for name in Line._fields),
    _name(Status.name, Status.id, Ticket.status_id), _name(Priority.name, Priority.id, Ticket.priority_id),
    _name(Department.name, Department.id, Ticket.department_id), _name(Category.name, Category.id, Ticket.category_id),
    _name(User.username, User.id, Ticket.assignee_id), Customer.name, Customer.email,
    _name(Environment.name, Environment.id, Ticket.environment_id),
)  # fmt: skip
"""Of a Line, then what its neighbours are called. Looked up and not joined: to plan a join of seven tables costs PostgreSQL more than all the rest."""
TAGS = (
    select(ticket_tag.c.ticket_id, Tag.name)
    .join(Tag, Tag.id == ticket_tag.c.tag_id)
    .where(ticket_tag.c.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(Tag.name)
)
CUT = ("limit", "cursor")


def list_tickets() -> Answer:
    """The newest first."""
    fields = Fields.of_query()
    narrowed = _filtered(fields).criterion if set(fields.given).difference(CUT) else None
    cut = Cut.of(fields)
    if narrowed is None:
        wanted = _all(caller(), desk.current().agents_see_departments, cut.before is not None)
    else:
        wanted = _lines(narrowed, cut.before is not None)
    found = db.session.execute(wanted, {"before": cut.before, "rows": cut.limit + 1}).all()
    rows, tags = found[: cut.limit], _tags([row[0] for row in found[: cut.limit]])
    width = len(Line._fields)
    held = own_fields.values_of([row[0] for row in rows], own_fields.active())
    items = [
        shapes.ticket_of(line, Named(*row[width:]), tags[line.id], _own(line, held.get(line.id, {})))
        for row in rows
        for line in (Line(*row[:width]),)
    ]
    return {"items": items, "next": cut.following([row[0] for row in found])}, 200


def _own(line: Line, held: Mapping[int, Values]) -> dict[str, Any]:
    return {field.key: field.plain(held.get(field.id, ())) for field in own_fields.of_category(line.category_id)}


@lru_cache(512)
def _all(caller: Viewer, agents_see_departments: bool, further: bool) -> Select[Any]:
    """Built once for each caller, as it costs more than to run it; the setting is part of the row rule, and so of the key."""
    return _lines(visible_to(caller), further)


def _lines(criterion: ColumnElement[bool], further: bool) -> Select[Any]:
    """The limit stands in the text: without it PostgreSQL expects a tenth of all tickets, and plans anew each time."""
    wanted = select(*COLUMNS).join(Customer, Customer.id == Ticket.requester_id).where(criterion)
    if further:
        wanted = wanted.where(Ticket.id < bindparam("before", type_=BigId))
    return wanted.order_by(Ticket.id.desc()).limit(bindparam("rows", type_=Integer, literal_execute=True))


def _tags(ids: list[int]) -> dict[int, list[str]]:
    tags: defaultdict[int, list[str]] = defaultdict(list)
    if ids:
        for ticket_id, name in db.session.execute(TAGS, {"ids": ids}):
            tags[ticket_id].append(name)
    return tags


def _filtered(fields: Fields) -> TicketQuery:
    query = _by_person(_by_column(TicketQuery.seen_by(caller()), fields), fields)
    if fields.text("tag", 40):
        query = query.tagged(fields.given["tag"])
    words = fields.text("q", LONGEST_QUESTION)
    return query.where(Ticket.id.in_(rows_of(matching(words, caller())))) if words else query


def _by_column(query: TicketQuery, fields: Fields) -> TicketQuery:
    for name, (read, column) in BY_ROW.items():
        found = fields.take(name, read)
        if found is not None:
            query = query.where(column == found.id)
    state = fields.one_of("state", [state.value for state in State])
    rating = fields.one_of("rating", [verdict.value for verdict in Verdict])
    priority: Priority | None = fields.take("priority", reading.priority)
    since: dt.datetime | None = fields.take("updated_since", reading.instant)
    if state is not None:
        query = query.where(Ticket.state == State(state))
    if priority is not None:
        query = query.where(Ticket.priority_id == priority.id)
    if rating is not None:
        query = query.where(where_verdict(Ticket.rating, Verdict(rating)))
    return query.where(Ticket.updated_at >= since) if since is not None else query


def _by_person(query: TicketQuery, fields: Fields) -> TicketQuery:
    if "assignee" in fields:
        person: User | None = fields.take("assignee", reading.assignee(caller()))
        query = query.of(person.id if person else None)
    if "customer" in fields:
        query = query.where(Ticket.requester_id.in_(fields.take("customer", reading.customer_ids, [])))
    return query
