"""A stretch of working time that is held against an allowance: what a promise to a customer comes down to."""

import datetime as dt
from dataclasses import dataclass

from app.hours.business import NONE, BusinessHours, NoWorkingTime

Pause = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class BusinessDays:
    """An allowance in days: due at the same time on the wall that many working days later."""

    count: int


Allowance = dt.timedelta | BusinessDays


@dataclass(frozen=True)
class Stretch:
    """Working time since a start. It stands still in the pauses, which are given in order and do not overlap."""

    hours: BusinessHours
    started_at: dt.datetime
    allowance: Allowance
    pauses: tuple[Pause, ...] = ()

    @property
    def allowed(self) -> dt.timedelta:
        """The allowance as working time; days are worth what these days hold."""
        if isinstance(self.allowance, BusinessDays):
            return self.hours.within(self.started_at, self._due_without_pauses())
        return self.allowance

    @property
    def due_at(self) -> dt.datetime:
        return self._moved_by_pauses(self._due_without_pauses())

    @property
    def ends(self) -> bool:
        """Whether its hours hold that much within the years that are looked at: those of a calendar may run out."""
        try:
            return bool(self.due_at)
        except NoWorkingTime:
            return False

    def at_share(self, percent: int) -> dt.datetime:
        """The instant when this share of the allowance is used up, for a warning before it is too late."""
        return self._moved_by_pauses(self.hours.add(self.started_at, self.allowed * percent // 100))

    def elapsed(self, until: dt.datetime) -> dt.timedelta:
        return self.hours.within(self.started_at, until) - self.paused(until)

    def paused(self, until: dt.datetime | None = None) -> dt.timedelta:
        """The working time within the pauses, or within what of them lies before an instant."""
        return sum(
            (self.hours.within(max(from_, self.started_at), min(to, until or to)) for from_, to in self.pauses), NONE
        )

    def margin(self, until: dt.datetime) -> dt.timedelta:
        """What is left of the allowance; below nothing when it is overdrawn."""
        return self.allowed - self.elapsed(until)

    def breached(self, at: dt.datetime) -> bool:
        """A promise kept in its very last moment is kept."""
        return at > self.due_at

    def _due_without_pauses(self) -> dt.datetime:
        if isinstance(self.allowance, BusinessDays):
            return self.hours.add_days(self.started_at, self.allowance.count)
        return self.hours.add(self.started_at, self.allowance)

    def _moved_by_pauses(self, due_at: dt.datetime) -> dt.datetime:
        """By the working time of each pause; one that begins when the promise is already due comes too late to move it."""
        for from_, to in self.pauses:
            lost = self.hours.within(max(from_, self.started_at), to)
            if lost and from_ < due_at:
                due_at = self.hours.add(due_at, lost)
        return due_at
