"""Dates on a ticket: look at it again then, something must be done by then, leave me in peace with it until then."""

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING, Any, cast

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, bindparam, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.accounts.viewer import SYSTEM, Actor
from app.core import clock
from app.core.errors import HelpdeskError, Invalid
from app.core.extensions import db
from app.core.model import BigId, UTCDateTime
from app.core.outbox import Outbox
from app.tickets.timeline import Did, Timeline
from app.tickets.turns import demand, take

if TYPE_CHECKING:
    from app.tickets.models import Ticket

FARTHEST = dt.timedelta(days=5 * 366)
"""Who chooses a later day has mistyped the year."""
DAY = dt.timedelta(days=1)
"""So long before something must be done its people are told for the first time, and lists show it in amber."""
NOW: Any = bindparam("this_instant", callable_=clock.now, type_=UTCDateTime())
"""Read when a statement runs, so that one which was built once and kept is right at any time."""


class Nearness(enum.StrEnum):
    """How a date stands to now."""

    OVER = "over"
    SOON = "soon"
    LATER = "later"


def nearness(date: dt.datetime, at: dt.datetime) -> Nearness:
    if date <= at:
        return Nearness.OVER
    return Nearness.SOON if date - DAY <= at else Nearness.LATER


class Reminder(enum.StrEnum):
    """What people are reminded of, each once for each date."""

    FOLLOW_UP = "follow_up"
    ACTION_SOON = "action_soon"
    ACTION_DUE = "action_due"


class Finished(HelpdeskError):
    """Nobody is reminded of what is done."""

    def __init__(self, ticket: Any) -> None:
        super().__init__(
            _("Ticket %(number)s is finished: nobody would be reminded of it. Reopen it first.", number=ticket.display)
        )


class Dated(Timeline):
    """No date touches status, promises or the order of the list. The people are of no foreign key: they may be gone."""

    follow_up_at: Mapped[dt.datetime | None]
    """Its assignee is reminded then, or whoever set it while nobody has the ticket."""
    follow_up_by_id: Mapped[int | None] = mapped_column(BigId)
    follow_up_told_at: Mapped[dt.datetime | None]
    action_required_at: Mapped[dt.datetime | None]
    """Something must be done by then: its people are told a day before and when it is over."""
    action_by_id: Mapped[int | None] = mapped_column(BigId)
    action_told_at: Mapped[dt.datetime | None]
    snoozed_until: Mapped[dt.datetime | None]
    snoozed_by_id: Mapped[int | None] = mapped_column(BigId)
    woke_at: Mapped[dt.datetime | None]
    """When it came back by itself; until somebody ticks that off."""

    def follow_up(self, at: dt.datetime | None, by: Actor) -> None:
        """Remind us then. None takes the date away."""
        demand(by, "status", self)
        if at != self.follow_up_at:
            self._demand_fitting(at, "follow_up_at")
            self.put_follow_up_back(at, by.staff_id, by)

    def put_follow_up_back(self, at: dt.datetime | None, whose_id: int | None, by: Actor) -> None:
        """As it was: also a time that has passed, of which people were told."""
        demand(by, "status", self)
        if at == self.follow_up_at:
            return
        was, was_id = self.follow_up_at, self.follow_up_by_id
        self.follow_up_at, self.follow_up_by_id = at, whose_id if at else None
        self.follow_up_told_at = _passed(at)
        if at is not None and self.follow_up_told_at is None:
            self._put("tickets.remind", at, what=Reminder.FOLLOW_UP, date=at.isoformat())
        self.record(Did.FOLLOW_UP_CHANGED, by, was_at=_written(was), now_at=_written(at), was_id=was_id)

    def require_action(self, at: dt.datetime | None, by: Actor) -> None:
        """Something must be done by then. None: nothing must any more."""
        demand(by, "status", self)
        if at != self.action_required_at:
            self._demand_fitting(at, "action_required_at")
            self.put_action_back(at, by.staff_id, by)

    def put_action_back(self, at: dt.datetime | None, whose_id: int | None, by: Actor) -> None:
        demand(by, "status", self)
        if at == self.action_required_at:
            return
        was, was_id = self.action_required_at, self.action_by_id
        self.action_required_at, self.action_by_id = at, whose_id if at else None
        self.action_told_at = _passed(at)
        if at is not None and self.action_told_at is None:
            if at - DAY > clock.now():
                self._put("tickets.remind", at - DAY, what=Reminder.ACTION_SOON, date=at.isoformat())
            self._put("tickets.remind", at, what=Reminder.ACTION_DUE, date=at.isoformat())
        self.record(Did.ACTION_CHANGED, by, was_at=_written(was), now_at=_written(at), was_id=was_id)

    def snooze(self, until: dt.datetime, by: Actor) -> None:
        """Out of the queues until then, or until the customer writes."""
        demand(by, "status", self)
        if until == self.snoozed_until:
            return
        self._demand_fitting(until, "snoozed_until")
        was, self.snoozed_until = self.snoozed_until, until
        self.snoozed_by_id, self.woke_at = by.staff_id, None
        self._put("tickets.wake", until, until=until.isoformat())
        self.record(Did.SNOOZED, by, was_at=_written(was), now_at=_written(until))

    def wake(self, by: Actor) -> None:
        """Back among the others now, because somebody wants it there."""
        demand(by, "status", self)
        if self.snoozed_until is not None:
            was, self.snoozed_until = self.snoozed_until, None
            self.woke_at = None
            self.record(Did.WOKE, by, was_at=_written(was))

    def welcome(self, by: Actor) -> None:
        """Somebody noticed that it came back. A mark of whoever works on it: nothing happened to the ticket."""
        demand(by, "status", self)
        self.woke_at = None

    def asleep(self, at: dt.datetime) -> bool:
        """In its very last second it sleeps no more."""
        return self.snoozed_until is not None and self.snoozed_until > at

    @classmethod
    def where_asleep(cls) -> ColumnElement[bool]:
        return cls.snoozed_until > NOW

    @classmethod
    def where_awake(cls) -> ColumnElement[bool]:
        return or_(cls.snoozed_until.is_(None), cls.snoozed_until <= NOW)

    def come_back(self, why: str) -> None:
        """By itself: its time has come, or the customer wrote."""
        if self.snoozed_until is not None:
            self.snoozed_until, self.woke_at = None, clock.now()
            self.record(Did.WOKE, SYSTEM, why=why, who_id=self.snoozed_by_id)

    def _demand_fitting(self, at: dt.datetime | None, field: str) -> None:
        """To take a date away is right at any time."""
        if at is None:
            return
        if not clock.now() < at <= clock.now() + FARTHEST:
            sentence = _("Please choose a time in the future, within five years.")
            raise Invalid(sentence, {field: sentence})
        if not self.live:  # type: ignore[attr-defined]
            raise Finished(self)

    def _put(self, job: str, at: dt.datetime, **arguments: str) -> None:
        Outbox.put(job, queue="bulk", after=at - clock.now(), ticket_id=self.id, **arguments)  # type: ignore[attr-defined]

    def owed(self, what: Reminder, date: dt.datetime) -> bool:
        """Whether its people still wait for this reminder: a date that was changed or cleared reminds of nothing."""
        if what is Reminder.FOLLOW_UP:
            return self.follow_up_at == date and self.follow_up_told_at is None
        told = self.action_told_at
        return self.action_required_at == date and (told is None or (what is Reminder.ACTION_DUE and told < date))


def remind(ticket_id: int, what: Reminder, date: dt.datetime) -> None:
    """Once, however often this runs: the mark is written with the reminder. What is finished reminds of nothing.

    A merged ticket's date is told of in the one it goes on in.
    """
    ticket = _in_turn(ticket_id)
    if ticket is None or not ticket.owed(what, date):
        return
    at, due = clock.now(), date - DAY if what is Reminder.ACTION_SOON else date
    if due > at:  # this machine's clock is behind that of the one which found it due
        ticket._put("tickets.remind", due, what=what, date=date.isoformat())
        return
    place = ticket.place_in_turn()
    if not place.live:
        return
    if what is Reminder.FOLLOW_UP:
        ticket.follow_up_told_at = at
        place.record(Did.FOLLOW_UP_DUE, SYSTEM, now_at=_written(date), who_id=ticket.follow_up_by_id)
    else:
        ticket.action_told_at = at
        over = "1" if date <= at else None
        place.record(Did.ACTION_DUE, SYSTEM, now_at=_written(date), over=over, who_id=ticket.action_by_id)


def end_snooze(ticket_id: int, until: dt.datetime) -> None:
    """Its time has come. Lists show it from that instant on by themselves; this tells people, once."""
    ticket = _in_turn(ticket_id)
    if ticket is None or ticket.snoozed_until != until:
        return
    if ticket.asleep(clock.now()):
        ticket._put("tickets.wake", until, until=until.isoformat())
    elif ticket.live:
        ticket.come_back("time")
    else:
        ticket.snoozed_until = None


def _in_turn(ticket_id: int) -> Ticket | None:
    from app.tickets.models import Ticket

    ticket = db.session.get(Ticket, ticket_id)
    if ticket is not None:
        take(ticket)
    return cast("Ticket | None", ticket)


def _passed(at: dt.datetime | None) -> dt.datetime | None:
    """Now, for a date of which everybody was told before it was changed."""
    now = clock.now()
    return now if at is not None and at <= now else None


def _written(at: dt.datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
