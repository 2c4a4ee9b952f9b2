"""Everybody on the desk as they stand now, read once for one ticket or for a whole queue."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import CompoundSelect, false, literal, select, union_all
from sqlalchemy.orm import contains_eager

from app.accounts.models import StaffProfile, customer_staff, department_member
from app.accounts.skills import Skill, staff_skill
from app.accounts.viewer import Viewer, viewer, viewers
from app.assignment.load import Load, loads
from app.core import clock
from app.core.extensions import db
from app.settings import desk
from app.tickets.choices import Category, category_skill
from app.tickets.models import Participant, Ticket
from app.tickets.visibility import Parts, may_work_on

NOBODY: frozenset[int] = frozenset()
NO_LOAD = Load()


@dc.dataclass(frozen=True)
class Needs:
    """Skills that a category asks for, by id."""

    names: Mapping[int, str] = dc.field(default_factory=dict)
    any_one: bool = False

    def met_by(self, skills: frozenset[int]) -> bool:
        return not self.names or (not skills.isdisjoint(self.names) if self.any_one else skills.issuperset(self.names))


NO_NEEDS = Needs()


@dc.dataclass(frozen=True)
class Crew:
    """`members` by department, `own` staff by customer; who is in none of a department's is nobody's member."""

    people: Mapping[int, StaffProfile]
    members: Mapping[int, frozenset[int]]
    own: Mapping[int, frozenset[int]]
    skills: Mapping[int, frozenset[int]]
    """Of each person."""
    needs: Mapping[int, Needs]
    """Of each category."""
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
        ties, needs = _ties(each)
        parts = {one.id: Parts(ties["with"].get(one.id, NOBODY), ties["shared"].get(one.id, NOBODY)) for one in each}
        known: dict[int, Viewer | None] = {**dict.fromkeys(found), **_rights(found)} if whole else {}
        return cls(found, ties["member"], ties["own"], ties["skill"], needs, loads(), parts, known, clock.now())

    def works_in(self, department_id: int) -> frozenset[int]:
        """A department without members is everybody's."""
        return self.members.get(department_id) or frozenset(self.people)

    def may_have(self, staff_id: int, ticket: Ticket) -> bool:
        """Whether this person would see the ticket if it were theirs: what `Ticket.may_be_given_to` says."""
        if staff_id not in self.viewers:
            self.viewers[staff_id] = viewer(staff_id)
        person = self.viewers[staff_id]
        return person is not None and may_work_on(person, ticket, self.parts.get(ticket.id))

    def needed(self, ticket: Ticket) -> Needs:
        return self.needs.get(ticket.category_id or 0, NO_NEEDS)

    def capacity(self, staff_id: int) -> int:
        own = self.people[staff_id].capacity
        return desk.current().default_capacity if own is None else own

    def load(self, staff_id: int) -> Load:
        return self.loads.get(staff_id, NO_LOAD)


def _rights(people: Iterable[int]) -> dict[int, Viewer]:
    return {one.id: one for one in viewers(people)}


def _ties(tickets: list[Ticket]) -> tuple[defaultdict[str, dict[int, frozenset[int]]], dict[int, Needs]]:
    """What binds people to departments, customers, tickets and skills, in one statement."""
    found: defaultdict[str, defaultdict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    names: defaultdict[int, dict[int, str]] = defaultdict(dict)
    any_one: set[int] = set()
    for kind, place, one, words, either in db.session.execute(_tied(tickets)):
        found[kind][place].add(one)
        if kind == "needs":
            names[place][one] = words
            any_one.update({place} if either else ())
    ties: defaultdict[str, dict[int, frozenset[int]]] = defaultdict(dict)
    for kind, places in found.items():
        ties[kind] = {place: frozenset(those) for place, those in places.items()}
    return ties, {place: Needs(skills, place in any_one) for place, skills in names.items()}


def _tied(tickets: list[Ticket]) -> CompoundSelect[Any]:
    """Kind, where, who or what, and of what a category needs its name and whether one is enough."""
    member, own, part, can, need = department_member.c, customer_staff.c, Participant, staff_skill.c, category_skill.c
    here, bare = part.ticket_id.in_([each.id for each in tickets]), (literal(""), false())
    categories = {each.category_id for each in tickets if each.category_id is not None}
    needs = select(literal("needs"), need.category_id, need.skill_id, Skill.name, Category.any_skill)
    needs = needs.join(Skill, Skill.id == need.skill_id).join(Category, Category.id == need.category_id)
    return union_all(
        select(literal("member"), member.department_id, member.staff_id, *bare),
        select(literal("own"), own.customer_id, own.staff_id, *bare).where(own.customer_id.in_({each.requester_id for each in tickets})),
        select(literal("with"), part.ticket_id, part.staff_id, *bare).where(here, part.staff_id.is_not(None)),
        select(literal("shared"), part.ticket_id, part.department_id, *bare).where(here, part.department_id.is_not(None)),
        select(literal("skill"), can.staff_id, can.skill_id, *bare),
        needs.where(need.category_id.in_(categories)),
    )  # fmt: skip
