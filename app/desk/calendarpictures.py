"""What the page of a calendar draws: the week as bars, and the next weeks as leaves of a calendar."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from app.core import clock
from app.hours import calendars
from app.hours.business import BusinessHours
from app.hours.models import Calendar, DateKind
from app.hours.spans import Spans
from app.hours.zones import zone_named

WEEKS = 6


class Bar(NamedTuple):
    """In minutes since midnight."""

    start: int
    width: int


class Leaf(NamedTuple):
    date: dt.date
    spans: Spans
    name: str
    look: str
    """open, closed, holiday or other."""
    today: bool
    past: bool


class Picture(NamedTuple):
    week: tuple[tuple[Bar, ...], ...]
    weeks: tuple[tuple[Leaf, ...], ...]


def bars(calendar: Calendar) -> tuple[tuple[Bar, ...], ...]:
    return tuple(tuple(Bar(opens, closes - opens) for opens, closes in day) for day in calendar.days)


def of(calendar: Calendar, desk_zone: str) -> Picture:
    zone = calendars.zone_in_use(calendar.zone, desk_zone)
    hours, today = calendar.hours(zone), clock.now().astimezone(zone_named(zone)).date()
    monday = today - dt.timedelta(days=today.weekday())
    days = [_leaf(calendar, hours, monday + dt.timedelta(days=place), today) for place in range(7 * WEEKS)]
    return Picture(bars(calendar), tuple(tuple(days[at : at + 7]) for at in range(0, 7 * WEEKS, 7)))


def _leaf(calendar: Calendar, hours: BusinessHours, date: dt.date, today: dt.date) -> Leaf:
    spans = hours.spans_on(date)
    rows = [row for row in calendar.dates if row.falls_on == date or (row.every_year and row.each_year_on == (date.month, date.day))]  # fmt: skip
    holiday = any(row.kind is DateKind.HOLIDAY for row in rows)
    look = "holiday" if holiday else "other" if rows else "open" if spans else "closed"
    return Leaf(date, spans, "; ".join(row.name for row in rows if row.name), look, date == today, date < today)
