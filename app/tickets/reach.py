"""The row rule on staff, once: what their roles and departments reach of tickets, without what taking part in one adds."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, true

from app.accounts.models import Scope
from app.accounts.viewer import Viewer
from app.core.filtering import among, sifting
from app.settings import desk
from app.tickets.models import Ticket
from app.tickets.tally import NOBODY, Tally


class Columns(NamedTuple):
    """Where the rule reads what it asks for."""

    department: ColumnElement[Any]
    assignee: ColumnElement[Any]
    nobodys: ColumnElement[bool]
    category: ColumnElement[Any]


OF_A_TICKET = Columns(
    sifting(Ticket.department_id),
    sifting(Ticket.assignee_id),
    sifting(Ticket.assignee_id).is_(None),
    sifting(Ticket.category_id),
)
OF_A_CELL = Columns(
    Tally.department_id.expression, Tally.assignee_id.expression, Tally.assignee_id == NOBODY, Tally.category_id.expression
)  # fmt: skip


def open_scope(viewer: Viewer) -> bool:
    """Nothing but departments narrows what they see."""
    wide = Scope.ALL in viewer.scopes or Scope.OWN_DEPARTMENTS in viewer.scopes
    return wide or (Scope.MINE_AND_UNASSIGNED in viewer.scopes and desk.current().agents_see_departments)


def in_scope(viewer: Viewer, ticket: Ticket, assigned: bool) -> bool:
    """Of one loaded ticket; `assigned` asks as if it were theirs."""
    own = assigned or ticket.assignee_id in (None, viewer.id)
    return (
        open_scope(viewer)
        or (Scope.MINE_AND_UNASSIGNED in viewer.scopes and own)
        or (Scope.CATEGORIES in viewer.scopes and ticket.category_id in viewer.categories)
    )


def where_in_scope(viewer: Viewer, of: Columns) -> ColumnElement[bool]:
    if open_scope(viewer):
        return true()
    arms: list[ColumnElement[bool]] = []
    if Scope.MINE_AND_UNASSIGNED in viewer.scopes:
        arms.append(or_(of.assignee == viewer.id, of.nobodys))
    if Scope.CATEGORIES in viewer.scopes:
        arms.append(among(of.category, viewer.categories))
    return or_(*arms) if arms else false()


def in_departments(viewer: Viewer, ticket: Ticket) -> bool:
    """Somebody without any is not restricted."""
    return not viewer.departments or ticket.department_id in viewer.departments


def where_in_departments(viewer: Viewer, of: Columns) -> ColumnElement[bool]:
    return among(of.department, viewer.departments) if viewer.departments else true()


def where_reached(viewer: Viewer, of: Columns) -> ColumnElement[bool]:
    """NULL, not false, on a ticket of no category that only its category would bring in reach: ask `is_not(true())` for the rest."""
    return and_(where_in_scope(viewer, of), where_in_departments(viewer, of))
