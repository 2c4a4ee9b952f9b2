"""What is promised: four metrics, an allowance for each, and the states in which a clock stands still."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.hours.business import BusinessHours
from app.hours.stretch import Allowance

WAITING = frozenset({"waiting", "hold"})
DONE = frozenset({"resolved", "closed"})


class Metric(StrEnum):
    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    PERIODIC_UPDATE = "periodic_update"
    RESOLUTION = "resolution"


STANDS_STILL: Mapping[Metric, frozenset[str]] = {
    Metric.FIRST_RESPONSE: DONE,
    Metric.NEXT_RESPONSE: DONE,
    Metric.PERIODIC_UPDATE: WAITING | DONE,
    Metric.RESOLUTION: WAITING | DONE,
}
"""Answers never pause while we wait, else setting "waiting" without answering would silence the clock.

What is done stands still everywhere: a ticket that comes back goes on without the time it was resolved."""


WHOLE = 100
"""Per cent of the allowance: the promise is broken."""


@dataclass(frozen=True)
class Level:
    """Who is told when so much of an allowance is used, and what is done besides."""

    code: int
    """Up to 100 per cent of the allowance; above, 100 and the minutes after it is used up. So levels stand in the order in which they come."""
    tell: tuple[str, ...] = ()
    """assignee, supervisors, lead, or department:ID for all of its members."""
    act: str = ""
    """raise: the next priority; lead: the ticket goes to the department's lead."""

    @property
    def percent(self) -> int | None:
        return self.code if self.code <= WHOLE else None

    @property
    def minutes(self) -> int | None:
        return self.code - WHOLE if self.code > WHOLE else None


SHIPPED = (Level(80, ("assignee",)), Level(WHOLE, ("assignee", "supervisors")), Level(WHOLE + 60, ("lead",)))


@dataclass(frozen=True)
class Target:
    """One promise. The ids say which calendar, as it was, counted its time; they are for whoever stores the clock."""

    allowance: Allowance
    hours: BusinessHours
    stands_still: frozenset[str]
    calendar_id: int = 0
    calendar_version: int = 0


@dataclass(frozen=True)
class Policy:
    """All promises made for a ticket at a time; one without targets promises nothing, which is legal."""

    targets: Mapping[Metric, Target] = field(default_factory=dict)
    counts_first_message: bool = False
    """The next response is also owed for the message that opened the ticket."""
    new_cycle_on_reopen: bool = False
    """A reopened ticket gets a fresh resolution clock, instead of the old one going on."""
    policy_id: int = 0
    version: int = 0
    levels: tuple[Level, ...] = ()
