"""A ticket as its page shows it: plain columns in one statement, as the whole rows with their neighbours take several times as long."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import NamedTuple

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, Executable, ScalarSelect, bindparam, exists, func, or_, select

from app.accounts.customernotes import NOTED
from app.accounts.models import Customer, Organization
from app.accounts.viewer import Viewer
from app.core.model import BigId
from app.core.rows import plain_rows
from app.satisfaction.models import RATED
from app.settings import desk
from app.tickets.choices import State, Status
from app.tickets.drafts import Draft
from app.tickets.incidents import KIND, Incident
from app.tickets.links import PLAIN
from app.tickets.models import Ticket, TicketKind, TicketLink
from app.tickets.seen import TicketSeen
from app.tickets.supplied import Turn
from app.tickets.tasks import TaskLink
from app.tickets.timers import Timer
from app.tickets.visibility import visible_to

PREVIOUS = 6
MOST_COUNTED = 1_000
"""Tickets of one customer; beyond it is said that there are many."""


class Person(NamedTuple):
    """The customer."""

    name: str
    email: str
    phone: str | None
    language: str | None
    created_at: dt.datetime
    address_works: bool
    verified_at: dt.datetime | None

    @property
    def called(self) -> str:
        return self.name or self.email


class Facts(NamedTuple):
    """The columns of a ticket have the names they have there; names of choices are in `desk.lookups`."""

    id: int
    number: int
    subject: str
    kind: TicketKind
    state: State
    live: bool
    hidden_from_client: bool
    message_count: int
    created_at: dt.datetime
    last_activity_at: dt.datetime
    last_customer_at: dt.datetime | None
    first_response_at: dt.datetime | None
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None
    follow_up_at: dt.datetime | None
    action_required_at: dt.datetime | None
    snoozed_until: dt.datetime | None
    next_due_at: dt.datetime | None
    first_response_due_at: dt.datetime | None
    resolution_due_at: dt.datetime | None
    status_id: int
    priority_id: int
    department_id: int
    category_id: int | None
    assignee_id: int | None
    requester_id: int
    merged_into_id: int | None
    merged_in: int
    spam_since: dt.datetime | None
    documents_wanted: int
    documents_here: int
    environment_id: int | None
    mailbox_id: int | None
    supplier_turn: Turn | None
    further: int
    rating: int | None
    time_spent_minutes: int
    budget_minutes: int | None
    colour: str | None
    """Of its status."""
    assignee: str | None
    organization: str | None
    organization_id: int | None
    organization_budget: int | None
    """Minutes of ours in a month."""
    timed: bool
    """The viewer has a timer on it: else nobody looks for one."""
    drafted: bool
    """Somebody has a draft here, or a reply waits to leave: else nobody looks for one."""
    linked: bool
    """With another ticket, likewise."""
    tasked: bool
    """It has tasks, likewise."""
    noted: bool
    """Staff wrote notes about its customer, likewise."""
    rated: bool
    """Its customer rated some ticket, likewise."""
    incident: bool
    """It stands for a disturbance that many report."""
    incident_id: int | None
    """The ticket that stands for the one it belongs to."""
    seen_message_id: int | None
    """The newest message that this person was shown at their last visit."""
    requester: Person

    @property
    def display(self) -> str:
        """The number as people read it."""
        return desk.current().display(self.number)


class Other(NamedTuple):
    """Another ticket of the same customer."""

    id: int
    number: int
    subject: str
    state: State
    status_id: int
    colour: str | None
    all_count: int
    """Of all of them that this viewer sees, and of the open ones; no more than MOST_COUNTED."""
    live_count: int

    @property
    def display(self) -> str:
        return desk.current().display(self.number)


def of(number: int, viewer: Viewer) -> Facts | None:
    """None for a number nobody gave and for one they may not see."""
    wanted = _facts(viewer, desk.current().agents_see_departments)
    rows = plain_rows(wanted, {"number": number})
    if not rows:
        return None
    row = rows[0]
    own = len(_COLUMNS)
    (
        colour,
        first,
        last,
        organization,
        organization_id,
        organization_budget,
        timed,
        drafted,
        linked,
        tasked,
        noted,
        rated,
        incident,
        incident_id,
        seen,
        *person,
    ) = row[own:]
    assignee = f"{first} {last}" if row.assignee_id is not None else None
    kept = (
        organization_id,
        organization_budget,
        bool(timed),
        bool(drafted),
        bool(linked),
        bool(tasked),
        bool(noted),
        bool(rated),
        bool(incident),
        incident_id,
        seen,
    )
    return Facts._make((*row[:own], colour, assignee, organization, *kept, Person._make(person)))


_COLUMNS = Facts._fields[: Facts._fields.index("colour")]


@lru_cache(512)
def _facts(viewer: Viewer, agents_see_departments: bool) -> Executable:
    """Built once for each viewer, as the row rule is. The setting is part of the rule, and so of the key."""
    drafted = exists().where(Draft.ticket_id == Ticket.id, Draft.spent_at.is_(None))
    linked = or_(exists().where(TicketLink.ticket_id == Ticket.id, PLAIN), exists().where(TicketLink.other_id == Ticket.id, PLAIN))  # fmt: skip
    belongs = select(TicketLink.ticket_id).where(TicketLink.other_id == Ticket.id, TicketLink.kind == KIND).limit(1)
    tasked = exists().where(TaskLink.ticket_id == Ticket.id)
    timed = exists().where(Timer.ticket_id == Ticket.id, Timer.staff_id == viewer.id)
    seen = select(TicketSeen.message_id).where(TicketSeen.ticket_id == Ticket.id, TicketSeen.staff_id == viewer.id)
    around = (
        Status.colour,
        User.first_name,
        User.last_name,
        Organization.name,
        Organization.id,
        Organization.budget_minutes,
        timed,
        drafted,
        linked,
        tasked,
        NOTED,
        RATED,
        exists().where(Incident.ticket_id == Ticket.id),
        belongs.scalar_subquery(),
        seen.scalar_subquery(),
    )
    wanted = select(
        *(getattr(Ticket, name) for name in _COLUMNS), *around, *(getattr(Customer, name) for name in Person._fields)
    )
    return (
        wanted.join(Status, Status.id == Ticket.status_id).join(Customer, Customer.id == Ticket.requester_id)
        .outerjoin(Organization, Organization.id == Customer.organization_id).outerjoin(User, User.id == Ticket.assignee_id)
        .where(Ticket.number == bindparam("number", type_=BigId), visible_to(viewer))
    )  # fmt: skip


def others_of(requester_id: int, besides: int, viewer: Viewer) -> list[Other]:
    """Other tickets of this customer: open ones first, then the latest. The index has them in this order."""
    wanted = _others(viewer, desk.current().agents_see_departments)
    return [Other._make(row) for row in plain_rows(wanted, {"requester": requester_id, "besides": besides})]


@lru_cache(512)
def _others(viewer: Viewer, agents_see_departments: bool) -> Executable:
    theirs = (Ticket.requester_id == bindparam("requester"), Ticket.id != bindparam("besides"), visible_to(viewer))
    columns = (Ticket.id, Ticket.number, Ticket.subject, Ticket.state, Ticket.status_id, Status.colour)
    wanted = select(*columns, _counted(*theirs), _counted(*theirs, Ticket.live.is_(True)))
    wanted = wanted.join(Status, Status.id == Ticket.status_id)
    return wanted.where(*theirs).order_by(Ticket.live.desc(), Ticket.id.desc()).limit(PREVIOUS)


def _counted(*criteria: ColumnElement[bool]) -> ScalarSelect[int]:
    found = select(Ticket.id).where(*criteria).correlate(None).limit(MOST_COUNTED).subquery()
    return select(func.count()).select_from(found).scalar_subquery()
