"""The names that lists and forms offer (statuses, priorities, categories, departments, people), read in one statement."""

from __future__ import annotations

import dataclasses as dc
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import (
    Boolean,
    CompoundSelect,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from app.accounts.environments import Environment
from app.accounts.models import Customer, Department, StaffProfile, department_member
from app.accounts.viewer import Viewer
from app.core.rows import plain_rows
from app.core.shipped import shown
from app.core.words import catalogue
from app.tickets.choices import Category, Priority, State, Status, Tag, ticket_tag
from app.tickets.conversation import LEADS_TO
from app.tickets.lifecycle import NEIGHBOURS
from app.tickets.lists import Audience, ListChoice, SavedView
from app.tickets.models import Participant, ParticipantRole
from app.tickets.supplied import Supplier, SupplierContact, supplier_category
from app.tickets.timeentries import ActivityType

VOCABULARY = ("status", "priority", "category", "department", "activity")
"""Of these some names came with the desk."""


class Named(NamedTuple):
    """One row of one of those tables."""

    kind: str
    id: int
    name: str
    detail: str
    """State of a status, user name of a person, address of a CC."""
    place: int
    """Position, rank of a priority, department of a membership."""
    active: bool
    manual: bool


class Reached(NamedTuple):
    """A status that some tickets can be brought to."""

    id: int
    name: str
    froms: str
    """The ids of those it may be chosen from; empty: all."""


@dc.dataclass(frozen=True)
class Lookups:
    rows: dict[str, tuple[Named, ...]]
    by_id: dict[str, dict[int | None, Named]] = dc.field(default_factory=dict, compare=False)

    def __hash__(self) -> int:
        return hash(tuple(self.rows.items()))

    def all(self, kind: str) -> tuple[Named, ...]:
        return self.rows.get(kind, ())

    def active(self, kind: str, current: int | None = None) -> list[Named]:
        """What may be chosen, and what is chosen already."""
        return [row for row in self.all(kind) if row.active or row.id == current]

    def choosable_statuses(self, current: int | None = None) -> list[Named]:
        return [row for row in self.all("status") if (row.active and row.manual) or row.id == current]

    def steps(self, viewer: Viewer, current: int) -> list[Named]:
        """The status it has, and those that this person may change it to."""
        return [row for row in self.choosable_statuses(current) if viewer.may_step(current, row.id)]

    def reached(self, viewer: Viewer) -> tuple[Reached, ...]:
        """For tickets of any status: those to which this person may change some."""
        all_ids = [row.id for row in self.all("status")]
        found = [
            (row, [was for was in all_ids if viewer.may_step(was, row.id)])
            for row in self.choosable_statuses()
            if viewer.may_reach(row.id)
        ]
        return tuple(
            Reached(row.id, row.name, "" if len(froms) == len(all_ids) else " ".join(map(str, froms)))
            for row, froms in found
        )

    def outcomes(self, viewer: Viewer) -> frozenset[str]:
        """Of waiting, resolving, closing and reopening, what this person may do to some ticket."""
        found = {then.value: self.status_of(state) for then, state in LEADS_TO.items()}
        may = {name for name, status in found.items() if status is not None and viewer.may_reach(status.id)}
        live = {row.id: State(row.detail).live for row in self.all("status")}
        back = any(viewer.may_step(was, now) for was in live for now in live if live[now] and not live[was])
        return frozenset(may | {"reopen"} if back else may)

    def name(self, kind: str, wanted: int | None) -> str | None:
        row = self.row(kind, wanted)
        return row.name if row is not None else None

    def row(self, kind: str, wanted: int | None) -> Named | None:
        if kind not in self.by_id:
            self.by_id[kind] = {row.id: row for row in self.all(kind)}
        return self.by_id[kind].get(wanted)

    def status_of(self, state: State) -> Named | None:
        """What lifecycle.status_for answers, from the rows at hand."""
        for wanted in (state, *NEIGHBOURS[state]):
            found = next((row for row in self.all("status") if row.active and row.detail == wanted.value), None)
            if found is not None:
                return found
        return None

    def departments_of(self, staff_id: int) -> set[int]:
        return {row.place for row in self.all("member") if row.id == staff_id}


def _arm(kind: str, *columns: object) -> Select[tuple[object, ...]]:
    padded = [*columns, *(literal(""), literal(0), true(), true())[len(columns) - 2 :]]
    return select(literal(kind).label("kind"), *padded)  # type: ignore[arg-type]


_FULL_NAME = (User.first_name + " " + User.last_name).label("name")
_STATUS = _arm(
    "status", Status.id, Status.name, cast(Status.state, String), Status.position, Status.active, Status.manual
)
_PRIORITY = _arm("priority", Priority.id, Priority.name, literal(""), Priority.rank, Priority.active)
_CATEGORY = _arm("category", Category.id, Category.name, literal(""), Category.position, Category.active)
_DEPARTMENT = _arm("department", Department.id, Department.name, literal(""), Department.position, Department.active)
_ACTIVITY = _arm(
    "activity",
    ActivityType.id,
    ActivityType.name,
    ActivityType.colour,
    ActivityType.position,
    ActivityType.active,
    ActivityType.initial,
)
_PERSON = _arm("person", User.id, _FULL_NAME, User.username, literal(0), cast(User.active, Boolean)).join(
    StaffProfile, StaffProfile.user_id == User.id
)
_CUSTOMER = _arm("customer", Customer.id, case((Customer.name != "", Customer.name), else_=Customer.email)).where(
    Customer.id == bindparam("customer", type_=Integer)
)
_MEMBER = _arm("member", department_member.c.staff_id, literal(""), literal(""), department_member.c.department_id)
_TAG = (
    _arm("tag", Tag.id, Tag.name)
    .join(ticket_tag, ticket_tag.c.tag_id == Tag.id)
    .where(ticket_tag.c.ticket_id == bindparam("ticket"))
)
_ENVIRONMENT = _arm(
    "environment",
    Environment.id,
    Environment.name,
    func.coalesce(Environment.colour, ""),
    Environment.position,
    Environment.active,
)
_SUPPLIER = _arm(
    "supplier",
    Supplier.id,
    Supplier.name,
    cast(func.coalesce(Supplier.department_id, 0), String),
    literal(0),
    Supplier.active,
)
_SERVES = _arm("serves", supplier_category.c.supplier_id, literal(""), literal(""), supplier_category.c.category_id)
_CONTACT = _arm(
    "contact",
    SupplierContact.id,
    SupplierContact.name,
    SupplierContact.email,
    SupplierContact.supplier_id,
    and_(SupplierContact.active, Supplier.active),
).join(Supplier, Supplier.id == SupplierContact.supplier_id)
_ADDED = _arm("added", Participant.id, literal(""), literal(""), Participant.staff_id).where(
    Participant.ticket_id == bindparam("ticket"),
    Participant.role == ParticipantRole.ADDED,
    Participant.staff_id.is_not(null()),
)
_SHARED = _arm("shared", Participant.id, literal(""), literal(""), Participant.department_id).where(
    Participant.ticket_id == bindparam("ticket"), Participant.department_id.is_not(null())
)
_CC = (
    _arm("cc", Participant.id, case((Customer.name != "", Customer.name), else_=literal("")), case((Participant.email.is_not(None), Participant.email), else_=Customer.email), literal(0), Participant.approved)
    .outerjoin(Customer, Customer.id == Participant.customer_id)
    .where(Participant.ticket_id == bindparam("ticket"), Participant.role == ParticipantRole.CC)
)  # fmt: skip
_VIEW = _arm("view", SavedView.id, SavedView.name, SavedView.query + "\n" + SavedView.columns, SavedView.position, SavedView.owner_id == bindparam("staff"), SavedView.audience != Audience.OWNER).where(
    or_(
        SavedView.owner_id == bindparam("staff"),
        SavedView.audience == Audience.EVERYONE,
        and_(SavedView.audience == Audience.ROLE, SavedView.role_id.in_(select(Role.id).where(Role.name.in_(bindparam("roles", expanding=True))))),
        and_(SavedView.audience == Audience.DEPARTMENT, SavedView.department_id.in_(bindparam("departments", expanding=True))),
    )
)  # fmt: skip
"""As lists.views_of says, with the viewer as parameters."""
_CHOICE = _arm("choice", func.coalesce(ListChoice.default_view_id, 0), literal(""), ListChoice.columns).where(ListChoice.staff_id == bindparam("staff"))  # fmt: skip
OF_LIST = union_all(
    _STATUS, _PRIORITY, _CATEGORY, _DEPARTMENT, _ENVIRONMENT, _SUPPLIER, _PERSON, _CUSTOMER, _VIEW, _CHOICE
)
OF_TICKET = union_all(
    _STATUS,
    _PRIORITY,
    _CATEGORY,
    _DEPARTMENT,
    _ACTIVITY,
    _ENVIRONMENT,
    _SUPPLIER,
    _CONTACT,
    _SERVES,
    _PERSON,
    _MEMBER,
    _TAG,
    _SHARED,
    _ADDED,
    _CC,
)
"""Built once: composing them costs more than running them."""


def of_list(viewer: Viewer | None = None, customer_id: int | None = None) -> Lookups:
    """What the list's filters and bulk bar offer, the viewer's saved views and columns; with the name of the customer it is filtered by."""
    staff, roles, departments = (viewer.id, viewer.role_names, viewer.departments) if viewer else (0, (), ())
    return _read(
        OF_LIST,
        {"customer": customer_id, "staff": staff, "roles": sorted(roles), "departments": sorted(departments)},
    )


def of_ticket(ticket_id: int) -> Lookups:
    """What a ticket's page offers, with its tags, CC addresses, further departments and everybody's memberships."""
    return _read(OF_TICKET, {"ticket": ticket_id})


OF_DESK = frozenset({*VOCABULARY, "person", "member", "environment", "supplier", "contact", "serves"})
"""Kinds that are the same for every ticket and page."""


def _read(statement: CompoundSelect[Any], values: Mapping[str, object]) -> Lookups:
    found = plain_rows(statement, values)
    of_desk = _sorted(catalogue(), tuple(row for row in map(tuple, found) if row[0] in OF_DESK))
    own = _sorted(None, tuple(row for row in map(tuple, found) if row[0] not in OF_DESK))
    return Lookups({**of_desk.rows, **own.rows})


@lru_cache(256)
def _sorted(_catalogue: object, found: tuple[tuple[Any, ...], ...]) -> Lookups:
    """Kept for each set of rows; the catalogue tells the languages apart, in which the names that came with the desk are said."""
    rows: dict[str, list[Named]] = defaultdict(list)
    for row in found:
        named = Named(*row)
        rows[named.kind].append(named._replace(name=shown(named.name)) if named.kind in VOCABULARY else named)
    return Lookups({kind: tuple(sorted(named, key=_order)) for kind, named in rows.items()})


def _order(row: Named) -> tuple[int, str]:
    """Priorities with the most urgent first, people by name, everything else as the admin put it."""
    place = -row.place if row.kind == "priority" else row.place
    return (place, row.name.casefold())
