"""The pick depends on the present state alone, and says why."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from sqlalchemy import select

from app.accounts.models import StaffProfile
from app.assignment import pools
from app.assignment.crew import NOBODY, Crew, Needs
from app.assignment.models import AssignmentLog
from app.assignment.pools import Rules
from app.core import clock
from app.core.extensions import db
from app.hours import calendars
from app.tickets.models import Ticket

LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dc.dataclass(frozen=True)
class Candidate:
    """Somebody in question, as they stand now."""

    profile: StaffProfile
    open: float
    """By the weights of what they hold."""
    capacity: int
    member: bool
    """Of the ticket's department, or of a desk whose department has no members."""
    own: bool
    """The customer's own staff."""
    refused: str | None = None

    @property
    def load(self) -> float:
        """What they hold of what they can, by their share of new tickets."""
        return self.open / self.capacity * 100 / self.share if self.capacity else 1.0

    @property
    def share(self) -> int:
        return max(self.profile.share_percent, 1)

    @property
    def last_assigned_at(self) -> dt.datetime:
        return self.profile.last_assigned_at or LONG_AGO

    def told(self) -> dict[str, Any]:
        """For the log."""
        return {
            "id": self.profile.user_id,
            "name": str(self.profile),
            "open": self.open,
            "capacity": self.capacity,
            "refused": self.refused,
        }


@dc.dataclass(frozen=True)
class Choice:
    """`agent` None: the ticket stays queued, and `reason` says why."""

    agent: User | None
    reason: str
    method: str
    candidates: tuple[Candidate, ...] = ()
    asleep: bool = False
    """Nobody was asked: the department does not work now."""


def choose(ticket: Ticket, previous_id: int | None = None, crew: Crew | None = None) -> Choice:
    """The customer's own staff, then whoever had it before, then its department by the method there, then whom the pool names.

    The first who may have it gets it. `crew` is given where many tickets are looked at.
    """
    rules = pools.rules_for(ticket.department_id, ticket.category_id)
    if rules.hours and not calendars.hours_for(ticket.department_id).active(clock.now()):
        return Choice(None, _("Outside business hours."), rules.method, asleep=True)
    crew = crew or Crew.read([ticket])
    candidates = ranked(candidates_for(ticket, previous_id, crew, rules), rules.method)
    for circle, method, reason in circles(candidates, previous_id, rules.method):
        for candidate in circle:
            if candidate.refused is None and crew.may_have(candidate.profile.user_id, ticket):
                load = f"{candidate.open}/{candidate.capacity}"
                return Choice(candidate.profile.user, reason.replace("{load}", load), method, tuple(candidates))
    found = fallback(ticket, crew, rules)
    if found is not None:
        return dc.replace(found, candidates=tuple(candidates))
    return Choice(None, nobody(candidates, crew.needed(ticket), crew), rules.method, tuple(candidates))


def ranked(candidates: list[Candidate], method: str) -> list[Candidate]:
    """The best first: the smallest load, or who got nothing for the longest time. Ties go to the latter, so a returning agent is not flooded."""
    if method == "least_loaded":
        return sorted(candidates, key=lambda each: (each.load, each.last_assigned_at, each.profile.user_id))
    if len({each.share for each in candidates}) < 2:
        return sorted(candidates, key=lambda each: (each.last_assigned_at, each.profile.user_id))
    turns = _turns(candidates)
    return sorted(
        candidates,
        key=lambda each: (-turns[each.profile.user_id] * each.share, -each.share, each.last_assigned_at),
    )


def _turns(candidates: list[Candidate]) -> dict[int, int]:
    """How many picks ago each got something: by time alone a share would say nothing."""
    people = [each.profile.user_id for each in candidates]
    latest = select(AssignmentLog.agent_id).where(AssignmentLog.agent_id.is_not(None))
    picked = db.session.scalars(latest.order_by(AssignmentLog.id.desc()).limit(REMEMBERED))
    theirs = [each for each in picked if each in people]
    return {each: theirs.index(each) + 1 if each in theirs else REMEMBERED for each in people}


REMEMBERED = 500
"""Picks that are looked back on."""


def circles(
    candidates: list[Candidate], previous_id: int | None, method: str
) -> Iterator[tuple[list[Candidate], str, str]]:
    """Each with its name and its words for "why is this mine"."""
    yield [each for each in candidates if each.own], "own_staff", _("looks after this customer")
    yield [each for each in candidates if each.profile.user_id == previous_id], "previous", _("had this ticket before")
    words = (
        _("least loaded, %(load)s open", load="{load}")
        if method == "least_loaded"
        else _("longest without a new ticket")
    )
    yield [each for each in candidates if each.member], method, words


def candidates_for(ticket: Ticket, previous_id: int | None, crew: Crew, rules: Rules) -> list[Candidate]:
    members, own = crew.works_in(ticket.department_id), crew.own.get(ticket.requester_id, NOBODY)
    wanted = members | own | {previous_id}
    found = [_candidate(staff_id, members, own, crew) for staff_id in crew.people if staff_id in wanted]
    return [dc.replace(each, refused=_refusal(each, ticket, crew, rules)) for each in found]


def _candidate(staff_id: int, members: frozenset[int], own: frozenset[int], crew: Crew) -> Candidate:
    load, capacity = crew.load(staff_id).weight, crew.capacity(staff_id)
    return Candidate(crew.people[staff_id], load, capacity, staff_id in members, staff_id in own)


def _refusal(one: Candidate, ticket: Ticket, crew: Crew, rules: Rules) -> str | None:
    """What can be said without looking at their rights, which costs a statement a person."""
    if not crew.needed(ticket).met_by(crew.skills.get(one.profile.user_id, NOBODY)):
        return "unskilled"
    if not one.profile.available(crew.at):
        return "absent"
    if one.open + rules.weight(ticket.priority_rank) > one.capacity:
        return "full"
    if (one.profile.user.email or "").strip().casefold() == ticket.requester.email_key:
        return "requester"
    return None


def fallback(ticket: Ticket, crew: Crew, rules: Rules) -> Choice | None:
    """Whom the pool names for what nobody else can take: also while away, though then their stand-in is asked first."""
    profile = crew.people.get(rules.fallback_id or 0)
    if profile is None:
        return None
    away = not profile.available(crew.at)
    stand_in = crew.people.get(profile.stand_in_id or 0) if away else None
    if stand_in is not None and _fit(stand_in, ticket, crew, rules) is None:
        words = _("stands in for %(name)s, whom the pool names", name=profile)
        return Choice(stand_in.user, words, "stand_in")
    if _fit(profile, ticket, crew, rules) not in (None, "absent"):
        return None
    words = _("named by the pool for what nobody else can take")
    return Choice(profile.user, _("%(reason)s, although away", reason=words) if away else words, "fallback")


def _fit(profile: StaffProfile, ticket: Ticket, crew: Crew, rules: Rules) -> str | None:
    one = _candidate(profile.user_id, NOBODY, NOBODY, crew)
    refusal = _refusal(one, ticket, crew, rules)
    if refusal in (None, "absent") and not crew.may_have(profile.user_id, ticket):
        return "access"
    full = one.open + rules.weight(ticket.priority_rank) > one.capacity
    return "full" if refusal == "absent" and full else refusal


def nobody(candidates: list[Candidate], needs: Needs, crew: Crew) -> str:
    """Why it waits. Of a ticket that asks for skills, whether it is these that nobody has."""
    if not candidates:
        return _("Nobody works in this department.")
    skilled = [each for each in candidates if each.refused != "unskilled"]
    if needs.names and not any(each.refused is None for each in skilled):
        return _without_skill(candidates, skilled, needs, crew)
    if all(each.refused == "absent" for each in candidates):
        return _("Nobody is available.")
    if any(each.refused is None for each in candidates):
        return _("Nobody who is available has access to this ticket.")
    return _("Everybody who is available holds as many tickets as they can.")


def _without_skill(candidates: list[Candidate], skilled: list[Candidate], needs: Needs, crew: Crew) -> str:
    held = frozenset[int]().union(*(crew.skills.get(each.profile.user_id, NOBODY) for each in candidates))
    missing = [name for skill, name in needs.names.items() if skill not in held] or list(needs.names.values())
    named = ", ".join(sorted(missing if not skilled else needs.names.values(), key=str.casefold))
    if not skilled:
        return _("Nobody here has the skill %(skills)s.", skills=named)
    if all(each.refused == "absent" for each in skilled):
        return _("Nobody with the skill %(skills)s is available.", skills=named)
    return _("Everybody with the skill %(skills)s who is available holds as many tickets as they can.", skills=named)
