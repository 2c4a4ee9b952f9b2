"""Business hours: the arithmetic of working time."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from flask_babel import gettext as _

from app.core.errors import HelpdeskError
from app.hours.opening import LONGEST_WALK_DAYS, WHOLE_DAY, OpeningHours
from app.hours.spans import Span
from app.hours.zones import MICROSECOND, instant, microseconds, zone_named

NONE = dt.timedelta()


class NoWorkingTime(HelpdeskError):
    def __init__(self) -> None:
        super().__init__(
            _(
                "These business hours hold too little working time within ten years. Check their days, shifts and holidays."
            )
        )


@dataclass(frozen=True)
class BusinessHours(OpeningHours):
    """Working time. All instants are in UTC and all durations are time that really passes, also when the clocks change."""

    @classmethod
    def always(cls) -> "BusinessHours":
        """Round the clock: working time is time."""
        return ALWAYS

    def add(self, start: dt.datetime, allowance: dt.timedelta) -> dt.datetime:
        """The earliest instant when `allowance` of working time has passed since `start`.

        Used up exactly at closing, it is the closing: "by Friday 17:00". Without any allowance it is the next open moment.
        """
        left = allowance // MICROSECOND
        assert left >= 0, "subtract() goes back"
        for opens, closes in self._open_after(microseconds(start)):
            if left <= closes - opens:
                return instant(opens + left)
            left -= closes - opens
        raise NoWorkingTime

    def subtract(self, end: dt.datetime, allowance: dt.timedelta) -> dt.datetime:
        """The latest instant from which `allowance` of working time passes until `end`; without any, the last open moment."""
        left = allowance // MICROSECOND
        assert left >= 0, "add() goes forward"
        for opens, closes in self._open_before(microseconds(end)):
            if left <= closes - opens:
                return instant(closes - left)
            left -= closes - opens
        raise NoWorkingTime

    def add_days(self, start: dt.datetime, days: int) -> dt.datetime:
        """The same time on the wall `days` working days later, or the next open moment if the desk is closed then."""
        return self.add(self._days_away(start, days), NONE)

    def subtract_days(self, end: dt.datetime, days: int) -> dt.datetime:
        """The same time on the wall `days` working days earlier, or the last open moment if the desk is closed then."""
        return self.subtract(self._days_away(end, -days), NONE)

    def within(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """How much working time lies between two instants; none if they are reversed."""
        return (
            sum((closes - opens for opens, closes in self._open_between(microseconds(start), microseconds(end))), 0)
            * MICROSECOND
        )

    def active(self, at: dt.datetime) -> bool:
        """Open at this instant? At the minute of closing it is closed."""
        return any(True for _span in self._open_between(microseconds(at), microseconds(at) + 1))

    def segments(self, start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
        """The open spans from `start` to `end`, cut at both. A span that runs past midnight shows as two."""
        return [_as_instants(span) for span in self._open_between(microseconds(start), microseconds(end))]

    def segments_after(self, start: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        return map(_as_instants, self._open_after(microseconds(start)))

    def segments_before(self, end: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """The latest first."""
        return map(_as_instants, self._open_before(microseconds(end)))

    def next_close(self, at: dt.datetime) -> dt.datetime | None:
        """When the desk, open now or next time, closes; midnight within a night shift is no closing. None if it never closes."""
        closing: int | None = None
        for opens, closes in self._open_after(microseconds(at)):
            if closing is not None and opens > closing:
                return instant(closing)
            closing = closes
        if closing is None:
            raise NoWorkingTime
        return None

    def _days_away(self, at: dt.datetime, days: int) -> dt.datetime:
        if days == 0:
            return at
        there = at.astimezone(zone_named(self.zone))
        step = 1 if days > 0 else -1
        ahead = abs(days)
        for ordinal in count(there.toordinal() + step, step):
            if self._day(ordinal).spans:
                ahead -= 1
            if ahead == 0:
                return self.resolve_local(dt.datetime.combine(dt.date.fromordinal(ordinal), there.time()))
            if abs(ordinal - there.toordinal()) > LONGEST_WALK_DAYS:
                break
        raise NoWorkingTime


def _as_instants(span: Span) -> tuple[dt.datetime, dt.datetime]:
    return instant(span[0]), instant(span[1])


ALWAYS = BusinessHours(week=(WHOLE_DAY,) * 7)
