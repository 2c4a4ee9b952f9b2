"""The pick depends on the present state alone, and says why."""

from __future__ import annotations

import dataclasses as dc
import datetime as dt
from collections.abc import Iterator
from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _

from app.accounts.models import StaffProfile
from app.assignment.crew import NOBODY, Crew
from app.core import clock
from app.hours import calendars
from app.settings import desk
from app.tickets.models import Ticket

LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dc.dataclass(frozen=True)
class Candidate:
    """Somebody in question, as they stand now."""

    profile: StaffProfile
    open: int
    capacity: int
    member: bool
    """Of the ticket's department, or of a desk whose department has no members."""
    own: bool
    """The customer's own staff."""
    refused: str | None = None

    @property
    def load(self) -> float:
        return self.open / self.capacity if self.capacity else 1.0

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


def choose(ticket: Ticket, previous_id: int | None = None, crew: Crew | None = None) -> Choice:
    """The customer's own staff, then whoever had it before, then the department by the desk's method. The first who may have it gets it.

    `crew` is given where many tickets are looked at.
    """
    settings = desk.current()
    if settings.assignment_hours and not calendars.hours_for(ticket.department_id).active(clock.now()):
        return Choice(None, _("Outside business hours."), settings.assignment_method)
    crew = crew or Crew.read([ticket])
    found = candidates_for(ticket, previous_id, crew)
    candidates = sorted(found, key=lambda each: rank(each, settings.assignment_method))
    for circle, method, reason in circles(candidates, previous_id, settings.assignment_method):
        for candidate in circle:
            if candidate.refused is None and crew.may_have(candidate.profile.user_id, ticket):
                return Choice(
                    candidate.profile.user,
                    reason.replace("{load}", f"{candidate.open}/{candidate.capacity}"),
                    method,
                    tuple(candidates),
                )
    return Choice(None, nobody(candidates), settings.assignment_method, tuple(candidates))


def rank(candidate: Candidate, method: str) -> tuple[float, dt.datetime, int]:
    """The smallest load, or who got nothing for the longest time; ties go to the latter, so a returning agent is not flooded."""
    load = candidate.load if method == "least_loaded" else 0.0
    return load, candidate.last_assigned_at, candidate.profile.user_id


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


def candidates_for(ticket: Ticket, previous_id: int | None, crew: Crew) -> list[Candidate]:
    members, own = crew.works_in(ticket.department_id), crew.own.get(ticket.requester_id, NOBODY)
    wanted = members | own | {previous_id}
    return [
        _judged(
            Candidate(
                profile,
                crew.load(staff_id).open,
                crew.capacity(staff_id),
                staff_id in members,
                staff_id in own,
            ),
            ticket,
            crew.at,
        )
        for staff_id, profile in crew.people.items()
        if staff_id in wanted
    ]


def _judged(candidate: Candidate, ticket: Ticket, at: dt.datetime) -> Candidate:
    """What can be said without looking at their rights, which costs a statement a person."""
    refused = None
    if not candidate.profile.available(at):
        refused = "absent"
    elif candidate.open >= candidate.capacity:
        refused = "full"
    elif (candidate.profile.user.email or "").strip().casefold() == ticket.requester.email_key:
        refused = "requester"
    return dc.replace(candidate, refused=refused)


def nobody(candidates: list[Candidate]) -> str:
    if not candidates:
        return _("Nobody works in this department.")
    if all(each.refused == "absent" for each in candidates):
        return _("Nobody is available.")
    if any(each.refused is None for each in candidates):
        return _("Nobody who is available has access to this ticket.")
    return _("Everybody who is available holds as many tickets as they can.")
