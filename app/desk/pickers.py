"""People and rows a form chose: read from what was posted, offered by name."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple, Protocol, TypeVar

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import aliased, joinedload

from app.accounts import availability as presence
from app.accounts.availability import Standing
from app.accounts.environments import Environment
from app.accounts.models import Availability, Customer, Department, Organization, RoleScope, Scope, StaffProfile
from app.accounts.viewer import Viewer
from app.assignment.load import HELD
from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.rows import plain_rows
from app.desk.listing import is_id
from app.desk.lookups import Lookups
from app.tickets import turns
from app.tickets.choices import Category, Priority, Status
from app.tickets.models import Ticket
from app.tickets.visibility import visible_to

SUGGESTIONS = 8
Row = TypeVar("Row", Status, Priority, Category, Department, Environment)


def chosen(kind: type[Row], value: str, field: str) -> Row:
    """The active row whose id was posted; Invalid with a sentence beside `field` when there is none."""
    row = db.session.get(kind, int(value)) if is_id(value) else None
    if row is None or not row.active:
        raise Invalid(_("This choice does not exist (any more)."), {field: _("Please choose again.")})
    return row


def optional(kind: type[Row], value: str, field: str) -> Row | None:
    return chosen(kind, value, field) if value else None


def person(value: str, viewer: Viewer) -> User | None:
    """Who a ticket goes to: `me`, a staff user's id, or nobody (empty or `nobody`)."""
    if value in ("", "nobody"):
        return None
    wanted = viewer.id if value == "me" else int(value) if is_id(value) else 0
    user = db.session.get(User, wanted)
    if user is None or not user.active:
        raise Invalid(_("There is no such person on the desk."), {"assignee": _("Please choose somebody else.")})
    return user


def absence(agent: User | None, viewer: Viewer) -> str:
    """What whoever chose somebody who is not there is told."""
    return presence.absence_of(agent.id, agent.get_full_name(), viewer) if agent is not None else ""


class Candidate(NamedTuple):
    """Somebody a ticket may be given to."""

    id: int
    name: str
    load: int
    """Tickets on which it is their turn (assignment.load)."""
    standing: Standing

    @property
    def available(self) -> bool:
        return self.standing.state is Availability.AVAILABLE

    @property
    def absence(self) -> str:
        """In a sentence."""
        return presence.said(self.standing, self.name)


class Placed(Protocol):
    """A ticket, or as much of it as says who may work on it."""

    @property
    def department_id(self) -> int: ...
    @property
    def category_id(self) -> int | None: ...


def candidates(ticket: Placed, names: Lookups) -> list[Candidate]:
    """Everybody who may work on this ticket (visibility.may_work_on), in one statement; the available ones first."""
    departments: defaultdict[int, set[int]] = defaultdict(set)
    for member in names.all("member"):
        departments[member.id].add(member.place)
    here = {ticket.department_id, *(row.place for row in names.all("shared"))}
    at, found = clock.now(), {}
    for row in plain_rows(_WORKERS):
        own = departments.get(row.id)
        if row.id not in found and (own is None or not own.isdisjoint(here)) and _in_scope(row, ticket):
            present = presence.standing(row.availability, row.away_until, row.away_reason, at, row.stand_in)
            found[row.id] = Candidate(row.id, f"{row.first_name} {row.last_name}".strip(), row.load or 0, present)
    return sorted(found.values(), key=lambda one: (not one.available, one.name.casefold()))


def _in_scope(row: Any, ticket: Placed) -> bool:
    """By this role of theirs."""
    return row.scope in _ANY_CATEGORY or (
        row.scope is Scope.CATEGORIES and str(ticket.category_id) in (row.categories or "").split()
    )


_ANY_CATEGORY = (Scope.ALL, Scope.OWN_DEPARTMENTS, Scope.MINE_AND_UNASSIGNED)


def _holders(verb: str) -> Select[int]:
    """Who has a role with `can_<verb> on Ticket`. Asked once for all and not for each person anew."""
    return (
        select(assoc_user_role.c.user_id)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(Permission.name == f"can_{verb}", ViewMenu.name == "Ticket")
    )


_LOADS = HELD.subquery()
_INSTEAD = aliased(User)
_WORKERS = (
    select(
        User.id, User.first_name, User.last_name, StaffProfile.availability, StaffProfile.away_until, StaffProfile.away_reason, RoleScope.scope, RoleScope.categories,
        _LOADS.c.tickets.label("load"), (_INSTEAD.first_name + " " + _INSTEAD.last_name).label("stand_in"),
    )
    .join(StaffProfile, StaffProfile.user_id == User.id)
    .join(assoc_user_role, assoc_user_role.c.user_id == User.id)
    .outerjoin(RoleScope, RoleScope.role_id == assoc_user_role.c.role_id)
    .outerjoin(_LOADS, _LOADS.c.assignee_id == User.id)
    .outerjoin(_INSTEAD, and_(_INSTEAD.id == StaffProfile.stand_in_id, _INSTEAD.active.is_(True)))
    .where(User.active.is_(True), User.id.in_(_holders("show")), User.id.in_(_holders("reply")))
)  # fmt: skip


def customers(words: str) -> list[dict[str, str]]:
    """Customers whose name or address begins with `words`, for the picker."""
    begin = words.strip().casefold()
    if not begin:
        return []
    rows = db.session.execute(
        select(Customer.name, Customer.email, Organization.name)
        .outerjoin(Organization, Organization.id == Customer.organization_id)
        .where(Customer.active.is_(True), or_(_begins(Customer.name_key, begin), _begins(Customer.email_key, begin)))
        .order_by(Customer.name_key, Customer.id)
        .limit(SUGGESTIONS)
    )
    return [{"name": row[0], "email": row[1], "organization": row[2] or ""} for row in rows]


def _begins(column: Any, begin: str) -> ColumnElement[bool]:
    """No letter of the person is a pattern."""
    return column.startswith(begin, autoescape=True)


def locked(criterion: ColumnElement[bool], viewer: Viewer) -> Ticket | None:
    """The ticket as it is this moment, if the viewer sees it; nobody else changes it before we commit.

    On SQLite the whole transaction holds the lock already.
    """
    wanted = (
        select(Ticket)
        .where(criterion, visible_to(viewer))
        .options(joinedload(Ticket.requester, innerjoin=True))  # every notice asks for them again
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    )
    ticket = db.session.scalar(wanted)
    if ticket is not None:
        turns.ours(ticket)
    return ticket


class TakenMeanwhile(HelpdeskError):
    """Somebody was faster."""

    def __init__(self, ticket: Ticket) -> None:
        owner = ticket.assignee.get_full_name() if ticket.assignee else _("nobody")
        super().__init__(
            _("Ticket %(number)s was given to %(name)s in the meantime.", number=ticket.display, name=owner)
        )


def claim(ticket: Ticket, viewer: Viewer) -> None:
    """Take a ticket of nobody. Taking it from somebody is said with "Assign to"."""
    if ticket.assignee_id not in (None, viewer.id):
        raise TakenMeanwhile(ticket)
    ticket.assign_to(db.session.get(User, viewer.id), by=viewer)
