"""Who of the team holds how much, what waits for nobody's hands, and why."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, cast, func, literal, null, select, union_all
from sqlalchemy.orm import joinedload

from app.accounts import availability as presence
from app.accounts.availability import Standing
from app.accounts.models import Availability, Department, StaffProfile
from app.accounts.viewer import Viewer
from app.assignment import queue
from app.assignment.choosing import choose
from app.assignment.crew import Crew
from app.core.extensions import db
from app.core.filtering import among
from app.core.rows import plain_rows
from app.desk.listing import is_id
from app.desk.promise import Promise, promise_of
from app.tickets.models import Ticket
from app.tickets.queues import LIVE, TicketQuery

ROWS = 50
"""Tickets that are shown at once, of the queue or of one person."""
COUNTED = 1_000
LOADED = (
    joinedload(Ticket.requester, innerjoin=True), joinedload(Ticket.status, innerjoin=True), joinedload(Ticket.priority, innerjoin=True),
    joinedload(Ticket.department, innerjoin=True), joinedload(Ticket.category),
)  # fmt: skip


@dc.dataclass(frozen=True)
class Asked:
    """Which part of the team, and whose tickets are open."""

    department: int | None = None
    agent: int | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        department, agent = given.get("department", ""), given.get("agent", "")
        return cls(int(department) if is_id(department) else None, int(agent) if is_id(agent) else None)

    def address(self, **changed: int | None) -> str:
        named = {key: value for key, value in dc.asdict(dc.replace(self, **changed)).items() if value}
        return "/admin/team/" + ("?" + "&".join(f"{key}={value}" for key, value in named.items()) if named else "")


class Agent(NamedTuple):
    id: int
    name: str
    standing: Standing
    open: float
    """By the weights of what they hold."""
    capacity: int
    waiting: int
    overdue: int
    oldest: dt.datetime | None
    """Since when the customer who waits longest for their answer does."""
    departments: str

    @property
    def available(self) -> bool:
        return self.standing.state is Availability.AVAILABLE

    @property
    def absence(self) -> str:
        """In a sentence."""
        return presence.said(self.standing, self.name)

    @property
    def share(self) -> int:
        """Percent of what they can hold, also above all of it."""
        return round(100 * self.open / self.capacity) if self.capacity else 100

    @property
    def tone(self) -> str:
        return "breach" if self.share >= 100 else "risk" if self.share >= 80 else "ok"


class Held(NamedTuple):
    """A ticket, with what it waits for where it is nobody's."""

    ticket: Ticket
    promise: Promise
    reason: str = ""


@dc.dataclass(frozen=True)
class TeamLoad:
    agents: list[Agent]
    departments: list[Department]
    queue: list[Held]
    queued: int
    """How many wait; COUNTED stands for that many and more."""
    chosen: Agent | None
    tickets: list[Held]
    """Of the chosen one."""

    @classmethod
    def of(cls, asked: Asked, viewer: Viewer) -> TeamLoad:
        departments = seen_departments(viewer)
        places = [one.id for one in departments if asked.department in (None, one.id)]
        waiting = list(db.session.scalars(nobodys(viewer, places).options(*LOADED).limit(ROWS)))
        crew = Crew.read(waiting, whole=True)
        agents = _agents(crew, departments, places, viewer)
        chosen = next((one for one in agents if one.id == asked.agent), None)
        return cls(
            agents,
            departments,
            [Held(ticket, promise_of(ticket, crew.at), why_waiting(ticket, crew)) for ticket in waiting],
            len(waiting) if len(waiting) < ROWS else _counted(nobodys(viewer, places)),
            chosen,
            _tickets_of(chosen, viewer, crew.at) if chosen else [],
        )

    @property
    def free(self) -> int:
        """Places of those who are there."""
        return sum(max(int(one.capacity - one.open), 0) for one in self.agents if one.available)


def seen_departments(viewer: Viewer) -> list[Department]:
    wanted = select(Department).where(Department.active.is_(True))
    if viewer.departments:
        wanted = wanted.where(among(Department.id, viewer.departments))
    return list(db.session.scalars(wanted.order_by(Department.position, Department.id)))


def nobodys(viewer: Viewer, places: Sequence[int]) -> Select[Ticket]:
    """What is queued, in the order in which it is served."""
    seen = TicketQuery.seen_by(viewer).where(queue.queued(), Ticket.department_id.in_(places)).statement
    return seen.order_by(*queue.served())


def why_waiting(ticket: Ticket, crew: Crew) -> str:
    choice = choose(ticket, crew=crew)
    if choice.agent is None:
        return choice.reason
    name = choice.agent.get_full_name()
    if not queue.automatic(ticket):
        return _("Tickets are not assigned automatically. %(name)s could take it.", name=name)
    return _("Its turn comes: %(name)s could take it.", name=name)


def _agents(crew: Crew, departments: list[Department], places: list[int], viewer: Viewer) -> list[Agent]:
    team = frozenset[int]().union(*(crew.works_in(place) for place in places))
    if len(places) == len(departments):
        team |= frozenset(crew.people) if not viewer.departments else frozenset[int]()
    sums = _sums(viewer, crew.at)
    named = {one.id: str(one) for one in departments}
    found = [_agent(staff_id, crew, sums, named) for staff_id in sorted(team) if _works(staff_id, crew)]
    return sorted(found, key=lambda one: (not one.available, -one.share, one.name.casefold()))


def _works(staff_id: int, crew: Crew) -> bool:
    """Somebody who may answer; of who works in no department, only whoever holds something."""
    person = crew.viewers.get(staff_id)
    busy = crew.load(staff_id).held
    return person is not None and person.can("reply") and (bool(person.departments) or busy or not crew.members)


class _Sums(NamedTuple):
    overdue: dict[int, int]
    oldest: dict[int, dt.datetime]


def _sums(viewer: Viewer, at: dt.datetime) -> _Sums:
    """By assignee, of the tickets the reader sees; two walks over two small indexes in one statement."""
    late = _by_assignee(viewer, LIVE, Ticket.next_due_at.is_not(None), Ticket.next_due_at < at)
    owed = _by_assignee(viewer, LIVE, Ticket.awaiting_since.is_not(None), *TicketQuery.needs())
    rows = plain_rows(
        union_all(
            late.with_only_columns(
                Ticket.assignee_id, func.count().label("late"), cast(null(), Ticket.awaiting_since.type).label("since")
            ),
            owed.with_only_columns(Ticket.assignee_id, literal(-1), func.min(Ticket.awaiting_since)),
        )
    )
    return _Sums({row[0]: row[1] for row in rows if row[1] >= 0}, {row[0]: row[2] for row in rows if row[1] < 0})


def _by_assignee(viewer: Viewer, *criteria: ColumnElement[bool]) -> Select[Ticket]:
    seen = TicketQuery.seen_by(viewer).where(Ticket.assignee_id.is_not(None), *criteria).statement
    return seen.group_by(Ticket.assignee_id)


def _agent(staff_id: int, crew: Crew, sums: _Sums, named: Mapping[int, str]) -> Agent:
    profile, load = crew.people[staff_id], crew.load(staff_id)
    return Agent(
        staff_id,
        str(profile),
        presence.standing(
            profile.availability, profile.away_until, profile.away_reason, crew.at, _stand_in(profile, crew)
        ),
        load.weight,
        crew.capacity(staff_id),
        load.waiting,
        sums.overdue.get(staff_id, 0),
        sums.oldest.get(staff_id),
        ", ".join(words for place, words in named.items() if staff_id in crew.members.get(place, ())),
    )


def _stand_in(profile: StaffProfile, crew: Crew) -> str | None:
    colleague = crew.people.get(profile.stand_in_id or 0)
    return str(colleague) if colleague is not None else None


def _tickets_of(agent: Agent, viewer: Viewer, at: dt.datetime) -> list[Held]:
    """The most urgent first, then the oldest."""
    theirs = TicketQuery.seen_by(viewer).live().of(agent.id).statement.order_by(*queue.served()).options(*LOADED)
    return [Held(ticket, promise_of(ticket, at)) for ticket in db.session.scalars(theirs.limit(ROWS))]


def _counted(wanted: Select[Ticket]) -> int:
    ids = wanted.with_only_columns(Ticket.id).order_by(None).limit(COUNTED).subquery()
    return db.session.scalar(select(func.count()).select_from(ids)) or 0
