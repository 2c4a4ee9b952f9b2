"""The numbers on the tabs of the list, from the sums kept with every change: one statement and one row, whatever the desk's size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from app.accounts.viewer import Viewer
from app.core.extensions import db
from app.core.filtering import among
from app.core.model import BigId
from app.desk.queues import Queue
from app.settings import desk
from app.tickets.choices import Priority, State, Status
from app.tickets.models import Participant, Ticket
from app.tickets.queues import URGENT_RANK
from app.tickets.reach import OF_A_CELL, OF_A_TICKET, where_reached
from app.tickets.tally import NOBODY, Cell, Tally
from app.tickets.visibility import sees_all, visible_to

SUMS = select(*(getattr(Tally, name) for name in Cell._fields), Tally.tickets).where(Tally.tickets > 0)


FILTERS = frozenset({"status", "state", "priority", "category", "assigned", "department"})
"""Of the list: what a cell knows too."""
TAB_QUEUES = (Queue.OPEN, Queue.MINE, Queue.UNASSIGNED, Queue.URGENT, Queue.NEEDS, Queue.SNOOZED)


class Counts(NamedTuple):
    queues: dict[Queue, int]
    """How many tickets stand in each live queue; `everything` is not among them, as nobody keeps that sum."""
    filtered: int
    """How many of the asked queue's are left by the filters."""


def counts(viewer: Viewer, queue: Queue, filters: Mapping[str, object]) -> Counts:
    """Of what this viewer sees. `filters` are some of FILTERS with their values."""
    if not viewer.can("show"):
        return Counts(dict.fromkeys(TAB_QUEUES, 0), 0)
    statement = _sums(viewer, desk.current().agents_see_departments, queue, frozenset(filters))
    values = {
        f"wanted_{name}": _assignee(viewer, str(value)) if name == "assigned" else value
        for name, value in filters.items()
    }
    row = [int(tickets or 0) for tickets in db.session.execute(statement, values).one()]
    return Counts(dict(zip(TAB_QUEUES, row, strict=False)), row[-1])


def _assignee(viewer: Viewer, assigned: str) -> int:
    named = {"me": viewer.id, "nobody": NOBODY}
    return named[assigned] if assigned in named else int(assigned)


@lru_cache(512)
def _sums(viewer: Viewer, agents_see_departments: bool, queue: Queue, filters: frozenset[str]) -> Select[Any]:
    """Built once for each viewer: to build it costs several times what it costs to run. Each change of theirs makes a new Viewer."""
    seen = _with_snoozed(viewer, agents_see_departments).subquery().c
    awake = seen.snoozed == 0
    tabs = {
        Queue.OPEN: awake,
        Queue.MINE: seen.assignee_id == viewer.id,
        Queue.UNASSIGNED: seen.assignee_id == NOBODY,
        Queue.URGENT: and_(awake, seen.priority_id.in_(select(Priority.id).where(Priority.rank >= URGENT_RANK))),
        Queue.NEEDS: and_(_in_states(seen, (State.NEW, State.OPEN)), seen.needs_response),
        Queue.SNOOZED: seen.snoozed == 1,
    }
    kept = and_(tabs.get(queue, awake), *(_narrowed(seen, name) for name in sorted(filters)))
    wanted = [(each, tabs[each]) for each in TAB_QUEUES] + [(queue, kept)]
    return select(
        *(
            func.sum(case((criterion, -seen.tickets if each is Queue.SNOOZED else seen.tickets), else_=0))
            for each, criterion in wanted
        )
    )


def _with_snoozed(viewer: Viewer, agents_see_departments: bool) -> Any:
    """The cells, and for each ticket that sleeps one of less than nothing: in the queues which it left it takes one away."""
    cells_seen = _cells(viewer, agents_see_departments).subquery().c
    asleep = (Ticket.live.is_(True), Ticket.where_asleep(), visible_to(viewer))
    return union_all(
        select(*cells_seen, literal(0).label("snoozed")),
        select(*_columns_of_ticket(), literal(-1), literal(1)).where(*asleep),
    )


def _in_states(seen: Any, states: Any) -> ColumnElement[bool]:
    return seen.status_id.in_(select(Status.id).where(Status.state.in_(states)))


def _narrowed(seen: Any, name: str) -> ColumnElement[bool]:
    """A filter of the list on the columns of a cell."""
    value: Any = bindparam(f"wanted_{name}")
    if name == "state":
        return seen.status_id.in_(select(Status.id).where(Status.state == value))
    if name == "priority":
        return seen.priority_id.in_(select(Priority.id).where(Priority.rank == value))
    if name == "assigned":
        return seen.assignee_id == bindparam("wanted_assigned", type_=BigId)
    return getattr(seen, f"{name}_id") == value  # a category that is none is 0 here and there


def cells(viewer: Viewer) -> list[tuple[Cell, int]]:
    """The cells within the viewer's scope, and one cell of one ticket for each they see by taking part alone."""
    if not viewer.can("show"):
        return []
    rows = db.session.execute(_cells(viewer, desk.current().agents_see_departments))
    return [(Cell(*row[:6]), row[6]) for row in rows]


@lru_cache(256)
def _cells(viewer: Viewer, agents_see_departments: bool) -> Any:
    """Cell by cell, then ticket by ticket what the cells do not hold."""
    if sees_all(viewer):
        return SUMS
    return union_all(SUMS.where(where_reached(viewer, OF_A_CELL)), _taking_part(viewer))


def _taking_part(viewer: Viewer) -> Select[Any]:
    """Live tickets that the viewer or a department of theirs was added to, and that are in none of their cells."""
    mine = Participant.staff_id == viewer.id
    added = or_(mine, among(Participant.department_id, viewer.departments)) if viewer.departments else mine
    beyond = where_reached(viewer, OF_A_TICKET).is_not(true())
    taken = Ticket.id.in_(select(Participant.ticket_id).where(added))
    return select(*_columns_of_ticket(), literal(1)).where(Ticket.live.is_(True), taken, beyond, visible_to(viewer))


def _columns_of_ticket() -> list[Any]:
    """As those of a cell."""
    return [
        func.coalesce(getattr(Ticket, name), NOBODY)
        if name in ("assignee_id", "category_id")
        else getattr(Ticket, name)
        for name in Cell._fields
    ]
