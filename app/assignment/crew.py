"""Everybody on the desk as they stand now, read once for one ticket or for a whole queue."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import contains_eager

from app.accounts.models import StaffProfile, customer_staff, department_member
from app.accounts.viewer import Viewer, viewer, viewers
from app.assignment.load import Load, loads
from app.core import clock
from app.core.extensions import db
from app.settings import desk
from app.tickets.models import Participant, Ticket
from app.tickets.visibility import Parts, may_work_on

NOBODY: frozenset[int] = frozenset()
NO_LOAD = Load()


@dc.dataclass(frozen=True)
class Crew:
    """`members` by department, `own` staff by customer; who is in none of a department's is nobody's member."""

    people: Mapping[int, StaffProfile]
    members: Mapping[int, frozenset[int]]
    own: Mapping[int, frozenset[int]]
    loads: Mapping[int, Load]
    parts: Mapping[int, Parts]
    """By ticket: who was added to it."""
    viewers: dict[int, Viewer | None]
    at: dt.datetime

    @classmethod
    def read(cls, tickets: Iterable[Ticket], whole: bool = False) -> Crew:
        """Active people, and what ties them to these tickets. `whole`: with everybody's rights, so that judging many tickets asks nothing more."""
        people = (
            select(StaffProfile)
            .join(StaffProfile.user)
            .options(contains_eager(StaffProfile.user))
            .where(User.active.is_(True))
            .order_by(StaffProfile.user_id)
            .execution_options(populate_existing=True)
        )
        found, each = {one.user_id: one for one in db.session.scalars(people)}, list(tickets)
        ties = _ties(each)
        parts = {one.id: Parts(ties["with"].get(one.id, NOBODY), ties["shared"].get(one.id, NOBODY)) for one in each}
        known: dict[int, Viewer | None] = {**dict.fromkeys(found), **_rights(found)} if whole else {}
        return cls(found, ties["member"], ties["own"], loads(), parts, known, clock.now())

    def works_in(self, department_id: int) -> frozenset[int]:
        """A department without members is everybody's."""
        return self.members.get(department_id) or frozenset(self.people)

    def may_have(self, staff_id: int, ticket: Ticket) -> bool:
        """Whether this person would see the ticket if it were theirs: what `Ticket.may_be_given_to` says."""
        if staff_id not in self.viewers:
            self.viewers[staff_id] = viewer(staff_id)
        person = self.viewers[staff_id]
        return person is not None and may_work_on(person, ticket, self.parts.get(ticket.id))

    def capacity(self, staff_id: int) -> int:
        own = self.people[staff_id].capacity
        return desk.current().default_capacity if own is None else own

    def load(self, staff_id: int) -> Load:
        return self.loads.get(staff_id, NO_LOAD)


def _rights(people: Iterable[int]) -> dict[int, Viewer]:
    return {one.id: one for one in viewers(people)}


def _ties(tickets: list[Ticket]) -> defaultdict[str, dict[int, frozenset[int]]]:
    """What binds people to departments, customers and tickets, in one statement."""
    member, own, part = department_member.c, customer_staff.c, Participant
    here = part.ticket_id.in_([each.id for each in tickets])
    rows = union_all(
        select(literal("member"), member.department_id, member.staff_id),
        select(literal("own"), own.customer_id, own.staff_id).where(own.customer_id.in_({each.requester_id for each in tickets})),
        select(literal("with"), part.ticket_id, part.staff_id).where(here, part.staff_id.is_not(None)),
        select(literal("shared"), part.ticket_id, part.department_id).where(here, part.department_id.is_not(None)),
    )  # fmt: skip
    found: defaultdict[str, defaultdict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for kind, place, one in db.session.execute(rows):
        found[kind][place].add(one)
    ties: defaultdict[str, dict[int, frozenset[int]]] = defaultdict(dict)
    for kind, places in found.items():
        ties[kind] = {place: frozenset(those) for place, those in places.items()}
    return ties
