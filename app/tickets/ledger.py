"""Who had the ball when: every minute of a ticket booked to us, the customer, a supplier or nobody, folded out of what happened to it."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.hours.business import BusinessHours
from app.tickets.choices import State

NO_TIME = dt.timedelta()


class Party(enum.StrEnum):
    US = "us"
    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    NOBODY = "nobody"
    """On hold without anybody asked; resolved, or closed and opened again later; merged or spam for a while."""


class Moved(enum.StrEnum):
    """What can hand the ball to somebody else."""

    ENTERED = "entered"
    """A state."""
    CUSTOMER_WROTE = "customer_wrote"
    WE_WROTE = "we_wrote"
    ASKED = "asked"
    """A supplier."""
    HEARD = "heard"
    """From a supplier, or nothing is awaited from them any longer."""
    SET_ASIDE = "set_aside"
    """Merged into another ticket, or spam."""
    BROUGHT_BACK = "brought_back"


class Move(NamedTuple):
    at: dt.datetime
    what: Moved
    state: State = State.NEW
    supplier: int = 0


class Span(NamedTuple):
    party: Party
    begins: dt.datetime
    ends: dt.datetime

    @property
    def lasted(self) -> dt.timedelta:
        return self.ends - self.begins


class Times(NamedTuple):
    """Of one party."""

    inside: dt.timedelta = NO_TIME
    """Business hours."""
    outside: dt.timedelta = NO_TIME

    @property
    def all(self) -> dt.timedelta:
        return self.inside + self.outside


@dataclass
class Ball:
    """Told move by move, in order."""

    state: State
    owing: set[int] = field(default_factory=set)
    """Suppliers that were asked and have not answered."""
    lent: set[int] = field(default_factory=set)
    """Those of them whose answer an open ticket waits for: asked since it is our turn."""
    unanswered: bool = False
    """The customer wrote, and nobody answered or said whose turn it is."""
    aside: bool = False

    @property
    def over(self) -> bool:
        """Nothing is booked any more, unless it goes on one day."""
        return self.aside or self.state is State.CLOSED

    @property
    def holder(self) -> Party:
        if self.aside or not self.state.live:
            return Party.NOBODY
        if self.state is State.WAITING:
            return Party.US if self.unanswered else Party.CUSTOMER
        if self.state is State.HOLD:
            return Party.SUPPLIER if self.owing else Party.NOBODY
        return Party.SUPPLIER if self.lent else Party.US

    def tell(self, move: Move) -> None:
        match move.what:
            case Moved.ENTERED:
                self.state, self.unanswered, self.lent = move.state, False, set()
            case Moved.CUSTOMER_WROTE:
                self.unanswered, self.lent = True, set()
            case Moved.WE_WROTE:
                self.unanswered = False
            case Moved.ASKED:
                self.owing.add(move.supplier)
                self.lent.add(move.supplier)
            case Moved.HEARD:
                self.owing.discard(move.supplier)
                self.lent.discard(move.supplier)
            case Moved.SET_ASIDE:
                self.aside = True
            case Moved.BROUGHT_BACK:
                self.aside, self.state = False, move.state


def spans(opened_at: dt.datetime, state: State, moves: Iterable[Move], until: dt.datetime) -> list[Span]:
    """From the opening in `state` to `until`, or to the last closing. Neighbours have different holders and leave no gap."""
    ball, at = Ball(state), opened_at
    booked: list[Span] = []
    over: dt.datetime | None = opened_at if ball.over else None
    for move in moves:
        now = min(max(move.at, at), max(until, opened_at))  # a clock that was set back takes no time away
        _book(booked, ball.holder, at, now)
        at = now
        ball.tell(move)
        over = (over or now) if ball.over else None
    _book(booked, ball.holder, at, max(until, at))
    return clipped(booked, over) if over is not None else booked


def clipped(booked: Iterable[Span], end: dt.datetime) -> list[Span]:
    """What of it was before an instant."""
    return [span._replace(ends=min(span.ends, end)) for span in booked if span.begins < end]


def _book(booked: list[Span], party: Party, begins: dt.datetime, ends: dt.datetime) -> None:
    if begins == ends:
        return
    if booked and booked[-1].party is party:
        booked[-1] = booked[-1]._replace(ends=ends)
    else:
        booked.append(Span(party, begins, ends))


@dataclass(frozen=True)
class Ledger:
    """A ticket's spans, and the hours by which they are inside or outside."""

    spans: Sequence[Span]
    hours: BusinessHours
    known: bool = True
    """Of what another helpdesk left behind nobody knows whose turn it was."""

    def times(self, span: Span) -> Times:
        inside = self.hours.within(span.begins, span.ends)
        return Times(inside, span.lasted - inside)

    def sums(self) -> Mapping[Party, Times]:
        found = dict.fromkeys(Party, Times())
        for span in self.spans:
            kept, more = found[span.party], self.times(span)
            found[span.party] = Times(kept.inside + more.inside, kept.outside + more.outside)
        return found
