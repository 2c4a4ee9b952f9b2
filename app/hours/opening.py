"""The dates of a desk: its week, the dates that differ from it, and a walk over the spans in which it is open."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import NamedTuple

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.hours.spans import END_OF_DAY, BadHours, Span, Spans, check, check_apart, clipped, cut, joined
from app.hours.zones import instant, microseconds, resolve_local, zone_named

WEEKDAYS = (
    lazy_gettext("Monday"),
    lazy_gettext("Tuesday"),
    lazy_gettext("Wednesday"),
    lazy_gettext("Thursday"),
    lazy_gettext("Friday"),
    lazy_gettext("Saturday"),
    lazy_gettext("Sunday"),
)
WHOLE_DAY: Spans = ((0, END_OF_DAY),)

LONGEST_WALK_DAYS = 3660
"""Ten years. Who finds no working time in ten years has a calendar of holidays only; looking on would never end."""
A_DAY = 24 * 3600 * 1_000_000
"""In microseconds."""


class Day(NamedTuple):
    """One local date: from midnight to midnight and what is open between, in microseconds since 1970."""

    begins: int
    ends: int
    spans: Spans


@dataclass(frozen=True)
class OpeningHours:
    """When a desk is open. Spans are minutes since local midnight; `week` begins on Monday.

    A holiday closes its date whatever else is entered for it, a shift replaces the hours of its date, breaks are cut out last.
    """

    week: tuple[Spans, ...]
    zone: str = "UTC"
    holidays: frozenset[dt.date] = frozenset()
    annual_holidays: frozenset[tuple[int, int]] = frozenset()
    """Month and day, every year."""
    shifts: Mapping[dt.date, Spans] = field(default_factory=dict, hash=False)
    annual_shifts: Mapping[tuple[int, int], Spans] = field(default_factory=dict, hash=False)
    """Month and day, every year; a shift of the very date goes before it."""
    breaks: Mapping[dt.date, Spans] = field(default_factory=dict, hash=False)
    _days: dict[int, Day] = field(default_factory=dict, init=False, repr=False, compare=False)

    def validate(self) -> None:
        """Refuse hours that nobody can keep, with a sentence that names the day."""
        zone_named(self.zone)
        entered = [
            *zip(map(str, WEEKDAYS), self.week, strict=True),
            *((str(date), spans) for date, spans in self.shifts.items()),
            *((f"{month:02}-{day:02}", spans) for (month, day), spans in self.annual_shifts.items()),
        ]
        for day, spans in entered:
            check(spans, day)
            check_apart(spans, day)
        for date, spans in self.breaks.items():
            check(spans, str(date))
        if not any(spans for _day, spans in entered):
            raise BadHours(_("No day has any hours. Enter at least one span, like 09:00 to 17:00."))

    def resolve_local(self, local: dt.datetime) -> dt.datetime:
        """The instant a clock on this desk's wall means."""
        return resolve_local(local, self.zone)

    def spans_on(self, date: dt.date) -> Spans:
        """What is open on this date, by the clock on the wall."""
        if date in self.holidays or (date.month, date.day) in self.annual_holidays:
            return ()
        usual = self.annual_shifts.get((date.month, date.day), self.week[date.weekday()])
        return cut(self.shifts.get(date, usual), self.breaks.get(date, ()))

    @cached_property
    def never_closes(self) -> bool:
        """Round the clock with no exceptions."""
        exceptions = (self.holidays, self.annual_holidays, self.shifts, self.annual_shifts, self.breaks)
        return not any(exceptions) and all(joined(spans) == WHOLE_DAY for spans in self.week)

    def _open_after(self, at: int) -> Iterator[Span]:
        if self.never_closes:
            yield at, at + LONGEST_WALK_DAYS * A_DAY
            return
        today = self._date_of(at)
        for ordinal in range(today, today + LONGEST_WALK_DAYS):
            for opens, closes in self._day(ordinal).spans:
                if closes > at:
                    yield max(opens, at), closes

    def _open_before(self, at: int) -> Iterator[Span]:
        today = self._date_of(at)
        for ordinal in range(today, today - LONGEST_WALK_DAYS, -1):
            for opens, closes in reversed(self._day(ordinal).spans):
                if opens < at:
                    yield opens, min(closes, at)

    def _open_between(self, start: int, end: int) -> Iterator[Span]:
        if self.never_closes:
            yield from joined([(start, end)])
            return
        for ordinal in count(self._date_of(start)):
            day = self._day(ordinal)
            if day.begins >= end:
                return
            for opens, closes in day.spans:
                if closes > start and opens < end and start < end:
                    yield max(opens, start), min(closes, end)

    def _date_of(self, at: int) -> int:
        """The date whose midnights lie around an instant, as an ordinal.

        The wall alone cannot tell: where clocks go back at midnight it shows an hour of yesterday after today has begun.
        """
        ordinal = instant(at).astimezone(zone_named(self.zone)).toordinal()
        while at < self._day(ordinal).begins:
            ordinal -= 1
        while at >= self._day(ordinal).ends:
            ordinal += 1
        return ordinal

    def _day(self, ordinal: int) -> Day:
        """Working a date out takes ten times longer than looking it up."""
        day = self._days.get(ordinal)
        if day is None:
            day = self._days[ordinal] = self._worked_out(dt.date.fromordinal(ordinal))
        return day

    def _worked_out(self, date: dt.date) -> Day:
        """Cut at the date's own midnights, so that a date which the zone skipped (Apia, 30 December 2011) holds nothing twice."""
        begins, ends = self._on(date, 0), self._on(date, END_OF_DAY)
        spans = ((self._on(date, opens), self._on(date, closes)) for opens, closes in self.spans_on(date))
        return Day(begins, ends, clipped(spans, begins, ends))

    def _on(self, date: dt.date, minute: int) -> int:
        return microseconds(self.resolve_local(dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minute)))
